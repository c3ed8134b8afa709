"""Interventions: what a trained model relies on, found by removing one thing and running the model again.

Every function returns a copy that is altered in every layer at once; in a hybrid, a/b/c, gates are altered in those
layers that have one. The model itself does not change, and the copy's `forward` and `trace` agree. Removing a part
from a model that was trained with it differs from training without it: these functions show what this model uses, not
what a model needs.

    warmed         q / temperature: above 1 flatter maps, below 1 sharper ones
    gate_strength  r = sigmoid(s z): 1 as trained, 0 constant, so that the map is the un-gated kernel's
    held           the gate on queries, on keys, or on both made constant
    averaged       the ratios of a clip and head averaged: over tokens (a profile of channels remains), or over
                   channels (one weight per token remains; a query's weight cancels in the row sum)
"""
from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ..fixation import Gate
from .layer import AttentionLayer
from .video_transformer import VideoTransformer

SIDES = {"both": (0.0, 0.0), "q": (0.0, 1.0), "k": (1.0, 0.0)}  # factors for the logits of queries and keys
OVER = {"tokens": -2, "channels": -1}
Alter = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Altered(Gate):
    """A gate whose logits are changed before they become ratios; it shares the parameters of the original gate."""

    def __init__(self, gate: Gate, alter: Alter) -> None:
        nn.Module.__init__(self)
        self.sees, self.shared, self.q, self.k = gate.sees, gate.shared, gate.q, gate.k
        self.alters: tuple[Alter, ...] = (*(gate.alters if isinstance(gate, Altered) else ()), alter)

    def logits(self, phi_q: Tensor, phi_k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """z of queries (..., N, M) and keys (..., S, M), after every alteration, in order."""
        z = super().logits(phi_q, phi_k, v)
        for alter in self.alters:
            z = alter(*z)
        return z


def with_temperature(model: VideoTransformer, temperature: float, name: str | None = None) -> VideoTransformer:
    """The model with q divided by a temperature in every layer; infinity is q = 0: uniform maps under softmax.

    name: only in layers of this mechanism, as "softmax" in a hybrid.

    Features that are homogeneous (relu, focused) cancel any finite temperature in the row sum. ValueError for a
    temperature that is not above 0.

    >>> model = VideoTransformer("softmax")
    >>> seen = with_temperature(model, float("inf")).trace(torch.rand(1, 8, 3, 36, 36))[0]
    >>> round(seen.map.rows(torch.arange(1)).max().item() * 144, 3)
    1.0
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be a number above 0; got {temperature}")
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for layer in attention_layers(twin):
            for x in layer.to_q.parameters() if name in (None, layer.attention.name) else ():
                x.div_(temperature)
    return twin


def with_gate_strength(model: VideoTransformer, strength: float) -> VideoTransformer:
    """The model with the logits of its gates multiplied by `strength`. ValueError if there is no gate.

    >>> model = VideoTransformer("relu_floor+gate")
    >>> with_gate_strength(model, 0.0).trace(torch.rand(1, 8, 3, 36, 36))[0].ratios[1].unique().tolist()
    [0.5]
    """
    return alter_gates(model, lambda q, k: (strength * q, strength * k))


def with_constant_gate(model: VideoTransformer, side: str) -> VideoTransformer:
    """The model with the gate on "q", on "k" or on "both" constant. ValueError for another side or without a gate.

    >>> model = VideoTransformer("relu_floor+gate")
    >>> q, k = with_constant_gate(model, "k").trace(torch.rand(1, 8, 3, 36, 36))[0].ratios
    >>> len(k.unique()), len(q.unique()) > 1000
    (1, True)
    """
    if side not in SIDES:
        raise ValueError(f"no side called {side!r}; there are: {', '.join(SIDES)}")
    of_q, of_k = SIDES[side]
    return alter_gates(model, lambda q, k: (of_q * q, of_k * k))


def with_averaged_gate(model: VideoTransformer, over: str) -> VideoTransformer:
    """The model with its ratios averaged over "tokens" or over "channels", separately for every clip and head.

    Under a scope, tokens are those of one box. ValueError for another word or without a gate.

    >>> model = VideoTransformer("relu_floor+gate")
    >>> q, k = with_averaged_gate(model, "channels").trace(torch.rand(1, 8, 3, 36, 36))[0].ratios
    >>> bool((k.amax(-1) - k.amin(-1) < 1e-6).all()), bool((k.amax(-2) - k.amin(-2) < 1e-6).any())
    (True, False)
    """
    if over not in OVER:
        raise ValueError(f"ratios can be averaged over {' or '.join(OVER)}; got {over!r}")
    return alter_gates(model, lambda q, k: (_mean_logit(q, OVER[over]), _mean_logit(k, OVER[over])))


def _mean_logit(z: Tensor, axis: int) -> Tensor:
    """Logits of the mean ratio (the ratios are averaged, not the logits). In double precision, to keep 1 - r."""
    return z.double().sigmoid().mean(axis, keepdim=True).logit().to(z.dtype).expand_as(z)


def alter_gates(model: VideoTransformer, alter: Alter) -> VideoTransformer:
    """A copy whose gates' logits go through `alter`; ValueError if there is no gate."""
    twin = copy.deepcopy(model)
    found = [(layer.attention.mechanism, layer.attention.gate) for layer in attention_layers(twin)]
    if all(gate is None for _, gate in found):
        raise ValueError(f"{model.spec} has no gate to alter; use a model of a spec with +gate")
    for mechanism, gate in found:
        if gate is not None:
            mechanism.gate = Altered(gate, alter)
    return twin


def attention_layers(model: VideoTransformer) -> Iterator[AttentionLayer]:
    """Every attention layer of a model, first block first."""
    yield from (layer for layer in model.modules() if isinstance(layer, AttentionLayer))
