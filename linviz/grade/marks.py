"""Points: how many an exercise is worth, and how many an answer earns."""
from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NEAR = 0.5                                              # fraction of the points for a near miss that the check names
HEAD = re.compile(r"^### Exercise (\d+\.\d+) · (.+)\n\n\*(?:[A-Z][a-z ]+\. )?Difficulty \S+ (\d) of 5 · "
                  r"importance \S+ (\d) of 5 · about (\d+) minutes\*", re.MULTILINE)
MEANING = {
    "right": "the check is satisfied, on inputs that the learner has not seen",
    "near": "it is in the check's table of wrong answers, or right but for one named case or too much work",
    "wrong": "it runs; the check reports what is wrong but does not recognise the mistake",
    "stopped": "it raised an error",
    "open": "unchanged, or missing",
    "ended": "it ran too long, used too much memory, or ended the whole program",
}


@dataclass(frozen=True)
class Worth:
    """An exercise as its chapter describes it."""

    number: str
    title: str
    difficulty: int
    importance: int
    minutes: int

    @property
    def points(self) -> int:
        """Difficulty plus importance, from 2 to 10: both count equally."""
        return self.difficulty + self.importance


@dataclass(frozen=True)
class Outcome:
    """The outcome of one answer: a key of `MEANING`, and a comment."""

    status: str
    said: str = ""

    def earned(self, points: float) -> float:
        """Points earned: all, half for a named near miss, or none.

        >>> Outcome("near", "").earned(7)
        3.5
        """
        return float(points) * {"right": 1.0, "near": NEAR}.get(self.status, 0.0)


def exercise_marks(folder: Path) -> dict[str, Worth]:
    """Every exercise of the teacher's own notebooks, by its number.

    Raises ValueError if the folder has no chapter.

    >>> exercise_marks(Path("no such folder"))
    Traceback (most recent call last):
    ValueError: no chapter in 'no such folder': run it from a complete clone, or name the notebooks with --notebooks
    """
    found = {w.number: w for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")) for w in _announced_marks(path)}
    if not found:
        raise ValueError(f"no chapter in {str(folder)!r}: run it from a complete clone, or name the notebooks with "
                         "--notebooks")
    return found


def _announced_marks(path: Path) -> Sequence[Worth]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return [Worth(number, title, *map(int, rest)) for number, title, *rest in HEAD.findall(text)]
