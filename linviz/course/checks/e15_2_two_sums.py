"""Exercise 15.2, find the bug: attention by chunks of a clip, with two sums that do not grow."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal, phi
from .work_properties import linear_in_tokens

N, M, E, SIZE = 11, 4, 3, 3  # tokens, features, width of v, tokens of a chunk


def right(up_q: Tensor, up_k: Tensor, q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    """Pair by pair. Features above up_q, up_k (N, M) and below q, k (N, M), v (N, E) -> (N, E)."""
    out = torch.zeros_like(v)
    for i in range(len(v)):
        seen = min(len(v), (i // size + 1) * size)
        below = sum((q[i] * k[j]).sum() for j in range(seen))
        for j in range(seen):
            out[i] += (up_q[i] * up_k[j]).sum() / below * v[j]
    return out


def by_chunks(up_q: Tensor, up_k: Tensor, q: Tensor, k: Tensor, v: Tensor, size: int, *, own: bool = True,
              keep_S: bool = True, keep_z: bool = True, divide: bool = True) -> Tensor:
    """The recurrence with parts left out.

    >>> given = clip(0)
    >>> torch.allclose(by_chunks(*given), right(*given))
    True
    """
    S, z, out = up_k.new_zeros(up_k.shape[1], v.shape[1]), k.new_zeros(k.shape[1]), []
    for a, b, c, d, x in zip(*(t.split(size) for t in (up_q, up_k, q, k, v)), strict=True):
        new_S, new_z = (S if keep_S else 0 * S) + b.mT @ x, (z if keep_z else 0 * z) + d.sum(0)
        S_read, z_read = (new_S, new_z) if own else (S, z + 1e-9 * (z.sum() == 0))
        out.append(a @ S_read / ((c @ z_read)[:, None] if divide else 1.0))
        S, z = new_S, new_z
    return torch.cat(out)


def _token_by_token(a: Tensor, b: Tensor, q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    return (a @ b.mT).tril() @ v / (q @ k.mT).tril().sum(-1, keepdim=True)


def _again(a: Tensor, b: Tensor, q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    kept, out = [], []
    for up_q, up_k, c, d, x in zip(*(t.split(size) for t in (a, b, q, k, v)), strict=True):
        kept.append((up_k.mT @ x, d.sum(0)))
        S, z = torch.stack([s for s, _ in kept]).sum(0), torch.stack([s for _, s in kept]).sum(0)
        out.append(up_q @ S / (c @ z)[:, None])
    return torch.cat(out)


WRONG = {
    "with the fault of the public code: the sums of all chunks are kept and added again for each chunk": _again,
    "when a chunk does not see itself": lambda *x: by_chunks(*x, own=False),
    "when a chunk sees only itself": lambda *x: by_chunks(*x, keep_S=False, keep_z=False),
    "when S forgets the chunks before, and z does not": lambda *x: by_chunks(*x, keep_S=False),
    "when z forgets the chunks before, and S does not": lambda *x: by_chunks(*x, keep_z=False),
    "when a token sees only itself and the tokens before it": _token_by_token,
    "when every token sees the whole clip": lambda a, b, q, k, v, n: by_chunks(a, b, q, k, v, len(v)),
    "when nothing is divided": lambda *x: by_chunks(*x, divide=False),
    "when the rotated features stand below, too": lambda a, b, q, k, v, n: by_chunks(a, b, a, b, v, n),
    "when the rotated features do not stand above": lambda a, b, q, k, v, n: by_chunks(q, k, q, k, v, n),
    "when only the queries are rotated above": lambda a, b, q, k, v, n: by_chunks(a, k, q, k, v, n),
    "when only the keys are rotated above": lambda a, b, q, k, v, n: by_chunks(q, b, q, k, v, n),
    "when queries and keys are exchanged": lambda a, b, q, k, v, n: by_chunks(b, a, k, q, v, n),
    "when the rotated keys are added up in z": lambda a, b, q, k, v, n: by_chunks(a, b, q, b, v, n),
    "when the rotated queries read z": lambda a, b, q, k, v, n: by_chunks(a, b, a, k, v, n),
    "when a chunk has one token too many": lambda a, b, q, k, v, n: by_chunks(a, b, q, k, v, n + 1),
    "when a chunk has one token too few": lambda a, b, q, k, v, n: by_chunks(a, b, q, k, v, n - 1),
}


def clip(seed: int, tokens: int = N) -> tuple[Any, ...]:
    """Features above, which may be negative, positive features below, values, and the size of a chunk."""
    return (normal(seed, tokens, M), normal(seed + 10, tokens, M), phi(seed + 20, tokens, M),
            phi(seed + 30, tokens, M), normal(seed + 40, tokens, E), SIZE)


def order(a: Attempt) -> Finding | None:
    up_q, up_k, q, k, v, size = a.given
    late = v.clone()
    late[2 * size:] += 1
    got = a.ask(up_q, up_k, q, k, late, size)
    if not is_close(got[:2 * size], a.got[:2 * size], 1e-9):
        return Finding("values of the third chunk were changed, and outputs of earlier chunks changed with them",
                       "A chunk reads the sums over its own and all earlier chunks.", True)
    early = v.clone()
    early[0] += 1
    if is_close(a.ask(up_q, up_k, q, k, early, size)[2 * size:], a.got[2 * size:], 1e-9):
        return Finding("the first value was changed, and the third chunk did not notice", "Nothing is forgotten: both "
                       "sums run through the whole clip.", True)
    return None


def rows_sum_to_one(a: Attempt) -> Finding | None:
    _, _, q, k, v, size = a.given
    off = row_difference(a.ask(q, k, q, k, torch.ones_like(v), size), 1.0, 1e-6, ".3f")
    return None if off is None else Finding(
        f"without rotation rows sum to one, so values that are all 1 should give 1; yours give {off.got} at "
        f"[{off.place}]", "Both sums run over the same chunks: S = sum of up_k v, z = sum of k.", True)


def last_chunk(a: Attempt) -> Finding | None:
    off = first_difference(a.got[-(N % SIZE):], a.expected[-(N % SIZE):])
    if off is None or not is_close(a.got[:-(N % SIZE)], a.expected[:-(N % SIZE)]):
        return None
    return Finding(f"{N} tokens in chunks of {SIZE}: in the last chunk, which is shorter, at [{off.place}] expected "
                   f"{off.wanted}, got {off.got}", "`x.split(size)` gives a shorter last part.", True)


one_pass = linear_in_tokens(lambda n: clip(0, n), "Add a chunk to the two sums when it arrives, and keep nothing else.",
                            "right numbers, but a clip twice as long takes more than twice the work")
two_sums = Exercise(
    "two_sums", "15.2", right, clip, (*FIRST, order, rows_sum_to_one, last_chunk, *LAST, one_pass), WRONG,
    "Two sums hold the whole past, whatever the length of the clip.")
