"""Options of mechanisms: one dictionary per panel, with what a mechanism declares in its own `settings`."""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..settings import Kind, Refused, Setting
from .state_kinds import Specs

ITEM = re.compile(r"(?P<panel>\d):(?P<name>\w+)=(?P<text>[\w.+-]*)", re.ASCII)


class Options(dict[str, Any]):
    """The options of one panel: a dictionary that can be a key, and is not changed.

    >>> {Options(a=1): "here"}[Options(a=1)]
    'here'
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


class TypedOptions(tuple[tuple[int, str, str], ...]):
    """Options as a person has typed them: number of the panel, name, text. `read_options` makes them values."""


@dataclass(frozen=True)
class PanelOptions(Kind):
    """One dictionary per panel; in a URL and on the command line 0:scan=frames,1:directions=64."""

    widget: ClassVar[str] = "options"

    def check(self, value: Any) -> Any:
        if isinstance(value, TypedOptions):
            return value
        if not isinstance(value, tuple | list) or not all(isinstance(one, Mapping) for one in value):
            raise Refused("takes one dictionary per panel")
        return tuple(Options(one) for one in value)

    def read(self, text: str) -> TypedOptions:
        found = [ITEM.fullmatch(item) for item in text.split(",")] if text else []
        if not all(found):
            raise Refused("takes PANEL:NAME=VALUE, as in 1:directions=64, with commas between")
        return TypedOptions((int(one["panel"]), one["name"], one["text"]) for one in found if one)

    def write(self, value: tuple[Options, ...]) -> str:
        return ",".join(f"{n}:{name}={_written(x)}" for n, one in enumerate(value) for name, x in one.items())

    def to_json(self, value: Any) -> Any:
        return [dict(one) for one in value]


def panel_text(spec: str, options: Mapping[str, Any]) -> str:
    """A spec and its options as one text; `read_panel` reads it.

    >>> panel_text("performer", {"directions": 64}), panel_text("softmax", {})
    ('performer directions=64', 'softmax')
    """
    return " ".join([spec, *(f"{name}={_written(x)}" for name, x in options.items())])


def read_panel(text: str) -> tuple[str, Options]:
    """The spec in its shortest form and the options that a text names; ValueError for what cannot be.

    >>> read_panel("performer directions=64")
    ('performer', {'directions': 64})
    """
    spec, *rest = text.split() or [""]
    (spec,) = Specs(1, 1).check((spec,))
    found = {}
    for item in rest:
        name, equals, value = item.partition("=")
        if not equals:
            raise Refused(f"{text!r:.80}: options are written NAME=VALUE after the spec, as in performer directions=64")
        found[name] = _read(spec, name, value)
    return spec, Options(_checked(spec, found))


def _written(x: Any) -> str:
    return str(int(x)) if isinstance(x, bool) else f"{x:g}" if isinstance(x, float) else str(x)


def declared_options(spec: str) -> dict[str, Setting]:
    """The options that the mechanism of a spec declares, by name.

    >>> sorted(declared_options("performer"))
    ['directions', 'floor', 'kind', 'orthogonal']
    """
    from ..mechanisms import REGISTRY, parse
    return dict(REGISTRY[parse(spec.partition("~")[0]).name].settings)


def read_options(specs: tuple[str, ...], options: Any) -> tuple[Options, ...]:
    """Options as one dictionary per panel, each value checked by what its mechanism declares.

    ValueError, in one sentence, for an option that the mechanism does not have, or a wrong value.

    >>> read_options(("softmax", "performer"), TypedOptions([(1, "directions", "64")]))
    ({}, {'directions': 64})
    """
    if isinstance(options, TypedOptions):
        found: list[dict[str, Any]] = [{} for _ in specs]
        for panel, name, text in options:
            if panel >= len(specs):
                raise ValueError(f"there is no panel {panel} for the option {name}: panels are counted from 0, and "
                                 f"there are {len(specs)}")
            found[panel][name] = _read(specs[panel], name, text)
        options = tuple(found)
    options = tuple(options) or ({},) * len(specs)
    if len(options) != len(specs):
        raise ValueError(f"options are one dictionary per panel: there are {len(specs)} panels and {len(options)} "
                         "dictionaries")
    return tuple(Options(_checked(spec, one)) for spec, one in zip(specs, options))


def _checked(spec: str, options: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    for name, value in options.items():
        try:
            out[name] = _option(spec, name).kind.check(value)
        except Refused as error:
            raise Refused(error.of(f"{spec}: {name}", value)) from None
    return out


def _read(spec: str, name: str, text: str) -> Any:
    """The value of an option that a text means; Refused, in one sentence, where it means none."""
    try:
        return _option(spec, name).kind.read(text)
    except Refused as error:
        raise Refused(error.of(f"{spec}: {name}", text)) from None


def _option(spec: str, name: str) -> Setting:
    there = declared_options(spec)
    if name not in there:
        raise Refused(f"{spec} has no option {name!r:.40}; it has {', '.join(there) or 'none'}")
    return there[name]
