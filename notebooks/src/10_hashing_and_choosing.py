# %% [markdown] tags=["front"]
# title = "Hashing and choosing"
# lead = '''
# Softmax gives most of its weight to few keys. If somebody told us in advance which, we could compute these few and
# leave out the rest. This chapter follows two answers. Reformer sorts the patches by a random hash and looks only at
# patches that were sorted near. SLA scores whole blocks and keeps the best, and it does not throw the rest away.
# '''
# questions = [
#     "How can a query find its best keys without comparing itself with all of them?",
#     "What happens to a good key that is missed?",
#     "Is the rest of a softmax map really of low rank?",
# ]
# prerequisites = ["Chapter 1: softmax attention.", "Chapter 3: the rank of a map, and its effective rank."]
# minutes = {reading = 37, exercises = 40, quiz = 5}
# key_points = [
#     "A hash by random directions puts similar vectors into the same bucket, often but not always.",
#     "What one round misses has weight zero. Further rounds find more, and each costs as much as the first.",
#     "Buckets are not chunks: tokens are sorted by bucket and then cut into chunks of equal length.",
#     "A pair that meets in two rounds must be counted once. Public code counts it twice.",
#     "A method that chooses must be compared with choosing at random, and with the best possible choice.",
#     "SLA mixes two maps, each normalised on its own. It does not split one map into two parts.",
#     "The rest of softmax has a small stable rank and a large effective rank. Name the measure.",
# ]
#
# [objectives]
# hash = "compute the bucket of a vector from random directions"
# chunks = "say which keys a query sees after sorting and cutting"
# rounds = "join several rounds so that each pair counts once"
# blocks = "join exact weights on a few keys with linear attention on the others"
# chance = "say what a miss means, and how rounds change its probability"
# rest = "judge a statement about low rank by asking which rank, and of which part"

# %% [markdown]
# ## 1 · The other eye
#
# The photograph has 20 × 20 patches, and the query is the pupil of one eye. The first panel shows attention over all
# 400 patches: among its favourites is *the other eye*. The second panel shows Reformer after one round of hashing, the
# third after eight rounds. In one round each patch looks at no more than 16 patches.
#
# > **Predict before you run.** Will the query find the other eye in one round? And in eight? The 16 patches are not
# > chosen by the query: they are those with a similar *hash*.

# %%
import math
from pathlib import Path

import plotly.graph_objects as go
import torch

import linviz
from linviz import clips, spectra
from linviz.concentration import entropy
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import ch10, common
from linviz.figures import theme
from linviz.figures.growth import Axis, Trend, trend_lines
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
grid = linviz.Grid(Y=20, X=20)
photo = clips.fit(clips.load("chelsea"), grid)
q, k, v = clips.descriptors(photo, grid, 2 / 3)              # (1, 1, N, D) each
N, D = q.shape[-2:]
Q, K, V = (x[0, 0] for x in (q, k, v))                       # one head: (N, D) each
query, friend = grid.number(0, 8, 6), grid.number(0, 9, 15)  # one eye, the other
L = 8                                                        # tokens in a chunk


def reformer(rounds=8, seed=9, **options):
    return linviz.make("reformer", 1, D, grid, seed=seed, rounds=rounds, chunk=L,
                       temperature="one", **options)


everyone, hashed = reformer(full=True), reformer()
buckets = hashed.mechanism.hashes(q)                         # (1, 1, rounds, N)
panels = [Panel("all keys", everyone.family, everyone.map(q, q, v))]
for n in (1, 8):
    panels.append(Panel(f"Reformer, {n} round{'s' * (n > 1)}", hashed.family,
                        hashed.map(q, q, v, buckets=buckets[:, :, :n])))
PatchView(panels, photo, grid, query=query)

# %%
full = everyone.map(q, q, v).dense()[0, 0]
favourites = full[query].argsort(descending=True)[:2].tolist()
say("The favourites of the query over all keys: "
    + ", ".join(f"row {grid.place(j)[1] + 1}, column {grid.place(j)[2] + 1} "
                f"({full[query, j] * N:.0f} fair shares)" for j in favourites)
    + ". Patches seen: "
    + ", ".join(str(int((p.map.rows([query]) > 0).sum())) for p in panels) + ".")
assert friend == favourites[1]
weights = [p.map.rows([query])[0, 0, 0, friend].item() for p in panels]
assert weights[1] == 0 < min(weights[0], weights[2])

# %% [markdown]
# One round misses the other eye, and eight rounds find it. A key that is missed does not get a small weight. It gets
# *zero*, and the keys that were found share its weight among themselves.
#
# **Reformer** (Kitaev and others, 2020) needs one simplification: queries and keys are the same vectors, except that
# keys are brought to length one. (A token would then always like itself best, so it may look at itself only if it
# sees nothing else.) Its weights are those of softmax, over few keys. The question is how these are found.
#
# ## 2 · Turn the planes by hand
#
# A **hash** puts similar vectors into the same *bucket* and computes the bucket from one vector alone. Take some
# random directions $r_1, r_2, \dots$ and their opposites. The bucket of $x$ is the direction nearest to it:
#
# $$h(x) = \mathrm{argmax}\; [\,x R;\; -x R\,], \qquad R = [r_1, r_2, \dots].$$
#
# The next figure shows this in two dimensions. There are two directions at a right angle, so there are four buckets,
# and their borders lie half-way between the dotted lines. The two points with a ring are friends: they are 20 degrees
# apart. Turn the directions with the slider.
#
# > **Predict.** In which share of all positions are the two friends in the same bucket?

# %%
points = ch10.circle_points(apart=20)


def circle_at(angle: float):
    return ch10.circle_figure(angle, points=points)


Live(circle_at, ch10.ANGLES, label="turned by, degrees", start=0, form="d")

# %%
def meets(apart: float, rounds: int, draws: int = 4000) -> float:
    """How often two vectors share a bucket in at least one of some random rounds."""
    turn = 90 * torch.rand(draws, rounds, generator=torch.Generator().manual_seed(1))
    bucket = [((angle - turn) / 90).round() % 4 for angle in (30.0, 30.0 + apart)]
    return (bucket[0] == bucket[1]).any(-1).float().mean().item()


found = {rounds: meets(20, rounds) for rounds in (1, 2, 8)}
say("Friends at 20 degrees meet in "
    + ", ".join(f"{rounds} round{'s' * (rounds > 1)}: **{100 * x:.1f} %**"
                for rounds, x in found.items()) + ".")
assert abs(found[1] - (1 - 20 / 90)) < 0.02

# %% [markdown]
# A bucket is 90 degrees wide. Two vectors at an angle $\theta$ are parted if a border falls between them, which
# happens with probability $\theta / 90°$. Rounds with fresh directions are independent. So the probability to meet
# at least once in $r$ rounds is
#
# $$P = 1 - \Bigl(\frac{\theta}{90°}\Bigr)^{r}.$$
#
# The figure is made in the open, with plotly. Lines are the formula, markers are drawn at random by the function
# above.

# %%
angle = torch.linspace(0, 90, 46)
dots = [10, 30, 50, 70]
figure = go.Figure()
for rounds, dash in ((1, "solid"), (2, "dash"), (4, "dashdot"), (8, "dot")):
    figure.add_scatter(x=angle.tolist(), y=(1 - (angle / 90) ** rounds).tolist(),
                       name=f"{rounds} round{'s' * (rounds > 1)}", mode="lines",
                       line={"dash": dash, "color": theme.HUES["softmax"]})
    drawn = [meets(x, rounds) for x in dots]
    figure.add_scatter(x=dots, y=drawn, mode="markers", showlegend=False,
                       marker={"color": theme.HUES["softmax"]})
    assert all(abs(y - (1 - (x / 90) ** rounds)) < 0.03 for x, y in zip(dots, drawn))
figure.update_layout(
    template="linviz", height=380, margin={"t": 84},
    title=theme.top_title("More rounds find friends, and strangers as well"),
    xaxis={"title": "angle between two vectors, degrees"},
    yaxis={"title": "probability to meet at least once"},
    meta={"alt": "Probability to share a bucket over the angle, for 1, 2, 4 and 8 "
                 f"rounds. At 70 degrees: {1 - 70 / 90:.2f} with one round, "
                 f"{1 - (70 / 90)**8:.2f} with eight."})
show(figure)

# %% [markdown]
# Look at the right side as well. Eight rounds also bring together vectors that have little in common. They cost work
# and do no harm otherwise: they get the small weights that they deserve.

# %% [markdown] tags=["exercise"]
# number = "10.1"
# title = "The bucket of a vector"
# difficulty = 1
# importance = 4
# minutes = 5
# objectives = ["hash"]
# methods = ["reformer"]
# task = '''
# `x` is $N \times D$, and `R` is $D \times m$: $m$ random directions. There are $2m$ buckets, one for each direction,
# and then one for each opposite direction. Return the bucket of each vector, as $N$ whole numbers from 0.
# '''
# hints = [
# '''
# First compute how well each vector fits each direction. How well does it fit the opposite directions?
# ''',
# '''
# $x R$ is $N \times m$. Put $-x R$ beside it, and take the place of the largest number in each row.
# ''',
# '''
# `torch.cat((x @ R, -x @ R), -1)`, and then `.argmax(-1)`.
# ''',
# ]
# see = "The check says *right*. The next cell hashes the photograph, and your buckets are linviz's in every round."

# %% tags=["answer:10.1"]
from jaxtyping import Float, Int
from torch import Tensor


def bucket_numbers(x: Float[Tensor, "N D"],
                   R: Float[Tensor, "D m"]) -> Int[Tensor, "N"]:
    """The direction nearest to each vector: the largest of [x R; -x R]."""
    # solution
    fit = x @ R
    return torch.cat((fit, -fit), -1).argmax(-1)
    # end


checks.bucket_numbers(bucket_numbers)

# %% tags=["needs:10.1"]
R = hashed.mechanism.R.double()                              # (D, rounds, m)
yours = torch.stack([bucket_numbers(Q.double(), R[:, n]) for n in range(8)])
assert torch.equal(yours, buckets[0, 0])
sizes = yours[0].bincount(minlength=2 * R.shape[-1])
say(f"{len(sizes)} buckets for {N} patches. In round 1 the largest has {sizes.max()} "
    f"patches, and {int((sizes == 0).sum())} have none.")
assert sizes.max() > 2 * N / len(sizes)

# %% [markdown]
# ## 3 · Sort, cut, look back
#
# Buckets have different sizes, and a computer likes equal ones. So Reformer sorts the tokens by bucket and cuts the
# sorted list into **chunks** of $L$ tokens. A token sees its own chunk and the chunk before. Two things follow.
#
# - **A chunk is not a bucket.** A large bucket is cut into several chunks, and a chunk may hold parts of several small
#   buckets. A token also sees across the borders of buckets, if they fall into the same chunk.
# - **Looking back helps** where a bucket was cut. The first chunk looks back at the last one.
#
# In a round every token meets $2L$ tokens, so $r$ rounds need $r \cdot N \cdot 2L$ pairs. Softmax needs $N^2$ pairs.
#
# > **Predict.** The photograph has 20 × 20 patches, and $L = 8$. After how many rounds has Reformer computed as many
# > pairs as softmax?

# %% [markdown] tags=["exercise"]
# number = "10.2"
# title = "Who sees whom after sorting?"
# difficulty = 2
# importance = 4
# minutes = 10
# objectives = ["chunks"]
# methods = ["reformer"]
# task = '''
# `bucket` holds the bucket of each of $N$ tokens in one round. Sort the tokens by bucket. Tokens of the same bucket
# keep their order. Cut the sorted list into chunks of `L`; the last chunk may be shorter. Return an $N \times N$
# table: 1 if query $i$ sees key $j$, else 0. A query sees its own chunk and the one before, and the first chunk sees
# the last.
# '''
# hints = [
# '''
# You need the chunk of every token. For that you need its place in the sorted list. Which two sortings give a place?
# ''',
# '''
# A stable `argsort` of the buckets says which token stands where. Call it `order`. Sorting `order` once more says
# where each token stands. The chunk is $\lfloor \text{place} / L \rfloor$. With $n$ chunks, $j$ is seen if $(c_i -
# c_j) \bmod n \le 1$.
# ''',
# '''
# `chunk = order.argsort() // L`, and the number of chunks is `chunk.max() + 1`. Compare `chunk[:, None] - chunk`,
# modulo this number, with 1, and end with `.float()`.
# ''',
# ]
# see = "The check says *right*. The next cell builds Reformer's map from your tables, and it is linviz's map."

# %% tags=["answer:10.2"]
def seen_after_sorting(bucket: Int[Tensor, "N"], L: int) -> Float[Tensor, "N N"]:
    """1 where query i sees key j: j is in the chunk of i, or in the one before."""
    # solution
    order = bucket.argsort(stable=True)
    chunk = order.argsort() // L
    back = (chunk[:, None] - chunk) % (chunk.max() + 1)
    return (back <= 1).float()
    # end


checks.seen_after_sorting(seen_after_sorting)

# %% tags=["needs:10.2"]
once = seen_after_sorting(buckets[0, 0, 0], L)
theirs = hashed.map(q, q, v, buckets=buckets[:, :, :1]).dense()[0, 0]
others = once.bool() & ~torch.eye(N, dtype=torch.bool)       # without itself
assert torch.equal(others, theirs > 0)
say(f"In one round a query sees {int(others.sum(1).min())} to "
    f"{int(others.sum(1).max())} other patches, {100 * others.float().mean():.1f} % of "
    f"all pairs. After {N // (2 * L)} rounds, {N} · 2 · {L} pairs each, Reformer has "
    "computed as many pairs as softmax.")
assert others.sum(1).max() == 2 * L - 1

# %% [markdown]
# Several rounds are joined as one softmax over all keys that were seen. The next cell derives the whole method: unit
# keys, eight rounds of hashing, sorting and cutting, and a softmax over what was seen. The sorted lists of all rounds
# stand one after the other, so the first chunk of a round looks back at the last chunk of the *round before*.

# %% tags=["derives:reformer"]
unit = Q / Q.norm(dim=-1, keepdim=True)
scores = Q @ unit.mT                                         # (N, N), for all pairs
chunks = []                                                  # of every token
for n, R_now in enumerate(hashed.mechanism.R.double().unbind(1)):
    turned = Q.double() @ R_now
    order = torch.cat((turned, -turned), -1).argmax(-1).argsort(stable=True)
    chunks.append(order.argsort() // L + n * (N // L))       # 50 chunks in a round

seen = torch.zeros(8, N, N)                                  # round, query, key
for n, mine in enumerate(chunks):
    before = (mine - 1) % (8 * N // L)
    for theirs in chunks:                                    # of all rounds
        seen[n] += (mine[:, None] == theirs).float() + (before[:, None] == theirs)
met = seen.sum(0)                                            # how often a pair meets
itself = torch.eye(N, dtype=torch.bool)
counted = (scores + met.log()).masked_fill(itself, -5e4).softmax(-1)
difference = (counted - hashed.map(q, q, v).dense()[0, 0]).abs().max()
assert difference < 1e-5
often = ((met > 1) & ~itself).sum() / ((met > 0) & ~itself).sum()
say(f"The largest difference is {difference:.0e}. Of the pairs that meet, "
    f"**{100 * often:.0f} %** meet more than once.")

# %% [markdown]
# Public implementations differ in two things, so their maps differ, too. One divides the scores by $\sqrt D$, and one
# does not. (We do not: `temperature="one"`.) And they do not treat pairs that meet twice as the paper does. In the
# cell above, as in their code, such a pair counts twice: its weight is `met` times $\exp(s_{ij})$. This is the
# exercise of the next section.
#
# ## 4 · Round by round
#
# > **Predict.** The first four rounds miss the other eye. Will one more round find it? And how much of the weight of
# > full attention has been found after eight rounds? Move the slider.

# %%
rows = ch10.rows_by_round(hashed, q, v, query)


def after_round(rounds: float):
    return ch10.rounds_figure(rounds, rows=rows, full=full[query], friend=friend,
                              grid=grid)


Live(after_round, ch10.ROUNDS, label="rounds", start=1, form="d")

# %%
first = int((rows[:, friend] > 0).nonzero()[0]) + 1
SEEDS = range(40)
table_of_seeds = torch.stack([
    ch10.rows_by_round(reformer(seed=seed), q, v, query)[:, friend] > 0
    for seed in SEEDS]).float()
chance = table_of_seeds.mean(0)
say(f"With these directions the friend is found in round **{first}**. Of 40 draws of "
    "the directions, it is found after 1, 2, 4, 8 rounds in "
    + ", ".join(f"**{100 * chance[n - 1]:.0f} %**" for n in (1, 2, 4, 8)) + ".")
assert 1 < first <= 8 and chance[0] < 0.4 and 0.7 < chance[7] < 1

# %% [markdown]
# So *eight rounds find it* is a statement about luck. Of 40 draws some miss the friend even after eight rounds. A
# single picture of a random method proves nothing: draw again, and count.

# %% [markdown] tags=["exercise"]
# number = "10.3"
# title = "Find the bug: a pair that counts twice"
# difficulty = 3
# importance = 5
# minutes = 12
# objectives = ["rounds"]
# methods = ["reformer"]
# task = '''
# `scores` is $N \times N$, and `seen` is $r \times N \times N$: 1 where query $i$ sees key $j$ in a round, else 0. The
# output of query $i$ is a softmax mean of the values $v$ over all keys that it has seen in *some* round. Public code
# does what `counted_often` does below. Find out for which pairs it is wrong, and write the function without the bug.
# Each query has seen at least one key.
#
#     def counted_often(scores, seen, v):
#         weights = (seen * scores.exp()).sum(0)
#         return weights @ v / weights.sum(-1, keepdim=True)
# '''
# hints = [
# '''
# Two rounds see the same key. What is its weight in `counted_often`, and what should it be?
# ''',
# '''
# Sum over rounds is the count of rounds times $\exp(s_{ij})$. Each key that was seen should count once. (The paper
# subtracts the logarithm of the count from the score, which is the same.)
# ''',
# '''
# `once = (seen.sum(0) > 0).to(scores.dtype)` is 1 for a key that was seen at all. Use it as the weights' first factor.
# ''',
# ]
# see = "The check says *right*. The next cell shows how much the bug changes on the photograph."

# %% tags=["answer:10.3"]
def merged_rounds(scores: Float[Tensor, "N N"], seen: Float[Tensor, "r N N"],
                  v: Float[Tensor, "N E"]) -> Float[Tensor, "N E"]:
    """A softmax mean over all keys seen in some round, each counted once."""
    # solution
    once = (seen.sum(0) > 0).to(scores.dtype)
    weights = once * scores.exp()
    sums = weights.sum(-1, keepdim=True)
    return weights @ v / sums
    # end


checks.merged_rounds(merged_rounds)

# %% tags=["needs:10.3"]
once_each = scores.masked_fill(met == 0, -torch.inf).masked_fill(itself, -5e4)
once = once_each.softmax(-1)
small = scores - scores.max(-1, keepdim=True).values         # exp() stays small
yours = merged_rounds(small, seen.masked_fill(itself, 0), V)
assert (yours - once @ V).abs().max() < 1e-4
twice = (counted - once).abs().sum(-1).mean() / 2
bits = [entropy(a).mean().item() for a in (once, counted)]
say(f"Counting pairs as often as they meet moves **{100 * twice:.0f} %** of the "
    f"weight. The mean entropy falls from {bits[0]:.2f} to {bits[1]:.2f} bits.")
assert twice > 0.1 and bits[1] < bits[0]

public = reformer(duplicates=False).map(q, q, v).dense()[0, 0]
spoilt = ((public - once).abs().sum(-1) / 2 > 0.5).float().mean()
say(f"Public code with its correction switched on: **{100 * spoilt:.0f} %** of the "
    "rows have more than half of their weight in the wrong place.")
assert 0.02 < spoilt < 0.9

# %% [markdown]
# The bug prefers keys that meet often. These are the most similar ones, so the rows become sharper than they should
# be. No error message appears, and a network may even learn well with it: such bugs live long.
#
# A public package has an option that corrects the count, and the option has a bug of its own. It counts the meetings
# inside each round, and forgets the pairs that meet across two rounds, in the first chunk. Their count is 0, to which
# the code adds $10^{-9}$ before it divides. So these few pairs weigh a thousand million times too much. linviz
# repeats this with `duplicates=False`, to be equal to that package, and says so on its page.
#
# One more warning. A network that was *trained* with few hashes and is then evaluated with full attention is another
# network. What it learned relies on what it could see.
#
# ## 5 · Choosing blocks
#
# Hashing sorts single tokens. Graphics processors prefer whole blocks, and in a picture neighbours belong together.
# **SLA** (sparse-linear attention; Zhang and others, 2025), made for the long clips of video generators, works with
# boxes of the grid, here 4 × 4 patches:
#
# 1. Take the mean of $q$ and the mean of $k$ in each block. Score pairs of blocks by their product.
# 2. For each block of queries keep the best part of the blocks of keys, here 5 of 25. On these use softmax.
# 3. On all *other* keys use linear attention, $f_{ij} = \phi(q_i) \cdot \phi(k_j)$, with a softmax over channels as
#    $\phi$.
#
# Each of the two maps is normalised on its own. In SLA the output of the linear map then passes through a learned
# matrix, which mixes channels, and both outputs are added. Such a sum is no longer one map for all channels. Its
# successor SLA2 (2026) joins both maps by a learned ratio. linviz does this, too, with one number $\alpha$:
#
# $$A_{ij} = \alpha\, \frac{e_{ij}}{\sum_{m \in \text{kept}} e_{im}} \quad\text{on kept keys}, \qquad
# A_{ij} = (1 - \alpha)\, \frac{f_{ij}}{\sum_{m \in \text{others}} f_{im}} \quad\text{on the others}.$$

# %% tags=["derives:sla"]
_, row, column = grid.places().T
number = row // 4 * 5 + column // 4                          # the block of a patch
member = (number == torch.arange(25)[:, None]).float() / 16  # (25, N): means
best = ((member @ Q) @ (member @ K).mT).topk(5, -1).indices  # (25, 5)
chosen = torch.zeros(25, 25).scatter(1, best, 1.0).bool()
kept = chosen[number][:, number]                             # (N, N)

pairs = Q @ K.mT / math.sqrt(D)
few = pairs.masked_fill(~kept, -torch.inf).softmax(-1)
f = Q.softmax(-1) @ K.softmax(-1).mT * ~kept
mine = 0.5 * few + 0.5 * f / f.sum(-1, keepdim=True)
sla = linviz.make("sla", 1, D, grid, keep=0.2, alpha=0.5, block=4)
theirs = sla.map(q, k, v).dense()[0, 0]
difference = (mine - theirs).abs().max()
assert difference < 1e-5
soft = pairs.softmax(-1)
share = (soft * kept).sum(-1).mean()
say(f"The largest difference is {difference:.0e}. The kept fifth of the pairs has "
    f"**{100 * share:.0f} %** of the weight of softmax.")
assert 0.5 < share < 0.7

# %% [markdown]
# Two common misunderstandings:
#
# - **"The linear part repairs what the sparse part lost."** Not by itself. It does not know how much weight was lost:
#   here $\alpha$ gives it one half for every query, also where softmax would give it a tenth. In SLA the learned matrix
#   behind the linear part starts at *zero*. Before training the linear part does nothing.
# - **"It is a sparse matrix plus a low-rank matrix."** It is the sum of two *normalised* maps. And since each block of
#   queries leaves out keys of its own, the linear part is not even of low rank as a whole:

# %%
linear_part = linviz.make("sla", 1, D, grid, keep=0.2, alpha=0.0, block=4)
table_of_rest = linear_part.map(q, k, v).dense()[0, 0].double()
rank = torch.linalg.matrix_rank(table_of_rest).item()
one_block = torch.linalg.matrix_rank(table_of_rest[number == 7]).item()
say(f"Rank of the linear part: **{rank}**. Rank of its rows in one block: "
    f"**{one_block}** (D = {D}).")
assert one_block == D and rank > 10 * D

# %% [markdown] tags=["exercise"]
# number = "10.4"
# title = "Exact on a few, linear on the others"
# difficulty = 4
# importance = 4
# minutes = 13
# objectives = ["blocks"]
# methods = ["sla"]
# task = '''
# Write the formula of this section for one head. `q` is $N \times D$, `k` is $S \times D$, `v` is $S \times E$.
# `kept` is $N \times S$: 1 for a kept pair, else 0. `alpha` is one number. The features are a softmax over channels.
# The softmax of kept keys has $\sqrt D$ in it. Return $N \times E$. Each row of `kept` has ones and zeros.
# '''
# hints = [
# '''
# Compute two outputs, as if each part were alone. Each of them is a mean, so each is divided by a sum of its own. Mix
# the outputs at the end.
# ''',
# '''
# $e_{ij} = \text{kept}_{ij} \exp(q_i \cdot k_j / \sqrt D)$ and $f_{ij} = (1 - \text{kept}_{ij})\, \phi(q_i) \cdot
# \phi(k_j)$. The output is $\alpha\, e v / \sum e + (1 - \alpha)\, f v / \sum f$, row by row.
# ''',
# '''
# `f = (1 - kept) * (q.softmax(-1) @ k.softmax(-1).mT)`; then `f / f.sum(-1, keepdim=True) @ v` is the second mean.
# ''',
# ]
# see = "The check says *right*. On the photograph your function gives linviz's output for three values of alpha."

# %% tags=["answer:10.4"]
def exact_and_linear(q: Float[Tensor, "N D"], k: Float[Tensor, "S D"],
                     v: Float[Tensor, "S E"], kept: Float[Tensor, "N S"],
                     alpha: float) -> Float[Tensor, "N E"]:
    """alpha times softmax over kept keys, and 1 - alpha times the linear rest."""
    # solution
    e = kept * (q @ k.mT / q.shape[1] ** 0.5).exp()
    f = (1 - kept) * (q.softmax(-1) @ k.softmax(-1).mT)
    near = e @ v / e.sum(-1, keepdim=True)
    return alpha * near + (1 - alpha) * f @ v / f.sum(-1, keepdim=True)
    # end


checks.exact_and_linear(exact_and_linear)

# %% tags=["needs:10.4"]
for alpha in (0.2, 0.5, 0.9):
    yours = exact_and_linear(Q, K, V, kept.float(), alpha)
    sla = linviz.make("sla", 1, D, grid, keep=0.2, alpha=alpha, block=4)
    assert (yours - sla(q, k, v)[0, 0]).abs().max() < 1e-5
say("Equal for all three.")

# %% [markdown]
# ## 6 · Is the rest of low rank?
#
# The idea behind SLA is an observation: *softmax weights are a few large ones of high rank and many small ones of very
# low rank*. Try it, on any picture. `PICTURE` is the name of a photograph, or the name of a file of your own. We keep
# the 32 largest weights of each row of softmax (8 %) and look at the spectrum of both parts.
#
# > **Predict.** The rest has a quarter to a half of all weight, spread over 92 % of the table. Is its rank smaller or
# > larger than that of the few?

# %%
PICTURE = "chelsea"                                          # or "my_photograph.jpg"


def opened(name: str):
    """A photograph of linviz, or a picture from a file."""
    if name in clips.PHOTOGRAPHS:
        return clips.load(name)
    return clips.decode_clip(Path(name).read_bytes(), name, frames=1).clip


def split(name: str, count: int = 32) -> tuple[Tensor, Tensor, Tensor]:
    """Softmax of a photograph in two parts: the largest of each row, and the rest."""
    picture = clips.fit(opened(name), grid)
    q, k, v = clips.descriptors(picture, grid, 2 / 3)
    table = linviz.make("softmax", 1, q.shape[-1], grid).map(q, k, v).dense()[0, 0]
    large = table >= table.topk(count, -1).values[:, -1:]
    blocks = linviz.make("sla", 1, q.shape[-1], grid, keep=0.2, alpha=1.0)
    in_blocks = blocks.map(q, k, v).dense()[0, 0] > 0
    return table.double(), large, in_blocks


def both_ranks(part: Tensor) -> tuple[float, float]:
    s = torch.linalg.svdvals(part)
    return spectra.stable_rank(s).item(), spectra.effective_rank(s).item()


whole, large, _ = split(PICTURE)
parts = {"the few": whole * large, "the rest": whole * ~large}
figure, values = go.Figure(), {}
for (name, part), dash in zip(parts.items(), ("solid", "dash")):
    s = torch.linalg.svdvals(part)
    values[name] = s / s[0]
    figure.add_scatter(x=list(range(1, N + 1)), y=values[name].tolist(), name=name,
                       line={"dash": dash, "color": theme.HUES["softmax"]})
figure.update_layout(
    template="linviz", height=380, margin={"t": 84},
    title=theme.top_title("The rest falls at once, and then hardly at all"),
    xaxis={"title": "singular values, largest first"},
    yaxis={"title": "of the largest", "type": "log", "range": [-4, 0.1],
           "tickvals": [0.0001, 0.001, 0.01, 0.1, 1],
           "ticktext": ["0.0001", "0.001", "0.01", "0.1", "1"]},
    meta={"alt": "Singular values of two parts of a softmax map, each divided by its "
                 "largest. The 10th and the 300th: "
                 + "; ".join(f"{name} {s[9]:.2f} and {s[299]:.4f}"
                             for name, s in values.items()) + "."})
show(figure)
say(f"*{PICTURE}*: " + "; ".join(
    "{}: stable rank **{:.1f}**, effective rank **{:.0f}**".format(
        name, *both_ranks(part)) for name, part in parts.items())
    + f". The rest has {100 * parts['the rest'].sum(-1).mean():.0f} % of the weight.")

# %% [markdown]
# The two measures contradict each other.
#
# - The **stable rank** is $\sum_n s_n^2 / s_1^2$: the whole energy in units of the largest direction. All weights of
#   the rest are small and positive, so much of its energy lies in one direction, nearly the same row for all queries.
#   A stable rank of 2.5 means that this direction alone holds 1 / 2.5, two fifths of the energy.
# - The **effective rank** (chapter 3) is the exponential of the entropy of the $s_n / \sum s$. It counts the long,
#   flat tail: many directions, each weak.
#
# So "the rest is of low rank" is **true by stable rank and reversed by effective rank**. Is it the picture? The next
# cell takes six photographs. It also splits them in a second way: into the *blocks* that SLA keeps and the other
# blocks, because this is what the method really does. [Claims](http://localhost:8501/claims) tries the statement on
# a picture of yours, beside five others.

# %%
results = {}
for name in clips.PHOTOGRAPHS:
    whole, large, in_blocks = split(name)
    assert 0.25 < (whole * ~large).sum(-1).mean() < 0.5
    results[name] = [both_ranks(whole * mask)
                     for mask in (large, ~large, in_blocks, ~in_blocks)]
for n, measure in enumerate(("stable rank", "effective rank")):
    say(table([measure, "32 largest", "their rest", "kept blocks", "other blocks"],
              [[name, *(f"{x[n]:.1f}" if n == 0 else f"{x[n]:.0f}" for x in found)]
               for name, found in results.items()]))
low = [name for name, (few, rest, *_) in results.items() if rest[0] < few[0]]
say(f"By stable rank the rest of the 32 largest is lower in **{len(low)} of "
    f"{len(results)}** pictures, by effective rank in none.")
assert len(results) == 6 and len(low) >= 5
assert all(rest[1] > 1.3 * few[1] for few, rest, *_ in results.values())
assert all(b[0] < a[0] and b[1] < a[1] for *_, a, b in results.values())

# %% [markdown]
# By stable rank the statement holds in five pictures and just fails in one. By effective rank it is reversed in all
# six. For *blocks*, however, the others are lower by both measures. A likely reason: a block of 16 × 16 pairs is kept
# or left out as a whole, so no holes are cut into it. Cutting single weights out of a smooth table makes it rough, and
# a rough table has a long tail.
#
# The question *which rank, and of which part?* decides the answer. None of these numbers says whether linear
# attention is good enough for the rest. For that, the output of a trained network has to be compared.
#
# ## 7 · Chosen well?
#
# Hashes, blocks and windows (chapter 9) all choose pairs. A fair comparison fixes the *number of pairs* and asks how
# much of the weight of softmax they hold. Two more lines show what is possible: the best choice of each row, and a
# choice at random.
#
# > **Predict.** With a fifth of all pairs: which of the three holds most of the weight? Does any of them come close
# > to the best choice?

# %%
def quality(mask: Tensor) -> tuple[float, float]:
    """The share of all pairs, and the share of softmax's weight on them."""
    return mask.float().mean().item(), (soft * mask).sum(-1).mean().item()


def sla_mask(keep: float) -> Tensor:
    m = linviz.make("sla", 1, D, grid, keep=keep, alpha=1.0)
    return m.map(q, k, v).dense()[0, 0] > 0


def window_mask(side: int) -> Tensor:
    y, x = row // side, column // side
    return (y[:, None] == y) & (x[:, None] == x)


def hash_mask(rounds: int) -> Tensor:
    return reformer(rounds, seed=0).map(q, q, v).dense()[0, 0] > 0


chosen_by = {
    "hashes (Reformer)": ("reformer", "softmax", [hash_mask(r) for r in (1, 2, 4, 8)]),
    "blocks (SLA)": ("sla", "kernel", [sla_mask(x) for x in (0.04, 0.08, 0.2, 0.4)]),
    "windows": ("swin", "local", [window_mask(s) for s in (4, 5, 10)]),
    "the best of each row": ("uniform", "content-free",
                             [soft >= soft.topk(n, -1).values[:, -1:]
                              for n in (16, 32, 80, 160)])}
lines = []
for name, (spec, family, masks) in chosen_by.items():
    x, y = zip(*map(quality, masks))
    lines.append(Trend(name, spec, family, x, y))
lines.append(Trend("at random", "relu", "content-free", [0.02, 0.4], [0.02, 0.4],
                   dash="dot"))
show(trend_lines(lines, Axis("share of all pairs"), Axis("share of softmax's weight"),
                 title="Every choice beats chance, and none is near the best"))
at_a_fifth = {"hashes (Reformer)": quality(hash_mask(8)),
              "blocks (SLA)": quality(sla_mask(0.2)),
              "windows": quality(window_mask(10)),
              "the best of each row": quality(chosen_by["the best of each row"][2][2])}
say("About a fifth of the pairs: "
    + ", ".join(f"{name} {100 * y:.0f} % of the weight ({100 * x:.0f} % of the pairs)"
                for name, (x, y) in at_a_fifth.items()) + ".")
assert all(y > 1.5 * x for x, y in at_a_fifth.values())
assert at_a_fifth["the best of each row"][1] > 0.8
assert lines[2].y[0] > lines[1].y[0] > lines[0].y[0]         # at 4 % of the pairs
assert max(y for name, (x, y) in at_a_fifth.items() if "best" not in name) < 0.75

# %% [markdown]
# All of them are better than chance, and none is close to the best choice. Note the windows: they do not look at the
# content at all, and with 4 % of the pairs they hold a little more weight than both methods that do. In a picture
# nearness is a good first guess, and a method that chooses has to beat it. The number of pairs is not the time that a
# graphics processor needs: blocks are much faster for it than single pairs. And weight found is not accuracy: a
# network that is trained with its mask can learn to live with it.
#
# How do the costs grow? $R$ is the number of rounds, and $L$ the number of tokens in a chunk.

# %%
fine = linviz.Grid(Y=2 * grid.Y, X=2 * grid.X)
compared = [linviz.make("softmax", 1, D, grid), reformer(),
            linviz.make("sla", 1, D, grid)]
say(table(["", "cost of a head", "4 times the patches", "rank at most"],
          common.costs_and_ranks(compared, grid, fine)))
pairs_kept = [quality(sla_mask(0.2))[0], quality(hash_mask(8))[0]]
assert abs(pairs_kept[0] - 0.2) < 0.01 and pairs_kept[1] < 8 * 2 * L / N

# %% [markdown]
# Reformer's pairs grow with $N$, as long as $R$ and $L$ stay fixed. (The sort adds a little: $N \log N$ steps.) SLA
# keeps a fixed *share* of all pairs, here a fifth. So its cost still grows with $N^2$.
#
# [Both methods in the
# explorer](http://localhost:8501/?source=chelsea&patches=20&specs=softmax,reformer,sla), with other pictures and
# settings.
#
# ## 8 · What was not shown
#
# - **Nothing was trained.** Our $q = k$ are descriptors of patches. In a network that is trained with hashes, queries
#   and keys adapt to them.
# - **Long sequences.** With 400 patches there is little to save. These methods are made for many thousands of tokens,
#   where a chunk is 64 and a block is 64 to 128 tokens.
# - **Time.** Sorting and gathering cost time that a count of pairs does not show.
# - **Causality.** In a causal Reformer the weights reach only into the past, but the sort knows all tokens. Where a
#   chunk ends can depend on the future.
# - **SLA's router and its learned mixture** (SLA2) need training.
#
# Sources: Reformer is Kitaev and others, 2020 (arXiv 2001.04451); SLA is Zhang and others, 2025 (arXiv 2509.24006),
# and SLA2 is arXiv 2602.12675. What trained models say is on [the evidence page](http://localhost:8501/evidence).
#
# **If you remember one thing:** a key that was not chosen has the weight zero. So compare every choice with chance, and
# with the best possible choice.
#
# ## Quiz

# %%
quizzes.hashing
