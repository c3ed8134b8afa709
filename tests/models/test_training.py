"""Training: something is learned, a stopped run goes on to the same numbers, no file is left half-written."""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from linviz.atomic_write import write_atomically
from linviz.models import Data, Examples, Recipe, Shape, train
from linviz.models import training as module
from linviz.models.arms import LONG, MAIN, arm_recipe, gate_parameters, training_jobs
from linviz.models.recipe import RATES
from linviz.models.run_files import read_tensors
from linviz.models.training import clip_order, learning_rate

TINY = Shape(frames=2, side=6, tubelet=(1, 3, 3), channels=12, heads=2, blocks=1)
RECIPE = Recipe("relu_floor+gate", shape=TINY, steps=60, batch=16, pool=128, tests=64, rate=1e-2)


def brighter(n: int, seed: int) -> Examples:
    """Which half of the picture is bright: something that a mean over tokens can learn in seconds."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (n,), generator=draw)
    frames = torch.randint(0, 80, (n, 2, 1, 6, 6), generator=draw, dtype=torch.uint8)
    frames[labels == 1, ..., :3] += 120
    frames[labels == 0, ..., 3:] += 120
    return Examples(frames, labels, ("right", "left"))


DATA = Data(brighter(128, 0), brighter(64, 1))


class Stopped(Exception):
    pass


def stop_at(step: int):
    def progress(run, loss, right):
        if run.step == step:
            raise Stopped
    return progress


@pytest.fixture(scope="module")
def whole():
    return train(RECIPE, data=DATA)


def test_something_is_learned(whole):
    assert whole.curve[-1]["loss"] < 0.75 * 0.69 and whole.curve[-1]["held_out"] > 0.9
    assert [row["step"] for row in whole.curve] == [50, 60]


def test_a_stopped_run_goes_on_to_the_same_numbers(whole, tmp_path: Path):
    keep = tmp_path / "run.going"
    for step in (17, 53):  # before anything was kept, and after
        with pytest.raises(Stopped):
            train(RECIPE, data=DATA, keep=keep, progress=stop_at(step))
    assert read_tensors(keep)[1]["step"] == 50
    again = train(RECIPE, data=DATA, keep=keep)
    assert again.curve == whole.curve
    for name, p in whole.model.state_dict().items():
        assert torch.equal(p, again.model.state_dict()[name]), name


def test_another_runs_file_is_refused_and_left(tmp_path: Path):
    keep = tmp_path / "run.going"
    train(replace(RECIPE, steps=2), data=DATA, keep=keep)
    before = keep.read_bytes()
    with pytest.raises(ValueError, match=r"holds another run \(seed 0, relu_floor\+gate, 2 steps\)"):
        train(RECIPE, data=DATA, keep=keep)
    assert keep.read_bytes() == before
    keep.write_bytes(before[:200])
    with pytest.raises(ValueError, match="incomplete or not a file of linviz"):
        train(replace(RECIPE, steps=2), data=DATA, keep=keep)


def test_killed_while_writing_the_last_good_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "a.bin"
    write_atomically(target, b"good")

    def broken(_: int) -> None:
        raise KeyboardInterrupt
    monkeypatch.setattr("linviz.atomic_write.os.fsync", broken)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, b"half of something new")
    assert target.read_bytes() == b"good" and list(tmp_path.iterdir()) == [target]


def test_every_clip_once_a_round_in_another_order():
    rounds = [torch.cat([clip_order(10, 3, 0, step) for step in range(3 * r, 3 * r + 3)]) for r in (0, 1)]
    assert all(len(r.unique()) == 9 for r in rounds) and not torch.equal(*rounds)
    assert torch.equal(clip_order(10, 3, 0, 4), clip_order(10, 3, 0, 4))
    assert not torch.equal(clip_order(10, 3, 1, 0), rounds[0][:3])
    assert len(clip_order(2, 32, 0, 5)) == 2


def test_the_rate_rises_and_falls():
    rates = [learning_rate(Recipe(), step) for step in range(800)]
    assert max(rates) == pytest.approx(2e-3) and rates.index(max(rates)) == 79
    assert all(a > b for a, b in zip(rates[80:], rates[81:], strict=False)) and rates[-1] < 1e-7


def test_threads_are_as_before():
    before = torch.get_num_threads()
    with module.single_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_another_recipe_has_another_digest():
    digests = {replace(Recipe(), **change).digest() for change in (
        {}, {"spec": "relu"}, {"steps": 801}, {"setting": "hard"}, {"options": {"floor": 0.1}}, {"test_seed": 2},
        {"shape": Shape(channels=96)}, {"rate": 1e-3}, {"start": "abc"})}
    assert len(digests) == 9
    wide = arm_recipe("relu_floor~wide", "long")
    assert Recipe.read(json.loads(json.dumps(wide.told()))) == wide


def test_the_control_of_the_gate_has_as_many_numbers():
    from linviz.models import VideoTransformer
    sizes = {name: sum(p.numel() for p in VideoTransformer(r.spec, shape=r.shape).parameters())
             for name, r in ((n, arm_recipe(n)) for n in ("relu_floor", "relu_floor+gate", "relu_floor~wide"))}
    assert sizes["relu_floor+gate"] - sizes["relu_floor"] == gate_parameters("relu_floor") == 4704
    assert abs(sizes["relu_floor~wide"] - sizes["relu_floor+gate"]) < 3 * 97 / 2 + 1


def test_the_sets_are_what_they_say():
    assert {j.seed for j in training_jobs("short")} == set(range(5))
    assert len({j.name for j in training_jobs("long")}) == len(LONG) == 18
    fine = list(training_jobs("fine"))
    assert len(fine) == 5 and all(len(j.recipe.shape.grid) >= 1024 for j in fine)
    for which in ("short", "long", "fine", "dose", "control", "late", "breadth", "front", "rates"):
        listed = [(j.name, j.seed) for j in training_jobs(which)]
        assert len(set(listed)) == len(listed) > 0


def test_arms_at_other_rates_differ_in_nothing_else():
    jobs = list(training_jobs("rates"))
    assert len(jobs) == len(MAIN) * len(RATES) * 3 == 54 and [j.seed for j in jobs] == sorted(j.seed for j in jobs)
    for job in jobs:
        plain = arm_recipe(job.name.partition("~rate=")[0])
        assert job.recipe == replace(plain, rate=job.recipe.rate)
        assert (job.recipe.rate == Recipe.rate) == ("~rate=" not in job.name)
    assert {j.recipe.rate for j in jobs} == set(RATES) and Recipe.rate in RATES


def test_mistakes_get_a_sentence():
    for call, match in ((lambda: arm_recipe("softmax", "huge"), "no budget called 'huge'; there are: short, long"),
                        (lambda: arm_recipe("softmax~blue"), "no variant called 'blue'"),
                        (lambda: Recipe(steps=0), "steps must be a whole number from 1 up; got 0"),
                        (lambda: train(Recipe(task="dance", steps=1)), "no task called 'dance'")):
        with pytest.raises(ValueError, match=match):
            call()
