"""What the documents behind the course name is taught: methods are derived and assessed, the rest stands in a chapter.

The numbers are those of the list from which the course was planned. An item with names is a method: each name is
registered (or is a scheme of layers) and has a cell tagged `derives:NAME`. Every other item is words of a chapter.
"""
from __future__ import annotations

import re

import linviz
from linviz.course import quizzes
from linviz.course.chapter import assessed_methods, derives
from linviz.course.chapter_source import read_chapter
from linviz.mechanisms import REGISTRY
from linviz.models.schemes import SCHEMES

from .books import BOOKS, NAMES

CHAPTERS = [read_chapter(BOOKS / "src" / f"{name}.py") for name in NAMES]
TEXTS = {c.number: " ".join((BOOKS / "src" / f"{c.name}.py").read_text("utf-8").replace("\n#", "\n").split())
         for c in CHAPTERS}
METHODS = {
    2: ("softmax",), 7: ("efficient",), 10: ("nonlocal",), 11: ("factorized",), 13: ("linformer",),
    17: ("performer",), 18: ("linear",), 20: ("local", "local_global"), 21: ("reformer",),
    22: ("aft_full", "aft_simple", "aft_local", "aft_conv"), 23: ("swin",), 24: ("lambda",), 29: ("additive",),
    31: ("joint", "space"), 33: ("graph",), 34: ("kronecker_kv", "kronecker_qkv"), 36: ("relu_floor",), 38: ("rala",),
    39: ("dape",), 40: ("gaussian",), 41: ("fastmax",), 42: ("focused",), 43: ("vicinity",), 44: ("keypoint",),
    45: ("cosformer",)}
WORDS = {   # item -> chapter and words: cost, heads, claims, history, and what surrounds a method
    1: (2, "sixth power"), 3: (1, "split channels into heads"), 4: (1, "Which heads find the other eye?"),
    5: (2, "share of the pairs"), 6: (5, "sequential steps"), 8: (2, "names three uses"),
    9: (4, "Mathematically equivalent"), 14: (3, "the first 128 of 784"), 15: (3, "Self-attention is low rank"),
    19: (5, "running sum"), 25: (7, "random feature attention"), 26: (2, "Distillation"),
    27: (7, "Nothing is assumed about the map"), 28: (2, "best frame"), 30: (4, "a network of linear layers alone"),
    32: (5, "recurrent network"), 35: (8, "A clip has a third kind of lines"), 37: (2, "quarter of the keys")}
ELSEWHERE = {12, 16}    # scores that others have trained, and one more implementation: not taught


def test_every_item_has_its_place_once() -> None:
    assert sorted([*METHODS, *WORDS, *ELSEWHERE]) == list(range(1, 46))


def test_every_method_of_the_list_is_registered_and_derived() -> None:
    for item, names in METHODS.items():
        for name in names:
            assert name in {*linviz.names(), *SCHEMES}, (item, name)
            assert any(derives(chapter, name) for chapter in CHAPTERS), (item, name)


def test_every_other_item_is_said_in_its_chapter() -> None:
    assert [(n, chapter, words) for n, (chapter, words) in WORDS.items() if words not in TEXTS[chapter]] == []


def test_every_mechanism_is_assessed() -> None:
    """By an exercise or a quiz question that lists it in `methods`."""
    found = assessed_methods(CHAPTERS)
    assert set(found) == set(linviz.names())
    assert all(found.values())


def test_what_assesses_a_mechanism_names_it() -> None:
    """A question in its own text; an exercise by its chapter, which may have derived the mechanism just before."""
    for chapter in CHAPTERS:
        for e in chapter.exercises:
            for name in e.get("methods", ()):
                assert derives(chapter, name) or names_method(TEXTS[chapter.number], name), (e["number"], name)
        for question in quizzes.ALL[chapter.number].questions:
            text = " ".join([question.ask, *(c.text for c in question.choices)])
            assert all(names_method(text, name) for name in question.methods), text


def names_method(text: str, name: str) -> bool:
    """Whether a text has the first word of a mechanism's title."""
    return bool(re.search(rf"\b{re.escape(REGISTRY[name].title.split()[0])}\b", text, re.IGNORECASE))
