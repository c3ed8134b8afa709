"""The map of causal linear attention whose features are exponentials, safe for keys of any size.

    A_ij = sum_m l_im r_jm exp(p_im + s_jm) / row sum        j <= i

exp(89) is too large for float32 and exp(-104) is zero. A softmax subtracts the largest exponent of a row, which
cancels in the division. A causal row may only use exponents that it has seen, so the largest one is a running
maximum, one per feature: top_im = max over j <= i of s_jm. The state of the recurrent form keeps it as well.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .base import Map
from .causal import CausalFactored, check_paired
from .factored import Features, Normaliser

BLOCK = 16  # number of tokens whose mutual weights are exponentiated one by one


def causal_map(features: Features, normaliser: Normaliser) -> CausalFactored | CausalExponential:
    """The causal map of features, with or without exponents."""
    return (CausalFactored if features.s_k is None else CausalExponential)(features, normaliser)


class CausalExponential(Map):
    """Features with exponents s_q and s_k (..., N, M) or (..., N, 1); row i is divided by its own running sum.

    >>> x = torch.tensor([[500.0], [500.0], [-900.0]])
    >>> CausalExponential(Features(x * 0 + 1, x * 0 + 1, s_q=x * 0, s_k=x), Normaliser()).dense().tolist()
    [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]
    """

    def __init__(self, features: Features, normaliser: Normaliser, stochastic: bool = True) -> None:
        self.features, self.normaliser, self.stochastic = features, normaliser, stochastic
        check_paired(features)
        phi = features.joined()
        assert phi.s_q is not None and phi.s_k is not None
        self.left, self.right, self.s_q, self.s_k = phi.q, phi.k, phi.s_q, phi.s_k
        self.seen = self.s_k.detach().cummax(-2).values  # constants, which cancel: they need no gradient
        self.top = (self.s_q.detach() + self.seen).amax(-1, keepdim=True)  # (..., N, 1): the largest exponent of a row
        self.shape = (self.left.shape[-2], self.right.shape[-2])
        self.rank_bound = min(self.shape)

    @property
    def like(self) -> Tensor:
        return self.left

    def apply(self, v: Tensor) -> Tensor:
        x = torch.cat([v, torch.ones_like(v[..., :1])], -1)  # the last channel sums the weights
        out, state = [], None
        for start in range(0, self.shape[0], BLOCK):
            block = slice(start, start + BLOCK)
            now = self._within(block) @ x[..., block, :]
            keys = self.right[..., block, :] * (self.s_k[..., block, :] - self._seen(block)).exp()
            if state is not None:
                before = self._seen(slice(start))
                now = now + self._towards(block, before) @ state
                state = state * (before - self._seen(block)).exp().mT
            new = keys.mT @ x[..., block, :]
            state = new if state is None else state + new
            out.append(now)
        sums = torch.cat(out, -2)
        return sums[..., :-1] / self.normaliser(sums[..., -1:], self.top)

    def take_rows(self, i: Tensor) -> Tensor:
        rows = self.left.new_zeros(*self.left.shape[:-2], len(i), self.shape[1])
        if i.is_meta:  # no numbers to look for, only shapes
            return rows
        number = i // BLOCK
        for n in number.unique().tolist():
            mine, start = (number == n).nonzero().squeeze(-1), n * BLOCK
            block = slice(start, start + BLOCK)
            found = self._within(block)
            if start:
                before = self._seen(slice(start))
                keys = self.right[..., :start, :] * (self.s_k[..., :start, :] - before).exp()
                found = torch.cat([self._towards(block, before) @ keys.mT, found], -1)
            found = found[..., i[mine] - start, :]
            rows[..., mine, :found.shape[-1]] = found
        return rows / self.normaliser(rows.sum(-1, keepdim=True), self.top[..., i, :])

    def column_sums(self) -> Tensor:
        """A^T 1: the gradient of the sum of A v, which is linear in v and needs no table."""
        keep = torch.is_grad_enabled() and self.left.requires_grad
        with torch.enable_grad():
            v = self.right.new_zeros(*self.right.shape[:-1], 1).requires_grad_()
            (sums,) = torch.autograd.grad(self.apply(v).sum(), v, create_graph=keep)
        return sums.squeeze(-1)

    def _seen(self, block: slice) -> Tensor:
        """The largest exponents up to the last key of a block: (..., 1, M)."""
        return self.seen[..., block, :][..., -1:, :]

    def _towards(self, block: slice, before: Tensor) -> Tensor:
        """The features of a block of queries for keys whose exponents are relative to `before`: (..., n, M)."""
        return self.left[..., block, :] * (self.s_q[..., block, :] + before - self.top[..., block, :]).exp()

    def _within(self, block: slice) -> Tensor:
        """The mutual weights of a block of tokens, relative to each row's largest exponent: (..., n, n)."""
        # added in the order of `top`: of huge exponents, rounded by hundreds, the largest is then exactly zero
        at = self.s_q[..., block, :].unsqueeze(-2) + self.s_k[..., block, :].unsqueeze(-3)
        at = at - self.top[..., block, :].unsqueeze(-2)
        n = at.shape[-2]
        future = torch.ones(n, n, dtype=torch.bool, device=at.device).triu(1).unsqueeze(-1)
        weights = at.masked_fill(future, -torch.inf).exp()  # (..., n, n, M): no exponent above zero
        return torch.einsum("...im,...jm,...ijm->...ij", self.left[..., block, :], self.right[..., block, :],
                            weights.expand(*weights.shape[:-1], self.left.shape[-1]))

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        return self.features.wire(at) | {"normaliser": self.normaliser.wire(), "causal": True}
