"""The second task: the two discs really cross, the right one is in front, and nothing but order tells."""
import re

import pytest
import torch

from linviz.clips import FRONT_SETTINGS, front, front_task, reverse_clips, shuffle_frames, sources

N = 64
RADIUS = front.COIN / 2


@pytest.fixture(scope="module")
def task():
    return front_task(N, 3)


@pytest.fixture(scope="module")
def easy():
    return front_task(N, 3, setting="easy")


@pytest.fixture(scope="module")
def many():
    """Scenes of main without the disc that roams."""
    return front_task(1200, 5, setting="easy").truth


def apart(truth):
    """Distance between the middles of the two, (n, T)."""
    return (truth["path"] - truth["other"]).norm(dim=-1)


def test_they_begin_apart_cross_and_end_apart(many):
    between = apart(many)
    assert between[:, [0, -1]].min() > 2 * RADIUS, "they touch before they have moved"
    assert between.amin(1).max() < RADIUS, "they hardly meet"
    assert many["hidden"].amax(1).min() > 0.6 and many["hidden"][:, [0, -1]].max() < 1e-3
    before, after = ((many["path"] - many["other"])[:, t, 1] for t in (0, -1))
    assert (before * after < 0).all(), "both change sides"
    for path in many["path"], many["other"]:
        assert path.min() >= RADIUS - 0.51 and path.max() <= 36 - RADIUS - 0.49


def test_the_label_is_the_side_that_the_one_in_front_came_from(many, task):
    from_right = (many["other"][:, 0, 1] > many["path"][:, 0, 1]).long()
    assert many["direction"].equal(from_right)
    assert task.classes == ("from the left", "from the right") and task.labels.equal(task.truth["direction"])


def seen_as_drawn(frames, path, light):
    """Share of (clip, frame) whose pixel at the middle of a disc is about as bright as `light` (n, T)."""
    clip, time = torch.meshgrid(torch.arange(len(frames)), torch.arange(frames.shape[1]), indexing="ij")
    down, across = path.round().long().unbind(-1)
    return (frames[clip, time, down, across] - light).abs() < 0.2


def test_the_pixels_show_the_one_in_front():
    """Where they overlap by half, the middle of the one in front is as bright as that one, unlike the other."""
    with pytest.MonkeyPatch.context() as patch:     # no ink on the discs: their brightness alone is compared
        patch.setattr(front, "_centre_ink", lambda ink, side: torch.zeros(len(ink), side, side))
        bare = front_task(N, 3, setting="easy")
    frames, truth = bare.frames[:, :, 0], bare.truth
    over = apart(truth) < RADIUS / 2
    ahead = torch.where(truth["bright"], 0.525, 0.175)[:, None].expand(-1, 8)
    assert over.sum() > N / 2
    assert seen_as_drawn(frames, truth["other"], ahead)[over].float().mean() > 0.9
    assert seen_as_drawn(frames, truth["path"], 0.7 - ahead)[over].float().mean() < 0.2


def test_the_mask_is_what_is_to_be_seen_of_the_one_behind(easy):
    task = easy
    whole = task.masks[:, 0].sum((-1, -2)).float()
    assert (whole - torch.pi * (RADIUS - 0.4) ** 2).abs().max() < 4      # half an edge of one pixel is seen
    lost = 1 - task.masks.sum((-1, -2)) / whole[:, None]
    assert (lost - task.truth["hidden"]).abs().mean() < 0.03
    rows, columns = torch.meshgrid(torch.arange(36.0), torch.arange(36.0), indexing="ij")
    off = torch.stack([rows, columns], -1) - task.truth["path"][:, :, None, None]
    assert off.norm(dim=-1)[task.masks].max() < RADIUS + 1


def test_nothing_at_rest_tells_the_answer(many):
    """Each is a fair coin within every group: four and a half standard errors."""
    label = many["direction"].float()
    early = apart(many).argmin(1) < 4
    groups = {"all": torch.ones_like(early), "bright in front": many["bright"], "meets early": early,
              "high": many["path"][:, 0, 0] > 17.5, "small digit in front": many["front digit"] < 5,
              "front digit less": many["front digit"] < many["digit"], "of few": many["cut"][:, 1] < 6}
    for name, group in groups.items():
        for part in (group, ~group) if name != "all" else (group,):
            assert (label[part].mean() - 0.5).abs() < 4.5 * 0.5 / part.sum() ** 0.5, name
            assert part.sum() > 300, name


def test_reversed_the_other_side_is_right(task):
    back = reverse_clips(task)
    assert back.labels.equal(1 - task.labels) and back.truth["other"].equal(task.truth["other"].flip(1))
    assert (back.truth["other"][:, 0, 1] > back.truth["path"][:, 0, 1]).long().equal(back.labels)
    order = shuffle_frames(task, 2).truth["order"]
    assert shuffle_frames(task, 2).truth["other"][1].equal(task.truth["other"][1, order[1]])


def test_settings_differ_as_they_say(task, easy):
    hard, fine = (front_task(16, 3, setting=name) for name in ("hard", "fine"))
    assert [t.truth["cut"].shape[1] for t in (easy, task, hard, fine)] == [2, 3, 5, 3]
    assert easy.labels.equal(task.labels) and easy.truth["path"].equal(task.truth["path"])
    assert (task.truth["hidden"] - easy.truth["hidden"]).min() > -1e-3, "a third disc hides, it does not uncover"
    assert (task.truth["hidden"] - easy.truth["hidden"] > 0.1).any(1).float().mean() > 0.15, "it lies before some"
    assert (task.frames - easy.frames)[:, :, 0].abs().amax((1, 2, 3)).min() > 0.05, "it is to be seen"
    assert easy.truth["drift"].abs().max() == 0 < task.truth["drift"].abs().max() <= 0.5
    assert 0.7 < hard.truth["drift"].abs().max() <= 1 and hard.frames.mean() > 1.1 * task.frames[:16].mean()
    assert fine.frames.shape[-2:] == (96, 96) and fine.labels.equal(task.labels[:16])
    assert (fine.truth["path"] + 0.5 - (task.truth["path"][:16] + 0.5) * 96 / 36).abs().max() < 0.01
    assert set(FRONT_SETTINGS) == {"main", "easy", "hard", "fine"}


def test_clips_follow_from_the_seed_and_their_number(task):
    some = front_task(3, 3, first=5)
    assert some.frames.equal(task.frames[5:8]) and all(some.truth[k].equal(v[5:8]) for k, v in task.truth.items())
    assert not front_task(N, 4).labels.equal(task.labels) and task.chance == 0.5


def test_splits_are_kept(task):
    with pytest.raises(ValueError, match="pass opened=True"):
        front_task(1, 0, "sealed")
    own = set(sources.source_numbers("train").tolist())
    assert set(task.truth["photograph"].tolist()) | set(task.truth["cut"].flatten().tolist()) == own
    assert not (task.truth["cut"] == task.truth["photograph"][:, None]).any(), "a disc of the photograph it lies on"
    clip = task.clip(2)
    assert clip.title.startswith("The disc from the") and clip.author.count(";") >= 1


@pytest.mark.parametrize("change, says", [({"n": 0}, "n must be"), ({"split": "tset"}, "did you mean 'test'?"),
                                          ({"setting": "fin"}, "did you mean 'fine'?"), ({"frames": 99}, "got 99")])
def test_one_sentence_for_what_cannot_be_drawn(change, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        front_task(**{"n": 1, "seed": 0} | change)
