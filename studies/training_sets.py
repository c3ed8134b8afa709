"""Train the sets of models on which linviz's evidence rests.

    python3 start.py study sets short long fine dose control late breadth front rates
    python3 start.py study sets layers_motion layers_colour
    python3 start.py study sets colour colour_half colour_heads colour_plain colour_exchanged colour_long

A model whose recipe has not changed is not trained again, and an interrupted training continues. The models of short,
long and fine are shipped in linviz/models/shipped. Of the other sets only the results are stored, in studies/results.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from linviz.atomic_write import write_atomically
from linviz.models import VideoTransformer
from linviz.models.arms import COLOUR_SETS, Job, training_jobs
from linviz.models.checkpoints import FOLDER, file_slug, pretrained, ship_model
from linviz.models.colour_looking import painting_checks
from linviz.models.colour_model import ColourModel
from linviz.models.examples import ColourExamples, make_data, task_maker
from linviz.models.looking import measure_layers
from linviz.models.recipe import Recipe
from linviz.models.training import single_thread, train
from linviz.models.training_run import Run

from .evidence_store import RESULTS, SETS
from .map_peaks import peak_layers

RUNS = Path(__file__).resolve().parents[1] / "runs"
SHIPPED = ("short", "long", "fine", "painters")
LAYER_SETS = ("layers_motion", "layers_colour")
LOOKED_AT = {"fine": 4}  # clips whose maps are measured; 32 in the other sets


def main(arguments: list[str] | None = None) -> None:
    """Train what is missing, one model after another."""
    parser = argparse.ArgumentParser(prog="start.py study sets", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", choices=(*SHIPPED, *SETS, *COLOUR_SETS, *LAYER_SETS))
    parser.add_argument("--seeds", type=int, default=99, help="only this many seeds, from 0 on")
    parser.add_argument("--names", nargs="*", help="only these arms")
    options = parser.parse_args(arguments)
    for which in options.sets:
        for job in training_jobs(which):
            if job.seed < options.seeds and (not options.names or job.name in options.names) and not is_done(job):
                train_job(job)


def model_folder(job: Job) -> Path:
    """The folder of a job's models: inside the package if they are shipped, else one that git ignores."""
    return (FOLDER if job.set in SHIPPED else RUNS) / job.set


def result_path(job: Job) -> Path:
    """The file with a job's result."""
    folder = model_folder(job) if job.set in SHIPPED else RESULTS / job.set
    return folder / f"{file_slug(job.name)}.{job.seed}.json"


def is_done(job: Job) -> bool:
    """Whether the result of exactly this recipe exists."""
    path = result_path(job)
    return path.exists() and read_digest(path) == job.recipe.digest()


def train_job(job: Job) -> None:
    """Train one model, measure its maps, and store both; the result of the same run in another set is copied."""
    if same := same_result(job):
        write_atomically(result_path(job), same.read_bytes(), folder=True)
        if job.set in SHIPPED:
            weights = same.with_suffix(".safetensors").read_bytes()
            write_atomically(result_path(job).with_suffix(".safetensors"), weights)
        return
    keep = RUNS / "going" / f"{job.set}-{file_slug(job.name)}-{job.seed}.safetensors"
    run = train(job.recipe, job.seed, keep=keep, start=starting_model(job))
    path = ship_model(run, job.name, model_folder(job), more=map_measures(job, run))
    if job.set not in SHIPPED:
        write_atomically(result_path(job), path.with_suffix(".json").read_bytes(), folder=True)
    keep.unlink()
    record = json.loads(path.with_suffix(".json").read_text())
    score = record.get("test_accuracy", record.get("test_r2"))
    print(f"{job.set:8} {job.name:26} seed {job.seed}: {score:.3f} in {run.seconds:.0f} s",
          flush=True)


def same_result(job: Job) -> Path | None:
    """The file with the result of the same recipe and seed in another set, if there is one; with its weights beside
    it for a model that is to be shipped.
    """
    others = (*SETS, *COLOUR_SETS, *LAYER_SETS)
    folders = [RUNS / which for which in others] if job.set in SHIPPED else [
        *(FOLDER / which for which in ("short", "long")), *(RESULTS / which for which in others)]
    found = (folder / result_path(job).name for folder in folders)
    return next((path for path in found if path.exists() and read_digest(path) == job.recipe.digest()), None)


def read_digest(path: Path) -> str:
    """The digest of the recipe of a result."""
    return str(json.loads(path.read_text()).get("digest"))


def map_measures(job: Job, run: Run) -> dict[str, Any]:
    """The measures of the trained maps, on held-out clips; in Breadth also those that signed maps have.

    Of a model that paints: what its score relies on.
    """
    if isinstance(run.model, ColourModel):
        return colour_checks(run.model.cpu(), job.recipe)
    task = task_maker(job.recipe.task)(32, job.recipe.test_seed, "test", job.recipe.setting)
    with single_thread():
        layers = measure_layers(run.model.cpu(), task, LOOKED_AT.get(job.set, 32))
        peaks = peak_layers(run.model, task) if job.set == "breadth" else [{} for _ in layers]
    return {"layers": [layer | more for layer, more in zip(layers, peaks, strict=True)]}


def colour_checks(model: ColourModel, recipe: Recipe) -> dict[str, Any]:
    """The checks of a model that paints."""
    data = make_data(recipe)
    assert isinstance(data.train, ColourExamples) and isinstance(data.test, ColourExamples)
    with single_thread():
        return painting_checks(model, data.train, data.test)


def starting_model(job: Job) -> VideoTransformer | None:
    """The model from which training starts, if the recipe names one."""
    return pretrained(job.name, 0, "long") if job.recipe.start else None


if __name__ == "__main__":
    main()
