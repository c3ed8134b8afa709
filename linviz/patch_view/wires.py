"""The wire of a map, made ready for the browser: plain arrays, checked, in half precision if wanted.

A wire is what `Map.wire(at)` returns: a dict with a kind, arrays, numbers and sometimes further wires. Here
tensors become numpy arrays of the few types a browser reads: float32 (or float16) and int32.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import Tensor

Wire = dict[str, Any]
FULL = ("bias", "q_bias", "k_bias", "s_q", "s_k", "decay")  # never halves: added to large numbers, exponents, powers


def wire_arrays(wire: Any, half: bool = False, at: str = "wire") -> Any:
    """A wire with every tensor or array as float32 or int32; `half`: float16 in place of float32, save for biases.

    `at` names the place in messages. Raises ValueError where a number is not finite; only a bias may be minus
    infinity, which forbids a pair.

    >>> import torch
    >>> wire_arrays({"kind": "rows", "rows": torch.eye(2, dtype=torch.float64)})["rows"].dtype
    dtype('float32')
    """
    if isinstance(wire, dict):
        return {name: wire_arrays(x, half and name not in FULL, f"{at}.{name}") for name, x in wire.items()}
    if isinstance(wire, (list, tuple)) and not all(isinstance(x, (int, float)) for x in wire):
        return [wire_arrays(x, half, f"{at}[{n}]") for n, x in enumerate(wire)]
    if isinstance(wire, Tensor):
        wire = wire.detach().cpu().numpy()
    if isinstance(wire, np.ndarray):
        return _wire_array(wire, half, at)
    wire = wire.item() if isinstance(wire, np.generic) else wire
    if isinstance(wire, float) and not math.isfinite(wire):
        raise ValueError(f"{at} is {wire}; a view draws finite numbers only")
    return wire


def _wire_array(x: np.ndarray, half: bool, at: str) -> np.ndarray:
    """One array in the type it travels in."""
    if x.dtype.kind in "iub":
        return np.ascontiguousarray(x, dtype=np.int32)
    with np.errstate(over="ignore"):
        x = np.ascontiguousarray(x, dtype=np.float32)
    if np.isnan(x).any() or np.isposinf(x).any() or (np.isneginf(x).any() and not at.endswith(".bias")):
        raise ValueError(f"{at} has NaN or infinity in it (as float32); a view draws finite numbers only")
    return scaled_half(x) if half else x


class Half(np.ndarray):
    """A float16 array whose values are to be multiplied by `scale`, a power of two."""

    scale: float = 1.0


def scaled_half(x: np.ndarray) -> np.ndarray:
    """x as float16, scaled by a power of two so that its largest number is near the top of float16's range.

    The small numbers then lose no digits: float16 has all its eleven bits over nine decades below 32,768.

    >>> x = scaled_half(np.float32([3e-7, 1e-9]))
    >>> bool(np.allclose(np.float64(x) * x.scale, [3e-7, 1e-9], rtol=1e-3))
    True
    """
    top = float(np.abs(x).max()) if x.size else 0.0
    scale = 2.0 ** (np.ceil(np.log2(top)) - 15) if top > 0 else 1.0
    half = (x / np.float32(scale)).astype(np.float16).view(Half)
    half.scale = float(scale)
    return half


SIDES = {"softmax": ("q", "k"), "factored": ("left", "right"), "kernel": ("phi_q", "phi_k"), "sparse": ("index",),
         "walk": ("q", "k"), "rows": ("rows",)}  # the arrays of a wire that say how many queries and keys there are


def wire_shape(wire: Wire, title: str = "") -> tuple[int, int] | None:
    """The numbers of queries and keys of a wire, (N, S); None for a kind that this module does not know.

    ValueError where its arrays are not tables: then the map has no batch and head to choose from.

    >>> wire_shape({"kind": "rows", "rows": np.eye(3)})
    (3, 3)
    """
    kind = str(wire.get("kind"))
    if kind == "sum":
        return wire_shape(wire["parts"][0], title)
    if kind == "blocks":
        return max(int(part["queries"].max()) + 1 for part in wire["parts"]), int(wire["size"])
    tables = [wire[name] for name in SIDES.get(kind, ())]
    if any(np.ndim(x) != 2 for x in tables):
        raise ValueError(f"panel {title!r}: its map has no batch and head to choose from; give it leading axes, as in "
                         "(1, 1, N, S)")
    if kind in ("sparse", "rows"):
        return len(tables[0]), int(wire["size"]) if kind == "sparse" else tables[0].shape[1]
    return (len(tables[0]), len(tables[1])) if tables else None
