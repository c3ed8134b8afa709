"""Surveys of linviz's own samples that come with it, so that there is something to read at once.

    descriptors.parquet   linviz survey --mechanism softmax relu_floor relu_floor+gate linear focused cosformer
    model.parquet         linviz survey --model softmax --mechanism relu_floor
"""
from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("tables")
TABLES = {"descriptors": "Descriptors of patches", "model": "A trained model"}


def shipped_path(name: str) -> Path:
    """The file of a shipped table; ValueError, with the names that there are, for another name.

    >>> shipped_path("model").name
    'model.parquet'
    """
    if name not in TABLES:
        raise ValueError(f"no survey called {name!r} came with linviz; there are: {', '.join(TABLES)}")
    return FOLDER / f"{name}.parquet"
