"""What a visitor can choose, and what an address tells of it."""
from __future__ import annotations

import pytest

import linviz
from explorer.concentrate.choice import OPENING, Choice, menu, settle
from explorer.concentrate.link import from_address, to_address
from linviz import clips


def test_the_opening_is_the_one_the_clips_name():
    assert (OPENING.clip, OPENING.patches) == (clips.OPENING.name, clips.OPENING.grid.Y)
    assert OPENING.temperature == clips.OPENING.temperature, "else its numbers are not those of the notebooks"
    assert OPENING.specs == ("softmax", "relu_floor", "relu_floor+gate")
    assert from_address({}) == (OPENING, []) and to_address(OPENING) == {}


def test_every_mechanism_is_in_the_menu_and_every_kernel_with_a_gate():
    assert {pick for pick in menu() if "+" not in pick} == set(linviz.names())
    gated = {pick.removesuffix("+gate") for pick in menu() if pick.endswith("+gate")}
    assert gated == {name for name, page in linviz.mechanisms.REGISTRY.items()
                     if issubclass(page, linviz.mechanisms.Kernel)}


@pytest.mark.parametrize("name", clips.names())
def test_every_picture_opens_as_it_shows_best(name):
    chosen, problems = from_address({"clip": name})
    best = clips.OPENINGS[name]
    assert not problems and chosen.grid == best.grid
    assert chosen.temperature == best.temperature
    assert to_address(chosen) == ({} if name == OPENING.clip else {"clip": name})


@pytest.mark.parametrize("chosen", [
    Choice(clip="coffee", patches=56, temperature=0.1, maps=("softmax", "linear"), sees="qk", shared=True,
           shift="space"),
    Choice(clip="digit", patches=28, frames=2, temperature=4.0, spec="relu+gate:self", steps=10, seed=9999,
           shift="time"),
    Choice(maps=("softmax", "relu", "linear", "efficient")), Choice(clip="crossing", patches=14, causal=True),
])
def test_an_address_brings_back_every_field(chosen):
    assert from_address(to_address(chosen)) == (chosen, [])


@pytest.mark.parametrize("name, text, word", [
    ("clip", "dog", "chelsea"), ("clip", "../../etc/passwd", "chelsea"), ("patches", "13", "14 to 56"),
    ("patches", "57", "14 to 56"), ("patches", "28.5", "whole number"), ("patches", "many", "whole number"),
    ("frames", "1", "2 to 16"), ("temperature", "0", "0.1 to 4.0"), ("temperature", "nan", "0.1 to 4.0"),
    ("temperature", "inf", "0.1 to 4.0"), ("maps", "softmax", "2 to 4"), ("maps", "softmax,evil", "softmax"),
    ("maps", "softmax,relu,linear,relu_floor,uniform", "2 to 4"), ("spec", "relu_flor", "did you mean 'relu_floor'"),
    ("spec", "softmax+gate", "has none"), ("spec", "", "not a spec"), ("sees", "all", "self, qk, qkv"),
    ("causal", "maybe", "0, 1"), ("shared", "yes", "0, 1"), ("shift", "left", "none, time, space"),
    ("steps", "0", "10 to 2000"),
    ("seed", "-1", "0 to 9999"), ("colour", "red", "this page knows clip"),
])
def test_a_bad_parameter_has_no_effect_and_one_sentence(name, text, word):
    chosen, problems = from_address({name: text})
    assert chosen == OPENING
    (sentence,) = problems
    assert name in sentence and word in sentence and "has no effect" in sentence


def test_a_bad_parameter_leaves_the_good_ones():
    chosen, problems = from_address({"source": "coffee", "patches": "999", "temperature": "2"})
    assert (chosen.clip, chosen.patches, chosen.temperature, len(problems)) == ("coffee", 28, 2.0, 1)


def test_a_long_parameter_is_not_repeated_whole():
    (sentence,) = from_address({"source": "x" * 5000})[1]
    assert len(sentence) < 400


def test_an_address_typed_by_hand_may_have_lost_its_pluses():
    assert from_address({"specs": "softmax,relu_floor gate"})[0].maps == ("softmax", "relu_floor+gate")
    assert from_address({"spec": "relu gate:qk"})[0].spec == "relu+gate:qk"


@pytest.mark.parametrize("chosen, changed, word", [
    (Choice(clip="digit", patches=56), {"patches": 28}, "at most 28 patches"),
    (Choice(shift="time"), {"shift": "none"}, "no neighbours in time"),
    (Choice(maps=("softmax", "relu", "linear", "uniform"), spec="efficient"), {"spec": ""}, "room for 4"),
])
def test_what_does_not_go_together_is_settled_and_said(chosen, changed, word):
    settled, (sentence,) = settle(chosen)
    assert settled == Choice(**vars(chosen) | changed) and word in sentence


@pytest.mark.parametrize("patches", range(limits.PATCHES[0], limits.CLIP_PATCHES + 1))
def test_no_clip_has_more_tokens_than_a_hand_can_follow_and_two_frames_at_least(patches):
    grid = Choice(clip="digit", patches=patches, frames=limits.FRAMES[1]).grid
    assert len(grid) <= limits.MOST and grid.T >= 2


def test_gate_and_shift_go_to_every_gated_pick_and_to_no_other():
    chosen = Choice(maps=("softmax", "relu_floor", "relu_floor+gate", "linear+gate"), sees="self", shared=True,
                    shift="space")
    assert chosen.specs == ("softmax", "relu_floor", "relu_floor+gate:self:shared+shift:space",
                            "linear+gate:self:shared+shift:space")


def test_a_spec_by_hand_stands_last_and_none_twice():
    assert Choice(maps=("softmax", "relu"), spec="relu+gate:qkv").specs == ("softmax", "relu", "relu+gate")
    assert Choice(maps=("softmax", "relu"), spec="relu").specs == ("softmax", "relu")
