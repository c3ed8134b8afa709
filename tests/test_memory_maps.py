"""The map of a memory, by itself: chunks change nothing, wiped memories, borders, gradients, float32."""
from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize, softplus

from linviz.maps import Memory, MemoryState

CASES = list(product(("scalar", "channel"), (0.0, 1.0), (1, 5)))


def draw(decay: str = "scalar", each: int = 1, n: int = 45, d: int = 8, seed: int = 0) -> tuple[Tensor, ...]:
    """q, k, log decay, beta, v."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(2, 3, *shape, generator=generator, dtype=torch.float64)

    q, k = normalize(random(n, d), dim=-1), normalize(random(n, d), dim=-1) / each ** 0.5
    log_decay = -softplus(random(n // each, d if decay == "channel" else 1))
    return q, k, log_decay, random(n, 1).sigmoid(), random(n, 5)


def stepped(q: Tensor, k: Tensor, g: Tensor, b: Tensor, v: Tensor, erase: float, each: int) -> Tensor:
    state, out = MemoryState.empty(k, v), []
    for t in range(q.shape[-2] // each):
        at = slice(t * each, (t + 1) * each)
        state = state.after(k[..., at, :], v[..., at, :], g[..., [t], :], b[..., at, :], erase)
        out.append(q[..., at, :] @ state.S)
    return torch.cat(out, -2)


@pytest.mark.parametrize("decay, erase, each", CASES)
def test_every_answer_is_that_of_the_steps(decay: str, erase: float, each: int) -> None:
    *terms, v = draw(decay, each)
    a, N = Memory(*terms, erase, each), len(v[0, 0])
    table = stepped(*terms, torch.eye(N, dtype=torch.float64).expand(2, 3, N, N), erase, each)
    assert torch.allclose(a.apply(v), stepped(*terms, v, erase, each), atol=1e-12)
    assert torch.allclose(a.dense(), table, atol=1e-12)
    i = [N - 1, 0, N // 2, N // 2]
    assert torch.allclose(a.rows(i), table[..., i, :], atol=1e-12)
    assert torch.allclose(a.column_sums(), table.sum(-2), atol=1e-12)
    assert torch.allclose(a.row_sums(), table.sum(-1), atol=1e-12)
    assert int((torch.linalg.svdvals(table) > 1e-12).sum(-1).max()) <= a.rank_bound
    if each == 1:
        assert torch.allclose(a.log_det(), torch.linalg.svdvals(table).log().sum(-1), atol=1e-6)
    else:
        assert a.rank_bound == N // each * min(each, 8)
        with pytest.raises(ValueError, match="5 tokens step at once"):
            a.log_det()


@pytest.mark.parametrize("decay, erase, each", CASES)
def test_what_passes_a_border_has_rank_d(decay: str, erase: float, each: int) -> None:
    *terms, _ = draw(decay, each)
    a = Memory(*terms, erase, each)
    block, passed = a.dense()[..., 20:, :20], a.passed(20)
    s = torch.linalg.svdvals(block)
    assert torch.allclose(passed.dense(), block, atol=1e-12) and passed.rank_bound == 8
    assert torch.allclose(passed.singular_values(), s[..., :8], atol=1e-12) and bool((s[..., 8:] < 1e-12).all())
    with pytest.raises(ValueError, match=r"tokens 1\.\.44"):
        a.passed(45)


@pytest.mark.parametrize("decay, erase, each", CASES)
def test_gradients_are_those_of_the_steps(decay: str, erase: float, each: int) -> None:
    given = [x.requires_grad_() for x in draw(decay, each)]
    goal = torch.randn(2, 3, 45, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    outputs = Memory(*given[:4], erase, each).apply(given[4]), stepped(*given, erase, each)
    ours, theirs = (torch.autograd.grad((o * goal).sum(), given) for o in outputs)
    assert all(torch.allclose(a, b, atol=1e-11) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("chunk", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("decay", ["scalar", "channel"])
def test_the_chunk_changes_nothing(decay: str, chunk: int) -> None:
    *terms, v = draw(decay, n=100)
    assert torch.allclose(Memory(*terms, 1.0, chunk=chunk).apply(v), stepped(*terms, v, 1.0, 1), atol=1e-12)


@pytest.mark.parametrize("decay", ["scalar", "channel"])
def test_a_memory_that_is_wiped_starts_again(decay: str) -> None:
    q, k, g, b, v = draw(decay, n=100)
    g[..., 40, :] = -torch.inf
    given = [x.requires_grad_() for x in (q, k, g, b)]
    table = Memory(*given, 1.0).dense()
    assert bool((table[..., 40:, :40] == 0).all()) and bool(torch.isfinite(table).all())
    assert torch.allclose(table[..., 40:, 40:], Memory(*(x[..., 40:, :] for x in given), 1.0).dense(), atol=1e-12)
    (table @ v).square().sum().backward()
    assert all(bool(torch.isfinite(x.grad).all()) for x in given)


def test_a_strong_decay_of_a_channel_does_not_overflow_and_a_long_clip_keeps_its_digits() -> None:
    """exp(c_i) exp(-c_j) overflows in float32 after 18 tokens of -5; differences of running sums lose digits."""
    for strength, n in ((5.0, 300), (1.0, 4000)):
        q, k, g, b, v = draw("channel", n=n, d=4)
        g = g * strength / 0.8
        small = Memory(*(x.float() for x in (q, k, g, b)), 1.0).apply(v.float())
        assert (small.double() - Memory(q, k, g, b, 1.0).apply(v)).abs().max() < 2e-5


def test_half_of_erasing_lies_between() -> None:
    *terms, v = draw()
    half = Memory(*terms, 0.5)
    assert torch.allclose(half.apply(v), stepped(*terms, v, 0.5, 1), atol=1e-12)


def test_queries_and_keys_come_in_pairs() -> None:
    q, k, g, b, _ = draw()
    with pytest.raises(ValueError, match="pairs query i with key i"):
        Memory(q[..., :20, :], k, g, b)
