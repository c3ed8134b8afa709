"""Generated clips, and a survey of them whose driver, worker and scheduler are killed."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 240  # seconds: a machine may be busy


def write_clips(folder: Path, count: int, side: int = 48) -> Path:
    """So many films of two frames, each with other pixels."""
    folder.mkdir()
    for n in range(count):
        draw = np.random.default_rng(n)
        frames = [Image.fromarray(draw.integers(0, 256, (side // 6, side // 6, 3), np.uint8)).resize((side, side))
                  for _ in range(2)]
        frames[0].save(folder / f"{n:03}.gif", save_all=True, append_images=frames[1:], duration=100)
    return folder


@contextmanager
def running(log: Path, *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process until the block ends; it is killed then."""
    variables = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out, subprocess.Popen([sys.executable, "-m", *map(str, words)], stdout=out, stderr=out,
                                                 cwd=log.parent, env=variables, start_new_session=True) as process:
        try:
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """As a power cut does: the process and what it started, without a word."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(PATIENCE)


def scheduler(log: Path) -> tuple[str, object]:
    """The address of a scheduler of Dask, and what runs it."""
    port = free_port()
    return f"tcp://127.0.0.1:{port}", running(log, "dask", "scheduler", "--host", "127.0.0.1", "--port", port,
                                              "--no-dashboard")


def worker(log: Path, address: str) -> object:
    """What runs a worker of Dask, with one thread."""
    return running(log, "dask", "worker", address, "--nthreads", 1, "--no-nanny", "--no-dashboard", "--host",
                   "127.0.0.1", "--death-timeout", PATIENCE, "--local-directory", log.parent)


def await_parts(parts: Path, count: int, driver: subprocess.Popen[bytes] | None, log: Path) -> int:
    """Return when there are so many parts; how many there are. The driver, where there is one, must live meanwhile."""
    end = time.monotonic() + PATIENCE
    while (found := len(list(parts.glob("*.json")))) < count:
        ended = time.monotonic() > end or driver is not None and driver.poll() is not None
        assert not ended, log.read_text(errors="replace")[-2000:]
        time.sleep(0.01)
    return found
