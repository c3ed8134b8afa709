"""What an address tells of a choice on the page Concentrate, and what it has to say of one.

A link to somebody's own file carries its name and its sha256: the file itself is asked for where the link is opened.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict

from linviz import clips
from linviz.clips.decode import plain_name

from ..shared import hand
from ..shared.address import Reader, one_of, within
from . import choice as limits
from .choice import OPENING, OWN, Choice, check_spec, good, menu, settle, shown


def _maps(text: str) -> tuple[str, ...]:
    picks = tuple(dict.fromkeys(text.replace(" ", "+").split(",")))  # an address typed by hand has lost its pluses
    if len(picks) > limits.MAPS[1] or set(picks) - set(menu()):
        raise ValueError(f"it takes {limits.MAPS[0]} to {limits.MAPS[1]} of {', '.join(menu())}, with commas between")
    return picks


def _spec(text: str) -> str:
    return check_spec(text.replace(" ", "+"), ())


def _switch(text: str) -> bool:
    return one_of("0", "1")(text) == "1"


def _sha256(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("it takes the 64 digits, 0 to 9 and a to f, by which a link knows its file")
    return text


READERS: dict[str, Reader] = {
    "clip": one_of(*clips.names(), OWN), "patches": within(*limits.PATCHES), "frames": within(*limits.FRAMES),
    "temperature": within(*limits.TEMPERATURES, float), "maps": _maps, "spec": _spec, "sees": one_of(*limits.SEES),
    "shared": _switch, "shift": one_of(*limits.SHIFTS), "steps": within(*limits.STEPS),
    "seed": within(*limits.SEEDS), "causal": _switch, "file": plain_name, "sha256": _sha256,
    "head": within(*limits.HEADS)}


def from_address(parameters: Mapping[str, str]) -> tuple[Choice, list[str]]:
    """The choice that an address tells of, and a sentence on every parameter that could not be used.

    >>> from_address({"clip": "coffee", "patches": "99"})[1]
    ["patches='99' in the address has no effect: it takes a whole number from 14 to 56."]
    """
    clip = parameters.get("clip", "")
    found, problems = asdict(OPENING) | (good(clip) if clip in clips.OPENINGS else {}), []
    for name, text in parameters.items():
        if name in hand.READERS:  # they ask something of the view
            continue
        if name not in READERS:
            known = ", ".join(READERS | hand.READERS)
            problems.append(f"{name[:80]!r} in the address has no effect: this page knows {known}.")
            continue
        try:
            found[name] = READERS[name](text)
        except ValueError as error:
            problems.append(f"{name}={text[:80]!r} in the address has no effect: {error}.")
    choice, more = settle(Choice(**found))
    return choice, problems + more


def to_address(choice: Choice) -> dict[str, str]:
    """What an address has to say of a choice: all that is not as on opening, or as its clip shows best.

    >>> to_address(Choice(clip="coffee", shared=True))
    {'clip': 'coffee', 'shared': '1'}
    """
    opening = asdict(OPENING) | good(choice.clip)
    return {name: shown(value) for name, value in asdict(choice).items() if name in READERS and value != opening[name]}
