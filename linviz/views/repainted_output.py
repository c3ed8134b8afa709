"""What a map paints, and who is looked at: the picture's pixels mixed by the weights, and the columns of the map.

The values v are the pixels of each patch, so the output of a query is a patch, too: the mixture of patches that its row
stands for. A weight that is small but spread over many patches shows here, where the lit picture hides it.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ..clips import Clip
from ..grid import Grid
from ..maps import Map
from ..mechanisms import make
from .view_panels import OpenView, Tokens

SIDE = 8  # pixels across a repainted patch


def check_patches(tokens: Tokens) -> None:
    """ValueError, in one sentence, where tokens are not the patches of the picture, one to one."""
    if tokens.key_grid is not None or tokens.grid.prefix:
        why = "keys lie on another grid" if tokens.key_grid is not None else "some tokens lie before the picture"
        raise ValueError(f"a picture is repainted only where every key is a patch of it, and here {why}")


def patch_pixels(clip: Clip, grid: Grid) -> Tensor:
    """The pixels of every patch as values: (1, 1, N, 3 * SIDE * SIDE), colours in 0..1.

    >>> patch_pixels(Clip.plain(torch.ones(1, 3, 32, 48), "white"), Grid(1, 2, 3)).shape
    torch.Size([1, 1, 6, 192])
    """
    frames = adaptive_avg_pool2d(clip.frames, (grid.Y * SIDE, grid.X * SIDE))
    cut = frames.unflatten(-1, (grid.X, SIDE)).unflatten(-3, (grid.Y, SIDE))  # T, 3, Y, SIDE, X, SIDE
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(1, 1, len(grid), 3 * SIDE * SIDE)


def painted_frames(output: Tensor, grid: Grid) -> Tensor:
    """Values or outputs as a picture again: (1, 1, N, 3 * SIDE * SIDE) -> (T, 3, Y * SIDE, X * SIDE)."""
    cut = output.reshape(grid.T, grid.Y, grid.X, 3, SIDE, SIDE).permute(0, 3, 1, 4, 2, 5)
    return cut.reshape(grid.T, 3, grid.Y * SIDE, grid.X * SIDE)


@torch.no_grad()
def repainted_output(a: Map, clip: Clip, grid: Grid) -> Tensor:
    """The output of every query for the pixels as values, (1, 1, N, 3 * SIDE * SIDE); a signed map may leave 0..1.

    >>> from linviz.maps import Dense
    >>> grey = Clip.plain(torch.full((1, 3, 16, 32), 0.5), "grey")
    >>> repainted_output(Dense(torch.eye(2)[None, None]), grey, Grid(1, 1, 2)).unique().tolist()
    [0.5]
    """
    v = patch_pixels(clip, grid)
    return a.apply(v.to(a.dtype)).to(v.dtype)


@torch.no_grad()
def softmax_output(tokens: Tokens) -> Tensor:
    """What softmax attention of the same q and k paints, the mean of its heads: the output others are compared with."""
    q, k, pixels = tokens.q, tokens.k, patch_pixels(tokens.clip, tokens.grid)
    v = pixels.to(q.dtype).expand(-1, q.shape[1], -1, -1)
    plain = make("softmax", q.shape[1], q.shape[-1], tokens.grid, causal=tokens.causal, value_width=v.shape[-1])
    return plain.map(q, k, v).apply(v).mean(1, keepdim=True).to(pixels.dtype)


def relative_error(output: Tensor, wanted: Tensor) -> float:
    """|output - wanted| / |wanted|, of all numbers together (Frobenius norms).

    >>> relative_error(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0]))
    0.2
    """
    return round(((output - wanted).norm() / wanted.norm()).item(), 7)


@torch.no_grad()
def received_attention(a: Map) -> Tensor:
    """What every key receives, (S,), in equal shares: the mean of its column times the number of keys.

    >>> from linviz.maps import Dense
    >>> received_attention(Dense(torch.tensor([[[[1.0, 0.0], [0.5, 0.5]]]]))).tolist()
    [1.5, 0.5]
    """
    N, S = a.shape
    return a.column_sums()[0, 0] * (S / N)


def repainted_outputs(opened: OpenView) -> list[tuple[Tensor, float]]:
    """Of every panel the picture that it paints, (T, 3, Ypx, Xpx) in 0..1, and the relative error to softmax's output.

    ValueError, in one sentence, where tokens are not the patches of the picture.
    """
    check_patches(opened.tokens)
    wanted = softmax_output(opened.tokens)
    outputs = [repainted_output(panel.map, opened.clip, opened.grid) for panel in opened.panels]
    return [(painted_frames(one.clamp(0, 1), opened.grid), relative_error(one, wanted)) for one in outputs]
