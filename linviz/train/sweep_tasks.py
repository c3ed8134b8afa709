"""One run of a sweep as a task that a worker of Dask does: names and numbers travel, the worker reads clips itself."""
from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from ..atomic_write import write_atomically
from ..models.checkpoints import ship_model
from ..models.examples import Data, make_data
from ..models.own_data import read_folder
from ..models.own_pictures import read_picture_folder
from ..models.recipe import Recipe
from ..models.training import train
from ..models.training_run import Run
from .run_folder import unfinished_path


@dataclass(frozen=True)
class RunTask:
    """An arm with a seed, the file of its model, and the folder of a person's own clips, if they are its examples."""

    name: str
    seed: int
    recipe: Recipe
    path: str
    device: str | None = None
    data: str | None = None


def run_on_worker(task: RunTask) -> str:
    """Train one model, or go on with it, and write its files; the path of the model."""
    path, data = Path(task.path), task_data(task)
    done = train(task.recipe, task.seed, data=data, keep=unfinished_path(path), device=task.device)
    write_run(done, task.name, path, data)
    return str(path)


def task_data(task: RunTask) -> Data:
    """The examples of a task, drawn or read; ValueError where a person's clips are not those of the recipe."""
    if task.data is None:
        return make_data(task.recipe)
    folder, (setting, _, digest) = Path(task.data), task.recipe.setting.rpartition(" ")
    own = read_picture_folder(folder, setting) if setting else read_folder(folder, task.recipe.shape)
    if own.digest() != digest:
        raise ValueError(f"the clips in {task.data} are not those that this sweep began with")
    return own.data


def write_run(done: Run, name: str, path: Path, data: Data) -> None:
    """The files of a finished run: model, recipe and curve; the file of the unfinished run goes."""
    ship_model(done, name, path.parent, data)
    write_atomically(path.with_suffix(".csv"), curve_csv(done))
    unfinished_path(path).unlink(missing_ok=True)


def curve_csv(run: Run) -> str:
    """The curve as CSV, one row every 50 steps."""
    out = io.StringIO()
    rows = csv.DictWriter(out, fieldnames=list(run.curve[0]), lineterminator="\n")
    rows.writeheader()
    rows.writerows(run.curve)
    return out.getvalue()
