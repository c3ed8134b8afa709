"""A figure under a slider: drawn anew by a named function for every setting, and standing still without a kernel."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from ..figures.mime import bundle
from .cells import in_words


class Live(widgets.VBox):
    """`draw(value)` -> a figure, for each of `values`. Name it in the last line of a cell to show it.
    `form` says how the slider writes its numbers.

    `draw` is a plain function, so a test can call it on every value. The figure is a plain output, drawn by
    JupyterLab like any other. Where no widget can live, the notebook shows the figure of `start` instead.

    Not plotly's FigureWidget: anywidget gives a widget two seconds to load, and plotly's bundle of several megabytes
    takes longer on a busy machine; then the figure stays empty ("Failed to initialize model").
    """

    def __init__(self, draw: Callable[[float], Any], values: Sequence[float], *, label: str, start: float,
                 form: str = ".2f") -> None:
        if start not in values:
            raise ValueError(f"the slider starts at one of its values, {list(values)}; got {start}")
        self.draw, self.values = draw, tuple(values)
        self.slider = widgets.SelectionSlider(
            options=[(format(x, form), x) for x in values], value=start, description=label, continuous_update=True,
            style={"description_width": "initial"}, layout={"width": "min(34rem, 95%)"})
        self.figure, self.words = widgets.Output(), widgets.HTML()
        self.still = self._drawn()
        self.slider.observe(lambda _: self._drawn(), "value")
        super().__init__([self.slider, self.figure, self.words])

    def _drawn(self) -> dict[str, Any]:
        """Draw the figure of the slider's value; returns what a notebook stores of it."""
        figure = self.draw(self.slider.value)
        stored = bundle(figure)
        self.figure.outputs = ({"output_type": "display_data", "data": stored, "metadata": {}},)
        self.words.value = in_words(figure.layout.meta["alt"])
        return stored

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget where there is a kernel, and the still figure for everything else."""
        return {**(super()._repr_mimebundle_(**kwargs) or {}), **self.still}
