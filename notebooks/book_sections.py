"""The sections of a page of the book: for its contents, and for the search."""
from __future__ import annotations

from bs4 import BeautifulSoup, NavigableString, Tag

from .chapter_html import PLACE, without_heavy_parts

HEADINGS = ("h1", "h2", "h3")
HIDDEN = "details:not(.linviz-words), form, pre, noscript, textarea, .predicted, .work, summary, nav"  # hints, code


def page_sections(text: str) -> list[tuple[str, str, str]]:
    """Address, heading and words of every section of a page or of its text, in order.

    The words of figures count; code, quizzes and what is folded, such as hints, do not.

    >>> page_sections('<h2 id="a">A</h2><p>one</p><details>two</details><h2 id="b">B</h2>three')
    [('a', 'A', 'one'), ('b', 'B', 'three')]
    """
    soup = BeautifulSoup(PLACE.sub("", without_heavy_parts(text)[0]), "html.parser")
    for hidden in soup.select(HIDDEN):
        hidden.extract()
    found: list[tuple[str, str, list[str]]] = []
    for part in (soup.find("main") or soup).descendants:
        if isinstance(part, Tag) and part.name in HEADINGS:
            found.append((str(part["id"]), one_spaced(part.get_text()), []))
        elif isinstance(part, NavigableString) and found and part.find_parent(HEADINGS) is None:
            found[-1][2].append(part if part.find_parent("math") else f"{part} ")
    return [(address, heading, one_spaced("".join(words))) for address, heading, words in found]


def one_spaced(text: str) -> str:
    """A text in one line.

    >>> one_spaced(" a\\n  b ")
    'a b'
    """
    return " ".join(text.split())
