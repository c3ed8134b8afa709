"""The stored rows of the gate study, selected, averaged and set in tables; and the data of its figure."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from linviz.figures.gate_charts import CONSTANT, FORMS, NO_GATE

MAIN = "long/0"
SEEN = tuple((sees, shared) for sees in ("self", "qk", "qkv") for shared in (True, False))
LAYERS = (1, 2, 3)
LEAST = 0.25  # bits by which a kernel must be flatter than softmax, or no share of the difference is given
ORDER = ("relu_floor", "linear", "performer", "performer~kind=none", "relu", "cosformer", "vicinity", "focused")
CALLED = {"relu_floor": "relu + floor", "linear": "elu + 1", "performer": "Performer",
          "performer~kind=none": "Performer, softmax features", "relu": "relu, no floor", "cosformer": "cosFormer",
          "vicinity": "vicinity", "focused": "focused"}
FORM = {("self", True): "self, shared", ("self", False): "self", ("qk", True): "QK, shared", ("qk", False): "QK",
        ("qkv", True): "QKV, shared", ("qkv", False): "QKV"}
SKIPPED = {
    "no features: every pair of tokens has its own score": ("softmax", "local", "local_global", "swin", "nonlocal"),
    "rows sum to one without a division, so there is no kernel to gate; its form with a division is "
    "`performer` with kind=none": ("efficient",),
    "weights are scores; half of them are negative, so entropy and KL are not defined": ("factorized",),
    "no queries and keys in its weights, or one map per channel": ("additive", "aft_conv", "aft_full", "aft_local",
                                                                   "aft_simple", "lambda", "uniform"),
    "softmax of fewer keys or of averaged tokens, not a product of features": ("linformer", "kronecker_kv",
                                                                               "kronecker_qkv")}
MEASURES = (("entropy", "entropy, bits", 2), ("recovered", "recovered", 0), ("kl", "KL, bits", 2),
            ("top", "top 5 %", 2), ("object", "on the digit", 1), ("effective_rank", "eff. rank", 1),
            ("diversity", "diversity", 2), ("error", "output error", 2))


class Rows:
    """The stored rows, selected by their fields.

    >>> Rows([{"kernel": "relu", "kl": 1.0}, {"kernel": "relu", "kl": 3.0}]).mean("kl", kernel="relu")
    2.0
    """

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self.all = list(rows)

    def where(self, **fields: Any) -> Rows:
        """The rows with these fields."""
        return Rows(row for row in self.all if all(row[name] == x for name, x in fields.items()))

    def mean(self, measure: str, **fields: Any) -> float:
        """The mean of a measure over the rows with these fields."""
        found = [row[measure] for row in self.where(**fields).all]
        if not found:
            raise ValueError(f"no row is stored with {fields}; run `python3 start.py study gates`")
        return float(sum(found) / len(found))

    def spread(self, measure: str, **fields: Any) -> float:
        """Largest minus smallest over fit seeds, of the mean over layers."""
        seeds = sorted({row["seed"] for row in self.where(**fields).all})
        found = [self.mean(measure, seed=seed, **fields) for seed in seeds]
        return max(found) - min(found)

    def recovered(self, layer: int | None = None, **fields: Any) -> float | None:
        """(H of the bare kernel - H) / (H of the bare kernel - H of softmax), seeds averaged; None where the bare
        kernel is not flatter than softmax. Without a layer: the mean over layers, None where one has none."""
        if layer is None:
            each = [self.recovered(n, **fields) for n in LAYERS]
            known = [x for x in each if x is not None]
            return sum(known) / len(known) if len(known) == len(each) else None
        own = self.where(layer=layer)
        bare = own.mean("entropy", how="kernel", kernel=fields["kernel"], shift="", model=fields["model"])
        sharp = own.mean("entropy", **softmax_fields(fields["model"]))
        return (bare - own.mean("entropy", **fields)) / (bare - sharp) if bare - sharp > LEAST else None


def softmax_fields(model: str = MAIN) -> dict[str, Any]:
    """The fields of softmax's own rows."""
    return {"model": model, "how": "reference", "kernel": "softmax", "shift": ""}


def bare_fields(kernel: str = "relu_floor", **more: Any) -> dict[str, Any]:
    """The fields of a kernel without a gate."""
    return {"model": MAIN, "how": "kernel", "kernel": kernel, "shift": ""} | more


def gated_fields(kernel: str = "relu_floor", form: tuple[str, bool] = ("qkv", False), **more: Any) -> dict[str, Any]:
    """The fields of a kernel with a fitted gate; by default it is complete, separate, and sees q, k and v."""
    return {"model": MAIN, "how": "fitted", "kernel": kernel, "sees": form[0], "shared": form[1], "shift": "",
            "part": "whole"} | more


def layer_cell(rows: Rows, measure: str, digits: int, **fields: Any) -> str:
    """A measure of every layer, in one cell."""
    return " · ".join(cell_text(rows.recovered(n, **fields) if measure == "recovered" else
                                rows.mean(measure, layer=n, **fields), measure, digits) for n in LAYERS)


def cell_text(x: float | None, measure: str, digits: int) -> str:
    """A number as the page prints it."""
    if x is None:
        return "–"
    return f"{x:.0%}".replace("%", " %") if measure == "recovered" else f"{x:.{digits}f}"


def number_table(heads: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table in Markdown: the first column is left-aligned, the others are right-aligned."""
    lines = ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|", *lines])


def main_table(rows: Rows) -> str:
    """relu + floor with the six forms of gate, and everything to compare them with."""
    named: list[tuple[str, dict[str, Any], str]] = [
        ("**softmax**, the goal", softmax_fields(), ""), ("uniform", softmax_fields() | {"kernel": "uniform"}, ""),
        ("relu + floor", bare_fields(), "relu_floor"),
        ("... with a constant gate", gated_fields(how="constant"), "relu_floor"),
        *((f"... {FORM[form]}", gated_fields(form=form), "relu_floor") for form in SEEN),
        ("... QKV, fitted to other clips' maps", gated_fields(how="shuffled"), "relu_floor"),
        ("... QKV, five times as many steps", gated_fields(how="longer"), "relu_floor"),
        ("relu, no floor", bare_fields("relu"), "relu"), ("... QKV", gated_fields("relu"), "relu"),
        ("softmax's mean row, for all queries of a clip", softmax_fields() | {"kernel": "mean row"}, ""),
        ("softmax's mean map of the training clips", softmax_fields() | {"kernel": "mean map"}, "")]
    body = [[title, *(layer_cell(rows, m, d, **fields) if m != "recovered" or kernel else ""
                      for m, _, d in MEASURES)] for title, fields, kernel in named]
    return number_table(["", *(title for _, title, _ in MEASURES)], body)


def kernel_table(rows: Rows) -> str:
    """Every kernel before and after a QKV gate, mean over layers."""
    body = []
    for kernel in ORDER:
        pair = [(rows.mean(m, **bare_fields(kernel)), rows.mean(m, **gated_fields(kernel))) for m in (
            "entropy", "kl", "top", "object", "effective_rank", "error")]
        cells = [f"{a:.2f} → {b:.2f}" for a, b in pair]
        body.append([CALLED[kernel], cells[0], layer_cell(rows, "recovered", 0, **gated_fields(kernel)), *cells[1:]])
    return number_table(["", "entropy, bits", "recovered", "KL, bits", "top 5 %", "on the digit", "eff. rank",
                         "output error"],
                        body)


def form_table(rows: Rows, shift: str = "") -> str:
    """KL of every kernel with every form of gate, mean over layers."""
    body = [[CALLED[kernel], f"{rows.mean('kl', **bare_fields(kernel, shift=shift)):.2f}",
             *(f"{rows.mean('kl', **gated_fields(kernel, form, shift=shift)):.2f}" for form in SEEN)]
             for kernel in ORDER]
    return number_table(["KL, bits", NO_GATE, *(FORM[form] for form in SEEN)], body)


def part_table(rows: Rows) -> str:
    """What the gate keeps when a part of it is removed, during the fit or after it."""
    parts = {"whole": "complete", "tokens": "averaged over channels: which tokens are seen",
             "channels": "averaged over tokens: which features count", "keys": "only the gate on keys",
             "queries": "only the gate on queries"}
    body = [["none", *(f"{rows.mean('kl', **bare_fields()):.2f}",) * 2, "0 %"]]
    for part, title in parts.items():
        fitted = gated_fields(part=part)
        after = gated_fields() if part == "whole" else gated_fields(part=part, how="after")
        body.append([title, f"{rows.mean('kl', **fitted):.2f} ± {rows.spread('kl', **fitted) / 2:.2f}",
                     f"{rows.mean('kl', **after):.2f} ± {rows.spread('kl', **after) / 2:.2f}",
                     cell_text(rows.recovered(**fitted), "recovered", 0)])
    return number_table(["the gate", "KL, bits: fitted in this form", "KL, bits: averaged or held after the fit",
                         "recovered: fitted in this form"], body)


def shift_table(rows: Rows) -> str:
    """What shifts cost, head by head."""
    named = [("softmax", softmax_fields()), ("softmax, shift in time", softmax_fields() | {"shift": "time"}),
             ("softmax, shift in space", softmax_fields() | {"shift": "space"}),
             ("relu + floor, QKV", gated_fields()), ("relu + floor, QKV, shift in time", gated_fields(shift="time")),
             ("relu + floor, QKV, shift in space", gated_fields(shift="space"))]
    names = ("kl", "kl_1", "kl_2", "kl_3", "error_of_map", "error")
    body = [[title, *(f"{rows.mean(m, **fields):.2f}" for m in names)] for title, fields in named]
    return number_table(["mean over layers", "KL, bits", "head 1", "head 2", "head 3", "error, v as softmax has it",
                         "error, v shifted too"], body)


def model_table(rows: Rows) -> str:
    """The main results on every trained softmax model."""
    models = sorted({row["model"] for row in rows.all}, key=lambda m: (m != MAIN, m))
    body = []
    for model in models:
        own: dict[str, Any] = {"model": model}
        floor, gate = bare_fields() | own, gated_fields() | own
        body.append([model, *(f"{rows.mean('entropy', **x):.2f}" for x in (softmax_fields(model), floor, gate)),
                     cell_text(rows.recovered(**gate), "recovered", 0),
                     *(f"{rows.mean('kl', **x):.2f}"
                       for x in (floor, gate, bare_fields('relu') | own, gated_fields('relu') | own,
                                                             softmax_fields(model) | {'kernel': 'mean row'}))])
    return number_table(["model", "H softmax", "H relu + floor", "H with gate", "recovered", "KL relu + floor",
                         "KL with gate", "KL relu", "KL relu with gate", "KL mean row"], body)


def skipped_list() -> str:
    """Mechanisms without a fitted gate, and the reasons."""
    return "\n".join(f"- {', '.join(f'`{name}`' for name in names)}: {why}." for why, names in SKIPPED.items())


def gate_figure_data(kept: dict[str, Any]) -> dict[str, Any]:
    """Entropy and KL of every kernel with every form of gate, layer by layer: what the explorer draws."""
    rows = Rows(kept["rows"]).where(model=MAIN, shift="", part="whole", seed=0)
    points = []
    for row in rows.all:
        form = {"kernel": NO_GATE, "constant": CONSTANT}.get(row["how"], FORM.get((row["sees"], row["shared"])))
        if row["how"] in ("kernel", "constant", "fitted") and form is not None:
            points.append({"kernel": CALLED[row["kernel"]], "form": form, "layer": row["layer"],
                           "values": {"entropy (bits)": row["entropy"], "KL to softmax (bits)": row["kl"]}})
    names, places = list(FORMS), [CALLED[kernel] for kernel in ORDER]
    points.sort(key=lambda p: (p["layer"], places.index(p["kernel"]), names.index(p["form"])))
    ref = rows.where(how="reference")
    levels = {"entropy (bits)": {str(n): {"softmax": ref.mean("entropy", kernel="softmax", layer=n)} for n in LAYERS},
              "KL to softmax (bits)": {str(n): {"its mean row": ref.mean("kl", kernel="mean row", layer=n)}
                                       for n in LAYERS}}
    return {"kind": "gates", "rows": points, "levels": levels}
