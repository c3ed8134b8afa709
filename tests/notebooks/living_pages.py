"""A page of the book in a browser without a network: what is alive on it, and what it asked for."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from linviz.patch_view import PatchView

ALIVE = ".living.alive"
CENTRE = """([n, row, column, Y, X]) => {
  const view = document.querySelectorAll('.living.view')[n].querySelector('.host').shadowRoot;
  const box = view.querySelector('.main .stage, .stage').getBoundingClientRect();
  return [box.left + (column + .5) / X * box.width, box.top + (row + .5) / Y * box.height];
}"""
VIEW = "document.querySelectorAll('.living.view')[{}].querySelector('.host').patchView"


@contextlib.contextmanager
def open_page(chromium: Any, address: str, folder: str, **options: Any) -> Iterator[Any]:
    """A page in a browser of its own. It must ask for nothing outside the folder and report no error."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
    page, troubles = context.new_page(), []
    page.on("console", lambda said: said.type == "error" and troubles.append(said.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith((folder, "blob:", "data:")) or troubles.append(asked.url))
    page.goto(address)
    yield page
    context.close()
    assert troubles == []


def enliven_all(page: Any) -> int:
    """Scroll to everything that can live until it does; returns how many there are."""
    found = page.locator(".living")
    for n in range(found.count()):
        found.nth(n).scroll_into_view_if_needed()
        page.locator(".living").nth(n).and_(page.locator(ALIVE)).wait_for()
    return int(found.count())


def check_hover(page: Any, number: int, view: PatchView, token: int) -> None:
    """Hover over a patch of a view: every panel must draw the row of its map, within half precision."""
    panels, _, grid = view._still
    _, y, x = grid.place(token)
    place = page.locator(".living.view").nth(number)
    place.scroll_into_view_if_needed()
    place.and_(page.locator(ALIVE)).wait_for()
    page.mouse.move(*page.evaluate(CENTRE, [number, y, x, grid.Y, grid.X]))
    here = VIEW.format(number)
    state = page.evaluate(f"{here}.state")
    hovered = grid.number(state["frame"], y, x)
    assert state["hover"] == hovered
    for n, panel in enumerate(panels):
        drawn = np.array(page.evaluate(f"[...{here}.row({n}, {hovered})]"))
        rows = panel.map.rows(torch.tensor([hovered])).detach()
        row = (rows[panel.at] if rows.ndim == 4 else rows)[0].double().numpy()
        assert np.abs(drawn - row).max() <= HALF * np.abs(row).max(), (panel.title, np.abs(drawn - row).max())


HALF = 2e-3    # of the largest weight: what float16 changes in a logit of some tens
