# %% [markdown] tags=["front"]
# title = "Attention as soft lookup"
# lead = '''
# A dictionary gives you the one entry whose key is yours, or an error. Attention is a dictionary that never says no:
# it gives everybody's entry a little, and most of it to who fits best. This chapter builds it from nothing, tries it
# on a cat, and takes it apart: the map and its rows, the first attention of all, the root of D, and what two heads can
# do that one cannot.
# '''
# questions = [
#     "What do queries, keys and values have to do with a dictionary?",
#     "Why are scores divided by the root of D, and what goes wrong without it?",
#     "What can two heads do that one head cannot, however wide?",
# ]
# prerequisites = ["matrices, and a little torch."]
# minutes = {reading = 40, exercises = 40, quiz = 5}
# key_points = [
#     "Attention is a lookup made soft: scores of all pairs, shares of each row, a mean of values.",
#     "Rows of the map sum to one. Columns do not: some patches are asked for by everybody.",
#     "The first attention compared by a small network. Without its tanh all queries would look at the same place.",
#     "Scores of random queries and keys spread like the root of D; divided by it, rows stay soft and can learn.",
#     "One head can only average. Two heads can subtract.",
#     "The scores of D channels have rank D at most. Their softmax has not: the exponential brings the rank.",
#     "Shuffle the tokens, and the output is shuffled, nothing else. Attention knows no order unless tokens tell it.",
# ]
#
# [objectives]
# lookup = "compute attention as a soft lookup, on the right axis and with the right scale"
# compare = "compare queries and keys as the first attention did, and say what the tanh is for"
# pull = "compute how much a score moves the output, and say why a saturated row learns nothing"
# heads = "split channels into heads, and say what two heads can do that one cannot"
# rank = "tell the rank of the scores from the rank of the map"
# order = "say what attention knows of the order of its tokens"

# %% [markdown]
# ## 1 · A dictionary that never says no
#
# A dictionary holds pairs of a *key* and a *value*. You come with a *query*; if it equals a key, you get the value.
# Otherwise you get nothing at all. Here are five colours, each with a number that says how warm it is. Ask for
# *crimson*.

# %%
import torch

import linviz
from linviz import clips
from linviz.concentration import effective_tokens, entropy
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import ch01
from linviz.course.properties import tally
from linviz.figures import Line, heat, spectrum
from linviz.figures.growth import Axis, Trend, trends
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
warmth = {"red": 1.0, "orange": 0.9, "yellow": 0.6, "green": 0.3, "blue": 0.0}
say(f"A dictionary asked for red says {warmth['red']}. Asked for crimson it says {warmth.get('crimson')}.")

# %% [markdown]
# A person would answer: crimson is nearly red, so nearly 1. To do the same, keys must be things that can be *nearly*
# alike. So write every colour as a vector (here its red, green and blue, centred), and let the query be a vector, too.
# Then:
#
# 1. a **score** for every key: how well does it match? The product $q \cdot k_j$;
# 2. a **share** for every key: the scores made positive by an exponential and divided by their sum;
# 3. the **mean** of the values with these shares.
#
# $$s_j = q \cdot k_j \qquad a_j = \frac{e^{s_j}}{\sum_l e^{s_l}} \qquad o = \sum_j a_j\, v_j$$

# %%
colours = {"red": (1.0, 0.0, 0.0), "orange": (1.0, 0.65, 0.0), "yellow": (1.0, 1.0, 0.0), "green": (0.0, 0.5, 0.0),
           "blue": (0.0, 0.0, 1.0)}
keys = 4 * (torch.tensor(list(colours.values())) - 0.5)               # 4: how sharply to tell them apart
crimson = torch.tensor([0.86, 0.08, 0.24]) - 0.5

scores = keys @ crimson
share = scores.exp() / scores.exp().sum()
answer = share @ torch.tensor(list(warmth.values()))
say(table(["key", "score", "share"], [[name, f"{s:.2f}", f"{100 * a:.0f} %"]
                                      for name, s, a in zip(colours, scores.tolist(), share.tolist())]))
say(f"Crimson is **{answer:.2f}** warm.")
assert share.argmax() == 0 and abs(share.sum() - 1) < 1e-6 and 0.6 < answer < 1

# %% [markdown]
# Nobody was left out, not even blue; it just got very little. This is all of attention. The rest is doing it for many
# queries at once, and asking where queries and keys come from.
#
# ## 2 · The cat asks itself
#
# Now a photograph, cut into 28 × 28 patches. Each patch is described by 16 plain numbers: colour, edges, place;
# nothing was learned. Every patch is a query, every patch is a key, and its description is its value, too: the picture
# looks itself up. How sharply? Divide all scores by a **temperature** first. Cold, the best match takes all: a
# dictionary again. Hot, all shares are alike: a plain mean.
#
# > **Predict before you run.** The query is a patch at the corner of one eye. Three panels, three temperatures: cold,
# > 1, hot. In which of them will you still recognise the cat? In which will you find the *other* eye?

# %%
opening = clips.OPENING
grid = opening.grid                                                   # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(photo, grid, opening.temperature)         # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)

soft = linviz.make("softmax", heads=1, width=D, grid=grid)
cold, hot = (ch01.at_temperature(t, D, grid) for t in (0.03, 10.0))
PatchView([Panel(title, m.family, m.map(q, k, v)) for title, m in
           (("cold: temperature 0.03", cold), ("softmax: temperature 1", soft), ("hot: temperature 10", hot))],
          photo, grid, query=query)

# %% [markdown]
# Move the mouse: every panel is lit by the attention of the patch under your hand; click to pin one. In the cold panel
# a patch finds itself and hardly anything else (it is, after all, its own best match). In the hot one everybody is
# looked at, and you see a dim cat whatever you ask. Between them attention gathers.
#
# [The same photograph in the
# explorer](http://localhost:8501/?clip=chelsea&patches=28&maps=softmax,nonlocal), where the temperature is a slider
# (start it with `python3 start.py explore`). It compares softmax with the non-local block, which leaves the root of D
# out: section 5 says what that does.
#
# For many queries the scores are a table, $S = Q K^\top$, a row a query and a column a key; $\sqrt D$ under it is
# explained in section 5. The table of shares is **the map**, and everything in this course is a question to a map:
#
# $$S_{ij} = \frac{q_i \cdot k_j}{\sqrt D} \qquad A_{ij} = \frac{e^{S_{ij}}}{\sum_l e^{S_{il}}} \qquad O = A\,V$$

# %% [markdown] tags=["exercise"]
# number = "1.1"
# title = "Soft lookup"
# difficulty = 1
# importance = 5
# minutes = 6
# objectives = ["lookup"]
# task = '''
# Write it for all queries at once: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$. Scores over $\sqrt
# D$, shares of each row, means of values: $N \times E$. No loop is needed.
# '''
# hints = [
# '''
# Three lines, one for each of score, share and mean. Which axis of the table do the keys lie on?
# ''',
# '''
# $\mathrm{softmax}(Q K^\top / \sqrt D)\, V$, the softmax along each row. $D$ is the length of the last axis of `q`.
# ''',
# '''
# `q @ k.mT / q.shape[-1] ** 0.5`, then `.softmax(-1)`, then `@ v`.
# ''',
# ]
# see = "*Right*. Then your function gives for the cat what linviz gives."

# %% tags=["answer:1.1"]
from jaxtyping import Float
from torch import Tensor


def soft_lookup(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    """o = softmax(q k^T / sqrt(D)) v, the softmax over keys."""
    # solution
    scores = q @ k.mT / q.shape[-1] ** 0.5                            # (N, S)
    return scores.softmax(-1) @ v
    # end


checks.soft_lookup(soft_lookup)

# %% tags=["needs:1.1"]
difference = (soft_lookup(q[0, 0], k[0, 0], v[0, 0]) - soft(q, k, v)[0, 0]).abs().max()
say(f"{N} queries, {N} keys, {N * N:,} pairs; yours against linviz: the largest difference is **{difference:.0e}**.")
assert difference < 1e-4

# %% [markdown]
# ## 3 · Rows are shares; columns are fame
#
# A row of the map says where one query looks. It sums to one: every patch has one unit of attention to spend. A column
# says by whom one key is looked at.
#
# > **Predict.** There are as many queries as keys here, so on average a column sums to one as well. What do single
# > columns sum to: all nearly 1, or something else? And if something else: which patches are famous, which forgotten?

# %%
A = soft.map(q, k, v)
rows, fame = A.dense()[0, 0].sum(-1), A.column_sums()[0, 0]
show(heat.places(fame.unflatten(0, (grid.Y, grid.X))[None].numpy(), ["what each patch receives"],
                 bar="column sum", top=float(fame.max()), columns=1,
                 title="Some patches are asked for by everybody").update_layout(width=560))
say(f"Rows sum to one, to within {(rows - 1).abs().max():.0e}. Columns reach from **{fame.min():.2f}** to "
    f"**{fame.max():.1f}**, and a tenth of the patches receive {100 * fame.topk(N // 10).values.sum() / N:.0f} % of "
    "all attention.")
assert fame.max() > 10 > 1 > fame.min() and abs(fame.mean() - 1) < 1e-4

# %% [markdown]
# Nothing in the formula cares for columns. A key that is far out in a direction where many queries lie is famous; a
# key in the middle of everything matches nobody strongly. If you ever wonder whether a softmax runs over the right
# axis: sum the rows.
#
# ## 4 · The first attention
#
# The formula above is from 2017. Attention is older: a translator of 2014 had to squeeze a whole sentence into one
# vector before it could write a word. Bahdanau, Cho and Bengio let it look back at all the words it had read. They had
# no products of queries and keys; they compared the two with a small network,
#
# $$e_{ij} = w \cdot \tanh(q_i + k_j) \qquad A_{ij} = \frac{e^{e_{ij}}}{\sum_l e^{e_{il}}}.$$
#
# (In the paper $q_i$ is a matrix times the decoder's state, $k_j$ another matrix times what was read at word $j$.) Here
# is one row of it, pair by pair:

# %%
network = linviz.make("additive", heads=1, width=D, grid=grid, seed=0).requires_grad_(False)
w = network.mechanism.w[0]                                            # drawn at random, not learned
e = torch.stack([w @ (q[0, 0, query] + key).tanh() for key in k[0, 0]])
row = e.exp() / e.exp().sum()
theirs = network.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0]
assert torch.allclose(row, theirs, rtol=1e-3, atol=1e-7)
say(f"{N} shares from the equation and from linviz: the largest difference is {(row - theirs).abs().max():.0e}.")

# %% [markdown]
# > **Predict.** Leave the tanh out: $e_{ij} = w \cdot (q_i + k_j)$. How many of the other 783 queries then look
# > anywhere else than our query does?

# %%
def elsewhere(scores: Tensor) -> int:
    """How many rows differ from the query's own."""
    a = scores.softmax(-1)
    return int(((a - a[query]).abs().amax(-1) > 1e-12).sum())


pairs = q[0, 0, :, None].double() + k[0, 0].double()                   # (N, S, D): every pair's sum
counts = {"with tanh": elsewhere(pairs.tanh() @ w.double()), "without": elsewhere(pairs @ w.double()),
          "dot product": elsewhere((q[0, 0] @ k[0, 0].mT).double() / D ** 0.5)}
say(table(["scores", "queries that look elsewhere"], [[name, f"{n}"] for name, n in counts.items()]))
assert counts == {"with tanh": N - 1, "without": 0, "dot product": N - 1} and N - 1 == 783

# %% [markdown]
# Not one. Without the bend, $w \cdot q_i$ is added to *every* score of row $i$ and cancels in the softmax: what is left
# says which keys are famous, and nobody is asked. The tanh is what ties query and key together. The dot product ties
# them by multiplying.

# %% [markdown] tags=["exercise"]
# number = "1.2"
# title = "The first attention"
# difficulty = 2
# importance = 3
# minutes = 8
# objectives = ["compare"]
# task = '''
# Write additive attention for all queries: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$, `w` has $D$
# numbers. There is no $\sqrt D$ here.
# '''
# hints = [
# '''
# Every query must meet every key: which shape has the table of all sums $q_i + k_j$?
# ''',
# '''
# $N \times S \times D$. Give `q` a new axis in the middle, and torch spreads both. Then tanh, then the product with $w$
# takes the last axis away.
# ''',
# '''
# `(q[:, None] + k).tanh() @ w` is the table of scores, $N \times S$; then the softmax over keys, and `@ v`.
# ''',
# ]
# see = "*Right*, and the next cell counts why the world moved on to products."

# %% tags=["answer:1.2"]
def additive(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"],
             w: Float[Tensor, "D"]) -> Float[Tensor, "N E"]:
    """o = softmax(e) v with e_ij = w . tanh(q_i + k_j)."""
    # solution
    scores = (q[:, None] + k).tanh() @ w                              # (N, S, D) on the way, then (N, S)
    return scores.softmax(-1) @ v
    # end


checks.additive(additive)

# %% tags=["needs:1.1", "needs:1.2"]
given = q[0, 0], k[0, 0], v[0, 0]
yours = (additive(*given, w) - network(q, k, v)[0, 0]).abs().max()
made = {"additive": tally(lambda *x: additive(*x, w), given), "dot product": tally(soft_lookup, given)}
say(f"Yours against linviz: {yours:.0e}. Numbers made on the way: additive **{made['additive']:,}**, dot product "
    f"**{made['dot product']:,}**, {made['additive'] / made['dot product']:.0f} times fewer.")
assert yours < 1e-4 and made["additive"] > 10 * made["dot product"]

# %% [markdown]
# Both multiply about as often. But the network needs a tanh for each pair *and* channel, and all those numbers have to
# go somewhere; the product of two matrices adds the channels up as it goes, and is what computers do best. (A product
# can do one more thing that a tanh cannot: be split into a part of $i$ and a part of $j$. That is chapter 4.)
#
# The network has one advantage. Its scores never exceed $\sum_d |w_d|$, however large $q$ and $k$ become. A product
# has no such limit, and this brings us to the root.
#
# ## 5 · Why the root of D
#
# Take queries and keys of $D$ independent numbers with variance 1. The product $q \cdot k$ is a sum of $D$ terms of
# variance 1: its variance is $D$, so scores spread like $\sqrt D$. And an exponential blows a spread up.
#
# > **Predict.** 256 keys, $D$ from 4 to 1024, random numbers. On how many keys does a row rest, on average, if the root
# > is left out: at $D = 4$, at $D = 64$, at $D = 1024$? And with it?

# %%
def spread(width: int, divisor: float) -> float:
    """Effective tokens of random rows over 256 keys, mean."""
    x, y = torch.randn(2, 256, width, generator=torch.Generator().manual_seed(0))
    return effective_tokens((x @ y.mT / divisor).softmax(-1)).mean().item()


widths = [4, 16, 64, 256, 1024]
bare, rooted = [spread(d, 1) for d in widths], [spread(d, d ** 0.5) for d in widths]
show(trends([Trend("divided by the root of D", "softmax", "softmax", widths, rooted),
             Trend("not divided", "softmax", "softmax", widths, bare, dash="dot")],
            Axis("width D of queries and keys", True, {str(d): d for d in widths}),
            Axis("effective tokens (of 256)", True, {str(n): n for n in (1, 4, 16, 64, 256)}),
            title="Without the root, wide heads look at a single key"))
say("Without the root: " + ", ".join(f"{n:.1f} at D = {d}" for d, n in zip(widths, bare)) + ". With it: "
    f"{min(rooted):.0f} to {max(rooted):.0f}.")
assert bare[-1] < 1.5 < 50 < bare[0] and min(rooted) > 0.9 * max(rooted)

# %% [markdown]
# The root keeps the temperature the same for every width. That is all it does: it is a temperature, chosen so that
# random rows start soft. (On real data $q$ and $k$ are not random, and the network learns their size anyway.) Take the
# temperature into your own hand, for the patch at the eye:

# %%
def warm_row(temperature: float):
    return ch01.warm_row(temperature, q=q, k=k, v=v, query=query, grid=grid)


Live(warm_row, ch01.TEMPERATURES, label="temperature", start=0.3)

# %% [markdown]
# Why not cold, if cold is what a dictionary does? Because a cold row cannot learn. How much does the output move, if
# one score is raised a little? Raising $S_{ij}$ lifts the share of key $j$, and takes from all the others in
# proportion. Written out:
#
# $$\frac{\partial o_i}{\partial S_{ij}} = a_{ij}\,(v_j - o_i).$$
#
# Each key pulls the output towards its own value, as strongly as it is looked at. Once one key has everything, its
# value *is* the output, so it pulls at nothing; and all the others have no share to pull with.

# %% [markdown] tags=["exercise"]
# number = "1.3"
# title = "What a score can move"
# difficulty = 3
# importance = 3
# minutes = 10
# objectives = ["pull"]
# task = '''
# Given the scores ($N \times S$, already scaled) and values `v` ($S \times E$), return the pulls of all pairs: $N
# \times S \times E$, at $[i, j]$ the vector $a_{ij} (v_j - o_i)$.
# '''
# hints = [
# '''
# First the shares, then the outputs. Which axes has $a$, which $v$, which $o$; and which of the result's three axes
# does each of them miss?
# ''',
# '''
# $a_{ij}$ misses $e$, $v_{je}$ misses $i$, $o_{ie}$ misses $j$. Give each a new axis where it misses one.
# ''',
# '''
# With `a = scores.softmax(-1)`: `a[:, :, None] * (v - (a @ v)[:, None])`.
# ''',
# ]
# see = "*Right*: the pulls of a row sum to zero. The next cell cools the cat and watches them die."

# %% tags=["answer:1.3"]
def pull(scores: Float[Tensor, "N S"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N S E"]:
    """d o_i / d S_ij = a_ij (v_j - o_i)."""
    # solution
    a = scores.softmax(-1)                                            # (N, S)
    return a[:, :, None] * (v - (a @ v)[:, None])                     # (N, S, 1) * ((S, E) - (N, 1, E))
    # end


checks.pull(pull)

# %% tags=["needs:1.3"]
temperatures = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
some = torch.arange(0, N, 7)                                          # every seventh query
scores = (q[0, 0, some] @ k[0, 0].mT).double() / D ** 0.5
strongest = [pull(scores / t, v[0, 0].double()).norm(dim=-1).amax(-1).mean().item() for t in temperatures]
show(trends([Trend("softmax", "softmax", "softmax", temperatures, strongest)],
            Axis("temperature", True, {f"{t:g}": t for t in temperatures}),
            Axis("strongest pull (length of v per score)"),
            title="Too cold to learn, too hot to learn"))
best = temperatures[strongest.index(max(strongest))]
say(f"The strongest pull is largest at temperature {best:g}. At 0.01 it is {strongest[0] / max(strongest):.3f} of "
    f"that, at 10 it is {strongest[-1] / max(strongest):.2f}.")
assert temperatures[0] < best < 3 and strongest[0] < 0.2 * max(strongest) and strongest[-1] < 0.2 * max(strongest)

# %% [markdown]
# ## 6 · Heads
#
# One row per query is a narrow window. A patch may want to know who has its colour *and* who has its edges. So the
# channels are cut into $H$ **heads**; each does the whole lookup on its own channels, with a map of its own, and the
# outputs are put side by side. Our 16 numbers can be cut by hand: 6 for colour, 8 for edges, 2 for place.
#
# > **Predict.** Three heads look from the eye. Which of them finds the other eye?

# %%
parts = {"colour": slice(0, 6), "edges": slice(6, 14), "place": slice(14, 16)}
heads = {name: linviz.make("softmax", heads=1, width=s.stop - s.start, grid=grid) for name, s in parts.items()}
maps = {name: m.map(*(x[..., parts[name]] for x in (q, k, v))) for name, m in heads.items()}
PatchView([Panel(name, "softmax", a) for name, a in maps.items()], photo, grid, query=query)

# %%
each = {name: entropy(a.dense()).mean().item() for name, a in maps.items()}
together = entropy(torch.stack([a.dense() for a in maps.values()]).mean(0)).mean().item()
say(table(["head", "mean entropy, bits"], [[name, f"{y:.2f}"] for name, y in each.items()]))
say(f"The mean of the three is {sum(each.values()) / 3:.2f} bits. The map that is the mean of the three has "
    f"**{together:.2f}** bits. A picture of \"the\" attention of a layer, averaged over heads, is a picture of nobody.")
assert together > sum(each.values()) / 3 + 0.2

# %% [markdown]
# Colour finds the other eye, and the nose with it; edges find it, too, by another way; place sees a wide spot around
# the query and nothing else. The head of all 16 numbers, above, had to agree on one compromise.
#
# Heads cost nothing extra: $H$ heads of $D$ channels multiply as often as one head of $H D$ (chapter 2 counts). But is
# more than one ever *needed*? Could one head, wide enough, not do the same?
#
# No. One head's output is $W A v$: a linear map of a **mean** of values. On a flat picture, all values the same vector
# $c$, the mean is $c$ again, so the output is $W c$, whatever $A$ is. Two heads may look at two different places and
# carry opposite signs, $W (A_1 - A_2) v$; on a flat picture that is zero. A single head that answers zero on every flat
# picture has $W = 0$. **One head can only average; two heads can subtract.** And to subtract is
# to see edges. Let one head look at the patch to the left and one at the patch to the right:

# %%
fine = linviz.Grid(1, 44, 44)
camera = clips.fit(clips.load("camera"), fine)
light = clips.descriptors(camera, fine)[2][..., :1]                   # lightness, standardised
looks = linviz.make("softmax", heads=1, width=4, grid=fine, scale=3000.0, value_width=1)
here = ch01.compass(fine)                                    # keys: where a patch is
left, right = (looks.map(ch01.compass(fine, 0, step), here, light) for step in (-1, 1))
edges = (right.apply(light) - left.apply(light))[0, 0, :, 0].abs()
panels = torch.stack((light[0, 0, :, 0] - light.min(), edges)).unflatten(1, (fine.Y, fine.X))
show(heat.places((panels / panels.amax((1, 2), keepdim=True)).numpy(), ["the values: lightness",
                 "two heads: |right - left|"], bar="of the largest", top=1.0, columns=2,
                 title="Two heads that subtract find the edges"))
flat = torch.ones_like(light)
say(f"On a flat picture the two heads say {(right.apply(flat) - left.apply(flat)).abs().max():.0e}, and each alone "
    f"says {left.apply(flat).mean():.0f}.")
assert (right.apply(flat) - left.apply(flat)).abs().max() < 1e-5

# %% [markdown] tags=["exercise"]
# number = "1.4"
# title = "Several heads"
# difficulty = 4
# importance = 5
# minutes = 16
# objectives = ["heads"]
# task = '''
# Queries `q` ($N \times HD$), keys `k` ($S \times HD$) and values `v` ($S \times HE$) hold the channels of all heads
# side by side: first head 1's, then head 2's, and so on. Look up head by head, and put the outputs side by side in the
# same order: $N \times HE$.
# '''
# hints = [
# '''
# A loop over heads is fine. Without one, the heads want an axis of their own, and matrices are multiplied along the
# last two axes: where should the axis of heads go?
# ''',
# '''
# $(N, HD) \to (N, H, D) \to (H, N, D)$. The scale is $\sqrt D$ of one head. Afterwards the same way back.
# ''',
# '''
# `x.unflatten(-1, (H, -1)).transpose(0, 1)` for each of the three; then exercise 1.1; then `.transpose(0,
# 1).flatten(1)`.
# ''',
# ]
# see = "*Right*. If yours cuts tokens instead of channels, as a `reshape` alone does, the check will tell you."

# %% tags=["answer:1.4"]
def multihead(q: Float[Tensor, "N HD"], k: Float[Tensor, "S HD"], v: Float[Tensor, "S HE"],
              H: int) -> Float[Tensor, "N HE"]:
    """H lookups, each on its own channels, side by side."""
    # solution
    q, k, v = (x.unflatten(-1, (H, -1)).transpose(0, 1) for x in (q, k, v))   # (H, tokens, width)
    o = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v               # (H, N, E)
    return o.transpose(0, 1).flatten(1)
    # end


checks.multihead(multihead)

# %% tags=["needs:1.4"]
four = linviz.make("softmax", heads=4, width=D // 4, grid=grid)
split = [x[0, 0].unflatten(-1, (4, -1)).transpose(0, 1)[None] for x in (q, k, v)]    # (1, 4, N, 4), as linviz has them
difference = (multihead(q[0, 0], k[0, 0], v[0, 0], 4) - four(*split)[0].transpose(0, 1).flatten(1)).abs().max()
say(f"Four heads of {D // 4} channels, yours against linviz: the largest difference is **{difference:.0e}**.")
assert difference < 1e-4

# %% [markdown]
# ## 7 · What attention does not know
#
# > **Predict.** Shuffle the 784 patches like cards, descriptions and all, and ask again. What happens to the output?

# %%
order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
shuffled = soft(*(x[..., order, :] for x in (q, k, v)))
moved = (shuffled - soft(q, k, v)[..., order, :]).abs().max()
say(f"The output is shuffled the same way, and otherwise the same: the largest difference is {moved:.0e}.")
assert moved < 1e-4

# %% [markdown]
# Attention is a lookup in a *set*. It has no idea that a picture has rows, or a clip a direction of time. If our cat's
# patches prefer their neighbours, then only because two of their sixteen numbers *are* their place. Whoever wants order
# has to write it on the tokens, or into the map; later chapters do.
#
# ## 8 · Where the rank comes from
#
# Last, look at the numbers in the table as a whole. The scores are a product of a $784 \times 16$ and a $16 \times
# 784$ matrix. So there are 614,656 of them, but they are made of very little: a matrix of rank 16 at most, sixteen
# patterns mixed. The softmax then takes each score by itself, exponentiates it, and divides each row by a number. No
# new query, no new key, no new channel comes in.
#
# > **Predict.** The rank of the scores is at most 16. What is the rank of the map: 16, 17, a few dozen, or hundreds?

# %%
x, y = q[0, 0].double(), k[0, 0].double()
table_of_scores = x @ y.mT / D ** 0.5
exact = soft.map(*(z.double() for z in (q, k, v)))
s_scores = torch.linalg.svdvals(table_of_scores)
s_map = exact.singular_values()[0, 0]
tolerance = exact.tolerance
counted = [int((s > tolerance * s[0]).sum()) for s in (s_scores, s_map)]
show(spectrum([Line("scores", "factorized", "low-rank", s_scores[:D].tolist(), bound=D),
               Line("softmax of them", "softmax", "softmax", s_map.tolist(), bound=N)]))
say(table(["", "numerical rank"], [["scores", f"{counted[0]}"], ["their softmax", f"{counted[1]}"]]))
say(f"(Counted above {tolerance:.0e} of the largest, in double precision.)")
assert counted[0] <= D and counted[1] > 700

# %% [markdown]
# Nearly everybody says 16. It is *hundreds*: all the queries there are. An exponential is a sum of all powers,
# $e^s = 1 + s + s^2/2 + \dots$, and each power of a rank-16 table, number by number, brings new patterns:
# 136 products of two channels in the square, 816 in the cube. The dividing of rows, by contrast, does nothing to a
# rank. So the softmax is not there only to make shares: **it is where the rank comes from.** Remember this when
# chapter 4 takes the exponential out.
#
# (A large rank on paper need not mean many directions in truth: most of those hundreds are faint. That is chapter 3.
# And look at the last point of the scores.)

# %%
from math import comb

say(f"The sixteenth pattern of the scores is {s_scores[D - 1] / s_scores[0]:.0e} of the first: as good as nothing. "
    "Eight of the sixteen numbers say how a patch's edges are shared out over eight directions. Shares sum to one, so "
    "the eighth tells nothing that the other seven have not said.")
assert s_scores[D - 1] < 1e-10 * s_scores[0] < s_scores[D - 2]
assert [comb(D + p - 1, p) for p in (1, 2, 3)] == [16, 136, 816] and N * N == 614_656

# %% [markdown]
# ## 9 · What was not shown
#
# - **Nothing was learned.** $q$, $k$ and $v$ were the same plain descriptions. In a network three learned matrices make
#   them, and a fourth mixes the heads; what is "alike" is then whatever serves the task.
# - **The subtracting heads were built by hand,** to show that two *can*. Whether trained heads do is another question.
# - **A map is not an explanation.** Where a patch looks need not be what decides (Jain and Wallace, 2019).
# - **Nothing about cost.** 614,656 pairs for one small picture: that is the next chapter.
#
# [Additive attention and the dot product side by side in the
# atlas](http://localhost:8501/atlas?view=side&picked=additive,softmax,nonlocal), on the same cat.
#
# Additive attention: *Neural Machine Translation by Jointly Learning to Align and Translate*, 2014, arXiv 1409.0473.
# Products, the root and heads: *Attention Is All You Need*, 2017, arXiv 1706.03762.
#
# ## Quiz

# %%
quizzes.lookup
