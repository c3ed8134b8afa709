"""The gates of trained models: every layer and head, key side and query side, beside gates fitted to softmax."""
from __future__ import annotations

from collections.abc import Hashable, Sequence
from html import escape
from typing import Any

import streamlit as st
from torch import Tensor

from linviz import Grid
from linviz.models.gated_heads import GatedHead, LayerGates, ratio_correlation
from linviz.patch_view.heat_png import heat_png, picture_url
from linviz.views import TrainedView
from linviz.views.gate_heading import (
    busiest_channel,
    head_heading,
    pattern_sentence,
    softmax_distance_sentence,
    trained_gates_heading,
)
from linviz.views.state import ALL_HEADS
from linviz.views.trained_maps import moment_pictures
from linviz.views.trained_panels import ModelAnswer

from ..shared.gate_pictures import (
    RATIO_SCALE,
    SPREAD,
    frame_url,
    matrix_html,
    patches_in_frames,
    ratio_url,
    scale_html,
    spread_table,
    tile_html,
    tiles_html,
)
from ..shared.number_tables import three_digits
from ..shared.shift_table import shift_table, shift_words
from .layer_gates import RESULTS, FittedGates, gated_layers, gates_key, learned_gates
from .model_answers import clip_key, clip_task

ALL = "all channels (geometric mean)"
HEAD, CHANNEL = "trained_gate_head", "trained_gate_channel"
LARGE = 4  # times the mean: what the scale of sizes ends at
WAITS = "is being fitted"
MEANING = ("A gate multiplies each feature by a ratio r between 0 and 1. The trained gate was learned for the task; "
           "the fitted one is new and copies softmax's map of the same q and k.")
AXES = ("Each picture: channels 1 to {channels} from top to bottom, {tokens} patches from left to right, moment by "
        "moment. A row of one colour is a channel that the gate treats alike in every patch.")


@st.fragment
def gates_panel(view: TrainedView, found: Sequence[ModelAnswer]) -> None:
    """Every layer and head in one picture, and one of them larger; the fitted gates come when they are ready."""
    fits: FittedGates = st.session_state.setdefault("trained_gates", FittedGates())
    st.subheader("Feature fixation weights", anchor=False)
    gated = [one for one in found if gated_layers(one)]
    if plain := [one.title for one in found if not gated_layers(one)]:
        st.caption(no_gate_sentence(plain))
    if not gated:
        fits.stop()
        return
    names = {one.spec: one for one in gated}
    one = gated[0] if len(gated) == 1 else names[st.radio("Of", names, format_func=lambda name: names[name].title,
                                                          horizontal=True, key="trained_gates_of")]
    key = gates_key(view, one)
    learned, beside = learned_gates(view, one), fits.wanted(key, one)
    show_overview(one, key, learned, beside)
    if key in fits.failed:
        st.caption(f"The fitted gates cannot be shown: {fits.failed[key]}.")
    elif not beside:
        _show_progress(fits)
    show_head(view, one, learned, beside)
    if shifted := [layer.attention for layer in one.layers if layer.attention.parsed.shift]:
        st.markdown(shift_words(shifted[0], one.shape.channels))
        st.html(shift_table(shifted[0], one.shape.channels))


def no_gate_sentence(titles: Sequence[str]) -> str:
    """Which models have no gate.

    >>> no_gate_sentence(["softmax"]), no_gate_sentence(["softmax", "relu"])
    ('softmax has no gate, so it has no ratios to show.', 'softmax and relu have no gate, so they have no ratios to \
show.')
    """
    if len(titles) == 1:
        return f"{titles[0]} has no gate, so it has no ratios to show."
    return f"{', '.join(titles[:-1])} and {titles[-1]} have no gate, so they have no ratios to show."


@st.fragment(run_every=0.5)
def _show_progress(fits: FittedGates) -> None:
    """How far the fits are; the page runs again when they have ended."""
    if fits.due:
        st.rerun()
    if way := fits.progress:
        st.caption(f"Gates are being fitted to softmax's maps: step {way[0]} of {way[1]}.")


# ------------------------------------------------------------------------------------------------ every head


def show_overview(answer: ModelAnswer, key: Hashable, learned: list[list[GatedHead]],
                  beside: list[LayerGates]) -> None:
    """The title, and a card per layer and head."""
    st.markdown(f"**{answer.title}. {trained_gates_heading(learned, beside)}.** {MEANING}")
    numbers = list(gated_layers(answer))
    st.html(RESULTS.keep(("overview", key, len(beside)), lambda: overview_html(numbers, learned, beside)))
    tokens, channels = learned[0][0].gated_shares.shape
    said = AXES.format(channels=channels, tokens=tokens)
    words = [said, pattern_sentence(learned, beside), softmax_distance_sentence(beside) if beside else ""]
    st.caption(" ".join(filter(None, words)))


def overview_html(numbers: list[int], learned: list[list[GatedHead]], beside: list[LayerGates]) -> str:
    """Every gated layer, known by its number, and head: ratios of queries and keys, trained and fitted, on one scale.
    """
    cards, said = [], []
    for n, layer in enumerate(learned):
        for h, head in enumerate(layer):
            fitted = beside[n].fitted[h] if n < len(beside) else None
            cards.append(_head_card(f"layer {numbers[n]}, head {h + 1}", head, fitted))
            c, before, after = busiest_channel(head)
            said.append(f"layer {numbers[n]}, head {h + 1}: {_use_words(head, fitted)}, most in channel {c + 1} "
                        f"({100 * after:.0f} %)")
    return tiles_html(cards, "Fixation ratios of queries and keys in every layer and head, trained and fitted, by "
                             f"channel and patch. {'; '.join(said)}.", RATIO_SCALE, "linviz-gates")


def _head_card(title: str, head: GatedHead, fitted: GatedHead | None) -> str:
    rows = [_ratio_row("trained", head), _ratio_row("fitted", fitted)]
    return (f"<figure><figcaption><b>{escape(title)}</b> {escape(_use_words(head, fitted))}</figcaption>"
            f'<div class="sides"><em></em><em>queries</em><em>keys</em>{"".join(rows)}</div></figure>')


def _ratio_row(name: str, head: GatedHead | None) -> str:
    if head is None:
        return f"<em>{name}</em><u>{WAITS}</u><u></u>"
    return f"<em>{name}</em>" + "".join(f'<img src="{ratio_url(r.mT)}" alt="">' for r in head.ratios)


def _use_words(head: GatedHead, fitted: GatedHead | None) -> str:
    before, after = head.use
    beside = f", fitted {three_digits(fitted.use[1].each)}" if fitted else ""
    return f"channels in use: {three_digits(before.each)} → {three_digits(after.each)}{beside}"


# ------------------------------------------------------------------------------------------------ one head


def show_head(view: TrainedView, answer: ModelAnswer, learned: list[list[GatedHead]], beside: list[LayerGates]) -> None:
    """One layer and head larger: its channels by name, one of them on the clip, and its numbers."""
    left, right = st.columns(2)
    numbers = list(gated_layers(answer))
    with left:
        n, h = _choose_head(view, numbers, learned)
    head, fitted = learned[n][h], beside[n].fitted[h] if n < len(beside) else None
    with right:
        channel = _choose_channel((gates_key(view, answer), n, h), head)
    shown = [(name, one) for name, one in (("trained", head), ("fitted", fitted)) if one]
    st.markdown(f"**{head_heading(head, numbers[n], h + 1)}.**")
    st.html("".join(rows_html(answer.shape.grid, one, name) for name, one in shown))
    st.html(clip_html(view, answer, shown, channel))
    st.html(sizes_html(answer.shape.grid, head))
    st.html(spread_table([(f"{side}, {name}", one.spread[s]) for s, side in enumerate(("Queries", "Keys"))
                          for name, one in shown]))
    st.caption(f"{SPREAD} {agreement_words(head, fitted, beside[n] if fitted else None)}")


def _choose_head(view: TrainedView, numbers: list[int], learned: list[list[GatedHead]]) -> tuple[int, int]:
    """Gated layer and head, from 0: those of the sidebar, until others are chosen here."""
    places = [(n, h) for n, layer in enumerate(learned) for h in range(len(layer))]
    layer = numbers.index(view.layer) if view.layer in numbers else 0
    first = layer, 0 if view.head == ALL_HEADS else int(view.head) - 1
    _begin_with(HEAD, (first, numbers), first)
    found: tuple[int, int] = st.selectbox("Look closer at", places, key=HEAD, format_func=lambda place: (
        f"layer {numbers[place[0]]}, head {place[1] + 1}"))
    return found


def _choose_channel(of: Hashable, head: GatedHead) -> int | None:
    """The channel that is drawn on the clip, from 0: the busiest, until another is chosen; None for all."""
    names = [ALL, *(f"channel {c + 1}" for c in range(len(head.use[1].shares)))]
    _begin_with(CHANNEL, of, names[busiest_channel(head)[0] + 1])
    picked = st.selectbox("Channel on the clip", names, key=CHANNEL)
    return None if picked == ALL else names.index(picked) - 1


def _begin_with(key: str, of: Hashable, value: Any) -> None:
    """Set a widget's value where it stands for something else than before, and only then."""
    if st.session_state.get(f"{key}_of") != of or key not in st.session_state:
        st.session_state[f"{key}_of"], st.session_state[key] = of, value


def rows_html(grid: Grid, head: GatedHead, name: str) -> str:
    """Ratios channel by patch of one head, with the share of every channel without the gate and with it."""
    shares = [f"{c + 1}: {100 * a:.0f} → {100 * b:.0f} %" for c, (a, b) in enumerate(zip(*(
        use.shares.tolist() for use in head.use)))]
    typical = "; ".join(f"channel {c + 1}: {q:.2g} and {k:.2g}" for c, (q, k) in enumerate(zip(*head.levels)))
    return matrix_html([(f"queries, {name}", head.ratios[0].mT), (f"keys, {name}", head.ratios[1].mT)], shares,
                       f"{len(head.ratios[0])} patches, {grid.T} moments", f"Ratios of the {name} gate by channel "
                       f"(down) and patch (across). Typical ratios of queries and keys: {typical}.", parts=grid.T)


def clip_html(view: TrainedView, answer: ModelAnswer, shown: Sequence[tuple[str, GatedHead]],
              channel: int | None) -> str:
    """One channel's ratios on all moments of the clip, trained and fitted."""
    grid, clip = answer.shape.grid, clip_task(*clip_key(view)).clip(0)
    maps = [(f"{side}, {name}", one.token_ratios[s] if channel is None else one.ratios[s][:, channel])
            for name, one in shown for s, side in enumerate(("queries", "keys"))]
    said = "; ".join(f"{title}: from {x.min():.2g} to {x.max():.2g}" for title, x in maps)
    cards = [tile_html("the clip", [("", frame_url(moment_pictures(clip.frames, answer.shape.tubelet[0])))])]
    cards += [tile_html(title, [("", ratio_url(patches_in_frames(x, grid)))]) for title, x in maps]
    what = "all channels" if channel is None else f"channel {channel + 1}"
    return tiles_html(cards, f"Ratios of {what} on the {grid.T} moments of the clip. {said}.", RATIO_SCALE,
                      "linviz-tiles wide")


def sizes_html(grid: Grid, head: GatedHead) -> str:
    """Sizes of features on the clip, before and after the trained gate, on one scale."""
    maps: list[tuple[str, Tensor]] = list(zip(("queries", "queries, gated", "keys", "keys, gated"), head.sizes))
    cards = [tile_html(title, [("", picture_url(heat_png(patches_in_frames(x, grid).numpy(), 0.0, LARGE, "viridis")))])
             for title, x in maps]
    said = " ".join(f"{title}: from {x.min():.2g} to {x.max():.2g}." for title, x in maps)
    ticks = (*map(str, range(LARGE)), f"{LARGE} or more")
    scale = scale_html("size of the features, times its mean; trained gate", ticks, "viridis")
    return tiles_html(cards, f"The size of features on the clip, before and after the gate. {said}", scale,
                      "linviz-tiles wide")


def agreement_words(head: GatedHead, fitted: GatedHead | None, layer: LayerGates | None) -> str:
    """Whether sides and gates are alike, and how far the maps of the layer are from softmax."""
    said = [] if head.agreement is None else [f"Correlation of log r: query and key gate {head.agreement:.2f}"]
    if fitted is not None:
        both = [ratio_correlation(a, b) for a, b in zip(head.ratios, fitted.ratios)]
        said += [f"trained and fitted {side} {x:.2f}" for side, x in zip(("queries", "keys"), both) if x is not None]
    words = f"{', '.join(said)}. " if said else ""
    if layer is None:
        return words
    bits = [three_digits(x) for x in layer.bits]
    return (f"{words}Distance of the layer's map from softmax's, in bits (KL): without a gate {bits[0]}, trained "
            f"{bits[1]}, fitted {bits[2]}.")
