"""Every field of a view over every host: the URL, a file, the command line, a notebook, and JavaScript.

Each takes every allowed extreme and refuses one value beyond it. A field that a subclass adds is in all of them. (The
pages of the explorer are another host: tests/explorer.)
"""
from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace

import pytest
import traitlets

from linviz import Grid, cli
from linviz.patch_view import PatchView, unpack
from linviz.patch_view.widget import patch_view_class
from linviz.settings import Nested, Number, Switch, Text, Whole, Word, Words, setting
from linviz.views import Look, SourceFile, TrainedView, View
from linviz.views.state import STRENGTHS
from linviz.views.view_options import add_export_options, add_read_options, chosen_values, view_options
from tests.conftest import watch
from tests.patch_view.harness import FRAMES, blob, gated, panel, show, state, uniform, white

EIGHT = ("softmax", "relu", "linear", "uniform", "local", "swin", "relu_floor+gate:qk:shared@space", "performer")
OWN = SourceFile.of("über.mp4", b"abc")
SPECIAL = {  # what limits cannot say: extremes, and values and texts beyond them
    "source": (["astronaut", "pan", OWN], [3, "dog"], ["dog", "x@00", "../x@" + "0" * 64]),
    "specs": ([EIGHT[:2], EIGHT[:4]], [(), EIGHT + ("relu_floor",), ("sofmax",)], ["", "sofmax", ",".join(EIGHT * 2)]),
    "options": ([], [({"bogus": 1}, {}, {}), ({},)], ["0:bogus=1", "9:directions=1", "directions=1"]),
    "place": ([(0, 0, 0), (0, 27, 27), (0,)], [(0, 0), (-1, 0, 0)], ["-1,0,0", "1,2,3,4", "٣,1,2"]),
    "pins": ([(), ((0, 0, 0),), ((0, 0, 1), (0, 1, 0), (1, 1, 1))],
             [((0, 0),), ((0, -1, 0),), ((0, 0, 0),) * 4, "r1c1"],
             ["r0c1", "0,0,1", "r1c1,r1c2,r1c3,r1c4", "r٣c1", "f1c1"]),
    "pair": ([(0, 1), (2, 0)], [(0, 0), (0, 3), (0,), (-1, 0)], ["0,0", "0,3", "0", "-1,0", "٠,1", "0,1,2"])}
MORE = {  # of a view that is not of trained models: one to eight mechanisms, their options, and a known grid
    "specs": ([EIGHT[:1], EIGHT], [], []), "options": ([({"directions": 16_384}, {}, {})], [], []),
    "place": ([], [(0, 28, 0), (1, 0, 0)], ["0,28,0", "1,0,0"])}


def extremes(kind, cls=None):
    """The allowed extremes of a kind, values that are beyond them, and texts that are."""
    limits = kind.limits()
    name = limits["kind"]
    none = [None] if limits.get("none") or name in ("place", "pair") else []
    if name == "whole":
        high = limits["high"]
        beyond = [limits["low"] - 1] + ([] if high is None else [high + 1])
        return [*none, limits["low"], 10**9 if high is None else high], [*beyond, 1.5], [*map(str, beyond), "1.5", "x"]
    if name == "number":
        beyond = [limits["low"] - 0.001, limits["high"] * 1.001, float("nan")]
        return [limits["low"], limits["high"]], beyond, [*map(repr, beyond), "1e999"]
    if name == "word":
        return limits["words"], ["sepia", 3], ["sepia", ""]
    if name == "switch":
        return [False, True], [2, "1", None], ["2", "", "true"]
    more = MORE.get(name) if cls is View else None
    good, beyond, texts = (a + b for a, b in zip(SPECIAL[name], more or ([], [], [])))
    return [*none, *good], beyond, texts


def fields(cls):
    """Every field of a state with its kind, so that a failing one is named."""
    return [pytest.param(cls, name, one.setting.kind, id=f"{cls.__name__}.{name}")
            for name, one in cls.flat_settings().items()]


EVERY = fields(View) + fields(TrainedView)
LOOK = [pytest.param(name, one.kind, id=name) for name, one in Look.settings().items()]


def with_field(cls, name, value):
    """A state with one other value, on its mechanisms."""
    base = cls(specs=("performer", "softmax", "linear")) if name == "options" else cls()
    return base.with_values(**{name: value})


def one_sentence(text):
    """Whether a message is one short line."""
    return "\n" not in text and 10 < len(text) < 1000


# ------------------------------------------------------------------------------------------------ URL and file


@pytest.mark.parametrize("cls, name, kind", EVERY)
def test_a_url_carries_every_extreme_and_refuses_what_is_beyond(cls, name, kind):
    for value in extremes(kind, cls)[0]:
        asked = with_field(cls, name, value)
        parameters = asked.to_parameters(cls())
        assert set(parameters) <= {name, "specs"} and all(isinstance(text, str) for text in parameters.values())
        assert cls.from_parameters(parameters, cls()) == (asked, []), parameters
    for text in extremes(kind, cls)[2]:
        found, [said] = cls.from_parameters({name: text}, cls())
        assert found == cls() and one_sentence(said), text


@pytest.mark.parametrize("cls, name, kind", EVERY)
def test_a_file_carries_every_extreme_and_refuses_what_is_beyond(cls, name, kind):
    write, read = (cls.to_json, cls.from_json) if cls is View else (cls.to_fields, cls.from_fields)
    for value in extremes(kind, cls)[0]:
        asked = with_field(cls, name, value)
        assert asked.flat_value(name) == value or name == "options"
        assert read(json.loads(json.dumps(write(asked), allow_nan=False))) == asked
    inside = cls.flat_settings()[name].inside
    for value in extremes(kind, cls)[1]:
        told = json.loads(json.dumps(write(cls())))
        place = told["view"] if cls is View else told
        place = place[inside] if inside else place
        place[name] = list(value) if isinstance(value, tuple) else value
        place.pop("options", None) if name == "specs" else None
        with pytest.raises(ValueError) as error:
            read(told)
        assert one_sentence(str(error.value)), value


# ------------------------------------------------------------------------------------------------ command line


def option(name, kind, value):
    """The words with which a terminal asks for a value."""
    flag = f"--{name.replace('_', '-')}"
    if kind.limits()["kind"] == "switch":
        return [flag] if value else [f"--no-{flag[2:]}"]
    text = kind.write(value)
    return [flag, *text.split(",")] if kind.limits()["kind"] in ("specs", "options") else [flag, text]


def commands(name, cls=View):
    """The commands that have the option of a field."""
    look = cls.flat_settings()[name].inside is not None
    return ([] if look and name not in STRENGTHS else [["read", "coffee"]]) + [["export", "coffee", "--out", "x.png"]]


@pytest.mark.parametrize("cls, name, kind", [case for case in fields(View) if case.values[1] != "source"])
def test_the_command_line_takes_every_extreme_and_refuses_what_is_beyond(cls, name, kind, capsys):
    for command in commands(name):
        for value in (value for value in extremes(kind, cls)[0] if value is not None):
            asked = with_field(cls, name, value)
            words = ["--mechanism", *asked.specs] if name == "options" else []
            given = cli.build_parser().parse_args([*command, *words, *option(name, kind, asked.flat_value(name))])
            chosen = chosen_values(vars(given))
            assert View().with_values(**chosen) == asked
            assert chosen[name] == asked.flat_value(name) or name == "options"
        for text in extremes(kind, cls)[2]:
            try:
                assert cli.main([*command, f"--{name}", text]) == 1
            except SystemExit as stop:
                assert stop.code == 1, "what argparse refuses itself"
            said = capsys.readouterr().err.strip()
            assert one_sentence(said.splitlines()[-1]) and "\n" not in said, text
    if name in Look.settings() and name not in STRENGTHS:
        with pytest.raises(SystemExit):
            cli.build_parser().parse_args(["read", "coffee", *option(name, kind, extremes(kind, cls)[0][-1])])


def test_the_source_is_an_argument():
    given = cli.build_parser().parse_args(["read", "pan"])
    assert given.file == "pan" and "source" not in {one.name for one in view_options()}


# ------------------------------------------------------------------------------------------------ notebook


@pytest.fixture(scope="module")
def widget():
    """A view in a notebook, over two frames of four patches."""
    return PatchView([panel(uniform(8))], white(2, 2, 2), Grid(2, 2, 2), query=0)


@pytest.mark.parametrize("name, kind", LOOK)
def test_a_notebook_takes_every_extreme_and_refuses_what_is_beyond(widget, name, kind):
    for value in extremes(kind)[0]:
        setattr(widget, name, value)
        assert getattr(widget, name) == value and widget.get_state()[name] == value
        setattr(widget, name, getattr(Look(), name))
        widget.set_state({name: value})  # a message of the browser
        assert getattr(widget, name) == value
    for value in extremes(kind)[1]:
        with pytest.raises(traitlets.TraitError) as error:
            setattr(widget, name, value)
        assert one_sentence(str(error.value)) and getattr(widget, name) == extremes(kind)[0][-1]


# ------------------------------------------------------------------------------------------------ JavaScript


@pytest.fixture(scope="module")
def shown(chromium):
    """A page with a view of a gate over two frames."""
    context = chromium.new_context(viewport={"width": 900, "height": 700})
    page = context.new_page()
    page.problems = watch(page)
    yield show(page, blob([panel(gated(8, 3)), panel(uniform(8))], Grid(2, 2, 2), query=5))
    assert not page.problems
    context.close()


def ask(page, change):
    """What the view's state is after a change."""
    page.evaluate("change => view.set(change)", change)
    page.evaluate(FRAMES)
    return state(page)


@pytest.mark.parametrize("name, kind", LOOK)
def test_javascript_takes_every_extreme_and_nothing_beyond(shown, name, kind):
    declared = shown.evaluate("name => view.model.fields[name]", name)
    assert declared == json.loads(json.dumps(kind.limits() | {"default": getattr(Look(), name)}))
    last = 1 if name == "frame" else None  # of the two that there are
    values = json.loads(json.dumps([value for value in extremes(kind)[0] if value is not None]))
    for value in values:
        assert ask(shown, {name: value})[name] == (value if last is None else min(value, last))
    for value in (x for x in extremes(kind)[1] if x == x):  # NaN is no JSON: asked below
        limits, found = kind.limits(), ask(shown, {name: value})[name]
        if limits["kind"] in ("number", "whole"):
            high = last if limits["high"] is None else limits["high"]
            assert found in (limits["low"], high, round(value)) and limits["low"] <= found <= high
        else:
            assert found == values[-1], "ignored"
    before = state(shown)
    for script in ("NaN", "undefined", "null", "[[]]", "({})", "1/0"):
        shown.evaluate(f"view.set({{{name}: {script}}})")
        assert state(shown) == before, script


# ------------------------------------------------------------------------------------------------ one more field


@dataclass(frozen=True)
class GlowLook(Look):
    """A look with more fields, of every kind that JavaScript reads."""

    glow: float = setting(Number(0.0, 2.0), 1.0, "Glow", "how far light spreads")
    rays: int = setting(Whole(1, 9), 3, "Rays", "of a light")
    halo: bool = setting(Switch(), False, "Halo", "a ring around every light")
    lamp: str = setting(Word("sun", "moon"), "sun", "Lamp", "what lights")
    note: str = setting(Text(9), "", "Note", "beside the light")
    marks: tuple[str, ...] = setting(Words(lambda: ("x", "y", "z"), 2), (), "Marks", "on the picture")


@dataclass(frozen=True)
class GlowView(View):
    """A view whose look is another one, and that has a field of its own."""

    look: Look = setting(Nested(GlowLook), GlowLook())
    grain: int = setting(Whole(0, 3), 1, "Grain", "of the film")


FULL = {"glow": 2.0, "rays": 9, "halo": True, "lamp": "moon", "note": "nine 9999", "marks": ("z", "x")}
BEYOND = {"glow": 2.1, "rays": 0, "halo": 1, "lamp": "star", "note": "ten letters", "marks": ["x", "y", "z"]}


def test_a_field_of_a_subclass_is_in_its_url_and_its_file():
    view = GlowView().with_values(**FULL, grain=3, patches=7)
    assert view.look == GlowLook(**FULL) and view.grain == 3
    parameters = view.to_parameters(GlowView())
    assert parameters == {"glow": "2", "rays": "9", "halo": "1", "lamp": "moon", "note": "nine 9999", "marks": "z,x",
                          "grain": "3", "patches": "7"}
    assert GlowView.from_parameters(parameters, GlowView()) == (view, [])
    found, said = GlowView.from_parameters({"glow": "2.1", "grain": "4", "seed": "5"}, GlowView())
    assert found == GlowView(seed=5) and len(said) == 2
    assert GlowView.from_json(json.loads(json.dumps(view.to_json()))) == view
    with pytest.raises(ValueError, match="a GlowLook needs glow"):
        GlowView.from_json(View().to_json() | {"view": View().to_fields() | {"grain": 1}})


def test_a_field_of_a_subclass_is_an_option():
    read, export = argparse.ArgumentParser(), argparse.ArgumentParser()
    add_read_options(read, GlowView)
    add_export_options(export, GlowView)
    words = ["--glow", "2", "--rays", "9", "--halo", "--lamp", "moon", "--note", "nine 9999", "--marks", "z,x"]
    chosen = chosen_values(vars(export.parse_args(["pan", *words, "--grain", "3"])), GlowView)
    assert GlowView().with_values(**chosen) == replace(GlowView(grain=3), look=GlowLook(**FULL))
    assert chosen_values(vars(read.parse_args(["pan", "--grain", "0"])), GlowView) == {"grain": 0}
    assert "how far light spreads (0 to 2)" in " ".join(export.format_help().split())
    for wrong in (["--grain", "4"], ["--glow", "2.1"], ["--marks", "x,y,z"]):
        with pytest.raises(ValueError, match=f"^{wrong[0]} takes"):
            chosen_values(vars(export.parse_args(["pan", *wrong])), GlowView)


def test_a_field_of_a_subclass_is_a_trait_of_its_widget():
    widget_class = patch_view_class(GlowLook)
    view = widget_class([panel(uniform(8))], white(2, 2, 2), Grid(2, 2, 2), query=0, glow=0.5, lamp="moon")
    assert (view.glow, view.lamp, view.rays) == (0.5, "moon", 3)
    view.set_state({name: list(value) if isinstance(value, tuple) else value for name, value in FULL.items()})
    assert {name: getattr(view, name) for name in FULL} == FULL and FULL.items() <= view.get_state().items()
    for name, value in BEYOND.items():
        with pytest.raises(traitlets.TraitError, match=f"{name} takes"):
            setattr(view, name, value)
    assert not hasattr(PatchView, "glow")


def test_a_field_of_a_subclass_is_in_javascript(shown):
    data = blob([panel(uniform(8))], Grid(2, 2, 2), fields=GlowLook, rays=9)
    assert unpack(data)["set"]["rays"] == 9
    page = show(shown, data)
    assert {*GlowLook.settings()} == {*page.evaluate("Object.keys(view.model.fields)")} <= {*state(page)}
    assert state(page)["rays"] == 9 and state(page)["glow"] == 1
    want = {name: list(value) if isinstance(value, tuple) else value for name, value in FULL.items()}
    assert want.items() <= ask(page, want).items()
    after = ask(page, BEYOND)
    assert {name: after[name] for name in want} == want | {"glow": 2, "rays": 1}, "clamped, or ignored"
