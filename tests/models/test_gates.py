"""One gate fitted over many clips to softmax's maps."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, make
from linviz.fixation import fixation_ratios
from linviz.maps import Dense
from linviz.models.gate_fits import PARTS, Goal, compare_maps, fit_free, fit_gates, keep_part, part_map

GRID, HEADS, WIDTH = Grid(T=2, Y=3, X=3), 2, 8


def clips(n: int = 24, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """q, k, v of clips with something in common that a gate can learn: one channel of k says who is looked at."""
    generator = torch.Generator().manual_seed(seed)
    q, k, v = (torch.randn(n, HEADS, len(GRID), WIDTH, generator=generator) for _ in range(3))
    q[..., 0] = 6.0
    return q, k, v


def target(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return make("softmax", HEADS, WIDTH, GRID).map(q, k, v).dense()


def fitted(spec: str = "relu_floor+gate", **options):
    m, x = make(spec, HEADS, WIDTH, GRID), clips()
    return fit_gates(m, target(*x), *x, **({"steps": 40, "rate": 0.1, "clips": 6, "rows": 9} | options)), m


def held_out(m, part: str = "whole") -> float:
    x = clips(seed=1)
    return compare_maps(part_map(m, *x, part=part), Goal(target(*x), x[2], torch.ones(24, 18, dtype=torch.bool)))["kl"]


@pytest.mark.parametrize("spec", ["relu_floor+gate", "relu_floor+gate:self:shared", "linear+gate:qk"])
def test_what_is_learned_on_some_clips_holds_on_others(spec: str) -> None:
    constant = make(spec, HEADS, WIDTH, GRID)
    constant.gate.hold()
    fit, m = fitted(spec)
    assert fit.after < fit.before
    assert held_out(m) < 0.85 * held_out(constant)


def test_bits_on_its_own_clips_are_those_of_the_map() -> None:
    fit, m = fitted(steps=5)
    x = clips()
    found = compare_maps(m.map(*x), Goal(target(*x), x[2], torch.ones(24, 18, dtype=torch.bool)))
    assert fit.after == pytest.approx(found["kl"], abs=1e-4) and fit.steps == 5


def test_the_seed_decides_and_maps_of_other_clips_teach_less() -> None:
    gates = [fitted(steps=3, seed=s)[1].gate.q.weight for s in (0, 0, 1)]
    assert torch.equal(gates[0], gates[1]) and not torch.equal(gates[0], gates[2])
    right, wrong, x = fitted()[1], make("relu_floor+gate", HEADS, WIDTH, GRID), clips()
    fit_gates(wrong, target(*x).roll(1, 0), *x, steps=40, rate=0.1, clips=6, rows=9)
    assert held_out(right) < 0.8 * held_out(wrong)


def test_parts_of_a_gate() -> None:
    _, m = fitted(steps=30)
    x = clips(2)
    phi = m.features(*x)
    r_q, r_k = fixation_ratios(m.gate, *phi)
    for part, (want_q, want_k) in {
            "whole": (r_q, r_k), "tokens": (torch.ones_like(r_q), r_k.mean(-1, keepdim=True)),
            "channels": (r_q.mean(-2, keepdim=True), r_k.mean(-2, keepdim=True)),
            "queries": (r_q, torch.ones_like(r_k)), "keys": (torch.ones_like(r_q), r_k)}.items():
        a = (phi[0] * want_q) @ (phi[1] * want_k).mT
        assert torch.allclose(part_map(m, *x, part=part).dense(), a / a.sum(-1, keepdim=True), atol=1e-5), part
    assert set(PARTS) == {"whole", "tokens", "channels", "queries", "keys"}
    assert torch.allclose(part_map(m, *x).dense(), m.map(*x).dense())


def test_what_a_fit_may_use_is_what_it_learns_with() -> None:
    """A gate that was fitted as a per-token one does better as that than one that was cut down afterwards."""
    assert held_out(fitted(part="tokens")[1], "tokens") < held_out(fitted()[1], "tokens")


def test_free_ratios_go_further_than_any_gate_but_not_beyond_the_rank() -> None:
    m, x = make("relu_floor+gate", HEADS, WIDTH, GRID), clips(3)
    rows = target(*x)
    gate = fit_gates(m, rows, *x, steps=50, rate=0.1, clips=3, rows=18)
    free, a = fit_free(m, rows, *x, steps=100)
    assert free.after < 0.5 * gate.after
    assert (torch.linalg.matrix_rank(a.dense().double(), rtol=1e-5) <= WIDTH).all()
    assert torch.linalg.matrix_rank(rows.double(), rtol=1e-5).float().mean() > WIDTH


def test_measures_against_numbers_on_paper() -> None:
    rows = torch.tensor([[0.5, 0.5], [1.0, 0.0]])[None, None]      # softmax's
    v = torch.tensor([[1.0, 0.0], [0.0, 1.0]])[None, None]
    mine = torch.tensor([[0.5, 0.5], [0.25, 0.75]])[None, None]
    found = compare_maps(Dense(mine), Goal(rows, v, torch.tensor([[True, False]])))
    assert found["kl"] == pytest.approx((0 + 2) / 2, abs=1e-4)      # log2(1 / .25)
    assert found["kl_1"] == found["kl"] and found["dead"] == 0
    assert found["error"] == pytest.approx((2 * 0.75**2 / 1.5) ** 0.5) == found["error_of_map"]
    assert found["object"] == pytest.approx((0.5 + 0.25) / 2 / 0.5)
    twice = compare_maps(Dense(mine), Goal(rows, v, torch.tensor([[True, False]])), 2 * v)
    assert twice["error"] != twice["error_of_map"] == found["error"]


def test_empty_rows_are_counted_and_left_out() -> None:
    rows, v = torch.full((1, 1, 2, 2), 0.5), torch.eye(2)[None, None]
    goal = Goal(rows, v, torch.ones(1, 2).bool())
    found = compare_maps(Dense(torch.tensor([[[[0.0, 0.0], [1.0, 0.0]]]]), stochastic=False), goal)
    assert found["dead"] == 0.5 and found["entropy"] == 0 and found["kl"] > 1
    with pytest.raises(ValueError, match="negative"):
        compare_maps(Dense(torch.tensor([[[[1.5, -0.5], [1.0, 0.0]]]]), stochastic=False), goal)


def test_only_averages_what_its_name_leaves_out() -> None:
    r = torch.rand(2, 3, 4)
    assert (keep_part(r, r, "tokens")[1].std(-1) < 1e-6).all() and (keep_part(r, r, "channels")[0].std(-2) < 1e-6).all()


def test_mistakes_get_a_sentence() -> None:
    x = clips(2)
    rows = target(*x)
    for spec, options, says in (("relu_floor", {}, "no gate"), ("softmax", {}, "no gate"),
                                ("focused+gate+conv", {}, r"without \+conv"), ("relu+gate@time", {}, "without a scope"),
                                ("relu+gate", {"part": "half"}, "no part"), ("relu+gate", {"steps": 0}, "one step")):
        with pytest.raises(ValueError, match=says):
            fit_gates(make(spec, HEADS, WIDTH, GRID), rows, *x, **options)
