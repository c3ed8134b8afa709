"""The quiz of chapter 5, causal and recurrent. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import Grid, make
from ...maps import CausalFactored, Features, Normaliser
from ...spectra import numerical_rank
from ..quiz import Choice, Question, Quiz
from ..scenes.ch05 import break_even_tokens, cache_numbers, chunked_attention, cut_ranks, state_numbers

N, D = 300, 8


def _random(*sizes: int) -> Tensor:
    return torch.randn(1, 1, *sizes, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def recount_memory() -> Mapping[str, str]:
    """A head of 64 channels after a clip: numbers in a state and a cache, and when the state is smaller."""
    width, tokens = 64, 1568
    return {"width": f"{width}", "tokens": f"{tokens:,}", "state": f"{state_numbers(width, width):,}",
            "cache": f"{cache_numbers(tokens, width, width):,}", "from": f"{break_even_tokens(width, width)}"}


def recount_order() -> Mapping[str, str]:
    """How much the last output of the network changes when all earlier tokens are reversed."""
    x, m = _random(N, D), make("linear", 1, D, Grid(1, 1, N), causal=True, eps=0.0)
    order = torch.cat((torch.arange(N - 2, -1, -1), torch.tensor([N - 1])))
    back = x[..., order, :]
    change = (m(back, back, back) - m(x, x, x))[..., -1, :].abs().max().item()
    return {"N": f"{N}", "change": "Not at all" if change < 1e-9 else f"{change:.2g}"}


def recount_rank() -> Mapping[str, str]:
    """Ranks of a causal kernel, of the running mean, and of the block from the first half to the second."""
    x, one = _random(N, D), torch.ones(1, 1, N, 1, dtype=torch.float64)
    a = make("linear", 1, D, Grid(1, 1, N), causal=True, eps=0.0).map(x, x, x)
    mean = CausalFactored(Features(one, one), Normaliser("add"))
    whole, running = (int(numerical_rank(m.singular_values(), m.tolerance)) for m in (a, mean))
    middle, = cut_ranks(a.dense()[0, 0], [N // 2], 1e-9)
    return {"N": f"{N}", "D": f"{D}", "twice": f"{2 * D}", "rank": f"{whole}", "mean": f"{running}",
            "middle": f"{middle}"}


def recount_chunks() -> Mapping[str, str]:
    """Whether two chunk sizes give the same result, and how many chunks each makes."""
    x = _random(N, D)[0, 0].exp()
    few, many = (chunked_attention(x, x, x, size) for size in (100, 10))
    same = bool(((few - many).abs() <= 1e-9 * few.abs()).all())
    return {"N": f"{N}", "small": "10", "large": "100", "more": f"{N // 10}", "fewer": f"{N // 100}",
            "difference": "the same" if same else "not the same"}


MEMORY = Question(
    "A head has seen {tokens} tokens; its keys and values have width {width}. What must linear attention store, and "
    "what must softmax store?",
    (Choice("{state} numbers; softmax {cache}.",
            "The state has M E + M numbers at all times; the cache has D + E numbers per token. From token {from} on "
            "the state is smaller.", right=True),
     Choice("{cache} numbers; softmax the same and a table as well.",
            "Only softmax stores every key and every value. The state has {state} numbers, and neither method needs to "
            "store the table."),
     Choice("One number per token, {tokens}; softmax {cache}.",
            "The size of the state does not depend on the number of tokens: it has {state} numbers after the first "
            "token and after the last.")),
    "memory", {"width": "64", "tokens": "1,568", "state": "4,160", "cache": "200,704", "from": "33"}, recount_memory)

ORDER = Question(
    "The first {less} of {N} tokens reach the recurrent network in the opposite order; the last one stays the last. "
    "What happens to the last output?",
    (Choice("It changes: a recurrent network depends on order.",
            "Many do. This network adds, and a sum has no order. How much does the last output change? {change}."),
     Choice("Nothing.",
            "The state is a sum over all earlier tokens. If order matters, it must be written into the tokens.",
            right=True),
     Choice("It changes a little: recent tokens count more.",
            "Only if the state decays. In a plain sum all tokens have the same weight, old or new.")),
    "memory", {"N": "300", "less": "299", "change": "Not at all"},
    lambda: {**recount_order(), "less": f"{N - 1}"})

RANK = Question(
    "Causal linear attention with {D} features on {N} tokens. Its map has rank {rank}. What follows?",
    (Choice("The mask has repaired the low rank: the map can do what softmax can.",
            "The running mean, which ignores all content, has rank {mean}, too. And the block from the first half of "
            "the sequence to the second has rank {middle}."),
     Choice("The count is wrong: the rank is at most {D}, or {twice} with the mask.",
            "The bound holds for the whole product. A triangle with a positive diagonal has a determinant that is not "
            "zero, so its rank is {N}."),
     Choice("Not much: any triangle with a positive diagonal has full rank.",
            "All information from past to future still passes through {middle} channels, at every moment.",
            right=True)),
    "rank", {"N": "300", "D": "8", "twice": "16", "rank": "300", "mean": "300", "middle": "8"}, recount_rank)

CHUNKS = Question(
    "You take chunks of {large} tokens instead of chunks of {small}, for {N} tokens. What changes?",
    (Choice("The result: larger chunks see more of the past.",
            "Every token sees its whole past in both cases, by triangle or by state. The outputs are {difference}."),
     Choice("More arithmetic, in {fewer} steps instead of {more}.",
            "All pairs inside a chunk are multiplied, so larger chunks need more arithmetic. But only the chunks are "
            "sequential.", right=True),
     Choice("Less arithmetic: fewer chunks, fewer products.",
            "There are fewer products, but each is larger: a chunk's triangle grows with the square of its size.")),
    "chunks", {"N": "300", "small": "10", "large": "100", "more": "30", "fewer": "3", "difference": "the same"},
    recount_chunks)

recurrent = Quiz("Causal and recurrent", (MEMORY, ORDER, RANK, CHUNKS))
