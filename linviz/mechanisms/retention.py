"""Retention: linear attention without a divisor, whose memory fades at a fixed rate.

    S_i = gamma_h S_i-1 + k_i v_i^T         o_i = S_i^T q_i / sqrt(D)
    A_ij = D^-1/2 gamma_h^(i - j) q_i.k_j   for j <= i, else 0

Every head h has a rate of its own, gamma_h = 1 - 2^(-5-h): half is left after 22, 44, 88... tokens, so the heads
look back over different spans of time. Everything before token i is in S, D x E numbers, however long the clip.

Gained: a state of fixed size, one step a token, and a notion of "recent" without a softmax.
Lost: a picture has no first patch. In raster order the left neighbour is one token old and the upper one X tokens.
Weights are signed and rows do not sum to one: old mass is lost, not given to others. RetNet puts a norm over each
head after the map. A is not low-rank, but every block A[t:, :t] has rank <= D.
slopes="lightning": gamma_h = exp(-2^(-8(h+1)/H)), half-lives from 1.4 tokens up, no scale, no rotation.
slopes="minimax": the same, divided among `layers` so that the last one forgets almost nothing.
log_decay= of the map, (H,) or (B, H, steps), replaces the rate.
rotate (with the retention slopes): pairs of channels of q_i and k_j are turned by their place in the scan.
scan="frames": one step a frame, so gamma is what is left after a frame, at any resolution.

Cost: O(N D E) time, O(D E) state.   Rank: at most N; scan="frames": T min(Y X, D).
Sun et al., 2023, arXiv 2307.08621; lightning: Qin et al., 2024, arXiv 2401.04658; MiniMax-01: arXiv 2501.08313.
torchscale also divides by two positive factors a row, which its norm takes out. One public "lightning" kernel decays
linearly with h and never in head 0: another map by the same name.
"""
from __future__ import annotations

from math import floor, log1p, log2

import torch
from torch import Tensor

from ..maps import Map, rotate_pairs
from ..settings import Setting, Whole, Word
from ._recurrent import ORDER, Recurrent, Terms
from ._rotation import spread_frequencies

SLOPES = ("retention", "lightning", "minimax")


class Retention(Recurrent):
    """`slopes` is one of SLOPES; `layer` of `layers`, from 0, is for minimax. `rotate` and `scale` follow `slopes`."""

    name, title = "retention", "Retention"
    paper = "Sun et al., 2023, arXiv 2307.08621"
    cost, rank, year = "N D E", "N; frames: T min(Y X, D)", 2023
    settings = {"scan": ORDER, "slopes": Setting(Word(*SLOPES), "Rates"),
                "layer": Setting(Whole(0, 11), "Layer, from 0"), "layers": Setting(Whole(1, 256), "Layers")}

    def build(self, scan: str = "raster", slopes: str = "retention", layer: int = 0, layers: int = 12,
              rotate: bool | None = None, scale: float | None = None) -> None:
        if slopes not in SLOPES or not 0 <= layer < layers:
            raise ValueError(f"slopes is one of {', '.join(SLOPES)}, layer one of 0..layers - 1; got {slopes!r}, "
                             f"layer {layer} of {layers}")
        plain = slopes != "retention"
        self.set_scan(scan, 1.0 if plain and scale is None else scale)
        self.slopes, self.rotate = slopes, not plain if rotate is None else rotate
        self.share = 1 - layer / (layers - 1 + 1e-5) + 1e-5 if slopes == "minimax" else 1.0

    def log_rates(self) -> list[float]:
        """log gamma of every head."""
        if self.slopes == "retention":
            return [log1p(-2.0 ** (-5 - h)) for h in range(self.heads)]
        return [-self.share * s for s in geometric_slopes(self.heads)]

    def turned(self, x: Tensor, seen: int) -> Tensor:
        """x with its pairs of channels turned by the place of each token, or of its frame, in the scan."""
        place = seen + torch.arange(x.shape[-2], device=x.device)
        if self.scan == "columns" and x.shape[-2] == len(self.grid):
            place = self.order(x.device).argsort()
        place = place // self.tokens_per_step
        return rotate_pairs(x, place[:, None].double() * spread_frequencies(x.shape[-1] // 2, True, x.device))

    def terms(self, q: Tensor, k: Tensor, log_decay: Tensor | None = None, seen: int = 0) -> Terms:
        rates = torch.tensor(self.log_rates(), dtype=torch.float64, device=q.device) if log_decay is None else log_decay
        if self.rotate:
            q, k = self.turned(q, seen), self.turned(k, seen)
        return q * self.scale, k, self.decay_of(rates, q), torch.ones_like(k[..., :1])

    def map(self, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None = None) -> Map:
        return self.memory(*self.terms(q, k, log_decay))


def geometric_slopes(heads: int) -> list[float]:
    """2^(-8(h+1)/H) for a power of two; otherwise those of the next lower one, then every second of twice as many.

    >>> geometric_slopes(2), geometric_slopes(3)
    ([0.0625, 0.00390625], [0.0625, 0.00390625, 0.25])
    """
    low = 2 ** floor(log2(heads))
    slopes = [2 ** (-8 * (h + 1) / low) for h in range(low)]
    return slopes if low == heads else slopes + [2 ** (-4 * (h + 1) / low) for h in range(0, 2 * low, 2)][:heads - low]
