"""Softmax of scores plus a learned table of steps between places, on a grid too long for all pairs.

    A_ij = softmax_j (scale q_i.k_j + b[place of i - place of j])

The bias of a row is a box cut out of the flipped table, so the table is all that is kept; rows come block by block.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from ..grid import Grid
from .base import BLOCK_WEIGHTS, Map
from .scores import Scores

LONG = 1024  # tokens from which the bias of all pairs takes longer than the scores


class StepScores(Scores):
    """q and k (B, H, N, D) on `grid`; table (steps, H), one entry for every step that fits the grid `built`.

    >>> x, grid = torch.zeros(1, 1, 2, 4), Grid(X=2)
    >>> StepScores(x, x, torch.tensor([[0.0], [0.0], [9.0]]), grid, grid).dense()[0, 0].argmax(-1).tolist()
    [0, 0]
    """

    def __init__(self, q: Tensor, k: Tensor, table: Tensor, grid: Grid, built: Grid) -> None:
        super().__init__(q, k)
        self.grid, self.last = grid, torch.tensor([built.T, built.Y, built.X], device=q.device) - 1
        sides = [2 * n - 1 for n in (built.T, built.Y, built.X)]
        boxes = table.mT.unflatten(-1, sides).flip(-3, -2, -1)
        for axis, n in enumerate((grid.T, grid.Y, grid.X), 1):
            boxes = boxes.unfold(axis, n, 1)
        self.boxes = boxes  # (H, ..., T, Y, X): of every place the biases of all keys, a view of the table

    def single_heads(self) -> list[Map]:
        heads = super().single_heads()
        for n, head in enumerate(heads):
            head.boxes = self.boxes[n % len(self.boxes)]  # type: ignore[attr-defined]
        return heads

    def _mask(self, i: Tensor) -> Tensor:
        at = (i - self.grid.prefix).clamp_min(0)
        t, y, x = (self.last - self.grid.places(i.device)[at]).unbind(-1)
        found = pad(self.boxes[..., t, y, x, :, :, :].flatten(-3), (self.grid.prefix, 0))
        return found.masked_fill((i < self.grid.prefix)[:, None], 0.0)

    def apply(self, v: Tensor) -> Tensor:
        size = max(1, BLOCK_WEIGHTS // (self.shape[1] * self.q.shape[-3]))
        parts = torch.arange(self.shape[0], device=self.device).split(size)
        return torch.cat([scaled_dot_product_attention(self.q[..., i, :], self.k, v, self._mask(i), scale=self.scale)
                          for i in parts], -2)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        bias = self._mask(torch.arange(self.shape[0], device=self.device))
        return super().wire(at) | {"bias": bias.expand(*self.q.shape[:-2], *self.shape)[at]}
