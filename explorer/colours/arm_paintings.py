"""What the arms paint: from a view to paintings, kept for everybody, or, of a person's own picture, in its visit."""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from torch import Tensor

from linviz.clips import Clip, ColourTask, hinted_picture
from linviz.clips.colour_samples import colour_photograph
from linviz.clips.colour_spots import is_grey, read_spots, sharp_luma, sharp_picture, spotted_task, write_spots
from linviz.clips.colour_windows import COLOUR_PATCH
from linviz.models.checkpoints import pretrained
from linviz.models.colour_model import ColourModel
from linviz.models.colour_painting import Painting, paint_task, stretched_model
from linviz.models.trace import Traced

from ..shared.background_jobs import ResultCache
from .colour_kinds import SIDE
from .colour_pictures import PICTURES
from .colours_state import ARMS, ColourView

BUDGET = "painters"
RESULTS = ResultCache(most=40)  # paintings and tasks of sample photographs


@dataclass(frozen=True, eq=False)
class PaintedArm:
    """One arm: its model's name, what it is called, and its painting."""

    name: str
    title: str
    painting: Painting

    def layer(self, number: int) -> Traced:
        """A layer, counted from 1."""
        return self.painting.layers[number - 1]


@dataclass(frozen=True, eq=False)
class PaintedView:
    """All that a view shows: the picture, its task, the arms, and a sentence on every arm that is missing."""

    key: tuple[Any, ...]
    picture: Clip
    task: ColourTask
    arms: list[PaintedArm]
    missing: list[str]
    grey: bool
    chosen: bool  # whether a spot has a colour that a person chose
    spots: str    # the hints as text, drawn or painted
    photograph: Tensor  # the square in its own colours, (3, side, side)
    luma: Tensor  # its grey values, sharper, (1, Ypx, Xpx)
    results: ResultCache

    def sharp(self, painted: Tensor) -> Tensor:
        """A picture as it is shown: with the photograph's own grey values."""
        return sharp_picture(painted, self.luma)

    @property
    def scored(self) -> bool:
        """Whether R2 says something: the photograph has colours, and the hints are its own."""
        return not (self.grey or self.chosen)


def painted_view(view: ColourView) -> PaintedView | None:
    """The paintings of a view; None while its file is awaited."""
    mine = PICTURES.find(view.source)
    if not isinstance(view.source, str) and mine is None:
        return None
    results, name = (mine.results, mine.source.sha256) if mine else (RESULTS, str(view.source))
    picture = mine.clip if mine else results.keep(("picture", name), lambda: colour_photograph(name))
    key = (name, view.hints or (view.share, view.seed))
    task, bare = results.keep(("task", key), lambda: _tasks(view, picture))
    arms, missing = [], []
    for arm in view.arms:
        try:
            painting = results.keep((arm, key), partial(_paint_arm, arm, task))
            arms.append(PaintedArm(arm, ARMS[arm], painting))
        except (ValueError, OSError) as error:
            missing.append(f"{ARMS[arm]} is not shown: {error}.")
    own = view.hints or write_spots(dict.fromkeys(task.hints[0].nonzero()[:, 0].tolist(), ""))
    chosen = any(read_spots(own).values())
    luma = results.keep(("luma", name), lambda: sharp_luma(picture))
    return PaintedView(key, picture, task, arms, missing, is_grey(bare), chosen, own, bare.true_pictures[0], luma,
                       results)


def _tasks(view: ColourView, picture: Clip) -> tuple[ColourTask, ColourTask]:
    """The task of a view, and the same picture without any hint."""
    task = (spotted_task(picture, read_spots(view.hints), SIDE) if view.hints else
            hinted_picture(picture, share=view.share, seed=view.seed, tokens=SIDE))
    return task, spotted_task(picture, {}, SIDE)


def _paint_arm(name: str, task: ColourTask) -> Painting:
    return paint_task(finer_model(name), task)


@lru_cache(maxsize=8)
def finer_model(name: str) -> ColourModel:
    """A shipped model with its positions stretched to the page's patches; ValueError, in one sentence, without one."""
    model = pretrained(name, 0, BUDGET)
    assert isinstance(model, ColourModel)
    return stretched_model(model, SIDE * COLOUR_PATCH)
