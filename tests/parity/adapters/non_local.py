"""Non-local blocks of four similarities, with sub-sampling and batch normalisation where they were on; Bahdanau."""
import torch
from torch import Tensor

from linviz import Grid, make

from ..rig import Vector, adapter


def stored(vector: Vector, name: str) -> str:
    """A layer that pooling or batch normalisation follows is the first of a sequence."""
    return name if f"param.{name}.weight" in vector else f"{name}.0"


def normalised(vector: Vector, x: Tensor) -> Tensor:
    """The batch normalisation after W in evaluation mode, if there is one. x (B, N, C)."""
    if "param.W.1.running_var" not in vector:
        return x
    mean, var, weight, bias = (vector[f"param.W.1.{n}"] for n in ("running_mean", "running_var", "weight", "bias"))
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


@adapter("nonlocal_embedded_gaussian", "nonlocal_gaussian", "nonlocal_dot_product", "nonlocal_concatenation")
def non_local(vector: Vector):
    kind = vector.about["method"].removeprefix("nonlocal_").removesuffix("_product")
    x = vector["x"].flatten(2).mT  # (B, N, C)

    def layer(name: str):
        return lambda x: vector.layer(stored(vector, name))(x)[:, None]  # one head

    to_q, to_k, to_v = (layer(name) for name in ("theta", "phi", "g"))
    value_width = vector[f"param.{stored(vector, 'g')}.weight"].shape[0]
    width = x.shape[-1] if kind == "gaussian" else value_width
    m = make("nonlocal", 1, width, Grid(1, *vector["x"].shape[2:]), value_width=value_width, similarity=kind,
             pool=2 if vector.hyper["sub_sample"] else 1)
    if kind == "concatenation":
        m.mechanism.w.data = vector["param.concat_project.0.weight"].view(1, 2, width)
    q, k, v = m.project(x, to_q, to_k, to_v)
    a = m.map(q, k, v)
    o = normalised(vector, vector.layer(stored(vector, "W"))(m(q, k, v)[:, 0])) + x
    yield "out", o.mT.unflatten(-1, vector["x"].shape[2:]), vector["out"]
    yield "map", (a.inner if vector.hyper["sub_sample"] else a).dense()[:, 0], vector["attn"]


@adapter("bahdanau")
def bahdanau(vector: Vector):
    """One step of the decoder: its layer over [s; h] is W (with the bias) beside U."""
    s, h = vector["hidden"], vector["encoder_outputs"].transpose(0, 1)  # (B, width), (B, S, 2 encoder width)
    layer, width = vector["param.attn_fc.weight"], len(vector["param.attn_fc.weight"])
    W, U = layer.split([s.shape[-1], h.shape[-1]], 1)
    m = make("additive", 1, width, Grid(), key_grid=Grid(X=h.shape[1]), value_width=h.shape[-1])
    m.mechanism.w.data = vector["param.v_fc.weight"]
    q = s @ W.mT + vector["param.attn_fc.bias"]
    tensors: tuple[torch.Tensor, ...] = (q[:, None, None], (h @ U.mT)[:, None], h[:, None])
    yield "map", m.map(*tensors).dense()[:, 0, 0], vector["attn"]
    yield "context", m(*tensors)[:, 0, 0], vector["context"]
