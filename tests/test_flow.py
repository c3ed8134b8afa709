"""Which tokens a token reaches, against the scopes written out."""
import pytest
import torch

from linviz import Grid, flow, make

GRID = Grid(T=3, Y=4, X=5)
QUERY = GRID.number(1, 2, 3)


def layer(spec: str):
    m = make(spec, 1, 16, GRID)
    x = torch.rand(1, 1, len(GRID), 16)
    with torch.no_grad():
        a = m.map(x, x, x)
    return lambda v: a.apply(m.values(v))


def places(mask: torch.Tensor) -> set[tuple[int, int, int]]:
    return {GRID.place(i) for i in mask.nonzero().flatten().tolist()}


ALL = {GRID.place(i) for i in range(len(GRID))}


@pytest.mark.parametrize(("spec", "sees"), [
    ("softmax", lambda t, y, x: True), ("softmax@space", lambda t, y, x: t == 1),
    ("linear@time", lambda t, y, x: (y, x) == (2, 3)),
    ("softmax@rows", lambda t, y, x: (t, y) == (1, 2)), ("uniform@columns", lambda t, y, x: (t, x) == (1, 3)),
    ("softmax@window:2", lambda t, y, x: t == 1 and y // 2 == 1 and x // 2 == 1)])
def test_one_layer_is_its_scope(spec: str, sees) -> None:
    assert places(flow.reach([layer(spec)], QUERY, len(GRID))[0]) == {p for p in ALL if sees(*p)}


def test_divided_attention_reaches_all_in_two_layers() -> None:
    first, both = flow.reach([layer("softmax@time"), layer("softmax@space")], QUERY, len(GRID))
    assert places(first) == {p for p in ALL if p[0] == 1} and places(both) == ALL


def test_rows_columns_and_time_reach_all_in_three() -> None:
    layers = [layer(f"softmax@{scope}") for scope in ("time", "columns", "rows")]
    assert [m.sum().item() for m in flow.reach(layers, QUERY, len(GRID))] == [5, 20, 60]


def test_a_shift_brings_in_its_neighbours() -> None:
    """Attention in time with k and v shifted in space: the query reaches the eight places around its own."""
    near = places(flow.reach([layer("linear+shift:space@time")], QUERY, len(GRID))[0])
    assert near == {(t, y, x) for t in range(3) for y in (1, 2, 3) for x in (2, 3, 4)}


def test_a_token_keeps_what_it_has() -> None:
    masks = flow.reach([layer("softmax@space"), layer("softmax@time")], QUERY, len(GRID))
    assert bool((masks[1] | ~masks[0]).all())
    with pytest.raises(ValueError, match="outside the range 0..59"):
        flow.reach([layer("softmax")], 60, 60)


# ------------------------------------------------------------------------------------------------ attention rollout

THREE = torch.tensor([[[.5, .5, 0], [0, 1, 0], [.25, .25, .5]], [[1, 0, 0], [.5, 0, .5], [0, 0, 1]],
                      [[0, 1, 0], [0, 0, 1], [1, 0, 0]]], dtype=torch.float32)


def heads_of(table: torch.Tensor):
    """A layer whose heads have these tables (H, N, N)."""
    return lambda v: table @ v


def test_three_layers_by_hand_and_as_a_product_of_matrices() -> None:
    """Of query 0: the last layer gives 1/2 to 1, the middle one mixes token 1 with 0 and 2, the first follows."""
    layers = [heads_of(a) for a in THREE]
    by_hand = torch.tensor([0.5 + 0.125, 0.25, 0.125]) @ (THREE[0] + torch.eye(3)) / 2
    assert torch.allclose(flow.rollout(layers, 0, 3), by_hand) and by_hand.tolist() == [.484375, .421875, .09375]
    half = (THREE + torch.eye(3)) / 2
    whole = half[2] @ half[1] @ half[0]
    for query in range(3):
        assert torch.allclose(flow.rollout(layers, query, 3), whole[query])
        assert torch.allclose(flow.roll_back([flow.RULES["published"].mixing(a[None]) for a in THREE], query),
                              whole[query])
        assert torch.allclose(flow.roll_back([flow.RULES["undivided"].mixing(a[None]) for a in THREE], query),
                              8 * whole[query]), "rows that sum to one: the same picture, 2^3 times as heavy"
    with pytest.raises(ValueError, match="outside the range 0..2"):
        flow.rollout(layers, 3, 3)


def test_every_kind_of_layer_keeps_the_mass_and_stays_within_its_reach() -> None:
    """Joint, divided, windows, a shift, a class token, one frame and three: shares of one, none out of reach."""
    for frames in (1, 3):
        for specs in (["softmax"] * 2, ["linear@time", "linear@space"], ["softmax@window:2", "softmax@shifted:2"],
                      ["relu_floor+shift:time@space"] * 2):
            grid = Grid(frames, 4, 5, prefix=0 if "shift:time" in specs[0] else 1)
            x = torch.randn(1, 2, len(grid), 8, generator=torch.Generator().manual_seed(frames))
            layers, rows = [], []
            for spec in specs:
                m = make(spec, 2, 8, grid)
                with torch.no_grad():
                    a = m.map(x, x.flip(-1), x)
                layers.append(lambda v, a=a, m=m: a.apply(m.values(v)))
                table = flow.layer_table(a.apply, len(grid), 2)
                rows.append(flow.RULES["published"].mixing(
                    flow.shifted_table(table, m.values, 4) if m.parsed.shift else table))
            for query in (0, len(grid) - 1):
                share = flow.rollout(layers, query, len(grid), heads=2)
                assert abs(share.sum().item() - 1) < 1e-5 and share.min() >= 0
                met = flow.reach(layers, query, len(grid), heads=2)[-1]
                assert not share[~met].any() and share[met].all()
                assert torch.allclose(flow.roll_back(rows, query), share, atol=1e-6), specs


def test_the_public_rules_written_out_and_where_they_part() -> None:
    a = torch.rand(2, 10, 10, generator=torch.Generator().manual_seed(0)).softmax(-1)
    found = flow.RULES["columns"].mixing(a)
    fused = [[max(a[0, i, j].item(), a[1, i, j].item()) for j in range(10)] for i in range(10)]
    least = sorted(w for row in fused for w in row)[90]                      # of 100 weights 10 stay
    kept = [[(w if w >= least else 0) + (i == j) for j, w in enumerate(row)] for i, row in enumerate(fused)]
    wanted = [[kept[i][j] / sum(kept[j]) for j in range(10)] for i in range(10)]
    assert torch.allclose(found, torch.tensor(wanted))
    assert torch.equal(flow.RULES["product"].mixing(a), a.mean(0))
    only = flow.RolloutRule("", "", divide="columns")
    assert torch.allclose(only.mixing(a), flow.RULES["published"].mixing(a)), "no row sums to anything but 2"
    assert flow.total_variation(found[0], flow.RULES["published"].mixing(a)[0]) > 0.05
    for negative in (THREE[0], THREE[0] / 2):
        with pytest.raises(ValueError, match="this layer has negative weights, down to -"):
            flow.rollout([heads_of(-negative)], 0, 3)
    with pytest.raises(ValueError, match="negative weights, down to -1"):
        flow.RULES["product"].mixing(-THREE[:1])
