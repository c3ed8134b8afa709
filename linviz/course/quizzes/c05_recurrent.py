"""The numbers in the quiz of chapter 5, causal and recurrent, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import Grid, make
from ...maps import CausalFactored, Features, Normaliser
from ...spectra import numerical_rank
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
    return {"N": f"{N}", "less": f"{N - 1}", "change": "Not at all" if change < 1e-9 else f"{change:.2g}"}


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
