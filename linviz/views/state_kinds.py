"""Kinds of fields that only a view has: its source, its mechanisms, and a patch."""
from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..settings import Kind, Refused

PLACE = re.compile(r"\d{1,5}")
PIN = re.compile(r"(?:f(\d{1,5}))?r(\d{1,5})c(\d{1,5})")


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
            return clips.known_name(value[:80], clips.names(), "photograph or clip")
        except ValueError as error:
            raise Refused(str(error)) from None

    def read(self, text: str) -> str | SourceFile:
        name, at, sha256 = text.rpartition("@")
        return SourceFile(name, sha256) if at else self.check(text)

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
    shown: ClassVar[tuple[str, ...]] = ("low", "high")

    def check(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, tuple | list) or not self.low <= len(value) <= self.high:
            raise Refused(f"takes {self.low} to {self.high} mechanisms, with commas between")
        return tuple(self.short(spec) for spec in value)

    def short(self, spec: Any) -> str:
        """One name in its shortest form."""
        from ..mechanisms import parse
        if not isinstance(spec, str) or len(spec) > 80:
            raise Refused(f"{spec!r:.80} is not a spec, as softmax is")
        try:
            return str(parse(spec))
        except ValueError as error:
            raise Refused(str(error)) from None

    def read(self, text: str) -> tuple[str, ...]:
        parts = [part.replace(" ", "+") for part in text.split(",")]  # a URL typed by hand has lost its pluses
        return self.check(tuple(parts) if text else ())


@dataclass(frozen=True)
class ModelNames(Specs):
    """Names of trained models: a spec, or one for each layer (a/b/c), and perhaps a variant after ~."""

    def short(self, spec: Any) -> str:
        name, tilde, variant = str(spec).partition("~")
        if variant and not re.fullmatch(r"[\w=.]{1,40}", variant):
            raise Refused(f"{spec!r:.80} names no model: a model is a spec, and perhaps ~VARIANT")
        from ..models.checkpoints import canonical_name, stored_models
        try:
            layers = "/".join(super(ModelNames, self).short(part) for part in name.split("/"))
            return canonical_name(layers) + tilde + variant
        except Refused:
            known = sorted({re.sub(r"[+~][^/]*", "", model) for _, model, _ in stored_models()})
            raise Refused(f"no trained model is called {str(spec)!r:.80}; there are {', '.join(known)}, some of them "
                          "with a gate or a shift") from None


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


@dataclass(frozen=True)
class Pins(Kind):
    """Different patches, at most `most` of them: frame, row and column from 0. A URL counts from 1 and omits frame 1.

    >>> Pins(3).read("r1c1,f2r5c12"), Pins(3).write(((0, 4, 11), (1, 0, 0)))
    (((0, 0, 0), (1, 4, 11)), 'r5c12,f2r1c1')
    """

    most: int
    widget: ClassVar[str] = "pins"
    shown: ClassVar[tuple[str, ...]] = ("most",)

    def check(self, value: Any) -> tuple[tuple[int, int, int], ...]:
        found = value if isinstance(value, tuple | list) else (None,)
        whole = all(isinstance(at, tuple | list) and len(at) == 3 and all(
            isinstance(x, int) and not isinstance(x, bool) and 0 <= x < 100_000 for x in at) for at in found)
        if not whole or len(found) > self.most:
            raise Refused(f"takes at most {self.most} patches as r5c12 or f2r5c12: frame, row, column, counted from 1")
        return tuple(dict.fromkeys((at[0], at[1], at[2]) for at in found))

    def read(self, text: str) -> tuple[tuple[int, int, int], ...]:
        found = [PIN.fullmatch(part) if part.isascii() else None for part in text.split(",") if part]
        return self.check([one and tuple(int(x or 1) - 1 for x in one.groups()) for one in found])

    def write(self, value: tuple[tuple[int, int, int], ...]) -> str:
        return ",".join(f"f{t + 1}" * (t > 0) + f"r{y + 1}c{x + 1}" for t, y, x in value)

    def from_json(self, value: Any) -> Any:
        whole = isinstance(value, tuple | list)
        return tuple(tuple(at) if isinstance(at, list) else at for at in value) if whole else value

    def to_json(self, value: Any) -> Any:
        return [list(at) for at in value]


@dataclass(frozen=True)
class Pair(Kind):
    """Two different panels by their numbers from 0, as in 0,1; or None."""

    widget: ClassVar[str] = "pair"

    def check(self, value: Any) -> tuple[int, int] | None:
        if value is None:
            return None
        whole = isinstance(value, tuple | list) and all(
            isinstance(x, int) and not isinstance(x, bool) and 0 <= x < 100 for x in value)
        if not whole or len(value) != 2 or value[0] == value[1]:
            raise Refused("takes two different panels by their numbers from 0, as in 0,1")
        return value[0], value[1]

    def read(self, text: str) -> tuple[int, int] | None:
        parts = text.split(",")
        return self.check(tuple(int(part) if part.isascii() and PLACE.fullmatch(part) else -1 for part in parts))
