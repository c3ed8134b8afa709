"""Right answers to the exercises of chapter 3, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor


def numerical_plain(s: Tensor, tolerance: float) -> Tensor:
    return (s > tolerance * s[..., :1]).sum(-1)


def numerical_ratio(s: Tensor, tolerance: float) -> Tensor:
    kept = s / s.amax(1, keepdim=True) > tolerance
    return kept.long().sum(1)


def numerical_loop(s: Tensor, tolerance: float) -> Tensor:
    return torch.stack([torch.count_nonzero(row > row[0] * tolerance) for row in s])


def effective_plain(s: Tensor) -> Tensor:
    p = s / s.sum(-1, keepdim=True)
    return (-(p * p.log()).sum(-1)).exp()


def effective_entr(s: Tensor) -> Tensor:
    return torch.special.entr(s / s.sum(1)[:, None]).sum(1).exp()


def effective_bits(s: Tensor) -> Tensor:
    total = s.sum(-1)
    bits = total.log2() - (s * s.log2()).sum(-1) / total
    return torch.exp2(bits)


def thin_plain(left: Tensor, right: Tensor) -> Tensor:
    r1, r2 = torch.linalg.qr(left).R, torch.linalg.qr(right).R
    return torch.linalg.svdvals(r1 @ r2.mT)


def thin_one_side(left: Tensor, right: Tensor) -> Tensor:
    _, r = torch.linalg.qr(left)
    return torch.linalg.svd(r @ right.T, full_matrices=False).S


def thin_swapped(left: Tensor, right: Tensor) -> Tensor:
    r = [torch.linalg.qr(x, mode="r")[1] for x in (right, left)]
    return torch.linalg.svdvals(r[0] @ r[1].T)


def centred_plain(left: Tensor, right: Tensor) -> Tensor:
    r1, r2 = torch.linalg.qr(left - left.mean(0)).R, torch.linalg.qr(right).R
    return torch.linalg.svdvals(r1 @ r2.mT)


def centred_matrix(left: Tensor, right: Tensor) -> Tensor:
    ones = torch.ones(1, len(left), dtype=left.dtype)
    centred = left - ones.T @ (ones @ left) / len(left)
    return torch.linalg.svdvals(torch.linalg.qr(centred).R @ right.T)


def centred_loop(left: Tensor, right: Tensor) -> Tensor:
    mean = sum(left) / left.shape[0]
    rest = torch.stack([row - mean for row in left])
    return torch.linalg.svdvals(torch.linalg.qr(right).R @ torch.linalg.qr(rest).R.T)


ANSWERS = {
    "numerical_rank": (numerical_plain, numerical_ratio, numerical_loop),
    "effective_rank": (effective_plain, effective_entr, effective_bits),
    "thin_spectrum": (thin_plain, thin_one_side, thin_swapped),
    "without_mean_row": (centred_plain, centred_matrix, centred_loop),
}
