# %% [markdown] tags=["front"]
# title = "A map is a matrix"
# lead = '''
# Every attention map is a matrix, and a matrix can be split into directions, the strongest first. How many directions
# does a map really have? The question sounds simple. But in this chapter one and the same map will have rank 4, rank 20
# and a rank of more than seven hundred, depending on how the rank is computed.
# '''
# questions = [
#     "How much of a map is left when only its strongest directions are kept?",
#     "Why does one map have rank 4 in float32 and a rank of many hundreds in float64, and which is right?",
#     "What did Linformer show about softmax maps, and what did it not show?",
# ]
# prerequisites = [
#     "matrices, and what a singular value is: how much a matrix stretches one direction.",
#     "What a map is (chapter 0). Kernels come in chapter 4; this chapter explains what it needs of them.",
# ]
# minutes = {reading = 40, exercises = 34, quiz = 5}
# key_points = [
#     "Singular values say how strong the directions of a map are. The strongest k give the nearest copy of rank k.",
#     "A low-rank copy is near in squares, but it is signed, and its rows are not probability distributions.",
#     "There is no rank without a tolerance. Casting a rounded table to float64 counts its rounding errors.",
#     "The spectrum of a product is computed from its factors by two thin QRs, without writing the table.",
#     "Five counts answer five questions. Stable rank <= participation ratio <= effective rank <= non-zero values.",
#     "The mean row is the strongest direction of a flat map. Subtract it to see what depends on the query.",
#     "A cumulative curve of s differs from one of s^2, and both bend for random maps of full rank, too.",
# ]
#
# [objectives]
# directions = "say which properties of a map a low-rank copy keeps, and which it loses"
# tolerance = "count a numerical rank, and name the tolerance it depends on"
# effective = "compute the effective rank, and choose among five counts"
# factors = "find the spectrum of a factored map without writing its table"
# mean = "subtract the mean row from a map, using its factors"
# claim = "read a cumulative curve, and judge a claim of low rank"

# %% [markdown]
# ## 1 · Sixteen directions
#
# The photograph of a cat is cut into 28 × 28 patches. Softmax attention computes a table of 784 × 784 weights: row $i$
# says where patch $i$ looks. This table is a matrix $A$. Every matrix is a sum of simple matrices, each a column times
# a row:
#
# $$A = s_1\, u_1 v_1^\top + s_2\, u_2 v_2^\top + s_3\, u_3 v_3^\top + \dots \qquad s_1 \ge s_2 \ge s_3 \ge \dots \ge
# 0$$
#
# All vectors have length one. The $u$ are at right angles to each other, and so are the $v$. Therefore the **singular
# values** $s$ alone say how strong each direction is. The sum of the first $k$ terms is the nearest matrix of rank $k$
# (Eckart and Young, 1936).
#
# > **Predict before you run.** We keep 16 of 784 directions, that is, two in a hundred. The first panel is lit by
# > softmax, the second panel by its copy. Will the copy still find the eyes of the cat? Will its rows still be
# > probability distributions?

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
grid = opening.grid  # 28 x 28 patches
photo = clips.fit(clips.load(opening.name), grid)
# (1, 1, N, D) each; nothing was learned
q, k, v = clips.descriptors(photo, grid, opening.temperature)
N, D = q.shape[-2:]
query = grid.number(0, *opening.place)  # a patch at the corner of an eye

soft, floor = (
    linviz.make(spec, heads=1, width=D, grid=grid) for spec in ("softmax", "relu_floor")
)
A, flat = (m.map(q, k, v) for m in (soft, floor))
pieces = ch03.Pieces.of(A)  # u, s, v: the table split into directions
copy = pieces.copy(16)

# %%
PatchView(
    [
        Panel(soft.title, soft.family, A),
        Panel("its copy, rank 16", "low-rank", copy),
        Panel(f"{floor.title}, rank 16", floor.family, flat),
    ],
    photo,
    grid,
    query=query,
)

# %%
weights, rows = copy.dense()[0, 0], copy.dense()[0, 0].sum(-1)
eye = grid.number(0, 12, 21)  # in the other eye
before, after = (N * a[query, eye].item() for a in (A.dense()[0, 0], weights))
say(f"The copy keeps **{100 * (1 - pieces.lost(16)):.0f} %** of the energy, the sum of "
    f"all squared weights. {100 * (weights < 0).float().mean():.0f} % of its weights "
    f"are negative, and its row sums go from {rows.min():.2f} to {rows.max():.2f}. A "
    f"patch in the other eye gets {before:.0f} fair shares of the query's attention "
    f"in softmax's map and **{after:.0f}** in the copy.")
assert pieces.lost(16) > 0.3 and rows.min() < 0.2 < 2 < rows.max()
assert after > 3 * before > 60

# %% [markdown]
# The copy finds the other eye, and gives this patch even more weight than softmax does. But the copy is no longer
# attention. The second panel says *signed*, because some weights are negative (drawn in blue), and the rows do not
# sum to one. **A matrix can be near to a map and still not behave like one.** The third panel is another map of rank
# 16, one that a kernel computes directly (chapter 4). It is proper attention: every row is a probability
# distribution. But it is nearly uniform. Rank alone does not say what a map looks like.
#
# [These maps in the explorer](http://localhost:8501/?source=chelsea&patches=28&specs=softmax,relu_floor,efficient);
# open
# *spectrum* under the panels there.
#
# > **Predict.** Move the slider to see the same row rebuilt from 1, 2, 4, ... directions. From how many directions on
# > can you see no more change?

# %%
def rebuilt_at(directions: float):
    return ch03.rebuilt_figure(directions, pieces=pieces, query=query, grid=grid)


Live(rebuilt_at, ch03.DIRECTIONS, label="directions kept", start=16, form="d")

# %%
whole = A.dense()[0, 0].double()
kept = {n: pieces.copy(n).dense()[0, 0].double() for n in (16, 64, 256)}
moved = {n: (whole - b).abs().sum(-1).mean().item() / 2 for n, b in kept.items()}
say(
    table(
        ["directions", "energy lost", "weight moved, of each row", "negative weights"],
        [
            [
                f"{n}",
                f"{100 * pieces.lost(n):.2g} %",
                f"{100 * moved[n]:.0f} %",
                f"{100 * (b < 0).double().mean():.0f} %",
            ]
            for n, b in kept.items()
        ],
    )
)
assert moved[64] > 0.2 and pieces.lost(64) < 0.05

# %% [markdown]
# With 64 directions hardly any energy is missing, but more than a fifth of the average row's weight is in the wrong
# place. Energy is a sum of squares: it is dominated by the few large weights, and the many small weights hardly count.
#
# ## 2 · The spectrum
#
# Here are the singular values of three maps in one figure: softmax, the kernel with its floor, and the uniform map, in
# which every patch gives the same weight to every patch.
#
# > **Predict.** Both scales are logarithmic. The rank of softmax is bounded only by 784; the kernel has 16 features.
# > What do their curves do after $k = 16$? Where does the curve of uniform attention end?

# %%
same = linviz.make("uniform", heads=1, width=D, grid=grid)
maps = {soft: A, floor: flat, same: same.map(q, k, v)}
s = {m: a.singular_values()[0, 0] for m, a in maps.items()}
# softmax again, in float64 from the start
exact = soft.map(*(x.double() for x in (q, k, v)))


def line(m) -> Line:
    return Line(m.title, m.spec, m.family, s[m].tolist(), bound=maps[m].rank_bound,
                tolerance=float(s[m][0]) * maps[m].tolerance)


show(spectrum([line(m) for m in maps]))
say(", ".join(f"{m.title}: s₁ = {s[m][0]:.3f}" for m in maps)
    + f". The floor's second value is only {s[floor][1] / s[floor][0]:.2f} of its "
      f"first, softmax's {s[soft][1] / s[soft][0]:.2f}.")
assert (
    all(s[m][0] > 1 - 1e-5 for m in maps) and len(s[floor]) == D and len(s[same]) == 1
)

# %% [markdown]
# The curve of softmax falls steadily, without a point where it clearly ends. The kernel's curve stops at 16, because
# $A = L R^\top$ with 16 columns in $L$ and in $R$. Uniform attention has a single direction. No square map whose rows
# sum to one has $s_1$ below 1: such a map does not change the vector of ones, so *some* direction is not shortened.
#
# The dotted lines are **tolerances**. Values below them count as zero. The tolerances are the main subject of this
# chapter.
#
# ## 3 · How many singular values are not zero?
#
# In mathematics the rank is the number of singular values that are not zero. On a computer hardly any number is exactly
# zero: rounding errors leave values of about $10^{-8}$ where a zero should be. So one counts
#
# $$r_\tau = \#\{k : s_k > \tau\, s_1\},$$
#
# the **numerical rank**, and must say which tolerance $\tau$ was used. `torch.linalg.matrix_rank` takes $N$ times the
# spacing of numbers near 1: $\tau = N \cdot 1.2 \cdot 10^{-7}$ in float32. Rounding a table of $N$ rows can cause
# errors of about this size.

# %% [markdown] tags=["exercise"]
# number = "3.1"
# title = "A rank and its tolerance"
# difficulty = 1
# importance = 4
# minutes = 5
# objectives = ["tolerance"]
# task = '''
# `s` is $H \times n$: each row holds the $n$ singular values of one of $H$ heads, in descending order. Return one count
# per head: how many of its values exceed `tolerance` times its largest value. A value that only equals this limit does
# not count.
# '''
# hints = [
# '''
# Every head has its own limit. At which position of its row is the largest value?
# ''',
# '''
# $r_\tau = \#\{k : s_k > \tau\, s_1\}$, along the last axis. A comparison gives True and False, and torch can sum
# these.
# ''',
# '''
# `s > tolerance * s[..., :1]`, and `.sum(-1)` of it.
# ''',
# ]
# see = "The check says *right*. Then the next cell counts the three maps above, and one number will look odd."

# %% tags=["answer:3.1"]
from jaxtyping import Float, Int
from torch import Tensor


def numerical_rank(s: Float[Tensor, "H n"], tolerance: float) -> Int[Tensor, "H"]:
    """How many singular values of each head exceed tolerance times its largest."""
    # solution
    return (s > tolerance * s[..., :1]).sum(-1)
    # end


checks.numerical_rank(numerical_rank)

# %% tags=["needs:3.1"]
counts = {m.title: numerical_rank(s[m][None], maps[m].tolerance).item() for m in maps}
in_double = numerical_rank(exact.singular_values()[0], exact.tolerance).item()
say(
    table(
        ["", "rank", "tolerance"],
        [[m.title, f"{counts[m.title]}", f"{maps[m].tolerance:.0e}"] for m in maps],
    )
)
say(f"The same softmax computed in float64 from the start: **{in_double}**, at a "
    f"tolerance of {exact.tolerance:.0e}.")
assert counts[floor.title] == D and counts[soft.title] < in_double == N
last = exact.singular_values()[0, 0][[counts[soft.title], -1]]
assert 1e-4 > last[0] / s[soft][0] > last[1] / s[soft][0] > 0.9e-5

# %%
import plotly.graph_objects as go

cuts = [10.0**-n for n in range(1, 8)]
steps = go.Figure([
    go.Scatter(x=cuts, y=[int((s[m] > cut * s[m][0]).sum()) for cut in cuts],
               name=m.title, mode="lines+markers", marker_symbol=symbol, line_dash=dash)
    for m, symbol, dash in ((soft, "circle", "solid"), (floor, "square", "dash"))])
steps.update_layout(
    template="linviz", height=360, margin_t=84, title_y=0.97,
    title="The rank of softmax depends on where we stop counting",
    xaxis={"type": "log", "title": "tolerance, as a share of the largest value",
           "autorange": "reversed", "dtick": 1, "exponentformat": "power"},
    yaxis_title="directions above it",
    meta={"alt": "Singular values above a tolerance, from a tenth to a ten-millionth "
          "of the largest." + "".join(f" {line.name}: from {line.y[0]} to {line.y[-1]}."
                                      for line in steps.data)})
show(steps)
assert steps.data[1].y[-1] == D and steps.data[0].y[-1] > 700 > steps.data[0].y[0]

# %% [markdown]
# The softmax map did not lose directions in float32. Its last directions are ten thousand to a hundred thousand times
# weaker than the first, and with this tolerance they cannot be distinguished from rounding errors. The first number
# says something about float32, not about attention.
#
# ## 4 · Four, twenty, seven hundred
#
# Now take a map whose rank is known in advance. Use 20 features of our patches, and let a gate multiply 16 of them by
# 0.005 (the median ratio of the fitted gate in chapter 13 is smaller still). $A$ is a product of a 784 × 20 and a 20
# × 784 table, and all 20 columns are different: its rank is 20.
#
# > **Predict.** What is `matrix_rank` of the table in float32, as a network would compute it: 20, more, or less?
# > Suppose somebody casts the table to float64 first, to be safe. What is the rank then?

# %%
quiet = ch03.quiet_map()  # float64, stored as two factors
written = quiet.dense()[0, 0].float()  # the table in float32
single = torch.linalg.matrix_rank(written).item()
cast = torch.linalg.matrix_rank(written.double()).item()
values = [
    *(torch.linalg.svdvals(x).double() for x in (written, written.double())),
    quiet.singular_values()[0, 0],
]
titles = ["table in float32", "the same table, cast to float64", "from the factors"]
looks = [
    ("relu", "kernel"),
    ("uniform", "content-free"),
    ("relu+gate:self", "low-rank"),
]
limits = [
    N * torch.finfo(torch.float32).eps,
    N * torch.finfo(torch.float64).eps,
    quiet.tolerance,
]
show(
    spectrum(
        [
            Line(title, *look, x.tolist(), tolerance=float(x[0]) * limit)
            for title, look, x, limit in zip(titles, looks, values, limits)
        ]
    )
)
say(f"In float32 the rank is **{single}**. Cast to float64 it is **{cast}**. From the "
    f"factors it is **{(values[2] > limits[2] * values[2][0]).sum()}**.")
assert single == 4 and cast > 700 and (values[2] > limits[2] * values[2][0]).sum() == 20

# %% [markdown]
# None of these numbers is a bug.
#
# - In **float32** the sixteen weak directions are larger than the actual rounding errors, but smaller than the
#   tolerance, which allows for the worst case. Only four directions are certain.
# - The **cast** repairs nothing. The table was rounded when it was written. float64 keeps each rounding error exactly,
#   lowers the tolerance by nine orders of magnitude, and counts the errors as directions. The grey plateau in the
#   figure is noise: 20 columns cannot produce it.
# - The **factors** were never multiplied (section 6 explains the method). A small column keeps all its digits, however
#   small it is.
#
# Is the rank really 20? A product $L R^\top$ has the rank of its factors if both have independent columns. This is
# certain here, because the singular values of the factors are far from zero:

# %%
left, right = quiet.left[0, 0], quiet.right[0, 0]
# columns of length one: the rank stays the same
alike = [x / x.norm(dim=0) for x in (left, right)]
least = [torch.linalg.svdvals(x)[[0, -1]] for x in alike]
say("Smallest singular value over the largest, for columns of length one: left "
    f"{least[0][1] / least[0][0]:.3f}, right {least[1][1] / least[1][0]:.3f}. Rounding "
    "errors would be near 10⁻¹⁶.")
assert min(x[1] / x[0] for x in least) > 1e-4
rounded = Factored(left.float(), right.float())
found = int(
    (rounded.singular_values() > rounded.tolerance * rounded.singular_values()[0]).sum()
)
say(f"If the factors were in float32, linviz would print **{found}**, at a tolerance "
    f"of {rounded.tolerance:.0e}: it cannot know whether the small values are rounding "
    "errors.")
assert 4 < found < 20

# %% [markdown]
# So a rank must be printed with its tolerance. A rank that changes when the tolerance changes a little is not a
# property of the map. Do not trust a figure that shows a *rank* and does not say how it was computed.

# %% [markdown]
# ## 5 · Counts that do not jump
#
# Here are three artificial spectra. Each has twenty values well above zero, so its numerical rank is 20.
#
# > **Predict.** Which of the three would *you* call the spectrum of a map with twenty directions?

# %%
steps = torch.arange(20, dtype=torch.float64)
toys = {
    "all equal": torch.ones(20, dtype=torch.float64),
    "one strong, nineteen weak": 0.1 ** (steps > 0).double(),
    "each half of the previous one": 0.5**steps,
}
looks = {
    "all equal": "uniform",
    "one strong, nineteen weak": "relu",
    "each half of the previous one": "efficient",
}
show(
    spectrum(
        [
            Line(name, looks[name], "content-free", x.tolist())
            for name, x in toys.items()
        ]
    )
)

# %% [markdown]
# Four counts without a tolerance have been proposed. Each answers its own question:
#
# - **effective rank** (Roy and Vetterli, 2007): $\exp\bigl(-\sum_k p_k \ln p_k\bigr)$ with $p_k = s_k / \sum_l s_l$.
#   How evenly is the *sum* of $s$ divided among the directions?
# - **participation ratio**: $(\sum_k s_k^2)^2 / \sum_k s_k^4$. Among how many directions is the *energy* divided?
# - **stable rank**: $\sum_k s_k^2 / s_1^2$. How much energy is there, in units of the strongest direction?
# - **energy index** $k_p$: the fewest $k$ with $\sum_{l \le k} s_l^2 \ge p \sum_l s_l^2$. How many directions must be
#   kept?
#
# The first three counts give $n$ for $n$ equal values. When the values differ, the counts always have the same order:
# stable rank ≤ participation ratio ≤ effective rank ≤ number of non-zero values. A count with higher powers of $s$
# gives less weight to weak directions.

# %%
COUNTS = {
    "stable": spectra.stable_rank,
    "participation": spectra.participation_ratio,
    "effective": spectra.effective_rank,
    "energy index, 90 %": spectra.energy_rank,
}
counted_toys = {
    name: [float(count(x)) for count in COUNTS.values()] for name, x in toys.items()
}
say(
    table(
        ["", *COUNTS],
        [
            [name, *(f"{y:.2f}" for y in ys[:3]), f"{ys[3]:.0f}"]
            for name, ys in counted_toys.items()
        ],
    )
)
assert all(
    a <= b + 1e-9 and b <= c + 1e-9 and c <= 20 + 1e-9
    for a, b, c, _ in counted_toys.values()
)

# %% [markdown] tags=["exercise"]
# number = "3.2"
# title = "The effective rank"
# difficulty = 2
# importance = 4
# minutes = 7
# objectives = ["effective"]
# task = '''
# `s` is $H \times n$: the singular values of $H$ heads, all above zero. Return the effective rank of every head, $H$
# numbers. (In linviz a value of exactly zero adds nothing, since $p \ln p \to 0$; here there is no such value.)
# '''
# hints = [
# '''
# First divide each head's values so that they sum to one. Then compute their entropy. One more step follows.
# ''',
# '''
# With $p_k = s_k / \sum_l s_l$, the effective rank is $\exp\bigl(-\sum_k p_k \ln p_k\bigr)$. With $\log_2$ in place of
# $\ln$, use $2$ to this power in place of $\exp$.
# ''',
# '''
# `p = s / s.sum(-1, keepdim=True)`, and then `.exp()` of minus the sum of `p * p.log()` along the last axis.
# ''',
# ]
# see = "The check says *right*. The next cell applies your function to softmax and to the floor."

# %% tags=["answer:3.2"]
def effective_rank(s: Float[Tensor, "H n"]) -> Float[Tensor, "H"]:
    """exp of the entropy of s / sum s, head by head."""
    # solution
    p = s / s.sum(-1, keepdim=True)
    return (-(p * p.log()).sum(-1)).exp()
    # end


checks.effective_rank(effective_rank)

# %% tags=["needs:3.2"]
yours = {m: effective_rank(s[m][None]).item() for m in (soft, floor)}
again = spectra.effective_rank(exact.singular_values()).item()
say(f"Softmax: **{yours[soft]:.1f}** of {N}. The floor: **{yours[floor]:.1f}** of {D}. "
    f"float32 or float64 makes no difference here: softmax in float64 has {again:.1f}.")
assert all(
    abs(yours[m] - linviz.read(m, q, k, v).summary()["effective_rank"]) < 1e-3
    for m in yours
)
assert abs(again - yours[soft]) < 0.01

# %% [markdown]
# ## 6 · The spectrum without the table
#
# How can the singular values of $L R^\top$ be found without multiplying? A **thin QR** writes each factor as a matrix
# with orthonormal columns times a small triangular matrix:
#
# $$L = Q_1 T_1, \quad R = Q_2 T_2 \qquad\Longrightarrow\qquad A = L R^\top = Q_1\,(T_1 T_2^\top)\,Q_2^\top$$
#
# The columns of $Q_1$ and $Q_2$ have length one and are at right angles, so these matrices do not change lengths.
# Therefore $A$ has the same singular values as the small $M \times M$ matrix $T_1 T_2^\top$. For a clip of
# $N = 10\,000$ patches and $M = 64$ features, this is 4096 numbers instead of a hundred million.

# %%
q1, t1 = torch.linalg.qr(left)  # (N, M), (M, M)
q2, t2 = torch.linalg.qr(right)
small = torch.linalg.svdvals(t1 @ t2.mT)
slow = torch.linalg.svdvals(left @ right.mT)  # the table, 784 x 784, float64
assert torch.allclose(q1 @ t1, left) and torch.allclose(
    q1.mT @ q1, torch.eye(20, dtype=q1.dtype)
)
assert torch.allclose(small, quiet.singular_values()[0, 0]) and torch.allclose(
    small, slow[:20], atol=1e-12
)
say(f"Twenty values from a {t1.shape[0]} × {t2.shape[0]} matrix and from the {N} × {N} "
    f"table: the largest difference is {(small - slow[:20]).abs().max():.0e}.")

# %% [markdown] tags=["exercise"]
# number = "3.3"
# title = "A spectrum without its table"
# difficulty = 3
# importance = 5
# minutes = 10
# objectives = ["factors"]
# task = '''
# `left` is $N \times M$ and `right` is $S \times M$; $M$ is the smallest of the three sizes. Return the first $M$
# singular values of `left @ right.mT` in descending order; all others are zero. Make no table of $N \times S$ numbers:
# the check counts.
# '''
# hints = [
# '''
# First reduce the two tall factors to two small triangular matrices. Which of the two parts of a QR can be dropped?
# ''',
# '''
# $A = Q_1 (T_1 T_2^\top) Q_2^\top$, and $Q_1$ and $Q_2$ do not change the singular values. The second triangle is
# transposed.
# ''',
# '''
# Compute `t1 = torch.linalg.qr(left).R` and `t2` from `right`; then `torch.linalg.svdvals(t1 @ t2.mT)`.
# ''',
# ]
# see = "The check says *right*. The next cell computes the spectrum of a map whose table would not fit into memory."

# %% tags=["answer:3.3"]
def thin_spectrum(
    left: Float[Tensor, "N M"], right: Float[Tensor, "S M"]
) -> Float[Tensor, "M"]:
    """The first M singular values of left right^T, from two thin QRs."""
    # solution
    t1, t2 = torch.linalg.qr(left).R, torch.linalg.qr(right).R  # (M, M) each
    return torch.linalg.svdvals(t1 @ t2.mT)
    # end


checks.thin_spectrum(thin_spectrum)

# %% tags=["needs:3.3"]
patches = 100_000
many = torch.rand(
    2, patches, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
)
strongest = thin_spectrum(*many)
say(f"{patches:,} patches: sixteen values from {strongest[0]:,.0f} to "
    f"{strongest[-1]:,.0f}. The table would need **{8 * patches ** 2 / 2 ** 30:,.0f} "
    "GiB**.")
assert torch.allclose(strongest, Factored(*many).singular_values())

# %% [markdown]
# ## 7 · The strongest direction does not depend on the query
#
# Look again at the floor's spectrum in section 2: one value is near 1, and the next is less than a quarter of it. What
# is this direction that is so much stronger than the others?
#
# > **Predict.** We subtract the *mean row* from every row of the floor's map. What is left says where a patch looks
# > more or less than the average patch. By how much does the numerical rank fall? Does the stable rank fall or rise?

# %%
def counted(a) -> list[float]:
    x = a.singular_values()[0, 0]
    return [
        int(spectra.numerical_rank(x, a.tolerance)),
        *(float(count(x)) for count in list(COUNTS.values())[:3]),
    ]


efficient = linviz.make("efficient", heads=1, width=D, grid=grid)
three = {floor.title: flat, efficient.title: efficient.map(q, k, v), soft.title: A}
both = {name: (counted(a), counted(a.centred())) for name, a in three.items()}
say(
    table(
        ["", "numerical", "stable", "participation", "effective"],
        [
            [f"{name}{what}", f"{y[0]}", *(f"{x:.2f}" for x in y[1:])]
            for name, pair in both.items()
            for what, y in zip(("", ", mean row removed"), pair)
        ],
    )
)
raw, bare = both[floor.title]
dense = flat.dense()[0, 0].double()
mean = dense.mean(0)
cosine = (torch.linalg.svd(dense).Vh[0] @ mean / mean.norm()).abs().item()
say("The floor's strongest direction and its mean row are nearly parallel: their "
    f"cosine is **{cosine:.5f}**.")
assert bare[0] == raw[0] - 1 and bare[1] > 2.5 * raw[1] and cosine > 0.999

# %% [markdown]
# The numerical rank falls by one and shows nothing more. The stable rank *triples*: the map looked as if it had one
# direction, but it has several once the strongest is removed. The strongest direction was the mean row, which is the
# same for every query. Softmax has no such dominant direction, and its counts hardly change.
#
# So raw and centred numbers are different, and a paper or a plot must say which it shows. linviz has both:
# `a.singular_values()` and `a.centred().singular_values()`.

# %%
left_over = flat.centred().singular_values()[0, 0]
show(
    spectrum(
        [
            line(floor),
            Line(
                "mean row removed",
                "relu_floor+gate:self",
                floor.family,
                left_over[:-1].tolist(),
            ),
        ]
    )
)
gap = (left_over[:-1] / s[floor][1:] - 1).abs().max()
say("Is this the same as removing $s_1$? Not exactly: single values differ by up to "
    f"{100 * gap:.1f} %, because the strongest direction and the mean row are not "
    "exactly parallel.")
assert 1e-4 < gap < 0.2 and left_over[-1] < 1e-6

# %% [markdown] tags=["exercise"]
# number = "3.4"
# title = "Without the mean row"
# difficulty = 4
# importance = 3
# minutes = 12
# objectives = ["mean", "factors"]
# task = '''
# You get two factors again, `left` ($N \times M$) and `right` ($S \times M$). Subtract the mean row of $A = L R^\top$
# from every row of $A$. Return the first $M$ singular values of the result, again without a table.
# '''
# hints = [
# '''
# Write down row $i$ of $A$. What is the mean of these rows over $i$? Which of the two factors contains the index $i$?
# ''',
# '''
# Row $i$ is $l_i R^\top$, so the mean row is $\bar l R^\top$, and the difference is $(l_i - \bar l) R^\top$.
# ''',
# '''
# Use `left - left.mean(0)`, and then the two QRs of exercise 3.3.
# ''',
# ]
# see = "The check says *right*. The next cell applies your function to the floor: fifteen values and a zero."

# %% tags=["answer:3.4"]
def without_mean_row(
    left: Float[Tensor, "N M"], right: Float[Tensor, "S M"]
) -> Float[Tensor, "M"]:
    """The first M singular values of left right^T minus its mean row."""
    # solution
    t1, t2 = torch.linalg.qr(left - left.mean(0)).R, torch.linalg.qr(right).R
    return torch.linalg.svdvals(t1 @ t2.mT)
    # end


checks.without_mean_row(without_mean_row)

# %% tags=["needs:3.4"]
mine = without_mean_row(flat.left[0, 0].double(), flat.right[0, 0].double())
assert torch.allclose(mine, left_over, atol=1e-6)
say(f"The first value is {mine[0]:.3f}, the fifteenth {mine[14]:.4f}, the sixteenth "
    f"{mine[15]:.0e}. Rows that all sum to one have differences that sum to zero, so "
    "one direction is lost.")

# %% [markdown]
# ## 8 · "Self-attention is low rank"
#
# *Linformer* (Wang et al., 2020, arXiv 2006.04768) made low rank famous. Its figure shows, for the softmax maps of a
# trained language model, which share of the *sum of all singular values* the first $k$ values hold. The curve rises
# early. The paper concludes that a few directions are enough, so all keys may be compressed into $K$ summaries. Here is
# this curve for three maps: for our cat; for the cat with its logits divided by four, which makes the rows flatter; and
# for a control, softmax of *random* queries and keys without any structure.
#
# > **Predict.** Which share do the first 128 of 784 values hold for the cat, and for random numbers? What is the rank
# > of the random map?

# %%
noise = torch.randn(
    2, 1, 1, N, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
)
random = linviz.make("softmax", heads=1, width=64, grid=grid).map(
    noise[0], noise[1], noise[1]
)
flatter = linviz.make("softmax", heads=1, width=D, grid=grid).map(
    *(x.double() / 2 for x in (q, k, v))
)
tried = {
    "the cat": exact,
    "the cat, logits divided by four": flatter,
    "random queries and keys": random,
}
falling = {name: a.singular_values()[0, 0] for name, a in tried.items()}
looks = (
    ("softmax", "softmax"),
    ("softmax+gate:self", "softmax"),
    ("uniform", "content-free"),
)
for power in (1, 2):
    show(cumulative([Line(name, *look, spectra.cumulative_share(x, power).tolist())
                     for (name, x), look in zip(falling.items(), looks)], power=power))

# %%
held = {
    name: [100 * float(spectra.cumulative_share(x, power)[127]) for power in (1, 2)]
    for name, x in falling.items()
}
full = {
    name: int(spectra.numerical_rank(x, tried[name].tolerance))
    for name, x in falling.items()
}
say(
    table(
        [
            "the first 128 of 784 hold",
            "of the sum of s",
            "of the energy",
            "numerical rank in float64",
        ],
        [
            [name, f"{y[0]:.0f} %", f"{y[1]:.1f} %", f"{full[name]}"]
            for name, y in held.items()
        ],
    )
)
assert (
    held["random queries and keys"][1] > 85
    and full["random queries and keys"] == full["the cat"] == N
)
assert held["the cat"][0] > 1.5 * held["random queries and keys"][0]

# %% [markdown]
# This is what the curves show and what they do not show:
#
# - The cat's curve rises early, far earlier than the random one. In this sense the cat's map **is** compressible. (The
#   cat's queries and keys are 16 raw descriptors; they do not come from a trained network.)
# - None of the three maps has a small rank. *Low rank* here means that the singular values fall quickly.
# - **Sum or energy?** The same maps give two different curves. The error of a copy depends on the energy; the sum of
#   $s$ is stricter. Confusing the two curves gives errors of tens of per cent.
# - **A bend proves little.** The curve of random numbers bends, too. Compare a curve with a control before you call it
#   structure.
# - **It depends on the temperature.** With flatter rows almost everything fits into 128 directions.
# - **A copy can be near in energy but not in its rows**: in section 1 a fifth of a row's weight was misplaced, at a
#   loss of a few per cent of the energy.
# - **The best copy is not what Linformer computes.** To find the best copy, one must already have the map. Linformer
#   instead learns two tables that mix *places* into $K$ summaries; they are the same for every input:

# %%
lin = linviz.make("linformer", heads=1, width=D, grid=grid, length=64).requires_grad_(
    False
)
squeezed = lin.map(q, k, v)
x = squeezed.dense()[0, 0]
apart = ((x.double() - whole).norm() / whole.norm()).item()
best = pieces.lost(64) ** 0.5
say(f"Untrained, with 64 summaries: rank at most {squeezed.rank_bound}, "
    f"{100 * (x < 0).float().mean():.0f} % of the weights negative, row sums from "
    f"{x.sum(-1).min():.1f} to {x.sum(-1).max():.1f}. The best copy of rank 64 misses "
    f"softmax by {best:.2f} of its length, this map by {apart:.1f}. Linformer must "
    "learn to be near to softmax.")
assert squeezed.rank_bound == 64 and apart > 1 > 2 * best and (x < 0).any()

# %% [markdown]
# None of this says that Linformer does not work. Linformer was tested on tasks, and such tests are another kind of
# evidence. This section only shows how little the curve alone proves.
#
# ## 9 · What was not shown
#
# - **One photograph, raw descriptors.** Trained networks have other spectra, layer by layer.
# - **Rank is not quality.** The floor's map and the copy of section 1 both have rank 16. The floor's map is nearly
#   uniform but is proper attention. The copy finds the eye but is not attention.
# - **Rank is not concentration** either: chapter 11 separates the two, and chapter 13 concentrates a map without
#   changing its rank.
# - **Causal maps** are not limited by this bound: the lower triangle of a product of thin factors has full rank
#   (chapter 5).
#
# ## Quiz

# %%
quizzes.rank
