"""The gate and the shifts, by hand."""
import pytest
import torch

from linviz import Grid
from linviz.fixation import PARTS, STEPS, Gate, fixation_ratios, shift_channels


@pytest.mark.parametrize("axis", ["time", "space"])
def test_every_channel_comes_from_the_neighbour_named(axis: str) -> None:
    """Token by token, channel by channel: which fold, which neighbour, what at the border."""
    grid, H, D = Grid(T=3, Y=3, X=4), 2, 20
    x = torch.randn(2, H, len(grid), D, dtype=torch.float64)
    y, size = shift_channels(x, grid, axis), H * D // PARTS[axis]
    for h in range(H):
        for d in range(D):
            n = (h * D + d) // size
            for i in range(len(grid)):
                expected = x[:, h, i, d]
                if n < len(STEPS[axis]):
                    t, r, c = (a + b for a, b in zip(grid.place(i), STEPS[axis][n], strict=True))
                    inside = 0 <= t < grid.T and 0 <= r < grid.Y and 0 <= c < grid.X
                    diagonal = STEPS[axis][n][1] != 0 and STEPS[axis][n][2] != 0
                    if inside:
                        expected = x[:, h, grid.number(t, r, c), d]
                    elif not diagonal:
                        expected = torch.zeros(2, dtype=torch.float64)
                assert torch.equal(y[:, h, i, d], expected), (h, d, i)


def test_the_prefix_stays() -> None:
    grid = Grid(T=2, X=2, prefix=1)
    x = torch.randn(1, 1, len(grid), 8)
    assert torch.equal(shift_channels(x, grid, "time")[..., 0, :], x[..., 0, :])


def test_one_frame_has_no_neighbours() -> None:
    x = torch.randn(1, 1, 4, 8)
    y = shift_channels(x, Grid(Y=2, X=2), "time")
    assert y[..., :4].abs().sum() == 0 and torch.equal(y[..., 4:], x[..., 4:])


def test_too_few_channels_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="cannot be cut into 16 folds"):
        shift_channels(torch.zeros(1, 1, 4, 8), Grid(X=4), "space")


def test_strength_runs_from_one_half_to_the_gate() -> None:
    gate = Gate(4, 3)
    phi, v = torch.rand(5, 4), torch.rand(5, 3)
    assert fixation_ratios(gate, phi, phi, v, strength=0.0)[0].unique().tolist() == [0.5]
    z = gate.logits(phi, phi, v)[1]
    assert torch.allclose(fixation_ratios(gate, phi, phi, v)[1], z.sigmoid())
    assert torch.allclose(fixation_ratios(gate, phi, phi, v, strength=0.5)[1], (z / 2).sigmoid())


def test_a_shared_gate_has_one_layer() -> None:
    assert len(list(Gate(4, 3, shared=True).parameters())) == 2
    assert len(list(Gate(4, 3).parameters())) == 4


@pytest.mark.parametrize("call", [lambda: Gate(4, 3, "vk"), lambda: Gate(4, 3).hold(1.0)])
def test_mistakes_get_a_sentence(call) -> None:
    with pytest.raises(ValueError):
        call()
