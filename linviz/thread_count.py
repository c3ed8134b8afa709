"""How many threads the computation of a command uses: one, unless `--threads` or OMP_NUM_THREADS asks for more.

Threads wait for each other after every operation. On a machine that other programs use as well, one that is held up
holds up all of them, so two threads can take many times as long as one (`python3 start.py bench threads`).
"""
from __future__ import annotations

import argparse
import os
import sys

VARIABLE = "OMP_NUM_THREADS"    # torch and numpy read it when they are imported, also in processes started later


def add_threads_option(sub: argparse.ArgumentParser) -> None:
    """Add `--threads` to a parser."""
    sub.add_argument("--threads", type=_whole_count, metavar="N",
                     help="threads for the computation; default: 1, or OMP_NUM_THREADS. On a busy machine more are "
                     "slower")


def _whole_count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def set_thread_count(count: int | None) -> None:
    """Use this number of threads in this process and in those that it starts; None keeps OMP_NUM_THREADS, or is 1.

    >>> set_thread_count(1)
    >>> os.environ["OMP_NUM_THREADS"]
    '1'
    """
    os.environ[VARIABLE] = str(count) if count else os.environ.get(VARIABLE) or "1"
    if count and "torch" in sys.modules:    # it has read the variable already
        sys.modules["torch"].set_num_threads(count)
