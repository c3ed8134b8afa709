"""What the view draws, packed for its hosts: panels over one clip, and the state with which the view opens.

The state (query, frame, look) may change while the content stays the same: then the view is moved, not rebuilt.
"""
from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image
from torch import Tensor

from ..grid import Grid
from ..palette import live_colours
from ..settings import State
from ..views.state import Look
from .light import FULL, LIGHT, PROJECTED
from .packing import encode_blob, replace_state
from .wires import Wire, wire_arrays, wire_shape

LONGEST, QUALITY = 720, 88  # of a picture, in pixels and in JPEG's percent


@runtime_checkable
class Wired(Protocol):
    """What a panel shows: a map, or anything that answers `wire`."""

    def wire(self, at: Any = (0, 0)) -> Wire:
        """The numbers a browser needs for any row of batch and head `at`."""


@runtime_checkable
class Pictured(Protocol):
    """What lies under the attention: a clip, or anything with frames (T, 3, Ypx, Xpx) in 0..1."""

    @property
    def frames(self) -> Tensor:
        """RGB, float, 0..1."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of the view: a map under a title, in the colour of its family.

    at    which batch and head is drawn.
    gate  snapshots of the gate during a fit (see `gate_snapshots`), for "replay the fit".
    keys  where the keys lie, if not where the queries lie.
    """

    title: str
    family: str
    map: Wired
    at: tuple[int, int] = (0, 0)
    gate: dict[str, Any] | None = None
    keys: Grid | None = None


def pack(panels: Sequence[Panel], clip: Pictured, grid: Grid, *, query: int, title: str | None = None,
         intro: bool = False, half: bool = False, tick: int = 0, outline: Tensor | None = None,
         tracks: Tensor | None = None, fields: type[State] = Look, **look: Any) -> bytes:
    """The blob of a view: panels side by side over one clip, all showing the row of the same query.

    query    token number on `grid`;  intro  the gates' strength rises once from 0 when the view opens.
    half     float16 numbers, for files: an entropy changes by at most 0.005 bits.
    outline  tokens that show the object, (N,) bool: a line is drawn around them on every frame.
    tracks   where each token's patch is on every frame, (N, T), -1 unknown (`linviz.clips.token_tracks`).
    tick     raise it to make a view take the same state again.
    look     how the view is drawn: the fields of `linviz.views.Look` (mode, tone, strength, fading, erasing, own, ...).

    Raises ValueError, in one sentence, where panels, clip and grid do not fit together or a number is not finite.

    >>> import torch
    >>> from types import SimpleNamespace
    >>> from linviz.maps import Dense
    >>> picture = SimpleNamespace(frames=torch.rand(1, 3, 32, 32))
    >>> panel = Panel("uniform", "content-free", Dense(torch.full((1, 1, 4, 4), 0.25)))
    >>> pack([panel], picture, Grid(Y=2, X=2), query=0)[:4]
    b'LVIZ'
    """
    wish = _checked_state(grid, fields, **fields().to_fields() | look, query=query, intro=intro, tick=tick)
    if not panels:
        raise ValueError("a view needs at least one panel")
    content = {"title": title if title is not None else getattr(clip, "title", ""), "alt": getattr(clip, "alt", ""),
               "grid": [grid.T, grid.Y, grid.X], "prefix": grid.prefix, "full": FULL,
               "light": LIGHT, "projected": PROJECTED,
               "frames": _frame_jpegs(clip, grid), "panels": [_panel_content(p, grid, half) for p in panels],
               "fields": declared_fields(fields), "colours": live_colours()}
    if outline is not None:
        content["outline"] = _outline_array(outline, grid)
    if tracks is not None:
        content["tracks"] = _tracks_array(tracks, grid)
    return encode_blob(content, wish)


def blob_with_state(blob: bytes, grid: Grid, fields: type[State] = Look, **wish: Any) -> bytes:
    """A blob of `pack` with another state, by the arguments of `pack`: query, frame, mode, tick and so on.

    >>> import torch
    >>> from types import SimpleNamespace
    >>> from linviz.maps import Dense
    >>> picture = SimpleNamespace(frames=torch.rand(1, 3, 32, 32))
    >>> panels, grid = [Panel("alone", "softmax", Dense(torch.eye(4)[None, None]))], Grid(Y=2, X=2)
    >>> blob_with_state(pack(panels, picture, grid, query=0), grid, query=3) == pack(panels, picture, grid, query=3)
    True
    """
    return replace_state(blob, _checked_state(grid, fields, **wish))


def gate_snapshots(fit: Any, q: Tensor, k: Tensor, v: Tensor, at: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """The snapshots of a fit (`linviz.models.fit_gate`) as a panel's `gate`, for the q, k, v it was fitted on.

    >>> import torch
    >>> from linviz import make
    >>> from linviz.models import fit_gate
    >>> x = torch.randn(1, 1, 9, 8)
    >>> soft, gated = (make(s, 1, 8, Grid(Y=3, X=3)) for s in ("softmax", "relu_floor+gate"))
    >>> gate_snapshots(fit_gate(gated, soft.map(x, x, x), x, x, x, steps=4, snapshots=3), x, x, x)["steps"]
    [0, 2, 4]
    """
    shots = fit.snapshots
    layers = {f"{side}_{what}": np.stack([_as_numpy(s.gate[f"{side}.{what}"]) for s in shots])
              for side in "qk" for what in ("weight", "bias")}
    seen = fit.mechanism.features(q, k, v)[2]
    return {"sees": fit.mechanism.gate.sees, "v": seen[at].detach(), "steps": [s.step for s in shots],
            "kl": [s.kl if np.isfinite(s.kl) else None for s in shots], "label": fit.label, **layers}


def _as_numpy(x: Tensor) -> np.ndarray:
    out: np.ndarray = x.detach().cpu().numpy()
    return out


# ------------------------------------------------------------------------------------------------ the state


def declared_fields(fields: type[State] = Look) -> dict[str, Any]:
    """The fields of a look as JavaScript reads them: kind, limits and default.

    >>> declared_fields()["strength"]
    {'kind': 'number', 'low': 0.0, 'high': 1.0, 'default': 1.0}
    """
    default = fields()
    return {name: one.kind.limits() | {"default": getattr(default, name)} for name, one in fields.settings().items()}


def _checked_state(grid: Grid, fields: type[State], **asked: Any) -> dict[str, Any]:
    """The state of a view, each value checked by the field that declares it."""
    look = {name: value for name, value in asked.items() if name not in ("query", "intro", "tick")}
    declared = fields.settings()
    if unknown := look.keys() - declared.keys():
        raise TypeError(f"a view has no {', '.join(sorted(unknown))}; it has {', '.join(declared)}")
    checked = fields(**{name: declared[name].kind.from_json(value) for name, value in look.items()}).to_fields()
    if (t := look.get("frame")) is not None and t >= grid.T:
        raise ValueError(f"frame {t} is not one of the {grid.T} of {grid} (the first is 0)")
    rest: dict[str, Callable[[Any], Any]] = {"query": lambda x: _checked_query(x, grid), "intro": bool, "tick": int}
    return {name: rest[name](value) if name in rest else checked[name] for name, value in asked.items()}


def _checked_query(query: int, grid: Grid) -> int:
    if not 0 <= query < len(grid):
        raise ValueError(f"query {query} is not a token of {grid}, which has 0..{len(grid) - 1}")
    return int(query)


# ------------------------------------------------------------------------------------------------ the content


def _panel_content(panel: Panel, grid: Grid, half: bool) -> dict[str, Any]:
    keys = panel.keys or grid
    wire = dict(panel.map.wire(panel.at))
    if panel.gate is not None:
        wire["gate"] = panel.gate
    wire = wire_arrays(wire, half, f"the map of panel {panel.title!r}")
    size = wire_shape(wire, panel.title)
    if size is not None and size != (len(grid), len(keys)):
        where = f"its keys {keys} have {len(keys)}" if panel.keys else "Panel(keys=Grid(...)) says where other keys lie"
        raise ValueError(f"panel {panel.title!r} has {size[0]} queries and {size[1]} keys, but {grid} has "
                         f"{len(grid)} tokens; {where}")
    return {"title": panel.title, "family": panel.family, "shares": bool(getattr(panel.map, "stochastic", True)),
            "keys": [keys.T, keys.Y, keys.X, keys.prefix], "wire": wire}


def _outline_array(outline: Tensor, grid: Grid) -> np.ndarray:
    if outline.shape != (len(grid),):
        raise ValueError(f"an outline has one value per token of {grid}, ({len(grid)},); got "
                         f"{tuple(outline.shape)}")
    return _as_numpy(outline > 0).astype(np.uint8)


def _tracks_array(tracks: Tensor, grid: Grid) -> np.ndarray:
    if tracks.shape != (len(grid), grid.T) or int(tracks.min()) < -1 or int(tracks.max()) >= len(grid):
        raise ValueError(f"tracks name one token or -1 per token of {grid} and frame, ({len(grid)}, {grid.T}); got "
                         f"{tuple(tracks.shape)}, {int(tracks.min())} to {int(tracks.max())}")
    return _as_numpy(tracks).astype(np.int32)


def _frame_jpegs(clip: Pictured, grid: Grid) -> list[dict[str, Any]]:
    frames = clip.frames
    if frames.ndim != 4 or frames.shape[1] != 3 or frames.shape[0] != grid.T:
        raise ValueError(f"{grid} has {grid.T} frames, the clip's frames have the shape {tuple(frames.shape)}: give "
                         f"({grid.T}, 3, rows, columns), as linviz.clips.fit(clip, grid) does")
    if not np.isfinite(_as_numpy(frames)).all():
        raise ValueError("the clip has NaN or infinity in its frames; a view draws finite numbers only")
    return [jpeg_frame(f) for f in frames]


def frame_image(frame: Tensor) -> Image.Image:
    """One frame (3, Ypx, Xpx) in 0..1 as an image, its longest side at most 720 pixels."""
    pixels = (frame.detach().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    image = Image.fromarray(pixels)
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return image


def jpeg_frame(frame: Tensor) -> dict[str, Any]:
    """One frame (3, Ypx, Xpx) in 0..1 as a JPEG, with its type."""
    out = io.BytesIO()
    frame_image(frame).save(out, "JPEG", quality=QUALITY)
    return {"type": "image/jpeg", "data": out.getvalue()}
