"""Two cut-outs cross over a photograph; half-way one hides the other. It is known which one is in front."""
import math

import torch
from torch import Generator, Tensor

from .clip import Clip
from .layers import CutOut, Oval, compose_frames, cut_out, scene_truth
from .photographs import photograph
from .warp import moving_window, window_motion

SIDE = 448    # 28 x 28 patches of 16 pixels
HEIGHT = 176  # of a cut-out, in pixels
FIRST = 8     # the random draw used for seed 0: the cup passes behind the cat
BACKGROUNDS = {"camera": 1.0, "hubble": 1.0, "rocket": 0.9}  # name: brightness
CUT_OUTS = {"cup": ("coffee", (Oval(221, 278, 166, 200), Oval(110, 291, 92, 118))),  # its saucer and its rim
            "cat": ("chelsea", (Oval(148, 228, 146, 146),)),
            "portrait": ("astronaut", (Oval(112, 229, 106, 106),))}


def crossing(seed: int = 0, frames: int = 8) -> Clip:
    """Two objects that cross and hide each other, 448 x 448, with the first one's mask and the motion of every pixel.

    The objects, the background, the paths and which object is in front are drawn from the seed.

    >>> clip = crossing(frames=2)
    >>> clip.mask.shape, clip.motion.shape
    (torch.Size([2, 448, 448]), torch.Size([1, 2, 448, 448]))
    """
    draw = Generator().manual_seed(FIRST + seed)
    first, second = _two_cutouts(draw)
    back = photograph(_pick_names(list(BACKGROUNDS), draw))
    centre, span = _still_window(back.frames, frames)
    behind = bool(torch.rand((), generator=draw) < 0.5)
    layers = [CutOut(_cutout_of(name), path) for name, path in zip((first, second), _crossing_paths(frames, draw))]
    order = layers if behind else layers[::-1]
    scene = compose_frames(moving_window(back.frames, centre, span, SIDE) * BACKGROUNDS[back.name], order)
    motion, known = scene_truth(scene, window_motion(centre, span, SIDE), order)
    sources = [photograph(CUT_OUTS[name][0]) for name in (first, second)] + [back]
    passes = f"passes {'behind' if behind else 'in front of'}"
    mask = scene.owner == order.index(layers[0]) + 1
    return Clip(
        "crossing", f"The {first} {passes} the {second}", scene.frames,
        author="; ".join(dict.fromkeys(s.author for s in sources)),
        licence="; ".join(f"{s.name}: {s.licence}" for s in sources),
        source="; ".join(s.source for s in sources),
        recipe=f"The {first} and the {second}, cut from photographs with soft oval edges, move in straight lines "
               f"over the photograph {back.name}, which does not move; the {first} {passes} the {second}, and the mask "
               f"is the visible part of the {first}.",
        alt=f"{_SEEN[first].capitalize()} and {_SEEN[second]} cross before a photograph ({back.title}); half-way "
            f"the {first} {passes} the {second}.",
        mask=mask, motion=motion, known=known, query=(0, *((layers[0].path[0] + 0.5) / SIDE).tolist()))


_SEEN = {"cup": "a red cup of coffee on its saucer", "cat": "a round picture of a cat's face",
         "portrait": "a round portrait of an astronaut"}


def _pick_names(names: list[str], draw: Generator) -> str:
    return names[int(torch.randint(len(names), (), generator=draw))]


def _two_cutouts(draw: Generator) -> tuple[str, str]:
    first = _pick_names(list(CUT_OUTS), draw)
    return first, _pick_names([name for name in CUT_OUTS if name != first], draw)


def _cutout_of(name: str) -> Tensor:
    source, ovals = CUT_OUTS[name]
    return cut_out(photograph(source).frames, *ovals, height=HEIGHT)


def _still_window(photo: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    """A fixed window over the largest centred square of the photograph."""
    size = torch.tensor(photo.shape[-2:]).float()
    return ((size - 1) / 2).expand(frames, 2), size.min().expand(frames)


def _crossing_paths(frames: int, draw: Generator) -> list[Tensor]:
    """Two straight paths (T, 2) in opposite directions that cross near the middle, half-way."""
    angle = (torch.rand((), generator=draw).item() - 0.5) * math.pi / 3
    other = angle + math.pi + (torch.rand((), generator=draw).item() - 0.5) * math.pi / 3
    side = 1 if torch.rand((), generator=draw) < 0.5 else -1
    middle = SIDE * (0.5 + 0.06 * (torch.rand(2, generator=draw) - 0.5))
    share = torch.linspace(-0.27, 0.27, frames)[:, None] * SIDE * side
    return [middle + share * torch.tensor([math.sin(a), math.cos(a)]) for a in (angle, other)]
