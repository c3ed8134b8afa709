"""The options of `linviz read` and `linviz export`, made from the fields of a `View`: each is declared in `state`.

Nothing of torch is imported here, so that `--help` answers at once.
"""
from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..safe_output import FORCE
from ..settings import Flat, Refused
from .state import STRENGTHS, View

FILE = "a sample's name, a picture, video or tensors (.npz, .safetensors) of your own, or a saved view or capture"
NUMBERS, PICTURES = (".csv", ".json", ".npz", ".py"), (".html", ".png", ".svg", ".mp4", ".zip", ".linviz")
METAVARS = {"specs": "SPEC", "options": "PANEL:NAME=VALUE", "query": "T,Y,X", "compare": "N,M", "whole": "N",
            "number": "X", "pins": "r5c12,f2r1c1"}


def add_read_options(sub: argparse.ArgumentParser, state: type[View] = View) -> None:
    """Add the options of `linviz read` to a parser."""
    sub.add_argument("file", metavar="FILE", help=FILE)
    sub.add_argument("--out", type=Path, metavar="PATH",
                     help="write .csv, .json, .npz (weights) or .py (code for the numbers); default: print them")
    sub.add_argument("--force", action="store_true", help=FORCE)
    sub.add_argument("--whole", action="store_true", help="whole maps in the .npz, not only the query's rows")
    for one in view_options(state):
        if one.inside is None or one.name in STRENGTHS:
            _add_option(sub, one)


def add_export_options(sub: argparse.ArgumentParser, state: type[View] = View) -> None:
    """Add the options of `linviz export` to a parser."""
    sub.add_argument("file", metavar="FILE", nargs="?", help=f"{FILE}; default: chelsea")
    sub.add_argument("second", nargs="?", help=argparse.SUPPRESS)   # of the old order, which gets a sentence
    sub.add_argument("--photo", help=argparse.SUPPRESS)             # the old name of FILE, which gets one, too
    sub.add_argument("--out", type=Path, metavar="PATH",
                     help="the file to write: .html (a page that opens without network), .png, .svg, .mp4 (clips), "
                     ".zip (key frames of a clip) or .linviz (a saved view)")
    sub.add_argument("--force", action="store_true", help=FORCE)
    for one in view_options(state):
        _add_option(sub, one)


def view_options(state: type[View] = View) -> Iterator[Flat]:
    """The fields of a view that are options; its source is an argument."""
    return (one for one in state.flat_settings().values() if one.name != "source")


def _add_option(sub: argparse.ArgumentParser, one: Flat) -> None:
    kind, flags = one.setting.kind, [f"--{one.name.replace('_', '-')}", *one.setting.flags]
    limits = kind.limits()
    said = one.setting.help + (f" ({limits['low']:g} to {limits['high']:g})" if limits.get("high") else "")
    more: dict[str, Any] = {"metavar": METAVARS.get(one.name, METAVARS.get(kind.widget, "WORD"))}
    if kind.widget == "switch":
        more = {"action": argparse.BooleanOptionalAction}
    elif kind.widget in ("specs", "options"):
        more |= {"nargs": "+", "action": "extend"}
    sub.add_argument(*flags, dest=one.name, default=None, help=said.replace("%", "%%"), **more)


def chosen_values(given: Mapping[str, Any], state: type[View] = View) -> dict[str, Any]:
    """The values of the options that were given; ValueError, in one sentence, for a text that means none.

    >>> chosen_values({"patches": "14", "specs": ["softmax", "linear"], "mode": None})
    {'patches': 14, 'specs': ('softmax', 'linear')}
    """
    found = {}
    for one in view_options(state):
        text = given.get(one.name)
        if text is None:
            continue
        text = ",".join(text) if isinstance(text, list) else str(int(text)) if isinstance(text, bool) else text
        try:
            found[one.name] = one.setting.kind.read(text)
        except Refused as error:
            raise ValueError(error.of(f"--{one.name.replace('_', '-')}", text)) from None
    return found
