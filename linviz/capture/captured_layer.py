"""One attention layer of a model as it was on one input: q, k and v, and where its tokens lie."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..grid import Grid
from ..maps import Blocks, Dense, Features, KernelMap, Map, Normaliser, Scores, gather_tokens
from ..maps.blocks import Part
from ..mechanisms import make
from ..reading import Reading
from ..scopes import token_groups

KINDS = ("softmax", "relu", "exact")
SANA_EPS = 1e-15  # added to the row sums of relu attention in diffusers' SANA


@dataclass(frozen=True, eq=False)
class CapturedLayer:
    """What one layer attended with.

    name    the module's name in the model;  kind  "softmax", "relu" (a kernel: relu(q).relu(k)) or "exact"
    q       (B, H, N, D), k (B, K, S, D), v (B, K, S, E) in token order, usually float16; v may be missing.
            K divides H. Rotary positions and norms of q and k are in them already.
    grid    where the queries lie, CLS and registers as its prefix;  key_grid  where the keys lie, if elsewhere
    scale   factor of the scores;  bias  added to the scores, expands to (B, H, N, S);  causal  key j > i is forbidden
    scope   "joint", or "space" or "time": a token attends within its frame or its position
    boxes   token numbers per box, in place of a scope that has a name
    table   of kind "exact" the map itself, (B, H, N, S), with the relative `error` of table @ v against the layer
    road    how it was found

    >>> x = torch.rand(1, 2, 9, 4)
    >>> layer = CapturedLayer("blocks.0", "softmax", x, x, x, Grid(Y=3, X=3), 0.5)
    >>> layer
    <layer blocks.0: softmax, 2 heads of 9 tokens, 4 wide, on 3 x 3 patches>
    >>> layer.map()
    <map Scores: 9 queries x 9 keys, rank at most 9, rows are probability distributions, float32>
    """

    name: str
    kind: str
    q: Tensor
    k: Tensor
    v: Tensor | None
    grid: Grid
    scale: float
    bias: Tensor | None = None
    causal: bool = False
    scope: str = "joint"
    boxes: tuple[Tensor, ...] = ()
    key_grid: Grid | None = None
    table: Tensor | None = None
    error: float | None = None
    road: str = ""

    def __repr__(self) -> str:
        error = "" if self.error is None else f", relative error {self.error:.1e}"
        return (f"<layer {self.name}: {self.kind}{self.extras}, {self.heads} heads of {self.tokens:,} tokens, "
                f"{self.width} wide, on {describe_places(self.grid)}{error}>")

    @property
    def heads(self) -> int:
        """Heads of q."""
        return self.q.shape[1] if self.table is None else self.table.shape[1]

    @property
    def width(self) -> int:
        """Channels of q and k in a head; of an exact map, of v."""
        return self.q.shape[-1] if self.table is None or self.v is None else self.v.shape[-1]

    @property
    def tokens(self) -> int:
        """Queries, N."""
        return self.q.shape[-2] if self.table is None else self.table.shape[-2]

    @property
    def keys(self) -> int:
        """Keys, S."""
        return self.k.shape[-2] if self.table is None else self.table.shape[-1]

    @property
    def extras(self) -> str:
        """What else the scores depend on, in words.

        >>> x = torch.rand(1, 2, 9, 4)
        >>> CapturedLayer("a", "softmax", x, x[:, :1], None, Grid(Y=3, X=3), 0.5, causal=True).extras
        ' + causal, 1 head of k and v'
        """
        few = self.k.shape[1]
        parts = [self.scope] * (self.scope != "joint") + [f"{len(self.boxes)} boxes"] * bool(self.boxes)
        parts += ["bias"] * (self.bias is not None) + ["causal"] * self.causal
        grouped = f", {few} head{'s' * (few > 1)} of k and v" if self.table is None and few != self.heads else ""
        return "".join(f" + {part}" for part in parts) + grouped

    @property
    def held(self) -> tuple[Tensor, ...]:
        """The tensors of this layer."""
        parts = (self.q, self.k, self.v, self.bias) if self.table is None else (self.v, self.table)
        return tuple(x for x in parts if x is not None)

    @property
    def spread(self) -> tuple[Tensor, Tensor, Tensor]:
        """q, k and v in float32, k and v as views for all heads; k in place of a missing v."""
        q, k = self.q.float(), self.k.float()
        v = k if self.v is None else self.v.float()
        groups = q.shape[1] // k.shape[1]
        if groups == 1:
            return q, k, v
        k, v = (x[:, :, None].expand(-1, -1, groups, -1, -1).flatten(1, 2) for x in (k, v))
        return q, k, v

    def map(self) -> Map:
        """The map of this layer, (B, H, N, S): its rows are computed when they are asked for."""
        if self.table is not None:
            return Dense(self.table.float(), stochastic=is_distribution(self.table))
        q, k, _ = self.spread
        if self.kind == "relu":
            return KernelMap(Features(q.relu(), k.relu()), Normaliser("add", SANA_EPS))
        if self.scope == "joint" and not self.boxes:
            return Scores(q, k, None if self.bias is None else self.bias.float(), self.scale, self.causal)
        parts: list[Part] = [(box, box, Scores(gather_tokens(q, box), gather_tokens(k, box), None, self.scale))
                             for box in self.box_numbers()]
        return Blocks(parts, (self.tokens, self.keys))

    def box_numbers(self) -> list[Tensor]:
        """Token numbers (boxes, L), one tensor per shape of a box."""
        if not self.boxes:
            return [group.queries for group in token_groups(self.grid, self.scope)]
        sizes: dict[int, list[Tensor]] = {}
        for box in self.boxes:
            sizes.setdefault(len(box), []).append(box)
        return [torch.stack(same) for same in sizes.values()]

    def reading(self) -> Reading:
        """All measures of this layer's map, as of any mechanism's."""
        return CapturedReading(self)

    def head(self, h: int) -> CapturedLayer:
        """This layer with one head only, counted from 1; IndexError, in one sentence, where there is none."""
        if not 1 <= h <= self.heads:
            raise IndexError(f"{self.name} has {self.heads} heads, counted from 1; there is no head {h}")
        h -= 1
        if self.table is not None:
            return replace(self, table=self.table[:, h:h + 1])
        k = h * self.k.shape[1] // self.q.shape[1]
        bias = self.bias if self.bias is None or self.bias.ndim < 3 or self.bias.shape[-3] == 1 else \
            self.bias[..., h:h + 1, :, :]
        return replace(self, q=self.q[:, h:h + 1], k=self.k[:, k:k + 1], bias=bias,
                       v=None if self.v is None else self.v[:, k:k + 1])


    def with_heads(self, parts: list[CapturedLayer]) -> CapturedLayer:
        """This layer with the heads of `parts`, each a layer with one head, one after the other."""
        if self.table is not None:
            return replace(self, table=torch.cat([one.table for one in parts if one.table is not None], 1))
        q, k, v = (None if self.v is None and name == "v" else torch.cat([getattr(one, name) for one in parts], 1)
                   for name in "qkv")
        biases = [one.bias for one in parts]
        own = biases[0] is not None and biases[0].ndim > 2 and not all(b is biases[0] for b in biases)
        return replace(self, q=q, k=k, v=v, bias=torch.cat(biases, -3) if own else biases[0])  # type: ignore[arg-type]


class CapturedReading(Reading):
    """The reading of a captured layer: the map is the layer's own."""

    def __init__(self, layer: CapturedLayer) -> None:
        q, k, v = layer.spread
        mechanism = make("softmax", layer.heads, q.shape[-1], layer.grid, value_width=v.shape[-1], scale=layer.scale,
                         key_grid=layer.key_grid or layer.grid)
        super().__init__(mechanism, q, k, v)
        self.layer = layer
        self.__dict__["whole"] = layer.map()

    def __repr__(self) -> str:
        return f"<reading of {self.layer!r}; ask it for summary(), rows('entropy') or map>"


def is_distribution(table: Tensor, within: float = 1e-4) -> bool:
    """Whether all rows are probability distributions, up to rounding.

    >>> is_distribution(torch.eye(3)), is_distribution(-torch.eye(3))
    (True, False)
    """
    return bool((table >= 0).all() and ((table.float().sum(-1) - 1).abs() <= within).all())


def describe_places(grid: Grid) -> str:
    """Where tokens lie, in words.

    >>> describe_places(Grid(2, 3, 4, 1))
    '2 frames of 3 x 4 patches, 1 token before them'
    """
    before = f", {grid.prefix} token{'s' * (grid.prefix > 1)} before them" * (grid.prefix > 0)
    return f"{grid.T} frames of " * (grid.T > 1) + f"{grid.Y} x {grid.X} patches{before}"


def layer_bytes(layer: CapturedLayer, batch: int = 1) -> tuple[int, int]:
    """Bytes that this layer holds, and bytes of all its maps in float32.

    >>> x = torch.zeros(1, 2, 9, 4, dtype=torch.float16)
    >>> layer_bytes(CapturedLayer("a", "softmax", x, x, None, Grid(Y=3, X=3), 0.5))
    (288, 648)
    """
    held = sum(x.numel() * x.element_size() for x in layer.held)
    return held, 4 * batch * layer.heads * layer.tokens * layer.keys


def as_half(x: Any) -> Any:
    """A tensor in half precision, or in float32 where a number is too large for it."""
    if not isinstance(x, Tensor) or x.dtype in (torch.float16, torch.bool):
        return x
    return x.half() if not x.numel() or float(x.abs().max()) < torch.finfo(torch.float16).max else x.float()
