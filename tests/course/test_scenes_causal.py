"""What chapter 5 draws and counts: the slider on its whole grid, memory held to real tensors, chunks, the door."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, make
from linviz.course.scenes import ch05
from linviz.maps import CausalFactored, Features, Normaliser


@pytest.mark.parametrize("width", ch05.WIDTHS)
def test_memory_is_drawn_at_every_width(width: int) -> None:
    figure = ch05.memory_figure(width)
    cache, state = figure.data
    assert list(cache.x) == list(state.x) == list(ch05.SEEN) and len(set(state.y)) == 1
    first = ch05.break_even_tokens(width, width)
    assert all((c > s) == (n >= first) for n, c, s in zip(ch05.SEEN, cache.y, state.y, strict=True))
    assert f"{state.y[0]:,} numbers" in figure.layout.title.text and f"at {first}" in figure.layout.meta["alt"]


@pytest.mark.parametrize("width, value_width", [(4, 3), (18, 18), (5, 9)])
def test_memory_is_what_tensors_hold(width: int, value_width: int) -> None:
    m = make("linear", 1, width, Grid(1, 1, 12), value_width=value_width, causal=True)
    q, v = torch.rand(1, 1, 12, width), torch.rand(1, 1, 12, value_width)
    state = None
    for i in range(12):
        token = slice(i, i + 1)
        state, _ = m.step(state, q[..., token, :], q[..., token, :], v[..., token, :])
        assert state.S.numel() + state.z.numel() == ch05.state_numbers(width, value_width)
        assert q[..., :i + 1, :].numel() + v[..., :i + 1, :].numel() == ch05.cache_numbers(i + 1, width, value_width)
    first = ch05.break_even_tokens(width, value_width)
    assert ch05.cache_numbers(first, width, value_width) > ch05.state_numbers(width, value_width)
    assert ch05.cache_numbers(first - 1, width, value_width) <= ch05.state_numbers(width, value_width)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 11])
def test_chunks_are_the_triangle(size: int) -> None:
    q, k, v = (torch.randn(7, n, dtype=torch.float64) for n in (4, 4, 3))
    assert torch.allclose(ch05.chunked_attention(q, k, v, size), (q @ k.mT).tril() @ v, rtol=1e-12)


def test_the_door_of_a_causal_kernel_is_as_wide_as_its_features() -> None:
    q, k = (torch.rand(1, 1, 20, 3, dtype=torch.float64) for _ in "qk")
    a = CausalFactored(Features(q, k), Normaliser("add")).dense()[0, 0]
    assert ch05.cut_ranks(a, (1, 2, 5, 10, 18, 19), 1e-9) == [1, 2, 3, 3, 2, 1]
    assert torch.linalg.matrix_rank(a) == 20
    assert ch05.cut_ranks(torch.rand(20, 20, dtype=torch.float64), (5, 10), 1e-9) == [5, 10]
