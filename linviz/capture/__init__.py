"""q, k, v and maps out of other people's models.

    model = load_model("folder")        or any torch module that you have
    found = capture(model, clip)        any torch module that attends, run once
    found                               its layers: heads, tokens, where they lie, what is kept
    found.map(3)                        the map of a layer;  found.reading("blocks.2").summary()
    found.under("relu_floor+gate")      every head under another mechanism: concentration, and error of the output
    save_capture("x.linviz", found)     one file without code;  load_capture("x.linviz")

`transformers` and `diffusers` are needed only for their models: pip install 'linviz[models]'.
"""
from .capture_file import load_capture, save_capture
from .capture_result import Capture
from .captured_layer import CapturedLayer
from .model_capture import capture
from .stored_models import load_model

__all__ = ["Capture", "CapturedLayer", "capture", "load_capture", "load_model", "save_capture"]
