"""What all memories that fade and are overwritten share: the order of the tokens, the map, and the step.

A subclass says in `terms` what the memory takes: q, k, log decay and beta. The rest is here. The order decides who
is the past of whom:

    raster    token by token: frame by frame, row by row, from left to right
    columns   token by token: frame by frame, column by column, from top to bottom
    both      raster forwards and, with a second memory, backwards; the two maps are added, the diagonal counts twice
    frames    all tokens of a frame fade, erase and write together, and then all of them read: no order in a frame
"""
from __future__ import annotations

from math import log
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ..maps import Blocks, Map, Memory, MemoryState, Sum, gather_rows
from ..maps.readable import is_readable
from ..settings import Setting, Switch, Word
from .base import Mechanism

SCANS = ("raster", "columns", "both", "frames")
ORDER = Setting(Word(*SCANS), "Order of the tokens")
UNIT_EPS = 1e-6  # added to |q|^2 and |k|^2 before the root
Terms = tuple[Tensor, Tensor, Tensor, Tensor]  # q, k (B, H, N, D), log decay (B, H, steps, 1 or D), beta (B, H, N, 1)


class Recurrent(Mechanism):
    """`scan` alone decides the order; `scale` multiplies q.k, D^-1/2 unless the method has another."""

    family = "recurrent"
    signed = positional = True
    takes_key_grid = False
    erase: ClassVar[float] = 0.0
    fading = erasing = 1.0  # strengths: they multiply the log decays and e
    scans: ClassVar[tuple[str, ...]] = SCANS

    def __init__(self, *sizes: Any, causal: bool = False, **options: Any) -> None:
        if causal:
            raise ValueError(f"{self.name} is causal in the order of its scan; leave out causal=True, and choose the "
                             f"order with scan={', '.join(map(repr, self.scans))}")
        super().__init__(*sizes, **options)

    def set_scan(self, scan: str, scale: float | None = None) -> None:
        """The order of the tokens, and what multiplies q.k."""
        if scan not in self.scans:
            raise ValueError(f"scan is one of {', '.join(self.scans)}; got {scan!r}")
        if scan == "frames" and self.grid.prefix:
            raise ValueError("scan='frames' has no frame for the prefix tokens of the grid; choose another scan, or a "
                             "grid without prefix")
        self.scan, self.scale = scan, self.width ** -0.5 if scale is None else scale

    @property
    def tokens_per_step(self) -> int:
        """The tokens of a frame where a frame is a step, else 1."""
        return self.grid.Y * self.grid.X if self.scan == "frames" else 1

    def step_tokens(self, seen: int) -> int:
        return self.tokens_per_step

    def terms(self, *tokens: Any, **given: Any) -> Terms:
        """What the memory takes of q, k and the further arguments of `map`; `seen` tokens were there before these."""
        raise NotImplementedError

    def set_strengths(self, fading: float = 1.0, erasing: float = 1.0) -> None:
        """How strongly the memory fades and erases: 0 not at all, 1 as the method does."""
        self.fading, self.erasing = fading, erasing

    def weakened(self, log_decay: Tensor) -> Tensor:
        """Log decays at the strength of the fading: at 0, what had decayed to nothing is kept whole as well."""
        return log_decay * self.fading if self.fading else torch.zeros_like(log_decay)

    def order(self, device: torch.device | None = None) -> Tensor:
        """Token numbers in the order of the scan: (N,)."""
        numbers = torch.arange(len(self.grid), device=device)
        if self.scan != "columns":
            return numbers
        picture = self.grid.fold(numbers[:, None]).transpose(1, 2)  # (T, X, Y, 1)
        return torch.cat([numbers[:self.grid.prefix], picture.flatten()])

    def memory(self, q: Tensor, k: Tensor, log_decay: Tensor, beta: Tensor) -> Map:
        """The map of these terms, in the order of the scan."""
        terms, each = (q, k, self.weakened(log_decay), beta), self.tokens_per_step
        erase = self.erase * self.erasing
        if self.scan in ("columns", "frames"):
            self.seat(q, k)
        if self.scan == "columns":
            return in_order(self.order(q.device), terms, erase)
        forwards = Memory(*terms, erase, each)
        if self.scan != "both":
            return forwards
        return Sum(forwards, in_order(torch.arange(q.shape[-2], device=q.device).flip(0), terms, erase))

    def step(self, state: MemoryState | None, q: Tensor, k: Tensor, v: Tensor,
             **given: Any) -> tuple[MemoryState, Tensor]:
        """One token in the order of the scan, or one frame: from the memory before it to the memory after, and o."""
        if self.scan not in ("raster", "columns", "frames"):
            raise ValueError(f"scan={self.scan!r} has no step: every token sees later ones; choose 'raster', 'columns' "
                             "or 'frames'")
        q, k, log_decay, beta = self.terms(q, k, seen=0 if state is None else state.seen, **given)
        state = MemoryState.empty(k, v) if state is None else state
        state = state.after(k, v, self.weakened(log_decay), beta, self.erase * self.erasing)
        return state, q @ state.S

    def each_step(self, log_decay: Tensor) -> Tensor:
        """One log decay a step from one a token, (B, H, N, M): that of a frame is the mean of its tokens."""
        each = self.tokens_per_step
        return log_decay if each == 1 else log_decay.unflatten(-2, (-1, each)).mean(-2)

    def decay_of(self, given: Tensor, q: Tensor, channels: bool = False) -> Tensor:
        """A log decay given to `map`: (H,), or one a step (B, H, steps), with `channels` also (B, H, steps, D)."""
        wide = (1, q.shape[-1]) if channels else (1,)
        g = spread_rates(given, "log_decay", q, q.shape[-2] // self.tokens_per_step, wide)
        if is_readable(g) and bool((g > 0).any()):
            raise ValueError(f"log_decay is the logarithm of what is left after a step, at most 0; got {g.max():.3g}")
        return g


class Eraser(Recurrent):
    """A memory that takes off what it already says of a key before it writes; `unit`: q and k have length 1."""

    erase = 1.0
    squares = True
    settings = {"scan": ORDER}

    def set_eraser(self, scan: str, unit: bool, scale: float | None) -> None:
        """Order and length of the keys, and a linear map of k to the logit of beta."""
        self.set_scan(scan, scale)
        self.unit = unit
        self.write = gate_weight(self.heads, self.width, 1)

    def normal(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """q, scaled, and k, both of length 1 if wanted; the keys of a frame share that length: sum |k|^2 = 1."""
        if self.unit:
            q, k = (x * (x.square().sum(-1, keepdim=True) + UNIT_EPS).rsqrt() for x in (q, k))
            k = k * self.tokens_per_step ** -0.5
        return q * self.scale, k

    def written(self, given: Tensor | None, raw: Tensor, k: Tensor) -> Tensor:
        """beta (B, H, N, 1): sigmoid of a linear map of the raw key, or as given; refused where beta |k|^2 > 2."""
        beta = (raw @ self.write).sigmoid() if given is None else spread_rates(given, "beta", k, k.shape[-2], (1,))
        if is_readable(k) and is_readable(beta):
            most = (beta * k.square().sum(-1, keepdim=True)).max().item()
            if most > 2 + 1e-6:
                raise ValueError(f"beta |k|^2 reaches {most:.3g}, and beyond 2 the memory grows with every token; use "
                                 "unit keys (unit=True), shorter keys or a smaller beta")
        return beta


class FadingEraser(Eraser):
    """An eraser whose memory fades as well: by one factor a step or, `by_channel`, by one for each channel of k."""

    by_channel: ClassVar[bool] = False
    settings = {"scan": ORDER, "unit": Setting(Switch(), "Unit keys")}

    def build(self, scan: str = "raster", unit: bool = True, scale: float | None = None) -> None:
        factors = self.width if self.by_channel else 1
        self.set_eraser(scan, unit, scale)
        self.log_a, self.fade_bias = first_rates(self.heads, factors)
        self.fade = gate_weight(self.heads, self.width, factors)

    def terms(self, q: Tensor, k: Tensor, log_decay: Tensor | None = None, beta: Tensor | None = None,
              seen: int = 0) -> Terms:
        raw, (q, k) = k, self.normal(q, k)
        if log_decay is None:
            g = self.each_step(-self.log_a.exp() * softplus(raw @ self.fade + self.fade_bias))
        else:
            g = self.decay_of(log_decay, q, self.by_channel)
        return q, k, g, self.written(beta, raw, k)

    def map(self, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None = None,
            beta: Tensor | None = None) -> Map:
        return self.memory(*self.terms(q, k, log_decay, beta))


def in_order(order: Tensor, terms: Terms, erase: float) -> Map:
    """The memory of the tokens in another order, (N,) numbers, as a map of the tokens as they were numbered."""
    q, k, log_decay, beta = (gather_rows(x, order[None]).squeeze(-3) for x in terms)
    return Blocks([(order[None], order[None], Memory(q, k, log_decay, beta, erase))], (len(order), len(order)))


def gate_weight(heads: int, width: int, out: int) -> nn.Parameter:
    """A random linear map of every head's k to `out` logits: (H, D, out)."""
    return nn.Parameter(torch.randn(heads, width, out) * width ** -0.5)


def first_rates(heads: int, channels: int = 1) -> tuple[nn.Parameter, nn.Parameter]:
    """As in Mamba-2: log a, (H, 1, 1), a from 1 to 16; and a bias b, (H, 1, channels), softplus(b) from .001 to .1."""
    a, d = torch.empty(heads, 1, 1).uniform_(1, 16), torch.empty(heads, 1, channels).uniform_(log(0.001), log(0.1))
    return nn.Parameter(a.log()), nn.Parameter(d.exp().expm1().log())


def spread_rates(given: Tensor, name: str, like: Tensor, count: int, wide: tuple[int, ...]) -> Tensor:
    """A rate per head (H,), or per step (B, H, count) or (B, H, count, one of `wide`), for all of like's heads."""
    x = torch.as_tensor(given).to(like)
    x = x.view(1, -1, 1, 1) if x.ndim == 1 else x[..., None] if x.ndim == 3 else x
    right = (*like.shape[:2], count)
    if x.ndim != 4 or x.shape[-1] not in wide or any(a not in (1, b) for a, b in zip(x.shape, right, strict=False)):
        more = f", or {(*right, wide[-1])}" if len(wide) > 1 else ""
        raise ValueError(f"{name} has one number per head, ({like.shape[1]},), or {right}{more}; "
                         f"got {tuple(torch.as_tensor(given).shape)}")
    return x.expand(*right, x.shape[-1])
