# %% [markdown] tags=["front"]
# title = "Causal and recurrent"
# lead = '''
# A clip comes in frame by frame, and nobody can look at what has not happened yet. Softmax attention answers with a
# cache of everything it ever saw. Linear attention, under the same rule, turns out to be a recurrent network: a
# memory of a few hundred numbers that never grows. The same map, to the last digit. What fits into such a memory, and
# what has to stay outside?
# '''
# questions = [
#     "How does one attend to a clip that is still going on?",
#     "What does a memory that never grows remember, and what can it never give back?",
#     "The triangle gives linear attention full rank. Is that worth anything?",
# ]
# prerequisites = [
#     "The bracket that moves and linear attention (chapter 4).",
#     "Ranks (chapter 3) for the last section.",
# ]
# minutes = {reading = 45, exercises = 45, quiz = 5}
# key_points = [
#     "Causal: query i sees keys 0 to i. Test it by changing the last token: no earlier output may move.",
#     "A triangle on the finished table is not enough where a normaliser has seen the future.",
#     "The bracket becomes a running sum: a recurrent network, exact, with a state of M E + M numbers.",
#     "A sum has no order and no dates: everything seen counts alike until it is taken out again.",
#     "Chunks do more arithmetic in fewer steps, and are faster for it.",
#     "The triangle has full rank, whatever is in it, even a running mean that looks at nothing.",
#     "What passes from past to future goes through a door M wide, at every moment.",
# ]
#
# [objectives]
# causal = "mask a map so that nobody sees the future, and test that nobody peeks"
# recurrent = "write linear attention as a recurrent network, and show that it is the same"
# memory = "compare a state with a cache, and say what a state cannot give back"
# forget = "make a state forget exactly"
# chunks = "compute causal attention in chunks, and say what their size trades"
# rank = "explain the rank of the triangle, and find what passes from past to future"

# %% [markdown]
# ## 1 · Nobody may see the future
#
# A clip: a cat and a cup of coffee cross in front of a photographer. Eight frames of 14 × 14 patches, so 1,568
# tokens, counted frame by frame, in a frame row by row. As they come in, each may look at what came before it and at
# itself, and at nothing else: weights of keys $j > i$ are zero. Written as a table, only the lower **triangle** is
# left.
#
# > **Predict before you run.** We ask from the cat's face in the sixth of the eight frames. Which frames will be lit?
# > And within the sixth frame, which patches?

# %%
import torch

import linviz
from linviz import clips
from linviz.concentration import frame_mass
from linviz.cost import flops, seconds
from linviz.course import Live, checks, quizzes, say, show, table
from linviz.course import pictures
from linviz.course.scenes import ch05
from linviz.course.pictures import Gallery, Picture
from linviz.figures import Line, growth, spectrum
from linviz.maps import CausalFactored, Features, Normaliser
from linviz.patch_view import Panel, PatchView

torch.set_num_threads(1)
grid = linviz.Grid(T=8, Y=14, X=14)
clip = clips.fit(clips.load("crossing"), grid)
q, k, v = (x.double() for x in clips.descriptors(clip, grid, temperature=2 / 3))        # (1, 1, N, D) each
N, D = q.shape[-2:]                                                   # 1568 tokens, 18 channels: 16, time and change
query = grid.number(5, 6, 9)                                          # sixth frame, on the cat

soft, linear = (linviz.make(name, heads=1, width=D, grid=grid, causal=True) for name in ("softmax", "linear"))
PatchView([Panel(f"{m.title}, causal", m.family, m.map(q, k, v)) for m in (soft, linear)], clip, grid, query=query)

# %% [markdown]
# Step through the frames: the five before are lit, the two after are black. In the sixth frame the upper rows are
# lit, down to our own patch, because patches of one frame come one after another, too. That order *within* a frame
# is an accident of counting: nothing in a frame comes before anything else. (In practice one often lets a whole frame
# see itself. Here we keep the rule simple.) And elu + 1 is fog, in time as it was in space.
#
# [Both in the
# explorer](http://localhost:8501/?clip=crossing&temperature=0.6667&maps=softmax,linear&causal=1), with other clips and
# other mechanisms; its switch *Causal* takes the triangle away. ([Which of them have a causal
# form](http://localhost:8501/atlas?causal=yes)?)
#
# How can one be sure that nobody peeks? By a test that needs no look inside: **change the last token, and see whether
# any earlier output moves.** Efficient attention of chapter 4 has positive weights and rows of one as well. Let us
# cut the triangle out of its finished table, too.
#
# > **Predict.** Three tables, three triangles: softmax, elu + 1, efficient. Who passes the test?

# %%
plain = {name: linviz.make(name, heads=1, width=D, grid=grid) for name in ("softmax", "linear", "efficient")}


def cut(name: str, q, k, v):
    """The triangle of a finished table, each row divided by what is left of it."""
    w = plain[name].map(q, k, v).dense().tril()
    return w @ v / w.sum(-1, keepdim=True)


def moved(attend) -> float:
    """How far the earlier outputs move when the last token changes."""
    other_k, other_v = (torch.cat((x[..., :-1, :], 3 * x[..., -1:, :] + 1), -2) for x in (k, v))
    return (attend(q, other_k, other_v) - attend(q, k, v))[..., :-1, :].abs().max().item()


tested = {"softmax, cut from its table": moved(lambda *x: cut("softmax", *x)),
          "linear (elu + 1), cut from its table": moved(lambda *x: cut("linear", *x)),
          "efficient, cut from its table": moved(lambda *x: cut("efficient", *x)),
          "softmax, causal in linviz": moved(soft), "linear (elu + 1), causal in linviz": moved(linear),
          "efficient, causal in linviz":
              moved(linviz.make("efficient", heads=1, width=D, grid=grid, causal=True))}
say(table(["", "earlier outputs move by"], [[name, "nothing" if x < 1e-9 else f"**{x:.1g}**"]
                                            for name, x in tested.items()]))
assert [name for name, x in tested.items() if x > 1e-9] == ["efficient, cut from its table"]

# %% [markdown]
# A triangle on the finished table is not always enough. A template of efficient attention is a softmax over *all*
# positions; a new last token makes every template a little fainter everywhere, and by different amounts. The future
# has leaked in before the triangle came. (The causal form that linviz has takes $e^k$ instead, with running sums, and
# divides each row by its own.) Softmax and kernels divide each row by a sum over keys, and this sum is cut with the
# row.

# %% [markdown] tags=["exercise"]
# number = "5.1"
# title = "Up to now"
# difficulty = 1
# importance = 4
# minutes = 6
# objectives = ["causal"]
# task = '''
# Causal linear attention with the table: `phi_q` and `phi_k` are $N \times M$ features, `v` is $N \times E$. Weights
# $\phi(q_i)\cdot\phi(k_j)$ for $j \le i$, none for $j > i$, each row divided by its sum. Here the table may be made;
# leave the $\epsilon$ out, in this exercise and the next ones (features are positive, and a token always sees itself).
# '''
# hints = [
# '''
# Three steps: the table, the triangle, the row sums. In which order, so that the row sums do not see the future?
# ''',
# '''
# $A = \mathrm{tril}(\Phi_q \Phi_k^\top)$, and then $o_i = \sum_j A_{ij} v_j \,/\, \sum_j A_{ij}$.
# ''',
# '''
# `a = (phi_q @ phi_k.mT).tril()`, then `a @ v / a.sum(-1, keepdim=True)`.
# ''',
# ]
# see = "*Right*, and the first token, which can only see itself, returns its own value."

# %% tags=["answer:5.1"]
from jaxtyping import Float
from torch import Tensor


def up_to_now(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "N M"], v: Float[Tensor, "N E"]
              ) -> Float[Tensor, "N E"]:
    """o_i = sum over j <= i of phi(q_i).phi(k_j) v_j, divided by the sum of these weights."""
    # solution
    a = (phi_q @ phi_k.mT).tril()
    return a @ v / a.sum(-1, keepdim=True)
    # end


checks.up_to_now(up_to_now)

# %% [markdown]
# ## 2 · The network inside
#
# The table has $N^2$ weights. Chapter 4 avoided it with two brackets, sums over all keys that no query changes. Now
# each query has brackets of its own, sums over the keys *up to now*:
#
# $$S_i = \sum_{j \le i} \phi(k_j)^\top v_j \qquad z_i = \sum_{j \le i} \phi(k_j) \qquad
# o_i = \frac{\phi(q_i)\, S_i}{\phi(q_i)\cdot z_i}$$
#
# But a sum up to $i$ is the sum up to $i - 1$ and one term more:
#
# $$S_i = S_{i-1} + \phi(k_i)^\top v_i \qquad\qquad z_i = z_{i-1} + \phi(k_i)$$
#
# That is a recurrent network. It has a **state** $(S, z)$; a token comes in, is written into the state, and reads its
# output from it. Nothing else is kept of the past. Not an approximation of causal linear attention: the same sums, in
# another order.

# %% [markdown] tags=["exercise"]
# number = "5.2"
# title = "One step"
# difficulty = 2
# importance = 5
# minutes = 8
# objectives = ["recurrent"]
# task = '''
# Write the network's step. The state `S` is $M \times E$ and `z` has $M$ numbers; one token brings `phi_q` and
# `phi_k`, $M$ numbers each, and `v`, $E$ numbers. Return the new $S$, the new $z$ and the token's output, without
# changing what you were given.
# '''
# hints = [
# '''
# A token sees itself. So which comes first, writing or reading?
# ''',
# '''
# $S' = S + \phi(k)^\top v$ is an outer product, $M \times E$; $z' = z + \phi(k)$; $o = \phi(q) S' / (\phi(q)\cdot
# z')$.
# ''',
# '''
# `S = S + phi_k[:, None] * v`, `z = z + phi_k`, and then `phi_q @ S / (phi_q @ z)`.
# ''',
# ]
# see = "*Right*. Then your network reads the whole clip, token by token."

# %% tags=["answer:5.2"]
def step(S: Float[Tensor, "M E"], z: Float[Tensor, "M"], phi_q: Float[Tensor, "M"], phi_k: Float[Tensor, "M"],
         v: Float[Tensor, "E"]) -> tuple[Float[Tensor, "M E"], Float[Tensor, "M"], Float[Tensor, "E"]]:
    """One token written into the state, and its output read from it."""
    # solution
    S, z = S + phi_k[:, None] * v, z + phi_k
    return S, z, phi_q @ S / (phi_q @ z)
    # end


checks.step(step)

# %% [markdown]
# Let the values be colours again, as in chapter 4: three numbers a patch. Then the state of our eighteen channels has
# $18 \cdot 3 + 18 = 72$ numbers. linviz has the same network as `step`; it runs through the clip here, and we keep
# its state at the end of every frame.

# %%
rgb = pictures.colours(clip, grid).double()                           # (1, 1, N, 3): the mean colour of each patch
network = linviz.make("linear", heads=1, width=D, grid=grid, value_width=3, causal=True, eps=0.0)
state, read, states = None, [], []
for i, token in enumerate(zip(*(x.split(1, -2) for x in (q, k, rgb)))):
    state, o = network.step(state, *token)
    read.append(o)
    if (i + 1) % (grid.Y * grid.X) == 0:
        states.append(state)
recurrent = torch.cat(read, -2)
parallel = network(q, k, rgb)
by_the_table = network.map(q, k, rgb).dense() @ rgb
assert max((recurrent - x).abs().max() for x in (parallel, by_the_table)) < 1e-9
say(f"{N:,} steps with {state.S.numel() + state.z.numel()} numbers of memory, or a table of {N * N:,}: the largest "
    f"difference of an output is **{(recurrent - by_the_table).abs().max():.0e}**.")

# %% tags=["needs:5.1", "needs:5.2"]
from torch.nn.functional import elu

phi_q, phi_k, colour = elu(q[0, 0]) + 1, elu(k[0, 0]) + 1, rgb[0, 0]
S, z, mine = torch.zeros(D, 3).double(), torch.zeros(D).double(), []
for token in zip(phi_q, phi_k, colour):
    S, z, o = step(S, z, *token)
    mine.append(o)
mine = torch.stack(mine)
assert (mine - up_to_now(phi_q, phi_k, colour)).abs().max() < 1e-9 and (mine - recurrent[0, 0]).abs().max() < 1e-9
say("Your network, your triangle and linviz's agree on every token, to more than nine digits.")

# %% [markdown]
# ## 3 · Seventy-two numbers
#
# What is in them? Each channel $m$ has a row of $S$: the sum of all colours so far, weighted by how much the channel
# liked the patch. Divided by $z_m$ it is a colour, the mean of what this channel has seen. Eighteen channels,
# eighteen colours: that is the whole memory of the clip. Here it is, under each frame, as it was at the frame's end.
#
# > **Predict.** In the fourth and fifth frame the cat hides most of the cup. Will the red of the cup be gone from the
# > memory?

# %%
palette = [(s.S / s.z.unsqueeze(-1))[0, 0] for s in states]           # (M, 3): a colour a channel
Gallery([Picture(f"after frame {t + 1}", pictures.frame(clip, grid, t),
                 f"Frame {t + 1} of the clip; the reddest of the memory's colours is "
                 f"{pictures.colour_name(p[(p[:, 0] - p[:, 1:].mean(-1)).argmax()])} after it.", p)
         for t, p in enumerate(palette)])

# %%
change = [(100 * (b - a).abs().mean() / palette[-1].std(0).mean()).item() for a, b in zip(palette, palette[1:])]
say("The mean change of a colour from frame to frame, in percent of how much the colours differ among each other: " +
    ", ".join(f"{x:.0f}" for x in change) + ".")
assert max(change) < 10

# %% [markdown]
# The red stays, as a reddish brown, in the channel *green-red*: a sum forgets nothing. But look how little the strips
# move. After one frame the memory is nearly what it will be at the end. Each new frame is one more among those
# already there, a half, a third, an eighth; the state settles into the mean of everything.
#
# It has lost something else, too. A sum does not know in which order its terms came.
#
# > **Predict.** We shuffle the whole clip, all tokens but the last, into a random order, frames and patches mixed up.
# > How much does the last output change: for the network? And for causal softmax?

# %%
order = torch.cat((torch.randperm(N - 1, generator=torch.Generator().manual_seed(0)), torch.tensor([N - 1])))
mixed = tuple(x[..., order, :] for x in (q, k, v))
shuffled = {m.title: (m(*mixed) - m(q, k, v))[..., -1, :].abs().max().item() for m in (linear, soft)}
say("; ".join(f"{title}: {x:.0e}" for title, x in shuffled.items()))
assert max(shuffled.values()) < 1e-9

# %% [markdown]
# Nothing at all, for both. We call it a *recurrent network* and expect something that follows a story; it is a bag
# into which things are put. What was when has to be written on the tokens themselves (here one of the
# eighteen channels is the time). The difference between the two lies elsewhere: softmax still *has* all its tokens
# and may pick one of them out. The state has only their sum.
#
# ## 4 · A state beside a cache
#
# To go on, softmax must keep every key and every value it has seen: a **cache** that grows with each token. The state
# stays as it is. Which is smaller depends on how much has been seen.
#
# > **Predict.** Keys and values 18 wide, a clip of 1,568 tokens. From which token on is the state smaller: from about
# > the 10th, the 200th, the 1,000th? And for heads 128 wide?

# %%
Live(ch05.memory_at, ch05.WIDTHS, label="width of a head", start=18, form=".0f")

# %%
grown = linviz.make("linear", heads=1, width=D, grid=grid, causal=True, eps=0.0)
state = None
for i in range(20):
    state, _ = grown.step(state, *(x[..., i:i + 1, :] for x in (q, k, v)))
kept = {n: (ch05.state_numbers(D, D), ch05.cache_numbers(n, D, D)) for n in (1, 9, 10, N)}
assert state.S.numel() + state.z.numel() == kept[1][0] and k.numel() + v.numel() == kept[N][1]
say(table(["tokens seen", "state, numbers", "cache, numbers"],
          [[f"{n:,}", f"{a:,}", f"{b:,}"] for n, (a, b) in kept.items()]))
assert kept[9][0] > kept[9][1] and kept[10][0] < kept[10][1]

# %% [markdown]
# From about half as many tokens as a head is wide: before the first *row* of the first frame is over. Everything
# after that is room that the cache takes and the state does not. And the price is what one would fear: 342 numbers
# for 1,568 patches cannot hold them apart.
#
# > **Predict.** The patches of the last frame look back. How is their attention divided among the eight frames, under
# > softmax, and under elu + 1?

# %%
last = torch.arange(N - grid.Y * grid.X, N)                           # all queries of the last frame
age = {m.title: (100 * frame_mass(m.map(q, k, v).rows(last)[0, 0], grid).mean(0)).tolist() for m in (soft, linear)}
show(growth.trends([growth.Trend(m.title, m.spec, m.family, range(1, 9), age[m.title]) for m in (soft, linear)],
                   growth.Axis("frame that is looked at"), growth.Axis("share of the attention (%, mean)"),
                   levels={"an eighth": 12.5}, title="Softmax prefers what is recent; the state has no dates"))
assert age[soft.title][6] > 4 * age[soft.title][0] and max(age[linear.title][:7]) < 1.4 * min(age[linear.title][:7])

# %% [markdown]
# (The last frame itself gets about half of its due because a patch sees only the patches above it, half of the frame
# on average.) Softmax looks at recent frames because they resemble the present more (the time is one of their
# channels). Linear attention spreads over time as it does over space. That is no law of recurrent networks: one may
# let the state fade, $S_i = \lambda S_{i-1} + \dots$, or, better, forget on purpose.
#
# ## 5 · To forget, subtract
#
# A state that is a plain sum has one great virtue: what has been added can be taken off again, exactly. If each
# token is to see the last $W$ tokens only, add the one that comes and subtract the one that leaves. The work for a
# token does not depend on $W$ at all. (But the tokens to be taken off must be kept until then: $W$ of them. Nothing
# is free.)

# %% [markdown] tags=["exercise"]
# number = "5.3"
# title = "A window that slides"
# difficulty = 3
# importance = 3
# minutes = 14
# objectives = ["forget"]
# task = '''
# Causal linear attention in which token $i$ sees tokens $i - W + 1$ to $i$: $W$ of them, itself included, fewer at the
# beginning. `phi_q` and `phi_k` are $N \times M$, `v` is $N \times E$. The work must grow neither with $N^2$ nor with
# $W$.
# '''
# hints = [
# '''
# Go on from exercise 5.2. At step $i$ one token comes in. Which one leaves? And must it leave $S$, or $z$, or both?
# ''',
# '''
# $S_i = S_{i-1} + \phi(k_i)^\top v_i - \phi(k_{i-W})^\top v_{i-W}$, as soon as $i \ge W$, and the same for $z$. Or
# with running sums: $\bar S_i - \bar S_{i-W}$.
# ''',
# '''
# A loop over `i` with `S` and `z` from zero: add `phi_k[i][:, None] * v[i]`; `if i >= W:` subtract the same with
# `i - W`; append `phi_q[i] @ S / (phi_q[i] @ z)`; `torch.stack` them.
# ''',
# ]
# see = "*Right*, and the last frame painted from memories of three lengths."

# %% tags=["answer:5.3"]
def window(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "N M"], v: Float[Tensor, "N E"], W: int
           ) -> Float[Tensor, "N E"]:
    """Causal linear attention over the last W tokens, by a state that forgets."""
    # solution
    S, z, out = v.new_zeros(phi_k.shape[1], v.shape[1]), v.new_zeros(phi_k.shape[1]), []
    for i in range(len(v)):
        S, z = S + phi_k[i][:, None] * v[i], z + phi_k[i]
        if i >= W:
            S, z = S - phi_k[i - W][:, None] * v[i - W], z - phi_k[i - W]
        out.append(phi_q[i] @ S / (phi_q[i] @ z))
    return torch.stack(out)
    # end


checks.window(window)

# %% tags=["needs:5.3"]
a, b, colour = elu(q[0, 0]) + 1, elu(k[0, 0]) + 1, rgb[0, 0]
frame = grid.Y * grid.X
views = {"the patches": colour, "all that was seen": recurrent[0, 0],
         "the last 196 tokens": window(a, b, colour, frame), "the last 28 tokens": window(a, b, colour, 2 * grid.X)}
band = (a @ b.mT).tril().triu(1 - frame)                              # the same as a table, to compare
assert (views["the last 196 tokens"] - band @ colour / band.sum(-1, keepdim=True)).abs().max() < 1e-9
Gallery([Picture(name, pictures.mosaic(x[None, None], grid, number=7), f"The last frame painted from {name}: colours "
                 f"spread by {x[-frame:].std(0).mean():.3f}.") for name, x in views.items()])

# %% [markdown]
# Each patch is painted in the mean colour of what it looks at. From all that was seen: one grey-brown for everything.
# A window of a whole frame changes hardly anything. Only when the memory is so short that it holds little but one's
# own two rows, 28 tokens, do colours come back, in bands. To be sharp over a *long* time is another matter, and a
# window has no answer to it.
#
# ## 6 · Chunks
#
# The loop over tokens is how the network runs, one frame after another as a camera delivers them. To *train* it, all
# frames are there at once, and 1,568 steps one after another would leave a fast machine idle: each step is a tiny
# product. The triangle, on the other hand, is one big product, but of all pairs. There is something between: cut the
# sequence into chunks. Pairs *inside* a chunk by the triangle; all *earlier* chunks by the state; then the whole chunk
# is added to the state at once.
#
# $$o_i = \frac{\sum_{j \le i,\ \text{same chunk}} \phi(q_i)\cdot\phi(k_j)\, v_j + \phi(q_i)\, S_{\text{before}}}
# {\sum_{j \le i,\ \text{same chunk}} \phi(q_i)\cdot\phi(k_j) + \phi(q_i) \cdot z_{\text{before}}}$$
#
# > **Predict.** In chunks of 64 tokens there is about eleven times as much to multiply as token by token. How much
# > slower is it?

# %%
one = tuple(x[0, 0] for x in network.features(q, k, rgb))             # phi(q), phi(k) and the colours, as a matrix each
SIZES = (1, 4, 16, 64, 196, 784, N)
work = {size: flops(lambda *x, size=size: ch05.in_chunks(*x, size), *one) for size in SIZES}
time = {size: seconds(lambda *x, size=size: ch05.in_chunks(*x, size), *one, repeat=3) for size in (1, 64, N)}
steps = [-(-N // size) for size in SIZES]
show(growth.trends([growth.Trend("in chunks", "linear", "kernel", steps, [work[size] for size in SIZES])],
                   growth.Axis("steps that wait for each other (and tokens in each)", log=True,
                               marks={f"{n:,}<br>of {size:,}": n for size, n in zip(SIZES, steps)}),
                   growth.Axis("operations in matrix products", log=True),
                   title="Larger chunks: more arithmetic in fewer steps"))
say(f"Chunks of 64 make **{work[64] / work[1]:.0f} times** the operations of single tokens. In one run on the machine "
    f"that made this page they were **{time[1] / time[64]:.0f} times as fast** as single tokens, and "
    f"{time[N] / time[64]:.0f} times as fast as the whole triangle at once.")
assert 10.5 < work[64] / work[1] < 11.5 and time[1] > 3 * time[64]

# %% [markdown]
# Not slower at all. A machine multiplies a large matrix about as readily as a small one, and what it hates is to
# wait. The size of the chunks has no effect on the result; it trades arithmetic for steps, and where the best size
# lies depends on the machine. linviz takes chunks of 64.

# %% [markdown] tags=["exercise"]
# number = "5.4"
# title = "In chunks"
# difficulty = 4
# importance = 4
# minutes = 17
# objectives = ["chunks"]
# task = '''
# Causal linear attention in chunks of `size` tokens: `phi_q` and `phi_k` are $N \times M$, `v` is $N \times E$, each
# row divided by its sum. The last chunk may be shorter. The result is that of exercise 5.1, for every size; the work
# grows with $N$, and larger chunks need fewer operations of torch.
# '''
# hints = [
# '''
# Carry two things from chunk to chunk: $S$ and $z$. What does a query of this chunk get from the state, and what from
# its own chunk? When is the chunk written into the state?
# ''',
# '''
# With $A = \mathrm{tril}(Q K^\top)$ of the chunk's own features: above the line $A V + Q S$, below it the row sums of
# $A$ plus $Q z$. Then $S \leftarrow S + K^\top V$ and $z \leftarrow z + \sum_j \phi(k_j)$.
# ''',
# '''
# `for q, k, x in zip(phi_q.split(size), phi_k.split(size), v.split(size)):` and inside it `a = (q @ k.mT).tril()`,
# append `(a @ x + q @ S) / (a.sum(-1) + q @ z)[:, None]`, then renew `S` and `z`; `torch.cat` at the end.
# ''',
# ]
# see = "*Right*, and one answer for every size: 1 is the network, $N$ is the triangle."

# %% tags=["answer:5.4"]
def chunked(phi_q: Float[Tensor, "N M"], phi_k: Float[Tensor, "N M"], v: Float[Tensor, "N E"], size: int
            ) -> Float[Tensor, "N E"]:
    """Causal linear attention, a chunk at a time: the triangle inside it, the state for all before."""
    # solution
    S, z, out = v.new_zeros(phi_k.shape[1], v.shape[1]), v.new_zeros(phi_k.shape[1]), []
    for q, k, x in zip(phi_q.split(size), phi_k.split(size), v.split(size)):
        a = (q @ k.mT).tril()                                         # (size, size): pairs inside the chunk
        out.append((a @ x + q @ S) / (a.sum(-1) + q @ z)[:, None])
        S, z = S + k.mT @ x, z + k.sum(0)
    return torch.cat(out)
    # end


checks.chunked(chunked)

# %% tags=["needs:5.4"]
answers = {size: (chunked(*one, size) - recurrent[0, 0]).abs().max().item() for size in (1, 10, 64, 196, N)}
assert max(answers.values()) < 1e-9
say("Your chunks against the network, token by token: " +
    ", ".join(f"size {size}: {x:.0e}" for size, x in answers.items()) + ".")

# %% [markdown]
# ## 7 · Full rank again
#
# Now a question about the map. Without the triangle, linear attention is a product of an $N \times 18$ and an $18
# \times N$ matrix: its rank is at most 18, however long the clip (chapter 4 showed what that forbids). The triangle
# sets almost half of the table to zero and divides the rows anew. To see all singular values we take the same clip at
# 7 × 7 patches, 392 tokens.
#
# > **Predict.** What is the rank of the triangle: 18 as before, 36, about 200, or 392?

# %%
small = linviz.Grid(T=8, Y=7, X=7)
x = clips.descriptors(clips.fit(clips.load("crossing"), small), small, temperature=2 / 3)       # float32, as they come
n = len(small)
before, after = (linviz.make("linear", heads=1, width=D, grid=small, causal=c, eps=0.0) for c in (False, True))
readings = {name: linviz.read(m, *x) for name, m in (("linear, all see all", before), ("linear, causal", after))}


def drawn(title: str, a, spec: str, family: str) -> Line:
    s = a.singular_values().flatten()
    return Line(title, spec, family, s.tolist(), bound=a.rank_bound, tolerance=float(s[0]) * a.tolerance)


show(spectrum([drawn(title, r.map, spec, "kernel") for (title, r), spec in
               zip(readings.items(), ("linear", "linear+gate"))]))
ranks = {title: (int(r.numerical_rank), float(r.effective_rank)) for title, r in readings.items()}
say("; ".join(f"{title}: rank **{r}** of {n}, effective rank {e:.0f}" for title, (r, e) in ranks.items()))
assert [r for r, _ in ranks.values()] == [D, n]

# %% [markdown]
# All of it: 392 of 392. And not by a hair: even in float32 no singular value comes near the line below which it would
# count as zero. ([See it
# jump](http://localhost:8501/?clip=crossing&frames=2&temperature=0.6667&maps=softmax,linear&causal=1): two frames are
# 392 patches, too. Turn *Causal* off and on, and look at the table of ranks.)
#
# The triangle has undone the bound. The reason takes two lines: the determinant of a triangular matrix is the product
# of its diagonal, and on the diagonal stands what each token keeps for itself, which is never zero.
#
# So is the "low rank of linear attention" cured by a mask? Look at the reason again. It asks nothing of the features:
# any positive diagonal will do. Here is the control, a causal map with **one** feature that is the same for every
# token. It looks at nothing. Its output is the mean of all values so far.

# %%
ones = torch.ones(1, 1, n, 1)
mean = CausalFactored(Features(ones, ones), Normaliser("add"))        # every weight 1, rows divided by their sums
assert torch.allclose(mean.apply(x[2])[0, 0, 99], x[2][0, 0, :100].mean(0), atol=1e-5)
s = mean.singular_values().flatten()
rank, effective = int((s > mean.tolerance * s[0]).sum()), float(linviz.spectra.effective_rank(s))
say(f"The running mean: rank **{rank}** of {n}, effective rank {effective:.0f}.")
assert rank == n and 0.62 < effective / ranks["linear, causal"][1] < 0.71

# %% [markdown]
# The running mean has full rank as well, and two thirds of the effective rank. *The triangle alone brings it.* Full
# rank is a fact about who may see whom, not about what anybody saw in anything.
#
# Then what became of the bottleneck? It is still there, in another place. Stop the clip between two frames and take
# the part of the table whose queries come after the cut and whose keys came before: everything the future will ever
# hear of the past.
#
# > **Predict.** How does the rank of this block grow as the cut moves through the clip, for causal softmax, for
# > causal elu + 1, for the running mean?

# %%
cuts = tuple(range(small.Y * small.X, n, small.Y * small.X))          # between the frames
causal = linviz.make("softmax", heads=1, width=D, grid=small, causal=True)
fine = tuple(t.double() for t in x)                                   # ranks of blocks are counted in float64
through = {"softmax": ch05.door(causal.map(*fine).dense()[0, 0], cuts, 1e-9),
           "linear (elu + 1)": ch05.door(after.map(*fine).dense()[0, 0], cuts, 1e-9),
           "running mean": ch05.door(mean.dense()[0, 0], cuts, 1e-6)}
looks = {"softmax": ("softmax", "softmax"), "linear (elu + 1)": ("linear", "kernel"),
         "running mean": ("uniform", "content-free")}
show(growth.trends([growth.Trend(name, *looks[name], range(1, small.T), found) for name, found in through.items()],
                   growth.Axis("cut after frame"), growth.Axis("rank of what passes the cut"),
                   title="The past reaches the future through 18 channels, or through one"))
say("; ".join(f"{name}: {', '.join(map(str, found))}" for name, found in through.items()))
assert set(through["linear (elu + 1)"]) == {D} and set(through["running mean"]) == {1}
assert through["softmax"] == [min(c, n - c) for c in cuts] and round(100 * D / (grid.Y * grid.X)) == 9

# %% [markdown]
# Softmax lets through all there is: the rank rises with the past and falls with what is left of the future. Linear
# attention lets through eighteen directions, at every cut. This is the state, seen from outside: $M$ numbers for each
# column of $v$, and whatever the future wants to know must have gone through them. A door $M$ wide.
#
# The ceiling of chapter 4 therefore still stands, at the door. Let each of the 196 patches of a frame look at the same
# place in the frame before. That block has rank 18 and rows of at most one, so its diagonal sums to at most 18, and a
# patch can give its partner $18 / 196$, nine percent, on average. *Full rank, and it still cannot follow a moving
# object patch by patch.*
#
# ## 8 · What was not shown
#
# - **Nothing was trained**, and the descriptors carry the time as one channel. Trained networks let the state fade,
#   gate what is written, or correct what is there before they write. Those are other methods, with other maps.
# - **The order of patches within a frame is arbitrary.** What is causal in a clip is the frame. The triangle by token
#   is the textbook's simplification.
# - **A gate changes nothing of all this.** It works token by token, so a gated kernel has the same state and the same
#   door; `linviz.make("relu_floor+gate", ..., causal=True)` steps, too.
# - **Long sums in short numbers.** All here was float64. In float32 or less a sum over millions of tokens loses its
#   small terms; the window of exercise 5.3, which subtracts, even more so.
# - **Memory is more than the state.** Training keeps what it needs for the way back, state or no state.
#
# Source: *Transformers are RNNs: fast autoregressive transformers with linear attention*, Katharopoulos et al., 2020,
# arXiv 2006.16236. The causal form of efficient attention is that of the *linear-attention-transformer* code.
#
# ## Quiz

# %%
quizzes.recurrent
