"""Swin, pair by pair; and shifted windows against a rolled picture with -100 between strangers."""
import math

import pytest
import torch

from linviz import Grid, make
from linviz.maps import StepScores, step_scores

from .loops import D, E, dot, mixed, single, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)  # six tokens


def test_definition() -> None:
    q, k, v = vectors()
    m = make("swin", 1, D, GRID, value_width=E).double()
    table = torch.randn(3, 5, dtype=torch.float64)  # rows -1 ... 1, columns -2 ... 2
    m.mechanism.bias.data = table.view(-1, 1)
    a = torch.zeros(6, 6, dtype=torch.float64)
    for i in range(6):
        for j in range(6):
            down, across = i // 3 - j // 3, i % 3 - j % 3  # from key to query
            a[i, j] = math.exp(dot(q[i], k[j]) / math.sqrt(D) + table[down + 1, across + 2])
    a /= a.sum(-1, keepdim=True)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_steps_in_time_have_their_own_bias() -> None:
    grid = Grid(T=2, Y=1, X=2)
    m = make("swin", 1, D, grid).double()
    table = torch.randn(3, 1, 3, dtype=torch.float64)
    m.mechanism.bias.data = table.view(-1, 1)
    x = torch.zeros(1, 1, 4, D, dtype=torch.float64)
    a = m.map(x, x, x).dense()[0, 0]
    for i in range(4):
        row = torch.stack([table[i // 2 - j // 2 + 1, 0, i % 2 - j % 2 + 1] for j in range(4)])
        assert torch.allclose(a[i], row.softmax(-1))


def test_every_window_reads_one_table() -> None:
    """With q = 0 a map is its bias alone: two full windows have the same, a smaller one the corner of it."""
    grid = Grid(Y=5, X=4)
    m = make("swin@window:2", 2, D, grid).double()
    torch.nn.init.normal_(m.mechanism.bias)
    x = torch.zeros(1, 2, len(grid), D, dtype=torch.float64)
    a = m.map(x, x, x).dense()[0]
    first, second = torch.tensor([0, 1, 4, 5]), torch.tensor([10, 11, 14, 15])
    assert torch.allclose(a[:, first][..., first], a[:, second][..., second])
    last, corner = torch.tensor([16, 17]), a[:, :2, :2]  # the fifth row has windows of 1 x 2
    assert torch.allclose(a[:, last][..., last], corner / corner.sum(-1, keepdim=True))


def rolled(q: torch.Tensor, k: torch.Tensor, side: int, W: int, bias: torch.Tensor, mask: bool = True) -> torch.Tensor:
    """The road of the official code: roll by -W/2, cut full windows, -100 between pieces of different places."""
    s = W // 2
    number = torch.arange(side * side).view(side, side).roll((-s, -s), (0, 1))
    piece = torch.tensor([0] * (side - W) + [1] * (W - s) + [2] * s)
    label = (3 * piece[:, None] + piece)
    a = torch.zeros(side * side, side * side, dtype=torch.float64)
    for y in range(0, side, W):
        for x in range(0, side, W):
            tokens, labels = (t[y:y + W, x:x + W].flatten() for t in (number, label))
            scores = q[tokens] @ k[tokens].T / math.sqrt(D) + bias
            scores = scores - 100.0 * (labels[:, None] != labels) * mask
            a[tokens[:, None], tokens] = scores.softmax(-1)
    return a


def test_shifted_windows_are_the_rolled_ones_without_roll_and_mask() -> None:
    side, W = 6, 2
    grid = Grid(Y=side, X=side)
    generator = torch.Generator().manual_seed(3)
    q, k = torch.randn(2, side * side, D, generator=generator, dtype=torch.float64)
    m = make(f"swin@shifted:{W}", 1, D, grid).double()
    table = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    m.mechanism.bias.data = table.view(-1, 1)
    place = Grid(Y=W, X=W).places()[:, 1:]
    step = place[:, None] - place + W - 1
    bias = table[step[..., 0], step[..., 1]]
    ours = m.map(*single(q, k, q)).dense()[0, 0]
    assert torch.allclose(ours, rolled(q, k, side, W, bias), atol=1e-12)
    corner, opposite = 0, side * side - 1
    assert ours[corner, opposite] == 0 < rolled(q, k, side, W, bias, mask=False)[corner, opposite]


def test_what_holds_for_every_map() -> None:
    holds("swin")
    holds("swin@shifted:2", grids=(Grid(Y=3, X=5), Grid(T=2, Y=3, X=3, prefix=1)))
    differentiates("swin")


def test_rows_of_a_long_grid_are_cut_out_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid(T=2, Y=3, X=4, prefix=2)
    for spec in ("swin", "swin@window:2"):  # the last window is a corner of the grid for which the table was built
        m = make(spec, 2, D, grid).double()
        torch.nn.init.normal_(m.mechanism.bias)
        q, k, v = torch.randn(3, 2, 2, len(grid), D, dtype=torch.float64)
        found = []
        for long in (10_000, 0):
            monkeypatch.setattr(step_scores, "LONG", long)
            a = m.map(q, k, v)
            found.append([a.dense(), a @ v, *torch.autograd.grad((a @ v).sin().sum(), m.mechanism.bias)])
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other)
    a = make("swin", 2, D, grid).double().map(q, k, v)
    assert isinstance(a, StepScores)
    assert torch.allclose(torch.stack([head.dense() for head in a.single_heads()]), a.dense().flatten(0, 1))
    wire = a.wire((1, 1))
    scores = wire["q"] @ wire["k"].mT * wire["scale"] + wire["bias"]
    assert torch.allclose(scores.softmax(-1), a.dense()[1, 1])
