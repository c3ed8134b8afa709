# %% [markdown] tags=["front"]
# title = "Concentration"
# lead = '''
# "Linear attention lacks concentration." Everybody says so, and hardly anybody says how much, or of what. This chapter
# puts numbers on it, finds that the numbers quarrel, and learns to ask them the right questions. Then it takes the fog
# of linear attention apart, tries three cures, and proves where all of them must end.
# '''
# questions = [
#     "On how many patches does a query look, and why are there several honest answers?",
#     "What exactly keeps every patch lit under a floor, and how much do the known cures bring?",
#     "How sharp can linear attention get at all, and what has that to do with its rank?",
# ]
# prerequisites = [
#     "matrices, and a little torch.",
#     "Chapter 4 (the kernel trick) helps; chapter 3 (spectra and ranks) for section 7.",
# ]
# minutes = {reading = 50, exercises = 45, quiz = 5}
# key_points = [
#     "A row can be counted in patches in many ways, and they differ by a factor of a hundred. Always name yours.",
#     "Concentration says how few, never which. For which, one needs a truth to hold against, and chance beside it.",
#     "A floor splits every row into a part of the pair, a part of the key, and fog. Only the first can be steered.",
#     "Most of what cosFormer gathers here, it gathers by having no floor. A cure needs its control.",
#     "Every row of a kernel is a mixture of one template a feature: no row can be sharper than the sharpest template.",
#     "A mean hides what it averages: the background outvotes the object, heads and queries blur into fog.",
#     "Sharp is one thing, rank another. Focusing sharpens and leaves the rank; a convolution lifts it, blindly.",
# ]
#
# [objectives]
# count = "turn a row into a number of patches, and say which number it is"
# object = "measure how much of a row lies on an object, against what chance would give"
# floor = "take the map of a floor apart, and say how much of it a query can steer"
# judge = "judge a cure for flat attention by its control"
# templates = "read the rows of a kernel as mixtures of templates, and say how sharp they can get"
# average = "average concentration without hiding it"
# rank = "tell concentration from rank, and build either without the other"

# %% [markdown]
# ## 1 · How many patches is that?
#
# A cup of coffee, cut into 28 × 28 patches, each described by 16 plain numbers (colour, edges, place; nothing was
# learned). We ask from the near rim of the cup, with three maps on the same queries and keys.

# %%
import math

import torch

import linviz
from linviz import clips, concentration
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import common
from linviz.course.scenes import ch11
from linviz.figures import concentration_charts as charts
from linviz.figures import curves, heat
from linviz.models import fit_gate
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENINGS["coffee"]
grid = opening.grid                                                   # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(photo, grid, opening.temperature)         # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)                                # a patch on the rim

soft, floor, focus = (linviz.make(spec, heads=1, width=D, grid=grid).requires_grad_(False)
                      for spec in ("softmax", "relu_floor", "focused"))
PatchView([Panel(m.title, m.family, m.map(q, k, v)) for m in (soft, floor, focus)], photo, grid, query=query)

# %% [markdown]
# One look says it all: the first gathers, the second does not, the third lies between. (*Relu + floor* is the linear
# attention of chapter 0; section 3 takes it apart. *Focused* attention is one of the cures; section 4 builds it.) Now
# say it in a number. The obvious one: *how many patches does this query look at?*
#
# Take the simplest row there is. One patch holds half of the attention, and the other 783 share the other half alike:
# a spike in fog.
#
# > **Predict before you run.** On how many patches does *this* row look? Write your number down.

# %%
Live(ch11.spike_at, ch11.SPIKES, label="share of the one patch", start=0.5)

# %%
row = ch11.spike(0.5, N)
four, many, most = ch11.counted(row).values()
say(f"Three honest answers: **{four:.0f}**, **{many:.0f}** and **{most:.0f}**, for one and the same row.")
assert round(four) == 4 and 50 < many < 60 and most > 600

# %% [markdown]
# Each of them is "the number of patches" to somebody, and each answers a question of its own. Throw darts at the
# picture, each landing on patch $j$ with chance $a_j$:
#
# - **Participation**, $1 / \sum_j a_j^2$. How soon do two darts hit the same patch? The sum of squares is the chance
#   that they do. Only the loud patches are heard.
# - **Effective tokens**, $2^H$ with $H = -\sum_j a_j \log_2 a_j$. How many yes-or-no questions tell where a dart has
#   landed? $H$ of them, the **entropy** in bits. Everybody is heard, in proportion.
# - **Support**. How many patches must be kept to keep 90 % of the darts? The fog is counted out, patch by patch.
#
# They agree on rows that are the same for $n$ patches and nothing else: the first two say $n$, the third nine tenths of
# it. Move the slider and see how far they part. Real rows lie between spike and fog, so a number of patches without the
# name of its count says little.
#
# Here is all that linviz asks of a row by itself, in one line each, on the rim of the cup. Two are new: the share of
# the ten largest weights (the **top k**, here $k = 10$), and the **Gini coefficient**, 0 where all patches get the same
# and near 1 where one gets all.

# %%
a = soft.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0].double()
a = a / a.sum()                                                       # shares: non-negative, sum to one
by_hand = {
    "entropy": -(a * a.log2()).sum(),
    "effective_tokens": 2 ** -(a * a.log2()).sum(),
    "participation": 1 / a.square().sum(),
    "top_share": a.sort(descending=True).values[:10].sum(),
    "support": (a.sort(descending=True).values.cumsum(0) < 0.9).sum() + 1,
    "gini": 1 - 2 * (a.sort().values * (N - torch.arange(N) - 0.5) / N).sum(),
}
for name, x in by_hand.items():
    assert torch.allclose(linviz.measure.MEASURES[name].function(a).double(), x.double()), name

readings = {m.title: linviz.read(m, q, k, v) for m in (soft, floor, focus)}
asked = {title: {name: f"{r.rows(name)[0, 0, query].item():.3g}" for name in by_hand} for title, r in readings.items()}
say(table(["the row of one query", *asked],
          [[linviz.measure.MEASURES[name].label, *(found[name] for found in asked.values())] for name in by_hand]))
say("From the formulas and from linviz: the same.")

# %% [markdown] tags=["exercise"]
# number = "11.1"
# title = "Effective tokens"
# difficulty = 1
# importance = 5
# minutes = 5
# objectives = ["count"]
# task = '''
# `a` is $N \times S$: rows of shares, a row a query. Return for every row the number of patches it is spread over,
# $2^H$. There are weights that are exactly **zero** in it (a kernel without a floor has many): such a patch is not
# looked at and adds nothing.
# '''
# hints = [
# '''
# The formula stands above. What does torch say to `0 * log2(0)`, and what should it say?
# ''',
# '''
# $H_i = -\sum_j a_{ij} \log_2 a_{ij}$ over the keys, with $0 \log 0 = 0$. Then two to the power of $H_i$.
# ''',
# '''
# `torch.special.entr(a)` is $-a \ln a$ and knows about zero; sum it over the last axis, divide by `math.log(2)`, and
# take `.exp2()`.
# ''',
# ]
# see = "The check says *right*, and the next cell counts the patches of every query of the cup with your function."

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
yours = {title: effective_tokens(r.map.dense()[0, 0]) for title, r in readings.items()}
assert all(torch.allclose(yours[title], readings[title].effective_tokens[0, 0], rtol=1e-3) for title in yours)
say("Patches a query looks at, the mean over all queries: "
    + ", ".join(f"{title} **{x.mean():.0f}**" for title, x in yours.items()) + f", of {N}.")

# %% [markdown]
# ## 2 · How few, but which?
#
# > **Predict.** Take softmax's map and shuffle its keys: every query keeps its weights, but they land on other patches.
# > Which of the six numbers above change?

# %%
shuffled = soft.map(q, k, v).dense()[0, 0][:, torch.randperm(N, generator=torch.Generator().manual_seed(0))]
change = {name: (linviz.measure.MEASURES[name].function(shuffled) - readings[soft.title].rows(name)[0, 0]).abs().max()
          for name in by_hand}
say("Largest change of any row: " + ", ".join(f"{name} {x:.0e}" for name, x in change.items()) + ".")
assert max(change.values()) < 1e-3 * N
before, after = (concentration.distance(x, grid, torch.arange(N), patch=16).mean()
                 for x in (readings[soft.title].map.dense()[0, 0], shuffled))
say(f"But the mean **distance** from a query to what it looks at goes from {before:.0f} to {after:.0f} pixels.")

# %% [markdown]
# None of them, beyond rounding. Concentration says *how few* patches, never *which*. A map that stares at the wrong
# place is as concentrated as one that stares at the right one. To ask "which", one needs a truth to hold against.
#
# Here is one. A handwritten digit moves over a photograph, behind or before a disc cut from another, in four frames.
# The clip was made here, so we know for every patch how much of it is ink: its **mask**. The **mass** on the object is
# the share of a row that lands on it, and the **lift** divides by what a blind, uniform row would land there:
#
# $$\text{mass}_i = \sum_j a_{ij}\, m_j \qquad\qquad \text{lift}_i = \frac{\text{mass}_i}{\frac1S \sum_j m_j}
# \qquad (m_j: \text{share of patch } j \text{ that is ink}).$$

# %%
small = linviz.Grid(4, 14, 14)


def digit(seed: int):
    """The clip, its descriptors, its mask patch by patch."""
    clip = clips.fit(clips.load("digit", seed=seed, frames=small.T), small)
    return clip, clips.descriptors(clip, small, clips.OPENINGS["digit"].temperature), clips.token_mask(clip, small)


clip, moving, mask = digit(0)
width = moving[0].shape[-1]
on = mask >= 0.5                                                      # queries that are mostly ink
say(f"{clip.recipe} {int(on.sum())} of {len(small)} patches are mostly ink; in all it covers "
    f"**{100 * mask.mean():.1f} %** of the clip.")

# %% [markdown] tags=["exercise"]
# number = "11.2"
# title = "Lift"
# difficulty = 2
# importance = 5
# minutes = 6
# objectives = ["object"]
# task = '''
# `a` is $N \times S$, rows of shares; `mask` has $S$ numbers between 0 and 1, the share of each patch that the object
# covers. Return the lift of every row: $N$ numbers.
# '''
# hints = [
# '''
# A patch that is covered by a third counts a third. What would a row that is the same for all patches get?
# ''',
# '''
# Mass: the row times the mask, summed over the keys. Area: the mean of the mask. Lift: one over the other.
# ''',
# '''
# `a @ mask` has one number a query; divide it by `mask.mean()`.
# ''',
# ]
# see = "*Right*, and the next cell finds that ink looks at ink, many times more than a blind row would."

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
say(f"Softmax, from the patches of the digit: {lift(ink[on], mask).mean():.0f} times the fair share lands on the "
    f"digit; from all patches: {lift(ink, mask).mean():.1f} times.")

# %% [markdown]
# Now the question this chapter turns on. We take focused attention and turn it up (power 8, where its authors use 3)
# until it is a whole bit *sharper* than softmax, on average over all queries.
#
# > **Predict.** From the digit's own patches, softmax puts about thirty fair shares on the digit. The sharper map has
# > fewer patches to spend its light on. How many fair shares does it put there: sixty, forty, twenty?

# %%
def digit_map(spec: str, inputs=moving, **options):
    m = linviz.make(spec, 1, width, small, **options).requires_grad_(False)
    return m, m.map(*inputs)


sharper = {"softmax": digit_map("softmax"), "focused, power 8": digit_map("focused", power=8),
           "relu + floor": digit_map("relu_floor")}
PatchView([Panel(title, m.family, x) for title, (m, x) in sharper.items()], clip, small,
          query=clips.token_at(clip, small))

# %%
def facts(x: Float[Tensor, "N S"], truth: Float[Tensor, "S"]) -> list[float]:
    """Mean bits of all rows, of the object's; lift of the object's rows; how often their favourite lies on it."""
    mine = truth >= 0.5
    return [concentration.entropy(x).mean().item(), concentration.entropy(x[mine]).mean().item(),
            concentration.lift(x[mine], truth).mean().item(),
            100 * concentration.pointing(x[mine], truth).float().mean().item()]


found = {title: facts(x.dense()[0, 0], mask) for title, (_, x) in sharper.items()}
say(table(["", "bits, all queries", "bits, the digit's queries", "their lift", "favourite on the digit"],
          [[title, f"{y[0]:.2f}", f"{y[1]:.2f}", f"{y[2]:.1f}", f"{y[3]:.0f} %"] for title, y in found.items()]))
say(f"**{found['focused, power 8'][2]:.0f}**, not sixty: sharper by "
    f"{found['softmax'][0] - found['focused, power 8'][0]:.1f} bits, and *less* on the object.")
assert found["focused, power 8"][0] < found["softmax"][0] - 0.5
assert found["focused, power 8"][2] < 0.8 * found["softmax"][2]
assert 8 < 2 ** (found["focused, power 8"][1] - found["softmax"][1]) < 14

# %% [markdown]
# Three lessons sit in this little table.
#
# **A mean over queries is a vote, and the background has the majority.** Look at the second column: the digit's own
# rows are *very* sharp under softmax and not under focusing. Softmax spends its sharpness where a patch is unlike the
# rest and looks broadly where there are hundreds of its kind; focusing sharpens every row alike. Fifteen patches cannot
# move a mean over 784.
#
# **Sharper on average is not sharper here.** From the digit the map that gathers more, on average, looks at ten times
# as many patches as softmax. (And sharp would still not be right: the shuffled map was as sharp as its original.)
#
# **The favourite tells nothing.** Even under the floor, with a lift of five, the *largest* weight sits on the digit
# practically always. "Does the maximum lie on the object" is a popular test of maps (the pointing game); it cannot see
# fog.
#
# One clip is an anecdote. Three of them, with other digits, paths and backgrounds:

# %%
SPECS = [("softmax", {}), ("relu_floor", {}), ("relu", {}), ("focused", {}), ("focused", {"power": 8})]
lifts: dict[str, list[float]] = {}
for seed in range(3):
    inputs, truth = digit(seed)[1:]
    for spec, options in SPECS:
        m, x = digit_map(spec, inputs, **options)
        title = f"{m.title}, power {options['power']}" if options else m.title
        lifts.setdefault(title, []).append(facts(x.dense()[0, 0], truth)[2])
looks = dict(zip(lifts, SPECS, strict=True))
show(curves.dots([common.runs(title, linviz.make(looks[title][0], 1, width, small), y) for title, y in lifts.items()],
                 axis="lift of the digit's own queries (times a fair share)", better="right is more on it",
                 levels={"uniform": 1.0}, title="Softmax puts more on the object than any of these kernels"))
assert all(min(lifts["softmax"]) > max(y) for title, y in lifts.items() if title != "softmax")

# %% [markdown]
# [The clip in the explorer](http://localhost:8501/?clip=digit&frames=4&maps=softmax,relu_floor,relu,focused), with
# other mechanisms to try (start it with `python3 start.py explore`).
#
# ## 3 · What the fog is made of
#
# Back to the cup. The floor's kernel is $\phi(x) = \max(x, 0) + c$ with $c = 1/\sqrt D$, a quarter here. Write $q$, $k$
# for the features *without* the floor and multiply out:
#
# $$(q_i + c)\cdot(k_j + c) \;=\; \underbrace{q_i \cdot k_j}_{\text{the pair}} \;+\; \underbrace{c \textstyle\sum_m
# k_{jm}}_{\text{the key alone}} \;+\; \underbrace{c \textstyle\sum_m q_{im} + D c^2}_{\text{the same for all } j}$$
#
# The first term is what attention is for: it depends on who asks *and* who answers. The second is a popularity: bright
# for keys with large features, whoever asks. The third is the same for every key: plain fog.
#
# > **Predict.** What share of a row belongs to the pair: nine tenths, two thirds, or less than half?

# %% [markdown] tags=["exercise"]
# number = "11.3"
# title = "The floor taken apart"
# difficulty = 3
# importance = 4
# minutes = 9
# objectives = ["floor"]
# task = '''
# `q` ($N \times D$) and `k` ($S \times D$) are features without their floor, none negative; $c$ is the floor. Sum
# each of the three terms over all keys and return, for every query, what share of its row is the pair's, the key's
# alone, and nobody's: $N \times 3$, rows summing to one.
# '''
# hints = [
# '''
# The third term does not mention $j$. How often does it stand in the sum over the keys?
# ''',
# '''
# Sums over $j$: $\;\sum_j q_i \cdot k_j$; $\;c \sum_{jm} k_{jm}$, the same number for all queries; $\;S\,(c \sum_m
# q_{im} + D c^2)$.
# ''',
# '''
# `pair = (q @ k.mT).sum(-1)`, `key = c * k.sum() * torch.ones_like(pair)`, `nobody = S * (c * q.sum(-1) + D * c**2)`;
# then `torch.stack(..., -1)` and divide by the sum of the three.
# ''',
# ]
# see = "*Right*, and your shares meet the dotted line in the figure below."

# %% tags=["answer:11.3"]
def apart(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"], c: float) -> Float[Tensor, "N 3"]:
    """Shares of every row of (q + c)(k + c)^T: the pair's, the key's alone, nobody's."""
    # solution
    S, D = k.shape
    pair = (q @ k.mT).sum(-1)
    key = c * k.sum() * torch.ones_like(pair)
    nobody = S * (c * q.sum(-1) + D * c**2)
    parts = torch.stack((pair, key, nobody), -1)
    return parts / parts.sum(-1, keepdim=True)
    # end


checks.apart(apart)

# %% tags=["needs:11.3"]
shares = apart(q[0, 0].relu(), k[0, 0].relu(), D**-0.5)
say(f"The mean row of the cup: the pair {shares[:, 0].mean():.2f}, the key alone {shares[:, 1].mean():.2f}, nobody "
    f"{shares[:, 2].mean():.2f}. The luckiest query gets {shares[:, 0].max():.2f} for its pairs.")

# %%
made = ch11.made_of(q[0, 0], k[0, 0], ch11.FLOORS)
show(charts.parts(ch11.FLOORS, made, axis="floor c", at={"1/√D": D**-0.5},
                  title="With its floor, less than half of a row depends on the pair"))
here = ch11.FLOORS.index(D**-0.5)
say(f"At $c = 1/\\sqrt D$ the pair has **{100 * made['the pair'][here]:.0f} %** of its row. The rest lights the same "
    "patches for everybody.")
assert made["the pair"][here] < 0.5 and made["the pair"][0] == 1

# %% [markdown]
# This is why the floor keeps every patch lit, and why better queries alone cannot put it out: whatever a query asks, it
# steers the first part only. Let the floor down, and watch the right end of the curve let go:

# %%
def lowered(floor: float):
    return ch11.floor_at(floor, soft=soft, q=q, k=k, v=v, query=query)


Live(lowered, ch11.FLOORS, label="floor c", start=0.25)

# %% [markdown]
# ## 4 · Three cures, and a control
#
# **cosFormer** (Qin and others, 2022) has no floor, $\phi(x) = \max(x, 0)$, and multiplies each weight by a *cosine of
# the distance* between the token numbers, so that near tokens count more. A cosine of a difference splits into products
# of something of $i$ and something of $j$, so the bracket still moves:
#
# $$s_{ij} = \phi(q_i)\cdot\phi(k_j)\,\cos\!\Bigl(\tfrac{\pi}{2}\,\tfrac{i - j}{N}\Bigr), \qquad
# \cos(\alpha - \beta) = \cos\alpha\cos\beta + \sin\alpha\sin\beta.$$
#
# > **Predict.** Two changes at once: the floor goes, the cosine comes. Together they bring two thirds of a bit. Which
# > of them brings more, and how much more?

# %%
i, j = query, torch.arange(N)
score = (q[0, 0, i].relu() @ k[0, 0].relu().mT) * torch.cos(torch.pi / 2 * (i - j) / N)
cosformer, cosformer_2d = (linviz.make("cosformer", 1, D, grid, axes=axes) for axes in ("1d", "2d"))
assert torch.allclose(score / score.sum(), cosformer.map(q, k, v).rows(torch.tensor([i]))[0, 0, 0], atol=1e-6)

relu = linviz.make("relu", 1, D, grid)
bits = {m: linviz.read(m, q, k, v).summary(spectrum=False)["entropy"] for m in (floor, relu, cosformer)}
say(f"With the floor {bits[floor]:.3f} bits; without it, and without any cosine, {bits[relu]:.3f}; with the cosine "
    f"{bits[cosformer]:.3f}. The floor's going brings **{bits[floor] - bits[relu]:.3f}** bits, the cosine's coming "
    f"**{bits[relu] - bits[cosformer]:.3f}**.")
assert bits[floor] - bits[relu] > 5 * (bits[relu] - bits[cosformer])

# %% [markdown]
# The cosine is so broad that it hardly tells near from far: half-way down the picture it still lets $\cos(\pi/4)
# \approx$ 0.7 through. And on a picture the token number is a strange ruler: it runs along the rows, so the patch
# *below* is as far as a whole row, and the end of one row is next to the start of the following. A cosine for the row
# and one for the column (`axes="2d"`, linviz's own reading) is at least a place:

# %%
y, x = grid.places()[:, 1], grid.places()[:, 2]
raster = torch.cos(torch.pi / 2 * (i - j) / N)
both = torch.cos(torch.pi / 2 * (y - y[i]) / grid.Y) * torch.cos(torch.pi / 2 * (x - x[i]) / grid.X)
show(heat.places(torch.stack((raster, both)).unflatten(-1, (grid.Y, grid.X)).numpy(),
                 ["cosine of the token number", "cosines of row and column"], bar="cosine", top=1.0, columns=2,
                 title="cosFormer's ruler on a picture: bands of rows; with two axes, a place"))

# %% [markdown]
# **Focused attention** (FLatten: Han and others, 2023) has no floor either. It raises every feature to a power $p$ and
# then restores the vector's length:
#
# $$f_p(x) = \frac{\lVert x \rVert}{\lVert x^p \rVert}\; x^p, \qquad x^p: \text{every channel to the power } p,
# \text{ usually } 3.$$
#
# The largest channel grows at the cost of the others, and the vector turns towards its own strongest axis. Two patches
# with the same strongest channel come closer, two with different ones part.

# %%
def f(x: Float[Tensor, "N D"], p: float) -> Float[Tensor, "N D"]:
    x = (x.relu() + 1e-6) / math.log(2)                               # a learned scale, at its start
    return x**p * (x.norm(dim=-1, keepdim=True) / (x**p).norm(dim=-1, keepdim=True))


score = f(q[0, 0], 3) @ f(k[0, 0], 3).mT
assert torch.allclose(score / score.sum(-1, keepdim=True), focus.map(q, k, v).dense()[0, 0], rtol=1e-3, atol=1e-7)


def powered(power: float):
    return ch11.power_at(power, soft=soft, q=q, k=k, v=v, query=query)


Live(powered, ch11.POWERS, label="power p", start=3, form=".0f")

# %% [markdown]
# **The gate** (feature fixation, 2022) keeps the floor and multiplies every feature by a ratio between 0 and 1, which
# each patch computes for itself (chapter 13). Ours is *fitted to softmax's map of this photograph, never trained on a
# task*: it shows what a gate can do, not what one does.
#
# Side by side, with the control that belongs to all of them: the floor left out, and nothing else.

# %%
gated = linviz.make("relu_floor+gate", 1, D, grid)
target = soft.map(q, k, v)
fit = fit_gate(gated, target, q, k, v, steps=200, snapshots=2)
gated = gated.requires_grad_(False)
cures = {"relu + floor": floor, "no floor (the control)": relu, "cosFormer": cosformer,
         "cosFormer, row and column": cosformer_2d, "focused, power 3": focus,
         "floor + fitted gate": gated, "softmax": soft}


def lost(m) -> str:
    """Bits lost by looking with this map where softmax looks."""
    bits = concentration.divergence(m.map(q, k, v).dense().clamp_min(0), target.dense()).mean().item()
    return f"{bits:.2f}" if math.isfinite(bits) else "∞"


numbers = {title: linviz.read(m, q, k, v).summary(spectrum=False, distance={"patch": 16})
           for title, m in cures.items()}
say(table(["mean over all queries", "entropy, bits", "effective tokens", "top ten hold", "distance, pixels",
           "KL from softmax, bits"],
          [[title, f"{r['entropy']:.2f}", f"{r['effective_tokens']:.0f}", f"{100 * r['top_share']:.0f} %",
            f"{r['distance']:.0f}", lost(cures[title])] for title, r in numbers.items()]))
show(curves.dots([common.runs(title, m, [numbers[title]["entropy"]]) for title, m in cures.items()],
                 axis="mean entropy H (bits)", better="left is more gathered", levels={"uniform": math.log2(N)},
                 title="Leaving out the floor does more than cosFormer's cosine adds"))
H = {title: r["entropy"] for title, r in numbers.items()}
assert H["softmax"] < H["floor + fitted gate"] < H["focused, power 3"] < H["no floor (the control)"] < H["relu + floor"]

# %% [markdown]
# Read the last column, too: the divergence from softmax, the bits that are lost by looking with this row
# where softmax looks with its own (chapter 4, section 7). The infinities are honest: without a floor some weights are
# exactly zero, and where softmax looks at such a patch, no number of bits makes up for it. That is the other side of
# the floor, and the reason somebody put it there.
#
# And do not read more into the order than it holds. The gate was *asked* to imitate this very map; the others were
# asked nothing and have no weights to fit. What they bring to a trained network is another question
# ([trained models were asked](http://localhost:8501/evidence)).
#
# ## 5 · How sharp can it get?
#
# So focusing helps, and the gate helps. Could one go on? Here is a way to see where it must end.
#
# Chapter 4 met *templates* in efficient attention, where they are built in. In truth every kernel has them. Normalise
# the *columns* of $\phi(k)$: for each feature $m$, the shares of that feature over the keys. This row of shares is the
# **template** of feature $m$. Every row of the map is a *mixture* of these $M$ templates, and a query does nothing but
# choose the mixture:
#
# $$A_{ij} = \sum_m w_{im}\, t_{mj}, \qquad t_{mj} = \frac{\phi(k_j)_m}{c_m},\quad c_m = \sum_l \phi(k_l)_m, \qquad
# w_{im} = \frac{\phi(q_i)_m\, c_m}{\sum_n \phi(q_i)_n\, c_n}.$$

# %% [markdown] tags=["exercise"]
# number = "11.4"
# title = "Templates"
# difficulty = 3
# importance = 5
# minutes = 9
# objectives = ["templates"]
# task = '''
# Given features `phi_q` ($N \times M$) and `phi_k` ($S \times M$), all positive, return the mixtures ($N \times M$)
# and the templates ($M \times S$). All rows of both are shares, and mixtures times templates is the map.
# '''
# hints = [
# '''
# Two normalisations. Which of them goes over the keys, which over the features?
# ''',
# '''
# $c$ is the sum of `phi_k` over the keys, $M$ numbers. Templates: the transposed `phi_k`, row $m$ divided by $c_m$.
# Mixtures: `phi_q` times $c$, each row divided by its sum.
# ''',
# '''
# `c = phi_k.sum(0)`, `w = phi_q * c`, and return `w / w.sum(-1, keepdim=True), (phi_k / c).mT`.
# ''',
# ]
# see = "*Right*. Then the next cell puts your mixtures and templates together and finds linviz's map of the cup."

# %% tags=["answer:11.4"]
def templates(phi_q: Float[Tensor, "N M"],
              phi_k: Float[Tensor, "S M"]) -> tuple[Float[Tensor, "N M"], Float[Tensor, "M S"]]:
    """Mixtures and templates, rows of shares both, whose product is the kernel's map."""
    # solution
    c = phi_k.sum(0)
    w = phi_q * c
    return w / w.sum(-1, keepdim=True), (phi_k / c).mT
    # end


checks.templates(templates)

# %% tags=["needs:11.4"]
w, t = templates(*(x[0, 0] for x in floor.features(q, k, v)[:2]))
assert torch.allclose(w @ t, floor.map(q, k, v).dense()[0, 0], atol=1e-6)
say(f"{len(t)} templates, {len(w)} mixtures, one map: the largest difference from linviz's is "
    f"{(w @ t - floor.map(q, k, v).dense()[0, 0]).abs().max():.0e}.")

# %% [markdown]
# Mixing spreads. The entropy of a mixture is never below the mean of what is mixed, so it is never below the *sharpest*
# template's:
#
# $$H(A_i) \;\ge\; \sum_m w_{im} H(t_m) \;\ge\; \min_m H(t_m).$$
#
# The left side depends on the query; the right side does not. **Whatever a query asks, no row can be sharper than the
# sharpest template.**
#
# > **Predict.** Forget the queries of this photograph and choose one freely, the best there can be. On how few patches
# > (effective tokens, of 784) can a row of the floor's map look: 1, 16, 50, or 400?

# %%
def template_rows(m) -> Float[Tensor, "M S"]:
    """One template a feature, behind the gate where there is one."""
    _, phi_k, _ = m.features(q, k, v)
    if m.gate is not None:
        phi_k = phi_k * linviz.read(m, q, k, v).fixation[1]
    return phi_k[0, 0].mT / phi_k[0, 0].sum(0)[:, None]


focus_8 = linviz.make("focused", 1, D, grid, power=8).requires_grad_(False)
kernels = {"relu + floor": floor, "no floor": relu, "focused, power 3": focus, "focused, power 8": focus_8,
           "floor + fitted gate": gated}
focus_16 = linviz.make("focused", 1, D, grid, power=16).requires_grad_(False)
sharpest = {title: concentration.effective_tokens(template_rows(m)).min().item() for title, m in kernels.items()}
rows = {title: concentration.effective_tokens(m.map(q, k, v).dense()).min().item() for title, m in kernels.items()}
rows["softmax"] = concentration.effective_tokens(target.dense()).min().item()
say(table(["effective tokens", "sharpest template", "sharpest row of this photograph"],
          [[title, f"{sharpest[title]:.1f}" if title in sharpest else "none", f"{rows[title]:.1f}"] for title in rows]))
say(f"The floor's best possible row still looks at **{sharpest['relu + floor']:.0f}** patches.")
phi_q, phi_k, _ = focus_16.features(q, k, v)
mixed = concentration.effective_tokens(phi_q * phi_k.sum(-2, keepdim=True)).mean().item()
say(f"(And at power 16 a query mixes {mixed:.1f} templates, on average.)")
assert all(sharpest[title] <= rows[title] for title in sharpest) and sharpest["relu + floor"] > 300

# %%
CHANNELS = {"lightness": 0, "edges, 45°": 8, "row": 14}
drawn = torch.cat([template_rows(m)[list(CHANNELS.values())] * N for m in (floor, focus, gated)])
show(heat.places(drawn.unflatten(-1, (grid.Y, grid.X)).clamp_max(12).numpy(),
                 [f"{title}: {name}" for title in ("floor", "focused, p = 3", "gate") for name in CHANNELS],
                 bar="fair shares", top=12.0, columns=3,
                 title="Three templates of each: all that a row can be mixed from"))

# %% [markdown]
# Nearly four hundred, and no cleverness of the query will change it. The road to sharper rows leads through the
# *keys*: a template has to gather before a query can choose it. Every cure in this table does that (the gate's key side
# too: a fixation ratio dims a feature for those keys to whom it means little).
#
# But there are only $M$ templates. If each is to gather on a few patches, sixteen of them cannot serve 784 patches with
# different wishes: turn the power up, and each query ends with one template, shared with everybody who has the same
# strongest channel. (Chapter 4's ceiling on pointing is the same list, counted in another way.) Softmax has no such
# list. Its row is made for its query alone.
#
# ## 6 · Averages that hide
#
# > **Predict.** Focused attention with power 8 against softmax, on the cup. Which of them gathers more? Say it once for
# > the mean entropy, and once for the mean number of effective tokens.

# %%
pair = {title: linviz.read(m, q, k, v).summary(spectrum=False)
        for title, m in (("softmax", soft), ("focused, power 8", focus_8))}
say(table(["", "mean of H, bits", "mean of 2^H, patches", "2^(mean of H), patches"],
          [[title, f"{r['entropy']:.2f}", f"{r['effective_tokens']:.0f}", f"{2 ** r['entropy']:.0f}"]
           for title, r in pair.items()]))
ranges = [concentration.effective_tokens(m.map(q, k, v).dense()) for m in (soft, focus_8)]
say("In bits **softmax** gathers more; in patches **focused** does, and by far. Softmax's rows look at "
    f"{ranges[0].min():.0f} to {ranges[0].max():.0f} patches, those of focused at {ranges[1].min():.0f} to "
    f"{ranges[1].max():.0f}.")
assert pair["softmax"]["entropy"] < pair["focused, power 8"]["entropy"]
assert pair["softmax"]["effective_tokens"] > 1.5 * pair["focused, power 8"]["effective_tokens"]

# %% [markdown]
# Both columns are right. Softmax's rows differ wildly, and a mean of patches is ruled by the broad ones; a mean of bits
# is not. Two maps with means that close should be compared row by row, and the kind of mean belongs to the number.
#
# There is a worse mistake: averaging the *maps*, then measuring. It is quickly done, over the heads of a layer ("the
# mean attention") or over the queries. We split the 16 channels into four heads:

# %%
H4 = 4
parts = [x.unflatten(-1, (H4, D // H4)).transpose(-2, -3).squeeze(1) for x in (q, k, v)]      # (1, 4, N, 4)
by_head = linviz.make("softmax", H4, D // H4, grid).map(*parts).dense()[0]                    # (4, N, N)
own = concentration.entropy(by_head).mean().item()
blurred = concentration.entropy(by_head.mean(0)).mean().item()
say(f"Four heads of softmax: the mean of their entropies is **{own:.2f}** bits, the entropy of their mean map "
    f"**{blurred:.2f}**. Averaged first, {2**blurred / 2**own:.1f} times as many patches.")
assert blurred > own + 0.5

# %% [markdown]
# Mixing spreads, as in section 5. A map averaged over heads is foggier than any of its heads need be. So measure first,
# average after, per head first: `linviz.read(...).summary()` does that and nothing else.
#
# Yet the gap between the two is no nonsense. Average the rows of one head over all *queries*: the mean row says where
# one looks without knowing who asks. How much sharper the rows are than their mean is how much they depend on the
# query, in bits: what a dart tells about who has thrown it (the mutual information of query and key).
#
# > **Predict.** Softmax's rows tell almost three bits about who asks. How many do the floor's: two, one, or a tenth?

# %% [markdown] tags=["exercise"]
# number = "11.5"
# title = "What a row tells of its query"
# difficulty = 4
# importance = 3
# minutes = 8
# objectives = ["average"]
# task = '''
# `a` is $H \times N \times S$: the maps of $H$ heads, rows of shares, no weight zero. Return for every head, in bits,
# the entropy of its mean row minus the mean of its rows' entropies: $H$ numbers.
# '''
# hints = [
# '''
# Which axis are the queries on? One of the two terms averages over it before taking entropies, the other after.
# ''',
# '''
# $H\bigl(\tfrac1N \sum_i a_i\bigr) - \tfrac1N \sum_i H(a_i)$, head by head, where $H(\cdot)$ is the entropy of a row,
# in bits.
# ''',
# '''
# With `bits = lambda x: -(x * x.log2()).sum(-1)`: one term is `bits(a.mean(-2))`, the other `bits(a).mean(-1)`.
# ''',
# ]
# see = "*Right*: never negative. The next cell asks the maps of the cup how much they know about who asks."

# %% tags=["answer:11.5"]
def told(a: Float[Tensor, "H N S"]) -> Float[Tensor, "H"]:
    """Entropy of the mean row minus the mean of the entropies, in bits, head by head."""
    # solution
    own = -(a * a.log2()).sum(-1).mean(-1)
    r = a.mean(-2)
    return -(r * r.log2()).sum(-1) - own
    # end


checks.told(told)

# %% tags=["needs:11.5"]
knows = {title: told(m.map(q, k, v).dense()[0].double())[0].item() for title, m in
         (("softmax", soft), ("floor + fitted gate", gated), ("focused, power 3", focus), ("relu + floor", floor))}
rows_of_floor = floor.map(q, k, v).dense()[0, 0].double()
mean_row = rows_of_floor.mean(0, keepdim=True).expand_as(rows_of_floor)
assert abs(concentration.divergence(mean_row, rows_of_floor).mean().item() - knows["relu + floor"]) < 1e-6
say("Bits a row tells about its query: " + ", ".join(f"{title} **{x:.2f}**" for title, x in knows.items()) + ".")
say("(It is also the mean divergence of the rows from their mean row; linviz agrees.)")
assert knows["relu + floor"] < 0.2 < 2 < knows["softmax"]

# %% [markdown]
# A tenth of a bit: under the floor it hardly matters who asks. That is the fog of section 3 from another side, and
# perhaps the most telling number of all.
#
# ## 7 · Sharp is not rich
#
# "Linear attention is of low rank, so it cannot concentrate": one hears the two in one breath. They are two things.
# Rank (chapter 3) counts how many *different* rows there are to mix from; concentration says how few patches a row
# looks at.
#
# > **Predict.** Turn the power of focused attention from 1 to 16. Entropy falls by almost three bits. What does the
# > rank do?

# %%
trail = [linviz.read(linviz.make("focused", 1, D, grid, power=p), q, k, v).summary() for p in ch11.POWERS]
across = curves.Curve("focused, powers 1 to 16", "focused", "kernel", [r["entropy"] for r in trail],
                      [r["numerical_rank"] for r in trail])
BESIDE = {"softmax": "bottom center", "cosFormer": "middle right"}                 # where a name has room
alone = {"softmax": soft, "relu + floor": floor, "cosFormer": cosformer, "its 2-d form": cosformer_2d,
         "fitted gate": gated, "uniform": linviz.make("uniform", 1, D, grid)}
at = {title: linviz.read(m, q, k, v).summary() for title, m in alone.items()}
convolved = linviz.make("focused+conv", 1, D, grid, seed=0).requires_grad_(False)
one = linviz.read(convolved, q, k, v, channel=0)                      # the whole map of channel 0 of v
rank = int(one.numerical_rank)
show(charts.plane([charts.Point(title, m.spec, m.family, at[title]["entropy"], at[title]["numerical_rank"],
                                BESIDE.get(title, "top center"))
                   for title, m in alone.items()], across, ["" if p == 12 else f"p={p}" for p in ch11.POWERS], most=N,
                  levels={"focused + convolution, one channel: no entropy": rank},
                  title="Focusing moves along the floor of rank, never up"))
assert {r["numerical_rank"] for r in trail} == {D} and trail[0]["entropy"] - trail[-1]["entropy"] > 2.5

# %% [markdown]
# Nothing. The features change, their number does not: sixteen templates are sixteen templates. cosFormer's wave doubles
# the features and with them the bound. Softmax is up there without trying.
#
# FLatten's authors knew. They added a second thing for the rank: a **convolution** of $v$ beside the attention, one
# small kernel a channel. It is another map, added to the first: $o = A v + \mathrm{conv}(v)$. What all channels share
# is still $A$; the whole is a map of its own for every channel:

# %%
shared, whole = convolved.map(q, k, v).shared, one.map
assert torch.equal(shared.dense(), focus.map(q, k, v).dense())
convolution = convolved.map(q, k, v).parts[1].channel(0)
s = convolution.singular_values()[0, 0]
blind = int(linviz.spectra.numerical_rank(s, convolution.tolerance))
say(table(["", "numerical rank", "least weight"],
          [["what all channels share", f"{int(linviz.read(convolved, q, k, v).numerical_rank)}",
            f"{shared.dense().min():.3f}"],
           ["channel 0, attention and convolution", f"{rank}", f"{whole.dense().min():.3f}"],
           ["the convolution of channel 0 alone", f"{blind}", f"{convolution.dense().min():.3f}"]]))
try:
    one.entropy
except ValueError as refused:
    say(f"And its entropy? linviz: *{refused}*.")
assert rank > 700 and blind > 700

# %% [markdown]
# The last line is the control. The convolution *alone*, which has never looked at the picture and knows no query from
# any other, has all that rank by itself. So a rank is no merit as such: it counts directions, not what they are good
# for. And the sum is a signed map, whose rows are no shares: for such a map entropy is not zero or negative, it is
# *not defined*, and linviz says so instead of taking absolute values.
#
# One more trap, while we are here. Turn the power up far enough, and small numbers to a high power are rounded to
# nothing:

# %%
extreme = {p: linviz.read(linviz.make("focused", 1, D, grid, power=p), q, k, v) for p in (16, 24, 32)}
say("Dead rows, whose features have vanished in float32: "
    + ", ".join(f"power {p}: {int(r.dead.sum())}" for p, r in extreme.items()) + f", of {N}.")
assert not extreme[16].dead.any() and extreme[32].dead.any()

# %% [markdown]
# A dead row is not perfectly concentrated, it is empty. linviz counts such rows and leaves them out; a script that
# adds a small number everywhere reports them as uniform, one that does not divides nothing by nothing.

# %% [markdown] tags=["exercise"]
# number = "11.6"
# title = "Opposites"
# difficulty = 5
# importance = 4
# minutes = 8
# objectives = ["rank"]
# task = '''
# Build two maps of $N \times N$ for any $N$, rows of shares both. The first is **sharp and poor**: every row has at
# most 0.01 bits, and its rank is 1. The second is **flat and rich**: every row has at least $\log_2 N - 0.01$ bits,
# and its rank is $N$.
# '''
# hints = [
# '''
# Rank 1: all rows are the same. Rank $N$: no row is a mixture of the others. Which sharp row, and which small
# difference?
# ''',
# '''
# Sharp: everybody looks at one and the same key. Flat: $(1 - \epsilon)$ of the uniform map and $\epsilon$ of the
# identity, with a small $\epsilon$.
# ''',
# '''
# `sharp = torch.zeros(N, N, dtype=torch.float64)` with `sharp[:, 0] = 1`; `flat = 0.99 / N + 0.01 * torch.eye(N,
# dtype=torch.float64)`.
# ''',
# ]
# see = "*Right*. The next cell puts your two maps into the plane above: one at its lower left, one at its upper right."

# %% tags=["answer:11.6"]
def opposites(N: int) -> tuple[Float[Tensor, "N N"], Float[Tensor, "N N"]]:
    """A sharp map of rank 1 and a flat map of rank N, rows of shares both."""
    # solution
    sharp = torch.zeros(N, N, dtype=torch.float64)
    sharp[:, 0] = 1                                                   # everybody looks at the first
    flat = 0.99 / N + 0.01 * torch.eye(N, dtype=torch.float64)        # at all alike, a little more at oneself
    return sharp, flat
    # end


checks.opposites(opposites)

# %% tags=["needs:11.6"]
from linviz.maps import Dense

ends = [charts.Point(title, "uniform", "content-free", concentration.entropy(a).mean().item(),
                     int(linviz.spectra.numerical_rank(Dense(a).singular_values(), Dense(a).tolerance)))
        for title, a in zip(("sharp and poor", "flat and rich"), opposites(64), strict=True)]
show(charts.plane([*ends, charts.Point("identity", "uniform", "content-free", 0.0, 64),
                   charts.Point("uniform", "uniform", "content-free", 6.0, 1)], most=64,
                  title="All four corners of the plane are there, for 64 tokens"))

# %% [markdown]
# ## 8 · What was not shown
#
# - **Nothing was trained.** Raw descriptors, $q = k = v$, one photograph and three clips made here. In a trained
#   network queries and keys are made to fit their map, and much of a floor can be trained around, given time: of the
#   [trained models](http://localhost:8501/evidence), relu with this floor was far behind softmax after a short training
#   and much nearer after a long one. On a second task one of five long trainings with the floor learned nothing, and
#   none of those without it.
# - **More gathered is not better.** A copying head should gather, an averaging head should not. What is good is
#   decided by a task; section 2 stood in for one with a mask.
# - **No measure is the right one.** Between spike and fog they order maps differently. Say which, say the mean of what,
#   show a ch11.
# - **Attention is not explanation.** Where a patch looks need not be what decides.
#
# Sources: cosFormer is Qin and others, 2022 (arXiv 2202.08791); FLatten is Han and others, 2023 (arXiv 2308.00442);
# feature fixation is *Linear Video Transformer with Feature Fixation*, 2022 (arXiv 2210.08164). Effective tokens and
# participation are Hill's numbers of order one and two (Hill, 1973).
# [The cures in the explorer](http://localhost:8501/?clip=coffee&patches=28&maps=softmax,relu_floor,cosformer,focused).
#
# ## 9 · Tell a friend
#
# Close the notebook and say aloud: *linear attention is flat. How flat, and why can no clever query help it?* Then
# compare.
#
# <details><summary>One way to say it</summary>
#
# Ask on how many patches a row looks, and say how you count, because honest counts differ by a factor of a hundred.
# Under a floor nearly every row looks at nearly all patches: most of a row's weight does not depend on the pair at all,
# and from a row one learns a tenth of a bit about who asked. A query cannot help it, since all that a query does is
# mix: there is one template for each feature, made of the keys alone, and a mixture is never sharper than its sharpest
# part. So the keys have to gather first. What is said to do that must be held against the plainest cure, leaving the
# floor out. And sharp is neither right nor rich: which patches, one asks of a truth; how many different rows, of the
# rank.
#
# </details>
#
# ## Quiz

# %%
quizzes.concentrated
