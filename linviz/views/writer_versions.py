"""The versions on which the numbers of a view depend; they stand in every file."""
from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

WRITERS = ("linviz", "torch", "numpy")


def versions() -> dict[str, str]:
    """The versions of this installation.

    >>> sorted(versions())
    ['linviz', 'numpy', 'torch']
    """
    return {name: metadata.version(name) for name in WRITERS}


def named_writer(found: Mapping[str, Any]) -> str:
    """Which linviz wrote a state, as the end of a sentence; empty where that is not said."""
    name = found.get("linviz")
    return f" (written by linviz {name:.20}, this is {metadata.version('linviz')})" if isinstance(name, str) else ""
