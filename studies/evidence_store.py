"""The numbers of the evidence, collected in studies/results/evidence.json; page and plots are made from this file.

    evidence["motion"]["short/softmax"]["0"]     one model: its JSON file, and what was measured
    evidence["dose" | "control" | "late" | "breadth" | "front" | "rates"]
                                                 the results that studies/training_sets.py wrote
    evidence["fine"]                             the finer models, from their JSON files

A model is measured once. It is measured again only if its weights or the settings of the measurement have changed.
"""
from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from linviz.atomic_write import write_atomically
from linviz.clips import motion_task
from linviz.models import pretrained
from linviz.models.arms import training_jobs
from linviz.models.checkpoints import FOLDER, find_checkpoint, read_card, stored_models
from linviz.models.examples import pack_examples

from .model_measures import CLIPS, SEALED_SEED, measure_model, measure_settings, right_answers

RESULTS = Path(__file__).with_name("results")
EVIDENCE, SEALED = RESULTS / "evidence.json", RESULTS / "sealed.json"
BUDGETS, SETS = ("short", "long"), ("dose", "control", "late", "breadth", "front", "rates")
Record = dict[str, Any]


def read_results(path: Path = EVIDENCE) -> Record:
    """The stored numbers; an empty dictionary if there are none."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write_results(record: Record, path: Path = EVIDENCE) -> None:
    """Store numbers with five digits; further digits differ between machines."""
    write_atomically(path, json.dumps(round_numbers(record), indent=1) + "\n")


def round_numbers(x: Any) -> Any:
    """Every number with five digits after the point; NaN and infinity become None, as JSON has neither.

    >>> round_numbers({"a": [0.1234567, float("nan")], "n": 3})
    {'a': [0.12346, None], 'n': 3}
    """
    if isinstance(x, dict):
        return {key: round_numbers(value) for key, value in x.items()}
    if isinstance(x, list):
        return [round_numbers(value) for value in x]
    if isinstance(x, float):
        return round(x, 5) if math.isfinite(x) else None
    return x


def gather_results(path: Path, say: Callable[[str], None] = print) -> Record:
    """Collect all results. Stored numbers of a model are reused; those of a new model are stored at once."""
    before = read_results(path)
    kept = before.get("motion", {}) if before.get("settings") == measure_settings() else {}
    record: Record = {which: set_results(which) for which in SETS} | {
        "settings": measure_settings(), "fine": fine_results(), "motion": {},
        "wanted": {which: sum(1 for _ in training_jobs(which)) for which in (*SETS, "fine")},
        "versions": {"torch": torch.__version__, "python": platform.python_version()}}
    for budget, name, seed in stored_models():
        if budget in BUDGETS:
            own = record["motion"].setdefault(f"{budget}/{name}", {})
            own[str(seed)] = model_numbers(budget, name, seed, kept, say)
            write_results(record | {"motion": kept | record["motion"]}, path)
    write_results(record, path)
    return read_results(path)


def model_numbers(budget: str, name: str, seed: int, kept: Record, say: Callable[[str], None]) -> Record:
    """A model's numbers: the stored ones if its weights are unchanged, else measured now."""
    record = read_card(find_checkpoint(name, seed, budget))
    old = kept.get(f"{budget}/{name}", {}).get(str(seed), {})
    if old.get("sha256") == record["sha256"]:
        return dict(old)
    say(f"{budget} {name}, seed {seed}")
    curve = [[r["step"], r["held_out"]] for r in record["curve"]]
    return card_row(record) | {"sha256": record["sha256"],
                               "curve": curve} | measure_model(pretrained(name, seed, budget))


def card_row(record: Record) -> Record:
    """What the page needs from a model's JSON file."""
    return {"seed": record["seed"], "parameters": record["parameters"], "seconds": record["seconds"],
            "steps": record["recipe"]["steps"], "digest": record["digest"], "recorded": record["test_accuracy"],
            "recorded_layers": record["layers"]}


def set_results(which: str) -> list[Record]:
    """The results of a set that is not shipped; an empty list if it has not been run."""
    return [result_row(json.loads(path.read_text())) for path in sorted((RESULTS / which).glob("*.json"))]


def fine_results() -> list[Record]:
    """The finer models, from their JSON files."""
    return [result_row(json.loads(path.read_text())) for path in sorted((FOLDER / "fine").glob("*.json"))]


def result_row(record: Record) -> Record:
    """A result with its name, recorded accuracy, options and learning rate, and the accuracy on its last batches."""
    return card_row(record) | {"name": record["name"], "tests": record["tests"], "options": record["recipe"]["options"],
                               "rate": record["recipe"]["rate"], "training_accuracy": record["curve"][-1]["accuracy"]}


def measure_sealed(today: str, before: Record) -> Record:
    """Accuracy of every short and long model on the sealed split. ValueError if it was opened for these models."""
    models = list(model_digests())
    now = {key: sha for key, _, sha in models}
    if before.get("digests") == now:
        raise ValueError(f"the sealed split was opened on {before['date']} for exactly these models: a second "
                         "look would show nothing new. Its numbers are in studies/results/sealed.json.")
    task = pack_examples(motion_task(CLIPS, SEALED_SEED, "sealed", opened=True))
    found = {key: sum(right_answers(pretrained(*which), task)) / CLIPS for key, which, _ in models}
    return {"date": today, "seed": SEALED_SEED, "clips": CLIPS, "accuracy": found, "digests": now,
            "earlier": [*before.get("earlier", []), before["date"]] if before else []}


def model_digests() -> Iterator[tuple[str, tuple[str, int, str], str]]:
    """Every shipped model of the two budgets: its key, its (name, seed, budget), and the digest of its weights."""
    for budget, name, seed in stored_models():
        if budget in BUDGETS:
            card = read_card(find_checkpoint(name, seed, budget))
            yield f"{budget}/{name}/{seed}", (name, seed, budget), card["sha256"]

