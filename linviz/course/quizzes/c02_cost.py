"""The quiz of chapter 2, what attention costs. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, make
from ...cost import cost_growth, flops, tensor_bytes
from ...models import AttentionLayer
from ..quiz import Choice, Question, Quiz

HEADS = 2


def recount_pairs() -> Mapping[str, str]:
    """By which factors the pairs of softmax and of one frame grow when a clip's three sides grow."""
    short, full, cost = Grid(8, 14, 14), Grid(16, 28, 28), "N S D"
    return {"old": "14", "new": "28", "long": "16", "short": "8",
            "right": f"{cost_growth(cost, short, full):.0f}", "tokens": f"{cost_growth('N D', short, full):.0f}",
            "still": f"{cost_growth(cost, short, Grid(8, 28, 28)):.0f}"}


def recount_share() -> Mapping[str, str]:
    """Shares of the pairs in a layer of 784 tokens: with 392, and with 96 channels."""
    found = []
    for channels in (392, 96):
        total = flops(AttentionLayer("softmax", HEADS, channels, Grid(X=784)), torch.zeros(1, 784, channels))
        found.append(100 * 4 * 784**2 * channels / total)
    return {"N": "784", "C": "392", "half": f"{found[0]:.0f}", "narrow": "96", "most": f"{found[1]:.0f}"}


def recount_pool() -> Mapping[str, str]:
    """How many times fewer pairs pooling by 2 gives, and how they grow when the side doubles."""
    work = {}
    for pool in (1, 2):
        for side in (12, 24):
            x = torch.zeros(1, 1, side * side, 8)
            work[pool, side] = flops(make("nonlocal", 1, 8, Grid(1, side, side), pool=pool), x, x, x)
    return {"fewer": f"{work[1, 12] // work[2, 12]}", "grows": f"{work[2, 24] // work[2, 12]}",
            "net": f"{work[2, 24] // work[1, 12]}"}


def recount_judge() -> Mapping[str, str]:
    """Bytes of a softmax map that stores q and k, and of its table, for 4,096 tokens of 32 channels."""
    x = torch.zeros(1, 1, 4096, 32)
    a = make("softmax", 1, 32, Grid(X=4096)).map(x, x, x)
    return {"N": "4,096", "times": f"{4 * 4096**2 // tensor_bytes([x, x.clone()])}", "growth": "4",
            "work": f"{cost_growth('N S D', Grid(X=4096), Grid(X=16384)):.0f}", "rows": f"{a.shape[0]:,}"}


PAIRS = Question(
    "A clip of {short} frames with {old} × {old} patches becomes one of {long} frames with {new} × {new} patches. How "
    "many times as many pairs of tokens are there?",
    (Choice("{tokens}",
            "The number of *tokens* grows by this factor. A pair consists of two tokens."),
     Choice("{still}",
            "This would be right without the new frames: the fourth power of the side. But keys are in all frames, and "
            "so are queries."),
     Choice("{right}",
            "Each of the three directions was doubled, and each counts twice, once for queries and once for keys.",
            right=True)),
    "pairs", {"old": "14", "new": "28", "long": "16", "short": "8", "right": "64", "tokens": "8", "still": "16"},
    recount_pairs)

SHARE = Question(
    "A layer has {N} tokens and {C} channels. A colleague has found an attention whose pairs cost nothing. By how much "
    "do the multiplications of the layer (four linear maps and the attention) decrease?",
    (Choice("By nearly all: attention is quadratic.",
            "The pairs are quadratic, but the four linear maps stay, and with so many channels they are as much work "
            "as the pairs."),
     Choice("By {half} %.",
            "N is twice C, so pairs and linear maps need equal work. With {narrow} channels the answer would be "
            "{most} %.",
            right=True),
     Choice("It depends on the number of heads.",
            "The channels are divided among the heads: more heads with fewer channels need as many multiplications.")),
    "share", {"N": "784", "C": "392", "half": "50", "narrow": "96", "most": "80"}, recount_share)

POOL = Question(
    "Keys and values are sub-sampled, one for each 2 × 2 square, so there are {fewer} times fewer pairs. Then the side "
    "of the picture doubles. How much of the saving is left?",
    (Choice("All of it: sub-sampling makes attention linear.",
            "The number of keys is still proportional to N. With the doubled side the work grows by a factor of "
            "{grows}, as it does without sub-sampling."),
     Choice("Nothing: the work is {net} times that of the old picture without sub-sampling.",
            "Sub-sampling divides the work by {fewer}, the doubled side multiplies it by {grows}. For large pictures "
            "only the power matters.", right=True),
     Choice("Half of it.",
            "The work grows with the fourth power of the side, so the doubled side costs more than was saved.")),
    "pool", {"fewer": "4", "grows": "16", "net": "4"}, recount_pool)

JUDGE = Question(
    "\"Our softmax works in tiles, so its memory grows with N, no longer with its square. Long clips are no problem "
    "any more.\" Is this right for {N} tokens and more?",
    (Choice("The first sentence is wrong: a softmax needs its whole row.",
            "A softmax needs the row's sum, which can be updated from tile to tile. With heads of 32 channels the "
            "table would be {times} times as large as q and k together, and it is never made."),
     Choice("Both sentences are right.",
            "Only the first. With {growth} times the tokens the pairs are {work} times as many, and each of them is "
            "still computed."),
     Choice("The first sentence may be right; the second does not follow.",
            "The work is quadratic, too: {growth} times the tokens need {work} times the multiplications, with tiles "
            "and without.", right=True)),
    "judge", {"N": "4,096", "times": "64", "growth": "4", "work": "16", "rows": "4,096"}, recount_judge)

cost = Quiz("What it costs", (PAIRS, SHARE, POOL, JUDGE))
