"""`linviz read` and `linviz export`: a view of a sample or of a person's own file, as a table, numbers or pictures.

    linviz read chelsea --mechanism softmax relu_floor+gate --query 0,12,13 --out numbers.csv
    linviz export holiday.mov --out film.mp4 --mechanism softmax linear
"""
from __future__ import annotations

import argparse
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from .. import clips
from ..atomic_write import write_atomically
from ..safe_output import check_output
from .capture_source import is_capture_file, layer_number
from .export.bundle import is_bundle, read_file, unpack_bundle
from .export.files import make_file
from .export.table import Number, measure_names, view_numbers
from .load import Progress, open_view, view_of_file
from .map_divergence import divergence_heading, view_divergence
from .row_stats import NOWHERE, measure_label
from .state import View
from .view_options import NUMBERS, PICTURES, chosen_values
from .view_panels import OpenView
from .view_source import find_view

NAME_WIDTH, CELL_WIDTH = 33, 8  # letters of a measure's name and of a number


def run_read(given: argparse.Namespace) -> int:
    """Write the numbers to a file, or print them as a table."""
    ending = None if given.out is None else file_ending(given.out, NUMBERS)
    inputs = read_files(given.file)
    if ending is not None:
        check_output(given.out, inputs, given.force)
    view, media = asked_view(given.file, given)
    with progress_bar() as progress:
        opened = open_view(view, media, progress)
        if ending is None:
            found = view_numbers(opened, progress)
        else:
            data = make_file(ending, opened, media, progress, whole=given.whole)
    print(numbers_table(opened, found) if ending is None
          else write_result(given.out, data, inputs, given.force))
    return 0


def run_export(given: argparse.Namespace) -> int:
    """Write a page, a picture, a film or a saved view."""
    name = export_source(given)
    ending, inputs = file_ending(given.out, PICTURES), read_files(name)
    check_output(given.out, inputs, given.force)
    view, media = asked_view(name, given)
    with progress_bar() as progress:
        opened = open_view(view, media, progress)
        data = make_file(ending, opened, media, progress)
    print(write_result(given.out, data, inputs, given.force))
    return 0


def export_source(given: argparse.Namespace) -> str:
    """What to export; ValueError, with the command as it is written now, without `--out` or in a form of before."""
    names = [name for name in (given.file, given.second, given.photo) if name is not None]
    if given.out is not None and given.photo is None and len(names) < 2:
        return names[0] if names else clips.OPENING.name
    known = [name for name in names if is_readable(name)]
    source = known[0] if known else names[-1] if len(names) > 1 else None
    others = [name for name in names if name != source]
    out = str(given.out or next(iter(others), "view.html"))
    words = ["linviz", "export", *filter(None, [source]), "--out", out]
    why = "two files are named and a view is of one" if given.out is not None and others else \
        "--photo is no longer an option" if given.photo is not None else "the file to write follows --out"
    raise ValueError(f"{why}: {shlex.join(words)}")


def is_readable(name: str) -> bool:
    """Whether a name is a sample's or that of a file.

    >>> is_readable("coffee"), is_readable(__file__), is_readable("no such file")
    (True, True, False)
    """
    return name in clips.names() or Path(name).exists()


def read_files(name: str) -> list[str]:
    """The files that a view of this name reads: none for a sample.

    >>> read_files("coffee"), read_files("holiday.png")
    ([], ['holiday.png'])
    """
    return [] if name in clips.names() else [name]


def file_ending(path: Path, there: tuple[str, ...]) -> str:
    """The ending of the file to write; ValueError, before any work, for a file that cannot be written.

    >>> file_ending(Path("A.PNG"), PICTURES)
    '.png'
    """
    ending = path.suffix.lower()
    if ending not in there:
        other = "linviz export" if ending in PICTURES else "linviz read --out"
        hint = f"; {other} writes {ending}" if ending in PICTURES + NUMBERS else ""
        raise ValueError(f"{path}: by its ending a file is {', '.join(there)}, not {ending or 'nothing'}{hint}")
    return ending


def write_result(path: Path, data: bytes, inputs: list[str], force: bool) -> str:
    """Write a complete file or nothing, also if another program made that file meanwhile; return one line about it."""
    check_output(path, inputs, force)
    size = write_atomically(path, data).stat().st_size
    how = "; open it in any browser" if path.suffix.lower() == ".html" else ""
    return f"{path}: {f'{size / 1e6:.2f} MB' if size > 1e5 else f'{size / 1e3:.1f} KB'}{how}."


def asked_view(name: str, given: argparse.Namespace) -> tuple[View, bytes | None]:
    """The view that the arguments ask for, and the bytes of a person's own file.

    A sample is known by its name, a saved view by its first bytes; for pictures, videos and tensors see
    `load.view_of_file`.
    """
    captured = is_capture_file(name)
    chosen = chosen_values(vars(given) | ({"layer": None} if captured else {}))
    if name in clips.names():
        return View.best(name, **chosen), None
    if not is_readable(name):
        raise ValueError(f"{name!r} is neither a file nor a sample; the samples are {', '.join(clips.names())}")
    if captured:
        return find_view(name, layer=layer_number(given.layer), **chosen)
    data = read_file(name)
    if is_bundle(data):
        view, media = unpack_bundle(data, Path(name).name)
        return view.with_values(**chosen), media
    return view_of_file(Path(name).name, data, **chosen), data


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Progress bars on the terminal, one after another, for work that takes more than a second."""
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


def numbers_table(opened: OpenView, found: list[Number]) -> str:
    """The numbers as a table for a terminal: the query's row beside the mean over all rows, mechanism by mechanism."""
    t, y, x = opened.place
    view, grid = opened.view, opened.grid
    size = f"{grid.T} frames of " * (grid.T > 1) + f"{grid.Y} x {grid.X} patches"
    head = [f"{opened.clip.title}: {size}, temperature {view.temperature:.3g}" + ", causal" * view.causal,
            f"The query --query {t},{y},{x} (row {y + 1}, column {x + 1}" + f", frame {t + 1}" * (grid.T > 1)
            + f") beside the mean over all {len(grid):,}"]
    keys = tuple(dict.fromkeys(number.spec for number in found))
    abreast = max(1, (shutil.get_terminal_size().columns - NAME_WIDTH) // (2 * CELL_WIDTH + 2))
    blocks = [_block(opened, found, keys[n:n + abreast]) for n in range(0, len(keys), abreast)]
    notes = dict.fromkeys(f"\n{n.spec}: {n.note}" for n in found if n.note)
    file = [f"Read: {opened.tokens.file_note}"] if opened.tokens.file_note else []
    return "\n".join([*head, *file, *blocks, *notes, *_compared_lines(opened)])


def _compared_lines(opened: OpenView) -> list[str]:
    """Where two mechanisms differ, and the query to go there, if the view compares two."""
    if opened.view.compare is None:
        return []
    found = view_divergence(opened)
    there = "" if found.largest is None else f" (--query {','.join(map(str, opened.grid.place(found.largest)))})"
    none = f"\n{found.empty} patches have none: a row is empty." * bool(found.empty)
    return [f"\n{found.measure.label}: {divergence_heading(found)}{there}.{none}", *([found.why] if found.why else [])]


def _block(opened: OpenView, found: list[Number], specs: tuple[str, ...]) -> str:
    by, wide = {(n.spec, n.measure): n for n in found}, 2 * CELL_WIDTH
    columns = f"  {'patch':>{CELL_WIDTH}}{'mean':>{CELL_WIDTH}}" * len(specs)
    lines = [""]
    for n in range(0, max(map(len, specs)), wide):  # a long spec takes several lines
        lines.append(" " * NAME_WIDTH + "".join(f"  {spec[n:n + wide]:>{wide}}" for spec in specs))
    lines.append(" " * NAME_WIDTH + columns)
    for name in measure_names(opened):
        cells = (f"  {format_cell(n.patch, n.note)}{format_cell(n.mean)}" for n in (by[spec, name] for spec in specs))
        lines.append(f"{measure_heading(name):{NAME_WIDTH}.{NAME_WIDTH}}" + "".join(cells))
    return "\n".join(lines)


def measure_heading(name: str) -> str:
    """What a row measure is called, with its unit in brackets.

    >>> measure_heading("top_share"), measure_heading("distance")
    ('share of the top 10 (of 1)', 'mean attended distance (pixels)')
    """
    title, unit = measure_label(name)
    return title + (f" ({unit})" if unit else "")


def format_cell(x: float | None, note: str = "") -> str:
    """A number in its column; `note` says why there is none.

    >>> format_cell(12.3456), format_cell(None), format_cell(None, NOWHERE), format_cell(-3e-8)
    ('   12.35', '       -', '    none', '       0')
    """
    if x is None:
        return f"{'none' if note == NOWHERE else '-':>{CELL_WIDTH}}"
    return f"{x:z{CELL_WIDTH}.{'0f' if abs(x) >= 1000 or abs(x) < 1e-6 else '4g'}}"
