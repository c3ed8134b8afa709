"""benchmarks/RESULTS.md, written from benchmarks/results/*.json: every number on the page comes from there."""
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from linviz.atomic_write import write_atomically

from .bench_results import (
    GOAL_COLUMNS,
    Goal,
    Result,
    markdown_table,
    number_text,
    result_as_json,
    result_from_json,
    result_lines,
)

HOME = Path(__file__).parent
PAGE, RESULTS, PLOTS = HOME / "RESULTS.md", HOME / "results", HOME / "plots"
HEAD = """# Speed and memory

`python3 start.py bench` measures again and writes this page; `python3 start.py bench --list` lists the parts.

Every part runs in a process of its own, on one thread. Runs that are compared give equal results first, within a stated
difference. Then they take turns, and a warm-up round is dropped. Times are medians of the processor time, so other
programs on the machine change little. A ratio is taken round by round: its median stands before its quartiles. A call
that takes more than a second has three rounds, and one of more than ten seconds has a single one. Peak memory is that
of one call in a process of its own.

Ratios within 10 % are ties. Other programs still share caches and memory: where the load was above the number of cores,
ratios may move by more than their quartiles say."""


def write_result(result: Result) -> Path:
    """Store a result as JSON."""
    RESULTS.mkdir(exist_ok=True)
    return write_atomically(RESULTS / f"{result.name}.json",
                            json.dumps(result_as_json(result), indent=1, ensure_ascii=False) + "\n")


def stored_results(order: Iterable[str]) -> list[Result]:
    """The results that exist, in this order."""
    paths = [RESULTS / f"{name}.json" for name in order]
    return [result_from_json(json.loads(path.read_text("utf-8"))) for path in paths if path.exists()]


def write_page(order: Iterable[str]) -> Path:
    """Write the page from the stored results."""
    return write_atomically(PAGE, page_of_stored_results(order))


def page_of_stored_results(order: Iterable[str]) -> str:
    """The page of the results that exist; it names those of this order that do not."""
    results = stored_results(order)
    return results_page(results, sorted(set(order) - {result.name for result in results}))


def results_page(results: Sequence[Result], missing: Sequence[str] = ()) -> str:
    """The page: all goals, the machine, and one section per benchmark."""
    goals = sorted((goal for result in results for goal in result.goals), key=lambda goal: int(goal.name[1:]))
    lines = [HEAD, "", "## Goals", "", goal_sentence(goals), "",
             *markdown_table(GOAL_COLUMNS, [goal.cells() for goal in goals]), "", *missing_lines(missing),
             "## The machine", "",
             *machine_lines(results), ""]
    for result in results:
        lines += [f"## {result.title}", "", f"`python3 start.py bench {result.name}`{_load_words(result)}", "",
                  *plot_lines(result), *result_lines(result)]
    return "\n".join(lines).rstrip() + "\n"


def goal_sentence(goals: Sequence[Goal]) -> str:
    """How many goals are met.

    >>> goal_sentence([Goal("G1", "a", 2.0, 1.0), Goal("G1", "b", 0.5, 1.0), Goal("G2", "c", None, 1.0)])
    'Of 3 numbers, 1 is met, 1 is not met and 1 is not measured.'
    """
    found = [sum(goal.verdict == verdict for goal in goals) for verdict in ("met", "not met", "not measured")]
    met, unmet, unknown = (f"{n} {'is' if n == 1 else 'are'}" for n in found)
    return f"Of {len(goals)} numbers, {met} met, {unmet} not met and {unknown} not measured."


def missing_lines(names: Sequence[str]) -> list[str]:
    """What the page lacks.

    >>> missing_lines(["read", "step"])[0]
    'Not measured on this page: read, step. `python3 start.py bench read step` adds them.'
    """
    if not names:
        return []
    return [f"Not measured on this page: {', '.join(names)}. `python3 start.py bench {' '.join(names)}` adds them.", ""]


def machine_lines(results: Sequence[Result]) -> list[str]:
    """Processor and versions, once for all parts that share them."""
    found = dict.fromkeys(machine_line(result) for result in results)
    return [f"- {line}" for line in found]


def machine_line(result: Result) -> str:
    """The machine in one line."""
    facts = result.facts
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (f"{facts['processor']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}, {versions}; "
            f"threads: {facts['threads']}")


def _load_words(result: Result) -> str:
    rounds, load, cores = (result.facts[name] for name in ("rounds", "load", "cores"))
    busy = "" if load is None else f"; load of the machine when it began: {number_text(load)} on {cores} cores"
    return f" ({rounds} rounds{busy})"


def plot_lines(result: Result) -> list[str]:
    """The plot of a result that has curves; tools/plots.py draws it."""
    names = [path.stem for path in sorted(PLOTS.glob(f"{result.name}_*.svg"))] if result.curves else []
    return [f"![{plot_alt(name)}](plots/{name}.svg)\n" for name in names]


def plot_alt(name: str) -> str:
    """What a plot shows.

    >>> plot_alt("growth_low_rank")
    'Milliseconds over the number of tokens: low rank'
    """
    return f"Milliseconds over the number of tokens: {re.sub('_', ' ', name.partition('_')[2])}"
