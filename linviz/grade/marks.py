"""Points: what an exercise is worth, and what an answer to it has earned."""
from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NEAR = 0.5                                              # of the points, for a near miss that the check has named
HEAD = re.compile(r"^### Exercise (\d+\.\d+) · (.+)\n\n\*Difficulty \S+ (\d) of 5 · importance \S+ (\d) of 5 · about "
                  r"(\d+) minutes\*", re.MULTILINE)
MEANING = {
    "right": "the check is satisfied, on inputs that the learner has not seen",
    "near": "it runs, gives back what was asked for in kind and shape, and the check names the one mistake",
    "wrong": "it runs, and the check can say what is off but not what was done",
    "stopped": "it raised an error",
    "open": "still as it was given, or not there",
    "ended": "it did not end in time, wanted too much memory, or ended the whole program",
    "meddled": "it changed the checks, so that nothing they said can be believed",
}


@dataclass(frozen=True)
class Worth:
    """An exercise as its chapter announces it."""

    number: str
    title: str
    difficulty: int
    importance: int
    minutes: int

    @property
    def points(self) -> int:
        """Difficulty plus importance, so 2 to 10: what is hard counts, and what matters counts as much."""
        return self.difficulty + self.importance


@dataclass(frozen=True)
class Outcome:
    """What became of one answer: a key of `MEANING`, and what is said about it."""

    status: str
    said: str = ""

    def earned(self, points: float) -> float:
        """Points for it: all, a half for a named near miss, none.

        >>> Outcome("near", "").earned(7)
        3.5
        """
        return float(points) * {"right": 1.0, "near": NEAR}.get(self.status, 0.0)


def worths(folder: Path) -> dict[str, Worth]:
    """Every exercise of the teacher's own notebooks, by its number.

    Raises ValueError where the folder holds no chapter.

    >>> worths(Path("no such folder"))
    Traceback (most recent call last):
    ValueError: no chapter lies in 'no such folder': run it from a whole clone, or name the notebooks with --notebooks
    """
    found = {w.number: w for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")) for w in _announced(path)}
    if not found:
        raise ValueError(f"no chapter lies in {str(folder)!r}: run it from a whole clone, or name the notebooks with "
                         "--notebooks")
    return found


def _announced(path: Path) -> Sequence[Worth]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return [Worth(number, title, *map(int, rest)) for number, title, *rest in HEAD.findall(text)]
