"""Reference vectors and their adapters: `@adapter("key")` on a function of a Vector that yields pairs to compare."""
from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

GOLDEN = Path(os.environ.get("LINVIZ_GOLDEN", Path(__file__).parents[1] / "golden"))
Pair = tuple[str, Tensor, Tensor]  # what, ours, theirs
ADAPTERS: dict[str, Callable[[Vector], Iterator[Pair]]] = {}


@dataclass(frozen=True)
class Vector:
    """One file: arrays by name, and what was run."""

    name: str

    @cached_property
    def about(self) -> dict:
        return json.loads((GOLDEN / f"{self.name}.json").read_text())

    @cached_property
    def arrays(self) -> dict[str, Tensor]:
        with np.load(GOLDEN / f"{self.name}.npz") as z:
            return {key: torch.from_numpy(np.asarray(z[key])) for key in z.files}

    @property
    def hyper(self) -> dict:
        return self.about["hyper"]

    def __getitem__(self, key: str) -> Tensor:
        return self.arrays[key]

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def layer(self, name: str) -> Callable[[Tensor], Tensor]:
        """A stored linear layer or 1 x 1 convolution, applied to (..., tokens, channels)."""
        weight, bias = self[f"param.{name}.weight"].flatten(1), self.arrays.get(f"param.{name}.bias")
        return lambda x: linear(x, weight, bias)


def split(x: Tensor, heads: int) -> Tensor:
    """(B, N, H*D) -> (B, H, N, D)"""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge(x: Tensor) -> Tensor:
    """(B, H, N, D) -> (B, N, H*D)"""
    return x.transpose(1, 2).flatten(2)


def adapter(*keys: str) -> Callable:
    def put(f: Callable[[Vector], Iterator[Pair]]) -> Callable[[Vector], Iterator[Pair]]:
        ADAPTERS.update(dict.fromkeys(keys, f))
        return f
    return put


def names() -> list[str]:
    return sorted(path.stem for path in GOLDEN.glob("*.npz"))


def key_of(name: str) -> str | None:
    """The longest adapter key that the file's name begins with."""
    return max((key for key in ADAPTERS if name.startswith(f"{key}_")), key=len, default=None)


def fill(vector: Vector, layers: dict[nn.Module, str]) -> None:
    """Put stored weights and biases into layers: {layer: name of the stored one}, shapes as the layer has them."""
    for layer, name in layers.items():
        for part in ("weight", "bias"):
            own = getattr(layer, part)
            assert (own is None) == (f"param.{name}.{part}" not in vector), f"{name}: bias here or there only"
            if own is not None:
                own.data = vector[f"param.{name}.{part}"].reshape(own.shape)
