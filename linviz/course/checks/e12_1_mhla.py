"""Exercise 12.1, find the bug: attention through one summary per block, divided by its true row sum."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal, phi, ratio

BLOCKS, EACH, M, E = 4, 3, 5, 2  # blocks, tokens of a block, features, width of v


def right(q: Tensor, k: Tensor, v: Tensor, C: Tensor) -> Tensor:
    """Pair by pair. Features q, k (M, n, D) of M blocks of n tokens, v (M, n, E), C (M, M) -> (M, n, E)."""
    out = torch.zeros_like(v)
    for b in range(len(q)):
        for i in range(q.shape[1]):
            weights = [[(C[b, c] * (q[b, i] * key).sum()).item() for key in k[c]] for c in range(len(k))]
            total = sum(map(sum, weights))
            for c, row in enumerate(weights):
                for j, weight in enumerate(row):
                    out[b, i] += weight / total * v[c, j]
    return out


def _sums(k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    return k.mT @ v, k.sum(1)                                    # (M, D, E), (M, D)


def _mixed(C: Tensor, S: Tensor) -> Tensor:
    return torch.einsum("bc,c...->b...", C, S)


def _read(q: Tensor, S: Tensor, z: Tensor) -> Tensor:
    return q @ S / (q * z[:, None]).sum(-1, keepdim=True)


def _with(q: Tensor, k: Tensor, v: Tensor, above: Tensor, below: Tensor) -> Tensor:
    S, z = _sums(k, v)
    return _read(q, _mixed(above, S), _mixed(below, z))


def _public(q: Tensor, k: Tensor, v: Tensor, C: Tensor) -> Tensor:
    S, z = _sums(k, v)
    below = torch.einsum("bc,cn->bn", C, (q * z[:, None]).sum(-1))
    return q @ _mixed(C, S) / below[..., None]


def _outputs_mixed(q: Tensor, k: Tensor, v: Tensor, C: Tensor) -> Tensor:
    S, z = _sums(k, v)
    each = torch.einsum("bnd,cde->bcne", q, S) / torch.einsum("bnd,cd->bcn", q, z)[..., None]
    return torch.einsum("bc,bcne->bne", C, each)


def _softmax(q: Tensor, k: Tensor, v: Tensor, C: Tensor) -> Tensor:
    scores = torch.einsum("bc,bnd,cmd->bncm", C, q, k)
    return scores.flatten(2).softmax(-1) @ v.flatten(0, 1)


def _all_ones(C: Tensor) -> Tensor:
    return torch.ones_like(C)


WRONG = {
    "with the fault of the public code: the sums of other blocks' queries stand below": _public,
    "when C is transposed": lambda q, k, v, C: _with(q, k, v, C.mT, C.mT),
    "when C is transposed above only": lambda q, k, v, C: _with(q, k, v, C.mT, C),
    "when C is transposed below only": lambda q, k, v, C: _with(q, k, v, C, C.mT),
    "when the row sum is computed without C": lambda q, k, v, C: _with(q, k, v, C, _all_ones(C)),
    "when the summaries are added without C": lambda q, k, v, C: _with(q, k, v, _all_ones(C), C),
    "when C is ignored: this is linear attention": lambda q, k, v, C: _with(q, k, v, _all_ones(C), _all_ones(C)),
    "when each block reads its own summary only":
        lambda q, k, v, C: _with(q, k, v, torch.eye(len(C)).to(C), torch.eye(len(C)).to(C)),
    "when only the row sum stays inside the block": lambda q, k, v, C: _with(q, k, v, C, torch.eye(len(C)).to(C)),
    "when each block is divided by its own row sum before C mixes the outputs": _outputs_mixed,
    "when nothing is divided": lambda q, k, v, C: q @ _mixed(C, _sums(k, v)[0]),
    "when C is applied twice": lambda q, k, v, C: _with(q, k, v, C @ C, C @ C),
    "when C is squared number by number": lambda q, k, v, C: _with(q, k, v, C * C, C * C),
    "when the outputs are divided by the number of keys, not by the row sum":
        lambda q, k, v, C: q @ _mixed(C, _sums(k, v)[0]) / k[..., 0].numel(),
    "when the outputs are multiplied by the row sum":
        lambda q, k, v, C: q @ _mixed(C, _sums(k, v)[0]) * (q * _mixed(C, k.sum(1))[:, None]).sum(-1, keepdim=True),
    "when the row sum goes over the features of the query, not over the keys":
        lambda q, k, v, C: q @ _mixed(C, _sums(k, v)[0]) / q.sum(-1, keepdim=True),
    "when queries and keys are exchanged": lambda q, k, v, C: _with(k, q, v, C, C),
    "when the means of the keys are mixed below, not their sums":
        lambda q, k, v, C: _read(q, _mixed(C, k.mT @ v), _mixed(C, k.mean(1))),
    "when a softmax of the products is taken: the features are the exponential's replacement": _softmax,
    "when the values have no keys": lambda q, k, v, C: _mixed(C, v.sum(1))[:, None].expand_as(v).contiguous(),
}


def blocks(seed: int) -> tuple[Any, ...]:
    """Positive features of queries and keys, values, and a mixing between 0 and 1 that is not symmetric."""
    return (phi(seed, BLOCKS, EACH, M), phi(seed + 10, BLOCKS, EACH, M), normal(seed + 20, BLOCKS, EACH, E),
            ratio(seed + 30, BLOCKS, BLOCKS))


def rows_sum_to_one(a: Attempt) -> Finding | None:
    q, k, v, C = a.given
    off = row_difference(a.ask(q, k, torch.ones_like(v), C), 1.0, 1e-6, ".3f")
    return None if off is None else Finding(
        f"each row sums to one, so values that are all 1 should give 1; yours give {off.got}",
        "The row sum of a query is this query times the mixed sums of the keys. No other query occurs in it.", True)


def one_query(a: Attempt) -> Finding | None:
    q, k, v, C = a.given
    other = q.clone()
    other[0] = q[0].flip(-1)
    return None if is_close(a.ask(other, k, v, C)[1:], a.got[1:]) else Finding(
        "queries of block 0 were changed, and outputs of other blocks changed with them",
        "An output depends on its own query only. Where do other queries come in?", True)


mhla = Exercise(
    "mhla", "12.1", right, blocks, (*FIRST, one_query, rows_sum_to_one, *LAST), WRONG,
    "One summary per block, mixed anew for every block of queries, and rows that sum to one.")
