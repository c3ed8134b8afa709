"""The chapters as assignments of nbgrader, for a school that already grades with it.

    python -m teaching.nbgrader_export DIR [4 13 ...]     writes DIR/source/NN_topic/NN_topic.ipynb and a configuration

Then, in DIR, `nbgrader generate_assignment NN_topic` takes the solutions out, and `nbgrader autograde` runs what was
handed in. The answer of each exercise is a cell between BEGIN SOLUTION and END SOLUTION. A locked cell after it asks
the check, and gives the points of the exercise. nbgrader is no part of linviz: `pip install nbgrader`.
"""
from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from linviz.atomic_write import write_atomically
from linviz.course.chapter_source import Cell, tag_number
from linviz.safe_output import check_output

from .outline import BOOKS, Lesson, check_of, lessons

CONFIG = """c = get_config()
c.CourseDirectory.course_id = "linviz"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.Execute.timeout = 300
"""


def assignment(lesson: Lesson) -> Any:
    """A chapter as nbgrader's instructor version: the learner's notebook with marked answers and a test for each."""
    answers = {number: c.source for c in lesson.chapter.cells if (number := tag_number(c, "answer"))}
    book = nbformat.read(BOOKS / f"{lesson.name}.ipynb", as_version=4)
    cells: list[Cell] = []
    for cell in book.cells:
        number = tag_number(cell, "answer")
        if number is None:
            cells.append(cell)
        else:
            cell.source = marked_answer(answers[number])
            cells += [_graded(cell, grade_id("answer", number), solution=True), _test_cell(lesson, number)]
    book.cells = cells
    return book


def grade_id(kind: str, number: str) -> str:
    """The name of a cell in nbgrader, which takes letters, digits, - and _ alone.

    >>> grade_id("answer", "14.1")
    'answer-14-1'
    """
    return f"{kind}-{number.replace('.', '-')}"


def marked_answer(source: str) -> str:
    """An answer of a chapter's source with nbgrader's marks around its solution, without the call of its check.

    >>> print(marked_answer("def f(x):\\n    # solution\\n    return x\\n    # end\\n\\n\\nchecks.f(f)"))
    def f(x):
        ### BEGIN SOLUTION
        return x
        ### END SOLUTION
    """
    source = re.sub(r"^( *)# solution$", r"\1### BEGIN SOLUTION", source, flags=re.MULTILINE)
    source = re.sub(r"^( *)# end$", r"\1### END SOLUTION", source, flags=re.MULTILINE)
    return re.sub(r"\n+checks\.\w+\(\w+\)\s*$", "", source)


def _test_cell(lesson: Lesson, number: str) -> Cell:
    name = check_of(number).name
    cell = nbformat.v4.new_code_cell(f"from linviz.course import checks\n\nverdict = checks.{name}.judge({name})\n"
                                     "print(verdict)\nassert verdict.passed, str(verdict)")
    return _graded(cell, grade_id("check", number), points=lesson.worths[number].points)


def _graded(cell: Cell, name: str, solution: bool = False, points: int | None = None) -> Cell:
    cell.metadata["nbgrader"] = {"cell_type": "code", "grade": points is not None, "grade_id": name, "task": False,
                                 "locked": not solution, "schema_version": 3, "solution": solution,
                                 **({} if points is None else {"points": points})}
    return cell


def write_course(folder: Path, every: Sequence[Lesson]) -> list[Path]:
    """Write a course directory. ValueError, in one sentence, if one of its files exists already."""
    texts = {folder / "source" / e.name / f"{e.name}.ipynb": nbformat.writes(assignment(e)) + "\n" for e in every}
    texts[folder / "nbgrader_config.py"] = CONFIG
    for path in texts:
        if path.parent.is_dir():
            check_output(path)
    return [write_atomically(path, text, folder=True) for path, text in texts.items()]


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 when all is well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="the course directory of nbgrader, new or without these files")
    parser.add_argument("chapters", nargs="*", type=int, help="numbers of the chapters (all)")
    given = parser.parse_args(arguments)
    try:
        every = [lesson for lesson in lessons() if not given.chapters or lesson.number in given.chapters]
        if not every:
            raise ValueError(f"there is no chapter {', '.join(map(str, given.chapters))}")
        files = write_course(given.folder, every)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(files) - 1} assignments in {given.folder}; there, run `nbgrader generate_assignment {every[0].name}`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
