"""A clip cut to a grid: what lies where, in frames, mask, motion, query and tokens."""
import dataclasses
import re

import pytest
import torch

from linviz import Grid, clips
from linviz.clips import Clip
from linviz.clips.fitting import fit_patches


def _clip(frames, **truth):
    return dataclasses.replace(Clip.plain(frames, "own"), **truth)


def _blocks(grid, patch):
    """Frames whose every patch has one grey of its own: the token's number."""
    grey = torch.arange(len(grid)).float().reshape(grid.T, 1, grid.Y, grid.X) / len(grid)
    return grey.expand(-1, 3, -1, -1).repeat_interleave(patch, 2).repeat_interleave(patch, 3).contiguous()


def test_the_middle_is_cut_and_not_squeezed():
    frames = torch.zeros(1, 3, 20, 60)
    frames[..., 20:40] = 1
    assert (clips.fit(_clip(frames), Grid(1, 2, 2), patch=10).frames == 1).all()
    assert (clips.fit(_clip(frames.transpose(2, 3).contiguous()), Grid(1, 2, 2), patch=10).frames == 1).all()


@pytest.mark.parametrize("y, x, patch", [(28, 28, 16), (14, 21, 16), (5, 3, 7), (1, 9, 4)])
def test_the_size_is_the_grids_in_patches(y, x, patch):
    clip = clips.fit(clips.photograph("chelsea"), Grid(1, y, x), patch)
    assert clip.size == (1, y * patch, x * patch)
    assert clip.alt == clips.photograph("chelsea").alt


def test_a_clip_that_fits_is_left_alone():
    clip = clips.load("pan", frames=2)
    assert clips.fit(clip, Grid(2, 28, 28)) is clip
    assert fit_patches(clip, Grid(2, 56, 56)) is clip and fit_patches(clip, Grid(2, 14, 14)) is clip


def test_resizing_is_antialiased():
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., (torch.arange(64) + 1) % 4 < 2] = 1  # bilinear sampling of every fourth place would see none of them
    small = clips.fit(_clip(stripes), Grid(1, 2, 2), patch=8).frames
    assert (small[..., 1:-1, 1:-1] - 0.5).abs().max() < 0.1


def test_the_mask_follows_by_area():
    mask = torch.zeros(1, 32, 32, dtype=torch.bool)
    mask[0, :8, :16] = True
    fitted = clips.fit(_clip(torch.zeros(1, 3, 32, 32), mask=mask), Grid(1, 2, 2), patch=4).mask
    assert fitted[0].nonzero().tolist() == [[y, x] for y in range(2) for x in range(4)]


def test_motion_is_scaled_by_each_axis_and_cut_with_the_frames():
    motion = torch.zeros(1, 2, 32, 96)
    motion[0, 0], motion[0, 1] = 4.0, torch.where(torch.arange(96) < 48, -8.0, 8.0)
    clip = _clip(torch.zeros(2, 3, 32, 96), motion=motion, known=torch.ones(1, 32, 96, dtype=torch.bool))
    fitted = clips.fit(clip, Grid(2, 2, 2), patch=8)
    assert (fitted.motion[0, 0] == 2).all()
    assert (fitted.motion[0, 1, :, :8] == -4).all() and (fitted.motion[0, 1, :, 8:] == 4).all()  # never averaged
    assert fitted.known[0, :14, 4:12].all() and not fitted.known[0, 14:].any() and not fitted.known[0, :, :4].any()


@pytest.mark.parametrize("name", ["pan", "digit"])
@pytest.mark.parametrize("grid", [Grid(4, 14, 14), Grid(2, 14, 14), Grid(3, 10, 14)])
def test_motion_is_still_true_after_fitting_and_leaving_out_frames(name, grid):
    clip = clips.fit(clips.load(name, frames=4), grid)
    error = (clips.warp_frames(clip.frames, clip.motion) - clip.frames[:-1]).abs().mean(1)
    still = (clip.frames[1:] - clip.frames[:-1]).abs().mean()
    assert clip.known.float().mean() > 0.25  # all frames at once: much has left the window
    assert error[clip.known].mean() < 0.12 * still and error[clip.known].mean() < 0.015


def test_fewer_frames_are_evenly_spaced_with_the_first_and_the_last():
    frames = (torch.arange(9.0) / 10)[:, None, None, None].expand(-1, 3, 4, 4).contiguous()
    clip = _clip(frames, mask=frames[:, 0] > 0.35, query=(8, 0.5, 0.5))
    fitted = clips.fit(clip, Grid(3, 1, 1), patch=4)
    assert (fitted.frames[:, 0, 0, 0] * 10).round().tolist() == [0, 4, 8]
    assert fitted.mask[:, 0, 0].tolist() == [False, True, True] and fitted.query[0] == 2
    assert clips.fit(clip, Grid(1, 1, 1), patch=4).size[0] == 1


def test_the_query_stays_on_what_it_showed():
    frames = torch.zeros(1, 3, 40, 120)
    frames[..., 30:34, 70:74] = 1
    clip = _clip(frames, query=(0, 32 / 40, 72 / 120))
    _, down, across = clips.fit(clip, Grid(1, 4, 4), patch=10).query
    assert clips.fit(clip, Grid(1, 4, 4), patch=10).frames[0, 0, int(down * 40), int(across * 40)] == 1
    outside = clips.fit(_clip(frames, query=(0, 0.5, 0.01)), Grid(1, 4, 4), patch=10)
    assert outside.query == (0, 0.5, 0)


@pytest.mark.parametrize("name", clips.OPENINGS)
def test_an_opening_is_the_query_of_its_clip(name):
    opening = clips.OPENINGS[name]
    clip = clips.load(name, frames=max(2, opening.grid.T))
    assert opening.name == name
    assert clips.token_at(clip, opening.grid) == opening.grid.number(0, *opening.place)


def test_there_is_an_opening_for_everything():
    assert set(clips.OPENINGS) == set(clips.names())


def test_a_mask_becomes_shares_in_token_order():
    grid = Grid(2, 3, 4)
    mask = torch.zeros(2, 12, 16, dtype=torch.bool)
    mask[1, 8:10, 4:8] = True  # the upper half of frame 1, row 2, column 1
    share = clips.token_mask(_clip(torch.zeros(2, 3, 12, 16), mask=mask), grid)
    assert share.nonzero().flatten().tolist() == [grid.number(1, 2, 1)] and share[grid.number(1, 2, 1)] == 0.5
    with_prefix = dataclasses.replace(grid, prefix=2)
    assert torch.equal(clips.token_mask(_clip(torch.zeros(2, 3, 12, 16), mask=mask), with_prefix),
                       torch.cat([torch.zeros(2), share]))


def test_the_mask_of_a_clip_has_the_same_area_in_tokens():
    clip = clips.load("digit", frames=2)
    share = clips.token_mask(clip, Grid(2, 28, 28))
    assert abs(share.mean() - clip.mask.float().mean()) < 1e-6


@pytest.mark.parametrize("call, sentence", [
    (lambda: clips.fit(clips.photograph("coffee"), Grid(8, 4, 4)), "'coffee' has 1 frame and the grid 8; take a grid"),
    (lambda: clips.fit(clips.load("pan", frames=2), Grid(3, 4, 4)), "'pan' has 2 frames and the grid 3"),
    (lambda: clips.fit(clips.photograph("coffee"), Grid(1, 4, 4), patch=0), "at least one pixel; got 0"),
    (lambda: clips.token_mask(clips.photograph("coffee"), Grid(1, 4, 4)), "clip 'coffee' has no mask"),
])
def test_what_does_not_fit_is_said_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()
