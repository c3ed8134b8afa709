"""Where the time of a run goes: the share of each kind of operation, from torch's profiler."""
from __future__ import annotations

from collections.abc import Mapping

from torch.profiler import ProfilerActivity, profile

from .bench_races import Run
from .bench_results import Cell, Table

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot"),
    "softmax attention": ("_scaled_dot_product_flash_attention_for_cpu",
                          "_scaled_dot_product_flash_attention_for_cpu_backward"),
    "exp, softmax, gelu": ("exp", "exp2", "_softmax", "softmax", "gelu", "gelu_backward", "sigmoid", "pow", "sin",
                           "cos", "softplus", "log", "log_softmax", "_log_softmax"),
    "copies": ("copy", "cat", "clone", "fill", "zero", "index", "gather", "stack"),
}
OTHER = "other steps"   # sums, additions, divisions, norms, views, the optimiser
PROFILED = 5            # calls


def operation_shares(run: Run) -> dict[str, float]:
    """Per cent of the time of a run's operations, by kind; Python between them is not counted.

    >>> shares = operation_shares(lambda: None)
    >>> list(shares) == [*KINDS, OTHER]
    True
    """
    run()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(PROFILED):
            run()
    spent = dict.fromkeys([*KINDS, OTHER], 0.0)
    for event in found.key_averages():
        spent[operation_kind(event.key)] += event.self_cpu_time_total
    total = sum(spent.values()) or 1.0
    return {kind: 100 * time / total for kind, time in spent.items()}


def operation_kind(name: str) -> str:
    """The kind of an operation.

    >>> operation_kind("aten::addmm_"), operation_kind("aten::sum")
    ('matrix products', 'other steps')
    """
    bare = name.removeprefix("aten::").rstrip("_")
    return next((kind for kind, names in KINDS.items() if bare in names), OTHER)


def shares_table(runs: Mapping[str, Run]) -> Table:
    """A table of where the time of several runs goes."""
    rows: list[list[Cell]] = [[name, *operation_shares(run).values()] for name, run in runs.items()]
    return Table("Where the time goes, per cent of all operations", ["what", *KINDS, OTHER], rows)
