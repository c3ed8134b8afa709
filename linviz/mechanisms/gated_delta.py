"""Gated DeltaNet: forget everything a little, and overwrite this key exactly.

    F_i = alpha_i S_(i-1)      u_i = beta_i (v_i - F_i^T k_i)      S_i = F_i + k_i u_i^T      o_i = S_i^T q_i / sqrt(D)
    A = D^-1/2 P (I + diag(beta) R)^-1 diag(beta)
    P_ij = q_i.k_j alpha_(j+1) ... alpha_i for j <= i,      R_ij = k_i.k_j alpha_(j+1) ... alpha_i for j < i

Fade first: what is taken off is what the faded memory F says. alpha = 1 is DeltaNet, and without R it is Mamba-2's way.

Gained: a cut of the clip wipes the memory in one step (alpha near 0: the map falls into blocks), which the delta rule
alone cannot do; between cuts, keys that come again are overwritten.
Lost: the past of a long still scene fades although nothing has changed. Weights are signed, as in DeltaNet, and
rows do not sum to one. Leaving out the erasing, as one viewer does, is not a small error: without decay it is larger
than the output itself. Every block A[t:, :t] has rank <= D.
log_decay= and beta= of the map are (B, H, steps) and (B, H, N); log_decay is log alpha. Without them linviz takes
log alpha_i = -exp(a_h) softplus(w.k_i + b_h) and beta_i = sigmoid(w'.k_i), learned in each head; the authors take
linear functions of x. unit as in DeltaNet: beta |k|^2 <= 2.
scan="frames", as SANA-WM: one step a frame, all its tokens fade, look up and write together. That method also divides
by the row sums of the same map without rotated positions.

Cost: O(N D E) time, O(D E) state.   Rank: at most N; scan="frames": T min(Y X, D).
Yang et al., 2024, arXiv 2412.06464; by frames: SANA-WM, 2026, arXiv 2605.15178.
"""
from ._recurrent import FadingEraser


class GatedDelta(FadingEraser):
    """`scan` is the order of the tokens; `unit`: q and k of length 1. The map takes `log_decay` and `beta`."""

    name, title = "gated_delta", "Gated DeltaNet"
    paper = "Yang et al., 2024, arXiv 2412.06464"
    cost, rank, year, after = "N D E", "N; frames: T min(Y X, D)", 2024, "delta"
