# %% [markdown] tags=["front"]
# title = "The kernel trick"
# lead = '''
# Attention is a product of three matrices with a softmax in the middle. Without the softmax, a pair of brackets may be
# moved, and the table of all pairs is never computed. This chapter moves the brackets, paints a cat with the result,
# and then asks what was lost. One part of the answer is a number, and it is much smaller than most people expect.
# '''
# questions = [
#     "How can every patch attend to every other patch without a table of all pairs?",
#     "Is linear attention \"mathematically equivalent\" to attention? Which kind, and to which attention?",
#     "What can linear attention never do, however well its features are chosen?",
# ]
# prerequisites = [
#     "Attention as a soft lookup (chapter 1) and what it costs (chapter 2).",
#     "Ranks (chapter 3) help; this chapter repeats what it needs of them.",
# ]
# minutes = {reading = 50, exercises = 45, quiz = 5}
# key_points = [
#     "Moving the bracket is always exact. Attention changes earlier, when the softmax is replaced to allow the move.",
#     "Without softmax, the dot product still ranks the keys as softmax does, but with little contrast.",
#     "In efficient attention a few templates look at the picture once, and queries mix their context vectors.",
#     "Any positive features define a kernel; a second bracket gives its row sums without the table.",
#     "Scaling queries and keys hardly sharpens a kernel with fixed features: a common factor cancels.",
#     "With M features, the mean weight of a token on itself, or on its own partner, is at most M / N.",
#     "Powers can approximate the exponential. Each degree needs D times as many features as the previous one.",
# ]
#
# [objectives]
# count = "count what both orders of the brackets cost, and say where they cross"
# bracket = "move the bracket: attention without a table"
# equivalent = "say which linear attention equals which attention with a table, and which equals none"
# templates = "read efficient attention as templates and context vectors, and write it"
# kernel = "write linear attention with positive features and its row sum"
# sharp = "predict how scaled queries and keys change softmax and a kernel"
# ceiling = "give the upper bound for a number of features, and measure how near a map comes to it"
# price = "say how many features the exponential needs, and write two terms of it"

# %% [markdown]
# ## 1 · A pair of brackets
#
# Here is the photograph of 28 × 28 patches again, each described by 16 plain numbers: colour, edges, place. In
# attention each of the 784 patches is compared with all 784. The result is a table of 614,656 weights, which is
# multiplied with the values once and then discarded.
#
# Leave the softmax out for a moment. Then attention is a product of three matrices, $Q K^\top V$, and such a product
# may be bracketed in two ways. Both give the same numbers. The figure shows both, drawn to scale: the outlined matrices
# are given, and the filled matrix has to be computed in between.

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
Live(
    ch04.brackets_figure,
    ch04.SIDES,
    label="patches along one side",
    start=28,
    form=".0f",
)

# %% [markdown]
# Move the slider to the right and watch how small the bracket becomes beside the table. Then move it all the way to the
# left.
#
# > **Predict.** At 28 × 28 patches and 16 channels the moved bracket saves a factor of 49. What factor will it save at
# > 56 × 56 patches: 49, 98 or 196? And at 4 × 4?

# %%
opening = clips.OPENING
grid = opening.grid  # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
# (1, 1, N, D) each
q, k, v = (x.double() for x in clips.descriptors(photo, grid, opening.temperature))
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)  # a patch at the corner of the eye
# (1, 1, N, 3): the mean colour of each patch
rgb = pictures.patch_colours(photo, grid).double()

soft, efficient, linear = (  # explained in section 2
    linviz.make(x, heads=1, width=D, grid=grid)
    for x in ("softmax", "efficient", "linear")
)


def operations(side: int) -> tuple[int, int]:
    """Operations with pairs first and with keys first, counted by torch."""
    x = torch.zeros(side ** 2, D)
    return flops(lambda: (x @ x.mT) @ x), flops(lambda: x @ (x.mT @ x))


counted = {side: operations(side) for side in (3, 4, 14, 28, 56)}
say(
    table(
        [
            "patches",
            "pairs first, operations",
            "keys first, operations",
            "saved, times",
        ],
        [
            [f"{side} × {side}", f"{a:,}", f"{b:,}", f"{a / b:.2f}"]
            for side, (a, b) in counted.items()
        ],
    )
)
assert all(a / b == side ** 2 / D for side, (a, b) in counted.items())

# %% [markdown]
# (An operation is a multiplication or an addition, so this table counts twice as many operations as the figure counts
# multiplications.) The factor is $N / D$, the number of patches over the number of channels. The saving depends on the
# sizes. On a picture of 4 × 4 patches with 16 channels nothing is saved, and for fewer patches the "efficient" order is
# more expensive. For small windows, such as 7 × 7 patches with 64 channels, the table is cheaper.
#
# For one query, with the divisor that keeps the size of the output as the picture grows:
#
# $$o_i = \sum_j \frac{q_i \cdot k_j}{S}\, v_j \;=\; q_i \Bigl[\frac1S \sum_j k_j^\top v_j\Bigr]$$
#
# The bracket does not contain $i$. It is one small matrix, $D \times E$, which is summed once over the picture and used
# by every query. The right-hand side is *factorized attention* in its dot version (2018). The left-hand side is the
# dot-product *non-local block* (2017). Here both are computed for our query, first pair by pair, then by linviz:

# %% tags=["derives:factorized"]
# one row of the table
row = torch.stack([(q[0, 0, query] * k[0, 0, j]).sum() / N for j in range(N)])
slow = sum(row[j] * v[0, 0, j] for j in range(N))

dot = linviz.make("factorized", heads=1, width=D, grid=grid)
block = linviz.make("nonlocal", heads=1, width=D, grid=grid, similarity="dot")
fast = dot(q, k, v)[0, 0, query]
assert torch.allclose(slow, fast, rtol=1e-12) and torch.allclose(
    fast, block(q, k, v)[0, 0, query], rtol=1e-12
)
say(f"One row with {N} products against one {D} × {D} bracket: the largest difference "
    f"is {(slow - fast).abs().max():.0e}.")

# %% [markdown] tags=["exercise"]
# number = "4.1"
# title = "Keys first"
# difficulty = 1
# importance = 5
# minutes = 5
# objectives = ["bracket"]
# methods = ["factorized"]
# task = '''
# Write dot-product attention for all queries at once: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$.
# Divide by the number of keys. Make no table of $N \times S$ numbers: the check counts.
# '''
# hints = [
# '''
# Which two of the three matrices can be multiplied without the queries?
# ''',
# '''
# $O = Q\,(K^\top V) / S$, where $K^\top V$ is $D \times E$.
# ''',
# '''
# `q @ (k.mT @ v)`, divided by `len(k)`. Without the parentheses Python multiplies from the left: pairs first.
# ''',
# ]
# see = "The check says *right*. For the cat, your function then gives the same result as linviz."

# %% tags=["answer:4.1"]
from jaxtyping import Float
from torch import Tensor


def keys_first(
    q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]
) -> Float[Tensor, "N E"]:
    """o_i = q_i [sum_j k_j v_j / S]."""
    # solution
    return q @ (k.mT @ v) / len(k)
    # end


checks.keys_first(keys_first)

# %% tags=["needs:4.1"]
yours = keys_first(q[0, 0], k[0, 0], v[0, 0])
difference = (yours - dot(q, k, v)[0, 0]).abs().max()
assert difference < 1e-12
say(f"Your result and linviz's agree on all {N} patches, to more than **twelve "
    "digits**.")

# %% [markdown]
# ## 2 · "Mathematically equivalent"?
#
# So far there was no softmax. With softmax the weight of a pair is $\exp(q_i \cdot k_j)$, divided by the sum of its
# row. (The scores $q_i \cdot k_j$ are divided by $\sqrt D$ first; we leave this out where it changes no argument.) The
# score $q_i \cdot k_j$ is a sum of $D$ products, each of a number of $i$ and a number of $j$. Its exponential is not a
# sum of a few such products. Therefore the bracket cannot be moved. Three solutions have been proposed:
#
# - **leave the softmax out**, as we just did (*factorized*);
# - **use two softmaxes**, one on the queries and one on the keys, and none between them (*efficient*);
# - **replace the exponential** by a product of positive features, and divide each row by its sum (*linear*).
#
# Here they are on the same queries and keys. Move the mouse over the picture; click to pin a patch.

# %%
PatchView(
    [Panel(m.title, m.family, m.map(q, k, v)) for m in (soft, dot, efficient, linear)],
    photo,
    grid,
    query=query,
)

# %% [markdown]
# [The same four in the
# explorer](http://localhost:8501/?source=chelsea&patches=28&specs=softmax,factorized,efficient,linear),
# with other photographs and clips (start it with `python3 start.py explore`).
#
# > **Predict.** Take for each patch its *favourite*: the key with the largest weight in its row. For which of the three
# > methods is the favourite always the same patch as under softmax?

# %%
# all tables
rows = {m.title: m.map(q, k, v).dense()[0, 0] for m in (soft, dot, efficient, linear)}
favourite = {title: a.argmax(-1) for title, a in rows.items()}
shared = {
    title: int((f == favourite[soft.title]).sum()) for title, f in favourite.items()
}
say(
    table(
        ["", "same favourite as softmax", "negative weights", "a row sums to"],
        [
            [
                title,
                f"{shared[title]} of {N}",
                f"{100 * (a < 0).double().mean():.0f} %",
                f"{a.sum(-1).mean():+.2f}",
            ]
            for title, a in rows.items()
        ],
    )
)
assert shared[dot.title] == N > 2 * max(shared[efficient.title], shared[linear.title])
assert torch.equal(rows[dot.title][query].argsort(), rows[soft.title][query].argsort())
assert (rows[soft.title].amax(-1) / rows[soft.title].median(-1).values).median() > 200

# %% [markdown]
# The answer is the method that looks least like attention. Half the weights of the dot product are negative, and its
# rows sum to zero, because our descriptors have mean zero. And yet it ranks all 784 patches exactly as softmax does, in
# every row. The exponential never changes an order. The exponential adds **contrast**: a favourite gets hundreds of
# times the weight of a median patch. The other two methods have positive weights and rows that sum to one, like
# softmax, but they change the order.
#
# Efficient attention was introduced as "mathematically equivalent" to dot-product attention. To test this claim, we
# compare each version with three things: with its own table, with the dot-product non-local block, and with softmax
# attention.

# %%
def off(one: Tensor, other: Tensor) -> str:
    """The largest difference between two outputs, in percent of the largest number."""
    x = 100 * (one - other).abs().max() / other.abs().max()
    return "equal" if x < 1e-9 else f"{x:.0f} % off"


versions = {
    "factorized, dot": dot,
    "factorized, softmax": linviz.make(
        "factorized", heads=1, width=D, grid=grid, version="softmax"
    ),
    "efficient, scaling": linviz.make(
        "efficient", heads=1, width=D, grid=grid, normalise="scale"
    ),
    "efficient, softmax": efficient,
    "linear (elu + 1)": linear,
}
block_out, soft_out = block.map(q, k, v).dense() @ v, soft(q, k, v)
found = {
    name: [
        off(m(q, k, v), other)
        for other in (m.map(q, k, v).dense() @ v, block_out, soft_out)
    ]
    for name, m in versions.items()
}
say(
    table(
        ["", "its own table", "dot-product block", "softmax attention"],
        [[name, *x] for name, x in found.items()],
    )
)
assert all(x[0] == "equal" and x[2] != "equal" for x in found.values())
assert [name for name, x in found.items() if x[1] == "equal"] == [
    "factorized, dot",
    "efficient, scaling",
]
assert torch.equal(versions["factorized, softmax"](q, k, v), efficient(q, k, v))

# %% [markdown]
# Read the table column by column.
#
# - **Moving the bracket never changed the output.** Every version equals its own table. This part of the claim is true.
# - **The dot and the scaling versions are equivalent**: to the dot-product non-local block, which has no softmax.
# - **No version is equivalent to softmax attention.** The version in common use, with two softmaxes, equals neither
#   softmax attention nor the non-local block. It is a new attention with a similar purpose. (The author's own page
#   calls it an approximation.)
#
# So the claim is true for a version that is hardly used, and false for the version in common use.
#
# Before you compare two implementations, check the divisor, too. Three divisors are in use, and linviz has all of them:

# %%
few = linviz.Grid(1, 14, 14)
less = tuple(
    x.double()
    for x in clips.descriptors(
        clips.fit(clips.load(opening.name), few), few, opening.temperature
    )
)
sizes = {}
for scale in ("positions", "channels", "sqrt"):
    small, large = (
        linviz.make("factorized", heads=1, width=D, grid=g, scale=scale)
        for g in (few, grid)
    )
    sizes[scale] = small(*less).std().item(), large(q, k, v).std().item()
say(
    table(
        ["divide by", "size of the output, 14 × 14", "28 × 28"],
        [
            [name, f"{sizes[scale][0]:.1f}", f"{sizes[scale][1]:.1f}"]
            for name, scale in (
                ("the number of positions", "positions"),
                ("the number of channels", "channels"),
                ("the root of the number of channels", "sqrt"),
            )
        ],
    )
)
grown = {scale: large / small for scale, (small, large) in sizes.items()}
assert 0.8 < grown["positions"] < 1.25 and min(grown["channels"], grown["sqrt"]) > 3

# %% [markdown]
# Only division by the number of positions keeps the size of the output when the picture grows. Only this divisor gives
# the non-local block.

# %% [markdown]
# ## 3 · Sixteen templates
#
# How does efficient attention work? It applies one softmax over the *channels* of each query, and one softmax over the
# *positions* of each channel of the keys:
#
# $$G = \operatorname{softmax}_{j}(K)^\top V \qquad\qquad o_i = \operatorname{softmax}_{d}(q_i)\; G$$
#
# The softmax of one channel of $K$ over the picture is a **template**: it says where this channel looks, and it is the
# same for every query. With its template, each channel collects one **context vector**, the weighted mean of all
# values, which is a row of $G$. A query does not look at places any more. It mixes the sixteen context vectors.
#
# Let the values be colours. Then a context vector is a colour, too.
#
# > **Predict.** Where on this cat will the template of the channel *green-red* look? And the template of *lightness*?

# %%
T = efficient.mechanism.templates(k)[0, 0]  # (N, D): one column per template
G = efficient.mechanism.context(k, rgb)[0, 0]  # (D, 3): one colour per template
assert torch.allclose(T.sum(0), torch.ones(D).double()) and torch.allclose(
    G, T.mT @ rgb[0, 0]
)


def seen(name: str, d: int) -> str:
    place = grid.place(int(T[:, d].argmax()))
    return (f"The cat lit by the template {name}, brightest at row {place[1] + 1}, "
            f"column {place[2] + 1}; its context colour is "
            f"{pictures.colour_name(G[d])}.")


Gallery(
    [
        Picture(
            name,
            pictures.lit_by(T[:, d], photo, grid, side=168),
            seen(name, d),
            G[d : d + 1],
        )
        for d, name in enumerate(ch04.CHANNELS)
    ],
    columns=8,
    width=150,
)

# %% [markdown]
# Each picture shows one template, lit as the view lights attention. The strip below shows its context colour.
# *Green-red* found the nose. The edge channels found whiskers and stripes in their own direction. The two place
# channels, *row* and *column*, simply light half the picture.
#
# Efficient attention has only these sixteen templates and sixteen colours. Every query's row is a mixture of the
# sixteen templates. In the view below, the first two panels show the two templates with the largest weights for our
# patch. These panels stay the same for every patch. The third panel shows the mixture, which changes with the patch
# under the mouse.

# %%
# our patch's weight for each template
choice = efficient.mechanism.choice(q, N)[0, 0, query]
first, second = choice.topk(2).indices.tolist()
PatchView(
    [
        *(
            Panel(
                f"{ch04.CHANNELS[d]}, {100 * choice[d]:.0f} %",
                "content-free",
                ch04.constant_map(T[:, d], N),
            )
            for d in (first, second)
        ),
        Panel(efficient.title, efficient.family, efficient.map(q, k, v)),
    ],
    photo,
    grid,
    query=query,
)

# %% [markdown]
# No divisor is needed. Each template sums to one over the picture, and each query's weights sum to one over the
# templates. Therefore each row of the map $A_{ij} = \sum_d \operatorname{softmax}_d(q_i)_d
# \operatorname{softmax}_j(k)_{jd}$ sums to one, too. The paper's code has no $1/\sqrt D$ either. There is no causal
# form, because a softmax over positions includes the future (chapter 5).

# %% [markdown] tags=["exercise"]
# number = "4.2"
# title = "Efficient attention"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["templates"]
# methods = ["efficient"]
# task = '''
# Write efficient attention for one head: `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$; the output is
# $N \times E$. Apply two softmaxes, each along its own axis. Compute the context vectors before you use the queries.
# '''
# hints = [
# '''
# One softmax gives weights of *places*, the other gives weights of *templates*. Which axis belongs to which?
# ''',
# '''
# $O = \rho_q(Q)\,\bigl(\rho_k(K)^\top V\bigr)$, with $\rho_q$ along the last axis of `q` and $\rho_k$ along the first
# of `k`.
# ''',
# '''
# `q.softmax(-1) @ (k.softmax(0).mT @ v)`.
# ''',
# ]
# see = "The check says *right*. The next cell repaints the cat with your function, as mixtures of sixteen colours."

# %% tags=["answer:4.2"]
def two_softmaxes(
    q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]
) -> Float[Tensor, "N E"]:
    """Each query's weights of the templates, times their context vectors."""
    # solution
    return q.softmax(-1) @ (k.softmax(0).mT @ v)
    # end


checks.two_softmaxes(two_softmaxes)

# %% tags=["needs:4.2", "derives:efficient"]
mixed = two_softmaxes(q[0, 0], k[0, 0], rgb[0, 0])
paints = linviz.make("efficient", heads=1, width=D, grid=grid, value_width=3)
difference = (mixed - paints(q, k, rgb)[0, 0]).abs().max()
assert difference < 1e-12
say("With colours as values, your result and linviz's agree to more than **twelve "
    "digits**.")
Gallery(
    [
        Picture(
            "the values: the patches' own colours",
            pictures.patch_mosaic(rgb, grid),
            "The cat in 28 x 28 patches, each in its own colour: the colours that are "
            "mixed.",
        ),
        Picture(
            "every patch a mixture of the sixteen",
            pictures.patch_mosaic(mixed[None, None], grid),
            "The cat in 28 x 28 patches, painted by efficient attention: browns, dark "
            "eyes, a red nose.",
        ),
    ]
)

# %% [markdown]
# ## 4 · A kernel from positive features
#
# The third solution replaces the exponential. Weights should be positive, so replace $\exp(q_i \cdot k_j)$ by
# $\phi(q_i)\cdot\phi(k_j)$ with features $\phi > 0$, and divide every row by its sum, as softmax does:
#
# $$o_i = \frac{\phi(q_i)\,\bigl[\sum_j \phi(k_j)^\top v_j\bigr]}{\phi(q_i)\,\bigl[\sum_j \phi(k_j)^\top\bigr]}
# \qquad\text{with}\qquad
# \phi(x) = \operatorname{elu}(x) + 1 = \begin{cases} x + 1 & x > 0 \\ e^x & x \le 0\end{cases}$$
#
# There are now two brackets: one for the values and one for the row sums. Neither contains $i$. This is *linear
# attention* (2020). The feature elu + 1 was chosen because it is positive, and because its slope is never exactly zero,
# so that negative channels can still learn. It was not chosen to approximate the exponential of a product, and it does
# not. (The linear attention of chapter 0 is of the same kind, with other features: relu and a small floor.)
#
# One warning for code: $\operatorname{elu}(x)$ is $e^x - 1$ below zero, and adding the 1 back loses a small $e^x$. The
# sum of $\operatorname{relu}(x)$ and $e^{\min(x, 0)}$ is the same function and keeps it. Here is our query's row,
# computed pair by pair and by linviz:

# %% tags=["derives:linear"]
def phi(x: Tensor) -> Tensor:
    return x.relu() + x.clamp_max(0).exp()


small = torch.tensor([-18.0])
assert torch.nn.functional.elu(small) + 1 == 0 and phi(small) > 0
weights = torch.stack([phi(q[0, 0, query]) @ phi(k[0, 0, j]) for j in range(N)])
row = weights / (weights.sum() + 1e-6)  # the official code adds 1e-6
theirs = linear.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0]
assert torch.allclose(row, theirs, rtol=1e-9)
say(f"{N} weights, from the equation and from linviz: the largest difference is "
    f"{(row - theirs).abs().max():.0e}.")

# %%
import plotly.graph_objects as go

x = torch.linspace(-4, 3, 71)
lines = go.Figure([
    go.Scatter(x=x.tolist(), y=phi(x).tolist(), name="elu(x) + 1", mode="lines"),
    go.Scatter(x=x.tolist(), y=x.exp().tolist(), name="exp(x)", mode="lines",
               line_dash="dash")])
lines.update_layout(
    template="linviz", height=340, margin_t=84, title_y=0.97,
    title="The same below zero, and a straight line above it",
    xaxis_title="x, one channel", yaxis_title="feature of x",
    meta={"alt": "elu(x) + 1 and exp(x) from -4 to 3. They are the same below zero. "
          f"At 3 the first is {phi(x)[-1]:.0f} and the second {x.exp()[-1]:.0f}."})
show(lines)

# %% [markdown]
# The bend at zero is needed for another reason, too. Matrix products may be bracketed in any way: this makes linear
# attention cheap. For the same reason a network of linear layers alone is never deeper than one layer: $W_3\,(W_2\,(W_1
# x)) = (W_3 W_2 W_1)\, x$. So it is the features, and the division by the row sum, that attention adds to a network.

# %%
from linviz.models.linear_mlp import collapse_layers, stack_layers

deep = stack_layers([D, 4 * D, 4, 4 * D, D])
merged, tokens = collapse_layers(deep), v[0, 0].float()
gap = (merged(tokens) - deep(tokens)).abs().max()
rank = torch.linalg.matrix_rank(merged.weight)
say(f"{len(deep)} linear layers, and the one layer that replaces them: the largest "
    f"difference is {gap:.0e}. Its matrix has the rank {rank}, the width of the "
    "narrowest layer.")
assert gap < 1e-5 and rank == 4

# %% [markdown] tags=["exercise"]
# number = "4.3"
# title = "Linear attention"
# difficulty = 3
# importance = 5
# minutes = 10
# objectives = ["kernel"]
# methods = ["linear"]
# task = '''
# Write linear attention with elu + 1 for all queries at once: `q` is $N \times D$, `k` is $S \times D$, `v` is
# $S \times E$. Divide each row by its sum plus $10^{-6}$. Make no table of $N \times S$ numbers.
# '''
# hints = [
# '''
# First compute the features of queries and keys. Then compute two sums over the keys, both without the queries.
# ''',
# '''
# $\phi(K)^\top V$ is $D \times E$; $\sum_j \phi(k_j)$ has $D$ numbers. Multiply $\phi(Q)$ with each and divide one by
# the other. $\phi(x)$ is `x.relu() + x.clamp_max(0).exp()`.
# ''',
# '''
# Put $\phi$ of `q` and `k` in their place. The numerator is `q @ (k.mT @ v)`, and the row sums are `q @ k.sum(0)`.
# These need a last axis of length one.
# ''',
# ]
# see = "The check says *right*, and the next cell shows that your result agrees with linviz's."

# %% tags=["answer:4.3"]
def linear_attention(
    q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]
) -> Float[Tensor, "N E"]:
    """o_i = phi(q_i) [sum_j phi(k_j) v_j] / (phi(q_i) [sum_j phi(k_j)] + 1e-6).

    phi(x) = elu(x) + 1: x + 1 above zero, exp(x) below.
    """
    # solution
    # elu(x) + 1 would round a small exp(x) to zero
    q, k = (x.relu() + x.clamp_max(0).exp() for x in (q, k))
    # (D, E) in one bracket, (D,) in the other
    return q @ (k.mT @ v) / (q @ k.sum(0)[:, None] + 1e-6)
    # end


checks.linear_attention(linear_attention)

# %% tags=["needs:4.3"]
difference = (
    (linear_attention(q[0, 0], k[0, 0], v[0, 0]) - linear(q, k, v)[0, 0]).abs().max()
)
assert difference < 1e-12
say(f"Your result and linviz's agree on all {N} patches, to more than **twelve "
    "digits**.")

# %% [markdown]
# Now repaint the cat with each method. The values are the colours of the patches, so the output of attention is a
# picture: each patch gets the mean colour of the patches it looks at. If patches look at similar patches, the output is
# the cat. If they look at everything, the output has the mean colour of the photograph everywhere.
#
# > **Predict.** In chapter 0 softmax kept nearly all of the contrast. Linear attention with the features relu + floor
# > kept an eighth. How much will efficient attention keep with its sixteen templates: four fifths, two fifths, or a
# > tenth? Will elu + 1 keep more than an eighth, or less?

# %%
def painted(name: str) -> Tensor:
    return linviz.make(name, heads=1, width=D, grid=grid, value_width=3)(q, k, rgb)


def vivid(x: Tensor) -> float:
    """Contrast left, in percent of the contrast of the photograph's patches."""
    return (100 * x.std(-2).mean() / rgb.std(-2).mean()).item()


def side_by_side(paintings: dict[str, Tensor]) -> Gallery:
    return Gallery(
        [
            Picture(
                f"{title}: {vivid(x):.0f} % of the contrast",
                pictures.patch_mosaic(x, grid),
                f"The cat in 28 x 28 patches, {title}: {vivid(x):.0f} % of the "
                "photograph's contrast.",
            )
            for title, x in paintings.items()
        ]
    )


paintings = {m.title: painted(m.name) for m in (soft, efficient, linear)}
side_by_side({"the patches": rgb, **paintings})

# %%
bits = {
    m.title: linviz.read(m, q, k, v).summary(spectrum=False)["entropy"]
    for m in (soft, efficient, linear)
}
say(
    "Mean entropy of a row: "
    + ", ".join(f"{title} {x:.2f}" for title, x in bits.items())
    + f" bits; uniform attention has {torch.tensor(N).log2():.2f}. Entropy agrees with "
      "the pictures. One bit more means twice as many patches with equal weights."
)
assert (
    vivid(paintings[linear.title])
    < 15
    < vivid(paintings[efficient.title])
    < 60
    < 90
    < vivid(paintings[soft.title])
)
assert bits[soft.title] < bits[efficient.title] - 1 < bits[linear.title] - 2

# %% [markdown]
# Softmax paints a clear cat: each patch takes the colours of similar patches. Efficient attention keeps the nose and
# the eyes, because it has templates for them. elu + 1 paints an almost uniform colour in which two eyes are barely
# visible.
#
# ## 5 · Larger queries and keys are not sharper
#
# Perhaps the queries and keys are only too small? Softmax can be made as sharp as desired: multiply all queries and
# keys by a large number, and the largest score moves away from the others. A network can learn to do this.
#
# > **Predict.** Multiply every query and every key by 10. Softmax then looks at one single patch. How many patches
# > does elu + 1 look at: about one, about fifty, about five hundred?

# %%
FACTORS = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
relu = linviz.make("relu", heads=1, width=D, grid=grid)


def spread(m, factor: float) -> float:
    return entropy(m.map(factor * q, factor * k, v).dense()).mean().item()


entropies = {
    m.title: [spread(m, x) for x in FACTORS] for m in (soft, efficient, linear, relu)
}
lines = [
    growth.Trend(m.title, m.spec, m.family, FACTORS, entropies[m.title])
    for m in (soft, efficient, linear, relu)
]
show(
    growth.trend_lines(
        lines,
        growth.Axis("queries and keys, times", log=True),
        growth.Axis("mean entropy H (bits)"),
        title="Larger queries and keys concentrate softmax; a kernel hardly changes",
    )
)
at = FACTORS.index(10.0)
say(f"Multiplied by ten, softmax looks at {2 ** entropies[soft.title][at]:.2f} "
    f"patches, efficient attention at {2 ** entropies[efficient.title][at]:.1f}, elu + "
    f"1 at **{2 ** entropies[linear.title][at]:.0f}**, relu at "
    f"{2 ** entropies[relu.title][at]:.0f}, the same as for every other factor.")
assert (
    max(entropies[relu.title]) - min(entropies[relu.title]) < 0.01
    and entropies[linear.title][at] > 8.9
)

# %% [markdown]
# The flat line has a simple reason. For relu, $\phi(c\,x) = c\,\phi(x)$: the factor $c$ appears in numerator and
# denominator and cancels. For large inputs, elu + 1 is nearly the same as relu. A kernel of this kind cannot be
# sharpened by scaling its inputs. Sharpness would have to come from the shape of $\phi$, which is the subject of
# chapters 11 and 13.
#
# Efficient attention *can* be sharpened, because it uses real softmaxes. But look at which patches it then concentrates
# on:

# %%
sharpened = {
    m.title: m.map(10 * q, 10 * k, v).dense()[0, 0].argmax(-1).unique()
    for m in (soft, efficient)
}
say(f"Multiplied by ten, the {N} patches together have {len(sharpened[soft.title])} "
    f"different favourites under softmax, and **{len(sharpened[efficient.title])}** "
    "under efficient attention.")
assert len(sharpened[efficient.title]) <= 20 < 100 < len(sharpened[soft.title])
PatchView(
    [
        Panel(f"{m.title}, queries and keys × 2", m.family, m.map(2 * q, 2 * k, v))
        for m in (soft, efficient, linear)
    ],
    photo,
    grid,
    query=query,
)

# %% [markdown]
# Move to a few patches. Softmax finds similar patches for each of them. Efficient attention jumps between a few places,
# hardly more than one per template. Many different queries get the same place, such as the reddest or the brightest
# patch of the picture. The rows are sharp, but they depend little on the query.
#
# ## 6 · Sixteen of seven hundred and eighty-four
#
# This raises a question about *every* linear attention. Suppose the features are as good as possible: learned, gated,
# or taken from another network. Each query and each key has sixteen positive numbers.
#
# > **Predict.** Take a very simple task: *every patch keeps as much attention as possible for itself*. All
# > $2 \cdot 784 \cdot 16$ features are free, and gradient ascent may change them until the result no longer improves.
# > How much can a patch keep on average: nearly all, about a half, about a sixteenth, or about a fiftieth?

# %%
kept, ceiling = ch04.climb_features(N, D, steps=150), D / N
way = growth.Trend(
    "free features",
    "linear+gate",
    "kernel",
    range(0, 151, 5),
    [100 * x for x in kept[::5]],
)
show(
    growth.trend_lines(
        [way],
        growth.Axis("steps of gradient ascent"),
        growth.Axis("a patch keeps for itself (%, mean)"),
        levels={f"16 / 784 = {100 * ceiling:.2f} %": 100 * ceiling},
        title="Gradient ascent soon reaches a ceiling",
    )
)
say(f"The free features reach **{100 * kept[-1]:.2f} %**. The ceiling is $M / N = 16 / "
    f"784 = {100 * ceiling:.2f}$ %.")
assert 0.99 * ceiling < kept[-1] < ceiling

# %% [markdown]
# The result is two percent, although all features were free. Why? Three facts about the map $A$ explain it:
#
# 1. It is a product of an $N \times M$ and an $M \times N$ matrix, so at most $M$ of its eigenvalues are not zero.
# 2. Its rows are probability distributions, so no eigenvalue is larger than 1: an average is never larger than its
#    largest term.
# 3. The weights that patches give to themselves are on the diagonal, and the sum of the diagonal equals the sum of the
#    eigenvalues.
#
# $$\sum_i A_{ii} = \sum_i \lambda_i \;\le\; M \qquad\text{so on average}\qquad \overline{A_{ii}} \le \frac MN$$
#
# The bound does not depend on where the features come from. It also holds when every patch has **its own partner**
# instead of itself: the patch to its right, the same place in the previous frame, or the matching point in a second
# photograph. Number the keys by their partners, and the same three facts hold. *If every query must point to a
# different key, it takes as many features as there are queries.*
#
# The bound does not limit single rows. A single patch can keep all its attention for itself. All patches can look at
# the same patch and nowhere else: this map is as sharp as possible and has rank one. Sharp rows are cheap. Rows that
# are sharp in *different* places are expensive.

# %% [markdown] tags=["exercise"]
# number = "4.4"
# title = "The weight on oneself"
# difficulty = 3
# importance = 4
# minutes = 8
# objectives = ["ceiling"]
# task = '''
# Take features `phi_q` and `phi_k`, both $N \times M$. Return the weight $A_{ii}$ that each token gives to itself: $N$
# numbers. Each row of the map is divided by its sum, with nothing added to the sum. You need the diagonal of an
# $N \times N$ table, but do not compute the table.
# '''
# hints = [
# '''
# $A_{ii}$ needs one weight and one row sum. You know how to compute row sums without rows.
# ''',
# '''
# $A_{ii} = \phi(q_i)\cdot\phi(k_i) \,\big/\, \phi(q_i)\cdot\sum_j\phi(k_j)$.
# ''',
# '''
# `(phi_q * phi_k).sum(-1)`, divided by `phi_q @ phi_k.sum(0)`.
# ''',
# ]
# see = "The check says *right*. The next cell measures how near the methods of this chapter come to the ceiling."

# %% tags=["answer:4.4"]
def own_share(
    phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "N M"]
) -> Float[Tensor, "N"]:
    """A_ii of every token, without the table."""
    # solution
    return (phi_q * phi_k).sum(-1) / (phi_q @ phi_k.sum(0))
    # end


checks.own_share(own_share)

# %% tags=["needs:4.4"]
ceiling, relu = D / N, linviz.make("relu", heads=1, width=D, grid=grid)
features = {
    "linear (elu + 1)": (phi(q), phi(k)),
    "relu": (q.relu(), k.relu()),
    "efficient": (q.softmax(-1), k.softmax(-2)),
    "efficient, queries and keys × 10": ((10 * q).softmax(-1), (10 * k).softmax(-2)),
}
mine = {
    name: own_share(*(x[0, 0] for x in pair)).mean().item()
    for name, pair in features.items()
}
exact = {
    m.title: m.map(q, k, v).dense()[0, 0].trace().item() / N
    for m in (linear, relu, efficient)
}
assert (
    all(abs(mine[title] - x) < 1e-6 for title, x in exact.items())
    and max(mine.values()) < ceiling
)
point = v / v.norm(dim=-1, keepdim=True)  # descriptors of length one
strict = linviz.make("softmax", heads=1, width=D, grid=grid, scale=300.0)
sharp = strict.map(point, point, v).dense()[0, 0].trace().item() / N
assert sharp > 0.99
say(
    table(
        ["", "mean weight of a patch on itself"],
        [
            *([name, f"{100 * x:.2f} %"] for name, x in mine.items()),
            ["the ceiling, 16 / 784", f"{100 * ceiling:.2f} %"],
            ["sharp softmax, descriptors of length one", f"{100 * sharp:.1f} %"],
        ],
    )
)

# %% [markdown]
# Softmax has no such ceiling. With the same sixteen channels per patch, every patch keeps nearly all its attention for
# itself, because the exponential creates $N$ independent rows from $D$ channels.
#
# ## 7 · Approximating the exponential
#
# How can sixteen channels give 784 independent rows? The exponential is a sum of powers, and each power is a product of
# features:
#
# $$e^x = 1 + x + \tfrac{x^2}{2} + \dots \qquad\qquad (q\cdot k)^2 = \sum_{a,b} (q_a q_b)(k_a k_b)$$
#
# The square of $q \cdot k$ is the dot product of $D^2$ features $q_a q_b$. The cube takes $D^3$ features. So softmax
# *is* a kernel with infinitely many features. The classical **kernel trick** replaces such features by a simple
# function of $q \cdot k$ and never computes them. Linear attention does the opposite: it gives up the function and uses
# features that are few enough to compute. We can stop the series at any even degree and move the bracket. (At an odd
# degree the weights may be negative.)
#
# The **divergence** measures how near a shortened series is to softmax, row by row:
# $\mathrm{KL} = \sum_j p_j \log_2 (p_j / a_j)$. Here $p_j$ are the weights of softmax and $a_j$ are the weights of the
# series. KL is the number of bits lost by using $a_j$ in place of $p_j$, and 0 if both are the same.
#
# > **Predict.** How many different products of at most four of our sixteen channels are there: fewer than the 784
# > patches of the picture, or more?

# %%
x = (q @ k.mT)[0, 0] / D ** 0.5  # the scores of softmax
p = x.softmax(-1)
DEGREES = (2, 4, 6, 8)


def series(degree: int) -> Tensor:
    terms = [torch.ones_like(x)]
    for n in range(1, degree + 1):
        terms.append(terms[-1] * x / n)  # x^n / n!
    w = sum(terms)
    return w / w.sum(-1, keepdim=True)


away = [divergence(series(n), p).mean().item() for n in DEGREES]
plain = divergence(rows[linear.title], p).mean().item()
needed = [ch04.features_needed(D, n) for n in DEGREES]
show(
    growth.trend_lines(
        [growth.Trend("1 + x + ... + xⁿ / n!", "fastmax", "kernel", needed, away)],
        growth.Axis("features needed (degree 2, 4, 6, 8)", log=True),
        growth.Axis("divergence from softmax KL (bits)"),
        levels={f"elu + 1, 16 features: {plain:.2f}": plain},
        at={"as many features as patches": N},
        title="From degree 4 on, the features cost more than the table",
    )
)
say(table(["degree", "features", "divergence from softmax, bits", "entropy, bits"],
          [[f"{n}", f"{count:,}", f"{y:.2f}", f"{entropy(series(n)).mean():.2f}"]
           for n, count, y in zip(DEGREES, needed, away)]))
assert (
    needed[0] < N < needed[1] == 4845
    and plain > 2 * away[0]
    and away == sorted(away, reverse=True)
)

# %% [markdown]
# Two terms after the 1 are affordable, and they remove more than half of the divergence of elu + 1. At degree 4 there
# are 4,845 features for 784 patches. These features take more numbers than the table that they should avoid, and more
# work to multiply. The figure shows the trade-off: the exponential needs either all pairs or all products of channels.
# (*Performer* uses random samples of the features instead, and other methods change the goal: [every kernel that linviz
# knows, on this cat](http://localhost:8501/atlas?family=kernel).)

# %% [markdown] tags=["exercise"]
# number = "4.5"
# title = "Two terms of the exponential"
# difficulty = 4
# importance = 4
# minutes = 14
# objectives = ["price", "kernel"]
# methods = ["fastmax"]
# task = '''
# Write attention with the weight $1 + x + x^2/2$ in place of $e^x$, where $x = q \cdot k / \sqrt D$. `q` is
# $N \times D$, `k` is $S \times D$, `v` is $S \times E$. Divide by the row sum. (Add nothing to the sum: a weight is
# never below one half.) The work must grow with $N$, not with $N^2$, so make no table.
# '''
# hints = [
# '''
# Find features $\phi$ with $\phi(q)\cdot\phi(k) = 1 + x + x^2/2$. Then the exercise is 4.3 with another $\phi$. You
# need three groups of features, one for each term.
# ''',
# '''
# With $\hat q = q / D^{1/4}$ and $\hat k = k / D^{1/4}$: $x = \hat q\cdot\hat k$, and $\phi(q) = \bigl[\,1;\ \hat q;\
# \hat q_a \hat q_b / \sqrt 2 \text{ for all } a, b\,\bigr]$.
# ''',
# '''
# All products of two channels: `(x[:, :, None] * x[:, None, :]).flatten(1)`. Join with `torch.cat((ones, x, products
# / 2 ** 0.5), 1)`, where `ones` is $N \times 1$.
# ''',
# ]
# see = "The check says *right*. Then torch counts the operations of your attention, elu + 1 and softmax."

# %% tags=["answer:4.5"]
def taylor_attention(
    q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], v: Float[Tensor, "S E"]
) -> Float[Tensor, "N E"]:
    """Weights 1 + x + x^2/2 with x = q.k/sqrt(D), without a table."""

    # solution
    def phi(x):
        x = x / x.shape[1] ** 0.25
        products = (x[:, :, None] * x[:, None, :]).flatten(1)  # (N, D * D)
        return torch.cat((torch.ones_like(x[:, :1]), x, products / 2**0.5), 1)

    q, k = phi(q), phi(k)  # (N, 1 + D + D^2)
    return q @ (k.mT @ v) / (q @ k.sum(0))[:, None]
    # end


checks.taylor_attention(taylor_attention)

# %% tags=["needs:4.5"]
one = tuple(t[0, 0] for t in (q, k, v))
scores = one[0] @ one[1].mT / D**0.5
two_terms = 1 + scores + scores**2 / 2  # as a table, to compare with
two_terms = two_terms / two_terms.sum(-1, keepdim=True)
assert torch.allclose(taylor_attention(*one), two_terms @ one[2], rtol=1e-9)
work = {
    "elu + 1": flops(linear, q, k, v),
    "two terms": flops(taylor_attention, *one),
    "softmax": flops(soft, q, k, v),
}
say(
    "; ".join(f"{name}: {n:,} operations" for name, n in work.items())
    + f". At {N} patches two terms save a factor of "
      f"{work['softmax'] / work['two terms']:.1f}, and four times this factor at four "
      "times as many patches."
)
assert work["elu + 1"] < work["two terms"] < work["softmax"]
side_by_side(
    {
        "with elu + 1": painted("linear"),
        "with two terms": taylor_attention(*one[:2], rgb[0, 0])[None, None],
        "with softmax": painted("softmax"),
    }
)

# %% [markdown]
# ## 8 · What was not shown
#
# - **Nothing was trained.** Here $q = k$, raw descriptors. A network that is trained *with* a linear attention learns
#   queries and keys that suit it, so a trained layer may be less uniform than the maps of this photograph. The ceiling
#   of section 6 holds for every network.
# - **One head, one layer.** Each head has a ceiling of its own, and most layers add their input to their output, so a
#   patch need not attend to itself to keep its information. It remains expensive that every patch looks at a
#   *different* other patch.
# - **Operations are not seconds.** The time that is saved depends on the machine, and a fused softmax is hard to beat
#   at 784 patches.
# - **Pointing is not everything.** Grouping, averaging over regions and colour statistics need few directions, and
#   attention in images does much of this.
#
# Sources: *Efficient attention*, Shen et al., 2018, arXiv 1812.01243, whose first version calls it factorized
# attention; *Transformers are RNNs*, Katharopoulos et al., 2020, arXiv 2006.16236; *Non-local neural networks*, Wang et
# al., 2017, arXiv 1711.07971. Chapter 5 shows what happens when the brackets become running sums.
#
# ## 9 · Tell a friend
#
# Close the notebook and say aloud: *how can it be cheap to attend to everything, and what is lost?* Then compare.
#
# <details><summary>One way to say it</summary>
#
# Attention computes a table of all pairs, only to multiply it with the values. Suppose the weight of a pair is a dot
# product of a few features of the query and of the key. Then we may start at the other end and sum feature times value
# over all keys. The sum is one small matrix, which every query uses. This step loses nothing. The loss happens earlier:
# softmax's exponential is not a dot product of few features, so it must be replaced, and contrast is lost with it.
# Larger queries and keys do not restore the contrast, because in such a kernel a common factor cancels when the row is
# divided by its sum. And however good the features are, $M$ features cannot let $N$ patches each look at a different
# place: on average, at most a share $M / N$ of a row is at its own place.
#
# </details>
#
# ## Quiz

# %%
quizzes.brackets
