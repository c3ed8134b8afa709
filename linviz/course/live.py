"""A figure under a slider: redrawn for every setting, and a still figure without a kernel."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from ..figures.mime import mime_bundle
from .cells import folded_words


class Live(widgets.VBox):
    """A slider over `values`, with the figure `draw(value)`. Put it in the last line of a cell to show it.
    `form` is the format of the slider's numbers.

    `draw` is a plain function, so a test can call it for every value. The figure is a plain output, drawn by
    JupyterLab like any other. Without widgets, the notebook shows the figure of `start` instead.

    This class does not use plotly's FigureWidget. anywidget gives a widget two seconds to load, and plotly's bundle of
    several megabytes takes longer on a busy machine: the figure then stays empty ("Failed to initialize model").
    """

    def __init__(self, draw: Callable[[float], Any], values: Sequence[float], *, label: str, start: float,
                 form: str = ".2f") -> None:
        if start not in values:
            raise ValueError(f"start must be one of the slider's values, {list(values)}; got {start}")
        self.draw, self.values = draw, tuple(values)
        self.slider = widgets.SelectionSlider(
            options=[(format(x, form), x) for x in values], value=start, description=label, continuous_update=True,
            style={"description_width": "initial"}, layout={"width": "min(34rem, 95%)"})
        self.figure, self.words = widgets.Output(), widgets.HTML()
        self.still = self._drawn()
        self.slider.observe(lambda _: self._drawn(), "value")
        super().__init__([self.slider, self.figure, self.words])

    def _drawn(self) -> dict[str, Any]:
        """Draw the figure of the slider's value; return the data that a notebook stores."""
        figure = self.draw(self.slider.value)
        stored = mime_bundle(figure)
        self.figure.outputs = ({"output_type": "display_data", "data": stored, "metadata": {}},)
        self.words.value = folded_words(figure.layout.meta["alt"])
        return stored

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and the still figure for viewers without a kernel."""
        return {**(super()._repr_mimebundle_(**kwargs) or {}), **self.still}
