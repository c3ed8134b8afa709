"""Quizzes: a few questions, with an explanation for every choice.

In a notebook a quiz has buttons; without widgets it is text with folded answers.
"""
from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any

import ipywidgets as widgets


@dataclass(frozen=True)
class Choice:
    """One choice, and the explanation shown to the learner who picks it."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with exactly one right choice.

    objective  id of the objective it assesses.
    methods    names of the mechanisms that it assesses.
    numbers    every number in the question, the choices and the explanations, by name, as printed.
    recount    computes these numbers again; a test compares them with `numbers`.
    """

    ask: str
    choices: tuple[Choice, ...]
    objective: str
    numbers: Mapping[str, str]
    recount: Callable[[], Mapping[str, str]]
    methods: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if sum(c.right for c in self.choices) != 1 or len(self.choices) < 3:
            raise ValueError(f"a question needs at least three choices and exactly one right choice: {self.ask!r}")

    def say(self, text: str) -> str:
        """A text of this question with its numbers filled in."""
        return text.format(**self.numbers)


@dataclass(frozen=True)
class Quiz:
    """Three to six questions at the end of a chapter. Put it in the last line of a cell to show it."""

    title: str
    questions: tuple[Question, ...]

    def widget(self) -> Any:
        """The quiz as buttons, for a notebook with a kernel."""
        return widgets.VBox([_question_widget(n, q) for n, q in enumerate(self.questions, 1)])

    def text(self) -> str:
        """The quiz as Markdown, answers folded."""
        return "\n\n".join(_written_question(n, q) for n, q in enumerate(self.questions, 1))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        data = self.widget()._repr_mimebundle_(**kwargs) or {}
        return {**data, "text/markdown": self.text(), "text/plain": f"{self.title}, {len(self.questions)} questions"}


def read_quiz(file: Path, counts: ModuleType) -> Quiz:
    """The quiz written in a TOML file: a title, and one table per question.

    counts  its functions `recount_NAME` compute the numbers of the question [NAME] again; AttributeError if one lacks.
    """
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    title = tables.pop("title")
    return Quiz(title, tuple(_read_question(table, getattr(counts, f"recount_{name}") if "numbers" in table else dict)
                             for name, table in tables.items()))


def _read_question(table: dict[str, Any], recount: Callable[[], Mapping[str, str]]) -> Question:
    choices = tuple(Choice(_one_line(c["text"]), _one_line(c["why"]), c.get("right", False)) for c in table["choices"])
    return Question(_one_line(table["ask"]), choices, table["objective"], table.get("numbers", {}), recount,
                    tuple(table.get("methods", ())))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def answer_html(question: Question, chosen: int | None) -> str:
    """The explanation for choice number `chosen` as HTML; empty for None."""
    if chosen is None:
        return ""
    choice = question.choices[chosen]
    mark, colour = ("✓ Right.", "#00694d") if choice.right else ("✗ Not this one.", "#a34000")
    return f'<p style="margin:0 0 1em"><b style="color:{colour}">{mark}</b> {escape(question.say(choice.why))}</p>'


def _question_widget(number: int, question: Question) -> Any:
    head = widgets.HTML(f"<p style='margin:.6em 0 .2em'><b>{number}.</b> {escape(question.say(question.ask))}</p>")
    options = [(question.say(c.text), n) for n, c in enumerate(question.choices)]
    choices = widgets.RadioButtons(options=options, value=None, layout={"width": "auto"})
    said = widgets.HTML("")
    choices.observe(lambda change: setattr(said, "value", answer_html(question, change["new"])), "value")
    return widgets.VBox([head, choices, said])


def _written_question(number: int, question: Question) -> str:
    choices = [f"- {question.say(c.text)}\n  <details><summary>if you chose this</summary>"
               f"{'Right. ' if c.right else 'Not this one. '}{escape(question.say(c.why))}</details>"
               for c in question.choices]
    return "\n".join([f"**{number}.** {question.say(question.ask)}\n", *choices])
