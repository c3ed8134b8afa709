"""Where an answer uses linviz itself: the library can do what an exercise asks, and holds the right answers."""
from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator


def library_uses(texts: Iterable[str]) -> list[str]:
    """The modules of linviz that these pieces of code import, and texts that name it, as importlib takes them.

    >>> library_uses(["import math", "from linviz.course import checks", "m = __import__('linviz')"])
    ['linviz.course.checks', "the text 'linviz'"]
    """
    return sorted({name for text in texts for name in _uses_in(text)})


def _uses_in(text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "linviz")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "linviz":
            yield from (f"{node.module}.{a.name}" for a in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "linviz" in node.value:
            if not _is_docstring(node.value):
                yield f"the text {node.value[:40]!r}"


def _is_docstring(text: str) -> bool:
    """Whether a text is prose: it has a space."""
    return " " in text.strip()
