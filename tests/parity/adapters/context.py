"""Lambda layers and Kronecker attention: q asks a summary of the picture."""
import torch
from torch import Tensor

from linviz import Grid, make
from linviz.models import AttentionLayer

from ..rig import Vector, adapter, merge, split


def batch_norm(vector: Vector, x: Tensor, name: str) -> Tensor:
    """With the stored running statistics; x (B, N, C)."""
    mean, var, weight, bias = (vector[f"param.{name}.{part}"] for part in
                               ("running_mean", "running_var", "weight", "bias"))
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


@adapter("lambda_local", "lambda_global")
def lambdas(vector: Vector):
    """Intra-depth u: so many lambdas with their own k, v and steps, added."""
    h, x = vector.hyper, vector["x"].flatten(2).mT  # (B, N, C)
    Y, X = vector["x"].shape[-2:]
    local, u = vector.name.startswith("lambda_local"), h["dim_u"]
    q = split(batch_norm(vector, vector.layer("to_q")(x), "norm_q"), h["H"])
    k, v = split(vector.layer("to_k")(x), u), split(batch_norm(vector, vector.layer("to_v")(x), "norm_v"), u)
    m = make("lambda", h["H"], h["dim_k"], Grid(1, Y, X), value_width=v.shape[-1], side=h["r"] if local else None)
    e = (vector["param.pos_conv.weight"][:, :, 0].permute(1, 2, 3, 0) if local  # (u, P, P, D)
         else vector["param.rel_pos_emb"].permute(3, 0, 1, 2)).flatten(1, 2)     # (u, steps, D)
    total = torch.zeros(())
    for n in range(u):
        m.mechanism.e.data = e[n]
        if local:  # one constant for all
            m.mechanism.constant.data = vector["param.pos_conv.bias"] * (n == 0)
        total = total + m(q, k[:, [n]], v[:, [n]])
    yield "out", merge(total).mT.unflatten(-1, (Y, X)), vector["out"]


@adapter("kronecker_qkv")
def kronecker(vector: Vector):
    """Their output layer is applied to the lines, which are added then: its bias counts twice."""
    h, x = vector.hyper, vector["x"].flatten(2).mT
    grid = Grid(1, h["h"], h["w"])
    layer = AttentionLayer("kronecker_qkv", h["H"], x.shape[-1], grid, width=h["D"], qkv_bias=False)
    weights = vector["param.to_qkv.weight"].flatten(1).chunk(3)
    for part, weight in zip((layer.to_q, layer.to_k, layer.to_v), weights, strict=True):
        part.weight.data = weight
    layer.out.weight.data = vector["param.to_out.weight"].flatten(1)
    layer.out.bias.data = 2 * vector["param.to_out.bias"]
    yield "out", layer(x).mT.unflatten(-1, (h["h"], h["w"])), vector["out"]
    q, k, _ = layer.qkv(x)
    yield "lines by lines", layer.attention.mechanism.small(q, k), vector["attn_small"]
