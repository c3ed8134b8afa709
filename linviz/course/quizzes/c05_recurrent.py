"""The quiz of chapter 5, causal and recurrent. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import Grid, make
from ...maps import CausalFactored, Features, Normaliser
from ...spectra import numerical_rank
from ..quiz import Choice, Question, Quiz
from ..scenes.ch05 import cache_numbers, door, in_chunks, smaller_from, state_numbers

N, D = 300, 8


def _random(*sizes: int) -> Tensor:
    return torch.randn(1, 1, *sizes, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def recount_memory() -> Mapping[str, str]:
    """A head of 64 channels after a clip: what a state and a cache hold, and from when on the state is smaller."""
    width, tokens = 64, 1568
    return {"width": f"{width}", "tokens": f"{tokens:,}", "state": f"{state_numbers(width, width):,}",
            "cache": f"{cache_numbers(tokens, width, width):,}", "from": f"{smaller_from(width, width)}"}


def recount_order() -> Mapping[str, str]:
    """How far the last output of the network moves when all that came before it comes in the opposite order."""
    x, m = _random(N, D), make("linear", 1, D, Grid(1, 1, N), causal=True, eps=0.0)
    order = torch.cat((torch.arange(N - 2, -1, -1), torch.tensor([N - 1])))
    back = x[..., order, :]
    change = (m(back, back, back) - m(x, x, x))[..., -1, :].abs().max().item()
    return {"N": f"{N}", "change": "Not at all" if change < 1e-9 else f"{change:.2g}"}


def recount_rank() -> Mapping[str, str]:
    """Ranks of a causal kernel, of the running mean, and of what passes the middle of the sequence."""
    x, one = _random(N, D), torch.ones(1, 1, N, 1, dtype=torch.float64)
    a = make("linear", 1, D, Grid(1, 1, N), causal=True, eps=0.0).map(x, x, x)
    mean = CausalFactored(Features(one, one), Normaliser("add"))
    whole, running = (int(numerical_rank(m.singular_values(), m.tolerance)) for m in (a, mean))
    middle, = door(a.dense()[0, 0], [N // 2], 1e-9)
    return {"N": f"{N}", "D": f"{D}", "twice": f"{2 * D}", "rank": f"{whole}", "mean": f"{running}",
            "middle": f"{middle}"}


def recount_chunks() -> Mapping[str, str]:
    """How far two sizes of chunks lie from each other, and how many chunks each makes."""
    x = _random(N, D)[0, 0].exp()
    few, many = (in_chunks(x, x, x, size) for size in (100, 10))
    same = bool(((few - many).abs() <= 1e-9 * few.abs()).all())
    return {"N": f"{N}", "small": "10", "large": "100", "more": f"{N // 10}", "fewer": f"{N // 100}",
            "difference": "the same" if same else "not the same"}


MEMORY = Question(
    "A head {width} wide, keys and values alike, has seen {tokens} tokens. What does linear attention have to keep of "
    "them, and what does softmax?",
    (Choice("{state} numbers; softmax {cache}.",
            "M E + M for the state, whatever it has seen; D + E a token for the cache. From token {from} on the state "
            "is the smaller.", right=True),
     Choice("{cache} numbers; softmax the same and a table on top.",
            "That is what softmax keeps: every key and every value. The state has {state} numbers, and the table need "
            "not be kept by anybody."),
     Choice("One number a token, {tokens}; softmax {cache}.",
            "Nothing in the state is counted by tokens: it has {state} numbers after the first token and after the "
            "last.")),
    "memory", {"width": "64", "tokens": "1,568", "state": "4,160", "cache": "200,704", "from": "33"}, recount_memory)

ORDER = Question(
    "The first {less} of {N} tokens reach the recurrent network in the opposite order; the last one stays the last. "
    "What happens to the last output?",
    (Choice("It changes: a recurrent network depends on order.",
            "Many do. This one adds, and a sum has no order. How far does the last output move? {change}."),
     Choice("Nothing.",
            "The state is a sum over all that came before. Where order matters, it must be written on the tokens.",
            right=True),
     Choice("It changes a little: recent tokens count more.",
            "Only where the state fades. A plain sum lets all tokens count alike, old or new.")),
    "memory", {"N": "300", "less": "299", "change": "Not at all"},
    lambda: {**recount_order(), "less": f"{N - 1}"})

RANK = Question(
    "Causal linear attention with {D} features on {N} tokens. Its map has rank {rank}. What follows?",
    (Choice("The mask has cured the low rank: it can do what softmax can.",
            "The running mean, which looks at nothing, has rank {mean}, too. And of all the past, what reaches the "
            "second half of the sequence has rank {middle}."),
     Choice("Somebody has miscounted: the rank is at most {D}, or {twice} with the mask.",
            "The bound holds for the whole product. A triangle with a positive diagonal has a determinant that is not "
            "zero, so its rank is {N}."),
     Choice("Not much: any triangle with a positive diagonal has full rank.",
            "What passes from past to future still goes through {middle} channels, at every moment.", right=True)),
    "rank", {"N": "300", "D": "8", "twice": "16", "rank": "300", "mean": "300", "middle": "8"}, recount_rank)

CHUNKS = Question(
    "Somebody takes chunks of {large} instead of chunks of {small}, on {N} tokens. What changes?",
    (Choice("The result: larger chunks see more of the past.",
            "Every token sees all of its past either way, by triangle or by state. The outputs are {difference}."),
     Choice("More arithmetic, in {fewer} steps instead of {more}.",
            "Pairs inside a chunk are all multiplied, so larger chunks multiply more; but only the chunks wait for "
            "each other.", right=True),
     Choice("Less arithmetic: fewer chunks, fewer products.",
            "There are fewer products, and each is larger: a chunk's triangle grows with the square of its size.")),
    "chunks", {"N": "300", "small": "10", "large": "100", "more": "30", "fewer": "3", "difference": "the same"},
    recount_chunks)

recurrent = Quiz("Causal and recurrent", (MEMORY, ORDER, RANK, CHUNKS))
