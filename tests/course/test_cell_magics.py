"""Magics in a learner's notebook are read as IPython reads them."""
from __future__ import annotations

import pytest

from linviz.grade.cell_magics import python_of_cell, written_files
from linviz.grade.library_uses import library_uses
from linviz.grade.slices import answer_statement, parse_statements

ANSWER = "def f(x):\n    return x + 1"
KEPT = ["%%time\n", "\n\n%%time\n", "%%capture out\n", "%%capture --no-stderr\n", "%%prun\n", "%%prun -l 5\n",
        "%pylab\n", "%matplotlib inline\n", "%load_ext autoreload\n%autoreload 2\n", "!pip list\n", "files = !ls\n",
        "here = %pwd\n",
        "?len\n", "len?\n", "len??\n", "%time y = 2\n", "%timeit sum([1])\n", "%%time\n%config X=1\n"]
GONE = ["%%timeit\n", "%%timeit -n 3\n", "%%bash\n", "%%html\n", "%%javascript\n", "%%writefile f.py\n", "%%python\n",
        "%%markdown\n", "%%no_such_magic\n"]


def value_of(*cells: str, **files: str) -> object:
    """f(1) after these cells have run."""
    found, broken = parse_statements(cells, {f"{name}.py": text for name, text in files.items()})
    assert not broken, broken
    space: dict = {}
    for statement in found:
        exec(statement.text, space)
    return space["f"](1)


@pytest.mark.parametrize("magic", KEPT)
def test_an_answer_below_a_magic_that_runs_it_counts(magic: str) -> None:
    assert value_of(magic + ANSWER) == 2


@pytest.mark.parametrize("magic", GONE)
def test_an_answer_that_ipython_would_not_define_does_not_count(magic: str) -> None:
    found, broken = parse_statements([magic + ANSWER])
    assert not broken and answer_statement(found, "f") is None


def test_what_only_looks_like_a_magic_is_python() -> None:
    text = 's = """\n%time\n"""\ny = 7 %3\nz = (7\n%3)'
    assert python_of_cell(text, {}) == text
    assert python_of_cell(">>> x = 1\n", {}).strip() == "x = 1"


@pytest.mark.parametrize("cell", ["%time " + "f = lambda x: x + 1", "%prun -l 5 f = lambda x: x + 1", "%run helper.py",
                                  "%time %run helper.py", "if True:\n    %time f = lambda x: x + 1"])
def test_a_magic_on_a_line_runs_its_code(cell: str) -> None:
    assert value_of(cell, helper=ANSWER) == 2


def test_files_are_written_and_added_to() -> None:
    cells = ["%%writefile a.py\nx = 1\n", "%%file b.py\ny = 2\n", "%%writefile -a a.py\nz = 3\n",
             "%%writefile no/c.py\n"]
    assert written_files(cells) == {"a.py": "x = 1\nz = 3\n", "b.py": "y = 2\n"}


@pytest.mark.parametrize("text, uses", [
    ("from linviz.course import checks as c", ["linviz.course.checks"]), ("import linviz", ["linviz"]),
    ("import linviz.mechanisms.softmax as s", ["linviz.mechanisms.softmax"]), ("import math", []),
    ("__import__('linviz.course')", ["the text 'linviz.course'"]), ('"""As linviz does it."""', []), ("def (", [])])
def test_uses_of_the_library_are_found(text: str, uses: list[str]) -> None:
    assert library_uses([text]) == uses
