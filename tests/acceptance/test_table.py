"""The table of acceptance names tests that exist."""
from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
NAMED = re.compile(r"`((?:[a-z_]+/)*test_\w+\.py)(?:::(\w+))?`")


def test_every_row_names_tests_that_exist() -> None:
    table = (HERE / "README.md").read_text()
    rows = re.findall(r"^\| \d+ \|.*$", table, re.M)
    assert len(rows) >= 20 and all(NAMED.search(row) for row in rows)
    for file, test in NAMED.findall(table):
        path = HERE / file if file.startswith("test_explorer_") else HERE.parent / file
        assert path.is_file(), f"the table names {file}, which is not there"
        assert f"def {test}" in path.read_text(), f"{file} has no {test}"
    for path in HERE.glob("test_explorer_*.py"):
        assert f"`{path.name}`" in table, f"{path.name} has no row in the table"
