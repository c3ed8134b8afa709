"""Eight architectures with random weights, small, saved to a folder and loaded from it as a person's own would be."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
PICTURE = {"image_size": 32, "patch_size": 8, "initializer_range": 0.3}
CLIP = PICTURE | {"num_frames": 4}
NAMES = ("ViT", "Dinov2", "CLIPVision", "SiglipVision", "VideoMAE", "Vivit", "Timesformer", "Qwen2_5_VLVision")


def build_model(name: str) -> Any:
    """A model with random weights that concentrate a little."""
    import transformers
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel as Qwen
    torch.manual_seed(0)
    if name.startswith("Qwen"):
        config = transformers.models.qwen2_5_vl.configuration_qwen2_5_vl.Qwen2_5_VLVisionConfig(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=4, patch_size=4, window_size=16,
            out_hidden_size=32, fullatt_block_indexes=[1], initializer_range=0.3)
        return Qwen(config)
    more = {"Vivit": {"tubelet_size": [2, 8, 8], **CLIP}, "VideoMAE": {"tubelet_size": 2, **CLIP},
            "Timesformer": CLIP}.get(name, PICTURE)
    sizes = SIZES if name != "Dinov2" else {x: n for x, n in SIZES.items() if x != "intermediate_size"}
    return getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")(**sizes, **more))


def stored_model(name: str, folder: Path) -> Any:
    """The model as it comes back from a folder of safetensors."""
    made = build_model(name)
    made.save_pretrained(folder / name)
    return type(made).from_pretrained(folder / name).eval()


def model_pixels(name: str) -> Any:
    """What the model takes: a picture, a clip, or rows of patches."""
    torch.manual_seed(1)
    if name.startswith("Qwen"):
        return {"0": torch.randn(2 * 8 * 12, 3 * 2 * 4 * 4), "grid_thw": torch.tensor([[2, 8, 12]])}
    return torch.randn(1, 4, 3, 32, 32) if name in ("VideoMAE", "Vivit", "Timesformer") else torch.randn(1, 3, 32, 32)


def mixed_values(model: Any, module: str, found: list[Tensor]) -> Any:
    """A hook that keeps what a module takes, or the first of several."""
    return model.get_submodule(module).register_forward_pre_hook(lambda m, args: found.append(args[0].detach()))
