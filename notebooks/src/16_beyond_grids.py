# %% [markdown] tags=["front"]
# title = "Beyond grids"
# lead = '''
# Patches lie on a grid. Joints of a body, corners in a photograph or regions that touch do not. Attention does not
# mind: it needs a set of keys for every query and nothing else. This chapter lets a graph say who may look at whom,
# takes the order away from points, and then matches the two photographs of a stereo pair along their lines. The true
# depth is known, so every match can be checked.
# '''
# questions = [
#     "How does attention work on a graph, and what can graph attention not express?",
#     "What happens to attention between two sets of points without any order?",
#     "How sure can a match be, if the map has rank M?",
# ]
# prerequisites = [
#     "Scores, softmax and additive attention (chapter 1).",
#     "The bracket of linear attention (chapter 4) and ranks (chapter 3) for sections 3 and 5.",
# ]
# minutes = {reading = 40, exercises = 30, quiz = 5}
# key_points = [
#     "A graph is a list of edges: it says who may look at whom. A softmax over the edges says how much.",
#     "The cost grows with the number of edges, and information travels one edge per layer.",
#     "Graph attention (GAT) ranks keys statically: all queries put their common neighbours in the same order.",
#     "The dynamic form adds first and bends afterwards; then the order depends on the query.",
#     "Between sets of points the map is a rectangle. Without positions, the order of the keys does not matter.",
#     "In a rectified stereo pair a partner lies in the same row: such an edge list makes matching easier.",
#     "In a map of rank M, n one-to-one partners get a mean weight of at most M / n.",
# ]
#
# [objectives]
# edges = "compute attention along the edges of a graph"
# static = "explain why the ranking of graph attention is static, and what changes it"
# points = "say what attention between two sets of points computes, and what it ignores"
# stereo = "match a stereo pair along its epipolar lines, and compare with a control"
# ceiling = "derive the ceiling M / n on the weight of true partners"

# %% [markdown]
# ## 1 · Edges in place of a grid
#
# A photograph is cut into 14 × 14 patches, and each patch is described by 16 numbers (colour, edges, place). A
# **graph** is a list of pairs *(query, key)*: the edges. A query sees the keys of its own edges and no others. Any list
# is allowed. The first list below joins each patch with itself and its eight neighbours. The second joins each patch
# with the nine patches whose *colour* is most similar, wherever they are.
#
# *Graph attention* (GAT) scores each edge with two vectors $a$ and $b$ that are learned, bends the score with LeakyReLU
# (a negative number is multiplied by 0.2), and then takes a softmax over the edges of each query:
#
# $$e_{ij} = \mathrm{LeakyReLU}(a \cdot q_i + b \cdot k_j) \qquad\qquad
# A_{ij} = \frac{\exp(e_{ij})}{\sum_{l \,\in\, \text{edges of } i} \exp(e_{il})}$$
#
# > **Predict before you run.** The query is a patch beside one eye of the cat. Where will its nine partners be in the
# > second panel? Will the other eye be among them?

# %%
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from plotly.subplots import make_subplots

import linviz
from linviz import clips
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.pictures import Gallery, Picture, lit_by
from linviz.course.scenes import ch16
from linviz.figures import colourscale
from linviz.maps import Sparse
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
grid = linviz.Grid(1, 14, 14)
photo = clips.fit(clips.load("chelsea"), grid)
q, k, v = clips.descriptors(photo, grid)                     # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(0, 4, 6)

near = torch.tensor([(i, j) for i in range(N) for j in range(N)
                     if all(abs(a - b) <= 1 for a, b in
                            zip(grid.place(i), grid.place(j)))]).T       # (2, edges)
colour = v[0, 0, :, :3]                                      # mean lightness and colour
alike = torch.cdist(colour, colour).topk(9, largest=False).indices
by_colour = torch.stack((torch.arange(N).repeat_interleave(9), alike.flatten()))

graph = linviz.make("graph", heads=1, width=D, grid=grid).requires_grad_(False)
maps = {"neighbours in the picture": graph.map(q, k, v, edges=near),
        "neighbours in colour": graph.map(q, k, v, edges=by_colour)}
PatchView([Panel(name, graph.family, a) for name, a in maps.items()], photo, grid,
          query=query)

# %% [markdown]
# Move the mouse over the picture. The graph decides *where* a query may look; the scores decide *how much*. The cost
# grows with the number of edges: about nine per patch here, and not 196. The price is reach: what is not joined by an
# edge needs more layers, one per edge.
#
# [Graph attention and a window of the same size in the
# explorer](http://localhost:8501/?source=chelsea&patches=14&specs=graph,local).
#
# The definition in code, edge by edge, for the first graph. (linviz's default graph is this one; in a clip it also
# joins each patch with the same place one frame earlier and later.)

# %% tags=["derives:graph"]
a, b = graph.mechanism.a[0], graph.mechanism.b[0]
A = torch.zeros(N, N)
for i in range(N):
    mine = near[1][near[0] == i]                             # the keys of query i
    score = F.leaky_relu(q[0, 0, i] @ a + k[0, 0, mine] @ b, 0.2)
    A[i, mine] = score.softmax(0)
assert torch.allclose(A, graph.map(q, k, v).dense()[0, 0], atol=1e-6)
off = (A - maps["neighbours in the picture"].dense()).abs().max()
say(f"{near.shape[1]:,} edges in place of {N * N:,} pairs. Rows from the formula and "
    f"from linviz differ by at most {off:.0e}.")

# %% [markdown] tags=["exercise"]
# number = "16.1"
# title = "A softmax along edges"
# difficulty = 1
# importance = 4
# minutes = 8
# objectives = ["edges"]
# methods = ["graph"]
# task = '''
# `scores` has one number per edge, and `queries` has the number of the query of each edge. The edges are in no order.
# There are `N` queries, and each has at least one edge. Return the weight of each edge: a softmax over the edges that
# have the same query.
# '''
# hints = [
# '''
# A softmax divides exponentials by a sum. Over which edges does the sum go, and where is it needed again?
# ''',
# '''
# First add the exponentials of each query, $N$ sums. Then divide each exponential by the sum of its own query.
# ''',
# '''
# `torch.zeros(N, dtype=...).index_add(0, queries, w)` adds up the exponentials `w` by query. Index it with `queries`.
# ''',
# ]
# see = "The check says *right*. The next cell computes the whole map of the photograph with your function."

# %% tags=["answer:16.1"]
from jaxtyping import Float, Int
from torch import Tensor


def along_edges(scores: Float[Tensor, "M"], queries: Int[Tensor, "M"],
                N: int) -> Float[Tensor, "M"]:
    """The weight of every edge: a softmax over the edges of the same query."""
    # solution
    w = scores.exp()
    total = torch.zeros(N, dtype=w.dtype).index_add(0, queries, w)
    return w / total[queries]
    # end


checks.along_edges(along_edges)

# %% tags=["needs:16.1"]
one, other = q[0, 0] @ a, k[0, 0] @ b                        # a.q_i and b.k_j, once
mine = along_edges(F.leaky_relu(one[near[0]] + other[near[1]], 0.2), near[0], N)
assert torch.allclose(mine, A[near[0], near[1]], atol=1e-6)
say("No table of pairs was made: your weights agree with the loop on every edge.")

# %% [markdown]
# ### Find the bug
#
# A public library for sparse graphs computes the same layer without a table. Here is its arithmetic. The cell asks the
# function which neighbour it prefers, and compares this with the scores.

# %%
def public_weights(q, k, a, b, edges):
    """The weight of each edge, as a public code for sparse graphs had it."""
    e = torch.exp(-F.leaky_relu(q[edges[0]] @ a + k[edges[1]] @ b, 0.2))
    total = torch.zeros(len(q)).index_add(0, edges[0], e)
    return e / total[edges[0]]


public = torch.zeros(N, N)
public[near[0], near[1]] = public_weights(q[0, 0], k[0, 0], a, b, near)
score = torch.full((N, N), -torch.inf)
score[near[0], near[1]] = F.leaky_relu(one[near[0]] + other[near[1]], 0.2)
same = (public.argmax(1) == score.argmax(1)).float().mean()
say(f"For **{100 * same:.0f} %** of the patches the public code prefers the neighbour "
    "with the highest score.")
assert same < 0.05

# %% [markdown] tags=["exercise"]
# number = "16.2"
# title = "Find the bug: the neighbour with the lowest score"
# difficulty = 2
# importance = 3
# minutes = 10
# objectives = ["edges", "static"]
# methods = ["graph"]
# task = '''
# Write graph attention as it should be, up to the output. `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times
# E$. `a` and `b` have $D$ numbers, and `edges` is $2 \times M$: queries and keys. Every query has an edge. LeakyReLU
# has the slope 0.2.
# '''
# hints = [
# '''
# Which sign in the public code turns the order around? The rest of its arithmetic may stay.
# ''',
# '''
# Weights: $\exp(\mathrm{LeakyReLU}(a \cdot q_i + b \cdot k_j))$ over their sum for each query. The output of query $i$
# adds $A_{ij} v_j$ over its edges.
# ''',
# '''
# Use exercise 16.1 for the weights `w`. Then add the rows `w[:, None] * v[edges[1]]` by query, with `index_add`.
# ''',
# ]
# see = "The check says *right*. On the photograph your output equals linviz's."

# %% tags=["answer:16.2"]
def graph_attention(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"],
                    v: Float[Tensor, "S E"], a: Float[Tensor, "D"],
                    b: Float[Tensor, "D"],
                    edges: Int[Tensor, "2 M"]) -> Float[Tensor, "N E"]:
    """Graph attention along a list of edges, without a table of pairs."""
    # solution
    i, j = edges
    w = F.leaky_relu(q[i] @ a + k[j] @ b, 0.2).exp()
    total = v.new_zeros(len(q)).index_add(0, i, w)
    mixed = v.new_zeros(len(q), v.shape[1]).index_add(0, i, w[:, None] * v[j])
    return mixed / total[:, None]
    # end


checks.graph_attention(graph_attention)

# %% tags=["needs:16.2"]
mine = graph_attention(q[0, 0], k[0, 0], v[0, 0], a, b, by_colour)
theirs = graph(q, k, v, edges=by_colour)[0, 0]
assert torch.allclose(mine, theirs, atol=1e-5)
say(f"On the graph of similar colours your outputs differ from linviz's by at most "
    f"{(mine - theirs).abs().max():.0e}.")

# %% [markdown]
# ## 2 · A ranking that no query changes
#
# Look at the score again: $a \cdot q_i + b \cdot k_j$ is a number of the query *plus* a number of the key. LeakyReLU
# rises everywhere, and so does the exponential. So for one query the order of the keys is the order of the numbers
# $b \cdot k_j$. This order contains no $i$.
#
# > **Predict.** Join every patch with every patch. Each of the 196 queries has a favourite key. How many different
# > favourites are there?

# %%
full = torch.stack((torch.arange(N).repeat_interleave(N), torch.arange(N).repeat(N)))
dynamic = linviz.make("graph", heads=1, width=D, grid=grid,
                      dynamic=True).requires_grad_(False)
soft = linviz.make("softmax", heads=1, width=D, grid=grid)
rows = {"graph attention": graph.map(q, k, v, edges=full),
        "graph attention, dynamic": dynamic.map(q, k, v, edges=full),
        "softmax": soft.map(q, k, v)}
favourites = {name: m.dense()[0, 0].argmax(1).unique().numel()
              for name, m in rows.items()}
say(table(["196 queries", "different favourites"],
          [[name, f"{n}"] for name, n in favourites.items()]))
assert favourites["graph attention"] == 1 < favourites["graph attention, dynamic"]

# %% [markdown]
# One. The query can make a row flatter or steeper, but it cannot choose. This is called **static attention**. Within a
# small neighbourhood it is hard to see, because the neighbourhoods differ. But two queries with the same neighbours
# always rank them alike. The table of raw scores has rank 2, whatever $D$ is.
#
# The **dynamic** form (GATv2) changes the order of two operations: first add the vectors, then bend, and only then
# multiply by $a$: $e_{ij} = a \cdot \mathrm{LeakyReLU}(q_i + k_j)$. Now the bend works on each channel, and where a
# channel bends depends on both. (Does this remind you of additive attention in chapter 1? It is the same, with
# LeakyReLU for tanh.) Two lines of code, compared with linviz:

# %% tags=["derives:graph"]
raw = one[:, None] + other
assert torch.linalg.matrix_rank(raw.double(), rtol=1e-6) == 2
scores = F.leaky_relu(q[0, 0, :, None] + k[0, 0], 0.2) @ dynamic.mechanism.a[0]
mine = scores.softmax(-1)
assert torch.allclose(mine, rows["graph attention, dynamic"].dense()[0, 0], atol=1e-5)
order = raw.argsort(1)
assert bool((order == order[0]).all())
say("All 196 rows of raw scores put the 196 keys in the same order.")

# %% [markdown]
# The figure is drawn in the open. Four channels (x, y, and their negatives), four keys, and a query that turns once
# around a circle. Watch the order of the lines: do they cross?

# %%
def four_channels(degrees):
    """A direction as x, y, -x, -y."""
    turned = torch.deg2rad(degrees)
    xy = torch.stack((turned.cos(), turned.sin()), -1)
    return torch.cat((xy, -xy), -1)


keys = four_channels(torch.tensor([0.0, 90.0, 180.0, 270.0]))
turn = torch.arange(0, 361, 5.0)
asks = four_channels(turn)
w_q, w_k = torch.tensor([1.0, 0.5, -0.5, 0.2]), torch.tensor([0.3, 0.6, -0.3, 0.1])
static = F.leaky_relu((asks @ w_q)[:, None] + keys @ w_k, 0.2).softmax(-1)
moving = (-F.leaky_relu(asks[:, None] + keys, 0.2).sum(-1)).softmax(-1)   # a = -1
fig = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.06,
                    subplot_titles=("graph attention", "dynamic"))
for n, dash in enumerate(("solid", "dash", "dot", "dashdot")):
    for side, weights in enumerate((static, moving), 1):
        line = {"dash": dash, "color": ("#0072b2", "#d55e00", "#009e73", "#cc79a7")[n]}
        fig.add_trace(go.Scatter(x=turn, y=weights[:, n], name=f"key {n + 1}",
                                 line=line, showlegend=side == 1), 1, side)
best = [weights.argmax(1).unique().numel() for weights in (static, moving)]
fig.update_xaxes(title="direction of the query (degrees)",
                 tickvals=[0, 90, 180, 270, 360])
fig.update_yaxes(title="weight", col=1)
fig.update_layout(
    template="linviz", height=390, margin={"t": 92},
    title={"text": "The lines of graph attention never cross", "y": 1,
           "yref": "container", "yanchor": "top", "pad": {"t": 8}},
    meta={"alt": "Weights of four keys while the query turns once. In graph attention "
                 f"the lines never cross: {best[0]} key is the favourite all the way. "
                 f"In the dynamic form they cross, and {best[1]} keys take turns."})
show(fig)
assert best[0] == 1 and best[1] >= 3
assert bool((static.argsort(1) == static.argsort(1)[0]).all())

# %% [markdown]
# A caution: static attention is a limit of what one layer *can express*. On many graphs a good ranking does not depend
# on the query, and then nothing is lost.
#
# ## 3 · Sets of points
#
# The motorcycle was photographed by two cameras side by side. Both pictures are cut into 28 × 42 patches, and each
# patch (with a border around it) is described by 192 plain numbers, its pixels in low resolution, brought to length 1.
# Now forget the grid. Keep only the 150 patches with most contrast in the left picture and the 180 in the right
# picture: two **sets of points**. Attention between them is a rectangle of $150 \times 180$ weights.
#
# *Keypoint matchers* run such layers in both directions many times, and with thousands of points softmax becomes
# expensive. So some of them use linear attention with $\phi(x) = \mathrm{elu}(x) + 1$:
#
# $$A_{ij} = \frac{\phi(q_i) \cdot \phi(k_j)}{\sum_l \phi(q_i) \cdot \phi(k_l) + 10^{-6}}$$

# %% tags=["derives:keypoint"]
pair = ch16.stereo_patches()
Y, X, W = pair.left.shape
places = linviz.Grid(1, Y, X).places()[:, 1:]                # row and column


def strongest(picture, many):
    """The numbers of the patches with most contrast."""
    patch = F.unfold(picture.mean(0)[None, None], 16, stride=16)[0]     # (256, patches)
    return patch.std(0).topk(many).indices


SHARP = 50 ** 0.5                                            # temperature 1 / 50
left, right = (strongest(x, n) for x, n in zip(pair.clip.frames, (150, 180)))
q_p = SHARP * pair.left.flatten(0, 1)[left]
k_p = SHARP * pair.right.flatten(0, 1)[right]

points = linviz.make("keypoint", heads=1, width=W, grid=linviz.Grid(1, 1, 150),
                     key_grid=linviz.Grid(1, 1, 180))
products = (F.elu(q_p) + 1) @ (F.elu(k_p) + 1).mT
mine = products / (products.sum(-1, keepdim=True) + 1e-6)
theirs = points.map(q_p[None, None], k_p[None, None], k_p[None, None])
assert torch.allclose(mine, theirs.dense()[0, 0], atol=1e-7)
say(f"{mine.shape[0]} × {mine.shape[1]} weights, at most rank {theirs.rank_bound}.")

# %% [markdown]
# > **Predict.** Shuffle the points of the right picture. What happens to the outputs of the left points? And how many
# > fair shares (1 is what uniform attention gives) does the best match of a point get, under softmax and elu + 1?

# %%
mix = torch.randperm(180, generator=torch.Generator().manual_seed(0))
plain = points(q_p[None, None], k_p[None, None], k_p[None, None])
mixed = points(q_p[None, None], k_p[mix][None, None], k_p[mix][None, None])
assert torch.allclose(plain, mixed, atol=1e-5)

sharp = (q_p @ k_p.mT).softmax(-1)
number = int(sharp.amax(1).argmax())                         # the surest point
fig = make_subplots(1, 2, horizontal_spacing=0.06, shared_yaxes=True,
                    subplot_titles=("softmax", "keypoint (elu + 1)"))
row, column = places[right].T
most = [180 * x[number].max() for x in (sharp, mine)]
for side, weights in enumerate((sharp, mine), 1):
    shares = 180 * weights[number]
    fig.add_trace(go.Scatter(
        x=column, y=row, mode="markers", showlegend=False,
        marker={"size": 6 + 14 * shares / most[0], "color": shares,
                "coloraxis": "coloraxis", "line": {"width": 1}}), 1, side)
fig.update_xaxes(title="column of the right picture (patches)")
fig.update_yaxes(title="row (patches)", col=1)
fig.update_yaxes(autorange="reversed")
fig.update_layout(
    template="linviz", height=400, margin={"t": 60},
    coloraxis={"colorscale": colourscale("cividis"), "cmin": 0,
               "colorbar": {"title": {"text": "fair shares", "side": "right"}}},
    meta={"alt": "The 180 points of the right picture, lit by one left point. Softmax: "
                 f"one point has {most[0]:.0f} fair shares. elu + 1: all points have "
                 f"about the same weight, at most {most[1]:.1f} fair shares."})
show(fig)
top = [180 * x.amax(1).mean() for x in (sharp, mine)]
say(f"Mean over all points, fair shares of the best match: softmax **{top[0]:.0f}**, "
    f"elu + 1 **{top[1]:.2f}**. After the shuffle no output has changed.")
assert top[0] > 50 and top[1] < 3

# %% [markdown]
# A set has no order, so shuffling the keys together with their values changes nothing. (If order or place matters, it
# must be written into the descriptors.) And elu + 1 is nearly flat: every pair keeps some weight.
#
# The authors of keypoint matchers add a second, local attention around points that match already. Note what this is:
# *a second map*, added to the first. It does not make the first map sharper.
#
# ## 4 · Along epipolar lines
#
# The two cameras stand side by side, and the pictures are **rectified**: what the left camera sees in a row, the right
# camera sees in the *same row*, further left. The line on which the partner of a point must lie is called its
# **epipolar line**. The step to the left is the **disparity**: large for near things, small for far things. For this
# pair it was measured, so we know the true partner of each patch (unless it is hidden from the other camera).
#
# So geometry hands us a graph: every patch is joined with the 42 patches of the same row of the *other* picture. The
# live view has two frames, the left and the right picture; it shows the right one. Three ways to score these edges:
#
# > **Predict.** Which of the three finds the partner: softmax of $q \cdot k$, graph attention, elu + 1? The query is a
# > patch under the lamp.

# %%
both = linviz.Grid(2, Y, X)
x = torch.stack((pair.left, pair.right)).flatten(0, 2)       # (2 Y X, 192)
frame, line, _ = both.places().T
lines = ((1 - frame) * Y + line)[:, None] * X + torch.arange(X)         # keys (N, X)
edges = torch.stack((torch.arange(len(both)).repeat_interleave(X), lines.flatten()))

along = (50 * x[:, None] * x[lines]).sum(-1).softmax(-1)
phi = F.elu(SHARP * x) + 1
flat = (phi[:, None] * phi[lines]).sum(-1)
flat = flat / flat.sum(-1, keepdim=True)
gat = linviz.make("graph", heads=1, width=W, grid=both).requires_grad_(False)
one = SHARP * x[None, None]
shown = [Panel("softmax along lines", "softmax",
               Sparse(lines, along[None, None], len(both))),
         Panel("graph attention along lines", gat.family,
               gat.map(one, one, one, edges=edges)),
         Panel("elu + 1 along lines", "kernel",
               Sparse(lines, flat[None, None], len(both)))]
lamp = both.number(0, 11, 32)
PatchView(shown, pair.clip, both, query=lamp, frame=1)

# %% [markdown]
# Move the mouse over the view, and switch to frame 1 for the left picture. The same row, as still pictures of the right
# picture:

# %%
Gallery([Picture(p.title, lit_by(p.map.rows([lamp])[0, 0, 0], pair.clip, both, 1, 320),
                 f"The right picture, lit by a patch under the lamp: {p.title}.")
         for p in shown], columns=3, width=320)

# %%
def best_columns(weights: Tensor) -> Tensor:
    """The column of the best match of each left patch. weights (2 Y X, X)."""
    return weights[:Y * X].argmax(-1).view(Y, X)


everywhere = (50 * pair.left.flatten(0, 1) @ pair.right.flatten(0, 1).mT).softmax(-1)
best = everywhere.argmax(-1).view(Y, X)
static = gat.map(one, one, one, edges=edges).rows(torch.arange(Y * X))[0, 0]
static = static.gather(1, lines[:Y * X])                     # (Y X, X)
by_shift = {d: ch16.right_share((torch.arange(X) - d).expand(Y, X), pair)
            for d in range(1, 5)}
guess = max(by_shift, key=by_shift.get)
share = {"softmax, all patches of the picture":
             ch16.right_share(best % X, pair, best // X),
         "softmax, along lines": ch16.right_share(best_columns(along), pair),
         "elu + 1, along lines": ch16.right_share(best_columns(flat), pair),
         "graph attention, along lines": ch16.right_share(best_columns(static), pair),
         f"control: every patch moves {guess} columns": by_shift[guess]}
say(table([f"right column, % of {int(pair.known.sum())} patches", ""],
          [[name, f"{100 * y:.0f} %"] for name, y in share.items()]))
names = list(share)
assert share[names[1]] > share[names[0]] + 0.05 > share[names[4]] > share[names[3]]
assert share[names[2]] < share[names[1]]

# %% [markdown]
# Four things can be read off.
#
# - The lines help: the same scores find more partners when they cannot look at other rows.
# - elu + 1 looks useless in the picture, because its rows are nearly flat. But its *best* match is right nearly as
#   often as that of softmax. Section 5 asks what the flat row costs.
# - Graph attention fails completely: all patches of a row agree on one favourite, here by a small margin. Matching is
#   a task whose ranking **must** depend on the query.
# - Look at the control. Moving everything by the same number of columns, without looking, is right for half of the
#   patches, because most of the picture is a wall. Without this control the other numbers would look better than they
#   are.
#
# The best match is a whole number of patches. The **mean** match is finer:
#
# $$d_i = x_i - \sum_j A_{ij}\, x_j$$
#
# where $x_i$ is the column of the query and $x_j$ that of the key. The temperature decides how many keys take part.

# %%
def draw_depth(temperature: float):
    return ch16.disparity_figure(temperature, pair=pair)


Live(draw_depth, ch16.TEMPERATURES, label="temperature", start=0.02, form="g")

# %% [markdown] tags=["exercise"]
# number = "16.3"
# title = "Depth from two pictures"
# difficulty = 3
# importance = 5
# minutes = 12
# objectives = ["stereo"]
# task = '''
# `q` holds the patches of the left picture and `k` those of the right, both $Y \times X \times D$. Match each left
# patch with the patches of its own row, by a softmax of $q \cdot k$ (nothing is divided). Return the disparity of the
# mean match, $Y \times X$. Columns are counted from 0.
# '''
# hints = [
# '''
# For each row there is one table of $X \times X$ scores. Which axis does the softmax go along?
# ''',
# '''
# $d_{y,x} = x - \sum_j A_{y,x,j}\, j$ with $A_{y,x} = \mathrm{softmax}_j(q_{y,x} \cdot k_{y,j})$.
# ''',
# '''
# `q @ k.mT` gives the scores of all rows at once, $Y \times X \times X$. Multiply the weights by a vector of columns.
# ''',
# ]
# see = "The check says *right*. The next cell measures your depth against the true one, and against the control."

# %% tags=["answer:16.3"]
def soft_disparity(q: Float[Tensor, "Y X D"],
                   k: Float[Tensor, "Y X D"]) -> Float[Tensor, "Y X"]:
    """Column of each left patch minus the mean column of its matches in the row."""
    # solution
    column = torch.arange(q.shape[1], dtype=q.dtype)
    return column - (q @ k.mT).softmax(-1) @ column
    # end


checks.soft_disparity(soft_disparity)

# %% tags=["needs:16.3"]
depth = soft_disparity(pair.left / 0.01, pair.right)
off = (depth - pair.disparity).abs()[pair.known]
still = (pair.disparity[pair.known].median() - pair.disparity).abs()[pair.known]
say(f"Half of the patches are wrong by less than **{off.median():.2f}** patches "
    f"({16 * off.median():.0f} pixels); with the same disparity everywhere it is "
    f"{still.median():.2f}.")
assert off.median() < still.median()

# %% [markdown]
# ## 5 · The ceiling M / n
#
# In section 4 elu + 1 found many partners along lines, although its map is nearly flat. How much *weight* can a partner
# get? Take $n$ queries with $n$ different partners, and only these. Write down the square table $B_{ij}$: the weight
# of query $i$ on the partner of query $j$. Its diagonal holds the weights of the true partners.
#
# 1. $B$ is a part of the map, so its rank is at most $M$. At most $M$ of its eigenvalues are not zero.
# 2. The weights are not negative and each row sums to at most one. If $B x = \lambda x$, look at the largest entry of
#    $x$: it is multiplied by $\lambda$, and a row of $B$ makes a mean of entries, which cannot be larger. So no
#    eigenvalue is larger than 1 in size.
# 3. The diagonal of a square table sums to the sum of its eigenvalues: here at most $M$ numbers of at most 1.
#
# So the $n$ weights on the true partners sum to at most $M$, and their mean is at most $M / n$. Softmax has no such
# bound.
#
# > **Predict.** Our pair has 903 one-to-one partners. Which ceiling does a map with 64 features have? And will
# > elu + 1 with 64 channels come near it?

# %%
n = int(pair.known.sum())
words = (16, 64, 256)
codes = [ch16.partner_weight(pair, ch16.codebook_weights(pair, m)) for m in words]
kernel = []
for m in (16, 64, 192):
    draw = torch.randn(W, m, generator=torch.Generator().manual_seed(0)) / m ** 0.5
    one, other = (F.elu(SHARP * t.flatten(0, 1) @ draw) + 1
                  for t in (pair.left, pair.right))
    flat_rows = (one @ other.mT) / (one @ other.sum(0))[:, None]
    kernel.append(ch16.partner_weight(pair, flat_rows))
level = ch16.partner_weight(pair, everywhere)
bound = [16, 64, 192, 256]
fig = go.Figure(layout={"template": "linviz", "height": 400})
fig.add_trace(go.Scatter(x=bound, y=[m / n for m in bound], name="ceiling M / n",
                         mode="lines", line={"dash": "dot", "color": "#59616b"}))
fig.add_trace(go.Scatter(x=words, y=codes, name="codebook of M words",
                         mode="lines+markers", marker={"symbol": "diamond", "size": 9}))
fig.add_trace(go.Scatter(x=[16, 64, 192], y=kernel, name="elu + 1, M channels",
                         mode="lines+markers", marker={"symbol": "square", "size": 9},
                         line={"dash": "dash"}))
fig.add_trace(go.Scatter(x=[16, 256], y=[level, level], name="softmax", mode="lines",
                         line={"dash": "longdash"}))
fig.update_layout(
    xaxis={"title": "rank bound M of the map", "type": "log", "tickvals": bound},
    yaxis={"title": "mean weight on the true partner", "type": "log",
           "tickvals": [0.001, 0.01, 0.1, 1]},
    meta={"alt": f"Mean weight on the true partner over the rank bound. Softmax: "
                 f"{level:.2f}. Ceiling at M = 64: {64 / n:.3f}; a codebook of 64 "
                 f"words: {codes[1]:.3f}; elu + 1 with 64 channels: {kernel[1]:.4f}."})
show(fig)
say(f"{n} partners, M = 64: ceiling **{64 / n:.3f}**, codebook {codes[1]:.3f}, elu + 1 "
    f"{kernel[1]:.4f} (a fair share is {1 / (Y * X):.4f}). Softmax: **{level:.2f}**.")
assert all(y < m / n for m, y in zip(words, codes))
assert kernel[1] < 3 / (Y * X) < 64 / n < level and n == 903

# %% [markdown]
# elu + 1 does not come near its ceiling. The **codebook** does better with the same rank: it replaces each patch by the
# nearest of $M$ right patches (its *word*), and patches with the same word see each other. Its features are one-hot
# vectors. So low rank is not the whole story, and flatness is a story of its own (chapter 11).
#
# Two warnings. A low ceiling is about *weight*. The **best** match can be right although its weight is small, as elu +
# 1 along lines has shown; but a mean over such weights is a blur. And the lines raise the ceiling: along a line there
# are only 42 keys, so with $M \ge 42$ features nothing is forbidden. *Fewer candidates are worth as much as more
# features.*
#
# ## 6 · What was not shown
#
# - **No training.** $a$ and $b$ are random, and the descriptors are plain pixels. A trained matcher has better
#   descriptors, and the ceiling is the same.
# - **Other graphs.** Meshes, skeletons and regions that touch need nothing new: hand their edges to
#   `map(..., edges=...)`.
# - **Real stereo** uses smaller patches, many scales and knowledge about surfaces.
# - **Local attention around points** (Suwanwimolkul and Komorita, 2022, arXiv 2204.07731): there is no public code of
#   the local part, so linviz does not invent one.
#
# Sources: *Graph attention networks*, Velickovic et al., 2017, arXiv 1710.10903; *How attentive are graph attention
# networks?*, Brody et al., 2021, arXiv 2105.14491; *LoFTR*, Sun et al., 2021, arXiv 2104.00680; the pair: Scharstein et
# al., GCPR 2014.
#
# ## Quiz

# %%
quizzes.graphs
