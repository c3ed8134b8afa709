"""Run submissions in parallel, each in a fresh process with a time limit; a process that hangs or dies is reported."""
from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .marks import Outcome

HOME = Path(__file__).resolve().parents[2]              # the package's folder: the process runs in another folder
START = 180.0                                           # seconds for starting; importing torch takes two to twenty
PATIENCE = 4                                            # factor for wall-clock time: other processes run, too


@dataclass(frozen=True)
class Limits:
    """Seconds for one answer, bytes of memory for one submission, and the seeds of the inputs."""

    seconds: float = 10.0
    memory: int = 2 * 2**30
    seeds: tuple[int, ...] = (4242, 4339, 4453)


@dataclass
class Runner:
    """Runs jobs; `stop` ends the running ones, from any thread."""

    limits: Limits = field(default_factory=Limits)
    stopped: bool = False
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)

    def outcomes(self, tasks: Sequence[dict[str, Any]]) -> dict[str, Outcome]:
        """The outcome of every task ({"name", "statements"}); if one ends its process, the rest run in a new one.

        >>> Runner().outcomes([])
        {}
        """
        found: dict[str, Outcome] = {}
        while (left := [t for t in tasks if t["name"] not in found]) and not self.stopped:
            found |= self._once(left)
        return found

    def stop(self) -> None:
        """End every running process."""
        self.stopped = True
        for process in list(self._running):
            end_process(process)

    def _once(self, tasks: Sequence[dict[str, Any]]) -> dict[str, Outcome]:
        """Run one process: the outcomes of the tasks that it reached, at least one."""
        with tempfile.TemporaryDirectory(prefix="linviz-grade-", ignore_cleanup_errors=True) as home:
            process = _start_worker(home)
            self._running.add(process)
            try:
                limits = {"seeds": self.limits.seeds, "memory": self.limits.memory, "seconds": self.limits.seconds}
                return _worker_outcomes(process, {"tasks": tasks, "home": home} | limits, self.limits.seconds)
            finally:
                end_process(process)
                self._running.discard(process)


def _start_worker(home: str) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "linviz.grade.worker"], cwd=home, start_new_session=True,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _worker_outcomes(process: subprocess.Popen[bytes], job: dict[str, Any], seconds: float) -> dict[str, Outcome]:
    """Read until the process ends or runs out of time; the task running then gets the blame."""
    lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_worker_lines, args=(process, job, lines), daemon=True).start()
    found: dict[str, Outcome] = {}
    names, on, wait = {t["name"] for t in job["tasks"]}, "", START
    late = Outcome("ended", f"it did not end within {seconds:g} seconds")
    while True:
        try:
            line = lines.get(timeout=wait)
        except queue.Empty:
            return found | _blame_task(on, names, late)
        if line is None:
            process.wait()
            done = on in found or (not on and found)
            over = -process.returncode == getattr(signal, "SIGXCPU", None)     # the system's signal for it
            how = late if over else Outcome("ended", _exit_reason(process.returncode))
            return found if done else found | _blame_task(on, names, how)
        wait = PATIENCE * seconds
        on = line.get("begun", on)
        if "judged" in line and line["judged"] in names:
            found[line["judged"]] = Outcome(line["status"], line["said"])


def _blame_task(on: str, names: Iterable[str], outcome: Outcome) -> dict[str, Outcome]:
    """The outcome of the running task; if the process never began a task, the outcome of all."""
    if on:
        return {on: outcome}
    return dict.fromkeys(names, Outcome("ended", "the checks could not be started here: run `linviz doctor`"))


def _worker_lines(process: subprocess.Popen[bytes], job: dict[str, Any],
                  lines: queue.Queue[dict[str, Any] | None]) -> None:
    """Send the job and put every line of the reply into a queue; None at the end."""
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.write(json.dumps(job).encode())
        process.stdin.close()
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout:
            lines.put(json.loads(line))
    lines.put(None)


def _exit_reason(status: int) -> str:
    """One sentence on why a process ended early.

    >>> _exit_reason(3), _exit_reason(-9)
    ('it ended the whole program (exit status 3)', 'the system ended it (SIGKILL), perhaps for lack of memory')
    """
    if status >= 0:
        return f"it ended the whole program (exit status {status})"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-status).name
        return f"the system ended it ({name}){', perhaps for lack of memory' if name == 'SIGKILL' else ''}"
    return f"the system ended it (signal {-status})"


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children, and wait for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
