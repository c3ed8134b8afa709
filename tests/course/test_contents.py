"""The table of chapters is read from the notebooks that are there."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from linviz.course.contents import contents_list

FIRST = ("# 3 · A title\n\n*35 minutes to read, 29 for 4 exercises, 5 for the quiz.*\n\nA lead.\n\n**Questions**\n\n"
         "- What is it?\n- And why?\n\n**Afterwards you can**\n\n- say it")


def _book(path: Path, text: str) -> None:
    lines = text.splitlines(keepends=True)
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": lines}]}))


def test_a_chapter_has_its_title_first_question_exercises_and_minutes(tmp_path: Path) -> None:
    _book(tmp_path / "03_topic.ipynb", FIRST)
    _book(tmp_path / "Untitled.ipynb", "mine")
    line = "| [3 · A title](03_topic.ipynb) | What is it? |  0 of 0 | 69 |"
    assert contents_list(tmp_path).splitlines()[2:] == [line]


def test_what_is_no_chapter_is_refused_in_one_sentence(tmp_path: Path) -> None:
    _book(tmp_path / "03_topic.ipynb", "# A title")
    with pytest.raises(ValueError, match="03_topic.ipynb does not begin like a chapter"):
        contents_list(tmp_path)


def test_every_chapter_of_the_course_is_told_of() -> None:
    folder = Path(__file__).parents[2] / "notebooks"
    told, sources = contents_list(folder), sorted((folder / "src").glob("[0-9]*.py"))
    assert all(f"({path.stem}.ipynb)" in told for path in sources if (folder / f"{path.stem}.ipynb").exists())
    assert len(told.splitlines()) > 3
