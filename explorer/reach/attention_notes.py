"""What has to be known of an attention before its reach is read: what its weights depend on, and how soon they fade."""
from __future__ import annotations

from functools import cache
from math import log

import torch

from linviz import Grid, make
from linviz.maps import forward_memory
from linviz.mechanisms import REGISTRY

from ..shared.number_tables import three_digits
from .reached_layers import HEADS, WIDTH, random_tokens

OTHERS = "With every mechanism that is not in this list, each patch of a box meets all others, as with softmax."
NOTES = {
    "local": "A patch meets its own block of {window} patches and the two blocks beside it, in raster order.",
    "reformer": "Only patches whose vectors are sorted near one another meet, in each of {rounds} rounds. That depends "
                "on q and k, which are random here: a picture would have other pairs, and as many.",
    "sla": "A patch meets all others. Those of the blocks that it keeps, here {keep} of all, it meets one by one, and "
           "the rest through D x E sums. Which blocks it keeps depends on q and k, which are random here.",
    "mhla": "A block of queries mixes what the blocks of keys have summed up. Before training the share falls with the "
            "distance of two blocks and is zero between the two that lie farthest apart.",
    "graph": "A patch meets its eight neighbours and the same patch one frame before and after, one edge per layer."}
FADES = ("It takes the patches in raster order and meets all earlier ones, but what it has read fades. Half is left "
         "after {tokens} patches, which is {frames} frames{rates}.")
FRAME_FADES = ("Under *hybrid* it takes one step per frame, and all patches of a frame together. Half is left after "
               "{frames} frames{rates}.")
FRAME_KEEPS = ("Under *hybrid* it takes one step per frame, and all patches of a frame together. Nothing fades: what "
               "was read is overwritten where a later frame has similar keys.")
KEEPS = ("It takes the patches in raster order and meets all earlier ones. Nothing fades: what was read is overwritten "
         "where a later patch has a similar key.")
FIXED, DRAWN = " (its two heads)", " (the middle half of all {steps}, with gates as they are drawn at first)"


@cache
def attention_note(name: str, grid: Grid, schemes: tuple[str, ...] = ("joint",)) -> str:
    """What has to be known of the reach of an attention on a grid, under the schemes that are shown; empty where the
    schemes say all.

    >>> attention_note("softmax", Grid(T=2, Y=7, X=7))
    ''
    """
    if REGISTRY[name].family == "recurrent":
        scans = dict.fromkeys("frames" if scheme == "hybrid" else "raster" for scheme in schemes)
        return " ".join(_memory_note(name, grid, scan) for scan in scans)
    if name not in NOTES:
        return ""
    m = make(name, HEADS, WIDTH, grid).mechanism
    return NOTES[name].format(rounds=getattr(m, "rounds", 0), keep=_percent(getattr(m, "keep", 0.0)),
                              window=getattr(m, "window", 0))


def _memory_note(name: str, grid: Grid, scan: str) -> str:
    """Its half-lives, in patches and in frames: from the first to the third quartile where they differ by step."""
    with torch.no_grad():
        memory = forward_memory(make(name, HEADS, WIDTH, grid, scan=scan).map(*random_tokens(grid)))
    assert memory is not None, name
    rates = -memory.log_decay.double().flatten()
    by_frame = scan == "frames"
    if not bool((rates > 0).any()):
        return FRAME_KEEPS if by_frame else KEEPS
    lives = log(2) / rates
    ends = [lives.quantile(part).item() for part in ((0.0, 1.0) if name == "retention" else (0.25, 0.75))]
    drawn = FIXED if name == "retention" else DRAWN.format(steps="frames" if by_frame else "patches")
    if by_frame:
        return FRAME_FADES.format(frames=_span(ends), rates=drawn)
    return FADES.format(tokens=_span(ends), frames=_span([end / (grid.Y * grid.X) for end in ends]), rates=drawn)


def _span(ends: list[float]) -> str:
    return " to ".join(three_digits(end) for end in ends)


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %"
