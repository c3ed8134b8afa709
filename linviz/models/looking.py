"""What a trained model's attention does, layer by layer, on clips with known ground truth.

Means over heads, queries and clips, in this order; never measures of a mean map. If weights are signed, or every
channel has its own map, these measures are not defined and are left out.
"""
from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from ..maps import Map
from ..reading import Reading
from .trace import Traced
from .video_transformer import VideoTransformer

if TYPE_CHECKING:
    from ..clips import Task

FEW = 0.05  # the fraction of tokens whose weight "top" adds up
NAMES = {"entropy": "entropy of a row over its maximum", "top": f"weight of a row's heaviest {FEW:.0%} of tokens",
         "object": "weight on the digit over the digit's share of tokens",
         "effective_rank": "effective rank", "diversity": "half the distance of a row to the mean row, summed",
         "dead": "fraction of empty rows"}


def measure_layers(model: VideoTransformer, task: Task, clips: int = 32) -> list[dict[str, float]]:
    """One dict per layer, first layer first: the measures of `NAMES`, over the first `clips` clips of a task.

    >>> from linviz.clips import motion_task
    >>> from linviz.models import Shape, VideoTransformer
    >>> layer, = measure_layers(VideoTransformer("uniform", shape=Shape(blocks=1)), motion_task(2, seed=0))
    >>> round(layer["entropy"], 4), round(layer["object"], 4), round(layer["effective_rank"], 3)
    (1.0, 1.0, 1.0)
    """
    inked = touched_tokens(task.masks[:clips], model)
    return [layer_measures(layer, inked) for layer in model.trace(task.frames[:clips])]


def touched_tokens(masks: Tensor, model: VideoTransformer) -> Tensor:
    """Which tubelets a mask touches: masks (B, T, Ypx, Xpx) bool -> (B, N) bool, in token order."""
    return F.max_pool3d(masks[:, None].float(), model.shape.tubelet).flatten(1) > 0


def layer_measures(layer: Traced, inked: Tensor) -> dict[str, float]:
    """The measures of one layer; inked (B, N) bool."""
    reading = Reading(layer.attention, layer.q, layer.k, layer.v)
    a = reading.whole.shared
    if a is None:
        return {}
    ranks = {"effective_rank": reading.effective_rank.mean().item(), "diversity": row_diversity(a)}
    return ranks | row_measures(layer, inked)


def row_measures(layer: Traced, inked: Tensor) -> dict[str, float]:
    """The measures of rows alone, which need no spectrum; inked (B, N) bool.

    Empty if the rows are not probability distributions.
    """
    reading = Reading(layer.attention, layer.q, layer.k, layer.v)
    a = reading.whole.shared
    if a is None or not a.stochastic:
        return {}
    few = math.ceil(FEW * a.shape[1])
    summary = reading.summary(spectrum=False, of_rows=("entropy_share",), top_share={"k": few})
    return {"entropy": summary["entropy_share"], "top": summary["top_share"], "object": object_lift(a, inked),
            "dead": summary["dead"] / summary["rows"]}


def object_lift(a: Map, inked: Tensor) -> float:
    """Weight on the inked tokens over their fraction of tokens, over all rows: 1 under uniform attention."""
    seen = inked.any(-1)
    weight = (a.column_sums() * inked[:, None]).sum(-1) / a.shape[0]  # (B, H)
    return (weight[seen].mean(-1) / inked[seen].float().mean(-1)).mean().item()


def row_diversity(a: Map) -> float:
    """Total variation between a row and the mean row, mean over rows: 0 if all queries have the same row.

    >>> from linviz.maps import Dense
    >>> row_diversity(Dense(torch.eye(4)[None, None]))
    0.75
    """
    mean = (a.column_sums() / a.shape[0])[..., None, :]
    return torch.cat([(rows - mean).abs().sum(-1) / 2 for _, rows in a.walk()], -1).mean().item()
