"""What a gate does, head by head: its ratios, the features before and after it, and the channels that are in use.

A kernel's row is a sum over channels, so every channel has a share of it:

    A_ij = sum_m share_im B_ijm        share_im = q_im K_m / sum_m q_im K_m        K_m = sum_j k_jm

B_.m is channel m's own map, which sums to one over j. A share does not change where a ratio cancels: a factor that is
the same in all channels of a query, or everywhere in the keys. 2^entropy of the shares is the number of channels in
use, as it is the number of tokens for a row.
"""
from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..concentration import effective_tokens
from ..fixation import Gate, fixation_ratios, log_ratios
from ..mechanisms import Attention, Kernel, make
from .fit import Progress, fit_gate, mean_divergence, softmax_target
from .trace import Traced

Pair = tuple[Tensor, Tensor]  # of queries, of keys


@dataclass(frozen=True, eq=False)
class ChannelUse:
    """How many channels attention uses: `each` query (a mean), `together` (of the mean share); `shares` (M,)."""

    each: float
    together: float
    shares: Tensor

    def busiest(self, most: int) -> list[int]:
        """The channels with the greatest shares, at most so many, in their own order."""
        return sorted(self.shares.topk(min(most, len(self.shares))).indices.tolist())


@dataclass(frozen=True)
class RatioSpread:
    """Where log10 r differs, as fractions of its variance: they sum to one, or are all zero for a constant gate.

    channels  between channels, the same for every token;  tokens  between tokens, the same in every channel
    both      neither: each channel has its own picture;  low, high  the ratios at 10 % and 90 % of all
    """

    channels: float
    tokens: float
    both: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class GatedHead:
    """One head: ratios r (N, M), features phi (N, M) before the gate, both of queries and keys, and shares (N, M)."""

    ratios: Pair
    features: Pair
    ungated_shares: Tensor
    gated_shares: Tensor

    @property
    def gated(self) -> Pair:
        """The features after the gate."""
        (r_q, r_k), (phi_q, phi_k) = self.ratios, self.features
        return r_q * phi_q, r_k * phi_k

    @cached_property
    def use(self) -> tuple[ChannelUse, ChannelUse]:
        """The channels in use without the gate, and with it."""
        return channel_use(self.ungated_shares), channel_use(self.gated_shares)

    @cached_property
    def spread(self) -> tuple[RatioSpread, RatioSpread]:
        """Where the ratios of queries and of keys differ."""
        return ratio_spread(self.ratios[0]), ratio_spread(self.ratios[1])

    @cached_property
    def sizes(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features summed over channels, as multiples of their mean: queries, queries gated, keys, keys gated."""
        return (_relative_size(self.features[0]), _relative_size(self.gated[0]),
                _relative_size(self.features[1]), _relative_size(self.gated[1]))

    @cached_property
    def levels(self) -> tuple[list[float], list[float]]:
        """The geometric mean of every channel's ratios: of queries, of keys."""
        r_q, r_k = ((10 ** log_ratios(r).mean(-2)).tolist() for r in self.ratios)
        return r_q, r_k

    @property
    def token_ratios(self) -> Pair:
        """The geometric mean of every token's ratios, (N,): of queries, of keys."""
        r_q, r_k = (10 ** log_ratios(r).mean(-1) for r in self.ratios)
        return r_q, r_k

    @property
    def agreement(self) -> float | None:
        """The correlation of log10 r of queries and of keys, over tokens and channels; None where one is constant."""
        return ratio_correlation(*self.ratios)


@torch.no_grad()
def gated_heads(attention: Attention, q: Tensor, k: Tensor, v: Tensor) -> list[GatedHead]:
    """Every head of a gated attention on q, k, v, of the first clip of the batch. ValueError without a gate.

    >>> from linviz import Grid
    >>> x = torch.rand(1, 2, 9, 4)
    >>> one, other = gated_heads(make("relu_floor+gate", 2, 4, Grid(Y=3, X=3)), x, x, x)
    >>> one.ratios[0].shape, one.gated_shares.sum(-1).allclose(torch.ones(9))
    (torch.Size([9, 4]), True)
    """
    if attention.gate is None:
        raise ValueError(f"{attention.spec} has no gate; add +gate")
    phi_q, phi_k, v = attention.features(q, k, v)
    r_q, r_k = fixation_ratios(attention.gate, phi_q, phi_k, v)
    before = channel_shares(attention, phi_q, phi_k)[0]
    after = channel_shares(attention, r_q * phi_q, r_k * phi_k)[0]
    return [GatedHead((r_q[0, h], r_k[0, h]), (phi_q[0, h], phi_k[0, h]), before[h], after[h])
            for h in range(len(before))]


def channel_shares(attention: Attention, phi_q: Tensor, phi_k: Tensor) -> Tensor:
    """The share of each channel in the row of every query: (B, H, N, M), NaN in rows that are empty."""
    q, k = phi_q.clamp_min(0), phi_k.clamp_min(0)  # the cosine of a right angle comes out as -4e-8
    parts = q * _key_totals(attention, q, k)
    return parts / parts.sum(-1, keepdim=True)


def _key_totals(attention: Attention, q: Tensor, k: Tensor) -> Tensor:
    """The sum of the keys that a query sees: (B, H, N or 1, M)."""
    if isinstance(attention.mechanism, Kernel) and attention.mechanism.causal:
        return k.cumsum(-2)
    if attention.parsed.scope == "joint":
        return k.sum(-2, keepdim=True)
    totals = torch.zeros_like(q)
    for group in attention.boxes:
        sums = k[..., group.keys, :].sum(-2, keepdim=True).expand(*k.shape[:-2], *group.queries.shape, -1)
        totals.index_add_(-2, group.queries.flatten(), sums.flatten(-3, -2))
    return totals


def channel_use(shares: Tensor) -> ChannelUse:
    """How many channels are in use, from the shares (N, M) of every query; empty rows are left out.

    >>> found = channel_use(torch.eye(4))           # each query uses one channel, and every query another one
    >>> found.each, found.together
    (1.0, 4.0)
    """
    live = shares[shares.isfinite().all(-1)]
    if not len(live):
        return ChannelUse(0.0, 0.0, torch.zeros(shares.shape[-1]))
    mean = live.double().mean(0)
    return ChannelUse(effective_tokens(live.double()).mean().item(), effective_tokens(mean).item(), mean)


def ratio_spread(r: Tensor) -> RatioSpread:
    """Where log10 r (N, M) differs: a two-way analysis of its variance.

    >>> found = ratio_spread(torch.tensor([[0.1, 0.001], [0.1, 0.001]]))
    >>> round(found.channels, 6), round(found.tokens, 6)
    (1.0, 0.0)
    """
    x = log_ratios(r).double()
    each = [one.var(correction=0).item() for one in (x, x.mean(-2), x.mean(-1))]
    low, high = torch.quantile(x.flatten(), torch.tensor([0.1, 0.9], dtype=x.dtype)).tolist()
    channels, tokens = (one / each[0] if each[0] > 1e-12 else 0.0 for one in each[1:])
    both = max(0.0, 1 - channels - tokens) if each[0] > 1e-12 else 0.0
    return RatioSpread(channels, tokens, both, 10**low, 10**high)


def ratio_correlation(one: Tensor, other: Tensor) -> float | None:
    """The correlation of log10 of two tables of ratios; None where one is constant or their sizes differ.

    >>> ratio_correlation(torch.tensor([0.1, 0.01]), torch.tensor([0.3, 0.2]))
    1.0
    """
    if one.shape != other.shape:
        return None
    a, b = (x - x.mean() for x in (log_ratios(one).double(), log_ratios(other).double()))
    sizes = (a.norm() * b.norm()).item()
    return round(((a * b).sum() / sizes).item(), 12) if sizes > 1e-9 else None


def _relative_size(features: Tensor) -> Tensor:
    sums = features.abs().sum(-1)
    return sums / sums.mean().clamp_min(torch.finfo(sums.dtype).tiny)


# ------------------------------------------------------------------------------------------------ a gate fitted beside


@dataclass(frozen=True, eq=False)
class LayerGates:
    """A trained layer's gate beside one that is fitted to the softmax map of the same q and k.

    trained, fitted  head by head;  bits  KL(softmax's row || row): without a gate, trained, fitted
    """

    trained: list[GatedHead]
    fitted: list[GatedHead]
    bits: tuple[float, float, float]


def fit_beside(layer: Traced, steps: int = 300, seed: int = 0, progress: Progress | None = None) -> LayerGates | None:
    """Fit a new gate of the same form to softmax's map in a layer of a trained model. None where it was stopped."""
    attention, qkv = _with_new_gate(layer.attention, seed), (layer.q, layer.k, layer.v)
    m = attention.mechanism
    soft = make(softmax_target(attention.spec), attention.heads, m.width, attention.grid, value_width=m.value_width)
    with torch.no_grad():
        target = soft.map(*qkv)
    fit = fit_gate(attention, target, *qkv, steps=steps, seed=seed, progress=progress)
    if fit.cancelled:
        return None
    held = copy.deepcopy(attention)
    assert held.gate is not None
    held.gate.hold()
    bits = mean_divergence(held, target, *qkv), mean_divergence(layer.attention, target, *qkv), fit.after
    return LayerGates(gated_heads(layer.attention, *qkv), gated_heads(attention, *qkv), bits)


def _with_new_gate(attention: Attention, seed: int) -> Attention:
    """The same attention with a gate that is drawn anew; the original does not change."""
    gate = attention.gate
    if gate is None:
        raise ValueError(f"{attention.spec} has no gate; add +gate")
    twin = copy.deepcopy(attention)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        m = twin.mechanism
        assert isinstance(m, Kernel)
        m.gate = Gate(m.features_wide, m.value_width, gate.sees, gate.shared)
    return twin.requires_grad_(True)


def mean_use(heads: Sequence[GatedHead]) -> tuple[float, float]:
    """How many channels a query uses without the gate, and with it: means over heads."""
    before, after = zip(*((head.use[0].each, head.use[1].each) for head in heads))
    return sum(before) / len(before), sum(after) / len(after)
