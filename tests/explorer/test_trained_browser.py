"""Trained models in a browser: time turned round, a gate held constant by keys, a patch under the hand, evidence."""
from __future__ import annotations

from typing import Any

from explorer.trained.answer_tables import ARROWS

from .browser import FIND, WIDE, measures, spot

ASKED = "/trained?specs=softmax,relu_floor%2Bgate"
SAYS = "() => [...document.querySelectorAll('.linviz-answers .says')].map(e => e.innerText)"
WHERE = "() => host().shadowRoot.querySelector('.where').textContent"
DRAWN = """() => { const all = [...document.querySelectorAll("[data-testid=stPlotlyChart]")];
  return all.length >= 4 && all.every(e => e.querySelector(".main-svg")); }"""


def headings(page: Any) -> list[int]:
    """What each model answers: 0 up, then on clockwise."""
    return [list(ARROWS.values()).index(said[0]) for said in page.evaluate(SAYS)]


def changed(page: Any, before: list[str]) -> list[str]:
    """The answers, once they are others."""
    page.wait_for_function(f"before => String(({SAYS})()) !== String(before)", arg=before, timeout=60_000)
    return page.evaluate(SAYS)


def test_a_clip_is_asked_about_and_the_prediction_follows(page: Any, explorer_url: str) -> None:
    page.set_viewport_size(WIDE)
    page.emulate_media(reduced_motion="reduce")
    page.goto(explorer_url + ASKED, timeout=120_000)
    page.wait_for_function(FIND, timeout=120_000)
    (rests,) = [image for image in page.locator("[data-testid=stImage] img").all() if image.is_visible()]
    assert ".gif" not in rests.get_attribute("src") and page.get_by_role("button", name="Play again").is_hidden()
    page.emulate_media(reduced_motion="no-preference")
    (moves,) = [image for image in page.locator("[data-testid=stImage] img").all() if image.is_visible()]
    assert moves.get_attribute("src").endswith(".gif") and page.get_by_role("button", name="Play again").is_visible()
    page.emulate_media(reduced_motion="reduce")
    before, there = page.evaluate(SAYS), headings(page)

    page.get_by_role("radio", name="reversed").click()
    back = changed(page, before)
    assert all((b - a) % 8 in (3, 4, 5) for a, b in zip(there, headings(page), strict=True)), "not about the opposite"

    page.get_by_role("slider", name="Strength of the gates").focus()
    page.keyboard.press("Home")
    constant = changed(page, back)
    assert constant[0] == back[0] and constant[1] != back[1]              # softmax has no gate
    page.wait_for_url("**strength=0**")

    weights, where = measures(page), page.evaluate(WHERE)
    page.mouse.move(*spot(page, 0, 0))
    page.wait_for_function(f"before => ({WHERE})() !== before", arg=where, timeout=30_000)
    assert "row 1, column 1" in page.evaluate(WHERE) and measures(page) != weights
    assert [said for said in page.problems if "404" not in said] == []


def test_the_charts_of_the_evidence_are_drawn_and_told_in_words(page: Any, explorer_url: str) -> None:
    page.goto(explorer_url + "/who_sees_whom?source=pan&frames=2&patches=7", timeout=120_000)
    page.get_by_role("link", name="Evidence").click()
    page.wait_for_function(DRAWN, timeout=120_000)
    charts = page.locator("[data-testid=stPlotlyChart]").all()
    assert all(len(chart.get_attribute("aria-label") or "") > 100 for chart in charts)
    assert [said for said in page.problems if "404" not in said] == []
