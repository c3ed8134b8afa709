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
OTHER_COST = {"reformer full=True": "N S D", "nonlocal similarity=dot": "N D E"}  # they give up what is saved, or save
OTHER_RANK = {"nonlocal similarity=dot": "D", "fastmax normalise=centred": "D (D + 1)/2", "mhla mixing=ones": "D"}
LOOSE = {"fastmax normalise=centred", "mhla mixing=ones"}  # a centred token has D - 1 free channels; ones mix nothing


def stated_rank(m: Attention) -> str:
    """The rank that the class states for this form of it: "D; +conv: N" says two."""
    plain, *others = m.mechanism.rank.split("; ")
    options = m.mechanism.given | {"+conv": m.parsed.conv}
    for form, _, part in (other.partition(": ") for other in others):
        if options.get(form) or form in options.values():
            return part
    return plain.removesuffix(" per channel")


def rank_number(m: Attention, part: str) -> float:
    """A rank in letters as a number."""
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
MORE = [one for one in FORMS if one[1] or "+" in one[0]]


def form_name(spec: str, options: dict[str, Any]) -> str:
    return " ".join([spec, *(f"{key}={value}" for key, value in options.items())])


def no_table() -> Any:
    raise AssertionError("a bound below N, and yet the whole table for the spectrum")


@torch.no_grad()
def random_map(m: Attention) -> Map:
    generator = torch.Generator().manual_seed(3)
    q, k, v = torch.randn(3, 1, 2, len(GRID), WIDTH, generator=generator, dtype=torch.float64)
    a = m.map(q, k / 4, v)  # short keys: a memory with unit=False refuses others
    return a.channel(1) if m.parsed.conv else visible(a)


@pytest.mark.parametrize(("spec", "options"), FORMS, ids=[form_name(*one) for one in FORMS])
def test_the_rank_is_what_the_class_states(spec: str, options: dict[str, Any]) -> None:
    m = make(spec, 2, WIDTH, GRID, **options).double()
    a = random_map(m)
    name = form_name(spec, options)
    least, most = (min(len(GRID), rank_number(m, text)) for text in (OTHER_RANK.get(name, stated_rank(m)),
                                                                     stated_rank(m)))
    assert a.rank_bound == (most if name in LOOSE else least)
    s = torch.linalg.svdvals(a.dense())
    rank = int((s > 1e-12 * s[..., :1]).sum(-1).max())
    if a.rank_bound < len(GRID) and m.family != "recurrent":
        a.dense = no_table  # type: ignore[method-assign]
        found = a.singular_values()
        assert found.shape[-1] <= a.rank_bound and torch.allclose(found, s[..., :found.shape[-1]], atol=1e-9)
    assert rank <= least and (least == len(GRID) or rank == least), "a smaller number could be stated"


@pytest.mark.parametrize(("spec", "options"), MORE, ids=[form_name(*one) for one in MORE])
def test_an_option_costs_what_the_class_states(spec: str, options: dict[str, Any]) -> None:
    """Operations at 8 and 16 frames of the same size; without options: tests/test_cost.py."""
    text = OTHER_COST.get(form_name(spec, options), REGISTRY[spec.partition("+")[0]].cost)
    counts = []
    for grid in (Grid(8, 4, 4), Grid(16, 4, 4)):
        x = torch.randn(1, 1, len(grid), 16) / 8
        counts.append(cost.flops(make(spec, 1, 16, grid, **options), x, x, x))
    assert counts[1] / counts[0] == pytest.approx(cost.cost_growth(text, Grid(8, 4, 4), Grid(16, 4, 4)), rel=0.15)
