"""What is said on the page Colours: its title, what its numbers are, and what is not to be concluded."""
from __future__ import annotations

from collections.abc import Sequence

from linviz.clips import Clip
from linviz.clips.colour_samples import was_learned_from
from linviz.models.painting_rows import patch_rows, shared_weight

from .arm_paintings import PaintedArm, PaintedView
from .colours_state import ColourView

GUIDE = ("Attention copies the spots of colour that fit. **Paint** on the grey picture. **Move over a painting**: who "
         "lends a patch its colour?")
WHAT = ("R² is 1 where every hidden patch has the true colours. It is 0 where an answer is no better than one mean "
        "colour for the whole picture, and less where it is worse. Only hidden patches count.")
HONEST = ("The models are tiny, with at most 81,000 numbers, and were trained for minutes on nine photographs. They "
          "match grey values and places; they do not know what things are. They learned on 14 x 14 patches: here their "
          "positions are stretched to 28 x 28 without training. One picture ranks no mechanism: see Evidence.")
SHARP = "The models paint colours alone. The grey values are the photograph's own, at its full sharpness."
CHOSEN = "The opening's picture and draw of hints were chosen because they show the difference well: draw new ones."
LIGHT = ("Each small picture is lit by where one pinned patch looks in {arm_layer}, {head}. Full brightness is {full} "
         "times the equal share, in all of them. One patch cannot tell a gate from softmax: six can.")


def spot_count(count: int) -> str:
    """Hints in words.

    >>> spot_count(1), spot_count(39)
    ('one spot of colour', '39 spots of colour')
    """
    return "one spot of colour" if count == 1 else f"{count} spots of colour"


def score_text(found: PaintedView, arm: PaintedArm) -> str:
    """The R2 of an arm; nothing where it would say nothing."""
    return f"R² {signed_number(arm.painting.r2)}" if found.scored else ""


def signed_number(x: float) -> str:
    """Two digits behind the point, with a minus that screen readers know.

    >>> signed_number(0.756), signed_number(-0.1)
    ('0.76', '−0.10')
    """
    return f"{x:.2f}" if x > -0.005 else f"−{-x:.2f}"


def colours_heading(found: PaintedView) -> str:
    """The title says which arm paints this picture best from these hints, and which worst."""
    count = int(found.task.hints.sum())
    if not count:
        return "No spot of colour, nothing to copy: paint a hint"
    if not found.scored or len(found.arms) < 2:
        return f"{spot_count(count).capitalize()}, and what the arms make of them"
    best, worst = (choose(found.arms, key=lambda arm: arm.painting.r2) for choose in (max, min))
    return (f"{count} hints: R² {signed_number(best.painting.r2)} for {best.title}, "
            f"{signed_number(worst.painting.r2)} for {worst.title}")


def sharing_sentence(view: ColourView, arms: Sequence[PaintedArm]) -> str:
    """How alike the pinned patches look, in the arm where they look most alike and in that where they look least."""
    if len(view.pins) < 2 or len(arms) < 2:
        return ""
    shared = {arm.title: shared_weight(patch_rows(arm.layer(view.layer), view.pins, view.head_number)) for arm in arms}
    most, least = max(shared, key=lambda name: shared[name]), min(shared, key=lambda name: shared[name])
    return (f"Two pinned patches place {100 * shared[least]:.0f} % of their weight alike in {least}, and "
            f"{100 * shared[most]:.0f} % in {most}.")


def truth_note(found: PaintedView) -> str:
    """What is said under the true picture."""
    if found.grey:
        return "A grey picture has no true colours, so there is no R²."
    if found.chosen:
        return "You chose colours of your own, so there is no R²."
    return "What the arms are compared with."


def learned_note(source: object) -> str:
    """Whether the models have seen the photograph in training."""
    if not isinstance(source, str):
        return "Your own picture was in no training."
    if was_learned_from(source):
        return "The models were trained on windows of this photograph, in other colours."
    return "This photograph was in no training."


def credit_line(picture: Clip) -> str:
    """Title, author and licence of a picture."""
    return f"{picture.title}: {picture.author}, {picture.licence}."
