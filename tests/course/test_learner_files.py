"""`linviz progress` and `linviz reset`: what saved notebooks say, and the way back to an untouched answer."""
from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from linviz.cli import main
from linviz.course.learner_files import progress_report, read_progress, reset_answer

BOOKS = Path(__file__).parents[2] / "notebooks"
CHAPTER = "04_kernel_trick.ipynb"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two chapters as a learner gets them."""
    for name in (CHAPTER, "01_soft_lookup.ipynb"):
        shutil.copy(BOOKS / name, tmp_path / name)
    return tmp_path


def answer(folder: Path, number: str, said: str, source: str = "def mine(): ...\n") -> None:
    """Write an answer into a chapter, as JupyterLab saves it after its check has run."""
    path = folder / CHAPTER
    notebook = json.loads(path.read_text("utf-8"))
    cell = next(c for c in notebook["cells"] if f"answer:{number}" in c["metadata"].get("tags", []))
    cell["source"], cell["execution_count"] = source, 7
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": said.splitlines(keepends=True)}]
    path.write_text(json.dumps(notebook), "utf-8")


def test_what_the_last_check_said_counts(folder: Path) -> None:
    answer(folder, "4.1", "✗ Exercise 4.1: not yet.\n  got 3\n✓ Exercise 4.1: right. Well done.\n")
    answer(folder, "4.2", "✓ Exercise 4.2: right.\n✗ Exercise 4.2: not yet.\n")
    answer(folder, "4.3", "I print ✓ Exercise 4.30: right.\n")
    assert list(read_progress(folder / CHAPTER).states.values()) == ["solved", "tried", "open", "open", "open"]
    first, second, last = progress_report(folder).splitlines()
    assert first.startswith("01_soft_lookup") and "▱ 0 of " in first
    assert second.endswith("▰▱▱▱▱ 1 of 5   open: 4.2 (tried), 4.3, 4.4, 4.5") and last.startswith("1 of ")


def test_a_reset_answer_is_as_it_was_and_nothing_is_lost(folder: Path) -> None:
    new = json.loads((folder / CHAPTER).read_text("utf-8"))
    for n in range(2):      # a second reset keeps the first copy
        answer(folder, "4.2", "✓ Exercise 4.2: right.\n", f"def mine(): return {n}\n")
        before = (folder / CHAPTER).read_bytes()
        assert main(["reset", "4.2", str(folder)]) == 0
        assert (folder / f"{CHAPTER}.bak{n or ''}").read_bytes() == before
        now = json.loads((folder / CHAPTER).read_text("utf-8"))
        assert [c | {"source": "".join(c["source"])} for c in now["cells"]] == [
            c | {"source": "".join(c["source"])} for c in new["cells"]]
    assert "nothing was changed" in reset_answer(folder, "4.2") and len(list(folder.iterdir())) == 4


def test_what_is_not_there_gets_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "00_start_here.ipynb").write_text("<html>")
    assert "00_start_here    it cannot be read as a notebook" in progress_report(folder)
    asked = (("4.9", folder, "there is no exercise 4.9 in "), ("4.1", folder / "x", "has no chapter"),
             ("cat", folder, "it has 1.1, "))
    for number, where, said in asked:
        assert main(["reset", number, str(where)]) == 1
        told = capsys.readouterr().err
        assert said in told and told.count("\n") == 1
    notebook = json.loads((folder / CHAPTER).read_text("utf-8"))
    for cell in notebook["cells"]:
        cell["metadata"].pop("linviz", None)
    (folder / CHAPTER).write_text(json.dumps(notebook))
    answer(folder, "4.1", "")
    before = (folder / CHAPTER).read_bytes()
    with pytest.raises(ValueError, match="does not keep the untouched cell of exercise 4.1"):
        reset_answer(folder, "4.1")
    assert (folder / CHAPTER).read_bytes() == before


@pytest.mark.parametrize("cell", [
    5, {"metadata": None}, {"metadata": {"tags": 3}}, {"metadata": {"tags": ["answer:4.1"], "linviz": 3}},
    {"metadata": {"tags": ["answer:4.1"]}, "outputs": None}, {"metadata": {"tags": ["answer:4.1"]}, "outputs": [5]},
    {"metadata": {"tags": ["answer:4.1"]}, "outputs": [{"text": [None]}]}], ids=str)
def test_a_cell_of_another_form_is_one_sentence_and_hides_no_other_chapter(folder: Path, cell: object) -> None:
    (folder / "02_cost.ipynb").write_text(json.dumps({"cells": [cell]}))
    first, second, third, _ = progress_report(folder).splitlines()
    assert " 0 of " in first and "cannot be read as a notebook" in second and " 0 of 5" in third
    assert "nothing was changed" in reset_answer(folder, "4.2")


def test_the_courses_own_notebooks_keep_their_untouched_answers() -> None:
    assert all(set(read_progress(path).states.values()) <= {"open"} for path in BOOKS.glob("[0-9]*.ipynb"))
    numbers = [n for path in sorted(BOOKS.glob("[0-9]*.ipynb")) for n in read_progress(path).states]
    assert len(numbers) > 30 and all("nothing was changed" in reset_answer(BOOKS, n) for n in numbers)
