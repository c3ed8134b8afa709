"""Fit a gate to a map: what a gate can do for given queries and keys, without any task.

Gradient descent on the mean over rows of KL(target row || gated row). Each step reads a block of rows, so
no full table is kept. Nothing here is learned for a task: the gate sees one picture and copies one map.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..maps import Features, Map
from ..mechanisms import Attention, parse
from .adam import Adam

LABEL = "fitted to a map, never trained on a task"
ROWS = 256  # rows read per step
KEPT = 1 << 24  # the most weights of a target that are kept instead of computed again in each step
TRACE = 1e-6  # fraction of uniform mixed into a row, so that the divergence stays finite where a row has no weight
Progress = Callable[[int, int, float], bool | None]


@dataclass(frozen=True)
class Snapshot:
    """The gate during a fit: after `step` steps its mean divergence from the target was `kl` bits."""

    step: int
    kl: float
    gate: dict[str, Tensor]


@dataclass
class Fit:
    """The result of a fit. `before` and `after`: mean KL over all rows, in bits. The mechanism's gate is changed."""

    mechanism: Attention
    before: float
    after: float = 0.0
    steps: int = 0
    cancelled: bool = False
    snapshots: list[Snapshot] = field(default_factory=list)
    label: str = LABEL


def softmax_target(spec: str) -> str:
    """The softmax with the same scope as a spec: the target of a gate's fit.

    >>> softmax_target("relu_floor+gate@window:4"), softmax_target("relu_floor+gate")
    ('softmax@window:4', 'softmax')
    """
    _, at, scope = str(parse(spec)).partition("@")
    return f"softmax{at}{scope}"


def fit_gate(mechanism: Attention, target: Map, q: Tensor, k: Tensor, v: Tensor, *, steps: int = 300,
             rate: float = 2e-2, seed: int = 0, snapshots: int = 30, progress: Progress | None = None) -> Fit:
    """Fit the gate of `mechanism` so that its map on q, k, v comes close to `target`, row by row.

    Adam, `steps` steps of `rate`; `seed` chooses the rows a step reads. `progress(step, steps, kl)` is called
    after every step, kl in bits on the rows of that step; returning False stops the fit there.

    >>> from linviz import Grid, make
    >>> x = torch.randn(1, 1, 16, 8)
    >>> soft, gated = (make(s, 1, 8, Grid(Y=4, X=4)) for s in ("softmax", "relu_floor+gate"))
    >>> fit = fit_gate(gated, soft.map(x, x, x), x, x, x, steps=30)
    >>> fit.after < fit.before
    True
    """
    _check_fit(mechanism, target, q, k, steps)
    assert mechanism.gate is not None
    fit = Fit(mechanism, before=mean_divergence(mechanism, target, q, k, v))
    keep = {round(n * steps / max(snapshots - 1, 1)) for n in range(snapshots)}
    optimiser = Adam(mechanism.gate.parameters(), rate)
    weights, goal = unscaled_rows(mechanism, q, k, v), _target_rows(target)
    fit.snapshots.append(_take_snapshot(mechanism, 0, fit.before))
    for step, i in enumerate(_row_blocks(q.shape[-2], steps, seed), 1):
        kl = row_divergence(weights(i), *goal(i)).mean()
        kl.backward()
        optimiser.step()
        fit.steps = step
        if step in keep:
            fit.snapshots.append(_take_snapshot(mechanism, step, kl.item()))
        if progress is not None and progress(step, steps, kl.item()) is False:
            fit.cancelled = step < steps
            break
    if fit.snapshots[-1].step != fit.steps:
        fit.snapshots.append(_take_snapshot(mechanism, fit.steps, kl.item()))
    fit.after = mean_divergence(mechanism, target, q, k, v)
    return fit


def _check_fit(mechanism: Attention, target: Map, q: Tensor, k: Tensor, steps: int) -> None:
    if mechanism.gate is None:
        raise ValueError(f"{mechanism.spec} has no gate to fit; add +gate")
    if not target.stochastic:
        raise ValueError("the target's rows are not probability distributions, so there is no divergence to minimise")
    if steps < 1 or target.shape != (q.shape[-2], k.shape[-2]):
        raise ValueError(f"a fit takes at least one step (got {steps}) and a target of the map's size: "
                         f"{target.shape} against {(q.shape[-2], k.shape[-2])}")


def unscaled_rows(mechanism: Attention, q: Tensor, k: Tensor, v: Tensor) -> Callable[[Tensor], Tensor]:
    """A function of row numbers: the rows of the gated map, before division by their sums, with gradient.

    The features do not depend on the gate, so they are computed once; under a scope the whole map is computed.
    """
    if mechanism.parsed.scope != "joint" or mechanism.mechanism.causal:
        return lambda i: mechanism.map(q, k, v).rows(i)
    gate = mechanism.gate
    assert gate is not None
    with torch.no_grad():
        phi_q, phi_k, v = mechanism.features(q, k, v)

    def rows(i: Tensor) -> Tensor:
        gated_q, gated_k = Features(phi_q, phi_k, *gate.logits(phi_q, phi_k, v)).gated()
        return gated_q[..., i, :] @ gated_k.mT
    return rows


def _target_rows(target: Map) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function of row numbers: the target's rows, and sum p log p of each. Cached if the table is small."""
    def made(i: Tensor) -> tuple[Tensor, Tensor]:
        p = target.rows(i)
        return p, torch.special.xlogy(p, p).sum(-1)

    if target.shape[0] * target.shape[1] > KEPT:
        return made
    table, plogp = made(torch.arange(target.shape[0]))
    return lambda i: (table, plogp) if len(i) == target.shape[0] else (table[..., i, :], plogp[..., i])


def row_divergence(weights: Tensor, p: Tensor, plogp: Tensor) -> Tensor:
    """KL(p || weights / their sum) of every row in bits, from unscaled weights; `TRACE` keeps it finite.

    plogp: sum p log p of every row. An empty row has only the trace, so it counts as uniform.
    """
    weights = weights.masked_fill(weights.sum(-1, keepdim=True) <= 0, 1.0)
    sums = weights.sum(-1, keepdim=True)
    mixed = (1 - TRACE) * weights + TRACE / weights.shape[-1] * sums.clamp_min(torch.finfo(weights.dtype).tiny)
    cross = (p * mixed.log()).sum(-1) - sums.clamp_min(torch.finfo(weights.dtype).tiny).log().squeeze(-1)
    return (plogp - cross) / math.log(2)


def mean_divergence(mechanism: Attention, target: Map, q: Tensor, k: Tensor, v: Tensor) -> float:
    """Mean over all rows of KL(target row || row) in bits; the row is mixed with a trace of uniform."""
    with torch.no_grad():
        a, goal = mechanism.map(q, k, v), _target_rows(target)
        return torch.cat([row_divergence(a.rows(i), *goal(i)) for i, _ in target.walk()], -1).double().mean().item()


def _row_blocks(N: int, steps: int, seed: int) -> Iterator[Tensor]:
    """The rows of each step: all of them if they are few, else a newly drawn block."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield torch.arange(N) if N <= ROWS else torch.randperm(N, generator=generator)[:ROWS]


def _take_snapshot(mechanism: Attention, step: int, kl: float) -> Snapshot:
    assert mechanism.gate is not None
    return Snapshot(step, kl, {name: p.detach().clone() for name, p in mechanism.gate.state_dict().items()})
