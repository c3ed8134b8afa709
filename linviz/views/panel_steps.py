"""The steps from tokens to a panel: make a mechanism, fit its gate, measure it, weaken its gate or its memory."""
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
from .state import Look
from .view_panels import Tokens, ViewPanel


def make_mechanism(spec: str, tokens: Tokens, seed: int = 0, options: Mapping[str, Any] | None = None) -> Attention:
    """The mechanism of a spec for the heads of these tokens. ValueError where it cannot be made on their grid."""
    (_, heads, _, width), value_width = tokens.q.shape, tokens.v.shape[-1]
    more: dict[str, Any] = {} if value_width == width else {"value_width": value_width}
    if tokens.key_grid is not None:
        more["key_grid"] = tokens.key_grid
        if tokens.causal:
            raise ValueError("causal attention needs as many keys as queries, in one order; here are "
                             f"{len(tokens.grid):,} queries and {len(tokens.keys):,} keys")
    return make(spec, heads, width, tokens.grid, seed, causal=tokens.causal, **more, **(options or {}))


def fit_panel(spec: str, tokens: Tokens, steps: int, seed: int, options: Mapping[str, Any] | None = None,
              progress: Callable[[int, int, float], Any] | None = None) -> Fit:
    """A mechanism whose gate is fitted to the softmax map of the same q and k, in the same scope."""
    mechanism, qkv = make_mechanism(spec, tokens, seed, options), (tokens.q, tokens.k, tokens.v)
    with torch.no_grad():
        target = make_mechanism(softmax_target(spec), tokens).map(*qkv)
    return fit_gate(mechanism, target, *qkv, steps=steps, seed=seed, progress=progress)


def measure_panel(mechanism: Attention, tokens: Tokens, fit: Fit | None = None,
                  options: Mapping[str, Any] | None = None) -> ViewPanel:
    """The panel of a mechanism: the mean map of several heads, and the first channel where each has its own map.

    fit: of the mechanism's gate, whose snapshots the view can replay.
    """
    qkv, several = (tokens.q, tokens.k, tokens.v), tokens.q.shape[1] > 1
    reading = read(mechanism, *qkv, mean_of_heads=several)
    title = mechanism.title + ", causal" * tokens.causal
    if reading.whole.shared is None:
        reading, title = read(mechanism, *qkv, channel=0, mean_of_heads=several), f"{title}, channel 1"
    title += "".join(f", {name} {value}" for name, value in (options or {}).items())
    if fit is None:
        return ViewPanel(title, reading, options=dict(options or {}))
    title += f", stopped at step {fit.steps}" if fit.cancelled else ", fitted"
    snapshots = None if several else gate_snapshots(fit, *qkv)
    return ViewPanel(title, reading, snapshots, dict(options or {}))


def ungated_panel(spec: str, tokens: Tokens, options: Mapping[str, Any] | None = None) -> ViewPanel:
    """The panel of a spec without a fit: a gate in it is constant, which is no gate at all."""
    mechanism = make_mechanism(spec, tokens, options=options)
    if mechanism.gate is not None:
        mechanism.gate.hold(0.5)
    return measure_panel(mechanism, tokens, options=options)


def is_weakened(panel: ViewPanel, look: Look) -> bool:
    """Whether the strengths of a look change this panel's map."""
    mechanism = panel.reading.mechanism
    return (mechanism.gate is not None and look.strength != 1
            or mechanism.memory is not None and (look.fading, look.erasing) != (1, 1))


def weaken_panel(panel: ViewPanel, look: Look) -> ViewPanel:
    """The panel at the strengths of a look: of its gate, with the ratios sigmoid(strength z), or of its memory.

    >>> from linviz.views import Look, View, open_view
    >>> view = View("coffee", patches=7, specs=("relu_floor", "relu_floor+gate"), steps=2)
    >>> plain, gated = open_view(view).panels
    >>> torch.allclose(weaken_panel(gated, Look(strength=0.0)).map.dense(), plain.map.dense(), atol=1e-6)
    True
    """
    if not is_weakened(panel, look):
        return panel
    before = panel.reading
    mechanism = deepcopy(before.mechanism)
    if mechanism.gate is not None:
        mechanism.gate.scale(look.strength)
    if mechanism.memory is not None:
        mechanism.memory.set_strengths(look.fading, look.erasing)
    return replace(panel, reading=read(mechanism, before.q, before.k, before.v, channel=before.channel,
                                       mean_of_heads=before.mean_of_heads))
