"""One call of an attention, and the recorder that keeps such calls while a model runs."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Call:
    """One call: q (B, H, N, D), k (B, K, S, D), v (B, K, S, E), and what else the scores depend on."""

    q: Tensor
    k: Tensor
    v: Tensor
    scale: float
    bias: Tensor | None = None
    causal: bool = False
    kind: str = "softmax"
    road: str = ""

    def with_parts(self, change: Callable[[Tensor], Tensor]) -> Call:
        """The same call with another q, k and v."""
        return replace(self, q=change(self.q), k=change(self.k), v=change(self.v))


@dataclass
class Recorder:
    """Calls by module, in the order in which the modules attended. `wanted` says of a module's name and number, from 1,
    if it is kept.

    keep  copies a tensor, perhaps in half precision
    """

    wanted: Callable[[str, int], bool]
    keep: Callable[[Tensor], Tensor]
    calls: dict[str, list[Call]] = field(default_factory=dict)
    quiet: bool = False

    def add(self, name: str, q: Tensor, k: Tensor, v: Tensor, scale: float | None = None, bias: Tensor | None = None,
            causal: bool = False, kind: str = "softmax", road: str = "") -> None:
        """Keep one call of the module `name`."""
        kept = self.calls.setdefault(name, [])
        if not self.wanted(name, [*self.calls].index(name) + 1):
            return
        if q.ndim == 3:
            q, k, v = q[:, None], k[:, None], v[:, None]
        q, k, v = (self.keep(x) for x in (q, k, v))
        scale = float(q.shape[-1] ** -0.5 if scale is None else scale)
        kept.append(Call(q, k, v, scale, plain_bias(bias), causal, kind, road))


def plain_bias(bias: Tensor | None) -> Tensor | None:
    """A mask or bias as it is added to scores, float32; None where it changes nothing.

    >>> plain_bias(torch.zeros(1, 3)) is None, plain_bias(torch.tensor([[True, False]]))
    (True, tensor([[0., -inf]]))
    """
    if bias is None:
        return None
    if bias.dtype == torch.bool:
        bias = torch.zeros(bias.shape, device=bias.device).masked_fill(~bias, -torch.inf)
    low = torch.finfo(bias.dtype).min
    bias = bias.detach().float()
    return None if not bool(bias.any()) else bias.masked_fill(bias <= low, -torch.inf)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """A context without gradients and dropout. Afterwards the modules that were in training are in it again."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
