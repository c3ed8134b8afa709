"""What a visitor has done in the live view, and what the URL says about it."""
from __future__ import annotations

from dataclasses import asdict

import pytest

from explorer.shared.live_state import LiveState
from linviz import Grid
from linviz.views import Look, View

CLIP = Grid(4, 7, 7)


def message(query: int, n: int = 1, **look: object) -> dict:
    """What the view sends."""
    return asdict(Look(**look)) | {"frame": look.get("frame", 0), "query": query, "n": n, "trail": [query]}


BASE = View("pan", patches=7, frames=4)


def came(**parameters: str) -> tuple[LiveState, list[str]]:
    """The view that a URL has asked for something, the picture's own query being 60; and what could not be used."""
    found, problems = View.from_parameters(parameters, BASE)
    live = LiveState(Look())
    live.ask(found.query, found.look)
    live.follow(None, CLIP, 60)
    return live, problems


def in_url(live: LiveState, grid: Grid = CLIP, own: int = 60) -> dict[str, str]:
    """What the URL says about it."""
    return BASE.with_values(**live.values(grid, own)).to_parameters(BASE)


def test_what_a_url_asks_the_view_is_asked_and_the_url_says_it_again():
    asked = {"query": "2,3,4", "mode": "difference", "tone": "log", "strength": "0.25", "own": "1", "share": "0.5",
             "follow": "1", "frame": "3"}
    live, problems = came(**asked)
    assert live.query == CLIP.number(2, 3, 4) and not problems and not live.problems
    assert live.look == Look("difference", "log", 0.25, True, 0.5, True, 3)
    assert {name: live.words[name] for name in ("query", "mode", "frame", "strength")} == {
        "query": live.query, "mode": "difference", "frame": 3, "strength": 0.25}
    assert in_url(live) == asked


def test_a_url_has_nothing_to_say_of_a_view_that_nobody_has_touched():
    live, _ = came()
    assert in_url(live) == {} and live.query == 60


def test_what_a_visitor_does_stands_in_the_url_and_does_not_change_what_was_asked():
    """A blob that changes is sent again, and the view would follow its own echo."""
    live, _ = came(mode="heat")
    before = live.words
    live.follow(message(75, mode="heat", share=0.5, frame=3), CLIP, 60)
    assert live.words is before
    assert in_url(live) == {"query": "1,3,5", "mode": "heat", "share": "0.5", "frame": "3"}


@pytest.mark.parametrize("name, text", [
    ("query", "4,0,0"), ("query", "0,7,0"), ("query", "-1,0,0"), ("query", "1,2,3,4"), ("query", "ten"), ("query", ""),
    ("query", "0"), ("query", "٣,٣,٣"), ("query", "9" * 5000), ("mode", "sepia"), ("tone", "cube"), ("strength", "2"),
    ("strength", "nan"), ("share", "1"), ("own", "yes"), ("follow", "2"), ("frame", "-1"), ("frame", "1.5")])
def test_a_bad_word_has_no_effect_and_one_sentence(name, text):
    live, problems = came(**{name: text, "causal": "1"})
    (sentence,) = problems + live.problems
    assert "query" in sentence if name == "query" else sentence.startswith(f"{name}=") and len(sentence) < 300
    assert live.query == 60 and live.look == Look() and not in_url(live)


def test_another_picture_keeps_the_look_but_not_the_patch_nor_the_frame():
    live, _ = came()
    live.follow(message(75, mode="heat", frame=2), CLIP, 60)
    small = Grid(1, 5, 5)
    assert live.follow(message(75, mode="heat", frame=2), small, 12) == 12
    assert live.words["mode"] == "heat" and live.words["frame"] is None and in_url(live, small, 12) == {"mode": "heat"}


def test_the_way_back_asks_again_and_what_the_view_told_before_is_not_heard():
    live, _ = came()
    last = message(75, mode="heat")
    live.follow(last, CLIP, 60)
    tick = live.words["tick"]
    live.ask((0, 1, 1), Look())
    assert live.follow(last, CLIP, 60) == CLIP.number(0, 1, 1) and live.look == Look() and live.words["tick"] > tick
    assert live.follow(last, CLIP, 60) == CLIP.number(0, 1, 1)


def test_an_address_waits_for_a_file_that_is_not_there_yet():
    live = LiveState(Look())
    live.ask((0, 1, 1), Look("heat"))
    assert live.waiting
    live.follow(None, CLIP, 60)
    assert live.query == 8


def test_a_token_before_the_picture_is_told_by_its_number():
    grid = Grid(1, 3, 3, prefix=2)
    live = LiveState(Look())
    live.ask((1,), Look())
    assert live.follow(None, grid, 6) == 1 and in_url(live, grid, 6) == {"query": "1"}


def test_what_no_view_says_is_not_believed():
    live, _ = came()
    live.follow(message(3), CLIP, 60)
    assert live.follow(message(5, 2) | {"mode": "sepia"}, CLIP, 60) == 3 and live.look.mode == "light"
