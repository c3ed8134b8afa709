"""One number per head: a mean over the rows of a captured layer, and how another mechanism would change it."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..measure import MEASURES
from ..mechanisms import Attention, make
from ..models.fit import fit_gate
from ..reading import Reading, read
from .captured_layer import CapturedLayer

STATISTICS = ("entropy", "effective_tokens", "top_share", "gini", "distance")


def head_means(reading: Reading, name: str) -> Tensor | None:
    """The mean over all rows of a measure, per head and clip, (B, H); None where the rows are no distributions.

    Distances are in patches. Rows without the measure (dead, or of a token without a position) are left out.

    >>> from linviz import Grid
    >>> x = torch.zeros(1, 2, 16, 4)
    >>> head_means(CapturedLayer("a", "softmax", x, x, x, Grid(Y=4, X=4), 0.5).reading(), "entropy")
    tensor([[4., 4.]])
    """
    if not reading.map.stochastic:
        return None
    return reading.rows(name, **({"patch": 1} if name == "distance" else {})).nanmean(-1)


def head_statistics(layer: CapturedLayer, names: Sequence[str] = STATISTICS) -> dict[str, list[float | None]]:
    """Means over all rows of the first clip, by measure, one number per head; None where a head has none.

    >>> from linviz import Grid
    >>> x = torch.zeros(1, 2, 16, 4)
    >>> head_statistics(CapturedLayer("a", "softmax", x, x, x, Grid(Y=4, X=4), 0.5), ["effective_tokens"])
    {'effective_tokens': [16.0, 16.0]}
    """
    reading, out = layer.reading(), dict[str, list[float | None]]()
    for name in names:
        found = head_means(reading, name) if name != "distance" or layer.keys == layer.tokens else None
        numbers: list[float] = [torch.nan] * layer.heads if found is None else found[0].tolist()
        out[name] = [None if x != x else x for x in numbers]
    return out


def statistic_label(name: str) -> str:
    """A measure's name and unit.

    >>> statistic_label("entropy"), statistic_label("distance")
    ('entropy (bits)', 'mean attended distance (patches)')
    """
    one = MEASURES[name]
    unit = "patches" if name == "distance" else one.unit
    return one.title + (f" ({unit})" if unit else "")


# ---------------------------------------------------------------- under another mechanism


@dataclass(frozen=True)
class HeadUnder:
    """A head, counted from 1, as it is and under another mechanism on the same q, k and v, mean over rows and clips.

    before, after  entropy in bits, None where rows are no distributions;  error  |other output - output| / |output|
    """

    layer: str
    head: int
    before: float | None
    after: float | None
    error: float


@dataclass(frozen=True, repr=False)
class Counterfactual:
    """All heads under another mechanism. `fitted`: steps in which a gate was fitted to the layer's own maps.

    `rows` are numbers of one head each; `left_out` says which layers cannot be put under it, and why.
    """

    spec: str
    rows: tuple[HeadUnder, ...]
    fitted: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        how = f", gate fitted in {self.fitted} steps" if self.fitted else ""
        lines = [f"{self.spec} on the model's own q, k and v{how}: mean entropy in bits, relative error of A v"]
        wide = max([5, *(len(row.layer) for row in self.rows)])
        lines.append(f"  {'layer':{wide}}  head  before   after  error")
        lines += [f"  {row.layer:{wide}}  {row.head:4}  {_number(row.before)}  {_number(row.after)}  {row.error:5.2f}"
                  for row in self.rows]
        return "\n".join(lines + [f"  {name}: {why}" for name, why in self.left_out.items()])

    def table(self) -> list[dict[str, Any]]:
        """The rows as dicts, for a DataFrame."""
        return [asdict(row) for row in self.rows]


def _number(x: float | None) -> str:
    return f"{'-':>6}" if x is None else f"{x:6.2f}"


def layer_under(spec: str, layer: CapturedLayer, steps: int = 0, **options: Any) -> list[HeadUnder]:
    """The heads of a layer under another mechanism; ValueError where q and k are not all that its scores depend on.

    steps: of a gate's fit to the layer's own maps.
    """
    if layer.table is not None or layer.kind != "softmax" or layer.bias is not None or layer.boxes:
        what = "no q and k" if layer.table is not None else "a bias or windows" if layer.kind == "softmax" else \
            "no softmax"
        raise ValueError(f"it has {what}, so it cannot be compared under {spec}")
    with torch.no_grad():
        own, (q, k, v) = layer.reading(), comparable_inputs(layer)
    mechanism = comparable_mechanism(spec, layer, v, options)
    if steps:
        fit_gate(mechanism, own.map, q, k, v, steps=steps)
    other = read(mechanism, q, k, v)
    o, changed = own.output, other.output
    errors = (changed - o).norm(dim=(-2, -1)) / o.norm(dim=(-2, -1)).clamp_min(torch.finfo(o.dtype).tiny)
    means = [None if (found := head_means(one, "entropy")) is None else found.mean(0) for one in (own, other)]
    columns = [[None] * layer.heads if x is None else x.tolist() for x in means]
    return [HeadUnder(layer.name, h, before, after, float(errors[:, h - 1].mean()))
            for h, (before, after) in enumerate(zip(*columns), 1)]


def comparable_inputs(layer: CapturedLayer) -> tuple[Tensor, Tensor, Tensor]:
    """q, k and v whose scores are q.k / sqrt(D), as linviz's mechanisms have them."""
    q, k, v = layer.spread
    factor = (layer.scale * q.shape[-1] ** 0.5) ** 0.5
    return q * factor, k * factor, v


def comparable_mechanism(spec: str, layer: CapturedLayer, v: Tensor, options: Mapping[str, Any]) -> Attention:
    """The mechanism on the layer's grid and within its scope."""
    scope = f"@{layer.scope}" if layer.scope != "joint" and "@" not in spec else ""
    more = dict(options) | ({"causal": True} if layer.causal else {})
    if layer.key_grid is not None:
        more["key_grid"] = layer.key_grid
    return make(spec + scope, layer.heads, layer.q.shape[-1], layer.grid, value_width=v.shape[-1], **more)
