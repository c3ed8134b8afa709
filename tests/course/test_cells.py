"""What cells show and say; an exercise still to be written says so in one line."""
from __future__ import annotations

import json

import plotly.graph_objects as go
from IPython.core.interactiveshell import InteractiveShell

from linviz.course import explorer, table
from linviz.course.cells import calm_unwritten, folded_words
from linviz.figures.mime import PLOTLY, mime_bundle


def test_a_stored_figure_is_json_with_its_words_and_no_address() -> None:
    stored = mime_bundle(go.Figure(go.Scatter(x=[1, 2], y=[3.0, 4.0]), layout={"meta": {"alt": "two points"}}))
    assert stored["text/plain"] == "two points" and "http" not in json.dumps(stored[PLOTLY])


def test_words_are_escaped() -> None:
    assert "<b>" not in folded_words("<b>bold</b>")


def test_a_table_lines_up_its_numbers() -> None:
    lines = table(["a", "b"], [["x", "1"], ["y", "2"]]).splitlines()
    assert lines == ["| a | b |", "|:---|---:|", "| x | 1 |", "| y | 2 |"]


def test_the_explorers_address_is_written_safely() -> None:
    assert explorer(spec="relu_floor+gate") == "http://localhost:8501/?spec=relu_floor%2Bgate"


class Shell(InteractiveShell):
    """Keeps what it is told to show."""

    said: list = []

    def _showtraceback(self, etype, evalue, stb) -> None:
        type(self).said.append((etype.__name__, len(stb), "\n".join(stb)))


def test_only_an_exercise_is_told_in_one_line() -> None:
    shell = Shell()
    calm_unwritten(shell)
    for source in ("raise NotImplementedError('Exercise 1.1: f is still to be written.')",
                   "raise NotImplementedError('else')", "1 / 0"):
        shell.run_cell(source)
    one, other, third = Shell.said
    assert one == ("NotImplementedError", 1, "Exercise 1.1: f is still to be written.")
    assert other[0] == "NotImplementedError" and "Traceback" in other[2]
    assert third[0] == "ZeroDivisionError" and "Traceback" in third[2]
