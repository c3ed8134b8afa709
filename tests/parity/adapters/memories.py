"""Memories that fade and are overwritten: maps, outputs, and the memory after the last token, step by step."""
import torch
from torch import Tensor
from torch.nn.functional import silu

from linviz import Grid, make

from ..rig import Vector, adapter, merge, split


def heads_of(x: Tensor, count: int) -> Tensor:
    """Fewer heads, each repeated for the heads that it serves."""
    return x.repeat_interleave(count // x.shape[1], 1)


def made(name: str, q: Tensor, v: Tensor, **options):
    return make(name, v.shape[1], q.shape[-1], Grid(X=q.shape[-2]), value_width=v.shape[-1], **options).double()


def compared(vector: Vector, m, q: Tensor, k: Tensor, v: Tensor, **given):
    """Map, output, and the memory after all tokens one by one."""
    yield "attn", m.map(q, k, v, **given).dense(), vector["attn"]
    yield "out", m(q, k, v, **given), vector["out"]
    if "state" in vector:
        yield "state", last_state(m, q, k, v, **given), vector["state"]


def last_state(m, q: Tensor, k: Tensor, v: Tensor, **given) -> Tensor:
    state = None
    for i in range(q.shape[-2]):
        at = slice(i, i + 1)
        state, _ = m.step(state, *(x[..., at, :] for x in (q, k, v)), **{n: x[:, :, at] for n, x in given.items()})
    return state.S


def root_mean_square(x: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)


@adapter("retention")
def retention(vector: Vector):
    q, k, v = (vector[name] for name in "qkv")
    m = made("retention", q, v, rotate=False)
    yield "rates", torch.tensor(m.mechanism.log_rates(), dtype=q.dtype).exp(), vector["gamma"]
    yield from compared(vector, m, q, k, v)


@adapter("lightning")
def lightning(vector: Vector):
    q, k, v = (vector[name] for name in "qkv")
    m = made("retention", q, v, slopes="lightning")
    yield "slopes", -torch.tensor(m.mechanism.log_rates(), dtype=q.dtype), vector["slopes"]
    yield from compared(vector, m, q, k, v)


@adapter("retention_torchscale")
def retention_torchscale(vector: Vector):
    """Its two divisors, its norm, gate and last layer surround the map; q and k are turned by linviz."""
    h, x, H = vector.hyper, vector["x"], vector.hyper["H"]
    q, k, v = (split(vector.layer(f"{name}_proj")(x), H) for name in "qkv")
    m = made("retention", q, v)
    yield "q turned", m.mechanism.turned(q, 0), vector["q_rot"]
    yield "k turned", m.mechanism.turned(k, 0) * q.shape[-1] ** -0.5, vector["k_rot"]
    a, ones = m.map(q, k, v).dense(), torch.ones_like(q)
    fading = made("retention", q, v, rotate=False, scale=1 / q.shape[-1]).map(ones, ones, v)
    divisor = fading.row_sums().sqrt().unsqueeze(-1)
    divisor = divisor * (a / divisor).abs().sum(-1, keepdim=True).clamp(1, 5e4)
    yield "attn", a / divisor, vector["attn"]
    yield "retained", m(q, k, v) / divisor, vector["retained"]
    o = merge(root_mean_square(m(q, k, v) / divisor, h["layernorm_eps"]))
    yield "out", vector.layer("out_proj")(silu(vector.layer("g_proj")(x)) * o), vector["out"]


@adapter("lightning_minimax")
def lightning_minimax(vector: Vector):
    """SiLU before the map, norm, gate and last layer after it; of each head's 3 D channels, first q, then k, then v."""
    h, x, H = vector.hyper, vector["x"], vector.hyper["H"]
    q, k, v = (part.transpose(1, 2) for part in silu(vector.layer("qkv_proj")(x)).unflatten(-1, (H, -1)).chunk(3, -1))
    m = made("retention", q, v, slopes="minimax", layer=h["layer_idx"], layers=h["num_hidden_layers"])
    yield "slope", -torch.tensor(m.mechanism.log_rates(), dtype=q.dtype), vector["slope"].flatten()
    yield "attn", m.map(q, k, v).dense(), vector["attn"]
    o = root_mean_square(merge(m(q, k, v)), h["norm_eps"]) * vector["param.norm.weight"]
    yield "out", vector.layer("out_proj")(vector.layer("output_gate")(x).sigmoid() * o), vector["out"]


@adapter("gla")
def gla(vector: Vector):
    q, k, v = (vector[name] for name in "qkv")
    yield from compared(vector, made("gla", q, v), q, k, v, log_decay=vector["g"])


@adapter("mamba2")
def mamba2(vector: Vector):
    q, k, v = (vector[name] for name in "CBx")
    m = made("mamba2", q, v, skip=False)
    m.mechanism.log_a.data = (-vector["A"]).log().view(-1, 1, 1)
    yield from compared(vector, m, q, k, v, dt=vector["dt"])


@adapter("nc_ssd")
def unordered(vector: Vector):
    """VSSD: all heads share q and k."""
    v, dt = vector["x"].transpose(1, 2), vector["dt"].transpose(1, 2)
    q, k = (vector[name][:, None].expand(-1, v.shape[1], -1, -1) for name in "CB")
    m = made("mamba2", q, v, scan="unordered")
    m.mechanism.log_a.data, m.mechanism.skip.data = (-vector["A"]).log().view(-1, 1, 1), vector["D"]
    yield "attn", m.map(q, k, v, dt=dt).dense(), vector["attn"]
    yield "out", m(q, k, v, dt=dt).transpose(1, 2), vector["out"]


@adapter("delta", "gated_delta", "kda")
def deltas(vector: Vector):
    v = vector["v"]
    q, k = (heads_of(vector[name], v.shape[1]) for name in "qk")
    given = {"beta": vector["beta"]} | ({"log_decay": vector["g"]} if "g" in vector else {})
    name = "delta" if "g" not in vector else "kda" if vector["g"].ndim == 4 else "gated_delta"
    yield from compared(vector, made(name, q, v, unit=False), q, k, v, **given)


@adapter("gated_delta_qwen")
def gated_delta_qwen(vector: Vector):
    """q and k come as they are, and get unit length inside."""
    v = vector["v"]
    q, k = (heads_of(vector[name], v.shape[1]) for name in "qk")
    yield from compared(vector, made("gated_delta", q, v), q, k, v, log_decay=vector["g"], beta=vector["beta"])


@adapter("frame_delta")
def frame_delta(vector: Vector):
    """SANA-WM: one step a frame; the map of rotated q and k over the row sums of the map of those that are not."""
    q, k, q_rot, k_rot, v = (vector[name].mT for name in ("q", "k", "q_rot", "k_rot", "v"))
    grid = Grid(vector.hyper["T"], 1, vector.hyper["tokens_per_frame"])
    m = make("gated_delta", q.shape[1], q.shape[-1], grid, scan="frames", unit=False, scale=1.0,
             value_width=v.shape[-1]).double()
    given = {"log_decay": vector["decay"].log(), "beta": vector["beta"].flatten(2)}
    sums = m.map(q, k, v, **given).row_sums().unsqueeze(-1)
    yield "denominator", sums.mT, vector["denominator"]
    yield "numerator", m(q_rot, k_rot, v, **given).mT, vector["numerator"]
    q_rot = q_rot / (sums + vector.hyper["eps"])
    yield "attn", m.map(q_rot, k_rot, v, **given).dense(), vector["attn"]
    yield "out", m(q_rot, k_rot, v, **given).mT, vector["out"]


@adapter("onnx_linear_attention")
def onnx(vector: Vector):
    """One operator, five methods. What a memory that is not empty at first still says is added: linviz starts empty."""
    h, (H, K) = vector.hyper, (vector.hyper["q_num_heads"], vector.hyper["kv_num_heads"])
    q, k, v = split(vector["query"], H), *(heads_of(split(vector[n], K), H) for n in ("key", "value"))
    given = {name: heads_of(split(vector[stored], K), H)
             for name, stored in (("log_decay", "decay"), ("beta", "beta")) if stored in vector}
    channels = given["log_decay"].shape[-1] > 1 if "log_decay" in given else False
    name = {"linear": "retention", "gated": "gla" if channels else "retention", "delta": "delta",
            "gated_delta": "kda" if channels else "gated_delta"}[h["update_rule"]]
    if h["update_rule"] == "linear":
        given["log_decay"] = torch.zeros(H, dtype=q.dtype)
    m = made(name, q, v, **({"rotate": False} if name == "retention" else {"unit": False} if "beta" in given else {}))
    yield "attn", m.map(q, k, v, **given).dense(), vector["attn"]
    past = vector["past_state"] if "past_state" in vector else None
    o = m(q, k, v, **given) + (0 if past is None else still_said(m, q, k, v, heads_of(past, H), given))
    yield "out", merge(o), vector["out"]


def still_said(m, q: Tensor, k: Tensor, v: Tensor, past: Tensor, given: dict) -> Tensor:
    """What every query reads of a memory that was there before, if nothing new is written: v = 0."""
    a = m.map(q, k, v, **given)
    return a.join(a.chunks.apply(a.cut(torch.zeros_like(v)), past))


@adapter("gdn2")
def gated_delta_2(vector: Vector):
    """No mechanism of linviz: its key that asks is not the key that writes. Its rule, in a loop, gives its map."""
    q, k, v = (vector[name] for name in "qkv")
    N, S, rows = q.shape[-2], torch.zeros(*k.shape[:2], k.shape[-1], q.shape[-2], dtype=k.dtype), []
    for i in range(N):
        asks, write = (vector["erase"][:, :, i] * k[:, :, i])[..., None], k[:, :, i, :, None]
        S = vector["g"][:, :, i, :, None].exp() * S
        new = torch.eye(N, dtype=k.dtype)[i] - asks.mT @ S
        S = S + write @ new
        rows.append(q[:, :, i, None] * q.shape[-1] ** -0.5 @ S)
    a = torch.cat(rows, -2)
    yield "attn", a, vector["attn"]
    yield "out", a @ (vector["write"] * v), vector["out"]
