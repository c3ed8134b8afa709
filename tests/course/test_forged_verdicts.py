"""Answers that try to be marked without being right: the checks run where no answer reaches them.

Each attack of `attacks.txt` answers another exercise. All run in one process, except the last two, which end theirs.
What an attack returns when it has done its work is zeros, which earn nothing.
"""
from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from linviz.course import checks
from linviz.grade.marks import Outcome
from linviz.grade.runner import Limits, Runner

ROOT = Path(__file__).parents[2]
ATTACKS = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)+)", (Path(__file__).parent / "attacks.txt").read_text(), re.M))
BEGIN = """import torch, os, sys
def zeros(*x):
    return torch.zeros(len(x[0]), getattr(x[-1], "shape", (3,))[-1], dtype=torch.float64)
"""
UNCOUNTED = """import torch, linviz.course.work_count as w
def gated_attention(p, k, v, s, t):
    w.measure_work = lambda *given: w.Work(0, 0, 0, 0, 0)
    a = (p * s) @ (k * t).mT
    return a @ v / (a.sum(-1, keepdim=True) + 1e-6)
"""
CONFINES = sys.platform == "linux" and subprocess.run(["unshare", "-Urn", "true"], capture_output=True).returncode == 0


class Graded(NamedTuple):
    """The outcomes by attack, and what the attacks left behind."""

    outcomes: dict[str, Outcome]
    runner: Runner
    imports: set[str]
    files: list[str]
    connected: bool


def task(name: str, body: str, words: dict[str, object]) -> dict[str, object]:
    """An answer to an exercise with this body."""
    for word, value in (words | {"NAME": name}).items():
        body = re.sub(rf"\b{word}\b", str(value), body)
    return {"name": name, "statements": [f"{BEGIN}def {name}(*x):\n{textwrap.indent(body, '    ')}"]}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    """All attacks, graded."""
    folder, runner = tmp_path_factory.mktemp("grader"), Runner(Limits(seconds=2))
    names = dict(zip(ATTACKS, checks.ALL, strict=False))
    assert 20 < len(ATTACKS) <= len(checks.ALL)
    with (socket.create_server(("127.0.0.1", 0)) as server, contextlib.chdir(folder),
          pytest.MonkeyPatch.context() as env):
        env.setenv("LINVIZ_SECRET", "points")
        words = {"CWD": folder, "ROOT": ROOT, "PORT": server.getsockname()[1],
                 "GRADER": os.getpid() if CONFINES else 2**22 - 1}  # without namespaces this would really end pytest
        uncounted = {"name": "gated_attention", "statements": [UNCOUNTED]}
        outcomes, imports = runner.outcomes([uncounted, *(task(names[a], b, words) for a, b in ATTACKS.items())])
        server.settimeout(0)
        connected = True
        try:
            server.accept()
        except BlockingIOError:
            connected = False
    files = [path.name for path in folder.iterdir()]
    names["a table that is not counted"] = "gated_attention"
    yield Graded({a: outcomes[name] for a, name in names.items()}, runner, imports, files, connected)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_earns_anything(graded: Graded, attack: str) -> None:
    assert graded.outcomes[attack].earned(10) == 0, graded.outcomes[attack]


def test_a_table_is_seen_by_its_memory_where_its_numbers_are_not_counted(graded: Graded) -> None:
    outcome = graded.outcomes["a table that is not counted"]
    assert not sys.platform.startswith("linux") or (outcome.status == "near" and "N x N table" in outcome.said)


def test_only_what_breaks_its_pipe_needs_another_process(graded: Graded) -> None:
    assert graded.runner.started == 2
    assert [graded.outcomes[a].said for a in list(ATTACKS)[-2:]] == ["it wrote into the pipe of the grader"] * 2


def test_an_import_of_the_checks_is_refused_and_known(graded: Graded) -> None:
    assert "linviz.course.checks" in graded.imports
    assert "holds the right answers" in graded.outcomes["the same by a name put together"].said


def test_nothing_is_left_behind(graded: Graded) -> None:
    assert not any(b"61.25" in path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline"))
    assert graded.runner.confined == CONFINES
    if CONFINES:
        assert graded.files == [] and not graded.connected
        assert graded.outcomes["the same by a program"].status == "stopped"


ALONE = """
import os, subprocess, sys, time
from linviz.grade import confinement
confinement.NEW = 1                     # no flag of unshare: as on a system without namespaces
assert not confinement.confine_process(".", [])
if os.fork() == 0:
    os.setsid()
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(61.75)"], start_new_session=True)
    os._exit(0)
os.wait()
print("ready", flush=True)
time.sleep(float(sys.argv[1]))
os._exit(3)
"""


@pytest.mark.parametrize("seconds, status", [("0", 3), ("60", 128 + 9)])
def test_without_namespaces_too_every_process_ends(seconds: str, status: int) -> None:
    """Whether the answers end by themselves or the grader asks for their end."""
    if not sys.platform.startswith("linux"):
        return
    process = subprocess.Popen([sys.executable, "-c", ALONE, seconds], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    if seconds != "0":
        process.terminate()
    assert process.wait(60) == status
    assert not any(b"61.75" in path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline"))
