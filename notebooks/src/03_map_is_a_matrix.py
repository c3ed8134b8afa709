# %% [markdown] tags=["front"]
# title = "A map is a matrix"
# lead = '''
# Every attention map is a table of numbers, and a table can be taken apart into directions, the loudest first. How
# many directions does a map really have? The question sounds harmless. Before the chapter is over, one and the same map
# will have had rank 4, rank 20 and a rank of more than seven hundred.
# '''
# questions = [
#     "How much of a map is left when only its loudest directions are kept?",
#     "Why does one map have rank 4 in float32 and a rank of many hundreds in float64, and which is true?",
#     "What did Linformer show about softmax maps, and what did it not show?",
# ]
# prerequisites = [
#     "matrices, and what a singular value is: how much a matrix stretches one direction.",
#     "What a map is (chapter 0). Kernels come in chapter 4; what is needed of them is said here.",
# ]
# minutes = {reading = 40, exercises = 34, quiz = 5}
# key_points = [
#     "The singular values say how loud the directions of a map are; cutting them off gives its nearest copy.",
#     "A copy of low rank is near in the sum of squares. It is signed, and its rows are no shares any more.",
#     "There is no rank without a tolerance. Casting a rounded table to float64 counts its rounding errors.",
#     "The spectrum of a product is found in its factors: two thin QRs, and the table is never written.",
#     "Five counts answer five questions. Stable rank <= participation ratio <= effective rank <= non-zero values.",
#     "The mean row is the loudest direction of a flat map. Take it off to see what depends on the query.",
#     "A cumulative curve of s is not one of s^2, and it bends for random maps of full rank, too.",
# ]
#
# [objectives]
# directions = "say what a copy of a map with few directions keeps, and what it breaks"
# tolerance = "count a numerical rank, and name the tolerance it depends on"
# effective = "compute the effective rank, and choose among five counts"
# factors = "find the spectrum of a factored map without writing its table"
# mean = "take the mean row off a map, from its factors"
# claim = "read a cumulative curve, and hold a claim of low rank against its caveats"

# %% [markdown]
# ## 1 · Sixteen directions
#
# The photograph of a cat, 28 × 28 patches. Softmax attention makes a table of 784 × 784 weights from them: row $i$
# says where patch $i$ looks. This table is a matrix $A$, and every matrix is a sum of simple ones, each of them a
# column times a row:
#
# $$A = s_1\, u_1 v_1^\top + s_2\, u_2 v_2^\top + s_3\, u_3 v_3^\top + \dots \qquad s_1 \ge s_2 \ge s_3 \ge \dots \ge
# 0$$
#
# The vectors have length one and the $u$ are at right angles to each other, as are the $v$; so the **singular
# values** $s$ alone say how loud each direction is. Stop after $k$ terms, and what you have is the nearest matrix of
# rank $k$ that there is (Eckart and Young, 1936).
#
# > **Predict before you run.** We keep 16 of 784 directions: two in a hundred. The first panel is lit by softmax, the
# > second by its copy. Will the copy still find the eyes of the cat? Will it still be attention?

# %%
import torch

import linviz
from linviz import clips, spectra
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import ch03
from linviz.figures import Line, cumulative, spectrum
from linviz.maps import Factored
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
opening = clips.OPENING
grid = opening.grid                                                   # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(photo, grid, opening.temperature)         # (1, 1, N, D) each; nothing was learned
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)                                # a patch at the corner of an eye

soft, floor = (linviz.make(spec, heads=1, width=D, grid=grid) for spec in ("softmax", "relu_floor"))
A, fog = (m.map(q, k, v) for m in (soft, floor))
pieces = ch03.Pieces.of(A)                                       # u, s, v: the table taken apart
copy = pieces.copy(16)

# %%
PatchView([Panel(soft.title, soft.family, A), Panel("its copy, rank 16", "low-rank", copy),
           Panel(f"{floor.title}, rank 16", floor.family, fog)], photo, grid, query=query)

# %%
weights, rows = copy.dense()[0, 0], copy.dense()[0, 0].sum(-1)
say(f"The copy keeps **{100 * (1 - pieces.lost(16)):.0f} %** of the energy, the sum of all squared weights. "
    f"{100 * (weights < 0).float().mean():.0f} % of its weights are negative, and its rows sum to anything from "
    f"{rows.min():.2f} to {rows.max():.2f}.")
assert pieces.lost(16) > 0.3 and rows.min() < 0.2 < 2 < rows.max()

# %% [markdown]
# It finds the eye, as bright as ever. But it is no attention any more: the second panel says *signed*, because some
# weights are below zero (drawn in blue), and no row sums to one. **Near as a matrix is not the same as alike as a
# map.** The third panel is another map of rank 16, one that a kernel makes directly (chapter 4). It is proper
# attention, every row made of shares, and it sees fog. Rank alone does not say what a map looks like.
#
# [These maps in the explorer](http://localhost:8501/?clip=chelsea&patches=28&maps=softmax,relu_floor,efficient); open
# *spectrum* under the panels there.
#
# > **Predict.** Move the slider: the same row from 1, 2, 4, ... directions. Where does it stop changing to the eye?

# %%
def rebuilt_at(directions: float):
    return ch03.rebuilt_at(directions, pieces=pieces, query=query, grid=grid)


Live(rebuilt_at, ch03.DIRECTIONS, label="directions kept", start=16, form="d")

# %%
whole = A.dense()[0, 0].double()
kept = {n: pieces.copy(n).dense()[0, 0].double() for n in (16, 64, 256)}
moved = {n: (whole - b).abs().sum(-1).mean().item() / 2 for n, b in kept.items()}
say(table(["directions", "energy lost", "weight moved, of each row", "negative weights"],
          [[f"{n}", f"{100 * pieces.lost(n):.2g} %", f"{100 * moved[n]:.0f} %",
            f"{100 * (b < 0).double().mean():.0f} %"] for n, b in kept.items()]))
assert moved[64] > 0.2 and pieces.lost(64) < 0.05

# %% [markdown]
# With 64 directions hardly any energy is missing, and yet more than a fifth of the average row's weight lies in the
# wrong place. Energy is made of squares: it cares about the few large weights, and the many small ones go unheard.
#
# ## 2 · The spectrum
#
# The singular values in one picture, three maps: softmax, the kernel with its floor, and the uniform map, in which
# every patch looks at every patch alike.
#
# > **Predict.** Both scales are logarithmic. Softmax has no bound on its rank but 784; the kernel has 16 features.
# > What do their curves do after $k = 16$? And where does uniform attention end?

# %%
same = linviz.make("uniform", heads=1, width=D, grid=grid)
maps = {soft: A, floor: fog, same: same.map(q, k, v)}
s = {m: a.singular_values()[0, 0] for m, a in maps.items()}
exact = soft.map(*(x.double() for x in (q, k, v)))                    # softmax once more, in float64 from the start


def line(m) -> Line:
    return Line(m.title, m.spec, m.family, s[m].tolist(), bound=maps[m].rank_bound,
                tolerance=float(s[m][0]) * maps[m].tolerance)


show(spectrum([line(m) for m in maps]))
say(", ".join(f"{m.title}: s₁ = {s[m][0]:.3f}" for m in maps)
    + f". The floor's second value is only {s[floor][1] / s[floor][0]:.2f} of its first, softmax's "
    f"{s[soft][1] / s[soft][0]:.2f}.")
assert all(s[m][0] > 1 - 1e-5 for m in maps) and len(s[floor]) == D and len(s[same]) == 1

# %% [markdown]
# Softmax falls and falls, and has no edge: nothing in its curve says *here it ends*. The kernel's curve stops at 16
# because $A = L R^\top$ with 16 columns in $L$ and $R$. Uniform attention is one single direction. And no map of
# shares has $s_1$ below 1: a row that sums to one leaves the vector of ones as long as it was, so *some* direction is
# not shrunk.
#
# The dotted lines are **tolerances**. What lies below them counts as zero. They are the heart of this chapter.
#
# ## 3 · How many are not zero?
#
# In mathematics the rank is the number of singular values that are not zero. On a computer hardly any number is zero:
# a sum rounded in its last digit leaves a crumb of $10^{-8}$ where a zero should be. So one counts
#
# $$r_\tau = \#\{k : s_k > \tau\, s_1\},$$
#
# the **numerical rank**, and has to say which tolerance $\tau$ was used. `torch.linalg.matrix_rank` takes $N$ times
# the spacing of numbers at 1: $\tau = N \cdot 1.2 \cdot 10^{-7}$ in float32. Rounding a table of $N$ rows can do about
# that much harm.

# %% [markdown] tags=["exercise"]
# number = "3.1"
# title = "A rank and its tolerance"
# difficulty = 1
# importance = 4
# minutes = 5
# objectives = ["tolerance"]
# task = '''
# `s` is $H \times R$: the singular values of $H$ heads, each row descending. Return $H$ counts: how many of a head's
# values exceed `tolerance` times the largest of the same head. What only equals it does not count.
# '''
# hints = [
# '''
# Every head has a measure of its own. Where in its row does the largest value stand?
# ''',
# '''
# $r_\tau = \#\{k : s_k > \tau\, s_1\}$, along the last axis. A comparison gives True and False, and these can be added.
# ''',
# '''
# `s > tolerance * s[..., :1]`, and `.sum(-1)` of it.
# ''',
# ]
# see = "*Right*; then the next cell counts the three maps above, and one number will look odd."

# %% tags=["answer:3.1"]
from jaxtyping import Float, Int
from torch import Tensor


def numerical_rank(s: Float[Tensor, "H R"], tolerance: float) -> Int[Tensor, "H"]:
    """How many singular values of each head exceed tolerance times its largest."""
    # solution
    return (s > tolerance * s[..., :1]).sum(-1)
    # end


checks.numerical_rank(numerical_rank)

# %% tags=["needs:3.1"]
counts = {m.title: numerical_rank(s[m][None], maps[m].tolerance).item() for m in maps}
in_double = numerical_rank(exact.singular_values()[0], exact.tolerance).item()
say(table(["", "rank", "tolerance"], [[m.title, f"{counts[m.title]}", f"{maps[m].tolerance:.0e}"] for m in maps]))
say(f"The same softmax computed in float64 from the start: **{in_double}**, at a tolerance of {exact.tolerance:.0e}.")
assert counts[floor.title] == D and counts[soft.title] < in_double == N

# %% [markdown]
# Softmax did not lose any directions between float32 and float64: the last of them are a hundred thousand times
# quieter than the first, and float32 cannot swear to them. Its number is a statement about float32, not about
# attention.
#
# ## 4 · Four, twenty, seven hundred
#
# Now a map whose rank is known without any measuring. Take 20 features of our patches, and let a gate turn 16 of them
# down to 0.005 (gates are chapter 13, where a fitted one does about that). $A$ is a product of a 784 × 20 and a 20 ×
# 784 table, and all 20 columns are different: its rank is 20.
#
# > **Predict.** `matrix_rank` of the table in float32, as it comes out of a network: 20? More? Less? Then somebody
# > says: *play safe, cast it to float64 first.* What now?

# %%
quiet = ch03.quiet()                                             # float64, kept as two factors
written = quiet.dense()[0, 0].float()                                 # the table, as float32 would hold it
single = torch.linalg.matrix_rank(written).item()
cast = torch.linalg.matrix_rank(written.double()).item()
values = [*(torch.linalg.svdvals(x).double() for x in (written, written.double())), quiet.singular_values()[0, 0]]
titles = ["table in float32", "the same table, cast to float64", "from the factors"]
looks = [("relu", "kernel"), ("uniform", "content-free"), ("relu+gate:self", "low-rank")]
limits = [N * torch.finfo(torch.float32).eps, N * torch.finfo(torch.float64).eps, quiet.tolerance]
show(spectrum([Line(title, *look, x.tolist(), tolerance=float(x[0]) * limit)
                        for title, look, x, limit in zip(titles, looks, values, limits)]))
say(f"float32 says **{single}**. Cast to float64 it is **{cast}**. From the factors it is "
    f"**{(values[2] > limits[2] * values[2][0]).sum()}**.")
assert single == 4 and cast > 700 and (values[2] > limits[2] * values[2][0]).sum() == 20

# %% [markdown]
# Neither is a bug.
#
# - In **float32** the sixteen quiet directions lie above the crumbs but below the tolerance, which must assume the
#   worst. It says *four that I can swear to*.
# - The **cast** repairs nothing. The table was rounded when it was written; float64 now keeps each rounding error to
#   the last digit, lowers the tolerance by nine orders of magnitude, and counts the errors as directions. Look at the
#   grey plateau: that is noise, and 20 columns cannot make it.
# - The **factors** were never multiplied out (section 6 says how that goes). A small column keeps all its digits,
#   however small it is.
#
# Is it really 20? A product $L R^\top$ has the rank of its factors if both have independent columns, and of that one
# can be sure, because *their* singular values are nowhere near zero:

# %%
left, right = quiet.left[0, 0], quiet.right[0, 0]
alike = [x / x.norm(dim=0) for x in (left, right)]                    # every column at length one: rank does not mind
least = [torch.linalg.svdvals(x)[[0, -1]] for x in alike]
say("Smallest over largest singular value, columns at length one: left "
    f"{least[0][1] / least[0][0]:.3f}, right {least[1][1] / least[1][0]:.3f}. Rounding would need a 10⁻¹⁶.")
assert min(x[1] / x[0] for x in least) > 1e-4
rounded = Factored(left.float(), right.float())
found = int((rounded.singular_values() > rounded.tolerance * rounded.singular_values()[0]).sum())
say(f"And linviz itself? Had the factors come in float32, it would print **{found}**, at a tolerance of "
    f"{rounded.tolerance:.0e}: it cannot know whether the small ones were rounded on their way here.")
assert 4 < found < 20

# %% [markdown]
# So a rank is printed with its tolerance, and a rank that changes when the tolerance moves a little is no property of
# the map. Beware of every figure that says *rank* and does not say *how*.

# %% [markdown]
# ## 5 · Counts that do not jump
#
# Three made-up spectra. All of them have twenty values well above zero: a numerical rank of 20.
#
# > **Predict.** Which of the three would *you* call a map with twenty directions?

# %%
steps = torch.arange(20, dtype=torch.float64)
toys = {"all alike": torch.ones(20, dtype=torch.float64), "one loud, nineteen faint": 0.1 ** (steps > 0).double(),
        "each half of the one before": 0.5 ** steps}
looks = {"all alike": "uniform", "one loud, nineteen faint": "relu", "each half of the one before": "efficient"}
show(spectrum([Line(name, looks[name], "content-free", x.tolist()) for name, x in toys.items()]))

# %% [markdown]
# Four counts without a tolerance have been proposed, each the answer to a question of its own:
#
# - **effective rank** (Roy and Vetterli, 2007): $\exp\bigl(-\sum_k p_k \ln p_k\bigr)$ with $p_k = s_k / \sum_l s_l$.
#   How evenly is the *sum* of $s$ shared?
# - **participation ratio**: $(\sum_k s_k^2)^2 / \sum_k s_k^4$. How many directions share the *energy*?
# - **stable rank**: $\sum_k s_k^2 / s_1^2$. How much energy is there, in units of the loudest direction?
# - **energy index** $k_p$: the fewest $k$ with $\sum_{l \le k} s_l^2 \ge p \sum_l s_l^2$. How many directions must I
#   keep?
#
# The first three give $R$ for $R$ equal values. When the values differ they always stand in the same order: stable rank
# ≤ participation ratio ≤ effective rank ≤ number of non-zero values. The more a count squares, the less it hears of
# what is faint.

# %%
COUNTS = {"stable": spectra.stable_rank, "participation": spectra.participation_ratio,
          "effective": spectra.effective_rank, "energy index, 90 %": spectra.energy_rank}
told = {name: [float(count(x)) for count in COUNTS.values()] for name, x in toys.items()}
say(table(["", *COUNTS], [[name, *(f"{y:.2f}" for y in ys[:3]), f"{ys[3]:.0f}"] for name, ys in told.items()]))
assert all(a <= b + 1e-9 and b <= c + 1e-9 and c <= 20 + 1e-9 for a, b, c, _ in told.values())

# %% [markdown] tags=["exercise"]
# number = "3.2"
# title = "The effective rank"
# difficulty = 2
# importance = 4
# minutes = 7
# objectives = ["effective"]
# task = '''
# `s` is $H \times R$, all values above zero. Return the effective rank of every head, $H$ numbers. (In linviz a value
# of exactly zero counts as nothing, since $p \ln p \to 0$; here there is none.)
# '''
# hints = [
# '''
# First make shares of each head's values: what do they have to sum to? Then it is an entropy, and then one step more.
# ''',
# '''
# $p_k = s_k / \sum_l s_l$; $\;H = -\sum_k p_k \ln p_k$; the effective rank is $e^H$. If you take $\log_2$, it is $2^H$.
# ''',
# '''
# `p = s / s.sum(-1, keepdim=True)`, and then `.exp()` of minus the sum of `p * p.log()` along the last axis.
# ''',
# ]
# see = "*Right*, and the next cell gives the effective ranks of softmax and of the floor with your own function."

# %% tags=["answer:3.2"]
def effective_rank(s: Float[Tensor, "H R"]) -> Float[Tensor, "H"]:
    """exp of the entropy of s / sum s, head by head."""
    # solution
    p = s / s.sum(-1, keepdim=True)
    return (-(p * p.log()).sum(-1)).exp()
    # end


checks.effective_rank(effective_rank)

# %% tags=["needs:3.2"]
yours = {m: effective_rank(s[m][None]).item() for m in (soft, floor)}
again = spectra.effective_rank(exact.singular_values()).item()
say(f"Softmax: **{yours[soft]:.1f}** of {N}. The floor: **{yours[floor]:.1f}** of {D}. And float32 or float64 makes no "
    f"difference here: softmax computed in float64 has {again:.1f}.")
assert all(abs(yours[m] - linviz.read(m, q, k, v).summary()["effective_rank"]) < 1e-3 for m in yours)
assert abs(again - yours[soft]) < 0.01

# %% [markdown]
# ## 6 · The spectrum without the table
#
# How does one find the singular values of $L R^\top$ without multiplying? Write each factor as a rotation times a
# small triangle, which is what a **thin QR** does:
#
# $$L = Q_1 R_1, \quad R = Q_2 R_2 \qquad\Longrightarrow\qquad A = L R^\top = Q_1\,(R_1 R_2^\top)\,Q_2^\top$$
#
# $Q_1$ and $Q_2$ have columns of length one at right angles: they turn, they do not stretch. So $A$ stretches exactly
# as the little $M \times M$ matrix $R_1 R_2^\top$ does. For a clip of $N = 10\,000$ patches and $M = 64$ features that
# is 4096 numbers in the place of a hundred million.

# %%
q1, r1 = torch.linalg.qr(left)                                        # (N, M), (M, M)
q2, r2 = torch.linalg.qr(right)
small = torch.linalg.svdvals(r1 @ r2.mT)
slow = torch.linalg.svdvals(left @ right.mT)                          # the whole table, in float64: 784 x 784
assert torch.allclose(q1 @ r1, left) and torch.allclose(q1.mT @ q1, torch.eye(20, dtype=q1.dtype))
assert torch.allclose(small, quiet.singular_values()[0, 0]) and torch.allclose(small, slow[:20], atol=1e-12)
say(f"Twenty values from a {r1.shape[0]} × {r2.shape[0]} matrix and from the {N} × {N} table: the largest difference "
    f"is {(small - slow[:20]).abs().max():.0e}.")

# %% [markdown] tags=["exercise"]
# number = "3.3"
# title = "A spectrum without its table"
# difficulty = 3
# importance = 5
# minutes = 10
# objectives = ["factors"]
# task = '''
# `left` is $N \times M$, `right` is $S \times M$, with $M$ the smallest. Return the first $M$ singular values of `left
# @ right.mT`, descending; all others are zero. No table of $N \times S$ may be made on the way; the check counts.
# '''
# hints = [
# '''
# The two tall factors are turned into two small triangles first. Which of the two parts of a QR can be dropped?
# ''',
# '''
# $A = Q_1 (R_1 R_2^\top) Q_2^\top$, and turning does not change singular values. Mind which triangle is transposed.
# ''',
# '''
# `torch.linalg.qr(left).R` and the same of `right`; then `torch.linalg.svdvals(r1 @ r2.mT)`.
# ''',
# ]
# see = "*Right*; the next cell asks for the spectrum of a map whose table would not fit into memory."

# %% tags=["answer:3.3"]
def thin_spectrum(left: Float[Tensor, "N M"], right: Float[Tensor, "S M"]) -> Float[Tensor, "M"]:
    """The first M singular values of left right^T, from two thin QRs."""
    # solution
    r1, r2 = torch.linalg.qr(left).R, torch.linalg.qr(right).R        # (M, M) each
    return torch.linalg.svdvals(r1 @ r2.mT)
    # end


checks.thin_spectrum(thin_spectrum)

# %% tags=["needs:3.3"]
patches = 100_000
many = torch.rand(2, patches, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
loudest = thin_spectrum(*many)
say(f"{patches:,} patches: sixteen values from {loudest[0]:,.0f} to {loudest[-1]:,.0f}. The table would have taken "
    f"**{8 * patches ** 2 / 2 ** 30:,.0f} GiB**.")
assert torch.allclose(loudest, Factored(*many).singular_values())

# %% [markdown]
# ## 7 · The loudest direction says nothing
#
# Look at the floor's spectrum in section 2 again: one value near 1, and the next not a quarter of it. What is this
# direction that drowns the others?
#
# > **Predict.** We take the *mean row* off every row of the floor's map: what is left is only where a patch looks more
# > or less than all patches do on average. By how much does the numerical rank fall? And the stable rank: does it fall
# > or rise?

# %%
def counted(a) -> list[float]:
    x = a.singular_values()[0, 0]
    return [int(spectra.numerical_rank(x, a.tolerance)), *(float(count(x)) for count in list(COUNTS.values())[:3])]


efficient = linviz.make("efficient", heads=1, width=D, grid=grid)
three = {floor.title: fog, efficient.title: efficient.map(q, k, v), soft.title: A}
both = {name: (counted(a), counted(a.centred())) for name, a in three.items()}
say(table(["", "numerical", "stable", "participation", "effective"],
          [[f"{name}{what}", f"{y[0]}", *(f"{x:.2f}" for x in y[1:])]
           for name, pair in both.items() for what, y in zip(("", ", mean row removed"), pair)]))
raw, bare = both[floor.title]
dense = fog.dense()[0, 0].double()
mean = dense.mean(0)
cosine = (torch.linalg.svd(dense).Vh[0] @ mean / mean.norm()).abs().item()
say(f"The floor's loudest direction and its mean row point the same way: the cosine between them is **{cosine:.5f}**.")
assert bare[0] == raw[0] - 1 and bare[1] > 2.5 * raw[1] and cosine > 0.999

# %% [markdown]
# The numerical rank falls by one, and that is all it can tell. The stable rank *trebles*: what had looked like a map of
# one direction has several, once the one that shouts is gone. It was the mean row, which says the same to every query.
# Softmax has no such direction to lose, and hardly changes.
#
# So raw and centred numbers are two different things, and a paper or a plot has to say which it shows. linviz has
# both: `a.singular_values()` and `a.centred().singular_values()`.

# %%
left_over = fog.centred().singular_values()[0, 0]
show(spectrum([line(floor), Line("mean row removed", "relu_floor+gate:self", floor.family, left_over[:-1].tolist())]))
gap = (left_over[:-1] / s[floor][1:] - 1).abs().max()
say(f"Is that the same as striking out $s_1$? Nearly, but no: single values differ by up to {100 * gap:.1f} %, because "
    "the loudest direction and the mean row are not exactly one.")
assert 1e-4 < gap < 0.2 and left_over[-1] < 1e-6

# %% [markdown] tags=["exercise"]
# number = "3.4"
# title = "Without the mean row"
# difficulty = 4
# importance = 3
# minutes = 12
# objectives = ["mean", "factors"]
# task = '''
# Factors again, `left` ($N \times M$) and `right` ($S \times M$). Return the first $M$ singular values of $A = L
# R^\top$ *after its mean row has been taken off every row*; still without a table.
# '''
# hints = [
# '''
# Write down row $i$ of $A$. What is the mean over $i$ of these rows? Which of the two factors does $i$ belong to?
# ''',
# '''
# Row $i$ is $l_i R^\top$, so the mean row is $\bar l R^\top$, and what is left of row $i$ is $(l_i - \bar l) R^\top$.
# ''',
# '''
# `left - left.mean(0)`, and then the two QRs of exercise 3.3.
# ''',
# ]
# see = "*Right*. The next cell finds the centred spectrum of the floor with it: fifteen values and a nought."

# %% tags=["answer:3.4"]
def without_mean_row(left: Float[Tensor, "N M"], right: Float[Tensor, "S M"]) -> Float[Tensor, "M"]:
    """The first M singular values of left right^T less its mean row."""
    # solution
    r1, r2 = torch.linalg.qr(left - left.mean(0)).R, torch.linalg.qr(right).R
    return torch.linalg.svdvals(r1 @ r2.mT)
    # end


checks.without_mean_row(without_mean_row)

# %% tags=["needs:3.4"]
mine = without_mean_row(fog.left[0, 0].double(), fog.right[0, 0].double())
assert torch.allclose(mine, left_over, atol=1e-6)
say(f"The first of them is {mine[0]:.3f}, the fifteenth {mine[14]:.4f}, the sixteenth {mine[15]:.0e}: rows that "
    "all sum to one differ only by what sums to nothing, and that costs one direction.")

# %% [markdown]
# ## 8 · "Self-attention is low rank"
#
# *Linformer* (Wang et al., 2020, arXiv 2006.04768) made low rank famous. Its picture shows, for the softmax maps of a
# trained language model, which share of the *sum of all singular values* the first $k$ of them hold. The curve rises
# early; so, the argument goes, a few directions will do, and one may squeeze all keys into $K$ summaries. Here is that
# curve for our cat; for the cat with its logits divided by four, which makes the rows flatter; and for a control,
# softmax of *random* queries and keys, with nothing to find in them.
#
# > **Predict.** Which share do the first 128 of 784 hold for the cat, and which for random numbers? And what is the
# > rank of the random map?

# %%
noise = torch.randn(2, 1, 1, N, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
random = linviz.make("softmax", heads=1, width=64, grid=grid).map(noise[0], noise[1], noise[1])
flatter = linviz.make("softmax", heads=1, width=D, grid=grid).map(*(x.double() / 2 for x in (q, k, v)))
tried = {"the cat": exact, "the cat, logits divided by four": flatter, "random queries and keys": random}
falling = {name: a.singular_values()[0, 0] for name, a in tried.items()}
looks = ("softmax", "softmax"), ("softmax+gate:self", "softmax"), ("uniform", "content-free")
for power in (1, 2):
    show(cumulative([Line(name, *look, spectra.cumulative(x, power).tolist())
                     for (name, x), look in zip(falling.items(), looks)], power=power))

# %%
held = {name: [100 * float(spectra.cumulative(x, power)[127]) for power in (1, 2)] for name, x in falling.items()}
full = {name: int(spectra.numerical_rank(x, tried[name].tolerance)) for name, x in falling.items()}
say(table(["the first 128 of 784 hold", "of the sum of s", "of the energy", "numerical rank in float64"],
          [[name, f"{y[0]:.0f} %", f"{y[1]:.1f} %", f"{full[name]}"] for name, y in held.items()]))
assert held["random queries and keys"][1] > 85 and full["random queries and keys"] == full["the cat"] == N
assert held["the cat"][0] > 1.5 * held["random queries and keys"][0]

# %% [markdown]
# What can be said, and what cannot:
#
# - The cat's curve does rise early, far earlier than the random one: its map **is** compressible, in this sense. (This
#   cat has 16 raw descriptors, not a trained network.)
# - The rank of none of them is small. *Low rank* here means *falls quickly*.
# - **Sum or energy?** The same maps, two curves. The error of a copy goes with the energy; the sum of $s$ is stricter.
#   A reader who takes one curve for the other is wrong by tens of per cent.
# - **A bend proves little.** Random numbers bend, too. Hold a curve against a control before you call it structure.
# - **It depends on the temperature.** With flatter rows almost everything fits into 128 directions.
# - **Near in energy is not near in rows**: section 1 moved a fifth of a row's weight at a few per cent of the energy.
# - **The best copy is not what Linformer computes.** To find the best copy one has to have the map. Linformer learns
#   two tables instead, the same for every input, that mix *places* into $K$ summaries:

# %%
lin = linviz.make("linformer", heads=1, width=D, grid=grid, length=64).requires_grad_(False)
squeezed = lin.map(q, k, v)
x = squeezed.dense()[0, 0]
apart = ((x.double() - whole).norm() / whole.norm()).item()
best = pieces.lost(64) ** 0.5
say(f"Untrained, with 64 summaries: rank at most {squeezed.rank_bound}, {100 * (x < 0).float().mean():.0f} % of the "
    f"weights negative, row sums from {x.sum(-1).min():.1f} to {x.sum(-1).max():.1f}. The best copy of rank 64 misses "
    f"softmax by {best:.2f} of its length, this one by {apart:.1f}: whatever nearness it has must be learned.")
assert squeezed.rank_bound == 64 and apart > 1 > 2 * best and (x < 0).any()

# %% [markdown]
# None of this says that Linformer does not work: it was tested on tasks, and that is another kind of evidence. It says
# what the curve alone can carry.
#
# ## 9 · What was not shown
#
# - **One photograph, raw descriptors.** Trained networks have other spectra, layer by layer.
# - **Rank is not quality.** The floor's map and the copy of section 1 both have rank 16. One is fog, the other finds
#   the eye, and only the fog is attention.
# - **Rank is not concentration** either: chapter 11 pulls the two apart, and chapter 13 gathers a map without moving
#   its rank.
# - **Causal maps** escape the bound: cut to a triangle, a product of thin factors has full rank again (chapter 5).
#
# ## Quiz

# %%
quizzes.rank
