"""What chapter 14 draws and counts: where content comes from, which tokens a gate reads, and an ablation."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ... import clips
from ...cost import flops
from ...figures import heat
from ...figures.reach import Path
from ...fixation import SPACE, shift_channels
from ...fixation import content_weights as content_weights  # the chapter draws with it
from ...flow import Layer, reach
from ...grid import Grid
from ...maps import Map
from ...mechanisms import Attention, make
from ...models import fit_gate

FOLDS = tuple(range(len(SPACE)))
WAYS = ("below", "above", "the right", "the left", "above left", "below right", "above right", "below left")


def gate_receptive_field(m: Attention, q: Tensor, k: Tensor, v: Tensor, token: int) -> Tensor:
    """The tokens whose q, k or v reach the fixation ratios of one token: (N,) bool.

    >>> x, g = torch.rand(1, 1, 12, 8), Grid(T=3, Y=2, X=2)
    >>> gate_receptive_field(make("relu_floor+gate+shift:time", 1, 8, g), x, x, x, token=5).nonzero().flatten().tolist()
    [1, 5, 9]
    """
    if m.gate is None:
        raise ValueError(f"{m.spec} has no gate, so nothing reaches its ratios; add +gate")
    given = [x.detach().abs().add(1).requires_grad_() for x in (q, k, v)]  # above zero: relu hides nothing
    z = torch.cat(m.gate.logits(*m.features(*given)), -1)
    weights = torch.linspace(1, 2, z.shape[-1])  # uneven, so that nothing cancels
    (z[0, 0, token] * weights).sum().backward()
    return torch.stack([(x.grad if x.grad is not None else torch.zeros_like(x)).abs().sum((0, 1, 3)) > 0
                        for x in given]).any(0)


def displaced_row(row: Tensor, grid: Grid, fold: int) -> Tensor:
    """Where a row (N,) gets the content of one channel fold from, after the shift in space: (T, Y, X)."""
    x = torch.zeros(1, 1, len(grid), 16, dtype=row.dtype, requires_grad=True)
    (row * shift_channels(x, grid, "space")[0, 0, :, fold]).sum().backward()
    assert x.grad is not None
    return grid.fold(x.grad[0, 0].sum(-1, keepdim=True))[..., 0]


def fold_figure(fold: float, *, row: Tensor, grid: Grid, frame: int) -> Any:
    """One frame of a row, and beside it where the content of one fold of channels comes from, on one scale."""
    n, light = int(fold), grid.fold(row[:, None])[..., 0]
    pair = torch.stack((light[frame], displaced_row(row, grid, n)[frame])) * len(grid)
    most = [divmod(int(x.argmax()), grid.X) for x in pair]
    said = f"The largest weight is at row {most[0][0] + 1}, column {most[0][1] + 1}. The content of fold {n}, from " \
           f"{WAYS[n]}, comes mostly from row {most[1][0] + 1}, column {most[1][1] + 1}."
    return heat.patch_panels(pair.numpy(), ["where the weight lies", f"where fold {n} comes from: {WAYS[n]}"],
                             bar="weight, fair shares", top=pair.max().item(), columns=2, said=said,
                             title="The same weights, and where their content comes from")


def scheme_reach(title: str, specs: Sequence[str], grid: Grid, query: int, width: int = 32) -> tuple[Path, list[int]]:
    """The tokens that reach a query after one, two and three layers: a line of a chart, and the numbers of tokens.

    specs: of the layers, in turn, so that the last spec is the last layer's. Operations: counted, of matrix products.

    >>> scheme_reach("frame by frame", ["relu_floor@space"], Grid(T=3, Y=2, X=2), query=5)[1]
    [4, 4, 4]
    """
    q, k, v = torch.randn(3, 1, 1, len(grid), width, generator=torch.Generator().manual_seed(0))
    turn = [make(specs[(n - 3) % len(specs)], 1, width, grid) for n in range(3)]
    layers = [_attention_layer(m, q, k, v) for m in turn]
    heard = [int(mask.sum()) for mask in reach(layers, query, len(grid), 1, width)]
    work = torch.tensor([flops(m, q, k, v) for m in reversed(turn)]).cumsum(0).tolist()
    return Path(title, work, [100 * n / len(grid) for n in heard], chosen=title != "joint"), heard


def _attention_layer(m: Attention, q: Tensor, k: Tensor, v: Tensor) -> Layer:
    """An attention as a function of its values, for fixed q and k."""
    a = m.map(q, k, v)
    return lambda x: a.apply(m.values(x))


def sham_shift(x: Tensor, grid: Grid, axis: str, seed: int = 0) -> Tensor:
    """A shift from strangers: the same folds of channels, taken from tokens that are not neighbours.

    >>> g, x = Grid(T=3, Y=4, X=4), torch.rand(1, 1, 48, 8)
    >>> y = sham_shift(x, g, "time")
    >>> bool((y[..., 4:] == x[..., 4:]).all()), bool((y[..., :4] == shift_channels(x, g, "time")[..., :4]).all())
    (True, False)
    """
    order = torch.randperm(len(grid), generator=torch.Generator().manual_seed(seed))
    return shift_channels(x[..., order, :], grid, axis)[..., order.argsort(), :]


SHIFTS: dict[str, Callable[[Tensor, Grid, int], Tensor]] = {
    "no shift": lambda x, grid, seed: x, "shift in time": lambda x, grid, seed: shift_channels(x, grid, "time"),
    "shift in space": lambda x, grid, seed: shift_channels(x, grid, "space"),
    "strangers (control)": lambda x, grid, seed: sham_shift(x, grid, "time", seed)}


def gate_ablation(name: str, aim: str, grid: Grid, shifts: Sequence[str] = tuple(SHIFTS),
                  seeds: Sequence[int] = (0, 1, 2), steps: int = 100) -> dict[str, list[float]]:
    """Divergence that is left, in bits, after a gate was fitted on a clip: shift -> one number per seed.

    aim "now": the target is softmax of the clip's own q and k. aim "next": the keys of the target describe each place
    one frame later (the last frame is repeated), so only a gate that reads the next frame can copy the target.
    """
    opening = clips.OPENINGS[name]
    q, k, v = clips.descriptors(clips.fit(clips.load(name), grid), grid, opening.temperature)
    later = grid.unfold(torch.cat((grid.fold(k)[:, :, 1:], grid.fold(k)[:, :, -1:]), 2))
    target = make("softmax", 1, q.shape[-1], grid).map(q, {"now": k, "next": later}[aim], v)
    return {title: [_remaining_divergence(title, target, q, k, v, grid, seed, steps) for seed in seeds]
            for title in shifts}


def _remaining_divergence(title: str, target: Map, q: Tensor, k: Tensor, v: Tensor, grid: Grid, seed: int,
                          steps: int) -> float:
    """Divergence after one fit; the seed draws the gate's first weights and the strangers."""
    m = make("relu_floor+gate", 1, q.shape[-1], grid, seed=seed)
    pair = [SHIFTS[title](x, grid, seed) for x in (k, v)]
    return fit_gate(m, target, q, *pair, steps=steps, snapshots=2).after
