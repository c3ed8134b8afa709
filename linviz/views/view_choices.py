"""What a call of `linviz.view` chooses, checked before any work: fields, mechanisms with options, the grid."""
from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from ..grid import Grid, as_grid
from .panel_options import read_panel
from .state import View
from .view_panels import OpenView


def check_choices(specs: Sequence[Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """The fields that were chosen, the mechanisms and their options among them; ValueError, in one sentence.

    >>> check_choices(["performer directions=8"], {"query": (2, 3)})
    {'query': (0, 2, 3), 'specs': ('performer',), 'options': ({'directions': 8},)}
    """
    there = [name for name in View.flat_settings() if name != "source"]
    for name in chosen:
        if name not in there:
            near = difflib.get_close_matches(name, there, 1)
            hint = f", did you mean {near[0]!r}?" if near else ";"
            raise ValueError(f"a view has no {name!r:.40}{hint} it has {', '.join(there)}")
    if len(specs) == 1 and isinstance(specs[0], list | tuple):
        specs = tuple(specs[0])
    if specs and "specs" in chosen:
        raise ValueError(f"mechanisms are given twice: {', '.join(map(str, specs))} and specs={chosen['specs']!r:.80}")
    for one in specs:
        if not isinstance(one, str):
            raise ValueError(f"a mechanism is named by its spec, as in 'softmax' or 'relu_floor+gate'; got {one!r:.80}")
    if specs:
        panels = [read_panel(one) for one in specs]
        chosen = chosen | {"specs": tuple(spec for spec, _ in panels), "options": tuple(opts for _, opts in panels)}
    query = chosen.get("query")
    return chosen | ({"query": (0, *query)} if isinstance(query, tuple | list) and len(query) == 2 else {})


def check_cut(given: Grid | Sequence[int] | None, opened: OpenView) -> None:
    """ValueError, in one sentence, where a view was cut to another grid than was asked for."""
    there = opened.grid
    asked = there if given is None else as_grid(given)
    if (asked.T, asked.Y, asked.X) != (there.T, there.Y, there.X):
        cut = f"{there.T} x {there.Y} x {there.X} patches"
        raise ValueError(f"{opened.clip.name} is cut to {cut}, not to grid={given}: a sample is square, your own "
                         "picture keeps its form, and tensors have their own grid; give patches= (of the longer side) "
                         "and frames=")
