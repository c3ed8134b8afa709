"""A capture as one file, safe to load: a safetensors file (.linviz), which holds numbers and text and no code.

Its header has a description as JSON: the model's class, and of each layer its name, kind, grid, scale and scope. The
arrays are LAYER.q, LAYER.k, LAYER.v, LAYER.bias, LAYER.table and LAYER.box.N, and frames. Nothing that the header
claims is trusted: sizes are compared with the bytes that are there, and a wrong file gets one sentence.
"""
from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from ..atomic_write import write_atomically
from ..clips import Unreadable
from ..clips.arrays import DTYPES, is_safetensors
from ..clips.found import AGAIN, plain_name
from ..grid import Grid
from .capture_result import Capture
from .captured_layer import KINDS, CapturedLayer

ENDING, FORMAT = ".linviz", "linviz capture 1"
BYTES = 2_000_000_000   # of a file
HEADER = 4_000_000      # bytes of its header
LAYERS = 1_000
PARTS = ("q", "k", "v", "bias", "table")
SCOPES = ("joint", "space", "time")


def save_capture(path: str | Path, capture: Capture) -> Path:
    """Write a capture as one .linviz file, which replaces an existing one only when complete; return its path."""
    return write_atomically(path, pack_capture(capture))


def pack_capture(capture: Capture) -> bytes:
    """A capture as the bytes of a safetensors file.

    >>> from linviz import Grid
    >>> x = torch.rand(1, 2, 9, 4).half()
    >>> made = Capture("Tiny", (CapturedLayer("a", "softmax", x, x, None, Grid(Y=3, X=3), 0.5),))
    >>> found = unpack_capture(pack_capture(made))
    >>> found[1], torch.equal(found[1].q, x)
    (<layer a: softmax, 2 heads of 9 tokens, 4 wide, on 3 x 3 patches>, True)
    """
    arrays: dict[str, Tensor] = {}
    for n, layer in enumerate(capture):
        found = {part: getattr(layer, part) for part in PARTS} | {f"box.{b}": box for b, box in enumerate(layer.boxes)}
        for part, x in found.items():
            if x is not None:   # safetensors refuses two names for one memory
                shared = any(_memory(x) == _memory(other) for other in arrays.values())
                arrays[f"{n}.{part}"] = x.cpu().clone(memory_format=torch.contiguous_format) if shared else \
                    x.contiguous().cpu()
    if capture.frames is not None:
        arrays["frames"] = (capture.frames * 255).round().byte().contiguous()
    description = {"model": capture.model, "left_out": capture.left_out,
                   "layers": [describe_layer(one) for one in capture]}
    return bytes(save(arrays, {"format": FORMAT, "capture": json.dumps(description, allow_nan=False)}))


def _memory(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def describe_layer(layer: CapturedLayer) -> dict[str, Any]:
    """What of a layer is no array."""
    grids = {name: [grid.T, grid.Y, grid.X, grid.prefix] for name in ("grid", "key_grid")
             if (grid := getattr(layer, name)) is not None}
    return grids | {name: getattr(layer, name)
                    for name in ("name", "kind", "scale", "causal", "scope", "error", "road")}


# ---------------------------------------------------------------- reading


def load_capture(path: str | Path) -> Capture:
    """The capture in a file that `save_capture` wrote; Unreadable, a ValueError of one sentence, for any other."""
    path = Path(path)
    try:
        if (size := path.stat().st_size) > BYTES:
            raise Unreadable(f"{path} has {size / 1e6:,.0f} MB, and at most {BYTES / 1e6:,.0f} MB are read")
        return unpack_capture(path.read_bytes(), path.name)
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error


def is_capture(data: bytes) -> bool:
    """Whether bytes are those of a capture: a safetensors file with our format in its header.

    >>> is_capture(b"PK"), is_capture((2).to_bytes(8, "little") + b"{}")
    (False, False)
    """
    end = int.from_bytes(data[:8], "little")
    return data[8:9] == b"{" and end <= HEADER and FORMAT.encode() in data[8:8 + end]


def unpack_capture(data: bytes, name: str = "the file") -> Capture:
    """What `pack_capture` packed; Unreadable, in one sentence, for any other bytes."""
    return _readable(data, name)


def unpack_layer(data: bytes, number: int, name: str = "the file") -> Capture:
    """A packed capture with one of its layers alone, counted from 1; the others are not read.

    Unreadable, in one sentence, for other bytes and where there is no such layer.
    """
    return _readable(data, name, number)


def _readable(data: bytes, name: str, number: int | None = None) -> Capture:
    shown = plain_name(name)
    try:
        return _read_capture(data, number)
    except Unreadable as error:
        raise Unreadable(f"{shown} cannot be read: {error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError, OverflowError) as error:
        raise Unreadable(f"{shown} cannot be read: it is no capture of linviz, or it is damaged: {AGAIN}") from error


def _read_capture(data: bytes, number: int | None = None) -> Capture:
    if not is_capture(data) and not is_safetensors(data):
        raise Unreadable(f"it is no capture: linviz.capture.save_capture writes one ({ENDING}, a safetensors file)")
    end = 8 + int.from_bytes(data[:8], "little")
    if end > min(len(data), HEADER + 8):
        raise Unreadable(f"it ends inside its header: {AGAIN}")
    header = json.loads(data[8:end])
    notes = header.pop("__metadata__", {})
    if notes.get("format") != FORMAT:
        raise Unreadable("it is a safetensors file, but no capture of linviz")
    description = json.loads(notes["capture"])
    if not 1 <= len(description["layers"]) <= LAYERS:
        raise Unreadable(f"it names {len(description['layers']):,} layers; a capture has 1 to {LAYERS:,}")
    body = memoryview(data)[end:]
    described = list(enumerate(description["layers"]))
    if number is not None and not 1 <= number <= len(described):
        raise Unreadable(f"it has {len(described)} layers, counted from 1; there is no layer {number}")
    layers = tuple(_read_layer(one, _layer_arrays(header, body, n))
                   for n, one in (described if number is None else described[number - 1:number]))
    frames = _read_array("frames", header["frames"], body).float() / 255 if "frames" in header else None
    if frames is not None and (frames.ndim != 4 or frames.shape[1] != 3):
        raise Unreadable(f"its frames have the shape {tuple(frames.shape)}, not (T, 3, Ypx, Xpx)")
    left_out = {str(name)[:200]: str(why)[:400] for name, why in list(dict(description["left_out"]).items())[:LAYERS]}
    return Capture(str(description["model"])[:200], layers, frames, left_out)


def _layer_arrays(header: Mapping[str, Any], body: memoryview, n: int) -> dict[str, Tensor]:
    return {key.partition(".")[2]: _read_array(key, entry, body) for key, entry in header.items()
            if key.partition(".")[0] == str(n)}


def _read_array(name: str, entry: Mapping[str, Any], body: memoryview) -> Tensor:
    """One array, if the header gives it exactly as many bytes as its shape needs."""
    dtypes = DTYPES | {"U8": torch.uint8}
    if entry["dtype"] not in dtypes:
        raise Unreadable(f"{plain_name(name)} has the type {plain_name(str(entry['dtype']))}, which no capture has")
    dtype, shape, (start, stop) = dtypes[entry["dtype"]], entry["shape"], entry["data_offsets"]
    if not all(type(n) is int and n > 0 for n in (*shape, stop)) or not len(shape) <= 5 or type(start) is not int:
        raise Unreadable(f"{plain_name(name)} has no valid shape: {AGAIN}")
    if not 0 <= start <= stop <= len(body) or stop - start != math.prod(shape) * dtype.itemsize:
        raise Unreadable(f"{plain_name(name)} does not have the size in its header; perhaps it was cut short: {AGAIN}")
    return torch.frombuffer(bytearray(body[start:stop]), dtype=dtype).reshape(shape)


def _read_layer(described: Mapping[str, Any], arrays: dict[str, Tensor]) -> CapturedLayer:
    """A layer, if its description fits its arrays."""
    name, kind = str(described["name"])[:200], described["kind"]
    grid, key_grid = (None if described.get(one) is None else Grid(*described[one]) for one in ("grid", "key_grid"))
    if kind not in KINDS or described["scope"] not in SCOPES or grid is None or type(described["causal"]) is not bool:
        raise Unreadable(f"layer {plain_name(name)} is of no known kind")
    boxes = tuple(arrays.pop(f"box.{n}") for n in range(sum(key.startswith("box.") for key in arrays)))
    error = None if described["error"] is None else float(described["error"])
    layer = CapturedLayer(name, kind, arrays["q"], arrays["k"], arrays.get("v"), grid, float(described["scale"]),
                          arrays.get("bias"), described["causal"], described["scope"], boxes, key_grid,
                          arrays.get("table"), error, str(described["road"])[:200])
    _check_layer(layer)
    return layer


def _check_layer(layer: CapturedLayer) -> None:
    """Raise Unreadable where the arrays of a layer do not fit together or are not finite."""
    q, k, table = layer.q, layer.k, layer.table
    fits = q.ndim == k.ndim == 4 and q.shape[1] % k.shape[1] == 0 and len(q) == len(k) and q.shape[3] == k.shape[3]
    fits = fits and (layer.v is None or layer.v.shape[:3] == k.shape[:3]) and len(layer.grid) == q.shape[2]
    fits = fits and len(layer.key_grid or layer.grid) == k.shape[2] and (layer.kind == "exact") == (table is not None)
    fits = fits and (table is None or table.shape == (*q.shape[:3], k.shape[2])) and math.isfinite(layer.scale)
    for box in layer.boxes:
        fits = fits and box.ndim == 1 and box.dtype == torch.int64
        fits = fits and 0 <= int(box.min()) <= int(box.max()) < q.shape[2]
    if layer.boxes:
        fits = fits and torch.equal(torch.cat(layer.boxes).unique(), torch.arange(q.shape[2]))
    if not fits:
        raise Unreadable(f"the arrays of layer {plain_name(layer.name)} do not fit together")
    numbers = [x for x in (q, k, layer.v, table) if x is not None]
    if not all(x.is_floating_point() and bool(x.isfinite().all()) for x in numbers):
        raise Unreadable(f"layer {plain_name(layer.name)} holds NaN or infinity, or no floating point numbers")
