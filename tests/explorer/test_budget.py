"""Times of the page Concentrate: the first picture, controls that ask the server, spectra of factored maps."""
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from explorer.concentrate import panel_work
from explorer.shared.scenes import sample_scene
from linviz import Grid
from tests.conftest import watch

from .browser import FIND, WIDE
from .crowd import served

pytestmark = pytest.mark.budget
WHOLE = """() => { const v = window.view?.(), m = v?.measures; return m?.length === 3 && m.every(x => x.bits > 0)
  && v.model.panels[2].title.endsWith("fitted") && document.querySelectorAll(".linviz-numbers").length === 3
  && document.querySelector(".js-plotly-plot .main-svg"); }"""
SETTLED = "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
TIMES = 20


def p90(seconds: list[float], what: str) -> float:
    half, most = np.quantile(seconds, [0.5, 0.9])
    print(f"{what}: p50 {half:.2f} s, p90 {most:.2f} s of {len(seconds)}")
    return float(most)


@dataclass(frozen=True)
class First:
    """The first visit to a server: its address, seconds until the page was whole, and what went wrong."""

    url: str
    seconds: float
    problems: list[str]


@pytest.fixture(scope="module")
def context(chromium) -> Iterator[Any]:
    """A browser that has never been here."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="module")
def first(context, tmp_path_factory) -> Iterator[First]:
    """A server that has just started, and its first visitor; those of the other tests come after."""
    with served(tmp_path_factory.mktemp("budget") / "log") as (url, _):
        page = context.new_page()
        page.set_viewport_size(WIDE)
        problems, start = watch(page), time.monotonic()
        page.goto(url)
        page.wait_for_function(FIND, timeout=60_000)
        page.wait_for_function(WHOLE, timeout=60_000)
        took = time.monotonic() - start
        page.close()
        yield First(url, took, problems)


def test_the_first_visitor_sees_everything_within_five_seconds(first):
    """Of a server that has just started: picture, three maps, the fitted gate, tables and chart."""
    print(f"first visitor: {first.seconds:.1f} s")
    assert first.seconds <= 5 and not first.problems


@pytest.fixture(scope="module", params=[("", 0.5), ("?source=pan", 1.0)], ids=["784", "1568"])
def opened(request, context, first):
    """A page with that many tokens, and the seconds that a change may take."""
    address, budget = request.param
    page = context.new_page()
    page.set_viewport_size(WIDE)
    page.emulate_media(reduced_motion="reduce")  # without the glide of an opening
    page.goto(first.url + address)
    page.wait_for_function(FIND, timeout=60_000)
    page.wait_for_function(SETTLED, timeout=60_000)
    yield page, budget
    page.close()


def redraw(page, act) -> float:
    """Seconds from a change to the new maps in the view, drawn; then the page is whole, and its fit on its way."""
    before = page.evaluate("view().model.id")
    start = time.monotonic()
    act()
    page.wait_for_function("id => view().model.id !== id && (view().draw(), true)", arg=before, timeout=30_000)
    took = time.monotonic() - start
    page.wait_for_function(SETTLED, timeout=30_000)
    return took


def warmer(page) -> float:
    """Seconds until another temperature is drawn."""
    slider = page.get_by_test_id("stSidebar").get_by_role("slider", name="Temperature")
    return redraw(page, partial(slider.press, "ArrowRight"))


def other_mechanism(page, n: int) -> float:
    """Seconds until a mechanism has come, or gone again."""
    field, comes = page.get_by_test_id("stSidebar").get_by_role("combobox", name="Mechanisms side by side"), n % 2 == 0
    field.fill(["linear", "efficient", "relu", "uniform"][n // 2 % 4] if comes else "")
    took = redraw(page, partial(field.press, "Enter" if comes else "Backspace"))
    field.press("Escape")  # the menu hides the other controls
    return took


def test_controls_redraw_in_time(opened):
    """Temperature and mechanisms in turn; the night has so many of each."""
    page, budget = opened
    times = [warmer(page) if n % 2 else other_mechanism(page, n // 2) for n in range(TIMES)]
    assert p90(times, "temperature and mechanisms") <= budget


@pytest.mark.nightly
def test_temperature_redraws_in_time(opened):
    page, budget = opened
    assert p90([warmer(page) for _ in range(TIMES)], "temperature") <= budget


@pytest.mark.nightly
def test_another_mechanism_comes_in_time(opened):
    page, budget = opened
    assert p90([other_mechanism(page, n) for n in range(TIMES)], "mechanism") <= budget


@pytest.mark.parametrize("spec", ["relu_floor", "relu_floor+gate", "linear", "efficient"])
def test_the_spectrum_of_a_factored_map_takes_no_time_at_any_size(spec):
    """Raw and with the mean row removed, with ranks and cumulative curves: 50 ms at 3,136 tokens."""
    shown, times = panel_work.plain_panel(spec, {}, sample_scene("chelsea", Grid(1, 56, 56), 1.0)), []
    for _ in range(TIMES):
        start = time.monotonic()
        panel_work.spectrum(None, shown)
        times.append(time.monotonic() - start)
    assert p90(times, f"spectrum of {spec} at 3,136") <= 0.05
