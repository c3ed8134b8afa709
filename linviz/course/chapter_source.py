"""The source of a chapter: a Python file in percent format, whose cells say by tags what they are."""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import jupytext

from .chapter import Chapter

Cell = Any


def read_chapter(source: Path) -> Chapter:
    """Read a source; ValueError in one sentence where its front matter is missing."""
    cells = jupytext.read(source, fmt="py:percent").cells
    tables = {kind: [tomllib.loads(c.source) for c in cells if kind in cell_tags(c)] for kind in ("front", "exercise")}
    if len(tables["front"]) != 1:
        raise ValueError(f"{source.name} has {len(tables['front'])} cells tagged 'front'; it needs exactly one")
    return Chapter(source.stem, tables["front"][0], tables["exercise"], cells)


def cell_tags(cell: Cell) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def tag_number(cell: Cell, kind: str) -> str | None:
    """The number in a tag like "answer:13.1"; None where there is no such tag."""
    return next((tag.split(":")[1] for tag in cell_tags(cell) if tag.startswith(kind + ":")), None)
