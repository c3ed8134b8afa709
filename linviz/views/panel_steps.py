"""The steps from tokens to a panel: make a mechanism, fit its gate, measure it, turn its gate down."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch

from ..mechanisms import Attention, make
from ..models import Fit, fit_gate
from ..models.fit import softmax_target
from ..patch_view import gate_snapshots
from ..reading import read
from .view_panels import Tokens, ViewPanel


def make_mechanism(spec: str, tokens: Tokens, seed: int = 0, options: Mapping[str, Any] | None = None) -> Attention:
    """The mechanism of a spec for one head of these tokens. ValueError where it cannot be made on their grid."""
    width, value_width = tokens.q.shape[-1], tokens.v.shape[-1]
    wide = {} if value_width == width else {"value_width": value_width}
    return make(spec, 1, width, tokens.grid, seed, causal=tokens.causal, **wide, **(options or {}))


def fit_panel(spec: str, tokens: Tokens, steps: int, seed: int, options: Mapping[str, Any] | None = None,
              progress: Callable[[int, int, float], Any] | None = None) -> Fit:
    """A mechanism whose gate is fitted to the softmax map of the same q and k, in the same scope."""
    mechanism, qkv = make_mechanism(spec, tokens, seed, options), (tokens.q, tokens.k, tokens.v)
    with torch.no_grad():
        target = make_mechanism(softmax_target(spec), tokens).map(*qkv)
    return fit_gate(mechanism, target, *qkv, steps=steps, seed=seed, progress=progress)


def measure_panel(mechanism: Attention, tokens: Tokens, fit: Fit | None = None,
                  options: Mapping[str, Any] | None = None) -> ViewPanel:
    """The panel of a mechanism; where each channel has its own map, the first channel is shown.

    fit: of the mechanism's gate, whose snapshots the view can replay.
    """
    qkv = tokens.q, tokens.k, tokens.v
    reading, title = read(mechanism, *qkv), mechanism.title + ", causal" * tokens.causal
    if reading.whole.shared is None:
        reading, title = read(mechanism, *qkv, channel=0), f"{title}, channel 1"
    title += "".join(f", {name} {value}" for name, value in (options or {}).items())
    if fit is None:
        return ViewPanel(title, reading, options=dict(options or {}))
    title += f", stopped at step {fit.steps}" if fit.cancelled else ", fitted"
    return ViewPanel(title, reading, gate_snapshots(fit, *qkv), dict(options or {}))


def ungated_panel(spec: str, tokens: Tokens, options: Mapping[str, Any] | None = None) -> ViewPanel:
    """The panel of a spec without a fit: a gate in it is constant, which is no gate at all."""
    mechanism = make_mechanism(spec, tokens, options=options)
    if mechanism.gate is not None:
        mechanism.gate.hold(0.5)
    return measure_panel(mechanism, tokens, options=options)


def weaken_gate(panel: ViewPanel, strength: float) -> ViewPanel:
    """The panel with the ratios of its gate at sigmoid(strength z); without a gate, or at strength 1, itself.

    >>> from linviz.views import View, open_view
    >>> view = View("coffee", patches=7, specs=("relu_floor", "relu_floor+gate"), steps=2)
    >>> plain, gated = open_view(view).panels
    >>> torch.allclose(weaken_gate(gated, 0.0).map.dense(), plain.map.dense(), atol=1e-6)
    True
    """
    before = panel.reading
    if before.mechanism.gate is None or strength == 1:
        return panel
    mechanism = deepcopy(before.mechanism)
    assert mechanism.gate is not None
    mechanism.gate.scale(strength)
    return replace(panel, reading=read(mechanism, before.q, before.k, before.v, channel=before.channel))
