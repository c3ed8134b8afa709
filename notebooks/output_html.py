"""Outputs of cells as HTML of the book: living where the run has stored what that needs, else still pictures and text.

A living element holds a still picture and its data, packed. The script of the book draws it when it comes into view;
paper and browsers without scripts show the still picture.
"""
from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from html import escape
from typing import Any

from nbconvert.filters import markdown2html

from linviz.course.book_outputs import LIVE, QUIZ, VIEW
from linviz.figures.mime import PLOTLY
from linviz.patch_view.half_blob import BITS

HIGH = 450  # pixels of a figure without a height of its own
PLAIN = "text/plain"


def output_html(output: Any) -> str:
    """One output of a cell, by the richest form that it has; empty for what a reader does not need."""
    if output.output_type == "stream":
        return f'<pre class="said">{escape(output.text)}</pre>' if output.name == "stdout" else ""
    data = output.get("data", {})
    for form, made in FORMS.items():
        if form in data:
            return made(data)
    return ""


def view_html(data: dict[str, Any]) -> str:
    """A living view over its still picture."""
    blob, bits = base64.b64decode(data[VIEW]["blob"]), data[VIEW]["bits"]
    note = (f'<p class="note">Here the weights are rounded: by at most {50 / 2 ** bits:.2g} % where a map has no '
            'factors.</p>' if bits < BITS else "")
    return _living("view", '<div class="host"></div>', _picture(data, "image/jpeg"), blob, note)


def slider_html(data: dict[str, Any]) -> str:
    """A slider over its figures."""
    live = data[LIVE]
    values, start = live["values"], live["start"]
    fewer = f" This page holds {len(values)} of its {live['of']} settings." if len(values) < live["of"] else ""
    control = (f'<label class="setting">{escape(live["label"])} <input type="range" min="0" max="{len(values) - 1}" '
               f'value="{start}" aria-valuetext="{escape(values[start])}"> <output>{escape(values[start])}</output>'
               f'</label>')
    note = f'<p class="note">{fewer.strip()}</p>' if fewer else ""
    return _living("slider", control + _chart(live["figure"], live["words"][start]), _picture(data, "image/png"),
                   {key: live[key] for key in ("values", "figure", "changes", "words")},
                   f"{note}{_words(live['words'][start])}")


def chart_html(data: dict[str, Any]) -> str:
    """A plotly figure."""
    return _living("chart", _chart(data[PLOTLY], data.get(PLAIN, "")), _picture(data, "image/png"), data[PLOTLY])


def quiz_html(data: dict[str, Any]) -> str:
    """A quiz: one group of choices per question, and a place for the explanation of the choice."""
    asked = "".join(_question(n, question) for n, question in enumerate(data[QUIZ]["questions"], 1))
    return (f'<form class="quiz" aria-label="{escape(data[QUIZ]["title"])}">{asked}</form>'
            f'<noscript>{markdown2html(data.get("text/markdown", ""))}</noscript>')


def _question(number: int, question: dict[str, Any]) -> str:
    choices = "".join(
        f'<label><input type="radio" name="q{number}" data-right="{str(choice["right"]).lower()}" '
        f'data-why="{escape(choice["why"])}"> <span>{escape(choice["text"])}</span></label>'
        for choice in question["choices"])
    return (f'<fieldset><legend>{number}. {escape(question["ask"])}</legend>{choices}'
            '<p class="why" role="status"></p></fieldset>')


def _living(kind: str, live: str, still: str, data: Any, under: str = "") -> str:
    stored = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":")).encode()
    return (f'<figure class="living {kind}"><div class="live">{live}</div>{still}{under}'
            f'<script type="text/plain">{packed(stored)}</script></figure>')


def packed(data: bytes) -> str:
    """Bytes as text for a script, which unpacks them: gzip, in base64.

    >>> len(packed(b"0" * 9999)) < 100
    True
    """
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def _chart(figure: dict[str, Any], words: str) -> str:
    high = figure.get("layout", {}).get("height", HIGH)
    return f'<div class="plot" role="img" aria-label="{escape(words)}" style="height:{high}px"></div>'


def _words(text: str) -> str:
    return f'<details class="linviz-words"><summary>In words</summary><span>{escape(text)}</span></details>'


def _picture(data: dict[str, Any], form: str) -> str:
    """The still picture of an output; a sentence where none is stored."""
    words = escape(data.get(PLAIN, ""))
    if form not in data:
        return f'<p class="still">{words}</p>'
    return f'<img class="still" alt="{words}" src="data:{form};base64,{"".join(data[form].split())}">'


def _image(form: str) -> Callable[[dict[str, Any]], str]:
    return lambda data: _picture(data, form)


def _plain(data: dict[str, Any]) -> str:
    return f'<pre class="said">{escape(data[PLAIN])}</pre>'


FORMS: dict[str, Callable[[dict[str, Any]], str]] = {
    VIEW: view_html, LIVE: slider_html, PLOTLY: chart_html, QUIZ: quiz_html,
    "text/html": lambda data: str(data["text/html"]),
    "text/markdown": lambda data: str(markdown2html(data["text/markdown"])), "image/png": _image("image/png"),
    "image/jpeg": _image("image/jpeg"), PLAIN: _plain}
