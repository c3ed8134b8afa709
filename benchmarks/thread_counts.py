"""One thread against two, on the machine as it is and while other programs use every core.

Elapsed time counts here, since a second thread cannot make the processor time smaller. torch's threads wait for each
other after every operation: where another program holds one of them up, all of them wait.
"""
from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from linviz.models.examples import make_data
from linviz.models.recipe import Recipe

from .bench_inputs import draw_qkv, make_line
from .bench_races import Effort, Run, run_race
from .bench_results import Result, Table
from .training_steps import step_run

MANY = 2
COLUMNS = ["work", "machine", "one thread, ms", "two threads, ms", "elapsed: two / one", "processor: two / one"]


def bench_threads(effort: Effort) -> Result:
    """Small and large attention and a step of training, with one and with two threads."""
    result = Result("threads", "One thread and two")
    rows, before = [], torch.get_num_threads()
    try:
        for work, run in works(effort).items():
            for others in (0, effort.pick(os.cpu_count() or 1, os.cpu_count() or 1, 0)):
                with busy_cores(others):
                    rows.append([work, "busy" if others else "as it is", *_compare_threads(run, effort)])
    finally:
        torch.set_num_threads(before)
    result.tables.append(Table("Elapsed time of one call", COLUMNS, rows))
    result.notes.append("Busy: as many endless loops as there are cores run beside the work. All commands and the "
                        "explorer use one thread unless --threads asks for more.")
    return result


def works(effort: Effort) -> dict[str, Run]:
    """What is run, by its name."""
    sizes = effort.pick((196, 4096), (196, 4096), (8, 16))
    runs: dict[str, Run] = {f"linear, {n:,} tokens": _forward_run("linear", n) for n in sizes}
    runs[f"softmax, {sizes[-1] // 4:,} tokens"] = _forward_run("softmax", sizes[-1] // 4)
    recipe = Recipe("relu_floor+gate", pool=effort.pick(32, 32, 4), tests=2, batch=effort.pick(32, 32, 2))
    return runs | {"a step of training": step_run(recipe, make_data(recipe))}


def _forward_run(name: str, tokens: int) -> Callable[[], Any]:
    qkv, m = draw_qkv(tokens, 64, 8), make_line(name, tokens, 64, 8)
    return lambda: m(*qkv)


def _compare_threads(run: Run, effort: Effort) -> list[Any]:
    runs = {name: partial(_run_with_threads, run, n) for n, name in ((1, "one"), (MANY, "many"))}
    elapsed = run_race(runs, min(effort.rounds, 7), time.perf_counter)
    processor = run_race(runs, min(effort.rounds, 3))
    return [elapsed.milliseconds("one"), elapsed.milliseconds("many"), elapsed.ratio("many", "one"),
            processor.ratio("many", "one")]


def _run_with_threads(run: Run, threads: int) -> None:
    torch.set_num_threads(threads)
    run()


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """Endless loops beside the work, ended afterwards."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
