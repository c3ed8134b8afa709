"""Files of what the page shows: each can be opened, says what the page says, and a saved view opens as it was."""
from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from explorer.concentrate import own, saved, stage
from explorer.concentrate.choice import OWN, Choice
from explorer.concentrate.link import from_address, to_address
from explorer.concentrate.visit import Visit
from explorer.shared import exports
from linviz.views import File, Look, View
from linviz.views.export.bundle import packed, unpacked
from tests.clips import files

from .harness import quiet, said, tables, titles, view, visit, well

SMALL = {"source": "coffee", "patches": "14", "steps": "10"}


def shown(app):
    """What the page has put together: the arguments of the exports, on the last run's scene."""
    choice, state = app.session_state["concentrate"], app.session_state
    upload = state.uploads[state.sha256] if choice.clip == OWN else None
    here = own.scene(choice, upload) if upload else sample_scene(choice.clip, choice.grid, choice.temperature,
                                                                choice.causal)
    return state.visit, state.visit.panels(here, choice), here, choice


def code_of(app) -> str:
    assert not app.code and not app.get("download_button"), "what is folded is not sent"
    app.session_state[exports.KEY] = True
    (element,) = well(app.run()).code
    return element.value


def bring(app, data: bytes, name: str):
    (uploader,) = app.file_uploader
    return well(uploader.set_value((name, data, "")).run())


def test_numbers_of_the_files_are_those_of_the_table_under_the_view():
    app = quiet(visit(**SMALL, query="0,3,5", specs="softmax,relu_floor+gate"))
    rows = list(csv.DictReader(io.StringIO(exports.data(".csv", *shown(app)).decode())))
    entropy = tables(app)[0]["entropy (bits)"]
    found = [float(r[which]) for r in rows if r["measure"] == "entropy" for which in ("patch", "mean")]
    assert found == pytest.approx([float(x) for x in entropy], rel=5e-3)
    assert {(r["query_frame"], r["query_row"], r["query_column"]) for r in rows} == {("0", "3", "5")}
    as_json = json.loads(exports.data(".json", *shown(app)))
    specs = [mechanism["spec"] for mechanism in as_json["mechanisms"]]
    assert as_json["query"] == [0, 3, 5] and specs == ["softmax", "relu_floor+gate"]
    with np.load(io.BytesIO(exports.data(".npz", *shown(app)))) as weights:
        assert weights["softmax"].sum() == pytest.approx(1) and weights["softmax"].shape == (196,)


def test_the_code_on_the_page_prints_the_tables_numbers(capsys):
    app = quiet(visit(**SMALL, query="0,3,5", specs="softmax,relu_floor+gate"))
    code, words = code_of(app), " ".join(caption.value for caption in app.caption)
    assert all((text in words) == (ending != ".mp4") for ending, text in exports.HOLDS.items()), "what is in each file"
    assert code == exports.data(".py", *shown(app)).decode().strip()
    exec(code, {})
    printed = {tuple(line.split()[:2]): line.split()[2:] for line in capsys.readouterr().out.splitlines()}
    entropy = [*printed["softmax", "entropy"], *printed["relu_floor+gate", "entropy"]]
    assert [float(x) for x in entropy] == pytest.approx([float(x) for x in tables(app)[0]["entropy (bits)"]], rel=5e-3)


def test_pictures_and_page_open():
    app = quiet(visit(**SMALL))
    assert Image.open(io.BytesIO(exports.data(".png", *shown(app)))).info["linviz"]
    assert exports.data(".svg", *shown(app)).startswith(b"<svg") and b"<!doctype html" in exports.data(
        ".html", *shown(app))[:20]


def test_while_a_gate_is_fitted_or_was_stopped_there_is_a_sentence_and_no_file(monkeypatch):
    app = quiet(visit(**SMALL))
    a_visit, panels, here, _ = shown(app)
    assert not exports.missing(a_visit, panels, here)
    monkeypatch.setitem(a_visit.stopped, a_visit.fits[0], None)
    assert "fitted to its end" in exports.missing(a_visit, panels, here)
    waiting = [*panels[:-1], stage.stand_in("relu_floor+gate", here, "fitting")]
    assert "fitted to its end" in exports.missing(Visit(), waiting, here)


@pytest.mark.parametrize("address", [
    SMALL | {"query": "0,3,5", "mode": "heat", "share": "0.5", "temperature": "2.0"},
    {"source": "pan", "frames": "3", "specs": "softmax,linear", "spec": "relu+gate:qk@window:4", "steps": "10",
     "query": "1,2,3", "frame": "2", "tone": "log", "own": "1", "strength": "0.4", "seed": "3"},
    {"source": "crossing", "frames": "2", "specs": "softmax,relu_floor+gate", "sees": "qk", "shared": "1", "steps": "10",
     "shift": "space", "causal": "1"}])
def test_a_saved_view_opens_elsewhere_as_it_was(address):
    app = quiet(visit(**address))
    data = exports.data(".linviz", *shown(app))
    other = bring(visit(source=OWN), data, "view.linviz")
    quiet(other)
    assert not said(other) and other.session_state.good == app.session_state["concentrate"]
    assert dict(other.query_params) == dict(app.query_params)
    assert titles(other) == titles(app) and tables(other) == tables(app)


def test_a_saved_view_brings_its_own_file():
    app = quiet(bring(visit(source=OWN, patches="14", steps="10"), files.still("PNG"), "mine.png"))
    data = exports.data(".linviz", *shown(app))
    other = quiet(bring(visit(source=OWN), data, "view.linviz"))
    assert not said(other) and view(other)["title"] == "mine.png" and tables(other) == tables(app)
    assert unpacked(data)[1] == files.still("PNG")


def test_a_saved_view_that_is_none_gets_one_sentence_and_nothing_moves():
    data = packed(View("coffee"))
    app = bring(visit(source=OWN), data[:-9], "cut.linviz")
    assert "cut.linviz is no saved view" in said(app) and app.session_state["concentrate"].clip == OWN


def test_what_the_page_cannot_show_of_a_view_it_says():
    specs = ("softmax", "swin@window:7", "linear@window:4", "relu@window:2")
    parameters, left = saved.address(View("coffee", patches=7, specs=specs))
    assert len(left) == 1 and "cannot be shown here" in left[0]
    choice, problems = from_address(parameters)
    assert choice.specs[0] == "softmax" and len(problems) == 1 and "patches='7'" in problems[0]


@pytest.mark.parametrize("choice", [
    Choice("coffee", maps=("relu_floor+gate",), spec="linear@window:4", sees="qk"), Choice("digit", 14, 4, 1.0),
    Choice("coffee", maps=("relu+gate", "linear+gate", "softmax", "uniform"), sees="self", shift="space", shared=True)])
def test_choices_survive_the_way_through_a_view(choice):
    choice, _ = from_address(to_address(choice))
    view_ = View(choice.clip, choice.patches, choice.frames, choice.temperature, choice.specs, choice.causal,
                 choice.steps, choice.seed, None, 1, Look("heat"))
    parameters, left = saved.address(view_)
    assert not left and from_address(parameters)[0].specs == choice.specs and parameters["mode"] == "heat"


def test_the_file_is_asked_for_by_name_and_sha256():
    parameters, _ = saved.address(View(File.of("a.png", b"x"), specs=("softmax", "linear")))
    assert parameters["clip"] == OWN and parameters["file"] == "a.png" and len(parameters["sha256"]) == 64
