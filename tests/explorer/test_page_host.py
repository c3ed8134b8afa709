"""Pages as a host of states: every field reaches its page by URL and by its widget, at each extreme and no further."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.atlas.atlas_state import AtlasView
from explorer.concentrate.concentrate_state import LIVE, STATE
from explorer.reach.reach_state import ReachView
from explorer.shared.page_state import PageState
from explorer.shared.widgets import draw_field
from explorer.trained.trained_state import LIVE as TRAINED_LIVE
from linviz import clips, names
from linviz.mechanisms import REGISTRY
from linviz.settings import Number, State, Switch, Text, Whole, Word, Words, setting
from linviz.views import Look, TrainedView, View
from linviz.views.state import SPECS

from .harness import said, visit, well
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
    """A page and the fields of its state. plain: a URL that is drawn quickly; shown: extremes, where they are the
    page's own; together: fields that have to be moved with one, so that it can stand at its end; live: set by the view.
    """

    page: str
    state: type[State]
    plain: dict[str, str]
    shown: dict[str, tuple[Any, ...]]
    together: dict[str, dict[str, str]]
    live: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, tuple[Any, ...]]:
        """The extremes of every field with a widget."""
        flat = self.state.flat_settings()
        return {name: self.shown.get(name) or ends(flat[name].setting.kind) for name in flat if name not in self.live}

    def visited(self, **more: str) -> AppTest:
        """The page at a URL."""
        return visit(self.page, **self.plain | more)

    def value(self, app: AppTest, name: str) -> Any:
        """What the page shows."""
        return app.session_state[self.page].flat_value(name)


HOSTS = [
    Host("concentrate", View, {"source": "digit", "patches": "7", "frames": "2", "steps": "1",
                                   "specs": "relu_floor+gate"},
         {"patches": (1, 39), "source": (clips.names()[0], clips.names()[-1]), "steps": (1, 10_000),
          "specs": (("uniform",), ("uniform", "relu", "linear", "efficient", "softmax", "local", "lambda", "swin"))},
         {}, (*LIVE, "head")),
    Host("trained", TrainedView, {"specs": "softmax,relu"},
         {"seed": (0, 4), "budget": ("long", "fine"),
          "specs": (("softmax", "relu"), ("softmax", "relu_floor", "relu_floor+gate", "relu"))},
         {"seed": {"budget": "short"}, "strength": {"specs": "softmax,relu_floor+gate"}}, TRAINED_LIVE),
    Host("atlas", AtlasView, {"patches": "8"}, {}, {}),
    Host("reach", ReachView, {"source": "pan", "patches": "7", "frames": "2"}, {},
         {"frame": {"frames": "8"}, "row": {"patches": "28"}, "column": {"patches": "28"}, "side": {"left": "window"}})]
CASES = [pytest.param(host, name, id=f"{host.page}-{name}") for host in HOSTS for name in host.fields]


def widget(app: AppTest, host: Host, name: str) -> Any:
    """The widget of a field, whatever its kind."""
    (found,) = {id(one): one for kind in ("slider", "select_slider", "number_input", "selectbox", "radio", "toggle",
                                          "multiselect", "text_input", "button_group", "segmented_control", "pills")
                for one in app.get(kind) if getattr(one, "key", None) == f"{host.page}_{name}"}.values()
    return found


@pytest.mark.parametrize("host, name", CASES)
def test_a_field_reaches_its_page_by_url_and_by_its_widget_at_each_extreme(host: Host, name: str) -> None:
    kind = host.state.flat_settings()[name].setting.kind
    app = host.visited(**host.together.get(name, {}))
    for end in (*host.fields[name], host.fields[name][0]):
        well(widget(app, host, name).set_value(list(end) if isinstance(end, tuple) else end).run())
        assert host.value(app, name) == end and not said(app)
    opened, written = host.fields[name][-1], kind.write(host.fields[name][-1])
    there = host.visited(**host.together.get(name, {}) | {name: written})
    assert host.value(there, name) == opened and not said(there)
    assert address(there).get(name, kind.write(there.session_state[host.page].flat_value(name))) == written
    held = widget(there, host, name).value
    assert (tuple(held) if isinstance(opened, tuple) else held) == opened


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.page)
def test_one_value_beyond_gets_one_sentence_and_has_no_effect(host: Host) -> None:
    """Every field at once, live ones too: as many sentences as wrong parameters, each names its own."""
    flat = host.state.flat_settings()
    plain = host.visited()
    for turn in (0, 1):
        wrong = {name: UNKNOWN.get(name) or beyond(one.setting.kind)[-turn] for name, one in flat.items()}
        app = host.visited(**wrong)
        problems = app.session_state[f"{host.page}_problems"]
        assert len(problems) == len(wrong) and all(
            sentence.startswith(f"{name}=") and "has no effect" in sentence and sentence.count(". ") == 0
            for name, sentence in zip(wrong, problems, strict=True)), problems
        words = said(app).replace("\\", "")
        assert all(f"{name}=" in words for name in wrong)
        bare = visit(host.page, **{name: text for name, text in host.plain.items() if name not in wrong})
        assert app.session_state[host.page] == bare.session_state[host.page]
    assert plain.session_state[host.page] is not None


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.page)
def test_a_widget_ends_where_its_field_ends(host: Host) -> None:
    """One value beyond cannot be chosen at all."""
    app = host.visited(**{name: text for more in host.together.values() for name, text in more.items()
                          if name not in ("patches", "budget")})
    for name, (low, *_, high) in host.fields.items():
        found = widget(app, host, name) if (host.page, name) != ("trained", "seed") else None
        if isinstance(low, int | float) and not isinstance(low, bool) and hasattr(found, "min"):
            caps = {"row": 7, "column": 7}
            assert (found.min, found.max) == (low, caps.get(name, high)), name


# ------------------------------------------------------------------------------------------------ the live view


LOOKS = {name: ends(one.kind) for name, one in Look.settings().items()}


@pytest.mark.parametrize("name, values", (LOOKS | {"frame": (0, 1), "query": ((0, 0, 0), (1, 6, 6))}).items())
def test_a_field_of_the_live_view_reaches_page_and_url_both_ways(name: str, values: tuple[Any, ...]) -> None:
    host, kind = HOSTS[0], View.flat_settings()[name].setting.kind
    quick = {"specs": "softmax,relu"}
    for value in values:
        app = host.visited(**quick | {name: kind.write(value)})
        assert host.value(app, name) == value or (name == "frame" and value == 0)
        assert not said(app)
        app = host.visited(**quick)
        live = app.session_state.visit.live
        told = live.look.to_fields() | {"query": live.query, "n": 1, "trail": [live.query]}
        grid = (2, 7, 7)
        told |= {name: int(np.ravel_multi_index(value, grid)) if name == "query" else value}
        app.session_state["view0"] = {"query": told}
        well(app.run())
        where = address(app)
        assert where.get(name, kind.write(getattr(Look(), name, None))) == kind.write(value) or (
            name == "frame" and value == 0 and name not in where)


# ------------------------------------------------------------------------------------------------ options, heads


DECLARED = [(spec, name) for spec in names() for name in REGISTRY[spec].settings]


@pytest.mark.parametrize("spec", sorted({spec for spec, _ in DECLARED}))
def test_every_option_that_a_mechanism_declares_has_a_widget_with_its_limits(spec: str) -> None:
    host = HOSTS[0]
    app = host.visited(source="coffee", specs=f"softmax,{spec}")
    for name, one in REGISTRY[spec].settings.items():
        found = widget(app, host, f"option_1_{name}")
        low, *_, high = ends(one.kind)
        if isinstance(one.kind, Whole | Number):
            assert (found.min, found.max) == (low, high)
        for end in (low, high):
            if isinstance(one.kind, Whole) and end == high and high > 4096:
                end = 4096  # as many as a page shows in a moment
            well(widget(app, host, f"option_1_{name}").set_value(end).run())
            default = REGISTRY[spec].option_default(name)
            assert app.session_state.concentrate.options[1].get(name, default) == end and not said(app), (name, end)
            text = address(app).get("options", "")
            assert (f"1:{name}=" in text) == (end != default)
            again = host.visited(source="coffee", specs=f"softmax,{spec}", **({"options": text} if text else {}))
            assert again.session_state.concentrate.options == app.session_state.concentrate.options
    for text in beyond(one.kind):
        wrong = host.visited(source="coffee", specs=f"softmax,{spec}", options=f"1:{name}={text}")
        (sentence,) = wrong.session_state.concentrate_problems
        assert name in sentence and not any(wrong.session_state.concentrate.options)


def test_the_head_of_tensors_goes_from_one_to_the_last() -> None:
    most = View.limits("head")["high"]
    x = np.random.default_rng(0).normal(size=(most, 4, 2)).astype(np.float32)
    data = arrays(q=x, k=x)
    app = bring(visit(source="own", specs="softmax"), data, "run.npz")
    slider = app.get("number_input") and [one for one in app.number_input if one.key == "concentrate_head"]
    found = slider[0] if slider else app.slider(key="concentrate_head")
    assert (found.min, found.max) == (1, most)
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
        found = widget(app, Host("wider", state, {}, {}, {}), name)
        assert found.label == name.capitalize()
        well(found.set_value(list(value) if isinstance(value, tuple) else value).run())
        assert address(app)[name] == text and getattr(app.session_state.wider, name) == value
        low, *_, high = ends(kind)
        if isinstance(kind, Whole | Number):
            assert not hasattr(found, "min") or (found.min, found.max) == (low, high)
    again = AppTest.from_function(script, kwargs={"state": state.__name__})
    for name, _, _, text in ADDED:
        again.query_params[name] = text
    well(again.run())
    assert again.session_state.wider == app.session_state.wider and not again.session_state.wider_problems
    for name, kind, _, _ in ADDED:
        again.query_params[name] = beyond(kind)[0]
    again = AppTest.from_function(script, kwargs={"state": state.__name__})
    for name, kind, _, _ in ADDED:
        again.query_params[name] = beyond(kind)[0]
    assert len(well(again.run()).session_state.wider_problems) == len(ADDED)


ADDED = [("whole", Whole(0, 9), 9, "9"), ("many", Whole(0, 999), 999, "999"), ("number", Number(0.0, 2.0), 2.0, "2"),
         ("ratio", Number(0.1, 10.0, log=True), 10.0, "10"), ("word", Word("left", "right"), "right", "right"),
         ("words", Words(lambda: ("a", "b", "c"), 2), ("a", "c"), "a,c"), ("text", Text(5), "lions", "lions"),
         ("switch", Switch(), True, "1")]
FIRST = {"whole": 1, "many": 1, "number": 1.0, "ratio": 1.0, "word": "left", "words": (), "text": "", "switch": False}


def wider(state: type[State]) -> PageState[Any]:
    """The state of a page whose fields are those of a state and one more of every kind."""
    from dataclasses import make_dataclass
    added = [(name, Any, setting(kind, FIRST[name], name.capitalize())) for name, kind, _, _ in ADDED]
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
    """Every flat field is in a widget of its page, in the live view, or has a test of its own here."""
    for host in HOSTS:
        assert {*host.fields, *host.live} == {*host.state.flat_settings(), *(set(host.live) & {"options"})}
    assert {"query", "options", "head"} <= {*LIVE, "head"} and STATE.opening.specs == SPECS
