"""The code cells that a format's plan runs, in its order: of its sections, its exercises and its homework.

The first code cell of a chapter imports what the others need. It is always run, also where a plan begins with a later
section. A cell that needs several exercises is run with the last of them, if the others have been solved before.
"""
from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from linviz.course.chapter_source import Cell, cell_tags

from .outline import Lesson


def plan_cells(plan: dict[str, Any], by_number: Mapping[int, Lesson]) -> dict[int, list[Cell]]:
    """The cells of a format, chapter by chapter, as a learner runs them who does exactly what the plan says."""
    out: dict[int, list[Cell]] = {}
    solved: set[str] = set()
    for chapter, sections, exercises in plan_steps(plan):
        solved |= set(exercises)
        cells = placed_cells(by_number[chapter])
        own = out.setdefault(chapter, [cells[0][0]])
        own += [cell for cell, section, needed in cells[1:]
                if (needed[-1] in exercises and solved.issuperset(needed) if needed else section in sections)]
    return out


def plan_steps(plan: dict[str, Any]) -> Iterator[tuple[int, Collection[int], Collection[str]]]:
    """Every step of a format: a chapter with some of its sections and exercises; homework follows its session."""
    for session in plan["session"]:
        for block in session["block"]:
            if "chapter" in block:
                yield block["chapter"], block.get("sections", ()), block.get("exercises", ())
        for number in session.get("homework", ()):
            yield int(number.partition(".")[0]), (), [number]


def placed_cells(lesson: Lesson) -> list[tuple[Cell, int, list[str]]]:
    """Every code cell of a chapter, its section, and the exercises that must be solved before it runs, in order."""
    starts = {event.cell: int(event.number) for event in lesson.events if event.kind == "section"}
    out, section = [], 0
    for n, cell in enumerate(lesson.chapter.cells):
        section = starts.get(n, section)
        if cell.cell_type == "code":
            words = (tag.partition(":") for tag in cell_tags(cell))
            out.append((cell, section, sorted(number for kind, _, number in words if kind in ("answer", "needs"))))
    return out
