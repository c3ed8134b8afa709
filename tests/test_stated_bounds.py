"""What a class states of rank and cost, held to its maps: also with each of its options, and with nothing to spare."""
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from linviz import Grid, cost, make, names
from linviz.maps import Map
from linviz.mechanisms import REGISTRY, Attention, Mechanism
from linviz.settings import Switch, Word

from .test_laws import visible

GRID, WIDTH = Grid(T=4, Y=5, X=6), 3  # 120 tokens: every bound by features lies below
OTHER_COST = {("reformer", "full"): "N S D"}  # an option that gives up what the method saves


def stated_number(m: Attention) -> float:
    """The rank that the class states for this form of it, as a number."""
    text, a = m.mechanism.rank, m.mechanism
    forms = dict(reversed(part.partition(": ")[::2]) for part in text.split("; ") if ": " in part)
    found = {form: part for part, form in forms.items()}
    options = a.given | {"+conv": m.parsed.conv}
    form = next((f for f in found if options.get(f) or f in options.values()), None)
    part = found[form] if form else text.partition(";")[0].removesuffix(" per channel")
    part = {"local heads N, global heads D": "N", "sum min(N_c, D)": "T min(Y X, D)"}.get(part, part)
    product = re.sub(r"(?<=[\w)]) +(?=[\w(])", " * ", part).replace(")(", ") * (")
    letters = {"N": len(GRID), "S": len(GRID), "T": GRID.T, "Y": GRID.Y, "X": GRID.X, "D": WIDTH,
               "M": many(m), "K": 64, "min": min}
    return float(eval(product, {"__builtins__": {}}, letters))


def many(m: Attention) -> int:
    """M: agents, random directions, or blocks of tokens."""
    if m.name == "agent":
        return len(m.mechanism.agent_grid(GRID))
    wide: int = getattr(m.mechanism, "features_wide", 0)
    return wide // WIDTH if m.name == "mhla" else wide


def forms(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The bare name, its convolution, and each value of its options that are words or switches."""
    cls = REGISTRY[name]
    yield name, {}
    if cls.add_conv is not Mechanism.add_conv:
        yield f"{name}+conv", {}
    yield from ([(name, {"chunk": 1})] if name == "sana" else [])
    for option, setting in cls.settings.items():
        kind = setting.kind
        values = kind.words if isinstance(kind, Word) else (False, True) if isinstance(kind, Switch) else ()
        yield from ((name, {option: value}) for value in values if value != cls.option_default(option))


FORMS = [(spec, options) for name in names() for spec, options in forms(name)]
NAMES = [" ".join([spec, *(f"{key}={value}" for key, value in options.items())]) for spec, options in FORMS]


@torch.no_grad()
def random_map(m: Attention) -> Map:
    generator = torch.Generator().manual_seed(3)
    return visible(m.map(*torch.randn(3, 1, 2, len(GRID), WIDTH, generator=generator, dtype=torch.float64)))


@pytest.mark.parametrize(("spec", "options"), FORMS, ids=NAMES)
def test_the_rank_is_what_the_class_states(spec: str, options: dict[str, Any]) -> None:
    m = make(spec, 2, WIDTH, GRID, **options).double()
    a = random_map(m)
    assert a.rank_bound == min(len(GRID), stated_number(m))
    s = torch.linalg.svdvals(a.dense())
    rank = int((s > 1e-12 * s[..., :1]).sum(-1).max())
    assert rank <= a.rank_bound
    if a.rank_bound < len(GRID):
        assert rank == a.rank_bound, "the bound is larger than it need be"


@pytest.mark.parametrize(("spec", "options"), [f for f in FORMS if f[1] or "+" in f[0]], ids=[
    name for name, f in zip(NAMES, FORMS) if f[1] or "+" in f[0]])
def test_an_option_costs_what_the_class_states(spec: str, options: dict[str, Any]) -> None:
    """Operations at 8 and 16 frames of the same size; without options: tests/test_cost.py."""
    name = spec.partition("+")[0]
    text = next((OTHER_COST[name, option] for option in options if (name, option) in OTHER_COST), REGISTRY[name].cost)
    counts = []
    for grid in (Grid(8, 4, 4), Grid(16, 4, 4)):
        x = torch.randn(1, 2, len(grid), 16)
        counts.append(cost.flops(make(spec, 2, 16, grid, **options), x, x, x))
    assert counts[1] / counts[0] == pytest.approx(cost.cost_growth(text, Grid(8, 4, 4), Grid(16, 4, 4)), rel=0.15)
