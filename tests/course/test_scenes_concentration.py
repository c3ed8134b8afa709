"""The sliders of chapter 11 draw on their whole grids; what they draw is what linviz measures."""
from __future__ import annotations

import functools
import math

import pytest
import torch

from linviz import Grid, concentration, make
from linviz.course.scenes import ch11

GRID, N, D = Grid(1, 5, 6), 30, 8


@pytest.fixture(scope="module")
def x():
    return torch.randn(1, 1, N, D, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("share", ch11.SPIKES)
def test_a_spike_is_counted_in_three_ways(share: float) -> None:
    figure = ch11.spike_figure(share, size=40)
    row = ch11.spike_row(share, 40)
    assert row.sum().item() == pytest.approx(1) and row[0].item() == pytest.approx(share)
    few, many, most = figure.data[0].x
    assert few == pytest.approx(concentration.participation(row).item())
    assert few <= many * (1 + 1e-9) and most == concentration.support(row, 0.9).item()
    assert f"{100 * share:.0f} %" in figure.layout.title.text and len(figure.layout.meta["alt"]) > 20


@pytest.mark.parametrize("n", [1, 3, 40])
def test_rows_that_are_the_same_for_n_keys_count_n(n: int) -> None:
    row = torch.tensor([1 / n] * n + [0.0] * (40 - n), dtype=torch.float64)
    assert list(ch11.patch_counts(row).values()) == pytest.approx([n, n, math.ceil(0.9 * n)])


@pytest.mark.parametrize("floor", ch11.FLOORS)
def test_weights_are_drawn_at_every_floor(x, floor: float) -> None:
    draw = functools.partial(ch11.floor_figure, soft=make("softmax", 1, D, GRID), q=x, k=x, v=x, query=7)
    low = list(draw(floor).data[1].y)
    assert sum(low) == pytest.approx(N, rel=1e-4) and low == sorted(low, reverse=True)
    assert draw(floor).data[1].name == f"relu + {floor:.2f}"


def test_a_floor_of_nothing_is_relu_and_the_usual_one_relu_floor(x) -> None:
    for floor, spec in ((0.0, "relu"), (D**-0.5, "relu_floor")):
        a = make(spec, 1, D, GRID).map(x, x, x)
        assert torch.allclose(ch11.floored_map(x, x, floor).dense(), a.dense(), atol=1e-5)


@pytest.mark.parametrize("power", ch11.POWERS)
def test_weights_are_drawn_at_every_power(x, power: int) -> None:
    soft = make("softmax", 1, D, GRID)
    figure = ch11.power_figure(power, soft=soft, q=x, k=x, v=x, query=7)
    sharp = list(figure.data[1].y)
    assert sum(sharp) == pytest.approx(N, rel=1e-4) and figure.data[1].name == f"focused, p = {power}"
    bits = concentration.entropy(ch11.focused_map(power, x, x, x, GRID).dense()).mean().item()
    assert f"{bits:.2f} bits" in figure.layout.title.text


def test_a_row_is_made_of_three_parts_that_are_the_whole_map(x) -> None:
    q, k, floors = x[0, 0], x[0, 0].flip(0), [0.0, 0.3, 1.0]
    made = ch11.row_composition(q, k, floors)
    for n, c in enumerate(floors):
        assert sum(y[n] for y in made.values()) == pytest.approx(1)
        whole = (q.relu() + c) @ (k.relu() + c).mT
        pair = (q.relu() @ k.relu().mT).sum(-1) / whole.sum(-1)
        key = c * k.relu().sum() / whole.sum(-1)
        assert made["the pair"][n] == pytest.approx(pair.mean().item(), rel=1e-5)
        assert made["the key alone"][n] == pytest.approx(key.mean().item(), rel=1e-5, abs=1e-9)


def test_contrast_moves_a_row_away_from_the_uniform_one() -> None:
    row = torch.tensor([0.4, 0.3, 0.2, 0.1, 0.0, 0.0])
    figures = {c: ch11.contrast_figure(c, row=row, own=3.0, grid=Grid(1, 2, 3)) for c in ch11.contrasts(3.0)}
    titles = [figures[c].layout.title.text for c in (0.0, 1.0, 3.0, 4.0, 8.0)]
    assert titles == ["Contrast 0, uniform attention", "Contrast 1, linear attention", "Contrast 3, InLine",
                      "Contrast 4, MALA", "Contrast 8"]
    for c, figure in figures.items():
        drawn = torch.tensor(figure.data[0].z).flatten()
        assert torch.allclose(drawn, 6 * ch11.contrast_row(row, c), atol=1e-6)
        assert drawn.sum().item() == pytest.approx(6, rel=1e-5) and (c <= 1) == bool((drawn >= 0).all())


def test_a_longer_query_moves_all_rows_but_that_of_relu() -> None:
    grid = Grid(1, 3, 4)
    x = torch.randn(1, 1, 12, 8, generator=torch.Generator().manual_seed(0))
    methods = [make(name, 1, 8, grid, **options) for name, options in (
        ("softmax", {}), ("relu", {}), ("mala", {"rotate": False}), ("nala", {"rotate": False}))]
    drawn = {f: [torch.tensor(t.z) for t in ch11.length_figure(f, methods=methods, q=x, k=x, v=x, query=3).data]
             for f in ch11.LENGTHS}
    moved = [[(a - b).abs().max().item() for a, b in zip(drawn[low], drawn[high])] for low, high in
             ((ch11.LENGTHS[0], ch11.LENGTHS[3]), (ch11.LENGTHS[-2], ch11.LENGTHS[-1]))]
    assert moved[0][1] < 1e-4 and min(moved[0][0], moved[0][2], moved[0][3]) > 0.01
    assert moved[1][1] < 1e-4 and moved[1][3] < 1e-4 and moved[1][2] > 0.1
