"""Local and global heads: some heads see sharply and near, the others see everything and blurred.

    head h < local:   A_ij = softmax_j (q_i.k_j / sqrt(D))                       over the blocks around i (local)
    other heads:      A_ij = s sum_d softmax_d(q_i)_d softmax_j(k)_jd            over everything (efficient)

Both cost what grows with N, and each has what the other lacks: exact order and detail, or the whole clip.
causal=True: local heads see the past only; a global head keeps running sums of exp(k), since a softmax over
positions would see the future:

    A_ij = s c_id exp(k_jd) / max(s sum_(l <= i) c_id exp(k_ld), 1e-3)           c_i = softmax(q_i), summed over d

Gained: two views in one layer; the linear map after the heads mixes them.
Lost: no head is sharp and far-sighted at once.
In the public code s = D^-1/2, so rows of a global head sum to D^-1/2 and not to one (causal rows do sum to
one, unless the 1e-3 holds): a missing normalisation that the next linear map has to make good. linviz keeps
it as the default; scale=1 makes rows shares.

Cost: O(N (W + E) D) time.   Rank: local heads up to N; global heads D, causal N.
No paper: from the package linear-attention-transformer; its global heads are Shen et al., arXiv 1812.01243.
"""
from __future__ import annotations

from torch import Tensor

from ..maps import ByHead, CausalFactored, Factored, Features, Map, Normaliser
from ..settings import Setting, Whole
from .base import Mechanism
from .local import near

FLOOR = 1e-3  # least row sum of a causal global head, as in the public code


class LocalGlobal(Mechanism):
    """The first `local` heads (half of them unless told) see blocks of `window` tokens, the others everything."""

    name, title, family = "local_global", "local + global heads", "local"
    paper = "no paper; global heads: Shen et al., 2018, arXiv 1812.01243"
    cost, rank = "N (W + E) D", "local heads N, global heads D"
    takes_causal, takes_key_grid, positional, signed = True, False, True, True
    settings = {"window": Setting(Whole(1, 4096), "Window, in tokens")}

    def build(self, window: int = 16, local: int | None = None, scale: float | None = None) -> None:
        self.window = window
        self.local = (self.heads + 1) // 2 if local is None else local
        self.scale = self.width ** -0.5 if scale is None else scale
        self.signed = self.scale != 1 and self.local < self.heads  # rows of a global head need not sum to one
        if window < 1 or not 0 <= self.local <= self.heads:
            raise ValueError(f"a window has at least one token and there are 0 to {self.heads} local heads; got "
                             f"window={window}, local={local}")

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> ByHead:
        self.seat(q, k)
        n = self.local
        parts: list[tuple[int, Map]] = []
        if n:
            parts.append((n, near(q[:, :n], k[:, :n], self.window, self.causal)))
        if n < self.heads:
            parts.append((self.heads - n, self._far(q[:, n:].softmax(-1) * self.scale, k[:, n:])))
        return ByHead(parts)

    def _far(self, choice: Tensor, k: Tensor) -> Factored | CausalFactored:
        if self.causal:
            return CausalFactored(Features(choice, k.exp()), Normaliser("clamp", FLOOR))
        return Factored(choice, k.softmax(-2), stochastic=self.scale == 1)
