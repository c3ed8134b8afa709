"""The rules of every run, of doctests too: one thread, a seed, no network, no skipped test; seconds per folder."""
from __future__ import annotations

import contextlib
import ipaddress
import random
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

torch.set_num_threads(1)
collect_ignore_glob = ["explorer/*/page.py"]     # these draw when they are imported


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers in every test, whatever ran before."""
    random.seed(0)
    np.random.seed(0)       # noqa: NPY002 (what a library may use behind our back)
    torch.default_generator.manual_seed(0)  # torch.manual_seed writes three stack traces, for devices that are not here


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


# ---------------------------------------------------------------- no skips, and where the time goes


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


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Seconds per folder: where the suite's time goes."""
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[Path(report.nodeid.split("::")[0]).parent.as_posix()] += report.duration
    terminalreporter.section("seconds per folder")
    for folder, total in sorted(seconds.items(), key=lambda pair: -pair[1]):
        terminalreporter.write_line(f"{total:8.1f}  {folder}")
