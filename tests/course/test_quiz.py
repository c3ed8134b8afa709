"""Quizzes teach: every choice has its reason, every number is counted again, and text does without a widget."""
from __future__ import annotations

import re

import pytest

from linviz.course import quizzes
from linviz.course.quiz import Choice, Question, answer_html
from tests.cases import every_case

QUIZZES = list(quizzes.ALL.values())
QUESTIONS = [question for quiz in QUIZZES for question in quiz.questions]


@every_case("question", QUESTIONS)
def test_every_number_is_counted_again(question: Question) -> None:
    assert dict(question.recount()) == dict(question.numbers)


@every_case("question", QUESTIONS)
def test_numbers_in_the_text_are_those_that_are_counted(question: Question) -> None:
    """Three digits or a decimal point stand in a text only by name, so that they are counted."""
    for text in (question.ask, *(t for c in question.choices for t in (c.text, c.why))):
        assert not re.search(r"\d{3}|\d[.,]\d", re.sub(r"\{\w+\}", "", text)), text
        assert "{" not in question.say(text)


@every_case("question", QUESTIONS)
def test_every_wrong_choice_has_an_explanation_of_its_own(question: Question) -> None:
    reasons = [choice.why for choice in question.choices]
    assert len(set(reasons)) == len(reasons) >= 3 and min(map(len, reasons)) > 40


def test_a_question_with_two_right_choices_or_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly one right choice"):
        Question("?", (Choice("a", "", True), Choice("b", "", True), Choice("c", "")), "x", {}, dict)
    with pytest.raises(ValueError, match="at least three choices"):
        Question("?", (Choice("a", "", True), Choice("b", "")), "x", {}, dict)


@pytest.mark.parametrize("quiz", QUIZZES, ids=lambda q: q.title)
def test_buttons_answer_every_choice(quiz) -> None:
    for question, box in zip(quiz.questions, quiz.widget().children, strict=True):
        _, choices, said = box.children
        assert said.value == "" and choices.value is None
        for n, choice in enumerate(question.choices):
            choices.value = n
            assert said.value == answer_html(question, n) and ("✓" in said.value) == choice.right


@pytest.mark.parametrize("quiz", QUIZZES, ids=lambda q: q.title)
def test_without_a_widget_it_is_text_with_folded_answers(quiz) -> None:
    text = quiz._repr_mimebundle_()["text/markdown"]
    choices = [c for q in quiz.questions for c in q.choices]
    assert text.count("<details>") == text.count("</details>") == len(choices) and "{" not in text
    assert text.count("Right. ") == len(quiz.questions)     # the verdict, once: a reason does not repeat it
