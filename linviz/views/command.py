"""`linviz read` and `linviz export`: a view of a sample or of somebody's own file, as a table, numbers or pictures.

    linviz read chelsea --mechanism softmax relu_floor+gate --query 0,12,13 --out numbers.csv
    linviz export film.mp4 holiday.mov --mechanism softmax linear
"""
from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .. import clips
from ..reading import OF_ROWS
from .export.bundle import content, is_saved, unpacked, write
from .export.files import made
from .export.table import Number, numbers
from .load import Opened
from .look import Look
from .options import LOOKS, NUMBERS
from .row_stats import named
from .state import Progress, View

LOOK = tuple(field.name for field in fields(Look))
FIELDS = ("patches", "frames", "temperature", "causal", "steps", "seed", "head")
NAMES, CELL = 33, 8  # letters of a measure's name and of a number


def read(given: argparse.Namespace) -> int:
    """Write the numbers to a file, or print them as a table."""
    ending = None if given.out is None else ending_of(given.out, NUMBERS)
    view, media = asked(given.file, given)
    with bar() as progress:
        opened = view.open(media, progress)
        if ending is None:
            found = numbers(opened, progress)
        else:
            data = made(ending, opened, media, progress, whole=given.whole)
    print(table(opened, found) if ending is None else written(given.out, data))
    return 0


def export(given: argparse.Namespace) -> int:
    """Write a page, a picture, a film or a saved view."""
    ending = ending_of(given.path, LOOKS)
    if given.file and given.photo:
        raise ValueError(f"two files are named, {given.file} and --photo {given.photo}: a view is of one")
    view, media = asked(given.file or given.photo or clips.OPENING.name, given)
    with bar() as progress:
        opened = view.open(media, progress)
        data = made(ending, opened, media, progress)
    print(written(given.path, data))
    return 0


def ending_of(path: Path, there: tuple[str, ...]) -> str:
    """What kind of file is to be written; ValueError, before any work, for one that cannot be.

    >>> ending_of(Path("A.PNG"), LOOKS)
    '.png'
    """
    ending = path.suffix.lower()
    if ending not in there:
        other = "linviz export" if ending in LOOKS else "linviz read --out"
        hint = f"; {other} writes {ending}" if ending in LOOKS + NUMBERS else ""
        raise ValueError(f"{path}: by its ending a file is {', '.join(there)}, not {ending or 'nothing'}{hint}")
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    return ending


def written(path: Path, data: bytes | str) -> str:
    """Write a file, whole or not at all; what to say of it."""
    size = write(path, data).stat().st_size
    how = "; open it in any browser" if path.suffix.lower() == ".html" else ""
    return f"{path}: {f'{size / 1e6:.2f} MB' if size > 1e5 else f'{size / 1e3:.1f} KB'}{how}."


# ------------------------------------------------------------------------------------------------ what is asked


def asked(name: str, given: argparse.Namespace) -> tuple[View, bytes | None]:
    """The view that is asked for, and the bytes of somebody's own file.

    A sample is told by its name, a saved view by how it begins; pictures, videos and tensors by `View.of`.
    """
    chosen = choices(given, Look())
    if name in clips.names():
        return View.best(name, **chosen), None
    if not Path(name).exists():
        raise ValueError(f"{name!r} is neither a file nor a sample; the samples are {', '.join(clips.names())}")
    data = content(name)
    if is_saved(data):
        view, media = unpacked(data, Path(name).name)
        return replace(view, **choices(given, view.look)), media
    return View.of(Path(name).name, data, **chosen), data


def choices(given: argparse.Namespace, look: Look) -> dict[str, Any]:
    """The fields of a view that were chosen; how it is looked at is `look` where nothing else is said."""
    found = {name: getattr(given, name) for name in FIELDS if getattr(given, name) is not None}
    said = {name: one for name in LOOK if (one := getattr(given, name, None)) is not None}
    specs = {"specs": tuple(given.specs)} if given.specs else {}
    query = {} if given.query is None else {"query": place(given.query)}
    return found | specs | query | {"look": replace(look, **said)}


def place(text: str) -> tuple[int, int, int]:
    """The patch that a word names; of a photograph the frame may be left out.

    >>> place("2,0,5"), place("3,4")
    ((2, 0, 5), (0, 3, 4))
    """
    try:
        parts = [int(part) for part in text.split(",")]
        t, y, x = [0, *parts] if len(parts) == 2 else parts
    except ValueError:
        raise ValueError(f"--query {text!r} is no patch: write frame,row,column from 0, as in 0,12,13") from None
    return t, y, x


@contextmanager
def bar() -> Iterator[Progress]:
    """A bar on the terminal for what takes more than a second, one after another."""
    shown: dict[str, tqdm] = {}

    def progress(done: int, total: int, what: str) -> None:
        if what not in shown:
            close()
            shown[what] = tqdm(total=total, desc=what, delay=1, leave=False, disable=None)
        shown[what].update(done - shown[what].n)

    def close() -> None:
        for one in shown.values():
            one.close()

    try:
        yield progress
    finally:
        close()


# ------------------------------------------------------------------------------------------------ the table


def table(opened: Opened, found: list[Number]) -> str:
    """The numbers as a table for a terminal: the patch that asks beside the mean, mechanism by mechanism."""
    t, y, x = opened.place
    view, grid = opened.view, opened.grid
    size = f"{grid.T} frames of " * (grid.T > 1) + f"{grid.Y} x {grid.X} patches"
    head = [f"{opened.clip.title}: {size}, temperature {view.temperature:.3g}" + ", causal" * view.causal,
            f"The patch --query {t},{y},{x} (row {y + 1}, column {x + 1}" + f", frame {t + 1}" * (grid.T > 1)
            + f") beside the mean over all {len(grid):,}"]
    abreast = max(1, (shutil.get_terminal_size().columns - NAMES) // (2 * CELL + 2))
    blocks = [_block(opened, found, view.specs[n:n + abreast]) for n in range(0, len(view.specs), abreast)]
    notes = dict.fromkeys(f"\n{n.spec}: {n.note}" for n in found if n.note)
    return "\n".join([*head, *([f"Read: {opened.said}"] if opened.said else []), *blocks, *notes])


def _block(opened: Opened, found: list[Number], specs: tuple[str, ...]) -> str:
    by = {(n.spec, n.measure): n for n in found}
    heads = "".join(f"  {spec[:2 * CELL]:>{2 * CELL}}" for spec in specs)
    lines = ["", " " * NAMES + heads, " " * NAMES + f"  {'patch':>{CELL}}{'mean':>{CELL}}" * len(specs)]
    for name in (*OF_ROWS, *opened.places):
        cells = (f"  {cell(by[spec, name].patch)}{cell(by[spec, name].mean)}" for spec in specs)
        lines.append(f"{called(name):{NAMES}.{NAMES}}" + "".join(cells))
    return "\n".join(lines)


def called(name: str) -> str:
    """What a row measure is called, with its unit in brackets.

    >>> called("top_share"), called("distance")
    ('share of the top 10 (of 1)', 'mean attended distance (pixels)')
    """
    title, unit = named(name)
    return title + (f" ({unit})" if unit else "")


def cell(x: float | None) -> str:
    """A number in its column.

    >>> cell(12.3456), cell(None)
    ('   12.35', '       -')
    """
    text = "-" if x is None else f"{x:.0f}" if abs(x) >= 1000 else f"{x:.4g}"
    return f"{text:>{CELL}}"
