"""What the length of the query does: entropy and largest weight of a map at q x 1/4, 1, 4, 16, with the same keys.

    softmax       A_ij ~ exp(q_i.k_j / sqrt(D)): a query twice as long has a sharper row
    a kernel      phi(q_i).phi(k_j) / sum_l phi(q_i).phi(k_l): a factor of phi(q_i) stands above and below, and cancels
    by contrast   A = 1/S + c_i (p - 1/S), with c_i the length of phi(q_i): the row leaves 1/S, on both sides

Entropy needs rows that are probability distributions. The largest weight times the number of keys is defined for
every map; it is 1 where all weights are equal.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .reading import Reading, read

FACTORS = (0.25, 1.0, 4.0, 16.0)
EQUAL = 1e-4  # numbers that differ by less than this part are equal
SLIGHT_BITS, SLIGHT_RATIO = 0.25, 2.0  # less than this, over all factors, is a slight answer
ANSWERS = ("none", "slight", "until full", "in proportion", "sharper", "contrast", "flatter")


@dataclass(frozen=True)
class LengthSensitivity:
    """Numbers at each factor of the query: means over the live rows of each head, then over heads.

    entropy   in bits; None where rows are not probability distributions
    largest   the largest weight of a row, times the number of keys
    """

    factors: tuple[float, ...]
    entropy: tuple[float, ...] | None
    largest: tuple[float, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """Entropy where there is one, else the largest weight times the number of keys."""
        return self.largest if self.entropy is None else self.entropy

    @property
    def answer(self) -> str:
        """What a longer query does, in one of the words of ANSWERS.

        none           nothing: all numbers are equal
        slight         entropy moves by less than 0.25 bits, or the largest weight by less than a factor of 2
        until full     the last two numbers are equal, while those before differ
        in proportion  every weight is multiplied by the same factor; the row is not sharper
        sharper        entropy falls
        contrast       the largest weight grows, in a map that has no entropy
        flatter        entropy rises, or the largest weight falls where there is no entropy

        >>> LengthSensitivity((1.0, 4.0), (7.53, 2.99), (81.0, 376.0)).answer
        'sharper'
        """
        x = self.values
        if _equal(x):
            return "none"
        if self.entropy is None and _equal([one / factor for one, factor in zip(x, self.factors)]):
            return "in proportion"
        if _equal(x[-2:]):
            return "until full"
        if max(x) - min(x) < SLIGHT_BITS if self.entropy else max(x) < SLIGHT_RATIO * min(x):
            return "slight"
        if self.entropy:
            return "sharper" if x[-1] < x[0] else "flatter"
        return "contrast" if x[-1] > x[0] else "flatter"


def _equal(x: Sequence[float]) -> bool:
    return max(x) - min(x) <= EQUAL * max(map(abs, x))


@torch.no_grad()
def length_sensitivity(reading: Reading, factors: Sequence[float] = FACTORS) -> LengthSensitivity:
    """Read the map of a reading again with q (B, H, N, D) times each factor; k and v stay as they are.

    ValueError, in one sentence, where factors are not two or more positive numbers in ascending order.
    Rectifying the neglect of this length is the aim of MALA (Fan et al., 2025, arXiv 2507.00698).

    >>> from linviz import Grid, make
    >>> q, k, v = torch.randn(3, 1, 1, 25, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> found = {name: length_sensitivity(read(make(name, 1, 8, Grid(Y=5, X=5)), q, k, v)) for name in
    ...          ("softmax", "fastmax", "inline")}
    >>> [(name, one.answer) for name, one in found.items()]
    [('softmax', 'sharper'), ('fastmax', 'none'), ('inline', 'contrast')]
    """
    return _length_numbers(reading, factors)[-1]


@torch.no_grad()
def head_sensitivities(reading: Reading, factors: Sequence[float] = FACTORS) -> list[LengthSensitivity]:
    """`length_sensitivity` of every head by itself, in order; NaN where all rows of a head are dead.

    >>> from linviz import Grid, make
    >>> q, k, v = torch.randn(3, 1, 2, 25, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> [one.answer for one in head_sensitivities(read(make("softmax", 2, 8, Grid(Y=5, X=5)), q, k, v))]
    ['sharper', 'sharper']
    """
    return _length_numbers(reading, factors)[:-1]


def _length_numbers(reading: Reading, factors: Sequence[float]) -> list[LengthSensitivity]:
    """The sensitivity of every head, then that of their mean."""
    steps = tuple(float(factor) for factor in factors)
    if len(steps) < 2 or not 0 < steps[0] or any(a >= b for a, b in zip(steps, steps[1:])):
        raise ValueError(f"factors of the query are two or more positive numbers in ascending order; got {factors!r}")
    found = [read(reading.mechanism, factor * reading.q, reading.k, reading.v, reading.channel, reading.mean_of_heads)
             for factor in steps]
    largest = [_heads_then_mean(_largest_weights(one)) for one in found]
    entropy = [_heads_then_mean(one.rows("entropy")) if one.map.stochastic else None for one in found]
    known = [one for one in entropy if one is not None]
    return [LengthSensitivity(steps, tuple(one[head] for one in known) if len(known) == len(steps) else None,
                              tuple(one[head] for one in largest)) for head in range(len(largest[0]))]


def _heads_then_mean(rows: torch.Tensor) -> list[float]:
    """Numbers of rows (1, H, N): the mean of every head over its live rows, then the mean of these over heads."""
    heads = rows.nanmean(-1)
    return [*heads.flatten().tolist(), heads.nanmean().item()]


def _largest_weights(reading: Reading) -> torch.Tensor:
    """The largest weight of every row times the number of keys, (B, H, N); NaN for a dead row."""
    largest = torch.cat([rows.amax(-1) for _, rows in reading.map.walk()], -1)
    return largest.double().masked_fill(reading.dead, torch.nan) * reading.map.shape[1]
