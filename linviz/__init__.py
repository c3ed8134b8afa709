"""linviz: an interactive textbook on linear attention for images and video.

See a picture, a clip or your own q, k and v under several mechanisms:

    view = linviz.view("cat.jpg", "softmax", "relu_floor+gate")
    view                                # in a notebook: the live view
    view.table()                        # its numbers;  view.readings, view.figure("spectrum")
    view.save("cat.png")                # or .svg .html .mp4 .csv .json .npz .linviz

Or take the parts by themselves:

    m = linviz.make("relu_floor+gate", heads=1, width=16, grid=(28, 28))
    a = m.map(q, k, v)                  # its table of weights: a @ v, a[5], a.rows([5, 7]), a.singular_values()
    r = linviz.read(m, q, k, v)         # measured once: entropy, effective tokens, rank, summary()
    linviz.figures.spectrum(r)          # a plotly figure

    Grid         T frames of Y rows of X patches
    names        the mechanisms; every one takes extras, as in "relu_floor+gate+shift:time@space"
    clips        sample pictures and clips with known truth; descriptors of patches; your own files
    figures      charts of readings and numbers
    maps         the tables of weights, one class per kind
    mechanisms   one page per method: help(linviz.mechanisms.relu_floor)
    models       the small video transformers, their training, and the fit of a gate
    patch_view   the live view by itself, for a page or an HTML file
    capture      q, k, v and maps out of other people's models
    survey       many clips at once: survey("videos/", "softmax", "linear") is a table
    views        the state of a view, its steps and its files, one by one
    course       checks, quizzes and scenes of the notebooks
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import capture, clips, course, figures, maps, mechanisms, models, patch_view, survey, views
    from .grid import Grid
    from .mechanisms import make, names
    from .reading import Reading as Reading
    from .reading import read
    from .views.notebook_view import view

__version__ = "0.1.0"
__all__ = ["Grid", "capture", "clips", "course", "figures", "make", "maps", "mechanisms", "models", "names",
           "patch_view", "read", "survey", "view", "views"]
HOMES = {"Grid": "grid", "make": "mechanisms", "names": "mechanisms", "Reading": "reading", "read": "reading",
         "view": "views.notebook_view"}


def __dir__() -> list[str]:
    """What Tab offers."""
    return __all__


def __getattr__(name: str) -> Any:
    """Names are fetched when they are used, so that `linviz --help` does not wait for torch."""
    if name in HOMES:
        return getattr(import_module(f".{HOMES[name]}", __name__), name)
    try:
        return import_module(f".{name}", __name__)
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module 'linviz' has no attribute {name!r}; it has {', '.join(__all__)}") from None
