"""A captured layer as a source of a view: its q, k and v with their grid and pictures, as a person's own tensors."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..capture import Capture, load_capture
from ..capture.capture_file import is_capture, unpack_capture
from ..capture.capture_result import LayerName
from ..capture.head_statistics import comparable_inputs
from .state import View


def layer_arrays(found: Capture, layer: LayerName | None = None) -> dict[str, Any]:
    """q, k, v, grid and frames of a layer, as `linviz.view` takes them, with its name, scope and order.

    q and k have the layer's own scale in them.

    ValueError, in one sentence, where no layer is named and there are several, or where a view of q and k would show
    another map than the layer's.
    """
    if layer is None and len(found) > 1:
        raise ValueError(f"this capture has {len(found)} layers: say which one, as in layer=1, or layer="
                         f"{found.layers[-1].name!r:.60}")
    try:
        one = found[1 if layer is None else layer]
    except LookupError as error:
        raise ValueError(str(error.args[0])) from None
    what = "windows of its own" if one.boxes else "a bias" if one.bias is not None else \
        "no q and k" if one.table is not None else ""
    if what:
        raise ValueError(f"{one.name} has {what}, which a view of q, k and v cannot show: its own map is in "
                         f"capture.map({one.name!r}) and on the page of `linviz capture`")
    q, k, v = comparable_inputs(one)
    arrays: dict[str, Any] = {"name": one.name, "scope": one.scope, "causal": one.causal}
    arrays |= {"q": q[:1], "k": k[:1], "v": v[:1], "grid": one.grid}
    if one.key_grid is not None:
        arrays["key_grid"] = one.key_grid
    if found.frames is not None and len(found.frames) == one.grid.T:
        arrays["frames"] = found.frames
    return arrays


def within_scope(chosen: Mapping[str, Any], scope: str, causal: bool) -> dict[str, Any]:
    """The choices for a view in which mechanisms see what the layer sees, where no other scope is chosen.

    >>> within_scope({"specs": ("softmax", "linear@space")}, "time", False)
    {'specs': ('softmax@time', 'linear@space')}
    """
    made = dict(chosen) | ({"causal": True} if causal and "causal" not in chosen else {})
    if scope != "joint":
        specs = chosen.get("specs", View().specs)
        made["specs"] = tuple(spec if "@" in spec else f"{spec}@{scope}" for spec in specs)
    return made


def is_capture_file(path: str | Path) -> bool:
    """Whether a file is a capture, by its first bytes.

    >>> is_capture_file(__file__)
    False
    """
    path = Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.read(9)
        return first[8:] == b"{" and is_capture(first + file.read(min(int.from_bytes(first[:8], "little"), 4_000_000)))


def capture_source(source: Any) -> Capture | None:
    """The capture that a source is: one in memory, its bytes, or the path of its file; None for any other source."""
    if isinstance(source, Capture):
        return source
    if isinstance(source, bytes | bytearray):
        return unpack_capture(bytes(source)) if is_capture(bytes(source)) else None
    if isinstance(source, str | Path) and "://" not in str(source) and is_capture_file(Path(source).expanduser()):
        return load_capture(Path(source).expanduser())
    return None


def layer_number(text: str | None) -> LayerName | None:
    """A layer as it is written on a command line: a number, or a part of its name.

    >>> layer_number("3"), layer_number("blocks.3")
    (3, 'blocks.3')
    """
    return int(text) if text is not None and text.lstrip("-").isdigit() else text
