"""A chapter in a real JupyterLab: run all, hover the view, move the slider, solve an exercise wrongly, then rightly."""
from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BOOK = "13_feature_fixation"
VIEWS = "[...document.querySelectorAll('.jp-OutputArea div')].map(e => e.patchView).filter(Boolean)"
KERNEL = ".jp-Notebook-ExecutionIndicator"
# What the kernel was, in order: a short run is busy for less than it takes to look
RAN = f"""() => {{ window.ran = []; new MutationObserver(all => all.forEach(({{target}}) => {{
    if (target.matches("{KERNEL}")) ran.push(target.dataset.status); }}))
  .observe(document.body, {{subtree: true, attributeFilter: ["data-status"]}}); }}"""
WAIT = 90_000  # milliseconds, for a machine that is busy with something else


@contextmanager
def run_all(chromium: Any, lab_url: str, book: str) -> Iterator[Any]:
    """A learner's notebook, open and run to its end."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.goto(f"{lab_url}/lab/tree/{book}.ipynb?reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=WAIT)
    page.locator(".jp-NotebookPanel-toolbar").get_by_text("Python 3").wait_for(timeout=WAIT)
    page.locator(f'{KERNEL}[data-status="idle"]').wait_for(timeout=WAIT)
    page.evaluate(RAN)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function("ran.includes('busy') && ran.at(-1) === 'idle'", timeout=3 * WAIT)
    yield page
    context.close()
    for session in json.loads(urllib.request.urlopen(f"{lab_url}/api/sessions").read()):
        ask = urllib.request.Request(f"{lab_url}/api/sessions/{session['id']}", method="DELETE")
        urllib.request.urlopen(ask).close()


@pytest.fixture(scope="module")
def lab(chromium: Any, lab_url: str) -> Iterator[Any]:
    """The learner's notebook of chapter 13, open and run to its end."""
    with run_all(chromium, lab_url, BOOK) as page:
        yield page


def bring(page: Any, text: str) -> Any:
    """The code cell with this text, scrolled to (JupyterLab draws only the cells that are to be seen)."""
    scroll = page.locator(".jp-WindowedPanel-outer").first
    scroll.evaluate("e => e.scrollTo(0, 0)")
    cell = page.locator(".jp-CodeCell", has_text=text).first
    for _ in range(80):
        if cell.count() and cell.is_visible():
            cell.scroll_into_view_if_needed()
            return cell
        scroll.evaluate("e => e.scrollBy(0, 500)")
        page.wait_for_timeout(100)
    raise AssertionError(f"no cell with {text!r} was found")


def test_the_view_lights_up_under_the_hand(lab: Any) -> None:
    bring(lab, "PatchView([Panel(soft.title")
    lab.wait_for_function(f"{VIEWS}[0]?.measures[0]?.bits > 0")
    panel = lab.locator(".view .main").nth(0)
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    bits = []
    for share in (0.2, 0.5, 0.8):
        lab.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
        lab.wait_for_timeout(100)
        bits.append(lab.evaluate(f"{VIEWS}[0].measures.map(m => m.bits)"))
    assert len({b[0] for b in bits}) == 3
    assert all(floor > gated and floor > soft for soft, floor, gated in bits)


def test_the_slider_redraws_the_figure(lab: Any) -> None:
    cell = bring(lab, "Live(weights_at")
    handle = cell.get_by_role("slider")
    handle.wait_for(timeout=WAIT)
    legend = cell.locator(".legendtext").nth(2)
    assert legend.text_content().endswith("strength 1.00")
    before = cell.locator(".js-line").nth(2).get_attribute("d")
    handle.focus()
    for _ in range(10):
        lab.keyboard.press("ArrowLeft")
    cell.locator(".legendtext", has_text="strength 0.50").wait_for(timeout=WAIT)
    assert cell.locator(".js-line").nth(2).get_attribute("d") != before


def _said(cell: Any) -> str:
    return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts()).strip()


def answer(lab: Any, cell: Any, line: str) -> str:
    """Put a line in the place of the last one of a function, run the cell, and read what it says."""
    cell.locator(".cm-line", has_text=re.compile("^    (raise|return) ")).click()
    lab.keyboard.press("Home")
    lab.keyboard.press("Shift+End")
    lab.keyboard.type(line)
    lab.keyboard.press("Escape")
    before, end = _said(cell), time.monotonic() + WAIT / 1000
    lab.keyboard.press("Control+Enter")
    while time.monotonic() < end:
        if _said(cell) not in ("", before):
            return _said(cell)
        lab.wait_for_timeout(100)
    raise AssertionError(f"the check said nothing: {cell.inner_text()}")


def test_an_exercise_names_a_wrong_answer_and_takes_the_right_one(lab: Any) -> None:
    cell = bring(lab, "def features(")
    cell.locator(".jp-OutputArea-output").first.wait_for(timeout=WAIT)
    assert _said(cell) == "Exercise 13.1: features is still to be written."
    said = answer(lab, cell, "return x.relu() * x.shape[-1] ** -0.5").splitlines()
    assert len(said) <= 3 and said[-1].endswith("what one gets when the floor is multiplied, not added.")
    assert answer(lab, cell, "return x.relu() + x.shape[-1] ** -0.5").startswith("✓ Exercise 13.1: right.")


def test_the_quiz_explains_a_choice(lab: Any) -> None:
    cell = bring(lab, "quizzes.gate")
    choice = cell.get_by_text("Rows with a small factor get flatter.")
    choice.wait_for(timeout=WAIT)
    choice.click()
    cell.get_by_text("A row is divided by its own sum").wait_for(timeout=WAIT)
    cell.get_by_text("Nothing.", exact=True).click()
    cell.get_by_text("in the numerator and in the denominator").wait_for(timeout=WAIT)


@pytest.mark.nightly
@pytest.mark.parametrize("book, text", [("00_start_here", "PatchView("), ("11_concentration", "PatchView(")])
def test_other_chapters_open_run_and_light_up(chromium: Any, lab_url: str, book: str, text: str) -> None:
    """Only what is still to be written raises, and the first view follows the hand."""
    with run_all(chromium, lab_url, book) as page:
        bring(page, text)
        page.wait_for_function(f"{VIEWS}[0]?.measures[0]?.bits > 0", timeout=WAIT)
        panel = page.locator(".view .main").nth(0)
        panel.scroll_into_view_if_needed()
        box = panel.bounding_box()
        bits = set()
        for share in (0.2, 0.5, 0.8):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
            page.wait_for_timeout(100)
            bits.add(page.evaluate(f"{VIEWS}[0].measures[0].bits"))
        assert len(bits) == 3
