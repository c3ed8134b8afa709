"""What the fields of a view may be: their limits, and one plain sentence for every value that is none."""
from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from .. import clips
from ..clips import limits
from ..clips.decode import plain_name
from ..grid import Grid
from ..mechanisms import parse
from .look import Look

SPECS = ("softmax", "relu_floor", "relu_floor+gate")
PATCHES, FRAMES, STEPS, SEEDS, HEADS, MAPS = (1, 112), (1, limits.ASKED), (1, 10_000), (0, 2**32 - 1), (1, 256), (1, 8)
TEMPERATURES = (0.01, 100.0)
OWN_CLIP = 16  # patches along the longer side with which somebody's own clip is shown first
TOKENS = 12_544  # 112 x 112 patches, or 16 frames of 28 x 28


@dataclass(frozen=True)
class File:
    """Somebody's own file, told by its name and the SHA-256 of its bytes (64 hexadecimal digits).

    >>> File.of("../night.png", b"abc").name
    'night.png'
    """

    name: str
    sha256: str

    def __post_init__(self) -> None:
        if self.name != plain_name(self.name):
            raise ValueError(f"a file is told by a plain short name without folders; got {self.name!r:.80}")
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"a file's sha256 is 64 hexadecimal digits; got {self.sha256!r:.80}")

    @classmethod
    def of(cls, name: str, data: bytes) -> File:
        """The file of these bytes."""
        return cls(plain_name(name), hashlib.sha256(data).hexdigest())


def largest(source: str | File, frames: int, patches: int) -> Grid:
    """The grid of a source that has all the frames that are asked for.

    >>> largest("coffee", 8, 14), largest("pan", 8, 14)
    (Grid(T=1, Y=14, X=14, prefix=0), Grid(T=8, Y=14, X=14, prefix=0))
    """
    return Grid(1 if source in clips.PHOTOGRAPHS else frames, patches, patches)


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """The fields of a view, each in its one form; ValueError, in one sentence, for a value that is none."""
    for name, low, high in (("patches", *PATCHES), ("frames", *FRAMES), ("steps", *STEPS), ("seed", *SEEDS),
                            ("head", *HEADS)):
        _whole(name, found[name], low, high)
    if not isinstance(found["causal"], bool):
        raise ValueError(f"causal is true or false; got {found['causal']!r:.80}")
    if not isinstance(found["look"], Look):
        raise ValueError(f"look is a linviz.views.Look; got {found['look']!r:.80}")
    source, patches = _source(found["source"]), found["patches"]
    grid = largest(source, found["frames"], patches)
    if len(grid) > TOKENS:
        raise ValueError(f"{grid.T} frames of {patches} x {patches} patches are {len(grid):,} tokens and {TOKENS:,} "
                         "can be read: take fewer patches or frames")
    return found | {"source": source, "temperature": _temperature(found["temperature"]),
                    "specs": _specs(found["specs"]), "query": _query(found["query"], grid, isinstance(source, str))}


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} takes a whole number from {low} to {high:,}; got {value!r:.80}")


def _source(source: Any) -> str | File:
    if isinstance(source, File):
        return source
    if not isinstance(source, str):
        raise ValueError(f"a view is of a sample, told by its name, or of a file; got {source!r:.80}")
    return clips.known_name(source, clips.names(), "photograph or clip")


def _temperature(value: Any) -> float:
    low, high = TEMPERATURES
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"temperature takes a number from {low} to {high:g}; got {value!r:.80}")
    return float(value)


def _specs(specs: Any) -> tuple[str, ...]:
    if not isinstance(specs, tuple) or not MAPS[0] <= len(specs) <= MAPS[1]:
        raise ValueError(f"a view shows {MAPS[0]} to {MAPS[1]} mechanisms; got {specs!r:.80}")
    if strange := [spec for spec in specs if not isinstance(spec, str)]:
        raise ValueError(f"a mechanism is named by a spec, as in relu_floor+gate; got {strange[0]!r:.80}")
    short = tuple(str(parse(spec)) for spec in specs)
    if len(set(short)) < len(short):
        raise ValueError(f"a view shows each mechanism once; got {', '.join(short)}")
    return short


def _query(query: Any, grid: Grid, known: bool) -> tuple[int, int, int] | None:
    if query is None:
        return None
    if not isinstance(query, tuple) or len(query) != 3:
        raise ValueError(f"a query is a frame, a row and a column, counted from 0, or none; got {query!r:.80}")
    for name, at, size in zip(("frame", "row", "column"), query, (grid.T, grid.Y, grid.X)):
        _whole(f"the query's {name}", at, 0, size - 1 if known else TOKENS)
    return query
