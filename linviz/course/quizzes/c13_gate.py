"""The quiz of chapter 13, feature fixation I: the gate. A test computes every number in it again."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import clips, make, read
from ...concentration import entropy
from ...maps import Features, KernelMap, Normaliser
from ...spectra import numerical_rank
from ..quiz import Choice, Question, Quiz

N, M = 784, 16


def _features() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """phi(q), phi(k), and ratios for both: (N, M) each."""
    g = torch.Generator().manual_seed(0)
    phi = torch.randn(2, N, M, generator=g, dtype=torch.float64).relu() + M**-0.5
    r = (3 * torch.randn(2, N, M, generator=g, dtype=torch.float64)).sigmoid()
    return phi[0], phi[1], r[0], r[1]


def _gated(q: Tensor, k: Tensor) -> KernelMap:
    return KernelMap(Features(q, k), Normaliser("add", 0.0))


def recount_cancel() -> Mapping[str, str]:
    """By how many bits the entropy changes if the query ratios of every token get a factor of their own."""
    p, k, r_q, r_k = _features()
    factor = torch.linspace(0.1, 0.9, N, dtype=torch.float64)[:, None]
    before, after = (entropy(_gated(p * r, k * r_k).dense()) for r in (r_q, factor * r_q))
    return {"low": f"{factor.min().item():.1f}", "high": f"{factor.max().item():.1f}",
            "change": f"{(after - before).abs().max().item():.2f}"}


def recount_cost() -> Mapping[str, str]:
    """How many numbers the bracket, the gated features and the table hold."""
    p, k, r_q, r_k = _features()
    bracket = (k * r_k).mT @ torch.ones(N, M, dtype=p.dtype)
    return {"N": f"{N}", "M": f"{M}", "bracket": f"{bracket.numel():,}", "features": f"{(p * r_q).numel():,}",
            "table": f"{(p @ k.mT).numel():,}"}


def recount_rank() -> Mapping[str, str]:
    """The numerical rank of a gated map."""
    p, k, r_q, r_k = _features()
    a = _gated(p * r_q, k * r_k)
    rank = int(numerical_rank(a.singular_values(), a.tolerance))
    return {"N": f"{N}", "M": f"{M}", "twice": f"{2 * M}", "rank": f"{rank}"}


def recount_judge() -> Mapping[str, str]:
    """The mean entropy of the opening photograph's map, with the floor and without."""
    opening = clips.OPENING
    q, k, v = clips.descriptors(clips.load(opening.name), opening.grid, opening.temperature)
    bits = [read(make(spec, 1, q.shape[-1], opening.grid), q, k, v).summary(spectrum=False)["entropy"]
            for spec in ("relu_floor", "relu")]
    return {"floor": f"{bits[0]:.2f}", "relu": f"{bits[1]:.2f}"}


CANCEL = Question(
    "All query ratios of a token are multiplied by a factor. Each token has a factor of its own, from {low} for the "
    "first token to {high} for the last. What happens to the map?",
    (Choice("Nothing.",
            "The factor of query i occurs in every weight of row i, in the numerator and in the denominator. So it "
            "cancels, and the entropy of no row changes by more than {change} bits.", right=True),
     Choice("Rows with a small factor get flatter.",
            "A row is divided by its own sum, and this sum has the same factor. A row gets flatter only if its "
            "channels change relative to each other."),
     Choice("Tokens with a small factor are looked at less.",
            "A factor on the key side would do this. A factor on a query does not change which keys it looks at.")),
    "cancel", {"low": "0.1", "high": "0.9", "change": "0.00"}, recount_cancel)

COST = Question(
    "There are {N} patches, {M} features, values of width {M}, and the ratios of both sides. How many numbers are in "
    "the largest table that gated linear attention still has to compute?",
    (Choice("{table}",
            "This is the N x N table of softmax attention. The bracket is computed first to avoid this table, and the "
            "ratios do not need it, because each ratio belongs to one token."),
     Choice("{features}",
            "The gated features are N x M. They grow with N, not with its square.", right=True),
     Choice("{bracket}",
            "This is the bracket, M x M, which is all that is kept of the keys. But to compute the bracket one needs "
            "the gated features, and they are N x M.")),
    "bracket", {"N": "784", "M": "16", "bracket": "256", "features": "12,544", "table": "614,656"}, recount_cost)

RANK = Question(
    "There are the same {N} patches and {M} features, and a gate on both sides. What is the largest rank that the "
    "gated map can have?",
    (Choice("{M}",
            "The map is still the product of an N x M and an M x N matrix. For random features and ratios the rank is "
            "{rank}.",
            right=True),
     Choice("{twice}: two gates",
            "The gates multiply the entries of the two factors. They add no column to either of them."),
     Choice("{N}: sigmoid is not linear",
            "The gate is not linear, but the map is the plain product of the gated features.")),
    "rank", {"N": "784", "M": "16", "twice": "32", "rank": "16"}, recount_rank)

JUDGE = Question(
    "On the photograph of this chapter the kernel with its floor has {floor} bits. With a new gate the kernel has "
    "{relu} bits. What follows?",
    (Choice("The gate concentrates attention.",
            "Something concentrates attention. But relu without its floor has {relu} bits, too, without any gate."),
     Choice("Not much, until the controls have run.",
            "Leaving out the floor gives the same {relu} bits with nothing to learn. Compare a gate with this control, "
            "and with a constant and a random gate.", right=True),
     Choice("The gated map looks at the right patches.",
            "Bits say how few patches a row looks at, not which. To judge which, use the divergence from a target, or "
            "a task.")),
    "judge", {"floor": "9.47", "relu": "8.90"}, recount_judge)

gate = Quiz("Feature fixation I: the gate", (CANCEL, COST, RANK, JUDGE))
