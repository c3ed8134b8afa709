"""The view in a notebook: an anywidget with the same module as every other host.

    w = PatchView(panels, clip, grid, query=...)     show it by naming it in the last line of a cell
    w.query = 300;  w.strength = 0                   Python moves the view; w.on_pin(f) calls f(query) at every pin

Where no widget can run (a notebook on a web page, or printed), a still picture takes its place.
"""
from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, ClassVar

import anywidget
import traitlets

from ..grid import Grid
from ..settings import Kind, Refused, State
from ..views.state import Look
from .blob import Panel, Pictured, pack
from .source import module_source
from .still import alt_text, still_jpeg


def look_traits(fields: type[State]) -> dict[str, traitlets.TraitType[Any, Any]]:
    """A synchronised trait for every field of a look, with the field's own limits.

    >>> sorted(look_traits(Look))
    ['erasing', 'fading', 'follow', 'frame', 'mode', 'own', 'pins', 'projector', 'share', 'strength', 'tone']
    """
    default = fields()
    return {name: FieldTrait(one.kind, getattr(default, name)).tag(sync=True)
            for name, one in fields.settings().items()}


class FieldTrait(traitlets.TraitType[Any, Any]):
    """A trait that takes what the kind of a field takes; TraitError, in one sentence, for any other value."""

    def __init__(self, kind: Kind, default: Any) -> None:
        super().__init__(default)
        self.kind = kind

    def validate(self, obj: Any, value: Any) -> Any:
        """The value in its one form."""
        try:
            return self.kind.check(self.kind.from_json(value))
        except Refused as error:
            raise traitlets.TraitError(error.of(str(self.name), value)) from None


class PatchView(anywidget.AnyWidget):
    """Panels side by side over one clip, in a notebook cell. Options as in `pack`.

    query  token number, changed when a person pins another patch.
    blob   what is drawn; assign another `pack(...)` to show something else in place.

    Every field of `linviz.views.Look` is a trait of the same name: mode, tone, strength, fading, own, and so on. A
    trait changes when a person uses the control, and the view follows when Python sets it.
    """

    fields: ClassVar[type[State]] = Look
    _esm = module_source("host_widget.js")
    blob = traitlets.Bytes().tag(sync=True)
    query = traitlets.Int().tag(sync=True)

    vars().update(look_traits(Look))

    def __init__(self, panels: Sequence[Panel], clip: Pictured, grid: Grid, *, query: int, frame: int | None = None,
                 **options: Any) -> None:
        blob = pack(panels, clip, grid, query=query, frame=frame, fields=self.fields, **options)
        shown = frame if frame is not None else grid.place(query)[0] if query >= grid.prefix else 0
        look = {name: value for name, value in options.items() if name in self.fields.settings()}
        self._still = (tuple(panels), clip, grid)
        self._pinned: list[Callable[[int], object]] = []
        self._tokens = len(grid)
        super().__init__(blob=blob, query=query, frame=shown, **look)
        self.on_msg(self._receive)

    @traitlets.validate("query")
    def _on_grid(self, proposal: dict[str, Any]) -> int:
        if not 0 <= proposal["value"] < self._tokens:
            raise ValueError(f"query {proposal['value']} is not a token of this view, which has 0..{self._tokens - 1}")
        return int(proposal["value"])

    def on_pin(self, act: Callable[[int], object]) -> Callable[[int], object]:
        """Call `act(query)` whenever a person pins a patch; no pin is lost, however quick. Returns `act`."""
        self._pinned.append(act)
        return act

    def _receive(self, _: Any, content: dict[str, Any], __: Any) -> None:
        for act in self._pinned if "pin" in content else ():
            act(content["pin"])

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget for a notebook, and a still picture with its description for everything else."""
        data, about = super()._repr_mimebundle_(**kwargs) or ({}, {})
        panels, clip, grid = self._still
        words = alt_text(panels, clip, grid, self.query)
        picture = base64.b64encode(still_jpeg(panels, clip, grid, self.query)).decode()
        page = f'<img alt="{escape(words)}" src="data:image/jpeg;base64,{picture}" style="max-width:100%">'
        return {**data, "text/plain": words, "text/html": page, "image/jpeg": picture}, about


def patch_view_class(fields: type[State]) -> type[PatchView]:
    """A `PatchView` whose look has other fields: every field is a trait, as in `PatchView` itself."""
    return type(f"{fields.__name__}View", (PatchView,), {"fields": fields, **look_traits(fields)})
