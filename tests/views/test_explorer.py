"""What a view says is what the explorer says of the same choice: the same functions, the same numbers."""
from __future__ import annotations

import pytest

from explorer.concentrate import own, scenes, stage
from explorer.concentrate.choice import Choice
from explorer.shared import tables
from linviz.views import File, View
from linviz.views.export.table import numbers
from tests.clips import files


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


def test_the_same_of_ones_own_film():
    """As the explorer decodes, cuts and names it: seven frames asked for, ten there, wider than high."""
    data = files.video()
    upload = own.bring(data, "../film.mp4", 7)
    choice = Choice(own.OWN, patches=14, frames=7, there=upload.size, maps=("softmax", "relu"))
    here = own.scene(choice, upload)
    opened = View(File(upload.name, upload.sha256), choice.patches, choice.grid.T, specs=choice.specs).open(data)
    assert opened.grid == here.grid and opened.grid.Y < opened.grid.X and opened.query == here.query
    assert (opened.picture.frames == here.picture.frames).all()
    row = tables.one_row(stage.plain("softmax", here), here.query, here)
    assert numbers(opened)[0].patch == pytest.approx(row["entropy"], rel=1e-12)
