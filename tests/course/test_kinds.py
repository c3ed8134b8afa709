"""Kinds of exercises over the whole course: bugs to find, blocks to build, pictures to explain, models to train.

An exercise says its kind in the field `kind`, or in its title or task; a quiz question asks for a caption.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linviz.course import quizzes
from linviz.course.chapter import KINDS, exercise_cell
from linviz.course.chapter_source import read_chapter
from linviz.grade.marks import HEAD

SOURCES = sorted((Path(__file__).parents[2] / "notebooks" / "src").glob("[0-9]*.py"))
WANTED = {"find the bug": 5, "build the block": 3, "explain the picture": 5, "train and report": 2}


def kinds_of(exercise: dict[str, Any]) -> set[str]:
    """The kinds of an exercise."""
    text = " ".join(f"{exercise.get('kind', '')} {exercise['title']} {exercise['task']}".lower().split())
    return {kind for kind in KINDS if kind in text}


def counted_kinds() -> dict[str, int]:
    """How many exercises and quiz questions of each kind the course has."""
    exercises = [e for path in SOURCES for e in read_chapter(path).exercises]
    found = {kind: sum(kind in kinds_of(e) for e in exercises) for kind in KINDS}
    found["explain the picture"] += sum("caption" in q.ask.lower() for quiz in quizzes.ALL.values()
                                        for q in quiz.questions)
    return found


def test_the_course_has_enough_of_every_kind() -> None:
    found = counted_kinds()
    assert tuple(WANTED) == KINDS and {kind: n for kind, n in WANTED.items() if found[kind] < n} == {}


def test_a_kind_that_is_declared_is_known() -> None:
    assert {e["kind"] for path in SOURCES for e in read_chapter(path).exercises if "kind" in e} <= set(KINDS)


@pytest.mark.parametrize("exercise, kinds", [
    ({"title": "Find the bug", "task": "x"}, {"find the bug"}), ({"title": "A", "task": "x"}, set()),
    ({"title": "A", "task": "Train and\nreport.", "kind": "build the block"}, {"train and report", "build the block"})])
def test_kinds_are_read(exercise: dict[str, Any], kinds: set[str]) -> None:
    assert kinds_of(exercise) == kinds


def test_the_text_of_an_exercise_names_its_kind() -> None:
    e = {"number": "1.1", "title": "T", "difficulty": 1, "importance": 1, "minutes": 2, "task": "x", "see": "y",
         "hints": ["a", "b", "c"]}
    assert "*Difficulty ●" in exercise_cell(e) and "*Find the bug. Difficulty ●" in exercise_cell(
        e | {"kind": "find the bug"})
    assert all(HEAD.search(exercise_cell(e | more)) for more in ({}, {"kind": "train and report"}))
