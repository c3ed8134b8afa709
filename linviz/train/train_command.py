"""Train every arm with every seed, show the progress, and write model, recipe and curve.

    runs/relu_floor-gate.0.safetensors    weights, half precision        .json  recipe, curve, accuracy, versions
    runs/relu_floor-gate.0.csv            the curve as a table

After an interruption (Ctrl-C or another), the same command continues; finished runs are not run again.
"""
from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from ..models.arms import arm_recipe
from ..models.checkpoints import canonical_name, file_slug
from ..models.examples import Data, make_data
from ..models.initial_values import recipe_model
from ..models.own_data import OwnData, read_folder
from ..models.own_pictures import OwnPictures, read_picture_folder
from ..models.prediction import accuracy_interval
from ..models.process_group import is_first, process_group, wait_for_others
from ..models.recipe import Recipe
from ..models.training import train
from ..models.training_run import Run
from ..models.video_transformer import Shape
from ..survey.task_runner import dask_client, run_tasks
from .run_folder import (
    check_run_files,
    check_run_folder,
    is_finished,
    remove_foreign_state,
    run_summary,
    unfinished_path,
)
from .sweep_tasks import RunTask, run_on_worker, write_run
from .train_options import TASKS


def run_training(given: argparse.Namespace) -> int:
    """Train the arms and seeds of the options; the exit status, 130 after Ctrl-C. Under torchrun, together."""
    with process_group():
        return train_arms(given)


def train_arms(given: argparse.Namespace) -> int:
    """Train the arms and seeds of the options, as this process or as one of several."""
    check_run_folder(given.out, given.data)
    check_device(given.device)
    plain = {canonical_name(name): asked_recipe(name, given) for name in map(given_arm(given), given.mechanism)}
    for recipe in plain.values():
        recipe_model(recipe, classes=2, seed=0)  # says what is wrong with a scheme before any clip is drawn or read
    own = None if given.data is None else gather_data(given, next(iter(plain.values())).shape)
    recipes = plain if own is None else {name: own.recipe(recipe) for name, recipe in plain.items()}
    wanted = [(name, seed, recipe) for name, recipe in recipes.items() for seed in given.seeds]
    paths = [given.out / f"{file_slug(name)}.{seed}.safetensors" for name, seed, _ in wanted]
    for path, (_, seed, recipe) in zip(paths, wanted):  # before any work
        if not is_finished(path, recipe, given.force):
            check_run_files(path, recipe, seed, given.force)
    if given.dask is not None:
        return sweep_on_dask(wanted, paths, given)
    for path, (name, seed, recipe) in zip(paths, wanted):
        if is_finished(path, recipe, given.force):
            print(f"{name}, seed {seed}: already trained, {run_summary(path)}")
            continue
        if given.force:
            remove_foreign_state(path, recipe, seed)
        wait_for_others()
        try:
            train_one(name, seed, recipe, path, given.device, own.data if own else None)
        except KeyboardInterrupt:
            print(f"\n{name}, seed {seed}: stopped. The same command continues from {unfinished_path(path).name}.")
            return 130
        if is_first():
            print(f"{name}, seed {seed}: {run_summary(path)}{expected_interval(name, given)}")
    return 0


def sweep_on_dask(wanted: Sequence[tuple[str, int, Recipe]], paths: Sequence[Path], given: argparse.Namespace) -> int:
    """Train every arm and seed as a task of a Dask cluster; the exit status, 1 if a run failed and 130 after Ctrl-C.

    Runs are written where one process writes them, so that a sweep that broke off goes on here or there.
    """
    todo, failed = [(path, one) for path, one in zip(paths, wanted) if not is_finished(path, one[2], given.force)], 0
    for path, (_, seed, recipe) in todo if given.force else ():
        remove_foreign_state(path, recipe, seed)
    tasks = [RunTask(*one, str(path.resolve()), given.device, given.data and str(given.data.resolve()))
             for path, one in todo]
    try:
        with dask_client(given.dask, given.workers) as client:
            for n, _, why in run_tasks(run_on_worker, tasks, client):
                (path, (name, seed, _)), failed = todo[n], failed + bool(why)
                print(f"{name}, seed {seed}: {why or run_summary(path)}", flush=True)
    except KeyboardInterrupt:
        print("\nStopped. The same command continues the runs that are not finished.")
        return 130
    print(f"{len(wanted) - failed} of {len(wanted)} models are in {given.out}.")
    return int(failed > 0)


def given_arm(given: argparse.Namespace) -> Callable[[str], str]:
    """What makes the name of an arm of a mechanism: another scheme than joint belongs to it."""
    return lambda name: name if given.scheme in (None, "joint") else f"{name}~scheme={given.scheme}"


def asked_recipe(name: str, given: argparse.Namespace) -> Recipe:
    """The recipe of an arm as the options change it."""
    recipe = arm_recipe(name, given.budget, task=given.task or TASKS[0], setting=given.setting)
    return recipe if given.steps is None else replace(recipe, steps=given.steps)


def check_device(name: str | None) -> None:
    """ValueError, in one sentence, where torch cannot compute on this device.

    >>> check_device("abacus")
    Traceback (most recent call last):
    ValueError: --device 'abacus' cannot be used here: take cpu, or leave --device out
    """
    try:
        torch.zeros(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ValueError(f"--device {name!r} cannot be used here: take cpu, or leave --device out") from None


def gather_data(given: argparse.Namespace, shape: Shape) -> OwnData | OwnPictures:
    """The videos or pictures in the folder of --data, with a progress bar; prints a summary."""
    if given.task == "front":
        raise ValueError("--task front is drawn by linviz and takes no --data; leave out --task for videos of your "
                         "own, or write --task colour for pictures")
    with tqdm(desc=f"reading {given.data}", unit="file", leave=False) as bar:
        def progress(_: Path) -> None:
            bar.update()

        if given.task == "colour":
            own: OwnData | OwnPictures = read_picture_folder(given.data, given.setting, progress)
        else:
            own = read_folder(given.data, shape, progress)
    print(own.said())
    return own


def train_one(name: str, seed: int, recipe: Recipe, path: Path, device: str | None, own: Data | None = None) -> None:
    """Train one model with a bar that shows loss, score and the time left, and write its files."""
    if (data := own) is None:
        print(f"{name}, seed {seed}: drawing {recipe.pool + recipe.tests:,} clips...", end="\r", flush=True)
        data = make_data(recipe)
    with tqdm(total=recipe.steps, desc=f"{name}, seed {seed}", unit="step", leave=False,
              disable=not is_first()) as bar:
        def progress(run: Run, loss: float, right: float) -> None:
            bar.update(run.step - bar.n)
            bar.set_postfix({"loss": f"{loss:.2f}", data.test.score_name: f"{right:.2f}"}, refresh=False)

        done = train(recipe, seed, data=data, keep=unfinished_path(path), progress=progress, device=device)
    if is_first():
        write_run(done, name, path, data)
    wait_for_others()


def expected_interval(name: str, given: argparse.Namespace) -> str:
    """The 95 % prediction interval of a new seed, if linviz has trained this arm with several; else an empty text."""
    if (given.steps, given.setting, given.data, given.task or TASKS[0]) != (None, "main", None, TASKS[0]):
        return ""
    found = accuracy_interval(name, given.budget)
    return "" if found is None else f"; 95 % prediction interval of a new seed: {found[0]:.3f} to {found[1]:.3f}"
