"""A chapter run once more for the book: its outputs then hold what a page without Python needs.

The stored solution gives the cells and the still pictures of figures; a kernel gives living views, sliders, quizzes.
"""
from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from linviz.course.book_outputs import VIEW, coarser_view

from .chapter_html import without_predictions

HERE = Path(__file__).resolve().parent
RECORD = "from linviz.course.book_outputs import record_for_book\nrecord_for_book(get_ipython())"
STILL = "image/png"
WIDGET = "application/vnd.jupyter.widget-view+json"


def run_for_book(solution: Any) -> Any:
    """A copy of a solution with the outputs of a new run; RuntimeError, in one sentence, if a cell fails."""
    solution = without_predictions(solution)
    ran = copy.deepcopy(solution)
    ran.cells.insert(0, new_code_cell(RECORD))
    client = NotebookClient(ran, timeout=600, kernel_name="python3", coalesce_streams=True, allow_errors=True,
                            extra_arguments=["--log-level=40"], resources={"metadata": {"path": str(HERE)}})
    paths = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    client.execute(env=os.environ | {"PYTHONPATH": paths})
    ran.cells.pop(0)
    for cell, stored in zip(ran.cells, solution.cells, strict=True):
        check_outputs(cell)
        keep_stills(cell, stored)
    return ran


def check_outputs(cell: Any) -> None:
    """RuntimeError for a cell that has failed."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            raise RuntimeError(f"cell {cell.id} failed: {output.ename}: {output.evalue}")


def keep_stills(cell: Any, stored: Any) -> None:
    """Give a cell's figures the still pictures of the stored cell; remove what only a kernel could draw."""
    for output, before in zip(cell.get("outputs", []), stored.get("outputs", [])):
        if STILL in before.get("data", {}) and STILL not in output.get("data", {}):
            output.data[STILL] = before["data"][STILL]
    for output in cell.get("outputs", []):
        output.get("data", {}).pop(WIDGET, None)


def coarsen_views(notebook: Any, bits: int) -> Any:
    """A copy of the notebook whose views have mantissas of so many bits, where a map is sent as whole rows."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        for output in cell.get("outputs", []):
            if VIEW in output.get("data", {}):
                output.data[VIEW] = coarser_view(output.data[VIEW], bits)
    return made
