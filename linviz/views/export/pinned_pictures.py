"""The pinned queries of a view in its files: a ring and a small picture for each, their places, rows and numbers.

A view with one pinned query has none of this: its files are as they would be without pins.
"""
from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from ...maps import Map
from ...palette import PINS
from ...patch_view.still import ring_radius
from ..drawable import Drawable, DrawablePanel
from ..row_stats import row_statistics
from ..view_checks import pinned_tokens
from .painting import WIDE, framed_overlay
from .sheet import INK, Dot, Item, Ring, Words

O = TypeVar("O", bound=Drawable)
SPACE, UNDER = 6, 18  # pixels: between small pictures, under them
SMALL = (WIDE - 2 * SPACE) / 3  # pixels: how wide a small picture is


def pins_of(opened: Drawable) -> list[int]:
    """The tokens that are pinned, in the order of their rings; none where only the query is pinned."""
    return [token for token in pinned_tokens(opened.look, opened.query, opened.grid) if token >= opened.grid.prefix]


def pin_places(opened: Drawable) -> list[tuple[int, int, int]]:
    """Frame, row and column of every pin, from 0."""
    return [opened.grid.place(token) for token in pins_of(opened)]


def at_pin(opened: O, token: int) -> O:
    """The same view with another of its pins as the query."""
    view = replace(opened.view, query=opened.grid.place(token))
    return replace(opened, view=view)  # type: ignore[arg-type]


def pin_sentence(opened: Drawable) -> str:
    """Where the numbered rings lie, after a space; empty without pins."""
    places = pin_places(opened)
    words = (f"{n} row {y + 1}, column {x + 1}" + f", frame {t + 1}" * (opened.grid.T > 1)
             for n, (t, y, x) in enumerate(places, 1))
    return f" Pinned: {'; '.join(words)}." if places else ""


@torch.no_grad()
def pin_rows(a: Map, opened: Drawable) -> Tensor:
    """The rows of weights of all pins, (pins, S)."""
    return a.rows(torch.tensor(pins_of(opened)))[0, 0]


def pin_numbers(opened: Drawable, panel: DrawablePanel, measure: str) -> list[float | None]:
    """One measure of one mechanism at every pin; None where a row has none."""
    return [row_statistics(panel.map, token, opened.grid)[0].get(measure) for token in pins_of(opened)]


# ------------------------------------------------------------------------------------------------ on a sheet


def pin_rings(opened: Drawable, corner: tuple[float, float], high: float, t: int) -> list[Item]:
    """A numbered ring of its own colour for every pin, on the picture of frame t at `corner`."""
    items: list[Item] = []
    for n, place in enumerate(pin_places(opened)):
        items += _numbered_ring(opened, n, place, (*corner, WIDE, high), t)
    return items


def pins_height(opened: Drawable) -> float:
    """How high the small pictures are, with what stands under them; nothing without pins."""
    return SMALL * opened.grid.Y / opened.grid.X + SPACE + UNDER if pins_of(opened) else 0


def pin_pictures(opened: Drawable, panel: DrawablePanel, corner: tuple[float, float], t: int) -> list[Item]:
    """Frame t under the attention of every pin, side by side, each with its number of effective patches."""
    items: list[Item] = []
    (x, y), high = corner, SMALL * opened.grid.Y / opened.grid.X
    patches = pin_numbers(opened, panel, "effective_tokens")
    for n, (token, place) in enumerate(zip(pins_of(opened), pin_places(opened))):
        box = (x + n * (SMALL + SPACE), y, SMALL, high)
        said = "no entropy" if patches[n] is None else f"{patches[n]:.3g} patches"
        items += framed_overlay(at_pin(opened, token), panel, t, box, round(2 * SMALL))
        items += _numbered_ring(opened, n, place, box, t)
        items.append(Words(box[0], y + high + 13, f"{n + 1}  {said}", 11, INK if token == opened.query else "#59616b"))
    return items


def _numbered_ring(opened: Drawable, n: int, place: tuple[int, int, int], box: tuple[float, float, float, float],
                   t: int) -> list[Item]:
    (x, y, wide, high), (frame, row, column), grid = box, place, opened.grid
    across, down, r = x + (column + 0.5) / grid.X * wide, y + (row + 0.5) / grid.Y * high, ring_radius(grid, wide)
    badge = (min(across + r, x + wide - 7), max(down - r, y + 7))
    return [Ring(across, down, r, t != frame, PINS[n]), Dot(*badge, 6.5, PINS[n]),
            Words(badge[0] - 3, badge[1] + 4, str(n + 1), 10, "#111111", True)]
