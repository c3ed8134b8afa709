"""The way back from a page of the explorer to the notebooks."""
import re
from pathlib import Path

import pytest

from explorer.chapters import LAB, NOTEBOOKS, OF, derived


@pytest.mark.parametrize("page", OF)
def test_every_chapter_named_is_there(page: str) -> None:
    line = derived(page)
    links = re.findall(r"\[chapter (\d+)\]\(" + re.escape(LAB) + r"([^)]+)\)", line)
    assert [int(n) for n, _ in links] == list(OF[page])
    assert all((NOTEBOOKS / name).exists() for _, name in links)
    source = (NOTEBOOKS.parent / "explorer" / "pages" / f"{page}.py").read_text()
    assert re.search(rf"""chapters\.derived\(["']{page}["']\)""", source), f"{page} does not show its chapters"


def test_without_notebooks_there_is_no_line(tmp_path: Path) -> None:
    assert derived("atlas", tmp_path) == ""
