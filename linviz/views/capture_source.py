"""A captured layer as a source of a view: its q, k and v, as a person's own tensors."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..capture import Capture, CapturedLayer
from ..capture.capture_file import BYTES, is_capture, pack_capture, unpack_capture, unpack_layer
from ..capture.capture_result import LayerName
from ..capture.head_statistics import comparable_inputs
from ..clips.found import Unreadable, plain_name
from ..clips.tensor_layout import LAYOUTS
from ..clips.tensors import Tensors, describe_tensors
from .state import View

SEES = {"space": "; a token attends within its frame", "time": "; a token attends within its position"}


def layer_tensors(data: bytes, layer: int, name: str = "the file") -> Tensors:
    """q, k and v of a layer of a packed capture, counted from 1, with its own scale in q and k.

    Unreadable, a ValueError of one sentence, for what is no capture, for a layer that is not there, and for one of
    which a view of q and k would show another map.

    >>> import torch
    >>> from linviz import Grid
    >>> x = torch.rand(1, 2, 9, 4)
    >>> one = CapturedLayer("blocks.0", "softmax", x, x, x, Grid(Y=3, X=3), 0.5)
    >>> layer_tensors(pack_capture(Capture("Tiny", (one,))), 1, "tiny.linviz").said
    'blocks.0: 2 heads of 9 tokens, 4 wide, on 3 x 3 patches'
    """
    found = unpack_layer(data, layer, name)
    one, shown = found.layers[0], plain_name(name)
    if why := why_no_view(one):
        raise Unreadable(f"layer {layer} of {shown} cannot be shown: {why}")
    q, k, v = (x[:1] for x in comparable_inputs(one))
    frames = found.frames if found.frames is not None and len(found.frames) == one.grid.T else None
    tensors = Tensors(f"layer {layer} of {shown}", q, k, v, one.grid, one.key_grid or one.grid, "", frames, LAYOUTS[0])
    said = f"{one.name}: {describe_tensors(tensors)}{SEES.get(one.scope, '')}{'; causal' * one.causal}"
    return replace(tensors, said=said, layer=layer)


def why_no_view(layer: CapturedLayer) -> str:
    """Why a view of q, k and v would show another map than the layer's, in a sentence; empty where it shows it."""
    what = "windows of its own" if layer.boxes else "a bias" if layer.bias is not None else \
        "no q and k" if layer.table is not None else ""
    return f"{layer.name} has {what}, which a view of q, k and v cannot show: its own map is in " \
           f"capture.map({layer.name!r}) and on the page of `linviz capture`" if what else ""


def layer_place(found: Capture, layer: LayerName | None) -> int:
    """The number of a layer, counted from 1; ValueError where none is named and there are several, or none is there.

    >>> import torch
    >>> from linviz import Grid
    >>> x = torch.rand(1, 2, 9, 4)
    >>> layer_place(Capture("Tiny", (CapturedLayer("blocks.0", "softmax", x, x, x, Grid(Y=3, X=3), 0.5),)), "blocks")
    1
    """
    if layer is None and len(found) > 1:
        raise ValueError(f"this capture has {len(found)} layers: say which one, as in layer=1, or layer="
                         f"{found.layers[-1].name!r:.60}")
    try:
        one = found[1 if layer is None else layer]
    except LookupError as error:
        raise ValueError(str(error.args[0])) from None
    return next(n for n, other in enumerate(found, 1) if other is one)


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


def capture_source(source: Any) -> tuple[Capture, str, bytes] | None:
    """The capture that a source is, its name and its bytes; None for any other source.

    source  a capture in memory, its bytes, or the path of its file
    """
    if isinstance(source, Capture):
        return source, plain_name(f"{source.model}.linviz"), pack_capture(source)
    if isinstance(source, bytes | bytearray):
        name, data = "capture.linviz", bytes(source)
        return (unpack_capture(data), name, data) if is_capture(data) else None
    if isinstance(source, str | Path) and "://" not in str(source) and is_capture_file(Path(source).expanduser()):
        path = Path(source).expanduser()
        if (size := path.stat().st_size) > BYTES:
            raise Unreadable(f"{path} has {size / 1e6:,.0f} MB, and at most {BYTES / 1e6:,.0f} MB are read")
        data = path.read_bytes()
        return unpack_capture(data, path.name), path.name, data
    return None


def layer_number(text: str | None) -> LayerName | None:
    """A layer as it is written on a command line: a number, or a part of its name.

    >>> layer_number("3"), layer_number("blocks.3")
    (3, 'blocks.3')
    """
    return int(text) if text is not None and text.lstrip("-").isdigit() else text
