"""From recorded calls to layers: all tokens of a clip in one order, and the boxes within which they attend."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..clips.tensor_layout import PREFIX
from ..grid import Grid
from .attention_calls import Call
from .captured_layer import CapturedLayer
from .token_places import Places, layer_grid

SAME = 1e-3  # how far copies of a CLS token may differ


def build_layers(name: str, calls: Sequence[Call], places: Places) -> list[CapturedLayer]:
    """The layers of one module: one, unless it ran several times. ValueError where its tokens have no known place."""
    if places.order is not None:
        return [ordered_layer(name, calls, places)]
    if len(calls) == 1:
        return [build_layer(name, calls[0], places)]
    return [build_layer(f"{name} (run {n})", call, places) for n, call in enumerate(calls, 1)]


def build_layer(name: str, call: Call, places: Places) -> CapturedLayer:
    """The layer of one call."""
    folded = folded_layer(name, call, places)
    if folded is not None:
        return folded
    queries, keys = call.q.shape[-2], call.k.shape[-2]
    grid, key_grid = layer_grid(queries, places), layer_grid(keys, places)
    if queries != keys:     # a pooling query, or attention to other tokens
        grid = grid if grid is not None and key_grid is None else Grid(X=queries)
        key_grid = key_grid or Grid(X=keys)
    if grid is None:
        raise ValueError(f"it is not known how its {queries:,} tokens lie: give grid=(rows, columns) or "
                         "grid=(frames, rows, columns)")
    return made_layer(name, call, grid, key_grid=None if queries == keys else key_grid)


def made_layer(name: str, call: Call, grid: Grid, scope: str = "joint", boxes: tuple[Tensor, ...] = (),
               key_grid: Grid | None = None) -> CapturedLayer:
    """A layer on a grid."""
    return CapturedLayer(name, call.kind, call.q, call.k, call.v, grid, call.scale, call.bias, call.causal, scope,
                         boxes, key_grid, road=call.road)


def ordered_layer(name: str, calls: Sequence[Call], places: Places) -> CapturedLayer:
    """A layer whose tokens come in another order, in one call or box by box."""
    order, sides = places.order, places.sides
    assert order is not None and sides is not None
    back = order.argsort()
    q, k, v = (torch.cat([getattr(call, name) for call in calls], -2)[..., back, :] for name in "qkv")
    sizes = [call.q.shape[-2] for call in calls]
    boxes = tuple(box.sort().values for box in order.split(sizes)) if len(calls) > 1 else ()
    grid = Grid(*sides, len(order) - sides[0] * sides[1] * sides[2])
    return made_layer(name, replace(calls[0], q=q, k=k, v=v), grid, boxes=boxes)


# ---------------------------------------------------------------- attention within frames or positions


def folded_layer(name: str, call: Call, places: Places) -> CapturedLayer | None:
    """A layer that attends within frames or within positions, which its model counts as a larger batch; else None."""
    fold, rest = divmod(call.q.shape[0], places.batch)
    if places.sides is None or rest or fold == 1 or call.q.shape[-2] != call.k.shape[-2] or call.bias is not None:
        return None
    (t, y, x), n = places.sides, call.q.shape[-2]
    if fold == y * x and n == t:
        return made_layer(name, call.with_parts(lambda z: unfold_time(z, fold)), Grid(t, y, x), "time")
    prefix = n - y * x
    if fold != t or not 0 <= prefix <= PREFIX or not all(is_shared(z, fold, prefix) for z in (call.q, call.k, call.v)):
        return None
    whole = call.with_parts(lambda z: unfold_space(z, fold, prefix))
    return made_layer(name, whole, Grid(t, y, x, prefix), "space")


def unfold_time(z: Tensor, fold: int) -> Tensor:
    """(B * positions, H, T, D) -> (B, H, T * positions, D).

    >>> unfold_time(torch.tensor([[[[0.], [2.]]], [[[1.], [3.]]]]), 2).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    return z.unflatten(0, (-1, fold)).permute(0, 2, 3, 1, 4).flatten(2, 3).contiguous()


def unfold_space(z: Tensor, fold: int, prefix: int) -> Tensor:
    """(B * T, H, prefix + positions, D) -> (B, H, prefix + T * positions, D); the prefix of the first frame."""
    z = z.unflatten(0, (-1, fold)).transpose(1, 2)  # (B, H, T, n, D)
    return torch.cat([z[:, :, 0, :prefix], z[:, :, :, prefix:].flatten(2, 3)], -2)


def is_shared(z: Tensor, fold: int, prefix: int) -> bool:
    """Whether the prefix tokens of all frames are copies of one."""
    first = z.unflatten(0, (-1, fold))[:, :, :, :prefix].float()
    return bool((first - first[:, :1]).abs().le(SAME * (1 + first.abs())).all())
