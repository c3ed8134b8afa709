"""How a measure is declared, once: the glossary, axis labels and tooltips are generated from the declaration."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Measure:
    """What is measured (`title`), its letter, unit and range, and the source of the definition."""

    name: str
    title: str
    symbol: str
    unit: str
    range: str
    source: str
    of: str  # "spectrum", "row" (a probability distribution) or "signed row" (any)
    function: Callable[..., Any]

    @property
    def label(self) -> str:
        """The text of an axis: the title, the letter and the unit."""
        return f"{self.title} {self.symbol} ({self.unit})" if self.unit else f"{self.title} {self.symbol}"


MEASURES: dict[str, Measure] = {}


def measure(of: str, title: str, symbol: str, unit: str, range: str, source: str) -> Callable[[F], F]:
    """Declare the decorated function as a measure of a "row", a "signed row" or a "spectrum".

    >>> from linviz import concentration
    >>> MEASURES["entropy"].label
    'entropy H (bits)'
    """
    def declare(f: F) -> F:
        MEASURES[f.__name__] = Measure(f.__name__, title, symbol, unit, range, source, of, f)
        return f
    return declare


def exact_number_html(x: float, text: str) -> str:
    """A displayed number as HTML that keeps all its digits, so that the numbers of two pages can be compared.

    >>> exact_number_html(2 / 3, "0.67")
    '<data value="0.6666666666666666">0.67</data>'
    """
    return f'<data value="{float(x)!r}">{text}</data>'
