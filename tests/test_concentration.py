"""Measures of a row, on rows whose answers are known by hand."""
import math

import pytest
import torch

from linviz import Grid, make, read
from linviz import concentration as c
from linviz.measure import MEASURES

FLAT, ONE = torch.full((8,), 0.125, dtype=torch.float64), torch.eye(8, dtype=torch.float64)[2]
HALF = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)


def test_the_flat_row_and_the_lone_key() -> None:
    expect = {c.entropy: (3, 0), c.entropy_share: (1, 0), c.effective_tokens: (8, 1), c.participation: (8, 1),
              c.gini: (0, 7 / 8)}
    for f, (flat, one) in expect.items():
        assert f(FLAT).item() == pytest.approx(flat, abs=1e-6), f.__name__
        assert f(ONE).item() == pytest.approx(one, abs=1e-6), f.__name__


def test_by_hand() -> None:
    assert c.entropy(HALF).item() == pytest.approx(1.75)
    assert c.participation(HALF).item() == pytest.approx(1 / (0.25 + 0.0625 + 2 * 0.015625))
    assert c.top_share(HALF, 2).item() == pytest.approx(0.75)
    assert c.top_share(HALF, 99).item() == pytest.approx(1)
    assert [c.support(HALF, p).item() for p in (0.1, 0.5, 0.6, 0.75, 0.9, 1.0)] == [1, 1, 2, 2, 4, 4]
    pairs = sum(abs(x - y) for x in HALF.tolist() for y in HALF.tolist())
    assert c.gini(HALF).item() == pytest.approx(pairs / (2 * 4 * 4 * 0.25))
    assert c.divergence(FLAT[:4] * 2, HALF).item() == pytest.approx(2 - 1.75)
    assert c.divergence(HALF, HALF).item() == pytest.approx(0, abs=1e-7)


def test_two_rows_by_hand() -> None:
    pair = torch.stack([HALF, FLAT[:4] * 2]), torch.stack([FLAT[:4] * 2, HALF])
    middle = (pair[0] + pair[1]) / 2
    assert c.jensen_shannon(*pair).tolist() == pytest.approx((c.entropy(middle) - (1.75 + 2) / 2).tolist())
    assert c.jensen_shannon(HALF * 3, HALF).item() == 0 and c.jensen_shannon(FLAT[:2], torch.eye(2)[0]).item() > 0.3
    assert c.total_variation(*pair).tolist() == pytest.approx([0.25, 0.25])
    assert c.total_variation(-HALF, HALF).item() == 1 and c.total_variation(HALF, 0 * HALF).isnan()


def test_a_row_is_read_as_shares_of_its_own_sum() -> None:
    assert c.entropy(HALF * 0.9).item() == pytest.approx(1.75)
    assert c.entropy(torch.ones(1)).item() == 0 and c.entropy_share(torch.ones(1)).item() == 0


GRID = Grid(T=2, Y=2, X=3, prefix=1)


def row(*at: tuple[int, int, int]) -> torch.Tensor:
    a = torch.zeros(len(GRID))
    for place in at:
        a[GRID.number(*place)] = 1 / len(at)
    return a[None]


def test_distances_in_pixels_and_in_frames() -> None:
    query = torch.tensor([GRID.number(0, 0, 0)])
    a = row((1, 1, 2), (0, 0, 0))
    assert c.distance(a, GRID, query, patch=16).item() == pytest.approx(16 * math.hypot(1, 2) / 2)
    assert c.frame_distance(a, GRID, query).item() == pytest.approx(0.5)


def test_the_prefix_is_left_out_and_the_rest_is_shares() -> None:
    a = row((0, 0, 1))
    a[0, 0], a[0, GRID.number(0, 0, 1)] = 0.6, 0.4
    assert c.distance(a, GRID, torch.tensor([GRID.number(0, 0, 0)]), patch=10).item() == pytest.approx(10)
    assert c.frame_mass(a, GRID)[0].tolist() == pytest.approx([1, 0])


def test_frames_share_a_row() -> None:
    mass = c.frame_mass(row((0, 0, 0), (1, 0, 0), (1, 1, 1), (1, 1, 2)), GRID)
    assert mass[0].tolist() == pytest.approx([0.25, 0.75])


def test_mass_on_a_mask_and_its_lift() -> None:
    mask = torch.tensor([1.0, 0.5, 0, 0])
    assert c.mass(HALF, mask).item() == pytest.approx(0.625)
    assert c.lift(HALF, mask).item() == pytest.approx(0.625 / 0.375)
    assert c.lift(FLAT[:4], mask).item() == pytest.approx(1)
    assert c.pointing(HALF, mask).item() is True and c.pointing(HALF, 1 - mask).item() is False


@pytest.mark.parametrize(("call", "says"), [
    (lambda: c.entropy(torch.tensor([0.5, -0.5])), "negative"), (lambda: c.gini(torch.zeros(3)), "dead"),
    (lambda: c.entropy(torch.tensor([math.nan])), "finite"), (lambda: c.top_share(HALF, 0), "at least 1"),
    (lambda: c.jensen_shannon(HALF, -HALF), "negative"),
    (lambda: c.support(HALF, 0.0), "share must be above 0"), (lambda: c.mass(HALF, torch.ones(3)), "a mask needs"),
    (lambda: c.mass(HALF, 2 * torch.ones(4)), "a mask needs"),
    (lambda: c.lift(HALF, torch.zeros(4)), "covers no token"),
    (lambda: c.frame_mass(HALF, Grid(X=5)), "does not fit")])
def test_mistakes_get_a_sentence(call, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        call()
    assert len(str(error.value).splitlines()) == 1


def test_every_measure_declares_itself() -> None:
    declared = {"entropy", "effective_tokens", "gini", "distance", "mass", "numerical_rank", "effective_rank"}
    assert declared <= set(MEASURES)
    for m in MEASURES.values():
        assert m.title and m.symbol and m.range and m.source and m.of in ("row", "signed row", "spectrum"), m.name
    assert MEASURES["entropy"].label == "entropy H (bits)"


@pytest.mark.parametrize("seed", range(4))
def test_a_token_without_a_position_has_no_distance(seed: int) -> None:
    """CLS and registers come first: their rows are NaN, and so is a row that sees nothing but them."""
    generator = torch.Generator().manual_seed(seed)
    sides = torch.randint(1, 5, (3,), generator=generator).tolist()
    grid = Grid(*sides, prefix=1 + seed % 3)
    rows = torch.rand(2, len(grid), len(grid), generator=generator)
    lost = grid.prefix + int(torch.randint(len(grid) - grid.prefix, (1,), generator=generator))
    rows[0, lost, grid.prefix:] = 0
    i = torch.arange(len(grid))
    right = torch.full(rows.shape[:2], math.nan)
    for b, n in ((b, n) for b in range(2) for n in range(grid.prefix, len(grid)) if (b, n) != (0, lost)):
        weights = rows[b, n, grid.prefix:] / rows[b, n, grid.prefix:].sum()
        places = [grid.place(j) for j in range(grid.prefix, len(grid))]
        right[b, n] = sum(w * abs(p[0] - grid.place(n)[0]) for w, p in zip(weights, places))
    assert torch.allclose(c.frame_distance(rows, grid, i), right, equal_nan=True, atol=1e-6)
    assert torch.equal(c.distance(rows, grid, i, 16).isnan(), right.isnan())


def test_a_summary_leaves_tokens_without_a_position_out() -> None:
    x = torch.randn(1, 2, 7, 8, generator=torch.Generator().manual_seed(0))
    r = read(make("softmax", 2, 8, Grid(Y=2, X=3, prefix=1)), x, x, x)
    found = r.rows("distance", patch=16)
    assert found[..., 0].isnan().all() and not found[..., 1:].isnan().any()
    assert r.summary(False, distance={"patch": 16})["distance"] == pytest.approx(found[..., 1:].mean().item())
