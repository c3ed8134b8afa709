"""Pages from templates: prose stands in studies/templates/*.md.jinja, and every number in it comes from code.

A template may call the tables and the numbers of the studies by the name of their module.
"""
from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import number_formats
from .ledger import Value

FOLDER = Path(__file__).with_name("templates")


def render_page(name: str, **values: Any) -> str:
    """A template with its values filled in; paragraphs are one empty line apart."""
    text = template_environment().get_template(f"{name}.md.jinja").render(values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def render_sentence(name: str, *arguments: Any, **values: Any) -> str:
    """One macro of sentences.md.jinja, as a page would say it."""
    macros = template_environment().get_template("sentences.md.jinja").make_module(values)
    return str(getattr(macros, name)(*arguments)).strip()


@cache
def template_environment() -> Environment:
    """Jinja2 with the filters that write numbers as words; a value that is missing is an error."""
    made = Environment(loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True, keep_trailing_newline=True)
    made.filters |= {"percent": number_formats.percent_text, "whole_percent": number_formats.whole_percent,
                     "points": number_formats.points_text,
                     "accuracy": number_formats.accuracy_text, "difference": number_formats.difference_text,
                     "over": number_formats.interval_source, "arm": number_formats.arm_label,
                     "word_list": number_formats.word_list, "correlation": number_formats.correlation_text,
                     "bullets": bullet_list, "by_sign": by_sign, "line": lambda text: " ".join(text.split())}
    return made


def bullet_list(text: str) -> str:
    """A list with one sentence per bullet.

    >>> print(bullet_list("Softmax leads (by 9.2 points). Then relu follows."))
    - Softmax leads (by 9.2 points).
    - Then relu follows.
    """
    return "\n".join(f"- {sentence}" for sentence in re.split(r"(?<=\.) (?=[A-Z])", " ".join(text.split())))


def by_sign(value: Value, above: str, below: str, around: str) -> str:
    """One of three phrases: the interval lies above 0, below 0, or contains it.

    >>> by_sign(Value(0.2, (0.1, 0.3), (0.2,), "clips"), "gains", "loses", "shows no clear change")
    'gains'
    """
    return {1: above, -1: below, 0: around}[value.sign]
