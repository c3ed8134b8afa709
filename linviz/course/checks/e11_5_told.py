"""Exercise 11.5: how many bits a row tells about its query."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .pairs import bits, listed
from .samples import N, S, normal

HEADS = 4


def right(a: Tensor) -> Tensor:
    """Head by head: entropy of the mean row minus the mean of the entropies. a (heads, N, S) -> (heads,) bits."""
    out = []
    for head in a.tolist():
        mean = [sum(row[j] for row in head) / len(head) for j in range(len(head[0]))]
        own = sum(_of(row) for row in head) / len(head)
        out.append(_of(mean) - own)
    return torch.tensor(out, dtype=a.dtype)


def _of(row: list[float]) -> float:
    return -sum(w * math.log2(w) for w in row)


def _kl(p: Tensor, r: Tensor) -> Tensor:
    return (p * (p / r).log2()).sum(-1)


WRONG = {
    "when the difference is taken the other way round": lambda a: bits(a).mean(-1) - bits(a.mean(-2)),
    "when only the entropy of the mean row comes back": lambda a: bits(a.mean(-2)),
    "when only the mean of the entropies comes back": lambda a: bits(a).mean(-1),
    "with the natural logarithm: that is nats, not bits": lambda a: right(a) * math.log(2),
    "with the logarithm to base 10": lambda a: right(a) * math.log10(2),
    "when the maps of all heads are averaged first": lambda a: bits(a.mean((0, 1))) - bits(a).mean(-1),
    "when the mean is taken over the heads, not over the queries": lambda a: bits(a.mean(0)) - bits(a).mean(0),
    "when one mean is taken over all heads": lambda a: right(a).mean(),
    "when the mean is taken over the keys, not over the queries": lambda a: bits(a.mean(-1)) - bits(a).mean(-1),
    "when the entropies are added up, not averaged": lambda a: bits(a.mean(-2)) - bits(a).sum(-1),
    "when the rows are added up, not averaged": lambda a: bits(a.sum(-2)) - bits(a).mean(-1),
    "when the mean over the queries is missing, so that every query keeps its own number":
        lambda a: bits(a.mean(-2))[:, None] - bits(a),
    "when the entropy of the first row is used in place of the mean entropy":
        lambda a: bits(a.mean(-2)) - bits(a[:, 0]),
    "with the largest possible entropy, log2 S, in place of the entropy of the mean row":
        lambda a: math.log2(a.shape[-1]) - bits(a).mean(-1),
    "when effective tokens are subtracted, not entropies":
        lambda a: bits(a.mean(-2)).exp2() - bits(a).exp2().mean(-1),
    "when the two entropies are added, not subtracted": lambda a: bits(a.mean(-2)) + bits(a).mean(-1),
    "when the divergence goes from the mean row to each row, not from each row to the mean":
        lambda a: _kl(a.mean(-2, keepdim=True).expand_as(a), a).mean(-1),
    "when one entropy is divided by the other": lambda a: bits(a.mean(-2)) / bits(a).mean(-1),
    "when the result is divided by the largest possible entropy, log2 S": lambda a: right(a) / math.log2(a.shape[-1]),
}


def heads(seed: int) -> tuple[Tensor]:
    """Inputs: maps of several heads, sharper from head to head."""
    sharp = torch.linspace(0.5, 2, HEADS, dtype=torch.float64)[:, None, None]
    return ((sharp * normal(seed, HEADS, N, S)).softmax(-1),)


def deaf(a: Attempt) -> Finding | None:
    rows = a.given[0][:, :1].expand(HEADS, N, S).contiguous()
    got = a.ask(rows)
    worst = got.flatten()[got.abs().argmax()].item()
    return None if got.shape == (HEADS,) and abs(worst) < 1e-9 else Finding(
        f"equal rows tell nothing about their query: 0 bits; yours gives {worst:.3g}",
        "Entropy of the mean row, minus the mean of the entropies.", True)


def own(a: Attempt) -> Finding | None:
    rows = torch.full((HEADS, S, S), 1e-15, dtype=torch.float64) + torch.eye(S, dtype=torch.float64)
    got, most = a.ask(rows), math.log2(S)
    off = first_difference(got, torch.full((HEADS,), most, dtype=torch.float64), 1e-6, ".3f")
    return None if off is None else Finding(
        f"if each of {S} queries looks only at itself, a row tells log2({S}) = {off.wanted} bits; "
        f"yours gives {off.got}", "The mean row is uniform, and each row has 0 bits.", True)


def each_head(a: Attempt) -> Finding | None:
    alone = torch.stack([right(a.given[0][h:h + 1])[0] for h in range(HEADS)])
    swapped = a.ask(a.given[0].flip(0))
    off = first_difference(swapped.flip(0), alone, form=".2f")
    return None if off is None else Finding(
        f"the heads should have {listed(alone)} bits; for head {off.place} yours gives {off.got} for {off.wanted}",
        "Treat each head on its own: average over queries, never over heads.")


told = Exercise(
    "told", "11.5", right, heads, (*FIRST, deaf, own, each_head, *LAST), WRONG,
    "The numbers are never negative: the mean row is at least as flat as the rows on average.")
