"""A chapter as a teacher needs it: its sections, prompts and exercises in their order, its figures, and notes on it.

The chapter is read from its source and its executed solution. The notes for the teacher are written by hand in
src/NN_topic.toml. This module compares the two: a note about a prompt, a mistake or a figure that the chapter does not
have raises ValueError.
"""
from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat

from linviz.course import checks, quizzes
from linviz.course.chapter import Chapter
from linviz.course.chapter_source import cell_tags, read_chapter, tag_number
from linviz.course.exercise import Exercise
from linviz.course.prediction_cells import is_prediction_cell
from linviz.course.quiz import Quiz
from linviz.grade.marks import Worth

HERE = Path(__file__).resolve().parent
BOOKS = HERE.parent / "notebooks"
PLOTLY = "application/vnd.plotly.v1+json"
MARK = re.compile(r"^## (?P<number>\d+) · (?P<title>.+)$|^> \*\*Predict(?P<prompt>(?:.|\n> ?)*)", re.MULTILINE)


@dataclass(frozen=True)
class Event:
    """The start of a section, a prompt, or an exercise: its kind, its number, its text, and the number of its cell."""

    kind: str
    number: str
    text: str
    cell: int


class Lesson:
    """A chapter with its notes."""

    def __init__(self, chapter: Chapter, notes: dict[str, Any]) -> None:
        self.chapter, self.notes = chapter, notes
        self.name, self.number, self.front = chapter.name, chapter.number, chapter.front
        self.title = f"{chapter.number} · {chapter.front['title']}"
        fit(self)

    @cached_property
    def events(self) -> list[Event]:
        """Sections, prompts and exercises in the order of the chapter."""
        found: list[Event] = []
        for n, cell in enumerate(self.chapter.cells):
            if "exercise" in cell_tags(cell):
                e = tomllib.loads(cell.source)
                found.append(Event("exercise", e["number"], e["title"], n))
            elif cell.cell_type == "markdown" and not cell_tags(cell):
                found += [_event(mark, n) for mark in MARK.finditer(cell.source)]
        return found

    @property
    def sections(self) -> dict[int, str]:
        """Title of each numbered section."""
        return {int(e.number): e.text for e in self.events if e.kind == "section"}

    @property
    def prompts(self) -> list[Event]:
        """The predictions that the chapter asks for, in its order."""
        return [e for e in self.events if e.kind == "prompt"]

    @property
    def worths(self) -> dict[str, Worth]:
        """Its exercises with their points."""
        return {e["number"]: Worth(e["number"], e["title"], e["difficulty"], e["importance"], e["minutes"])
                for e in self.chapter.exercises}

    def stub(self, number: str) -> str:
        """Signature and docstring of the function that an exercise asks for."""
        source = next(c.source for c in self.chapter.cells if tag_number(c, "answer") == number)
        return source[source.index("def "):source.index("    # solution")].rstrip()

    @property
    def quiz(self) -> Quiz:
        """Its quiz."""
        return quizzes.ALL[self.number]

    def minutes(self, section: int) -> int:
        """Minutes to teach a section; 0 if learners read it at home."""
        return int(self.notes["minutes"].get(str(section), 0))

    def _is_current(self, cells: list[Any]) -> bool:
        """Whether the cells of a solution are those of today's source; answers, which lose their marks, aside."""
        shared = [(n, c) for n, c in enumerate(self.chapter.cells)
                  if c.cell_type == "code" and not tag_number(c, "answer")]
        return len(cells) == len(self.chapter.cells) + 1 and all(cells[n].source == c.source for n, c in shared)

    @cached_property
    def outputs(self) -> list[list[dict[str, Any]]]:
        """The outputs of the executed solution, cell by cell; ValueError if the solution is older than its source."""
        path = BOOKS / "solutions" / f"{self.name}.ipynb"
        cells = _lesson_cells(path) if path.exists() else []
        if not self._is_current(cells):
            raise ValueError(f"notebooks/solutions/{path.name} is missing or older than its source: "
                             f"run `python notebooks/build.py {self.number}` before `python -m teaching.pack`")
        return [[o["data"] for o in cell.get("outputs", []) if o.get("data")] for cell in cells]

    @cached_property
    def figures(self) -> list[dict[str, Any]]:
        """All figures of the executed solution, in order."""
        return [data for cell in self.outputs for data in cell
                if PLOTLY in data or "image/jpeg" in data or "<img" in data.get("text/html", "")]

    def said(self, prompt: Event) -> list[str]:
        """The texts that the cells print after a prompt, up to the next exercise, prompt or section.

        Where an exercise follows at once, its cells contain the answer.
        """
        ends = [e.cell for e in self.events if e.cell > prompt.cell] + [len(self.outputs)]
        if not any(cell.cell_type == "code" for cell in self.chapter.cells[prompt.cell:ends[0]]):
            ends = [e.cell for e in self.events if e.cell > prompt.cell and e.kind != "exercise"] + [len(self.outputs)]
        cells = self.outputs[prompt.cell + 1:ends[0]]
        texts = (d["text/markdown"] for cell in cells for d in cell if "text/markdown" in d)
        plain = (re.sub(r"</?data[^>]*>", "", text) for text in texts)
        return [text for text in plain if not text.startswith(("Yours ", "Your ", "**1.**"))]


def _lesson_cells(path: Path) -> list[Any]:
    """The cells of a solution without those that were added for predictions: as many as its source has, and one."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if not is_prediction_cell(cell)]


def _event(mark: re.Match[str], cell: int) -> Event:
    if mark["number"]:
        return Event("section", mark["number"], mark["title"], cell)
    text = re.sub(r"\s*\n> ?", " ", mark["prompt"])
    return Event("prompt", "", re.sub(r"^[^*]*\*\*\s*", "", text).strip(), cell)


def check_of(number: str) -> Exercise:
    """The check of an exercise, by its number; KeyError if there is none.

    >>> check_of("1.1").name
    'soft_lookup'
    """
    return {e.number: e for e in checks.ALL.values()}[number]


# ------------------------------------------------------------------------------------------------ notes and chapter


def fit(lesson: Lesson) -> None:
    """Raise ValueError, in one sentence, if the notes name something that the chapter does not have."""
    notes, where = lesson.notes, f"teaching/src/{lesson.name}.toml"
    planned, meant = sum(notes["minutes"].values()), lesson.front["minutes"]["reading"]
    if planned != meant:
        raise ValueError(f"{where}: its sections have {planned} minutes, and the chapter says {meant} to read")
    if strange := set(notes["minutes"]) - set(map(str, lesson.sections)):
        raise ValueError(f"{where}: the chapter has no section {', '.join(sorted(strange))}")
    if len(notes["predict"]) != len(lesson.prompts):
        raise ValueError(f"{where}: {len(notes['predict'])} answers to {len(lesson.prompts)} prompts")
    for prompt, note in zip(lesson.prompts, notes["predict"], strict=True):
        if note["asks"] not in prompt.text:
            raise ValueError(f"{where}: the prompt no longer contains {note['asks']!r}; it begins {prompt.text[:80]!r}")
    for note in notes["stuck"]:
        if "exercise" in note and note["when"] not in check_of(note["exercise"]).wrong:
            raise ValueError(f"{where}: the check of {note['exercise']} knows no mistake {note['when']!r}")
    for slide in notes["slide"]:
        figure(lesson, slide)
        if slide["section"] not in lesson.sections:
            raise ValueError(f"{where}: a slide for section {slide['section']}, which does not exist")


def figure(lesson: Lesson, slide: dict[str, Any]) -> dict[str, Any] | None:
    """The figure that a slide names as "NUMBER: words of its title or description"; None if it names none."""
    if "figure" not in slide:
        return None
    number, words = slide["figure"].split(": ", 1)
    found = lesson.figures[int(number) - 1] if int(number) <= len(lesson.figures) else {}
    if words not in words_of(found):
        raise ValueError(f"teaching/src/{lesson.name}.toml: figure {number} says {words_of(found)[:90]!r}, "
                         f"not {words!r}")
    return found


def words_of(data: dict[str, Any]) -> str:
    """Title and description of a figure."""
    title = data.get(PLOTLY, {}).get("layout", {}).get("title", {}).get("text", "")
    return " ".join(filter(None, (title, "".join(data.get("text/plain", "")))))


def lessons() -> list[Lesson]:
    """Every chapter with its notes, in order; ValueError if a chapter has no notes."""
    found = []
    for source in sorted((BOOKS / "src").glob("[0-9]*.py")):
        notes = HERE / "src" / f"{source.stem}.toml"
        if not notes.exists():
            raise ValueError(f"chapter {source.stem} has no notes for teachers: write teaching/src/{notes.name}")
        found.append(Lesson(read_chapter(source), tomllib.loads(notes.read_text(encoding="utf-8"))))
    return found
