"""Kinds of fields: what a value may be, how a text is read as one, and what a widget has to know of it."""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar


class Refused(ValueError):
    """A value that a kind does not take: either "takes ..." or a sentence of its own."""

    def of(self, name: str, value: Any) -> str:
        """One sentence that names the field and repeats the value."""
        return f"{name} {self}; got {value!r:.80}" if str(self).startswith("takes ") else str(self)

    def of_parameter(self, name: str, text: str) -> str:
        """One sentence about a parameter of a URL."""
        reason = f"it {self}" if str(self).startswith("takes ") else str(self)
        return f"{name}={text[:80]!r} in the address has no effect: {reason}."


@dataclass(frozen=True)
class Kind:
    """What a field may hold. `none`: None is a value too, and is not written into a URL."""

    widget: ClassVar[str] = "text"
    shown: ClassVar[tuple[str, ...]] = ()  # the fields that are its limits

    def check(self, value: Any) -> Any:
        """The value in its one form; Refused for a value that is not of this kind."""
        raise NotImplementedError

    def read(self, text: str) -> Any:
        """The value that a text means, in a URL or on the command line; Refused where it means none."""
        return self.check(text)

    def write(self, value: Any) -> str:
        """The text that `read` understands."""
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

    def from_json(self, value: Any) -> Any:
        """The value of what JSON has made of it."""
        return tuple(value) if isinstance(value, list) else value

    def to_json(self, value: Any) -> Any:
        """The value as JSON holds it."""
        return list(value) if isinstance(value, tuple) else value

    def limits(self) -> dict[str, Any]:
        """The kind as data: for JavaScript and for whatever draws a widget."""
        return {"kind": self.widget} | {name: getattr(self, name) for name in self.shown}


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number from low to high; without a high end where that is None.

    >>> Whole(1, 8).read("3"), Whole(1, 8).limits()
    (3, {'kind': 'whole', 'low': 1, 'high': 8})
    """

    low: int
    high: int | None = None
    none: bool = False
    widget: ClassVar[str] = "whole"
    shown: ClassVar[tuple[str, ...]] = ("low", "high")

    def check(self, value: Any) -> int | None:
        if value is None and self.none:
            return None
        good = isinstance(value, int) and not isinstance(value, bool) and value >= self.low
        if not good or (self.high is not None and value > self.high):
            ends = f"from {self.low}" + ("" if self.high is None else f" to {self.high:,}")
            raise Refused(f"takes a whole number {ends}{' or none' * self.none}")
        return int(value)

    def read(self, text: str) -> int | None:
        digits = text.strip()
        plain = digits.isascii() and digits.removeprefix("-").isdigit() and len(digits) < 20
        return self.check(int(digits) if plain else text)

    def limits(self) -> dict[str, Any]:
        return super().limits() | ({"none": True} if self.none else {})


@dataclass(frozen=True)
class Number(Kind):
    """A number from low to high. `log`: a slider goes in equal ratios; `step`: in equal steps; `none`: or None.

    >>> Number(0.0, 1.0).read("0.25")
    0.25
    """

    low: float
    high: float
    step: float = 0.01
    log: bool = False
    none: bool = False
    widget: ClassVar[str] = "number"
    shown: ClassVar[tuple[str, ...]] = ("low", "high")

    def check(self, value: Any) -> float | None:
        if value is None and self.none:
            return None
        good = isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high
        if not good:
            raise Refused(f"takes a number from {self.low:g} to {self.high:g}")
        return float(value)

    def read(self, text: str) -> float | None:
        try:
            return self.check(float(text) if text.isascii() and "_" not in text else text)
        except (ValueError, OverflowError) as error:
            raise error if isinstance(error, Refused) else Refused(f"takes a number from {self.low:g} to "
                                                                   f"{self.high:g}") from None

    def write(self, value: float) -> str:
        return repr(value) if float(f"{value:g}") != value else f"{value:g}"

    def stops(self, *more: float) -> list[float]:
        """The values that a slider in equal ratios stops at, and some more that it must be able to show.

        >>> Number(0.1, 10.0, log=True).stops(0.5)[:3]
        [0.1, 0.11, 0.13]
        """
        count = round(math.log(self.high / self.low, 10) * 20)
        ratio = (self.high / self.low) ** (1 / count)
        ladder = {float(f"{self.low * ratio**n:.2g}") for n in range(count + 1)} | {self.low, self.high, *more}
        return sorted(x for x in ladder if self.low <= x <= self.high)


@dataclass(frozen=True, init=False)
class Word(Kind):
    """One of some words. `Word(function)` asks for them when they are needed.

    >>> Word("year", "name").read("year")
    'year'
    """

    given: tuple[Any, ...]
    widget: ClassVar[str] = "word"

    def __init__(self, *given: Any) -> None:
        object.__setattr__(self, "given", given)

    @property
    def words(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.given[0]()) if callable(self.given[0]) else self.given

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise Refused(f"takes one of {', '.join(self.words)}")
        return value

    def limits(self) -> dict[str, Any]:
        return {"kind": "word", "words": list(self.words)}


@dataclass(frozen=True)
class Words(Kind):
    """Some of the words that a function knows, none twice, at most `most` of them.

    >>> Words(lambda: ("a", "b", "c"), 2).read("b,a,b")
    ('b', 'a')
    """

    known: Callable[[], tuple[str, ...] | list[str]]
    most: int
    widget: ClassVar[str] = "words"

    def check(self, value: Any) -> tuple[str, ...]:
        known, words = self.known(), list[Any](value) if isinstance(value, tuple | list) else [None]
        words = [word for n, word in enumerate(words) if word not in words[:n]]
        if not all(word in known for word in words) or len(words) > self.most:
            raise Refused(f"takes at most {self.most} of {', '.join(known)}, with commas between")
        return tuple(words)

    def read(self, text: str) -> tuple[str, ...]:
        return self.check(tuple(part for part in text.split(",") if part))

    def limits(self) -> dict[str, Any]:
        return {"kind": "words", "words": list(self.known()), "most": self.most}


@dataclass(frozen=True)
class Text(Kind):
    """A short text.

    >>> Text(5).read("cat")
    'cat'
    """

    longest: int
    widget: ClassVar[str] = "text"
    shown: ClassVar[tuple[str, ...]] = ("longest",)

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > self.longest:
            raise Refused(f"takes at most {self.longest} letters")
        return value


@dataclass(frozen=True)
class Switch(Kind):
    """On or off; 1 or 0 in a URL.

    >>> Switch().read("1"), Switch().write(False)
    (True, '0')
    """

    widget: ClassVar[str] = "switch"

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Refused("takes true or false")
        return value

    def read(self, text: str) -> bool:
        if text not in ("0", "1"):
            raise Refused("takes one of 0, 1")
        return text == "1"

    def write(self, value: bool) -> str:
        return str(int(value))
