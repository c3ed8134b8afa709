"""What chapter 9 counts and draws: reach through windows, rulers of distance, and a Gaussian used in two ways."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...concentration import entropy
from ...figures import heat
from ...flow import reach
from ...grid import Grid
from ...mechanisms import make

LAYERS = (1, 2, 3, 4)
RULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "cosFormer, one ruler": ("cosformer", {}), "cosFormer, 2-d": ("cosformer", {"axes": "2d"}),
    "vicinity": ("vicinity", {})}
SIGMAS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def window_reach(specs: Sequence[str], grid: Grid, query: int, layers: int = LAYERS[-1]) -> Tensor:
    """The tokens that reach a query through one, two, ... layers: (layers, N) bool. `specs` take turns, the last last.

    >>> window_reach(["softmax@window:2"], Grid(Y=2, X=4), query=1, layers=2).sum(-1).tolist()
    [4, 4]
    """
    x = torch.randn(1, 1, len(grid), 8, generator=torch.Generator().manual_seed(0))
    turn = [make(specs[(n - layers) % len(specs)], 1, 8, grid).map(x, x, x) for n in range(layers)]
    return torch.stack(reach([a.apply for a in turn], query, len(grid), 1, 8))


def reach_figure(layers: float, *, reached: Mapping[str, Tensor], grid: Grid) -> Any:
    """The patches that reach a query after so many layers, one panel for each scheme; masks from `window_reach`."""
    n = int(layers)
    masks = {name: mask[n - 1] for name, mask in reached.items()}
    said = " ".join(f"{name}: {int(mask.sum())} patches of {len(grid)}." for name, mask in masks.items())
    tables = torch.stack([grid.fold(mask[:, None].float())[0, :, :, 0] for mask in masks.values()])
    return heat.patch_panels(tables.numpy(), [f"{name}: {int(mask.sum())} patches" for name, mask in masks.items()],
                             bar="1: reaches the query", top=1.0, columns=2, said=f"After layer {n}. {said}",
                             title=f"Patches that reach the query after {n} layer{'s' * (n > 1)}")


def ruler_rows(grid: Grid, query: int) -> dict[str, Tensor]:
    """What methods know of distance alone: rows (N,) of their maps for equal tokens, divided by the query's own weight.

    >>> rows = ruler_rows(Grid(Y=3, X=4), query=4)
    >>> bool(rows["cosFormer, one ruler"][3] > rows["cosFormer, one ruler"][0])
    True
    """
    x = torch.ones(1, 1, len(grid), 1)
    rows = {name: make(spec, 1, 1, grid, **options).map(x, x, x).rows(torch.tensor([query]))[0, 0, 0]
            for name, (spec, options) in RULERS.items()}
    return {name: row / row[query] for name, row in rows.items()}


def ruler_figure(row: float, *, grid: Grid, column: int) -> Any:
    """Nearness to the patch in this row, counted from 1, and in a column, counted from 0, by three methods."""
    query = grid.number(0, int(row) - 1, column)
    found = ruler_rows(grid, query)
    tables = torch.stack([grid.fold(x[:, None])[0, :, :, 0] for x in found.values()])
    end = grid.number(0, int(row) - 1, grid.X - 1)
    said = " ".join(f"{name}: {x[end]:.2f} at the right end of the row, {x.min():.2f} at least." for name, x in
                    found.items())
    return heat.patch_panels(tables.numpy(), list(found), bar="nearness (1: at the query)", top=1.0, columns=3,
                             said=f"The query is in row {int(row)}, column {column + 1}. {said}",
                             title=f"What is near to the patch in row {int(row)}, column {column + 1}?")


def gaussian_rows(sigma: float, grid: Grid, query: int) -> dict[str, Tensor]:
    """One row of the Gaussian map in both forms: form -> (N,).

    >>> rows = gaussian_rows(0.1, Grid(Y=3, X=3), query=4)
    >>> {form: round((row.max() / row.min()).item(), 1) for form, row in rows.items()}["logits"]
    2.7
    """
    x = torch.zeros(1, 1, len(grid), 1)
    return {form: make("gaussian", 1, 1, grid, sigma=sigma, form=form).map(x, x, x).rows(torch.tensor([query]))[0, 0, 0]
            for form in ("weights", "logits")}


def gaussian_figure(sigma: float, *, grid: Grid, query: int) -> Any:
    """One row of a Gaussian of this width, used as weights and used as logits, in fair shares on one scale."""
    rows = gaussian_rows(sigma, grid, query)
    shares = torch.stack([grid.fold(row[:, None])[0, :, :, 0] for row in rows.values()]) * len(grid)
    bits = {form: entropy(row).item() for form, row in rows.items()}
    said = " ".join(f"As {form}: {x:.2f} bits, from {row.min():.3g} to {row.max():.3g} fair shares."
                    for (form, x), row in zip(bits.items(), shares, strict=True))
    return heat.patch_panels(shares.numpy(), [f"as {form}: {x:.2f} bits" for form, x in bits.items()],
                             bar="weight, fair shares", top=shares.max().item(), columns=2, said=said,
                             title=f"The same Gaussian, width {sigma:g}, used in two ways")
