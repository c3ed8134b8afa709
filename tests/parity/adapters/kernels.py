"""Linear Transformer (elu + 1), the same operator in LoFTR, and efficient attention."""
from linviz import Grid, make

from ..rig import Vector, adapter, split


@adapter("linear_transformer")
def linear_transformer(vector: Vector):
    q, k, v = (vector[x] for x in "qkv")
    m = make("linear", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), value_width=v.shape[-1],
             causal=bool(vector.hyper.get("causal", vector.name.endswith("causal"))))
    yield "out", m(q, k, v), vector["out"]
    if "attn" in vector:
        yield "map", m.map(q, k, v).dense(), vector["attn"]


@adapter("elu_linear_loftr")
def loftr(vector: Vector):
    q, k, v = (vector[x].transpose(1, 2) for x in "qkv")  # stored (B, N, H, D)
    m = make("linear", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), value_width=v.shape[-1],
             key_grid=Grid(X=k.shape[-2]))
    yield "out", m(q, k, v).transpose(1, 2), vector["out"]
    yield "map", m.map(q, k, v).dense(), vector["attn"]


@adapter("efficient_attention")
def efficient(vector: Vector):
    x = vector["x"].flatten(2).mT  # (B, N, C)
    heads = vector.hyper["H"]
    q, k, v = (split(vector.layer(name)(x), heads) for name in ("queries", "keys", "values"))
    m = make("efficient", heads, q.shape[-1], Grid(X=x.shape[1]), value_width=v.shape[-1])
    for name, ours in zip("qkv", (q, k, v), strict=True):
        yield name, ours.mT, vector[name]
    out = vector.layer("reprojection")(m(q, k, v).transpose(1, 2).flatten(2)).mT.unflatten(-1, vector["x"].shape[-2:])
    yield "out", out + vector["x"] * bool(vector.hyper["residual"]), vector["out"]
    yield "map", m.map(q, k, v).dense(), vector["attn"]
    yield "template maps", m.mechanism.templates(k).mT, vector["template_maps"]
    yield "context", m.mechanism.context(k, v), vector["global_context"]
