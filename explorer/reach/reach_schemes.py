"""Schemes of attention over a clip: which attention each of three layers computes, as specs that take turns.

A scheme is a cycle of specs. {m} is the attention that the visitor chose, and {w} the side of a window. {memory} is
the chosen attention if it can scan frames. Counted back from the output, the last layer is the end of the cycle: three
layers of divided attention are space, time, space.
"""
from __future__ import annotations

from dataclasses import dataclass

from linviz.mechanisms import REGISTRY
from linviz.models import SCHEMES as PAPERS
from linviz.views.panel_options import panel_text, read_panel

LAYERS = 3
ATTENTIONS = ("softmax", "relu_floor", "local", "reformer", "sla", "mhla", "graph", "retention", "gla", "mamba2",
              "delta", "gated_delta", "kda")  # of all others, a box is reached as by softmax
ORDINALS = ("one layer", "two layers", "three layers")


@dataclass(frozen=True)
class Scheme:
    """A name to choose it by, a short one for a chart, one for a sentence; its cycle in the order it runs; a note."""

    title: str
    short: str
    called: str
    cycle: tuple[str, ...]
    note: str


def scheme_cycle(scheme: str) -> tuple[str, ...]:
    """The cycle of a scheme that `linviz.models` knows.

    >>> scheme_cycle("divided")
    ('{m}@time', '{m}@space')
    """
    return tuple("{m}@" + scope for scope in PAPERS[scheme])


SCHEMES: dict[str, Scheme] = {
    "joint": Scheme(
        "joint", "joint", "joint attention", scheme_cycle("joint"),
        "One box: the whole clip, in every layer."),
    "space": Scheme(
        "space", "space", "attention in space", scheme_cycle("space"),
        "One frame a box. No layer ever leaves it: a network of these alone never sees anything move."),
    "time": Scheme(
        "time", "time", "attention in time", ("{m}@time",),
        "One place a box, through all frames. What has moved on is no longer at this place."),
    "divided": Scheme(
        "divided: time, space", "divided", "divided attention", scheme_cycle("divided"),
        "Time and space by turns: each box has few patches, and two together cover the whole clip."),
    "axial": Scheme(
        "axial: columns, rows, time", "axial", "axial attention", scheme_cycle("axial"),
        "One line at a time, by turns: three layers cover the whole clip."),
    "window": Scheme(
        "window", "window", "window attention", ("{m}@window:{w}",),
        "Squares of one frame that never meet: more layers reach no more patches."),
    "shifted": Scheme(
        "window, shifted by turns", "shifted windows", "attention in shifting windows",
        ("{m}@window:{w}", "{m}@shifted:{w}"),
        "Every other layer cuts its squares half a side later, so that neighbours meet. Frames never do."),
    "local_global": Scheme(
        "local + global", "local + global", "local + global", scheme_cycle("local_global"),
        "A quarter of the picture through all frames, then every second frame, row and column, by turns."),
    "kronecker": Scheme(
        "Kronecker: line averages", "Kronecker", "Kronecker attention", ("kronecker_kv",),
        "Keys and values are means over lines: every patch is reached in one layer, but only within a line's mean."),
    "shift_time": Scheme(
        "space, neighbours in time shifted in", "shift in time", "a shift in time", ("{m}+shift:time@space",),
        "Some channels of k and v come from the frame before and the frame after. Attention in space reaches one "
        "frame further per layer, and the shift costs no multiplication."),
    "shift_space": Scheme(
        "time, neighbours in space shifted in", "shift in space", "a shift in space", ("{m}+shift:space@time",),
        "Some channels of k and v come from the eight places around. Attention in time reaches one ring further "
        "per layer, and the shift costs no multiplication."),
    "hybrid": Scheme(
        "hybrid: space, memory", "hybrid", "a hybrid", ("softmax@space", "{memory} scan=frames"),
        "Softmax inside each frame, then a memory that takes one step per frame: the chosen one, or Gated DeltaNet. It "
        "meets its own frame and all earlier ones, never a later one."),
}


def scheme_specs(scheme: str, attention: str = "softmax", side: int = 4) -> tuple[str, ...]:
    """The specs of the last three layers of a scheme with their options, in the order they run.

    >>> scheme_specs("divided"), scheme_specs("shifted", "linear", side=7)[-1]
    (('softmax@space', 'softmax@time', 'softmax@space'), 'linear@shifted:7')
    >>> scheme_specs("hybrid", "linear"), scheme_specs("hybrid", "kda")[-1]
    (('gated_delta scan=frames', 'softmax@space', 'gated_delta scan=frames'), 'kda scan=frames')
    """
    memory = attention if REGISTRY[attention].family == "recurrent" else "gated_delta"
    cycle = [panel_text(*read_panel(spec.format(m=attention, memory=memory, w=side)))
             for spec in SCHEMES[scheme].cycle]
    return tuple((cycle * LAYERS)[-LAYERS:])
