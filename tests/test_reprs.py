"""How things print: every object says what it is, and two different mechanisms never print alike."""
from __future__ import annotations

from itertools import combinations

import pytest
import torch

import linviz
from linviz import Grid, clips
from linviz.maps import Sum

x = torch.rand(1, 2, 18, 16, generator=torch.Generator().manual_seed(0))
GRID = Grid(2, 3, 3)
OTHERS = [("softmax", {"scale": 0.5}), ("softmax", {"causal": True}), ("softmax", {"value_width": 8}),
          ("softmax@time", {}), ("softmax@window:2", {}), ("softmax@shifted:2", {}), ("softmax+shift", {}),
          ("softmax+shift:space", {}), ("softmax+shift", {"shift_parts": 8}), ("linear", {"eps": 0.5}),
          ("linear", {"causal": True}), ("linear", {"key_grid": (2, 2, 2)}), ("relu_floor", {"floor": 0.1}),
          ("relu_floor+gate", {}), ("relu_floor+gate", {"seed": 1}), ("relu_floor+gate:qk", {}),
          ("relu_floor+gate:self", {}), ("relu_floor+gate:shared", {}), ("relu_floor+gate+shift", {}),
          ("performer", {"seed": 1}), ("performer", {"directions": 8}), ("performer", {"kind": "relu"}),
          ("focused+conv", {}), ("local", {"window": 2}), ("linformer", {"length": 4})]


def test_two_different_mechanisms_never_print_alike() -> None:
    made = [linviz.make(name, 2, 16, GRID) for name in linviz.names()]
    made += [linviz.make(spec, 2, 16, GRID, **options) for spec, options in OTHERS]
    made += [linviz.make("softmax", 1, 16, GRID), linviz.make("softmax", 2, 8, GRID),
             linviz.make("softmax", 2, 16, (3, 3)), linviz.make("relu_floor+gate", 2, 16, GRID).double()]
    fitted = linviz.make("relu_floor+gate", 2, 16, GRID)
    fitted.gate.scale(0.5)
    weak = linviz.make("relu_floor+gate", 2, 16, GRID)
    weak.gate.hold(0.5)
    alike = [(repr(one), repr(other)) for one, other in combinations([*made, fitted, weak], 2)
             if repr(one) == repr(other)]
    assert not alike
    inner = [repr(one.mechanism) for one in made if one.parsed.shift is None and one.parsed.scope == "joint"]
    assert len(set(inner)) == len(inner) and all(one.startswith("<mechanism ") for one in inner)
    assert repr(linviz.make("relu_floor+gate", 2, 16, GRID)) == repr(linviz.make("relu_floor+gate", 2, 16, GRID))


@pytest.mark.parametrize("spec, options, words", [
    ("softmax", {"causal": True}, ["2 heads of 16 channels", repr(GRID), ", causal, ", "scale=None"]),
    ("relu_floor+gate:qk:shared+shift@window:2", {}, [
        "gate reads q and k (one layer for both)", "shift in time", "scope window of 2", "not causal", "seed 0"]),
    ("performer", {"directions": 8}, ["directions=8", "kind='positive'"])])
def test_a_mechanism_says_what_it_is(spec: str, options: dict, words: list[str]) -> None:
    said = repr(linviz.make(spec, 2, 16, GRID, **options))
    assert said.startswith(f"<{spec}: ") and not [word for word in words if word not in said], said


def test_a_map_says_its_kind_shape_bound_and_rows() -> None:
    linear, signed = (linviz.make(name, 2, 16, GRID).map(x, x, x) for name in ("linear", "factorized"))
    assert repr(linear) == ("<map KernelMap: 18 queries x 18 keys, rank at most 16, rows are probability "
                            "distributions, float32>")
    assert "signed, or rows that do not sum to one" in repr(signed)
    assert repr(Sum(linear, signed)).startswith("<map Sum: ")
    for name in linviz.names():
        a = linviz.make(name, 2, 16, GRID).map(x, x, x)
        assert f": 18 queries x {a.shape[1]} keys, rank at most {a.rank_bound}, " in repr(a)


def test_grids_readings_and_clips_say_what_they_are() -> None:
    grid = Grid(2, 3, 3, prefix=1)
    assert eval(repr(grid)) == grid
    reading = linviz.read(linviz.make("aft_simple", 2, 16, GRID), x, x, x, channel=3)
    assert repr(reading).startswith("<reading of aft_simple: 18 queries x 18 keys, 1 in the batch, 2 heads, channel 3;")
    said = repr(clips.load("crossing", frames=2))
    assert said.startswith("<clip 'crossing': 2 frames of 448 x 448 pixels, known: mask and motion; ")
    assert "licence" in said and "tensor" not in said
    assert "neither mask nor motion" in repr(clips.load("coffee"))
    shown = linviz.view("coffee", "uniform", patches=4, query=(1, 2))
    assert repr(shown) == ("<view of 'coffee', 1 frame of 4 x 4 patches: uniform; query (0, 1, 2), temperature "
                           f"{shown.state.temperature:.3g}>")
