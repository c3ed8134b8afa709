"""The sheet: one row per submission, with points and the check's words for every exercise."""
from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..atomic_write import write_atomically
from .marks import Outcome, Worth
from .submissions import Submission

FIRST = ("person", "chapter", "file", "total", "out of", "right", "note")


@dataclass(frozen=True)
class Row:
    """One submission and the outcomes of its exercises."""

    submission: Submission
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)     # by exercise number
    note: str = ""

    def fields(self, worth: Mapping[str, Worth]) -> dict[str, str]:
        """The row's cells in the sheet."""
        earned = {n: o.earned(worth[n].points) for n, o in self.outcomes.items()}
        chapter = self.submission.chapter
        note = "; ".join(filter(None, (self.submission.trouble, self.note)))
        sums = (f"{sum(earned.values()):g}", f"{sum(worth[n].points for n in self.outcomes)}",
                f"{sum(o.status == 'right' for o in self.outcomes.values())}") if self.outcomes else ("", "", "")
        file = self.submission.path.name
        first = (self.submission.person, "" if chapter is None else f"{chapter}", file, *sums, note)
        own = {key: value for n, o in self.outcomes.items()
               for key, value in zip(exercise_columns(n), (f"{earned[n]:g}", o.status, o.said), strict=True)}
        return {key: safe_cell(value) for key, value in (dict(zip(FIRST, first, strict=True)) | own).items()}


def exercise_columns(number: str) -> tuple[str, str, str]:
    """The three columns of the nth exercise of any chapter.

    >>> exercise_columns("13.2")
    ('exercise 2', '2: how', '2: the check says')
    """
    n = number.split(".")[1]
    return f"exercise {n}", f"{n}: how", f"{n}: the check says"


def safe_cell(text: str) -> str:
    """A text as one printable line that is not a formula: spreadsheets run cells that begin like a formula.

    >>> safe_cell("=1+1"), safe_cell("two\\nlines"), safe_cell("no letter: \\udcff")
    ("'=1+1", 'two lines', 'no letter: \\\\udcff')
    """
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))
    return f"'{line}" if line[:1] in ("=", "+", "-", "@") else line


def write_sheet(path: Path, rows: Sequence[Row], worth: Mapping[str, Worth]) -> None:
    """Write the sheet, completely or not at all, in UTF-8 with a mark for Excel. ValueError if it cannot be written."""
    most = max((int(n.split(".")[1]) for row in rows for n in row.outcomes), default=0)
    head = [*FIRST, *(name for n in range(1, most + 1) for name in exercise_columns(f"0.{n}"))]
    text = io.StringIO(newline="")
    sheet = csv.DictWriter(text, head, restval="")
    sheet.writeheader()
    sheet.writerows(row.fields(worth) for row in rows)
    write_atomically(path, text.getvalue().encode("utf-8-sig"))
