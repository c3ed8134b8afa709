"""What a decoded frame shows: upright, with square pixels, in sRGB, on white, its two fields made one frame."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from .colour_curves import HLG, PQ, WIDE, hdr_pixels, hdr_remark
from .found import is_skewed, skew_remark, square_pixels, working_size

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph
    from av.video.stream import VideoStream

HD = 1280, 576  # a frame as wide as that, or higher, has BT.709's colours where its file says nothing
UNSPECIFIED = 2  # in H.273
OWN_COLOURS = ("dvh1", "dvhe", "dva1", "dvav", "dav1")  # streams that only a Dolby Vision decoder shows right
DOLBY = "its Dolby Vision colours cannot be honoured"
CURVES = (1, 2, 4, 5, 6, 7, 11, 13, 14, 15, PQ, HLG)  # transfer functions of H.273 that are shown as they should be
CURVE = "its transfer function (number {number} of H.273) cannot be honoured"
FIELDS = "its interlaced fields were made into frames"
BARS = "frames of another size are shown whole, between bars"


@dataclass
class Display:
    """How the frames of a stream are shown.

    ratio: the width of a pixel by its height. transfer, primaries, colours: of H.273. first: the size in the file of
    the first frame that is shown, (0, 0) before. matrix: see `display_matrix`. said: what was done to the frames.
    """

    ratio: float = 1.0
    transfer: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    tag: str = ""
    first: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (0, 0)
    matrix: np.ndarray | None = None
    said: list[str] = field(default_factory=list)

    def begin(self, frame: VideoFrame) -> None:
        """Take from the first frame what the stream does not say."""
        if self.matrix is not None:
            return
        self.matrix = display_matrix(frame)
        if self.transfer in (0, UNSPECIFIED):
            self.transfer, self.primaries = int(frame.color_trc), int(frame.color_primaries)

    def remarks(self) -> list[str]:
        """What was done to the frames, or could not be, as half-sentences."""
        out = list(self.said)
        if is_skewed(self.ratio) and self.matrix is not None:
            width, height = square_pixels(*self.first, self.ratio)
            out.append(skew_remark(self.ratio, (height, width) if swaps_sides(self.matrix) else (width, height)))
        if self.transfer in (PQ, HLG):
            out.append(hdr_remark(self.transfer))
        elif self.transfer not in (*CURVES, 0, 3):
            out.append(CURVE.format(number=self.transfer))
        return out + [DOLBY] * (self.tag in OWN_COLOURS)


def stream_display(stream: VideoStream) -> Display:
    """How the frames of a stream are shown, as far as its header says."""
    context = stream.codec_context
    ratio = stream.sample_aspect_ratio or Fraction(1)
    return Display(float(ratio) or 1.0, int(context.color_trc), int(context.color_primaries), str(context.codec_tag))


@dataclass
class Picture:
    """A frame's upright pixels (Y, X, 3) uint8; its time stamp; its upright width and height in the file."""

    pixels: np.ndarray
    stamp: int
    size: tuple[int, int]


def display_frames(frames: Iterable[VideoFrame], display: Display) -> Iterator[Picture]:
    """Frames scaled down and turned as the file's display matrix says, all of the size of the first."""
    for frame in frames:
        display.begin(frame)
        assert display.matrix is not None
        if display.first == (0, 0):
            display.first = frame.width, frame.height
            display.size = working_size(*square_pixels(*display.first, display.ratio))
        pixels = frame_pixels(frame, display)
        width, height = display.first
        full = (height, width) if swaps_sides(display.matrix) else (width, height)
        yield Picture(turn_pixels(pixels, display.matrix), frame.pts or 0, full)


def frame_pixels(frame: VideoFrame, display: Display) -> np.ndarray:
    """A frame in sRGB, (Y, X, 3) uint8, of the display's size: whole, between bars, if it has another shape."""
    wide, high = display.size
    if (frame.width, frame.height) == display.first:
        return scaled_colours(frame, display.size, display)
    width, height = square_pixels(frame.width, frame.height, display.ratio)
    scale = min(wide / width, high / height)
    size = min(wide, max(1, round(width * scale))), min(high, max(1, round(height * scale)))
    if size == display.size:
        return scaled_colours(frame, size, display)
    display.said[:] = list(dict.fromkeys([*display.said, BARS]))
    out, left, top = np.zeros((high, wide, 3), np.uint8), (wide - size[0]) // 2, (high - size[1]) // 2
    out[top:top + size[1], left:left + size[0]] = scaled_colours(frame, size, display)
    return out


def scaled_colours(frame: VideoFrame, size: tuple[int, int], display: Display) -> np.ndarray:
    """A frame in sRGB at another size, without its bars: transparency becomes white, HDR is cut off at white."""
    from av.video.reformatter import Colorspace
    untagged = int(frame.colorspace) in (UNSPECIFIED, 3)
    how: dict[str, Any] = {"interpolation": "AREA"}
    if untagged and not frame.format.is_rgb and (frame.width >= HD[0] or frame.height > HD[1]):
        how["src_colorspace"] = Colorspace.ITU709
    hdr = display.transfer in (PQ, HLG) or display.primaries in WIDE
    if has_opacity(frame):
        frame = frame.reformat(format="rgba", **how)
        whole = Image.fromarray(frame.to_ndarray(), "RGBA")
        small = whole if whole.size == size else whole.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        white = Image.new("RGB", size, "white")
        white.paste(small.convert("RGB"), mask=small.getchannel("A"))
        return np.asarray(white)
    if hdr:
        deep = frame.reformat(*size, format="rgb48le", **how).to_ndarray()
        return hdr_pixels(deep, display.transfer, display.primaries)
    return np.asarray(frame.reformat(*size, format="rgb24", **how).to_ndarray())


def has_opacity(frame: VideoFrame) -> bool:
    """Whether a frame's pixels say how opaque they are."""
    name = frame.format.name
    return name.startswith(("yuva", "gbrap", "ya8", "ya16")) or name in ("rgba", "bgra", "argb", "abgr", "pal8") or \
        name.startswith(("rgba64", "bgra64"))


# ---------------------------------------------------------------- two fields in a frame


def deinterlace_frames(frames: Iterable[VideoFrame], stream: VideoStream, display: Display) -> Iterator[VideoFrame]:
    """Frames of which each shows one moment, by FFmpeg's bwdif; a frame without two fields stays as it is."""
    from av.filter import Graph
    graph: Graph | None = None
    shape, said = None, [FIELDS]
    for frame in frames:
        display.begin(frame)
        if shape != (shape := (frame.width, frame.height, frame.format.name)) and graph is not None:
            yield from filtered_frames(graph, None, stream)
            graph = None
        if graph is None:
            graph = Graph()
            graph.link_nodes(graph.add_buffer(width=frame.width, height=frame.height, format=frame.format,
                                              time_base=stream.time_base),
                             graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink"))
            graph.configure()
        display.said[:] = list(dict.fromkeys([*display.said, *said]))
        yield from filtered_frames(graph, frame, stream)
    if graph is not None:
        yield from filtered_frames(graph, None, stream)


def filtered_frames(graph: Graph, frame: VideoFrame | None, stream: VideoStream) -> Iterator[VideoFrame]:
    """The frames that a graph gives for one more frame, or for the end, with the time stamps of the stream."""
    from av.error import BlockingIOError, EOFError
    graph.push(frame)
    while True:
        try:
            found: Any = graph.pull()
        except (BlockingIOError, EOFError):
            return
        if found.pts is not None and found.time_base and stream.time_base:
            found.pts, found.time_base = round(found.pts * found.time_base / stream.time_base), stream.time_base
        yield found


# ---------------------------------------------------------------- turned frames


def display_matrix(frame: VideoFrame) -> np.ndarray:
    """Where a pixel is displayed: across = a x + c y, down = b x + d y; as [[a, b], [c, d]], in 1/65536."""
    found: Any = frame.side_data.get("DISPLAYMATRIX")
    nine = np.eye(3, dtype=np.int32) if found is None else np.frombuffer(found, np.int32).reshape(3, 3)
    return nine[:2, :2].astype(np.int64)


def swaps_sides(matrix: np.ndarray) -> bool:
    """Whether the matrix exchanges width and height."""
    return bool(abs(matrix[0, 1]) > abs(matrix[0, 0]))


def turn_pixels(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A picture (Y, X, 3) turned by quarter turns and mirrored: the nearest of the eight ways to do so.

    >>> row = np.arange(3).reshape(1, 3, 1)
    >>> turn_pixels(row, np.array([[0, 1], [-1, 0]]))[:, 0, 0], turn_pixels(row, np.array([[-1, 0], [0, 1]]))[0, :, 0]
    (array([0, 1, 2]), array([2, 1, 0]))
    """
    if swaps_sides(matrix):
        pixels, matrix = pixels.swapaxes(0, 1), matrix[::-1]
    return pixels[::-1 if matrix[1, 1] < 0 else 1, ::-1 if matrix[0, 0] < 0 else 1]
