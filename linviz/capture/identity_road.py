"""The exact map of any layer that is linear in v, whatever its kernel and whatever its code.

Such a layer computes o = A v + c. In place of v it gets the identity, E columns at a time (E channels a head), and each
output holds E columns of A, for all heads at once: N / E short runs of the one layer. c is the output for v = 0.

    values   the module whose output is v          read   the module that takes o

The true v proves the map: A v + c has to be the true o. A layer for which it is not is refused by name. Either its
output is not linear in v (a gate reads v), or the channels of a head have different maps (a depthwise branch).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from ..grid import Grid, whole_number
from .attention_calls import evaluating
from .captured_layer import CapturedLayer
from .model_input import run_model
from .token_places import Places, layer_grid

CLOSE = 1e-3  # the largest relative error of A v + c that counts as rounding


class Stop(Exception):
    """The layer's output is known; the rest of the model need not run."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer between two modules, called on its own.

    part     the smallest module that holds both;  args, kwargs  what it was called with
    v, o     the true values and output, (B, H, N, E)
    """

    name: str
    part: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    values: nn.Module
    read: nn.Module
    heads: int
    channels: slice
    v: Tensor
    o: Tensor

    def mix(self, v: Tensor) -> Tensor:
        """The output for other values: (B, H, N, E) -> (B, H, N, E)."""
        return run_until(lambda: self.part(*self.args, **self.kwargs), self.values, self.read,
                         lambda out: replace_values(out, v, self.channels), self.heads)


def exact_layers(model: nn.Module, inputs: dict[str, Any], places: Places, values: str | None, read: str | None,
                 heads: Any, channels: tuple[int, int] | None,
                 queries: Sequence[int] | None = None) -> list[CapturedLayer]:
    """The layers between the modules that `values` and `read` name, with their exact maps.

    queries: tokens whose rows are kept; None: all. ValueError, in one sentence, where there are no such modules or a
    layer has no one map per head.
    """
    if values is None or read is None or not isinstance(heads, int):
        raise ValueError("the exact map of a layer needs values= (the module whose output is v), read= (the module "
                         f"that takes A v) and heads=, a number; got values={values!r}, read={read!r}, heads={heads!r}")
    pairs = list(zip(named_modules(model, values), named_modules(model, read), strict=True))
    with evaluating(model):
        return [exact_layer(find_layer(model, inputs, one, other, heads, channels), places, queries)
                for one, other in pairs]


def named_modules(model: nn.Module, pattern: str) -> list[str]:
    """The names of modules that fit a pattern, in the model's order; ValueError where there is none."""
    found = [name for name, _ in model.named_modules() if fnmatchcase(name, pattern)]
    if not found:
        there = ", ".join(name for name, _ in model.named_modules() if name)
        raise ValueError(f"{type(model).__name__} has no module {pattern!r}; it has {there:.500}")
    return found


def find_layer(model: nn.Module, inputs: dict[str, Any], values: str, read: str, heads: int,
               channels: tuple[int, int] | None) -> Layer:
    """The layer as it is in a run of the whole model."""
    one, other = model.get_submodule(values), model.get_submodule(read)
    name, part = common_part(model, values, read)
    given: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    true: list[Tensor] = []
    cut = slice(None) if channels is None else slice(*channels)

    def keep(out: Tensor) -> Tensor:
        true.append(out[..., cut] if channels is not None else out)
        return out
    with ExitStack() as stack:
        stack.callback(part.register_forward_pre_hook(lambda _m, args, kwargs: given.append((args, kwargs)),
                                                      with_kwargs=True).remove)
        o = run_until(lambda: run_model(model, inputs), one, other, keep, heads)
    if not true or not given:
        raise ValueError(f"{read} ran, but before it {values} did not: name the module whose output is v")
    return Layer(name, part, *given[-1], one, other, heads, cut, to_heads(true[-1].float(), heads, values), o)


def common_part(model: nn.Module, one: str, other: str) -> tuple[str, nn.Module]:
    """The smallest module that holds two modules, with its name."""
    shared = []
    for a, b in zip(one.split("."), other.split(".")):
        if a != b:
            break
        shared.append(a)
    while shared and isinstance(model.get_submodule(".".join(shared)), nn.ModuleList | nn.ModuleDict):
        shared.pop()
    if ".".join(shared) in (one, other):
        shared = shared[:-1]
    name = ".".join(shared)
    return name or type(model).__name__, model.get_submodule(name)


def run_until(call: Callable[[], Any], values: nn.Module, read: nn.Module, change: Callable[[Tensor], Tensor],
              heads: int) -> Tensor:
    """Call until `read` runs, with the output of `values` changed; what `read` takes, (B, H, N, E) float32."""
    taken: list[Tensor] = []

    def stop(_module: nn.Module, args: tuple[Any, ...]) -> None:
        taken.append(args[0])
        raise Stop
    with ExitStack() as stack:
        stack.callback(values.register_forward_hook(lambda _m, _a, out: change(out)).remove)
        stack.callback(read.register_forward_pre_hook(stop).remove)
        try:
            call()
        except Stop:
            return to_heads(taken[0].float(), heads, "read")
    raise ValueError(f"the module that read= names, {type(read).__name__}, did not run")


def replace_values(out: Tensor, v: Tensor, channels: slice) -> Tensor:
    """The output of the module of the values with v (B, H, N, E) in place of its channels."""
    if out.ndim == 4:
        return v.to(out) if out.shape == v.shape else v.transpose(-1, -2).reshape(out.shape).to(out)
    made = out.clone()
    made[..., channels] = v.transpose(1, 2).flatten(2).to(out)
    return made


def to_heads(x: Tensor, heads: int, name: str) -> Tensor:
    """(B, N, C), (B, C, Y, X) or (B, H, N, E) as (B, H, N, E).

    >>> to_heads(torch.zeros(1, 9, 8), 2, "v").shape, to_heads(torch.zeros(1, 8, 3, 3), 2, "v").shape
    (torch.Size([1, 2, 9, 4]), torch.Size([1, 2, 9, 4]))
    """
    if x.ndim == 4 and x.shape[1] == heads > 1:
        return x
    channels = x.shape[1 if x.ndim == 4 else -1]
    if x.ndim not in (3, 4) or channels % heads:
        raise ValueError(f"{name} is {tuple(x.shape)}, not (batch, tokens, channels) with channels for {heads} heads: "
                         "give heads= and, of an output that holds q and k as well, channels=(start, stop)")
    if x.ndim == 4:
        return x.flatten(2).unflatten(1, (heads, -1)).transpose(-1, -2)
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def exact_layer(layer: Layer, places: Places, queries: Sequence[int] | None = None) -> CapturedLayer:
    """The map of a layer from the identity, proved by its true values; of some queries only their rows."""
    v, rest, tokens = layer.v, layer.mix(torch.zeros_like(layer.v)), layer.o.shape[-2]
    B, H, S, E = v.shape
    rows = token_rows(queries, tokens)
    table = v.new_zeros(B, H, len(rows), S)
    for start in range(0, S, E):
        probe, stop = torch.zeros_like(v), min(start + E, S)
        probe[..., start:stop, :stop - start] = torch.eye(stop - start)
        table[..., start:stop] = (layer.mix(probe) - rest)[..., rows, :stop - start]
    error = relative_error(table @ v + rest[..., rows, :], layer.o[..., rows, :])
    if not error <= CLOSE:
        raise ValueError(describe_refusal(layer, rest, error))
    grid, key_grid = layer_grid(tokens, places), layer_grid(S, places)
    if grid is None:
        raise ValueError(f"{layer.name}: it is not known how its {tokens:,} tokens lie: give grid=")
    elsewhere = None if queries is None and tokens == S else key_grid or Grid(X=S)
    grid = grid if queries is None else Grid(X=len(rows))
    empty = torch.zeros(1, 1, 1, 1)
    return CapturedLayer(layer.name, "exact", empty.expand(B, H, len(grid), 1), empty.expand(B, H, S, 1), v, grid, 1.0,
                         key_grid=elsewhere, table=table, error=error, road="the identity in place of v")


def token_rows(queries: Sequence[int] | None, tokens: int) -> list[int]:
    """The tokens whose rows are kept; ValueError, in one sentence, for one that is not there.

    >>> token_rows(None, 3), token_rows([2, 0], 3)
    ([0, 1, 2], [2, 0])
    """
    if queries is None:
        return [*range(tokens)]
    wrong = [i for i in queries if not 0 <= whole_number(i, "a query") < tokens]
    if wrong or not len(queries):
        raise ValueError(f"queries= takes tokens from 0 to {tokens - 1}; got {wrong[0] if wrong else 'none'}")
    return [int(i) for i in queries]


def relative_error(x: Tensor, true: Tensor) -> float:
    """The largest difference over the largest number.

    >>> relative_error(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    0.5
    """
    return float((x - true).abs().max() / true.abs().max().clamp_min(torch.finfo(true.dtype).tiny))


def describe_refusal(layer: Layer, rest: Tensor, error: float) -> str:
    """Why a layer has no map, in one sentence."""
    doubled = relative_error(layer.mix(2 * layer.v) - rest, 2 * (layer.o - rest))
    why = "its output is not linear in v (twice v is not twice the output, relative error"
    if doubled <= CLOSE:
        why = (f"its output is linear in v, but heads={layer.heads} is not its number of heads, or the channels of a "
               "head do not share one map (relative error")
    why += f" {max(doubled, error):.1e})"
    return f"{layer.name} ({type(layer.part).__name__}) has no map: {why}"
