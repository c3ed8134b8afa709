"""The state of a view: an exact round trip, and one sentence for everything that is no state."""
from __future__ import annotations

import json

import numpy
import pytest
import torch

import linviz
from linviz import clips
from linviz.views import Look, SourceFile, TrainedView, View, open_trained, open_view
from linviz.views.load import view_grid
from tests.clips import files

ODD = View(SourceFile.of("über.mp4", b"abc"), 13, 5, 1 / 3, ("performer", "relu_floor+gate:qk:shared@space"),
           ({"directions": 7}, {}), False, 7, 11, (4, 12, 0), 3, Look("heat", "log", 1 / 3, True, 0.25, True, 4))


@pytest.mark.parametrize("view", [View(), View("pan", causal=True, specs=("softmax",)), ODD], ids=lambda v: str(v.seed))
def test_json_and_back_is_exact(view):
    assert View.from_json(json.loads(json.dumps(view.to_json(), allow_nan=False))) == view


def test_the_versions_are_told():
    assert {**View().to_json(), "view": {}} == {"linviz": linviz.__version__, "torch": torch.__version__,
                                             "numpy": numpy.__version__, "view": {}}


@pytest.mark.parametrize("wrong, said", [
    ({"source": "dog"}, "no photograph or clip is called 'dog'"),
    ({"source": 5}, "a sample, known by its name, or a file; got 5"),
    ({"patches": 0}, "patches takes a whole number from 1 to 112; got 0"), ({"patches": True}, "got True"),
    ({"frames": 33}, "frames takes"), ({"steps": 0}, "steps takes"), ({"seed": -1}, "seed takes"),
    ({"temperature": float("nan")}, "temperature takes a number"), ({"temperature": "1"}, "temperature takes"),
    ({"specs": ()}, "1 to 8 mechanisms"), ({"specs": ("sofmax",)}, "did you mean 'softmax'"),
    ({"specs": (5,)}, "5 is not a spec"),
    ({"specs": ("linear", "linear")}, "each mechanism once"), ({"causal": 1}, "causal takes true or false; got 1"),
    ({"query": (0, 28, 0)}, "the query's row takes a whole number from 0 to 27; got 28"),
    ({"query": (1, 0, 0)}, "the query's frame"), ({"query": (0, 0)}, "a frame, a row and a column"),
])
def test_a_wrong_value_is_one_sentence(wrong, said):
    told = View().to_json()
    told["view"] |= {name: list(x) if isinstance(x, tuple) else x for name, x in wrong.items()}
    told["view"] |= {"options": []} if "specs" in wrong else {}
    with pytest.raises(ValueError, match=said) as found:
        View.from_json(told)
    assert "\n" not in str(found.value) and len(str(found.value)) < 400


@pytest.mark.parametrize("wrong", [{"source": "dog"}, {"patches": 0}, {"specs": ()}, {"query": (0, 28, 0)}])
def test_nor_is_it_made_by_hand(wrong):
    with pytest.raises(ValueError, match="no photograph|takes a|takes 1 to 8"):
        View(**wrong)


def changed(**fields):
    """A state with other fields."""
    told = View().to_json()
    return told | {"view": told["view"] | fields}


@pytest.mark.parametrize("told, said", [
    ([], "is a dictionary"), ({}, "needs linviz, numpy, torch, view"),
    (View().to_json() | {"x": 1}, "has no 'x'"),
    (View().to_json() | {"view": 3}, "is a dictionary"), (View().to_json() | {"view": {"zoom": 2}}, "has no 'zoom'"),
    (View().to_json() | {"view": {"source": "pan"}}, "needs causal, frames"),
    (View().to_json() | {"linviz": 3, "x": 1}, "has no 'x'"), (changed(zoom=2), "has no 'zoom'"),
    (changed(source={"name": "../x", "sha256": "0" * 64}), "without folders"),
    (changed(source={"name": "x", "sha256": "00"}), "64 hexadecimal"),
    (changed(source={"name": "x"}), "has a name and a sha256; got 'name'"),
    (changed(source={"name": "x", "sha256": 3}), "64 hexadecimal"),
])
def test_what_is_no_state_is_one_sentence(told, said):
    with pytest.raises(ValueError, match=said):
        View.from_json(told)


def test_a_newer_linviz_is_named():
    with pytest.raises(ValueError, match=r"written by linviz 99\.0, this is"):
        View.from_json(View().to_json() | {"linviz": "99.0", "hue": 3})


def test_a_sample_opens_as_it_shows_best():
    best = clips.OPENINGS["digit"]
    view = View.best("digit")
    assert view_grid(view) == best.grid and view.temperature == 1.0 and view.query == (0, *best.place)


# ------------------------------------------------------------------------------------------------ opened


def test_a_view_of_a_file_wants_that_file(own):
    view, data = own
    opened = open_view(view, data)
    assert opened.grid == linviz.Grid(3, 4, 6) and opened.query == opened.grid.number(2, 1, 4)
    assert opened.tokens.file_note.startswith("3 of 10 frames") and opened.picture.size == (3, 64, 96)
    for wrong, said in ((None, r"film.mp4 \(sha256 .*: give it"), (files.still("PNG"), "another file film.mp4")):
        with pytest.raises(ValueError, match=said):
            open_view(view, wrong)
    with pytest.raises(ValueError, match="takes no file"):
        open_view(View(), data)


def test_a_query_in_a_frame_that_is_not_there_is_said():
    data = files.still("PNG")
    with pytest.raises(ValueError, match="query 2,0,0 is a frame.* x.png is cut to 1 x 3 x 4"):
        open_view(View(SourceFile.of("x.png", data), 4, query=(2, 0, 0), specs=("softmax",)), data)


@pytest.mark.parametrize("query", [(0, 28, 0), (0,)])
def test_a_query_off_the_grid_of_trained_models_is_one_sentence(query):
    with pytest.raises(ValueError, match="the clip is cut to 4 x 6 x 6"):
        open_trained(TrainedView(query=query))


@pytest.mark.parametrize("view, data", [
    (View("pan", patches=56), None), (View(SourceFile.of("film.mp4", files.video()), 112), files.video())],
    ids=["sample", "own"])
def test_a_view_with_too_many_tokens_is_not_opened(view, data, monkeypatch):
    monkeypatch.setattr("linviz.views.load.cut_clip", lambda *given: pytest.fail("nothing is cut"))
    size = "25,088" if data is None else "75,264"
    with pytest.raises(ValueError, match=f"{size} tokens and 12,544 can be read: take fewer patches or frames"):
        open_view(view, data)


def test_progress_is_told():
    seen = []
    view = View("coffee", patches=4, steps=5, specs=("softmax", "relu_floor+gate"))
    open_view(view, progress=lambda *at: seen.append(at))
    assert seen == [(n, 5, "fitting relu_floor+gate") for n in range(1, 6)]
