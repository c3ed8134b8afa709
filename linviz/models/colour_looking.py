"""What a painting model relies on: its score when something is taken away, and what its attention looks at.

    train      R2 on windows of the photographs it has learned from: far above the held-out score if it memorised
    natural    R2 with the photographs' true colours, photograph by photograph; `natural_all` is that of all together
    blank      the same with the grey picture blanked: what can be painted by place alone
    foreign    the same with another photograph's grey picture
    hints      the same with other shares of hints
    altered    R2 on the first held-out windows after an intervention (see `interventions`), and without one
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..clips import ColourTask
from ..clips.colour_baselines import blank_luma, foreign_luma, paint_score, token_distances
from ..maps import Map
from .colour_model import ColourModel
from .examples import ColourExamples
from .interventions import with_averaged_gate, with_constant_gate, with_temperature
from .looking import layer_measures
from .trace import Traced
from .training import accuracy
from .video_transformer import VideoTransformer

NEAR = 2.9                              # patches: hints within it count as near
MEASURED = 16                           # windows whose maps are measured
HINT_SHARES = (0.05, 0.1, 0.25, 0.5)
FEW = 200                               # windows of the scores `train` and `altered`
TEMPERATURES = (0.5, 2.0)
Frames = Callable[[ColourTask], Tensor]


def painting_checks(model: ColourModel, train: ColourExamples, test: ColourExamples) -> dict[str, Any]:
    """Every score named above, and the measures of every layer's maps."""
    some = torch.arange(min(MEASURED, len(test)))
    seen = replace(train, share=test.share, drawn=test.drawn)
    return {"train": accuracy(model, seen, most=FEW), **natural_scores(model, test),
            "altered": {name: accuracy(twin, test, most=FEW) for name, twin in altered_models(model).items()},
            "layers": [hint_measures(layer, test.task(some)) for layer in model.trace(test.task(some).frames)]}


def altered_models(model: ColourModel) -> dict[str, VideoTransformer]:
    """The model as it is, with sharper and flatter maps, and with its gates held constant or averaged."""
    found: dict[str, VideoTransformer] = {"none": model}
    found |= {f"temperature {t:g}": with_temperature(model, t) for t in TEMPERATURES}
    if "+gate" in model.spec:
        found |= {"constant gate": with_constant_gate(model, "both"),
                  **{f"gate averaged over {over}": with_averaged_gate(model, over) for over in ("tokens", "channels")}}
    return found


def natural_scores(model: ColourModel, test: ColourExamples) -> dict[str, Any]:
    """The scores with true colours, over the windows of the photographs that have colour."""
    own = replace(test, natural=True)
    coloured = (~own.grey[own.labels]).nonzero()[:, 0]
    if not len(coloured):
        return {}
    task = own.task(coloured)
    return {"natural": {name: changed_score(model, own.task((own.labels == n).nonzero()[:, 0]))
                        for n, name in enumerate(own.classes) if not own.grey[n]},
            "natural_all": changed_score(model, task), "blank": changed_score(model, task, blank_luma),
            "foreign": changed_score(model, task, foreign_luma),
            "hints": {f"{share:g}": changed_score(model, replace(own, share=share).task(coloured))
                      for share in HINT_SHARES}}


@torch.no_grad()
def changed_score(model: ColourModel, task: ColourTask, change: Frames = lambda task: task.frames) -> float:
    """R2 of a model on a task whose frames are changed."""
    answers = torch.cat([model(frames) for frames in change(task).split(64)])
    return paint_score(answers, task)


def hint_measures(layer: Traced, task: ColourTask) -> dict[str, float]:
    """The measures of a layer's maps, with `object` for the weight on hints; and `near`, that on near hints.

    Both are over the share of tokens, so that uniform attention has 1.
    """
    found = layer_measures(layer, task.hints)
    if "object" not in found:
        return found
    return found | {"near": near_hint_lift(layer.map, task.hints, token_distances(task) < NEAR)}


def near_hint_lift(a: Map, hints: Tensor, near: Tensor) -> float:
    """Weight on hints that are near the query, over their share of tokens; queries without any are left out."""
    fair = (near & hints[:, None]).float()      # (B, N, N)
    share = fair.mean(-1)
    lifts = []
    for i, rows in a.walk():
        weight, own = (rows * fair[:, None, i]).sum(-1), share[:, i]
        lifts.append((weight / own.clamp_min(1e-6)[:, None]).transpose(0, 1)[:, own > 0].flatten())
    return torch.cat(lifts).mean().item()
