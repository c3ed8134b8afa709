"""The figures of what every map paints, and of the attention that patches receive."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..figures.heat import patch_panels
from ..figures.rebuilt import rebuilt_rows
from ..figures.repainted import repainted_panels
from .repainted_output import painted_frames, patch_pixels
from .view_panels import OpenView

RECEIVED = "attention received, in equal shares"


def repainted_figure(opened: OpenView, found: Sequence[tuple[Tensor, float]], dark: bool = False) -> Any:
    """The shown frame and what every map paints of it (`repainted_outputs`), with its error to softmax's output."""
    pixels = painted_frames(patch_pixels(opened.clip, opened.grid), opened.grid)
    pictures = torch.stack([frames[opened.frame] for frames in (pixels, *(one for one, _ in found))])
    errors = [f"{100 * error:.3g} %" for _, error in found]
    titles = ["the pixels v", *(f"{title}: {error} off" for title, error in zip(opened.titles, errors))]
    said = "How far each output is from that of softmax: " + ", ".join(
        f"{title} {error}" for title, error in zip(opened.titles, errors)) + "."
    return repainted_panels(pictures, titles, said=said, title=painted_heading(opened.titles, found), dark=dark)


def painted_heading(titles: Sequence[str], found: Sequence[tuple[Tensor, float]]) -> str:
    """Which map, softmax itself aside, paints most like softmax.

    >>> painted_heading(["softmax", "relu"], [(torch.zeros(1), 0.0), (torch.zeros(1), 0.25)])
    'The output of relu is 25 % off that of softmax'
    """
    others = [(error, title) for title, (_, error) in zip(titles, found) if error > 1e-5]
    if not others:
        return "Every map paints as softmax does"
    error, title = min(others)
    return f"The output of {title} is {100 * error:.3g} % off that of softmax" + ", the least" * (len(others) > 1)


def received_figure(opened: OpenView, found: Sequence[Tensor], dark: bool = False) -> Any:
    """What the patches of the shown frame receive under every map (`received_attention`); signed sums in colour."""
    t = opened.frame * opened.keys.T // opened.grid.T
    maps = torch.stack([opened.keys.fold(one[:, None])[t, ..., 0].cpu() for one in found])
    title = received_heading(opened.titles, [float(one.max()) for one in found])
    if maps.min() < -1e-6 * maps.max():
        return rebuilt_rows(maps.numpy(), opened.titles, top=float(maps.abs().max()), title=title, dark=dark)
    return patch_panels(maps.numpy(), opened.titles, bar=RECEIVED, top=float(maps.max()), title=title, dark=dark)


def received_heading(titles: Sequence[str], most: Sequence[float]) -> str:
    """Under which map one patch receives most.

    >>> received_heading(["softmax", "relu"], [12.34, 2.0])
    'Under softmax one patch receives 12.3 equal shares, the most'
    """
    n = max(range(len(most)), key=lambda n: most[n])
    return f"Under {titles[n]} one patch receives {most[n]:.3g} equal shares, the most"
