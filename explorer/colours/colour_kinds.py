"""Kinds of fields that only the page Colours has: its picture, spots of colour, and pinned patches."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from linviz.clips.colour_samples import COLOUR_PHOTOGRAPHS
from linviz.clips.colour_spots import read_spots, write_spots
from linviz.clips.photographs import known_name
from linviz.settings import Kind, Refused
from linviz.views import SourceFile

SIDE, MOST = 28, 6  # patches down and across; patches that are pinned at once
LONGEST = 8000      # letters of the text of spots
PLACE = re.compile(r"r(\d{1,2})c(\d{1,2})")


@dataclass(frozen=True)
class ColourSource(Kind):
    """A photograph's name, or a person's own file; in a URL NAME@SHA256."""

    widget: ClassVar[str] = "source"

    def check(self, value: Any) -> str | SourceFile:
        if isinstance(value, SourceFile):
            return value
        try:
            return known_name(str(value)[:80], COLOUR_PHOTOGRAPHS, "photograph")
        except ValueError as error:
            raise Refused(str(error)) from None

    def read(self, text: str) -> str | SourceFile:
        name, at, sha256 = text.rpartition("@")
        return SourceFile(name, sha256) if at else self.check(text)

    def write(self, value: str | SourceFile) -> str:
        return f"{value.name}@{value.sha256}" if isinstance(value, SourceFile) else value


@dataclass(frozen=True)
class SpotText(Kind):
    """Painted spots as `linviz.clips.colour_spots` writes them; the empty text where nobody has painted."""

    widget: ClassVar[str] = "spots"

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > LONGEST:
            raise Refused(f"takes spots of colour in at most {LONGEST:,} letters")
        try:
            return write_spots(read_spots(value, SIDE * SIDE)) if value else ""
        except ValueError as error:
            raise Refused(str(error)) from None


@dataclass(frozen=True)
class PinnedPatches(Kind):
    """Numbers of different patches, at most `MOST`; in a URL as r5c12, row and column counted from 1.

    >>> PinnedPatches().read("r1c1,r2c3"), PinnedPatches().write((30,))
    ((0, 30), 'r2c3')
    """

    widget: ClassVar[str] = "pins"

    def check(self, value: Any) -> tuple[int, ...]:
        whole = isinstance(value, tuple | list) and all(
            isinstance(x, int) and not isinstance(x, bool) and 0 <= x < SIDE * SIDE for x in value)
        if not whole or len({*value}) > MOST:
            raise Refused(f"takes at most {MOST} patches as r5c12, rows and columns from 1 to {SIDE}")
        return tuple(dict.fromkeys(value))

    def read(self, text: str) -> tuple[int, ...]:
        found = [PLACE.fullmatch(part) if part.isascii() else None for part in text.split(",") if part]
        places = [(int(one[1]), int(one[2])) if one else (0, 0) for one in found[:MOST + 1]]
        inside = all(1 <= y <= SIDE and 1 <= x <= SIDE for y, x in places)
        return self.check(tuple((y - 1) * SIDE + x - 1 for y, x in places) if inside else None)

    def write(self, value: tuple[int, ...]) -> str:
        return ",".join(f"r{n // SIDE + 1}c{n % SIDE + 1}" for n in value)
