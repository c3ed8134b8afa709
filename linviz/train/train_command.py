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

from ..models.arms import arm
from ..models.checkpoints import canonical, ship, slug
from ..models.examples import Data, made
from ..models.own_data import OwnData, read
from ..models.prediction import interval
from ..models.recipe import Recipe
from ..models.training import train
from ..models.training_run import Run
from ..models.video_transformer import Shape
from ..whole import write_whole


def run(given: argparse.Namespace) -> int:
    """Train the arms and seeds of the options; the exit status, 130 after Ctrl-C."""
    names = [canonical(name) for name in given.mechanism]
    own = None if given.data is None else gathered(given.data, arm(names[0], given.budget).shape)
    wanted = [(name, seed, asked(name, given, own)) for name in names for seed in given.seeds]
    for name, seed, recipe in wanted:
        path = given.out / f"{slug(name)}.{seed}.safetensors"
        if finished(path, recipe):
            print(f"{name}, seed {seed}: already trained, {told(path)}")
            continue
        try:
            one(name, seed, recipe, path, given.device, own.data if own else None)
        except KeyboardInterrupt:
            print(f"\n{name}, seed {seed}: stopped. The same command continues from {kept(path).name}.")
            return 130
        print(f"{name}, seed {seed}: {told(path)}{expected(name, given)}")
    return 0


def asked(name: str, given: argparse.Namespace, own: OwnData | None = None) -> Recipe:
    """The recipe of an arm as the options change it."""
    recipe = arm(name, given.budget, setting=given.setting)
    recipe = recipe if given.steps is None else replace(recipe, steps=given.steps)
    return recipe if own is None else own.recipe(recipe)


def gathered(folder: Path, shape: Shape) -> OwnData:
    """The videos in a folder of folders, with a progress bar; prints a summary."""
    with tqdm(desc=f"reading {folder}", unit="file", leave=False) as bar:
        own = read(folder, shape, progress=lambda _: bar.update() and None)
    print(own.said())
    return own


def one(name: str, seed: int, recipe: Recipe, path: Path, device: str | None, data: Data | None = None) -> None:
    """Train one model with a bar that shows loss, accuracy and the time left, and write its files."""
    if data is None:
        print(f"{name}, seed {seed}: drawing {recipe.pool + recipe.tests:,} clips...", end="\r", flush=True)
        data = made(recipe)
    with tqdm(total=recipe.steps, desc=f"{name}, seed {seed}", unit="step", leave=False) as bar:
        def progress(run: Run, loss: float, right: float) -> None:
            bar.update(run.step - bar.n)
            bar.set_postfix(loss=f"{loss:.2f}", accuracy=f"{right:.2f}", refresh=False)

        done = train(recipe, seed, data=data, keep=kept(path), progress=progress, device=device)
    ship(done, name, path.parent, data)
    write_whole(path.with_suffix(".csv"), table(done))
    kept(path).unlink()


def kept(path: Path) -> Path:
    """The file with the state of an unfinished run."""
    return path.with_suffix(".going")


def finished(path: Path, recipe: Recipe) -> bool:
    """Whether exactly this recipe has been trained; ValueError if another recipe has this file."""
    there = path.with_suffix(".json")
    if not there.exists():
        return False
    if json.loads(there.read_text())["digest"] != recipe.digest():
        raise ValueError(f"{path} is a model of another recipe: name another folder with --out")
    return True


def told(path: Path) -> str:
    """A finished run in a few words."""
    card = json.loads(path.with_suffix(".json").read_text())
    return f"{card['test_accuracy']:.3f} of {card['tests']:,} held-out clips right, {card['seconds']:.0f} s, {path}"


def expected(name: str, given: argparse.Namespace) -> str:
    """The 95 % prediction interval of a new seed, if linviz has trained this arm with several; else an empty text."""
    if given.steps is not None or given.setting != "main" or given.data is not None:
        return ""
    found = interval(name, given.budget)
    return "" if found is None else f"; 95 % prediction interval of a new seed: {found[0]:.3f} to {found[1]:.3f}"


def table(run: Run) -> str:
    """The curve as CSV, one row every 50 steps."""
    out = io.StringIO()
    rows = csv.DictWriter(out, fieldnames=list(run.curve[0]), lineterminator="\n")
    rows.writeheader()
    rows.writerows(run.curve)
    return out.getvalue()
