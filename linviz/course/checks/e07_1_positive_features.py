"""Exercise 7.1: positive random features, whose products have the exponential as their mean."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

N, D, M = 7, 5, 4  # tokens, channels, directions
MANY = 1024        # directions: the mean of their products is near the exponential


def right(x: Tensor, w: Tensor) -> Tensor:
    """Number by number. x (N, D), w (M, D) -> (N, M)."""
    out = torch.zeros(len(x), len(w), dtype=x.dtype)
    for i, token in enumerate(x):
        for m, direction in enumerate(w):
            out[i, m] = ((direction * token).sum() - (token * token).sum() / 2).exp() / len(w) ** 0.5
    return out


def _half(x: Tensor) -> Tensor:
    return x.square().sum(-1, keepdim=True) / 2


def _root(w: Tensor) -> float:
    return float(len(w)) ** 0.5


WRONG = {
    "without |x|^2 / 2": lambda x, w: (x @ w.mT).exp() / _root(w),
    "when |x|^2 / 2 is added, not subtracted": lambda x, w: (x @ w.mT + _half(x)).exp() / _root(w),
    "when |x|^2 is not halved": lambda x, w: (x @ w.mT - 2 * _half(x)).exp() / _root(w),
    "when the length of x is not squared": lambda x, w: (x @ w.mT - x.norm(dim=-1, keepdim=True) / 2).exp() / _root(w),
    "when the mean of the squares takes the place of their sum":
        lambda x, w: (x @ w.mT - _half(x) / x.shape[1]).exp() / _root(w),
    "when |w|^2 / 2 is subtracted, not |x|^2 / 2": lambda x, w: (x @ w.mT - _half(w).mT).exp() / _root(w),
    "when |x|^2 / 2 is subtracted after the exponential": lambda x, w: ((x @ w.mT).exp() - _half(x)) / _root(w),
    "without 1/sqrt(M)": lambda x, w: (x @ w.mT - _half(x)).exp(),
    "when M divides, not its root": lambda x, w: (x @ w.mT - _half(x)).exp() / len(w),
    "when sqrt(D) divides, not sqrt(M)": lambda x, w: (x @ w.mT - _half(x)).exp() / x.shape[1] ** 0.5,
    "when sqrt(N) divides, not sqrt(M)": lambda x, w: (x @ w.mT - _half(x)).exp() / len(x) ** 0.5,
    "when the features of a token are made to sum to one": lambda x, w: (x @ w.mT - _half(x)).softmax(-1),
    "when x is multiplied by D ** -0.25, which has been done before":
        lambda x, w: right(x * x.shape[1] ** -0.25, w),
    "when the directions have length 1": lambda x, w: right(x, w / w.norm(dim=-1, keepdim=True)),
    "with cosines in place of the exponential": lambda x, w: _half(x).exp() * (x @ w.mT).cos() / _root(w),
    "with relu in place of the exponential": lambda x, w: (x @ w.mT - _half(x)).relu() / _root(w),
    "when the exponential is missing": lambda x, w: (x @ w.mT - _half(x)) / _root(w),
    "with exp(-w.x) in place of exp(w.x)": lambda x, w: (-x @ w.mT - _half(x)).exp() / _root(w),
    "when the largest w.x of all tokens is subtracted: the products no longer estimate exp(x.y)":
        lambda x, w: (x @ w.mT - _half(x) - (x @ w.mT).max()).exp() / _root(w),
    "when |x|^2 is summed over all tokens, not over the channels of one token":
        lambda x, w: (x @ w.mT - _half(x).sum()).exp() / _root(w),
}


def directions(seed: int) -> tuple[Any, ...]:
    """Tokens and directions."""
    return normal(seed, N, D), normal(seed + 10, M, D)


def scale(a: Attempt) -> Finding | None:
    x, w = a.given
    got = (a.ask(x, w.repeat(3, 1)) ** 2).sum() / (a.got ** 2).sum()
    return None if abs(got - 1) < 1e-6 else Finding(
        f"three times the same directions should not change phi(x) . phi(x); yours becomes {got:.3g} times as large",
        "A mean over M directions: each phi gets 1/sqrt(M), so that a product gets 1/M.", True)


def mean(a: Attempt) -> Finding | None:
    x, y = a.given[0][:2] / 4
    w = normal(99, MANY, D)
    phi = a.ask(torch.stack((x, y)), w)
    got, wanted = (phi[0] @ phi[1]).item(), (x @ y).exp().item()
    return None if abs(got / wanted - 1) < 0.15 else Finding(
        f"over {MANY} directions phi(x) . phi(y) should be near exp(x . y) = {wanted:.3f}; yours is {got:.3f}",
        "phi(x)_m = exp(w_m . x - |x|^2 / 2) / sqrt(M).", True)


positive_features = Exercise(
    "positive_features", "7.1", right, directions, (*FIRST, scale, mean, *LAST), WRONG,
    "Positive numbers whose products estimate the exponential.")
