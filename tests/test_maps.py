"""Maps by themselves: what is refused, what goes to the browser, what eps does."""
import subprocess
import sys

import pytest
import torch

from linviz import Grid, make
from linviz.maps import Dense, KernelMap, Normaliser, Scores


def test_a_table_that_is_no_map_is_refused() -> None:
    for table, says in ((torch.tensor([1.0]), "finite table"), (torch.full((2, 2), torch.nan), "NaN"),
                        (torch.tensor([[2.0, -1.0]]), "not probability distributions"),
                        (torch.ones(2, 2), "not probability distributions")):
        with pytest.raises(ValueError, match=says):
            Dense(table)
    assert not Dense(torch.ones(2, 2), stochastic=False).stochastic


def test_a_bias_that_empties_a_row_is_refused() -> None:
    q = torch.zeros(1, 1, 2, 4)
    with pytest.raises(ValueError, match="leaves its row empty"):
        Scores(q, q, bias=torch.tensor([[0.0, 0.0], [-torch.inf, -torch.inf]]))


def test_bias_and_causal_add_up() -> None:
    q = torch.randn(1, 2, 5, 4, dtype=torch.float64)
    bias = torch.randn(5, 5, dtype=torch.float64)
    a = Scores(q, q, bias=bias, causal=True)
    by_hand = (q @ q.mT / 2 + bias).masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf).softmax(-1)
    assert torch.allclose(a.dense(), by_hand) and torch.allclose(a.apply(q), by_hand @ q)


def test_normalisers() -> None:
    sums = torch.tensor([0.0, 0.5, 2.0])
    assert Normaliser("add", 1.0)(sums).tolist() == [1.0, 1.5, 3.0]
    assert Normaliser("clamp", 1.0)(sums).tolist() == [1.0, 1.0, 2.0]
    assert Normaliser("none")(sums).tolist() == [1.0, 1.0, 1.0]
    assert Normaliser("add", 0.0)(sums).tolist() == [1.0, 0.5, 2.0]  # an empty row is left empty
    with pytest.raises(ValueError, match="'add', 'clamp' or 'none'"):
        Normaliser("times")


def test_a_factored_map_never_writes_out_the_table() -> None:
    """Linear in N: a quarter of a million tokens answer at once, where the table would take 250 GB."""
    q, k, v = (torch.rand(1, 1, 250_000, 4) for _ in range(3))
    a = make("linear", 1, 4, Grid(X=250_000)).map(q, k, v)
    assert a.apply(v).shape == v.shape and a.rows(torch.tensor([5])).shape == (1, 1, 1, 250_000)
    assert a.column_sums().shape == (1, 1, 250_000) and a.singular_values().shape == (1, 1, 4)


def row_of(wire: dict, i: int, strength: float = 1.0) -> torch.Tensor:
    """What a browser does with a wire, in the plainest Python."""
    if wire["kind"] == "softmax":
        scores = wire["scale"] * wire["k"] @ wire["q"][i] + (wire["bias"][i] if "bias" in wire else 0)
        last = i if wire["causal"] else len(scores)
        return scores.masked_fill(torch.arange(len(scores)) > last, -torch.inf).softmax(-1)
    if wire["kind"] == "factored":
        return wire["right"] @ wire["left"][i]
    if wire["kind"] == "kernel":
        g_q, g_k = ((strength * wire[z]).sigmoid() if z in wire else 1 for z in ("z_q", "z_k"))
        weights = (wire["phi_k"] * g_k) @ (wire["phi_q"] * g_q)[i]
        weights = weights * (torch.arange(len(weights)) <= i) if wire.get("causal") else weights
        n = wire["normaliser"]
        return weights / (weights.sum() + n["eps"] if n["kind"] == "add" else weights.sum().clamp_min(n["eps"]))
    if wire["kind"] == "rows":
        return wire["rows"][i]
    out, turns = torch.zeros(wire["size"], dtype=torch.float64), 0
    for part in wire["parts"]:
        for box, place in (part["queries"] == i).nonzero().tolist():
            inner = {k: v[box] if isinstance(v, torch.Tensor) else v for k, v in part["wire"].items()}
            out[part["keys"][box]] += row_of(inner, place, strength)
            turns += 1
    return out / turns


GRID = Grid(T=2, Y=3, X=4, prefix=1)


@pytest.mark.parametrize("spec", ["softmax", "uniform", "efficient", "linear", "relu_floor+gate", "softmax@space",
                                  "relu_floor+gate:qk+shift:space", "relu_floor+gate@time", "linear@shifted:2",
                                  "uniform@rows"])
@torch.no_grad()
def test_the_wire_says_every_row(spec: str) -> None:
    m = make(spec, 2, 16, GRID, seed=2).double()
    q, k, v = (torch.randn(2, 2, len(GRID), 16, dtype=torch.float64) for _ in range(3))
    a = m.map(q, k, v)
    for at in ((0, 0), (1, 1)):
        wire = a.wire(at)
        for i in (0, 1, 7, 24):
            assert torch.allclose(row_of(wire, i), a.dense()[at][i], atol=1e-12)


@pytest.mark.parametrize("name", ["softmax", "linear"])
@torch.no_grad()
def test_the_wire_of_a_causal_map(name: str) -> None:
    q, k, v = (torch.randn(1, 1, 9, 8, dtype=torch.float64) for _ in range(3))
    a = make(name, 1, 8, Grid(X=9), causal=True).map(q, k, v)
    assert all(torch.allclose(row_of(a.wire(), i), a.dense()[0, 0, i], atol=1e-12) for i in range(9))


@torch.no_grad()
def test_strength_nought_is_the_ungated_map() -> None:
    q, k, v = (torch.randn(1, 1, 9, 8, dtype=torch.float64) for _ in range(3))
    gated = make("relu_floor+gate", 1, 8, Grid(X=9), eps=0.0).double().map(q, k, v)
    bare = make("relu_floor", 1, 8, Grid(X=9), eps=0.0).map(q, k, v)
    assert isinstance(gated, KernelMap)
    assert torch.allclose(row_of(gated.wire(), 4, strength=0.0), bare.dense()[0, 0, 4], atol=1e-14)


def test_no_map_imports_sympy() -> None:
    """torch.broadcast_shapes does, at its first call: 0.3 s and 486 modules."""
    code = ("import sys, torch, linviz\nx = torch.rand(1, 1, 9, 8)\n"
            "for name in linviz.names():\n    linviz.make(name, 1, 8, (3, 3))(x, x, x)\n"
            "linviz.make('focused+conv', 1, 8, (3, 3))(x, x, x)\nprint('sympy' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "False", done.stderr
