"""The contract of a mechanism: it defines its map, and everything else is computed from that map.

    m.map(q, k, v) -> Map        o = m(q, k, v) = m.finish(map.apply(m.values(v)), q)

q (B, H, N, D), k (B, H, S, D), v (B, H, S, E). A kernel mechanism defines only its features phi; the base
class builds the map from them, with or without a gate. Importing a subclass with a `name` registers it.
"""
from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..fixation import Gate
from ..grid import Grid
from ..maps import Features, KernelMap, Map, Normaliser, State, blockwise_output, causal_map, takes_blocks
from ..maps.readable import wants_gradient
from ..settings import Setting
from .descriptions import describe_mechanism, describe_parameters

EPS = 1e-6  # added to a row sum, unless the definition of a method has another value
FAMILIES = ("softmax", "kernel", "low-rank", "local", "content-free", "graph", "recurrent")
REGISTRY: dict[str, type[Mechanism]] = {}
Project = Callable[[Tensor], Tensor]


class Mechanism(nn.Module):
    """The contract. A subclass sets name, title, family, paper, cost and rank, and defines `map`.

    Its options are the keyword arguments of `build`, which creates its parameters and buffers.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    family: ClassVar[str]
    paper: ClassVar[str]
    cost: ClassVar[str]  # how the cost of one head grows, as text
    rank: ClassVar[str]  # the bound on the rank, as text
    linear: bool = True  # the output is linear in the values; an option may break that
    takes_causal: ClassVar[bool] = False
    takes_key_grid: ClassVar[bool] = True  # keys may lie on a different grid from queries
    equal_widths: ClassVar[bool] = False   # v must be as wide as q and k
    signed: bool = False  # weights may be negative, or rows need not sum to one; an option may change that
    fixed: ClassVar[bool] = False   # learned tables fix the number of tokens
    squares: ClassVar[bool] = False  # |q|^2 and |k|^2 are computed, not only products of q and k
    positional: ClassVar[bool] = False  # positions matter: permuting the tokens does more than permute the map
    sorts: ClassVar[bool] = False  # which keys a query sees depends on all tokens: causal=True is about weights only
    year: ClassVar[int | None] = None
    after: ClassVar[str] = ""  # the name of the mechanism that this one changes, where there is one
    example: ClassVar[str] = ""  # spec and options at which it can be seen at work, where the name alone hides it
    settings: ClassVar[Mapping[str, Setting]] = {}  # options of `build` that every host offers, with their limits

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            REGISTRY[cls.name] = cls

    def __init__(self, heads: int, width: int, grid: Grid, *, value_width: int | None = None,
                 key_grid: Grid | None = None, causal: bool = False, **options: Any) -> None:
        super().__init__()
        if causal and not self.takes_causal:
            raise ValueError(f"{self.name} has no causal form; leave out causal=True")
        if key_grid not in (None, grid) and not self.takes_key_grid:
            raise ValueError(f"{self.name} needs queries and keys on one grid; leave out key_grid")
        if value_width not in (None, width) and self.equal_widths:
            raise ValueError(f"{self.name} weights each channel of v by a channel of q and k, so value_width is the "
                             f"width, {width}; got {value_width}")
        self.heads, self.width, self.grid, self.built, self.causal = heads, width, grid, grid, causal
        self.given = options
        self.value_width, self.key_grid = value_width or width, key_grid or grid
        self.build(**options)

    def __repr__(self) -> str:
        return f"<mechanism {self.name}: {describe_mechanism(self)}{describe_parameters(self, None)}>"

    def build(self) -> None:
        """Create parameters and buffers; each keyword of the signature is an option of `make`."""

    @classmethod
    def option_default(cls, name: str) -> Any:
        """The value of an option that is not given to `build`."""
        return inspect.signature(cls.build).parameters[name].default

    def add_conv(self) -> None:
        """Create the convolution that +conv adds; most mechanisms have none."""
        raise ValueError(f"{self.name} has no convolution to add; leave out +conv")

    def corner(self, table: Tensor, dim: int) -> Tensor:
        """Cut a learned table, with one entry per token of the grid it was built for, to the current grid."""
        if self.grid == self.built:
            return table
        prefix = torch.arange(self.grid.prefix, device=table.device)
        places = self.grid.within(self.built, table.device)
        return table.index_select(dim, torch.cat([prefix, self.built.prefix + places]))

    def seat(self, q: Tensor, k: Tensor) -> None:
        """Refuse tokens that do not fit the grids: for mechanisms that use the position of every token."""
        if (q.shape[-2], k.shape[-2]) != (len(self.grid), len(self.key_grid)):
            raise ValueError(f"{self.name} uses the positions of its tokens: {len(self.grid)} queries on {self.grid}, "
                             f"{len(self.key_grid)} keys on {self.key_grid}; got {q.shape[-2]} and {k.shape[-2]}")

    def redraw(self, seed: int) -> None:
        """Draw the random parts again; most mechanisms have none."""
        raise ValueError(f"{self.name} has no random parts to redraw")

    def on(self, grid: Grid) -> Mechanism:
        """The same mechanism with the same parameters on another grid: a scope uses it for one box."""
        if grid == self.grid:
            return self
        twin = copy.copy(self)
        twin.grid = twin.key_grid = grid
        return twin

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        """The table of weights for these q, k and v."""
        raise NotImplementedError

    def values(self, v: Tensor) -> Tensor:
        """The values that the map mixes, if not v itself: (B, H, S, E) -> (B, H, S, E)."""
        return v

    def finish(self, o: Tensor, q: Tensor) -> Tensor:
        """The part of the method after the map, token by token: (B, H, N, E) -> (B, H, N, E)."""
        return o

    def forward(self, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> Tensor:
        """Attend: (B, H, N, E)."""
        return self.finish(self.map(q, k, v, **context).apply(self.values(v)), q)

    def step_tokens(self, seen: int) -> int:
        """The number of tokens that the next step takes, after `seen` tokens."""
        return 1

    def step(self, state: Any, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> tuple[Any, Tensor]:
        """The causal form as a recurrent network, token by token; most mechanisms have none."""
        raise ValueError(f"{self.name} has no recurrent form")

    def project(self, x: Tensor, to_q: Project, to_k: Project, to_v: Project) -> tuple[Tensor, Tensor, Tensor]:
        """In a layer: compute q, k and v from x. Override this if the mechanism needs x."""
        return to_q(x), to_k(x), to_v(x)

    def close(self, o: Tensor, x: Tensor, out: Project) -> Tensor:
        """In a layer: compute the output from o. Override this if the mechanism acts before or after `out`."""
        return out(o)


class Kernel(Mechanism):
    """A_ij = phi(q_i).phi(k_j) / sum_l phi(q_i).phi(k_l): a subclass defines the features, and may be gated.

    `eps` is an option of every kernel: 0 makes rows sum to one exactly.
    """

    family = "kernel"
    eps: float = EPS
    tokenwise: ClassVar[bool] = False  # phi of a token depends on this token alone

    def __init__(self, *args: Any, eps: float | None = None, **kwargs: Any) -> None:
        self.gate: Gate | None = None
        super().__init__(*args, **kwargs)
        self.eps = self.eps if eps is None else eps

    @property
    def features_wide(self) -> int:
        """M, the width of phi."""
        return self.width

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """phi(q) (B, H, N, M) and phi(k) (B, H, S, M)."""
        raise NotImplementedError

    @property
    def normaliser(self) -> Normaliser:
        """The divisor of a row: its sum + eps."""
        return Normaliser("add", self.eps)

    def features_after(self, seen: int, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """phi of one token after `seen` others; differs from `features` only if positions matter."""
        return self.features(q, k)

    def causal_features(self, q: Tensor, k: Tensor, seen: int | None = None) -> Features:
        """The features of the causal form, or of one token after `seen` others.

        A method whose phi is an exponential gives exponents, without subtracting the largest: it may be in the future.
        """
        return Features(*(self.features(q, k) if seen is None else self.features_after(seen, q, k)))

    def gated(self, phi: Features, v: Tensor) -> Features:
        """The features, with the logits of the gate if there is one."""
        if self.gate is None:
            return phi
        z_q, z_k = self.gate.logits(*phi.multiplied(), v)
        return replace(phi, z_q=z_q, z_k=z_k)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> Tensor:
        """Attend: (B, H, N, E). A long input is read block by block where features, gate and divisor allow it."""
        if self.tokenwise and self.gate is None and not self.causal and takes_blocks(q, k, v):
            return self.finish(blockwise_output(self.features, q, k, self.values(v), self.normaliser), q)
        return super().forward(q, k, v, **context)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()  # once, not before every product
        if self.causal:
            return causal_map(self.gated(self.causal_features(q, k), v), self.normaliser)
        return KernelMap(self.gated(Features(*self.features(q, k)), v), self.normaliser)

    def step(self, state: State | None, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> tuple[State, Tensor]:
        """The causal form as a recurrent network: from the state and one token (B, H, 1, D) to the next state and o."""
        phi = self.gated(self.causal_features(q, k, 0 if state is None else state.seen), v)
        return recurrent_step(self, state, phi, v, self.normaliser)


def recurrent_step(m: Mechanism, state: State | None, phi: Features, v: Tensor,
                   normaliser: Normaliser) -> tuple[State, Tensor]:
    """The state after one token with these features, and its output; ValueError if the form is not causal."""
    if not m.causal:
        raise ValueError(f"only the causal form of {m.name} is recurrent; make it with causal=True")
    phi = phi.joined()
    state = State.empty(phi.q, v, phi.k.shape[-1]) if state is None else state
    state = state.after(phi.k, v, phi.s_k)
    return state, state.read(phi.q, normaliser, phi.s_q)


def softmax_over_tokens(x: Tensor) -> Tensor:
    """A softmax of every channel over the tokens: (B, H, N, M), columns sum to one.

    Along the last axis torch sums pairwise: at N = 100,000 float32 is then exact to 2e-6, as is a plain sum.
    """
    if wants_gradient(x):
        return x.mT.softmax(-1).mT
    x = (x - x.amax(-2, keepdim=True)).exp_()
    return x.div_(x.sum(-2, keepdim=True))
