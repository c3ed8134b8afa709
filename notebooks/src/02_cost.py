# %% [markdown] tags=["front"]
# title = "What it costs"
# lead = '''
# Attention compares every token with every other token, so its cost is said to grow with N squared. This chapter counts
# the cost for pictures and clips and shows how quickly it grows. It then shows that in the best-known picture network
# the square hardly matters. Both statements are true, under different conditions. Knowing these conditions saves a lot
# of work.
# '''
# questions = [
#     "How does the cost of attention grow with the sides of a picture and the length of a clip?",
#     "When are the pairs most of the work of a layer, and when are they a small part of it?",
#     "What do sub-sampling, streaming and a moved bracket save, and what do they not save?",
# ]
# prerequisites = ["Chapter 1: queries, keys, values, the map, heads."]
# minutes = {reading = 38, exercises = 42, quiz = 5}
# key_points = [
#     "Pairs are tokens squared: the 4th power of a picture's side, the square of a clip's length, the 6th of both.",
#     "A layer's four linear maps cost 4 N C C multiplications, the pairs 2 N N C. They are equal at N = 2 C.",
#     "So the pairs are a ninth of the work in a common picture network, half in a short clip, and more in a long one.",
#     "Heads divide the multiplications among themselves, but every head has its own table.",
#     "The table need not be stored: in chunks, memory grows with N. The work stays quadratic.",
#     "Sub-sampling keys divides the number of pairs by a constant. It does not change the power.",
#     "Count operations, and compare times in one run. Times from two machines or two days cannot be compared.",
# ]
#
# [objectives]
# pairs = "say how the number of pairs grows with the sides of a picture and the length of a clip"
# share = "compute the share of the pairs in a layer's work"
# pool = "sub-sample keys and values, and say what this saves and what it does not save"
# memory = "compute attention without storing the table, and say what this does not save"
# judge = "judge a statement about cost by asking what was counted"

# %% [markdown]
# ## 1 · Every token compares with every token
#
# Here is a clip of eight frames: a cup and a cat's face cross in front of a photograph. Each frame is cut into 14 × 14
# patches, so there are 8 × 196 = 1568 tokens. In the first panel every patch may look at every patch of every frame. In
# the second panel a patch may look only at its own frame. Choose another frame under the view, and move the mouse.
#
# > **Predict before you run.** How many numbers does the map behind the first panel hold? How many does the second map
# > need?

# %%
import math

import torch

import linviz
from linviz import clips
from linviz.concentration import entropy
from linviz.cost import flops, cost_growth, tensor_bytes, median_seconds
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import ch02
from linviz.figures.growth import Axis, Trend, trend_lines
from linviz.models import AttentionLayer
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENINGS["crossing"]
grid = opening.grid  # 8 frames of 14 x 14 patches
clip = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(clip, grid, opening.temperature)  # (1, 1, N, D) each
N, D = q.shape[-2:]
soft, framed = (
    linviz.make(spec, heads=1, width=D, grid=grid)
    for spec in ("softmax", "softmax@space")
)
PatchView([Panel("every patch of every frame", soft.family, soft.map(q, k, v)),
           Panel("its own frame only", framed.family, framed.map(q, k, v))], clip, grid,
          query=grid.number(0, *opening.place))

# %%
frame = grid.Y * grid.X
say(f"All frames together: {N:,} × {N:,} = **{N * N:,}** weights. Frame by frame: "
    f"{grid.T} × {frame} × {frame} = **{grid.T * frame * frame:,}**, {grid.T} times "
    "fewer, but no patch sees another frame.")
assert N == 1568 and frame == 196 and N * N == grid.T * (grid.T * frame * frame)

# %% [markdown]
# [The same clip in the explorer](http://localhost:8501/?source=crossing&patches=14&frames=8&specs=softmax,relu_floor)
# (start it with `python3 start.py explore`). The view above never writes the first map down: it computes only the row
# of the patch under the mouse. A large part of this chapter asks when a whole map can be avoided, and how.
#
# ## 2 · Every side counts twice
#
# A picture of $Y \times X$ patches has $N = YX$ tokens. Each token is a query and a key, so there are $N^2$ pairs. If
# the picture becomes twice as high and twice as wide, it has four times as many tokens and sixteen times as many pairs.
# With the side $n$ of the picture,
#
# $$N = n^2, \qquad N^2 = n^4.$$
#
# A clip of $T$ frames has $T n^2$ tokens and $T^2 n^4$ pairs.
#
# > **Predict.** A clip becomes twice as long, twice as high and twice as wide. How many times as many pairs does it
# > have? Say a number, then run the cell.

# %%
sides = [7, 14, 28, 56]
powers = {
    "a row of n patches": [n**2 for n in sides],
    "a picture, n × n": [n**4 for n in sides],
    "a clip, n × n × n": [n**6 for n in sides],
}
looks = {
    "a row of n patches": "dot",
    "a picture, n × n": "dash",
    "a clip, n × n × n": "solid",
}
show(
    trend_lines(
        [
            Trend(name, "softmax", "softmax", sides, y, dash=looks[name])
            for name, y in powers.items()
        ],
        Axis("side n, in patches", True, {str(n): n for n in sides}),
        Axis(
            "pairs",
            True,
            {"1 thousand": 1e3, "1 million": 1e6, "1 thousand million": 1e9},
        ),
        title="Pairs grow with the second, fourth or sixth power of the side",
    )
)
doubled = cost_growth(
    soft.mechanism.cost, linviz.Grid(8, 14, 14), linviz.Grid(16, 28, 28)
)
say(f"All three doubled: **{doubled:.0f}** times. linviz computes this from the cost "
    f"`{soft.mechanism.cost}`.")
assert doubled == 64 == powers["a clip, n × n × n"][1] // powers["a clip, n × n × n"][0]

# %% [markdown]
# Any other size: move the sliders. `interact` is a function of ipywidgets. It makes a control for each argument, and
# calls the function below again whenever one of them moves.

# %%
import ipywidgets


@ipywidgets.interact(frames=(1, 32), side=[7, 14, 28, 56])
def count_pairs(frames=8, side=14):
    tokens = frames * side * side
    say(f"{frames} frames of {side} × {side} patches: {tokens:,} tokens, "
        f"**{tokens**2:,}** pairs.")

# %% [markdown] tags=["exercise"]
# number = "2.1"
# title = "How many times"
# difficulty = 1
# importance = 4
# minutes = 4
# objectives = ["pairs"]
# task = '''
# A clip becomes `t` times as long, `y` times as high and `x` times as wide. How many times as many pairs does it have?
# The three inputs are tensors with one number per clip. Return one number per clip.
# '''
# hints = [
# '''
# First count the tokens: how many times as many are there?
# ''',
# '''
# There are $t\,y\,x$ times as many tokens, and a pair consists of two tokens.
# ''',
# '''
# `(t * y * x)` to the power of two.
# ''',
# ]
# see = "The check says *right*. The next cell shows in a small table what a better camera costs."

# %% tags=["answer:2.1"]
from jaxtyping import Float
from torch import Tensor


def times_pairs(
    t: Float[Tensor, "clips"], y: Float[Tensor, "clips"], x: Float[Tensor, "clips"]
) -> Float[Tensor, "clips"]:
    """The growth of the pairs, from the growth of length, height and width."""
    # solution
    return (t * y * x) ** 2
    # end


checks.times_pairs(times_pairs)

# %% tags=["needs:2.1"]
changes = {
    "twice as long": (2.0, 1, 1),
    "twice as wide": (1, 1, 2.0),
    "twice the resolution": (1, 2.0, 2.0),
    "four times the resolution": (1, 4.0, 4.0),
    "all three doubled": (2.0, 2.0, 2.0),
}
times = times_pairs(*torch.tensor(list(changes.values())).double().mT)
say(
    table(
        ["the clip becomes", "pairs, times"],
        [[name, f"{y:.0f}"] for name, y in zip(changes, times.tolist())],
    )
)
assert times.tolist() == [4, 4, 16, 256, 64]

# %% [markdown]
# ## 3 · The table
#
# How much memory does the table take? One number in single precision has four bytes, and every head has its own table.
# Move the slider to change the side. The line at the bottom is the *bracket*, which chapter 4 will store instead of the
# table. It depends neither on the side nor on the length of the clip.

# %%
Live(
    ch02.clip_bytes_figure,
    ch02.SIDES,
    label="side of a frame, in patches",
    start=28,
    form=".0f",
)

# %% [markdown]
# ## 4 · The other work of a layer
#
# Does this mean that attention is always slow? No, because a layer does other work as well. Before the attention, three
# linear maps compute $q$, $k$ and $v$ from each token's $C$ channels. After the attention, a fourth linear map mixes
# the heads. Each of the four multiplies a token with a $C \times C$ matrix. Count multiplications:
#
# $$\underbrace{4\,N C^2}_{\text{four linear maps}} \qquad + \qquad \underbrace{N^2 C}_{q \cdot k} + \underbrace{N^2
# C}_{A\,v}.$$
#
# (The number of heads does not appear: $H$ heads of $D$ channels need $H N^2 D = N^2 C$.) torch can count operations
# while a layer runs. It counts a multiplication and its addition as two operations.

# %%
def counted(n: int, channels: int, heads: int) -> int:
    layer = AttentionLayer("softmax", heads, channels, linviz.Grid(X=n))
    return flops(layer, torch.zeros(1, n, channels))


for n, channels, heads in ((196, 768, 12), (784, 96, 3), (49, 64, 1), (49, 64, 8)):
    assert counted(n, channels, heads) == 2 * (
        4 * n * channels**2 + 2 * n**2 * channels
    )
say(f"196 tokens of 768 channels in 12 heads: {counted(196, 768, 12):,}, exactly as in "
    "the formula.")

# %% [markdown]
# This size was chosen on purpose: it is a layer of ViT-Base, the best-known picture network, with its 14 × 14 patches.
#
# > **Predict.** Which share of the multiplications of this layer belongs to the pairs, $2 N^2 C$ of the total: nine
# > tenths, one half, a third, or a tenth?

# %%
tokens = [49, 196, 784, 3136, 12544]


def share_counted(n: int, channels: int) -> float:
    return 4 * n * n * channels / counted(n, channels, 1)


shares = {
    channels: [share_counted(n, channels) for n in tokens[:4]] for channels in (96, 384)
}
shares[768] = [share_counted(n, 768) for n in tokens[:3]]
show(trend_lines([Trend(f"C = {c}", "softmax", "softmax", tokens[:len(y)], y, dash=dash)
                  for (c, y), dash in zip(shares.items(), ("solid", "dash", "dot"))],
                 Axis("tokens N", True, {f"{n:,}": n for n in tokens[:4]}),
                 Axis("share of the pairs in the layer (of 1)"),
                 levels={"one half": 0.5},
                 title="Many narrow tokens: pairs dominate. Few wide tokens: linear "
                       "maps dominate"))
vit = shares[768][1]
whole = 2 * 196 / (2 * 196 + 4 * 768 + 8 * 768)  # and the two wide layers: 8 N C^2 more
say(f"In the layer of ViT-Base the pairs are **{100 * vit:.0f} %**. The two wide "
    "layers after the attention do another $8 N C^2$. If they are counted as well, "
    f"the pairs are **{100 * whole:.0f} %** of the block.")
assert 0.11 < vit < 0.12 and 0.04 < whole < 0.05

# %% [markdown]
# The answer is about a tenth. Even if all pairs cost nothing, nine tenths of the work would be left. Making *this*
# network's attention linear saves almost no multiplications. But the share depends on the sizes, not on attention
# itself. Divide both terms by $2 N C$: the pairs give $N$, the linear maps $2C$. The pairs are the larger part only
# when
#
# $$N > 2\,C.$$
#
# The first stage of many picture networks has many tokens and few channels. A clip has eight or sixteen times as many
# tokens as a picture. In these cases the pairs are half of the work or more; the exercise counts some of them.

# %% [markdown] tags=["exercise"]
# number = "2.2"
# title = "The share of the pairs"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["share"]
# task = '''
# `N` and `C` hold the numbers of tokens and channels, with one number per layer. Return the share of the pairs in each
# layer's multiplications, a number between 0 and 1. The pairs are the scores and the mixing of values. The total is the
# pairs and the four linear maps.
# '''
# hints = [
# '''
# Compute two numbers per layer, for the pairs and for the linear maps. Which number must be divided by which?
# ''',
# '''
# The share is $\frac{2 N^2 C}{2 N^2 C + 4 N C^2}$, and many factors cancel.
# ''',
# '''
# `N / (N + 2 * C)`.
# ''',
# ]
# see = "The check says *right*: the share is one half at N = 2 C. The next cell shows four layers of common sizes."

# %% tags=["answer:2.2"]
def core_share(
    N: Float[Tensor, "layers"], C: Float[Tensor, "layers"]
) -> Float[Tensor, "layers"]:
    """Multiplications of the pairs over those of pairs and linear maps."""
    # solution
    pairs, maps = 2 * N * N * C, 4 * N * C * C
    return pairs / (pairs + maps)
    # end


checks.core_share(core_share)

# %% tags=["needs:2.2"]
layers = {
    "a picture, 14 × 14 patches, 768 channels": (196, 768),
    "a picture, 56 × 56, 96 channels": (3136, 96),
    "a clip, 8 × 14 × 14, 768 channels": (1568, 768),
    "a clip, 16 × 28 × 28, 768 channels": (12544, 768),
}
yours = core_share(*torch.tensor(list(layers.values())).double().mT)
say(
    table(
        ["layer", "pairs"],
        [[name, f"{100 * y:.0f} %"] for name, y in zip(layers, yours.tolist())],
    )
)
assert (
    abs(yours[0] - vit) < 1e-9
    and yours[0] < 0.2 < 0.5 < yours[2] < 0.52 < 0.85 < min(yours[1], yours[3])
)

# %% [markdown]
# ## 5 · Fewer keys
#
# The **non-local block** (Wang and others, 2017) was the first attention over whole clips in a convolutional network.
# It is softmax attention without the root of $D$. Because clips are large, it saves work by sub-sampling: of each 2 × 2
# square of a frame, only the largest key and the largest value are kept, channel by channel. All queries stay, and a
# quarter of the keys is left.
#
# > **Predict.** With sub-sampling, by which factor do the multiplications grow when the picture's side doubles? Without
# > sub-sampling the factor was 16.

# %%
def non_local(side: int, pool: int) -> int:
    here = linviz.Grid(1, side, side)
    x = torch.zeros(1, 1, side * side, 16)
    return flops(
        linviz.make("nonlocal", heads=1, width=16, grid=here, pool=pool), x, x, x
    )


KEPT = {1: "all", 2: "one in 4", 4: "one in 16"}
work = {pool: [non_local(side, pool) for side in (12, 24)] for pool in (1, 2, 4)}
say(
    table(
        ["keys kept", "12 × 12 patches", "24 × 24 patches", "times"],
        [
            [KEPT[pool], f"{y[0]:,}", f"{y[1]:,}", f"{y[1] / y[0]:.0f}"]
            for pool, y in work.items()
        ],
    )
)
assert (
    all(y[1] == 16 * y[0] for y in work.values())
    and work[1][0] == 4 * work[2][0] == 16 * work[4][0]
)

# %% [markdown]
# The factor is still 16. Sub-sampling divides the cost by a *constant*; it does not change the *power*. Sub-sampling
# saves a factor of 4, and doubling the camera's resolution costs a factor of 16. How does sub-sampling change the map?
# Here it is on a picture of a cup of coffee, with the usual root of D:

# %%
still = linviz.Grid(1, 28, 28)
cup = clips.fit(clips.load("coffee"), still)
x = clips.descriptors(cup, still, temperature=1.5)
blocks = {
    pool: linviz.make("nonlocal", heads=1, width=16, grid=still, pool=pool, scale=0.25)
    for pool in (1, 2, 4)
}
seen = {pool: block.map(*x) if pool == 1 else block.map(*x).shared
        for pool, block in blocks.items()}
PatchView(
    [Panel(f"keys kept: {KEPT[pool]}", "softmax", a) for pool, a in seen.items()],
    cup,
    still,
    query=still.number(0, 6, 20),
)

# %%
outputs = {pool: block(*x) for pool, block in blocks.items()}
off = {
    pool: ((o - outputs[1]).norm() / outputs[1].norm()).item()
    for pool, o in outputs.items()
}
drawn = {pool: a.dense()[0, 0] for pool, a in seen.items()}  # spread over all patches
moved = {pool: (a - drawn[1]).abs().sum(-1).mean() / 2 for pool, a in drawn.items()}
kept = {pool: block.map(*x) for pool, block in blocks.items()}
kept |= {pool: kept[pool].inner for pool in (2, 4)}          # one weight per kept key
bits = {pool: entropy(a.dense()).mean().item() for pool, a in kept.items()}
say(table(["keys kept", "entropy over the kept keys, bits", "weight moved, of each row",
           "output differs by"],
          [[KEPT[pool], f"{bits[pool]:.2f} of {math.log2(a.shape[1]):.2f}",
            f"{100 * moved[pool]:.0f} %", f"{100 * off[pool]:.0f} %"]
           for pool, a in kept.items()]))
assert off[1] == 0 and 0.2 < off[2] < off[4] and 0.2 < moved[2] < moved[4] < 0.4
below = [math.log2(kept[pool].shape[1]) - y for pool, y in bits.items()]
assert max(below) - min(below) < 0.15 and min(below) > 1

# %% [markdown]
# The maps look similar, only coarser. (The view draws the weight of a kept key evenly over its square.) The entropy
# falls by two bits with every step, because only a quarter of the keys is left, and it stays equally far below its
# maximum. The outputs are *not* similar: the largest of four values is not their mean. Our plain descriptions have
# values on both sides of zero, so taking the largest adds a bias for every query. A network that is trained with
# sub-sampling learns to use it. If sub-sampling is added after training, the outputs change.

# %% [markdown] tags=["exercise"]
# number = "2.3"
# title = "A quarter of the keys"
# difficulty = 3
# importance = 3
# minutes = 12
# objectives = ["pool"]
# methods = ["nonlocal"]
# task = '''
# Write the sub-sampled non-local block for one frame. Queries `q` are $N \times D$. Keys `k` ($Y \times X \times D$)
# and values `v` ($Y \times X \times E$) are arranged like the picture; $Y$ and $X$ are even. For keys and for values,
# take the largest number of every 2 × 2 square, channel by channel. Then apply softmax attention **without** the root
# of $D$. The result is $N \times E$.
# '''
# hints = [
# '''
# Divide $Y$ into $Y/2$ pairs and $X$ into $X/2$ pairs. Which axes does the maximum then remove?
# ''',
# '''
# $(Y, X, C) \to (Y/2, 2, X/2, 2, C) \to (Y/2, X/2, C) \to (S, C)$, with the maximum over both axes of length 2.
# ''',
# '''
# `x.unflatten(1, (-1, 2)).unflatten(0, (-1, 2)).amax((1, 3)).flatten(0, 1)` for `k` and for `v`.
# ''',
# ]
# see = "The check says *right*. The next cell compares your result with linviz's on the picture of the coffee."

# %% tags=["answer:2.3"]
def subsampled(
    q: Float[Tensor, "N D"], k: Float[Tensor, "Y X D"], v: Float[Tensor, "Y X E"]
) -> Float[Tensor, "N E"]:
    """Softmax attention over the largest of each 2 x 2 square, without 1/sqrt(D)."""
    # solution
    # (Y X / 4, .)
    k, v = (
        x.unflatten(1, (-1, 2)).unflatten(0, (-1, 2)).amax((1, 3)).flatten(0, 1)
        for x in (k, v)
    )
    return (q @ k.mT).softmax(-1) @ v
    # end


checks.subsampled(subsampled)

# %% tags=["needs:2.3", "derives:nonlocal"]
plain = linviz.make("nonlocal", heads=1, width=16, grid=still, pool=2)
picture = [y[0, 0].unflatten(0, (still.Y, still.X)) for y in x[1:]]
difference = (subsampled(x[0][0, 0], *picture) - plain(*x)[0, 0]).abs().max()
say(f"The largest difference between yours and linviz's, on {len(still)} patches, is "
    f"**{difference:.0e}**.")
assert difference < 1e-3

# %% [markdown]
# ## 6 · The table need not be stored
#
# The rows need not all exist at the same time. linviz's softmax map stores $q$ and $k$ and computes a row only when it
# is requested. torch's fused attention works in small tiles.
#
# > **Predict.** For our clip of 1568 tokens: how many bytes does linviz's softmax map hold, and how many does the same
# > map need as a table?

# %%
here = soft.map(q, k, v)
kept, written = tensor_bytes(here), tensor_bytes(here.dense())
say(f"Stored: **{kept:,}** bytes ($q$ and $k$). As a table: **{written:,}**, "
    f"{written / kept:.0f} times as many. And at 16 × 28 × 28 tokens the table of one "
    f"head would have {ch02.table_bytes(16 * 784) / 1e9:.2f} GB.")
assert written == ch02.table_bytes(N) and kept == 2 * 4 * N * D

# %% [markdown]
# But a softmax needs the *sum* of a row before its first weight is known. How can it start with part of a row? Go
# through the keys in chunks and keep three things for every query: the largest score so far $m$, the sum of
# $e^{s - m}$, and the sum of $e^{s - m} v$, where $s$ are the scores. When a chunk has a larger $m$, both sums so far
# are too large by a known factor, $e^{m_\text{new} - m_\text{old}}$. Divide both sums by this factor and continue. At
# the end divide one sum by the other.

# %% [markdown] tags=["exercise"]
# number = "2.4"
# title = "Attention without a table"
# difficulty = 5
# importance = 4
# minutes = 18
# objectives = ["memory"]
# task = '''
# Write softmax attention (with $1/\sqrt D$) for `q` ($N \times D$), `k` ($S \times D$) and `v` ($S \times E$). Process
# `size` keys at a time; the last chunk may be shorter. Make no tensor of $N \times S$ numbers. Scores of a thousand
# must cause no overflow.
# '''
# hints = [
# '''
# A loop over chunks, `k.split(size)`. What must you keep about each row after two chunks, to process the third?
# ''',
# '''
# $m' = \max(m, \max_j s_j)$; both sums become $e^{m - m'} \cdot \text{old} + \sum_j e^{s_j - m'} (\dots)$. Start with
# $m = -\infty$ and with sums of zero.
# ''',
# '''
# In the loop: `new = torch.maximum(m, s.amax(-1, keepdim=True))`, `p = (s - new).exp()`, `old = (m - new).exp()`; then
# `top = top * old + p @ b` and `bottom = bottom * old + p.sum(-1, keepdim=True)`.
# ''',
# ]
# see = "The check says *right*. Then your function processes the whole clip, a few hundred keys at a time."

# %% tags=["answer:2.4"]
def streamed(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"],
             size: int) -> Float[Tensor, "N E"]:
    """Softmax attention in chunks of keys, with a running maximum and two sums."""
    # solution
    m = q.new_full((len(q), 1), -torch.inf)  # the largest score so far
    top, bottom = q.new_zeros(len(q), v.shape[1]), q.new_zeros(len(q), 1)
    for a, b in zip(k.split(size), v.split(size), strict=True):
        s = q @ a.mT / q.shape[1] ** 0.5  # (N, size)
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        p, old = (s - new).exp(), (m - new).exp()
        top, bottom, m = top * old + p @ b, bottom * old + p.sum(-1, keepdim=True), new
    return top / bottom
    # end


checks.streamed(streamed)

# %% tags=["needs:2.4"]
given = q[0, 0], k[0, 0], v[0, 0]
difference = (streamed(*given, 196) - soft(q, k, v)[0, 0]).abs().max()
counts = [
    flops(lambda *y, size=size: streamed(*y, size), *given) for size in (98, 196, N)
]
say(f"Largest difference from linviz: {difference:.0e}. Operations in chunks of 98, in "
    "chunks of 196, and all at once: "
    + ", ".join(f"{y:,}" for y in counts) + ".")
assert difference < 1e-3 and len(set(counts)) == 1

# %% [markdown]
# The count is the same in all three cases. **Streaming saves memory, not work:** every pair is still computed once.
# With streaming, the memory of attention grows with $N$; only the time still grows with $N^2$.
#
# ## 7 · Measured time
#
# Counts are exact, but users notice seconds. Seconds depend on the machine, on its other work, and on torch's version.
# Two methods can be compared only *in one run*, and even then only roughly. So we measure on the same machine, in the
# same minute, and report only ratios.
#
# > **Predict.** With twice as many tokens, how many times as long does softmax take? And linear attention (chapter 4)?

# %%
def timed(spec: str, n: int) -> float:
    y = torch.randn(1, 1, n, 32, generator=torch.Generator().manual_seed(0))
    return median_seconds(
        linviz.make(spec, heads=1, width=32, grid=linviz.Grid(X=n)), y, y, y, repeat=1
    )


# the least of nine rounds: other work on the machine only adds to a time
lengths, specs = [1024, 2048, 4096], ("softmax", "relu_floor")
rounds = [[[timed(spec, n) for n in lengths] for spec in specs] for _ in range(9)]
clock = dict(zip(specs, torch.tensor(rounds).amin(0).tolist()))
per = {
    spec: [y / clock["relu_floor"][0] for y in times] for spec, times in clock.items()
}
show(
    trend_lines(
        [
            Trend("softmax", "softmax", "softmax", lengths, per["softmax"]),
            Trend(
                "linear, with a floor",
                "relu_floor",
                "kernel",
                lengths,
                per["relu_floor"],
            ),
        ],
        Axis("tokens N", True, {f"{n:,}": n for n in lengths}),
        Axis(
            "time, in units of the shortest linear run",
            True,
            {str(n): n for n in (1, 10, 100, 1000)},
        ),
        title="In this run, the steeper line is the quadratic one",
    )
)
grown = {spec: times[-1] / times[0] for spec, times in clock.items()}
say(f"With four times as many tokens, softmax took {grown['softmax']:.0f} times as "
    f"long and linear attention {grown['relu_floor']:.1f} times, **in this run, on "
    "this machine**. The counts predict 16 and 4.")
assert grown["softmax"] > grown["relu_floor"]

# %% [markdown]
# Run the cell again: all numbers change, but the same line stays steeper. Measured times never give exactly 16 and 4.
# For small sizes the fixed cost of each call dominates, for large sizes the speed of memory. On a busy machine other
# programs matter, too.
#
# [The page Cost of the explorer](http://localhost:8501/atlas?view=cost) measures up to four mechanisms on your machine,
# from 49 to 3136 patches, and says from which size one of them is faster. `linviz.measured_cost` is what it runs.
#
# ## 8 · A first look at the bracket
#
# Why is the line of linear attention flatter? Without the softmax the output would be $(Q K^\top) V$. In a product of
# three matrices, you may choose which two to multiply first.
#
# $$\underbrace{(Q\,K^\top)}_{N \times N}\,V \;=\; Q\,\underbrace{(K^\top V)}_{D \times D} \qquad\qquad 2 N^2 D
# \;\text{ against }\; 2 N D^2.$$
#
# > **Predict.** Our clip has 18 channels. For which $N$ is the second way cheaper?

# %%
def both_ways(n: int) -> tuple[int, int]:
    y = torch.zeros(n, D)
    return flops(lambda a, b, c: (a @ b.mT) @ c, y, y, y), flops(
        lambda a, b, c: a @ (b.mT @ c), y, y, y
    )


say(
    table(
        ["tokens", "table first", "bracket first"],
        [[f"{n:,}", *(f"{y:,}" for y in both_ways(n))] for n in (8, D, 196, 1568)],
    )
)
assert (
    both_ways(D)[0] == both_ways(D)[1]
    and both_ways(D + 1)[0] > both_ways(D + 1)[1]
    and D == 18
)

# %%
import plotly.graph_objects as go

sizes = [4, 8, D, 49, 196, 784, 1568]
ways = list(zip(*map(both_ways, sizes)))
lines = go.Figure([
    go.Scatter(x=sizes, y=ways[0], name="table first", mode="lines+markers"),
    go.Scatter(x=sizes, y=ways[1], name="bracket first", mode="lines+markers",
               line_dash="dash", marker_symbol="square")])
lines.update_layout(
    template="linviz", height=360, margin_t=84, title_y=0.97,
    title="The two ways cross at N = D",
    xaxis={"type": "log", "title": "tokens N", "tickvals": sizes},
    yaxis={"type": "log", "title": "operations", "dtick": 1},
    meta={"alt": "Operations of both ways over the number of tokens. The lines cross "
          f"at {D} tokens; at 1568 the table needs {ways[0][-1] / ways[1][-1]:.0f} "
          "times as many."})
show(lines)

# %% [markdown]
# The second way is cheaper when $N > D$, that is, with more tokens than channels (18 for this clip). For pictures this
# is nearly always the case. The bracket is a $D \times D$ matrix for every clip: twice as many frames need twice the
# work, but not one more byte of memory.
#
# Still, most networks use softmax. An exponential stands between $Q K^\top$ and $V$, and chapter 1 has shown its
# effect: it creates the rank. The rest of this course shows what is lost when the bracket is moved, and what can be
# recovered.
#
# ### Other ways to save
#
# A network can be made cheaper without another attention. Four ways are common, and each of them touches another part
# of the count:
#
# - **Quantisation** stores numbers in fewer bits. Each number is cheaper to store and to move. The *count* stays.
# - **Distillation** trains a smaller network to imitate a large one: fewer layers, or fewer channels $C$.
# - **Pruning** sets weights to zero that matter little. Only the linear maps have weights; the pairs have none.
# - **Conditional computation** lets each input use only a part of the network: some layers, some weights, or some
#   tokens. Only where it leaves out *tokens*, $N$ becomes smaller.
#
# Here is one block with its two wide layers, $12 N C^2 + 2 N^2 C$, for our clip's 1,568 tokens of 384 channels. Each
# saving is taken as one half, apart from quantisation, which goes from 32 to 8 bits:

# %%
def block_work(n: float, c: float, weights: float = 1.0) -> tuple[float, float]:
    """Multiplications of linear maps and of pairs; `weights`: the share kept."""
    return 12 * n * c**2 * weights, 2 * n**2 * c


ways = {"as it is": (block_work(N, 384), 32), "quantised": (block_work(N, 384), 8),
        "half the channels": (block_work(N, 192), 32),
        "half the weights": (block_work(N, 384, 0.5), 32),
        "half the tokens": (block_work(N / 2, 384), 32)}
linear_0, pairs_0 = ways["as it is"][0]
say(table(["", "linear maps", "pairs", "pairs, of the work", "bits a number"],
          [[name, f"{a / linear_0:.2f}", f"{b / pairs_0:.2f}",
            f"{100 * b / (a + b):.0f} %", f"{bits}"]
           for name, ((a, b), bits) in ways.items()]))
assert ways["half the weights"][0][1] == pairs_0 == 4 * ways["half the tokens"][0][1]
assert ways["half the channels"][0] == (linear_0 / 4, pairs_0 / 2)

# %% [markdown]
# Only leaving out tokens divides the pairs by four. None of the four ways changes the *power*: twice as many tokens
# still have four times as many pairs. So these savings and a cheaper attention do not replace each other. A network may
# use all of them.
#
# What is a cheaper attention good for? The paper on efficient attention (2018) names three uses. The same network needs
# less memory and time. A larger network, with attention in more layers, fits into the same memory and time. And
# attention becomes possible where it was too expensive before: for every pixel of a stereo pair, or for a long clip.
#
# ### The best shot of a clip
#
# If only some frames can be kept, which ones? A phone that shows the *best shot* of a clip faces this question. One
# might ask attention: keep the frame that receives the most. A column sum says how much a patch receives. Sum the
# columns of each frame:
#
# > **Predict.** The eight frames of our clip hardly differ. How much more than an eighth will the best frame receive:
# > a tenth more, half more, or twice as much? And what if the keys of one other frame become a fifth longer?

# %%
def received(keys) -> torch.Tensor:
    """The share of all attention that each frame receives."""
    columns = soft.map(q, keys, v).column_sums()[0, 0]
    return columns.unflatten(0, (grid.T, -1)).sum(-1) / N


shares, longer, best_with = received(k), torch.ones(grid.T, 1, 1), []
for t in range(grid.T):
    longer = torch.ones(grid.T, 1, 1)
    longer[t] = 1.2
    keys = (k.unflatten(-2, (grid.T, -1)) * longer).flatten(-3, -2)
    best_with.append(received(keys))
say(table(["frame", "receives", "with its keys 1.2 times as long"],
          [[f"{t + 1}", f"{100 * shares[t]:.1f} %", f"{100 * best_with[t][t]:.1f} %"]
           for t in range(grid.T)]))
say(f"Frame **{shares.argmax() + 1}** receives the most, {100 * shares.max():.1f} %. "
    "With its keys a fifth longer, *every* frame is the best in its turn.")
assert 0.13 < shares.max() < 0.14
assert all(a.argmax() == t for t, a in enumerate(best_with))

# %% [markdown]
# The best frame receives a tenth more than its fair share, and a small change of its keys decides. So what does
# "receives the most attention" mean? It means that its keys fit the queries of this clip, and that they are *long*
# (chapter 1, section 3). It does **not** mean that the frame is sharp, that eyes are open, or that anybody would like
# it. For that a network must be trained on people's choices. Then its attention may follow what the training rewards.
# Whether it does must be tested against choices that the network has not seen, and against a simple rule such as *keep
# the sharpest frame*.
#
# ## 9 · What was not shown
#
# - **Multiplications are not everything.** Exponentials, norms and moving data are not in the count. On graphics
#   processors, moving data often takes most of the time.
# - **Training** stores numbers for the backward pass and needs about three times the work.
# - **Fast kernels.** Streaming (Rabe and Staats, 2021, arXiv 2112.05682; Dao and others, 2022, arXiv 2205.14135) is how
#   exact softmax is computed today. A linear method must be compared with this, not with a stored table.
# - **Nothing about quality.** A cheap map that looks at the wrong patches is of no use.
# - **Fewer pairs.** Attention may also be restricted to some pairs: first along time, then within each frame. [What
#   each such scheme can see, and its cost](http://localhost:8501/who_sees_whom?left=joint&right=divided), layer by
#   layer; chapter 14 comes back to it.
#
# Non-local blocks: *Non-local Neural Networks*, 2017, arXiv 1711.07971.
#
# ## Quiz

# %%
quizzes.cost
