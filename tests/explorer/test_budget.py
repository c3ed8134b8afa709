"""Times of the page Concentrate: the first picture, controls that ask the server, spectra of factored maps."""
from __future__ import annotations

import time

import numpy as np
import pytest

from explorer.concentrate import panel_work
from explorer.shared.scenes import sample_scene
from linviz import Grid
from tests.conftest import ROOT, free_port, serving, watch

from .browser import FIND, WIDE, enter

pytestmark = pytest.mark.budget
WHOLE = """() => { const v = window.view?.(), m = v?.measures; return m?.length === 3 && m.every(x => x.bits > 0)
  && v.model.panels[2].title.endsWith("fitted") && document.querySelectorAll(".linviz-numbers").length === 2
  && document.querySelector(".js-plotly-plot .main-svg"); }"""
TIMES = 20
PAUSE = 300  # ms between two changes: a hand's; what the last one began is still on its way


def p90(seconds: list[float], what: str) -> float:
    half, most = np.quantile(seconds, [0.5, 0.9])
    print(f"{what}: p50 {half:.2f} s, p90 {most:.2f} s of {len(seconds)}")
    return float(most)


def test_the_first_visitor_sees_everything_within_five_seconds(chromium, tmp_path):
    """Of a server that has just started: picture, three maps, the fitted gate, tables and chart."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["-m", "explorer.serve", "--server.address", "127.0.0.1", "--server.port", port, "--server.headless",
               "true", "--server.fileWatcherType", "none"]
    with serving(command, f"{url}/_stcore/health", tmp_path / "log", ROOT):
        context = chromium.new_context(viewport=WIDE)
        page = context.new_page()
        problems, start = watch(page), time.monotonic()
        page.goto(url)
        page.wait_for_function(FIND, timeout=60_000)
        page.wait_for_function(WHOLE, timeout=60_000)
        took = time.monotonic() - start
        context.close()
    print(f"first visitor: {took:.1f} s")
    assert took <= 5 and not problems


def redraws(page, keys: list[str], label: str) -> list[float]:
    """Seconds from a key on a slider of the sidebar to the new maps in the view, drawn."""
    slider = page.get_by_test_id("stSidebar").get_by_role("slider", name=label)
    times = []
    for key in keys:
        before = page.evaluate("view().model.id")
        slider.focus()
        start = time.monotonic()
        page.keyboard.press(key)
        page.wait_for_function("id => view().model.id !== id && (view().draw(), true)", arg=before, timeout=30_000)
        times.append(time.monotonic() - start)
        page.wait_for_timeout(PAUSE)
    return times


@pytest.mark.parametrize("address, budget", [("", 0.5), ("?source=pan", 1.0)], ids=["784", "1568"])
def test_temperature_redraws_in_time(page, explorer_url, address, budget):
    enter(page, explorer_url + address)
    assert p90(redraws(page, ["ArrowRight"] * TIMES, "Temperature"), f"temperature{address}") <= budget


@pytest.mark.parametrize("address, budget", [("", 0.5), ("?source=pan", 1.0)], ids=["784", "1568"])
def test_another_mechanism_comes_in_time(page, explorer_url, address, budget):
    enter(page, explorer_url + address)
    field, times = page.get_by_test_id("stSidebar").get_by_role("combobox", name="Mechanisms side by side"), []
    for n in range(TIMES):
        before = page.evaluate("view().model.id")
        comes = n % 2 == 0  # a mechanism comes, and goes again
        field.fill(["linear", "efficient", "relu", "uniform"][n // 2 % 4] if comes else "")
        start = time.monotonic()
        field.press("Enter" if comes else "Backspace")
        page.wait_for_function("id => view().model.id !== id && (view().draw(), true)", arg=before, timeout=30_000)
        times.append(time.monotonic() - start)
        page.wait_for_timeout(PAUSE)
    assert p90(times, f"mechanism{address}") <= budget


@pytest.mark.parametrize("spec", ["relu_floor", "relu_floor+gate", "linear", "efficient"])
def test_the_spectrum_of_a_factored_map_takes_no_time_at_any_size(spec):
    """Raw and with the mean row removed, with ranks and cumulative curves: 50 ms at 3,136 tokens."""
    shown, times = panel_work.plain_panel(spec, {}, sample_scene("chelsea", Grid(1, 56, 56), 1.0)), []
    for _ in range(TIMES):
        start = time.monotonic()
        panel_work.spectrum(None, shown)
        times.append(time.monotonic() - start)
    assert p90(times, f"spectrum of {spec} at 3,136") <= 0.05
