"""What trained models show: numbers, figures' data and sentences that studies/ measured and wrote down.

    linviz/evidence_data/figures.json      the data of every figure, ready to draw
    linviz/evidence_data/sentences.json    what the numbers say, in words
    linviz/evidence_data/lengths.json      what the length of a query does in every mechanism on the opening picture
    linviz/evidence_data/layers.json       scores of models with softmax in some of their layers, every seed

Nothing is computed here, and nothing is trained: `python3 start.py study evidence` writes the first two files,
`study lengths` the third and `study layers` the fourth.

>>> figure_data("accuracy", "long")["rows"][0]["title"]
'focused + conv'
>>> headline_claims()[0][:40]
'After 800 steps, softmax is more accurat'
"""
from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("evidence_data")
FIGURES, SENTENCES, LENGTHS, LAYERS = "figures.json", "sentences.json", "lengths.json", "layers.json"
BUDGETS = {"short": "800 steps", "long": "2,400 steps"}  # how long the models were trained
FIGURE_NAMES = ("accuracy", "curves", "maps", "breadth", "dose", "front", "colour", "gates")


@cache
def read_data(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """One of the files; an empty dictionary where it is missing."""
    path = folder / name
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def has_evidence() -> bool:
    """Whether the numbers came with this installation."""
    return bool(read_data(FIGURES) and read_data(SENTENCES))


def figure_data(name: str, budget: str = "short") -> dict[str, Any] | None:
    """What `linviz.figures.evidence_gallery.draw_evidence` draws; None where it has not been measured.

    budget: "short" or "long", for the figures that exist for both. ValueError for an unknown name or budget.

    >>> sorted(figure_data("dose"))
    ['floors', 'kind', 'rows']
    """
    if name not in FIGURE_NAMES or budget not in BUDGETS:
        raise ValueError(f"no figure {name!r} of budget {budget!r}; figures: {', '.join(FIGURE_NAMES)}; "
                         f"budgets: {', '.join(BUDGETS)}")
    found = read_data(FIGURES).get(name)
    return found.get(budget) if found and "kind" not in found else found


def layer_scores(task: str) -> dict[str, list[float]]:
    """The scores of models with softmax in some of their three layers and relu + floor in the others, one per seed.

    task: "motion" (accuracy, 0 to 1) or "colour" (R2). The keys name the attention of the layers from first to last,
    or once if it is the same in all three. ValueError for another task.

    >>> "softmax/relu_floor/relu_floor" in layer_scores("motion")
    True
    """
    found = read_data(LAYERS)
    if task not in found:
        raise ValueError(f"no layers of task {task!r}; tasks: {', '.join(found)}")
    return {name: list(scores) for name, scores in found[task].items()}


def headline_claims() -> list[str]:
    """The main findings, one or two sentences each, in the order of their weight."""
    return list(read_data(SENTENCES)["headlines"])


def further_claims() -> list[str]:
    """The other findings."""
    return list(read_data(SENTENCES)["further"])


def claim_limits() -> str:
    """What the numbers do not show."""
    return str(read_data(SENTENCES)["limits"])


def study_method() -> str:
    """What was trained, on what, and what the intervals mean."""
    return str(read_data(SENTENCES)["method"])


def figure_finding(name: str) -> str:
    """What a figure comes to, in words; empty where the figure speaks for itself."""
    return str(read_data(SENTENCES)["findings"].get(name, ""))


def parameter_range() -> tuple[int, int]:
    """How many parameters the smallest and the largest model have.

    >>> low, high = parameter_range()
    >>> 50_000 < low < high < 100_000
    True
    """
    low, high = read_data(SENTENCES)["parameters"]
    return low, high
