# %% [markdown] tags=["front"]
# title = "Projecting tokens away"
# lead = '''
# The shortest way to a small table is to have fewer keys. This chapter squeezes the keys and values of a picture before
# any query sees them: into learned mixtures of positions (Linformer), or into the rows and columns of the picture
# (Kronecker attention). Both are cheap, both keep a real softmax, and both lose something that one can see.
# '''
# questions = [
#     "What is lost if keys and values are mixed before the queries come?",
#     "Is attention of low rank, as a famous figure says?",
#     "Which maps can be drawn with rows and columns only?",
# ]
# prerequisites = [
#     "Softmax attention (chapter 1) and its cost (chapter 2).",
#     "Singular values (chapter 3) for section 4.",
# ]
# minutes = {reading = 36, exercises = 40, quiz = 6}
# key_points = [
#     "Linformer mixes positions, not channels: K summaries replace all keys, whatever the picture shows.",
#     "Its projections belong to places. Shuffle the patches, and its output changes; that of softmax does not.",
#     "Rows over summaries are probability distributions. The map on positions is not: it has negative weights.",
#     "Projecting tokens is not the same as a map of low rank. The first is a construction, the second an observation.",
#     "The famous curve adds singular values. Their squares look very different, and the numerical rank is full.",
#     "Kronecker attention keeps the means of rows and columns. Every map is a plaid: no single patch can be chosen.",
#     "Before or after the layers of k and v is not the same if these layers have biases.",
# ]
#
# [objectives]
# implied = "compute the map that two projections imply, and say what its rows are not"
# place = "predict which methods notice that patches were shuffled"
# rank = "read a curve of cumulative singular values with its caveats"
# lines = "write attention to the lines of a picture or a clip, and recognise a plaid"
# block = "build a block with projections, heads and a residual"

# %% [markdown]
# ## 1 · Fewer keys
#
# **Linformer** (Wang and others, 2020) replaces the $S$ keys by $K$ summaries, and the values, too. Each summary is a
# weighted sum over *all positions*, with learned weights in two tables $E$ and $F$, each $K \times S$:
#
# $$k' = E\,k, \qquad v' = F\,v, \qquad P = \operatorname{softmax}\bigl(q\,k'^\top / \sqrt D\bigr)\ (N \times K),
# \qquad o = P\,v'.$$
#
# This is exact softmax attention to $K$ summaries. For a fixed $K$ its cost grows with $N$ and not with $N^2$, because
# the table $P$ has $N K$ weights. Note what $E$ and $F$ mix: positions, not channels. And they do not look at the
# picture: the same places are mixed for a cat and for a car.
#
# The tables are learned, and linviz starts them with random numbers. To see what such a table *can* do, we write a
# simple one by hand: each of 49 summaries is the mean of a square of 4 × 4 patches.
#
# > **Predict before you run.** With colours as values, the output is a picture. What will the cat look like that is
# > painted with 49 summaries by hand? And with 49 random summaries?

# %% tags=["derives:linformer"]
import plotly.graph_objects as go
import torch

import linviz
from linviz import clips
from linviz.course import Live, checks, pictures, quizzes, say, show, table
from linviz.course.pictures import Gallery, Picture
from linviz.course.scenes import ch06, ch08, common
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


soft = make("softmax")
drawn = make("linformer", length=49)                         # random E and F
pooled = ch08.pooled_linformer(grid, D, side=7, value_width=3)
painted = {"softmax": soft(q, k, rgb)}
for name, m in (("49 squares", pooled), ("49 random summaries", drawn)):
    E, F = m.mechanism.E[0], m.mechanism.F[0]                # (49, N) each
    P = (q[0, 0] @ (E @ k[0, 0]).mT / D ** 0.5).softmax(-1)  # (N, 49)
    painted[name] = (P @ (F @ rgb[0, 0]))[None, None]
    assert torch.allclose(painted[name], m(q, k, rgb), atol=1e-12)
    assert torch.allclose(P.sum(-1), torch.ones(N).double())


def painting(title: str, x) -> Picture:
    """A picture of colours (1, 1, N, 3), with its contrast in the title."""
    left = ch06.contrast_left(x, rgb)
    return Picture(f"{title}: {left:.0f} % of the contrast",
                   pictures.patch_mosaic(x, grid),
                   f"The cat in 28 x 28 patches, {title}: {left:.0f} % of the contrast "
                   "of the photograph's patches.")


Gallery([painting(title, x) for title, x in {"the patches": rgb, **painted}.items()])

# %% [markdown]
# With squares the cat is there, a little flat: details smaller than a square are lost. Random summaries have random
# signs, so their mixtures are no colours at all. A network has to learn useful tables.
#
# ## 2 · Shuffle the patches
#
# Softmax attention treats its tokens as a set. Shuffle all patches, together with their queries, keys and values, and
# put the outputs back into the old order: nothing has changed.
#
# > **Predict.** What happens to the cat that Linformer paints with its squares, if half of the patches change places?
# > And if *all* of them do?

# %%
def after_shuffling(share: float):
    return ch08.shuffled_figure(share, m=pooled, q=q, k=k, colours=rgb)


Live(after_shuffling, ch08.SHUFFLED, label="share of the patches that change places",
     start=0.5)

# %%
order = ch08.exchanged_order(1.0, N)
changes = {}
for m in (soft, make("efficient"), make("performer"), pooled, make("kronecker_kv")):
    before = m.map(q, k, rgb).apply(rgb)
    after = ch08.shuffled_output(m, order, q, k, rgb)
    changes[m.title] = ((after - before).norm() / before.std()).item() / N ** 0.5
say(table(["all patches shuffled and put back", "change, of the contrast"],
          [[title, "none" if x < 1e-9 else f"{100 * x:.0f} %"]
           for title, x in changes.items()]))
assert max(changes["softmax"], changes["efficient"], changes["Performer"]) < 1e-9
assert min(changes["Linformer"], changes["Kronecker (KV)"]) > 0.1

# %% [markdown]
# The squares of a shuffled picture all have nearly the same mean colour, so 49 summaries say the same 49 times.
# Softmax, efficient attention and Performer do not notice anything. Methods that belong to places do.
#
# Is this a fault? Not for pictures: patches of real pictures are not shuffled, and neighbours are alike. But it has
# consequences. $E$ and $F$ have one column per position, so the number of tokens is fixed when the layer is built. And
# there is no causal form: each summary contains the future.
#
# ## 3 · The map that is implied
#
# The rows of $P$ are probability distributions over summaries. What are the weights on *positions*? Put both steps
# together: $o = P\,(F v) = (P F)\, v$. So the map is $A = P F$, with $N \times S$ weights. It is never written in
# practice, but it is what the view shows.
#
# > **Predict.** Are the rows of $P F$ probability distributions, for squares and for random tables?

# %%
implied = {name: m.map(q, k, rgb) for name, m in
           (("softmax", soft), ("Linformer, squares", pooled),
            ("Linformer, random tables", drawn))}
say(table(["", "a row sums to", "negative weights", "rank at most"],
          [[name, f"{a.dense().sum(-1).min():.2f} to {a.dense().sum(-1).max():.2f}",
            f"{100 * (a.dense() < 0).double().mean():.0f} %", f"{a.rank_bound}"]
           for name, a in implied.items()]))
assert (implied["Linformer, random tables"].dense() < 0).double().mean() > 0.3
PatchView([Panel(name, "softmax" if name == "softmax" else "low-rank", a)
           for name, a in implied.items()], photo, grid, query=query)

# %% [markdown] tags=["exercise"]
# number = "8.1"
# title = "The implied map"
# difficulty = 2
# importance = 4
# minutes = 8
# objectives = ["implied"]
# methods = ["linformer"]
# task = '''
# Write the map of Linformer on positions: `q` is $N \times D$, `k` is $S \times D$, `E` and `F` are $K \times S$.
# Return $N \times S$ weights.
# '''
# hints = [
# '''
# What does a query see, and over what does its softmax go? How does the weight of a summary reach the positions?
# ''',
# '''
# $P = \operatorname{softmax}(q\,(E k)^\top / \sqrt D)$ along the summaries, and then $A = P F$.
# ''',
# '''
# `scores = q @ (E @ k).mT / q.shape[1] ** 0.5`; then a softmax along the last axis, times `F`.
# ''',
# ]
# see = "The check says *right*. The next cell compares your map with linviz's, on the cat."

# %% tags=["answer:8.1"]
from jaxtyping import Float
from torch import Tensor


def implied_map(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"],
                E: Float[Tensor, "K S"],
                F: Float[Tensor, "K S"]) -> Float[Tensor, "N S"]:
    """The weights on positions that two projections imply."""
    # solution
    summaries = E @ k
    return (q @ summaries.mT / q.shape[1] ** 0.5).softmax(-1) @ F
    # end


checks.implied_map(implied_map)

# %% tags=["needs:8.1"]
tables = drawn.mechanism.E[0], drawn.mechanism.F[0]
mine = implied_map(q[0, 0], k[0, 0], *tables)
theirs = implied["Linformer, random tables"].dense()[0, 0]
assert torch.allclose(mine, theirs, atol=1e-12)
say(f"{N} × {N} weights, equal. The most negative one is {mine.min() * N:.1f} fair "
    "shares.")

# %% [markdown]
# ## 4 · "Attention is of low rank"
#
# Why should so few summaries be enough? The paper shows a figure. It takes maps of trained networks for text, and adds
# up their singular values from the largest to the smallest. The curve rises steeply: the first 128 values hold most of
# the sum. From this comes the sentence "attention is of low rank". Here is the same curve for our cat, on 14 × 14
# patches. A vertical line marks the first quarter of the values.
#
# > **Predict.** The paper adds up the singular values $s$. But the squared error of the best copy of rank $k$ is the
# > sum of the $s^2$ that are left out. Which curve rises faster, that of $s$ or that of $s^2$? And what is the
# > numerical rank of this map?

# %%
half = linviz.Grid(1, 14, 14)
small = clips.fit(clips.load(opening.name), half)
a, b, _ = (x.double() for x in clips.descriptors(small, half, opening.temperature))
maps = {"the cat": (a @ b.mT / D ** 0.5).softmax(-1)[0, 0]}
generator = torch.Generator().manual_seed(0)
noise = torch.randn(2, 196, 64, generator=generator).double()
maps["random queries and keys"] = (noise[0] @ noise[1].mT / 8).softmax(-1)

figure = go.Figure(layout={
    "template": "linviz", "height": 420, "margin": {"t": 96, "r": 24},
    "title": theme.top_title("Singular values of softmax maps, added up in two ways"),
    "xaxis": {"title": "k, number of the singular value"},
    "yaxis": {"title": "share in the first k (of 1)", "range": [0, 1.03]},
    "meta": {"alt": "Four rising curves over 196 singular values: sums of the values "
                    "and of their squares, for the cat and for random queries and "
                    "keys. For each, the squares are far above the values."}})
first = {}
for name, family in (("the cat", "softmax"), ("random queries and keys", "low-rank")):
    for power, curve in zip((1, 2), ch08.singular_shares(maps[name]), strict=True):
        first[name, power] = curve[48].item()
        figure.add_trace(go.Scatter(
            x=list(range(1, 197)), y=curve, mode="lines",
            name=f"{name}, {'values' if power == 1 else 'squares'}",
            line={"color": theme.style("softmax", family).hue,
                  "dash": "solid" if power == 1 else "dot"}))
figure.add_vline(x=49, line=theme.level_line(False))
show(figure)

# %%
ranks = {name: int(torch.linalg.matrix_rank(x)) for name, x in maps.items()}
say(table(["", "a quarter holds, of the sum", "of the squares", "numerical rank"],
          [[name, f"{100 * first[name, 1]:.0f} %", f"{100 * first[name, 2]:.0f} %",
            f"{ranks[name]} of 196"] for name in maps]))
assert set(ranks.values()) == {196}
assert all(first[name, 2] > first[name, 1] + 0.05 for name in maps)

# %% [markdown]
# There are three caveats.
#
# - **The sum of $s$ is not the energy**, which is the sum of $s^2$. Of the energy a quarter of the directions holds far
#   more. Which curve matters depends on the error you ask for. Always say which one is drawn.
# - **The numerical rank is full**, for the cat and for noise. Exponentials of a table of low rank have full rank. "Low
#   rank" can only mean: *well approximated* by a map of low rank.
# - **Sharpness decides.** Multiply the scores, and the curve changes completely:

# %%
def sharper(factor: float):
    return ch08.cumulative_figure(factor, q=a, k=b)


Live(sharper, ch08.FACTORS, label="scores, times", start=1.0, form="g")

# %% [markdown]
# Flat maps are nearly of rank one; sharp maps need many directions. So the figure of the paper says something about
# *trained networks for text*, and not about attention as such. And one more step is easily missed. That a map *has* a
# good copy of rank $K$ does not mean that fixed tables $E$ and $F$ find it. The best copy depends on the picture;
# Linformer's tables do not.
#
# ## 5 · Rows and columns
#
# **Kronecker attention** (Gao and others, 2020) does not learn its summaries. It takes the means of all rows and all
# columns: 56 lines in place of 784 patches.
#
# $$k_\ell = \operatorname{mean}_{j \in \ell} k_j, \qquad v_\ell = \operatorname{mean}_{j \in \ell} v_j, \qquad
# o_i = \sum_\ell \operatorname{softmax}_\ell(q_i \cdot k_\ell)\, v_\ell$$
#
# Here $\ell$ is one of the $Y + X$ lines, and $j \in \ell$ are its patches. There is no $1/\sqrt D$.
#
# The name comes from statistics. Suppose that the covariance of two patches is a product of two numbers. One belongs
# to their rows, and the other to their columns. (Such a picture is called *matrix-variate normal*, and the table of
# all covariances is a *Kronecker product* of two small tables.) Then the mean over all rows is a vector whose
# covariance is the table of the columns, up to a factor. In the same way the mean over all columns keeps the table of
# the rows. So the means of lines keep both. No Kronecker product of *maps* occurs in the method. A quick test of this
# statement about the mean, with 20,000 random pictures of 3 × 4 numbers:

# %%
rows_cov, columns_cov = (x @ x.mT / len(x) for x in
                         (torch.randn(n, n, generator=generator).double()
                          for n in (3, 4)))
roots = [torch.linalg.cholesky(c) for c in (rows_cov, columns_cov)]
samples = torch.randn(20_000, 3, 4, generator=generator).double()
means = (roots[0] @ samples @ roots[1].mT).mean(1)           # over the rows: (20000, 4)
expected = rows_cov.sum() / 9 * columns_cov
off = (means.mT @ means / len(means) - expected).abs().max() / expected.abs().max()
say(f"Covariance of the mean row: {100 * off:.1f} % from the formula, with 20,000 "
    "samples.")
assert off < 0.05

# %% tags=["derives:kronecker_kv"]
picture = [x.view(grid.Y, grid.X, -1) for x in (q, k, rgb)]
keys, values = (torch.cat((x.mean(1), x.mean(0))) for x in picture[1:])
P = (q[0, 0] @ keys.mT).softmax(-1)                          # (N, 56)
out = P @ values
kv = make("kronecker_kv")
assert torch.allclose(out, kv(q, k, rgb)[0, 0], atol=1e-12)
y, x = grid.places()[:, 1:].unbind(-1)
A = P[:, y] / grid.X + P[:, grid.Y + x] / grid.Y             # a row part, a column part
assert torch.allclose(A, kv.map(q, k, rgb).dense()[0, 0], atol=1e-12)
rank = int(linviz.spectra.numerical_rank(torch.linalg.svdvals(A), 1e-9))
say(f"{len(keys)} lines in place of {N} patches. The rank is {rank}: one less than "
    "the number of lines, because the mean of the rows is also the mean of the "
    "columns.")
assert rank == grid.Y + grid.X - 1

# %% [markdown]
# > **Predict.** The weight on a patch is a part of its row plus a part of its column. What does a picture of such a row
# > of the map look like? Can the query look at the two eyes, and at nothing else?

# %%
lined = {"softmax": soft.map(q, k, rgb), "Linformer, squares": pooled.map(q, k, rgb),
         "Kronecker (KV)": kv.map(q, k, rgb)}
PatchView([Panel(name, "softmax" if name == "softmax" else "low-rank", a)
           for name, a in lined.items()], photo, grid, query=query)

# %% [markdown]
# It is a plaid, like a Scottish cloth. If a row and a column are bright, their crossing is brightest, and wherever two
# bright rows meet two bright columns, all four crossings are bright. The query can choose lines; it cannot choose a
# patch. Two eyes in different rows and columns always bring two false eyes with them.
#
# Do not confuse this with *axial* attention. There each query sees the single patches of its own row and column. Here
# it sees the means of all rows and columns.

# %% [markdown] tags=["exercise"]
# number = "8.2"
# title = "Attention to lines"
# difficulty = 3
# importance = 4
# minutes = 12
# objectives = ["lines"]
# methods = ["kronecker_kv"]
# task = '''
# Write Kronecker attention in its KV form. `q` and `k` are $Y \times X \times D$, `v` is $Y \times X \times E$. Each
# patch has its own query. Keys and values are the means of the $Y$ rows and the $X$ columns. There is no $1/\sqrt D$.
# '''
# hints = [
# '''
# Which axis do you average over to get one vector per row? And per column? How many keys do you have in the end?
# ''',
# '''
# Put the $Y$ means of rows and the $X$ means of columns into one list of $Y + X$ keys, and the values in the same
# order. Then it is softmax attention with one softmax over all of them.
# ''',
# '''
# `torch.cat((k.mean(1), k.mean(0)))` has the keys; the values are made in the same way. The scores are `q @ keys.mT`.
# ''',
# ]
# see = "The check says *right*. On the cat your function equals linviz's."

# %% tags=["answer:8.2"]
def lines(q: Float[Tensor, "Y X D"], k: Float[Tensor, "Y X D"],
          v: Float[Tensor, "Y X E"]) -> Float[Tensor, "Y X E"]:
    """Every query attends to the means of all rows and all columns."""
    # solution
    line_keys, line_values = (torch.cat((x.mean(1), x.mean(0))) for x in (k, v))
    return (q @ line_keys.mT).softmax(-1) @ line_values
    # end


checks.lines(lines)

# %% tags=["needs:8.2"]
mine = lines(*picture)
assert torch.allclose(mine.flatten(0, 1), out, atol=1e-12)
Gallery([painting("56 lines", mine.view(1, 1, N, 3)),
         painting("56 lines and no details", mine.mean((0, 1)).expand(1, 1, N, 3))],
        columns=2)

# %% [markdown]
# ## 6 · Lines that ask, and three averages of a clip
#
# The second form of Kronecker attention, QKV, averages the *queries*, too. Now 56 lines ask 56 lines. A patch gets the
# output of its row plus the output of its column. This needs a table of 56 × 56 in place of 784 × 784. Each of the two
# outputs is a mixture whose weights sum to one, so the rows of the map sum to *two*.
#
# A clip has a third kind of lines. For linviz's own extension we take three line averages: over each frame, over all
# patches in one row of any frame, and over all patches in one column of any frame. A clip of 8 frames of 14 × 14
# patches has 8 + 14 + 14 = 36 lines for 1568 patches.
#
# > **Predict.** What do the rows of the QKV map of a clip sum to?

# %% tags=["derives:kronecker_qkv"]
wide = linviz.Grid(8, 14, 14)
clip = clips.fit(clips.load("crossing", frames=wide.T), wide)
moving = clips.descriptors(clip, wide, clips.OPENINGS["crossing"].temperature)
cq, ck, cv = (x.double() for x in moving)


def three_averages(x):
    """The means of all frames, rows and columns of x (T, Y, X, C)."""
    return torch.cat((x.mean((1, 2)), x.mean((0, 2)), x.mean((0, 1))))


means = [three_averages(x.view(wide.T, wide.Y, wide.X, -1)) for x in (cq, ck, cv)]
small_map = (means[0] @ means[1].mT).softmax(-1)             # 36 x 36
each = small_map @ means[2]                                  # an output per line
t, y, x = wide.places().unbind(-1)
out = each[t] + each[wide.T + y] + each[wide.T + wide.Y + x]
qkv = linviz.make("kronecker_qkv", heads=1, width=cq.shape[-1], grid=wide).double()
assert torch.allclose(out, qkv(cq, ck, cv)[0, 0], atol=1e-12)
sums = qkv.map(cq, ck, cv).dense().sum(-1)
assert torch.allclose(sums, torch.full_like(sums, 3.0))
say(f"Rows sum to **{sums.mean():.0f}**: one for each kind of line. "
    f"{len(small_map)} × {len(small_map)} weights replace {len(wide):,} × "
    f"{len(wide):,}.")

# %%
in_clip = {name: linviz.make(name, heads=1, width=cq.shape[-1], grid=wide).double()
           for name in ("softmax", "kronecker_kv", "kronecker_qkv")}
PatchView([Panel(m.title, m.family, m.map(cq, ck, cv)) for m in in_clip.values()],
          clip, wide, query=wide.number(0, *clips.OPENINGS["crossing"].place))

# %% [markdown]
# Play the frames. Each frame is brighter or darker as a whole, with the same plaid in all of them: a weight is a part
# of the frame, plus a part of the row, plus a part of the column. An object that moves cannot be followed: for that,
# the row would have to change with the frame.
#
# What do these methods cost, and how many different rows can they have? $K$ is the number of summaries. The third
# column says how the cost grows if a clip has twice as many frames, rows and columns: eight times the patches.

# %%
longer = linviz.Grid(2 * wide.T, 2 * wide.Y, 2 * wide.X)
compared = [in_clip["softmax"], linviz.make("linformer", 1, cq.shape[-1], wide),
            in_clip["kronecker_kv"], in_clip["kronecker_qkv"]]
say(table(["", "cost of a head", "8 times the patches", "rank at most"],
          common.costs_and_ranks(compared, wide, longer)))
bounds = [in_clip[name].map(cq, ck, cv).rank_bound
          for name in ("kronecker_kv", "kronecker_qkv")]
assert bounds == [wide.T + wide.Y + wide.X - 2] * 2          # three means are equal

# %% [markdown]
# [The same clip in the
# explorer](http://localhost:8501/?source=crossing&frames=8&specs=softmax,linformer,kronecker_kv).
#
# ## 7 · Before or after
#
# Where does $E$ stand in a layer? In the paper it comes after the layer of the keys: $E\,(x W_k^\top + b)$. The
# official code applies it *before*, to the tokens: $(E x)\, W_k^\top + b$. That is cheaper, because the layer sees $K$
# tokens only. Without a bias both are equal: matrix products may be bracketed in any way. With a bias they are not. In
# the first form $E$ also multiplies the bias.
#
# > **Predict.** For which tables $E$ are both equal in spite of a bias?

# %%
C = 24
torch.manual_seed(0)                                         # of the layer's weights
layer = torch.nn.Linear(C, C).double().requires_grad_(False)
tokens = torch.randn(N, C, generator=generator).double()
for name, m in (("squares", pooled), ("random", drawn)):
    E = m.mechanism.E[0]
    gap = (E @ layer(tokens) - layer(E @ tokens)).abs().max().item()
    say(f"{name}: rows of E sum to {E.sum(-1).min():.2f} … {E.sum(-1).max():.2f}; "
        f"the two forms differ by {gap:.2g}.")
    assert (gap < 1e-9) == (name == "squares")

# %% [markdown]
# If each row of $E$ sums to one, the bias passes through unchanged. Squares do this. Learned tables need not.

# %% [markdown] tags=["exercise"]
# number = "8.3"
# title = "Build the block"
# difficulty = 4
# importance = 4
# minutes = 20
# objectives = ["block", "place"]
# methods = ["linformer"]
# task = '''
# Build a Linformer block as the official code does, with heads and a residual. `x` is $N \times C$. `W` ($4 \times C
# \times C$) and `b` ($4 \times C$) belong to the layers of q, k, v and the output; a layer is `t @ W[n].mT + b[n]`. `E`
# and `F` are $K \times N$ and are applied to `x`, for keys and for values. A head takes `C // heads` neighbouring
# channels. Return $x$ plus the output layer.
# '''
# hints = [
# '''
# Which of the three layers gets `x`, which gets `E @ x`, and which gets `F @ x`? How wide is a head?
# ''',
# '''
# For each head: $\operatorname{softmax}(q_h k_h^\top / \sqrt{C/H})\, v_h$. Put the heads side by side, apply the output
# layer, and add $x$.
# ''',
# '''
# `q.chunk(heads, 1)` cuts neighbouring channels into heads; do so with `k` and `v`, loop over the three with `zip`, and
# join with `torch.cat(..., 1)`.
# ''',
# ]
# see = "The check says *right*. The next cell compares your block with the layer of linviz.models."

# %% tags=["answer:8.3"]
def linformer_block(x: Float[Tensor, "N C"], W: Float[Tensor, "4 C C"],
                    b: Float[Tensor, "4 C"], E: Float[Tensor, "K N"],
                    F: Float[Tensor, "K N"], heads: int) -> Float[Tensor, "N C"]:
    """Attention to K mixtures of the tokens, in heads, with a residual."""
    # solution
    q, k, v = (t @ W[n].mT + b[n] for n, t in enumerate((x, E @ x, F @ x)))
    width, out = x.shape[1] // heads, []
    for s, t, u in zip(*(z.chunk(heads, 1) for z in (q, k, v)), strict=True):
        out.append((s @ t.mT / width ** 0.5).softmax(-1) @ u)
    return x + torch.cat(out, 1) @ W[3].mT + b[3]
    # end


checks.linformer_block(linformer_block)

# %% tags=["needs:8.3"]
from linviz.models import AttentionLayer

model = AttentionLayer("linformer", heads=4, channels=C, grid=grid, length=49,
                       where="tokens").double().requires_grad_(False)
four = (model.to_q, model.to_k, model.to_v, model.out)
mechanism = model.attention.mechanism
mine = linformer_block(tokens, torch.stack([z.weight for z in four]),
                       torch.stack([z.bias for z in four]), mechanism.E[0],
                       mechanism.F[0], heads=4)
assert torch.allclose(mine, tokens + model(tokens[None])[0], atol=1e-12)
say("Your block equals the layer of `linviz.models`, plus its residual.")

# %% [markdown]
# ## 8 · What was not shown
#
# - **Trained tables.** The squares were written by hand. A network for text learns other tables, and the paper reports
#   that $K$ can stay small as $N$ grows. Nothing here tests this.
# - **Sharing.** Linformer may share $E$ and $F$ among heads, among keys and values (`share="kv"` in linviz), and among
#   layers. This saves weights and changes no formula.
# - **What pooling does in networks for pictures.** Many vision transformers average keys over squares before attention.
#   This is a Linformer with fixed squares, under another name.
#
# Sources: Linformer, arXiv 2006.04768; Kronecker attention, arXiv 2007.08442 (no public code of the KV form was
# found).
#
# **If you remember one thing:** to mix positions before the queries come is cheap. But no query can separate again what
# was mixed.
#
# ## Quiz

# %%
quizzes.projections
