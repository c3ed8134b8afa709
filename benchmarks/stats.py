"""The few statistics that the evidence needs, each said in one line and tested on numbers that can be checked.

An interval is (low, high) and holds what it is about in 95 of 100 cases, if its assumptions hold: they are named.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from linviz.models.prediction import moments, t_quantile

Interval = tuple[float, float]
NORMAL = 1.959964  # the 97.5 % quantile of the normal distribution
DRAWS = 2000       # of a bootstrap


def of_mean(values: Sequence[float]) -> Interval:
    """Interval of the mean of few values, drawn from one normal distribution: mean +- t s / sqrt(n).

    >>> [round(x, 3) for x in of_mean([0.4, 0.5, 0.6])]
    [0.252, 0.748]
    """
    mean, spread, n = moments(values)
    reach = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
    return mean - reach, mean + reach


def of_share(share: float, n: int) -> Interval:
    """Interval of a probability of which n independent trials showed `share`: Wilson's, without correction.

    >>> [round(x, 3) for x in of_share(0.5, 100)]
    [0.404, 0.596]
    """
    z = NORMAL**2 / n
    middle, reach = share + z / 2, NORMAL * math.sqrt(share * (1 - share) / n + z / n / 4)
    return (middle - reach) / (1 + z), (middle + reach) / (1 + z)


def of_paired(right: Sequence[int], other: Sequence[int]) -> Interval:
    """Interval of the difference in accuracy of two models on the same clips, 0 or 1 a clip: the paired normal one.

    >>> [round(x, 3) for x in of_paired([1, 1, 1, 0] * 25, [1, 1, 0, 0] * 25)]
    [0.165, 0.335]
    """
    gaps = np.asarray(right, float) - np.asarray(other, float)
    reach = NORMAL * gaps.std(ddof=1) / math.sqrt(len(gaps))
    return float(gaps.mean() - reach), float(gaps.mean() + reach)


def ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks from 1, ties at their mean.

    >>> ranks([0.2, 0.1, 0.2]).tolist()
    [2.5, 1.0, 2.5]
    """
    x = np.asarray(values, float)
    return ((x[:, None] > x).sum(1) + ((x[:, None] == x).sum(1) + 1) / 2).astype(float)


def pearson(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> float:
    """Correlation; NaN where one of both does not vary."""
    a, b = np.asarray(x, float) - np.mean(x), np.asarray(y, float) - np.mean(y)
    size = math.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else math.nan


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Correlation of ranks.

    >>> round(spearman([1, 2, 3, 4], [1, 4, 9, 16]), 6)
    1.0
    """
    return pearson(ranks(x), ranks(y))


def partial(x: Sequence[float], y: Sequence[float], given: Sequence[float]) -> float:
    """Correlation of the ranks of x and y, what both share with the ranks of `given` taken out.

    >>> z = [1, 2, 3, 4, 5, 6]                 # both rise with z; where z is taken out, one falls as the other rises
    >>> round(partial([2, 1, 4, 3, 6, 5], [1, 3, 2, 5, 4, 6], z), 2), round(spearman([2, 1, 4, 3, 6, 5], z), 2)
    (-0.95, 0.83)
    """
    xy, xz, yz = spearman(x, y), spearman(x, given), spearman(y, given)
    rest = (1 - xz**2) * (1 - yz**2)
    return (xy - xz * yz) / math.sqrt(rest) if rest > 1e-12 else math.nan


def bootstrap(columns: Sequence[Sequence[float]], statistic: Callable[..., float], seed: int = 0) -> Interval:
    """Percentile interval of a statistic of columns of equal length, whole rows drawn anew with replacement.

    Draws in which the statistic is not defined (nothing varies) are left out; NaN where none is left.

    >>> low, high = bootstrap([[1, 2, 3, 4, 5, 6], [1, 3, 2, 5, 4, 6]], spearman)
    >>> 0 < low < high <= 1
    True
    """
    table = np.asarray(columns, float)
    draw = np.random.default_rng(seed)
    drawn = [statistic(*table[:, draw.integers(0, table.shape[1], table.shape[1])]) for _ in range(DRAWS)]
    found = [x for x in drawn if not math.isnan(x)]
    if not found:
        return math.nan, math.nan
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def of_difference(share: float, other: float, n: int) -> Interval:
    """Interval of the difference of two shares of n trials each, taken as independent: wider than the paired one.

    >>> [round(x, 3) for x in of_difference(0.6, 0.4, 100)]
    [0.064, 0.336]
    """
    reach = NORMAL * math.sqrt((share * (1 - share) + other * (1 - other)) / n)
    return share - other - reach, share - other + reach
