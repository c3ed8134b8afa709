"""linviz's own models as captures: what each of their layers attended with."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..grid import Grid
from ..models.trace import Traced
from .capture_result import Capture
from .captured_layer import CapturedLayer


def traced_capture(model: str, layers: Sequence[Traced], grid: Grid, frames: Tensor | None = None) -> Capture:
    """The layers that `model.trace(x)` gives as a capture.

    A layer of softmax keeps q, k and v; of any other the map itself is kept, with its gate in it. grid: of the tokens;
    frames: (T, 3, Ypx, Xpx) in 0..1, the pictures under them.

    >>> from linviz.models import Shape, VideoTransformer
    >>> tiny = VideoTransformer("softmax/relu", shape=Shape(frames=4, side=12, blocks=2))
    >>> found = traced_capture("tiny", tiny.trace(torch.rand(1, 4, 3, 12, 12)), tiny.grid)
    >>> [layer.kind for layer in found]
    ['softmax', 'exact']
    """
    return Capture(model, tuple(traced_layer(one, grid) for one in layers), frames)


@torch.no_grad()
def traced_layer(one: Traced, grid: Grid) -> CapturedLayer:
    """One layer of a model of linviz."""
    q, k, v = one.q.detach(), one.k.detach(), one.v.detach()
    if one.attention.spec == "softmax":
        return CapturedLayer(one.name, "softmax", q, k, v, grid, q.shape[-1] ** -0.5, road="linviz")
    a = one.map if one.map.shared is None else one.map.shared
    empty = torch.zeros(1, 1, 1, 1)
    return CapturedLayer(one.name, "exact", empty.expand(*q.shape[:3], 1), empty.expand(*k.shape[:3], 1),
                         one.attention.values(v), grid, 1.0, table=a.dense(), road="linviz")
