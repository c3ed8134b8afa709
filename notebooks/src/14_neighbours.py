# %% [markdown] tags=["front"]
# title = "Feature fixation II: the neighbours in space and time"
# lead = '''
# The gate of chapter 13 looks at one patch at a time. In a clip that is little: one patch of one frame cannot know
# whether it moves. This chapter lets the neighbours in, without a single weight to learn, by moving some channels one
# step to the side. And it shows what that does to every picture of attention: the light and the content part company.
# '''
# questions = [
#     "How does a token get to know its neighbours in space and time, for nothing?",
#     "When a picture of attention is bright at a patch, is it that patch's content that is used?",
#     "Do the neighbours help a gate, and how would one find out?",
# ]
# prerequisites = [
#     "Chapter 13, feature fixation I: the gate.",
#     "How a clip becomes a grid of T frames of Y rows and X columns (chapter 0).",
# ]
# minutes = {reading = 40, exercises = 42, quiz = 5}
# key_points = [
#     "The shift takes folds of the channels of k and v from neighbours, before features and gate. q is never shifted.",
#     "Time: a fold from the next frame, one from the previous. Space: eight folds, one from each neighbour.",
#     "Borders: zeros; only diagonal neighbours that do not exist leave a token its own channels.",
#     "No weight, no multiplication. The gate now reads 3 tokens (time) or 9 (space).",
#     "Weight says which slot is used. With a shift, part of what stands in the slot is a neighbour's.",
#     "A frame of attention in space hears one frame more to each side with every layer that shifts in time.",
#     "Hold a gain by neighbours against strangers: the same shift from tokens that are nobody's neighbours.",
# ]
#
# [objectives]
# time = "take folds of channels from the next and the previous frame"
# space = "take folds of channels from the eight neighbours, with the right borders"
# content = "say whose content a row of weights brings in"
# sees = "say whose numbers a gate behind a shift reads"
# reach = "count how far a query hears through layers of divided attention with shifts"
# judge = "judge a gain by neighbours with a control"

# %% [markdown]
# ## 1 · A picture that cannot be trusted
#
# Eight frames of a motorcycle, filmed by a camera that moves sideways. Each frame is cut into 14 × 14 patches, and all
# 1568 patches attend to each other. We take *every* channel of $k$ and $v$ from the patch to the right (in a frame
# closed to a ring, so that none is lost). The queries stay.
#
# > **Predict before you run.** What happens to the picture of the attention? And, the real question: how much does the
# > *output* change, the thing the network goes on with?

# %%
import torch

import linviz
from linviz import clips
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course.scenes import common, ch14
from linviz.figures import curves, heat, reach
from linviz.fixation import SPACE, shift
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
grid = linviz.Grid(8, 14, 14)
opening = clips.OPENINGS["motorcycle"]
clip = clips.fit(clips.load(opening.name), grid)
q, k, v = clips.descriptors(clip, grid, opening.temperature)          # (1, 1, N, D) each; nothing was learned
N, D = q.shape[-2:]
query = grid.number(3, *opening.place)                                # on the petrol tank, in the fourth frame


def from_the_right(x):
    return grid.unfold(grid.fold(x).roll(-1, -2))                     # every token gets its right neighbour's channels


soft = linviz.make("softmax", heads=1, width=D, grid=grid)
before, after = soft.map(q, k, v), soft.map(q, from_the_right(k), from_the_right(v))

# %%
PatchView([Panel(soft.title, soft.family, before), Panel("softmax, all of k and v shifted", soft.family, after)],
          clip, grid, query=query)

# %%
rows = [a.rows(torch.arange(0, N, 8))[0, 0] for a in (before, after)]
weight = (rows[0] - rows[1]).abs().sum(-1).mean() / 2
change = (before.apply(v) - after.apply(from_the_right(v))).abs().max()
say(f"**{100 * weight:.0f} %** of the weight lies elsewhere now. The output has changed by at most **{change:.0e}**.")
assert weight > 0.3 and change < 1e-4

# %% [markdown]
# Every light has moved one patch to the left, and the output has not noticed. It cannot: attention is a sum over keys,
# and a sum does not care in which order its terms come. Slot $j$ is looked at instead of slot $j + 1$, but slot $j$
# now *holds* what stood in $j + 1$.
#
# So a picture of attention shows **which slot is used, and not whose content stands there**. Without shifts the two are
# the same, and nobody has to think about it. Keep this in mind: the method of this chapter shifts some channels and
# leaves others, and its pictures have to be read with care.
#
# ## 2 · Some channels from the next frame, some from the last
#
# *Feature fixation* shifts $k$ and $v$ before their features and the gate are made. In **time**: cut the channels
# (all heads in a row) into four folds. The first fold comes from the next frame, the second from the frame before, and
# the rest stay. Where there is no next or previous frame stand zeros.
#
# $$y_{t,c} = \begin{cases} x_{t+1,\,c} & c < C/4 \\ x_{t-1,\,c} & C/4 \le c < C/2 \\ x_{t,\,c} &
# \text{else}\end{cases}$$
#
# (A fold has $\lfloor C/4 \rfloor$ channels; what is left over stays, too.) It is a copy, and nothing else: no weight,
# no multiplication. Five frames of one patch with eight channels, each number telling the frame that it came from:

# %%
frames = torch.arange(1.0, 6).view(1, 1, 5, 1).expand(1, 1, 5, 8)
made = shift(frames, linviz.Grid(T=5), "time")[0, 0]
say(table(["frame", *(f"c{n}" for n in range(8))],
          [[f"{t + 1}", *(f"{x:.0f}" if x else "–" for x in row)] for t, row in enumerate(made)]))
assert made[2].tolist() == [4, 4, 2, 2, 3, 3, 3, 3] and made[0, 2:4].eq(0).all() and made[4, :2].eq(0).all()

# %% [markdown] tags=["exercise"]
# number = "14.1"
# title = "The shift in time"
# difficulty = 2
# importance = 5
# minutes = 10
# objectives = ["time"]
# task = '''
# `x` is $T \times P \times C$: $T$ frames of $P$ patches with $C$ channels. Return it shifted: the first $\lfloor C/4
# \rfloor$ channels from the next frame, as many from the previous one, the rest as they are, zeros beyond the ends.
# '''
# hints = [
# '''
# Which frames have a next one? All but the last. Fill exactly these, in exactly these channels.
# ''',
# '''
# Start from a copy with zeros in channels $0$ to $2\lfloor C/4 \rfloor - 1$. Then `y[:-1]` takes from `x[1:]`, and the
# other way round.
# ''',
# '''
# `fold = x.shape[2] // 4`; `y[:-1, :, :fold] = x[1:, :, :fold]`; `y[1:, :, fold:2 * fold] = x[:-1, :, fold:2 * fold]`.
# ''',
# ]
# see = "*Right*, and on the motorcycle your function gives what linviz gives, to the last digit."

# %% tags=["answer:14.1"]
from jaxtyping import Float, Int
from torch import Tensor


def shift_time(x: Float[Tensor, "T P C"]) -> Float[Tensor, "T P C"]:
    """A quarter of the channels from the next frame, a quarter from the previous one; zeros beyond the ends."""
    # solution
    fold = x.shape[2] // 4
    y = x.clone()
    y[:, :, :2 * fold] = 0
    y[:-1, :, :fold] = x[1:, :, :fold]
    y[1:, :, fold:2 * fold] = x[:-1, :, fold:2 * fold]
    return y
    # end


checks.shift_time(shift_time)

# %% tags=["needs:14.1"]
mine = shift_time(k[0, 0].unflatten(0, (grid.T, grid.Y * grid.X))).flatten(0, 1)
assert torch.equal(mine, shift(k, grid, "time")[0, 0])
say(f"{N} patches, {D} channels: yours and linviz's are equal, number by number.")

# %% [markdown]
# ## 3 · Eight neighbours
#
# In **space** there are sixteen folds. Eight of them come from the eight neighbours in the frame, in this order: below,
# above, right, left; then the diagonals. The other half stays. And the border has two rules: a straight neighbour that
# does not exist leaves *zeros*; a diagonal one that does not exist leaves the token *its own* channels. (That is how
# the official code does it. It copies first, and overwrites where there is something to copy.)
#
# > **Predict.** 64 channels. How many of them are still its own, for a patch in the middle of a frame, at its edge, in
# > its corner? And how many are zero?

# %%
def made_of(place: int, channels: int = 64) -> Tensor:
    """How many channels of a token in a 3 x 3 frame come from where."""
    x = torch.zeros(1, 1, 9, channels, requires_grad=True)
    shift(x, linviz.Grid(1, 3, 3), "space")[0, 0, place].sum().backward()
    return x.grad[0, 0].sum(-1).view(3, 3)


counts = torch.stack([made_of(place) for place in (4, 3, 0)])
show(heat.places(counts.numpy(), ["a patch in the middle", "at the left edge", "in the corner above left"], columns=3,
                 bar="channels", top=64.0, title="What the 64 channels of one patch are made of",
                 said=" ".join(f"{name}: {x.int().tolist()}, row by row." for name, x in
                               zip(("Middle", "edge", "corner"), counts))))
say(", ".join(f"{name}: {x.view(-1)[place]:.0f} its own, {64 - x.sum():.0f} zero" for name, place, x in
              zip(("middle", "edge", "corner"), (4, 3, 0), counts)) + ".")
assert counts[0].flatten().tolist() == [4, 4, 4, 4, 32, 4, 4, 4, 4] and 64 - counts[2].sum() == 8

# %% [markdown] tags=["exercise"]
# number = "14.2"
# title = "The shift in space"
# difficulty = 3
# importance = 4
# minutes = 15
# objectives = ["space"]
# task = '''
# `x` is $Y \times X \times C$, one frame; `steps` is $8 \times 2$, rows and columns: fold $n$, of $\lfloor C/16
# \rfloor$ channels, takes `x[r + dy, c + dx]` with `dy, dx = steps[n]`. Mind the two border rules: straight steps leave
# zeros, diagonal ones leave what was there.
# '''
# hints = [
# '''
# One fold at a time. Which rows $r$ have a row $r + dy$ in the frame, for $dy = 1$, for $-1$ and for $0$?
# ''',
# '''
# Start from a copy of `x`. If a step is straight ($dy = 0$ or $dx = 0$), set its fold to zero first. Then overwrite the
# rows from $\max(-dy, 0)$ to $Y - \max(dy, 0)$ with those from $\max(dy, 0)$ to $Y - \max(-dy, 0)$; columns alike.
# ''',
# '''
# `part = slice(n * fold, (n + 1) * fold)`, `here = slice(max(-dy, 0), Y - max(dy, 0))`, `there = slice(max(dy, 0), Y -
# max(-dy, 0))`, the same for columns, and `y[here, here_x, part] = x[there, there_x, part]`.
# ''',
# ]
# see = "*Right*, and frame by frame it is linviz's shift in space."

# %% tags=["answer:14.2"]
def shift_space(x: Float[Tensor, "Y X C"], steps: Int[Tensor, "8 2"]) -> Float[Tensor, "Y X C"]:
    """Eight folds of channels from the eight neighbours; beyond the border zeros, for diagonal ones its own."""
    # solution
    Y, X, C = x.shape
    fold, y = C // 16, x.clone()
    for n, (dy, dx) in enumerate(steps.tolist()):
        part = slice(n * fold, (n + 1) * fold)
        if dy == 0 or dx == 0:
            y[:, :, part] = 0
        here = slice(max(-dy, 0), Y - max(dy, 0)), slice(max(-dx, 0), X - max(dx, 0))
        there = slice(max(dy, 0), Y - max(-dy, 0)), slice(max(dx, 0), X - max(-dx, 0))
        y[here[0], here[1], part] = x[there[0], there[1], part]
    return y
    # end


checks.shift_space(shift_space)

# %% tags=["needs:14.2"]
steps = torch.tensor([step[1:] for step in SPACE])
mine = torch.stack([shift_space(frame, steps) for frame in grid.fold(v)[0, 0]])
assert torch.equal(mine, grid.fold(shift(v, grid, "space"))[0, 0])
say(f"{grid.T} frames of {grid.Y} × {grid.X} patches: equal to linviz, number by number.")

# %% [markdown]
# ## 4 · Light and content
#
# Back to the picture that cannot be trusted. Softmax with the shift in time, on the motorcycle, asked from the petrol
# tank in the fourth frame. A row of weights says which *slots* are used. To know whose *content* that brings in, every
# channel has to be sent home: for the first fold of $v$ the weight on frame $t$ belongs to frame $t + 1$, for the
# second to $t - 1$, for the rest to $t$ itself. The mean over channels is the row of content.
#
# > **Predict.** The brightest slot lies in the third frame. In which frame was the content seen that this row uses
# > most?

# %%
in_time = linviz.make("softmax+shift:time", heads=1, width=D, grid=grid)
row = in_time.map(q, k, v).rows(torch.tensor([query]))[0, 0, 0]
content = ch14.carried(row, grid, D, "time")
pictures = torch.stack([grid.fold(x[:, None])[t, :, :, 0] for x in (row, content) for t in (1, 2, 3, 4)]) * N
names = [f"{what}, frame {t}" for what in ("weight", "content") for t in (2, 3, 4, 5)]
show(heat.places(pictures.numpy(), names, bar="fair shares", top=pictures.max().item(), columns=4,
                 title="The same row twice: where its weight lies, and where its content was seen"))
brightest, used = (grid.place(int(x.argmax())) for x in (row, content))
moved = (row - content).abs().sum() / 2
say(f"Brightest slot: frame {brightest[0] + 1}, row {brightest[1] + 1}, column {brightest[2] + 1}. Most content: frame "
    f"**{used[0] + 1}**, row {used[1] + 1}, column {used[2] + 1}. In all {100 * moved:.0f} % of the content was seen "
    "elsewhere than the weight says. (The two frames are nearly equal: it takes little to change their order.)")
assert brightest[0] == 2 and used[0] == 3 and moved > 0.05

# %% [markdown]
# A blob that sits beside the object need not be a fault of the attention: a bright token may carry its neighbour's
# content. Here is one frame of a row under the shift in space. Turn the slider through the eight folds.
#
# > **Predict.** Fold 0 comes from below. In the right panel, does the light move up or down?

# %%
in_space = linviz.make("softmax+shift:space", heads=1, width=D, grid=grid)
tank = grid.number(6, 6, 6)
spatial = in_space.map(q, k, v).rows(torch.tensor([tank]))[0, 0, 0]
frame = grid.place(int(spatial.argmax()))[0]


def fold_at(fold: float):
    return ch14.fold_at(fold, row=spatial, grid=grid, frame=frame)


Live(fold_at, ch14.FOLDS, label="fold of channels", start=0, form="d")

# %%
away = ch14.carried(spatial, grid, D, "space")
kernel = linviz.make("relu_floor+shift:space", heads=1, width=D, grid=grid)
flat = kernel.map(q, k, v).rows(torch.tensor([tank]))[0, 0, 0]
lost = 1 - ch14.carried(flat, grid, D, "space").sum() / flat.sum()
say(f"Over all channels, {100 * (spatial - away).abs().sum() / 2:.0f} % of the content comes from elsewhere than the "
    f"weight says. The flat row of a kernel, which reaches every border, spends {100 * lost:.1f} % of itself on zeros.")
assert (spatial - away).abs().sum() / 2 > 0.2 and 0 < lost < 0.05

# %% [markdown] tags=["exercise"]
# number = "14.3"
# title = "Whose content?"
# difficulty = 4
# importance = 4
# minutes = 17
# objectives = ["content"]
# task = '''
# `row` is $Y \times X$: weights on the slots of one frame, whose `v` was shifted in space. Return $Y \times X$: which
# share of the content comes from each place, averaged over `channels`. `steps` and folds are those of exercise 14.2;
# for a `channels` that sixteen does not divide, more than half of them stay.
# '''
# hints = [
# '''
# Take one weight, on slot $(r, c)$, and one fold with step $(dy, dx)$. Whose channels stand there? And if that place
# does not exist?
# ''',
# '''
# With $f = \lfloor C/16 \rfloor$: a share $(C - 8f)/C$ of each weight is the slot's own. A share $f/C$ goes to $(r +
# dy, c + dx)$ for every step; beyond the border it is lost if the step is straight, and the slot's own if it is
# diagonal. ''',
# '''
# `out = row * (channels - 8 * fold) / channels`; then for each step and each place `out[r + dy, c + dx] += row[r, c] *
# fold / channels`, with the two cases at the border. (Or ask autograd: content is the gradient of the mixed channels.)
# ''',
# ]
# see = "*Right*; the next cell sends the frame above home with your function."

# %% tags=["answer:14.3"]
def content_of(row: Float[Tensor, "Y X"], channels: int, steps: Int[Tensor, "8 2"]) -> Float[Tensor, "Y X"]:
    """Whose content a row over one frame brings in, when v was shifted in space."""
    # solution
    Y, X = row.shape
    fold = channels // 16
    out = row * (channels - 8 * fold) / channels
    for dy, dx in steps.tolist():
        for r in range(Y):
            for c in range(X):
                if 0 <= r + dy < Y and 0 <= c + dx < X:
                    out[r + dy, c + dx] += row[r, c] * fold / channels
                elif dy and dx:
                    out[r, c] += row[r, c] * fold / channels
    return out
    # end


checks.content_of(content_of)

# %% tags=["needs:14.3"]
here = grid.fold(spatial[:, None])[frame, :, :, 0]
home = content_of(here, D, torch.tensor([step[1:] for step in SPACE]))
assert torch.allclose(home, grid.fold(away[:, None])[frame, :, :, 0], atol=1e-6)
say(f"Frame {frame + 1} holds {100 * here.sum():.1f} % of the row's weight, {100 * home.sum():.1f} % of its content.")

# %% [markdown]
# [Gate and shift in the explorer](http://localhost:8501/?clip=motorcycle&maps=softmax,relu_floor%2Bgate&shift=space),
# where the choice *neighbours shifted into k and v* is beside the gate's. Its pictures show slots, as all pictures of
# attention do.
#
# ## 5 · What the gate sees now
#
# The gate reads $[\phi(q_i);\ \phi(k_i);\ v_i]$ of one token. It still does. But $k_i$ and $v_i$ are no longer made of
# one token.
#
# > **Predict.** Whose numbers can change the ratios of a patch in the middle of the clip: without a shift, with the
# > shift in time, with the shift in space? And with attention over all 1568 patches behind it?

# %%
middle = grid.number(3, 6, 6)
sees = {name: ch14.seen_by(linviz.make(spec, heads=1, width=D, grid=grid), q, k, v, middle)
        for name, spec in (("no shift", "relu_floor+gate"), ("shift in time", "relu_floor+gate+shift:time"),
                           ("shift in space", "relu_floor+gate+shift:space"))}
size = {name: sum(p.numel() for p in linviz.make(f"relu_floor+gate{spec}", heads=1, width=D, grid=grid).parameters())
        for name, spec in zip(sees, ("", "+shift:time", "+shift:space"))}
say(table(["", "tokens that reach the ratios", "frames", "weights to learn"],
          [[name, f"{int(x.sum())}", f"{int(grid.fold(x[:, None]).any(1).any(1).sum())}", f"{size[name]:,}"]
           for name, x in sees.items()]))
assert [int(x.sum()) for x in sees.values()] == [1, 3, 9] and len(set(size.values())) == 1

# %% [markdown]
# Three or nine tokens, and not one weight more. All the 1568 meet only later, in the sums of attention, when the ratios
# have long been made. Now a gate *could* tell an edge from a spot, or what moves from what stands still, by comparing
# channels of its own with channels of a neighbour.
#
# With two blemishes. No channel is ever compared with *itself* next door: the fold that comes from the next frame holds
# other features than the folds that stay. And $q$ is not shifted: a query's first fold meets its keys' first fold from
# another frame. Where nothing moves this does no harm. Where something moves, $q \cdot k$ mixes two moments.
#
# ## 6 · Divided attention, and how far one hears
#
# The method was built into *divided* attention: first each place attends along time, then each frame attends within
# itself. The layer in time gets the shift in space, and the layer in space the shift in time, so that each lets in a
# little of what it cannot see. `linviz.flow.reach` asks the layers themselves: whose values reach the output of a query
# after one, two, three of them?
#
# > **Predict.** Attention frame by frame, with the shift in time. How many of the eight frames does a patch of the
# > fourth frame hear of after three layers?

# %%
chosen = {"joint": ["softmax"], "frame by frame": ["softmax@space"],
          "frame by frame, shift in time": ["softmax+shift:time@space"],
          "place by place, shift in space": ["softmax+shift:space@time"], "divided": ["softmax@time", "softmax@space"],
          "divided, both shifts": ["softmax+shift:space@time", "softmax+shift:time@space"]}
found = {title: ch14.scheme(title, specs, grid, middle) for title, specs in chosen.items()}
show(reach.reach([path for title, (path, _) in found.items() if title != "frame by frame"]))
say(table(["tokens heard of", "1 layer", "2 layers", "3 layers", "operations of all three"],
          [[title, *(f"{n}" for n in heard), f"{path.operations[-1]:,}"] for title, (path, heard) in found.items()]))
heard = found["frame by frame, shift in time"][1]
say(f"Frame by frame with the shift in time: {', '.join(str(n // 196) for n in heard)} frames of {grid.T}.")
assert heard == [3 * 196, 5 * 196, 7 * 196] and found["divided"][1][1:] == [N, N]
assert found["place by place, shift in space"][1] == [9 * 8, 25 * 8, 49 * 8]

# %% [markdown]
# One frame more to each side with every layer, one ring of patches more in the other case: the shift costs nothing and
# travels slowly. Divided attention hears the whole clip after two layers, shift or no shift; so for *reach* it does not
# need the shift at all. What the shift adds there is earlier and finer: neighbours are in a token's own channels before
# the gate decides.
#
# [Frame by frame, without the shift and with
# it](http://localhost:8501/who_sees_whom?clip=motorcycle&frames=8&left=space&right=shift_time): click any patch of the
# motorcycle, and see whom it has heard of, and in which layer. The menus hold the other schemes.
#
# (The operations in the chart are those of softmax. For a linear kernel all of these schemes cost the same, since its
# cost does not depend on how many keys meet: dividing is a choice of what to see, not of speed.)

# %%
linear = {title: ch14.scheme(title, [spec.replace("softmax", "relu_floor") for spec in specs], grid, middle)[0]
          for title, specs in chosen.items()}
same = {p.operations[-1] for p in linear.values()}
say(f"The linear kernel, three layers of any of the {len(linear)} schemes: {min(same):,} operations.")
assert len(same) == 1

# %% [markdown]
# ## 7 · Do the neighbours help?
#
# A fair question, and an easy one to answer wrongly. As in chapter 13 we fit a gate to a map; it is *fitted to a map,
# never trained on a task*. Two targets: **now**, softmax of the clip's own $q$ and $k$, in which neighbours have no
# part; and **next**, softmax whose keys show what stands at a place *one frame later*, so that a token that knows its
# next frame should find it easier. Four gates: no shift; the shift in time; in space; and a control, **strangers**: the
# same folds, taken from tokens that are nobody's neighbours, drawn anew for every seed. Small grids and few steps, to
# save time.
#
# > **Predict.** For the target *next*, which asks for the next frame: will the shift in time come nearer than no shift?
# > On all clips? And the strangers?

# %%
small = linviz.Grid(4, 6, 6)
gate = linviz.make("relu_floor+gate", heads=1, width=D, grid=small)
SEEDS = (0, 1, 2, 3)                                                  # of the gate's first weights and the strangers
later = {name: ch14.ablation(name, "next", small, seeds=SEEDS) for name in ("digit", "pan")}

# %%
later |= {name: ch14.ablation(name, "next", small, seeds=SEEDS) for name in ("crossing", "motorcycle")}

# %%
def rows_of(found: dict) -> list[curves.Dots]:
    return [common.runs(f"{name}: {title}", gate, y) for name, fits in found.items() for title, y in fits.items()]


show(curves.dots(rows_of(later), axis="divergence from the target KL (bits)", better="left is nearer",
                 title="To see what comes next: one clip gains by the shift in time, one loses"))
mean = {name: {title: sum(y) / len(y) for title, y in fits.items()} for name, fits in later.items()}
say(table(["target next, mean of four", *mean["pan"]],
          [[name, *(f"{x:.2f}" for x in means.values())] for name, means in mean.items()]))
digit, pan, cycle = (mean[name] for name in ("digit", "pan", "motorcycle"))
by_space = (digit["no shift"] - digit["shift in space"]) / (digit["no shift"] - digit["shift in time"])
drawn = later["pan"]["strangers (control)"]
say(f"On *digit* the shift in space brings {100 * by_space:.0f} % of the gain of the shift in time. On *pan* one draw "
    f"of strangers ends at {min(drawn):.2f}, another at {max(drawn):.2f}; the neighbours in time end at "
    f"{pan['shift in time']:.2f}.")
assert max(later["digit"]["shift in time"]) < min(later["digit"]["no shift"]) and 0.2 < by_space < 0.9
assert pan["shift in time"] < pan["no shift"] and cycle["shift in time"] > cycle["no shift"] + 0.02
assert all(means["strangers (control)"] > means["shift in time"] for means in mean.values())
assert max(drawn) - min(drawn) > 2 * (pan["no shift"] - pan["shift in time"])

# %% [markdown]
# Four clips, and no simple answer.
#
# - **digit**: every run with the shift in time beats every run without. But the shift in space, which knows nothing of
#   the next frame, brings a good part of the same gain, and even strangers bring some. So *seeing the next frame*
#   explains only the rest.
# - **pan**: a small gain, smaller than what the seeds do.
# - **crossing**: nothing, beside the spread of the seeds.
# - **motorcycle**: the shift does harm. A query's channels meet channels of another moment, and this gate has not
#   learnt to undo that.
# - **strangers** do no better than neighbours in time, on average. But look at their spread. One lucky draw would have
#   said: *strangers do as well as neighbours*; one unlucky draw: *neighbours are far better*. **A control needs seeds
#   of its own.**
#
# And the target that has no need of neighbours:

# %%
now = {name: ch14.ablation(name, "now", small) for name in ("digit", "motorcycle")}
show(curves.dots(rows_of(now), axis="divergence from softmax KL (bits)", better="left is nearer",
                 title="To copy what is there now, no shift is best, or as good as any"))
least = {name: {title: sum(y) / len(y) for title, y in fits.items()} for name, fits in now.items()}
say(table(["target now, mean of three", *least["digit"]],
          [[name, *(f"{x:.2f}" for x in means.values())] for name, means in least.items()]))
assert all(means["no shift"] < means["strangers (control)"] for means in least.values())
assert all(means["no shift"] < min(means.values()) + 0.02 for means in least.values())

# %% [markdown]
# Nothing to wonder at: half of the keys' channels were exchanged, and the target asks for the old ones. It is a
# reminder that *a map is not a task*. Whether neighbours help to recognise an action is a question for training on
# actions; the method's authors answer it with networks trained for that, and nothing here confirms or refutes them.
#
# ## 8 · What was not shown
#
# - **No trained network.** A gate that learns with the shift from the beginning may use it better than one that is
#   fitted behind it: the layers before $q$, $k$ and $v$ can then put into each fold what its neighbours should know.
#   What the shift in time does for [models trained on a small task](http://localhost:8501/evidence) has been measured;
#   look at the intervals, not at the means.
# - **Raw descriptors, one head.** Our 18 channels mean something each (lightness, edges, place), so a fold takes away
#   *one meaning*. In a network with eight heads of 64 channels the folds are whole heads, or half ones.
# - **Small grids, few steps.** The fits have not come to rest. The differences between seeds are drawn; trust none that
#   is smaller.
# - **Causality.** The shift in time brings in the next frame: no stream can have it. linviz refuses it with
#   `causal=True`.
#
# The method: *Linear Video Transformer with Feature Fixation*, 2022, arXiv 2210.08164; folds and borders here are those
# of its official code, where the number of folds in time is 4 or 8 (`make(..., shift_parts=8)`).
#
# ## Quiz

# %%
quizzes.neighbours
