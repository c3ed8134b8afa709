"""A user's own videos as examples: a folder with one folder per class; some files of each are held out.

    videos/wave/a.mp4  videos/wave/b.gif ...        videos/clap/c.webm ...

Of every clip the model gets as many frames as it takes, evenly spaced in time, the middle square, in colour. Which
files are held out depends only on their content: every fourth of a class in the order of SHA-256, and at least one. A
file that occurs twice counts once, so that no file is in both the training and the held-out examples.
"""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from ..clips import Clip, Unreadable, decode_clip, fit
from ..clips.decode import plain_name
from ..clips.limits import BYTES
from ..grid import Grid
from .examples import OWN, Data, Examples
from .recipe import Recipe
from .video_transformer import Shape

EACH = 4  # one file in EACH is held out


@dataclass(frozen=True, eq=False)
class Film:
    """One file that was read: frames (T, 3, side, side) uint8, and the SHA-256 of the file."""

    frames: Tensor
    sha: str


@dataclass(eq=False)
class OwnData:
    """The content of a folder: films by class; one line for each file that was skipped or read only in part."""

    shape: Shape
    films: dict[str, list[Film]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)  # SHA-256 -> the file that was read

    def read(self, path: Path) -> None:
        """Read a file as one more film of the class named by its folder, or note why it was skipped."""
        folder, name = plain_name(path.parent.name), plain_name(path.name)
        try:
            content = read_limited_bytes(path)
            if (sha := hashlib.sha256(content).hexdigest()) in self.seen:
                raise Unreadable(f"{name} is the same file as {self.seen[sha]}")
            found = decode_clip(content, path.name, self.shape.frames)
        except Unreadable as error:
            self.skipped.append(f"{folder}/{error}")
            return
        self.seen[sha] = f"{folder}/{name}"
        self.films[path.parent.name].append(Film(frames_for_model(found.clip.frames, self.shape), sha))
        if found.partial:
            self.partial.append(f"{folder}/{name}: {found.said}")

    @property
    def data(self) -> Data:
        """The examples to learn from and the held-out examples."""
        return Data(*(self.part(held) for held in (False, True)))

    def part(self, held: bool) -> Examples:
        """The held-out examples (every fourth film of each class), or the others."""
        names = tuple(sorted(self.films))
        ranked = [sorted(self.films[name], key=lambda film: film.sha) for name in names]
        parts = [[film for n, film in enumerate(films) if (n % EACH == 0) == held] for films in ranked]
        labels = torch.tensor([label for label, part in enumerate(parts) for _ in part])
        return Examples(torch.stack([film.frames for part in parts for film in part]), labels, names)

    def digest(self) -> str:
        """A short hash of all files that were read, with their classes: other videos give another digest."""
        lines = sorted(f"{name}\n{film.sha}\n" for name, films in self.films.items() for film in films)
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]

    def recipe(self, plain: Recipe) -> Recipe:
        """A recipe for these examples, in colour; it contains the digest, so other videos give another recipe."""
        data = self.data
        return replace(plain, task=OWN, setting=self.digest(), shape=replace(plain.shape, colours=3),
                       pool=len(data.train), tests=len(data.test))

    def said(self) -> str:
        """A summary: one line for each class, and for each file that was read in part or skipped."""
        def count(part: Examples, name: str) -> int:
            return int((part.labels == part.classes.index(name)).sum())

        data = self.data
        lines = [f"{plain_name(name)}: {count(data.train, name)} to learn from, {count(data.test, name)} held out"
                 for name in data.train.classes]
        return "\n".join(lines + [f"read in part: {line}" for line in self.partial]
                         + [f"skipped: {line}" for line in self.skipped])


def read_folder(folder: Path, shape: Shape | None = None, progress: Callable[[Path], None] | None = None) -> OwnData:
    """Read a folder of folders for a model of this shape; progress(file) is called after each file.

    Raises ValueError, in one sentence, unless two classes have two different readable files each.
    """
    found = OwnData(shape or Shape())
    for directory in visible_entries(folder, Path.is_dir):
        found.films[directory.name] = []
        for path in visible_entries(directory, Path.is_file):
            found.read(path)
            if progress is not None:
                progress(path)
    few = [name for name, films in found.films.items() if len(films) < 2]
    if few or len(found.films) < 2:
        raise ValueError(folder_complaint(folder, found, few))
    return found


def read_limited_bytes(path: Path) -> bytes:
    """The bytes of a file; Unreadable if it is too large or cannot be opened."""
    try:
        if path.stat().st_size > BYTES:
            raise Unreadable(f"{plain_name(path.name)} is larger than the limit of {BYTES / 1e6:.0f} MB")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{plain_name(path.name)} cannot be opened: {error.strerror}") from error


def folder_complaint(folder: Path, found: OwnData, few: list[str]) -> str:
    """Why a folder has too few videos, in one sentence, with the first reason."""
    if not few:
        there = "one folder" if found.films else "no folders"
        return f"{folder} holds {there} of videos; two are needed, one per class, such as videos/wave, videos/clap"
    mine = [line for line in found.skipped if line.startswith(f"{plain_name(few[0])}/")]
    first = f" (skipped: {mine[0]})" if mine else ""
    return (f"{plain_name(few[0])} in {folder} holds {len(found.films[few[0]])} videos that can be read; two are "
            f"needed, one to learn from and one to hold out{first}")


def visible_entries(folder: Path, wanted: Callable[[Path], bool],
                    content: str = "one folder of videos per class") -> list[Path]:
    """The folders or files in a folder by name, without hidden ones; ValueError if the folder does not exist.

    >>> visible_entries(Path(__file__).parent, Path.is_file)[0].name
    '__init__.py'
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: name one that contains {content}")
    return sorted(p for p in folder.iterdir() if p.name[0] != "." and wanted(p))


def frames_for_model(frames: Tensor, shape: Shape) -> Tensor:
    """A clip's frames as the input of a model of this shape: (T, 3, side, side) uint8.

    The middle square, resized; if the clip has fewer frames than the model, frames are repeated.

    >>> frames_for_model(torch.zeros(3, 3, 40, 60), Shape()).shape
    torch.Size([8, 3, 36, 36])
    """
    square = fit(Clip.plain(frames, "own"), Grid(len(frames), shape.side, shape.side), patch=1).frames
    at = torch.linspace(0, len(frames) - 1, shape.frames).round().long()
    return (square[at] * 255).round().byte()
