"""Two models that learned to colour a photograph, as `watch_painting` trains them: for those who cannot wait for it.

    paintings/softmax.json          the recipe, R2 of the flower step by step, and the picture as it was painted
    paintings/softmax.safetensors   the trained weights, in half precision
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from safetensors.torch import load_file

from ..models.colour_model import ColourModel
from ..models.initial_values import recipe_model
from ..models.recipe import Recipe

FOLDER = Path(__file__).with_name("paintings")
PICTURE = "flower"  # the held-out photograph that both models paint


@dataclass(frozen=True, eq=False)
class ShippedPainting:
    """A training of the colour task: its model, R2 on the held-out photograph by step, and what was painted then.

    pictures: step -> a JPEG as a data URI, 112 x 112 pixels; seen and true are such pictures, too: what the model sees,
    and the true colours. seconds: of one core.
    """

    spec: str
    model: ColourModel
    scores: Mapping[int, float]
    pictures: Mapping[int, str]
    seen: str
    true: str
    seconds: float


@cache
def shipped_painting(spec: str, folder: Path = FOLDER) -> ShippedPainting:
    """What `watch_painting(spec)` trains with seed 0. ValueError for an attention that was not trained.

    >>> shipped_painting("softmax").model.spec
    'softmax'
    """
    there = sorted(path.stem for path in folder.glob("*.json"))
    if spec not in there:
        raise ValueError(f"no painting of {spec!r} is shipped; there are: {', '.join(there)}; watch_painting trains it")
    told = json.loads((folder / f"{spec}.json").read_text("utf-8"))
    model = recipe_model(Recipe.read(told["recipe"]), 1, 0)
    assert isinstance(model, ColourModel)
    model.load_state_dict({name: x.float() for name, x in load_file(folder / f"{spec}.safetensors").items()})
    scores, pictures = ({int(step): x for step, x in told[kind].items()} for kind in ("scores", "pictures"))
    model = model.eval().requires_grad_(False)
    return ShippedPainting(spec, model, scores, pictures, told["seen"], told["true"], told["seconds"])
