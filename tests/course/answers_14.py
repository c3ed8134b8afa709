"""Right answers to the exercises of chapter 14, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def time_slices(x: Tensor) -> Tensor:
    fold = x.shape[2] // 4
    y = x.clone()
    y[:, :, :2 * fold] = 0
    y[:-1, :, :fold] = x[1:, :, :fold]
    y[1:, :, fold:2 * fold] = x[:-1, :, fold:2 * fold]
    return y


def time_joined(x: Tensor) -> Tensor:
    fold = x.shape[-1] // 4
    nought = torch.zeros_like(x[:1])
    after, before = torch.cat((x[1:], nought)), torch.cat((nought, x[:-1]))
    return torch.cat((after[..., :fold], before[..., fold:2 * fold], x[..., 2 * fold:]), -1)


def time_padded(x: Tensor) -> Tensor:
    fold, frames = x.shape[2] // 4, len(x)
    wide = pad(x, (0, 0, 0, 0, 1, 1))
    c = torch.arange(x.shape[2])
    return torch.where(c < fold, wide[2:], torch.where(c < 2 * fold, wide[:frames], x))


def space_loop(x: Tensor, steps: Tensor) -> Tensor:
    Y, X, C = x.shape
    fold, y = C // 16, x.clone()
    for n, (dy, dx) in enumerate(steps.tolist()):
        part = slice(n * fold, (n + 1) * fold)
        if dy == 0 or dx == 0:
            y[:, :, part] = 0
        here = slice(max(-dy, 0), Y - max(dy, 0)), slice(max(-dx, 0), X - max(dx, 0))
        there = slice(max(dy, 0), Y - max(-dy, 0)), slice(max(dx, 0), X - max(-dx, 0))
        y[here[0], here[1], part] = x[there[0], there[1], part]
    return y


def space_padded(x: Tensor, steps: Tensor) -> Tensor:
    rows, columns, channels = x.shape
    folds = list(x.split(channels // 16, -1))
    inside = pad(torch.ones_like(x[..., :1]), (0, 0, 1, 1, 1, 1))
    for n in range(8):
        a, b = steps[n].tolist()
        wide = pad(folds[n], (0, 0, 1, 1, 1, 1))
        moved = wide[1 + a:1 + a + rows, 1 + b:1 + b + columns]
        there = inside[1 + a:1 + a + rows, 1 + b:1 + b + columns]
        folds[n] = moved + (1 - there) * folds[n] * (a != 0 and b != 0)
    return torch.cat(folds, -1)


def space_places(x: Tensor, steps: Tensor) -> Tensor:
    fold, y = x.shape[2] // 16, x.clone()
    r, c = torch.meshgrid(torch.arange(x.shape[0]), torch.arange(x.shape[1]), indexing="ij")
    for n in range(len(steps)):
        rr, cc = r + steps[n, 0], c + steps[n, 1]
        fits = (rr >= 0) & (rr < x.shape[0]) & (cc >= 0) & (cc < x.shape[1])
        outside = x[..., n * fold:(n + 1) * fold] * float(steps[n].prod() != 0)
        moved = x[rr.clamp(0, x.shape[0] - 1), cc.clamp(0, x.shape[1] - 1), n * fold:(n + 1) * fold]
        y[..., n * fold:(n + 1) * fold] = torch.where(fits[..., None], moved, outside)
    return y


def content_loop(row: Tensor, channels: int, steps: Tensor) -> Tensor:
    Y, X = row.shape
    share = channels // 16 / channels
    out = (1 - 8 * share) * row
    for dy, dx in steps.tolist():
        for r in range(Y):
            for c in range(X):
                if 0 <= r + dy < Y and 0 <= c + dx < X:
                    out[r + dy, c + dx] += share * row[r, c]
                elif dy and dx:
                    out[r, c] += share * row[r, c]
    return out


def content_gradient(row: Tensor, channels: int, steps: Tensor) -> Tensor:
    x = torch.zeros(*row.shape, channels, dtype=row.dtype, requires_grad=True)
    mixed = (row[..., None] * space_padded(x, steps)).sum((0, 1))
    (got,) = torch.autograd.grad(mixed.sum(), x)
    return got.mean(-1)


def content_padded(row: Tensor, channels: int, steps: Tensor) -> Tensor:
    fold, (Y, X) = channels // 16, row.shape
    counts = row * (channels - 8 * fold)
    for a, b in steps.tolist():
        wide = torch.zeros(Y + 2, X + 2, dtype=row.dtype)
        wide[1 + a:1 + a + Y, 1 + b:1 + b + X] = row
        counts = counts + fold * wide[1:-1, 1:-1]
        if a * b:
            kept = torch.zeros_like(row)
            kept[max(-a, 0):Y - max(a, 0), max(-b, 0):X - max(b, 0)] = 1
            counts = counts + fold * row * (1 - kept)
    return counts / channels


ANSWERS = {
    "shift_time": (time_slices, time_joined, time_padded),
    "shift_space": (space_loop, space_padded, space_places),
    "content_of": (content_loop, content_gradient, content_padded),
}
