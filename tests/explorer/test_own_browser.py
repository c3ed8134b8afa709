"""One's own files in Chromium, as a visitor brings them: a clip, a text that is none, an upright clip, a photograph."""
from __future__ import annotations

from tests.clips import files

from .browser import FIND, enter, model, rest, row, state, table


def test_a_visit_with_files_of_one_s_own(page, chromium, explorer_url):
    enter(page, explorer_url + "?patches=14&maps=softmax,relu_floor")
    page.get_by_role("combobox", name="Photograph or clip").click()
    page.get_by_role("option", name="Your own: bring a file").click()
    page.get_by_text("stays in the memory of this visit").wait_for()
    chooser = page.locator("input[type=file]")

    def bring(name: str, data: bytes, grid: list[int]) -> None:
        chooser.set_input_files({"name": name, "mimeType": "", "buffer": data})
        page.wait_for_function("title => view().model.title === title", arg=name, timeout=60_000)
        assert model(rest(page))["grid"] == grid and f"file={name}" in page.url
        assert abs(row(page, 0, 5).sum() - 1) < 1e-5 and state(page)["frame"] == 0

    bring("clip.mp4", files.video(stamps=(0, 1, 2)), [3, 10, 14])
    assert page.get_by_text("all 3 frames (8 were asked for), 32 x 24, 0.3 s").is_visible()
    assert page.locator(".strip").first.locator("button").count() == 3
    assert "mean attended time (frames)" in table(page, 0)
    chooser.set_input_files({"name": "text.mp4", "mimeType": "", "buffer": b"To be, or not to be"})
    page.get_by_text("text.mp4 cannot be read: it is text").wait_for()
    assert model(rest(page))["title"] == "clip.mp4" and "file=clip.mp4" in page.url
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
