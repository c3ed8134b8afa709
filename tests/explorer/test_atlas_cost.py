"""Cost on the atlas: points appear as they are measured, can be stopped, are read at N, and go into files."""
from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from explorer.atlas import cost_measurement
from explorer.atlas.atlas_state import AtlasView
from explorer.atlas.cost_view import VISIT, cost_csv, cost_table
from linviz.measured_cost import SIDES, CostPoint, crossover_sentence

from .harness import visit, well


def fake_point(name: str, n: int, most: int) -> CostPoint:
    seconds = 1e-9 * n**2 if name == "softmax" else 3e-7 * n
    return CostPoint(name, n, seconds, 8 * n, 100 * n, n <= most)


class Measured:
    """Stands for the measurement: gives a point when it is told to."""

    def __init__(self) -> None:
        self.go, self.asked = Event(), list[Any]()

    def __call__(self, names: tuple[str, ...], width: int, most: int) -> Iterator[list[CostPoint]]:
        self.asked.append((names, width, most))
        for number, side in enumerate(SIDES):
            if number == 2:
                self.go.wait(60)
            yield [fake_point(name, side**2, most) for name in names]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    fake = Measured()
    monkeypatch.setattr(cost_measurement, "measured_costs", fake)
    monkeypatch.setattr(cost_measurement, "RESULTS", cost_measurement.ResultCache(4))
    yield fake
    fake.go.set()


def opened(**address: str) -> AppTest:
    return visit("atlas", view="cost", **address)


def until(app: AppTest, there: Callable[[], bool]) -> AppTest:
    """Wait for the background, then run the page again."""
    for job in list(app.session_state[VISIT].jobs.jobs.values()):
        while not (there() or job.over):
            job.future.exception(timeout=0.01) if job.future.done() else Event().wait(0.01)
    return well(app.run())


def finished(app: AppTest) -> AppTest:
    for job in app.session_state[VISIT].jobs.jobs.values():
        job.future.result(60)
    return well(app.run())


def table(app: AppTest) -> str:
    return next(e.proto.body for e in app.get("html") if "formula of the time" in e.proto.body)


def test_points_come_one_by_one_and_the_page_reads_them_at_n(measured: Measured) -> None:
    app = opened(cost_most="784")
    visited = app.session_state[VISIT]
    app = until(app, lambda: len(visited.rows) == 2)
    assert len(visited.rows) == 2 and "…" in table(app), "784 patches are not there yet"
    assert "Stop" in [b.label for b in app.button] and measured.asked == [(("softmax", "linear"), 32, 784)]
    measured.go.set()
    app = finished(app)
    columns = [list(column) for column in zip(*visited.rows)]
    assert len(visited.rows) == len(SIDES) and "615 µs" in table(app) and "(estimate)" not in table(app)
    assert any(crossover_sentence(["softmax", "linear (elu + 1)"], columns) in m.value for m in app.markdown)
    app = well(app.select_slider(key="atlas_cost_tokens").set_value("3136").run())
    assert "9.83 ms (estimate)" in table(app) and "39.3 MB" in table(app)
    assert app.query_params["cost_tokens"] in ("3136", ["3136"]) and len(measured.asked) == 1


def test_it_stops_keeps_what_there_is_and_measures_again(measured: Measured) -> None:
    app = opened()
    visited = app.session_state[VISIT]
    app = until(app, lambda: len(visited.rows) == 2)
    app = well(next(b for b in app.button if b.label == "Stop").click().run())
    measured.go.set()
    assert len(visited.rows) in (2, 3) and not visited.running and "Measure again" in [b.label for b in app.button]
    app = well(next(b for b in app.button if b.label == "Measure again").click().run())
    app = finished(app)
    assert len(visited.rows) == len(SIDES) and len(measured.asked) == 2
    assert opened().session_state[VISIT].rows == visited.rows and len(measured.asked) == 2, "kept for everybody"


def test_what_goes_wrong_is_said(monkeypatch: pytest.MonkeyPatch, measured: Measured) -> None:
    monkeypatch.setattr(cost_measurement, "measured_costs", lambda *a, **how: iter([1 / 0]))
    app = opened(cost_width="16")
    for job in app.session_state[VISIT].jobs.jobs.values():
        job.future.exception(60)
    app = well(app.run())
    assert any("division by zero" in w.value for w in app.warning)
    assert "Choose one to four" in opened(costed="").info[0].value


def test_the_file_has_every_point_and_says_what_is_an_estimate() -> None:
    columns = [[fake_point(name, n, 49) for n in (49, 100)] for name in ("softmax", "linear")]
    rows = list(csv.DictReader(io.StringIO(cost_csv(columns, ["softmax", "linear"], AtlasView()))))
    assert [row["measured"] for row in rows] == ["yes", "no"] * 2
    assert float(rows[1]["seconds"]) == 1e-9 * 100**2 and rows[1]["table_bytes"] == "40000"
    assert "10 µs (estimate)" in cost_table(columns, ["softmax", "linear"], 100)
