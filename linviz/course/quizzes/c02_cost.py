"""The quiz of chapter 2, what attention costs. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, make
from ...cost import flops, growth, held
from ...models import AttentionLayer
from ..quiz import Choice, Question, Quiz

HEADS = 2


def recount_pairs() -> Mapping[str, str]:
    """How many times softmax's pairs and one frame's pairs grow when a clip's three sides grow."""
    short, full, cost = Grid(8, 14, 14), Grid(16, 28, 28), "N S D"
    return {"old": "14", "new": "28", "long": "16", "short": "8",
            "right": f"{growth(cost, short, full):.0f}", "tokens": f"{growth('N D', short, full):.0f}",
            "still": f"{growth(cost, short, Grid(8, 28, 28)):.0f}"}


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
    """Bytes of a softmax map that keeps q and k, and of its table, for 4,096 tokens of 32 channels."""
    x = torch.zeros(1, 1, 4096, 32)
    a = make("softmax", 1, 32, Grid(X=4096)).map(x, x, x)
    return {"N": "4,096", "times": f"{4 * 4096**2 // held([x, x.clone()])}", "growth": "4",
            "work": f"{growth('N S D', Grid(X=4096), Grid(X=16384)):.0f}", "rows": f"{a.shape[0]:,}"}


PAIRS = Question(
    "A clip of {short} frames with {old} × {old} patches becomes one of {long} frames with {new} × {new} patches. How "
    "many times as many pairs of tokens are there?",
    (Choice("{tokens}",
            "So many times as many *tokens*. A pair is two of them."),
     Choice("{still}",
            "That would be right without the new frames: the fourth power of the side. But keys lie in all frames, and "
            "queries, too."),
     Choice("{right}",
            "Each of the three directions was doubled, and each counts twice, once for queries and once for keys.",
            right=True)),
    "pairs", {"old": "14", "new": "28", "long": "16", "short": "8", "right": "64", "tokens": "8", "still": "16"},
    recount_pairs)

SHARE = Question(
    "A layer has {N} tokens and {C} channels. A colleague has found an attention whose pairs cost nothing at all. By "
    "how much do the multiplications of the layer (four linear maps and the attention) shrink?",
    (Choice("To nearly nothing: attention is quadratic.",
            "The pairs are, but the four linear maps stay as they were, and with so many channels they are no less "
            "work."),
     Choice("By {half} %.",
            "N is twice C, so pairs and linear maps are equal. With {narrow} channels it would have been {most} %.",
            right=True),
     Choice("It depends on the number of heads.",
            "Heads share the channels out among themselves: more heads of fewer channels multiply just as often.")),
    "share", {"N": "784", "C": "392", "half": "50", "narrow": "96", "most": "80"}, recount_share)

POOL = Question(
    "Keys and values are sub-sampled, one for each 2 × 2 square, so there are {fewer} times fewer pairs. Then the side "
    "of the picture doubles. What of the saving is left?",
    (Choice("All of it: sub-sampling makes attention linear.",
            "The number of keys is still a share of N. With the doubled side the work grows {grows} times, as it does "
            "without sub-sampling."),
     Choice("Nothing: it is {net} times the work of the old picture without sub-sampling.",
            "Sub-sampling divides by {fewer}, the doubled side multiplies by {grows}. The power is what counts in the "
            "end.", right=True),
     Choice("Half of it.",
            "If the work grew with the side squared, a little would be left. It grows with the fourth power.")),
    "pool", {"fewer": "4", "grows": "16", "net": "4"}, recount_pool)

JUDGE = Question(
    "\"Our softmax works in tiles, so its memory grows with N, no longer with its square. Long clips are no problem "
    "any more.\" What do you say, at {N} tokens and beyond?",
    (Choice("The first sentence cannot be: a softmax needs its whole row.",
            "It needs the row's sum, and that can be carried along from tile to tile. With heads of 32 channels the "
            "table would be {times} times as large as q and k together, and it is never made."),
     Choice("Right, both.",
            "For memory. But with {growth} times the tokens the pairs are {work} times as many, and each of them is "
            "still computed."),
     Choice("The first sentence may be right; the second does not follow.",
            "Memory was not the only thing that was quadratic: {growth} times the tokens, {work} times the "
            "multiplications, in tiles or not.", right=True)),
    "judge", {"N": "4,096", "times": "64", "growth": "4", "work": "16", "rows": "4,096"}, recount_judge)

cost = Quiz("What it costs", (PAIRS, SHARE, POOL, JUDGE))
