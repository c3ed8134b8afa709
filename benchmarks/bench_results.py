"""What a benchmark returns: goals, tables and notes; as JSON for the store, as text for a terminal and the page."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .bench_races import Ratio

Cell = str | int | float | Ratio | None
DIGITS = 4      # that are stored of a number


@dataclass(frozen=True)
class Goal:
    """A number that was set in advance, and what was measured.

    `measured` is None, with `why`, if there is no number: since it could not be measured, or, with `missed`, since the
    goal was missed beyond what was tried.

    >>> Goal("G1", "speed", Ratio(90, 80, 100), 80).verdict, Goal("G2", "time", 3.0, 2.0, least=False, unit="s").verdict
    ('met', 'not met')
    """

    name: str
    what: str
    measured: float | Ratio | None
    limit: float
    least: bool = True
    unit: str = "x"
    why: str = ""
    missed: bool = False

    @property
    def verdict(self) -> str:
        """met, not met or not measured; a ratio is judged by its median."""
        if self.measured is None:
            return "not met" if self.missed else "not measured"
        value = self.measured.middle if isinstance(self.measured, Ratio) else self.measured
        return "met" if (value >= self.limit if self.least else value <= self.limit) else "not met"

    def cells(self) -> list[Cell]:
        """The row of a table of goals."""
        limit = f"{'at least' if self.least else 'at most'} {number_with_unit(self.limit, self.unit)}"
        found = self.why if self.measured is None else number_with_unit(self.measured, self.unit)
        return [self.name, self.what, limit, found, self.verdict]


GOAL_COLUMNS = ["goal", "what", "wanted", "measured", "verdict"]


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns that name their units."""

    title: str
    columns: list[str]
    rows: Sequence[Sequence[Cell]]


@dataclass
class Result:
    """Everything that one benchmark found; `facts` are those of the machine."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)

    def goal(self, name: str, what: str, measured: float | Ratio | None, limit: float, **more: Any) -> None:
        """Add a goal."""
        self.goals.append(Goal(name, what, measured, limit, **more))


# ---------------------------------------------------------------- JSON


def result_as_json(result: Result) -> dict[str, Any]:
    """The result as plain numbers and words; numbers have DIGITS significant digits."""
    found: dict[str, Any] = _rounded(asdict(result))
    return found


def result_from_json(data: dict[str, Any]) -> Result:
    """The result with the numbers and words of `result_as_json`.

    >>> result = Result("a", "A", [Table("t", ["x"], [[Ratio(1, 1, 1)]])], [Goal("G1", "w", 2.0, 1.0)])
    >>> result_from_json(result_as_json(result)) == result
    True
    """
    tables = [Table(t["title"], t["columns"], [[_ratio_or_cell(c) for c in row] for row in t["rows"]])
              for t in data["tables"]]
    goals = [Goal(**goal | {"measured": _ratio_or_cell(goal["measured"])}) for goal in data["goals"]]
    return Result(**data | {"tables": tables, "goals": goals})


def _ratio_or_cell(cell: Any) -> Any:
    return Ratio(**cell) if isinstance(cell, dict) else cell


def _rounded(x: Any) -> Any:
    if isinstance(x, dict):
        return {name: _rounded(value) for name, value in x.items()}
    if isinstance(x, list | tuple):
        return [_rounded(value) for value in x]
    return float(f"{x:.{DIGITS}g}") if isinstance(x, float) and math.isfinite(x) else x


# ---------------------------------------------------------------- words


def number_text(x: Cell) -> str:
    """A cell as text: three significant digits; a ratio with its quartiles.

    >>> [number_text(x) for x in (12345.6, 0.12345, 1e-7, None, "a", Ratio(2, 1.5, 2.5))]
    ['12,346', '0.123', '1e-07', '-', 'a', 'x2 (1.5 to 2.5)']
    """
    if isinstance(x, Ratio):
        return f"x{number_text(x.middle)} ({number_text(x.low)} to {number_text(x.high)})"
    if x is None:
        return "-"
    if isinstance(x, str):
        return x
    return f"{x:,.0f}" if isinstance(x, int) or abs(x) >= 100 else f"{x:.3g}"


def number_with_unit(x: float | Ratio, unit: str) -> str:
    """A number and its unit; x stands before it, other units after it.

    >>> number_with_unit(2.0, "x"), number_with_unit(2.0, "ms")
    ('x2', '2 ms')
    """
    if isinstance(x, Ratio):
        return number_text(x)
    return f"x{number_text(x)}" if unit == "x" else f"{number_text(x)} {unit}".strip()


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The lines of a table, aligned, so that a terminal shows it as well.

    >>> markdown_table(["a", "b"], [["x", 1.5]])
    ['| a | b   |', '|---|-----|', '| x | 1.5 |']
    """
    texts = [list(columns), *([number_text(cell) for cell in row] for row in rows)]
    wide = [max(len(row[n]) for row in texts) for n in range(len(columns))]
    lines = ["| " + " | ".join(text.ljust(w) for text, w in zip(row, wide)) + " |" for row in texts]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in wide) + "|", *lines[1:]]


def result_lines(result: Result) -> list[str]:
    """The tables and the notes of a result, for a page and a terminal."""
    lines = []
    for table in result.tables:
        lines += [f"**{table.title}**", "", *markdown_table(table.columns, table.rows), ""]
    return lines + [line for note in result.notes for line in (note, "")]
