"""Code for a view: a few plain calls of linviz that print the numbers of its table, for a notebook or a script.

The code stands in the templates beside this module; here it gets its values.
"""
from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...clips import FRAMES
from ...clips.fitting import PATCH
from ...models.fit import softmax_target
from ..panel_steps import is_weakened
from ..state import ALL_HEADS
from ..state_kinds import SourceFile
from ..trained_panels import OpenTrained
from ..view_panels import OpenView
from .pinned_pictures import pin_places

MASK = '{"mask": mask}'
NEEDS = {"distance": f'{{"patch": {PATCH}}}', "frame_distance": "{}", "mass": MASK, "lift": MASK}  # as source
ALTERS = {"temperature": "with_temperature", "strength": "with_gate_strength"}  # what is altered: the function for it


def view_code(opened: OpenView) -> str:
    """The code of a view, as text that ends with a newline. A person's own file is read from the working folder.

    >>> from linviz.views import View, open_view
    >>> opened = open_view(View("coffee", patches=7, specs=("softmax",)))
    >>> view_code(opened).splitlines()[-1]
    "print_numbers(make('softmax'))"
    >>> exec(view_code(opened), {})      # doctest: +ELLIPSIS
    softmax                  entropy ...
    """
    return _fill(
        "view", opened, grid=opened.grid, panels=opened.panels, tensors=opened.from_tensors, patch=PATCH,
        several=opened.tokens.q.shape[1] > 1, elsewhere=opened.tokens.key_grid is not None,
        captured=opened.tokens.layer is not None,
        file=opened.view.source if isinstance(opened.view.source, SourceFile) else None, fewest_frames=FRAMES[0],
        more={name: NEEDS[name] for name in opened.tokens.measure_options},
        signed=any(not panel.map.stochastic for panel in opened.panels),
        pins=pin_places(opened), weakened=lambda panel: is_weakened(panel, opened.view.look))


def trained_code(opened: OpenTrained) -> str:
    """The code of a view of trained models, as text that ends with a newline."""
    alter = {name: function for name, function in ALTERS.items()
             if any(name in opened.view.altered(one.spec) for one in opened.answers)}
    return _fill("trained", opened, answers=opened.answers, alter=alter, every_head=ALL_HEADS)


def _fill(name: str, opened: OpenView | OpenTrained, **values: Any) -> str:
    versions = {part: opened.to_json()[part] for part in ("linviz", "torch")}
    template = _templates().get_template(f"{name}_code.py.jinja")
    return template.render(versions, view=opened.view, place=opened.place, **values)


@cache
def _templates() -> Environment:
    made = Environment(loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    made.filters |= {"repr": repr, "target": softmax_target, "options": _keywords}
    return made


def _keywords(options: Mapping[str, Any]) -> str:
    """Options as arguments that follow others."""
    return "".join(f", {name}={value!r}" for name, value in options.items())
