"""Windows: blocks in raster order, local heads beside global ones, Swin's block."""
from torch import Tensor
from torch.nn.functional import gelu, layer_norm

from linviz import Grid, make
from linviz.models import AttentionLayer

from ..rig import Vector, adapter, fill


@adapter("local_window")
def local_window(vector: Vector):
    q, k, v = (vector[x] for x in "qkv")
    h = vector.hyper
    causal = h["look_forward"] == 0
    assert h["look_backward"] == 1 and h["look_forward"] in (0, 1)
    m = make("local", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), window=h["window"], causal=causal)
    yield "out", m(q, k, v), vector["out"]
    yield "map", m.map(q, k, v).dense(), vector["attn"]


@adapter("lat_selfattention_mixed")
def mixed(vector: Vector):
    x, h = vector["x"], vector.hyper
    layer = AttentionLayer("local_global", h["H"], x.shape[-1], Grid(X=x.shape[1]), width=h["D"], qkv_bias=False,
                           window=h["window"], local=h["local_heads"], causal=vector.name.endswith("causal"))
    fill(vector, {layer.to_q: "to_q", layer.to_k: "to_k", layer.to_v: "to_v", layer.out: "to_out"})
    yield "out", layer(x), vector["out"]


@adapter("swin_block")
def swin(vector: Vector):
    """The whole block, with norms and MLP. Their windows are rolled and masked by -100, ours are cut small."""
    h, x = vector.hyper, vector["x"]
    assert h["shift"] in (0, h["window"] // 2)
    scope = f"@{'shifted' if h['shift'] else 'window'}:{h['window']}"
    layer = AttentionLayer("swin" + scope, h["H"], h["C"], Grid(Y=h["R"], X=h["R"]))
    fill(vector, {layer.out: "attn.proj"})
    for part, weight, bias in zip((layer.to_q, layer.to_k, layer.to_v), vector["param.attn.qkv.weight"].chunk(3),
                                  vector["param.attn.qkv.bias"].chunk(3), strict=True):
        part.weight.data, part.bias.data = weight, bias
    layer.attention.mechanism.bias.data = vector["param.attn.relative_position_bias_table"]
    normed = norm(vector, x, "norm1")
    table = layer.map(normed).dense()
    yield "map", table, vector["attn_global"]
    index = vector["window_index"]  # (windows, W*W): their windows, read out of our table
    cut = table[:, :, index[:, :, None], index[:, None, :]].transpose(1, 2).flatten(0, 1)
    yield "windows", cut, vector["attn_windows"]
    y = x + layer(normed)
    yield "out", y + vector.layer("mlp.fc2")(gelu(vector.layer("mlp.fc1")(norm(vector, y, "norm2")))), vector["out"]


def norm(vector: Vector, x: Tensor, name: str) -> Tensor:
    return layer_norm(x, x.shape[-1:], vector[f"param.{name}.weight"], vector[f"param.{name}.bias"])
