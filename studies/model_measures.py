"""What is measured on one trained model, on clips of a new seed of the test split that no run and no choice has seen.

Accuracy is measured on 1,024 clips. The first 512 are also played backwards, shuffled, and shown to altered models.
Maps are measured on 32 clips. All models get the same clips, so two models can be compared clip by clip.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from linviz.clips import Task, motion_task, reverse_clips, shuffle_frames
from linviz.models import VideoTransformer, measure_layers
from linviz.models.examples import Examples, draw_examples, pack_examples
from linviz.models.interventions import with_averaged_gate, with_constant_gate, with_temperature
from linviz.models.looking import touched_tokens
from linviz.models.training import accuracy, model_answers, single_thread

from .interval_statistics import rank_correlation

SEED, SEALED_SEED = 2, 3                   # the recorded accuracies are of seed 1
CLIPS, ALTERED, LOOKED, LINKED = 1024, 512, 32, 128
TEMPERATURES = (0.25, 0.5, 2.0, 4.0, float("inf"))
FORM = 1                                   # to be raised when the code changes the meaning of a number


@lru_cache(maxsize=1)
def altered_clips() -> Task:
    """The first ALTERED clips of the new seed, with their truth."""
    return motion_task(ALTERED, SEED, "test")


@lru_cache(maxsize=2)
def reordered_clips(how: str) -> Examples:
    """Those clips backwards (with the opposite label) or shuffled (with their own)."""
    task = altered_clips()
    return pack_examples(reverse_clips(task) if how == "backwards" else shuffle_frames(task, SEED))


def measure_settings() -> dict[str, int]:
    """The settings of the measurement: if they change, everything is measured again."""
    return {"form": FORM, "seed": SEED, "clips": CLIPS, "altered": ALTERED, "looked": LOOKED, "linked": LINKED}


def measure_model(model: VideoTransformer) -> dict[str, Any]:
    """Everything that is measured on a shipped model of the motion task."""
    with single_thread():
        right = right_answers(model, draw_examples("motion", "main", CLIPS, SEED, "test"))
        return {"accuracy": sum(right) / len(right), "right": pack_bits(right)} | time_measures(model) | {
            "layers": measure_layers(model, altered_clips(), LOOKED), "pointing": pointing_shares(model),
            "link": weight_link(model),
            "altered": {name: accuracy(make(model), first_examples()) for name,
                        make in model_alterations(model).items()}}


def first_examples() -> Examples:
    """The first ALTERED of the clips on which accuracy is measured."""
    examples = draw_examples("motion", "main", CLIPS, SEED, "test")
    return Examples(examples.frames[:ALTERED], examples.labels[:ALTERED], examples.classes)


def right_answers(model: VideoTransformer, examples: Examples) -> list[int]:
    """1 for every clip with the right answer, else 0."""
    return [int(x) for logits, labels in model_answers(model, examples) for x in logits.argmax(-1) == labels]


def pack_bits(bits: list[int]) -> str:
    """Zeros and ones as hexadecimal digits, four bits per digit.

    >>> pack_bits([1, 0, 0, 1, 1, 1, 1, 1]), unpack_bits("9f")
    ('9f', [1, 0, 0, 1, 1, 1, 1, 1])
    """
    return f"{int(''.join(map(str, bits)), 2):0{len(bits) // 4}x}"


def unpack_bits(text: str) -> list[int]:
    """The bits that `pack_bits` has packed."""
    return [int(bit) for bit in f"{int(text, 16):0{4 * len(text)}b}"]


def time_measures(model: VideoTransformer) -> dict[str, float]:
    """How often backward clips get the opposite direction and their own, and how often shuffled clips are right.

    The label of a backward clip is the opposite direction; four more steps of eight give its own direction again.
    """
    named = torch.cat([logits.argmax(-1) for logits, _ in model_answers(model, reordered_clips("backwards"))])
    opposite = reordered_clips("backwards").labels
    return {"opposite": (named == opposite).float().mean().item(),
            "unmoved": (named == (opposite + 4) % 8).float().mean().item(),
            "shuffled": accuracy(model, reordered_clips("shuffled"))}


def model_alterations(model: VideoTransformer) -> Mapping[str, Callable[[VideoTransformer], VideoTransformer]]:
    """The interventions for a model, by name."""
    if model.spec.split("@")[0].split("+")[0] == "softmax":
        return {f"temperature {t:g}": partial(with_temperature, temperature=t) for t in TEMPERATURES}
    if "+gate" not in model.spec:
        return {}
    return {f"{side} held": partial(with_constant_gate, side=side) for side in ("both", "k", "q")} | {
        f"over {over}": partial(with_averaged_gate, over=over) for over in ("tokens", "channels")}


def pointing_shares(model: VideoTransformer) -> list[float]:
    """Layer by layer, the share of rows whose heaviest token touches the digit; NaN without a map."""
    inked = touched_tokens(altered_clips().masks[:LOOKED], model)
    maps = [layer.map.shared for layer in model.trace(altered_clips().frames[:LOOKED])]
    return [float("nan") if a is None else torch.cat(
        [inked[:, None].expand(-1, rows.shape[1], -1).gather(-1, rows.argmax(-1)) for _, rows in a.walk()], -1
        ).float().mean().item() for a in maps]


def weight_link(model: VideoTransformer) -> float:
    """Over clips: rank correlation of the last layer's weight on the digit and the probability of the right answer."""
    frames, labels = altered_clips().frames[:LINKED], altered_clips().labels[:LINKED]
    a = model.trace(frames)[-1].map.shared
    if a is None:
        return float("nan")
    inked = touched_tokens(altered_clips().masks[:LINKED], model)
    weight = (a.column_sums() * inked[:, None]).sum(-1).mean(-1) / a.shape[0] / inked.float().mean(-1)
    with torch.no_grad():
        sure = model(frames).log_softmax(-1).gather(-1, labels[:, None])[:, 0]
    return _finite(weight, sure)


def _finite(weight: Tensor, sure: Tensor) -> float:
    """The correlation over clips in which the digit is visible; rounded, so that noise does not break ties."""
    seen = torch.isfinite(weight)
    return rank_correlation(weight[seen].double().round(decimals=5).tolist(), sure[seen].tolist())
