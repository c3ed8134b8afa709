"""From a clip to what a vision model takes: cut, resized and normalised; and from there back to pictures."""
from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from ..clips import Clip, fit
from ..grid import Grid
from .token_places import Places, Sides, as_pair, patch_sides, vision_config

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_COLOURS = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
MIDDLE = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
COLOURS = {"dinov2": IMAGENET, "dinov2_with_registers": IMAGENET, "videomae": IMAGENET, "clip": CLIP_COLOURS,
           "clip_vision_model": CLIP_COLOURS, "qwen2_vl": CLIP_COLOURS, "qwen2_5_vl": CLIP_COLOURS,
           "qwen2_vl_vision": CLIP_COLOURS, "qwen2_5_vl_vision": CLIP_COLOURS,
           "timesformer": ((0.45,) * 3, (0.225,) * 3)}     # mean and deviation, by model_type; else MIDDLE
SIDE = 224  # of a picture, in pixels, where a model does not say


def clip_input(model: nn.Module, clip: Clip) -> dict[str, Any]:
    """The arguments with which a model sees a clip.

    Pixels are normalised with the mean and deviation in the model's preprocessor_config.json; without that file, with
    those of models of this type.
    """
    patch = patch_sides(model)
    if patch is None:
        raise ValueError(f"{type(model).__name__} does not say how it cuts a picture into patches: give the tensor "
                         "that it takes, and grid=")
    frames = clip_frames(model, clip, patch)
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in colour_statistics(model))
    pixels = ((frames - mean) / deviation).to(next(model.parameters()))
    if "grid_thw" in inspect.signature(model.forward).parameters:
        return merged_input(model, pixels, patch)
    return {"0": pixels[None] if takes_clips(model) else pixels[:1]}


def clip_frames(model: nn.Module, clip: Clip, patch: Sides) -> Tensor:
    """The frames of a clip at the model's size, (T, 3, Ypx, Xpx) in 0..1; a short clip's last frame is repeated."""
    config = vision_config(model)
    high, wide = as_pair(getattr(config, "image_size", None) or SIDE)
    asked = getattr(config, "num_frames", 1) if takes_clips(model) else 1
    asked = -(-clip.size[0] // patch[0]) * patch[0] if hasattr(config, "temporal_patch_size") else asked
    cut = Grid(min(asked, clip.size[0]), high // patch[1], wide // patch[2])
    frames = fit(clip, cut, patch[1]).frames
    return torch.cat([frames, frames[-1:].expand(asked - len(frames), -1, -1, -1)])


def takes_clips(model: nn.Module) -> bool:
    """Whether a model sees frames together."""
    return hasattr(vision_config(model), "num_frames") or hasattr(vision_config(model), "temporal_patch_size")


def colour_statistics(model: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of red, green and blue: those stored with the model, else those of models of this type."""
    config = vision_config(model)
    if getattr(config, "image_mean", None) is not None:
        return tuple(config.image_mean), tuple(config.image_std)
    return COLOURS.get(getattr(config, "model_type", ""), MIDDLE)


def merged_input(model: nn.Module, pixels: Tensor, patch: Sides) -> dict[str, Any]:
    """Pixels (T, 3, Ypx, Xpx) as the rows of patches that Qwen2-VL takes, and their grid."""
    m, (t, y, x) = vision_config(model).spatial_merge_size, patch
    T, rows, columns = len(pixels) // t, pixels.shape[-2] // y // m * m, pixels.shape[-1] // x // m * m
    cut = pixels[:T * t, :, :rows * y, :columns * x]
    cut = cut.reshape(T, t, 3, rows // m, m, y, columns // m, m, x)
    flat = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(T * rows * columns, -1)
    return {"0": flat, "grid_thw": torch.tensor([[T, rows, columns]])}


def run_model(model: nn.Module, inputs: dict[str, Any]) -> Any:
    """Call a model with arguments by name, of which numbers are positions."""
    placed = [x for name, x in inputs.items() if name.isdigit()]
    return model(*placed, **{name: x for name, x in inputs.items() if not name.isdigit()})


def seen_frames(x: Any, inputs: dict[str, Any], places: Places) -> Tensor | None:
    """The pictures of the first clip in a batch, one per frame of tokens, (T, 3, Ypx, Xpx) in 0..1; or None.

    Pixels that were given normalised are stretched between their darkest and brightest value.
    """
    if places.sides is None:
        return None
    if isinstance(x, Clip):
        frames = x.frames
    else:
        given = next((z for z in inputs.values() if isinstance(z, Tensor) and z.ndim in (4, 5)), None)
        if given is None or 3 not in given.shape[1:3]:
            return None
        frames = given[0] if given.ndim == 5 else given[:1]
        frames = frames if frames.shape[1] == 3 else frames.transpose(0, 1)
        low, high = frames.float().aminmax()
        frames = (frames.float() - low) / (high - low).clamp_min(1e-6)
    at = torch.linspace(0, len(frames) - 1, places.sides[0]).round().long() if places.sides[0] > 1 else [0]
    return frames[at].detach().cpu()
