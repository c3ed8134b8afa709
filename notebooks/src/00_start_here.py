# %% [markdown] tags=["front"]
# title = "Start here"
# lead = '''
# Welcome. This course is about one table of numbers. Whoever has it can see where a picture looks at itself, can tell
# what attention costs, why the cheap kind is flat, and what may be done about it. In twenty minutes you will have built
# such a table, read it, and painted a cat with it. Twice.
# '''
# questions = [
#     "What is attention, if one looks at it instead of at its formulas?",
#     "What does the course contain, and how does one work with it?",
# ]
# prerequisites = ["matrices, and a little torch. Nothing about attention."]
# minutes = {reading = 10, exercises = 7, quiz = 3}
# key_points = [
#     "A map is a table: rows are queries, columns are keys, and each row shares out one unit of attention.",
#     "Attention applies its map to values: o = A v. The rest is how to fill the table.",
#     "Every question of this course (how sharp, how many directions, how dear) is asked of a map.",
#     "Predict first, then run. A wrong prediction is the best thing that can happen to you here.",
# ]
#
# [objectives]
# map = "build a map, and say what its rows, columns and numbers are"
# row = "read a row: where does a query look, and how strongly?"
# apply = "apply a map to values"
# tell = "tell a way of filling the table from what is asked of the table"

# %% [markdown]
# ## 1 · A picture that looks at itself
#
# Here is a cat, cut into 28 × 28 patches. Each patch is described by a few plain numbers: its colour, its edges, its
# place. In *attention* every patch looks at all patches, at some more than at others. Run the cell (Shift + Enter) and
# move the mouse over the picture: everything is lit by the attention of the patch under your hand.
#
# > **Predict before you run.** The view opens at the corner of one eye: there is the ring. In the left panel, what will
# > this patch light up: what is near, what looks alike, or everything?

# %%
import torch

import linviz
from linviz import clips
from linviz.course import checks, pictures, quizzes, say, show, table
from linviz.course.contents import contents
from linviz.course.pictures import Gallery, Picture
from linviz.figures import heat
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENING
grid = opening.grid                                                   # 28 x 28 patches: Grid numbers them
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(photo, grid, opening.temperature)         # plain numbers of each patch; nothing was learned
N, D = q.shape[-2:]

softmax, linear = (linviz.make(name, heads=1, width=D, grid=grid) for name in ("softmax", "relu_floor"))
PatchView([Panel("softmax attention", softmax.family, softmax.map(q, k, v)),
           Panel("linear attention", linear.family, linear.map(q, k, v))], photo, grid,
          query=grid.number(0, *opening.place))

# %% [markdown]
# What looks alike: from the corner of one eye it finds the other eye. (Near patches too, a little: place is two of the
# sixteen numbers.)
#
# **The view** will be with you in every chapter. Move to look; click to pin a patch, to which the view returns when you
# leave; walk with the arrow keys. *Light* shows the picture lit by attention, black where nothing looks; *heat* shows
# the same numbers as colours. Below each panel stands how widely the row is spread: take *effective patches* as "looks
# at about so many".
#
# The right panel is **linear attention**, in the form that chapters 11 and 13 take apart and mend (*relu + floor*;
# chapter 4 has another, which is no sharper). It has the same patches and the same numbers and is much cheaper for
# large pictures. But something is wrong with it, wherever you put your hand. What that is, where it comes from and how
# it may be cured is the story of this course.
#
# (The `temperature` in the code is chosen by eye, for each picture once: it sets how sharp softmax is. Both panels get
# the same queries and keys.)

# %% [markdown]
# ## 2 · One table
#
# What you have moved over is a table of $N \times N$ numbers, the **map** $A$. Row $i$ belongs to the patch that
# looks, the *query*; column $j$ to a patch that is looked at, a *key*; and $A_{ij}$ is the share of its attention
# that $i$ gives to $j$. A row is never negative and sums to one: each query has one unit of attention to give.
#
# To see all of it at once we cut the cat more coarsely, into 14 × 14 patches. They are numbered as one reads, so a
# table of 196 × 196.
#
# > **Predict.** In which places will the table be bright? And what will the second table look like?

# %%
coarse = linviz.Grid(1, 14, 14)
q14, k14, v14 = clips.descriptors(clips.fit(clips.load(opening.name), coarse), coarse)
maps = {name: linviz.make(spec, heads=1, width=D, grid=coarse).map(q14, k14, v14).dense()[0, 0]
        for name, spec in (("softmax", "softmax"), ("linear attention", "relu_floor"))}
shares = torch.stack(list(maps.values())) * len(coarse)               # 1 is a fair share: what a uniform row would give
show(heat.tables(shares.clamp_max(12).numpy(), list(maps), bar="fair shares", top=12.0,
                 title="Softmax has a pattern; the rows of linear attention are nearly all the same"))
A = maps["softmax"]
assert torch.allclose(A.sum(-1), torch.ones(len(coarse))) and A.min() >= 0

# %% [markdown]
# The diagonal is each patch looking at itself. The lines beside it lie 14 apart: 14 numbers further is the patch just
# *below*. And the second table is almost one colour: whatever patch asks, the answer is nearly the same.

# %% [markdown] tags=["exercise"]
# number = "0.1"
# title = "The simplest map"
# difficulty = 1
# importance = 3
# minutes = 2
# objectives = ["map"]
# task = '''
# Build the map of a query that has no preferences: $N$ queries, $S$ keys, every key of a row gets the same. Take out
# the line with `raise`, write your own, and run the cell: the check calls your function and answers. (The types say
# shapes: `Float[Tensor, "N S"]` is a tensor of $N$ rows and $S$ columns. Nothing enforces them; they are there to be
# read.)
# '''
# hints = [
# '''
# A row sums to one. How many keys share it?
# ''',
# '''
# $A_{ij} = 1 / S$ for every query $i$ and every key $j$.
# ''',
# '''
# A table of ones, `torch.ones(N, S)`, divided by something.
# ''',
# ]
# see = "The check says *right*. (Try a wrong answer as well: it may tell you by name what you did.)"

# %% tags=["answer:0.1"]
from jaxtyping import Float, Int
from torch import Tensor


def uniform(N: int, S: int) -> Float[Tensor, "N S"]:
    """The map in which every query looks at all keys alike."""
    # solution
    return torch.ones(N, S) / S
    # end


checks.uniform(uniform)

# %% [markdown]
# A row says where a patch looks. Laid out as the picture, it is what the view lights up.
#
# > **Predict.** And a *column*? Will the two pictures below be the same?

# %%
eye = coarse.number(0, 5, 5)                                          # half of an eye
pair = torch.stack((A[eye], A[:, eye])) * len(coarse)
show(heat.places(coarse.fold(pair[..., None])[:, 0, ..., 0].clamp_max(12).numpy(),
                 [f"row {eye}: where it looks", f"column {eye}: who looks at it"], bar="fair shares", top=12.0,
                 columns=2, title="A row and a column of the same patch"))
say(f"The row sums to {A[eye].sum():.2f}, as every row does; the column to **{A[:, eye].sum():.2f}**. Over all "
    f"columns it goes from {A.sum(0).min():.2f} to {A.sum(0).max():.2f}.")
assert abs(A[:, eye].sum() - 1) > 0.05 and A.sum(0).max() > 3

# %% [markdown]
# A column says who looks *here*, and it sums to whatever it likes: some patches are looked at a lot, some hardly at
# all.

# %% [markdown] tags=["exercise"]
# number = "0.2"
# title = "Read a row"
# difficulty = 1
# importance = 4
# minutes = 2
# objectives = ["row"]
# task = '''
# Return the numbers of the `n` keys that query `i` looks at most, the favourite first, and the weights it gives them.
# '''
# hints = [
# '''
# Row or column? And which of the two things that are asked for comes first?
# ''',
# '''
# Row $i$ of the table is `A[i]`. Its `n` largest numbers, and where they stand.
# ''',
# '''
# `weights, keys = A[i].topk(n)` finds both, in the other order.
# ''',
# ]
# see = "*Right*, and the next cell tells where the eye looks, by row and column: do you find the other eye?"

# %% tags=["answer:0.2"]
def favourites(A: Float[Tensor, "N S"], i: int, n: int) -> tuple[Int[Tensor, "n"], Float[Tensor, "n"]]:
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
# Looking is not yet doing. Each key also holds a **value** $v_j$, some numbers of its own. A query collects the
# values of what it looks at, each in its share:
#
# $$o_i = \sum_j A_{ij}\, v_j \qquad\text{or, all queries at once,}\qquad o = A\,v.$$
#
# That is all that attention does with its map. Let us watch it. Let the value of a patch be simply its *colour*. Then
# $o$ is a picture, too: every patch repainted with the mixed colours of what it looks at.
#
# > **Predict.** What will be left of the cat under softmax? And under linear attention: how much of its contrast, about
# > nine tenths, half, or a tenth?

# %%
rgb = pictures.colours(photo, grid)                                   # (1, 1, N, 3): the colour of each patch
repainted = {"softmax": softmax.map(q, k, v).apply(rgb), "linear attention": linear.map(q, k, v).apply(rgb)}
kept = {name: (o.std(-2) / rgb.std(-2)).mean().item() for name, o in repainted.items()}
Gallery([Picture("the values: its own colours", pictures.mosaic(rgb, grid), "The cat as 28 x 28 tiles of its colours."),
         Picture("repainted by softmax", pictures.mosaic(repainted["softmax"], grid),
                 "Repainted by softmax: eyes, nose and stripes are all there, a little smoother."),
         Picture("repainted by linear attention", pictures.mosaic(repainted["linear attention"], grid),
                 "Repainted by linear attention: a brown square with the faintest shadow of a face.")],
        columns=3, width=300)

# %%
say(f"Softmax keeps about all of the contrast, linear attention **{100 * kept['linear attention']:.0f} %**.")
assert kept["softmax"] > 0.9 and 0.1 < kept["linear attention"] < 0.16

# %% [markdown]
# The cat is gone. Nothing was taken from its colours: both outputs mix the very same values. But where every row is
# nearly the same, every mixture is nearly the same, too.
#
# This is what people mean when they say that linear attention "does not concentrate", and it is their first suspect for
# the accuracy it loses. A network around it can make up for some of that (it adds, rescales and learns, which this cat
# did not). But it starts from here.

# %% [markdown] tags=["exercise"]
# number = "0.3"
# title = "Apply a map"
# difficulty = 2
# importance = 5
# minutes = 3
# objectives = ["apply"]
# task = '''
# `A` is a map of $N$ queries and $S$ keys, `v` holds a value of $E$ numbers for every key. Return what every query
# collects: $N \times E$.
# '''
# hints = [
# '''
# Which of the two sizes of `A` has to meet which of the two of `v`?
# ''',
# '''
# $o_i = \sum_j A_{ij} v_j$: that is a product of matrices.
# ''',
# '''
# In torch, `A @ v`.
# ''',
# ]
# see = "*Right*, and the next cell paints the cat with your own two functions: a map without preferences, applied."

# %% tags=["answer:0.3"]
def apply(A: Float[Tensor, "N S"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    """What every query collects: the values of all keys, each in its share."""
    # solution
    return A @ v
    # end


checks.apply(apply)

# %% tags=["needs:0.1", "needs:0.3"]
mine = apply(softmax.map(q, k, v).dense()[0, 0], rgb[0, 0])
assert torch.allclose(mine, repainted["softmax"][0, 0], atol=1e-5)
plain = apply(uniform(N, N), rgb[0, 0])
assert (plain - repainted["linear attention"][0, 0]).abs().mean() < 0.05 < (plain - mine).abs().mean()
say(f"Yours and linviz's are the same. And repainted by your uniform map, all {N} patches have one and the same "
    "colour: not far from what linear attention made of them.")
Gallery([Picture("softmax's map, applied by you", pictures.mosaic(mine[None, None], grid),
                 "Painted with your function and softmax's map: the cat, a little smoother."),
         Picture("your uniform map, applied by you", pictures.mosaic(plain[None, None], grid),
                 "Painted with your uniform map: one plain brown square.")], columns=3, width=300)

# %% [markdown]
# ## 4 · The one idea of this course
#
# There are dozens of ways to do attention, and they differ in *one* thing: how they fill the table.
#
# - **Softmax** weighs a pair by $\exp(q_i \cdot k_j)$, so that a little more likeness brings a lot more weight, and
#   divides each row by its sum. (Before the exponential it divides by $\sqrt D$, which the formulas here leave out.)
# - **Linear attention** weighs a pair by $\phi(q_i) \cdot \phi(k_j)$, **features** made of the query alone and of the
#   key alone, and divides each row by its sum, too. Then it never needs to write the table down: that is why it is
#   cheap.
# - Others look at windows, at neighbours, at hashes.
#   ([All that linviz knows, on this cat](http://localhost:8501/atlas): start the explorer with `python3 start.py
#   explore`.)
#
# Once there is a map, the same questions can be asked of any of them. Two of them: on about how many patches does a row
# look? And how many *different* rows are there, of which all others are mixtures (the **rank**)?
#
# > **Predict.** Each patch is described by 16 numbers. Where in the answers will a 16 turn up?

# %%
readings = {"softmax": softmax, "linear attention": linear, "uniform": linviz.make("uniform", 1, D, grid)}
found = {name: linviz.read(m, q, k, v).summary() for name, m in readings.items()}
say(table(["", "a row looks at about", "different rows to mix from (numerical rank)"],
          [[name, f"{r['effective_tokens']:.0f} patches", f"{r['numerical_rank']:.0f}"] for name, r in found.items()]))
assert found["softmax"]["numerical_rank"] > 100 > found["linear attention"]["numerical_rank"] == D

# %% [markdown]
# There is the 16, and nowhere else: however many patches linear attention is given, all its rows are mixtures of
# sixteen. Softmax has hundreds, out of the very same sixteen numbers a patch.
#
# **How many patches does a row look at?** Chapter 11. **How many different rows are there to mix from?** Chapter 3.
# **What does it cost to apply?** Chapter 2, and how to pay less, chapter 4. **What cures a flat map?** Chapters 11
# and 13. In every chapter `linviz.make(...)` makes a mechanism, `.map(q, k, v)` gives its table, and
# `linviz.read(...)` asks the questions. The table itself is hardly ever written down.
#
# ## 5 · How to work with it

# %%
say(contents())

# %% [markdown]
# **One evening of four hours?** Take 0, 4, 11 and 13 with the exercises of importance 5, and unfold the solutions of
# the others: then you can explain to a friend why linear attention is flat and what a gate does about it. **All of
# it?** Go in order; each chapter says what it needs.
#
# - **Predict** where the text asks you to, before you run the cell. It takes ten seconds, and you will remember what
#   you got wrong.
# - **Exercises** have three hints, folded, from "what to think of" to "almost the code", and then the solution. The
#   dots say how hard and how important an exercise is. A check that says no tells you why; many mistakes it knows by
#   name.
# - **Numbers in the text** are computed when the cell runs. Change something and see what they do.
# - **Figures** have their content in words underneath (*In words*). Sliders and views need a running kernel; without
#   one a still picture stands in their place.
# - **The explorer** shows the same maps with more to choose from: `python3 start.py explore` in a second terminal,
#   then [this very cat](http://localhost:8501/?clip=chelsea&patches=28&maps=softmax,relu_floor). Its pages
#   lead back here.
#
# **Letters** mean the same everywhere, in text, code and figures:
#
# | | | | |
# |:--|:--|:--|:--|
# | $A$ | the map, rows are queries | $N$, $S$ | numbers of queries and of keys |
# | $q, k, v$ | queries, keys, values | $D$, $E$ | widths of queries and keys, and of values |
# | $o = A v$ | the output | $T, Y, X$ | frames, rows and columns of patches |
# | $i, j$ | number of a query, of a key | $\phi$, $M$ | features of linear attention, and how many |
#
# Nothing here was trained, unless it is said so: what you see are maps of raw descriptions of patches. The maps of a
# trained network may be different ones, and each chapter ends by saying what it has *not* shown.
#
# ## 6 · Tell a friend
#
# Close the notebook for a minute and say aloud: *what is a map, and what does attention do with it?* Then compare.
#
# <details><summary>One way to say it</summary>
#
# Cut a picture into patches. Each patch has one unit of attention to give, and shares it out over all patches. Who
# gives how much to whom is a table, a row for each patch that looks: the map. Attention does one thing with it: it
# mixes, for each row, what the patches hold, in these shares, $o = A v$. Where the rows differ, as under softmax, the
# cat comes through. Where they are nearly the same row, as under linear attention, every patch gets nearly the same
# mixture, and the cat is gone.
#
# </details>
#
# ## Quiz

# %%
quizzes.start
