"""The state of the page Concentrate: what a URL says, what fits, and the words of gates."""
from __future__ import annotations

from dataclasses import replace

import pytest

import linviz
from explorer.concentrate.concentrate_state import STATE
from explorer.concentrate.mechanism_menu import gate_words, menu, spec_title, with_gate_words
from explorer.concentrate.what_fits import CAP, most_patches, page_grid
from linviz import clips
from linviz.views import View

from .harness import visit, well

OPENING = View()


def read(**parameters: str) -> tuple[View, list[str]]:
    """What a URL stands for on this page, and what could not be used."""
    found, problems = View.from_parameters(parameters, STATE.base(parameters), "this page")
    found, more = STATE.settle(found)
    return replace(found, query=None), problems + more


def written(view: View) -> dict[str, str]:
    """What the URL says of a view, beside its source."""
    return view.to_parameters(STATE.base({"source": view.source}))


def test_the_opening_is_the_one_the_clips_name():
    assert (OPENING.source, OPENING.patches) == (clips.OPENING.name, clips.OPENING.grid.Y)
    assert OPENING.temperature == clips.OPENING.temperature, "else its numbers are not those of the notebooks"
    assert OPENING.specs == ("softmax", "relu_floor", "relu_floor+gate")
    assert read() == (OPENING, []) and written(OPENING) == {}


def test_every_mechanism_is_in_the_menu_and_every_kernel_with_a_gate():
    assert {pick for pick in menu() if "+" not in pick} == set(linviz.names())
    gated = {pick.removesuffix("+gate") for pick in menu() if pick.endswith("+gate")}
    assert gated == {name for name, page in linviz.mechanisms.REGISTRY.items()
                     if issubclass(page, linviz.mechanisms.Kernel)}
    assert len({spec_title(pick) for pick in menu()}) == len(menu())


@pytest.mark.parametrize("name", clips.names())
def test_every_picture_opens_as_it_shows_best(name):
    chosen, problems = read(source=name)
    best = clips.OPENINGS[name]
    assert not problems and page_grid(chosen, None) == best.grid
    assert chosen.temperature == best.temperature and written(chosen) == {}


@pytest.mark.parametrize("chosen", [
    View("coffee", patches=56, temperature=0.1, specs=("softmax", "linear", "relu+gate:qk:shared+shift:space")),
    View("digit", patches=28, frames=2, temperature=4.0, specs=("softmax", "relu+gate:self+shift"), steps=10,
         seed=9999),
    View(specs=("softmax", "relu", "linear", "efficient")), View("crossing", patches=14, causal=True),
    View(specs=("performer", "performer"), options=({}, {"directions": 8}))])
def test_a_url_brings_back_every_field(chosen):
    assert read(source=chosen.source, **written(chosen)) == (chosen, [])


@pytest.mark.parametrize("name, text, word", [
    ("source", "dog", "chelsea"), ("source", "../../etc/passwd", "chelsea"), ("patches", "0", "1 to 112"),
    ("source", "x.png@123", "64 hexadecimal digits"), ("source", "a/b.png@" + "0" * 64, "without folders"),
    ("patches", "113", "1 to 112"), ("patches", "28.5", "whole number"), ("patches", "many", "whole number"),
    ("frames", "0", "1 to 32"), ("temperature", "0", "0.01 to 100"), ("temperature", "nan", "0.01 to 100"),
    ("temperature", "inf", "0.01 to 100"), ("specs", "", "1 to 8"), ("specs", "softmax,evil", "evil"),
    ("specs", "softmax,relu,linear,relu_floor,uniform,efficient,swin,local,lambda", "1 to 8"),
    ("specs", "softmax,softmax", "each mechanism once"), ("specs", "relu_flor", "did you mean 'relu_floor'"),
    ("causal", "maybe", "0, 1"), ("steps", "0", "1 to 10,000"), ("seed", "-1", "0 to 4,294,967,295"),
    ("options", "0:scan=frames", "no option 'scan'"), ("options", "7:directions=8", "there is no panel 7"),
    ("options", "directions=8", "PANEL:NAME=VALUE"), ("colour", "red", "this page knows source")])
def test_a_bad_parameter_has_no_effect_and_one_sentence(name, text, word):
    chosen, problems = read(**{name: text})
    assert chosen == OPENING
    (sentence,) = problems
    assert word in sentence and len(sentence) < 400


@pytest.mark.parametrize("old, new", [("clip", "source"), ("maps", "specs"), ("spec", "specs"), ("sees", "specs"),
                                      ("shared", "specs"), ("shift", "specs"), ("file", "source")])
def test_an_old_parameter_gets_one_sentence_that_names_the_new_one(old, new):
    chosen, (sentence,) = read(**{old: "1"})
    assert chosen == OPENING and f"is called {new} now" in sentence


def test_a_bad_parameter_leaves_the_good_ones():
    chosen, problems = read(source="coffee", patches="999", temperature="2")
    assert (chosen.source, chosen.patches, chosen.temperature, len(problems)) == ("coffee", 28, 2.0, 1)


def test_a_long_parameter_is_not_repeated_whole():
    (sentence,) = read(source="x" * 5000)[1]
    assert len(sentence) < 400


def test_a_url_typed_by_hand_may_have_lost_its_pluses():
    assert read(specs="softmax,relu_floor gate")[0].specs == ("softmax", "relu_floor+gate")


@pytest.mark.parametrize("asked, fields, word", [
    ({"source": "digit", "patches": "56"}, {"patches": 39}, "at most 39 patches"),
    ({"patches": "100"}, {"patches": 56}, "at most 56 patches"),
    ({"specs": "softmax,relu+gate+shift"}, {"specs": ("softmax", "relu+gate")}, "no neighbours in time"),
    ({"source": "pan", "causal": "1", "specs": "softmax,relu+gate+shift"}, {"specs": ("softmax", "relu+gate")},
     "the next frame"),
    ({"specs": "softmax+gate,relu"}, {"specs": ("relu",)}, "has none")])
def test_what_does_not_fit_is_settled_and_said(asked, fields, word):
    chosen, (sentence,) = read(**asked)
    assert {name: getattr(chosen, name) for name in fields} == fields and word.lower() in sentence.lower()


@pytest.mark.parametrize("name", ["coffee", "digit"])
@pytest.mark.parametrize("patches", [1, 2, 7, 14, 28, 39, 56])
def test_no_picture_has_more_tokens_than_a_browser_can_follow_and_a_clip_has_two_frames(name, patches):
    view = View(name, patches=min(patches, most_patches(View(name), None)), frames=32)
    grid = page_grid(view, None)
    assert len(grid) <= CAP and grid.T >= (2 if name == "digit" else 1)


def test_gate_and_shift_go_to_every_gated_panel_and_to_no_other():
    texts = ["softmax", "relu_floor", "relu_floor+gate", "linear+gate@window:7", "no spec"]
    assert [with_gate_words(text, "self", True, "space") for text in texts] == [
        "softmax", "relu_floor", "relu_floor+gate:self:shared+shift:space",
        "linear+gate:self:shared+shift:space@window:7", "no spec"]
    assert gate_words(texts) == {"reads": "qkv", "shared": False, "shift": "none"} and gate_words(["softmax"]) == {}


def test_a_warning_about_the_url_goes_with_the_next_choice():
    """The page has mended the URL by then; a run without a choice keeps the sentence."""
    app = visit(patches="999", specs="softmax")
    assert any("patches" in one.value for one in app.warning)
    assert any("patches" in one.value for one in well(app.run()).warning)
    app.slider(key="concentrate_patches").set_value(9).run()
    assert not app.warning and dict(app.query_params)["patches"] in ("9", ["9"])
