"""Where a model's tokens lie: frames, rows and columns, from its configuration, its first convolution and its input."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..clips.tensor_layout import PREFIX
from ..grid import Grid

Sides = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Places:
    """What is known of a model's tokens before any layer has run.

    sides  frames (of tubelets), rows and columns, or None;  batch  clips or pictures in the input
    order  the token number of each position of a model that keeps its patches in another order, or None
    """

    batch: int
    sides: Sides | None = None
    order: Tensor | None = None
    cut: Grid | None = None


def as_pair(size: Any) -> tuple[int, int]:
    """The last two of a size that is one number or several.

    >>> as_pair(16), as_pair([2, 14, 16])
    ((16, 16), (14, 16))
    """
    return (int(size), int(size)) if isinstance(size, int) else (int(size[-2]), int(size[-1]))


def vision_config(model: nn.Module) -> Any:
    """The configuration of the part that sees, or None."""
    config = getattr(model, "config", None)
    return getattr(config, "vision_config", config)


def patch_sides(model: nn.Module) -> Sides | None:
    """Frames, rows and columns of pixels in one token, or None.

    They come from `patch_size` and `tubelet_size` of the configuration, or from the first convolution that cuts its
    input into patches: one whose kernel is as large as its stride.

    >>> patch_sides(nn.Sequential(nn.Conv3d(3, 8, (2, 16, 16), (2, 16, 16))))
    (2, 16, 16)
    """
    config = vision_config(model)
    if (patch := getattr(config, "patch_size", None)) is not None:
        tube = getattr(config, "tubelet_size", getattr(config, "temporal_patch_size", 1))
        return (tube if isinstance(tube, int) else int(tube[0]), *as_pair(patch if isinstance(tube, int) else tube))
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d) and tuple(module.kernel_size) == tuple(module.stride) != (1, 1):
            return (*(1,) * (3 - len(module.stride)), *module.stride)  # type: ignore[return-value]
    return None


def input_places(model: nn.Module, inputs: dict[str, Any], cut: Grid | None) -> Places:
    """Where the tokens of this input lie, as far as the model says."""
    thw = inputs.get("grid_thw")
    if isinstance(thw, Tensor):
        return merged_places(model, thw, cut)
    x = next((x for x in inputs.values() if isinstance(x, Tensor) and x.ndim in (4, 5) and x.is_floating_point()), None)
    first = next((x for x in inputs.values() if isinstance(x, Tensor)), None)
    batch = 1 if first is None else first.shape[0]
    patch = patch_sides(model)
    if x is None or patch is None:
        return Places(batch, None if cut is None else (cut.T, cut.Y, cut.X), None, cut)
    frames = 1 if x.ndim == 4 else x.shape[2] if x.shape[1] == 3 and x.shape[2] != 3 else x.shape[1]
    sides = (max(1, frames // patch[0]), x.shape[-2] // patch[1], x.shape[-1] // patch[2])
    if cut is not None:
        sides = (cut.T, cut.Y, cut.X)
    joint = getattr(vision_config(model), "attention_type", "") == "joint_space_time"
    return Places(batch, sides, position_order(sides) if joint else None, cut)


def position_order(sides: Sides) -> Tensor:
    """Token numbers where a model counts position by position and in each all frames, after one CLS token.

    >>> position_order((2, 1, 2)).tolist()
    [0, 1, 3, 2, 4]
    """
    numbers = torch.arange(1, 1 + math.prod(sides)).view(sides[0], -1).T.flatten()
    return torch.cat([torch.zeros(1, dtype=torch.int64), numbers])


def merged_places(model: nn.Module, thw: Tensor, cut: Grid | None) -> Places:
    """Of Qwen2-VL and Qwen2.5-VL: patches come in groups that are merged later, and these window by window."""
    if len(thw) != 1:
        raise ValueError(f"grid_thw names {len(thw)} pictures or clips: capture one of them at a time")
    t, y, x = (int(n) for n in thw[0])
    config = vision_config(model)
    m = int(config.spatial_merge_size)
    order = torch.arange(t * y * x).view(t, y // m, m, x // m, m).permute(0, 1, 3, 2, 4).flatten()
    if getattr(config, "window_size", None) and getattr(config, "fullatt_block_indexes", None) is not None:
        from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import get_vision_window_index
        window, _ = get_vision_window_index(thw, spatial_merge_size=m, window_size=config.window_size,
                                            patch_size=config.patch_size, kwargs={})
        order = order.view(-1, m * m)[window].flatten()
    return Places(1, (t, y, x), order, cut)


def layer_grid(tokens: int, places: Places) -> Grid | None:
    """The grid of a layer with so many tokens: the input's, perhaps with sides halved again and again; or None.

    >>> layer_grid(197, Places(1, (1, 14, 14))), layer_grid(49, Places(1, (1, 28, 28)))
    (Grid(T=1, Y=14, X=14, prefix=1), Grid(T=1, Y=7, X=7, prefix=0))
    """
    if places.sides is None:
        side = math.isqrt(tokens)
        return Grid(1, side, side, tokens - side * side) if side > 1 and tokens - side * side in (0, 1) else None
    t, y, x = places.sides
    if 0 <= (prefix := tokens - t * y * x) <= min(PREFIX, t * y * x):
        return Grid(t, y, x, prefix)
    while min(y, x) > 1:
        y, x = y // 2, x // 2
        if tokens - t * y * x in (0, 1):
            return Grid(t, y, x, tokens - t * y * x)
    return None
