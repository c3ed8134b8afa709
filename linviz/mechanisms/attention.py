"""The result of `make`: a mechanism together with the extras of its spec.

The order is always the same: check the tensors, shift k and v on the whole grid, cut the grid into the boxes
of the scope, and ask the mechanism for the map of each box.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..fixation import Gate, shift_channels
from ..grid import Grid, as_grid, whole_number
from ..maps import Blocks, Map, gather_tokens
from ..scopes import Group, token_groups
from ._recurrent import Recurrent
from .base import REGISTRY, Kernel, Mechanism, Project
from .descriptions import describe_extras, describe_mechanism, describe_parameters, describe_wrong_options
from .input_checks import check_context, check_numbers, check_sizes, check_state
from .inputs import Given, float_inputs, rounded_output, widened, without_autocast
from .specs import Spec, parse


class Attention(nn.Module):
    """A mechanism with its shift and its scope: `map(q, k, v)` returns the map, a call returns the output.

    q, k and v are tensors or arrays of numpy in floating point. They are converted to the type of the mechanism's
    parameters. Half precision is computed in float32; an output has the type of half precision that was given.
    """

    def __init__(self, spec: Spec, mechanism: Mechanism, grid: Grid, heads: int, boxes: list[Group],
                 shift_parts: int | None = None, seed: int | None = None) -> None:
        super().__init__()
        self.parsed, self.mechanism, self.grid, self.heads = spec, mechanism, grid, heads
        self.boxes, self.shift_parts, self.seed = boxes, shift_parts, seed

    def __repr__(self) -> str:
        words = describe_mechanism(self.mechanism).replace(repr(self.mechanism.grid), repr(self.grid), 1)
        return (f"<{self.spec}: {words}{describe_extras(self.parsed, self.shift_parts)}"
                f"{describe_parameters(self, self.seed)}>")

    def _apply(self, fn: Any, recurse: bool = True) -> Attention:
        """The boxes go with the parameters to another device."""
        self.boxes = [box.on(fn(box.queries[:0]).device) for box in self.boxes]
        return super()._apply(fn, recurse)

    @property
    def spec(self) -> str:
        """The spec in its shortest form."""
        return str(self.parsed)

    @property
    def name(self) -> str:
        """The mechanism's registered name."""
        return self.mechanism.name

    @property
    def title(self) -> str:
        """The name shown on pages."""
        s = self.parsed
        extras = " + gate" * bool(s.gate) + " + shift" * bool(s.shift) + " + conv" * s.conv
        return self.mechanism.title + extras + (f", {s.scope}" if s.scope != "joint" else "")

    @property
    def family(self) -> str:
        """softmax, kernel, low-rank, local, content-free, graph or recurrent."""
        return self.mechanism.family

    @property
    def gate(self) -> Gate | None:
        """The gate on the features, if the spec has one."""
        return getattr(self.mechanism, "gate", None)

    @property
    def memory(self) -> Recurrent | None:
        """The mechanism, if it is a memory: its `set_strengths` turns fading and erasing down."""
        return self.mechanism if isinstance(self.mechanism, Recurrent) else None

    @property
    def linear(self) -> bool:
        """Whether the output is linear in the values to which the map is applied."""
        return self.mechanism.linear

    def map(self, q: Given, k: Given, v: Given, **context: Any) -> Map:
        """The table of weights for q (B, H, N, D), k (B, H, S, D), v (B, H, S, E)."""
        return self._map(*self._prepared(q, k, v, context), **context)

    def _prepared(self, q: Given, k: Given, v: Given, context: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """q, k and v as the mechanism takes them: checked, with all heads, shifted."""
        check_context(self.spec, self.mechanism, context)
        q, k, v = self.admit(q, k, v)
        k, v = self._shifted(k), self._shifted(v)
        if not isinstance(self.mechanism, Kernel):
            return q, k, v
        return q.contiguous(), k.contiguous(), v.contiguous()  # once, not before every product

    def _map(self, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> Map:
        mechanism = widened(self.mechanism)
        if self.parsed.scope == "joint":
            return mechanism.map(q, k, v, **context)
        if context:
            given = ", ".join(f"{name}=" for name in context)
            raise ValueError(f"{self.spec}: {given} cannot be combined with @{self.parsed.scope}")
        boxes = [box.on(q.device) for box in self.boxes]
        parts = [(g.queries, g.keys, mechanism.on(g.grid).map(*(gather_tokens(x, n) for x, n in (
            (q, g.queries), (k, g.keys), (v, g.keys))))) for g in boxes]
        return Blocks(parts, (q.shape[-2], k.shape[-2]))

    def values(self, v: Given) -> Tensor:
        """The values that the map mixes: v, shifted and rotated as the method requires. (B, H, S, E)."""
        return widened(self.mechanism).values(self._shifted(self._spread(*float_inputs(self, v=v))))

    def finish(self, o: Tensor, q: Tensor) -> Tensor:
        """The part of the method after the map, token by token."""
        return widened(self.mechanism).finish(o, q)

    def forward(self, q: Given, k: Given, v: Given, **context: Any) -> Tensor:
        """Attend: (B, H, N, E)."""
        with without_autocast(q):
            mechanism, taken = widened(self.mechanism), self._prepared(q, k, v, context)
            if self.parsed.scope == "joint":
                return rounded_output(mechanism(*taken, **context), q, k, v)
            o = self._map(*taken, **context).apply(mechanism.values(taken[2]))
            return rounded_output(mechanism.finish(o, taken[0]), q, k, v)

    def step(self, state: Any, q: Given, k: Given, v: Given, **context: Any) -> tuple[Any, Tensor]:
        """A causal kernel or a memory as a recurrent network: one token (B, H, 1, D) at a time, or one frame.

        `state` is None before the first, a State or a MemoryState after it; its size does not grow.

        >>> m = make("linear", heads=1, width=4, grid=Grid(X=9), causal=True)
        >>> x, state = torch.rand(1, 1, 9, 4), None
        >>> for token in x.split(1, -2):
        ...     state, o = m.step(state, token, token, token)
        >>> torch.allclose(o, m(x, x, x)[..., -1:, :]), state.S.shape
        (True, torch.Size([1, 1, 4, 4]))
        """
        if type(self.mechanism).step is Mechanism.step or self.parsed.shift or self.parsed.scope != "joint":
            raise ValueError(f"{self.spec} has no recurrent form; only a causal kernel or a memory, without shift or "
                             "scope, has one")
        check_context(self.spec, self.mechanism, context)
        check_state(state, q, v)
        wanted = self.mechanism.step_tokens(0 if state is None else state.seen)
        if {q.shape[-2], k.shape[-2]} != {wanted}:
            count = "one token at a time" if wanted == 1 else f"the {wanted} tokens of the next frame or chunk"
            raise ValueError(f"a step takes {count}; q and k have {q.shape[-2]} and {k.shape[-2]}")
        with without_autocast(q):
            state, o = widened(self.mechanism).step(state, *self.admit(q, k, v), **context)
        return state, rounded_output(o, q, k, v)

    def features(self, q: Given, k: Given, v: Given) -> tuple[Tensor, Tensor, Tensor]:
        """The inputs of a gate: phi(q), phi(k) and v after checks and shift. Only kernels have features."""
        if not isinstance(self.mechanism, Kernel):
            raise ValueError(f"{self.name} has no features; only kernel mechanisms do")
        q, k, v = self._prepared(q, k, v, {})
        return *widened(self.mechanism).features(q, k), v

    def redraw(self, seed: int) -> None:
        """Draw the random parts of the method again; ValueError if it has none."""
        self.mechanism.redraw(seed)

    def project(self, x: Tensor, to_q: Project, to_k: Project, to_v: Project) -> tuple[Tensor, Tensor, Tensor]:
        """In a layer: compute q, k and v from x."""
        return self.mechanism.project(x, to_q, to_k, to_v)

    def close(self, o: Tensor, x: Tensor, out: Project) -> Tensor:
        """In a layer: compute the output from o."""
        return self.mechanism.close(o, x, out)

    def admit(self, q: Given, k: Given, v: Given) -> tuple[Tensor, Tensor, Tensor]:
        """Check q, k and v, and expand k and v to all heads; ValueError says in one sentence what is wrong."""
        q, k, v = float_inputs(self, q=q, k=k, v=v)
        check_sizes(self.spec, self.mechanism, q, k, v)
        if (self.parsed.scope != "joint" or self.parsed.shift) and {q.shape[-2], k.shape[-2]} != {len(self.grid)}:
            raise ValueError(f"{self.spec} needs the {len(self.grid)} tokens of {self.grid}; q and k have "
                             f"{q.shape[-2]} and {k.shape[-2]}")
        check_numbers(self.mechanism, q, k, v)
        return q, self._spread(k), self._spread(v)

    def _spread(self, x: Tensor) -> Tensor:
        """Expand k or v with fewer heads than q: each head serves a group of query heads, as a view."""
        each, rest = divmod(self.heads, x.shape[1])
        if rest:
            raise ValueError(f"{self.heads} heads of q cannot be divided evenly among {x.shape[1]} heads of k and v")
        return x if each == 1 else x[:, :, None].expand(-1, -1, each, -1, -1).flatten(1, 2)

    def _shifted(self, x: Tensor) -> Tensor:
        return shift_channels(x, self.grid, self.parsed.shift, self.shift_parts) if self.parsed.shift else x


def make(spec: str, heads: int, width: int, grid: Grid | Sequence[int], seed: int = 0, *,
         shift_parts: int | None = None, **options: Any) -> Attention:
    """The attention that `spec` names, for `heads` heads of `width` channels on `grid`.

    grid is a `Grid`, (rows, columns) or (frames, rows, columns). ValueError, in one sentence, for what cannot be made.

    Options: value_width, key_grid, causal, shift_parts (the number of folds into which a shift cuts the channels),
    and those of the mechanism. Parameters are drawn from `seed`; the state of torch's generator does not change.

    >>> m = make("relu_floor+gate", heads=2, width=8, grid=Grid(T=2, Y=3, X=3))
    >>> x = torch.rand(1, 2, 18, 8)
    >>> m(x, x, x).shape, m.map(x, x, x).rank_bound
    (torch.Size([1, 2, 18, 8]), 8)
    """
    if isinstance(spec, str) and "=" in spec:
        raise ValueError(f"{spec!r} is not a spec: options are keywords, as in make('performer', ..., directions=64)")
    parsed, grid = parse(spec), as_grid(grid)
    heads, width = whole_number(heads, "heads"), whole_number(width, "width")
    if options.get("key_grid") is not None:
        options["key_grid"] = as_grid(options["key_grid"])
    _check_extras(parsed, options)
    boxes = token_groups(grid, parsed.scope, parsed.side)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(whole_number(seed, "seed"))
        mechanism = _build_mechanism(parsed, heads, width, max((g.grid for g in boxes), key=len), options)
        if parsed.scope != "joint" and (not mechanism.linear or mechanism.key_grid != mechanism.grid):
            raise ValueError(f"'{parsed}': an option that clamps or norms the output, or that puts the keys on another "
                             f"grid, works on the whole grid only; leave out @{parsed.scope}")
        if parsed.gate:
            mechanism.gate = Gate(mechanism.features_wide, mechanism.value_width, parsed.gate, parsed.shared)
        if parsed.conv:
            mechanism.add_conv()
    return Attention(parsed, mechanism, grid, heads, boxes, shift_parts, seed)


def _build_mechanism(parsed: Spec, heads: int, width: int, grid: Grid, options: dict[str, Any]) -> Any:
    if min(heads, width) < 1:
        raise ValueError(f"heads and width must be at least 1; got heads={heads}, width={width}")
    try:
        return REGISTRY[parsed.name](heads, width, grid, **options)
    except TypeError as error:
        raise ValueError(describe_wrong_options(REGISTRY[parsed.name], options)) from error


def _check_extras(parsed: Spec, options: dict[str, Any]) -> None:
    """Refuse extras and options that would be ignored silently or that contradict each other."""
    if parsed.gate and not issubclass(REGISTRY[parsed.name], Kernel):
        raise ValueError(f"'{parsed}': +gate needs the features of a kernel, and {parsed.name} has none")
    if options.get("causal") and parsed.shift == "time":
        raise ValueError(f"'{parsed}': +shift:time brings in the next frame, so it cannot be causal")
    if options.get("causal") and parsed.scope != "joint":
        raise ValueError(f"'{parsed}': causal=True orders all tokens by number; leave out @{parsed.scope}")


def names() -> list[str]:
    """The names of all registered mechanisms.

    >>> "softmax" in names()
    True
    """
    return sorted(REGISTRY)
