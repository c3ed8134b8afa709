"""The numbers in the sentences of studies/GATES.md, as text, from the stored rows.

What the sentences claim in words (more, less, most) is held to the rows by tests/studies/test_gates.py.
"""
from __future__ import annotations

from typing import Any

from .gate_rows import LAYERS, ORDER, Rows, bare_fields, cell_text, gated_fields, softmax_fields


def all_numbers(rows: Rows) -> dict[str, str]:
    """Every number by the name that the template uses; means over layers and fit seeds unless the name says more."""
    return entropy_numbers(rows) | divergence_numbers(rows) | other_numbers(rows)


def entropy_numbers(rows: Rows) -> dict[str, str]:
    """Entropies of rows in bits, and shares recovered."""
    def share(**fields: Any) -> str:
        return cell_text(rows.recovered(**fields), "recovered", 0)

    each = (cell_text(rows.recovered(n, **gated_fields()), "recovered", 0) for n in LAYERS)
    h = {"h_soft": softmax_fields(), "h_bare": bare_fields(), "h_gate": gated_fields()}
    floor, soft, relu = (rows.mean("entropy", **x) for x in (bare_fields(), softmax_fields(), bare_fields("relu")))
    return {name: f"{rows.mean('entropy', **fields):.2f}" for name, fields in h.items()} | {
        "rec": share(**gated_fields()), "rec_each": " · ".join(each),
        "rec_constant": share(**gated_fields(how="constant")),
        "rec_shuffled": share(**gated_fields(how="shuffled")),
        "rec_relu": cell_text((floor - relu) / (floor - soft), "recovered", 0)}


def divergence_numbers(rows: Rows) -> dict[str, str]:
    """Bits of KL, mean over layers."""
    asked = {"bare": bare_fields(), "gate": gated_fields(), "constant": gated_fields(how="constant"),
             "shuffled": gated_fields(how="shuffled"),
             "longer": gated_fields(how="longer"), "mean_map": softmax_fields() | {"kernel": "mean map"},
             "mean_row": softmax_fields() | {"kernel": "mean row"},
             "uniform": softmax_fields() | {"kernel": "uniform"}, "relu": bare_fields("relu"),
             "relu_gate": gated_fields("relu"), "self": gated_fields(form=("self", False)),
             "qk": gated_fields(form=("qk", False)),
             "self_shared": gated_fields(form=("self", True)), "qk_shared": gated_fields(form=("qk", True)),
             "qkv_shared": gated_fields(form=("qkv", True)), "time": gated_fields(shift="time"),
             "space": gated_fields(shift="space"), "soft_time": softmax_fields() | {"shift": "time"},
             "perf_self": gated_fields("performer", ("self", False))}
    asked |= {part: gated_fields(part=part) for part in ("keys", "queries", "tokens", "channels")}
    asked |= {f"{part}_after": gated_fields(part=part, how="after") for part in ("tokens", "channels")}
    asked |= {kernel: gated_fields(kernel) for kernel in ORDER if kernel not in ("relu", "relu_floor")}
    return {f"kl_{name}": f"{rows.mean('kl', **fields):.2f}" for name, fields in asked.items()}


def other_numbers(rows: Rows) -> dict[str, str]:
    """Errors, ranks, bounds, heads, and other models."""
    mean_row, uniform = (rows.mean("kl", **softmax_fields() | {"kernel": name}) for name in ("mean row", "uniform"))
    ratio = {"beyond": 1 - rows.mean("kl", **gated_fields()) / mean_row, "one_row": 1 - mean_row / uniform}
    ranks = {"rank_bare": bare_fields(), "rank_gate": gated_fields(), "rank_soft": softmax_fields(),
             "rank_relu": bare_fields("relu"), "free_rank": gated_fields(how="free")}
    models = sorted({row["model"] for row in rows.all if row["model"].startswith("short")})
    recovered = [rows.recovered(**gated_fields(model=m)) for m in models]
    return {name: cell_text(x, "recovered", 0) for name, x in ratio.items()} | {
        name: f"{rows.mean('effective_rank', **fields):.1f}" for name, fields in ranks.items()} | {
        "e_bare": f"{rows.mean('error', **bare_fields()):.2f}", "e_gate": f"{rows.mean('error', **gated_fields()):.2f}",
        "e_time": f"{rows.mean('error', **gated_fields(shift='time')):.2f}",
        "e_time_map": f"{rows.mean('error_of_map', **gated_fields(shift='time')):.2f}",
        "kl_spread": f"{rows.spread('kl', **gated_fields()):.3f}",
        "free_floor": f"{rows.mean('kl', **gated_fields(how='free')):.2f}",
        "free_relu": f"{rows.mean('kl', **gated_fields('relu', how='free')):.2f}",
        "heads_time": head_numbers(rows, "time"), "heads_none": head_numbers(rows, ""), "n_others": str(len(models)),
        "rec_others": " · ".join(cell_text(x, "recovered", 0) for x in recovered)}


def head_numbers(rows: Rows, shift: str) -> str:
    """KL of every head with the gate."""
    return " · ".join(f"{rows.mean(f'kl_{n}', **gated_fields(shift=shift)):.2f}" for n in (1, 2, 3))
