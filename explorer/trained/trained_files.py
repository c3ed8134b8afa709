"""What is shown of trained models as files: a page, pictures, a film, numbers, rows, and code; the address saves it."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from linviz.views.export.trained_code import code
from linviz.views.trained import Model, Models, Trained

from ..shared.exports import HOLDS, folded, offer
from ..shared.hand import Hand, place
from .trained_choice import Choice
from .trained_work import Answer, film, task

FILES = {ending: text for ending, text in HOLDS.items() if ending != ".linviz"} | {
    ".mp4": "every moment under its attention.",
    ".csv": "answers, table and pinned patch, with state and checkpoint.",
    ".npz": "the pinned patch's rows in every layer and head, for numpy."}
LINK = ("The address of this page saves this view, with all that is chosen in it: every linviz has these models and "
        "makes this clip.")


def show(choice: Choice, found: Sequence[Answer], hand: Hand, heading: str, words: str) -> None:
    """The buttons, folded."""
    def seen() -> Trained:
        return trained(choice, found, hand, heading, words)

    def inside() -> None:
        offer(FILES, f"{choice.budget}-clip-{choice.clip}", lambda ending: data(ending, seen()))
        st.caption(LINK)
        st.code(code(seen()), "python", height=260)
    folded(inside)


def data(ending: str, seen: Trained) -> bytes:
    """What stands in the file."""
    from linviz.views.export.files import of_models  # what draws and films is not imported before it is asked for
    found = of_models(ending, seen)
    return found if isinstance(found, bytes) else found.encode()


def trained(choice: Choice, found: Sequence[Answer], hand: Hand, heading: str, words: str) -> Trained:
    """The view on record, as the hand has it now: no model is asked again."""
    shown, shape = task(*film(choice)), found[0].shape
    fields = {name: value for name, value in asdict(choice).items() if name not in ("source", "arms")}
    view = Models(arms=choice.arms, **fields, query=place(hand.query, shape.grid), look=hand.look)
    models = tuple(Model(one.name, one.title, one.told, one.shares, tuple(one.layers), choice.layer, choice.head)
                   for one in found)
    return Trained(view, shown.clip(0), shape, models, found[0].inked, shown.classes[int(shown.labels[0])], heading,
                   words)
