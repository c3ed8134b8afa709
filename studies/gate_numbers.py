"""The numbers in the sentences of studies/GATES.md, as text, from the stored rows.

What the sentences claim in words (more, less, most) is held to the rows by tests/studies/test_gates.py.
"""
from __future__ import annotations

from typing import Any

from .gates_page import LAYERS, ORDER, Rows, bare, gated, softmax, told


def words(rows: Rows) -> dict[str, str]:
    """Every number by the name that the template uses; means over layers and fit seeds unless the name says more."""
    return entropies(rows) | divergences(rows) | others(rows)


def entropies(rows: Rows) -> dict[str, str]:
    """Bits of rows, and shares recovered."""
    def share(**fields: Any) -> str:
        return told(rows.recovered(**fields), "recovered", 0)

    each = (told(rows.recovered(n, **gated()), "recovered", 0) for n in LAYERS)
    h = {"h_soft": softmax(), "h_bare": bare(), "h_gate": gated()}
    floor, soft, relu = (rows.mean("entropy", **x) for x in (bare(), softmax(), bare("relu")))
    return {name: f"{rows.mean('entropy', **fields):.2f}" for name, fields in h.items()} | {
        "rec": share(**gated()), "rec_each": " · ".join(each), "rec_constant": share(**gated(how="constant")),
        "rec_shuffled": share(**gated(how="shuffled")), "rec_relu": f"{(floor - relu) / (floor - soft):.0%}".replace(
            "%", " %")}


def divergences(rows: Rows) -> dict[str, str]:
    """Bits of KL, mean over layers."""
    asked = {"bare": bare(), "gate": gated(), "shuffled": gated(how="shuffled"), "longer": gated(how="longer"),
             "mean_map": softmax() | {"kernel": "mean map"}, "mean_row": softmax() | {"kernel": "mean row"},
             "uniform": softmax() | {"kernel": "uniform"}, "relu": bare("relu"), "relu_gate": gated("relu"),
             "self": gated(form=("self", False)), "qk": gated(form=("qk", False)),
             "self_shared": gated(form=("self", True)), "qk_shared": gated(form=("qk", True)),
             "qkv_shared": gated(form=("qkv", True)), "time": gated(shift="time"), "space": gated(shift="space"),
             "soft_time": softmax() | {"shift": "time"}, "perf_self": gated("performer", ("self", False))}
    asked |= {part: gated(part=part) for part in ("keys", "queries", "tokens", "channels")}
    asked |= {f"{part}_after": gated(part=part, how="after") for part in ("tokens", "channels")}
    asked |= {kernel: gated(kernel) for kernel in ORDER if kernel not in ("relu", "relu_floor")}
    return {f"kl_{name}": f"{rows.mean('kl', **fields):.2f}" for name, fields in asked.items()}


def others(rows: Rows) -> dict[str, str]:
    """Errors, ranks, bounds, heads, and other models."""
    ratio = {"beyond": 1 - rows.mean("kl", **gated()) / rows.mean("kl", **softmax() | {"kernel": "mean row"}),
             "one_row": 1 - rows.mean("kl", **softmax() | {"kernel": "mean row"}) / rows.mean(
                 "kl", **softmax() | {"kernel": "uniform"})}
    ranks = {"rank_bare": bare(), "rank_gate": gated(), "rank_soft": softmax(), "rank_relu": bare("relu"),
             "free_rank": gated(how="free")}
    models = sorted({row["model"] for row in rows.all if row["model"].startswith("short")})
    recovered = [rows.recovered(**gated(model=m)) for m in models]
    return {name: told(x, "recovered", 0) for name, x in ratio.items()} | {
        name: f"{rows.mean('effective_rank', **fields):.1f}" for name, fields in ranks.items()} | {
        "e_bare": f"{rows.mean('error', **bare()):.2f}", "e_gate": f"{rows.mean('error', **gated()):.2f}",
        "e_time": f"{rows.mean('error', **gated(shift='time')):.2f}",
        "e_time_map": f"{rows.mean('error_of_map', **gated(shift='time')):.2f}",
        "kl_spread": f"{rows.spread('kl', **gated()):.3f}",
        "free_floor": f"{rows.mean('kl', **gated(how='free')):.2f}",
        "free_relu": f"{rows.mean('kl', **gated('relu', how='free')):.2f}",
        "heads_time": heads(rows, "time"), "heads_none": heads(rows, ""), "n_others": str(len(models)),
        "rec_others": " · ".join(told(x, "recovered", 0) for x in recovered)}


def heads(rows: Rows, shift: str) -> str:
    """KL of every head with the gate."""
    return " · ".join(f"{rows.mean(f'kl_{n}', **gated(shift=shift)):.2f}" for n in (1, 2, 3))
