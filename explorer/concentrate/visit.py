"""One visitor: which fits and readings are on their way, what was stopped, and the state of the live view."""
from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, wait
from functools import partial
from typing import Any

from linviz.mechanisms import parse
from linviz.models import Fit
from linviz.views import Look, View
from linviz.views.panel_options import panel_text

from ..shared.background_jobs import PAGES, Job, JobList
from ..shared.live_state import LiveState
from ..shared.scenes import Key, KeyedPanel, Scene
from . import panel_work
from .panel_work import scene_results
from .what_fits import TABLE, moving, refusal

SMALL = 400  # tokens: up to here everything is fitted and read at once, so a page may wait for it
BLINK, FIRST = 0.25, 3.0  # seconds a page waits for small pictures, and on opening
REST = 0.6  # seconds without a change before rows are read
GATHER = 1.0  # seconds within which readings that end, one after the other, are shown together


class Visit:
    """Kept in a visitor's session, shared with nobody."""

    def __init__(self) -> None:
        self.jobs = JobList()
        self.stopped: dict[Any, Fit | None] = {}
        self.failed: dict[Any, str] = {}
        self.again: set[Key] = set()
        self.fits: list[Key] = []
        self.left_out: list[str] = []
        self.not_causal: list[str] = []
        self.unfit: list[str] = []
        self.round, self.live = 0, LiveState(Look())
        self._tasks: dict[Any, Callable[[], Job]] = {}
        self._view: View | None = None
        self._since = self._drawn = 0.0
        self._read: set[Any] = set()

    # -------------------------------------------------------------------------------------------- panels

    def panels(self, here: Scene, view: View) -> list[KeyedPanel]:
        """What each spec shows now; what is missing is noted, for `begin`."""
        self.collect()
        self._drawn = time.monotonic()
        if view != self._view:
            self._view, self._since = view, time.monotonic()
        shown: list[KeyedPanel] = []
        tasks: dict[Any, Any] = {}
        self.fits, self.unfit = [], []
        for spec, options in self._drawable(here, view):
            key = panel_work.fit_key(panel_text(spec, options), here, view)
            try:
                shown.append(self._gated(spec, options, key, here) if parse(spec).gate else
                             panel_work.plain_panel(spec, options, here))
            except ValueError as error:  # a person's own tensors may be too narrow for it
                self.unfit.append(f"{panel_text(spec, options)} is not shown: {error}.")
                continue
            if parse(spec).gate:
                self.fits.append(key)
                if key in self.again or not (scene_results(here).get(key) or key in self.stopped or key in self.failed):
                    tasks[key] = partial(panel_work.start_fit, spec, options, here, view)
        shown = shown or [_control_panel(here)]
        turned = panel_work.panels_at(shown, self.live.look, here)
        self._read = {(panel.result_key,) for panel in turned}
        self._tasks = tasks | self._readings(turned, here)
        return shown

    def has_finished(self, panel: KeyedPanel) -> bool:
        """Whether a panel is as it will stay: its gate was neither stopped on the way nor is it still being fitted."""
        return not panel.waiting and self.stopped.get(panel.result_key[1:-1]) is None

    def troubles(self) -> list[str]:
        """A sentence on everything that is not shown, or did not work."""
        out = [f"Not shown while attention is causal: {'; '.join(self.not_causal)}."] if self.not_causal else []
        out += [f"{', '.join(self.left_out)} can only be sent as a whole table of weights, which is done up to "
                f"{TABLE:,} patches; take fewer."] if self.left_out else []
        failed = [said for key, said in self.failed.items() if key in self.fits or key[1:] in self._read]
        return out + self.unfit + failed

    @property
    def busy(self) -> bool:
        """Whether anything is on its way or still to begin."""
        return bool(self.jobs.jobs or self._tasks)

    @property
    def due(self) -> bool:
        """Whether something has ended that the page should show now; readings wait for each other a moment."""
        over = [key for key, job in self.jobs.jobs.items() if job.over]
        return bool(over) and (len(over) == len(self.jobs.jobs) or any(key in self.fits for key in over)
                               or time.monotonic() - self._drawn > GATHER)

    def begin(self, readings: bool = False) -> None:
        """Begin what is missing, stop what is no longer wanted. To be called once the page is drawn.

        Fits begin at once; readings, which cannot always be stopped, begin when the fits are over and nothing has
        changed for a moment.
        """
        rested = time.monotonic() - self._since > REST and self.progress() is None
        self.jobs.want({key: task for key, task in self._tasks.items()
                        if key in self.fits or key in self.jobs.jobs or readings or rested})

    def _drawable(self, here: Scene, view: View) -> list[tuple[str, Mapping[str, Any]]]:
        """The panels that can be drawn. The others are named with a reason.

        `not_causal` has those without the causal form that is asked for, `left_out` those whose maps cannot travel.
        """
        clip, large = moving(view, here.clip.size), len(here.grid) > TABLE
        self.not_causal, self.left_out, out = [], [], []
        for spec, options in view.panels:
            if view.causal and (why := refusal(spec, options, causal=True)):
                why = why.partition(";")[0]  # what is wrong, without what to write instead
                self.not_causal = list(dict.fromkeys([*self.not_causal, why]))
            elif large and panel_work.travels_as_table(spec, options, clip, view.causal):
                self.left_out.append(panel_text(spec, options))
            else:
                out.append((spec, options))
        return out or [("softmax", {})]

    def _gated(self, spec: str, options: Mapping[str, Any], key: Key, here: Scene) -> KeyedPanel:
        fit = self.stopped.get(key) or scene_results(here).get(key)
        if fit is not None:
            return panel_work.fitted_panel(fit, options, key, here)
        word = "not fitted" if key in self.stopped or key in self.failed else "fitting"
        return panel_work.placeholder_panel(spec, options, here, word)

    def _readings(self, panels: list[KeyedPanel], here: Scene) -> dict[Any, Any]:
        """Means over all rows, and spectra of maps without factors, that are not there yet."""
        tasks: dict[Any, Any] = {}
        for panel in panels:
            if panel.waiting:
                continue
            means, spectrum = ("means", panel.result_key), ("spectrum", panel.result_key)
            if scene_results(here).get(means) is None:
                tasks[means] = partial(_reading, here, panel_work.READINGS, panel_work.means, panel, here)
            if not panel_work.is_factored(panel) and scene_results(here).get(spectrum) is None:
                long = len(here.grid) > TABLE  # minutes hold up no seconds
                pool = panel_work.LONG if long else panel_work.READINGS
                tasks[spectrum] = partial(_reading, here, pool, panel_work.spectrum, panel)
        return {key: task for key, task in tasks.items() if key not in self.failed}

    def collect(self) -> bool:
        """Take what has ended off the list; whether there was anything."""
        over = [(key, job) for key, job in self.jobs.jobs.items() if job.over]
        for key, job in over:
            del self.jobs.jobs[key]
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
        jobs = [job for key, job in self.jobs.jobs.items() if readings or key in self.fits]
        with PAGES.waiting():
            wait([job.future for job in jobs], timeout=seconds)

    def stop(self) -> None:
        """Stop the fits; the gates stay as far as they came."""
        for key in self.fits:
            if key in self.jobs.jobs:
                self.jobs.jobs[key].stop()

    def refit(self) -> None:
        """Fit the gates again."""
        for key in self.fits:
            self.stopped.pop(key, None)
            self.failed.pop(key, None)
            self.again.add(key)

    def progress(self) -> tuple[int, int, float] | None:
        """Steps done and to do of all fits on their way, and the largest divergence in bits; None without a fit."""
        jobs = [self.jobs.jobs[key] for key in self.fits if key in self.jobs.jobs]
        jobs = [job for job in jobs if not job.over]
        if not jobs:
            return None
        return sum(j.step for j in jobs), sum(j.steps for j in jobs), max(j.value for j in jobs)

    # -------------------------------------------------------------------------------------------- the live view

    @property
    def query(self) -> int:
        """The pinned query."""
        return self.live.query

    def follow(self, message: dict[str, Any] | None, here: Scene) -> int:
        """The pinned query, after what the view has reported."""
        return self.live.follow(message, here.grid, here.query)

    def reset(self) -> None:
        """As on opening; the view is made anew."""
        self.stop()
        self.stopped, self.failed, self.again = {}, {}, set()
        self.live.clear()
        self.round += 1


def _control_panel(here: Scene) -> KeyedPanel:
    """What is shown where nothing that was asked for can be: softmax, or, of numbers too large for it, uniform."""
    try:
        return panel_work.plain_panel("softmax", {}, here)
    except ValueError:
        return panel_work.plain_panel("uniform", {}, here)


def _reading(here: Scene, pool: Executor, read: Callable[..., Any], panel: KeyedPanel, *more: Any) -> Job:
    """Begin a reading of a panel; its result goes into the scene's results under the reader's name."""
    key = (read.__name__, panel.result_key)
    return Job(lambda report: read(report, panel, *more), pool, partial(scene_results(here).put, key))
