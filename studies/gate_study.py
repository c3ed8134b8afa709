"""What can a gate do? `python3 start.py study gates` fits gates to a trained softmax model's maps, and writes a page.

Every kernel gets the model's own q, k and v. The gate is fitted to softmax's maps on training clips, and measured on
clips of other photographs and digits. There are no labels and no end-to-end training, so the effect is the gate's.

    studies/results/gates.json    one row for every model, layer, procedure, kernel, gate, shift and seed
    studies/GATES.md              the page; `--page` writes it again from the stored rows

A stored row is not measured again, unless a setting or the model's weights have changed.
"""
from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from linviz import make
from linviz.atomic_write import write_atomically
from linviz.clips import motion_task
from linviz.maps import Dense, Map
from linviz.mechanisms import Attention
from linviz.models.checkpoints import find_checkpoint, pretrained, read_card, stored_models
from linviz.models.gate_fits import PARTS, Copied, Goal, compare_maps, fit_free, fit_gates, part_map
from linviz.models.looking import touched_tokens
from linviz.models.trace import Traced
from linviz.models.training import single_thread

from .gate_page import write_page
from .gate_rows import MAIN, SEEN

KEPT = Path(__file__).with_name("results") / "gates.json"
SETTINGS = {"clips": 64, "clip_seed": 2001, "held_out": 64, "held_out_seed": 2002, "steps": 200, "rate": 2e-2,
            "batch": 8, "rows": 48, "longer": 1000, "free_clips": 16, "free_steps": 400, "free_rate": 0.1}
OTHERS = tuple(f"short/{seed}" for seed in range(5))
KERNELS: dict[str, dict[str, Any]] = dict.fromkeys(  # the kernels of this study, with the options of each
    ("cosformer", "focused", "linear", "performer", "relu", "relu_floor", "vicinity"), {}) | {
        "performer~kind=none": {"kind": "none"}}


@dataclass(frozen=True)
class Arm:
    """One thing to measure on every layer. how: the procedure, see `measure_arm`; sees: what the gate reads, or ""."""

    how: str
    kernel: str
    sees: str = ""
    shared: bool = False
    shift: str = ""
    part: str = "whole"
    seed: int = 0

    @property
    def spec(self) -> str:
        """The spec of the attention."""
        gate = f"+gate:{self.sees}" + ":shared" * self.shared if self.sees else ""
        return self.kernel.partition("~")[0] + gate + (f"+shift:{self.shift}" if self.shift else "")

    def make_attention(self, layer: Layer) -> Attention:
        """The attention of the arm, for the heads and tokens of a layer."""
        own = layer.held.attention
        return make(self.spec, own.heads, own.mechanism.width, own.grid, self.seed, **KERNELS.get(self.kernel, {}))


@dataclass(frozen=True)
class Layer:
    """A layer of the trained model on training clips and on held-out clips, and the maps to copy."""

    train: Traced
    target: Tensor
    held: Traced
    goal: Goal

    @property
    def qkv(self) -> tuple[Tensor, Tensor, Tensor]:
        """q, k and v of the held-out clips."""
        return self.held.q, self.held.k, self.held.v


def gate_arms(model: str = MAIN) -> Iterator[Arm]:
    """Everything that is measured on a model, controls first; models other than the main one get a few arms only."""
    yield from (Arm("reference", name) for name in ("softmax", "uniform", "mean row", "mean map"))
    if model != MAIN:
        for kernel in ("relu_floor", "relu"):
            yield from (Arm("kernel", kernel), Arm("fitted", kernel, "qkv"))
        return
    yield from (Arm("reference", "softmax", shift=shift) for shift in ("time", "space"))
    for kernel in KERNELS:
        yield from (Arm("kernel", kernel, shift=shift) for shift in ("", "time"))
        for seed in range(3 if kernel == "relu_floor" else 1):
            yield from (Arm("fitted", kernel, sees, shared, shift, seed=seed)
                        for shift in ("", "time") for sees, shared in SEEN)
    yield from (Arm("fitted", "relu_floor", "qkv", shift="space", seed=seed) for seed in range(3))
    yield from control_arms()


def control_arms() -> Iterator[Arm]:
    """Controls: what the gate must beat, what it keeps without one of its parts, and how far any gate could go."""
    for kernel in ("relu_floor", "relu"):
        yield from (Arm("constant", kernel, "qkv"), Arm("free", kernel, "qkv"))
    yield Arm("longer", "relu_floor", "qkv")
    for seed in range(3):
        yield Arm("shuffled", "relu_floor", "qkv", seed=seed)
        for part in list(PARTS)[1:]:
            yield from (Arm(how, "relu_floor", "qkv", part=part, seed=seed) for how in ("fitted", "after"))


def model_layers(model: str, settings: dict[str, Any]) -> list[Layer]:
    """The layers of a trained softmax model, on new clips of both splits."""
    budget, _, seed = model.partition("/")
    trained = pretrained("softmax", int(seed), budget)
    train = motion_task(settings["clips"], settings["clip_seed"], "train")
    held = motion_task(settings["held_out"], settings["held_out_seed"], "test")
    inked = touched_tokens(held.masks, trained)
    return [Layer(a, a.map.dense(), b, Goal(b.map.dense(), b.v, inked))
            for a, b in zip(trained.trace(train.frames), trained.trace(held.frames), strict=True)]


def measure_arm(arm: Arm, layer: Layer, settings: dict[str, Any]) -> dict[str, float]:
    """The measures of one arm on a layer's held-out clips; for a fit, also the bits on its own clips."""
    if arm.how == "reference" or arm.how == "kernel":
        return measure_unfitted(arm, layer)
    m = arm.make_attention(layer)
    assert m.gate is not None
    if arm.how == "constant":
        m.gate.hold()
        return compare_maps(m.map(*layer.qkv), layer.goal, m(*layer.qkv))
    if arm.how == "free":
        return measure_free(m, layer, settings)
    fit = fit_arm(arm, m, layer, settings)
    a = part_map(m, *layer.qkv, part=arm.part)
    found = compare_maps(a, layer.goal, a.apply(m.values(layer.held.v)))
    return found | {"kl_before_fit": fit.before, "kl_on_training_clips": fit.after}


def measure_unfitted(arm: Arm, layer: Layer) -> dict[str, float]:
    """Measures without a fit: plain kernels, softmax, and maps that ignore the query or the clip."""
    if arm.kernel == "mean row":  # softmax's own, one for all queries of a head and clip
        return compare_maps(repeat_rows(layer.goal.rows.mean(-2, keepdim=True), layer), layer.goal)
    if arm.kernel == "mean map":  # that of the training clips, one for all clips
        return compare_maps(repeat_rows(layer.target.mean(0, keepdim=True), layer), layer.goal)
    m = arm.make_attention(layer)
    with torch.no_grad():
        return compare_maps(m.map(*layer.qkv), layer.goal, m(*layer.qkv))


def repeat_rows(rows: Tensor, layer: Layer) -> Map:
    """Rows repeated until they make a map of the goal's size."""
    return Dense(rows.expand_as(layer.goal.rows).contiguous())


def fit_arm(arm: Arm, m: Attention, layer: Layer, settings: dict[str, Any]) -> Copied:
    """Fit on training clips; "shuffled": to the maps of the next clip; "after": reduced only after the fit."""
    target = layer.target.roll(1, 0) if arm.how == "shuffled" else layer.target
    train = layer.train
    return fit_gates(m, target, train.q, train.k, train.v, part="whole" if arm.how == "after" else arm.part,
                     steps=settings["longer" if arm.how == "longer" else "steps"], rate=settings["rate"],
                     clips=settings["batch"], rows=settings["rows"], seed=arm.seed)


def measure_free(m: Attention, layer: Layer, settings: dict[str, Any]) -> dict[str, float]:
    """The bound on any gate, fitted on the first held-out clips themselves."""
    n = settings["free_clips"]
    goal = Goal(layer.goal.rows[:n], layer.goal.v[:n], layer.goal.inked[:n])
    fit, a = fit_free(m, goal.rows, *(x[:n] for x in layer.qkv), steps=settings["free_steps"],
                      rate=settings["free_rate"])
    return compare_maps(a, goal) | {"kl_before_fit": fit.before, "kl_on_training_clips": fit.after}


def weight_digest(model: str) -> str:
    """The checksum of a model's weights."""
    budget, _, seed = model.partition("/")
    return str(read_card(find_checkpoint("softmax", int(seed), budget))["sha256"])[:16]


def read_rows(path: Path = KEPT) -> dict[str, Any]:
    """The stored settings, checksums of the models, seconds and rows."""
    return json.loads(path.read_text()) if path.exists() else {"settings": SETTINGS, "models": {}, "rows": []}


def write_rows(record: dict[str, Any], path: Path) -> None:
    """Write settings and rows, one row per line; an interrupted write changes nothing."""
    rows = ",\n".join(json.dumps(row) for row in record["rows"])
    head = json.dumps({name: x for name, x in record.items() if name != "rows"}, indent=1).removesuffix("\n}")
    write_atomically(path, f'{head},\n "rows": [\n{rows}\n]}}\n')


def measure_models(models: list[str], path: Path = KEPT, settings: dict[str, Any] = SETTINGS) -> dict[str, Any]:
    """Measure what is not stored yet, arm by arm; rows of other settings or other weights are dropped."""
    record = read_rows(path)
    known_models = record["models"] if record["settings"] == settings else {}
    record = {"settings": settings, "models": {m: weight_digest(m) for m in models} | {
        m: x for m, x in known_models.items() if m not in models},
        "rows": [r for r in record["rows"] if known_models.get(r["model"]) == weight_digest(r["model"])]}
    for model in models:
        there = {row_key(row) for row in record["rows"]}
        missing = [arm for arm in gate_arms(model) if row_key({"model": model} | asdict(arm)) not in there]
        deep = model_layers(model, settings) if missing else []
        for arm in missing:
            record["rows"] += rows_of_arm(arm, model, deep, settings)
            write_rows(record, path)
    return record


def row_key(row: dict[str, Any]) -> tuple[Any, ...]:
    """The fields that distinguish the rows of one layer."""
    return tuple(row[field] for field in ("model", "how", "kernel", "sees", "shared", "shift", "part", "seed"))


def rows_of_arm(arm: Arm, model: str, deep: list[Layer], settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an arm, one per layer."""
    began, rows = time.process_time(), []
    for n, layer in enumerate(deep, 1):
        with single_thread():
            found = measure_arm(arm, layer, settings)
        rows.append({"model": model, "layer": n} | asdict(arm) | {key: round(x, 5) for key, x in found.items()})
    took = time.process_time() - began
    for row in rows:
        row["seconds"] = round(took / len(rows), 2)
    bits = " ".join(f"{row['kl']:.3f}" for row in rows)
    print(f"{model:8} {arm.how:9} {arm.kernel:20} {arm.spec:34} {arm.part:9} {arm.seed}  KL {bits}  {took:.1f} s",
          flush=True)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, and write the page."""
    from . import evidence_study
    parser = argparse.ArgumentParser(prog="start.py study gates", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true", help="only write the page, from the stored rows")
    options = parser.parse_args(arguments)
    there = {f"{budget}/{seed}" for budget, arm, seed in stored_models() if arm == "softmax"}
    if not options.page:
        measure_models([model for model in (MAIN, *OTHERS) if model in there])
    write_page(read_rows())
    evidence_study.main(["--page"])  # the product also shows a figure of these rows


if __name__ == "__main__":
    main()
