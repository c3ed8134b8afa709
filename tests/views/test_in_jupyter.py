"""`linviz.view` as the last line of a cell in a real JupyterLab: the live view, and Python follows what is pinned."""
from __future__ import annotations

import json
from pathlib import Path

from tests.patch_view.test_lab import VIEWS, ask

ROOT = Path(__file__).parents[2]
CELLS = [f"""import sys
sys.path.insert(0, {str(ROOT)!r})
import linviz
view = linviz.view("coffee", "softmax", "uniform", patches=4, query=(1, 1))
view""", "print(view.state.query, len(view.table()), view.command)"]


def test_a_cell_shows_the_live_view_and_python_follows_it(chromium, lab_url) -> None:
    cells = [{"cell_type": "code", "source": s, "metadata": {}, "outputs": [], "execution_count": None} for s in CELLS]
    book = {"cells": cells, "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}}, "nbformat": 4,
            "nbformat_minor": 5}
    ask(f"{lab_url}/api/contents/front.ipynb", "PUT", {"type": "notebook", "content": book})
    page = chromium.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.goto(f"{lab_url}/lab/tree/front.ipynb?reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".jp-CodeCell").first.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.locator(".view .main").first.wait_for(timeout=90_000)
    page.wait_for_function(f"{VIEWS}[0]?.measures[0]?.bits > 0")
    assert page.evaluate(f"{VIEWS}[0].state.query") == 5
    page.locator(".view").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.get_by_text("(0, 1, 2) 16 linviz read coffee --patches 4 --mechanism softmax uniform --query 0,1,2").wait_for()
    page.context.close()
    for session in json.loads(ask(f"{lab_url}/api/sessions", "GET")):
        ask(f"{lab_url}/api/sessions/{session['id']}", "DELETE")
