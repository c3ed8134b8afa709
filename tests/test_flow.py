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
