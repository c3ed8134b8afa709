"""The numbers of the evidence: gathered into studies/results/evidence.json, from which page and plots are written.

    evidence["motion"]["short/softmax"]["0"]     one model: what its JSON tells, and what was measured of it
    evidence["dose" | "control" | "late" | "breadth" | "front"]
                                                 the results that studies/sets.py left
    evidence["fine"]                             the finer models, as their JSON tells

A model is measured once: again only if its weights or the settings of the measurement have changed.
"""
from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from linviz.clips import motion_task
from linviz.models import pretrained
from linviz.models.arms import jobs
from linviz.models.checkpoints import FOLDER, card, find, shipped
from linviz.models.examples import stored
from linviz.whole import write_whole

from .model_measures import CLIPS, SEALED_SEED, measure_model, measure_settings, right_answers

RESULTS = Path(__file__).with_name("results")
EVIDENCE, SEALED = RESULTS / "evidence.json", RESULTS / "sealed.json"
BUDGETS, SETS = ("short", "long"), ("dose", "control", "late", "breadth", "front")
Told = dict[str, Any]


def read_results(path: Path = EVIDENCE) -> Told:
    """Numbers that were kept; nothing where there are none."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write_results(told: Told, path: Path = EVIDENCE) -> None:
    """Keep numbers, five digits of each: what was computed beyond is not the same on another machine anyway."""
    write_whole(path, json.dumps(round_numbers(told), indent=1) + "\n")


def round_numbers(x: Any) -> Any:
    """Every number with five digits after the point; what is no number, null, as JSON has no NaN.

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


def gather_results(path: Path, say: Callable[[str], None] = print) -> Told:
    """All that there is today; models measured before keep their numbers, and every new one is kept at once."""
    before = read_results(path)
    kept = before.get("motion", {}) if before.get("settings") == measure_settings() else {}
    told: Told = {"settings": measure_settings(), "fine": fine_results(),
                  "motion": {}} | {which: set_results(which) for which in SETS} | {
        "wanted": {which: sum(1 for _ in jobs(which)) for which in (*SETS, "fine")},
        "versions": {"torch": torch.__version__, "python": platform.python_version()}}
    for budget, name, seed in shipped():
        if budget in BUDGETS:
            own = told["motion"].setdefault(f"{budget}/{name}", {})
            own[str(seed)] = model_numbers(budget, name, seed, kept, say)
            write_results(told | {"motion": kept | told["motion"]}, path)
    write_results(told, path)
    return read_results(path)


def model_numbers(budget: str, name: str, seed: int, kept: Told, say: Callable[[str], None]) -> Told:
    """A model's numbers: kept ones if its weights are still those, else measured now."""
    told = card(find(name, seed, budget))
    old = kept.get(f"{budget}/{name}", {}).get(str(seed), {})
    if old.get("sha256") == told["sha256"]:
        return dict(old)
    say(f"{budget} {name}, seed {seed}")
    curve = [[r["step"], r["held_out"]] for r in told["curve"]]
    return card_row(told) | {"sha256": told["sha256"], "curve": curve} | measure_model(pretrained(name, seed, budget))


def card_row(told: Told) -> Told:
    """What stands in a model's JSON and belongs on the page."""
    return {"seed": told["seed"], "parameters": told["parameters"], "seconds": told["seconds"],
            "steps": told["recipe"]["steps"], "digest": told["digest"], "recorded": told["test_accuracy"],
            "recorded_layers": told["layers"]}


def set_results(which: str) -> list[Told]:
    """The results of a set that is not shipped; an empty list where it has not been run."""
    return [result_row(json.loads(path.read_text())) for path in sorted((RESULTS / which).glob("*.json"))]


def fine_results() -> list[Told]:
    """The finer models, as their own JSON tells."""
    return [result_row(json.loads(path.read_text())) for path in sorted((FOLDER / "fine").glob("*.json"))]


def result_row(told: Told) -> Told:
    """A result by its name, with the accuracy that was recorded."""
    return card_row(told) | {"name": told["name"], "tests": told["tests"], "options": told["recipe"]["options"]}


def measure_sealed(today: str, before: Told) -> Told:
    """Accuracy of every short and long model on the sealed split. ValueError where it was opened for these models."""
    models = list(model_digests())
    now = {key: sha for key, _, sha in models}
    if before.get("digests") == now:
        raise ValueError(f"the sealed split was opened on {before['date']} for these very models: a second look would "
                         "show nothing new. Its numbers are in studies/results/sealed.json.")
    task = stored(motion_task(CLIPS, SEALED_SEED, "sealed", opened=True))
    found = {key: sum(right_answers(pretrained(*which), task)) / CLIPS for key, which, _ in models}
    return {"date": today, "seed": SEALED_SEED, "clips": CLIPS, "accuracy": found, "digests": now,
            "earlier": [*before.get("earlier", []), before["date"]] if before else []}


def model_digests() -> Iterator[tuple[str, tuple[str, int, str], str]]:
    """Every shipped model of the two budgets: a key, how to ask for it, and the digest of its weights."""
    for budget, name, seed in shipped():
        if budget in BUDGETS:
            yield f"{budget}/{name}/{seed}", (name, seed, budget), card(find(name, seed, budget))["sha256"]

