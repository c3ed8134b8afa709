"""The guide from a laptop to a cluster: its local commands run as they stand, and it says what was not tried."""
from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from linviz.cli import parse_words
from linviz.survey.survey_table import read_survey

from .storms import ROOT, running

GUIDE = (ROOT / "docs" / "from_a_laptop_to_a_cluster.md").read_text("utf-8")
LOCAL = [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.strip().splitlines()]


@pytest.mark.nightly
def test_local_commands_run(tmp_path: Path) -> None:
    for n, line in enumerate(LOCAL):
        with running(tmp_path / f"{n}.log", *shlex.split(line)) as command:
            assert command.wait(900) == 0, (tmp_path / f"{n}.log").read_text()
    rows = {name: read_survey(tmp_path / f"{name}.parquet").num_rows for name in ("survey", "model", "local")}
    assert rows == {"survey": 8, "model": 2 * 3 * 3 * 2, "local": 8}
    assert len(list((tmp_path / "runs").glob("*.safetensors"))) == 4


def test_every_command_is_known_and_what_was_not_tried_says_so() -> None:
    for line in re.findall(r"^linviz .*$", GUIDE, re.M):
        parse_words(shlex.split(line, comments=True)[1:])
    tried = {"On this computer", "Several processes on this computer", "What every cluster needs"}
    heads = re.findall(r"^## (.*)$", GUIDE, re.M)
    untried = {head for head in heads if head.endswith("(not tried here)")}
    assert len(LOCAL) == 6 and len(untried) == 3 and set(heads) - tried == untried
