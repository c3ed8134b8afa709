"""Functions for the cells of a chapter: show a figure, print a sentence with its numbers, link to the explorer.

In a notebook, importing this module also shortens the error of an unsolved exercise to one line.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from IPython import get_ipython
from IPython.display import HTML, Markdown, display

from ..figures.mime import mime_bundle
from ..measure import exact_number_html

EXPLORER = "http://localhost:8501/"  # where `linviz explore` listens


def show(figure: Any) -> None:
    """Show a figure and, folded under it, its description in words."""
    display(mime_bundle(figure), raw=True)
    display(HTML(folded_words(figure.layout.meta["alt"])))


def folded_words(alt: str) -> str:
    """A figure's alt text, folded: for screen readers, and for everyone who prefers to read.

    >>> folded_words("a < b")
    '<details class="linviz-words"><summary>In words</summary>a &lt; b</details>'
    """
    return f'<details class="linviz-words"><summary>In words</summary>{escape(alt)}</details>'


def say(text: str) -> None:
    """Print Markdown: a sentence with numbers that the cell has computed."""
    display(Markdown(text))


def calm_unwritten(shell: Any) -> None:
    """Show the error of an unsolved exercise in one line; leave all other errors as they are."""
    def one_line(shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None = None) -> list[str]:
        if not str(error).startswith("Exercise "):
            shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
            return []
        shell._showtraceback(kind, error, [str(error)])
        return [str(error)]
    shell.set_custom_exc((NotImplementedError,), one_line)


if get_ipython() is not None:
    calm_unwritten(get_ipython())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, for `say`: names in the first column, numbers as text in the others.

    >>> print(table(["", "bits"], [["softmax", "6.24"]]))
    |  | bits |
    |:---|---:|
    | softmax | 6.24 |
    """
    lines = [head, [":---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("|" + "|".join(x if n == 1 else f" {x} " for x in line) + "|" for n, line in enumerate(lines))


def number(x: float, form: str) -> str:
    """A number for `say` and `table` that keeps all its digits, so that tests can compare it with other pages.

    >>> number(2 / 3, ".2f")
    '<data value="0.6666666666666666">0.67</data>'
    """
    return exact_number_html(x, format(x, form))


def explorer(**fields: Any) -> str:
    """The explorer's address with these parameters of its page Concentrate.

    >>> explorer(source="coffee", specs="softmax,relu")
    'http://localhost:8501/?source=coffee&specs=softmax%2Crelu'
    """
    return EXPLORER + ("?" + urlencode(fields) if fields else "")
