"""Files of what the page shows: each can be opened, says what the page says, and a saved view opens as it was."""
from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from explorer.concentrate import own_file
from explorer.concentrate.own_file import OWN
from explorer.concentrate.panel_work import panels_at, placeholder_panel
from explorer.concentrate.view import _why_no_files, open_of_page
from explorer.concentrate.visit import Visit
from explorer.concentrate.what_fits import page_grid
from explorer.shared import export_buttons
from explorer.shared.scenes import sample_scene
from linviz.views import View, open_view
from linviz.views.export.bundle import pack_bundle, unpack_bundle
from linviz.views.export.files import make_file
from linviz.views.panel_steps import fit_panel
from tests.clips import files

from .harness import quiet, said, tables, titles, view, visit, well

SMALL = {"source": "coffee", "patches": "14", "steps": "10"}


def parts(app):
    """What the page shows: the visit, its panels and its scene, on the last run's view."""
    state = app.session_state
    chosen = state["concentrate"]
    upload = state[own_file.UPLOADS].get(chosen.source.sha256) if not isinstance(chosen.source, str) else None
    here = own_file.own_scene(chosen, upload) if upload else sample_scene(
        chosen.source, page_grid(chosen, None), chosen.temperature, chosen.causal)
    return state.visit, state.visit.panels(here, chosen), here, chosen


def data(ending, app) -> bytes:
    """A file of what the page shows."""
    a_visit, panels, here, chosen = parts(app)
    measured = panels_at(panels, a_visit.live.look, here)
    return make_file(ending, open_of_page(a_visit, panels, measured, here, chosen), here.data)


def code_of(app) -> str:
    assert not app.code and not app.get("download_button"), "what is folded is not sent"
    app.session_state[export_buttons.KEY] = True
    (element,) = well(app.run()).code
    return element.value


def bring(app, data: bytes, name: str):
    (uploader,) = app.file_uploader
    return well(uploader.set_value((name, data, "")).run())


def test_numbers_of_the_files_are_those_of_the_table_under_the_view():
    app = quiet(visit(**SMALL, query="0,3,5", specs="softmax,relu_floor+gate"))
    rows = list(csv.DictReader(io.StringIO(data(".csv", app).decode())))
    entropy = tables(app)[0]["entropy (bits)"]
    found = [float(r[which]) for r in rows if r["measure"] == "entropy" for which in ("patch", "mean")]
    assert found == pytest.approx([float(x) for x in entropy], rel=5e-3)
    assert {(r["query_frame"], r["query_row"], r["query_column"]) for r in rows} == {("0", "3", "5")}
    as_json = json.loads(data(".json", app))
    specs = [mechanism["spec"] for mechanism in as_json["mechanisms"]]
    assert as_json["query"] == [0, 3, 5] and specs == ["softmax", "relu_floor+gate"]
    with np.load(io.BytesIO(data(".npz", app))) as weights:
        assert weights["softmax"].sum() == pytest.approx(1) and weights["softmax"].shape == (196,)


def test_the_code_on_the_page_prints_the_tables_numbers(capsys):
    app = quiet(visit(**SMALL, query="0,3,5", specs="softmax,relu_floor+gate"))
    code, words = code_of(app), " ".join(caption.value for caption in app.caption)
    holds = export_buttons.HOLDS.items()
    assert all((text in words) == (ending not in (".mp4", ".zip")) for ending, text in holds), "what is in each file"
    assert code == data(".py", app).decode().strip()
    exec(code, {})
    printed = {tuple(line.split()[:2]): line.split()[2:] for line in capsys.readouterr().out.splitlines()}
    entropy = [*printed["softmax", "entropy"], *printed["relu_floor+gate", "entropy"]]
    assert [float(x) for x in entropy] == pytest.approx([float(x) for x in tables(app)[0]["entropy (bits)"]], rel=5e-3)


def test_pictures_and_page_open():
    app = quiet(visit(**SMALL))
    assert Image.open(io.BytesIO(data(".png", app))).info["linviz"]
    assert data(".svg", app).startswith(b"<svg") and b"<!doctype html" in data(
        ".html", app)[:20]


def test_a_gate_that_was_stopped_or_is_being_fitted_leaves_the_other_panels_their_files():
    """On the page: the sentence names what is left out, and the code, one of the files, has the others."""
    app = quiet(visit(**SMALL, specs="softmax,relu+gate"))
    a_visit, panels, here, _ = parts(app)
    assert all(map(a_visit.has_finished, panels)) and not _why_no_files(a_visit, 2, here)
    (key,) = a_visit.fits
    a_visit.stopped[key] = stopped = fit_panel("relu+gate", here, 3, 0, {}, None)
    code = code_of(app)
    assert stopped.steps == 3 and 'make("softmax"' in code.replace("'", '"') and "relu" not in code
    words = " ".join(caption.value for caption in app.caption)
    assert "Not in these files: relu + gate, fitted" in words and len(app.get("download_button")) == 8
    late = placeholder_panel("relu_floor+gate", {}, here, "fitting")
    assert not Visit().has_finished(late) and "fitted to its end" in _why_no_files(Visit(), 0, here)


@pytest.mark.parametrize("address", [
    SMALL | {"query": "0,3,5", "mode": "heat", "share": "0.5", "temperature": "2.0"},
    {"source": "pan", "frames": "3", "specs": "softmax,linear,relu+gate:qk@window:4", "steps": "10",
     "query": "1,2,3", "frame": "2", "tone": "log", "own": "1", "strength": "0.4", "seed": "3"},
    {"specs": "performer,performer,softmax@window:3", "options": "1:directions=8", "patches": "12"},
    {"source": "crossing", "frames": "2", "specs": "softmax,relu_floor+gate:qk:shared+shift:space", "steps": "10",
     "causal": "1"}])
def test_a_saved_view_opens_elsewhere_as_it_was(address):
    app = quiet(visit(**address))
    other = bring(visit(source=OWN), data(".linviz", app), "view.linviz")
    quiet(other)
    assert not said(other) and other.session_state["concentrate"] == app.session_state["concentrate"]
    assert dict(other.query_params) == dict(app.query_params)
    assert titles(other) == titles(app) and tables(other) == tables(app)


def test_a_saved_view_brings_its_own_file():
    app = quiet(bring(visit(source=OWN, patches="14", steps="10"), files.still("PNG"), "mine.png"))
    saved = data(".linviz", app)
    other = quiet(bring(visit(source=OWN), saved, "view.linviz"))
    assert not said(other) and view(other)["title"] == "mine.png" and tables(other) == tables(app)
    assert unpack_bundle(saved)[1] == files.still("PNG")


def test_a_saved_clip_keeps_the_patches_with_which_every_photograph_opens():
    saved = View("pan", patches=28, frames=2, specs=("softmax",))
    app = bring(visit(source=OWN), pack_bundle(saved), "view.linviz")
    assert app.session_state["concentrate"] == saved and view(app)["grid"] == [2, 28, 28]


def test_a_saved_view_that_is_none_gets_one_sentence_and_nothing_moves():
    app = bring(visit(source=OWN), pack_bundle(View("coffee"))[:-9], "cut.linviz")
    assert "cut.linviz is not a saved view" in said(app) and app.session_state["concentrate_source"] == OWN


def test_what_the_page_cannot_show_of_a_view_it_says():
    saved = pack_bundle(View("coffee", patches=112, specs=("softmax", "swin@window:7")))
    app = bring(visit(source=OWN), saved, "large.linviz")
    assert "At most 56 patches" in said(app) and view(app)["grid"] == [1, 56, 56]
    assert app.session_state["concentrate"].specs == ("softmax", "swin@window:7")


def test_the_page_says_what_the_library_says_of_the_same_view():
    """The page computes in cached steps, `open_view` in one go; the numbers in the files are the same."""
    app = quiet(visit(**SMALL, query="0,3,5", specs="softmax,performer,relu_floor+gate", options="1:directions=8"))
    opened = open_view(parts(app)[3])
    page, library = (json.loads(found) for found in (data(".json", app), make_file(".json", opened, None)))
    assert [one["title"] for one in page["mechanisms"]] == [one["title"] for one in library["mechanisms"]]
    assert page["mechanisms"] == library["mechanisms"] and page["query"] == library["query"]


def test_the_strength_of_the_slider_is_that_of_table_files_and_code(capsys):
    app = quiet(visit(**SMALL, specs="relu_floor,relu_floor+gate", strength="0"))
    plain, gated = (tables(app)[0]["entropy (bits)"][n:n + 2] for n in (0, 2))
    assert plain == gated, "at strength 0 the gate is no gate"
    rows = list(csv.DictReader(io.StringIO(data(".csv", app).decode())))
    assert {row["strength"] for row in rows} == {"0.0"}
    exec(data(".py", app).decode(), {})
    printed = [line.split()[2:] for line in capsys.readouterr().out.splitlines() if " entropy " in line]
    assert [float(x) for x in printed[0]] == pytest.approx([float(x) for x in printed[1]], rel=1e-4)
    ranks = tables(app)[-1]["effective rank (Roy and Vetterli)"]
    assert ranks[0] == ranks[1]
