"""The output of every attention: one row per query, as wide as the values. Wrong shapes are named."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Finding, Property
from ..properties import FIRST


def a_row_a_query(a: Attempt) -> Finding | None:
    """For answers to (queries, keys, values, ...) that return one tensor, all sizes different."""
    queries, keys, values = a.given[:3]
    if not isinstance(a.got, Tensor) or a.got.ndim != 2 or a.got.shape == a.expected.shape:
        return None
    (rows, columns), (N, D), (S, E) = a.got.shape, queries.shape, values.shape
    shapes = f"expected {N} rows of {E}, got {rows} rows of {columns}"
    if rows != N:
        whose = {len(keys): "key", D: "channel"}.get(rows, "unknown item")
        return Finding(f"{shapes}: one row per {whose}", "The output has one row per query.", rows in (len(keys), D))
    whose = {D: "a channel of the queries", S: "a key", 1: "one sum"}.get(columns, "something else")
    return Finding(f"{shapes}: a column for {whose}", "The output is a mix of the values and has their width.",
                   columns in (D, S, 1))


def sums_to_one(hint: str, within: float = 1e-6,
                why: str = "the weights of a row sum to 1, so values that are all 1 should give 1") -> Property:
    """Values that are all 1 give 1. For answers to (queries, keys, values, ...)."""
    def ask(a: Attempt) -> Finding | None:
        q, k, v, *rest = a.given
        off = row_difference(a.ask(q, k, torch.ones_like(v), *rest), 1.0, within)
        return None if off is None else Finding(f"{why}; yours give {off.got} at [{off.place}]", hint, True)
    return ask


ATTENDS: tuple[Property, ...] = (*FIRST[:2], a_row_a_query, *FIRST[2:])
