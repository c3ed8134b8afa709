"""The view of trained models: the clip as its tokens see it, lit by one layer's attention, model beside model."""
from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import streamlit as st
import torch.nn.functional as F
from PIL import Image

from linviz import clips
from linviz.models import Shape
from linviz.patch_view import Panel, asked, pack
from linviz.patch_view.blob import picture
from linviz.views.attended import drawn, moments

from .trained_choice import Choice
from .trained_work import Answer, Film, film, task

HALF = 400            # tokens: above, numbers travel as float16
MOVIE, PACE, TIMES = 132, 140, 4  # the small film: pixels a side, ms a frame, times it plays: under five seconds
STRIP, ABREAST = 280, 4   # the same at rest: pixels across, frames a row


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


@st.cache_data(max_entries=32, show_spinner=False)
def strip(*of: Any) -> bytes:
    """All frames of the clip beside each other in the order of play, four a row: a film for whom nothing is to move."""
    frames, side = task(*of).frames[0], STRIP // ABREAST
    sheet = Image.new("RGB", (STRIP, -(-len(frames) // ABREAST) * side))
    for n, frame in enumerate(frames):
        image = picture(frame).resize((side - 2, side - 2), Image.Resampling.BICUBIC)
        sheet.paste(image, (n % ABREAST * side + 1, n // ABREAST * side + 1))
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def blob(choice: Choice, found: list[Answer], wish: dict[str, Any]) -> bytes:
    """What the view draws, and what is asked of it (`hand.Hand.wish`)."""
    packed = _blob(tuple(one.key for one in found), choice.layer, choice.head, film(choice), found)
    return asked(packed, found[0].shape.grid, **wish)


@st.cache_data(max_entries=48, show_spinner=False)
def _blob(names: Any, layer: int, head: str, of: Film, _found: list[Answer]) -> bytes:
    clip, shape = task(*of).clip(0), _found[0].shape
    panels = [Panel(one.title, one.family, *drawn(one.layers[layer - 1].map, head)) for one in _found]
    now = replace(clip, frames=moments(clip.frames, shape.tubelet[0]), mask=None)
    return pack(panels, now, shape.grid, query=first_query(clip, shape), half=len(shape.grid) > HALF,
                title=now.title, outline=_found[0].inked)


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
