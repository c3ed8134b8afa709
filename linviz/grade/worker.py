"""The process in which one submission's answers run: `python -m linviz.grade.worker`, started by `answer_process`.

It knows no check and no right answer. It builds a learner's function from its statements, calls it with the inputs that
it is sent, and sends back what the function returns. Whatever it is told to say, the grader compares it elsewhere.
"""
from __future__ import annotations

import contextlib
import json
import linecache
import math
import os
import sys
import time
from pathlib import Path
from typing import IO, Any

from .confinement import confine_process

FILES = 100_000_000                                     # the most bytes that an answer may write to a file
Reply = tuple[dict[str, Any], list[Any]]


def main() -> None:
    """Confine this process, then answer one request after the other until the grader closes the pipe."""
    job = json.loads(sys.argv[1])
    confined = confine_process(job["home"], job["hidden"])
    requests, replies = _open_pipes()
    os.chdir(job["home"])
    import torch

    from ..course.work_count import measure_work
    from .array_frames import read_array_frame, write_array_frame
    torch.set_num_threads(1)
    measure_work(lambda x: x + 1, (torch.ones(1),))
    answers, guard = Answers(float(job["seconds"])), ReferenceGuard(job["hidden"])
    sys.path.insert(0, job["helpers"])
    limit_memory(int(job["memory"]))
    write_array_frame(replies, {"ready": True, "confined": confined})
    while True:
        try:
            head, tensors = read_array_frame(requests)
        except EOFError:
            os._exit(0)                                 # skip threads and exit handlers that an answer has made
        said, made = answers.reply(head, tensors)
        write_array_frame(replies, said | {"id": head["id"], "imports": guard.imports()}, made)


def _open_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes from and to the grader; later prints are discarded, and standard input is empty."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:            # noqa: PTH123 (a file descriptor, not a path)
        for number in (0, 1, 2):
            os.dup2(nothing.fileno(), number)
    return requests, replies


class ReferenceGuard:
    """Refuses to import or open the checks while answers run, and knows which modules of linviz they imported."""

    def __init__(self, hidden: list[str]) -> None:
        self.folders, self.refused = tuple(f"{folder}{os.sep}" for folder in hidden), set[str]()
        self.before = set(sys.modules)
        sys.meta_path.insert(0, self)
        sys.addaudithook(self.watch_files)

    def find_spec(self, name: str, *_: Any) -> None:
        """Called for every import. ImportError for the checks."""
        if f"{name}.".startswith(("linviz.course.checks.", "linviz.grade.")):
            self.refused.add(name)
            raise ImportError(f"{name} holds the right answers and cannot be imported by an answer")

    def watch_files(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called for every file that is opened. PermissionError in a hidden folder."""
        if event == "open" and isinstance(arguments[0], str | bytes):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path.startswith(self.folders):
                self.refused.add(Path(path).name)
                raise PermissionError(f"{Path(path).name} cannot be read by an answer")

    def imports(self) -> list[str]:
        """The modules of linviz that were imported since, and what was refused."""
        new = {name for name in set(sys.modules) - self.before if name.split(".")[0] == "linviz"}
        return sorted(new | self.refused)


class Answers:
    """Builds learners' functions and calls them."""

    def __init__(self, seconds: float) -> None:
        from ..course import answer_words, work_count
        from . import array_frames
        self.answer: Any = None
        self.seconds, self.words, self.counts, self.frames = seconds, answer_words, work_count, array_frames

    def reply(self, head: dict[str, Any], tensors: list[Any]) -> Reply:
        """The reply to one request; an error of the answer is a reply, too."""
        try:
            return {"build": self.build, "call": self.call, "measure": self.measure}[head["do"]](head, tensors)
        except NotImplementedError as error:
            return {"open": " ".join(str(error).split())[:200]}, []
        except SystemExit:
            return {"ended": "it calls sys.exit, which ends the whole program"}, []
        except BaseException as error:
            found = self.words.describe_error(error, self.answer)
            return {"error": [found.kind, found.said, found.line]}, []

    def build(self, head: dict[str, Any], tensors: list[Any]) -> Reply:
        """Run the statements in order, like cells of a notebook: later ones may need the names of earlier ones."""
        limit_seconds(self.seconds)
        self.answer = None
        space: dict[str, Any] = {"__name__": "__main__"}
        for n, text in enumerate(head["statements"]):
            name = f"<{head['number']}, part {n + 1}>"
            linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)  # to show the faulty line
            exec(compile(text, name, "exec"), space)
        self.answer = found = space.get(head["name"])
        if callable(found):
            return {"letters": self.words.axis_letters(found)}, []
        return {"value": self.frames.describe_value(found, [], inner=True) if found is None else
                {"other": type(found).__name__}}, []

    def call(self, head: dict[str, Any], tensors: list[Any]) -> Reply:
        """Call the answer; inputs that it changed are sent back, too."""
        given = self._restore(head, tensors)
        before = self._restore(head, [t.clone() for t in tensors])
        got = self.answer(*given)
        made: list[Any] = []
        said: dict[str, Any] = {"got": self.frames.describe_value(got, made), "changed": {}}
        for n, (x, y) in enumerate(zip(given, before, strict=True)):
            if hasattr(x, "shape") and not self._is_same(x, y):
                said["changed"][str(n)] = self.frames.describe_value(x, made)
        return said, made

    def measure(self, head: dict[str, Any], tensors: list[Any]) -> Reply:
        """Count the work of a call."""
        return {"work": vars(self.counts.measure_work(self.answer, self._restore(head, tensors)))}, []

    def _restore(self, head: dict[str, Any], tensors: list[Any]) -> tuple[Any, ...]:
        given: tuple[Any, ...] = self.frames.restore_value(head["given"], tensors)
        return given

    @staticmethod
    def _is_same(x: Any, y: Any) -> bool:
        return x.shape == y.shape and bool(((x == y) | ((x != x) & (y != y))).all())


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


if __name__ == "__main__":
    main()
