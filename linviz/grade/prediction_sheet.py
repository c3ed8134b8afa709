"""What a class predicted, as a sheet: one row per person and prediction. It has no points."""
from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..atomic_write import write_atomically
from ..course.prediction_file import read_predictions
from .grade_sheet import safe_cell
from .submissions import person_name

COLUMNS = ("person", "number", "prompt", "prediction", "earlier", "note")
ENDING = "predictions.json"


def write_predictions(path: Path, folder: Path, prompts: Mapping[str, str]) -> None:
    """Write the sheet, completely or not at all, in UTF-8 with a mark for Excel. ValueError if it cannot be written.

    prompts: number -> text, from the teacher's own notebooks.
    """
    text = io.StringIO(newline="")
    sheet = csv.DictWriter(text, COLUMNS, restval="")
    sheet.writeheader()
    sheet.writerows({key: safe_cell(x) for key, x in row.items()} for row in prediction_rows(folder, prompts))
    write_atomically(path, text.getvalue().encode("utf-8-sig"))


def prediction_rows(folder: Path, prompts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Every prediction in a folder of submissions; a file that cannot be read is one row, whose note says why.

    A person's file is `predictions.json` in the person's folder, or `NAME_predictions.json`.

    >>> list(prediction_rows(Path("no such folder"), {}))
    []
    """
    for path in sorted(folder.rglob(f"*{ENDING}")):
        if path.is_symlink() or not path.is_file():
            continue
        person = owner_name(path.relative_to(folder))
        try:
            found = read_predictions(path)
        except ValueError as error:
            yield {"person": person, "note": str(error)}
            continue
        for number, p in found.items():
            yield {"person": person, "number": number, "prompt": prompts.get(number, ""), "prediction": p.words,
                   "earlier": " | ".join(p.earlier)}


def owner_name(path: Path) -> str:
    """Whose predictions these are.

    >>> owner_name(Path("ada/predictions.json")), owner_name(Path("ada_predictions.json"))
    ('ada', 'ada')
    """
    return person_name(path) if len(path.parts) > 1 else path.name.removesuffix(ENDING).strip("-_ ")
