# %% [markdown] tags=["front"]
# title = "Capstone: a mechanism of your own"
# lead = '''
# You have read about dozens of mechanisms. Now make one in one cell: a feature map, or a map of your own. You will see
# it in every view, table and figure of this course, on a clip of your own. You will hold it to laws, put it into a
# layer, train it in the background, and compare it with a stranger. At the end stands one page of claims, which
# somebody else tries to break.
# '''
# questions = [
#     "How do I try an idea for an attention mechanism in one cell?",
#     "Which tests must any mechanism pass before its numbers mean anything?",
#     "What may I claim about my mechanism, and how would somebody break the claim?",
# ]
# prerequisites = [
#     "The kernel trick (chapter 4) and how concentration is measured (chapter 11).",
#     "Controls (chapters 11, 13 and 14).",
# ]
# minutes = {reading = 30, exercises = 34, quiz = 5}
# key_points = [
#     "A mechanism is one class: say its features phi(q), phi(k), or its map. Everything else is asked of that map.",
#     "Laws come first: one map, no order, no neighbours in the batch, finite gradients.",
#     "Search before you publish: the sharpened features of exercise 18.1 have a name and a year.",
#     "A stranger has the same numbers in other places. A gain that the stranger has, too, is not due to your idea.",
#     "A claim has a number, a control, its seeds or pictures with an interval, and a way to break it.",
#     "An interval that contains 0 shows no difference. It does not show that there is none.",
# ]
#
# [objectives]
# design = "write a mechanism as a feature map, and find out whether it is new"
# laws = "hold a mechanism to laws, and say what a broken law means"
# block = "put any attention into a layer with projections and heads"
# control = "compare a mechanism with a stranger"
# report = "report a trained difference with an interval over seeds"

# %% [markdown]
# ## 1 · One cell
#
# A **kernel** mechanism says what its features are. Everything else (the map, the cost, the rank bound, the gate, the
# pictures) follows from that. Here is a complete mechanism: the features are the *squares* of the positive channels.
#
# Read the chapter once with the squares. Then change this cell and run all cells again: another function of one
# channel, a normalised one, one with random directions (drawn from a fixed seed). Tables, figures, laws, training and
# claims use whatever stands here. Put the path of a picture or a clip of your own into `SOURCE`. (The page
# [Atlas](http://localhost:8501/atlas) shows what others have tried.)
#
# <details><summary>A mechanism that is no kernel</summary>
#
# It derives from `Mechanism` and says its map itself. The simplest map is a table with one row per query. Here is
# a softmax of minus the distance between query and key:
#
# ```python
# from linviz.maps import Dense
# from linviz.mechanisms.base import Mechanism
#
#
# class Mine(Mechanism):
#     """A softmax of minus the distance."""
#
#     name, title, family = "mine", "my mechanism", "softmax"
#     paper, cost, rank, after = "No paper", "N S D", "N", "softmax"
#
#     def map(self, q, k, v):
#         return Dense((-torch.cdist(q, k)).softmax(-1))
# ```
#
# </details>
#
# > **Predict before you run.** $\phi(x) = \mathrm{relu}(x)^2$ squares the ratio between two channels. Will rows look
# > at fewer patches than with relu, or at more? And will they look at the patches that softmax prefers?

# %%
import tempfile
import threading
from functools import partial
from pathlib import Path

import plotly.graph_objects as go
import torch

import linviz
from linviz.course import Live, checks, number, quizzes, say, show, table
from linviz.course.scenes import ch18
from linviz.mechanisms.base import Kernel

torch.set_num_threads(1)
SOURCE = "chelsea"               # the path of your own picture or clip works as well


class Mine(Kernel):
    """phi(x) = relu(x)^2."""

    name, title = "mine", "my mechanism"
    paper, cost, rank, after = "No paper", "N D E", "D", "relu"

    def features(self, q, k):
        return q.relu().square(), k.relu().square()


view = linviz.view(SOURCE, "softmax", "relu", "mine", patches=14)
view

# %% [markdown]
# The class has registered itself under its `name`. Every function that takes a mechanism's name now takes *mine*. (If
# it is a kernel, it also takes a gate, as `mine+gate`.) The view has measured each map of your picture already:

# %%
grid = view.grid
q, k, v = (getattr(view.readings["mine"], name) for name in "qkv")
D = q.shape[-1]
readings = {spec: reading.summary() for spec, reading in view.readings.items()}
say(table(["", "entropy, bits", "share of the top ten", "rank", "effective rank"],
          [[spec, number(r["entropy"], ".2f"), f"{100 * r['top_share']:.0f} %",
            f"{r['numerical_rank']:.0f}", number(r["effective_rank"], ".1f")]
           for spec, r in readings.items()]))
fall = readings["relu"]["entropy"] - readings["mine"]["entropy"]
bound = view.readings["mine"].map.rank_bound
say(f"*mine* has {abs(fall):.2f} bits {'less' if fall > 0 else 'more'} than relu. Its "
    f"rank is {readings['mine']['numerical_rank']:.0f}, and at most {bound}.")

# %%
show(view.figure("spectrum"))

# %% [markdown]
# Squares concentrate, and they leave the rank bound where it was: there still are $D$ features. How far does a power
# go? The slider uses features to a power $p$ whose lengths are kept (exercise 18.1).

# %%
one = q[0, 0], k[0, 0]


def draw_power(power: float):
    return ch18.sharpness_figure(power, q=one[0], k=one[1], query=view.opened.query)


Live(draw_power, ch18.POWERS, label="power", start=3.0, form="g")

# %% [markdown] tags=["exercise"]
# number = "18.1"
# title = "A sharper feature map"
# difficulty = 2
# importance = 4
# minutes = 8
# objectives = ["design"]
# methods = ["focused"]
# task = '''
# `x` is $N \times D$. Take relu, then raise each number to `power`, then rescale each token, so that its length is that
# of $\mathrm{relu}(x)$. (Length: the root of the sum of squares.) A token without a positive channel stays zero.
# '''
# hints = [
# '''
# Which two lengths does each token need? And what happens to a token whose channels are all negative?
# ''',
# '''
# With $y = \mathrm{relu}(x)$: $\phi(x) = y^p \, |y| \,/\, |y^p|$, token by token. Avoid the division by zero.
# ''',
# '''
# `.norm(dim=-1, keepdim=True)` gives one length per token, and `.clamp_min(1e-12)` keeps a divisor above zero.
# ''',
# ]
# see = "The check says *right*. The next cell asks whether your feature map is new."

# %% tags=["answer:18.1"]
from jaxtyping import Float
from torch import Tensor


def sharpened(x: Float[Tensor, "N D"], power: float) -> Float[Tensor, "N D"]:
    """relu(x) to a power, with the length of every token kept."""
    # solution
    y = x.relu()
    z = y ** power
    length = z.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return z * y.norm(dim=-1, keepdim=True) / length
    # end


checks.sharpened(sharpened)

# %% tags=["needs:18.1"]
mine = ch18.kernel_map(*(sharpened(x, 3.0) for x in one))
closest = {}
for spec in linviz.names():
    method = linviz.make(spec, heads=1, width=D, grid=grid)
    if spec == "mine" or method.family != "kernel":
        continue
    try:
        other = method.map(q, k, v).dense()[0, 0]
    except ValueError:                                  # a map for each channel of v
        continue
    closest[spec] = (other - mine).abs().max().item()
found, second = sorted(closest, key=closest.get)[:2]
say(f"Of {len(closest)} kernels in linviz the nearest to yours is **{found}**: no "
    f"weight differs by more than {closest[found]:.0e}. The second is {second}: "
    f"{closest[second]:.2f}.")
assert found == "focused" and closest[found] < 1e-4 < 100 * closest[second]

# %% [markdown]
# It is not new: *focused* linear attention (Han et al., 2023) has these features, up to a tiny number against zeros.
# Before you write a paper, compare your map with every map that you can get. It takes one loop.
#
# ## 2 · Laws before numbers
#
# A number about a broken mechanism means nothing. So test laws first. linviz holds every mechanism to about twenty of
# them. Four need only a few lines each:
#
# 1. **One map.** The output is the table of weights times $v$.
# 2. **No order.** Without positions, shuffling the keys together with their values changes nothing.
# 3. **No neighbours in the batch.** A batch gives the same as its clips one by one.
# 4. **Gradients** are finite, also for an input of zeros.
#
# > **Predict.** Which of the four do squares break? And what if every score is made safe against overflow by
# > subtracting the largest number *of the whole batch*?

# %%
def broken_laws(attend) -> list[str]:
    """The laws that an attention breaks, as words. attend(q, k, v) of (B, 1, N, D)."""
    draw = torch.Generator().manual_seed(0)
    a, b, c = torch.randn(3, 2, 1, 20, 8, generator=draw, dtype=torch.float64)
    out, broken = attend(a, b, c), []
    eye = torch.eye(20).double().expand(2, 1, 20, 20)
    if not torch.allclose(attend(a, b, eye) @ c, out):
        broken.append("one map")
    order = torch.randperm(20, generator=draw)
    if not torch.allclose(attend(a, b[..., order, :], c[..., order, :]), out):
        broken.append("no order")
    if not torch.allclose(attend(a[:1], b[:1], c[:1]), out[:1]):
        broken.append("no neighbours in the batch")
    zero = torch.zeros_like(a).requires_grad_()
    attend(zero, b, c).sum().backward()
    return broken + ["gradients"] * (not bool(zero.grad.isfinite().all()))


def kernel(phi):
    """A kernel attention from a feature map, for any v."""
    def attend(q, k, v):
        a, b = phi(q), phi(k)
        return a @ (b.mT @ v) / (a @ b.sum(-2)[..., None] + 1e-6)
    return attend


def attend_mine(q, k, v):
    """*mine*, for any v. The seed is for mechanisms with random or learned parts."""
    torch.manual_seed(0)
    line = linviz.Grid(1, 1, q.shape[-2])
    return linviz.make("mine", heads=1, width=q.shape[-1], value_width=v.shape[-1],
                       grid=line).double()(q, k, v)


trial = {"mine": attend_mine,
         "length 1, by hand": kernel(lambda x: x / x.square().sum(-1, True).sqrt()),
         "less the largest of the batch":
             kernel(lambda x: (10 * (x - x.amax())).exp()),
         "v squared": lambda q, k, v: kernel(torch.relu)(q, k, v * v)}
laws = {name: broken_laws(attend) for name, attend in trial.items()}
say(table(["", "laws that are broken"],
          [[name, ", ".join(x) or "none"] for name, x in laws.items()]))
assert laws["length 1, by hand"] == ["gradients"]
assert laws["less the largest of the batch"] == ["no neighbours in the batch"]
assert "one map" in laws["v squared"]

# %% [markdown]
# The squares break none. (If your own mechanism breaks one, find out why before you go on.) The others:
# dividing by a length of zero gives gradients that are not a number: training stops at the first token of zeros.
# Subtracting the largest number of the batch would cancel, if nothing were added to the row sum. But $10^{-6}$ is
# added, and so another clip in the batch changes the result. And an output that is not linear in $v$ has no map.
#
# ## 3 · A layer around it
#
# A mechanism sees $q$, $k$ and $v$. In a network these come from tokens $x$ by three matrices; the channels are cut
# into heads; and a fourth matrix mixes the heads. This layer is the same for all mechanisms.

# %% [markdown] tags=["exercise"]
# number = "18.2"
# title = "Build the block: a layer for any attention"
# difficulty = 3
# importance = 5
# minutes = 14
# objectives = ["block"]
# task = '''
# `x` is $N \times C$. `W_q`, `W_k` and `W_v` are $HD \times C$: a query is $W_q x$. Cut the channels into `H` heads of
# $D$ (the first $D$ channels are head 0). `attend(q, k, v)` takes $H \times N \times D$, or one head alone; it is
# softmax unless another attention is given. Join the heads again, and apply `W_o`, which is $C \times HD$. There is
# no bias and no residual connection.
# '''
# hints = [
# '''
# Which axis must come first, so that each head is a table of $N \times D$? And what undoes it at the end?
# ''',
# '''
# With rows as tokens: $q = x W_q^\top$. Cut: $N \times HD \to N \times H \times D \to H \times N \times D$.
# ''',
# '''
# `.unflatten(1, (H, -1)).transpose(0, 1)` cuts; after `attend`, `.transpose(0, 1).flatten(1)` joins.
# ''',
# ]
# see = "The check says *right*. The next cell compares your layer with `linviz.models.AttentionLayer`."

# %% tags=["answer:18.2"]
def attention_layer(x: Float[Tensor, "N C"], W_q: Float[Tensor, "HD C"],
                    W_k: Float[Tensor, "HD C"], W_v: Float[Tensor, "HD C"],
                    W_o: Float[Tensor, "C HD"], H: int,
                    attend=torch.nn.functional.scaled_dot_product_attention,
                    ) -> Float[Tensor, "N C"]:
    """Projections, heads, attention, and the way out."""
    # solution
    q, k, v = ((x @ W.mT).unflatten(1, (H, -1)).transpose(0, 1)
               for W in (W_q, W_k, W_v))
    return attend(q, k, v).transpose(0, 1).flatten(1) @ W_o.mT
    # end


checks.attention_layer(attention_layer)

# %% tags=["needs:18.2"]
layer = linviz.models.AttentionLayer("mine", heads=2, channels=D, grid=grid,
                                     qkv_bias=False).requires_grad_(False)
weights = [m.weight for m in (layer.to_q, layer.to_k, layer.to_v, layer.out)]
attend = linviz.make("mine", heads=2, width=D // 2, grid=grid)


def by_heads(*heads):
    """*mine* for heads (H, N, D), without a batch."""
    return attend(*(t[None] for t in heads))[0]


mine = attention_layer(v[0, 0], *weights, 2, by_heads)
theirs = layer(v[0])[0] - layer.out.bias
assert torch.allclose(mine, theirs, atol=1e-5), "does your layer call `attend`?"
say(f"Your layer and linviz's, two heads of *mine*: the largest difference is "
    f"{(mine - theirs).abs().max():.0e}.")

# %% [markdown]
# ## 4 · Train in the background
#
# A notebook should not wait for a training. The next cell starts one in a thread of its own and returns at once. The
# training writes its state into a file; later cells read the file and nothing else. So a crash costs nothing: started
# again, it goes on from the file. The task: which way does an object move? There are six runs: *mine* and relu, three
# seeds each, twenty steps only. (The course's own models were trained for 800 steps and more; see the page
# [Evidence](http://localhost:8501/evidence).)

# %%
from dataclasses import replace

from linviz.models import Recipe, train
from linviz.models.examples import make_data
from linviz.models.run_files import read_tensors

folder = Path(tempfile.mkdtemp())
base = Recipe("mine", steps=20, batch=8, pool=64, tests=32)


def train_all() -> None:
    """Six short runs, one after another, each into its own file."""
    data = make_data(base)                                   # the same clips for all
    for spec in ("mine", "relu"):
        for seed in range(3):
            train(replace(base, spec=spec), seed, data=data, device="cpu",
                  keep=folder / f"{spec}_{seed}.safetensors")


job = threading.Thread(target=train_all, daemon=True)
job.start()

# %% [markdown]
# ## 5 · A stranger as control
#
# While it trains, ask about the map. *Mine* is more concentrated than relu. Is this because it finds better patches?
# A **stranger** has the same queries, but every key is that of another token, drawn at random. All numbers are the
# same, in other places. There are two measures. One is the entropy of the rows. The other is how much of softmax's
# weight a map puts in the same places: with $B$ the map of softmax it is $\sum_j \min(A_{ij}, B_{ij})$, the mean over
# rows. It is 1 for softmax itself. To have replicates, the cell takes your picture and two more photographs.
#
# > **Predict.** What is the entropy of the stranger? And how much of softmax's weight does it find, compared with
# > uniform attention?

# %%
def own_map(q, k, grid):
    """The weights of *mine* for q and k, each (N, D)."""
    torch.manual_seed(0)
    method = linviz.make("mine", heads=1, width=q.shape[-1], grid=grid)
    return method.map(*(x[None, None] for x in (q, k, k))).dense()[0, 0].detach()


square = linviz.Grid(1, 14, 14)
pictures = {"your picture": (*one, grid)} | {
    name: (*ch18.photo_tokens(name), square) for name in ("coffee", "astronaut")}
compared = {name: ch18.compare_stranger(a, b, partial(own_map, grid=here))
            for name, (a, b, here) in pictures.items()}
flat = {name: ch18.uniform_share(a, b) for name, (a, b, _) in pictures.items()}
fig = go.Figure(layout={"template": "linviz", "height": 400, "barmode": "group"})
sides = {"mine": [c["found"][0] for c in compared.values()],
         "stranger, mean of three": [sum(c["found"][1:]) / 3
                                     for c in compared.values()],
         "uniform": list(flat.values())}
for (name, y), shape in zip(sides.items(), ("", "/", "x")):
    fig.add_trace(go.Bar(x=list(pictures), y=y, name=name,
                         marker={"pattern": {"shape": shape}}))
fig.update_layout(
    xaxis={"title": "picture"},
    yaxis={"title": "share of softmax's weight in the same places", "range": [0, 1]},
    meta={"alt": "Share of softmax's weight that a map puts in the same places. "
                 + "; ".join(f"{name}: " + ", ".join(f"{x:.2f}" for x in y)
                             for name, y in sides.items()) + "."})
show(fig)
say(table(["entropy, bits", *pictures],
          [["mine", *(f"{c['bits'][0]:.3f}" for c in compared.values())],
           ["stranger", *(f"{c['bits'][1]:.3f}" for c in compared.values())]]))
own, strange = ([c["found"][n] for c in compared.values()] for n in (0, 1))
say(f"*mine* finds {min(own):.2f} to {max(own):.2f} of softmax's weight, the first "
    f"stranger {min(strange):.2f} to {max(strange):.2f}, uniform attention "
    f"{min(flat.values()):.2f} to {max(flat.values()):.2f}.")

# %% [markdown]
# The stranger is **exactly as concentrated**: entropy does not know where a row looks. So "my mechanism is more
# concentrated" may be true, and it is no reason to prefer it. The other measure tells them apart. With the squares,
# *mine* finds about half of softmax's weight, and the stranger finds even less than uniform attention. (To be sharp in
# the wrong places is worse than to be flat.) What survives the control is the claim "*mine* looks in part where softmax
# looks". If your own mechanism finds no more than its stranger does, this claim is broken.
#
# ## 6 · Report
#
# The runs should be ready. Read them from their files.
#
# > **Predict.** Twenty steps, three seeds. Will the interval of the difference contain 0?

# %%
job.join()
curves = {path.stem: read_tensors(path)[1]["curve"]
          for path in sorted(folder.glob("*.safetensors"))}
loss = {spec: torch.tensor([curves[f"{spec}_{seed}"][-1]["loss"] for seed in range(3)])
        for spec in ("mine", "relu")}
say(table(["training loss, mean of 20 steps", "seed 0", "seed 1", "seed 2"],
          [[spec, *(f"{x:.3f}" for x in y.tolist())] for spec, y in loss.items()]))
fig = go.Figure(layout={"template": "linviz", "height": 320})
for (spec, y), symbol in zip(loss.items(), ("circle", "square")):
    fig.add_trace(go.Scatter(x=[0, 1, 2], y=y.tolist(), mode="lines+markers", name=spec,
                             marker={"symbol": symbol, "size": 10},
                             line={"dash": "solid" if spec == "mine" else "dash"}))
fig.update_layout(
    xaxis={"title": "seed", "tickvals": [0, 1, 2]},
    yaxis={"title": "training loss (nats)"},
    meta={"alt": "Training loss of six short runs: " + "; ".join(
        f"{spec} " + ", ".join(f"{x:.3f}" for x in y.tolist())
        for spec, y in loss.items()) + "."})
show(fig)
assert len(curves) == 6 and all(y.isfinite().all() for y in loss.values())

# %% [markdown] tags=["exercise"]
# number = "18.3"
# title = "Train and report: a difference with its interval"
# difficulty = 4
# importance = 5
# minutes = 12
# objectives = ["report"]
# task = '''
# `mine` and `control` are scores of the same seeds, so they come in pairs. Return three numbers: the mean of the
# differences *mine minus control*, and the low and the high end of its interval. The interval is the mean plus or minus
# `t` standard errors. A standard error is the standard deviation of the differences over the root of their number.
# '''
# hints = [
# '''
# Seeds that are hard for one are hard for the other. What should be subtracted first?
# ''',
# '''
# With $d_s$ the difference of seed $s$ and $n$ seeds: $\bar d \pm t\, \mathrm{std}(d) / \sqrt n$, where std divides by
# $n - 1$.
# ''',
# '''
# `d.std()` divides by $n - 1$ already. Return the mean, the mean minus `t` errors, and the mean plus `t` errors.
# ''',
# ]
# see = "The check says *right*. The next cell reports your training."

# %% tags=["answer:18.3"]
def paired_report(mine: Float[Tensor, "S"], control: Float[Tensor, "S"],
                  t: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mean difference over seeds, and the ends of its interval."""
    # solution
    d = mine - control
    error = d.std() / len(d) ** 0.5
    return d.mean(), d.mean() - t * error, d.mean() + t * error
    # end


checks.paired_report(paired_report)

# %% tags=["needs:18.3"]
mean, low, high = paired_report(loss["mine"], loss["relu"], t=4.303)   # three seeds
verdict = ("contains 0: these runs show no difference" if low <= 0 <= high
           else "does not contain 0")
say(f"Loss of *mine* minus loss of relu: {mean:+.4f}, interval from {low:+.4f} to "
    f"{high:+.4f}. The interval {verdict}.")

# %% [markdown]
# Three seeds give a wide interval: with two degrees of freedom $t$ is 4.3. And twenty steps say nothing about the end
# of a training. An interval that contains 0 does not show that the two are equal; it shows that these runs cannot tell.
#
# ## 7 · One page of claims
#
# Write your page. Each claim has a number, a control, its replicates, and the way to break it. The cell fills in what
# this notebook has measured. Then exchange pages with somebody else: **their task is to break yours.**

# %%
other = [sum(c["found"][1:]) / 3 for c in compared.values()]
claims = [
    [f"*mine* has a rank of at most {bound}",
     f"rank {readings['mine']['numerical_rank']:.0f}", "softmax",
     "your picture", "find a picture with a higher rank"],
    ["rows are more concentrated than relu's",
     " and ".join(f"{readings[spec]['entropy']:.2f}" for spec in ("mine", "relu"))
     + " bits", "stranger: the same", "your picture", "it says nothing about places"],
    ["it looks where softmax looks more than a stranger does",
     f"{min(own):.2f} to {max(own):.2f}", f"stranger: at most {max(other):.2f}",
     "three pictures, three strangers", "take another clip"],
    ["it learns faster than relu", "see section 6", "relu, the same seeds",
     "three seeds, 20 steps", "train longer, with more seeds"]]
say(table(["claim", "number", "control", "replicates", "how to break it"], claims))
kept = fall > 0, min(own) > max(other)
broken = [claim[0] for claim, holds in zip(claims[1:3], kept) if not holds]
say("Broken by the numbers of this notebook: " + ("; ".join(broken) or "none") + ".")

# %% [markdown]
# Four ways to break a claim, from the history of this course:
#
# - **The cheap control.** Leave the new part out, or replace it by a constant (chapter 13).
# - **The stranger.** Keep all numbers, and take the meaning away (this chapter, and chapter 14).
# - **Another measure.** Ask for places, not for entropy; for effective rank, not for rank.
# - **One more picture.** Most claims about one photograph do not survive the second.
#
# A claim that somebody broke is a result as well. Write it down.
#
# ## 8 · What was not shown
#
# - **Speed.** Your mechanism has the cost of its class. What it takes on a machine is another measurement (chapter 2).
# - **A real task.** Twenty steps on small clips are a rehearsal. `linviz train` runs longer trainings of the built-in
#   mechanisms in the same way: a file, a curve, and a digest of the recipe.
# - **Your mechanism lives in this notebook.** To keep it, write it into a file as *Add a mechanism* in
#   `CONTRIBUTING.md` says: one file, one test, and every law finds it.
#
# ## Quiz

# %%
quizzes.capstone
