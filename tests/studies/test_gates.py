"""The gate study: its rows are whole, its page says what they say, and its claims hold in them."""
from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import asdict

import pytest
import torch

from linviz import Grid
from linviz.figures.evidence_gallery import draw_evidence
from linviz.fixation import shift_channels
from linviz.mechanisms import REGISTRY
from linviz.models.arms import BREADTH
from studies import gate_study
from studies.gate_page import PAGE, gate_page
from studies.gate_rows import (
    CALLED,
    LAYERS,
    LEAST,
    MAIN,
    ORDER,
    SEEN,
    SKIPPED,
    Rows,
    bare_fields,
    gate_figure_data,
    gated_fields,
    softmax_fields,
)
from studies.gate_study import (
    KERNELS,
    SETTINGS,
    Arm,
    gate_arms,
    measure_arm,
    model_layers,
    read_rows,
    row_key,
)

TINY = SETTINGS | {"clips": 3, "held_out": 2, "steps": 2, "batch": 2, "rows": 5}


@pytest.fixture(scope="module")
def kept():
    return read_rows()


@pytest.fixture(scope="module")
def rows(kept):
    return Rows(kept["rows"])


# ---------------------------------------------------------------- what is kept


def test_every_arm_has_a_row_for_every_layer(kept):
    assert kept["settings"] == SETTINGS
    for model in kept["models"]:
        there = sorted((*row_key(row), row["layer"]) for row in kept["rows"] if row["model"] == model)
        assert there == sorted((*row_key({"model": model} | asdict(arm)), n) for arm in gate_arms(model)
                               for n in LAYERS)


def test_rows_are_of_the_models_that_are_shipped(kept):
    assert MAIN in kept["models"]
    for model, digest in kept["models"].items():
        assert gate_study.weight_digest(model) == digest, f"{model} was trained anew: run python3 start.py study gates"


def test_every_mechanism_of_the_study_is_measured_or_left_out_for_a_reason():
    """The study names its mechanisms itself: a mechanism that the library gains later changes nothing here."""
    named = [n for names in SKIPPED.values() for n in names] + [kernel for kernel in KERNELS if "~" not in kernel]
    assert sorted(named) == sorted(BREADTH) and set(named) <= set(REGISTRY)
    assert set(ORDER) == set(CALLED) == set(KERNELS) and len(SEEN) == 6


def test_the_page_is_what_the_rows_say(kept):
    assert gate_page(kept) == PAGE.read_text("utf-8"), "run python3 start.py study gates --page"


def test_other_numbers_make_another_page(kept):
    other = json.loads(json.dumps(kept))
    for row in other["rows"]:
        if row["how"] == "fitted" and row["kernel"] == "relu_floor":
            row["kl"] += 0.5
    assert gate_page(other) != PAGE.read_text("utf-8")


# ---------------------------------------------------------------- how it is made


def test_a_row_is_found_again(rows):
    layer = model_layers(MAIN, SETTINGS)[0]
    for arm in (Arm("kernel", "relu_floor"), Arm("fitted", "relu_floor", "qkv")):
        found = measure_arm(arm, layer, SETTINGS)
        row = rows.where(model=MAIN, layer=1, **asdict(arm)).all[0]
        for measure in ("kl", "entropy", "error", "object"):
            assert found[measure] == pytest.approx(row[measure], rel=0.02), (arm, measure)


def test_what_was_stopped_goes_on_to_the_same_rows(tmp_path, monkeypatch):
    few = [Arm("kernel", "relu"), Arm("fitted", "relu", "self"), Arm("shuffled", "relu", "self")]
    monkeypatch.setattr(gate_study, "gate_arms", lambda model: iter(few))
    whole, half = tmp_path / "whole.json", tmp_path / "half.json"
    gate_study.measure_models([MAIN], whole, TINY)
    monkeypatch.setattr(gate_study, "gate_arms", lambda model: iter(few[:1]))
    gate_study.measure_models([MAIN], half, TINY)
    before = half.read_text().splitlines()[-5:]
    monkeypatch.setattr(gate_study, "gate_arms", lambda model: iter(few))
    gate_study.measure_models([MAIN], half, TINY)
    assert [without_time(r) for r in read_rows(half)["rows"]] == [without_time(r) for r in read_rows(whole)["rows"]]
    assert before[0] in half.read_text() and len(read_rows(half)["rows"]) == 9
    monkeypatch.setattr(gate_study, "gate_arms", lambda model: iter(few[:1]))
    assert len(gate_study.measure_models([MAIN], half,
                                         TINY | {"steps": 3})["rows"]) == 3, "rows of other settings were kept"


def without_time(row):
    return {key: x for key, x in row.items() if key != "seconds"}


# ---------------------------------------------------------------- what the page claims


Fields = dict[str, object]
CLAIMS: dict[str, Callable[[Rows], None]] = {}
ROW, MAP, EVEN = (softmax_fields() | {"kernel": name} for name in ("mean row", "mean map", "uniform"))
FREE, LONGER, OTHER_CLIPS = (gated_fields(how=how) for how in ("free", "longer", "shuffled"))


def claim(number: str) -> Callable[[Callable[[Rows], None]], Callable[[Rows], None]]:
    """Keep what a numbered claim of the page says in words, as a function that asserts it of rows."""
    return lambda says: CLAIMS.setdefault(number, says)


def kl(rows: Rows, **fields: object) -> float:
    return rows.mean("kl", **fields)


@claim("1")
def most_is_recovered_in_the_right_places(rows: Rows) -> None:
    assert min(rows.recovered(n, **gated_fields()) for n in LAYERS) > 1 / 2
    assert kl(rows, **LONGER) < kl(rows, **gated_fields()) < kl(rows, **bare_fields()) / 2
    assert rows.mean("error", **gated_fields()) < rows.mean("error", **bare_fields()) / 2
    digit = [rows.mean("object", **fields) for fields in (bare_fields(), gated_fields(), softmax_fields())]
    assert digit[1] - digit[0] > 0.9 * (digit[2] - digit[0]) > 0
    assert abs(rows.recovered(**gated_fields(how="constant"))) < 0.005
    assert rows.recovered(**OTHER_CLIPS) < rows.recovered(**gated_fields()) / 2
    assert kl(rows, **OTHER_CLIPS) == pytest.approx(kl(rows, **MAP), abs=0.1)


@claim("2")
def most_of_it_is_one_row_per_clip(rows: Rows) -> None:
    assert kl(rows, **ROW) < kl(rows, **EVEN) / 2
    assert kl(rows, **ROW) / 2 < kl(rows, **gated_fields()) < kl(rows, **ROW)


@claim("3")
def the_gate_on_keys_does_most(rows: Rows) -> None:
    whole, none = kl(rows, **gated_fields()), kl(rows, **bare_fields())
    keys, queries, tokens, channels = (kl(rows, **gated_fields(part=p))
                                       for p in ("keys", "queries", "tokens", "channels"))
    assert keys < (whole + none) / 2 < queries and tokens < (whole + none) / 2 < channels
    for part, fitted in (("tokens", tokens), ("channels", channels)):
        assert kl(rows, **gated_fields(part=part, how="after")) > fitted


@claim("4")
def with_a_gate_the_floor_is_a_help(rows: Rows) -> None:
    assert kl(rows, **bare_fields("relu")) < kl(rows, **bare_fields())
    assert rows.mean("entropy", **softmax_fields()) < rows.mean("entropy",
                                                                **bare_fields("relu")) < rows.mean("entropy",
                                                                                                   **bare_fields())
    for how in ("fitted", "free"):
        assert kl(rows, **gated_fields(how=how)) < kl(rows, **gated_fields("relu", how=how)) / 2
    ends = {kernel: kl(rows, **gated_fields(kernel)) for kernel in ORDER}
    assert min(ends, key=ends.__getitem__) == "linear"
    assert min(ends[kernel] for kernel in ("cosformer", "vicinity", "focused")) > 2 * ends["relu_floor"]


@claim("5")
def rank_is_not_what_it_brings(rows: Rows) -> None:
    before, after, goal, relu = (rows.mean("effective_rank", **fields)
                                 for fields in (bare_fields(), gated_fields(), softmax_fields(), bare_fields("relu")))
    assert after - before < (goal - before) / 3 and relu > after
    of_kernels = [row["effective_rank"] for row in rows.all if row["how"] != "reference"]
    assert max(of_kernels) <= 16 and rows.mean("effective_rank", **FREE) > after
    assert kl(rows, **FREE) < 0.01 and kl(rows, **gated_fields()) > 0.1


@claim("6")
def it_sees_more_and_sharing_costs_more(rows: Rows) -> None:
    own, qk, qkv = ((kl(rows, **gated_fields(form=(sees, True))), kl(rows, **gated_fields(form=(sees, False))))
                    for sees in ("self", "qk", "qkv"))
    assert own[1] > qk[1] > qkv[1] and min(qk[0], qkv[0]) > max(own)
    assert min(qk[0] - qk[1], qkv[0] - qkv[1]) > own[1] - qkv[1]
    none, self, all_of_it = (kl(rows, **fields) for fields in (
        bare_fields("performer"), gated_fields("performer", ("self", False)), gated_fields("performer")))
    assert self > 0.8 * none and all_of_it < none / 2


@claim("7")
def shifts_make_copying_worse(rows: Rows) -> None:
    whole = kl(rows, **gated_fields())
    for axis in ("time", "space"):
        moved = gated_fields(shift=axis)
        assert kl(rows, **softmax_fields() | {"shift": axis}) > kl(rows, **moved) > 2 * whole
        assert rows.mean("error", **moved) > rows.mean("error_of_map", **moved) > rows.mean("error", **gated_fields())
        more = [rows.mean(f"kl_{n}", **moved) - rows.mean(f"kl_{n}", **gated_fields()) for n in (1, 2, 3)]
        assert more[0] > 2 * more[1] > 0 and more[1] > 4 * abs(more[2])


@claim("8")
def not_one_models_accident(rows: Rows) -> None:
    models = sorted({row["model"] for row in rows.all} - {MAIN})
    shares = [rows.recovered(**gated_fields(model=m)) for m in models]
    known = [x for x in shares if x is not None]
    assert len(models) == 5 and len(known) >= 4 and min(known) > 0.9
    for model, x in zip(models, shares, strict=True):
        room = [rows.mean("entropy", layer=n, **bare_fields(model=model)) - rows.mean("entropy", layer=n,
                                                                                      **softmax_fields(model))
                for n in LAYERS]
        assert (x is None) == (min(room) <= LEAST)


@pytest.mark.parametrize("number", CLAIMS)
def test_a_claim_of_the_page_holds_in_the_rows(rows, number):
    CLAIMS[number](rows)


def test_every_numbered_claim_is_held_to_the_rows():
    assert re.findall(r"^(\d+)\. \*\*", PAGE.read_text("utf-8"), re.M) == list(CLAIMS)


@pytest.mark.parametrize("number, fields, measure, value", [
    ("1", gated_fields(layer=2), "entropy", 6.5), ("1", LONGER, "kl", 0.2), ("1", gated_fields(), "object", 3.0),
    ("1", gated_fields(), "error", 0.6), ("1", gated_fields(how="constant"), "entropy", 7.0),
    ("1", OTHER_CLIPS, "entropy", 5.0),
    ("1", MAP, "kl", 2.0), ("2", ROW, "kl", 1.7), ("2", ROW, "kl", 0.1), ("2", ROW, "kl", 0.4),
    ("3", gated_fields(part="keys"), "kl", 2.0), ("3", gated_fields(part="queries"), "kl", 0.3),
    ("3", gated_fields(part="tokens"), "kl", 2.0), ("3", gated_fields(part="channels"), "kl", 0.4),
    ("3", gated_fields(part="tokens", how="after"), "kl", 0.3),
    ("3", gated_fields(part="channels", how="after"), "kl", 1.8),
    ("4", bare_fields("relu"), "kl", 2.6), ("4", bare_fields("relu"), "entropy", 7.16),
    ("4", gated_fields("relu"), "kl", 0.15),
    ("4", gated_fields("relu", how="free"), "kl", 0.0), ("4", gated_fields("linear"), "kl", 0.2),
    ("4", gated_fields("vicinity"), "kl", 0.2),
    ("5", gated_fields(), "effective_rank", 3.5), ("5", bare_fields("relu"), "effective_rank", 2.0),
    ("5", bare_fields("vicinity"), "effective_rank", 16.5), ("5", FREE, "effective_rank", 2.0), ("5", FREE, "kl", 0.1),
    ("6", gated_fields(form=("self", False)), "kl", 0.2), ("6", gated_fields(form=("qk", False)), "kl", 0.3),
    ("6", gated_fields(form=("qkv", True)), "kl", 0.2), ("6", gated_fields("performer", ("self", False)), "kl", 1.2),
    ("6", gated_fields("performer"), "kl", 1.7), ("7", gated_fields(shift="time"), "kl", 0.1),
    ("7", gated_fields(shift="space"), "kl", 1.5),
    ("7", gated_fields(shift="time"), "kl_1", 0.3), ("7", gated_fields(shift="space"), "kl_3", 0.5),
    ("7", gated_fields(shift="time"), "error", 0.3), ("8", gated_fields(model="short/3"), "entropy", 6.0),
    ("8", softmax_fields("short/0"), "entropy", 7.0)])
def test_a_row_that_contradicts_a_claim_is_seen(kept, number, fields, measure, value):
    """Rows of one kind, changed in one measure: the claim that speaks of them no longer holds."""
    changed = copy.deepcopy(kept["rows"])
    for row in (hit := Rows(changed).where(**fields).all):
        row[measure] = value
    assert hit
    with pytest.raises(AssertionError):
        CLAIMS[number](Rows(changed))


@pytest.mark.parametrize("axis", ["time", "space"])
def test_a_shift_moves_the_first_head_whole_and_the_second_by_half(axis):
    """As claim 7 says of three heads of 16 channels, on 4 x 6 x 6 tokens."""
    x = torch.randn(1, 3, 144, 16, generator=torch.Generator().manual_seed(0))
    moved = (shift_channels(x, Grid(4, 6, 6), axis) != x).flatten(0, 2).unflatten(0, (3, -1)).any(1)
    assert moved.sum(1).tolist() == [16, 8, 0]


def test_a_constant_gate_is_no_gate(rows):
    for kernel in ("relu_floor", "relu"):
        for n in LAYERS:
            assert rows.mean("kl", layer=n, **gated_fields(kernel, how="constant")) == pytest.approx(
                rows.mean("kl", layer=n, **bare_fields(kernel)), abs=1e-3)


def test_the_recovered_share_is_of_the_entropy_between_kernel_and_softmax():
    made = Rows([{"model": MAIN, "layer": 1, "how": how, "kernel": kernel, "shift": "", "sees": sees, "entropy": h}
                 for how, kernel, sees, h in (("reference", "softmax", "", 4.0), ("kernel", "linear", "", 7.0),
                                              ("fitted", "linear", "qk", 5.0), ("kernel", "focused", "", 4.1),
                                              ("fitted", "focused", "qk", 3.9))])
    share = made.recovered(1, model=MAIN, how="fitted", kernel="linear", sees="qk")
    assert share == pytest.approx(2 / 3)
    assert made.recovered(1, model=MAIN, how="fitted", kernel="focused", sees="qk") is None


def test_the_figure_draws_the_rows(kept, rows):
    fig = draw_evidence(gate_figure_data(kept))
    assert len(fig.data) == 2 * 3 * 8 and len({t.legendgroup for t in fig.data}) == 8
    drawn = next(t for t in fig.data if t.name == "QKV")
    assert list(drawn.y) == [rows.mean("entropy", layer=1, seed=0, **gated_fields(kernel)) for kernel in ORDER]
    assert "KL to softmax" in fig.layout.meta["alt"] and fig.layout.yaxis.title.text == "entropy (bits)"
