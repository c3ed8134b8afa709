"""The way between the notebooks and the pages of the explorer, there and back."""
import json
import re
from pathlib import Path

import pytest

from explorer.shared.chapters import LAB, NOTEBOOKS, derived, leading, linked

PAGES = sorted(path.stem for path in (NOTEBOOKS.parent / "explorer" / "pages").glob("*.py"))
LEAD = {path.stem: linked(path.read_text()) for path in sorted((NOTEBOOKS / "src").glob("[0-9]*.py"))}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_links_back_to_every_chapter_that_leads_to_it_and_to_no_other(page: str) -> None:
    links = re.findall(r"\[chapter (\d+)\]\(" + re.escape(LAB) + r"([^)]+)\.ipynb\)", derived(page))
    assert [name for _, name in links] == [name for name, pages in LEAD.items() if page in pages] != []
    assert all(int(number) == int(name[:2]) for number, name in links)
    source = (NOTEBOOKS.parent / "explorer" / "pages" / f"{page}.py").read_text()
    assert re.search(rf"""chapters\.derived\(["']{page}["']\)""", source), f"{page} does not show its chapters"


@pytest.mark.parametrize("chapter", LEAD)
def test_every_chapter_leads_to_pages_that_are_there(chapter: str) -> None:
    assert LEAD[chapter] and LEAD[chapter] <= set(PAGES)


def test_a_new_link_in_a_notebook_is_a_new_link_back(tmp_path: Path) -> None:
    cell = {"cell_type": "markdown", "source": ["[there](http://localhost:8501/atlas?view=table)\n"]}
    (tmp_path / "07_new.ipynb").write_text(json.dumps({"cells": [cell]}))
    assert leading("atlas", tmp_path) == ("07_new.ipynb",) and "[chapter 7]" in derived("atlas", tmp_path)
    assert derived("concentrate", tmp_path) == ""


def test_without_notebooks_there_is_no_line(tmp_path: Path) -> None:
    assert derived("atlas", tmp_path) == ""
