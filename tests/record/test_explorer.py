"""What a view says is what the explorer says of the same choice: the same functions, the same numbers."""
from __future__ import annotations

import pytest

from explorer import scenes, stage, tables
from explorer.choice import Choice
from linviz.record import View
from linviz.record.numbers import numbers


@pytest.mark.parametrize("choice, query", [
    (Choice("astronaut", patches=14, maps=("softmax", "relu_floor+gate"), spec="performer", steps=10, seed=3), 77),
    (Choice("crossing", patches=14, frames=2, temperature=1.0, maps=("linear", "aft_full")), 205),
    (Choice("pan", patches=14, frames=2, maps=("relu_floor", "relu_floor+gate"), causal=True, steps=10), 391)])
def test_the_same_numbers(choice, query):
    here = scenes.scene(choice.clip, choice.grid, choice.temperature, choice.causal)
    view = View(choice.clip, choice.patches, choice.grid.T, choice.temperature, choice.specs, choice.causal,
                choice.steps, choice.seed, here.grid.place(query))
    opened = view.open()
    assert opened.grid == here.grid and (opened.picture.frames == here.picture.frames).all()
    every = numbers(opened)
    for shown in opened.shown:
        if shown.gate is None:
            theirs = stage.plain(shown.spec, here)
        else:
            fit = stage.fitting(shown.spec, here, choice).result()
            theirs = stage.after(fit, stage.fit_key(shown.spec, here, choice), here)
        said = [n for n in every if n.spec == shown.spec]
        row, mean = tables.one_row(theirs, query, here), stage.means(lambda *at: True, theirs, here)
        assert shown.title == theirs.title and set(row) <= {n.measure for n in said}
        assert {n.measure: n.patch for n in said if n.measure in row} == pytest.approx(row, rel=1e-12, abs=1e-12)
        assert {n.measure: n.mean for n in said} == pytest.approx(
            {n.measure: mean[n.measure] for n in said}, rel=1e-12, abs=1e-12)
