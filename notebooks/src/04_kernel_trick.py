# %% [markdown] tags=["front"]
# title = "The kernel trick"
# lead = '''
# Attention is a product of three matrices with a softmax in the middle. Take the softmax out, and a pair of brackets
# may be moved: the table of all pairs is never made. This chapter moves the brackets, paints a cat with what comes of
# it, and then asks what was given away. One part of the answer is a number, and it is much smaller than one thinks.
# '''
# questions = [
#     "How can every patch attend to every other without meeting it?",
#     "Is linear attention \"mathematically equivalent\" to attention? Which one, and to which?",
#     "What can no linear attention do, however well its features are chosen?",
# ]
# prerequisites = [
#     "Attention as a soft lookup (chapter 1) and what it costs (chapter 2).",
#     "Ranks (chapter 3) help; what is needed of them is said again here.",
# ]
# minutes = {reading = 50, exercises = 45, quiz = 5}
# key_points = [
#     "Moving the bracket is always exact. What changes attention is what was done to make it movable.",
#     "Left out, the softmax leaves its order behind: the dot product ranks patches as softmax does, without contrast.",
#     "Efficient attention is a few templates that look once, and queries that mix what they saw.",
#     "Any positive features make a kernel; its row sum moves out of the table by a second bracket.",
#     "A kernel of fixed features can hardly be turned up: what is louder everywhere cancels.",
#     "With M features, tokens keep at most a share M / N for themselves on average, or for any partner of their own.",
#     "The exponential can be bought back degree by degree; each one costs D times as many features as the last.",
# ]
#
# [objectives]
# count = "count what both orders of the brackets cost, and say where they cross"
# bracket = "move the bracket: attention without a table"
# equivalent = "tell which linear attention equals which attention with a table, and which equals none"
# templates = "read efficient attention as templates and context vectors, and write it"
# kernel = "write linear attention with positive features and its row sum"
# sharp = "predict what louder queries and keys do to softmax and to a kernel"
# ceiling = "bound what a number of features allows, and measure how near a map comes"
# price = "say what the exponential costs in features, and buy two terms of it"

# %% [markdown]
# ## 1 · A pair of brackets
#
# A photograph of 28 × 28 patches, each described by 16 plain numbers, as in every chapter: colour, edges, place. In
# attention each of the 784 patches meets all 784. That makes a table of 614,656 weights, and the table is only there
# to be multiplied with the values and thrown away.
#
# Leave the softmax out for a moment. Then attention is a product of three matrices, $Q K^\top V$, and a product of
# three may be bracketed in two ways. Both give the same numbers. Here they are, drawn to scale: the outlined matrices
# are given, the filled one has to be made on the way.

# %%
import torch

import linviz
from linviz import clips
from linviz.concentration import divergence, entropy
from linviz.cost import flops
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course import pictures
from linviz.course.scenes import ch04
from linviz.course.pictures import Gallery, Picture
from linviz.figures import growth
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
Live(ch04.brackets_at, ch04.SIDES, label="patches along one side", start=28, form=".0f")

# %% [markdown]
# Take the slider to the right and watch the bracket vanish beside the table; then all the way to the left.
#
# > **Predict.** At 28 × 28 patches and 16 channels the moved bracket saves a factor of 49. What will it be at 56 × 56:
# > 49, 98 or 196? And at 4 × 4?

# %%
opening = clips.OPENING
grid = opening.grid                                                   # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = (x.double() for x in clips.descriptors(photo, grid, opening.temperature))     # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)                                # a patch at the corner of the eye


def operations(side: int) -> tuple[int, int]:
    """Pairs first and keys first: counted by torch, while it multiplies."""
    x = torch.zeros(side ** 2, D)
    return flops(lambda: (x @ x.mT) @ x), flops(lambda: x @ (x.mT @ x))


counted = {side: operations(side) for side in (3, 4, 14, 28, 56)}
say(table(["patches", "pairs first, operations", "keys first, operations", "saved, times"],
          [[f"{side} × {side}", f"{a:,}", f"{b:,}", f"{a / b:.2f}"] for side, (a, b) in counted.items()]))
assert all(a / b == side ** 2 / D for side, (a, b) in counted.items())

# %% [markdown]
# (An operation is a multiplication or an addition, so there are twice as many as multiplications in the figure.) The
# factor is $N / D$: patches over channels. It is no gift of nature. On a picture of 4 × 4 patches with 16
# channels nothing is saved, and below that the "efficient" order is the dearer one. Small windows, say 7 × 7 patches
# with 64 channels, are better off with their table.
#
# Written out for one query, with the divisor that keeps the output's size as the picture grows:
#
# $$o_i = \sum_j \frac{q_i \cdot k_j}{S}\, v_j \;=\; q_i \Bigl[\frac1S \sum_j k_j^\top v_j\Bigr]$$
#
# The bracket does not mention $i$. It is one small matrix, $D \times E$, summed up once over the picture and read by
# every query. This is *factorized attention* in its dot version (2018), and from right to left it is the dot-product
# *non-local block* (2017). Pair by pair, for our query, and then by linviz:

# %%
row = torch.stack([(q[0, 0, query] * k[0, 0, j]).sum() / N for j in range(N)])      # 784 products: one row of the table
slow = sum(row[j] * v[0, 0, j] for j in range(N))

dot = linviz.make("factorized", heads=1, width=D, grid=grid)
block = linviz.make("nonlocal", heads=1, width=D, grid=grid, similarity="dot")
fast = dot(q, k, v)[0, 0, query]
assert torch.allclose(slow, fast, rtol=1e-12) and torch.allclose(fast, block(q, k, v)[0, 0, query], rtol=1e-12)
say(f"One row with {N} products, or one {D} × {D} bracket: the largest difference is {(slow - fast).abs().max():.0e}.")

# %% [markdown] tags=["exercise"]
# number = "4.1"
# title = "Keys first"
# difficulty = 1
# importance = 5
# minutes = 5
# objectives = ["bracket"]
# task = '''
# Write dot-product attention for all queries at once: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$.
# Divide by the number of keys. No table of $N \times S$ may be made on the way; the check counts.
# '''
# hints = [
# '''
# Which two of the three matrices can be multiplied before anybody asks?
# ''',
# '''
# $O = Q\,(K^\top V) / S$, where $K^\top V$ is $D \times E$.
# ''',
# '''
# `q @ (k.mT @ v)`, divided by `len(k)`. Without the parentheses Python multiplies from the left: pairs first.
# ''',
# ]
# see = "The check says *right*. Then your function gives what linviz gives for the cat."

# %% tags=["answer:4.1"]
from jaxtyping import Float
from torch import Tensor


def keys_first(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    """o_i = q_i [sum_j k_j v_j / S]."""
    # solution
    return q @ (k.mT @ v) / len(k)
    # end


checks.keys_first(keys_first)

# %% tags=["needs:4.1"]
yours = keys_first(q[0, 0], k[0, 0], v[0, 0])
difference = (yours - dot(q, k, v)[0, 0]).abs().max()
assert difference < 1e-12
say(f"Yours and linviz's agree on all {N} patches, to more than **twelve digits**.")

# %% [markdown]
# ## 2 · "Mathematically equivalent"?
#
# So far there was no softmax. With it the weight of a pair is $\exp(q_i \cdot k_j)$, divided by the sum of its row.
# (The scores $q_i \cdot k_j$ are divided by $\sqrt D$ first, which we leave out where it changes no argument.) Now
# $q_i \cdot k_j$ is a sum of $D$ products, each of something of $i$ and something of $j$. Its exponential is not: no
# few such products add up to it. The bracket is stuck. Three ways were found around it:
#
# - **leave the softmax out**: what we just did (*factorized*);
# - **two softmaxes**, one on each side, so that none stands in the middle (*efficient*);
# - **replace the exponential** by a product of positive features, and divide each row by its sum (*linear*).
#
# Here they are on the same queries and keys. Move the mouse over the picture; click to pin a patch.

# %%
soft, efficient, linear = (linviz.make(x, heads=1, width=D, grid=grid) for x in ("softmax", "efficient", "linear"))
PatchView([Panel(m.title, m.family, m.map(q, k, v)) for m in (soft, dot, efficient, linear)], photo, grid, query=query)

# %% [markdown]
# [The same four in the explorer](http://localhost:8501/?clip=chelsea&patches=28&maps=softmax,factorized,efficient,linear),
# with other photographs and clips (start it with `python3 start.py explore`).
#
# > **Predict.** Take for each patch its *favourite*: the key with the largest weight in its row. Under which of the
# > three is it always the same patch as under softmax?

# %%
rows = {m.title: m.map(q, k, v).dense()[0, 0] for m in (soft, dot, efficient, linear)}       # all tables, to look at
favourite = {title: a.argmax(-1) for title, a in rows.items()}
shared = {title: int((f == favourite[soft.title]).sum()) for title, f in favourite.items()}
say(table(["", "same favourite as softmax", "negative weights", "a row sums to"],
          [[title, f"{shared[title]} of {N}", f"{100 * (a < 0).double().mean():.0f} %", f"{a.sum(-1).mean():+.2f}"]
           for title, a in rows.items()]))
assert shared[dot.title] == N > 2 * max(shared[efficient.title], shared[linear.title])
assert torch.equal(rows[dot.title][query].argsort(), rows[soft.title][query].argsort())
assert (rows[soft.title].amax(-1) / rows[soft.title].median(-1).values).median() > 200

# %% [markdown]
# The one that looks least like attention! Half its weights are negative, its rows sum to nothing (our descriptors
# have mean zero, so all keys together cancel), and yet it ranks all 784 patches exactly as softmax does, in every
# row. The exponential never changes an order. What it brings is **contrast**: a favourite gets hundreds of times
# the share of a middling patch. The other two have positive weights and rows of one, like softmax, but they changed the
# order on the way.
#
# Now the famous sentence. Efficient attention is introduced as "mathematically equivalent" to dot-product attention.
# To find out we hold each version against three things: against its own table, written out; against the dot-product
# non-local block; against softmax attention.

# %%
def off(one: Tensor, other: Tensor) -> str:
    """The largest difference of two outputs, in percent of the largest number."""
    x = 100 * (one - other).abs().max() / other.abs().max()
    return "equal" if x < 1e-9 else f"{x:.0f} % off"


versions = {"factorized, dot": dot,
            "factorized, softmax": linviz.make("factorized", heads=1, width=D, grid=grid, version="softmax"),
            "efficient, scaling": linviz.make("efficient", heads=1, width=D, grid=grid, normalise="scale"),
            "efficient, softmax": efficient, "linear (elu + 1)": linear}
block_out, soft_out = block.map(q, k, v).dense() @ v, soft(q, k, v)
found = {name: [off(m(q, k, v), other) for other in (m.map(q, k, v).dense() @ v, block_out, soft_out)]
         for name, m in versions.items()}
say(table(["", "its own table", "dot-product block", "softmax attention"], [[name, *x] for name, x in found.items()]))
assert all(x[0] == "equal" and x[2] != "equal" for x in found.values())
assert [name for name, x in found.items() if x[1] == "equal"] == ["factorized, dot", "efficient, scaling"]
assert torch.equal(versions["factorized, softmax"](q, k, v), efficient(q, k, v))

# %% [markdown]
# Read it column by column.
#
# - **Moving the bracket never changed anything.** Every version equals its own table. That part is mathematics.
# - **The dot and the scaling versions are equivalent**: to the dot-product non-local block, which has no softmax.
# - **None is equivalent to softmax attention**, and the version everybody uses, with its two softmaxes, is equivalent
#   to neither. It is a new attention with a similar intention. (The author's own page says so: an approximation.)
#
# So the sentence is true of a version that is hardly used, and not true of the one that is.
#
# Another thing to look up before comparing codes is the divisor. It is told in three ways, and linviz has all:

# %%
few = linviz.Grid(1, 14, 14)
less = tuple(x.double() for x in clips.descriptors(clips.fit(clips.load(opening.name), few), few, opening.temperature))
sizes = {}
for scale in ("positions", "channels", "sqrt"):
    small, large = (linviz.make("factorized", heads=1, width=D, grid=g, scale=scale) for g in (few, grid))
    sizes[scale] = small(*less).std().item(), large(q, k, v).std().item()
say(table(["divide by", "size of the output, 14 × 14", "28 × 28"],
          [[name, f"{sizes[scale][0]:.1f}", f"{sizes[scale][1]:.1f}"] for name, scale in
           (("the number of positions", "positions"), ("the number of channels", "channels"),
            ("the root of the number of channels", "sqrt"))]))
grown = {scale: large / small for scale, (small, large) in sizes.items()}
assert 0.8 < grown["positions"] < 1.25 and min(grown["channels"], grown["sqrt"]) > 3

# %% [markdown]
# Only the number of positions keeps the output's size when the picture grows, and only that makes it the non-local
# block.

# %% [markdown]
# ## 3 · Sixteen templates
#
# What does efficient attention do, then? It puts one softmax over the *channels* of each query, and one over the
# *positions* of each channel of the keys:
#
# $$G = \operatorname{softmax}_{j}(K)^\top V \qquad\qquad o_i = \operatorname{softmax}_{d}(q_i)\; G$$
#
# A channel of $K$, softmaxed over the picture, is a **template**: a map of where this channel looks, the same for
# every query. With it, the channel collects one **context vector**, the weighted mean of all values: a row of $G$. A
# query then does not look at places any more. It chooses among sixteen context vectors.
#
# Let the values be colours, so that a context vector is a colour, too.
#
# > **Predict.** Where will the template of the channel *green-red* look on this cat? And *lightness*?

# %%
rgb = pictures.colours(photo, grid).double()                          # (1, 1, N, 3): the mean colour of each patch
T = efficient.mechanism.templates(k)[0, 0]                            # (N, D): a column a template
G = efficient.mechanism.context(k, rgb)[0, 0]                         # (D, 3): a colour a template
assert torch.allclose(T.sum(0), torch.ones(D).double()) and torch.allclose(G, T.mT @ rgb[0, 0])


def seen(name: str, d: int) -> str:
    place = grid.place(int(T[:, d].argmax()))
    return (f"The cat lit by the template {name}, brightest at row {place[1] + 1}, column {place[2] + 1}; "
            f"its context colour is {pictures.colour_name(G[d])}.")


Gallery([Picture(name, pictures.lit_by(T[:, d], photo, grid, side=168), seen(name, d), G[d:d + 1])
         for d, name in enumerate(ch04.CHANNELS)], columns=8, width=150)

# %% [markdown]
# Each picture is one channel, lit as the view lights attention; the strip below is the colour that it brings home.
# *Green-red* found the nose, the channels of edges found whiskers and stripes of their own direction, and the two of
# place, *row* and *column*, simply light half the picture.
#
# These sixteen maps and sixteen colours are all there is. Nobody will ever look at the picture in another way than in
# a mixture of these. In the view below the first two panels are the two templates that our patch takes most of, with
# their shares: they stay as they are, whatever patch you visit. The third is the mixture, and it follows your hand.

# %%
choice = efficient.mechanism.choice(q, N)[0, 0, query]                # how much of each template our patch takes
first, second = choice.topk(2).indices.tolist()
PatchView([*(Panel(f"{ch04.CHANNELS[d]}, {100 * choice[d]:.0f} %", "content-free", ch04.constant(T[:, d], N))
             for d in (first, second)),
           Panel(efficient.title, efficient.family, efficient.map(q, k, v))], photo, grid, query=query)

# %% [markdown]
# No divisor is needed: each template sums to one over the picture, each choice sums to one over the templates, so
# each row of the map $A_{ij} = \sum_d \operatorname{softmax}_d(q_i)_d \operatorname{softmax}_j(k)_{jd}$ does, too.
# There is no $1/\sqrt D$ either, in the paper's code. And there is no causal form: a softmax over positions has seen
# the future (chapter 5).

# %% [markdown] tags=["exercise"]
# number = "4.2"
# title = "Efficient attention"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["templates"]
# task = '''
# Write it for one head: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$; the output is $N \times E$. Two
# softmaxes, each along its own axis, and the context vectors before any query is looked at.
# '''
# hints = [
# '''
# One softmax makes shares of *places*, the other shares of *templates*. Which axis is which?
# ''',
# '''
# $O = \rho_q(Q)\,\bigl(\rho_k(K)^\top V\bigr)$, with $\rho_q$ along the last axis of `q` and $\rho_k$ along the first
# of `k`.
# ''',
# '''
# `q.softmax(-1) @ (k.softmax(0).mT @ v)`.
# ''',
# ]
# see = "*Right*, and the next cell repaints the cat with your function: sixteen colours, mixed."

# %% tags=["answer:4.2"]
def two_softmaxes(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    """Choices among templates, times what the templates saw."""
    # solution
    return q.softmax(-1) @ (k.softmax(0).mT @ v)
    # end


checks.two_softmaxes(two_softmaxes)

# %% tags=["needs:4.2"]
mixed = two_softmaxes(q[0, 0], k[0, 0], rgb[0, 0])
paints = linviz.make("efficient", heads=1, width=D, grid=grid, value_width=3)
difference = (mixed - paints(q, k, rgb)[0, 0]).abs().max()
assert difference < 1e-12
say("Yours and linviz's agree, with colours for values, to more than **twelve digits**.")
Gallery([Picture("the values: the patches' own colours", pictures.mosaic(rgb, grid),
                 "The cat in 28 x 28 patches, each in its own colour: what all mixtures are mixed of."),
         Picture("every patch a mixture of the sixteen", pictures.mosaic(mixed[None, None], grid),
                 "The cat in 28 x 28 patches, painted by efficient attention: browns, dark eyes, a red nose.")])

# %% [markdown]
# ## 4 · A kernel: any positive features
#
# The third way round the softmax. Weights should be positive, so replace $\exp(q_i \cdot k_j)$ by
# $\phi(q_i)\cdot\phi(k_j)$ with features $\phi > 0$, and divide every row by its sum, as softmax does:
#
# $$o_i = \frac{\phi(q_i)\,\bigl[\sum_j \phi(k_j)^\top v_j\bigr]}{\phi(q_i)\,\bigl[\sum_j \phi(k_j)^\top\bigr]}
# \qquad\text{with}\qquad
# \phi(x) = \operatorname{elu}(x) + 1 = \begin{cases} x + 1 & x > 0 \\ e^x & x \le 0\end{cases}$$
#
# Two brackets now: one for the values and one for the row sums. Neither mentions $i$. This is *linear attention*
# (2020); elu + 1 was chosen because it is positive, and because its slope never quite vanishes, so that negative
# channels can still learn. It was not chosen to resemble the exponential of a product, and it does not. (The linear
# attention of chapter 0 is of the same kind, with other features: relu and a small floor.)
#
# Pair by pair for our query, and by linviz:

# %%
def phi(x: Tensor) -> Tensor:
    return torch.where(x > 0, x + 1, x.clamp_max(0).exp())


weights = torch.stack([phi(q[0, 0, query]) @ phi(k[0, 0, j]) for j in range(N)])
row = weights / (weights.sum() + 1e-6)                                # the official code adds a millionth
theirs = linear.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0]
assert torch.allclose(row, theirs, rtol=1e-9)
say(f"{N} weights, from the equation and from linviz: the largest difference is {(row - theirs).abs().max():.0e}.")

# %% [markdown] tags=["exercise"]
# number = "4.3"
# title = "Linear attention"
# difficulty = 3
# importance = 5
# minutes = 10
# objectives = ["kernel"]
# task = '''
# Write linear attention with elu + 1 for all queries at once: `q` is $N \times D$, `k` is $S \times D$, `v` is $S
# \times E$. Divide each row by its sum plus $10^{-6}$. No table of $N \times S$.
# '''
# hints = [
# '''
# Features first, for queries and keys alike. Then two sums over the keys, both finished before any query is looked at.
# ''',
# '''
# $\phi(K)^\top V$ is $D \times E$; $\sum_j \phi(k_j)$ has $D$ numbers. Multiply $\phi(Q)$ with each and divide one by
# the other. torch has $\operatorname{elu}$ in `torch.nn.functional`.
# ''',
# '''
# With `q, k = elu(q) + 1, elu(k) + 1`: the numerator is `q @ (k.mT @ v)`, the row sums are `q @ k.sum(0)`, and these
# need a last axis of length one.
# ''',
# ]
# see = "*Right*, and no difference from linviz."

# %% tags=["answer:4.3"]
from torch.nn.functional import elu


def linear_attention(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    """o_i = phi(q_i) [sum_j phi(k_j) v_j] / (phi(q_i) [sum_j phi(k_j)] + 1e-6), phi(x) = elu(x) + 1."""
    # solution
    q, k = elu(q) + 1, elu(k) + 1
    return q @ (k.mT @ v) / (q @ k.sum(0)[:, None] + 1e-6)            # (D, E) in one bracket, (D,) in the other
    # end


checks.linear_attention(linear_attention)

# %% tags=["needs:4.3"]
difference = (linear_attention(q[0, 0], k[0, 0], v[0, 0]) - linear(q, k, v)[0, 0]).abs().max()
assert difference < 1e-12
say(f"Yours and linviz's agree on all {N} patches, to more than **twelve digits**.")

# %% [markdown]
# Now let all of them paint. The values are the colours of the patches, so the output of attention is a picture: each
# patch becomes the mean colour of what it looks at. An attention that looks at its like repaints the cat; one that
# looks at everything paints everything in the mean colour of the photograph.
#
# > **Predict.** In chapter 0 softmax kept all of the contrast, and linear attention, with the features relu + floor, an
# > eighth. What will efficient attention keep, with its sixteen templates: four fifths, two fifths, a tenth? And
# > elu + 1: more than an eighth, or less?

# %%
def painted(name: str) -> Tensor:
    return linviz.make(name, heads=1, width=D, grid=grid, value_width=3)(q, k, rgb)


def vivid(x: Tensor) -> float:
    """Contrast left, in percent: the spread of the colours over that of the photograph's patches."""
    return (100 * x.std(-2).mean() / rgb.std(-2).mean()).item()


def easel(paintings: dict[str, Tensor]) -> Gallery:
    return Gallery([Picture(f"{title}: {vivid(x):.0f} % of the contrast", pictures.mosaic(x, grid),
                            f"The cat in 28 x 28 patches, {title}: {vivid(x):.0f} % of the photograph's contrast.")
                    for title, x in paintings.items()])


paintings = {m.title: painted(m.name) for m in (soft, efficient, linear)}
easel({"the patches": rgb, **paintings})

# %%
bits = {m.title: linviz.read(m, q, k, v).summary(spectrum=False)["entropy"] for m in (soft, efficient, linear)}
say("Mean entropy of a row: " + ", ".join(f"{title} {x:.2f}" for title, x in bits.items()) +
    f" bits; uniform attention has {torch.tensor(N).log2():.2f}. The same story in a number: a bit more is twice as "
    "many patches looked at alike.")
assert vivid(paintings[linear.title]) < 15 < vivid(paintings[efficient.title]) < 60 < 90 < vivid(paintings[soft.title])
assert bits[soft.title] < bits[efficient.title] - 1 < bits[linear.title] - 2

# %% [markdown]
# Softmax paints a bold cat: each patch takes the colours of patches like it. Efficient attention keeps the nose and
# the eyes, for which it has templates. And elu + 1 paints fog with the ghost of two eyes in it.
#
# ## 5 · Louder is not sharper
#
# Perhaps the queries and keys are merely too quiet? Softmax can be sharpened as one likes: multiply all queries and
# keys by a number, and the largest score runs away from the others. A network can learn to do just that.
#
# > **Predict.** Multiply every query and every key by 10. Softmax then looks at one single patch. How many patches
# > does elu + 1 look at: about one, about fifty, about five hundred?

# %%
LOUD = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
relu = linviz.make("relu", heads=1, width=D, grid=grid)


def spread(m, loud: float) -> float:
    return entropy(m.map(loud * q, loud * k, v).dense()).mean().item()


heard = {m.title: [spread(m, x) for x in LOUD] for m in (soft, efficient, linear, relu)}
lines = [growth.Trend(m.title, m.spec, m.family, LOUD, heard[m.title]) for m in (soft, efficient, linear, relu)]
show(growth.trends(lines, growth.Axis("queries and keys, times", log=True), growth.Axis("mean entropy H (bits)"),
                   title="Turned up, softmax gathers; a kernel hardly hears it"))
at = LOUD.index(10.0)
say(f"Ten times as loud, softmax looks at {2 ** heard[soft.title][at]:.2f} patches, efficient attention at "
    f"{2 ** heard[efficient.title][at]:.1f}, elu + 1 at **{2 ** heard[linear.title][at]:.0f}**, relu at "
    f"{2 ** heard[relu.title][at]:.0f}, as it did in a whisper.")
assert max(heard[relu.title]) - min(heard[relu.title]) < 0.01 and heard[linear.title][at] > 8.9

# %% [markdown]
# The flat line is no accident. For relu, $\phi(c\,x) = c\,\phi(x)$: the factor stands above and below the line and
# cancels, whatever it is. And elu + 1, loud, is nothing else than relu. A kernel of this kind cannot be sharpened from
# outside; sharpness would have to come from the shape of $\phi$ (that is what chapters 11 and 13 are about).
#
# Efficient attention *can* be sharpened: its softmaxes are real ones. But look at what it gathers on:

# %%
loud = {m.title: m.map(10 * q, 10 * k, v).dense()[0, 0].argmax(-1).unique() for m in (soft, efficient)}
say(f"Ten times as loud, the {N} patches together have {len(loud[soft.title])} different favourites under softmax, and "
    f"**{len(loud[efficient.title])}** under efficient attention.")
assert len(loud[efficient.title]) <= 20 < 100 < len(loud[soft.title])
PatchView([Panel(f"{m.title}, twice as loud", m.family, m.map(2 * q, 2 * k, v)) for m in (soft, efficient, linear)],
          photo, grid, query=query)

# %% [markdown]
# Visit a few patches. Softmax finds for each its own like. Efficient attention jumps between a handful of places,
# hardly more than one a template: whoever you are, you get the reddest patch of the picture, or the brightest. It is
# sharp, and it does not matter much who asks.
#
# ## 6 · Sixteen of seven hundred and eighty-four
#
# That raises a question about *all* linear attentions, present and future. Let the features be as good as you like:
# learned, gated, taken from another network. Sixteen positive numbers for each query and sixteen for each key.
#
# > **Predict.** Give them the simplest task there is: *every patch keeps as much attention as possible for itself*.
# > The features are free, all $2 \cdot 784 \cdot 16$ of them, and gradient descent may move them until nothing gets
# > better. How much can a patch keep, on average: nearly all, about a half, about a sixteenth, about a fiftieth?

# %%
kept, ceiling = ch04.climb(N, D, steps=150), D / N
way = growth.Trend("free features", "linear+gate", "kernel", range(0, 151, 5), [100 * x for x in kept[::5]])
show(growth.trends([way], growth.Axis("steps of the climb"), growth.Axis("a patch keeps for itself (%, mean)"),
                   levels={f"16 / 784 = {100 * ceiling:.2f} %": 100 * ceiling},
                   title="The climb is quick, and ends at a ceiling"))
say(f"They end at **{100 * kept[-1]:.2f} %**. The ceiling is $M / N = 16 / 784 = {100 * ceiling:.2f}$ %.")
assert 0.99 * ceiling < kept[-1] < ceiling

# %% [markdown]
# Two percent, with every freedom one could ask for. Why? Three facts about the map $A$, each a line long:
#
# 1. It is a product of an $N \times M$ and an $M \times N$ matrix, so at most $M$ of its eigenvalues are not zero.
# 2. Its rows are shares, so no eigenvalue is larger than 1: averaging never makes anything larger.
# 3. What the patches keep for themselves stands on the diagonal, and a diagonal sums to the sum of the eigenvalues.
#
# $$\sum_i A_{ii} = \sum_i \lambda_i \;\le\; M \qquad\text{so on average}\qquad \overline{A_{ii}} \le \frac MN$$
#
# Nothing in it asks where the features come from. Nor is it about oneself: let every patch have **any partner of its
# own**, the patch to its right, the same place in the last frame, the matching point in a second photograph. Number
# the keys by their partners, and the same three lines hold. *Pointing, each one elsewhere, takes as many features as
# there are pointers.*
#
# Careful with what this does not say. A single patch can keep everything for itself. All patches can look at the same
# patch and nowhere else: that map is as sharp as can be and has rank one. Sharp is cheap. *Each on its own* is what
# costs.

# %% [markdown] tags=["exercise"]
# number = "4.4"
# title = "What a patch keeps"
# difficulty = 3
# importance = 4
# minutes = 8
# objectives = ["ceiling"]
# task = '''
# For features `phi_q` and `phi_k`, both $N \times M$, return the share $A_{ii}$ that each token keeps for itself: $N$
# numbers. Each row of the map is divided by its sum, with nothing added to it. You need the diagonal of an $N \times N$
# table, and the table may not be made.
# '''
# hints = [
# '''
# What of the table does $A_{ii}$ need? One weight, and one row sum. You know how to get row sums without rows.
# ''',
# '''
# $A_{ii} = \phi(q_i)\cdot\phi(k_i) \,\big/\, \phi(q_i)\cdot\sum_j\phi(k_j)$.
# ''',
# '''
# `(phi_q * phi_k).sum(-1)` over `phi_q @ phi_k.sum(0)`.
# ''',
# ]
# see = "*Right*, and the next cell measures how near the attentions of this chapter come to the ceiling."

# %% tags=["answer:4.4"]
def own_share(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "N M"]) -> Float[Tensor, "N"]:
    """A_ii of every token, without the table."""
    # solution
    return (phi_q * phi_k).sum(-1) / (phi_q @ phi_k.sum(0))
    # end


checks.own_share(own_share)

# %% tags=["needs:4.4"]
features = {"linear (elu + 1)": (phi(q), phi(k)), "relu": (q.relu(), k.relu()),
            "efficient": (q.softmax(-1), k.softmax(-2)),
            "efficient, ten times as loud": ((10 * q).softmax(-1), (10 * k).softmax(-2))}
mine = {name: own_share(*(x[0, 0] for x in pair)).mean().item() for name, pair in features.items()}
exact = {m.title: m.map(q, k, v).dense()[0, 0].trace().item() / N for m in (linear, relu, efficient)}
assert all(abs(mine[title] - x) < 1e-6 for title, x in exact.items()) and max(mine.values()) < ceiling
point = v / v.norm(dim=-1, keepdim=True)                              # descriptors of length one: nobody is louder
strict = linviz.make("softmax", heads=1, width=D, grid=grid, scale=300.0)
sharp = strict.map(point, point, v).dense()[0, 0].trace().item() / N
assert sharp > 0.99
say(table(["", "a patch keeps, on average"], [*([name, f"{100 * x:.2f} %"] for name, x in mine.items()),
                                              ["the ceiling, 16 / 784", f"{100 * ceiling:.2f} %"],
                                              ["softmax on descriptors of length one, loud", f"{100 * sharp:.1f} %"]]))

# %% [markdown]
# Softmax has no such ceiling. Here is the same sixteen-channel description of every patch, and it keeps nearly
# everything for itself, because its exponential makes $N$ independent rows out of $D$ channels.
#
# ## 7 · Buying the exponential back
#
# How can sixteen channels make 784 independent rows? The exponential is a sum of powers, and each power is a product
# of features:
#
# $$e^x = 1 + x + \tfrac{x^2}{2} + \dots \qquad\qquad (q\cdot k)^2 = \sum_{a,b} (q_a q_b)(k_a k_b)$$
#
# The square of $q \cdot k$ is the plain product of $D^2$ features $q_a q_b$. The cube takes $D^3$. So softmax *is* a
# kernel, one with infinitely many features. The old **kernel trick** goes from such features to a simple function of
# $q \cdot k$, and never writes them. Linear attention goes the other way: it gives up the function to have features
# few enough to write. We can stop the series wherever we like and move the bracket, as long as the degree is even (an
# odd one may turn negative).
#
# How near a shortened series comes to softmax is said by the **divergence** of each row from softmax's,
# $\mathrm{KL} = \sum_j p_j \log_2 (p_j / a_j)$: the bits that are lost by looking with the shares $a_j$ where softmax
# looks with $p_j$; 0 if they are the same.
#
# > **Predict.** How many different products of at most four of our sixteen channels are there: fewer than the 784
# > patches of the picture, or more?

# %%
x = (q @ k.mT)[0, 0] / D ** 0.5                                       # the scores of softmax
p = x.softmax(-1)
DEGREES = (2, 4, 6, 8)


def series(degree: int) -> Tensor:
    terms = [torch.ones_like(x)]
    for n in range(1, degree + 1):
        terms.append(terms[-1] * x / n)                               # x^n / n!
    w = sum(terms)
    return w / w.sum(-1, keepdim=True)


away = [divergence(series(n), p).mean().item() for n in DEGREES]
plain = divergence(rows[linear.title], p).mean().item()
needed = [ch04.features_needed(D, n) for n in DEGREES]
show(growth.trends([growth.Trend("1 + x + ... + xⁿ / n!", "fastmax", "kernel", needed, away)],
                   growth.Axis("features needed (degree 2, 4, 6, 8)", log=True),
                   growth.Axis("divergence from softmax KL (bits)"),
                   levels={f"elu + 1, 16 features: {plain:.2f}": plain}, at={"as many features as patches": N},
                   title="From the fourth degree on, the features cost more than the table"))
say(table(["degree", "features", "divergence from softmax, bits", "entropy, bits"],
          [[f"{n}", f"{count:,}", f"{y:.2f}", f"{entropy(series(n)).mean():.2f}"]
           for n, count, y in zip(DEGREES, needed, away)]))
assert needed[0] < N < needed[1] == 4845 and plain > 2 * away[0] and away == sorted(away, reverse=True)

# %% [markdown]
# Two terms after the 1 are affordable and already bring more than half of the way back. At the fourth degree there are
# 4,845 features for 784 patches: to write them down takes more numbers than the table they should avoid, and to
# multiply them more work. That is the bargain of this whole subject in one figure: the exponential costs either all
# pairs or all products. (*Performer* buys random samples of the features instead, and others change what is asked for:
# [every kernel that linviz knows, on this cat](http://localhost:8501/atlas?family=kernel).)

# %% [markdown] tags=["exercise"]
# number = "4.5"
# title = "Two terms of the exponential"
# difficulty = 4
# importance = 4
# minutes = 14
# objectives = ["price", "kernel"]
# task = '''
# Attention with the weight $1 + x + x^2/2$ (two terms after the 1) in place of $e^x$, where $x = q \cdot k / \sqrt D$:
# `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$. Divide by the row sum (nothing need be added to it: a
# weight is never below one half). The work must grow with $N$ and not with $N^2$: no table.
# '''
# hints = [
# '''
# Find features $\phi$ with $\phi(q)\cdot\phi(k) = 1 + x + x^2/2$. Then it is exercise 4.3 with another $\phi$. Three
# groups of features, one for each term.
# ''',
# '''
# With $\hat q = q / D^{1/4}$ and the same for $k$: $x = \hat q\cdot\hat k$, and
# $\phi(q) = \bigl[\,1;\ \hat q;\ \hat q_a \hat q_b / \sqrt 2 \text{ for all } a, b\,\bigr]$.
# ''',
# '''
# All products of two channels: `(x[:, :, None] * x[:, None, :]).flatten(1)`. Join with `torch.cat((ones, x, products
# / 2 ** 0.5), 1)`, where `ones` is $N \times 1$.
# ''',
# ]
# see = "*Right*. Then your attention stands between elu + 1 and softmax, at a price that torch counts."

# %% tags=["answer:4.5"]
def taylor_attention(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]) -> Float[Tensor, "N E"]:
    """Weights 1 + x + x^2/2 with x = q.k/sqrt(D), divided by their row sum, and no table."""
    # solution
    def phi(x):
        x = x / x.shape[1] ** 0.25
        products = (x[:, :, None] * x[:, None, :]).flatten(1)         # (N, D * D)
        return torch.cat((torch.ones_like(x[:, :1]), x, products / 2 ** 0.5), 1)

    q, k = phi(q), phi(k)                                             # (N, 1 + D + D^2)
    return q @ (k.mT @ v) / (q @ k.sum(0))[:, None]
    # end


checks.taylor_attention(taylor_attention)

# %% tags=["needs:4.5"]
one = tuple(t[0, 0] for t in (q, k, v))
assert torch.allclose(taylor_attention(*one), series(2) @ one[2], rtol=1e-9)
work = {"elu + 1": flops(linear, q, k, v), "two terms": flops(taylor_attention, *one), "softmax": flops(soft, q, k, v)}
say("; ".join(f"{name}: {n:,} operations" for name, n in work.items()) + f". At {N} patches two terms save a factor "
    f"of {work['softmax'] / work['two terms']:.1f}, at four times as many patches four times that.")
assert work["elu + 1"] < work["two terms"] < work["softmax"]
easel({"with elu + 1": painted("linear"), "with two terms": taylor_attention(*one[:2], rgb[0, 0])[None, None],
       "with softmax": painted("softmax")})

# %% [markdown]
# ## 8 · What was not shown
#
# - **Nothing was trained.** Here $q = k$, raw descriptors. A network that is trained *with* a linear attention learns
#   queries and keys that suit it; the fog of this photograph is not the fog of a trained layer. The ceiling of section
#   6 holds for every network all the same.
# - **One head, one layer.** Each head has a ceiling of its own, and most layers add their input to their output, so a
#   patch need not attend to itself to be remembered. To look *elsewhere*, each at its own, is what stays dear.
# - **Operations are not seconds.** What is saved depends on the machine, and a fused softmax is hard to beat at 784
#   patches.
# - **Pointing is not everything.** Grouping, averaging over regions, colour statistics: much of what attention does in
#   images asks for few directions.
#
# Sources: *Efficient attention*, Shen et al., 2018, arXiv 1812.01243, whose first version calls it factorized
# attention; *Transformers are RNNs*, Katharopoulos et al., 2020, arXiv 2006.16236; *Non-local neural networks*, Wang
# et al., 2017, arXiv 1711.07971. What happens when the brackets become running sums is chapter 5.
#
# ## 9 · Tell a friend
#
# Close the notebook and say aloud: *how can it be cheap to attend to everything, and what is given away for it?* Then
# compare.
#
# <details><summary>One way to say it</summary>
#
# Attention makes a table of all pairs, only to multiply it with the values. If the weight of a pair is a plain product
# of a few features of the query and the same few of the key, one may begin at the other end: sum up, over all keys,
# feature times value. That is one small matrix, and every query reads the same one. Nothing is lost by that. What is
# lost, is lost before: softmax's exponential is no product of few features, so it has to go, and contrast goes with it.
# Making queries and keys louder does not bring it back, because in a kernel of such features what is louder everywhere
# cancels when the row is divided by its sum. And however good the features are, $M$ of them cannot let $N$ patches
# each look at a place of its own: on average a patch gets at most a share $M / N$ of its row there.
#
# </details>
#
# ## Quiz

# %%
quizzes.brackets
