"""A step of training with the default recipe: forward, backward and the optimiser, for several mechanisms."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from linviz.models.examples import Data, make_data
from linviz.models.recipe import BUDGETS, Recipe
from linviz.models.training import begin_run, one_step

from .bench_races import Effort, run_race
from .bench_results import Result, Table
from .operation_shares import shares_table

SPECS = ("softmax", "relu_floor", "relu_floor+gate", "relu_floor+gate+shift")
POOL = 64       # clips; their number does not change the time of a step


def bench_step(effort: Effort) -> Result:
    """`training.one_step` of the default recipe, one thread, all mechanisms in turns."""
    result = Result("step", "A step of training")
    recipe = Recipe(pool=effort.pick(POOL, POOL, 4), batch=effort.pick(Recipe().batch, Recipe().batch, 2), tests=2)
    data = make_data(recipe)
    specs = effort.pick(SPECS, SPECS, SPECS[::3])
    runs = {spec: step_run(replace(recipe, spec=spec), data) for spec in specs}
    race = run_race(runs, effort.rounds)
    steps = BUDGETS["short"]
    rows = [[spec, race.milliseconds(spec), race.ratio(spec, "softmax"), race.median(spec) * steps / 60]
            for spec in specs]
    tokens = len(recipe.shape.grid)
    result.tables.append(Table(f"Default recipe: {recipe.batch} clips of {tokens} tokens, {recipe.shape.blocks} "
                               f"blocks, {recipe.shape.channels} channels",
                               ["mechanism", "ms a step", "of softmax", f"minutes for {steps} steps"], rows))
    result.tables.append(shares_table(dict(list(runs.items())[::effort.pick(1, 1, 2)])))
    return result


def step_run(recipe: Recipe, data: Data) -> Callable[[], tuple[float, float]]:
    """A run of one step."""
    run = begin_run(recipe, 0, len(data.train.classes), "cpu")
    return lambda: one_step(run, data.train, "cpu")
