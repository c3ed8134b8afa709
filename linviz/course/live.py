"""A figure under a slider: drawn anew by a named function for every setting, and standing still without a kernel."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from ..figures.living import bundle, living, redraw
from .cells import in_words


class Live(widgets.VBox):
    """`draw(value)` -> a figure, for each of `values`; the slider is called `label`, its numbers look as `form` says.

    `draw` is a plain function, so a test can call it on every value. Where no widget can live, the notebook
    shows the figure of `start` and its words instead.
    """

    def __init__(self, draw: Callable[[float], Any], values: Sequence[float], *, label: str, start: float,
                 form: str = ".2f") -> None:
        if start not in values:
            raise ValueError(f"the slider starts at one of its values, {list(values)}; got {start}")
        self.draw, self.values = draw, tuple(values)
        self.still = draw(start)
        self.figure = living(self.still)
        self.slider = widgets.SelectionSlider(
            options=[(format(x, form), x) for x in values], value=start, description=label, continuous_update=True,
            style={"description_width": "initial"}, layout={"width": "min(34rem, 95%)"})
        self.words = widgets.HTML(in_words(self.still.layout.meta["alt"]))
        self.slider.observe(self._moved, "value")
        super().__init__([self.slider, self.figure, self.words])

    def _moved(self, change: Any) -> None:
        figure = self.draw(change["new"])
        redraw(self.figure, figure)
        self.words.value = in_words(figure.layout.meta["alt"])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget where there is a kernel, and the still figure for everything else."""
        data = super()._repr_mimebundle_(**kwargs) or {}
        return {**data, **bundle(self.still)}
