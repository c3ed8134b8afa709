"""What is said about a view of trained models: its title, what is true of the clip, and how to read the maps."""
from __future__ import annotations

from collections.abc import Sequence

from linviz.patch_view.light import FULL
from linviz.views import TrainedView
from linviz.views.state import ALL_HEADS
from linviz.views.trained_panels import ModelAnswer

from ..shared.number_tables import three_digits
from .model_answers import clip_key, clip_task, layer_measures

GUIDE = ("Which way does the digit move? Move over a picture: it is lit by where each model looks from there. "
         "Ask the digit, then the ground.")
UNEXPLAINED = "One clip's map does not explain its prediction: attention is not explanation (Jain and Wallace 2019)."
NOTES = {
    "clip": "Small video transformers were trained on one task. They differ only in their attention. Digits and "
            "photographs of these clips were in no training. A patch is {high} x {wide} pixels and {deep} frames "
            "deep, so {frames} frames are {moments} moments. Each picture is the mean of the {deep} frames that its "
            "patches see, at the {side} x {side} pixels that the models get. {author}; {licence}.",
    "map": "Layer {layer}, {head}. With one exposure all pictures share one scale, and no map is stretched to its own "
           "range. Full brightness is {full} times the weight that each patch has if all have the same.",
    "why": "One clip's map does not explain its prediction. Where the models look and how sure they are of the true "
           "answer go together only weakly. Attention is not explanation "
           "([Jain and Wallace 2019](https://arxiv.org/abs/1902.10186)).",
    "recorded": "Recorded: as trained, means over heads, patches and {clips} other clips; accuracy of {seed}. "
                "Differences between single models can be a seed's.",
    "shift": "With a shift, keys and values carry parts of their neighbours: light may stand one patch beside what "
             "is read there.",
    "changed": "**Not as trained:** {what}. To alter a model that was trained is not to train an altered one."}


def true_motion(classes: Sequence[str], label: int, digit: int, order: str) -> str:
    """What is true of the clip as it is played.

    >>> true_motion(("up", "down"), 1, 7, "reversed")
    'A handwritten **7** moves **down**, because the clip is played backwards.'
    """
    if order == "shuffled":
        return f"A handwritten **{digit}** jumps: its frames are in a random order. In order it moves {classes[label]}."
    return f"A handwritten **{digit}** moves **{classes[label]}**" + (
        ", because the clip is played backwards." if order == "reversed" else ".")


def trained_heading(view: TrainedView, found: Sequence[ModelAnswer]) -> str:
    """The title says what to see: which model puts most and which puts least of its weight on the digit."""
    measured = {one.title: layer_measures(view, one) for one in found}
    on = {title: measures["object"] for title, measures in measured.items() if "object" in measures}
    if len(on) < 2:
        return "Where trained models look"
    most, least = max(on, key=lambda name: on[name]), min(on, key=lambda name: on[name])
    return (f"Weight on the digit: {three_digits(on[most])} times its share in {most}, {three_digits(on[least])} in "
            f"{least}")


def map_notes(view: TrainedView, found: Sequence[ModelAnswer]) -> str:
    """What has to be known to read the maps, in paragraphs."""
    shape, clip = found[0].shape, clip_task(*clip_key(view)).clip(0)
    deep, high, wide = shape.tubelet
    head = ("the mean of the maps of all heads: the entropy under a picture is that of the mean map"
            if view.head == ALL_HEADS else f"head {view.head}; heads of different models have nothing in common")
    changed, shifted = changed_models(view, found), any("+shift" in one.spec for one in found)
    said = [NOTES["changed"].format(what=changed)] if changed else []
    said.append(NOTES["map"].format(layer=view.layer, head=head, full=FULL) + f" {NOTES['shift']}" * shifted)
    said.append(NOTES["clip"].format(high=high, wide=wide, deep=deep, frames=shape.frames, moments=shape.grid.T,
                                     side=shape.side, author=clip.author[0].upper() + clip.author[1:],
                                     licence=clip.licence))
    return "\n\n".join(said)


def changed_models(view: TrainedView, found: Sequence[ModelAnswer]) -> str:
    """What was done to which models, in words; empty where nothing was."""
    words = {"temperature": "at temperature", "strength": "with a gate of strength"}
    return ", ".join(f"{one.title} {words[name]} {value:g}" for one in found
                     for name, value in view.altered(one.spec).items())


def recorded_note(view: TrainedView) -> str:
    """What stands in the table beside this clip."""
    clips = 4 if view.budget == "fine" else 32  # whose maps were measured, see studies/sets.py
    said = NOTES["recorded"].format(clips=clips, seed=f"one training each, seed {view.seed}")
    return f"{said} {NOTES['why']}"
