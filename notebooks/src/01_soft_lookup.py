# %% [markdown] tags=["front"]
# title = "Attention as soft lookup"
# lead = '''
# A dictionary returns the one entry whose key equals your query, or an error. Attention is a dictionary that always
# answers: it returns a mixture of all entries, and most of it comes from the best match. This chapter builds attention
# from nothing and tries it on a cat. Then it examines the parts: the map and its rows, the first attention of all, the
# root of D, and what two heads can do that one cannot.
# '''
# questions = [
#     "What do queries, keys and values have to do with a dictionary?",
#     "Why are scores divided by the root of D, and what goes wrong without it?",
#     "What can two heads do that one head cannot, however wide?",
# ]
# prerequisites = ["matrices, and a little torch."]
# minutes = {reading = 40, exercises = 40, quiz = 5}
# key_points = [
#     "Attention is a soft lookup: scores of all pairs, weights that sum to one per row, a weighted mean of values.",
#     "Rows of the map sum to one. Columns do not: some patches get far more attention than others.",
#     "The first attention used a small network to compare. Without its tanh, all queries would look at the same keys.",
#     "Scores of random queries and keys spread like the root of D; divided by it, rows stay soft and can learn.",
#     "One head can only average. Two heads can subtract.",
#     "Scores of D channels have rank D at most. Their softmax can have full rank: the exponential creates the rank.",
#     "Shuffled tokens give the same outputs, shuffled. Attention knows no order unless the tokens contain it.",
# ]
#
# [objectives]
# lookup = "compute attention as a soft lookup, on the right axis and with the right scale"
# compare = "compare queries and keys as the first attention did, and say what the tanh is for"
# pull = "compute how much a score moves the output, and say why a saturated row learns nothing"
# heads = "split channels into heads, and say what two heads can do that one cannot"
# rank = "distinguish the rank of the scores from the rank of the map"
# order = "say what attention knows about the order of its tokens"

# %% [markdown]
# ## 1 · A dictionary that always answers
#
# A dictionary holds pairs of a *key* and a *value*. You ask with a *query*. If the query equals a key, you get the
# value; otherwise you get nothing. Here are five colours, each with a number that says how warm it is. Ask for
# *crimson*.

# %%
import torch

import linviz
from linviz import clips
from linviz.concentration import effective_tokens, entropy
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import ch01
from linviz.course.properties import count_numbers
from linviz.figures import Line, heat, spectrum
from linviz.figures.growth import Axis, Trend, trend_lines
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
warmth = {"red": 1.0, "orange": 0.9, "yellow": 0.6, "green": 0.3, "blue": 0.0}
say(f"Asked for red, the dictionary returns {warmth['red']}. Asked for crimson, it "
    f"returns {warmth.get('crimson')}.")

# %% [markdown]
# A person would answer that crimson is nearly red, so its warmth is nearly 1. To do the same, keys must be objects that
# can be *nearly* equal. So write every colour as a vector (here its red, green and blue, centred), and let the query be
# a vector, too. Then compute:
#
# 1. a **score** for every key, the product $q \cdot k_j$, which says how well the key matches;
# 2. a **weight** for every key: the exponential of its score, divided by the sum of all exponentials;
# 3. the **mean** of the values with these weights.
#
# $$s_j = q \cdot k_j \qquad a_j = \frac{e^{s_j}}{\sum_l e^{s_l}} \qquad o = \sum_j a_j\, v_j$$

# %%
colours = {
    "red": (1.0, 0.0, 0.0),
    "orange": (1.0, 0.65, 0.0),
    "yellow": (1.0, 1.0, 0.0),
    "green": (0.0, 0.5, 0.0),
    "blue": (0.0, 0.0, 1.0),
}
# 4: how sharply colours are distinguished
keys = 4 * (torch.tensor(list(colours.values())) - 0.5)
crimson = torch.tensor([0.86, 0.08, 0.24]) - 0.5

scores = keys @ crimson
weights = scores.exp() / scores.exp().sum()
answer = weights @ torch.tensor(list(warmth.values()))
say(
    table(
        ["key", "score", "weight"],
        [
            [name, f"{s:.2f}", f"{100 * a:.0f} %"]
            for name, s, a in zip(colours, scores.tolist(), weights.tolist())
        ],
    )
)
say(f"The warmth of crimson is **{answer:.2f}**.")
assert weights.argmax() == 0 and abs(weights.sum() - 1) < 1e-6 and 0.6 < answer < 1

# %% [markdown]
# No key was left out. Even blue got a weight, but a very small one. This is the whole of attention. What remains is to
# compute it for many queries at once, and to ask where queries and keys come from.
#
# ## 2 · A cat that looks at itself
#
# Now a photograph, cut into 28 × 28 patches. Each patch is described by 16 plain numbers: colour, edges, place; nothing
# was learned. The description of a patch serves as its query, its key and its value. Before the softmax, all scores are
# divided by a **temperature**, which sets how sharp the lookup is. At a low temperature the best match gets nearly all
# the weight, as in a dictionary. At a high temperature all weights are nearly equal, and the output is a plain mean.
#
# > **Predict before you run.** The query is a patch at the corner of one eye. The three panels have three temperatures:
# > low, 1, and high. In which panels will you still recognise the cat? In which will you find the *other* eye?

# %%
opening = clips.OPENING
grid = opening.grid  # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(photo, grid, opening.temperature)  # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)

soft = linviz.make("softmax", heads=1, width=D, grid=grid)
cold, hot = (ch01.softmax_at_temperature(t, D, grid) for t in (0.03, 10.0))
PatchView(
    [
        Panel(title, m.family, m.map(q, k, v))
        for title, m in (
            ("low temperature: 0.03", cold),
            ("softmax: temperature 1", soft),
            ("high temperature: 10", hot),
        )
    ],
    photo,
    grid,
    query=query,
)

# %% [markdown]
# Move the mouse: every panel is lit by the attention of the patch under the mouse. Click to pin a patch. At the low
# temperature a patch finds its best match and hardly anything else. At the high temperature every patch looks at all
# patches, and you see a dim cat for every query. Between these extremes, attention concentrates on patches that look
# alike.
#
# Is a patch its own best match?

# %%
lookup = cold.map(q, k, v).dense()[0, 0]
best = lookup.argmax(-1)
own = int((best == torch.arange(N)).sum())
say("At temperature 0.03 the median row looks at "
    f"{effective_tokens(lookup).median():.2f} patches. Only **{own}** of {N} patches "
    f"find themselves; together they find {len(best.unique())} different patches.")
assert own < N / 8 and len(best.unique()) < N / 4

# %% [markdown]
# Mostly not. The product $q \cdot k_j$ measures more than likeness: it is also large if $k_j$ is *long*. So the best
# match of most patches is one of a few patches whose colours or edges are extreme in the same direction.
#
# [The same photograph in the explorer](http://localhost:8501/?source=chelsea&patches=28&specs=softmax,nonlocal),
# where the
# temperature is a slider (start it with `python3 start.py explore`). The link compares softmax with the non-local
# block, which leaves the root of D out; section 5 explains the effect.
#
# For many queries the scores are a table, $Q K^\top$, with one row per query and one column per key. Section 5 explains
# the divisor $\sqrt D$. The table of weights is **the map**, and every question in this course is a question about a
# map:
#
# $$s_{ij} = \frac{q_i \cdot k_j}{\sqrt D} \qquad A_{ij} = \frac{e^{s_{ij}}}{\sum_l e^{s_{il}}} \qquad O = A\,V$$

# %% [markdown] tags=["exercise"]
# number = "1.1"
# title = "Soft lookup"
# difficulty = 1
# importance = 5
# minutes = 6
# objectives = ["lookup"]
# methods = ["softmax"]
# task = '''
# Write the soft lookup for all queries at once: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$. Divide
# the scores by $\sqrt D$, compute the weights of each row, and mix the values. The result is $N \times E$. You need no
# loop.
# '''
# hints = [
# '''
# Write three lines, one each for scores, weights and mean. Along which axis of the table do the keys lie?
# ''',
# '''
# $\mathrm{softmax}(Q K^\top / \sqrt D)\, V$, with the softmax along each row. $D$ is the length of the last axis of
# `q`.
# ''',
# '''
# `q @ k.mT / q.shape[-1] ** 0.5`, then `.softmax(-1)`, then `@ v`.
# ''',
# ]
# see = "The check says *right*. For the cat, your function then gives the same result as linviz."

# %% tags=["answer:1.1"]
from jaxtyping import Float
from torch import Tensor


def soft_lookup(
    q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]
) -> Float[Tensor, "N E"]:
    """o = softmax(q k^T / sqrt(D)) v, the softmax over keys."""
    # solution
    scores = q @ k.mT / q.shape[-1] ** 0.5  # (N, S)
    return scores.softmax(-1) @ v
    # end


checks.soft_lookup(soft_lookup)

# %% tags=["needs:1.1", "derives:softmax"]
difference = (soft_lookup(q[0, 0], k[0, 0], v[0, 0]) - soft(q, k, v)[0, 0]).abs().max()
say(f"{N} queries, {N} keys, {N * N:,} pairs. The largest difference between your "
    f"result and linviz's softmax is **{difference:.0e}**.")
assert difference < 1e-4

# %% [markdown]
# The weights of our query, one dot per key. The sum below the fraction is the same for the whole row, so every dot lies
# on one exponential curve: a score that is larger by 1 gives a weight that is 2.7 times as large. Here is the whole
# call of plotly, which draws the figures of this course:

# %%
import plotly.graph_objects as go

s = k[0, 0] @ q[0, 0, query] / D**0.5
a = s.exp() / s.exp().sum()
dots = go.Figure(go.Scatter(x=s.tolist(), y=a.tolist(), mode="markers"))
dots.update_layout(
    template="linviz", height=340, margin_t=54, title_y=0.96,
    title="One row: every weight lies on one curve",
    xaxis_title="score of the key", yaxis_title="weight of the key",
    meta={"alt": f"{N} dots, the weight of a key over its score. They lie on an "
          f"exponential curve from {a.min():.1g} to {a.max():.2f}."})
show(dots)
assert torch.allclose(a, soft.map(q, k, v).rows([query])[0, 0, 0], atol=1e-6)

# %% [markdown]
# ## 3 · Rows sum to one, columns do not
#
# A row of the map says where one query looks. The row sums to one: every patch has one unit of attention to give. A
# column says how much attention one key gets from each query.
#
# > **Predict.** There are as many queries as keys here, so the average column sums to one as well. Are all column sums
# > nearly 1? If not, which patches get much attention, and which get little?

# %%
A = soft.map(q, k, v)
rows, received = A.dense()[0, 0].sum(-1), A.column_sums()[0, 0]
show(
    heat.patch_panels(
        received.unflatten(0, (grid.Y, grid.X))[None].numpy(),
        ["the attention each patch receives"],
        bar="column sum",
        top=float(received.max()),
        columns=1,
        title="Some patches get far more attention than others",
    ).update_layout(width=560)
)
say(f"Rows sum to one, to within {(rows - 1).abs().max():.0e}. Column sums go from "
    f"**{received.min():.2f}** to **{received.max():.1f}**, and a tenth of the patches "
    f"receive {100 * received.topk(N // 10).values.sum() / N:.0f} % of all attention.")
assert received.max() > 10 > 1 > received.min() and abs(received.mean() - 1) < 1e-4

# %% [markdown]
# The formula does not constrain the columns. A key that is far from the origin, in a direction where many queries lie,
# gets much attention. A key near the origin matches no query strongly. To check that a softmax runs over the right
# axis, sum the rows.
#
# ## 4 · The first attention
#
# The formula above is from 2017. Attention is older. In 2014 a translation network had to compress a whole sentence
# into one vector before it could write a word. Bahdanau, Cho and Bengio let the network look back at all the words it
# had read. They did not multiply queries with keys; they compared the two with a small network,
#
# $$e_{ij} = w \cdot \tanh(q_i + k_j) \qquad A_{ij} = \frac{e^{e_{ij}}}{\sum_l e^{e_{il}}}.$$
#
# (In the paper $q_i$ is a matrix times the decoder's state, and $k_j$ is another matrix times the encoding of word
# $j$.) Here is one row of this map, computed pair by pair:

# %% tags=["derives:additive"]
network = linviz.make("additive", heads=1, width=D, grid=grid, seed=0).requires_grad_(
    False
)
w = network.mechanism.w[0]  # drawn at random, not learned
e = torch.stack([w @ (q[0, 0, query] + key).tanh() for key in k[0, 0]])
row = e.exp() / e.exp().sum()
theirs = network.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0]
assert torch.allclose(row, theirs, rtol=1e-3, atol=1e-7)
say(f"{N} weights from the equation and from linviz: the largest difference is "
    f"{(row - theirs).abs().max():.0e}.")

# %% [markdown]
# > **Predict.** Leave the tanh out: $e_{ij} = w \cdot (q_i + k_j)$. How many of the other 783 queries then have a row
# > that differs from our query's row?

# %%
def elsewhere(scores: Tensor) -> int:
    """How many rows differ from the query's row."""
    a = scores.softmax(-1)
    return int(((a - a[query]).abs().amax(-1) > 1e-12).sum())


pairs = q[0, 0, :, None].double() + k[0, 0].double()  # (N, S, D): the sum of every pair
counts = {
    "with tanh": elsewhere(pairs.tanh() @ w.double()),
    "without tanh": elsewhere(pairs @ w.double()),
    "dot product": elsewhere((q[0, 0] @ k[0, 0].mT).double() / D**0.5),
}
say(
    table(
        ["scores", "queries with another row"],
        [[name, f"{n}"] for name, n in counts.items()],
    )
)
assert (
    counts == {"with tanh": N - 1, "without tanh": 0, "dot product": N - 1}
    and N - 1 == 783
)

# %% [markdown]
# None. Without the tanh, $w \cdot q_i$ is added to *every* score of row $i$ and cancels in the softmax. What is left
# depends on the keys only: all queries have the same row. The tanh makes a score depend on query and key together. The
# dot product does the same by multiplication.

# %% [markdown] tags=["exercise"]
# number = "1.2"
# title = "The first attention"
# difficulty = 2
# importance = 3
# minutes = 8
# objectives = ["compare"]
# methods = ["additive"]
# task = '''
# Write additive attention for all queries: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$, `w` has $D$
# numbers. There is no $\sqrt D$ here.
# '''
# hints = [
# '''
# Every query is added to every key. Which shape has the table of all sums $q_i + k_j$?
# ''',
# '''
# $N \times S \times D$. Give `q` a new axis in the middle, and torch broadcasts both. Apply tanh; then the product with
# $w$ removes the last axis.
# ''',
# '''
# `(q[:, None] + k).tanh() @ w` is the table of scores, $N \times S$; then the softmax over keys, and `@ v`.
# ''',
# ]
# see = "The check says *right*. The next cell counts, and shows why products replaced the small network."

# %% tags=["answer:1.2"]
def additive(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"],
             w: Float[Tensor, "D"]) -> Float[Tensor, "N E"]:
    """o = softmax(e) v with e_ij = w . tanh(q_i + k_j)."""
    # solution
    scores = (q[:, None] + k).tanh() @ w  # (N, S, D) on the way, then (N, S)
    return scores.softmax(-1) @ v
    # end


checks.additive(additive)

# %% tags=["needs:1.1", "needs:1.2"]
given = q[0, 0], k[0, 0], v[0, 0]
yours = (additive(*given, w) - network(q, k, v)[0, 0]).abs().max()
made = {
    "additive": count_numbers(lambda *x: additive(*x, w), given),
    "dot product": count_numbers(soft_lookup, given),
}
say(f"Largest difference from linviz: {yours:.0e}. Numbers computed: additive "
    f"**{made['additive']:,}**, dot product **{made['dot product']:,}**, "
    f"{made['additive'] / made['dot product']:.0f} times fewer.")
assert yours < 1e-4 and made["additive"] > 10 * made["dot product"]

# %% [markdown]
# Both need about the same number of multiplications. But the network needs a tanh for each pair *and* channel, and all
# these numbers have to be stored. The product of two matrices adds up the channels at once, and computers are built for
# it. (A product has one more advantage over a tanh: it can be split into a factor of $i$ and a factor of $j$. Chapter 4
# uses this.)
#
# The network has one advantage: its scores never exceed $\sum_d |w_d|$, however large $q$ and $k$ become. A product has
# no such limit. This is why the root of $D$ is needed.
#
# ## 5 · Why the root of D
#
# Take queries and keys of $D$ independent numbers with mean 0 and variance 1. The product $q \cdot k$ is a sum of $D$
# independent terms with mean 0 and variance 1. So its variance is $D$, and the spread of the scores grows like
# $\sqrt D$. (With another mean, the product of two numbers has another variance.) An exponential then enlarges this
# spread.
#
# > **Predict.** Take 256 random keys, and $D$ from 4 to 1024. At about how many keys does a row look on average if the
# > root is left out: at $D = 4$, at $D = 64$, at $D = 1024$? And with the root?

# %%
def spread(width: int, divisor: float) -> float:
    """The mean of the effective tokens of random rows over 256 keys."""
    x, y = torch.randn(2, 256, width, generator=torch.Generator().manual_seed(0))
    return effective_tokens((x @ y.mT / divisor).softmax(-1)).mean().item()


widths = [4, 16, 64, 256, 1024]
bare, rooted = [spread(d, 1) for d in widths], [spread(d, d ** 0.5) for d in widths]
show(
    trend_lines(
        [
            Trend("divided by the root of D", "softmax", "softmax", widths, rooted),
            Trend("not divided", "softmax", "softmax", widths, bare, dash="dot"),
        ],
        Axis("width D of queries and keys", True, {str(d): d for d in widths}),
        Axis(
            "effective tokens (of 256)", True, {str(n): n for n in (1, 4, 16, 64, 256)}
        ),
        title="Without the root, wide heads look at a single key",
    )
)
say(
    "Without the root: "
    + ", ".join(f"{n:.1f} at D = {d}" for d, n in zip(widths, bare))
    + ". With the root: "
    f"{min(rooted):.0f} to {max(rooted):.0f}."
)
assert bare[-1] < 1.5 < 50 < bare[0] and min(rooted) > 0.9 * max(rooted)

# %% [markdown]
# The root keeps the spread of the scores the same for every width. It acts as a temperature, chosen so that random rows
# are soft at the start. (On real data $q$ and $k$ are not random, and the network learns their size.) Move the slider
# to change the temperature for the patch at the eye:

# %%
def warm_row(temperature: float):
    return ch01.temperature_figure(temperature, q=q, k=k, v=v, query=query, grid=grid)


Live(warm_row, ch01.TEMPERATURES, label="temperature", start=0.3)

# %% [markdown]
# A dictionary corresponds to a low temperature. Why not use one? Because a row at a low temperature cannot learn. How
# much does the output change if one score is raised a little? Raising $s_{ij}$ increases the weight of key $j$ and
# decreases all other weights in proportion. The derivative is:
#
# $$\frac{\partial o_i}{\partial s_{ij}} = A_{ij}\,(v_j - o_i).$$
#
# Each key pulls the output towards its own value, in proportion to its weight. When one key has all the weight, its
# value *is* the output, so its pull is zero. All other keys have no weight, so their pull is zero, too.

# %% [markdown] tags=["exercise"]
# number = "1.3"
# title = "What a score can move"
# difficulty = 3
# importance = 3
# minutes = 10
# objectives = ["pull"]
# task = '''
# You get the scores ($N \times S$, already scaled) and the values `v` ($S \times E$). Return the pulls of all pairs as
# a tensor of shape $N \times S \times E$. At $[i, j]$ it holds the vector $A_{ij} (v_j - o_i)$.
# '''
# hints = [
# '''
# First compute the weights, then the outputs. Which axes do $A$, $v$ and $o$ have? Which of the result's three axes is
# missing in each of them?
# ''',
# '''
# $A_{ij}$ lacks $e$, $v_{je}$ lacks $i$, and $o_{ie}$ lacks $j$. Give each a new axis where one is missing.
# ''',
# '''
# With `a = scores.softmax(-1)`: `a[:, :, None] * (v - (a @ v)[:, None])`.
# ''',
# ]
# see = "The check says *right*: the pulls of a row sum to zero. In the next cell they vanish as the temperature falls."

# %% tags=["answer:1.3"]
def pull(
    scores: Float[Tensor, "N S"], v: Float[Tensor, "S E"]
) -> Float[Tensor, "N S E"]:
    """d o_i / d s_ij = A_ij (v_j - o_i)."""
    # solution
    a = scores.softmax(-1)  # (N, S)
    return a[:, :, None] * (v - (a @ v)[:, None])  # (N, S, 1) * ((S, E) - (N, 1, E))
    # end


checks.pull(pull)

# %% tags=["needs:1.3"]
temperatures = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
some = torch.arange(0, N, 7)  # every seventh query
scores = (q[0, 0, some] @ k[0, 0].mT).double() / D ** 0.5
strongest = [
    pull(scores / t, v[0, 0].double()).norm(dim=-1).amax(-1).mean().item()
    for t in temperatures
]
show(trend_lines([Trend("softmax", "softmax", "softmax", temperatures, strongest)],
                 Axis("temperature", True, {f"{t:g}": t for t in temperatures}),
                 Axis("strongest pull (length of v per score)"),
                 title="A row learns best at a medium temperature"))
best = temperatures[strongest.index(max(strongest))]
say(f"The pull is strongest at temperature {best:g}. At 0.01 it is "
    f"{strongest[0] / max(strongest):.3f} of this maximum, at 10 it is "
    f"{strongest[-1] / max(strongest):.2f}.")
assert (
    temperatures[0] < best < 3
    and strongest[0] < 0.2 * max(strongest)
    and strongest[-1] < 0.2 * max(strongest)
)

# %% [markdown]
# ## 6 · Heads
#
# One row per query is restrictive. A patch may need to find patches with the same colour *and* patches with the same
# edges. So the channels are divided into $H$ **heads**. Each head does the whole lookup on its own channels, with its
# own map, and the outputs are put side by side. Our 16 numbers can be divided by hand: 6 for colour, 8 for edges, 2 for
# place.
#
# > **Predict.** Three heads look from the eye. Which heads find the other eye?

# %%
parts = {"colour": slice(0, 6), "edges": slice(6, 14), "place": slice(14, 16)}
heads = {name: linviz.make("softmax", heads=1, width=part.stop - part.start, grid=grid)
         for name, part in parts.items()}
maps = {
    name: m.map(*(x[..., parts[name]] for x in (q, k, v))) for name, m in heads.items()
}
PatchView(
    [Panel(name, "softmax", a) for name, a in maps.items()], photo, grid, query=query
)

# %%
rows = {name: N * a.rows(torch.tensor([query]))[0, 0, 0] for name, a in maps.items()}
other_eye = torch.zeros(grid.Y, grid.X, dtype=torch.bool)
other_eye[11:14, 20:25] = True
seen = {name: row[other_eye.flatten()].max() for name, row in rows.items()}
brightest = grid.place(int(rows["place"].argmax()))[1:]
say("The brightest patch of the other eye gets, in fair shares: "
    + ", ".join(f"{name} {x:.1f}" for name, x in seen.items())
    + f". The place head looks most at row {brightest[0] + 1}, column "
      f"{brightest[1] + 1}.")
assert min(seen["colour"], seen["edges"]) > 10 > 1.5 > seen["place"]
assert brightest == (0, 0)

# %%
each = {name: entropy(a.dense()).mean().item() for name, a in maps.items()}
together = (
    entropy(torch.stack([a.dense() for a in maps.values()]).mean(0)).mean().item()
)
say(
    table(
        ["head", "mean entropy, bits"], [[name, f"{y:.2f}"] for name, y in each.items()]
    )
)
say(f"The mean of the three is {sum(each.values()) / 3:.2f} bits. The mean of the "
    f"three maps has **{together:.2f}** bits. A picture of a layer's attention, "
    "averaged over heads, shows the attention of no head.")
assert together > sum(each.values()) / 3 + 0.2

# %% [markdown]
# The colour head finds the other eye, and the nose as well. The edge head finds the other eye, too, from different
# information. The place head does not light the surroundings of the query, as one might expect. It lights a whole side
# of the picture, and the corner most: the patch lies a little up and to the left of the middle, and the corner lies
# farthest out in this direction. The single head of all 16 numbers, above, had to make one compromise.
#
# Heads cost no extra multiplications: $H$ heads of $D$ channels need as many as one head of $H D$ channels (chapter 2
# counts them). But is more than one head ever *needed*? Could one wide head not do the same?
#
# One head cannot. Its output is $W A v$, a linear map of a **mean** of values. On a flat picture, where all values are
# the same vector $c$, the mean is $c$ again, so the output is $W c$, whatever $A$ is. Two heads may look at two
# different places and have opposite signs, $W (A_1 - A_2) v$; on a flat picture this difference is zero. A single head
# that gives zero on every flat picture has $W = 0$. **One head can only average; two heads can subtract.** Subtraction
# finds edges. Let one head look at the patch to the left and one at the patch to the right:

# %%
fine = linviz.Grid(1, 44, 44)
camera = clips.fit(clips.load("camera"), fine)
light = clips.descriptors(camera, fine)[2][..., :1]  # lightness, standardised
looks = linviz.make("softmax", heads=1, width=4, grid=fine, scale=3000.0, value_width=1)
here = ch01.compass_vectors(fine)  # keys: the place of each patch
left, right = (
    looks.map(ch01.compass_vectors(fine, 0, step), here, light) for step in (-1, 1)
)
edges = (right.apply(light) - left.apply(light))[0, 0, :, 0].abs()
panels = torch.stack((light[0, 0, :, 0] - light.min(), edges)).unflatten(
    1, (fine.Y, fine.X)
)
show(
    heat.patch_panels(
        (panels / panels.amax((1, 2), keepdim=True)).numpy(),
        ["the values: lightness", "two heads: |right - left|"],
        bar="of the largest",
        top=1.0,
        columns=2,
        title="Two heads that subtract find the edges",
    )
)
flat = torch.ones_like(light)
say("On a flat picture the two heads give "
    f"{(right.apply(flat) - left.apply(flat)).abs().max():.0e}, and each head alone "
    f"gives {left.apply(flat).mean():.0f}.")
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
# side by side. The channels of head 1 come first, then those of head 2, and so on. Do the lookup head by head. Put the
# outputs side by side in the same order: $N \times HE$.
# '''
# hints = [
# '''
# A loop over heads is fine. Without a loop, the heads need their own axis. Matrices are multiplied along the last two
# axes: where should the axis of heads go?
# ''',
# '''
# $(N, HD) \to (N, H, D) \to (H, N, D)$. The divisor is $\sqrt D$ of one head. Afterwards, reverse these steps.
# ''',
# '''
# `x.unflatten(-1, (H, -1)).transpose(0, 1)` for each of the three tensors; then the code of exercise 1.1; then
# `.transpose(0, 1).flatten(1)`.
# ''',
# ]
# see = "The check says *right*. If your code cuts tokens instead of channels, as `reshape` alone does, it says so."

# %% tags=["answer:1.4"]
def multihead(
    q: Float[Tensor, "N HD"], k: Float[Tensor, "S HD"], v: Float[Tensor, "S HE"], H: int
) -> Float[Tensor, "N HE"]:
    """H lookups, each on its own channels, side by side."""
    # solution
    # (H, tokens, width)
    q, k, v = (x.unflatten(-1, (H, -1)).transpose(0, 1) for x in (q, k, v))
    o = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v  # (H, N, E)
    return o.transpose(0, 1).flatten(1)
    # end


checks.multihead(multihead)

# %% tags=["needs:1.4"]
four = linviz.make("softmax", heads=4, width=D // 4, grid=grid)
# (1, 4, N, 4), as in linviz
split = [x[0, 0].unflatten(-1, (4, -1)).transpose(0, 1)[None] for x in (q, k, v)]
difference = (
    (
        multihead(q[0, 0], k[0, 0], v[0, 0], 4)
        - four(*split)[0].transpose(0, 1).flatten(1)
    )
    .abs()
    .max()
)
say(f"Four heads of {D // 4} channels: the largest difference between yours and "
    f"linviz's is **{difference:.0e}**.")
assert difference < 1e-4

# %% [markdown]
# ## 7 · What attention does not know
#
# > **Predict.** Put the 784 patches with their descriptions into a random order, and compute attention again. What
# > happens to the output?

# %%
order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
shuffled = soft(*(x[..., order, :] for x in (q, k, v)))
moved = (shuffled - soft(q, k, v)[..., order, :]).abs().max()
say("The output is shuffled in the same way and otherwise unchanged: the largest "
    f"difference is {moved:.0e}.")
assert moved < 1e-4

# %% [markdown]
# Attention is a lookup in a *set*. Attention does not know that a picture has rows, or that a clip has a direction of
# time. But two of the sixteen numbers of our cat's patches *are* their place.
#
# > **Predict.** Take these two numbers away. Do the patches still prefer their neighbours?

# %%
y, x = grid.places()[:, 1], grid.places()[:, 2]
near = torch.maximum((y[:, None] - y).abs(), (x[:, None] - x).abs()) == 1
near_mass = {}
for name, width in (("all sixteen numbers", 16), ("without the place", 14)):
    m = linviz.make("softmax", heads=1, width=width, grid=grid, scale=D**-0.5)
    looked = m.map(*(z[..., :width] for z in (q, k, v))).dense()[0, 0]
    near_mass[name] = 100 * (looked * near).sum(-1).mean().item()
fair = 100 * near.double().sum(-1).mean().item() / N
with_place, without_place = near_mass.values()
say(f"Of the attention of a patch, its eight neighbours get **{with_place:.1f} %** "
    f"with all sixteen numbers, and **{without_place:.1f} %** without the place. "
    f"Uniform attention gives them {fair:.1f} %.")
assert with_place > without_place > 5 * fair

# %% [markdown]
# A small part of the preference comes from the place, and most of it from the picture: neighbours look alike. If order
# matters, it must be written into the tokens or into the map; later chapters do this.
#
# ## 8 · Where the rank comes from
#
# Finally, look at the table as a matrix. The scores are a product of a $784 \times 16$ and a $16 \times 784$ matrix.
# There are 614,656 scores, but their matrix has rank 16 at most: it is a mixture of sixteen patterns. The softmax then
# takes the exponential of each score and divides each row by a number. No new query, key or channel is added.
#
# > **Predict.** The rank of the scores is at most 16. What is the rank of the map: 16, 17, a few dozen, or hundreds?

# %%
x, y = q[0, 0].double(), k[0, 0].double()
table_of_scores = x @ y.mT / D ** 0.5
exact = soft.map(*(z.double() for z in (q, k, v)))
of_scores = torch.linalg.svdvals(table_of_scores)
of_map = exact.singular_values()[0, 0]
# The descriptions of the patches are float32, so the tolerance is that of float32.
tolerance = soft.map(q, k, v).tolerance
counted = [int((x > tolerance * x[0]).sum()) for x in (of_scores, of_map)]
show(
    spectrum(
        [
            Line("scores", "factorized", "low-rank", of_scores[:D].tolist(), bound=D),
            Line(
                "softmax of the scores", "softmax", "softmax", of_map.tolist(), bound=N
            ),
        ]
    )
)
say(
    table(
        ["", "numerical rank"],
        [["scores", f"{counted[0]}"], ["softmax of the scores", f"{counted[1]}"]],
    )
)
say(f"(Singular values above {tolerance:.0e} of the largest are counted: the "
    "descriptions of the patches have the precision of float32. Chapter 3 explains "
    "this tolerance.)")
assert counted[0] == D - 1 and counted[1] > 700

# %% [markdown]
# You may have said 16. The rank of the map is *hundreds*. An exponential is a sum of all powers,
# $e^s = 1 + s + s^2/2 + \dots$. Each power, taken entry by entry of a rank-16 table, adds new patterns: 136 products of
# two channels in the square, 816 products of three channels in the cube. Dividing the rows by numbers does not change a
# rank. So the softmax not only makes rows that sum to one: **it is where the rank comes from.** Remember this when
# chapter 4 removes the exponential.
#
# (A large rank need not mean many important directions: most of those hundreds are weak. Chapter 3 explains this.) But
# why do the scores have rank 15, and not 16?

# %%
from math import comb

say(f"The sixteenth pattern of the scores is {of_scores[D - 1] / of_scores[0]:.0e} of "
    "the first: a rounding error. Eight of the sixteen numbers say how a patch's "
    "edges are divided among eight directions. They sum to one, so the eighth number "
    "follows from the other seven.")
assert of_scores[D - 1] < 1e-10 * of_scores[0] < of_scores[D - 2]
assert [comb(D + p - 1, p) for p in (1, 2, 3)] == [16, 136, 816] and N * N == 614_656

# %% [markdown]
# ## 9 · What was not shown
#
# - **Nothing was learned.** $q$, $k$ and $v$ were the same plain descriptions. In a network three learned matrices
#   compute them, and a fourth mixes the heads. The network then learns what counts as "alike" for its task.
# - **The subtracting heads were built by hand,** to show that two heads *can* subtract. Whether trained heads do so is
#   another question.
# - **A map is not an explanation.** The places where a patch looks need not decide the result (Jain and Wallace, 2019).
# - **Nothing about cost.** One small picture already has 614,656 pairs. The next chapter is about their cost.
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
