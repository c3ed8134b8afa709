"""The words of studies/GATES.md: every result in them is filled in from the kept rows.

What they claim in words (more, less, most) is held to the rows by tests/studies/test_gates.py.
"""
from __future__ import annotations

from typing import Any

from .gates_page import LAYERS, ORDER, Rows, bare, gated, softmax, told

WORDS = """# What can a gate do?

`python -m studies.gates` writes this page; the setting is described by hand, but no result is.

A trained softmax model attends with its own q, k and v. On these very tensors, each kernel makes a flatter map than
softmax. Here a gate is put on the kernel's features and fitted until the gated map comes nearest softmax's map: no
labels, no task, no training of anything else. So what is recovered is the gate's doing alone, and what is not is
out of its reach.

**The setting.** The long softmax model of the motion task (seed 0; 3 layers, 3 heads, D = 16, 144 tokens). A gate
is fitted per layer, one for all heads as in the paper, on {clips} clips: {steps} steps of Adam at rate {rate},
{batch} clips and {rows} rows of each a step, on KL(softmax's row || gated row). Measured on {held_out} clips of
photographs and digits that were used neither here nor in training the model. Fits differ by seed (the gate's start,
the order of clips): three seeds for relu + floor, one for other kernels. Cells with dots between are layers 1 · 2 ·
3.

**Measures**, means over rows, heads and clips. *Entropy* of a row (uniform: 7.17 bits). *Recovered*: (H of the bare
kernel − H) / (H of the bare kernel − H of softmax); where the bare kernel is as sharp as softmax it means nothing
and stands as –. *KL* to softmax's row: a row may be as sharp as softmax's and look elsewhere, so this and not the
entropy says what was copied. (A trace of 1e-6 of uniform keeps it finite where a kernel is exactly zero.) *Top 5
%*: weight of a row's heaviest keys. *On the digit*: weight on the digit over its share of tokens. *Diversity*: half
the summed distance of a row to its mean row. *Output error*: |o − o of softmax| / |o of softmax|.

## What the numbers say

1. **A gate recovers most of the concentration, in the right places.** Without a gate, relu + floor has rows of
   {h_bare} bits where softmax has {h_soft}. With a separate QKV gate they have {h_gate}: {rec} of the difference
   (layers {rec_each}; fit seeds differ by {kl_spread} bits of KL). KL falls from {kl_bare} to {kl_gate} bits, the
   output error from {e_bare} to {e_gate}. A constant gate recovers {rec_constant}; a gate fitted to *another
   clip's* maps recovers {rec_shuffled}, with a KL of {kl_shuffled}: near softmax's mean map of the training clips
   ({kl_mean_map}), which knows nothing of the clip. Five times as many steps: {kl_longer}.
2. **But most of what there was to copy is one row per clip.** If all queries of a clip and head shared softmax's
   mean row, KL would be {kl_mean_row} bits: {one_row} of the way from uniform ({kl_uniform}) to softmax. The gate
   ends at {kl_gate}: {beyond} of those last bits, which differ from query to query, are copied, too. What the gate
   learned is above all *which tokens are looked at*.
3. **So the gate on keys does most of the work.** Only keys gated: KL {kl_keys}. Only queries: {kl_queries}. One
   number a token, the same for all channels: {kl_tokens}. One number a channel, the same for all tokens of a clip:
   {kl_channels}, of {kl_bare} without a gate. (Fitted so. Averaging the ratios of a gate that was fitted whole, as
   interventions on trained models do, says less: {kl_tokens_after} and {kl_channels_after}.)
4. **With a gate, the floor is a help.** Bare, relu without its floor is nearer softmax than with it ({kl_relu}
   against {kl_bare} bits) and alone recovers {rec_relu} of the floor's lost concentration. Gated, it is the other
   way round: {kl_relu_gate} against {kl_gate}. A gate multiplies; where features are exactly zero it can add
   nothing, and pairs without a common positive channel stay unseen. Free ratios, one number for every token, head
   and channel, fitted to the very clips, stop at {free_relu} bits without the floor and at {free_floor} with it.
   elu + 1 is positive too and does best of all, {kl_linear}; cosFormer, vicinity and focused are built on relu's
   zeros and end at {kl_cosformer}, {kl_vicinity} and {kl_focused}. The floor costs concentration only as long as
   nothing can multiply it away.
5. **Rank is not what the gate brings.** Effective rank goes from {rank_bare} to {rank_gate}; softmax has
   {rank_soft}, relu alone {rank_relu}. It cannot exceed D = 16, gated or not. Free ratios show what a map of rank
   16 can hold: KL {free_floor}, effective rank {free_rank}. So at this size the bound is not the rank but what one
   linear layer can tell from a token.
6. **What the gate sees.** relu + floor, separate: self {kl_self}, QK {kl_qk}, QKV {kl_gate}. Shared between queries
   and keys: self {kl_self_shared}, QK {kl_qk_shared}, QKV {kl_qkv_shared}. A shared QK or QKV gate reads the same
   for both sides of a token, so its two ratios are equal, and it cannot close a key without closing the query:
   sharing costs more than seeing wins. Performer's features hardly tell a gate anything ({kl_perf_self} with self);
   with v it gets to {kl_performer}.
7. **Shifts make copying worse, as they must.** They move channels of k and v between tokens, while softmax's map is
   still that of the unmoved k. KL with a shift in time {kl_time}, in space {kl_space}, against {kl_gate}. The
   channels that move are counted through the heads: head 1 moves whole, head 2 by half, head 3 not at all, and so
   goes the damage ({heads_time} bits; without a shift {heads_none}). The gate repairs a part: softmax itself,
   shifted in time, is {kl_soft_time} bits from its own map. The gated output errs further, because v is shifted as
   well: {e_time}, where softmax's own v would leave {e_time_map}. In training, q, k and v can make use of shifts; this
   study cannot see that, and it is no evidence against them.
8. **Not one model's accident, but one task's.** On {n_others} short softmax models of other training the same gate
   recovers {rec_others} (–: a layer's softmax is too flat there for a share to mean anything).

**What this does not say.** That a network would be as good with the gated map: nothing is trained behind it, and
softmax's map need not be the best one for a kernel. That the gate would find these ratios by training on a task.
That it holds where attention looks at many things at once: in this task nearly every query looks at the digit,
which is the easiest map for a gate. Intervals over models are wider than those over fit seeds, and the long model
is one.

## relu + floor

{main}

## Every kernel, before → after a separate QKV gate

Means over layers, but for *recovered*.

{kernels}

## Every form of gate

Means over layers; the gate of every column is fitted anew.

{forms}

The same with a shift in time:

{shifted}

## Which part of the gate does it?

relu + floor, separate QKV gate; means over layers; ± half the range of three fit seeds.

{parts}

## Shifts, head by head

{shifts}

## Other models

Means over layers, {clips} clips each; one fit seed where the model is a short one.

{models}

## Left out

{skipped}
- `focused+conv` and every scope (`@time`, `@window`, ...): the map is more than a product of gated features over
  all tokens.
"""


def words(rows: Rows) -> dict[str, str]:
    """Every number in the words above, as it is said; means over layers and fit seeds unless the words say more."""
    return entropies(rows) | divergences(rows) | others(rows)


def entropies(rows: Rows) -> dict[str, str]:
    """Bits of rows, and shares recovered."""
    def share(**fields: Any) -> str:
        return told(rows.recovered(**fields), "recovered", 0)

    each = (told(rows.recovered(n, **gated()), "recovered", 0) for n in LAYERS)
    h = {"h_soft": softmax(), "h_bare": bare(), "h_gate": gated()}
    floor, soft, relu = (rows.mean("entropy", **x) for x in (bare(), softmax(), bare("relu")))
    return {name: f"{rows.mean('entropy', **fields):.2f}" for name, fields in h.items()} | {
        "rec": share(**gated()), "rec_each": " · ".join(each), "rec_constant": share(**gated(how="constant")),
        "rec_shuffled": share(**gated(how="shuffled")), "rec_relu": f"{(floor - relu) / (floor - soft):.0%}".replace(
            "%", " %")}


def divergences(rows: Rows) -> dict[str, str]:
    """Bits of KL, mean over layers."""
    asked = {"bare": bare(), "gate": gated(), "shuffled": gated(how="shuffled"), "longer": gated(how="longer"),
             "mean_map": softmax() | {"kernel": "mean map"}, "mean_row": softmax() | {"kernel": "mean row"},
             "uniform": softmax() | {"kernel": "uniform"}, "relu": bare("relu"), "relu_gate": gated("relu"),
             "self": gated(form=("self", False)), "qk": gated(form=("qk", False)),
             "self_shared": gated(form=("self", True)), "qk_shared": gated(form=("qk", True)),
             "qkv_shared": gated(form=("qkv", True)), "time": gated(shift="time"), "space": gated(shift="space"),
             "soft_time": softmax() | {"shift": "time"}, "perf_self": gated("performer", ("self", False))}
    asked |= {part: gated(part=part) for part in ("keys", "queries", "tokens", "channels")}
    asked |= {f"{part}_after": gated(part=part, how="after") for part in ("tokens", "channels")}
    asked |= {kernel: gated(kernel) for kernel in ORDER if kernel not in ("relu", "relu_floor")}
    return {f"kl_{name}": f"{rows.mean('kl', **fields):.2f}" for name, fields in asked.items()}


def others(rows: Rows) -> dict[str, str]:
    """Errors, ranks, bounds, heads, and other models."""
    ratio = {"beyond": 1 - rows.mean("kl", **gated()) / rows.mean("kl", **softmax() | {"kernel": "mean row"}),
             "one_row": 1 - rows.mean("kl", **softmax() | {"kernel": "mean row"}) / rows.mean(
                 "kl", **softmax() | {"kernel": "uniform"})}
    ranks = {"rank_bare": bare(), "rank_gate": gated(), "rank_soft": softmax(), "rank_relu": bare("relu"),
             "free_rank": gated(how="free")}
    models = sorted({row["model"] for row in rows.all if row["model"].startswith("short")})
    recovered = [rows.recovered(**gated(model=m)) for m in models]
    return {name: told(x, "recovered", 0) for name, x in ratio.items()} | {
        name: f"{rows.mean('effective_rank', **fields):.1f}" for name, fields in ranks.items()} | {
        "e_bare": f"{rows.mean('error', **bare()):.2f}", "e_gate": f"{rows.mean('error', **gated()):.2f}",
        "e_time": f"{rows.mean('error', **gated(shift='time')):.2f}",
        "e_time_map": f"{rows.mean('error_of_map', **gated(shift='time')):.2f}",
        "kl_spread": f"{rows.spread('kl', **gated()):.3f}",
        "free_floor": f"{rows.mean('kl', **gated(how='free')):.2f}",
        "free_relu": f"{rows.mean('kl', **gated('relu', how='free')):.2f}",
        "heads_time": heads(rows, "time"), "heads_none": heads(rows, ""), "n_others": str(len(models)),
        "rec_others": " · ".join(told(x, "recovered", 0) for x in recovered)}


def heads(rows: Rows, shift: str) -> str:
    """KL of every head with the gate."""
    return " · ".join(f"{rows.mean(f'kl_{n}', **gated(shift=shift)):.2f}" for n in (1, 2, 3))
