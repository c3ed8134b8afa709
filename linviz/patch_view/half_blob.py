"""A view's blob in half precision, made from the blob itself: for pages that hold many views."""
from __future__ import annotations

from typing import Any

import numpy as np

from .packing import encode_blob, replace_state, unpack
from .wires import wire_arrays

BITS = 10  # of the mantissa of a float16: a relative error of 2^-11
EXACT = 1e-7  # of the largest singular value: what a table of float32 cannot hold


def half_blob(blob: bytes, bits: int = BITS, **wish: Any) -> bytes:
    """The blob of the same view with its maps in float16, as `pack(half=True)` writes it; `wish` as in `replace_state`.

    bits  of the mantissa that maps sent as whole rows keep; where fewer, zip makes the blob smaller.

    >>> from linviz.patch_view.packing import encode_blob
    >>> wire = {"kind": "rows", "rows": np.eye(64, dtype=np.float32)}
    >>> blob = encode_blob({"panels": [{"wire": wire}]}, {"query": 0})
    >>> 8000 < len(half_blob(blob)) < 9000 < len(blob)
    True
    """
    content = unpack(blob)
    state = content.pop("set")
    content.pop("id")
    for panel in content["panels"]:
        panel["wire"] = smaller_wire(panel["wire"], bits, f"the map of panel {panel.get('title', '')!r}")
    made = encode_blob(content, state)
    return replace_state(made, wish) if wish else made


def smaller_wire(wire: dict[str, Any], bits: int, at: str) -> dict[str, Any]:
    """A wire in half precision, or the factors of its table where they are smaller than the table."""
    factors = table_factors(wire["rows"]) if wire["kind"] == "rows" else None
    if factors is not None:
        rest = {name: x for name, x in wire.items() if name != "rows"}
        return rest | {"kind": "factored", "left": factors[0], "right": factors[1]}
    made: dict[str, Any] = wire_arrays(wire if bits >= BITS else round_rows(wire, bits), half=True, at=at)
    return made


def table_factors(table: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """float32 factors (N, r) and (S, r) of a table (N, S), or None where they are not smaller than its halves.

    Their product differs from each row by at most 2^-21 of its largest weight: nothing seems to be below zero.

    >>> left, right = table_factors(np.ones((64, 64), np.float32))
    >>> left.shape, right.shape
    ((64, 1), (64, 1))
    >>> table_factors(np.eye(64, dtype=np.float32)) is None
    True
    """
    exact = table.astype(np.float64)
    u, s, v = np.linalg.svd(exact, full_matrices=False)
    rank = int((s > EXACT * s[0]).sum()) if s[0] > 0 else 1
    if 4 * rank * sum(table.shape) > 2 * table.size:
        return None
    left, right = (u[:, :rank] * s[:rank]).astype(np.float32), v[:rank].T.astype(np.float32)
    wrong = np.abs(left.astype(np.float64) @ right.T - exact).max(1)
    return (left, np.ascontiguousarray(right)) if (wrong <= 2.0 ** -21 * np.abs(exact).max(1)).all() else None


def round_rows(wire: Any, bits: int) -> Any:
    """A wire whose tables of whole rows, wherever they are in it, have mantissas of so many bits.

    >>> round_rows({"parts": [{"rows": np.float32([1.01])}]}, 5)["parts"][0]["rows"].tolist()
    [1.0]
    """
    if isinstance(wire, dict):
        return {name: round_mantissas(x, bits) if name == "rows" else round_rows(x, bits) for name, x in wire.items()}
    return [round_rows(x, bits) for x in wire] if isinstance(wire, list) else wire


def round_mantissas(x: np.ndarray, bits: int) -> np.ndarray:
    """Every number rounded to a mantissa of so many bits, which is an error of at most 2^-(bits + 1) of it.

    >>> round_mantissas(np.float32([1.01, 3.3e-9]), 5).tolist() == [1.0, 1.78125 * 2.0 ** -29]
    True
    """
    mantissa, exponent = np.frexp(x)
    steps = 2.0 ** (bits + 1)
    rounded: np.ndarray = np.ldexp(np.round(mantissa * steps) / steps, exponent).astype(np.float32)
    return rounded
