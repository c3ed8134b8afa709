"""How concentrated heads are: numbers of the row of one query, and means over all rows, by the same names.

A statistic is a measure of `linviz.measure`, with distances in patches, or "peak": the largest weight times S, which is
1 where all weights are equal. The effective rank is one of a whole map.
"""
from __future__ import annotations

import torch
from torch import Tensor

from .. import spectra
from ..maps import Factored, KernelMap
from ..measure import MEASURES
from ..row_block import RowBlock
from .captured_layer import CapturedLayer
from .head_statistics import head_statistics, statistic_label

OF_ROWS = ("entropy_share", "effective_tokens", "peak", "distance", "top_share")
OF_MAPS = ("effective_rank",)
CHEAP = 400  # tokens: up to here the spectrum of a map without factors takes less than a second for all heads
PEAK = "largest weight times N"
Numbers = dict[str, list[float | None]]


def number_title(name: str) -> str:
    """What a statistic is called, with its unit.

    >>> number_title("peak"), number_title("distance")
    ('largest weight times N', 'mean attended distance (patches)')
    """
    return PEAK if name == "peak" else statistic_label(name)


def query_rows(layer: CapturedLayer, query: int) -> Tensor:
    """The rows of one token of the first clip, (H, S)."""
    return layer.map()[query][0]


def row_numbers(layer: CapturedLayer, rows: Tensor, query: int) -> Numbers:
    """Every statistic of the row of one token, (H, S), one number per head; None where a head has none.

    >>> from linviz import Grid
    >>> x = torch.zeros(1, 2, 16, 4)
    >>> layer = CapturedLayer("a", "softmax", x, x, x, Grid(Y=4, X=4), 0.5)
    >>> found = row_numbers(layer, query_rows(layer, 3), 3)
    >>> found["entropy_share"], found["peak"]
    ([1.0, 1.0], [1.0, 1.0])
    """
    if not layer.map().stochastic:
        return {name: [None] * layer.heads for name in OF_ROWS}
    block, out = RowBlock(rows.float()), Numbers()
    for name in OF_ROWS:
        if name == "peak":
            found = rows.amax(-1) * rows.shape[-1]
        elif name == "distance":
            at = torch.tensor([query])
            found = MEASURES[name].function(rows[:, None].float(), layer.grid, at, 1.0)[:, 0] \
                if layer.keys == layer.tokens else torch.full((layer.heads,), torch.nan)
        else:
            found = MEASURES[name].function(block)
        out[name] = finite_numbers(found)
    return out


def layer_numbers(layer: CapturedLayer) -> Numbers:
    """Every statistic over all rows of the first clip, one number per head; the rank only where it costs little.

    >>> from linviz import Grid
    >>> x = torch.zeros(1, 2, 16, 4)
    >>> found = layer_numbers(CapturedLayer("a", "softmax", x, x, x, Grid(Y=4, X=4), 0.5))
    >>> found["top_share"], found["effective_rank"]
    ([0.625, 0.625], [1.0, 1.0])
    """
    a, none = layer.map(), [None] * layer.heads
    found: Numbers = head_statistics(layer, [name for name in OF_ROWS if name != "peak"])
    peaks = [rows[0].amax(-1).sum(-1) for _, rows in a.walk()] if a.stochastic else []
    found["peak"] = finite_numbers(torch.stack(peaks).sum(0) * a.shape[1] / a.shape[0]) if peaks else [*none]
    cheap = layer.tokens <= CHEAP or isinstance(a, Factored | KernelMap)
    ranks = spectra.effective_rank(a.singular_values()[0]) if cheap else None
    found["effective_rank"] = [*none] if ranks is None else finite_numbers(ranks)
    return found


def finite_numbers(x: Tensor) -> list[float | None]:
    """Numbers as a list, None in place of NaN and infinity.

    >>> finite_numbers(torch.tensor([1.5, torch.nan]))
    [1.5, None]
    """
    return [float(n) if ok else None for n, ok in zip(x.tolist(), x.isfinite().tolist())]
