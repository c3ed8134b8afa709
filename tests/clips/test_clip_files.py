"""A clip in memory as a file: nothing is lost, every host reads it, and a wrong file gets one sentence."""
from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch

from linviz import clips
from linviz.clips import Clip, limits
from linviz.clips.clip_files import TRUTH, WORDS, is_clip_file, unpack_clip


@pytest.mark.parametrize("name", ["coffee", "pan", "crossing"])
def test_nothing_is_lost(name: str) -> None:
    clip = clips.load(name, frames=3)
    data = clips.pack_clip(clip)
    again = clips.decode_clip(data, f"{name}.npz", frames=32).clip
    assert torch.equal(again.frames, clip.frames) and again.query == clip.query and again.name == f"{name}.npz"
    assert all(getattr(again, what) == getattr(clip, what) for what in WORDS)
    for what in TRUTH:
        before, after = getattr(clip, what), getattr(again, what)
        assert before is after is None or torch.equal(before, after)
    assert clips.pack_clip(again) == data


def test_eight_bits_are_kept_as_eight_bits() -> None:
    exact = clips.load("coffee")
    noise = Clip.plain(torch.rand_like(exact.frames), "noise")
    assert len(clips.pack_clip(exact)) < exact.frames.numel() < len(clips.pack_clip(noise))


def test_frames_are_chosen_evenly_and_motion_is_chained() -> None:
    clip = clips.load("pan", frames=8)
    found = clips.decode_clip(clips.pack_clip(clip), "pan.npz", frames=3)
    assert found.said == "3 of 8 frames, evenly spaced in time, 448 x 448" and found.total == 8
    assert torch.equal(found.clip.frames, clip.frames[[0, 4, 7]]) and found.clip.motion.shape[0] == 2
    assert not found.partial and len(found.times) == 3


def test_what_is_too_large_is_made_smaller() -> None:
    clip = Clip.plain(torch.rand(40, 3, 8, 9), "long")
    assert unpack_clip(clips.pack_clip(clip), "x").size == (limits.ASKED, 8, 9)
    wide = Clip.plain(torch.rand(1, 3, 8, 2 * limits.WORKING), "wide")
    assert unpack_clip(clips.pack_clip(wide), "x").size == (1, 4, limits.WORKING)


def test_a_clip_is_no_tensors_and_tensors_are_no_clip() -> None:
    data, file = clips.pack_clip(clips.load("coffee")), io.BytesIO()
    np.savez(file, q=np.ones((4, 2)), k=np.ones((4, 2)))
    assert is_clip_file(data) and not clips.is_tensors(data)
    assert clips.is_tensors(file.getvalue()) and not is_clip_file(file.getvalue())


ABOUT = json.dumps(dict.fromkeys(WORDS, "a") | {"query": [0, 0.5, 0.5]})


def saved(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("data, said", [
    (saved(frames=np.zeros((1, 4, 4, 3), np.uint8)), "damaged or cut short"),
    (clips.pack_clip(clips.load("coffee"))[:5000], "damaged or cut short"),
    (saved(frames=np.zeros((1, 4, 4, 3), object)), "Python objects"),
    (saved(frames=np.zeros((1, 4, 4, 3)) + 2, about=np.frombuffer(ABOUT.encode(), np.uint8)), "must lie in 0..1")])
def test_a_wrong_file_gets_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(clips.Unreadable, match=f"mine.npz cannot be read: .*{said}"):
        clips.decode_clip(data, "mine.npz")


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    data = clips.pack_clip(clips.load("coffee"))
    monkeypatch.setattr(limits, "FRAME_NUMBERS", 1000)
    with pytest.raises(clips.Unreadable, match="the limit is 1,000: save fewer frames"):
        clips.decode_clip(data, "mine.npz")
