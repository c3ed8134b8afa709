"""Pages as a host of states: every field reaches its page by URL and by its widget, at each extreme and no further."""
from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.atlas.atlas_state import STATE as ATLAS
from explorer.atlas.atlas_state import AtlasView
from explorer.concentrate.concentrate_state import LIVE
from explorer.concentrate.concentrate_state import STATE as CONCENTRATE
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
from linviz.views.state_kinds import panel_text

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
    """A page and the fields of its state.

    plain  a URL that is drawn quickly;  shown  extremes, where the page's own are narrower;  together  fields that go
    along, so that one can stand at its end;  alone  fields that cannot stand at their ends beside others
    menus  numbers that are chosen from a list;  live  fields that the view sets
    """

    page: str
    state: type[State]
    plain: dict[str, str]
    shown: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    together: dict[str, dict[str, Any]] = field(default_factory=dict)
    alone: frozenset[str] = frozenset()
    menus: tuple[str, ...] = ()
    live: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, tuple[Any, ...]]:
        """The extremes of every field with a widget."""
        flat = self.state.flat_settings()
        return {name: self.shown.get(name) or ends(flat[name].setting.kind) for name in flat if name not in self.live}

    @cached_property
    def start(self) -> State:
        """What the plain URL shows."""
        found: State = self.visited().session_state[self.page]
        return found

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


STATES: dict[str, PageState[Any]] = {page.page: page for page in (CONCENTRATE, TRAINED, ATLAS, REACH)}
EIGHT = ("uniform", "relu", "linear", "efficient", "softmax", "local", "lambda", "swin")
FOUR = ("softmax", "relu_floor", "relu_floor+gate", "relu")
HOSTS = [
    Host("concentrate", View, {"source": "digit", "patches": "7", "frames": "2", "specs": "relu_floor+gate",
                               "steps": "1"},
         {"patches": (1, 39), "source": (clips.names()[0], clips.names()[-1]), "specs": (("uniform",), EIGHT)},
         alone=frozenset({"patches", "frames", "specs", "steps"}), live=(*LIVE, "head")),
    Host("trained", TrainedView, {"specs": "softmax,relu_floor+gate", "budget": "short"},
         {"seed": (0, 4), "budget": ("long", "fine"), "specs": (("softmax", "relu"), FOUR)},
         alone=frozenset({"budget", "seed", "specs"}), menus=("seed",), live=TRAINED_LIVE),
    Host("atlas", AtlasView, {"patches": "8"}, alone=frozenset({"patches"})),
    Host("reach", ReachView, {"source": "pan", "patches": "8", "frames": "2"},
         together={"frame": {"frames": 8}, "row": {"patches": 28}, "column": {"patches": 28},
                   "side": {"left": "window"}}, alone=frozenset({"patches", "frames"}))]
EVERY = pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.page)


def widget(app: AppTest, key: str) -> Any:
    """The widget with this key, whatever its kind."""
    (found,) = {id(one): one for kind in ("slider", "select_slider", "number_input", "selectbox", "radio", "toggle",
                                          "multiselect", "text_input", "button_group", "segmented_control", "pills")
                for one in app.get(kind) if getattr(one, "key", None) == key}.values()
    return found


def span(app: AppTest, key: str) -> tuple[Any, Any] | None:
    """The least and the most that can be chosen; None where a widget has no ends."""
    found = widget(app, key)
    if found.type == "select_slider":
        return float(found.options[0]), float(found.options[-1])
    return (found.min, found.max) if hasattr(found, "min") else None


@EVERY
def test_every_field_is_moved_by_its_widget_to_each_extreme_and_no_further(host: Host) -> None:
    """One visit for all fields: each goes to its extremes and back, others go along where they have to."""
    app, kinds = host.visited(), host.state.flat_settings()

    def move(name: str, value: Any) -> None:
        well(widget(app, f"{host.page}_{name}").set_value(list(value) if isinstance(value, tuple) else value).run())
        assert host.value(app, name) == value and not said(app), (name, value)
        assert host.written(app, name) == kinds[name].setting.kind.write(value)

    for name, values in host.fields.items():
        along = host.together.get(name, {})
        for other, value in along.items():
            move(other, value)
        if isinstance(values[0], int | float) and not isinstance(values[0], bool) and name not in host.menus:
            assert span(app, f"{host.page}_{name}") == (values[0], values[-1]), name
        for value in (*values, host.start.flat_value(name)):
            move(name, value)
        for other in along:
            move(other, host.start.flat_value(other))


@EVERY
@pytest.mark.parametrize("end", [0, -1], ids=["least", "most"])
def test_a_url_brings_every_field_at_its_extreme(host: Host, end: int) -> None:
    """All at once where they go together; what does not has a visit of its own."""
    kinds, apart = host.state.flat_settings(), host.together.keys() | host.alone
    asked = {name: values[end] for name, values in host.fields.items() if name not in apart}
    visits = [asked, *({name: host.fields[name][end]} | host.together.get(name, {}) for name in apart)]
    for values in visits:
        app = host.visited(**{name: kinds[name].setting.kind.write(value) for name, value in values.items()})
        assert not said(app)
        for name, value in values.items():
            assert host.value(app, name) == value, name
            held = widget(app, f"{host.page}_{name}").value
            assert (tuple(held) if isinstance(value, tuple) else held) == value, name


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
        plain = getattr(Look(), name, None)
        assert where.get(name) == (None if value == plain or (name, value) == ("frame", 0) else kind.write(value))


# ------------------------------------------------------------------------------------------------ options, heads


DECLARED = [(spec, name) for spec in names() for name in REGISTRY[spec].settings]


@pytest.mark.parametrize("spec", sorted({spec for spec, _ in DECLARED}))
def test_every_option_that_a_mechanism_declares_has_a_widget_with_its_limits(spec: str) -> None:
    quick = {"source": "coffee", "specs": f"softmax,{spec}"}
    app = HOSTS[0].visited(**quick)
    for name, one in REGISTRY[spec].settings.items():
        key, default = f"concentrate_option_1_{name}", REGISTRY[spec].option_default(name)
        low, *_, high = ends(one.kind)
        if isinstance(one.kind, Whole | Number):
            assert span(app, key) == (low, high)
        for end in (low, min(high, 4096) if isinstance(one.kind, Whole) else high):  # more takes a page a while
            well(widget(app, key).set_value(end).run())
            view = app.session_state.concentrate
            assert view.options[1].get(name, default) == end and not said(app), (name, end)
            written = {} if end == default else {"options": f"1:{name}={panel_text('', {name: end}).partition('=')[2]}"}
            assert address(app).get("options") == written.get("options")
            assert HOSTS[0].visited(**quick | written).session_state.concentrate == view
        well(widget(app, key).set_value(default).run())
        wrong = HOSTS[0].visited(**quick, options=f"1:{name}={beyond(one.kind)[-1]}")
        (sentence,) = wrong.session_state.concentrate_problems
        assert f"{spec}: {name} takes" in sentence and not any(wrong.session_state.concentrate.options)


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
    assert set(LIVE) - {*Look.settings()} == {"query", "options"} and set(TRAINED_LIVE) <= {*Look.settings(), "query"}
