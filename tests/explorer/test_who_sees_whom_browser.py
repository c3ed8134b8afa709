"""Who sees whom in a browser: a click on a patch, the keys, the layers shown, small screens, and no trouble."""
from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, free_port, serving

QUICK = "source=pan&frames=3&patches=7&row=3&column=4&left=space&right=window&side=3"
VIEW = """() => { const walk = r => { for (const e of r.querySelectorAll('*')) { if (e.reachView) return e;
  const found = e.shadowRoot && walk(e.shadowRoot); if (found) return found; } }; return walk(document); }"""
TOKENS = f"() => [...({VIEW})().shadowRoot.querySelectorAll('.tokens')].map(e => e.textContent)"
LEVELS = f"() => ({VIEW})().reachView.model.panels.map(p => [...p.levels.data])"


@pytest.fixture
def opened(page: Any, explorer_url: str) -> Any:
    """The page, come to through the menu (so that no address is tried that Streamlit has to guess), then by a link."""
    page.goto(explorer_url)
    page.get_by_role("link", name="Who sees whom").click()
    page.wait_for_function(f"() => ({VIEW})()", timeout=60_000)
    return page


def follow(page: Any, url: str, address: str) -> None:
    page.goto(f"{url}/who_sees_whom?{address}")
    page.wait_for_function(f"() => ({VIEW})()?.reachView.model", timeout=60_000)


def strangers(page: Any) -> list[str]:
    """Console errors and foreign requests, without the two addresses that Streamlit tries on its own."""
    return [said for said in page.problems if "404" not in said]


def test_it_opens_without_trouble(opened: Any) -> None:
    assert " reaches " in opened.get_by_role("heading", level=1).inner_text(timeout=60_000)
    opened.wait_for_timeout(1000)
    assert opened.problems == []


def click(page: Any, film: int, frame: int, row: int, column: int, side: int = 7) -> None:
    box = page.locator(".film").nth(film).locator(".frame").nth(frame)
    size = box.bounding_box()
    box.click(position={"x": (column + .5) * size["width"] / side, "y": (row + .5) * size["height"] / side})


def test_it_says_itself_in_words_and_a_click_on_a_patch_asks_anew(page: Any, explorer_url: str) -> None:
    follow(page, explorer_url, QUICK)
    words = page.locator(".frames").first.get_attribute("aria-label")
    assert "49 of 147 patches in one layer" in words
    assert "Arrow keys" in page.locator(".view").get_attribute("aria-label")
    page.locator("[data-testid=stPlotlyChart] svg").first.wait_for(timeout=30_000)
    assert page.evaluate(TOKENS) == ["49", "49", "49", "9", "9", "9"]
    before = page.evaluate(LEVELS)
    click(page, film=1, frame=2, row=6, column=6)
    page.wait_for_function(f"() => ({TOKENS})()[3] === '1'", timeout=20_000)      # the last corner is a window alone
    assert page.evaluate(LEVELS) != before
    assert page.get_by_label("Frame", exact=True).input_value() == "3"
    page.wait_for_url(re.compile("frame=3.*column=7"))
    assert page.evaluate(f"() => ({VIEW})().reachView.state.query") == 146
    assert not strangers(page)


def test_keys_move_the_query_and_the_inputs_are_their_twins(page: Any, explorer_url: str) -> None:
    follow(page, explorer_url, QUICK)
    page.locator(".view").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    page.wait_for_url(re.compile("frame=2.*column=5"), timeout=20_000)
    row = page.get_by_label("Row", exact=True)
    row.fill("7")
    row.press("Enter")
    page.wait_for_function(f"() => ({VIEW})().reachView.state.query === 49 + 42 + 4", timeout=20_000)
    assert page.evaluate(TOKENS)[3] == "3"


def ink(page: Any, film: int, frame: int) -> int:
    """How many colours a frame's marks have."""
    script = """([film, frame]) => { const c = film_(film).querySelectorAll('.frame .marks')[frame];
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, seen = new Set();
      for (let n = 0; n < d.length; n += 4) seen.add(d[n] << 16 | d[n + 1] << 8 | d[n + 2]); return [...seen]; }"""
    script = script.replace("film_(film)", f"({VIEW})().shadowRoot.querySelectorAll('.film')[film]")
    return page.evaluate(script, [film, frame])


def test_layers_are_drawn_one_by_one_each_in_its_own_way(page: Any, explorer_url: str) -> None:
    follow(page, explorer_url, QUICK.replace("left=space", "left=axial"))
    all_three = ink(page, 0, 0)
    page.get_by_role("button", name="show 1 layer").click()
    assert len(ink(page, 0, 0)) < len(all_three)
    assert len(ink(page, 1, 1)) == 1        # a window sees nothing of another frame
    assert page.locator(".row.later").count() == 4
    shades = page.evaluate(f"""() => {{ const c = ({VIEW})().shadowRoot.querySelector('.frame .marks + canvas');
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      return new Set(d.filter((_, n) => n % 4 === 3)).size; }}""")
    assert shades > 50          # the picture lies over its marks as shades of black: blending by CSS fails in WebKit


def test_it_fits_the_screen(page: Any, explorer_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    follow(page, explorer_url, QUICK)
    for scheme, (width, height) in itertools.product(("light", "dark"), ((390, 844), (1280, 720))):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [page.locator(".film").nth(n).bounding_box() for n in (0, 1)]
        assert all(0 <= box["x"] and box["x"] + box["width"] <= width for box in boxes)
        assert (boxes[0]["y"] == boxes[1]["y"]) == (width > 1000)     # side by side where there is room


def test_a_link_is_followed_by_a_server_that_nobody_has_asked_yet(page: Any, tmp_path: Path) -> None:
    """Streamlit would show the bare page, beside a menu of file names."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["-m", "streamlit", "run", ROOT / "explorer" / "app.py", "--server.address", "127.0.0.1",
               "--server.port", port, "--server.headless", "true", "--server.fileWatcherType", "none"]
    with serving(command, f"{url}/_stcore/health", tmp_path / "log", ROOT):
        follow(page, url, QUICK)
        assert page.get_by_role("link", name="Concentrate").count() == 1
        assert page.get_by_role("link", name="app", exact=True).count() == 0
        assert page.evaluate(TOKENS)[3] == "9"
