"""The commands for learners: `linviz progress` and `linviz reset 4.2`; importing this module does not import torch."""
from __future__ import annotations

import argparse
from pathlib import Path

from ..app_folders import apps_home

NOTEBOOKS = apps_home() / "notebooks"


def add_folder_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the folder of a learner's notebooks to a parser.

    >>> add_folder_options(argparse.ArgumentParser()).parse_args(["mine"]).folder
    PosixPath('mine')
    """
    parser.add_argument("folder", nargs="?", type=Path, default=NOTEBOOKS, help="yours, if it is another one")
    return parser


def add_progress_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the options of `linviz progress` to a parser.

    >>> add_progress_options(argparse.ArgumentParser()).parse_args(["--predictions"]).predictions
    True
    """
    parser.add_argument("--predictions", action="store_true", help="print what you predicted instead")
    return add_folder_options(parser)


def add_reset_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the options of `linviz reset` to a parser.

    >>> add_reset_options(argparse.ArgumentParser()).parse_args(["4.2"]).number
    '4.2'
    """
    parser.add_argument("number", help="of the exercise, such as 4.2")
    return add_folder_options(parser)


def print_progress(given: argparse.Namespace) -> None:
    """Print the exercises that are solved, chapter by chapter, or with --predictions what was predicted.

    Raises ValueError where there is no chapter, or where the predictions cannot be read.
    """
    from .learner_files import progress_report
    from .prediction_file import prediction_report
    print(prediction_report(given.folder) if given.predictions else progress_report(given.folder))


def run_reset(given: argparse.Namespace) -> None:
    """Make one answer's cell as it was, and say where the notebook before it is kept; ValueError as `reset_answer`."""
    from .learner_files import reset_answer
    print(reset_answer(given.folder, given.number))
