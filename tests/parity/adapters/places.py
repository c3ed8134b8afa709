"""Kernels that know rows and columns: vicinity attention and focused linear attention."""
import math

import torch
from torch import Tensor

from linviz import Grid
from linviz.models import AttentionLayer

from ..rig import Vector, adapter, fill, merge, split


def shrunk(vector: Vector, layer: AttentionLayer) -> None:
    """The stored coarsening of the keys, where there is one."""
    shrink = layer.attention.mechanism.shrink
    assert (shrink is None) == ("param.sr.weight" not in vector)
    if shrink is not None:
        fill(vector, {shrink.conv: "sr", shrink.norm: "norm"})


@adapter("vicinity")
def vicinity(vector: Vector):
    h, x = vector.hyper, vector["x"]
    layer = AttentionLayer("vicinity", h["num_heads"], h["embed_dim"], Grid(1, *h["grid_hw"]), clip=h["clip"],
                           width=h["reduced_head_dim"], form="sum" if h["use_sum"] else "product",
                           reduction=h["sr_ratio"], eps=h["eps"])
    m = layer.attention.mechanism
    fill(vector, {layer.to_q: "q_proj", layer.to_k: "k_proj", layer.to_v: "v_proj", layer.out: "out_proj"})
    m.squeeze.weight.data, m.excite.weight.data = vector["param.se_fc.0.weight"], vector["param.se_fc.2.weight"]
    shrunk(vector, layer)
    yield "out", layer(x), vector["out"]
    yield "map", layer.map(x).dense(), vector["attn"]
    q, k, v = layer.qkv(x)
    for name, ours in zip(("q_feat", "k_feat"), m.features(q, k), strict=True):
        yield name, ours.transpose(1, 2), vector[name]
    stated = vector.about["out_vs_unclamped_formula_max_abs"]
    apart = (layer(x) - unclamped(layer, x)).abs().max().item()
    assert math.isclose(apart, stated, rel_tol=1e-6, abs_tol=1e-13), f"the clamps change {apart}, not {stated}"


def unclamped(layer: AttentionLayer, x: Tensor) -> Tensor:
    """The formula, map times values: what the clamps of clip=True depart from."""
    q, k, v = layer.qkv(x)
    m = layer.attention.mechanism
    o = layer.map(x).apply(v)
    return layer.out(merge(o)) * (1 + m.excite(m.squeeze(x.mean(1, keepdim=True)).relu()).sigmoid())


@adapter("flatten_pvt", "flatten_swin")
def focused(vector: Vector):
    """PVT form: q and kv apart, keys perhaps coarser. Swin form: qkv at once, x is one window."""
    h, x = vector.hyper, vector["x"]
    grid = Grid(1, *h["grid"])
    layer = AttentionLayer("focused+conv", h["num_heads"], h["dim"], grid, power=h["focusing_factor"],
                           side=h["kernel_size"], reduction=h["sr_ratio"],
                           qkv_bias=any(f"param.{name}.bias" in vector for name in ("q", "qkv")))
    m = layer.attention.mechanism
    fill(vector, {layer.out: "proj"})
    for part in ("weight", "bias"):
        if getattr(layer.to_q, part) is not None:
            stored = [f"param.{name}.{part}" for name in (("qkv",) if "param.qkv.weight" in vector else ("q", "kv"))]
            thirds = torch.cat([vector[name] for name in stored]).chunk(3)
            for own, value in zip((layer.to_q, layer.to_k, layer.to_v), thirds, strict=True):
                getattr(own, part).data = value
    m.gamma.data = split(vector["param.scale"], layer.heads)[0]
    m.places.data = split(vector["param.positional_encoding"], layer.heads)[0]
    m.conv.data, m.conv_bias.data = vector["param.dwc.weight"][:, 0], vector["param.dwc.bias"]
    shrunk(vector, layer)
    yield "out", layer(x), vector["out"]
    q, k, v = layer.qkv(x)
    a = layer.map(x)
    yield "map", a.shared.dense(), vector["attn"]
    yield "attention alone", merge(a.shared.apply(v)), vector["lin_out"]
    yield "convolution alone", merge(a.parts[1].apply(v) + m.conv_bias), vector["dwc_out"]
    for name, ours in zip(("fp_q", "fp_k"), m.features(q, k), strict=True):
        yield name, ours, vector[name]
