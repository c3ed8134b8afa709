"""The projector in a browser: one press takes the sidebar away and enlarges everything; one more brings it back."""
from __future__ import annotations

from typing import Any

import pytest

from .browser import FIND, WIDE, enter

LUMA = """() => { const c = host().shadowRoot.querySelector('.main canvas');
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let sum = 0; for (let n = 0; n < d.length; n += 4) sum += .2126 * d[n] + .7152 * d[n + 1] + .0722 * d[n + 2];
  return sum / (d.length / 4); }"""
TYPE = "() => parseFloat(getComputedStyle(document.documentElement).fontSize)"


@pytest.mark.parametrize("path", ["", "/trained?mode=light"])
def test_one_press_for_a_room_and_one_back(page: Any, explorer_url: str, path: str) -> None:
    if path:
        page.set_viewport_size(WIDE)
        page.goto(explorer_url + path)
        page.wait_for_function(FIND, timeout=90_000)
        page.evaluate("view().decoded.then(() => true)")
    else:
        enter(page, explorer_url)
    button, sidebar = page.get_by_role("button", name="projector"), page.get_by_test_id("stSidebar")
    small, dark = page.evaluate(TYPE), page.evaluate(LUMA)
    assert sidebar.is_visible() and button.get_attribute("aria-pressed") == "false"
    button.click()
    sidebar.wait_for(state="hidden")
    assert page.evaluate(TYPE) > 1.3 * small and page.evaluate(LUMA) > 1.2 * dark
    page.wait_for_function("() => location.search.includes('projector=1')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"
    button.click()
    sidebar.wait_for(state="visible")
    assert page.evaluate(TYPE) == small and not [said for said in page.problems if "404" not in said]
