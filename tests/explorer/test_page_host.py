"""Pages as a host of states: every field reaches its page by URL and by its widget, at each extreme and no further."""
from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.atlas.atlas_state import STATE as ATLAS
from explorer.atlas.atlas_state import AtlasView
from explorer.claims.claims_state import STATE as CLAIMS
from explorer.claims.claims_state import ClaimsView
from explorer.concentrate import panel_work
from explorer.concentrate.concentrate_state import LIVE
from explorer.concentrate.concentrate_state import STATE as CONCENTRATE
from explorer.heads.heads_state import STATE as HEADS
from explorer.heads.heads_state import HeadsView
from explorer.reach.reach_state import STATE as REACH
from explorer.reach.reach_state import ReachView
from explorer.shared.page_state import PageState
from explorer.shared.widgets import draw_field
from explorer.trained.trained_state import LIVE as TRAINED_LIVE
from explorer.trained.trained_state import STATE as TRAINED
from linviz import clips, names
from linviz.mechanisms import REGISTRY
from linviz.settings import Number, State, Switch, Text, Whole, Word, Words, setting
from linviz.views import Look, TrainedView, View
from linviz.views.panel_steps import fit_panel

from .harness import said, view, visit, well
from .test_own_file import address, arrays, bring

UNKNOWN = {"source": "dog", "query": "0,0,x", "options": "x", "specs": "evil"}  # of kinds that have no end


def ends(kind: Any) -> tuple[Any, ...]:
    """The extremes that a kind allows."""
    if isinstance(kind, Whole | Number):
        return kind.low, kind.high
    if isinstance(kind, Word):
        return kind.words[0], kind.words[-1]
    if isinstance(kind, Words):
        return (), tuple(kind.known()[:kind.most])
    return ("", "x" * kind.longest) if isinstance(kind, Text) else (False, True)


def beyond(kind: Any) -> tuple[str, ...]:
    """Texts that go one step too far."""
    if isinstance(kind, Whole | Number):
        return tuple(f"{end:g}" for end in (kind.low - 1, *([] if kind.high is None else [kind.high + 1])))
    return ("x" * (kind.longest + 1),) if isinstance(kind, Text) else ("neither",)


@dataclass(frozen=True)
class Host:
    """A page and the fields of its state.

    plain  a URL that is drawn quickly;  shown  extremes, where the page's own are narrower;  alone  fields that stand
    at their ends without others;  corners  fields that go along, in this order, so that one can stand at its end
    menus  numbers that are chosen from a list;  live  fields that the view sets
    """

    page: str
    state: type[State]
    plain: dict[str, str]
    shown: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    alone: tuple[str, ...] = ()
    corners: tuple[dict[str, tuple[Any, Any]], ...] = ()
    menus: tuple[str, ...] = ()
    live: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, tuple[Any, ...]]:
        """The extremes of every field with a widget."""
        flat = self.state.flat_settings()
        return {name: self.shown.get(name) or ends(flat[name].setting.kind) for name in flat if name not in self.live}

    def groups(self, end: int) -> list[dict[str, Any]]:
        """All fields at an end: those that can stand there together, then the others."""
        apart = {*self.alone, *(name for corner in self.corners for name in corner)}
        together = {name: values[end] for name, values in self.fields.items() if name not in apart}
        return [together, *({name: self.fields[name][end]} for name in self.alone),
                *({name: values[end] for name, values in corner.items()} for corner in self.corners)]

    def visited(self, **more: str) -> AppTest:
        """The page at a URL."""
        return visit(self.page, **self.plain | more)

    def value(self, app: AppTest, name: str) -> Any:
        """What the page shows."""
        return app.session_state[self.page].flat_value(name)

    def written(self, app: AppTest, name: str) -> str:
        """A field as the URL says it, or leaves it unsaid."""
        kind, there = self.state.flat_settings()[name].setting.kind, address(app)
        return there.get(name, kind.write(STATES[self.page].base(there).flat_value(name)))


STATES: dict[str, PageState[Any]] = {page.page: page for page in (CONCENTRATE, TRAINED, CLAIMS, ATLAS, REACH, HEADS)}
EIGHT = ("uniform", "relu", "linear", "efficient", "softmax", "local", "lambda", "swin")
FOUR = ("softmax", "relu_floor", "relu_floor+gate", "relu")
HOSTS = [
    Host("concentrate", View, {"source": "pan", "patches": "7", "frames": "2", "specs": "relu_floor+gate"},
         {"patches": (1, 39), "source": (clips.names()[0], clips.names()[-1]), "specs": (("uniform",), EIGHT)},
         ("patches", "frames", "specs", "source"), live=(*LIVE, "head", "layout", "layer")),
    Host("trained", TrainedView, {"specs": "softmax,relu_floor+gate", "budget": "short"},
         {"seed": (0, 4), "budget": ("long", "fine"), "specs": (("softmax", "relu"), FOUR)}, ("seed", "specs"),
         ({"budget": ("long", "fine")},), menus=("seed",), live=TRAINED_LIVE),
    Host("claims", ClaimsView, {"patches": "7"}, {"source": ("astronaut", "hubble")}, ("source",)),
    Host("heads", HeadsView, {}, {"source": ("motion-softmax", "painter-relu_floor+gate")}, live=("query",)),
    Host("atlas", AtlasView, {"patches": "8"}, {}, ("patches",)),
    Host("reach", ReachView, {"source": "pan", "patches": "8", "frames": "2"}, {}, (),
         ({"frames": (2, 8), "frame": (1, 8)}, {"left": ("window", "shifted"), "side": (2, 14)},
          {"left": ("joint", "shift_space")}, {"rollout": ("softmax", "relu_floor+gate+shift"), "asked": (1, 144)},
          {"patches": (7, 28), "row": (1, 28), "column": (1, 28)}))]
EVERY = pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.page)
KINDS = ("slider", "select_slider", "number_input", "selectbox", "radio", "toggle", "multiselect", "text_input",
         "button_group", "segmented_control", "pills")


@pytest.fixture(autouse=True)
def quick_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate is fitted in one step: what steps do is another test's."""
    monkeypatch.setattr(panel_work, "fit_panel", lambda spec, here, steps, seed, options, report: fit_panel(
        spec, here, 1, seed, options, report))


def widget(app: AppTest, key: str) -> Any:
    """The widget with this key, whatever its kind."""
    (found,) = {id(one): one for kind in KINDS for one in app.get(kind) if getattr(one, "key", None) == key}.values()
    return found


def span(app: AppTest, key: str) -> tuple[Any, Any] | None:
    """The least and the most that can be chosen; None where a widget has no ends."""
    found = widget(app, key)
    if found.type == "select_slider":
        return float(found.options[0]), float(found.options[-1])
    return (found.min, found.max) if hasattr(found, "min") else None


def check(app: AppTest, host: Host, values: dict[str, Any]) -> None:
    """State, URL and widgets all have these values, and nothing is wrong."""
    assert not said(app)
    for name, value in values.items():
        assert host.value(app, name) == value, name
        assert host.written(app, name) == host.state.flat_settings()[name].setting.kind.write(value)
        held = widget(app, f"{host.page}_{name}").value
        assert (tuple(held) if isinstance(value, tuple) else held) == value, name


@EVERY
@pytest.mark.parametrize("end", [0, -1], ids=["least", "most"])
def test_every_field_stands_at_its_extreme_by_url_and_by_its_widget_and_goes_no_further(host: Host, end: int) -> None:
    for values in host.groups(end):
        kinds = {name: host.state.flat_settings()[name].setting.kind for name in values}
        check(host.visited(**{name: kinds[name].write(value) for name, value in values.items()}), host, values)
        app, together = host.visited(), values == host.groups(end)[0]
        for name, value in values.items():
            widget(app, f"{host.page}_{name}").set_value(list(value) if isinstance(value, tuple) else value)
            if not together:  # each changes what the next may be
                well(app.run())
        check(well(app.run()) if together else app, host, values)
        for name, value in values.items():
            ended = span(app, f"{host.page}_{name}")
            if ended is not None and name not in host.menus:
                assert ended[end] == value, f"{name} goes further"


@EVERY
def test_one_value_beyond_gets_one_sentence_and_has_no_effect(host: Host) -> None:
    """Every field at once, live ones too: as many sentences as wrong parameters, each names its own."""
    flat = host.state.flat_settings()
    for turn in (0, 1):
        wrong = {name: UNKNOWN.get(name) or beyond(one.setting.kind)[-turn] for name, one in flat.items()}
        app = host.visited(**wrong)
        problems = app.session_state[f"{host.page}_problems"]
        about = sorted(sentence.partition("=")[0] for sentence in problems)
        assert about == sorted(wrong) and all("has no effect: " in sentence for sentence in problems)
        words = said(app).replace("\\", "")
        assert all(f"{name}=" in words for name in wrong)
        assert app.session_state[host.page] == visit(host.page).session_state[host.page]


# ------------------------------------------------------------------------------------------------ the live view


LOOKS = {name: ends(one.kind) for name, one in Look.settings().items() if name != "pins"} | {
    "frame": (0, 1), "query": ((0, 0, 0), (1, 6, 6)), "pins": (((0, 0, 0),), ((1, 6, 6), (0, 2, 3), (0, 6, 0)))}
UNSAID = ({"mode", "tone", "own", "share", "follow", "frame", "projector"},  # the opening's, the query's
          {"strength", "frame", "erasing"})


@pytest.mark.parametrize("end", [0, 1], ids=["least", "most"])
def test_every_field_of_the_live_view_reaches_page_and_url_both_ways(end: int) -> None:
    """By URL, and as the view reports it."""
    values, kinds = {name: ends[end] for name, ends in LOOKS.items()}, View.flat_settings()
    texts = {name: kinds[name].setting.kind.write(value) for name, value in values.items()}
    app = HOSTS[0].visited(specs="softmax,relu", **texts)
    sent, numbered = view(app)["set"], values | {"query": 97 * end, "pins": [list(at) for at in values["pins"]]}
    assert not said(app) and {name: sent[name] for name in LOOKS} == numbered
    unsaid = {name: text for name, text in texts.items() if name not in UNSAID[end]}
    assert {name: text for name, text in address(app).items() if name in LOOKS} == unsaid
    app = HOSTS[0].visited(specs="softmax,relu")
    app.session_state["view0"] = {"query": numbered | {"n": 1, "trail": [97 * end]}}
    assert {name: text for name, text in address(well(app.run())).items() if name in LOOKS} == unsaid


# ------------------------------------------------------------------------------------------------ options, heads


def is_shown(text: str) -> bool:
    """Nothing is said, but that these keys are too long for a memory that takes them as they are."""
    return not text or "use unit keys" in text


DECLARING = [spec for spec in names() if REGISTRY[spec].settings]


@pytest.mark.parametrize("specs", [DECLARING[n:n + 6] for n in range(0, len(DECLARING), 6)], ids=",".join)
def test_every_option_that_a_mechanism_declares_has_a_widget_with_its_limits(specs: list[str]) -> None:
    """One option of each mechanism at a time goes to its ends."""
    app = HOSTS[0].visited(source="coffee", specs=",".join(specs))
    declared = [list(REGISTRY[spec].settings.items()) for spec in specs]
    for turn in range(max(map(len, declared))):
        moved = [(n, spec, *options[turn]) for n, (spec, options) in enumerate(zip(specs, declared))
                 if turn < len(options)]
        for end in (0, 1):
            for n, _, name, one in moved:
                key, (low, *_, high) = f"concentrate_option_{n}_{name}", ends(one.kind)
                if isinstance(one.kind, Whole | Number):
                    assert span(app, key) == (low, high)
                widget(app, key).set_value(at_end(one.kind, end))
            shown = well(app.run()).session_state.concentrate
            for n, spec, name, one in moved:
                value, default = at_end(one.kind, end), REGISTRY[spec].option_default(name)
                assert shown.options[n].get(name, default) == value and is_shown(said(app)), (name, value)
                assert (f"{n}:{name}=" in address(app).get("options", "")) == (value != default)
            assert View.from_parameters(address(app), CONCENTRATE.base(address(app)))[0].options == shown.options
        for n, spec, name, _ in moved:
            widget(app, f"concentrate_option_{n}_{name}").set_value(REGISTRY[spec].option_default(name))
        well(app.run())


def at_end(kind: Any, end: int) -> Any:
    """The least or the most that a page shows in a moment."""
    value = ends(kind)[-end]
    return min(value, 4096) if isinstance(kind, Whole) else value


@pytest.mark.parametrize("spec", DECLARING)
def test_an_option_beyond_its_limits_gets_one_sentence_that_names_it(spec: str) -> None:
    for name, one in REGISTRY[spec].settings.items():
        for text in beyond(one.kind):
            asked = {"specs": f"softmax,{spec}", "options": f"1:{name}={text}"}
            found, (sentence,) = View.from_parameters(asked, View())
            assert f"{spec}: {name} takes" in sentence and found.specs == ("softmax", spec) and not any(found.options)


def test_the_head_of_tensors_goes_from_the_mean_of_all_to_the_last() -> None:
    most = View.limits("head")["high"]
    x = np.random.default_rng(0).normal(size=(most, 4, 2)).astype(np.float32)
    data = arrays(q=x, k=x, grid=[2, 2])
    app = bring(visit(source="own", specs="softmax"), data, "run.npz")
    slider = app.get("number_input") and [one for one in app.number_input if one.key == "concentrate_head"]
    found = slider[0] if slider else app.slider(key="concentrate_head")
    assert (found.min, found.max) == (0, most)
    well(found.set_value(most).run())
    assert app.session_state.concentrate.head == most and address(app)["head"] == str(most)
    linked = bring(visit(**address(app)), data, "run.npz")
    assert linked.session_state.concentrate.head == most and not said(linked)
    (sentence,) = visit(**address(app) | {"head": str(most + 1)}).session_state.concentrate_problems
    assert sentence.startswith("head=")


# ------------------------------------------------------------------------------------------------ a field that is added


@pytest.mark.parametrize("state", [View, TrainedView, AtlasView, ReachView])
def test_a_field_that_is_added_is_a_widget_a_parameter_and_part_of_the_state(state: type[State]) -> None:
    app = AppTest.from_function(script, kwargs={"state": state.__name__}).run()
    for name, kind, value, text in ADDED:
        found = widget(app, f"wider_{name}")
        assert found.label == name.replace("_", " ")
        well(found.set_value(list(value) if isinstance(value, tuple) else value).run())
        assert address(app)[name] == text and getattr(app.session_state.wider, name) == value
        low, *_, high = ends(kind)
        if isinstance(kind, Whole | Number):
            assert span(app, f"wider_{name}") == (low, high)
    again = AppTest.from_function(script, kwargs={"state": state.__name__})
    for name, _, _, text in ADDED:
        again.query_params[name] = text
    well(again.run())
    assert again.session_state.wider.to_fields() == app.session_state.wider.to_fields() and not said(again)
    again = AppTest.from_function(script, kwargs={"state": state.__name__})
    for name, kind, _, _ in ADDED:
        again.query_params[name] = beyond(kind)[0]
    assert len(well(again.run()).session_state.wider_problems) == len(ADDED)


ADDED = [("new_whole", Whole(0, 9), 9, "9"), ("new_many", Whole(0, 999), 999, "999"),
         ("new_number", Number(0.0, 2.0), 2.0, "2"), ("new_ratio", Number(0.1, 10.0, log=True), 10.0, "10"),
         ("new_word", Word("left", "right"), "right", "right"), ("new_text", Text(5), "lions", "lions"),
         ("new_words", Words(lambda: ("a", "b", "c"), 2), ("a", "c"), "a,c"), ("new_switch", Switch(), True, "1")]
FIRST = {"new_whole": 1, "new_many": 1, "new_number": 1.0, "new_ratio": 1.0, "new_word": "left", "new_words": (),
         "new_text": "", "new_switch": False}


def wider(state: type[State]) -> PageState[Any]:
    """The state of a page whose fields are those of a state and one more of every kind."""
    added = [(name, Any, setting(kind, FIRST[name], name.replace("_", " "))) for name, kind, _, _ in ADDED]
    cls = make_dataclass("Wider", added, bases=(state,), frozen=True)
    return PageState("wider", cls(), tuple(state.flat_settings()))


def draw_added(state: str) -> None:
    """A page of those fields."""
    page = wider({one.__name__: one for one in (View, TrainedView, AtlasView, ReachView)}[state])
    page.come()
    for name, *_ in ADDED:
        draw_field(page, name)
    page.read_widgets()
    page.write_url()


def script(state: str) -> None:
    from tests.explorer.test_page_host import draw_added
    draw_added(state)


def test_no_field_is_forgotten() -> None:
    """Every flat field has a widget, stands in the live view, or has a test of its own above."""
    for host in HOSTS:
        assert {*host.fields, *host.live} == {*host.state.flat_settings()}
    assert set(LIVE) - {*Look.settings()} == {"query", "options", "compare"}  # compare: test_divergence_panel.py
    assert set(TRAINED_LIVE) <= {*Look.settings(), "query"}
