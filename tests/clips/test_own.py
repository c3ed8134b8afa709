"""Pictures of other libraries become frames, or a sentence says why not."""
import re

import numpy as np
import pytest
import torch

from linviz import Grid, clips


def test_a_colour_picture_keeps_its_places_and_colours():
    picture = np.zeros((4, 6, 3), dtype=np.uint8)
    picture[1, 5] = (255, 51, 0)
    frames = clips.to_frames(picture)
    assert frames.shape == (1, 3, 4, 6) and frames.dtype == torch.float32
    assert torch.allclose(frames[0, :, 1, 5], torch.tensor([1.0, 0.2, 0.0])) and frames.sum() < 1.21


@pytest.mark.parametrize("array, shape", [
    (np.zeros((5, 7)), (1, 3, 5, 7)),
    (np.ones((5, 7), dtype=bool), (1, 3, 5, 7)),
    (np.zeros((2, 5, 7, 3), dtype=np.float32), (2, 3, 5, 7)),
    (torch.zeros(2, 5, 7, 3, dtype=torch.uint8), (2, 3, 5, 7)),
    (np.zeros((5, 7, 4), dtype=np.uint8), (1, 3, 5, 7)),
])
def test_every_usual_layout_is_taken(array, shape):
    assert clips.to_frames(array).shape == shape


def test_what_is_transparent_is_white():
    picture = np.zeros((1, 2, 4), dtype=np.uint8)
    picture[0, 1, 3] = 255
    assert clips.to_frames(picture)[0, :, 0].tolist() == [[1, 0]] * 3


def test_a_picture_that_may_not_be_written_to_is_taken_as_it_is():
    picture = np.zeros((3, 3, 3), dtype=np.uint8)
    picture.flags.writeable = False
    clips.to_frames(picture)[:] = 1
    assert picture.sum() == 0


def test_ones_own_picture_has_descriptors():
    clip = clips.Clip.plain(clips.to_frames(np.random.default_rng(0).random((50, 80, 3))), "noise")
    q, _, _ = clips.descriptors(clip, Grid(1, 5, 5))
    assert q.shape == (1, 1, 25, 16) and torch.isfinite(q).all()


@pytest.mark.parametrize("array, sentence", [
    (np.zeros((3, 5, 7), dtype=np.uint8), "colours last; got (3, 5, 7) uint8"),
    (np.zeros((2, 5, 7, 2)), "got (2, 5, 7, 2) float64"),
    (np.zeros((0, 7, 3)), "got (0, 7, 3) float64"),
    (np.zeros(5), "got (5,) float64"),
    (np.full((5, 7, 3), 255.0), "floating point colours must lie in 0..1; got (5, 7, 3) float64 with 255..255"),
    (np.full((5, 7, 3), np.nan), "lie in 0..1"),
    (np.zeros((5, 7, 3), dtype=np.int64), "uint8 in 0..255, bool, or floating point in 0..1; got (5, 7, 3) int64"),
    (np.array([["a"]]), "got (1, 1) <U1"),
])
def test_what_is_no_picture_is_said_in_one_sentence(array, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        clips.to_frames(array)
