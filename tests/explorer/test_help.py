"""Help texts are true: what they say of the temperature is measured, and every number's name has its meaning."""
from __future__ import annotations

import pytest

import linviz
from explorer.shared.number_tables import ROWS, measure_html
from linviz import clips
from linviz.views import View


@pytest.mark.parametrize("spec, below, above", [
    ("softmax", -1, 1), ("relu", 0, 0), ("focused", 0, 0), ("cosformer", 0, 0), ("performer", 1, None)])
def test_what_the_temperature_does_is_what_its_help_says(spec, below, above):
    """-1: sharper than at the opening's temperature, 0: the same map, 1: flatter. None: nothing is said."""
    opening, help_text = clips.OPENING, View.flat_settings()["temperature"].setting.help
    assert "relu, focused and cosformer stay as they are" in help_text and "Performer gets flatter below" in help_text

    def bits(temperature: float) -> float:
        q, k, v = clips.descriptors(clips.load(opening.name), opening.grid, temperature)
        mechanism = linviz.make(spec, 1, q.shape[-1], opening.grid)
        return linviz.read(mechanism, q, k, v).summary(spectrum=False)["entropy"]
    here = bits(1.0)
    for temperature, sign in ((0.5, below), (2.0, above)):
        change = bits(temperature) - here
        assert sign is None or (abs(change) < 1e-3 if sign == 0 else change * sign > 0.005), (spec, temperature, change)


@pytest.mark.parametrize("name", ROWS)
def test_the_name_of_a_number_has_its_meaning_under_the_pointer(name):
    assert measure_html(name).startswith('<abbr title="') and len(measure_html(name).split('"')[1]) > 30
