"""Which patch is pinned: what the view says, but nothing it said of another picture."""
from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from explorer.concentrate.visit import GATHER, Visit
from linviz import Grid


def picture(query: int, side: int = 14) -> SimpleNamespace:
    """As much of a scene as a pin needs: its grid, and where to look from first."""
    return SimpleNamespace(grid=Grid(1, side, side), query=query)


def pin(query: int, n: int = 1) -> dict:
    """What the view sends."""
    return {"query": query, "n": n, "trail": [query], "frame": 0}


def test_before_any_pin_it_is_the_pictures_own_query():
    assert Visit().follow(None, picture(90)) == 90


def test_a_pin_is_followed_until_the_next():
    visit, here = Visit(), picture(90)
    visit.follow(None, here)
    assert [visit.follow(pin(3), here), visit.follow(pin(3), here), visit.follow(pin(4, 2), here)] == [3, 3, 4]


@pytest.mark.parametrize("there", [picture(91), picture(90, side=20)], ids=["another query", "another grid"])
def test_after_a_change_of_picture_an_old_pin_is_not_heard_and_a_new_one_is(there):
    visit, here = Visit(), picture(90)
    visit.follow(None, here)
    visit.follow(pin(3), here)
    assert [visit.follow(pin(3), there), visit.follow(pin(3), there), visit.follow(pin(7, 2), there)] == [
        there.query, there.query, 7]


def test_another_picture_of_the_same_grid_and_query_keeps_the_pin_as_the_view_does():
    visit = Visit()
    visit.follow(None, picture(90))
    visit.follow(pin(3), picture(90))
    assert visit.follow(pin(3), picture(90)) == 3


def test_a_view_that_was_made_anew_stands_where_it_was_left_and_can_be_pinned_there_again():
    """As after another page: the browser knows nothing any more, so it is asked for the pin once."""
    visit, here = Visit(), picture(90)
    visit.follow(None, here)
    visit.follow(pin(3), here)
    before = visit.live.words
    assert visit.follow(None, here) == 3 and before["query"] == 90
    wish = visit.live.words
    assert wish["query"] == 3 and wish["tick"] > before["tick"]
    assert visit.follow(None, here) == 3 and visit.live.words is wish
    assert visit.follow(pin(90), here) == 90 and visit.follow(pin(3), here) == 3


def test_a_pin_outside_the_grid_is_not_believed():
    visit, here = Visit(), picture(90)
    visit.follow(None, here)
    assert visit.follow(pin(5000), here) == 90 and visit.follow(pin(-1), here) == 90


def test_reset_forgets_the_pin_and_asks_for_a_new_view():
    visit, here = Visit(), picture(90)
    visit.follow(None, here)
    visit.follow(pin(3), here)
    visit.reset()
    assert visit.round == 1 and visit.follow(None, here) == 90


def test_readings_that_end_one_after_the_other_are_shown_together_and_fits_at_once():
    def on_the_way(**over: bool) -> Visit:
        one = Visit()
        one.jobs.jobs = {name: SimpleNamespace(over=there) for name, there in over.items()}
        one.fits, one._drawn = ["fit"], time.monotonic()
        return one
    assert not Visit().due and not on_the_way(mean=False).due and on_the_way(mean=True).due
    assert not (half := on_the_way(mean=True, spectrum=False)).due and on_the_way(fit=True, mean=False).due
    half._drawn -= GATHER
    assert half.due
