"""The way between the notebooks and the pages of the explorer, there and back."""
import json
import re
from pathlib import Path

import pytest

from explorer.shared.chapter_links import LAB, NOTEBOOKS, derived, leading_chapters, linked_pages

EXPLORER = NOTEBOOKS.parent / "explorer"
ROOMS = {url or room: room for room, url in re.findall(  # what a page is called in the URL: its folder
    r'st\.Page\("(\w+)/page\.py", title="[^"]+"(?:, url_path="(\w+)")?', (EXPLORER / "app.py").read_text())}
LEAD = {path.stem: linked_pages(path.read_text()) for path in sorted((NOTEBOOKS / "src").glob("[0-9]*.py"))}


def test_every_room_is_a_page() -> None:
    assert set(ROOMS.values()) == {path.parent.name for path in EXPLORER.glob("*/page.py")}


@pytest.mark.parametrize("page", ROOMS)
def test_a_page_links_back_to_every_chapter_that_leads_to_it_and_to_no_other(page: str) -> None:
    links = re.findall(r"\[(\d+)\]\(" + re.escape(LAB) + r"([^)]+)\.ipynb\)", derived(page))
    assert [name for _, name in links] == [name for name, pages in LEAD.items() if page in pages] != []
    assert all(int(number) == int(name[:2]) for number, name in links)
    source = "".join(path.read_text() for path in (EXPLORER / ROOMS[page]).glob("*.py"))
    assert re.search(rf"""chapter_links\.derived\(["']{page}["']\)""", source), f"{page} does not show its chapters"


@pytest.mark.parametrize("chapter", LEAD)
def test_every_chapter_leads_to_pages_that_are_there(chapter: str) -> None:
    assert LEAD[chapter] and LEAD[chapter] <= set(ROOMS)


def test_a_new_link_in_a_notebook_is_a_new_link_back(tmp_path: Path) -> None:
    cell = {"cell_type": "markdown", "source": ["[there](http://localhost:8501/atlas?view=table)\n"]}
    (tmp_path / "07_new.ipynb").write_text(json.dumps({"cells": [cell]}))
    assert leading_chapters("atlas", tmp_path) == ("07_new.ipynb",) and "[7]" in derived("atlas", tmp_path)
    assert derived("concentrate", tmp_path) == ""


def test_without_notebooks_there_is_no_line(tmp_path: Path) -> None:
    assert derived("atlas", tmp_path) == ""
