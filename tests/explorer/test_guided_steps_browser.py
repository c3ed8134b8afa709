"""The guided steps and the map of where two differ, in Chromium: what a hand does is noticed."""
from __future__ import annotations

from typing import Any

from .browser import enter, rest, spot, state

STRIP = """() => { const seek = root => { for (const e of root.querySelectorAll("*")) {
    if (e.guidedSteps) return e; const found = e.shadowRoot && seek(e.shadowRoot); if (found) return found; } };
  window.strip = seek(document); return Boolean(window.strip); }"""
QUICK = "source=coffee&patches=14&specs=softmax,linear"
PHONE = {"width": 390, "height": 844}


def said(page: Any) -> str:
    """What the strip says; empty where it is closed."""
    page.wait_for_function(STRIP)
    return page.evaluate("(strip.guidedSteps.look(), strip.shadowRoot.querySelector('section').innerText.trim())"
                         if page.evaluate("strip.guidedSteps.at") >= 0 else "''")


def until(page: Any, words: str) -> None:
    """Wait until the strip says this; what it says instead stands in the failure."""
    for _ in range(75):
        if words in (found := said(page)):
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{words!r} is not in {found!r}")


def pin(page: Any, y: int, x: int) -> None:
    """Pin a patch, and let the strip look at it at once."""
    page.mouse.click(*spot(page, y, x))
    page.wait_for_function("query => (view().draw(), view().state.query === query)", arg=28 * y + x)
    said(page)


def effective(page: Any, panel: int) -> str:
    return page.locator(".facts").nth(panel).locator("dd").nth(1).inner_text()


def test_a_first_visitor_is_led_through_four_steps_and_a_second_visit_is_free(page: Any, explorer_url: str) -> None:
    enter(page, explorer_url)
    assert "Step 1 of 4" in said(page) and "ring asks other patches" in said(page)
    page.evaluate("strip.guidedSteps.pace.rest = 1e9")  # by itself it goes on in a moment, which a busy machine misses
    pin(page, 2, 2)
    assert "✓ Now this patch asks." in said(page)
    page.evaluate("strip.guidedSteps.pace.rest = 0")
    until(page, "Step 2 of 4")
    page.evaluate("strip.guidedSteps.pace.rest = 1e9")
    assert f"Softmax: this patch looks at {effective(page, 0)} of 784" in said(page)
    assert "looks at fewer" in said(page), "it looks at more than the root of all"
    pin(page, 11, 8)
    assert f"✓ Now it looks at {effective(page, 0)}." in said(page)
    press_next(page)
    assert f"looks at {effective(page, 1)} of 784 patches (softmax: {effective(page, 0)})" in said(page)
    before = effective(page, 1)
    pin(page, 20, 3)
    pin(page, 3, 20)
    assert f"from {before} to {effective(page, 1)}; softmax" in said(page)
    press_next(page)
    page.get_by_role("slider", name="gate strength").focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    until(page, "Now play freely.")
    strength = f"{state(page)['strength']:.2f}"
    until(page, f"at strength {strength} this patch looks at {effective(page, 2)} of 784")
    page.get_by_role("button", name="Finish").click()
    assert not said(page) and not page.problems
    second_visit(page, explorer_url)


def second_visit(page: Any, url: str) -> None:
    """What is over does not come back but by its button; what is begun in a tab goes on there, whatever the address."""
    page.goto(url)
    page.wait_for_function(STRIP)
    assert not said(page)
    page.get_by_role("button", name="Guided steps").click()
    assert "Step 1 of 4" in said(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "Step 2 of 4" in said(page), "by keys"
    page.goto(f"{url}/?{QUICK}")
    page.wait_for_function(STRIP)
    assert "Step 2 of 3" in said(page), "a reload goes on, and without a gate there is no step for it"
    page.get_by_role("button", name="Skip").focus()
    page.keyboard.press("Escape")
    assert not said(page) and page.evaluate("strip.shadowRoot.activeElement.textContent") == "Guided steps"


def press_next(page: Any) -> None:
    page.get_by_role("button", name="Next", exact=True).click()


def test_a_link_is_free_of_steps_and_on_a_telephone_the_strip_is_slim_and_the_map_moves_the_query(
        chromium: Any, explorer_url: str) -> None:
    context = chromium.new_context(has_touch=True)
    page = enter(context.new_page(), f"{explorer_url}/?{QUICK}&compare=0,1", PHONE)
    assert not said(page)
    page.get_by_role("button", name="Guided steps").click()
    assert "Step 1 of 3" in said(page), "without a gate there is no step for it"
    strip, picture = page.evaluate("strip.getBoundingClientRect().height"), page.locator(".main").first.bounding_box()
    assert strip < 130 and picture["y"] + picture["height"] / 2 < PHONE["height"], "the effect is seen beside the step"
    page.get_by_test_id("stExpandSidebarButton").click()
    sheet = page.get_by_test_id("stSidebar").bounding_box()["y"]
    ends = [box["y"] + box["height"] for box in (panel.bounding_box() for panel in page.locator(".panel").all())]
    assert len(ends) == 2 and 200 < max(ends) < sheet, "the steps make room: what a control changes is seen whole"
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    assert "Step 1 of 3" in said(page), "and come back"
    stage = page.locator(".st-key-compare_map .stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.touchscreen.tap(box["x"] + 2.5 / 14 * box["width"], box["y"] + 5.5 / 14 * box["height"])
    page.wait_for_function("view().state.query === 5 * 14 + 2", timeout=15_000)
    assert page.locator(".st-key-compare_map .where").inner_text().startswith("query: row 6, column 3: 0.")
    rest(page)          # a redraw on its way would take the focus along
    page.locator(".st-key-compare_map .view").focus()
    for keys, query in (("ArrowRight", 5 * 14 + 3), ("Shift+ArrowDown", 9 * 14 + 3), ("ArrowLeft", 9 * 14 + 2)):
        page.keyboard.press(keys)
        page.wait_for_function("query => view().state.query === query", arg=query, timeout=15_000)
        rest(page)
    assert page.locator(".st-key-compare_map .where").inner_text().startswith("query: row 10, column 3: 0.")
    page.get_by_role("button", name="Go to the largest").click()
    page.wait_for_function("view().state.query !== 9 * 14 + 2", timeout=15_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()
