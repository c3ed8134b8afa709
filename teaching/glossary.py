"""A glossary for learners and a sheet for real minutes: made from the measures, the letters and the chapters."""
from __future__ import annotations

import csv
import inspect
import io
import re
from collections.abc import Sequence

from linviz import concentration, signed_rows, spectra
from linviz.measure import MEASURES, Measure

from .lesson_plan import chapter_items
from .outline import Lesson

MEASURE_MODULES = (concentration, spectra, signed_rows)      # importing them declares their measures
LETTERS = {
    "B": "clips in a batch", "H": "heads", "N": "queries, one per token",
    "S": "keys; in self-attention as many as queries", "D": "width of q and k in a head", "E": "width of v in a head",
    "C": "channels of a token, H times D", "M": "features of φ", "K": "heads of k and v, where they are fewer than H",
    "R": "singular values of a map, at most the smaller of N and S", "T": "frames of a clip",
    "Y": "rows of patches in a frame", "X": "columns of patches in a frame", "P": "side of a patch, in pixels",
    "W": "side of a window, in patches", "i": "a query, and the row of its weights", "j": "a key, and its column",
    "q": "queries", "k": "keys", "v": "values, which attention mixes", "o": "the output, o = A v",
    "A": "the map: one row per query, one column per key", "φ": "the features of a kernel",
    "s": "singular values, the largest first"}
OF = {"row": "a row whose weights sum to one", "signed row": "a row with any weights", "spectrum": "singular values"}
SHEET = ("chapter", "part", "minutes planned", "minutes in class", "where learners got stuck")


def glossary_page(every: Sequence[Lesson], by: str) -> str:
    """GLOSSARY.md: letters, and every measure with its unit, its range, its source and its first chapter."""
    lines = ["# Glossary", "", by, "", "## Letters", "", "Capitals are sizes, small letters are tables of numbers.", "",
             "| letter | what it is |", "|:---|:---|", *(f"| {letter} | {text} |" for letter, text in LETTERS.items()),
             "", "## Measures", "", "Every number in a chapter, in the explorer and in a table has one of these names."]
    for kind, text in OF.items():
        own = sorted((m for m in MEASURES.values() if m.of == kind), key=lambda m: m.title)
        lines += ["", f"### Of {text}", "", "| measure | letter | unit | range | in words | source | first in |",
                  "|:---|:---|:---|:---|:---|:---|:---|", *(_measure_line(m, every) for m in own)]
    return "\n".join(lines) + "\n"


def _measure_line(m: Measure, every: Sequence[Lesson]) -> str:
    words = " ".join((inspect.getdoc(m.function) or "").split("\n\n")[0].split())
    cells = (m.title, m.symbol, m.unit or "none", m.range, words, m.source, first_chapter(m.title, every))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def first_chapter(title: str, every: Sequence[Lesson]) -> str:
    """A link to the first chapter whose text has these words; empty where none has.

    >>> first_chapter("entropy", [])
    ''
    """
    word = re.compile(rf"\b{re.escape(title)}\b", re.IGNORECASE)
    for lesson in every:
        if any(c.cell_type == "markdown" and word.search(c.source) for c in lesson.chapter.cells):
            return f"[chapter {lesson.number}](../notebooks/{lesson.name}.ipynb)"
    return ""


def minutes_sheet(every: Sequence[Lesson]) -> str:
    """MINUTES.csv: a line per section, exercise and quiz, with the planned minutes and room for the real ones."""
    text = io.StringIO(newline="")
    sheet = csv.writer(text, lineterminator="\n")
    sheet.writerow(SHEET)
    for lesson in every:
        for item in chapter_items(lesson, hard=6):
            part = {"sections": f"section {item.name}", "exercises": f"exercise {item.name}"}.get(item.kind, "quiz")
            sheet.writerow([lesson.number, part, item.minutes, "", ""])
    return text.getvalue()
