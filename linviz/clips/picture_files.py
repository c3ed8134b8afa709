"""Pictures, and clips made of pictures (GIF, WebP, animated PNG), by Pillow: upright, on white, in eight bits."""
from __future__ import annotations

import contextlib
import warnings

import numpy as np
from PIL import Image, ImageOps

from . import limits
from .found import Found, Unreadable, Watched, check_size, evenly_spaced, truncation_note, working_size

CHUNK = 4096             # bytes that a decoder gets at a time: it can be stopped between two chunks
FLICKER, CALM = 10, 100  # ms: a frame of `FLICKER` or less is shown for `CALM`, as in browsers
ANIMATED = ("GIF", "WEBP", "PNG")
TURNED = (5, 6, 7, 8)    # EXIF orientations that exchange width and height


def read_pictures(file: Watched, kind: str, count: int) -> Found:
    """The content of a file of Pillow's `kind`: one picture, or at most `count` frames of a clip."""
    image = open_picture(file, kind)
    frames = getattr(image, "n_frames", 1) if kind in ANIMATED else 1
    most, what = (limits.VIDEO_PIXELS, "frame") if frames > 1 else (limits.PIXELS, "picture")
    check_size(*image.size, most, what)
    size = image.size[::-1] if exif_orientation(image) in TURNED else image.size
    if frames == 1:
        image.draft(None, (limits.WORKING, limits.WORKING))  # a large JPEG is decoded at 1/2, 1/4 or 1/8
        return Found([upright_pixels(image)], [0.0], 1, 0.0, size)
    starts, end, notes = animation_timetable(image, file, frames)
    chosen = evenly_spaced(starts, count)
    image = open_picture(file, kind)  # again: a broken frame may have spoilt the open file
    pictures = {i: read_frame(image, i) for i in dict.fromkeys(chosen)}
    return Found([pictures[i] for i in chosen], [starts[i] for i in chosen], len(starts), end, size, notes)


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
    return image


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
    return image


def animation_timetable(image: Image.Image, file: Watched, frames: int) -> tuple[list[float], float, list[str]]:
    """When each readable frame starts, when the last one ends (seconds), and what is missing.

    Half of the time limit is for this; the other half is for decoding the chosen frames again, in order.
    """
    starts, at, notes, size = [], 0.0, [], image.size
    for i in range(min(frames, limits.FRAMES)):
        if at > limits.DURATION or file.late(0.5):
            break
        try:
            image.seek(i)
            if image.size != size:
                break  # a damaged frame of a GIF, larger than the GIF
            image.load()
        except (EOFError, OSError, SyntaxError, ValueError, IndexError):
            break
        starts.append(at)
        wait = image.info.get("duration", 0)
        at += (wait if wait > FLICKER else CALM) / 1000
    if not starts:
        raise Unreadable("it is cut short before its first frame: copy or download it again")
    if file.late(0.5) or at > limits.DURATION or len(starts) == limits.FRAMES < frames:
        notes.append(f"the rest, from {at:.1f} s on, took too long to decode and was skipped")
    elif len(starts) < frames or is_unfinished_gif(image, file):
        counted = 0 if image.format == "GIF" else frames  # a GIF's header has no count
        notes.append(truncation_note(len(starts), counted))
    return starts, at, notes


def is_unfinished_gif(image: Image.Image, file: Watched) -> bool:
    """Whether a GIF lacks the semicolon at its end (some files have padding after the semicolon)."""
    return image.format == "GIF" and b";" not in bytes(file.getbuffer()[-16:])


def read_frame(image: Image.Image, i: int) -> np.ndarray:
    """Frame i, upright."""
    image.seek(i)
    return upright_pixels(image)


def upright_pixels(image: Image.Image) -> np.ndarray:
    """A picture's pixels, (Y, X, 3) uint8, at most `limits.WORKING` pixels per side, turned as EXIF says."""
    turn = exif_orientation(image)
    image = plain_rgb(image)
    size = working_size(*image.size)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", size, "white"), image).convert("RGB")
    image.getexif()[ORIENTATION] = turn
    return np.asarray(ImageOps.exif_transpose(image))


ORIENTATION = 0x0112  # EXIF's number for it


def exif_orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 (upright) to 8; 1 where the file has none or an invalid one."""
    with contextlib.suppress(Exception):  # damaged EXIF data must not keep a picture from being shown
        return int(image.getexif().get(ORIENTATION, 1))
    return 1


def plain_rgb(image: Image.Image) -> Image.Image:
    """A picture in any of Pillow's modes as RGB, or as RGBA if parts are transparent."""
    if image.mode.startswith("I"):  # sixteen bits of grey, which `convert` would cut off at 255
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    clear = image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info
    return image.convert("RGBA" if clear else "RGB")
