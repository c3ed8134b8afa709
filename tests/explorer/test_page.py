"""The page Concentrate without a browser: every control, its extremes, wrong input, and numbers that are linviz's."""
from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

import linviz
from explorer.concentrate import panel_work
from explorer.concentrate.mechanism_menu import READS, menu
from explorer.concentrate.opening_work import make_opening
from explorer.concentrate.what_fits import page_grid
from explorer.shared import warm_start
from explorer.shared.background_jobs import ResultCache
from explorer.shared.number_tables import measure_html, measure_value, three_digits
from explorer.shared.scenes import sample_scene
from linviz import Grid, clips, evidence, spectra
from linviz.clips.fitting import PATCH
from linviz.models import LABEL, fit_gate
from linviz.views import View
from linviz.views.state import CAPS, SPECS
from linviz.views.view_heading import Spread, view_heading

from .harness import quiet, said, tables, titles, type_specs, view, visit, well

SMALL, OPENING = {"patches": "14"}, View()
QUICK = SMALL | {"steps": "20"}  # where it does not matter how well a gate is fitted


def press(app, label):
    """Click the button of that name."""
    (button,) = [b for b in app.button if b.label == label]
    return well(button.click().run())


def on(app, kind, key, chosen):
    """Set a widget by its key and run."""
    return well(getattr(app, kind)(key=name_of(key)).set_value(chosen).run())


def name_of(key):
    """The key of a widget: fields of the view have the page's name before theirs."""
    return key if key in ("curve", "centred", "apart") else f"concentrate_{key}"


def shown(app):
    """The view that the page shows."""
    return app.session_state["concentrate"]


def readings(app, specs=OPENING.specs, causal=False):
    """linviz.read on what the page says it shows, made anew and fitted anew."""
    return readings_of(replace(shown(app), query=None, look=OPENING.look), tuple(specs), causal)


@cache
def readings_of(chosen, specs, causal):
    """The same of a view: nothing of it comes from the page."""
    grid = page_grid(chosen, None)
    clip = clips.fit(clips.load(chosen.source, frames=max(grid.T, 2)), grid)
    qkv = clips.descriptors(clip, grid, chosen.temperature, chosen.keys)
    out = []
    for spec in specs:
        m = linviz.make(spec, 1, qkv[0].shape[-1], grid, seed=chosen.seed, causal=causal)
        if m.gate is not None:
            target = linviz.make("softmax", 1, qkv[0].shape[-1], grid, causal=causal).map(*qkv)
            fit_gate(m, target, *qkv, steps=chosen.steps, seed=chosen.seed)
        out.append(linviz.read(m, *qkv))
    return out, clip


# ------------------------------------------------------------------------------------------------ the opening


@pytest.fixture(scope="module")
def small():
    """The opening's picture at 14 x 14 patches, at rest."""
    return quiet(visit(**QUICK))


@pytest.fixture(scope="module")
def opening():
    return quiet(visit())


def test_it_opens_drawn_with_three_panels_of_a_photograph(opening):
    sent = view(opening)
    assert titles(opening) == ["softmax", "relu + floor", "relu + floor + gate, fitted"]
    assert [panel["family"] for panel in sent["panels"]] == ["softmax", "kernel", "kernel"]
    assert sent["grid"] == [1, 28, 28] and sent["set"]["mode"] == "light" and sent["set"]["strength"] == 1.0
    assert sent["set"]["query"] == clips.OPENING.grid.number(0, *clips.OPENING.place)
    assert "gate" in sent["panels"][2]["wire"] and "gate" not in sent["panels"][1]["wire"]
    assert sent["panels"][2]["wire"]["gate"]["steps"][-1] == OPENING.steps


def test_it_says_what_to_see_how_to_use_it_and_what_it_is_not(opening):
    means = [reading.summary(spectrum=False)["effective_tokens"] for reading in readings(opening)[0]]
    maps = [Spread(*one) for one in zip(OPENING.specs, titles(opening), means)]
    assert opening.title[0].value == view_heading(maps, 784) and "The gate gathers attention" in opening.title[0].value
    assert "Move over a picture" in opening.markdown[0].value
    words = opening.caption[0].value
    assert "In models trained to see motion, relu without it cannot be told apart from softmax." in words
    assert "softmax stays ahead" in words
    assert "Without the floor too, softmax has a higher score than relu" in evidence.figure_finding("colour")
    assert any("relu without a floor" in claim and "cannot be told apart from softmax" in claim
               for claim in evidence.headline_claims()), "the page says what was not found"
    assert clips.DESCRIPTORS_NOTE in words.lower() and LABEL in words
    assert "Attention is not explanation" in words and "https://arxiv.org/abs/1902.10186" in words
    chelsea = clips.photograph("chelsea")
    assert chelsea.author in words and chelsea.licence in words
    assert not said(opening)


def test_every_input_has_a_label(opening):
    kinds = ("selectbox", "slider", "select_slider", "multiselect", "radio", "checkbox", "number_input", "toggle",
             "button")
    labels = [widget.label for kind in kinds for widget in opening.get(kind)]
    assert len(labels) >= 13 and all(label.strip() for label in labels)


def check_numbers(app, found, clip, query):
    """The table's cells against linviz.read: of the query's row, and the mean over all."""
    numbers = tables(app)[0]
    grid = found[0].mechanism.grid
    options = {"distance": {"patch": PATCH}}
    if grid.T > 1:
        options["frame_distance"] = {}
    if clip.mask is not None:
        options |= {name: {"mask": clips.token_mask(clip, grid)} for name in ("mass", "lift")}
    titled = {"entropy": "entropy (bits)", "effective_tokens": "effective tokens (tokens)",
              "top_share": "share of the top 10 (%)", "support": "smallest support of 90 % (tokens)",
              "gini": "Gini coefficient", "distance": "mean attended distance (pixels)",
              "frame_distance": "mean attended time (frames)", "mass": "mass on the object (%)",
              "lift": "lift over area (times)"}
    shown = [name for name in titled if name in options or name in ("entropy", "effective_tokens", "top_share",
                                                                    "support", "gini")]
    assert set(numbers) - {""} == {titled[name] for name in shown}
    for name in shown:
        cells = []
        for reading in found:
            rows = reading.rows(name, **options.get(name, {}))[0, 0].double()
            cells += [measure_value(name, rows[query].item()), measure_value(name, rows.mean().item())]
        assert numbers[titled[name]] == cells, name


def test_its_numbers_are_those_of_linviz_read(opening):
    found, clip = readings(opening)
    check_numbers(opening, found, clip, view(opening)["set"]["query"])


def test_every_number_of_the_first_page_is_that_of_the_same_view_in_python(opening):
    """Nothing of the page is used here but its cells: one call makes the view anew, and fits its gate anew."""
    shown = linviz.view(OPENING.source, *OPENING.specs)
    numbers, *_, ranks = tables(opening)  # between them stand the ratios of the gate
    table = shown.table().set_index(["measure", "spec"])
    expected = {re.sub("<[^>]+>", "", measure_html(name)): [
        measure_value(name, table.loc[(name, spec), column]) for spec in OPENING.specs for column in ("patch", "mean")]
        for name in table.index.unique("measure")}
    shown_cells = {title: cells for title, cells in numbers.items() if title}
    assert len(shown_cells) == 6 and shown_cells == {title: expected[title] for title in shown_cells}
    found = list(shown.readings.values())
    assert ranks["numerical rank (s above the tolerance)"] == [f"{one.numerical_rank.item()}" for one in found]
    assert ranks["effective rank (Roy and Vetterli)"] == [three_digits(one.effective_rank.item()) for one in found]
    assert ranks["tolerance (of the largest s)"] == [f"{one.map.tolerance:.1e}" for one in found]
    assert ranks["rank bound"] == [f"{one.map.rank_bound}" for one in found]
    patches = [f"{table.loc[('effective_tokens', spec), 'mean']:.0f}" for spec in OPENING.specs]
    words = "The gate gathers attention: from {1} to {2} of 784 patches (softmax: {0})"
    assert opening.title[0].value == words.format(*patches)


def test_reset_brings_the_opening_back():
    app = visit(source="digit", frames="2", temperature="3", specs="relu,linear,uniform,relu+gate:qk:shared",
                steps="10", seed="4")
    press(app, "Reset")
    assert replace(shown(app), query=None) == OPENING and not dict(app.query_params)
    quiet(app)
    assert titles(app) == ["softmax", "relu + floor", "relu + floor + gate, fitted"]
    assert view(app)["set"]["query"] == 349 and app.session_state.visit.round == 1


def test_a_clip_with_a_mask_adds_time_mass_and_lift():
    app = quiet(visit(source="digit", frames="4", steps="20"))
    found, clip = readings(app)
    check_numbers(app, found, clip, view(app)["set"]["query"])
    assert view(app)["grid"] == [4, 14, 14] and len(view(app)["frames"]) == 4


def test_a_signed_map_has_numbers_of_its_own_and_a_dash_says_which_do_not_apply():
    """Each row of the table is of one of the two maps alone."""
    rows = tables(quiet(visit(specs="softmax,linformer", **SMALL)))[0]
    signed = {"negative weights (%)", "sum of the negative weights", "largest weight times N (times)"}
    assert signed < {*rows} and "entropy (bits)" in rows
    for name in {*rows} - {""}:
        shares, others = rows[name][:2], rows[name][2:]
        here, none = (others, shares) if name in signed else (shares, others)
        assert none == ["–", "–"] and "–" not in here, name


@pytest.mark.parametrize("query", [0, 100, 195])
def test_the_table_follows_the_pinned_patch(query):
    app = quiet(visit(**QUICK))
    app.session_state["view0"] = {"query": {"query": query, "n": 1, "trail": [query], "frame": 0}}
    well(app.run())
    found, clip = readings(app)
    check_numbers(app, found, clip, query)
    assert f"row {query // 14 + 1}, column {query % 14 + 1}" in app.header[0].value
    assert view(app)["set"]["query"] != query, "a pin must not change what is sent"


def test_the_canvas_holds_what_the_maps_of_linviz_send(opening):
    found, _ = readings(opening)
    for panel, reading in zip(view(opening)["panels"], found):
        wire = reading.map.wire((0, 0))
        for name in [name for name in ("q", "k", "phi_q", "phi_k", "z_q", "z_k") if name in wire]:
            np.testing.assert_allclose(panel["wire"][name], wire[name].detach().numpy(), rtol=1e-6, atol=1e-6)


def test_a_server_makes_the_opening_before_anybody_comes(monkeypatch):
    monkeypatch.setattr(panel_work, "RESULTS", shelf := ResultCache(96))
    monkeypatch.setattr(warm_start, "_thread", None)
    warm_start.begin_once(make_opening)
    warm_start.wait_for_task(120)
    kinds = sorted(str(key[0]) for key in shelf._kept)
    assert kinds == ["blob", "fit", "gate tiles", "gated head", "means", "means", "means", "shown", "spectrum"]


# ------------------------------------------------------------------------------------------------ the spectrum


def chart(app):
    """The spectrum's figure as it was sent."""
    element, *others = app.get("plotly_chart")
    assert len(others) <= 1, "what a memory passes on has a figure of its own"
    return json.loads(element.proto.spec or element.proto.figure.spec)


def test_the_chart_draws_the_singular_values_of_every_map(opening):
    found, _ = readings(opening)
    for trace, reading in zip(chart(opening)["data"], found, strict=True):
        np.testing.assert_allclose(trace["y"], reading.singular_values[0, 0].numpy(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("curve, power", [("cumulative", 1), ("energy", 2)])
@pytest.mark.parametrize("centred", [False, True])
def test_curves_and_the_mean_row_switch(small, curve, power, centred):
    app = small
    on(app, "toggle", "centred", centred)
    on(app, "radio", "curve", curve)
    found, _ = readings(app)
    for trace, reading in zip(chart(app)["data"], found, strict=True):
        s = reading.centred_singular_values if centred else reading.singular_values
        np.testing.assert_allclose(trace["y"], spectra.cumulative_share(s, power)[0, 0].numpy(), atol=1e-9)


@pytest.mark.parametrize("centred", [False, True])
def test_ranks_by_name_with_bound_and_tolerance(small, centred):
    app = small
    on(app, "radio", "curve", "s")
    on(app, "toggle", "centred", centred)
    ranks, (found, _) = tables(app)[-1], readings(app)
    s = [(r.centred_singular_values if centred else r.singular_values)[0, 0] for r in found]
    assert ranks["numerical rank (s above the tolerance)"] == [
        str(spectra.numerical_rank(x, r.tolerance).item()) for x, r in zip(s, found)]
    assert ranks["effective rank (Roy and Vetterli)"] == [three_digits(spectra.effective_rank(x).item()) for x in s]
    assert ranks["rank bound"] == ["196", "16", "16"]
    assert ranks["tolerance (of the largest s)"] == [f"{r.tolerance:.1e}" for r in found]
    names = [shape["name"] for shape in chart(app)["layout"]["shapes"]]
    assert names.count("bound") == 2 and names.count("tolerance") == 3
    flat = [shape["y0"] for shape in chart(app)["layout"]["shapes"] if shape["name"] == "tolerance"]
    assert sorted(flat) == pytest.approx(sorted(r.tolerance * x[0].item() for x, r in zip(s, found)), rel=1e-6)


def test_what_is_not_there_yet_is_said_and_the_rest_is_drawn(monkeypatch):
    hold = linviz.maps.Scores.singular_values
    seen = threading.Event()
    monkeypatch.setattr(linviz.maps.Scores, "singular_values", lambda self, top=None: seen.wait(60) and hold(self))
    app = visit(patches="21", temperature="1.77")
    assert "On its way: softmax" in " ".join(c.value for c in app.caption)
    assert "softmax" not in [trace["name"] for trace in chart(app)["data"]]
    assert "relu + floor" in [trace["name"] for trace in chart(app)["data"]]
    seen.set()
    quiet(app)
    assert [trace["name"] for trace in chart(app)["data"]][0] == "softmax"


# ------------------------------------------------------------------------------------------------ controls


@pytest.mark.parametrize("key, low, high", [("patches", 1, 56), ("temperature", 0.01, 100.0)])
def test_sliders_at_both_ends(key, low, high):
    app = visit(**QUICK)
    for end in (high, low):
        on(app, "slider" if key == "patches" else "select_slider", key, end)
        if key == "patches":
            assert view(app)["grid"] == [1, end, end]
        assert getattr(shown(app), key) == end
    first = view(app)["panels"][0]["wire"]["q"]
    grid = Grid(*view(app)["grid"])
    clip = clips.fit(clips.photograph("chelsea"), grid)
    expected = clips.descriptors(clip, grid, shown(app).temperature)[0][0, 0]
    np.testing.assert_allclose(first, expected.numpy(), rtol=1e-6)


def test_a_temperature_between_the_slider_s_stops_stays():
    app = visit(temperature="0.5001", specs="softmax,relu", **SMALL)
    on(app, "toggle", "causal", True)
    assert shown(app).temperature == 0.5001 == app.select_slider(key="concentrate_temperature").value


@pytest.fixture(scope="module")
def browsed():
    """A page on which one picture after the other is chosen."""
    return visit(specs="softmax,relu", **SMALL)


@pytest.mark.parametrize("name", clips.names())
def test_every_picture(browsed, name):
    app = browsed
    on(app, "selectbox", "source", name)
    grid = view(app)["grid"]
    assert grid == ([8, 14, 14] if name in clips.CLIPS else [1, 14, 14])
    assert clips.load(name).alt == view(app)["alt"]


def test_frames_at_both_ends_and_what_does_not_fit():
    app = visit(source="pan", specs="relu,relu_floor")
    on(app, "slider", "frames", 1)
    assert view(app)["grid"] == [1, 14, 14]
    on(app, "slider", "frames", 32)
    assert view(app)["grid"] == [16, 14, 14]
    on(app, "slider", "patches", 28)
    assert view(app)["grid"] == [4, 28, 28]
    assert f"no more frames fit into {CAPS['page']:,}" in " ".join(c.value for c in app.caption)


PICKS = [pick for pick in menu() if pick != "softmax"]


@pytest.mark.parametrize("picks", [PICKS[n:n + 7] for n in range(0, len(PICKS), 7)], ids=",".join)
def test_every_mechanism_of_the_menu(picks):
    app = quiet(visit(patches="7", steps="10", specs=",".join(["softmax", *picks])))
    assert len(view(app)["panels"]) == len(chart(app)["data"]) == 1 + len(picks) and not said(app)


@pytest.fixture(scope="module")
def gated():
    """A page on which one gate after the other is chosen."""
    return visit(patches="7", steps="10")


@pytest.mark.parametrize("sees", READS)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("shift", ["none", "space"])
def test_the_gate_reads_what_was_chosen(gated, sees, shared, shift):
    app = gated
    app.radio(key=name_of("gate_reads")).set_value(sees)
    app.checkbox(key=name_of("gate_shared")).set_value(shared)
    quiet(on(app, "radio", "gate_shift", shift))
    gate = view(app)["panels"][2]["wire"]["gate"]
    spec = f"relu_floor+gate:{sees}{':shared' * shared}" + ("" if shift == "none" else f"+shift:{shift}")
    assert app.session_state["concentrate"].specs[2] == str(linviz.mechanisms.parse(spec))
    assert gate["sees"] == sees
    assert np.array_equal(gate["q_weight"], gate["k_weight"]) == shared
    moved = not np.array_equal(view(app)["panels"][2]["wire"]["phi_k"], view(app)["panels"][1]["wire"]["phi_k"])
    assert moved == (shift != "none")


def test_a_clip_offers_the_shift_in_time_and_a_photograph_does_not():
    app = visit(source="pan", frames="2", steps="10")
    on(app, "radio", "gate_shift", "time")
    assert app.session_state["concentrate"].specs[2] == "relu_floor+gate+shift"
    on(app, "selectbox", "source", "coffee")
    assert shown(app).specs[2] == "relu_floor+gate" and "time" not in app.radio(key="concentrate_gate_shift").options
    assert "no neighbours in time" in said(app)


def test_causal_maps_look_back_only_and_have_full_rank():
    app = visit(source="pan", frames="2", temperature="1.5", specs="softmax,linear", **SMALL)
    on(app, "toggle", "causal", True)
    quiet(app)
    assert app.title[0].value.startswith("No patch sees a later one. A patch looks at ")
    assert dict(app.query_params)["causal"] in ("1", ["1"])
    assert titles(app) == ["softmax, causal", "linear (elu + 1), causal"]
    found, clip = readings(app, ("softmax", "linear"), causal=True)
    check_numbers(app, found, clip, view(app)["set"]["query"])
    assert all(panel["wire"]["causal"] for panel in view(app)["panels"])
    assert tables(app)[-1]["numerical rank (s above the tolerance)"] == ["392", "392"]
    on(app, "toggle", "causal", False)
    assert tables(quiet(app))[-1]["numerical rank (s above the tolerance)"][1] == "18"


def test_keys_may_describe_what_is_around_a_patch():
    app = quiet(visit(specs="softmax,relu", **SMALL))
    on(app, "segmented_control", "keys", "around")
    quiet(app)
    assert "those around another patch" in app.caption[0].value
    assert dict(app.query_params)["keys"] in ("around", ["around"])
    found, clip = readings(app, ("softmax", "relu"))
    check_numbers(app, found, clip, view(app)["set"]["query"])
    on(app, "segmented_control", "keys", "own")
    assert "keys" not in dict(quiet(app).query_params)
    for keys in ("own", "around"):      # a memory that erases reads only itself where q and k are equal
        words = visit(specs="softmax,delta", keys=keys, **SMALL).caption[0].value
        assert ("q and k are equal here" in words) == (keys == "own")


def test_a_gate_is_fitted_to_the_causal_softmax():
    app = quiet(visit(causal="1", steps="50", **SMALL))
    kl = view(app)["panels"][2]["wire"]["gate"]["kl"]
    found, _ = readings(app, ("relu_floor+gate",), causal=True)
    assert kl[-1] < kl[0] and titles(app)[2] == "relu + floor + gate, causal, fitted"
    assert three_digits(found[0].summary()["entropy"]) == tables(app)[0]["entropy (bits)"][5]


@pytest.mark.parametrize("address, left, word", [
    ({"specs": "linear,nonlocal"}, ["linear (elu + 1), causal"], "nonlocal has no causal form"),
    ({"specs": "swin,uniform"}, ["softmax, causal"], "swin has no causal form; uniform has no causal form"),
    ({"specs": "linear,relu,softmax@window:7"}, ["linear (elu + 1), causal", "relu, causal"],
     "causal=True orders all tokens by number")])
def test_what_has_no_causal_form_is_left_out_with_a_sentence(address, left, word):
    app = visit(causal="1", **SMALL | address)
    assert titles(app) == left
    (warning,) = app.warning
    assert "Not shown while attention is causal" in warning.value and word in warning.value.replace("\\", "")


def test_nobody_sees_the_future_by_a_shift_in_time():
    app = visit(source="pan", frames="2", steps="10", specs="softmax,relu_floor+gate+shift", causal="1", **SMALL)
    assert "brings in the next frame" in said(app) and shown(app).specs[1] == "relu_floor+gate"
    options = app.radio(key="concentrate_gate_shift").options
    assert "time" not in options and "space" in options


def test_steps_and_seed_decide_the_fit():
    app = visit(patches="14", steps="10")
    quiet(app)
    ends = {}
    for steps, seed in ((10, 0), (10, 7), (20, 0)):
        on(app, "number_input", "steps", steps)
        on(app, "number_input", "seed", seed)
        quiet(app)
        gate = view(app)["panels"][2]["wire"]["gate"]
        assert gate["steps"][-1] == steps
        ends[steps, seed] = gate["q_weight"][-1]
    assert not np.allclose(ends[10, 0], ends[10, 7]) and not np.allclose(ends[10, 0], ends[20, 0])


# ------------------------------------------------------------------------------------------------ specs by hand


def test_a_spec_by_hand_is_drawn_as_one_more():
    app = visit(patches="14", steps="10")
    type_specs(app, " relu@window:7 ")
    assert len(view(app)["panels"]) == 4 and not said(app)
    assert view(app)["panels"][3]["wire"]["kind"] == "blocks"


@pytest.fixture(scope="module")
def typed():
    """A page on which one wrong spec after the other is typed, and taken away."""
    return quiet(visit(**QUICK))


@pytest.mark.parametrize("spec, word", [
    ("relu_flor", "did you mean 'relu_floor'"), ("softmax+gate", "has none"), ("relu+gate:all", "a gate is"),
    ("softmax@window:0", "at least one patch"), ("relu+conv", "no convolution"), ("+gate", "not a spec"),
    ("<script>alert(1)</script>", "not a spec"), ("![x](http://example.org/x.png)", "not a spec"),
    ("performer directions=0", "from 1 to 16,384"), ("softmax scan=frames", "has no option 'scan'"),
    ("performer directions", "NAME=VALUE")])
def test_a_wrong_spec_gets_one_sentence_and_the_page_stays(typed, spec, word):
    app = typed
    type_specs(app, spec)
    (error,) = app.error
    assert word in error.value.replace("\\", "")
    bare = re.sub(r"\\.", "", error.value)
    assert not set("[]<>*`_") & set(bare), "what was typed is not read as markdown"
    assert len(view(app)["panels"]) == 3
    on(app, "multiselect", "specs", list(SPECS))
    assert not app.error


@pytest.mark.parametrize("specs", [("linear",), ("softmax", "relu", "linear", "efficient", "uniform", "relu_floor")])
def test_from_one_mechanism_to_many(specs):
    app = visit(specs=",".join(specs), **SMALL)
    assert len(view(app)["panels"]) == len(specs) and not said(app)


def test_an_empty_list_keeps_the_last_choice():
    app = visit(specs="softmax,linear", **SMALL)
    on(app, "multiselect", "specs", [])
    assert "the last ones that were chosen are shown" in app.error[0].value
    assert titles(app) == ["softmax", "linear (elu + 1)"]
    on(app, "multiselect", "specs", ["relu", "linear"])
    assert not app.error and titles(app) == ["relu", "linear (elu + 1)"]


def test_two_panels_of_one_name_are_told_apart_by_spec():
    app = visit(patches="14", steps="10", specs="softmax,relu_floor,relu_floor+gate,relu_floor+gate:qk")
    quiet(app)
    assert titles(app)[2:] == ["relu_floor+gate", "relu_floor+gate:qk"]


def test_options_have_widgets_and_stand_in_the_address():
    app = visit(specs="softmax,performer,performer", options="1:directions=8", **SMALL)
    assert view(app)["panels"][1]["wire"]["phi_q"].shape == (196, 8)
    on(app, "number_input", "option_1_directions", 12)
    assert view(app)["panels"][1]["wire"]["phi_q"].shape == (196, 12) and not said(app)
    on(app, "segmented_control" if app.get("segmented_control") else "button_group", "option_2_kind", "relu")
    address = {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}
    assert address["options"] == "1:directions=12,2:kind=relu"
    assert view(visit(**address))["id"] == view(app)["id"]


def test_a_map_that_travels_only_as_its_table_is_left_out_of_large_grids_with_a_sentence():
    app = visit(patches="56", specs="softmax,additive")
    assert titles(app) == ["softmax"]
    assert "additive can only be sent as a whole table" in said(app)


@pytest.mark.parametrize("spec, whole", [("additive", True), ("softmax", False), ("linformer", False),
                                         ("relu_floor+gate", False), ("softmax@window:3", False)])
def test_what_travels_only_as_its_table_is_known_beforehand(spec, whole):
    assert panel_work.travels_as_table(spec, {}, False) == panel_work.travels_as_table(spec, {}, True) == whole
    assert panel_work.travels_as_table("aft_simple", {}, True, causal=True)
    assert not panel_work.travels_as_table("aft_simple", {}, True)


# ------------------------------------------------------------------------------------------------ fits


@pytest.fixture
def held(monkeypatch):
    """Fits that wait at step 5 until this event is set, or until they are stopped; and a page that waits for none."""
    event = threading.Event()

    def slow(*args, progress, **options):
        def wait(step, steps, kl):
            while step == 5 and not event.is_set() and progress(step, steps, kl):
                time.sleep(0.01)
            return progress(step, steps, kl)
        return fit_gate(*args, progress=wait, **options)
    monkeypatch.setattr("linviz.views.panel_steps.fit_gate", slow)
    monkeypatch.setattr("explorer.concentrate.visit.FIRST", 0.5)
    yield event
    event.set()


def test_until_a_gate_is_fitted_its_panel_says_so_and_is_the_ungated_map(held):
    app = visit(temperature="1.31", **QUICK)
    assert titles(app)[2] == "relu + floor + gate, fitting"
    assert not np.any(view(app)["panels"][2]["wire"]["z_q"])
    assert tables(app)[0]["entropy (bits)"][4:] == ["…", "…"]
    assert any("Fitting the gate: step 5 of 20" in str(p.proto) for p in app.get("progress"))
    held.set()
    quiet(app)
    assert titles(app)[2] == "relu + floor + gate, fitted" and not app.get("progress")


def test_a_fit_can_be_cancelled_and_stays_as_far_as_it_came(held):
    app = visit(temperature="1.32", **QUICK)
    press(app, "Cancel")
    quiet(app)
    assert titles(app)[2] == "relu + floor + gate, stopped at step 5"
    assert view(app)["panels"][2]["wire"]["gate"]["steps"][-1] == 5
    well(app.run())
    assert not app.session_state.visit.jobs.jobs, "a stopped fit does not begin again by itself"


def test_a_stopped_fit_is_nobody_elses_and_can_be_begun_again(held):
    address = QUICK | {"temperature": "1.33"}
    app = visit(**address)
    press(app, "Cancel")
    quiet(app)
    other = visit(**address)
    assert "fitting" in titles(other)[2]
    held.set()
    press(app, "Fit again")
    assert titles(quiet(app))[2].endswith("fitted") and titles(quiet(other))[2].endswith("fitted")


def test_a_second_visitor_finds_the_fit_at_once():
    address = {"patches": "16", "steps": "20", "temperature": "1.23"}
    quiet(visit(**address))
    second = visit(**address)
    assert titles(second)[2].endswith("fitted") and not second.session_state.visit.busy


def test_fit_again_fits_again(held):
    held.set()
    app = quiet(visit(**QUICK))
    before = view(app)["panels"][2]["wire"]["gate"]["q_weight"]
    held.clear()
    press(app, "Fit again")
    assert app.session_state.visit.progress() is not None and titles(app)[2].endswith("fitted")
    held.set()
    quiet(app)
    np.testing.assert_array_equal(before, view(app)["panels"][2]["wire"]["gate"]["q_weight"])


def test_a_changed_control_stops_the_fit_that_is_no_longer_wanted(held):
    app = visit(patches="14", temperature="1.11")
    (job,) = [job for key, job in app.session_state.visit.jobs.jobs.items() if key[0] == "fit"]
    on(app, "multiselect", "specs", ["softmax", "relu_floor"])
    assert job.stopped and app.session_state.visit.progress() is None
    assert job.future.result(20).cancelled


def test_a_fit_that_fails_says_so_and_the_page_stays(monkeypatch):
    def fail(*args, **kwargs):
        raise ValueError("the moon is in the wrong place")
    monkeypatch.setattr("linviz.views.panel_steps.fit_gate", fail)
    app = quiet(visit(patches="14", temperature="3.33"))
    assert "the moon is in the wrong place" in said(app)
    assert titles(app)[2].endswith("not fitted") and titles(app)[0] == "softmax"


def test_a_gate_inside_a_scope_is_fitted_to_the_softmax_of_that_scope():
    app = quiet(visit(patches="14", steps="50", specs="softmax,relu_floor+gate@window:7"))
    kl = view(app)["panels"][1]["wire"]["gate"]["kl"]
    assert all(np.isfinite(kl)) and kl[-1] < kl[0]


# ------------------------------------------------------------------------------------------------ reset, addresses


def test_the_address_follows_every_choice_and_opens_the_same_page():
    app = visit(**SMALL)
    on(app, "selectbox", "source", "coffee")
    on(app, "select_slider", "temperature", 1.6)
    on(app, "multiselect", "specs", ["softmax", "linear"])
    address = {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}
    assert address == {"source": "coffee", "patches": "14", "temperature": "1.6", "specs": "softmax,linear"}
    assert view(visit(**address))["id"] == view(app)["id"]


@pytest.mark.parametrize("address, word", [
    ({"patches": "9999"}, "1 to 112"), ({"source": "![x](http://example.org/x.png)"}, "no photograph or clip"),
    ({"specs": "nothing"}, "no mechanism called"), ({"specs": "softmax+gate"}, "has none"),
    ({"maps": "softmax,relu"}, "is called specs now"), ({"clip": "coffee"}, "is called source now"),
    ({"sees": "qk"}, "is called specs now"), ({"source": "trained"}, "a page of their own"),
    ({"nonsense": "1"}, "this page knows")])
def test_a_bad_address_gets_one_sentence_and_the_page_is_drawn(address, word):
    app = visit(**QUICK | address)
    (warning,) = app.warning
    assert word in warning.value.replace("\\", "") and "![" not in warning.value
    assert len(view(app)["panels"]) == 3


def test_after_a_bad_address_the_page_works():
    app = visit(**QUICK | {"temperature": "0", "specs": "nothing", "clip": "coffee", "nonsense": "1"})
    assert len(app.warning) == 4 and len(view(app)["panels"]) == 3
    on(app, "select_slider", "temperature", 1.0)
    press(app, "Reset")
    assert not app.warning


def test_two_visitors_do_not_mix():
    one, other = visit(**QUICK), visit(source="coffee", **QUICK)
    on(one, "select_slider", "temperature", 2.0)
    one.session_state["view0"] = {"query": {"query": 3, "n": 1, "trail": [3], "frame": 0}}
    well(one.run())
    well(other.run())
    assert shown(other).temperature == OPENING.temperature
    assert other.session_state.visit.query != 3 and one.session_state.visit.query == 3
    assert view(one)["title"] != view(other)["title"]


def test_nothing_cached_is_changed_by_looking_at_it():
    app = quiet(visit(**QUICK))
    here = sample_scene("chelsea", Grid(1, 14, 14), OPENING.temperature)
    before = [x.clone() for x in (here.q, here.k, here.v)]
    on(app, "select_slider", "temperature", 0.5)
    on(app, "select_slider", "temperature", OPENING.temperature)
    again = sample_scene("chelsea", Grid(1, 14, 14), OPENING.temperature)
    assert again is here and all(torch.equal(a, b) for a, b in zip(before, (here.q, here.k, here.v)))
