# %% [markdown] tags=["front"]
# title = "Feature fixation I: the gate"
# lead = '''
# Softmax attention concentrates on few patches. Linear attention, on the same queries and keys, spreads over the whole
# picture. This chapter takes one photograph, explains why this happens, and studies one small remedy: a gate that
# decides for every patch which features count.
# '''
# questions = [
#     "Why does linear attention look at every patch a little?",
#     "How can a gate on single features concentrate attention without the table of all pairs?",
#     "Which part of the gate does the work, and which part has no effect at all?",
# ]
# prerequisites = [
#     "matrices, and a little torch.",
#     "The idea of linear attention (chapter 4) helps; this chapter repeats what it needs of it.",
# ]
# minutes = {reading = 45, exercises = 45, quiz = 5}
# key_points = [
#     "A floor under the features puts a floor under every weight: every patch keeps some weight, and none stands out.",
#     "A gate is a linear layer and a sigmoid on each side. It reads q, k and v of a patch and weights its features.",
#     "The gate multiplies the factors, so the bracket still moves: cost and rank bound are those of linear attention.",
#     "What is constant cancels. Only differences between channels and, on the key side, between patches matter.",
#     "Fitted to softmax, the gate is nearly shut everywhere, and it works like an exponential of each feature.",
#     "Compare every claim about a gate with three controls: no floor, a constant gate, a random gate.",
# ]
#
# [objectives]
# floor = "explain why a floor under the features keeps every patch lit"
# gate = "compute fixation ratios from queries, keys and values"
# bracket = "apply a gate without ever writing the table of all pairs"
# strength = "measure in bits what a gate does at any strength"
# cancel = "recognise which part of a gate cancels, and build a gate that does nothing"
# rank = "say what a gate can and cannot do to the rank of a map"
# judge = "judge a claim about a gate by its controls"

# %% [markdown]
# ## 1 · Almost uniform attention
#
# The picture is a photograph, cut into 28 × 28 patches. Each patch is described by 16 plain numbers: its colour, how
# much the colour varies, the directions of its edges, and its place. These numbers serve as queries and as keys;
# nothing was learned. In attention every patch (a *query*) distributes one unit of attention over all patches (the
# *keys*).
#
# > **Predict before you run.** The second panel gets the same queries and keys as the first. It only replaces the
# > exponential of softmax by a product of features. The query is a patch at the corner of one eye: will it still find
# > the other eye? (Chapter 0 has shown the answer.) The third panel keeps these features and lets each patch *dim*
# > some of its own features. No feature is ever made larger. Can dimming bring the other eye back?

# %%
import torch

import linviz
from linviz import clips
from linviz.concentration import divergence, entropy
from linviz.cost import flops
from linviz.course import Live, checks, number, quizzes, say, show, table
from linviz.course.scenes import common
from linviz.figures import Line, curves, ratios, spectrum
from linviz.maps import Features, KernelMap, Normaliser
from linviz.models import fit_gate
from linviz.patch_view import Panel, PatchView, gate_snapshots

torch.set_num_threads(1)
opening = clips.OPENING
grid = opening.grid                                          # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(photo, grid, opening.temperature)  # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)                       # at the corner of the eye

soft, floor, gated = (linviz.make(spec, heads=1, width=D, grid=grid)
                      for spec in ("softmax", "relu_floor", "relu_floor+gate"))
target = soft.map(q, k, v)
fit = fit_gate(gated, target, q, k, v)                       # explained in section 5
gated = gated.requires_grad_(False)


def bits(a) -> tuple[float, float]:
    """Mean over all queries: entropy of the map, and its divergence from softmax."""
    rows = a.dense()
    return entropy(rows).mean().item(), divergence(rows, target.dense()).mean().item()

# %% [markdown]
# Move the mouse over the picture: every panel is lit by the attention of the patch under the mouse. Click to pin a
# patch; the arrow keys move the pin. Then move the slider of the third panel to the left and back.

# %%
gate_panel = Panel(gated.title, gated.family, gated.map(q, k, v),
                   gate=gate_snapshots(fit, q, k, v))
PatchView([Panel(soft.title, soft.family, target),
           Panel(floor.title, floor.family, floor.map(q, k, v)), gate_panel],
          photo, grid, query=query)

# %%
readings = {method.title: linviz.read(method, q, k, v).summary()
            for method in (soft, floor, gated)}
say(table(["", "entropy, bits", "as many patches as", "share of the top ten"],
          [[title, number(x["entropy"], ".2f"), f"{2 ** x['entropy']:.0f}",
            number(100 * x["top_share"], ".0f") + " %"]
           for title, x in readings.items()]))
say(f"These are means over all {N} queries. Uniform attention has "
    f"{torch.tensor(N).log2():.2f} bits.")
in_bits = [readings[method.title]["entropy"] for method in (floor, gated, soft)]
assert in_bits == sorted(in_bits, reverse=True)

# %% [markdown]
# **Entropy** says in bits how widely a row is spread. A row that looks at $n$ patches equally has $\log_2 n$ bits, so
# one bit less means half as many patches. ("As many patches as" is two to the mean of the bits. Chapter 0 took two to
# the bits of each row and then the mean, and so it found larger numbers: see chapter 11, section 6.) The row of the
# floor is almost uniform for every query. The gate brings most of the concentration back, with the same queries and
# keys and the same kind of product. The rest of the chapter explains how.
#
# [The same view in the
# explorer](http://localhost:8501/?source=chelsea&patches=28&specs=softmax,relu_floor,relu_floor%2Bgate), with other
# photographs, clips and settings (start the explorer with `python3 start.py explore`).

# %% [markdown]
# ## 2 · The floor keeps every patch lit
#
# Softmax gives the pair $(i, j)$ the weight $\exp(q_i \cdot k_j)$. A **kernel** gives it a product of features,
# $\phi(q_i) \cdot \phi(k_j)$. Both then divide by the sum of the row, so that each row sums to one:
#
# $$A_{ij} = \frac{\phi(q_i)\cdot\phi(k_j)}{\sum_l \phi(q_i)\cdot\phi(k_l)} \qquad\text{with}\qquad
# \phi(x) = \max(x, 0) + \tfrac{1}{\sqrt D}.$$
#
# The term $1/\sqrt D$ is the floor. It avoids empty rows: without it, a patch without any positive channel would have
# a row of zeros. But the floor affects every pair. In each of the $D$ channels both sides have at least $1/\sqrt D$,
# so
#
# $$\phi(q_i)\cdot\phi(k_j) \;\ge\; D \cdot \tfrac{1}{\sqrt D}\cdot\tfrac{1}{\sqrt D} = 1 \qquad\text{for every pair.}$$
#
# However different two patches are, their pair always has at least one unit of weight.
#
# > **Predict.** Sort the weights of our query from largest to smallest and measure them in *fair shares*: 1 is the
# > weight that uniform attention would give. Softmax gives its favourite patch more than a hundred fair shares. How
# > many does the floor give to its favourite: 100, 20, or 4?

# %%
steep, flat = (common.sorted_row(method.map(q, k, v), query)
               for method in (soft, floor))
show(curves.weight_curves([common.mechanism_curve(soft, steep),
                           common.mechanism_curve(floor, flat)],
                          title="The floor raises small weights and limits large ones"))
say(f"Under the floor the largest weight is **{flat[0]:.1f}** fair shares, and the "
    f"smallest still {flat[-1]:.2f}. Under softmax they are {steep[0]:.0f} and "
    f"{steep[-1]:.4f}.")
assert flat[0] < 5 and steep[0] > 100

# %% [markdown] tags=["exercise"]
# number = "13.1"
# title = "Features with a floor"
# difficulty = 1
# importance = 4
# minutes = 5
# objectives = ["floor"]
# methods = ["relu_floor"]
# task = '''
# Write $\phi$ for a whole table of tokens: `x` is $N \times D$, one row per token. Treat each number on its own.
# Replace negative numbers by 0, then add the floor $1/\sqrt D$.
# '''
# hints = [
# '''
# There are two steps, and neither mixes channels or tokens. Which size of `x` is $D$?
# ''',
# '''
# $\phi(x) = \mathrm{relu}(x) + D^{-1/2}$, where $D$ is the length of the last axis.
# ''',
# '''
# `x.relu()` plus `x.shape[-1]` to the power of minus one half.
# ''',
# ]
# see = "The check says *right*. The next cell finds no product of two patches below 1."

# %% tags=["answer:13.1"]
from jaxtyping import Float
from torch import Tensor


def features(x: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """phi(x) = max(x, 0) + 1/sqrt(D), number by number."""
    # solution
    return x.relu() + x.shape[-1] ** -0.5
    # end


checks.features(features)

# %% tags=["needs:13.1", "derives:relu_floor"]
products = features(q[0, 0]) @ features(k[0, 0]).mT          # all pairs, once
mine = products / products.sum(-1, keepdim=True)
theirs = linviz.make("relu_floor", heads=1, width=D, grid=grid).map(q, k, v)
assert torch.allclose(mine, theirs.dense()[0, 0], atol=1e-6)
say(f"The smallest of the {products.numel():,} products is **{products.min():.3f}**, "
    f"the largest {products.max():.1f}.")
assert products.min() > 1 - 1e-5

# %% [markdown]
# ## 3 · The gate
#
# Perhaps not every feature should count for every patch. For a patch on a whisker, the direction of its edges may say
# much and its colour little. For a patch of plain fur it may be the other way round. *Feature fixation* lets each
# patch decide. From its own query, key and value each patch computes a number between 0 and 1 for every feature, the
# **fixation ratio**:
#
# $$z_i = W\,[\phi(q_i);\ \phi(k_i);\ v_i] + b \qquad r_i = \frac{1}{1 + e^{-z_i}} \qquad
# \hat q_i = r^q_i \odot \phi(q_i) \qquad \hat k_i = r^k_i \odot \phi(k_i)$$
#
# The three vectors are joined into one; $\odot$ multiplies number by number. The numbers $z$ are called **logits**. The
# function that maps them to numbers between 0 and 1 is the **sigmoid** $\sigma(z) = 1 / (1 + e^{-z})$.
#
# There is one linear layer ($W$, $b$) for the query side ($r^q$) and one for the key side ($r^k$). Then attention
# goes on as before, with $\hat q$ and $\hat k$ in place of $\phi(q)$ and $\phi(k)$. Note three things. The gate is
# not a mask over patches: it weights *features*. It does not change $v$, it only reads $v$. And no patch needs
# another patch to compute its ratios.
#
# The next cell computes the row of one query directly from these equations, one key after the other. The code is
# slow, but it contains the whole method:

# %%
phi = floor.mechanism.features                               # relu + floor, as in 13.1
phi_q, phi_k = (x[0, 0].double() for x in phi(q, k))
values = v[0, 0].double()
layers = {side: (getattr(gated.gate, side).weight.double(),
                 getattr(gated.gate, side).bias.double()) for side in "qk"}


def ratio(i: int, side: str) -> Float[Tensor, "M"]:
    W, b = layers[side]
    return torch.sigmoid(W @ torch.cat((phi_q[i], phi_k[i], values[i])) + b)


q_hat = ratio(query, "q") * phi_q[query]
weights = torch.stack([q_hat @ (ratio(j, "k") * phi_k[j]) for j in range(N)])
row = weights / (weights.sum() + 1e-6)

theirs = gated.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0]
assert torch.allclose(row.float(), theirs, rtol=1e-3, atol=1e-7)
say(f"{N} weights from the equations and from linviz: the largest difference is "
    f"{(row - theirs).abs().max():.0e}.")

# %% [markdown]
# The sigmoid never reaches 0 or 1, and it is steepest in the middle. Without any weights, $z = 0$, every ratio is one
# half. Then all weights of a row are divided by the same number, and the row stays as it was.

# %%
import ipywidgets
import plotly.graph_objects as go

z = torch.linspace(-8, 8, 65)
curve = go.Figure(go.Scatter(x=z.tolist(), y=z.sigmoid().tolist(), mode="lines"))
curve.update_layout(
    template="linviz", height=300, margin_t=54, title_y=0.96,
    title="From any number to a ratio",
    xaxis_title="z, what the linear layer gives", yaxis_title="ratio",
    meta={"alt": f"The sigmoid over z from -8 to 8: from {z[0].sigmoid():.4f} through "
          f"one half at 0 to {z[-1].sigmoid():.4f}, steepest at 0."})
show(curve)


@ipywidgets.interact(z=(-8.0, 8.0, 0.5))
def fixed_feature(z=-2.0):
    ratio = torch.tensor(z).sigmoid()
    say(f"z = {z:g}: the ratio is {ratio:.3f}. A feature of 0.80 becomes "
        f"**{0.8 * ratio:.3f}**.")

# %% [markdown] tags=["exercise"]
# number = "13.2"
# title = "Fixation ratios"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["gate"]
# task = '''
# Compute the ratios of all tokens at once. `phi_q` and `phi_k` are $N \times M$ features, and `v` is $N \times E$.
# The layer has `W` ($M \times (2M + E)$) and `b` ($M$ numbers). Return the ratios of every token, $N \times M$. No
# loop is needed.
# '''
# hints = [
# '''
# The cell above computes the ratios of one token. What changes if the three vectors become three tables, one row per
# token?
# ''',
# '''
# Join the tables along the last axis, in the order of the formula. Each token is now a row $u_i$ of a table $U$. So
# $W u_i$ becomes $U W^\top$. Then add $b$ and take the sigmoid.
# ''',
# '''
# `torch.cat((phi_q, phi_k, v), -1)`, times `W.mT`, plus `b`; then `.sigmoid()` of the result.
# ''',
# ]
# see = "The check says *right*: all numbers lie strictly between 0 and 1, and no token changes the ratios of another."

# %% tags=["answer:13.2"]
def fixation(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "N M"],
             v: Float[Tensor, "N E"], W: Float[Tensor, "M 2*M+E"],
             b: Float[Tensor, "M"]) -> Float[Tensor, "N M"]:
    """r = sigmoid(W [phi(q); phi(k); v] + b) for every token."""
    # solution
    u = torch.cat((phi_q, phi_k, v), -1)                     # (N, 2M + E)
    return (u @ W.mT + b).sigmoid()
    # end


checks.fixation(fixation)

# %% [markdown]
# ## 4 · The bracket still moves
#
# Linear attention is cheap because of one pair of brackets. Softmax has to compute all $N^2$ pairs. A kernel can
# first sum over the keys, once for all queries:
#
# $$o_i = \frac{\hat q_i\,\bigl[\sum_j \hat k_j^\top v_j\bigr]}{\hat q_i\,\bigl[\sum_j \hat k_j^\top\bigr] + \epsilon}$$
#
# Neither bracket mentions $i$. The gate reads $q_i$, $k_i$ and $v_i$ together. Does this prevent the move?
#
# > **Predict.** Take twice as many patches. By which factor does the number of multiplications grow for softmax, for
# > the kernel, and for the kernel with its gate?

# %%
def count(method, n: int) -> int:                            # counted by torch
    return flops(method, q[:, :, :n], k[:, :, :n], v[:, :, :n])


counts = {method.title: (count(method, 392), count(method, 784))
          for method in (soft, floor, gated)}
say(table(["", "392 patches", "784 patches", "times"],
          [[title, f"{few:,}", f"{many:,}", f"{many / few:.2f}"]
           for title, (few, many) in counts.items()]))
assert count(gated, 784) == 2 * count(gated, 392) > 4 * count(floor, 392)
assert count(soft, 784) == 4 * count(soft, 392)

# %% [markdown]
# The gate works on one token at a time, before the sums. It is *inside* $\hat q_i$ and $\hat k_j$ and never joins two
# tokens. So the bracket moves as before. The gate is not free, though: at this size its two layers cost more than the
# attention itself.

# %% [markdown] tags=["exercise"]
# number = "13.3"
# title = "Gated attention without the table"
# difficulty = 3
# importance = 5
# minutes = 12
# objectives = ["bracket"]
# methods = ["relu_floor"]
# task = '''
# Write gated linear attention for one head. The inputs are features `phi_q` ($N \times M$) and `phi_k` ($S \times
# M$), values `v` ($S \times E$), and the ratios of both sides. Gate the features, move the bracket, and divide each
# row by its sum plus $10^{-6}$. Do not make an $N \times S$ table on the way; the check counts.
# '''
# hints = [
# '''
# There are two sums over the keys. Both are finished before any query is used. Which shapes do they have?
# ''',
# '''
# $\hat K^\top V$ is $M \times E$; $\sum_j \hat k_j$ has $M$ numbers. Multiply $\hat Q$ with each of them, and divide
# the first product by the second.
# ''',
# '''
# Let `q, k = r_q * phi_q, r_k * phi_k`. The numerator is `q @ (k.mT @ v)`. The row sums are `q @ k.sum(0)`, and they
# need a last axis of length one.
# ''',
# ]
# see = "The check says *right*. Your three functions together give linviz's output for the cat, up to rounding."

# %% tags=["answer:13.3"]
def gated_attention(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "S M"],
                    v: Float[Tensor, "S E"], r_q: Float[Tensor, "N M"],
                    r_k: Float[Tensor, "S M"]) -> Float[Tensor, "N E"]:
    """o_i = q^_i [sum_j k^_j v_j] / (q^_i [sum_j k^_j] + 1e-6).

    q^ = r_q * phi_q and k^ = r_k * phi_k are the gated features.
    """
    # solution
    q, k = r_q * phi_q, r_k * phi_k                          # (N, M), (S, M)
    row_sums = q @ k.sum(0)[:, None] + 1e-6                  # (N, 1)
    return q @ (k.mT @ v) / row_sums                         # (M, E) in the bracket
    # end


checks.gated_attention(gated_attention)

# %% tags=["needs:13.1", "needs:13.2", "needs:13.3"]
x_q, x_k = (features(x[0, 0].double()) for x in (q, k))
r_q, r_k = (fixation(x_q, x_k, values, *layers[side]) for side in "qk")
yours = gated_attention(x_q, x_k, values, r_q, r_k)
difference = (yours - gated(q, k, v)[0, 0]).abs().max()
say(f"Yours and linviz's, {N} patches and {D} channels: the largest difference is "
    f"**{difference:.0e}**.")
assert difference < 1e-4

# %% [markdown]
# From here on linviz does this: `linviz.make("relu_floor+gate", ...)`, for any number of heads and clips.
#
# ## 5 · Where this gate comes from
#
# Usually a gate learns inside a network, from a task. Our gate was **fitted to a map, never trained on a task**.
# Gradient descent changed its weights until the gated rows came as close as possible to the softmax rows of this one
# photograph. So it answers a modest question: *what can a gate do at all?* The **divergence** $\mathrm{KL} = \sum_j
# p_j \log_2 (p_j / a_j)$ says how close the rows are. It is the number of bits that are lost if the gated row $a$ is
# used in place of the row $p$ of softmax.

# %%
ungated = bits(floor.map(q, k, v))[1]
way = common.mechanism_curve(gated, [x.kl for x in fit.snapshots],
                             [x.step for x in fit.snapshots])
removed = 100 * (1 - fit.after / ungated)
show(curves.fit_curve(way, {"no gate": ungated},
                      title=f"A fitted gate removes {removed:.0f} % of the divergence"))
size = sum(p.numel() for p in gated.gate.parameters())
say(f"{fit.steps} steps on {size:,} weights, *{fit.label}*: {ungated:.2f} bits without "
    f"a gate, {fit.before:.2f} bits with the random gate at the start, "
    f"**{fit.after:.2f}** bits after the fit.")
assert fit.after < 0.4 * ungated < 0.4 * fit.before + 0.1

# %% [markdown]
# Press *replay the fit* in the view of section 1 to watch the fit.
#
# ## 6 · A gate that is almost shut
#
# > **Predict.** A ratio of 1 lets a feature through, and a ratio of 0 shuts it out. What is the *median* ratio of the
# > fitted gate: 0.9, one half, 0.1, or something else?

# %%
COLOURS = ("lightness", "green-red", "blue-yellow")
NAMES = [*COLOURS, *(f"{x} spread" for x in COLOURS),
         *(f"edges {22.5 * n:.1f}°" for n in range(8)), "row", "column"]
phi_q, phi_k, _ = gated.features(q, k, v)
r_q, r_k = linviz.read(gated, q, k, v).fixation              # (1, 1, N, M) each
eyes = opening.place[0]                                      # the row of patches drawn
across = slice(grid.number(0, eyes, 0), grid.number(0, eyes, grid.X - 1) + 1)
logs = (r[0, 0, across].log10().clamp_min(-4).mT.numpy() for r in (r_q, r_k))
show(ratios.ratio_heatmaps(*logs, NAMES, tokens="patches through the eyes",
                           title="Each patch opens a few channels and shuts the rest"))
both = torch.cat((r_q, r_k))
shut = 100 * (both < 0.05).float().mean()
say(f"The median ratio is **{both.median():.4f}**. {shut:.0f} % of all ratios are "
    "below 0.05.")
assert both.median() < 0.005  # as chapter 3 says

# %% [markdown]
# The gate is almost shut everywhere, and yet the picture does not become dark. The reason: each row is divided by its
# own sum. What counts is how large a weight is *compared with the other weights of its row*. The gate works by
# contrast, and the contrast is strong:

# %%
def effective(x: Float[Tensor, "1 1 N M"]) -> float:
    """Channels that a token uses: 1 / sum of squared shares, mean over tokens."""
    shares = x / x.sum(-1, keepdim=True)
    return (1 / shares.square().sum(-1)).mean().item()


SHOWN = [0, 3, 8, 14]
drawn = r_k[0, 0].mT.unflatten(-1, (grid.Y, grid.X))[SHOWN].log10().clamp_min(-4)
show(ratios.ratio_pictures(drawn.numpy(), [NAMES[n] for n in SHOWN],
                           title="Where four of the key side's channels are open"))
say("Without the gate, the features of a query are spread over "
    f"**{effective(phi_q):.1f}** of {D} channels; with the gate, over "
    f"**{effective(r_q * phi_q):.1f}**. For keys the numbers are "
    f"{effective(phi_k):.1f} and {effective(r_k * phi_k):.1f}.")
assert effective(r_q * phi_q) < 0.5 * effective(phi_q)

# %% [markdown]
# This explains the name *fixation*: each patch chooses two or three features and uses only these.
#
# ## 7 · The strength of the gate
#
# The slider in the view multiplies the logits. At strength $s$ the ratio is $\sigma(s z)$. At $s = 0$ all ratios are
# one half, and at $s = 1$ we have the gate itself. There is a simpler way to move from one half to the gate: change
# the *ratio* linearly, $(1 - s)\tfrac12 + s\,r$.
#
# > **Predict.** Both sliders stand halfway, at $s = 0.5$. How much of the concentration has each of the two sliders
# > brought?

# %%
def slid(s: float) -> KernelMap:
    g_q, g_k = ((1 - s) / 2 + s * r for r in (r_q, r_k))
    return KernelMap(Features(phi_q * g_q, phi_k * g_k), Normaliser("add", 1e-6))


steps = [n / 10 for n in range(11)]
by_logit = [entropy(common.map_at_strength(gated, q, k, v, s).dense()).mean().item()
            for s in steps]
by_ratio = [entropy(slid(s).dense()).mean().item() for s in steps]
sliders = [common.mechanism_curve(gated, by_logit, steps, "slider on the logit"),
           common.mechanism_curve(floor, by_ratio, steps, "slider on the ratio")]
show(curves.strength_curves(sliders, title="A slider on the ratio has no effect "
                                           "almost to the end"))
done = [100 * (y[0] - y[5]) / (y[0] - y[-1]) for y in (by_logit, by_ratio)]
beyond = bits(common.map_at_strength(gated, q, k, v, 1.5))
say(f"Halfway, the slider on the logit has brought **{done[0]:.0f} %** of the bits, "
    f"the slider on the ratio **{done[1]:.0f} %**. The strength may also exceed 1: at "
    f"strength 1.5 the entropy falls to {beyond[0]:.2f} bits, below that of softmax. "
    f"But the divergence from softmax *rises*, from {fit.after:.2f} to {beyond[1]:.2f} "
    "bits. So more concentrated does not mean closer to softmax.")
assert done[0] > 35 and done[1] < 5
assert beyond[0] < readings[soft.title]["entropy"] and beyond[1] > fit.after

# %% [markdown]
# Why does the slider on the ratio do so little? Nearly all ratios of the gate are close to 0. Halfway to them nearly
# all ratios are one quarter. This is almost the same number everywhere, and a constant cancels. Only near the end do
# the ratios differ. The next cell draws the weights of our query at any strength. Move the slider, and watch how the
# right end of the curve falls while the left end rises.

# %%
def weights_at(strength: float):
    return common.strength_figure(strength, m=gated, others=[soft, floor],
                                  q=q, k=k, v=v, query=query)


Live(weights_at, common.STRENGTHS, label="strength of the gate", start=1.0)

# %% [markdown] tags=["exercise"]
# number = "13.4"
# title = "Bits at any strength"
# difficulty = 3
# importance = 3
# minutes = 10
# objectives = ["strength"]
# task = '''
# The inputs are features (`phi_q` is $N \times M$, `phi_k` is $S \times M$), the logits of both gates, and a strength
# $s$. Return the entropy of every row in bits: $N$ numbers. In this exercise you may write the table. Leave out the
# $\epsilon$.
# '''
# hints = [
# '''
# There are three steps: the ratios at strength $s$, the rows that sum to one, and the entropy of each row. Which axis
# are the keys on?
# ''',
# '''
# $r = \sigma(s z)$ on both sides; $a_{ij} = w_{ij} / \sum_l w_{il}$; $H_i = -\sum_j a_{ij} \log_2 a_{ij}$.
# ''',
# '''
# `w = (phi_q * (s * z_q).sigmoid()) @ (phi_k * (s * z_k).sigmoid()).mT`, then divide by `w.sum(-1, keepdim=True)`, and
# `.log2()`.
# ''',
# ]
# see = "The check says *right*. The next cell computes the curve above with your own function."

# %% tags=["answer:13.4"]
def entropy_at(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "S M"],
               z_q: Float[Tensor, "N M"], z_k: Float[Tensor, "S M"],
               s: float) -> Float[Tensor, "N"]:
    """Entropy in bits of every row of the gated map at strength s."""
    # solution
    w = (phi_q * (s * z_q).sigmoid()) @ (phi_k * (s * z_k).sigmoid()).mT
    a = w / w.sum(-1, keepdim=True)
    return -(a * a.log2()).sum(-1)
    # end


checks.entropy_at(entropy_at)

# %% tags=["needs:13.4"]
z_q, z_k = gated.gate.logits(phi_q, phi_k, v)
inputs = [x[0, 0] for x in (phi_q, phi_k, z_q, z_k)]
own = [entropy_at(*inputs, n / 10).mean().item() for n in range(11)]
for n in (0, 5, 10):                                         # linviz's own map
    assert abs(own[n] - bits(common.map_at_strength(gated, q, k, v, n / 10))[0]) < 1e-3
say("Your bits, strength by strength: " + ", ".join(f"{y:.2f}" for y in own) + ".")

# %% [markdown]
# ## 8 · What cancels
#
# > **Predict.** Multiply *every* ratio of the fitted gate by 0.3. What happens to the entropy? What happens if each
# > *query* gets a factor of its own? And what happens if each *key* does?

# %%
def with_ratios(r_q: Tensor, r_k: Tensor) -> KernelMap:
    return KernelMap(Features(phi_q * r_q, phi_k * r_k), Normaliser("add", 1e-12))


token = torch.linspace(0.1, 1, N)[:, None]                   # a factor for every token
variants = {"as fitted": (r_q, r_k), "all ratios times 0.3": (0.3 * r_q, 0.3 * r_k),
            "every query has a factor of its own": (token * r_q, r_k),
            "every key has a factor of its own": (r_q, token * r_k)}
found = {name: with_ratios(*pair) for name, pair in variants.items()}
fitted_map = found["as fitted"].dense()
moved = {name: (a.dense() - fitted_map).abs().max().item() for name, a in found.items()}
say(table(["", "entropy, bits", "largest change of a weight"],
          [[name, f"{bits(a)[0]:.3f}", f"{moved[name]:.0e}"]
           for name, a in found.items()]))
assert max(list(moved.values())[:3]) < 1e-5
assert moved["every key has a factor of its own"] > 1e-3

# %% [markdown]
# A constant gate has no effect at all, whatever its value is. So it is the control that every gate must be compared
# with. A factor on a query occurs in every weight of its row, in the numerator and in the denominator. A factor on a
# key does not cancel: it makes that patch brighter for all queries. There is one more way in which a gate can cancel;
# the exercise asks for it.

# %% [markdown] tags=["exercise"]
# number = "13.5"
# title = "The gate that does nothing"
# difficulty = 5
# importance = 4
# minutes = 10
# objectives = ["cancel"]
# task = '''
# Build ratios for $N$ queries and $N$ keys with $M$ features, all strictly between 0 and 1. They must leave **every**
# kernel map unchanged, for any features. A constant gate would be too easy. The query ratios must differ between
# tokens *and* between channels, the key ratios between channels. The largest must be at least 1.5 times the smallest.
# '''
# hints = [
# '''
# The gated weight of a pair is $\sum_m r^q_{im} r^k_{jm}\,\phi_{im}\phi_{jm}$. Which products $r^q_{im} r^k_{jm}$
# leave the row unchanged?
# ''',
# '''
# The product may depend on the query $i$ only. So choose $r^q_{im} = t_i\, d_m$ and $r^k_{jm} = g / d_m$, whose
# product is $t_i\, g$.
# ''',
# '''
# Multiply a column `torch.linspace(...)[:, None]` for the tokens by a row for the channels. For the keys divide a small
# number $g$ by that row, and `.expand(N, M)`. Choose $g$ small enough.
# ''',
# ]
# see = "The check says *right*. The next cell uses your gate on the cat: its ratios all differ, and no weight changes."

# %% tags=["answer:13.5"]
def cancelling(N: int, M: int) -> tuple[Float[Tensor, "N M"], Float[Tensor, "N M"]]:
    """Query and key ratios that vary and have no effect on any map."""
    # solution
    token = torch.linspace(0.3, 0.9, N)[:, None]             # per query: cancels
    channel = torch.linspace(0.3, 0.9, M)                    # undone by the keys
    return token * channel, (0.2 / channel).expand(N, M)
    # end


checks.cancelling(cancelling)

# %% tags=["needs:13.5"]
mine = cancelling(N, D)
yours = KernelMap(Features(phi_q * mine[0], phi_k * mine[1]), Normaliser("add", 1e-12))
change = (yours.dense() - floor.map(q, k, v).dense()).abs().max()
say(f"Your query ratios range from {mine[0].min():.2f} to {mine[0].max():.2f}, your "
    f"key ratios from {mine[1].min():.2f} to {mine[1].max():.2f}. The largest change "
    f"of any weight is **{change:.0e}**.")
assert change < 1e-5

# %% [markdown]
# ## 9 · Which part does the work?
#
# "Feature importance" sounds as if the gate had learnt a list: colour matters, place does not. We can test this.
# Average the ratios over all patches, and only such a list of features is left. Average them over the channels
# instead, and only a list of important *patches* is left. Or replace the ratios of one side by a constant.
#
# > **Predict.** Which of these keeps most of the effect: the list of features, the list of patches, the query side
# > alone, or the key side alone?

# %%
half = torch.full_like(r_q, 0.5)
parts = {"the whole gate": (r_q, r_k), "the query side alone": (r_q, half),
         "the key side alone": (half, r_k),
         "a list of features (mean over patches)":
             (r_q.mean(-2, keepdim=True), r_k.mean(-2, keepdim=True)),
         "a list of patches (mean over channels)":
             (r_q.mean(-1, keepdim=True), r_k.mean(-1, keepdim=True))}
lost = {name: bits(with_ratios(*pair))[1] for name, pair in parts.items()}
show(curves.ablation_dots([common.ablation_runs(name, gated, [y])
                           for name, y in lost.items()],
                          axis="divergence from softmax KL (bits)",
                          better="left is nearer", levels={"no gate": ungated},
                          title="No part of the gate does it alone"))
kept = {name: 100 * (ungated - y) / (ungated - fit.after) for name, y in lost.items()}
say("Share of the gain that is kept: "
    + ", ".join(f"{name} {x:.0f} %" for name, x in kept.items()) + ".")
assert kept["a list of features (mean over patches)"] < 5
assert max(list(kept.values())[1:]) < 50

# %% [markdown]
# Here a list of features has no value: it can even lead *away* from softmax. This gate does not have a list of
# important features. It decides for every patch anew, on both sides at once. A pair is bright if both decisions keep
# the same feature.
#
# (A caution: removing a part of a gate that was fitted as a whole is not the same as fitting a gate without this part.)
#
# A second caution: this is *one photograph*, with $q = k$, and the gate was asked to copy a map. Small video models
# with this floor and this gate, trained on a task, have been taken apart in the same way. There the result is
# almost the opposite. In these models the key side carries most of what the gate does. And after a longer training
# most of *that* is a list of patches, one number per patch ([the numbers, with
# intervals](http://localhost:8501/evidence)). What a gate can do and what a trained gate does are two different
# questions.
#
# ## 10 · The exponential comes back
#
# Almost all logits are far below zero. There the sigmoid has a simple shape: for $z \ll 0$, $\sigma(z) = e^z / (1 +
# e^z) \approx e^z$. But $z$ is a *linear* function of what the gate reads. So the fitted feature is
#
# $$\hat q_{im} \approx \phi(q_i)_m \cdot e^{\,W_m \cdot u_i + b_m}, \qquad u_i = [\phi(q_i); \phi(k_i); v_i],$$
#
# where $W_m$ is row $m$ of $W$. This is an exponential of the patch, feature by feature. Linear attention was
# obtained by removing the exponential; the gate brings one back.
#
# > **Predict.** Replace the sigmoid on the query side by a plain `exp`, and keep the fitted weights. How much worse
# > does it get?

# %%
z_q, z_k = gated.gate.logits(phi_q, phi_k, v)
swapped = {"sigmoid on both sides, as fitted": (r_q, r_k),
           "exp on the query side": (z_q.exp(), r_k),
           "exp on both sides": (z_q.exp(), z_k.exp()),
           "exp on both sides, at most 1": (z_q.exp().clamp_max(1),
                                            z_k.exp().clamp_max(1))}
after = {name: bits(with_ratios(*pair)) for name, pair in swapped.items()}
say(table(["", "KL from softmax, bits", "entropy, bits"],
          [[name, f"{y[1]:.3f}", f"{y[0]:.2f}"] for name, y in after.items()]))
say(f"{100 * (z_q < 0).float().mean():.1f} % of the query logits and "
    f"{100 * (z_k < 0).float().mean():.1f} % of the key logits are negative.")
assert abs(after["exp on the query side"][1] - fit.after) < 0.02
assert after["exp on both sides"][1] - fit.after > 0.02

# %% [markdown]
# On the query side there is hardly any difference. On the key side the few positive logits matter. There the sigmoid
# has a second advantage: it never exceeds 1, so no key can get an extreme weight. Fitted to imitate softmax, the gate
# has rebuilt the exponential, in a place where it costs $N$ and not $N^2$. (The map is still not the map of softmax:
# the remaining divergence shows this.)
#
# ## 11 · Controls, and what the gate should see
#
# A number means little without numbers to compare it with. First come the controls, on entropy alone:

# %%
def mean_bits(method) -> float:
    return linviz.read(method, q, k, v).summary(spectrum=False)["entropy"]


SEEDS = (0, 1, 2)
relu = linviz.make("relu", heads=1, width=D, grid=grid)
constant, *random = (
    linviz.make("relu_floor+gate", heads=1, width=D, grid=grid, seed=seed)
    for seed in (0, *SEEDS))
constant.gate.hold(0.3)
controls = {"no gate": (floor, [mean_bits(floor)]),
            "a constant gate, 0.3": (constant, [mean_bits(constant)]),
            "a random gate": (random[0], [mean_bits(method) for method in random]),
            "no gate, no floor": (relu, [mean_bits(relu)]),
            "the fitted gate": (gated, [mean_bits(gated)])}
show(curves.ablation_dots([common.ablation_runs(name, method, y)
                           for name, (method, y) in controls.items()],
                          axis="mean entropy H (bits)",
                          better="left is more concentrated",
                          levels={"softmax": mean_bits(soft)},
                          title="Leaving out the floor helps a little, and costs "
                                "nothing"))
gain = {name: mean_bits(floor) - sum(y) / len(y) for name, (_, y) in controls.items()}
say("A constant gate changes nothing, a random gate almost nothing "
    f"({gain['a random gate']:.2f} bits). Leaving out the floor brings "
    f"**{gain['no gate, no floor']:.2f}** bits without a single weight to learn, the "
    f"fitted gate **{gain['the fitted gate']:.2f}** bits.")
assert abs(gain["a constant gate, 0.3"]) < 1e-3
assert gain["a random gate"] < 0.05 < gain["no gate, no floor"]

# %% [markdown]
# Anyone who claims that the gate concentrates attention has to show the control without a floor, too. Next come
# variants of the gate itself. It may read only its own side (*self*: the query layer reads $\phi(q_i)$, the key layer
# $\phi(k_i)$), queries and keys (*qk*), or values too (*qkv*). The two sides may also *share* one layer. Each variant
# is fitted from three seeds, at 14 × 14 patches to save time.
#
# > **Predict.** Rank them: self, qk, qkv; shared or not.

# %%
small = linviz.Grid(1, 14, 14)
few = clips.descriptors(clips.fit(clips.load(opening.name), small), small)
aim = linviz.make("softmax", heads=1, width=D, grid=small).map(*few)


def fitted_bits(gate: str, seed: int) -> float:
    method = linviz.make(f"relu_floor+{gate}", heads=1, width=D, grid=small, seed=seed)
    return fit_gate(method, aim, *few, steps=200, snapshots=2).after


GATES = [f"gate:{sees}{shared}" for sees in ("self", "qk", "qkv")
         for shared in ("", ":shared")]
ends = {gate: [fitted_bits(gate, seed) for seed in SEEDS] for gate in GATES}

# %%
small_floor = linviz.make("relu_floor", heads=1, width=D, grid=small)
plain = divergence(small_floor.map(*few).dense(), aim.dense()).mean().item()
titles = {gate: gate.removeprefix("gate:").replace(":", ", ") for gate in ends}
show(curves.ablation_dots([common.ablation_runs(titles[gate], gated, y)
                           for gate, y in ends.items()],
                          axis="divergence from softmax after the fit KL (bits)",
                          better="left is nearer",
                          title="Every one of these gates does most of it: "
                                f"without a gate it is {plain:.2f} bits"))
mean = {gate: sum(y) / len(y) for gate, y in ends.items()}
spread = max(max(y) - min(y) for y in ends.values())
alone = [mean[f"gate:{sees}:shared"] - mean[f"gate:{sees}"]
         for sees in ("self", "qk", "qkv")]
say("Two layers are better than a shared one by " + ", ".join(f"{x:.3f}" for x in alone)
    + " bits (self, qk, qkv). Reading the values as well brings "
    f"{mean['gate:qk'] - mean['gate:qkv']:.3f} bits. But runs that differ only in "
    f"their seed differ by up to {spread:.3f} bits: compare each of these numbers with "
    "that.")
assert abs(mean["gate:qk"] - mean["gate:self"]) < spread
assert max(mean.values()) < 0.4 * plain

# %% [markdown]
# The differences are small, and there is one pitfall. *qk* seems to add nothing to *self*. But here $q = k$: the
# descriptors serve as both, so a gate that reads both reads the same numbers twice. **This ablation cannot answer
# that question**, whatever the number of seeds; in a trained network, where $q \ne k$, it can. The effect of the
# values is easier to explain: $\phi$ has removed every negative number, and $v$ still has them.

# %%
others = {}
for name in ("astronaut", "coffee"):
    x = clips.descriptors(clips.fit(clips.load(name), grid), grid, opening.temperature)
    other = linviz.make("relu_floor+gate", heads=1, width=D, grid=grid)
    left = fit_gate(other, soft.map(*x), *x, snapshots=2).after
    others[name] = [linviz.read(method, *x).summary(spectrum=False)["entropy"]
                    for method in (soft, floor, other)] + [left]
say("Two more photographs, each with a gate fitted to it, in bits:")
say(table(["", "softmax", "floor", "fitted gate", "KL left"],
          [[name, *(f"{y:.2f}" for y in ys)] for name, ys in others.items()]))
assert all(soft_bits < gate_bits < floor_bits
           for soft_bits, floor_bits, gate_bits, _ in others.values())

# %% [markdown]
# ## 12 · Rank
#
# The gated map is the product of an $N \times M$ table and an $M \times N$ table. For all ratios its rank is at most
# $M$. Papers often name this bound as another reason why linear attention loses accuracy. In linviz's [own
# trainings](http://localhost:8501/evidence), no difference is seen between relu without a floor and softmax, although
# the map of relu has the same bound. (The **singular values** of a map, chapter 3, say how much it does in its first
# direction, its second, and so on. The rank of the map is the number of singular values that are not zero.)
#
# > **Predict.** Does the gate move the rank? And does it move the *effective* rank, which says how evenly the singular
# > values are distributed?

# %%
def spectral(method) -> Line:
    reading = linviz.read(method, q, k, v)
    sigma = reading.singular_values[0, 0]
    return Line(method.title, method.spec, method.family, sigma.tolist(),
                bound=reading.map.rank_bound,
                tolerance=float(sigma[0]) * reading.tolerance)


def centred_rank(method) -> float:
    centred = linviz.read(method, q, k, v).centred_singular_values
    return linviz.spectra.effective_rank(centred).item()


show(spectrum([spectral(method) for method in (soft, floor, gated)]))
rest = {method.title: centred_rank(method) for method in (soft, floor, gated)}
say(table(["", "numerical rank", "effective rank",
           "effective rank without the mean row"],
          [[title, number(x["numerical_rank"], ".0f"),
            number(x["effective_rank"], ".1f"), f"{rest[title]:.1f}"]
           for title, x in readings.items()]))
of_gate, of_floor = readings[gated.title], readings[floor.title]
rise = of_gate["effective_rank"] - of_floor["effective_rank"]
assert of_gate["numerical_rank"] == of_floor["numerical_rank"] == D
assert rise > 3 > 2 * (rest[gated.title] - rest[floor.title])

# %% [markdown]
# The rank does not change: it stays at its bound. The effective rank rises, and the last column shows why: the cause
# is the mean row. In the floor's map all rows are nearly the same, and this one direction dominates all others. The
# gate makes the mean row weaker. If the mean row is removed, little of the difference is left. Softmax uses hundreds
# of directions, and no gate reaches that number. So a map can become more concentrated without a higher rank.

# %% [markdown]
# ## 13 · What was not shown
#
# - **A map, not a task.** The gate copied the rows of softmax, and we had to compute these rows in order to fit it.
#   As a method this would save nothing. Whether the gate helps to recognise anything was not asked here, but [trained
#   models were asked](http://localhost:8501/evidence). After a short training the gate wins back a part of what the
#   floor costs, and leaving the floor out wins back more; trained for longer, the model with the floor makes up most
#   of it, so most of the gap was speed of learning. On a second task one of five such trainings learned nothing in
#   that time, and none of those with the gate.
# - **A few photographs, raw descriptors, $q = k = v$.** A trained network has other queries and keys, and other gates.
# - **No claim about speed.** The cost grows with $N$; at this size the gate is the largest part of it.
# - **Attention is not explanation.** Where a patch looks need not be what decides (Jain and Wallace, 2019).
#
# The method: *Linear Video Transformer with Feature Fixation*, 2022, arXiv 2210.08164; the equations here are those
# of its official code. The second half of the method, the neighbours in space and time, is chapter 14.
#
# ## 14 · Tell a friend
#
# You have reached the end of the short way (0, 4, 11, 13). Close the notebook and explain aloud, in one minute each:
# *why is linear attention flat?* and *what does the gate do about it?* Then compare.
#
# <details><summary>One possible explanation: why it is flat</summary>
#
# Softmax weights a pair by an exponential, so a slightly better match gets a much larger weight. But with the
# exponential the bracket cannot be moved. Linear attention replaces the exponential by a product of a few positive
# features. Then sums over the keys are computed once for all queries, and the table of pairs is never needed. But a
# sum of a few positive products has little contrast. Multiplying the features by a constant does not help, because
# the constant cancels in each row. A floor under the features gives every pair an extra unit of weight. And every row
# is a mixture of as many templates as there are features, so no row is sharper than the sharpest template. Sixteen
# templates cannot give seven hundred patches a place of their own to look at.
#
# </details>
#
# <details><summary>One possible explanation: what the gate does</summary>
#
# Each patch reads its own query, key and value and gives every feature a ratio between 0 and 1. The ratio
# multiplies the feature before the sums, so the bracket still moves and the cost still grows with $N$. A constant
# ratio cancels; what counts is that different patches open different features. A gate fitted to softmax shuts
# nearly all features. A pair is bright if its two patches have left the same feature open. The gate has rebuilt the
# exponential, feature by feature. It makes the templates of the keys sharper, and it narrows the choice of the
# queries. It does not raise the bound on the rank. Compare the gate with the cheapest cure, which is to leave the
# floor out. On our photograph that brings far less than the fitted gate. In models that were trained on a task it
# brought more than the gate, but this is certain only after the short training.
#
# </details>
#
# ## Quiz

# %%
quizzes.gate
