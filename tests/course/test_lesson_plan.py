"""Plans that follow the chapters, the glossary, and the sheet for real minutes."""
from __future__ import annotations

import csv
import io
import re

import pytest

from linviz.measure import MEASURES
from linviz.shapes import Keys, PerRow, Queries, Rows, Spectrum, Values
from teaching import glossary
from teaching.formats import fill_session
from teaching.lesson_plan import chapter_items, packed_sessions
from teaching.outline import lessons

EVERY = lessons()
PLAN = {"weeks": 4, "minutes": 90, "hard": 4, "least": 3, "opening_minutes": 10, "welcome": "W", "opening": "O",
        "closing": "C"}


@pytest.mark.parametrize("count", [1, len(EVERY), 2 * len(EVERY)])
def test_a_course_of_any_length_is_packed_into_full_lessons(count: int) -> None:
    """Twice the chapters is more than there will be; each is then given twice."""
    given = (EVERY * 2)[:count]
    sessions = packed_sessions(PLAN, given)
    by_number = {lesson.number: lesson for lesson in EVERY}
    for session in sessions:
        fill_session(session, by_number)
        assert session["block"][-1]["minutes"] >= 3 and len(session["name"].split()) == 4
    assert len({session["name"] for session in sessions}) == len(sessions)
    blocks = [block for session in sessions for block in session["block"] if "chapter" in block]
    taught = sorted((b["chapter"], n) for b in blocks for n in b["sections"])
    assert taught == sorted((e.number, n) for e in given for n in e.sections if e.minutes(n))
    home = [n for session in sessions for n in session["homework"]]
    done = [n for b in blocks for n in b["exercises"]]
    assert sorted(home + done) == sorted(n for e in given for n in e.worths) and (home or count == 1)
    assert all(by_number[int(n.split(".")[0])].worths[n].difficulty >= 4 for n in home)
    assert [sessions[0]["block"][0]["what"], sessions[-1]["block"][-1]["what"]] == ["W", "C"]


def test_a_session_without_room_is_refused_in_one_sentence() -> None:
    session = {"name": "Short", "minutes": 20, "block": [{"what": "x", "minutes": 18}, {"what": "Q", "least": 3}]}
    with pytest.raises(ValueError, match="Short: 2 minutes are left for 'Q', which needs 3"):
        fill_session(session, {})


def test_the_glossary_has_every_measure_and_every_letter_of_a_shape() -> None:
    page = glossary.glossary_page(EVERY, "by hand")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    assert {m.title for m in MEASURES.values()} <= set(rows) and set(glossary.LETTERS) <= set(rows)
    letters = {word for kind in (Queries, Keys, Values, Rows, PerRow, Spectrum) for word in kind.dim_str.split()}
    assert {word for word in letters if not word.startswith("*")} <= set(glossary.LETTERS)
    assert len(re.findall(r"\[chapter \d+\]", page)) > len(MEASURES) / 3 and "[chapter 11]" in page


def test_the_sheet_has_the_planned_minutes_of_everything() -> None:
    rows = list(csv.DictReader(io.StringIO(glossary.minutes_sheet(EVERY))))
    assert tuple(rows[0]) == glossary.SHEET and all(not row["minutes in class"] for row in rows)
    for lesson in EVERY:
        planned = sum(int(row["minutes planned"]) for row in rows if int(row["chapter"]) == lesson.number)
        assert planned == sum(lesson.front["minutes"].values()) == sum(i.minutes for i in chapter_items(lesson, 6))
