"""Every kind reads what it writes and refuses the rest in one sentence; a URL's parameters are read one by one."""
from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from linviz.settings import Nested, Number, Refused, State, Switch, Text, Whole, Word, Words, setting
from linviz.views.panel_options import Options, PanelOptions
from linviz.views.state import Look, TrainedView, View
from linviz.views.state_kinds import ModelNames, Place, Source, SourceFile, Specs
from tests.cases import every_case

LETTERS = lambda: ("a", "b", "c")  # noqa: E731 (a list that is not known before it is asked for)
KINDS = {
    "whole": (Whole(1, 8), [1, 8]), "whole without end": (Whole(0, none=True), [0, 10**12]),
    "number": (Number(0.1, 1e9), [0.1, 1 / 3, 2.0, 1e9]), "word": (Word("light", "heat"), ["light", "heat"]),
    "word asked for": (Word(LETTERS), ["a", "c"]), "words": (Words(LETTERS, 2), [("b", "a"), ()]),
    "text": (Text(5), ["", "cat", "über!"]), "switch": (Switch(), [True, False]),
    "source": (Source(), ["pan", SourceFile.of("über.mp4", b"abc")]),
    "specs": (Specs(1, 2), [("linear+gate:qk@time",)]), "models": (ModelNames(1, 2), [("relu_floor~wide", "softmax")]),
    "place": (Place(), [(0, 1, 2), (7,)])}
EVERY = [pytest.param(kind, value, id=f"{name} {value}") for name, (kind, values) in KINDS.items() for value in values]
HOSTILE = ["", " ", "٣", "1e999", "-1e999", "nan", "inf", "None", "1_0", "0x1", "1.5.2", "a" * 5000, "9" * 5000, "\0",
           "<script>", ",,,", "1,2,3,4", "-", "--1", "{}", "[]"]


@pytest.mark.parametrize("kind, value", EVERY)
def test_what_is_written_is_read_back(kind, value):
    assert kind.check(value) == value
    assert kind.read(kind.write(value)) == value
    assert kind.check(kind.from_json(json.loads(json.dumps(kind.to_json(value), allow_nan=False)))) == value
    assert kind.limits()["kind"] == kind.widget and json.dumps(kind.limits())


@pytest.mark.parametrize("kind, _", [pytest.param(*one, id=name) for name, one in KINDS.items()])
@every_case("text", HOSTILE)
def test_a_hostile_text_is_a_value_or_one_sentence(kind, _, text):
    try:
        value = kind.read(text)
    except Refused as error:
        for said in (error.of("field", text), error.of_parameter("field", text)):
            assert "\n" not in said and len(said) < 400, "a sentence, however long the text"
    else:
        assert kind.check(value) == value, "what is read is allowed"


@pytest.mark.parametrize("kind, wrong", [
    (Whole(1, 8), (0, 9, True, 2.0, "3", None)), (Whole(0, none=True), (-1, False)), (Switch(), (1, 0, "1", None)),
    (Number(0.0, 1.0), (-0.01, 1.01, float("nan"), float("inf"), True, "1", None, 10**400)),
    (Word("a", "b"), ("c", "", 3, None, [], ("a",))), (Text(3), ("four", 3, None)),
    (Words(LETTERS, 2), (("a", "b", "c"), ("d",), "a", 3, None, [[]], [{}])),
    (Place(), ((1, 2), (1, 2, 3, 4), (-1, 0, 0), (True, 0, 0), (0.0, 0, 0), "0,0,0", 3, (100_000, 0, 0))),
    (Source(), ("dog", 3, None, [])), (Specs(1, 2), ((), ("linear",) * 3, ("sofmax",), (5,), "linear", None)),
    (ModelNames(1, 2), (("relu~../x",), ("dog~wide",), (5,))), (PanelOptions(), (3, {}, ("a",), None))],
                         ids=lambda one: type(one).__name__)
def test_a_wrong_value_is_refused_in_one_sentence(kind, wrong):
    for value in wrong:
        with pytest.raises(Refused) as error:
            kind.check(value)
        said = error.value.of("field", value)
        assert "\n" not in said and 10 < len(said) < 1000


@pytest.mark.parametrize("kind, texts", [
    (Whole(1, 8), ("٣", "1e0", "3.0", "1_0")), (Number(0.0, 1e3), ("٣", "1e999", "nan", "inf", "1_0", "")),
    (Switch(), ("true", "", "2")), (Place(), ("٣,1,2", "1,,2", "a,b", "")), (Specs(1, 2), ("", ",", "linear,,linear")),
    (PanelOptions(), (",", "directions=64", "x:a=1", "0:a", "0:a=1;1:b=2"))], ids=lambda one: type(one).__name__)
def test_a_text_that_means_no_value_is_refused(kind, texts):
    for text in texts:
        with pytest.raises(Refused):
            kind.read(text)


def test_a_slider_in_equal_ratios_shows_its_ends_and_what_it_is_asked_to():
    stops = Number(0.01, 100.0, log=True).stops(1 / 3, 500.0)
    assert stops[0] == 0.01 and stops[-1] == 100.0 and 1 / 3 in stops and 500.0 not in stops


# ------------------------------------------------------------------------------------------------ a URL


def asked(text, state=View, base=None):
    """What a URL's parameters make of a base, and the sentences."""
    parameters = dict(part.split("=", 1) for part in text.split("&"))
    return state.from_parameters(parameters, base or state())


@pytest.mark.parametrize("old, new", [(old, new) for old, new in View.renamed.items()])
def test_an_old_parameter_names_the_new_one(old, new):
    view, [said] = asked(f"{old}=softmax&patches=7")
    assert view == View(patches=7) and f"{old}='softmax'" in said and f"is called {new} now" in said
    assert new in View.flat_settings() and old not in View.flat_settings()


def test_an_old_parameter_of_trained_models_names_the_new_one():
    view, [said] = asked("arms=relu&seed=3", TrainedView)
    assert view == TrainedView(seed=3) and "is called specs now" in said


def test_an_unknown_parameter_is_named_and_the_rest_counts():
    view, [said] = asked(f"{'zoom' * 100}=2&patches=7&mode=heat")
    assert view == View(patches=7, look=Look("heat")) and "this page knows source, patches" in said and len(said) < 500


def test_every_wrong_parameter_gets_a_sentence_of_its_own():
    view, said = asked("patches=0&frames=x&causal=yes&mode=sepia&temperature=1e999&steps=7")
    assert view == View(steps=7) and [one.split("=")[0] for one in said] == [
        "patches", "frames", "causal", "mode", "temperature"]
    assert all(one.endswith(".") and "\n" not in one and "has no effect" in one for one in said)


def test_a_query_off_the_grid_is_dropped_and_the_rest_stays():
    view, [said] = asked("source=coffee&patches=7&query=0,7,0&specs=performer&options=0:directions=8")
    assert view == View("coffee", 7, specs=("performer",), options=({"directions": 8},))
    assert said == "the query's row takes a whole number from 0 to 6; got 7."


@pytest.mark.parametrize("wrong, words", [
    ("0:bogus=1", "performer has no option 'bogus'; it has directions"), ("5:directions=8", "there is no panel 5"),
    ("0:directions=0", "directions takes a whole number from 1")])
def test_a_wrong_option_is_dropped_and_the_rest_stays(wrong, words):
    view, [said] = asked(f"source=coffee&patches=7&query=0,6,0&specs=performer&options={wrong}")
    assert view == View("coffee", 7, specs=("performer",), query=(0, 6, 0)) and words in said


def test_two_wrong_ones_that_depend_on_others_are_both_dropped():
    view, said = asked("patches=7&query=0,7,0&specs=performer&options=0:bogus=1")
    assert view == View(patches=7, specs=("performer",)) and len(said) == 2


def test_fields_that_do_not_go_together_leave_the_others():
    view, [said] = asked("source=coffee&specs=linear,linear&mode=heat")
    assert view == View("coffee", look=Look("heat")) and said.startswith("a view shows each mechanism once")


def test_a_url_says_only_what_differs():
    assert View().to_parameters(View()) == {}
    view = View(patches=7, look=Look(strength=0.5))
    assert view.to_parameters(View()) == {"patches": "7", "strength": "0.5"}


# ------------------------------------------------------------------------------------------------ states


@dataclass(frozen=True)
class Inner(State):
    """A state inside another."""

    word: str = setting(Word("a", "b"), "a")
    hidden: bool = setting(Switch(), False)


@dataclass(frozen=True)
class Outer(State):
    """A state with another inside, one field of which no URL sees."""

    size: int = setting(Whole(1, 8), 2)
    name: str = setting(Text(5), "cat")
    inner: Inner = setting(Nested(Inner, without=("hidden",)), Inner())


def test_fields_of_a_nested_state_stand_beside_the_others():
    assert list(Outer.flat_settings()) == ["size", "name", "word"]
    state, said = asked("size=8&word=b&hidden=1", Outer)
    assert state == Outer(8, inner=Inner("b")) and len(said) == 1 and "hidden" in said[0]
    assert Outer.from_parameters(state.to_parameters(Outer()), Outer()) == (state, [])
    assert Outer.from_fields(json.loads(json.dumps(state.to_fields()))) == state


@pytest.mark.parametrize("found, said", [
    (3, "Outer is a dictionary"), ({"size": 2}, "needs inner, name"), ({"zoom": 1}, "has no 'zoom'"),
    ({"size": 9, "name": "cat", "inner": {}}, "size takes a whole number from 1 to 8; got 9"),
    ({"size": 1, "name": "cat", "inner": {"word": "c", "hidden": False}}, "word takes one of a, b"),
    ({"size": 1, "name": "cat", "inner": 3}, "inner takes a state of the kind Inner"),
])
def test_a_wrong_dictionary_is_one_sentence(found, said):
    with pytest.raises(ValueError, match=said) as error:
        Outer.from_fields(found)
    assert "\n" not in str(error.value)


def test_options_can_be_a_key():
    assert {Options(a=1, b=2): 3}[Options(b=2, a=1)] == 3
