"""A gate taken apart: the share of softmax's concentration is counted as it says, and parts are those of the gate."""
from __future__ import annotations

import pytest

from linviz import Grid, clips, make
from linviz.concentration import entropy
from linviz.models import fit_gate
from linviz.models.apart import WAYS, compare_parts, mean_row_entropy

GRID = Grid(1, 14, 14)


@pytest.fixture(scope="module")
def fitted():
    q, k, v = clips.descriptors(clips.photograph("chelsea"), GRID, 2 / 3)
    goal = make("softmax", 1, 16, GRID).map(q, k, v)
    m = make("relu_floor+gate", 1, 16, GRID)
    fit_gate(m, goal, q, k, v, steps=60)
    return m, (q, k, v), goal


def test_shares_are_of_the_way_from_the_kernel_to_softmax(fitted):
    m, qkv, goal = fitted
    found = compare_parts(m, *qkv, goal)
    assert list(found) == list(WAYS)
    bare, soft = (entropy(a.dense()).mean().item() for a in (make("relu_floor", 1, 16, GRID).map(*qkv), goal))
    own = entropy(m.map(*qkv).dense()).mean().item()
    assert found["none"]["entropy"] == pytest.approx(bare, abs=1e-4) and found["none"]["recovered"] == 0
    assert found["whole"]["entropy"] == pytest.approx(own, abs=1e-5)
    assert found["whole"]["recovered"] == pytest.approx((bare - own) / (bare - soft), abs=1e-4)
    relu = make("relu", 1, 16, GRID).map(*qkv)
    assert found["no floor"]["entropy"] == pytest.approx(mean_row_entropy(relu))
    assert found["whole"]["recovered"] > found["channels"]["recovered"] and found["keys"] != found["queries"]


def test_a_share_of_nothing_is_none_and_what_has_no_floor_has_no_such_row(fitted):
    _, qkv, _ = fitted
    m = make("focused+gate", 1, 16, GRID)
    found = compare_parts(m, *qkv, make("uniform", 1, 16, GRID).map(*qkv))
    assert all(one["recovered"] is None for one in found.values()) and "no floor" not in found
    assert m.gate.q.weight.abs().sum() > 0, "the gate that was asked about was held constant"




def test_what_cannot_be_taken_apart_says_so(fitted):
    _, qkv, goal = fitted
    for spec, said in (("relu", "has no gate"), ("focused+gate+conv", "more than features")):
        with pytest.raises(ValueError, match=said):
            compare_parts(make(spec, 1, 16, GRID), *qkv, goal)
