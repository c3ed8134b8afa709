"""Shipped models: half-precision weights, each with a JSON file that says how it was trained.

    shipped/short/relu_floor-gate.0.safetensors      shipped/short/relu_floor-gate.0.json

The JSON holds the recipe and its digest, the seed, the learning curve, the held-out accuracy (or R2) of exactly these
weights, seconds, versions, and the SHA-256 of the weights: an altered file is refused.
"""
from __future__ import annotations

import hashlib
import json
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from ..atomic_write import write_atomically
from .examples import Data, make_data
from .initial_values import recipe_model
from .layer_specs import canonical_spec
from .recipe import Recipe
from .training import accuracy, single_thread
from .training_run import Run
from .video_transformer import VideoTransformer

FOLDER = Path(__file__).with_name("shipped")


def pretrained(name: str, seed: int = 0, budget: str = "short", folder: Path | None = None) -> VideoTransformer:
    """A shipped model, ready to use, on the CPU in float32. Raises ValueError, in one sentence, if there is none.

    name: a spec, or a spec with a word after "~" for a variant of it (see `stored_models`).

    >>> model = pretrained("relu_floor+gate")
    >>> model(torch.zeros(1, 8, 3, 36, 36)).shape
    torch.Size([1, 8])
    """
    return load_checkpoint(find_checkpoint(name, seed, budget, folder or FOLDER))


def load_checkpoint(path: Path) -> VideoTransformer:
    """The model in a file that `linviz train` wrote, as `pretrained` gives it. ValueError if it cannot be used.

    >>> load_checkpoint(find_checkpoint("softmax", 0, "short")).spec
    'softmax'
    """
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}: `linviz train` writes some into a folder runs")
    return _load_checkpoint(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _load_checkpoint(path: Path, changed: int) -> VideoTransformer:
    """A model, read once and shared by all callers: copy it before altering it. changed: when its file last changed."""
    told, data = read_card(path), path.read_bytes()
    if hashlib.sha256(data).hexdigest() != told["sha256"]:
        raise ValueError(f"{path.name} is not the file that was trained (its SHA-256 differs from the one in its "
                         f"JSON): take both from the same version of linviz")
    recipe = Recipe.read(told["recipe"])
    model = recipe_model(recipe, len(told["classes"]), told["seed"])
    try:
        model.load_state_dict({key: x.float() if x.is_floating_point() else x for key, x in load(data).items()})
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path.name} does not fit the model of its own JSON: {error}") from error
    return model.eval().requires_grad_(False)


def read_card(path: Path) -> dict[str, Any]:
    """The content of the JSON beside a checkpoint; ValueError if it is missing or incomplete."""
    try:
        told: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
        if {"recipe", "seed", "sha256", "classes"} - told.keys():
            raise KeyError("it lacks " + ", ".join({"recipe", "seed", "sha256", "classes"} - told.keys()))
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path.name} cannot be used without its JSON beside it: {error}") from error
    return told


def find_checkpoint(name: str, seed: int, budget: str, folder: Path = FOLDER) -> Path:
    """The path of a model; ValueError, with the models there are, if it does not exist."""
    there = stored_models(folder)
    budgets = sorted({b for b, _, _ in there})
    if budget not in budgets:
        raise ValueError(f"no budget called {budget!r}; there are: {', '.join(budgets) or 'none here'}")
    wanted = canonical_name(name)
    seeds = [s for b, n, s in there if (b, n) == (budget, wanted)]
    if not seeds:
        names = ", ".join(dict.fromkeys(n for b, n, _ in there if b == budget))
        raise ValueError(f"no {budget} model called {name!r}; there are: {names}. `linviz train` makes others.")
    if seed not in seeds:
        raise ValueError(f"the {budget} model {name!r} was trained with the seeds {seeds}; there is no {seed}")
    return folder / budget / f"{file_slug(wanted)}.{seed}.safetensors"


def stored_models(folder: Path = FOLDER) -> list[tuple[str, str, int]]:
    """Budget, name and seed of every model in a folder.

    >>> ("short", "relu_floor+gate", 0) in stored_models()
    True
    """
    found = []
    for path in sorted(folder.glob("*/*.json")):
        told = json.loads(path.read_text())
        found.append((path.parent.name, str(told["name"]), int(told["seed"])))
    return found


def canonical_name(name: str) -> str:
    """A model's name in its shortest form: a spec, and perhaps a variant.

    >>> canonical_name("relu_floor+gate:qkv~wide"), canonical_name("softmax/relu+gate:qkv")
    ('relu_floor+gate~wide', 'softmax/relu+gate')
    """
    spec, mark, variant = name.partition("~")
    return canonical_spec(spec) + mark + variant


def file_slug(name: str) -> str:
    """A name as a file name that is valid on every system.

    >>> file_slug("relu_floor+gate:qk+shift@space"), file_slug("softmax/relu/relu")
    ('relu_floor-gate.qk-shift_at_space', 'softmax_then_relu_then_relu')
    """
    return name.replace("+", "-").replace(":", ".").replace("@", "_at_").replace("~", "__").replace("/", "_then_")


def ship_model(run: Run, name: str, folder: Path, data: Data | None = None, more: dict[str, Any] | None = None) -> Path:
    """Write a trained model and its JSON; the score in the JSON is that of the rounded weights."""
    recipe, data = run.recipe, data or make_data(run.recipe)
    tensors = {key: (x.half() if x.is_floating_point() else x).cpu().clone() for key, x in
               run.model.state_dict().items()}
    rounded = recipe_model(recipe, len(data.test.classes), run.seed)
    rounded.load_state_dict({key: x.float() if x.is_floating_point() else x for key, x in tensors.items()})
    with single_thread():
        right = accuracy(rounded, data.test)
    payload: bytes = save(tensors)
    told = {"name": canonical_name(name), "seed": run.seed, "digest": recipe.digest(), "recipe": recipe.told(),
            "classes": list(data.test.classes), f"test_{data.test.score_name}": right, "tests": len(data.test),
            "parameters": sum(p.numel() for p in rounded.parameters()), "seconds": round(run.seconds, 1),
            "curve": [{key: round(value, 5) for key, value in row.items()} for row in run.curve],
            "versions": {"torch": torch.__version__, "python": platform.python_version()},
            "sha256": hashlib.sha256(payload).hexdigest()} | (more or {})
    path = folder / f"{file_slug(canonical_name(name))}.{run.seed}.safetensors"
    write_atomically(path, payload, folder=True)
    write_atomically(path.with_suffix(".json"), json.dumps(told, indent=1) + "\n")
    return path
