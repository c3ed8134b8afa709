# %% [markdown] tags=["front"]
# title = "Concentration"
# lead = '''
# "Linear attention lacks concentration." Many papers say so, and few of them say how much, or by which measure. This
# chapter measures concentration, shows that the measures disagree, and explains which question each of them answers.
# Then it finds out why the rows of linear attention are flat, tries three cures, and proves a limit for all of them.
# '''
# questions = [
#     "How many patches does a query look at, and why does this question have several correct answers?",
#     "Why does a floor keep every patch lit, and how much do the known cures help?",
#     "How sharp can a row of linear attention be at best, and how is this related to the rank of the map?",
# ]
# prerequisites = [
#     "matrices, and a little torch.",
#     "Chapter 4 (the kernel trick) helps; chapter 3 (spectra and ranks) for section 7.",
# ]
# minutes = {reading = 51, exercises = 45, quiz = 5}
# key_points = [
#     "There are many ways to count the patches of a row, and they differ by a factor of a hundred. Always name yours.",
#     "Concentration says how few patches a row looks at, never which. For which, compare with a mask and with chance.",
#     "A floor splits a row into a part of the pair, a part of the key and a constant. A query changes only the first.",
#     "Most of what cosFormer gains here comes from having no floor. A cure needs its control.",
#     "Every row of a kernel is a mixture of one template per feature: no row is sharper than the sharpest template.",
#     "A mean hides what it averages: the background outvotes the object, and a mean over heads or queries is flatter.",
#     "Concentration is not rank. Focusing sharpens and keeps the rank; a convolution raises the rank.",
# ]
#
# [objectives]
# count = "turn a row into a number of patches, and say which number it is"
# object = "measure how much of a row lies on an object, compared with chance"
# floor = "take the map of a floor apart, and say how much of it a query can change"
# judge = "judge a cure for flat attention by its control"
# templates = "read the rows of a kernel as mixtures of templates, and say how sharp they can get"
# average = "average concentration without hiding it"
# rank = "distinguish concentration from rank, and build either without the other"

# %% [markdown]
# ## 1 · How many patches is that?
#
# The picture is a cup of coffee, cut into 28 × 28 patches. Each patch is described by 16 plain numbers (colour,
# edges, place; nothing was learned). The query is a patch on the near rim of the cup. Three maps get the same queries
# and keys.

# %%
import math

import torch

import linviz
from linviz import clips, concentration
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import common
from linviz.course.scenes import ch11
from linviz.figures import concentration_charts as charts
from linviz.figures import curves, heat, theme
from linviz.models import fit_gate
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENINGS["coffee"]
grid = opening.grid                                          # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(photo, grid, opening.temperature)  # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)                       # a patch on the rim

soft, floor, focus = (
    linviz.make(spec, heads=1, width=D, grid=grid).requires_grad_(False)
    for spec in ("softmax", "relu_floor", "focused"))
relu = linviz.make("relu", 1, D, grid)                       # for sections 4 and 5
gated = linviz.make("relu_floor+gate", 1, D, grid)
target = soft.map(q, k, v)
fit_gate(gated, target, q, k, v, steps=200, snapshots=2)     # explained in section 4
gated = gated.requires_grad_(False)
PatchView([Panel(method.title, method.family, method.map(q, k, v))
           for method in (soft, floor, focus)], photo, grid, query=query)

# %% [markdown]
# The difference is visible at once. The first map concentrates on few patches, the second does not, and the third lies
# between them. (*Relu + floor* is the linear attention of chapter 0; section 3 takes it apart. *Focused* attention is
# one of the cures; section 4 builds it.) How can we express the difference as a number? The obvious way is to ask:
# *how many patches does this query look at?*
#
# Let us start with a very simple row. One patch holds half of the attention. The other 783 patches share the other half
# equally: one spike on a uniform background.
#
# > **Predict before you run.** How many patches does *this* row look at? Write your number down.

# %%
Live(ch11.spike_figure, ch11.SPIKES, label="share of the one patch", start=0.5)

# %%
row = ch11.spike_row(0.5, N)
four, many, most = ch11.patch_counts(row).values()
say(f"Three correct answers for one and the same row: **{four:.0f}**, **{many:.0f}** "
    f"and **{most:.0f}**.")
assert round(four) == 4 and 50 < many < 60 and most > 600

# %% [markdown]
# Each of these numbers is called "the number of patches" in some paper, and each answers a different question. Imagine
# that we throw darts at the picture. A dart lands on patch $j$ with probability $a_j$.
#
# - **Participation**, $1 / \sum_j a_j^2$. How likely is it that two darts hit the same patch? The sum of squares is
#   this probability. Patches with small weights hardly count.
# - **Effective tokens**, $2^H$ with $H = -\sum_j a_j \log_2 a_j$. How many yes-or-no questions does it take to find
#   out where a dart has landed? It takes $H$ of them: the **entropy** in bits. Every patch counts, in proportion to
#   its weight.
# - **Support**. How many patches do we have to keep to keep 90 % of the darts? The patches of the background are
#   counted one by one.
#
# The three numbers agree only on rows that are the same for $n$ patches and zero for the rest. There the first two give
# $n$, and the third gives nine tenths of $n$. Move the slider to see how far they drift apart. Real rows lie between a
# spike and a uniform row. So a number of patches means little unless one says how it was counted.
#
# The next cell computes all measures that linviz takes from a single row, one line for each, for the patch on the rim
# of the cup. Two of them are new. One is the share of the ten largest weights. The other is the **Gini coefficient**:
# it is 0 if all patches get the same weight, and near 1 if one patch gets everything.

# %%
a = soft.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0].double()
a = a / a.sum()                                              # non-negative, sums to one
down = a.sort(descending=True).values
by_hand = {
    "entropy": -(a * a.log2()).sum(),
    "effective_tokens": 2 ** -(a * a.log2()).sum(),
    "participation": 1 / a.square().sum(),
    "top_share": down[:10].sum(),
    "support": (down.cumsum(0) < 0.9).sum() + 1,
    "gini": 1 - 2 * (a.sort().values * (N - torch.arange(N) - 0.5) / N).sum(),
}
MEASURES = linviz.measure.MEASURES
for name, x in by_hand.items():
    assert torch.allclose(MEASURES[name].function(a).double(), x.double()), name

readings = {method.title: linviz.read(method, q, k, v)
            for method in (soft, floor, focus)}
asked = {title: {name: f"{reading.rows(name)[0, 0, query].item():.3g}"
                 for name in by_hand}
         for title, reading in readings.items()}
say(table(["the row of one query", *asked],
          [[MEASURES[name].label, *(found[name] for found in asked.values())]
           for name in by_hand]))
say("The formulas and linviz give the same numbers.")

# %% [markdown] tags=["exercise"]
# number = "11.1"
# title = "Effective tokens"
# difficulty = 1
# importance = 5
# minutes = 5
# objectives = ["count"]
# task = '''
# `a` is $N \times S$: one row per query, and each row is a probability distribution over the keys. Return the effective
# tokens $2^H$ of every row. Some weights are exactly **zero**, as in a kernel without a floor. A query does not look at
# such a patch, so the patch adds nothing.
# '''
# hints = [
# '''
# The formula is given above. What does torch return for `0 * log2(0)`, and what should the result be?
# ''',
# '''
# $H_i = -\sum_j a_{ij} \log_2 a_{ij}$ over the keys, with $0 \log 0 = 0$. Then take two to the power of $H_i$.
# ''',
# '''
# `torch.special.entr(a)` is $-a \ln a$ and gives 0 at zero. Sum it over the last axis, divide by `math.log(2)`, and
# take `.exp2()`.
# ''',
# ]
# see = "The check says *right*. The next cell counts the patches of every query of the cup with your function."

# %% tags=["answer:11.1"]
from jaxtyping import Float
from torch import Tensor


def effective_tokens(a: Float[Tensor, "N S"]) -> Float[Tensor, "N"]:
    """2 to the entropy of every row; a weight of zero adds nothing."""
    # solution
    bits = torch.special.entr(a).sum(-1) / math.log(2)
    return bits.exp2()
    # end


checks.effective_tokens(effective_tokens)

# %% tags=["needs:11.1"]
yours = {title: effective_tokens(reading.map.dense()[0, 0])
         for title, reading in readings.items()}
for title, x in yours.items():
    assert torch.allclose(x, readings[title].effective_tokens[0, 0], rtol=1e-3)
say("Effective tokens, the mean over all queries: "
    + ", ".join(f"{title} **{x.mean():.0f}**" for title, x in yours.items())
    + f", of {N}.")

# %% [markdown]
# ## 2 · How few, but which?
#
# > **Predict.** Take the map of softmax and shuffle its keys. Every query keeps its weights, but they land on other
# > patches. Which of the six numbers above change?

# %%
order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
shuffled = soft.map(q, k, v).dense()[0, 0][:, order]
original = readings[soft.title]
change = {}
for name in by_hand:
    difference = MEASURES[name].function(shuffled) - original.rows(name)[0, 0]
    change[name] = difference.abs().max()
say("Largest change of any row: "
    + ", ".join(f"{name} {x:.0e}" for name, x in change.items()) + ".")
assert max(change.values()) < 1e-3 * N
before, after = (concentration.distance(x, grid, torch.arange(N), patch=16).mean()
                 for x in (original.map.dense()[0, 0], shuffled))
say("But the mean **distance** from a query to the patches it looks at changes from "
    f"{before:.0f} to {after:.0f} pixels.")

# %% [markdown]
# None of the six changes, apart from rounding. Concentration says *how few* patches a row looks at, never *which*. A
# map that looks at the wrong place can be as concentrated as one that looks at the right place. To judge "which", we
# need to know the right place.
#
# Here is a clip for which we know it. A handwritten digit moves over a photograph for four frames. It passes in front
# of or behind a disc that was cut from another photograph. The clip was generated, so we know for every patch how
# much of it is ink: this is the **mask** of the digit. The **mass** on the object is the share of a row that lands on
# the digit. The **lift** divides the mass by what a uniform row would put there:
#
# $$\text{mass}_i = \sum_j a_{ij}\, \mu_j \qquad\qquad \text{lift}_i = \frac{\text{mass}_i}{\frac1S \sum_j \mu_j}
# \qquad (\mu_j: \text{share of patch } j \text{ that is ink}).$$

# %%
small = linviz.Grid(4, 14, 14)


def digit(seed: int):
    """The clip, its descriptors, and its mask with one number per patch."""
    clip = clips.fit(clips.load("digit", seed=seed, frames=small.T), small)
    inputs = clips.descriptors(clip, small, clips.OPENINGS["digit"].temperature)
    return clip, inputs, clips.token_mask(clip, small)


clip, moving, mask = digit(0)
width = moving[0].shape[-1]
on = mask >= 0.5                                             # patches mostly of ink
say(f"{clip.recipe} {int(on.sum())} of {len(small)} patches are mostly ink. The digit "
    f"covers **{100 * mask.mean():.1f} %** of the clip.")

# %% [markdown] tags=["exercise"]
# number = "11.2"
# title = "Lift"
# difficulty = 2
# importance = 5
# minutes = 6
# objectives = ["object"]
# task = '''
# `a` is $N \times S$, and each row is a probability distribution over the keys. `mask` has $S$ numbers between 0 and 1:
# the share of each patch that the object covers. Return the lift of every row: $N$ numbers.
# '''
# hints = [
# '''
# A patch that is one third covered counts one third. What mass does a row get that is the same for all patches?
# ''',
# '''
# Mass: the row times the mask, summed over the keys. Area: the mean of the mask. Lift: mass divided by area.
# ''',
# '''
# `a @ mask` has one number per query; divide it by `mask.mean()`.
# ''',
# ]
# see = "The check says *right*. The next cell shows that ink looks at ink, many times more than a uniform row would."

# %% tags=["answer:11.2"]
def lift(a: Float[Tensor, "N S"], mask: Float[Tensor, "S"]) -> Float[Tensor, "N"]:
    """Mass on the object over the object's share of all patches, for every row."""
    # solution
    return (a @ mask) / mask.mean()
    # end


checks.lift(lift)

# %% tags=["needs:11.2"]
ink = linviz.make("softmax", 1, width, small).map(*moving).dense()[0, 0]
assert torch.allclose(lift(ink, mask), concentration.lift(ink, mask), rtol=1e-4)
say(f"Lift of softmax on the digit: {lift(ink[on], mask).mean():.0f} for the queries "
    f"on the digit, {lift(ink, mask).mean():.1f} for all queries.")

# %% [markdown]
# Now comes the central question of this chapter. We take focused attention and raise its power to 8 (its authors use
# 3). Then its rows have a whole bit *less* entropy than those of softmax, on average over all queries.
#
# > **Predict.** From the digit's own patches, softmax puts about thirty fair shares on the digit. The sharper map
# > spreads its weight over fewer patches. How many fair shares does the sharper map put on the digit: sixty, forty,
# > twenty?

# %%
def digit_map(spec: str, inputs=moving, **options):
    method = linviz.make(spec, 1, width, small, **options).requires_grad_(False)
    return method, method.map(*inputs)


sharper = {"softmax": digit_map("softmax"),
           "focused, power 8": digit_map("focused", power=8),
           "relu + floor": digit_map("relu_floor")}
PatchView([Panel(title, method.family, x) for title, (method, x) in sharper.items()],
          clip, small, query=clips.token_at(clip, small))

# %%
def facts(x: Float[Tensor, "N S"], truth: Float[Tensor, "S"]) -> list[float]:
    """Mean bits of all rows; of the object's rows their mean bits, their mean lift, and
    how often (in per cent) their largest weight lies on the object."""
    mine = truth >= 0.5
    return [concentration.entropy(x).mean().item(),
            concentration.entropy(x[mine]).mean().item(),
            concentration.lift(x[mine], truth).mean().item(),
            100 * concentration.pointing(x[mine], truth).float().mean().item()]


found = {title: facts(x.dense()[0, 0], mask) for title, (_, x) in sharper.items()}
say(table(["", "bits, all queries", "bits, the digit's queries", "their lift",
           "largest weight on the digit"],
          [[title, f"{y[0]:.2f}", f"{y[1]:.2f}", f"{y[2]:.1f}", f"{y[3]:.0f} %"]
           for title, y in found.items()]))
softmax_facts, focused_facts = found["softmax"], found["focused, power 8"]
say(f"The answer is **{focused_facts[2]:.0f}**, not sixty. The map has "
    f"{softmax_facts[0] - focused_facts[0]:.1f} bits less than softmax, and it puts "
    "*less* on the object.")
assert focused_facts[0] < softmax_facts[0] - 0.5
assert focused_facts[2] < 0.8 * softmax_facts[2]
assert 8 < 2 ** (focused_facts[1] - softmax_facts[1]) < 14
assert all(y[3] == 100 for y in found.values())
spreads = [concentration.entropy(sharper[title][1].dense()).std().item()
           for title in ("softmax", "focused, power 8")]
say(f"From row to row the entropy varies by {spreads[0]:.1f} bits under softmax, and "
    f"by {spreads[1]:.1f} bits under focusing (standard deviation).")
assert spreads[0] > 2 * spreads[1]

# %% [markdown]
# This small table teaches three lessons.
#
# **A mean over queries is a vote, and the background has the majority.** Look at the second column. The digit's own
# rows are *very* sharp under softmax, and they are not sharp under focusing. Softmax is sharp where a patch differs
# from all others, and broad where hundreds of patches are alike. Under focusing the rows are much more alike. Fifteen
# patches cannot change a mean over 784.
#
# **Sharper on average is not sharper for the digit.** The focused map is more concentrated on average. But from the
# digit it looks at ten times as many patches as softmax. (And a sharp row need not look at the right place: the
# shuffled map was as sharp as the original.)
#
# **The position of the largest weight says little.** Even under the floor, whose lift is only five, the *largest*
# weight of each of these queries lies on the digit. Many papers test a map by asking whether its maximum lies on the
# object (the pointing game). This test does not notice that the rest of the row is spread over the whole picture.
#
# One clip proves little. Here are three clips, with other digits, paths and backgrounds:

# %%
SPECS = [("softmax", {}), ("relu_floor", {}), ("relu", {}), ("focused", {}),
         ("focused", {"power": 8})]
lifts: dict[str, list[float]] = {}
for seed in range(3):
    inputs, truth = digit(seed)[1:]
    for spec, options in SPECS:
        method, x = digit_map(spec, inputs, **options)
        title = f"{method.title}, power {options['power']}" if options else method.title
        lifts.setdefault(title, []).append(facts(x.dense()[0, 0], truth)[2])
looks = dict(zip(lifts, SPECS, strict=True))
show(curves.ablation_dots(
    [common.ablation_runs(title, linviz.make(looks[title][0], 1, width, small), y)
     for title, y in lifts.items()],
    axis="lift of the digit's own queries (times a fair share)",
    better="right is more on it", levels={"uniform": 1.0},
    title="Softmax puts more on the object than any of these kernels"))
assert all(min(lifts["softmax"]) > max(y)
           for title, y in lifts.items() if title != "softmax")

# %% [markdown]
# [The clip in the explorer](http://localhost:8501/?source=digit&frames=4&specs=softmax,relu_floor,relu,focused), where
# you can try other mechanisms (start the explorer with `python3 start.py explore`).
#
# ## 3 · Why the rows are flat
#
# Back to the cup. The floor's kernel is $\phi(x) = \max(x, 0) + c$ with $c = 1/\sqrt D$, which is a quarter here. Let
# $q^+_i = \max(q_i, 0)$ and $k^+_j = \max(k_j, 0)$ be the features *without* the floor. Multiply out:
#
# $$(q^+_i + c)\cdot(k^+_j + c) \;=\; \underbrace{q^+_i \cdot k^+_j}_{\text{the pair}} \;+\;
# \underbrace{c \textstyle\sum_m k^+_{jm}}_{\text{the key alone}} \;+\;
# \underbrace{c \textstyle\sum_m q^+_{im} + D c^2}_{\text{the same for all } j}$$
#
# The first term is the one that attention needs: it depends on the query *and* on the key. The second term makes keys
# with large features brighter for all queries. The third term is the same for every key: it is a uniform background.
#
# > **Predict.** What share of a row comes from the pair: nine tenths, two thirds, or less than half?

# %% [markdown] tags=["exercise"]
# number = "11.3"
# title = "The floor taken apart"
# difficulty = 3
# importance = 4
# minutes = 9
# objectives = ["floor"]
# methods = ["relu", "relu_floor"]
# task = '''
# `q_plus` ($N \times D$) and `k_plus` ($S \times D$) are features without their floor; none is negative. The number
# $c$ is the floor. Sum each of the three terms over all keys. Return for every query the shares of its row: of the
# pair, of the key alone, and of the constant term. The result is $N \times 3$, and its rows sum to one.
# '''
# hints = [
# '''
# The third term does not mention $j$. How often does it occur in the sum over the keys?
# ''',
# '''
# Sums over $j$: $\;\sum_j q^+_i \cdot k^+_j$; $\;c \sum_{jm} k^+_{jm}$, the same number for all queries; $\;S\,(c
# \sum_m q^+_{im} + D c^2)$.
# ''',
# '''
# The pair is the row sum of `q_plus @ k_plus.mT`. The key alone is one number, the same for every query.
# `constant = S * (c * q_plus.sum(-1) + D * c**2)`. Put the three into a last axis and divide by their sum.
# ''',
# ]
# see = "The check says *right*, and your shares agree with the dotted line in the figure below."

# %% tags=["answer:11.3"]
def apart(q_plus: Float[Tensor, "N D"], k_plus: Float[Tensor, "S D"],
          c: float) -> Float[Tensor, "N 3"]:
    """Shares of every row of (q_plus + c)(k_plus + c)^T: pair, key alone, constant."""
    # solution
    S, D = k_plus.shape
    pair = (q_plus @ k_plus.mT).sum(-1)
    key = c * k_plus.sum() * torch.ones_like(pair)
    constant = S * (c * q_plus.sum(-1) + D * c**2)
    parts = torch.stack((pair, key, constant), -1)
    return parts / parts.sum(-1, keepdim=True)
    # end


checks.apart(apart)

# %% tags=["needs:11.3"]
shares = apart(q[0, 0].relu(), k[0, 0].relu(), D**-0.5)
say(f"The cup, mean over all rows: the pair {shares[:, 0].mean():.2f}, the key alone "
    f"{shares[:, 1].mean():.2f}, the constant {shares[:, 2].mean():.2f}. The largest "
    f"share of the pair in any row is {shares[:, 0].max():.2f}.")

# %%
made = ch11.row_composition(q[0, 0], k[0, 0], ch11.FLOORS)
show(charts.parts_chart(ch11.FLOORS, made, axis="floor c", at={"1/√D": D**-0.5},
                        title="With its floor, less than half of a row depends on the "
                              "pair"))
here = ch11.FLOORS.index(D**-0.5)
say(f"At $c = 1/\\sqrt D$ the pair has **{100 * made['the pair'][here]:.0f} %** of a "
    "row. The rest of the weight lies on the same patches for every query.")
assert made["the pair"][here] < 0.5 and made["the pair"][0] == 1

# %% [markdown]
# This is why the floor keeps every patch lit. Better queries alone cannot change that, because a query influences the
# first part only. Lower the floor with the slider, and watch how the right end of the curve falls:

# %%
def lowered(floor: float):
    return ch11.floor_figure(floor, soft=soft, q=q, k=k, v=v, query=query)


Live(lowered, ch11.FLOORS, label="floor c", start=0.25)

# %% [markdown]
# ## 4 · Three cures, and a control
#
# **cosFormer** (Qin and others, 2022) has no floor: $\phi(x) = \max(x, 0)$. It multiplies each weight by a *cosine of
# the distance* between the token numbers, so that near tokens count more. The cosine of a difference splits into
# products of a function of $i$ and a function of $j$, so the bracket can still be moved:
#
# $$A_{ij} \propto \phi(q_i)\cdot\phi(k_j)\,\cos\!\Bigl(\tfrac{\pi}{2}\,\tfrac{i - j}{N}\Bigr), \qquad
# \cos(\alpha - \beta) = \cos\alpha\cos\beta + \sin\alpha\sin\beta.$$
#
# > **Predict.** Two things change at once: the floor goes, and the cosine comes. Together they lower the entropy by two
# > thirds of a bit. Which of them brings more, and how much more?

# %% tags=["derives:cosformer"]
i, j = query, torch.arange(N)
score = q[0, 0, i].relu() @ k[0, 0].relu().mT * torch.cos(torch.pi / 2 * (i - j) / N)
cosformer, cosformer_2d = (linviz.make("cosformer", 1, D, grid, axes=axes)
                           for axes in ("1d", "2d"))
row = cosformer.map(q, k, v).rows(torch.tensor([i]))[0, 0, 0]
assert torch.allclose(score / score.sum(), row, atol=1e-6)


def mean_bits(method) -> float:
    return linviz.read(method, q, k, v).summary(spectrum=False)["entropy"]


bits = {method: mean_bits(method) for method in (floor, relu, cosformer)}
say(f"With the floor {bits[floor]:.3f} bits; without the floor and without a cosine "
    f"{bits[relu]:.3f}; without the floor and with the cosine {bits[cosformer]:.3f}. "
    f"Leaving out the floor brings **{bits[floor] - bits[relu]:.3f}** bits, adding the "
    f"cosine **{bits[relu] - bits[cosformer]:.3f}**.")
assert bits[floor] - bits[relu] > 5 * (bits[relu] - bits[cosformer])

# %% [markdown]
# The cosine is so broad that it hardly distinguishes near from far. At a distance of half the picture it is still
# $\cos(\pi/4) \approx$ 0.7. Moreover, the difference of token numbers is a poor distance on a picture: it makes stripes
# (chapter 9). The table below also has linviz's own variant, with one cosine for the row and one for the column
# (`axes="2d"`).
#
# **Focused attention** (FLatten: Han and others, 2023) has no floor either. It raises every feature to a power $p$,
# and then restores the length of the vector:
#
# $$f_p(x) = \frac{\lVert x \rVert}{\lVert x^p \rVert}\; x^p, \qquad x^p: \text{every channel to the power } p,
# \text{ usually } 3.$$
#
# The largest channel grows at the expense of the others, so the vector turns towards its own largest channel. Two
# patches with the same largest channel become more similar, and two patches with different ones become less similar.

# %% tags=["derives:focused"]
def f(x: Float[Tensor, "N D"], p: float) -> Float[Tensor, "N D"]:
    """The feature of focused attention."""
    x = (x.relu() + 1e-6) / math.log(2)                      # a learned scale
    return x**p * (x.norm(dim=-1, keepdim=True) / (x**p).norm(dim=-1, keepdim=True))


score = f(q[0, 0], 3) @ f(k[0, 0], 3).mT
assert torch.allclose(score / score.sum(-1, keepdim=True),
                      focus.map(q, k, v).dense()[0, 0], rtol=1e-3, atol=1e-7)


def powered(power: float):
    return ch11.power_figure(power, soft=soft, q=q, k=k, v=v, query=query)


Live(powered, ch11.POWERS, label="power p", start=3, form=".0f")

# %% [markdown]
# **The gate** (feature fixation, 2022) keeps the floor and multiplies every feature by a ratio between 0 and 1. Each
# patch computes these ratios for itself (chapter 13). Our gate is *fitted to softmax's map of this photograph, never
# trained on a task*. It shows what a gate can do, not what a trained gate does.
#
# The next cell compares the cures with each other and with their common control: the floor is left out, and nothing
# else changes.

# %%
cures = {"relu + floor": floor, "no floor (the control)": relu, "cosFormer": cosformer,
         "cosFormer, row and column": cosformer_2d, "focused, power 3": focus,
         "floor + fitted gate": gated, "softmax": soft}


def lost(method) -> str:
    """Mean divergence from softmax in bits: what is lost by using this map instead."""
    a = method.map(q, k, v).dense().clamp_min(0)
    bits = concentration.divergence(a, target.dense()).mean().item()
    return f"{bits:.2f}" if math.isfinite(bits) else "∞"


numbers = {
    title: linviz.read(method, q, k, v).summary(spectrum=False, distance={"patch": 16})
    for title, method in cures.items()}
say(table(["mean over all queries", "entropy, bits", "effective tokens", "top ten hold",
           "distance, pixels", "KL from softmax, bits"],
          [[title, f"{x['entropy']:.2f}", f"{x['effective_tokens']:.0f}",
            f"{100 * x['top_share']:.0f} %", f"{x['distance']:.0f}", lost(cures[title])]
           for title, x in numbers.items()]))
entropy_of = {title: x["entropy"] for title, x in numbers.items()}
show(curves.ablation_dots([common.ablation_runs(title, method, [entropy_of[title]])
                           for title, method in cures.items()],
                          axis="mean entropy H (bits)",
                          better="left is more concentrated",
                          levels={"uniform": math.log2(N)},
                          title="Leaving out the floor does more than cosFormer's "
                                "cosine adds"))
assert (entropy_of["softmax"] < entropy_of["floor + fitted gate"]
        < entropy_of["focused, power 3"] < entropy_of["no floor (the control)"]
        < entropy_of["relu + floor"])

# %% [markdown]
# Read the last column, too. The divergence from softmax counts the bits that are lost (chapter 4, section 7). They
# are lost if a row of this map is used in place of the row of softmax. The infinite values are correct. Without a
# floor some weights are exactly zero. If softmax looks at such a patch, the divergence is infinite. A floor avoids
# this, which is one reason to have it.
#
# Do not read more into the order than it says. The gate was fitted to imitate this very map. The other methods were not
# fitted to anything and have no parameters to fit. What they bring to a trained network is another question
# ([trained models were asked](http://localhost:8501/evidence), and you can
# [look into four of them](http://localhost:8501/trained?specs=softmax,relu_floor,relu_floor%2Bgate,relu)). Others
# [colour a photograph](http://localhost:8501/colours), also one of yours.
#
# ## 5 · How sharp can a row get?
#
# Focusing helps, and the gate helps. How far can this go? There is a limit, and this section derives it.
#
# Chapter 4 introduced *templates* for efficient attention, where they are part of the method. In fact every kernel
# has templates. Normalise each *column* of $\phi(k)$. For each feature $m$ this gives a probability distribution over
# the keys: the **template** of feature $m$. Every row of the map is a *mixture* of these $M$ templates. A query does
# nothing but choose the mixture:
#
# $$A_{ij} = \sum_m w_{im}\, t_{mj}, \qquad t_{mj} = \frac{\phi(k_j)_m}{g_m},\quad g_m = \sum_l \phi(k_l)_m, \qquad
# w_{im} = \frac{\phi(q_i)_m\, g_m}{\sum_{m'} \phi(q_i)_{m'}\, g_{m'}}.$$

# %% [markdown] tags=["exercise"]
# number = "11.4"
# title = "Templates"
# difficulty = 3
# importance = 5
# minutes = 9
# objectives = ["templates"]
# methods = ["efficient"]
# task = '''
# `phi_q` ($N \times M$) and `phi_k` ($S \times M$) are features, all positive. Return the mixtures ($N \times M$) and
# the templates ($M \times S$). Each row of both is a probability distribution. The mixtures times the templates give
# the map.
# '''
# hints = [
# '''
# There are two normalisations. Which of them sums over the keys, and which over the features?
# ''',
# '''
# $g$ is the sum of `phi_k` over the keys: $M$ numbers. Templates: transpose `phi_k` and divide row $m$ by $g_m$.
# Mixtures: multiply `phi_q` by $g$ and divide each row by its sum.
# ''',
# '''
# `g = phi_k.sum(0)`, `w = phi_q * g`, and return `w / w.sum(-1, keepdim=True), (phi_k / g).mT`.
# ''',
# ]
# see = "The check says *right*. The next cell multiplies your mixtures and templates and gets linviz's map of the cup."

# %% tags=["answer:11.4"]
def templates(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "S M"],
              ) -> tuple[Float[Tensor, "N M"], Float[Tensor, "M S"]]:
    """Mixtures and templates, rows summing to one, whose product is the map."""
    # solution
    g = phi_k.sum(0)
    w = phi_q * g
    return w / w.sum(-1, keepdim=True), (phi_k / g).mT
    # end


checks.templates(templates)

# %% tags=["needs:11.4"]
w, t = templates(*(x[0, 0] for x in floor.features(q, k, v)[:2]))
whole = floor.map(q, k, v).dense()[0, 0]
assert torch.allclose(w @ t, whole, atol=1e-6)
say(f"{len(t)} templates and {len(w)} mixtures give the map. The largest difference "
    f"from linviz's map is {(w @ t - whole).abs().max():.0e}.")

# %% [markdown]
# A mixture is flatter than its parts. The entropy of a mixture is never below the mean entropy of what is mixed. (The
# reason: $-x \log x$ is a concave function. Its value at a mean of numbers is never below the mean of its values.) So
# the entropy of a row is never below the entropy of the *sharpest* template:
#
# $$H(A_i) \;\ge\; \sum_m w_{im} H(t_m) \;\ge\; \min_m H(t_m).$$
#
# The left side depends on the query, and the right side does not. **For every query, no row can be sharper than the
# sharpest template.**
#
# > **Predict.** Forget the queries of this photograph, and choose the best query that there can be. How few patches
# > (effective tokens, of 784) can a row of the floor's map look at: 1, 16, 50, or 400?

# %%
def template_rows(method) -> Float[Tensor, "M S"]:
    """One template per feature; with a gate, the templates of the gated keys."""
    _, phi_k, _ = method.features(q, k, v)
    if method.gate is not None:
        phi_k = phi_k * linviz.read(method, q, k, v).fixation[1]
    return phi_k[0, 0].mT / phi_k[0, 0].sum(0)[:, None]


def fewest(rows: Tensor) -> float:
    return concentration.effective_tokens(rows).min().item()


focus_8, focus_16 = (linviz.make("focused", 1, D, grid, power=p).requires_grad_(False)
                     for p in (8, 16))
kernels = {"relu + floor": floor, "no floor": relu, "focused, power 3": focus,
           "focused, power 8": focus_8, "floor + fitted gate": gated}
sharpest = {title: fewest(template_rows(method)) for title, method in kernels.items()}
rows = {title: fewest(method.map(q, k, v).dense()) for title, method in kernels.items()}
rows["softmax"] = fewest(target.dense())
say(table(["effective tokens", "sharpest template", "sharpest row of this photograph"],
          [[title, f"{sharpest[title]:.1f}" if title in sharpest else "none",
            f"{rows[title]:.1f}"] for title in rows]))
say("Even the best possible row of the floor's map looks at "
    f"**{sharpest['relu + floor']:.0f}** patches.")
phi_q, phi_k, _ = focus_16.features(q, k, v)
weights = phi_q * phi_k.sum(-2, keepdim=True)
mixed = concentration.effective_tokens(weights).mean().item()
say(f"(At power 16 a query mixes {mixed:.1f} templates, on average.)")
assert all(sharpest[title] <= rows[title] for title in sharpest)
assert sharpest["relu + floor"] > 300

# %%
CHANNELS = {"lightness": 0, "edges, 45°": 8, "row": 14}
drawn = torch.cat([template_rows(method)[list(CHANNELS.values())] * N
                   for method in (floor, focus, gated)])
show(heat.patch_panels(drawn.unflatten(-1, (grid.Y, grid.X)).clamp_max(12).numpy(),
                       [f"{title}: {name}"
                        for title in ("floor", "focused, p = 3", "gate")
                        for name in CHANNELS],
                       bar="fair shares", top=12.0, columns=3,
                       title="Three templates of each: all that a row can be mixed "
                             "from"))

# %% [markdown]
# The answer is nearly four hundred, and no choice of the query changes it. Sharper rows need sharper *keys*: a
# template has to concentrate before a query can choose it. Every cure in this table changes the keys in this way. The
# gate does so on its key side: its ratios lower a feature at the keys where this feature matters little.
#
# But there are only $M$ templates. Suppose that each of the sixteen templates concentrates on a few patches. Then
# sixteen templates cannot serve 784 patches that all need different rows. If the power is raised, each query ends up
# with one template, and it shares this template with all queries that have the same largest channel. (The bound on
# pointing in chapter 4 follows from the same list of templates.) Softmax has no such list. Each of its rows is made
# for its own query.
#
# ### The length of the query
#
# A query has a direction and a **length** $|q|$. The direction says what the query looks for. What does the length do?
# In softmax it multiplies all scores of the row, as a temperature does, so a longer query has a sharper row. In a
# kernel with relu, $\phi(c\, q) = c\, \phi(q)$ for every $c > 0$. The factor $c$ then stands above and below the
# fraction, and cancels. Two methods of 2025 give the length back, each in its own way.
#
# **MALA** turns the length into *contrast*. Let $p_{ij}$ be the row of linear attention with elu + 1. Then
#
# $$A_{ij} = \tfrac1N + c_i \left(p_{ij} - \tfrac1N\right), \qquad c_i = 1 + z_i, \qquad
# z_i = \phi(q_i) \cdot \bar\phi_k \,/\, \sqrt D,$$
#
# where $\bar\phi_k$ is the mean feature of all keys. The number $z_i$ grows with the length of $\phi(q_i)$. Contrast 0
# is uniform attention, and contrast 1 is linear attention. The rows still sum to one. But where $p_{ij}$ is below
# $(1 - 1/c_i)/N$, the weight is *negative*.
#
# **NaLaFormer** (NaLa) turns the length into a *power*. The direction $u_i = q_i / |q_i|$ is raised to the power
# $w_i = 3\,(\tfrac12 + \tanh |q_i|)$, channel by channel, and the key to the power 3. Positive and negative channels
# get a feature each, so that no weight is negative. The power lies between 1.5 and 4.5.
#
# The next cell writes both out, and also relu without a floor. (As published, MALA and NaLa also rotate their features
# by row and column, which is not about length. `rotate=False` leaves the rotation out.)

# %% tags=["derives:mala", "derives:nala", "derives:relu"]
def elu_plus_1(x: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    return x.relu() + x.clamp_max(0).exp()


def both_signs(x: Float[Tensor, "N D"], power) -> Float[Tensor, "N M"]:
    return torch.cat((x.relu() ** power, (-x).relu() ** power), -1)


def divided(a: Float[Tensor, "N S"]) -> Float[Tensor, "N S"]:
    return a / a.sum(-1, keepdim=True)


q1, k1 = q[0, 0], k[0, 0]
p = divided(elu_plus_1(q1) @ elu_plus_1(k1).mT)              # linear attention
z = elu_plus_1(q1) @ elu_plus_1(k1).mean(0) / D**0.5
length = q1.norm(dim=-1, keepdim=True)
own = {"relu": divided(q1.relu() @ k1.relu().mT),
       "mala": 1 / N + (1 + z)[:, None] * (p - 1 / N),
       "nala": divided(both_signs(q1 / length, 3 * (0.5 + length.tanh()))
                       @ both_signs(k1, 3).mT)}
plain = {"mala": {"rotate": False}, "nala": {"rotate": False}}
reacting = {name: linviz.make(name, 1, D, grid, **plain.get(name, {}))
            for name in ("softmax", "relu", "mala", "nala")}
for name, mine in own.items():
    theirs = reacting[name].map(q, k, v).dense()[0, 0]
    assert torch.allclose(mine, theirs, rtol=1e-3, atol=2e-6), name
negative = 100 * (own["mala"] < 0).float().mean()
say(f"Here MALA has contrasts from {1 + z.min():.1f} to {1 + z.max():.1f}, and "
    f"**{negative:.0f} %** of its weights are negative. No weight of NaLa is.")
assert 25 < negative < 40 and (own["nala"] >= 0).all()

# %% [markdown]
# The contrast as a slider, for the query on the rim. Orange weights are positive and blue ones negative:

# %%
def contrasted(contrast: float):
    return ch11.contrast_figure(contrast, row=p[query], own=z[query].item(), grid=grid)


Live(contrasted, ch11.contrasts(z[query].item()), label="contrast c", start=1.0)

# %% [markdown]
# > **Predict.** Make the query longer and longer, and leave its direction and all keys as they are. Which of the four
# > rows changes, and which stops changing: softmax, relu, MALA or NaLa?

# %%
import plotly.graph_objects as go

FACTORS = ch11.LENGTHS
largest = {name: [N * m.map(x * q, k, v).rows([query])[0, 0, 0].max().item()
                  for x in FACTORS] for name, m in reacting.items()}
lines = go.Figure()
for name, y in largest.items():
    style = theme.style(name, reacting[name].family)         # by family and by method
    lines.add_scatter(x=FACTORS, y=y, name=reacting[name].title, mode="lines+markers",
                      line_color=style.hue, marker_symbol=style.marker)
    lines.add_annotation(x=math.log10(FACTORS[-1]), y=math.log10(y[-1]), xanchor="left",
                         text=reacting[name].title, showarrow=False, xshift=8)
lines.update_layout(
    template="linviz", height=380, margin={"t": 60, "r": 110}, showlegend=False,
    title=theme.top_title("Relu stands still, NaLa moves and then stops"),
    xaxis={"type": "log", "title": "factor on the length of the query",
           "tickvals": FACTORS,
           "ticktext": [f"{x:g}" if x >= 1 else f"1/{1 / x:g}" for x in FACTORS]},
    yaxis={"type": "log", "title": "largest weight, in fair shares", "dtick": 1},
    meta={"alt": "The largest weight of a row over the length of its query." + "".join(
        f" {reacting[name].title}: from {y[0]:.3g} to {y[-1]:.3g} fair shares."
        for name, y in largest.items())})
show(lines)
steps = {name: [b / a for a, b in zip(y, y[1:])] for name, y in largest.items()}
assert max(steps["relu"]) < 1.001 and min(steps["softmax"]) > 1.05
assert min(steps["mala"]) > 1 and steps["mala"][-1] > 1.5
assert steps["nala"][0] > 1.02 and steps["nala"][-1] < 1.001

# %%
def lengthened(factor: float):
    return ch11.length_figure(factor, methods=list(reacting.values()), q=q, k=k, v=v,
                              query=query)


Live(lengthened, FACTORS, label="factor on the length of the query", start=1.0,
     form=".3g")

# %% [markdown]
# Softmax sharpens at every step. Relu does not move. MALA moves without an end, and its row gets more negative weights
# and larger ones. NaLa moves only while the query is short. At a length of about 2 the hyperbolic tangent is nearly 1,
# and the power stays at 4.5. The query on the rim is about eight long, so its power is at its end, and so is that of
# nearly all others here. A network must learn short queries if their length is to matter.
#
# Neither method avoids the bound of this section or the bound on the rank. MALA has one template more, the uniform one,
# with a negative share. NaLa has two features per channel.
#
# ## 6 · Averages that hide
#
# > **Predict.** Compare focused attention with power 8 and softmax, on the cup. Which of them concentrates more? Answer
# > once for the mean entropy, and once for the mean number of effective tokens.

# %%
pair = {title: linviz.read(method, q, k, v).summary(spectrum=False)
        for title, method in (("softmax", soft), ("focused, power 8", focus_8))}
say(table(["", "mean of H, bits", "mean of 2^H, patches", "2^(mean of H), patches"],
          [[title, f"{x['entropy']:.2f}", f"{x['effective_tokens']:.0f}",
            f"{2 ** x['entropy']:.0f}"] for title, x in pair.items()]))
ranges = [concentration.effective_tokens(method.map(q, k, v).dense())
          for method in (soft, focus_8)]
say("In bits, **softmax** is more concentrated. In patches, **focused** attention is, "
    f"by far. The rows of softmax look at {ranges[0].min():.0f} to "
    f"{ranges[0].max():.0f} patches, those of focused attention at "
    f"{ranges[1].min():.0f} to {ranges[1].max():.0f}.")
softmax_means, focused_means = pair["softmax"], pair["focused, power 8"]
assert softmax_means["entropy"] < focused_means["entropy"]
assert softmax_means["effective_tokens"] > 1.5 * focused_means["effective_tokens"]

# %% [markdown]
# Both columns are right. The rows of softmax differ greatly from each other. A mean of patches is dominated by the
# broad rows, and a mean of bits is not. If two maps have means this close, compare them row by row. And always say
# which mean a number is.
#
# A worse mistake is to average the *maps* and to measure afterwards. This is easily done, over the heads of a layer
# ("the mean attention") or over the queries. We split the 16 channels into four heads:

# %%
HEADS = 4
parts = [x.unflatten(-1, (HEADS, D // HEADS)).transpose(-2, -3).squeeze(1)
         for x in (q, k, v)]                                 # (1, 4, N, 4) each
by_head = linviz.make("softmax", HEADS, D // HEADS, grid).map(*parts).dense()[0]
own = concentration.entropy(by_head).mean().item()           # by_head is (4, N, N)
blurred = concentration.entropy(by_head.mean(0)).mean().item()
say(f"Four heads of softmax: the mean of their entropies is **{own:.2f}** bits, the "
    f"entropy of their mean map is **{blurred:.2f}** bits. Averaging first gives "
    f"{2**blurred / 2**own:.1f} times as many patches.")
assert blurred > own + 0.5

# %% [markdown]
# The reason is the same as in section 5: a mixture is flatter than its parts. A map averaged over heads can be
# flatter than every single head. So measure first and average afterwards, one head at a time.
# `linviz.read(...).summary()` does this.
#
# The gap between the two numbers has a meaning, however. Average the rows of one head over all *queries*. The mean
# row says where this head looks if the query is unknown. The entropy of the mean row minus the mean entropy of the
# rows says how much the rows depend on the query, in bits. In other words, it says how much a dart tells us about the
# query that threw it (the mutual information of query and key).
#
# > **Predict.** A row of softmax tells us almost three bits about its query. How many bits does a row of the floor
# > tell us: two, one, or a tenth?

# %% [markdown] tags=["exercise"]
# number = "11.5"
# title = "What a row tells about its query"
# difficulty = 4
# importance = 3
# minutes = 8
# objectives = ["average"]
# task = '''
# `a` is $H \times N \times S$: the maps of H heads. Each row is a probability distribution without zeros.
# Compute for every head the entropy of its mean row, minus the mean entropy of its rows. Return one number per head,
# in bits.
# '''
# hints = [
# '''
# Which axis are the queries on? One of the two terms averages over this axis before it takes entropies, the other
# after.
# ''',
# '''
# $H\bigl(\tfrac1N \sum_i a_i\bigr) - \tfrac1N \sum_i H(a_i)$ for each head, where $a_i$ is row $i$ and $H(\cdot)$ is
# the entropy of a row, in bits.
# ''',
# '''
# With `bits = lambda x: -(x * x.log2()).sum(-1)`: one term is `bits(a.mean(-2))`, the other `bits(a).mean(-1)`.
# ''',
# ]
# see = "The check says *right*: no number is negative. The next cell applies your function to the maps of the cup."

# %% tags=["answer:11.5"]
def told(a: Float[Tensor, "H N S"]) -> Float[Tensor, "H"]:
    """Entropy of the mean row minus the mean entropy of the rows, in bits, per head."""
    # solution
    own = -(a * a.log2()).sum(-1).mean(-1)
    mean_row = a.mean(-2)
    return -(mean_row * mean_row.log2()).sum(-1) - own
    # end


checks.told(told)

# %% tags=["needs:11.5"]
four_maps = {"softmax": soft, "floor + fitted gate": gated, "focused, power 3": focus,
             "relu + floor": floor}
knows = {title: told(method.map(q, k, v).dense()[0].double())[0].item()
         for title, method in four_maps.items()}
rows_of_floor = floor.map(q, k, v).dense()[0, 0].double()
mean_row = rows_of_floor.mean(0, keepdim=True).expand_as(rows_of_floor)
from_mean = concentration.divergence(mean_row, rows_of_floor).mean().item()
assert abs(from_mean - knows["relu + floor"]) < 1e-6
say("Bits that a row tells about its query: "
    + ", ".join(f"{title} **{x:.2f}**" for title, x in knows.items()) + ".")
say("(The mean divergence of the rows from their mean row is the same number.)")
assert knows["relu + floor"] < 0.2 < 2 < knows["softmax"]

# %% [markdown]
# It is a tenth of a bit. Under the floor a row hardly depends on its query. This is the uniform background of section
# 3, measured in another way, and perhaps the clearest of all these numbers.
#
# ## 7 · Concentration is not rank
#
# "Linear attention has low rank, so it cannot concentrate." Many texts join these two statements, but they are about
# different things. The rank (chapter 3) counts how many *different* rows there are to mix from. Concentration says
# how few patches a row looks at.
#
# > **Predict.** Raise the power of focused attention from 1 to 16. Its entropy falls by almost three bits. What does
# > the rank do?

# %%
trail = [linviz.read(linviz.make("focused", 1, D, grid, power=p), q, k, v).summary()
         for p in ch11.POWERS]
across = curves.Curve("focused, powers 1 to 16", "focused", "kernel",
                      [x["entropy"] for x in trail],
                      [x["numerical_rank"] for x in trail])
BESIDE = {"softmax": "bottom center", "cosFormer": "middle right"}  # places of labels
alone = {"softmax": soft, "relu + floor": floor, "cosFormer": cosformer,
         "its 2-d form": cosformer_2d, "fitted gate": gated,
         "uniform": linviz.make("uniform", 1, D, grid)}
at = {title: linviz.read(method, q, k, v).summary() for title, method in alone.items()}
convolved = linviz.make("focused+conv", 1, D, grid, seed=0).requires_grad_(False)
one = linviz.read(convolved, q, k, v, channel=0)             # channel 0 of v, whole map
rank = int(one.numerical_rank)
points = [charts.Point(title, method.spec, method.family, at[title]["entropy"],
                       at[title]["numerical_rank"], BESIDE.get(title, "top center"))
          for title, method in alone.items()]
show(charts.plane_chart(points, across,
                        ["" if p == 12 else f"p={p}" for p in ch11.POWERS], most=N,
                        levels={"focused + convolution, one channel: no entropy": rank},
                        title="Focusing lowers the entropy and never changes the rank"))
assert {x["numerical_rank"] for x in trail} == {D}
assert trail[0]["entropy"] - trail[-1]["entropy"] > 2.5

# %% [markdown]
# The rank does not change. The features change, but their number does not: there are still sixteen templates. The
# cosine of cosFormer doubles the number of features, and so it doubles the bound on the rank. Softmax has a high rank
# without any extra step. Papers often name the low rank as the reason why linear attention loses accuracy. In linviz's
# [own trainings](http://localhost:8501/evidence), no difference is seen between relu without a floor and softmax,
# although the rank of relu's map has the same bound.
#
# The authors of FLatten knew that focusing keeps the rank. They added a second part to raise it: a **convolution** of
# $v$ beside the attention, with one small kernel per channel. The convolution is another map, which is added to the
# first: $o = A v + \mathrm{conv}(v)$. All channels still share $A$. The sum is a different map for every channel:

# %%
shared, whole = convolved.map(q, k, v).shared, one.map
assert torch.equal(shared.dense(), focus.map(q, k, v).dense())
convolution = convolved.map(q, k, v).parts[1].channel(0)
sigma = convolution.singular_values()[0, 0]
blind = int(linviz.spectra.numerical_rank(sigma, convolution.tolerance))
shared_rank = int(linviz.read(convolved, q, k, v).numerical_rank)
say(table(["", "numerical rank", "smallest weight"],
          [["what all channels share", f"{shared_rank}", f"{shared.dense().min():.3f}"],
           ["channel 0, attention and convolution", f"{rank}",
            f"{whole.dense().min():.3f}"],
           ["the convolution of channel 0 alone", f"{blind}",
            f"{convolution.dense().min():.3f}"]]))
try:
    one.entropy
except ValueError as refused:
    say(f"If we ask for the entropy of this sum, linviz answers: *{refused}*.")
assert rank > 700 and blind > rank - 10

# %% [markdown]
# The last row of the table is the control. The convolution *alone* does not depend on the picture and treats all
# queries alike, and still it has nearly all of this rank. So a high rank is no merit in itself: it counts directions
# and does not say what they are good for. Moreover, the sum is a signed map, and its rows are not probability
# distributions. For such a map entropy is not zero or negative; it is *not defined*. linviz says so instead of taking
# absolute values.
#
# There is one more pitfall. If the power is large, small channels raised to this power are rounded to zero:

# %%
channels = q.relu() + 1e-6
lost = {p: (channels ** p == 0).float().mean().item() for p in (3, 8, 32)}
say("Channels of q that have become zero in float32: "
    + ", ".join(f"power {p}: {100 * share:.0f} %" for p, share in lost.items()) + ".")
assert lost[3] == 0 and lost[8] > 0.1

# %% [markdown]
# If all channels of a query are lost, its row is dead.
# A dead row is not perfectly concentrated; it is empty. linviz counts such rows and leaves them out. A script that
# adds a small number to every weight reports dead rows as uniform. A script that adds nothing divides zero by zero.

# %% [markdown] tags=["exercise"]
# number = "11.6"
# title = "Opposites"
# difficulty = 5
# importance = 4
# minutes = 8
# objectives = ["rank"]
# task = '''
# Build two $N \times N$ maps for any $N$. Each row of both is a probability distribution. In the first map, **sharp
# and poor**, every row has at most 0.01 bits, and the rank is 1. In the second map, **flat and rich**, every row has
# at least $\log_2 N - 0.01$ bits, and the rank is $N$.
# '''
# hints = [
# '''
# Rank 1: all rows are the same. Rank $N$: no row is a mixture of the others. Which sharp row fits, and which small
# difference?
# ''',
# '''
# Sharp: every query looks at one and the same key. Flat: $(1 - \epsilon)$ of the uniform map plus $\epsilon$ of the
# identity, with a small $\epsilon$.
# ''',
# '''
# `sharp = torch.zeros(N, N, dtype=torch.float64)` with `sharp[:, 0] = 1`; `flat = 0.99 / N + 0.01 * torch.eye(N,
# dtype=torch.float64)`.
# ''',
# ]
# see = "The check says *right*. The next cell puts your maps into the plane: at the lower left and the upper right."

# %% tags=["answer:11.6"]
def opposites(N: int) -> tuple[Float[Tensor, "N N"], Float[Tensor, "N N"]]:
    """A sharp map of rank 1 and a flat map of rank N; all rows sum to one."""
    # solution
    sharp = torch.zeros(N, N, dtype=torch.float64)
    sharp[:, 0] = 1                                          # all look at key 0
    flat = 0.99 / N + 0.01 * torch.eye(N, dtype=torch.float64)  # itself, a little more
    return sharp, flat
    # end


checks.opposites(opposites)

# %% tags=["needs:11.6"]
from linviz.maps import Dense


def rank_of(a: Tensor) -> int:
    return int(linviz.spectra.numerical_rank(Dense(a).singular_values(),
                                             Dense(a).tolerance))


ends = [charts.Point(title, "uniform", "content-free",
                     concentration.entropy(a).mean().item(), rank_of(a), place)
        for title, place, a in zip(("sharp and poor", "flat and rich"),
                                   ("top right", "top left"), opposites(64),
                                   strict=True)]
ends += [charts.Point("identity", "uniform", "content-free", 0.0, 64, "top right"),
         charts.Point("uniform", "uniform", "content-free", 6.0, 1)]
show(charts.plane_chart(ends, most=64,
                        title="All four corners of the plane exist, for 64 tokens"))

# %% [markdown]
# ## 8 · What was not shown
#
# - **Nothing was trained.** We used raw descriptors, $q = k = v$, one photograph and three generated clips. In a
#   trained network queries and keys adapt to their map, and training can compensate for much of a floor, given time:
#   of the [trained models](http://localhost:8501/evidence), relu with this floor was far behind softmax after a short
#   training and much nearer after a long one. On a second task one of five long trainings with the floor learned
#   nothing, and none of those without it.
# - **More concentrated is not better.** A head that copies should concentrate, and a head that averages should not.
#   Only a task decides what is good. In section 2 a mask took the place of a task.
# - **No measure is the right one.** On rows between a spike and a uniform row the measures order maps differently. Name
#   your measure, say what your mean is taken over, and show the spread.
#   [Many samples](http://localhost:8501/many_samples) shows the spread of each measure over linviz's samples.
#   [Heads](http://localhost:8501/heads) shows it over the layers and heads of one model, also of yours. [A guided
#   tour](http://localhost:8501/?tour=flat) leads there from one cat, and [another](http://localhost:8501/?tour=gate) to
#   what a gate changes.
# - **Attention is not explanation.** Where a patch looks need not be what decides.
#
# Sources: cosFormer is Qin and others, 2022 (arXiv 2202.08791); FLatten is Han and others, 2023 (arXiv 2308.00442);
# MALA is Fan and others, 2025 (arXiv 2507.00698); NaLaFormer, 2025 (arXiv 2506.21137);
# feature fixation is *Linear Video Transformer with Feature Fixation*, 2022 (arXiv 2210.08164). Effective tokens and
# participation are Hill's numbers of order one and two (Hill, 1973).
# [The cures in the
# explorer](http://localhost:8501/?source=coffee&patches=28&specs=softmax,relu_floor,cosformer,focused).
#
# ## 9 · Tell a friend
#
# Close the notebook and explain aloud: *linear attention is flat. How flat is it, and why can no query change that?*
# Then compare.
#
# <details><summary>One possible explanation</summary>
#
# Ask how many patches a row looks at, and say how you count, because correct counts differ by a factor of a hundred.
# Under a floor nearly every row looks at nearly all patches. Most of the weight of a row does not depend on the pair
# at all, and a row tells us only a tenth of a bit about its query. A query cannot change that, because all it does is
# choose a mixture. There is one template per feature, the templates are made of the keys alone, and a mixture is
# never sharper than its sharpest part. So the keys have to concentrate first. Any method that claims to do that must
# be compared with the simplest cure, leaving out the floor. And a sharp map need not look at the right place, nor
# have a high rank. To see whether it looks at the right place, compare with a mask; to see how many different rows it
# has, compute the rank.
#
# </details>
#
# ## Quiz

# %%
quizzes.concentrated
