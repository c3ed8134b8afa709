"""The view's source: one ES module, joined as text from files that a reader can open one by one."""
from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

MODULE = ("rows.js", "look.js", "outline.js", "panel.js", "controls.js", "patch_view.js")


@cache
def source(*more: str | Path) -> str:
    """The module, and after it more files, as one text without imports.

    A name is an adapter of a host that lies here ("host_widget.js", ...); a path is a page's own file.

    >>> "export function mount" in source()
    True
    """
    here = files(__package__)
    paths = (name if isinstance(name, Path) else here / name for name in (*MODULE, *more))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
