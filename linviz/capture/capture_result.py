"""What `capture` returns: the layers of a model that attended, with q, k and v of each."""
from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..maps import Map
from ..reading import Reading
from .captured_layer import CapturedLayer, describe_places, layer_bytes
from .head_statistics import Counterfactual, HeadUnder, layer_under

LayerName = int | str


@dataclass(frozen=True, eq=False)
class Capture:
    """The captured layers in the order in which they ran.

    model   the model's class;  frames  (T, 3, Ypx, Xpx) in 0..1, what it looked at, or None
    left_out  modules that attended but are not kept, each with the reason

    `capture[3]` and `capture["blocks.2"]` are layers: numbers count from 1, negative ones from the end. So is any part
    of a name that only one layer has.

    >>> import torch
    >>> from linviz import Grid
    >>> x = torch.rand(1, 2, 9, 4).half()
    >>> found = Capture("Tiny", (CapturedLayer("blocks.0", "softmax", x, x, x, Grid(Y=3, X=3), 0.5),))
    >>> found
    Tiny: 1 layer, 432 bytes kept; all maps would be 648 bytes
      #  layer     kind     heads  tokens  width  where the tokens lie
      1  blocks.0  softmax      2       9      4  3 x 3 patches
    >>> found.map(1).shape, len(found)
    ((9, 9), 1)
    """

    model: str
    layers: tuple[CapturedLayer, ...]
    frames: Tensor | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[CapturedLayer]:
        return iter(self.layers)

    def __getitem__(self, at: LayerName) -> CapturedLayer:
        if isinstance(at, int):
            if not 1 <= abs(at) <= len(self):
                raise IndexError(f"this capture has {len(self)} layers, counted from 1; there is no layer {at}")
            return self.layers[at - (at > 0)]
        found = [one for one in self.layers if one.name == at] or [one for one in self.layers if at in one.name]
        if len(found) == 1:
            return found[0]
        there = ", ".join(one.name for one in found or self.layers)
        raise KeyError(f"{len(found) or 'no'} layers are called {at!r:.80}: choose one of {there:.400}")

    def map(self, layer: LayerName) -> Map:
        """The map of a layer, (B, H, N, S)."""
        return self[layer].map()

    def reading(self, layer: LayerName) -> Reading:
        """All measures of a layer's map."""
        return self[layer].reading()

    def rollout(self, query: int) -> Tensor:
        """Attention rollout of one token through all layers (Abnar and Zuidema 2020, arXiv 2005.00928): (B, S).

        Each layer is half the mean map of its heads and half the residual connection. Rows sum to one. ValueError
        where a layer's map is no probability distribution, or its tokens are others.
        """
        row: Tensor | None = None
        for layer in reversed(self.layers):
            a = layer.map()
            if not a.stochastic or {*a.shape} != {self.layers[0].tokens}:
                raise ValueError(f"{layer.name} cannot be rolled out: its map is {a!r}")
            if row is None:
                row = a.column_sums().new_zeros(len(layer.q), a.shape[0])
                row[:, query] = 1
            row = (row + step_back(a, row)) / 2
        assert row is not None
        return row

    def under(self, spec: str, layer: LayerName | None = None, *, steps: int = 0, **options: Any) -> Counterfactual:
        """Each head under another mechanism on the same q, k and v: its concentration, and the error of its output.

        layer  one layer, None: all;  steps  in which a gate is fitted to the layer's own maps;  options  of the
        mechanism. ValueError, in one sentence, where no layer can be put under it.

        >>> import torch
        >>> from linviz import Grid
        >>> x = torch.randn(1, 2, 9, 4, generator=torch.Generator().manual_seed(0))
        >>> found = Capture("Tiny", (CapturedLayer("blocks.0", "softmax", x, x, x, Grid(Y=3, X=3), 0.5),))
        >>> found.under("uniform").rows[0].after, found.under("softmax").rows[0].error
        (3.17, 0.0)
        """
        rows, left_out = list[HeadUnder](), dict[str, str]()
        for one in self.layers if layer is None else [self[layer]]:
            try:
                rows += layer_under(spec, one, steps, **options)
            except ValueError as error:
                left_out[one.name] = str(error)
        if not rows:
            raise ValueError("; ".join(f"{name}: {why}" for name, why in left_out.items()))
        return Counterfactual(spec, tuple(rows), steps, left_out)

    @property
    def names(self) -> list[str]:
        """The names of the layers."""
        return [layer.name for layer in self.layers]

    @property
    def size(self) -> tuple[int, int]:
        """Bytes that are kept, and bytes of all maps of all layers in float32."""
        kept, maps = zip(*(layer_bytes(layer, layer.q.shape[0]) for layer in self.layers))
        return sum(kept), sum(maps)

    def __repr__(self) -> str:
        kept, maps = self.size
        head = (f"{self.model}: {len(self)} layer{'s' * (len(self) > 1)}, {describe_bytes(kept)} kept; all maps would "
                f"be {describe_bytes(maps)}")
        missing = [f"not kept: {name}, since {why}" for name, why in self.left_out.items()]
        return "\n".join([head, *_layer_table(self.layers), *missing])


def step_back(a: Map, row: Tensor) -> Tensor:
    """A row times the mean map of all heads, (B, N) -> (B, S), without the table."""
    parts = [(row[:, None, None, i] @ rows).squeeze(-2).mean(1) for i, rows in a.walk()]
    return torch.stack(parts).sum(0)


def _layer_table(layers: tuple[CapturedLayer, ...]) -> list[str]:
    rows = [("#", "layer", "kind", "heads", "tokens", "width", "where the tokens lie")]
    rows += [(str(n), one.name, one.kind + one.extras, str(one.heads), f"{one.tokens:,}", str(one.width),
              describe_places(one.grid)) for n, one in enumerate(layers, 1)]
    wide = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(text.ljust(n) if 1 <= c <= 2 or c == 6 else text.rjust(n)
                             for c, (text, n) in enumerate(zip(row, wide))).rstrip() for row in rows]


def describe_bytes(count: int) -> str:
    """A number of bytes in words, with three digits.

    >>> describe_bytes(864), describe_bytes(57_802_752), describe_bytes(1_416_167_424)
    ('864 bytes', '57.8 MB', '1.42 GB')
    """
    if count < 1000:
        return f"{count} bytes"
    power = min(3, int(math.log10(count)) // 3)
    return f"{count / 1000**power:.3g} {('kB', 'MB', 'GB')[power - 1]}"
