"""The process in which one submission's answers run: `python -m linviz.grade.worker`, started by `runner`.

It reads a job (JSON) and writes one line of JSON when it begins an exercise and when it has judged it. The output of an
answer is discarded, and an answer can only damage this process.
"""
from __future__ import annotations

import contextlib
import json
import linecache
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .seal import Seal

FILES = 100_000_000                                     # the most bytes that an answer may write to a file


def main() -> None:
    """Read the job, judge its exercises, and exit without cleaning up."""
    job = json.load(sys.stdin)
    say = _open_reply()
    import torch

    from ..course import checks
    torch.set_num_threads(1)
    limit_memory(int(job["memory"]))
    say({"ready": True})
    for task in job["tasks"]:
        say({"begun": task["name"]})
        home = Path(job["home"]) / task["name"]
        home.mkdir(parents=True, exist_ok=True)         # one folder each: an answer may delete its folder
        os.chdir(home)
        seal = Seal()
        limit_seconds(float(job["seconds"]))
        exercise = replace(checks.ALL[task["name"]], seeds=tuple(job["seeds"]))
        status, said = judge_exercise(exercise, task["statements"])
        if broken := seal.broken(exercise):
            say({"judged": task["name"], "status": "meddled", "said": broken})
            break                                       # the next exercise gets a fresh process
        say({"judged": task["name"], "status": status, "said": said})
    os._exit(0)                                         # skip threads and exit handlers that an answer has made


def _open_reply() -> Callable[[dict[str, Any]], None]:
    """A writer to the original standard output; later prints are discarded, and standard input is empty."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "r+b") as nothing:            # noqa: PTH123 (a file descriptor, not a path)
        for number in (0, 1, 2):
            os.dup2(nothing.fileno(), number)

    def say(what: dict[str, Any]) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()
    return say


def limit_memory(memory: int) -> None:
    """Limit this process to this many more bytes than now, and to small files. Windows has no such limits."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + memory
        for kind, limit in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, FILES), (resource.RLIMIT_AS, most)):
            resource.setrlimit(kind, (limit, limit))


def limit_seconds(seconds: float) -> None:
    """Let the system end this process after this much processor time from now, however busy the machine is."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), most))


def judge_exercise(exercise: Any, statements: Sequence[str]) -> tuple[str, str]:
    """Build the learner's function from its statements and run the check: (status, words).

    >>> from ..course import checks
    >>> judge_exercise(checks.times_pairs, ["def times_pairs(t, y, x): return (t * y * x)"])[1].split(". ")[1]
    'This is exactly what one gets when tokens are counted, not pairs of tokens.'
    """
    begun = "a cell that it needs"
    try:
        made = _build_function(exercise, statements)
        begun = "it"
        return _verdict_words(exercise, made, exercise.judge(made))
    except NotImplementedError as error:
        said = " ".join(str(error).split())[:200] or "still to be written"
        return "open", f"{said} Is its line with `raise` still there?" if f" {exercise.number}:" in said else said
    except SystemExit:
        return "ended", "it calls sys.exit, which ends the whole program"
    except BaseException as error:
        said = (str(error).splitlines() or [""])[0][:150]
        return "stopped", _is_memory_error(f"{begun} stopped with {type(error).__name__}{said and ': '}{said}")


def _verdict_words(exercise: Any, made: Any, verdict: Any) -> tuple[str, str]:
    """Status and words of a verdict."""
    if verdict.passed:
        return "right", ""
    lines = (line.strip() for line in verdict.lines[1:])
    said = " ".join(line if line[-1:] in ".:?!" else f"{line}." for line in lines)
    if "it stopped with" in said:
        return "stopped", _is_memory_error(said)
    return "near" if verdict.named and same_kind(exercise, made) else "wrong", said


def _build_function(exercise: Any, statements: Sequence[str]) -> Any:
    """Run the statements in order, like cells of a notebook: later ones may need the names of earlier ones."""
    space: dict[str, Any] = {"__name__": "__main__"}
    for n, text in enumerate(statements):
        name = f"<{exercise.number}, part {n + 1}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)     # to show the faulty line
        exec(compile(text, name, "exec"), space)
    return space.get(exercise.name)


def _is_memory_error(said: str) -> str:
    small = any(word in said for word in ("MemoryError", "DefaultCPUAllocator", "not enough memory"))
    return "it asked for more memory than the limit" if small else said


def same_kind(exercise: Any, made: Any) -> bool:
    """Whether an answer returns finite tensors of the right number, shape and type, whatever their values."""
    from ..course.properties import is_finite, matches_dtype, matches_shape, returns_tensors
    attempt = exercise.attempt(made, exercise.seeds[0])
    properties = (returns_tensors, matches_shape, matches_dtype, is_finite)
    return attempt.error is None and all(ask(attempt) is None for ask in properties)


if __name__ == "__main__":
    main()
