"""Feature fixation: a gate on the features of q and k, and shifts that let the gate see neighbouring tokens.

The gate reads a token's own q, k and v and decides, channel by channel, how much each feature counts:

    z_i = W [phi(q_i); phi(k_i); v_i] + b        r_i = sigmoid(z_i) in (0, 1)^M
    q^_i = r^q_i * phi(q_i)                      k^_i = r^k_i * phi(k_i)

v is read but not gated. All heads share one W. A constant r cancels in the row sum, so only its variation
matters: over channels (which features count) and, for keys, over tokens (which tokens are seen at all).

Shifts bring in the neighbours: some channels of k and v are taken from the next or previous frame, or from
the eight neighbours within the frame, before features and gate. Shifts have no parameters.

"Linear Video Transformer with Feature Fixation", 2022, arXiv 2210.08164; forms as in its official code.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from .grid import Grid

LOWEST = -4.0  # of log10 r: a ratio of one in ten thousand or less is the darkest in pictures
GATE_INPUTS = {"self": (1, 0), "qk": (2, 0), "qkv": (2, 1)}  # what a gate reads: (features, values)


class Gate(nn.Module):
    """One linear layer for q and one for k, shared by all heads; `shared`: the same layer for both.

    features: M, width of phi. width: E, width of v. sees: "self", "qk" or "qkv".
    """

    def __init__(self, features: int, width: int, sees: str = "qkv", shared: bool = False) -> None:
        super().__init__()
        if sees not in GATE_INPUTS:
            raise ValueError(f"a gate reads one of {', '.join(GATE_INPUTS)}; got {sees!r}")
        n, m = GATE_INPUTS[sees]
        self.sees, self.shared = sees, shared
        self.q = nn.Linear(n * features + m * width, features)
        self.k = self.q if shared else nn.Linear(n * features + m * width, features)

    def logits(self, phi_q: Tensor, phi_k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Logits z of queries (..., N, M) and keys (..., S, M); a gate that pairs query i with key i needs N = S."""
        if self.sees == "self":
            return self.q(phi_q), self.k(phi_k)
        if phi_q.shape[-2] != phi_k.shape[-2]:
            raise ValueError(f"a {self.sees} gate pairs query i with key i, but there are {phi_q.shape[-2]} queries "
                             f"and {phi_k.shape[-2]} keys; use +gate:self")
        seen = torch.cat((phi_q, phi_k, v) if self.sees == "qkv" else (phi_q, phi_k), -1)
        return self.q(seen), self.k(seen)

    def hold(self, ratio: float = 0.5) -> Gate:
        """Make the gate constant, with the same ratio for every input, and return the gate.

        A constant gate cancels, so the map is the one without a gate: the control that every gate must beat.
        """
        if not 0 < ratio < 1:
            raise ValueError(f"a fixation ratio must lie between 0 and 1; got {ratio}")
        with torch.no_grad():
            for layer in (self.q, self.k):
                layer.weight.zero_()
                layer.bias.fill_(torch.logit(torch.tensor(ratio, dtype=torch.float64)).item())
        return self

    def scale(self, strength: float) -> Gate:
        """Multiply the logits z by a strength for good: r = sigmoid(strength z). Returns itself."""
        with torch.no_grad():
            for parameter in self.parameters():  # a shared layer is listed once
                parameter.mul_(strength)
        return self


def fixation_ratios(gate: Gate, phi_q: Tensor, phi_k: Tensor, v: Tensor,
                    strength: float = 1.0) -> tuple[Tensor, Tensor]:
    """Fixation ratios r of queries (..., N, M) and keys (..., S, M), in (0, 1): sigmoid(strength z).

    Strength 0 makes every ratio one half, which cancels; strength 1 is the gate itself.

    >>> r, _ = fixation_ratios(Gate(2, 3), *torch.rand(2, 5, 2), torch.rand(5, 3), strength=0.0)
    >>> r.unique().tolist()
    [0.5]
    """
    z_q, z_k = gate.logits(phi_q, phi_k, v)
    return (strength * z_q).sigmoid(), (strength * z_k).sigmoid()


def log_ratios(r: Tensor) -> Tensor:
    """log10 of ratios, at least `LOWEST`: what pictures show. A smaller ratio shuts a feature as well.

    >>> log_ratios(torch.tensor([1.0, 0.01, 0.0])).tolist()
    [0.0, -2.0, -4.0]
    """
    return r.log10().clamp_min(LOWEST)


TIME = ((1, 0, 0), (-1, 0, 0))
SPACE = tuple((0, *d) for d in ((1, 0), (-1, 0), (0, 1), (0, -1), (-1, -1), (1, 1), (-1, 1), (1, -1)))
STEPS = {"time": TIME, "space": SPACE}  # the neighbour that each fold is taken from: (frames, rows, columns)
PARTS = {"time": 4, "space": 16}        # the number of folds into which the channels are cut


def shift_channels(x: Tensor, grid: Grid, axis: str = "time", parts: int | None = None) -> Tensor:
    """Take folds of channels from neighbouring tokens. x (B, H, N, D); channels are counted across heads.

    The H D channels are cut into folds of H D // parts. Fold n comes from the neighbour STEPS[axis][n]; the other
    channels stay. A neighbour outside the clip counts as zero, but where a diagonal neighbour is missing the token
    keeps its own values. Prefix tokens keep theirs.

    >>> x = torch.arange(3.0).view(1, 1, 3, 1).expand(1, 1, 3, 4)     # three frames of one patch
    >>> shift_channels(x, Grid(T=3), "time")[0, 0].tolist()
    [[1.0, 0.0, 0.0, 0.0], [2.0, 0.0, 1.0, 1.0], [0.0, 1.0, 2.0, 2.0]]
    """
    flat = x.transpose(1, 2).flatten(2)  # (B, N, H*D)
    parts = parts or PARTS[axis]
    size = flat.shape[-1] // parts
    if size == 0:
        raise ValueError(f"{flat.shape[-1]} channels (heads x width) cannot be cut into {parts} folds for a shift in "
                         f"{axis}; use more channels or a smaller shift_parts")
    moved = [_move_fold(grid.fold(fold), n, STEPS[axis]) for n, fold in enumerate(flat.split(size, -1))]
    out = torch.cat([flat[:, :grid.prefix], grid.unfold(torch.cat(moved, -1))], 1)
    return out.unflatten(-1, (x.shape[1], -1)).transpose(1, 2)


def content_weights(row: Tensor, grid: Grid, channels: int, axis: str) -> Tensor:
    """The tokens whose content a row of weights (N,) mixes in when v is shifted: (N,), mean over the channels of v.

    The weight on token j multiplies entry j of the shifted v, whose channels come from several tokens. Each channel's
    share is assigned to the token it came from. Shares from outside the border are lost, so the sum may be smaller
    than that of the row.

    >>> content_weights(torch.tensor([0.0, 1.0, 0.0]), Grid(T=3), 4, "time").tolist()
    [0.25, 0.5, 0.25]
    """
    x = torch.zeros(1, 1, len(grid), channels, dtype=row.dtype, requires_grad=True)
    (row[:, None] * shift_channels(x, grid, axis)[0, 0]).sum().backward()
    assert x.grad is not None
    return x.grad[0, 0].sum(-1) / channels


def _move_fold(x: Tensor, n: int, steps: tuple[tuple[int, ...], ...]) -> Tensor:
    """Fold n (B, T, Y, X, c), taken from its neighbour, or unchanged if STEPS has no neighbour for it."""
    if n >= len(steps):
        return x
    diagonal = steps[n][1] != 0 and steps[n][2] != 0
    return _neighbour_values(x, steps[n], x if diagonal else torch.zeros_like(x))


def _neighbour_values(x: Tensor, step: tuple[int, ...], outside: Tensor) -> Tensor:
    """y[t, y, x] = x[t + dt, y + dy, x + dx], and `outside` where that position leaves the grid."""
    here = [slice(max(-s, 0), max(n - max(s, 0), 0)) for n, s in zip(x.shape[-4:-1], step, strict=True)]
    there = [slice(max(s, 0), max(n - max(-s, 0), 0)) for n, s in zip(x.shape[-4:-1], step, strict=True)]
    y = outside.clone()
    y[..., here[0], here[1], here[2], :] = x[..., there[0], there[1], there[2], :]
    return y
