"""The page Colours in Chromium: hints by mouse, finger and keys, patches that are asked and pinned, one's own file."""
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from explorer.colours.colour_kinds import MOST, SIDE
from explorer.colours.colours_state import PINS, ColourView
from linviz.clips import hinted_picture
from linviz.clips.colour_paint import join_colour
from linviz.clips.colour_samples import colour_photograph
from linviz.clips.colour_spots import read_spots, sharp_luma, spotted_task, write_spots
from linviz.models.checkpoints import pretrained
from linviz.models.colour_painting import paint_picture
from linviz.models.painting_rows import patch_rows, shared_weight, weight_on_hints
from tests.conftest import watch

from .browser import WIDE
from .test_colours import chelsea_file

FIND = """() => { const seek = root => { for (const e of root.querySelectorAll("*")) {
    if (e.colourView) return e; const found = e.shadowRoot && seek(e.shadowRoot); if (found) return found; } };
  window.host = () => seek(document);
  window.view = () => host().colourView;
  return Boolean(host()?.colourView?.atRest); }"""
QUICK, ARMS = "/colours", ColourView().arms
OPENING = write_spots(dict.fromkeys(hinted_picture(
    colour_photograph("flower"), share=ColourView().share, seed=ColourView().seed, tokens=SIDE).hints[0].nonzero()[
        :, 0].tolist(), "")) + ",".join(map(str, PINS["flower"]))


def enter(page: Any, url: str, size: dict[str, int] = WIDE) -> Any:
    page.set_viewport_size(size)
    page.goto(url, timeout=60_000)
    page.wait_for_function(FIND, timeout=90_000)
    page.evaluate("document.activeElement.blur()")
    return page


@pytest.fixture(scope="module")
def visit(chromium: Any, explorer_url: str) -> Iterator[Any]:
    """One visit for all tests: to come to the page costs more than what is done there."""
    context = chromium.new_context(viewport=WIDE)
    page = context.new_page()
    page.problems = watch(page)
    yield enter(page, explorer_url + QUICK)
    context.close()


@pytest.fixture
def opened(visit: Any) -> Any:
    """The page with the opening's hints and pins."""
    if "?" in visit.url:
        visit.get_by_role("button", name="Reset").click()
        visit.wait_for_function("text => view().state.hints + view().state.pins === text", arg=OPENING, timeout=30_000)
    visit.wait_for_function("view().atRest")
    visit.problems.clear()
    return visit


def state(page: Any) -> dict[str, Any]:
    page.wait_for_function("view().atRest")  # what the state says is drawn by the next frame, not at once
    found: dict[str, Any] = page.evaluate("view().state")
    return found


def spots(page: Any) -> dict[int, str]:
    return read_spots(state(page)["hints"])


def place(page: Any, row: int, column: int, where: str = ".board") -> tuple[float, float]:
    """Where a patch, counted from 1, lies on the screen."""
    box = page.locator(where).first.bounding_box()
    return box["x"] + (column - .5) / SIDE * box["width"], box["y"] + (row - .5) / SIDE * box["height"]


def patch(row: int, column: int) -> int:
    return (row - 1) * SIDE + column - 1


def await_hints(page: Any) -> None:
    """Until Python has painted from the hints that are on the board."""
    page.wait_for_function("view().model && view().state.hints === view().model.heard", timeout=30_000)


def drag(page: Any, start: tuple[int, int], end: tuple[int, int], steps: int = 1) -> None:
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=steps)
    page.mouse.up()


# ------------------------------------------------------------------------------------------------ hints


def test_a_stroke_paints_hints_the_paintings_follow_and_the_address_brings_them_back(
        opened: Any, explorer_url: str) -> None:
    page, before = opened, spots(opened)
    scores = page.locator(".score").all_inner_texts()
    drag(page, (3, 2), (3, 20))
    line = {patch(3, column) for column in range(2, 21)}
    assert {*spots(page)} == {*before} | line, "a quick hand leaves out no patch"
    await_hints(page)
    page.wait_for_url(re.compile("hints="))
    hints = torch.zeros(SIDE * SIDE, dtype=torch.bool)
    hints[list(spots(page))] = True
    picture = colour_photograph("flower")
    paintings = [paint_picture(pretrained(arm, 0, "painters"), picture, hints, tokens=SIDE) for arm in ARMS]
    expected = [f"R² {painting.r2:.2f}" for painting in paintings]
    page.wait_for_function("texts => JSON.stringify(view().model.arms.map(a => a.score)) === JSON.stringify(texts)",
                           arg=expected, timeout=30_000)
    assert page.locator(".score").all_inner_texts()[1:] == expected != scores[1:]
    painted = spots(page)
    page.get_by_role("button", name="erase").click()
    drag(page, (3, 2), (3, 20))
    assert not line & {*spots(page)}
    page.get_by_role("button", name="undo").click()
    assert spots(page) == painted
    page.get_by_role("button", name="clear", exact=True).click()
    page.get_by_text("No spot of colour").wait_for(timeout=30_000)
    page.get_by_role("button", name="New hints").click()
    page.wait_for_function("view().state.hints.length === 78", timeout=30_000)
    page.wait_for_url(re.compile(r"\?seed=\d+$"))
    assert [said for said in page.problems if "404" not in said] == []


def test_keys_paint_and_take_away(opened: Any) -> None:
    page = opened
    page.get_by_role("button", name="clear", exact=True).click()
    page.get_by_role("button", name="photo's colour").click()
    page.mouse.click(*place(page, 1, 1))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert spots(page) == {0: "", patch(5, 2): "", patch(5, 3): ""}
    assert page.get_by_text("brush on row 5, column 3").is_visible()
    page.keyboard.press("Delete")
    await_hints(page)
    assert spots(page) == {0: "", patch(5, 2): ""}
    page.get_by_role("heading", level=1).get_by_text("2 hints: R²").wait_for(timeout=30_000)


@pytest.mark.nightly
def test_a_chosen_colour_lies_on_the_photograph_s_grey_values(opened: Any) -> None:
    page = opened
    page.get_by_role("button", name="clear", exact=True).click()
    page.locator("input[type=color]").fill("#22aa44")
    page.mouse.click(*place(page, 14, 14))
    assert spots(page) == {patch(14, 14): "22aa44"}
    await_hints(page)
    page.get_by_text("You chose colours of your own").wait_for(timeout=30_000)
    assert page.locator(".score").all_inner_texts() == [""] * (1 + len(ARMS))
    task = spotted_task(colour_photograph("flower"), {patch(14, 14): "22aa44"}, SIDE)
    luma = sharp_luma(colour_photograph("flower"))
    side, (low, high) = luma.shape[-1], (round(13 * luma.shape[-1] / SIDE), round(14 * luma.shape[-1] / SIDE))
    fine = torch.nn.functional.interpolate(task.differences, (side, side), mode="nearest")[0]
    cell = 255 * join_colour(luma, fine)[:, low + 3:high - 3, low + 3:high - 3].flatten(1).mean(1).numpy()
    drawn = page.evaluate("""([low, size]) => { const c = host().shadowRoot.querySelector(".board canvas");
      const d = c.getContext("2d").getImageData(low + 3, low + 3, size - 6, size - 6).data, sum = [0, 0, 0];
      for (let n = 0; n < d.length; n++) if (n % 4 < 3) sum[n % 4] += d[n] / d.length * 4;
      return [c.width, ...sum]; }""", [low, high - low])
    assert drawn[0] == side and np.abs(np.array(drawn[1:]) - cell).max() < 12


# ------------------------------------------------------------------------------------------------ patches that ask


def test_a_patch_under_the_pointer_has_the_rows_of_the_maps_and_asks_no_server(opened: Any) -> None:
    page, sent, query = opened, [], patch(9, 15)
    page.context.on("request", lambda request: sent.append(request.url))
    page.mouse.move(*place(page, 9, 15, ".paintings figure:nth-child(2) .stage"))
    page.wait_for_function(f"view().state.asking === {query} && view().atRest")
    view, notes = ColourView(), page.locator(".paintings figure .note").all_inner_texts()
    for n, arm in enumerate(ARMS):
        painting = paint_picture(pretrained(arm, 0, "painters"), colour_photograph("flower"), share=view.share,
                                 seed=view.seed, tokens=SIDE)
        for head in (None, 0, 2):
            exact = patch_rows(painting.layers[1], [query], head)[0].numpy()
            row = np.array(page.evaluate("([n, i, head]) => [...view().row(n, i, head)]", [n, query, head]))
            assert np.abs(row - exact).max() < 4e-3 * exact.max() and abs(row.sum() - exact.sum()) < 4e-3
        on = weight_on_hints(patch_rows(painting.layers[1], [query]), painting.task.hints[0]).item()
        assert notes[n + 1].replace("\xa0", " ").startswith(f"{100 * on:.0f} % of its weight on hints")
    assert page.locator(".paintings .ring:visible").count() == 1 + len(ARMS)
    page.mouse.move(2, 2)
    page.wait_for_function("view().state.asking === null && view().atRest")
    assert not page.locator(".paintings .ring:visible").count() and not sent


def test_six_patches_are_pinned_a_seventh_takes_the_place_of_the_first_and_the_address_says_them(opened: Any) -> None:
    page = opened
    assert state(page)["pins"] == list(PINS["flower"]) and page.locator(".pins [role=img]").count() == len(ARMS) * MOST
    page.get_by_role("button", name="unpin all").click()
    places = [(2, 2), (2, 20), (14, 14), (20, 5), (27, 27), (10, 10)]
    for spot in places:
        page.mouse.click(*place(page, *spot, ".paintings .stage"))
    pins = [patch(*spot) for spot in places]
    assert state(page)["pins"] == pins
    page.wait_for_url(re.compile("pins=r2c2%2Cr2c20%2Cr14c14%2Cr20c5%2Cr27c27%2Cr10c10"), timeout=30_000)
    painting = paint_picture(pretrained("softmax", 0, "painters"), colour_photograph("flower"), share=.05,
                             seed=ColourView().seed, tokens=SIDE)
    shared = shared_weight(patch_rows(painting.layers[1], pins))
    said = page.locator(".asked .note").first.inner_text().replace("\xa0", " ")
    assert said == f"Two pins place {100 * shared:.0f} % of their weight alike."
    page.mouse.click(*place(page, 5, 5, ".paintings .stage"))
    assert state(page)["pins"] == [*pins[1:], patch(5, 5)]
    page.mouse.click(*place(page, 5, 5, ".paintings .stage"))
    assert state(page)["pins"] == pins[1:], "a second click unpins"
    colours = page.evaluate("[...host().shadowRoot.querySelectorAll('.asked:first-child .pins .stage')].map("
                            "e => getComputedStyle(e).outlineColor)")
    assert len({*colours}) == MOST - 1


def test_keys_move_the_patch_that_asks_and_pin_it(opened: Any) -> None:
    page, asks = opened, opened.locator(".asks")
    page.get_by_role("button", name="unpin all").click()
    page.mouse.click(*place(page, 15, 1, ".paintings .stage"))
    asks.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"view().state.asking === {patch(15, 2)} && view().atRest")
    assert "of its weight on hints" in page.locator(".paintings figure .note").nth(1).inner_text()
    page.keyboard.press("Enter")
    assert state(page)["pins"] == [patch(15, 1), patch(15, 2)]
    page.keyboard.press("Escape")
    page.wait_for_function("view().state.asking === null && view().atRest")
    page.wait_for_url(re.compile("pins=r15c1%2Cr15c2"), timeout=30_000)


# ------------------------------------------------------------------------------------------------ the rest


@pytest.mark.nightly
def test_a_picture_of_one_s_own_is_coloured_and_a_broken_one_is_one_sentence(opened: Any) -> None:
    page = opened
    page.get_by_role("combobox", name="Picture").click()
    page.get_by_role("option", name="Your own picture").click()
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "text.png", "mimeType": "", "buffer": b"To be, or not to be"})
    page.get_by_text("text.png cannot be read").wait_for(timeout=30_000)
    chooser.set_input_files({"name": "cat.png", "mimeType": "", "buffer": chelsea_file()})
    page.wait_for_function("view().model.alt.startsWith('cat.png')", timeout=30_000)
    page.wait_for_url(re.compile("source=cat.png%40"))
    assert not page.get_by_text("cannot be read").count()
    drag(page, (11, 7), (12, 9))
    await_hints(page)
    assert patch(11, 7) in spots(page)


@pytest.mark.nightly
def test_a_room_sees_it_large_and_comes_back(opened: Any) -> None:
    page = opened
    page.get_by_role("button", name="projector").click()
    page.wait_for_url(re.compile("projector=1"), timeout=30_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSidebar]')?.checkVisibility()")
    page.get_by_role("button", name="projector").click()
    page.wait_for_function("document.querySelector('[data-testid=stSidebar]')?.checkVisibility()", timeout=30_000)


@pytest.mark.nightly  # a second visit
def test_on_a_telephone_a_finger_paints_and_nothing_is_wider_than_the_screen(chromium: Any, explorer_url: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = enter(context.new_page(), explorer_url + QUICK, {"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator(".board").scroll_into_view_if_needed()
    before, hand = {*spots(page)}, context.new_cdp_session(page)
    points = [dict(zip("xy", place(page, 20, column))) for column in (4, 6, 8)]
    for kind, touches in (("Start", points[:1]), ("Move", points[1:2]), ("Move", points[2:]), ("End", [])):
        hand.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches})
    assert {*spots(page)} == before | {patch(20, column) for column in range(4, 9)}
    await_hints(page)
    page.locator(".paintings figure").nth(1).scroll_into_view_if_needed()
    page.touchscreen.tap(*place(page, 14, 14, ".paintings figure:nth-child(2) .stage"))
    page.wait_for_function(f"view().state.pins.includes({patch(14, 14)})")
    for box in page.locator(".hints .button, .card .button").all():
        assert box.bounding_box()["height"] >= 36
    context.close()
