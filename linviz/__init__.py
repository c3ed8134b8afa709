"""linviz: an interactive textbook on linear attention for images and video.

    m = linviz.make("relu_floor+gate", heads=1, width=16, grid=linviz.Grid(Y=28, X=28))
    a = m.map(q, k, v)                  # its table of weights; ask it for rows, spectrum, rank...
    r = linviz.read(m, q, k, v)         # measured once: entropy, effective tokens, rank, summary()
"""
from .grid import Grid
from .mechanisms import make, names
from .reading import Reading, read

__version__ = "0.1.0"
__all__ = ["Grid", "Reading", "__version__", "make", "names", "read"]
