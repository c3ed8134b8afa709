"""A neighbour shift in words and as a table: which channels come from which neighbour."""
from __future__ import annotations

from collections.abc import Sequence

from linviz.fixation import PARTS, STEPS
from linviz.mechanisms import Attention

ARROWS = {(-1, 0): "↓", (1, 0): "↑", (0, -1): "→", (0, 1): "←", (-1, -1): "↘", (1, 1): "↖", (-1, 1): "↙", (1, -1): "↗"}
PLACES = {"space": {step: " ".join(filter(None, (("above", "", "below")[step[0] + 1],
                                                 ("on the left", "", "on the right")[step[1] + 1])))
                    for step in ARROWS},
          "time": {(0, -1): "the frame before", (0, 1): "the next frame"}}
MEANING = ("The shift acts before features and gate. A patch takes some channels of k and v from its neighbours, so "
           "the gate can compare it with them.")


def shift_words(attention: Attention, channels: int) -> str:
    """How many of the channels, counted across heads, a shift takes from neighbours, and what that is for."""
    moved = sum(_fold_sizes(attention, channels)[:-1])
    return f"**The shift in {attention.parsed.shift} takes {moved} of {channels} channels from neighbours.** {MEANING}"


def shift_table(attention: Attention, channels: int) -> str:
    """The neighbours as a table in the layout of the grid, each with the channels it passes on and an arrow."""
    axis, names = attention.parsed.shift or "time", fold_names(_fold_sizes(attention, channels))
    passed = {(step[1], step[2]) if axis == "space" else (0, step[0]): name for step, name in zip(STEPS[axis], names)}
    rows = (-1, 0, 1) if axis == "space" else (0,)
    cells = [[f"<td><b>the patch</b> keeps {names[-1]}</td>" if (y, x) == (0, 0) else
              f"<td><b>{PLACES[axis][y, x]}</b> {passed[y, x]} <i>{ARROWS[y, x]}</i></td>" for x in (-1, 0, 1)]
             for y in rows]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return (f'<table class="linviz-shift"><caption>from which neighbour, in {axis}</caption>'
            f"<tbody>{body}</tbody></table>")


def _fold_sizes(attention: Attention, channels: int) -> list[int]:
    """How many channels come from each neighbour, and at last how many stay."""
    axis = attention.parsed.shift or "time"
    size = channels // (attention.shift_parts or PARTS[axis])
    return [*[size] * len(STEPS[axis]), channels - size * len(STEPS[axis])]


def fold_names(sizes: Sequence[int]) -> list[str]:
    """Names of runs of channels, counted from 1.

    >>> fold_names([4, 4, 8]), fold_names([1, 2])
    (['channels 1 to 4', 'channels 5 to 8', 'channels 9 to 16'], ['channel 1', 'channels 2 to 3'])
    """
    found, first = [], 1
    for size in sizes:
        found.append(f"channel {first}" if size == 1 else f"channels {first} to {first + size - 1}")
        first += size
    return found
