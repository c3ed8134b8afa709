"""Shipped models: each is the one its JSON tells of, and what was altered is refused."""
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from linviz.clips import motion_task, reverse_clips
from linviz.models import Recipe, VideoTransformer, pretrained, stored_models
from linviz.models.arms import CORE, LONG, training_jobs
from linviz.models.checkpoints import FOLDER, canonical_name, file_slug, find_checkpoint, read_card
from linviz.models.examples import draw_examples
from linviz.models.training import accuracy, single_thread

MOST = 8_000_000  # bytes of all shipped models, and of all that ever were
ROOT = Path(__file__).parents[2]


def files() -> list[Path]:
    return sorted(FOLDER.glob("*/*.safetensors"))


def test_every_model_of_every_set_is_there() -> None:
    there = set(stored_models())
    for which in {budget for budget, _, _ in there}:
        missing = {(j.set, j.name, j.seed) for j in training_jobs(which)} - there
        assert not missing
    assert {b for b, _, _ in there} >= {"short", "long"} and set(CORE) <= set(LONG)


def test_each_was_trained_by_the_recipe_of_today() -> None:
    sets = ("short", "long", "fine", "painters")
    wanted = {(j.set, j.name, j.seed): j.recipe for which in sets for j in training_jobs(which)}
    for path in files():
        told = read_card(path)
        recipe = wanted[path.parent.name, told["name"], told["seed"]]
        assert told["digest"] == recipe.digest() and Recipe.read(told["recipe"]) == recipe, path.name
        assert told["curve"][-1]["step"] == recipe.steps and len(told["layers"]) == 3
        assert path == find_checkpoint(told["name"], told["seed"], path.parent.name)


def test_all_of_them_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < MOST
    assert all(path.stat().st_size < 440_000 for path in files())


def test_the_history_holds_no_more_than_that() -> None:
    listed = subprocess.run(["git", "rev-list", "--objects", "--all", "--", "linviz/models/shipped"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    objects = "\n".join(line.split()[0] for line in listed.splitlines() if line.endswith((".safetensors", ".json")))
    sizes = subprocess.run(["git", "cat-file", "--batch-check=%(objectsize)"], cwd=ROOT, input=objects,
                           capture_output=True, text=True, check=True).stdout
    assert sum(map(int, sizes.split())) < MOST


@pytest.mark.parametrize("name, budget", [("softmax", "short"), ("relu_floor+gate+shift", "long")])
def test_a_model_is_as_accurate_as_it_says(name: str, budget: str) -> None:
    told = read_card(find_checkpoint(name, 0, budget))
    tests = draw_examples("motion", "main", told["tests"], told["recipe"]["test_seed"], "test")
    with single_thread():
        found = accuracy(pretrained(name, 0, budget), tests)
    assert abs(found - told["test_accuracy"]) <= 1.5 / told["tests"]


def test_backwards_is_the_opposite_way() -> None:
    task = motion_task(64, seed=3, split="test")
    back = reverse_clips(task)
    with single_thread(), torch.no_grad():
        said = pretrained("softmax", 0, "long")(back.frames).argmax(-1)
    assert (said == back.labels).float().mean() > 0.8 and (said == task.labels).float().mean() < 0.1


def test_what_was_altered_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "short"
    folder.mkdir()
    path = find_checkpoint("relu", 0, "short")
    for part in (path, path.with_suffix(".json")):
        shutil.copy(part, folder)
    copy = folder / path.name
    assert isinstance(pretrained("relu", 0, "short", tmp_path), VideoTransformer)
    data = bytearray(copy.read_bytes())
    data[-7] ^= 1
    copy.write_bytes(bytes(data))
    with pytest.raises(ValueError, match="is not the file that was trained"):
        pretrained("relu", 0, "short", tmp_path)
    copy.with_suffix(".json").write_text(json.dumps(read_card(path))[:300])
    with pytest.raises(ValueError):
        pretrained("relu", 0, "short", tmp_path)


def test_names() -> None:
    there = [file_slug(canonical_name(name)) for name in LONG]
    assert len(set(there)) == len(there) and not set("".join(there)) & set('+:@~<>"/\\|?*')
    for call, match in ((lambda: pretrained("softmax", 9), r"seeds \[0, 1, 2, 3, 4\]; there is no 9"),
                        (lambda: pretrained("swin"), "no short model called 'swin'; there are: "),
                        (lambda: pretrained("softmax", 0, "huge"), "no budget called 'huge'")):
        with pytest.raises(ValueError, match=match):
            call()
