"""What chapter 14 counts and draws: content goes home, a gate reads its neighbours, strangers are no neighbours."""
from __future__ import annotations

import functools

import pytest
import torch

from linviz import Grid, make
from linviz.course.scenes import ch14
from linviz.fixation import SPACE, shift_channels

GRID = Grid(3, 5, 6)
N, D = len(GRID), 18


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.randn(3, 1, 1, N, D, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def row(x) -> torch.Tensor:
    return make("softmax+shift:space", 1, D, GRID).map(*x).rows(torch.tensor([40]))[0, 0, 0]


@pytest.mark.parametrize("axis", ["time", "space"])
def test_content_is_what_the_mean_channel_of_the_output_is_made_of(x, row, axis: str) -> None:
    """The mean over channels of what is mixed, for values that are alike in all channels."""
    v = torch.randn(N, generator=torch.Generator().manual_seed(1))[:, None].expand(N, D)
    mixed = (row @ shift_channels(v[None, None], GRID, axis)[0, 0]).mean()
    assert torch.allclose(ch14.content_weights(row, GRID, D, axis) @ v[:, 0], mixed, atol=1e-6)


@pytest.mark.parametrize("fold", ch14.FOLDS)
def test_every_fold_is_drawn_where_its_neighbour_is(row, fold: int) -> None:
    one = torch.zeros(N)
    one[GRID.number(1, 2, 3)] = 1
    _, dy, dx = SPACE[fold]
    assert ch14.displaced_row(one, GRID, fold)[1].argmax() == (2 + dy) * GRID.X + 3 + dx
    draw = functools.partial(ch14.fold_figure, row=row, grid=GRID, frame=1)
    figure = draw(fold)
    light = torch.tensor(figure.data[0].z)
    assert torch.allclose(light.flatten(), row[30:60] * N, rtol=1e-4)
    assert ch14.WAYS[fold] in figure.layout.meta["alt"]
    assert figure.layout.coloraxis.cmax == pytest.approx(max(t.z.max() for t in figure.data))


@pytest.mark.parametrize("spec, count", [("", 1), ("+shift:time", 3), ("+shift:space", 9)])
def test_a_gate_reads_its_neighbours(x, spec: str, count: int) -> None:
    seen = ch14.gate_receptive_field(make(f"relu_floor+gate{spec}", 1, D, GRID), *x, token=GRID.number(1, 2, 3))
    assert seen.sum() == count and seen[GRID.number(1, 2, 3)]
    with pytest.raises(ValueError, match=r"softmax has no gate, so nothing reaches its ratios; add \+gate"):
        ch14.gate_receptive_field(make("softmax", 1, D, GRID), *x, token=0)


def test_reach_grows_a_frame_to_each_side_and_divided_attention_hears_all() -> None:
    grid, frame = Grid(7, 2, 3), 6
    middle = grid.number(3, 0, 1)
    assert ch14.scheme_reach("", ["softmax+shift:time@space"], grid, middle)[1] == [3 * frame, 5 * frame, 7 * frame]
    path, heard = ch14.scheme_reach("divided", ["softmax@time", "softmax@space"], grid, middle)
    assert heard == [6, 42, 42] and path.shares[-1] == 100 and list(path.operations) == sorted(path.operations)


def test_strangers_shift_as_much_and_from_elsewhere(x) -> None:
    drawn = [ch14.sham_shift(x[0], GRID, "time", seed) for seed in (0, 1)]
    true, fold = shift_channels(x[0], GRID, "time"), D // 4
    for y in drawn:
        assert torch.equal(y[..., 2 * fold:], x[0][..., 2 * fold:])
        assert (y[..., :fold] == 0).all(-1).sum() == (true[..., :fold] == 0).all(-1).sum()
        assert (y[..., :fold] != true[..., :fold]).any(-1).float().mean() > 0.8
    assert not torch.equal(*drawn)


def test_an_ablation_has_a_number_a_seed_and_is_the_same_again() -> None:
    grid = Grid(2, 4, 4)
    first, again = (ch14.gate_ablation("pan", "next", grid, ("no shift", "strangers (control)"), (0, 1), 3)
                    for _ in range(2))
    assert first == again and all(len(set(y)) == 2 and min(y) > 0 for y in first.values())
