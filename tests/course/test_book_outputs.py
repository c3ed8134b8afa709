"""What a run stores for the book: views in half precision, every figure of a slider, a quiz with its reasons."""
from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

import linviz
from linviz import Grid, clips, make
from linviz.course import book_outputs, quizzes
from linviz.course.book_outputs import LIVE, QUIZ, VIEW, coarser_view, record_for_book
from linviz.course.json_changes import apply_changes, json_changes
from linviz.course.live import Live
from linviz.figures.mime import PLOTLY, mime_bundle
from linviz.figures.theme import empty_figure
from linviz.maps import Dense
from linviz.patch_view import Panel, PatchView, pack, unpack
from linviz.patch_view.half_blob import half_blob, table_factors
from linviz.patch_view.source import strip_imports
from notebooks.book_parts import FILES
from notebooks.output_html import output_html

GRID = Grid(Y=14, X=14)
PHOTO = clips.fit(clips.load("chelsea"), GRID)
QKV = clips.descriptors(PHOTO, GRID)


@pytest.fixture(scope="module")
def shell() -> InteractiveShell:
    """An IPython shell that stores what the book needs."""
    shell = InteractiveShell()
    record_for_book(shell)
    return shell


def forms(shell: InteractiveShell, shown: Any) -> dict[str, Any]:
    data: dict[str, Any] = shell.display_formatter.format(shown)[0]
    return data


def panels(*specs: str) -> list[Panel]:
    made = [make(spec, 1, QKV[0].shape[-1], GRID) for spec in specs]
    return [Panel(m.title, m.family, m.map(*QKV)) for m in made]


def test_a_view_is_stored_in_half_precision_as_it_stands_now(shell: InteractiveShell) -> None:
    view = PatchView(panels("softmax", "relu_floor"), PHOTO, GRID, query=5, outline=torch.arange(196) < 9)
    view.query, view.mode = 77, "heat"
    data = forms(shell, view)
    blob = base64.b64decode(data[VIEW]["blob"])
    asked = pack(panels("softmax", "relu_floor"), PHOTO, GRID, query=77, half=True, mode="heat",
                 outline=torch.arange(196) < 9)
    stored, packed = unpack(blob), unpack(asked)
    assert len(blob) < 1.01 * len(asked) and stored["set"]["query"] == 77 and stored["set"]["mode"] == "heat"
    for one, other in zip(stored["panels"], packed["panels"], strict=True):
        assert all(np.array_equal(x, other["wire"][name]) for name, x in one["wire"].items())
    assert np.array_equal(stored["outline"], packed["outline"]) and "text/html" in data


def test_what_linviz_view_gives_is_alive_too(shell: InteractiveShell) -> None:
    data = forms(shell, linviz.view("coffee", "uniform", patches=7))
    assert unpack(base64.b64decode(data[VIEW]["blob"]))["grid"] == [1, 7, 7]


def test_a_table_of_low_rank_becomes_factors_and_any_other_stays() -> None:
    low, full = (make(spec, 1, 16, GRID).double().map(*(x.double() for x in QKV)).dense().float()
                 for spec in ("relu_floor", "softmax"))
    view = [Panel("low", "kernel", Dense(low)), Panel("full", "softmax", Dense(full))]
    stored = unpack(half_blob(pack(view, PHOTO, GRID, query=0)))["panels"]
    one, other = (panel["wire"] for panel in stored)
    assert one["kind"] == "factored" and one["left"].shape == (196, 16)
    rows = one["left"].astype(np.float64) @ one["right"].T
    assert (np.abs(rows - low[0, 0].numpy()).max(1) <= 2.0 ** -20 * low[0, 0].numpy().max(1)).all()
    assert other["kind"] == "rows" and np.allclose(other["rows"], full[0, 0].numpy(), rtol=2.0 ** -10)
    assert table_factors(np.zeros((64, 64), np.float32)) is not None


def test_fewer_bits_are_fewer_bytes_and_a_stated_error() -> None:
    table = torch.rand(1, 1, 196, 196, generator=torch.Generator().manual_seed(0)) ** 8
    stored = {"blob": base64.b64encode(half_blob(pack([Panel("a", "softmax", Dense(table, stochastic=False))], PHOTO,
                                                      GRID, query=0))).decode()}
    few = unpack(base64.b64decode(coarser_view(stored, 5)["blob"]))["panels"][0]["wire"]["rows"]
    exact = table[0, 0].numpy()
    assert 2.0 ** -8 < np.abs(few / exact - 1)[exact > 1e-3].max() <= 1.05 * 2.0 ** -6
    note = output_html(_output({VIEW: coarser_view(stored, 5), "image/jpeg": "", "text/plain": "a"}))
    assert "by at most 1.6 %" in note


def drawn(x: float) -> go.Figure:
    figure = empty_figure(f"a line of slope {x}")
    figure.add_scatter(x=[0, 1, 2, 3], y=[0, x, 2 * x, 3 * x], name=f"slope {x}")
    return figure.add_hline(y=x) if x > 2 else figure


def test_a_slider_stores_every_figure_and_its_words(shell: InteractiveShell) -> None:
    values = (0.0, 1.5, 2.5, 4.0)
    live = forms(shell, Live(drawn, values, label="slope", start=1.5, form=".1f"))[LIVE]
    assert live["values"] == ["0.0", "1.5", "2.5", "4.0"] and live["start"] == 1 and live["of"] == 4
    for value, change, words in zip(values, live["changes"], live["words"], strict=True):
        assert apply_changes(live["figure"], change) == mime_bundle(drawn(value))[PLOTLY]
        assert words == f"a line of slope {value}"
    assert len(json.dumps(live["changes"])) < len(json.dumps(live["figure"]))


def test_a_heavy_slider_keeps_a_grid_of_its_settings_and_says_so(shell: InteractiveShell,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_outputs, "MOST", 5_000)
    values = tuple(n / 10 for n in range(41))
    data = forms(shell, Live(drawn, values, label="slope", start=1.7, form=".1f"))
    kept = [float(name) for name in data[LIVE]["values"]]
    assert len(kept) < 20 and {0.0, 1.7, 4.0} <= set(kept) and kept[data[LIVE]["start"]] == 1.7
    assert f"This page holds {len(kept)} of its 41 settings." in output_html(_output(data))


def _output(data: dict[str, Any]) -> Any:
    from nbformat.v4 import new_output
    return new_output("display_data", data=data)


def test_a_quiz_keeps_its_reasons(shell: InteractiveShell) -> None:
    quiz = quizzes.start
    stored = forms(shell, quiz)[QUIZ]["questions"]
    assert [len(q["choices"]) for q in stored] == [len(q.choices) for q in quiz.questions]
    assert all(sum(c["right"] for c in q["choices"]) == 1 and all(c["why"] for c in q["choices"]) for q in stored)
    assert "{" not in json.dumps([q["ask"] for q in stored])


def some_json(draw: random.Random, deep: int = 3) -> Any:
    """A small JSON value at random."""
    kind = draw.randrange(6 if deep else 3)
    if kind < 3:
        return (draw.randrange(3), draw.choice(["a", "", "</b>"]), None)[kind]
    if kind == 3:
        return [draw.randrange(9) for _ in range(draw.randrange(6))]
    inside = [some_json(draw, deep - 1) for _ in range(draw.randrange(4))]
    return inside if kind == 4 else dict(zip("abcd", inside))


def pairs_of_json() -> list[tuple[Any, Any]]:
    draw = random.Random(0)
    return [(some_json(draw), some_json(draw)) for _ in range(400)] + [(x := some_json(draw), x) for _ in range(9)]


def test_changes_make_the_new_value_of_the_old_one() -> None:
    for old, new in pairs_of_json():
        before, change = json.dumps(old), json.loads(json.dumps(json_changes(old, new)))
        assert apply_changes(old, change) == new and json.dumps(old) == before


def script(name: str, functions: str) -> str:
    """A script of the book whose functions a page can call."""
    text = strip_imports((Path(FILES) / name).read_text(encoding="utf-8"))
    return f"(() => {{ {text}\nObject.assign(window, {{{functions}}}); }})()"


@pytest.mark.browser
def test_a_browser_makes_the_same_changes(page: Any) -> None:
    page.evaluate(script("charts.js", "applied, dressed"))
    pairs = pairs_of_json()
    changes = [(old, json_changes(old, new)) for old, new in pairs]
    made = page.evaluate("changes => changes.map(([old, change]) => applied(old, change))", changes)
    assert made == [new for _, new in pairs]


@pytest.mark.browser
def test_the_search_ranks_headings_first_and_wants_every_word(page: Any) -> None:
    page.evaluate(script("search.js", "ranked"))
    sections = [["a", "1", "A", "A heading", "about gates and cafés"], ["b", "2", "B", "The gate", "of a map"],
                ["c", "3", "C", "Nothing", "of this"]]
    found = page.evaluate("([all, asked]) => asked.map(words => ranked(all, words).map(one => one[0]))",
                          [sections, ["gate", "GATE map", "cafes", "", "zebra gate"]])
    assert found == [["b", "a"], ["b"], ["a"], [], []]


@pytest.mark.browser
def test_a_figure_changes_its_colours_for_a_dark_page_and_its_maps_of_colour_stay(page: Any) -> None:
    from notebooks.book_parts import COLOURS
    page.evaluate(script("charts.js", "applied, dressed"))
    figure = mime_bundle(drawn(1.5))[PLOTLY]
    dark = page.evaluate("([figure, colours]) => dressed(figure, colours, true)", [figure, COLOURS])
    look, before = (x["layout"]["template"]["layout"] for x in (dark, figure))
    assert look["paper_bgcolor"] == COLOURS["dark"]["paper"] and look["font"]["color"] == COLOURS["dark"]["ink"]
    assert look["colorscale"] == before["colorscale"] and dark["data"] == figure["data"]
    assert page.evaluate("([figure, colours]) => dressed(figure, colours, false)", [figure, COLOURS]) == figure
