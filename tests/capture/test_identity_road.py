"""The exact map of layers linear in v, from the identity alone; what is not linear is refused by name."""
from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from linviz import Grid
from linviz.capture import capture
from tests.cases import every_case


class Layer(nn.Module):
    """Linear attention in a layer: two heads of eight channels; `form` says how it mixes."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.qkv, self.to_v, self.out = nn.Linear(16, 48), nn.Linear(16, 16), nn.Linear(16, 16)
        self.branch = nn.Conv1d(16, 16, 3, padding=1, groups=16)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        v = v if self.form == "fused" else self.to_v(x)
        q, k, v = (z.unflatten(-1, (2, 8)).transpose(1, 2) for z in (q, k, v))
        return self.out(self.mix(q, k, v).transpose(1, 2).flatten(2) + self.rest(v))

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        """The map, written out."""
        if self.form == "softmax":
            return (q @ k.mT).softmax(-1)
        phi = torch.relu if self.form in ("cosformer", "relu") else lambda z: nn.functional.elu(z) + 1
        a = phi(q) @ phi(k).mT
        if self.form == "cosformer":
            i = torch.arange(q.shape[-2])
            a = a * torch.cos(torch.pi / 2 * (i[:, None] - i) / len(i))
        return a / (a.sum(-1, keepdim=True) + 1e-6)

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        v = v * v.sigmoid() if self.form == "gated" else v
        return self.weights(q, k) @ v

    def rest(self, v: Tensor) -> Tensor:
        v = v.transpose(1, 2).flatten(2)
        return self.branch(v.mT).mT if self.form == "branch" else torch.ones_like(v) * (self.form == "cosformer")


class Model(nn.Module):
    """Two such layers after a cut into patches."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.cut = nn.Conv2d(3, 16, 4, 4)
        self.blocks = nn.ModuleList([Layer(form), Layer(form)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.cut(x).flatten(2).mT * 3
        for block in self.blocks:
            x = x + block(x)
        return x


PIXELS = torch.linspace(-1, 1, 3 * 12 * 20).view(1, 3, 12, 20).sin() * 2


@every_case("form", ["elu", "cosformer", "relu", "softmax", "fused"])
def test_the_map_is_that_of_the_code(form: str) -> None:
    model, seen = Model(form).train(), []
    model.blocks[1].mix = lambda q, k, v: seen.append(model.blocks[1].weights(q, k)) or seen[0] @ v
    how = {"values": "blocks.*.qkv", "channels": (32, 48)} if form == "fused" else {"values": "blocks.*.to_v"}
    found = capture(model, PIXELS, read="blocks.*.out", heads=2, **how)
    assert [layer.name for layer in found] == ["blocks.0", "blocks.1"] and found[2].grid == Grid(1, 3, 5)
    assert (found.map(2).dense() - seen[0]).abs().max() < 1e-5 and found[2].error < 1e-5
    assert found.map(2).stochastic or form == "cosformer"
    assert model.training and "relative error" in repr(found[2])


@every_case("form, why", [("gated", "not linear in v"), ("branch", "do not share one map")])
def test_what_has_no_map_is_refused_by_name(form: str, why: str) -> None:
    with pytest.raises(ValueError, match=rf"blocks\.0 \(Layer\) has no map: .*{why}"):
        capture(Model(form), PIXELS, values="blocks.*.to_v", read="blocks.*.out", heads=2)


@every_case("given, why", [
    ({"values": "blocks.0.v", "read": "blocks.0.out", "heads": 2}, "no module 'blocks.0.v'; it has cut, blocks"),
    ({"values": "blocks.0.to_v"}, "needs values= .* read= .* and heads="),
    ({"values": "blocks.0.to_v", "read": "blocks.0.out", "heads": 3}, "channels for 3 heads"),
    ({"values": "blocks.1.to_v", "read": "blocks.0.out", "heads": 2}, "before it blocks.1.to_v did not"),
])
def test_a_wrong_name_is_told_in_one_sentence(given: dict, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        capture(Model("elu"), PIXELS, **given)


def test_only_the_rows_of_chosen_queries_are_kept() -> None:
    model, how = Model("linear"), {"values": "blocks.*.to_v", "read": "blocks.*.out", "heads": 2}
    found, whole = capture(model, PIXELS, queries=[7, 0], **how), capture(model, PIXELS, **how)
    assert torch.equal(found.map(2).dense(), whole.map(2).dense()[..., [7, 0], :])
    assert found.size[1] * 15 == whole.size[1] * 2 and found[2].key_grid == Grid(1, 3, 5)
    for wrong, why in (([15], "tokens from 0 to 14; got 15"), ([], "got none")):
        with pytest.raises(ValueError, match=why):
            capture(model, PIXELS, queries=wrong, **how)
