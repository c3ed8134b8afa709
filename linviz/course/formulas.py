"""Formulas of a page as MathML, which browsers draw by themselves."""
from __future__ import annotations

import re

from bs4 import BeautifulSoup, NavigableString, Tag
from latex2mathml.converter import convert

FORMULA = re.compile(r"\$\$(?P<display>.+?)\$\$|(?<![\\$])\$(?P<inline>[^$\n]+?(?:\n[^$\n]+?)?)\$", re.DOTALL)


def replace_formulas(soup: BeautifulSoup) -> None:
    """Every $...$ and $$...$$ of the text as MathML; code is left alone."""
    for text in soup.find_all(string=FORMULA):
        if isinstance(text.parent, Tag) and not text.find_parents(("code", "pre", "script", "style", "title")):
            text.replace_with(*_split_at_formulas(str(text)))


def _split_at_formulas(text: str) -> list[NavigableString | BeautifulSoup]:
    out: list[NavigableString | BeautifulSoup] = []
    end = 0
    for found in FORMULA.finditer(text):
        out.append(NavigableString(text[end:found.start()]))
        kind = "block" if found["display"] else "inline"
        out.append(BeautifulSoup(convert(found["display"] or found["inline"], display=kind), "html.parser"))
        end = found.end()
    return [*out, NavigableString(text[end:])]
