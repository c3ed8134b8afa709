"""The frames of a clip as small JPEG files, for views that show many of them."""
from __future__ import annotations

from io import BytesIO

import streamlit as st

from linviz import Grid, clips
from linviz.patch_view.blob import frame_image

SIDE = 320  # pixels: a frame is shown small


@st.cache_data(max_entries=16, show_spinner=False)
def frame_pictures(name: str, grid: Grid, _clip: clips.Clip) -> list[bytes]:
    """The frames of a sample as JPEG."""
    return jpeg_frames(_clip)


def jpeg_frames(clip: clips.Clip) -> list[bytes]:
    """The frames as JPEG, kept nowhere."""
    out = []
    for frame in clip.frames:
        image, file = frame_image(frame), BytesIO()
        image.thumbnail((SIDE, SIDE))
        image.save(file, "JPEG", quality=85)
        out.append(file.getvalue())
    return out
