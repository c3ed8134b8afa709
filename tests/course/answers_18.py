"""Right answers to the exercises of chapter 18, each written in three ways a learner might choose."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention as attention


def sharpened_norm(x: Tensor, power: float) -> Tensor:
    x = x.relu()
    y = x ** power
    return y * x.norm(dim=-1, keepdim=True) / y.norm(dim=-1, keepdim=True).clamp_min(1e-30)


def sharpened_direction(x: Tensor, power: float) -> Tensor:
    length = x.relu().square().sum(-1, keepdim=True).sqrt()
    y = (x.relu() / length.clamp_min(1e-12)).pow(power)
    return length * torch.nn.functional.normalize(y, dim=1, eps=1e-30)


def sharpened_where(x: Tensor, power: float) -> Tensor:
    y = torch.where(x > 0, x, torch.zeros_like(x))
    z = torch.pow(y, power)
    ratio = y.norm(dim=1) / z.norm(dim=1)
    return torch.where(ratio.isnan()[:, None], torch.zeros_like(z), z * ratio[:, None])


def layer_split(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, H: int,
                attend: Any = attention) -> Tensor:
    q, k, v = ((x @ W.mT).unflatten(1, (H, -1)).transpose(0, 1) for W in (W_q, W_k, W_v))
    return attend(q, k, v).transpose(0, 1).flatten(1) @ W_o.mT


def layer_loop(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, H: int,
               attend: Any = attention) -> Tensor:
    heads = zip((x @ W_q.T).chunk(H, 1), (x @ W_k.T).chunk(H, 1), (x @ W_v.T).chunk(H, 1), strict=True)
    return torch.cat([attend(q, k, v) for q, k, v in heads], 1) @ W_o.T


def layer_view(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, H: int,
               attend: Any = attention) -> Tensor:
    N, D = len(x), W_q.shape[0] // H
    q = (x @ W_q.mT).view(N, H, D).permute(1, 0, 2)
    k = (x @ W_k.mT).view(N, H, D).permute(1, 0, 2)
    v = (x @ W_v.mT).view(N, H, D).permute(1, 0, 2)
    o = attend(q, k, v).permute(1, 0, 2).reshape(N, H * D)
    return o @ W_o.mT


def report_std(mine: Tensor, control: Tensor, t: float) -> tuple[Tensor, Tensor, Tensor]:
    d = mine - control
    half = t * d.std() / len(d) ** 0.5
    return d.mean(), d.mean() - half, d.mean() + half


def report_sums(mine: Tensor, control: Tensor, t: float) -> tuple[Tensor, Tensor, Tensor]:
    d, n = mine - control, mine.numel()
    mean = d.sum() / n
    error = ((d - mean).square().sum() / (n - 1) / n).sqrt()
    return mean, mean - t * error, mean + t * error


def report_var(mine: Tensor, control: Tensor, t: float) -> tuple[Tensor, Tensor, Tensor]:
    d = torch.sub(mine, control)
    error = torch.sqrt(d.var() / d.shape[0])
    low, high = d.mean() - t * error, d.mean() + t * error
    return (low + high) / 2, low, high


ANSWERS = {
    "sharpened": (sharpened_norm, sharpened_direction, sharpened_where),
    "attention_layer": (layer_split, layer_loop, layer_view),
    "paired_report": (report_std, report_sums, report_var),
}
