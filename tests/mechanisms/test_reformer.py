"""Reformer, round by round in plain loops; what is seen, what is counted, and how many numbers it takes."""
import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from linviz import Grid, make
from linviz.maps import Tiles
from linviz.models import AttentionLayer

from .loops import D, E, dot, mixed, single
from .options import case, differentiates, holds


def chunks_by_hand(x: torch.Tensor, R: torch.Tensor, L: int) -> list[list[int]]:
    """All rounds one after the other: tokens by bucket, then by number, cut into chunks of L."""
    chunks = []
    for r in range(R.shape[1]):
        buckets = []
        for token in x.tolist():
            turned = [sum(token[d] * R[d, r, m].item() for d in range(len(token))) for m in range(R.shape[2])]
            turned += [-value for value in turned]
            buckets.append(turned.index(max(turned)))
        order = sorted(range(len(x)), key=lambda i: (buckets[i], i))
        chunks += [order[start:start + L] for start in range(0, len(order), L)]
    return chunks


@pytest.mark.parametrize("tokens", [8, 7, 3, 1])
@pytest.mark.parametrize("temperature", ["sqrt", "one"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("duplicates", [True, False])
def test_definition(duplicates: bool, causal: bool, temperature: str, tokens: int) -> None:
    """Two rounds, chunks of 2; 7 tokens leave a chunk of one."""
    generator = torch.Generator().manual_seed(tokens)
    q, v = (torch.randn(tokens, w, generator=generator, dtype=torch.float64) for w in (D, E))
    m = make("reformer", 1, D, Grid(X=tokens), value_width=E, rounds=2, chunk=2, causal=causal, temperature=temperature,
             duplicates=duplicates).double()
    chunks = chunks_by_hand(q, m.mechanism.R, 2)
    each = len(chunks) // 2
    seen = [chunk + chunks[c - 1] for c, chunk in enumerate(chunks)]
    own = {(r, i): c for c, chunk in enumerate(chunks) for r in [c // each] for i in chunk}

    def count(i: int, j: int) -> int:
        pairs = [(own[r, i], own[r, j]) for r in range(2)]
        return sum((a == b) + (a == (b + 1) % len(chunks)) for a, b in pairs)

    a = torch.zeros(tokens, tokens, dtype=torch.float64)
    for i in range(tokens):
        logits = []
        for c, chunk in enumerate(chunks):
            for j in seen[c] if i in chunk else []:
                if causal and j > i:
                    continue
                s = dot(q[i], q[j]) / math.sqrt(dot(q[j], q[j])) / (math.sqrt(D) if temperature == "sqrt" else 1)
                logits.append((j, (-5e4 if i == j else s) - (0 if duplicates else math.log(count(i, j) + 1e-9))))
        top = max(s for _, s in logits)
        total = sum(math.exp(s - top) for _, s in logits)
        for j, s in logits:
            a[i, j] += math.exp(s - top) / total
    assert torch.allclose(m.map(*single(q, q, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, q, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("options", [{"chunk": 2}, {"chunk": 3, "rounds": 1}, {"chunk": 2, "duplicates": False},
                                     {"chunk": 2, "causal": True}, {"full": True},
                                     {"full": True, "causal": True}], ids=str)
def test_what_holds_for_every_map(options: dict) -> None:
    holds("reformer", **options)


@pytest.mark.parametrize("options", [{"chunk": 1, "rounds": 2}, {"full": True}], ids=str)
def test_gradients(options: dict) -> None:
    """The hash is a choice, and has no gradient."""
    differentiates("reformer", **options)


def test_with_all_keys_in_one_chunk_it_is_the_full_form() -> None:
    m, (q, _, v) = case("reformer", Grid(Y=3, X=3), chunk=9, rounds=1)
    full, _ = case("reformer", Grid(Y=3, X=3), full=True)
    assert torch.allclose(m.map(q, q, v).dense(), full.map(q, q, v).dense(), atol=1e-12)
    assert (full.map(q, q, v).dense().diagonal(dim1=-2, dim2=-1) == 0).all()


def test_stored_hashes_take_the_place_of_drawn_ones() -> None:
    m, (q, _, v) = case("reformer", Grid(X=8), chunk=2, rounds=1)
    buckets = torch.tensor([0, 1, 2, 3, 3, 2, 1, 0]).expand(2, 2, 1, 8)
    a = m.map(q, q, v, buckets=buckets)
    assert a.dense()[0, 0, 1].nonzero().flatten().tolist() == [0, 6, 7]  # its own chunk and the one before, not itself
    assert a.dense()[0, 0, 0].nonzero().flatten().tolist() == [3, 4, 7]  # the first looks back at the last
    assert torch.allclose(m.map(q, q, v, buckets=m.mechanism.hashes(q)).dense(), m.map(q, q, v).dense())


class Counted(TorchDispatchMode):
    """The size of the largest tensor that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        if not func.is_view and "expand" not in str(func):
            self.largest = max([self.largest, *(x.numel() for x in tree_leaves(out) if isinstance(x, torch.Tensor))])
        return out


@torch.no_grad()
def test_apply_makes_fewer_numbers_than_the_table_has() -> None:
    """Map and output together; the largest tensor is that of the hashes, rounds N / L for each token."""
    N, L, rounds = 2048, 16, 2
    q, v = torch.randn(2, 1, 1, N, 8)
    m = make("reformer", 1, 8, Grid(X=N), chunk=L, rounds=rounds)
    with Counted() as count:
        m(q, q, v)
    assert count.largest <= N * rounds * N // L == N * N // 8
    assert isinstance(m.map(q, q, v), Tiles)


@torch.no_grad()
def test_more_rounds_find_more_of_softmax() -> None:
    """The part of the softmax weights that lies on pairs which meet, over heads and clips."""
    x = torch.randn(4, 2, 128, 16, generator=torch.Generator().manual_seed(0))
    x = x + 2 * torch.randn(4, 2, 8, 16, generator=torch.Generator().manual_seed(1)).repeat_interleave(16, 2)
    full = make("reformer", 2, 16, Grid(X=128), full=True, temperature="one").map(x, x, x).dense()
    found = []
    for rounds in (1, 2, 4, 8):
        a = make("reformer", 2, 16, Grid(X=128), chunk=8, rounds=rounds, temperature="one").map(x, x, x)
        found.append((full * (a.dense() > 0)).sum(-1).mean().item())
    assert found == sorted(found) and found[0] < 0.8 * found[-1] and found[0] > 2 * 16 / 128


@torch.no_grad()
def test_causal_weights_but_the_sort_knows_the_future() -> None:
    m, (q, _, v) = case("reformer", Grid(X=32), chunk=2, rounds=1, causal=True, value_width=4)
    before, changed = m(q, q, v), q.clone()
    changed[..., 20:, :] = -changed[..., 20:, :]
    assert (m.map(changed, changed, v).dense().triu(1) == 0).all()
    assert not torch.allclose(m(changed, changed, v)[..., :20, :], before[..., :20, :])


def test_redraw_draws_the_hash_again() -> None:
    m, (q, _, v) = case("reformer", Grid(X=32), chunk=2, rounds=1)
    before = m.map(q, q, v).dense()
    m.redraw(7)
    assert not torch.allclose(m.map(q, q, v).dense(), before)


def test_a_layer_shares_one_projection_of_queries_and_keys() -> None:
    layer, x = AttentionLayer("reformer", 4, 8, Grid(Y=3, X=3), kv_heads=2, chunk=2), torch.rand(1, 9, 8)
    q, k, v = layer.qkv(x)
    assert torch.equal(q, k) and v.shape == q.shape and layer(x).shape == x.shape


def test_mistakes_get_a_sentence() -> None:
    for options in ({"rounds": 0}, {"chunk": 0}, {"temperature": "two"}):
        with pytest.raises(ValueError, match="rounds and chunk are at least 1, temperature one of sqrt, one"):
            make("reformer", 1, D, Grid(X=4), **options)
