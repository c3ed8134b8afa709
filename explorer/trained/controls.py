"""The controls of trained models: models and clip in the sidebar, what is done to both beside the picture."""
from __future__ import annotations

from typing import Any

import streamlit as st

from linviz.mechanisms import parse
from linviz.views import Look, TrainedView
from linviz.views.state import ALL_HEADS

from ..shared.live_state import LiveState
from ..shared.widgets import draw_field
from .model_answers import cached_title
from .trained_state import BUDGETS, STATE, models_here

key = STATE.key
PLAYED = key("played")
FEWEST, MOST = (TrainedView.limits("specs")[end] for end in ("low", "high"))


def live_state() -> LiveState:
    """This visitor's live view, which opens on heat."""
    found: LiveState = st.session_state.setdefault(key("live"), LiveState(Look(mode="heat")))
    return found


def choose_view() -> TrainedView | None:
    """Show the controls in the sidebar; the view that is chosen, None where no model is shipped."""
    models = models_here()
    with st.sidebar:
        if not models:
            return None
        _show_models(models)
        draw_field(STATE, "layer")
        st.radio("Head", TrainedView.limits("head")["words"], key=key("head"), horizontal=True,
                 format_func=lambda head: "mean of all" if head == ALL_HEADS else head)
        draw_field(STATE, "clip")
        draw_field(STATE, "clip_seed")
        st.button("Reset", on_click=_reset, width="stretch")
    return STATE.read_widgets()


def _show_models(models: dict[tuple[str, int], list[str]]) -> None:
    """Budget, seed and models: only what was trained is offered."""
    budgets = [budget for budget in BUDGETS if any(budget == b for b, _ in models)]
    budget: Any = st.selectbox("Trained", budgets, key=key("budget"), format_func=lambda name: BUDGETS[name])
    seeds = sorted(seed for b, seed in models if b == budget)
    if STATE.value("seed") not in seeds:
        STATE.put(seed=seeds[0])
    seed: Any = st.selectbox("Seed of the training", seeds, key=key("seed")) if len(seeds) > 1 else seeds[0]
    names = models[budget, seed]
    kept = [name for name in STATE.value("specs") if name in names]
    STATE.put(specs=kept if kept else names[:MOST])
    st.multiselect("Models side by side, two to four", names, key=key("specs"), format_func=cached_title,
                   max_selections=MOST, select_all=False)
    if len(STATE.value("specs")) < FEWEST:
        st.error("Choose two models or more; one is added until then.")


def show_film_buttons() -> None:
    """Under the film: see it again, or the next clip."""
    with st.container(horizontal=True):
        st.container(key="film_again", width="content").button("Play again", on_click=_again)
        st.button("Another clip", on_click=_next)


def times_played() -> int:
    """How often the visitor has asked to see a film again: the browser plays a film anew if it is another file."""
    return int(st.session_state.get(PLAYED, 0))


def show_changes(view: TrainedView) -> None:
    """Over the maps: what is done to the clip, and to the models in all layers at once."""
    specs = [parse(part) for name in view.specs for part in name.partition("~")[0].split("/")]
    left, middle, right = st.columns(3, gap="medium")
    with left:
        draw_field(STATE, "order")
    with middle:
        draw_field(STATE, "temperature", disabled=not any(spec.name == "softmax" for spec in specs))
    with right:
        draw_field(STATE, "strength", disabled=not any(spec.gate for spec in specs))


def _again() -> None:
    st.session_state[PLAYED] = times_played() + 1


def _next() -> None:
    STATE.put(clip=(STATE.value("clip") + 1) % (TrainedView.limits("clip")["high"] + 1))


def _reset() -> None:
    STATE.reset()
    live_state().clear()
