"""The controls of trained models: models and clip in the sidebar, what is done to both beside the picture."""
from __future__ import annotations

import streamlit as st

from linviz.mechanisms import parse
from linviz.views import Look

from ..shared.hand import Hand
from . import trained_choice as limits
from .trained_choice import ADDRESS, ALL, Choice, there
from .trained_source import KEY
from .trained_work import title

key = ADDRESS.key
PLAYED = key("played")


def hand() -> Hand:
    """This visitor's hand on the view, which opens on heat; the address asks when somebody comes, or goes back."""
    found: Hand = st.session_state.setdefault(key("hand"), Hand(Look(mode="heat"), deaf=("strength",)))
    if (parameters := ADDRESS.asked()) is not None:
        found.ask(parameters)
    return found


def choose(hand: Hand) -> Choice | None:
    """Show the controls in the sidebar; what is chosen, None where no model is shipped."""
    models = there()
    with st.sidebar:
        if not models:
            return None
        _models(models)
        st.radio("Layer", range(1, limits.LAYERS + 1), key=key("layer"), horizontal=True)
        st.radio("Head", [ALL, *map(str, range(1, limits.HEADS + 1))], key=key("head"), horizontal=True,
                 format_func=lambda head: "mean of all" if head == ALL else head)
        st.number_input("Clip", *limits.CLIPS, key=key("clip"), step=1)
        st.number_input("Seed of the clips", *limits.SEEDS, key=key("clip_seed"), step=1)
        st.button("Reset", on_click=_reset, width="stretch")
    return ADDRESS.chosen(hand.kept)


def _models(models: dict[tuple[str, int], list[str]]) -> None:
    """Budget, seed and models: only what was trained is offered."""
    budgets = [budget for budget in limits.BUDGETS if any(budget == b for b, _ in models)]
    budget = st.selectbox("Trained", budgets, key=key("budget"), format_func=limits.BUDGETS.get)
    seeds = sorted(seed for b, seed in models if b == budget)
    if st.session_state[key("seed")] not in seeds:
        st.session_state[key("seed")] = seeds[0]
    seed = st.selectbox("Seed of the training", seeds, key=key("seed")) if len(seeds) > 1 else seeds[0]
    names = models[budget, seed]
    kept = [name for name in st.session_state[key("arms")] if name in names]
    st.session_state[key("arms")] = kept if kept else names[:limits.ARMS[1]]
    st.multiselect("Models side by side, two to four", names, key=key("arms"), format_func=title,
                   max_selections=limits.ARMS[1], select_all=False)
    if len(st.session_state[key("arms")]) < limits.ARMS[0]:
        st.error("Choose two models or more; one is added until then.")


def reel() -> None:
    """Under the film: see it again, or the next clip."""
    with st.container(horizontal=True):
        st.container(key="film_again", width="content").button("Play again", on_click=_again)
        st.button("Another clip", on_click=_next)


def played() -> int:
    """How often the visitor has asked to see a film again: the browser plays a film anew if it is another file."""
    return int(st.session_state.get(PLAYED, 0))


def change(choice: Choice) -> None:
    """Over the maps: what is done to the clip, and to the models in all layers at once."""
    specs = [parse(name.partition("~")[0]) for name in choice.arms]
    left, middle, right = st.columns(3, gap="medium")
    left.segmented_control("Frames played", limits.ORDERS, key=key("order"), required=True)
    middle.slider("Temperature of softmax", *limits.TEMPERATURES, step=0.05, key=key("temperature"),
                  disabled=not any(spec.name == "softmax" for spec in specs),
                  help="q is divided by it in every layer. 1 is as trained; below, attention is sharper.")
    right.slider("Strength of the gates", *limits.STRENGTHS, step=0.05, key=key("strength"),
                 disabled=not any(spec.gate for spec in specs),
                 help="The gate's logits are multiplied by it in every layer. 1 is as trained; at 0 the gate is "
                      "constant, and the map is that of the same model without it.")


def _again() -> None:
    st.session_state[PLAYED] = played() + 1


def _next() -> None:
    ADDRESS.put(clip=(st.session_state[key("clip")] + 1) % (limits.CLIPS[1] + 1))


def _reset() -> None:
    ADDRESS.reset()
    st.session_state[key("hand")].clear()
    st.session_state[KEY] = "trained"
