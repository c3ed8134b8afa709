"""Train a video transformer: the same recipe and seed give the same result, even after an interruption.

The order of clips depends only on seed and step, and a run's state is saved every `EVERY` steps in one file that is
never half-written. So an interrupted run continues from the last saved step and reaches the same numbers.
"""
from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .examples import Data, Examples, make_data
from .initial_values import recipe_model
from .process_group import is_first, mean_of_processes, own_part, shared_model
from .recipe import Recipe
from .run_files import keep_run, resume_run
from .training_run import Run
from .video_transformer import VideoTransformer

EVERY = 50     # steps between two rows of the curve, and between two saved states
WATCHED = 256  # held-out clips whose accuracy is in the curve; no choice depends on it
Progress = Callable[[Run, float, float], None]


def train(recipe: Recipe, seed: int = 0, *, data: Data | None = None, keep: Path | None = None,
          progress: Progress | None = None, device: str | None = None, start: VideoTransformer | None = None) -> Run:
    """Train one model. data: by default the recipe's examples. keep: the file from which an interrupted run continues.

    progress(run, loss, score) is called after every step, with the batch's values. device: CUDA if available.
    start: a model to begin from, of the same shape except for its grid (see `VideoTransformer.take_over`). One thread
    is used: on a busy machine two are slower. Raises ValueError if `keep` holds another run.

    >>> tiny = Recipe("relu", steps=2, batch=2, pool=4, tests=2)
    >>> run = train(tiny)
    >>> run.step, sorted(run.curve[-1])
    (2, ['accuracy', 'held_out', 'loss', 'rate', 'step'])
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    data = data or make_data(recipe)
    run = begin_run(recipe, seed, len(data.train.classes), device, start)
    if keep is not None and keep.exists():
        resume_run(keep, run)
    with single_thread():
        _continue_run(run, data, device, keep, progress)
    return run


def begin_run(recipe: Recipe, seed: int, classes: int, device: str, start: VideoTransformer | None = None) -> Run:
    """A run before its first step."""
    model = recipe_model(recipe, classes, seed)
    if start is not None:
        model.take_over(start)
    model = model.to(device)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}]
    return Run(recipe, seed, model, torch.optim.AdamW(groups, lr=recipe.rate, betas=recipe.betas, fused=True))


def _continue_run(run: Run, data: Data, device: str, keep: Path | None, progress: Progress | None) -> None:
    """Run the remaining steps. Losses and scores are collected into a row of the curve every `EVERY` steps."""
    seen, shared = list[tuple[float, float]](), shared_model(run.model)
    step = one_step if shared is None else partial(one_step, shared=shared)
    began = time.process_time() - run.seconds
    while run.step < run.recipe.steps:
        seen.append(step(run, data.train, device))
        run.seconds = time.process_time() - began
        if run.step % EVERY == 0 or run.step == run.recipe.steps:
            run.curve.append(_curve_row(run, seen, data.test, device))
            seen.clear()
            if keep is not None and is_first():
                keep_run(keep, run)
        if progress is not None:
            progress(run, *(seen[-1] if seen else (run.curve[-1]["loss"], run.curve[-1][data.test.score_name])))


def one_step(run: Run, examples: Examples, device: str, shared: nn.Module | None = None) -> tuple[float, float]:
    """One batch, one step of the optimiser: its loss and its score, which are nats and accuracy for classes.

    shared: the model as several processes share it, each with its part of the batch; loss and score are of all parts.
    """
    recipe, model = run.recipe, shared or run.model
    order = clip_order(len(examples), recipe.batch, run.seed, run.step)
    frames, labels = own_part(*examples.batch(order, device, (run.seed, run.step)))
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(recipe, run.step)
    outputs = model(frames)
    loss = examples.loss(outputs, labels, recipe.smoothing)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    run.optimiser.step()
    run.optimiser.zero_grad()
    run.step += 1
    loss_now, score = mean_of_processes(loss.item(), examples.score([(outputs.detach(), labels)]))
    return loss_now, score


def learning_rate(recipe: Recipe, step: int) -> float:
    """The learning rate of a step: rises linearly, then falls as half a cosine.

    >>> [round(learning_rate(Recipe(steps=10, rate=1.0, warm=0.2), s), 2) for s in (0, 1, 2, 9)]
    [0.5, 1.0, 1.0, 0.04]
    """
    warm = max(1, round(recipe.warm * recipe.steps))
    if step < warm:
        return recipe.rate * (step + 1) / warm
    return recipe.rate * (1 + math.cos(math.pi * (step - warm) / max(1, recipe.steps - warm))) / 2


def clip_order(pool: int, batch: int, seed: int, step: int) -> Tensor:
    """Which clips of a pool a step reads: each clip once per round, in an order drawn from the seed and the round."""
    size = min(batch, pool)
    round_, at = divmod(step, pool // size)
    return _shuffle_pool(pool, seed, round_)[at * size:(at + 1) * size]


@lru_cache(maxsize=2)
def _shuffle_pool(pool: int, seed: int, round_: int) -> Tensor:
    return torch.randperm(pool, generator=torch.Generator().manual_seed(seed * 100_003 + round_))


def accuracy(model: nn.Module, examples: Examples, device: str = "cpu", most: int | None = None) -> float:
    """The score of a model on the (first `most`) examples: the fraction of right answers, or R2 if it paints."""
    return examples.score(model_answers(model, examples, device, most))


def model_answers(model: nn.Module, examples: Examples, device: str = "cpu",
            most: int | None = None) -> Iterator[tuple[Tensor, Any]]:
    """Outputs and labels of the (first `most`) examples, in batches, without gradient."""
    for i in torch.arange(min(len(examples), most or len(examples))).split(128):
        frames, labels = examples.batch(i, device)
        with torch.no_grad():
            outputs = model(frames)
        yield outputs, labels


def _curve_row(run: Run, seen: list[tuple[float, float]], test: Examples, device: str) -> dict[str, float]:
    """A row of the curve: means since the last row, and the score on some held-out clips."""
    loss, right = torch.tensor(seen).mean(0).tolist()
    return {"step": run.step, "loss": loss, test.score_name: right, "rate": learning_rate(run.recipe, run.step - 1),
            "held_out": accuracy(run.model, test, device, WATCHED)}


@contextmanager
def single_thread() -> Iterator[None]:
    """Run torch on one thread, and restore the number of threads afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
