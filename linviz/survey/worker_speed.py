"""How much faster a survey is with several workers: the clips per second of one worker and of more, taken in turns."""
from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .clip_list import ClipName
from .clip_survey import measure_survey
from .survey_options import LOCAL, SurveyOptions
from .task_runner import dask_client


@dataclass(frozen=True)
class WorkerSpeed:
    """Clips per second of wall time with one worker and with `workers`, in each round, and how many cores there are."""

    workers: int
    cores: int
    one: tuple[float, ...]
    several: tuple[float, ...]

    @property
    def speed_up(self) -> float:
        """The median ratio of the rounds: `workers` where they share nothing, less where cores are busy.

        >>> WorkerSpeed(2, 2, (1.0, 2.0, 1.0), (1.8, 3.0, 1.9)).speed_up
        1.8
        """
        ratios = sorted(more / less for less, more in zip(self.one, self.several, strict=True))
        return ratios[len(ratios) // 2]


def measure_worker_speed(clips: Sequence[ClipName], options: SurveyOptions, workers: int = 2,
                         rounds: int = 3) -> WorkerSpeed:
    """Survey the same clips with one worker and with several, in turns, each time anew and with warm workers."""
    one, several = list[float](), list[float]()
    with dask_client(LOCAL, 1) as single, dask_client(LOCAL, workers) as many:
        for client in (single, many):
            clips_per_second(clips, options, client)   # workers import what they need
        for _ in range(rounds):
            one.append(clips_per_second(clips, options, single))
            several.append(clips_per_second(clips, options, many))
    return WorkerSpeed(workers, os.cpu_count() or 1, tuple(one), tuple(several))


def clips_per_second(clips: Sequence[ClipName], options: SurveyOptions, client: Any = None) -> float:
    """Clips per second of wall time of a survey whose parts are not there yet."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        measure_survey(clips, options, Path(folder), client)
        return len(clips) / (time.perf_counter() - began)
