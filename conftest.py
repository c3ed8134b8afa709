"""The rules of every run, of doctests too: one thread, a seed, no network, no skipped test; core-seconds."""
from __future__ import annotations

import contextlib
import ipaddress
import random
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from _pytest.doctest import DoctestModule  # pytest has no public name for it

import tests.typecheck  # noqa: F401 (before linviz: it says whose types are checked at every call)

torch.set_num_threads(1)
collect_ignore_glob = ["explorer/*/page.py",             # these draw when they are imported
                       "tests/notebooks/offline/*.py"]  # and these belong in a kernel


def seed_everything() -> None:
    """Begin all sequences of random numbers anew."""
    random.seed(0)
    np.random.seed(0)       # noqa: NPY002 (what a library may use behind our back)
    torch.default_generator.manual_seed(0)  # torch.manual_seed writes three stack traces, for devices that are not here


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers in every test, whatever ran before."""
    seed_everything()


# ---------------------------------------------------------------- examples


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Iterator[None]:
    """Look for examples where there are some only: to look for them takes as long as to import a file."""
    found = yield
    shows = file_path.suffix != ".py" or ">>>" in file_path.read_text("utf-8")
    return found if shows else [one for one in found if not isinstance(one, DoctestModule)]


# ---------------------------------------------------------------- no network


def is_here(address: Any) -> bool:
    """Whether a socket's address lies on this machine: loopback, or no internet address at all."""
    if not isinstance(address, tuple):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(address[0]).is_loopback
    return address[0] in ("", "localhost")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A test that reaches for another machine fails."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    yield
    patch.undo()


def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    """A socket's `connect` that refuses every other machine."""
    def here_only(self: socket.socket, address: Any) -> Any:
        if not is_here(address):
            raise OSError(f"a test may not reach for another machine; this one tried {address}")
        return connect(self, address)
    return here_only


# ---------------------------------------------------------------- no skips, and what is left for the night


def no_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """A skipped test is a failed one (an expected failure is neither)."""
    if report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: no test may be skipped: mend it, or take it out ({why})"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    no_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    no_skip(report)
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is long by nature, unless `-m` asks for it: tools/nightly.sh does."""
    if "nightly" in config.option.markexpr:
        return
    late = [item for item in items if item.get_closest_marker("nightly")]
    if late:
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]


# ---------------------------------------------------------------- where the time goes


REST = "the rest"
BUDGETS = {"explorer": 400, "notebooks": 300, "patch_view": 110, "course": 80, REST: 150}   # core-seconds
SERIAL = {"explorer": 60, REST: 20}     # of tests that assert a time and have the machine to themselves


def share(nodeid: str, serial: bool) -> str:
    """The budget that pays for a test: that of its folder under tests/, or of the explorer, or the rest's."""
    folders = nodeid.split("::")[0].split("/")[:-1]
    name = folders[1] if len(folders) > 1 and folders[0] == "tests" else folders[0] if folders else ""
    return name if name in (SERIAL if serial else BUDGETS) and folders[0] in ("tests", "explorer") else REST


def core_seconds(reports: Iterable[Any]) -> tuple[dict[str, float], dict[tuple[str, bool], float]]:
    """Seconds that tests kept a process, per folder and per budget; with xdist, of all processes together."""
    folders: dict[str, float] = defaultdict(float)
    budgets: dict[tuple[str, bool], float] = defaultdict(float)
    for report in reports:
        if isinstance(report, pytest.TestReport):
            serial = "budget" in report.keywords
            folders[report.nodeid.split("::")[0].rpartition("/")[0]] += report.duration
            budgets[share(report.nodeid, serial), serial] += report.duration
    return folders, budgets


def overruns(budgets: dict[tuple[str, bool], float]) -> list[str]:
    """One sentence for every budget that was overrun."""
    limits = {(name, serial): limit for serial, table in ((False, BUDGETS), (True, SERIAL))
              for name, limit in table.items()}
    return [f"OVERRUN: the tests of {name} took {budgets[name, serial]:.0f} core-seconds"
            f"{' serially' * serial}, and their budget is {limit}"
            for (name, serial), limit in limits.items() if budgets.get((name, serial), 0) > limit]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Core-seconds per folder and per budget; an overrun is reported and fails nothing."""
    folders, budgets = core_seconds(report for reports in terminalreporter.stats.values() for report in reports)
    terminalreporter.section("core-seconds per folder")
    for folder, total in sorted(folders.items(), key=lambda pair: -pair[1]):
        terminalreporter.write_line(f"{total:8.1f}  {folder}")
    terminalreporter.section("core-seconds per budget")
    for (name, serial), total in sorted(budgets.items(), key=lambda pair: -pair[1]):
        limit = (SERIAL if serial else BUDGETS)[name]
        terminalreporter.write_line(f"{total:8.1f} of {limit:4}  {name}{', serial' * serial}")
    for line in overruns(budgets):
        terminalreporter.write_line(line, red=True, bold=True)
