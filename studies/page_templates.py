"""Pages from templates: prose stands in studies/templates/*.md.jinja, and every number in it comes from code.

A template may call the tables and the numbers of the studies by the name of their module.
"""
from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import words
from .ledger import Value

FOLDER = Path(__file__).with_name("templates")


def render_page(name: str, **values: Any) -> str:
    """A template with its values filled in; paragraphs are one empty line apart."""
    text = environment().get_template(f"{name}.md.jinja").render(values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def render_sentence(name: str, *arguments: Any, **values: Any) -> str:
    """One macro of sentences.md.jinja, as a page would say it."""
    macros = environment().get_template("sentences.md.jinja").make_module(values)
    return str(getattr(macros, name)(*arguments)).strip()


@cache
def environment() -> Environment:
    """Jinja2 with the filters that write numbers as words; a value that is missing is an error."""
    made = Environment(loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True, keep_trailing_newline=True)
    made.filters |= {"percent": words.percent, "whole_percent": words.whole, "points": words.points,
                     "accuracy": words.share, "difference": words.gap, "over": words.counted, "arm": words.called,
                     "word_list": words.listed, "correlation": words.correlation,
                     "by_sign": by_sign, "line": lambda text: " ".join(text.split())}
    return made


def by_sign(value: Value, above: str, below: str, around: str) -> str:
    """One of three phrases: the interval lies above 0, below 0, or contains it.

    >>> by_sign(Value(0.2, (0.1, 0.3), (0.2,), "clips"), "gains", "loses", "shows no clear change")
    'gains'
    """
    return {1: above, -1: below, 0: around}[value.sign]
