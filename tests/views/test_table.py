"""CSV, JSON and NPZ are opened again by other libraries and hold the readings' own numbers, nothing rounded."""
from __future__ import annotations

import io
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch

from linviz.measure import MEASURES
from linviz.reading import ROW_MEASURES
from linviz.signed_rows import SIGNED_MEASURES
from linviz.views import View, row_stats
from linviz.views.export import table


@pytest.mark.parametrize("which", ["photo", "moving"])
def test_csv_holds_every_number_with_its_state(which, request):
    opened = request.getfixturevalue(which)
    every = pd.read_csv(io.StringIO(table.numbers_csv(opened)))
    assert set(every.spec) == set(opened.view.specs) and len(every) == len(opened.panels) * len({*every.measure})
    for shown in (s for s in opened.panels if s.reading.map.stochastic):
        found = every[every.spec == shown.spec].set_index("measure")
        for name in ROW_MEASURES:
            rows = shown.reading.rows(name)[0, 0].double()
            assert found.patch[name] == pytest.approx(rows[opened.query].item(), rel=1e-5)
            assert found["mean"][name] == pytest.approx(rows.mean().item(), rel=1e-12)
    state = every.iloc[-1]
    assert (state.source, state.seed, state.linviz) == (opened.view.source, 0, opened.view.to_json()["linviz"])
    assert (state.query_frame, state.query_row, state.query_column) == opened.place and state.frames == opened.grid.T
    assert not {"nan", "inf", "None"} & {*",".join(table.numbers_csv(opened).split("\n")).split(",")}


def test_distances_are_those_of_the_patches(moving):
    """By hand: how far the weight lies, in pixels of 16 a patch and in frames, and what lies on the object."""
    found = {n.measure: n.patch for n in table.view_numbers(moving) if n.spec == "softmax"}
    a = row_stats.query_row(moving.panels[0].reading.map, moving.query).double()
    places = moving.grid.places().double()
    away = (places - torch.tensor(moving.place)).abs()
    assert found["distance"] == pytest.approx((a * 16 * away[:, 1:].norm(dim=1)).sum().item(), rel=1e-5)
    assert found["frame_distance"] == pytest.approx((a * away[:, 0]).sum().item(), rel=1e-5)
    assert found["mass"] == pytest.approx((a * moving.tokens.mask).sum().item(), rel=1e-5)
    assert found["lift"] == pytest.approx(found["mass"] / moving.tokens.mask.mean().item(), rel=1e-5)


def test_json_brings_the_view_back_and_says_what_a_measure_is(photo):
    told = json.loads(table.numbers_json(photo))
    assert View.from_json({name: told[name] for name in photo.view.to_json()}) == photo.view
    assert told["measures"]["entropy"]["unit"] == "bits" and told["query"] == [0, 3, 5]
    last = told["mechanisms"][-1]
    assert (last["spec"], last["fit"]) == ("relu_floor+gate", {"steps": 8, "to": "softmax", "seed": 0})
    assert last["patch"]["entropy"] == pytest.approx(photo.panels[-1].reading.entropy[0, 0, photo.query].item())
    assert told["clip"]["licence"] == photo.clip.licence


def test_a_signed_map_has_no_shares_and_says_so(moving):
    found = {n.measure: n for n in table.view_numbers(moving) if n.spec == "factorized"}
    signs, signed = [found.pop(name) for name in SIGNED_MEASURES], found.values()
    assert all(n.patch is None and n.mean is None and n.note.startswith("signed") for n in signed)
    (panel,) = [one for one in moving.panels if one.spec == "factorized"]
    for n in signs:
        values = MEASURES[n.measure].function(panel.map.dense()[0, 0])
        assert (n.patch, n.mean) == pytest.approx((values[moving.query].item(), values.mean().item()), rel=1e-5)
        assert n.note == ""
    assert all(n.patch is None for n in table.view_numbers(moving) if n.measure in SIGNED_MEASURES and n not in signs)
    assert json.loads(table.numbers_json(moving))["mechanisms"][1]["patch"]["entropy"] is None


def test_an_empty_row_says_so(photo, monkeypatch):
    monkeypatch.setattr(row_stats, "query_row", lambda a, query: torch.zeros(64))
    assert {(n.patch, n.note) for n in table.view_numbers(photo)} == {(None, row_stats.EMPTY)}
    assert all(math.isfinite(n.mean) for n in table.view_numbers(photo))


@pytest.mark.parametrize("whole", [False, True])
def test_npz_holds_the_weights_without_pickle(moving, whole):
    with np.load(io.BytesIO(table.weights_npz(moving, whole)), allow_pickle=False) as found:
        assert View.from_json(json.loads(str(found["state"]))) == moving.view
        assert found["grid"].tolist() == [3, 7, 7] and tuple(found["query"]) == moving.place
        for shown in moving.panels:
            dense = shown.reading.map.dense()[0, 0].numpy()
            np.testing.assert_allclose(found[shown.spec], dense if whole else dense[moving.query], atol=1e-6)


def test_whole_maps_that_are_too_large_are_refused(moving, monkeypatch):
    monkeypatch.setattr(table, "MOST", 1000)
    with pytest.raises(ValueError, match="the whole maps are .* GB and at most .* take fewer patches"):
        table.weights_npz(moving, whole=True)
    assert table.weights_npz(moving)
