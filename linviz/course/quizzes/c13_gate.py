"""The quiz of chapter 13, feature fixation I: the gate. Every number in it is counted again by a test."""
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
    """By how many bits entropy changes when every token's query ratios are scaled by a factor of its own."""
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
    "Somebody multiplies all query ratios of a token by a factor of that token's own, from {low} for the first "
    "token to {high} for the last. What happens to the map?",
    (Choice("Nothing.",
            "The factor of query i stands in every weight of row i, above and below the line. It cancels: no row's "
            "entropy moves by more than {change} bits.", right=True),
     Choice("Rows with a small factor get flatter.",
            "A row is divided by its own sum, and that sum has the same factor. A row gets flatter only if its "
            "channels change against each other."),
     Choice("Tokens with a small factor are looked at less.",
            "That is what a factor on the key side does. A query's factor tells nobody where to look.")),
    "cancel", {"low": "0.1", "high": "0.9", "change": "0.00"}, recount_cancel)

COST = Question(
    "{N} patches, {M} features, values {M} wide, and the ratios of both sides are given. How many numbers does the "
    "largest table hold that gated linear attention still has to make?",
    (Choice("{table}",
            "That is the N x N table of softmax attention. The bracket is multiplied first so that it is never made, "
            "and ratios, which belong to one token each, do not ask for it."),
     Choice("{features}",
            "N x M: the gated features themselves. They grow with N, not with its square.", right=True),
     Choice("{bracket}",
            "That is the bracket, M x M, and it is all that is kept of the keys. But to fill it the gated features "
            "have to be made, and those are N x M.")),
    "bracket", {"N": "784", "M": "16", "bracket": "256", "features": "12,544", "table": "614,656"}, recount_cost)

RANK = Question(
    "The same {N} patches and {M} features, a gate on both sides. Which rank can the gated map have at most?",
    (Choice("{M}",
            "It is still a product of an N x M and an M x N matrix. Counted for random features and ratios: {rank}.",
            right=True),
     Choice("{twice}: two gates",
            "The gates multiply the two factors in place. They add no column to either of them."),
     Choice("{N}: sigmoid is not linear",
            "True of the gate, but not of the map: once the gated features are there, the map is their plain "
            "product.")),
    "rank", {"N": "784", "M": "16", "twice": "32", "rank": "16"}, recount_rank)

JUDGE = Question(
    "On the photograph of this chapter the kernel with its floor has {floor} bits. With a new gate it has {relu} "
    "bits. What follows?",
    (Choice("The gate concentrates attention.",
            "Something does. But relu without its floor has {relu} bits, too, and no gate at all."),
     Choice("Not much, before the controls have run.",
            "Leaving out the floor gives the same {relu} bits with nothing to learn. A gate must be held against "
            "that, and against a constant and a random gate.", right=True),
     Choice("The gated map looks at the right patches.",
            "Bits count how few patches are looked at, not which. That is what the divergence from a target is for, "
            "or a task.")),
    "judge", {"floor": "9.47", "relu": "8.90"}, recount_judge)

gate = Quiz("Feature fixation I: the gate", (CANCEL, COST, RANK, JUDGE))
