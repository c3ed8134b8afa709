# %% [markdown] tags=["front"]
# title = "Memory that fades"
# lead = '''
# Chapter 5 turned linear attention into a recurrent network: a memory of fixed size that adds every token and forgets
# nothing. After a long clip such a sum is crowded. Newer methods repair this in two ways. The memory fades, or it
# takes off what it knows already before it writes. This chapter builds six of them from one loop of four lines, and
# reads the attention map of each: also the weights that turn negative.
# '''
# questions = [
#     "How far back does a memory look that fades by a fixed rate, and what does that look like on a clip?",
#     "What does the delta rule erase, and why do its weights turn negative?",
#     "How much can a memory of constant size return?",
# ]
# prerequisites = [
#     "Causal linear attention as a recurrent network (chapter 5).",
#     "Ranks (chapter 3) for one paragraph of section 6.",
# ]
# minutes = {reading = 40, exercises = 42, quiz = 6}
# key_points = [
#     "One loop, four steps: fade, look up what is known of this key, write only what is new, read.",
#     "A rate gamma has a half-life of ln 2 / -ln gamma tokens. In raster order this is a comet, not a disc.",
#     "Retention fades at a fixed rate; GLA lets each channel decide; in Mamba-2 a token that writes also erases.",
#     "The delta rule overwrites: just written is just read. Its negative weights mean overwritten, not unlike.",
#     "A row is a walk of the query into the past: each token takes its part of the query and hands on the rest.",
#     "The order is a choice. Frame by frame, the patches of a frame have no order, and a rate counts frames.",
#     "A memory of D x E numbers keeps D directions. The newest survive; a sum without fading drowns.",
# ]
#
# [objectives]
# fade = "compute a half-life, and say what it looks like on a clip"
# decide = "say how GLA and Mamba-2 let a token decide what is forgotten"
# erase = "derive the delta rule, and explain a negative weight"
# walk = "compute one row of the map as a walk into the past"
# order = "say what the order of patches changes, and let a memory step once per frame"
# recall = "say how much a memory of constant size can return"

# %% [markdown]
# ## 1 · A sum that fades
#
# A cat and a cup of coffee cross in front of a photographer: eight frames of 14 × 14 patches, 1,568 tokens. The
# tokens are numbered frame by frame and row by row, as in chapter 5. Each patch is described by 18 numbers. Two fixed
# random matrices and the function $\mathrm{silu}(x) = x\,\sigma(x)$ make 32 query channels and 32 key channels from
# them ($\sigma$ is the sigmoid, between 0 and 1). So $q \ne k$, as in a trained network. Nothing was trained.
#
# The memory of chapter 5 was a sum: $S_i = S_{i-1} + k_i^\top v_i$. **Retention** multiplies the memory by a number
# $\gamma < 1$ before each token is added:
#
# $$S_i = \gamma\, S_{i-1} + k_i^\top v_i \qquad\qquad o_i = \frac{q_i\, S_i}{\sqrt D}$$
#
# Insert the first equation into itself again and again. A token $j$ has been multiplied by $\gamma$ once for each
# token after it. So this network has an attention map like any other method:
#
# $$A_{ij} = \frac{1}{\sqrt D}\;\gamma^{\,i-j}\; q_i \cdot k_j \qquad \text{for } j \le i$$
#
# There is no division by the sum of the row. A weight that fades is lost; it is not given to other tokens. Each head
# has a $\gamma$ of its own: $\gamma_h = 1 - 2^{-5-h}$ for $h = 0, 1, 2, \dots$
#
# > **Predict before you run.** Head 0 has $\gamma = 1 - 1/32 \approx 0.97$. The query lies in the middle of a frame.
# > How much of its own row will be lit? And will it see the frame before?

# %%
import math

import plotly.graph_objects as go
import torch
from torch.nn.functional import logsigmoid, silu, softplus

import linviz
from linviz import clips
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import ch17
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
grid = linviz.Grid(T=8, Y=14, X=14)
frame = grid.Y * grid.X                                      # 196 tokens
clip = clips.fit(clips.load("crossing"), grid)
x = clips.descriptors(clip, grid)[2].double()                # (1, 1, N, 18)
D, E = 32, x.shape[-1]
draw = torch.Generator().manual_seed(0)
W_q, W_k = torch.randn(2, E, D, generator=draw).double() / E ** 0.5
q, k, v = silu(x @ W_q), silu(x @ W_k), x
N = len(grid)
query = grid.number(5, 6, 9)                                 # sixth frame, on the cat


def make(name: str, **options):
    """One head of a method, with our sizes."""
    sizes = {"heads": 1, "width": D, "value_width": E, "grid": grid}
    return linviz.make(name, **sizes | options).double().requires_grad_(False)


DIM = 0.002                                                  # see below
heads = make("retention", heads=4, scale=DIM)
four = heads.map(*(t.expand(1, 4, -1, -1) for t in (q, k, v)))
PatchView([Panel(f"{heads.title}, head {h}", heads.family, four, at=(0, h))
           for h in (0, 3)], clip, grid, query=query)

# %% [markdown]
# Blue is a negative weight, orange a positive one: these maps are **signed**. (For the pictures the maps are
# multiplied by a small number instead of $D^{-1/2}$, so that the colours do not saturate. Networks normalise the
# output of each head anyway.) Move the mouse over the clip and step through the frames. Head 0 sees a few dozen
# tokens: one row of patches and a part of the row above. Head 3 sees much further. The slider *fading* weakens the
# decay: at 0 nothing is forgotten.
#
# Now the derivation in code. One detail was missing: retention turns pairs of channels of $q_i$ and $k_j$ by an angle
# that grows with the token's number, so that $q_i \cdot k_j$ also depends on the distance $i - j$.

# %% tags=["derives:retention"]
def turned(x):
    """Pairs of channels turned by the token's number times a frequency."""
    steps = torch.arange(D // 2).double() / (D // 2 - 1)     # 0 to 1, a number per pair
    angle = torch.arange(N)[:, None] * 10_000 ** -steps
    a, b = x[..., 0::2], x[..., 1::2]
    both = a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()
    return torch.stack(both, -1).flatten(-2)


def retain(q, k, v, gamma):
    """The memory itself, token by token."""
    S, out = torch.zeros(D, E).double(), []
    for i in range(N):
        S = gamma * S + k[i][:, None] * v[i]
        out.append(q[i] @ S / D ** 0.5)
    return torch.stack(out)


retention = make("retention")
mine = retain(turned(q)[0, 0], turned(k)[0, 0], v[0, 0], 1 - 1 / 32)
assert torch.allclose(mine, retention(q, k, v)[0, 0], atol=1e-9)
off = (mine - retention(q, k, v)[0, 0]).abs().max()
say(f"{N:,} steps of a memory with {D} × {E} numbers, and linviz's map: the largest "
    f"difference of the outputs is {off:.0e}.")

# %% [markdown]
# How far does a head look back? The figure is drawn here in the open: a line per head, made of plain numbers.

# %%
ages = list(range(0, 2 * frame + 1, 4))
fig = go.Figure(layout={"template": "linviz", "height": 380})
for h, dash in enumerate(("solid", "dash", "dashdot", "dot")):
    gamma = 1 - 2 ** (-5 - h)
    fig.add_trace(go.Scatter(x=ages, y=[gamma ** n for n in ages], mode="lines",
                             name=f"head {h}, γ = {gamma:.4f}", line={"dash": dash}))
for name, n in (("one row", grid.X), ("one frame", frame)):
    fig.add_vline(x=n, line={"width": 1, "dash": "dot"}, annotation_text=name)
fig.update_layout(
    xaxis={"title": "age of a token (tokens)"}, yaxis={"title": "share that is left"},
    meta={"alt": "The share of a token that is left over its age, four heads of "
                 "retention. Head 0 has lost half after 22 tokens, head 3 after 177; "
                 "a row has 14 tokens and a frame 196."})
show(fig)

# %% [markdown] tags=["exercise"]
# number = "17.1"
# title = "Half-lives"
# difficulty = 1
# importance = 4
# minutes = 5
# objectives = ["fade"]
# methods = ["retention"]
# task = '''
# The **half-life** of a head is the number of tokens after which half of a token's weight is left. It need not be a
# whole number. Compute the half-lives of all heads from their rates `gamma`.
# '''
# hints = [
# '''
# After $n$ tokens the share $\gamma^n$ is left. Which $n$ makes this a half?
# ''',
# '''
# Take logarithms on both sides of $\gamma^n = 1/2$. This gives $n \ln \gamma = \ln \tfrac12$.
# ''',
# '''
# `math.log(0.5)` divided by `gamma.log()`. Both are negative, so the result is positive.
# ''',
# ]
# see = "The check says *right*. The next cell counts half-lives in rows and in frames."

# %% tags=["answer:17.1"]
from jaxtyping import Float
from torch import Tensor


def half_lives(gamma: Float[Tensor, "H"]) -> Float[Tensor, "H"]:
    """Tokens after which half is left, one number per head."""
    # solution
    return math.log(0.5) / gamma.log()
    # end


checks.half_lives(half_lives)

# %% tags=["needs:17.1"]
gammas = 1 - 2.0 ** (-5 - torch.arange(8).double())
tokens = half_lives(gammas)
say(table(["head", "γ", "half-life, tokens", "rows of 14", "frames of 196"],
          [[f"{h}", f"{g:.4f}", f"{n:.0f}", f"{n / grid.X:.1f}", f"{n / frame:.2f}"]
           for h, (g, n) in enumerate(zip(gammas.tolist(), tokens.tolist()))]))
assert round(tokens[0].item()) == 22 and round(tokens[3].item()) == 177

# %% [markdown]
# ## 2 · Half-life as a picture
#
# What does a half-life look like? Let all keys and queries be equal, so that only the fading is left. The query is in
# the middle of the last of three frames. The upper pictures show raster order: every token fades the memory a little.
# The lower pictures fade once per *frame*. Both have the same half-life, counted in frames.
#
# > **Predict.** The half-life is a tenth of a frame, 20 tokens. In raster order, how much is left of the patch to the
# > left of the query, and how much of the patch above it?

# %%
three = linviz.Grid(T=3, Y=14, X=14)
middle = three.number(2, 7, 7)


def draw_comet(half_life: float):
    return ch17.comet_figure(half_life, grid=three, query=middle)


Live(draw_comet, ch17.HALF_LIVES, label="half-life, frames", start=0.1, form=".2f")

# %%
left = three.fold(ch17.kept_shares(0.1, three, middle, "raster")[:, None])[..., 0]
say(f"Raster order, half-life a tenth of a frame: **{left[2, 7, 6]:.2f}** is left of "
    f"the patch to the left, **{left[2, 6, 7]:.2f}** of the patch above, and "
    f"{left[1, 7, 7]:.4f} of the same place one frame earlier.")
assert left[2, 7, 6] > 0.95 > 0.65 > left[2, 6, 7] and left[1, 7, 7] < 0.001

# %% [markdown]
# A comet with its tail to the left, and not a disc. The patch above is one step away in the picture and 14 tokens
# away in the memory. The patch below was not seen at all. So a decay that is meant as *recent* also means *left of
# here*. Frame by frame, the frames dim with age and the patches of a frame are equal. Section 6 returns to this.
#
# ### Find the bug
#
# *Lightning attention* is retention with other rates and without the turning. Its first heads forget within a few
# tokens. A public library offers a function of that name whose rates, for the first layer of a model, are these:

# %%
def public_log_decays(H: int) -> Tensor:
    """log decay of every head, as a public library had it."""
    head = torch.arange(H).double()
    return -(8 / H) * head


public = public_log_decays(8)
say(table(["head", "log decay", "half-life, tokens"],
          [[f"{h}", f"{g + 0:.2f}", "never" if g == 0 else f"{math.log(2) / -g:.2f}"]
           for h, g in enumerate(public.tolist())]))
assert public[0] == 0 and math.log(2) / -public[1] < 1

# %% [markdown]
# Head 0 never forgets. All the others have lost half before the next token arrives. The authors' rates are different:
# the *rate* of each head is a fixed fraction of the rate before it, as the steps of a staircase in a logarithmic
# picture:
#
# $$\ln \gamma_h = -2^{-8(h+1)/H} \qquad h = 0, \dots, H-1 \qquad (H \text{ a power of two})$$

# %% [markdown] tags=["exercise"]
# number = "17.2"
# title = "Find the bug: rates that are not lightning's"
# difficulty = 2
# importance = 3
# minutes = 8
# objectives = ["fade"]
# methods = ["retention"]
# task = '''
# Repair the public function above: return the log decays of all heads as in the authors' formula, in float64. `H` is
# a power of two. There is more than one mistake.
# '''
# hints = [
# '''
# Compare the two for $H = 8$. What are the first two rates of the authors? From which number do they count heads?
# ''',
# '''
# Heads count from 1 in the exponent, and the rate is a *power* of two: $-2^{-8(h+1)/H}$.
# ''',
# '''
# With `h = torch.arange(1, H + 1).double()`, return minus two to the power of `-8 * h / H`.
# ''',
# ]
# see = "The check says *right*. The next cell compares your rates with linviz's `slopes=\"lightning\"`."

# %% tags=["answer:17.2"]
def log_decays(H: int) -> Float[Tensor, "H"]:
    """The log decay of every head of lightning attention, for a power of two."""
    # solution
    head = torch.arange(1, H + 1).double()
    return -(2 ** (-8 * head / H))
    # end


checks.log_decays(log_decays)

# %% tags=["needs:17.2"]
lightning = make("retention", heads=8, slopes="lightning")
eight = tuple(t.expand(1, 8, -1, -1) for t in (q, k, v))
by_hand = make("retention", heads=8, rotate=False, scale=1.0)
mine = by_hand.map(*eight, log_decay=log_decays(8))
assert torch.allclose(mine.rows([query]), lightning.map(*eight).rows([query]))
say("Half-lives of lightning attention with eight heads: "
    + ", ".join(f"{n:.1f}" for n in (math.log(2) / -log_decays(8)).tolist())
    + " tokens.")

# %% [markdown]
# ## 3 · The token decides
#
# A fixed rate does not know what happens in the clip. Two methods let every token decide.
#
# **GLA** (gated linear attention) gives each *channel of the key* its own decay, from 32 numbers $\alpha_i$ that
# token $i$ computes: $S_i = \mathrm{diag}(\alpha_i)\,S_{i-1} + k_i^\top v_i$. A token first fades what was there and
# then writes, so its own $\alpha$ does not touch its own key. Here $\alpha_i = \sigma(k_i W + b)^{1/16}$, a learned
# layer. (In a network it reads the token $x_i$; linviz sees $q$, $k$ and $v$ only, and takes the key.) The exponent
# keeps $\alpha$ near 1: with $k_i W + b = 0$ half is left after 16 tokens.
#
# **Mamba-2** has one number $\Delta_i > 0$ per token, and it does two things: the token is written with strength
# $\Delta_i$, and the memory fades by $e^{-a\Delta_i}$. *A token that writes much makes the memory forget much.* A
# token with $\Delta_i = 0$ is passed over: it is not written, and nothing fades. (Mamba-2 also adds the token's own
# value, times a learned number.)
#
# Both are the loop of section 1 with another decay:

# %% tags=["derives:gla"]
def fading_sum(q, k, v, decay, write):
    """decay (N, 1 or D) fades, write (N,) is the strength of each token."""
    S, out = torch.zeros(D, E).double(), []
    for i in range(N):
        S = decay[i][:, None] * S + write[i] * k[i][:, None] * v[i]
        out.append(q[i] @ S)
    return torch.stack(out)


one = tuple(t[0, 0] for t in (q, k, v))                      # (N, D), (N, D), (N, E)
gla = make("gla")
layer = gla.mechanism
alpha = (logsigmoid(one[1] @ layer.fade[0] + layer.fade_bias[0]) / 16).exp()
mine = fading_sum(*one, alpha, torch.ones(N)) / D ** 0.5
assert torch.allclose(mine, gla(q, k, v)[0, 0], atol=1e-9)

# %% tags=["derives:mamba2"]
mamba = make("mamba2")
layer = mamba.mechanism
delta = softplus(one[1] @ layer.write[0] + layer.write_bias[0])       # (N, 1)
decay = (-layer.log_a.exp()[0] * delta).exp()
mine = fading_sum(*one, decay, delta[:, 0]) + layer.skip * v[0, 0]
assert torch.allclose(mine, mamba(q, k, v)[0, 0], atol=1e-9)
say(f"GLA and Mamba-2 from the same loop. In Mamba-2, untrained, the largest Δ is "
    f"{delta.max() / delta.min():.0f} times the smallest.")

# %% [markdown]
# What is a decision good for? Let us join two clips: four frames of the crossing, then four frames of a camera that
# pans over another photograph. Everything before the **cut** is useless after it. We play the trained network and
# decide by hand, once per frame (`scan="frames"`): keep 0.9 from frame to frame, but at the cut keep $e^{-25}$.
#
# > **Predict.** The query lies in the last frame. Which frames does it see without the decision, and which with it?

# %%
from dataclasses import replace

half = linviz.Grid(T=4, Y=14, X=14)
first, second = (clips.fit(clips.load(name, frames=4), half)
                 for name in ("crossing", "pan"))
cut = replace(first, frames=torch.cat((first.frames, second.frames)), mask=None,
              motion=None, known=None, title="Two clips and a cut",
              alt="Four frames of a cat and a cup, then four frames of a pan.")
y = clips.descriptors(cut, grid)[2].double()
joined = silu(y @ W_q), silu(y @ W_k), y
steps = make("gla", scan="frames", scale=DIM)
steady = torch.full((1, 1, 8), 0.9).double().log()
decided = steady.clone()
decided[..., 4] = -25                                        # the first frame after it
last = grid.number(7, 6, 9)
maps = {"0.9 per frame": steps.map(*joined, log_decay=steady),
        "0.9, and a decision at the cut": steps.map(*joined, log_decay=decided)}
PatchView([Panel(name, steps.family, a) for name, a in maps.items()], cut, grid,
          query=last)

# %%
def by_frame(a, query: int) -> list[float]:
    """The share of a row's size (its weights without their signs) in each frame."""
    row = grid.fold(a.rows([query])[0, 0, 0].abs()[:, None])
    return (100 * row.sum((1, 2, 3)) / row.sum()).tolist()


say(table(["size of the row, % in frame", *map(str, range(1, 9))],
          [[name, *(f"{x:.0f}" for x in by_frame(a, last))]
           for name, a in maps.items()]))
passed = [a.passed(4 * frame).singular_values()[0, 0, 0] for a in maps.values()]
say(f"What the memory carries over the cut (the largest singular value of the block) "
    f"falls to {passed[1] / passed[0]:.0e} of what it was.")
assert sum(by_frame(maps["0.9, and a decision at the cut"], last)[:4]) < 1e-6
assert sum(by_frame(maps["0.9 per frame"], last)[:4]) > 20 and passed[1] < 1e-6

# %% [markdown]
# A decay is **not** a bias on softmax. In softmax, what a far token loses is given to the near tokens, because each
# row sums to one. Here it is lost, and the row becomes smaller. (After these layers, networks normalise each head's
# output, so the size of a row matters little.) And a gate of GLA is not a mask over tokens. It is a volume knob for
# each channel, turned once per token, and it acts on everything older.
#
# ## 4 · Erase, then write
#
# Fading makes room, but blindly. The **delta rule** asks first: *what does the memory already say about this key?*
# It looks up $k_i S$, compares it with $v_i$, and writes only the difference:
#
# $$u_i = \beta_i\,(v_i - k_i S_{i-1}) \qquad\qquad S_i = S_{i-1} + k_i^\top u_i$$
#
# $\beta_i$ between 0 and 1 says how much is corrected. With $\beta_i = 1$ and a key of length 1, the memory afterwards
# returns exactly $v_i$ for $k_i$: *just written is just read*. (This is why keys are brought to length 1. With
# $\beta\,|k|^2 > 2$ every correction is larger than the error, and the memory explodes.)
#
# The smallest case: two keys of length 1 with an angle between them. First $v_1$ is written under $k_1$, then $v_2$
# under $k_2$, with $\beta = 1$. The query is perpendicular to $k_1$: it has **nothing in common with the older key**.
#
# > **Predict.** A plain sum gives $v_1$ the weight $q \cdot k_1 = 0$. Which weight does the delta rule give it: zero,
# > positive or negative? Then move the newer key around the circle.

# %%
Live(ch17.two_keys_figure, ch17.DEGREES, label="newer key, degrees", start=45,
     form=".0f")

# %%
older, newer, ask = (torch.tensor([math.cos(t), math.sin(t)])
                     for t in (0.0, math.pi / 4, math.pi / 2))
known = newer @ older                                        # of v_1, found at k_2
on_new = ask @ newer
on_old = ask @ older - on_new * known
say(f"Newer key at 45 degrees: weight {on_old:.2f} on the older value, {on_new:.2f} "
    "on the newer one.")
wave = [ch17.two_key_weights(x)[0] for x in ch17.DEGREES]
assert on_old < -0.49 and min(wave) == wave[3] and min(wave[7:12]) > 0
assert torch.allclose(torch.stack((on_old, on_new)).double(),
                      torch.tensor(ch17.two_key_weights(45)).double())

# %% [markdown]
# Step by step, with $\beta = 1$:
#
# 1. After the first token the memory is $S_1 = k_1^\top v_1$.
# 2. The look-up of the second key gives $k_2 S_1 = (k_2 \cdot k_1)\,v_1$. So the memory writes the rest under $k_2$:
#    $u_2 = v_2 - (k_2 \cdot k_1)\,v_1$.
# 3. The query reads $q\,S_2 = (q \cdot k_1)\,v_1 + (q \cdot k_2)\,u_2$. Collect what belongs to $v_1$: its weight is
#    $q \cdot k_1 - (q \cdot k_2)(k_2 \cdot k_1)$. Here the first product is 0, and what is left is negative.
#
# In words: when $v_2$ was written, the memory already said something about $k_2$, a part of $v_1$. The delta rule took
# this part off, along $k_2$. Our query reads along $k_2$, so it reads *minus* this part of $v_1$. **A negative weight
# means: this value was partly overwritten here. It does not mean that key and query are unlike.**
#
# [Retention, DeltaNet and gated DeltaNet in the
# explorer](http://localhost:8501/?source=crossing&specs=retention,delta,gated_delta): there *fading* and *erasing* are
# sliders, too.
#
# Now the whole family in one loop. The decay may come before the look-up: what is taken off is what the *faded* memory
# says. **DeltaNet** erases and does not fade. **Gated DeltaNet** fades with one number per token, and erases. **KDA**
# (Kimi delta attention) fades each channel of the key with a number of its own, and erases.

# %% tags=["derives:delta"]
def remember(q, k, v, decay, beta, erase=1.0):
    """Fade, look up, write what is new, read. decay (N, 1 or D), beta (N, 1)."""
    S, out = torch.zeros(D, E).double(), []
    for i in range(N):
        S = decay[i][:, None] * S
        new = beta[i] * (v[i] - erase * k[i] @ S)
        S = S + k[i][:, None] * new
        out.append(q[i] @ S / D ** 0.5)
    return torch.stack(out)


def unit(x):
    return x / (x.square().sum(-1, keepdim=True) + 1e-6).sqrt()


q_1, k_1, v_1 = unit(one[0]), unit(one[1]), one[2]
deltanet = make("delta")
beta = (one[1] @ deltanet.mechanism.write[0]).sigmoid()      # from the raw key
mine = remember(q_1, k_1, v_1, torch.ones(N, 1), beta)
assert torch.allclose(mine, deltanet(q, k, v)[0, 0], atol=1e-9)

# %% tags=["derives:gated_delta", "derives:kda"]
found = {}
for name in ("gated_delta", "kda"):
    method = make(name)
    layer = method.mechanism
    rate = softplus(one[1] @ layer.fade[0] + layer.fade_bias[0])   # (N, 1), (N, D)
    fade = (-layer.log_a.exp()[0] * rate).exp()
    mine = remember(q_1, k_1, v_1, fade, (one[1] @ layer.write[0]).sigmoid())
    assert torch.allclose(mine, method(q, k, v)[0, 0], atol=1e-9)
    found[name] = method.title, fade
say("; ".join(f"{title}: {fade.shape[1]} decay{'s' * (fade.shape[1] > 1)} per token, "
              f"from {fade.min():.2f} to {fade.max():.3f}"
              for title, fade in found.values()) + ".")
assert [fade.shape[1] for _, fade in found.values()] == [1, D]

# %% [markdown]
# Everything in the loop is linear in $v$. So the delta rule has an exact map, too, with all its erasing. Write $P$ for
# the products $q_i \cdot k_j$ on and below the diagonal, and $R$ for $k_i \cdot k_j$ below it. The look-up of token $i$
# is $\sum_{j<i} R_{ij}\, u_j$. So $U = \mathrm{diag}(\beta)\,(V - R\,U)$. Bring $U$ to one side:
# $\bigl(I + \mathrm{diag}(\beta)\,R\bigr)\,U = \mathrm{diag}(\beta)\,V$. Solve for $U$, and read it with $P$:
#
# $$A = \frac{1}{\sqrt D}\; P\,\bigl(I + \mathrm{diag}(\beta)\,R\bigr)^{-1}\mathrm{diag}(\beta)$$
#
# Some viewers show $P$ times $\beta$ and leave out the inverse. The next cell measures how wrong this is. It also
# counts negative weights for keys and queries *without any negative number*.
#
# > **Predict.** All numbers of $q$ and $k$ are at least 0, so every product $q_i \cdot k_j$ is at least 0. What share
# > of the weights below the diagonal can be negative?

# %%
few = slice(0, frame)                                        # the first frame
P = (q_1[few] @ k_1[few].mT).tril()
R = (k_1[few] @ k_1[few].mT).tril(-1)
B = beta[few]
exact = torch.linalg.solve(torch.eye(frame) + B * R, torch.diag(B[:, 0]))
A = P @ exact / D ** 0.5
assert torch.allclose(A, deltanet.map(q, k, v).dense()[0, 0, few, few], atol=1e-9)
heuristic = P * B[:, 0] / D ** 0.5
miss = ((heuristic - A) @ v_1[few]).norm() / (A @ v_1[few]).norm()

positive = [unit(t.relu()) for t in one[:2]]
signed = make("delta").map(*(t[None, None] for t in positive), v)
below = signed.dense()[0, 0][torch.ones(N, N).tril(-1).bool()]
share = (below < -1e-12).double().mean()
say(f"Without the inverse the error is **{miss:.1f} times** as large as the outputs. "
    f"With features that are never negative, **{100 * share:.0f} %** of the "
    "weights below the diagonal are negative.")
assert miss > 1 and 0.4 < share < 0.55 and min(t.min() for t in positive) >= 0

# %% [markdown]
# Half of them, and all of them come from erasing.
#
# ## 5 · A row is a walk into the past
#
# The inverse looks like a computation of size $N^3$. But one row needs neither a table nor the memory. Ask the
# *query* to walk backwards. It starts as $w = q_i$ at its own token. At each token $j$, from the newest to the oldest:
#
# 1. the token takes its part of the query: $A_{ij} = \beta_j\,(w \cdot k_j)$;
# 2. what it has answered is taken off the query: $w \leftarrow w - A_{ij}\,k_j$;
# 3. the rest fades, and walks on: $w \leftarrow g_j\, w$, where $g_j$ is the decay of token $j$.
#
# Why is this the same row? Write the step of the memory in one line, $S_j = g_j\,(I - \beta_j k_j^\top k_j)\,S_{j-1} +
# \beta_j k_j^\top v_j$, and read it with $w$:
#
# $$w\,S_j = \underbrace{\beta_j\,(w \cdot k_j)}_{A_{ij}}\,v_j \;+\; g_j\,(w - A_{ij}\,k_j)\;S_{j-1}.$$
#
# The first part is the weight on $v_j$. The second part reads the older memory $S_{j-1}$ with a new vector, and that is
# the $w$ of the next step. So an older key answers only for what no newer key has answered yet. With unit keys and
# $\beta = 1$ this is the Gram-Schmidt process, backwards in time. *Cost:* $D$ numbers of memory and one product of
# length $D$ per token; no table. The live view computes its rows in exactly this way, in JavaScript.

# %% [markdown] tags=["exercise"]
# number = "17.3"
# title = "The walk"
# difficulty = 3
# importance = 5
# minutes = 14
# objectives = ["walk", "erase"]
# methods = ["delta", "gated_delta"]
# task = '''
# Compute the row of the *last* token as a walk. `q` is its query ($D$ numbers). `k` is $N \times D$, and `decay` and
# `beta` have $N$ numbers each. Return the $N$ weights in the order of the tokens. Leave out the factor $D^{-1/2}$.
# '''
# hints = [
# '''
# Keep one vector $w$. In which order are the tokens visited, and where in the row does each weight belong?
# ''',
# '''
# For $j = N-1, \dots, 0$: take $A_j = \beta_j\, w \cdot k_j$, then $w \leftarrow g_j\,(w - A_j\, k_j)$.
# ''',
# '''
# Begin with a copy `w` of `q` and a row of zeros. Loop with `for j in reversed(range(len(k))):` and fill `row[j]`.
# ''',
# ]
# see = "The check says *right*. On the clip your walk gives the same row as linviz's map."

# %% tags=["answer:17.3"]
def walk(q: Float[Tensor, "D"], k: Float[Tensor, "N D"], decay: Float[Tensor, "N"],
         beta: Float[Tensor, "N"]) -> Float[Tensor, "N"]:
    """The weights of the last token on all tokens, by a walk into the past."""
    # solution
    w, row = q.clone(), torch.zeros_like(beta)
    for j in reversed(range(len(k))):
        row[j] = beta[j] * (w @ k[j])
        w = decay[j] * (w - row[j] * k[j])
    return row
    # end


checks.walk(walk)

# %% tags=["needs:17.3"]
gated = make("gated_delta")
layer = gated.mechanism
fades = (-layer.log_a.exp()[0] * softplus(one[1] @ layer.fade[0]
                                          + layer.fade_bias[0])).exp()[:, 0]
betas = (one[1] @ layer.write[0]).sigmoid()[:, 0]
past = slice(0, query + 1)                                   # up to our query
mine = walk(q_1[query], k_1[past], fades[past], betas[past]) / D ** 0.5
theirs = gated.map(q, k, v).rows([query])[0, 0, 0, past]
assert torch.allclose(mine, theirs, atol=1e-12)
say(f"{query + 1:,} steps with {D} numbers of memory: your row and linviz's differ by "
    f"at most {(mine - theirs).abs().max():.0e}.")

# %% [markdown]
# ## 6 · The order is a choice
#
# A picture has no first patch. Raster order made the left neighbour recent and the upper one old; column order would do
# the opposite. This is not a detail. The table runs the same methods over the same tokens in raster order and in
# column order, and compares the outputs. *Both ways* adds a second memory that runs backwards.
#
# > **Predict.** One of these is the same in both orders: a sum both ways, retention both ways, or the delta rule both
# > ways. Which?

# %%
def both_ways(name: str, order: Tensor | None, given: dict) -> Tensor:
    """Outputs of a memory forwards plus one backwards, tokens in some order."""
    order = torch.arange(N) if order is None else order
    out = torch.zeros(N, E).double()
    for way in (order, order.flip(0)):
        part = make(name, **given["options"])(*(t[..., way, :] for t in (q, k, v)),
                                              **given["rates"])
        out[way] += part[0, 0]
    return out


plain = {"rotate": False, "scale": 1.0}
never, slowly = torch.zeros(1), torch.tensor([math.log(0.99)])
cases = {"a sum": ("retention", {"options": plain, "rates": {"log_decay": never}}),
         "retention, 0.99": ("retention",
                             {"options": plain, "rates": {"log_decay": slowly}}),
         "delta rule, β = 0.5": ("delta", {"options": {},
                                           "rates": {"beta": torch.full((1,), 0.5)}})}
columns = grid.fold(torch.arange(N)[:, None]).transpose(1, 2).flatten()
differ = {}
for name, (method, given) in cases.items():
    by_row = both_ways(method, None, given)
    by_column = both_ways(method, columns, given)
    differ[name] = ((by_row - by_column).norm() / by_row.norm()).item()
say(table(["both ways", "raster against columns"],
          [[name, f"{100 * x:.0f} %"] for name, x in differ.items()]))
assert differ["a sum"] < 1e-9 and min(list(differ.values())[1:]) > 0.1

# %% [markdown]
# Only the sum without fading has no order. *Bidirectional is not orderless.*
#
# For clips there is a better choice: the *frames* have an order, and the patches of a frame have none. Let all tokens
# of a frame fade, look up and write **together**, and only then let all of them read. The rate now counts frames: it
# means the same at 14 × 14 and at 56 × 56 patches. (Unit keys are divided by the root of the number of patches, because
# many keys are taken off at once.)

# %%
methods = {"retention": {"rotate": False, "scale": DIM},
           "gated_delta": {"beta": torch.full((1,), 0.5),
                           "log_decay": torch.tensor([math.log(0.97)])}}
rows, shown = [], []
for name, given in methods.items():
    rates = {key: given[key] for key in ("beta", "log_decay") if key in given}
    options = {key: given[key] for key in ("rotate", "scale") if key in given}
    for scan in ("raster", "frames"):
        method = make(name, scan=scan, **options)
        a = method.map(q, k, v, **rates)
        rows.append([f"{method.title}, {scan}", *(f"{x:.0f}"
                                                  for x in by_frame(a, last))])
        shown.append(Panel(f"{method.title}, {scan}", method.family, a))
say(table(["size of the row, % in frame", *map(str, range(1, 9))], rows))
assert [int(row[-1]) > 90 for row in rows] == [True, False, True, False]
PatchView(shown[:2], clip, grid, query=last)

# %% [markdown]
# The same rate per step, and two different memories. In raster order one frame has 196 steps, and nearly everything in
# the row lies in the query's own frame. Frame by frame a step is a frame, and the past comes back.
#
# A word on rank. In raster order the map is a triangle, so its rank can be $N$ (chapter 5). But all information from
# the past passes through the memory, so every block *(later queries, earlier keys)* has rank at most $D$: here 32.

# %%
fine = linviz.Grid(T=8, Y=7, X=7)                            # 392 tokens
z = clips.descriptors(clips.fit(clip, fine), fine)[2].double()
small = make("delta", grid=fine).map(silu(z @ W_q), silu(z @ W_k), z)
cuts = [n * 49 for n in range(1, 8)]
s = [torch.linalg.svdvals(small.dense()[0, 0, c:, :c]) for c in cuts]
ranks = [int((x > 1e-10 * x[0]).sum()) for x in s]
say(f"DeltaNet, 392 tokens: the blocks between frames have ranks {ranks}.")
assert max(ranks) <= D and ranks[3] == D

# %% [markdown] tags=["exercise"]
# number = "17.4"
# title = "A frame at a time"
# difficulty = 4
# importance = 4
# minutes = 15
# objectives = ["order"]
# methods = ["gated_delta"]
# task = '''
# Write a gated delta memory that steps once per frame. `q` and `k` are $N \times D$, `v` is $N \times E$, and `beta`
# has $N$ numbers. `gamma` is one number, and a frame has `size` tokens. At every frame: fade by `gamma`; all tokens
# look up; all write; then all read. Leave out the factor $D^{-1/2}$.
# '''
# hints = [
# '''
# For one frame, all tokens together: which shapes have the look-up, the differences, and what is written?
# ''',
# '''
# With $K$, $V$, $Q$ of one frame: $S \leftarrow \gamma S$, then $U = \beta \odot (V - K S)$, then $S \leftarrow S +
# K^\top U$, and the output is $Q S$.
# ''',
# '''
# `for a, b, x, rate in zip(q.split(size), k.split(size), v.split(size), beta.split(size)):` and `rate[:, None]` makes
# a column of the betas.
# ''',
# ]
# see = "The check says *right*. On the clip your memory agrees with linviz's `scan=\"frames\"`."

# %% tags=["answer:17.4"]
def by_frames(q: Float[Tensor, "N D"], k: Float[Tensor, "N D"],
              v: Float[Tensor, "N E"], gamma: float, beta: Float[Tensor, "N"],
              size: int) -> Float[Tensor, "N E"]:
    """A gated delta memory that fades, erases and writes one frame at a time."""
    # solution
    S, out = v.new_zeros(k.shape[1], v.shape[1]), []
    for a, b, x, rate in zip(q.split(size), k.split(size), v.split(size),
                             beta.split(size)):
        S = gamma * S
        S = S + b.mT @ (rate[:, None] * (x - b @ S))
        out.append(a @ S)
    return torch.cat(out)
    # end


checks.by_frames(by_frames)

# %% tags=["needs:17.4"]
method = make("gated_delta", scan="frames")
theirs = method(q, k, v, log_decay=torch.tensor([math.log(0.9)]),
                beta=torch.full((1,), 0.5))[0, 0]
mine = by_frames(q_1, k_1 * frame ** -0.5, v_1, 0.9, torch.full((N,), 0.5).double(),
                 frame) / D ** 0.5
assert torch.allclose(mine, theirs, atol=1e-9)
say(f"Eight steps instead of {N:,}: your outputs and linviz's differ by at most "
    f"{(mine - theirs).abs().max():.0e}.")

# %% [markdown]
# ## 7 · Recall in a state of constant size
#
# Why all this? A memory is useful if it can return what was written. So write $n$ random pairs (a key of length 1 and
# a value) into a memory with $D = 32$ key channels, and ask for every key again. The error is the size of what is wrong
# relative to the size of the values: 0 is perfect, and 1 is as bad as returning zero.
#
# > **Predict.** After 256 pairs, eight times as many as there are channels: what is the error of a sum, of the delta
# > rule over all pairs, and of the delta rule over the newest eight pairs?

# %%
COUNTS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
rules = {"sum": (1.0, 0.0, None), "delta rule, all pairs": (1.0, 1.0, None),
         "delta rule, newest 8": (1.0, 1.0, 8), "sum, newest 8": (1.0, 0.0, 8)}
errors = {name: ch17.recall_errors(COUNTS, 32, *rule) for name, rule in rules.items()}
fig = go.Figure(layout={"template": "linviz", "height": 400})
for (name, y), dash in zip(errors.items(), ("solid", "dash", "dot", "dashdot")):
    fig.add_trace(go.Scatter(x=COUNTS, y=y, name=name, mode="lines+markers",
                             line={"dash": dash}))
fig.add_hline(y=1, line={"width": 1, "dash": "dot"}, annotation_position="top left",
              annotation_text="as bad as returning zero")
fig.add_vline(x=32, line={"width": 1, "dash": "dot"})
fig.add_annotation(x=math.log10(32), y=1, yref="paper", text="D = 32", xanchor="left")
fig.update_layout(
    xaxis={"title": "pairs written", "type": "log", "tickvals": COUNTS},
    yaxis={"title": "relative error of what is returned"},
    meta={"alt": "Error of recall over the number of pairs written, D = 32. "
                 + "; ".join(f"{name}: {y[-1]:.2f} after 256 pairs"
                             for name, y in errors.items()) + "."})
show(fig)
end = {name: y[-1] for name, y in errors.items()}
say("After 256 pairs: " + "; ".join(f"{name} {x:.2f}" for name, x in end.items()) + ".")
assert end["sum"] > 2.5 and end["sum, newest 8"] > 2.5
assert 1 < end["delta rule, all pairs"] < 1.5 and end["delta rule, newest 8"] < 0.6

# %% [markdown]
# The sum drowns: with every pair the noise grows, for old pairs and new ones alike. The delta rule keeps the newest
# and loses the oldest. No rule of this kind can keep all pairs: a memory of $32 \times E$ numbers has 32 directions for
# keys, so at most 32 keys can be answered freely. The state is
# **not** a list of the last 32 tokens, though. One direction may hold the mean of thousands of equal keys.
#
# ## 8 · What was not shown
#
# - **Nothing was trained.** Rates, gates and projections are random or set by hand. What a trained network decides
#   to forget was not asked.
# - **The layer around the memory.** The authors put a short convolution before $q$, $k$ and $v$, and a norm and a
#   gate after the output. So "token $j$" is a mix of a few tokens there.
# - **Speed.** The loops here are slow. Real code computes chunks (chapter 5): four small tables per chunk hold the
#   whole map. Chunks change the speed and never the map: a chunk is not a window.
# - **Hybrids.** Some recent models use three such layers to one of full attention. Why one is still needed is a
#   question of recall over long distances, and section 7 only hints at it.
#
# Sources: *Retentive network*, Sun et al., 2023, arXiv 2307.08621; lightning attention, Qin et al., 2024, arXiv
# 2401.04658; *GLA*, Yang et al., 2023, arXiv 2312.06635; *Mamba-2*, Dao and Gu, 2024, arXiv 2405.21060; *DeltaNet*,
# Schlag et al., 2021, arXiv 2102.11174; *gated DeltaNet*, Yang et al., 2024, arXiv 2412.06464; *KDA*, Kimi Team, 2025,
# arXiv 2510.26692; frame by frame: SANA-WM, 2026, arXiv 2605.15178.
#
# ## Quiz

# %%
quizzes.fading
