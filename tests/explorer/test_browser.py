"""The page Concentrate as a visitor meets it, in Chromium."""
from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import linviz
from linviz import Grid, clips, concentration
from linviz.maps import Factored, Normaliser, Scores
from tests.conftest import watch

from .browser import (
    FIND,
    WIDE,
    choose,
    enter,
    listening,
    measures,
    model,
    press,
    rest,
    row,
    slide,
    spot,
    state,
    table,
    wire,
)

SMALL = "?patches=14"
INSIDE = """(root => { const seek = r => { for (const e of r.querySelectorAll("*")) { if (e.NAME) return e;
  const found = e.shadowRoot && seek(e.shadowRoot); if (found) return found; } }; return seek(root); })(document)"""
ATLAS = f"{INSIDE.replace('NAME', 'atlasView')}?.atlasView.state.grid"
REACH = f"{INSIDE.replace('NAME', 'reachView')}?.reachView.model?.grid"


@pytest.fixture(scope="module")
def opened(context, explorer_url):
    """The opening page, at rest: nobody does anything to it."""
    page = context.new_page()
    page.problems = watch(page)
    yield enter(page, explorer_url)
    assert not page.problems
    page.close()


@pytest.fixture
def small(page, explorer_url):
    """The opening picture at 14 x 14 patches."""
    yield enter(page, explorer_url + SMALL)
    assert not page.problems


# ------------------------------------------------------------------------------------------------ the opening


def test_it_opens_drawn_and_alive_above_the_fold(opened):
    assert model(opened)["panels"] == ["softmax", "relu + floor", "relu + floor + gate, fitted"]
    assert model(opened)["grid"] == [1, 28, 28] and state(opened)["mode"] == "light"
    slider = opened.get_by_role("slider", name="gate strength")
    box = slider.bounding_box()
    assert box["y"] + box["height"] < WIDE["height"], "the slider lies below the fold"
    for panel in range(3):
        box = opened.locator(".main").nth(panel).bounding_box()
        assert box["y"] > 0 and box["y"] + box["height"] < WIDE["height"] and box["width"] > 250
    bits = [m["bits"] for m in measures(opened)]
    assert bits[0] < bits[2] < bits[1] - 2, "softmax gathers, the floor spreads, the gate gathers again"


def test_it_says_that_attention_is_not_explanation_with_its_reference(opened):
    link = opened.get_by_role("link", name="Jain and Wallace 2019")
    assert link.get_attribute("href") == "https://arxiv.org/abs/1902.10186" and link.is_visible()
    assert opened.get_by_text("Attention is not explanation").is_visible()


def test_nothing_is_wider_than_the_screen(page, explorer_url):
    enter(page, explorer_url + SMALL, {"width": 390, "height": 844})
    button = page.get_by_test_id("stExpandSidebarButton")
    box, heading = button.bounding_box(), page.get_by_role("heading", level=1).bounding_box()
    assert box["y"] + box["height"] <= heading["y"], "the sidebar's button covers the title"
    for width, height in ((390, 844), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(page, explorer_url, scheme):
    page.emulate_media(color_scheme=scheme)
    enter(page, explorer_url + SMALL)
    found = page.evaluate("""() => {
      const rgb = c => { const x = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
        x.fillStyle = c; x.fillRect(0, 0, 1, 1); return [...x.getImageData(0, 0, 1, 1).data]; };
      const lum = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b; };
      const paper = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
        if (c[3] > 250) return c.slice(0, 3); } return [255, 255, 255]; };
      const ratio = e => { let o = 1; for (let p = e; p; p = p.parentElement) o *= +getComputedStyle(p).opacity;
        const c = rgb(getComputedStyle(e).color), b = paper(e);
        const mixed = b.map((x, n) => x + (c[n] - x) * o * c[3] / 255);
        const [l, d] = [lum(mixed), lum(b)].sort((a, b) => b - a);
        return o ? (l + .05) / (d + .05) : 21; };
      const all = document.querySelectorAll("[data-testid=stMain] :is(p, h1, h3, th, td, a, label), "
        + "[data-testid=stSidebar] :is(label p, [data-tag], [data-testid=stCaptionContainer] p, button p)");
      return [...all].filter(e => e.innerText?.trim() && e.offsetParent)
        .map(e => [e.innerText.slice(0, 40), ratio(e)]); }""")
    assert len(found) > 40
    assert not [(text, round(ratio, 2)) for text, ratio in found if ratio < 4.5]


FOCUS = """() => { let e = document.activeElement; while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
  const {left, width} = e.getBoundingClientRect(), name = e.ariaLabel || e.innerText || e.labels?.[0]?.innerText || "";
  return {name: name.trim().split("\\n").at(-1), seen: left + width > 0 && left < innerWidth && width > 0}; }"""


def test_tab_goes_through_everything_that_is_seen_and_the_files_come_next(page, explorer_url):
    enter(page, explorer_url + "?source=pan&frames=2&patches=14&specs=softmax,linear", {"width": 390, "height": 844})
    stops = []
    while not stops or stops[-1]["name"] != "Save and export":
        assert len(stops) < 40, stops
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUS))
    names = [stop["name"] for stop in stops]
    assert not [stop for stop in stops if not (stop["seen"] and stop["name"])], "a folded sidebar, or without a name"
    frame = next(name for name in names if name.startswith("frame 1"))
    assert names.index("Expand sidebar") < names.index(frame) < names.index("difference") < len(names) - 1
    assert len(set(names)) == len(names), "one frame is chosen for all panels, so it is one stop"
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save view", exact=True).wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["name"] == "Save view"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save view", exact=True).wait_for(state="hidden")
    said = [canvas.get_attribute("aria-label") for canvas in page.locator(".main canvas[role=img]").all()]
    assert [words.partition(":")[0] for words in said] == model(page)["panels"] and all("bits" in x for x in said)


# ------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize("query", [0, 349, 783])
def test_rows_drawn_are_rows_of_linviz(opened, query):
    sent = [{name: torch.from_numpy(x) for name, x in wire(opened, panel).items()} for panel in range(3)]
    scale = sent[0]["q"].shape[1] ** -0.5
    maps = [Scores(sent[0]["q"], sent[0]["k"], scale=scale)]
    for w in sent[1:]:
        q, k = w["phi_q"], w["phi_k"]
        if "z_q" in w:
            q, k = q * w["z_q"].sigmoid(), k * w["z_k"].sigmoid()
        maps.append(Factored(q / Normaliser("add", 1e-6)(q @ k.sum(0, keepdim=True).mT), k))
    for panel, a in enumerate(maps):
        expected = a.rows(torch.tensor([query]))[0].numpy()
        np.testing.assert_allclose(row(opened, panel, query), expected, rtol=1e-5, atol=1e-300)


def test_the_ungated_rows_are_those_of_make(opened):
    grid = Grid(1, 28, 28)
    qkv = clips.descriptors(clips.fit(clips.photograph("chelsea"), grid), grid, clips.OPENING.temperature)
    q, k, v = (x.double() for x in qkv)
    for panel, spec in enumerate(("softmax", "relu_floor")):
        a = linviz.make(spec, 1, 16, grid).map(q, k, v)
        np.testing.assert_allclose(row(opened, panel, 100), a.rows(torch.tensor([100]))[0, 0, 0].numpy(), rtol=1e-5)


def test_the_numbers_under_the_panels_are_those_of_the_table_and_of_linviz(opened):
    cells, drawn = table(opened, 0), measures(opened)
    for panel, m in enumerate(drawn):
        a = torch.from_numpy(row(opened, panel, state(opened)["query"]))
        assert m["bits"] == pytest.approx(concentration.entropy(a).item(), rel=1e-5)
        assert m["effective"] == pytest.approx(concentration.effective_tokens(a).item(), rel=1e-5)
        assert m["top"] == pytest.approx(concentration.top_share(a, 10).item(), rel=1e-5)
        assert float(cells["entropy (bits)"][2 * panel]) == pytest.approx(m["bits"], abs=0.006)
        assert float(cells["effective tokens (tokens)"][2 * panel]) == pytest.approx(m["effective"], rel=0.006)


# ------------------------------------------------------------------------------------------------ the hand


def test_a_hover_lights_a_patch_and_tells_python_nothing(page, explorer_url):
    sent = []
    with listening(page, "websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data))):
        enter(page, explorer_url + SMALL)
        page.wait_for_timeout(500)
        before, quiet = measures(page), len(sent)
        for y, x in ((0, 0), (7, 7), (13, 13)):
            page.mouse.move(*spot(page, y, x))
            page.evaluate("new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
            assert page.locator(".where").inner_text().endswith(f"row {y + 1}, column {x + 1}")
            assert measures(page) != before
    assert 0 < quiet == len(sent) and state(page)["query"] != 195


def test_the_fog_gathers_once_on_opening(context, explorer_url):
    page = context.new_page()
    look = "requestAnimationFrame(look); if ((" + FIND + ")()) seen.push(view().state.strength);"
    page.add_init_script("window.seen = []; const look = () => { " + look + " }; look();")
    enter(page, explorer_url, glide=True)
    seen = np.array(page.evaluate("seen"))
    rising = seen[(0 < seen) & (seen < 1)]
    assert len(rising) > 10 and (np.diff(rising) >= 0).all() and state(page)["strength"] == 1
    assert np.diff(rising).max() < 0.15, "the fog jumps while the page around it is still being drawn"
    page.close()


# ------------------------------------------------------------------------------------------------ one visit


def test_one_visit_goes_through_every_control(small):
    """One page and many questions: to open it takes longer than to ask."""
    another_picture_comes_into_the_same_view(small)
    a_click_pins_a_patch_and_the_table_follows(small)
    the_slider_takes_the_bits_from_fog_to_fit(small)
    a_slider_of_the_sidebar_redraws_without_a_flash(small, "Temperature")
    the_spectrum_its_switches_and_its_words(small)
    a_wrong_spec_gets_a_sentence_and_a_right_one_a_panel(small)
    a_slider_of_the_sidebar_redraws_without_a_flash(small, "Patches per side")


def another_picture_comes_into_the_same_view(small):
    small.evaluate("host().dataset.mark = 'kept'")
    before = model(small)
    choose(small, "Photograph or clip", "Coffee (photograph)")
    small.wait_for_function("id => view().model.id !== id", arg=before["id"])
    rest(small)
    assert model(small)["title"] == clips.photograph("coffee").title
    assert small.evaluate("host().dataset.mark") == "kept", "the view was made anew: the page flashes"
    assert state(small)["query"] == clips.token_at(clips.photograph("coffee"), Grid(1, 14, 14))
    assert "source=coffee" in small.url


def a_click_pins_a_patch_and_the_table_follows(small):
    small.mouse.click(*spot(small, 11, 4))
    small.get_by_text("The pinned patch (row 12, column 5)").wait_for()
    small.mouse.move(2, 2)
    bits = [m["bits"] for m in measures(small)]
    for _ in range(100):                            # the table comes a moment after the title above it
        cells = table(small, 0)["entropy (bits)"]
        if [float(cells[n]) for n in (0, 2, 4)] == pytest.approx(bits, abs=0.006):
            return
        small.wait_for_timeout(100)
    raise AssertionError(f"the table says {cells}, the panels say {bits}")


def the_slider_takes_the_bits_from_fog_to_fit(small):
    slider = small.get_by_role("slider", name="gate strength")
    seen = []
    for keys in (["Home"], ["ArrowRight"] * 40, ["End"]):
        slider.focus()
        for key in keys:
            small.keyboard.press(key)
        seen.append([m["bits"] for m in measures(small)])
    (soft, floor, fog), (_, _, half), (_, floor_after, fit) = seen
    assert fog == pytest.approx(floor, abs=1e-9) and floor_after == floor
    assert fog > half > fit and fog - fit > 1


def the_spectrum_its_switches_and_its_words(small):
    chart = small.locator(".js-plotly-plot")
    y = "() => document.querySelector('.js-plotly-plot')?.layout?.yaxis.title.text ?? ''"
    assert small.evaluate(y) == "singular value s_k (no unit)"
    assert small.evaluate("document.querySelector('.js-plotly-plot').data.length") == 3
    small.get_by_text("Mean row removed").click()
    small.wait_for_function(f"({y})().includes('mean row removed')")
    small.get_by_text("cumulative share of s²").click()
    small.wait_for_function(f"({y})().startsWith('share of the energy')")
    small.wait_for_function("document.querySelectorAll('.js-plotly-plot').length === 1")
    assert "rank bound 16" in chart.locator(".annotation-text").all_text_contents()
    alt = small.evaluate("""() => [...document.querySelectorAll("[aria-label], [alt]")].map(e => e.ariaLabel ?? e.alt)
        .find(t => t?.startsWith("Share of the energy"))""")
    assert alt and "relu + floor: 16 values" in alt


def a_wrong_spec_gets_a_sentence_and_a_right_one_a_panel(small):
    field = small.get_by_test_id("stSidebar").get_by_role("combobox", name="Mechanisms side by side")
    field.fill("relu_flor")
    field.press("Enter")
    small.get_by_text("did you mean 'relu_floor'").wait_for()
    assert len(model(small)["panels"]) == 3
    field.press("Backspace")
    small.get_by_text("did you mean").wait_for(state="detached")
    field.fill("linear")
    field.press("Enter")
    small.wait_for_function("view().model.panels.length === 4")
    field.press("Escape")


def a_slider_of_the_sidebar_redraws_without_a_flash(small, label):
    before = model(small)["id"]
    small.evaluate("host().dataset.mark = 'kept'; window.gone = 0; new MutationObserver(all => all.forEach(m => "
                   "m.removedNodes.forEach(n => gone += n.contains?.(document.querySelector('h1')) ?? 0)))"
                   ".observe(document.body, {childList: true, subtree: true})")
    slide(small, label, "ArrowRight")
    small.wait_for_function("id => view().model.id !== id", arg=before)
    rest(small)
    assert small.evaluate("host().dataset.mark") == "kept" and small.evaluate("gone") == 0
    assert model(small)["panels"][2].endswith("fitted")


# ------------------------------------------------------------------------------------------------ controls


def test_a_clip_shows_its_frames_and_its_object(page, explorer_url):
    enter(page, explorer_url + "?source=digit&frames=4&steps=10")
    assert model(page)["grid"] == [4, 14, 14] and page.locator(".strip").first.locator("button").count() == 4
    assert "mass on the object (%)" in table(page, 0) and "lift over area (times)" in table(page, 0)
    assert not page.problems


@pytest.mark.parametrize("where, grid, presses", [
    ("/?patches=14&specs=softmax,relu_floor", "view().model.grid", 12), ("/atlas?patches=8", ATLAS, 6),
    ("/who_sees_whom?patches=7&frames=2", REACH, 10)], ids=["concentrate", "atlas", "reach"])
def test_no_press_of_a_key_is_lost_while_the_page_is_drawn(page, explorer_url, where, grid, presses):
    """A hand holds an arrow key down: every press counts, however long the page takes for each."""
    page.goto(explorer_url + where)
    first = int(re.search(r"patches=(\d+)", where)[1])
    page.wait_for_function(f"() => ({FIND})() && {grid}" if "view()" in grid else f"() => {grid}", timeout=60_000)
    slider = page.get_by_test_id("stSidebar").get_by_role("slider", name="Patches per side")
    slider.focus()
    for _ in range(presses):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(100)
    page.wait_for_url(re.compile(rf"patches={first + presses}\b"), timeout=60_000)
    page.wait_for_function(f"{grid}[2] === {first + presses}", timeout=60_000)
    assert slider.input_value() == str(first + presses)
    assert not [said for said in page.problems if "404" not in said]


def test_a_fit_shows_its_way_and_can_be_cancelled_while_the_hand_goes_on(page, explorer_url):
    page.set_viewport_size(WIDE)
    page.goto(explorer_url + "?patches=32&steps=2000")
    page.wait_for_function(FIND, timeout=60_000)
    page.get_by_test_id("stProgress").wait_for(timeout=30_000)
    said = page.get_by_test_id("stProgress").inner_text()
    assert re.search(r"Fitting the gate: step \d+ of 2000, KL \d", said)
    before = measures(page)
    page.mouse.move(*spot(page, 3, 3))
    page.evaluate("new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
    assert measures(page) != before, "a hover must be drawn while a gate is fitted"
    press(page, "Cancel")
    page.get_by_text("stopped at step").first.wait_for(timeout=30_000)
    page.get_by_test_id("stProgress").wait_for(state="detached", timeout=30_000)
    assert not page.problems


def test_fit_again_and_reset(small):
    small.get_by_text("The gate", exact=True).click()
    press(small, "Fit again")
    rest(small)
    slide(small, "Temperature", "ArrowRight", 3)
    small.wait_for_url("**temperature=0.89*")
    small.mouse.click(*spot(small, 2, 2))
    small.get_by_text("The pinned patch (row 3, column 3)").wait_for()
    press(small, "Reset")
    small.get_by_text("The pinned patch (row 13, column 14)").wait_for()
    rest(small)
    assert model(small)["grid"] == [1, 28, 28] and "?" not in small.url and state(small)["strength"] == 1


def test_a_large_softmax_spectrum_comes_later_and_holds_up_nothing(page, explorer_url):
    page.set_viewport_size(WIDE)
    page.goto(explorer_url + "?patches=48&temperature=0.93&specs=softmax,relu_floor")
    page.get_by_text("On its way: softmax").wait_for(timeout=60_000)
    page.wait_for_function("document.querySelector('.js-plotly-plot .main-svg')")
    names = "document.querySelector('.js-plotly-plot')?.data.map(t => t.name)"
    assert page.evaluate(names) == ["relu + floor"]
    slide(page, "Temperature", "ArrowRight")
    page.wait_for_url("**temperature=1**")
    page.get_by_text("On its way: softmax").wait_for(timeout=30_000)
    press(page, "Reset")
    page.wait_for_function(f"{names}?.length === 3", timeout=60_000)
    assert not page.problems


# ------------------------------------------------------------------------------------------------ addresses, others


def test_an_address_opens_the_same_view_again(context, small):
    slide(small, "Temperature", "ArrowRight", 2)
    small.wait_for_url("**temperature=0.79**")
    rest(small)
    again = enter(context.new_page(), small.url)    # a tab is a session of its own
    assert model(again) == model(small)
    again.close()


def test_back_from_another_page_everything_stands_as_it_was_left(small):
    slide(small, "Temperature", "ArrowRight", 2)
    small.wait_for_url("**temperature=0.79**")
    small.mouse.click(*spot(small, 2, 2))
    small.get_by_text("The pinned patch (row 3, column 3)").wait_for()
    small.get_by_role("link", name="Who sees whom").click()
    small.get_by_test_id("stSidebar").get_by_text("Temperature").wait_for(state="detached")
    small.get_by_role("link", name="Concentrate").click()
    small.get_by_test_id("stSidebar").get_by_text("Temperature").wait_for()
    small.wait_for_function(FIND)
    rest(small)
    assert model(small)["grid"] == [1, 14, 14] and "temperature=0.79" in small.url
    _, y, x = Grid(1, 14, 14).place(state(small)["query"])
    assert f"The pinned patch (row {y + 1}, column {x + 1})" in small.inner_text("body")


def test_a_bad_address_gets_a_sentence_and_no_picture_from_elsewhere(page, explorer_url):
    enter(page, explorer_url + "?patches=14&source=![x](http://example.org/x.png)&seed=-5")
    warnings = page.get_by_test_id("stAlert").all_inner_texts()
    assert len(warnings) == 2 and all("has no effect" in text for text in warnings)
    assert model(page)["title"] == clips.photograph("chelsea").title and not page.problems


def test_two_visitors_do_not_mix(chromium, small, explorer_url):
    context = chromium.new_context()
    other = enter(context.new_page(), explorer_url + "?patches=14&source=coffee")
    before = model(other)
    small.mouse.click(*spot(small, 0, 0))
    small.get_by_text("The pinned patch (row 1, column 1)").wait_for()
    slide(small, "Temperature", "ArrowRight")
    rest(small)
    other.mouse.click(*spot(other, 13, 13))
    other.get_by_text("The pinned patch (row 14, column 14)").wait_for()
    assert model(other) == before and state(other)["query"] == 195 and state(small)["query"] == 0
    assert "The pinned patch (row 1, column 1)" in small.inner_text("body")
    context.close()


def test_no_request_leaves_this_machine(page, explorer_url):
    asked = []
    with listening(page, "request", lambda request: asked.append(request.url)):
        enter(page, explorer_url + SMALL)
    assert asked and all(url.startswith((explorer_url, "blob:", "data:")) for url in asked)
    assert not page.problems
