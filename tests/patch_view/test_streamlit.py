"""The view as a Streamlit component: no hover is lost or sent, no pin is lost, a rerun leaves it alone."""
from __future__ import annotations

import ast
import os
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from linviz import Grid
from linviz.patch_view import unpack
from linviz.patch_view.streamlit import patch_view
from tests.conftest import free_port, serving

from .harness import FRAMES, centre

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
GRID = Grid(1, 12, 16)
FIND = """() => { const seek = root => { for (const e of root.querySelectorAll("*")) {
    if (e.patchView) return e; const found = e.shadowRoot && seek(e.shadowRoot); if (found) return found; } };
  window.host = seek(document); window.view = host?.patchView; return Boolean(host); }"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    log, port = tmp_path_factory.mktemp("app") / "log", free_port()
    command = ["-m", "streamlit", "run", HERE / "streamlit_app.py", "--server.address", "127.0.0.1",
               "--server.port", port, "--server.headless", "true", "--server.fileWatcherType", "none",
               "--browser.gatherUsageStats", "false"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with serving(command, f"http://127.0.0.1:{port}/_stcore/health", log, ROOT, PYTHONPATH=path):
        yield f"http://127.0.0.1:{port}"
    assert "Traceback" not in log.read_text(errors="replace"), log.read_text(errors="replace")[-3000:]


STILL = """() => document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning"
  && document.querySelector("code")"""


def opened(page, url):
    """The app in a page, drawn, with Python at rest."""
    page.goto(url)
    page.locator(".main").first.wait_for()
    page.wait_for_function(FIND)
    page.wait_for_function(STILL)
    return page


@pytest.fixture
def app(page, url):
    """A visit of its own; `page.sent` counts the messages that went to Python."""
    page.sent = []

    def count(socket) -> None:
        socket.on("framesent", lambda data: page.sent.append(len(data)))

    page.on("websocket", count)
    yield opened(page, url)
    page.remove_listener("websocket", count)


def python(page) -> dict:
    """What Python has seen, as the app prints it."""
    return ast.literal_eval(page.locator("code").last.inner_text())


def spots(page):
    """Where patches lie on the page, asked once: the hand is quicker than the page can be measured."""
    box = page.locator(".main").first.bounding_box()
    return lambda y, x: (box["x"] + (x + 0.5) / GRID.X * box["width"], box["y"] + (y + 0.5) / GRID.Y * box["height"])


def until(page, true, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, python(page)
        page.wait_for_timeout(100)


def test_two_hundred_moves_lose_none_and_send_nothing(app):
    sent, spot = len(app.sent), spots(app)
    for n in range(200):
        y, x = n * 7 % 12, n * 11 % 16
        app.mouse.move(*spot(y, x))
        app.evaluate(FRAMES)
        assert app.evaluate("view.state.hover") == GRID.number(0, y, x)
        assert app.locator(".where").inner_text() == f"query: row {y + 1}, column {x + 1}"
    assert len(app.sent) == sent and app.problems == []
    assert python(app) == {"now": None, "seen": None, "runs": 0}  # nothing at mount either


def test_fifty_quick_clicks_lose_none(app):
    tokens, spot = [n * 13 % 192 for n in range(50)], spots(app)
    for token in tokens:
        app.mouse.click(*spot(*GRID.place(token)[1:]))
    until(app, lambda: (python(app)["now"] or {}).get("n") == 50)
    now = python(app)["now"]
    assert now["trail"] == tokens and now["query"] == tokens[-1]
    assert python(app)["seen"] == now                             # already new inside the callback


def test_a_rerun_leaves_the_view_as_it_is(app):
    app.get_by_role("slider").fill("0.4")
    app.mouse.click(*centre(app, GRID, 3, 4))
    until(app, lambda: python(app)["now"] is not None)
    assert python(app)["now"]["strength"] == 0.4
    app.get_by_text("slow").click()
    app.mouse.move(*centre(app, GRID, 8, 8))
    app.evaluate(FRAMES)
    assert app.evaluate("view.state.hover") == GRID.number(0, 8, 8)       # alive while Python works
    app.mouse.click(*centre(app, GRID, 8, 8))
    until(app, lambda: python(app)["now"]["query"] == GRID.number(0, 8, 8))
    assert app.evaluate("host.isConnected && view === host.patchView && view.state.strength") == 0.4


def test_the_slider_is_told_once_let_go(app):
    slider = app.get_by_role("slider")
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    app.mouse.move(box["x"] + box["width"] - 12, y)
    app.mouse.down()
    sent = len(app.sent)
    for n in range(20):
        app.mouse.move(box["x"] + box["width"] - 12 - 10 * n, y)
        app.evaluate(FRAMES)
    assert len(app.sent) == sent
    app.mouse.up()
    until(app, lambda: python(app)["now"] is not None)
    assert python(app)["now"]["strength"] == pytest.approx(app.evaluate("view.state.strength")) != 1
    assert python(app)["now"]["n"] == 0


def test_a_new_picture_keeps_the_place_and_what_was_chosen(app):
    app.get_by_role("slider").fill("0.4")
    app.mouse.click(*centre(app, GRID, 3, 4))
    before = app.evaluate("view.model.id")
    app.get_by_role("button", name="Increment").click()
    app.wait_for_function(f"view.model.id !== '{before}'")
    assert app.evaluate("host.isConnected && view === host.patchView")
    assert app.evaluate("[view.state.query, view.state.strength]") == [GRID.number(0, 3, 4), 0.4]
    app.mouse.click(*centre(app, GRID, 5, 5))
    until(app, lambda: (python(app)["now"] or {}).get("query") == GRID.number(0, 5, 5))


def test_two_people_do_not_mix_and_the_view_wears_the_colours_of_the_page(app, chromium, url):
    """The other one has a dark screen."""
    context = chromium.new_context(color_scheme="dark")
    other = opened(context.new_page(), url)
    for page, token in ((app, (2, 2)), (other, (7, 9))):
        page.mouse.click(*centre(page, GRID, *token))
    for page, token in ((app, (2, 2)), (other, (7, 9))):
        until(page, lambda: (python(page)["now"] or {}).get("query") == GRID.number(0, *token))     # noqa: B023
    colour = other.locator(".head").first.evaluate("e => getComputedStyle(e).color")
    assert colour == other.locator("body").evaluate(
        "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).color")
    assert min(int(c) for c in colour[4:-1].split(",")) > 200
    context.close()


def test_the_app_runs_without_a_browser_and_its_state_can_be_set(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    at = AppTest.from_file(str(HERE / "streamlit_app.py"), default_timeout=30).run()
    assert not at.exception
    mounted = next(e for e in at.main if getattr(e, "type", "") == "bidi_component")
    assert unpack(mounted.proto.bytes)["set"]["query"] == 9


def test_only_bytes_are_shown():
    with pytest.raises(Exception, match="bytes"):
        patch_view("a string", key="view")
