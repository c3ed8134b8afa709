"""Sample photographs and clips with known truth, cut to a grid of patches, and descriptors of their patches.

Nothing is downloaded, and no picture is copied into linviz: the pictures are part of scikit-image and scikit-learn.
"""
from collections.abc import Callable

from .clip import Clip
from .clip_files import pack_clip
from .colour_task import COLOUR_SETTINGS, ColourTask, colour_task, hinted_picture
from .crossing import crossing
from .decode import Decoded, DecodedFile, decode_clip, decode_file
from .descriptors import AROUND_NOTE, CHANNELS, DESCRIPTORS_NOTE, descriptors
from .digit import digit
from .fitting import fit, fit_sharp, token_at, token_mask
from .found import Unreadable
from .front import FRONT_SETTINGS, front_task
from .motion import SETTINGS, Setting, motion_task
from .opening import OPENING, OPENINGS, Opening
from .own_frames import to_frames
from .pan import pan
from .parallax import motorcycle
from .photographs import PHOTOGRAPHS, known_name, photograph
from .task import Task, reverse_clips, shuffle_frames
from .tensors import Tensors, decode_tensors, is_tensors
from .tracks import token_tracks
from .warp import warp_frames

CLIPS: dict[str, Callable[..., Clip]] = {f.__name__: f for f in (motorcycle, pan, digit, crossing)}
FRAMES = (2, 32)  # the fewest and the most frames of a generated clip


def names() -> tuple[str, ...]:
    """Every photograph, then every clip that `load` knows.

    >>> names()[:2], names()[-1]
    (('astronaut', 'chelsea'), 'crossing')
    """
    return *PHOTOGRAPHS, *CLIPS


def load(name: str, seed: int = 0, frames: int = 8) -> Clip:
    """A photograph (seed and frames are ignored) or a clip generated from a seed, with 2 to 32 frames.

    The same seed gives the same clip. Raises ValueError for an unknown name, a seed below 0,
    or a number of frames out of range.

    >>> load("coffee").size, load("pan", frames=2).size
    ((1, 400, 600), (2, 448, 448))
    """
    if known_name(name, names(), "photograph or clip") in PHOTOGRAPHS:
        return photograph(name)
    for what, value, low, high in (("frames", frames, *FRAMES), ("seed", seed, 0, 2**32)):
        if not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{what} must be a whole number from {low} to {high}; got {value!r}")
    return CLIPS[name](seed, frames)


__all__ = ["AROUND_NOTE", "CHANNELS", "CLIPS", "COLOUR_SETTINGS", "DESCRIPTORS_NOTE", "FRAMES", "FRONT_SETTINGS",
           "OPENING", "OPENINGS", "PHOTOGRAPHS", "SETTINGS", "Clip", "ColourTask", "Decoded", "DecodedFile", "Opening",
           "Setting", "Task", "Tensors", "Unreadable", "colour_task", "crossing", "decode_clip", "decode_file",
           "decode_tensors", "descriptors", "digit", "fit", "fit_sharp", "front_task", "hinted_picture", "is_tensors",
           "load", "motion_task", "motorcycle", "names", "pack_clip", "pan", "photograph", "reverse_clips",
           "shuffle_frames", "to_frames", "token_at", "token_mask", "token_tracks", "warp_frames"]
