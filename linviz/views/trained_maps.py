"""What of a trained model's attention is drawn, and the clip as its tokens see it.

A token is a box of pixels, `tubelet` frames deep: the picture of a moment is the mean of the frames that its tokens
see, and there are as many moments as tokens in time.
"""
from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..clips import Clip
from ..maps import Dense, Factored, Map
from ..models import Shape
from .state import ALL_HEADS

SIDE = 432  # pixels of the enlarged picture: browsers enlarge the models' few pixels coarsely


def head_map(a: Map, head: str) -> tuple[Map, tuple[int, int]]:
    """A map and which of its heads to draw: one of them, or the mean over all heads, which is a map of one head.

    The gate is part of the map: its strength belongs to the whole model. A mean of maps with factors has factors:
    those of all heads side by side.

    >>> import torch
    >>> x = torch.rand(1, 3, 4, 2)
    >>> a = Factored(x, x, False)
    >>> mean, at = head_map(a, "all")
    >>> torch.allclose(mean.dense()[at], a.dense().mean(1)[0]), head_map(a, "3")[1]
    (True, (0, 2))
    """
    a = a if a.shared is None else a.shared
    if head != ALL_HEADS:
        at = 0, int(head) - 1
        return (Factored(a.left, a.right, a.stochastic), at) if isinstance(a, Factored) else (a, at)
    if isinstance(a, Factored):
        left, right = (x.transpose(1, 2).flatten(-2)[:, None] for x in (a.left / a.left.shape[1], a.right))
        return Factored(left, right, a.stochastic), (0, 0)
    mean = Dense(a.dense().mean(1, keepdim=True), stochastic=False)
    mean.stochastic = a.stochastic  # a dead row does not make the mean signed
    return mean, (0, 0)


def moment_pictures(frames: Tensor, depth: int) -> Tensor:
    """What tokens see of a clip (T, 3, Ypx, Xpx): means of every `depth` frames, enlarged; (T / depth, 3, ...).

    >>> import torch
    >>> moment_pictures(torch.rand(8, 3, 36, 36), depth=2).shape
    torch.Size([4, 3, 432, 432])
    """
    means = frames.unflatten(0, (-1, depth)).mean(1)
    return F.interpolate(means, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 1)


def first_query(clip: Clip, shape: Shape) -> int:
    """The patch with most of the digit's ink in it; the middle one where the digit is never seen.

    >>> import torch
    >>> from dataclasses import replace
    >>> mask = torch.zeros(8, 36, 36, dtype=torch.bool)
    >>> mask[5, 12:18, 6:12] = True
    >>> clip = Clip.plain(torch.zeros(8, 3, 36, 36), "dark")
    >>> Shape().grid.place(first_query(replace(clip, mask=mask), Shape()))
    (2, 2, 1)
    """
    if clip.mask is None or not clip.mask.any():
        return len(shape.grid) // 2
    return int(F.avg_pool3d(clip.mask[None].float(), shape.tubelet).argmax())
