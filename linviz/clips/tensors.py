"""A researcher's own q, k and v: read from .npz or .safetensors in memory, checked and described. Never pickle.

An array's shape and type are read from its header and compared with `limits` before anything is decompressed.

    q, k, v    (N, D), (H, N, D), (B, H, N, D), or with the tokens before the heads (`tensor_layout`); v may be missing
    grid       [Y, X] or [T, Y, X], where the tokens do not form a square; key_grid  the same of k and v, if not as q
    frames     the pictures that the tokens were made of: (Y, X, 3) or (T, Y, X, 3), uint8 or 0..1; may be missing
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..grid import Grid
from ..shapes import Frames, Keys, Queries, Values
from . import limits
from .arrays import Arrays, is_safetensors, read_npz, read_safetensors
from .clip_files import is_clip_file
from .found import AGAIN, Unreadable, plain_name
from .own_frames import colours_last, to_frames
from .tensor_layout import AUTO, LAYOUTS, AmbiguousLayout, find_layout, heads_first, tokens_grid

HOW = "np.savez('mine.npz', q=q, k=k, v=v, grid=[T, Y, X])"
ZIP, NUMPY, PICKLE = (b"PK\x03\x04", b"PK\x05\x06"), b"\x93NUMPY", tuple(bytes([128, n]) for n in range(2, 6))


@dataclass(frozen=True, eq=False)
class Tensors:
    """q (1, H, N, D), k (1, H, S, D) and v (1, H, S, E), float32 and finite, and where their tokens lie.

    key_grid  of k and v: the grid itself, unless it has another size;  said  one line that describes the arrays
    frames    what the tokens were made of, one picture for each frame of the grid, or None;  layout  as it was read
    layer     of a model's capture, counted from 1; else None
    """

    name: str
    q: Queries
    k: Keys
    v: Values
    grid: Grid
    key_grid: Grid
    said: str
    frames: Frames | None
    layout: str
    layer: int | None = None


def is_tensors(data: bytes) -> bool:
    """Whether a file holds arrays, not pictures, by its first bytes; also the kinds that are refused with a reason.

    >>> is_tensors(b"PK\\3\\4..."), is_tensors(b"GIF89a")
    (True, False)
    """
    return (data.startswith((*ZIP, NUMPY, *PICKLE)) and not is_clip_file(data)) or is_safetensors(data)


def decode_tensors(data: bytes, name: str = "", layout: str = AUTO) -> Tensors:
    """q and k (and v, grid, key_grid, frames) as .npz or .safetensors; of a batch the first is taken.

    Without v, k is used as v. grid holds rows and columns, or frames, rows and columns; any further tokens come before
    the grid (CLS, registers). Without grid the tokens must form a square, or one token and a square.
    layout  "BHND", "BNHD", or "auto": recognised by the grid.
    Raises Unreadable, a ValueError of one sentence, for missing or wrong arrays, and AmbiguousLayout, one of them,
    where both layouts fit.

    >>> import io, numpy as np
    >>> file, x = io.BytesIO(), np.random.default_rng(0).normal(size=(3, 17, 8))
    >>> np.savez(file, q=x, k=x)
    >>> found = decode_tensors(file.getvalue(), "run/mine.npz")
    >>> found.q.shape, found.grid, found.said
    (torch.Size([1, 3, 17, 8]), Grid(T=1, Y=4, X=4, prefix=1), '3 heads of 17 tokens, 8 wide, on 4 x 4 patches after \
1 token without a position; v is missing, so k is used as v')
    """
    shown = plain_name(name)
    try:
        return build_tensors(shown, read_arrays(data), layout)
    except Unreadable as error:
        kind = AmbiguousLayout if isinstance(error, AmbiguousLayout) else Unreadable
        raise kind(f"{shown} cannot be read: {error}") from error
    except Exception as error:  # zlib, zipfile and json document no errors for broken files
        raise Unreadable(f"{shown} cannot be read: it is damaged or cut short: {AGAIN}") from error


def read_arrays(data: bytes) -> Arrays:
    """The arrays called q, k, v, grid, key_grid and frames."""
    if len(data) > limits.TENSOR_BYTES:
        raise Unreadable(f"it has {len(data) / 1e6:,.0f} MB, and the limit for tensors is "
                         f"{limits.TENSOR_BYTES / 1e6:.0f} MB; save one layer, or fewer heads")
    if data.startswith(PICKLE):
        raise Unreadable(f"it is a pickle, which can run code when it is opened: save it with {HOW}")
    if data.startswith(NUMPY):
        raise Unreadable(f"it holds one array without a name: save q and k with {HOW}")
    return read_npz(data) if data.startswith(ZIP) else read_safetensors(data)


def build_tensors(name: str, found: Arrays, layout: str = AUTO) -> Tensors:
    """The arrays as tensors that fit together."""
    there = found.there
    for what in ("q", "k"):
        if what not in there:
            others = f"it has {', '.join(found.others[:5])}" if found.others else "it is empty"
            raise Unreadable(f"there is no {what} in it, {others}: save q and k with {HOW}")
    for what in ("q", "k", "v"):
        check_array(what, there.get(what, there["k"]))
    layout = find_layout(there, layout)
    q, k, v = (finite_heads(what, there[what], layout) for what in ("q", "k", "v" if "v" in there else "k"))
    if (q.shape[1], q.shape[3]) != (k.shape[1], k.shape[3]):
        raise Unreadable(f"q is {tensor_size(q)} and k is {tensor_size(k)}: both need the same heads and width")
    if v.shape[:3] != k.shape[:3]:
        raise Unreadable(f"v is {tensor_size(v)} and k is {tensor_size(k)}: every k needs one v")
    grid = tokens_grid(there.get("grid"), q.shape[2])
    made = Tensors(name, q, k, v, grid, find_key_grid(there, grid, k.shape[2]), "", None, layout)
    pictures = there.get("frames")
    made = replace(made, frames=None if pictures is None else grid_frames(pictures, grid))
    notes = ["v is missing, so k is used as v"] * ("v" not in there)
    notes += [f"the first of a batch of {len(there['q'])}"] * (there["q"].ndim == 4 and len(there["q"]) > 1)
    return replace(made, said="; ".join([describe_tensors(made), *notes]))


def find_key_grid(there: dict[str, Tensor], grid: Grid, keys: int) -> Grid:
    """The grid of the keys: that of the queries, unless there are other keys."""
    if keys == len(grid) and "key_grid" not in there:
        return grid
    found = tokens_grid(there.get("key_grid"), keys, "key_grid")
    if keys == len(grid) and found != grid:
        raise Unreadable(f"q and k have {keys:,} tokens each, but key_grid is not grid: leave out one of them")
    return found


def grid_frames(given: Tensor, grid: Grid) -> Frames:
    """The pictures of a file, one for each frame of the grid, evenly spaced if there are more."""
    try:
        frames = to_frames(colours_last(given.numpy()))
    except ValueError as error:
        raise Unreadable(f"frames cannot be shown: {error}") from None
    if len(frames) < grid.T:
        raise Unreadable(f"frames has {len(frames)} picture{'s' * (len(frames) > 1)}, and the grid has {grid.T} frames")
    return frames[torch.linspace(0, len(frames) - 1, grid.T).round().long()] if grid.T > 1 else frames[:1]


def check_array(what: str, x: Tensor) -> None:
    """Raise Unreadable for an array that is no q, k or v by its type and shape."""
    if x.dtype not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        raise Unreadable(f"{what} is {str(x.dtype).removeprefix('torch.')}: q, k and v must be floating point")
    if not 2 <= x.ndim <= 4 or 0 in x.shape:
        raise Unreadable(f"{what} has the shape {tuple(x.shape)}; expected (N, D), (H, N, D) or (B, H, N, D)")


def finite_heads(what: str, x: Tensor, layout: str) -> Tensor:
    """The first of a batch as (1, H, N, D) float32, finite."""
    x = heads_first(x, layout)[:1]
    if (largest := float(x.abs().nan_to_num(0, 0).max())) > torch.finfo(torch.float32).max:
        raise Unreadable(f"the numbers of {what} are not finite in float32, which ends at 3.4e+38: {what} "
                         f"reaches {largest:.3g}; divide q and k by a number")
    x = x.float().contiguous()
    if wrong := int((~torch.isfinite(x)).sum()):
        raise Unreadable(f"{wrong:,} of the {x.numel():,} numbers of {what} are not finite")
    return x


def tensor_size(x: Tensor) -> str:
    """Heads, tokens and width in words.

    >>> tensor_size(torch.zeros(1, 2, 9, 4))
    '2 x 9 x 4'
    """
    return " x ".join(map(str, x.shape[1:]))


def describe_tensors(found: Tensors) -> str:
    """The arrays that were found, in words."""
    _, count, tokens, width = found.q.shape
    said = f"{count} head{'s' * (count > 1)} of {tokens:,} tokens, {width} wide, on {describe_grid(found.grid)}"
    if found.key_grid != found.grid:
        said += f"; {found.k.shape[2]:,} keys on {describe_grid(found.key_grid)}"
    if found.layout == LAYOUTS[1]:
        said += "; tokens come before heads"
    if found.frames is not None:
        said += f"; with {'its picture' if len(found.frames) == 1 else 'their pictures'}"
    return said


def describe_grid(grid: Grid) -> str:
    """Where tokens lie, in words.

    >>> describe_grid(Grid(1, 14, 14, 1))
    '14 x 14 patches after 1 token without a position'
    """
    before = f" after {grid.prefix} token{'s' * (grid.prefix > 1)} without a position" * (grid.prefix > 0)
    return f"{grid.T} frames of " * (grid.T > 1) + f"{grid.Y} x {grid.X} patches{before}"


def tensors_title(found: Tensors) -> str:
    """What the tensors are, in a few words for a menu.

    >>> x = torch.zeros(1, 12, 197, 64)
    >>> tensors_title(Tensors("block7.npz", x, x, x, Grid(1, 14, 14, 1), Grid(1, 14, 14, 1), "", None, "BHND"))
    'Tensors: q, k, v of block7.npz, 12 heads, 14 x 14 + 1'
    """
    grid, count = found.grid, found.q.shape[1]
    size = " x ".join(map(str, (grid.T, grid.Y, grid.X)[grid.T == 1:])) + f" + {grid.prefix}" * (grid.prefix > 0)
    return f"Tensors: q, k, v of {found.name}, {count} head{'s' * (count > 1)}, {size}"
