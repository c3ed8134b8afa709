"""The view as one file: opens by double-click, offline, asks for nothing, and says what it was given and no more."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, clips, make
from linviz.atomic_write import write_atomically
from linviz.patch_view import Panel, save_html, view_html
from linviz.patch_view.source import module_source
from linviz.views import View, open_view
from linviz.views.export.web_page import view_page

from .harness import centre, gated, panel, uniform, white

GRID = Grid(1, 6, 8)
VIEW = "document.getElementById('view').patchView"


def simple(**options) -> str:
    return view_html([panel(gated(48, 4)), panel(uniform(48))], white(1, 6, 8), GRID, query=9, title="T", **options)


@pytest.fixture
def offline(chromium):
    """A page without a network, and every address it asks for."""
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.asked, page.problems = [], []
    context.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.problems.append(message.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield page
    context.close()


def until(page, true: str) -> None:
    """Wait for something to become true; the page's own policy forbids Playwright's way."""
    for _ in range(100):
        if page.evaluate(true):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {true}")


def test_a_file_opens_by_double_click_and_asks_for_nothing(offline, tmp_path):
    panels = [panel(gated(48, 4, shots=3)), panel(uniform(48))]
    path = save_html(tmp_path / "view.html", panels, white(1, 6, 8), GRID, query=9, title="A title",
                     text="A paragraph.")
    offline.goto(path.as_uri())
    until(offline, f"{VIEW}.measures.every(m => m?.bits > 0)")
    offline.mouse.click(*centre(offline, GRID, 4, 6))
    assert offline.evaluate(f"{VIEW}.state.query") == 38
    assert offline.evaluate("document.getElementById('view').shadowRoot.querySelector('.photo').naturalWidth") == 128
    assert [url for url in offline.asked if not url.startswith("blob:")] == [path.as_uri()]
    assert offline.problems == [] and offline.title() == "A title"


def test_words_are_words(offline, tmp_path):
    evil = "</title><script>window.evil = 1</script><b>&amp;"
    path = tmp_path / "view.html"
    panels = [Panel(evil, "<i>", panel(uniform(48)).map)]
    save_html(path, panels, white(1, 6, 8), GRID, query=0, title=evil, text=evil)
    offline.goto(path.as_uri())
    until(offline, f"{VIEW}.measures[0].bits > 0")
    assert offline.evaluate("window.evil") is None
    said = [offline.title(), *offline.locator("h1, p").all_inner_texts()[:2], offline.locator(".head").inner_text()]
    assert said == [evil] * 4


def test_the_policy_forbids_every_request(offline, tmp_path):
    path = tmp_path / "view.html"
    path.write_text(simple())
    offline.goto(path.as_uri())
    assert offline.evaluate("fetch('data:,x').then(() => 'allowed', () => 'refused')") == "refused"


def test_the_module_is_plain_text_without_imports_or_an_end_of_script():
    text = module_source("host_page.js")
    assert "</script" not in text.lower() and "\nimport " not in text and "import(" not in text and "http" not in text


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "view.html"
    path.write_text("before")
    with pytest.raises(ValueError, match="query 99"):
        save_html(path, [panel(uniform(48))], white(1, 6, 8), GRID, query=99, title="T")
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["view.html"]
    save_html(path, [panel(uniform(48))], white(1, 6, 8), GRID, query=9, title="T")
    assert path.read_text().startswith("<!doctype html>") and [p.name for p in tmp_path.iterdir()] == ["view.html"]
    for nowhere in (tmp_path / "no" / "view.html", path / "view.html", tmp_path):
        with pytest.raises(ValueError, match="cannot write") as caught:
            save_html(nowhere, [panel(uniform(48))], white(1, 6, 8), GRID, query=9, title="T")
        assert str(nowhere) in str(caught.value) and "\n" not in str(caught.value)


def test_a_clip_of_eight_frames_stays_under_three_megabytes(tmp_path):
    grid = Grid(8, 28, 28)
    clip = clips.fit(clips.load("motorcycle", frames=8), grid)
    with torch.no_grad():
        q, k, v = clips.descriptors(clip, grid)
        panels = [Panel(s, "kernel", make(s, 1, q.shape[-1], grid).map(q, k, v))
                  for s in ("softmax", "relu_floor", "relu_floor+gate")]
    path = save_html(tmp_path / "clip.html", panels, clip, grid, query=9, title="T")
    assert 1e5 < path.stat().st_size < 3e6


def test_the_example_is_the_opening_view(offline, tmp_path):
    page = view_page(open_view(View.best("chelsea", patches=14)))
    path = write_atomically(tmp_path / "chelsea.html", page)
    assert path.stat().st_size < 5e5
    offline.goto(path.as_uri())
    until(offline, f"{VIEW}.state.strength === 1 && !{VIEW}.state.gliding")
    soft, floor, gate = offline.evaluate(f"{VIEW}.measures.map(m => m.bits)")
    assert soft < gate < floor and offline.problems == []
    text = offline.locator("p").first.inner_text()
    assert "never trained on a task" in text and "nothing was learned" in text and "not explanation" in text
    assert "CC0" in text

