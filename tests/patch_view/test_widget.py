"""The view as a notebook's widget, on Python's side; and the still picture that stands in where nothing can move."""
from __future__ import annotations

import io
import re

import nbformat
import numpy as np
import pytest
import torch
from nbconvert import HTMLExporter
from PIL import Image

from linviz import Grid
from linviz.figures.theme import HUES as THEME
from linviz.maps import Dense, Factored
from linviz.patch_view import Panel, PatchView, module_source, pack, unpack
from linviz.patch_view.light import light_image
from linviz.patch_view.still import alt_text, still_jpeg

from .harness import panel, uniform, white

GRID = Grid(2, 4, 6)


def onto(token: int) -> Factored:
    right = torch.zeros(48, 1)
    right[token] = 1.0
    return Factored(torch.ones(1, 1, 48, 1), right[None, None])


def panels() -> list[Panel]:
    return [Panel("all", "kernel", onto(GRID.number(1, 2, 5))), Panel("none", "local", onto(0))]


@pytest.fixture
def view() -> PatchView:
    return PatchView(panels(), white(2, 4, 6), GRID, query=30, title="a title")


def test_it_holds_what_the_browser_draws(view):
    head = unpack(view.blob)
    assert head["title"] == "a title" and head["set"]["query"] == view.query == 30
    assert view.frame == 1                                       # the query's own
    assert "export default" in view._esm and "lmSuppressShortcuts" in view._esm


def test_python_cannot_ask_for_what_is_not_there(view):
    for name, value in (("query", 48), ("strength", 2.0), ("mode", "sepia")):
        with pytest.raises(Exception, match=str(value)):
            setattr(view, name, value)
    with pytest.raises(ValueError, match="query 48"):
        PatchView(panels(), white(2, 4, 6), GRID, query=48)


@pytest.mark.parametrize("mode", ["light", "heat", "difference"])
def test_a_message_with_any_mode_changes_the_query_beside_it(mode):
    """What the browser sends at a pin: its whole state at once. A mode that is unknown here would lose the rest."""
    view = PatchView(panels(), white(2, 4, 6), GRID, query=30, mode=mode)
    assert view.mode == unpack(view.blob)["set"]["mode"] == mode
    view.mode = "light"
    message = {"query": 7, "frame": 0, "mode": mode, "tone": "log", "strength": 1, "own": True, "share": 0.5,
               "follow": True}
    view._handle_msg({"content": {"data": {"method": "update", "state": message, "buffer_paths": []}}, "buffers": []})
    assert {name: getattr(view, name) for name in message} == message


def test_every_pin_is_heard(view):
    heard = []
    view.on_pin(heard.append)
    for token in (3, 5, 5, 7):
        view._handle_custom_msg({"pin": token}, [])
    view._handle_custom_msg({"something": "else"}, [])
    assert heard == [3, 5, 5, 7]


def test_the_content_can_be_replaced(view):
    other = pack([panel(uniform(48))], white(2, 4, 6), GRID, query=1)
    view.blob = other
    assert unpack(view.blob)["panels"][0]["title"] == "panel"


# ------------------------------------------------------------------------------------------------ the still picture

def test_a_still_shows_the_panels_lit_on_the_querys_frame(view):
    still = still_jpeg(panels(), white(2, 4, 6), GRID, 30)
    image = np.asarray(Image.open(io.BytesIO(still)).convert("L")).astype(float)
    left, right = image[34:, :340], image[34:, 356:]
    assert left[int(2.5 / 4 * left.shape[0]), int(5.5 / 6 * 340)] > 240
    assert np.median(left) < 150 and np.median(right) < 150, "night, as on a projector"


def test_it_is_lit_as_in_the_browser():
    paper = Image.new("RGB", (60, 40), "white")
    assert np.asarray(light_image(paper, torch.full((2, 3), 1 / 6), 6)).mean() == pytest.approx(129, abs=1)
    assert np.asarray(light_image(paper, torch.zeros(2, 3), 6)).mean() == pytest.approx(88.3, abs=1)


def test_it_is_described_in_words():
    words = alt_text(panels(), white(2, 4, 6), GRID, 30)
    assert words == "The attention of the patch at row 2, column 1, under all, none. a white sheet."


def test_what_cannot_be_drawn_without_a_browser_is_left_dark():
    assert still_jpeg([panel(uniform(48))], white(2, 4, 6), GRID, 0)[:3] == b"\xff\xd8\xff"


def test_a_still_knows_batch_and_head():
    table = torch.zeros(1, 2, 4, 4)
    table[0, 0, :, 0] = table[0, 1, :, 3] = 1
    shown = still_jpeg([Panel("head 1", "local", Dense(table), (0, 1))], white(1, 2, 2), Grid(1, 2, 2), 1)
    image = np.asarray(Image.open(io.BytesIO(shown)).convert("L"))[34:]
    assert image[-60, -60] > 180 > 150 > image[60, 60]


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_an_exported_notebook_shows_the_still_with_its_description(view, template):
    data, about = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data and data["text/plain"].startswith("The attention of")
    out = nbformat.v4.new_output("display_data", data=data, metadata=about)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("view", outputs=[out])])
    page, _ = HTMLExporter(template_name=template).from_notebook_node(book)
    assert 'alt="The attention of the patch at row 2' in page and data["image/jpeg"][:60] in page


def test_a_family_has_one_hue_everywhere():
    sent = unpack(PatchView(panels(), white(2, 4, 6), GRID, query=0).blob)
    assert sent["colours"]["hues"] == THEME
    assert not re.findall(r"#[0-9a-f]{6}", " ".join(h for h in THEME.values() if h in module_source())), "typed twice"
