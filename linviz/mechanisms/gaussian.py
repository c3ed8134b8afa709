"""Gaussian attention: some heads look at what is near, whatever the content, with a fixed or learned width.

    G_ij = exp(-d_ij^2 / (2 sigma^2))        d_ij = |p_i - p_j|, p the positions of the tokens
    form="logits"     A_ij = exp(G_ij) / sum_l exp(G_il)        as in the official code
    form="weights"    A_ij = G_ij / sum_l G_il                  what the word Gaussian suggests

Heads of a network that matches point clouds were seen to learn Gaussians around each point. So some heads are given
them: no q, no k, and training is faster and steadier.

Gained: a head that need not be learned, with one number per head, computed once for all layers.
Lost: content does not count. As logits, G lies between 0 and 1, so no weight of a row is more than e = 2.7 times
another, however small sigma is: the map is nearly uniform. As weights, a small sigma looks at the token itself.
On a picture, positions are rows and columns divided by the longer side, and frames divided by their number.
`positions=` (S, 3) of the map gives others, `parts=` (S,) says which body a point belongs to: G is 0 between
bodies, and for a point without a body, -1, as for prefix tokens. distance is l1 (the official code) or l2.

Cost: O(N S E) time.   Rank: up to N.
Riva et al., 2024, arXiv 2409.13291. sigma starts at 0.05 and doubles from head to head. There the Gaussians stand
beside learned heads, and the logits of each layer are added to those of the next.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ..grid import Grid
from ..maps import FunctionScores, Map
from ..settings import Number, Setting, Switch, Word
from .base import Mechanism

FORMS = ("weights", "logits")


class Gaussian(Mechanism):
    """`sigma` is the width of the first head; `learned`: widths are parameters; `form`, `distance` as above."""

    name, title, family, year = "gaussian", "Gaussian", "content-free", 2024
    paper = "Riva et al., 2024, arXiv 2409.13291"
    cost, rank, after = "N S E", "min(N, S)", "softmax"
    positional = True
    settings = {"sigma": Setting(Number(0.001, 10.0, step=0.01), "Width"),
                "learned": Setting(Switch(), "Learned width"),
                "form": Setting(Word(*FORMS), "Gaussian as"), "distance": Setting(Word("l1", "l2"), "Distance")}

    def build(self, sigma: float = 0.05, learned: bool = False, form: str = "weights", distance: str = "l1") -> None:
        if not sigma > 0 or form not in FORMS or distance not in ("l1", "l2"):
            raise ValueError(f"sigma is positive, form one of {', '.join(FORMS)}, distance l1 or l2; "
                             f"got {sigma}, {form!r}, {distance!r}")
        self.form, self.distance = form, distance
        widths = sigma * 2.0 ** torch.arange(self.heads)
        if learned:
            self.sigma = nn.Parameter(widths)
        else:
            self.register_buffer("sigma", widths)

    def map(self, q: Tensor, k: Tensor, v: Tensor, positions: Tensor | None = None,
            parts: Tensor | None = None) -> Map:
        if positions is None:
            self.seat(q, k)
            (p_q, b_q), (p_k, b_k) = (token_positions(grid, q.device) for grid in (self.grid, self.key_grid))
        else:
            if positions.ndim != 2 or {q.shape[-2], k.shape[-2]} != {len(positions)}:
                raise ValueError(f"positions are (tokens, axes), one for each of {q.shape[-2]} queries and "
                                 f"{k.shape[-2]} keys; got {tuple(positions.shape)}")
            p_q = p_k = positions
            b_q = b_k = torch.zeros(len(positions), dtype=torch.long) if parts is None else parts
        p_q, p_k, b_q, b_k = p_q.to(q), p_k.to(q), b_q.to(q.device), b_k.to(q.device)

        def scores(i: Tensor) -> Tensor:
            d = torch.cdist(p_q[i], p_k, p=1 if self.distance == "l1" else 2)
            g = -(d.square() / (2 * self.sigma.to(q).square()[:, None, None]))  # (H, n, S)
            one_body = (b_q[i, None] == b_k) & (b_k >= 0)
            if self.form == "logits":
                g = g.exp() * one_body
            else:
                nowhere = ~one_body.any(-1, keepdim=True)  # without a body: uniform
                g = g.masked_fill(~one_body, -torch.inf).masked_fill(nowhere, 0.0)
            return g.expand(len(q), -1, -1, -1)
        return FunctionScores(scores, (q.shape[-2], k.shape[-2]), q)


def token_positions(grid: Grid, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Positions (N, 3) in units of the picture and of the clip, and the body of each token: -1 for the prefix."""
    side = max(grid.Y, grid.X)
    t, y, x = grid.places(device).unbind(-1)
    places = pad(torch.stack([t / grid.T, y / side, x / side], -1), (0, 0, grid.prefix, 0))
    body = torch.zeros(len(places) - grid.prefix, dtype=torch.long, device=device)
    return places, pad(body, (grid.prefix, 0), value=-1)
