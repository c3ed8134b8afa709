"""Where do two of these differ: nothing before it is unfolded; then linviz's numbers, and a way to the largest."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from explorer.concentrate import divergence_panel
from explorer.concentrate.visit import Visit
from explorer.shared.scenes import sample_scene
from linviz import Grid
from linviz.views import View, open_view
from linviz.views.map_divergence import divergence_heading, view_divergence

from .harness import quiet, sent, titles, visit, well
from .test_own_file import address, arrays, bring

MAP = "linviz_divergence"
THREE = {"source": "coffee", "patches": "7", "specs": "softmax,relu,uniform"}


def unfolded(**address: str) -> Any:
    app = quiet(visit(**THREE | address))
    app.session_state.compare = True
    return quiet(well(app.run()))


def expected(**more: Any) -> Any:
    return view_divergence(open_view(View.best("coffee", patches=7, specs=("softmax", "relu", "uniform")).with_values(
        **more)))


def heading(app: Any) -> str:
    (found,) = [one.value for one in app.markdown if "differ" in one.value or "agree" in one.value]
    return found.replace("\\", "").strip("*.")


def test_nothing_is_compared_before_it_is_unfolded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergence_panel, "map_divergence", None)
    app = quiet(visit(**THREE))
    assert "Where do two of these differ?" in [one.label for one in app.expander]
    assert "compare" not in address(app) and "of these" not in str([one.label for one in visit(
        source="coffee", patches="7", specs="softmax").expander]), "beside one map there is nothing to compare"


def test_map_heading_and_scale_are_linviz_s_numbers() -> None:
    app, wanted = unfolded(), expected(compare=(0, 1))
    found = sent(app, MAP)
    assert found["values"].tolist() == pytest.approx(wanted.values.tolist(), abs=1e-6)
    assert heading(app) == divergence_heading(wanted) and address(app)["compare"] == "0,1"
    assert (found["top"], found["high"], found["unit"]) == (wanted.top, f"{wanted.top:.1f} bits", "bits")
    assert found["largest"] == wanted.largest and any("0 bits if they are equal" in one.value for one in app.caption)
    assert sent(visit(**THREE, compare="2,0"), MAP)["values"].tolist() == pytest.approx(
        expected(compare=(0, 2)).values.tolist(), abs=1e-6), "a link opens it, with its pair"


def test_the_button_and_a_click_move_the_query_of_all_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    app = unfolded()
    largest = sent(app, MAP)["largest"]
    (button,) = [one for one in app.button if one.key == "compare_largest"]
    app = well(button.click().run())
    t, y, x = expected().grid.place(largest)
    assert address(app)["query"] == f"{t},{y},{x}" and sent(app, MAP)["set"]["query"] == largest
    assert app.session_state.visit.query == largest
    assert any(f"row {y + 1}, column {x + 1}" in one.value for one in app.header)
    here, visitor = sample_scene("coffee", Grid(Y=7, X=7), 1.0), Visit()
    for asked, query in (({"query": 8}, 8), ({"query": 49}, 8), (None, 8), ({"query": 0}, 0)):
        monkeypatch.setattr(divergence_panel.st, "session_state", {divergence_panel.MAP: SimpleNamespace(query=asked)})
        divergence_panel.follow_clicks(visitor, here)()
        assert visitor.follow(None, here) == query, "a click on the map; what is not on it is no click"


def test_two_panels_are_picked_and_the_same_one_twice_swaps_them() -> None:
    app = unfolded()
    app = well(app.selectbox(key="compare_second").set_value("uniform").run())
    assert address(app)["compare"] == "0,2" and heading(app) == divergence_heading(expected(compare=(0, 2)))
    app = well(app.selectbox(key="compare_first").set_value("uniform").run())
    assert address(app)["compare"] == "2,0" and heading(app).startswith("uniform and softmax differ")
    app = well(app.multiselect(key="concentrate_specs").set_value(["relu", "uniform", "softmax"]).run())
    assert address(app)["compare"] == "1,2" and heading(app).startswith("uniform and softmax differ"), "it stays"
    app = quiet(well(app.multiselect(key="concentrate_specs").set_value(["relu", "softmax"]).run()))
    assert address(app)["compare"] == "1,0" and titles(app) == ["relu", "softmax"], "one is gone: another pair"
    app.session_state.compare = False
    assert "compare" not in address(well(app.run()))


def test_a_gate_on_its_way_is_waited_for_and_signed_maps_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.concentrate.visit.FIRST", 0.0)
    app = visit(source="pan", patches="14", frames="4", specs="softmax,relu_floor+gate", steps="9000", compare="0,1")
    assert any("is not fitted yet" in one.value for one in app.caption)
    well(next(one for one in app.get("button") if one.label == "Reset").click().run())
    app = quiet(visit(**THREE | {"specs": "softmax,lambda"}, compare="0,1"))
    said = " ".join(one.value for one in app.caption)
    assert "total variation TV" in said and "no probability distributions" in said
    assert "bits" not in sent(app, MAP)["high"]


def test_an_empty_row_is_hatched_and_has_no_number() -> None:
    x = np.random.default_rng(0).normal(size=(1, 16, 8)).astype(np.float32)
    x[:, 5] = -1.0  # relu leaves nothing of it
    app = quiet(bring(visit(source="own", specs="softmax,relu"), arrays(q=x, k=np.abs(x)), "run.npz"))
    app.session_state.compare = True
    found = sent(well(app.run()), MAP)
    assert (found["values"] < 0).nonzero()[0].tolist() == [5] and found["largest"] != 5
    assert any("1 hatched patches have none" in one.value.replace("\\", "") for one in app.caption)
