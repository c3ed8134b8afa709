"""FIFTEEN_MINUTES.md: what to open and what to say, with numbers from the page, the chapter and the evidence."""
from __future__ import annotations

import re
from collections.abc import Iterable

from linviz import evidence

from .outline import HERE, Lesson

VIEW = HERE.parent / "docs" / "view.html"
TITLE = re.compile(r"<title>The gate gathers this patch&#x27;s attention: from (?P<floor>\d+) to (?P<gate>\d+) of "
                   r"(?P<patches>\d+) patches \(softmax: (?P<softmax>\d+)\)</title>")
ARMS = {"soft_right": "softmax", "floor_right": "relu + floor", "gate_right": "relu + floor + gate",
        "relu_right": "relu"}


def quarter_hour_page(lessons: Iterable[Lesson], by: str) -> str:
    """The page; ValueError, in one sentence, if one of its sources does not say what it quotes."""
    chapter = next(lesson for lesson in lessons if lesson.number == 13)
    values = view_counts() | trained_accuracies() | {
        "by": by, "weights": printed_text(chapter, "Under the floor the largest weight is"),
        "later": quoted_claim("After 2,400 steps, softmax is more accurate than that baseline"),
        "rank": quoted_claim("The trainings here do not show that low rank is the cause.")}
    return (HERE / "src" / "FIFTEEN_MINUTES.md").read_text(encoding="utf-8").format(**values)


def view_counts() -> dict[str, str]:
    """How many patches the query looks at, as the title of docs/view.html says."""
    found = TITLE.search(VIEW.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"docs/{VIEW.name} has another title than teaching/quarter_hour.py expects")
    return found.groupdict()


def trained_accuracies() -> dict[str, str]:
    """The mean accuracies of four trained variants after 800 steps, in per cent."""
    rows = (evidence.figure_data("accuracy") or {"rows": []})["rows"]
    means = {row["title"]: row["mean"] for row in rows}
    if missing := set(ARMS.values()) - set(means):
        raise ValueError(f"the evidence has no accuracy of {', '.join(sorted(missing))} after 800 steps")
    return {key: f"{100 * means[title]:.0f} %" for key, title in ARMS.items()}


def printed_text(lesson: Lesson, start: str) -> str:
    """The text that a chapter prints and that begins with `start`, without emphasis."""
    texts = (data.get("text/markdown", "") for cell in lesson.outputs for data in cell)
    found = next((re.sub(r"</?data[^>]*>|\*\*", "", text) for text in texts if text.startswith(start)), "")
    if not found:
        raise ValueError(f"chapter {lesson.title} prints nothing that begins with {start!r}")
    return " ".join(found.split())


def quoted_claim(words: str) -> str:
    """The sentence of a headline claim of the evidence that contains `words`."""
    sentences = (text for claim in evidence.headline_claims() for text in re.split(r"(?<=[.\"]) (?=[A-Z])", claim))
    found = next((text for text in sentences if words in text), "")
    if not found:
        raise ValueError(f"no headline claim of the evidence contains {words!r}")
    return found
