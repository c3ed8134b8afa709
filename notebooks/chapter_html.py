"""The text of a chapter as HTML of the book: prose, code, outputs, exercises, and boxes for predictions.

The learner's notebook gives the cells; the executed solution gives the outputs. The code of a solution appears only
where it is asked for.
"""
from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from bs4 import BeautifulSoup
from nbconvert.filters import Highlight2HTML, markdown2html
from nbformat import NotebookNode

from linviz.course.book_outputs import QUIZ
from linviz.course.chapter_source import cell_tags, tag_number
from linviz.course.formulas import replace_formulas

from .output_html import output_html

CHAPTER = re.compile(r"^(\d\d_\w+)\.ipynb")
EXPLORER = re.compile(r"^http://localhost:8501")
PREDICT = re.compile(r"^Predict\b")
LAB = "python3 start.py lab"
BOX = """<div class="prediction" data-key="{key}"><label>My prediction
<textarea rows="2" autocomplete="off"></textarea></label></div>"""
ECHO = '<aside class="predicted" data-key="{key}" hidden><b>You predicted:</b> <span></span></aside>'
EXERCISE = """<p class="note work">Work on exercise {number} in the notebook, where its check runs: start
<code>{lab}</code> and open <code>{name}.ipynb</code>.</p>"""


def chapter_html(name: str, learner: Any, ran: Any, there: set[str], solutions: bool = False) -> str:
    """The text of a chapter.

    learner, ran  its notebook and its executed solution, cell by cell the same apart from cells tagged `predict`.
    there         names of the chapters that the book has: links to others become plain text.
    """
    parts: list[str] = []
    waiting: list[str] = []     # predictions whose outcome is still to come
    for cell, solved, numbers in paired_cells(learner, ran):
        if cell.cell_type == "markdown":
            soup = BeautifulSoup(markdown2html(cell.source), "html.parser")
            waiting += add_prediction_boxes(soup, numbers)
            parts.append(f'<section class="prose">{soup}</section>')
            continue
        made = code_html(name, cell, solved, solutions)
        if 'class="output"' in made and tag_number(cell, "answer") is None:
            made += "".join(ECHO.format(key=key) for key in waiting)
            waiting = []
        parts.append(made)
    text, heavy = without_heavy_parts("".join(parts))
    soup = BeautifulSoup(text, "html.parser")
    replace_formulas(soup)
    finish_headings(soup)
    finish_links(soup, there)
    return with_heavy_parts(str(soup), heavy)


HEAVY = re.compile(r'<div class="highlight.*?</div>|<script.*?</script>|(?<=src=")data:[^"]*', re.DOTALL)
PLACE = re.compile(r"heavy-part-(\d+);")


def without_heavy_parts(text: str) -> tuple[str, list[str]]:
    """HTML with a mark in place of code, data and pictures, which would take seconds to parse; and these parts.

    >>> without_heavy_parts('<p>a<script>b</script></p>')
    ('<p>aheavy-part-0;</p>', ['<script>b</script>'])
    """
    heavy: list[str] = []

    def take(found: re.Match[str]) -> str:
        heavy.append(found[0])
        return f"heavy-part-{len(heavy) - 1};"

    return HEAVY.sub(take, text), heavy


def with_heavy_parts(text: str, heavy: list[str]) -> str:
    """HTML with the parts that `without_heavy_parts` has taken out."""
    return PLACE.sub(lambda found: heavy[int(found[1])], text)


def paired_cells(learner: Any, ran: Any) -> Iterator[tuple[Any, Any, list[str]]]:
    """Every cell of a chapter with its solution, and the numbers of the predictions that cells right after it keep."""
    mine, solved = (without_predictions(notebook).cells for notebook in (learner, ran))
    numbers: dict[int, list[str]] = {}
    last = 0
    for cell in learner.cells:
        last = last if is_prediction(cell) else id(cell)
        if number := tag_number(cell, "predict"):
            numbers.setdefault(last, []).append(number)
    for one, other in zip(mine, solved, strict=True):
        yield one, other, numbers.get(id(one), [])


def is_prediction(cell: Any) -> bool:
    """Whether a cell only keeps or repeats a prediction: the book has boxes of its own."""
    return any(tag.partition(":")[0] in ("predict", "show_prediction") for tag in cell_tags(cell))


def without_predictions(notebook: Any) -> Any:
    """The notebook without the cells that only keep or repeat a prediction; no other cell needs them."""
    return NotebookNode({**notebook, "cells": [cell for cell in notebook.cells if not is_prediction(cell)]})


def add_prediction_boxes(soup: BeautifulSoup, numbers: list[str]) -> list[str]:
    """Add a box under every prompt; return the keys under which a browser stores what is typed.

    numbers  of the prompts, in order; a prompt without one has a key made from its words.
    """
    keys: list[str] = []
    for quote in soup.find_all("blockquote"):
        strong = quote.find("strong")
        if strong is None or not PREDICT.match(strong.get_text()):
            continue
        made = hashlib.blake2b(quote.get_text().encode(), digest_size=4).hexdigest()
        key = numbers[len(keys)] if len(keys) < len(numbers) else made
        quote.insert_after(BeautifulSoup(BOX.format(key=key), "html.parser"))
        keys.append(key)
    return keys


def code_html(name: str, cell: Any, solved: Any, solutions: bool) -> str:
    """A cell of code and its outputs; of an exercise the stub, and where to work on it."""
    shown = "".join(map(output_html, solved.get("outputs", [])))
    outputs = f'<div class="output">{shown}</div>' if shown else ""
    code = highlighted_code(cell.source)
    if any(QUIZ in output.get("data", {}) for output in solved.get("outputs", [])):
        return f'<section class="code">{outputs}</section>'
    number = tag_number(cell, "answer")
    if number is not None:
        work = EXERCISE.format(number=number, lab=LAB, name=name)
        folded = (f'<details class="solution"><summary>Solution of exercise {number}</summary>'
                  f'{highlighted_code(solved.source)}{outputs}</details>') if solutions else ""
        return f'<section class="code exercise">{code}{work}{folded}</section>'
    needed = [tag.split(":")[1] for tag in cell_tags(cell) if tag.startswith("needs:")]
    note = f'<p class="note">Below: the result when {_exercises(needed)} solved.</p>' if needed and shown else ""
    return f'<section class="code">{code}{note}{outputs}</section>'


def _exercises(numbers: list[str]) -> str:
    many = len(numbers) > 1
    return f"exercise{'s' * many} {' and '.join(numbers)} {'are' if many else 'is'}"


HIGHLIGHT = Highlight2HTML()


def highlighted_code(source: str) -> str:
    """Python with its words marked for colours; it scrolls by keyboard where lines are long."""
    made = HIGHLIGHT(source, language="python").strip()
    return str(made).replace("<pre>", '<pre tabindex="0" role="region" aria-label="Python code">', 1)


def finish_headings(soup: BeautifulSoup) -> None:
    """Give every heading an address of its own, made from its words."""
    taken: set[str] = set()
    for anchor in soup.find_all("a", class_="anchor-link"):
        anchor.decompose()
    for heading in soup.find_all(["h1", "h2", "h3"]):
        plain = re.sub(r"[^a-z0-9]+", "-", heading.get_text().lower()).strip("-") or "part"
        address = next(x for n in range(1, 99) if (x := plain if n == 1 else f"{plain}-{n}") not in taken)
        taken.add(address)
        heading["id"] = address


def finish_links(soup: BeautifulSoup, there: set[str]) -> None:
    """Lead links of chapters to their pages, and mark links of the explorer, which needs Python."""
    for link in soup.find_all("a", href=True):
        chapter = CHAPTER.match(str(link["href"]))
        if chapter and chapter[1] in there:
            link["href"] = CHAPTER.sub(r"\1.html", str(link["href"]))
        elif chapter:
            link.unwrap()
        elif EXPLORER.match(str(link["href"])):
            link["class"], link["rel"] = "explorer", "noreferrer"
            link["title"] = "opens the explorer, while it runs: python3 start.py explore"


def page_title(learner: Any) -> str:
    """The title of a chapter: its first heading."""
    first = next(cell.source for cell in learner.cells if cell.cell_type == "markdown")
    return str(first.splitlines()[0].lstrip("# "))


def page_lead(learner: Any) -> str:
    """The first paragraph of a chapter, and the line with its minutes before it."""
    first = next(cell.source for cell in learner.cells if cell.cell_type == "markdown")
    minutes, lead = (part.strip() for part in first.split("\n\n")[1:3])
    return f'<p>{escape(lead)}</p><p class="note">{escape(minutes.strip("*"))}</p>'
