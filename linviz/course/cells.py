"""How a cell of a chapter shows a figure, says a sentence with its numbers, and points to the explorer."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from IPython.display import HTML, Markdown, display

from ..figures.living import bundle

EXPLORER = "http://localhost:8501/"  # where `linviz explore` listens


def show(figure: Any) -> None:
    """Show a figure, and under it, folded, the same in words."""
    display(bundle(figure), raw=True)
    display(HTML(in_words(figure.layout.meta["alt"])))


def in_words(alt: str) -> str:
    """A figure's alt text, folded: for a screen reader, and for who would rather read.

    >>> in_words("a < b")
    '<details class="linviz-words"><summary>In words</summary>a &lt; b</details>'
    """
    return f'<details class="linviz-words"><summary>In words</summary>{escape(alt)}</details>'


def say(text: str) -> None:
    """A sentence of the chapter whose numbers were computed just above it. Markdown."""
    display(Markdown(text))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, for `say`: the first column names, the others hold numbers as text.

    >>> print(table(["", "bits"], [["softmax", "6.24"]]))
    |  | bits |
    |:---|---:|
    | softmax | 6.24 |
    """
    lines = [head, [":---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("|" + "|".join(x if n == 1 else f" {x} " for x in line) + "|" for n, line in enumerate(lines))


def explorer(**fields: Any) -> str:
    """The explorer's address with these fields of its page Concentrate.

    >>> explorer(clip="coffee", maps="softmax,relu")
    'http://localhost:8501/?clip=coffee&maps=softmax%2Crelu'
    """
    return EXPLORER + ("?" + urlencode(fields) if fields else "")
