"""The task on which transformers are trained: truth is held to pixels, splits are apart, clips follow from the seed."""
import re

import pytest
import torch
import torch.nn.functional as F

from linviz.clips import SETTINGS, motion, motion_task, reverse_clips, shuffle_frames, sources
from linviz.clips.task import random_draws

N = 64
DRAWN = [0.6369616873214543, 0.2697867137638703, 0.04097352393619469]
LABELS = [5, 2, 4, 4, 6, 4, 5, 6]
LIGHT = [0.3047, 0.2985, 0.1438, 0.2058, 0.3318, 0.3950, 0.2827, 0.3725]
SPREAD = [0.0924, 0.1331, 0.1001, 0.1437, 0.1997, 0.1629, 0.1055, 0.1060]
SPLITS = {"train": {}, "test": {}, "sealed": {"opened": True}}


@pytest.fixture(scope="module")
def tasks():
    return {name: motion_task(N if name != "fine" else 16, 3, setting=name) for name in SETTINGS}


@pytest.fixture(scope="module")
def splits():
    return {split: motion_task(N, 3, split, **how) for split, how in SPLITS.items()}


def without_ink(n, setting):
    """The same clips with ink that cannot be seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(motion, "OPACITY", (0.0, 0.0))
        return motion_task(n, 3, setting=setting).frames[:, :, 0]


# ---------------------------------------------------------------- the mask


def test_the_mask_is_the_ink(tasks):
    """At least 0.4 of a pixel in ink of opacity 0.8 or more, over a background of at most 0.8."""
    brighter = tasks["easy"].frames[:, :, 0] - without_ink(N, "easy")
    assert brighter[tasks["easy"].masks].min() >= 0.4 * 0.8 * 0.2 - 1e-5
    assert brighter[tasks["easy"].masks].mean() > 0.4


@pytest.mark.parametrize("setting", ["main", "hard"])
def test_what_discs_hide_is_not_in_the_mask(setting, tasks):
    task = tasks[setting]
    brighter = task.frames[:, :, 0] - without_ink(N, setting)
    assert brighter.min() >= -1e-6
    assert task.masks[brighter > 0.4].all(), "a pixel that clearly shows ink is not in the mask"
    hidden = task.truth["hidden"] > 0.8
    assert hidden.any() and task.masks.sum((-1, -2))[hidden].float().mean() < 8


def test_hidden_is_the_share_of_ink_that_a_disc_covers(tasks):
    assert tasks["easy"].truth["hidden"].abs().max() < 1e-6 and not tasks["easy"].truth["behind"].any()
    main, alone = tasks["main"], tasks["easy"]      # the same digits on the same ways, with a disc and without
    lost = 1 - main.masks.sum((-1, -2)) / alone.masks.sum((-1, -2))     # counted in whole pixels
    assert (lost - main.truth["hidden"]).abs().max() < 0.2 and (lost - main.truth["hidden"]).abs().mean() < 0.02
    assert main.truth["behind"].equal(main.truth["hidden"].amax(1) >= 0.1)


@pytest.mark.parametrize("setting, share", [("main", 0.27), ("hard", 0.52)])
def test_the_digit_lies_on_any_layer_alike(setting, share):
    """Always the hindmost or always the foremost, it would pass behind twice as often or never."""
    assert abs(motion_task(256, 9, setting=setting).truth["behind"].float().mean() - share) < 0.1


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_digit_stays_in_sight(setting):
    if setting == "fine":
        return
    plain = motion_task(256, 9, setting=setting).truth["path"]
    assert plain.min() >= 4.5 and plain.max() <= 36 - 5.5       # ten pixels wide: half of them on each side


# ---------------------------------------------------------------- the label


def way(name):
    """A heading's name as down and across."""
    down, across = ("down" in name) - ("up" in name), ("right" in name) - ("left" in name)
    return torch.tensor([down, across]) / torch.tensor([down, across]).float().norm()


def centroid(masks):
    """Middle of the masked pixels, (..., 2)."""
    rows, columns = torch.meshgrid(*(torch.arange(n).float() for n in masks.shape[-2:]), indexing="ij")
    return torch.stack([(masks * axis).sum((-1, -2)) for axis in (rows, columns)], -1) / masks.sum((-1, -2))[..., None]


def test_the_label_is_where_the_ink_goes(tasks):
    for name, span in ("easy", 36), ("fine", 96):
        task = tasks[name]
        clear = task.truth["hidden"].amax(1) < 1e-3
        went = centroid(task.masks[:, -1].float()) - centroid(task.masks[:, 0].float())
        ways = torch.stack([way(c) for c in task.classes])
        assert (went @ ways.T).argmax(1)[clear].equal(task.labels[clear]) and clear.sum() >= 5
        assert ((went.norm(dim=1) / 7 - task.truth["speed"]).abs()[clear] < 0.2 * span / 36).all()


def test_the_path_is_the_way_of_the_ink(tasks):
    task = tasks["easy"]
    offset = centroid(task.masks.float()) - task.truth["path"]
    assert offset.abs().max() < 2.5, "ink lies within its box"
    assert (offset - offset.mean(1, keepdim=True)).abs().max() < 0.8, "and does not move in it"
    assert task.labels.equal(task.truth["direction"])


def test_every_answer_is_as_likely(tasks):
    n = 1600
    counts = motion_task(n, 11, setting="easy").labels.bincount(minlength=8)
    assert len(counts) == 8 and (counts - n / 8).abs().max() < 4.5 * (n / 8 * 7 / 8) ** 0.5
    assert tasks["main"].chance == 1 / 8


# ---------------------------------------------------------------- settings


def test_settings_differ_as_they_say(tasks):
    assert {name: task.truth["cut"].shape[1] for name, task in tasks.items()} == {
        "main": 1, "easy": 0, "hard": 3, "fine": 1}
    drift = {name: task.truth["drift"].abs().max() for name, task in tasks.items()}
    assert drift["easy"] == 0 and 0.4 < drift["main"] <= 0.5 and 0.8 < drift["hard"] <= 1
    for name, (low, high) in {"main": (1.5, 2.5), "hard": (1.2, 2.0)}.items():
        assert low <= tasks[name].truth["speed"].min() < tasks[name].truth["speed"].max() <= high
    assert tasks["hard"].frames.mean() > 1.2 * tasks["main"].frames.mean()
    assert tasks["fine"].frames.shape[-2:] == (96, 96)
    assert all(len(s.says) > 30 and s.says.endswith(".") and s.says.count(".") == 1 for s in SETTINGS.values())


def test_the_background_moves_as_its_drift_says():
    """Undimmed and without ink, frame t + 1 is frame t moved by the drift."""
    task, still = motion_task(32, 3, setting="main"), without_ink(32, "main")
    step = task.truth["drift"].round().long()
    assert step.abs().max() <= 1
    both = [(still[:, 7] - still[:, 0].roll((s, t), (-2, -1))).abs().mean((-1, -2)) for s in (-2, 2) for t in (-2, 2)]
    fast = (task.truth["drift"].abs() > 0.2).all(1)
    told = (task.truth["drift"] > 0).long() @ torch.tensor([2, 1])
    assert fast.sum() >= 8 and (torch.stack(both).argmin(0) == told)[fast].float().mean() > 0.8


def test_fine_is_main_in_more_pixels(tasks):
    fine, main = tasks["fine"], tasks["main"]
    small = F.interpolate(fine.frames[:, :, 0], size=(36, 36), mode="area")
    assert (small - main.frames[:16, :, 0]).abs().mean() < 0.04
    assert (fine.truth["path"] + 0.5 - (main.truth["path"][:16] + 0.5) * 96 / 36).abs().max() < 0.01
    assert fine.labels.equal(main.labels[:16])


def test_more_frames_are_more_moments_of_the_same():
    coarse, dense = motion_task(4, 3), motion_task(4, 3, frames=15)
    assert (dense.frames[:, ::2] - coarse.frames).abs().max() < 1e-4
    assert torch.allclose(dense.truth["speed"], coarse.truth["speed"] / 2)


# ---------------------------------------------------------------- draws


def test_clips_follow_from_the_seed(tasks):
    again, other = motion_task(N, 3), motion_task(N, 4)
    assert again.frames.equal(tasks["main"].frames) and again.masks.equal(tasks["main"].masks)
    assert not other.labels.equal(again.labels)


@pytest.mark.parametrize("first, n", [(0, 1), (0, 7), (5, 3)])
def test_a_clip_does_not_depend_on_how_many_there_are(first, n, tasks):
    some, part = motion_task(n, 3, first=first), slice(first, first + n)
    assert some.frames.equal(tasks["main"].frames[part]) and some.masks.equal(tasks["main"].masks[part])
    assert all(some.truth[k].equal(v[part]) for k, v in tasks["main"].truth.items())


def test_draws_are_those_of_every_machine():
    """Numbers written down once: PCG64 is exact, so another machine or version must give the same."""
    assert random_draws("motion", 0, 0, 0, 1, 3)[0].tolist() == DRAWN
    assert motion_task(8, 0).labels.tolist() == LABELS


def test_clips_are_those_that_shipped_models_have_learned_from():
    """Whoever changes what is drawn has to train every model again; this says so first."""
    grey = motion_task(8, 0).frames[:, :, 0]
    assert torch.allclose(grey.mean((1, 2, 3)), torch.tensor(LIGHT), atol=1e-3)
    assert torch.allclose(grey.std((1, 2, 3)), torch.tensor(SPREAD), atol=1e-3)


def test_no_two_streams_share_a_number():
    kinds = [random_draws(stream, 3, split, 0, 50, 40)
             for stream in ("motion", "front", "shuffle") for split in range(3)]
    assert torch.stack(kinds).unique().numel() == 9 * 50 * 40


# ---------------------------------------------------------------- splits


def test_splits_share_no_photograph_and_no_digit(splits):
    digits = {split: set(sources.digit_ink(split, 8)[2].tolist()) for split in SPLITS}
    names = {split: {s.name for s in sources.SOURCES if s.split == split} for split in SPLITS}
    for parts in digits, names:
        assert sum(map(len, parts.values())) == len(set().union(*parts.values()))
    assert len(set().union(*digits.values())) == 1797 and [len(p) for p in names.values()] == [11, 6, 5]
    assert not any("right" in s.loader for s in sources.SOURCES), "the other eye's picture is no other scene"
    for split, task in splits.items():
        own = set(sources.source_numbers(split).tolist())
        assert set(task.truth["photograph"].tolist()) | set(task.truth["cut"].flatten().tolist()) == own
        assert set(task.truth["sample"].tolist()) <= digits[split]


def test_no_photograph_is_another_one():
    """Names may lie: the pictures themselves are compared, whole and turned to the same mean and spread."""
    pictures = torch.cat([sources.split_photographs(split, 40) for split in SPLITS]).flatten(1)
    alike = torch.corrcoef(pictures) - torch.eye(len(pictures))
    assert len(pictures) == len(sources.SOURCES) and alike.max() < 0.75
    assert (pictures.std(1) > 0.03).all(), "a photograph without texture"


@pytest.mark.parametrize("split, share", [("train", 0.6), ("test", 0.2), ("sealed", 0.2)])
def test_each_split_has_its_share_of_every_digit(split, share):
    cover, classes, at = sources.digit_ink(split, 8)
    from sklearn.datasets import load_digits
    data = load_digits()
    assert (classes.bincount() / torch.from_numpy(data.target).bincount() - share).abs().max() < 0.01
    assert torch.allclose(cover, torch.from_numpy(data.images).float()[at] / 16, atol=1e-5)


def test_the_sealed_split_is_not_opened_by_accident():
    with pytest.raises(ValueError, match="one last measurement; if this is the one, pass opened=True"):
        motion_task(1, 0, "sealed")
    assert motion_task(1, 0, "train", opened=True).frames.equal(motion_task(1, 0).frames)


# ---------------------------------------------------------------- time


def test_reversed_the_opposite_is_right(tasks):
    task = tasks["main"]
    back = reverse_clips(task)
    assert back.frames.equal(task.frames.flip(1)) and back.masks.equal(task.masks.flip(1))
    ways = torch.stack([way(c) for c in task.classes])
    assert torch.allclose(ways[back.labels], -ways[task.labels])
    went = back.truth["path"][:, -1] - back.truth["path"][:, 0]
    assert (went @ ways.T).argmax(1).equal(back.labels) and back.truth["direction"].equal(back.labels)
    assert back.truth["drift"].equal(-task.truth["drift"])
    twice = reverse_clips(back)
    assert twice.labels.equal(task.labels) and all(twice.truth[k].equal(v) for k, v in task.truth.items())


def test_shuffled_frames_are_the_same_frames(tasks):
    task, mixed = tasks["main"], shuffle_frames(tasks["main"], 1)
    order = mixed.truth["order"]
    assert order.sort(1).values.equal(torch.arange(8).expand(N, -1)) and len(order.unique(dim=0)) > N / 2
    for i in 0, N - 1:
        assert mixed.frames[i].equal(task.frames[i, order[i]]) and mixed.masks[i].equal(task.masks[i, order[i]])
        assert mixed.truth["path"][i].equal(task.truth["path"][i, order[i]])
    assert mixed.labels.equal(task.labels) and shuffle_frames(task, 1).frames.equal(mixed.frames)
    assert not shuffle_frames(task, 2).truth["order"].equal(order)


# ---------------------------------------------------------------- shape, clips, errors


def test_a_task_is_of_the_shape_it_says(tasks):
    task = tasks["main"]
    assert task.frames.shape == (N, 8, 3, 36, 36) and task.frames.dtype == torch.float32
    assert task.frames.stride(2) == 0, "three colours are one channel, not three copies"
    assert 0 <= task.frames.min() and task.frames.max() <= 1 and task.masks.dtype == torch.bool
    assert task.labels.dtype == torch.int64 and len(task) == N and 0.02 < task.masks.float().mean() < 0.04


def test_a_clip_of_a_task_says_whose_it_is(splits):
    for split, task in splits.items():
        clip = task.clip(3)
        photo = sources.SOURCES[int(task.truth["photograph"][3])]
        assert photo.author in clip.author and photo.licence in clip.licence and photo.split == split
        assert clip.title == f"A handwritten {task.truth['digit'][3]} moves {task.classes[task.labels[3]]}"
        assert clip.frames.equal(task.frames[3]) and clip.mask is not None and clip.mask.equal(task.masks[3])
    with pytest.raises(IndexError, match="no clip 64"):
        splits["train"].clip(N)


@pytest.mark.parametrize("change, says", [
    ({"n": 0}, "n must be a whole number from 1 to"), ({"n": True}, "n must be a whole number"),
    ({"seed": -1}, "seed must be a whole number from 0 to"), ({"seed": 2**40}, "to 4294967296"),
    ({"first": -1}, "first must be"), ({"split": "tset"}, "did you mean 'test'?"),
    ({"setting": "mian"}, "did you mean 'main'?"), ({"side": 8}, "side must be a whole number from 16 to 256; got 8"),
    ({"frames": 1}, "frames must be a whole number from 2 to 32; got 1")])
def test_one_sentence_for_what_cannot_be_drawn(change, says):
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        motion_task(**{"n": 1, "seed": 0} | change)
    assert "\n" not in str(error.value)
