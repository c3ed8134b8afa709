# %% [markdown] tags=["front"]
# title = "Feature fixation II: the neighbours in space and time"
# lead = '''
# The gate of chapter 13 reads one patch at a time. In a clip this is little: a single patch of a single frame does not
# show whether it moves. This chapter moves some channels by one step, so that each token also holds channels of its
# neighbours. This needs no weights. It also changes how to read a picture of attention: weight and content no longer
# belong to the same patch.
# '''
# questions = [
#     "How does a token learn about its neighbours in space and time without any weights?",
#     "If a picture of attention is bright at a patch, is the content of that patch used?",
#     "Do the neighbours help a gate, and how can one find out?",
# ]
# prerequisites = [
#     "Chapter 13, feature fixation I: the gate.",
#     "How a clip becomes a grid of T frames of Y rows and X columns (chapter 0).",
# ]
# minutes = {reading = 40, exercises = 42, quiz = 5}
# key_points = [
#     "The shift takes folds of channels of k and v from neighbours, before features and gate. q is never shifted.",
#     "Time: one fold from the next frame, one from the previous. Space: eight folds, one from each neighbour.",
#     "Borders: zeros; but where a diagonal neighbour is missing, a token keeps its own channels.",
#     "The shift needs no weights and no multiplications. The gate now reads 3 tokens (time) or 9 (space).",
#     "The weight says which slot is used. With a shift, part of the content of a slot comes from its neighbours.",
#     "Attention within frames reaches one more frame on each side with every layer that shifts in time.",
#     "To judge a gain by neighbours, compare with strangers: the same shift from tokens that are not neighbours.",
# ]
#
# [objectives]
# time = "take folds of channels from the next and the previous frame"
# space = "take folds of channels from the eight neighbours, with the right borders"
# content = "say whose content a row of weights brings in"
# sees = "say whose numbers a gate behind a shift reads"
# reach = "count how far a query reaches through layers of divided attention with shifts"
# judge = "judge a gain by neighbours with a control"

# %% [markdown]
# ## 1 · A misleading picture
#
# The clip has eight frames of a motorcycle, filmed by a camera that moves sideways. Each frame is cut into 14 × 14
# patches, and all 1568 patches attend to each other. We take *every* channel of $k$ and $v$ from the patch to the
# right. (The rightmost patch takes from the leftmost, so that nothing is lost.) The queries do not change.
#
# > **Predict before you run.** What happens to the picture of the attention? And, more important: how much does the
# > *output* change, which is what the network uses?

# %%
import torch

import linviz
from linviz import clips
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import common, ch14
from linviz.figures import curves, heat, reach
from linviz.fixation import SPACE, shift_channels
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
grid = linviz.Grid(8, 14, 14)
opening = clips.OPENINGS["motorcycle"]
clip = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(clip, grid, opening.temperature)  # (1, 1, N, D) each
N, D = q.shape[-2:]
query = grid.number(3, *opening.place)                       # the petrol tank, frame 4


def from_the_right(x):
    """Every token gets the channels of the token to its right."""
    return grid.unfold(grid.fold(x).roll(-1, -2))


soft = linviz.make("softmax", heads=1, width=D, grid=grid)
before, after = soft.map(q, k, v), soft.map(q, from_the_right(k), from_the_right(v))

# %%
PatchView([Panel(soft.title, soft.family, before),
           Panel("softmax, all of k and v shifted", soft.family, after)],
          clip, grid, query=query)

# %%
rows = [a.rows(torch.arange(0, N, 8))[0, 0] for a in (before, after)]
weight = (rows[0] - rows[1]).abs().sum(-1).mean() / 2
change = (before.apply(v) - after.apply(from_the_right(v))).abs().max()
say(f"**{100 * weight:.0f} %** of the weight now lies elsewhere. The output has "
    f"changed by at most **{change:.0e}**.")
assert weight > 0.3 and change < 1e-4

# %% [markdown]
# Every bright patch has moved one patch to the left, and the output has not changed. The reason: attention is a sum
# over keys, and a sum does not depend on the order of its terms. The query now looks at slot $j$ instead of slot $j +
# 1$, but slot $j$ now *holds* the content that was in slot $j + 1$.
#
# So a picture of attention shows **which slot is used, and not whose content the slot holds**. Without shifts the two
# are the same, and there is no difference to think about. The method of this chapter shifts some channels and not
# others, so its pictures must be read with care.
#
# ## 2 · Some channels from the next frame, some from the previous
#
# *Feature fixation* shifts $k$ and $v$ before it computes their features and the gate. In **time**, cut the channels
# (of all heads together) into four folds. The first fold comes from the next frame, the second from the previous
# frame, and the other two stay. If there is no next or no previous frame, the fold is filled with zeros. With frame
# $t$ and channel $m$ of $C$:
#
# $$y_{t,m} = \begin{cases} x_{t+1,\,m} & m < C/4 \\ x_{t-1,\,m} & C/4 \le m < C/2 \\ x_{t,\,m} &
# \text{else}\end{cases}$$
#
# (A fold has $\lfloor C/4 \rfloor$ channels; the remaining channels stay, too.) The shift only copies: it needs no
# weights and no multiplications. The table shows five frames of one patch with eight channels. Each number names the
# frame that it came from:

# %%
frames = torch.arange(1.0, 6).view(1, 1, 5, 1).expand(1, 1, 5, 8)
made = shift_channels(frames, linviz.Grid(T=5), "time")[0, 0]
say(table(["frame", *(f"c{n}" for n in range(8))],
          [[f"{t + 1}", *(f"{x:.0f}" if x else "–" for x in row)]
           for t, row in enumerate(made)]))
assert made[2].tolist() == [4, 4, 2, 2, 3, 3, 3, 3]
assert made[0, 2:4].eq(0).all() and made[4, :2].eq(0).all()

# %% [markdown] tags=["exercise"]
# number = "14.1"
# title = "The shift in time"
# difficulty = 2
# importance = 5
# minutes = 10
# objectives = ["time"]
# task = '''
# `frames` is $T \times P \times C$: $T$ frames of $P$ patches with $C$ channels. Return the shifted frames. The first
# $\lfloor C/4 \rfloor$ channels come from the next frame, and as many from the previous frame. The other channels
# stay, and there are zeros beyond the ends.
# '''
# hints = [
# '''
# Which frames have a next frame? All but the last. Fill exactly these frames, in exactly these channels.
# ''',
# '''
# Start from a copy with zeros in channels $0$ to $2\lfloor C/4 \rfloor - 1$. Then `out[:-1]` takes from `frames[1:]`,
# and `out[1:]` takes from `frames[:-1]`.
# ''',
# '''
# With `fold` for $\lfloor C/4 \rfloor$: `out[:-1, :, :fold] = frames[1:, :, :fold]`. The second quarter, from `fold` to
# `2 * fold`, is the same with the frames exchanged.
# ''',
# ]
# see = "The check says *right*. On the motorcycle your function gives exactly linviz's numbers."

# %% tags=["answer:14.1"]
from jaxtyping import Float, Int
from torch import Tensor


def shift_time(frames: Float[Tensor, "T P C"]) -> Float[Tensor, "T P C"]:
    """A quarter of the channels from the next frame, a quarter from the previous frame.

    There are zeros beyond the ends of the clip.
    """
    # solution
    fold = frames.shape[2] // 4
    out = frames.clone()
    out[:, :, :2 * fold] = 0
    out[:-1, :, :fold] = frames[1:, :, :fold]
    out[1:, :, fold:2 * fold] = frames[:-1, :, fold:2 * fold]
    return out
    # end


checks.shift_time(shift_time)

# %% tags=["needs:14.1"]
mine = shift_time(k[0, 0].unflatten(0, (grid.T, grid.Y * grid.X))).flatten(0, 1)
assert torch.equal(mine, shift_channels(k, grid, "time")[0, 0])
say(f"{N} patches, {D} channels: yours and linviz's are equal, number by number.")

# %% [markdown]
# ## 3 · Eight neighbours
#
# In **space** there are sixteen folds. Eight of them come from the eight neighbours in the frame, in this order:
# below, above, right, left, and then the diagonals. The other half stays. The border has two rules. If a straight
# neighbour is missing, the fold is filled with *zeros*. If a diagonal neighbour is missing, the token keeps *its own*
# channels. (This is what the official code does: it copies first, and then overwrites where there is a neighbour.)
#
# > **Predict.** There are 64 channels. How many of them are still the patch's own, in the middle of a frame, at its
# > edge, and in its corner? And how many are zero?

# %%
def made_of(place: int, channels: int = 64) -> Tensor:
    """How many channels of one token in a 3 x 3 frame come from each token."""
    x = torch.zeros(1, 1, 9, channels, requires_grad=True)
    shift_channels(x, linviz.Grid(1, 3, 3), "space")[0, 0, place].sum().backward()
    return x.grad[0, 0].sum(-1).view(3, 3)


PLACES = {"middle": 4, "edge": 3, "corner": 0}
counts = torch.stack([made_of(place) for place in PLACES.values()])
words = " ".join(f"{name.capitalize()}: {x.int().tolist()}, row by row."
                 for name, x in zip(PLACES, counts))
show(heat.patch_panels(counts.numpy(),
                       ["in the middle", "at the left edge", "in the top left corner"],
                       columns=3, bar="channels", top=64.0, said=words,
                       title="Where the 64 channels of one patch come from"))
say(", ".join(f"{name}: {x.view(-1)[place]:.0f} its own, {64 - x.sum():.0f} zero"
              for (name, place), x in zip(PLACES.items(), counts)) + ".")
assert counts[0].flatten().tolist() == [4, 4, 4, 4, 32, 4, 4, 4, 4]
assert 64 - counts[2].sum() == 8

# %%
import plotly.graph_objects as go

own = [x.view(-1)[place].item() for x, place in zip(counts, PLACES.values())]
parts = {"its own": own,
         "of neighbours": [x.sum().item() - n for x, n in zip(counts, own)],
         "zero": [64 - x.sum().item() for x in counts]}
bars = go.Figure([
    go.Bar(y=list(PLACES), x=values, name=name, orientation="h",
           marker_pattern_shape=shape)
    for (name, values), shape in zip(parts.items(), ("", "/", "."))])
bars.update_layout(
    template="linviz", barmode="stack", height=300, margin_t=84, title_y=0.97,
    title="At a border fewer channels come from neighbours",
    xaxis_title="channels", yaxis={"categoryarray": list(PLACES)},
    meta={"alt": "Stacked bars of 64 channels. " + " ".join(
        f"{name}: {', '.join(f'{x:.0f}' for x in values)}."
        for name, values in parts.items()) + " Middle, edge and corner."})
show(bars)

# %% [markdown] tags=["exercise"]
# number = "14.2"
# title = "The shift in space"
# difficulty = 3
# importance = 4
# minutes = 15
# objectives = ["space"]
# task = '''
# `frame` is $Y \times X \times C$: one frame. `steps` is $8 \times 2$: rows and columns. Fold $n$ has $\lfloor C/16
# \rfloor$ channels. At row $r$ and column $c$ it takes `frame[r + dy, c + dx]`, with `dy, dx = steps[n]`. Mind the
# two border rules: straight steps leave zeros, diagonal steps leave the channels as they were.
# '''
# hints = [
# '''
# Treat one fold at a time. Which rows $r$ have a row $r + dy$ in the frame, for $dy = 1$, for $-1$ and for $0$?
# ''',
# '''
# Start from a copy of `frame`. If a step is straight ($dy = 0$ or $dx = 0$), set its fold to zero first. Then
# overwrite the rows from $\max(-dy, 0)$ to $Y - \max(dy, 0)$. They take the rows from $\max(dy, 0)$ to $Y - \max(-dy,
# 0)$. Treat the columns in the same way.
# ''',
# '''
# `part = slice(n * fold, (n + 1) * fold)`, `here = slice(max(-dy, 0), Y - max(dy, 0))`, `there = slice(max(dy, 0), Y -
# max(-dy, 0))`, the same for columns, and `out[here, here_x, part] = frame[there, there_x, part]`.
# ''',
# ]
# see = "The check says *right*. Frame by frame your function equals linviz's shift in space."

# %% tags=["answer:14.2"]
def shift_space(frame: Float[Tensor, "Y X C"],
                steps: Int[Tensor, "8 2"]) -> Float[Tensor, "Y X C"]:
    """Eight folds of channels from the eight neighbours.

    Beyond the border: zeros for straight steps, the token's own for diagonal steps.
    """
    # solution
    Y, X, C = frame.shape
    fold, out = C // 16, frame.clone()
    for n, (dy, dx) in enumerate(steps.tolist()):
        part = slice(n * fold, (n + 1) * fold)
        if dy == 0 or dx == 0:
            out[:, :, part] = 0
        here = slice(max(-dy, 0), Y - max(dy, 0)), slice(max(-dx, 0), X - max(dx, 0))
        there = slice(max(dy, 0), Y - max(-dy, 0)), slice(max(dx, 0), X - max(-dx, 0))
        out[here[0], here[1], part] = frame[there[0], there[1], part]
    return out
    # end


checks.shift_space(shift_space)

# %% tags=["needs:14.2"]
steps = torch.tensor([step[1:] for step in SPACE])
mine = torch.stack([shift_space(frame, steps) for frame in grid.fold(v)[0, 0]])
assert torch.equal(mine, grid.fold(shift_channels(v, grid, "space"))[0, 0])
say(f"{grid.T} frames of {grid.Y} × {grid.X} patches: equal to linviz, number by "
    "number.")

# %% [markdown]
# ## 4 · Weight and content
#
# Back to the picture of section 1. We now take softmax with the shift in time, on the motorcycle, for the query on
# the petrol tank in the fourth frame. A row of weights says which *slots* are used. To find out whose *content* this
# brings in, each channel has to be traced back to its origin. For the first fold of $v$, the weight on frame $t$
# belongs to frame $t + 1$; for the second fold, to frame $t - 1$; for the rest, to frame $t$ itself. The mean over
# channels is the row of content.
#
# > **Predict.** The slot with the largest weight lies in the third frame. From which frame does most of the content
# > come?

# %%
in_time = linviz.make("softmax+shift:time", heads=1, width=D, grid=grid)
row = in_time.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0]
content = ch14.content_weights(row, grid, D, "time")
pictures = torch.stack([grid.fold(x[:, None])[t, :, :, 0]
                        for x in (row, content) for t in (1, 2, 3, 4)]) * N
names = [f"{what}, frame {t}" for what in ("weight", "content") for t in (2, 3, 4, 5)]
show(heat.patch_panels(pictures.numpy(), names, bar="fair shares",
                       top=pictures.max().item(), columns=4,
                       title="One row: where its weight lies, where its content is "
                             "from"))
brightest, used = (grid.place(int(x.argmax())) for x in (row, content))
moved = (row - content).abs().sum() / 2
say(f"Largest weight: frame {brightest[0] + 1}, row {brightest[1] + 1}, column "
    f"{brightest[2] + 1}. Most content: frame **{used[0] + 1}**, row {used[1] + 1}, "
    f"column {used[2] + 1}. In all, {100 * moved:.0f} % of the content comes from "
    "another place than the weight says. (The two frames are nearly equal, so a small "
    "difference decides between them.)")
assert brightest[0] == 2 and used[0] == 3 and moved > 0.05

# %% [markdown]
# A bright spot beside the object need not be a fault of the attention: a bright token may hold the content of its
# neighbour. The next cell shows one frame of a row under the shift in space. Move the slider through the eight folds.
#
# > **Predict.** Fold 0 comes from below. In the right panel, do the bright patches move up or down?

# %%
in_space = linviz.make("softmax+shift:space", heads=1, width=D, grid=grid)
tank = grid.number(6, 6, 6)
spatial = in_space.map(q, k, v).rows(torch.tensor([tank]))[0, 0, 0]
frame = grid.place(int(spatial.argmax()))[0]


def fold_at(fold: float):
    return ch14.fold_figure(fold, row=spatial, grid=grid, frame=frame)


Live(fold_at, ch14.FOLDS, label="fold of channels", start=0, form="d")

# %%
away = ch14.content_weights(spatial, grid, D, "space")
kernel = linviz.make("relu_floor+shift:space", heads=1, width=D, grid=grid)
flat = kernel.map(q, k, v).rows(torch.tensor([tank]))[0, 0, 0]
lost = 1 - ch14.content_weights(flat, grid, D, "space").sum() / flat.sum()
elsewhere = (spatial - away).abs().sum() / 2
say(f"Over all channels, {100 * elsewhere:.0f} % of the content comes from another "
    "place than the weight says. The flat row of a kernel reaches every border, and "
    f"{100 * lost:.1f} % of it falls on zeros.")
assert elsewhere > 0.2 and 0 < lost < 0.05

# %% [markdown] tags=["exercise"]
# number = "14.3"
# title = "Whose content?"
# difficulty = 4
# importance = 4
# minutes = 17
# objectives = ["content"]
# task = '''
# `weights` is $Y \times X$: the weights of one query on the slots of one frame, whose `v` was shifted in space.
# Return $Y \times X$: the share of the content that comes from each place, averaged over `channels`. The steps and
# folds are those of exercise 14.2. If sixteen does not divide `channels`, more than half of the channels stay.
# '''
# hints = [
# '''
# Take one weight, on slot $(r, c)$, and one fold with step $(dy, dx)$. Whose channels does the slot hold? And what if
# that place does not exist?
# ''',
# '''
# Let $f = \lfloor C/16 \rfloor$. A share $(C - 8f)/C$ of each weight is the slot's own. For every step a share $f/C$
# goes to $(r + dy, c + dx)$. Beyond the border this share is lost if the step is straight, and it is the slot's own
# if the step is diagonal. ''',
# '''
# `out = weights * (channels - 8 * fold) / channels`; then for each step and each place `out[r + dy, c + dx] +=
# weights[r, c] * fold / channels`, with the two cases at the border. (Or use autograd: content is the gradient of the
# mixed channels.)
# ''',
# ]
# see = "The check says *right*. The next cell traces the frame above back to its origin with your function."

# %% tags=["answer:14.3"]
def content_of(weights: Float[Tensor, "Y X"], channels: int,
               steps: Int[Tensor, "8 2"]) -> Float[Tensor, "Y X"]:
    """Whose content the weights on one frame bring in, if v was shifted in space."""
    # solution
    Y, X = weights.shape
    fold = channels // 16
    out = weights * (channels - 8 * fold) / channels
    for dy, dx in steps.tolist():
        for r in range(Y):
            for c in range(X):
                if 0 <= r + dy < Y and 0 <= c + dx < X:
                    out[r + dy, c + dx] += weights[r, c] * fold / channels
                elif dy and dx:
                    out[r, c] += weights[r, c] * fold / channels
    return out
    # end


checks.content_of(content_of)

# %% tags=["needs:14.3"]
here = grid.fold(spatial[:, None])[frame, :, :, 0]
steps_in_space = torch.tensor([step[1:] for step in SPACE])
home = content_of(here, D, steps_in_space)
assert torch.allclose(home, grid.fold(away[:, None])[frame, :, :, 0], atol=1e-6)
say(f"Frame {frame + 1} has {100 * here.sum():.1f} % of the row's weight, and "
    f"{100 * home.sum():.1f} % of its content: this row hardly reaches the border.")

passed = {}  # the content of a row that looks at one slot only
for name, slot in (("in the middle", (6, 6)), ("at an edge", (0, 6)),
                   ("in a corner", (0, 0))):
    single = torch.zeros(grid.Y, grid.X)
    single[slot] = 1
    passed[name] = content_of(single, 64, steps_in_space).sum().item()
assert list(passed.values()) == [1, 60 / 64, 56 / 64]
say("At the border content is lost. A row that looks only at one slot gets, of its "
    "weight, as content: " + ", ".join(f"{100 * y:.1f} % from a slot {name}"
                                       for name, y in passed.items()) + ". "
    "The rest falls on the zeros of missing straight neighbours.")

# %% [markdown]
# [Gate and shift in the
# explorer](http://localhost:8501/?source=motorcycle&specs=softmax,relu_floor%2Bgate%2Bshift:space).
# There the choice *neighbours shifted into k and v* is beside the choice of the gate. Its pictures show slots, as all
# pictures of attention do.
#
# ## 5 · What the gate reads now
#
# The gate reads $[\phi(q_i);\ \phi(k_i);\ v_i]$ of one token, as before. But $k_i$ and $v_i$ now hold channels of
# several tokens.
#
# > **Predict.** Whose numbers can change the ratios of a patch in the middle of the clip: without a shift, with the
# > shift in time, and with the shift in space? And what changes if attention over all 1568 patches follows?

# %%
middle = grid.number(3, 6, 6)
SHIFTS = {"no shift": "", "shift in time": "+shift:time",
          "shift in space": "+shift:space"}
gates = {name: linviz.make(f"relu_floor+gate{spec}", heads=1, width=D, grid=grid)
         for name, spec in SHIFTS.items()}
sees = {name: ch14.gate_receptive_field(method, q, k, v, middle)
        for name, method in gates.items()}
size = {name: sum(p.numel() for p in method.parameters())
        for name, method in gates.items()}
across = {name: grid.fold(x[:, None]).any(1).any(1).sum() for name, x in sees.items()}
say(table(["", "tokens that reach the ratios", "frames", "weights to learn"],
          [[name, f"{int(x.sum())}", f"{int(across[name])}", f"{size[name]:,}"]
           for name, x in sees.items()]))
assert [int(x.sum()) for x in sees.values()] == [1, 3, 9]
assert len(set(size.values())) == 1

# %% [markdown]
# The gate reads three or nine tokens, without a single additional weight. All 1568 tokens meet only later, in the
# sums of attention, when the ratios have been computed already. Now a gate *could* distinguish an edge from a spot,
# or a moving patch from a resting one. It would compare channels of its own token with channels of a neighbour.
#
# There are two limitations. First, no channel is ever compared with the *same* channel of a neighbour: the fold from
# the next frame holds other features than the folds that stay. Second, $q$ is not shifted, so the first fold of a
# query meets the first fold of keys from another frame. Where nothing moves, this does no harm. Where something
# moves, $q \cdot k$ mixes two moments.
#
# ## 6 · Divided attention and its reach
#
# The method was designed for *divided* attention: first each place attends along time, then each frame attends within
# itself. The layer in time gets the shift in space, and the layer in space gets the shift in time. So each layer also
# gets a little of what it cannot see otherwise. `linviz.flow.reach` computes from the layers themselves whose values
# reach the output of a query after one, two, and three layers.
#
# > **Predict.** Attention works frame by frame, with the shift in time. From how many of the eight frames do values
# > reach a patch of the fourth frame after three layers?

# %%
chosen = {"joint": ["softmax"], "frame by frame": ["softmax@space"],
          "frame by frame, shift in time": ["softmax+shift:time@space"],
          "place by place, shift in space": ["softmax+shift:space@time"],
          "divided": ["softmax@time", "softmax@space"],
          "divided, both shifts": ["softmax+shift:space@time",
                                   "softmax+shift:time@space"]}
found = {title: ch14.scheme_reach(title, specs, grid, middle)
         for title, specs in chosen.items()}
show(reach.reach_chart([path for title, (path, _) in found.items()
                        if title != "frame by frame"]))
say(table(["tokens that reach the query", "1 layer", "2 layers", "3 layers",
           "operations of all three"],
          [[title, *(f"{n}" for n in heard), f"{path.operations[-1]:,}"]
           for title, (path, heard) in found.items()]))
heard = found["frame by frame, shift in time"][1]
say("Frame by frame with the shift in time: "
    f"{', '.join(str(n // 196) for n in heard)} frames of {grid.T}.")
assert heard == [3 * 196, 5 * 196, 7 * 196] and found["divided"][1][1:] == [N, N]
assert found["place by place, shift in space"][1] == [9 * 8, 25 * 8, 49 * 8]

# %% [markdown]
# Every layer adds one frame on each side, or one ring of patches in the other case: the shift is free, and its reach
# grows slowly. Divided attention reaches the whole clip after two layers, with and without shifts. So for *reach* it
# does not need the shift at all. What the shift adds there comes earlier and is finer: channels of the neighbours are
# in a token before the gate decides.
#
# [Frame by frame, without the shift and with
# it](http://localhost:8501/who_sees_whom?source=motorcycle&frames=8&left=space&right=shift_time): click any patch of
# the motorcycle to see which patches reach it, and in which layer. The menus offer the other schemes.
#
# (The operations in the chart are those of softmax. For a linear kernel all of these schemes cost the same, because
# its cost does not depend on how many keys meet. For a linear kernel, dividing changes what a token can see, and not
# the cost.)

# %%
linear = {}
for title, specs in chosen.items():
    kernels = [spec.replace("softmax", "relu_floor") for spec in specs]
    linear[title] = ch14.scheme_reach(title, kernels, grid, middle)[0]
same = {path.operations[-1] for path in linear.values()}
say(f"The linear kernel, three layers of any of the {len(linear)} schemes: "
    f"{min(same):,} operations.")
assert len(same) == 1

# %% [markdown]
# ## 7 · Do the neighbours help?
#
# This question is easy to answer wrongly. As in chapter 13 we fit a gate to a map; the gate is *fitted to a map,
# never trained on a task*. There are two targets. **Now** is softmax of the clip's own $q$ and $k$; neighbours play
# no part in it. **Next** is softmax whose keys describe each place *one frame later*. A token that knows its next
# frame should find *next* easier.
#
# There are four gates: without a shift, with the shift in time, with the shift in space, and a control. The control
# is called **strangers**: it takes the same folds from tokens that are not neighbours, and it draws these tokens anew
# for every seed. The grids are small and the steps are few, to save time.
#
# > **Predict.** The target *next* asks for the next frame. Will the shift in time come closer to it than no shift?
# > Will it do so on all clips? And what will the strangers do?

# %%
small = linviz.Grid(4, 6, 6)
gate = linviz.make("relu_floor+gate", heads=1, width=D, grid=small)
SEEDS = (0, 1, 2, 3)                                         # of gate and strangers
later = {name: ch14.gate_ablation(name, "next", small, seeds=SEEDS)
         for name in ("digit", "pan")}

# %%
later |= {name: ch14.gate_ablation(name, "next", small, seeds=SEEDS)
          for name in ("crossing", "motorcycle")}

# %%
def rows_of(found: dict) -> list[curves.Dots]:
    return [common.ablation_runs(f"{name}: {title}", gate, y)
            for name, fits in found.items() for title, y in fits.items()]


show(curves.ablation_dots(rows_of(later), axis="divergence from the target KL (bits)",
                          better="left is nearer",
                          title="Target next: one clip gains by the shift in time, "
                                "one loses"))
mean = {name: {title: sum(y) / len(y) for title, y in fits.items()}
        for name, fits in later.items()}
say(table(["target next, mean of four", *mean["pan"]],
          [[name, *(f"{x:.2f}" for x in means.values())]
           for name, means in mean.items()]))
digit, pan, cycle = (mean[name] for name in ("digit", "pan", "motorcycle"))
by_space = ((digit["no shift"] - digit["shift in space"])
            / (digit["no shift"] - digit["shift in time"]))
drawn = later["pan"]["strangers (control)"]
say(f"On *digit* the shift in space brings {100 * by_space:.0f} % of the gain of the "
    f"shift in time. On *pan* one draw of strangers ends at {min(drawn):.2f} bits, "
    f"another at {max(drawn):.2f}; the neighbours in time end at "
    f"{pan['shift in time']:.2f}.")
assert max(later["digit"]["shift in time"]) < min(later["digit"]["no shift"])
assert 0.2 < by_space < 0.9 and digit["strangers (control)"] < digit["no shift"]
assert min(drawn) < pan["shift in time"] < pan["no shift"] < max(drawn)
assert pan["shift in time"] < pan["no shift"]
assert cycle["shift in time"] > cycle["no shift"] + 0.02
assert all(means["strangers (control)"] > means["shift in time"]
           for means in mean.values())
assert max(drawn) - min(drawn) > 2 * (pan["no shift"] - pan["shift in time"])

# %% [markdown]
# There are four clips, and no simple answer.
#
# - **digit**: every run with the shift in time is better than every run without. But the shift in space, which knows
#   nothing of the next frame, brings a good part of the same gain, and even strangers bring some. So *seeing the next
#   frame* explains only the rest of the gain.
# - **pan**: there is a small gain, smaller than the differences between seeds.
# - **crossing**: there is no gain, compared with the spread of the seeds.
# - **motorcycle**: the shift does harm. A query's channels meet channels of another moment, and this gate has not
#   learnt to undo that.
# - **strangers** are no better than neighbours in time, on average. But look at their spread. One lucky draw would
#   have suggested: *strangers are as good as neighbours*. One unlucky draw would have suggested: *neighbours are far
#   better*. **A control needs seeds of its own.**
#
# The next cell takes the target that does not need neighbours:

# %%
now = {name: ch14.gate_ablation(name, "now", small) for name in ("digit", "motorcycle")}
show(curves.ablation_dots(rows_of(now), axis="divergence from softmax KL (bits)",
                          better="left is nearer",
                          title="Target now: no shift is best, or as good as any"))
least = {name: {title: sum(y) / len(y) for title, y in fits.items()}
         for name, fits in now.items()}
say(table(["target now, mean of three", *least["digit"]],
          [[name, *(f"{x:.2f}" for x in means.values())]
           for name, means in least.items()]))
assert all(means["no shift"] < means["strangers (control)"] for means in least.values())
assert all(means["no shift"] < min(means.values()) + 0.02 for means in least.values())

# %% [markdown]
# This is no surprise: half of the channels of the keys were exchanged, and the target asks for the old ones. It
# reminds us that *a map is not a task*. Whether neighbours help to recognise an action is a question for training on
# actions. The authors of the method answer it with networks that they trained for this. Nothing here confirms or
# refutes their answer.
#
# ## 8 · What was not shown
#
# - **No trained network.** A gate that learns with the shift from the beginning may use it better than one that is
#   fitted behind it: the layers before $q$, $k$ and $v$ can then write into each fold what the neighbours should
#   know. What the shift in time does for [models trained on a small task](http://localhost:8501/evidence) has been
#   measured; look at the intervals, not at the means.
# - **Raw descriptors, one head.** Each of our 18 channels has a meaning (lightness, edges, place), so a fold takes
#   away *one meaning*. In a network with eight heads of 64 channels a fold is two whole heads (time) or half a
#   head (space).
# - **Small grids, few steps.** The fits have not converged. The figures show the differences between seeds; do not
#   trust a difference that is smaller.
# - **Causality.** The shift in time uses the next frame, which is not available in a stream. linviz refuses it
#   together with `causal=True`.
#
# The method: *Linear Video Transformer with Feature Fixation*, 2022, arXiv 2210.08164; folds and borders here are
# those of its official code, where the number of folds in time is 4 or 8 (`make(..., shift_parts=8)`).
#
# ## Quiz

# %%
quizzes.neighbours
