"""What chapter 9 counts and draws: windows never meet until they are shifted, rulers, and both uses of a Gaussian."""
from __future__ import annotations

import math

import pytest
import torch

from linviz import Grid
from linviz.course.scenes import ch09

from ..cases import every_case

GRID = Grid(Y=6, X=8)
QUERY = GRID.number(0, 2, 3)
REACHED = {"windows": ch09.window_reach(["softmax@window:4"], GRID, QUERY),
           "by turns": ch09.window_reach(["softmax@window:4", "softmax@shifted:4"], GRID, QUERY)}


def test_a_window_is_never_left_and_shifts_join_all() -> None:
    own = torch.zeros(6, 8, dtype=torch.bool)
    own[:4, :4] = True
    assert all(torch.equal(mask, own.flatten()) for mask in REACHED["windows"])
    counts = REACHED["by turns"].sum(-1).tolist()
    assert counts == sorted(counts) and counts[-1] == len(GRID)
    shifted = torch.zeros(6, 8, dtype=torch.bool)
    shifted[2:6, 2:6] = True  # the last layer is the last of the specs
    assert torch.equal(REACHED["by turns"][0], shifted.flatten())


@every_case("layers", ch09.LAYERS)
def test_every_number_of_layers_is_drawn(layers: int) -> None:
    figure = ch09.reach_figure(layers, reached=REACHED, grid=GRID)
    assert [int(t.z.sum()) for t in figure.data] == [int(m[layers - 1].sum()) for m in REACHED.values()]
    assert figure.layout.title.text.endswith(f"{layers} layer{'s' * (layers > 1)}")
    assert f"After layer {layers}" in figure.layout.meta["alt"]


@every_case("row", range(1, GRID.Y + 1))
def test_rulers_are_cosines_of_their_distances(row: int) -> None:
    figure = ch09.ruler_figure(row, grid=GRID, column=3)
    one, two, vicinity = (torch.tensor(t.z) for t in figure.data)
    y, x = torch.meshgrid(torch.arange(6.0) - (row - 1), torch.arange(8.0) - 3, indexing="ij")
    a, b = math.pi / 2 * y / 6, math.pi / 2 * x / 8
    assert torch.allclose(one, torch.cos(math.pi / 2 * (8 * y + x) / 48), atol=1e-5)
    assert torch.allclose(two, a.cos() * b.cos(), atol=1e-5)
    assert torch.allclose(vicinity, (a.cos() + b.cos()) / 2, atol=1e-5)
    assert f"row {row}, column 4" in figure.layout.meta["alt"]


@every_case("sigma", ch09.SIGMAS)
def test_a_gaussian_as_logits_never_passes_e(sigma: float) -> None:
    rows = ch09.gaussian_rows(sigma, GRID, QUERY)
    assert (rows["logits"].max() / rows["logits"].min()).item() < math.e + 1e-4
    assert all(row.sum().item() == pytest.approx(1, abs=1e-5) for row in rows.values())
    figure = ch09.gaussian_figure(sigma, grid=GRID, query=QUERY)
    assert torch.allclose(torch.tensor(figure.data[0].z).flatten(), rows["weights"] * len(GRID), atol=1e-4)
    assert figure.layout.coloraxis.cmax == pytest.approx(max(t.z.max() for t in figure.data))
    assert f"width {sigma:g}" in figure.layout.title.text
