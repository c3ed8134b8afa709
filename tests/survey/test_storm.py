"""Driver, worker and scheduler are killed in the middle of a survey: nothing is lost, nothing counts twice."""
from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from linviz.cli import main
from linviz.survey.clip_list import find_clips
from linviz.survey.clip_survey import measure_survey
from linviz.survey.survey_options import SurveyOptions
from linviz.survey.survey_table import read_survey
from linviz.survey.worker_speed import measure_worker_speed

from .storms import PATIENCE, await_parts, kill, running, scheduler, worker, write_clips

ASKED = SurveyOptions(("softmax", "relu_floor"), patches=12, frames=2)
WORDS = ("--mechanism", *ASKED.mechanisms, "--patches", ASKED.patches, "--frames", ASKED.frames)


def survey_in_a_storm(clips: Path, count: int) -> list[int]:
    """Survey clips with a worker, a driver and a scheduler that die, one each; how many parts there were each time."""
    home, seen = clips.parent, list[int]()
    parts, out = home / "out.parts", home / "out.parquet"
    address, service = scheduler(home / "scheduler.log")
    words = ("survey", clips, *WORDS, "--out", out, "--dask", address)

    def await_share(share: float, driver: subprocess.Popen[bytes] | None = None) -> None:
        seen.append(await_parts(parts, round(share * count), driver, home / "driver.log"))

    def kill_in_time() -> None:
        await_share(0.6)
        kill(server)
    with service as server, worker(home / "worker.log", address) as first:
        with running(home / "driver.log", "linviz", *words) as driver:
            await_share(0.2, driver)
            kill(first)
            with worker(home / "other.log", address):
                await_share(0.4, driver)
                kill(driver)
                threading.Thread(target=kill_in_time).start()
                assert main([str(word) for word in words]) == 1
    assert not out.exists()
    return seen


def check_storm(tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The survey goes on here, and has the same table as one that was left alone."""
    clips = write_clips(tmp_path / "clips", count)
    calm, _ = measure_survey(find_clips([clips]), ASKED, tmp_path / "calm")
    seen = survey_in_a_storm(clips, count)
    assert len(seen) == 3 and all(0.2 * count - 1 <= n <= 0.8 * count for n in seen), seen
    said = capsys.readouterr().err.splitlines()[-1]
    assert "does not answer any more" in said and f"of {count} clips are in" in said
    parts = tmp_path / "out.parts"
    before = {path: path.stat().st_mtime_ns for path in parts.glob("*.json")}
    stormy, record = measure_survey(find_clips([clips]), ASKED, parts)
    assert stormy.equals(calm, check_metadata=True) and stormy.num_rows == 2 * count == 2 * len(record["clips"])
    assert len(set(stormy.column("clip").to_pylist())) == count == len(list(parts.glob("*.json")))
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what was there is not measured again"


def test_a_survey_goes_on_after_every_death(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_storm(tmp_path, 12, capsys)


@pytest.mark.nightly
def test_a_survey_of_two_hundred_clips_goes_on_after_every_death(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_storm(tmp_path, 200, capsys)


@pytest.mark.nightly
def test_two_local_workers_write_the_same_table(tmp_path: Path) -> None:
    clips = write_clips(tmp_path / "clips", 6)
    words = ("linviz", "survey", clips, *WORDS, "--out")
    for name, more in (("here", ()), ("local", ("--dask", "local", "--workers", 2))):
        with running(tmp_path / f"{name}.log", *words, tmp_path / f"{name}.parquet", *more) as driver:
            assert driver.wait(PATIENCE) == 0, (tmp_path / f"{name}.log").read_text()
    here, local = (read_survey(tmp_path / f"{name}.parquet") for name in ("here", "local"))
    assert local.equals(here, check_metadata=True)


@pytest.mark.nightly
def test_the_speed_of_two_workers_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = find_clips([write_clips(tmp_path / "clips", 24)])
    found = measure_worker_speed(clips, ASKED)
    with capsys.disabled():
        print(f"\n{found.workers} workers on {found.cores} cores: {found.speed_up:.2f} times the clips of one worker "
              f"({', '.join(f'{x:.1f}' for x in found.several)} against {', '.join(f'{x:.1f}' for x in found.one)})")
    assert len(found.one) == len(found.several) == 3 and min(*found.one, *found.several) > 0
