"""Titles of gates say what their numbers say, on every sample."""
from __future__ import annotations

import re

import pytest
import torch

from linviz import clips
from linviz.models.gated_heads import ChannelUse, GatedHead, LayerGates, gated_heads
from linviz.views import View
from linviz.views.gate_heading import (
    busiest_channel,
    gate_heading,
    head_heading,
    pattern_sentence,
    softmax_distance_sentence,
    trained_gates_heading,
)
from linviz.views.load import cut_clip, describe_tokens, read_media, view_grid
from linviz.views.panel_steps import make_mechanism

USES = re.compile(r"Without the gate a patch uses ([\d.]+) of (\d+) channels, with it ([\d.]+); (\w+) patches use .+")


def use(each: float, together: float, of: int = 16) -> ChannelUse:
    return ChannelUse(each, together, torch.full((of,), 1 / of))


@pytest.mark.parametrize("name", clips.names())
def test_the_title_of_every_sample_is_held_to_its_numbers(name):
    view = View(name, patches=6, frames=2)
    media = read_media(view)
    here = describe_tokens(cut_clip(media, view_grid(view, media.size)), view.temperature)
    gated = make_mechanism("relu_floor+gate", here)
    gated.gate.scale(12.0)
    one, = gated_heads(gated, here.q, here.k, here.v)
    without, of, with_it, which = USES.fullmatch(gate_heading(*one.use)).groups()
    assert int(of) == here.q.shape[-1] == len(one.gated_shares[0])
    for text, shares in ((without, one.ungated_shares), (with_it, one.gated_shares)):
        each = (2 ** (-torch.special.xlogy(shares, shares).sum(-1) / torch.log(torch.tensor(2.0)))).mean().item()
        assert abs(float(text) - each) <= (0.051 if each < 9.95 else 0.55)
    assert which == ("different" if one.use[1].together > 1.5 * one.use[1].each else "most")
    n, _, share = busiest_channel(one)
    assert share == pytest.approx(one.gated_shares.mean(0).max().item(), rel=1e-4)
    assert f"{100 * share:.0f} % of the attention runs through channel {n + 1}," in head_heading(one, 1, 1)


def head(before: int, after: int, by_channel: bool) -> GatedHead:
    """A head whose patches use so many channels; its ratios differ by channel alone, or by patch alone."""
    ungated, gated = (torch.eye(16)[:n].mean(0).expand(16, 16) for n in (before, after))
    r = 10 ** -torch.linspace(0, 3, 16).expand(16, 16)
    r = r if by_channel else r.mT
    return GatedHead((r, r), (torch.ones(16, 16), torch.ones(16, 16)), ungated, gated)


@pytest.mark.parametrize("pair, said", [
    ((use(9.0, 15), use(9.1, 15)), "The gate changes little: a patch uses 9.1 of 16 channels"),
    ((use(9.0, 15), use(3.0, 4)), "Without the gate a patch uses 9.0 of 16 channels, with it 3.0; most patches use the "
                                  "same ones"),
    ((use(0.0, 0), use(0.0, 0)), "No patch has features above zero, so no channel is in use")])
def test_a_title_claims_no_more_than_its_numbers(pair, said):
    assert gate_heading(*pair) == said


def test_titles_of_trained_gates_speak_of_fitted_ones_only_when_they_are_there():
    learned, fitted = [[head(10, 4, True)], [head(8, 2, True)]], [[head(10, 6, False)], [head(8, 6, False)]]
    beside = [LayerGates(a, b, (0.5, x, 0.1)) for a, b, x in zip(learned, fitted, (0.4, 0.9))]
    assert trained_gates_heading(learned, []) == (
        "Of 16 channels a patch uses 3.0 with the trained gates and 9.0 without")
    assert trained_gates_heading(learned, beside) == (
        "Of 16 channels a patch uses 3.0 with the trained gates, 6.0 with gates fitted to softmax and 9.0 without")
    assert "100 % lies between the channels of the trained gates:" in pattern_sentence(learned, [])
    assert "100 % lies between the channels of the trained gates (0 % of the fitted ones)" in pattern_sentence(
        learned, beside)
    assert "in 1 of 2 layers; the fitted one does in 2" in softmax_distance_sentence(beside)
