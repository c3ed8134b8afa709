"""COLOUR.md: true for any number of runs, every prediction counted as it was written, the page that of today's runs."""
from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from linviz.models.arms import COLOUR_SETS
from studies import colour_sealed
from studies.colour_headlines import colour_headlines
from studies.colour_predictions import colour_answers
from studies.colour_runs import BASELINES, ColourRuns
from studies.colour_study import PAGE, colour_page
from studies.colour_tables import PREDICTIONS, prediction_table

HAND = {"test_r2": 0.6, "train": 0.6, "natural": {"chelsea": 0.5, "flower": 0.8, "rocket": 0.6}, "natural_all": 0.6,
        "blank": 0.3, "foreign": 0.2, "hints": {"0.05": 0.4, "0.5": 0.7}}
BASE = {"bilateral": HAND, "nearest": HAND | {"test_r2": 0.1}}
OPENED = {"softmax": 0.8, "relu_floor": 0.7, "relu": 0.72}
SEALED = {"windows": 500, "photographs": ["clock"], "painters": OPENED, "by_hand": {"nearest": 0.1}}
SCORES = {"softmax": 0.74, "focused": 0.57, "relu": 0.54, "relu_floor+gate": 0.51, "relu_floor": 0.5, "uniform": 0.2,
          "relu_floor~heads=1": 0.6, "relu_floor/softmax/relu_floor": 0.73}  # as predicted; every other arm has 0.45


def run_record(which: str, name: str, seed: int, **changes: Any) -> dict[str, Any]:
    """The result of a run as `ship_model` writes it, with the numbers that were predicted."""
    plain = name.partition("~init")[0].partition("~heads")[0]
    score = SCORES.get(name, SCORES.get(plain, 0.45))
    score = {"colour_long": score + 0.2 * (score < 0.7) + 0.1 * (score >= 0.7), "colour_plain": 0.0}.get(which, score)
    rank = 10 * score
    layer = {"entropy": 0.9 - 0.1 * (name == "relu_floor+gate") + 0.05 * (seed % 2), "object": 2.0, "near": 3.0,
             "effective_rank": rank, "diversity": 0.1}
    if "delta" in name:
        layer = {"effective_rank": rank, "diversity": 0.1}
    score = changes.get("test_r2", score)
    return {"name": name, "seed": seed, "test_r2": score + 0.001 * seed, "train": score, "parameters": 76_136,
            "natural": HAND["natural"], "natural_all": 0.5, "blank": 0.25 if name == "softmax" else 0.05,
            "foreign": 0.2, "hints": HAND["hints"], "layers": [layer] * 3, "altered": {"none": score}} | changes


def made_runs(keep: float = 1.0, **changes: dict[str, Any]) -> ColourRuns:
    """The first runs of every set, as many as `keep` says. changes: other numbers of an arm of the set colour."""
    records = {}
    for which, (arms, seeds, *_) in COLOUR_SETS.items():
        all_of_them = [run_record(which, name, seed, **(changes.get(name, {}) if which == "colour" else {}))
                       for seed, name in product(range(seeds), arms)]
        records[which] = all_of_them[:round(keep * len(all_of_them))]
    return ColourRuns(records, BASE, SEALED if keep == 1 else {})


def test_numbers_as_predicted_make_every_prediction_true():
    wrong = [n for n, answer in enumerate(colour_answers(made_runs()), 1) if not answer.true]
    assert not wrong and {answer.verdict for answer in colour_answers(made_runs())} == {"yes"}


@pytest.mark.parametrize("changes, wrong", [
    ({"softmax": {"test_r2": 0.55}}, {1, 2, 5, 11, 12, 15, 16}), ({"relu": {"test_r2": 0.7}}, {2, 7}),
    ({"relu_floor+gate": {"test_r2": 0.6}}, {3, 7}), ({"relu_floor~wide": {"test_r2": 0.56}}, {4}),
    ({"mala": {"test_r2": 0.8}}, {5, 7}), ({"uniform": {"test_r2": 0.05}}, {6}),
    ({"softmax": {"blank": 0.45}}, {9}), ({"efficient": {"train": 0.51}}, {10})])
def test_other_numbers_make_them_wrong(changes, wrong):
    answers = colour_answers(made_runs(**changes))
    assert {n for n, answer in enumerate(answers, 1) if not answer.true} == wrong


@pytest.mark.parametrize("keep", [0, 0.02, 0.1, 0.3, 0.5, 0.9, 1])
def test_any_number_of_runs_makes_a_page_that_says_how_many(keep: float):
    runs = made_runs(keep)
    page = colour_page(runs)
    there, wanted = runs.counts("colour")
    assert f"- colour: {there} of {wanted} runs" in page and "nan" not in page and "None" not in page
    assert ("## Accuracy" in page) == (there > 0)
    answers = colour_answers(runs)
    assert page.count("| open |") == sum(answer.true is None for answer in answers)
    assert keep > 0.5 or not any(answer.final and answer.true is not None for answer in answers[:11])
    fewest, most = runs.seed_count("colour")
    rows = re.findall(r"^\| softmax \| (.*?) \|", page.partition("## Accuracy")[2].partition("##")[0], re.M)
    assert all(("[" in cell) == (len(runs.arms["colour"]["softmax"]) >= 3) for cell in rows)
    assert most - fewest <= 1


def test_a_lead_of_one_seed_has_no_interval_and_is_no_wrong_prediction():
    first = colour_answers(made_runs(0.1))[0]
    assert first.true is None and first.numbers.endswith("; an interval needs 3 seeds")


def test_the_sealed_photographs_are_opened_once_and_answer_two_predictions(tmp_path, monkeypatch):
    runs = made_runs()
    runs.sealed = {"painters": {"softmax": 0.6, "relu_floor": 0.58, "relu": 0.4}}
    assert [answer.verdict for answer in colour_answers(runs)[16:]] == ["no", "no"]
    runs.sealed = {}
    assert [answer.verdict for answer in colour_answers(runs)[16:]] == ["open", "open"]
    monkeypatch.setattr(colour_sealed, "SEALED", tmp_path / "sealed.json")
    monkeypatch.setattr(colour_sealed, "sealed_scores", lambda baselines: {"painters": OPENED})
    colour_sealed.open_sealed(BASE)
    assert colour_sealed.read_sealed() == {"painters": OPENED}
    with pytest.raises(ValueError, match="opened before"):
        colour_sealed.open_sealed(BASE)


def test_headlines_say_no_more_than_their_intervals():
    said = colour_headlines(made_runs())
    assert said[0] == ("After 800 steps, softmax has a higher score than relu + floor (+0.240 [+0.240, +0.240], "
                       "5 seeds).")
    few = colour_headlines(made_runs(0.08))
    assert few[0].endswith("softmax has a higher score than relu + floor so far (+0.240, 1 seed).")
    alike = colour_headlines(made_runs(**{"relu_floor+gate": {"test_r2": 0.505}}))
    spread = [run_record("colour", "relu_floor+gate", seed, test_r2=0.5 + 0.1 * (-1)**seed) for seed in range(4)]
    mixed = made_runs()
    mixed.records["colour"] = [r for r in mixed.records["colour"] if r["name"] != "relu_floor+gate"] + spread
    assert "relu + floor + gate has a higher score than relu + floor (" in alike[2]
    assert "relu + floor + gate cannot be told apart from relu + floor (" in colour_headlines(mixed)[2]
    assert colour_headlines(made_runs(0)) == []
    worse = colour_headlines(made_runs(**{"efficient": {"train": 0.6}}))
    assert "No variant is better by more than 0.148 on the photographs" in " ".join(worse)


def test_there_is_one_answer_for_every_prediction():
    numbered = re.findall(r"^(\d+)\. ", PREDICTIONS.read_text("utf-8"), re.M)
    assert [int(n) for n in numbered] == list(range(1, 19)) and len(colour_answers(made_runs())) == 18
    assert prediction_table(made_runs()).count("\n") == 19


def test_the_page_is_that_of_the_stored_runs():
    assert BASELINES.exists() and PAGE.read_text("utf-8") == colour_page(ColourRuns.read())


def test_the_readme_says_no_more_of_colours_than_the_runs():
    readme = " ".join((PAGE.parents[1] / "README.md").read_text("utf-8").split())
    assert "There softmax stays ahead of relu too, and the effective rank of the maps goes with the score" in readme
    runs = ColourRuns.read()
    gaps = [runs.gap("colour", "softmax", name) for name in ("relu", "relu_floor", "relu_floor+gate")]
    assert all(min(gap.values) > 0.05 for gap in gaps)
    assert re.search(r"effective rank \+0\.[6-9]", " ".join(colour_headlines(runs)))
