"""Six photographs that are part of scikit-image: loaded from there when needed, never copied, free to use.

Each function names author, licence and shape. The query is a good first query.
"""
import difflib
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .clip import Clip


def image_file(name: str) -> Path:
    """The file of an image of scikit-image, which lies in its package.

    To ask scikit-image for the image would first import all of its readers. FileNotFoundError where it has none.

    >>> image_file("chelsea").name
    'chelsea.png'
    """
    found = find_spec("skimage")
    folders = (found and found.submodule_search_locations) or []
    for file in (Path(folder) / "data" / f"{name}{ending}" for folder in folders for ending in (".png", ".jpg")):
        if file.is_file():
            return file
    raise FileNotFoundError(f"scikit-image, which linviz needs, has no image {name!r}: install it again, with "
                            "pip install --force-reinstall scikit-image")


def image_pixels(name: str) -> np.ndarray:
    """The image `name` of skimage.data, (Y, X) if it is grey or (Y, X, 3 or 4), uint8.

    >>> image_pixels("camera").shape
    (512, 512)
    """
    with Image.open(image_file(name)) as image:
        return np.array(image)


def load_pixels(name: str) -> Tensor:
    """The image `name` of skimage.data as one frame, (1, 3, Ypx, Xpx) float32 in 0..1; grey becomes RGB.

    >>> load_pixels("camera").shape
    torch.Size([1, 3, 512, 512])
    """
    image = torch.from_numpy(image_pixels(name))
    if image.ndim == 2:
        image = image[..., None].expand(-1, -1, 3)
    return (image.permute(2, 0, 1)[None].float() / 255).contiguous()


def _make_photograph(name: str, title: str, author: str, licence: str, alt: str,
                query: tuple[float, float], data: str | None = None) -> Clip:
    data = data or name
    return Clip(name, title, load_pixels(data), author, licence, f"scikit-image, skimage.data.{data}()",
                recipe="A photograph, unchanged from scikit-image.", alt=alt, query=(0, *query))


def astronaut() -> Clip:
    """Eileen Collins before a model of the Space Shuttle, 512 x 512. NASA, public domain.

    >>> astronaut().size
    (1, 512, 512)
    """
    return _make_photograph(
        "astronaut", "Astronaut", "NASA", "public domain",
        "Portrait of the astronaut Eileen Collins, smiling, in an orange space suit: a black helmet in front of her, "
        "the flag of the United States on the left, a white model of the Space Shuttle on the right.",
        (6.5 / 28, 22.5 / 28))


def chelsea() -> Clip:
    """Chelsea, a tabby cat, 300 x 451. Stefan van der Walt, CC0.

    >>> chelsea().size
    (1, 300, 451)
    """
    return _make_photograph(
        "chelsea", "Chelsea the cat", "Stefan van der Walt", "CC0",
        "The face of a ginger tabby cat, close up, turned a little to the right: two green eyes with narrow pupils, "
        "a pink nose, long white whiskers.",
        (12.5 / 28, 220 / 451))


def coffee() -> Clip:
    """A cup of coffee, 400 x 600. Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0.

    >>> coffee().size
    (1, 400, 600)
    """
    return _make_photograph(
        "coffee", "A cup of coffee", "Rachel Michetti, courtesy of Pikolo Espresso Bar", "CC0",
        "An espresso seen from above at a slant: a white-rimmed red cup on a red saucer with a steel spoon, "
        "on a wooden table.",
        (13.5 / 28, 307 / 600))


def rocket() -> Clip:
    """A Falcon 9 with DSCOVR on its launch pad, 427 x 640. SpaceX, public domain.

    >>> rocket().size
    (1, 427, 640)
    """
    return _make_photograph(
        "rocket", "A rocket at night", "SpaceX", "public domain",
        "A slender white rocket stands on its pad at dusk between four lattice towers, floodlights like stars "
        "at its foot, under a deep blue sky.",
        (0.5, 0.5))


def camera() -> Clip:
    """A photographer at a tripod, grey, 512 x 512. Lav Varshney, CC0.

    >>> camera().size
    (1, 512, 512)
    """
    return _make_photograph(
        "camera", "The photographer", "Lav Varshney", "CC0",
        "Black and white: a man in a dark coat bends to look through a camera on a tripod that stands on a lawn; "
        "a white tower and low buildings in the far distance.",
        (0.31, 0.57))


def hubble() -> Clip:
    """The Hubble eXtreme Deep Field, 872 x 1000. NASA, ESA and the HUDF09 team, public domain.

    >>> hubble().size
    (1, 872, 1000)
    """
    return _make_photograph(
        "hubble", "The deepest sky", "NASA, ESA, G. Illingworth and the HUDF09 team", "public domain",
        "Thousands of galaxies on black: reddish and blue specks strewn evenly, "
        "the brightest of them orange.",
        (0.544, 0.726), data="hubble_deep_field")


PHOTOGRAPHS: dict[str, Callable[[], Clip]] = {
    f.__name__: f for f in (astronaut, chelsea, coffee, rocket, camera, hubble)}


def photograph(name: str) -> Clip:
    """One of PHOTOGRAPHS by name, as a clip of one frame. Raises ValueError for another name.

    >>> photograph("chelsea").licence
    'CC0'
    """
    return PHOTOGRAPHS[known_name(name, PHOTOGRAPHS, "photograph")]()


def known_name(name: str, names: Iterable[str], what: str) -> str:
    """The name itself if it is one of names; else ValueError with a suggestion and the list of names.

    >>> known_name("cofee", ["coffee", "pan"], "clip")
    Traceback (most recent call last):
    ValueError: no clip is called 'cofee'; did you mean 'coffee'? there are coffee, pan
    """
    names = list(names)
    if name in names:
        return name
    near = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise ValueError(f"no {what} is called {name!r}{hint} there are {', '.join(names)}")
