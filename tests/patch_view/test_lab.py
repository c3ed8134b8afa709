"""The view in a real JupyterLab: it works, and JupyterLab keeps its hands off its keys."""
from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from linviz import Grid

from .harness import FRAMES, centre

ROOT, GRID = Path(__file__).parents[2], Grid(1, 12, 16)
FIRST = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from linviz import Grid
from linviz.patch_view import PatchView
from tests.patch_view.harness import gated, panel, uniform, white
heard = []
panels = [panel(gated(192, 8), "gated"), panel(uniform(192), "uniform")]
w = PatchView(panels, white(1, 12, 16), Grid(1, 12, 16), query=9)
w.on_pin(heard.append)
w"""
CELLS = [FIRST, "print('pins', heard[-20:], w.query, w.strength)", "w.strength = 0; w.query = 40; w"]
VIEWS = "[...document.querySelectorAll('.jp-OutputArea div')].map(e => e.patchView).filter(Boolean)"


def ask(url: str, method: str, body: dict | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


@pytest.fixture(scope="module")
def lab(chromium, lab_url):
    """A notebook of three cells, its first one run; still in command mode."""
    cells = [{"cell_type": "code", "source": s, "metadata": {}, "outputs": [], "execution_count": None} for s in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    book = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    ask(f"{lab_url}/api/contents/view.ipynb", "PUT", {"type": "notebook", "content": book})
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.goto(f"{lab_url}/lab/tree/view.ipynb?reset")
    page.locator(".jp-CodeCell").nth(2).wait_for(timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)      # a cell run earlier is not run at all
    page.locator(".jp-CodeCell").first.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.locator(".view .main").first.wait_for(timeout=90_000)
    page.wait_for_function(f"{VIEWS}[0]?.measures[0]?.bits > 0")
    yield page
    context.close()
    for session in json.loads(ask(f"{lab_url}/api/sessions", "GET")):
        ask(f"{lab_url}/api/sessions/{session['id']}", "DELETE")


def state(page, n: int = 0) -> dict:
    return page.evaluate(f"{VIEWS}[{n}].state")


def test_the_view_keeps_its_keys_and_the_notebook_its_cells(lab):
    slider = lab.get_by_role("slider", name="gate strength").first
    slider.focus()
    for _ in range(3):
        lab.keyboard.press("ArrowLeft")
    assert state(lab)["strength"] == pytest.approx(0.97)
    lab.locator(".view").first.focus()
    lab.keyboard.press("ArrowRight")
    assert state(lab)["query"] == 10
    for key in "xxddab":
        lab.keyboard.press(key)
    lab.wait_for_timeout(500)
    assert lab.locator(".jp-CodeCell").count() == 3


def test_every_pin_arrives_and_python_moves_every_view(lab):
    slider = lab.get_by_role("slider", name="gate strength").first
    slider.focus()
    lab.keyboard.press("ArrowLeft")
    strength = state(lab)["strength"]
    pins = [(n % 12, (n * 5) % 16) for n in range(20)]
    for row, column in pins:
        lab.mouse.click(*centre(lab, GRID, row, column))
        lab.evaluate(FRAMES)
    second = lab.locator(".jp-CodeCell").nth(1)
    second.locator(".cm-content").click()
    lab.keyboard.press("Shift+Enter")
    second.locator(".jp-OutputArea-output").wait_for()
    said = f"pins {[GRID.number(0, *pin) for pin in pins]} {GRID.number(0, *pins[-1])} {strength:g}"
    assert strength < 1 and second.locator(".jp-OutputArea-output").inner_text().strip() == said
    third = lab.locator(".jp-CodeCell").nth(2)
    third.locator(".cm-content").click()
    lab.keyboard.press("Shift+Enter")
    asked = "v?.state.strength === 0 && v.state.query === 40"
    lab.wait_for_function(f"{VIEWS}.length === 2 && {VIEWS}.every(v => {asked})")
    lab.locator(".main").nth(2).scroll_into_view_if_needed()
    lab.mouse.click(*centre(lab, GRID, 4, 4, panel=2))
    lab.wait_for_function(f"{VIEWS}.every(v => v.state.query === {GRID.number(0, 4, 4)})")
