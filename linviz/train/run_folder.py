"""The files of a run in its folder: what is finished, what continues, and what may not be replaced.

    softmax.0.safetensors  softmax.0.json  softmax.0.csv        finished
    softmax.0.going                                             interrupted: the same command continues from it
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..models.recipe import Recipe
from ..models.run_files import check_state
from ..safe_output import check_output, is_read

ENDINGS = (".safetensors", ".json", ".csv", ".going")
SCORES = {"test_accuracy", "test_r2"}


def check_run_folder(out: Path, data: Path | None) -> None:
    """ValueError, in one sentence, if runs cannot be written to this folder."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"cannot write to {out}: it is a file; name a folder with --out")
    if data is not None and is_read(out, data):
        raise ValueError(f"cannot write to {out}: it lies in {data}, whose folders are classes of clips; name another "
                         "folder with --out")


def check_run_files(path: Path, recipe: Recipe, seed: int, force: bool) -> None:
    """ValueError, in one sentence, if a run would replace files that are not its own; `force` permits that."""
    going = unfinished_path(path)
    if going.exists() and not force:
        check_state(going, recipe, seed)
    own = force or going.exists()
    for ending in ENDINGS:
        if path.parent.is_dir():
            check_output(path.with_suffix(ending), force=own)


def remove_foreign_state(path: Path, recipe: Recipe, seed: int) -> None:
    """Remove the state of another interrupted run, or a broken one."""
    going = unfinished_path(path)
    try:
        if going.exists():
            check_state(going, recipe, seed)
    except ValueError:
        going.unlink()


def unfinished_path(path: Path) -> Path:
    """The file with the state of an unfinished run."""
    return path.with_suffix(".going")


def is_finished(path: Path, recipe: Recipe, force: bool = False) -> bool:
    """Whether exactly this recipe has been trained; ValueError if another recipe has this file, without `force`."""
    there = path.with_suffix(".json")
    same = there.exists() and read_card(there).get("digest") == recipe.digest()
    if there.exists() and not same and not force:
        raise ValueError(f"{path} is a model of another recipe: name another folder with --out, or replace it with "
                         "--force")
    return same and path.exists()


def read_card(path: Path) -> dict[str, Any]:
    """The JSON of a model; empty for any other file."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or not {"digest", "tests", "seconds"} <= found.keys():
        return {}
    return found if SCORES & found.keys() else {}


def run_summary(path: Path) -> str:
    """A finished run in a few words."""
    card = read_card(path.with_suffix(".json"))
    if "test_r2" in card:
        score = f"R2 {card['test_r2']:.3f} on {card['tests']:,} held-out windows"
    else:
        score = f"{card['test_accuracy']:.3f} of {card['tests']:,} held-out clips right"
    return f"{score}, {card['seconds']:.0f} s, {path}"
