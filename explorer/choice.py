"""What a visitor has chosen on the page Concentrate: its fields, their limits, and how an address tells of them.

A field is one name everywhere: the widget's key, the address's parameter, the attribute of `Choice`.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from linviz import Grid, clips, make
from linviz.mechanisms import REGISTRY, Kernel, parse

MOST = 3136  # tokens: 56 x 56 patches, or 16 frames of 14 x 14; a browser follows the hand up to here
PATCHES, FRAMES = (14, 56), (2, 16)
CLIP_PATCHES = 28  # of a clip: more leave room for fewer than four frames
TEMPERATURES = (0.1, 4.0)
STEPS, SEEDS = (10, 2000), (0, 9999)
MAPS = (2, 4)  # mechanisms side by side
SEES = ("self", "qk", "qkv")
SHIFTS = ("none", "time", "space")


@dataclass(frozen=True)
class Choice:
    """Everything that decides what is drawn, but for the query, which belongs to the view.

    maps are picks from the menu, to whose gates sees, shared and shift apply; spec is one more, written by hand.
    causal: no patch sees one that is counted after it.
    """

    clip: str = clips.OPENING.name
    patches: int = clips.OPENING.grid.Y
    frames: int = 8
    temperature: float = clips.OPENING.temperature
    maps: tuple[str, ...] = ("softmax", "relu_floor", "relu_floor+gate")
    spec: str = ""
    sees: str = "qkv"
    shared: bool = False
    shift: str = "none"
    steps: int = 300
    seed: int = 0
    causal: bool = False

    @property
    def moving(self) -> bool:
        """Whether it is a clip and not a photograph."""
        return self.clip not in clips.PHOTOGRAPHS

    @property
    def grid(self) -> Grid:
        """The grid of patches; a clip has no more frames than fit into `MOST` tokens."""
        return Grid(shown_frames(self.frames, self.patches) if self.moving else 1, self.patches, self.patches)

    @property
    def specs(self) -> tuple[str, ...]:
        """The specs that are drawn, in their shortest form, none twice."""
        picked = [full(pick, self.sees, self.shared, self.shift) for pick in self.maps]
        return tuple(dict.fromkeys([*picked, *([str(parse(self.spec))] if self.spec else [])]))


OPENING = Choice()


def good(clip: str) -> dict[str, Any]:
    """The fields with which a photograph or clip shows best.

    >>> good("digit")
    {'patches': 14, 'frames': 8, 'temperature': 1.0}
    """
    best = clips.OPENINGS[clip]
    return {"patches": best.grid.Y, "frames": best.grid.T if best.grid.T > 1 else OPENING.frames,
            "temperature": best.temperature}


def shown_frames(frames: int, patches: int) -> int:
    """How many of `frames` frames fit at so many patches a side.

    >>> shown_frames(16, 14), shown_frames(16, 28)
    (16, 4)
    """
    return min(frames, MOST // patches**2)


def menu() -> list[str]:
    """Every mechanism, and every kernel with a gate: what can be picked.

    >>> menu()[:3]
    ['softmax', 'relu_floor', 'relu_floor+gate']
    """
    every = [name + extra for name in sorted(REGISTRY) for extra in ("", "+gate")
             if not extra or issubclass(REGISTRY[name], Kernel)]
    return [*OPENING.maps, *(spec for spec in every if spec not in OPENING.maps)]


def full(pick: str, sees: str, shared: bool, shift: str) -> str:
    """A pick with the words of its gate and its shift; what has no gate stays as it is.

    >>> full("relu_floor+gate", "qk", True, "space"), full("softmax", "qk", True, "space")
    ('relu_floor+gate:qk:shared+shift:space', 'softmax')
    """
    if not pick.endswith("+gate"):
        return pick
    return str(parse(f"{pick}:{sees}{':shared' * shared}{'' if shift == 'none' else '+shift:' + shift}"))


# ------------------------------------------------------------------------------------------------ limits


def check_spec(text: str, maps: Sequence[str]) -> str:
    """A spec written by hand, in its shortest form; ValueError, in one sentence, where it cannot be drawn here.

    >>> check_spec("relu_floor+gate:qkv", ["softmax"])
    'relu_floor+gate'
    """
    parsed = parse(text.strip())
    make(str(parsed), heads=1, width=16, grid=Grid(2, 14, 14))  # says what else is wrong with it
    if len(maps) >= MAPS[1]:
        raise ValueError(f"there is room for {MAPS[1]} mechanisms: take one out of the list to see '{parsed}'")
    return str(parsed)


def no_order(spec: str) -> str:
    """Why a spec cannot be causal, in linviz's words; empty where it can.

    >>> no_order("linear"), no_order("swin")
    ('', 'swin has no causal form')
    """
    try:
        make(spec, heads=1, width=16, grid=Grid(2, 14, 14), causal=True)
    except ValueError as error:
        return str(error).partition(";")[0]  # what is wrong, without what to write instead
    return ""


def _within(low: float, high: float, unit: str, kind: type = int) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise ValueError(f"it takes {unit} from {low} to {high}")
        return value
    return read


def _one_of(*there: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in there:
            raise ValueError(f"it takes one of {', '.join(there)}")
        return text
    return read


def _maps(text: str) -> tuple[str, ...]:
    picks = tuple(dict.fromkeys(text.replace(" ", "+").split(",")))  # an address typed by hand has lost its pluses
    if not MAPS[0] <= len(picks) <= MAPS[1] or set(picks) - set(menu()):
        raise ValueError(f"it takes {MAPS[0]} to {MAPS[1]} of {', '.join(menu())}, with commas between")
    return picks


def _spec(text: str) -> str:
    return check_spec(text.replace(" ", "+"), ())


def _switch(text: str) -> bool:
    return _one_of("0", "1")(text) == "1"


READERS: dict[str, Callable[[str], Any]] = {
    "clip": _one_of(*clips.names()), "patches": _within(*PATCHES, "a whole number"),
    "frames": _within(*FRAMES, "a whole number"), "temperature": _within(*TEMPERATURES, "a number", float),
    "maps": _maps, "spec": _spec, "sees": _one_of(*SEES), "shared": _switch,
    "shift": _one_of(*SHIFTS), "steps": _within(*STEPS, "a whole number"), "seed": _within(*SEEDS, "a whole number"),
    "causal": _switch}


# ------------------------------------------------------------------------------------------------ addresses


def from_address(parameters: Mapping[str, str]) -> tuple[Choice, list[str]]:
    """The choice that an address tells of, and a sentence on every parameter that could not be used.

    >>> from_address({"clip": "coffee", "patches": "99"})[1]
    ["patches='99' in the address has no effect: it takes a whole number from 14 to 56."]
    """
    clip = parameters.get("clip", "")
    found, problems = asdict(OPENING) | (good(clip) if clip in clips.OPENINGS else {}), []
    for name, text in parameters.items():
        if name not in READERS:
            problems.append(f"{name[:80]!r} in the address has no effect: this page knows {', '.join(READERS)}.")
            continue
        try:
            found[name] = READERS[name](text)
        except ValueError as error:
            problems.append(f"{name}={text[:80]!r} in the address has no effect: {error}.")
    choice, more = settle(Choice(**found))
    return choice, problems + more


def settle(choice: Choice) -> tuple[Choice, list[str]]:
    """The nearest choice that can be drawn, and what was changed: fields that are right alone may not go together."""
    fields, said = asdict(choice), []
    if choice.moving and choice.patches > CLIP_PATCHES:
        said.append(f"A clip is shown with at most {CLIP_PATCHES} patches a side, not {choice.patches}.")
        fields["patches"] = CLIP_PATCHES
    if choice.shift == "time" and not choice.moving:
        said.append("A photograph has no neighbours in time, so the shift in time is left out.")
        fields["shift"] = "none"
    elif choice.shift == "time" and choice.causal:
        said.append("A shift in time brings in the next frame, which nobody may see: it is left out.")
        fields["shift"] = "none"
    if choice.spec and len(choice.maps) >= MAPS[1]:
        said.append(f"There is room for {MAPS[1]} mechanisms, so {choice.spec!r} is left out.")
        fields["spec"] = ""
    return Choice(**fields), said


def to_address(choice: Choice) -> dict[str, str]:
    """What an address has to say of a choice: all that is not as on opening, or as its clip shows best.

    >>> to_address(Choice(clip="coffee", shared=True))
    {'clip': 'coffee', 'shared': '1'}
    """
    opening = asdict(OPENING) | good(choice.clip)
    return {name: shown(value) for name, value in asdict(choice).items() if value != opening[name]}


def shown(value: Any) -> str:
    """A field's value as an address writes it.

    >>> shown(True), shown(("softmax", "relu")), shown(0.5)
    ('1', 'softmax,relu', '0.5')
    """
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(value) if isinstance(value, tuple) else str(value)
