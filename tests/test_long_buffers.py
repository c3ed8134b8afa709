"""Long results are written into buffers block by block: the same numbers, in the same order, as in one step."""
from __future__ import annotations

import pytest
import torch

from linviz.maps import elu_features, elu_plus_one, long_buffers
from linviz.maps.long_buffers import long_buffer


def test_features_in_blocks_are_those_of_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(2, 3, 11, 4, dtype=torch.float64, requires_grad=True)
    whole = elu_plus_one(x)
    slope, = torch.autograd.grad(whole.sum(), x)
    for name, value in ((elu_features, "BLOCK"), (long_buffers, "LONG_BYTES")):
        monkeypatch.setattr(name, value, 8)
    for given in (x, x.transpose(1, 2)):  # of any layout
        assert torch.equal(elu_plus_one(given.detach()), whole if given is x else whole.transpose(1, 2))
    assert torch.equal(torch.autograd.grad(elu_plus_one(x).sum(), x)[0], slope)


def test_a_buffer_has_the_type_and_the_place_of_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_buffers, "LONG_BYTES", 0)
    for like in (torch.ones(1), torch.ones(1).double(), torch.ones(1).half(), torch.ones(1, device="meta")):
        found = long_buffer(like, (3, 2))
        assert (found.dtype, found.device, found.shape) == (like.dtype, like.device, (3, 2))
