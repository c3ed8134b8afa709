"""A model's spec: one attention for all layers, or a hybrid, which names the attention of every layer in order.

    softmax            softmax/relu_floor/relu_floor            relu_floor+gate+shift:space/softmax@space/gated_delta

Each part is a spec as `linviz.make` takes it. A hybrid names as many parts as its model has attention layers.
"""
from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from ..mechanisms import REGISTRY, Kernel, parse

BETWEEN = "/"
COMMON = ("width", "kv_heads", "qkv_bias", "value_width", "key_grid", "causal", "shift_parts")  # every layer has them
Options = Mapping[str, Any]


def split_layers(spec: str) -> tuple[str, ...]:
    """The parts of a model's spec, each in its shortest form; ValueError, in one sentence, for a wrong part.

    >>> split_layers("softmax/relu_floor+gate:qkv")
    ('softmax', 'relu_floor+gate')
    """
    parts = spec.split(BETWEEN) if isinstance(spec, str) else [spec]
    if len(parts) > 1 and not all(parts):
        raise ValueError(f"{spec!r} leaves a layer empty; write one mechanism for each layer, with a slash between two "
                         "of them, as in softmax/relu_floor/relu_floor")
    return tuple(str(parse(part)) for part in parts)


def layer_specs(spec: str, layers: int) -> tuple[str, ...]:
    """The spec of each of a model's attention layers; ValueError if a hybrid names another number of layers.

    >>> layer_specs("relu", 2), layer_specs("softmax/relu", 2)
    (('relu', 'relu'), ('softmax', 'relu'))
    """
    parts = split_layers(spec)
    if len(parts) not in (1, layers):
        raise ValueError(f"{spec!r} names {len(parts)} layers, and the model has {layers} attention "
                         f"layer{'s' * (layers != 1)}; name one mechanism for each layer, or one for all")
    return parts if len(parts) > 1 else parts * layers


def canonical_spec(spec: str) -> str:
    """A model's spec in its shortest form: a hybrid whose layers are all alike is no hybrid.

    >>> canonical_spec("softmax/relu_floor+gate:qkv"), canonical_spec("relu/relu/relu")
    ('softmax/relu_floor+gate', 'relu')
    """
    parts = split_layers(spec)
    return BETWEEN.join(parts if len(set(parts)) > 1 else parts[:1])


def layer_options(specs: Sequence[str], options: Options) -> list[dict[str, Any]]:
    """For each layer those of a model's options that its mechanism has; ValueError for one that no layer has.

    A memory that scans token by token is causal by itself, so causal=True goes to the other layers only.

    >>> layer_options(("softmax", "relu_floor"), {"floor": 0.1, "value_width": 8})
    [{'value_width': 8}, {'floor': 0.1, 'value_width': 8}]
    """
    if len({parse(spec).name for spec in specs}) == 1:  # `make` says which options this one mechanism has
        return [dict(options) for _ in specs]
    there = [{name: x for name, x in options.items() if _has_option(spec, name, options)} for spec in specs]
    if unknown := [name for name in options if name not in COMMON and not any(name in one for one in there)]:
        raise ValueError(f"no layer of {BETWEEN.join(specs)} has an option {', '.join(unknown)}")
    return there


def _has_option(spec: str, name: str, options: Options) -> bool:
    parsed = parse(spec)
    kind = REGISTRY[parsed.name]
    if name == "causal" and kind.family == "recurrent":
        by_itself = options.get("scan", "raster") == "raster" and parsed.scope == "joint" and parsed.shift != "time"
        return not by_itself
    own = inspect.signature(kind.build).parameters
    return name in COMMON or name in own or (name == "eps" and issubclass(kind, Kernel))
