"""Point 21 of the explorer: time and memory over the number of patches, live, and an estimate above a cap."""
from __future__ import annotations

import csv
from typing import Any

import pytest

SLIDER = "Patches N"
CELLS = """title => [...[...document.querySelectorAll('.linviz-numbers tbody tr')].find(
  row => row.cells[0].innerText.startsWith(title)).cells].slice(1).map(cell => cell.innerText)"""
DONE = "() => [...document.querySelectorAll('button')].some(button => button.innerText.includes('Measure again'))"
CHARTS = "() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2"


@pytest.mark.browser
@pytest.mark.nightly
def test_cost_is_measured_here_up_to_a_cap_and_estimated_above(page: Any, explorer_url: str) -> None:
    page.goto(f"{explorer_url}/atlas?view=cost&cost_most=196&cost_tokens=196")
    page.wait_for_function(DONE, timeout=60_000)
    page.wait_for_function(CHARTS, timeout=60_000)
    measured = page.evaluate(CELLS, "time, N = 196")
    assert len(measured) == 2 and not any("estimate" in cell for cell in measured)
    assert page.get_by_text("On this machine,").count() == 1
    slider = page.get_by_role("slider", name=SLIDER)
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => document.body.innerText.includes('time, N = 3,136')")
    assert all("(estimate)" in cell for cell in page.evaluate(CELLS, "time, N = 3,136"))
    assert "N²" in page.evaluate(CELLS, "formula")[0] and page.url.endswith("cost_tokens=3136&cost_most=196")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    rows = list(csv.DictReader(download.value.path().open()))
    assert [row["measured"] for row in rows if row["patches"] in ("49", "3136")] == ["yes", "no"] * 2
    assert [said for said in page.problems if "404" not in said] == []
