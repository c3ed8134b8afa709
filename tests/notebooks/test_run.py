"""Every chapter runs, in time, without a network: solutions without a word on stderr, learners' up to the exercises."""
from __future__ import annotations

import nbformat
import pytest

from .books import NAMES, code, load, outputs, ran, run, seconds

CELL, BOOK, COURSE = 10, 60, 240  # seconds
MEMORY = 2e9  # bytes
each = pytest.mark.parametrize("name", NAMES)
pytestmark = pytest.mark.xdist_group("chapters that are run")  # each once, though several tests ask


@each
def test_a_solution_runs_without_errors_warnings_or_a_word_on_stderr(name: str) -> None:
    said = [(cell.id, o.get("ename") or o.get("text")) for cell, o in outputs(ran(name, "solution"))
            if o.output_type == "error" or o.get("name") == "stderr"]
    assert said == []


@each
def test_every_check_in_a_solution_says_right(name: str) -> None:
    said = [o.text for cell, o in outputs(ran(name, "solution")) if "\nchecks." in cell.source and "text" in o]
    answers = [c for c in code(load(name, "solution")) if c.metadata.get("tags", [""])[0].startswith("answer:")]
    assert len(said) == len(answers) > 0 and all(text.startswith("✓") for text in said), said


@each
def test_a_learners_notebook_stops_in_its_exercises_and_what_needs_them_only(name: str) -> None:
    book = ran(name, "learner")
    raised = {cell.id: o.ename for cell, o in outputs(book) if o.output_type == "error"}
    declared = {cell.id for cell in code(book)
                if any(tag.startswith(("answer:", "needs:")) for tag in cell.metadata.get("tags", []))}
    assert set(raised) == declared and set(raised.values()) == {"NotImplementedError"}


@each
def test_an_exercise_still_to_be_written_is_one_line_and_no_traceback(name: str) -> None:
    for _, o in outputs(ran(name, "learner")):
        if o.output_type == "error":
            assert len(o.traceback) == 1 and o.traceback[0].endswith("is still to be written.")


@each
@pytest.mark.parametrize("kind", ["learner", "solution"])
def test_no_cell_takes_ten_seconds_and_no_notebook_a_minute(name: str, kind: str) -> None:
    times = {cell.source[:40]: seconds(cell) for cell in code(ran(name, kind))}
    assert max(times.values()) < CELL, max(times, key=times.get)
    assert sum(times.values()) < BOOK, sum(times.values())


@pytest.mark.parametrize("kind", ["learner", "solution"])
def test_all_chapters_together_take_four_minutes(kind: str) -> None:
    times = {name: sum(map(seconds, code(ran(name, kind)))) for name in NAMES}
    assert sum(times.values()) < COURSE, times


@each
@pytest.mark.parametrize("kind", ["learner", "solution"])
def test_a_notebook_stays_below_two_gigabytes(name: str, kind: str) -> None:
    assert 1e8 < ran(name, kind).metadata["peak"] < MEMORY


def test_a_warning_inside_linviz_is_an_error_in_a_notebook_under_test() -> None:
    source = "import sys, warnings\nwarnings.warn_explicit('old', DeprecationWarning, 'x.py', 1, module='linviz.maps')"
    assert run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])).cells[0].outputs[0].ename == (
        "DeprecationWarning")


def test_a_notebook_under_test_has_no_network() -> None:
    cell = nbformat.v4.new_code_cell("import urllib.request; urllib.request.urlopen('http://example.org')")
    book = run(nbformat.v4.new_notebook(cells=[cell]))
    assert "may not reach for another machine" in "".join(book.cells[0].outputs[-1].traceback)
