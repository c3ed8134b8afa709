"""The chunks of a memory and their own gradients, held to the memory token by token, whatever decays and is written."""
from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, leaky_relu, normalize

from linviz import Grid, make
from linviz.maps import (
    Memory,
    MemoryState,
    corrected_scores,
    gather_rows,
    products_of_pairs,
    sum_rows,
)
from linviz.maps.chunk_gradients import carried, unit_inverse
from linviz.maps.faded_pairs import SHALLOW, fades_of_channels
from tests.cases import every_case

DECAYS = ("none", "weak", "middle", "strong", "fifty", "mixed", "wiped")  # "fifty": log decays of -50
ALL = [(decay, channels, erase, each, n) for decay in DECAYS for channels in (1, 6) for erase in (0.0, 1.0)
       for each, n in ((1, 19), (3, 24))]


def log_decays(kind: str, steps: int, channels: int) -> Tensor:
    """(2, 1, steps, channels), at most 0."""
    size = {"none": 0.0, "weak": 0.02, "middle": 2.0, "strong": 20.0, "fifty": 50.0, "mixed": 0.02, "wiped": 0.3}[kind]
    g = -torch.rand(2, 1, steps, channels, dtype=torch.float64) * size
    if kind == "fifty":
        g.fill_(-50)
    if kind in ("mixed", "wiped"):
        g[..., ::5, :] = -50 if kind == "mixed" else -torch.inf
    return g


def draw(decay: str, channels: int, each: int, n: int) -> list[Tensor]:
    """q, k, log decay, beta and v; of the betas some are 0 and some 1."""
    q, k = (normalize(torch.randn(2, 1, n, 6, dtype=torch.float64), dim=-1) for _ in range(2))
    beta = torch.rand(2, 1, n, 1, dtype=torch.float64)
    beta[..., ::4, :], beta[..., 1::4, :] = 0, 1
    return [q, k / each ** 0.5, log_decays(decay, n // each, channels), beta,
            torch.randn(2, 1, n, 5, dtype=torch.float64)]


def token_by_token(q: Tensor, k: Tensor, g: Tensor, b: Tensor, v: Tensor, erase: float, each: int) -> Tensor:
    state, out = MemoryState.empty(k, v), []
    for t in range(q.shape[-2] // each):
        at = slice(t * each, (t + 1) * each)
        state = state.after(k[..., at, :], v[..., at, :], g[..., [t], :], b[..., at, :], erase)
        out.append(q[..., at, :] @ state.S)
    return torch.cat(out, -2)


def same_gradients(ours: Tensor, theirs: Tensor, given: list[Tensor], atol: float = 1e-11) -> None:
    goal = torch.randn(ours.shape, dtype=ours.dtype, generator=torch.Generator().manual_seed(5))
    one, other = (torch.autograd.grad((x * goal).sum(), given, retain_graph=True) for x in (ours, theirs))
    for number, (a, b) in enumerate(zip(one, other, strict=True)):
        torch.testing.assert_close(a, b, atol=atol, rtol=1e-9, msg=lambda text, n=number: f"gradient {n}: {text}")


ONE = [(decay, channels, erase, 1, 1) for decay in DECAYS for channels in (1, 6) for erase in (0.0, 1.0)]
FRAMES = [(decay, channels, 1.0, 20, 40) for decay in DECAYS for channels in (1, 6)]


@every_case("decay, channels, erase, each, n", [*ALL, *ONE, *FRAMES])
def test_values_and_gradients_are_those_of_steps(decay: str, channels: int, erase: float, each: int, n: int) -> None:
    given = draw(decay, channels, each, n)
    for x in given:
        x.requires_grad_()
    if decay == "wiped":  # the steps themselves have no gradient where nothing is left of an infinite decay
        given[2] = given[2].detach()
    a, taken = Memory(*given[:4], erase, each), [x for x in given if x.requires_grad]
    slow = token_by_token(*given, erase, each)
    torch.testing.assert_close(a.apply(given[4]), slow, atol=1e-12, rtol=1e-10)
    same_gradients(a.apply(given[4]), slow, taken)
    if n > 1 and decay in ("weak", "fifty", "wiped"):  # A^T y, and its gradient
        y = torch.randn(2, 1, n, 3, dtype=torch.float64)
        table = token_by_token(*given[:4], torch.eye(n, dtype=torch.float64).expand(2, 1, n, n), erase, each)
        torch.testing.assert_close(a.pull(y), table.mT @ y, atol=1e-12, rtol=1e-10)
        same_gradients(a.pull(y), table.mT @ y, taken[:-1])


@every_case("decay, channels", [(d, c) for d in DECAYS for c in (1, 6)])
def test_float32_keeps_its_digits(decay: str, channels: int) -> None:
    *terms, v = draw(decay, channels, 1, 60)
    small = [x.float() for x in (*terms, v)]
    given = [x.requires_grad_() for x in small if bool(torch.isfinite(x).all())]
    out = Memory(*small[:4], 1.0).apply(small[4])
    assert (out - token_by_token(*terms, v, 1.0, 1)).abs().max() < 1e-5
    large = [x.detach().double().requires_grad_(x.requires_grad) for x in small]
    slow = token_by_token(*large, 1.0, 1)
    goal = torch.randn(out.shape, generator=torch.Generator().manual_seed(5))
    ours, theirs = (torch.autograd.grad((o * goal.to(o)).sum(), xs) for o, xs in (
        (out, given), (slow, [x for x in large if x.requires_grad])))
    for x, y in zip(ours, theirs, strict=True):
        assert (x - y).abs().max() < 2e-5 * max(1, y.abs().max())


def test_a_weak_and_a_strong_decay_take_both_roads() -> None:
    """Otherwise the law above would not see the roads that cut at borders."""
    found = [len(fades_of_channels(log_decays(d, 16, 6))[0]) for d in ("none", "weak", "middle", "strong", "fifty")]
    assert found == [1, 1, 5, 5, 5] and SHALLOW == 16


@pytest.mark.parametrize("scan", ["raster", "columns", "both", "frames"])
@every_case("name", ["retention", "gla", "mamba2", "delta", "gated_delta", "kda"])
def test_every_scan_of_every_mechanism_is_the_memory_step_by_step(name: str, scan: str) -> None:
    grid = Grid(T=3, Y=3, X=5)
    m = make(name, 2, 6, grid, scan=scan, **({"skip": False} if name == "mamba2" else {})).double()
    q, k, v = (torch.randn(1, 2, len(grid), 6, dtype=torch.float64, requires_grad=True) for _ in range(3))
    terms, each = m.mechanism.terms(q, k), m.mechanism.tokens_per_step
    order = m.mechanism.order()
    orders = [order, order.flip(0)] if scan == "both" else [order]
    slow = sum(token_by_token(*((x if x.shape[-2] != len(grid) else x[..., o, :]) for x in (*terms, v)),
                              m.mechanism.erase, each)[..., o.argsort(), :] for o in orders)
    torch.testing.assert_close(m(q, k, v), slow, atol=1e-12, rtol=1e-10)
    same_gradients(m(q, k, v), slow, [q, k, v])


@every_case("back", [False, True])
def test_the_walk_and_the_inverse_have_their_gradients_and_map_over_an_axis(back: bool) -> None:
    keeping, fresh, state = (torch.randn(2, *s, dtype=torch.float64, requires_grad=True) for s in (
        (4, 3, 3), (4, 3, 2), (3, 2)))
    assert torch.autograd.gradcheck(lambda *xs: carried(*xs, back=back), (keeping, fresh, state))
    x = torch.randn(2, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(unit_inverse, (x,))
    eye = torch.eye(5, dtype=torch.float64)
    assert torch.allclose(unit_inverse(x) @ (eye + x.tril(-1)), eye.expand(2, 5, 5))
    m = make("kda", 2, 4, Grid(X=9))
    q = torch.randn(3, 1, 2, 9, 4)
    torch.testing.assert_close(torch.vmap(m)(q, q, q), torch.stack([m(x, x, x) for x in q]))


@every_case("side, dtype", [(side, dtype) for side in (1, 3, 5) for dtype in (torch.float64, torch.float32)])
def test_a_correction_of_scores_is_the_two_convolutions(side: int, dtype: torch.dtype) -> None:
    s, b = torch.randn(2, 3, 5, 11, dtype=dtype), torch.randn(1, 3, 5, 11, dtype=dtype)
    w1, w2 = torch.randn(7, 6, side, dtype=dtype), torch.randn(3, 7, side, dtype=dtype)
    b1, b2 = torch.randn(7, dtype=dtype), torch.randn(3, dtype=dtype)
    given = [x.requires_grad_() for x in (s, b, w1, w2, b1, b2)]
    pads = (0, side // 2)
    inside = conv2d(torch.cat([s, b.expand_as(s)], 1), w1.unsqueeze(2), b1, padding=pads)
    slow = conv2d(leaky_relu(inside, 0.01), w2.unsqueeze(2), b2, padding=pads)
    shared = conv2d(b, w1[:, 3:].unsqueeze(2), b1, padding=pads)[0]
    ours, near = corrected_scores(s, shared, w1[:, :3], w2, b2), 1e-11 if dtype == torch.float64 else 2e-4
    torch.testing.assert_close(ours, slow, atol=near, rtol=1e-5)
    same_gradients(ours, slow, given, near)
    with torch.no_grad():
        mapped = torch.vmap(lambda x: corrected_scores(x[None], shared, w1[:, :3], w2, b2)[0])(s)
    torch.testing.assert_close(mapped, slow.detach(), atol=near, rtol=1e-5)


def test_rows_that_are_gathered_and_summed_whole_are_those_taken_one_by_one() -> None:
    x, index = torch.randn(2, 1, 7, 4, dtype=torch.float64, requires_grad=True), torch.randint(0, 7, (2, 3, 5, 6))
    slow = torch.stack([torch.stack([x[b, 0][index[b, h]] for h in range(3)]) for b in range(2)])
    ours = gather_rows(x, index)
    assert torch.equal(ours, slow)
    same_gradients(ours, slow, [x])
    o = torch.randn(2, 3, 5, 6, 4, dtype=torch.float64, requires_grad=True)
    table = torch.nn.functional.one_hot(index.flatten(-2), 7).to(o).mT
    same_gradients(sum_rows(o, index, 7), table @ o.flatten(-3, -2), [o])
    torch.testing.assert_close(sum_rows(o, index, 7), table @ o.flatten(-3, -2))


@every_case("D", [1, 2, 5])
def test_products_of_pairs_are_those_of_the_indices(D: int) -> None:
    x = torch.randn(2, D, 6, dtype=torch.float64, requires_grad=True)
    m, n = torch.triu_indices(D, D, 1)
    ours, slow = products_of_pairs(x), x[:, m] * x[:, n]
    assert torch.equal(ours, slow)
    same_gradients(ours, slow, [x])
