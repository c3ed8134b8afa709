"""What charts draw of readings: a line per head, from numbers that the reading and `spectra` give."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import spectra
from ..reading import Reading
from . import theme


@dataclass(frozen=True)
class Line(theme.Named):
    """One map in a chart.

    title, spec, family  its name, and what determines its style
    values               singular values, descending, or cumulative shares: one number for each k = 1, 2, ...
    bound                the map cannot have more non-zero singular values than this
    tolerance            singular values below this count as zero, in the unit of the values
    """

    values: Sequence[float]
    bound: int | None = None
    tolerance: float | None = None


Drawn = Line | Reading | Sequence[Line | Reading]


def spectral_lines(given: Drawn, power: int = 0, centred: bool = False) -> list[Line]:
    """Lines as they are given, and a line per head of every reading: singular values, or with a power their shares.

    ValueError, in one sentence, for what is neither a `Line` nor a reading.

    >>> spectral_lines([Line("uniform", "uniform", "content-free", [1.0])])[0].values
    [1.0]
    """
    several = given if isinstance(given, list | tuple) else [given]
    return [line for one in several for line in _lines_of(one, power, centred)]


def _lines_of(one: Any, power: int, centred: bool) -> Iterator[Line]:
    if isinstance(one, Line):
        yield one
        return
    if not isinstance(one, Reading):
        raise ValueError("a spectrum is drawn of a reading, as linviz.read gives it, of several in a list, or of Lines"
                         f"; got {type(one).__name__}")
    s = one.centred_singular_values if centred else one.singular_values
    values, m = spectra.cumulative_share(s, power) if power else s, one.mechanism
    heads = s.flatten(0, -2)
    for n, (row, found) in enumerate(zip(heads, values.flatten(0, -2)), 1):
        title = m.title + (f", head {n}" if len(heads) > 1 else "")
        yield Line(title, m.spec, m.family, found.tolist(), one.map.rank_bound,
                   None if power else one.tolerance * row[0].item())
