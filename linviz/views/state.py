"""The state of a view: the few words from which anybody's linviz makes the same clip, maps and numbers.

As JSON it stands beside the versions that wrote it:

    {"linviz": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6", "view": {"source": "chelsea", "patches": 28, ...}}

A field is one name everywhere: attribute, key of the dictionary, option of the command line.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from typing import TYPE_CHECKING, Any

from .. import clips
from ..clips.tensors import is_tensors
from ..grid import Grid
from .fields import OWN_CLIP, SPECS, File, checked, largest
from .look import Look

if TYPE_CHECKING:
    from .load import Opened

WRITERS = ("linviz", "torch", "numpy")  # whose versions are told
Progress = Callable[[int, int, str], None]  # done, of how much, what


@dataclass(frozen=True)
class View:
    """Everything that decides what a view shows.

    source       a sample's name (`linviz.clips.names()`), or a `File`: its bytes are given when it is opened
    patches      a side; of somebody's own picture, along its longer side
    frames       of a clip at most, evenly spaced in time; a photograph has one
    temperature  of the descriptors: lower is sharper;  causal: no patch sees one that is counted after it
    specs        the mechanisms, in their shortest form, none twice
    steps, seed  of every gate's fit to softmax's map (the seed draws nothing else)
    query        frame, row, column of the pinned patch, from 0; None: the clip's own
    head         of somebody's own tensors, from 1
    look         what the view's own controls say; the numbers are those of gates as they were fitted

    ValueError, in one sentence, for anything else.

    >>> View("coffee", patches=14, specs=("softmax", "relu_floor+gate:qkv")).specs
    ('softmax', 'relu_floor+gate')
    """

    source: str | File = "chelsea"
    patches: int = 28
    frames: int = 8
    temperature: float = clips.OPENING.temperature
    specs: tuple[str, ...] = SPECS
    causal: bool = False
    steps: int = 300
    seed: int = 0
    query: tuple[int, int, int] | None = None
    head: int = 1
    look: Look = Look()

    def __post_init__(self) -> None:
        for name, value in checked({field.name: getattr(self, field.name) for field in fields(self)}).items():
            object.__setattr__(self, name, value)

    @classmethod
    def best(cls, sample: str, **chosen: Any) -> View:
        """The patches, frames, temperature and query with which a sample shows best, and what was `chosen` instead.

        >>> View.best("digit").patches, View.best("digit", patches=7).query
        (14, None)
        """
        best = clips.OPENINGS[clips.known_name(sample, clips.names(), "photograph or clip")]
        fresh = {"patches", "frames"} & chosen.keys()
        shows = {"patches": best.grid.Y, "temperature": best.temperature, "query": None if fresh else (0, *best.place)}
        return cls(sample, **(shows | ({"frames": best.grid.T} if best.grid.T > 1 else {}) | chosen))

    @classmethod
    def of(cls, name: str, data: bytes, **chosen: Any) -> View:
        """A view of somebody's own file, as it shows best or as `chosen`; ValueError where it cannot be read.

        28 patches along the longer side of a picture, 16 of a clip. Tensors are taken as they are: their own grid, 1
        as temperature.
        """
        if is_tensors(data):
            chosen = {"temperature": 1.0} | chosen
        elif "patches" not in chosen:
            moving = clips.decode(data, name, frames=2).clip.size[0] > 1
            chosen = chosen | {"patches": OWN_CLIP if moving else clips.OPENING.grid.Y}
        return cls(File.of(name, data), **chosen)

    @property
    def still(self) -> bool:
        """Whether it is known to show a photograph: a file is known when it is opened."""
        return self.source in clips.PHOTOGRAPHS

    @property
    def most(self) -> Grid:
        """The grid, if the clip has all the frames that are asked for."""
        return largest(self.source, self.frames, self.patches)

    def told(self) -> dict[str, Any]:
        """The view as a dictionary that JSON can hold, with the versions that wrote it.

        >>> View.read(View("coffee").told()) == View("coffee")
        True
        """
        view = asdict(self) | {"specs": list(self.specs), "query": None if self.query is None else list(self.query)}
        return versions() | {"view": view}

    @classmethod
    def read(cls, told: Any) -> View:
        """The view of a dictionary that `told` made; ValueError, in one sentence, for any other.

        >>> View.read({"linviz": "9.0.0", "torch": "3", "numpy": "3", "view": {}, "colour": "blue"})
        Traceback (most recent call last):
        ValueError: a view's state has no 'colour' (written by linviz 9.0.0, this is 0.1.0)
        """
        outer = _keys(told, {*WRITERS, "view"}, told)
        found = _keys(outer["view"], {field.name for field in fields(cls)}, told)
        source = found["source"]
        if isinstance(source, Mapping):
            file = _keys(source, {"name", "sha256"}, told)
            source = File(str(file["name"]), str(file["sha256"]))
        tuples = {name: _tuple(found[name]) for name in ("specs", "query")}
        return cls(**checked(found | tuples | {"source": source, "look": Look.read(found["look"])}))

    def open(self, media: bytes | None = None, progress: Progress | None = None) -> Opened:
        """Make the clip, the maps and their readings; `media` is the file of a view of somebody's own.

        A gate is fitted to softmax's map of the same queries and keys, in the same scope. ValueError, in one sentence,
        where the file is missing, another one or unreadable, or where a mechanism cannot be made on this grid.

        >>> View("coffee", patches=7, specs=("softmax",)).open().shown[0].reading.entropy.shape
        torch.Size([1, 1, 49])
        """
        from .load import opened
        return opened(self, media, progress)


def versions() -> dict[str, str]:
    """The versions on which the numbers depend.

    >>> sorted(versions())
    ['linviz', 'numpy', 'torch']
    """
    return {name: metadata.version(name) for name in WRITERS}


# ------------------------------------------------------------------------------------------------ dictionaries


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _keys(found: Any, wanted: set[str], told: Any) -> dict[str, Any]:
    """The dictionary itself, if it has exactly these keys."""
    if not isinstance(found, Mapping):
        raise ValueError(f"a view's state is a dictionary with {', '.join(sorted(wanted))}; got {found!r:.80}")
    writer = told.get("linviz")
    by = f" (written by linviz {writer:.20}, this is {metadata.version('linviz')})" if isinstance(writer, str) else ""
    if unknown := [name for name in found if name not in wanted]:
        raise ValueError(f"a view's state has no {unknown[0]!r:.80}{by}")
    if missing := sorted(wanted - found.keys()):
        raise ValueError(f"a view's state needs {', '.join(missing)}{by}")
    return dict(found)
