"""The fixation panel of Concentrate: nothing before it is opened; then ratios, features, parts and shifts."""
from __future__ import annotations

import re

import pytest

from linviz.models.apart import WAYS

from .harness import quiet, view, visit, well

CELLS = re.compile(r"<th scope=\"row\">([^<]+)</th><td>([^<]+)</td><td>([^<]+)</td>")


def opened(**address: str):
    app = quiet(visit(patches="14", **address))
    return quiet(next(t for t in app.toggle if t.key == "apart").set_value(True).run())


def table(app) -> dict[str, tuple[str, str]]:
    [text] = [h.value for h in app.get("html") if "softmax's concentration" in h.value] if app.get("html") else [""]
    return {name: (bits, share) for name, bits, share in CELLS.findall(text)}


def alts(app) -> list[str]:
    return [chart.proto.alt for chart in app.get("plotly_chart") if chart.proto.alt]


def test_the_weights_are_called_by_their_name_and_explained_before_they_are_opened():
    app = quiet(visit(patches="14"))
    assert "Feature fixation weights" in [one.value for one in app.subheader]
    assert any("ratio r between 0 and 1" in one.value for one in app.caption)
    assert not any("Fixation ratios" in alt for alt in alts(app))


def test_another_row_is_drawn_once_when_a_patch_of_it_is_pinned():
    app = opened(specs="softmax,relu_floor+gate")
    before = [alt for alt in alts(app) if "Fixation ratios" in alt]
    app.session_state["view0"] = {"query": {**view(app)["set"], "query": 3, "n": 1, "trail": [3]}}
    after = [alt for alt in alts(quiet(well(app.run()))) if "Fixation ratios" in alt]
    assert before[0] != after[0] and app.session_state["fixation_row"] == (0, 0)


def test_a_gate_is_taken_apart():
    app = opened()
    found = table(app)
    assert list(found) == list(WAYS.values())
    bits = {name: float(found[title][0]) for name, title in WAYS.items()}
    share = {name: float(found[title][1]) for name, title in WAYS.items()}
    assert share["none"] == 0 < share["whole"] <= 130 and bits["whole"] < bits["none"]
    said = " ".join(alts(app))
    assert "Fixation ratios" in said and "queries, gated" in said
    assert "lightness" in next(s for s in app.selectbox if s.key == "apart_channel").options


def test_a_shift_is_drawn_and_where_content_came_from():
    app = opened(specs="softmax,relu_floor+gate+shift:space")
    said = " ".join(alts(app))
    assert "channel 1 from below" in said and "where the content came from" in said


@pytest.mark.parametrize("maps", ["softmax,relu_floor", "softmax,linear"])
def test_without_a_gate_there_is_no_panel(maps: str):
    assert not [t for t in quiet(visit(patches="14", specs=maps)).toggle if t.key == "apart"]
