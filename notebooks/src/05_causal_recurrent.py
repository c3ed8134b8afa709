# %% [markdown] tags=["front"]
# title = "Causal and recurrent"
# lead = '''
# A clip arrives frame by frame, and no token can look at frames that have not arrived yet. Softmax attention then needs
# a cache of all keys and values so far. Linear attention, under the same rule, is a recurrent network: its memory has a
# few hundred numbers and never grows. Both forms of linear attention compute the same map. What fits into such a
# memory, and what is lost?
# '''
# questions = [
#     "How can attention be computed for a clip that has not ended yet?",
#     "What does a memory of constant size remember, and what can it never return?",
#     "The triangle gives linear attention full rank. Is this of any use?",
# ]
# prerequisites = [
#     "The bracket that moves and linear attention (chapter 4).",
#     "Ranks (chapter 3) for the last section.",
# ]
# minutes = {reading = 45, exercises = 45, quiz = 5}
# key_points = [
#     "Causal: query i sees keys 0 to i. Test it by changing the last token: no earlier output may move.",
#     "Masking the finished table with a triangle is not enough if a normaliser has seen the future.",
#     "The bracket becomes a running sum: a recurrent network, exact, with a state of M E + M numbers.",
#     "A sum has no order and no dates: every token counts equally until it is subtracted again.",
#     "Chunks do more arithmetic in fewer steps, and this is faster.",
#     "The triangle has full rank for any positive weights, even for a running mean that ignores all content.",
#     "At every moment, information passes from past to future through a block of rank M at most.",
# ]
#
# [objectives]
# causal = "mask a map so that no query sees the future, and test the mask"
# recurrent = "write linear attention as a recurrent network, and show that it is the same"
# memory = "compare a state with a cache, and say what a state cannot return"
# forget = "make a state forget exactly"
# chunks = "compute causal attention in chunks, and say how their size trades arithmetic for steps"
# rank = "explain the rank of the triangle, and find what passes from past to future"

# %% [markdown]
# ## 1 · No token may see the future
#
# In this clip a cat and a cup of coffee cross in front of a photographer. The clip has eight frames of 14 × 14 patches,
# so there are 1,568 tokens. They are numbered frame by frame, and row by row within a frame. Each token may look only
# at earlier tokens and at itself: the weights of keys $j > i$ are zero. In the table, only the lower **triangle** is
# left.
#
# > **Predict before you run.** The query is on the cat's face in the sixth of the eight frames. Which frames will be
# > lit? Which patches will be lit within the sixth frame?

# %%
import torch

import linviz
from linviz import clips
from linviz.concentration import frame_mass
from linviz.cost import flops, median_seconds
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course import pictures
from linviz.course.scenes import ch05
from linviz.course.pictures import Gallery, Picture
from linviz.figures import Line, colourscale, growth, spectrum
from linviz.maps import CausalFactored, Features, Normaliser
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
grid = linviz.Grid(T=8, Y=14, X=14)
clip = clips.fit(clips.load("crossing"), grid)
# (1, 1, N, D) each
q, k, v = (x.double() for x in clips.descriptors(clip, grid, temperature=2 / 3))
N, D = q.shape[-2:]  # 1568 tokens, 18 channels: 16, time and change
query = grid.number(5, 6, 9)  # sixth frame, on the cat

soft, linear = (
    linviz.make(name, heads=1, width=D, grid=grid, causal=True)
    for name in ("softmax", "linear")
)
PatchView(
    [Panel(f"{m.title}, causal", m.family, m.map(q, k, v)) for m in (soft, linear)],
    clip,
    grid,
    query=query,
)

# %%
import plotly.graph_objects as go

allowed = torch.ones(12, 12).tril()  # twelve tokens are enough to see the rule
triangle = go.Figure(go.Heatmap(
    z=allowed.tolist(), x=list(range(1, 13)), y=list(range(1, 13)),
    colorscale=colourscale("gray"), colorbar={"tickvals": [0, 1], "title": "may see"}))
triangle.update_layout(
    template="linviz", height=360, width=460, margin_t=54, title_y=0.97,
    title="Each token sees itself and what came before",
    xaxis={"title": "key j", "dtick": 1},
    yaxis={"title": "query i", "dtick": 1, "autorange": "reversed"},
    meta={"alt": "A table of 12 queries by 12 keys. The lower triangle with its "
          "diagonal is allowed; what lies above is not."})
show(triangle)

# %% [markdown]
# Step through the frames: the five earlier frames are lit, the two later frames are not. In the sixth frame the upper
# rows are lit, down to our own patch, because the patches of one frame are numbered one after another, too. This order
# *within* a frame only comes from the numbering: all patches of a frame arrive at the same time. (In practice a whole
# frame often sees itself. Here we keep the rule simple.) elu + 1 is nearly uniform over time, as it was over space.
#
# [Both in the explorer](http://localhost:8501/?source=crossing&temperature=0.6667&specs=softmax,linear&causal=1), with
# other clips and other mechanisms; its switch *Causal* removes the triangle. ([Which mechanisms have a causal
# form](http://localhost:8501/atlas?causal=yes)?)
#
# How can we test that no query sees the future? One test needs only inputs and outputs: **change the last token, and
# see whether any earlier output changes.** Efficient attention of chapter 4 also has positive weights and rows that sum
# to one. Let us mask its finished table with a triangle, too.
#
# > **Predict.** The tables of softmax, elu + 1 and efficient attention are each masked with a triangle. Which of the
# > three methods pass the test?

# %%
plain = {
    name: linviz.make(name, heads=1, width=D, grid=grid)
    for name in ("softmax", "linear", "efficient")
}


def cut(name: str, q, k, v):
    """The triangle of a finished table, each row divided by its remaining sum."""
    w = plain[name].map(q, k, v).dense().tril()
    return w @ v / w.sum(-1, keepdim=True)


def change_of_earlier(attend) -> float:
    """How much the earlier outputs change when the last token changes."""
    other_k, other_v = (
        torch.cat((x[..., :-1, :], 3 * x[..., -1:, :] + 1), -2) for x in (k, v)
    )
    return (
        (attend(q, other_k, other_v) - attend(q, k, v))[..., :-1, :].abs().max().item()
    )


tested = {
    "softmax, cut from its table": change_of_earlier(lambda *x: cut("softmax", *x)),
    "linear (elu + 1), cut from its table": change_of_earlier(
        lambda *x: cut("linear", *x)
    ),
    "efficient, cut from its table": change_of_earlier(lambda *x: cut("efficient", *x)),
    "softmax, causal in linviz": change_of_earlier(soft),
    "linear (elu + 1), causal in linviz": change_of_earlier(linear),
    "efficient, causal in linviz": change_of_earlier(
        linviz.make("efficient", heads=1, width=D, grid=grid, causal=True)
    ),
}
say(
    table(
        ["", "earlier outputs change by"],
        [
            [name, "nothing" if x < 1e-9 else f"**{x:.1g}**"]
            for name, x in tested.items()
        ],
    )
)
assert [name for name, x in tested.items() if x > 1e-9] == [
    "efficient, cut from its table"
]

# %% [markdown]
# Masking the finished table is not always enough. A template of efficient attention is a softmax over *all* positions.
# A new last token decreases every template at all earlier positions, by a different factor for each template. So the
# table contains the future before it is masked. (linviz's causal form uses $e^k$ with running sums instead, and divides
# each row by its own sum.) Softmax and kernels divide each row by a sum over keys, and this sum is cut together with
# the row.

# %% [markdown] tags=["exercise"]
# number = "5.1"
# title = "Up to now"
# difficulty = 1
# importance = 4
# minutes = 6
# objectives = ["causal"]
# task = '''
# Write causal linear attention with the table. `phi_q` and `phi_k` are $N \times M$ features, `v` is $N \times E$. The
# weights are $\phi(q_i)\cdot\phi(k_j)$ for $j \le i$ and zero for $j > i$; each row is divided by its sum. Here you may
# make the table. Add no $\epsilon$ to the row sums, in this exercise and the following ones. (Features are positive,
# and a token always sees itself.)
# '''
# hints = [
# '''
# There are three steps: the table, the triangle, the row sums. In which order must they be done, so that the row sums
# exclude the future?
# ''',
# '''
# $A = \mathrm{tril}(\Phi_q \Phi_k^\top)$, and then $o_i = \sum_j A_{ij} v_j \,/\, \sum_j A_{ij}$.
# ''',
# '''
# `a = (phi_q @ phi_k.mT).tril()`, then `a @ v / a.sum(-1, keepdim=True)`.
# ''',
# ]
# see = "The check says *right*. The first token, which can see only itself, returns its own value."

# %% tags=["answer:5.1"]
from jaxtyping import Float
from torch import Tensor


def up_to_now(
    phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "N M"], v: Float[Tensor, "N E"]
) -> Float[Tensor, "N E"]:
    """o_i = sum over j <= i of phi(q_i).phi(k_j) v_j, over the sum of these weights."""
    # solution
    a = (phi_q @ phi_k.mT).tril()
    return a @ v / a.sum(-1, keepdim=True)
    # end


checks.up_to_now(up_to_now)

# %% [markdown]
# ## 2 · Causal linear attention is a recurrent network
#
# The table has $N^2$ weights. Chapter 4 avoided the table with two brackets: sums over all keys that are the same for
# every query. Now each query has its own brackets: sums over the keys *up to itself*:
#
# $$S_i = \sum_{j \le i} \phi(k_j)^\top v_j \qquad z_i = \sum_{j \le i} \phi(k_j) \qquad
# o_i = \frac{\phi(q_i)\, S_i}{\phi(q_i)\cdot z_i}$$
#
# But a sum up to $i$ is the sum up to $i - 1$ plus one more term:
#
# $$S_i = S_{i-1} + \phi(k_i)^\top v_i \qquad\qquad z_i = z_{i-1} + \phi(k_i)$$
#
# These equations define a recurrent network. The network has a **state** $(S, z)$. Each token is written into the
# state, and its output is read from the state. Nothing else is stored about the past. This is not an approximation of
# causal linear attention: the network computes the same sums in another order.

# %% [markdown] tags=["exercise"]
# number = "5.2"
# title = "One step"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["recurrent"]
# task = '''
# Write one step of the network. The state has `S`, which is $M \times E$, and `z`, which has $M$ numbers. One token has
# `phi_q` and `phi_k` ($M$ numbers each) and `v` ($E$ numbers). Return the new $S$, the new $z$ and the token's output.
# Do not change the inputs in place.
# '''
# hints = [
# '''
# A token sees itself. Which must come first: writing to the state or reading from it?
# ''',
# '''
# $S' = S + \phi(k)^\top v$ is an outer product, $M \times E$; $z' = z + \phi(k)$; $o = \phi(q) S' / (\phi(q)\cdot
# z')$.
# ''',
# '''
# `S = S + phi_k[:, None] * v`, `z = z + phi_k`, and then `phi_q @ S / (phi_q @ z)`.
# ''',
# ]
# see = "The check says *right*. Then your network processes the whole clip, token by token."

# %% tags=["answer:5.2"]
def step(
    S: Float[Tensor, "M E"],
    z: Float[Tensor, "M"],
    phi_q: Float[Tensor, "M"],
    phi_k: Float[Tensor, "M"],
    v: Float[Tensor, "E"],
) -> tuple[Float[Tensor, "M E"], Float[Tensor, "M"], Float[Tensor, "E"]]:
    """Write one token into the state, and read its output from the state."""
    # solution
    S, z = S + phi_k[:, None] * v, z + phi_k
    return S, z, phi_q @ S / (phi_q @ z)
    # end


checks.step(step)

# %% [markdown]
# Let the values be colours again, as in chapter 4: three numbers per patch. Then the state of our eighteen channels has
# $18 \cdot 3 + 18 = 72$ numbers. linviz has the same network as the method `step`. The cell runs it through the clip
# and stores its state at the end of every frame.

# %%
# (1, 1, N, 3): the mean colour of each patch
rgb = pictures.patch_colours(clip, grid).double()
network = linviz.make(
    "linear", heads=1, width=D, grid=grid, value_width=3, causal=True, eps=0.0
)
state, read, states = None, [], []
for i, token in enumerate(zip(*(x.split(1, -2) for x in (q, k, rgb)))):
    state, o = network.step(state, *token)
    read.append(o)
    if (i + 1) % (grid.Y * grid.X) == 0:
        states.append(state)
recurrent = torch.cat(read, -2)
parallel = network(q, k, rgb)
by_the_table = network.map(q, k, rgb).dense() @ rgb
assert max((recurrent - x).abs().max() for x in (parallel, by_the_table)) < 1e-9
say(f"{N:,} steps with {state.S.numel() + state.z.numel()} numbers of memory against a "
    f"table of {N * N:,}: the largest difference between outputs is "
    f"**{(recurrent - by_the_table).abs().max():.0e}**.")

# %% tags=["needs:5.1", "needs:5.2"]
def phi(x: Tensor) -> Tensor:
    """elu(x) + 1, without losing a small exp(x) beside the 1."""
    return x.relu() + x.clamp_max(0).exp()


phi_q, phi_k, colour = phi(q[0, 0]), phi(k[0, 0]), rgb[0, 0]
S, z, mine = torch.zeros(D, 3).double(), torch.zeros(D).double(), []
for token in zip(phi_q, phi_k, colour):
    S, z, o = step(S, z, *token)
    mine.append(o)
mine = torch.stack(mine)
assert (mine - up_to_now(phi_q, phi_k, colour)).abs().max() < 1e-9 and (
    mine - recurrent[0, 0]
).abs().max() < 1e-9
say("Your network, your triangle and linviz's network agree on every token, to more "
    "than nine digits.")

# %% [markdown]
# ## 3 · Seventy-two numbers
#
# What do these numbers contain? Each channel $m$ has a row of $S$: the sum of all colours so far, weighted by the
# channel's features of the patches. Divided by $z_m$, this row is a colour: the weighted mean of all colours that this
# channel has seen. The whole memory of the clip is eighteen colours, one per channel. The strip under each frame shows
# the memory at the end of this frame.
#
# > **Predict.** In the fourth and fifth frame the cat hides most of the cup. Will the memory lose the red of the cup?

# %%
# (M, 3): one colour per channel
palette = [(x.S / x.z.unsqueeze(-1))[0, 0] for x in states]
Gallery(
    [
        Picture(
            f"after frame {t + 1}",
            pictures.clip_frame(clip, grid, t),
            f"Frame {t + 1} of the clip; after it, the reddest colour of the memory is "
            f"{pictures.colour_name(p[(p[:, 0] - p[:, 1:].mean(-1)).argmax()])}.",
            p,
        )
        for t, p in enumerate(palette)
    ]
)

# %%
change = [
    (100 * (b - a).abs().mean() / palette[-1].std(0).mean()).item()
    for a, b in zip(palette, palette[1:])
]
say("The mean change of a colour from frame to frame, in percent of the spread among "
    "the colours: " +
    ", ".join(f"{x:.0f}" for x in change) + ".")
assert max(change) < 10

# %% [markdown]
# The red remains, as a reddish brown, in the channel *green-red*: a sum forgets nothing. But the strips change very
# little. After one frame the memory is already near its final state. The share of each new frame in the sum becomes
# smaller: a half, a third, and finally an eighth. The state approaches the mean of all frames.
#
# The state has lost something else, too. A sum does not depend on the order of its terms.
#
# > **Predict.** We put all tokens of the clip except the last into a random order, across frames and patches. How much
# > does the last output change for the network? And for causal softmax?

# %%
order = torch.cat(
    (
        torch.randperm(N - 1, generator=torch.Generator().manual_seed(0)),
        torch.tensor([N - 1]),
    )
)
mixed = tuple(x[..., order, :] for x in (q, k, v))
shuffled = {
    m.title: (m(*mixed) - m(q, k, v))[..., -1, :].abs().max().item()
    for m in (linear, soft)
}
say("; ".join(f"{title}: {x:.0e}" for title, x in shuffled.items()))
assert max(shuffled.values()) < 1e-9

# %% [markdown]
# The last output does not change for either. The name *recurrent network* suggests that the network follows the order
# of events, but its state is an unordered sum. Time must be written into the tokens themselves (here one of the
# eighteen channels is the time). The two differ in another way: softmax still *has* all its tokens and may select one
# of them. The state has only their sum.
#
# ## 4 · A state and a cache
#
# To process the next token, softmax must store every key and every value so far: a **cache** that grows with each
# token. The state keeps its size. Which of the two is smaller depends on the number of tokens so far.
#
# > **Predict.** Keys and values have width 18, and the clip has 1,568 tokens. From which token on is the state smaller
# > than the cache: from about the 10th, the 200th, or the 1,000th? And for heads of width 128?

# %%
Live(ch05.memory_figure, ch05.WIDTHS, label="width of a head", start=18, form=".0f")

# %%
grown = linviz.make("linear", heads=1, width=D, grid=grid, causal=True, eps=0.0)
state = None
for i in range(20):
    state, _ = grown.step(state, *(x[..., i:i + 1, :] for x in (q, k, v)))
kept = {
    n: (ch05.state_numbers(D, D), ch05.cache_numbers(n, D, D)) for n in (1, 9, 10, N)
}
assert (
    state.S.numel() + state.z.numel() == kept[1][0]
    and k.numel() + v.numel() == kept[N][1]
)
say(table(["tokens seen", "state, numbers", "cache, numbers"],
          [[f"{n:,}", f"{a:,}", f"{b:,}"] for n, (a, b) in kept.items()]))
assert kept[9][0] > kept[9][1] and kept[10][0] < kept[10][1]

# %% [markdown]
# The state is smaller once the number of tokens exceeds about half the width of a head: here within the first *row* of
# the first frame. From then on only the cache grows. The price is a loss of information: 342 numbers cannot keep 1,568
# patches separate.
#
# > **Predict.** The queries are the patches of the last frame. How is their attention divided among the eight frames,
# > under softmax and under elu + 1?

# %%
last = torch.arange(N - grid.Y * grid.X, N)  # all queries of the last frame
age = {
    m.title: (100 * frame_mass(m.map(q, k, v).rows(last)[0, 0], grid).mean(0)).tolist()
    for m in (soft, linear)
}
show(
    growth.trend_lines(
        [
            growth.Trend(m.title, m.spec, m.family, range(1, 9), age[m.title])
            for m in (soft, linear)
        ],
        growth.Axis("frame of the key"),
        growth.Axis("share of the attention (%, mean)"),
        levels={"an eighth": 12.5},
        title="Softmax prefers recent frames; the state has no dates",
    )
)
assert age[soft.title][6] > 4 * age[soft.title][0] and max(
    age[linear.title][:7]
) < 1.4 * min(age[linear.title][:7])

# %% [markdown]
# (The last frame itself gets about half of a uniform share, because a patch sees only the patches above it, on average
# half of the frame.) Softmax looks at recent frames because they are more similar to the last frame (one channel is the
# time). Linear attention spreads over time as it does over space. Not all recurrent networks do this: the state may
# decay, $S_i = \lambda S_{i-1} + \dots$, or it may forget selected tokens.
#
# ## 5 · To forget, subtract
#
# A state that is a plain sum has one advantage: a term that was added can be subtracted exactly. If each token should
# see only the last $W$ tokens, add the new token and subtract the token that leaves the window. The work per token does
# not depend on $W$. (But the last $W$ tokens must be stored until they are subtracted.)

# %% [markdown] tags=["exercise"]
# number = "5.3"
# title = "A window that slides"
# difficulty = 3
# importance = 3
# minutes = 14
# objectives = ["forget"]
# task = '''
# Write causal linear attention with a window: token $i$ sees only tokens $i - W + 1$ to $i$. These are $W$ tokens
# including itself, and fewer at the beginning. `phi_q` and `phi_k` are $N \times M$, `v` is $N \times E$. The work must
# grow neither with $N^2$ nor with $W$.
# '''
# hints = [
# '''
# Start from exercise 5.2. At step $i$ one token enters the window. Which token leaves it? Must it be subtracted from
# $S$, from $z$, or from both?
# ''',
# '''
# $S_i = S_{i-1} + \phi(k_i)^\top v_i - \phi(k_{i-W})^\top v_{i-W}$, when $i \ge W$, and the same for $z$. Or use
# running sums: $\bar S_i - \bar S_{i-W}$.
# ''',
# '''
# Loop over `i`, with `S` and `z` starting at zero: add `phi_k[i][:, None] * v[i]`; `if i >= W:` subtract the same
# product with `i - W`; append `phi_q[i] @ S / (phi_q[i] @ z)`; `torch.stack` at the end.
# ''',
# ]
# see = "The check says *right*. The next cell paints the last frame from memories of three lengths."

# %% tags=["answer:5.3"]
def window(
    phi_q: Float[Tensor, "N M"],
    phi_k: Float[Tensor, "N M"],
    v: Float[Tensor, "N E"],
    W: int,
) -> Float[Tensor, "N E"]:
    """Causal linear attention over the last W tokens, with a state that forgets."""
    # solution
    S, z, out = v.new_zeros(phi_k.shape[1], v.shape[1]), v.new_zeros(phi_k.shape[1]), []
    for i in range(len(v)):
        S, z = S + phi_k[i][:, None] * v[i], z + phi_k[i]
        if i >= W:
            S, z = S - phi_k[i - W][:, None] * v[i - W], z - phi_k[i - W]
        out.append(phi_q[i] @ S / (phi_q[i] @ z))
    return torch.stack(out)
    # end


checks.window(window)

# %% tags=["needs:5.3"]
a, b, colour = phi(q[0, 0]), phi(k[0, 0]), rgb[0, 0]
frame = grid.Y * grid.X
views = {
    "the patches": colour,
    "all tokens so far": recurrent[0, 0],
    "the last 196 tokens": window(a, b, colour, frame),
    "the last 28 tokens": window(a, b, colour, 2 * grid.X),
}
band = (a @ b.mT).tril().triu(1 - frame)  # the same as a table
assert (
    views["the last 196 tokens"] - band @ colour / band.sum(-1, keepdim=True)
).abs().max() < 1e-9
Gallery(
    [
        Picture(
            name,
            pictures.patch_mosaic(x[None, None], grid, number=7),
            f"The last frame painted from {name}: colours "
            f"spread by {x[-frame:].std(0).mean():.3f}.",
        )
        for name, x in views.items()
    ]
)

# %% [markdown]
# Each patch gets the mean colour of the tokens it looks at. With all tokens so far, the whole frame is grey-brown. A
# window of a whole frame changes hardly anything. Colours reappear, in bands, only when the memory is very short: 28
# tokens, the last two rows. A window cannot make attention sharp over a *long* time.
#
# ## 6 · Chunks
#
# When a camera delivers one frame after another, the network runs token by token. During *training* all frames are
# available at once, and 1,568 sequential steps would use a fast machine badly, because each step is a tiny product. The
# triangle is one large product, but it computes all pairs. A third way lies between the two: divide the sequence into
# chunks. Compute pairs *inside* a chunk with the triangle, and use the state for all *earlier* chunks. Then add the
# whole chunk to the state at once.
#
# $$o_i = \frac{\sum_{j \le i,\ \text{same chunk}} \phi(q_i)\cdot\phi(k_j)\, v_j + \phi(q_i)\, S_{\text{before}}}
# {\sum_{j \le i,\ \text{same chunk}} \phi(q_i)\cdot\phi(k_j) + \phi(q_i) \cdot z_{\text{before}}}$$
#
# > **Predict.** Chunks of 64 tokens need about eleven times as many multiplications as single tokens. How much slower
# > are they?

# %%
# phi(q), phi(k), colours: matrices
one = tuple(x[0, 0] for x in network.features(q, k, rgb))
SIZES = (1, 4, 16, 64, 196, 784, N)
work = {
    size: flops(lambda *x, size=size: ch05.chunked_attention(*x, size), *one)
    for size in SIZES
}
time = {
    size: median_seconds(
        lambda *x, size=size: ch05.chunked_attention(*x, size), *one, repeat=3
    )
    for size in (1, 64, N)
}
steps = [-(-N // size) for size in SIZES]
show(
    growth.trend_lines(
        [
            growth.Trend(
                "in chunks", "linear", "kernel", steps, [work[size] for size in SIZES]
            )
        ],
        growth.Axis(
            "sequential steps (and tokens in each)",
            log=True,
            marks={f"{n:,}<br>of {size:,}": n for size, n in zip(SIZES, steps)},
        ),
        growth.Axis("operations in matrix products", log=True),
        title="Larger chunks: more arithmetic in fewer steps",
    )
)
say(f"Chunks of 64 need **{work[64] / work[1]:.0f} times** the operations of single "
    "tokens. In one run on the machine that made this page they were "
    f"**{time[1] / time[64]:.0f} times as fast** as single tokens, and "
    f"{time[N] / time[64]:.0f} times as fast as the whole triangle at once.")
assert 10.5 < work[64] / work[1] < 11.5 and time[1] > 3 * time[64]

# %% [markdown]
# Chunks are not slower; they are faster. A machine multiplies larger matrices much more efficiently than tiny ones, and
# fewer steps have to wait for each other. The size of the chunks does not change the result. It trades arithmetic for
# sequential steps, and the best size depends on the machine. linviz uses chunks of 64.

# %% [markdown] tags=["exercise"]
# number = "5.4"
# title = "In chunks"
# difficulty = 4
# importance = 4
# minutes = 17
# objectives = ["chunks"]
# task = '''
# Write causal linear attention in chunks of `size` tokens. `phi_q` and `phi_k` are $N \times M$, `v` is $N \times E$,
# and each row is divided by its sum. The last chunk may be shorter. For every size, the result is the same as in
# exercise 5.1. The work must grow with $N$, and larger chunks must need fewer calls of torch.
# '''
# hints = [
# '''
# Keep two things from chunk to chunk: $S$ and $z$. What does a query get from the state, and what from its own chunk?
# When is the chunk added to the state?
# ''',
# '''
# Let $A = \mathrm{tril}(Q K^\top)$ with the chunk's own features. The numerator is $A V + Q S$; the denominator is the
# row sums of $A$ plus $Q z$. Then $S \leftarrow S + K^\top V$ and $z \leftarrow z + \sum_j \phi(k_j)$.
# ''',
# '''
# `for q, k, x in zip(phi_q.split(size), phi_k.split(size), v.split(size)):` and inside it `a = (q @ k.mT).tril()`,
# append `(a @ x + q @ S) / (a.sum(-1) + q @ z)[:, None]`, then update `S` and `z`; `torch.cat` at the end.
# ''',
# ]
# see = "The check says *right*. Every size gives the same result: size 1 is the network, size $N$ is the triangle."

# %% tags=["answer:5.4"]
def chunked(
    phi_q: Float[Tensor, "N M"],
    phi_k: Float[Tensor, "N M"],
    v: Float[Tensor, "N E"],
    size: int,
) -> Float[Tensor, "N E"]:
    """Causal linear attention: a triangle per chunk, a state for earlier chunks."""
    # solution
    S, z, out = v.new_zeros(phi_k.shape[1], v.shape[1]), v.new_zeros(phi_k.shape[1]), []
    for q, k, x in zip(phi_q.split(size), phi_k.split(size), v.split(size)):
        a = (q @ k.mT).tril()  # (size, size): pairs inside the chunk
        out.append((a @ x + q @ S) / (a.sum(-1) + q @ z)[:, None])
        S, z = S + k.mT @ x, z + k.sum(0)
    return torch.cat(out)
    # end


checks.chunked(chunked)

# %% tags=["needs:5.4"]
answers = {
    size: (chunked(*one, size) - recurrent[0, 0]).abs().max().item()
    for size in (1, 10, 64, 196, N)
}
assert max(answers.values()) < 1e-9
say("Largest difference between your chunks and the network: " +
    ", ".join(f"size {size}: {x:.0e}" for size, x in answers.items()) + ".")

# %% [markdown]
# ## 7 · The triangle has full rank
#
# Now look at the rank of the map. Without the triangle, the map of linear attention is a product of an $N \times 18$
# and an $18 \times N$ matrix. Its rank is at most 18, however long the clip is (chapter 4 showed the consequences). The
# triangle sets almost half of the table to zero and normalises the rows again. To compute all singular values, we use
# the same clip with 7 × 7 patches per frame, 392 tokens.
#
# > **Predict.** What is the rank of the triangle: 18 as before, 36, about 200, or 392?

# %%
small = linviz.Grid(T=8, Y=7, X=7)
# float32
x = clips.descriptors(
    clips.fit(clips.load("crossing"), small), small, temperature=2 / 3
)
n = len(small)
before, after = (
    linviz.make("linear", heads=1, width=D, grid=small, causal=c, eps=0.0)
    for c in (False, True)
)
readings = {
    name: linviz.read(m, *x)
    for name, m in (("linear, all see all", before), ("linear, causal", after))
}


def drawn(title: str, a, spec: str, family: str) -> Line:
    s = a.singular_values().flatten()
    return Line(
        title,
        spec,
        family,
        s.tolist(),
        bound=a.rank_bound,
        tolerance=float(s[0]) * a.tolerance,
    )


show(spectrum([drawn(title, r.map, spec, "kernel") for (title, r), spec in
               zip(readings.items(), ("linear", "linear+gate"))]))
ranks = {
    title: (int(r.numerical_rank), float(r.effective_rank))
    for title, r in readings.items()
}
say(
    "; ".join(
        f"{title}: rank **{r}** of {n}, effective rank {e:.0f}"
        for title, (r, e) in ranks.items()
    )
)
assert [r for r, _ in ranks.values()] == [D, n]
weakest = readings["linear, causal"].map.singular_values().flatten()
assert weakest[-1] > 20 * readings["linear, causal"].map.tolerance * weakest[0]
assert q.dtype == torch.float64 and x[0].dtype == torch.float32

# %% [markdown]
# The rank is full: 392 of 392. And the result is clear: even in float32 no singular value is near the tolerance below
# which it would count as zero. ([See the rank
# jump](http://localhost:8501/?source=crossing&frames=2&temperature=0.6667&specs=softmax,linear&causal=1): two frames
# have
# 392 patches, too. Turn *Causal* off and on, and look at the table of ranks.)
#
# The triangle removes the bound, for a simple reason. The determinant of a triangular matrix is the product of its
# diagonal. The diagonal holds the weight that each token gives to itself, which is never zero.
#
# Does a mask therefore repair the "low rank of linear attention"? The reason above does not depend on the features: any
# positive diagonal is enough. As a control, take a causal map with **one** feature that is the same for every token.
# This map ignores all content. Its output is the mean of all values so far.

# %%
ones = torch.ones(1, 1, n, 1)
# all weights 1, rows divided by sums
mean = CausalFactored(Features(ones, ones), Normaliser("add"))
assert torch.allclose(mean.apply(x[2])[0, 0, 99], x[2][0, 0, :100].mean(0), atol=1e-5)
s = mean.singular_values().flatten()
rank, effective = (
    int((s > mean.tolerance * s[0]).sum()),
    float(linviz.spectra.effective_rank(s)),
)
say(f"The running mean: rank **{rank}** of {n}, effective rank {effective:.0f}.")
assert rank == n and 0.62 < effective / ranks["linear, causal"][1] < 0.71

# %% [markdown]
# The running mean has full rank as well, and two thirds of the effective rank of causal linear attention. *The triangle
# alone creates the full rank.* Full rank follows from the mask, not from the content of the tokens.
#
# The bottleneck still exists, but in another place. Stop the clip between two frames. Take the block of the table whose
# queries come after this cut and whose keys come before it. All information from the past reaches the future through
# this block.
#
# > **Predict.** How does the rank of this block change as the cut moves through the clip: for causal softmax, for
# > causal elu + 1, and for the running mean?

# %%
cuts = tuple(range(small.Y * small.X, n, small.Y * small.X))  # between the frames
causal = linviz.make("softmax", heads=1, width=D, grid=small, causal=True)
fine = tuple(t.double() for t in x)  # ranks of blocks are counted in float64
through = {"softmax": ch05.cut_ranks(causal.map(*fine).dense()[0, 0], cuts, 1e-9),
           "linear (elu + 1)":
               ch05.cut_ranks(after.map(*fine).dense()[0, 0], cuts, 1e-9),
           "running mean": ch05.cut_ranks(mean.dense()[0, 0], cuts, 1e-6)}
looks = {"softmax": ("softmax", "softmax"), "linear (elu + 1)": ("linear", "kernel"),
         "running mean": ("uniform", "content-free")}
show(
    growth.trend_lines(
        [
            growth.Trend(name, *looks[name], range(1, small.T), found)
            for name, found in through.items()
        ],
        growth.Axis("cut after frame"),
        growth.Axis("rank of the block"),
        title="With a state, the block has rank 18, or rank 1 for the running mean",
    )
)
say(
    "; ".join(
        f"{name}: {', '.join(map(str, found))}" for name, found in through.items()
    )
)
assert set(through["linear (elu + 1)"]) == {D} and set(through["running mean"]) == {1}
assert (
    through["softmax"] == [min(c, n - c) for c in cuts]
    and round(100 * D / (grid.Y * grid.X)) == 9
)

# %% [markdown]
# For softmax the block has the largest possible rank: it rises with the number of past tokens and falls with the number
# of future tokens. For linear attention the rank is eighteen at every cut. This is an effect of the state: it has $M$
# numbers for each column of $v$, and all information about the past must pass through these numbers.
#
# Therefore the ceiling of chapter 4 still holds for this block. Let each of the 196 patches of a frame look at the same
# place in the previous frame. The block between the two frames has rank 18, and its rows sum to at most one. So its
# diagonal sums to at most 18, and on average a patch can give its partner a weight of $18 / 196$, nine percent. *The
# map has full rank and still cannot follow a moving object patch by patch.*
#
# ## 8 · What was not shown
#
# - **Nothing was trained**, and the descriptors contain the time as one channel. Many trained networks let the state
#   decay, gate what is written, or correct the state before they write. Those are other methods, with other maps.
# - **The order of patches within a frame is arbitrary.** In a clip, only the order of frames is causal. The triangle
#   over tokens is a simplification of this course.
# - **A gate changes none of this.** A gate works token by token, so a gated kernel has a state of the same size and the
#   same bound; `linviz.make("relu_floor+gate", ..., causal=True)` has `step`, too.
# - **Long sums in low precision.** The sums of sections 1 to 6 were computed in float64, and those of section 7 in
#   float32, over 392 tokens. In float32 or lower precision, a sum over millions of tokens loses its small terms.
#   The window of exercise 5.3, which subtracts, loses even more.
# - **Memory is more than the state.** Training also stores what the backward pass needs, with or without a state.
#
# Source: *Transformers are RNNs: fast autoregressive transformers with linear attention*, Katharopoulos et al., 2020,
# arXiv 2006.16236. The causal form of efficient attention is that of the *linear-attention-transformer* code.
#
# ## Quiz

# %%
quizzes.recurrent
