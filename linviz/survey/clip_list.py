"""Which clips a survey measures: the pictures and videos in folders, single files, and samples, by their names."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import clips

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp", ".mp4", ".m4v",
           ".mov", ".webm", ".mkv", ".npz"}


@dataclass(frozen=True)
class ClipName:
    """A clip: its name in the table, and the path of its file; a sample has no path."""

    name: str
    path: str = ""


def find_clips(given: Sequence[str | Path] = ()) -> list[ClipName]:
    """The clips of folders (searched to the bottom, by name), of single files and of samples; nothing: every sample.

    A clip of a folder is called by its path inside it. Hidden files, and files whose endings are those of neither
    pictures nor videos, are passed over in folders. ValueError, in one sentence, for what is neither a file nor a
    sample, for a folder without clips, and for two clips of one name.

    >>> [clip.name for clip in find_clips(["coffee", __file__])]
    ['coffee', 'clip_list.py']
    """
    found = [clip for one in given or clips.names() for clip in clips_at(str(one))]
    names = [clip.name for clip in found]
    if twice := next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None:
        raise ValueError(f"two clips are called {twice}: name each once, or the folder that holds both")
    return found


def clips_at(given: str) -> Iterator[ClipName]:
    """The clips of one folder, file or sample."""
    path = Path(given)
    if path.is_dir():
        yield from folder_clips(path)
    elif path.exists():
        yield ClipName(path.name, str(path))
    elif given in clips.names():
        yield ClipName(given)
    else:
        raise ValueError(f"{given!r} is no folder, no file and no sample; the samples are {', '.join(clips.names())}")


def folder_clips(folder: Path) -> list[ClipName]:
    """The clips in a folder and in the folders in it, by name; ValueError where there are none."""
    inside = [path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in ENDINGS]
    shown = sorted(path.as_posix() for path in inside if not any(part.startswith(".") for part in path.parts))
    found = [ClipName(name, str(folder / name)) for name in shown if not (folder / name).is_dir()]
    if not found:
        raise ValueError(f"there is no picture and no video in {folder}; known endings are {' '.join(sorted(ENDINGS))}")
    return found
