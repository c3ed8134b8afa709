"""The frames of a clip ranked by the attention that they receive; beside it the ranking by motion, and equal shares.

    linviz export holiday.mp4 --out frames.zip        the frames as PNG, and a table of their numbers
"""
from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from ..patch_view.blob import frame_image
from .repainted_output import received_attention
from .view_panels import OpenView, ViewPanel

MEANING = ("A frame ranks high if the patches of all frames put much weight on it in this map; that does not show "
           "that it matters for any task, so compare its rank with that by motion and its share with the equal share.")
SIGNED = "signed or unnormalised: a sum of weights, not a share"


@dataclass(frozen=True)
class FrameScore:
    """One frame under one mechanism. Ranks count from 1; of equal frames the earlier one comes first.

    received, equal, motion  shares of all frames: of the attention received, of uniform attention, of the motion energy
    """

    spec: str
    title: str
    frame: int
    rank: int
    received: float
    equal: float
    motion: float
    rank_by_motion: int
    file: str
    note: str = ""


def motion_energy(frames: Tensor) -> Tensor:
    """How much each frame of (T, 3, Ypx, Xpx) differs from the one before, as shares (T,); the first: from the second.

    >>> motion_energy(torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1, 1).expand(3, 3, 2, 2)).tolist()
    [0.0, 0.0, 1.0]
    """
    steps = frames.diff(dim=0).abs().flatten(1).mean(1)
    energy = torch.cat([steps[:1], steps])
    return energy / energy.sum() if energy.sum() > 0 else torch.full_like(energy, 1 / len(energy))


def frame_ranks(values: Sequence[float]) -> list[int]:
    """The rank of every value from 1, largest first; of equal ones the earlier comes first.

    >>> frame_ranks([0.2, 0.5, 0.2])
    [2, 1, 3]
    """
    order = sorted(range(len(values)), key=lambda t: -values[t])
    return [order.index(t) + 1 for t in range(len(values))]


def frame_scores(opened: OpenView) -> list[FrameScore]:
    """Every frame under every mechanism, in the order of the clip. ValueError, in one sentence, without several frames.

    >>> from linviz.views import View, open_view
    >>> [one.rank for one in frame_scores(open_view(View("pan", patches=4, frames=3, specs=("uniform",))))]
    [1, 2, 3]
    """
    if opened.grid.T == 1 or opened.tokens.key_grid is not None:
        why = "this view has one frame" if opened.grid.T == 1 else "keys lie on another grid than the frames here"
        raise ValueError(f"key frames are ranked in a clip, and {why}")
    motion = motion_energy(opened.picture.frames).tolist()
    return [score for panel, title in zip(opened.panels, opened.titles)
            for score in _scores(opened, panel, title, motion)]


def _scores(opened: OpenView, panel: ViewPanel, title: str, motion: list[float]) -> list[FrameScore]:
    grid, keys = opened.grid, received_attention(panel.map) / len(opened.keys)
    received = [round(x, 7) for x in grid.fold(keys[:, None]).flatten(1).sum(1).tolist()]
    by_motion, ranks, note = frame_ranks(motion), frame_ranks(received), "" if panel.map.stochastic else SIGNED
    return [FrameScore(panel.key, title, t + 1, ranks[t], received[t], 1 / grid.T, motion[t], by_motion[t],
                       f"frame_{t + 1:02}.png", note) for t in range(grid.T)]


def key_frames_heading(scores: Sequence[FrameScore]) -> str:
    """Which frame each mechanism ranks first, in one sentence.

    >>> key_frames_heading([FrameScore("softmax", "softmax", 3, 1, 0.5, 0.25, 0.1, 4, "frame_03.png")])
    'Most attention falls on frame 3 under softmax (50 %); an equal share is 25 %.'
    """
    best = [f"frame {one.frame} under {one.title} ({100 * one.received:.3g} %)" for one in scores
            if one.rank == 1 and not one.note]
    if not best:
        return "No map here has rows that are probability distributions: its sums of weights are no shares."
    return f"Most attention falls on {', '.join(best)}; an equal share is {100 * scores[0].equal:.3g} %."


def key_frames_zip(opened: OpenView) -> bytes:
    """The frames as PNG, `key_frames.csv` with a line for each frame and mechanism, and `README.txt`, as a ZIP file."""
    from .export.table import csv_text, state_columns
    scores, out = frame_scores(opened), io.BytesIO()
    state = state_columns(opened)
    with zipfile.ZipFile(out, "w") as archive:
        for t, frame in enumerate(opened.picture.frames):
            picture = io.BytesIO()
            frame_image(frame).save(picture, "PNG")
            archive.writestr(f"frame_{t + 1:02}.png", picture.getvalue())
        archive.writestr("key_frames.csv", csv_text([asdict(score) | state for score in scores]))
        archive.writestr("README.txt", f"{key_frames_heading(scores)}\n{MEANING}\n")
    return out.getvalue()
