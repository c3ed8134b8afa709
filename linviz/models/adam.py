"""Adam: gradient descent in which every parameter has its own step size.

    m <- .9 m + .1 g          s <- .999 s + .001 g^2          p <- p - rate m^ / (sqrt(s^) + 1e-8)

m and s are running means of the gradient g and of its square; m^ and s^ are corrected for starting at zero.
The steps are those of torch.optim.Adam. Its first use imports a compiler, which takes a second and would delay the
explorer's first picture. "Adam: a method for stochastic optimization", Kingma and Ba 2015, arXiv 1412.6980.
"""
from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

KEEP_M, KEEP_S, TINY = 0.9, 0.999, 1e-8


class Adam:
    """An optimiser: call `step()` after each backward pass; `step` also clears the gradients.

    >>> p = torch.nn.Parameter(torch.tensor([1.0]))
    >>> adam = Adam([p], rate=0.1)
    >>> (p * 5).sum().backward(); adam.step(); p.item()
    0.9
    """

    def __init__(self, parameters: Iterable[Tensor], rate: float) -> None:
        self.rate, self.steps = rate, 0
        self.state = [(p, torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients; parameters without a gradient do not change."""
        self.steps += 1
        unbias_m, unbias_s = 1 - KEEP_M**self.steps, 1 - KEEP_S**self.steps
        for p, m, s in self.state:
            if p.grad is not None:
                m.lerp_(p.grad, 1 - KEEP_M)
                s.mul_(KEEP_S).addcmul_(p.grad, p.grad, value=1 - KEEP_S)
                p.addcdiv_(m, (s / unbias_s).sqrt_().add_(TINY), value=-self.rate / unbias_m)
                p.grad = None
