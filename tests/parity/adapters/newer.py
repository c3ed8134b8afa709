"""Linear attention in pictures since 2024: contrast, norm-aware powers, rotations, agents, two polarities."""
import math

import torch
from torch import Tensor
from torch.nn.functional import elu, gelu, layer_norm, silu

from linviz import Grid, make

from ..rig import Vector, adapter, fill, merge, split


def grid_of(vector: Vector) -> Grid:
    rows, columns = vector.hyper["grid"]
    return Grid(1, rows, columns, vector.hyper.get("prefix", 0))


def branch(vector: Vector, name: str, m) -> None:
    """Put a stored depthwise convolution over all C channels into +conv."""
    weight, bias = vector[f"param.{name}.weight"], vector[f"param.{name}.bias"]
    m.mechanism.conv.data = weight.reshape(m.mechanism.conv.shape)
    m.mechanism.conv_bias.data = bias.reshape(m.mechanism.conv_bias.shape)


def from_picture(x: Tensor) -> Tensor:
    """(B, C, Y, X) -> (B, N, C)"""
    return x.flatten(2).mT


@adapter("mala")
def mala(vector: Vector):
    h, grid, x = vector.hyper, grid_of(vector), from_picture(vector["x"])
    q, k, v, gate = vector.layer("qkvo")(x).chunk(4, -1)
    q, k, v = (split(part, h["num_heads"]) for part in (q, k, v))
    options = {"rotate": h["rope"], "eps": h["eps"], "side": h["lepe_kernel"]}
    yield "attn", make("mala", h["num_heads"], h["head_dim"], grid, **options).map(q, k, v).dense(), vector["attn"]
    m = make("mala+conv", h["num_heads"], h["head_dim"], grid, **options).double()
    branch(vector, "lepe", m)
    out = vector.layer("proj")(merge(m(q, k, v)) * gate)
    yield "out", out, from_picture(vector["out"])


@adapter("rala")
def rala(vector: Vector):
    h, grid, x = vector.hyper, grid_of(vector), from_picture(vector["x"])
    q, k, v, _ = vector.layer("qkvo")(x).chunk(4, -1)
    q, k, v = (split(part, h["num_heads"]) for part in (q, k, v))
    C = x.shape[-1]
    m = make("rala+conv", h["num_heads"], h["head_dim"], grid, eps=h["eps"], side=h["lepe_kernel"], channels=C).double()
    branch(vector, "lepe", m)
    m.mechanism.modulate.weight.data = vector["param.qkvo.weight"].flatten(1)[3 * C:]
    m.mechanism.modulate.bias.data = vector["param.qkvo.bias"][3 * C:]
    yield "attn", m.map(q, k, v).shared.dense(), vector["attn"]
    weights = m.mechanism.key_weights(vector["kappa_q"], vector["kappa_k"])
    yield "key weights", weights.mT, vector["alpha"]
    yield "out", m.close(m(q, k, v), x, lambda o: vector.layer("proj")(merge(o))), from_picture(vector["out"])


@adapter("nala")
def nala(vector: Vector):
    h, grid, x = vector.hyper, grid_of(vector), from_picture(vector["x"])
    q, k, v, gate = vector.layer("qkvg")(x).chunk(4, -1)
    q, k, v = (split(part, h["num_heads"]) for part in (q, k, v))
    m = make("nala+conv", h["num_heads"], h["head_dim"], grid, rotate=h["rope"], side=h["lepe_kernel"],
             eps=h["eps"]).double()
    branch(vector, "lepe", m)
    yield "attn", m.map(q, k, v).shared.dense(), vector["attn"]
    weight, bias = vector["param.ln.weight"], vector["param.ln.bias"]
    normal = layer_norm(merge(m(q, k, v)), x.shape[-1:], weight, bias, h["ln_eps"])
    yield "out", vector.layer("out_proj")(normal * silu(gate)), from_picture(vector["out"])


@adapter("inline_pvt", "inline_deit", "inline_swin_relu")
def inline(vector: Vector):
    h, grid, x = vector.hyper, grid_of(vector), vector["x"]
    H, B = h["num_heads"], len(x)
    if "param.qkv.weight" in vector:
        q, k, v = vector.layer("qkv")(x).chunk(3, -1)
    else:
        q, (k, v) = vector.layer("q")(x), vector.layer("kv")(x).chunk(2, -1)
    q, k, v = (split(part, H) for part in (q, k, v))
    m = make("inline", H, h["head_dim"], grid, features=h["phi"])
    yield "attn", m.map(q, k, v).dense(), vector["attn"]
    kernel = kernels(vector, x.mean(1), H).view(B, H, h["head_dim"], h["conv_kernel"], h["conv_kernel"])
    yield "kernels", kernel.reshape(vector["conv_weight"].shape), vector["conv_weight"]
    yield "out", vector.layer("proj")(merge(m(q, k, v, kernel=kernel))), vector["out"]


def kernels(vector: Vector, mean: Tensor, groups: int) -> Tensor:
    """Two grouped linear layers of the mean token (B, C), gelu between them: one kernel per channel."""
    def grouped(x: Tensor, name: str) -> Tensor:
        weight = vector[f"param.{name}.weight"].squeeze(-1).unflatten(0, (groups, -1))  # (groups, out, in)
        y = torch.einsum("bgi,goi->bgo", x.unflatten(-1, (groups, -1)), weight).flatten(1)
        return y + vector[f"param.{name}.bias"]
    return grouped(gelu(grouped(mean, "residual.0")), "residual.2")


@adapter("mlla")
def mlla(vector: Vector):
    """v is x itself, and there is no layer after it."""
    h, grid, x = vector.hyper, grid_of(vector), vector["x"]
    q, k = vector.layer("qk")(x).chunk(2, -1)
    m = make("mlla+conv", h["num_heads"], h["head_dim"], grid, side=h["lepe_kernel"], eps=h["eps"]).double()
    branch(vector, "lepe", m)
    q, k, v = m.project(x, lambda x: split(q, h["num_heads"]), lambda x: split(k, h["num_heads"]), lambda x: x)
    yield "attn", m.map(q, k, v).shared.dense(), vector["attn"]
    yield "out", merge(m(q, k, v)), vector["out"]


@adapter("fastmax_p1", "fastmax_p2", "fastmax_p1_nonorm", "fastmax_p2_nonorm")
def fastmax(vector: Vector):
    """Causal vectors divide by the longest token of the whole clip: these q and k come divided."""
    h, (q, k, v) = vector.hyper, (vector[name] for name in "qkv")
    options = {"power": h["p"], "normalise": "largest" if h["normalize"] else "none"}
    if h["mask"]:
        q, k, options = vector["q_norm"], vector["k_norm"], {"power": h["p"], "causal": True}
    if options.get("normalise", "none") == "none":
        options["scale"] = 1.0
    m = make("fastmax", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), value_width=v.shape[-1], **options)
    yield "attn", m.map(q, k, v).dense(), vector["attn"]
    yield "out", m(q, k, v), vector["out"]


@adapter("fastmax_einops_p1", "fastmax_einops_p2")
def fastmax_einops(vector: Vector):
    h, (q, k, v) = vector.hyper, (vector[name] for name in "qkv")
    size = (q.shape[1], q.shape[-1], Grid(X=q.shape[-2]))
    options = {"value_width": v.shape[-1], "power": h["p"], "causal": bool(h["mask"]), "normalise": "none"}
    m = make("fastmax", *size, scale=1 / h["normalize_term_effective"], **options)
    yield "attn", m.map(q, k, v).dense(), vector["attn"]
    yield "out", m(q, k, v), vector["out"]
    m = make("fastmax", *size, scale=1.0, **options)
    yield "normalised", m(vector["q_normalized"], vector["k_normalized"], v), vector["out_normalized"]
    if not h["mask"]:
        m = make("fastmax", *size, **options | {"normalise": "centred"})
        yield "centred by linviz", m(q, k, v), vector["out_normalized"]


@adapter("agent_pvt", "agent_deit")
def agent(vector: Vector):
    """Coarser keys: the official convolution stretches v in the picture first, which no map of linviz does."""
    h, grid, H = vector.hyper, grid_of(vector), vector.hyper["num_heads"]
    rows, columns = h["key_grid"]
    keys = Grid(1, rows, columns, h["prefix"])
    q, k, v = (vector[name] for name in "qkv")
    spec = "agent+conv" if keys == grid else "agent"
    m = make(spec, H, h["head_dim"], grid, key_grid=keys, agents=math.isqrt(h["agent_num"]),
             side=h["dwc_kernel"]).double()
    m.mechanism.b.data, m.mechanism.c.data = vector["bias_qa"][0], vector["bias_ak"][0]
    yield "agents", m.mechanism.pool_queries(q), vector["agents"]
    a = m.map(q, k, v)
    yield "attn", (a.shared or a).dense(), vector["attn"]
    if keys == grid:
        branch(vector, "dwc", m)
        yield "out", vector.layer("proj")(merge(m(q, k, v))), vector["out"]
    else:
        yield "lin_out", merge(a.apply(v)), vector["lin_out"]
        yield "out", vector.layer("proj")(merge(a.apply(v)) + vector["dwc_out"]), vector["out"]


@adapter("pola_pvt", "pola_swin")
def pola(vector: Vector):
    h, grid, x = vector.hyper, grid_of(vector), vector["x"]
    H, D = h["num_heads"], h["head_dim"]
    m = make("pola+conv", H, D, grid, side=h["kernel_size"], eps=h["eps"]).double()
    m.mechanism.P.data = vector["param.power"][0]
    m.mechanism.gamma.data = vector["param.scale"].view(H, 1, D)
    m.mechanism.places.data = vector["param.positional_encoding"].view(-1, H, D).transpose(0, 1)
    m.mechanism.conv.data = vector["param.dwc.weight"].squeeze(1).expand(H, -1, -1, -1)
    m.mechanism.conv_bias.data = vector["param.dwc.bias"].expand(H, 1, -1)
    if "param.qg.weight" in vector:
        (q, gate), (k, v) = vector.layer("qg")(x).chunk(2, -1), vector.layer("kv")(x).chunk(2, -1)
    else:
        q, k, v, gate = vector.layer("qkvg")(x).chunk(4, -1)
    q, k, v = (split(part, H) for part in (q, k, v))
    same, opposite = (part.dense() for _, part in m.map(q, k, v).parts[0].parts)
    yield "attn_same", same, vector["attn_same"]
    yield "attn_opp", opposite, vector["attn_opp"]
    yield "out", vector.layer("proj")(merge(m(q, k, v)) * gate), vector["out"]


@adapter("mhla_image", "mhla_video")
def mhla(vector: Vector):
    """As the method means it; the fault of the code, other blocks' queries in the divisor, is stated at the end.

    In pictures, their tokens are stored block after block: put in raster order first.
    """
    h, H, video = vector.hyper, vector.hyper["num_heads"], "block_layout" in vector.hyper
    sides = h["grid"] if video else [1, *h["grid"]]
    layout = h["block_layout"] if video else [1, *(n // h["block_side"] for n in h["grid"])]
    grid, block = Grid(*sides), [n // m for n, m in zip(sides, layout, strict=True)]
    m = make("mhla", H, h["head_dim"], grid, block=block[1], frames=block[0], rotate=video, eps=h["eps"]).double()
    m.mechanism.C.data = vector["mixing"]
    number = m.mechanism.block_numbers(grid)
    order = torch.arange(len(grid)) if video else number.argsort(stable=True)
    yield "blocks", number[order].double() + 1, vector["block"].double() + 1
    back = order.argsort()
    q, k, v = (vector[name][..., back, :] - floor for name, floor in (("phi_q", 1e-6), ("phi_k", 1e-6), ("v", 0)))
    a = m.map(q, k, v)
    dense = a.dense()[..., order, :][..., order]
    yield "attn", dense, vector["attn"]
    o = merge(a.apply(v))[:, order]
    if video:
        normal = o.unflatten(-1, (H, -1))
        normal = normal * (normal.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * vector["param.g_norm.weight"]
        yield "out", vector.layer("o")(normal.flatten(2) * vector["gate"]), vector["out_meant"]
    else:
        out = vector.layer("to_out.0")(o + vector["lepe"].flatten(1, 2))
        yield "out", out, vector["out_meant"].flatten(1, 2)
    assert (dense - vector["attn_code"]).abs().max() > 1e-3, "the public code has the fault that the page names"


@adapter("gauss")
def gauss(vector: Vector):
    """Gaussian heads come last; two shapes with a separator between them."""
    h, points = vector.hyper, vector["points"]
    n, count = points.shape[1], vector.hyper["gaussian_heads"]
    parts = torch.tensor([0] * (n // 2) + [-1] + [1] * (n // 2))
    x, v = torch.zeros(1, count, n, h["dim_head"]), split(vector["x"], h["heads"])[:, -count:]
    for b in range(len(points)):
        m = make("gaussian", count, h["dim_head"], Grid(X=n), form="logits").double()
        m.mechanism.sigma = vector["sigmas"].flatten()
        a = m.map(x, x, v[[b]], positions=points[b], parts=parts)
        yield f"Gaussian heads of clip {b}", a.dense(), vector["attn"][[b], -count:]


@adapter("gat_dense")
def gat(vector: Vector):
    """One head, q = k = v = x W; the output goes through elu."""
    x = (vector["x"] @ vector["param.W"])[None, None]
    width = x.shape[-1]
    m = make("graph", 1, width, Grid(X=x.shape[-2])).double()
    m.mechanism.a.data, m.mechanism.b.data = (part.T for part in vector["param.a"].split(width))
    edges = vector["adj"].nonzero().T
    yield "attn", m.map(x, x, x, edges=edges).dense()[0, 0], vector["attn"]
    out = elu(m(x, x, x, edges=edges)[0, 0])
    yield "out", out, vector["out"]
    fault = (out - vector["out_sparse_variant"]).abs().max()
    assert fault > 1e-3, "the sparse variant has the fault that the page names: the opposite order"


@adapter("dapev2_alibi", "dapev2_kerple", "dapev2_fire")
def dape(vector: Vector):
    """Scores above the diagonal are masked later and mean nothing."""
    h, (q, k, v) = vector.hyper, (vector[name] for name in "qkv")
    bias = vector.name.split("_")[1]
    m = make("dape", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), causal=True, bias=bias, side=h["dapev2_kernel"],
             channels_inside=h["mlp_width"], value_width=v.shape[-1]).double()
    stored = {"first.weight": "mlp2.0.weight", "first.bias": "mlp2.0.bias", "second.weight": "mlp2.2.weight",
              "second.bias": "mlp2.2.bias"}
    for own, theirs in stored.items():
        m.mechanism.get_parameter(own).data = vector[f"param.{theirs}"]
    if bias == "alibi":
        m.mechanism.slopes = vector["buffer.slopes"]
    elif bias == "kerple":
        m.mechanism.p.data, m.mechanism.a.data = (vector[f"param.bias_{x}"].flatten() for x in "pa")
    else:
        m.mechanism.c.data = vector["param.c"]
        m.mechanism.L.data = vector["param.init_L"] * vector["param.L_multiplier"]
        for own in ("mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias"):
            m.mechanism.get_parameter(own).data = vector[f"param.{own}"]
    x = m.mechanism.scores(q, k, torch.arange(q.shape[-2]))
    yield "scores", x.tril(), vector["scores_out"].tril()
    yield "attn", m.map(q, k, v).dense(), vector["attn"]
    yield "out", m(q, k, v), vector["out"]


def rms_normed(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt() * weight


@adapter("sana_image", "sana_video", "sana_chunk", "sana_video2")
def sana(vector: Vector):
    """q and k are normalised over all channels before they are split into heads."""
    h, x, H = vector.hyper, vector["x"], vector.hyper["num_heads"]
    q, k, v = vector.layer("qkv")(x).chunk(3, -1)
    if h["qk_norm"]:
        q, k = (rms_normed(part, vector[f"param.{n}_norm.weight"], h["norm_eps"]) for n, part in (("q", q), ("k", k)))
    q, k, v = (split(part, H) for part in (q, k, v))
    yield "q", q, vector["q"]
    yield "k", k, vector["k"]
    second = "beta" in vector
    m = make("sana", H, h["head_dim"], Grid(*h["grid"]), rotate=h.get("rope", True), eps=h["eps"],
             chunk=h.get("chunk_index", 0), version=1 + second, channels=x.shape[-1]).double()
    if "chunk_of_token" in vector:
        yield "chunks", m.mechanism.chunk_numbers().double() + 1, vector["chunk_of_token"].double() + 1
    context = {}
    if second:
        context["beta"] = split(vector.layer("beta_proj")(x).sigmoid(), H)
        fill(vector, {m.mechanism.output_gate: "output_gate"})
        m.mechanism.norm.data = vector["param.o_norm.weight"]
    yield "attn", m.map(q, k, v, **context).dense(), vector["attn"]
    out = m.close(m(q, k, v, **context), x, lambda o: vector.layer("proj")(merge(o)))
    yield "out", out, vector["out"]


def batches(x: Tensor) -> Tensor:
    """(B*H, N, D) -> (B*H, 1, N, D)"""
    return x.unsqueeze(1)


@adapter("reformer_lsh", "reformer_fullqk")
def reformer(vector: Vector):
    """Every head has the same rotations. The file's name says whether it is causal and whether duplicates count."""
    qk, v, h, case = batches(vector["qk"]), batches(vector["v"]), vector.hyper, vector.name
    options = {"full": True}
    if "rotations" in vector:
        options = {"rounds": h["n_hashes"], "chunk": h["bucket_size"], "duplicates": "_nodup" not in case}
    m = make("reformer", 1, qk.shape[-1], Grid(X=qk.shape[-2]), value_width=v.shape[-1], causal="_causal" in case,
             **options).double()
    context = {}
    if "rotations" in vector:
        m.mechanism.R = vector["rotations"][0]
        context["buckets"] = batches(vector["buckets"])
        yield "buckets", m.mechanism.hashes(qk).double() + 1, context["buckets"].double() + 1
    yield "attn", m.map(qk, qk, v, **context).dense(), batches(vector["attn"])
    yield "out", m(qk, qk, v, **context), batches(vector["out"])


@adapter("sla", "sla1")
def sla(vector: Vector):
    """Two maps; the projection between them mixes channels, so it is outside. Blocks are strips of a grid of one row.

    The linear part of `sla` goes over all keys, which is not the form here: its stored output is taken.
    """
    h, (q, k, v) = vector.hyper, (vector[name] for name in "qkv")
    size = (h["num_heads"], h["head_dim"], Grid(X=q.shape[-2]))
    options = {"keep": h["topk"], "block": h["BLKK"], "query_block": h["BLKQ"], "value_width": v.shape[-1],
               "features": {"elu": "elu1"}.get(h["feature_map"], h["feature_map"])}
    few = make("sla", *size, alpha=1, **options).map(q, k, v)
    yield "attn_sparse", few.dense(), vector["attn_sparse"]
    if vector.name.startswith("sla1"):
        rest = make("sla", *size, alpha=0, **options).map(q, k, v)
        yield "attn_linear", rest.dense(), vector["attn_linear"]
    o = rest.apply(v) if vector.name.startswith("sla1") else vector["o_linear"]
    yield "out", few.apply(v) + vector.layer("proj_l")(o), vector["out"]
