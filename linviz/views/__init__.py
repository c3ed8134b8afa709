"""A view on record: its state, its numbers, its pictures, and one file that any linviz opens again.

    view = View("chelsea", specs=("softmax", "relu_floor+gate"))    a small frozen state, a dictionary and back
    opened = view.open()                                            clip, grid and readings, gates fitted
    csv_text(opened)  json_text(opened)  npz_bytes(opened)          what the explorer's table shows
    code(view)                                                      plain linviz calls that print the same numbers
    png(opened)  svg(opened)  film(opened)  page(opened)            to look at
    save(path, view, media)  load(path)                             state and media in one file
    write(path, data)                                               whole or not at all

`trained.Trained` is such a view of trained models, whose maps come from `linviz.models.pretrained`: the same printers
draw it, and `made.of_models` makes its files.
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fields import File
    from .load import Opened, Shown
    from .look import Look
from .state import View

HOMES = {"File": "fields", "View": "state", "Look": "look", "Opened": "load", "Shown": "load"}
__all__ = ["File", "Look", "Opened", "Shown", "View"]


def __getattr__(name: str) -> Any:
    """Names are fetched when they are used: the command line asks this package for its options before any torch."""
    if name in HOMES:
        return getattr(import_module(f".{HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'linviz.views' has no attribute {name!r}; it has {', '.join(__all__)}")
