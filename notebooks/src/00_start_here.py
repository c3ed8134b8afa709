# %% [markdown] tags=["front"]
# title = "Start here"
# lead = '''
# Welcome. This course is about one table of numbers. The table shows where a picture looks at itself and what attention
# costs. It also shows why the cheap kind of attention is flat, and what may help. In twenty minutes you will build such
# a table, read it, and paint a cat with it twice.
# '''
# questions = [
#     "What does attention look like, apart from its formulas?",
#     "What does the course contain, and how do you work with it?",
# ]
# prerequisites = ["matrices, and a little torch. Nothing about attention."]
# minutes = {reading = 10, exercises = 7, quiz = 3}
# key_points = [
#     "A map is a table: rows are queries, columns are keys. Each row divides one unit of attention among the keys.",
#     "Attention applies its map to values: o = A v. Methods differ only in how they fill the table.",
#     "Every question of this course (how sharp, how many directions, how expensive) is a question about a map.",
#     "Predict first, then run. A wrong prediction teaches you the most.",
# ]
#
# [objectives]
# map = "build a map, and say what its rows, columns and numbers are"
# row = "read a row: where does a query look, and how strongly?"
# apply = "apply a map to values"
# tell = "distinguish a way of filling the table from a question about the table"

# %% [markdown]
# ## 1 · A picture that looks at itself
#
# Here is a cat, cut into 28 × 28 patches. Each patch is described by a few plain numbers: its colour, its edges, its
# place. In *attention* every patch looks at all patches, at some more than at others. Run the cell (Shift + Enter) and
# move the mouse over the picture: the picture is lit by the attention of the patch under the mouse.
#
# > **Predict before you run.** The view opens at the corner of one eye, where the ring is. What will this patch light
# > up in the left panel: patches nearby, patches that look alike, or everything?

# %%
import plotly.graph_objects as go
import torch

import linviz
from linviz import clips
from linviz.course import checks, pictures, quizzes, say, show, table
from linviz.course.contents import contents_list
from linviz.course.pictures import Gallery, Picture
from linviz.figures import heat
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENING
grid = opening.grid  # 28 x 28 patches, numbered by Grid
photo = clips.fit(clips.load(opening.name), grid)
# plain numbers per patch; nothing was learned
q, k, v = clips.descriptors(photo, grid, opening.temperature)
N, D = q.shape[-2:]

softmax, linear = (
    linviz.make(name, heads=1, width=D, grid=grid) for name in ("softmax", "relu_floor")
)
PatchView([Panel("softmax attention", softmax.family, softmax.map(q, k, v)),
           Panel("linear attention", linear.family, linear.map(q, k, v))], photo, grid,
          query=grid.number(0, *opening.place))

# %% [markdown]
# The patches that look alike: from the corner of one eye, the patch finds the other eye. (It also lights some patches
# near it, because they look like it, too.)
#
# **The view** appears in every chapter. Move the mouse to look around. Click to pin a patch: the view returns to this
# patch when the mouse leaves. The arrow keys move from patch to patch. *Light* shows the picture at night, with a lamp
# on what is looked at; *heat* shows the same numbers as colours. The number below each panel says how widely the row
# is spread: read *effective patches* as "looks at about this many patches".
#
# The right panel is **linear attention**, in the form that chapters 11 and 13 analyse and improve (*relu + floor*;
# chapter 4 has another form, which is no sharper). Linear attention gets the same patches and the same numbers, and it
# is much cheaper for large pictures. But something is wrong with the right panel, wherever you move the mouse. This
# course is about what is wrong, why it happens and how it may be repaired.
#
# (The `temperature` in the code sets how sharp softmax is. It was chosen by eye, once for each picture. Both panels get
# the same queries and keys.)

# %% [markdown]
# ## 2 · One table
#
# The view shows one row at a time of a table of $N \times N$ numbers, the **map** $A$. Row $i$ belongs to the patch
# that looks, the *query*; column $j$ to a patch that is looked at, a *key*; and $A_{ij}$ is the share of its attention
# that $i$ gives to $j$. The entries of a row are never negative and sum to one: each query has one unit of attention to
# give.
#
# To see the whole table at once, we cut the cat into 14 × 14 patches, which is coarser. The patches are numbered row by
# row, from left to right. The table is 196 × 196.
#
# > **Predict.** In which places will the table be bright? What will the second table, of linear attention, look like?

# %%
coarse = linviz.Grid(1, 14, 14)
q14, k14, v14 = clips.descriptors(clips.fit(clips.load(opening.name), coarse), coarse)
maps = {
    name: linviz.make(spec, heads=1, width=D, grid=coarse)
    .map(q14, k14, v14)
    .dense()[0, 0]
    for name, spec in (("softmax", "softmax"), ("linear attention", "relu_floor"))
}
# 1 = fair share: the weight in a uniform row
shares = torch.stack(list(maps.values())) * len(coarse)
show(heat.map_tables(shares.clamp_max(12).numpy(), list(maps), bar="fair shares",
                     top=12.0,
                     title="Softmax has a pattern; nearly all rows of linear attention "
                           "are the same"))
A = maps["softmax"]
assert torch.allclose(A.sum(-1), torch.ones(len(coarse))) and A.min() >= 0

# %% [markdown]
# On the diagonal, each patch looks at itself. The lines beside the diagonal are 14 entries apart: the patch just
# *below* has a number that is larger by 14. The second table is almost one colour: nearly the same row belongs to every
# query.

# %% [markdown] tags=["exercise"]
# number = "0.1"
# title = "The simplest map"
# difficulty = 1
# importance = 3
# minutes = 2
# objectives = ["map"]
# methods = ["uniform"]
# task = '''
# Build the map of $N$ queries without preferences: each query gives the same weight to all $S$ keys. Replace the line
# with `raise` by your own code, and run the cell. The check calls your function and says whether it is right. (The
# types give shapes: `Float[Tensor, "N S"]` is a tensor of $N$ rows and $S$ columns. Nothing enforces the types; they
# only help the reader.)
# '''
# hints = [
# '''
# A row sums to one. Among how many keys is this one unit divided?
# ''',
# '''
# $A_{ij} = 1 / S$ for every query $i$ and every key $j$.
# ''',
# '''
# Take a table of ones, `torch.ones(N, S)`, and divide it by a number.
# ''',
# ]
# see = "The check says *right*. (Try a wrong answer as well: the check may name your mistake.)"

# %% tags=["answer:0.1"]
from jaxtyping import Float, Int
from torch import Tensor


def uniform(N: int, S: int) -> Float[Tensor, "N S"]:
    """The map in which every query gives the same weight to all keys."""
    # solution
    return torch.ones(N, S) / S
    # end


checks.uniform(uniform)

# %% [markdown]
# A row says where a patch looks. Arranged like the picture, the row is what the view lights up.
#
# > **Predict.** What does a *column* show? Will the two pictures below be the same?

# %%
eye = coarse.number(0, 5, 5)  # half of an eye
pair = torch.stack((A[eye], A[:, eye])) * len(coarse)
show(
    heat.patch_panels(
        coarse.fold(pair[..., None])[:, 0, ..., 0].clamp_max(12).numpy(),
        [f"row {eye}: where it looks", f"column {eye}: which patches look at it"],
        bar="fair shares",
        top=12.0,
        columns=2,
        title="A row and a column of the same patch",
    )
)
say(f"The row sums to {A[eye].sum():.2f}, as every row does; the column to "
    f"**{A[:, eye].sum():.2f}**. Over all columns it goes from {A.sum(0).min():.2f} to "
    f"{A.sum(0).max():.2f}.")
assert abs(A[:, eye].sum() - 1) > 0.05 and A.sum(0).max() > 3

# %% [markdown]
# A column says which patches look *here*, and its sum can be any positive number: some patches get much attention,
# others hardly any.

# %% [markdown] tags=["exercise"]
# number = "0.2"
# title = "Read a row"
# difficulty = 1
# importance = 4
# minutes = 2
# objectives = ["row"]
# task = '''
# Return the numbers of the `n` keys with the largest weights in the row of query `i`, the largest first. Return these
# weights as well.
# '''
# hints = [
# '''
# Do you need a row or a column? And which of the two results comes first?
# ''',
# '''
# Row $i$ of the table is `A[i]`. Find its `n` largest numbers and their positions.
# ''',
# '''
# `weights, keys = A[i].topk(n)` finds both, but in the other order.
# ''',
# ]
# see = "The check says *right*. The next cell says where the eye looks, by row and column: can you find the other eye?"

# %% tags=["answer:0.2"]
def favourites(
    A: Float[Tensor, "N S"], i: int, n: int
) -> tuple[Int[Tensor, "n"], Float[Tensor, "n"]]:
    """The n keys that query i looks at most, largest first, and their weights."""
    # solution
    weights, keys = A[i].topk(n)
    return keys, weights
    # end


checks.favourites(favourites)

# %% tags=["needs:0.2"]
keys, weights = favourites(A, eye, 5)
say(table(["number of the patch", "row", "column", "share"],
          [[f"{j}", *(f"{at}" for at in coarse.place(j)[1:]), f"{100 * weight:.0f} %"]
           for j, weight in zip(keys.tolist(), weights)]))

# %% [markdown]
# ## 3 · What attention does
#
# So far, attention only looks. Each key also has a **value** $v_j$: some numbers of its own. A query collects the
# values of the keys, each multiplied by its weight:
#
# $$o_i = \sum_j A_{ij}\, v_j \qquad\text{or, all queries at once,}\qquad o = A\,v.$$
#
# That is all that attention does with its map. To see the effect, let the value of a patch be its *colour*. Then $o$ is
# a picture, too: every patch is repainted with a mixture of the colours that it looks at.
#
# > **Predict.** What will be left of the cat under softmax? And under linear attention, how much of the contrast is
# > left: about nine tenths, half, or a tenth?

# %%
rgb = pictures.patch_colours(photo, grid)  # (1, 1, N, 3): the colour of each patch
repainted = {
    "softmax": softmax.map(q, k, v).apply(rgb),
    "linear attention": linear.map(q, k, v).apply(rgb),
}
kept = {name: (o.std(-2) / rgb.std(-2)).mean().item() for name, o in repainted.items()}
Gallery(
    [
        Picture(
            "the values: its own colours",
            pictures.patch_mosaic(rgb, grid),
            "The cat as 28 x 28 tiles of its colours.",
        ),
        Picture(
            "repainted by softmax",
            pictures.patch_mosaic(repainted["softmax"], grid),
            "Repainted by softmax: eyes, nose and stripes are all there, a little "
            "smoother.",
        ),
        Picture(
            "repainted by linear attention",
            pictures.patch_mosaic(repainted["linear attention"], grid),
            "Repainted by linear attention: a brown square with the faintest shadow "
            "of a face.",
        ),
    ],
    columns=3,
    width=300,
)

# %%
say("Softmax keeps nearly all of the contrast, linear attention "
    f"**{100 * kept['linear attention']:.0f} %**.")
assert kept["softmax"] > 0.9 and 0.1 < kept["linear attention"] < 0.16

# %% [markdown]
# The cat is gone. Both outputs are mixtures of the same colours. But where all rows are nearly the same, all mixtures
# are nearly the same, too.
#
# This is what people mean when they say that linear attention "does not concentrate". They often suspect it as the
# reason why linear attention loses accuracy. A network around the attention can make up for part of it, because a
# network adds, rescales and learns. But this flat map is where the network starts.

# %% [markdown] tags=["exercise"]
# number = "0.3"
# title = "Apply a map"
# difficulty = 2
# importance = 5
# minutes = 3
# objectives = ["apply"]
# task = '''
# `A` is a map of $N$ queries and $S$ keys; `v` holds a value of $E$ numbers for every key. Return what every query
# collects, a tensor of shape $N \times E$.
# '''
# hints = [
# '''
# Which size of `A` must equal which size of `v`?
# ''',
# '''
# $o_i = \sum_j A_{ij} v_j$: this is a product of matrices.
# ''',
# '''
# In torch this is `A @ v`.
# ''',
# ]
# see = "The check says *right*. The next cell applies your uniform map to the cat's colours, with your two functions."

# %% tags=["answer:0.3"]
def apply(A: Float[Tensor, "N S"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    """What every query collects: the values of all keys, weighted by its row."""
    # solution
    return A @ v
    # end


checks.apply(apply)

# %% tags=["needs:0.1", "needs:0.3", "derives:uniform"]
mine = apply(softmax.map(q, k, v).dense()[0, 0], rgb[0, 0])
assert torch.allclose(mine, repainted["softmax"][0, 0], atol=1e-5)
theirs = linviz.make("uniform", heads=1, width=D, grid=grid).map(q, k, v)
assert torch.allclose(uniform(N, N), theirs.dense()[0, 0])
plain = apply(uniform(N, N), rgb[0, 0])
assert (
    (plain - repainted["linear attention"][0, 0]).abs().mean()
    < 0.05
    < (plain - mine).abs().mean()
)
say(f"Your result and linviz's are the same. Repainted by your uniform map, all {N} "
    "patches have exactly the same colour, which is close to the result of linear "
    "attention.")
Gallery(
    [
        Picture(
            "softmax's map, applied by you",
            pictures.patch_mosaic(mine[None, None], grid),
            "Painted with your function and softmax's map: the cat, a little smoother.",
        ),
        Picture(
            "your uniform map, applied by you",
            pictures.patch_mosaic(plain[None, None], grid),
            "Painted with your uniform map: one plain brown square.",
        ),
    ],
    columns=3,
    width=300,
)

# %% [markdown]
# ## 4 · The one idea of this course
#
# There are dozens of attention methods, and they differ in *one* thing: how they fill the table.
#
# - **Softmax** weighs a pair by $\exp(q_i \cdot k_j)$, so that a slightly better match gets a much larger weight, and
#   divides each row by its sum. (Before the exponential, softmax attention divides by $\sqrt D$; the formulas here
#   leave this factor out.)
# - **Linear attention** weighs a pair by $\phi(q_i) \cdot \phi(k_j)$, where the **features** $\phi$ are computed from
#   the query alone and from the key alone. It divides each row by its sum, too. Linear attention never needs to write
#   the table down, and therefore it is cheap.
# - Other methods look only at windows, at neighbours, or at patches with the same hash. ([All methods that linviz
#   knows, on this cat](http://localhost:8501/atlas): start the explorer with `python3 start.py explore`.)
#
# The same questions can be asked of every map. Here are two of them. At about how many patches does a row look? And how
# many *different* rows are there, such that all other rows are mixtures of these (the **rank**)?
#
# > **Predict.** Each patch is described by 16 numbers. Where in the answers will the number 16 appear?

# %%
readings = {
    "softmax": softmax,
    "linear attention": linear,
    "uniform": linviz.make("uniform", 1, D, grid),
}
found = {name: linviz.read(m, q, k, v).summary() for name, m in readings.items()}
say(
    table(
        ["", "a row looks at about", "number of different rows (numerical rank)"],
        [
            [name, f"{r['effective_tokens']:.0f} patches", f"{r['numerical_rank']:.0f}"]
            for name, r in found.items()
        ],
    )
)
patches = [r["effective_tokens"] for r in found.values()]
bars = go.Figure(go.Bar(x=patches, y=list(found), orientation="h"))
bars.update_layout(
    template="linviz", height=240, margin_t=54, title_y=0.96,
    title="The row of softmax is the narrowest",
    xaxis_title="patches that a row looks at", yaxis={"categoryarray": list(found)},
    meta={"alt": "Three bars: effective patches of a row. "
          + ", ".join(f"{name} {x:.0f}" for name, x in zip(found, patches)) + "."})
show(bars)
assert (
    found["softmax"]["numerical_rank"]
    > 100
    > found["linear attention"]["numerical_rank"]
    == D
)

# %% [markdown]
# The 16 is the rank of linear attention, and it appears nowhere else. However many patches there are, all rows of
# linear attention are mixtures of sixteen rows. Softmax has hundreds of different rows, computed from the same sixteen
# numbers per patch.
#
# **How many patches does a row look at?** Chapter 11. **How many different rows are there to mix from?** Chapter 3.
# **What does it cost to apply a map?** Chapter 2; chapter 4 shows how to reduce the cost. **What repairs a flat map?**
# Chapters 11 and 13. In every chapter `linviz.make(...)` makes a mechanism, `.map(q, k, v)` gives its table, and
# `linviz.read(...)` answers the questions. The whole table is hardly ever written down.
#
# ## 5 · How to work with it

# %%
say(contents_list())

# %% [markdown]
# **One evening of four hours?** Take chapters 0, 4, 11 and 13. Do the exercises of importance 5, and read the
# others in the folder `solutions`. Then you can explain to a friend why linear attention is flat and what a gate does.
# **The whole course?** Go in order; each chapter says what it requires.
#
# - **Predict** where the text asks you to, before you run the cell. Type what you expect into the box: it takes ten
#   seconds, and you will remember your mistakes. Your words are kept in `predictions.json` and shown again beside what
#   came. Nobody marks them; `linviz progress --predictions` prints them.
# - **Exercises** have three hints, folded, from "what to think of" to "almost the code". The dots say how hard and how
#   important an exercise is. When a check refuses an answer, it says why. It knows many common mistakes by name.
# - **Progress**: save your notebooks and run the cell above again, or `linviz progress` in a terminal.
#   `linviz reset 4.2` makes one answer as it was and keeps a copy of your notebook.
# - **Numbers in the text** are computed when the cell runs. Change something and see how the numbers change.
# - **Figures** have a description in words underneath (*In words*). Sliders and views need a running kernel; without a
#   kernel you see a still picture instead.
# - **The explorer** shows the same maps and offers more choices: `python3 start.py explore` in a second terminal, then
#   [this very cat](http://localhost:8501/?source=chelsea&patches=28&specs=softmax,relu_floor). The explorer's pages
#   link back to the chapters.
#
# **Letters** have these meanings in text, code and figures:
#
# | | | | |
# |:--|:--|:--|:--|
# | $A$ | the map, rows are queries | $N$, $S$ | numbers of queries and of keys |
# | $q, k, v$ | queries, keys, values | $D$, $E$ | widths of queries and keys, and of values |
# | $o = A v$ | the output | $T, Y, X$ | frames, rows and columns of patches |
# | $i, j$ | index of a query, of a key | $\phi$, $M$ | features of linear attention, and their number |
# | $H$ | number of heads | $L, R$ | the two factors of a map, $A = L R^\top$ |
#
# A few letters have a second meaning in some chapters:
#
# | | | | |
# |:--|:--|:--|:--|
# | $s$ | scores, chapters 1 and 2 | $s$ | singular values, chapter 3; strength of a gate, 13 |
# | $S, z$ | state of a recurrent network, chapter 5 | $z$ | logits of a gate, chapter 13 |
# | $T$ | triangles of a QR, chapter 3; templates, 4 | $H$ | entropy, chapters 4, 11 and 13 |
# | $k$ | index of a singular value, chapter 3 | $u, v$ | singular vectors, chapter 3 |
#
# Nothing in this course was trained, unless the text says so: you see maps of raw descriptions of patches. The maps of
# a trained network may be different. Each chapter ends by saying what it has *not* shown.
#
# ## 6 · Tell a friend
#
# Close the notebook for a minute and say aloud: *what is a map, and what does attention do with it?* Then compare.
#
# <details><summary>One way to say it</summary>
#
# Cut a picture into patches. Each patch has one unit of attention and divides it among all patches. The map is a table
# that says how much each patch gives to each other patch, with one row for each patch that looks. Attention uses the
# map in one way: for each row, it mixes the values of the patches with the weights of the row, $o = A v$. Under softmax
# the rows differ, and the cat is still visible in the output. Under linear attention the rows are nearly the same, so
# every patch gets nearly the same mixture, and the cat is gone.
#
# </details>
#
# ## Quiz

# %%
quizzes.start
