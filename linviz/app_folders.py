"""Where the explorer and the notebooks lie: beside the package in a clone, inside it after an install from a wheel."""
from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def apps_home() -> Path:
    """The folder that holds `explorer` and `notebooks`.

    >>> (apps_home() / "explorer" / "app.py").is_file()
    True
    """
    inside = PACKAGE / "_apps"
    return inside if inside.is_dir() else PACKAGE.parent
