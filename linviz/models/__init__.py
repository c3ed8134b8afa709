"""Models: a layer around an attention, schemes of layers, a small video transformer, its training, shipped models.

Fitting a gate to a map is here too. Modules for training are imported on first use, so imports stay fast.
"""
from importlib import import_module
from typing import Any

from .fit import LABEL, Fit, Snapshot, fit_gate, mean_divergence
from .layer import AttentionLayer
from .schemes import SCHEMES, Scheme, count_pairs, visible_pairs
from .trace import Traced
from .video_transformer import Shape, VideoTransformer

HOMES = {"CONFIGS": "linear_video_transformer", "ColourModel": "colour_model", "Config": "linear_video_transformer",
         "Data": "examples", "Examples": "examples", "LinearVideoTransformer": "linear_video_transformer",
         "Recipe": "recipe", "Run": "training_run", "accuracy": "training", "arm_recipe": "arms",
         "measure_layers": "looking", "paint_picture": "colour_painting", "pretrained": "checkpoints",
         "stored_models": "checkpoints", "train": "training"}

__all__ = ["LABEL", "SCHEMES", "AttentionLayer", "Fit", "Scheme", "Shape", "Snapshot", "Traced", "VideoTransformer",
           "fit_gate", "mean_divergence", "count_pairs", "visible_pairs", *HOMES]


def __getattr__(name: str) -> Any:
    """Import a name on first use if its module takes long to import."""
    if name in HOMES:
        return getattr(import_module(f".{HOMES[name]}", __name__), name)
    raise AttributeError(f"linviz.models has no {name!r}; it has {', '.join(__all__)}")
