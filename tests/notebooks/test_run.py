"""Every chapter runs, in time, without a network: solutions without a word on stderr, learners' up to the exercises."""
from __future__ import annotations

import nbformat
import pytest

from . import sides
from .books import NAMES, code, load, outputs, ran, run, run_both, seconds

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


CELLS = [  # of a learner, of a solution
    ("def f():\n    raise NotImplementedError\nf()", "def f():\n    return 1\nf()"),
    ("x = 5\ny = x + f()", ""), ("print(x)", ""), ("def g():\n    return y", ""), ("g()", ""), ("y = 7", ""), ("y", "")]


def said(cell) -> str:
    """What came out of a cell, in short."""
    return " ".join(o.get("ename") or o.get("text") or o.data["text/plain"] for o in cell.outputs).strip()


def test_one_run_tells_both_notebooks_apart() -> None:
    """What an answer gives reaches the solution alone, through variables and through functions."""
    books = [nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c[n] or c[0]) for c in CELLS]) for n in (0, 1)]
    for book in books:
        book.cells[1].metadata.tags = ["needs:1"]
    found = run_both(*books)
    mine, solved = ([said(cell) for cell in found[kind].cells] for kind in ("learner", "solution"))
    assert mine == ["NotImplementedError", "NotImplementedError", "5", "", "NameError", "", "7"]
    assert solved == ["1", "", "5", "", "6", "", "7"]


def test_what_solving_does_not_change_runs_once() -> None:
    for name in NAMES:
        pair = [code(load(name, kind)) for kind in ("learner", "solution")]
        cells, _ = sides.together(*pair)
        twice = sum(c.source == sides.SWITCHES["solved"] for c in cells)
        assert len(cells) == 1 + len(pair[0]) + 3 * twice and 0 < twice < len(pair[0]) * 2 / 3, name


@each
@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["learner", "solution"])
def test_a_notebook_alone_says_what_it_says_in_the_run_of_both(name: str, kind: str) -> None:
    """The same cells raise, and words, tables and figures come out of the same others."""
    alone, beside = (([(o.output_type, o.get("ename"), sorted(o.get("data", {}))) for o in cell.outputs]
                      for cell in code(book)) for book in (run(load(name, kind)), ran(name, kind)))
    assert list(alone) == list(beside)


def test_a_warning_inside_linviz_is_an_error_in_a_notebook_under_test() -> None:
    source = "import sys, warnings\nwarnings.warn_explicit('old', DeprecationWarning, 'x.py', 1, module='linviz.maps')"
    assert run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])).cells[0].outputs[0].ename == (
        "DeprecationWarning")


def test_a_notebook_under_test_has_no_network() -> None:
    cell = nbformat.v4.new_code_cell("import urllib.request; urllib.request.urlopen('http://example.org')")
    book = run(nbformat.v4.new_notebook(cells=[cell]))
    assert "may not reach for another machine" in "".join(book.cells[0].outputs[-1].traceback)
