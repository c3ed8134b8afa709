"""Laws at large logits: no exponential overflows or vanishes, in forward, rows, apply and step, causal or not.

Every draw has a new seed, which is printed when a test fails; LINVIZ_SEED repeats one.
"""
from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from linviz import Grid, make, names
from linviz.maps import CausalExponential, Features, Normaliser
from linviz.mechanisms import REGISTRY, Attention, Kernel, Mechanism

from .cases import every_case
from .test_laws import applied, visible

GRID = Grid(T=2, Y=3, X=7, prefix=1)  # 43 tokens: several blocks, the last one incomplete
HEADS, WIDTH = 2, 16
FURTHER = {"performer": ({"floor": 0.0}, {"kind": "none"}, {"kind": "trigonometric"}, {"kind": "relu"}),
           "efficient": ({"before": 3.0},), "nonlocal": ({"scale": 2.0},), "local_global": ({"scale": 1.0},)}
FORMS = [(name, {**options, **({"causal": True} if causal else {})})
         for name in names() for options in ({}, *FURTHER.get(name, ()))
         for causal in (False, True) if not causal or REGISTRY[name].takes_causal]
RECURRENT = [(name, options) for name, options in FORMS
             if "causal" in options and REGISTRY[name].step is not Mechanism.step]
# features may be zero, or below eps: a dead row
EMPTY = ("relu", "cosformer", "vicinity", "linear", "keypoint", "focused", "mhla")
WAVES = "trigonometric"  # signed features: rows may sum to nearly zero, and nothing is near anything
SEED = int(os.environ.get("LINVIZ_SEED", random.SystemRandom().randrange(10**6)))
Draw = Callable[[torch.Generator], tuple[Tensor, Tensor, Tensor]]


def normal(size: float) -> Draw:
    """q and k from N(0, size^2)."""
    def draw(g: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = torch.randn(3, 1, HEADS, len(GRID), WIDTH, generator=g)
        return q * size, k * size, v
    return draw


def one_key(size: float) -> Draw:
    """One key, somewhere, with every channel at `size`; all others are small."""
    def draw(g: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = normal(1)(g)
        k[..., int(torch.randint(len(GRID), (1,), generator=g)), :] = size
        return q, k, v
    return draw


def all_keys(size: float) -> Draw:
    """Every key near `size`."""
    def draw(g: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = normal(1)(g)
        return q, k + size, v
    return draw


DRAWS = {"N(0, 100^2)": normal(100), "one key at 200": one_key(200), "one key at -200": one_key(-200),
         "all keys at -200": all_keys(-200)}
FEW = ("N(0, 100^2)", "one key at 200")


def drawn(name: str) -> tuple[Tensor, Tensor, Tensor]:
    print(f"LINVIZ_SEED={SEED}")
    return DRAWS[name](torch.Generator().manual_seed(SEED))


def attention(name: str, options: dict, dtype: torch.dtype = torch.float32) -> Attention:
    return make(name, HEADS, WIDTH, GRID, **options).to(dtype)


def near(got: Tensor, right: Tensor, logits: float) -> None:
    """Equal up to the rounding of float32 in exponents of this size, and in proportion to the largest number."""
    assert bool(torch.isfinite(got).all()), f"{int((~torch.isfinite(got)).sum())} of {got.numel()} are not finite"
    error = (got.double() - right.double()).abs().max().item()
    assert error <= (1e-5 + 1e-6 * logits) * max(1.0, right.abs().max().item()), error


def rounded_squares(m: Attention, k: Tensor) -> float:
    """Performer's exponents hold |k|^2 / 2: half a last digit of it in float32, in the unit of `near`."""
    if m.name != "performer":
        return 0.0
    return k.square().sum(-1).max().item() / (2 * WIDTH ** 0.5) * torch.finfo(torch.float32).eps / 2 / 1e-6


@every_case("draw", DRAWS)
@every_case("name, options", FORMS)
@torch.no_grad()
def test_float32_is_near_float64(name: str, options: dict, draw: str) -> None:
    q, k, v = drawn(draw)
    m, exact = attention(name, options), attention(name, options, torch.float64)
    if options.get("kind") == WAVES:
        assert bool(torch.isfinite(m(q, k, v)).all()) and bool(torch.isfinite(m.map(q, k, v).dense()).all())
        return
    logits = max(q.abs().max().item() * k.abs().max().item(), 1.0, rounded_squares(m, k))
    near(m(q, k, v), exact(q.double(), k.double(), v.double()), logits)
    a, wide = m.map(q, k, v), exact.map(q.double(), k.double(), v.double())
    near(a.apply(m.values(v)), applied(a, m.values(v)), 1.0)
    near(visible(a).dense(), visible(wide).dense(), logits)
    sums = visible(a).dense().sum(-1)
    if visible(a).stochastic and name not in EMPTY:
        assert bool(((sums - 1).abs() < 1e-4).all()), "a row is empty"


@every_case("draw", FEW)
@every_case("name, options", RECURRENT)
@torch.no_grad()
def test_step_is_the_causal_form(name: str, options: dict, draw: str) -> None:
    for spec in (name, f"{name}+gate") if issubclass(REGISTRY[name], Kernel) else (name,):
        q, k, v = drawn(draw)
        m = attention(spec, options)
        state, out = None, []
        for token in zip(*(x.split(1, -2) for x in (q, k, v)), strict=True):
            state, o = m.step(state, *token)
            out.append(o)
        if options.get("kind") != WAVES:
            near(torch.cat(out, -2), m(q, k, v), q.abs().max().item() * k.abs().max().item())
        assert all(bool(torch.isfinite(o).all()) for o in out)
        assert state is not None and all(bool(torch.isfinite(x).all()) for x in (state.S, state.z))


@every_case("draw", FEW)
@every_case("name, options", [form for form in FORMS if "causal" in form[1]])
def test_gradients_are_finite_and_those_of_float64(name: str, options: dict, draw: str) -> None:
    found = []
    for dtype in (torch.float32, torch.float64):
        q, k, v = (x.to(dtype).requires_grad_() for x in drawn(draw))
        attention(name, options, dtype)(q, k, v).square().sum().backward()
        found.append([torch.zeros_like(x) if x.grad is None else x.grad for x in (q, k, v)])
    exact = name in ("efficient", "local_global", "linear", "aft_simple") or options.get("kind") == "none"
    for got, right in zip(*found, strict=True):
        assert bool(torch.isfinite(got).all())
        if exact and draw != "N(0, 100^2)":  # elsewhere float32 rounds the logits themselves by 1e-3
            assert (got.double() - right).abs().max() <= 3e-3 * max(1.0, right.abs().max().item())


# ------------------------------------------------------------------------------------------------ the formula


def exponents(kind: str, q: Tensor, k: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """The logarithms of the features of q and k, (N, M) and (S, M), in float64."""
    q, k = q.double(), k.double()
    if kind in ("efficient", "none"):
        return q.log_softmax(-1), k
    x, y = q * WIDTH**-0.25, k * WIDTH**-0.25
    return x @ w.mT - x.square().sum(-1, keepdim=True) / 2, y @ w.mT - y.square().sum(-1, keepdim=True) / 2


@every_case("draw", DRAWS)
@every_case("causal", [False, True])
@every_case("name, options, kind", [
    ("performer", {"kind": "none"}, "none"), ("performer", {"floor": 0.0}, "positive"), ("efficient", {}, "efficient")])
@torch.no_grad()
def test_rows_are_the_formula_in_logarithms(name: str, options: dict, kind: str, causal: bool, draw: str) -> None:
    """log A_ij = log sum_m exp(p_im + s_jm) - its logarithm of the sum over the keys that are seen."""
    if not causal and kind != "positive":
        return  # a softmax over positions: another formula, without an exponential of its own
    q, k, v = drawn(draw)
    m = attention(name, options | ({"causal": True} if causal else {}))
    a = m.map(q, k, v).dense()
    for h in range(HEADS):
        p, s = exponents(kind, q[0, h], k[0, h], m.mechanism.w.double() if kind == "positive" else q)
        logs = (p[:, None] + s[None]).logsumexp(-1)
        logs = logs.masked_fill(torch.ones_like(logs, dtype=torch.bool).triu(1), -torch.inf) if causal else logs
        near(a[0, h], logs.softmax(-1), max(1.0, p.abs().max().item() + s.abs().max().item()))


def test_gradients_of_exponentials_are_those_of_the_formula() -> None:
    """Also far from zero, where the formula without a running maximum has none."""
    g = torch.Generator().manual_seed(0)  # in some draws all gradients cancel, down to the rounding of the terms
    p, s = (150 * torch.randn(37, 5, generator=g, dtype=torch.float64) for _ in range(2))
    u, w = torch.rand(2, 37, 5, generator=g, dtype=torch.float64)
    v = torch.randn(37, 3, generator=g, dtype=torch.float64)
    given = [x.requires_grad_() for x in (u, w, p, s, v)]
    goal = torch.randn(37, 3, generator=g, dtype=torch.float64)

    def slow(u: Tensor, w: Tensor, p: Tensor, s: Tensor, v: Tensor) -> Tensor:
        logs = ((u.log() + p)[:, None] + (w.log() + s)[None]).logsumexp(-1)
        return logs.masked_fill(torch.ones(37, 37, dtype=torch.bool).triu(1), -torch.inf).softmax(-1) @ v

    def fast(u: Tensor, w: Tensor, p: Tensor, s: Tensor, v: Tensor) -> Tensor:
        return CausalExponential(Features(u, w, s_q=p, s_k=s), Normaliser()).apply(v)

    assert torch.allclose(fast(*given), slow(*given), atol=1e-12)
    for a, b in zip(*(torch.autograd.grad((f(*given) * goal).sum(), given) for f in (fast, slow)), strict=True):
        assert torch.allclose(a, b, atol=1e-9 * b.abs().max().item())


@pytest.mark.parametrize("size", [1e6, 1e10, 1e15])
@pytest.mark.parametrize(("name", "options"), [("efficient", {}), ("performer", {"kind": "none"})])
def test_exponents_that_rounding_lifts_above_the_largest(name: str, options: dict, size: float) -> None:
    """Exponents of 1e10 are rounded by hundreds: of two equal ones, one then seems to be e^100 times the other."""
    q, k, v = drawn("N(0, 100^2)")
    q, k = (x.requires_grad_() for x in (q * (size / 100), k * (size / 100)))
    a = attention(name, options | {"causal": True})
    o, rows = a(q, k, v), a.map(q, k, v).dense()
    assert bool(torch.isfinite(o).all()) and bool(((rows.sum(-1) - 1).abs() < 1e-4).all())
    assert all(bool(torch.isfinite(x).all()) for x in torch.autograd.grad(o.sum(), (q, k)))


def test_a_limit_of_the_row_sum_is_that_of_the_features_themselves() -> None:
    """eps of efficient's causal form, as in linear-attention-transformer: it does not see the running maximum."""
    x = torch.randn(3, 1, 1, 40, WIDTH, generator=torch.Generator().manual_seed(SEED), dtype=torch.float64)
    q, k, v = x[0], x[1] - 12, x[2]
    a = make("efficient", 1, WIDTH, Grid(X=40), causal=True, eps=1e-3).map(q, k, v)
    weights = (q.softmax(-1) @ k.exp().mT).tril()
    right = weights / weights.sum(-1, keepdim=True).clamp_min(1e-3)
    assert torch.allclose(a.dense(), right, atol=1e-12) and torch.allclose(a.apply(v), right @ v, atol=1e-12)
