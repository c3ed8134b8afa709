# %% [markdown] tags=["front"]
# title = "Nearness"
# lead = '''
# In a picture, what is near usually belongs together. Many methods save work by using this: some cut the picture into
# windows, some let weights fade with distance, and some ignore the query altogether. This chapter derives ten of them.
# It asks each method the same question: near in what? Near in the picture, or only near in the order of reading?
# '''
# questions = [
#     "Why can two neighbouring patches be unable to see each other, and what does a shift of the windows change?",
#     "How can a weight fade with distance while the bracket still moves?",
#     "What is left of attention if no query is ever compared with a key?",
# ]
# prerequisites = ["Chapter 1: queries, keys, values, softmax.", "Chapter 4: a kernel, and the bracket that moves."]
# minutes = {reading = 40, exercises = 40, quiz = 7}
# key_points = [
#     "A window has a border. Two neighbours on its two sides have weight zero until the windows are shifted.",
#     "Swin is softmax inside windows. Its cost is linear in N only because the side of a window is fixed.",
#     "The cosine of a difference is a sum of products, so a weight can fade with distance inside the features.",
#     "cosFormer's ruler lies along the reading order: in a picture it makes stripes. Vicinity has one for each axis.",
#     "In AFT no query meets a key. A position table and the keys choose the patches; the query scales channels.",
#     "AFT-local is still global: zero is not minus infinity.",
#     "A Gaussian used as logits is almost uniform: no weight is more than 2.72 times another, however narrow it is.",
# ]
#
# [objectives]
# windows = "say which patches share a window, before and after the shift"
# ruler = "put the cosine of a distance into the features of a kernel"
# running = "find the mistake in a causal sum that is divided too early"
# pictures = "recognise a method by two rows of its map"
# order = "tell nearness in the picture from nearness in the reading order"
# content = "say what AFT and Gaussian attention ignore"

# %% [markdown]
# ## 1 · Two neighbours who cannot see each other
#
# The photograph is cut into 14 × 14 patches. In the first panel every patch may look at all patches. In the second
# panel the picture is cut into four **windows** of 7 × 7 patches, and attention stays inside a window. In the third
# panel the cuts lie elsewhere, after 3 and after 10 patches.
#
# The query is a patch of the cat's face, beside the nose. It is the last patch of its row in its window: its neighbour
# on the right lies in the next window. Softmax gives this neighbour more weight than the query itself.
#
# > **Predict before you run.** How much weight does the query give to its neighbour on the right in the second panel,
# > and how much in the third?

# %%
import math

import plotly.graph_objects as go
import torch

import linviz
from linviz import clips
from linviz.concentration import distance, entropy, frame_distance
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import ch09, common
from linviz.figures import heat, theme
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
grid = linviz.Grid(Y=14, X=14)
photo = clips.fit(clips.load("chelsea"), grid)
q, k, v = clips.descriptors(photo, grid, 2 / 3)              # (1, 1, N, D) each
N, D = q.shape[-2:]
query, right = grid.number(0, 9, 6), grid.number(0, 9, 7)    # two neighbours
Q, K, V = (x[0, 0] for x in (q, k, v))                       # one head: (N, D) each


def made(spec, heads=1, grid=grid, **options):
    """The method from linviz; its parameters stay as they were drawn."""
    method = linviz.make(spec, heads, D // heads, grid, **options)
    return method.requires_grad_(False)


def same(mine, theirs) -> float:
    """Assert that two tables are equal up to rounding; the largest difference."""
    assert torch.allclose(mine, theirs, atol=1e-6), (mine - theirs).abs().max()
    return (mine - theirs).abs().max().item()


soft, cut, moved = (made(spec) for spec in ("softmax", "swin@window:7",
                                            "swin@shifted:7"))

# %%
PatchView([Panel(m.title, m.family, m.map(q, k, v)) for m in (soft, cut, moved)],
          photo, grid, query=query)

# %%
pair = {m.title: m.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0, right].item()
        for m in (soft, cut, moved)}
say("Weight of the neighbour on the right: "
    + ", ".join(f"{title} **{100 * x:.1f} %**" for title, x in pair.items()) + ".")
itself = soft.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0, query].item()
assert pair[cut.title] == 0 and min(pair[soft.title], pair[moved.title]) > itself

# %% [markdown]
# In the second panel the weight is not small: it is zero, although the two patches touch. Move the mouse across the
# middle of the second panel, and the lit square jumps.
#
# This is **Swin** (Liu and others, 2021). Its weights are softmax weights inside the window, with one addition: a
# learned number $b$ for every step from key to query,
#
# $$A_{ij} = \frac{\exp(q_i \cdot k_j / \sqrt D + b_{\Delta y, \Delta x})}{\text{sum over the window of } i}.$$
#
# A step inside a window of side $W$ has $2W - 1$ possible values in each direction, so $b$ has $(2W - 1)^2$ numbers,
# here 169 per head. (Here they are as they were drawn, close to zero.) All windows share them. The next cell writes
# the table of all pairs and puts minus infinity where two patches are in different windows. (Their steps may be longer
# than 6. The cell cuts these steps off, so that the table has a number for them; minus infinity then covers it.)

# %% tags=["derives:swin"]
_, row, column = grid.places().T                             # of every patch
dy = (row[:, None] - row).clamp(-6, 6)                       # query minus key
dx = (column[:, None] - column).clamp(-6, 6)
bias = cut.mechanism.bias[:, 0][(dy + 6) * 13 + dx + 6]      # (N, N)
scores = Q @ K.mT / math.sqrt(D) + bias

for spec, first_cut in (("swin@window:7", 0), ("swin@shifted:7", 3)):
    y, x = (row - first_cut) // 7, (column - first_cut) // 7  # the window of a patch
    together = (y[:, None] == y) & (x[:, None] == x)
    mine = scores.masked_fill(~together, -torch.inf).softmax(-1)
    say(f"`{spec}`: {together.sum():,} of {N * N:,} pairs, largest difference "
        f"{same(mine, made(spec).map(q, k, v).dense()[0, 0]):.0e}.")

# %% [markdown]
# Two remarks, because both are often misunderstood.
#
# - **"Linear" means: linear in N while $W$ is fixed.** A window of $W^2$ patches has $W^4$ pairs, and there are $N /
#   W^2$ windows, so there are $N W^2$ pairs. Inside a window it is ordinary softmax.
# - **The shift does not join the left edge with the right edge.** The official code rolls the picture round, so that
#   all windows stay complete. But where a window joins two parts of the picture that do not touch, the code adds
#   $-100$ to the scores between these parts. The result is that of smaller windows at the edge, which linviz uses
#   directly.

# %% [markdown] tags=["exercise"]
# number = "9.1"
# title = "Who is in my window?"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["windows"]
# methods = ["swin"]
# task = '''
# `row` and `column` hold the row and the column of each of $N$ patches, counted from 0. Windows are `W` patches wide
# and high. The first cut lies after `shift` patches, from the top and from the left. Return an $N \times N$ table:
# 1 if two patches are in the same window, else 0.
# '''
# hints = [
# '''
# Number the windows from top to bottom. Which window has row 0, if the first cut lies after 3 patches? And row 3?
# ''',
# '''
# The window of a patch is $\lfloor (r - s) / W \rfloor$ in each direction, where $s$ is the shift. Patches before the
# first cut get $-1$. Two patches share a window if both numbers are equal.
# ''',
# '''
# With `y = (row - shift) // W` the table of equal rows of windows is `y[:, None] == y`. Do the same for columns, join
# both tables with `&`, and convert with `.to(row.dtype)`.
# ''',
# ]
# see = "The check says *right*. The next cell counts pairs for windows of every side, with and without the shift."

# %% tags=["answer:9.1"]
from jaxtyping import Float
from torch import Tensor


def same_window(row: Float[Tensor, "N"], column: Float[Tensor, "N"], W: int,
                shift: int) -> Float[Tensor, "N N"]:
    """1 for two patches in the same window, else 0; the first cut is after `shift`."""
    # solution
    y, x = (row - shift) // W, (column - shift) // W
    return ((y[:, None] == y) & (x[:, None] == x)).to(row.dtype)
    # end


checks.same_window(same_window)

# %% tags=["needs:9.1"]
places = grid.places().double()
counts = {W: [int(same_window(places[:, 1], places[:, 2], W, shift).sum())
              for shift in (0, W // 2)] for W in (2, 7, 14)}
say(table(["side of a window", "pairs", "pairs, shifted", "of all pairs"],
          [[f"{W}", f"{a:,}", f"{b:,}", f"{100 * a / N**2:.1f} %"]
           for W, (a, b) in counts.items()]))
assert counts[2][0] == N * 4 and counts[7][0] == N * 49 and counts[14][0] == N * N

# %% [markdown]
# Swin uses both cuts by turns: one layer with windows, the next one with shifted windows. How far does this carry?
# `linviz.flow.reach` follows the values back through the layers, from the last one to the first. Here the last layer is
# a shifted one. Now the picture has 28 × 28 patches and 16 windows.
#
# > **Predict.** Without a shift, how many of the 784 patches reach the query after four layers? And with the shift in
# > every second layer? Then move the slider.

# %%
fine = linviz.Grid(Y=28, X=28)
eye = fine.number(0, 12, 13)
reached = {name: ch09.window_reach(specs, fine, eye)
           for name, specs in {"windows only": ["swin@window:7"],
                               "every second layer shifted":
                               ["swin@window:7", "swin@shifted:7"]}.items()}


def reached_at(layers: float):
    return ch09.reach_figure(layers, reached=reached, grid=fine)


Live(reached_at, ch09.LAYERS, label="layers", start=1, form="d")

# %%
heard = {name: mask.sum(-1).tolist() for name, mask in reached.items()}
say("Patches that reach the query after 1, 2, 3, 4 layers: "
    + "; ".join(f"{name} {', '.join(f'**{n}**' for n in counts)}"
                for name, counts in heard.items()) + ".")
assert heard["windows only"] == [49] * 4
assert heard["every second layer shifted"][0] == 49
assert heard["every second layer shifted"][-1] > 600

# %% [markdown]
# Without the shift nothing ever crosses a border, however many layers there are: the query reaches the 49 patches of
# its window and no more. [The same on a clip, in the
# explorer](http://localhost:8501/who_sees_whom?source=crossing&side=7&left=window&right=shifted).
#
# ## 2 · Near in reading order
#
# Windows need two dimensions. A text has one, and its local attention is simpler: cut the tokens into blocks of $W$
# and let a query see its own block and the two beside it. It can be used on a picture, too. The patches are then in
# reading order: along the first row, then along the second row, and so on.

# %% tags=["derives:local"]
block = torch.arange(N) // 14                                # W = 14: a block is a row
near = (block[:, None] - block).abs() <= 1
mine = (Q @ K.mT / math.sqrt(D)).masked_fill(~near, -torch.inf).softmax(-1)
local = made("local", window=14)
same(mine, local.map(q, k, v).dense()[0, 0])
side = near[query].view(grid.Y, grid.X).int()
say(f"The query sees {near[query].sum()} patches: rows "
    f"{side.any(1).nonzero()[0].item() + 1} to {side.any(1).nonzero()[-1].item() + 1}, "
    "each of them from the left edge to the right edge.")
assert side.sum(1).tolist() == [14 if abs(y - 9) <= 1 else 0 for y in range(14)]

# %% [markdown]
# It sees the far end of its row, 7 patches away, and does not see the patch two rows below. So "local" needs a
# question: *local in what?*
#
# A compromise is to give the heads of a layer different tasks, as in exercise 6.1. In the package
# *linear-attention-transformer* the first heads are local, and the others see everything through efficient attention.
# In chapter 6 both heads had the same queries and keys. In a layer each head has channels of its own, here half of
# them:

# %% tags=["derives:local_global"]
halves = [x.unflatten(-1, (2, D // 2)).transpose(-2, -3)[0] for x in (q, k, v)]
(q_near, q_far), (k_near, k_far), _ = (x[0] for x in halves)  # (N, D/2) each
near_head = (q_near @ k_near.mT / math.sqrt(D // 2)).masked_fill(
    ~near, -torch.inf).softmax(-1)
far_head = q_far.softmax(-1) @ k_far.softmax(0).mT * (D // 2) ** -0.5
two_heads = made("local_global", heads=2, window=14)
both = two_heads.map(*halves).dense()[0]
same(torch.stack((near_head, far_head)), both)
say(f"Rows of the local head sum to {near_head.sum(-1).mean():.2f}, rows of the global "
    f"head to {far_head.sum(-1).mean():.3f} = 1/√{D // 2}.")
assert torch.allclose(far_head.sum(-1), torch.tensor((D // 2) ** -0.5))

# %% [markdown]
# The rows of the global head do *not* sum to one: linviz keeps the factor $1/\sqrt D$ of the public code, which you
# found in exercise 6.1.
#
# ## 3 · A ruler inside the features
#
# A window is a hard border. **cosFormer** (Qin and others, 2022) lets weights fade instead:
#
# $$s_{ij} = \mathrm{relu}(q_i) \cdot \mathrm{relu}(k_j)\; \cos\Bigl(\frac{\pi}{2}\,\frac{i - j}{N}\Bigr), \qquad
# A_{ij} = \frac{s_{ij}}{\sum_l s_{il}}.$$
#
# The cosine is 1 for $i = j$ and nearly 0 for the two ends of the sequence. It is a *ruler*: it reads off a distance
# and knows nothing about content. (It does not approximate softmax in any way.) But the factor belongs to a *pair*.
# Does it not need the table of all pairs? No, because
#
# $$\cos(a_i - a_j) = \sin a_i \sin a_j + \cos a_i \cos a_j, \qquad a_i = \frac{\pi}{2}\,\frac{i}{N},$$
#
# a sum of two products, each with one factor for the query and one for the key. So the ruler fits into the features.

# %% tags=["derives:cosformer"]
i = torch.arange(N)
ruler = torch.cos(math.pi / 2 * (i[:, None] - i) / N)        # (N, N), for all pairs
weights = Q.relu() @ K.relu().mT * ruler
mine = weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)
cosformer = made("cosformer")
cosformer_map = cosformer.map(q, k, v)
same(mine, cosformer_map.dense()[0, 0])
say(f"Equal. Rank with the ruler: at most {cosformer_map.rank_bound}, "
    f"without it: at most {made('relu').map(q, k, v).rank_bound}.")
assert cosformer_map.rank_bound == 2 * D

# %% [markdown] tags=["exercise"]
# number = "9.2"
# title = "The ruler as features"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["ruler"]
# methods = ["cosformer"]
# task = '''
# `x` is $N \times D$, and `angles` has one angle $a_i$ for each token. Return features, $N \times 2D$. The product of
# the features of a query and of a key must be $\mathrm{relu}(q_i) \cdot \mathrm{relu}(k_j) \cos(a_i - a_j)$.
# '''
# hints = [
# '''
# A cosine of a difference is a sum of two products. Each of them gets $D$ channels of its own.
# ''',
# '''
# $\phi(x_i) = [\mathrm{relu}(x_i) \sin a_i;\ \mathrm{relu}(x_i) \cos a_i]$. One number $\sin a_i$ multiplies all
# channels of token $i$.
# ''',
# '''
# Angles need a last axis: `a = angles[:, None]`. Then join `x.relu() * a.sin()` with the same for the cosine, along
# the last axis.
# ''',
# ]
# see = "The check says *right*. The next cell attends with your features and moves the bracket: no table is made."

# %% tags=["answer:9.2"]
def ruler_features(x: Float[Tensor, "N D"],
                   angles: Float[Tensor, "N"]) -> Float[Tensor, "N 2*D"]:
    """Features whose products are relu(q).relu(k) cos(a_i - a_j)."""
    # solution
    a = angles[:, None]
    return torch.cat((x.relu() * a.sin(), x.relu() * a.cos()), -1)
    # end


checks.ruler_features(ruler_features)

# %% tags=["needs:9.2"]
angles = math.pi / 2 * i / N
phi_q, phi_k = ruler_features(Q, angles), ruler_features(K, angles)
yours = phi_q @ (phi_k.mT @ V) / (phi_q @ phi_k.sum(0)[:, None]).clamp(min=1e-6)
say(f"Your features and linviz's cosFormer: the largest difference of an output is "
    f"{same(yours, cosformer(q, k, v)[0, 0]):.0e}.")

# %% [markdown]
# Now look at the ruler alone. If all queries and keys are the same vector, the content says nothing, and a row of the
# map shows pure nearness. We do this for cosFormer, for its extension in linviz with one cosine for the row and one
# for the column, and for a method of the next section.
#
# > **Predict.** The query is a patch in the middle. cosFormer's ruler counts tokens in reading order. What shape does
# > the bright region have: a disc, a vertical stripe, or a horizontal stripe? Move the slider to move the query.

# %%
def ruler_at(row: float):
    return ch09.ruler_figure(row, grid=grid, column=6)


Live(ruler_at, range(1, 15), label="row of the query", start=7, form="d")

# %%
first = grid.number(0, 6, 0)                                 # at the left edge
say(f"From the first patch of row 7, cosFormer's ruler says: the patch directly above "
    f"is {first - grid.number(0, 5, 0)} tokens away, and the patch at the *other end* "
    f"of the row above is {first - grid.number(0, 5, 13)} token away. Their cosines: "
    f"{ruler[first, first - 14]:.4f} and {ruler[first, first - 1]:.4f}.")
assert ruler[first, first - 1] > ruler[first, first - 14]
assert ruler[query, grid.number(0, 9, 13)] > ruler[query, grid.number(0, 8, 6)]

# %% [markdown]
# These are **stripes**: along a row the ruler hardly changes, and from row to row it falls. The far end of the row
# counts as nearer than the patch directly above. For a text this ruler is right. A picture has no reading order, and
# a stripe is all that a ruler along one line can give.
#
# ## 4 · One ruler for each axis
#
# **Vicinity attention** (Sun and others, 2022) uses two rulers, one for rows and one for columns, and *adds* their
# cosines:
#
# $$s_{ij} = \mathrm{relu}(q_i)\cdot\mathrm{relu}(k_j)\;[\cos(a_i - a_j) + \cos(b_i - b_j)], \qquad
# a_i = \frac{\pi}{2}\frac{\text{row}}{Y},\quad b_i = \frac{\pi}{2}\frac{\text{column}}{X}.$$
#
# Each cosine again splits into two products, so there are four features for each channel.

# %% tags=["derives:vicinity"]
down = math.pi / 2 * (row[:, None] - row) / grid.Y
across = math.pi / 2 * (column[:, None] - column) / grid.X
weights = Q.relu() @ K.relu().mT * (down.cos() + across.cos())
mine = weights / (weights.sum(-1, keepdim=True) + 1e-4)
vicinity = made("vicinity")
same(mine, vicinity.map(q, k, v).dense()[0, 0])
assert vicinity.map(q, k, v).rank_bound == 4 * D

ends = {"itself": grid.number(0, 0, 0), "the other end of its row": 13,
        "the opposite corner": N - 1}
bracket = {name: (down.cos() + across.cos())[0, j].item() for name, j in ends.items()}
say("The bracket of the first patch with "
    + ", ".join(f"{name}: **{x:.2f}**" for name, x in bracket.items()) + ".")
assert bracket["the other end of its row"] > 1 > bracket["the opposite corner"]

# %% [markdown]
# Vicinity attention is **not a window**: every patch has some weight. The weights only fade, and slowly: the patch at
# the other end of the row keeps more than half of the bracket. The name *Manhattan distance* is sometimes used for the
# sum, but no cosine of $|\Delta y| + |\Delta x|$ occurs in it.
#
# What shape has nearness then? A ruler that measures distances in the picture gives the same number to patches that are
# equally far away, along a row or along the diagonal. The next figure draws the rulers from the corner patch. It is
# made in the open: three heat maps from plotly on one scale. The third is the *product* of the two cosines.
#
# > **Predict.** Which of the three treats the end of the row and a patch equally far along the diagonal alike?

# %%
shapes = {"one ruler (cosFormer)": ruler[0],
          "sum of two (vicinity)": (down.cos() + across.cos())[0] / 2,
          "product of two": (down.cos() * across.cos())[0]}
tables = {name: x.view(grid.Y, grid.X) for name, x in shapes.items()}
ends = {name: (x[0, 13].item(), x[9, 9].item()) for name, x in tables.items()}
figure = go.Figure()
for n, (name, x) in enumerate(tables.items(), 1):
    figure.add_heatmap(z=x.numpy(), coloraxis="coloraxis", xaxis=f"x{n}", yaxis=f"y{n}",
                       x0=1, y0=1,                           # counted from 1
                       hovertemplate="row %{y}, column %{x}: %{z:.2f}<extra></extra>")
    figure.layout[f"xaxis{n}"] = {"domain": [(n - 1) / 3, n / 3 - 0.04],
                                  "title": {"text": f"column of the key<br>{name}"},
                                  "constrain": "domain"}
    figure.layout[f"yaxis{n}"] = {"anchor": f"x{n}", "autorange": "reversed",
                                  "scaleanchor": f"x{n}", "constrain": "domain",
                                  "showticklabels": n == 1,
                                  "title": {"text": "row of the key" if n == 1 else ""}}
figure.update_layout(
    template="linviz", height=360, margin={"t": 50},
    title=theme.top_title("Stripes, nearly a disc, and a faster fall"),
    coloraxis={"colorscale": theme.colourscale("cividis"), "cmin": 0, "cmax": 1,
               "colorbar": {"title": {"text": "nearness (1: at the query)",
                                      "side": "right"}}},
    meta={"alt": "Nearness to the upper left patch of 14 x 14 patches. "
                 + " ".join(f"{name}: {a:.2f} at the end of the row, {b:.2f} as far "
                            "along the diagonal." for name, (a, b) in ends.items())})
show(figure)
say("Nearness of the end of the row (13 patches away) and of the patch nine rows and "
    "nine columns away (12.7 patches): "
    + "; ".join(f"{name} {a:.2f} and {b:.2f}" for name, (a, b) in ends.items()) + ".")
assert abs(ends["sum of two (vicinity)"][0] - ends["sum of two (vicinity)"][1]) < 0.03
assert ends["one ruler (cosFormer)"][0] > 2 * ends["one ruler (cosFormer)"][1]
assert 2 * ends["product of two"][0] < ends["product of two"][1]

# %% [markdown]
# The sum is nearly round: for small angles the cosine is $1 - a^2 / 2$, so the sum is $2 - (a^2 + b^2) / 2$.
# Here $a^2 + b^2$ is a squared distance. The product falls faster, and fastest along the axes.
#
# A clip has a third direction. In reading order, the same patch one frame later is 196 tokens away. The next cell
# takes eight frames of a motorcycle and compares three rulers by two numbers: how far the attention goes on average
# in the picture, and how far in time.
#
# > **Predict.** Which ruler keeps attention near in time: cosFormer's along the reading order, the one with rows and
# > columns only, or the one with frames, rows and columns?

# %%
opening = clips.OPENINGS["motorcycle"]
clip_grid = opening.grid                                     # 8 frames of 14 x 14
clip = clips.fit(clips.load(opening.name), clip_grid)
q8, k8, v8 = clips.descriptors(clip, clip_grid, opening.temperature)
asked = torch.arange(0, len(clip_grid), 9)
nears = {}
for name, spec, options in (("no ruler (relu)", "relu", {}),
                            ("reading order", "cosformer", {}),
                            ("rows and columns", "cosformer", {"axes": "2d"}),
                            ("frames, rows, columns", "cosformer", {"axes": "3d"})):
    m = linviz.make(spec, 1, q8.shape[-1], clip_grid, **options)
    rows = m.map(q8, k8, v8).rows(asked)[0, 0]
    kept = rows.sum(-1) > 0                                  # without dead rows
    nears[name] = (distance(rows[kept], clip_grid, asked[kept], 1).mean().item(),
                   frame_distance(rows[kept], clip_grid, asked[kept]).mean().item())
say(table(["ruler", "distance in the picture, patches", "in time, frames"],
          [[name, f"{space:.2f}", f"{time:.2f}"]
           for name, (space, time) in nears.items()]))
assert nears["reading order"][1] < nears["rows and columns"][1] - 0.3
assert nears["rows and columns"][0] < nears["reading order"][0] - 0.5
assert all(a < b for a, b in zip(nears["frames, rows, columns"],
                                  nears["no ruler (relu)"]))

# %% [markdown]
# In a clip the reading order is mostly an order in *time*: cosFormer stays near in time and is blind to the distance
# inside a frame. The ruler with rows and columns does the opposite. Only three rulers do both, and they cost eight
# features for each channel.
#
# ## 5 · No query meets a key
#
# The **attention-free transformer** (AFT; Zhai and others, 2021) leaves $q \cdot k$ out altogether. Each *channel*
# $c$ has a map of its own, made of the key's number in this channel and of a learned table $w$ of positions:
#
# $$o_{ic} = \sigma(q_{ic})\, \frac{\sum_j \exp(k_{jc} + w_{ij})\, v_{jc}}{\sum_j \exp(k_{jc} + w_{ij})}.$$
#
# The query appears once, in front, as a gate on the result.
#
# > **Predict.** Replace all queries by random numbers. What happens to the maps of AFT, and what to its output?

# %% tags=["derives:aft_full"]
aft = made("aft_full")
w = aft.mechanism.w                                          # (N, N), as it was drawn
aft_maps = (K.mT[:, None, :] + w).softmax(-1)                # (D, N, N)
mixed = torch.einsum("cij,jc->ic", aft_maps, V)
same(Q.sigmoid() * mixed, aft(q, k, v)[0, 0])
a = aft.map(q, k, v)
same(aft_maps[3], a.channel(3).dense()[0, 0])

noise = torch.randn(q.shape, generator=torch.Generator().manual_seed(0))
other = aft.map(noise, k, v).channel(3).dense()
assert torch.equal(other, a.channel(3).dense())
output = (aft(noise, k, v) - aft(q, k, v)).abs().max()
say(f"With random queries the map of channel 3 does not change in any digit. The "
    f"output changes by up to {output:.2f}: the query only scales what comes out.")
assert output > 0.1

# %% [markdown]
# So a query cannot choose *where* to look. It chooses *how much* of each channel to take. Where to look is decided by
# $w$, which does not depend on the picture, and by how large a key is.
#
# The table $w$ has a number for every pair and so fixes the size of the picture. Three variants make it smaller.
#
# - **AFT-simple**: $w = 0$. All rows of a channel are the same.
# - **AFT-local**: $w_{ij}$ is learned for $|i - j| < s$ and **zero** elsewhere.
# - **AFT-conv**: $w$ depends only on the step from query to key, inside a small square, so it is a convolution. The
#   key is one number per head, $u \cdot k_j$ with a learned vector $u$. All channels of a head then share one map,
#   $A_{ij} = \exp(u \cdot k_j + w_{j - i}) / \sum_l \exp(u \cdot k_l + w_{l - i})$, with $w = 0$ outside the square.

# %% tags=["derives:aft_simple", "derives:aft_local", "derives:aft_conv"]
simple = made("aft_simple")
one_row = K.softmax(0)                                       # (N, D), for all i
same(Q.sigmoid() * (one_row * V).sum(0), simple(q, k, v)[0, 0])

near_aft = made("aft_local", window=16)
step = i - i[:, None]                                        # key minus query, (N, N)
close = step.abs() < 16
band = torch.where(close, near_aft.mechanism.band.gather(1, (step + 15).clamp(0, 30)),
                   0.0)
local_maps = (K.mT[:, None, :] + band).softmax(-1)
same(Q.sigmoid() * torch.einsum("cij,jc->ic", local_maps, V), near_aft(q, k, v)[0, 0])

conv = made("aft_conv", side=7)
step_y, step_x = row - row[:, None], column - column[:, None]
inside = (step_y.abs() <= 3) & (step_x.abs() <= 3)
square = (step_y + 3).clamp(0, 6) * 7 + (step_x + 3).clamp(0, 6)
kernel = torch.where(inside, conv.mechanism.kernel[0].flatten()[square], 0.0)
conv_map = (K @ conv.mechanism.reader[0] + kernel).softmax(-1)
same(conv_map, conv.map(q, k, v).dense()[0, 0])
same(Q.sigmoid() * (conv_map @ V), conv(q, k, v)[0, 0])

outside = local_maps[:, ~close].view(D, -1).sum(-1).mean() / N
say(f"AFT-local: a mean share of **{100 * outside:.0f} %** of a row lies on keys "
    f"further than 15 tokens away.")
assert outside > 0.7
assert torch.linalg.matrix_rank(simple.map(q, k, v).channel(3).dense()[0, 0]) == 1

# %% [markdown]
# Remember this share when you read *local*. Beyond $s$ the *position* stops to count, but the attention does not
# stop: $\exp(k + 0)$ is not zero. **AFT-local is still global.** To cut the far keys off, $w$ would have to be minus
# infinity there. This is also why it is cheap: the far keys have the same weights in every row, so their sum is
# computed once, and only the near keys are corrected, by $\exp(k + w) = \exp(k) + (\exp(w) - 1)\exp(k)$.

# %% [markdown] tags=["exercise"]
# number = "9.3"
# title = "Find the bug: a causal sum that is divided too early"
# difficulty = 3
# importance = 4
# minutes = 12
# objectives = ["running"]
# methods = ["aft_simple"]
# task = '''
# In causal AFT-simple, token $i$ mixes the tokens up to itself: $o_i = \sigma(q_i) \sum_{j \le i} e^{k_j} v_j /
# \sum_{j \le i} e^{k_j}$, channel by channel. A public package does what `too_early` does below, which is not this
# formula. Find the difference, and write the function without it. All three inputs are $N \times D$.
#
#     def too_early(q, k, v):
#         e = k.exp()
#         weights = e / e.cumsum(0)
#         return q.sigmoid() * (weights * v).cumsum(0)
# '''
# hints = [
# '''
# Write out the third output of `too_early`. By which sum is the first value divided, and by which should it be?
# ''',
# '''
# The denominator belongs to the query $i$, not to the key $j$. There are two running sums, and one division at the
# end.
# ''',
# '''
# `(e * v).cumsum(0)` is the running numerator, and `e.cumsum(0)` the running denominator.
# ''',
# ]
# see = "The check says *right*. The next cell compares both functions with linviz, on the photograph."

# %% tags=["answer:9.3"]
def aft_running(q: Float[Tensor, "N D"], k: Float[Tensor, "N D"],
                v: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """Causal AFT-simple: means of all values so far, with weights exp(k), gated."""
    # solution
    e = k.exp()
    return q.sigmoid() * (e * v).cumsum(0) / e.cumsum(0)
    # end


checks.aft_running(aft_running)

# %% tags=["needs:9.3"]
def too_early(q, k, v):
    e = k.exp()
    weights = e / e.cumsum(0)
    return q.sigmoid() * (weights * v).cumsum(0)


causal = made("aft_simple", causal=True)
ones = torch.ones_like(V)
same(aft_running(Q, K, V), causal(q, k, v)[0, 0])
sums = {name: (f(Q, K, ones) / Q.sigmoid())[-1].mean().item()
        for name, f in (("yours", aft_running), ("too early", too_early))}
say("Before the gate, the weights of the last token sum to "
    + ", ".join(f"{x:.2f} ({name})" for name, x in sums.items()) + ".")
assert abs(sums["yours"] - 1) < 1e-4 and sums["too early"] > 2

# %% [markdown]
# The simplest test finds this bug: values that are all 1 must come out as 1. The same package also *multiplies* $k$
# by $w$ in AFT-full where the paper adds. For a causal table this means $k \cdot (-\infty)$, which is not a number as
# soon as a key is zero, and plus infinity where it is negative.
#
# ## 6 · Gaussians
#
# The last method looks at neither query nor key. In networks that match point clouds, some heads were seen to learn
# Gaussians around each point. So Riva and others (2024) *give* some heads a Gaussian of the distance, $G_{ij} =
# \exp(-d_{ij}^2 / 2\sigma^2)$. There are two ways to use it, and they are far apart:
#
# $$\text{as weights:}\quad A_{ij} = \frac{G_{ij}}{\sum_l G_{il}} \qquad\qquad \text{as logits:}\quad A_{ij} =
# \frac{\exp(G_{ij})}{\sum_l \exp(G_{il})}.$$
#
# The word *Gaussian* suggests the first one. The official code does the second one.

# %% tags=["derives:gaussian"]
SIGMA = 0.05
# distance |dy| + |dx|, in units of the picture's side
d = ((row[:, None] - row).abs() + (column[:, None] - column).abs()) / grid.X
G = torch.exp(-d**2 / (2 * SIGMA**2))
gauss = {form: made("gaussian", sigma=SIGMA, form=form) for form in ("weights",
                                                                     "logits")}
same(G / G.sum(-1, keepdim=True), gauss["weights"].map(q, k, v).dense()[0, 0])
same(G.softmax(-1), gauss["logits"].map(q, k, v).dense()[0, 0])
say(f"Both forms are equal to linviz's. Row sums of G: from {G.sum(-1).min():.2f} to "
    f"{G.sum(-1).max():.2f}.")

# %% [markdown]
# > **Predict.** Make $\sigma$ so small that a Gaussian covers a single patch. Used as logits, how many times as much
# > weight does the query give to itself as to a patch at the other end of the picture: 2.7 times, 100 times, or
# > infinitely many times? Then move the slider to both ends.

# %%
def gaussian_at(sigma: float):
    return ch09.gaussian_figure(sigma, grid=grid, query=query)


Live(gaussian_at, ch09.SIGMAS, label="width σ", start=0.1, form="g")

# %%
ratios, widest = {}, {}
for sigma in ch09.SIGMAS:
    for form, x in ch09.gaussian_rows(sigma, grid, query).items():
        ratios[form, sigma] = (x.max() / x.min()).item()
        widest[form, sigma] = entropy(x).item()
say(f"As logits, the largest weight of a row is at most "
    f"**{max(ratios['logits', s] for s in ch09.SIGMAS):.3f}** times the smallest, and "
    f"the entropy is at least {min(widest['logits', s] for s in ch09.SIGMAS):.2f} of "
    f"{math.log2(N):.2f} bits. As weights it goes down to "
    f"{widest['weights', 0.02]:.2f} bits.")
assert max(ratios["logits", s] for s in ch09.SIGMAS) < math.e + 1e-4
assert min(widest["logits", s] for s in ch09.SIGMAS) > math.log2(N) - 0.2

# %% [markdown]
# $G$ lies between 0 and 1, so $\exp(G)$ lies between 1 and $e = 2.718...$, for every $\sigma$. A narrow Gaussian does
# not give a narrow row. (In that network the logits of each layer are added to those of the next. After $l$ layers
# the ratio may be $e^l$.) Like $w$ in AFT, the Gaussian can be computed once for all pictures.
#
# ## 7 · Near in what?
#
# All methods of this chapter, on the same photograph, with three questions. How far does attention go on average?
# Which share of the weight lies on the 3 × 3 patches around the query? And does the row change if the *content* of
# all patches is exchanged at random, with the query staying in its place?

# %%
order = torch.randperm(N, generator=torch.Generator().manual_seed(1))
around = ((row[:, None] - row).abs() <= 1) & ((column[:, None] - column).abs() <= 1)
methods = {"softmax": soft, "Swin, windows": cut, "local, reading order": local,
           "relu, no ruler": made("relu"), "cosFormer": cosformer,
           "vicinity": vicinity, "AFT-conv": conv,
           "Gaussian, weights": gauss["weights"],
           "Gaussian, logits": gauss["logits"], "uniform": made("uniform")}
found = {}
for name, m in methods.items():
    pictures = []
    for x in (k, k[:, :, order]):                            # only the keys change
        A = m.map(q, x, v).dense()[0, 0]
        pictures.append(A / A.sum(-1, keepdim=True).clamp(min=1e-9))
    alive = pictures[0].sum(-1) > 0.5
    far_off = distance(pictures[0][alive], grid, i[alive], 1).mean().item()
    shared = (pictures[0] * around).sum(-1)[alive].mean().item()
    change = (pictures[0] - pictures[1]).abs().sum(-1).mean().item() / 2
    found[name] = far_off, shared, change
say(table(["", "mean distance, patches", "share on 3 × 3",
           "weight that content moves"],
          [[name, f"{far_off:.2f}", f"{100 * shared:.0f} %", f"{100 * change:.0f} %"]
           for name, (far_off, shared, change) in found.items()]))
assert found["Gaussian, weights"][2] == found["uniform"][2] == 0
assert found["Gaussian, weights"][0] < found["Swin, windows"][0]
assert found["vicinity"][0] < found["relu, no ruler"][0] < found["uniform"][0]
assert min(found[x][0] for x in ("cosFormer", "vicinity")) > 0.75 * found["uniform"][0]

# %% [markdown]
# The rulers are gentle: with cosFormer and vicinity attention still goes more than three quarters as far as uniform
# attention. A window is a strong statement about nearness. A narrow Gaussian is the strongest, but content moves none
# of its weight: it is the same for every picture.
#
# What is paid for nearness, and what is lost? In the next table $W$ is the number of tokens in a block, $s$ the reach
# of AFT-local, and $P$ the side of a square. The third column says how the cost grows with four times as many
# patches. (Swin is not in the table: its pairs were counted in section 1.)

# %%
compared = [soft, local, cosformer, vicinity, aft, simple, near_aft, conv,
            gauss["weights"]]
say(table(["", "cost of a head", "4 times the patches", "rank at most"],
          common.costs_and_ranks(compared, grid, fine)))
bounds = {m.title: m.map(q, k, v).rank_bound for m in compared}
assert bounds["cosFormer"] == 2 * D and bounds["vicinity"] == 4 * D
assert bounds[simple.title] == 1 and bounds[gauss["weights"].title] == N

# %% [markdown]
# Two groups can be seen. A ruler inside the features keeps the rank of a kernel: small, and the same for every
# picture. Windows, position tables and Gaussians allow any rank, because a row depends on where its query lies.
# (AFT-simple has no table, so all its rows are equal.)

# %%
pick = (query, grid.number(0, 3, 10))
lettered = {"A": cosformer, "B": cut, "C": gauss["weights"], "D": simple}
drawn = []
for m in lettered.values():
    a = m.map(q, k, v)
    rows = (a.channel(0) if m is simple else a).rows(torch.tensor(pick))[0, 0]
    drawn.append(rows / rows.sum(-1, keepdim=True) * N)
pictures = torch.stack(drawn, 1).view(8, grid.Y, grid.X)     # query by query
show(heat.patch_panels(
    pictures.clamp(max=12).numpy(),
    [f"{letter}, query {n}" for n in (1, 2) for letter in lettered],
    bar="weight, fair shares (12 or more)", top=12.0, columns=4,
    said="Above, the rows of query 1 below the middle; below, the rows of query 2 at "
         "the upper right. A: both rows spread over the whole picture. B: each row "
         "fills a square of 7 x 7 patches, and its weights differ inside. C: a diamond "
         "around each query. D: both rows are equal.",
    title="Four methods, two queries each: which is which?"))
assert torch.equal(pictures[3], pictures[7])

# %% [markdown] tags=["exercise"]
# number = "9.4"
# title = "Explain the picture: four methods"
# difficulty = 3
# importance = 4
# minutes = 12
# objectives = ["pictures"]
# task = '''
# The figure above shows two rows of four methods, A to D. Choose a caption for each.
#
# 1. *Softmax inside a window: a sharp border, and weights that follow the content.*
# 2. *A Gaussian as weights: the same shape around every query, whatever the content.*
# 3. *A Gaussian as logits: almost uniform, a little more at the query.*
# 4. *AFT-simple, one channel: every query has the same row.*
# 5. *A kernel with a ruler in reading order: content, fading slowly over the rows.*
#
# Return the numbers of the four captions, for A, B, C and D in this order. One caption remains.
# '''
# hints = [
# '''
# Compare the two rows of one method first. Are they equal? Is one the other, moved to another place? Or do they
# differ in other ways?
# ''',
# '''
# Equal rows: the query plays no part. The same shape at another place: only the distance counts. Everything else
# follows the content, with a border or without.
# ''',
# '''
# Write `torch.tensor([...])` with four numbers. D is the method with equal rows, so the list ends with 4.
# ''',
# ]
# see = "The check says *right*, or it says for one picture why your caption does not fit."

# %% tags=["answer:9.4"]
def captions_of_rows() -> Float[Tensor, "4"]:
    """The numbers of the captions of A, B, C and D."""
    # solution
    return torch.tensor([5.0, 1.0, 2.0, 4.0])
    # end


checks.captions_of_rows(captions_of_rows)

# %% [markdown]
# [Five of these methods side by side in the
# explorer](http://localhost:8501/?source=chelsea&patches=14&specs=softmax,swin@window:7,cosformer,vicinity,gaussian).
#
# ## 8 · What was not shown
#
# - **Nothing was trained.** Swin's $b$ and the tables of AFT are as they were drawn, close to zero. Trained tables
#   need not be. [The evidence page](http://localhost:8501/evidence) says which models were trained, and for how long.
# - **Near is not the same as right.** A patch's friend, the other eye, may lie outside every window. Nearness is a
#   guess about pictures, and each of these methods builds the guess in.
# - **The rest of the networks.** Swin joins patches between its stages. Vicinity attention halves the channels before
#   it attends, and adds a connection around it. We used the attention alone.
# - **No official code of AFT was found.** Our form follows the paper, and the two faults above are in other people's
#   packages.
#
# **If you remember one thing:** ask of every method *near in what?* Reading order, picture and time are three different
# distances.
#
# ## Quiz

# %%
quizzes.nearness
