# %% [markdown] tags=["front"]
# title = "What it costs"
# lead = '''
# Attention asks everybody about everybody, and everybody knows what that costs: N squared. This chapter counts it for
# pictures and clips, finds out how quickly it gets out of hand, and then finds that in the best-known picture network
# of all the famous square is hardly to be seen. Both are true. Knowing when which is true saves a lot of work.
# '''
# questions = [
#     "How does the cost of attention grow with the sides of a picture and the length of a clip?",
#     "When are the pairs most of the work of a layer, and when almost nothing of it?",
#     "What do sub-sampling, streaming and a moved bracket each save, and what not?",
# ]
# prerequisites = ["Chapter 1: queries, keys, values, the map, heads."]
# minutes = {reading = 35, exercises = 42, quiz = 5}
# key_points = [
#     "Pairs are tokens squared: a picture's side to the fourth; a clip's length squared; all three: the sixth.",
#     "A layer's four linear maps cost 4 N C C multiplications, the pairs 2 N N C. They are equal at N = 2 C.",
#     "So pairs are a ninth of the attention in a common picture network, and nearly everything in a clip.",
#     "Heads share the multiplications out, but every head has a table of its own.",
#     "The table need not be kept: in chunks, memory grows with N. The work stays quadratic.",
#     "Sub-sampling keys divides the pairs by a number. It does not change the power.",
#     "Count, and compare in one run. Seconds from two machines, or two days, say nothing.",
# ]
#
# [objectives]
# pairs = "say how the pairs grow with the sides of a picture and the length of a clip"
# share = "compute which share of a layer's work the pairs are"
# pool = "sub-sample keys and values, and say what that buys and what it does not"
# memory = "attend without keeping the table, and say what that does not save"
# judge = "judge a statement about cost by what was counted"

# %% [markdown]
# ## 1 · Everybody asks everybody
#
# A clip of eight frames: a cup and a cat's face cross before a photograph. Each frame is cut into 14 × 14 patches, so
# there are 8 × 196 = 1568 tokens. In the first panel every patch may look at every patch of every frame; in the second
# only at its own frame. Choose another frame under the view; move the mouse.
#
# > **Predict before you run.** How many numbers does the map behind the first panel hold? And how many does the second
# > one need?

# %%
import torch

import linviz
from linviz import clips
from linviz.concentration import entropy
from linviz.cost import flops, growth, held, seconds
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import ch02
from linviz.figures.growth import Axis, Trend, trends
from linviz.models import AttentionLayer
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENINGS["crossing"]
grid = opening.grid                                                   # 8 frames of 14 x 14 patches
clip = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(clip, grid, opening.temperature)          # (1, 1, N, D) each
N, D = q.shape[-2:]
soft, framed = (linviz.make(spec, heads=1, width=D, grid=grid) for spec in ("softmax", "softmax@space"))
PatchView([Panel("every patch of every frame", soft.family, soft.map(q, k, v)),
           Panel("its own frame only", framed.family, framed.map(q, k, v))], clip, grid,
          query=grid.number(0, *opening.place))

# %%
frame = grid.Y * grid.X
say(f"All together: {N:,} × {N:,} = **{N * N:,}** weights. Frame by frame: {grid.T} × {frame} × {frame} = "
    f"**{grid.T * frame * frame:,}**, {grid.T} times fewer, and nobody sees another moment.")
assert N == 1568 and frame == 196 and N * N == grid.T * (grid.T * frame * frame)

# %% [markdown]
# [The same clip in the explorer](http://localhost:8501/?clip=crossing&patches=14&frames=8&maps=softmax,relu_floor)
# (start it with `python3 start.py explore`). The view above never writes the first map down: it computes the
# one row under your hand. When one can get away with that, and with what, is a good part of this chapter.
#
# ## 2 · Two powers for every direction
#
# A picture of $Y \times X$ patches has $N = YX$ tokens. Each is a query and each is a key: $N^2$ pairs. Make the
# picture twice as high and twice as wide, and there are four times as many tokens, sixteen times as many pairs. With
# the side $n$ of the picture,
#
# $$N = n^2, \qquad N^2 = n^4.$$
#
# A clip of $T$ frames has $T n^2$ tokens and $T^2 n^4$ pairs.
#
# > **Predict.** Twice as long, twice as high, twice as wide: how many times as many pairs? Say a number, then run.

# %%
sides = [7, 14, 28, 56]
powers = {"a row of n patches": [n ** 2 for n in sides], "a picture, n × n": [n ** 4 for n in sides],
          "a clip, n × n × n": [n ** 6 for n in sides]}
looks = {"a row of n patches": "dot", "a picture, n × n": "dash", "a clip, n × n × n": "solid"}
show(trends([Trend(name, "softmax", "softmax", sides, y, dash=looks[name]) for name, y in powers.items()],
            Axis("side n, in patches", True, {str(n): n for n in sides}),
            Axis("pairs", True, {"1 thousand": 1e3, "1 million": 1e6, "1 thousand million": 1e9}),
            title="The second, the fourth, the sixth power of one side"))
doubled = growth(soft.mechanism.cost, linviz.Grid(8, 14, 14), linviz.Grid(16, 28, 28))
say(f"All three doubled: **{doubled:.0f}** times. So says linviz of the cost `{soft.mechanism.cost}`.")
assert doubled == 64 == powers["a clip, n × n × n"][1] // powers["a clip, n × n × n"][0]

# %% [markdown] tags=["exercise"]
# number = "2.1"
# title = "How many times"
# difficulty = 1
# importance = 4
# minutes = 4
# objectives = ["pairs"]
# task = '''
# A clip becomes `t` times as long, `y` times as high and `x` times as wide. How many times as many pairs are there? The
# three are tensors of $n$ numbers, one for each of $n$ clips; return $n$ numbers.
# '''
# hints = [
# '''
# First the tokens: how many times as many are there?
# ''',
# '''
# $t\,y\,x$ times the tokens; and a pair is two tokens.
# ''',
# '''
# `(t * y * x)` to the power of two.
# ''',
# ]
# see = "*Right*, and a small table of what a better camera does to you."

# %% tags=["answer:2.1"]
from jaxtyping import Float
from torch import Tensor


def times_pairs(t: Float[Tensor, "n"], y: Float[Tensor, "n"], x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """How many times the pairs grow with the factors of length, height and width."""
    # solution
    return (t * y * x) ** 2
    # end


checks.times_pairs(times_pairs)

# %% tags=["needs:2.1"]
changes = {"twice as long": (2.0, 1, 1), "twice as wide": (1, 1, 2.0), "twice the resolution": (1, 2.0, 2.0),
           "four times the resolution": (1, 4.0, 4.0), "all three doubled": (2.0, 2.0, 2.0)}
times = times_pairs(*torch.tensor(list(changes.values())).double().mT)
say(table(["the clip becomes", "pairs, times"], [[name, f"{y:.0f}"] for name, y in zip(changes, times.tolist())]))
assert times.tolist() == [4, 4, 16, 256, 64]

# %% [markdown]
# ## 3 · The table
#
# How large is that in memory? One number in single precision has four bytes, and every head has a table of its own.
# Take the side into your hand. The line at the bottom is the *bracket*, what chapter 4 will keep instead; look how
# much it minds.

# %%
Live(ch02.clip_at, ch02.SIDES, label="side of a frame, in patches", start=28, form=".0f")

# %% [markdown]
# ## 4 · Where the rest hides
#
# So attention is quadratic and therefore slow? Not so fast. Attention does not come alone. Before it, three linear maps
# make $q$, $k$ and $v$ of each token's $C$ channels; after it, a fourth mixes the heads. Each multiplies a token with a
# $C \times C$ matrix. Count multiplications:
#
# $$\underbrace{4\,N C^2}_{\text{four linear maps}} \qquad + \qquad \underbrace{N^2 C}_{q \cdot k} + \underbrace{N^2
# C}_{A\,v}.$$
#
# (The number of heads does not appear: $H$ heads of $D$ channels need $H N^2 D = N^2 C$.) torch can count while a layer
# runs; it counts a multiplication and its addition as two.

# %%
def counted(n: int, channels: int, heads: int) -> int:
    layer = AttentionLayer("softmax", heads, channels, linviz.Grid(X=n))
    return flops(layer, torch.zeros(1, n, channels))


for n, channels, heads in ((196, 768, 12), (784, 96, 3), (49, 64, 1), (49, 64, 8)):
    assert counted(n, channels, heads) == 2 * (4 * n * channels ** 2 + 2 * n ** 2 * channels)
say(f"196 tokens of 768 channels in 12 heads: {counted(196, 768, 12):,}, exactly what the formula says.")

# %% [markdown]
# That was no random size: it is a layer of ViT-Base, the picture network everybody knows, with its 14 × 14 patches.
#
# > **Predict.** Which share of the multiplications of that layer are the famous pairs, $2 N^2 C$ of the whole: nine
# > tenths, one half, a third, or a tenth?

# %%
tokens = [49, 196, 784, 3136, 12544]


def share_counted(n: int, channels: int) -> float:
    return 4 * n * n * channels / counted(n, channels, 1)


shares = {channels: [share_counted(n, channels) for n in tokens[:4]] for channels in (96, 384)}
shares[768] = [share_counted(n, 768) for n in tokens[:3]]
show(trends([Trend(f"C = {c}", "softmax", "softmax", tokens[:len(y)], y, dash=dash)
             for (c, y), dash in zip(shares.items(), ("solid", "dash", "dot"))],
            Axis("tokens N", True, {f"{n:,}": n for n in tokens[:4]}),
            Axis("the pairs' share of the layer (of 1)"), levels={"one half": 0.5},
            title="Narrow and many: the pairs. Wide and few: the linear maps"))
vit = shares[768][1]
whole = 2 * 196 / (2 * 196 + 4 * 768 + 8 * 768)                       # with the two layers behind: 8 N C^2 more
say(f"In the layer of ViT-Base the pairs are **{100 * vit:.0f} %**. Count the two wide layers behind the attention as "
    f"well, which do another $8 N C^2$, and it is **{100 * whole:.0f} %** of the block.")
assert 0.11 < vit < 0.12 and 0.04 < whole < 0.05

# %% [markdown]
# A tenth. If all the pairs were free, nine tenths of the work would be left. Whoever makes *this* network's attention
# linear gains next to nothing in multiplications. But the share is not a property of attention, it is a property of
# sizes. Divide by $2 N C$ and see: the pairs are $N$ against $2C$, and they win only when
#
# $$N > 2\,C.$$
#
# A picture network's first stage has many tokens and few channels; a clip has eight or sixteen times the tokens of a
# picture. There the square is everything.

# %% [markdown] tags=["exercise"]
# number = "2.2"
# title = "The share of the pairs"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["share"]
# task = '''
# For layers with `N` tokens and `C` channels (tensors of $n$ numbers each), return which share of the multiplications
# of the layer the pairs are: scores and mix of values, over these and the four linear maps. A share is between 0 and 1.
# '''
# hints = [
# '''
# Two numbers per layer, pairs and linear maps. What has to be divided by what?
# ''',
# '''
# $\frac{2 N^2 C}{2 N^2 C + 4 N C^2}$, and a good deal of this cancels.
# ''',
# '''
# `N / (N + 2 * C)`.
# ''',
# ]
# see = "*Right*: one half at N = 2 C. The next cell tells of four real layers."

# %% tags=["answer:2.2"]
def core_share(N: Float[Tensor, "n"], C: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """Share of the pairs' multiplications among those of the pairs and the four linear maps."""
    # solution
    pairs, maps = 2 * N * N * C, 4 * N * C * C
    return pairs / (pairs + maps)
    # end


checks.core_share(core_share)

# %% tags=["needs:2.2"]
layers = {"a picture, 14 × 14 patches, 768 channels": (196, 768), "a picture, 56 × 56, 96 channels": (3136, 96),
          "a clip, 8 × 14 × 14, 768 channels": (1568, 768), "a clip, 16 × 28 × 28, 768 channels": (12544, 768)}
yours = core_share(*torch.tensor(list(layers.values())).double().mT)
say(table(["layer", "pairs"], [[name, f"{100 * y:.0f} %"] for name, y in zip(layers, yours.tolist())]))
assert abs(yours[0] - vit) < 1e-9 and yours[0] < 0.2 < 0.5 < yours[2] < 0.9 < min(yours[1], yours[3]) + 0.05

# %% [markdown]
# ## 5 · Fewer keys
#
# The first to put attention over whole clips into a convolutional network called it a **non-local block** (Wang and
# others, 2017). It is softmax attention without the root of $D$, and because clips are large it comes with a saving:
# of each 2 × 2 square of a frame only the largest key and the largest value are kept, channel by channel. All queries
# stay. So there are a quarter of the keys.
#
# > **Predict.** With sub-sampling, by which factor do the multiplications grow when the picture's side doubles? It was
# > 16 without.

# %%
def non_local(side: int, pool: int) -> int:
    here = linviz.Grid(1, side, side)
    x = torch.zeros(1, 1, side * side, 16)
    return flops(linviz.make("nonlocal", heads=1, width=16, grid=here, pool=pool), x, x, x)


KEPT = {1: "all", 2: "one in 4", 4: "one in 16"}
work = {pool: [non_local(side, pool) for side in (12, 24)] for pool in (1, 2, 4)}
say(table(["keys kept", "12 × 12 patches", "24 × 24 patches", "times"],
          [[KEPT[pool], f"{y[0]:,}", f"{y[1]:,}", f"{y[1] / y[0]:.0f}"] for pool, y in work.items()]))
assert all(y[1] == 16 * y[0] for y in work.values()) and work[1][0] == 4 * work[2][0] == 16 * work[4][0]

# %% [markdown]
# Still 16. Sub-sampling divides the cost by a *number*; it does not touch the *power*. One doubling of the camera's
# resolution costs four times what the sub-sampling has saved. And what does it do to the map? On a cup of coffee, with
# the usual root of D so that the panels compare:

# %%
still = linviz.Grid(1, 28, 28)
cup = clips.fit(clips.load("coffee"), still)
x = clips.descriptors(cup, still, temperature=1.5)
blocks = {pool: linviz.make("nonlocal", heads=1, width=16, grid=still, pool=pool, scale=0.25) for pool in (1, 2, 4)}
seen = {pool: m.map(*x) if pool == 1 else m.map(*x).shared for pool, m in blocks.items()}
PatchView([Panel(f"keys kept: {KEPT[pool]}", "softmax", a) for pool, a in seen.items()], cup, still,
          query=still.number(0, 6, 20))

# %%
outputs = {pool: m(*x) for pool, m in blocks.items()}
off = {pool: ((o - outputs[1]).norm() / outputs[1].norm()).item() for pool, o in outputs.items()}
say(table(["keys kept", "mean entropy, bits", "output differs by"],
          [[KEPT[pool], f"{entropy(a.dense()).mean():.2f}", f"{100 * off[pool]:.0f} %"]
           for pool, a in seen.items()]))
assert off[1] == 0 and 0.2 < off[2] < off[4]

# %% [markdown]
# The maps look alike, a little coarser. The outputs are *not* alike: the largest of four is not their mean, and on our
# plain descriptions, which reach on both sides of zero, that is a bias for every query. A network that is trained with
# the squares learns with them; one cannot switch them on afterwards and expect the same answers.

# %% [markdown] tags=["exercise"]
# number = "2.3"
# title = "A quarter of the keys"
# difficulty = 3
# importance = 3
# minutes = 12
# objectives = ["pool"]
# task = '''
# Write the sub-sampled non-local block for one frame. Queries `q` are $N \times D$; keys `k` are $Y \times X \times D$
# and values `v` are $Y \times X \times E$, laid out as the picture is, $Y$ and $X$ even. Of every 2 × 2 square take the
# largest, channel by channel, of keys and of values; then softmax attention **without** the root of $D$: $N \times E$.
# '''
# hints = [
# '''
# Cut $Y$ into $Y/2$ pairs and $X$ into $X/2$ pairs. Which axes are then taken away by the largest?
# ''',
# '''
# $(Y, X, C) \to (Y/2, 2, X/2, 2, C) \to (Y/2, X/2, C) \to (S, C)$, the largest over both axes of length 2.
# ''',
# '''
# `x.unflatten(1, (-1, 2)).unflatten(0, (-1, 2)).amax((1, 3)).flatten(0, 1)` for `k` and for `v`.
# ''',
# ]
# see = "*Right*, and the next cell holds yours against linviz on the coffee."

# %% tags=["answer:2.3"]
def subsampled(q: Float[Tensor, "N D"], k: Float[Tensor, "Y X D"], v: Float[Tensor, "Y X E"]) -> Float[Tensor, "N E"]:
    """Softmax attention over the largest of each 2 x 2 square, without 1/sqrt(D)."""
    # solution
    k, v = (x.unflatten(1, (-1, 2)).unflatten(0, (-1, 2)).amax((1, 3)).flatten(0, 1) for x in (k, v))   # (Y X / 4, .)
    return (q @ k.mT).softmax(-1) @ v
    # end


checks.subsampled(subsampled)

# %% tags=["needs:2.3"]
plain = linviz.make("nonlocal", heads=1, width=16, grid=still, pool=2)
picture = [y[0, 0].unflatten(0, (still.Y, still.X)) for y in x[1:]]
difference = (subsampled(x[0][0, 0], *picture) - plain(*x)[0, 0]).abs().max()
say(f"Yours against linviz on {len(still)} patches: the largest difference is **{difference:.0e}**.")
assert difference < 1e-3

# %% [markdown]
# ## 6 · The table need not be kept
#
# Nobody said that all rows must exist at the same time. linviz's softmax map keeps $q$ and $k$ and computes a row when
# it is asked for one; torch's fused attention works in small tiles.
#
# > **Predict.** For our clip of 1568 tokens: how many bytes does the softmax map hold in linviz, and how many the same
# > map written out?

# %%
here = soft.map(q, k, v)
kept, written = held(here), held(here.dense())
say(f"Kept: **{kept:,}** bytes ($q$ and $k$). Written out: **{written:,}**, {written / kept:.0f} times as many. "
    f"And at 16 × 28 × 28 tokens the table of one head would have {ch02.table_bytes(16 * 784) / 1e9:.2f} GB.")
assert written == ch02.table_bytes(N) and kept == 2 * 4 * N * D

# %% [markdown]
# But a softmax needs the *sum* of a row before its first share is known. How can one begin with half a row? By keeping
# accounts. Go through the keys in chunks and carry, for every query, three things: the largest score so far $m$, the
# sum of $e^{s - m}$, and the sum of $e^{s - m} v$. When a chunk brings a larger $m$, both sums so far are too large by
# a known factor, $e^{m_\text{new} - m_\text{old}}$; divide it out and go on. At the end divide one sum by the other.

# %% [markdown] tags=["exercise"]
# number = "2.4"
# title = "Attention without a table"
# difficulty = 5
# importance = 4
# minutes = 18
# objectives = ["memory"]
# task = '''
# Softmax attention (with $1/\sqrt D$) for `q` ($N \times D$), `k` ($S \times D$), `v` ($S \times E$), looking at `size`
# keys at a time; the last chunk may be short. No tensor of $N \times S$ numbers may be made, and scores of a thousand
# must do no harm.
# '''
# hints = [
# '''
# A loop over chunks, `k.split(size)`. What do you know of a row after two chunks that you need in the third?
# ''',
# '''
# $m' = \max(m, \max_j s_j)$; both sums become $e^{m - m'} \cdot \text{old} + \sum_j e^{s_j - m'} (\dots)$. Begin with
# $m = -\infty$ and zeros.
# ''',
# '''
# In the loop: `new = torch.maximum(m, s.amax(-1, keepdim=True))`, `p = (s - new).exp()`, `old = (m - new).exp()`; then
# `top = top * old + p @ b` and `bottom = bottom * old + p.sum(-1, keepdim=True)`.
# ''',
# ]
# see = "*Right*. Then your function attends over the whole clip, a few hundred keys at a time."

# %% tags=["answer:2.4"]
def streamed(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"],
             size: int) -> Float[Tensor, "N E"]:
    """Softmax attention in chunks of keys: the largest score so far and two sums are carried along."""
    # solution
    m = q.new_full((len(q), 1), -torch.inf)                           # the largest score so far
    top, bottom = q.new_zeros(len(q), v.shape[1]), q.new_zeros(len(q), 1)
    for a, b in zip(k.split(size), v.split(size), strict=True):
        s = q @ a.mT / q.shape[1] ** 0.5                              # (N, size)
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        p, old = (s - new).exp(), (m - new).exp()
        top, bottom, m = top * old + p @ b, bottom * old + p.sum(-1, keepdim=True), new
    return top / bottom
    # end


checks.streamed(streamed)

# %% tags=["needs:2.4"]
given = q[0, 0], k[0, 0], v[0, 0]
difference = (streamed(*given, 196) - soft(q, k, v)[0, 0]).abs().max()
counts = [flops(lambda *y, size=size: streamed(*y, size), *given) for size in (98, 196, N)]
say(f"Yours against linviz: {difference:.0e}. Multiplications and additions in chunks of 98, of 196, and all at once: "
    + ", ".join(f"{y:,}" for y in counts) + ".")
assert difference < 1e-3 and len(set(counts)) == 1

# %% [markdown]
# The same count in all three. **Streaming saves the memory, not the work:** every pair is still met once. With it the
# memory of attention grows with $N$, and what is left of the square is time.
#
# ## 7 · By the clock
#
# Counting is exact, but what one feels is seconds. They depend on the machine, on its other work, on torch's version;
# what can be compared is two methods *in one run*, and even then only roughly. So: the same machine, the same minute,
# and only quotients.
#
# > **Predict.** Twice the tokens: how many times as long does softmax take? And linear attention (chapter 4)?

# %%
def timed(spec: str, n: int) -> float:
    y = torch.randn(1, 1, n, 32, generator=torch.Generator().manual_seed(0))
    return seconds(linviz.make(spec, heads=1, width=32, grid=linviz.Grid(X=n)), y, y, y, repeat=11)


lengths = [1024, 2048, 4096]
clock = {spec: [timed(spec, n) for n in lengths] for spec in ("softmax", "relu_floor")}
per = {spec: [y / clock["relu_floor"][0] for y in times] for spec, times in clock.items()}
show(trends([Trend("softmax", "softmax", "softmax", lengths, per["softmax"]),
             Trend("linear, with a floor", "relu_floor", "kernel", lengths, per["relu_floor"])],
            Axis("tokens N", True, {f"{n:,}": n for n in lengths}),
            Axis("time, in units of the shortest linear run", True, {str(n): n for n in (1, 10, 100, 1000)}),
            title="In this run: the steeper line is the square"))
grown = {spec: times[-1] / times[0] for spec, times in clock.items()}
say(f"Four times the tokens took softmax {grown['softmax']:.0f} times as long and linear attention "
    f"{grown['relu_floor']:.1f} times, **in this run, on this machine**. By counting it would be 16 and 4.")
assert grown["softmax"] > grown["relu_floor"]

# %% [markdown]
# Run the cell again: all numbers move; which line is the steeper stays. Clocks never give exactly 16 and 4: small sizes
# are ruled by what every call costs, large ones by how fast memory is, and a busy machine by whoever else is on it.
#
# ## 8 · The bracket, for a start
#
# Why is the other line flatter? Without the softmax the output would be $(Q K^\top) V$: three matrices, and for
# matrices one may choose which two to multiply first.
#
# $$\underbrace{(Q\,K^\top)}_{N \times N}\,V \;=\; Q\,\underbrace{(K^\top V)}_{D \times D} \qquad\qquad 2 N^2 D
# \;\text{ against }\; 2 N D^2.$$
#
# > **Predict.** From which $N$ on is the second way cheaper, with the 18 channels of our clip?

# %%
def both_ways(n: int) -> tuple[int, int]:
    y = torch.zeros(n, D)
    return flops(lambda a, b, c: (a @ b.mT) @ c, y, y, y), flops(lambda a, b, c: a @ (b.mT @ c), y, y, y)


say(table(["tokens", "table first", "bracket first"], [[f"{n:,}", *(f"{y:,}" for y in both_ways(n))]
                                                        for n in (8, D, 196, 1568)]))
assert both_ways(D)[0] == both_ways(D)[1] and both_ways(D + 1)[0] > both_ways(D + 1)[1] and D == 18

# %% [markdown]
# From $N = D$ on: as soon as there are more tokens than channels (a clip's tokens here have 18). For pictures that is
# always. The bracket is a $D \times D$ matrix, whatever the clip: twice the frames, twice the work, and not one byte
# more to keep.
#
# And yet softmax is everywhere. An exponential stands between $Q K^\top$ and $V$, and chapter 1 has shown what it
# brings: the rank. What one has to give up for the bracket, and what can be had back, is the rest of this course.
#
# ## 9 · What was not shown
#
# - **Multiplications are not everything.** Exponentials, norms, moving data: none of it is in the count. On graphics
#   processors the moving often decides.
# - **Training** keeps numbers for the way back, and needs about three times the work.
# - **Fast kernels.** Streaming (Rabe and Staats, 2021, arXiv 2112.05682; Dao and others, 2022, arXiv 2205.14135) is how
#   exact softmax is computed today. A linear method has to be held against that, not against a table written out.
# - **No word about quality.** A cheap map that looks at the wrong things is no bargain.
# - **Fewer meetings.** One may also decide who meets whom: first along time, then within each frame. [What each such
#   scheme hears of, and for how much](http://localhost:8501/who_sees_whom?left=joint&right=divided), layer by layer;
#   chapter 14 comes back to it.
#
# Non-local blocks: *Non-local Neural Networks*, 2017, arXiv 1711.07971.
#
# ## Quiz

# %%
quizzes.cost
