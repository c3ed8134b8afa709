"""Every road to q, k and v, and the traps on each: nothing is ever silently empty."""
from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from linviz import Grid
from linviz.capture import Capture, CapturedLayer, capture
from tests.cases import every_case

PIXELS = torch.linspace(-1, 1, 2 * 3 * 12 * 20).view(2, 3, 12, 20).sin()


class Fused(nn.Module):
    """The pattern of timm: by hand or fused, as a switch says."""

    def __init__(self, fused: bool = True) -> None:
        super().__init__()
        self.qkv, self.fused_attn, self.maps = nn.Linear(16, 48), fused, []

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
        self.maps.append((q @ k.mT * 8**-0.5).softmax(-1))
        o = F.scaled_dot_product_attention(q, k, v) if self.fused_attn else self.maps[-1] @ v
        return o.transpose(1, 2).flatten(2)


class Around(nn.Module):
    """A cut into patches, then one module on the tokens."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.cut, self.inner = nn.Conv2d(3, 16, 4, 4), inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.cut(x).flatten(2).mT * 4)


class Masked(nn.Module):
    """A window as a mask, grouped heads, and one causal call of another scale."""

    def forward(self, x: Tensor) -> Tensor:
        q = x.unflatten(-1, (4, 4)).transpose(1, 2)
        near = (torch.arange(15)[:, None] - torch.arange(15)).abs() < 4
        o = F.scaled_dot_product_attention(q, q[:, :2], q[:, :2], near, enable_gqa=True)
        return o + F.scaled_dot_product_attention(q, q, q, is_causal=True, scale=0.3)


@pytest.mark.parametrize("fused", [True, False])
def test_a_fused_attention_is_found_whatever_its_switch(fused: bool) -> None:
    model = Around(Fused(fused)).eval()
    found = capture(model, PIXELS, half=False)
    assert found[1].grid == Grid(1, 3, 5) and found.names == ["inner"] and model.inner.fused_attn is fused
    assert (found.map(1).dense() - model.inner.maps[-1]).abs().max() < 1e-6


class Turned(nn.Module):
    """A layer that takes tokens before clips, (N, B, C)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.transpose(0, 1)).transpose(0, 1)


@every_case("first, norm", [(True, True), (False, False)])
def test_torchs_own_layers_are_found_with_the_fast_path_on(first: bool, norm: bool) -> None:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=first, norm_first=norm).eval()
    model = Around(layer if first else Turned(layer)).eval()
    found = capture(model, PIXELS, half=False)
    x = model.cut(PIXELS).flatten(2).mT * 4
    x = layer.norm1(x) if norm else x
    x = x if first else x.transpose(0, 1)
    own = layer.self_attn(x, x, x, average_attn_weights=False)[1]
    assert (found.map(1).dense() - own).abs().max() < 1e-5 and found[1].heads == 2
    assert torch.backends.mha.get_fastpath_enabled()


def test_masks_of_multihead_attention_forbid_as_in_torch() -> None:
    layer, x = nn.MultiheadAttention(16, 2, batch_first=True), torch.randn(2, 9, 16)
    padding = torch.arange(9).expand(2, 9) > 6
    mask = torch.ones(9, 9, dtype=torch.bool).triu(1)
    found = capture(layer, {"query": x, "key": x, "value": x, "key_padding_mask": padding, "attn_mask": mask},
                    grid=(3, 3), half=False)
    own = layer(x, x, x, key_padding_mask=padding, attn_mask=mask, average_attn_weights=False)[1]
    assert (found.map(1).dense() - own).abs().max() < 1e-6 and "bias" in repr(found)
    kv = nn.MultiheadAttention(16, 2, batch_first=True, add_bias_kv=True)
    with pytest.raises(ValueError, match="adds a key that belongs to no token"):
        capture(kv, (x, x, x))


def test_masks_groups_scales_and_causal_calls_are_kept() -> None:
    model = Around(Masked())
    found = capture(model, PIXELS, half=False)
    assert found.names == ["inner (run 1)", "inner (run 2)"]
    window, causal = found
    assert (window.heads, window.k.shape[1]) == (4, 2) and "bias, 2 heads of k and v" in window.extras
    a = window.map().dense()
    assert not a[..., 0, 4:].any() and a[..., 0, :4].all()
    q, k = window.q, window.k.repeat_interleave(2, 1)
    assert (a[0, 3, 7, 4:11] - (q[0, 3, 7] @ k[0, 3, 4:11].mT / 2).softmax(-1)).abs().max() < 1e-6
    assert causal.scale == 0.3 and not causal.map().dense()[..., 3, 4:].any()
    assert (window.head(3).map().dense()[:, 0] - a[:, 2]).abs().max() < 1e-6
    some = capture(model, PIXELS, half=False, heads=[4, 1])
    assert (some.map(1).dense() - a[:, [3, 0]]).abs().max() < 1e-6


class SanaLinearAttnProcessor2_0:
    """SANA's attention as diffusers writes it: relu features, values with a row of ones, sums divided at the end."""

    def __call__(self, layer: nn.Module, x: Tensor) -> Tensor:
        q, k, v = (to(x).unflatten(-1, (2, 8)).transpose(1, 2) for to in (layer.to_q, layer.to_k, layer.to_v))
        sums = F.pad(v, (0, 1), value=1.0).mT @ k.relu()
        o = q.relu() @ sums.mT
        return layer.to_out[0]((o[..., :-1] / (o[..., -1:] + 1e-15)).transpose(1, 2).flatten(2))


class Sana(nn.Module):
    """A layer that leaves its attention to a processor."""

    def __init__(self) -> None:
        super().__init__()
        self.heads, self.processor = 2, SanaLinearAttnProcessor2_0()
        self.to_q, self.to_k, self.to_v = (nn.Linear(16, 16) for _ in "qkv")
        self.to_out = nn.ModuleList([nn.Linear(16, 16)])

    def forward(self, x: Tensor) -> Tensor:
        return self.processor(self, x)


def check_sana(layer: nn.Module) -> None:
    """The map of its features is that of the identity in place of v."""
    model = Around(layer).eval()
    found = capture(model, PIXELS, half=False)
    exact = capture(model, PIXELS, values="inner.to_v", read="inner.to_out.0", heads=2)
    assert found[1].kind == "relu" and found.map(1).rank_bound == 8
    assert (found.map(1).dense() - exact.map(1).dense()).abs().max() < 1e-5 and exact[1].error < 1e-5


def test_sana_is_a_kernel_and_its_map_is_that_of_the_identity() -> None:
    check_sana(Sana())


@pytest.mark.nightly
def test_sana_of_diffusers_too() -> None:
    from diffusers.models.attention_processor import Attention
    from diffusers.models.attention_processor import SanaLinearAttnProcessor2_0 as Theirs
    check_sana(Attention(16, heads=2, dim_head=8, processor=Theirs()))


def test_what_attends_by_hand_is_never_silently_empty() -> None:
    class HandAttention(Fused):
        fused_attn = None

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.qkv(x).chunk(3, -1)
            return (q @ k.mT).softmax(-1) @ v
    with pytest.raises(ValueError, match=r"no attention of Around.*like attention: inner \(HandAttention\).*values="):
        capture(Around(HandAttention()), PIXELS)


@every_case("given, why", [
    ({"layers": "blocks.9"}, "no layer is called 'blocks.9'; these layers of Around attended: inner"),
    ({"grid": (2, 3)}, "how its 15 tokens lie: give grid="),
    ({"x": "cat.png"}, "a Clip, a tensor, a tuple or a mapping"),
])
def test_a_wrong_call_is_told_in_one_sentence(given: dict, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        capture(**{"model": Around(Fused()), "x": PIXELS} | given)
    with pytest.raises(IndexError, match="2 heads, counted from 1; there is no head 5"):
        capture(Around(Fused()), PIXELS, heads=[5])
    found = capture(Around(Fused()), PIXELS)
    with pytest.raises(KeyError, match="no layers are called 'x'"):
        found["x"]
    with pytest.raises(IndexError, match="no layer 2"):
        found[2]


@pytest.mark.xdist_group("transformers")
def test_transformers_gives_no_maps_where_capture_does() -> None:
    """With its usual attention, `output_attentions=True` of transformers yields an empty tuple and no error."""
    from .tiny_models import build_model, model_pixels
    model, x = build_model("ViT").eval(), model_pixels("ViT")
    assert model.config._attn_implementation == "sdpa" and not model(x, output_attentions=True).attentions
    assert len(capture(model, x)) == 2


@pytest.mark.xdist_group("transformers")
def test_colours_are_those_stored_with_the_model(tmp_path: Path) -> None:
    """preprocessor_config.json says with which mean and deviation pixels were normalised; a broken one is refused."""
    from linviz import clips
    from linviz.capture.model_input import clip_input
    from linviz.capture.stored_models import load_model

    from .tiny_models import build_model
    build_model("ViT").save_pretrained(tmp_path)
    usual = clip_input(load_model(str(tmp_path)), clips.load("coffee"))["0"]
    file = tmp_path / "preprocessor_config.json"
    file.write_text('{"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 1, 2]}')
    own = clip_input(load_model(str(tmp_path)), clips.load("coffee"))["0"]
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in ((0.1, 0.2, 0.3), (0.5, 1.0, 2.0)))
    assert torch.allclose(own * deviation + mean, usual * 0.5 + 0.5, atol=1e-6)
    file.write_text('{"do_normalize": false}')
    plain = clip_input(load_model(str(tmp_path)), clips.load("coffee"))["0"]
    assert torch.allclose(plain, usual * 0.5 + 0.5, atol=1e-6)
    for text in ('{"image_mean": [0.1, 0.2], "image_std": [1, 1, 1]}', "[]", "{", '{"image_mean": 1, "image_std": 2}'):
        file.write_text(text)
        with pytest.raises(ValueError, match="three numbers each"):
            load_model(str(tmp_path))


def test_a_folder_holds_what_memory_does_not(tmp_path: Path) -> None:
    model = Around(Fused()).eval()
    found = capture(model, PIXELS, folder=tmp_path / "qkv", half=False)
    assert sum(path.stat().st_size for path in (tmp_path / "qkv").iterdir()) == found.size[0]
    assert torch.equal(found.map(1).dense(), capture(model, PIXELS, half=False).map(1).dense())
    with pytest.raises(ValueError, match="is not an empty folder"):
        capture(model, PIXELS, folder=tmp_path / "qkv")


def test_numbers_too_large_for_half_precision_stay_as_they_are() -> None:
    model = Around(Fused()).eval()
    model.inner.qkv.weight.data[:16] *= 1e6
    found = capture(model, PIXELS)
    assert found[1].q.dtype == torch.float32 and found[1].k.dtype == torch.float16
    assert torch.isfinite(found.map(1).dense()).all()


def test_a_rollout_keeps_its_mass() -> None:
    """Dividing by column sums, as a well known script does, does not: rows have to sum to one."""
    q = torch.randn(1, 2, 9, 4) * 2
    layer = CapturedLayer("a", "softmax", q, q.flip(-2), q, Grid(Y=3, X=3), 0.5)
    found = Capture("Tiny", (layer, layer, layer))
    row = found.rollout(4)
    mean = layer.map().dense().mean(1)
    mixed = (mean + torch.eye(9)) / 2
    assert torch.allclose(row, (mixed @ mixed @ mixed)[:, 4], atol=1e-6) and abs(row.sum() - 1) < 1e-6
    wrong = mixed[0] / mixed[0].sum(-2)
    assert ((wrong @ wrong @ wrong)[4].sum() - 1).abs() > 0.01
    pool = CapturedLayer("b", "softmax", q[..., :1, :], q, q, Grid(), 0.5, key_grid=Grid(Y=3, X=3))
    with pytest.raises(ValueError, match="b cannot be rolled out"):
        Capture("Tiny", (layer, pool)).rollout(0)
