"""What chapter 18 draws and counts: a feature map to design, and what it shares with softmax, beside a stranger."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ... import clips
from ...concentration import entropy
from ...figures import curves
from ...grid import Grid
from ...mechanisms import make

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


def compare_stranger(name: str, features: Any, seeds: Sequence[int] = (0, 1, 2)) -> dict[str, list[float]]:
    """Entropy in bits and share of softmax's weight, of a kernel on a photograph and of strangers, one per seed.

    A stranger has the same features, but every key has those of another token: the same numbers in other places.
    """
    grid = Grid(1, 14, 14)
    q, k, _ = (x[0, 0] for x in clips.descriptors(clips.fit(clips.load(name), grid), grid, clips.OPENING.temperature))
    target, phi_q, phi_k = softmax_map(q, k), features(q), features(k)
    own = kernel_map(phi_q, phi_k)
    out = {"bits": [entropy(own).mean().item()], "found": [found_share(own, target)]}
    for seed in seeds:
        order = torch.randperm(len(k), generator=torch.Generator().manual_seed(seed))
        other = kernel_map(phi_q, phi_k[order])
        out["bits"].append(entropy(other).mean().item())
        out["found"].append(found_share(other, target))
    return out


def uniform_share(name: str) -> float:
    """The share of softmax's weight that uniform attention finds on a photograph."""
    grid = Grid(1, 14, 14)
    given = clips.descriptors(clips.fit(clips.load(name), grid), grid, clips.OPENING.temperature)
    target, flat = (make(spec, 1, given[0].shape[-1], grid).map(*given).dense() for spec in ("softmax", "uniform"))
    return found_share(flat, target)
