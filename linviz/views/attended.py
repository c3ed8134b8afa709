"""What of a trained model's attention is drawn, and the clip as its tokens see it.

A token is a box of pixels, `tubelet` frames deep: the picture of a moment is the mean of the frames that its tokens
see, and there are as many moments as tokens in time.
"""
from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..maps import Dense, Factored, Map

ALL = "all"   # heads: the mean of their maps
SHARP = 432   # pixels a side: the models' few pixels are enlarged smoothly, which browsers do coarsely


def drawn(a: Map, head: str) -> tuple[Map, tuple[int, int]]:
    """A map and which of its heads to draw: one of them, or the mean over all, which is a map of one head.

    The gate is part of the map: its strength is a matter of the whole model. A mean of maps with factors has
    factors, those of all heads side by side.

    >>> import torch
    >>> x = torch.rand(1, 3, 4, 2)
    >>> a = Factored(x, x, False)
    >>> mean, at = drawn(a, "all")
    >>> torch.allclose(mean.dense()[at], a.dense().mean(1)[0]), drawn(a, "3")[1]
    (True, (0, 2))
    """
    a = a if a.shared is None else a.shared
    if head != ALL:
        at = 0, int(head) - 1
        return (Factored(a.left, a.right, a.stochastic), at) if isinstance(a, Factored) else (a, at)
    if isinstance(a, Factored):
        left, right = (x.transpose(1, 2).flatten(-2)[:, None] for x in (a.left / a.left.shape[1], a.right))
        return Factored(left, right, a.stochastic), (0, 0)
    mean = Dense(a.dense().mean(1, keepdim=True), stochastic=False)
    mean.stochastic = a.stochastic  # a dead row in it does not make it signed
    return mean, (0, 0)


def moments(frames: Tensor, deep: int) -> Tensor:
    """What tokens see of a clip (T, 3, Ypx, Xpx): means of every `deep` frames, enlarged; (T / deep, 3, ...).

    >>> import torch
    >>> moments(torch.rand(8, 3, 36, 36), deep=2).shape
    torch.Size([4, 3, 432, 432])
    """
    means = frames.unflatten(0, (-1, deep)).mean(1)
    return F.interpolate(means, (SHARP, SHARP), mode="bicubic", antialias=True).clamp(0, 1)
