"""Grading: right answers earn all, named near misses half; whatever goes wrong has its row and stops nobody."""
from __future__ import annotations

import csv
import inspect
import json
import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from linviz import cli
from linviz.course import checks
from linviz.grade import grade_command as command
from linviz.grade import marks, slices, submissions
from linviz.grade.grade_sheet import Row, write_sheet
from linviz.grade.runner import Limits, Runner

from .answers import ANSWERS

ROOT = Path(__file__).parents[2]
BOOKS = ROOT / "notebooks"
WORTH = marks.exercise_marks(BOOKS)
RIGHT = "def soft_lookup(q, k, v):\n    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v"


def notebook(path: Path, *cells: str) -> Path:
    """A notebook with these cells of code."""
    made = [{"cell_type": "code", "source": text.splitlines(keepends=True), "metadata": {}} for text in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def read(path: Path) -> dict[str, dict[str, str]]:
    """A sheet, by person."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["person"]: row for row in csv.DictReader(file)}


# ---------------------------------------------------------------- a folder of everything


ADA = ("from linviz.course import checks\nimport no_such_library\nROOT = 0.5",
       "big = open('no such file')", "def share(s):\n    return s.softmax(AXIS)",
       "AXIS = -1\n%matplotlib inline\ndef soft_lookup(q, k, v):\n"
       "    return share(q @ k.mT / q.shape[-1] ** ROOT) @ v\nchecks.soft_lookup(soft_lookup)\nraise ValueError",
       "def additive(q, k, v, w):\n    return ((q[:, None] + k).tanh() @ w).softmax(0) @ v",
       "def pull(scores, v):\n    return scores.no_such_thing()",
       "def multihead(q, k, v, H):\n    raise NotImplementedError('Exercise 1.4: multihead is still to be written.')")
BAD = ("import shutil, sys, torch",
       RIGHT.replace("    return", "    shutil.rmtree('.', True)\n    shutil.rmtree('..', True)\n    return"),
       "def additive(q, k, v, w):\n    sys.exit(0)",
       "def pull(scores, v):\n    return torch.empty(2 * 10**8)[0] * 0 + v",
       "def multihead(q, k, v, H):\n    while True: pass")
DEAD = ("import os\nfrom linviz.course import checks\nchecks.soft_lookup = print", RIGHT,
        "def soft_lookup(q, k, v):\n    os._exit(0)", "def pull(scores, v):\n    a = scores.softmax(-1)\n"
        "    open('x', 'w').write('y')\n    return a[:, :, None] * (v - (a @ v)[:, None])",
        "def multihead(q, k, v, H):\n    from linviz.course import checks\n"
        "    return checks.ALL['multihead'].right(q, k, v, H)")
MAGIC = ("%%time\nimport torch, helper\n%matplotlib inline\n" + RIGHT.replace("q.shape[-1] ** 0.5", "helper.root(q)"),
         "%%writefile second.py\ndef add(a, b):\n    return a + b\n",
         "%time import second\ndef additive(q, k, v, w):\n"
         "    return (second.add(q[:, None], k).tanh() @ w).softmax(-1) @ v")


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    """Four real submissions and six files that are none, graded in one go."""
    folder = tmp_path_factory.mktemp("graded") / "submissions"
    for person, cells in (("ada", ADA), ("bad", BAD), ("dead", DEAD), ("mag", MAGIC)):
        notebook(folder / person / "01_soft_lookup.ipynb", *cells)
    (folder / "mag" / "helper.py").write_text("def root(x):\n    return x.shape[-1] ** 0.5\n")
    (folder / "empty.ipynb").touch()
    (folder / "cut.ipynb").write_text('{"cells": [{"ce')
    (folder / "essay.docx").write_bytes(b"PK\0")
    notebook(folder / "=stranger.ipynb", "print(1)")
    (folder / "absent").mkdir()
    (folder / ".ipynb_checkpoints").mkdir()
    notebook(folder / ".ipynb_checkpoints" / "ada.ipynb", RIGHT)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    out = folder.parent / "grades.csv"
    assert command.main([str(folder), "-o", str(out), "--seconds", "2", "--memory", "0.5"]) == 0
    assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert sorted(p.name for p in folder.parent.iterdir()) == ["grades.csv", "submissions"]
    yield read(out)


def test_every_submission_has_a_row_and_checkpoints_have_none(sheet) -> None:
    assert set(sheet) == {"ada", "bad", "dead", "mag", "empty", "cut", "essay", "'=stranger", "absent"}


def test_an_answer_is_found_with_its_helpers_and_nothing_else_is_run(sheet) -> None:
    ada = sheet["ada"]
    assert (ada["1: how"], ada["exercise 1"], ada["1: the check says"]) == ("right", "6", "")
    assert (ada["chapter"], ada["out of"], ada["right"]) == ("1", "26", "1")


def test_a_named_near_miss_has_half_and_the_words_that_the_learner_reads(sheet) -> None:
    ada = sheet["ada"]
    assert (ada["2: how"], ada["exercise 2"], ada["total"]) == ("near", "2.5", "8.5")
    assert "This is exactly what one gets when the softmax goes over queries" in ada["2: the check says"]


def test_an_error_is_told_with_its_line_and_an_open_exercise_as_open(sheet) -> None:
    ada = sheet["ada"]
    assert ada["3: how"] == "stopped" and "It stopped at: return scores.no_such_thing()" in ada["3: the check says"]
    assert (ada["4: how"], ada["exercise 4"]) == ("open", "0")


def test_who_deletes_exits_eats_memory_or_never_ends_keeps_the_rest(sheet) -> None:
    bad = sheet["bad"]
    assert [bad[f"{n}: how"] for n in (1, 2, 3, 4)] == ["right", "ended", "stopped", "ended"]
    said = [bad[f"{n}: the check says"] for n in (2, 3, 4)]
    assert said == ["it calls sys.exit, which ends the whole program", "it asked for more memory than the limit",
                    "it did not end within 2 seconds"]


def test_magics_are_read_as_ipython_reads_them_and_a_helper_is_imported(sheet) -> None:
    mag = sheet["mag"]
    assert [mag[f"{n}: how"] for n in (1, 2, 3)] == ["right", "right", "open"] and mag["note"] == ""


def test_who_takes_the_process_down_or_imports_the_checks_keeps_the_rest(sheet) -> None:
    dead = sheet["dead"]
    assert [dead[f"{n}: how"] for n in (1, 2, 3, 4)] == ["ended", "open", "right", "stopped"]
    assert dead["1: the check says"] == "it ended the whole program (exit status 0)" and dead["total"] == "6"
    assert "linviz.course.checks holds the right answers" in dead["4: the check says"]
    assert dead["note"] == ("cell 1 changes checks, which has no effect here; its answers use linviz itself: "
                            "linviz.course.checks")


@pytest.mark.parametrize("person, says", [
    ("empty", "an empty file"), ("cut", "damaged or cut off"), ("essay", "not a notebook (.docx)"),
    ("'=stranger", "no exercise of this course"), ("absent", "an empty folder")])
def test_what_cannot_be_graded_says_why_and_has_no_points(sheet, person: str, says: str) -> None:
    assert says in sheet[person]["note"] and sheet[person]["total"] == sheet[person]["out of"] == ""


# ---------------------------------------------------------------- the sheet, whole or not at all


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A submission for which no process is needed."""
    notebook(tmp_path / "handed in" / "ann.ipynb", RIGHT.split("return")[0] + "raise NotImplementedError")
    return tmp_path / "handed in"


def test_stopped_midway_leaves_the_old_sheet_and_no_half(folder: Path, monkeypatch, capsys) -> None:
    out = folder.parent / "grades.csv"
    out.write_text("old")
    monkeypatch.setattr(command, "safe_row", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert command.main([str(folder), "--force", "-o", str(out)]) == 130
    assert out.read_text() == "old" and [p.name for p in folder.parent.iterdir() if p.is_file()] == ["grades.csv"]
    assert "no sheet was written" in capsys.readouterr().err


def test_a_failure_while_writing_leaves_the_old_sheet(folder: Path, monkeypatch, capsys) -> None:
    out = folder.parent / "grades.csv"
    out.write_text("old")
    monkeypatch.setattr(Row, "fields", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    assert command.main([str(folder), "--force", "-o", str(out)]) == 1
    assert out.read_text() == "old" and [p.name for p in folder.parent.iterdir() if p.is_file()] == ["grades.csv"]
    assert capsys.readouterr().err.splitlines()[-1] == "linviz: the disk is full"


def test_a_name_that_is_no_text_has_its_row(tmp_path: Path) -> None:
    """A disc takes names that no sheet can hold: one of them must not cost everybody the sheet."""
    rows = [Row(submissions.Submission(Path(f"{name}.ipynb"), name, trouble="an empty file"))
            for name in ("ann\udcff", "bob\x1b[2J", "eve\nadam", "ünï")]
    write_sheet(tmp_path / "grades.csv", rows, WORTH)
    sheet = read(tmp_path / "grades.csv")
    assert list(sheet) == ["ann\\udcff", "bob\\x1b[2J", "eve adam", "ünï"]
    assert all(row["note"] == "an empty file" for row in sheet.values())


def test_stop_ends_what_is_running_at_the_first_signal() -> None:
    """The second one, which nothing survives, comes five seconds later."""
    runner, running = Runner(Limits(seconds=60)), []

    def stop() -> None:
        running.extend(one.process for one in runner._running)
        runner.stop()
    threading.Timer(0.5, stop).start()
    found, _ = runner.outcomes([{"name": "pull", "statements": ["import time\ntime.sleep(60)"]}])
    assert runner.stopped and not runner._running and all(o.status == "ended" for o in found.values())
    assert [one.returncode == -signal.SIGKILL for one in running] == [False]


@pytest.mark.parametrize("arguments, says", [
    (["no such folder"], "there is no folder 'no such folder'"),
    ([".", "-o", "no/such/x.csv"], "there is no folder no/such"),
    (["tests", "--seconds", "0"], "--seconds is 0"), (["tests", "--notebooks", "tests"], "no chapter in"),
    ([".", "--seconds", "1"], "cannot write grades.csv: the command reads all files in .; name another one")])
def test_a_mistake_on_the_command_line_is_one_sentence(arguments: list[str], says: str, capsys) -> None:
    assert cli.main(["grade", *arguments]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("linviz: ") and says in line


# ---------------------------------------------------------------- what is taken out of a notebook


def taken(*cells: str, name: str = "f") -> list[str]:
    """What an answer needs of these cells."""
    found, _ = slices.parse_statements(cells)
    own = slices.answer_statement(found, name)
    assert own is not None
    return [s.text for s in slices.needed_statements(found, own)]


def test_locals_and_arguments_pull_nothing_in() -> None:
    assert taken("q = fit()\nx = 3", "def f(q):\n    x = [y for y in q]\n    return x") == [
        "def f(q):\n    x = [y for y in q]\n    return x"]


def test_a_name_means_what_it_means_when_the_cell_has_run() -> None:
    assert taken("c = 1", "def f(): return c", "c = 2") == ["c = 1", "def f(): return c"]
    assert taken("def f(): return c", "c = 2", "c = 3") == ["def f(): return c", "c = 2"]


def test_what_changes_a_needed_object_is_needed() -> None:
    kept = taken("d = {}\nother = []", "d['a'] = 1\nother.append(2)", "def f(): return d")
    assert kept == ["d = {}", "d['a'] = 1", "def f(): return d"]


def test_an_answer_elsewhere_beats_the_stub_that_was_left() -> None:
    stub = "def f():\n    '''Doc.'''\n    raise NotImplementedError('Exercise 1.1')"
    assert taken("def f(): return 1", stub) == ["def f(): return 1"] and taken(stub) == [stub]


def test_star_imports_decorators_and_two_statements_on_a_line_come_along() -> None:
    assert taken("from math import *", "def f(): return sqrt(2)")[0] == "from math import *"
    assert taken("from math import *", "def f(): return len([])") == ["def f(): return len([])"]
    assert taken("import functools", "@functools.cache\ndef f(): return 1")[1].startswith("@functools.cache")
    assert taken("a = 1; b = 2", "def f(): return b") == ["b = 2", "def f(): return b"]


@pytest.mark.parametrize("name", [p.stem for p in sorted(BOOKS.glob("[0-9]*.ipynb"))])
def test_every_chapter_is_recognised_and_its_solution_gives_every_answer(name: str) -> None:
    """On the teacher's inputs, with nothing but what was taken out; no figure is drawn and no gate fitted."""
    handed = submissions._read_submission(BOOKS / "solutions" / f"{name}.ipynb", "ada", checks.ALL)
    assert handed.chapter == int(name[:2]) and not handed.trouble
    found, broken = slices.parse_statements(handed.cells)
    own = {n: e for n, e in checks.ALL.items() if int(e.number.split(".")[0]) == handed.chapter}
    known, tasks = command.prepare_row(own, found, broken)
    assert not known and [t["name"] for t in tasks] == list(own)
    for task in tasks:
        text = "\n".join(task["statements"])
        assert not re.search(r"\b(fit_gate|PatchView|show|say|descriptors)\(", text)
        space: dict[str, object] = {}
        exec(text, space)
        assert callable(space[task["name"]])
    learner = submissions._read_submission(BOOKS / f"{name}.ipynb", "ada", checks.ALL)
    known, tasks = command.prepare_row(own, *slices.parse_statements(learner.cells))
    assert not tasks and {o.said for o in known.values()} == {"still to be written"}


# ---------------------------------------------------------------- the teacher's inputs, the points


def test_on_the_teachers_inputs_right_is_right_and_wrong_is_wrong() -> None:
    seeds = Limits().seeds
    for n, (name, exercise) in enumerate(checks.ALL.items()):
        assert len(seeds) >= 3 and not set(seeds) & set(exercise.seeds)
        hidden = replace(exercise, seeds=seeds[n % 3:][:1])             # one of them each, to save time
        if name != "streamed":                                          # it weighs memory, for two seconds
            assert hidden.judge(ANSWERS[name][0]).passed, name
        wrong = list(exercise.wrong.values())
        assert not any(hidden.judge(answer).passed for answer in (wrong[0], wrong[-1])), name


def test_points_are_those_that_the_chapters_announce() -> None:
    assert set(WORTH) == {e.number for e in checks.ALL.values()}
    assert WORTH["1.1"] == marks.Worth("1.1", "Soft lookup", 1, 5, 6) and WORTH["1.1"].points == 6
    assert all(2 <= w.points <= 10 for w in WORTH.values())
    assert set(marks.MEANING) == {"right", "near", "wrong", "stopped", "open", "ended"}


@pytest.mark.parametrize("path, whose", [
    ("ada/01_soft_lookup.ipynb", "ada"), ("ada/deep/x.ipynb", "ada"), ("ada_01_soft_lookup-Copy1.ipynb", "ada"),
    ("Grace Hopper 13_feature_fixation (1).ipynb", "Grace Hopper"), ("lin.ipynb", "lin"),
    ("01_soft_lookup.ipynb", "01_soft_lookup")])
def test_whose_a_file_is(path: str, whose: str) -> None:
    assert submissions.person_name(Path(path)) == whose


def test_nothing_of_the_learners_is_imported_here() -> None:
    """What reads, cuts and writes never runs a learner's code: only the worker does."""
    for module in (command, slices, submissions, marks):
        assert "exec(" not in inspect.getsource(module)
