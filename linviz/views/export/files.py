"""Every kind of file that a view can be, by its ending."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..load import Opened
from ..state import Progress
from ..trained import Trained
from . import trained_code as trained_snippet
from . import trained_table as trained_numbers
from .bundle import packed
from .code import code
from .film import film
from .html import of_trained, page
from .pictures import png, svg
from .table import csv_text, json_text, npz_bytes


def made(ending: str, opened: Opened, media: bytes | None = None, progress: Progress | None = None,
         whole: bool = False) -> bytes | str:
    """What stands in a file with this ending: .csv .json .npz .py .html .png .svg .mp4 or .linviz.

    media  the bytes of somebody's own file, which a saved view (.linviz) holds;  whole: whole maps in the .npz.
    ValueError, in one sentence, where there is no such file of this view, or for an ending that is none of these.

    >>> from linviz.views import View
    >>> made(".png", View("coffee", patches=7, specs=("uniform",)).open())[1:4]
    b'PNG'
    """
    makers: dict[str, Callable[[], bytes | str]] = {
        ".csv": lambda: csv_text(opened, progress), ".json": lambda: json_text(opened, progress),
        ".npz": lambda: npz_bytes(opened, whole), ".py": lambda: code(opened), ".html": lambda: page(opened),
        ".png": lambda: png(opened), ".svg": lambda: svg(opened), ".mp4": lambda: film(opened, progress=progress),
        ".linviz": lambda: packed(replace(opened.view, query=opened.place), media)}
    return _one_of(makers, ending)


def of_models(ending: str, seen: Trained) -> bytes | str:
    """The same of a view of trained models: .csv .json .npz .py .html .png .svg or .mp4; its address saves it."""
    return _one_of({
        ".csv": lambda: trained_numbers.csv_text(seen), ".json": lambda: trained_numbers.json_text(seen),
        ".npz": lambda: trained_numbers.npz_bytes(seen), ".py": lambda: trained_snippet.code(seen),
        ".html": lambda: of_trained(seen), ".png": lambda: png(seen), ".svg": lambda: svg(seen),
        ".mp4": lambda: film(seen)}, ending)


def _one_of(makers: dict[str, Callable[[], bytes | str]], ending: str) -> bytes | str:
    if ending not in makers:
        raise ValueError(f"a view makes {', '.join(makers)}, not {ending!r}")
    return makers[ending]()
