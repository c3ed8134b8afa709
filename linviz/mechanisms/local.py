"""Local attention: softmax over the tokens nearby, in reading order.

    token i lies in block b(i) = floor(i / W)
    A_ij = exp(q_i.k_j / sqrt(D)) / sum_l exp(q_i.k_l / sqrt(D))      over the l with |b(i) - b(l)| <= 1

Tokens are counted in raster order and cut into blocks of W. A query sees its own block and the two adjacent
blocks, so between W and 2 W tokens to either side. causal=True: its own block up to itself, and the block before.

Gained: rows as sharp as those of softmax, at a cost that grows with N.
Lost: everything further away, in one layer; it takes about N / W layers to connect the two ends.
In a picture "nearby" depends on the reading order: the patch to the right is one token away, the patch below X
tokens, and the last patch of a row is a neighbour of the first patch of the next row. A block of W = X is a row.
Clips are read frame by frame, so a window crosses from the end of a frame into the start of the next frame.

Cost: O(N W D) time, O(N D) memory.   Rank: up to N, without a smaller bound.
No paper of its own; the form here is that of the package local-attention: the last block may be shorter.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..maps import Blocks, Scores, gather_tokens
from ..settings import Setting, Whole
from .base import Mechanism


class Local(Mechanism):
    """Softmax over the tokens of a block of `window` tokens and of its neighbouring blocks, in raster order."""

    name, title, family = "local", "local windows", "local"
    paper = "no paper; common practice"
    cost, rank, after = "N W D", "N", "softmax"
    takes_causal, takes_key_grid, positional = True, False, True
    settings = {"window": Setting(Whole(1, 4096), "Window, in tokens")}

    def build(self, window: int = 16) -> None:
        if window < 1:
            raise ValueError(f"the window must have at least one token; got window={window}")
        self.window = window

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Blocks:
        self.seat(q, k)
        return local_map(q, k, self.window, self.causal)


def local_map(q: Tensor, k: Tensor, window: int, causal: bool) -> Blocks:
    """Softmax of every block of queries (B, H, N, D) over its own and the neighbouring blocks of keys."""
    N = q.shape[-2]
    return Blocks([(i, j, Scores(gather_tokens(q, i), gather_tokens(k, j),
                                 bias=_causal_bias(i, j, q) if causal else None))
                   for i, j in token_blocks(N, window, causal, q.device)], (N, N))


def token_blocks(N: int, window: int, causal: bool = False,
                 device: torch.device | None = None) -> list[tuple[Tensor, Tensor]]:
    """Queries (boxes, L) and the keys they see (boxes, S); boxes of one shape are stacked.

    >>> [(i.tolist(), j.tolist()) for i, j in token_blocks(5, 2, causal=True)]
    [([[0, 1]], [[0, 1]]), ([[2, 3]], [[0, 1, 2, 3]]), ([[4]], [[2, 3, 4]])]
    """
    shapes: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
    for start in range(0, N, window):
        stop = min(start + window, N)
        first, last = max(start - window, 0), stop if causal else min(stop + window, N)
        shapes.setdefault((stop - start, start - first, last - stop), []).append(
            (torch.arange(start, stop, device=device), torch.arange(first, last, device=device)))
    return [(torch.stack(i), torch.stack(j)) for i, j in (zip(*pairs) for pairs in shapes.values())]


def _causal_bias(i: Tensor, j: Tensor, like: Tensor) -> Tensor:
    """-inf where a key comes after the query: (L, S), the same for all boxes of one shape."""
    future = j[0] > i[0][:, None]
    return like.new_zeros(future.shape).masked_fill(future, -torch.inf)
