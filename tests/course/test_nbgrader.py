"""The export to nbgrader: marked answers, locked tests, all points; at night a real nbgrader grades with it."""
from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from linviz.grade.marks import exercise_marks
from teaching.nbgrader_export import assignment, grade_id, main, write_course
from teaching.outline import BOOKS, Lesson, lessons

EVERY = {lesson.number: lesson for lesson in lessons()}


@pytest.mark.parametrize("lesson", EVERY.values(), ids=lambda lesson: lesson.name)
def test_every_exercise_is_an_answer_and_a_locked_test_with_its_points(lesson: Lesson) -> None:
    cells = [c for c in assignment(lesson).cells if "nbgrader" in c.metadata]
    marks = {n: w.points for n, w in exercise_marks(BOOKS).items() if int(n.split(".")[0]) == lesson.number}
    names = [c.metadata.nbgrader.grade_id for c in cells]
    assert names == [grade_id(kind, n) for n in marks for kind in ("answer", "check")]
    assert all(re.fullmatch(r"[a-zA-Z0-9_\-]+", name) for name in names)     # nbgrader refuses all others
    for cell in cells:
        mark = cell.metadata.nbgrader
        if mark.solution:
            assert cell.source.count("### BEGIN SOLUTION") == cell.source.count("### END SOLUTION") == 1
            assert "checks." not in cell.source and "# solution" not in cell.source and not mark.locked
        else:
            assert mark.points == marks[mark.grade_id.removeprefix("check-").replace("-", ".")]
            assert mark.locked and "verdict.passed" in cell.source


def test_files_of_a_course_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(write_course(tmp_path / "course", [EVERY[14]])) == 2
    assert main([str(tmp_path / "course"), "14"]) == 1 and main([str(tmp_path / "course"), "99"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "the file exists" in first and second == "there is no chapter 99"


def nbgrader(course: Path, *arguments: str) -> None:
    """Run a real nbgrader in a course, with a kernel that has linviz."""
    kernel = course / "share" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    kernel.write_text(json.dumps({"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                                  "display_name": "linviz", "language": "python",
                                  "env": {"PYTHONPATH": str(BOOKS.parent), "OMP_NUM_THREADS": "1"}}))
    program = Path(os.environ["LINVIZ_NBGRADER"])
    own = {name: x for name, x in os.environ.items() if name != "PYTHONPATH"}
    own |= {"JUPYTER_PATH": str(course / "share"), "HOME": str(course),
            "PATH": f"{program.parent}{os.pathsep}{own['PATH']}"}      # nbgrader starts alembic, which lies beside it
    done = subprocess.run([program, *arguments], cwd=course, capture_output=True, text=True, env=own, timeout=1200)
    assert done.returncode == 0, done.stderr[-3000:]


def write_answers(book: Any, lesson: Lesson, numbers: set[str], change: tuple[str, str] = ("", "")) -> None:
    """Write the right answers of these exercises into a released notebook, with one text in place of another."""
    right = {c.metadata.nbgrader.grade_id: c.source for c in assignment(lesson).cells if "nbgrader" in c.metadata}
    for cell in book.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in {grade_id("answer", number) for number in numbers}:
            assert change[0] in right[name]
            cell.source = right[name].replace(*change) if change[0] else right[name]


@pytest.mark.nightly
def test_a_real_nbgrader_generates_grades_and_exports(tmp_path: Path) -> None:
    """A learner who solved everything, one with a right and a wrong answer, and one who wrote nothing.

    tools/nightly.sh installs nbgrader. Chapter 16 runs in five seconds.
    """
    lesson, course = EVERY[16], tmp_path / "course"
    write_course(course, [lesson])
    nbgrader(course, "generate_assignment", lesson.name)
    released = course / "release" / lesson.name / f"{lesson.name}.ipynb"
    assert "SOLUTION" not in released.read_text("utf-8")
    none: set[str] = set()
    for person, right, wrong in (("ada", set(lesson.worths), none), ("bob", {"16.1"}, {"16.2"}), ("cleo", none, none)):
        book = nbformat.read(released, as_version=4)
        write_answers(book, lesson, right)
        write_answers(book, lesson, wrong, ("0.2", "0.5"))      # another slope of the LeakyReLU
        handed = course / "submitted" / person / lesson.name / released.name
        handed.parent.mkdir(parents=True)
        nbformat.write(book, handed)
    nbgrader(course, "autograde", lesson.name, "--create")
    nbgrader(course, "export")
    rows = {row["student_id"]: row for row in csv.DictReader((course / "grades.csv").open(encoding="utf-8"))}
    most = sum(w.points for w in lesson.worths.values())
    assert {name: float(row["score"]) for name, row in rows.items()} == {
        "ada": most, "bob": lesson.worths["16.1"].points, "cleo": 0}
    shutil.rmtree(course)
