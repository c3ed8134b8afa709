"""`linviz capture`: the attention of a model on a picture or a clip, as a table, a file or a page.

    linviz capture ./vit-base chelsea --out heads.html
    linviz capture model.py:build holiday.mp4 --out holiday.linviz
"""
from __future__ import annotations

import argparse
from pathlib import Path

from .. import clips
from ..capture import Capture, capture
from ..capture.capture_file import pack_capture
from ..capture.model_input import takes_clips
from ..capture.stored_models import load_model
from ..capture.token_places import vision_config
from ..clips import Clip
from ..safe_output import check_output
from .capture_options import CAPTURE_ENDINGS
from .capture_source import layer_number
from .export.bundle import read_file
from .view_commands import is_readable, read_files, write_result

FRAMES = 16  # of a clip, where a model does not say


def run_capture(given: argparse.Namespace) -> int:
    """Capture, and write a file or print the layers."""
    ending = None if given.out is None else given.out.suffix.lower()
    if ending is not None and ending not in CAPTURE_ENDINGS:
        raise ValueError(f"{given.out}: by its ending a capture is {' or '.join(CAPTURE_ENDINGS)}, not "
                         f"{ending or 'nothing'}")
    inputs = read_files(given.clip) + ([given.model] if Path(given.model).exists() else [])
    if ending is not None:
        check_output(given.out, inputs, given.force)
    model = load_model(given.model, given.download)
    layers = None if given.layers is None else [layer_number(text) for text in given.layers]
    found = capture(model, read_clip(given.clip, model), layers=layers, heads=given.heads,  # type: ignore[arg-type]
                    grid=given.grid)
    print(found)
    if given.under is not None:
        print(found.under(given.under, steps=given.steps))
    if ending is not None:
        print(write_result(given.out, capture_bytes(found, ending), inputs, given.force))
    return 0


def capture_bytes(found: Capture, ending: str) -> bytes:
    """A capture as a file of the kind that an ending names."""
    if ending == ".linviz":
        return pack_capture(found)
    from .export.capture_page import capture_page
    return capture_page(found).encode()


def read_clip(name: str, model: object) -> Clip:
    """A sample or a person's own file, with as many frames as the model takes; ValueError where there is none."""
    config = vision_config(model)  # type: ignore[arg-type]
    frames = int(getattr(config, "num_frames", FRAMES)) if takes_clips(model) else 1  # type: ignore[arg-type]
    if name in clips.names():
        return clips.load(name, frames=max(frames, clips.FRAMES[0]))
    if not is_readable(name):
        raise ValueError(f"{name!r} is neither a file nor a sample; the samples are {', '.join(clips.names())}")
    return clips.decode_clip(read_file(name), Path(name).name, min(frames, clips.limits.ASKED)).clip
