"""What chapter 15 draws and counts: a clip made by chunks, rearranged clips, and one layer made uniform."""
from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ...figures import heat
from ...models.interventions import attention_layers
from ...models.video_transformer import VideoTransformer

SHUFFLED = (3, 0, 6, 1, 7, 4, 2, 5)
CLIPS: Mapping[str, Callable[[Tensor], Tensor]] = {  # frames (B, T, P, C) -> frames
    "backwards": lambda x: x.flip(1), "shuffled": lambda x: x[:, list(SHUFFLED)],
    "frozen": lambda x: x[:, :1].expand_as(x)}


def mean_change(model: Callable[[Tensor], Tensor], x: Tensor, frames: int) -> dict[str, float]:
    """How much the mean output token changes, relative to its length, if the frames of x (B, N, C) are rearranged.

    >>> {name: round(y, 3) for name, y in mean_change(lambda x: x, torch.ones(1, 16, 2), 8).items()}
    {'backwards': 0.0, 'shuffled': 0.0, 'frozen': 0.0}
    """
    with torch.no_grad():
        plain = model(x).mean(1)
        out = {}
        for name, rearranged in CLIPS.items():
            other = rearranged(x.unflatten(1, (frames, -1))).flatten(1, 2)
            out[name] = ((model(other).mean(1) - plain).norm() / plain.norm()).item()
        return out


def uniform_layer(model: VideoTransformer, layer: int) -> VideoTransformer:
    """A copy of a softmax model whose attention layer number `layer`, from 0, is uniform: its queries are 0.

    >>> model = uniform_layer(VideoTransformer("softmax"), 1)
    >>> seen = model.trace(torch.rand(1, 8, 3, 36, 36))
    >>> [round(144 * one.map.rows(torch.arange(1)).max().item(), 2) > 1 for one in seen]
    [True, False, True]
    """
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for x in list(attention_layers(twin))[layer].to_q.parameters():
            x.zero_()
    return twin


def memory_figure(frame: float, *, table: Tensor, frames: int, state: int, per_frame: int) -> Any:
    """The frames of a clip that are known after a frame: their block of a map of frames, (frames, frames).

    state: numbers of the two sums. per_frame: numbers that keys and values of a frame have, which softmax keeps.
    """
    at = int(frame)
    shown = table.clone()
    shown[at:] = 0
    said = f"After frame {at} of {frames}: rows up to {at} are there. The two sums hold {state:,} numbers; keys and " \
           f"values so far would be {at * per_frame:,} numbers."
    fig = heat.map_tables(shown[None].numpy(), ["weight between frames"], bar="weight, sum over a frame",
                          top=table.max().item(), said=said,
                          title=f"After {at} frames: two sums {state:,} numbers, keys and values {at * per_frame:,}")
    names = [f"{n}" for n in range(1, frames + 1)]
    fig.update_traces(x=names, y=names)
    fig.update_xaxes(title="frame of the key")
    fig.update_yaxes(title="frame of the query")
    return fig
