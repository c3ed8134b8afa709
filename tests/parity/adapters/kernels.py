"""Linear Transformer (elu + 1) in parallel and step by step, LoFTR's same operator, efficient attention, Performer,
cosFormer."""
import torch

from linviz import Grid, make
from linviz.maps import CausalFactored, Features, Normaliser

from ..rig import Vector, adapter, merge, split


@adapter("linear_transformer")
def linear_transformer(vector: Vector):
    q, k, v = (vector[x] for x in "qkv")
    m = make("linear", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), value_width=v.shape[-1],
             causal=bool(vector.hyper.get("causal", vector.name.endswith("causal"))))
    yield "out", m(q, k, v), vector["out"]
    if "attn" in vector:
        yield "map", m.map(q, k, v).dense(), vector["attn"]
    if "state_S" in vector:
        yield from recurrent(vector, m)


def recurrent(vector: Vector, m):
    """The same, one token after the other: output and state after each."""
    state, out, states = None, [], []
    for token in zip(*(vector[x].split(1, -2) for x in "qkv"), strict=True):
        state, o = m.step(state, *token)
        out.append(o)
        states.append(state)
    yield "out, step by step", torch.cat(out, -2), vector["out"]
    yield "S", torch.stack([s.S for s in states], 2), vector["state_S"]
    yield "z", torch.stack([s.z for s in states], 2), vector["state_Z"]


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


KINDS = {"performer_relu": "relu", "performer_no_projection": "none"}


@adapter("performer_softmax", "performer_softmax_scaling1", "performer_relu", "performer_no_projection")
def performer(vector: Vector):
    q, k, v = (vector[x] for x in "qkv")
    kind, h = KINDS.get(vector.about["method"], "positive"), vector.hyper
    options = {} if kind == "none" else {"directions": len(vector["projection"]), "scaling": h.get("ortho_scaling", 0),
                                         "floor": h["kernel_epsilon" if kind == "relu" else "eps"]}
    m = make("performer", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), value_width=v.shape[-1], kind=kind,
             **options).double()
    if kind != "none":
        m.mechanism.w = vector["projection"]
    if h.get("causal"):
        yield from leak(vector, m, **options)
        return
    yield "out", m(q, k, v), vector["out"]
    yield "map", m.map(q, k, v).dense(), vector["attn"]
    if "phi_q" in vector:  # theirs are divided by sqrt(M), which cancels in a row
        for name, phi in zip("qk", m.mechanism.features(q, k), strict=True):
            yield f"phi of {name}", phi * phi.shape[-1] ** -0.5, vector[f"phi_{name}"]
    if h.get("ortho_scaling"):
        ours = make("performer", 1, q.shape[-1], Grid(), **options).double().mechanism.w
        assert torch.allclose(ours.norm(dim=-1), vector["projection"].norm(dim=-1), rtol=1e-6), "all are sqrt(D)"


def leak(vector: Vector, whole, **options):
    """The known fault of the causal form: the largest w.k is taken over all keys, the future too.

    With it their output is ours to the last digit; without it, as in linviz, the outputs differ, and a key
    that comes last and is large changes theirs from the first token on, ours never.
    """
    q, k, v = (vector[x] for x in "qkv")

    def theirs(k):
        """They add 1e-6 to every feature of the summed keys: 1e-6 phi(q).1 to a row sum."""
        phi_q, phi_k = (phi * phi.shape[-1] ** -0.5 for phi in whole.mechanism.features(q, k))
        sums = (phi_q * (phi_k.cumsum(-2) + 1e-6)).sum(-1, keepdim=True)
        return CausalFactored(Features(phi_q / sums, phi_k), Normaliser("none"), stochastic=False)

    yield "the fault, stated", theirs(k).apply(v), vector["out"]
    yield "its map", theirs(k).dense(), vector["attn"]
    ours = make("performer", q.shape[1], q.shape[-1], Grid(X=q.shape[-2]), causal=True, value_width=v.shape[-1],
                **options).double()
    ours.mechanism.w = vector["projection"]
    assert (ours(q, k, v) - vector["out"]).abs().max() > 1e-6, "no difference to state"
    later = k.clone()
    w = vector["projection"]
    later[..., -1, :] = 3 * w[w.norm(dim=-1).argmax()]
    past = slice(0, q.shape[-2] - 1)
    assert (theirs(later).apply(v) - theirs(k).apply(v))[..., past, :].abs().max() > 1e-4, "theirs does not leak"
    assert torch.equal(ours(q, later, v)[..., past, :], ours(q, k, v)[..., past, :]), "ours leaks"


@adapter("cosformer", "cosformer_causal", "cosformer_cross")
def cosformer(vector: Vector):
    """Stored sequence first; heads are folded into the batch."""
    h, H = vector.hyper, vector.hyper["num_heads"]
    q, k, v = (split(vector.layer(f"{name[0]}_proj")(vector[name].transpose(0, 1)), H)
               for name in ("query", "key", "value"))
    m = make("cosformer", H, q.shape[-1], Grid(X=q.shape[-2]), key_grid=Grid(X=k.shape[-2]), causal=h["causal"],
             value_width=v.shape[-1], eps=h["eps"])
    out = vector.layer("out_proj")(merge(m(q, k, v))).transpose(0, 1)
    yield "out", out, vector["out"]
    yield "out, the table first", out, vector["out_left_product"]
    yield "map", m.map(q, k, v).dense().flatten(0, 1), vector["attn"]
    for name, phi in zip("qk", m.mechanism.features(q, k), strict=True):
        yield f"phi of {name}", phi.flatten(0, 1), vector[f"{name}_cos"]
