"""One benchmark in a process of its own: `python -m benchmarks.single_bench NAME EFFORT ROUNDS THREADS`."""
from __future__ import annotations

import sys
from importlib import import_module

import torch

from .bench_list import BENCHES
from .bench_races import Effort
from .bench_results import GOAL_COLUMNS, Result, markdown_table, result_lines
from .machine_facts import machine_facts
from .results_page import write_result


def run_bench(name: str, effort: Effort) -> Result:
    """Run one benchmark; the facts of the machine are those before it began."""
    module, function, _ = BENCHES[name]
    facts = machine_facts()
    found: Result = getattr(import_module(f"benchmarks.{module}"), function)(effort)
    found.facts = facts | {"rounds": effort.rounds}
    return found


def main(name: str, effort: str, rounds: str, threads: str) -> None:
    """Run, print, and store what is not a quick look."""
    torch.set_num_threads(int(threads))
    result = run_bench(name, Effort(effort, rounds=int(rounds)))
    print(f"\n{result.title}\n", *result_lines(result), sep="\n")
    if result.goals:
        print(*markdown_table(GOAL_COLUMNS, [goal.cells() for goal in result.goals]), sep="\n", flush=True)
    if effort == "full" and threads == "1":
        write_result(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
