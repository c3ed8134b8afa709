"""Run submissions in parallel: the answers in a process of their own, the checks here, where no answer reaches them."""
from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..course import checks
from ..course.answer_words import AnswerError
from ..course.exercise import Exercise, Verdict
from ..course.properties import is_idle
from .answer_process import AnswerEnded, AnswerExited, AnswerProcess
from .marks import Outcome


@dataclass(frozen=True)
class Limits:
    """Seconds for one answer, bytes of memory for one submission, and the seeds of the inputs."""

    seconds: float = 10.0
    memory: int = 2 * 2**30
    seeds: tuple[int, ...] = (4242, 4339, 4453)


@dataclass
class Runner:
    """Runs jobs; `stop` ends the running ones, from any thread. `hidden`: folders that no answer may read."""

    limits: Limits = field(default_factory=Limits)
    hidden: Sequence[Path] = ()
    stopped: bool = False
    confined: bool = True                               # whether every process so far had no network
    started: int = 0                                    # processes
    _running: set[AnswerProcess] = field(default_factory=set)

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        """The checks, with the teacher's inputs."""
        return {name: replace(e, seeds=self.limits.seeds) for name, e in checks.ALL.items()}

    def outcomes(self, tasks: Sequence[dict[str, Any]], helpers: Mapping[str, str] | None = None
                 ) -> tuple[dict[str, Outcome], set[str]]:
        """The outcome of every task ({"name", "statements"}), and the modules of linviz that the answers imported.

        If an answer ends its process, the rest run in a new one. `helpers`: Python files that they can import, by name.

        >>> Runner().outcomes([])
        ({}, set())
        """
        found: dict[str, Outcome] = {}
        imports: set[str] = set()
        while (left := [t for t in tasks if t["name"] not in found]) and not self.stopped:
            with tempfile.TemporaryDirectory(prefix="linviz-grade-", ignore_cleanup_errors=True) as folder:
                found |= self._once(left, Path(folder), helpers or {}, imports)
        return found, imports

    def stop(self) -> None:
        """End every running process."""
        self.stopped = True
        for process in list(self._running):
            process.end()

    def _once(self, tasks: Sequence[dict[str, Any]], folder: Path, helpers: Mapping[str, str], imports: set[str]
              ) -> dict[str, Outcome]:
        """Run one process: the outcomes of the tasks that it reached, at least one."""
        (folder / "helpers").mkdir()
        for name, text in helpers.items():
            (folder / "helpers" / name).write_text(text, encoding="utf-8")
        process, found = AnswerProcess(self.limits.seconds, self.limits.memory, folder, self.hidden), {}
        self._running.add(process)
        self.started += 1
        try:
            if not process.start():
                said = "the answers could not be started here: run `linviz doctor`"
                return {t["name"]: Outcome("ended", said) for t in tasks}
            self.confined &= process.confined
            for task in tasks:
                exercise = self.exercises[task["name"]]
                try:
                    found[exercise.name] = judge_answer(exercise, process, task["statements"])
                except AnswerEnded as error:
                    found[exercise.name] = error.outcome
                    break
        finally:
            imports |= process.imports
            process.end()
            self._running.discard(process)
        return found


def judge_answer(exercise: Exercise, process: AnswerProcess, statements: Sequence[str]) -> Outcome:
    """Build the learner's function in its process, and run the check here. AnswerEnded if the process is lost."""
    place = "a cell that it needs"
    try:
        answer = process.build(exercise.name, exercise.number, statements)
        place = "it"
        return _verdict_outcome(exercise, answer, exercise.judge(answer))
    except NotImplementedError as error:
        said = str(error) or "still to be written"
        asked = " Is its line with `raise` still there?" if f" {exercise.number}:" in said else ""
        return Outcome("open", said + asked)
    except AnswerExited as error:
        return error.outcome
    except AnswerError as error:
        return Outcome("stopped", _name_memory(f"{place} stopped with {error.kind}{error.said and ': '}{error.said}"))


def _verdict_outcome(exercise: Exercise, answer: Any, verdict: Verdict) -> Outcome:
    """The outcome of a verdict. A near miss is a mistake of the exercise's table, but not that nothing was done."""
    if verdict.passed:
        return Outcome("right")
    lines = (line.strip() for line in verdict.lines[1:])
    said = " ".join(line if line[-1:] in ".:?!" else f"{line}." for line in lines)
    if "it stopped with" in said:
        return Outcome("stopped", _name_memory(said))
    near = verdict.mistake and not is_idle(exercise.attempt(answer, exercise.seeds[0]))
    return Outcome("near" if near else "wrong", said)


def _name_memory(said: str) -> str:
    small = any(word in said for word in ("MemoryError", "DefaultCPUAllocator", "not enough memory"))
    return "it asked for more memory than the limit" if small else said
