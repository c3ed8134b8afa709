"""Laws that hold for every registered mechanism, with every extra it takes: discovered, not listed."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from linviz import Grid, make, names
from linviz.maps import Map
from linviz.mechanisms import REGISTRY, Attention, Kernel, Mechanism

from .cases import every_case, hold_for

GRID = Grid(T=3, Y=3, X=5)  # odd on purpose; 45 tokens
HEADS, WIDTH = 2, 16
GATES = ("+gate", "+gate:qk", "+gate:self", "+gate:shared", "+gate:qk:shared", "+gate:self:shared")
SHIFTS = ("+shift:time", "+shift:space")
SCOPES = ("@space", "@time", "@rows", "@columns", "@window:2", "@shifted:2")


def variants(name: str) -> list[str]:
    """The bare name and every extra it takes."""
    cls = REGISTRY[name]
    conv = ("+conv", "+conv@window:2") if cls.add_conv is not Mechanism.add_conv else ()
    extras = [*(GATES if issubclass(cls, Kernel) else ()), *SHIFTS, *SCOPES, *conv]
    return [name] + [name + e for e in extras]


CAUSAL = [name for name in names() if REGISTRY[name].takes_causal]


def of_each_mechanism(law: Callable[..., None]) -> Callable[[str], None]:
    """A law of a spec as one test per mechanism: of its bare name and of every extra that it takes."""
    @functools.wraps(law)
    def held(name: str) -> None:
        hold_for(variants(name), lambda spec: law(spec=spec))
    name = inspect.Parameter("name", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    held.__signature__ = inspect.Signature([name])  # type: ignore[attr-defined]
    return pytest.mark.parametrize("name", names())(held)


def qkv(grid: Grid = GRID, batch: int = 2, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(batch, HEADS, len(grid), WIDTH, generator=generator, dtype=torch.float64).to(dtype)
                 for _ in range(3))


def build(spec: str, grid: Grid = GRID, **options) -> Attention:
    return make(spec, HEADS, WIDTH, grid, seed=1, **options).double()


def close(a: Tensor, b: Tensor, tolerance: float = 1e-10) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=tolerance * max(1.0, b.abs().max().item()))


def applied(a: Map, v: Tensor) -> Tensor:
    """The table of every channel, written out, times that channel of v."""
    tables = [a.channel(c).dense() for c in range(v.shape[-1])] if a.shared is not a else [a.dense()] * v.shape[-1]
    return torch.cat([table @ v[..., [c]] for c, table in enumerate(tables)], -1)


def visible(a: Map) -> Map:
    """The map to draw and measure: what channels share, or that of channel 1 where they have nothing in common."""
    return a.shared if a.shared is not None else a.channel(1)


def drawn(spec: str, grid: Grid = GRID, **options) -> tuple[Map, tuple[Tensor, ...]]:
    """The map to draw and measure, and its q, k, v."""
    q, k, v = qkv(grid)
    return visible(build(spec, grid, **options).map(q, k, v)), (q, k, v)


@of_each_mechanism
@torch.no_grad()
def test_output_is_the_dense_map_applied(spec: str) -> None:
    m, (q, k, v) = build(spec), qkv()
    a = m.map(q, k, v)
    assert close(m(q, k, v), m.finish(applied(a, m.values(v)), q))
    assert close(a.apply(v), applied(a, v)), "apply is not the dense map applied"


@of_each_mechanism
@torch.no_grad()
def test_the_map_is_linear_in_what_it_is_applied_to(spec: str) -> None:
    m, (q, k, v) = build(spec), qkv()
    a, (x, y, _) = m.map(q, k, v), qkv(seed=7)
    assert m.linear
    assert close(a.apply(2 * x - 3 * y), 2 * a.apply(x) - 3 * a.apply(y))


@of_each_mechanism
@torch.no_grad()
def test_one_row_is_a_row_of_the_table(spec: str) -> None:
    a, _ = drawn(spec)
    for i in (0, 7, len(GRID) - 1):
        assert close(a.rows(torch.tensor([i])), a.dense()[..., [i], :])
    many = torch.tensor([3, 0, 44, 3])
    assert close(a.rows(many), a.dense()[..., many, :])
    assert close(a.column_sums(), a.dense().sum(-2))
    walked = torch.cat([rows for _, rows in a.walk()], -2)
    assert close(walked, a.dense())


@of_each_mechanism
@torch.no_grad()
def test_the_spectrum_is_that_of_the_table(spec: str) -> None:
    a, _ = drawn(spec)
    s, full = a.singular_values(), torch.linalg.svdvals(a.dense())
    n = s.shape[-1]
    assert close(s, full[..., :n], 1e-9)
    assert bool((full[..., n:] < 1e-9).all())
    top = a.singular_values(top=3)
    assert top.shape[-1] == min(3, n) and close(top, full[..., :top.shape[-1]], 1e-9)
    centred = a.dense() - a.dense().mean(-2, keepdim=True)
    assert close(a.centred().dense(), centred)
    spectrum = a.centred().singular_values()
    assert close(spectrum, torch.linalg.svdvals(centred)[..., :spectrum.shape[-1]], 1e-9)


@of_each_mechanism
@torch.no_grad()
def test_the_rank_keeps_its_bound(spec: str) -> None:
    a, _ = drawn(spec)
    full = torch.linalg.svdvals(a.dense())
    assert int((full > 1e-11 * full[..., :1]).sum(-1).max()) <= a.rank_bound <= min(a.shape)


@of_each_mechanism
@torch.no_grad()
def test_rows_are_shares(spec: str) -> None:
    """Of a map that says so: no weight is negative and a row sums to one, or to nothing if it is dead.

    Where a method adds an eps to its row sums, they fall short of one by it; without eps they do not.
    """
    cls = REGISTRY[build(spec).name]
    adds_eps = issubclass(cls, Kernel) or "eps" in inspect.signature(cls.build).parameters
    a, _ = drawn(spec, **({"eps": 0.0} if adds_eps else {}))
    if a.stochastic:
        sums = a.dense().sum(-1)
        assert bool((a.dense() >= 0).all())
        assert bool((((sums - 1).abs() < 1e-12) | (sums == 0)).all())
        assert bool((drawn(spec)[0].dense().sum(-1) <= sums + 1e-12).all())


@pytest.mark.parametrize("name", names())
@torch.no_grad()
def test_every_extra_changes_the_map(name: str) -> None:
    bare, (q, k, v) = build(name), qkv()
    before = applied(bare.map(q, k, v), v)
    blind = torch.equal(before, applied(bare.map(k, q, v), v))

    def law(spec: str) -> None:
        m = build(spec)
        changed = not torch.allclose(applied(m.map(q, k, v), v), before, atol=1e-6)
        assert changed or not torch.allclose(m.values(v), v), f"{spec} does what {name} does"
        assert changed or blind, f"{spec} leaves the map as it was"
    hold_for(variants(name)[1:], law)


@of_each_mechanism
def test_gradients_are_finite(spec: str) -> None:
    m, (q, k, v) = build(spec), (x.requires_grad_() for x in qkv())
    m(q, k, v).square().sum().backward()
    for x in (q, k, v, *m.parameters()):
        assert x.grad is None or bool(torch.isfinite(x.grad).all())
    assert v.grad is not None and bool((v.grad != 0).any())


@of_each_mechanism
@torch.no_grad()
def test_a_batch_is_its_clips_one_by_one(spec: str) -> None:
    m, (q, k, v) = build(spec), qkv(batch=3)
    alone = torch.cat([m(q[[b]], k[[b]], v[[b]]) for b in range(3)])
    assert close(m(q, k, v), alone)


@of_each_mechanism
@torch.no_grad()
def test_float32_is_near_float64(spec: str) -> None:
    m, (q, k, v) = build(spec), qkv()
    assert torch.allclose(m.float()(*(x.float() for x in (q, k, v))).double(), m.double()(q, k, v), atol=1e-4)


@of_each_mechanism
@every_case("grid", [Grid(), Grid(T=2), Grid(X=3), Grid(T=2, Y=3, X=1, prefix=1)])
@torch.no_grad()
def test_any_grid_will_do(spec: str, grid: Grid) -> None:
    m, (q, k, v) = build(spec, grid), qkv(grid)
    o = m(q, k, v)
    assert o.shape == v.shape and bool(torch.isfinite(o).all())
    assert close(o, m.finish(applied(m.map(q, k, v), m.values(v)), q))


@pytest.mark.parametrize("name", [n for n in names() if REGISTRY[n].family in ("softmax", "kernel", "content-free")
                                  and not REGISTRY[n].positional])
@torch.no_grad()
def test_without_positions_order_does_not_matter(name: str) -> None:
    """Permuting the tokens permutes the rows and columns of the map."""
    m, (q, k, v) = build(name), qkv()
    order = torch.randperm(len(GRID), generator=torch.Generator().manual_seed(3))
    shuffled = visible(m.map(q[..., order, :], k[..., order, :], v[..., order, :])).dense()
    assert close(shuffled, visible(m.map(q, k, v)).dense()[..., order, :][..., order])


@pytest.mark.parametrize("name", CAUSAL)
@torch.no_grad()
def test_causal_never_looks_ahead(name: str) -> None:
    specs = [name] + ([name + "+gate"] if issubclass(REGISTRY[name], Kernel) else [])
    for spec in specs:
        assert bool((drawn(spec, causal=True)[0].dense().triu(1) == 0).all())
        if REGISTRY[name].sorts:
            continue
        m, (q, k, v) = build(spec, causal=True), qkv()
        before = m(q, k, v)
        for x in (q, k, v):
            x[..., 20, :] += 3.0
        assert close(m(q, k, v)[..., :20, :], before[..., :20, :])
        assert not torch.allclose(m(q, k, v)[..., 20:, :], before[..., 20:, :])


@pytest.mark.parametrize("name", [n for n in CAUSAL if issubclass(REGISTRY[n], Kernel)])
@every_case("extra", ["", "+gate"])
@torch.no_grad()
def test_a_causal_kernel_is_a_recurrent_network(name: str, extra: str) -> None:
    """Token by token with a state that does not grow: the same output as all at once."""
    m, (q, k, v) = build(name + extra, causal=True), qkv()
    state, out = None, []
    for token in zip(*(x.split(1, -2) for x in (q, k, v))):
        state, o = m.step(state, *token)
        out.append(o)
    assert state is not None and state.seen == len(GRID)
    assert state.S.shape == (2, HEADS, m.mechanism.features_wide, WIDTH)
    assert close(torch.cat(out, -2), m(q, k, v), 1e-9)


@pytest.mark.parametrize("name", [n for n in names() if issubclass(REGISTRY[n], Kernel)])
@every_case("gate", GATES)
@every_case("ratio", [0.5, 0.03])
@torch.no_grad()
def test_a_constant_gate_is_no_gate(name: str, gate: str, ratio: float) -> None:
    """Without eps a gate held at a constant gives the un-gated map exactly; with it, up to eps over the row sum."""
    q, k, v = qkv()
    exact, bare = build(name + gate, eps=0.0), build(name, eps=0.0)
    assert exact.gate is not None
    exact.gate.hold(ratio)
    assert close(exact.map(q, k, v).dense(), bare.map(q, k, v).dense(), 1e-14)
    usual, bare = build(name + gate), build(name)
    assert usual.gate is not None
    usual.gate.hold(ratio)
    sums = torch.stack([(f @ g.sum(-2, keepdim=True).mT).min() for f, g in [bare.features(q, k, v)[:2]]]).min()
    eps = usual.mechanism.normaliser.eps
    assert close(usual.map(q, k, v).dense(), bare.map(q, k, v).dense(), 1e-14 + eps / (ratio**2 * sums.item()))


@pytest.mark.parametrize("name", names())
@torch.no_grad()
def test_fewer_heads_of_k_and_v(name: str) -> None:
    """One head of k and v serves all heads of q, as if it were repeated."""
    m, (q, k, v) = build(name), qkv()
    assert close(m(q, k[:, :1], v[:, :1]), m(q, *(x[:, :1].expand(-1, HEADS, -1, -1) for x in (k, v))))


@pytest.mark.parametrize("name", names())
@torch.no_grad()
def test_the_width_of_v_is_free(name: str) -> None:
    if REGISTRY[name].equal_widths:
        with pytest.raises(ValueError, match="value_width is the width"):
            build(name, value_width=5)
        return
    m, (q, k, v) = build(name, value_width=5), qkv()
    assert m(q, k, v[..., :5]).shape == (2, HEADS, len(GRID), 5)


@pytest.mark.parametrize("name", names())
@torch.no_grad()
def test_the_generator_of_torch_is_left_alone(name: str) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    build(name + ("+gate" if issubclass(REGISTRY[name], Kernel) else ""))
    assert torch.equal(before, torch.get_rng_state())
