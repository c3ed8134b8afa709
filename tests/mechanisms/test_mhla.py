"""MHLA, pair by pair; its two limits; that rank and concentration are two things."""
import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, inner, mixed, single, turned
from .options import holds

GRID = Grid(T=2, Y=3, X=3)
N = len(GRID)


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("frames", [1, None])
def test_definition(frames: int | None, rotate: bool) -> None:
    """Blocks of 2 x 2 tokens, smaller at the right and lower border; width 6: a pair each by frame, row, column."""
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(N, w, generator=generator, dtype=torch.float64) for w in (6, 6, E))
    m = make("mhla", 1, 6, GRID, value_width=E, block=2, frames=frames, rotate=rotate).double()
    torch.nn.init.uniform_(m.mechanism.C, generator=generator)
    C = m.mechanism.C.tolist()
    places = [(t, y, x) for t in range(2) for y in range(3) for x in range(3)]
    block = [(0 if frames is None else t) * 4 + y // 2 * 2 + x // 2 for t, y, x in places]
    assert len(C) == (4 if frames is None else 8)
    phi_q, phi_k = ([[max(c, 0) + 1e-6 for c in x] for x in part.tolist()] for part in (q, k))
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        total = sum(C[block[i]][block[j]] * inner(phi_q[i], phi_k[j]) for j in range(N)) + 1e-6
        for j in range(N):
            left, right = phi_q[i], phi_k[j]
            if rotate:
                left, right = turned(left, list(places[i])), turned(right, list(places[j]))
            a[i, j] = C[block[i]][block[j]] * inner(left, right) / total
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("options", [{"block": 1}, {"block": 2, "mixing": "ones"}, {"block": 2, "rotate": True}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("mhla", eps=0.0, **options)


def test_gradients() -> None:
    """Where C lies between its limits, 0 and 1, to which it is clamped."""
    m = make("mhla", 1, 2, Grid(Y=2, X=2), block=1).double()
    torch.nn.init.uniform_(m.mechanism.C, 0.1, 0.9)
    q, k, v = (x.requires_grad_() for x in torch.randn(3, 1, 1, 4, 2, dtype=torch.float64))

    def run(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, C: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(m, {"mechanism.C": C}, (q, k, v))
    assert torch.autograd.gradcheck(run, (q, k, v, m.mechanism.C))


def draw(width: int = 8) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(3, 1, 1, 64, width, generator=generator))


def test_ones_are_linear_attention_and_the_identity_is_attention_inside_blocks() -> None:
    q, k, v = draw()
    grid = Grid(Y=8, X=8)
    ones, identity = (make("mhla", 1, 8, grid, block=4, mixing=kind, eps=0.0).map(q, k, v).dense()
                      for kind in ("ones", "identity"))
    assert torch.allclose(ones, make("relu", 1, 8, grid, eps=0.0).map(q, k, v).dense(), atol=1e-4)
    assert torch.allclose(identity, make("relu@window:4", 1, 8, grid, eps=0.0).map(q, k, v).dense(), atol=1e-4)


def test_rank_grows_with_the_blocks_and_entropy_hardly_falls() -> None:
    q, k, v = draw()
    readings = [read(make("mhla", 1, 8, Grid(Y=8, X=8), block=side), q, k, v) for side in (8, 4, 2)]
    ranks = [r.numerical_rank.item() for r in readings]
    assert ranks[0] == 8 and ranks[1] == 32 and ranks[2] > 50
    bits = [r.entropy.mean().item() for r in readings]
    assert bits[0] - bits[2] < 1


def test_mistakes_get_a_sentence() -> None:
    for options, says in (({"block": 0}, "at least 1"), ({"mixing": "far"}, "mixing one of distance")):
        with pytest.raises(ValueError, match=says):
            make("mhla", 1, D, GRID, **options)
