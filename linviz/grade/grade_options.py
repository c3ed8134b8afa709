"""The options of `linviz grade`; importing this module does not import torch."""
from __future__ import annotations

import argparse
from pathlib import Path

from ..app_folders import apps_home
from ..safe_output import FORCE

NOTEBOOKS = apps_home() / "notebooks"


def add_grade_options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the options of `linviz grade` to a parser.

    >>> add_grade_options(argparse.ArgumentParser()).parse_args(["handed_in"]).out
    PosixPath('grades.csv')
    """
    parser.add_argument("folder", type=Path, help="submissions: a folder per person, or files NAME_NN_chapter.ipynb")
    parser.add_argument("-o", "--out", type=Path, default=Path("grades.csv"), help="the sheet (default: grades.csv), "
                        "outside the folder of submissions")
    parser.add_argument("--predictions", type=Path, metavar="FILE", help="also write what everybody predicted into a "
                        "sheet of its own; it gives no points")
    parser.add_argument("--force", action="store_true", help=FORCE)
    parser.add_argument("--seconds", type=float, default=10, help="time limit for one answer (default: 10)")
    parser.add_argument("--memory", type=float, default=2, metavar="GB", help="memory limit (default: 2; Linux only)")
    parser.add_argument("--jobs", type=int, default=2, help="submissions graded at a time (default: 2)")
    parser.add_argument("--seed", type=int, default=4242, help="of the inputs: the same seed gives the same grades")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="your own copy, which defines the points")
    return parser
