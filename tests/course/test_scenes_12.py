"""Chapter 12: rank and bits of maps, their spectrum at every setting of a slider, and two trained painters."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid
from linviz.course.scenes.ch12 import POWERS, MapFacts, layer_facts, painted_at, power_facts, spectrum_at
from linviz.course.shipped_paintings import PICTURE, shipped_painting
from linviz.course.training_cell import POOL, STEPS, TESTS, held_out_photograph
from linviz.models import paint_picture
from linviz.models.arms import arm_recipe
from tests.cases import every_case

ARMS = ("softmax", "focused")


def test_rank_and_bits_of_maps_known_by_hand() -> None:
    uniform, own = MapFacts.of(torch.full((8, 8), 1 / 8).double()), MapFacts.of(torch.eye(8).double())
    assert (uniform.rank, own.rank) == (1, 8) and uniform.bits == pytest.approx(3) and own.bits == 0
    assert own.effective == pytest.approx(8) and MapFacts.of(-torch.eye(3).double()).bits is None


@pytest.fixture(scope="module")
def by_power() -> dict[int, MapFacts]:
    x = torch.randn(1, 1, 36, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return power_facts(x, x, x, Grid(1, 6, 6))


@every_case("power", POWERS)
def test_a_spectrum_is_drawn_at_every_setting(by_power, power: int) -> None:
    figure, facts = spectrum_at(power, found=by_power, spec="focused", name="power"), by_power[power]
    assert len(figure.data[-1].y) == facts.rank == 6 and f"entropy {facts.bits:.2f} bits" in figure.layout.title.text
    assert figure.data[0].name == "power 1" and len(figure.layout.meta["alt"]) > 20


@every_case("step", list(shipped_painting("softmax").pictures))
def test_four_pictures_and_two_curves_are_drawn_at_every_step(step: int) -> None:
    trained = [shipped_painting(spec) for spec in ARMS]
    figure = painted_at(step, trained=trained)
    shown = [image.source for image in figure.layout.images]
    assert shown == [trained[0].seen, *(one.pictures[step] for one in trained), trained[0].true]
    assert all(f"{one.spec} {one.scores[step]:.2f}" in figure.layout.title.text for one in trained)
    assert [list(line.y) for line in figure.data] == [list(one.scores.values()) for one in trained]


@pytest.mark.parametrize("spec", ARMS)
def test_a_shipped_painter_paints_as_well_as_its_curve_says(spec: str) -> None:
    one = shipped_painting(spec)
    painting = paint_picture(one.model, held_out_photograph(PICTURE))
    assert painting.r2 == pytest.approx(one.scores[STEPS], abs=0.01)
    assert [rank for _, _, rank in layer_facts(painting)] <= ([196] * 3 if spec == "softmax" else [16] * 3)


def test_the_shipped_training_is_that_of_the_training_cell() -> None:
    for spec in ARMS:
        assert shipped_painting(spec).model.shape == arm_recipe(spec, task="colour").shape
        assert max(shipped_painting(spec).scores) == STEPS and (POOL, TESTS) == (900, 32)
    with pytest.raises(ValueError, match="no painting of 'relu' is shipped; there are: focused, softmax"):
        shipped_painting("relu")


@pytest.mark.nightly
def test_training_again_gives_the_shipped_curve() -> None:
    """What a learner sees with TRAIN = True: 45 seconds on one core, twice the time where the core is shared."""
    from linviz.course.training_cell import watch_painting
    run = watch_painting("softmax", PICTURE)
    assert run.seconds < 90 and run.step == STEPS
    again = paint_picture(run.model, held_out_photograph(PICTURE)).r2
    assert again == pytest.approx(shipped_painting("softmax").scores[STEPS], abs=0.05)
