"""What a learner imports: checks that judge an answer, quizzes, and how a chapter shows a figure or says a number.

    from linviz.course import checks, quizzes, say, show

Cells, sliders and quizzes need IPython and ipywidgets, which notebooks have; checks need neither.
"""
from typing import Any

from . import checks

HOMES = {"show": "cells", "say": "cells", "table": "cells", "number": "cells", "explorer": "cells", "Live": "live"}
__all__ = ["HOMES", "checks"]


def __getattr__(name: str) -> Any:
    """Everything a notebook needs on top of the checks, imported when it is asked for."""
    from importlib import import_module
    if name in HOMES:
        return getattr(import_module(f".{HOMES[name]}", __name__), name)
    if name in ("quizzes", "scenes"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'linviz.course' has no attribute {name!r}")
