"""Figures of chapter 3: the best copy of a map with few directions, and one of its rows rebuilt from them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ... import clips
from ...figures.rebuilt import rebuilt_rows
from ...grid import Grid
from ...maps import Factored, Features, KernelMap, Map, Normaliser

DIRECTIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Pieces:
    """The singular value decomposition of a map: a = u diag(s) v^T, u (N, n), s (n,), v (S, n), in float64."""

    u: Tensor
    s: Tensor
    v: Tensor

    @classmethod
    def of(cls, a: Map) -> Pieces:
        """The singular vectors and values of a map's first batch and head; this writes the table.

        >>> from linviz.maps import Dense
        >>> Pieces.of(Dense(torch.eye(3))).s.tolist()
        [1.0, 1.0, 1.0]
        """
        u, s, vt = torch.linalg.svd(a.dense().view(-1, *a.shape)[0].double(), full_matrices=False)
        return cls(u, s, vt.mT)

    def copy(self, k: int) -> Factored:
        """The nearest map of rank k (Eckart and Young 1936), (1, 1, N, S): signed, and its rows do not sum to one.

        >>> from linviz.maps import Dense
        >>> Pieces.of(Dense(torch.eye(3))).copy(2).rank_bound
        2
        """
        if not 1 <= k <= len(self.s):
            raise ValueError(f"a copy has 1 to {len(self.s)} directions; got {k}")
        left, right = (self.u[:, :k] * self.s[:k])[None, None], self.v[:, :k][None, None]
        return Factored(left.float(), right.float().contiguous(), stochastic=False)

    def lost(self, k: int) -> float:
        """Share of the energy, the sum of s^2, that a copy with k directions leaves out.

        >>> round(Pieces(torch.eye(2), torch.tensor([2.0, 1.0]), torch.eye(2)).lost(1), 6)
        0.2
        """
        return (self.s[k:].square().sum() / self.s.square().sum()).item()


def rebuilt_figure(k: float, *, pieces: Pieces, query: int, grid: Grid) -> Any:
    """One row of a map beside the same row rebuilt from the first k directions, on one scale."""
    k = int(k)
    whole = (pieces.u[query] * pieces.s) @ pieces.v.mT * len(pieces.v)
    row = pieces.copy(k).rows(torch.tensor([query]))[0, 0, 0].double() * len(pieces.v)
    said = f"The copy leaves out {100 * pieces.lost(k):.2g} % of the map's energy."
    pictures = torch.stack((whole, row)).unflatten(-1, (grid.Y, grid.X)).numpy()
    names = ["all directions", f"the first {k}" if k > 1 else "only the first"]
    return rebuilt_rows(pictures, names, top=whole.abs().max().item() / 4, said=said,
                   title=f"One row of the map, and its copy from {k} of {len(pieces.s)} directions")


def quiet_map(ratio: float = 0.005, loud: int = 4, features: int = 20, seed: int = 0) -> KernelMap:
    """A kernel map of the opening photograph with `loud` strong features and the others times `ratio`; float64.

    The features are random mixtures of the descriptors, set to 0 where negative, with a floor.

    >>> quiet_map().rank_bound
    20
    """
    opening = clips.OPENING
    x = clips.descriptors(clips.load(opening.name), opening.grid)[2].double()
    mix = torch.randn(x.shape[-1], features, generator=torch.Generator().manual_seed(seed)).double() / 4
    ratios = torch.full((features,), ratio, dtype=x.dtype).index_fill(0, torch.arange(loud), 0.95)
    phi = ((x @ mix).relu() + features**-0.5) * ratios
    return KernelMap(Features(phi, phi), Normaliser())
