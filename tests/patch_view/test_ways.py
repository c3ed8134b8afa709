"""Ways to look: less the first panel, a line around what holds a share, brightness, bars of frames, the motion."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from linviz import Grid, clips
from linviz.concentration import support

from .harness import FRAMES, blob, empty, gated, move, panel, show, state, uniform

CLIP = Grid(3, 4, 5)
PIXEL = """([p, y, x]) => {
  const c = view.model && document.getElementById("view").shadowRoot.querySelectorAll(".main canvas")[p];
  return [...c.getContext("2d").getImageData((x + .5) / 5 * c.width | 0, (y + .5) / 4 * c.height | 0, 1, 1).data];
}"""


def clip(**options) -> bytes:
    panels = [panel(uniform(60), "even", "content-free"), panel(gated(60, 4), "gated"), panel(uniform(60), "even, too")]
    return blob(panels, CLIP, query=7, **options)


def pixel(page, n: int, y: int, x: int) -> list[int]:
    return page.evaluate(PIXEL, [n, y, x])


def path(page, n: int) -> str:
    return page.locator(".main .held").nth(n).locator("path").first.get_attribute("d") or ""


def test_the_fewest_keys_are_those_of_the_library(page):
    empty(page)
    rows = torch.rand(40, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64) ** 3
    rows[0], rows[1, 1:] = 1, 0  # all alike, and one alone
    rows /= rows.sum(-1, keepdim=True)
    for share in (0.05, 0.5, 0.9, 0.95):
        asked = [rows.tolist(), share]
        held = np.array(page.evaluate("([rows, share]) => rows.map(r => [...fewest(r, share)])", asked))
        assert held.sum(-1).tolist() == support(rows, share).tolist()
        assert ((rows.numpy() * held).sum(-1) >= share - 1e-9).all()
        left, right = np.where(held, 0, rows.numpy()).max(-1), np.where(held, rows.numpy(), 1).min(-1)
        assert (left <= right).all(), "a heavier key was left out"
    assert sum(page.evaluate("[...fewest([0, 0], .5), ...fewest([1, 2], 0)]")) == 0


def test_a_line_goes_around_them_on_every_frame(page):
    show(page, clip())
    assert path(page, 0) == ""
    move(page, share=0.5)
    held = page.evaluate("[...fewest(view.row(1, 7), .5)]")
    frames = [page.locator(".panel").nth(1).locator(".strip .held").nth(t).locator("path").first.get_attribute("d")
              for t in range(3)]
    assert sum(held) > 0 and [bool(d) for d in frames] == [any(held[20 * t:20 * t + 20]) for t in range(3)]
    assert path(page, 1) == frames[0]
    page.locator(".ways summary").click()
    assert page.locator(".ways label b").inner_text() == "50 %"


def test_the_difference_is_that_from_the_first_panel(page):
    show(page, clip(mode="difference"))
    assert page.locator(".less").all_inner_texts() == ["", "minus even", "minus even"]
    assert page.locator(".sign").inner_text() == "orange: more than even, blue: less"
    drawn = [page.locator(".main").nth(n).get_attribute("class") for n in range(3)]
    assert ["signed" in names for names in drawn] == [False, True, True]
    assert pixel(page, 2, 1, 1)[:3] == pytest.approx([247, 247, 247], abs=2), "nothing is not white"
    row = page.evaluate("[...view.row(1, 7)]")
    more, less = int(np.argmax(row[:20])), int(np.argmin(row[:20]))
    r, _, b, _ = pixel(page, 1, *divmod(more, 5))
    assert row[more] > 1 / 60 and r > b + 10, "more than the first is not orange"
    r, _, b, _ = pixel(page, 1, *divmod(less, 5))
    assert row[less] < 1 / 60 and b > r + 10, "less than the first is not blue"
    show(page, blob([panel(uniform(60))], CLIP, mode="difference"))
    assert page.locator(".seg button:visible", has_text="difference").count() == 0


def test_brightness_has_three_scales(page):
    white = {}
    for tone in ("linear", "root", "log"):
        show(page, clip(tone=tone))
        white[tone] = pixel(page, 0, 1, 1)[0]
        page.locator(".ways summary").click()
        pressed = page.locator(".ways [aria-pressed=true]")
        assert pressed.evaluate_all("all => all.map(b => b.dataset.value)") == [tone] and pressed.is_visible()
    a = 1 / 12  # of full light: an even row under an exposure of twelve times the share
    lit = {"linear": a, "root": a ** 0.6, "log": 1 + np.log10(a) / 3}
    for tone, e in lit.items():  # red on white: 0.35 x 0.92 at night, 1 by day, and the lamp
        assert white[tone] == pytest.approx(255 * (1 - (1 - (1 - e) * 0.322 - e) * (1 - 0.45 * a)), abs=2)


def test_bars_of_frames_are_shares_of_one(page):
    show(page, clip())
    for n in range(3):
        bars = page.locator(".panel").nth(n).locator(".strip .share i")
        shares = bars.evaluate_all("all => all.map(e => new DOMMatrix(getComputedStyle(e).transform).a)")
        rows = np.array(page.evaluate("n => [...view.row(n, 7)]", n)).reshape(3, 20).sum(-1)
        assert shares == pytest.approx(rows / rows.sum(), abs=1e-5)


def test_the_query_goes_with_its_patch(page):
    tracks = torch.full((60, 3), -1)
    tracks[7] = torch.tensor([7, 28, 49])
    tracks[28], tracks[49] = tracks[7], torch.tensor([-1, 28, 49])
    show(page, clip(tracks=tracks))
    move(page, frame=1)
    assert state(page)["query"] == 7, "it goes though nobody asked"
    page.locator(".ways summary").click()
    follow = page.locator("text=follow the motion")
    assert follow.get_attribute("aria-pressed") == "false"
    follow.click()
    page.evaluate(FRAMES)  # buttons are drawn with the next frame
    assert follow.get_attribute("aria-pressed") == "true"
    move(page, frame=0)
    for frame, query in ((1, 28), (2, 49), (0, 49)):  # from there nobody knows the way back to the first
        page.locator(".panel").first.locator(".strip button").nth(frame).click()
        page.evaluate(FRAMES)
        assert state(page)["query"] == query and state(page)["frame"] == frame
    assert page.evaluate("said.at(-1)[0].follow") is True
    show(page, clip())
    page.locator(".ways summary").click()
    assert page.locator("text=follow the motion").evaluate_all("all => all.map(b => b.hidden)") == [True]
    assert page.locator(".ways input").is_visible() and page.locator("text=follow the motion").is_hidden()


def test_what_cannot_be_asked_is_refused():
    for wrong, said in (({"share": 1.0}, "from 0 to 0.95"), ({"tone": "loud"}, "root, linear, log"),
                        ({"mode": "dark"}, "heat, difference"),
                        ({"tracks": torch.zeros(60, 2)}, r"\(60, 3\)"),
                        ({"tracks": torch.full((60, 3), 60)}, "60 to 60")):
        with pytest.raises(ValueError, match=said):
            clip(**wrong)


def test_tracks_are_packed_as_the_library_gives_them(page):
    grid = Grid(4, 14, 14)
    pan = clips.load("pan", frames=4)
    show(page, blob([panel(uniform(len(grid)))], grid, tracks=clips.token_tracks(pan, grid)))
    sent = page.evaluate("[...view.model.tracks.data]")
    assert sent == clips.token_tracks(pan, grid).flatten().tolist()
