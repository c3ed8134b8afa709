"""The numbers in the quiz of chapter 17, memory that fades, counted again."""
from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from ... import Grid, make
from ...maps import Memory
from ..scenes.ch17 import recall_errors

X = 14


def recount_half_life() -> Mapping[str, str]:
    """What is left after a row, and after a token; and the half-life."""
    kept = 0.95
    one = torch.ones(X + 1, 1)
    row = Memory(one, one, one * math.log(kept), one).rows([X])[0]
    return {"kept": f"{kept}", "X": f"{X}", "above": f"{row[0]:.2f}", "left": f"{row[-2]:.2f}",
            "half": f"{math.log(0.5) / math.log(kept):.1f}"}


def recount_write() -> Mapping[str, str]:
    """What a large and a small step of Mamba-2 leave."""
    return {"kept": f"{math.exp(-10):.5f}", "small": f"{math.exp(-0.001):.2f}"}


def recount_negative() -> Mapping[str, str]:
    """A positive product with a negative weight: an older key, a newer one between it and the query."""
    k = torch.tensor([[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    k = k / k.norm(dim=-1, keepdim=True)
    q = torch.tensor([[0.0, 0.5, 0.5, 1.0]]) * 2 ** 0.5
    row = Memory(q.expand(2, 4), k, torch.zeros(2, 1), torch.ones(2, 1), erase=1.0).rows([1])[0]
    return {"product": f"{q[0] @ k[0]:.2f}", "weight": f"{row[0]:.2f}"}


def recount_recall() -> Mapping[str, str]:
    """Errors of the newest eight of many pairs."""
    n, D = 256, 32
    total, delta = (recall_errors([n], D, 1.0, erase, 8)[0] for erase in (0.0, 1.0))
    return {"n": f"{n}", "D": f"{D}", "sum": f"{total:.2f}", "delta": f"{delta:.2f}"}


def recount_channels() -> Mapping[str, str]:
    """How many decays a token computes in four memories."""
    D, grid = 32, Grid(X=X)
    gla, kda, gated, mamba = (make(name, 1, D, grid).state_dict()[f"mechanism.{layer}"].shape[-1] for name, layer in (
        ("gla", "fade"), ("kda", "fade"), ("gated_delta", "fade"), ("mamba2", "write")))
    assert gla == kda and gated == mamba
    return {"one": f"{gated}", "D": f"{gla}"}
