"""What a hand has done in the view, and what an address tells of it."""
from __future__ import annotations

from dataclasses import asdict

import pytest

from explorer.shared.hand import Hand
from linviz import Grid
from linviz.views import Look

CLIP = Grid(4, 7, 7)


def told(query: int, n: int = 1, **look: object) -> dict:
    """What the view sends."""
    return asdict(Look(**look)) | {"frame": look.get("frame", 0), "query": query, "n": n, "trail": [query]}


def came(**parameters: str) -> Hand:
    """A hand that an address has asked for something, the picture's own query being 60."""
    hand = Hand()
    hand.ask(parameters)
    hand.follow(None, CLIP, 60)
    return hand


def test_what_an_address_asks_the_view_is_asked_and_the_address_says_it_again():
    asked = {"query": "2,3,4", "mode": "difference", "tone": "log", "strength": "0.25", "own": "1", "share": "0.5",
             "follow": "1", "frame": "3"}
    hand = came(**asked)
    assert hand.query == CLIP.number(2, 3, 4) and not hand.said
    assert hand.look == Look("difference", "log", 0.25, True, 0.5, True, 3)
    assert {name: hand.wish[name] for name in ("query", "mode", "frame", "strength")} == {
        "query": hand.query, "mode": "difference", "frame": 3, "strength": 0.25}
    assert hand.told(CLIP, 60) == asked


def test_an_address_has_nothing_to_say_of_a_view_that_nobody_has_touched():
    assert came().told(CLIP, 60) == {} and came().query == 60


def test_what_is_done_by_hand_is_told_and_does_not_change_what_was_asked():
    """A blob that changes is sent again, and the view would follow its own echo."""
    hand = came(mode="heat")
    before = hand.wish
    hand.follow(told(75, mode="heat", share=0.5, frame=3), CLIP, 60)
    assert hand.wish is before
    assert hand.told(CLIP, 60) == {"query": "1,3,5", "mode": "heat", "share": "0.5", "frame": "3"}


@pytest.mark.parametrize("name, text", [
    ("query", "4,0,0"), ("query", "0,7,0"), ("query", "-1,0,0"), ("query", "1,2"), ("query", "ten"), ("query", ""),
    ("query", "0"), ("query", "٣,٣,٣"), ("query", "9" * 5000), ("mode", "sepia"), ("tone", "cube"), ("strength", "2"),
    ("strength", "nan"), ("share", "1"), ("own", "yes"), ("follow", "2"), ("frame", "-1"), ("frame", "1.5")])
def test_a_bad_word_has_no_effect_and_one_sentence(name, text):
    hand = came(**{name: text, "causal": "what another reads"})
    (sentence,) = hand.said
    assert sentence.startswith(f"{name}=") and "in the address has no effect: " in sentence and len(sentence) < 300
    assert hand.query == 60 and hand.look == Look() and not hand.told(CLIP, 60)


def test_another_picture_keeps_the_look_but_not_the_patch_nor_the_frame():
    hand = came()
    hand.follow(told(75, mode="heat", frame=2), CLIP, 60)
    small = Grid(1, 5, 5)
    assert hand.follow(told(75, mode="heat", frame=2), small, 12) == 12
    assert hand.wish["mode"] == "heat" and hand.wish["frame"] is None and hand.told(small, 12) == {"mode": "heat"}


def test_the_way_back_asks_again_and_what_the_view_told_before_is_not_heard():
    hand = came()
    last = told(75, mode="heat")
    hand.follow(last, CLIP, 60)
    tick = hand.wish["tick"]
    hand.ask({"query": "0,1,1"})
    assert hand.follow(last, CLIP, 60) == CLIP.number(0, 1, 1) and hand.look == Look() and hand.wish["tick"] > tick
    assert hand.follow(last, CLIP, 60) == CLIP.number(0, 1, 1)


def test_an_address_waits_for_a_file_that_is_not_there_yet():
    hand = Hand()
    hand.ask({"query": "0,1,1", "mode": "heat", "source": "own"})
    assert hand.kept == {"query": "0,1,1", "mode": "heat"}
    hand.follow(None, CLIP, 60)
    assert hand.query == 8


def test_a_token_before_the_picture_is_told_by_its_number():
    grid = Grid(1, 3, 3, prefix=2)
    hand = Hand()
    hand.ask({"query": "1"})
    assert hand.follow(None, grid, 6) == 1 and hand.told(grid, 6) == {"query": "1"}


def test_what_no_view_says_is_not_believed():
    hand = came()
    hand.follow(told(3), CLIP, 60)
    assert hand.follow(told(5, 2) | {"mode": "sepia"}, CLIP, 60) == 3 and hand.look.mode == "light"
