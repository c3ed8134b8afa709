"""Every class of map behaves like its table, and every mechanism takes numpy and half precision."""
from __future__ import annotations

import numpy as np
import torch

import linviz
from linviz import Grid
from linviz.maps import Map

from .cases import every_case

GRID = Grid(2, 3, 3)
Q, K, V = torch.randn(3, 1, 2, len(GRID), 16, generator=torch.Generator().manual_seed(0))
SPECS = [*linviz.names(), "softmax@window:2", "relu_floor+gate+shift", "linear@time", "focused+conv"]


@torch.no_grad()
def shared_map(spec: str, **options) -> Map:
    """The map of a spec, of the first channel where every channel has its own."""
    a = linviz.make(spec, 2, 16, GRID, **options).map(Q, K, V)
    return a.channel(0) if a.shared is None else a.shared


@every_case("spec", SPECS)
@torch.no_grad()
def test_a_map_is_indexed_as_its_table(spec: str) -> None:
    a = shared_map(spec)
    table, (N, S) = a.dense(), a.shape
    close = lambda one, other: one.shape == other.shape and torch.allclose(one, other, atol=1e-6)  # noqa: E731
    assert close(a[5], table[..., 5, :]) and close(a[-1], table[..., -1, :]) and close(a[5, 7], table[..., 5, 7])
    assert close(a[2:5], table[..., 2:5, :]) and close(a[[5, 7]], table[..., [5, 7], :])
    assert close(a[:, 7], table[..., 7]) and close(a[3, 2:6], table[..., 3, 2:6])
    assert close(a[::-2, [1, 0]], table.flip(-2)[..., ::2, :][..., [1, 0]])
    assert close(a.rows(5), table[..., 5:6, :]) and close(a.rows([5, 7]), table[..., [5, 7], :])
    assert len(a) == N == len(list(a)) and a.device == table.device and a.lead == table.shape[:-2]
    assert np.allclose(np.asarray(a), table.numpy(), atol=1e-6) and np.asarray(a, dtype=np.float64).dtype == np.float64
    v = torch.randn(S, 3)
    wanted = table @ v
    for given in (v, v.numpy(), v.double(), v.expand(*a.lead, S, 3), v.flip(0).numpy()[::-1]):
        assert close(a @ given, wanted)
    assert close(a @ v[:, 0], wanted[..., 0])


@every_case("spec", SPECS)
@torch.no_grad()
def test_numpy_and_half_precision_are_taken(spec: str) -> None:
    m = linviz.make(spec, 2, 16, GRID)
    low = [x.half() for x in (Q, K, V)]
    wanted = m(*(x.float() for x in low))
    assert wanted.dtype == torch.float32 and m.map(*low).dtype == torch.float32
    turned = [x.numpy()[..., ::-1].copy()[..., ::-1] for x in low]
    swapped = [x.float().numpy().astype(">f4") for x in low]
    for given in (low, [x.float().numpy() for x in low], [x.numpy() for x in low], turned, swapped):
        o, half = m(*given), given[0].dtype in (torch.float16, np.float16)
        assert o.dtype == (torch.float16 if half else torch.float32) and torch.equal(o, wanted.to(o.dtype))
        assert torch.equal(linviz.read(m, *given).output, wanted)
    assert torch.allclose(m(*(x.double().numpy() for x in low)).float(), wanted, atol=1e-4)


def test_a_mechanism_in_float64_stays_there() -> None:
    m = linviz.make("relu_floor+gate", 2, 16, GRID).double()
    assert m(Q.half(), K, V.numpy()).dtype == torch.float64 == linviz.read(m, Q, K, V).map.dtype


def test_a_persons_own_map_defines_take_rows() -> None:
    class Mine(Map):
        shape, rank_bound, dtype = (3, 3), 3, torch.float32

        def take_rows(self, i):
            return torch.eye(3)[i]

    assert Mine()[1].tolist() == [0, 1, 0] and (Mine() @ torch.ones(3)).tolist() == [1, 1, 1]
