"""What a view can be of, in Python: everything becomes a sample's name, or the bytes of a person's own file.

A picture or a clip in memory becomes a file without loss (PNG, or the .npz of `clips.pack_clip`), and so do q, k and v
(.npz): what a saved view holds, the explorer and the command line open as they open a file from a disk.
"""
from __future__ import annotations

import difflib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from .. import clips
from ..capture.capture_result import LayerName
from ..clips import Clip
from ..clips.own_frames import colours_last
from ..clips.picture_files import upright_pixels
from ..clips.tensor_layout import PREFIX
from ..grid import Grid, as_grid
from .capture_source import capture_source, layer_place, why_no_view, within_scope
from .export.bundle import is_bundle, read_file, unpack_bundle
from .load import view_of_file
from .state import View

KINDS = ("a sample's name, a path, a picture (PIL), an array of pixels, a list of them (a clip), a Clip, a capture, "
         "(q, k, v) or a dict with q, k, v and grid")
ARRAYS = ("q", "k", "v", "grid", "key_grid", "frames")


def find_view(source: Any, grid: Grid | Sequence[int] | None = None, layer: LayerName | None = None,
              **chosen: Any) -> tuple[View, bytes | None]:
    """The view in which a source shows best, except for what was `chosen`, and the bytes of its file; None: a sample.

    grid: of the tokens of q, k and v. layer: of a capture. ValueError, in one sentence, for what cannot be shown.

    >>> find_view("digit", patches=7)[0].patches, find_view(np.zeros((8, 9, 3), np.uint8))[0].source.name
    (7, 'picture.png')
    """
    if isinstance(source, View):
        return source.with_values(**chosen), None
    if (brought := capture_source(source)) is not None:
        found, name, data = brought
        one = found[number := layer_place(found, layer)]
        if why := why_no_view(one):
            raise ValueError(why)
        return view_of_file(name, data, **within_scope(chosen, one.scope, one.causal), layer=number), data
    if layer is not None:
        raise ValueError(f"layer={layer!r:.40} names a layer of a capture, and this source is none")
    if isinstance(source, str | Path):
        return _named_view(source, chosen)
    name, data = source_file(source, grid)
    return view_of_file(name, data, **chosen), data


def _named_view(name: str | Path, chosen: Mapping[str, Any]) -> tuple[View, bytes | None]:
    if isinstance(name, str) and name in clips.names():
        return View.best(name, **chosen), None
    if "://" in str(name):
        raise ValueError(f"{str(name)!r:.80} is an address, and nothing is fetched from the network: save the file and "
                         "give its path")
    path = Path(name).expanduser()
    if not name or not path.exists():
        near = difflib.get_close_matches(str(name), clips.names(), 1)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise ValueError(f"{str(name)!r:.80} is neither a file nor a sample{hint} the samples are "
                         f"{', '.join(clips.names())}")
    data = read_file(path)
    if is_bundle(data):
        view, media = unpack_bundle(data, path.name)
        return view.with_values(**chosen), media
    return view_of_file(path.name, data, **chosen), data


# ------------------------------------------------------------------------------------------------ in memory


def source_file(source: Any, grid: Grid | Sequence[int] | None = None) -> tuple[str, bytes]:
    """What is in memory as a file: its name and its bytes. ValueError, in one sentence, for anything else.

    >>> x = torch.rand(9, 4)
    >>> source_file((x, x, x))[0], source_file(Clip.plain(torch.rand(2, 3, 8, 9), "noise"))[0]
    ('tensors.npz', 'noise.npz')
    """
    if isinstance(source, bytes | bytearray):
        return "file", bytes(source)
    if isinstance(source, Clip):
        return f"{Path(source.name).stem or 'clip'}.npz", clips.pack_clip(source)
    if isinstance(source, Mapping):
        return "tensors.npz", _tensor_bytes(source, grid)
    if isinstance(source, tuple):
        if len(source) not in (2, 3):
            raise ValueError(f"a tuple is (q, k) or (q, k, v); got {len(source)} of them (frames are a list)")
        return "tensors.npz", _tensor_bytes(dict(zip(ARRAYS, source)), grid)
    return pixel_file(source)


def _tensor_bytes(found: Mapping[str, Any], grid: Grid | Sequence[int] | None) -> bytes:
    """q, k, v and the grid as an .npz."""
    if unknown := [str(name) for name in found if name not in ARRAYS]:
        raise ValueError(f"a dict for a view has q, k, v, grid, key_grid and frames, not {', '.join(unknown):.80}")
    if missing := [name for name in ("q", "k") if name not in found]:
        raise ValueError("a dict for a view needs q and k, and perhaps v, grid and frames; "
                         f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    inside = None if found.get("grid") is None else as_grid(found["grid"])
    outside = None if grid is None else as_grid(grid)
    if None not in (inside, outside) and inside != outside:
        raise ValueError(f"the dict has {inside} and grid= is {outside}: give one of them")
    cut = outside or inside
    arrays = {name: _plain_array(name, found[name]) for name in ("q", "k", "v", "frames")
              if found.get(name) is not None}
    most = 0 if cut is None or cut.prefix else PREFIX
    if cut is not None and not any(0 <= n - len(cut) <= most for n in arrays["q"].shape[-3:-1]):
        raise ValueError(f"{cut} has {len(cut):,} tokens and q {(shape := tuple(arrays['q'].shape))} has "
                         f"{' or '.join(map(str, shape[-3:-1][::-1]))}: give the grid of these tokens")
    keys = None if found.get("key_grid") is None else as_grid(found["key_grid"])
    places = {name: np.array([one.T, one.Y, one.X]) for name, one in (("grid", cut), ("key_grid", keys)) if one}
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays, **places)
    return out.getvalue()


def _plain_array(name: str, given: Any) -> np.ndarray:
    if isinstance(given, Tensor):
        given = given.detach().cpu()
        given = (given.float() if given.dtype == torch.bfloat16 else given).numpy()
    if not isinstance(given, np.ndarray) or given.dtype.kind not in "fiub":
        shape = "(T, Y, X, 3)" if name == "frames" else "(N, D), (H, N, D) or (B, H, N, D)"
        raise ValueError(f"{name} must be a tensor or an array of numbers, {shape}; got {type(given).__name__}")
    return given


# ------------------------------------------------------------------------------------------------ pixels


def pixel_file(source: Any) -> tuple[str, bytes]:
    """A picture, or frames in a list or an array, as a file: PNG where the colours have eight bits, else an .npz.

    >>> pixel_file(np.zeros((8, 9, 3), np.uint8))[0], pixel_file(torch.rand(2, 3, 8, 9))[0]
    ('picture.png', 'clip.npz')
    """
    if isinstance(source, Image.Image):
        stem = Path(str(getattr(source, "filename", "") or "picture")).stem
        pictures = [upright_pixels(one.copy()) for one in ImageSequence.Iterator(source)]
        frames = clips.to_frames(_stack_pixels(pictures))
        return _frames_file(frames, stem)
    if isinstance(source, list) and source:
        source = _stack_pixels([upright_pixels(x.copy()) if isinstance(x, Image.Image) else _colours_last(x)
                                for x in source])
    if not isinstance(source, np.ndarray | Tensor):
        raise ValueError(f"a view is of {KINDS}; got {type(source).__name__}")
    try:
        return _frames_file(clips.to_frames(_colours_last(source)), "")
    except ValueError as error:
        raise ValueError(f"{error}; q, k and v are given together, as (q, k, v)") from error


def _stack_pixels(pictures: Sequence[np.ndarray]) -> np.ndarray:
    shapes = list(dict.fromkeys(x.shape for x in pictures))
    if len(shapes) > 1:
        raise ValueError(f"the frames of a clip have one size; got {shapes[0]} and {shapes[1]}")
    found = np.stack(pictures)
    return found[..., None].repeat(3, -1) if found.ndim == 3 else found


def _colours_last(given: Any) -> np.ndarray:
    """Pixels with the colours last, as torch has them first; a grey picture may have one colour."""
    if isinstance(given, Tensor):
        given = given.detach().cpu()
        given = (given.float() if given.dtype == torch.bfloat16 else given).numpy()
    if not isinstance(given, np.ndarray):
        raise ValueError(f"a view is of {KINDS}; got a list with {type(given).__name__}")
    return colours_last(given)


def _frames_file(frames: Tensor, stem: str) -> tuple[str, bytes]:
    eight = (frames * 255).round().byte()
    if len(frames) > 1 or not torch.equal(eight.float() / 255, frames):
        name = stem or ("clip" if len(frames) > 1 else "picture")
        return f"{name}.npz", clips.pack_clip(Clip.plain(frames, name))
    out = io.BytesIO()
    Image.fromarray(eight[0].permute(1, 2, 0).contiguous().numpy()).save(out, "PNG")
    return f"{stem or 'picture'}.png", out.getvalue()
