"""Scopes against plain masks: softmax with -inf between tokens that may not see each other."""
import pytest
import torch

from linviz import Grid, make
from linviz.scopes import DEFAULT_SIDES, SCOPES, token_groups

GRID = Grid(T=3, Y=5, X=4)
SEES = {  # may token (t, y, x) see (u, z, w)?  written out, one line a scope
    "joint": lambda a, b: True,
    "space": lambda a, b: a[0] == b[0],
    "time": lambda a, b: a[1:] == b[1:],
    "rows": lambda a, b: a[:2] == b[:2],
    "columns": lambda a, b: (a[0], a[2]) == (b[0], b[2]),
    "window": lambda a, b: (a[0], a[1] // 3, a[2] // 3) == (b[0], b[1] // 3, b[2] // 3),
    "shifted": lambda a, b: (a[0], (a[1] + 2) // 3, (a[2] + 2) // 3) == (b[0], (b[1] + 2) // 3, (b[2] + 2) // 3),
    "quarters": lambda a, b: (a[1] // 3, a[2] // 2) == (b[1] // 3, b[2] // 2),
    "strided": lambda a, b: all((x - y) % 3 == 0 for x, y in zip(a, b, strict=True)),
}


@pytest.mark.parametrize("scope", SCOPES)
@torch.no_grad()
def test_a_scope_is_a_mask(scope: str) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 2, len(GRID), 8, generator=generator, dtype=torch.float64) for _ in range(3))
    places = [GRID.place(i) for i in range(len(GRID))]
    mask = torch.tensor([[SEES[scope](a, b) for b in places] for a in places])
    spec = f"softmax@{scope}" + (":3" if scope in DEFAULT_SIDES else "")
    m = make(spec, 2, 8, GRID)
    a = (q @ k.mT / 8**0.5).masked_fill(~mask, -torch.inf).softmax(-1)
    assert torch.allclose(m.map(q, k, v).dense(), a, atol=1e-12)
    assert torch.allclose(m(q, k, v), a @ v, atol=1e-12)


@pytest.mark.parametrize("scope", SCOPES)
def test_every_token_has_one_box(scope: str) -> None:
    tokens = torch.cat([g.queries.flatten() for g in token_groups(GRID, scope, 3)])
    assert sorted(tokens.tolist()) == list(range(len(GRID)))


def test_a_prefix_token_sits_in_every_box_and_gets_the_mean() -> None:
    grid = Grid(T=2, Y=1, X=3, prefix=1)
    x = torch.randn(1, 1, len(grid), 4, dtype=torch.float64)
    a = make("softmax@space", 1, 4, grid).map(x, x, x).dense()[0, 0]
    assert torch.allclose(a.sum(-1), torch.ones(len(grid), dtype=torch.float64))
    frames = [make("softmax", 1, 4, Grid(X=4)).map(*[x[..., tokens, :]] * 3).dense()[0, 0, 0]
              for tokens in ([0, 1, 2, 3], [0, 4, 5, 6])]
    expected = torch.zeros(len(grid), dtype=torch.float64)
    for row, tokens in zip(frames, ([0, 1, 2, 3], [0, 4, 5, 6]), strict=True):
        expected[tokens] += row / 2
    assert torch.allclose(a[0], expected)
    assert bool((a[1:4, 4:] == 0).all())  # frame 0 does not see frame 1


@pytest.mark.parametrize(("call", "says"), [
    (lambda: token_groups(GRID, "everywhere"), "no scope called 'everywhere'"),
    (lambda: token_groups(GRID, "window", 0), "at least one patch")])
def test_mistakes_get_a_sentence(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()
