"""A captured layer under another mechanism: the same q, k and v, another map, and what that costs the output."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, make
from linviz.capture import Capture, CapturedLayer


def layer(**more) -> CapturedLayer:
    g = torch.Generator().manual_seed(3)
    q, k, v = (torch.randn(2, 3, 16, 8, generator=g) * s for s in (2, 2, 1))
    return CapturedLayer("a", "softmax", q, k, v, Grid(Y=4, X=4), **{"scale": 8**-0.5} | more)


def test_the_numbers_are_those_of_the_mechanism() -> None:
    one = layer()
    found = Capture("Tiny", (one,)).under("relu_floor")
    other = make("relu_floor", 3, 8, (4, 4)).map(one.q, one.k, one.v)
    o, changed = one.map().apply(one.v), other.apply(one.v)
    for h, row in enumerate(found.rows):
        a = other.dense()[:, h]
        assert row.after == pytest.approx(float(-(a * a.log2()).sum(-1).mean()), abs=1e-4)
        errors = [(changed[b, h] - o[b, h]).norm() / o[b, h].norm() for b in (0, 1)]
        assert row.error == pytest.approx(float(sum(errors) / 2), rel=1e-5) and row.before < row.after
    assert repr(found).count("\n") == 4 and found.table()[2]["head"] == 3


def test_softmax_of_another_scale_and_scope_is_itself() -> None:
    same = layer(scale=0.9)
    assert Capture("T", (same,)).under("softmax").rows[1].error < 1e-5
    divided = CapturedLayer("b", "softmax", same.q, same.k, same.v, Grid(4, 2, 2), 0.5, scope="time")
    found = Capture("T", (same, divided)).under("softmax", 2)
    assert {row.layer for row in found.rows} == {"b"} and max(row.error for row in found.rows) < 1e-5
    assert found.rows[0].before == pytest.approx(found.rows[0].after, abs=1e-4) and found.rows[0].before < 2


def test_a_fitted_gate_comes_closer_than_none() -> None:
    made = Capture("T", (layer(),))
    plain, fitted = made.under("relu_floor+gate"), made.under("relu_floor+gate", steps=60)
    assert sum(r.after for r in fitted.rows) < sum(r.after for r in plain.rows) and "60 steps" in repr(fitted)


def test_what_depends_on_more_than_q_and_k_is_left_out_with_a_reason() -> None:
    windowed = layer(boxes=(torch.arange(8), torch.arange(8, 16)))
    exact = layer(table=torch.eye(16).expand(2, 3, 16, 16))
    found = Capture("T", (layer(), windowed, exact)).under("uniform")
    assert len(found.rows) == 3 and len(found.left_out) == 1 and "cannot be compared under uniform" in repr(found)
    with pytest.raises(ValueError, match="it has no q and k"):
        Capture("T", (exact,)).under("uniform")
    with pytest.raises(ValueError, match="no mechanism"):
        Capture("T", (layer(),)).under("nonsense")
