"""What chapter 4 draws: the slider on its whole grid, numbers held to torch's own count, pictures in their places."""
from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
import torch
from PIL import Image

from linviz import Grid, clips
from linviz.cost import flops
from linviz.course import Live, pictures
from linviz.course.pictures import Gallery, Picture
from linviz.course.scenes import ch04


@pytest.mark.parametrize("side", ch04.SIDES)
def test_brackets_are_drawn_at_every_side_and_to_scale(side: int) -> None:
    figure = ch04.brackets_figure(side)
    N, D = side**2, ch04.WIDTH
    wide, high = ({t.text: max(t[letter]) - min(t[letter]) for t in figure.data} for letter in "xy")
    unit = wide[f"the table: {N} x {N}"] / N
    assert wide == pytest.approx({name: unit * int(re.findall(r"\d+", name)[1]) for name in wide})
    assert high == pytest.approx({name: unit * int(re.findall(r"\d+", name)[0]) for name in high})
    right, low = (max(max(t[letter]) for t in figure.data) for letter in "xy")
    assert right < ch04.REACH[0] and low < ch04.REACH[1]
    boxes = [(min(t.x), max(t.x), min(t.y), max(t.y)) for t in figure.data]
    for one, other in itertools.combinations(boxes, 2):  # none lies on another
        assert one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
    assert f"{N * N:,}" in figure.layout.meta["alt"] and f"{D * D:,}" in figure.layout.meta["alt"]


@pytest.mark.parametrize("side", ch04.SIDES[:6])
def test_multiplications_are_half_of_the_operations_that_torch_counts(side: int) -> None:
    x = torch.zeros(side**2, 16)
    pairs, keys = ch04.count_multiplications(side**2)
    assert (2 * pairs, 2 * keys) == (flops(lambda: (x @ x.mT) @ x), flops(lambda: x @ (x.mT @ x)))


def test_the_slider_writes_whole_numbers() -> None:
    live = Live(ch04.brackets_figure, ch04.SIDES, label="side", start=28, form=".0f")
    assert [text for text, _ in live.slider.options] == [str(side) for side in ch04.SIDES]


def test_features_needed_are_the_products_counted_one_by_one() -> None:
    for width, degree in itertools.product((2, 3, 5), (0, 1, 2, 3, 4)):
        products = {p for n in range(degree + 1) for p in itertools.combinations_with_replacement(range(width), n)}
        assert ch04.features_needed(width, degree) == len(products)


def test_channels_are_the_descriptors_of_a_photograph() -> None:
    assert len(ch04.CHANNELS) == len(set(ch04.CHANNELS)) == ch04.WIDTH
    red = torch.zeros(1, 3, 32, 32)
    red[:, 0, :16, :16] = 1
    _, k, _ = clips.descriptors(clips.Clip.plain(red, "a red corner"), Grid(1, 2, 2))
    values = dict(zip(ch04.CHANNELS, k[0, 0].mT.tolist(), strict=True))
    assert values["green-red"].index(max(values["green-red"])) == 0
    assert values["row"][0] == values["row"][1] < values["row"][2] and values["column"][0] < values["column"][1]


@pytest.mark.parametrize("tokens, features", [(10, 2), (24, 4)])
def test_a_climb_rises_to_the_ceiling_and_never_through_it(tokens: int, features: int) -> None:
    kept = ch04.climb_features(tokens, features, steps=200)
    assert len(kept) == 201 and kept[0] < kept[20] < kept[-1]
    assert 0.97 * features / tokens < kept[-1] <= max(kept) < features / tokens


# ---------------------------------------------------------------- pictures


def test_a_gallery_shows_every_picture_with_its_words_and_colours() -> None:
    two = [Picture("a < b", Image.new("RGB", (8, 8)), "a dark square"),
           Picture("c", Image.new("RGB", (8, 8)), 'a "second" one', torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]))]
    data = Gallery(two, columns=2)._repr_mimebundle_()
    page = data["text/html"]
    assert re.findall(r'<img alt="([^"]*)"', page) == ["a dark square", "a &quot;second&quot; one"]
    assert "a &lt; b</figcaption>" in page and "repeat(2," in page
    assert re.findall(r"background:(#\w+)", page) == ["#ff0000", "#0000ff"]
    assert data["text/plain"] == 'a < b: a dark square\nc: a "second" one'


def test_a_mosaic_has_the_colours_of_the_patches_in_their_places() -> None:
    grid = Grid(2, 2, 3)
    clip = clips.Clip.plain(torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0)), "noise")
    rgb = pictures.patch_colours(clip, grid)
    assert torch.allclose(rgb[0, 0, grid.number(1, 1, 2)], clip.frames[1, :, 16:, 32:].mean((1, 2)))
    tiles = np.asarray(pictures.patch_mosaic(rgb, grid, side=30, number=1))
    assert tiles.shape == (20, 30, 3)
    assert np.abs(tiles[15, 25] / 255 - rgb[0, 0, grid.number(1, 1, 2)].numpy()).max() < 1 / 255


def test_light_falls_where_the_weights_are() -> None:
    grid = Grid(1, 4, 4)
    clip = clips.Clip.plain(torch.ones(1, 3, 64, 64), "white")
    weights = torch.zeros(16)
    weights[grid.number(0, 0, 3)] = 1.0
    image = np.asarray(pictures.lit_by(weights, clip, grid, side=64))
    assert image[4, 60].min() > 240 > 155 > image[60, 4].max()  # night on white, as on a projector


def test_a_constant_map_shows_the_same_row_to_everybody() -> None:
    row = torch.tensor([0.2, 0.5, 0.3])
    assert torch.equal(ch04.constant_map(row, 4).dense()[0, 0], row.expand(4, 3))
