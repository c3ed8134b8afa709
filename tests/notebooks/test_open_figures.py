"""A learner reads how a figure is made: every chapter has a cell that calls plotly or ipywidgets itself."""
from __future__ import annotations

import ast
from collections.abc import Collection

import pytest

from .books import NAMES, code, load, outputs

LIBRARIES = ("plotly", "ipywidgets")


def imported_names(tree: ast.AST) -> dict[str, str]:
    """The names by which a chapter calls plotly and ipywidgets: name -> library."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {a.asname or a.name.split(".")[0]: a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {a.asname or a.name: node.module.split(".")[0] for a in node.names}
    return {name: library for name, library in found.items() if library in LIBRARIES}


def open_calls(sources: Collection[str]) -> list[set[str]]:
    """For every cell the libraries that it calls by their names, also as a decorator."""
    trees = [ast.parse(source) for source in sources]
    names = {name: library for tree in trees for name, library in imported_names(tree).items()}
    out = []
    for tree in trees:
        calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
        roots = {n.id for call in calls for n in ast.walk(call) if isinstance(n, ast.Name)}
        out.append({names[name] for name in roots if name in names})
    return out


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_makes_a_figure_or_a_control_in_the_open(name: str) -> None:
    assert any(open_calls([cell.source for cell in code(load(name, "learner"))])), (
        "let one cell call plotly.graph_objects or ipywidgets itself, where a learner reads the call")


def test_some_chapters_make_their_controls_in_the_open() -> None:
    found = [name for name in NAMES if any("ipywidgets" in libraries for libraries in
                                           open_calls([c.source for c in code(load(name, "learner"))]))]
    assert len(found) >= 2


def test_a_call_behind_a_helper_is_none() -> None:
    assert open_calls(["import plotly.graph_objects as go", "go.Figure(go.Bar())", "show(curves([1]))"]) == [
        set(), {"plotly"}, set()]
    assert open_calls(["import ipywidgets\n@ipywidgets.interact(x=3)\ndef f(x): ...", "from plotly import io"]) == [
        {"ipywidgets"}, set()]


def test_what_interact_shows_first_is_stored() -> None:
    """Without a kernel there are no controls, but the words of the first setting."""
    for name in NAMES:
        book = load(name, "solution")
        for cell in code(book):
            if "ipywidgets.interact(" in cell.source:
                assert cell.outputs and not any("interactive(" in o.get("data", {}).get("text/plain", "")
                                                for c, o in outputs(book) if c is cell), cell.source
