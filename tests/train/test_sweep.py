"""A sweep on Dask leaves the same models as runs one after the other, and goes on where one process stopped."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .test_command import run, small, videos  # noqa: F401 (fixtures)

ARMS = ("--mechanism", "softmax", "relu_floor")


@pytest.fixture(scope="module")
def address() -> Any:
    """A scheduler with a worker, both in this process."""
    from dask.distributed import LocalCluster
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://",
                      host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


def models(folder: Path) -> dict[str, bytes]:
    """What two sweeps have in common: weights and curves."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".safetensors", ".csv")}


def test_a_sweep_leaves_what_runs_one_after_the_other_leave(address: str, tmp_path: Path, videos: Path,  # noqa: F811
                                                            capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((*ARMS[:2], "--seeds", "1"), (*ARMS, "--data", videos)):
        here, there = (tmp_path / f"{name}{len(words)}" for name in ("here", "there"))
        assert run(*words, "--out", here) == 0 and run(*words, "--out", there, "--dask", address) == 0
        assert models(there) == models(here) and len(models(here)) == 2 * (1 + ("--data" in words))
    before = {path: path.stat().st_mtime_ns for path in there.iterdir()}
    assert run(*words, "--out", there, "--dask", address) == 0
    assert {path: path.stat().st_mtime_ns for path in there.iterdir()} == before, "finished runs stay"
    assert not list(there.glob("*.going")) and "2 of 2 models are in" in capsys.readouterr().out
