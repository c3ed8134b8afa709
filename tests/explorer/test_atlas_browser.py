"""The atlas in a browser: its maps are linviz's, cards sort and filter, are compared, and open in Concentrate."""
from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
import torch

from explorer.atlas.atlas_state import AtlasView
from explorer.atlas.mechanism_cards import mechanism_card
from explorer.atlas.mechanism_maps import drawn_map, first_query
from explorer.shared.scenes import sample_scene
from linviz import names
from linviz.contrast import ContrastLine
from linviz.palette import HUES

SMALL = AtlasView(patches=8)
VIEW = """() => { const walk = r => { for (const e of r.querySelectorAll('*')) { if (e.atlasView) return e;
  const found = e.shadowRoot && walk(e.shadowRoot); if (found) return found; } }; return walk(document); }"""
ORDER = f"() => ({VIEW})()?.atlasView.state.order"
TITLES = ".card h3"


def follow(page: Any, url: str, address: str = "") -> None:
    page.goto(f"{url}/atlas?patches=8&{address}")
    page.wait_for_function(ORDER, timeout=60_000)


def unfold(page: Any) -> None:
    """Every card whole, and not its picture only."""
    page.get_by_role("button", name="unfold all").click()


def strangers(page: Any) -> list[str]:
    """Console errors and foreign requests, without the two addresses that Streamlit tries on its own."""
    return [said for said in page.problems if "404" not in said]


def test_it_opens_without_trouble(page: Any, explorer_url: str) -> None:
    page.goto(explorer_url)
    page.get_by_role("link", name="Atlas").click()
    page.wait_for_function(ORDER, timeout=60_000)
    page.wait_for_timeout(1500)
    assert page.locator(TITLES).count() == len(names())
    assert page.problems == []


def test_rows_formulas_and_two_side_by_side(page: Any, explorer_url: str) -> None:
    """One page and many questions: to open it takes longer than to ask."""
    follow(page, explorer_url)
    every_row_is_linvizs(page)
    formulas_are_closed_until_they_are_asked_for_and_families_have_headings(page)
    two_are_picked_and_stand_side_by_side(page)


def every_row_is_linvizs(page: Any) -> None:
    """What a card draws is a row of the map, to the digits of float16."""
    for name in names():
        want = drawn_map(name, *SMALL.scene).reading.map.rows(torch.tensor([27]))[0, 0].detach().numpy()
        got = page.evaluate(f"name => [...({VIEW})().atlasView.row(name, 27)]", name)
        assert np.allclose(got, want, rtol=0.03, atol=2e-3 * abs(want).max()), name


def lit(page: Any) -> list[int]:
    """A number for each card's picture, from its pixels; 0 where nothing was drawn."""
    return page.evaluate(f"""() => [...({VIEW})().shadowRoot.querySelectorAll('.card .stage canvas')].map(c => {{
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      let sum = 0; for (let n = 0; n < d.length; n++) sum = (sum * 31 + d[n]) % 1000003; return sum; }})""")


def alike(name: str, i: int, j: int) -> bool:
    """Whether two rows look the same: AFT's small tables hardly tell queries apart."""
    one, other = drawn_map(name, *SMALL.scene).reading.map.rows(torch.tensor([i, j]))[0, 0]
    return bool((one - other).abs().max() < 0.1 * one.abs().max())


def test_the_hand_over_one_picture_moves_them_all(page: Any, explorer_url: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 14000})
    follow(page, explorer_url)
    page.wait_for_function(f"() => ({VIEW})().atlasView.atRest")
    before = lit(page)
    assert 0 not in before, "the cards on the screen are drawn"
    box = page.locator(".card .stage").first
    box.hover(position={"x": 5, "y": 5})
    may = {name for name in names() if alike(name, 0, first_query(SMALL.scene))}
    for _ in range(100):                    # the cards are drawn anew in the next frames, however many that takes
        after = lit(page)
        same = {name for name, a, b in zip(page.evaluate(ORDER), before, after) if a == b}
        if same <= may:
            break
        page.wait_for_timeout(100)
    assert "uniform" in same <= may
    box.click(position={"x": 5, "y": 5})
    page.mouse.move(1, 1)
    page.wait_for_timeout(300)
    assert lit(page) == after and page.evaluate(f"() => ({VIEW})().atlasView.state.query") == 0
    page.locator(".view").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(f"() => ({VIEW})().atlasView.state.query") == 8


def test_cards_are_sorted_and_filtered(page: Any, explorer_url: str) -> None:
    follow(page, explorer_url, "sort=entropy")
    bits = [drawn_map(name, *SMALL.scene).entropy for name in page.evaluate(ORDER)]
    assert [x for x in bits if x is not None] == sorted(x for x in bits if x is not None)
    page.get_by_role("button", name="kernel").click()
    few = f"() => {{ const o = ({ORDER})(); return o.length < 30 && o.includes('relu'); }}"
    page.wait_for_function(few, timeout=20_000)
    page.wait_for_url(re.compile("family=kernel"))
    text = page.get_by_label("Words in it")
    text.fill("cosine")
    text.press("Enter")
    page.wait_for_function(f"() => ({ORDER})().length < 4", timeout=20_000)
    assert page.locator(".card").count() == len(page.evaluate(ORDER))
    text.fill("zebra")
    text.press("Enter")
    page.get_by_text("No mechanism fits all of these filters.").wait_for(timeout=20_000)
    assert not strangers(page)


def formulas_are_closed_until_they_are_asked_for_and_families_have_headings(page: Any) -> None:
    assert page.locator(".card math").count() == 0 and page.locator(".family h2").count() == len(
        {mechanism_card(name).family for name in names()})
    idea = page.locator(".card .idea").first
    assert not idea.is_visible(), "families are folded: pictures and names only"
    page.get_by_role("button", name=re.compile("Softmax.*6 mechanisms")).click()
    assert idea.is_visible() and not page.get_by_label("formulas of cosFormer").is_visible()
    page.get_by_role("button", name="cosFormer", exact=True).click()
    assert page.get_by_label("formulas of cosFormer").is_visible()
    page.get_by_label("what MALA changed since linear (elu + 1)").click()
    table = page.locator(".change").filter(has=page.get_by_role("columnheader", name="MALA"))
    assert table.locator("math").count() > 4 and "≤ D + 1" in table.inner_text()
    page.get_by_label("formulas of softmax").click()
    formulas = page.locator(".card", has=page.get_by_role("heading", name="softmax", exact=True)).locator("math")
    formulas.first.wait_for()
    assert formulas.count() > 3 and page.locator(".card mfrac").first.bounding_box()["height"] > 20
    dot = page.locator(".family h2").first.evaluate("e => getComputedStyle(e, '::before').backgroundColor")
    assert dot == f"rgb{tuple(int(HUES['softmax'][n:n + 2], 16) for n in (1, 3, 5))}"
    assert not strangers(page)


def two_are_picked_and_stand_side_by_side(page: Any) -> None:
    unfold(page)
    page.get_by_role("button", name="compare softmax").click()
    page.get_by_text("pick one more").wait_for()
    page.get_by_role("button", name="compare Linformer").click()
    page.get_by_role("button", name="show side by side").click()
    page.locator(".panel").nth(1).wait_for(timeout=30_000)
    assert page.locator(".panel .head").all_inner_texts() == ["softmax", "Linformer"]
    assert "signed" in page.locator(".panel").nth(1).inner_text()
    page.wait_for_url(re.compile("view=side.*picked=softmax%2Clinformer"))
    assert not strangers(page)


def test_a_link_opens_concentrate_on_that_mechanism(page: Any, explorer_url: str) -> None:
    follow(page, explorer_url, "source=coffee&card=cosformer")
    page.get_by_role("link", name="open in Concentrate: cosFormer").click()
    page.wait_for_url(re.compile("/\\?.*specs=softmax%2Ccosformer"))
    page.locator(".panel").nth(1).wait_for(timeout=60_000)
    assert page.locator(".panel .head").all_inner_texts() == ["softmax", "cosFormer"]
    assert not strangers(page)


def test_it_fits_the_screen(page: Any, explorer_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    follow(page, explorer_url)
    for scheme, (width, height) in itertools.product(("light", "dark"), ((390, 844), (1280, 720))):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    unfold(page)
    for width, height in ((390, 844), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [page.locator(".card").nth(n).bounding_box() for n in (0, 1)]
        assert all(0 <= box["x"] and box["x"] + box["width"] <= width for box in boxes)
        assert (boxes[0]["y"] == boxes[1]["y"]) == (width > 1000)


DOT = """spec => { const chart = document.querySelector('.js-plotly-plot'), {xaxis, yaxis} = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  for (const {customdata, x, y} of chart.data) { const n = customdata?.indexOf(spec) ?? -1;
    if (n >= 0) return [box.x + xaxis._offset + xaxis.d2p(x[n]), box.y + yaxis._offset + yaxis.d2p(y[n])]; } }"""
LINE = VIEW.replace("atlasView", "contrastView")


def test_a_dot_opens_its_card_and_the_slider_moves_along_the_line(page: Any, explorer_url: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 1400})
    page.goto(f"{explorer_url}/atlas?patches=8&view=timeline")
    page.wait_for_function("() => document.querySelector('.js-plotly-plot .point')", timeout=60_000)
    page.mouse.click(*page.evaluate(DOT, "mala"))
    page.locator(TITLES).first.wait_for(timeout=30_000)
    assert page.locator(TITLES).all_inner_texts() == ["MALA", "linear (elu + 1)"]
    page.wait_for_url(re.compile("card=mala"))
    page.get_by_role("radio", name="One line for four").click()
    page.wait_for_function(f"() => ({LINE})()?.contrastView.atRest", timeout=60_000)
    line, query = ContrastLine.of(sample_scene(*SMALL.scene).q, sample_scene(*SMALL.scene).k), 27
    for c in (0.0, 1.0, 7.5):
        want = line.map(c).rows([query])[0, 0, 0].numpy()
        got = page.evaluate(f"([i, c]) => [...({LINE})().contrastView.row(i, c)]", [query, c])
        assert np.allclose(got, want, rtol=0.01, atol=2e-3 * abs(want).max()), c
    state = f"() => ({LINE})().contrastView.state"
    asked = page.evaluate(state)["query"]
    for name, title in (("mala", None), ("inline", "InLine"), ("uniform", "uniform"), ("linear", "linear (elu + 1)")):
        if title:
            page.get_by_role("button", name=title, exact=True).click()
            page.wait_for_function(f"() => ({LINE})().contrastView.atRest")
        assert page.evaluate(state)["c"] == pytest.approx(line.contrast(name)[0, 0, asked].item(), rel=2e-3, abs=1e-6)
    pixels = f"""() => {{ const c = ({LINE})().shadowRoot.querySelector('.stage canvas'), pen = c.getContext('2d');
      return [...pen.getImageData(0, 0, c.width, c.height).data].reduce((a, b) => (a * 31 + b) % 999983); }}"""
    before = page.evaluate(pixels)
    page.get_by_label("contrast c").focus()
    page.keyboard.press("End")
    view = f"({LINE})().contrastView"
    page.wait_for_function(f"() => {view}.atRest && {view}.state.c === {view}.state.most")
    assert page.evaluate(pixels) != before and page.get_by_text("weights below 0", exact=True).is_visible()
    assert not strangers(page)


def test_the_table_can_be_taken_away(page: Any, explorer_url: str) -> None:
    page.goto(f"{explorer_url}/atlas?patches=8&view=table")
    with page.expect_download(timeout=60_000) as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").click(timeout=60_000)
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == len(names()) + 1 and lines[0].startswith("mechanism,spec,family,year,cost")
