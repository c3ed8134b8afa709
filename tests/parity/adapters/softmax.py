"""torch's own fused attention and nn.MultiheadAttention."""
from linviz import Grid, make
from linviz.mechanisms import Attention

from ..rig import Vector, adapter, merge, split


def soft(vector: Vector, heads: int, width: int, tokens: int) -> Attention:
    return make("softmax", heads, width, Grid(X=tokens), causal=vector.hyper["causal"])


@adapter("softmax")
def softmax(vector: Vector):
    q, k, v = (vector[x] for x in "qkv")
    m = soft(vector, q.shape[1], q.shape[-1], q.shape[-2])
    yield "out", m(q, k, v), vector["out"]
    yield "map", m.map(q, k, v).dense(), vector["attn"]


@adapter("mha")
def mha(vector: Vector):
    x, heads = vector["x"], vector.hyper["num_heads"] if "num_heads" in vector.hyper else vector.hyper["H"]
    weights, biases = (vector[f"param.in_proj_{kind}"].chunk(3) for kind in ("weight", "bias"))
    q, k, v = (split(x @ w.mT + b, heads) for w, b in zip(weights, biases, strict=True))
    m = soft(vector, heads, q.shape[-1], x.shape[1])
    yield "out", vector.layer("out_proj")(merge(m(q, k, v))), vector["out"]
    yield "map", m.map(q, k, v).dense(), vector["attn"]
