"""The quiz of chapter 11, concentration. A test computes every number in it again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import clips, concentration, make, read
from ...spectra import numerical_rank
from ..quiz import Choice, Question, Quiz
from ..scenes import ch11

N, HELD = 1000, 0.5


def recount_count() -> Mapping[str, str]:
    """The number of patches of a row whose first patch holds half, counted in three ways."""
    row = ch11.spike_row(HELD, N)
    found = {"participation": concentration.participation(row), "effective": concentration.effective_tokens(row),
             "support": concentration.support(row, 0.9)}
    return {"N": f"{N}", "others": f"{N - 1}", **{name: f"{x.item():.0f}" for name, x in found.items()}}


def recount_judge() -> Mapping[str, str]:
    """Mean bits of the cup of coffee's maps: floor, no floor, no floor and a cosine."""
    opening = clips.OPENINGS["coffee"]
    q, k, v = clips.descriptors(clips.load("coffee"), opening.grid, opening.temperature)
    bits = {spec: read(make(spec, 1, q.shape[-1], opening.grid), q, k, v).summary(spectrum=False)["entropy"]
            for spec in ("relu_floor", "relu", "cosformer")}
    floor, relu, cosformer = (round(x, 3) for x in bits.values())  # as printed, so that the differences fit
    found = {**bits, "gain": floor - cosformer, "floorless": floor - relu, "cosine": relu - cosformer}
    return {name: f"{x:.3f}" for name, x in found.items()}


def recount_average() -> Mapping[str, str]:
    """Two maps over 256 keys with 4 bits on average: equal rows, and half of them sharp, half flat."""
    keys = 256
    even, sharp, flat = (torch.zeros(4, keys, dtype=torch.float64) for _ in range(3))
    even[:, :16], sharp[:, 0], flat[:] = 1 / 16, 1.0, 1 / keys
    mixed = torch.cat((sharp[:2], flat[:2]))
    bits = [concentration.entropy(a).mean().item() for a in (even, mixed)]
    patches = [concentration.effective_tokens(a).mean().item() for a in (even, mixed)]
    assert bits[0] == bits[1]
    return {"keys": f"{keys}", "bits": f"{bits[0]:.0f}", "most": f"{concentration.entropy(flat)[0].item():.0f}",
            "even": f"{patches[0]:.0f}", "mixed": f"{patches[1]:.1f}"}


def recount_rank() -> Mapping[str, str]:
    """The numerical rank of focused features at two powers, 300 tokens of width 12."""
    tokens, width, low, high = 300, 12, 3, 9
    x = torch.randn(2, tokens, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).relu() + 1e-6
    ranks, bits = [], []
    for p in (low, high):
        a = x[0] ** p @ (x[1] ** p).mT
        a = a / a.sum(-1, keepdim=True)
        ranks.append(int(numerical_rank(torch.linalg.svdvals(a), tokens * torch.finfo(a.dtype).eps)))
        bits.append(concentration.entropy(a).mean().item())
    return {"tokens": f"{tokens}", "width": f"{width}", "low": f"{low}", "high": f"{high}", "rank": f"{ranks[0]}",
            "after": f"{ranks[1]}", "bits": f"{bits[0]:.1f}", "fewer": f"{bits[1]:.1f}"}


COUNT = Question(
    "One of {N} patches gets half of the weight of a row, and the other {others} share the other half equally. A paper "
    "reports: \"this query looks at {participation} patches\". Which number is this?",
    (Choice("Two to the entropy.",
            "This number is {effective}. It takes many yes-or-no questions to find a patch among the {others} others, "
            "so the entropy depends on them."),
     Choice("The inverse participation, one over the sum of squares.",
            "The squares of the small weights are almost zero, so only the large weight counts: one over a quarter.",
            right=True),
     Choice("The number of patches that hold nine tenths.",
            "This number is {support}. One patch holds half, and the rest must be collected from many small weights.")),
    "count", {"N": "1000", "others": "999", "participation": "4", "effective": "63", "support": "801"}, recount_count)

JUDGE = Question(
    "On the cup of coffee relu with a floor has {relu_floor} bits, and cosFormer has {cosformer}. Somebody says: \"The "
    "cosine brings {gain} bits of concentration.\" What is missing?",
    (Choice("Nothing: both were measured on the same queries and keys.",
            "The inputs are the same, but two things change at once: cosFormer has a cosine, and it has no floor."),
     Choice("The control: relu without a floor and without a cosine.",
            "This control has {relu} bits. So leaving out the floor brings {floorless} bits, and the cosine {cosine}.",
            right=True),
     Choice("More photographs.",
            "More photographs would be good. But they would only repeat a comparison in which two things change at "
            "once.")),
    "judge", {"relu_floor": "9.465", "relu": "8.893", "cosformer": "8.823", "gain": "0.642", "floorless": "0.572",
              "cosine": "0.070"}, recount_judge)

AVERAGE = Question(
    "Two maps have {keys} keys. In map A every row has {bits} bits. In map B half of the rows have 0 bits, and the "
    "other half have {most}. Which map looks at fewer patches, on average?",
    (Choice("They are equal: {bits} bits each.",
            "The mean bits are equal. But two to the power of a mean is not the mean of the powers: the mean number of "
            "patches is {even} for A and {mixed} for B."),
     Choice("Map A.",
            "The mean number of patches is {even} for A and {mixed} for B, although the mean bits are equal. A report "
            "has to say what its mean is taken over, and should show the spread.", right=True),
     Choice("Map B: half of its rows look at a single patch.",
            "The other half look at all {keys}. So the mean number of patches is {mixed}, and {even} for A.")),
    "average", {"keys": "256", "bits": "4", "most": "8", "even": "16", "mixed": "128.5"}, recount_average)

RANK = Question(
    "Focused attention has {tokens} tokens and {width} features. With power {low} it has {bits} bits and rank {rank}. "
    "With power {high} it has {fewer} bits. What is its rank then?",
    (Choice("{after}",
            "The features have changed, but their number has not: the map is still the product of a table with {width} "
            "columns and a table with {width} rows.", right=True),
     Choice("Between {width} and {tokens}: a sharper map is nearer to the identity, which has full rank.",
            "A map can be sharp and have full rank, as the identity shows, but not with {width} features. A map can "
            "also be sharp and have rank one."),
     Choice("Below {width}: sharper rows are more alike.",
            "They could be, if all rows became sharp on the same key. Here each feature has keys of its own, and the "
            "rank is still {after}.")),
    "rank", {"tokens": "300", "width": "12", "low": "3", "high": "9", "rank": "12", "after": "12", "bits": "6.5",
             "fewer": "3.2"}, recount_rank)

concentrated = Quiz("Concentration", (COUNT, JUDGE, AVERAGE, RANK))
