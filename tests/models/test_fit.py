"""Fitting a gate to a map."""
import pytest
import torch

from linviz import Grid, make
from linviz.maps import Dense
from linviz.models import LABEL, fit_gate, mean_divergence

GRID = Grid(Y=7, X=7)


def data(N: int = 49) -> torch.Tensor:
    return torch.randn(1, 1, N, 8, generator=torch.Generator().manual_seed(0))


def fitted(spec: str = "relu_floor+gate", **options):
    x = data()
    target = make("softmax", 1, 8, GRID).map(x, x, x)
    m = make(spec, 1, 8, GRID)
    return fit_gate(m, target, x, x, x, **({"steps": 60} | options)), m, target, x


@pytest.mark.parametrize("spec", ["relu_floor+gate", "relu_floor+gate:self", "relu_floor+gate:qk:shared", "relu+gate",
                                  "linear+gate", "relu_floor+gate@rows"])
def test_a_fit_comes_nearer(spec: str) -> None:
    x = data()
    scope = "@rows" if "@" in spec else ""
    target = make("softmax" + scope, 1, 8, GRID).map(x, x, x)
    m = make(spec, 1, 8, GRID)
    fit = fit_gate(m, target, x, x, x, steps=60)
    assert fit.after < 0.9 * fit.before and fit.steps == 60 and not fit.cancelled
    assert fit.after == pytest.approx(mean_divergence(m, target, x, x, x)), "the gate was not left as reported"
    assert fit.label == LABEL and "never trained" in LABEL


def test_the_gate_beats_a_constant_one() -> None:
    fit, m, target, x = fitted(steps=200)
    held = make("relu_floor+gate", 1, 8, GRID)
    held.gate.hold(0.5)
    assert fit.after < 0.8 * mean_divergence(held, target, x, x, x)


def test_the_same_seed_fits_the_same_gate() -> None:
    x = torch.randn(1, 1, 400, 8, generator=torch.Generator().manual_seed(1))  # more rows than a step reads
    target = make("softmax", 1, 8, Grid(X=400)).map(x, x, x)
    gates = []
    for seed in (0, 0, 1):
        m = make("relu_floor+gate", 1, 8, Grid(X=400))
        fit_gate(m, target, x, x, x, steps=5, seed=seed)
        gates.append(m.gate.q.weight.detach())
    assert torch.equal(gates[0], gates[1]) and not torch.equal(gates[0], gates[2])


def test_snapshots_lead_from_the_start_to_the_end() -> None:
    fit, m, *_ = fitted()
    steps = [s.step for s in fit.snapshots]
    assert steps[0] == 0 and steps[-1] == 60 and steps == sorted(set(steps)) and len(steps) == 30
    assert torch.equal(fit.snapshots[-1].gate["q.weight"], m.gate.q.weight)
    assert not torch.equal(fit.snapshots[0].gate["q.weight"], m.gate.q.weight)
    assert fit.snapshots[-1].kl < fit.snapshots[0].kl


def test_progress_is_told_and_can_cancel() -> None:
    told = []
    fit, m, *_ = fitted(progress=lambda step, steps, kl: told.append((step, steps, kl)) or step < 10)
    assert fit.cancelled and fit.steps == 10 == len(told) and told[-1][:2] == (10, 60)
    assert fit.snapshots[-1].step == 10 and torch.equal(fit.snapshots[-1].gate["k.bias"], m.gate.k.bias)


def test_mistakes_get_a_sentence() -> None:
    x = data()
    soft, gated = make("softmax", 1, 8, GRID), make("relu_floor+gate", 1, 8, GRID)
    target = soft.map(x, x, x)
    for call, says in ((lambda: fit_gate(soft, target, x, x, x), "no gate"),
                       (lambda: fit_gate(gated, target, x, x, x, steps=0), "at least one step"),
                       (lambda: fit_gate(gated, Dense(torch.eye(3)), x, x, x), "size"),
                       (lambda: fit_gate(gated, Dense(-torch.eye(49), stochastic=False), x, x, x), "not probability")):
        with pytest.raises(ValueError, match=says):
            call()


def test_an_empty_row_does_not_spoil_the_fit() -> None:
    x = data()
    x[0, 0, 3] = -x[0, 0, 3].abs()  # no positive channel: relu leaves nothing of this query
    target = make("softmax", 1, 8, GRID).map(x, x, x)
    m = make("relu+gate", 1, 8, GRID)
    fit = fit_gate(m, target, x, x, x, steps=20)
    assert fit.after < fit.before < 5 and not m.gate.q.weight.isnan().any()
