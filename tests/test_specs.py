"""Specs, and what `make` and an attention refuse."""
import pytest
import torch

from linviz import Grid, make, names
from linviz.mechanisms import REGISTRY, parse

from .cases import every_case

GRID = Grid(T=2, Y=3, X=3)


@pytest.mark.parametrize(("spec", "short"), [
    ("softmax", "softmax"), ("relu_floor+gate:qkv", "relu_floor+gate"),
    ("relu_floor+gate:shared", "relu_floor+gate:shared"),
    ("relu+gate:qk:shared+shift:time", "relu+gate:qk:shared+shift"), ("linear+shift:space@time", "linear+shift@time"),
    ("linear+shift@time", "linear+shift@time"), ("linear+shift:time@time", "linear+shift:time@time"),
    ("softmax@window:5", "softmax@window:5"), ("softmax@window", "softmax@window:7"), ("softmax@joint", "softmax")])
def test_a_spec_has_a_shortest_form(spec: str, short: str) -> None:
    assert str(parse(spec)) == short and parse(short) == parse(spec)


@pytest.mark.parametrize(("spec", "says"), [
    ("sofmax", "did you mean 'softmax'"), ("softmax+gates", "no extra called 'gates'"), ("", "is not a spec"),
    ("relu_floor+gate:v", "a gate is"), ("relu_floor+gate:qk:self", "a gate is"), ("relu+shift:up", "a shift is"),
    ("softmax@somewhere", "no scope called"), ("softmax@space:3", "take a side"), ("softmax@window:0", "take a side"),
    ("relu+gate+gate", "twice"), ("softmax+gate", "has none"), ("softmax+conv", "no convolution"),
    ("softmax;rm -rf", "is not a spec"),
    ("../../etc", "is not a spec"), ("relu+conv:3", "no further word")])
def test_a_wrong_spec_gets_a_sentence(spec, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        make(spec, 2, 8, GRID)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("options", "says"), [
    ({"colour": 1}, "softmax has no option colour; it has causal"), ({"heads": 0}, "must be at least 1"),
    ({"width": 0}, "must be at least 1")])
def test_a_wrong_option_gets_a_sentence(options: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make("softmax", **({"heads": 2, "width": 8, "grid": GRID} | options))


@pytest.mark.parametrize(("spec", "says"), [("nonlocal", "no causal form"), ("linear+shift", "cannot be causal"),
                                             ("linear@space", "orders all tokens by number; leave out @space")])
def test_causal_is_refused_where_it_would_be_ignored(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make(spec, 2, 8, GRID, causal=True)


def x(*shape: int) -> torch.Tensor:
    return torch.zeros(*shape)


@pytest.mark.parametrize(("spec", "qkv", "says"), [
    ("softmax", [x(2, 18, 8)] * 3, "batch, heads, tokens, width"),
    ("softmax", [x(1, 3, 18, 8)] * 3, "made for 2 heads; q has 3"),
    ("softmax", [x(1, 2, 18, 7)] * 3, "made for width 8"),
    ("softmax", [x(1, 2, 18, 8), x(1, 2, 18, 8), x(1, 2, 17, 8)], "k and v need the same heads and tokens"),
    ("softmax", [x(1, 2, 18, 8), x(2, 2, 18, 8), x(2, 2, 18, 8)], "q the same batch"),
    ("softmax", [x(1, 2, 18, 8) / 0] * 3, "NaN or infinity"),
    ("softmax@space", [x(1, 2, 17, 8)] * 3, "needs the 18 tokens of Grid"),
    ("linear+shift", [x(1, 2, 17, 8)] * 3, "needs the 18 tokens of Grid"),
    ("relu+gate", [x(1, 2, 18, 8), x(1, 2, 9, 8), x(1, 2, 9, 8)], r"use \+gate:self"),
    ("linear", [x(1, 2, 18, 8), x(1, 3, 18, 8), x(1, 3, 18, 8)], "evenly among 3 heads")])
def test_wrong_tensors_get_a_sentence(spec: str, qkv: list, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make(spec, 2, 8, GRID).map(*qkv)


@every_case("name", names())
def test_queries_and_keys_may_differ_in_number(name: str) -> None:
    q, k = torch.randn(1, 2, 18, 8), torch.randn(1, 2, 5, 8)
    if not REGISTRY[name].takes_key_grid:
        with pytest.raises(ValueError, match="leave out key_grid"):
            make(name, 2, 8, GRID, key_grid=Grid(X=5))
        return
    m = make(name, 2, 8, GRID, key_grid=Grid(X=5))
    assert m.map(q, k, k).shape == (18, 5) and m(q, k, k).shape == (1, 2, 18, 8)


def test_the_same_seed_makes_the_same_gate() -> None:
    first, second, other = (make("relu_floor+gate", 2, 8, GRID, seed=s).gate.q.weight for s in (4, 4, 5))
    assert torch.equal(first, second) and not torch.equal(first, other)
