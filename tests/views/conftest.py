"""Two small opened views, a photograph and a clip, made once; and a person's own film."""
from __future__ import annotations

import pytest

from linviz.views import OpenView, SourceFile, View, open_view
from tests.clips import files

SPECS = ("softmax", "relu_floor", "relu_floor+gate")


@pytest.fixture(scope="session")
def photo() -> OpenView:
    """A photograph under softmax, the floor and a gate that was fitted for a moment."""
    return open_view(View("chelsea", patches=8, specs=SPECS, steps=8, query=(0, 3, 5)))


@pytest.fixture(scope="session")
def moving() -> OpenView:
    """A clip with a mask, three frames, one mechanism with weights below zero beside softmax."""
    return open_view(View("crossing", patches=7, frames=3, specs=("softmax", "factorized"), query=(1, 2, 3)))


@pytest.fixture(scope="session")
def own() -> tuple[View, bytes]:
    """A view of a person's own film, and the film."""
    data = files.video()
    film = SourceFile.of("film.mp4", data)
    return View(film, patches=6, frames=3, specs=("softmax", "linear"), query=(2, 1, 4)), data
