"""Linformer in both conventions, linear-attention-transformer's global heads, and linear layers that collapse."""
import torch
from torch import Tensor, nn

from linviz import Grid, make
from linviz.models.linear_mlp import collapse_layers

from ..rig import Vector, adapter, merge, split


@adapter("linformer")
def linformer(vector: Vector):
    """Keys and values are squeezed after their layers; they may be one head for all, or one and the same."""
    x, h = vector["x"], vector.hyper
    D = len(vector["param.to_q.weight"]) // h["H"]
    same = "param.to_v.weight" not in vector
    q, k, v = (split(vector.layer(name)(x), vector[f"param.{name}.weight"].shape[0] // D)
               for name in ("to_q", "to_k", "to_k" if same else "to_v"))
    E = vector["param.proj_k"].mT
    m = make("linformer", h["H"], D, Grid(X=x.shape[1]), length=len(E), share="kv" if same else "heads")
    m.mechanism.E.data = E[None]
    if not same:
        m.mechanism.F.data = vector["param.proj_v"].mT[None]
    yield "out", vector.layer("to_out")(merge(m(q, k, v))), vector["out"]
    yield "shares of the summaries", m.map(q, k, v).left, vector["pbar"]


@adapter("linformer_fairseq")
def fairseq(vector: Vector):
    """x is squeezed before the layers of k and v, which have biases."""
    x, H = vector["x"], vector.hyper["H"]
    E = vector["param.compress_k.weight"]
    same = "param.compress_v.weight" not in vector
    m = make("linformer", H, x.shape[-1] // H, Grid(X=x.shape[1]), length=len(E), where="tokens",
             share="kv" if same else "heads")
    m.mechanism.E.data = E[None]
    if not same:
        m.mechanism.F.data = vector["param.compress_v.weight"][None]
    q, k, v = m.project(x, *(lambda x, n=n: split(vector.layer(f"{n}_proj")(x), H) for n in "qkv"))
    yield "out", m.close(m(q, k, v), x, lambda o: vector.layer("out_proj")(merge(o))), vector["out"]
    yield "shares of the summaries", m.map(q, k, v).dense(), vector["pbar"]


def lat(vector: Vector, **options):
    q, k, v = (vector[x] for x in "qkv")
    return make("efficient", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), value_width=v.shape[-1], **options), q, k, v


@adapter("lat_linear_attn")
def lat_linear(vector: Vector):
    """Rows sum to D^-1/2."""
    m, q, k, v = lat(vector, after=vector["q"].shape[-1] ** -0.5)
    yield "out", m(q, k, v), vector["out"]
    yield "map", m.map(q, k, v).dense(), vector["attn"]
    yield "row sums", m.map(q, k, v).dense().sum(-1), torch.full_like(q[..., 0], q.shape[-1] ** -0.5)


@adapter("lat_image_linear_attention")
def lat_image(vector: Vector):
    x, H = vector["x"].flatten(2).mT, vector.hyper["H"]
    q, k, v = (split(vector.layer(f"to_{n}")(x), H) for n in "qkv")
    m = make("efficient", H, q.shape[-1], Grid(1, *vector["x"].shape[2:]), value_width=v.shape[-1],
             before=q.shape[-1] ** -0.25)
    yield "out", vector.layer("to_out")(merge(m(q, k, v))).mT.unflatten(-1, vector["x"].shape[2:]), vector["out"]


@adapter("lat_causal_linear_attn")
def lat_causal(vector: Vector):
    """Buckets of one: efficient attention's causal form. Larger buckets are a known fault, and shown to be."""
    m, q, k, v = lat(vector, causal=True, after=vector["q"].shape[-1] ** -0.5, eps=vector.hyper["eps"])
    bucket = vector.hyper["bucket_size"]
    if bucket == 1:
        yield "out", m(q, k, v), vector["out"]
        yield "map", m.map(q, k, v).dense(), vector["attn"]
        return
    yield from blind_spot(vector, m.map(q, k, v).dense(), bucket)


def blind_spot(vector: Vector, ours: Tensor, bucket: int):
    """The fault: a token sees whole earlier buckets only, not its own: itself and its neighbours are missing."""
    q, k, theirs = vector["q"], vector["k"], vector["attn"]
    box = torch.arange(q.shape[-2]) // bucket
    seen = box[None, :] < box[:, None]
    s = (q.softmax(-1) * q.shape[-1] ** -0.5 @ k.exp().mT) * seen
    yield "the fault, stated", s / s.sum(-1, keepdim=True).clamp_min(vector.hyper["eps"]), theirs
    assert theirs[..., :bucket, :].abs().sum() == 0, "the first bucket sees nothing"
    assert (ours[..., :bucket, :].sum(-1) - 1).abs().max() < 1e-9, "ours sees itself from the first token on"
    assert bool((ours.diagonal(dim1=-2, dim2=-1) > 0).all()) and (ours - theirs).abs().max() > 0.1


@adapter("linear_mlp")
def linear_mlp(vector: Vector):
    layers = nn.Sequential()
    while f"param.{len(layers)}.weight" in vector:
        weight, bias = (vector[f"param.{len(layers)}.{n}"] for n in ("weight", "bias"))
        layer = nn.Linear(*reversed(weight.shape), dtype=weight.dtype)
        layer.weight.data, layer.bias.data = weight, bias
        layers.append(layer)
    one = collapse_layers(layers)
    yield "weight", one.weight, vector["W_collapsed"]
    yield "bias", one.bias, vector["b_collapsed"]
    yield "out", one(vector["x"]), vector["out"]
    yield "out, layer by layer", layers(vector["x"]), vector["out"]
    s = torch.linalg.svdvals(one.weight)
    assert int((s > 1e-10 * s[0]).sum()) <= min(vector.hyper["dims"])
