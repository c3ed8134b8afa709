"""Exercise 9.2: features whose products contain the cosine of a distance."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..comparison import number_pair
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST
from .samples import normal

N, D = 7, 5


def tokens(seed: int) -> tuple[Any, ...]:
    """Tokens (N, D), and an angle for each of them, from 0 to nearly pi / 2."""
    return normal(seed, N, D), math.pi / 2 * torch.arange(N, dtype=torch.float64) / N


def right(x: Tensor, angles: Tensor) -> Tensor:
    """Token by token, one of the right answers: the sines first. x (N, D), angles (N,) -> (N, 2 D)."""
    return torch.stack([torch.cat((x[i].clamp(min=0) * math.sin(angles[i]), x[i].clamp(min=0) * math.cos(angles[i])))
                        for i in range(len(x))])


def _features(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.cat((x * a[:, None], x * b[:, None]), -1)


WRONG = {
    "without relu": lambda x, a: _features(x, a.sin(), a.cos()),
    "with the sine twice": lambda x, a: _features(x.relu(), a.sin(), a.sin()),
    "with the cosine twice": lambda x, a: _features(x.relu(), a.cos(), a.cos()),
    "with the angle in place of its sine": lambda x, a: _features(x.relu(), a, a.cos()),
    "when the half without a ruler is left as it is": lambda x, a: _features(x.relu(), torch.ones_like(a), a.cos()),
    "when relu comes after the sine and the cosine are added": lambda x, a: _features(
        x + (a.sin() + a.cos())[:, None], a.sin(), a.cos()).relu(),
    "when half of the cosine's sign is turned, which gives cos(a_i + a_j) at the key":
        lambda x, a: _features(x.relu(), -a.sin() * a.cos(), a.cos()),
    "with the angles doubled": lambda x, a: _features(x.relu(), (2 * a).sin(), (2 * a).cos()),
    "with half of the angles": lambda x, a: _features(x.relu(), (a / 2).sin(), (a / 2).cos()),
    "with the square roots of sine and cosine": lambda x, a: _features(x.relu(), a.sin().sqrt(), a.cos().sqrt()),
    "with the squares of sine and cosine": lambda x, a: _features(x.relu(), a.sin() ** 2, a.cos() ** 2),
    "when the ruler is left out": lambda x, a: _features(x.relu(), torch.ones_like(a), torch.ones_like(a)),
    "with the absolute value in place of relu": lambda x, a: _features(x.abs(), a.sin(), a.cos()),
    "with the tangent in place of the sine": lambda x, a: _features(x.relu(), a.tan(), a.cos()),
    "when the features are divided by sqrt(2)": lambda x, a: _features(x.relu(), a.sin(), a.cos()) / 2 ** 0.5,
    "when angles are counted from the end for the sines": lambda x, a: _features(x.relu(), a.flip(0).sin(), a.cos()),
}


def _weights(f: Any, x: Tensor, angles: Tensor) -> Tensor:
    phi: Tensor = f(x, angles)
    return phi @ phi.mT


def at_one_place(a: Attempt) -> Finding | None:
    """Equal angles: the products are those of relu alone."""
    x = a.given[0]
    still = torch.full_like(a.given[1], 0.4)
    got, wanted = _weights(a.ask, x, still)[0, 1].item(), (x[0].relu() @ x[1].relu()).item()
    return None if abs(got - wanted) < 1e-9 else Finding(
        "with equal angles the product of two tokens should be relu(q).relu(k) = {}; yours is {}".format(
            *number_pair(wanted, got)), "cos(0) = 1, and sin^2 + cos^2 = 1.", True)


def products(a: Attempt) -> Finding | None:
    """All products of two tokens, in whatever order the features are."""
    x, angles = a.given
    wanted, got = _weights(right, x, angles), a.got @ a.got.mT
    off = (wanted - got).abs()
    if off.max() < 1e-9 * wanted.abs().max():
        return None
    i, j = divmod(int(off.argmax()), len(x))
    return Finding("tokens {} and {}, angles {:.2f} and {:.2f}: the product should be {}; yours is {}".format(
        i, j, angles[i], angles[j], *number_pair(wanted[i, j].item(), got[i, j].item())),
        "cos(a - b) = sin a sin b + cos a cos b.", True)


ruler_features = Exercise(
    "ruler_features", "9.2", right, tokens, (*FIRST, at_one_place, products), WRONG,
    "A distance of positions is now part of the features, and the bracket moves as before.")
