# %% [markdown] tags=["front"]
# title = "Video transformers: who meets whom in time"
# lead = '''
# A clip of eight frames has thousands of patches. This chapter shows how video transformers arrange who meets whom: all
# patches at once, along time and then inside each frame, or chunk after chunk with a memory that never grows. The
# test is always the same. Play the clip backwards, or freeze it, and see who notices. Then you train a model
# yourself, and find out which of its layers needs softmax.
# '''
# questions = [
#     "Which schemes of attention notice that a clip is played backwards?",
#     "How can a clip of any length be made with a memory of constant size?",
#     "Which layer of a trained model needs softmax, and is it the same one for every task?",
# ]
# prerequisites = [
#     "Linear attention and its running sums (chapters 4 and 5).",
#     "How a clip becomes a grid of T frames of Y rows and X columns (chapter 0).",
# ]
# minutes = {reading = 36, exercises = 36, quiz = 5}
# key_points = [
#     "A scheme is a sequence of layers that see parts of the clip. Divided attention is two softmaxes, not a mask.",
#     "Softmax knows no order. Without codes of time, no scheme of softmax notices a clip played backwards.",
#     "On a frozen clip joint attention and attention inside a frame are the same.",
#     "A trained model tells forwards from backwards. On a frozen clip it can only guess.",
#     "Linear attention by chunks keeps two sums, S and z. They never grow, if they are added up as they arrive.",
#     "A rotation above the fraction brings positions in, at the price of signed weights.",
#     "The layer on which a trained model relies differs from task to task. Removing is not training without.",
#     "Report every run at the step that was fixed before. The best point was chosen by looking at the test.",
# ]
#
# [objectives]
# schemes = "say which patches a query meets in each layer of a scheme"
# block = "build the block of divided attention with norms, heads and residuals"
# order = "predict which model notices a clip played backwards, shuffled or frozen"
# sums = "make a clip chunk by chunk with two sums that do not grow"
# report = "report several trainings without choosing the best"
# layers = "find out by an intervention which layer of a model needs softmax"

# %% [markdown]
# ## 1 · Play it backwards
#
# A small transformer was trained for 2,400 steps to say in which of eight directions a digit moves. It has three
# layers of softmax over *all* patches of all frames (144 tokens), and codes that tell each token its place and its
# time. We show it clips that it has never seen: as they are, backwards, with their frames in random order, and frozen
# (the first frame eight times).
#
# > **Predict before you run.** Chance is one eighth. How often will the model give the right direction for the frozen
# > clips? And for the clips played backwards: the direction in which the digit *now* moves, or the old one?

# %%
import torch
from jaxtyping import Float, Int
from torch import Tensor

import linviz
from linviz import clips
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes.ch15 import mean_change, memory_figure, uniform_layer
from linviz.models import pretrained
from linviz.models.schemes import SCHEMES, Scheme, count_pairs
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
trained = pretrained("softmax", budget="long")
assert sum(w.numel() for w in trained.parameters()) == 62_792
assert len(trained.grid) == 144
task = clips.motion_task(128, seed=1, split="test")
turned_round = clips.reverse_clips(task)                     # with the new directions
frozen = task.frames[:, :1].expand(-1, 8, -1, -1, -1)
versions = {"as they are": (task.frames, task.labels),
            "backwards": (turned_round.frames, turned_round.labels),
            "shuffled": (clips.shuffle_frames(task, seed=0).frames, task.labels),
            "frozen": (frozen, task.labels)}

# %%
answers = {name: trained(frames).argmax(-1) for name, (frames, _) in versions.items()}
right = {name: (answers[name] == labels).float().mean().item()
         for name, (_, labels) in versions.items()}
old = (answers["backwards"] == task.labels).float().mean().item()
say(table(["clips", "right"],
          [[name, f"{100 * x:.0f} %"] for name, x in right.items()]))
guess = answers["frozen"].bincount(minlength=8)
say(f"Backwards, the right answer is the *new* direction; the old one is given in "
    f"{100 * old:.0f} % of the clips. For frozen clips the model says "
    f"*{task.classes[guess.argmax()]}* in {100 * guess.max() / len(task):.0f} % of all "
    "cases.")
assert right["as they are"] > 0.9 and right["backwards"] > 0.85 and old < 0.05
assert right["frozen"] < 0.3 and right["shuffled"] < 0.5

# %% [markdown]
# The model has learned to see motion: it turns its answer around with the clip, and without motion it makes a guess.
# So a transformer with softmax over all patches can tell past from future. Where does it get this from? The next
# sections take it apart.
#
# ## 2 · Five schemes
#
# Joint attention over a clip computes $N^2$ pairs. *TimeSformer* asked which pairs are needed, and compared
# **schemes**: short sequences of layers in which each query meets only a part of the clip.
#
# | scheme | its layers: a query meets ... |
# |:--|:--|
# | joint | every patch of every frame |
# | space | its own frame; time is never seen |
# | divided | first its own place in all frames, then its own frame |
# | axial | its own column, its own row, then its own place in all frames |
# | local and global | its quarter of the picture in all frames, then every second patch of every second frame |
#
# Every layer is a table of *who may meet whom*. From the frame, row and column of two patches, each table is one
# line. The cell derives all of them and compares the maps with linviz, on a clip of a motorcycle filmed by a moving
# camera.

# %% tags=["derives:joint", "derives:space"]
grid = linviz.Grid(8, 14, 14)
opening = clips.OPENINGS["motorcycle"]
clip = clips.fit(clips.load(opening.name), grid)
Q, K, V = clips.descriptors(clip, grid, opening.temperature)     # (1, 1, N, D) each
q, k, v = (x[0, 0] for x in (Q, K, V))
N, D = q.shape
t, y, x = grid.places().mT                                   # frame, row, column: (N,)


def same(*parts):
    """Which pairs have the same number in every part: (N, N)."""
    return torch.stack([part[:, None] == part for part in parts]).all(0)


meets = {"joint": torch.ones(N, N, dtype=torch.bool), "space": same(t),
         "time": same(y, x), "rows": same(t, y), "columns": same(t, x),
         "quarters": same(y // (grid.Y // 2), x // (grid.X // 2)),
         "strided": same(t % 2, y % 2, x % 2)}
scores = q @ k.mT / D ** 0.5
size = dict(heads=1, width=D, grid=grid)
maps = {}
for name, table_of in meets.items():
    mine = scores.masked_fill(~table_of, -torch.inf).softmax(-1)
    spec = "softmax" if name == "joint" else f"softmax@{name}"
    maps[name] = linviz.make(spec, **size).map(Q, K, V)
    rows = torch.arange(0, N, 9)
    assert torch.allclose(mine[rows], maps[name].rows(rows)[0, 0], atol=1e-6), name
per_query = {name: int(table_of[0].sum()) for name, table_of in meets.items()}
say("Patches that a query meets: "
    + ", ".join(f"{name} {n:,}" for name, n in per_query.items()) + ".")

# %% [markdown]
# Move through the frames of the view, and over the patches. The query is on the petrol tank, in the fourth frame.
#
# > **Predict.** In the panel *time*, how many patches of one frame can be lit?

# %%
query = grid.number(3, *opening.place)
PatchView([Panel(name, "softmax", maps[name])
           for name in ("joint", "time", "space", "rows")], clip, grid, query=query)

# %%
one_frame = meets["time"][query].view(8, -1).sum(-1)
assert one_frame.tolist() == [1] * 8
pairs = {name: count_pairs(name, grid) for name in SCHEMES if name != "hybrid"}
say("Along *time* it is one patch per frame: the query's own place. If the camera "
    "moves, that place shows something else. Pairs of a whole scheme: "
    + ", ".join(f"{name} {n:,}" for name, n in pairs.items()) + ".")
assert pairs["divided"] == N * (8 + 196) and pairs["joint"] > 7 * pairs["divided"]

# %%
import plotly.graph_objects as go

from linviz.figures.theme import empty_figure, top_title

figure = empty_figure(
    "Bars: pairs of query and key of each scheme, in millions. "
    + ", ".join(f"{name} {n / 1e6:.2g}" for name, n in pairs.items()) + ".")
figure.add_trace(go.Bar(x=list(pairs.values()), y=list(pairs), orientation="h",
                        marker={"color": "#0072b2"},
                        text=[f"{n / 1e6:.2g} million" for n in pairs.values()]))
figure.update_layout(
    title=top_title("Divided attention computes an eighth of the pairs"),
    margin={"t": 60},
    xaxis_title="pairs of query and key, all layers of the scheme",
    yaxis={"title": "scheme", "autorange": "reversed"})
show(figure)

# %% [markdown]
# For *softmax*, cost is the number of pairs. For a linear kernel it is not: its cost grows with the number of tokens,
# whoever meets whom. There a layer of every scheme costs the same (chapter 14, section 6), and dividing only takes away
# what a query can see.
#
# [Whose values reach a patch, scheme by
# scheme](http://localhost:8501/who_sees_whom?source=motorcycle&frames=8): click a patch and compare two schemes,
# layer by layer. [A guided tour](http://localhost:8501/who_sees_whom?tour=time) leads through schemes and
# [attention rollout](http://localhost:8501/who_sees_whom?rollout=left), which says how much arrives.
#
# ## 3 · Build the block
#
# Divided attention is often drawn as *joint attention with a mask*. It is not: it is **two** attentions, one after
# the other, each with queries, keys and values of its own and a softmax of its own. The second reads what the first
# has written:
#
# $$x \leftarrow x + \mathrm{attention}_{\mathrm{time}}\bigl(\mathrm{norm}(x)\bigr), \qquad
# x \leftarrow x + \mathrm{attention}_{\mathrm{space}}\bigl(\mathrm{norm}(x)\bigr).$$
#
# In each of the two, $q = W_q y$, $k = W_k y$ and $v = W_v y$ are cut into heads of neighbouring channels. Every head
# attends, with scores divided by $\sqrt D$ of a *head*. Then the heads are joined, and $W_o$ follows. (A real block
# ends with an MLP for each token. It never mixes tokens, so we leave it out.)

# %% [markdown] tags=["exercise"]
# number = "15.1"
# title = "Build the block: time, then space"
# difficulty = 3
# importance = 5
# minutes = 16
# objectives = ["block", "schemes"]
# task = '''
# `x` is $T \times P \times C$: frames, patches of a frame, channels. `W` is $2 \times 4 \times C \times C$: for time
# and for space the weights of $q$, $k$, $v$ and of the output. Apply a weight as `y @ w.mT`. There are `H` heads of
# neighbouring channels. Return the tokens after both layers, each with a norm before it and the residual around it.
# The norm is `layer_norm(x, x.shape[-1:])`. There are no biases.
# '''
# hints = [
# '''
# Write one attention for a batch of groups, $G \times n \times C$. Inside a frame, the groups are the frames. Along
# time, what are the groups, and how do you get them from `x`?
# ''',
# '''
# Along time the groups are the places: `y.transpose(0, 1)` is $P \times T \times C$. Heads: `.unflatten(-1, (H,
# -1))`, and the head's axis goes before the tokens. Divide the scores by the root of $C / H$.
# ''',
# '''
# In one layer: `q, k, v = ((y @ w.mT).unflatten(-1, (H, -1)).transpose(1, 2) for w in W[layer, :3])`. After `a @ v`:
# `.transpose(1, 2).flatten(-2) @ W[layer, 3].mT`.
# ''',
# ]
# see = "The check says *right*. In the next cell your block equals `linviz.models.Scheme` on a clip."

# %% tags=["answer:15.1"]
from torch.nn.functional import layer_norm


def divided_block(x: Float[Tensor, "T P C"], W: Float[Tensor, "2 4 C C"],
                  H: int) -> Float[Tensor, "T P C"]:
    """Attention along time, then inside each frame, each with norm and residual."""
    # solution
    for layer in range(2):
        y = layer_norm(x, x.shape[-1:])
        y = y.transpose(0, 1) if layer == 0 else y           # groups first
        q, k, v = ((y @ w.mT).unflatten(-1, (H, -1)).transpose(1, 2)
                   for w in W[layer, :3])                    # (groups, H, n, D)
        a = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        o = (a @ v).transpose(1, 2).flatten(-2) @ W[layer, 3].mT
        x = x + (o.transpose(0, 1) if layer == 0 else o)
    return x
    # end


checks.divided_block(divided_block)

# %% tags=["needs:15.1"]
scheme = Scheme("divided", "softmax", heads=2, channels=D, grid=grid, qkv_bias=False)
with torch.no_grad():
    for layer in scheme.layers:
        layer.out.bias.zero_()
    W = torch.stack([torch.stack([m.weight for m in (one.to_q, one.to_k, one.to_v,
                                                     one.out)])
                     for one in scheme.layers])
    yours = divided_block(v.view(8, 196, D), W, 2).flatten(0, 1)
    difference = (yours - scheme(V[0])[0]).abs().max()
say(f"{N} patches, two layers, two heads: the largest difference from linviz is "
    f"**{difference:.0e}**.")
assert difference < 1e-4

# %% [markdown]
# ## 4 · Who notices?
#
# Now the test of section 1, for every scheme. We take layers with random weights and *no codes of time*, and ask how
# much the mean of the output tokens changes. The last scheme is new. A *hybrid* has softmax inside each frame and
# then a memory that reads the clip frame by frame (chapter 17).
#
# > **Predict.** Which of the six schemes notice that the clip runs backwards?

# %%
schemes = {name: Scheme(name, "gated_delta" if name == "hybrid" else "softmax",
                        heads=2, channels=D, grid=grid).requires_grad_(False)
           for name in SCHEMES}
changes = {name: mean_change(model, V[0], frames=8) for name, model in schemes.items()}
say(table(["relative change of the mean output", *changes["joint"]],
          [[name, *(f"{x:.0e}" if x < 1e-3 else f"{x:.2g}" for x in found.values())]
           for name, found in changes.items()]))
softmaxes = [found for name, found in changes.items() if name != "hybrid"]
assert all(found["backwards"] < 1e-5 for found in softmaxes)
assert changes["hybrid"]["backwards"] > 0.05

# %% [markdown]
# **No scheme of softmax layers notices.** Softmax sums over keys, and a sum has no order: if the frames are
# exchanged, all outputs are exchanged with them, and their mean stays. (*Local and global* notices the shuffled clip
# a little, because its second layer takes every second frame.) Only the hybrid notices, since a memory has a past.
#
# So what told past from future in section 1? The **codes of time**. They make the first frame different from the last:

# %%
codes = torch.randn(8, 1, D, generator=torch.Generator().manual_seed(1))


def with_codes(model):
    return lambda tokens: model((tokens.unflatten(1, (8, -1)) + codes).flatten(1, 2))


coded = {name: mean_change(with_codes(model), V[0], frames=8)
         for name, model in schemes.items()}
say("Backwards, with codes of time: "
    + ", ".join(f"{name} {found['backwards']:.2g}" for name, found in coded.items())
    + ".")
assert all(found["backwards"] > 1e-3 for found in coded.values())

# %% [markdown]
# Even *space*, which never compares two frames, notices now: each frame is added to its own code, and the sum of all
# frames knows when something was where. So "attention inside a frame cannot see motion" is not true of a *model*. It
# is true of the layer.
#
# One more fact about the frozen clip. All eight frames are equal, so each key is there eight times. Softmax divides
# their weight evenly, and the output is that of one frame:

# %%
still = [x.view(8, 196, D)[:1].expand(8, -1, -1).reshape(1, 1, N, D) for x in (q, k, v)]
joint, space = (linviz.make(spec, **size)(*still)
                for spec in ("softmax", "softmax@space"))
say("On the frozen clip, joint attention and attention inside the frame differ by at "
    f"most **{(joint - space).abs().max():.0e}**.")
assert (joint - space).abs().max() < 1e-5

# %% [markdown]
# ## 5 · Two sums that never grow
#
# A video model that *makes* clips has a harder problem: the clip gets longer and longer. With softmax, every new
# frame has to meet all keys and values of the past, so the past must be kept. *SANA-Video* uses linear attention of
# relu features instead. Frames come in **chunks**, and a token sees its own chunk and all chunks before:
#
# $$o_i = \frac{R_i\phi(q_i)\cdot S}{\phi(q_i)\cdot z + 10^{-8}},\qquad S = \sum_j R_j\phi(k_j)\,v_j^\top,\qquad z =
# \sum_j \phi(k_j), \qquad \phi = \mathrm{relu},$$
#
# where both sums run over the tokens $j$ of the chunks so far. Compare this with the linear attention of chapter 4:
#
# - *Old:* one pair of sums over all tokens. *New:* a pair of sums that grows chunk by chunk, as in chapter 5 it grew
#   token by token. When a chunk arrives, its tokens are added to both sums, and then its queries read them.
# - *Cost:* each token is added once and reads once, $2 N D E$ products. *Memory:* $D E + D$ numbers.
# - $R$ turns pairs of channels by angles that grow with frame, row and column. It stands above the fraction only, so
#   that the divisor stays positive.
#
# The next cell computes the map pair by pair, in chunks of two frames.

# %% tags=["derives:sana"]
def turned(z: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """Pairs of channels turned: the first by frame, then by row, then by column."""
    each = D // 6                                            # pairs for row and column
    counts = D // 2 - 2 * each, each, each
    angle = torch.cat([place[:, None] * 10_000.0 ** -(torch.arange(n).double() / n)
                       for place, n in zip((t, y, x), counts)], -1)
    a, b = z[:, 0::2], z[:, 1::2]
    return torch.stack((a * angle.cos() - b * angle.sin(),
                        a * angle.sin() + b * angle.cos()), -1).flatten(-2)


phi_q, phi_k = q.double().relu(), k.double().relu()
seen = (t[:, None] // 2) >= (t // 2)                         # own and earlier chunks
above = turned(phi_q) @ turned(phi_k).mT * seen
below = (phi_q @ phi_k.mT * seen).sum(-1, keepdim=True) + 1e-8
mine = above / below
sana = linviz.make("sana", chunk=2, **size)
with torch.no_grad():
    theirs = sana.map(Q.double(), K.double(), V.double()).dense()[0, 0]
assert torch.allclose(mine, theirs, atol=1e-9)
negative = 100 * (mine < 0)[seen].double().mean().item()
say(f"The largest difference from linviz is {(mine - theirs).abs().max():.0e}. "
    f"{negative:.0f} % of the weights that are seen are negative, and the rows sum to "
    f"{mine.sum(-1).min():.2f} to {mine.sum(-1).max():.2f}.")
assert negative > 1

# %% [markdown]
# "A rotation is harmless" is a common mistake. In softmax it is: scores may be negative. Here the turned products
# *are* the weights, so rows are no probability distributions any more. (SANA for single pictures does not rotate:
# `rotate=False` is plain relu attention.)
#
# > **Predict.** A clip of 8 frames becomes one of 800. How much more memory do the two sums need? And the keys and
# > values that softmax has to keep?

# %%
between = mine.view(8, 196, 8, 196).sum(-1).mean(1).float()  # (frames, frames)
assert between.min() >= 0                                    # summed over a frame
state = D * (D + 1)                                          # S and z, one head
per_frame = 196 * 2 * D                                      # its keys and values


def after(frame: float):
    return memory_figure(frame, table=between, frames=8, state=state,
                         per_frame=per_frame)


Live(after, tuple(range(1, 9)), label="frames so far", start=4, form="d")

# %%
say(f"The two sums have {state:,} numbers after any number of frames. Keys and values "
    f"have {8 * per_frame:,} numbers after 8 frames and {800 * per_frame:,} after 800.")
assert between[0, 2:].abs().max() == 0 and between[0, 1] != 0    # causal by chunks only

# %% [markdown]
# Two details of the table. Frame 1 reads frame 2: *inside a chunk* later frames are seen, so this form is causal by
# chunks and not by frames. And constant memory does not mean that nothing is forgotten: $D\,(D + 1)$ numbers hold the
# whole past, so the past must share them (chapter 5).
#
# ### A fault that costs memory
#
# Public code for long clips keeps the sums of *every* chunk in a list, and adds the whole list up again for each new
# chunk:

# %%
def public_two_sums(up_q, up_k, q, k, v, size):
    """Outputs of all chunks. Right numbers, and a memory that grows."""
    kept, out = [], []
    for a, b, c, d, x in zip(*(z.split(size) for z in (up_q, up_k, q, k, v))):
        kept.append((b.mT @ x, d.sum(0)))                    # of this chunk alone
        S = torch.stack([S for S, _ in kept]).sum(0)         # all chunks, once more
        z = torch.stack([z for _, z in kept]).sum(0)
        out.append(a @ S / (c @ z)[:, None])
    return torch.cat(out)

# %% [markdown] tags=["exercise"]
# number = "15.2"
# title = "Find the bug: the memory that grows"
# difficulty = 3
# importance = 5
# minutes = 9
# objectives = ["sums"]
# methods = ["sana"]
# task = '''
# Write `public_two_sums` so that its memory does not grow with the clip. `up_q` and `up_k` ($N \times M$) are the
# turned features for the numerator, `q` and `k` ($N \times M$) those for the divisor, `v` is $N \times E$. A chunk
# has `size` tokens, the last one perhaps fewer. A token sees its own chunk and all chunks before. Leave out the
# $\epsilon$. The check counts the work.
# '''
# hints = [
# '''
# The list is only used to be added up. What do you have to keep of the past, if the sum of the old chunks is known
# already?
# ''',
# '''
# When a chunk arrives: $S \leftarrow S + \hat K^\top V$ and $z \leftarrow z + \sum_j k_j$, with this chunk's tokens.
# Then read with this chunk's queries.
# ''',
# '''
# Before the loop `S, z = 0, 0`. In the loop `S = S + b.mT @ x`, `z = z + d.sum(0)`, and `out.append(a @ S / (c @
# z)[:, None])`.
# ''',
# ]
# see = "The check says *right*. In the next cell your function makes the motorcycle clip chunk by chunk."

# %% tags=["answer:15.2"]
def two_sums(up_q: Float[Tensor, "N M"], up_k: Float[Tensor, "N M"],
             q: Float[Tensor, "N M"], k: Float[Tensor, "N M"],
             v: Float[Tensor, "N E"], size: int) -> Float[Tensor, "N E"]:
    """Linear attention, causal by chunks, with two sums that do not grow."""
    # solution
    S, z, out = 0, 0, []
    for a, b, c, d, x in zip(*(part.split(size) for part in (up_q, up_k, q, k, v))):
        S = S + b.mT @ x                                     # (M, E)
        z = z + d.sum(0)                                     # (M,)
        out.append(a @ S / (c @ z)[:, None])
    return torch.cat(out)
    # end


checks.two_sums(two_sums)

# %% tags=["needs:15.2"]
yours = two_sums(turned(phi_q), turned(phi_k), phi_q, phi_k, v.double(), 2 * 196)
difference = (yours - theirs @ v.double()).abs().max()
say(f"Four chunks of two frames: the largest difference from linviz is "
    f"**{difference:.0e}**.")
assert difference < 1e-4

# %% [markdown]
# ## 6 · Train one yourself
#
# Until now all models were given. `TRAIN = True` trains one in front of you: *relu*, linear attention without
# softmax, for 800 steps on the task of section 1. It takes about a minute of one core (at most 90 seconds on a slow
# one). With `TRAIN = False` the cell reads the curve of the same training, which is stored beside the shipped model.
# Five seeds of it are shipped.
#
# > **Predict.** Chance is 0.125. After 800 steps, what will the accuracy on new clips be? And will the curve rise
# > steadily, or stay flat for a while and then rise?

# %%
from linviz.models import train
from linviz.models.arms import arm_recipe
from linviz.models.checkpoints import find_checkpoint, read_card

TRAIN = False
SEEDS = (0, 1, 2, 3, 4)
curves = {seed: read_card(find_checkpoint("relu", seed, "short"))["curve"]
          for seed in SEEDS}
if TRAIN:
    def progress(run, loss, score):
        if run.step % 100 == 0:
            print(f"step {run.step}: loss {loss:.2f}, {run.seconds:.0f} s")
    run = train(arm_recipe("relu"), seed=0, progress=progress, device="cpu")
    curves[0] = run.curve

# %%
steps = torch.tensor([point["step"] for point in curves[0]])
held_out = torch.tensor([[point["held_out"] for point in curve]
                         for curve in curves.values()])      # (runs, points)
figure = empty_figure(
    "Accuracy on held-out clips by step, five runs of relu that differ in their seed. "
    f"All begin near 0.125 and end between {held_out[:, -1].min():.2f} and "
    f"{held_out[:, -1].max():.2f}.")
for seed, run_scores in zip(SEEDS, held_out):
    figure.add_trace(go.Scatter(x=steps.tolist(), y=run_scores.tolist(), mode="lines",
                                name=f"seed {seed}", line={"width": 1.5}))
figure.add_hline(y=0.125, line={"dash": "dot", "color": "#59616b"})
figure.update_layout(title=top_title("The same training, five seeds"), margin={"t": 84},
                     xaxis_title="step of the training",
                     yaxis={"title": "accuracy on held-out clips (of 1)",
                            "range": [0, 1]})
show(figure)
assert (held_out[:, 1] < 0.3).all() and held_out[:, -1].min() > 0.6

# %% [markdown] tags=["exercise"]
# number = "15.3"
# title = "Train and report"
# difficulty = 4
# importance = 5
# minutes = 11
# objectives = ["report"]
# task = '''
# `scores` is $R \times N$: the accuracy of $R$ runs at $N$ points. `steps` holds the $N$ steps, and `chance` is the
# accuracy of a random guess. Return four numbers in one tensor, in the dtype of `scores`. First the mean, the lowest
# and the highest accuracy at the **last** point. Then the first step at which the mean over runs is at least halfway
# from chance to its own end.
# '''
# hints = [
# '''
# The step of the report was fixed before the training: the last one. Which column of `scores` is that? Then take the
# mean over runs at every point: one curve.
# ''',
# '''
# Halfway is $(\mathrm{chance} + \mathrm{mean\ at\ the\ end}) / 2$. Find the first point whose mean is at least that,
# and look up its step.
# ''',
# '''
# `mean = scores.mean(0)`; the first point is `(mean >= (chance + mean[-1]) / 2).int().argmax()`; `torch.stack` joins
# four numbers.
# ''',
# ]
# see = "The check says *right*. The next cell reports the five trainings with your function."

# %% tags=["answer:15.3"]
def report(scores: Float[Tensor, "R N"], steps: Int[Tensor, "N"],
           chance: float) -> Float[Tensor, "4"]:
    """Mean, lowest and highest score at the end, and the step halfway from chance."""
    # solution
    last, mean = scores[:, -1], scores.mean(0)
    halfway = steps[(mean >= (chance + mean[-1]) / 2).int().argmax()]
    return torch.stack((last.mean(), last.min(), last.max(), halfway.to(scores.dtype)))
    # end


checks.report(report)

# %% tags=["needs:15.3"]
mean, low, high, halfway = report(held_out, steps, task.chance).tolist()
best = held_out.amax(1).mean().item()
say(f"relu, {len(SEEDS)} seeds, 800 steps: **{mean:.2f}** (from {low:.2f} to "
    f"{high:.2f}); halfway after {halfway:.0f} steps. Whoever reports the best point "
    f"of each curve gets {best:.2f}.")
assert best >= mean

# %% [markdown]
# The best point is always at least as high as the last, also where nothing was learned. It was chosen by looking at the
# test clips. Here the difference is small, since the learning rate falls to zero at the end. With few test clips and
# many points it is not.
#
# ## 7 · Which layer needs softmax?
#
# Hybrids keep softmax in a few layers and use linear attention in the others. Which layers should keep it? A cheap
# way to ask a *trained* model: set the queries of one layer to zero. All its scores are then equal, so its softmax is
# uniform, and everything else stays. We do this on two tasks: the direction of motion (section 1), and the colours
# that are copied from hints (chapter 12). Both models have three layers of softmax.
#
# > **Predict.** Which layer of each model suffers most? Will it be the same one?

# %%
from linviz.course.shipped_paintings import shipped_painting
from linviz.models.examples import draw_colour_examples
from linviz.models.training import accuracy

painter = shipped_painting("softmax").model
windows = draw_colour_examples("main", 64, 1, "test")        # of other photographs


def of_motion(model) -> float:
    return (model(task.frames).argmax(-1) == task.labels).float().mean().item()


def of_colour(model) -> float:
    return accuracy(model, windows)


losses = {}
for name, model, score in (("motion, accuracy", trained, of_motion),
                           ("colour, R²", painter, of_colour)):
    whole = score(model)
    losses[name] = [whole - score(uniform_layer(model, n)) for n in range(3)]
    say(f"{name}: {whole:.2f} as trained; with layer 1, 2 or 3 uniform "
        + ", ".join(f"{whole - loss:.2f}" for loss in losses[name]) + ".")
motion, colour = losses.values()
assert max(motion) == motion[2] > 0.2 and motion[0] < 0.1
assert min(colour) == colour[0] and min(colour[1:]) > 2 * colour[0]

# %%
figure = empty_figure(
    "What is lost if one layer is made uniform. Motion: "
    + ", ".join(f"layer {n + 1} {y:.2f}" for n, y in enumerate(motion)) + ". Colour: "
    + ", ".join(f"layer {n + 1} {y:.2f}" for n, y in enumerate(colour)) + ".")
for (name, ys), pattern, hue in zip(losses.items(), ("", "/"), ("#0072b2", "#d55e00")):
    figure.add_trace(go.Bar(x=["layer 1", "layer 2", "layer 3"], y=ys, name=name,
                            marker={"color": hue, "pattern": {"shape": pattern}}))
heading = top_title("Motion relies most on the last layer, colour on the last two")
figure.update_layout(title=heading, barmode="group",
                     xaxis_title="layer that is made uniform",
                     yaxis_title="loss of score (accuracy or R²)", margin={"t": 84})
show(figure)

# %% [markdown]
# In both models the first layer can nearly do without softmax, and the last cannot. But the middle layer matters much
# more for colour, compared with the last. So "keep softmax in the first layers" is bad advice here, and no single
# layer is the answer for both tasks.
#
# Be careful with the word *needs*. The model was trained *with* softmax in this layer, and the rest relies on it. A
# model trained from the beginning with a linear layer there might find another way. To know, one has to train it. For
# this course it was done on both tasks, for 800 steps: softmax in some layers, and relu plus a small constant
# (`relu_floor`) in the others. The next cell reads the scores. `n` is the number of seeds of each model, and if there
# is more than one, the lowest and the highest score stand in brackets.

# %%
from statistics import fmean

from linviz.evidence import layer_scores

PLACES = {"all layers": "softmax",
          "layer 1 only": "softmax/relu_floor/relu_floor",
          "layer 2 only": "relu_floor/softmax/relu_floor",
          "layer 3 only": "relu_floor/relu_floor/softmax", "no layer": "relu_floor"}
runs = {task: {place: layer_scores(task)[spec] for place, spec in PLACES.items()}
        for task in ("motion", "colour")}


def score_text(scores: list[float]) -> str:
    """The mean over the seeds, the lowest and the highest score, and their number."""
    ends = f" ({min(scores):.2f} to {max(scores):.2f})" if len(scores) > 1 else ""
    return f"{fmean(scores):.2f}{ends}, n = {len(scores)}"


say(table(["softmax in", "motion, accuracy", "colour, R²"],
          [[place, *(score_text(runs[task][place]) for task in runs)]
           for place in PLACES]))
for (task, found), loss in zip(runs.items(), losses.values()):
    one = {place: fmean(found[place]) for place in PLACES if "only" in place}
    best, worst = max(one, key=one.get), min(one, key=one.get)
    say(f"{task.title()}: the intervention cost most in layer "
        f"{1 + loss.index(max(loss))}. Trained with one layer of softmax, the best is "
        f"*{best}* ({one[best]:.2f}) and the worst is *{worst}* ({one[worst]:.2f}).")
    assert min(one.values()) > fmean(found["no layer"]) + 0.05
spread = (held_out[:, -1].max() - held_out[:, -1].min()).item()
say(f"For comparison: the five seeds of section 6 were {spread:.2f} apart.")

# %% [markdown]
# Compare the two answers. They need not agree, since these are two questions. The intervention asks which layer *this*
# model relies on. The training asks where one layer of softmax helps most, if the rest has learned without it. And
# compare the distance between two places with the distance between seeds before you believe an order.
#
# One result does not depend on the place: one layer of softmax *anywhere* is much better than none. (`a/b/c` names the
# attention of each layer. To train such a model yourself, import `watch_painting` as in chapter 12 and call
# `watch_painting("relu_floor/softmax/relu_floor")`. All eight patterns are in `studies/LAYERS.md`.)
#
# ## 8 · What was not shown
#
# - **No network of real size.** 144 tokens, 62,792 weights, clips of eight small frames. Nothing here says what
#   happens at a million tokens.
# - **One seed of each model in the intervention** of section 7, and as many seeds in its table as `n` says.
# - **Random weights in section 4.** They show what a scheme *cannot* notice. What a trained one notices is another
#   question.
# - **The second version of SANA-Video** gates its keys and normalises every head at the end, which removes the
#   divisor again. linviz has it as `sana` with `version=2`.
#
# The sources: *Is Space-Time Attention All You Need for Video Understanding?* (TimeSformer), arXiv 2102.05095, from
# whose definitions the schemes here are written; SANA, arXiv 2410.10629; SANA-Video, arXiv 2509.24695.
#
# ## Quiz

# %%
quizzes.video
