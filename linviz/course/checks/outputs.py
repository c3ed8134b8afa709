"""What every attention gives back: one row a query, as wide as the values. Shapes that are not are told by name."""
from __future__ import annotations

from torch import Tensor

from ..exercise import Attempt, Finding, Property
from ..properties import FIRST


def a_row_a_query(a: Attempt) -> Finding | None:
    """For answers to (queries, keys, values, ...) that return one tensor, all sizes different."""
    queries, keys, values = a.given[:3]
    if not isinstance(a.got, Tensor) or a.got.ndim != 2 or a.got.shape == a.expected.shape:
        return None
    (rows, columns), (N, D), (S, E) = a.got.shape, queries.shape, values.shape
    said = f"expected {N} rows of {E}, got {rows} rows of {columns}"
    if rows != N:
        whose = {len(keys): "a key", D: "a channel"}.get(rows, "of something else")
        return Finding(f"{said}: a row {whose}", "Every query has one row of output.", rows in (len(keys), D))
    whose = {D: "a channel of the queries", S: "a key", 1: "one sum"}.get(columns, "something else")
    return Finding(f"{said}: a column for {whose}", "The output is a mix of the values, as wide as they are.",
                   columns in (D, S, 1))


ATTENDS: tuple[Property, ...] = (*FIRST[:2], a_row_a_query, *FIRST[2:])
