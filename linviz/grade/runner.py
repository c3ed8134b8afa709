"""Submissions side by side, each in a fresh process with a clock beside it; one that hangs or dies is told so."""
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

HOME = Path(__file__).resolve().parents[2]              # where the package lies: the process stands elsewhere
START = 180.0                                           # seconds to start in; importing torch takes two, or twenty
PATIENCE = 4                                            # times as long by the wall's clock: others work here, too


@dataclass(frozen=True)
class Limits:
    """Seconds an answer may work, bytes of memory a submission may have, and the seeds of the inputs."""

    seconds: float = 10.0
    memory: int = 2 * 2**30
    seeds: tuple[int, ...] = (4242, 4339, 4453)


@dataclass
class Runner:
    """Runs jobs; `stop` ends those that are on their way, from any thread."""

    limits: Limits = field(default_factory=Limits)
    stopped: bool = False
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)

    def outcomes(self, tasks: Sequence[dict[str, Any]]) -> dict[str, Outcome]:
        """What becomes of every task ({"name", "statements"}); where one takes its process down, the rest gets another.

        >>> Runner().outcomes([])
        {}
        """
        found: dict[str, Outcome] = {}
        while (left := [t for t in tasks if t["name"] not in found]) and not self.stopped:
            found |= self._once(left)
        return found

    def stop(self) -> None:
        """End everything that is on its way."""
        self.stopped = True
        for process in list(self._running):
            end(process)

    def _once(self, tasks: Sequence[dict[str, Any]]) -> dict[str, Outcome]:
        """One process: outcomes of the tasks it came to, of one at least."""
        with tempfile.TemporaryDirectory(prefix="linviz-grade-", ignore_cleanup_errors=True) as home:
            process = _started(home)
            self._running.add(process)
            try:
                limits = {"seeds": self.limits.seeds, "memory": self.limits.memory, "seconds": self.limits.seconds}
                return _heard(process, {"tasks": tasks, "home": home} | limits, self.limits.seconds)
            finally:
                end(process)
                self._running.discard(process)


def _started(home: str) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "linviz.grade.worker"], cwd=home, start_new_session=True,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _heard(process: subprocess.Popen[bytes], job: dict[str, Any], seconds: float) -> dict[str, Outcome]:
    """Listen until the process has ended or let a time pass; whoever was on when it did is told."""
    lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(process, job, lines), daemon=True).start()
    found: dict[str, Outcome] = {}
    names, on, wait = {t["name"] for t in job["tasks"]}, "", START
    late = Outcome("ended", f"it did not end within {seconds:g} seconds")
    while True:
        try:
            line = lines.get(timeout=wait)
        except queue.Empty:
            return found | _blame(on, names, late)
        if line is None:
            process.wait()
            done = on in found or (not on and found)
            over = -process.returncode == getattr(signal, "SIGXCPU", None)     # the system's word for it
            how = late if over else Outcome("ended", _why(process.returncode))
            return found if done else found | _blame(on, names, how)
        wait = PATIENCE * seconds
        on = line.get("begun", on)
        if "judged" in line and line["judged"] in names:
            found[line["judged"]] = Outcome(line["status"], line["said"])


def _blame(on: str, names: Iterable[str], outcome: Outcome) -> dict[str, Outcome]:
    """The outcome of the task that was on; a process that never began has failed for all of them."""
    if on:
        return {on: outcome}
    return dict.fromkeys(names, Outcome("ended", "the checks could not be started here: run `linviz doctor`"))


def _listen(process: subprocess.Popen[bytes], job: dict[str, Any], lines: queue.Queue[dict[str, Any] | None]) -> None:
    """Hand the job over and pass on every line that comes back; None when there is no more."""
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.write(json.dumps(job).encode())
        process.stdin.close()
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout:
            lines.put(json.loads(line))
    lines.put(None)


def _why(status: int) -> str:
    """One sentence on a process that ended before it should.

    >>> _why(3), _why(-9)
    ('it ended the whole program (exit status 3)', 'the system ended it (SIGKILL), perhaps for want of memory')
    """
    if status >= 0:
        return f"it ended the whole program (exit status {status})"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-status).name
        return f"the system ended it ({name}){', perhaps for want of memory' if name == 'SIGKILL' else ''}"
    return f"the system ended it (signal {-status})"


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, and wait for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
