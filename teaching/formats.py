"""Ways to give the course: what is taught in how many minutes, what is done in class and what at home."""
from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .outline import HERE, Lesson

Block = dict[str, Any]


def formats() -> list[dict[str, Any]]:
    """The formats as they are written in src/formats.toml."""
    return list(tomllib.loads((HERE / "src" / "formats.toml").read_text(encoding="utf-8"))["format"])


def minutes(block: Block, by_number: Mapping[int, Lesson]) -> int:
    """Minutes of a block: its own, or those of its sections, its exercises and its quiz.

    >>> minutes({"what": "a break", "minutes": 10}, {})
    10
    """
    if "chapter" not in block:
        return int(block["minutes"])
    lesson = by_number[block["chapter"]]
    quiz = lesson.front["minutes"]["quiz"] if block.get("quiz") else 0
    return (sum(map(lesson.minutes, block.get("sections", ()))) + quiz
            + sum(lesson.worths[n].minutes for n in block.get("exercises", ())))


def page(lessons: Sequence[Lesson]) -> str:
    """FORMATS.md."""
    by_number = {lesson.number: lesson for lesson in lessons}
    lines = ["# Three ways to give the course", "",
             "Made by `teaching/pack.py` from `teaching/src/formats.toml`; not edited by hand. The minutes of "
             "sections, exercises and quizzes are the chapters' own.", ""]
    for each in formats():
        lines += [f"## {each['name']}", "", each["about"].strip(), ""]
        for session in each["session"]:
            lines += _session(session, by_number)
        lines += [f"*Left out:* {each['left_out']}", ""]
    return "\n".join(lines)


def _session(session: dict[str, Any], by_number: Mapping[int, Lesson]) -> Iterator[str]:
    total = 0
    yield from (f"### {session['name']}", "", "| from | minutes | what |", "|---:|---:|:---|")
    for block in session["block"]:
        length = minutes(block, by_number)
        yield f"| {total // 60}:{total % 60:02d} | {length} | {_what(block, by_number)} |"
        total += length
    if total != session["minutes"]:
        raise ValueError(f"{session['name']}: its blocks have {total} minutes, not {session['minutes']}")
    yield from (f"| {total // 60}:{total % 60:02d} | **{total}** | the end |", "", _homework(session, by_number), "")


def _what(block: Block, by_number: Mapping[int, Lesson]) -> str:
    if "chapter" not in block:
        return str(block["what"])
    lesson = by_number[block["chapter"]]
    parts = [f"{n} {lesson.sections[n]}" for n in block.get("sections", ())]
    parts += [f"**exercise {n}** {lesson.worths[n].title}" for n in block.get("exercises", ())]
    parts += ["the quiz"] if block.get("quiz") else []
    said = f" *{block['what']}*" if "what" in block else ""
    return f"[{lesson.title}](instructor/{lesson.name}.md): {'; '.join(parts)}.{said}"


def _homework(session: dict[str, Any], by_number: Mapping[int, Lesson]) -> str:
    numbers = session.get("homework", [])
    worths = [by_number[int(n.split(".")[0])].worths[n] for n in numbers]
    tasks = [f"exercise {w.number} {w.title} ({w.minutes} min)" for w in worths]
    tasks += [f"the quiz of chapter {n}" for n in session.get("quizzes", [])]
    total = sum(w.minutes for w in worths) + sum(by_number[n].front["minutes"]["quiz"] for n in
                                                 session.get("quizzes", []))
    return f"At home, {total} minutes: {'; '.join(tasks)}." if tasks else "Nothing is left for home."
