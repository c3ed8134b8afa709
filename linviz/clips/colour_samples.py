"""Photographs to colour: the samples of `photographs`, and two of scikit-learn that have clear colours."""
from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .clip import Clip
from .colour_windows import split_names
from .photographs import PHOTOGRAPHS, known_name, photograph

MORE = {  # name: title, author, what is to be seen, a first query
    "flower": ("A dahlia", "vultilion", "A round orange dahlia with hundreds of small petals, red in the middle, "
               "before dark leaves of green and blue; another dahlia begins below.", (0.30, 0.5)),
    "china": ("A temple by a lake", "danielbuechele", "A Chinese tower of three storeys in red, green and gold under a "
              "pale blue sky; a lake on the right, bushes in front.", (0.5, 0.25))}
COLOUR_PHOTOGRAPHS = ("flower", *PHOTOGRAPHS, "china")


def colour_photograph(name: str) -> Clip:
    """One of COLOUR_PHOTOGRAPHS by name, as a clip of one frame. Raises ValueError for another name.

    >>> colour_photograph("flower").licence, colour_photograph("chelsea").size
    ('CC BY 2.0', (1, 300, 451))
    """
    known_name(name, COLOUR_PHOTOGRAPHS, "photograph")
    if name not in MORE:
        return photograph(name)
    title, author, alt, query = MORE[name]
    return Clip(name, title, _learn_pixels(name), author, "CC BY 2.0",
                f"scikit-learn, load_sample_image('{name}.jpg')", recipe="A photograph, unchanged from scikit-learn.",
                alt=alt, query=(0, *query))


def was_learned_from(name: str) -> bool:
    """Whether the models that are shipped were trained on windows of this photograph.

    >>> was_learned_from("coffee"), was_learned_from("flower")
    (True, False)
    """
    return {"hubble": "hubble_deep_field"}.get(name, name) in split_names("train")


def _learn_pixels(name: str) -> Tensor:
    """The file of scikit-learn as one frame, without an import of scikit-learn, which takes a second."""
    found = find_spec("sklearn")
    folders = (found and found.submodule_search_locations) or []
    for file in (Path(folder) / "datasets" / "images" / f"{name}.jpg" for folder in folders):
        if file.is_file():
            with Image.open(file) as image:
                pixels = np.array(image.convert("RGB"))
            return (torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255).contiguous()
    raise FileNotFoundError(f"scikit-learn, which linviz needs, has no image {name!r}: install it again, with "
                            "pip install --force-reinstall scikit-learn")
