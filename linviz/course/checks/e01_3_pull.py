"""Exercise 1.3: how much a score changes the output, A_ij (v_j - o_i)."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import E, N, S, normal


def right(scores: Tensor, v: Tensor) -> Tensor:
    """Number by number. scores (N, S), v (S, E) -> (N, S, E)."""
    out = torch.zeros(*scores.shape, v.shape[1], dtype=v.dtype)
    for i, row in enumerate(scores):
        a = row.exp() / row.exp().sum()
        mean = sum(a[j] * v[j] for j in range(len(v)))
        for j in range(len(v)):
            out[i, j] = a[j] * (v[j] - mean)
    return out


def _own(scores: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """a (N, S, 1), v (1, S, E), o (N, 1, E)."""
    a = scores.softmax(-1)
    return a[..., None], v[None], (a @ v)[:, None]


def _columns(scores: Tensor, v: Tensor) -> Tensor:
    a = scores.softmax(0)
    return a[..., None] * (v - (a @ v)[:, None])


def _with(formula: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda scores, v: formula(*_own(scores, v))


WRONG = {
    "when the other keys are forgotten: raising one weight lowers the others":
        _with(lambda a, v, o: a * v + 0 * o),
    "without the weight A_ij": _with(lambda a, v, o: v - o + 0 * a),
    "with the wrong sign": _with(lambda a, v, o: a * (o - v)),
    "when the output is added instead of subtracted": _with(lambda a, v, o: a * (v + o)),
    "when the mean of the values is subtracted instead of the output":
        _with(lambda a, v, o: a * (v - v.mean(1, True)) + 0 * o),
    "with only the weight's own derivative, A (1 - A) v": _with(lambda a, v, o: a * (1 - a) * v + 0 * o),
    "when the output is multiplied with v instead of subtracted": _with(lambda a, v, o: a * v * o),
    "with the weight squared": _with(lambda a, v, o: a ** 2 * (v - o)),
    "when it is divided by the weight": _with(lambda a, v, o: (v - o) / a),
    "when the weight is added instead of multiplied": _with(lambda a, v, o: a + (v - o)),
    "when v is left out and only the output is subtracted": _with(lambda a, v, o: -a * o + 0 * v),
    "when the weight multiplies only v": _with(lambda a, v, o: a * v - o),
    "when the softmax goes over queries, down the columns": _columns,
    "with the scores in place of the weights":
        lambda s, v: s[..., None] * (v - (s @ v)[:, None]),
    "with exp of the scores, not divided by the row's sum":
        lambda s, v: s.exp()[..., None] * (v - (s.exp() @ v)[:, None]),
    "when the scores multiply, and only the output uses the weights":
        lambda s, v: s[..., None] * (v - (s.softmax(-1) @ v)[:, None]),
    "when the weights multiply, and the output uses the scores":
        lambda s, v: s.softmax(-1)[..., None] * (v - (s @ v)[:, None]),
}


def pulled(seed: int) -> tuple[Tensor, ...]:
    """Inputs: scores of N queries and S keys, and values."""
    return normal(seed, N, S), normal(seed + 20, S, E)


def nudged(a: Attempt) -> Finding | None:
    """The definition: raise one score a little and compare the outputs."""
    scores, v = a.given
    step = torch.zeros_like(scores)
    step[1, 2] = 1e-5
    moved = ((scores + step).softmax(-1) @ v - (scores - step).softmax(-1) @ v)[1] / 2e-5
    off = first_difference(a.got[1, 2], moved, 1e-6)
    return None if off is None else Finding(
        f"raising score [1, 2] a little changes output [1, {off.place}] by {off.wanted} times as much; "
        f"yours gives {off.got}", "A_ij times the difference between this value and the output.")


def balanced(a: Attempt) -> Finding | None:
    total = a.got.sum(1)
    worst = total.flatten()[total.abs().argmax()].item()
    return None if abs(worst) < 1e-9 else Finding(
        f"raising all scores of a row by the same number changes nothing, so its pulls sum to 0; yours sum to "
        f"{worst:.4g}", "One key gains what the others lose: subtract the output.", True)


def shifted(a: Attempt) -> Finding | None:
    scores, v = a.given
    return None if is_close(a.ask(scores + 1, v), a.got, 1e-6) else Finding(
        "adding the same number to all scores should change nothing; yours changes",
        "Compute the weights first, by a softmax over keys.", True)


def alike(a: Attempt) -> Finding | None:
    scores, v = a.given
    flat, two = torch.zeros(1, 2, dtype=v.dtype), torch.tensor([[1.0], [0.0]], dtype=v.dtype)
    got = a.ask(flat, two).flatten()
    off = first_difference(got, torch.tensor([0.25, -0.25], dtype=v.dtype))
    return None if off is None else Finding(
        f"two keys with weight one half each and values 1 and 0: the pulls are 0.25 and -0.25; yours has {off.got} "
        f"for {off.wanted}", "One half times (1 - 0.5), one half times (0 - 0.5).", True)


pull = Exercise(
    "pull", "1.3", right, pulled, (*FIRST, shifted, alike, balanced, nudged, *LAST), WRONG,
    "Where one weight is 1, all pulls are zero: this row cannot learn.")
