"""The measurement of one visitor: it runs in the background, its points appear as they come, and it can be stopped."""
from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor

from linviz.measured_cost import SIDES, CostPoint, measured_costs

from ..shared.background_jobs import Job, JobList, Report, ResultCache
from .atlas_state import AtlasView

POOL = ThreadPoolExecutor(1, "cost")  # one thread for all visitors: two measurements would disturb each other
RESULTS = ResultCache(most=32)
Rows = list[list[CostPoint]]


class CostMeasurement:
    """Points so far, picture by picture: one of every chosen mechanism. A result is kept for all visitors."""

    def __init__(self) -> None:
        self.jobs, self.failed, self.stopped = JobList(), "", False
        self._rows: Rows = []
        self._key: Hashable = None

    def want(self, choice: AtlasView) -> None:
        """Measure what is chosen, unless that has been done; what runs for another choice is stopped."""
        key = (choice.costed, choice.cost_width, choice.cost_most)
        if key != self._key:
            self._key, self.failed, self.stopped, self._rows = key, "", False, []
        found: Rows | None = RESULTS.get(key)
        if found is not None or self.failed or self.stopped or not choice.costed:
            self.jobs.want({})
            self._rows = found or self._rows
        else:
            rows = self._rows
            self.jobs.want({key: lambda: Job(lambda report: _measure(report, choice, rows), POOL,
                                             lambda done: RESULTS.put(key, done))})

    @property
    def rows(self) -> Rows:
        """The points that are there."""
        return list(self._rows)

    @property
    def running(self) -> bool:
        """Whether the measurement is on its way. What went wrong is kept in `failed`."""
        for job in self.jobs.jobs.values():
            if not job.over:
                return True
            try:
                job.result()
            except Exception as error:  # whatever it was, the page says it and stays usable
                self.failed = str(error) or type(error).__name__
        return False

    def stop(self) -> None:
        """Stop at the next picture; the points stay."""
        self.stopped = True
        self.jobs.want({})

    def again(self) -> None:
        """Forget the points and measure once more."""
        RESULTS.put(self._key, None)
        self._key = None


def _measure(report: Report, choice: AtlasView, rows: Rows) -> Rows:
    """Append the points of one picture after the other to `rows`."""
    rows.clear()
    for points in measured_costs(choice.costed, width=int(choice.cost_width), most=int(choice.cost_most)):
        rows.append(points)
        if not report(len(rows), len(SIDES), 0.0):
            break
    return list(rows)
