"""A researcher's own q, k and v: read from .npz or .safetensors in memory, checked and described. Never pickle.

An array's shape and type are read from its header and compared with `limits` before anything is decompressed.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..grid import Grid
from ..shapes import Keys, Queries, Values
from . import limits
from .arrays import Arrays, is_safetensors, read_npz, read_safetensors
from .clip_files import is_clip_file
from .found import AGAIN, Unreadable, plain_name

PREFIX = 16  # the most tokens before the grid: more are a mistake
HOW = "np.savez('mine.npz', q=q, k=k, v=v, grid=[T, Y, X])"
ZIP, NUMPY, PICKLE = (b"PK\x03\x04", b"PK\x05\x06"), b"\x93NUMPY", tuple(bytes([128, n]) for n in range(2, 6))


@dataclass(frozen=True, eq=False)
class Tensors:
    """q, k, v (1, H, N, D) float32, finite, N = S; the grid of the tokens; one line that describes the arrays."""

    name: str
    q: Queries
    k: Keys
    v: Values
    grid: Grid
    said: str


def is_tensors(data: bytes) -> bool:
    """Whether a file holds arrays, not pictures, by its first bytes; also the kinds that are refused with a reason.

    >>> is_tensors(b"PK\\3\\4..."), is_tensors(b"GIF89a")
    (True, False)
    """
    return (data.startswith((*ZIP, NUMPY, *PICKLE)) and not is_clip_file(data)) or is_safetensors(data)


def decode_tensors(data: bytes, name: str = "") -> Tensors:
    """q and k (and v, grid) as .npz or .safetensors: floating point, (N, D), (H, N, D) or (B, H, N, D), of which the
    first of the batch is taken.

    Without v, k is used as v. grid holds rows and columns, or frames, rows and columns; any further tokens come before
    the grid (CLS, registers). Without grid the tokens must form a square, or one token and a square.
    Raises Unreadable, a ValueError of one sentence, for missing or wrong arrays.

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
        return build_tensors(shown, read_arrays(data))
    except Unreadable as error:
        raise Unreadable(f"{shown} cannot be read: {error}") from error
    except Exception as error:  # zlib, zipfile and json document no errors for broken files
        raise Unreadable(f"{shown} cannot be read: it is damaged or cut short: {AGAIN}") from error


def read_arrays(data: bytes) -> Arrays:
    """The arrays called q, k, v and grid."""
    if len(data) > limits.TENSOR_BYTES:
        raise Unreadable(f"it has {len(data) / 1e6:,.0f} MB, and the limit for tensors is "
                         f"{limits.TENSOR_BYTES / 1e6:.0f} MB; save one layer, or fewer heads")
    if data.startswith(PICKLE):
        raise Unreadable(f"it is a pickle, which can run code when it is opened: save it with {HOW}")
    if data.startswith(NUMPY):
        raise Unreadable(f"it holds one array without a name: save q and k with {HOW}")
    return read_npz(data) if data.startswith(ZIP) else read_safetensors(data)


def build_tensors(name: str, found: Arrays) -> Tensors:
    """The arrays as tensors that fit together."""
    for what in ("q", "k"):
        if what not in found.there:
            others = f"it has {', '.join(found.others[:5])}" if found.others else "it is empty"
            raise Unreadable(f"there is no {what} in it, {others}: save q and k with {HOW}")
    q, k, v = (check_heads(what, found.there[what]) for what in ("q", "k", "v" if "v" in found.there else "k"))
    if q.shape != k.shape:
        raise Unreadable(f"q is {tensor_size(q)} and k is {tensor_size(k)}: both need the same heads, tokens and width")
    if v.shape[:3] != k.shape[:3]:
        raise Unreadable(f"v is {tensor_size(v)} and k is {tensor_size(k)}: every k needs one v")
    grid = grid_from_file(found.there.get("grid"), q.shape[2])
    said = [describe_tensors(q, grid)]
    if "v" not in found.there:
        said.append("v is missing, so k is used as v")
    if found.there["q"].ndim == 4 and len(found.there["q"]) > 1:
        said.append(f"the first of a batch of {len(found.there['q'])}")
    return Tensors(name, q, k, v, grid, "; ".join(said))


def check_heads(what: str, x: Tensor) -> Tensor:
    """An array as (1, H, N, D) float32, finite."""
    if x.dtype not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        raise Unreadable(f"{what} is {str(x.dtype).removeprefix('torch.')}: q, k and v must be floating point")
    if not 2 <= x.ndim <= 4 or 0 in x.shape:
        raise Unreadable(f"{what} has the shape {tuple(x.shape)}; expected (N, D), (H, N, D) or (B, H, N, D)")
    x = (x if x.ndim == 4 else x[(None,) * (4 - x.ndim)])[:1]
    if (largest := float(x.abs().nan_to_num(0, 0).max())) > torch.finfo(torch.float32).max:
        raise Unreadable(f"the numbers of {what} are not finite in float32, which ends at 3.4e+38: {what} "
                         f"reaches {largest:.3g}; divide q and k by a number")
    x = x.float()
    if wrong := int((~torch.isfinite(x)).sum()):
        raise Unreadable(f"{wrong:,} of the {x.numel():,} numbers of {what} are not finite")
    return x


def tensor_size(x: Tensor) -> str:
    """Heads, tokens and width in words.

    >>> tensor_size(torch.zeros(1, 2, 9, 4))
    '2 x 9 x 4'
    """
    return " x ".join(map(str, x.shape[1:]))


def grid_from_file(given: Tensor | None, tokens: int) -> Grid:
    """The grid that a file names, or the square that its tokens form.

    >>> grid_from_file(torch.tensor([2, 3, 4]), 25), grid_from_file(None, 9)
    (Grid(T=2, Y=3, X=4, prefix=1), Grid(T=1, Y=3, X=3, prefix=0))
    """
    if given is None:
        side = math.isqrt(tokens)
        if tokens not in (side * side, side * side + 1):
            raise Unreadable(f"its {tokens:,} tokens form no square, so their positions are unknown: add grid=[Y, X] "
                             "or grid=[T, Y, X]")
        return Grid(1, side, side, tokens - side * side)
    sides = given.flatten().tolist() if not given.is_floating_point() else []
    if len(sides) not in (2, 3) or min(sides) < 1:
        raise Unreadable(f"grid holds {sides or 'no whole numbers'}: it needs rows and columns, or frames, rows "
                         f"and columns, of the {tokens:,} tokens")
    prefix = tokens - math.prod(sides)
    if not 0 <= prefix <= PREFIX:
        raise Unreadable(f"a grid of {' x '.join(map(str, sides))} has {math.prod(sides):,} tokens, and q has "
                         f"{tokens:,}; up to {PREFIX} may come before the grid")
    frames, rows, columns = [1] * (3 - len(sides)) + sides
    return Grid(frames, rows, columns, prefix)


def describe_tensors(q: Tensor, grid: Grid) -> str:
    """The arrays that were found, in words."""
    _, count, tokens, width = q.shape
    place = f"{grid.T} frames of " * (grid.T > 1) + f"{grid.Y} x {grid.X} patches"
    before = f" after {grid.prefix} token{'s' * (grid.prefix > 1)} without a position" * (grid.prefix > 0)
    return f"{count} head{'s' * (count > 1)} of {tokens:,} tokens, {width} wide, on {place}{before}"
