"""A Reading measures once, averages in one place, and refuses what makes no sense."""
import math

import pytest
import torch

from linviz import Grid, concentration, make, read, spectra
from linviz import reading as home
from linviz.maps import Dense
from linviz.reading import ROW_MEASURES
from linviz.row_block import RowBlock, sort_rows

GRID = Grid(T=2, Y=3, X=4)


def reading(spec: str = "relu_floor+gate", heads: int = 3):
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, heads, len(GRID), 8, generator=generator, dtype=torch.float64) for _ in range(3))
    return read(make(spec, heads, 8, GRID).double(), q, k, v)


@pytest.mark.parametrize("spec", ["softmax", "relu_floor+gate", "linear@space", "uniform", "swin"])
def test_numbers_are_those_of_the_dense_map(spec: str) -> None:
    r = reading(spec)
    a = r.map.dense()
    for name in ROW_MEASURES:
        assert torch.allclose(r.rows(name).double(), getattr(concentration, name)(a).double()), name
    s = torch.linalg.svdvals(a)
    assert torch.allclose(r.effective_rank, spectra.effective_rank(s), atol=1e-6)
    assert torch.allclose(r.output, r.mechanism(r.q, r.k, r.v))
    i = torch.arange(len(GRID))
    assert torch.allclose(r.rows("distance", patch=16), concentration.distance(a, GRID, i, 16))


def test_the_mean_of_entropies_is_not_the_entropy_of_the_mean() -> None:
    r = reading("softmax")
    mean_map = concentration.entropy(r.map.dense().mean((0, 1))).mean().item()
    assert r.summary()["entropy"] == pytest.approx(concentration.entropy(r.map.dense()).mean().item())
    assert r.summary()["entropy"] < mean_map - 0.3


def test_nothing_is_measured_twice() -> None:
    r = reading()
    assert r.rows("entropy") is r.rows("entropy") and r.map is r.map
    assert r.top_share(3) is not r.top_share(5)
    masks = [torch.zeros(len(GRID)).index_fill(0, torch.tensor([n]), 1.0) for n in (1, 2)]
    assert not torch.equal(*(r.rows("mass", mask=m) for m in masks))


def test_uniform_is_flat() -> None:
    s = reading("uniform").summary()
    assert s["entropy"] == pytest.approx(math.log2(len(GRID))) and s["effective_tokens"] == pytest.approx(len(GRID))
    assert s["numerical_rank"] == s["rank_bound"] == 1 and s["gini"] == pytest.approx(0)


def test_a_signed_map_is_not_asked_for_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    r = reading("uniform")
    r.__dict__["map"] = Dense(torch.randn(2, 3, 24, 24), stochastic=False)
    with pytest.raises(ValueError, match="signed"):
        r.rows("entropy")
    s = r.summary()
    assert "entropy" not in s and s["effective_rank"] > 1 and all(math.isfinite(x) for x in s.values())


def test_a_summary_never_holds_nan() -> None:
    x = -torch.ones(1, 1, 12, 8)
    r = read(make("relu", 1, 8, Grid(X=12)), x, x, x)
    s = r.summary()
    assert s["dead"] == 12 and "entropy" not in s and all(math.isfinite(x) for x in s.values())


def test_a_summary_of_few_measures_is_of_those_alone() -> None:
    few, whole = reading().summary(False, ("gini",), top_share={"k": 2}), reading().summary()
    assert set(few) == {"rows", "dead", "rank_bound", "gini", "top_share"} and few["gini"] == whole["gini"]
    assert few["top_share"] < whole["top_share"]


def test_only_a_gate_has_fixation_ratios() -> None:
    r_q, r_k = reading().fixation
    assert r_q.shape == r_k.shape == (2, 3, len(GRID), 8) and bool(((r_q > 0) & (r_q < 1)).all())
    with pytest.raises(ValueError, match="no gate"):
        _ = reading("linear").fixation
    with pytest.raises(ValueError, match="no row measure called 'entrophy'"):
        reading().rows("entrophy")


class CountedMap(Dense):
    """A table that counts how often each of its rows is asked for."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__(table)
        self.asked = torch.zeros(self.shape[0], dtype=torch.long)

    def take_rows(self, i: torch.Tensor) -> torch.Tensor:
        self.asked[i] += 1
        return super().take_rows(i)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_summary_is_one_walk_and_says_what_single_measures_say(dtype: torch.dtype) -> None:
    """Every row is made once for all measures; the numbers are those of `concentration`, measure by measure."""
    r = reading("softmax")
    table = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1), dtype=torch.float64).pow(8).to(dtype)
    a = r.__dict__["map"] = CountedMap(table / table.sum(-1, keepdim=True))
    mask = torch.zeros(24).index_fill(0, torch.arange(7), 1.0)
    more = {"distance": {"patch": 16}, "mass": {"mask": mask}, "lift": {"mask": mask}, "frame_distance": {}}
    found = r.summary(False, **more)
    assert a.asked[1:].tolist() == [1] * 23, "a row is made more than once"  # row 0 also tells the leading axes
    for name in ROW_MEASURES:
        alone = getattr(concentration, name)(a.table)
        assert torch.allclose(r.rows(name).double(), alone.double(), atol=10 * torch.finfo(dtype).eps), name
        assert found[name] == pytest.approx(alone.double().mean().item(), rel=1e-5)
    assert torch.allclose(r.rows("mass", mask=mask), concentration.mass(a.table, mask))


def test_a_measurement_that_nobody_waits_for_ends() -> None:
    r, done = reading("softmax"), []
    r.__dict__["map"] = CountedMap(torch.full((1, 1, 2000, 2000), 1 / 2000))
    assert not r.measure({"entropy": {}, "gini": {}}, lambda now, of: (done.append((now, of)), now < 600)[1])
    assert done[0] == (0, 2000) and 600 <= done[-1][0] < 1200 and not r._rows
    assert r.measure({"entropy": {}}) and r.rows("entropy").shape == (1, 1, 2000)


def test_torch_and_numpy_sort_alike() -> None:
    x = torch.rand(3, 50, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    assert torch.equal(sort_rows(x), sort_rows(x.clone().requires_grad_()).detach())


@pytest.mark.parametrize("S", [1, 63, 64, 65, 200])
def test_the_support_counts_single_weights_only_where_the_share_is_reached(S: int) -> None:
    rows = torch.rand(3, 7, S, generator=torch.Generator().manual_seed(S)).pow(6)
    rows[0], rows[1, 0] = 1, torch.eye(1, S)  # equal weights, and one that has all
    held = (rows / rows.sum(-1, keepdim=True)).sort(-1, descending=True).values.double().cumsum(-1)
    for share in (0.1, 0.5, 0.9, 1.0):
        counted = (held < share - 1e-6).sum(-1).add(1).clamp_max(S)
        assert torch.equal(concentration.support(rows, share), counted), share


def test_a_block_that_is_not_sorted_has_the_same_top_and_its_zeros_no_entropy() -> None:
    rows = torch.rand(4, 100, generator=torch.Generator().manual_seed(0)) * (torch.arange(100) % 3 > 0)
    for k in (1, 10, 200):
        one, other = (RowBlock(rows, sort).top_sum(k) for sort in (True, False))
        assert torch.allclose(one, other, rtol=1e-6) and torch.allclose(one, concentration.top_share(rows, k))
    shares = rows / rows.sum(-1, keepdim=True)
    assert torch.allclose(RowBlock(rows).bits, torch.special.entr(shares.double()).sum(-1).float() / math.log(2))
    assert torch.copysign(torch.ones(()), RowBlock(torch.eye(3)).bits).eq(1).all(), "minus zero is printed as -0"


def test_heads_are_measured_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress counts all of them, and what is no longer wanted ends in the middle of one."""
    monkeypatch.setattr(home, "ROW_WEIGHTS", 4 * len(GRID))
    r, done = reading("softmax"), []
    assert r.measure({"entropy": {}}, lambda now, of: done.append((now, of)) or True)
    assert done == [((head * 24 + i) // 6, 24) for head in range(6) for i in range(0, 24, 4)]
    r, done = reading("softmax"), []
    assert not r.measure({"entropy": {}}, lambda now, of: done.append(now) or len(done) < 8)
    assert len(done) == 8 and not r._rows
