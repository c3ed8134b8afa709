"""What chapter 7 draws and counts: errors of random features, draws, and a leak from the future."""
from __future__ import annotations

import functools

import pytest
import torch

from linviz import Grid
from linviz.course.scenes import ch07

from ..cases import every_case
from .answers_07 import causal_table

GRID = Grid(1, 4, 5)
N, D = len(GRID), 6


def inputs() -> torch.Tensor:
    return torch.randn(3, 1, 1, N, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@every_case("name", ch07.KINDS)
def test_errors_of_short_vectors_fall_with_more_directions(name: str) -> None:
    q, k, _ = inputs() * 0.3
    target = (q @ k.mT / D ** 0.5).softmax(-1)[0, 0]
    kind, orthogonal = ch07.KINDS[name]
    few, many = (ch07.median_error(kind, orthogonal, M, q, k, target, 5) for M in (8, 512))
    assert many < 0.4 * few and many < 0.1


@every_case("length", ch07.LENGTHS)
def test_errors_are_drawn_for_every_length(length: float) -> None:
    q, k, _ = inputs()
    figure = ch07.error_figure(length, q=q, k=k, counts=(4, 16))
    assert [trace.name for trace in figure.data] == list(ch07.KINDS)
    assert f"× {length:.1f}" in figure.layout.title.text and figure.layout.yaxis.type == "log"
    best = min(figure.data, key=lambda trace: trace.y[-1]).name
    assert figure.layout.title.text.endswith(best)


def test_every_draw_is_another_map_and_the_same_again() -> None:
    q, k, v = inputs()
    draw = functools.partial(ch07.redrawn_figure, q=q, k=k, colours=v.sigmoid()[..., :3], grid=GRID, query=3)
    rows = [torch.tensor(draw(seed).data[1].z) for seed in ch07.SEEDS]
    assert torch.equal(torch.tensor(draw(ch07.SEEDS[0]).data[1].z), rows[0])
    assert all(row.sum().item() == pytest.approx(N, rel=1e-4) for row in rows)
    assert not any(torch.allclose(one, other) for n, one in enumerate(rows) for other in rows[:n])


def test_the_leak_is_in_the_figure_and_the_honest_line_stays_at_zero() -> None:
    q, k, v = (x[0, 0] for x in inputs())
    w = torch.randn(9, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def leaks(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return causal_table(q, k - (k @ w.mT).max() * 0.1, v, w, 1e-2)     # a key that depends on all others

    for factor in ch07.FACTORS:
        figure = ch07.leak_figure(factor, leaks=leaks, honest=lambda *x: causal_table(*x, w, 1e-2), q=q, k=k, v=v)
        leaking, clean = (torch.tensor(trace.y)[:-1] for trace in figure.data)
        assert clean.max() < 1e-12 and (leaking.max() > 1e-6) == (factor > 1)
        assert f"{leaking.max():.2f}" in figure.layout.title.text
