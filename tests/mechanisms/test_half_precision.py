"""Half precision is summed in float32, however many tokens there are: only q, k, v and the output are rounded."""
from __future__ import annotations

import pytest
import torch
from torch import Tensor

from linviz import Grid, make
from linviz.mechanisms import REGISTRY, Kernel

KERNELS = sorted(name for name, cls in REGISTRY.items() if issubclass(cls, Kernel))
MANY, WIDTH = Grid(Y=200, X=200), 8  # 40,000 tokens: a sum of so many features is infinite in float16
FORMS = [*[(spec, {}) for name in KERNELS for spec in (name, f"{name}+gate")], ("efficient", {}), ("factorized", {}),
         ("linear", {"causal": True}), ("efficient", {"causal": True})]


def tokens(n: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """q, k and v as they are after rounding; v is not of mean zero, so that an error of the sum is seen."""
    q, k, v = torch.randn(3, 1, 1, n, WIDTH, generator=torch.Generator().manual_seed(0))
    return [x.to(dtype) for x in (q, k, v + 1)]


def error(found: Tensor, right: Tensor) -> float:
    assert bool(torch.isfinite(found).all())
    return ((found.double() - right).abs().max() / right.abs().max()).item()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("spec", "options"), FORMS, ids=str)
@torch.no_grad()
def test_40000_tokens(spec: str, options: dict, dtype: torch.dtype) -> None:
    given = tokens(len(MANY), dtype)
    m = make(spec, 1, WIDTH, MANY, **options).to(dtype)   # the parameters are half precision, too
    right = make(spec, 1, WIDTH, MANY, **options).to(dtype).double()(*(x.double() for x in given))
    found = m(*given)
    assert found.dtype == dtype and error(found, right) < 2 * torch.finfo(dtype).eps
    if not options:
        rows, exact = (m.map(*x).rows([0, 777]) for m, x in (
            (m, given), (make(spec, 1, WIDTH, MANY).to(dtype).double(), [x.double() for x in given])))
        assert rows.dtype == torch.float32 and error(rows, exact) < 1e-4


@pytest.mark.parametrize("spec", ["linear", "relu_floor+gate", "focused", "swin", "aft_full", "lambda", "linformer"])
def test_a_model_in_half_precision_has_gradients(spec: str) -> None:
    m = make(spec, 1, WIDTH, Grid(Y=4, X=4)).half()
    given = [x.requires_grad_() for x in tokens(16, torch.float16)]
    m(*given).sum().backward()
    for x in (*given, *m.parameters()):
        assert x.grad is None or x.grad.dtype == torch.float16 and bool(torch.isfinite(x.grad).all())
    assert given[2].grad is not None and all(p.grad is not None for p in m.parameters() if spec != "lambda")


@torch.no_grad()
def test_a_step_and_autocast_round_nothing_on_the_way() -> None:
    given = tokens(50)
    m = make("linear", 1, WIDTH, Grid(X=50), causal=True)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(m(*given), make("linear", 1, WIDTH, Grid(X=50), causal=True)(*given))
    state, half = None, [x.half() for x in given]
    for token in zip(*(x.split(1, -2) for x in half), strict=True):
        state, o = m.step(state, *token)
    assert o.dtype == torch.float16 and state is not None and state.S.dtype == torch.float32
    assert error(o, m(*(x.double() for x in half))[..., -1:, :]) < 2e-3


@torch.no_grad()
def test_100000_tokens_in_float32() -> None:
    """A softmax over positions has a sum of 100,000 exponentials below each of its fractions."""
    q, k, v = tokens(100_000)
    for spec, options in (("efficient", {}), ("performer", {"kind": "none"}), ("factorized", {"version": "softmax"})):
        m = make(spec, 1, WIDTH, Grid(X=100_000), **options)
        a, exact = m.map(q, k, v), m.map(q.double(), k.double(), v.double())
        assert error(a.apply(v), exact.apply(v.double())) < 1e-5, spec
        assert error(m(q, k, v - 1), m(q.double(), k.double(), v.double() - 1)) < 1e-5, spec
