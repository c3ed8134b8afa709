"""Formats of the course: what is taught in how many minutes, in class and at home."""
from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .lesson_plan import packed_about, packed_sessions
from .outline import HERE, Lesson, lessons

Block = dict[str, Any]


def formats() -> list[dict[str, Any]]:
    """The formats of src/formats.toml with their sessions; ValueError, in one sentence, where a session is too long."""
    every = lessons()
    found = list(tomllib.loads((HERE / "src" / "formats.toml").read_text(encoding="utf-8"))["format"])
    for plan in found:
        if "session" not in plan:
            plan["session"] = packed_sessions(plan, every)
            plan["about"] = packed_about(plan, plan["session"], len(every))
        for session in plan["session"]:
            fill_session(session, {lesson.number: lesson for lesson in every})
    return found


def fill_session(session: dict[str, Any], by_number: Mapping[int, Lesson]) -> None:
    """Give the block that has `least` the minutes which are left; ValueError if they are fewer.

    >>> session = {"name": "A", "minutes": 30, "block": [{"what": "x", "minutes": 20}, {"what": "y", "least": 5}]}
    >>> fill_session(session, {})
    >>> session["block"][1]["minutes"]
    10
    """
    block = next((b for b in session["block"] if "least" in b), None)
    if block is None:
        return
    others = sum(minutes(b, by_number) for b in session["block"] if b is not block
                 if "chapter" not in b or b["chapter"] in by_number)
    block["minutes"] = session["minutes"] - others
    if block["minutes"] < block["least"]:
        raise ValueError(f"{session['name']}: {block['minutes']} minutes are left for {block['what']!r}, which needs "
                         f"{block['least']}")


def minutes(block: Block, by_number: Mapping[int, Lesson]) -> int:
    """Minutes of a block: as given, or the sum of its sections, its exercises and its quiz.

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
    """FORMATS.md; ValueError in one sentence if the formats do not fit the chapters."""
    by_number = {lesson.number: lesson for lesson in lessons}
    lines = ["# Three ways to give the course", "",
             "Made by `teaching/pack.py` from `teaching/src/formats.toml`; do not edit this page by hand. The minutes "
             "of sections, exercises and quizzes are taken from the chapters.", "",
             "A plan leaves sections out. Always run the first code cell of a chapter, also where a plan begins later: "
             "it imports what the others need. Then run the cells of the plan in its order; a test does the same. For "
             "less than two hours there is a page with [fifteen minutes](FIFTEEN_MINUTES.md).", ""]
    for each in formats():
        lines += [f"## {each['name']}", "", each["about"].strip(), ""]
        for session in each["session"]:
            _check_names(session, by_number)
            lines += _session(session, by_number)
        lines += [f"*Left out:* {each['left_out']}", ""]
    return "\n".join(lines)


def _check_names(session: dict[str, Any], by_number: Mapping[int, Lesson]) -> None:
    """Raise ValueError, in one sentence, if a session names a chapter, section or exercise that does not exist."""
    blocks = [block for block in session["block"] if "chapter" in block]
    exercises = [n for block in blocks for n in block.get("exercises", ())] + session.get("homework", [])
    sections = [(block["chapter"], n) for block in blocks for n in block.get("sections", ())]
    chapters = {block["chapter"] for block in blocks} | set(session.get("quizzes", []))
    known = {n for lesson in by_number.values() for n in lesson.worths}
    missing = [f"chapter {n}" for n in sorted(chapters - set(by_number))]
    missing += [f"exercise {n}" for n in exercises if n not in known]
    missing += [f"section {n} of chapter {c}" for c, n in sections if c in by_number and n not in by_number[c].sections]
    if missing:
        raise ValueError(f"teaching/src/formats.toml: {session['name']} names {missing[0]}, which does not exist")


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
    return f"At home, {total} minutes: {'; '.join(tasks)}." if tasks else "There is no homework."
