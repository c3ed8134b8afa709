"""Exercise 4.5: attention with 1 + x + x^2/2 in place of exp(x), and still no table."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..comparison import number_pair
from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from .outputs import ATTENDS, sums_to_one
from .pairs import dot, mix_pairs, mix_rows
from .samples import mixed
from .work_properties import linear_in_tokens


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Pair by pair. q (N, D), k (S, D), v (S, E) -> (N, E)."""
    def weigh(query: Tensor, key: Tensor) -> float:
        x = dot(query, key) / q.shape[1] ** 0.5
        return 1 + x + x * x / 2
    return mix_pairs(weigh, q, k, v)


def _score(q: Tensor, k: Tensor, power: float = 0.5) -> Tensor:
    return q @ k.mT / q.shape[1] ** power


def _series(x: Tensor) -> Tensor:
    return 1 + x + x ** 2 / 2


def _by(weigh: Callable[[Tensor], Tensor], power: float = 0.5) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A wrong answer, from other weights of the score q.k / D ** power."""
    return lambda q, k, v: mix_rows(weigh(_score(q, k, power)), v)


def _diagonal(q: Tensor, k: Tensor) -> Tensor:
    return q.square() @ k.square().mT / q.shape[1]


WRONG = {
    "without the 1/2": _by(lambda x: 1 + x + x ** 2),
    "when the 1/2 multiplies both features, which gives 1/4": _by(lambda x: 1 + x + x ** 2 / 4),
    "without the 1": _by(lambda x: x + x ** 2 / 2),
    "without the linear term": _by(lambda x: 1 + x ** 2 / 2),
    "without the squares": _by(lambda x: 1 + x),
    "with only the squares of single channels, without mixed products":
        lambda q, k, v: mix_rows(1 + _score(q, k) + _diagonal(q, k) / 2, v),
    "when each pair of channels is counted only once":
        lambda q, k, v: mix_rows(1 + _score(q, k) + (_score(q, k) ** 2 + _diagonal(q, k)) / 4, v),
    "without dividing q.k by sqrt(D)": _by(_series, power=0),
    "when q.k is divided by D instead of sqrt(D)": _by(_series, power=1),
    "when the squares are divided by D ** 2 instead of D":
        lambda q, k, v: mix_rows(1 + _score(q, k) + _score(q, k, 1) ** 2 / 2, v),
    "when q.k is divided by D ** 0.25": _by(_series, power=0.25),
    "when only the linear term is divided by sqrt(D)":
        lambda q, k, v: mix_rows(1 + _score(q, k) + (q @ k.mT) ** 2 / 2, v),
    "when only the squares are divided": lambda q, k, v: mix_rows(1 + q @ k.mT + _score(q, k) ** 2 / 2, v),
    "with the exponential itself": _by(torch.exp),
    "with a third term, x^3/6": _by(lambda x: _series(x) + x ** 3 / 6),
    "with exp(-x)": _by(lambda x: _series(-x)),
    "without dividing by the row sum": lambda q, k, v: _series(_score(q, k)) @ v,
    "when it is divided by the number of keys": lambda q, k, v: _series(_score(q, k)) @ v / len(k),
    "when x takes the place of its square": _by(lambda x: 1 + x * 1.5),
    "with (1 + x)^2": _by(lambda x: (1 + x) ** 2),
    "when an unnecessary eps is added": lambda q, k, v:
        _series(_score(q, k)) @ v / (_series(_score(q, k)).sum(-1, keepdim=True) + 1e-6),
}


def _odds(f: object, x: float, like: Tensor) -> float:
    """Weight of a key whose q.k/sqrt(D) is x, over the weight of a key of zeros; one channel is used."""
    q, k, v = like.new_zeros(1, 4), like.new_zeros(2, 4), like.new_tensor([[1.0], [0.0]])
    q[0, 0], k[0, 0] = 1.0, 2 * x
    share: float = f(q, k, v)[0, 0].item()  # type: ignore[operator]
    return share / (1 - share) if share < 1 else float("inf")


def the_series(a: Attempt) -> Finding | None:
    for x in (-1.0, 1.0, 2.0):
        got, wanted = (_odds(f, x, a.given[0]) for f in (a.ask, right))
        if abs(got - wanted) > 1e-6:
            due, yours = number_pair(wanted, got, ".1f")
            return Finding(
                f"a key with q.k/sqrt(D) = {x:.0f} should weigh 1 {x:+.0f} + {x * x / 2:.1f} = {due} times a "
                f"key of zeros; yours weighs {yours} times",
                "Use the features 1, all channels, and all products of two channels.", True)
    return None


def mixed_products(a: Attempt) -> Finding | None:
    """Two channels that cancel in q.k also cancel in its square."""
    q, k = a.given[0].new_tensor([[1.0, 1.0, 0.0]]), a.given[0].new_tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    got = a.ask(q, k, k.new_tensor([[1.0], [0.0]]))[0, 0].item()
    return None if abs(got - 0.5) < 1e-6 else Finding(
        f"a key with q.k = 1 - 1 = 0 should weigh as much as a key of zeros, 0.5; yours weighs "
        f"{number_pair(0.5, got, '.3f')[1]}",
        "(q.k)^2 has a term for every pair of channels, not only for the square of each channel.", True)


taylor_attention = Exercise(
    "taylor_attention", "4.5", right, mixed,
    (*ATTENDS, sums_to_one("Divide by phi(q) times the sum of phi(k) over the keys.", within=1e-4),
     mixed_products, the_series, *LAST,
     linear_in_tokens(lambda n: mixed(0, n, n), "Use features whose product is 1 + x + x^2/2, then the two brackets.")),
    WRONG, "You used 1 + D + D^2 features and no table.")
