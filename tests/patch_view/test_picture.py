"""What is on the screen: the right patch is lit, as brightly as it should be, and trouble is said in words."""
from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from linviz import Grid

from .harness import FRAMES, blob, gated, move, panel, show, state, text, uniform

UNLIT, NIGHT = 88.3, 98  # a white sheet without light: its mean, and more than its bluest
NO_RING = """view.draw();
document.getElementById('view').shadowRoot.querySelectorAll('.ring, .pin').forEach(e => e.remove())"""


def pixels(page, panel: int = 0) -> np.ndarray:
    """A panel's picture as the eye gets it, (rows, columns, 3) in 0..255, without the ring."""
    page.evaluate(NO_RING)
    page.evaluate(FRAMES)
    return screen(page.locator(".main").nth(panel))


def screen(element) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("RGB")).astype(float)


def patches(image: np.ndarray, grid: Grid) -> np.ndarray:
    """Mean brightness over the middle half of every patch, (Y, X)."""
    rows, columns = image.shape[:2]
    def half(n, size, total):
        return slice(round((n + 0.25) / size * total), round((n + 0.75) / size * total))
    return np.array([[image[half(y, grid.Y, rows), half(x, grid.X, columns)].mean() for x in range(grid.X)]
                     for y in range(grid.Y)])


def inside(page) -> np.ndarray:
    """A panel's picture without its edge, where the round corners show the page."""
    return pixels(page)[20:-20, 20:-20]


def onto(grid: Grid, *tokens: int) -> dict:
    """A map in which every query looks at these tokens alone."""
    right = torch.zeros(len(grid), 1)
    right[list(tokens)] = 1 / len(tokens)
    return {"kind": "factored", "left": torch.ones(len(grid), 1), "right": right}


def test_tokens_are_counted_frame_by_frame_row_by_row(page):
    grid = Grid(3, 5, 9)
    show(page, blob([panel(onto(grid, grid.number(1, 3, 7)))], grid, query=0, frame=1))
    lit = patches(pixels(page), grid)
    assert np.unravel_index(lit.argmax(), lit.shape) == (3, 7)
    assert lit.max() > 200 and np.median(lit) == pytest.approx(UNLIT, abs=1.5)
    assert page.locator(".strip button").all_inner_texts() == ["0 %", "100 %", "0 %"]
    small = [patches(screen(page.locator(".strip .stage").nth(t)), grid) for t in range(3)]
    assert [x.max() > 200 for x in small] == [False, True, False] and small[1].argmax() == lit.argmax()
    for frame in (0, 2):
        move(page, frame=frame)
        assert patches(pixels(page), grid).max() < UNLIT + 1.5


def test_prefix_keys_are_left_out_of_the_picture(page):
    grid = Grid(1, 3, 4, prefix=2)
    show(page, blob([panel(onto(grid, grid.number(0, 2, 1)))], grid, query=5))
    lit = patches(pixels(page), grid)
    assert np.unravel_index(lit.argmax(), lit.shape) == (2, 1)


def test_uniform_attention_shows_the_whole_picture_dimly(page):
    show(page, blob([panel(uniform(64))], Grid(1, 8, 8)))
    image = pixels(page)
    assert image[20:-20, 20:-20].mean() == pytest.approx(129, abs=1)
    assert image[20:-20, 20:-20].std((0, 1)).max() < 1


def test_what_nobody_looks_at_is_seen_as_at_night(page):
    grid = Grid(2, 4, 4)
    show(page, blob([panel(onto(grid, 3))], grid, query=0, frame=1))
    assert inside(page).mean() == pytest.approx(UNLIT, abs=1.5)


def test_a_patch_with_twelve_times_its_share_shines(page):
    grid = Grid(1, 6, 6)
    show(page, blob([panel(onto(grid, *range(13, 16)))], grid))                                     # 36 / 3 = 12 times
    image = pixels(page)
    side = image.shape[0] // 6
    assert image[int(2.5 * side), int(2.5 * side)].mean() > 245


def test_one_exposure_for_all_or_each_its_own(page):
    grid = Grid(1, 8, 8)
    show(page, blob([panel(uniform(64)), panel(onto(grid, *range(32)))], grid))
    page.get_by_role("button", name="each its own").click()
    assert inside(page).mean() > 245
    page.get_by_role("button", name="one exposure").click()
    assert inside(page).mean() < 131


def test_heat_colours_where_light_lights(page):
    grid = Grid(1, 5, 5)
    show(page, blob([panel(onto(grid, 12))], grid, mode="heat"))
    image = pixels(page)
    middle = image[image.shape[0] // 2, image.shape[1] // 2]
    assert middle[0] > 200 and middle[1] > 200 and middle[2] < 90                                   # viridis' yellow
    assert np.ptp(image[30, 30]) < 3                                                                # grey


# ------------------------------------------------------------------------------------------------ trouble, in words

def test_a_dead_row_says_so_and_lights_nothing(page):
    wire = {"kind": "kernel", "phi_q": torch.eye(4)[:, :2], "phi_k": torch.ones(4, 2),
            "normaliser": {"kind": "add", "eps": 1e-6}}
    show(page, blob([panel(wire)], Grid(1, 2, 2), query=3))
    assert page.locator(".note").inner_text().startswith("dead")
    assert inside(page).max() < NIGHT
    words = page.locator(".view").inner_text()
    assert "bits" not in words and "NaN" not in words
    page.get_by_role("button", name="each its own").click()
    assert inside(page).max() < NIGHT
    move(page, query=0)
    assert page.locator(".note").inner_text() == "" and page.locator(".facts").is_visible()
    assert page.locator("dd").all_inner_texts() == ["2.00", "4.00", "100 %"]


def test_a_row_lost_to_the_eps_is_dead_too(page):
    wire = {"kind": "kernel", "phi_q": torch.full((4, 1), 1e-7), "phi_k": torch.ones(4, 1),
            "normaliser": {"kind": "add", "eps": 1e-6}}
    show(page, blob([panel(wire)], Grid(1, 2, 2)))
    assert page.evaluate("view.measures")[0]["sum"] == pytest.approx(4 / 14, rel=1e-4)
    assert page.locator(".note").inner_text().startswith("dead") and inside(page).max() < NIGHT


def test_a_signed_map_is_blue_white_and_orange_and_has_no_entropy(page):
    grid = Grid(1, 1, 3)
    wire = {"kind": "factored", "left": torch.ones(3, 1), "right": torch.tensor([[-1.0], [0.0], [1.0]])}
    show(page, blob([panel(wire, stochastic=False)], grid))
    assert page.locator(".note").inner_text().startswith("signed: no entropy")
    image = pixels(page)
    row, third = image.shape[0] // 2, image.shape[1] // 3
    blue, white, orange = (image[row, round((n + 0.5) * third)] for n in range(3))
    assert blue[2] > blue[0] + 80 and orange[0] > orange[2] + 80 and np.ptp(white) < 12 and white.min() > 200
    words = page.locator(".view").inner_text()
    assert "bits" not in words and "NaN" not in words


def test_rows_that_do_not_sum_to_one_are_not_shares(page):
    wire = {"kind": "factored", "left": torch.ones(4, 1), "right": torch.full((4, 1), 0.5)}
    show(page, blob([panel(wire, stochastic=False)], Grid(1, 2, 2)))
    assert page.locator(".note").inner_text() == "this row sums to 2.00, not to one: no entropy"


def test_an_unknown_wire_is_a_sentence_and_the_other_panels_live(page):
    show(page, blob([panel({"kind": "wavelet", "x": torch.ones(3)}), panel(uniform(4))], Grid(1, 2, 2)))
    assert "wavelet" in page.locator(".note").first.inner_text()
    assert page.locator("dd").nth(3).inner_text() == "2.00"
    assert inside(page).max() < NIGHT


def test_a_broken_wire_is_a_sentence_too(page):
    all_ = torch.arange(4)[None]
    wire = {"kind": "blocks", "size": 4, "parts": [{"queries": all_, "keys": all_, "wire": {"kind": "?"}}]}
    show(page, blob([panel(wire)], Grid(1, 2, 2)))
    assert "“?”" in page.locator(".note").inner_text()


def test_foreign_bytes_are_a_sentence(page):
    show(page, blob([panel(uniform(4))], Grid(1, 2, 2)))
    page.evaluate("view.update(new Uint8Array([1, 2, 3]))")
    assert page.get_by_role("alert").inner_text() == "these bytes are not a linviz view"
    page.evaluate("text => view.update(fromText(text))", text(blob([panel(uniform(4))], Grid(1, 2, 2), query=2)))
    page.evaluate(FRAMES)
    assert page.get_by_role("alert").count() == 0 and page.locator("dd").first.inner_text() == "2.00"
    assert state(page)["query"] == 2


def test_measures_stand_under_every_panel_and_follow_the_slider(page):
    show(page, blob([panel(gated(16, 4)), panel(uniform(16))], Grid(1, 4, 4)))
    facts = page.locator("dl").first
    before = facts.inner_text()
    page.get_by_role("slider").fill("0")
    page.evaluate(FRAMES)
    assert facts.inner_text() != before
    assert page.locator("dl").nth(1).inner_text().split("\n")[:2] == ["bits of entropy", "4.00"]
