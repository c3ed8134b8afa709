"""What to show first of each photograph and clip, chosen by eye so that attention concentrates on the object."""
from dataclasses import dataclass

from ..grid import Grid


@dataclass(frozen=True)
class Opening:
    """A photograph or clip, its grid, the temperature of its descriptors, and the query (row, column from 0, frame 0).

    >>> OPENING.grid.number(0, *OPENING.place)
    349
    """

    name: str
    grid: Grid
    temperature: float
    place: tuple[int, int]


_STILL, _MOVING = Grid(1, 28, 28), Grid(8, 14, 14)
_SHARP = 2 / 3  # logits times 1.5: on 28 x 28 patches softmax then concentrates on a few tens of patches

OPENINGS: dict[str, Opening] = {o.name: o for o in (
    Opening("astronaut", _STILL, _SHARP, (6, 22)),
    Opening("chelsea", _STILL, _SHARP, (12, 13)),
    Opening("coffee", _STILL, _SHARP, (13, 14)),
    Opening("rocket", _STILL, _SHARP, (14, 14)),
    Opening("camera", _STILL, _SHARP, (8, 15)),
    Opening("hubble", _STILL, _SHARP, (15, 21)),
    Opening("motorcycle", _MOVING, _SHARP, (5, 8)),
    Opening("pan", _MOVING, _SHARP, (5, 5)),
    Opening("digit", _MOVING, 1.0, (4, 5)),
    Opening("crossing", _MOVING, 1.0, (6, 10)))}
OPENING = OPENINGS["chelsea"]
