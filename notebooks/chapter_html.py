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

from bs4 import BeautifulSoup, Tag
from nbconvert.filters import Highlight2HTML, markdown2html

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


def chapter_html(name: str, learner: Any, ran: Any, there: set[str], solutions: bool = False) -> BeautifulSoup:
    """The text of a chapter.

    learner, ran  its notebook and its executed solution, cell by cell the same apart from cells tagged `predict`.
    there         names of the chapters that the book has: links to others become plain text.
    """
    parts: list[str] = []
    waiting: list[str] = []     # predictions whose outcome is still to come
    for cell, solved, number in paired_cells(learner, ran):
        if cell.cell_type == "markdown":
            soup = BeautifulSoup(markdown2html(cell.source), "html.parser")
            waiting += add_prediction_boxes(soup, number)
            parts.append(f'<section class="prose">{soup}</section>')
            continue
        made = code_html(name, cell, solved, solutions)
        if 'class="output"' in made:
            made += "".join(ECHO.format(key=key) for key in waiting)
            waiting = []
        parts.append(made)
    soup = BeautifulSoup("".join(parts), "html.parser")
    replace_formulas(soup)
    finish_headings(soup)
    finish_links(soup, there)
    return soup


def paired_cells(learner: Any, ran: Any) -> Iterator[tuple[Any, Any, str | None]]:
    """Every cell of a chapter with its solution, and the number of the prediction that a cell after it stores."""
    mine, solved = ([cell for cell in notebook.cells if not is_prediction(cell)] for notebook in (learner, ran))
    after = {id(cell): tag_number(follower, "predict")
             for cell, follower in zip(learner.cells, learner.cells[1:]) if is_prediction(follower)}
    for one, other in zip(mine, solved, strict=True):
        yield one, other, after.get(id(one))


def is_prediction(cell: Any) -> bool:
    """Whether a cell only stores or repeats a prediction: the book has boxes of its own."""
    return any(tag.startswith("predict") for tag in cell_tags(cell))


def add_prediction_boxes(soup: BeautifulSoup, number: str | None) -> list[str]:
    """Add a box under every prompt; return the keys under which a browser stores what is typed."""
    keys = []
    for quote in soup.find_all("blockquote"):
        strong = quote.find("strong")
        if strong is None or not PREDICT.match(strong.get_text()):
            continue
        key = number or hashlib.blake2b(quote.get_text().encode(), digest_size=4).hexdigest()
        quote.insert_after(BeautifulSoup(BOX.format(key=key), "html.parser"))
        keys.append(key)
        number = None
    return keys


def code_html(name: str, cell: Any, solved: Any, solutions: bool) -> str:
    """A cell of code and its outputs; of an exercise the stub, and where to work on it."""
    shown = "".join(map(output_html, solved.get("outputs", [])))
    outputs = f'<div class="output">{shown}</div>' if shown else ""
    code = highlighted_code(cell.source)
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
    made = BeautifulSoup(HIGHLIGHT(source, language="python"), "html.parser")
    assert made.pre is not None
    made.pre.attrs |= {"tabindex": "0", "aria-label": "Python code", "role": "region"}
    return str(made)


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


def chapter_sections(soup: BeautifulSoup) -> list[tuple[str, str, str]]:
    """Address, heading and words of every section, for the contents and the search; hints and code are left out."""
    found: list[list[str]] = []
    for block in soup.find_all(["h1", "h2", "h3", "p", "li", "td", "legend", "figcaption", "span"]):
        if block.name in ("h1", "h2", "h3"):
            found.append([str(block["id"]), plain_words(block), ""])
        elif found and is_searched(block):
            found[-1][2] += plain_words(block) + " "
    return [(address, heading, words.strip()) for address, heading, words in found]


def is_searched(block: Tag) -> bool:
    """Whether a block's words are found by the search: prose and words of figures, once, and no hint."""
    if block.name == "span":
        return block.find_parent("details", class_="linviz-words") is not None
    nested = block.find_parents(["p", "li", "td"])
    return not nested and not block.find_parents(["details", "form", "pre", "noscript"]) or block.name == "legend"


def plain_words(block: Tag) -> str:
    """The words of a block in one line."""
    return " ".join(block.get_text().split())


def page_title(learner: Any) -> str:
    """The title of a chapter: its first heading."""
    first = next(cell.source for cell in learner.cells if cell.cell_type == "markdown")
    return str(first.splitlines()[0].lstrip("# "))


def page_lead(learner: Any) -> str:
    """The first paragraph of a chapter, and the line with its minutes before it."""
    first = next(cell.source for cell in learner.cells if cell.cell_type == "markdown")
    minutes, lead = (part.strip() for part in first.split("\n\n")[1:3])
    return f'<p>{escape(lead)}</p><p class="note">{escape(minutes.strip("*"))}</p>'
