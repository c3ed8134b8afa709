"""From a page of the explorer back to the chapters that lead to it. Which do is read from the notebooks themselves."""
from __future__ import annotations

import re
from functools import cache
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LAB = "http://localhost:8888/lab/tree/"  # where `linviz lab` listens
LINK = re.compile(r"http://localhost:8501/(\w*)")  # where `linviz explore` listens; the first page has no name
FIRST = "concentrate"


@cache
def leading_chapters(page: str, folder: Path = NOTEBOOKS) -> tuple[str, ...]:
    """The names of the notebooks that link to a page, in order.

    >>> leading_chapters("atlas", Path("nowhere"))
    ()
    """
    books = sorted(folder.glob("[0-9]*.ipynb"))
    return tuple(path.name for path in books if page in linked_pages(path.read_text(encoding="utf-8")))


def linked_pages(text: str) -> set[str]:
    """The pages that a text links to.

    >>> sorted(linked_pages("[a](http://localhost:8501/?clip=pan) and [b](http://localhost:8501/atlas)"))
    ['atlas', 'concentrate']
    """
    return {name or FIRST for name in LINK.findall(text)}


def derived(page: str, folder: Path = NOTEBOOKS) -> str:
    """A line of Markdown with the chapters that link to a page; empty where the notebooks are not there.

    >>> derived("atlas", Path("nowhere"))
    ''
    """
    links = [f"[{int(name.split('_')[0])}]({LAB}{name})" for name in leading_chapters(page, folder)]
    where = "the chapters" if len(links) > 1 else "chapter"
    return f"Derived in {where} {', '.join(links)} (`python3 start.py lab`)." if links else ""
