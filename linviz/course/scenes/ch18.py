"""What chapter 18 draws and counts: a feature map to design, and what it shares with softmax, beside a stranger."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ... import clips
from ...concentration import entropy
from ...figures import curves
from ...grid import Grid

POWERS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)  # the slider of section 1


def power_features(x: Tensor, power: float) -> Tensor:
    """relu(x) to a power, rescaled so that every token keeps its length; a token without positive channels is zero.

    >>> power_features(torch.tensor([[3.0, 4.0, -1.0]]), 1.0).tolist()
    [[3.0, 4.0, 0.0]]
    """
    x = x.relu()
    y = x ** power
    return y * (x.norm(dim=-1, keepdim=True) / y.norm(dim=-1, keepdim=True).clamp_min(1e-12))


def kernel_map(q: Tensor, k: Tensor) -> Tensor:
    """The rows of a kernel from its features q (N, M) and k (S, M): (N, S)."""
    a = q @ k.mT
    return a / (a.sum(-1, keepdim=True) + 1e-6)


def softmax_map(q: Tensor, k: Tensor) -> Tensor:
    """The rows of softmax of q . k over the root of D: q (N, D), k (S, D) -> (N, S)."""
    return (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1)


def sharpness_figure(power: float, *, q: Tensor, k: Tensor, query: int) -> Any:
    """The sorted weights of one query, in fair shares: softmax, relu, and relu to a power. q, k (N, D)."""
    maps = {("softmax", "softmax", "softmax"): softmax_map(q, k),
            ("relu", "relu", "kernel"): kernel_map(q.relu(), k.relu()),
            (f"power {power:g}", "relu+gate", "kernel"): kernel_map(*(power_features(x, power) for x in (q, k)))}
    sizes = {look: (len(k) * a[query]).sort(descending=True).values.tolist() for look, a in maps.items()}
    lines = [curves.Curve(*look, list(range(1, len(k) + 1)), size) for look, size in sizes.items()]
    return curves.weight_curves(lines,
                                title=f"Features to the power {power:g}: at most {lines[2].y[0]:.1f} fair shares")


def found_share(a: Tensor, target: Tensor) -> float:
    """The share of the target's weight that a map puts in the same places, mean over rows: 1 if they are equal.

    >>> found_share(torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 0.0]]))
    0.5
    """
    return torch.minimum(a, target).sum(-1).mean().item()


def photo_tokens(name: str) -> tuple[Tensor, Tensor]:
    """Queries and keys of a sample photograph in 14 x 14 patches: each (196, 16).

    >>> photo_tokens("coffee")[0].shape
    torch.Size([196, 16])
    """
    grid = Grid(1, 14, 14)
    q, k, _ = clips.descriptors(clips.fit(clips.load(name), grid), grid, clips.OPENING.temperature)
    return q[0, 0], k[0, 0]


def compare_stranger(q: Tensor, k: Tensor, weights: Callable[[Tensor, Tensor], Tensor],
                     seeds: Sequence[int] = (0, 1, 2)) -> dict[str, list[float]]:
    """Entropy in bits and share of softmax's weight, of a mechanism and then of strangers, one per seed.

    weights: from q (N, D) and k (N, D) to the map (N, N). For a stranger every key is that of another token: the same
    numbers in other places.

    >>> found = compare_stranger(*photo_tokens("coffee"), softmax_map, seeds=(0,))
    >>> round(found["found"][0], 4), round(found["bits"][1] - found["bits"][0], 3)
    (1.0, 0.0)
    """
    target = softmax_map(q, k)
    out: dict[str, list[float]] = {"bits": [], "found": []}
    orders = [torch.randperm(len(k), generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    for order in (torch.arange(len(k)), *orders):
        table = weights(q, k[order])
        out["bits"].append(entropy(table).mean().item())
        out["found"].append(found_share(table, target))
    return out


def uniform_share(q: Tensor, k: Tensor) -> float:
    """The share of softmax's weight that uniform attention finds. q, k (N, D)."""
    return found_share(torch.full((len(q), len(k)), 1 / len(k)), softmax_map(q, k))
