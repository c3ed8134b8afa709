"""Which models linviz trains: arms, and the sets of arms, seeds and budgets behind its evidence.

An arm's name is its spec, or a spec with a word after "~" for a variant that no spec can express:

    ~wide      without a gate, but with MLPs widened by the gate's number of parameters: the gate's control
    ~floor=F   relu_floor with another floor

Sets: `short`, `long` and `fine` are shipped as models; of `dose`, `control`, `late`, `breadth` and `front` only the
results are shipped. `late` is `long` with more seeds, and fewer arms.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .checkpoints import canonical_name
from .recipe import BUDGETS, FLOORS, Recipe, widened_recipe
from .video_transformer import Shape, VideoTransformer

CORE = ("softmax", "relu_floor", "relu_floor+gate", "relu_floor+gate+shift", "relu")
LONG = (*CORE, "uniform", "softmax+shift", "relu_floor+shift", "relu+gate", "linear", "linear+gate", "efficient",
        "cosformer", "focused", "focused+conv", "relu_floor+gate:self", "relu_floor+gate:qk", "relu_floor~wide")
BREADTH = ("additive", "aft_conv", "aft_full", "aft_local", "aft_simple", "cosformer", "efficient", "factorized",
           "focused", "kronecker_kv", "kronecker_qkv", "lambda", "linear", "linformer", "local", "local_global",
           "nonlocal", "performer", "relu", "relu_floor", "softmax", "swin", "uniform", "vicinity")
FINE = Shape(side=96, tubelet=(2, 6, 6))  # 4 x 16 x 16 = 1,024 tokens


@dataclass(frozen=True)
class Job:
    """One model to train: the set it belongs to, its name, its seed and its recipe."""

    set: str
    name: str
    seed: int
    recipe: Recipe


def arm_recipe(name: str, budget: str = "short", task: str = "motion", setting: str = "main") -> Recipe:
    """The recipe of an arm by name; ValueError for a variant or a budget that does not exist.

    >>> arm_recipe("relu_floor~floor=0.125").options, arm_recipe("softmax", "long").steps
    ({'floor': 0.125}, 2400)
    """
    if budget not in BUDGETS:
        raise ValueError(f"no budget called {budget!r}; there are: {', '.join(BUDGETS)}")
    spec, _, variant = canonical_name(name).partition("~")
    plain = Recipe(spec, task=task, setting=setting, steps=BUDGETS[budget])
    if not variant:
        return plain
    if variant == "wide":
        return widened_recipe(plain, gate_parameters(spec))
    word, _, value = variant.partition("=")
    if word != "floor":
        raise ValueError(f"no variant called {variant!r}; there are: wide, floor=F")
    return replace(plain, options={"floor": float(value)})


def gate_parameters(spec: str) -> int:
    """How many parameters a gate adds to the small model of `spec`.

    >>> gate_parameters("relu_floor")
    4704
    """
    with_gate, without = (sum(p.numel() for p in VideoTransformer(s).parameters()) for s in (spec + "+gate", spec))
    return with_gate - without


def training_jobs(which: str) -> Iterator[Job]:
    """Every model of a set, in the order of training: seed by seed.

    The two ends of the dose, no floor and the full floor, are relu and relu_floor of the short set.

    >>> sum(1 for _ in training_jobs("short")), sum(1 for _ in training_jobs("dose"))
    (25, 15)
    """
    if which == "fine":
        yield from (Job(which, name, 0, fine_recipe(name)) for name in CORE)
        return
    arms, seeds, budget, task = {
        "short": (CORE, 5, "short", "motion"), "long": (LONG, 1, "long", "motion"),
        "dose": (tuple(f"relu_floor~floor={f}" for f in FLOORS[1:-1]), 5, "short", "motion"),
        "control": (("relu_floor~wide",), 5, "short", "motion"),
        "late": ((*CORE, "relu_floor~wide"), 5, "long", "motion"),
        "breadth": (BREADTH, 3, "short", "motion"),
        "front": ((*CORE, "uniform"), 5, "long", "front")}[which]
    yield from (Job(which, name, seed, arm_recipe(name, budget, task)) for seed in range(seeds) for name in arms)


def fine_recipe(name: str) -> Recipe:
    """The recipe of the finer set: more and smaller patches, for display; training begins from the long model.

    >>> len(fine_recipe("softmax").shape.grid), fine_recipe("softmax").start == arm_recipe("softmax", "long").digest()
    (1024, True)
    """
    coarse = arm_recipe(name, "long")
    return replace(coarse, setting="fine", shape=FINE, steps=800, batch=16, rate=1e-3, pool=6_000, tests=256,
                   start=coarse.digest())
