"""A learner's function in another process, which looks like a function here: inputs go out, arrays come back.

Nothing that the other process sends is run or unpickled, and no check, right answer or verdict is in its reach.
"""
from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ..course.answer_words import AnswerError
from ..course.work_count import Work
from .array_frames import describe_value, read_array_frame, restore_value, write_array_frame
from .confinement import child_processes
from .marks import Outcome

HOME = Path(__file__).resolve().parents[2]              # the package's folder: the process runs in another folder
HIDDEN = [HOME / name for name in ("linviz/course/checks", "notebooks", "teaching", "tests")]
START = 180.0                                           # seconds for starting; importing torch takes two to twenty
PATIENCE = 4                                            # factor for wall-clock time: other processes run, too
KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV")


class AnswerEnded(BaseException):
    """The process with the answer ended, or can no longer be trusted; no check may catch this."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.outcome = Outcome("ended", said)


class AnswerExited(AnswerEnded):
    """The answer asked for its end; its process goes on."""


class AnswerProcess:
    """One process for the answers of one submission, started before any of them is read."""

    def __init__(self, seconds: float, memory: int, folder: Path, hidden: Sequence[Path] = ()) -> None:
        home, helpers = folder / "home", folder / "helpers"
        for made in (home, helpers):
            made.mkdir(exist_ok=True)
        needed = (HOME / "linviz/course/work_count.py", Path(sys.prefix), Path(sys.base_prefix), folder)
        places = [str(p) for p in (*HIDDEN, *hidden) if p.is_dir() and not any(x.is_relative_to(p) for x in needed)]
        job = {"home": str(home), "helpers": str(helpers), "hidden": places, "memory": memory, "seconds": seconds}
        self.seconds, self.left, self.imports, self.confined = seconds, START, set[str](), False
        self.process = _start_worker(home, json.dumps(job))
        self.asked: queue.Queue[tuple[dict[str, Any], list[Tensor]]] = queue.Queue()
        self.answered: queue.Queue[tuple[dict[str, Any], list[Tensor]] | Exception] = queue.Queue()
        threading.Thread(target=self._carry_frames, daemon=True).start()

    def start(self) -> bool:
        """Wait until the process is ready; False if it cannot be started."""
        with contextlib.suppress(AnswerEnded):
            head, _ = self._await_frame()
            self.confined = bool(head.get("confined"))
            return "ready" in head
        return False

    def build(self, name: str, number: str, statements: Sequence[str]) -> Any:
        """The learner's function as a `RemoteAnswer`; what is no function comes back as an object of its type."""
        self.left = PATIENCE * self.seconds
        head, _ = self.request({"do": "build", "name": name, "number": number, "statements": list(statements)})
        return RemoteAnswer(self, head["letters"]) if "letters" in head else restore_value(head["value"], [])

    def request(self, head: dict[str, Any], given: tuple[Any, ...] = ()) -> tuple[dict[str, Any], list[Tensor]]:
        """One question and its reply. The answer's error is raised; `AnswerEnded` if there is no reply in time."""
        tensors: list[Tensor] = []
        head = head | {"id": secrets.token_hex(8), "given": describe_value(given, tensors)}
        self.asked.put((head, tensors))
        said, made = self._await_frame()
        try:
            if said["id"] != head["id"]:
                raise ValueError("a reply to another question")
            self.imports |= {str(name)[:80] for name in said["imports"][:50]}
            if "error" in said:
                raise AnswerError(*(str(x)[:150] for x in said["error"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AnswerEnded("it wrote into the pipe of the grader") from error
        if "open" in said:
            raise NotImplementedError(str(said["open"])[:200])
        if "ended" in said:
            raise AnswerExited(str(said["ended"])[:200])
        return said, made

    def _await_frame(self) -> tuple[dict[str, Any], list[Tensor]]:
        begun = time.monotonic()
        try:
            found = self.answered.get(timeout=max(self.left, 0.01))
        except queue.Empty:
            raise AnswerEnded(f"it did not end within {self.seconds:g} seconds") from None
        self.left -= time.monotonic() - begun
        if isinstance(found, EOFError | OSError):
            raise AnswerEnded(_exit_reason(self.process, self.seconds))
        if isinstance(found, Exception):
            raise AnswerEnded("it wrote into the pipe of the grader")
        return found

    def _carry_frames(self) -> None:
        """Send every question and read one reply for it, in a thread: the process may do neither."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.answered.put(read_array_frame(self.process.stdout))
            while True:
                head, tensors = self.asked.get()
                if not head:
                    raise EOFError("the process is at its end")
                write_array_frame(self.process.stdin, head, tensors)
                self.answered.put(read_array_frame(self.process.stdout))
        except Exception as error:
            self.answered.put(error)

    def resident_memory(self, peak: bool) -> int:
        """Bytes that the process and its descendants hold, or held at most since the peak was reset; 0 if unknown."""
        field, found = "VmHWM:" if peak else "VmRSS:", 0
        for process in _process_tree(self.process.pid):
            with contextlib.suppress(OSError, IndexError, ValueError):
                text = Path(f"/proc/{process}/status").read_text()
                found += int(text.split(field)[1].split()[0]) * 1024
        return found

    def reset_peak(self) -> None:
        """Let the system forget the most memory that the process has held."""
        for process in _process_tree(self.process.pid):
            with contextlib.suppress(OSError):
                Path(f"/proc/{process}/clear_refs").write_text("5")

    def end(self) -> None:
        """End the process and everything that it has started, and wait for it."""
        self.asked.put(({}, []))
        end_process(self.process)


class RemoteAnswer:
    """A learner's function: a call sends the inputs to its process and returns what comes back."""

    def __init__(self, process: AnswerProcess, letters: Any) -> None:
        self.process, self.letters = process, [[str(x) for x in kind] for kind in letters]

    def __call__(self, *given: Any) -> Any:
        head, tensors = self.process.request({"do": "call"}, given)
        try:
            for n, said in head["changed"].items():
                given[int(n)].set_(restore_value(said, tensors).to(given[int(n)].dtype))
            return restore_value(head["got"], tensors)
        except Exception as error:
            raise AnswerEnded("it wrote into the pipe of the grader") from error

    def measure_work(self, given: tuple[Any, ...]) -> Work:
        """The work of a call, as the other process counts it."""
        head, _ = self.process.request({"do": "measure"}, given)
        try:
            return Work(**{name: int(count) for name, count in head["work"].items()})
        except Exception as error:
            raise AnswerEnded("it wrote into the pipe of the grader") from error

    def memory_growth(self, given: tuple[Any, ...]) -> int:
        """Bytes that a call needs beyond those before it, as the system counts them."""
        before = self.process.resident_memory(peak=False)
        self.process.reset_peak()
        self(*given)
        return self.process.resident_memory(peak=True) - before if before else 0


def _start_worker(home: Path, job: str) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "HOME": str(home), "TMPDIR": str(home)}
    return subprocess.Popen(
        [sys.executable, "-P", "-B", "-m", "linviz.grade.worker", job], cwd=home, start_new_session=True,
        env={name: os.environ[name] for name in KEPT if name in os.environ} | own,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _process_tree(process: int) -> list[int]:
    found = [process]
    for number in found:
        found += child_processes(number)
    return found


def _exit_reason(process: subprocess.Popen[bytes], seconds: float) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    return exit_reason(process.returncode if process.returncode is not None else 0, seconds)


def exit_reason(status: int, seconds: float) -> str:
    """One sentence on why a process ended early.

    >>> exit_reason(3, 10), exit_reason(-9, 10)
    ('it ended the whole program (exit status 3)', 'the system ended it (SIGKILL), perhaps for lack of memory')
    >>> exit_reason(128 + 24, 10)
    'it did not end within 10 seconds'
    """
    number = -status if status < 0 else status - 128
    if number <= 0:
        return f"it ended the whole program (exit status {status})"
    if number == getattr(signal, "SIGXCPU", None):      # the system's signal for it
        return f"it did not end within {seconds:g} seconds"
    with contextlib.suppress(ValueError):
        name = signal.Signals(number).name
        return f"the system ended it ({name}){', perhaps for lack of memory' if name == 'SIGKILL' else ''}"
    return f"the system ended it (signal {number})"


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything that it has started, and wait for it. On Linux it does that itself when asked."""
    for kind in ("SIGTERM", "SIGKILL"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "nt":
                process.kill()
            elif kind == "SIGTERM":
                process.terminate()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
