"""Feature fixation: the baseline, the gate's three inputs, shared or separate, and both shifts."""
import math

from torch import Tensor

from linviz import Grid, make
from linviz.fixation import shift_channels
from linviz.mechanisms import Attention

from ..rig import Vector, adapter, merge, split

SEES = {"ff_baseline": "", "ff_gate_hist_self": "+gate:self", "ff_gate_hist_qk": "+gate:qk:shared",
        "ff_gate_shared": "+gate:shared"}


def gated(vector: Vector, spec: str, grid: Grid) -> Attention:
    """The mechanism with the stored gate in it; q_gate and k_gate are two layers, pgate is one for both."""
    h = vector.hyper
    m = make(spec, h["num_heads"], h["head_dim"], grid, shift_parts=h.get("shift_n_div"))
    if m.gate is not None:
        for side in "qk":
            stored = f"param.{side}_gate" if f"param.{side}_gate.weight" in vector else "param.pgate"
            for part in ("weight", "bias"):
                getattr(getattr(m.gate, side), part).data = vector[f"{stored}.{part}"]
    return m


def project(vector: Vector, x: Tensor) -> tuple[Tensor, ...]:
    return tuple(split(t, vector.hyper["num_heads"]) for t in vector.layer("qkv")(x).chunk(3, -1))


@adapter("ff_baseline", "ff_gate", "ff_gate_shared", "ff_gate_hist_self", "ff_gate_hist_qk")
def fixation(vector: Vector):
    key = max((k for k in SEES if vector.name.startswith(f"{k}_")), key=len, default=None)
    m = gated(vector, "relu_floor" + ("+gate" if key is None else SEES[key]), Grid(X=vector["x"].shape[1]))
    q, k, v = project(vector, vector["x"])
    yield "out", vector.layer("proj")(merge(m(q, k, v))), vector["out"]
    yield "map", m.map(q, k, v).dense(), vector["attn"]


@adapter("ff_gate_tshift")
def temporal(vector: Vector):
    """x is (B*T, N, C), frame by frame: attention in space, k and v shifted in time."""
    T, N = vector.hyper["n_segment"], vector["x"].shape[1]
    m = gated(vector, "relu_floor+gate+shift:time@space", Grid(T, 1, N))
    q, k, v = project(vector, vector["x"].reshape(-1, T * N, vector["x"].shape[-1]))
    yield "out", vector.layer("proj")(merge(m(q, k, v))).reshape(vector["out"].shape), vector["out"]
    yield "map", m.map(q, k, v).parts[0][2].dense(), vector["attn"]


@adapter("ff_gate_sshift")
def spatial(vector: Vector):
    """x is (B*places, T, C), place by place: attention in time, k and v shifted in space."""
    side, T = math.isqrt(vector.hyper["n_segment"]), vector["x"].shape[1]
    m = gated(vector, "relu_floor+gate+shift:space@time", Grid(T, side, side))
    x = vector["x"].unflatten(0, (-1, side * side)).transpose(1, 2).flatten(1, 2)  # (B, T*places, C)
    q, k, v = project(vector, x)
    out = vector.layer("proj")(merge(m(q, k, v)))
    yield "out", out.unflatten(1, (T, -1)).transpose(1, 2).flatten(0, 1), vector["out"]
    yield "map", m.map(q, k, v).parts[0][2].dense(), vector["attn"]


@adapter("ff_temporal_shift")
def temporal_shift(vector: Vector):
    x, T = vector["x"], vector.hyper["n_segment"]  # (B*T, H, N, E)
    tokens = x.unflatten(0, (-1, T)).transpose(1, 2).flatten(2, 3)
    ours = shift_channels(tokens, Grid(T, 1, x.shape[2]), "time", vector.hyper["n_div"])
    yield "out", ours.unflatten(2, (T, -1)).transpose(1, 2).flatten(0, 1), vector["out"]


@adapter("ff_spatial_shift")
def spatial_shift(vector: Vector):
    x, places = vector["x"], vector.hyper["n_segment"]  # (B*places, H, T, E)
    side, T = math.isqrt(places), x.shape[2]
    tokens = x.unflatten(0, (-1, places)).permute(0, 2, 3, 1, 4).flatten(2, 3)  # (B, H, T*places, E)
    ours = shift_channels(tokens, Grid(T, side, side), "space", vector.hyper["fold_div_used"])
    yield "out", ours.unflatten(2, (T, places)).permute(0, 3, 1, 2, 4).flatten(0, 1), vector["out"]
