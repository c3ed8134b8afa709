"""Kronecker attention, QKV form: lines ask lines, and the answers are added."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, dot, mixed, single, vectors
from .options import differentiates, holds
from .test_kronecker_kv import CLIP, PICTURE, lines, mean


@pytest.mark.parametrize("grid", [PICTURE, CLIP], ids=str)
def test_definition(grid: Grid) -> None:
    q, k, v = vectors()
    a, small = torch.zeros(N, N, dtype=torch.float64), []
    for line in lines(grid):
        weights = [math.exp(dot(mean(q, line), mean(k, other))) for other in lines(grid)]
        small.append([w / sum(weights) for w in weights])
        for i in line:
            for w, other in zip(small[-1], lines(grid), strict=True):
                for j in other:
                    a[i, j] += w / len(other)
    m = make("kronecker_qkv", 1, D, grid, value_width=E)
    tensors = single(q, k, v)
    assert torch.allclose(m.map(*tensors).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*tensors)[0, 0], mixed(a, v), atol=1e-12)
    assert torch.allclose(m.mechanism.small(*tensors[:2])[0, 0], torch.tensor(small, dtype=torch.float64), atol=1e-12)


def test_what_holds_for_every_map() -> None:
    holds("kronecker_qkv")
    differentiates("kronecker_qkv")


@pytest.mark.parametrize(("grid", "answers"), [(PICTURE, [2] * 6), (CLIP, [3] * 6), (Grid(X=2, prefix=1), [1, 2, 2])])
def test_rows_sum_to_as_many_answers_as_lines_meet(grid: Grid, answers: list[int]) -> None:
    x = torch.randn(1, 1, len(grid), D, dtype=torch.float64)
    a = make("kronecker_qkv", 1, D, grid).map(x, x, x)
    assert torch.allclose(a.dense().sum(-1)[0, 0], torch.tensor(answers, dtype=torch.float64)) and not a.stochastic


def test_hundreds_of_times_fewer_pairs() -> None:
    x = torch.randn(1, 1, 56 * 56, 4)
    small = make("kronecker_qkv", 1, 4, Grid(Y=56, X=56)).mechanism.small(x, x)
    assert (56 * 56) ** 2 / small.numel() == 784
