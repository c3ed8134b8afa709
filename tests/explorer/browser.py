"""The explorer in Chromium: open it, reach the view inside, read what stands there."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

WIDE = {"width": 1280, "height": 720}
FIND = """() => { const seek = root => { for (const e of root.querySelectorAll("*")) {
    if (e.patchView) return e; const found = e.shadowRoot && seek(e.shadowRoot); if (found) return found; } };
  window.host = () => seek(document);
  window.view = () => host().patchView;
  return Boolean(host()?.patchView?.model); }"""
READY = """() => { const v = window.view?.(); return v && !v.state.gliding
  && !v.model.panels.some(p => /fitting$/.test(p.title))
  && !document.querySelector("[data-testid=stProgress]") && document.querySelector(".js-plotly-plot .main-svg")
  && !document.body.innerText.includes("Reading every row"); }"""


def enter(page: Any, url: str, size: dict[str, int] = WIDE, glide: bool = False) -> Any:
    """The page, open, with everything on it and nothing on its way; without the glide, which takes three seconds."""
    page.set_viewport_size(size)
    page.emulate_media(reduced_motion="no-preference" if glide else "reduce")
    page.goto(url, timeout=60_000)
    page.wait_for_function(FIND, timeout=60_000)
    page.evaluate("document.activeElement.blur()")
    return rest(page)


def rest(page: Any) -> Any:
    """The same page once nothing is on its way."""
    page.wait_for_function(READY, timeout=90_000)
    return page


@contextlib.contextmanager
def listening(page: Any, event: str, hear: Callable[[Any], object]) -> Iterator[None]:
    """Hear of an event while a block runs, and no longer: the tab goes on to other tests."""
    page.on(event, hear)
    try:
        yield
    finally:
        page.remove_listener(event, hear)


def model(page: Any) -> dict[str, Any]:
    """What the view was sent, without its arrays."""
    return page.evaluate("(({id, title, grid, panels, frames}) => ({id, title, grid, frames: frames.length, "
                         "panels: panels.map(p => p.title)}))(view().model)")


def state(page: Any) -> dict[str, Any]:
    """Query, frame, strength, mode of the view."""
    return page.evaluate("view().state")


def measures(page: Any) -> list[dict[str, Any]]:
    """What the view measured on the row that is drawn now."""
    return page.evaluate("(view().draw(), view().measures)")


def row(page: Any, panel: int, query: int) -> np.ndarray:
    """A row as the browser computes it."""
    return np.array(page.evaluate("([p, i]) => [...view().row(p, i)]", [panel, query]))


def wire(page: Any, panel: int) -> dict[str, np.ndarray]:
    """The arrays a panel was sent."""
    found = page.evaluate("""p => Object.fromEntries(Object.entries(view().model.panels[p].wire)
        .filter(([, x]) => x?.data && x.shape).map(([name, x]) => [name, [[...x.data], x.shape]]))""", panel)
    return {name: np.array(data).reshape(shape) for name, (data, shape) in found.items()}


def spot(page: Any, y: int, x: int, panel: int = 0) -> tuple[float, float]:
    """Where the patch in row y, column x lies on the screen."""
    box = page.locator(".main").nth(panel).bounding_box()
    _, rows, columns = model(page)["grid"]
    return box["x"] + (x + 0.5) / columns * box["width"], box["y"] + (y + 0.5) / rows * box["height"]


def table(page: Any, n: int) -> dict[str, list[str]]:
    """A table of numbers: row title -> cells."""
    return page.evaluate("""n => Object.fromEntries([...document.querySelectorAll(".linviz-numbers")[n]
        .querySelectorAll("tbody tr")].map(({cells}) => [cells[0].innerText,
                                                         [...cells].slice(1).map(c => c.innerText)]))""", n)


def slide(page: Any, label: str, keys: str, times: int = 1) -> None:
    """Move a slider of the sidebar by its keys."""
    slider = page.get_by_test_id("stSidebar").get_by_role("slider", name=label)
    slider.focus()
    for _ in range(times):
        page.keyboard.press(keys)


def press(page: Any, name: str) -> None:
    """Click a button of the sidebar."""
    page.get_by_test_id("stSidebar").get_by_role("button", name=name, exact=True).click()


def choose(page: Any, label: str, option: str) -> None:
    """Pick an option of a select box."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
