"""A cell that trains a small model while one watches: a grey photograph gets its colours.

Below the cell stand the picture with its hints, the picture as the model paints it now, and the true picture. They are
updated in place during training. An interrupted cell keeps the model as far as it has come.
"""
from __future__ import annotations

import base64
import io
from dataclasses import replace
from html import escape

import numpy as np
from IPython.display import HTML, DisplayHandle
from PIL import Image
from torch import Tensor

from ..clips import Clip, hinted_picture
from ..clips.colour_windows import photograph_pyramid, split_names
from ..clips.photographs import known_name
from ..models.arms import arm_recipe
from ..models.colour_model import ColourModel
from ..models.colour_painting import Painting, paint_task
from ..models.training import train
from ..models.training_run import Run

STEPS, POOL, TESTS = 500, 900, 32   # about 45 seconds on one core
EVERY = 20                          # steps between two pictures
SHOWN = 224                         # pixels per side of a picture below the cell
TITLES = ("what the model sees", "what it paints", "the true colours")


def watch_painting(spec: str = "softmax", picture: str | Clip | Tensor = "flower", *, steps: int = STEPS, seed: int = 0,
                   pool: int = POOL) -> Run:
    """Train a model of the colour task on this attention, and show below the cell how it paints a picture.

    picture: a held-out photograph of the task by name, a clip, or RGB (3, Ypx, Xpx) in 0..1; the model does not learn
    from it. pool: how many windows it learns from. Returns the run, whose `model` paints (see `paint_picture`).
    Interrupting the cell stops the training and returns the run as it is. ValueError for a name that is not held out.

    >>> watch_painting("relu", steps=1, pool=9).step
    <IPython.core.display.HTML object>
    <IPython.core.display.HTML object>
    1
    """
    task = hinted_picture(held_out_photograph(picture) if isinstance(picture, str) else picture, seed=seed)
    recipe = replace(arm_recipe(spec, task="colour"), steps=steps, pool=pool, tests=TESTS)
    runs: list[Run] = []
    handle = DisplayHandle()
    handle.display(HTML("drawing windows over nine photographs ..."))

    def progress(run: Run, loss: float, score: float) -> None:
        runs[:] = [run]
        assert isinstance(run.model, ColourModel)
        if run.step % EVERY == 0 or run.step in (1, steps):
            handle.update(HTML(painting_html(paint_task(run.model, task), f"{spec}: step {run.step:,} of {steps:,}")))

    try:
        return train(recipe, seed, progress=progress, device="cpu")
    except KeyboardInterrupt:
        if not runs:
            raise
        return runs[0]


def held_out_photograph(name: str) -> Tensor:
    """A held-out photograph of the colour task, (3, Ypx, Xpx); ValueError, with a suggestion, for another name.

    >>> held_out_photograph("chelsea").shape
    torch.Size([3, 300, 451])
    """
    return photograph_pyramid(known_name(name, split_names("test"), "held-out photograph"))[0]


def painting_html(painting: Painting, title: str) -> str:
    """Three pictures side by side with their titles, and the score of the painting."""
    task = painting.task
    pictures = (task.hinted_pictures[0], painting.picture, task.true_pictures[0])
    cells = "".join(f'<figure style="margin:0 .5rem 0 0;display:inline-block">{picture_html(picture, words)}'
                    f"<figcaption>{words}</figcaption></figure>" for picture, words in zip(pictures, TITLES))
    return f"<div>{cells}</div><p>{escape(title)}; R2 on this picture {painting.r2:.2f}</p>"


def picture_html(picture: Tensor, alt: str) -> str:
    """A picture (3, Ypx, Xpx) in 0..1 inside a page, as a PNG."""
    pixels = (picture.permute(1, 2, 0) * 255).round().byte().numpy().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((SHOWN, SHOWN), Image.Resampling.BICUBIC).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" width="{SHOWN}" height="{SHOWN}" alt="{escape(alt)}">'
