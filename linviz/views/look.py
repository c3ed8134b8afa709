"""How a view is looked at: what its own controls say, which decides nothing that is measured."""
from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from ..patch_view.blob import MODES, MOST, TONES
from ..reading import Reading, read

RANGES = {"strength": (0.0, 1.0), "share": (0.0, MOST)}
WORDS = {"mode": MODES, "tone": TONES}


@dataclass(frozen=True)
class Look:
    """The state of a view's own controls.

    mode      "light", "heat", or "difference": every map less the first;  tone: "root", "linear" or "log" brightness
    strength  of the gates, 0 (none) to 1 (as fitted);  own: every panel has an exposure of its own
    share     of the attention that a line is drawn around, 0 (none) to 0.95
    follow    the query goes with its patch from frame to frame, where motion is known
    frame     shown large, from 0; None: the query's own

    ValueError, in one sentence, for anything else.

    >>> Look(mode="heat").mode, Look().strength
    ('heat', 1.0)
    """

    mode: str = "light"
    tone: str = "root"
    strength: float = 1.0
    own: bool = False
    share: float = 0.0
    follow: bool = False
    frame: int | None = None

    def __post_init__(self) -> None:
        for name, value in _checked(asdict(self)).items():
            object.__setattr__(self, name, value)

    @classmethod
    def read(cls, told: Any) -> Look:
        """The look of a dictionary of its fields; ValueError for any other thing.

        >>> Look.read(asdict(Look(tone="log"))).tone
        'log'
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(told, Mapping) or sorted(told) != sorted(names):
            raise ValueError(f"a look is a dictionary with {', '.join(names)}; got {told!r:.80}")
        return cls(**_checked(dict(told)))

    def asked(self, frames: int) -> dict[str, Any]:
        """The words with which `linviz.patch_view.pack` opens a view like this, of a clip with so many frames.

        >>> Look(frame=9).asked(8)["frame"] is None
        True
        """
        there = self.frame is not None and self.frame < frames
        return asdict(self) | {"frame": self.frame if there else None}


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    """The fields of a look, each in its one form; ValueError, in one sentence, for a value that is none."""
    for name, there in WORDS.items():
        if found[name] not in there:
            raise ValueError(f"{name} is one of {', '.join(there)}; got {found[name]!r:.80}")
    for name in ("own", "follow"):
        if not isinstance(found[name], bool):
            raise ValueError(f"{name} is true or false; got {found[name]!r:.80}")
    for name, (low, high) in RANGES.items():
        x = found[name]
        if isinstance(x, bool) or not isinstance(x, int | float) or not low <= x <= high:
            raise ValueError(f"{name} takes a number from {low:g} to {high:g}; got {x!r:.80}")
    t = found["frame"]
    if t is not None and (isinstance(t, bool) or not isinstance(t, int) or t < 0):
        raise ValueError(f"frame takes a whole number from 0, or none; got {t!r:.80}")
    return found | {name: float(found[name]) for name in RANGES}


def turned(reading: Reading, strength: float) -> Reading:
    """The reading of the same tokens with the gate at a strength: ratios sigmoid(strength z); without one, itself.

    >>> from linviz import Grid, make
    >>> x = torch.rand(1, 1, 9, 4)
    >>> gated, plain = (read(make(s, 1, 4, Grid(Y=3, X=3)), x, x, x) for s in ("relu_floor+gate", "relu_floor"))
    >>> torch.allclose(turned(gated, 0.0).map.dense(), plain.map.dense(), atol=1e-6)
    True
    """
    if reading.mechanism.gate is None or strength == 1:
        return reading
    mechanism = deepcopy(reading.mechanism)
    assert mechanism.gate is not None
    with torch.no_grad():
        for parameter in mechanism.gate.parameters():  # a shared layer is listed once
            parameter.mul_(strength)
    return read(mechanism, reading.q, reading.k, reading.v, channel=reading.channel)
