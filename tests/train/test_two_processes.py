"""Two processes train one model together, with the losses of one process."""
from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.survey.storms import running

TRAIN = ("linviz", "train", "--mechanism", "relu_floor+gate", "--steps", 12)
TOGETHER = ("torch.distributed.run", "--nproc_per_node", 2, "--master_addr", "127.0.0.1", "--master_port")


@pytest.mark.nightly
def test_two_processes_have_the_losses_of_one(tmp_path: Path) -> None:
    commands = {"one": TRAIN, "two": (*TOGETHER, free_port(), "-m", *TRAIN)}
    for name, words in commands.items():
        with running(tmp_path / f"{name}.log", *words, "--out", tmp_path / name) as command:
            assert command.wait(900) == 0, (tmp_path / f"{name}.log").read_text(errors="replace")[-2000:]
    one, two = (list(csv.DictReader((tmp_path / name / "relu_floor-gate.0.csv").open())) for name in commands)
    assert len(one) == len(two) == 1
    for name in ("loss", "accuracy", "held_out"):
        assert float(two[0][name]) == pytest.approx(float(one[0][name]), abs=1e-6)
