"""The page Concentrate, with trained models: one clip, what each model answers, and where its tokens look."""
from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from linviz.patch_view.blob import FULL
from linviz.patch_view.streamlit import patch_view

from ..concentrate import controls
from ..shared import chapters
from ..shared.hand import Hand
from ..shared.tables import three
from . import controls as trained_controls
from . import trained_exports, trained_tables
from .trained_choice import ADDRESS, ALL, Choice
from .trained_work import Answer, Film, answers, film, task
from .view import ABREAST, MOVIE, STRIP, blob, first_query, movie, strip

VIEW = "trained_view"
NONE = "No trained models came with this linviz: `linviz train` makes some."
WHAT = ("Which way does the digit move? Move over a picture: it is lit by where each model looks from there. "
        "Ask the digit, then the ground.")
NOTES = {
    "clip": "Small video transformers, alike but for their attention, were trained on one task; digits and photographs "
            "of these clips were in no training. A patch is {high} x {wide} pixels and {deep} "
            "frames deep, so {frames} frames are {moments} moments: each picture is the mean of the {deep} frames that "
            "its patches see, at the {side} x {side} pixels that the models get. {author}; {licence}.",
    "map": "Layer {layer}, {head}. With one exposure all pictures share one scale, and no map is stretched to its own "
           "range: as bright as can be is {full} times what each patch has where all have the same, and more.",
    "why": "One clip's map does not explain its prediction: where the models look and how sure they are of the true "
           "answer go together only weakly. Attention is not explanation "
           "([Jain and Wallace 2019](https://arxiv.org/abs/1902.10186)).",
    "recorded": "Recorded: as trained, means over heads, patches and {clips} other clips; accuracy of {seed}. "
                "Differences between single models can be a seed's.",
    "shift": "With a shift, keys and values carry parts of their neighbours: light may stand one patch beside what "
             "is read there.",
    "changed": "**Not as trained:** {what}. To alter a model that was trained is not to train an altered one."}
UNEXPLAINED = "One clip's map does not explain its prediction: attention is not explanation (Jain and Wallace 2019)."


def show() -> None:
    """The whole page but for the switch of the source."""
    said = ADDRESS.come()
    hand = trained_controls.hand()
    choice = trained_controls.choose(hand)
    controls.warn(said)
    if choice is None:
        st.info(NONE)
        return
    found = answers(choice)
    st.title(headline(found, choice.layer), anchor=False)
    st.markdown(WHAT)
    _clip(choice, found)
    trained_controls.change(choice)
    _view(choice, found, hand)
    st.subheader(f"How concentrated layer {choice.layer} is", anchor=False)
    st.html(trained_tables.numbers(found, choice.layer))
    clips = 4 if choice.budget == "fine" else 32  # whose maps were measured, see studies/sets.py
    said = NOTES["recorded"].format(clips=clips, seed=f"one training each, seed {choice.seed}")
    st.caption(f"{said} {NOTES['why']}")


def _clip(choice: Choice, found: Sequence[Answer]) -> None:
    """The clip as a film, what is true of it, and what the models say."""
    of = film(choice)
    shown = task(*of)
    label = int(shown.labels[0])
    left, right = st.columns([1, 1.9], gap="medium")
    said = truth(shown.classes, label, int(shown.truth["digit"][0]), choice.order)
    with left.container(horizontal=True):
        _film(of, plain(said))
        st.container(width=MOVIE).markdown(said)
    with left:
        trained_controls.reel()
    right.html(trained_tables.answers(found, shown.classes, label, choice.order))


def _film(of: Film, said: str) -> None:
    """The film; where a browser is asked for less motion, all its frames at rest (style.css shows one of them)."""
    with st.container(key="film_moves", width=MOVIE):
        st.image(movie(trained_controls.played(), *of), width=MOVIE, alt=f"The clip as a film. {said}")
    with st.container(key="film_rests", width=STRIP):
        st.image(strip(*of), width=STRIP, alt=f"The clip's frames in the order of play, {ABREAST} a row. {said}")


def truth(classes: Sequence[str], label: int, digit: int, order: str) -> str:
    """What is true of the clip as it is played.

    >>> truth(("up", "down"), 1, 7, "reversed")
    'A handwritten **7** moves **down**, for it is played backwards.'
    """
    if order == "shuffled":
        return f"A handwritten **{digit}** jumps: its frames are in a random order. In order it moves {classes[label]}."
    return f"A handwritten **{digit}** moves **{classes[label]}**" + (
        ", for it is played backwards." if order == "reversed" else ".")


def plain(text: str) -> str:
    """Words without their stars.

    >>> plain("a **7**")
    'a 7'
    """
    return text.replace("*", "")


@st.fragment
def _view(choice: Choice, found: Sequence[Answer], hand: Hand) -> None:
    """The canvas: a pin runs this part alone."""
    of, shape, last = film(choice), found[0].shape, st.session_state.get(VIEW)
    own = first_query(task(*of).clip(0), shape)
    hand.follow(dict(last.query) if last and last.query else None, shape.grid, own, of)
    patch_view(blob(choice, list(found), hand.wish), key=VIEW)
    ADDRESS.tell(choice, hand.told(shape.grid, own))
    controls.warn(hand.said)
    st.caption(f"{notes(choice, found)} {chapters.derived('concentrate')}")
    trained_exports.show(choice, found, hand, headline(found, choice.layer), f"{WHAT} {UNEXPLAINED}")


def headline(found: Sequence[Answer], layer: int) -> str:
    """The title says what to see: who puts most and who puts least of its weight on the digit."""
    on = {one.title: one.measures(layer)["object"] for one in found if "object" in one.measures(layer)}
    if len(on) < 2:
        return "Where trained models look"
    most, least = max(on, key=lambda name: on[name]), min(on, key=lambda name: on[name])
    return f"Weight on the digit: {three(on[most])} times its share in {most}, {three(on[least])} in {least}"


def notes(choice: Choice, found: Sequence[Answer]) -> str:
    """What has to be known to read the maps, in paragraphs."""
    shape, clip = found[0].shape, task(*film(choice)).clip(0)
    deep, high, wide = shape.tubelet
    head = ("the mean of the maps of all heads: the entropy under a picture is that of the mean map"
            if choice.head == ALL else f"head {choice.head}; heads of different models have nothing in common")
    changed, shifted = altered(found), any("+shift" in one.name for one in found)
    said = [NOTES["changed"].format(what=changed)] if changed else []
    said.append(NOTES["map"].format(layer=choice.layer, head=head, full=FULL) + f" {NOTES['shift']}" * shifted)
    said.append(NOTES["clip"].format(high=high, wide=wide, deep=deep, frames=shape.frames, moments=shape.grid.T,
                                     side=shape.side, author=clip.author[0].upper() + clip.author[1:],
                                     licence=clip.licence))
    return "\n\n".join(said)


def altered(found: Sequence[Answer]) -> str:
    """What was done to which models, in words; empty where nothing was."""
    said = []
    for one in found:
        _, _, _, temperature, strength = one.key
        said += [f"{one.title} at temperature {temperature:g}"] * (temperature != 1)
        said += [f"{one.title} with a gate of strength {strength:g}"] * (strength != 1)
    return ", ".join(said)
