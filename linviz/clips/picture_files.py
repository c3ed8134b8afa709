"""Pictures, and clips made of pictures (GIF, WebP, AVIF, animated PNG), by Pillow: upright, on white, in sRGB."""
from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from . import limits
from .found import (
    Found,
    Unreadable,
    Watched,
    check_size,
    frames_ahead,
    is_skewed,
    room_ahead,
    skew_remark,
    square_pixels,
    truncation_note,
    working_size,
)
from .picture_colours import coded_transfer, deep_png, plain_mode, srgb_picture

CHUNK = 4096             # bytes that a decoder gets at a time: it can be stopped between two chunks
FLICKER, CALM = 10, 100  # ms: a frame of `FLICKER` or less is shown for `CALM`, as in browsers
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
TURNED = (5, 6, 7, 8)    # EXIF orientations that exchange width and height
ORIENTATION = 0x0112     # EXIF's number for it


def read_pictures(file: Watched, kind: str, count: int, ahead: bool = False) -> Found:
    """The content of a file of Pillow's `kind`: one picture, or the frames of a clip for `count` moments.

    ahead: and those for fewer, as far as there is room.
    """
    image = open_picture(file, kind)
    frames = frame_count(image)
    most, what = (limits.VIDEO_PIXELS, "frame") if frames > 1 else (limits.PIXELS, "picture")
    check_size(*image.size, most, what)
    if frames > 1:
        return read_animation(image, file, kind, count, ahead)
    if is_deep_png(image):
        image = read_deep_png(image, file)
    if kind == "TIFF":
        image.load()  # turns the picture upright
    turned = exif_orientation(image) in TURNED
    size = image.size[::-1] if turned else image.size
    first_frame(image)
    pixels, remarks = upright_picture(image)
    return Found([0.0], {0: pixels}, {0}, 0.0, size, remarks=remarks + page_remark(image))


def frame_count(image: Image.Image) -> int:
    """How many frames a clip of pictures has, according to its header: 1 for a single picture.

    A default picture, which an animated PNG has for programs that show only one, is no frame.
    """
    if image.format not in ANIMATED:
        return 1
    return int(getattr(image, "n_frames", 1)) - first_index(image)


def first_index(image: Image.Image) -> int:
    """Pillow's number of the first frame: 1 where the default picture has number 0."""
    return int(bool(getattr(image, "default_image", False)) and getattr(image, "n_frames", 1) > 1)


def first_frame(image: Image.Image) -> None:
    """Turn to the first frame, and let a large JPEG be decoded at 1/2, 1/4 or 1/8."""
    if first_index(image):
        image.seek(1)
    image.draft(None, working_size(*image.size))


def page_remark(image: Image.Image) -> list[str]:
    """What is said of a TIFF with several pages, of which one is read."""
    if image.format != "TIFF":
        return []
    pages = 1
    with contextlib.suppress(Exception):  # EOFError after the last page, and any other at a damaged one
        while pages < limits.FRAMES:
            image.seek(pages)
            pages += 1
    return [f"the first of {pages} pages is read"] * (pages > 1)


def open_picture(file: Watched, kind: str) -> Image.Image:
    """A picture of which only the header has been read."""
    file.seek(0)
    if kind == "HEIF":
        return read_heif(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower, with a plain message
        try:
            image = Image.open(file, formats=[kind])
        except Image.DecompressionBombError as error:  # Pillow's limit, which is higher
            most = f"{limits.PIXELS / 1e6:.0f} megapixels"
            raise Unreadable(f"its picture has far more than {most}: make it smaller first") from error
    image.decodermaxblock = CHUNK
    image.info["transfer"] = coded_transfer(image, file.getvalue())
    return image


def is_deep_png(image: Image.Image) -> bool:
    """Whether this is a PNG of 16-bit colour in which one colour is transparent: Pillow compares only eight bits."""
    tiles: Any = getattr(image, "tile", [])  # how Pillow reads the pixels
    return image.format == "PNG" and "transparency" in image.info and tiles[0][3] == "RGB;16B"


def read_deep_png(image: Image.Image, file: Watched) -> Image.Image:
    """The same picture as FFmpeg reads it; the one from Pillow where PyAV is missing."""
    try:
        deep = deep_png(file.getvalue())
    except ImportError:
        return image
    deep.info = image.info | {"transparency": None}
    deep.getexif()[ORIENTATION] = exif_orientation(image)
    return deep


def read_heif(file: Watched) -> Image.Image:
    """The main picture of a HEIC file; libheif turns it upright itself."""
    try:
        import pillow_heif
    except ImportError as error:
        raise Unreadable("HEIC needs pillow-heif: pip install 'linviz[video]', or export it as JPEG") from error
    found = pillow_heif.open_heif(file)
    wide, high = found.size
    check_size(wide, high, limits.PIXELS, "picture")
    image: Image.Image = found.to_pillow()
    image.info["transfer"] = coded_transfer(image, b"")
    return image


# ---------------------------------------------------------------- clips


@dataclass
class Animation:
    """The frames of a clip while it is decoded, in order: when each starts, the pixels of those that there is room for.

    at: seconds to the end of the last;  size: width and height of all;  remarks: on their colours
    """

    size: tuple[int, int]
    starts: list[float] = field(default_factory=list)
    pixels: dict[int, np.ndarray] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    at: float = 0.0
    room: int = field(default_factory=lambda: limits.KEPT_BYTES)

    def add(self, image: Image.Image) -> None:
        """Add the frame at which the image is; raises what Pillow raises where it cannot be decoded."""
        image.load()
        if image.size != self.size:
            raise ValueError("a damaged frame of a GIF, larger than the GIF")
        if self.room > 0:
            pixels, self.remarks = upright_picture(image.copy())
            self.pixels[len(self.starts)] = pixels
            self.room -= pixels.nbytes
        self.starts.append(self.at)
        wait = image.info.get("duration", 0)
        self.at += (wait if wait > FLICKER else CALM) / 1000

    def full(self) -> bool:
        """Whether another frame would be beyond the limits."""
        most = min(limits.FRAMES, limits.PICTURE_WORK // (self.size[0] * self.size[1]))
        return self.at > limits.DURATION or len(self.starts) >= most


def read_animation(image: Image.Image, file: Watched, kind: str, count: int, ahead: bool = False) -> Found:
    """The frames of a clip for `count` moments. Each is decoded once, since it is drawn upon the one before it."""
    found, first, frames = Animation(image.size), first_index(image), frame_count(image)
    with contextlib.suppress(EOFError, OSError, SyntaxError, ValueError, IndexError):  # where it is cut short
        while len(found.starts) < frames and not found.full() and not file.late():
            image.seek(first + len(found.starts))
            found.add(image)
    if not found.starts:
        raise Unreadable("it is cut short before its first frame: copy or download it again")
    notes = animation_notes(found, image, file, frames)
    chosen = frames_ahead(found.starts, count, room_ahead(*image.size) if ahead else 0)
    if lost := sorted(set(chosen) - found.pixels.keys()):  # there was no room for all
        image = open_picture(file, kind)
        for i in lost:
            image.seek(first + i)
            found.pixels[i], _ = upright_picture(image.copy())
    size = image.size[::-1] if exif_orientation(image) in TURNED else image.size
    return Found(found.starts, {i: found.pixels[i] for i in chosen}, set(chosen), found.at, size, notes, found.remarks)


def animation_notes(found: Animation, image: Image.Image, file: Watched, frames: int) -> list[str]:
    """What is missing of a clip whose header announces so many frames."""
    there = len(found.starts)
    if there < frames and (found.full() or file.late()):
        return [f"the rest, from {found.at:.1f} s on, is beyond the limit and was not read"]
    if there < frames or is_unfinished_gif(image, file):
        return [truncation_note(there, 0 if image.format == "GIF" else frames)]  # a GIF's header has no count
    return []


def is_unfinished_gif(image: Image.Image, file: Watched) -> bool:
    """Whether a GIF lacks the semicolon at its end (some files have padding after the semicolon)."""
    return image.format == "GIF" and b";" not in bytes(file.getbuffer()[-16:])


# ---------------------------------------------------------------- pixels


def upright_pixels(image: Image.Image) -> np.ndarray:
    """A picture's pixels, (Y, X, 3) uint8 in sRGB: scaled down, turned as EXIF says, on white."""
    return upright_picture(image)[0]


def upright_picture(image: Image.Image) -> tuple[np.ndarray, list[str]]:
    """A picture's pixels as in `upright_pixels`, and what was done to it or could not be, as half-sentences."""
    turn, ratio, info = exif_orientation(image), pixel_ratio(image), pillow_info(image)
    image, remarks = plain_mode(image)
    square = square_pixels(*image.size, ratio)
    if is_skewed(ratio):
        remarks.append(skew_remark(ratio, square[::-1] if turn in TURNED else square))
    size = working_size(*square)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    image, more = srgb_picture(image, info)
    image.getexif()[ORIENTATION] = turn
    return np.asarray(ImageOps.exif_transpose(image)), remarks + more


def pillow_info(image: Image.Image) -> dict[str, Any]:
    """What a file says of its picture, by Pillow's names."""
    return {str(name): value for name, value in image.info.items()}


def exif_orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 (upright) to 8; 1 where the file has none or an invalid one."""
    with contextlib.suppress(Exception):  # damaged EXIF data must not keep a picture from being shown
        return int(image.getexif().get(ORIENTATION, 1))
    return 1


def pixel_ratio(image: Image.Image) -> float:
    """The width of a pixel by its height: the other way round than the pixels per inch that a file gives."""
    across, down = image.info.get("aspect") or image.info.get("jfif_density") or image.info.get("dpi") or (1, 1)
    with contextlib.suppress(Exception):  # the numbers may be fractions of zero
        return float(down) / float(across)
    return 1.0
