"""The options of `linviz capture`. Torch is not imported here, so `linviz --help` is fast."""
from __future__ import annotations

import argparse
from pathlib import Path

from ..safe_output import FORCE

CAPTURE_ENDINGS = (".linviz", ".html")


def add_capture_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of `linviz capture` to a parser."""
    sub.add_argument("model", metavar="MODEL",
                     help="a folder with config.json and safetensors, FILE.py:FUNCTION (the function returns a module; "
                     "the file runs as your own code), or, with --download, a name on the Hugging Face hub")
    sub.add_argument("clip", metavar="CLIP", help="a sample's name, or a picture or video of your own")
    sub.add_argument("--out", type=Path, metavar="PATH",
                     help="write .linviz (q, k and v, to be opened again) or .html (a page of all heads); default: "
                     "only print the layers")
    sub.add_argument("--download", action="store_true", help="MODEL may be fetched from the Hugging Face hub")
    sub.add_argument("--layers", nargs="+", metavar="LAYER", help="numbers, counted from 1, or parts "
                     "of names; default: all")
    sub.add_argument("--heads", nargs="+", type=int, metavar="N", help="heads to keep, counted from 1; default: all")
    sub.add_argument("--grid", type=parse_sides, metavar="T,Y,X",
                     help="frames, rows and columns of the tokens, if the model does not say")
    sub.add_argument("--under", metavar="SPEC", help="print every head under another mechanism, as in relu_floor")
    sub.add_argument("--steps", type=int, default=0, metavar="N",
                     help="fit the gate of --under in so many steps per layer; default: 0")
    sub.add_argument("--force", action="store_true", help=FORCE)


def parse_sides(text: str) -> tuple[int, ...]:
    """Rows and columns, or frames, rows and columns.

    >>> parse_sides("14,14"), parse_sides("8,14,14")
    ((14, 14), (8, 14, 14))
    """
    sides = tuple(int(n) for n in text.split(","))
    if len(sides) not in (2, 3):
        raise ValueError(text)
    return sides
