"""A key that is held down on a slider: every press counts, however fast they come and however long the page takes."""
from __future__ import annotations

import re
from typing import Any

import pytest

PRESSES = 20
SLIDERS = [("/?source=pan&patches=8&frames=4&specs=softmax,relu", "Patches per side"),
           ("/?source=pan&patches=8&frames=4&specs=softmax,relu", "Frames"),
           ("/?patches=8&specs=softmax,relu", "Temperature"),
           ("/atlas?patches=8", "Patches per side"), ("/who_sees_whom?patches=7&frames=2", "Patches per side"),
           ("/who_sees_whom?patches=7&frames=2", "Frames"),
           ("/trained?specs=softmax,relu_floor%2Bgate", "Strength of the gates"),
           ("/trained?specs=softmax,relu_floor%2Bgate", "Temperature of softmax")]


REST = "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"


@pytest.mark.nightly
@pytest.mark.parametrize("pause", [33, 100, 250])
@pytest.mark.parametrize("path, label", SLIDERS)
def test_every_press_counts(page: Any, explorer_url: str, path: str, label: str, pause: int) -> None:
    page.goto(explorer_url + path)
    slider = page.get_by_role("slider", name=re.compile(f"^{label}")).first
    slider.wait_for(timeout=60_000)
    page.wait_for_function(REST)
    start, most, step = (float(slider.get_attribute(name) or 1) for name in ("value", "max", "step"))
    room = round((most - start) / step)
    key, presses = ("ArrowRight", min(PRESSES, room)) if room >= 2 else ("ArrowLeft", 2)
    want = start + (presses if key == "ArrowRight" else -presses) * step
    slider.focus()
    for _ in range(presses):
        page.keyboard.press(key)
        page.wait_for_timeout(pause)
    page.wait_for_function(REST)
    page.wait_for_timeout(1500)  # a late answer of the page must not set the slider back
    assert float(slider.input_value()) == pytest.approx(want), (start, presses, step)
