"""One visitor: which fits and readings are on their way, what was stopped, and what the hand has done."""
from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, wait
from functools import partial
from typing import Any

from linviz.mechanisms import parse
from linviz.models import Fit

from ..shared.hand import Hand
from ..shared.jobs import PAGES, Desk, Job
from . import stage
from .choice import Choice, no_order
from .stage import Key, Scene, Shown, shelf

SMALL = 400  # tokens: up to here everything is fitted and read in a blink, so a page may wait for it
BLINK, FIRST = 0.25, 3.0  # seconds a page waits for small pictures, and on opening
REST = 0.6  # seconds without a change before rows are read
GATHER = 1.0  # seconds within which readings that end, one after the other, are shown together


class Visit:
    """Kept in a visitor's session, shared with nobody."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.stopped: dict[Key, Fit | None] = {}
        self.failed: dict[Key, str] = {}
        self.again: set[Key] = set()
        self.fits: list[Key] = []
        self.left_out: list[str] = []
        self.no_order: list[str] = []
        self.unfit: list[str] = []
        self.round, self.hand = 0, Hand()
        self._tasks: dict[Any, Callable[[], Job]] = {}
        self._choice: Choice | None = None
        self._since = self._drawn = 0.0
        self._read: set[Any] = set()

    # -------------------------------------------------------------------------------------------- panels

    def panels(self, here: Scene, choice: Choice) -> list[Shown]:
        """What each spec shows now; what is missing is noted, for `begin`."""
        self.collect()
        self._drawn = time.monotonic()
        if choice != self._choice:
            self._choice, self._since = choice, time.monotonic()
        shown, tasks = [], {}
        self.fits, self.unfit = [], []
        for spec in self._drawable(here, choice):
            key = stage.fit_key(spec, here, choice)
            try:
                shown.append(self._gated(spec, key, here) if parse(spec).gate else stage.plain(spec, here))
            except ValueError as error:  # somebody's own tensors may be too narrow for it
                self.unfit.append(f"{spec} is not shown: {error}.")
                continue
            if parse(spec).gate:
                self.fits.append(key)
                if key in self.again or not (shelf(here).get(key) or key in self.stopped or key in self.failed):
                    tasks[key] = partial(stage.fitting, spec, here, choice)
        shown = shown or [stage.plain("softmax", here)]
        self._read = {(panel.key,) for panel in shown}
        self._tasks = tasks | self._readings(shown, here)
        return shown

    def troubles(self) -> list[str]:
        """A sentence on everything that is not shown, or did not work."""
        out = [f"Not shown while nobody sees the future: {'; '.join(self.no_order)}."] if self.no_order else []
        out += [f"{', '.join(self.left_out)} would have to send the whole table of weights: shown up to "
                f"{stage.TABLE:,} patches; take fewer."] if self.left_out else []
        failed = [said for key, said in self.failed.items() if key in self.fits or key[1:] in self._read]
        return out + self.unfit + failed

    @property
    def busy(self) -> bool:
        """Whether anything is on its way or still to begin."""
        return bool(self.desk.jobs or self._tasks)

    @property
    def due(self) -> bool:
        """Whether something has ended that the page should show now; readings wait for each other a moment."""
        over = [key for key, job in self.desk.jobs.items() if job.over]
        return bool(over) and (len(over) == len(self.desk.jobs) or any(key in self.fits for key in over)
                               or time.monotonic() - self._drawn > GATHER)

    def begin(self, readings: bool = False) -> None:
        """Begin what is missing, stop what is no longer wanted. To be called once the page is drawn.

        Fits begin at once; readings, which cannot always be stopped, when the fits are over and the hand has rested.
        """
        rested = time.monotonic() - self._since > REST and self.progress() is None
        self.desk.want({key: task for key, task in self._tasks.items()
                        if key in self.fits or key in self.desk.jobs or readings or rested})

    def _drawable(self, here: Scene, choice: Choice) -> list[str]:
        """The specs that can be drawn: those without a causal form, where one is asked for, are told of in `no_order`,
        those whose maps cannot travel are named in `left_out`.
        """
        why = {spec: no_order(spec) if choice.causal else "" for spec in choice.specs}
        self.no_order = list(dict.fromkeys(filter(None, why.values())))
        self.left_out = [spec for spec in choice.specs if not why[spec]
                         and len(here.grid) > stage.TABLE and stage.table(spec, choice.moving, choice.causal)]
        return [spec for spec in choice.specs if not why[spec] and spec not in self.left_out] or ["softmax"]

    def _gated(self, spec: str, key: Key, here: Scene) -> Shown:
        fit = self.stopped.get(key) or shelf(here).get(key)
        if fit is not None:
            return stage.after(fit, key, here)
        return stage.stand_in(spec, here, "not fitted" if key in self.stopped or key in self.failed else "fitting")

    def _readings(self, panels: list[Shown], here: Scene) -> dict[Any, Any]:
        """Means over all rows, and spectra of maps without factors, that nobody has read yet."""
        tasks: dict[Any, Any] = {}
        for shown in panels:
            if shown.waiting:
                continue
            if shelf(here).get(("means", shown.key)) is None:
                tasks["means", shown.key] = partial(_reading, here, stage.READINGS, stage.means, shown, here)
            if not stage.factored(shown) and shelf(here).get(("spectrum", shown.key)) is None:
                pool = stage.LONG if len(here.grid) > stage.TABLE else stage.READINGS  # minutes hold up no seconds
                tasks["spectrum", shown.key] = partial(_reading, here, pool, stage.spectrum, shown)
        return {key: task for key, task in tasks.items() if key not in self.failed}

    def collect(self) -> bool:
        """Take what has ended off the desk; whether there was anything."""
        over = [(key, job) for key, job in self.desk.jobs.items() if job.over]
        for key, job in over:
            del self.desk.jobs[key]
            self.again.discard(key)
            try:
                result = job.result()
            except Exception as error:  # whatever it was, the page says it and stays usable
                self.failed[key] = str(error) or type(error).__name__
            else:
                if job.stopped:
                    self.stopped[key] = result
        return bool(over)

    def settle(self, seconds: float, readings: bool) -> None:
        """Begin, and wait a moment for the fits, and perhaps for the readings."""
        self.begin(readings)
        jobs = [job for key, job in self.desk.jobs.items() if readings or key in self.fits]
        with PAGES.waiting():
            wait([job.future for job in jobs], timeout=seconds)

    def stop(self) -> None:
        """Stop the fits; the gates stay as far as they came."""
        for key in self.fits:
            if key in self.desk.jobs:
                self.desk.jobs[key].stop()

    def refit(self) -> None:
        """Fit the gates again."""
        for key in self.fits:
            self.stopped.pop(key, None)
            self.failed.pop(key, None)
            self.again.add(key)

    def progress(self) -> tuple[int, int, float] | None:
        """Steps done and to do of all fits on their way, and the largest divergence in bits; None without a fit."""
        jobs = [self.desk.jobs[key] for key in self.fits if key in self.desk.jobs]
        jobs = [job for job in jobs if not job.over]
        if not jobs:
            return None
        return sum(j.step for j in jobs), sum(j.steps for j in jobs), max(j.value for j in jobs)

    # -------------------------------------------------------------------------------------------- the hand

    @property
    def query(self) -> int:
        """The pinned query."""
        return self.hand.query

    def follow(self, message: dict[str, Any] | None, here: Scene) -> int:
        """The pinned query, after what the view has told."""
        return self.hand.follow(message, here.grid, here.query)

    def reset(self) -> None:
        """As on opening; the view is made anew."""
        self.stop()
        self.stopped, self.failed, self.again = {}, {}, set()
        self.hand.clear()
        self.round += 1


def _reading(here: Scene, pool: Executor, read: Callable[..., Any], shown: Shown, *more: Any) -> Job:
    """Begin a reading of a panel; what comes of it goes on the scene's shelf under the reader's name."""
    key = (read.__name__, shown.key)
    return Job(lambda report: read(report, shown, *more), pool, partial(shelf(here).put, key))
