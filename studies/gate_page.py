"""studies/GATES.md, made only from the stored rows of the gate study."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from linviz.atomic_write import write_atomically

from .gate_numbers import all_numbers
from .gate_rows import Rows, form_table, kernel_table, main_table, model_table, part_table, shift_table, skipped_list
from .page_templates import render_page

PAGE = Path(__file__).with_name("GATES.md")


def gate_page(kept: dict[str, Any]) -> str:
    """The whole page."""
    rows = Rows(kept["rows"])
    tables = {"main": main_table(rows), "kernels": kernel_table(rows), "forms": form_table(rows),
              "shifted": form_table(rows, "time"), "parts": part_table(rows), "shifts": shift_table(rows),
              "models": model_table(rows), "skipped": skipped_list()}
    return render_page("gates", **kept["settings"] | tables | all_numbers(rows))


def write_page(kept: dict[str, Any], path: Path = PAGE) -> None:
    """Write the page."""
    write_atomically(path, gate_page(kept))
