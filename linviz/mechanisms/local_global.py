"""Local and global heads: some heads see nearby tokens sharply, the others see all tokens but blurred.

    head h < local:   A_ij = softmax_j (q_i.k_j / sqrt(D))                       over the blocks around i (local)
    other heads:      A_ij = s sum_d softmax_d(q_i)_d softmax_j(k)_jd            over everything (efficient)

The cost of both grows with N, and they complement each other: exact order and detail, or the whole clip.
causal=True: local heads see only the past. A global head uses running sums of exp(k), because a softmax over
positions would see the future:

    A_ij = c_id exp(k_jd) / sum_(l <= i) c_id exp(k_ld)           c_i = softmax(q_i), summed over d

Gained: two views in one layer; the linear map after the heads mixes them.
Lost: no single head is both sharp and far-sighted.
In the public code s = D^-1/2, so rows of a global head sum to D^-1/2 and not to one. The next linear map has to
compensate for this missing normalisation. linviz keeps it as the default; with scale=1 rows are probability
distributions. Causal rows always are: s cancels. (The public code divides by 1e-3 where s times the sum is smaller.)

Cost: O(N (W + E) D) time.   Rank: local heads up to N; global heads D, causal N.
No paper: from the package linear-attention-transformer; its global heads are Shen et al., arXiv 1812.01243.
"""
from __future__ import annotations

from torch import Tensor

from ..maps import ByHead, Factored, Features, Map, Normaliser, causal_map
from ..settings import Setting, Whole
from .base import Mechanism, softmax_over_tokens
from .local import local_map


class LocalGlobal(Mechanism):
    """The first `local` heads (by default half of them) see blocks of `window` tokens, the others all tokens."""

    name, title, family = "local_global", "local + global heads", "local"
    paper = "no paper; global heads: Shen et al., 2018, arXiv 1812.01243"
    cost, rank, after = "N (W + E) D", "local heads N, global heads D", "local"
    takes_causal, takes_key_grid, positional, signed = True, False, True, True
    settings = {"window": Setting(Whole(1, 4096), "Window, in tokens")}

    def build(self, window: int = 16, local: int | None = None, scale: float | None = None) -> None:
        self.window = window
        self.local = (self.heads + 1) // 2 if local is None else local
        self.scale = self.width ** -0.5 if scale is None else scale
        self.signed = self.scale != 1 and self.local < self.heads and not self.causal  # rows may not sum to one
        if window < 1 or not 0 <= self.local <= self.heads:
            raise ValueError(f"the window must have at least one token, with 0 to {self.heads} local heads; got "
                             f"window={window}, local={local}")

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> ByHead:
        self.seat(q, k)
        n = self.local
        parts: list[tuple[int, Map]] = []
        if n:
            parts.append((n, local_map(q[:, :n], k[:, :n], self.window, self.causal)))
        if n < self.heads:
            parts.append((self.heads - n, self._far(q[:, n:], k[:, n:])))
        return ByHead(*parts)

    def _far(self, q: Tensor, k: Tensor) -> Map:
        if self.causal:
            return causal_map(Features.exponentials(q.log_softmax(-1), k), Normaliser())
        return Factored(q.softmax(-1) * self.scale, softmax_over_tokens(k), stochastic=self.scale == 1)
