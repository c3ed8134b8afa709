"""Measures of a spectrum: functions of singular values s (..., R) in descending order, never of a map.

There is no single "rank". Every function below names the rank it computes, and a count that depends on a
tolerance says so. s_1 of a row-stochastic map belongs to the mean row; use the spectrum of
`map.centred()` to see what depends on the query. Every measure is that of s / s_1, so that it is the same for a map
of any size; the zero map, whose singular values are all zero, has the rank 0 by every measure.
"""
from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .measure import measure
from .shapes import Spectrum

RANGE = "1 to rank; zero map: 0"


def _check_spectrum(s: Tensor) -> Tensor:
    if s.shape[-1] == 0 or not torch.isfinite(s).all() or bool((s < 0).any()):
        raise ValueError(f"singular values must be finite, non-negative and at least one; got shape {tuple(s.shape)}")
    return s


def _relative_spectrum(s: Tensor) -> Tensor:
    """s / s_1, whose powers neither overflow nor vanish; zeros for the zero map."""
    return _divide_or_zero(_check_spectrum(s), s[..., :1].expand_as(s))


def _divide_or_zero(top: Tensor, bottom: Tensor) -> Tensor:
    """top / bottom, or 0 where bottom is 0 (the zero map)."""
    return torch.where(bottom > 0, top / bottom.where(bottom > 0, torch.ones_like(bottom)), torch.zeros_like(top))


@measure("spectrum", "numerical rank", "r", "of min(N, S)", "0 to min(N, S)", "s > tolerance s_1")
def numerical_rank(s: Spectrum, tolerance: float) -> Int[Tensor, "*lead"]:
    """The number of singular values above `tolerance` times the largest; 0 for the zero map.

    Use the tolerance of the map (`map.tolerance`): it depends on the dtype in which the map was computed, so that
    casting never changes the rank.

    >>> numerical_rank(torch.tensor([1.0, 0.5, 1e-9]), 1e-6)
    tensor(2)
    """
    if not 0 <= tolerance < 1:
        raise ValueError(f"the tolerance is a fraction of the largest singular value, between 0 and 1; got {tolerance}")
    return (_check_spectrum(s) > tolerance * s[..., :1]).sum(-1)


@measure("spectrum", "effective rank", "e^H(s)", "", RANGE, "Roy and Vetterli 2007")
def effective_rank(s: Spectrum) -> Float[Tensor, "*lead"]:
    """exp of the entropy of s / sum s (Roy and Vetterli 2007): 1 for one direction, R for R equal directions.

    >>> effective_rank(torch.ones(4))
    tensor(4.)
    """
    r = _relative_spectrum(s)
    p = _divide_or_zero(r, r.sum(-1, keepdim=True))
    return torch.special.entr(p).sum(-1).exp() * (s[..., 0] > 0)


@measure("spectrum", "stable rank", "sum s^2 / s_1^2", "", RANGE, "Rudelson and Vershynin 2007")
def stable_rank(s: Spectrum) -> Float[Tensor, "*lead"]:
    """Squared Frobenius norm over squared spectral norm.

    >>> stable_rank(torch.tensor([2.0, 1.0]))
    tensor(1.2500)
    """
    return _relative_spectrum(s).square().sum(-1)


@measure("spectrum", "participation ratio", "(sum s^2)^2 / sum s^4", "", RANGE, "of the eigenvalues s^2")
def participation_ratio(s: Spectrum) -> Float[Tensor, "*lead"]:
    """The number of directions over which the energy s^2 is spread.

    >>> participation_ratio(torch.tensor([1.0, 1.0, 0.0]))
    tensor(2.)
    """
    energy = _relative_spectrum(s).square()
    return _divide_or_zero(energy.sum(-1).square(), energy.square().sum(-1))


@measure("spectrum", "energy index", "k_p", "directions", RANGE, "smallest k that holds a share p of sum s^2")
def energy_rank(s: Spectrum, share: float = 0.9) -> Int[Tensor, "*lead"]:
    """The smallest number of singular values whose squares hold `share` of the total; equality counts. Zero map: 0.

    >>> energy_rank(torch.tensor([3.0, 1.0, 1.0]))      # 9/11 = .82, 10/11 = .91
    tensor(2)
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share of the energy must be above 0 and at most 1; got {share}")
    reached = cumulative_share(s, power=2) >= share - 1e-12
    return (s.shape[-1] - reached.sum(-1) + 1) * (s[..., 0] > 0)


def cumulative_share(s: Spectrum, power: int = 1) -> Float[Tensor, "*lead R"]:
    """The share held by the first k: of the sum of s (power 1, as in Linformer) or of s^2 (power 2, energy).

    >>> cumulative_share(torch.tensor([3.0, 1.0]))
    tensor([0.7500, 1.0000])
    """
    if power not in (1, 2):
        raise ValueError(f"power must be 1 (singular values) or 2 (energy); got {power}")
    c = _relative_spectrum(s).double().pow(power).cumsum(-1)
    return _divide_or_zero(c, c[..., -1:]).to(s.dtype)
