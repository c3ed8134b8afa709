"""`capture`: run a model once and keep q, k and v of every layer that attends."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..clips import Clip
from ..grid import Grid, as_grid, whole_number
from .attention_calls import Call, Recorder
from .capture_result import Capture, LayerName
from .captured_layer import CapturedLayer
from .identity_road import exact_layers
from .layer_building import build_layers
from .model_input import clip_input, run_model, seen_frames
from .recorded_calls import recording
from .tensor_store import TensorStore
from .token_places import Places, input_places

Wanted = LayerName | Iterable[LayerName] | None
TOWERS = ("vision_model", "visual", "vision_tower")  # the part that sees, of a model that also reads


def capture(model: nn.Module, x: Any, *, layers: Wanted = None, heads: Sequence[int] | int | None = None,
            grid: Grid | Sequence[int] | None = None, half: bool = True,
            folder: str | Path | None = None, values: str | None = None,
            read: str | None = None, channels: tuple[int, int] | None = None,
            queries: Sequence[int] | None = None) -> Capture:
    """Run `model` on `x` once and return its attention layers with q, k and v, never their N x N maps.

    model   any module that attends: transformers' vision models, timm's, torch's own layers, one of yours
    x       a `Clip`; or what the model takes, normalised as it wants it: a tensor, a tuple of positional arguments, or
            a mapping of keyword arguments
    layers  numbers, counted from 1, or parts of names of the layers to keep; None: all
    heads   numbers of the heads to keep, counted from 1; None: all
    grid    (rows, columns) or (frames, rows, columns) of the tokens, where the model does not say
    half    keep float16, which is half the memory; False: the model's own precision
    folder  a new folder, in whose files q, k and v lie instead of in memory
    values, read   of a layer that is linear in v, whatever its kernel: the module whose output is v, and the module
            that takes A v. `*` stands for anything, for all such layers at once. Then heads is the layer's number of
            heads, and channels=(start, stop) says where v lies in an output that holds q and k as well. The map is
            read by feeding the identity in place of v, and tried on the true v (see `identity_road`)
    queries  of such a layer, the tokens, from 0, of which rows are kept; None: all. Where q and k are kept, any row
            can be computed from them, so there it changes nothing

    The result is never empty: ValueError, with the modules that look like attention, where nothing was found.

    >>> import torch
    >>> from torch.nn import Conv2d, TransformerEncoderLayer
    >>> class Tiny(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.cut, self.layer = Conv2d(3, 8, 4, 4), TransformerEncoderLayer(8, 2, 16, batch_first=True)
    ...     def forward(self, x):
    ...         return self.layer(self.cut(x).flatten(2).mT)
    >>> capture(Tiny(), torch.rand(1, 3, 12, 16))[1]
    <layer layer.self_attn: softmax, 2 heads of 12 tokens, 4 wide, on 3 x 4 patches>
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"capture takes a torch module, as in capture(model, pixels); got {model!r:.80}")
    model = vision_part(model)
    inputs = model_inputs(model, x)
    places = input_places(model, inputs, None if grid is None else as_grid(grid))
    if values is not None or read is not None:
        made = exact_layers(model, inputs, places, values, read, 1 if heads is None else heads, channels, queries)
        return Capture(type(model).__name__, tuple(made), seen_frames(x, inputs, places))
    recorder = Recorder(layer_filter(layers), TensorStore(half, None if folder is None else Path(folder)).keep)
    with recording(model, recorder):
        run_model(model, inputs)
    found, left_out = collect_layers(recorder.calls, places, heads)
    if not found:
        raise ValueError(describe_nothing(model, recorder.calls, left_out, layers))
    return Capture(type(model).__name__, tuple(found), seen_frames(x, inputs, places), left_out)


def vision_part(model: nn.Module) -> nn.Module:
    """The part of a model that sees, where another part reads."""
    towers = [part for name in TOWERS if isinstance(part := getattr(model, name, None), nn.Module)]
    return towers[0] if towers and hasattr(model, "text_model") else model


def model_inputs(model: nn.Module, x: Any) -> dict[str, Any]:
    """The arguments of a model by name; positional ones by their number."""
    if isinstance(x, Clip):
        return clip_input(model, x)
    if isinstance(x, Mapping):
        return dict(x)
    if isinstance(x, Tensor):
        return {"0": x}
    if isinstance(x, tuple):
        return {str(n): one for n, one in enumerate(x)}
    raise ValueError(f"a model is run on a Clip, a tensor, a tuple or a mapping of its arguments; got {x!r:.60}")


def layer_filter(layers: Wanted) -> Callable[[str, int], bool]:
    """Whether a layer, by its module's name and its number in the order of running, from 1, is one of those wanted.

    >>> layer_filter(["blocks.1", 1])("blocks.1.attn", 4), layer_filter(3)("blocks.3", 4)
    (True, False)
    """
    if layers is None:
        return lambda name, number: True
    wanted = [layers] if isinstance(layers, str | int) else list(layers)
    numbers = {whole_number(one, "a layer") for one in wanted if not isinstance(one, str)}
    parts = [one for one in wanted if isinstance(one, str)]
    return lambda name, number: number in numbers or any(part in name for part in parts)


def collect_layers(calls: Mapping[str, list[Call]], places: Places,
                   heads: Sequence[int] | int | None) -> tuple[list[CapturedLayer], dict[str, str]]:
    """The layers, and the modules that are left out, with the reason."""
    found, left_out = list[CapturedLayer](), dict[str, str]()
    for name, made in calls.items():
        try:
            found += [choose_heads(layer, heads) for layer in (build_layers(name, made, places) if made else ())]
        except ValueError as error:
            left_out[name] = str(error)
    return found, left_out


def choose_heads(layer: CapturedLayer, heads: Sequence[int] | int | None) -> CapturedLayer:
    """A layer with some of its heads; IndexError, in one sentence, where it has no such head."""
    if heads is None:
        return layer
    one = [layer.head(whole_number(h, "a head")) for h in ([heads] if isinstance(heads, int) else heads)]
    if not one:
        raise ValueError("heads= names no head: leave it out to keep all")
    return one[0].with_heads(one)


def describe_nothing(model: nn.Module, calls: Mapping[str, list[Call]], left_out: Mapping[str, str],
                     layers: Wanted) -> str:
    """Why nothing was captured, in words, and what to do."""
    if left_out:
        return "; ".join(f"{name}: {why}" for name, why in left_out.items())
    if calls:
        return (f"no layer is called {layers!r:.80}; these layers of {type(model).__name__} attended: "
                f"{', '.join(calls):.600}")
    alike = [f"{name} ({type(module).__name__})" for name, module in model.named_modules()
             if "att" in type(module).__name__.lower()]
    seen = f"; these look like attention: {', '.join(alike):.600}" if alike else ""
    return (f"no attention of {type(model).__name__} was found: it calls neither F.scaled_dot_product_attention nor "
            f"nn.MultiheadAttention nor transformers' attention interface{seen}. Name the modules around the mixing of "
            "values, as in capture(model, x, values='blocks.0.to_v', read='blocks.0.out', heads=8)")
