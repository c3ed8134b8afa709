"""The distribution of a measure over the clips of a survey: per layer, head and mechanism, with its mean's interval."""
from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..models.prediction import sample_moments, t_quantile
from .survey_columns import column_of

if TYPE_CHECKING:
    import pyarrow as pa

FEWEST = 2      # clips for an interval
SHARE = 0.95


@dataclass(frozen=True)
class Spread:
    """One measure of one head under one mechanism, over n clips.

    low, high     the 95 % interval of the mean by Student's t; NaN with one clip
    quartiles     minimum, first quartile, median, third quartile, maximum
    missing       clips without this number
    """

    layer: int
    head: int
    mechanism: str
    n: int
    mean: float
    low: float
    high: float
    quartiles: tuple[float, float, float, float, float]
    missing: int = 0

    @property
    def place(self) -> str:
        """Which attention, in words.

        >>> Spread(2, 1, "softmax", 1, 0.5, 0.4, 0.6, (0.5,) * 5).place
        'layer 2, head 1'
        """
        return f"layer {self.layer}, head {self.head}" if self.layer else "patch descriptors"


def survey_spreads(table: pa.Table, measure: str) -> list[Spread]:
    """The distributions of a measure, in the table's order of layers, heads and mechanisms; none for what is empty.

    ValueError, with the measures that there are, for another name.
    """
    column_of(measure)
    columns = table.select(["layer", "head", "mechanism", measure]).to_pydict()
    found, missing = defaultdict[tuple[int, int, str], list[float]](list), defaultdict[tuple[int, int, str], int](int)
    for layer, head, mechanism, x in zip(*columns.values()):
        if layer is not None and head is not None and mechanism is not None:
            if x is None:
                missing[layer, head, mechanism] += 1
            else:
                found[layer, head, mechanism].append(x)
    order = list(dict.fromkeys(mechanism for _, _, mechanism in found))
    keys = sorted(found, key=lambda key: (key[0], key[1], order.index(key[2])))
    return [spread_of(key, found[key], missing[key]) for key in keys]


def spread_of(key: tuple[int, int, str], values: Sequence[float], missing: int = 0) -> Spread:
    """The distribution of these numbers, one or more.

    >>> found = spread_of((0, 0, "softmax"), [1.0, 2.0, 3.0])
    >>> found.n, found.mean, round(found.low, 2), found.quartiles
    (3, 2.0, -0.48, (1.0, 1.5, 2.0, 2.5, 3.0))
    """
    low, high = interval_of_mean(values)
    parts = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    first, median, third = parts
    return Spread(*key, len(values), math.fsum(values) / len(values), low, high,
                  (min(values), first, median, third, max(values)), missing)


def interval_of_mean(values: Sequence[float], share: float = SHARE) -> tuple[float, float]:
    """The interval that holds the mean of all such clips with this probability; NaN for a single value.

    It assumes clips drawn independently of each other, and a mean that is nearly normal.

    >>> [round(end, 4) for end in interval_of_mean([0.4, 0.5, 0.6])]
    [0.2516, 0.7484]
    """
    if len(values) < FEWEST:
        return math.nan, math.nan
    mean, spread, n = sample_moments(values)
    reach = t_quantile((1 + share) / 2, n - 1) * spread / math.sqrt(n)
    return mean - reach, mean + reach


def missing_reasons(table: pa.Table) -> dict[str, int]:
    """Why rows have no numbers: the reason, and how many rows it has, most frequent first."""
    reasons = [why for why in table.column("why").to_pylist() if why]
    return dict(sorted({why: reasons.count(why) for why in dict.fromkeys(reasons)}.items(), key=lambda pair: -pair[1]))
