"""The sections of a page of the book: for its contents, and for the search."""
from __future__ import annotations

import re

from bs4 import BeautifulSoup, NavigableString, Tag

from .chapter_html import PLACE, without_heavy_parts

HEADING, TAG = re.compile(r'<h[123] id="([^"]+)">(.*?)</h[123]>', re.DOTALL), re.compile(r"<[^>]+>")
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
    gather_words(soup.find("main") or soup, found)
    return [(address, heading, one_spaced("".join(words))) for address, heading, words in found]


def gather_words(part: Tag, found: list[tuple[str, str, list[str]]], gap: str = " ") -> None:
    """Add a section for every heading in a part of a page, and its words to the newest section."""
    for child in part.children:
        if isinstance(child, Tag) and child.name in HEADINGS:
            found.append((str(child["id"]), one_spaced(child.get_text()), []))
        elif isinstance(child, Tag):
            gather_words(child, found, "" if child.name == "math" else gap)
        elif isinstance(child, NavigableString) and found:
            found[-1][2].append(f"{child}{gap}")


def page_headings(text: str) -> list[tuple[str, str]]:
    """Address and words of every heading, as HTML, in order.

    >>> page_headings('<h2 id="a">A <code>b</code></h2><p>one</p>')
    [('a', 'A b')]
    """
    return [(address, one_spaced(TAG.sub("", words))) for address, words in HEADING.findall(text)]


def one_spaced(text: str) -> str:
    """A text in one line.

    >>> one_spaced(" a\\n  b ")
    'a b'
    """
    return " ".join(text.split())
