"""The view of trained models: the clip as its tokens see it, lit by one layer's attention, model beside model.

A token is a box of pixels, `tubelet` frames deep: the picture of a moment is the mean of the frames that its tokens
see, and there are as many moments as tokens in time.
"""
from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import streamlit as st
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from linviz import clips
from linviz.maps import Dense, Factored, Map
from linviz.models import Shape
from linviz.view import Panel, asked, html, pack
from linviz.view.blob import picture

from .hand import Hand
from .trained_choice import ALL, Choice
from .trained_work import Answer, Film, film, task

SHARP = 432           # pixels a side: the models' few pixels are enlarged smoothly, which browsers do coarsely
HALF = 400            # tokens: above, numbers travel as float16
MOVIE, PACE, TIMES = 132, 140, 4  # the small film: pixels a side, ms a frame, times it plays: under five seconds


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
    factors = isinstance(a, Factored)
    if head != ALL:
        return Factored(a.left, a.right, a.stochastic) if factors else a, (0, int(head) - 1)
    if factors:
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


@st.cache_data(max_entries=32, show_spinner=False)
def movie(again: int, *of: Any) -> bytes:
    """The clip in all its frames as a small GIF that plays a few times and stops; `again` makes it another file.

    A GIF, since Streamlit turns every other film into its first frame.
    """
    images = [picture(frame).resize((MOVIE, MOVIE), Image.Resampling.BICUBIC) for frame in task(*of).frames[0]]
    out = io.BytesIO()
    images[0].save(out, "GIF", save_all=True, append_images=images[1:], duration=PACE, loop=TIMES - 1,
                   comment=str(again).encode())
    return out.getvalue()


def blob(choice: Choice, found: list[Answer], wish: dict[str, Any]) -> bytes:
    """What the view draws, and what is asked of it (`hand.Hand.wish`)."""
    packed = _blob(tuple(one.key for one in found), choice.layer, choice.head, film(choice), found)
    return asked(packed, found[0].shape.grid, **wish)


@st.cache_data(max_entries=48, show_spinner=False)
def _blob(names: Any, layer: int, head: str, of: Film, _found: list[Answer]) -> bytes:
    now, panels = _parts(layer, head, of, _found)
    shape = _found[0].shape
    return pack(panels, now, shape.grid, query=first_query(task(*of).clip(0), shape), half=len(shape.grid) > HALF,
                title=now.title, outline=_found[0].inked)


def _parts(layer: int, head: str, of: Film, found: list[Answer]) -> tuple[clips.Clip, list[Panel]]:
    """The clip as tokens see it, and a panel a model."""
    panels = []
    for one in found:
        seen, at = drawn(one.layers[layer - 1].map, head)
        panels.append(Panel(one.title, one.family, seen, at))
    clip = task(*of).clip(0)
    return replace(clip, frames=moments(clip.frames, found[0].shape.tubelet[0]), mask=None), panels


def page(choice: Choice, found: list[Answer], hand: Hand, title: str, text: str) -> bytes:
    """The view as one file that opens without linviz and without a network, as the hand has left it."""
    now, panels = _parts(choice.layer, choice.head, film(choice), found)
    grid, look = found[0].shape.grid, hand.look.asked(found[0].shape.grid.T)
    return html(panels, now, grid, query=hand.query, title=title, text=text, outline=found[0].inked, **look).encode()


def first_query(clip: clips.Clip, shape: Shape) -> int:
    """The patch with most of the digit's ink in it; the middle one where the digit is never to be seen.

    >>> import torch
    >>> mask = torch.zeros(8, 36, 36, dtype=torch.bool)
    >>> mask[5, 12:18, 6:12] = True
    >>> clip = clips.Clip.plain(torch.zeros(8, 3, 36, 36), "dark")
    >>> Shape().grid.place(first_query(replace(clip, mask=mask), Shape()))
    (2, 2, 1)
    """
    if clip.mask is None or not clip.mask.any():
        return len(shape.grid) // 2
    return int(F.avg_pool3d(clip.mask[None].float(), shape.tubelet).argmax())
