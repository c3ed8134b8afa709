"""A view is exported as it is looked at: mode, tone, exposure, line, strength, the frame and the walking query."""
from __future__ import annotations

import base64
import io
import json
import re
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from linviz import Grid
from linviz.patch_view import unpack
from linviz.patch_view.light import brightness
from linviz.reading import read
from linviz.views import Look, View, open_view
from linviz.views.export import painting, panel_pictures, sheet
from linviz.views.export.film import film_frames
from linviz.views.export.table import numbers_csv, numbers_json, view_numbers, weights_npz
from linviz.views.export.web_page import view_page
from linviz.views.panel_steps import weaken_panel
from tests.patch_view.harness import blob, panel, show, uniform
from tests.views.test_code import held


def looked(opened, **look):
    """The same view with another look, its panels at the strength of the look."""
    panels = tuple(weaken_panel(panel, Look(**look)) for panel in opened.fitted_panels)
    return replace(opened, view=replace(opened.view, look=Look(**look)), panels=panels)


def drawn(opened, kind, **look):
    """What of a kind stands on its sheet."""
    return [item for item in panel_pictures.draw_sheet(looked(opened, **look)).items if isinstance(item, kind)]


def first(opened, **look):
    """The first panel's picture as numbers."""
    return np.asarray(drawn(opened, sheet.Picture, **look)[1].image, dtype=float)


@pytest.mark.parametrize("look", [{"mode": "heat"}, {"tone": "linear"}, {"tone": "log"}, {"own": True}])
def test_another_look_is_another_picture(photo, look):
    assert np.abs(first(photo, **look) - first(photo)).mean() > 1


def test_a_difference_is_signed_and_says_from_what(photo):
    page_ = panel_pictures.draw_sheet(looked(photo, mode="difference"))
    words = " ".join(item.text for item in page_.items if isinstance(item, sheet.Words))
    assert f"minus {photo.titles[0]}" in words and "orange is more, blue is less" in words
    assert painting.baseline_panel(photo, photo.panels[0]) is None
    other = looked(photo, mode="difference")
    weights, signed, _ = painting.painted_weights(other, photo.panels[-1])
    row, base = (painting.panel_row(photo, shown) for shown in (photo.panels[-1], photo.panels[0]))
    assert signed and torch.equal(weights, row - base) and abs(weights.sum()) < 1e-5


def test_a_still_names_the_frame_it_shows(moving, photo):
    words = [item.text for item in drawn(moving, sheet.Words, frame=2)]
    assert words.count("frame 3 of 3") == len(moving.panels)
    assert not any(item.text.startswith("frame") for item in drawn(photo, sheet.Words))


def test_a_signed_map_has_no_difference(moving):
    signed = next(shown for shown in moving.panels if shown.spec == "factorized")
    assert painting.baseline_panel(moving, signed) is None


def test_the_line_goes_around_exactly_the_patches_that_hold_the_share(photo):
    shown = photo.panels[0]
    marks = painting.share_marks(looked(photo, share=0.5), shown)
    row = painting.panel_row(photo, shown)
    assert row[marks.flatten()].sum() >= 0.5 > row.sort(descending=True).values[:int(marks.sum()) - 1].sum()
    assert not painting.share_marks(photo, shown).any() and not drawn(photo, sheet.Lines)
    lines = drawn(photo, sheet.Lines, share=0.5)
    assert [len(one.ends) for one in lines] == [
        len(painting.mark_edges(painting.share_marks(looked(photo, share=0.5), shown)[0])) for shown in photo.panels]


def test_the_line_is_there_in_both_prints(photo):
    page_ = panel_pictures.draw_sheet(looked(photo, share=0.5))
    assert sheet.sheet_svg(page_).count("<path") == 2 * len(photo.panels)
    yellow = np.asarray(sheet.sheet_image(page_)).reshape(-1, 3)
    assert (yellow == [0xFF, 0xD8, 0x4D]).all(1).sum() > 100


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_pictures_and_numbers_are_those_at_the_gates_strength(photo, strength):
    """By hand: the fitted gate's logits are multiplied by the strength. Every kind of file says the same."""
    opened, (_, _, fitted) = looked(photo, strength=strength), photo.panels
    mechanism = deepcopy(fitted.reading.mechanism)
    mechanism.gate.scale(strength)
    want = read(mechanism, photo.tokens.q, photo.tokens.k, photo.tokens.v)
    [row, bits] = want.map.rows(torch.tensor([photo.query]))[0, 0, 0], want.entropy[0, 0]
    assert abs(bits[photo.query] - fitted.reading.entropy[0, 0, photo.query]) > 0.01, "the strength changes the number"
    torch.testing.assert_close(painting.panel_row(opened, opened.panels[-1]), row)
    table = pd.read_csv(io.StringIO(numbers_csv(opened)))
    entropy = table[(table.spec == "relu_floor+gate") & (table.measure == "entropy")].iloc[0]
    assert set(table.strength) == {strength}
    assert (entropy.patch, entropy["mean"]) == pytest.approx((bits[photo.query].item(), bits.mean().item()), rel=1e-5)
    told = json.loads(numbers_json(opened))
    assert told["view"]["look"]["strength"] == strength
    assert told["mechanisms"][-1]["patch"]["entropy"] == pytest.approx(entropy.patch, rel=1e-6)
    np.testing.assert_allclose(np.load(io.BytesIO(weights_npz(opened)))["relu_floor+gate"], row, rtol=1e-5)
    assert held(opened) == [], "the code prints the numbers of the table"
    assert f"Gates stand at strength {strength:.2f}" in panel_pictures.look_sentences(opened)


def test_without_strength_a_gate_is_none_and_between_it_is_between(photo):
    half, none = (looked(photo, strength=s) for s in (0.5, 0.0))
    plain = painting.panel_row(photo, next(panel for panel in photo.panels if panel.spec == "relu_floor"))
    torch.testing.assert_close(painting.panel_row(none, none.panels[-1]), plain, rtol=1e-4, atol=1e-7)
    entropy = [painting.panel_statistics(one, one.panels[-1])[0]["entropy"] for one in (photo, half, none)]
    assert entropy[0] < entropy[1] < entropy[2]


def test_a_view_opens_at_its_strength_and_keeps_the_fit(photo):
    opened = open_view(photo.view.with_values(strength=0.5))
    assert view_numbers(opened) == view_numbers(looked(photo, strength=0.5)) != view_numbers(photo)
    fitted = replace(opened, panels=opened.fitted_panels)
    assert view_numbers(fitted) == view_numbers(photo)
    assert [one.map for one in opened.live_panels] == [one.map for one in opened.fitted_panels], "it turns gates itself"


def test_the_page_opens_with_the_same_look(moving):
    look = Look("heat", "log", 0.5, True, 0.25, True, 1)
    blob = re.search(r'id="blob">([^<]+)<', view_page(replace(moving, view=replace(moving.view, look=look))))
    asked = unpack(base64.b64decode(blob[1]))["set"]
    assert {name: asked[name] for name in ("mode", "tone", "strength", "own", "share", "follow", "frame")} == {
        "mode": "heat", "tone": "log", "strength": 0.5, "own": True, "share": 0.25, "follow": True, "frame": 1}


def test_a_film_follows_the_query_where_motion_is_known(monkeypatch):
    opened = open_view(View("crossing", patches=14, frames=3, temperature=1.0, specs=("softmax",)))
    tracks = opened.tracks[opened.query]
    assert len(set(tracks.tolist())) > 1, "the object moves"
    asked = []
    monkeypatch.setattr("linviz.views.export.film.add_panel", lambda page, kept, *more: asked.append(kept.query))
    monkeypatch.setattr("linviz.views.export.film.sheet_image", lambda *page, **how: None)
    list(film_frames(looked(opened, follow=True)))
    assert asked == [int(t) if t >= 0 else opened.query for t in tracks]
    asked.clear()
    list(film_frames(opened))
    assert asked == [opened.query] * 3


@pytest.mark.parametrize("wrong", [{"mode": "sepia"}, {"tone": 3}, {"tone": []}, {"strength": 1.5}, {"strength": True},
                                   {"strength": "1"}, {"share": float("nan")}, {"own": 1}, {"frame": -1},
                                   {"frame": 1.0}, {"colour": "red"}])
def test_a_look_that_is_none_is_refused_in_one_sentence(wrong):
    told = View("coffee").to_json()
    told["view"]["look"] |= wrong
    with pytest.raises(ValueError, match="got |has no 'colour'") as error:
        View.from_json(told)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200
    with pytest.raises(ValueError, match="strength takes a number from 0 to 1; got 1.5"):
        Look(strength=1.5)


def test_brightness_is_the_live_views_in_every_tone():
    """light.js: e = tone(min(1, |a| gain)); log shows three decades."""
    x = torch.tensor([0.0, 1e-4, 1e-3, 0.01, 0.25, 1.0, 7.0])
    roots = [0, 1e-4**0.6, 1e-3**0.6, 0.01**0.6, 0.25**0.6, 1, 1]
    for tone, want in (("root", roots), ("linear", [0, 1e-4, 1e-3, 0.01, 0.25, 1, 1]),
                       ("log", [0, 0, 0, 1 / 3, 1 - 0.60206 / 3, 1, 1])):
        assert brightness(x, 1.0, tone).tolist() == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("look", [Look(), Look(tone="log"), Look(own=True), Look(mode="heat", tone="linear"),
                                  Look(mode="difference"), Look(mode="difference", tone="log", own=True)], ids=str)
def test_the_scale_of_a_file_is_the_one_of_the_live_view(look, photo, page):
    """The same words at its ends, and the same colours from end to end."""
    opened = replace(photo, view=replace(photo.view, look=look))
    show(page, blob([panel(uniform(4)), panel(uniform(4))], Grid(1, 2, 2), **look.as_words(1)))
    scale = page.locator(".scale")
    assert tuple(scale.locator("span").all_inner_texts()) == painting.scale_ends(opened)
    assert scale.get_attribute("aria-label") == f"scale of the {look.mode}: from " + " to ".join(
        painting.scale_ends(opened))
    bar = scale.locator("canvas").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, 1).data].filter((x, n) => n % 4 < 3)")
    want = np.asarray(painting.scale_image(look))[20, 2::4].astype(int)
    assert np.abs(np.reshape(bar, (-1, 3)) - want).max() <= 3
