"""The quiz of chapter 4, the kernel trick. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import Grid, make
from ...concentration import effective_tokens
from ...cost import flops
from ..quiz import Choice, Question, Quiz
from ..scenes.ch04 import climb_features

WINDOW, CLIP = (7, 64), (8, 14, 18)  # patches a side and channels; frames, patches a side and features


def recount_count() -> Mapping[str, str]:
    """Operations of both orders in a window of few patches and many channels."""
    side, width = WINDOW
    x = torch.zeros(side**2, width)
    pairs, keys = (flops(order, x, x, x) for order in (lambda q, k, v: (q @ k.mT) @ v, lambda q, k, v: q @ (k.mT @ v)))
    return {"side": f"{side}", "N": f"{side**2}", "D": f"{width}", "pairs": f"{pairs:,}", "keys": f"{keys:,}",
            "times": f"{keys / pairs:.2f}"}


def _random(seed: int, N: int, D: int) -> Tensor:
    return torch.randn(1, 1, N, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def recount_equivalent() -> Mapping[str, str]:
    """Differences of two versions of efficient attention from two attentions with a table, in percent."""
    q, k, v = (_random(n, 196, 16) for n in range(3))
    grid = Grid(1, 14, 14)

    def off(one: Tensor, other: Tensor) -> str:
        return f"{100 * ((one - other).abs().max() / other.abs().max()).item():.0f} %"

    scaling, softmaxes = (make("efficient", 1, 16, grid, normalise=x)(q, k, v) for x in ("scale", "softmax"))
    block = make("nonlocal", 1, 16, grid, similarity="dot")(q, k, v)
    soft = make("softmax", 1, 16, grid)(q, k, v)
    return {"scaling": off(scaling, block), "block": off(softmaxes, block), "soft": off(softmaxes, soft)}


def recount_sharp() -> Mapping[str, str]:
    """Effective tokens under relu and under softmax, for plain inputs and for inputs times a hundred."""
    x, grid = _random(0, 196, 16), Grid(1, 14, 14)
    out = {}
    for name in ("relu", "softmax"):
        for word, factor in (("small", 1.0), ("large", 100.0)):
            a = make(name, 1, 16, grid).map(factor * x, factor * x, x).dense()
            out[f"{name}_{word}"] = f"{effective_tokens(a).mean().item():.0f}"
    return {**out, "N": "196", "times": "100"}


def recount_ceiling() -> Mapping[str, str]:
    """The ceiling M / N for a clip, and the result of gradient ascent with free features for fewer tokens."""
    T, side, M = CLIP
    N = T * side**2
    return {"N": f"{N:,}", "M": f"{M}", "ceiling": f"{100 * M / N:.1f} %", "frames": f"{100 / T:.1f} %",
            "root": f"{100 * (M / N) ** 0.5:.0f} %", "small": "40", "few": "4",
            "found": f"{100 * climb_features(40, 4)[-1]:.1f} %"}


COUNT = Question(
    "A window has {side} x {side} patches, and q, k and v have {D} channels. Which order of the product is cheaper?",
    (Choice("Keys first: that is what linear attention is for.",
            "Only with more patches than channels. Here keys first needs {keys} operations, {times} times as many."),
     Choice("Pairs first: a table of {N} x {N} is small.",
            "Pairs first needs {pairs} operations, keys first {keys}. Both orders cost the same when there are as many "
            "patches as channels.", right=True),
     Choice("Both cost the same: it is the same product.",
            "The result is the same, but the work is not: {pairs} operations against {keys}.")),
    "count", {"side": "7", "N": "49", "D": "64", "pairs": "614,656", "keys": "802,816", "times": "1.31"}, recount_count)

EQUIVALENT = Question(
    "Which sentence about efficient attention is true?",
    (Choice("With its two softmaxes it equals softmax attention, only cheaper.",
            "It differs by {soft} on random queries and keys. A softmax of the product is not a product of softmaxes."),
     Choice("With its two softmaxes it equals the dot-product non-local block.",
            "It differs by {block}. The block has no softmax at all."),
     Choice("In its scaling form it equals the dot-product non-local block.",
            "The difference is {scaling}: both are a plain product of three matrices with different brackets.",
            right=True),
     Choice("It equals nothing, because moving the bracket is an approximation.",
            "Moving the bracket is exact for every version. The versions differ in what they do to q and k before.")),
    "equivalent", {"scaling": "0 %", "block": "108 %", "soft": "100 %"}, recount_equivalent)

SHARP = Question(
    "A network learns to make its queries and keys {times} times as large. How does this change a kernel with relu "
    "features and {N} tokens?",
    (Choice("Its rows concentrate on the best matches, as they do under softmax.",
            "Softmax goes from {softmax_small} effective tokens to {softmax_large}. For relu the factor "
            "cancels between numerator and denominator."),
     Choice("Not at all: {relu_small} effective tokens before, {relu_large} after.",
            "relu(c x) = c relu(x), and a factor of a whole row cancels.", right=True),
     Choice("Its rows become flatter.",
            "They do not change: {relu_large} effective tokens.")),
    "sharp", {"relu_small": "156", "relu_large": "156", "softmax_small": "91", "softmax_large": "1", "N": "196",
              "times": "100"}, recount_sharp)

CEILING = Question(
    "A clip has {N} patches, and linear attention has {M} features. Each patch should look only at its own match in "
    "another frame. How much weight can a patch give to its match, on average over the clip?",
    (Choice("Nearly all, if the features are learned well.",
            "Learning does not help: with {small} tokens and {few} free features, gradient ascent ends at {found}, "
            "which is {few} in {small}."),
     Choice("{frames}: one frame of the clip.",
            "The bound does not depend on the number of frames. It depends on the number of features."),
     Choice("{ceiling}: features over patches.",
            "Number the keys by their partners. The map has at most {M} non-zero eigenvalues, none above one, and "
            "their sum is all the attention that goes to partners.", right=True),
     Choice("{root}: the root of features over patches.",
            "The bound limits the sum of the diagonal: this sum is at most the number of features.")),
    "ceiling", {"N": "1,568", "M": "18", "ceiling": "1.1 %", "frames": "12.5 %", "root": "11 %", "small": "40",
                "few": "4", "found": "10.0 %"}, recount_ceiling)

brackets = Quiz("The kernel trick", (COUNT, EQUIVALENT, SHARP, CEILING))
