"""The sealed photographs of the colour task, opened once: `python3 start.py study colour --open-sealed`.

No choice was made by looking at them. The five shipped painters and the rules made by hand paint 500 windows of these
four photographs, and the numbers go into studies/results/colour_sealed.json, which is never written again.
"""
from __future__ import annotations

import json
from typing import Any

import torch

from linviz.atomic_write import write_atomically
from linviz.clips.colour_baselines import bilateral_answers, nearest_answers, paint_score
from linviz.models import pretrained
from linviz.models.arms import PAINTERS
from linviz.models.checkpoints import find_checkpoint, read_card
from linviz.models.examples import draw_colour_examples
from linviz.models.training import accuracy, single_thread

from .evidence_store import RESULTS, round_numbers

SEALED = RESULTS / "colour_sealed.json"
WINDOWS, SEED = 500, 2026


def open_sealed(baselines: dict[str, Any]) -> None:
    """Measure once; ValueError, in one sentence, where that was done before."""
    if SEALED.exists():
        raise ValueError(f"the sealed photographs were opened before: {SEALED.name} holds what was found")
    write_atomically(SEALED, json.dumps(round_numbers(sealed_scores(baselines)), indent=1) + "\n")


def sealed_scores(baselines: dict[str, Any], windows: int = WINDOWS) -> dict[str, Any]:
    """R2 of every painter and rule on windows of the sealed photographs."""
    data = draw_colour_examples("main", windows, SEED, "sealed", opened=True)
    task, fitted = data.task(torch.arange(len(data))), baselines["bilateral"]
    with single_thread():
        painters = {name: accuracy(pretrained(name, 0, "painters"), data) for name in PAINTERS}
    cards = {name: read_card(find_checkpoint(name, 0, "painters"))["sha256"] for name in PAINTERS}
    return {"windows": windows, "seed": SEED, "photographs": list(data.classes), "painters": painters,
            "by_hand": {"nearest": paint_score(nearest_answers(task), task), "bilateral": paint_score(
                bilateral_answers(task, fitted["distance"], fitted["lightness"]), task)}, "sha256": cards}


def read_sealed() -> dict[str, Any]:
    """What was found; empty before the photographs are opened."""
    return dict(json.loads(SEALED.read_text())) if SEALED.exists() else {}
