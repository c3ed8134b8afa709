"""Plans that follow the chapters by themselves: what is left of a session, and a course packed into lessons.

A block with `least` takes the minutes that its session has left. A format with `weeks` and no sessions takes every
section, exercise and quiz of every chapter in order, and begins a new lesson where the old one is full. Its exercises
of difficulty `hard` or more are homework of the lesson that teaches their section.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .outline import Lesson

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True)
class Item:
    """A section, an exercise or a quiz of a chapter, with its minutes; `home`: it is homework."""

    chapter: int
    kind: str
    name: Any
    minutes: int
    home: bool = False


def chapter_items(lesson: Lesson, hard: int) -> Iterator[Item]:
    """What a chapter has to be taken in class and at home, in its order; sections for reading at home are left out."""
    for event in lesson.events:
        if event.kind == "section" and (length := lesson.minutes(int(event.number))):
            yield Item(lesson.number, "sections", int(event.number), length)
        elif event.kind == "exercise":
            worth = lesson.worths[event.number]
            yield Item(lesson.number, "exercises", event.number, worth.minutes, worth.difficulty >= hard)
    yield Item(lesson.number, "quiz", True, lesson.front["minutes"]["quiz"])


def packed_sessions(plan: dict[str, Any], lessons: Sequence[Lesson]) -> list[dict[str, Any]]:
    """The sessions of a format with `weeks`, each with its blocks, its homework and its minutes."""
    room = plan["minutes"] - plan["opening_minutes"] - plan["least"]
    packs: list[list[Item]] = [[]]
    for item in (item for lesson in lessons for item in chapter_items(lesson, plan["hard"])):
        if not item.home and sum(i.minutes for i in packs[-1] if not i.home) + item.minutes > room:
            packs.append([])
        packs[-1].append(item)
    a_week = -(-len(packs) // plan["weeks"])
    return [_packed_session(plan, pack, n, a_week, len(packs)) for n, pack in enumerate(packs)]


def _packed_session(plan: dict[str, Any], pack: list[Item], n: int, a_week: int, count: int) -> dict[str, Any]:
    first = {"what": plan["welcome"] if n == 0 else plan["opening"], "minutes": plan["opening_minutes"]}
    last = {"what": plan["closing"] if n == count - 1 else "Questions", "least": plan["least"]}
    return {"name": f"Week {n // a_week + 1}, {ORDINALS[n % a_week]} lesson", "minutes": plan["minutes"],
            "block": [first, *item_blocks([i for i in pack if not i.home]), last],
            "homework": [i.name for i in pack if i.home]}


def item_blocks(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Items as blocks: a new one for each chapter, and for a section that follows an exercise.

    >>> item_blocks([Item(1, "sections", 1, 5), Item(1, "exercises", "1.1", 5), Item(1, "quiz", True, 4)])
    [{'chapter': 1, 'sections': [1], 'exercises': ['1.1'], 'quiz': True}]
    """
    blocks: list[dict[str, Any]] = []
    for item in items:
        if not blocks or blocks[-1]["chapter"] != item.chapter or item.kind == "sections" and blocks[-1]["exercises"]:
            blocks.append({"chapter": item.chapter, "sections": [], "exercises": []})
        if item.kind == "quiz":
            blocks[-1]["quiz"] = True
        else:
            blocks[-1][item.kind].append(item.name)
    return blocks


def packed_about(plan: dict[str, Any], sessions: Sequence[dict[str, Any]], chapters: int) -> str:
    """What a packed format says of itself, with its numbers filled in."""
    text: str = plan["about"]
    return text.format(lessons=len(sessions), minutes=plan["minutes"], chapters=chapters,
                       a_week=-(-len(sessions) // plan["weeks"]))
