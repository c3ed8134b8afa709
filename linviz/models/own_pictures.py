"""A user's own pictures as examples of the colour task: every file in one folder; some pictures are held out.

    pictures/cat.jpg  pictures/garden.heic ...

Which pictures are held out depends only on their content: every fourth in the order of SHA-256, and at least one. A
file that occurs twice counts once. Of a clip the first frame is taken. Windows are cut and painted as from linviz's own
photographs.
"""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from torch import Tensor

from ..clips import Unreadable, decode_clip
from ..clips.colour_task import TEST_SHARE, check_colour_setting
from ..clips.colour_windows import COLOUR_SIDE, DRAWN, draw_windows, picture_pyramid
from ..clips.decode import plain_name
from ..clips.task import random_draws
from .examples import OWN_COLOUR, ColourExamples, Data
from .own_data import EACH, read_limited_bytes, visible_entries
from .recipe import Recipe

FEWEST = 2          # pictures: one to learn from, one to hold out


@dataclass(eq=False)
class OwnPictures:
    """The content of a folder: pyramids of pictures by SHA-256, their names, and one line for each skipped file."""

    setting: str = "main"
    pool: int = 4500
    tests: int = 500
    pictures: dict[str, list[Tensor]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def read(self, path: Path) -> None:
        """Read a file as one more picture, or note why it was skipped."""
        name = plain_name(path.name)
        try:
            content = read_limited_bytes(path)
            if (sha := hashlib.sha256(content).hexdigest()) in self.names:
                raise Unreadable(f"{name} is the same file as {self.names[sha]}")
            image = decode_clip(content, path.name, 1).clip.frames[0]
            if min(image.shape[1:]) < COLOUR_SIDE:
                raise Unreadable(f"{name} has {image.shape[2]} x {image.shape[1]} pixels, and the shorter side must "
                                 f"have at least {COLOUR_SIDE}")
        except Unreadable as error:
            self.skipped.append(str(error))
            return
        self.pictures[sha], self.names[sha] = picture_pyramid(image), name

    def part(self, held: bool) -> dict[str, list[Tensor]]:
        """The held-out pictures (every fourth), or the others."""
        return {sha: self.pictures[sha] for n, sha in enumerate(sorted(self.pictures)) if (n % EACH == 0) == held}

    @cached_property
    def data(self) -> Data:
        """Windows over the pictures to learn from, and over the held-out pictures."""
        return Data(self.windows(False, self.pool), self.windows(True, self.tests))

    def windows(self, held: bool, n: int) -> ColourExamples:
        """n windows over one part of the pictures, in turn."""
        part = self.part(held)
        windows = draw_windows(part, random_draws("window", int(held), int(held), 0, n, DRAWN))
        names = tuple(self.names[sha] for sha in part)
        return ColourExamples(windows.pixels[:, None], windows.photographs, names, windows.grey, self.setting,
                              (int(held), int(held)), TEST_SHARE if held else None)

    def digest(self) -> str:
        """A short hash of all pictures that were read."""
        return hashlib.sha256("\n".join(sorted(self.pictures)).encode()).hexdigest()[:16]

    def recipe(self, plain: Recipe) -> Recipe:
        """A recipe for these pictures; it contains the digest, so other pictures give another recipe."""
        self.pool, self.tests = plain.pool, plain.tests
        return replace(plain, task=OWN_COLOUR, setting=f"{self.setting} {self.digest()}")

    def said(self) -> str:
        """A summary: how many pictures there are, and one line for each file that was skipped."""
        held = len(self.part(True))
        return "\n".join([f"{len(self.pictures) - held} pictures to learn from, {held} held out"]
                         + [f"skipped: {line}" for line in self.skipped])


def read_picture_folder(folder: Path, setting: str = "main",
                        progress: Callable[[Path], None] | None = None) -> OwnPictures:
    """Read a folder of pictures; progress(file) is called after each file.

    Raises ValueError, in one sentence, without two different pictures that can be read, and for the setting
    "exchanged", which is about linviz's own photographs.
    """
    check_colour_setting(setting)
    if setting == "exchanged":
        raise ValueError('the setting "exchanged" exchanges photographs of linviz; with pictures of your own take main '
                         "or half")
    found = OwnPictures(setting)
    for path in visible_entries(folder, Path.is_file, "pictures"):
        found.read(path)
        if progress is not None:
            progress(path)
    if len(found.pictures) < FEWEST:
        first = f" (skipped: {found.skipped[0]})" if found.skipped else ""
        raise ValueError(f"{folder} holds {len(found.pictures)} pictures that can be read; two are needed, one to "
                         f"learn from and one to hold out{first}")
    return found
