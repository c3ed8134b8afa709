"""A view is exported as it is looked at: mode, tone, exposure, line, strength, the frame and the walking query."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from linviz.patch_view import still, unpack
from linviz.views import Look, View
from linviz.views.export import painting, pictures, sheet
from linviz.views.export.film import frames
from linviz.views.export.table import numbers
from linviz.views.export.web_page import page


def looked(opened, **look):
    """The same opened view, looked at in another way."""
    return replace(opened, view=replace(opened.view, look=Look(**look)))


def drawn(opened, kind, **look):
    """What of a kind stands on its sheet."""
    return [item for item in pictures.drawn(looked(opened, **look)).items if isinstance(item, kind)]


def first(opened, **look):
    """The first panel's picture as numbers."""
    return np.asarray(drawn(opened, sheet.Picture, **look)[0].image, dtype=float)


@pytest.mark.parametrize("look", [{"mode": "heat"}, {"tone": "linear"}, {"tone": "log"}, {"own": True}])
def test_another_look_is_another_picture(photo, look):
    assert np.abs(first(photo, **look) - first(photo)).mean() > 1


def test_a_difference_is_signed_and_says_from_what(photo):
    page_ = pictures.drawn(looked(photo, mode="difference"))
    words = " ".join(item.text for item in page_.items if isinstance(item, sheet.Words))
    assert f"minus {photo.titles[0]}" in words and "orange is more, blue is less" in words
    assert painting.base(photo, photo.shown[0]) is None
    other = looked(photo, mode="difference")
    weights, signed, _ = painting.weighed(other, photo.shown[-1])
    row, base = (painting.row_of(photo, shown) for shown in (photo.shown[-1], photo.shown[0]))
    assert signed and torch.equal(weights, row - base) and abs(weights.sum()) < 1e-5


def test_a_signed_map_has_no_difference(moving):
    signed = next(shown for shown in moving.shown if shown.spec == "factorized")
    assert painting.base(moving, signed) is None


def test_the_line_goes_around_exactly_the_patches_that_hold_the_share(photo):
    shown = photo.shown[0]
    marks = painting.held(looked(photo, share=0.5), shown)
    row = painting.row_of(photo, shown)
    assert row[marks.flatten()].sum() >= 0.5 > row.sort(descending=True).values[:int(marks.sum()) - 1].sum()
    assert not painting.held(photo, shown).any() and not drawn(photo, sheet.Lines)
    lines = drawn(photo, sheet.Lines, share=0.5)
    assert [len(one.ends) for one in lines] == [
        len(painting.outline(painting.held(looked(photo, share=0.5), shown)[0])) for shown in photo.shown]


def test_the_line_is_there_in_both_prints(photo):
    page_ = pictures.drawn(looked(photo, share=0.5))
    assert sheet.svg_text(page_).count("<path") == 2 * len(photo.shown)
    yellow = np.asarray(sheet.pixels(page_)).reshape(-1, 3)
    assert (yellow == [0xFF, 0xD8, 0x4D]).all(1).sum() > 100


def test_pictures_show_the_gates_strength_and_numbers_stay_those_of_the_fit(photo):
    half, none = (looked(photo, strength=s) for s in (0.5, 0.0))
    assert numbers(half) == numbers(photo)
    plain = painting.row_of(photo, next(s for s in photo.shown if s.spec == "relu_floor"))
    torch.testing.assert_close(painting.row_of(none.turned, none.turned.shown[-1]), plain, rtol=1e-4, atol=1e-7)
    entropy = [painting.told(one.turned, one.turned.shown[-1])[0]["entropy"] for one in (photo, half, none)]
    assert entropy[0] < entropy[1] < entropy[2]
    assert "Gates stand at strength 0.50" in pictures.looked(half)


def test_the_page_opens_with_the_same_look(moving):
    import base64
    import re
    look = Look("heat", "log", 0.5, True, 0.25, True, 1)
    blob = re.search(r'id="blob">([^<]+)<', page(replace(moving, view=replace(moving.view, look=look))))
    asked = unpack(base64.b64decode(blob[1]))["set"]
    assert {name: asked[name] for name in ("mode", "tone", "strength", "own", "share", "follow", "frame")} == {
        "mode": "heat", "tone": "log", "strength": 0.5, "own": True, "share": 0.25, "follow": True, "frame": 1}


def test_a_film_follows_the_query_where_motion_is_known(monkeypatch):
    opened = View("crossing", patches=14, frames=3, temperature=1.0, specs=("softmax",)).open()
    tracks = opened.tracks[opened.query]
    assert len(set(tracks.tolist())) > 1, "the object moves"
    asked = []
    monkeypatch.setattr("linviz.views.export.film.panel", lambda page, kept, *more: asked.append(kept.query))
    monkeypatch.setattr("linviz.views.export.film.pixels", lambda *page, **how: None)
    list(frames(looked(opened, follow=True)))
    assert asked == [int(t) if t >= 0 else opened.query for t in tracks]
    asked.clear()
    list(frames(opened))
    assert asked == [opened.query] * 3


@pytest.mark.parametrize("wrong", [{"mode": "sepia"}, {"tone": 3}, {"tone": []}, {"strength": 1.5}, {"strength": True},
                                   {"strength": "1"}, {"share": float("nan")}, {"own": 1}, {"frame": -1},
                                   {"frame": 1.0}, {"colour": "red"}])
def test_a_look_that_is_none_is_refused_in_one_sentence(wrong):
    told = View("coffee").told()
    told["view"]["look"] |= wrong
    with pytest.raises(ValueError, match="got ") as error:
        View.read(told)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200
    with pytest.raises(ValueError, match="strength takes a number from 0 to 1; got 1.5"):
        Look(strength=1.5)


def test_brightness_is_the_live_views_in_every_tone():
    """look.js: e = tone(min(1, |a| gain)); log shows three decades."""
    x = torch.tensor([0.0, 1e-4, 1e-3, 0.01, 0.25, 1.0, 7.0])
    for tone, want in (("root", [0, 0.01, 0.0316228, 0.1, 0.5, 1, 1]), ("linear", [0, 1e-4, 1e-3, 0.01, 0.25, 1, 1]),
                       ("log", [0, 0, 0, 1 / 3, 1 - 0.60206 / 3, 1, 1])):
        assert still.bright(x, 1.0, tone).tolist() == pytest.approx(want, abs=1e-5)
