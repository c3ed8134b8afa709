"""One source makes both notebooks and the schedule, and any hand edit of what it made is noticed."""
from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from linviz.course import checks, quizzes
from linviz.course.chapter import HINTS, assessed_objectives
from notebooks import build

from .books import BOOKS, NAMES

each = pytest.mark.parametrize("name", NAMES)
CHAPTER = "13_feature_fixation"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of one chapter that may be spoilt."""
    here = tmp_path / "notebooks"
    for part in (f"src/{CHAPTER}.py", f"{CHAPTER}.ipynb", f"solutions/{CHAPTER}.ipynb"):
        (here / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BOOKS / part, here / part)
    schedule = build.schedule_page([build.read_chapter(here / f"src/{CHAPTER}.py")])
    (here / "SCHEDULE.md").write_text(schedule, encoding="utf-8")
    monkeypatch.setattr(build, "HERE", here)
    return here


def test_what_is_committed_is_what_the_sources_make() -> None:
    assert build.main(["--check"]) == 0


def _edit(path: Path, change) -> None:
    book = nbformat.read(path, as_version=4)
    change(book)
    nbformat.write(book, path)


def _reword(book) -> None:
    book.cells[3].source += " "


def _swap(book) -> None:
    book.cells[1], book.cells[2] = book.cells[2], book.cells[1]


def _untag(book) -> None:
    next(c for c in book.cells if c.metadata.get("tags")).metadata.pop("tags")


def _output(book) -> None:
    next(c for c in book.cells if c.cell_type == "code").outputs.append(nbformat.v4.new_output("stream", text="hello"))


@pytest.mark.parametrize("change", [_reword, _swap, _untag])
@pytest.mark.parametrize("folder", ["", "solutions"])
def test_a_hand_edit_of_a_notebook_is_noticed(copy: Path, folder: str, change, capsys) -> None:
    _edit(copy / folder / f"{CHAPTER}.ipynb", change)
    assert build.main(["--check"]) == 1
    assert f"{CHAPTER}.ipynb is not what its source makes" in capsys.readouterr().err


def test_outputs_in_a_learners_notebook_are_noticed_and_in_a_solution_belong(copy: Path) -> None:
    _edit(copy / "solutions" / f"{CHAPTER}.ipynb", _output)
    assert build.main(["--check"]) == 0
    _edit(copy / f"{CHAPTER}.ipynb", _output)
    assert build.main(["--check"]) == 1


def test_an_edit_of_the_schedule_a_new_source_and_a_lost_file_are_noticed(copy: Path) -> None:
    kept = (copy / "SCHEDULE.md").read_text()
    (copy / "SCHEDULE.md").write_text(kept + "x")
    assert build.main(["--check"]) == 1
    (copy / "SCHEDULE.md").write_text(kept)
    source = copy / "src" / f"{CHAPTER}.py"
    source.write_text(source.read_text().replace("# ## 1 ·", "# ## One ·", 1))
    assert build.main(["--check"]) == 1
    shutil.copy(BOOKS / "src" / f"{CHAPTER}.py", source)
    (copy / f"{CHAPTER}.ipynb").unlink()
    assert build.main(["--check"]) == 1


def test_a_source_without_front_matter_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "99_nothing.py").write_text("# %%\n1\n")
    with pytest.raises(ValueError, match=r"99_nothing.py has 0 cells tagged 'front'; it needs exactly one"):
        build.read_chapter(tmp_path / "99_nothing.py")


def test_a_wrong_order_gets_one_sentence(copy: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (copy / "solutions" / f"{CHAPTER}.ipynb").unlink()
    assert build.main(["--prose"]) == 1
    assert capsys.readouterr().err == f"{CHAPTER}.ipynb was never run: run notebooks/build.py without --prose first\n"
    monkeypatch.delitem(quizzes.ALL, 13)
    assert build.main(["13"]) == 1
    assert capsys.readouterr().err == "chapter 13 has no quiz: write linviz/course/quizzes/c13_NAME.toml first\n"
    monkeypatch.delitem(checks.ALL, "fixation")
    assert build.main(["13"]) == 1
    assert capsys.readouterr().err == "exercise 13.2 has no check: write linviz/course/checks/e13_2_NAME.py first\n"


def test_a_stub_keeps_signature_docstring_and_check() -> None:
    source = 'def f(x: int) -> int:\n    """Twice."""\n    # solution\n    return 2 * x\n    # end\n\n\nchecks.f(f)'
    assert build.stub(source, "1.2") == ('def f(x: int) -> int:\n    """Twice."""\n    raise NotImplementedError('
                                         '"Exercise 1.2: f is still to be written.")\n\n\nchecks.f(f)')
    assert build.solved(source) == 'def f(x: int) -> int:\n    """Twice."""\n    return 2 * x\n\n\nchecks.f(f)'


# ---------------------------------------------------------------- what a chapter must have


@pytest.fixture(params=NAMES)
def chapter(request):
    return build.read_chapter(BOOKS / "src" / f"{request.param}.py")


def test_every_exercise_has_its_parts_and_a_check(chapter) -> None:
    for n, e in enumerate(chapter.exercises, 1):
        assert e["number"] == f"{chapter.number}.{n}" and len(e["hints"]) == len(HINTS) and e["task"] and e["see"]
        assert e["difficulty"] in range(1, 6) and e["importance"] in range(1, 6) and e["objectives"]
    answers = [(build.tag_number(c, "answer"), c.source) for c in chapter.cells if build.tag_number(c, "answer")]
    assert [number for number, _ in answers] == [e["number"] for e in chapter.exercises]
    for number, source in answers:
        check = next(c for c in checks.ALL.values() if c.number == number)
        assert f"def {check.name}(" in source and source.rstrip().endswith(f"checks.{check.name}({check.name})")
        assert "# solution" in source and "# end" in source and "->" in source and "Float[" in source


def test_exercises_climb_and_their_minutes_add_up(chapter) -> None:
    hard = [e["difficulty"] for e in chapter.exercises]
    assert len(hard) >= (4 if chapter.number in (4, 11, 13) else 3) and hard == sorted(hard) and hard[0] < hard[-1]
    assert sum(e["minutes"] for e in chapter.exercises) == chapter.front["minutes"]["exercises"]


def test_the_short_way_takes_an_evening_of_four_hours() -> None:
    """Chapters 0, 4, 11 and 13: reading, quizzes, and the exercises of importance 5, as chapter 0 says."""
    short = [build.read_chapter(BOOKS / "src" / f"{name}.py") for name in NAMES if name[:2] in ("00", "04", "11", "13")]
    told = [c.front["minutes"]["reading"] + c.front["minutes"]["quiz"] for c in short]
    done = [e["minutes"] for c in short for e in c.exercises if e["importance"] == 5]
    assert len(short) == 4 and len(done) >= 8 and 210 < sum(told) + sum(done) <= 240


def test_every_objective_is_assessed_and_every_exercise_serves_one(chapter) -> None:
    found = assessed_objectives(chapter)
    assert all(found.values()), [name for name, by in found.items() if not by]
    assert 3 <= len(quizzes.ALL[chapter.number].questions) <= 6


def test_front_matter_is_complete_and_main_figures_ask_for_a_prediction(chapter) -> None:
    parts = ("title", "lead", "questions", "objectives", "prerequisites", "key_points")
    assert all(chapter.front[part] for part in parts)
    text = "\n".join(c.source for c in chapter.cells if c.cell_type == "markdown")
    assert text.count("> **Predict") >= 3


def test_hints_are_folded_and_solutions_are_there_only_if_asked_for(chapter) -> None:
    count = len(chapter.exercises)
    for solutions in (False, True):
        cells = build.learner(chapter, solutions).cells
        text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
        assert text.count("<details><summary>Hint") == 3 * count and text.count("<details>") == text.count("</details>")
        assert text.count("<details><summary>Solution") == count * solutions


def test_a_learners_notebook_holds_no_line_of_a_solution_but_in_a_third_hint(chapter) -> None:
    """Lines that the chapter shows elsewhere as its own code are no secret."""
    cells = build.learner(chapter).cells
    asked = [c for c in cells if c.source.startswith("### Exercise")]
    own = {e["number"]: build.SOLUTION.search(next(c.source for c in chapter.cells if build.tag_number(c, "answer")
                                                   == e["number"]))[2] for e in chapter.exercises}
    for cell, (number, solution) in zip(asked, own.items(), strict=True):
        open_text, third = cell.source.split("<details><summary>Hint 3")
        lines = [line.strip() for line in solution.splitlines() if len(line.strip()) > 20]
        assert not [line for line in lines if line in open_text], number
        assert sum(line in third for line in lines) <= 1, number
