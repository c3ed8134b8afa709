"""A clip in memory as the bytes of one file, without loss, and back: an .npz whose first array is `frames`.

    frames   (T, Ypx, Xpx, 3): uint8 where the colours are whole steps of 1/255, else float32
    mask, motion, known   as in `Clip`, where they are known
    about    JSON as text: title, author, licence, source, recipe, alt, query

Every host that reads a person's own file reads this one, through `decode_clip`. No pickle is read or written.
"""
from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import limits
from .arrays import HEADER, read_npy_header, read_npz_member
from .clip import Clip
from .fitting import resize_images, select_frames
from .found import AGAIN, Unreadable

FIRST = b"frames.npy"  # the name of the first array, at the place where a zip has it
TRUTH = ("mask", "motion", "known")
WORDS = ("title", "author", "licence", "source", "recipe", "alt")
ABOUT = 1000  # the most letters of a text
INDEX = 20_000  # bytes at the end of a zip file in which its index lies


def pack_clip(clip: Clip) -> bytes:
    """The bytes of a file that holds a clip: at most 32 frames, evenly spaced, of at most 1024 pixels per side.

    >>> clip = Clip.plain(torch.rand(2, 3, 8, 9), "noise")
    >>> torch.equal(unpack_clip(pack_clip(clip), "noise.npz").frames, clip.frames)
    True
    """
    clip = _working_clip(select_frames(clip, min(clip.size[0], limits.ASKED)))
    arrays = {"frames": _pixels(clip.frames)}
    arrays |= {name: (x if name == "motion" else x.byte()).cpu().numpy() for name in TRUTH
               if (x := getattr(clip, name)) is not None}
    words = {name: getattr(clip, name)[:ABOUT] for name in WORDS} | {"query": list(clip.query)}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays,
                        about=np.frombuffer(json.dumps(words).encode(), dtype=np.uint8))
    return out.getvalue()


def is_clip_file(data: bytes) -> bool:
    """Whether a file holds a clip that `pack_clip` packed, by its first bytes; tensors may have frames, too.

    >>> is_clip_file(pack_clip(Clip.plain(torch.rand(1, 3, 8, 9), "noise"))), is_clip_file(b"PK\\3\\4...")
    (True, False)
    """
    return data[:4] == b"PK\3\4" and data[30:30 + len(FIRST)] == FIRST and b"q.npy" not in data[-INDEX:]


def count_clip_frames(data: bytes) -> int:
    """How many frames a packed clip has, by the header of its first array; Unreadable where there is none.

    >>> count_clip_frames(pack_clip(Clip.plain(torch.rand(2, 3, 8, 9), "noise")))
    2
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(FIRST.decode()) as stream:
            shape = read_npy_header(io.BytesIO(stream.read(HEADER)))[0]
        return int(shape[0])
    except Exception as error:  # zlib and zipfile document no errors for broken files
        raise Unreadable(f"it is damaged or cut short: {AGAIN}") from error


def unpack_clip(data: bytes, name: str) -> Clip:
    """The clip in a file, under the file's name. Raises Unreadable where an array is too large or is missing."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: info for info in archive.infolist()}

        def array(what: str, most: int = limits.FRAME_NUMBERS) -> Tensor:
            return read_npz_member(archive, members[f"{what}.npy"], what, most)

        frames = array("frames")
        truth = {what: array(what) for what in TRUTH if f"{what}.npy" in members}
        words = json.loads(array("about", 8 * ABOUT).numpy().tobytes())
    truth = {what: x if what == "motion" else x.bool() for what, x in truth.items()}
    colours = frames.permute(0, 3, 1, 2).float()
    colours = colours.div_(255) if frames.dtype == torch.uint8 else colours
    found: dict[str, Any] = {what: _plain_text(words[what]) for what in WORDS} | truth
    return Clip(name, frames=colours.contiguous(), query=_query(words["query"]), **found)


def take_frames(clip: Clip, count: int) -> tuple[Clip, str]:
    """At most `count` frames, evenly spaced, and one line on how many of how many they are.

    >>> take_frames(Clip.plain(torch.rand(9, 3, 8, 9), "noise"), 4)[1]
    '4 of 9 frames, evenly spaced in time, 9 x 8'
    """
    total, y, x = clip.size
    if total == 1:
        return clip, f"one picture, {x} x {y}"
    kept = min(count, total)
    return select_frames(clip, kept), f"{counted_frames(kept, total, count)}, {x} x {y}"


def counted_frames(kept: int, total: int, asked: int) -> str:
    """How many of a clip's frames were taken, where so many were asked for.

    >>> counted_frames(4, 9, 4), counted_frames(3, 3, 8), counted_frames(8, 8, 8)
    ('4 of 9 frames, evenly spaced in time', 'all 3 frames (8 were asked for)', 'all 8 frames')
    """
    if kept == total:
        return f"all {kept} frames" + (f" ({asked} were asked for)" if kept < asked else "")
    return f"{kept} of {total} frames" + (", evenly spaced in time" if kept == asked else f" ({asked} were asked for)")


def _plain_text(given: Any) -> str:
    """A text out of a file without invisible characters, and not endless."""
    return "".join(c for c in str(given)[:ABOUT] if c.isprintable())


def _query(given: Any) -> tuple[int, float, float]:
    t, down, across = given
    return int(t), float(down), float(across)


def _pixels(frames: Tensor) -> np.ndarray:
    """Frames (T, 3, Y, X) with the colours last, in eight bits where nothing is lost by that."""
    eight = (frames * 255).round().byte()
    exact = torch.equal(eight.float() / 255, frames)
    found: np.ndarray = (eight if exact else frames).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return found


def _working_clip(clip: Clip) -> Clip:
    """The clip with at most `limits.WORKING` pixels on its longer side; motion and mask are resized with it."""
    _, y, x = clip.size
    if max(y, x) <= limits.WORKING:
        return clip
    scale = limits.WORKING / max(y, x)
    size = max(1, round(y * scale)), max(1, round(x * scale))
    mask = None if clip.mask is None else resize_images(clip.mask[:, None].float(), size)[:, 0] > 0.5
    if clip.motion is not None:
        raise Unreadable(f"a clip with known motion has at most {limits.WORKING} pixels per side; this one has "
                         f"{y} x {x}")
    return replace(clip, frames=resize_images(clip.frames, size).clamp(0, 1), mask=mask)
