# %% [markdown] tags=["front"]
# title = "Rank, and why it is not concentration"
# lead = '''
# Two complaints about linear attention are often made in one breath: its maps are flat, and their rank is low. This
# chapter takes the two apart. One slider changes the rank of a map from 16 to 784 and leaves it flat. Another slider
# makes a map sharp and leaves the rank at 16. Ten methods are derived on the way. At the end two small models colour a
# grey photograph, and you can look up which of the two numbers went with success.
# '''
# questions = [
#     "What can raise the rank of linear attention, and what cannot?",
#     "Does a higher rank make a map more concentrated?",
#     "Which of the two numbers goes with the score when a model copies colours?",
# ]
# prerequisites = [
#     "Rank and singular values (chapter 3), linear attention (chapter 4).",
#     "Entropy in bits as a measure of concentration (chapter 11).",
# ]
# minutes = {reading = 42, exercises = 40, quiz = 7}
# key_points = [
#     "Rank counts directions of the whole map. Entropy measures how widely one row is spread. They are independent.",
#     "One summary for each block of tokens raises the rank up to N and leaves the entropy nearly as it was (MHLA).",
#     "A power sharpens the rows and leaves the rank at D (FLatten). Only its depthwise branch lifts that bound.",
#     "Subtracting instead of dividing adds one direction and makes weights negative (InLine, MALA).",
#     "Keeping negative channels doubles the bound to 2 D (NaLa, Pola). Rotation leaves it at D (MLLA, RALA).",
#     "All products up to degree p give a staircase of bounds: D + 1, then (D + 1)(D + 2)/2 (Fastmax).",
#     "In one small training, rank went with the score where entropy did not. One training is not a law.",
# ]
#
# [objectives]
# apart = "tell a claim about rank from a claim about concentration"
# blocks = "derive attention with one summary per block, and divide it by its true row sum"
# branch = "say what a depthwise branch adds, and write it as a matrix"
# contrast = "give linear attention a contrast without a table of pairs"
# bound = "compute the bound on the rank of a map from its factors"
# judge = "judge an experiment that compares two attentions"

# %% [markdown]
# ## 1 · One picture, two numbers
#
# The picture, its 28 × 28 patches and their 16 descriptors are those of chapter 13; nothing here is learned. The next
# cell makes four attention maps of them. For each map we compute two numbers.
#
# - **Rank**: the number of singular values that are not zero. It belongs to the whole map. If it is 16, all 784 rows
#   are mixtures of 16 rows. (In a computer nothing is exactly zero: `MapFacts` below counts the singular values above
#   $10^{-10}$ of the largest.)
# - **Entropy** in bits: how widely a row is spread. It belongs to one row; we take the mean over all rows. One bit less
#   means half as many patches.
#
# > **Predict before you run.** The maps are relu (plain linear attention), *focused*, *MHLA with 196 blocks*, and
# > softmax. Three of them are linear attention. Which of the four have the rank 784, which is all that is possible?
# > And which is the most concentrated of the three linear ones?

# %%
import plotly.graph_objects as go
import torch
from jaxtyping import Float, Int
from torch import Tensor

import linviz
from linviz import clips
from linviz.concentration import entropy
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes.ch12 import (
    BLOCKS, POWERS, MapFacts, block_facts, layer_facts, painted_at, power_facts,
    spectrum_at)
from linviz.figures.theme import empty_figure, top_title
from linviz.maps import Dense
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENING
grid = opening.grid                                          # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
Q, K, V = (x.double() for x in clips.descriptors(photo, grid, opening.temperature))
q, k, v = (x[0, 0] for x in (Q, K, V))                       # (N, D) each
N, D = q.shape
query = grid.number(0, *opening.place)                       # at the corner of the eye
size = dict(heads=1, width=D, grid=grid)                     # of every mechanism below


def map_of(m):
    """The map of a mechanism of linviz on our q, k and v."""
    return m.double().requires_grad_(False).map(Q, K, V)


def weights(m) -> torch.Tensor:
    """The same as a table of weights, (N, N)."""
    return map_of(m).dense()[0, 0]


four = {"relu": linviz.make("relu", **size),
        "focused, p = 8": linviz.make("focused", power=8, **size),
        "MHLA, 196 blocks": linviz.make("mhla", block=2, **size),
        "softmax": linviz.make("softmax", **size)}
maps = {title: weights(m) for title, m in four.items()}
facts = {title: MapFacts.of(a) for title, a in maps.items()}

# %%
shown = {title: map_of(m) for title, m in four.items()}      # factors, not tables
shown["MHLA, 196 blocks"] = Dense(maps["MHLA, 196 blocks"].float()[None, None])
PatchView([Panel(title, four[title].family, a) for title, a in shown.items()],
          photo, grid, query=query)                          # (its factors are wider)

# %%
say(table(["", "rank", "entropy, bits"],
          [[title, f"{x.rank}", f"{x.bits:.2f}"] for title, x in facts.items()]))
assert [x.rank for x in facts.values()] == [16, 16, 784, 784]
relu, sharp, blocks, soft = facts.values()
assert relu.bits - blocks.bits < 0.2 < 2 < relu.bits - sharp.bits

# %% [markdown]
# Look at the table twice. The map with 196 blocks has the full rank of softmax, and it is almost as flat as relu. The
# focused map is more than two bits sharper, and its rank is still 16. So there are two knobs. One turns the rank and
# hardly touches the entropy; the other turns the entropy and leaves the rank alone. This is the one thing to remember
# of this chapter. The next two sections build the knobs.
#
# [A guided tour](http://localhost:8501/?tour=rank) asks what rank says and what it does not.
#
# [These maps in the explorer](http://localhost:8501/?source=chelsea&patches=28&specs=relu,focused,mhla,softmax): the
# page prints both numbers for each map.
#
# ## 2 · The knob for the rank: one summary per block
#
# In linear attention all queries read the same two sums (chapter 4), one for the values and one for the row sum:
#
# $$o_i = \frac{\phi(q_i)\, S}{\phi(q_i) \cdot z}, \qquad S = \sum_j \phi(k_j)^\top v_j, \qquad z = \sum_j \phi(k_j).$$
#
# *MHLA* cuts the **tokens** into $M$ blocks and keeps the two sums $S_c$ and $z_c$ of each block $c$. The block $b$ of
# a query mixes them with weights of its own:
#
# $$o_i = \frac{\phi(q_i)\, \sum_c C_{bc}\, S_c}{\phi(q_i) \cdot \sum_c C_{bc}\, z_c}.$$
#
# The table $C$ has $M \times M$ numbers between 0 and 1. They are learned; at the start near blocks count more. The
# mixing costs $M^2$ sums of $D \times E$ numbers in addition, which is little while $M^2 \le N$. What is the map? Write
# out the sums over the tokens $j$, with $b(i)$ for the block of token $i$:
#
# $$A_{ij} = \frac{C_{b(i)b(j)}\;\phi(q_i)\cdot\phi(k_j)}{\sum_m C_{b(i)b(m)}\;\phi(q_i)\cdot\phi(k_m)}, \qquad
# \phi(x) = \max(x, 0) + 10^{-6}.$$
#
# With $C$ all ones this is linear attention; with $C$ the identity it is linear attention inside each block. The next
# cell computes the map from this formula, with 16 blocks. (linviz adds $10^{-6}$ to every row sum, and so does the
# cell.)

# %% tags=["derives:mhla"]
side = BLOCKS[16]                                            # 7 x 7 patches in a block
places = grid.places()[:, 1:]                                # row, column of a patch
number_of = (places // side) @ torch.tensor([grid.X // side, 1])     # its block
centres = torch.cartesian_prod(*2 * [torch.arange(4.0)])
near = 1 - torch.cdist(centres, centres) / (3 * 2 ** 0.5)    # 1 here, 0 far away
C = (near / near.sum(0)).double()                            # (16, 16), the start

phi_q, phi_k = (x.relu() + 1e-6 for x in (q, k))
pairs = C[number_of][:, number_of] * (phi_q @ phi_k.mT)
mine = pairs / (pairs.sum(-1, keepdim=True) + 1e-6)
theirs = weights(linviz.make("mhla", block=side, **size))
assert torch.allclose(mine, theirs, rtol=1e-5, atol=1e-9)
say(f"{len(C)} blocks: the largest difference from linviz is "
    f"{(mine - theirs).abs().max():.0e}, the rank **{MapFacts.of(mine).rank}**.")

# %% [markdown]
# Why does the rank rise? Write the numerator as a product of longer vectors, of $M D$ numbers:
#
# 1. A *key* puts its features into the place of its own block, and zeros into the other $M - 1$ places.
# 2. A *query* puts $C_{b1}\phi(q_i)$ into the first place, $C_{b2}\phi(q_i)$ into the second, and so on.
# 3. The product of the two keeps one place only, that of the key's block: $C_{b(i)b(j)}\;\phi(q_i)\cdot\phi(k_j)$.
#
# So the map is an $N \times MD$ table times an $MD \times N$ table, and the bound on its rank is $M D$ instead of $D$.
# (With $C$ all ones, a query holds $M$ copies of the same $D$ numbers, and the bound falls back to $D$.)
#
# > **Predict.** We cut the picture into 1, 4, 16, 49 and 196 blocks. The rank rises from 16 to 784. What will the
# > entropy do: fall steadily to that of softmax, fall by half, or hardly move?

# %%
by_blocks = block_facts(Q, K, V, grid)


def at_blocks(blocks: float):
    return spectrum_at(blocks, found=by_blocks, spec="mhla", name="blocks")


Live(at_blocks, tuple(BLOCKS), label="number of blocks", start=16, form="d")

# %%
say(table(["blocks", "rank", "effective rank", "entropy, bits"],
          [[f"{n}", f"{x.rank}", f"{x.effective:.1f}", f"{x.bits:.2f}"]
           for n, x in by_blocks.items()]))
ranks, bits = zip(*((x.rank, x.bits) for x in by_blocks.values()))
assert (ranks[0], ranks[-1]) == (D, N) and list(ranks) == sorted(ranks)
assert max(bits) - min(bits) < 0.7 and bits[-1] > bits[1]
say("From the first row to the last the entropy falls by "
    f"{bits[0] - bits[-1]:.2f} bits. Softmax is {bits[0] - soft.bits:.2f} bits below "
    "the first row.")

# %% [markdown]
# The rank is 49 times as high, and the entropy moves by a tenth of a bit. It is not even monotone. The effective rank
# (chapter 3) says how evenly the directions are used: it rises to about 36 and stays there. Most of the new directions
# are faint.
#
# A frequent mistake is to call this method *windowed*. It is not: every query reaches every block whose $C$ is above
# zero. And the name "multi-head linear attention" means heads along the *tokens*; the usual heads over channels are
# still there.
#
# ### A fault that can be found by adding up a row
#
# Public code of this method has a fault. The next cell holds it, written anew. Tokens come block by block: `q`, `k` are
# $M \times n \times D$ and `v` is $M \times n \times E$.

# %%
def public_mhla(q, k, v, C):
    """The output (M, n, E), with the fault."""
    S = k.mT @ v                                             # (M, D, E): summaries
    z = k.sum(1)                                             # (M, D): sums of keys
    above = q @ torch.einsum("bc,cde->bde", C, S)
    met = (q * z[:, None]).sum(-1)                           # (M, n): queries meet keys
    below = torch.einsum("bc,cn->bn", C, met)                # then the blocks are mixed
    return above / below[..., None]


order = number_of.argsort(stable=True)                       # block by block
blocked = [x[order].unflatten(0, (16, -1)) for x in (phi_q, phi_k, v)]
ones = torch.ones_like(blocked[2])
sums = public_mhla(*blocked[:2], ones, C)[..., 0]
say("Values that are all 1 must give 1, since each row sums to one. The faulty code "
    f"gives numbers from **{sums.min():.2f}** to **{sums.max():.2f}**.")
assert sums.max() > 1.2 and sums.min() < 0.5

# %% [markdown] tags=["exercise"]
# number = "12.1"
# title = "Find the bug: one summary per block"
# difficulty = 2
# importance = 5
# minutes = 12
# objectives = ["blocks"]
# methods = ["mhla"]
# task = '''
# Write `public_mhla` again, without its fault. The features `q` and `k` are $M \times n \times D$, `v` is $M \times n
# \times E$, and `C` is $M \times M$. Return the outputs, $M \times n \times E$. Each row of weights has to sum to one.
# '''
# hints = [
# '''
# The numerator is right. Compare the denominator with the formula: which query does it contain? Follow one token
# through the line with `einsum("bc,cn->bn", ...)`.
# ''',
# '''
# The row sum of token $i$ in block $b$ is $\phi(q_i) \cdot \sum_c C_{bc}\, z_c$. So mix the sums $z_c$ first. Only then
# let the query meet them.
# ''',
# '''
# `mixed = C @ z` is $M \times D$: one mixed sum per block. Then `below = (q * mixed[:, None]).sum(-1, keepdim=True)`.
# ''',
# ]
# see = "The check says *right*. In the next cell all row sums are 1, and the outputs are those of linviz."

# %% tags=["answer:12.1"]
def mhla(q: Float[Tensor, "M n D"], k: Float[Tensor, "M n D"],
         v: Float[Tensor, "M n E"], C: Float[Tensor, "M M"]) -> Float[Tensor, "M n E"]:
    """Attention through one summary per block, with rows that sum to one."""
    # solution
    S, z = k.mT @ v, k.sum(1)                                # (M, D, E), (M, D)
    above = q @ torch.einsum("bc,cde->bde", C, S)
    below = (q * (C @ z)[:, None]).sum(-1, keepdim=True)
    return above / below
    # end


checks.mhla(mhla)

# %% tags=["needs:12.1"]
yours, sums = mhla(*blocked, C), mhla(*blocked[:2], ones, C)
difference = (yours.flatten(0, 1) - (theirs @ v)[order]).abs().max()
say(f"Row sums from {sums.min():.6f} to {sums.max():.6f}. The largest difference from "
    f"linviz is **{difference:.0e}**.")
assert difference < 1e-4 and (sums - 1).abs().max() < 1e-9

# %% [markdown]
# The fault lets *other* queries, at the same place in other blocks, decide how a row is divided. No picture of
# attention shows this. One line does: put in values that are all 1.

# %% [markdown] tags=["exercise"]
# number = "12.2"
# title = "How much rank can the blocks give?"
# difficulty = 3
# importance = 4
# minutes = 9
# objectives = ["bound"]
# methods = ["mhla"]
# task = '''
# `sizes` holds the number of tokens of each of $M$ blocks. `D` is the number of features. `C` is $H \times M \times
# M$, one mixing per head. Return the bound on the rank of each head's map: $H$ whole numbers. Count what the keys can
# give and what $C$ can give, and take the smaller one.
# '''
# hints = [
# '''
# The map is a product of two factors. Its rank is at most the rank of each of them. How many independent rows can the
# keys of one block give, if the block has $n$ tokens with $D$ features?
# ''',
# '''
# The keys give $\sum_b \min(n_b, D)$. The queries give at most $D$ times the rank of $C$. The bound is the smaller
# number.
# ''',
# '''
# `sizes.clamp(max=D).sum()`, and `torch.linalg.matrix_rank(C)`, which has one number per head. `torch.minimum` takes
# the smaller of two tensors.
# ''',
# ]
# see = "The check says *right*. The next cell finds the ranks of the table above without any singular value."

# %% tags=["answer:12.2"]
def mhla_bound(sizes: Int[Tensor, "M"], D: int,
               C: Float[Tensor, "H M M"]) -> Int[Tensor, "H"]:
    """The largest rank of a map with one summary per block."""
    # solution
    from_keys = sizes.clamp(max=D).sum()
    return torch.minimum(from_keys, D * torch.linalg.matrix_rank(C))
    # end


checks.mhla_bound(mhla_bound)

# %% tags=["needs:12.2"]
bounds = []
for count, edge in BLOCKS.items():
    sizes = torch.full((count,), edge ** 2)
    start = linviz.make("mhla", block=edge, **size).mechanism.C.detach().double()
    bounds.append(int(mhla_bound(sizes, D, start[None])))
say("Your bounds: " + ", ".join(f"{n} blocks {b}" for n, b in zip(BLOCKS, bounds))
    + ". Measured: " + ", ".join(map(str, ranks)) + ".")
assert all(found <= bound for found, bound in zip(ranks, bounds)) and bounds[-1] == N

# %% [markdown]
# The measured ranks lie a little below the bound: the 16 descriptors of this picture are not independent in every
# block.
#
# ## 3 · The knob for concentration: a power
#
# *FLatten* ("focused linear attention") keeps one summary and sharpens the features instead. It raises every channel
# to a power $p$ and then restores the length of the vector:
#
# $$y = \max(x, 0) + 10^{-6}, \qquad f(x) = y^p\,\frac{|y|}{|y^p|}.$$
#
# A power moves a vector towards its largest channel. Two tokens with the same largest channel come closer, and others
# move apart. (The method also divides $y$ by a learned scale and adds learned codes of position to the keys. At the
# start the scale is $\ln 2$ in every channel, which cancels, and the codes are zero.)

# %% tags=["derives:focused"]
def focus(x: Float[Tensor, "N D"], p: float) -> Float[Tensor, "N D"]:
    """Every channel to the power p; the length of the vector stays."""
    y = (x.relu() + 1e-6) / torch.log(torch.tensor(2.0))     # softplus(0) = ln 2
    return y ** p * y.norm(dim=-1, keepdim=True) / (y ** p).norm(dim=-1, keepdim=True)


def divided(w: Float[Tensor, "N S"], eps: float = 0.0) -> Float[Tensor, "N S"]:
    """Every row divided by its sum, plus eps: the methods add 1e-6 per key."""
    return w / (w.sum(-1, keepdim=True) + eps)


mine = divided(focus(q, 3) @ focus(k, 3).mT, N * 1e-6)
theirs = weights(linviz.make("focused", power=3, **size))
assert torch.allclose(mine, theirs, rtol=1e-5, atol=1e-9)
say(f"Power 3: rank **{MapFacts.of(mine).rank}**, {entropy(mine).mean():.2f} bits; "
    f"relu has {relu.bits:.2f} bits.")

# %% [markdown]
# > **Predict.** Move the power from 1 to 8. Which of the two numbers in the title will change?

# %%
by_power = power_facts(Q, K, V, grid)


def at_power(p: float):
    return spectrum_at(p, found=by_power, spec="focused", name="power")


Live(at_power, POWERS, label="power p", start=3, form="d")

# %%
ends = by_power[1], by_power[8]
say(f"The rank is {ends[0].rank} at every power. The entropy falls from "
    f"{ends[0].bits:.2f} to {ends[1].bits:.2f} bits, the effective rank rises from "
    f"{ends[0].effective:.1f} to {ends[1].effective:.1f}.")
assert {x.rank for x in by_power.values()} == {D}
assert ends[0].bits - ends[1].bits > 2 and ends[1].effective < D

# %% [markdown]
# **"A sharper map has a higher rank" is false.** A power is applied to each feature by itself. It makes no new
# feature, so the map is still an $N \times D$ table times a $D \times N$ table. (The *effective* rank rises a little
# towards its ceiling of 16: sharper features overlap less.)
#
# Here are both knobs in one figure. You can read how it is made: every point is one map.

# %%
figure = empty_figure(
    "Rank on a log axis against entropy. With more blocks the points move to the right "
    f"at about the same height, from rank {ranks[0]} to {ranks[-1]}. With a higher "
    f"power they fall from {ends[0].bits:.1f} to {ends[1].bits:.1f} bits at rank {D}. "
    f"Blocks without mixing fall and move right. Softmax stands at rank {N}.")
alone = {n: MapFacts.of(weights(linviz.make("mhla", block=edge, mixing="identity",
                                            **size))) for n, edge in BLOCKS.items()}
LINES = {"more blocks (MHLA)": (by_blocks, "square", "solid", "top center"),
         "a higher power (FLatten)": (by_power, "circle", "dash", "middle left"),
         "blocks that do not mix": (alone, "diamond", "dot", "top right")}
for title, (found, symbol, dash, where) in LINES.items():
    figure.add_trace(go.Scatter(
        x=[x.rank for x in found.values()], y=[x.bits for x in found.values()],
        text=[f"{n}" for n in found], textposition=where, name=title,
        mode="lines+markers+text", marker={"symbol": symbol, "size": 9},
        line={"dash": dash}, hovertemplate="rank %{x}, %{y:.2f} bits"))
figure.add_trace(go.Scatter(x=[N], y=[soft.bits], name="softmax", mode="markers",
                            marker={"symbol": "star", "size": 13}))
figure.update_layout(
    title=top_title("Two knobs: one moves the rank, the other the entropy"),
    xaxis={"title": "rank (number of singular values above zero)", "type": "log",
           "tickvals": [16, 32, 64, 128, 256, 512, 784]},
    yaxis={"title": "entropy, mean over rows (bits)"}, margin={"t": 60},
    legend={"orientation": "v", "x": 0.02, "y": 0.02})
show(figure)
assert alone[16].rank == by_blocks[16].rank
assert by_blocks[16].bits - alone[16].bits > 3

# %% [markdown]
# The dotted line is the strongest evidence. With 16 blocks and $C$ = identity, each block attends to itself alone.
# This map has exactly the rank of the mixing one and more than three bits less entropy. **Equal rank, very different
# concentration.** (The small numbers at the points are numbers of blocks, or powers.)
#
# ## 4 · A second map beside the first: the depthwise branch
#
# FLatten adds a convolution of the values: in each channel of $v$, a patch gets a weighted sum of the 5 × 5 patches
# around it. The weights are learned and do not depend on the content. *Depthwise* means that each channel has its own
# kernel and no channel mixes with another. The same branch, under the name LePE, stands in RALA, MALA, NaLa and MLLA,
# the methods of sections 5 to 7.
#
# $$o = A v + \mathrm{DWC}(v)$$
#
# > **Predict.** The map $A$ has rank 16. A 5 × 5 kernel has 25 numbers. What is the rank of $A$ + branch, for one
# > channel: 16, 25, 41, or 784?

# %% tags=["derives:focused"]
from torch.nn.functional import conv2d

branched = linviz.make("focused+conv", power=3, seed=0, **size).double()
kernels, bias = branched.mechanism.conv.detach(), branched.mechanism.conv_bias.detach()
pictures = v.mT.unflatten(1, (grid.Y, grid.X))               # (E, 28, 28)
branch = conv2d(pictures[None], kernels[:, None], padding=2, groups=D)[0]
mine = theirs @ v + branch.flatten(1).mT + bias              # A v + DWC(v)
with torch.no_grad():
    assert torch.allclose(mine, branched(Q, K, V)[0, 0], rtol=1e-5, atol=1e-6)
    whole = branched.map(Q, K, V)
    channel = whole.channel(0).dense()[0, 0]
of_channel = MapFacts.of(channel)
say(f"The map of channel 0, branch included: rank **{of_channel.rank}**. Its rows sum "
    f"to {channel.sum(-1).min():.2f} to {channel.sum(-1).max():.2f}, and "
    f"{100 * (channel < 0).double().mean():.0f} % of its weights are negative.")
assert of_channel.rank == N and of_channel.bits is None

# %% [markdown]
# The bound is gone, and this is what it means that a branch "restores the rank". But look at the price of the sentence.
# The matrix of a convolution is a narrow band. It knows nothing of content, it is negative in places, and each
# channel has one of its own. So there is no single map left to look at: linviz draws $A$, which all channels share,
# and gives the whole map of a channel on request.
#
# A public picture of such a map has a fault. At the right end of a row the kernel goes on at the left end of the
# next row, since the next number in raster order *is* there. The exercise asks for the right matrix.

# %% [markdown] tags=["exercise"]
# number = "12.3"
# title = "The branch as a matrix"
# difficulty = 3
# importance = 3
# minutes = 11
# objectives = ["branch"]
# methods = ["focused"]
# task = '''
# `kernel` is $P \times P$ with $P$ odd, for a picture of $Y$ rows and $X$ columns of patches. Return the matrix $YX
# \times YX$ of the convolution. Row `r * X + c` belongs to the patch that is computed, at row $r$ and column $c$.
# `kernel[P // 2, P // 2]` weighs that patch itself, `kernel[0, 0]` the patch furthest up and left. Beyond the border
# there are zeros.
# '''
# hints = [
# '''
# Take one patch and one entry of the kernel. Which patch does it weigh? When is that patch outside the picture? Ask
# this for its row and for its column.
# ''',
# '''
# Entry $(a, b)$ of the kernel weighs the patch at row $y = r + a - \lfloor P/2 \rfloor$ and column $x = c + b -
# \lfloor P/2 \rfloor$. If $0 \le y < Y$ and $0 \le x < X$, it stands at `out[r * X + c, y * X + x]`.
# ''',
# '''
# Four loops over `r`, `c`, `a`, `b`, and inside them `if 0 <= y < Y and 0 <= x < X: out[r * X + c, y * X + x] =
# kernel[a, b]`. (Or let `conv2d` work on the pictures of an identity matrix.)
# ''',
# ]
# see = "The check says *right*. In the next cell your matrix times the values equals torch's convolution."

# %% tags=["answer:12.3"]
def branch_matrix(kernel: Float[Tensor, "P P"], Y: int,
                  X: int) -> Float[Tensor, "Y*X Y*X"]:
    """The matrix of a depthwise convolution with zeros beyond the border."""
    # solution
    P, out = len(kernel), torch.zeros(Y * X, Y * X, dtype=kernel.dtype)
    for r in range(Y):
        for c in range(X):
            for a in range(P):
                for b in range(P):
                    y, x = r + a - P // 2, c + b - P // 2
                    if 0 <= y < Y and 0 <= x < X:
                        out[r * X + c, y * X + x] = kernel[a, b]
    return out
    # end


checks.branch_matrix(branch_matrix)

# %% tags=["needs:12.3"]
band = branch_matrix(kernels[0], grid.Y, grid.X)
assert torch.allclose(band @ v[:, 0], branch[0].flatten())
assert torch.allclose(theirs + band, channel, atol=1e-8)
say("Your matrix gives torch's convolution. Alone it has rank "
    f"{MapFacts.of(band).rank}: the branch does not need attention for that.")

# %% [markdown]
# ## 5 · Subtract instead of divide: InLine and MALA
#
# A row of linear attention is divided by its own sum. So the length of $\phi(q_i)$ stands above and below the fraction
# and cancels. With relu, for example, $q$ and $3q$ have the same row. Two methods change this. *InLine* does not
# divide. It subtracts the mean:
#
# $$A_{ij} = \tfrac1N + \tfrac{s}{N}\; \phi(q_i)\cdot\bigl(\phi(k_j) - \bar\phi_k\bigr), \qquad s = 1/\sqrt D,$$
#
# where $\bar\phi_k$ is the mean of the keys' features. *MALA* divides and subtracts. With
# $z_i = s\,\phi(q_i)\cdot\bar\phi_k$, which grows with the length of $\phi(q_i)$:
#
# $$A_{ij} = \tfrac sN\bigl(1 + \tfrac1{z_i}\bigr)\,\phi(q_i)\cdot\phi(k_j) - \tfrac{z_i}N, \qquad \phi(x) =
# \mathrm{elu}(x) + 1.$$

# %% tags=["derives:inline", "derives:mala"]
def elu1(x):
    """elu(x) + 1: a positive feature."""
    return torch.nn.functional.elu(x) + 1


s = D ** -0.5
inline_map = 1 / N + s / N * q @ (k - k.mean(0)).mT          # phi is the identity here
assert torch.allclose(inline_map, weights(linviz.make("inline", **size)), atol=1e-12)

phi_q, phi_k = elu1(q), elu1(k)
z = s * phi_q @ phi_k.mean(0)
mala_map = s / N * (1 + 1 / (z + 1e-6))[:, None] * (phi_q @ phi_k.mT) - z[:, None] / N
theirs = weights(linviz.make("mala", rotate=False, **size))
assert torch.allclose(mala_map, theirs, rtol=1e-5, atol=1e-9)

p = divided(phi_q @ phi_k.mT)                                # linear attention
on_line = 1 / N + (1 + z)[:, None] * (p - 1 / N)
assert torch.allclose(on_line, mala_map, atol=1e-6)        # and InLine, with these phi:
assert torch.allclose(1 / N + s / N * phi_q @ (phi_k - phi_k.mean(0)).mT,
                      1 / N + z[:, None] * (p - 1 / N), atol=1e-12)
of_inline, of_mala = MapFacts.of(inline_map), MapFacts.of(mala_map)
negative = {name: 100 * (a < 0).double().mean().item()
            for name, a in (("InLine", inline_map), ("MALA", mala_map))}
say(f"Ranks: InLine {of_inline.rank}, MALA {of_mala.rank}; the bound is {D + 1}. "
    + ", ".join(f"{name}: {x:.0f} % of the weights are negative"
                for name, x in negative.items()) + ".")
assert of_inline.rank <= of_mala.rank == D + 1 and min(negative.values()) > 20

# %% [markdown]
# The cell also checks a surprise: for positive features four methods are **one line**. Linear attention has the weights
# $p_{ij} = \phi(q_i)\cdot\phi(k_j) \,/\, (N\,\phi(q_i)\cdot\bar\phi_k)$. Multiply them by
# $z_i = s\,\phi(q_i)\cdot\bar\phi_k$, and the divisor goes:
#
# $$z_i\,p_{ij} = \tfrac sN\,\phi(q_i)\cdot\phi(k_j).$$
#
# Put this into both formulas. InLine becomes $\tfrac1N + z_i\,p_{ij} - \tfrac{z_i}N$. MALA becomes
# $(1 + \tfrac1{z_i})\,z_i\,p_{ij} - \tfrac{z_i}N = (1 + z_i)\,p_{ij} - \tfrac{z_i}N$. So all of them have one form:
#
# $$A = \tfrac1N + c_i\,\bigl(p_{ij} - \tfrac1N\bigr)\qquad c = 0\text{: uniform},\quad c = 1\text{: linear
# attention},\quad c = z_i\text{: InLine},\quad c = 1 + z_i\text{: MALA}.$$
#
# The number $c$ is a **contrast**. Above 1 it pushes weights below $1/N$ further down, at last below zero. Rows still
# sum to one, but they are no probability distributions, and so they have no entropy. Contrast also adds just one
# direction, the constant row: the bound is $D + 1$.
#
# The published MALA rotates the features too (section 7).

# %% [markdown] tags=["exercise"]
# number = "12.4"
# title = "Contrast without the table"
# difficulty = 3
# importance = 4
# minutes = 8
# objectives = ["contrast"]
# methods = ["inline", "mala"]
# task = '''
# Write attention with a contrast. The features are `phi_q` ($N \times M$) and `phi_k` ($S \times M$), the values `v`
# ($S \times E$), and `c` holds one contrast per query. The map is $A = 1/S + c_i (p_{ij} - 1/S)$, with $p$ linear
# attention. Return $A v$ and do not make an $N \times S$ table; the check counts.
# '''
# hints = [
# '''
# $A$ is a sum of a constant part and a multiple of $p$. What is a constant row $1/S$ times the values?
# ''',
# '''
# $A v = \bar v + c_i\,\bigl((p v)_i - \bar v\bigr)$ with $\bar v$ the mean of the values. And $p v$ is linear
# attention: its bracket moves.
# ''',
# '''
# With `o` for `phi_q @ (phi_k.mT @ v)`, each row divided by `phi_q @ phi_k.sum(0)`, and `mean` for `v.mean(0)`, the
# answer is `mean + c[:, None] * (o - mean)`.
# ''',
# ]
# see = "The check says *right*. The next cell makes MALA from your function and counts negative weights."

# %% tags=["answer:12.4"]
def contrast(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "S M"],
             v: Float[Tensor, "S E"], c: Float[Tensor, "N"]) -> Float[Tensor, "N E"]:
    """A v with A = 1/S + c (p - 1/S), p linear attention."""
    # solution
    o = phi_q @ (phi_k.mT @ v) / (phi_q @ phi_k.sum(0))[:, None]
    mean = v.mean(0)
    return mean + c[:, None] * (o - mean)
    # end


checks.contrast(contrast)

# %% tags=["needs:12.4"]
difference = (contrast(phi_q, phi_k, v, 1 + z) - mala_map @ v).abs().max()
row = p[query] * N                                           # in fair shares
below = [100 * ((1 + c * (row - 1)) < 0).double().mean().item() for c in (1, 4, 16)]
say("Your function with c = 1 + z is MALA: the largest difference is "
    f"**{difference:.0e}**. At c = 1, 4 and 16, {below[0]:.0f}, {below[1]:.0f} and "
    f"{below[2]:.0f} % of the weights of our query are negative.")
assert difference < 1e-4 and below[0] == 0 < below[1] < below[2]

# %% [markdown]
# ## 6 · Keep the negative channels: NaLa and Pola
#
# relu throws away every channel that is negative. Two methods keep these channels as features of their own, and so they
# have $2D$ features and twice the bound. *NaLa* raises the direction of a query to a power that grows with its length:
#
# $$\phi(q) = \bigl[\,(u^+)^w;\;(u^-)^w\bigr],\quad u = q/|q|,\quad w = 3\bigl(\tfrac12 + \tanh|q|\bigr),\qquad
# \phi(k) = \bigl[(k^+)^3;\;(k^-)^3\bigr],$$
#
# with $x^+ = \max(x, 0)$ and $x^- = \max(-x, 0)$. *Pola* makes **two** maps. One joins channels of the same sign, the
# other channels of opposite sign, and each mixes one half of the channels of $v$:
#
# $$\text{same} \propto q^+\!\cdot k^+ + q^-\!\cdot k^-, \qquad \text{opposite} \propto q^-\!\cdot k^+ + q^+\!\cdot
# k^-,$$
#
# each channel raised to a learned power, which starts at 3.

# %% tags=["derives:nala", "derives:pola"]
def both_signs(x, power):
    """[relu(x)^power; relu(-x)^power]."""
    return torch.cat((x.relu() ** power, (-x).relu() ** power), -1)


length = q.norm(dim=-1, keepdim=True)
power = 3 * (0.5 + length.tanh())
nala_map = divided(both_signs(q / length, power) @ both_signs(k, 3).mT, N * 1e-6)
theirs = weights(linviz.make("nala", rotate=False, **size))
assert torch.allclose(nala_map, theirs, rtol=1e-5, atol=1e-9)

ln2 = torch.log(torch.tensor(2.0)).double()                  # a scale at its start
queries, keys = both_signs(q / ln2, 3), both_signs(k / ln2, 3)
crossed = queries.roll(D, -1)                                # the two halves exchanged
same, opposite = (divided(x @ keys.mT, N * 1e-6) for x in (queries, crossed))
pola = linviz.make("pola", **size).double()
mine = torch.cat((same @ v[:, :D // 2], opposite @ v[:, D // 2:]), -1)
with torch.no_grad():
    assert torch.allclose(mine, pola(Q, K, V)[0, 0], rtol=1e-5, atol=1e-6)
found = {"NaLa": nala_map, "Pola, same sign": same, "Pola, opposite sign": opposite}
say(table(["", "rank", "entropy, bits"],
          [[name, f"{MapFacts.of(a).rank}", f"{entropy(a).mean():.2f}"]
           for name, a in found.items()]))
say(f"The power of NaLa is between {power.min():.2f} and {power.max():.2f} here.")
assert all(MapFacts.of(a).rank == 2 * D for a in found.values()) and power.min() > 4

# %% [markdown]
# Three things are often misread. The opposite map of Pola has **no negative weights**: both maps are positive, and
# what to do with "my opposite" is left to the channels of $v$. NaLa's power *saturates*: $\tanh$ is nearly 1 from a
# length of 2 on, so on this picture the power is almost the same for every query. And $2D = 32$ is still far below 784.
#
# > **Predict.** The query is the patch at the corner of the eye. Its strongest descriptor says: many edges at 157.5°.
# > Which patches will the opposite map light: those with edges of the same direction, those with edges across it, or
# > those without edges?

# %%
PatchView([Panel(name, pola.family, Dense(found[name].float()[None, None]))
           for name in ("Pola, same sign", "Pola, opposite sign")],
          photo, grid, query=query)

# %%
along, across = 6 + 7, 6 + 3                                 # edges: 157.5° and 67.5°
seen = {name: [(found[name][query] @ v)[n].item() for n in (along, across)]
        for name in ("Pola, same sign", "Pola, opposite sign")}
say(table(["mean descriptor, weighted by", "edges at 157.5°", "edges at 67.5°"],
          [["the query itself", *(f"{v[query, n]:.2f}" for n in (along, across))],
           *([name, *(f"{y:.2f}" for y in ys)] for name, ys in seen.items())]))
assert q[query].argmax() == along
assert seen["Pola, same sign"][0] > 2 and seen["Pola, same sign"][1] < 0
assert seen["Pola, opposite sign"][0] < 0 < seen["Pola, opposite sign"][1]

# %% [markdown]
# (A descriptor is centred: 0 is the mean of the picture.) The same-sign map finds edges of the same direction, the
# opposite map finds edges *across* it, at 67.5°. So "opposite" means less of what I have more of.
#
# ## 7 · Turn the features: MLLA and RALA
#
# Positions can enter by **rotation**: pairs of channels are turned by an angle that grows with the row (first half of
# the channels) and with the column (second half). If $x$ is turned by $R_i$ and $y$ by $R_j$, their product is
# $R_i x \cdot R_j y = x \cdot R_{j-i}\,y$: the places enter only through their distance.
#
# *MLLA* and *RALA* turn the features above the fraction, and leave the row sum below as it was, so that it stays
# positive. RALA also gives each key a weight $w_j$, larger if the key suits the *average* query $g$:
#
# $$A_{ij} = \frac{R_i\phi(q_i)\cdot R_j\phi(k_j)\;w_j}{\phi(q_i)\cdot\sum_m w_m\phi(k_m)},\qquad
# w = N\,\mathrm{softmax}_j\bigl(g\cdot\phi(k_j)/\sqrt D\bigr),\qquad g = \tfrac1N\textstyle\sum_i\phi(q_i).$$
#
# MLLA is the same with $w = 1$. The two count their angles a little differently.

# %% tags=["derives:mlla", "derives:rala"]
def turned(x: Float[Tensor, "N D"], steps: int) -> Float[Tensor, "N D"]:
    """Pairs of channels, the first half turned by row, the second by column."""
    pairs = x.shape[-1] // 4                                 # in each half
    speed = 10_000.0 ** -(torch.arange(pairs).double() / steps)
    angle = torch.cat([at[:, None] * speed for at in places.double().mT], -1)
    a, b = x[:, 0::2], x[:, 1::2]
    return torch.stack((a * angle.cos() - b * angle.sin(),
                        a * angle.sin() + b * angle.cos()), -1).flatten(-2)


row_sum = phi_q @ phi_k.sum(0) + N * 1e-6                    # phi = elu + 1, as before
mlla_map = turned(phi_q, D // 4) @ turned(phi_k, D // 4).mT / row_sum[:, None]
theirs = weights(linviz.make("mlla", **size))
assert torch.allclose(mlla_map, theirs, rtol=1e-5, atol=1e-9)

g = phi_q.mean(0)
w = N * (phi_k @ g / D ** 0.5).softmax(0)                    # one weight per key
row_sum = phi_q @ (w[:, None] * phi_k).sum(0) + N * 1e-6
steps = D // 4 - 1
rala_map = turned(phi_q, steps) @ turned(w[:, None] * phi_k, steps).mT
rala_map = rala_map / row_sum[:, None]
theirs = weights(linviz.make("rala", **size))
assert torch.allclose(rala_map, theirs, rtol=1e-5, atol=1e-9)

say(table(["", "rank", "row sums", "negative weights"],
          [[name, f"{MapFacts.of(a).rank}",
            f"{a.sum(-1).min():.2f} to {a.sum(-1).max():.2f}",
            f"{100 * (a < 0).double().mean():.0f} %"]
           for name, a in (("MLLA", mlla_map), ("RALA", rala_map))]))
assert MapFacts.of(mlla_map).rank == MapFacts.of(rala_map).rank == D
assert (mlla_map < 0).any() and mlla_map.sum(-1).max() < 1

# %% [markdown]
# A rotation turns features; it makes no new ones. The rank stays 16. What it costs is the meaning of a row: weights
# can be negative, and rows sum to anything.
#
# RALA's title promises to break "the low-rank dilemma". How, if the rank of its map is 16? **Not in the map.** The
# layer multiplies the output, token by token, with a linear function of its input: $o_i \odot (W x_i + b)$. The rank
# of a product taken number by number can be as large as the *product* of both ranks. So it is the matrix of *outputs*
# that gains, and only if it is wide enough:

# %%
g0 = torch.Generator().manual_seed(0)
wide = torch.randn(D, 64, generator=g0).double()             # values with 64 channels
gate = torch.randn(D, 64, generator=g0).double()
values = (rala_map @ v) @ wide                               # (N, 64), of rank 16
product = values * (v @ gate)                                # token by token
gain = MapFacts.of(values), MapFacts.of(product)
say(f"Outputs with 64 channels: rank {gain[0].rank} before the product, "
    f"**{gain[1].rank}** after it; effective rank {gain[0].effective:.1f} and "
    f"{gain[1].effective:.1f}.")
assert gain[0].rank <= D < gain[1].rank and gain[1].effective > 2 * gain[0].effective

# %% [markdown]
# So three different things are called "rank" in these papers: that of the map, that of the map of one channel with its
# branch, and that of the outputs. Always ask which one a figure shows. (And the key weights $w$ do not change any rank:
# they multiply the columns of $A$.)
#
# ## 8 · All products of channels: Fastmax and its staircase
#
# *Fastmax* replaces the exponential by its Taylor polynomial. Chapter 4 has built its features; here we only count
# them. With $x$ the product of $q_i$ and $k_j$, each divided by the longest token of its side:
#
# $$f(x) = 1 + x\quad(p = 1), \qquad f(x) = 1 + x + \tfrac{x^2}2\quad(p = 2), \qquad A_{ij} = \frac{f(x_{ij})}{\sum_m
# f(x_{im})}.$$

# %% tags=["derives:fastmax"]
unit_q, unit_k = (x / x.norm(dim=-1).max() for x in (q, k))
x = unit_q @ unit_k.mT                                       # |x| is at most 1
raw = s * q @ k.mT                                           # the scores of softmax
taylor = {"p = 1": divided(1 + x), "p = 2": divided(1 + x + x ** 2 / 2),
          "p = 2, scores not shortened": divided(1 + raw + raw ** 2 / 2)}
options = dict(power=1), dict(power=2), dict(power=2, normalise="none")
for mine, option in zip(taylor.values(), options):
    theirs = weights(linviz.make("fastmax", **option, **size))
    assert torch.allclose(mine, theirs, rtol=1e-6, atol=1e-12)
stairs = [MapFacts.of(a) for a in taylor.values()]
say(table(["", "bound", "rank", "entropy, bits"],
          [[name, f"{bound}", f"{y.rank}", f"{y.bits:.2f}"] for name, bound, y in
           zip(taylor, (D + 1, *2 * [(D + 1) * (D + 2) // 2]), stairs)]))
r = MapFacts.of(raw).rank                                    # of the products alone
say(f"Of the {D} descriptors of this picture {r} are independent, so {r + 1} and "
    f"{(r + 1) * (r + 2) // 2} are the ranks to expect. Uniform attention has "
    f"{torch.tensor(N).log2():.2f} bits.")
assert [y.rank for y in stairs] == [r + 1, *2 * [(r + 1) * (r + 2) // 2]]
assert stairs[1].bits > 9.6

# %% [markdown]
# This is a staircase: $D + 1$ monomials (products of channels) up to degree 1, $(D + 1)(D + 2)/2$ up to degree 2. The
# time grows with the number of features, here by a factor of $(D + 2)/2$ from the first step to the second.
#
# And look at the entropy. With $|x| \le 1$ the polynomial of degree 2 lies between $\tfrac12$ and $\tfrac52$, so the
# largest weight of a row is at most five times the smallest: **a higher rank, and practically uniform.** Here is why:

# %%
at = torch.linspace(-4, 4, 81)
figure = empty_figure(
    "The exponential and its polynomials of degree 1 and 2, from -4 to 4. All three "
    "agree near 0. Grey bars show where the shortened products lie, all between -1 and "
    "1.")
counts = torch.histc(x, 40, -4, 4)
figure.add_trace(go.Bar(x=torch.linspace(-3.9, 3.9, 40).tolist(),
                        y=(3 * counts / counts.max()).tolist(), name="products x",
                        marker={"color": "#c9c9c9"}))
for title, y, dash in (("exp(x)", at.exp(), "solid"), ("1 + x", 1 + at, "dot"),
                       ("1 + x + x²/2", 1 + at + at ** 2 / 2, "dash")):
    figure.add_trace(go.Scatter(x=at.tolist(), y=y.tolist(), name=title, mode="lines",
                                line={"dash": dash}))
heading = top_title("Shortened products see the flat part of the exponential")
figure.update_layout(title=heading, xaxis_title="product x (no unit)", margin={"t": 84},
                     yaxis={"title": "weight before division (no unit)",
                            "range": [-3, 12]})
show(figure)

# %% [markdown]
# ## 9 · Scores as a picture: DAPE
#
# The last method is not linear. *DAPE* computes all scores of softmax, lets a small convolution over neighbouring
# keys correct them, in all heads at once, and then takes the softmax. It changes what the scores *are*, not how many
# directions the map has: that is 784 before and after. To keep the cell small we use 14 × 14 patches.

# %% tags=["derives:dape"]
small = linviz.Grid(1, 14, 14)
few = [x.double() for x in clips.descriptors(clips.fit(clips.load(opening.name), small),
                                             small, opening.temperature)]
dape = linviz.make("dape", heads=1, width=D, grid=small, seed=0).double()
scores = few[0][0, 0] @ few[1][0, 0].mT / D ** 0.5           # (196, 196)
n = torch.arange(len(small))
bias = -2.0 ** -8 * (n[:, None] - n).abs()                   # falls with the distance
both = torch.stack((scores, bias))[None]                     # a picture: 2 channels
first, second = dape.mechanism.first, dape.mechanism.second  # convolutions over 3 keys
with torch.no_grad():
    corrected = second(torch.nn.functional.leaky_relu(first(both), 0.01))[0, 0]
    mine = (scores + bias + corrected).softmax(-1)
    theirs = dape.map(*few).dense()[0, 0]
assert torch.allclose(mine, theirs, atol=1e-10)
say(f"{len(small)} patches: rank **{MapFacts.of(mine).rank}**, as for softmax "
    f"({MapFacts.of(scores.softmax(-1)).rank}). The kernels have the shape "
    f"{tuple(first.weight.shape)}: one query, three keys.")
assert MapFacts.of(mine).rank == len(small)

# %% [markdown]
# The kernels have a height of one: the convolution runs along the keys of *one* query, not over the map like a
# picture of 3 × 3. In a causal model the scores of future keys must be set to zero *before* the convolution. A mask
# behind it is too late: the kernel at key $i$ has read the score of key $i + 1$ by then.
#
# ## 10 · Does rank matter? A photograph gets its colours
#
# So rank and concentration are different. Which of them goes with success? Two small models learn to colour. They see a
# photograph in grey in which some patches keep their colour (the *hints*), and paint the others. The colours to paint
# are drawn at random each time, so no model can know that a leaf is green: each colour has to be copied from the
# right hint. Both models have three layers and differ in attention alone:
#
# - **softmax**, and
# - **focused**, with the power 3. It can be as concentrated as softmax, and its rank is at most 16 in every head.
#
# > **Predict.** Which model will paint better, and in which of the two numbers will their maps differ more?
#
# `TRAIN = True` trains both now, about 45 seconds each on one core, and you can watch the picture change below the
# cell. With `TRAIN = False` the cell takes the two models that were trained before, by the same code.

# %%
from linviz.course.shipped_paintings import PICTURE, shipped_painting
from linviz.course.training_cell import held_out_photograph, watch_painting
from linviz.models import paint_picture

TRAIN = False
arms = {spec: shipped_painting(spec) for spec in ("softmax", "focused")}
painters = {spec: watch_painting(spec, PICTURE).model if TRAIN else arm.model
            for spec, arm in arms.items()}

# %%
def pictures_at(step: float):
    return painted_at(step, trained=list(arms.values()))


Live(pictures_at, tuple(arms["softmax"].pictures), label="step", start=500, form="d")

# %% [markdown]
# (The slider always shows the training that was done before.) The score is R²: 1 is perfect, and 0 is no better than
# one colour for the whole picture. Now we ask the painters of your cell for their maps:

# %%
paintings = {spec: paint_picture(m, held_out_photograph(PICTURE))
             for spec, m in painters.items()}
layers = {spec: layer_facts(painting) for spec, painting in paintings.items()}
say(table(["", "R²", "entropy of the layers, bits", "effective rank", "largest rank"],
          [[spec, f"{paintings[spec].r2:.2f}",
            " · ".join(f"{bits:.1f}" for bits, _, _ in rows),
            " · ".join(f"{rank:.1f}" for _, rank, _ in rows),
            " · ".join(f"{most}" for _, _, most in rows)]
           for spec, rows in layers.items()]))
soft_layers, focused_layers = layers.values()
first_bits = abs(soft_layers[0][0] - focused_layers[0][0])
assert paintings["softmax"].r2 > paintings["focused"].r2 + 0.1
assert all(a[1] > 2 * b[1] for a, b in zip(soft_layers, focused_layers))
assert TRAIN or first_bits < 0.2
times = soft_layers[0][1] / focused_layers[0][1]
say(f"In the first layer the two entropies differ by {first_bits:.2f} bits. The "
    f"effective rank differs by a factor of {times:.1f}.")

# %% [markdown]
# In the first layer the two maps are equally concentrated, and softmax uses about three times as many directions. The
# difference in rank is there in every layer, that of the entropy is not. Here the score goes with the rank.
#
# In the layers above, softmax is the sharper one as well, so this cell cannot separate the two numbers everywhere.
# And it is *one* training of each model, on one picture. Does the difference last? For this course the two were also
# trained for 800 steps from several seeds, and scored on all held-out photographs:

# %%
from statistics import fmean

from linviz.evidence import figure_data

scores = {row["spec"]: row["values"] for row in figure_data("colour")["rows"]}
say("; ".join(f"{spec}: R² {', '.join(f'{y:.2f}' for y in scores[spec])} "
              f"({len(scores[spec])} seeds)" for spec in arms) + ".")
assert fmean(scores["softmax"]) > fmean(scores["focused"]) + 0.05

# %% [markdown]
# On average it does. This refutes the simple sentence "a sharp map is enough": in the first layer the map of rank 16 is
# as sharp as that of softmax, and its model paints worse. It does not show that rank is the *reason*.
#
# ## 11 · What was not shown
#
# - **That rank is the reason.** Two models that differ in rank differ in other things as well. An experiment that
#   changes *only* the rank would have to train MHLA with 1 to 196 blocks. You can begin: `watch_painting("mhla")`
#   trains it with 16 blocks.
# - **One picture, raw descriptors.** In sections 1 to 9 nothing is learned, and $q = k$.
# - **A bound is not the rank in use.** All ranks here count singular values above $10^{-10}$ of the largest (in section
#   10, $10^{-6}$: trained maps have fewer digits). In half precision most of them would drown in rounding (chapter 3).
# - **No claim about these methods' published results.** We derived their maps at the start of training, and counted.
#
# The sources: MHLA 2601.07832, FLatten 2308.00442, InLine 2412.06590, MALA 2507.00698, NaLaFormer 2506.21137,
# PolaFormer 2501.15061, MLLA 2405.16605, RALA 2411.07635, Fastmax 2402.07901, DAPE V2 2410.04798 (numbers of arXiv).
# In the official networks of RALA, MALA and NaLa, and in some of FLatten, InLine and Pola, the last stages are plain
# softmax.
#
# ## Quiz

# %%
quizzes.rank_apart
