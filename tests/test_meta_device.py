"""A law for every mechanism and extra: nothing is made on another device than that of the tensors.

Tensors of the device "meta" have shapes and no numbers, so the law needs no GPU: every operation inside is watched,
and one that touches a tensor of another device fails.
"""
from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from linviz import Grid, make, names
from linviz.mechanisms import REGISTRY, Kernel
from tests.cases import hold_for
from tests.test_laws import CAUSAL, variants, visible

GRID, HEADS, WIDTH = Grid(T=2, Y=3, X=3, prefix=1), 2, 8

CHOOSES = ("sla",)  # how many keys a block has depends on numbers, and a meta tensor has none

FURTHER: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "cosformer": [("cosformer", {"axes": "3d"})], "vicinity": [("vicinity", {"reduction": 3})],
    "focused": [("focused+conv", {"reduction": 3})],
    "lambda": [("lambda", {"side": None}), ("lambda@window:2", {"side": None})],
    "nonlocal": [("nonlocal", options) for options in (
        {"pool": 2}, {"similarity": "concatenation"}, {"similarity": "dot"})],
    "aft_full": [("aft_full", {"factors": 4})], "reformer": [("reformer", {"duplicates": False})],
    "linformer": [("linformer", {"where": "tokens", "length": len(GRID)})]}


def forms(name: str) -> list[tuple[str, dict[str, Any]]]:
    """A mechanism with every extra, causal, and with options that make other tensors."""
    causal = [name, *([f"{name}+gate"] if issubclass(REGISTRY[name], Kernel) else [])] if name in CAUSAL else []
    return [*((spec, {}) for spec in variants(name)), *((spec, {"causal": True}) for spec in causal),
            *FURTHER.get(name, [])]


class OneDevice(TorchDispatchMode):
    """Fails at an operation with a tensor that does not lie on the device "meta"."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for given in (*args, *(kwargs or {}).values(), found):
            for x in given if isinstance(given, list | tuple) else [given]:
                assert not isinstance(x, Tensor) or x.is_meta, f"{func} has a tensor on {x.device}"
        return found


def stays_on_one_device(spec: str, options: dict[str, Any]) -> None:
    """The law, of one form."""
    m = make(spec, HEADS, WIDTH, GRID, seed=1, **options).to("meta")
    keys, lead = len(m.mechanism.key_grid if "reduction" in options else GRID), (1, HEADS)
    q, k, v = (torch.empty(*lead, tokens, WIDTH, device="meta") for tokens in (len(GRID), keys, keys))
    i = torch.tensor([3, 0, 18, 3]).to("meta")
    with OneDevice():
        a = m.map(q, k, v)
        assert m(q, k, v).shape == (*lead, len(GRID), WIDTH)
        seen = visible(a)
        assert a.device.type == seen.device.type == "meta"
        assert seen.rows(i).shape == (*lead, 4, keys) and seen.column_sums().shape == (*lead, keys)
        assert seen.dense().shape == (*lead, len(GRID), keys)
    assert seen.rows([5, 7]).shape == (*lead, 2, keys)


@pytest.mark.parametrize("name", [name for name in names() if name not in CHOOSES])
@torch.no_grad()
def test_nothing_is_made_on_another_device(name: str) -> None:
    hold_for(forms(name), lambda form: stays_on_one_device(*form))


def test_every_option_that_is_asked_about_is_of_a_mechanism() -> None:
    assert {*FURTHER, *CHOOSES} <= {*names()}


def test_a_scope_goes_where_its_parameters_go() -> None:
    m = make("swin@window:2", HEADS, WIDTH, GRID).half().to("meta")
    assert {x.device.type for box in m.boxes for x in (box.queries, box.keys)} == {"meta"}
    assert all(box.queries.dtype == torch.int64 for box in m.boxes)
    with pytest.raises(NotImplementedError):  # the numbers of tokens that were left behind cannot come back
        m.to_empty(device="cpu")
