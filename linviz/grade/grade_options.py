"""What `linviz grade` may be told; imported by the command line before anybody has asked for torch."""
from __future__ import annotations

import argparse
from pathlib import Path

from ..app_folders import apps_home

NOTEBOOKS = apps_home() / "notebooks"


def options(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add what the command may be told.

    >>> options(argparse.ArgumentParser()).parse_args(["handed_in"]).out
    PosixPath('grades.csv')
    """
    parser.add_argument("folder", type=Path, help="the submissions: a folder a person, or files NAME_NN_chapter.ipynb")
    parser.add_argument("-o", "--out", type=Path, default=Path("grades.csv"), help="the sheet (default: grades.csv)")
    parser.add_argument("--seconds", type=float, default=10, help="that one answer may work (default: 10)")
    parser.add_argument("--memory", type=float, default=2, metavar="GB", help="that it may use (default: 2; on Linux)")
    parser.add_argument("--jobs", type=int, default=2, help="submissions at a time (default: 2)")
    parser.add_argument("--seed", type=int, default=4242, help="of the inputs: the same seed, the same grades")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="your own copy, which says the points")
    return parser
