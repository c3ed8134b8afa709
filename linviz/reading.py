"""A Reading: one mechanism on one q, k, v, measured once. `summary` is the only place that averages.

Nothing is computed before it is needed, and nothing is computed twice. Rows are processed in blocks. The full
N x N table is held only for the spectrum of a map without factors.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import spectra
from .concentration import OF_BLOCKS
from .factored_measures import factored_measures
from .fixation import fixation_ratios
from .grid import whole_number
from .maps import HeadMean, Map
from .measure import MEASURES
from .mechanisms import Attention
from .mechanisms.inputs import Given, float_inputs
from .row_block import DEAD_ROW_SUM, ROW_WEIGHTS, RowBlock
from .shapes import Keys, Queries, Values
from .signed_rows import SIGNED_MEASURES

Report = Callable[[int, int], Any]  # done, of how many
ROW_MEASURES = ("entropy", "entropy_share", "effective_tokens", "participation", "top_share", "support", "gini")
SORTED = {"support", "gini"}  # measures that need the order of all weights of a row
DEAD = "dead"
SPECTRUM_MEASURES = ("effective_rank", "stable_rank", "participation_ratio", "energy_rank")


class Reading:
    """The result of `read`. `map` is what is measured: the map that all channels share, or that of one channel.

    Per-row results have the leading axes of the map and one number per query: (B, H, N).

    A dead row (empty, because all its features are zero) has no concentration: its per-row result is NaN and its
    entry in `dead` is True. `summary` leaves dead rows out and counts them. A query without a position (CLS, a
    register) has no distance: NaN, too, and `summary` leaves it out.
    """

    def __init__(self, mechanism: Attention, q: Given, k: Given, v: Given, channel: int | None = None,
                 mean_of_heads: bool = False) -> None:
        self.mechanism, self.channel, self.mean_of_heads = mechanism, channel, mean_of_heads
        self.q, self.k, self.v = float_inputs(mechanism, q=q, k=k, v=v)
        self._rows: dict[tuple[Any, ...], Tensor] = {}

    def __repr__(self) -> str:
        B, H, N = self.q.shape[:3] if self.q.ndim == 4 else (0, 0, 0)
        sizes = f"{N} queries x {self.k.shape[-2]} keys, {B} in the batch, {H} head{'s' * (H != 1)}"
        channel = "" if self.channel is None else f", channel {self.channel}"
        return f"<reading of {self.mechanism.spec}: {sizes}{channel}; ask it for summary(), rows('entropy') or map>"

    @cached_property
    def whole(self) -> Map:
        """The complete map of the mechanism, including the parts that belong to single channels."""
        with torch.no_grad():
            return self.mechanism.map(self.q, self.k, self.v)

    @cached_property
    def map(self) -> Map:
        """The table of weights that is measured."""
        found = self.whole.shared if self.channel is None else self.whole.channel(self.channel)
        if found is None:
            raise ValueError(f"{self.mechanism.spec} has one map per channel of v; choose one: read(..., channel=0)")
        return HeadMean(found) if self.mean_of_heads else found

    @cached_property
    def output(self) -> Tensor:
        """The output of the attention: (B, H, N, E)."""
        with torch.no_grad():
            if not self.mechanism.linear:
                return self.mechanism(self.q, self.k, self.v)
            return self.mechanism.finish(self.whole.apply(self.mechanism.values(self.v)), self.q)

    @cached_property
    def fixation(self) -> tuple[Tensor, Tensor]:
        """Fixation ratios of queries and keys, (B, H, N, M) each, for a mechanism with a gate."""
        if self.mechanism.gate is None:
            raise ValueError(f"{self.mechanism.spec} has no gate, so it has no fixation ratios; add +gate")
        with torch.no_grad():
            return fixation_ratios(self.mechanism.gate, *self.mechanism.features(self.q, self.k, self.v))

    @cached_property
    def dead(self) -> Tensor:
        """Which rows are empty: (B, H, N) bool. Only a stochastic map can have dead rows."""
        found = factored_measures(self.map, {}).get(DEAD)
        return torch.cat([self._dead_rows(rows) for _, rows in self.map.walk()], -1) if found is None else found

    def _dead_rows(self, rows: Tensor) -> Tensor:
        sums = rows.sum(-1)
        return sums < DEAD_ROW_SUM if self.map.stochastic else torch.zeros_like(sums, dtype=torch.bool)

    def rows(self, name: str, **options: Any) -> Tensor:
        """A row measure by name, for every row: (B, H, N). Options are those of the measure (k=, share=, mask=)."""
        self.measure({name: options})
        return self._rows[_key(name, options)]

    def measure(self, wanted: Mapping[str, dict[str, Any]], report: Report | None = None) -> bool:
        """Compute row measures, by name with their options, in one walk over the rows of the map; `rows` has them then.

        report: called with the number of rows that are done and of all rows; where it answers False, the walk ends, and
        so does this method: it returns False.
        """
        for name in wanted:
            if name not in MEASURES or MEASURES[name].of == "spectrum":
                there = ", ".join(m.name for m in MEASURES.values() if m.of != "spectrum")
                raise ValueError(f"no row measure called {name!r}; there are: {there}")
            if MEASURES[name].of == "row":
                self._shares(name)
        missing = {name: options for name, options in wanted.items() if _key(name, options) not in self._rows}
        short = factored_measures(self.map, missing) if missing else {}
        self._keep(short, missing)
        missing = {name: options for name, options in missing.items() if name not in short}
        heads = self.map.single_heads() if missing else []
        found: dict[str, list[Tensor]] = {name: [] for name in (*missing, DEAD)}
        for n, head in enumerate(heads):
            for i, rows in head.walk(ROW_WEIGHTS):
                done = (n * self.map.shape[0] + int(i[0])) // len(heads)
                if report is not None and report(done, self.map.shape[0]) is False:
                    return False
                for name, values in self._measure_block(i, rows, missing).items():
                    found[name].append(values)
        self._keep({name: torch.cat(parts, -1) for name, parts in found.items() if heads}, missing)
        return True

    def _measure_block(self, i: Tensor, rows: Tensor, missing: Mapping[str, dict[str, Any]]) -> dict[str, Tensor]:
        """The measures of the rows i (..., n, S), and which of the rows are dead: (..., n) each."""
        dead = self._dead_rows(rows)
        lost = bool(dead.any())
        block = RowBlock(rows.masked_fill(dead.unsqueeze(-1), 1.0) if lost else rows,  # of dead rows nothing is kept
                         sort=not SORTED.isdisjoint(missing))
        found = {name: self._block_measure(name, i, block, options) for name, options in missing.items()}
        return {name: x.masked_fill(dead, torch.nan) if lost else x for name, x in found.items()} | {DEAD: dead}

    def _keep(self, found: dict[str, Tensor], missing: Mapping[str, dict[str, Any]]) -> None:
        """Keep measures of all rows, head after head or (..., N), under their names and options."""
        shape = (*self.map.lead, self.map.shape[0])
        self._rows |= {_key(name, missing[name]): x.reshape(shape) for name, x in found.items() if name != DEAD}
        self.__dict__ |= {DEAD: found[DEAD].reshape(shape)} if found else {}

    def _block_measure(self, name: str, i: Tensor, block: RowBlock, options: dict[str, Any]) -> Tensor:
        """The measure of one block of rows, in the dtype of the map."""
        f = MEASURES[name].function
        if name in ("distance", "frame_distance"):
            return f(block, grid=self.mechanism.grid, queries=i, **options).to(block.dtype)
        return f(block if name in OF_BLOCKS else block.rows, **options).to(block.dtype)

    def _shares(self, what: str) -> None:
        if not self.map.stochastic:
            raise ValueError(f"{self.mechanism.spec}: {what} needs rows that are probability distributions, but this "
                             "map is signed or its rows do not sum to one")

    entropy = property(lambda self: self.rows("entropy"), doc="Entropy of every row in bits, (B, H, N).")
    effective_tokens = property(lambda self: self.rows("effective_tokens"), doc="2^entropy of every row, (B, H, N).")
    participation = property(lambda self: self.rows("participation"), doc="1 / sum a^2 of every row, (B, H, N).")
    gini = property(lambda self: self.rows("gini"), doc="Gini coefficient of every row, (B, H, N).")

    def top_share(self, k: int = 10) -> Tensor:
        """Total weight of the k most attended keys, (B, H, N)."""
        return self.rows("top_share", k=whole_number(k, "k, the number of keys"))

    def support(self, share: float = 0.9) -> Tensor:
        """The smallest number of keys that hold `share` of a row, (B, H, N)."""
        return self.rows("support", share=share)

    @cached_property
    def singular_values(self) -> Tensor:
        """Singular values of every head's map, (B, H, R) float64, descending."""
        return self.map.singular_values()

    @cached_property
    def centred_singular_values(self) -> Tensor:
        """The singular values after the mean row is subtracted: the part of the map that depends on the query."""
        return self.map.centred().singular_values()

    @property
    def tolerance(self) -> float:
        """Singular values below this fraction of the largest count as zero."""
        return self.map.tolerance

    @cached_property
    def numerical_rank(self) -> Tensor:
        """Number of singular values above the tolerance, (B, H)."""
        return spectra.numerical_rank(self.singular_values, self.tolerance)

    @cached_property
    def effective_rank(self) -> Tensor:
        """Roy and Vetterli's effective rank, (B, H)."""
        return spectra.effective_rank(self.singular_values)

    def summary(self, spectrum: bool = True, of_rows: Sequence[str] = ROW_MEASURES,
                **more: dict[str, Any]) -> dict[str, float]:
        """One number per measure: the mean over the live rows of a head, then over heads and batch.

        This is not the measure of the mean map, which is another number. All rows and dead rows are counted. A signed
        map has SIGNED_MEASURES in place of row measures. `spectrum=False` leaves out the singular values. `of_rows`
        names the row measures to compute; `more` names further measures with their options, as in
        distance={"patch": 16} or mass={"mask": mask}.
        """
        signs = SIGNED_MEASURES if of_rows else ()
        wanted = {name: more.get(name, {}) for name in ((*of_rows, *more) if self.map.stochastic else signs)}
        self.measure(wanted)
        dead = self.dead
        out = {"rows": float(dead.numel()), "dead": float(dead.sum()), "rank_bound": float(self.map.rank_bound)}
        if not bool(dead.all()):
            found = {name: _mean_over_heads(self.rows(name, **options)) for name, options in wanted.items()}
            out |= {name: x for name, x in found.items() if x == x}  # NaN: no row has this measure
        if spectrum:
            s = self.singular_values
            out |= {"tolerance": self.tolerance, "numerical_rank": self.numerical_rank.double().mean().item()}
            out |= {name: MEASURES[name].function(s).double().mean().item() for name in SPECTRUM_MEASURES}
        return out


def _key(name: str, options: dict[str, Any]) -> tuple[Any, ...]:
    """What a measure is kept under: its name and options; a mask by its identity."""
    return (name, *((k, id(x) if isinstance(x, Tensor) else x) for k, x in sorted(options.items())))


def _mean_over_heads(rows: Tensor) -> float:
    """Mean over the rows of each head that have the measure, then over the heads with such rows."""
    per_head = rows.double().nanmean(-1)
    return per_head.nanmean().item()


def read(mechanism: Attention, q: Queries | np.ndarray, k: Keys | np.ndarray, v: Values | np.ndarray,
         channel: int | None = None, mean_of_heads: bool = False) -> Reading:
    """Measure a mechanism on q (B, H, N, D), k (B, K, S, D), v (B, K, S, E). Lazy: the Reading computes on demand.

    q, k and v are tensors or arrays of numpy; half precision becomes float32. `channel` chooses the map of one channel
    of v, for a mechanism with one map per channel (AFT); `mean_of_heads` measures the mean of the maps of all heads.
    ValueError, in one sentence, for what is no mechanism or cannot be attended.

    >>> from linviz import Grid, make
    >>> x = torch.rand(1, 2, 9, 4, dtype=torch.float64)
    >>> r = read(make("uniform", heads=2, width=4, grid=Grid(Y=3, X=3)), x, x, x)
    >>> round(r.summary()["effective_tokens"], 6), r.numerical_rank.tolist()
    (9.0, [[1, 1]])
    """
    if not isinstance(mechanism, Attention):
        raise ValueError("read measures a mechanism that make has made, as in linviz.make('softmax', heads=1, "
                         f"width=16, grid=(14, 14)); got {mechanism!r:.80}")
    mechanism.admit(q, k, v)
    return Reading(mechanism, q, k, v, channel, mean_of_heads)
