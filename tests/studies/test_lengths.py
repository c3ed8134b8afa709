"""The stored effects of a longer query: of every mechanism, as measured now, on the picture that opens the Atlas."""
from __future__ import annotations

import pytest

from explorer.atlas.atlas_state import AtlasView
from explorer.atlas.card_changes import stored_answers
from linviz import names
from linviz.evidence import LENGTHS, read_data
from studies.length_study import measured_length, opening_tokens


def test_every_mechanism_has_stored_numbers_of_the_picture_with_which_the_atlas_opens() -> None:
    found = read_data(LENGTHS)
    source, grid, temperature = AtlasView().scene
    assert (found["source"], found["grid"]) == (source, [grid.T, grid.Y, grid.X])
    assert found["temperature"] == pytest.approx(temperature, abs=1e-5)
    assert sorted(found["rows"]) == names(), "python3 start.py study lengths measures a new mechanism"


def test_the_stored_numbers_are_those_that_are_measured() -> None:
    tokens, stored = opening_tokens(), stored_answers()
    for name in ("softmax", "relu", "mala", "nala", "aft_full", "kda", "performer"):
        now = measured_length(name, tokens)
        assert stored[name].largest == pytest.approx(now.largest, rel=1e-3), name
        assert (now.entropy is None) == (stored[name].entropy is None)
        assert now.entropy is None or stored[name].entropy == pytest.approx(now.entropy, abs=1e-3), name
        assert stored[name].answer == now.answer
