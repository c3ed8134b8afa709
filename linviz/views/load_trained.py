"""From a `TrainedView` to answers and maps, in pure steps that a page may cache: clip, model, answer."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from .. import clips
from ..grid import Grid
from ..mechanisms import make, parse
from ..models import VideoTransformer
from ..models.checkpoints import FOLDER, find_checkpoint, pretrained, read_card, stored_models
from ..models.interventions import with_gate_strength, with_temperature
from ..models.looking import touched_tokens
from ..models.recipe import Recipe
from .state import MODELS, TrainedView
from .trained_panels import ModelAnswer, OpenTrained
from .view_checks import check_query

NONE = "no trained models came with this linviz: `linviz train` makes some"


def shipped_models(folder: Path = FOLDER) -> dict[tuple[str, int], list[str]]:
    """Names of the models of the motion task that are shipped, by budget and seed; the opening's first."""
    found: dict[tuple[str, int], list[str]] = {}
    for budget, name, seed in stored_models(folder):
        if budget == "painters":  # they answer every patch with a colour, not a clip with a direction
            continue
        found.setdefault((budget, seed), []).append(name)
    return {key: [n for n in MODELS if n in names] + [n for n in names if n not in MODELS]
            for key, names in found.items()}


def nearest_shipped(view: TrainedView, models: Mapping[tuple[str, int], list[str]]) -> tuple[TrainedView, list[str]]:
    """The nearest view whose models are shipped, and a sentence on every change: not every model has every seed.

    >>> nearest_shipped(TrainedView(budget="long", seed=3), shipped_models())[1]
    ['There are no long models with the seed 3: the seed 0 is shown.']
    """
    asked, problems = view, list[str]()
    if models and not any(budget == view.budget for budget, _ in models):
        view = replace(view, budget=next(iter(models))[0])
        problems.append(f"There are no {asked.budget} models here: the {view.budget} models are shown.")
    seeds = [seed for budget, seed in models if budget == view.budget]
    if seeds and view.seed not in seeds:
        view = replace(view, seed=seeds[0])
        problems.append(f"There are no {view.budget} models with the seed {asked.seed}: the seed {seeds[0]} is shown.")
    names = models.get((view.budget, view.seed), [])
    kept = tuple(name for name in view.specs if name in names)
    if kept != view.specs and view.specs != MODELS:
        gone = ", ".join(name for name in view.specs if name not in names)
        problems.append(f"Not among the {view.budget} models with the seed {view.seed}: {gone}.")
    more = tuple(name for name in names if name not in kept)[:max(0, 2 - len(kept))]
    if more and kept == view.specs:
        problems.append(f"At least two models stand side by side: {', '.join(more)} is added.")
    return (replace(view, specs=kept + more) if kept + more else view), problems


def model_title(name: str) -> str:
    """What a model is called: the title of its attention, and what no title says.

    >>> model_title("relu_floor+gate+shift"), model_title("relu_floor+gate:self"), model_title("relu_floor~wide")
    ('relu + floor + gate + shift', 'relu + floor + gate (self)', 'relu + floor, wider MLPs')
    >>> model_title("softmax/relu_floor+gate:self/relu")
    'softmax / relu + floor + gate (self) / relu'
    """
    spec, _, variant = name.partition("~")
    return " / ".join(map(_attention_title, spec.split("/"))) + {"": "", "wide": ", wider MLPs"}.get(
        variant, f", {variant}")


def _attention_title(spec: str) -> str:
    sees = parse(spec).gate
    title = make(spec, heads=1, width=16, grid=Grid(2, 3, 3)).title
    return title.replace(" + gate", f" + gate ({sees})") if sees not in (None, "", "qkv") else title


def clip_setting(view: TrainedView) -> str:
    """The setting of the motion task for which the models of a view were made."""
    return Recipe.read(read_card(find_checkpoint(view.specs[0], view.seed, view.budget))["recipe"]).setting


def motion_clip(setting: str, seed: int, number: int, order: str) -> clips.Task:
    """One clip of the motion task, from photographs and digits that no model was trained on, in an order of time."""
    found = clips.motion_task(1, seed, "test", setting, first=number)
    if order == "reversed":
        return clips.reverse_clips(found)
    return clips.shuffle_frames(found, seed=number) if order == "shuffled" else found


def altered_model(name: str, seed: int, budget: str, temperature: float = 1, strength: float = 1) -> VideoTransformer:
    """A shipped model, or a twin of it whose layers of softmax are warmer or whose gates are weaker."""
    found = pretrained(name, seed, budget)
    if temperature != 1:
        found = with_temperature(found, temperature, "softmax")
    return with_gate_strength(found, strength) if strength != 1 else found


@torch.no_grad()
def ask_model(model: VideoTransformer, name: str, told: dict[str, Any], task: clips.Task) -> ModelAnswer:
    """One model asked about one clip: its answer, and q, k and v of every layer. `told`: its card."""
    shares = model(task.frames).softmax(-1)[0]
    inked = touched_tokens(task.masks, model)[0]
    return ModelAnswer(name, model_title(name), told, model.shape, shares, inked, tuple(model.trace(task.frames)))


def open_trained(view: TrainedView, heading: str = "Where trained models look", guide: str = "") -> OpenTrained:
    """Ask every model of a view about its clip; ValueError where no such model is shipped or where the query
    is not on their grid."""
    task = motion_clip(clip_setting(view), view.clip_seed, view.clip, view.order)
    answers = tuple(ask_model(altered_model(name, view.seed, view.budget, **view.altered(name)), name,
                              read_card(find_checkpoint(name, view.seed, view.budget)), task) for name in view.specs)
    check_query(view.query, answers[0].shape.grid, "the clip")
    return OpenTrained(view, task.clip(0), answers, task.classes[int(task.labels[0])], heading, guide)
