"""What `linviz read` and `linviz export` can be told. Nothing of torch is imported here, so that help comes at once."""
from __future__ import annotations

import argparse
from pathlib import Path

FILE = "a sample's name, a picture, video or tensors (.npz, .safetensors) of your own, or a saved view"
NUMBERS, LOOKS = (".csv", ".json", ".npz", ".py"), (".html", ".png", ".svg", ".mp4", ".linviz")


def options_of_read(sub: argparse.ArgumentParser) -> None:
    """Add the options of `linviz read` to a parser."""
    sub.add_argument("file", metavar="FILE", help=FILE)
    sub.add_argument("--out", type=Path, metavar="PATH",
                     help="write .csv, .json, .npz (weights) or .py (code for the numbers); default: print them")
    sub.add_argument("--whole", action="store_true", help="whole maps in the .npz, not the pinned patch's rows")
    _choices(sub)


def options_of_export(sub: argparse.ArgumentParser) -> None:
    """Add the options of `linviz export` to a parser."""
    sub.add_argument("path", type=Path, metavar="PATH",
                     help="the file to write: .html (a page that opens without network), .png, .svg, .mp4 (clips) or "
                     ".linviz (a saved view)")
    sub.add_argument("file", metavar="FILE", nargs="?", help=f"{FILE}; default: chelsea")
    sub.add_argument("--photo", metavar="NAME", help="the same, as an option")
    sub.add_argument("--mode", metavar="HOW", help="light, heat or difference (every map less the first)")
    sub.add_argument("--tone", metavar="HOW", help="brightness by the root (default), linear or log")
    sub.add_argument("--own", action="store_true", default=None, help="every map has an exposure of its own")
    sub.add_argument("--share", type=float, help="a line around the fewest patches that hold this share, 0 to 0.95")
    sub.add_argument("--strength", type=float, help="of the gates, 0 to 1, in pictures")
    sub.add_argument("--follow", action="store_true", default=None, help="the query goes where its patch moves")
    sub.add_argument("--frame", type=int, help="shown large, from 0; default: the query's own")
    _choices(sub)


def _choices(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--mechanism", "--mechanisms", nargs="+", action="extend", metavar="SPEC", dest="specs",
                     help="default: softmax relu_floor relu_floor+gate")
    sub.add_argument("--query", metavar="T,Y,X", help="frame, row and column of the patch that asks, from 0")
    sub.add_argument("--patches", type=int, help="a side; of your own file, along its longer side")
    sub.add_argument("--frames", type=int, help="of a clip, at most")
    sub.add_argument("--temperature", type=float, help="of the similarity; lower is sharper")
    sub.add_argument("--causal", action="store_true", default=None, help="no patch sees one that comes after it")
    sub.add_argument("--head", type=int, help="of tensors that have several, from 1")
    sub.add_argument("--steps", type=int, help="of a gate's fit to softmax; default: 300")
    sub.add_argument("--seed", type=int, help="of a gate's fit; default: 0")
