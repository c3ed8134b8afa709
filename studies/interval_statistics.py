"""The statistics that the evidence needs, each tested on numbers that can be checked by hand.

An interval (low, high) contains the true value in 95 of 100 cases, if the assumptions named in its docstring hold.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from linviz.models.prediction import sample_moments, t_quantile

Interval = tuple[float, float]
NORMAL = 1.959964  # the 97.5 % quantile of the normal distribution
DRAWS = 2000       # of a bootstrap


def mean_interval(values: Sequence[float]) -> Interval:
    """Interval of the mean of few values, drawn from one normal distribution: mean +- t s / sqrt(n).

    >>> [round(x, 3) for x in mean_interval([0.4, 0.5, 0.6])]
    [0.252, 0.748]
    """
    mean, spread, n = sample_moments(values)
    reach = t_quantile(0.975, n - 1) * spread / math.sqrt(n)
    return mean - reach, mean + reach


def share_interval(share: float, n: int) -> Interval:
    """Wilson's interval of a probability, without correction, after n independent trials with the frequency `share`.

    >>> [round(x, 3) for x in share_interval(0.5, 100)]
    [0.404, 0.596]
    """
    z = NORMAL**2 / n
    middle, reach = share + z / 2, NORMAL * math.sqrt(share * (1 - share) / n + z / n / 4)
    return (middle - reach) / (1 + z), (middle + reach) / (1 + z)


def paired_interval(right: Sequence[int], other: Sequence[int]) -> Interval:
    """Paired normal interval of the difference in accuracy of two models on the same clips; 0 or 1 per clip.

    >>> [round(x, 3) for x in paired_interval([1, 1, 1, 0] * 25, [1, 1, 0, 0] * 25)]
    [0.165, 0.335]
    """
    gaps = np.asarray(right, float) - np.asarray(other, float)
    reach = NORMAL * gaps.std(ddof=1) / math.sqrt(len(gaps))
    return float(gaps.mean() - reach), float(gaps.mean() + reach)


def rank_values(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Ranks from 1 along the last axis, ties at their mean.

    >>> rank_values([0.2, 0.1, 0.2]).tolist()
    [2.5, 1.0, 2.5]
    """
    return np.asarray(rankdata(values, axis=-1), float)


def pearson_correlation(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> Any:
    """Pearson's correlation, one number per row (..., n); NaN where one of the two does not vary.

    >>> pearson_correlation([[1, 2, 3], [3, 2, 1]], [[1, 2, 3], [1, 2, 3]]).tolist()
    [1.0, -1.0]
    """
    a, b = (v - v.mean(-1, keepdims=True) for v in (np.asarray(x, float), np.asarray(y, float)))
    return _ratio((a * b).sum(-1), np.sqrt((a * a).sum(-1) * (b * b).sum(-1)), 0)


def _ratio(top: Any, bottom: Any, least: float) -> Any:
    """A quotient; NaN where the divisor is not above `least`; a float if there is one row."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(bottom > least, top / bottom, math.nan)
    return found if found.ndim else found.item()


def rank_correlation(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> Any:
    """Spearman's correlation of ranks, one number per row.

    >>> round(rank_correlation([1, 2, 3, 4], [1, 4, 9, 16]), 6)
    1.0
    """
    return pearson_correlation(rank_values(x), rank_values(y))


def partial_correlation(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray,
                        given: Sequence[float] | np.ndarray) -> Any:
    """Correlation of the ranks of x and y with the ranks of `given` held constant, one number per row.

    >>> z = [1, 2, 3, 4, 5, 6]                 # both rise with z; with z held constant, one falls as the other rises
    >>> round(partial_correlation([2, 1, 4, 3, 6, 5], [1, 3, 2, 5, 4, 6], z), 2)
    -0.95
    """
    a, b, c = (rank_values(v) for v in (x, y, given))
    xy, xz, yz = pearson_correlation(a, b), pearson_correlation(a, c), pearson_correlation(b, c)
    rest = (1 - xz**2) * (1 - yz**2)
    return _ratio(xy - xz * yz, np.sqrt(np.maximum(rest, 0)), 1e-6)


def bootstrap_interval(columns: Sequence[Sequence[float]], statistic: Callable[..., Any], seed: int = 0) -> Interval:
    """Percentile interval of a statistic of columns of equal length; complete rows are drawn with replacement.

    The statistic is called once, with the columns (DRAWS, n) of all draws. Draws in which it is NaN (nothing varies)
    are left out; the interval is NaN if none is left.

    >>> low, high = bootstrap_interval([[1, 2, 3, 4, 5, 6], [1, 3, 2, 5, 4, 6]], rank_correlation)
    >>> 0 < low < high <= 1
    True
    """
    table = np.asarray(columns, float)
    n = table.shape[1]
    found = statistic(*table[:, np.random.default_rng(seed).integers(0, n, (DRAWS, n))])
    found = found[~np.isnan(found)]
    if not len(found):
        return math.nan, math.nan
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def difference_interval(share: float, other: float, n: int) -> Interval:
    """Interval of the difference of two shares of n trials each, taken as independent: wider than the paired one.

    >>> [round(x, 3) for x in difference_interval(0.6, 0.4, 100)]
    [0.064, 0.336]
    """
    reach = NORMAL * math.sqrt((share * (1 - share) + other * (1 - other)) / n)
    return share - other - reach, share - other + reach
