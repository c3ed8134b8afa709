"""Tensors of somebody's own: the q, k and v of the head that is shown, and what stands where no picture is."""
from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..clips import Clip
from ..clips.fitting import PATCH
from ..clips.tensors import Tensors

GREY = 0.7  # what is lit where there is no picture


def paper(given: Tensors) -> tuple[Clip, str]:
    """What is lit by the attention of tensors: grey paper, since nobody knows what they were made from."""
    frames = torch.full((given.grid.T, 3, given.grid.Y * PATCH, given.grid.X * PATCH), GREY)
    clip = Clip.plain(frames, given.name, alt=given.said)
    return replace(clip, source=f"the file {given.name}"), given.said


def one_head(given: Tensors, head: int, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """q, k, v of one head, counted from 1: (1, 1, N, D), v (1, 1, N, E); every logit is divided by the temperature.

    ValueError, in one sentence, where there is no such head.
    """
    if not 1 <= head <= given.q.shape[1]:
        raise ValueError(f"{given.name} has {given.q.shape[1]} heads, counted from 1; there is no head {head}")
    q, k, v = (x[:, head - 1:head] for x in (given.q, given.k, given.v))
    scale = temperature**-0.5
    return q * scale, k * scale, v
