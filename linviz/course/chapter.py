"""A chapter read from its source, and the texts made from its front matter and its exercises."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import quizzes

KINDS = ("find the bug", "build the block", "explain the picture", "train and report")   # `kind` of an exercise
HINTS = ("what to think of", "the formula", "almost the code")


@dataclass(frozen=True)
class Chapter:
    """A chapter: name (NN_topic), front matter, exercises in order, cells."""

    name: str
    front: dict[str, Any]
    exercises: list[dict[str, Any]]
    cells: list[Any]

    @property
    def number(self) -> int:
        """The chapter's number, NN in its name."""
        return int(self.name.split("_")[0])


def opening_cell(chapter: Chapter) -> str:
    """The title cell: minutes, questions, objectives, prerequisites."""
    front, minutes = chapter.front, chapter.front["minutes"]
    return "\n".join([
        f"# {chapter.number} · {front['title']}\n",
        f"*{minutes['reading']} minutes to read, {minutes['exercises']} for {len(chapter.exercises)} exercises, "
        f"{minutes['quiz']} for the quiz.*\n", front["lead"].strip() + "\n",
        "**Questions**\n", *(f"- {q}" for q in front["questions"]),
        "\n**Afterwards you can**\n", *(f"- {text}" for text in front["objectives"].values()),
        "\n**Before this:** " + " ".join(front["prerequisites"])])


def exercise_cell(e: dict[str, Any]) -> str:
    """An exercise's text: number, kind, difficulty and importance in dots and digits, minutes, three folded hints."""
    hints = (f"<details><summary>Hint {n} of {len(HINTS)}: {name}</summary>\n\n{text.strip()}\n\n</details>"
             for n, (name, text) in enumerate(zip(HINTS, e["hints"], strict=True), 1))
    return "\n\n".join([
        f"### Exercise {e['number']} · {e['title']}",
        f"*{e['kind'].capitalize() + '. ' if 'kind' in e else ''}"
        f"Difficulty {rating_dots(e['difficulty'])} · importance {rating_dots(e['importance'])} · "
        f"about {e['minutes']} minutes*",
        e["task"].strip(), f"**What you should see.** {e['see'].strip()}", *hints])


def rating_dots(n: int) -> str:
    """A grade from 1 to 5, in dots and digits.

    >>> rating_dots(2)
    '●●○○○ 2 of 5'
    """
    return "●" * n + "○" * (5 - n) + f" {n} of 5"


def key_points_cell(chapter: Chapter) -> str:
    """The last cell: the key points."""
    return "\n".join(["## Key points\n", *(f"- {point}" for point in chapter.front["key_points"])])


def schedule_page(chapters: Sequence[Chapter]) -> str:
    """The text of SCHEDULE.md: minutes per chapter, every exercise, and what assesses each objective and mechanism."""
    lines = ["# Schedule and index of exercises", "",
             "Made by `notebooks/build.py` from the sources; not edited by hand.", "",
             "| chapter | reading | exercises | quiz | minutes in all |", "|---|---|---|---|---|"]
    lines += [_total_minutes(c) for c in chapters]
    lines += ["", "| exercise | title | difficulty | importance | minutes |", "|---|---|---|---|---|"]
    lines += [f"| {e['number']} | {e['title']} | {e['difficulty']} | {e['importance']} | {e['minutes']} |"
              for c in chapters for e in c.exercises]
    lines += ["", "| objective | assessed by |", "|---|---|"]
    lines += [f"| {c.number}: {text} | {', '.join(assessed_objectives(c)[name])} |" for c in chapters
              for name, text in c.front["objectives"].items()]
    lines += ["", "| mechanism | derived in chapter | assessed by |", "|---|---|---|"]
    lines += [f"| {name} | {', '.join(str(c.number) for c in chapters if derives(c, name))} | {', '.join(by)} |"
              for name, by in sorted(assessed_methods(chapters).items())]
    return "\n".join(lines) + "\n"


def derives(chapter: Chapter, name: str) -> bool:
    """Whether a cell of a chapter derives the mechanism of this name."""
    return any(f"derives:{name}" in cell.metadata.get("tags", []) for cell in chapter.cells)


def _total_minutes(c: Chapter) -> str:
    m = [c.front["minutes"][part] for part in ("reading", "exercises", "quiz")]
    return " | ".join([f"| [{c.number} {c.front['title']}]({c.name}.ipynb)", *map(str, m), f"{sum(m)} |"])


def assessed_objectives(chapter: Chapter) -> dict[str, list[str]]:
    """Objective -> the exercises and quiz questions that assess it. KeyError for an unknown objective."""
    found: dict[str, list[str]] = {name: [] for name in chapter.front["objectives"]}
    for e in chapter.exercises:
        for name in e["objectives"]:
            found[name].append(f"exercise {e['number']}")
    for n, question in enumerate(quizzes.ALL[chapter.number].questions, 1):
        found[question.objective].append(f"quiz {n}")
    return found


def assessed_methods(chapters: Sequence[Chapter]) -> dict[str, list[str]]:
    """Name of a mechanism -> the exercises and quiz questions that say in `methods` that they assess it."""
    found: dict[str, list[str]] = {}
    for c in chapters:
        parts = [(f"exercise {e['number']}", e.get("methods", ())) for e in c.exercises]
        parts += [(f"quiz {c.number}.{n}", q.methods) for n, q in enumerate(quizzes.ALL[c.number].questions, 1)]
        for part, names in parts:
            for name in names:
                found.setdefault(name, []).append(part)
    return found
