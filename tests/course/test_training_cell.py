"""The training cell: pictures that change as the model learns, and a model that is kept when the cell is stopped."""
from __future__ import annotations

import re

import pytest
import torch

from linviz.course import training_cell
from linviz.course.training_cell import TITLES, watch_painting
from linviz.models import paint_picture


class Handle:
    """What a cell shows, update by update."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def display(self, page) -> None:
        assert "drawing" in page.data

    def update(self, page) -> None:
        self.shown.append(page.data)


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Handle:
    made = Handle()
    monkeypatch.setattr(training_cell, "DisplayHandle", lambda: made)
    return made


def test_the_pictures_change_and_the_model_is_returned(handle, monkeypatch):
    monkeypatch.setattr(training_cell, "EVERY", 2)
    run = watch_painting("relu", "chelsea", steps=4, pool=9)
    steps = [re.search(r"relu: step (\d) of 4; R2 on this picture -?\d\.\d\d", page) for page in handle.shown]
    assert [found and found[1] for found in steps] == ["1", "2", "4"]
    pictures = [re.findall(r'src="(.+?)" .*?alt="(.+?)"', page) for page in handle.shown]
    assert all([alt for _, alt in page] == list(TITLES) for page in pictures)
    seen, painted, true = zip(*([source for source, _ in page] for page in pictures))
    assert len(set(painted)) == 3 and len(set(seen)) == len(set(true)) == 1
    assert run.step == 4 and paint_picture(run.model, torch.rand(3, 40, 40)).picture.shape == (3, 112, 112)


def test_a_stopped_cell_keeps_its_model(handle, monkeypatch):
    paint = training_cell.paint_task

    def stopped(model, task):
        if handle.shown:
            raise KeyboardInterrupt
        return paint(model, task)
    monkeypatch.setattr(training_cell, "paint_task", stopped)
    monkeypatch.setattr(training_cell, "EVERY", 3)
    assert watch_painting(steps=9, pool=9).step == 3


def test_a_picture_that_it_learns_from_is_refused():
    with pytest.raises(ValueError, match="no held-out photograph is called 'coffee'; there are chelsea, flower"):
        watch_painting("relu", "coffee")
