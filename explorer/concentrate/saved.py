"""A saved view, brought to the page Concentrate: what an address would say to show it."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import product

from linviz.views import File, View

from . import choice as limits
from .choice import OWN, full, menu, shown

MORE = ("Of the saved view's mechanisms, {left} cannot be shown here beside the others; linviz read and linviz export "
        "can.")


def address(view: View) -> tuple[dict[str, str], list[str]]:
    """The parameters that ask for a view, and a sentence on what cannot be shown here.

    >>> address(View("coffee", specs=("softmax", "relu+gate:qk")))[0]["maps"]
    'softmax,relu+gate'
    """
    gates, maps, rest = picks(view.specs)
    file = view.source if isinstance(view.source, File) else None
    fields = {"clip": OWN if file else view.source, "patches": view.patches, "frames": view.frames,
              "temperature": view.temperature, "maps": maps, "spec": "".join(rest[:1]), **gates, "steps": view.steps,
              "seed": view.seed, "causal": view.causal, "head": view.head} | (
        {"file": file.name, "sha256": file.sha256} if file else {})
    fields |= {} if view.query is None else {"query": ",".join(map(str, view.query))}
    fields |= {name: value for name, value in asdict(view.look).items() if value is not None}
    return ({name: shown(value) for name, value in fields.items() if value != ""},
            [MORE.format(left=" and ".join(rest[1:]))] if rest[1:] else [])


def picks(specs: Sequence[str]) -> tuple[dict[str, object], tuple[str, ...], list[str]]:
    """What the gates read, picks from the menu, and the specs that are no such pick: as few as can be.

    >>> picks(["softmax", "relu_floor+gate:qk+shift:space", "linear@window:4"])[1:]
    (('softmax', 'relu_floor+gate'), ['linear@window:4'])
    """
    best: tuple[dict[str, object], tuple[str, ...], list[str]] | None = None
    for sees, shared, shift in product(limits.SEES[::-1], (False, True), limits.SHIFTS):
        there = {full(pick, sees, shared, shift): pick for pick in menu()}
        rest = [spec for spec in specs if spec not in there]
        if best is None or len(rest) < len(best[2]):
            maps = tuple(there[spec] for spec in specs if spec in there)
            best = {"sees": sees, "shared": shared, "shift": shift}, maps[:limits.MAPS[1]], rest
    assert best is not None
    return best
