"""The view under a hand, a finger and a keyboard; what stays when the content changes; what moves by itself."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid
from linviz.patch_view import pack
from tests.conftest import watch

from .harness import FRAMES, blob, centre, empty, gated, move, panel, show, state, text, uniform, white

PHOTO, CLIP = Grid(1, 6, 8), Grid(3, 4, 5)


@pytest.fixture
def page(chromium):
    """A page that no hand has touched: where the pointer and the focus are is what these tests ask about."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.problems = watch(page)
    yield page
    context.close()


def photo(**options) -> bytes:
    panels = [panel(gated(48, 4), "gated"), panel(uniform(48), "uniform", "content-free")]
    return blob(panels, PHOTO, query=9, **options)


def clip(**options) -> bytes:
    return blob([panel(gated(60, 4, shots=5), "gated"), panel(uniform(60), "uniform")], CLIP, query=7, **options)


def said(page) -> list:
    return page.evaluate("said")


def where(page) -> str:
    return page.locator(".where").inner_text()


# ------------------------------------------------------------------------------------------------ mouse and finger

def test_hovering_looks_and_leaving_returns_to_the_pinned_query(page):
    show(page, photo())
    page.mouse.move(*centre(page, PHOTO, 4, 6))
    page.evaluate(FRAMES)
    assert state(page)["hover"] == PHOTO.number(0, 4, 6) and state(page)["query"] == 9
    assert where(page) == "query: row 5, column 7" and page.locator(".pin").first.is_visible()
    page.mouse.move(5, 5)
    page.evaluate(FRAMES)
    assert state(page)["hover"] is None and where(page) == "query: row 2, column 2"
    assert page.locator(".pin").first.is_hidden() and said(page) == []


def test_a_click_pins_once(page):
    show(page, photo())
    page.mouse.click(*centre(page, PHOTO, 4, 6, panel=1))
    page.mouse.click(*centre(page, PHOTO, 4, 6, panel=0))
    assert [(s["query"], pinned) for s, pinned in said(page)] == [(PHOTO.number(0, 4, 6), True)]


def test_the_corners_are_the_first_and_the_last_token(page):
    show(page, photo())
    box = page.locator(".main").first.bounding_box()
    for dx, dy, token in ((4, 4, 0), (box["width"] - 4, box["height"] - 4, 47)):
        page.mouse.click(box["x"] + dx, box["y"] + dy)
        assert state(page)["query"] == token


@pytest.fixture
def phone(chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


def test_a_finger_pins_and_drags_and_the_page_does_not_overflow(phone):
    show(phone, photo())
    phone.touchscreen.tap(*centre(phone, PHOTO, 2, 3))
    assert state(phone)["query"] == PHOTO.number(0, 2, 3) and state(phone)["hover"] is None
    assert len(said(phone)) == 1
    finger = phone.context.new_cdp_session(phone)
    def touch(kind, x):
        points = [] if kind == "touchEnd" else [dict(zip("xy", centre(phone, PHOTO, 3, x)))]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        phone.evaluate(FRAMES)
    touch("touchStart", 0)
    seen = []
    for x in range(1, 8):
        touch("touchMove", x)
        seen.append(state(phone)["hover"])
    touch("touchEnd", 7)
    assert len(set(seen)) >= 6 and state(phone)["query"] == PHOTO.number(0, 3, 7)
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_a_narrow_page_shows_the_first_panel_large(phone):
    show(phone, blob([panel(uniform(48), name) for name in "abc"], PHOTO))
    wide, *others = (box["width"] for box in (p.bounding_box() for p in phone.locator(".main").all()))
    assert wide > 265 and len(others) == 2 and max(others) < 0.75 * wide   # its numbers stand beside it
    half = others[0]
    show(phone, blob([panel(uniform(48), name) for name in "abcd"], PHOTO))
    four = [box["width"] for box in (p.bounding_box() for p in phone.locator(".main").all())]
    assert all(abs(w - half) < 2 for w in four)       # two and two: no hole is left


# ------------------------------------------------------------------------------------------------ keys

def test_arrows_move_the_query_shift_by_four_and_stop_at_the_edge(page):
    show(page, photo())
    page.locator(".view").focus()
    for key, token in (("ArrowRight", 10), ("ArrowDown", 18), ("ArrowLeft", 17), ("ArrowUp", 9),
                       ("Shift+ArrowRight", 13), ("Shift+ArrowRight", 15), ("Shift+ArrowDown", 47), ("ArrowRight", 47)):
        page.keyboard.press(key)
        assert state(page)["query"] == token, key
    assert len(said(page)) == 7                                  # the last one moved nothing


def test_page_keys_change_the_frame_of_a_clip_only(page):
    show(page, clip())
    page.locator(".view").focus()
    page.keyboard.press("PageDown")
    assert state(page)["query"] == 27 and state(page)["frame"] == 1
    page.keyboard.press("PageUp")
    assert state(page)["frame"] == 0
    show(page, photo())
    page.locator(".view").focus()
    taken = page.evaluate("""() => { const e = new KeyboardEvent("keydown", {key: "PageDown", cancelable: true});
        document.getElementById("view").shadowRoot.querySelector(".view").dispatchEvent(e);
        return e.defaultPrevented; }""")
    assert not taken                                             # a photograph leaves the page its scrolling


def test_the_slider_keeps_its_own_keys_and_tells_once_let_go(page):
    show(page, photo())
    slider = page.get_by_role("slider", name="gate strength")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert state(page)["strength"] == 0.99 and state(page)["query"] == 9
    box, before = slider.bounding_box(), len(said(page))
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for x in range(10):
        page.mouse.move(box["x"] + box["width"] / 2 + 5 * x, box["y"] + box["height"] / 2)
    assert len(said(page)) == before
    page.mouse.up()
    assert len(said(page)) == before + 1 and said(page)[-1][0]["strength"] == state(page)["strength"]
    assert said(page)[-1][1] is False


def test_a_screen_reader_hears_where_it_came_to_rest(page):
    show(page, photo())
    view = page.get_by_role("application")
    assert "gated, uniform" in view.get_attribute("aria-label") and "a white sheet." in view.get_attribute("aria-label")
    page.mouse.move(*centre(page, PHOTO, 4, 6))
    page.wait_for_timeout(500)
    assert "row 5" not in page.get_by_role("status").inner_text()
    view.focus()
    page.keyboard.press("ArrowRight")
    page.mouse.move(5, 5)
    page.wait_for_function("view.state.hover === null")
    page.wait_for_timeout(500)
    assert page.get_by_role("status").inner_text().startswith("query: row 2, column 3. gated: ")
    assert page.get_by_role("region", name="uniform").inner_text().split("\n")[0] == "uniform"


# ------------------------------------------------------------------------------------------------ frames and fits

def test_the_strip_chooses_the_frame_and_play_goes_on_through_an_update(page):
    show(page, clip())
    page.get_by_role("button", name="frame 3").first.click()
    assert state(page)["frame"] == 2 and said(page)[-1][0]["frame"] == 2
    page.locator(".ring.away").first.wait_for()  # drawn in the next frame
    page.get_by_role("button", name="▶ play").click()
    page.wait_for_function("view.state.frame === 1")
    again = pack([panel(uniform(60))], white(3, 4, 5), CLIP, query=7)
    page.evaluate("text => view.update(fromText(text))", text(again))
    page.wait_for_function("view.state.frame === 2")
    told = len(said(page))
    page.get_by_role("button", name="pause").click()
    assert len(said(page)) == told + 1
    frame = state(page)["frame"]
    page.wait_for_timeout(600)
    assert state(page)["frame"] == frame and not state(page)["playing"]


def test_the_fit_is_replayed_step_by_step(page):
    show(page, clip(strength=0.5))
    step = page.locator(".fit span")
    assert step.inner_text() == "step 40, KL 0.20 bits"
    rested = page.evaluate("view.measures")[0]["bits"]
    page.get_by_role("button", name="replay the fit").click()
    page.wait_for_function("view.state.progress < .2")
    assert step.inner_text().startswith("step 0") or step.inner_text().startswith("step 10")
    page.wait_for_function("view.state.progress > .5")
    assert page.evaluate("view.measures")[0]["bits"] != rested and state(page)["strength"] == 1
    page.wait_for_function("!view.state.gliding", timeout=8000)
    assert step.inner_text() == "step 40, KL 0.20 bits" and state(page)["progress"] is None


def test_the_opening_glides_once_and_a_touch_ends_it(page):
    show(page, photo(intro=True))
    assert state(page)["gliding"] and state(page)["strength"] < 0.05
    page.wait_for_function("view.state.strength > .1 && view.state.strength < .9")
    page.wait_for_function("!view.state.gliding", timeout=8000)
    assert state(page)["strength"] == 1 and said(page) == []
    page.evaluate("text => view.update(fromText(text))", text(photo(intro=True)))
    page.evaluate(FRAMES)
    assert not state(page)["gliding"]
    show(page, photo(intro=True, strength=0.8))
    page.mouse.click(*centre(page, PHOTO, 1, 1))
    assert not state(page)["gliding"] and state(page)["strength"] == 0.8


def test_a_busy_page_glides_later_and_jumps_over_nothing(page):
    show(page, photo(intro=True))
    page.evaluate("const start = performance.now(); while (performance.now() - start < 3000);")
    page.evaluate(FRAMES)
    assert state(page)["gliding"] and state(page)["strength"] < 0.3


def test_python_may_end_the_opening(page):
    show(page, photo(intro=True))
    move(page, strength=0.25)
    assert not state(page)["gliding"] and state(page)["strength"] == 0.25


@pytest.fixture
def calm(chromium):
    context = chromium.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


def test_who_wants_no_motion_gets_steps(calm):
    show(calm, clip(intro=True))
    assert not state(calm)["gliding"] and state(calm)["strength"] == 1
    calm.get_by_role("button", name="next frame").click()
    assert state(calm)["frame"] == 1 and not state(calm)["playing"]
    calm.wait_for_timeout(400)
    assert state(calm)["frame"] == 1
    steps = []
    for _ in range(6):
        calm.get_by_role("button", name="next step of the fit").click()
        calm.evaluate(FRAMES)
        steps.append(calm.locator(".fit span").inner_text().split(",")[0])
    assert steps == ["step 0", "step 10", "step 20", "step 30", "step 40", "step 0"]


# ------------------------------------------------------------------------------------------------ new content

def test_an_update_on_the_same_grid_keeps_what_a_person_chose(page):
    show(page, photo())
    page.mouse.click(*centre(page, PHOTO, 4, 6))
    page.mouse.move(5, 5)
    page.get_by_role("slider").fill("0.4")
    page.get_by_role("button", name="heat").click()
    page.locator(".view").focus()
    page.evaluate("window.kept = document.getElementById('view').shadowRoot.querySelector('.main')")
    other = blob([panel(gated(48, 4, seed=3), "other")], PHOTO, query=9)
    page.evaluate("text => view.update(fromText(text))", text(other))
    page.evaluate(FRAMES)
    now = state(page)
    assert (now["query"], now["strength"], now["mode"]) == (PHOTO.number(0, 4, 6), 0.4, "heat")
    assert page.locator(".head").all_inner_texts() == ["other"]
    assert page.evaluate("kept.isConnected && document.activeElement === document.getElementById('view')")


def test_an_update_on_another_grid_starts_as_it_asks(page):
    show(page, photo(mode="heat"))
    page.evaluate("text => view.update(fromText(text))", text(clip(frame=2, strength=0.3)))
    page.evaluate(FRAMES)
    now = state(page)
    assert (now["query"], now["frame"], now["strength"], now["mode"]) == (7, 2, 0.3, "light")
    assert page.locator(".strip button").count() == 6


def test_python_moves_the_view_by_what_changed_and_a_tick_repeats_it(page):
    show(page, photo())
    page.mouse.click(*centre(page, PHOTO, 4, 6))
    for options, query in ((dict(), 38), (dict(mode="heat"), 38), (dict(mode="heat", tick=1), 9)):
        page.evaluate("text => view.update(fromText(text))", text(photo(**options)))
        page.evaluate(FRAMES)
        assert state(page)["query"] == query
    assert state(page)["mode"] == "heat"


def test_a_query_that_python_sets_brings_its_frame(page):
    show(page, clip())
    move(page, query=45)
    assert state(page)["frame"] == 2
    move(page, query=45, frame=0)
    assert state(page)["frame"] == 0
    move(page, query=10**9, strength=7, mode="sepia", frame=-3)
    now = state(page)
    assert (now["query"], now["strength"], now["mode"], now["frame"]) == (59, 1, "light", 0)


def test_several_views_live_side_by_side_and_leave_nothing_behind(page):
    empty(page)
    page.evaluate("document.body.append(Object.assign(document.createElement('div'), {id: 'second'}))")
    page.evaluate("texts => { window.view = show(texts[0]); window.second = show(texts[1], 'second'); }",
                  [text(photo()), text(clip())])
    page.evaluate(FRAMES)
    page.mouse.click(*centre(page, PHOTO, 4, 6))
    assert page.evaluate("[view.state.query, second.state.query]") == [38, 7]
    page.evaluate("second.set({frame: 2}); second.destroy()")
    assert page.evaluate("document.getElementById('second').shadowRoot.childElementCount") == 0
    assert page.evaluate("document.getElementById('second').patchView") is None
    page.evaluate("text => { view.destroy(); window.view = show(text); }", text(photo()))
    page.evaluate(FRAMES)
    assert page.locator(".panel").count() == 2


def test_no_gate_no_slider_and_no_clip_no_play(page):
    show(page, blob([panel(uniform(48))], PHOTO))
    assert page.get_by_role("slider").count() == 0 and page.get_by_role("button", name="play").count() == 0
    assert page.get_by_role("button", name="replay the fit").count() == 0
    show(page, blob([panel({**uniform(1), "left": torch.ones(1, 1)})], Grid()))
    assert page.locator("dd").all_inner_texts() == ["0.00", "1.00", "100 %"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_page(chromium, scheme):
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    show(page, clip())
    ratios = page.evaluate("""() => {
        const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
        const rgb = (...layers) => { for (const c of layers) { paint.fillStyle = c; paint.fillRect(0, 0, 1, 1); }
            return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3); };
        const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        const light = c => { const [r, g, b] = c.map(v => linear(v / 255)); return .2126 * r + .7152 * g + .0722 * b; };
        const page = matchMedia("(prefers-color-scheme: dark)").matches ? "#0f1216" : "#ffffff";
        const words = [...document.getElementById("view").shadowRoot.querySelectorAll(
            "dt, dd, .head, .where, .button, .strip span, .strength, .fit span")];
        return words.filter(e => e.checkVisibility() && e.textContent.trim()).map(e => {
            const {color, backgroundColor} = getComputedStyle(e);
            const both = [light(rgb(page, color)), light(rgb(page, backgroundColor))];
            return (Math.max(...both) + .05) / (Math.min(...both) + .05);
        });
    }""")
    assert len(ratios) > 15 and min(ratios) >= 4.5
    context.close()
