"""Attention-free transformers, and two public versions of them that compute something else."""
import torch
from torch import Tensor

from linviz import Grid, make
from linviz.models import AttentionLayer

from ..rig import Vector, adapter, fill

LAYERS = {"to_q": "to_q", "to_k": "to_k", "to_v": "to_v", "out": "project"}
LABML = {"to_q": "query", "to_k": "key", "to_v": "value", "out": "output"}


def layered(vector: Vector, spec: str, names: dict[str, str] = LAYERS, **options) -> AttentionLayer:
    """A layer with one head, as wide as the stored key map."""
    x, width = vector["x"], len(vector[f"param.{names['to_k']}.weight"])
    layer = AttentionLayer(spec, 1, x.shape[-1], Grid(X=x.shape[1]), width=width, **options)
    fill(vector, {getattr(layer, ours): theirs for ours, theirs in names.items()})
    return layer


@adapter("aft_simple")
def simple(vector: Vector):
    yield "out", layered(vector, "aft_simple")(vector["x"]), vector["out"]


@adapter("aft_full")
def full(vector: Vector):
    layer = layered(vector, "aft_full")
    layer.attention.mechanism.table.data = vector["param.wbias"]
    yield "out", layer(vector["x"]), vector["out"]


def band(table: Tensor, reach: int) -> Tensor:
    """The diagonals of a table (N, N) that lie at most `reach` away: (N, 2 reach + 1), zero outside."""
    N = len(table)
    index = torch.arange(N)[:, None] + torch.arange(-reach, reach + 1)
    return table.gather(1, index.clamp(0, N - 1)) * ((index >= 0) & (index < N))


@adapter("aft_local")
def local(vector: Vector):
    layer = layered(vector, "aft_local", window=vector.hyper["s"])
    m = layer.attention.mechanism
    m.band.data = band(vector["param.wbias"], m.reach)
    yield "out", layer(vector["x"]), vector["out"]
    yield "band", m.band.data, band(vector["wbias_after_forward"], m.reach)


@adapter("aft_local_labml")
def labml(vector: Vector):
    causal = not bool(vector["mask"].all())
    assert not causal or torch.equal(vector["mask"], torch.ones_like(vector["mask"]).tril())
    layer = layered(vector, "aft_local", LABML, window=vector.hyper["s"], causal=causal)
    m = layer.attention.mechanism
    m.band.data = band(vector["param.pos_bias"], m.reach)
    yield "out", layer(vector["x"]), vector["out"]


@adapter("aft_full_idiap")
def full_multiplied(vector: Vector):
    """A fault: fast-transformers multiplies k by w, where the paper and its own comment add w to k."""
    q, k, v = (vector[x] for x in "qkv")
    N, D = q.shape[-2:]
    m = make("aft_full", q.shape[1], D, Grid(X=N), factors=vector["param.u"].shape[1])
    m.mechanism.table.data, m.mechanism.factor.data = vector["param.u"][:N], vector["param.v"][:N]
    w = m.mechanism.w
    multiplied = torch.einsum("bhjc,ij->bhcij", k, w).softmax(-1)
    yield "k times w", q.sigmoid() * torch.einsum("bhcij,bhjc->bhic", multiplied, v), vector["out"]
    added = (k.mT.unsqueeze(-2) + w).softmax(-1)
    yield "k plus w", m(q, k, v), q.sigmoid() * torch.einsum("bhcij,bhjc->bhic", added, v)
    assert (m(q, k, v) - vector["out"]).abs().max() > 1e-3 * vector["out"].abs().max(), "the fault makes no difference"


@adapter("aft_simple_idiap")
def simple_idiap(vector: Vector):
    """Not causal: as in the paper. Causal, a fault: each key is divided by its own running sum, then they are added."""
    q, k, v = (vector[x] for x in "qkv")
    causal = vector.name.endswith("causal")
    ours = make("aft_simple", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), causal=causal)(q, k, v)
    if not causal:
        yield "out", ours, vector["out"].expand_as(ours)
        return
    e = (k - k.amax(-2, keepdim=True)).exp()
    yield "keys over their own sums", q.sigmoid() * (e / e.cumsum(-2) * v).cumsum(-2), vector["out"]
    yield "one sum a row", ours, q.sigmoid() * (e * v).cumsum(-2) / e.cumsum(-2)
    assert (ours - vector["out"]).abs().max() > 1e-3 * vector["out"].abs().max(), "the fault makes no difference"
