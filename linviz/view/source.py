"""The view's source: one ES module, joined as text from files that a reader can open one by one."""
from __future__ import annotations

from functools import cache
from importlib.resources import files

MODULE = ("rows.js", "look.js", "outline.js", "panel.js", "controls.js", "patch_view.js")


@cache
def source(*more: str) -> str:
    """The module, and after it the named adapter of a host ("host_widget.js", ...), as one text without imports.

    >>> "export function mount" in source()
    True
    """
    return "\n".join((files(__package__) / name).read_text(encoding="utf-8") for name in (*MODULE, *more))
