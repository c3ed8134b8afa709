"""What is measured on the maps of the newest mechanisms, signed or not: peaks, negative weights, answers to length.

    heaviest    the largest weight of a row times N, as the map has it
    peak        the same after the row was divided by the sum of its |weights|: of a signed row the largest |weight|.
                1 is uniform attention, N a row with one key; for a probability distribution it is `heaviest`
    negative    the share of negative weights
    stretched   `peak` with every query 1/4, 1, 4 and 16 times as long

Means over clips, heads and rows of a layer. Memories without a divisor can scale all their weights, and the layer after
them can scale them back: `peak` is the measure that this does not change. In a map that is causal the first rows have
few keys, so `peak` is above 1 there without any choice: 5.5 on average if every row is uniform over its 1 to 144 keys.
"""
from __future__ import annotations

import math
import statistics as plain
from typing import Any

import torch
from torch import Tensor

from linviz.clips import Task
from linviz.maps import Map
from linviz.models import VideoTransformer
from linviz.models.trace import Traced

LENGTHS = (0.25, 1.0, 4.0, 16.0)  # by which all queries are multiplied


def peak_layers(model: VideoTransformer, task: Task, clips: int = 32) -> list[dict[str, Any]]:
    """One dict per layer, first layer first, over the first `clips` clips of a task; empty where channels differ."""
    with torch.no_grad():
        return [peak_measures(layer) for layer in model.trace(task.frames[:clips])]


def peak_measures(layer: Traced) -> dict[str, Any]:
    """The measures of one layer."""
    as_it_is = layer.map.shared
    if as_it_is is None:
        return {}
    rows = as_it_is.dense()
    return {"heaviest": rows.amax(-1).mean().item() * rows.shape[-1], "negative": (rows < 0).double().mean().item(),
            "peak": mean_peak(rows), "stretched": [mean_peak(stretched_map(layer, by).dense()) for by in LENGTHS]}


def stretched_map(layer: Traced, by: float) -> Map:
    """The map of a layer with all queries `by` times as long."""
    found = layer.attention.map(by * layer.q, layer.k, layer.v).shared
    assert found is not None
    return found


def mean_peak(rows: Tensor) -> float:
    """N times the largest |weight| over the sum of |weights|, mean over the rows (..., N, S) that are not empty.

    >>> mean_peak(torch.tensor([[0.5, 0.5], [3.0, -1.0], [0.0, 0.0]]))
    1.25
    """
    sizes = rows.abs().double()
    total = sizes.sum(-1)
    return (sizes.amax(-1)[total > 0] / total[total > 0]).mean().item() * rows.shape[-1]


def length_response(layers: list[dict[str, Any]]) -> float | None:
    """By how many doublings `peak` grows from the shortest to the longest queries, mean over layers; None without it.

    >>> length_response([{"stretched": [2.0, 3.0, 6.0, 8.0]}, {"stretched": [1.0, 1.0, 1.0, 1.0]}])
    1.0
    """
    found = [layer.get("stretched") for layer in layers]
    if not found or None in found:
        return None
    return plain.fmean(math.log2(x[-1] / x[0]) for x in found if x is not None)
