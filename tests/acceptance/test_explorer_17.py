"""Point 17 of the explorer: controls of the picture. Light or heat, both with their scale, in place of free alpha."""
from __future__ import annotations

import pytest

from linviz import Grid
from tests.patch_view.harness import FRAMES, blob, gated, panel, show, uniform

GRID = Grid(1, 6, 8)
PAINTED = """() => [...document.getElementById('view').shadowRoot.querySelectorAll('.main > canvas')].map(
  canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.reduce(
    (a, b) => (a * 31 + b) % 1e9, 7))"""


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page()
    content = [panel(gated(48, 4), "a gate"), panel(uniform(48), "uniform", "content-free"),
               panel({"kind": "factored", "left": gated(48, 2)["phi_q"] - .5, "right": gated(48, 2)["phi_k"]}, "signed",
                     stochastic=False)]
    yield show(page, blob(content, GRID, query=9))
    page.close()


def press(page, name):
    """What the panels show once a button is pressed, and the words of the scale."""
    page.get_by_role("button", name=name, exact=True).click()
    page.evaluate(FRAMES)
    return page.evaluate(PAINTED), page.locator(".scale").inner_text().split()


def test_every_way_to_draw_changes_the_picture_and_its_scale_says_so(page):
    page.get_by_text("More ways to look").click()
    pictures = [press(page, "light"), press(page, "linear"), press(page, "log"), press(page, "root"),
                press(page, "heat"), press(page, "each its own"), press(page, "one exposure")]
    light, linear, log, root, heat, own, one = (drawn for drawn, _ in pictures)
    assert light == root and heat == one and len({drawn[0] for drawn in (light, linear, log, heat, own)}) == 5
    assert heat[2] == light[2], "a map with negative weights keeps its two colours"
    words = [" ".join(scale) for _, scale in pictures]
    assert words[0] == "0 12 × equal share" and words[2].startswith("0.012") and "largest weight" in words[5]
    press(page, "light")
    line = page.locator(".main .edge.held path").first
    assert not line.get_attribute("d")
    page.get_by_role("slider", name="share of the attention to encircle").fill("0.5")
    page.evaluate(FRAMES)
    assert line.get_attribute("d"), "the fewest patches that hold half are encircled"
    difference, scale = press(page, "difference")
    assert difference[1] != light[1] and scale[0] == "−12"
    assert "minus a gate" in page.locator(".less").nth(1).inner_text()
