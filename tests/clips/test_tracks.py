"""Tracks: on the object they stay on it, they are true to the pixels, and they are lost where nobody knows."""
from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from linviz import Grid, clips
from linviz.clips import Clip, token_tracks
from linviz.clips.warp import sample_images

GRID = Grid(8, 14, 14)


def squares() -> Clip:
    """A bright square that goes one patch right a frame, and comes from behind nothing."""
    frames, mask = torch.zeros(4, 3, 64, 64), torch.zeros(4, 64, 64, dtype=torch.bool)
    motion = torch.zeros(3, 2, 64, 64)
    for t in range(4):
        mask[t, 16:32, 16 * t:16 * t + 16] = True
        frames[t][:, mask[t]] = 1
    motion[:, 1][mask[:3]] = 16.0
    known = torch.ones(3, 64, 64, dtype=torch.bool)
    for t in range(3):
        known[t, 16:32, 16 * t + 16:16 * t + 32] = False  # covered on the next frame
    return replace(Clip.plain(frames, "squares"), mask=mask, motion=motion, known=known)


def test_the_square_is_followed_both_ways_and_what_it_covers_is_lost() -> None:
    grid = Grid(4, 4, 4)
    found = token_tracks(squares(), grid)
    path = [grid.number(t, 1, t) for t in range(4)]
    for token in path:
        assert found[token].tolist() == path
    covered = grid.number(0, 1, 1)
    assert found[covered].tolist() == [covered, -1, -1, -1]
    still = grid.number(2, 3, 3)
    assert found[still].tolist() == [grid.number(t, 3, 3) for t in range(4)]


@pytest.mark.parametrize("name", list(clips.CLIPS))
def test_a_token_is_where_it_is_and_on_the_object_it_stays(name: str) -> None:
    clip = clips.fit(clips.load(name, frames=8), GRID)
    found = token_tracks(clip, GRID)
    own = torch.arange(len(GRID))
    assert torch.equal(found[own, own // 196], own)
    t = torch.arange(8).expand_as(found)
    assert bool(((found == -1) | (found // 196 == t)).all()), "a track names a token of another frame"
    if clip.mask is not None:
        share = clips.token_mask(clip, GRID)
        to = found[share > 0.9]
        assert (share[to[to >= 0]] > 0.3).float().mean() > 0.9


def test_what_is_there_looks_alike() -> None:
    """A panning camera: along a track the brightness stays; along other ways it does not."""
    clip = clips.fit(clips.load("pan", frames=8), GRID)
    found = token_tracks(clip, GRID)
    bright = sample_images(clip.frames.mean(1, keepdim=True), middles(clip))[:, 0].flatten()
    first, last = torch.arange(196), found[:196, 4]
    good = last >= 0
    along = (bright[first[good]] - bright[last[good]]).abs().mean()
    stay = (bright[first[good]] - bright[first[good] + 4 * 196]).abs().mean()
    assert along < 0.6 * stay


def middles(clip: Clip) -> torch.Tensor:
    """The middle of every patch on every frame, in pixels."""
    middle = (torch.cartesian_prod(torch.arange(14.0), torch.arange(14.0)) + 0.5) * 16 - 0.5
    return middle.reshape(1, 14, 14, 2).expand(clip.size[0], -1, -1, -1)


def test_prefix_tokens_are_nowhere_and_a_clip_without_motion_says_so() -> None:
    grid = Grid(4, 14, 14, prefix=1)
    found = token_tracks(clips.load("pan", frames=4), grid)
    assert found[0].tolist() == [-1] * 4 and found[1, 0] == 1
    with pytest.raises(ValueError, match="'chelsea' has no motion"):
        token_tracks(clips.photograph("chelsea"), Grid(1, 14, 14))
