"""What a visitor has chosen on the page Concentrate: its fields, their limits, and what goes together.

A field is one name everywhere: the widget's key, the address's parameter, the attribute of `Choice`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from linviz import Grid, clips, make
from linviz.mechanisms import REGISTRY, Kernel, parse

OWN = "own"  # the clip that somebody brings
MOST = 3136  # tokens: 56 x 56 patches, or 16 frames of 14 x 14; a browser follows the hand up to here
PATCHES, FRAMES = (14, 56), (2, 16)
CLIP_PATCHES = 28  # of a clip: more leave room for fewer than four frames
OWN_CLIP = 16  # patches along the longer side with which somebody's own clip is shown first
TEMPERATURES = (0.1, 4.0)
STEPS, SEEDS, HEADS = (10, 2000), (0, 9999), (1, 256)
MAPS = (2, 4)  # mechanisms side by side
SEES = ("self", "qk", "qkv")
SHIFTS = ("none", "time", "space")


@dataclass(frozen=True)
class Choice:
    """Everything that decides what is drawn, but for the query, which belongs to the view.

    maps are picks from the menu, to whose gates sees, shared and shift apply; spec is one more, written by hand.
    causal: no patch sees one that is counted after it. file and sha256 name what somebody brings, `there` is what is
    in it: nothing before it has come, (frames, pixel rows, pixel columns), or the grid (T, Y, X, prefix) of tensors.
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
    file: str = ""
    sha256: str = ""
    head: int = 1
    there: tuple[int, ...] = ()

    @property
    def moving(self) -> bool:
        """Whether it is, or may be, a clip and not a photograph."""
        if self.clip == OWN:
            return not self.there or self.there[0] > 1
        return self.clip not in clips.PHOTOGRAPHS

    @property
    def grid(self) -> Grid:
        """The grid of patches; a clip has no more frames than fit into `MOST` tokens."""
        if len(self.there) == 4:
            return Grid(*self.there)
        y, x = sides(self.patches, self.there)
        most = min(self.there[:1] or (self.frames,))
        return Grid(min(most, shown_frames(self.frames, y * x)) if self.moving else 1, y, x)

    @property
    def specs(self) -> tuple[str, ...]:
        """The specs that are drawn, in their shortest form, none twice."""
        picked = [full(pick, self.sees, self.shared, self.shift) for pick in self.maps]
        return tuple(dict.fromkeys([*picked, *([str(parse(self.spec))] if self.spec else [])]))


OPENING = Choice()


def good(clip: str, there: tuple[int, ...] = ()) -> dict[str, Any]:
    """The fields with which a photograph or clip shows best; tensors are taken as they are given.

    >>> good("digit")
    {'patches': 14, 'frames': 8, 'temperature': 1.0}
    """
    if clip == OWN:
        moving, given = there[:1] > (1,), len(there) == 4
        return {"patches": OWN_CLIP if moving else OPENING.patches, "frames": OPENING.frames,
                "temperature": 1.0 if given else OPENING.temperature}
    best = clips.OPENINGS[clip]
    return {"patches": best.grid.Y, "frames": best.grid.T if best.grid.T > 1 else OPENING.frames,
            "temperature": best.temperature}


def shown_frames(frames: int, patches: int) -> int:
    """How many of `frames` frames fit at so many patches in each.

    >>> shown_frames(16, 14 * 14), shown_frames(16, 28 * 28)
    (16, 4)
    """
    return min(frames, MOST // patches)


def sides(patches: int, there: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of patches: as many of both for a sample, while one's own picture keeps its form.

    >>> sides(28, ()), sides(16, (8, 1080, 1920))
    ((28, 28), (9, 16))
    """
    rows, columns = there[1:3] or (1, 1)
    return max(1, round(patches * rows / max(rows, columns))), max(1, round(patches * columns / max(rows, columns)))


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


def settle(choice: Choice) -> tuple[Choice, list[str]]:
    """The nearest choice that can be drawn, and what was changed: fields that are right alone may not go together."""
    fields, said = asdict(choice), []
    if choice.clip != OWN and (choice.file or choice.sha256):
        said.append(f"A file belongs to clip={OWN}, so {choice.file!r} is left out.")
        fields |= {"file": "", "sha256": ""}
    if len({*choice.maps, choice.spec} - {""}) < MAPS[0]:
        said.append(f"maps={','.join(choice.maps)!r} alone has no effect: {MAPS[0]} to {MAPS[1]} mechanisms stand side "
                    "by side.")
        fields |= {"maps": OPENING.maps, "spec": ""}
    if choice.moving and choice.patches > CLIP_PATCHES and (choice.there or choice.clip != OWN):
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


def shown(value: Any) -> str:
    """A field's value as an address writes it.

    >>> shown(True), shown(("softmax", "relu")), shown(0.5)
    ('1', 'softmax,relu', '0.5')
    """
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(value) if isinstance(value, tuple) else str(value)
