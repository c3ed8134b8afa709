"""Train every arm with every seed, show the progress, and write model, recipe and curve.

    runs/relu_floor-gate.0.safetensors    weights, half precision        .json  recipe, curve, accuracy, versions
    runs/relu_floor-gate.0.csv            the curve as a table

After an interruption (Ctrl-C or another), the same command continues; finished runs are not run again.
"""
from __future__ import annotations

import argparse
import csv
import io
import json
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ..atomic_write import write_atomically
from ..models.arms import arm_recipe
from ..models.checkpoints import canonical_name, file_slug, ship_model
from ..models.examples import Data, make_data
from ..models.own_data import OwnData, read_folder
from ..models.prediction import accuracy_interval
from ..models.recipe import Recipe
from ..models.training import train
from ..models.training_run import Run
from ..models.video_transformer import Shape


def run_training(given: argparse.Namespace) -> int:
    """Train the arms and seeds of the options; the exit status, 130 after Ctrl-C."""
    names = [canonical_name(name) for name in given.mechanism]
    own = None if given.data is None else gather_data(given.data, arm_recipe(names[0], given.budget).shape)
    wanted = [(name, seed, asked_recipe(name, given, own)) for name in names for seed in given.seeds]
    for name, seed, recipe in wanted:
        path = given.out / f"{file_slug(name)}.{seed}.safetensors"
        if is_finished(path, recipe):
            print(f"{name}, seed {seed}: already trained, {run_summary(path)}")
            continue
        try:
            train_one(name, seed, recipe, path, given.device, own.data if own else None)
        except KeyboardInterrupt:
            print(f"\n{name}, seed {seed}: stopped. The same command continues from {unfinished_path(path).name}.")
            return 130
        print(f"{name}, seed {seed}: {run_summary(path)}{expected_interval(name, given)}")
    return 0


def asked_recipe(name: str, given: argparse.Namespace, own: OwnData | None = None) -> Recipe:
    """The recipe of an arm as the options change it."""
    recipe = arm_recipe(name, given.budget, setting=given.setting)
    recipe = recipe if given.steps is None else replace(recipe, steps=given.steps)
    return recipe if own is None else own.recipe(recipe)


def gather_data(folder: Path, shape: Shape) -> OwnData:
    """The videos in a folder of folders, with a progress bar; prints a summary."""
    with tqdm(desc=f"reading {folder}", unit="file", leave=False) as bar:
        own = read_folder(folder, shape, progress=lambda _: bar.update() and None)
    print(own.said())
    return own


def train_one(name: str, seed: int, recipe: Recipe, path: Path, device: str | None, data: Data | None = None) -> None:
    """Train one model with a bar that shows loss, accuracy and the time left, and write its files."""
    if data is None:
        print(f"{name}, seed {seed}: drawing {recipe.pool + recipe.tests:,} clips...", end="\r", flush=True)
        data = make_data(recipe)
    with tqdm(total=recipe.steps, desc=f"{name}, seed {seed}", unit="step", leave=False) as bar:
        def progress(run: Run, loss: float, right: float) -> None:
            bar.update(run.step - bar.n)
            bar.set_postfix(loss=f"{loss:.2f}", accuracy=f"{right:.2f}", refresh=False)

        done = train(recipe, seed, data=data, keep=unfinished_path(path), progress=progress, device=device)
    ship_model(done, name, path.parent, data)
    write_atomically(path.with_suffix(".csv"), curve_csv(done))
    unfinished_path(path).unlink()


def unfinished_path(path: Path) -> Path:
    """The file with the state of an unfinished run."""
    return path.with_suffix(".going")


def is_finished(path: Path, recipe: Recipe) -> bool:
    """Whether exactly this recipe has been trained; ValueError if another recipe has this file."""
    there = path.with_suffix(".json")
    if not there.exists():
        return False
    if json.loads(there.read_text())["digest"] != recipe.digest():
        raise ValueError(f"{path} is a model of another recipe: name another folder with --out")
    return True


def run_summary(path: Path) -> str:
    """A finished run in a few words."""
    card = json.loads(path.with_suffix(".json").read_text())
    return f"{card['test_accuracy']:.3f} of {card['tests']:,} held-out clips right, {card['seconds']:.0f} s, {path}"


def expected_interval(name: str, given: argparse.Namespace) -> str:
    """The 95 % prediction interval of a new seed, if linviz has trained this arm with several; else an empty text."""
    if given.steps is not None or given.setting != "main" or given.data is not None:
        return ""
    found = accuracy_interval(name, given.budget)
    return "" if found is None else f"; 95 % prediction interval of a new seed: {found[0]:.3f} to {found[1]:.3f}"


def curve_csv(run: Run) -> str:
    """The curve as CSV, one row every 50 steps."""
    out = io.StringIO()
    rows = csv.DictWriter(out, fieldnames=list(run.curve[0]), lineterminator="\n")
    rows.writeheader()
    rows.writerows(run.curve)
    return out.getvalue()
