"""What a process with answers may reach, set up by the process itself before it reads an answer.

On Linux with user namespaces it gets no network, its own list of processes, all of which end with it, files that it can
read but not write (except an empty folder in memory), and empty folders in place of the checks and the solutions. Linux
without them still ends every process that it leaves behind. Other systems offer neither.
"""
from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

NEW = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000    # user, files, processes, network, messages
RECURSIVE, PRIVATE, READ_ONLY = 0x4000, 0x40000, 1                      # flags of mount
DEATH_SIGNAL, REAPER, NO_PRIVILEGES = 1, 36, 38                         # options of prctl
SET_MOUNTS, HERE, BELOW = 442, -100, 0x8000                             # mount_setattr, AT_FDCWD, AT_RECURSIVE


def confine_process(writable: str, hidden: Sequence[str]) -> bool:
    """Confine this process and return in it: True if network, files and processes are now its own.

    On Linux it returns in a child: the process that was called waits for it and exits with its status.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if own := libc.unshare(NEW) == 0:
        _write_maps(user, group)
    libc.prctl(REAPER, 1, 0, 0, 0)
    if first := os.fork():
        _supervise_child(first)
    libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if not own:
        return False
    private = _replace_files(libc, writable, hidden)
    if first := os.fork():                              # number 1 of its own processes: with it all others end
        _exit_like(_wait_for_child(first))
    libc.prctl(NO_PRIVILEGES, 1, 0, 0, 0)
    libc.capset(struct.pack("II", 0x20080522, 0), bytes(24))
    return private


def _write_maps(user: int, group: int) -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
    with contextlib.suppress(OSError):
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _replace_files(libc: Any, writable: str, hidden: Sequence[str]) -> bool:
    """Own mounts: everything read-only, one empty folder in memory, and nothing in the hidden folders."""
    def mount(kind: bytes, place: str, flags: int = 0, options: bytes = b"") -> bool:
        return bool(libc.mount(kind, place.encode(), kind, flags, options) == 0)
    done = [mount(b"none", "/", RECURSIVE | PRIVATE)]
    done += [mount(b"tmpfs", place, READ_ONLY, b"size=4k") for place in hidden]
    mount(b"proc", "/proc")                             # only its own processes; a container may refuse it
    read_only = struct.pack("QQQQ", READ_ONLY, 0, 0, 0)
    done += [libc.syscall(SET_MOUNTS, HERE, b"/", BELOW, read_only, len(read_only)) == 0]
    return all([*done, mount(b"tmpfs", writable, 0, b"size=256m")])


def _supervise_child(child: int) -> None:
    """Wait for a child, end everything that it has left behind, and exit like it. Does not return."""
    def end_child(*_: Any) -> None:  # by its number: of its own list of processes this one is no part
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    signal.signal(signal.SIGTERM, end_child)
    status = _wait_for_child(child)
    _end_all_children()
    _exit_like(status)


def _wait_for_child(child: int) -> int:
    """The status of a child; others that end meanwhile are forgotten."""
    with contextlib.suppress(ChildProcessError):
        while True:
            ended, status = os.wait()
            if ended == child:
                return status
    return signal.SIGKILL


def _end_all_children() -> None:
    """End every child until there is none: the children of a child that ends become ours."""
    while found := list(child_processes(os.getpid())):
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def child_processes(process: int) -> Iterator[int]:
    """The numbers of the children of a process; none where /proc does not list them."""
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, path.read_text().split())


def _exit_like(status: int) -> None:
    """Exit with the status of a child: 128 and the signal's number if a signal ended it."""
    os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status))
