"""KDA, Kimi delta attention: gated DeltaNet in which every channel of k has a half-life of its own.

    F_i = diag(alpha_i) S_(i-1)    u_i = beta_i (v_i - F_i^T k_i)    S_i = F_i + k_i u_i^T    o_i = S_i^T q_i / sqrt(D)
    A = D^-1/2 P (I + diag(beta) R)^-1 diag(beta)                   G_(i,j,d) = alpha_(j+1,d) ... alpha_(i,d)
    P_ij = sum_d q_id G_(i,j,d) k_jd for j <= i,                    R_ij = sum_d k_id G_(i,j,d) k_jd for j < i

The decay of GLA with the erasing of DeltaNet. It acts on the channels of k, over which both sums go, so there still
is one map a head.

Gained: near patches can be found through fast channels and old frames through slow ones, in one head.
Lost: half of the weights below the diagonal are negative, and rows do not sum to one. The table of a chunk costs
C^2 D instead of C^2. Every block A[t:, :t] has rank <= D.
log_decay= of the map is log alpha, (B, H, steps, D) or (B, H, steps), and beta= is (B, H, N). Without them linviz takes
log alpha_i = -exp(a_h) softplus(W k_i + b) and beta_i = sigmoid(w.k_i), learned in each head; the authors take low-rank
functions of x. unit as in DeltaNet: beta |k|^2 <= 2. scan="frames": one step a frame, with the mean log alpha of its
tokens.

Cost: O(N D E) time, O(D E) state.   Rank: at most N; scan="frames": T min(Y X, D).
Kimi Team, 2025, arXiv 2510.26692: three such layers to one of full attention. Gated DeltaNet-2 (arXiv 2605.22791) asks
with another key than it writes; linviz has no map for that.
"""
from ._recurrent import FadingEraser


class KimiDelta(FadingEraser):
    """`scan` is the order of the tokens; `unit`: q and k of length 1. The map takes `log_decay` and `beta`."""

    name, title = "kda", "KDA"
    paper = "Kimi Team, 2025, arXiv 2510.26692"
    cost, rank, year, after = "N D E", "N; frames: T min(Y X, D)", 2025, "gated_delta"
    by_channel = True
