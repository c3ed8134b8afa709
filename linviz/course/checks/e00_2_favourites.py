"""Exercise 0.2: the keys that a query looks at most."""
from __future__ import annotations

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .pairs import listed
from .samples import N, S, normal


def right(A: Tensor, i: int, n: int) -> tuple[Tensor, Tensor]:
    """Key by key. A (N, S) -> numbers (n,) and weights (n,) of the n keys that query i looks at most, largest first."""
    left = dict(enumerate(A[i].tolist()))
    keys = []
    for _ in range(n):
        keys.append(max(left, key=lambda j: left[j]))
        del left[keys[-1]]
    return torch.tensor(keys), A[i][keys]


def _top(row: Tensor, n: int, largest: bool = True) -> tuple[Tensor, Tensor]:
    found = row.topk(n, largest=largest)
    return found.indices, found.values


def _by_number(A: Tensor, i: int, n: int) -> tuple[Tensor, Tensor]:
    keys = A[i].topk(n).indices.sort().values
    return keys, A[i][keys]


WRONG = {
    "when a column is read instead of a row: a column says who looks at i": lambda A, i, n: _top(A[:, i], n),
    "when the weights come before the keys": lambda A, i, n: _top(A[i], n)[::-1],
    "when the smallest weights are taken": lambda A, i, n: _top(A[i], n, largest=False),
    "when the smallest of them comes first": lambda A, i, n: tuple(x.flip(0) for x in _top(A[i], n)),
    "when the keys are sorted by their index": _by_number,
    "when the first keys are taken, without regard to their weights": lambda A, i, n: (torch.arange(n), A[i, :n]),
    "when one more key comes back": lambda A, i, n: _top(A[i], n + 1),
    "when one key too few comes back": lambda A, i, n: _top(A[i], n - 1),
    "when all keys come back": lambda A, i, n: _top(A[i], A.shape[1]),
    "when the previous row is read": lambda A, i, n: _top(A[i - 1], n),
    "when the first row is read for every i": lambda A, i, n: _top(A[0], n),
    "when the whole table is searched, not one row": lambda A, i, n: _top(A.flatten(), n),
    "when the mean over all queries is read": lambda A, i, n: _top(A.mean(0), n),
    "when the weights are divided by the sum of the n largest":
        lambda A, i, n: (_top(A[i], n)[0], _top(A[i], n)[1] / _top(A[i], n)[1].sum()),
    "when the weights are summed cumulatively": lambda A, i, n: (_top(A[i], n)[0], _top(A[i], n)[1].cumsum(0)),
    "when keys are numbered from one instead of zero": lambda A, i, n: (_top(A[i], n)[0] + 1, _top(A[i], n)[1]),
    "when the sorted weights are returned in place of the keys":
        lambda A, i, n: (A[i].sort(descending=True).values[:n], _top(A[i], n)[1]),
}


def whole_numbers(a: Attempt) -> Finding | None:
    return None if not a.got[0].is_floating_point() else Finding(
        "the first result must be the numbers of the keys, which are integers; yours are fractions",
        "First the keys, then their weights.", True)


def the_row(a: Attempt) -> Finding | None:
    A, i, n = a.given
    keys, _ = a.got
    if keys.min() < 0 or keys.max() >= A.shape[1]:
        return Finding(f"the keys of this table are numbered 0 to {A.shape[1] - 1}; yours go up to {int(keys.max())}",
                       "A key is a column.", True)
    weights = A[i][keys]
    if not is_close(weights, weights.sort(descending=True).values):
        return Finding(f"the largest comes first; yours have weights {listed(weights)}", "topk sorts for you.", True)
    best = A[i].topk(n).values
    return None if is_close(weights, best) else Finding(
        f"query {i} gives its {n} favourites {listed(best)}; to your keys it gives {listed(weights)}",
        "Row i of the table is A[i].", True)


favourites = Exercise(
    "favourites", "0.2", right, lambda seed: (normal(seed, N, S).softmax(-1), (4, 2, 5)[seed % 3], (3, 2, 4)[seed % 3]),
    (*FIRST[:2], whole_numbers, *FIRST[2:], the_row, *LAST), WRONG,
    "You have read a row, from its largest weight on.")
