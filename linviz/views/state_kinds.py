"""Kinds of fields that only a view has: its source, its mechanisms, their options, and a patch."""
from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..settings import Kind, Refused, Setting

PLACE = re.compile(r"\d{1,5}")
ITEM = re.compile(r"(?P<panel>\d):(?P<name>\w+)=(?P<text>[\w.+-]*)")


@dataclass(frozen=True)
class SourceFile:
    """A person's own file, known by its name and the SHA-256 of its bytes (64 hexadecimal digits).

    >>> SourceFile.of("../night.png", b"abc").name
    'night.png'
    """

    name: str
    sha256: str

    def __post_init__(self) -> None:
        from ..clips.decode import plain_name
        if self.name != plain_name(self.name):
            raise Refused(f"a file is known by a plain short name without folders; got {self.name!r:.80}")
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise Refused(f"a file's sha256 is 64 hexadecimal digits; got {self.sha256!r:.80}")

    @classmethod
    def of(cls, name: str, data: bytes) -> SourceFile:
        """The file of these bytes."""
        from ..clips.decode import plain_name
        return cls(plain_name(name), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Source(Kind):
    """A sample's name, or a person's own file; in a URL NAME@SHA256."""

    widget: ClassVar[str] = "source"

    def check(self, value: Any) -> str | SourceFile:
        from .. import clips
        if isinstance(value, SourceFile):
            return value
        if not isinstance(value, str):
            raise Refused(f"a view shows a sample, known by its name, or a file; got {value!r:.80}")
        try:
            return clips.known_name(value, clips.names(), "photograph or clip")
        except ValueError as error:
            raise Refused(str(error)) from None

    def read(self, text: str) -> str | SourceFile:
        name, at, sha256 = text.rpartition("@")
        return SourceFile(name, sha256) if at else self.check(text[:80])

    def write(self, value: str | SourceFile) -> str:
        return f"{value.name}@{value.sha256}" if isinstance(value, SourceFile) else value

    def from_json(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if sorted(value) != ["name", "sha256"]:
            raise ValueError(f"a file in a view has a name and a sha256; got {', '.join(map(str, value))!r:.80}")
        return SourceFile(str(value["name"]), str(value["sha256"]))

    def to_json(self, value: Any) -> Any:
        return {"name": value.name, "sha256": value.sha256} if isinstance(value, SourceFile) else value


@dataclass(frozen=True)
class Specs(Kind):
    """Specs of mechanisms in their shortest form, from `low` to `high` of them."""

    low: int
    high: int
    widget: ClassVar[str] = "specs"

    def check(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, tuple | list) or not self.low <= len(value) <= self.high:
            raise Refused(f"takes {self.low} to {self.high} mechanisms, with commas between")
        return tuple(self.short(spec) for spec in value)

    def short(self, spec: Any) -> str:
        """One name in its shortest form."""
        from ..mechanisms import parse
        try:
            return str(parse(spec))
        except ValueError as error:
            raise Refused(str(error)) from None

    def read(self, text: str) -> tuple[str, ...]:
        parts = [part.replace(" ", "+") for part in text.split(",")]  # a URL typed by hand has lost its pluses
        return self.check(tuple(parts) if text else ())

    def write(self, value: tuple[str, ...]) -> str:
        return ",".join(value)

    def limits(self) -> dict[str, Any]:
        return {"kind": "specs", "low": self.low, "high": self.high}


@dataclass(frozen=True)
class ModelNames(Specs):
    """Names of trained models: a spec, and perhaps a variant after ~."""

    def short(self, spec: Any) -> str:
        name, tilde, variant = str(spec).partition("~")
        if variant and not re.fullmatch(r"[\w=.]{1,40}", variant):
            raise Refused(f"{spec!r:.80} names no model: a model is a spec, and perhaps ~VARIANT")
        try:
            return super().short(name) + tilde + variant
        except Refused:
            from ..models.checkpoints import shipped
            known = ", ".join(sorted({model for _, model, _ in shipped()}))
            raise Refused(f"no trained model is called {str(spec)!r:.80}; there are: {known}") from None


@dataclass(frozen=True)
class Place(Kind):
    """Frame, row and column of a patch from 0, or the number of a token that lies before the picture; or None."""

    widget: ClassVar[str] = "place"

    def check(self, value: Any) -> tuple[int, ...] | None:
        if value is None:
            return None
        whole = isinstance(value, tuple | list) and all(
            isinstance(x, int) and not isinstance(x, bool) and 0 <= x < 100_000 for x in value)
        if not whole or len(value) not in (1, 3):
            raise Refused("takes a frame, a row and a column, counted from 0, or none")
        return tuple(value)

    def read(self, text: str) -> tuple[int, ...] | None:
        parts = text.split(",")
        if len(parts) not in (1, 2, 3) or not all(part.isascii() and PLACE.fullmatch(part) for part in parts):
            raise Refused("takes frame,row,column, counted from 0")
        numbers = tuple(map(int, parts))
        return (0, *numbers) if len(numbers) == 2 else numbers

    def write(self, value: tuple[int, ...]) -> str:
        return ",".join(map(str, value))


# ------------------------------------------------------------------------------------------------ options of mechanisms


class Options(dict[str, Any]):
    """The options of one panel: a dictionary that can be a key, and is not changed.

    >>> {Options(a=1): "here"}[Options(a=1)]
    'here'
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


class TypedOptions(tuple[tuple[int, str, str], ...]):
    """Options as somebody has typed them: number of the panel, name, text. `read_options` makes them values."""


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
        found = [ITEM.fullmatch(item) for item in text.split(",")]
        if not all(found):
            raise Refused("takes PANEL:NAME=VALUE, as in 1:directions=64, with commas between")
        return TypedOptions((int(one["panel"]), one["name"], one["text"]) for one in found if one)

    def write(self, value: tuple[Options, ...]) -> str:
        return ",".join(f"{n}:{name}={_written(x)}" for n, one in enumerate(value) for name, x in one.items())

    def from_json(self, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

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
    spec, *rest = text.split()
    (spec,) = Specs(1, 1).check((spec,))
    found = {}
    for item in rest:
        name, equals, value = item.partition("=")
        if not equals:
            raise Refused(f"{text!r:.80}: options are written NAME=VALUE after the spec, as in performer directions=64")
        found[name] = _read_option(spec, name, value)
    return spec, Options(_checked(spec, found))


def _written(x: Any) -> str:
    return str(int(x)) if isinstance(x, bool) else f"{x:g}" if isinstance(x, float) else str(x)


def declared_options(spec: str) -> dict[str, Setting]:
    """The options that the mechanism of a spec declares, by name.

    >>> sorted(declared_options("performer"))
    ['directions', 'kind', 'orthogonal']
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
            found[panel][name] = _read_option(specs[panel], name, text)
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


def _read_option(spec: str, name: str, text: str) -> Any:
    one = _option(spec, name)
    try:
        return one.kind.read(text)
    except Refused as error:
        raise Refused(error.of(f"{spec}: {name}", text)) from None


def _option(spec: str, name: str) -> Setting:
    there = declared_options(spec)
    if name not in there:
        raise Refused(f"{spec} has no option {name!r:.40}; it has {', '.join(there) or 'none'}")
    return there[name]
