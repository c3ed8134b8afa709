"""The quiz of chapter 14, feature fixation II: the neighbours. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, make
from ..quiz import Choice, Question, Quiz
from ..scenes.ch14 import scheme, seen_by

T, SIDE, D = 8, 14, 18
GRID = Grid(T, SIDE, SIDE)
MIDDLE = GRID.number(3, 6, 6)


def recount_moved() -> Mapping[str, str]:
    """How far weights and outputs move when all of k and v are turned by one column."""
    q, k, v = torch.randn(3, 1, 1, len(GRID), D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    m = make("softmax", 1, D, GRID)

    def turned(x: torch.Tensor) -> torch.Tensor:
        return GRID.unfold(GRID.fold(x).roll(-1, -2))
    weight = (m.map(q, turned(k), v).dense() - m.map(q, k, v).dense()).abs().sum(-1).mean() / 2
    output = (m(q, turned(k), turned(v)) - m(q, k, v)).abs().max()
    return {"weight": f"{100 * weight:.0f}"[0] + "0", "output": f"{output:.2f}"}


def recount_sees() -> Mapping[str, str]:
    """How many tokens reach the ratios of a token in the middle of a clip."""
    x = torch.rand(1, 1, len(GRID), D)
    count = [int(seen_by(make(f"relu_floor+gate+shift:{axis}", 1, D, GRID), x, x, x, MIDDLE).sum())
             for axis in ("space", "time")]
    return {"space": f"{count[0]}", "time": f"{count[1]}", "frame": f"{SIDE * SIDE}"}


def recount_reach() -> Mapping[str, str]:
    """How many frames a query has heard of after three layers of attention in space with a shift in time."""
    _, heard = scheme("", ["softmax+shift:time@space"], GRID, MIDDLE)
    frames = [n // (SIDE * SIDE) for n in heard]
    return {"T": f"{T}", "one": f"{frames[0]}", "two": f"{frames[1]}", "three": f"{frames[2]}"}


MOVED = Question(
    "Every channel of k and v is taken from the patch on the right, in a frame closed to a ring. On the picture of the "
    "attention every light moves by one patch. What becomes of the output?",
    (Choice("It is mixed from the wrong patches.",
            "From the wrong slots, but a slot now holds its neighbour's content. Weight and content moved together: "
            "no output changes by more than {output}."),
     Choice("Nothing: it is the same output.",
            "Attention sums over keys, in whatever order they stand. More than {weight} % of the weight has moved, and "
            "the output by {output}.", right=True),
     Choice("It moves by one patch, too.",
            "Queries did not move, and there is one output a query. Only the keys and values changed their places.")),
    "content", {"weight": "50", "output": "0.00"}, recount_moved)

SEES = Question(
    "A gate with the shift in space, one layer, a patch in the middle of a frame. Whose numbers can change the ratios "
    "of this patch?",
    (Choice("Only its own: a gate reads one token.",
            "It reads one slot, and with the shift this slot of k and v holds channels of others."),
     Choice("{space} patches: itself and its neighbours.",
            "Eight folds of k and v come from the eight neighbours, the rest and q from itself. In time it would be "
            "{time}.", right=True),
     Choice("All {frame} patches of the frame.",
            "All of them meet in the sums of attention, but the ratios are made before these sums.")),
    "sees", {"space": "9", "time": "3", "frame": "196"}, recount_sees)

REACH = Question(
    "A clip of {T} frames. Every layer attends within a frame, with the shift in time. How many frames can a patch of "
    "the fourth frame have heard of after three layers?",
    (Choice("One: attention is within a frame.",
            "Without the shift, yes. With it the values of a frame hold channels of the frames beside it."),
     Choice("{one}: the shift reaches one frame to each side.",
            "That is after one layer. What a neighbouring frame has heard of by then is passed on in the next."),
     Choice("{three}: one more to each side with every layer.",
            "{one}, {two}, {three}: three to each side and its own.", right=True),
     Choice("All {T}: attention is global.",
            "Global within a frame. The shift reaches three frames to each side in three layers; one is left out.")),
    "reach", {"T": "8", "one": "3", "two": "5", "three": "7"}, recount_reach)

JUDGE = Question(
    "On one clip a gate with the shift in time comes nearer the target than a gate without, from every seed. Then a "
    "shift from strangers, from tokens that are nobody's neighbours, comes as near. What follows?",
    (Choice("The neighbours in time carry the information.",
            "Then strangers could not do as well. Something else helped: perhaps just that keys differ more."),
     Choice("Something about shifting helps here, but not the neighbours.",
            "The control has all of the shift except the neighbourhood. What it brings, too, is not owed to "
            "neighbours.", right=True),
     Choice("The shift is useless.",
            "It helped to fit this map. Only the explanation by neighbours has failed, on this clip and this target.")),
    "judge", {}, dict)

neighbours = Quiz("Feature fixation II: the neighbours in space and time", (MOVED, SEES, REACH, JUDGE))
