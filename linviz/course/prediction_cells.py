"""The cells of a notebook that ask for a prediction, made from a chapter's prompts.

A prompt is a paragraph of a source that begins with "> **Predict". Prompts are numbered chapter.count: 4.2 is the
second prompt of chapter 4. A cell tagged `predict:NUMBER`, right after the text, shows a box to type into. Below the
next cell that shows something, a cell tagged `show_prediction:NUMBER` shows the words again. The cell of an answer is
passed over, for it shows only what the check says.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import nbformat

from .chapter_source import Cell, cell_tags, tag_number

PROMPT = re.compile(r"^> \*\*Predict[^*]*\*\*(?P<text>(?:.|\n> ?)*)", re.MULTILINE)
BOX, AGAIN = "predict", "show_prediction"      # tags, with a number
SHOWING = ("show", "say", "print", "display")


def prompt_texts(markdown: str) -> list[str]:
    """The prompts of a text, each in one line.

    >>> prompt_texts("First.\\n\\n> **Predict.** How many\\n> are lit?\\n\\nThen.")
    ['How many are lit?']
    """
    return [" ".join(re.sub(r"\n> ?", " ", found["text"]).split()) for found in PROMPT.finditer(markdown)]


def numbered_prompts(chapter: int, cells: Sequence[Cell]) -> list[tuple[int, str, str]]:
    """Every prompt of a chapter: the place of its cell, its number and its text, in order."""
    found = [(n, text) for n, cell in enumerate(cells) if cell.cell_type == "markdown" and not cell_tags(cell)
             for text in prompt_texts(cell.source)]
    return [(n, f"{chapter}.{count}", text) for count, (n, text) in enumerate(found, 1)]


def is_prediction_cell(cell: Cell) -> bool:
    """Whether a cell of a notebook was added for a prediction; the source of a chapter has none of them."""
    return any(tag.partition(":")[0] in (BOX, AGAIN) for tag in cell_tags(cell))


def shows_something(cell: Cell) -> bool:
    """Whether something appears below a cell of code: it ends in an expression, or it shows or says something.

    >>> [shows_something(nbformat.v4.new_code_cell(source)) for source in ("x = 1", "x", "say(x); assert x")]
    [False, True, True]
    """
    if cell.cell_type != "code" or tag_number(cell, "answer") is not None:
        return False
    body = ast.parse(cell.source).body
    calls = [s.value.func for s in body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    return bool(body) and isinstance(body[-1], ast.Expr) or any(isinstance(f, ast.Name) and f.id in SHOWING
                                                                for f in calls)


def add_prediction_cells(chapter: int, cells: Sequence[Cell]) -> list[Cell]:
    """A chapter's cells with those of its predictions; ValueError if nothing is shown after a prompt."""
    prompts = numbered_prompts(chapter, cells)
    waiting: list[str] = []
    out: list[Cell] = []
    for n, cell in enumerate(cells):
        out.append(cell)
        if shows_something(cell):
            out += [_prediction_cell(AGAIN, number) for number in waiting]
            waiting = []
        for number, text in [(number, text) for place, number, text in prompts if place == n]:
            out.append(_prediction_cell(BOX, number, prompt=text))
            waiting.append(number)
    if waiting:
        raise ValueError(f"chapter {chapter} asks for prediction {waiting[0]}, and no cell after it shows something")
    return out


def _prediction_cell(function: str, number: str, **facts: str) -> Cell:
    """A cell that needs no other one, so that it runs wherever a reader begins."""
    cell = nbformat.v4.new_code_cell(f'from linviz.course import {function}\n\n{function}("{number}")',
                                     metadata={"tags": [f"{function}:{number}"]})
    if facts:
        cell.metadata["linviz"] = facts
    return cell
