"""Every kind of file that a view can become, by its ending."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..load import Progress
from ..trained_panels import OpenTrained
from ..view_panels import OpenView
from .bundle import pack_bundle
from .code import trained_code, view_code
from .film import film_bytes
from .panel_pictures import png_bytes, svg_document
from .table import numbers_csv, numbers_json, weights_npz
from .trained_table import trained_csv, trained_json, trained_npz
from .web_page import trained_page, view_page

Makers = dict[str, Callable[[], bytes | str]]


def make_file(ending: str, opened: OpenView | OpenTrained, media: bytes | None = None,
              progress: Progress | None = None, whole: bool = False) -> bytes:
    """What stands in a file with this ending: .csv .json .npz .py .html .png .svg .mp4 or .linviz.

    media  the bytes of a person's own file, which a saved view (.linviz) holds;  whole: whole maps in the .npz. The
    URL saves a view of trained models, so that it makes no .linviz. ValueError, in one sentence, where this view
    makes no such file.

    >>> from linviz.views import View, open_view
    >>> make_file(".png", open_view(View("coffee", patches=7, specs=("uniform",))))[1:4]
    b'PNG'
    """
    makers = _drawn(opened, progress) | (
        _trained(opened) if isinstance(opened, OpenTrained) else _measured(opened, media, progress, whole))
    if ending not in makers:
        raise ValueError(f"this view makes {', '.join(sorted(makers))}, not {ending!r}")
    found = makers[ending]()
    return found if isinstance(found, bytes) else found.encode()


def _drawn(opened: OpenView | OpenTrained, progress: Progress | None) -> Makers:
    return {".png": lambda: png_bytes(opened), ".svg": lambda: svg_document(opened),
            ".mp4": lambda: film_bytes(opened, progress=progress)}


def _measured(opened: OpenView, media: bytes | None, progress: Progress | None, whole: bool) -> Makers:
    return {".csv": lambda: numbers_csv(opened, progress), ".json": lambda: numbers_json(opened, progress),
            ".npz": lambda: weights_npz(opened, whole), ".py": lambda: view_code(opened),
            ".html": lambda: view_page(opened),
            ".linviz": lambda: pack_bundle(replace(opened.view, query=opened.place), media)}


def _trained(opened: OpenTrained) -> Makers:
    return {".csv": lambda: trained_csv(opened), ".json": lambda: trained_json(opened),
            ".npz": lambda: trained_npz(opened), ".py": lambda: trained_code(opened),
            ".html": lambda: trained_page(opened)}
