"""Figures: numbers in, a plotly figure out. Nothing is computed here; a figure's data are the given numbers.

Every figure carries its alt text in `layout.meta["alt"]` and its units in the axis titles.
"""
from .reading_lines import Line
from .spectrum import cumulative, spectrum
from .theme import HUES, Style, colourscale, style

__all__ = ["HUES", "Line", "Style", "colourscale", "cumulative", "spectrum", "style"]
