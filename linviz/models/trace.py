"""The q, k and v of every attention in a model, recorded while the model runs.

Maps, spectra and concentration are computed from these afterwards, as from any q, k and v; a map is never stored.
"""
from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .. import fixation
from ..maps import Map
from ..mechanisms import Attention


@dataclass(frozen=True)
class Traced:
    """One attention of a model and its inputs: q (B, H, N, D), k (B, H, S, D), v (B, H, S, E).

    name: its place in the model. k and v are as the layer computed them, before any shift.

    >>> import torch
    >>> from linviz import Grid, make
    >>> x = torch.rand(1, 2, 4, 8)
    >>> traced = Traced("block 0", make("relu_floor+gate", heads=2, width=8, grid=Grid(Y=2, X=2)), x, x, x)
    >>> [r.shape for r in traced.ratios], traced.map.shape
    ([torch.Size([1, 2, 4, 8]), torch.Size([1, 2, 4, 8])], (4, 4))
    """

    name: str
    attention: Attention
    q: Tensor
    k: Tensor
    v: Tensor

    @property
    def map(self) -> Map:
        """The attention map."""
        return self.attention.map(self.q, self.k, self.v)

    def mix_values(self, v: Tensor) -> Tensor:
        """What this attention makes of other values at the same q and k, (B, H, S, E) -> (B, H, N, E): a layer of
        `linviz.flow.reach`.

        >>> import torch
        >>> from linviz import flow
        >>> from linviz.models import Shape, VideoTransformer
        >>> model = VideoTransformer("softmax/uniform@space/gated_delta", shape=Shape(frames=4, side=12))
        >>> seen = model.trace(torch.rand(1, 4, 3, 12, 12))
        >>> [m.sum().item() for m in flow.reach([layer.mix_values for layer in seen], query=4, tokens=8, heads=3)]
        [5, 8, 8]
        """
        return self.map.apply(self.attention.values(v))

    @property
    def ratios(self) -> tuple[Tensor, Tensor] | None:
        """Fixation ratios of queries (B, H, N, M) and keys (B, H, S, M) in (0, 1); None without a gate."""
        if self.attention.gate is None:
            return None
        return fixation.fixation_ratios(self.attention.gate, *self.attention.features(self.q, self.k, self.v))
