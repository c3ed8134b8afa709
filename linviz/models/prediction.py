"""The accuracy expected of a new run, estimated from the shipped seeds."""
from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import stdtrit

from .checkpoints import FOLDER, canonical_name, file_slug, read_card, stored_models

FEWEST = 3  # the fewest seeds for an estimate of the spread


def accuracy_interval(name: str, budget: str = "short") -> tuple[float, float] | None:
    """The 95 % prediction interval of a new seed's held-out accuracy; None if fewer than three seeds are shipped.

    >>> low, high = accuracy_interval("softmax")
    >>> 0 <= low < high <= 1, accuracy_interval("softmax", "long")
    (True, None)
    """
    wanted = canonical_name(name)
    seeds = [seed for b, n, seed in stored_models() if (b, n) == (budget, wanted)]
    told = [read_card(FOLDER / budget / f"{file_slug(wanted)}.{seed}.safetensors")["test_accuracy"] for seed in seeds]
    return prediction_interval(told) if len(told) >= FEWEST else None


def prediction_interval(values: Sequence[float], share: float = 0.95) -> tuple[float, float]:
    """The interval in which one more value lies with probability `share`, within 0..1: mean +- t s sqrt(1 + 1/n).

    It assumes draws from one normal distribution, which so few values cannot prove. ValueError for fewer than two.

    >>> [round(end, 4) for end in prediction_interval([0.4, 0.5, 0.6], 0.5)]
    [0.4057, 0.5943]
    """
    mean, spread, n = sample_moments(values)
    reach = t_quantile((1 + share) / 2, n - 1) * spread * math.sqrt(1 + 1 / n)
    return max(0.0, mean - reach), min(1.0, mean + reach)


def sample_moments(values: Sequence[float]) -> tuple[float, float, int]:
    """Mean, standard deviation (over n - 1) and n; ValueError for fewer than two values.

    >>> sample_moments([1.0, 2.0, 3.0])
    (2.0, 1.0, 3)
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"a spread needs at least two values; got {n}")
    mean = math.fsum(values) / n
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in values) / (n - 1)), n


def t_quantile(p: float, degrees: int) -> float:
    """The quantile of Student's t for p in 0.5..1; ValueError for other p, or less than one degree of freedom.

    >>> round(t_quantile(0.975, 4), 4), round(t_quantile(0.975, 1), 3)
    (2.7764, 12.706)
    """
    if not 0.5 <= p < 1 or degrees < 1:
        raise ValueError(f"p must be at least 0.5 and below 1, and degrees at least 1; got {p} and {degrees}")
    return float(stdtrit(degrees, p))
