# %% [markdown] tags=["front"]
# title = "Random features"
# lead = '''
# The exponential of a product is a mean over random directions. Draw the directions once, and the softmax needs no
# table of pairs any more: on average. This chapter draws them, paints with negative attention, measures when one kind
# of features is better than another, and finds a leak through which the future reached the past in public code.
# '''
# questions = [
#     "How can random numbers replace the exponential of a product?",
#     "Why do people use positive features, although other features are more accurate?",
#     "How can a causal attention with a correct mask still see the future?",
# ]
# prerequisites = [
#     "Linear attention with positive features (chapter 4).",
#     "Running sums in causal attention (chapter 5) for section 6.",
# ]
# minutes = {reading = 37, exercises = 38, quiz = 6}
# key_points = [
#     "exp(x·y) is the mean of a product of two features over random directions. One draw is an estimate.",
#     "Trigonometric features can be negative. For short vectors they are better; for long vectors they fail wildly.",
#     "Positive features fail gently: for long vectors they are no better than nothing, but not a hundred times worse.",
#     "The error grows with the length of queries and keys much faster than it falls with more directions.",
#     "Orthogonal directions help trigonometric features of short vectors. Elsewhere they help little or not at all.",
#     "Two draws give two maps. M directions bound the rank by M (trigonometric: 2 M).",
#     "A maximum over all keys does not cancel when an eps is added: then the future leaks into the past.",
# ]
#
# [objectives]
# estimate = "write positive random features, and say what their product estimates"
# kinds = "compare trigonometric and positive features by the length of queries and keys"
# directions = "draw orthogonal directions, and say when they help"
# draws = "say what changes from draw to draw, and what does not"
# leak = "find and repair a leak from the future"

# %% [markdown]
# ## 1 · The exponential as a mean
#
# Softmax attention needs $\exp(q_i \cdot k_j / \sqrt D)$ for all pairs. Linear attention needs a product of features.
# *Performer* (Choromanski and others, 2020) connects both by a simple fact. Let $w$ be a vector of independent standard
# normal numbers. Then for all vectors $x$ and $y$
#
# $$e^{x \cdot y} \;=\; \operatorname{mean}_w\; \Bigl[\, e^{w \cdot x - |x|^2/2}\;\; e^{w \cdot y - |y|^2/2} \,\Bigr].$$
#
# Why? $w \cdot (x + y)$ is a normal number with the variance $|x + y|^2$, and the mean of $e^g$ for such a number is
# $e^{|x + y|^2/2}$. Now $|x + y|^2/2 = |x|^2/2 + |y|^2/2 + x \cdot y$. The first two terms are taken away again, and
# $x \cdot y$ is left.
#
# The first factor depends on $x$ only, the second on $y$ only. So draw $M$ directions $w_1, \dots, w_M$ *once*, and use
# them for all tokens. Then $\phi(x)_m = e^{w_m \cdot x - |x|^2/2} / \sqrt M$ is a feature, and $\phi(x) \cdot \phi(y)$
# is a mean over $M$ directions. These features are **positive**. Nothing is assumed about the map: neither that its
# rank is low (chapter 8), nor that few weights are large (chapter 10). What remains is the error of a mean, and we
# shall measure it.
#
# There is a second way, with cosines and sines. Because $x \cdot y = |x|^2/2 + |y|^2/2 - |x - y|^2/2$,
#
# $$e^{x \cdot y} = e^{|x|^2/2}\; e^{|y|^2/2}\; e^{-|x - y|^2/2}.$$
#
# The last factor is the mean of $\cos(w \cdot x - w \cdot y)$ over random directions. And the cosine of a difference
# is a sum of two products: $\cos(a - b) = \cos a \cos b + \sin a \sin b$. So the **trigonometric** features are
#
# $$\phi(x) = \tfrac{1}{\sqrt M}\, e^{|x|^2/2}\, \bigl[\cos(w_m \cdot x),\ \sin(w_m \cdot x)\bigr]_{m = 1 \dots M},$$
#
# two for each direction.
#
# > **Predict before you run.** We take pairs of patches and estimate their exponentials with 256 directions, in both
# > ways. Which way is more accurate? And which way can give negative numbers?

# %%
import plotly.graph_objects as go
import torch

import linviz
from linviz import clips
from linviz.course import Live, checks, pictures, quizzes, say, show, table
from linviz.course.pictures import Gallery, Picture
from linviz.course.scenes import ch07
from linviz.figures import theme
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENING


def described(grid: linviz.Grid):
    """The cat on a grid of patches: clip, and q, k, v in float64."""
    clip = clips.fit(clips.load(opening.name), grid)
    inputs = clips.descriptors(clip, grid, opening.temperature)
    return clip, *(x.double() for x in inputs)


grid = linviz.Grid(1, 14, 14)
photo, q, k, v = described(grid)
N, D = q.shape[-2:]
x, y = (z[0, 0] * D ** -0.25 for z in (q, k))                # x.y is q.k / sqrt(D)
generator = torch.Generator().manual_seed(0)
w = torch.randn(256, D, generator=generator).double()


def positive(x):
    return (x @ w.mT - x.square().sum(-1, keepdim=True) / 2).exp() / len(w) ** 0.5


def trigonometric(x):
    both = torch.cat(((x @ w.mT).cos(), (x @ w.mT).sin()), -1)
    return (x.square().sum(-1, keepdim=True) / 2).exp() * both / len(w) ** 0.5


KINDS = {"positive": positive, "trigonometric": trigonometric}
ratio, truth = {}, {}
for length in (0.3, 1.0):
    exact = (length ** 2 * x @ y.mT).exp()
    for name, phi in KINDS.items():
        found = phi(length * x) @ phi(length * y).mT
        ratio[name, length] = (found / exact)[::10, ::10].flatten()
    truth[length] = exact[::10, ::10].flatten()
say(table(["estimate / truth", "middle half of the pairs", "negative"],
          [[f"{name}, queries and keys × {length}",
            f"{r.quantile(0.25):.3g} to {r.quantile(0.75):.3g}",
            f"{100 * (r < 0).double().mean():.0f} %"]
           for (name, length), r in ratio.items()]))
off = {name: (ratio[name, 0.3] - 1).abs().median() for name in KINDS}
assert off["trigonometric"] < 0.8 * off["positive"]
assert (ratio["trigonometric", 1.0] < 0).double().mean() > 0.3
assert all(ratio["positive", length].min() > 0 for length in truth)

# %%
LOW, HIGH = 0.4, 1.6
figure = go.Figure(layout={
    "template": "linviz", "height": 420, "margin": {"t": 96, "r": 24},
    "title": theme.top_title("Short vectors (× 0.3): both estimates are near 1"),
    "xaxis": {"type": "log", "title": "true exponential exp(x·y)"},
    "yaxis": {"title": "estimate / truth", "range": [LOW, HIGH]},
    "meta": {"alt": "Estimates of exponentials divided by the truth, for 400 pairs of "
                    "patches whose vectors are multiplied by 0.3. Both kinds lie "
                    "around 1; the trigonometric points lie closer to 1 than the "
                    "positive points."}})
for name, mark, hue in (("positive", "circle", "kernel"),
                        ("trigonometric", "x", "softmax")):
    figure.add_trace(go.Scatter(
        x=truth[0.3], y=ratio[name, 0.3].clamp(LOW, HIGH), mode="markers", name=name,
        marker={"symbol": mark, "size": 6, "opacity": 0.6,
                "color": theme.style("performer", hue).hue}))
figure.add_hline(y=1, line=theme.level_line(False))
show(figure)

# %% [markdown]
# For short vectors the trigonometric features are *more* accurate. Many texts say "positive features are
# better". They are not better everywhere. Look at the last line of the table for the reason why they are used: at full
# length many of the trigonometric estimates are negative, and most are far off. A positive feature cannot give a
# negative weight.

# %% [markdown] tags=["exercise"]
# number = "7.1"
# title = "Positive features"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["estimate"]
# methods = ["performer"]
# task = '''
# `x` is $N \times D$ and has been multiplied by $D^{-1/4}$ already. `w` is $M \times D$: one random direction per row.
# Return the positive features, $N \times M$. The product of two rows should be a mean over the directions.
# '''
# hints = [
# '''
# A mean over $M$ directions divides by $M$. How is this divisor shared between the two features?
# ''',
# '''
# $\phi(x)_m = \exp(w_m \cdot x - |x|^2 / 2) / \sqrt M$, where $|x|^2$ is the sum of the squares of one token.
# ''',
# '''
# `half = x.square().sum(-1, keepdim=True) / 2` is one number per token; subtract it from `x @ w.mT`.
# ''',
# ]
# see = "The check says *right*. A later cell computes attention without a table with your features, as linviz does."

# %% tags=["answer:7.1"]
from jaxtyping import Float
from torch import Tensor


def positive_features(x: Float[Tensor, "N D"],
                      w: Float[Tensor, "M D"]) -> Float[Tensor, "N M"]:
    """Features whose products are estimates of exp(x.y)."""
    # solution
    half = x.square().sum(-1, keepdim=True) / 2
    return (x @ w.mT - half).exp() / len(w) ** 0.5
    # end


checks.positive_features(positive_features)

# %% [markdown]
# ## 2 · The same in linviz
#
# A row of attention is divided by its sum. So a common factor of all features of a query, or of all keys, cancels, and
# code may subtract a maximum before the exponential to keep numbers small. Public code then adds a small *eps* to every
# feature. linviz's Performer has four kinds of features. Here are all of them, each from its formula:

# %% tags=["derives:performer"]
def rows_of(phi_q, phi_k):
    """Linear attention as a table: products of features, rows divided by sums."""
    a = phi_q @ phi_k.mT
    return a / a.sum(-1, keepdim=True)


def along_and_half(x, w):
    return x @ w.mT, x.square().sum(-1, keepdim=True) / 2


def by_formula(kind: str, w):
    (a_q, h_q), (a_k, h_k) = along_and_half(x, w), along_and_half(y, w)
    if kind == "positive":                                   # eps = 1e-4 in each
        phi_q = (a_q - h_q - a_q.amax(-1, keepdim=True)).exp() + 1e-4
        return phi_q, (a_k - h_k - a_k.max()).exp() + 1e-4
    if kind == "trigonometric":
        return tuple(h.exp() * torch.cat((a.cos(), a.sin()), -1)
                     for a, h in ((a_q, h_q), (a_k, h_k)))
    if kind == "relu":                                       # not an estimate of exp
        return a_q.relu() + 1e-3, a_k.relu() + 1e-3
    return q[0, 0].softmax(-1), k[0, 0].softmax(0)           # none: two softmaxes


for kind in ("positive", "trigonometric", "relu", "none"):
    count = {} if kind == "none" else {"directions": 64}
    performer = linviz.make("performer", heads=1, width=D, grid=grid, kind=kind,
                            **count).double()
    mine = rows_of(*by_formula(kind, performer.mechanism.w))
    assert torch.allclose(mine, performer.map(q, k, v).dense()[0, 0], atol=1e-9), kind
say("Four kinds of features, from their formulas and from linviz: equal.")
standard = linviz.make("performer", heads=1, width=D, grid=grid).double()
bits = linviz.concentration.entropy(standard.map(q, k, v).dense()).mean().item()
_, phi_k = by_formula("positive", standard.mechanism.w)
below = (phi_k < 2e-4).double().mean().item()                # less than eps without eps
say(f"With linviz's default eps, {100 * below:.1f} % of the keys' features are smaller "
    f"than eps. The rows have {bits:.2f} bits on average; uniform rows have "
    f"{torch.tensor(N).log2():.2f}.")
assert bits > 7.55 and below > 0.9

# %% tags=["needs:7.1"]
plain = ch07.random_features("positive", grid, D, directions=64).double()
phi_q, phi_k = (positive_features(z, plain.mechanism.w) for z in (x, y))
out = phi_q @ (phi_k.mT @ v[0, 0]) / (phi_q @ phi_k.sum(0)[:, None])
assert torch.allclose(out, plain(q, k, v)[0, 0], atol=1e-9)
say("Your features, with the keys first and no table: equal to linviz's Performer "
    "without an eps.")

# %% [markdown]
# *None* is efficient attention again (chapter 6). *relu* is a kernel with random directions that estimates nothing. And
# eps is a floor: on this cat, with linviz's defaults (those of a public package), nearly all features of the keys lie
# below the floor, and the map is nearly uniform. In this chapter we therefore leave eps out, except in section 6.
#
# What is gained? With $M$ features the cost grows as $N M$ and not as $N^2$. What is lost? The rank of the map is at
# most $M$, or $2M$ for cosines and sines, and the weights are estimates.
#
# ## 3 · Negative attention
#
# Now the whole map. In the view, orange weights are positive and blue weights are negative.
#
# > **Predict.** We multiply queries and keys by 0.7, so that softmax is less sharp. What does a picture of
# > trigonometric attention look like? And what does a cat look like that is painted with it?

# %%
def three_maps(length: float, directions: int = 256):
    """Softmax, positive and trigonometric features, for queries and keys × length."""
    made = {"softmax": linviz.make("softmax", heads=1, width=D, grid=grid)}
    made |= {f"{kind} features": ch07.random_features(kind, grid, D, directions)
             for kind in ("positive", "trigonometric")}
    return {name: m.double().map(length * q, length * k, v) for name, m in made.items()}


long = three_maps(0.7)
query = grid.number(0, 6, 6)
PatchView([Panel(name, "softmax" if name == "softmax" else "kernel", a)
           for name, a in long.items()], photo, grid, query=query)

# %%
colours = pictures.patch_colours(photo, grid).double()
tokens = linviz.concentration.effective_tokens(long["softmax"].dense())[0, 0]
say(f"Softmax × 0.7: the row of this query has **{tokens[query]:.1f}** effective "
    f"tokens; the mean over all queries is {tokens.mean():.0f} of {N}.")
painted = {name: a.apply(colours) for name, a in long.items()}
outside = {name: 100 * ((x < 0) | (x > 1)).double().mean().item()
           for name, x in painted.items()}
assert outside["softmax"] == outside["positive features"] == 0
low, high = (x.item() for x in painted["trigonometric features"].aminmax())
say(f"With trigonometric features the painted numbers go from {low:.1f} to {high:.1f}; "
    "a colour lies between 0 and 1.")
assert outside["trigonometric features"] > 3 and low < -1
Gallery([Picture(f"{name}: {outside[name]:.0f} % are no colours",
                 pictures.patch_mosaic(x, grid),
                 f"The cat in 14 x 14 patches, painted with {name}: "
                 f"{outside[name]:.0f} % of the numbers lie below 0 or above 1 and are "
                 "no colours.")
         for name, x in painted.items()])

# %%
short, full = three_maps(0.3), three_maps(1.0)
rows = []
for name in ("positive features", "trigonometric features"):
    for length, maps in ((0.3, short), (0.7, long), (1.0, full)):
        a, target = (maps[n].dense()[0, 0] for n in (name, "softmax"))
        rows.append([name, length, ch07.map_error(a, target), (a < 0).double().mean()])
say(table(["", "length", "error of the map", "negative weights"],
          [[name, f"{length}", f"{error:.2f}", f"{100 * below:.0f} %"]
           for name, length, error, below in rows]))
errors = {(name, length): float(error) for name, length, error, _ in rows}
assert errors["trigonometric features", 0.3] < errors["positive features", 0.3]
assert errors["trigonometric features", 1.0] > 2 > errors["positive features", 1.0]
assert rows[-1][3] > 0.3

# %% [markdown]
# The error is the size of the difference of two maps (the root of the sum of squares), divided by the size of the map
# of softmax. So a map of zeros has an error of 1. Positive features stop near 1: they are useless for long vectors,
# too, but they do no harm beyond that. Trigonometric features go far beyond. Their row sums come near zero, and a
# division by a number near zero has no limit. That is the meaning of "positive": *bounded damage*, and not more
# accuracy.
#
# How many directions does it take, then? Move the slider from short vectors to long ones.
#
# > **Predict.** With eight times as many directions, the error of a mean should fall to about a third ($1/\sqrt 8$).
# > Will it do so for long vectors, too?

# %%
tiny = linviz.Grid(1, 8, 8)
_, few_q, few_k, _ = described(tiny)


def errors_at(length: float):
    return ch07.error_figure(length, q=few_q, k=few_k)


Live(errors_at, ch07.LENGTHS, label="queries and keys, times", start=0.3, form=".1f")

# %%
def fall(length: float, kind: str = "positive", orthogonal: bool = True) -> float:
    """The error with 256 directions over the error with 32."""
    a, b = length * few_q, length * few_k
    target = (a @ b.mT / D ** 0.5).softmax(-1)[0, 0]
    many, few = (ch07.median_error(kind, orthogonal, count, a, b, target)
                 for count in (256, 32))
    return many / few


falls = {length: fall(length) for length in (0.2, 1.0)}
say("Positive features, eight times as many directions: the error falls to "
    + " and to ".join(f"{100 * z:.0f} % (vectors × {length})"
                      for length, z in falls.items()) + ".")
assert falls[0.2] < 0.6 and falls[1.0] > 0.8

# %% [markdown]
# For short vectors the rule holds. For long vectors more directions hardly help. The mean of section 1 comes from a few
# rare directions: those that point along $x + y$. In 16 channels a random direction almost never does. The variance
# grows exponentially with $|x + y|^2$, and $M$ directions reduce the error only by $1/\sqrt M$. A network that is
# trained with random features can keep its queries and keys short. A network that was trained with softmax need not
# have done so.
#
# ## 4 · Directions at right angles
#
# Look at the slider once more, at its left end. The dotted lines belong to independent directions, the solid lines to
# *orthogonal* ones. In a block of $D$ directions every pair is at a right angle. Then no two directions of a block
# repeat each other. The lengths are still those of random Gaussian vectors, so that the mean does not change.
#
# > **Predict.** For which of the two kinds of features, and for which lengths, do right angles help?

# %% [markdown] tags=["exercise"]
# number = "7.2"
# title = "Orthogonal directions"
# difficulty = 3
# importance = 3
# minutes = 14
# objectives = ["directions"]
# methods = ["performer"]
# task = '''
# `gauss` is $B \times D \times D$: blocks of Gaussian numbers. Make the rows of every block orthogonal, in their order:
# each row loses its parts along the rows before it. `lengths` has $M$ numbers, at most $B\,D$. Return the first $M$
# rows, each with its length: $M \times D$.
# '''
# hints = [
# '''
# You may go row by row (Gram and Schmidt), or use `torch.linalg.qr`. QR makes *columns* orthogonal, and it may reverse
# their signs.
# ''',
# '''
# With $G^\top = Q R$, the rows of $Q^\top$ are orthonormal. A row of $Q^\top$ has the direction that Gram and Schmidt
# find if the number on the diagonal of $R$ is positive. If it is negative, reverse the row.
# ''',
# '''
# `turn, r = torch.linalg.qr(gauss.mT)` and `sign = r.diagonal(dim1=-2, dim2=-1).sign()`. Then `turn * sign[:, None]`
# has the right columns. Take `.mT`, flatten the first two axes, and keep `len(lengths)` rows.
# ''',
# ]
# see = "The check says *right*. Your directions equal those that linviz draws from the same random numbers."

# %% tags=["answer:7.2"]
def orthogonal(gauss: Float[Tensor, "B D D"],
               lengths: Float[Tensor, "M"]) -> Float[Tensor, "M D"]:
    """Directions that are orthogonal within each block, with given lengths."""
    # solution
    turn, r = torch.linalg.qr(gauss.mT)
    signs = r.diagonal(dim1=-2, dim2=-1).sign()
    rows = (turn * signs[:, None, :]).mT.flatten(0, 1)
    return rows[:len(lengths)] * lengths[:, None]
    # end


checks.orthogonal(orthogonal)

# %% tags=["needs:7.2"]
M = 40
generator = torch.Generator().manual_seed(7)
gaussian = torch.randn(M, D, generator=generator, dtype=torch.float64)
blocks = torch.randn(-(-M // D), D, D, generator=generator, dtype=torch.float64)
drawn = linviz.make("performer", heads=1, width=D, grid=grid, directions=M).double()
drawn.redraw(7)
mine = orthogonal(blocks.mT, gaussian.norm(dim=-1))
assert torch.allclose(mine, drawn.mechanism.w, atol=1e-6)
say(f"{M} directions in blocks of {D}: yours and linviz's are equal.")

# %%
gain = {}
for kind in ("positive", "trigonometric"):
    for length in (0.2, 1.0):
        a, b = length * few_q, length * few_k
        target = (a @ b.mT / D ** 0.5).softmax(-1)[0, 0]
        one, other = (ch07.median_error(kind, flag, 16, a, b, target, draws=15)
                      for flag in (True, False))
        gain[kind, length] = one / other
say("Error with right angles, of the error without (16 directions): "
    + ", ".join(f"{kind} × {length}: {100 * z:.0f} %"
                for (kind, length), z in gain.items()) + ".")
assert gain["trigonometric", 0.2] < 0.75 and 0.7 < gain["positive", 1.0] < 1.3

# %% [markdown]
# Right angles help the trigonometric features of short vectors a lot. For positive features they help little, if at
# all. (And one number may be luck: these are medians of fifteen draws.)
#
# ## 5 · Two draws, two maps
#
# Performer is a *Monte Carlo* method. The directions are drawn, kept, and shared by all tokens and all pictures.
# Another draw is another attention. Play the ten draws; queries and keys are multiplied by 0.5 here, where positive
# features are not hopeless.
#
# > **Predict.** Which will change more from draw to draw: the painted picture, or the row of one patch?

# %%
wide = opening.grid                                          # 28 x 28 patches
big, wide_q, wide_k, _ = described(wide)
rgb = pictures.patch_colours(big, wide).double()
eye = wide.number(0, *opening.place)


def drawn_again(seed: float):
    return ch07.redrawn_figure(seed, q=0.5 * wide_q, k=0.5 * wide_k, colours=rgb,
                               grid=wide, query=eye)


Live(drawn_again, ch07.SEEDS, label="draw", start=0, form="d")

# %%
draw = ch07.random_features("positive", wide, D, 64, value_width=3).double()
paintings, eyes = [], []
for seed in ch07.SEEDS:
    draw.redraw(seed)
    a = draw.map(0.5 * wide_q, 0.5 * wide_k, rgb)
    paintings.append(a.apply(rgb))
    eyes.append(a.rows(torch.tensor([eye]))[0, 0, 0])


def spread(draws) -> float:
    """The standard deviation over the draws, of the size of their mean deviation."""
    z = torch.stack(draws)
    return (z.std(0).square().mean().sqrt() / z.mean(0).std()).item()


say(f"Spread over ten draws, compared with the contrast of their mean: painting "
    f"{spread(paintings):.2f}, row of one patch {spread(eyes):.2f}. Rank of every map: "
    f"at most {a.rank_bound}, for {len(wide)} patches.")
assert spread(eyes) > 1.3 * spread(paintings) and a.rank_bound == 64

# %% [markdown]
# A painting is a mean over many patches, so errors of single weights partly cancel. A single row is not to be trusted.
# If you compare maps of Performer, compare several draws. Public code differs here, too: one package draws anew after
# every 1000 calls in training, and the official code draws anew at every call, from a seed that depends on the data.
#
# [Performer with other numbers of directions, in the
# explorer](http://localhost:8501/?source=chelsea&patches=28&specs=softmax,performer,linear).
#
# A close relative is *random feature attention* (2021). It uses the trigonometric features on vectors of length 1,
# where they are at their best, and adds a gate that lets old tokens fade.
#
# ## 6 · A leak
#
# Causal attention with features keeps running sums over the keys (chapter 5). Query $i$ meets only keys up to $i$. But
# before that, the code must compute the features. The following code does it as a popular package did: it subtracts
# *one maximum over all keys* before the exponential, so that no number is larger than one. This common factor cancels
# in a row, does it not? The clip has four frames of two objects that cross. We ask what the *last* key can change.
#
# > **Predict.** The mask is correct. We multiply the key of the very last patch by 3. Which outputs change?

# %%
def with_a_leak(q, k, v, w, eps):
    """Causal attention with positive features. There is a bug in here."""
    along_q, along_k = q @ w.mT, k @ w.mT
    half_q, half_k = (x.square().sum(-1, keepdim=True) / 2 for x in (q, k))
    phi_q = (along_q - half_q - along_q.amax(-1, keepdim=True)).exp() + eps
    phi_k = (along_k - half_k - along_k.max()).exp() + eps
    sums = (phi_k[:, :, None] * v[:, None]).cumsum(0)        # (N, M, E), up to now
    total = (phi_q * phi_k.cumsum(0)).sum(-1, keepdim=True)
    return torch.einsum("im,ime->ie", phi_q, sums) / total


frames = linviz.Grid(4, 7, 7)
moving = clips.fit(clips.load("crossing", frames=frames.T), frames)
stream = clips.descriptors(moving, frames, clips.OPENINGS["crossing"].temperature)
a, b, values = (z[0, 0].double() for z in stream)
a, b = (z * z.shape[1] ** -0.25 for z in (a, b))
generator = torch.Generator().manual_seed(0)
w = torch.randn(52, a.shape[1], generator=generator).double()
before = with_a_leak(a, b, values, w, 1e-4)
loud = b.clone()
loud[-1] *= 3
change = (with_a_leak(a, loud, values, w, 1e-4) - before).abs().amax(-1)
first = change[:len(frames) // frames.T]
say(f"Largest change in the first of four frames: **{first.max():.2f}**. The largest "
    f"value is {values.abs().max():.2f}.")
assert first.max() > 0.1

# %% [markdown]
# The future has changed the past, through a correct mask. The maximum *would* cancel: it is the same factor for all
# keys. But eps is added afterwards. If the last key makes the maximum large, all other features become small beside
# eps, and every row moves towards a uniform row. No test of the mask finds this. A test that changes the last token and
# looks at earlier outputs finds it at once.

# %% [markdown] tags=["exercise"]
# number = "7.3"
# title = "Find the bug"
# difficulty = 4
# importance = 5
# minutes = 16
# objectives = ["leak"]
# methods = ["performer"]
# task = '''
# Write the function above without the leak. `q` and `k` are $N \times D$ and have been multiplied by $D^{-1/4}$. `v` is
# $N \times E$, `w` is $M \times D$. Keep eps in every feature, and keep the maximum of each query. Subtract no maximum
# from keys: $w \cdot k - |k|^2/2$ is never larger than $|w|^2/2$.
# '''
# hints = [
# '''
# Which feature of key $j$ depends on anything but key $j$? Queries have a maximum of their own; why does it do no harm?
# ''',
# '''
# $\phi(k) = \exp(w_m \cdot k - |k|^2/2) + \epsilon$ and $\phi(q) = \exp(w_m \cdot q - |q|^2/2 - \max_m w_m \cdot q) +
# \epsilon$. For the sums you may also use a table with `.tril()`.
# ''',
# '''
# Copy the function. In the line of `phi_k`, leave `- along_k.max()` out. Nothing else changes.
# ''',
# ]
# see = "The check says *right*. In the figure below the dotted line of your function is zero up to the last token."

# %% tags=["answer:7.3"]
def no_leak(q: Float[Tensor, "N D"], k: Float[Tensor, "N D"], v: Float[Tensor, "N E"],
            w: Float[Tensor, "M D"], eps: float) -> Float[Tensor, "N E"]:
    """Causal attention with positive features; no later token changes an output."""
    # solution
    along = q @ w.mT
    half_q, half_k = (x.square().sum(-1, keepdim=True) / 2 for x in (q, k))
    queries = (along - half_q - along.amax(-1, keepdim=True)).exp() + eps
    keys = (k @ w.mT - half_k).exp() + eps
    table = (queries @ keys.mT).tril()
    return table @ v / table.sum(-1, keepdim=True)
    # end


checks.no_leak(no_leak)

# %% tags=["needs:7.3"]
causal = linviz.make("performer", heads=1, width=a.shape[1], grid=frames, causal=True,
                     directions=52).double()
back = [z * a.shape[1] ** 0.25 for z in (a, b)]              # linviz multiplies itself
theirs = causal(*(z[None, None] for z in (*back, values)))[0, 0]
mine = no_leak(a, b, values, causal.mechanism.w, 1e-4)
assert torch.allclose(mine, theirs, atol=1e-9)


def leaking(factor: float):
    return ch07.leak_figure(factor, leaks=lambda *x: with_a_leak(*x, w, 1e-4),
                            honest=lambda *x: no_leak(*x, w, 1e-4), q=a, k=b, v=values)


say("Your function equals linviz's causal Performer.")
Live(leaking, ch07.FACTORS, label="the last key, times", start=3.0, form=".1f")

# %% [markdown]
# ## 7 · What was not shown
#
# - **No training.** A network that learns with random features learns queries and keys that suit them.
# - **Raw descriptors.** Our queries and keys are long: they were made for softmax to be sharp. This is a hard test for
#   random features, and a fair warning for replacing softmax in a trained network.
# - **The other use of the trick.** The relu features of Performer estimate nothing and are often used in practice. They
#   are a kernel like those of chapter 4, with random directions.
#
# Sources: rethinking attention with performers, arXiv 2009.14794. eps and the number of directions here are those of
# the package performer-pytorch. Its relatives are [in the
# Atlas](http://localhost:8501/atlas?family=kernel).
#
# **If you remember one thing:** positive random features are not more accurate than cosines and sines. But the damage
# that they can do is bounded.
#
# ## Quiz

# %%
quizzes.directions
