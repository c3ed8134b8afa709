"""Published statements: verdicts follow from their numbers, which are the library's; odd pictures get them, too."""
from __future__ import annotations

import math

import pytest
import torch

from linviz import Grid, clips, make, read, spectra
from linviz.published_claims import CLAIMS, KEPT, SHOULDER, VERDICTS, Attended, lost_length, low_rank, try_claims

GRID = Grid(Y=8, X=8)


def tokens(scale: float = 1.0, D: int = 16, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Random queries and keys, scaled; random values."""
    chance = torch.Generator().manual_seed(seed)
    q, k, v = torch.randn(3, 1, 1, len(GRID), D, generator=chance, dtype=torch.float64)
    return scale * q, scale * k, v


def numbers(trial) -> dict[str, float]:
    return {what: value for what, value, _ in trial.numbers}


def test_numbers_are_those_of_the_library():
    q, k, v = tokens(2.0)
    found = {name: numbers(trial) for name, trial in try_claims(q, k, v, GRID).items()}
    softmax = read(make("softmax", 1, 16, GRID), q, k, v)
    assert found["unconcentrated"]["softmax"] == pytest.approx(softmax.rows("entropy").mean().item())
    assert found["low_rank"]["effective rank of softmax"] == pytest.approx(softmax.effective_rank.item())
    table = softmax.map.dense()
    most = torch.zeros_like(table).scatter(-1, table.topk(round(KEPT * 64), -1).indices, 1.0)
    rest = torch.linalg.svdvals(table * (1 - most))
    assert found["low_rest"]["stable rank of the rest"] == pytest.approx(spectra.stable_rank(rest).item())
    gated = [make("relu_floor+gate", 1, 16, GRID, seed=seed) for seed in range(3)]
    gates = [read(m, q, k, v).rows("entropy").mean().item() for m in gated]
    assert [found["gate"][f"floor and gate, seed {n}"] for n in range(3)] == pytest.approx(gates)
    long = read(make("relu", 1, 16, GRID), 16 * q, k, v).rows("entropy").mean().item()
    assert found["lost_length"]["entropy lost, relu"] == pytest.approx(found["unconcentrated"]["relu"] - long, abs=1e-9)


def test_a_verdict_can_go_both_ways():
    flat, sharp = (try_claims(*tokens(scale), GRID) for scale in (0.1, 4.0))
    assert (flat["low_rank"].verdict, sharp["low_rank"].verdict) == ("partly", "fails")
    assert flat["unconcentrated"].verdict != "holds" == sharp["unconcentrated"].verdict
    q, k, v = tokens(4.0)
    one = q[..., :1, :].expand_as(q)  # all queries alike: a map of rank one, which strangers' maps are not
    assert low_rank(Attended(one, k, v, GRID)).verdict == "holds"
    assert numbers(low_rank(Attended(one, k, v, GRID)))["effective rank of softmax"] < 2 < len(GRID) / SHOULDER
    assert lost_length(Attended(q.abs(), k.abs(), v, GRID)).verdict == "holds"  # elu + 1 is almost homogeneous there


@pytest.mark.parametrize("picture", [torch.zeros, torch.ones])
def test_a_picture_without_anything_on_it_gets_verdicts_too(picture):
    clip = clips.fit(clips.Clip.plain(picture(1, 3, 64, 64), "paper"), GRID)
    for name, trial in try_claims(*clips.descriptors(clip, GRID, 1.0), GRID).items():
        assert trial.verdict in VERDICTS and all(math.isfinite(x) for _, x, _ in trial.numbers), name
        assert "nan" not in trial.words and "inf" not in trial.words, name


def test_tokens_that_do_not_fit_get_one_sentence():
    q, k, v = tokens()
    with pytest.raises(ValueError, match="one query and one key per token"):
        try_claims(q[..., :9, :], k, v, GRID)
    with pytest.raises(ValueError, match="16 to 1,024 tokens"):
        try_claims(q[..., :9, :], k[..., :9, :], v[..., :9, :], Grid(Y=3, X=3))
    assert len(CLAIMS) == 6
