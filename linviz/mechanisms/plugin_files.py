"""Mechanisms of a person's own: a Python file whose classes register themselves, as those of linviz do.

Only a command line names such a file. A view, a link, a saved file or a visitor of a page never brings code.
"""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import torch

from ..grid import Grid
from .attention import make
from .base import FAMILIES, REGISTRY, Mechanism

PLUGIN = " (plugin)"  # after the title of a mechanism from such a file
SIZES = {"heads": 1, "width": 8, "grid": Grid(1, 4, 4)}  # on which every mechanism is tried
NEEDED = ("name", "title", "family", "paper", "cost", "rank")


def load_plugin(path: str | Path) -> list[str]:
    """Import a file and register its mechanisms; the names of the new ones. Their titles end with " (plugin)".

    Each of them is built and its map is computed once, on a few tokens. ValueError, in one sentence that begins with
    the file's name, where it cannot be read, fails, registers nothing, or takes a name that is there: then nothing of
    it stays registered.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_plugin(Path(folder) / "mine.py")
    Traceback (most recent call last):
    ValueError: mine.py cannot be loaded as a plugin: there is no such file
    """
    before, path = dict(REGISTRY), Path(path)
    try:
        _run_file(path)
        fresh = _new_names(before)
        for name in fresh:
            _try_out(name, REGISTRY[name])
    except Exception as error:  # the code of a person: any error may come
        REGISTRY.clear()
        REGISTRY.update(before)
        why = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{path.name} cannot be loaded as a plugin: {why}") from error
    for name in fresh:
        REGISTRY[name].title += PLUGIN
    return fresh


def check_plugins(paths: Iterable[str | Path]) -> list[str]:
    """The names that files together would register with `load_plugin`; afterwards none of them is registered.

    >>> check_plugins([])
    []
    """
    before = dict(REGISTRY)
    try:
        return [name for path in paths for name in load_plugin(path)]
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)


def _run_file(path: Path) -> None:
    if not path.is_file():
        raise ValueError("there is no such file")
    if path.suffix != ".py":
        raise ValueError("a plugin is a Python file, whose name ends with .py")
    module = ModuleType(f"linviz_plugin_{path.stem}")
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except SystemExit as stop:
        raise ValueError(f"it ends the program, with status {stop.code}") from stop


def _new_names(before: dict[str, type[Mechanism]]) -> list[str]:
    if taken := [name for name, kind in before.items() if REGISTRY[name] is not kind]:
        raise ValueError(f"there already is a mechanism called {taken[0]!r}; give yours another name")
    fresh = [name for name in REGISTRY if name not in before]
    if not fresh:
        raise ValueError("it registers no mechanism: a class of a mechanism derives from Kernel or Mechanism in "
                         "linviz.mechanisms and has a name")
    return fresh


@torch.no_grad()
def _try_out(name: str, kind: type[Mechanism]) -> None:
    """ValueError, or whatever its code raises, where a mechanism is not complete or gives no finite map."""
    if missing := [what for what in NEEDED if not isinstance(getattr(kind, what, None), str)]:
        raise ValueError(f"the class of {name!r} has no {' and no '.join(missing)}")
    if kind.family not in FAMILIES:
        raise ValueError(f"the family of {name!r} is one of {', '.join(FAMILIES)}; got {kind.family!r:.40}")
    q, k, v = torch.randn(3, 1, 1, 16, 8, generator=torch.Generator().manual_seed(0))
    found = make(name, **SIZES)(q, k, v)  # type: ignore[arg-type]
    if found.shape != v.shape or not torch.isfinite(found).all():
        raise ValueError(f"the output of {name!r} should be finite and have the shape {tuple(v.shape)} of v; got "
                         f"{tuple(found.shape)}{', not finite' * (not torch.isfinite(found).all())}")
