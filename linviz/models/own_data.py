"""Somebody's own videos as examples: a folder with a folder for every class, some files of each held out.

    videos/wave/a.mp4  videos/wave/b.gif ...        videos/clap/c.webm ...

Every clip becomes as many frames as the model sees, evenly spaced in time, its middle square, in colour. Which files
are held out follows from what is in them: every fourth of a class in the order of their SHA-256, and at least one. A
file that is there twice counts once, so that none is both learned from and asked about.
"""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from ..clips import Clip, Unreadable, decode, fit
from ..clips.decode import plain_name
from ..clips.limits import BYTES
from ..grid import Grid
from .examples import OWN, Data, Examples
from .recipe import Recipe
from .video_transformer import Shape

EACH = 4  # one file of so many is held out


@dataclass(frozen=True, eq=False)
class Film:
    """One file that was read: frames (T, 3, side, side) uint8, and the SHA-256 of the file."""

    frames: Tensor
    sha: str


@dataclass(eq=False)
class OwnData:
    """What was read of a folder: films by class; skipped and partial: a line for each file not, or not wholly, read."""

    shape: Shape
    films: dict[str, list[Film]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)  # SHA-256: the file that was read

    def read(self, path: Path) -> None:
        """Read a file as one more film of the class that its folder names, or write down why not."""
        folder, name = plain_name(path.parent.name), plain_name(path.name)
        try:
            content = bytes_of(path)
            if (sha := hashlib.sha256(content).hexdigest()) in self.seen:
                raise Unreadable(f"{name} is the same file as {self.seen[sha]}")
            found = decode(content, path.name, self.shape.frames)
        except Unreadable as error:
            self.skipped.append(f"{folder}/{error}")
            return
        self.seen[sha] = f"{folder}/{name}"
        self.films[path.parent.name].append(Film(seen_by(found.clip.frames, self.shape), sha))
        if found.partial:
            self.partial.append(f"{folder}/{name}: {found.said}")

    @property
    def data(self) -> Data:
        """The examples to learn from and those held out."""
        return Data(*(self.part(held) for held in (False, True)))

    def part(self, held: bool) -> Examples:
        """One of the two: every fourth film of each class, or the others."""
        names = tuple(sorted(self.films))
        ranked = [sorted(self.films[name], key=lambda film: film.sha) for name in names]
        parts = [[film for n, film in enumerate(films) if (n % EACH == 0) == held] for films in ranked]
        labels = torch.tensor([label for label, part in enumerate(parts) for _ in part])
        return Examples(torch.stack([film.frames for part in parts for film in part]), labels, names)

    def digest(self) -> str:
        """A short hash of all files that were read, with their classes: other videos, another digest."""
        lines = sorted(f"{name}\n{film.sha}\n" for name, films in self.films.items() for film in films)
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]

    def recipe(self, plain: Recipe) -> Recipe:
        """A recipe on these examples, in colour; the digest in it makes other videos another recipe."""
        data = self.data
        return replace(plain, task=OWN, setting=self.digest(), shape=replace(plain.shape, colours=3),
                       pool=len(data.train), tests=len(data.test))

    def said(self) -> str:
        """What was found: a line for each class, and for each file that was read in part or not at all."""
        def count(part: Examples, name: str) -> int:
            return int((part.labels == part.classes.index(name)).sum())

        data = self.data
        lines = [f"{plain_name(name)}: {count(data.train, name)} to learn from, {count(data.test, name)} held out"
                 for name in data.train.classes]
        return "\n".join(lines + [f"read in part: {line}" for line in self.partial]
                         + [f"skipped: {line}" for line in self.skipped])


def read(folder: Path, shape: Shape | None = None, progress: Callable[[Path], None] | None = None) -> OwnData:
    """Read a folder of folders for a model of this shape; progress(file) is called after each file.

    Raises ValueError, in one sentence, where there are not two classes with two different files that can be read.
    """
    found = OwnData(shape or Shape())
    for directory in visible(folder, Path.is_dir):
        found.films[directory.name] = []
        for path in visible(directory, Path.is_file):
            found.read(path)
            if progress is not None:
                progress(path)
    few = [name for name, films in found.films.items() if len(films) < 2]
    if few or len(found.films) < 2:
        raise ValueError(complaint(folder, found, few))
    return found


def bytes_of(path: Path) -> bytes:
    """What is in a file; Unreadable where it is too large or cannot be opened."""
    try:
        if path.stat().st_size > BYTES:
            raise Unreadable(f"{plain_name(path.name)} is larger than the {BYTES / 1e6:.0f} MB that are read")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{plain_name(path.name)} cannot be opened: {error.strerror}") from error


def complaint(folder: Path, found: OwnData, few: list[str]) -> str:
    """Why a folder is not enough, in one sentence, and the first reason for it."""
    if not few:
        there = "one folder" if found.films else "no folders"
        return f"{folder} holds {there} of videos and two are needed, one for each class, as videos/wave, videos/clap"
    mine = [line for line in found.skipped if line.startswith(f"{plain_name(few[0])}/")]
    first = f" (skipped: {mine[0]})" if mine else ""
    return (f"{plain_name(few[0])} in {folder} holds {len(found.films[few[0]])} videos that can be read and two are "
            f"needed, one to learn from and one to hold out{first}")


def visible(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """The folders or files in a folder by name, but for those that systems hide; ValueError where there is none such.

    >>> visible(Path(__file__).parent, Path.is_file)[0].name
    '__init__.py'
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: give one that holds a folder of videos for every class")
    return sorted(p for p in folder.iterdir() if p.name[0] != "." and wanted(p))


def seen_by(frames: Tensor, shape: Shape) -> Tensor:
    """A clip's frames as a model of this shape sees them: (T, 3, side, side) uint8.

    The middle square, resized; a clip with fewer frames than the model holds each a little longer.

    >>> seen_by(torch.zeros(3, 3, 40, 60), Shape()).shape
    torch.Size([8, 3, 36, 36])
    """
    square = fit(Clip.plain(frames, "own"), Grid(len(frames), shape.side, shape.side), patch=1).frames
    at = torch.linspace(0, len(frames) - 1, shape.frames).round().long()
    return (square[at] * 255).round().byte()
