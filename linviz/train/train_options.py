"""The options of `linviz train`. Torch is not imported here, so `linviz --help` is fast."""
from __future__ import annotations

import argparse
from pathlib import Path

from ..survey.survey_options import add_cluster_options

BUDGETS, TASKS = ("short", "long"), ("motion", "front", "colour")
SCHEMES = ("joint", "space", "divided", "axial", "local_global", "hybrid")
SETTINGS = ("main", "easy", "hard", "half", "exchanged")


def add_train_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of `linviz train` to a parser."""
    sub.add_argument("--mechanism", nargs="+", action="extend", required=True, metavar="SPEC",
                     help="what to train, as in: --mechanism softmax relu_floor+gate. One per layer, with slashes: "
                     "softmax/relu_floor/relu_floor")
    sub.add_argument("--scheme", choices=SCHEMES,
                     help="the layers of a block: joint is one over all tokens; hybrid is softmax inside each frame, "
                          "then the mechanism as a memory over frames; default: joint")
    sub.add_argument("--task", choices=TASKS,
                     help="motion: which way does a digit move? front: which of two discs passes in front? colour: "
                          "paint a grey picture from a few coloured patches; default: motion")
    sub.add_argument("--seeds", type=parse_seeds, default=[0],
                     help="one (3), several (0,2) or a range (0-4); default: 0")
    sub.add_argument("--budget", choices=BUDGETS, default=BUDGETS[0],
                     help="short: 800 steps, about a minute on one core; long: 2,400 steps")
    sub.add_argument("--steps", type=int, help="the number of steps, instead of the budget's")
    sub.add_argument("--setting", choices=SETTINGS, default=SETTINGS[0],
                     help="how hard the task is: main, easy or hard; for colour main, half or exchanged")
    sub.add_argument("--data", type=Path, metavar="DIR",
                     help="your own clips, one folder of videos per class; with --task colour, a folder of pictures")
    sub.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR",
                     help="folder for models; default: runs. Finished runs in it stay, interrupted ones continue")
    sub.add_argument("--force", action="store_true",
                     help="replace files in the folder that are not of this run, such as models of another recipe")
    add_cluster_options(sub)
    sub.add_argument("--device", help="cpu or cuda; default: cuda if available")


def parse_seeds(text: str) -> list[int]:
    """The seeds that a text names.

    >>> parse_seeds("3"), parse_seeds("0,2"), parse_seeds("0-4")
    ([3], [0, 2], [0, 1, 2, 3, 4])
    """
    try:
        ranges = [[int(end) for end in part.split("-")] for part in text.split(",")]
        found = [seed for ends in ranges for seed in range(ends[0], ends[-1] + 1)]
    except ValueError:
        found = []
    if not found or len(found) > 1000:
        raise argparse.ArgumentTypeError(f"{text!r} names no seeds; write one (3), several (0,2) or a range (0-4)")
    return found
