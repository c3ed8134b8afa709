"""Exercise 1.4: several heads, each on its own channels."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from ..tensor_equality import is_close
from .e01_1_soft_lookup import right as one_head
from .outputs import ATTENDS, sums_to_one
from .samples import N, S, normal

H, D, E = 3, 4, 5
Mix = Callable[[Tensor, Tensor, Tensor], Tensor]


def right(q: Tensor, k: Tensor, v: Tensor, H: int) -> Tensor:
    """Head by head. q (N, H D), k (S, H D), v (S, H E) -> (N, H E)."""
    parts = [x.split(x.shape[1] // H, 1) for x in (q, k, v)]
    return torch.cat([one_head(*x) for x in zip(*parts, strict=True)], 1)


def _soft(q: Tensor, k: Tensor, v: Tensor, width: float = D) -> Tensor:
    return (q @ k.mT / width ** 0.5).softmax(-1) @ v


def _heads(x: Tensor, H: int) -> Tensor:
    return x.unflatten(1, (H, -1)).transpose(0, 1)                     # (H, tokens, width)


def _join(o: Tensor) -> Tensor:
    return o.transpose(0, 1).flatten(1)


def _per_head(mix: Mix) -> Callable[..., Tensor]:
    return lambda q, k, v, H: _join(mix(*(_heads(x, H) for x in (q, k, v))))


def _interleaved(q: Tensor, k: Tensor, v: Tensor, H: int) -> Tensor:
    return torch.cat([_soft(q[:, h::H], k[:, h::H], v[:, h::H]) for h in range(H)], 1)


def _cut(q: Tensor, k: Tensor, v: Tensor, H: int) -> Tensor:
    return _soft(_heads(q, H), _heads(k, H), _heads(v, H))             # (H, N, E)


def _mean_map(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT / D ** 0.5).softmax(-1).mean(0, keepdim=True) @ v


WRONG = {
    "with one head over all channels": lambda q, k, v, H: _soft(q, k, v, q.shape[1]),
    "when the scores of all heads are added up, which is one head over all channels": lambda q, k, v, H: _soft(q, k, v),
    "when tokens instead of channels are divided into heads (a reshape without the transpose)":
        lambda q, k, v, H: _soft(q.reshape(H, len(q), -1), k.reshape(H, len(k), -1),
                                 v.reshape(H, len(v), -1)).reshape(len(q), -1),
    "when the heads are joined without the transpose":
        lambda q, k, v, H: _cut(q, k, v, H).reshape(len(q), -1),
    "when tokens instead of channels are divided into heads, although the heads are joined with the transpose":
        lambda q, k, v, H: _join(_soft(*(x.reshape(H, len(x), -1) for x in (q, k, v)))),
    "when channels and tokens are exchanged before a reshape joins the heads":
        lambda q, k, v, H: _cut(q, k, v, H).mT.reshape(len(q), -1),
    "when heads and channels are exchanged before a reshape joins the heads":
        lambda q, k, v, H: _cut(q, k, v, H).transpose(0, 2).reshape(len(q), -1),
    "when head h takes every H-th channel": _interleaved,
    "when the heads are joined in reverse order":
        lambda q, k, v, H: _join(_cut(q, k, v, H).flip(0)),
    "when the outputs of the heads are interleaved channel by channel":
        lambda q, k, v, H: _cut(q, k, v, H).permute(1, 2, 0).flatten(1),
    "when the scores are divided by the root of all channels, not of one head's channels":
        _per_head(lambda q, k, v: _soft(q, k, v, H * D)),
    "when the scores are divided by the root of the number of heads": _per_head(lambda q, k, v: _soft(q, k, v, H)),
    "without dividing the scores by sqrt(D)": _per_head(lambda q, k, v: _soft(q, k, v, 1)),
    "when the scores are multiplied by sqrt(D)": _per_head(lambda q, k, v: _soft(q, k, v, 1 / D)),
    "when the scores are divided by D, not by its root": _per_head(lambda q, k, v: _soft(q, k, v, D ** 2)),
    "when the scores are divided by the root of the values' width": _per_head(lambda q, k, v: _soft(q, k, v, E)),
    "when the softmax goes over queries": _per_head(lambda q, k, v: (q @ k.mT / D ** 0.5).softmax(-2) @ v),
    "when the softmax goes over heads": _per_head(lambda q, k, v: (q @ k.mT / D ** 0.5).softmax(0) @ v),
    "without the softmax": _per_head(lambda q, k, v: q @ k.mT / D ** 0.5 @ v),
    "when all heads share the mean of their maps": _per_head(_mean_map),
    "when all heads use the first head's queries": _per_head(lambda q, k, v: _soft(q[:1], k, v)),
    "when all heads use the first head's keys": _per_head(lambda q, k, v: _soft(q, k[:1], v)),
    "when the output is divided by the number of heads": _per_head(lambda q, k, v: _soft(q, k, v) / H),
    "when the scores have the wrong sign": _per_head(lambda q, k, v: _soft(-q, k, v)),
}


def cut(seed: int) -> tuple[Tensor | int, ...]:
    """Inputs: queries, keys, values with the channels of all heads side by side, and the number of heads."""
    return normal(seed, N, H * D), normal(seed + 10, S, H * D), normal(seed + 20, S, H * E), H


def one(a: Attempt) -> Finding | None:
    q, k, v, _ = a.given
    got, wanted = a.ask(q, k, v, 1), one_head(q, k, v)
    off = first_difference(got, wanted)
    return None if off is None else Finding(
        f"with one head it should be exercise 1.1: {off.wanted} at [{off.place}]; yours gives {off.got}",
        "D is the width of a head: all channels divided by H.", True)


def apart(a: Attempt) -> Finding | None:
    """The last head's keys do not change the first head's output."""
    q, k, v, H = a.given
    other = torch.cat((k[:, :-D], k[:, -D:].flip(0)), 1)
    before, after = a.got[:, :E], a.ask(q, other, v, H)[:, :E]
    return None if is_close(before, after, 1e-6) else Finding(
        "other keys in the last head change the output of the first", f"Head 1 is channels 0 to {D - 1} of q and k, "
        f"and channels 0 to {E - 1} of v and of the output.", True)


def own_values(a: Attempt) -> Finding | None:
    """Each head mixes its own values into its own output channels."""
    q, k, v, H = a.given
    marked = torch.arange(H, dtype=v.dtype).repeat_interleave(E).expand_as(v)
    got = a.ask(q, k, marked, H)
    return None if is_close(got, marked[:1].expand_as(got), 1e-6) else Finding(
        "values that are 0 in head 1, 1 in head 2, 2 in head 3 should keep this order in the output; yours do not",
        f"A token's {H * E} output channels: first head 1's {E}, then head 2's, then head 3's.", True)


multihead = Exercise(
    "multihead", "1.4", right, cut,
    (*ATTENDS, sums_to_one("Each head has its own softmax over keys.",
                           why="in every head the weights of a row sum to 1, so values of 1 should give 1"),
     own_values, one, apart, *LAST), WRONG,
    "Three lookups for as many multiplications as one.")
