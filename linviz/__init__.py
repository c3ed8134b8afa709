"""linviz: an interactive textbook on linear attention for images and video.

    m = linviz.make("relu_floor+gate", heads=1, width=16, grid=linviz.Grid(Y=28, X=28))
    a = m.map(q, k, v)                  # its table of weights; ask it for rows, spectrum, rank...
    r = linviz.read(m, q, k, v)         # measured once: entropy, effective tokens, rank, summary()
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .grid import Grid
    from .mechanisms import make, names
    from .reading import Reading, read

__version__ = "0.1.0"
__all__ = ["Grid", "Reading", "__version__", "make", "names", "read"]
HOMES = {"Grid": "grid", "make": "mechanisms", "names": "mechanisms", "Reading": "reading", "read": "reading"}


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
