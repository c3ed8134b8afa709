"""On a telephone, what one touches and what it changes are on one screen."""
from __future__ import annotations

from typing import Any

from .browser import FIND, enter

PHONE = {"width": 390, "height": 844}
BOXES = """() => [...host().shadowRoot.querySelectorAll('.panel, .strength')].map(e => e.getBoundingClientRect())
  .map(({top, bottom}) => [top, bottom])"""
BETWEEN = """() => [document.querySelector('.linviz-answers').getBoundingClientRect().top,
  document.querySelector('.st-key-trained_strength').getBoundingClientRect().bottom]"""


def test_the_gate_and_all_it_changes_fit_one_screen_and_controls_leave_the_view_to_be_seen(
        page: Any, explorer_url: str) -> None:
    enter(page, explorer_url + "?source=chelsea", PHONE)  # a link opens without the guided steps
    boxes = [box for box in page.evaluate(BOXES) if any(box)]      # sliders that no panel needs are hidden
    assert len(boxes) == 4 and boxes[-1][1] - boxes[0][0] < 640, "three panels and the slider"
    assert page.locator("h1").bounding_box()["height"] < 80
    page.get_by_test_id("stExpandSidebarButton").click()
    sheet = page.get_by_test_id("stSidebar")
    page.get_by_text("Patches per side").wait_for()
    top, seen = sheet.bounding_box()["y"], page.evaluate(BOXES)
    assert seen[0][0] > 55 and max(bottom for _, bottom in seen) < top, "every panel and the slider, above the controls"
    assert sheet.bounding_box()["width"] == PHONE["width"] and top > 0.45 * PHONE["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_sliders_of_trained_models_stand_below_the_answers_that_they_change(page: Any, explorer_url: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(explorer_url + "/trained")
    page.wait_for_function(FIND, timeout=90_000)
    page.locator(".linviz-answers").wait_for()
    top, bottom = page.evaluate(BETWEEN)
    assert 0 < bottom - top < PHONE["height"] - 60
