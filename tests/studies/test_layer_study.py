"""LAYERS.md: true for any number of runs, every prediction counted as it was written, page and data of today's runs."""
from __future__ import annotations

from typing import Any

import pytest

import linviz.evidence as product
from linviz.models.arms import LAYERS, training_jobs
from studies.evidence_store import round_numbers
from studies.layer_study import (
    COLOUR,
    MOTION,
    PAGE,
    PATTERNS,
    SCORES,
    SEEDS,
    LayerRuns,
    layer_answers,
    layer_data,
    layer_page,
    pattern_letters,
)

AS_PREDICTED = {MOTION: {"S-S-S": 0.85, "S-S-F": 0.84, "S-F-S": 0.84, "S-F-F": 0.7, "F-S-S": 0.84, "F-S-F": 0.75,
                         "F-F-S": 0.8, "F-F-F": 0.25},
                COLOUR: {"S-S-S": 0.745, "S-S-F": 0.74, "S-F-S": 0.74, "S-F-F": 0.6, "F-S-S": 0.74, "F-S-F": 0.72,
                         "F-F-S": 0.65, "F-F-F": 0.5}}


def made_runs(seeds: int = SEEDS, **changes: float) -> LayerRuns:
    """Runs with the predicted scores. changes: other scores, as motion_SSF=0.3."""
    records: dict[str, list[dict[str, Any]]] = {task: [] for task in SCORES}
    for task, name in ((task, name) for task in SCORES for name in LAYERS):
        key = f"{task.partition('_')[2]}_{pattern_letters(name).replace('-', '')}"
        score = changes.get(key, AS_PREDICTED[task][pattern_letters(name)])
        records[task] += [{"name": name, "seed": seed, SCORES[task]: score + 0.001 * seed} for seed in range(seeds)]
    return LayerRuns(records)


def test_numbers_as_predicted_make_every_prediction_true():
    assert [answer.verdict for answer in layer_answers(made_runs())] == ["yes"] * 8
    assert {answer.verdict for answer in layer_answers(made_runs(3))} == {"yes, so far"}
    assert {answer.verdict for answer in layer_answers(made_runs(0))} == {"open"}


@pytest.mark.parametrize("changes, wrong", [
    ({"colour_FSF": 0.68}, {1}), ({"colour_SFF": 0.54}, {2}), ({"colour_FFS": 0.73}, {3}), ({"colour_SFF": 0.66}, {3}),
    ({"colour_SSF": 0.8}, {4}), ({"motion_SFF": 0.5}, {5}), ({"motion_FFS": 0.7, "motion_FSF": 0.72}, {6, 7}),
    ({"motion_FFF": 0.78}, {8}), ({"colour_FFF": 0.7}, {2, 8})])
def test_other_numbers_make_them_wrong(changes, wrong):
    assert {n for n, answer in enumerate(layer_answers(made_runs(**changes)), 1) if not answer.true} == wrong


@pytest.mark.parametrize("seeds", [0, 1, 3, SEEDS])
def test_any_number_of_seeds_makes_a_page_that_says_how_many(seeds: int):
    page = layer_page(made_runs(seeds))
    assert f"motion {seeds} of {SEEDS}, colour {seeds} of {SEEDS}" in page
    assert not {"nan", "inf", "None"} & set(page.replace("[", " ").replace("]", " ").split())
    assert page.count("| open |") == 8 * (not seeds)
    row = next(line for line in page.splitlines() if line.startswith("| F-S-F |"))
    assert ("[" in row) == (seeds >= 3) and ("0.720" in row or "0.722" in row or "0.721" in row) == (seeds > 0)


def test_the_eight_patterns_are_trained_on_both_tasks():
    assert len(set(PATTERNS)) == 8 and {pattern_letters(name) for name in LAYERS} == set(PATTERNS)
    for task in SCORES:
        assert {(pattern_letters(job.name), job.seed) for job in training_jobs(task)} == {
            (pattern, seed) for pattern in PATTERNS for seed in range(SEEDS)}


def test_the_page_is_that_of_the_stored_runs():
    assert PAGE.read_text("utf-8") == layer_page(LayerRuns.read())


def test_the_stored_scores_are_those_of_the_stored_runs():
    stored = {task: product.layer_scores(task) for task in ("motion", "colour")}
    assert stored == round_numbers(layer_data(LayerRuns.read())), "python3 start.py study layers writes them again"
    with pytest.raises(ValueError, match="no layers of task 'sound'; tasks: motion, colour"):
        product.layer_scores("sound")
