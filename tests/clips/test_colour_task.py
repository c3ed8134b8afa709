"""The colour task: colour can only be copied from hints, no split shares a photograph, and a person's hints count."""
from __future__ import annotations

import math

import pytest
import torch

from linviz.clips import COLOUR_SETTINGS, Clip, colour_task, hinted_picture
from linviz.clips.colour_baselines import (
    LIGHTNESSES,
    bilateral_answers,
    blank_luma,
    fit_bilateral,
    foreign_luma,
    nearest_answers,
    paint_score,
)
from linviz.clips.colour_paint import join_colour, split_colour
from linviz.clips.colour_task import ColourTask, paint_errors, paint_numbers, paint_windows
from linviz.clips.colour_windows import COLOUR_SPLITS, cut_window, picture_pyramid, split_windows
from linviz.clips.sources import SOURCES
from linviz.clips.task import random_draws

N = 10


@pytest.fixture(scope="module")
def task() -> ColourTask:
    return colour_task(N, seed=3)


@pytest.fixture(scope="module")
def test_task() -> ColourTask:
    return colour_task(50, seed=1, split="test")


def with_hidden_colours(task: ColourTask, shift: float) -> ColourTask:
    """The same task with other colours in every hidden pixel."""
    other = torch.where(task.hint_pixels > 0, task.differences, task.differences + shift)
    return ColourTask(task.luma, other, task.hints, task.photographs, task.names)


def test_no_hidden_colour_is_seen(task):
    assert with_hidden_colours(task, 0.3).frames.equal(task.frames)
    assert not with_hidden_colours(task, 0.3).targets.equal(task.targets)
    hidden = (task.hint_pixels == 0).expand(-1, 2, -1, -1)
    assert (task.frames[:, 0, 1:3][hidden] == 0.5).all()
    on = task.frames[:, 0, 3].unflatten(-1, (14, 8)).unflatten(1, (14, 8)).amax((2, 4)).flatten(1)
    assert on.bool().equal(task.hints)


def test_the_same_window_has_other_colours_every_time():
    """Two draws of the paint over one window have no more in common than chance, so nothing can be known by heart."""
    windows = split_windows(1, 0, "train")
    windows = windows._replace(pixels=windows.pixels.expand(200, -1, -1, -1), photographs=torch.zeros(200).long())
    painted = paint_windows(windows, random_draws("paint", 0, 0, 0, 200, paint_numbers(112))).differences.flatten(1)
    alike = torch.nn.functional.cosine_similarity(painted[::2], painted[1::2])
    assert alike.mean().abs() < 4 * alike.std() / 10 and alike.std() > 0.3


def test_photographs_are_named_licensed_and_in_one_split_only():
    named = [name for names in COLOUR_SPLITS.values() for name in names]
    sources = {source.name: source for source in SOURCES}
    assert len(named) == len(set(named)) == 18 and set(named) <= sources.keys()
    for split in ("train", "test"):
        assert not any("no open" in sources[name].licence or "none named" in sources[name].licence
                       for name in COLOUR_SPLITS[split])
    with pytest.raises(ValueError, match="kept for one last measurement"):
        colour_task(1, 0, "sealed")
    assert set(colour_task(4, 0, "sealed", opened=True).names) == set(COLOUR_SPLITS["sealed"])
    one, other = (colour_task(2, 0, split, "exchanged").names for split in ("train", "test"))
    assert (one, other) == (COLOUR_SPLITS["test"], COLOUR_SPLITS["train"])


def test_pictures_follow_from_the_seed_and_their_number(task):
    some = colour_task(3, 3, first=5)
    for name in ("luma", "differences", "hints", "photographs"):
        assert getattr(some, name).equal(getattr(task, name)[5:8]), name
    assert not colour_task(N, 4).luma.equal(task.luma)
    assert task.photographs[:9].tolist() == list(range(9))


def test_hints_are_as_many_as_said(task, test_task):
    assert (test_task.hints.sum(1) == 29).all()
    counts = colour_task(60, 0, side=32).hints.sum(1)
    assert counts.min() >= 1 and counts.max() <= 4 and len(counts.unique()) > 2
    assert (colour_task(2, 0, share=0.5).hints.sum(1) == 98).all()


def test_settings_differ_as_they_say(task):
    half = colour_task(N, 3, setting="half")
    changed = (half.differences - task.differences).abs().amax((1, 2, 3)) > 0.01
    assert half.luma.equal(task.luma) and 0 < changed.sum() < N
    assert set(COLOUR_SETTINGS) == {"main", "half", "exchanged"}
    natural = colour_task(5, 1, "test", natural=True)
    grey = [natural.names[i] in ("camera", "gravel") for i in natural.photographs]
    assert (natural.differences.abs().amax((1, 2, 3)) < 0.02).tolist() == grey


@pytest.mark.parametrize("words, sentence", [
    (dict(setting="easy"), "no setting of the colour task is called 'easy'"), (dict(split="all"), "no split is called"),
    (dict(side=60), "a multiple of 8"), (dict(n=0), "n must be a whole number")])
def test_mistakes_get_one_sentence(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        colour_task(**{"n": 1, "seed": 0} | words)


@pytest.mark.parametrize("u", [(0.0, 1.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0, 1.0), (0.5, 0.0, 0.3, 0.8, 0.9)])
def test_a_window_lies_inside_its_photograph(u):
    """A picture whose colours are its coordinates says where a window was cut."""
    down, across = torch.meshgrid((torch.arange(200) + 0.5) / 200, (torch.arange(300) + 0.5) / 300, indexing="ij")
    found = cut_window(picture_pyramid(torch.stack([down, across, 0 * down])), u, 32)
    assert found[:2].min() >= 0 and found[:2].max() <= 1 and found[2].abs().max() < 1e-6
    step = torch.stack([found[0, :, 1:] - found[0, :, :-1], (found[1, :, 1:] - found[1, :, :-1]) * 1.5])
    angle = math.radians(15) * (2 * u[0] - 1)
    flip = 1 if u[4] < 0.5 else -1
    inner = step[:, 8:24, 8:24].mean((1, 2))
    assert (flip * step[1]).min() > 0.5 * flip * inner[1], "outside, the border is repeated"
    assert torch.atan2(flip * inner[0], flip * inner[1]).item() == pytest.approx(-angle, abs=0.03)


def test_true_answers_paint_the_true_picture():
    even = Clip.plain(torch.stack([torch.full((64, 64), x) for x in (0.6, 0.4, 0.2)])[None], "even")
    task = hinted_picture(even, tokens=8, share=0.2)
    assert (task.painted_pictures(task.targets) - task.true_pictures).abs().max() < 1e-4
    hints = task.hinted_pictures
    grey = (hints.amax(1) - hints.amin(1) < 1e-4).float().mean()
    assert grey.item() == pytest.approx(1 - task.hints.float().mean().item(), abs=1e-6)


def test_a_person_chooses_hints_and_their_colours():
    picture = torch.full((3, 40, 60), 0.5)
    hints = torch.zeros(5, 5, dtype=torch.bool)
    hints[1, 2] = True
    colours = torch.full((25, 3), 0.5)
    colours[7] = torch.tensor([0.9, 0.5, 0.1])
    task = hinted_picture(picture, hints, colours=colours, tokens=5)
    own = split_colour(task.hinted_pictures[:, :, 8:16, 16:24])[1].mean((2, 3))
    assert torch.allclose(own, split_colour(colours[7][:, None, None])[1][None, ..., 0, 0], atol=0.02)
    assert task.hints.nonzero().tolist() == [[0, 7]] and torch.isfinite(task.targets).all()
    none = hinted_picture(picture, torch.zeros(25, dtype=torch.bool), tokens=5)
    assert torch.isfinite(none.frames).all() and none.frames[:, :, 3].sum() == 0
    with pytest.raises(ValueError, match="hints must be 5 x 5 patches"):
        hinted_picture(picture, hints[:4], tokens=5)
    with pytest.raises(ValueError, match="give a picture as"):
        hinted_picture(picture[:2])


def test_baselines_copy_by_place_and_by_lightness():
    """Where colour follows the grey value, the bilateral kernel finds it and the nearest hint does not."""
    chess = (torch.arange(14)[:, None] + torch.arange(14)) % 2 * 0.6 + 0.2
    luma = chess.repeat_interleave(8, 0).repeat_interleave(8, 1)[None, None]
    differences = torch.cat([luma - 0.5, 0.5 - luma], 1) * 0.4
    hints = torch.rand(1, 196, generator=torch.Generator().manual_seed(0)) < 0.15
    task = ColourTask(luma, differences, hints, torch.zeros(1).long())
    assert paint_score(bilateral_answers(task, 2.0, 4.0), task) > 0.95
    assert paint_score(nearest_answers(task), task) < 0.5
    assert fit_bilateral(task)[1] == max(LIGHTNESSES)


def test_blanking_takes_away_what_the_grey_picture_tells(test_task):
    """The test that keeps the task honest, tried on two rules: one uses place, one lightness too."""
    pair = fit_bilateral(colour_task(50, 0, share=0.15))

    def scores(paint) -> list[float]:
        seen = [test_task.frames, blank_luma(test_task), foreign_luma(test_task)]
        return [paint_score(paint(ColourTask(frames[:, 0, :1], test_task.differences, test_task.hints,
                                             test_task.photographs)), test_task) for frames in seen]
    whole, blank, foreign = scores(lambda task: bilateral_answers(task, *pair))
    assert whole > 0.35 and blank < whole - 0.15 and foreign < whole - 0.15
    near = scores(nearest_answers)
    assert near[0] == near[1] == near[2] < whole


def test_the_score_is_zero_for_the_mean_colour_and_one_for_the_truth(test_task):
    hidden = ~test_task.hints
    error, spread = paint_errors(test_task.targets, test_task.targets, hidden)
    assert error == 0 < spread
    assert paint_score(torch.zeros_like(test_task.targets), test_task) < 0.05
    assert torch.allclose(join_colour(*split_colour(test_task.true_pictures)), test_task.true_pictures, atol=1e-5)
