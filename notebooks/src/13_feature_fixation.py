# %% [markdown] tags=["front"]
# title = "Feature fixation I: the gate"
# lead = '''
# Softmax attention gathers. Linear attention, on the very same queries and keys, spreads like fog. This chapter takes
# one photograph, finds where the fog comes from, and follows one small idea that clears it: a gate that decides,
# patch by patch, which features count.
# '''
# questions = [
#     "Why does linear attention look at everything a little?",
#     "How can a gate on single features make attention gather, without ever writing the table of all pairs?",
#     "Which part of the gate does the work, and which part does nothing at all?",
# ]
# prerequisites = [
#     "matrices, and a little torch.",
#     "The idea of linear attention (chapter 4) helps; what is needed of it is said again here.",
# ]
# minutes = {reading = 45, exercises = 45, quiz = 5}
# key_points = [
#     "A floor under the features puts a floor under every weight: no patch is forgotten, and none stands out.",
#     "A gate is a linear layer and a sigmoid on each side. It reads q, k and v of a patch and weighs its features.",
#     "It multiplies the factors, so the bracket still moves: cost and rank bound stay those of linear attention.",
#     "What is constant cancels. Only differences between channels, and on the key side between patches, are seen.",
#     "Fitted to softmax, the gate is nearly shut everywhere, and works like an exponential of each feature.",
#     "Hold every claim about a gate against three controls: no floor, a constant gate, a random gate.",
# ]
#
# [objectives]
# floor = "explain why a floor under the features keeps every patch lit"
# gate = "compute fixation ratios from queries, keys and values"
# bracket = "apply a gate without ever writing the table of all pairs"
# strength = "measure in bits what a gate does at any strength"
# cancel = "tell which part of a gate cancels, and build a gate that does nothing"
# rank = "say what a gate can and cannot do to the rank of a map"
# judge = "judge a claim about a gate by its controls"

# %% [markdown]
# ## 1 · Fog
#
# A photograph, cut into 28 × 28 patches. Each patch is described by 16 plain numbers: its colour and how much the
# colour varies, the directions of its edges, its place. These numbers are queries and keys at once; nothing here was
# learned. In attention every patch (a *query*) spreads one unit of attention over all patches (the *keys*).
#
# > **Predict before you run.** The second panel gets the very same queries and keys as the first; it only replaces
# > the exponential of softmax by a product of features. We ask from the corner of one eye: will it still find the
# > other? (Chapter 0 has shown it.) The third panel keeps these features, and lets each patch *dim* some of its own.
# > Nothing is ever made larger. Can that bring the other eye back?

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
from linviz.patch_view import Panel, PatchView, fitted

torch.set_num_threads(1)
opening = clips.OPENING
grid = opening.grid                                                   # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(photo, grid, opening.temperature)         # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)                                # a patch at the corner of the eye

soft, floor, gated = (linviz.make(spec, heads=1, width=D, grid=grid)
                      for spec in ("softmax", "relu_floor", "relu_floor+gate"))
target = soft.map(q, k, v)
fit = fit_gate(gated, target, q, k, v)                                # a second or two; section 5 says what it does
gated = gated.requires_grad_(False)

# %% [markdown]
# Move the mouse over the picture: every panel is lit by the attention of the patch under your hand. Click to pin a
# patch; the arrow keys walk. Then take the slider of the third panel from right to left and back.

# %%
PatchView([Panel(soft.title, soft.family, target),
           Panel(floor.title, floor.family, floor.map(q, k, v)),
           Panel(gated.title, gated.family, gated.map(q, k, v), gate=fitted(fit, q, k, v))], photo, grid, query=query)

# %%
readings = {m.title: linviz.read(m, q, k, v).summary() for m in (soft, floor, gated)}
say(table(["", "entropy, bits", "as many patches as", "share of the top ten"],
          [[title, number(r["entropy"], ".2f"), f"{2 ** r['entropy']:.0f}", number(100 * r["top_share"], ".0f") + " %"]
           for title, r in readings.items()]))
say(f"Means over all {N} queries; uniform attention has {torch.tensor(N).log2():.2f} bits.")
assert readings[floor.title]["entropy"] > readings[gated.title]["entropy"] > readings[soft.title]["entropy"]

# %% [markdown]
# **Entropy** counts in bits how widely a row is spread: looking at $n$ patches alike is $\log_2 n$ bits,
# so a bit less means half as many patches. ("As many patches as" is two to the mean of the bits; chapter 0 took two to
# the bits of each row and then the mean, and so found more: chapter 11, section 6.) The floor's row is almost uniform,
# whatever patch asks. The gate brings most of the gathering back, with the same queries and keys and the same kind of
# product. The rest of the chapter takes this apart.
#
# [The same view in the explorer](http://localhost:8501/?clip=chelsea&patches=28&maps=softmax,relu_floor,relu_floor%2Bgate),
# with other photographs, clips and settings (start it with `python3 start.py explore`).

# %% [markdown]
# ## 2 · The floor keeps every patch lit
#
# Softmax weighs the pair $(i, j)$ by $\exp(q_i \cdot k_j)$. A **kernel** weighs it by a product of features,
# $\phi(q_i) \cdot \phi(k_j)$, and divides by the row's sum, so that each row is shares again:
#
# $$A_{ij} = \frac{\phi(q_i)\cdot\phi(k_j)}{\sum_l \phi(q_i)\cdot\phi(k_l)} \qquad\text{with}\qquad
# \phi(x) = \max(x, 0) + \tfrac{1}{\sqrt D}.$$
#
# The second term is the floor. It is there for safety: without it a patch none of whose channels is positive would
# have an empty row. But look what it does to every pair: in each of the $D$ channels both sides have at least
# $1/\sqrt D$, so
#
# $$\phi(q_i)\cdot\phi(k_j) \;\ge\; D \cdot \tfrac{1}{\sqrt D}\cdot\tfrac{1}{\sqrt D} = 1 \qquad\text{for every pair.}$$
#
# No pair can be forgotten. However unlike two patches are, one unit of weight is always there.
#
# > **Predict.** Sort the weights of our query from largest to smallest and measure them in *fair shares*: 1 is what
# > uniform attention would give. Softmax gives its favourite patch more than a hundred fair shares. How many does the
# > floor give to its favourite: 100, 20, or 4?

# %%
steep, flat = (common.sorted_row(m.map(q, k, v), query) for m in (soft, floor))
show(curves.weights([common.curve(soft, steep), common.curve(floor, flat)],
                    title="The floor lifts the faint patches and leaves little for the near ones"))
say(f"The floor's favourite patch gets **{flat[0]:.1f}** fair shares, its faintest still {flat[-1]:.2f}; under softmax "
    f"they get {steep[0]:.0f} and {steep[-1]:.4f}.")
assert flat[0] < 5 and steep[0] > 100

# %% [markdown] tags=["exercise"]
# number = "13.1"
# title = "Features with a floor"
# difficulty = 1
# importance = 4
# minutes = 5
# objectives = ["floor"]
# task = '''
# Write $\phi$ for a whole table of tokens at once: `x` is $N \times D$, one row a token. Each number on its own: what
# is negative becomes 0, then the floor $1/\sqrt D$ is added.
# '''
# hints = [
# '''
# Two steps, and neither mixes channels or tokens. Which size of `x` is $D$?
# ''',
# '''
# $\phi(x) = \mathrm{relu}(x) + D^{-1/2}$, where $D$ is the length of the last axis.
# ''',
# '''
# `x.relu()` plus `x.shape[-1]` to the power of minus one half.
# ''',
# ]
# see = "The check says *right*, and the next cell finds no product of two patches below 1."

# %% tags=["answer:13.1"]
from jaxtyping import Float
from torch import Tensor


def features(x: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """phi(x) = max(x, 0) + 1/sqrt(D), number by number."""
    # solution
    return x.relu() + x.shape[-1] ** -0.5
    # end


checks.features(features)

# %% tags=["needs:13.1"]
products = features(q[0, 0]) @ features(k[0, 0]).mT                   # all pairs, just this once, to look at them
say(f"The smallest of the {products.numel():,} products is **{products.min():.3f}**, the largest {products.max():.1f}.")
assert products.min() > 1 - 1e-5

# %% [markdown]
# ## 3 · The gate
#
# Perhaps not every feature should count for every patch. For a patch on a whisker the direction of its edges tells a
# lot and its colour little; for a patch of plain fur it may be the other way round. *Feature fixation* lets each
# patch say so. From its own query, key and value it computes a number between 0 and 1 for every feature, the
# **fixation ratio**:
#
# $$z_i = W\,[\phi(q_i);\ \phi(k_i);\ v_i] + b \qquad r_i = \frac{1}{1 + e^{-z_i}} \qquad
# \hat q_i = r^q_i \odot \phi(q_i) \qquad \hat k_i = r^k_i \odot \phi(k_i)$$
#
# The three vectors are joined into one; $\odot$ multiplies number by number. The numbers $z$ are the **logits**, and
# the curve that takes them into 0 to 1 is the **sigmoid** $\sigma(z) = 1 / (1 + e^{-z})$.
#
# One linear layer ($W$, $b$) for the query side ($r^q$), one for the key side ($r^k$). Then attention goes on as
# before, with $\hat q$ and $\hat k$ in place of $\phi(q)$ and $\phi(k)$. Three things it is not: it is no mask over
# patches (it weighs *features*), it does not touch $v$ (it only reads it), and no patch looks at another to find its
# ratios.
#
# Here is the row of one query, straight from these equations, key after key. It is slow, and it is all there is to
# it:

# %%
phi = floor.mechanism.features                                        # relu + floor, as in exercise 13.1
phi_q, phi_k = (x[0, 0].double() for x in phi(q, k))
values = v[0, 0].double()
layers = {side: (getattr(gated.gate, side).weight.double(), getattr(gated.gate, side).bias.double()) for side in "qk"}


def ratio(i: int, side: str) -> Float[Tensor, "M"]:
    W, b = layers[side]
    return torch.sigmoid(W @ torch.cat((phi_q[i], phi_k[i], values[i])) + b)


q_hat = ratio(query, "q") * phi_q[query]
weights = torch.stack([q_hat @ (ratio(j, "k") * phi_k[j]) for j in range(N)])
row = weights / (weights.sum() + 1e-6)

theirs = gated.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0]
assert torch.allclose(row.float(), theirs, rtol=1e-3, atol=1e-7)
say(f"{N} weights, from the equations and from linviz: the largest difference is {(row - theirs).abs().max():.0e}.")

# %% [markdown] tags=["exercise"]
# number = "13.2"
# title = "Fixation ratios"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["gate"]
# task = '''
# Now all tokens at once. `phi_q` and `phi_k` are $N \times M$ features, `v` is $N \times E$, `W` is $M \times (2M +
# E)$ and `b` has $M$ numbers. Return the ratios of every token, $N \times M$. No loop is needed.
# '''
# hints = [
# '''
# The cell above does it for one token. What changes if the three vectors become three tables with a row a token?
# ''',
# '''
# Join the tables along the last axis, in the order of the formula. A token is now a row $s_i$, so $W s_i$ becomes $S
# W^\top$; then add $b$ and take the sigmoid.
# ''',
# '''
# `torch.cat((phi_q, phi_k, v), -1)`, times `W.mT`, plus `b`, and `.sigmoid()` of it all.
# ''',
# ]
# see = "*Right*: numbers strictly between 0 and 1, and no token changes the ratios of another."

# %% tags=["answer:13.2"]
def fixation(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "N M"], v: Float[Tensor, "N E"],
             W: Float[Tensor, "M K"], b: Float[Tensor, "M"]) -> Float[Tensor, "N M"]:
    """r = sigmoid(W [phi(q); phi(k); v] + b) for every token; K = 2M + E."""
    # solution
    seen = torch.cat((phi_q, phi_k, v), -1)                           # (N, 2M + E)
    return (seen @ W.mT + b).sigmoid()
    # end


checks.fixation(fixation)

# %% [markdown]
# ## 4 · The bracket still moves
#
# Linear attention is cheap because of one pair of brackets. Softmax has to meet all $N^2$ pairs. A kernel may first
# sum over the keys, once for all queries:
#
# $$o_i = \frac{\hat q_i\,\bigl[\sum_j \hat k_j^\top v_j\bigr]}{\hat q_i\,\bigl[\sum_j \hat k_j^\top\bigr] + \epsilon}$$
#
# Neither bracket mentions $i$. Does the gate spoil this? It reads $q_i$, $k_i$ and $v_i$ together, after all.
#
# > **Predict.** Twice as many patches: by which factor does the number of multiplications grow, for softmax, for the
# > kernel, for the kernel with its gate?

# %%
def count(m, n: int) -> int:
    return flops(m, q[:, :, :n], k[:, :, :n], v[:, :, :n])            # of the matrix products, counted by torch


say(table(["", "392 patches", "784 patches", "times"],
          [[m.title, f"{count(m, 392):,}", f"{count(m, 784):,}", f"{count(m, 784) / count(m, 392):.2f}"]
           for m in (soft, floor, gated)]))
assert count(gated, 784) == 2 * count(gated, 392) > 4 * count(floor, 392) and count(soft, 784) == 4 * count(soft, 392)

# %% [markdown]
# The gate works token by token, before the sums: it is *inside* $\hat q_i$ and $\hat k_j$ and never joins two of
# them. So the bracket moves as before. It is not free, though: at this size the gate's two layers cost more than the
# attention.

# %% [markdown] tags=["exercise"]
# number = "13.3"
# title = "Gated attention without the table"
# difficulty = 3
# importance = 5
# minutes = 12
# objectives = ["bracket"]
# task = '''
# Write gated linear attention for one head: features `phi_q` ($N \times M$), `phi_k` ($S \times M$), values `v` ($S
# \times E$), and the ratios of both sides. Gate the features, move the bracket, divide each row by its sum plus
# $10^{-6}$. No table of $N \times S$ may be made on the way; the check counts.
# '''
# hints = [
# '''
# Two sums over the keys, both finished before any query is looked at. Which shapes do they have?
# ''',
# '''
# $\hat K^\top V$ is $M \times E$; $\sum_j \hat k_j$ has $M$ numbers. Multiply $\hat Q$ with each, and divide one by
# the other.
# ''',
# '''
# With `q, k = r_q * phi_q, r_k * phi_k`: the numerator is `q @ (k.mT @ v)`, the row sums are `q @ k.sum(0)`, and
# these need a last axis of length one.
# ''',
# ]
# see = "*Right*. Then your three functions together give what linviz gives for the cat, to the last digits."

# %% tags=["answer:13.3"]
def gated_attention(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "S M"], v: Float[Tensor, "S E"],
                    r_q: Float[Tensor, "N M"], r_k: Float[Tensor, "S M"]) -> Float[Tensor, "N E"]:
    """o_i = q^_i [sum_j k^_j v_j] / (q^_i [sum_j k^_j] + 1e-6), with q^ = r_q * phi_q and k^ = r_k * phi_k."""
    # solution
    q, k = r_q * phi_q, r_k * phi_k                                   # (N, M), (S, M)
    return q @ (k.mT @ v) / (q @ k.sum(0)[:, None] + 1e-6)            # (M, E) in the bracket
    # end


checks.gated_attention(gated_attention)

# %% tags=["needs:13.1", "needs:13.2", "needs:13.3"]
x_q, x_k = (features(x[0, 0].double()) for x in (q, k))
r_q, r_k = (fixation(x_q, x_k, values, *layers[side]) for side in "qk")
yours = gated_attention(x_q, x_k, values, r_q, r_k)
difference = (yours - gated(q, k, v)[0, 0]).abs().max()
say(f"Yours against linviz, {N} patches and {D} channels: the largest difference is **{difference:.0e}**.")
assert difference < 1e-4

# %% [markdown]
# From here on linviz does it: `linviz.make("relu_floor+gate", ...)`, on as many heads and clips as you like.
#
# ## 5 · Where this gate comes from
#
# A gate usually learns inside a network, from a task. Ours was **fitted to a map, never trained on a task**: its
# weights were moved, by plain gradient descent, until the gated rows came as near the softmax rows of this one
# photograph as they could. It answers a modest question: *what can a gate do at all?* How near is said by the
# **divergence** $\mathrm{KL} = \sum_j p_j \log_2 (p_j / a_j)$, the bits lost by looking with the gated row $a$ where
# softmax looks with $p$.

# %%
def bits(a) -> tuple[float, float]:
    """Mean over all queries: entropy of the map, and its divergence from softmax."""
    rows = a.dense()
    return entropy(rows).mean().item(), divergence(rows, target.dense()).mean().item()


ungated = bits(floor.map(q, k, v))[1]
way = common.curve(gated, [s.kl for s in fit.snapshots], [s.step for s in fit.snapshots])
show(curves.fit(way, {"no gate": ungated},
                title=f"A fitted gate takes {100 * (1 - fit.after / ungated):.0f} % of the divergence away, not all"))
size = sum(p.numel() for p in gated.gate.parameters())
say(f"{fit.steps} steps on {size:,} weights, *{fit.label}*: {ungated:.2f} bits without a gate, {fit.before:.2f} with "
    f"the random gate it starts from, **{fit.after:.2f}** fitted.")
assert fit.after < 0.4 * ungated < 0.4 * fit.before + 0.1

# %% [markdown]
# Press *replay the fit* in the view of section 1 to see it happen, if you have not found that button already.
#
# ## 6 · A gate that is almost shut
#
# > **Predict.** A ratio of 1 lets a feature through, a ratio of 0 shuts it. What is the *median* ratio of the fitted
# > gate: 0.9, one half, 0.1, or something else?

# %%
NAMES = ["lightness", "green-red", "blue-yellow", *(f"{x} spread" for x in ("lightness", "green-red", "blue-yellow")),
         *(f"edges {22.5 * n:.1f}°" for n in range(8)), "row", "column"]
phi_q, phi_k, _ = gated.features(q, k, v)
r_q, r_k = linviz.read(gated, q, k, v).fixation                       # (1, 1, N, M) each
across = slice(grid.number(0, opening.place[0], 0), grid.number(0, opening.place[0], grid.X - 1) + 1)
show(ratios.ratios(*(r[0, 0, across].log10().clamp_min(-4).mT.numpy() for r in (r_q, r_k)), NAMES,
                   tokens="patches through the eyes",
                   title="Each patch opens a few channels and shuts the rest"))
both = torch.cat((r_q, r_k))
shut = 100 * (both < 0.05).float().mean()
say(f"The median ratio is **{both.median():.4f}**. {shut:.0f} % of all ratios are below 0.05.")
assert both.median() < 0.01

# %% [markdown]
# Shut almost everywhere, and yet the picture did not go dark. It cannot: a row is divided by its own sum, so what
# counts is how large a weight is *beside the others of its row*. The gate works by contrast. And the contrast is
# sharp:

# %%
def effective(x: Float[Tensor, "1 1 N M"]) -> float:
    """Over how many channels a token's features are spread: 1 / sum of squared shares, mean over tokens."""
    p = x / x.sum(-1, keepdim=True)
    return (1 / p.square().sum(-1)).mean().item()


show(ratios.pictures(r_k[0, 0].mT.unflatten(-1, (grid.Y, grid.X))[[0, 3, 8, 14]].log10().clamp_min(-4).numpy(),
                     [NAMES[n] for n in (0, 3, 8, 14)], title="Where four of the key side's channels are open"))
say(f"A patch used to spread its query over **{effective(phi_q):.1f}** of {D} channels. Behind the gate it is "
    f"**{effective(r_q * phi_q):.1f}**; for keys {effective(phi_k):.1f} and {effective(r_k * phi_k):.1f}.")
assert effective(r_q * phi_q) < 0.5 * effective(phi_q)

# %% [markdown]
# *Fixation* is a good word for it: each patch settles on two or three features and looks with those.
#
# ## 7 · Turning it up
#
# The slider in the view multiplies the logits: at strength $s$ the ratio is $\sigma(s z)$. At $s = 0$ it is one half
# for all, at $s = 1$ it is the gate itself. There is a simpler way to go from one half to the gate: slide the
# *ratio*, $(1 - s)\tfrac12 + s\,r$.
#
# > **Predict.** Halfway, at $s = 0.5$: how much of the gathering has each of the two sliders brought?

# %%
def slid(s: float) -> KernelMap:
    g_q, g_k = ((1 - s) / 2 + s * r for r in (r_q, r_k))
    return KernelMap(Features(phi_q * g_q, phi_k * g_k), Normaliser("add", 1e-6))


steps = [n / 10 for n in range(11)]
by_logit = [entropy(common.at_strength(gated, q, k, v, s).dense()).mean().item() for s in steps]
by_ratio = [entropy(slid(s).dense()).mean().item() for s in steps]
show(curves.strengths([common.curve(gated, by_logit, steps, "sliding the logit"),
                       common.curve(floor, by_ratio, steps, "sliding the ratio")],
                      title="A slider on the ratio is dead almost to the end"))
done = [100 * (y[0] - y[5]) / (y[0] - y[-1]) for y in (by_logit, by_ratio)]
beyond = bits(common.at_strength(gated, q, k, v, 1.5))
say(f"Halfway the logit has brought **{done[0]:.0f} %** of the bits, the ratio **{done[1]:.0f} %**. One can go on "
    f"beyond the gate: at strength 1.5 entropy falls to {beyond[0]:.2f} bits, below softmax's own, but the divergence "
    f"from softmax *rises*, from {fit.after:.2f} to {beyond[1]:.2f}. More gathered is not nearer.")
assert done[0] > 35 and done[1] < 5 and beyond[0] < readings[soft.title]["entropy"] and beyond[1] > fit.after

# %% [markdown]
# Why? Nearly all ratios are close to 0, so halfway to them nearly all are a quarter: almost the same number
# everywhere, and what is the same everywhere cancels. Only in the last stretch do they come apart. Here are our
# query's weights under your hand: watch the right end of the curve fall while the left end climbs.

# %%
def weights_at(strength: float):
    return common.weights_at(strength, m=gated, others=[soft, floor], q=q, k=k, v=v, query=query)


Live(weights_at, common.STRENGTHS, label="strength of the gate", start=1.0)

# %% [markdown] tags=["exercise"]
# number = "13.4"
# title = "Bits at any strength"
# difficulty = 3
# importance = 3
# minutes = 10
# objectives = ["strength"]
# task = '''
# Given features (`phi_q` is $N \times M$, `phi_k` is $S \times M$), the logits of both gates and a strength $s$,
# return the entropy of every row in bits: $N$ numbers. Here you may write the table; leave the $\epsilon$ out.
# '''
# hints = [
# '''
# Three steps: the ratios at strength $s$; the rows as shares; the entropy of each row. Which axis are the keys on?
# ''',
# '''
# $r = \sigma(s z)$ on both sides; $a_{ij} = w_{ij} / \sum_l w_{il}$; $H_i = -\sum_j a_{ij} \log_2 a_{ij}$.
# ''',
# '''
# `w = (phi_q * (s * z_q).sigmoid()) @ (phi_k * (s * z_k).sigmoid()).mT`, then divide by `w.sum(-1, keepdim=True)`,
# and `.log2()`.
# ''',
# ]
# see = "*Right*, and the next cell walks the curve above with your own function."

# %% tags=["answer:13.4"]
def entropy_at(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "S M"], z_q: Float[Tensor, "N M"],
               z_k: Float[Tensor, "S M"], s: float) -> Float[Tensor, "N"]:
    """Entropy in bits of every row of the gated map at strength s."""
    # solution
    w = (phi_q * (s * z_q).sigmoid()) @ (phi_k * (s * z_k).sigmoid()).mT
    a = w / w.sum(-1, keepdim=True)
    return -(a * a.log2()).sum(-1)
    # end


checks.entropy_at(entropy_at)

# %% tags=["needs:13.4"]
z_q, z_k = gated.gate.logits(phi_q, phi_k, v)
own = [entropy_at(phi_q[0, 0], phi_k[0, 0], z_q[0, 0], z_k[0, 0], s).mean().item() for s in steps]
assert max(abs(a - b) for a, b in zip(own, by_logit)) < 1e-3
say("Your bits, strength by strength: " + ", ".join(f"{y:.2f}" for y in own) + ".")

# %% [markdown]
# ## 8 · What cancels
#
# > **Predict.** Multiply *every* ratio of the fitted gate by 0.3. What happens to the entropy? And if each *query*
# > gets a factor of its own? And each *key*?

# %%
def with_ratios(r_q: Tensor, r_k: Tensor) -> KernelMap:
    return KernelMap(Features(phi_q * r_q, phi_k * r_k), Normaliser("add", 1e-12))


token = torch.linspace(0.1, 1, N)[:, None]                            # a factor for every token
variants = {"as fitted": (r_q, r_k), "all ratios times 0.3": (0.3 * r_q, 0.3 * r_k),
            "every query a factor of its own": (token * r_q, r_k), "every key a factor of its own": (r_q, token * r_k)}
found = {name: with_ratios(*pair) for name, pair in variants.items()}
moved = {name: (a.dense() - found["as fitted"].dense()).abs().max().item() for name, a in found.items()}
say(table(["", "entropy, bits", "largest change of a weight"],
          [[name, f"{bits(a)[0]:.3f}", f"{moved[name]:.0e}"] for name, a in found.items()]))
assert max(list(moved.values())[:3]) < 1e-5 < 1e-3 < moved["every key a factor of its own"]

# %% [markdown]
# A constant gate does nothing at all, at any value: this is the control that every gate has to beat. A factor on a
# query stands in every weight of its row, above and below the line. A factor on a key does not cancel: it makes that
# patch brighter for everybody. And there is one more way to hide.

# %% [markdown] tags=["exercise"]
# number = "13.5"
# title = "The gate that does nothing"
# difficulty = 5
# importance = 4
# minutes = 10
# objectives = ["cancel"]
# task = '''
# Build ratios for $N$ queries and $N$ keys with $M$ features, all strictly between 0 and 1, that leave **every**
# kernel map as it was, whatever the features are. A constant gate would be too easy: the query ratios must differ
# between tokens *and* between channels, the key ratios between channels, by a factor of at least 1.5 from smallest to
# largest.
# '''
# hints = [
# '''
# The gated weight of a pair is $\sum_m r^q_{im} r^k_{jm}\,\phi_{im}\phi_{jm}$. Which products $r^q_{im} r^k_{jm}$
# leave the row as it is?
# ''',
# '''
# The product may depend on the query $i$ only: $r^q_{im}\, r^k_{jm} = c_i$. So $r^q_{im} = t_i\, d_m$ and $r^k_{jm} =
# e / d_m$.
# ''',
# '''
# A column `torch.linspace(...)[:, None]` for the tokens times a row for the channels; for the keys a small number
# divided by that row, `.expand(N, M)`. Keep $e$ small enough.
# ''',
# ]
# see = "*Right*, and the next cell puts your gate on the cat: full of different numbers, and not one weight moves."

# %% tags=["answer:13.5"]
def cancelling(N: int, M: int) -> tuple[Float[Tensor, "N M"], Float[Tensor, "N M"]]:
    """Query and key ratios, lively and without any effect."""
    # solution
    token = torch.linspace(0.3, 0.9, N)[:, None]                      # a factor a query: cancels in its row
    channel = torch.linspace(0.3, 0.9, M)                             # a profile that the keys take back
    return token * channel, (0.2 / channel).expand(N, M)
    # end


checks.cancelling(cancelling)

# %% tags=["needs:13.5"]
mine = cancelling(N, D)
change = (with_ratios(*mine).dense() - floor.map(q, k, v).dense()).abs().max()
say(f"Your query ratios reach from {mine[0].min():.2f} to {mine[0].max():.2f}, your key ratios from "
    f"{mine[1].min():.2f} to {mine[1].max():.2f}; the largest change of any weight is **{change:.0e}**.")
assert change < 1e-5

# %% [markdown]
# ## 9 · Which part does the work?
#
# "Feature importance" sounds as if the gate had learnt a list: colour matters, place does not. We can test that.
# Average the ratios over all patches, and this list is all that is left. Average them over the channels instead, and
# what is left is a list of important *patches*. Or hold one side constant.
#
# > **Predict.** Which of these keeps most of the effect: the list of features, the list of patches, the query side
# > alone, the key side alone?

# %%
half = torch.full_like(r_q, 0.5)
parts = {"the whole gate": (r_q, r_k), "the query side alone": (r_q, half), "the key side alone": (half, r_k),
         "a list of features (mean over patches)": (r_q.mean(-2, keepdim=True), r_k.mean(-2, keepdim=True)),
         "a list of patches (mean over channels)": (r_q.mean(-1, keepdim=True), r_k.mean(-1, keepdim=True))}
lost = {name: bits(with_ratios(*pair))[1] for name, pair in parts.items()}
show(curves.dots([common.runs(name, gated, [y]) for name, y in lost.items()], axis="divergence from softmax KL (bits)",
                 better="left is nearer", levels={"no gate": ungated}, title="No part of the gate does it alone"))
kept = {name: 100 * (ungated - y) / (ungated - fit.after) for name, y in lost.items()}
say("Share of the gain that is kept: " + ", ".join(f"{name} {x:.0f} %" for name, x in kept.items()) + ".")
assert kept["a list of features (mean over patches)"] < 5 and max(list(kept.values())[1:]) < 50

# %% [markdown]
# A list of features is worth nothing here: it can even lead *away* from softmax. This gate does not know which
# features matter; it decides anew for every patch, on both sides at once, and a pair is bright where the two
# decisions meet.
#
# (Careful: taking a part out of a gate that was fitted as a whole is not the same as fitting without it.)
#
# And careful again: this is *one photograph*, with $q = k$, and a gate that was asked to copy. Small video models with
# this floor and this gate, trained on a task, have been taken apart in the same way, and there it comes out almost the
# other way round: the key side carries most of what the gate does, and after a longer training most of *that* is a list
# of patches, one number a token ([the numbers, with intervals](http://localhost:8501/evidence)). What a gate can do and
# what a gate does are two questions.
#
# ## 10 · The exponential comes back
#
# Almost all logits are far below zero, and down there the sigmoid has a simple shape: for $z \ll 0$, $\sigma(z) = e^z
# / (1 + e^z) \approx e^z$. But $z$ is a *linear* function of what the gate reads. So the fitted feature is
#
# $$\hat q_{im} \approx \phi(q_i)_m \cdot e^{\,w_m \cdot s_i + b_m}, \qquad s_i = [\phi(q_i); \phi(k_i); v_i].$$
#
# where $w_m$ is row $m$ of $W$: an exponential of the patch, feature by feature. Linear attention was what one gets by
# throwing the exponential out.
#
# > **Predict.** Replace the sigmoid on the query side by a plain `exp`, weights as fitted. How much worse does it
# > get?

# %%
z_q, z_k = gated.gate.logits(phi_q, phi_k, v)
swapped = {"sigmoid on both sides, as fitted": (r_q, r_k), "exp on the query side": (z_q.exp(), r_k),
           "exp on both sides": (z_q.exp(), z_k.exp()),
           "exp on both sides, at most 1": (z_q.exp().clamp_max(1), z_k.exp().clamp_max(1))}
after = {name: bits(with_ratios(*pair)) for name, pair in swapped.items()}
say(table(["", "KL from softmax, bits", "entropy, bits"],
          [[name, f"{y[1]:.3f}", f"{y[0]:.2f}"] for name, y in after.items()]))
say(f"{100 * (z_q < 0).float().mean():.1f} % of the query logits and {100 * (z_k < 0).float().mean():.1f} % of the key "
    "logits are negative.")
assert abs(after["exp on the query side"][1] - fit.after) < 0.02 < after["exp on both sides"][1] - fit.after

# %% [markdown]
# On the query side nobody can tell the difference. On the key side the few positive logits matter, and the sigmoid's
# other gift shows: it never exceeds 1, so no key can run away. Asked to imitate softmax, the gate has built the
# exponential again, in a place where it costs $N$ and not $N^2$. (The map is still no softmax: the divergence that is
# left says so.)
#
# ## 11 · Controls, and what the gate should see
#
# A number means little without the numbers beside it. First the controls, on entropy alone:

# %%
def mean_bits(m) -> float:
    return linviz.read(m, q, k, v).summary(spectrum=False)["entropy"]


SEEDS = (0, 1, 2)
relu, constant, *random = (linviz.make(spec, heads=1, width=D, grid=grid, seed=seed) for spec, seed in
                           (("relu", 0), ("relu_floor+gate", 0), *(("relu_floor+gate", seed) for seed in SEEDS)))
constant.gate.hold(0.3)
controls = {"no gate": (floor, [mean_bits(floor)]), "a constant gate, 0.3": (constant, [mean_bits(constant)]),
            "a random gate": (random[0], [mean_bits(m) for m in random]),
            "no gate, no floor": (relu, [mean_bits(relu)]), "the fitted gate": (gated, [mean_bits(gated)])}
show(curves.dots([common.runs(name, m, y) for name, (m, y) in controls.items()], axis="mean entropy H (bits)",
                 better="left is more gathered", levels={"softmax": mean_bits(soft)},
                 title="Leaving out the floor gathers a little, and costs nothing"))
gain = {name: mean_bits(floor) - sum(y) / len(y) for name, (_, y) in controls.items()}
say(f"A constant gate changes nothing, a random one next to nothing ({gain['a random gate']:.2f} bits). Leaving out "
    f"the floor brings **{gain['no gate, no floor']:.2f}** bits without a single weight to learn, the fitted gate "
    f"**{gain['the fitted gate']:.2f}**.")
assert abs(gain["a constant gate, 0.3"]) < 1e-3 and gain["a random gate"] < 0.05 < gain["no gate, no floor"]

# %% [markdown]
# Whoever says "the gate concentrates attention" has to show the row above the last one, too. Now the gate's own
# variants. It may read only its own side (*self*: the query layer sees $\phi(q_i)$, the key layer $\phi(k_i)$),
# queries and keys (*qk*), or values too (*qkv*); and the two sides may *share* one layer. Each is fitted from three
# seeds, at 14 × 14 patches to save time.
#
# > **Predict.** Rank them: self, qk, qkv; shared or not.

# %%
small = linviz.Grid(1, 14, 14)
few = clips.descriptors(clips.fit(clips.load(opening.name), small), small)
aim = linviz.make("softmax", heads=1, width=D, grid=small).map(*few)


def fitted_bits(gate: str, seed: int) -> float:
    m = linviz.make(f"relu_floor+{gate}", heads=1, width=D, grid=small, seed=seed)
    return fit_gate(m, aim, *few, steps=200, snapshots=2).after


GATES = ["gate:self", "gate:self:shared", "gate:qk", "gate:qk:shared", "gate:qkv", "gate:qkv:shared"]
ends = {gate: [fitted_bits(gate, seed) for seed in SEEDS] for gate in GATES}

# %%
plain = divergence(linviz.make("relu_floor", heads=1, width=D, grid=small).map(*few).dense(), aim.dense()).mean().item()
show(curves.dots([common.runs(gate.removeprefix("gate:").replace(":", ", "), gated, y) for gate, y in ends.items()],
                 axis="divergence from softmax after the fit KL (bits)", better="left is nearer",
                 title=f"Every one of these gates does most of it: without a gate it is {plain:.2f} bits"))
mean = {gate: sum(y) / len(y) for gate, y in ends.items()}
spread = max(max(y) - min(y) for y in ends.values())
alone = [mean[f"gate:{sees}:shared"] - mean[f"gate:{sees}"] for sees in ("self", "qk", "qkv")]
say("Two layers beat a shared one by " + ", ".join(f"{x:.3f}" for x in alone) + " bits (self, qk, qkv), reading the "
    f"values as well brings {mean['gate:qk'] - mean['gate:qkv']:.3f}. But seeds alone differ by up to {spread:.3f}: "
    "hold every one of these numbers against that.")
assert abs(mean["gate:qk"] - mean["gate:self"]) < spread and max(mean.values()) < 0.4 * plain

# %% [markdown]
# Small differences, and one trap. *qk* seems to add nothing to *self*. But here $q = k$: the descriptors serve as
# both, so a gate that reads both reads the same thing twice. **This ablation cannot answer that question**, however
# many seeds one takes; in a trained network, where $q \ne k$, it can. What the values bring is easier to say: $\phi$
# has cut off every negative number, and $v$ still has them.

# %%
others = {}
for name in ("astronaut", "coffee"):
    x = clips.descriptors(clips.fit(clips.load(name), grid), grid, opening.temperature)
    m = linviz.make("relu_floor+gate", heads=1, width=D, grid=grid)
    left = fit_gate(m, soft.map(*x), *x, snapshots=2).after
    others[name] = [linviz.read(y, *x).summary(spectrum=False)["entropy"] for y in (soft, floor, m)] + [left]
say("Two more photographs, each with a gate of its own; bits:")
say(table(["", "softmax", "floor", "fitted gate", "KL left"],
          [[name, *(f"{y:.2f}" for y in ys)] for name, ys in others.items()]))
assert all(soft_bits < gate_bits < floor_bits for soft_bits, floor_bits, gate_bits, _ in others.values())

# %% [markdown]
# ## 12 · Rank
#
# The gated map is a product of an $N \times M$ and an $M \times N$ table. Whatever the ratios are, its rank is at
# most $M$. That bound is the other reason why linear attention is called weak. (A map's **singular values**, chapter 3,
# say how much it does in its first direction, its second, and so on; its rank is how many of them are not zero.)
#
# > **Predict.** Does the gate move the rank? And the *effective* rank, which counts how evenly the singular values
# > share?

# %%
def spectral(m) -> Line:
    r = linviz.read(m, q, k, v)
    s = r.singular_values[0, 0]
    return Line(m.title, m.spec, m.family, s.tolist(), bound=r.map.rank_bound, tolerance=float(s[0]) * r.tolerance)


show(spectrum([spectral(m) for m in (soft, floor, gated)]))
rest = {m.title: linviz.spectra.effective_rank(linviz.read(m, q, k, v).centred_singular_values).item()
        for m in (soft, floor, gated)}
say(table(["", "numerical rank", "effective rank", "effective rank without the mean row"],
          [[title, number(r["numerical_rank"], ".0f"), number(r["effective_rank"], ".1f"), f"{rest[title]:.1f}"]
           for title, r in readings.items()]))
rise = readings[gated.title]["effective_rank"] - readings[floor.title]["effective_rank"]
assert readings[gated.title]["numerical_rank"] == readings[floor.title]["numerical_rank"] == D
assert rise > 3 > 2 * (rest[gated.title] - rest[floor.title])

# %% [markdown]
# The rank stays where it was: at the bound. The effective rank goes up, and the last column says why: it is the mean
# row. In the floor's map every row is nearly the same row, and that one direction outweighs all others. The gate
# takes it down. Leave the mean row out, and little of the difference is left. Softmax, with its hundreds of
# directions, stays out of reach of any gate: a map can gather without gaining rank.

# %% [markdown]
# ## 13 · What was not shown
#
# - **A map, not a task.** The gate copied softmax's rows, and to fit it we had to write these rows down: as a method it
#   would save nothing. Whether it helps to recognise anything was not asked here, but
#   [trained models were asked](http://localhost:8501/evidence). After a short training the gate wins back a part of
#   what the floor costs, and leaving the floor out wins back more; trained for longer, the model with the floor makes
#   up most of it, so most of the gap was speed of learning. On a second task one of five such trainings learned nothing
#   in that time, and none of those with the gate.
# - **A handful of photographs, raw descriptors, $q = k = v$.** A trained network has other queries and keys, and
#   other gates.
# - **No claim about speed.** Cost grows with $N$; at this size the gate is most of it.
# - **Attention is not explanation.** Where a patch looks need not be what decides (Jain and Wallace, 2019).
#
# The method: *Linear Video Transformer with Feature Fixation*, 2022, arXiv 2210.08164; the equations here are those
# of its official code. Its second half, the neighbours in space and time, is chapter 14.
#
# ## 14 · Tell a friend
#
# You have come to the end of the short way (0, 4, 11, 13). Close the notebook and explain, aloud, in a minute each:
# *why is linear attention flat?* and *what does the gate do about it?* Then compare.
#
# <details><summary>One way to say it: why it is flat</summary>
#
# Softmax weighs a pair by an exponential, so what fits a little better gets a lot more. The exponential does not let
# the bracket move. Linear attention replaces it by a product of a few positive features: sums over the keys can be made
# once, for all queries, and the table of pairs is never needed. But a sum of a few positive products has little
# contrast. Turn it up, and it cancels above and below the line. A floor under the features gives every pair a unit of
# weight for nothing. And every row is a mixture of as many templates as there are features, so no row is sharper than
# the sharpest template. Seven hundred patches that each look at a place of their own cannot be had from sixteen.
#
# </details>
#
# <details><summary>One way to say it: what the gate does</summary>
#
# Each patch reads its own query, key and value and gives every feature a ratio between 0 and 1. It multiplies the
# features before the sums, so the bracket still moves and the cost still grows with $N$. What is constant cancels:
# what counts is that different patches open different features. A gate fitted to softmax shuts nearly all of them, and
# a pair is bright where two patches have left the same one open; it has built the exponential again, feature by
# feature. It makes the templates of the keys sharper and the choice of the queries narrower. It does not lift the bound
# on the rank. And hold it against the cheapest cure, which is to leave the floor out: on our photograph that brings
# far less than the fitted gate, in models that were trained on a task it brought more, for sure as long as the
# training was short.
#
# </details>
#
# ## Quiz

# %%
quizzes.gate
