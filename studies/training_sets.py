"""Train the sets that linviz's evidence stands on.

    python -m studies.sets short long fine dose control late breadth front

A model whose recipe has not changed is left as it is; one that was interrupted goes on. Models of short, long and
fine are shipped in linviz/models/shipped; of the other sets only results are kept, in studies/results.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from linviz.models import VideoTransformer
from linviz.models.arms import Job, jobs
from linviz.models.checkpoints import FOLDER, pretrained, ship, slug
from linviz.models.examples import maker
from linviz.models.looking import look
from linviz.models.training import Run, one_thread, train
from linviz.whole import write_whole

ROOT = Path(__file__).resolve().parents[1]
RESULTS, RUNS = ROOT / "studies" / "results", ROOT / "runs"
SHIPPED = ("short", "long", "fine")
LOOKED_AT = {"fine": 4}  # clips whose maps are measured; 32 where nothing else is said


def main(arguments: list[str] | None = None) -> None:
    """Train what is missing, one model after another."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("sets", nargs="+", choices=(*SHIPPED, "dose", "control", "late", "breadth", "front"))
    given.add_argument("--seeds", type=int, default=99, help="only the first so many seeds")
    given.add_argument("--names", nargs="*", help="only these arms")
    asked = given.parse_args(arguments)
    for which in asked.sets:
        for job in jobs(which):
            if job.seed < asked.seeds and (not asked.names or job.name in asked.names) and not is_done(job):
                train_job(job)


def model_folder(job: Job) -> Path:
    """Where a job's models lie: shipped ones in the package, others in a folder that git does not see."""
    return (FOLDER if job.set in SHIPPED else RUNS) / job.set


def result_path(job: Job) -> Path:
    """The file that tells of a job's result."""
    folder = model_folder(job) if job.set in SHIPPED else RESULTS / job.set
    return folder / f"{slug(job.name)}.{job.seed}.json"


def is_done(job: Job) -> bool:
    """Whether a job's result is there, of this very recipe."""
    path = result_path(job)
    return path.exists() and json.loads(path.read_text()).get("digest") == job.recipe.digest()


def train_job(job: Job) -> None:
    """Train one model, measure its maps, and write both down; a result is taken over where it is the same model's."""
    for same in (FOLDER / which / result_path(job).name for which in ("short", "long") if job.set not in SHIPPED):
        if same.exists() and json.loads(same.read_text())["digest"] == job.recipe.digest():
            write_whole(result_path(job), same.read_bytes(), folder=True)
            return
    keep = RUNS / "going" / f"{job.set}-{slug(job.name)}-{job.seed}.safetensors"
    run = train(job.recipe, job.seed, keep=keep, start=starting_model(job))
    path = ship(run, job.name, model_folder(job), more=map_measures(job, run))
    if job.set not in SHIPPED:
        write_whole(result_path(job), path.with_suffix(".json").read_bytes(), folder=True)
    keep.unlink()
    told = json.loads(path.with_suffix(".json").read_text())
    print(f"{job.set:8} {job.name:26} seed {job.seed}: {told['test_accuracy']:.3f} in {run.seconds:.0f} s", flush=True)


def map_measures(job: Job, run: Run) -> dict[str, Any]:
    """What the trained maps do, on held-out clips."""
    task = maker(job.recipe.task)(32, job.recipe.test_seed, "test", job.recipe.setting)
    with one_thread():
        return {"layers": look(run.model.cpu(), task, LOOKED_AT.get(job.set, 32))}


def starting_model(job: Job) -> VideoTransformer | None:
    """The model that a run begins from, where its recipe names one."""
    return pretrained(job.name, 0, "long") if job.recipe.start else None


if __name__ == "__main__":
    main()
