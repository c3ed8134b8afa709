"""Make the teacher's pack: a page per chapter, formats, fifteen minutes, marking, a glossary, a sheet for minutes.

    python -m teaching.pack             make them
    python -m teaching.pack --check     exit 1 if a page differs from what its sources make

The sources are the chapters, their executed solutions, the checks' tables of wrong answers, the quizzes, and the notes
in teaching/src. So the pages name each mistake as the check names it, and the answers have the numbers that the chapter
prints. A chapter is built first, by `python notebooks/build.py NN`.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from linviz.atomic_write import write_atomically
from linviz.grade.marks import MEANING, NEAR

from . import formats
from .glossary import glossary_page, minutes_sheet
from .outline import HERE, Lesson, check_of, lessons
from .quarter_hour import quarter_hour_page

BY = "Made by `teaching/pack.py`; do not edit this page by hand."


def teacher(lesson: Lesson) -> str:
    """The page of one chapter."""
    parts = [
        f"# Chapter {lesson.title}: for the teacher", "",
        f"{BY} [Notebook](../../notebooks/{lesson.name}.ipynb) · "
        f"[solved](../../notebooks/solutions/{lesson.name}.ipynb) · slides: `python3 start.py slides`", "",
        f"**Goal.** {lesson.notes['goal'].strip()}", "",
        f"**Before it.** {' '.join(lesson.front['prerequisites'])}", "", *_timing(lesson), "",
        "## On the board", "", "```text", lesson.notes["board"].strip("\n"), "```", "",
        "## Where learners get stuck, and what to say", "", *_stuck(lesson),
        "## Answers to the predictions", "", *_answers(lesson), "## Answers to the quiz", "", *_quiz(lesson)]
    return "\n".join(parts).rstrip() + "\n"


def _timing(lesson: Lesson) -> Iterator[str]:
    yield from ("## Minutes", "", "| minutes | what |", "|---:|:---|")
    for e in lesson.events:
        if e.kind == "section":
            yield f"| {lesson.minutes(int(e.number)) or '–'} | {e.number} · {e.text} |"
        elif e.kind == "exercise":
            yield f"| {lesson.worths[e.number].minutes} | **exercise {e.number}** {e.text} |"
    m = lesson.front["minutes"]
    yield f"| {m['quiz']} | the quiz |"
    yield f"| **{sum(m.values())}** | {m['reading']} to teach, {m['exercises']} to work, {m['quiz']} for the quiz |"


def _stuck(lesson: Lesson) -> Iterator[str]:
    for note in (n for n in lesson.notes["stuck"] if "exercise" not in n):
        yield from (f"- *{note['where']}* {' '.join(note['say'].split())}", "")
    for worth in lesson.worths.values():
        yield from (f"### Exercise {worth.number} · {worth.title}", "",
                    f"{worth.minutes} minutes, {worth.points} points (difficulty {worth.difficulty}, importance "
                    f"{worth.importance}).", "")
        for note in (n for n in lesson.notes["stuck"] if n.get("exercise") == worth.number):
            yield from (f"- \"This is exactly what one gets **{note['when']}**.\" {' '.join(note['say'].split())}", "")
        known = check_of(worth.number).wrong
        yield from (f"<details><summary>All {len(known)} mistakes that this check knows: \"This is exactly what one "
                    "gets ...\"</summary>", "", *(f"- ... {name}." for name in known), "", "</details>", "")


def _answers(lesson: Lesson) -> Iterator[str]:
    for n, (prompt, note) in enumerate(zip(lesson.prompts, lesson.notes["predict"], strict=True), 1):
        yield from (f"{n}. > {prompt.text}", "", f"   **Answer.** {' '.join(note['answer'].split())}", "")
        if "tell" in note:
            yield from (f"   *For you.* {note['tell']}", "")
        for said in lesson.said(prompt):
            yield from (*(f"   {line}" for line in said.splitlines()), "")


def _quiz(lesson: Lesson) -> Iterator[str]:
    for n, q in enumerate(lesson.quiz.questions, 1):
        yield from (f"{n}. {q.say(q.ask)}", "")
        yield from (f"   - {'✓' if c.right else '✗'} {'**' if c.right else ''}{q.say(c.text)}{'**' if c.right else ''} "
                    f"{q.say(c.why)}" for c in q.choices)
        yield ""


def marking(every: Sequence[Lesson]) -> str:
    """MARKING.md: the text of src/MARKING.md with its tables."""
    text = (HERE / "src" / "MARKING.md").read_text(encoding="utf-8")
    earns = {"right": "all", "near": f"{NEAR:.0%}".replace("50%", "half")}
    states = ["| word in the sheet | points | meaning |", "|:---|:---|:---|",
              *(f"| {key} | {earns.get(key, 'none')} | {meaning} |" for key, meaning in MEANING.items())]
    worth = ["| exercise | difficulty | importance | points |", "|:---|---:|---:|---:|"]
    for lesson in every:
        own = lesson.worths.values()
        worth += [f"| {w.number} {w.title} | {w.difficulty} | {w.importance} | {w.points} |" for w in own]
        worth.append(f"| **chapter {lesson.title}** | | | **{sum(w.points for w in own)}** |")
    return text.replace("{states}", "\n".join(states)).replace("{points}", "\n".join(worth)).replace("{by}", BY)


def index(every: Sequence[Lesson]) -> str:
    """INSTRUCTOR.md: the index of all pages."""
    text = (HERE / "src" / "INSTRUCTOR.md").read_text(encoding="utf-8")
    lines = ["| chapter | goal | to teach | exercises | quiz |", "|:---|:---|---:|---:|---:|"]
    for lesson in every:
        m = lesson.front["minutes"]
        lines.append(f"| [{lesson.title}](instructor/{lesson.name}.md) | {' '.join(lesson.notes['goal'].split())} | "
                     f"{m['reading']} | {m['exercises']} | {m['quiz']} |")
    return text.replace("{chapters}", "\n".join(lines)).replace("{by}", BY)


def made(every: Sequence[Lesson]) -> dict[str, str]:
    """Every generated file: its path from this folder -> its text."""
    pages = {f"instructor/{lesson.name}.md": teacher(lesson) for lesson in every}
    return {"INSTRUCTOR.md": index(every), "FORMATS.md": formats.page(every), "MARKING.md": marking(every),
            "FIFTEEN_MINUTES.md": quarter_hour_page(every, BY), "GLOSSARY.md": glossary_page(every, BY),
            "MINUTES.csv": minutes_sheet(every), **pages}


def stale(files: dict[str, str]) -> list[str]:
    """Paths of files that are missing, that differ from `files`, or that belong to a chapter that no longer exists."""
    paths = {name: HERE / name for name in files}
    old = [name for name, path in paths.items() if not path.exists() or path.read_text("utf-8") != files[name]]
    return old + [f"instructor/{p.name}" for p in (HERE / "instructor").glob("*.md") if p not in paths.values()]


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 when all is well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    check = parser.parse_args(arguments).check
    try:
        files = made(lessons())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    old = stale(files)
    for name in old:
        if check:
            print(f"teaching/{name} is out of date: run `python -m teaching.pack`", file=sys.stderr)
        elif name in files:
            write_atomically(HERE / name, files[name], folder=True)
        else:
            (HERE / name).unlink()
    return int(check and bool(old))


if __name__ == "__main__":
    sys.exit(main())
