"""A run's state in one file that is never half-written: weights, the optimiser's state, the step and the curve.

The format is safetensors, never pickle: a file from a stranger can be refused, but it cannot run code.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..atomic_write import write_atomically
from .recipe import Recipe
from .training_run import Run

NOTE = "linviz"  # the key of our JSON in a file's header


def keep_run(path: Path, run: Run) -> None:
    """Write the state of a run."""
    tensors = {f"model.{name}": x for name, x in run.model.state_dict().items()}
    for n, state in run.optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{n}.{name}": x for name, x in state.items()}
    note = {"recipe": run.recipe.told(), "seed": run.seed, "step": run.step, "seconds": run.seconds, "curve": run.curve}
    write_tensors(path, tensors, note)


def resume_run(path: Path, run: Run) -> None:
    """Restore the state of a run from a file; ValueError if the file holds another run."""
    tensors, note = read_tensors(path)
    _check_note(path, note, run.recipe, run.seed)
    run.model.load_state_dict({name[6:]: x for name, x in tensors.items() if name.startswith("model.")})
    held = run.optimiser.state_dict()
    for name, x in tensors.items():
        if name.startswith("adam."):
            _, n, what = name.split(".")
            held["state"].setdefault(int(n), {})[what] = x
    run.optimiser.load_state_dict(held)
    run.step, run.seconds, run.curve = note["step"], note["seconds"], note["curve"]


def check_state(path: Path, recipe: Recipe, seed: int) -> None:
    """ValueError, in one sentence, unless a file holds the state of exactly this run."""
    _check_note(path, read_tensors(path)[1], recipe, seed)


def _check_note(path: Path, note: dict[str, Any], recipe: Recipe, seed: int) -> None:
    if (note.get("recipe"), note.get("seed")) != (recipe.told(), seed):
        raise ValueError(f"{path} holds another run (seed {note.get('seed')}, {_run_words(note)}): move it away, "
                         "or name another folder")


def _run_words(note: dict[str, Any]) -> str:
    recipe = note.get("recipe") or {}
    return f"{recipe.get('spec')}, {recipe.get('steps')} steps"


def write_tensors(path: Path, tensors: dict[str, Tensor], note: dict[str, Any]) -> bytes:
    """Write tensors and a JSON note as one safetensors file; returns the bytes."""
    flat = {name: x.detach().cpu().clone().contiguous() for name, x in tensors.items()}  # a shared gate has two names
    data: bytes = save(flat, {NOTE: json.dumps(note)})
    write_atomically(path, data, folder=True)
    return data


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of `write_tensors`; ValueError, in one sentence, for an incomplete or foreign file."""
    try:
        with safe_open(path, framework="pt") as file:
            note = json.loads((file.metadata() or {})[NOTE])
            return {name: file.get_tensor(name) for name in file.keys()}, note  # noqa: SIM118 (it is no dict)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} is incomplete or not a file of linviz ({error}): move it and run again") from error
