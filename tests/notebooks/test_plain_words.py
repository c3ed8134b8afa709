"""Chapters in plain words: narrow code, short sentences in exercises, and no phrase that was once hard to read."""
from __future__ import annotations

import re
import tomllib
from typing import Any

import jupytext
import pytest

from .books import BOOKS, NAMES, ROOT

each = pytest.mark.parametrize("name", NAMES)
WIDTH, WORDS = 88, 25
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`", re.DOTALL)
END = re.compile(r"(?<=[.?!:])[)*\"']*\s+(?=[\"'(*]*[A-Z0-9X])|\n\s*\n")
WORD = re.compile(r"[A-Za-z0-9][\w'’,.-]*")
ITEMS = "(row|column|template|patch|token|channel|head|query|key|frame|colour|number|chapter|page|panel)"
PHRASES = (
    "its rows are no shares", "no shares any more", "made (of )?shares", "rows of shares", "a map of shares",
    rf"\b(a|one) {ITEMS} an? {ITEMS}\b",
    "who fits best", "to who chose", r"into your (own )?hand", "under your hand", "follows your hand",
    r"\bdear(er|est)?\b", "some from the last", "a bit less", "a bit more is", "not by a hair", "brings home",
    "the story of this course", "speaks of", "louder is not", "turned up, softmax", "as one likes", "wherever you put",
    "whatever you visit", "bought back", "buying the exponential", "nobody peeks", "a picture of nobody", "ghost of",
    "can swear to", "cannot swear", "held against", "at its like", "its own like", "trebles", "a nought", "struck out",
    "everybody asks everybody", "share of a middling", "looks at nothing", "a door M wide", "is fog", "paints fog",
    "what is lost, is lost", "would have had rank", "hardly hears", "hears of what",
)


def cells(name: str) -> list[Any]:
    """The cells of a chapter's source."""
    return list(jupytext.read(BOOKS / "src" / f"{name}.py", fmt="py:percent").cells)


def exercises(name: str) -> list[dict[str, Any]]:
    """The exercises of a chapter, as their TOML cells describe them."""
    return [tomllib.loads(c.source) for c in cells(name) if "exercise" in c.metadata.get("tags", [])]


def sentences(text: str) -> list[str]:
    """The sentences of a text; a formula or a piece of code counts as one word.

    >>> sentences("Divide `q` by $N$. It is (a mean). Then stop.")
    ['Divide X by X.', 'It is (a mean).', 'Then stop.']
    """
    return [" ".join(s.split()) for s in END.split(FORMULA.sub("X", text)) if s and s.strip()]


def long_sentences(text: str) -> list[str]:
    """The sentences of a text with more than WORDS words."""
    return [s for s in sentences(text) if len(WORD.findall(s)) > WORDS]


def phrases(text: str) -> list[str]:
    """The phrases of the list that a text contains."""
    flat = " ".join(text.split())
    return [found.group() for p in PHRASES for found in re.finditer(p, flat, re.IGNORECASE)]


@each
def test_code_is_at_most_88_columns_wide(name: str) -> None:
    lines = [line for c in cells(name) if c.cell_type == "code" for line in c.source.split("\n")]
    assert len(lines) > 50 and [line for line in lines if len(line) > WIDTH] == []


@each
def test_sentences_of_exercises_have_at_most_25_words(name: str) -> None:
    found = [text for e in exercises(name) for text in (e["task"], *e["hints"], e["see"])]
    assert len(found) >= 15 and [s for text in found for s in long_sentences(text)] == []


@each
def test_no_phrase_of_the_list_is_in_a_chapter(name: str) -> None:
    """In the text of a chapter, and in the words of its code."""
    found = [(phrase, c.source[:60]) for c in cells(name) for phrase in phrases(c.source)]
    assert found == []


@each
def test_no_phrase_of_the_list_is_in_what_a_chapter_imports(name: str) -> None:
    """In its checks, its quiz and its figures."""
    number, course = name[:2], ROOT / "linviz" / "course"
    files = [path for kind in (f"checks/e{number}_*.py", f"quizzes/c{number}_*.*", f"scenes/ch{number}*.py")
             for path in course.glob(kind)]
    found = [(phrase, path.name) for path in files for phrase in phrases(path.read_text(encoding="utf-8"))]
    assert len(files) >= 5 and found == []


def test_the_rules_find_what_they_forbid() -> None:
    assert long_sentences("One " * 26 + "end.") and not long_sentences("One " * 24 + "end.")
    assert not long_sentences("One " * 20 + "end. " + "Two " * 20 + "end.")
    assert not long_sentences("Take $a + b + c + d + e + f + g$ and `x = y + z` " + "so " * 20 + ".")
    assert phrases("It has a row a\nquery, and most goes to who fits best.") == ["a row a query", "who fits best"]
    assert phrases("One row per query. It is expensive.") == []
