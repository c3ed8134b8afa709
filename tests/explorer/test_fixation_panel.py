"""The fixation panel of Concentrate: open at once, with ratios, features and shifts; its parts where asked for."""
from __future__ import annotations

import base64
import io
import re
from html import unescape
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.concentrate import fixation_panel
from linviz.fixation import PARTS, content_weights
from linviz.models.apart import WAYS
from linviz.models.gated_heads import gated_heads
from linviz.patch_view.heat_png import LEVELS, heat_png
from linviz.views import View, open_view
from linviz.views.gate_heading import gate_heading

from .harness import quiet, view, visit, well

CELLS = re.compile(r"<th scope=\"row\">([^<]+)</th><td>([^<]+)</td><td>([^<]+)</td>")
CARD = re.compile(r"<figure[^>]*>(.*?)</figure>", re.DOTALL)
SMALL = View(patches=14, steps=20)


def visited(**address: str) -> Any:
    return quiet(visit(patches="14", **{"steps": "20"} | address))


def html(app: Any, mark: str) -> str:
    """The piece of HTML with this in it, empty where there is none."""
    return next((unescape(e.proto.body) for e in app.get("html") if mark in unescape(e.proto.body)), "")


def pictures(text: str) -> list[np.ndarray]:
    """The levels of every heat picture in a piece of HTML."""
    found = [Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"image/png;base64,([^\"]+)", text)]
    return [np.asarray(image) for image in found]


def levels(values: Any, low: float, high: float) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(heat_png(values, low, high))))


@pytest.fixture(scope="module")
def gated() -> Any:
    return visited(specs="softmax,relu_floor+gate+shift:space")


def test_the_weights_are_open_at_once_and_drawn_by_the_server(gated: Any) -> None:
    assert "Feature fixation weights" in [one.value for one in gated.subheader]
    assert any("ratio r between 0 and 1" in one.value for one in gated.markdown)
    for mark in ("Fixation ratios of 16 channels", "Fixation ratios by channel", "size of the features, times its mean",
                 "between channels", "from which neighbour", "where the content came from"):
        assert html(gated, mark), mark
    (chart,) = gated.get("plotly_chart")  # the spectrum alone: each chart takes a browser a third of a second
    assert chart.proto.id.endswith("spectrum")


def test_its_pictures_and_its_title_are_linviz_s_numbers(gated: Any) -> None:
    panel = open_view(SMALL.with_values(specs=("softmax", "relu_floor+gate+shift:space"))).panels[1]
    reading = panel.reading
    (head,) = gated_heads(reading.mechanism, reading.q, reading.k, reading.v)
    assert f"**{gate_heading(*head.use)}.**" in " ".join(one.value for one in gated.markdown)
    tiles = pictures(html(gated, "Fixation ratios of 16 channels"))[2:]  # after those of all channels
    assert len(tiles) == 32
    r_q, r_k = (r[0, 0].log10().clamp_min(-4).mT.reshape(16, 14, 14) for r in reading.fixation)
    for c in range(16):
        for drawn, side in zip(tiles[2 * c:2 * c + 2], (r_q, r_k)):
            assert np.abs(drawn.astype(int) - levels(side[c], -4, 0)).max() <= 1, c
    names = [re.search(r"<b>(.+?)</b>", card).group(1) for card in CARD.findall(html(gated, "Fixation ratios of 16"))]
    assert names[:3] == ["the picture", "all channels", "lightness"] and "edges at 45°" in names
    shown = pictures(html(gated, "size of the features, times its mean"))
    phi_q, phi_k, _ = (x[0, 0] for x in reading.mechanism.features(reading.q, reading.k, reading.v))
    sizes = [phi_q, phi_q * reading.fixation[0][0, 0], phi_k, phi_k * reading.fixation[1][0, 0]]
    for drawn, x in zip(shown, sizes, strict=True):
        size = x.sum(-1) / x.sum(-1).mean()
        assert np.abs(drawn.astype(int) - levels(size.reshape(14, 14), 0, 4)).max() <= 1


def test_a_click_draws_the_row_of_the_pinned_patch_and_where_its_content_came_from() -> None:
    app = visited(specs="softmax,relu_floor+gate+shift:space")
    app.session_state["view0"] = {"query": {**view(app)["set"], "query": 31, "n": 1, "trail": [31]}}
    app = quiet(well(app.run()))
    row = html(app, "Fixation ratios by channel")
    assert "patch of row 3 (across)" in row and "patch (row 3, column 4)" in row and "left:21.429%" in row
    panel = open_view(SMALL.with_values(specs=("softmax", "relu_floor+gate+shift:space"))).panels[1]
    r_q, _ = panel.reading.fixation
    assert np.abs(pictures(row)[0].astype(int) - levels(r_q[0, 0, 28:42].log10().clamp_min(-4).mT, -4, 0)).max() <= 1
    weights = panel.map.rows(torch.tensor([31]))[0, 0, 0].double()
    content = content_weights(weights, panel.reading.mechanism.grid, 16, "space") * 196
    drawn = pictures(html(app, "where the content came from"))[1]
    assert np.abs(drawn.astype(int) - levels(content.reshape(14, 14), 0, 196 * weights.max().item())).max() <= 1


def test_a_shift_names_the_neighbour_of_every_channel(gated: Any) -> None:
    table = html(gated, "from which neighbour")
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall("<td>(.*?)</td>", table)]
    assert cells[1] == "above channel 2 ↓" and cells[7] == "below channel 1 ↑" and cells[4].endswith("9 to 16")
    assert "takes 8 of 16 channels" in " ".join(one.value for one in gated.markdown) and PARTS["space"] == 16


def test_a_gate_is_taken_apart() -> None:
    app = visited(specs="softmax,relu_floor+gate", steps="60")
    assert not html(app, "softmax's concentration")
    app = quiet(next(t for t in app.toggle if t.key == "apart").set_value(True).run())
    found = {name: (bits, share) for name, bits, share in CELLS.findall(html(app, "softmax's concentration"))}
    assert list(found) == list(WAYS.values())
    bits = {name: float(found[title][0]) for name, title in WAYS.items()}
    share = {name: float(found[title][1]) for name, title in WAYS.items()}
    assert share["none"] == 0 < share["whole"] <= 130 and bits["whole"] < bits["none"]


def test_of_many_channels_the_busiest_are_drawn() -> None:
    app = visited(specs="softmax,cosformer+gate", steps="2")
    text = html(app, "with the greatest shares, of 32")
    assert text.count("<figcaption>") == fixation_panel.MOST + 2 and "channel 1" in text


def test_at_strength_0_the_gate_does_nothing_and_the_panel_says_so() -> None:
    app = visited(specs="softmax,relu_floor+gate", strength="0")
    assert "The gate changes little" in " ".join(one.value for one in app.markdown)
    drawn = pictures(html(app, "Fixation ratios of 16 channels"))
    assert {int(level) for picture in drawn for level in np.unique(picture)} == {round((LEVELS - 1) * 0.9247)}


@pytest.mark.parametrize("maps", ["softmax,relu_floor", "softmax,linear"])
def test_without_a_gate_there_is_no_panel(maps: str) -> None:
    app = visited(specs=maps)
    assert "Feature fixation weights" not in [one.value for one in app.subheader]
    assert not html(app, "Fixation ratios")


@pytest.mark.parametrize("more", [{"causal": "1"}, {"scope": "@window:7"}])
def test_only_the_keys_that_a_patch_sees_are_counted(more: dict[str, str]) -> None:
    scope = more.pop("scope", "")
    app = visited(specs=f"softmax,relu_floor+gate{scope}", **more)
    panel = open_view(SMALL.with_values(specs=("softmax", f"relu_floor+gate{scope}"), causal=not scope)).panels[1]
    reading = panel.reading
    (head,) = gated_heads(reading.mechanism, reading.q, reading.k, reading.v)
    assert f"**{gate_heading(*head.use)}.**" in " ".join(one.value for one in app.markdown)
