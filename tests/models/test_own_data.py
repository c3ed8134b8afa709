"""A folder of somebody's videos becomes examples: classes, held-out files, and a line for each that was left out."""
from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from linviz.models import Recipe, Shape, own_data
from linviz.models.examples import make_data
from tests.clips import files

SMALL = Shape(frames=4, side=6, tubelet=(1, 3, 3), channels=12, heads=2, blocks=1, colours=3)


@lru_cache
def bright(n: int, light: int) -> bytes:
    """A GIF of three frames, bright or dark, of which no two are the same."""
    draw = np.random.default_rng(n)
    return files.animated("GIF", 3, 100 + 10 * n, array=(draw.integers(0, 60, (8, 10, 3)) + light).astype(np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, with nine and four videos, and what else lies about in folders."""
    for name, count, light in (("day", 9, 190), ("night", 3, 0)):
        (tmp_path / "videos" / name).mkdir(parents=True)
        for n in range(count):
            (tmp_path / "videos" / name / f"{n}.gif").write_bytes(bright(n, light))
    night = tmp_path / "videos" / "night"
    (night / "walk.mp4").write_bytes(files.video())
    (night / "cut.gif").write_bytes(files.animated("GIF")[:200])
    (night / "notes.mp4").write_bytes(b"to do: film the cat")
    (night / "again.gif").write_bytes((night / "0.gif").read_bytes())
    (night / ".hidden").write_bytes(b"")
    (tmp_path / "videos" / "readme.txt").write_text("not a class")
    return tmp_path / "videos"


def test_a_folder_of_folders_becomes_examples(folder: Path):
    read = []
    found = own_data.read_folder(folder, SMALL, read.append)
    data = found.data
    assert data.train.classes == data.test.classes == ("day", "night") and len(read) == 16
    assert data.train.frames.shape == (6 + 3, 4, 3, 6, 6) and data.train.frames.dtype == torch.uint8
    assert data.train.labels.tolist() == [0] * 6 + [1] * 3 and data.test.labels.tolist() == [0] * 3 + [1] * 2
    assert data.train.batch(torch.tensor([0]))[0].shape == (1, 4, 3, 6, 6)
    light = [part.frames.float().mean((1, 2, 3, 4)) for part in (data.train, data.test)]
    assert min(light[0][:6].min(), light[1][:3].min()) > 180
    assert (torch.cat([light[0][6:], light[1][3:]]) < 90).sum() == 3  # of night's five; two are drawn otherwise


def test_every_file_left_out_has_a_line(folder: Path):
    said = own_data.read_folder(folder, SMALL).said().splitlines()
    assert said[:2] == ["day: 6 to learn from, 3 held out", "night: 3 to learn from, 2 held out"]
    assert said[2].startswith("read in part: night/cut.gif: ") and "is cut short" in said[2]
    assert said[3].startswith("skipped: night/again.gif is the same file as night/0.gif") or said[3] == (
        "skipped: night/0.gif is the same file as night/again.gif")
    assert said[4].startswith("skipped: night/notes.mp4 cannot be read: it is text") and len(said) == 5


def test_what_is_held_out_follows_from_the_files_alone(folder: Path):
    before = own_data.read_folder(folder, SMALL)
    held = {film.sha for film in before.films["day"]} & {f.sha for f in sorted(
        before.films["day"], key=lambda f: f.sha)[::4]}
    assert len(held) == 3
    (folder / "day" / "0.gif").rename(folder / "day" / "zebra.GIF")
    after = own_data.read_folder(folder, SMALL)
    assert after.digest() == before.digest()
    assert torch.equal(after.data.test.frames, before.data.test.frames)
    learned, asked = after.data.train.frames, after.data.test.frames
    assert not any(torch.equal(a, b) for a in learned for b in asked)


def test_other_videos_are_another_recipe(folder: Path):
    plain = Recipe("relu", shape=replace(SMALL, colours=1))
    before = own_data.read_folder(folder, SMALL).recipe(plain)
    assert (before.task, before.pool, before.tests, before.shape) == ("own", 9, 5, SMALL)
    (folder / "day" / "8.gif").rename(folder / "night" / "8.gif")  # the same files, one in another class
    after = own_data.read_folder(folder, SMALL).recipe(plain)
    assert before.digest() != after.digest() and Recipe.read(before.told()) == before
    with pytest.raises(ValueError, match="a user's own videos: read them with models.own_data.read_folder"):
        make_data(before)


def test_a_short_clip_holds_each_frame_and_a_wide_one_is_cut():
    frames = torch.zeros(3, 3, 12, 20)
    frames[0, :, :, :4] = 1                                   # outside the middle square
    frames[1], frames[2] = 0.2, 1
    seen = own_data.frames_for_model(frames, SMALL)
    assert seen.shape == (4, 3, 6, 6) and seen.float().mean((1, 2, 3)).tolist() == [0, 51, 51, 255]


@pytest.mark.parametrize("change, sentence", [
    (lambda f: (f / "night").rename(f.parent / "away"), "holds one folder of videos; two are needed"),
    (lambda f: [p.unlink() for p in (f / "day").glob("[1-9].gif")], "day in .* holds 1 videos that can be read"),
    (lambda f: [p.write_bytes(b"x") for p in (f / "day").iterdir()],
     r"day in .* holds 0 videos that can be read; two are needed, .* \(skipped: day/0.gif cannot be read: it is te"),
    (lambda f: f.rename(f.parent / "other"), "there is no folder .*videos: name one")])
def test_too_little_gets_a_sentence(folder: Path, change, sentence):
    change(folder)
    with pytest.raises(ValueError, match=sentence):
        own_data.read_folder(folder, SMALL)


def test_what_cannot_be_opened_is_skipped(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("linviz.models.own_data.BYTES", 10_000)
    (folder / "day" / "0.gif").write_bytes(bytes(10_001))
    assert "day/0.gif is larger than the limit of 0 MB" in own_data.read_folder(folder, SMALL).skipped

    (folder / "day" / "0.gif").unlink()

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ValueError, match="skipped: day/.* cannot be opened: Permission denied"):
        own_data.read_folder(folder, SMALL)
