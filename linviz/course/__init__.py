"""What a learner imports: checks of answers, quizzes, and functions that show figures and sentences in a chapter.

    from linviz.course import checks, quizzes, say, show

Cells, sliders and quizzes need IPython and ipywidgets, which notebooks have; checks do not need them.
"""
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import checks

HOMES = {"show": "cells", "say": "cells", "table": "cells", "number": "cells", "explorer": "cells", "Live": "live",
         "predict": "prediction_box", "show_prediction": "prediction_box"}
__all__ = ["HOMES", "checks"]


def __getattr__(name: str) -> Any:
    """Import the rest of what a notebook needs when it is first used."""
    from importlib import import_module
    if name in HOMES:
        return getattr(import_module(f".{HOMES[name]}", __name__), name)
    if name in ("checks", "quizzes", "scenes"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'linviz.course' has no attribute {name!r}")
