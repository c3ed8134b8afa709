"""Every kind of file that a view can become, by its ending."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..key_frames import key_frames_zip
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
ENDINGS = (".png", ".svg", ".html", ".mp4", ".zip", ".csv", ".json", ".npz", ".py", ".linviz")


def file_to_write(path: Any) -> Path:
    """The path that a person gave for a file of a view. ValueError, in one sentence, where none can be written there.

    >>> file_to_write("cat.png").name
    'cat.png'
    """
    if not isinstance(path, str | Path):
        raise ValueError(f"a view is saved under a name or a path, as in 'cat.png'; got {path!r:.80}")
    path = Path(path).expanduser()
    if (ending := path.suffix.lower()) not in ENDINGS:
        raise ValueError(f"{path}: by its ending a file is {', '.join(ENDINGS)}, not {ending or 'nothing'}")
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    return path


def make_file(ending: str, opened: OpenView | OpenTrained, media: bytes | None = None,
              progress: Progress | None = None, whole: bool = False) -> bytes:
    """What stands in a file with this ending: .csv .json .npz .py .html .png .svg .mp4 .zip or .linviz.

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
            ".html": lambda: view_page(opened), ".zip": lambda: key_frames_zip(opened),
            ".linviz": lambda: pack_bundle(replace(opened.view, query=opened.place), media)}


def _trained(opened: OpenTrained) -> Makers:
    return {".csv": lambda: trained_csv(opened), ".json": lambda: trained_json(opened),
            ".npz": lambda: trained_npz(opened), ".py": lambda: trained_code(opened),
            ".html": lambda: trained_page(opened)}
