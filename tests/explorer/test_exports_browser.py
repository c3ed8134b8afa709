"""The hand's view in Chromium: the address opens it elsewhere, the way back undoes it, its files arrive whole."""
from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import av
import numpy as np
from PIL import Image

from linviz.views import Look
from linviz.views.export.bundle import unpack_bundle

from .browser import FIND, enter, rest, row, spot, state

ADDRESS = "?source=pan&frames=2&patches=14&steps=10"
KEEPS = ("query", "frame", "strength", "mode", "own", "share", "tone", "follow")
NAMES = {"Save view": ".linviz", "Web page": ".html", "Code": ".py", "PNG": ".png", "SVG": ".svg", "Film": ".mp4",
         "Key frames": ".zip",
         "CSV": ".csv", "JSON": ".json", "NPZ": ".npz"}


def told(page) -> dict:
    """What the view keeps of a hand."""
    return {name: state(page)[name] for name in KEEPS}


def elsewhere(chromium, url: str):
    """Somebody else, by a link."""
    return rest(enter(chromium.new_context().new_page(), url))


def touched(page, url: str):
    """The page after a hand: a pin, heat, another brightness, a line around half, the gate half on, frame 2."""
    enter(page, url + ADDRESS)
    page.mouse.click(*spot(page, 3, 11))
    page.get_by_role("button", name="heat", exact=True).click()
    page.get_by_text("More ways to look").click()
    page.get_by_role("button", name="log", exact=True).click()
    for label, key, times in (("share of the attention", "ArrowRight", 10), ("gate strength", "ArrowLeft", 50)):
        page.get_by_role("slider", name=label).focus()
        for _ in range(times):
            page.keyboard.press(key)
    page.get_by_role("button", name="frame 2").first.click()
    page.wait_for_url("**frame=1**")
    return rest(page)


def test_the_address_and_the_files_hold_what_a_hand_has_done(page, explorer_url, chromium, tmp_path):
    touched(page, explorer_url)
    assert re.search("query=0%2C3%2C11&mode=heat&tone=log&strength=0.5&share=0.5&frame=1", page.url), page.url
    friend = elsewhere(chromium, page.url)
    assert told(friend) == told(page) and friend.url == page.url
    assert row(friend, 2, state(page)["query"]).tolist() == row(page, 2, state(page)["query"]).tolist()

    files = downloaded(page, tmp_path)
    view, _ = unpack_bundle(files[".linviz"].read_bytes())
    assert view.query == (0, 3, 11) and view.look == Look("heat", "log", 0.5, False, 0.5, False, 1)
    assert Image.open(files[".png"]).size[0] > 900 and files[".svg"].read_text().count("<path") > 3
    with av.open(str(files[".mp4"])) as film:
        assert film.streams.video[0].frames == 4
    rows = list(csv.DictReader(io.StringIO(files[".csv"].read_text())))
    assert {r["spec"] for r in rows} == {"softmax", "relu_floor", "relu_floor+gate"}
    assert json.loads(files[".json"].read_text())["view"]["look"]["mode"] == "heat"
    with np.load(files[".npz"]) as weights:
        np.testing.assert_allclose(weights["softmax"], row(page, 0, state(page)["query"]), rtol=2e-3, atol=1e-6)
    compile(files[".py"].read_text(), "code", "exec")
    alone = chromium.new_context(offline=True).new_page()
    alone.goto(files[".html"].as_uri())
    alone.wait_for_function(FIND)
    assert told(alone) == told(page)
    alone.context.close()

    friend.goto(explorer_url + "?source=own")
    friend.locator("input[type=file]").set_input_files(str(files[".linviz"]))
    friend.wait_for_url(page.url, timeout=60_000)
    friend.wait_for_function(FIND)
    assert told(rest(friend)) == told(page) and friend.url == page.url
    friend.context.close()
    assert not page.problems


def downloaded(page, folder: Path) -> dict[str, Path]:
    """Every file that the page offers, by its ending."""
    page.get_by_text("Save and export").click()
    out = {}
    for name, ending in NAMES.items():
        with page.expect_download(timeout=60_000) as coming:
            page.get_by_role("button", name=name, exact=True).click()
        out[ending] = folder / coming.value.suggested_filename
        coming.value.save_as(out[ending])
        assert out[ending].name == f"linviz-pan{ending}" and out[ending].stat().st_size > 500
    page.keyboard.press("Escape")
    return out


def test_the_way_back_undoes_what_the_hand_has_done(page, explorer_url):
    enter(page, explorer_url + "?patches=14")
    before = told(page)
    page.mouse.click(*spot(page, 3, 11))
    page.wait_for_url("**query=0%2C3%2C11**")
    page.wait_for_timeout(1100)  # who has just changed something goes nowhere for a second
    page.get_by_role("button", name="heat", exact=True).click()
    page.wait_for_url("**mode=heat**")
    page.wait_for_timeout(1100)
    page.go_back()
    page.wait_for_function("view().state.mode === 'light' && view().state.query === 53")
    page.go_back()
    page.wait_for_function(f"view().state.query === {before['query']}")
    assert told(page) == before
    page.go_forward()
    page.go_forward()
    page.wait_for_function("view().state.mode === 'heat' && view().state.query === 53")
    assert not page.problems
