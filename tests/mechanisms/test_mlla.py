"""MLLA, pair by pair; that its heads know different directions."""
import torch

from linviz import Grid, make
from linviz.models import AttentionLayer

from .loops import D, E, N, elu_plus_one, inner, mixed, turned, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


def test_definition() -> None:
    """Two heads of width 4: the four pairs of all eight channels are row, row, column, column."""
    parts = [vectors(seed) for seed in range(2)]
    m = make("mlla", 2, D, GRID, value_width=E)
    q, k, v = (torch.stack(x)[None] for x in zip(*parts, strict=True))
    found, out = m.map(q, k, v).dense()[0], m(q, k, v)[0]
    slow = 10_000 ** -0.5
    for h in range(2):
        phi_q, phi_k = ([elu_plus_one(x) for x in part.tolist()] for part in parts[h][:2])

        def angles(n: int, head: int = h) -> list[float]:
            place = n // 3 if head == 0 else n % 3
            return [place, place * slow]
        a = torch.zeros(N, N, dtype=torch.float64)
        for i in range(N):
            total = sum(inner(phi_q[i], phi_k[j]) for j in range(N)) + N * 1e-6
            for j in range(N):
                a[i, j] = inner(turned(phi_q[i], angles(i)), turned(phi_k[j], angles(j))) / total
        assert torch.allclose(found[h], a, atol=1e-12)
        assert torch.allclose(out[h], mixed(a, parts[h][2]), atol=1e-12)


def test_what_holds_for_every_map() -> None:
    holds("mlla")
    holds("mlla+conv")
    differentiates("mlla")
    differentiates("mlla+conv")


def test_one_head_knows_rows_only_and_the_other_columns_only() -> None:
    """With equal tokens everywhere, weights differ by the row in the first head, by the column in the second."""
    x = torch.ones(1, 2, 12, 8, dtype=torch.float64)
    first, second = make("mlla", 2, 8, Grid(Y=3, X=4)).map(x, x, x).dense()[0, :, 0].view(2, 3, 4)
    assert torch.allclose(first, first[:, :1].expand(3, 4)) and not torch.allclose(first[0], first[1])
    assert torch.allclose(second, second[:1].expand(3, 4)) and not torch.allclose(second[:, 0], second[:, 1])


def test_in_a_layer_v_is_x() -> None:
    layer = AttentionLayer("mlla", 2, 8, Grid(Y=2, X=3))
    x = torch.randn(1, 6, 8)
    assert torch.equal(layer.qkv(x)[2], x.view(1, 6, 2, 4).transpose(1, 2))
