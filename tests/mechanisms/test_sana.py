"""SANA, pair by pair: a picture, a clip, chunk by chunk, and version 2 with its gate and its norm."""
import math

import pytest
import torch

from linviz import Grid, cost, make
from linviz.models import AttentionLayer

from .loops import D, E, inner, mixed, single, turned, vectors
from .options import case, differentiates, holds

GRID = Grid(T=3, Y=2, X=1)


def angles(token: int, width: int) -> list[float]:
    """D // 6 pairs each by row and column, the first and all others by frame."""
    place, each = (token // 2, token % 2, 0), width // 6
    sizes = (width // 2 - 2 * each, each, each)
    return [place[axis] * 10_000 ** (-m / size) for axis, size in enumerate(sizes) for m in range(size)]


CHUNKS = {0: [0] * 6, 1: [0, 0, 1, 1, 2, 2], 2: [0, 0, 0, 0, 1, 1], (0, 1): [0, 0, 1, 1, 1, 1]}


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize("version", [1, 2])
def test_definition(version: int, rotate: bool, chunk: int | tuple[int, ...]) -> None:
    """Width 7: two pairs by frame at least, one by row, one channel that is not turned."""
    width, generator = 7, torch.Generator().manual_seed(0)
    q, k = (torch.randn(6, width, generator=generator, dtype=torch.float64) for _ in range(2))
    v, b = vectors()[2], torch.rand(6, 1, generator=generator, dtype=torch.float64)
    m = make("sana", 1, width, GRID, value_width=E, rotate=rotate, chunk=chunk, version=version).double()
    relu_q, relu_k = ([[max(c, 0) for c in x] for x in part.tolist()] for part in (q, k))
    a, number = torch.zeros(6, 6, dtype=torch.float64), CHUNKS[chunk]
    for i in range(6):
        seen = [j for j in range(6) if number[j] <= number[i]]
        total = sum(inner(relu_q[i], relu_k[j]) for j in seen) + 1e-8
        for j in seen:
            left, right = (relu_q[i], relu_k[j]) if version == 1 else (q[i].tolist(), k[j].tolist())
            if rotate:
                left, right = turned(left, angles(i, width)), turned(right, angles(j, width))
            a[i, j] = inner(left, right) / total * (1 if version == 1 else b[j].item())
    context = {} if version == 1 else {"beta": b[None, None]}
    o = mixed(a, v)
    if version == 2:
        o = torch.stack([x / math.sqrt(inner(x.tolist(), x.tolist()) / E + 1e-5) for x in o])
    assert torch.allclose(m.map(*single(q, k, v), **context).dense()[0, 0], a, rtol=1e-9, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v), **context)[0, 0], o, atol=1e-9)


@pytest.mark.parametrize("options", [{"rotate": False}, {"chunk": 1}, {"chunk": 2, "rotate": False},
                                     {"chunk": (0, 1)}, {"version": 2, "eps": 1.0},
                                     {"version": 2, "chunk": 1, "eps": 1.0}], ids=str)
def test_what_holds_for_every_map(options: dict) -> None:
    """In version 2, a query without a positive channel has a row of any size without eps."""
    holds("sana", dead=True, **options)


@pytest.mark.parametrize("options", [{}, {"version": 2}], ids=str)
def test_gradients(options: dict) -> None:
    differentiates("sana", **options)


@pytest.mark.parametrize("options", [{"chunk": 1}, {"chunk": 2, "rotate": False},
                                     {"chunk": (0, 1), "version": 2}], ids=str)
@pytest.mark.parametrize("spec", ["sana", "sana+gate"])
@torch.no_grad()
def test_a_step_takes_a_chunk_and_its_two_sums_do_not_grow(spec: str, options: dict) -> None:
    m, (q, k, v) = case(spec, Grid(T=3, Y=2, X=2, prefix=1), **options)
    number = m.mechanism.chunk_numbers()
    state, out, sizes = None, [], set()
    for c in range(int(number.max()) + 1):
        state, o = m.step(state, *(x[..., number == c, :] for x in (q, k, v)))
        out.append(o)
        sizes.add(cost.tensor_bytes(state))
    assert torch.allclose(torch.cat(out, -2), m(q, k, v), atol=1e-10)
    assert sizes == {8 * 2 * 2 * 4 * (3 + 1)}  # D (E + 1) numbers for each clip and head
    with pytest.raises(ValueError, match="the clip has ended"):
        m.step(state, q[..., :1, :], k[..., :1, :], v[..., :1, :])


@torch.no_grad()
def test_later_chunks_are_not_seen_and_later_frames_of_the_own_chunk_are() -> None:
    m, (q, k, v) = case("sana", GRID, chunk=2)
    before = m(q, k, v)
    for x in (q, k, v):
        x[..., 4:, :] += 1
    assert torch.equal(m(q, k, v)[..., :4, :], before[..., :4, :])
    k[..., 2, :] += 1  # frame 1, in the chunk of frame 0
    assert not torch.allclose(m(q, k, v)[..., 0, :], before[..., 0, :])


@torch.no_grad()
def test_work_by_chunks_grows_with_the_clip() -> None:
    work = []
    for T in (8, 16):
        x = torch.rand(1, 1, T * 16, 8)
        work.append(cost.flops(make("sana", 1, 8, Grid(T=T, Y=4, X=4), chunk=1), x, x, x))
    assert work[1] == 2 * work[0]


@torch.no_grad()
def test_the_rank_by_chunks() -> None:
    m, (q, k, v) = case("sana", Grid(T=3, Y=3, X=3), width=8, chunk=(0, 2))
    a = m.map(q, k, v)
    assert a.rank_bound == 8 + 8 and int(torch.linalg.matrix_rank(a.dense()).max()) == 16


@torch.no_grad()
def test_the_norm_of_version_2_divides_the_divisor_out_again() -> None:
    m, (q, k, v) = case("sana", Grid(T=2, Y=3, X=3), width=8, version=2)
    a = m.map(q, k, v)
    scaled = a.apply(v) * 1000  # any factor of a row, as the divisor is one
    assert torch.allclose(m.finish(scaled, q), m(q, k, v), atol=0.05)
    gate = torch.rand(2, 2, 18, 1, dtype=torch.float64)
    assert torch.allclose(m.map(q, k, v, beta=gate).dense(), 2 * a.dense() * gate.mT)


def test_a_layer_gates_the_output_of_version_2() -> None:
    layer, x = AttentionLayer("sana", 2, 8, Grid(Y=3, X=3), version=2), torch.rand(1, 9, 8)
    open_gate = layer(x)
    layer.attention.mechanism.output_gate.bias.data.fill_(-100)
    shut = layer(x)
    assert not torch.allclose(open_gate, shut) and torch.allclose(shut, layer.out.bias.expand(1, 9, 8), atol=1e-5)


def test_mistakes_get_a_sentence() -> None:
    for options in ({"version": 3}, {"chunk": -1}, {"chunk": (1, 2)}, {"chunk": (0, 2, 2)}):
        with pytest.raises(ValueError, match="version is 1 or 2, and chunk a number of frames"):
            make("sana", 1, D, GRID, **options)
    with pytest.raises(ValueError, match="one grid"):
        make("sana", 1, D, GRID, chunk=1, key_grid=Grid(X=3))
    q, k, v = single(*vectors())
    with pytest.raises(ValueError, match="version=2 only"):
        make("sana", 1, D, GRID, value_width=E).map(q, k, v, beta=v[..., :1])
    with pytest.raises(ValueError, match="make it with chunk=1"):
        make("sana", 1, D, GRID, value_width=E).step(None, q[..., :1, :], k[..., :1, :], v[..., :1, :])
    with pytest.raises(ValueError, match="the 2 tokens of the next frame or chunk"):
        make("sana", 1, D, GRID, value_width=E, chunk=1).step(None, q, k, v)
