"""The gate study: its rows are whole, its page says what they say, and its claims hold in them."""
from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from benchmarks import gates
from benchmarks.gates import KERNELS, MAIN, SEEN, SETTINGS, Arm, arms, layers, measured, name, read
from benchmarks.gates_page import CALLED, LAYERS, ORDER, PAGE, SKIPPED, Rows, bare, figure, gated, page
from linviz.mechanisms import REGISTRY

TINY = SETTINGS | {"clips": 3, "held_out": 2, "steps": 2, "batch": 2, "rows": 5}


@pytest.fixture(scope="module")
def kept():
    return read()


@pytest.fixture(scope="module")
def rows(kept):
    return Rows(kept["rows"])


# ---------------------------------------------------------------- what is kept


def test_every_arm_has_a_row_for_every_layer(kept):
    assert kept["settings"] == SETTINGS
    for model in kept["models"]:
        there = sorted((*name(row), row["layer"]) for row in kept["rows"] if row["model"] == model)
        assert there == sorted((*name({"model": model} | asdict(arm)), n) for arm in arms(model) for n in LAYERS)


def test_rows_are_of_the_models_that_are_shipped(kept):
    assert MAIN in kept["models"]
    for model, digest in kept["models"].items():
        assert gates.digest(model) == digest, f"{model} was trained anew: run python -m benchmarks.gates"


def test_every_mechanism_is_measured_or_left_out_for_a_reason():
    named = [n for names in SKIPPED.values() for n in names]
    assert sorted(named + [kernel for kernel in KERNELS if "~" not in kernel]) == sorted(REGISTRY)
    assert set(ORDER) == set(CALLED) == set(KERNELS) and len(SEEN) == 6


def test_the_page_is_what_the_rows_say(kept):
    assert page(kept) == PAGE.read_text("utf-8"), "run python -m benchmarks.gates --page"


def test_other_numbers_make_another_page(kept):
    other = json.loads(json.dumps(kept))
    for row in other["rows"]:
        if row["how"] == "fitted" and row["kernel"] == "relu_floor":
            row["kl"] += 0.5
    assert page(other) != PAGE.read_text("utf-8")


# ---------------------------------------------------------------- how it is made


def test_a_row_is_found_again(rows):
    layer = layers(MAIN, SETTINGS)[0]
    for arm in (Arm("kernel", "relu_floor"), Arm("fitted", "relu_floor", "qkv")):
        found = measured(arm, layer, SETTINGS)
        row = rows.where(model=MAIN, layer=1, **asdict(arm)).all[0]
        for measure in ("kl", "entropy", "error", "object"):
            assert found[measure] == pytest.approx(row[measure], rel=0.02), (arm, measure)


def test_what_was_stopped_goes_on_to_the_same_rows(tmp_path, monkeypatch):
    few = [Arm("kernel", "relu"), Arm("fitted", "relu", "self"), Arm("shuffled", "relu", "self")]
    monkeypatch.setattr(gates, "arms", lambda model: iter(few))
    whole, half = tmp_path / "whole.json", tmp_path / "half.json"
    gates.run([MAIN], whole, TINY)
    monkeypatch.setattr(gates, "arms", lambda model: iter(few[:1]))
    gates.run([MAIN], half, TINY)
    before = half.read_text().splitlines()[-5:]
    monkeypatch.setattr(gates, "arms", lambda model: iter(few))
    gates.run([MAIN], half, TINY)
    assert [without_time(r) for r in read(half)["rows"]] == [without_time(r) for r in read(whole)["rows"]]
    assert before[0] in half.read_text() and len(read(half)["rows"]) == 9
    monkeypatch.setattr(gates, "arms", lambda model: iter(few[:1]))
    assert len(gates.run([MAIN], half, TINY | {"steps": 3})["rows"]) == 3, "rows of other settings were kept"


def without_time(row):
    return {key: x for key, x in row.items() if key != "seconds"}


# ---------------------------------------------------------------- what the page claims


def test_a_constant_gate_is_no_gate(rows):
    for kernel in ("relu_floor", "relu"):
        for n in LAYERS:
            assert rows.mean("kl", layer=n, **gated(kernel, how="constant")) == pytest.approx(
                rows.mean("kl", layer=n, **bare(kernel)), abs=1e-3)


def test_the_recovered_share_is_of_the_entropy_between_kernel_and_softmax():
    made = Rows([{"model": MAIN, "layer": 1, "how": how, "kernel": kernel, "shift": "", "sees": sees, "entropy": h}
                 for how, kernel, sees, h in (("reference", "softmax", "", 4.0), ("kernel", "linear", "", 7.0),
                                              ("fitted", "linear", "qk", 5.0), ("kernel", "focused", "", 4.1),
                                              ("fitted", "focused", "qk", 3.9))])
    share = made.recovered(1, model=MAIN, how="fitted", kernel="linear", sees="qk")
    assert share == pytest.approx(2 / 3)
    assert made.recovered(1, model=MAIN, how="fitted", kernel="focused", sees="qk") is None


def test_the_figure_draws_the_rows(kept, rows):
    fig = figure(kept)
    assert len(fig.data) == 2 * 3 * 8 and len({t.legendgroup for t in fig.data}) == 8
    drawn = next(t for t in fig.data if t.name == "QKV")
    assert list(drawn.y) == [rows.mean("entropy", layer=1, seed=0, **gated(kernel)) for kernel in ORDER]
    assert "KL to softmax" in fig.layout.meta["alt"] and fig.layout.yaxis.title.text == "entropy (bits)"
