"""A view: its state, its numbers, its pictures, and one file that any linviz opens again.

    view = View("chelsea", specs=("softmax", "relu_floor+gate"))    a small frozen state
    opened = open_view(view)                                        clip, grid and readings, gates fitted
    export.table.numbers_csv(opened)                                what the explorer's table shows
    export.code.view_code(opened)                                   plain linviz calls that print the same numbers
    export.files.make_file(".png", opened)                          any kind of file, by its ending
    export.bundle.save_view(path, view, media)                      state and media in one file

`TrainedView` is such a state for small trained models, and `open_trained` opens it: the same writers print it.
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .load import open_view
    from .load_trained import open_trained
    from .state import Look, TrainedView, View
    from .state_kinds import SourceFile
    from .view_panels import OpenView

HOMES = {"Look": "state", "OpenView": "view_panels", "SourceFile": "state_kinds", "TrainedView": "state",
         "View": "state",
         "open_trained": "load_trained", "open_view": "load"}
__all__ = ["Look", "OpenView", "SourceFile", "TrainedView", "View", "open_trained", "open_view"]


def __getattr__(name: str) -> Any:
    """Names are fetched when they are used: the command line asks this package for its options before any torch."""
    if name in HOMES:
        return getattr(import_module(f".{HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'linviz.views' has no attribute {name!r}; it has {', '.join(__all__)}")
