"""One's own files in Chromium, as a visitor brings them: a clip, a text that is none, an upright clip, a photograph."""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.clips import files

from .browser import FIND, enter, model, rest, row, state, table
from .test_own_file import BAD

SAYS = """name => [...document.querySelectorAll("[data-testid=stAlert], p:has(> strong:first-child)")]
    .filter(e => e.innerText.startsWith(name)).map(e => e.innerText)"""


def test_a_visit_with_files_of_one_s_own(page, chromium, explorer_url):
    enter(page, explorer_url + "?patches=14&specs=softmax,relu_floor")
    page.get_by_role("combobox", name="Photograph or clip").click()
    page.get_by_role("option", name="Your own: bring a file").click()
    page.get_by_text("stays in the memory of this visit").wait_for()
    chooser = page.locator("input[type=file]")

    def bring(name: str, data: bytes, grid: list[int]) -> None:
        chooser.set_input_files({"name": name, "mimeType": "", "buffer": data})
        page.wait_for_function("title => view().model.title === title", arg=name, timeout=60_000)
        assert model(rest(page))["grid"] == grid and f"source={name}%40" in page.url
        assert abs(row(page, 0, 5).sum() - 1) < 1e-5 and state(page)["frame"] == 0

    bring("clip.mp4", files.video(stamps=(0, 1, 2)), [3, 10, 14])
    assert page.get_by_text("all 3 frames (8 were asked for), 32 x 24, 0.3 s").is_visible()
    assert page.locator(".strip").first.locator("button").count() == 3
    page.get_by_text("mean attended time").first.wait_for()  # the table comes after the view
    assert "mean attended time (frames)" in table(page, 0)
    chooser.set_input_files({"name": "text.mp4", "mimeType": "", "buffer": b"To be, or not to be"})
    page.get_by_text("text.mp4 cannot be read: it is text").wait_for()
    assert model(rest(page))["title"] == "clip.mp4" and "source=clip.mp4%40" in page.url
    bring("upright.mov", files.video(kind="mov", stamps=(0, 1), wide=24, high=32), [2, 14, 10])
    assert not page.get_by_text("cannot be read").count(), "what was wrong with the last file is over"
    first, second = (page.locator(".main").nth(panel).bounding_box() for panel in range(2))
    assert first["y"] == second["y"] and first["height"] < 560, "upright pictures stand side by side, and fit"
    bring("phone.heic", files.heic(), [1, 10, 14])
    link = page.url
    page.wait_for_timeout(1100)  # who has just changed something goes nowhere for a second
    page.go_back()
    page.wait_for_function("view().model.title === 'upright.mov'", timeout=30_000)
    page.go_forward()
    page.wait_for_function("view().model.title === 'phone.heic'", timeout=30_000)
    sent = row(page, 1, 7).tolist()
    friend = chromium.new_context().new_page()
    friend.goto(link)
    friend.get_by_text("This link shows the file phone.heic").wait_for(timeout=60_000)
    friend.locator("input[type=file]").set_input_files({"name": "x.heic", "mimeType": "", "buffer": files.heic()})
    friend.wait_for_function(FIND, timeout=60_000)
    assert model(friend)["grid"] == [1, 10, 14] and row(friend, 1, 7).tolist() == sent
    friend.context.close()
    assert not page.problems


def flipped(data: bytes) -> bytes:
    """The same file with every bit of its second half turned."""
    middle = len(data) // 2
    return data[:middle] + bytes(255 - byte for byte in data[middle:])


def odd(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Files that are not what they should be, and can be shown all the same: by name, with what is said of them."""
    one = "one picture, 32 x 24"
    return {"../../x.png": (files.still("PNG"), one), "really.mp4": (files.still("PNG"), one),
            "dot.png": (files.still("PNG", np.array([[[9, 9, 9]]], np.uint8)), "one picture, 1 x 1"),
            "one.gif": (files.animated("GIF", 1), one),
            "rate.mov": (files.video(kind="mov", stamps=(0, 1, 2, 30)), "all 4 frames (8 were asked for)"),
            "cut.mp4": (files.faststart(files.video(), folder)[:-60], "is cut short after 7 of 10 frames"),
            "cut.gif": (files.animated("GIF")[:300], "is cut short after"),
            "cut.webm": (files.video("libvpx-vp9")[:-300], "is cut short after")}


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.nightly)])
def test_every_broken_file_that_a_browser_sends_gets_its_one_sentence(page, explorer_url, tmp_path, every):
    """One in five; all of them at night, and without a browser in test_own_file.py."""
    enter(page, explorer_url + "?source=own&patches=14&specs=softmax,relu_floor")
    chooser = page.locator("input[type=file]")

    def told(name: str, data: bytes) -> str:
        chooser.set_input_files({"name": name, "mimeType": "", "buffer": data})
        last = name.rpartition("/")[2]
        page.wait_for_function(f"name => ({SAYS})(name).length", arg=last, timeout=30_000)
        (sentence,) = set(page.evaluate(SAYS, last))
        return sentence

    for name, (data, says) in [*odd(tmp_path).items()][::-every][::-1]:
        assert says in told(name, data) and not page.get_by_test_id("stAlert").count(), name
        page.wait_for_function("title => view().model.title === title", arg=name.rpartition("/")[2], timeout=30_000)
    bad = BAD | {"flipped": lambda: flipped(files.faststart(files.video(), tmp_path))}
    for n, (what, make) in [*enumerate(bad.items())][::-every]:
        sentence = told(f"{n}.mp4", make())
        assert re.fullmatch(rf"{n}\.mp4 cannot be read: [^\n]+\.", sentence), what
        assert page.get_by_test_id("stAlert").count() == 1 and model(page)["title"] == "cut.webm", what
    assert not page.problems
