"""Up to three pinned queries, and how the weight of one patch comes about."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, make, read
from linviz.palette import PINS
from linviz.patch_view import Panel
from tests.conftest import watch

from .harness import FRAMES, blob, centre, gated, js_row, move, panel, show, state, text, uniform
from .test_rows import LAW, tensors

PHOTO, CLIP = Grid(1, 6, 8), Grid(2, 4, 5)


@pytest.fixture(scope="module")
def page(chromium):
    """A page without a hand on it at first; every test shows a view of its own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    page = context.new_page()
    page.problems = watch(page)
    yield page
    assert not page.problems
    context.close()


def photo(page, **options):
    page.mouse.move(2, 2)
    page.evaluate("window.said = []")
    panels = [panel(gated(48, 4), "gated"), panel(gated(48, 3, seed=1), "other")]
    return show(page, blob(panels, PHOTO, query=9, **options))


def click(page, y, x):
    page.mouse.click(*centre(page, PHOTO, y, x))
    page.mouse.move(2, 2)
    page.evaluate(FRAMES)
    return pins(page)


def pins(page):
    """The pins as rows and columns, and the query."""
    now = state(page)
    return [tuple(at[1:]) for at in now["pins"]], PHOTO.place(now["query"])[1:]


def test_a_click_pins_a_second_one_unpins_and_a_fourth_pin_replaces_the_first(page):
    photo(page)
    a, b, c, d = (0, 0), (5, 7), (2, 3), (4, 1)
    assert click(page, *a) == ([], a), "one pin is the query, as ever: what the view opened with is no pin"
    assert page.locator(".pinned").first.is_hidden() and page.locator(".ring.mine").count() == 0
    assert click(page, *a) == ([], a), "a view always has a query"
    assert click(page, *b) == ([a, b], b) and click(page, *c) == ([a, b, c], c)
    assert page.locator(".panel .pinned button").count() == page.locator(".ring.mine").count() / 2 == 6
    assert click(page, *d) == ([d, b, c], d), "the fourth replaces the first"
    assert click(page, *a) == ([d, a, c], a), "and the fifth the second"
    assert click(page, *c) == ([d, a], a) and click(page, *a) == ([], d)
    assert page.locator(".pinned").first.is_hidden() and page.locator(".ring").first.is_visible()
    told = page.evaluate("said.map(([state, pinned]) => [state.query, state.pins.length, pinned])")
    assert [n for _, n, _ in told] == [0, 2, 3, 3, 3, 2, 0] and [p for *_, p in told] == [True] * 5 + [False, True]


def test_every_panel_has_the_rows_of_all_pins_side_by_side_in_their_colours(page):
    places = [[0, 1, 1], [0, 4, 6], [0, 2, 3]]
    photo(page, pins=places)
    assert pins(page)[0] == [(1, 1), (4, 6), (2, 3)] and page.locator(".pinned").count() == 2
    for n in (0, 1):
        shown = page.locator(".pinned").nth(n).locator("button").all_inner_texts()
        for slot, (said, (_, y, x)) in enumerate(zip(shown, places, strict=True)):
            row = torch.tensor(js_row(page, PHOTO.number(0, y, x), panel=n))
            spread = 2 ** -(row * row.clamp_min(1e-30).log2()).sum().item()
            number, patches, _ = said.split()
            assert int(number) == slot + 1 and float(patches) == pytest.approx(spread, rel=6e-3)
    colours = page.evaluate("""[...document.querySelector('#view').shadowRoot.querySelectorAll('.panel')].map(panel =>
      [...panel.querySelectorAll('.main .ring.mine')].map(ring => ring.style.getPropertyValue('--pin')))""")
    assert colours == [list(PINS)] * 2
    page.locator(".pinned").nth(1).locator("button").first.click()
    page.mouse.move(2, 2)
    page.evaluate(FRAMES)
    assert pins(page) == ([(1, 1), (4, 6), (2, 3)], (1, 1)), "a small picture brings its pin into the large one"
    assert page.locator(".pinned").first.locator("button").first.get_attribute("aria-pressed") == "true"
    move(page, strength=0.3)
    assert page.locator(".pinned").first.locator("button").all_inner_texts() != shown
    page.get_by_role("button", name="keep one pin").click()
    page.evaluate(FRAMES)
    assert pins(page) == ([], (1, 1)) and page.get_by_role("button", name="keep one pin").is_hidden()


def test_keys_keep_a_pin_and_move_on_unpin_and_return_to_one(page):
    photo(page)
    page.locator(".view").focus()

    def press(*keys):
        for key in keys:
            page.keyboard.press(key)
        return pins(page)
    assert press("ArrowRight", "ArrowRight") == ([], (1, 3)), "arrows alone move the one pin"
    assert press("Enter", "ArrowDown", "ArrowDown") == ([(1, 3), (3, 3)], (3, 3))
    assert press("Enter", "ArrowLeft") == ([(1, 3), (3, 3), (3, 2)], (3, 2))
    assert press("Delete") == ([(1, 3), (3, 3)], (3, 3))
    assert press("ArrowUp", "ArrowUp") == ([], (1, 3)), "two pins on one patch are one"
    assert press("Enter", "ArrowDown", "Escape") == ([], (2, 3))


def test_a_tap_counts_once(page):
    photo(page)
    for y, x in ((1, 1), (3, 3)):
        page.touchscreen.tap(*centre(page, PHOTO, y, x))
    assert pins(page) == ([(1, 1), (3, 3)], (3, 3))
    page.get_by_role("button", name="ask about a weight").tap()
    page.touchscreen.tap(*centre(page, PHOTO, 0, 2))
    page.evaluate(FRAMES)
    assert pins(page) == ([(1, 1), (3, 3)], (3, 3)) and "row 1, column 3" in page.locator("caption").first.inner_text()


def test_pins_follow_the_motion_and_stay_when_only_the_maps_change(page):
    tracks = torch.arange(40).reshape(2, 20).T.repeat(2, 1)            # everything stands still
    tracks[0] = torch.tensor([0, 23])                                  # but one patch moves by three
    content = [panel(uniform(40))]
    show(page, blob(content, CLIP, query=7, pins=[[0, 0, 0], [0, 1, 2]], tracks=tracks, follow=True))
    move(page, frame=1)
    assert state(page)["pins"] == [[1, 0, 3], [1, 1, 2]] and state(page)["query"] == 27
    kept = state(page)["pins"]
    other = blob([panel(gated(40, 3))], CLIP, query=7, pins=[[0, 0, 0], [0, 1, 2]], tracks=tracks, follow=True)
    page.evaluate("text => view.update(fromText(text))", text(other))
    assert state(page)["pins"] == kept


# ------------------------------------------------------------------------------------------------ a lit patch explained


def table(page, n=0):
    """The steps of one panel's table, in words."""
    return dict(page.evaluate("""n => [...document.querySelector('#view').shadowRoot.querySelectorAll('.panel')[n]
      .querySelectorAll('.weight:not([hidden]) tr')].map(tr => [tr.cells[0].innerText, tr.cells[1]?.innerText])""", n))


def test_a_weight_is_asked_for_by_hand_key_and_button_and_pins_nothing(page):
    photo(page)
    assert table(page) == {}
    page.keyboard.down("Alt")
    click(page, 3, 5)
    page.keyboard.up("Alt")
    assert pins(page) == ([], (1, 1)) and page.evaluate("said") == []
    found, row = table(page), js_row(page, 9)
    assert float(found["weight"]) == pytest.approx(row[PHOTO.number(0, 3, 5)], rel=6e-4)
    assert page.locator("caption").first.inner_text() == "how much the query looks at row 4, column 6"
    assert page.locator(".asked").first.is_visible()
    page.locator(".view").focus()
    page.keyboard.press("Escape")
    page.evaluate(FRAMES)
    assert table(page) == {} and page.locator(".asked").first.is_hidden()
    page.keyboard.press("w")
    page.keyboard.press("ArrowDown")
    page.evaluate(FRAMES)
    assert page.locator("caption").nth(1).inner_text() == "how much the query looks at row 3, column 2"
    assert pins(page) == ([], (1, 1))
    page.get_by_role("button", name="ask about a weight").click()
    page.evaluate(FRAMES)
    assert table(page) == {} and click(page, 0, 0) == ([], (0, 0)), "pinning again"


@torch.no_grad()
def test_the_steps_to_a_weight_are_the_numbers_of_the_mechanism(page):
    (q, k, v), at, i, j = tensors(), (0, 1), 9, 20
    made = {spec: make(spec, 2, 16, LAW).double() for spec in ("softmax", "relu_floor", "relu_floor+gate", "delta",
                                                               "inline", "swin", "local")}
    show(page, blob([Panel(spec, m.family, read(m, q, k, v).map, at) for spec, m in made.items()], LAW, query=i))
    found = {spec: dict(page.evaluate(f"view.steps({n}, {i}, {j})")) for n, spec in enumerate(made)}
    for spec, m in made.items():
        row = m.map(q, k, v).rows([i])[at][0]
        assert found[spec]["weight"] == pytest.approx(row[j].item(), rel=1e-5, abs=1e-9), spec
    dots = k[at] @ q[at][i]
    assert found["softmax"]["q·k"] == pytest.approx(dots[j].item(), rel=1e-5)
    shifted = (dots - dots.max()) * 16**-0.5
    assert found["softmax"]["exp(score − largest score)"] == pytest.approx(shifted.exp()[j].item(), rel=1e-5)
    assert found["softmax"]["sum over all keys"] == pytest.approx(shifted.exp().sum().item(), rel=1e-5)
    phi_q, phi_k, _ = made["relu_floor"].features(q, k, v)
    product = phi_k[at] @ phi_q[at][i]
    assert found["relu_floor"]["φ(q)·φ(k)"] == pytest.approx(product[j].item(), rel=1e-5)
    assert found["relu_floor"]["sum of the row, with its floor"] == pytest.approx(product.sum().item(), rel=1e-4)
    assert "φ(q)·φ(k), with the gate" in found["relu_floor+gate"] and "bias" in found["swin"]
    signed = list(made).index("inline")
    page.keyboard.down("Alt")
    page.mouse.click(*centre(page, LAW, 1, 1, panel=signed))
    page.keyboard.up("Alt")
    page.evaluate(FRAMES)
    words = " ".join(table(page, signed))
    weight = page.evaluate(f"view.steps({signed}, {i}, {LAW.number(0, 1, 1)}).at(-1)[1]")
    assert f"signed: this weight {'subtracts' if weight < 0 else 'adds'}" in words
