"""Exercise 10.3: find the bug in a sum over rounds that counts pairs as often as they meet."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..comparison import number_pair, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .pairs import mix_rows
from .samples import E, N, normal

ROUNDS = 4


def rounds_seen(seed: int) -> tuple[Tensor, ...]:
    """Scores (N, N), what each of some rounds sees (ROUNDS, N, N), and values (N, E)."""
    seen = (normal(seed + 10, ROUNDS, N, N) > 0.4).double()
    seen[0, range(N), [(i + 1) % N for i in range(N)]] = 1
    return normal(seed, N, N), seen, normal(seed + 20, N, E)


def right(scores: Tensor, seen: Tensor, v: Tensor) -> Tensor:
    """Pair by pair: a softmax over all keys seen in some round. -> (N, E)."""
    out = torch.zeros_like(v)
    for i in range(len(scores)):
        keys = [j for j in range(len(scores)) if any(seen[r, i, j] > 0 for r in range(len(seen)))]
        weights = [math.exp(scores[i, j]) for j in keys]
        for j, weight in zip(keys, weights, strict=True):
            out[i] += weight / sum(weights) * v[j]
    return out


def _by_round(scores: Tensor, seen: Tensor) -> Tensor:
    """Maps of single rounds (r, N, N); rows without a key are zero."""
    e = seen * scores.exp()
    sums = e.sum(-1, keepdim=True)
    return e / sums.masked_fill(sums == 0, 1)


def _once(seen: Tensor) -> Tensor:
    return (seen.sum(0) > 0).double()


WRONG = {
    "when a pair counts in every round in which it meets, as in the code above":
        lambda s, seen, v: mix_rows((seen * s.exp()).sum(0), v),
    "when the outputs of the rounds are averaged": lambda s, seen, v: (_by_round(s, seen) @ v).mean(0),
    "when the outputs of the rounds are added": lambda s, seen, v: (_by_round(s, seen) @ v).sum(0),
    "when only keys seen in all rounds count": lambda s, seen, v: _all_rounds(s, seen, v),
    "when only the first round counts": lambda s, seen, v: mix_rows(seen[0] * s.exp(), v),
    "when only the last round counts": lambda s, seen, v: _by_round(s, seen)[-1] @ v,
    "when the score is divided by the count, not the weight": lambda s, seen, v: mix_rows(
        _once(seen) * (s / seen.sum(0).clamp(min=1)).exp(), v),
    "when the count is divided out twice": lambda s, seen, v: mix_rows(
        _once(seen) * s.exp() / seen.sum(0).clamp(min=1), v),
    "when the count is added to the score": lambda s, seen, v: mix_rows(_once(seen) * (s + seen.sum(0)).exp(), v),
    "when keys that were not seen get the score 0, and not the weight 0":
        lambda s, seen, v: (_once(seen) * s).softmax(-1) @ v,
    "when nothing is masked: all keys count": lambda s, seen, v: s.softmax(-1) @ v,
    "when the softmax goes over all keys and is masked afterwards":
        lambda s, seen, v: (_once(seen) * s.softmax(-1)) @ v,
    "without dividing by the row's sum": lambda s, seen, v: (_once(seen) * s.exp()) @ v,
    "when it is divided by the number of keys seen": lambda s, seen, v: (_once(seen) * s.exp()) @ v
    / _once(seen).sum(-1, keepdim=True),
    "without the exponential": lambda s, seen, v: mix_rows(_once(seen) * s, v),
    "when all keys seen have the same weight": lambda s, seen, v: mix_rows(_once(seen), v),
    "when the keys that were not seen are used": lambda s, seen, v: _not_seen(s, seen, v),
    "when queries and keys are exchanged": lambda s, seen, v: mix_rows((_once(seen) * s.exp()).mT, v),
    "when columns are divided by their sums, not rows": lambda s, seen, v: (
        _once(seen) * s.exp() / (_once(seen) * s.exp()).sum(0)) @ v,
}


def _all_rounds(s: Tensor, seen: Tensor, v: Tensor) -> Tensor:
    weights = seen.prod(0) * s.exp()
    return weights @ v / weights.sum(-1, keepdim=True).clamp(min=1e-12)


def _not_seen(s: Tensor, seen: Tensor, v: Tensor) -> Tensor:
    weights = (1 - _once(seen)) * s.exp()
    return weights @ v / weights.sum(-1, keepdim=True).clamp(min=1e-12)


def ones(a: Attempt) -> Finding | None:
    scores, seen, v = a.given
    off = row_difference(a.ask(scores, seen, torch.ones_like(v)), 1.0, 1e-9)
    return None if off is None else Finding(
        f"the weights of a row sum to 1, so values that are all 1 should give 1; yours give {off.got} at "
        f"[{off.place}]", "Divide by the sum of the same weights, row by row.", True)


def again(a: Attempt) -> Finding | None:
    """The same rounds once more change nothing."""
    scores, seen, v = a.given
    first, twice = a.ask(scores, seen[:1] + 0 * seen, v), a.ask(scores, torch.cat((seen, seen[:1])), v)
    got, wanted = twice[0, 0].item(), a.got[0, 0].item()
    return None if abs(got - wanted) < 1e-9 and first is not None else Finding(
        "a round that repeats the first one should change nothing: the first output was {}, and is {} now".format(
            *number_pair(wanted, got)), "A key counts once, however often it was seen.", True)


def unseen(a: Attempt) -> Finding | None:
    """A key that no round has seen has weight zero."""
    scores, seen, v = a.given
    without = seen.clone()
    without[:, :, 0] = 0
    other = v.clone()
    other[0] += 1
    rows = without.sum((0, 2)) > 0
    moved = (a.ask(scores, without, other) - a.ask(scores, without, v))[rows].abs().max().item()
    return None if moved < 1e-12 else Finding(
        f"key 0 was seen in no round, and changing its value changed your output by {moved:.2g}",
        "What was not seen has weight zero.", True)


def two_keys(a: Attempt) -> Finding | None:
    """Two keys with scores 0 and log 3, both seen: weights 1/4 and 3/4."""
    scores = torch.tensor([[0.0, math.log(3)], [0.0, math.log(3)]], dtype=torch.float64)
    seen, v = torch.ones(1, 2, 2, dtype=torch.float64), torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    got = a.ask(scores, seen, v)[0, 0].item()
    return None if abs(got - 0.75) < 1e-9 else Finding(
        "two keys with scores 0 and log 3, both seen, should get 1/4 and 3/4; yours give the second {}".format(
            number_pair(0.75, got, ".3f")[1]), "The weight of a key that was seen is exp(score).", True)


merged_rounds = Exercise(
    "merged_rounds", "10.3", right, rounds_seen, (*FIRST, ones, again, unseen, two_keys, *LAST), WRONG,
    "What was seen twice is not twice as important.")
