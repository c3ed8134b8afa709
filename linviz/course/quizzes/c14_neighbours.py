"""The quiz of chapter 14, feature fixation II: the neighbours. A test computes every number in it again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, make
from ..quiz import Choice, Question, Quiz
from ..scenes.ch14 import gate_receptive_field, scheme_reach

T, SIDE, D = 8, 14, 18
GRID = Grid(T, SIDE, SIDE)
MIDDLE = GRID.number(3, 6, 6)


def recount_moved() -> Mapping[str, str]:
    """How much weights and outputs change if all of k and v move by one column."""
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
    count = [int(gate_receptive_field(make(f"relu_floor+gate+shift:{axis}", 1, D, GRID), x, x, x, MIDDLE).sum())
             for axis in ("space", "time")]
    return {"space": f"{count[0]}", "time": f"{count[1]}", "frame": f"{SIDE * SIDE}"}


def recount_reach() -> Mapping[str, str]:
    """How many frames reach a query after three layers of attention in space with a shift in time."""
    _, heard = scheme_reach("", ["softmax+shift:time@space"], GRID, MIDDLE)
    frames = [n // (SIDE * SIDE) for n in heard]
    return {"T": f"{T}", "one": f"{frames[0]}", "two": f"{frames[1]}", "three": f"{frames[2]}"}


MOVED = Question(
    "Every channel of k and v is taken from the patch to the right, and the frame wraps around. In the picture of the "
    "attention every bright patch moves by one patch. What happens to the output?",
    (Choice("The output is mixed from the wrong patches.",
            "The weights lie on other slots, but a slot now holds the content of its neighbour. Weight and content "
            "moved together: no output changes by more than {output}."),
     Choice("Nothing: the output is the same.",
            "Attention is a sum over keys, and a sum does not depend on their order. More than {weight} % of the "
            "weight has moved, and the output has changed by {output}.", right=True),
     Choice("The output moves by one patch, too.",
            "Queries did not move, and there is one output per query. Only the keys and values moved.")),
    "content", {"weight": "50", "output": "0.00"}, recount_moved)

SEES = Question(
    "One layer has a gate and the shift in space. Take a patch in the middle of a frame. Whose numbers can change the "
    "ratios of this patch?",
    (Choice("Only its own: a gate reads one token.",
            "The gate reads one slot, and with the shift this slot of k and v holds channels of other patches."),
     Choice("{space} patches: itself and its neighbours.",
            "Eight folds of k and v come from the eight neighbours; the rest, and q, belong to the patch itself. With "
            "the shift in time the number is {time}.", right=True),
     Choice("All {frame} patches of the frame.",
            "All of them meet in the sums of attention, but the ratios are computed before these sums.")),
    "sees", {"space": "9", "time": "3", "frame": "196"}, recount_sees)

REACH = Question(
    "A clip has {T} frames. Every layer attends within a frame, with the shift in time. How many frames can reach a "
    "patch of the fourth frame in three layers?",
    (Choice("One: attention is within a frame.",
            "This is true without the shift. With the shift, the values of a frame hold channels of the frames beside "
            "it."),
     Choice("{one}: the shift reaches one frame to each side.",
            "This is true after one layer. The next layer passes on what has reached a neighbouring frame by then."),
     Choice("{three}: one more on each side with every layer.",
            "The numbers are {one}, {two}, {three}: in the end three frames on each side and the frame itself.",
            right=True),
     Choice("All {T}: attention is global.",
            "Attention is global within a frame only. The shift reaches three frames on each side in three layers, so "
            "one frame is missing.")),
    "reach", {"T": "8", "one": "3", "two": "5", "three": "7"}, recount_reach)

JUDGE = Question(
    "On one clip a gate with the shift in time comes closer to the target than a gate without it, for every seed. Then "
    "a shift from strangers (tokens that are not neighbours) comes as close. What follows?",
    (Choice("The neighbours in time carry the information.",
            "If they did, strangers could not do as well. Something else helped, perhaps that the keys differ more."),
     Choice("Something about shifting helps here, but not the neighbours.",
            "The control differs from the shift in one thing: its tokens are not neighbours. A gain that the control "
            "brings, too, is not due to neighbours.", right=True),
     Choice("The shift is useless.",
            "The shift helped to fit this map. Only the explanation by neighbours has failed, on this clip and this "
            "target.")),
    "judge", {}, dict)

neighbours = Quiz("Feature fixation II: the neighbours in space and time", (MOVED, SEES, REACH, JUDGE))
