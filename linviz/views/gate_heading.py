"""Titles of gates: how many channels attention uses with and without a gate, from the numbers of this picture."""
from __future__ import annotations

from collections.abc import Sequence

from ..models.gated_heads import ChannelUse, GatedHead, LayerGates, mean_use
from .view_heading import ALIKE, patch_count

APART = 1.5  # all patches together use at least so many times the channels of one: they use different ones


def gate_heading(without: ChannelUse, gated: ChannelUse) -> str:
    """What a gate leaves of the channels, and whether patches use the same ones.

    >>> import torch
    >>> few, many = (ChannelUse(each, 14.9, torch.full((16,), 1 / 16)) for each in (3.0, 10.4))
    >>> gate_heading(many, few)
    'Without the gate a patch uses 10 of 16 channels, with it 3.0; different patches use different ones'
    """
    of = len(gated.shares)
    if not gated.each or not without.each:
        return "No patch has features above zero, so no channel is in use"
    if max(without.each, gated.each) <= ALIKE * min(without.each, gated.each):
        return f"The gate changes little: a patch uses {patch_count(gated.each)} of {of} channels"
    same = "different patches use different ones" if gated.together > APART * gated.each else \
        "most patches use the same ones"
    return (f"Without the gate a patch uses {patch_count(without.each)} of {of} channels, with it "
            f"{patch_count(gated.each)}; {same}")


def trained_gates_heading(trained: Sequence[Sequence[GatedHead]], beside: Sequence[LayerGates]) -> str:
    """How many channels a patch uses under trained gates of all layers and heads, and under fitted ones beside them."""
    heads = [head for layer in trained for head in layer]
    before, after = mean_use(heads)
    fitted = [head for layer in beside for head in layer.fitted]
    third = f", {patch_count(mean_use(fitted)[1])} with gates fitted to softmax" if fitted else ""
    return (f"Of {len(heads[0].gated_shares[0])} channels a patch uses {patch_count(after)} with the trained gates"
            f"{third} and {patch_count(before)} without")


def softmax_distance_sentence(beside: Sequence[LayerGates]) -> str:
    """Whether trained gates bring a layer's map nearer to softmax's map of the same q and k, as fitted ones do.

    >>> softmax_distance_sentence([LayerGates([], [], (0.7, 0.9, 0.03)), LayerGates([], [], (0.9, 0.7, 0.03))])
    'The trained gate brings the map nearer to softmax in 1 of 2 layers; the fitted one does in 2.'
    """
    nearer = [sum(bits[n] < bits[0] for bits in (one.bits for one in beside)) for n in (1, 2)]
    return (f"The trained gate brings the map nearer to softmax in {nearer[0]} of {len(beside)} layers; the fitted "
            f"one does in {nearer[1]}.")


def pattern_sentence(trained: Sequence[Sequence[GatedHead]], beside: Sequence[LayerGates]) -> str:
    """How much of the difference between ratios is one between channels, alike in every patch: means over all heads."""
    def percent(layers: Sequence[Sequence[GatedHead]]) -> str:
        found = [side.channels for layer in layers for head in layer for side in head.spread]
        return f"{100 * sum(found) / len(found):.0f} %"
    fitted = f" ({percent([one.fitted for one in beside])} of the fitted ones)" if beside else ""
    return (f"Of the variance of log r, {percent(trained)} lies between the channels of the trained gates{fitted}: "
            "only the rest depends on the patch.")


def busiest_channel(head: GatedHead) -> tuple[int, float, float]:
    """The channel through which most attention runs with the gate, from 0, and its shares without and with the gate."""
    without, gated = head.use
    n = int(gated.shares.argmax())
    return n, without.shares[n].item(), gated.shares[n].item()


def head_heading(head: GatedHead, layer: int, number: int) -> str:
    """Through which channel most attention of one head runs."""
    n, without, gated = busiest_channel(head)
    return (f"Layer {layer}, head {number}: {100 * gated:.0f} % of the attention runs through channel {n + 1}, "
            f"{100 * without:.0f} % without the gate")
