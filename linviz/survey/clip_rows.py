"""The numbers of one clip: a row for every layer, head and mechanism, or one row that says why there are none."""
from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import clips
from ..clips import Clip, Unreadable, is_tensors
from ..clips.fitting import PATCH, patch_counts
from ..grid import Grid
from ..measure import MEASURES
from ..models import VideoTransformer
from ..models.checkpoints import find_checkpoint, load_checkpoint, read_card
from ..models.own_data import read_limited_bytes
from ..models.training import single_thread
from ..query_length import LengthSensitivity, head_sensitivities
from ..reading import ROW_MEASURES, SPECTRUM_MEASURES, Reading, read
from ..signed_rows import SIGNED_MEASURES
from ..views.load import Media, check_size, cut_clip, describe_tokens
from ..views.panel_steps import fit_panel, make_mechanism
from ..views.row_stats import measure_options
from ..views.view_panels import Tokens
from .survey_options import SurveyOptions

Row = dict[str, Any]
OTHER = "q, k and v are measured by `linviz read`; a survey takes pictures and videos"


@dataclass(frozen=True, eq=False)
class Layer:
    """One attention to measure: q, k, v of all its heads, the model's own mechanism (None for descriptors).

    sizes: pixels of a patch and frames of a token, as distances are counted in pixels and frames of the clip.
    """

    number: int
    tokens: Tokens
    own: Reading | None = None
    sizes: tuple[int, int] = (PATCH, 1)


def clip_rows(name: str, data: bytes | None, options: SurveyOptions) -> list[Row]:
    """All rows of a clip: of the sample `name`, or of the bytes of a file.

    A file that cannot be read, and a mechanism that cannot be measured, is a row whose `why` says the reason in one
    sentence; its numbers are missing.

    >>> rows = clip_rows("coffee", None, SurveyOptions(("softmax", "relu"), patches=7))
    >>> [(row["layer"], row["head"], row["mechanism"], round(row["entropy"], 2)) for row in rows]
    [(0, 0, 'softmax', 3.63), (0, 0, 'relu', 5.01)]
    >>> clip_rows("a.mp4", b"no film", SurveyOptions(("softmax",)))[0]["why"][:40]
    'it is text; choose one of PNG, JPEG, Web'
    """
    run_plugin(options.plugin)
    with single_thread():
        try:
            layers = traced_layers(name, data, options) if options.model else [descriptor_layer(name, data, options)]
        except ValueError as error:
            return [{"why": str(error).removeprefix("clip cannot be read: ")}]
        return [row for layer in layers for row in attention_rows(layer, options)]


def clip_of(name: str, data: bytes | None, frames: int) -> Clip:
    """The clip of a sample or of a file; ValueError where it cannot be read. The file's name is in no sentence."""
    if data is None:
        return clips.load(name, frames=max(frames, clips.FRAMES[0]))
    if is_tensors(data):
        raise Unreadable(OTHER)
    return clips.decode_clip(data, "clip", frames).clip


def descriptor_layer(name: str, data: bytes | None, options: SurveyOptions) -> Layer:
    """Descriptors of the patches of a clip: a square of patches for a sample, a file in its own form."""
    clip = clip_of(name, data, options.frames)
    frames, *pixels = clip.size
    rows, columns = pixels if data is not None else (1, 1)
    grid = Grid(min(options.frames, frames), *patch_counts(rows, columns, options.patches))
    check_size(grid, "the clip")
    return Layer(0, describe_tokens(cut_clip(Media(clip), grid), options.temperature, keys=options.keys))


# ---------------------------------------------------------------------------------------- a model


def checkpoint_path(model: str) -> Path:
    """The file of a model: a path that ends in .safetensors, or the name of a shipped one (short, seed 0).

    >>> checkpoint_path("relu_floor+gate").name
    'relu_floor-gate.0.safetensors'
    """
    return Path(model) if model.endswith(".safetensors") else find_checkpoint(model, 0, "short")


def model_digest(model: str) -> str:
    """The SHA-256 of a model's weights as its JSON says; empty for no model."""
    return str(read_card(checkpoint_path(model))["sha256"]) if model else ""


def traced_layers(name: str, data: bytes | None, options: SurveyOptions) -> list[Layer]:
    """What every layer of a model attends with on a clip, which is cut to the middle square that the model takes."""
    model = load_checkpoint(checkpoint_path(options.model))
    if not isinstance(model, VideoTransformer):
        raise ValueError(f"{options.model} paints pictures; a survey takes models of the motion and the front task")
    clip = fitted_clip(clip_of(name, data, model.shape.frames), model)
    depth, side, _ = model.shape.tubelet
    mask = None if clip.mask is None else F.avg_pool3d(clip.mask[None].float(), model.shape.tubelet).flatten()
    return [Layer(number, Tokens(clip, clip, model.shape.grid, seen.q, seen.k, seen.v, mask),
                  read(seen.attention, seen.q, seen.k, seen.v), (side, depth))
            for number, seen in enumerate(model.trace(clip.frames[None]), 1)]


def fitted_clip(clip: Clip, model: VideoTransformer) -> Clip:
    """A clip as a model takes it: the middle square, resized; frames are repeated where there are too few."""
    shape, have = model.shape, clip.size[0]
    square = clips.fit(clip, Grid(have, shape.side, shape.side), patch=1)
    at = torch.linspace(0, have - 1, shape.frames).round().long()
    frames = (square.frames[at] * 255).round() / 255
    mask = None if square.mask is None else square.mask[at]
    return replace(square, frames=frames, mask=mask, motion=None, known=None)


# ---------------------------------------------------------------------------------------- the rows


def attention_rows(layer: Layer, options: SurveyOptions) -> list[Row]:
    """The rows of one layer: the model's own attention, then every mechanism on the same q, k and v."""
    found, base = [], {"layer": layer.number}
    if layer.own is not None:
        found += head_rows(layer, layer.own, "own")
    for spec in options.mechanisms:
        try:
            found += head_rows(layer, spec_reading(spec, layer.tokens, options), spec)
        except ValueError as error:
            found.append({"mechanism": spec, "why": str(error)})
    return [base | row for row in found]


def spec_reading(spec: str, tokens: Tokens, options: SurveyOptions) -> Reading:
    """A mechanism on q, k, v of all heads, its gate fitted to softmax; of a mechanism with channels the first one's."""
    qkv = tokens.q, tokens.k, tokens.v
    mechanism = make_mechanism(spec, tokens)
    if mechanism.gate is not None:
        mechanism.admit(*qkv)
        mechanism = fit_panel(spec, tokens, options.steps, options.seed).mechanism
    return read(mechanism, *qkv)


@torch.no_grad()
def head_rows(layer: Layer, reading: Reading, mechanism: str) -> list[Row]:
    """One row for every head of a reading; heads of a model are counted from 1, descriptors are head 0."""
    if reading.whole.shared is None:
        reading = read(reading.mechanism, reading.q, reading.k, reading.v, channel=0)
    size, depth = layer.sizes
    mask = layer.tokens.mask
    more = measure_options(layer.tokens.grid, None if mask is None or not mask.any() else mask)
    more |= {"distance": {"patch": size}}
    shares = reading.map.stochastic
    names: dict[str, dict[str, Any]] = {name: {} for name in (ROW_MEASURES if shares else SIGNED_MEASURES)}
    names |= more if shares else {}
    reading.measure(names)
    numbers = {name: reading.rows(name, **given)[0].double().nanmean(-1) for name, given in names.items()}
    if "frame_distance" in numbers:
        numbers["frame_distance"] *= depth
    numbers |= rank_numbers(reading)
    grid = layer.tokens.grid
    same = {"mechanism": mechanism, "why": None, "frames": grid.T, "patch_rows": grid.Y, "patch_columns": grid.X,
            "rows": reading.map.shape[0], "rank_bound": reading.map.rank_bound, "tolerance": reading.tolerance}
    return [{"head": 0 if layer.own is None else head + 1} | same | {"dead": int(reading.dead[0, head].sum())}
            | {name: real_number(x[head].item()) for name, x in numbers.items()} | length_row(length)
            for head, length in enumerate(head_sensitivities(reading))]


def rank_numbers(reading: Reading) -> dict[str, Tensor]:
    """Every measure of a spectrum, by name: (H,) each."""
    s = reading.singular_values[0]
    found = {name: MEASURES[name].function(s).double() for name in SPECTRUM_MEASURES}
    return {"numerical_rank": reading.numerical_rank[0].double()} | found


def length_row(length: LengthSensitivity) -> Row:
    """What a longer query does to a head: see `linviz.query_length`.

    >>> length_row(LengthSensitivity((0.25, 16.0), (7.5, 3.0), (80.0, 400.0)))
    {'length_answer': 'sharper', 'length_entropy': -4.5, 'length_largest': 5.0}
    """
    bits, largest = length.entropy, length.largest
    if not all(map(math.isfinite, length.values)):
        return {"length_answer": None, "length_entropy": None, "length_largest": None}
    return {"length_answer": length.answer, "length_entropy": None if bits is None else bits[-1] - bits[0],
            "length_largest": real_number(largest[-1] / largest[0]) if largest[0] else None}


def real_number(x: float) -> float | None:
    """A number, or None where it is none: no row has this measure.

    >>> real_number(0.5), real_number(math.nan)
    (0.5, None)
    """
    return x if math.isfinite(x) else None


# ---------------------------------------------------------------------------------------- files and plug-ins


def read_clip_bytes(path: str) -> bytes:
    """The bytes of a file; Unreadable, without its name, where it is too large or cannot be opened."""
    try:
        return read_limited_bytes(Path(path))
    except Unreadable as error:
        reason = str(error).removeprefix(f"{Path(path).name} ")
        raise Unreadable(f"it {reason}" if reason != str(error) else reason) from error


@cache
def run_plugin(text: str) -> str:
    """Run the text of a plug-in once in this process; its digest. ValueError, in one sentence, where it fails."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    try:
        if text:
            exec(compile(text, f"<plugin {digest[:8]}>", "exec"), {"__name__": f"linviz_plugin_{digest[:8]}"})
    except Exception as error:  # the code of a person: any error may come
        raise ValueError(f"the plug-in fails: {type(error).__name__}: {error}") from error
    return digest
