"""From a page of the explorer back to the chapters that derive what it shows."""
from __future__ import annotations

from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
LAB = "http://localhost:8888/lab/tree/"  # where `linviz lab` listens
OF = {"concentrate": (4, 11, 13), "atlas": (1, 4, 5), "who_sees_whom": (2, 14)}


def derived(page: str, folder: Path = NOTEBOOKS) -> str:
    """A line of Markdown that links a page's chapters; empty where the notebooks are not there.

    >>> derived("atlas", Path("nowhere"))
    ''
    """
    found = {n: next(iter(sorted(folder.glob(f"{n:02d}_*.ipynb"))), None) for n in OF[page]}
    links = [f"[chapter {n}]({LAB}{path.name})" for n, path in found.items() if path is not None]
    return f"Derived in the notebooks, {', '.join(links)}: `python3 start.py lab` opens them." if links else ""
