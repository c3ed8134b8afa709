"""The contents of the course: a table of the chapters in a folder, read from the notebooks."""
from __future__ import annotations

import json
import re
from pathlib import Path

from .learner_files import chapter_files, read_progress

TITLE, QUESTION = re.compile(r"^# (\d+ · .+)$", re.M), re.compile(r"\*\*Questions\*\*\s+- (.+)")
MINUTES = re.compile(r"(\d+) minutes to read, (\d+) for \d+ exercises, (\d+) for the quiz")


def contents_list(folder: Path | str = ".") -> str:
    """Markdown table: every chapter of a folder, in order, with its first question, solved exercises and minutes.

    Raises ValueError where the folder holds no chapter.

    >>> contents_list("no such folder")
    Traceback (most recent call last):
    ValueError: the folder 'no such folder' has no chapter (NN_topic.ipynb)
    """
    head = ["| chapter | begins with | exercises solved | minutes |", "|:--|:--|:--|--:|"]
    return "\n".join([*head, *(f"| {' | '.join(_contents_line(path))} |" for path in chapter_files(Path(folder)))])


def _contents_line(path: Path) -> list[str]:
    """A chapter's row of the table, from the first cell that `build.py` has written."""
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    title, question, minutes = (found.search(first) for found in (TITLE, QUESTION, MINUTES))
    if title is None or question is None or minutes is None:
        raise ValueError(f"{path.name} does not begin like a chapter; make it with notebooks/build.py")
    return [f"[{title[1]}]({path.name})", question[1], read_progress(path).bar(), f"{sum(map(int, minutes.groups()))}"]
