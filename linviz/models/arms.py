"""Which models linviz trains: arms, and the sets of arms, seeds and budgets behind its evidence.

An arm's name is its spec, of all layers or of each (a/b/c), followed by a word after "~" for each variation that no
spec can express:

    ~wide      without a gate, but with MLPs widened by the gate's number of parameters: the gate's control
    ~floor=F   relu_floor with another floor
    ~rate=R    another learning rate
    ~heads=H   another number of heads, of the same width together
    ~init=I    another beginning of training, "plain" or "alike"
    ~scan=S    of a recurrent mechanism: the directions in which it reads the tokens
    ~scheme=S  another scheme of layers, as "divided" or "hybrid" (see schemes.py)

Sets: `short`, `long`, `fine` and `painters` are shipped as models. Of `dose`, `control`, `late`, `breadth`,
`front`, `rates`, the layers and those of the colour task (COLOUR_SETS) only the results are shipped. `late` is `long`
with more seeds, and fewer arms. `layers_motion` and `layers_colour`: softmax in some of three layers, relu_floor in the
others, in eight ways.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product

from .layer_specs import BETWEEN, canonical_spec, split_layers
from .recipe import BUDGETS, FLOORS, RATES, Recipe, task_recipe, task_shape, widened_recipe
from .video_transformer import Shape, VideoTransformer

CORE = ("softmax", "relu_floor", "relu_floor+gate", "relu_floor+gate+shift", "relu")
MAIN = (*CORE, "relu_floor~wide")  # the arms that the differences of the evidence are about
LONG = (*CORE, "uniform", "softmax+shift", "relu_floor+shift", "relu+gate", "linear", "linear+gate", "efficient",
        "cosformer", "focused", "focused+conv", "relu_floor+gate:self", "relu_floor+gate:qk", "relu_floor~wide")
BREADTH = ("additive", "aft_conv", "aft_full", "aft_local", "aft_simple", "cosformer", "efficient", "factorized",
           "focused", "kronecker_kv", "kronecker_qkv", "lambda", "linear", "linformer", "local", "local_global",
           "nonlocal", "performer", "relu", "relu_floor", "softmax", "swin", "uniform", "vicinity")
NEWEST = ("gaussian", "inline", "sana", "mlla", "mala", "agent", "rala", "graph", "nala", "retention", "pola", "mhla",
          "mamba2", "fastmax", "sla", "delta", "reformer", "gated_delta", "gla", "kda", "dape")  # the fastest first
COLOUR = (*CORE[:3], "relu_floor+gate+shift:space", "relu", "relu_floor~wide", "focused", "cosformer", "efficient",
          "uniform", "mala", "gated_delta~scan=both", "relu_floor/softmax/relu_floor")
LAYERS = tuple(canonical_spec("/".join(three)) for three in product(("softmax", "relu_floor"), repeat=3))
PAINTERS = ("softmax", "relu_floor/softmax/relu_floor", "relu", "relu_floor", "relu_floor+gate")
COLOUR_SETS: dict[str, tuple[tuple[str, ...], int, str, str]] = {   # arms, seeds, budget, setting
    "colour": (COLOUR, 5, "short", "main"),
    "colour_half": (CORE[:3], 1, "short", "half"),
    "colour_heads": (tuple(f"{name}~heads=1" for name in (*CORE[:3], "relu")), 3, "short", "main"),
    "colour_plain": (tuple(f"{name}~init=plain" for name in (*CORE[:3], "relu")), 1, "short", "main"),
    "colour_exchanged": ((*CORE[:3], "relu"), 3, "short", "exchanged"),
    "colour_long": ((*CORE[:3], "relu", "relu_floor/softmax/relu_floor", "relu_floor~wide"), 3, "long", "main")}
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
    >>> arm_recipe("gated_delta~scheme=hybrid").shape.layers
    6
    """
    if budget not in BUDGETS:
        raise ValueError(f"no budget called {budget!r}; there are: {', '.join(BUDGETS)}")
    spec, *variations = name.split("~")
    schemes = [value for word, _, value in (one.partition("=") for one in variations) if word == "scheme"]
    shape = replace(task_shape(task), scheme=(schemes or ["joint"])[-1])
    plain = task_recipe(spec, task, setting=setting, steps=BUDGETS[budget], shape=shape)
    return reduce(varied_recipe, (one for one in variations if not one.startswith("scheme=")), plain)


def varied_recipe(recipe: Recipe, variation: str) -> Recipe:
    """A recipe with one variation: a word after "~" in an arm's name.

    >>> varied_recipe(Recipe("relu"), "rate=0.005").rate
    0.005
    """
    word, _, value = variation.partition("=")
    if variation == "wide":
        return widened_recipe(recipe, gate_parameters(recipe.spec))
    if word == "floor":
        return replace(recipe, options={"floor": float(value)})
    if word == "rate":
        return replace(recipe, rate=float(value))
    if word == "heads":
        return replace(recipe, shape=replace(recipe.shape, heads=int(value)))
    if word == "init":
        return replace(recipe, init=value)
    if word == "scan":
        return replace(recipe, options=recipe.options | {"scan": value})
    raise ValueError(f"no variant called {variation!r}; there are: wide, floor=F, rate=R, heads=H, init=I, scan=S, "
                     "scheme=S")


def rate_arm(name: str, rate: float) -> str:
    """The name of an arm at another learning rate; at the common rate it is the arm itself.

    >>> rate_arm("relu_floor~wide", 0.005), rate_arm("relu", 0.002)
    ('relu_floor~wide~rate=0.005', 'relu')
    """
    return name if rate == Recipe.rate else f"{name}~rate={rate:g}"


def gate_parameters(spec: str) -> int:
    """How many parameters a gate in every layer adds to the small model of `spec`.

    >>> gate_parameters("relu_floor")
    4704
    """
    gated = BETWEEN.join(f"{part}+gate" for part in split_layers(spec))
    with_gate, without = (sum(p.numel() for p in VideoTransformer(s).parameters()) for s in (gated, spec))
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
    if which in COLOUR_SETS:
        arms, seeds, budget, setting = COLOUR_SETS[which]
        yield from (Job(which, name, seed, arm_recipe(name, budget, "colour", setting))
                    for seed in range(seeds) for name in arms)
        return
    arms, seeds, budget, task = {
        "short": (CORE, 5, "short", "motion"), "long": (LONG, 1, "long", "motion"),
        "dose": (tuple(f"relu_floor~floor={f}" for f in FLOORS[1:-1]), 5, "short", "motion"),
        "control": (("relu_floor~wide",), 5, "short", "motion"),
        "late": (MAIN, 5, "long", "motion"),
        "breadth": (BREADTH + NEWEST, 3, "short", "motion"),
        "front": ((*CORE, "uniform"), 5, "long", "front"),
        "painters": (PAINTERS, 1, "long", "colour"),
        "layers_motion": (LAYERS, 5, "short", "motion"),
        "layers_colour": (LAYERS, 5, "short", "colour"),
        "rates": (tuple(rate_arm(name, rate) for rate in RATES for name in MAIN), 3, "short", "motion")}[which]
    yield from (Job(which, name, seed, arm_recipe(name, budget, task)) for seed in range(seeds) for name in arms)


def fine_recipe(name: str) -> Recipe:
    """The recipe of the finer set: more and smaller patches, for display; training begins from the long model.

    >>> len(fine_recipe("softmax").shape.grid), fine_recipe("softmax").start == arm_recipe("softmax", "long").digest()
    (1024, True)
    """
    coarse = arm_recipe(name, "long")
    return replace(coarse, setting="fine", shape=FINE, steps=800, batch=16, rate=1e-3, pool=6_000, tests=256,
                   start=coarse.digest())
