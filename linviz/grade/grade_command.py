"""The command: `linviz grade submissions/ -o grades.csv`, or `python -m linviz.grade`."""
from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from ..course import checks
from ..course.exercise import Exercise
from ..course.learner_files import folder_prompts
from ..safe_output import check_output, one_line
from .cell_magics import written_files
from .grade_options import add_grade_options
from .grade_sheet import Row, safe_cell, write_sheet
from .library_uses import library_uses
from .marks import Outcome, exercise_marks
from .prediction_sheet import write_predictions
from .runner import Limits, Runner
from .slices import Broken, Statement, answer_statement, changed_library, needed_statements, parse_statements
from .submissions import Submission, find_submissions

OPEN_NETWORK = "this system cannot cut answers off: they could use the network and read your files"
APART = (0, 97, 211)                                    # three inputs per exercise, as in the learner's check


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status: 0, 1 after an error in one sentence, 130 when it was stopped."""
    about = "Grade learners' notebooks. On Linux with user namespaces, answers have no network and cannot change files."
    parser = add_grade_options(argparse.ArgumentParser(prog="linviz grade", description=about))
    return run_grading(parser.parse_args(arguments))


def run_grading(given: argparse.Namespace) -> int:
    """Run the command with parsed options; returns the exit status."""
    try:
        return grade_folder(given)
    except (ValueError, OSError) as error:
        print(f"linviz: {one_line(str(error))}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nlinviz: stopped; no sheet was written.", file=sys.stderr)
        return 130
    return 1


def grade_folder(given: argparse.Namespace) -> int:
    """Find submissions, grade them, write the sheet, print a summary. Raises ValueError for invalid options."""
    _check_options(given)
    begun, worth, found = time.monotonic(), exercise_marks(given.notebooks), find_submissions(given.folder, checks.ALL)
    limits = Limits(given.seconds, int(given.memory * 2**30), tuple(given.seed + n for n in APART))
    runner = Runner(limits, hidden=[given.folder.resolve(), given.notebooks.resolve()])
    rows: dict[int, Row] = {}
    told = progress_line(len(found))
    with ThreadPoolExecutor(given.jobs) as pool:
        try:
            waiting = {pool.submit(safe_row, runner, s, checks.ALL): n for n, s in enumerate(found)}
            for future in as_completed(waiting):
                rows[waiting[future]] = row = future.result()
                told(row)
        except BaseException:
            runner.stop()
            pool.shutdown(cancel_futures=True)
            raise
    _check_sheet(given)                                 # it may have been made meanwhile
    write_sheet(given.out, [rows[n] for n in sorted(rows)], worth)
    if given.predictions:
        write_predictions(given.predictions, given.folder, folder_prompts(given.notebooks))
    print(summary_lines(list(rows.values()), given.out, time.monotonic() - begun, runner.confined))
    return 0


def _check_options(given: argparse.Namespace) -> None:
    _check_sheet(given)
    for name in ("seconds", "memory", "jobs"):
        if not getattr(given, name) > 0:
            raise ValueError(f"--{name} is {getattr(given, name):g}: it must be more than 0")


def _check_sheet(given: argparse.Namespace) -> None:
    reads = [given.folder, *given.notebooks.glob("[0-9][0-9]_*.ipynb")]
    check_output(given.out, reads, given.force)
    if given.predictions:
        check_output(given.predictions, [*reads, given.out], given.force)
        if given.predictions.absolute() == given.out.absolute():
            raise ValueError(f"--predictions and --out are both {given.out}: name two files")


def safe_row(runner: Runner, submission: Submission, every: Mapping[str, Exercise]) -> Row:
    """One submission's row. Any failure is written in the row; no error of a learner's code is raised."""
    try:
        return Row(submission) if submission.trouble else _grade_submission(runner, submission, every)
    except Exception as error:                          # one submission must not stop the others
        return Row(submission, note=f"grading it failed with {type(error).__name__}: {error}"[:200])


def _grade_submission(runner: Runner, submission: Submission, every: Mapping[str, Exercise]) -> Row:
    files = {p.name: p.read_text(encoding="utf-8", errors="replace") for p in submission.helpers}
    files |= written_files(submission.cells)
    found, broken = parse_statements(submission.cells, files)
    own = {name: e for name, e in every.items() if int(e.number.split(".")[0]) == submission.chapter}
    known, tasks = prepare_row(own, found, broken)
    outcomes, imported = runner.outcomes(tasks, files)
    uses = library_uses([*(s for task in tasks for s in task["statements"]), *files.values()])
    notes = [f"{what}, which has no effect here" for what in changed_library(found)]
    if uses := sorted({*uses, *imported}):
        notes.append(f"its answers use linviz itself: {', '.join(uses)[:300]}")
    return Row(submission, {e.number: (known | outcomes)[name] for name, e in own.items() if name in known | outcomes},
               "; ".join(notes))


def prepare_row(own: Mapping[str, Exercise], found: Sequence[Statement], broken: Sequence[Broken]
                ) -> tuple[dict[str, Outcome], list[dict[str, Any]]]:
    """The outcomes that need no run, and the remaining tasks."""
    known: dict[str, Outcome] = {}
    tasks: list[dict[str, Any]] = []
    for name in own:
        made = answer_statement(found, name)
        torn = next((b.why for b in broken if f"def {name}(" in b.text or f"{name} =" in b.text), "")
        if torn and (made is None or made.stub):
            known[name] = Outcome("stopped", torn)
        elif made is None:
            known[name] = Outcome("open", f"it has no function {name}")
        elif made.stub:
            known[name] = Outcome("open", "still to be written")
        else:
            tasks.append({"name": name, "statements": [s.text for s in needed_statements(found, made)]})
    return known, tasks


def progress_line(count: int) -> Callable[[Row], None]:
    """A progress printer: one changing line on a terminal, else one line per submission."""
    begun, done = time.monotonic(), 0

    def told(row: Row) -> None:
        nonlocal done
        done += 1
        chapter = "" if row.submission.chapter is None else f", chapter {row.submission.chapter}"
        line = f"{done} of {count}: {safe_cell(row.submission.person)}{chapter} ({time.monotonic() - begun:.0f} s)"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line[:100]}", end="\n" if done == count else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)
    return told


def summary_lines(rows: Sequence[Row], out: Path, seconds: float, confined: bool = True) -> str:
    """The summary after grading, in two lines to four."""
    how = Counter(o.status for row in rows for o in row.outcomes.values())
    look = sum(bool(row.submission.trouble) for row in rows)
    kinds = ", ".join(f"{count} {status}" for status, count in how.most_common())
    lines = [f"{len(rows)} submissions in {seconds:.0f} s: {out}", f"answers: {kinds or 'none'}"]
    lines += [f"{look} could not be graded; the column 'note' says why"] if look else []
    lines += [] if confined else [OPEN_NETWORK]
    return "\n".join(lines)
