"""What a gate can do: fit it, over many clips, to the maps of another attention on the same q, k, v.

`fit_gate` copies one map. Here one gate, the same for all heads as in the paper, copies the maps of many clips, so that
other clips can show what it learned. There are no labels, no task, and no network after it:

    min over the gate of the mean over clips, heads and rows of KL(target row || gated row)        Adam, minibatches

A gate can be restricted (PARTS): its ratios averaged over channels, so that it only decides which tokens are seen; or
averaged over tokens, so that it only decides which features count; or one side held constant. `Free` ratios, one number
for every token and channel, show how far any gate on this kernel can go: only the map's rank M limits them.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..concentration import entropy, top_share
from ..fixation import fixation_ratios
from ..maps import Features, KernelMap, Map, Normaliser
from ..mechanisms import Attention, Kernel
from ..row_block import DEAD_ROW_SUM
from ..spectra import effective_rank
from .adam import Adam
from .fit import row_divergence
from .looking import FEW, object_lift, row_diversity

PARTS = {"whole": "every token and channel has its own ratio",
         "tokens": "ratios averaged over channels: which tokens are seen",
         "channels": "ratios averaged over the tokens of a clip and head: which features count",
         "queries": "only the ratios of queries, those of keys held constant",
         "keys": "only the ratios of keys, those of queries held constant"}
ROUNDING = 1e-6
Ratios = tuple[Tensor, Tensor]
Rule = Callable[[Tensor, Tensor, Tensor], Ratios]


@dataclass(frozen=True)
class Copied:
    """The result of a fit: KL(target || gated) in bits, mean over all rows of the clips of the fit."""

    before: float
    after: float
    steps: int


def fit_gates(mechanism: Attention, target: Tensor, q: Tensor, k: Tensor, v: Tensor, *, part: str = "whole",
              steps: int = 200, rate: float = 2e-2, clips: int = 8, rows: int = 48, seed: int = 0) -> Copied:
    """Fit the gate of `mechanism`, in place, to the target's maps on the clips q, k, v (B, H, N, D).

    target (B, H, N, S): rows that sum to one. A step reads `clips` clips and `rows` rows of each, drawn from `seed`.
    part: one of PARTS, the restriction during the fit. ValueError if there is no gate or sizes differ.

    >>> from linviz import Grid, make
    >>> x = torch.randn(4, 2, 16, 8)
    >>> soft, gated = (make(s, 2, 8, Grid(Y=4, X=4)) for s in ("softmax", "relu_floor+gate"))
    >>> fit = fit_gates(gated, soft.map(x, x, x).dense(), x, x, x, steps=40)
    >>> fit.after < fit.before
    True
    """
    gate, fixed = ratio_rule(mechanism, part), gate_features(mechanism, q, k, v)
    assert mechanism.gate is not None
    return _descend_divergence(mechanism.gate.parameters(), lambda c: gated_features(tuple(x[c] for x in fixed), gate),
                               target, steps, rate, clips, rows, seed)


def fit_free(mechanism: Attention, target: Tensor, q: Tensor, k: Tensor, v: Tensor, *, steps: int = 400,
             rate: float = 0.1, seed: int = 0) -> tuple[Copied, Map]:
    """The bound on every gate: one ratio per token, head and channel of these clips, fitted to their maps.

    No gate on these features can copy the divergence that remains, whatever it reads (as far as the descent converged).
    """
    phi_q, phi_k, _ = gate_features(mechanism, q, k, v)
    z_q, z_k = (torch.zeros_like(phi, requires_grad=True) for phi in (phi_q, phi_k))
    fit = _descend_divergence([z_q, z_k], lambda c: (phi_q[c] * z_q[c].sigmoid(), phi_k[c] * z_k[c].sigmoid()),
                              target, steps, rate, len(q), q.shape[-2], seed)
    return fit, KernelMap(Features(phi_q, phi_k, z_q.detach(), z_k.detach()), kernel_normaliser(mechanism))


def _descend_divergence(parameters: Iterable[Tensor], factors: Callable[[Tensor], Ratios], target: Tensor, steps: int,
                        rate: float, clips: int, rows: int, seed: int) -> Copied:
    """Run Adam on the divergence of the map whose gated features are `factors(clip numbers)`."""
    if steps < 1:
        raise ValueError(f"a fit takes at least one step; got {steps}")
    B, _, N, _ = target.shape
    plogp, optimiser = torch.special.xlogy(target, target).sum(-1), Adam(parameters, rate)
    generator = torch.Generator().manual_seed(seed)

    def bits(c: Tensor, i: Tensor) -> Tensor:
        at_q, at_k = factors(c)
        return row_divergence(_clip_rounding(at_q[..., i, :] @ at_k.mT), target[c][..., i, :], plogp[c][..., i]).mean()

    before = _all_rows(bits, B, N)
    for _ in range(steps):
        bits(torch.randperm(B, generator=generator)[:clips], torch.randperm(N, generator=generator)[:rows]).backward()
        optimiser.step()
    return Copied(before, _all_rows(bits, B, N), steps)


@torch.no_grad()
def _all_rows(bits: Callable[[Tensor, Tensor], Tensor], B: int, N: int) -> float:
    return sum(bits(torch.tensor([c]), torch.arange(N)).item() for c in range(B)) / B


def gate_features(mechanism: Attention, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The features that a gate reads, without gradient; ValueError if the map is more than gated features."""
    m, parsed = mechanism.mechanism, mechanism.parsed
    if not isinstance(m, Kernel) or m.causal or parsed.conv or parsed.scope != "joint":
        raise ValueError(f"the map of {mechanism.spec} is more than features of all tokens: use a kernel that is not "
                         "causal, without a scope and without +conv")
    with torch.no_grad():
        return mechanism.features(q, k, v)


def kernel_normaliser(mechanism: Attention) -> Normaliser:
    """The normaliser by which the kernel divides a row."""
    assert isinstance(mechanism.mechanism, Kernel)
    return mechanism.mechanism.normaliser


def ratio_rule(mechanism: Attention, part: str = "whole") -> Rule:
    """A function from phi(q), phi(k), v to the ratios of queries and keys, restricted to one of PARTS."""
    gate = mechanism.gate
    if gate is None:
        raise ValueError(f"{mechanism.spec} has no gate to fit; add +gate")
    if part not in PARTS:
        raise ValueError(f"no part of a gate called {part!r}; there are: {', '.join(PARTS)}")
    return lambda *seen: keep_part(*fixation_ratios(gate, *seen), part)


def keep_part(r_q: Tensor, r_k: Tensor, part: str) -> Ratios:
    """Ratios (..., N, M) restricted to one of PARTS; the rest is replaced by its mean, or by one half.

    >>> r = torch.tensor([[0.2, 0.4], [0.6, 0.8]])
    >>> keep_part(r, r, "tokens")[0].tolist(), keep_part(r, r, "channels")[1].tolist()
    ([[0.3, 0.3], [0.7, 0.7]], [[0.4, 0.6], [0.4, 0.6]])
    """
    axis = {"tokens": -1, "channels": -2}.get(part)
    if axis is not None:
        return r_q.mean(axis, keepdim=True).expand_as(r_q), r_k.mean(axis, keepdim=True).expand_as(r_k)
    return (torch.full_like(r_q, 0.5) if part == "keys" else r_q,
            torch.full_like(r_k, 0.5) if part == "queries" else r_k)


def gated_features(fixed: tuple[Tensor, ...], gate: Rule) -> Ratios:
    """Gated features of queries and keys; their product is the map before division by its row sums."""
    phi_q, phi_k, v = fixed
    r_q, r_k = gate(phi_q, phi_k, v)
    return phi_q * r_q, phi_k * r_k


def part_map(mechanism: Attention, q: Tensor, k: Tensor, v: Tensor, part: str = "whole") -> Map:
    """The map of a gated kernel with its gate restricted to one of PARTS; "whole" is the mechanism's own map.

    >>> from linviz import Grid, make
    >>> x, m = torch.randn(1, 1, 4, 8), make("relu_floor+gate", 1, 8, Grid(X=4))
    >>> torch.allclose(part_map(m, x, x, x).dense(), m.map(x, x, x).dense())
    True
    """
    with torch.no_grad():
        phi_q, phi_k = gated_features(gate_features(mechanism, q, k, v), ratio_rule(mechanism, part))
        return KernelMap(Features(phi_q, phi_k), kernel_normaliser(mechanism))


@dataclass(frozen=True)
class Goal:
    """The maps to copy: rows (B, H, N, S) that sum to one, mixing v (B, H, S, E); inked tokens (B, N) bool."""

    rows: Tensor
    v: Tensor
    inked: Tensor

    def missed(self, output: Tensor) -> float:
        """|o - o_goal| / |o_goal| over all heads, tokens and channels of a clip; mean over clips."""
        goal = self.rows @ self.v
        return ((output - goal).flatten(1).norm(dim=-1) / goal.flatten(1).norm(dim=-1)).double().mean().item()


@torch.no_grad()
def compare_maps(a: Map, goal: Goal, output: Tensor | None = None) -> dict[str, float]:
    """How close a map is to the goal. Means over rows that are not empty, heads and clips; KL and errors over all rows.

    entropy, in bits; kl, bits of KL(goal || map), and kl_1, kl_2, ... of every head; top, weight of a row's heaviest
    5 % of keys; object, weight on the inked tokens over their fraction of tokens; diversity,
    the distance of a row from the mean row of its head and clip; effective_rank; dead, fraction of empty rows; error,
    of the attention's output (`output`, or the map's mixture of the goal's v), and error_of_map, of that mixture.

    >>> from linviz.maps import Dense
    >>> each, all_alike = torch.eye(4)[None, None], Dense(torch.full((1, 1, 4, 4), 0.25))
    >>> found = compare_maps(all_alike, Goal(each, torch.eye(4)[None, None], torch.ones(1, 4, dtype=torch.bool)))
    >>> found["kl"], found["entropy"], found["effective_rank"]
    (2.0, 2.0, 1.0)
    """
    rows = _clip_rounding(a.dense())
    dead = rows.sum(-1) < DEAD_ROW_SUM
    full = rows.masked_fill(dead[..., None], 1.0)
    plogp = torch.special.xlogy(goal.rows, goal.rows).sum(-1)
    kl = row_divergence(rows, goal.rows, plogp).double().mean((0, 2))  # a number a head
    of_map = goal.missed(a.apply(goal.v))
    few = math.ceil(FEW * rows.shape[-1])
    return {"entropy": _live_mean(entropy(full), dead), "kl": kl.mean().item(),
            "top": _live_mean(top_share(full, few), dead),
            "object": object_lift(a, goal.inked), "diversity": row_diversity(a),
            "effective_rank": effective_rank(a.singular_values()).mean().item(),
            "error": of_map if output is None else goal.missed(output), "error_of_map": of_map,
            "dead": dead.double().mean().item()} | {f"kl_{n}": x for n, x in enumerate(kl.tolist(), 1)}


def _clip_rounding(rows: Tensor) -> Tensor:
    """Rows with rounding errors below zero removed: the cosine of a right angle comes out as -4e-8, not as 0."""
    return rows.where((rows > 0) | (rows < -ROUNDING), 0.0)


def _live_mean(x: Tensor, dead: Tensor) -> float:
    return x[~dead].double().mean().item()
