# %% [markdown] tags=["front"]
# title = "Two softmaxes"
# lead = '''
# Softmax attention has one softmax, and it stands in the worst place: between the queries and the keys. This chapter
# takes it away, cuts it in two and moves the parts. You slide a softmax from one axis to the other while a cat is
# repainted. You turn a summary of the picture into a stencil for each patch. And you put a few agents between the
# queries and the keys.
# '''
# questions = [
#     "Where can a softmax stand, and what does each place do to the rows of the map?",
#     "How can a small summary of a picture give every patch a pattern of its own?",
#     "What do a few agents between queries and keys save, and what do they hide?",
# ]
# prerequisites = [
#     "The kernel trick and efficient attention (chapter 4).",
#     "Ranks of a map (chapter 3) help in section 5.",
# ]
# minutes = {reading = 38, exercises = 32, quiz = 6}
# key_points = [
#     "A softmax between queries and keys needs the table of all pairs. Two softmaxes on the sides do not.",
#     "Keys over positions: rows sum to one, and a rare patch can be heard by all. Over channels: nobody stands out.",
#     "A softmax that sums to one needs no further factor. A row that sums to less than one darkens the picture.",
#     "A lambda layer is efficient attention without the softmax of the queries, plus a stencil for each query.",
#     "Without positions, a lambda layer cannot know where a patch lies: shuffled patches give shuffled outputs.",
#     "Agents pool the queries, not the keys: the agents ask all keys, and each query asks the agents.",
#     "M agents bound the rank by M. The effective rank of their map can be far lower.",
# ]
#
# [objectives]
# place = "say where the softmaxes of six methods stand, and what their rows sum to"
# slide = "explain what happens when the softmax of the keys moves from positions to channels"
# factor = "find a factor that keeps rows from summing to one"
# stencil = "write position lambdas, and read a lambda as a stencil"
# agent = "write agent attention without a table of pairs"
# hidden = "say what agents hide: bound and effective rank, and which rows change with a query"

# %% [markdown]
# ## 1 · Where a softmax can stand
#
# The photograph has 28 × 28 patches, and each patch is described by 16 numbers: colour, edges, place. Nothing was
# learned. The values in this chapter are mostly *colours*. So the output of attention is a picture: each patch gets a
# mixture of the colours of other patches.
#
# We begin with three methods that you have met. They differ in one thing: where the softmax stands.
#
# - **Non-local block** (2017): one softmax over the keys, after queries and keys have met. It needs all pairs.
# - **Factorized attention** (2018): no softmax at all. The scores are divided by the number of keys. (Texts disagree
#   about this divisor. It changes the size of the output, and nothing else.)
# - **Efficient attention** (2018): two softmaxes, one on each side, before queries and keys meet.
#
# The title of each painting says how much **contrast** is left: the standard deviation of its colours, compared with
# that of the patches.
#
# > **Predict before you run.** One of the three has rows that do not sum to one. What will a cat look like that is
# > painted with this method?

# %% tags=["derives:nonlocal", "derives:factorized", "derives:efficient"]
import plotly.graph_objects as go
import torch

import linviz
from linviz import clips
from linviz.course import Live, checks, pictures, quizzes, say, show, table
from linviz.course.pictures import Gallery, Picture
from linviz.course.scenes import ch06, common
from linviz.figures import theme
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENING
grid = opening.grid                                          # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = (x.double() for x in clips.descriptors(photo, grid, opening.temperature))
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)                       # at the corner of the eye
rgb = pictures.patch_colours(photo, grid).double()           # (1, 1, N, 3)


def make(name: str, **options):
    """A mechanism of linviz in float64, for values that are colours."""
    made = linviz.make(name, heads=1, width=D, grid=grid, value_width=3, **options)
    return made.double().requires_grad_(False)


Q, K = q[0, 0], k[0, 0]
by_hand = {
    "nonlocal": (Q @ K.mT).softmax(-1),                      # behind the product
    "factorized": Q @ K.mT / N,                              # nowhere
    "efficient": Q.softmax(-1) @ K.softmax(0).mT,            # one on each side
}
for name, A in by_hand.items():
    assert torch.allclose(A, make(name).map(q, k, rgb).dense()[0, 0], atol=1e-12)
say("Three tables of 784 × 784 weights, each written in one line, equal those of "
    "linviz.")

# %%
def painting(title: str, x) -> Picture:
    """A picture of colours (1, 1, N, 3), with its contrast in the title."""
    left = ch06.contrast_left(x, rgb)
    return Picture(f"{title}: {left:.0f} % of the contrast",
                   pictures.patch_mosaic(x, grid),
                   f"The cat in 28 x 28 patches, {title}: {left:.0f} % of the contrast "
                   "of the photograph's patches.")


painted = {name: (A @ rgb[0, 0])[None, None] for name, A in by_hand.items()}
say(table(["", "a row sums to", "negative weights", "contrast left"],
          [[name, f"{A.sum(-1).mean():+.2f}", f"{100 * (A < 0).double().mean():.0f} %",
            f"{ch06.contrast_left(painted[name], rgb):.0f} %"]
           for name, A in by_hand.items()]))
few = by_hand["nonlocal"].sum(0).topk(100).values.sum().item() / N
say(f"Of all weight of the non-local block, 100 of the {N} patches get "
    f"**{100 * few:.0f} %**.")
assert few > 0.8
assert torch.allclose(by_hand["efficient"].sum(-1), torch.ones(N).double())
assert by_hand["factorized"].sum(-1).abs().max() < 1e-4
Gallery([painting("the patches", rgb),
         *(painting(name, x) for name, x in painted.items())])

# %% [markdown]
# A row of factorized attention sums to $\frac1N \sum_j q_i \cdot k_j$, which is $q_i$ times the mean of all keys. The
# mean of our descriptors is zero, so every row sums to zero. Its outputs are therefore no colours: many are negative,
# which the picture shows as black, and their size has nothing to do with the size of the values. In a network this is
# no fault: the layer adds its output to what was there before (a residual). But such an output is no mixture of values.
#
# The non-local block of the paper has no $1/\sqrt D$ (its official code has). So it is even sharper than softmax
# attention. It has more contrast than the photograph, because most patches copy a few extreme patches.
#
# Two more variants of this block replace the softmax by a division by $N$. The first, the *dot product*, is
# factorized attention again. The second, *concatenation*, has the score $\operatorname{relu}(w_q \cdot q_i + w_k
# \cdot k_j)$. Before the relu this is a number that depends on $i$ plus a number that depends on $j$, so its table
# has rank 2:

# %%
dot = make("nonlocal", similarity="dot").map(q, k, rgb)
assert torch.allclose(by_hand["factorized"], dot.dense()[0, 0], atol=1e-12)

joined = make("nonlocal", similarity="concatenation")
w_q, w_k = joined.mechanism.w[0]                             # one w, in two halves
sums = (Q @ w_q)[:, None] + (K @ w_k)
assert torch.allclose(sums.relu() / N, joined.map(q, k, rgb).dense()[0, 0], atol=1e-12)
assert torch.linalg.matrix_rank(sums) == 2
say(f"Before the relu the rank is {int(torch.linalg.matrix_rank(sums))}, after it "
    f"{int(torch.linalg.matrix_rank(sums.relu()))}.")

# %% [markdown]
# ## 2 · Sliding one softmax
#
# Efficient attention has one softmax over the *channels* of each query and one over the *positions* of each channel of
# the keys. Why not both over channels? This is a frequent mistake when people write this method. Let us look at it,
# slowly.
#
# Write the second softmax as $e^{k_{jd}}$ divided by a sum. With the slider at $t = 0$ the sum runs over positions: one
# sum for each channel $d$. At $t = 1$ it runs over channels: one sum for each patch $j$. In between we divide by the
# product of both sums, with the exponents $1 - t$ and $t$:
#
# $$\frac{e^{k_{jd}}}{\bigl(\sum_l e^{k_{ld}}\bigr)^{1-t}\ \bigl(\sum_c e^{k_{jc}}\bigr)^{t}}$$
#
# Only at 0 do rows sum to one by themselves. Elsewhere we divide each row by its sum.
#
# > **Predict.** Does the cat get more contrast or less when the softmax of the keys moves from positions to channels?
# > And which patches lose the most weight?

# %%
def slid(t: float):
    return ch06.sliding_figure(t, q=q, k=k, colours=rgb, grid=grid)


Live(slid, ch06.SLIDES, label="softmax of the keys: 0 positions, 1 channels", start=0.0)

# %%
ends = {name: ch06.slid_map(t, q, k) for name, t in (("positions", 0.0),
                                                     ("channels", 1.0))}
assert torch.allclose(ends["positions"].dense()[0, 0], by_hand["efficient"], atol=1e-12)
channels = Q.softmax(-1) @ K.softmax(-1).mT
channels = channels / channels.sum(-1, keepdim=True)
assert torch.allclose(ends["channels"].dense()[0, 0], channels, atol=1e-12)
heard = {name: a.column_sums().max().item() for name, a in ends.items()}
left = {name: ch06.contrast_left(a.apply(rgb), rgb) for name, a in ends.items()}
say("With the softmax over positions the patch that is heard most gets as much weight "
    f"as **{heard['positions']:.1f}** whole rows; over channels "
    f"**{heard['channels']:.2f}**. The contrast falls from {left['positions']:.0f} % "
    f"to {left['channels']:.0f} %.")
assert heard["positions"] > 15 and heard["channels"] < 1.2
assert left["positions"] > 2 * left["channels"]

loud = ends["positions"].column_sums().argmax().item()       # the patch heard most
share, channel = K.softmax(0)[loud].max(0)                   # of one channel's unit
place = grid.place(loud)
say(f"It is the patch in row {place[1] + 1}, column {place[2] + 1}, at the edge of the "
    f"nose. Of the channel *{clips.CHANNELS[channel]}* it takes "
    f"**{100 * share:.0f} %**; the other {N - 1} patches share the rest.")
assert place[1:] == (22, 16) and share > 0.5

# %% [markdown]
# The reason is who has to share. Over **positions**, each *channel* has one unit of weight for the whole picture. A
# patch that is extreme in a channel takes a large part of this unit. At the edge of the nose red meets grey. So this
# patch is heard by everyone who asks for a change of colour. Over **channels**, each *patch* has one unit for its 16
# channels. An extreme patch can only decide *how* it divides its unit. It cannot get more weight than a dull patch, and
# so all rows become similar.
#
# So the two softmaxes of efficient attention do different jobs. The one of the keys makes templates: it lets a patch
# stand out. The one of the queries divides a query's attention among the templates.

# %% [markdown]
# ## 3 · Near heads, far heads, and a lost factor
#
# Efficient attention sees everything, but blurred. A popular library for linear attention therefore mixes two kinds of
# heads. Some heads use exact softmax, but only in blocks of neighbouring tokens: a token sees its own block and the
# blocks on both sides. The other heads use efficient attention over all tokens. linviz calls this `local_global`.
#
# The next cell is written after that library, with one head of each kind. It contains a bug that was in the public
# code. The code runs without an error, and its outputs have the right shape.
#
# > **Predict.** We paint the cat with both heads. The values are colours between 0 and 1. What will you see if the
# > weights of a row do not sum to one?

# %% tags=["derives:local_global"]
def with_a_bug(q, k, v, window):
    """Two heads (2, N, D): the first looks near, the second looks far."""
    near = []
    for i in range(q.shape[1]):
        first = max(i // window - 1, 0) * window
        last = (i // window + 2) * window
        scores = q[0, i] @ k[0, first:last].mT / q.shape[2] ** 0.5
        near.append(scores.softmax(-1) @ v[0, first:last])
    choice = q[1].softmax(-1) * q.shape[2] ** -0.5
    templates = k[1].softmax(0)
    return torch.stack((torch.stack(near), choice @ (templates.mT @ v[1])))


ROW = grid.X                                                 # a block: one row
twice = [x.expand(1, 2, -1, -1)[0] for x in (q, k, rgb)]     # the same in two heads
both = with_a_bug(*twice, ROW)
library = linviz.make("local_global", heads=2, width=D, grid=grid, value_width=3,
                      window=ROW, local=1)
assert torch.allclose(both, library(*(x[None] for x in twice))[0], atol=1e-12)
brightness = [x.mean().item() / rgb.mean().item() for x in both]
say(f"Brightness compared with the photograph: near head {brightness[0]:.2f}, far head "
    f"**{brightness[1]:.2f}**.")
assert abs(brightness[0] - 1) < 0.05 and abs(brightness[1] - 0.25) < 0.05
Gallery([painting("near head", both[0][None, None]),
         painting("far head", both[1][None, None])], columns=2)

# %% [markdown] tags=["exercise"]
# number = "6.1"
# title = "Find the bug"
# difficulty = 2
# importance = 4
# minutes = 8
# objectives = ["factor", "place"]
# methods = ["local", "local_global"]
# task = '''
# The far head in the cell above paints a dark cat. Find the line with the bug and write the function without it. `q`
# and `k` are $2 \times N \times D$, `v` is $2 \times N \times E$: two heads. `window` is the number of tokens in a
# block.
# '''
# hints = [
# '''
# What should values of 1 give at every token? Which of the two heads gives something else?
# ''',
# '''
# A softmax over the channels of a query sums to one. So does a softmax over positions, for each channel. What else is
# multiplied to them?
# ''',
# '''
# Copy the function. Only the line that begins with `choice` changes: leave the factor $D^{-1/2}$ out.
# ''',
# ]
# see = "The check says *right*. In the next cell your far head is nearly as bright as the photograph."

# %% tags=["answer:6.1"]
from jaxtyping import Float
from torch import Tensor


def near_and_far(q: Float[Tensor, "2 N D"], k: Float[Tensor, "2 N D"],
                 v: Float[Tensor, "2 N E"], window: int) -> Float[Tensor, "2 N E"]:
    """A head that looks near and a head that looks far; the rows of both sum to one."""
    # solution
    block = torch.arange(q.shape[1]) // window
    hidden = (block[:, None] - block).abs() > 1
    scores = (q[0] @ k[0].mT / q.shape[2] ** 0.5).masked_fill(hidden, -torch.inf)
    far = q[1].softmax(-1) @ (k[1].softmax(0).mT @ v[1])
    return torch.stack((scores.softmax(-1) @ v[0], far))
    # end


checks.near_and_far(near_and_far)

# %% tags=["needs:6.1"]
repaired = near_and_far(*twice, ROW)
plain = linviz.make("local_global", heads=2, width=D, grid=grid, value_width=3,
                    window=ROW, local=1, scale=1.0)
assert torch.allclose(repaired, plain(*(x[None] for x in twice))[0], atol=1e-12)
say("Your function equals linviz's with `scale=1`. The far head now keeps "
    f"{100 * repaired[1].mean() / rgb.mean():.0f} % of the brightness.")
Gallery([painting("near head, repaired", repaired[0][None, None]),
         painting("far head, repaired", repaired[1][None, None])], columns=2)

# %% [markdown]
# Does the lost factor matter? The output layer behind the heads can learn to multiply by four. So a trained network
# need not be worse. But heads of one layer now differ in size for no reason, a number that was meant to be a weight is
# none, and entropy is not defined for such a row. linviz keeps the factor as the default, because networks were trained
# with it, and says so. Note where the factor came from: $D^{-1/2}$ belongs to *scores* before a softmax. Here there
# are no scores.
#
# No single head of this layer is both sharp and far-sighted. The mixture of two heads can be both.

# %% [markdown]
# ## 4 · A lambda is a stencil made for each query
#
# Efficient attention does not know where anything is: it mixes templates. **Lambda layers** (Bello, 2021) add the
# places. A layer summarises the picture as a small linear map, called *lambda*, and then applies this map to each
# query. There are two lambdas:
#
# $$o_i = q_i\,(\lambda^c + \lambda^p_i), \qquad \lambda^c = \sum_j \operatorname{softmax}_j(k)_j\, v_j^\top, \qquad
# \lambda^p_i = \sum_{j \text{ near } i} e_{j-i}\, v_j^\top$$
#
# The *content lambda* $\lambda^c$ is the context of efficient attention, the same for all queries. But queries have no
# softmax here: a channel may count negatively. The *position lambda* $\lambda^p_i$ uses a table $e$ with one vector of
# $D$ numbers for every step from a query to a key. Multiply $q_i$ into both sums. What stands before $v_j$ is the map:
#
# $$A_{ij} = q_i \cdot \operatorname{softmax}_j(k)_j + q_i \cdot e_{j-i}$$
#
# The second term is a **stencil**: a small window of weights around patch $i$. The table $e$ is shared. The stencil is
# not: the query mixes $D$ basic stencils, one per channel. In a network $e$ is learned. Here we write it by hand: the
# channel that measures edges in one direction gets a short bar in this direction, and all other channels get zero.
#
# > **Predict.** Each patch makes its own stencil from its own edges. What will you see if the stencils around an eye
# > are drawn side by side, each in the place of its patch?

# %% tags=["derives:lambda"]
SIDE = 7                                                     # of a stencil, in patches
layer = make("lambda", side=SIDE)
layer.mechanism.e.copy_(ch06.edge_stencils(SIDE, D))         # instead of random numbers
e = layer.mechanism.e

content = Q @ K.softmax(0).mT                                # the content lambda's map
stencil = Q @ e.mT                                           # (N, 49): one per query
steps = torch.arange(SIDE) - SIDE // 2
place = torch.cartesian_prod(torch.arange(grid.Y), torch.arange(grid.X))
position = torch.zeros(N, N).double()
for n, (dy, dx) in enumerate(torch.cartesian_prod(steps, steps).tolist()):
    y, x = place[:, 0] + dy, place[:, 1] + dx
    inside = (y >= 0) & (y < grid.Y) & (x >= 0) & (x < grid.X)
    i = torch.arange(N)[inside]
    position[i, (grid.X * y + x)[inside]] = stencil[inside, n]
assert torch.allclose(content + position, layer.map(q, k, rgb).dense()[0, 0],
                      atol=1e-12)
say("The map from the formula and the map of linviz are equal: content plus position.")

# %%
top, first = 5, 2                                            # 14 x 14 patches at an eye
sheet = stencil.view(grid.Y, grid.X, SIDE, SIDE)[top:top + 14, first:first + 14]
sheet = sheet.transpose(1, 2).reshape(14 * SIDE, 14 * SIDE).float()
strongest = sheet.abs().max().item()
middles = [SIDE * n + 3 for n in (0, 4, 9, 13)]
figure = go.Figure(
    go.Heatmap(z=sheet, coloraxis="coloraxis", hoverinfo="skip"),
    layout={
        "template": "linviz", "height": 600, "width": 660,
        "title": {"text": "196 stencils, one for each patch: they follow the rim of "
                          "the eye"},
        "margin": {"t": 56},
        "coloraxis": {"colorscale": theme.colourscale("diverging"), "cmid": 0,
                      "cmin": -strongest, "cmax": strongest,
                      "colorbar": {"title": {"text": "weight q · e (no unit)"}}},
        "xaxis": {"title": "column of patches", "tickvals": middles,
                  "constrain": "domain", "ticktext": [3, 7, 12, 16]},
        "yaxis": {"title": "row of patches", "tickvals": middles,
                  "constrain": "domain", "ticktext": [6, 10, 15, 19],
                  "autorange": "reversed", "scaleanchor": "x"},
        "meta": {"alt": "196 small windows of weights in the layout of the patches "
                        "around the cat's left eye. In each window a bar is orange "
                        "along the edge of its patch; together the bars form a ring."},
    })
show(figure)

# %% [markdown]
# No stencil was drawn by hand: there are eight bars in the table, and each query mixes them. Around the eye the bars
# line up into a ring, because the patches there have their edges along the rim. Move over the picture and see the parts
# of a row: what content asks for, what the place asks for, and their sum. (Orange weights are positive, blue weights
# are negative.)

# %%
parts = {"content lambda": layer.mechanism.content(q, k),
         "position lambdas": layer.mechanism.position(q),
         "lambda": layer.map(q, k, rgb)}
PatchView([Panel(title, layer.family, a) for title, a in parts.items()], photo, grid,
          query=grid.number(0, 15, 22))

# %% [markdown] tags=["exercise"]
# number = "6.2"
# title = "A stencil for each query"
# difficulty = 3
# importance = 4
# minutes = 12
# objectives = ["stencil"]
# methods = ["lambda"]
# task = '''
# Write the position lambdas. `q` is $Y \times X \times D$, one query per patch. `e` is $W \times W \times D$ with an
# odd side $W$; its middle belongs to the patch itself. `v` is $Y \times X \times E$. The patch at row $y$ and column
# $x$ takes `v[y + a - W // 2, x + b - W // 2]` with the weight `q[y, x] @ e[a, b]`. Beyond the border there is nothing.
# '''
# hints = [
# '''
# Take one step $(a, b)$ for all patches at once. Which number multiplies the shifted picture at each patch?
# ''',
# '''
# Pad the picture of values with $W // 2$ zeros on each side. The step $(a, b)$ is then a slice of the padded picture
# that begins at row $a$ and column $b$. Its weights are `q @ e[a, b]`, one per patch.
# ''',
# '''
# `wide = torch.nn.functional.pad(v, (0, 0, half, half, half, half))`. Then add, for all steps, the weights with a last
# axis of length one, times the slice `wide[a:a + Y, b:b + X]`.
# ''',
# ]
# see = "The check says *right*. On the cat your function gives the same as linviz's position lambdas."

# %% tags=["answer:6.2"]
def stencils(q: Float[Tensor, "Y X D"], e: Float[Tensor, "W W D"],
             v: Float[Tensor, "Y X E"]) -> Float[Tensor, "Y X E"]:
    """Every query weighs the values around it with a stencil of its own."""
    # solution
    Y, X, half = *q.shape[:2], len(e) // 2
    wide = torch.nn.functional.pad(v, (0, 0, half, half, half, half))
    out = torch.zeros_like(v)
    for a in range(len(e)):
        for b in range(len(e)):
            out = out + (q @ e[a, b])[..., None] * wide[a:a + Y, b:b + X]
    return out
    # end


checks.stencils(stencils)

# %% tags=["needs:6.2"]
pixels = [x.view(grid.Y, grid.X, -1) for x in (Q, rgb[0, 0])]
mine = stencils(pixels[0], e.view(SIDE, SIDE, D), pixels[1]).flatten(0, 1)
assert torch.allclose(mine, parts["position lambdas"].apply(rgb)[0, 0], atol=1e-12)
say(f"{N} patches: your stencils and linviz's are equal.")

# %% [markdown]
# What do positions add? Shuffle the patches of the cat, apply each part, and put the outputs back in order. If the
# part does not know places, nothing has changed.

# %%
order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
back = order.argsort()
shuffled = [x[:, :, order] for x in (q, k, rgb)]
change = {}
for title, part in (("content lambda", layer.mechanism.content),
                    ("position lambdas", lambda q, k: layer.mechanism.position(q))):
    before, after = part(q, k).apply(rgb), part(*shuffled[:2]).apply(shuffled[2])
    most = (after[:, :, back] - before).abs().max()
    change[title] = (most / before.abs().max()).item()
say("Change after shuffling, compared with the largest output: "
    + ", ".join(f"{title} {x:.2g}" for title, x in change.items()) + ".")
assert change["content lambda"] < 1e-9 and change["position lambdas"] > 0.2

# %% [markdown]
# So "efficient attention or lambda layers?" has a simple answer. The content part of a lambda layer *is* efficient
# attention, but without the softmax of the queries. If your tokens already know their place (from position embeddings
# or from convolutions), efficient attention may be enough. If not, the lambda layer brings places with it, at the cost
# of a table and of weights that are signed.
#
# [The four methods in the
# explorer](http://localhost:8501/?source=chelsea&patches=28&specs=softmax,efficient,lambda,agent); there the table of
# the lambda layer is random, as before training.
#
# ## 5 · Agents
#
# **Agent attention** (Han and others, 2023) keeps two real softmaxes of scores. It puts a few *agents* between queries
# and keys. An agent is the mean of the queries in one part of the picture. With 7 × 7 parts there are 49 agents.
#
# $$A = \underbrace{\operatorname{softmax}_n\!\Bigl(\tfrac{q_i \cdot a_n}{\sqrt D}\Bigr)}_{N \times 49}\;
# \underbrace{\operatorname{softmax}_j\!\Bigl(\tfrac{a_n \cdot k_j}{\sqrt D}\Bigr)}_{49 \times N}$$
#
# First each agent asks all keys and collects a mixture of values. Then each query asks the agents. (Both scores may get
# a learned table of places; linviz starts these tables at zero, and so they are here.)

# %% tags=["derives:agent"]
agent = make("agent")                                        # 7 x 7 agents
square = grid.Y // 7                                         # a part has 4 x 4 patches
a = Q.view(7, square, 7, square, D).mean((1, 3)).flatten(0, 1)           # (49, D)
asks = (Q @ a.mT / D ** 0.5).softmax(-1)                     # each query, 49 agents
finds = (a @ K.mT / D ** 0.5).softmax(-1)                    # each agent, 784 keys
theirs = agent.map(q, k, rgb)
assert torch.allclose(asks @ finds, theirs.dense()[0, 0], atol=1e-12)

loudest = asks[query].topk(8).indices.tolist()
Gallery([Picture(f"agent {n + 1}: {100 * asks[query, n]:.0f} %",
                 pictures.lit_by(finds[n], photo, grid, side=168),
                 f"The cat lit by agent {n + 1}, of the part in row {n // 7 + 1} and "
                 f"column {n % 7 + 1}; our patch gives it {100 * asks[query, n]:.0f} % "
                 "of its attention.") for n in loudest], columns=4)

# %% [markdown]
# These are the eight agents that our patch, at the corner of the eye, listens to most. Each agent lights what its part
# of the picture asked for. The row of our patch is a mixture of the 49 pictures.

# %%
PatchView([Panel(m.title, m.family, m.map(q, k, rgb))
           for m in (make("softmax"), make("efficient"), agent)], photo, grid,
          query=query)

# %% [markdown] tags=["exercise"]
# number = "6.3"
# title = "Agents"
# difficulty = 3
# importance = 5
# minutes = 12
# objectives = ["agent"]
# methods = ["agent"]
# task = '''
# Write agent attention for given agents: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$, and `a` is $M
# \times D$. Both scores are divided by $\sqrt D$. Make no table of $N \times S$ numbers: the check counts.
# '''
# hints = [
# '''
# Two tables are small: queries by agents, and agents by keys. Along which axis does each of them sum to one?
# ''',
# '''
# The agents collect $F = \operatorname{softmax}(a K^\top / \sqrt D)\, V$, which is $M \times E$. The output is
# $\operatorname{softmax}(Q a^\top / \sqrt D)\, F$. Both softmaxes go along the last axis.
# ''',
# '''
# `found = (a @ k.mT / root).softmax(-1) @ v` with `root = D ** 0.5`; the queries do the same with `a` in place of the
# keys and `found` in place of the values.
# ''',
# ]
# see = "The check says *right*. The next cell paints the cat through 49 agents with your function."

# %% tags=["answer:6.3"]
def agents(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"],
           a: Float[Tensor, "M D"]) -> Float[Tensor, "N E"]:
    """The agents ask the keys, and the queries ask the agents."""
    # solution
    root = q.shape[1] ** 0.5
    collected = (a @ k.mT / root).softmax(-1) @ v
    return (q @ a.mT / root).softmax(-1) @ collected
    # end


checks.agents(agents)

# %% tags=["needs:6.3"]
mine = agents(Q, K, rgb[0, 0], a)
assert torch.allclose(mine, agent(q, k, rgb)[0, 0], atol=1e-12)
Gallery([painting("softmax attention", make("softmax")(q, k, rgb)),
         painting("through 49 agents", mine[None, None])], columns=2)

# %% [markdown]
# ## 6 · How many agents does it take?
#
# The rank of the map is at most the number of agents. It is tempting to say: *49 agents can look at 49 different
# things*.
#
# > **Predict.** The numerical rank of the map of 49 agents is 49. The *effective* rank (chapter 3) counts how many
# > directions really share the work. Is it about 45, 25, or 10?

# %%
def through(side: float):
    return ch06.agents_figure(side, q=q, k=k, colours=rgb, grid=grid, query=query)


Live(through, ch06.AGENTS, label="agents along one side", start=7, form="d")

# %%
s = theirs.singular_values()
rank = int(linviz.spectra.numerical_rank(s, 1e-9))
used = linviz.spectra.effective_rank(s).item()
whole = linviz.spectra.effective_rank(make("softmax").map(q, k, rgb).singular_values())
say(f"49 agents: numerical rank {rank}, effective rank **{used:.1f}**. Softmax "
    f"attention has an effective rank of {whole.item():.0f} here.")
assert rank == 49 and used < 15 < whole
kept = [ch06.contrast_left(x, rgb) for x in (theirs.apply(rgb), painted["efficient"])]
say(f"49 agents keep {kept[0]:.0f} % of the contrast, 16 templates of efficient "
    f"attention {kept[1]:.0f} %.")
assert 1.9 < kept[0] / kept[1] < 2.1

# %% [markdown]
# Neighbouring agents ask nearly the same question, so most of them find nearly the same. Yet the cat through 49 agents
# keeps twice the contrast of efficient attention with its 16 templates. Agents come from the picture: where the picture
# has an eye, some agent asks for eyes.
#
# There is a second thing to know. An agent is a mean of *queries*. So the row of one patch depends on the queries of
# other patches:

# %%
louder = q.clone()
other = grid.number(0, 10, 5)                                # the eye's other rim
louder[:, :, other] *= 10
moved = {}
for m in (make("softmax"), make("efficient"), agent):
    rows = [m.map(x, k, rgb).rows(torch.tensor([query]))[0, 0, 0] for x in (q, louder)]
    moved[m.title] = 100 * ((rows[0] - rows[1]).abs().sum() / 2).item()
say("The query of another patch is made ten times longer. Of the row of our patch "
    "this moves " + ", ".join(f"{x:.2g} % ({title})" for title, x in moved.items())
    + ".")
assert moved["softmax"] == 0 == moved["efficient"] and moved["Agent"] > 30

# %% [markdown]
# Agent attention is sometimes called a linear attention with the features $\phi(q_i) = \operatorname{softmax}(q_i \cdot
# a_n)$. This is right as a formula. But these features depend on all queries, and no other features in this course do.
# For the same reason there is no causal form: an agent has seen the whole picture. And agents are not Linformer
# (chapter 8): Linformer pools the *keys*; here all keys stay.
#
# What does each method cost, and how many different rows can it have? In the table $P$ is the side of a stencil, and
# $M$ is the number of agents. The third column says how the cost grows if a picture has four times as many patches.

# %%
fine = linviz.Grid(Y=2 * grid.Y, X=2 * grid.X)
compared = [make("softmax"), make("nonlocal"), make("factorized"), make("efficient"),
            layer, agent]
say(table(["", "cost of a head", "4 times the patches", "rank at most"],
          common.costs_and_ranks(compared, grid, fine)))
bounds = {m.title: m.map(q, k, rgb).rank_bound for m in compared}
assert bounds["efficient"] == D and bounds["Agent"] == 49 and bounds["lambda"] == N

# %% [markdown]
# ## 7 · What was not shown
#
# - **Nothing was trained.** The stencils of section 4 were written by hand to show what a table can do. A trained table
#   need not look like bars.
# - **One photograph.** The numbers of this chapter belong to this cat. Try others [in the
#   explorer](http://localhost:8501/?source=coffee&patches=28&specs=softmax,efficient,agent).
# - **What stands around the attention.** Lambda layers come with normalisation of queries and values, agent attention
#   with a depthwise convolution of the values (`agent+conv` in linviz). Both matter for training.
#
# Sources: non-local networks, arXiv 1711.07971; efficient attention, arXiv 1812.01243; lambda networks, arXiv
# 2102.08602; agent attention, arXiv 2312.08874; near and far heads: the package linear-attention-transformer.
#
# **If you remember one thing:** the numbers along the axis of a softmax compete for one unit of weight. So ask first
# along which axis a softmax runs.
#
# ## Quiz

# %%
quizzes.softmaxes
