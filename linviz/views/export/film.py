"""The clip with its attention as a film: MP4 with H.264 in yuv420p, which every browser and phone plays.

Every frame is a sheet: all panels side by side on frame t under one exposure, the pinned patch in a ring (faint where
it lies in another frame), and the share of the attention that lies in the frame. Every clip plays at the same pace.
"""
from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..drawable import Drawable
from ..load import Progress
from .painting import frame_shares
from .panel_pictures import FACTS, HEAD, add_panel, empty_sheet, panel_corner, picture_height
from .sheet import INK, Words, sheet_image

PACE, TURNS = 4, 2  # frames a second; how often the clip is shown
WIDEST = 1920  # pixels
BT709 = 1  # the colour space, named in the file: players would guess it otherwise
OPTIONS = {"crf": "17", "preset": "veryfast", "tune": "stillimage"}


def film_bytes(opened: Drawable, only: str | None = None, progress: Progress | None = None) -> bytes:
    """The film as bytes. `only` is the key of the one panel to show; ValueError for a photograph or an unknown key.

    >>> from linviz.views import View, open_view
    >>> film_bytes(open_view(View("pan", patches=7, frames=2, specs=("uniform",))))[4:8]
    b'ftyp'
    """
    if opened.grid.T == 1:
        raise ValueError("a photograph has one frame and makes no film: write .png or .svg instead")
    return encode_mp4(film_frames(opened, only, progress))


@torch.no_grad()
def film_frames(opened: Drawable, only: str | None = None, progress: Progress | None = None) -> Iterator[Image.Image]:
    """Every frame of the film as an RGB image with even sides, once; the query may move with its patch."""
    there = [panel.key for panel in opened.panels]
    if only is not None and only not in there:
        raise ValueError(f"the view does not show {only!r}; it shows {', '.join(there)}")
    whole = opened.only(only) if only else opened
    for t in range(whole.grid.T):
        kept = whole.at_frame(t)
        parts = [frame_shares(kept, panel) for panel in kept.panels]
        page = empty_sheet(kept, picture_height(kept))
        for n in range(len(kept.panels)):
            x, y = panel_corner(kept, n, picture_height(kept))
            add_panel(page, kept, n, (x, y), t)
            said = f"{parts[n][t]} % of the attention" if parts[n] else ""
            below = y + HEAD + picture_height(kept) + FACTS / 2
            page.items.append(Words(x, below, said, 15, INK))
        yield sheet_image(page, min(2.0, WIDEST / page.wide), even=True)
        if progress is not None:
            progress(t + 1, kept.grid.T, "drawing frames")


def encode_mp4(pictures: Iterator[Image.Image]) -> bytes:
    """RGB images of one even size as an MP4 whose index stands first, so that it plays while it loads.

    The pictures are encoded once. The film begins with a picture of its own, so a further turn is the same packets.
    """
    try:
        import av
    except ImportError as error:
        raise ValueError("films need PyAV: pip install 'linviz[video]'") from error
    every = [np.asarray(picture) for picture in pictures]
    with tempfile.TemporaryDirectory() as folder:  # the writer needs a file: the index is moved to the front at the end
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=PACE, options=OPTIONS)
            stream.height, stream.width = every[0].shape[:2]
            stream.pix_fmt, stream.thread_count, stream.time_base = "yuv420p", 1, Fraction(1, PACE)
            context = stream.codec_context
            context.color_primaries = context.color_trc = context.colorspace = BT709
            context.color_range = 1  # limited range, as in television: 16 to 235
            packets = [packet for frame in (*map(_video_frame, range(len(every)), every), None)
                       for packet in stream.encode(frame)]
            for turn in range(TURNS):
                container.mux([_later_packet(packet, turn * len(every)) for packet in packets])
        return path.read_bytes()


def _video_frame(n: int, pixels: Any) -> Any:
    """Frame n of a film, from RGB pixels (Y, X, 3)."""
    import av
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=1)
    frame.pts, frame.time_base = n, Fraction(1, PACE)
    return frame


def _later_packet(packet: Any, frames: int) -> Any:
    """A copy of an encoded packet, so many frames later."""
    import av
    copy, ticks = av.Packet(bytes(packet)), int(Fraction(frames, PACE) / packet.time_base)
    copy.pts, copy.dts, copy.duration = packet.pts + ticks, packet.dts + ticks, packet.duration
    copy.time_base, copy.stream, copy.is_keyframe = packet.time_base, packet.stream, packet.is_keyframe
    return copy
