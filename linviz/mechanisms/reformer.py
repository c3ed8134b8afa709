"""Reformer: sort the tokens by a random hash, and let each look only at those that were sorted near it.

    k_j = q_j / |q_j|        h(x) = argmax [x R; -x R]                  R random, drawn again for each round
    A_ij = (sum over the rounds r in which i sees j of exp s_ij) / (the same, summed over all j)
    s_ij = q_i.k_j / sqrt(D),  s_ii = -50,000

Softmax is dominated by the keys most similar to a query, and similar vectors fall into the same bucket of h. In each
round the tokens are sorted by bucket and cut into chunks of L; a token sees its own chunk and the one before.
Queries and keys are one projection: in a layer k is q. If a map is given another k, the hash of q decides.

A token sees itself only if it sees nothing else. A pair that meets in two rounds counts twice; duplicates=False
divides by the count, as in the paper. The first chunk of a round looks back at the last of the round before.
temperature="sqrt" divides by sqrt(D), "one" does not. full=True: all keys, with no hash. causal=True: weights on
the past only; yet the sort knows all tokens, so where a chunk ends can depend on the future.

Gained: rows as sharp as those of softmax without the N x S table.
Lost: what the hash misses has weight zero; more rounds find more. Chunks are not buckets: a bucket can be cut.

Cost: O(rounds N L (D + E)), and sorting.   Rank: up to N; at most 2 L rounds weights in a row.
Kitaev et al., 2020, arXiv 2001.04451: L = 64, 8 rounds; here fewer, for small clips. One public code divides by
sqrt(D), one does not. With duplicates=False, the first adds log 1e9 to pairs that meet across two rounds.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from ..maps import Map, Scores, Tiles, gather_rows
from ..settings import Setting, Switch, Whole, Word
from .base import Mechanism, Project

SELF, TEMPERATURES = -5e4, ("sqrt", "one")


class Reformer(Mechanism):
    """`chunk` is L, `temperature` one of TEMPERATURES. The map takes hashes, `buckets` (B, H, rounds, N), as well."""

    name, title, family, year = "reformer", "Reformer", "softmax", 2020
    paper = "Kitaev et al., 2020, arXiv 2001.04451"
    cost, rank, after = "N R L D", "N", "softmax"
    takes_causal, takes_key_grid, positional, sorts = True, False, True, True
    R: Tensor  # (D, rounds, half the buckets)
    settings = {"rounds": Setting(Whole(1, 16), "Rounds"), "chunk": Setting(Whole(1, 256), "Tokens per chunk"),
                "temperature": Setting(Word(*TEMPERATURES), "Temperature"), "full": Setting(Switch(), "All keys")}

    def build(self, rounds: int = 4, chunk: int = 16, temperature: str = "sqrt", duplicates: bool = True,
              full: bool = False) -> None:
        if min(rounds, chunk) < 1 or temperature not in TEMPERATURES:
            raise ValueError(f"rounds and chunk are at least 1, temperature one of {', '.join(TEMPERATURES)}; got "
                             f"{rounds}, {chunk}, {temperature!r}")
        self.rounds, self.chunk, self.duplicates, self.full = rounds, chunk, duplicates, full
        self.scale = self.width ** -0.5 if temperature == "sqrt" else 1.0
        self.register_buffer("R", torch.randn(self.width, rounds, self.bucket_pairs(len(self.grid))))

    def bucket_pairs(self, tokens: int) -> int:
        """Half the number of buckets: about one bucket per chunk."""
        return max(1, -(-tokens // (2 * self.chunk)))

    def redraw(self, seed: int) -> None:
        self.R = torch.randn(self.R.shape, generator=torch.Generator().manual_seed(seed)).to(self.R)

    def project(self, x: Tensor, to_q: Project, to_k: Project, to_v: Project) -> tuple[Tensor, Tensor, Tensor]:
        q, v = to_q(x), to_v(x)
        return q, q, v.repeat_interleave(q.shape[1] // v.shape[1], 1)

    def hashes(self, q: Tensor) -> Tensor:
        """The bucket of every token in every round: (B, H, rounds, N). In float64, whatever q is."""
        turned = torch.einsum("bhnd,drm->bhrnm", q.double(), self.R[..., :self.bucket_pairs(q.shape[-2])].double())
        return torch.cat([turned, -turned], -1).argmax(-1)

    def map(self, q: Tensor, k: Tensor, v: Tensor, buckets: Tensor | None = None) -> Map:
        self.seat(q, k)
        N, k = q.shape[-2], normalize(k, dim=-1)
        if self.full:
            return Scores(q, k, torch.eye(N, dtype=q.dtype, device=q.device) * SELF, self.scale, self.causal)
        chunks, at = sorted_chunks(self.hashes(q) if buckets is None else buckets, self.chunk)
        seen = torch.cat([chunks, chunks.roll(1, -2)], -1) if chunks.shape[-2] > 1 else chunks
        i, j = chunks[..., None], seen[..., None, :]
        last = N - 1  # stands where a chunk has no token
        scores = gather_rows(q, chunks.clamp(max=last)) @ gather_rows(k, seen.clamp(max=last)).mT
        scores = (scores * self.scale).masked_fill(i == j, SELF)
        if not self.duplicates:
            scores = scores - (meetings(at, i.clamp(max=last), j.clamp(max=last)).to(q) + 1e-9).log()
        scores = scores.masked_fill((j == N) | (i == N) | ((j > i) & self.causal), -torch.inf)
        return Tiles(chunks, seen.clamp(max=last), softmax_of_rounds(scores, chunks, N), (N, N), at.shape[-2])


def sorted_chunks(buckets: Tensor, L: int) -> tuple[Tensor, Tensor]:
    """The tokens sorted by bucket, cut into chunks, (B, H, C, L), and the chunk of each token, (B, H, rounds, N).

    All rounds stand one after the other. The last chunk of a round may be shorter: there stands N, which is no token.

    >>> [x.tolist() for x in sorted_chunks(torch.tensor([[[[1, 0, 1]]]]), 2)]
    [[[[[1, 0], [2, 3]]]], [[[[0, 0, 1]]]]]
    """
    rounds, N = buckets.shape[-2:]
    order, each = buckets.argsort(dim=-1, stable=True), -(-N // L)
    chunks = pad(order, (0, each * L - N), value=N).flatten(-2).unflatten(-1, (rounds * each, L))
    first = torch.arange(rounds, device=buckets.device)[:, None] * each
    return chunks, order.argsort(-1).div(L, rounding_mode="floor") + first


def meetings(at: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """In how many rounds the chunk of query i sees key j, each round by itself: i (..., C, L, 1), j (..., C, 1, P)."""
    count, chunks = torch.zeros((), dtype=torch.long, device=at.device), i.shape[-3]
    for one in at.unbind(-2):  # (B, H, N)
        mine, theirs = (one.gather(-1, x.flatten(-3)).view(x.shape) for x in (i, j))
        count = count + (mine == theirs) + ((mine == (theirs + 1) % chunks) & (chunks > 1))
    return count


def softmax_of_rounds(scores: Tensor, chunks: Tensor, N: int) -> Tensor:
    """A softmax over all keys that a token sees in all its chunks; scores (B, H, C, L, P), chunks (B, H, C, L)."""
    at, shape = chunks.flatten(-2), (*chunks.shape[:-2], N + 1)
    top = scores.new_full(shape, -torch.inf).scatter_reduce(-1, at, scores.detach().amax(-1).flatten(-2), "amax")
    top = top.masked_fill(top == -torch.inf, 0)
    e = (scores - top.gather(-1, at).view(chunks.shape)[..., None]).exp()
    sums = scores.new_zeros(shape).scatter_add(-1, at, e.sum(-1).flatten(-2))
    return e / sums.masked_fill(sums == 0, 1).gather(-1, at).view(chunks.shape)[..., None]
