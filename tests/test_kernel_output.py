"""The roads of a kernel's output are held to the product of its map with v, with gradients, and keep few numbers."""
from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from linviz import Grid, make
from linviz.maps import CausalFactored, Factored, Features, Normaliser, blockwise_output, elu_plus_one
from linviz.maps import causal_output as causal
from linviz.maps import kernel_output as road
from linviz.mechanisms import REGISTRY
from linviz.mechanisms.base import Kernel

from .cases import every_case

DIVISORS = [("add", 1e-6), ("add", 0.0), ("clamp", 0.5), ("clamp", 0.0), ("none", 0.0)]


def draw(*shapes: tuple[int, ...]) -> list[Tensor]:
    return [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


@pytest.fixture(autouse=True)
def short_inputs_take_the_roads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("OWN_GRADIENT", 0), ("LONG", 0), ("BLOCK", 24)):
        monkeypatch.setattr("linviz.maps.kernel_output." + name, value)
    for name, value in (("CHUNK", 4), ("AT_ONCE", 2)):
        monkeypatch.setattr("linviz.maps.causal_output." + name, value)


@every_case("kind, eps", DIVISORS)
def test_output_and_gradients_are_those_of_the_map(kind: str, eps: float) -> None:
    q, k, v = draw((2, 3, 9, 4), (1, 3, 7, 4), (2, 3, 7, 5))
    phi_q, phi_k, divisor = q.relu() * (torch.arange(9) > 0)[:, None], k.relu(), Normaliser(kind, eps)  # row 0 is empty
    slow = Factored(phi_q / divisor(phi_q @ phi_k.sum(-2, keepdim=True).mT), phi_k).apply(v)
    fast, g = road.kernel_output(phi_q, phi_k, v, divisor), torch.randn_like(slow)
    torch.testing.assert_close(fast, slow, atol=1e-13, rtol=1e-12)
    for a, b in zip(*(torch.autograd.grad(o, (q, k, v), g, retain_graph=True) for o in (fast, slow)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=1e-10)


def test_first_and_second_gradients_are_those_of_finite_differences() -> None:
    q, k, v = draw((1, 5, 3), (1, 4, 3), (1, 4, 2))

    def output(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return road.kernel_output(elu_plus_one(q), elu_plus_one(k), v, Normaliser())

    def causal_one(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return causal.causal_output(elu_plus_one(q[:, :4]), elu_plus_one(k), v, Normaliser())

    for function in (output, causal_one):
        assert torch.autograd.gradcheck(function, (q, k, v)) and torch.autograd.gradgradcheck(function, (q, k, v))


@every_case("kind, eps, n", [(*divisor, n) for divisor in DIVISORS for n in (1, 4, 20, 21)])
def test_causal_output_and_gradients_are_those_of_the_triangle(
        monkeypatch: pytest.MonkeyPatch, kind: str, eps: float, n: int) -> None:
    monkeypatch.setattr(causal, "NARROW", 32 if n % 4 else 0)  # several chunks at once, or one by one
    q, k, v = draw((2, 3, n, 4), (1, 3, n, 4), (2, 3, n, 5))
    phi_q, phi_k, divisor = q.relu() * (torch.arange(n) != 1)[:, None], k.relu(), Normaliser(kind, eps)  # row 1: empty
    weights = (phi_q @ phi_k.mT).tril()
    slow = weights / divisor(weights.sum(-1, keepdim=True)) @ v
    fast, g = causal.causal_output(phi_q, phi_k, v, divisor), torch.randn_like(slow)
    torch.testing.assert_close(fast, slow, atol=1e-13, rtol=1e-12)
    for a, b in zip(*(torch.autograd.grad(o, (q, k, v), g, retain_graph=True) for o in (fast, slow)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=1e-10)
    a = CausalFactored(Features(phi_q, phi_k), divisor)
    torch.testing.assert_close(a.column_sums(), a.dense().sum(-2))


def tokenwise() -> list[str]:
    return [name for name, kind in REGISTRY.items() if getattr(kind, "tokenwise", False)]


@every_case("name", tokenwise())
def test_a_long_input_is_read_in_blocks_of_tokens(name: str) -> None:
    m = make(name, 3, 4, Grid(X=30)).double()
    kernel = m.mechanism
    assert isinstance(kernel, Kernel) and len(tokenwise()) >= 3
    q, k, v = (x.detach() for x in draw((2, 3, 30, 4), (2, 3, 23, 4), (2, 3, 23, 4)))
    for whole, part in zip(kernel.features(q, k), kernel.features(q[..., 5:9, :], k[..., 5:9, :]), strict=True):
        assert torch.equal(whole[..., 5:9, :], part)
    slow = m.map(q, k, v).dense() @ v
    torch.testing.assert_close(m(q, k, v), slow, atol=1e-13, rtol=1e-11)
    torch.testing.assert_close(blockwise_output(kernel.features, q, k, v, kernel.normaliser), slow)


class Made(TorchDispatchMode):
    """Every tensor that is made meanwhile; they are kept, so that no storage is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors: list[Tensor] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **kwargs or {})
        self.tensors += [out] if isinstance(out, Tensor) else []
        return out

    def largest(self, *given: Tensor) -> list[int]:
        """The numbers of the two largest storages that are not those of given tensors."""
        found = {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() // x.itemsize for x in self.tensors}
        for x in given:
            found.pop(x.untyped_storage().data_ptr(), None)
        return sorted(found.values())[-2:]


def test_nothing_but_the_output_is_as_long_as_a_long_input() -> None:
    m, q = make("linear", 1, 4, Grid(X=600)), torch.randn(1, 1, 600, 4)
    with Made() as made:
        m(q, q, q)
    assert made.largest(q) == [24, 600 * 4]
