"""A Reading: one mechanism on one q, k, v, measured once. `summary` is the only place that averages.

Nothing is computed before it is asked for, and nothing twice. Rows are walked through in blocks, so the
N x N table is held only for the spectrum of a map that has no factors.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from . import concentration, spectra
from .fixation import ratios
from .maps import Map
from .measure import MEASURES
from .mechanisms import Attention
from .shapes import Keys, Queries, Values

OF_ROWS = ("entropy", "entropy_share", "effective_tokens", "participation", "top_share", "support", "gini")
OF_SPECTRUM = ("effective_rank", "stable_rank", "participation_ratio", "energy_rank")


class Reading:
    """What `read` returns. `map` is the map that is measured: what all channels share, or that of one channel.

    Per-row answers have the map's leading axes and one number a query: (B, H, N).

    A dead row (empty, because its features are all zero) has no concentration: it holds NaN in a per-row
    answer, is True in `dead`, and is left out and counted by `summary`.
    """

    def __init__(self, mechanism: Attention, q: Tensor, k: Tensor, v: Tensor, channel: int | None = None) -> None:
        self.mechanism, self.q, self.k, self.v, self.channel = mechanism, q, k, v, channel
        self._rows: dict[tuple[Any, ...], Tensor] = {}

    @cached_property
    def whole(self) -> Map:
        """The map as the mechanism gives it, with every channel's own part."""
        with torch.no_grad():
            return self.mechanism.map(self.q, self.k, self.v)

    @cached_property
    def map(self) -> Map:
        """The table of weights that is measured."""
        found = self.whole.shared if self.channel is None else self.whole.channel(self.channel)
        if found is None:
            raise ValueError(f"{self.mechanism.spec} has one map a channel of v: name one, read(..., channel=0)")
        return found

    @cached_property
    def output(self) -> Tensor:
        """What the attention returns: (B, H, N, E)."""
        with torch.no_grad():
            if not self.mechanism.linear:
                return self.mechanism(self.q, self.k, self.v)
            return self.mechanism.finish(self.whole.apply(self.mechanism.values(self.v)), self.q)

    @cached_property
    def fixation(self) -> tuple[Tensor, Tensor]:
        """Fixation ratios of queries and keys, (B, H, N, M) each; only a gated mechanism has them."""
        if self.mechanism.gate is None:
            raise ValueError(f"{self.mechanism.spec} has no gate, so it has no fixation ratios; add +gate")
        with torch.no_grad():
            return ratios(self.mechanism.gate, *self.mechanism.features(self.q, self.k, self.v))

    @cached_property
    def dead(self) -> Tensor:
        """Which rows are empty: (B, H, N) bool. Only a map of shares can have dead rows."""
        sums = torch.cat([rows.sum(-1) for _, rows in self.map.walk()], -1)
        return sums < concentration.DEAD if self.map.stochastic else torch.zeros_like(sums, dtype=torch.bool)

    def rows(self, name: str, **options: Any) -> Tensor:
        """A row measure by name, over every row: (B, H, N). Options are the measure's own (k=, share=, mask=)."""
        if name not in MEASURES or MEASURES[name].of != "row":
            there = ", ".join(m.name for m in MEASURES.values() if m.of == "row")
            raise ValueError(f"no row measure called {name!r}; there are: {there}")
        self._shares(name)
        key = (name, *((k, id(x) if isinstance(x, Tensor) else x) for k, x in sorted(options.items())))
        if key not in self._rows:
            self._rows[key] = torch.cat([self._block(name, i, a, options) for i, a in self.map.walk()], -1)
        return self._rows[key]

    def _block(self, name: str, i: Tensor, rows: Tensor, options: dict[str, Any]) -> Tensor:
        """One block of rows, with the dead ones set aside."""
        dead = self.dead[..., i]
        filled = rows.masked_fill(dead.unsqueeze(-1), 1.0)  # a stand-in that is never shown
        place = {"grid": self.mechanism.grid, "queries": i} if name in ("distance", "frame_distance") else {}
        out: Tensor = MEASURES[name].function(filled, **place, **options)
        return out.to(rows.dtype).masked_fill(dead, torch.nan) if bool(dead.any()) else out

    def _shares(self, what: str) -> None:
        if not self.map.stochastic:
            raise ValueError(f"{self.mechanism.spec}: {what} needs rows that are shares, and this map is signed or its "
                             "rows do not sum to one")

    entropy = property(lambda self: self.rows("entropy"), doc="Entropy of every row in bits, (B, H, N).")
    effective_tokens = property(lambda self: self.rows("effective_tokens"), doc="2^entropy of every row, (B, H, N).")
    participation = property(lambda self: self.rows("participation"), doc="1 / sum a^2 of every row, (B, H, N).")
    gini = property(lambda self: self.rows("gini"), doc="Gini coefficient of every row, (B, H, N).")

    def top_share(self, k: int = 10) -> Tensor:
        """Share of the k most attended keys, (B, H, N)."""
        return self.rows("top_share", k=k)

    def support(self, share: float = 0.9) -> Tensor:
        """Fewest keys that hold `share` of a row, (B, H, N)."""
        return self.rows("support", share=share)

    @cached_property
    def singular_values(self) -> Tensor:
        """Singular values of every head's map, (B, H, R) float64, descending."""
        return self.map.singular_values()

    @cached_property
    def centred_singular_values(self) -> Tensor:
        """The same with the mean row taken off: the part that depends on the query."""
        return self.map.centred().singular_values()

    @property
    def tolerance(self) -> float:
        """Below this share of the largest, a singular value counts as zero."""
        return self.map.tolerance

    @cached_property
    def numerical_rank(self) -> Tensor:
        """Singular values above the tolerance, (B, H): a count."""
        return spectra.numerical_rank(self.singular_values, self.tolerance)

    @cached_property
    def effective_rank(self) -> Tensor:
        """Roy and Vetterli's effective rank, (B, H)."""
        return spectra.effective_rank(self.singular_values)

    def summary(self, spectrum: bool = True, of_rows: Sequence[str] = OF_ROWS,
                **more: dict[str, Any]) -> dict[str, float]:
        """One number a measure: the mean over live rows of a head, then over heads and batch.

        Never the measure of a mean map, which is another thing. With dead and all rows counted; without the
        measures of rows where the map is signed. `spectrum=False` leaves out the singular values, `of_rows` names
        the only row measures that are wanted; `more` names those that need to be told something, as in
        distance={"patch": 16} or mass={"mask": mask}.
        """
        dead = self.dead
        out = {"rows": float(dead.numel()), "dead": float(dead.sum()), "rank_bound": float(self.map.rank_bound)}
        if self.map.stochastic and not bool(dead.all()):
            out |= {name: _mean(self.rows(name, **more.get(name, {}))) for name in (*of_rows, *more)}
        if spectrum:
            s = self.singular_values
            out |= {"tolerance": self.tolerance, "numerical_rank": self.numerical_rank.double().mean().item()}
            out |= {name: MEASURES[name].function(s).double().mean().item() for name in OF_SPECTRUM}
        return out


def _mean(rows: Tensor) -> float:
    """Mean over live rows per head, then over the heads that have any."""
    per_head = rows.double().nanmean(-1)
    return per_head.nanmean().item()


def read(mechanism: Attention, q: Queries, k: Keys, v: Values, channel: int | None = None) -> Reading:
    """Measure a mechanism on q (B, H, N, D), k (B, K, S, D), v (B, K, S, E). Lazy: ask the Reading.

    `channel` chooses the map of one channel of v, where a mechanism has one a channel (AFT).

    >>> from linviz import Grid, make
    >>> x = torch.rand(1, 2, 9, 4, dtype=torch.float64)
    >>> r = read(make("uniform", heads=2, width=4, grid=Grid(Y=3, X=3)), x, x, x)
    >>> round(r.summary()["effective_tokens"], 6), r.numerical_rank.tolist()
    (9.0, [[1, 1]])
    """
    return Reading(mechanism, q, k, v, channel)
