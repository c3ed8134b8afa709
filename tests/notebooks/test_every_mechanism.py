"""Every mechanism is derived in a chapter: by a cell's own few lines, asserted equal to what linviz makes.

Such a cell is tagged `derives:NAME` for each mechanism that it derives. By day, every name has its cell. At night every
chapter runs with a linviz whose maps are wrong by up to a twentieth: each tagged cell has to notice.
"""
from __future__ import annotations

import re
from copy import deepcopy

import pytest
from nbformat.v4 import new_code_cell

import linviz
from linviz.course.chapter_source import Cell, cell_tags, read_chapter
from linviz.models.schemes import SCHEMES

from .books import BOOKS, NAMES, load, run

TAG = "derives:"
WRONG_MAPS = '''
from linviz.maps.base import Map
def every(kind):
    return [kind, *(one for sub in kind.__subclasses__() for one in every(sub))]
def off(ask):
    def answer(*given, **options):
        found = ask(*given, **options)
        if not hasattr(found, "dtype"):
            return found
        wrong = torch.linspace(1, 1.05, found.numel(), dtype=found.dtype)  # no factor: a sum would cancel that
        return found * wrong.view_as(found)
    return answer
import importlib, pkgutil, torch, linviz.maps, linviz.mechanisms
for found in pkgutil.iter_modules(linviz.maps.__path__, "linviz.maps."):
    importlib.import_module(found.name)
for kind in every(Map):
    for name in ("apply", "rows", "dense"):
        if name in vars(kind):
            setattr(kind, name, off(vars(kind)[name]))
'''


def derived(cell: Cell) -> list[str]:
    """The names that a cell derives."""
    return [tag.removeprefix(TAG) for tag in cell_tags(cell) if tag.startswith(TAG)]


CELLS = {name: [cell for cell in read_chapter(BOOKS / "src" / f"{name}.py").cells if derived(cell)] for name in NAMES}


@pytest.mark.parametrize("chapter", NAMES)
def test_a_tagged_cell_is_code_of_a_chapter_that_names_its_mechanisms(chapter: str) -> None:
    source = (BOOKS / "src" / f"{chapter}.py").read_text("utf-8")
    for cell in CELLS[chapter]:
        assert cell.cell_type == "code", cell.source[:60]
        for name in derived(cell):
            assert name in {*linviz.names(), *SCHEMES} and re.search(rf"[\"'@]{name}(?![a-z_])", source), name


def test_every_mechanism_has_its_cell() -> None:
    found = {name for cells in CELLS.values() for cell in cells for name in derived(cell)}
    assert set(linviz.names()) - found == set()


@pytest.mark.nightly
@pytest.mark.parametrize("chapter", [name for name in NAMES if CELLS[name]])
def test_a_tagged_cell_notices_wrong_maps(chapter: str) -> None:
    notebook = deepcopy(load(chapter, "solution"))
    notebook.cells.insert(0, new_code_cell(WRONG_MAPS))
    cells = [cell for cell in run(notebook).cells if cell.cell_type == "code"]
    assert not [o for o in cells[0].outputs if o.output_type == "error"]
    tagged = [cell for cell in cells if any(tag.startswith(TAG) for tag in cell.metadata.get("tags", []))]
    assert len(tagged) == len(CELLS[chapter])
    blind = [cell.source[:200] for cell in tagged if not any(o.output_type == "error" for o in cell.outputs)]
    assert not blind, "\n\n".join(blind)
