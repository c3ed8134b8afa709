"""What a mechanism is, in one line: spec, sizes, grid, extras, options, parameters. Different ones never print alike.

    <relu_floor+gate@window:7: 2 heads of 16 channels, Grid(T=1, Y=14, X=14, prefix=0), gate reads q, k and v, ...>
"""
from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from ..settings import Refused

READS = {"self": "each its own token", "qk": "q and k", "qkv": "q, k and v"}


def describe_mechanism(mechanism: Any) -> str:
    """Sizes, grid, order and options of a mechanism; options that were not given are shown as they are by default.

    >>> from linviz import make
    >>> describe_mechanism(make("softmax", 1, 16, (3, 3)).mechanism)
    '1 head of 16 channels, Grid(T=1, Y=3, X=3, prefix=0), not causal, scale=None'
    """
    m = mechanism
    sizes = f"{m.heads} head{'s' * (m.heads > 1)} of {m.width} channels"
    parts = [sizes + (f" ({m.value_width} of v)" if m.value_width != m.width else ""), repr(m.grid)]
    parts += [f"keys on {m.key_grid}"] * (m.key_grid != m.grid)
    parts += ["causal" if m.causal else "not causal"] * (m.family != "recurrent")  # there, scan says it
    defaults = {name: one.default for name, one in inspect.signature(m.build).parameters.items()
                if one.kind is not one.VAR_KEYWORD}
    if "eps" not in defaults and hasattr(m, "eps"):
        defaults["eps"] = m.eps
    return ", ".join([*parts, *(f"{name}={value!r:.200}" for name, value in (defaults | m.given).items())])


def describe_extras(spec: Any, shift_parts: int | None) -> str:
    """What a spec adds to its mechanism, in words; empty where it adds nothing.

    >>> from linviz.mechanisms import parse
    >>> describe_extras(parse("relu+gate:qk:shared@window:3"), None)
    ', gate reads q and k (one layer for both), scope window of 3'
    """
    side = f" of {spec.side}" if f":{spec.side}" in str(spec) else ""
    found = [f"gate reads {READS[spec.gate]}" + " (one layer for both)" * spec.shared] if spec.gate else []
    found += [f"shift in {spec.shift}" + f" in {shift_parts} parts" * bool(shift_parts)] if spec.shift else []
    found += ["convolution"] * spec.conv + [f"scope {spec.scope}{side}"] * (spec.scope != "joint")
    return "".join(f", {one}" for one in found)


def describe_parameters(module: nn.Module, seed: int | None) -> str:
    """The seed, the type and a checksum of all parameters and buffers; empty where there are none.

    >>> describe_parameters(nn.Identity(), 0), describe_parameters(nn.Linear(1, 1), 0)[:30]
    ('', ', parameters from seed 0, floa')
    """
    held = [x.detach().cpu().contiguous() for x in module.state_dict().values()]
    if not held:
        return ""
    sums = hashlib.sha256()
    for data in _raw_bytes(held):
        sums.update(data)
    kinds = ", ".join(dict.fromkeys(str(x.dtype).removeprefix("torch.") for x in held))
    where = "" if seed is None else f" from seed {seed}"
    return f", parameters{where}, {kinds}, checksum {sums.hexdigest()[:8]}"


def _raw_bytes(held: list[Any]) -> Iterator[bytes]:
    for x in held:
        yield str(x.dtype).encode()
        yield x.flatten().view(torch.uint8).numpy().tobytes() if x.numel() else b""


def describe_wrong_options(mechanism: Any, options: Mapping[str, Any]) -> str:
    """What is wrong with options that a class of mechanism did not take, in one sentence.

    >>> from linviz.mechanisms import REGISTRY
    >>> describe_wrong_options(REGISTRY["softmax"], {"colour": 3})
    'softmax has no option colour; it has causal, value_width, key_grid, scale'
    """
    name = mechanism.name
    there = ["causal", "value_width", "key_grid", *list(inspect.signature(mechanism.build).parameters)[1:]]
    there += ["eps"] * hasattr(mechanism, "eps")
    if unknown := [one for one in options if one not in there]:
        return f"{name} has no option {', '.join(unknown)}; it has {', '.join(there)}"
    for one, setting in mechanism.settings.items():
        try:
            setting.kind.check(options.get(one, mechanism.option_default(one)))
        except Refused as refused:
            return refused.of(f"{name}: {one}", options.get(one))
    return f"{name} does not take these options: {', '.join(f'{n}={x!r:.40}' for n, x in options.items())}"
