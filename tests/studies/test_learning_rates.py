"""Learning rates: the page grows with the runs, compares seeds that are complete, and answers what was predicted."""
from __future__ import annotations

import copy
import json
import random
from itertools import product
from pathlib import Path

import pytest

from linviz.models.arms import MAIN, rate_arm, training_jobs
from linviz.models.recipe import RATES, Recipe
from studies import learning_rates, training_sets
from studies.evidence_page import template_values
from studies.evidence_store import EVIDENCE, read_results
from studies.evidence_study import PAGE
from studies.ledger import Ledger, Record
from studies.page_templates import bullet_list, render_page, render_sentence
from studies.training_sets import is_done, result_path, same_result

TOLD = read_results(EVIDENCE)
LOW, HIGH = min(RATES), max(RATES)
SEED = random.randrange(10**6)
AT_BEST = dict(zip(MAIN, (0.88, 0.45, 0.65, 0.7, 0.87, 0.4)))  # accuracies as RATES.md predicts them


def run_record(name: str, rate: float, seed: int, accuracy: float) -> Record:
    """A result as `evidence_store.result_row` returns it."""
    return {"name": rate_arm(name, rate), "rate": rate, "seed": seed, "recorded": accuracy + 0.01 * seed,
            "training_accuracy": accuracy, "tests": 1024, "parameters": 1, "options": {}, "recorded_layers": []}


def book_of(*records: Record) -> Ledger:
    """The ledger of today with these runs in the set."""
    return Ledger(copy.deepcopy(TOLD) | {"rates": list(records)})


def predicted_runs(**changes: float) -> list[Record]:
    """All 54 runs: 0.005 is every arm's best rate, 0.0008 fails, and 0.002 is as far apart as it was known to be."""
    known = dict(zip(MAIN, (0.85, 0.17, 0.49, 0.58, 0.84, 0.23)))
    table = {Recipe.rate: known, LOW: dict.fromkeys(MAIN, 0.15), HIGH: AT_BEST | changes}
    return [run_record(name, rate, seed, table[rate][name]) for seed, rate, name in product(range(3), RATES, MAIN)]


def say(book: Ledger, sentence: str) -> str:
    return render_sentence(sentence, **template_values(book))


def section_of(book: Ledger) -> str:
    """The section of the page."""
    return render_page("learning_rates", **template_values(book))


DRAWN = [f"drawn {n}" for n in range(4)]  # not drawn here: every process has to collect the same tests


@pytest.mark.parametrize("count", [0, 1, 17, 18, 19, 36, 53, 54, *DRAWN])
def test_the_page_grows_with_the_runs(count: int | str) -> None:
    """Any number of runs makes a page that says how many there are, and tables of complete seeds only."""
    if isinstance(count, str):
        count = random.Random(SEED).sample(range(54), len(DRAWN))[DRAWN.index(count)]
    book = book_of(*predicted_runs()[:count])
    section = section_of(book)
    assert f"{count} of 54 runs are there." in section and f": {count // 18} of 3." in section, SEED
    assert ("Not run yet" in section) == ("answered when all runs are there" in section) == (count < 54)
    assert ("softmax minus relu + floor" in section) == (count >= 18) and "inf" not in section.split()
    assert ("7 of 7 predictions" in section) == (count == 54)


def test_headlines_and_the_page_tell_the_runs_of_today() -> None:
    book, page = Ledger(TOLD), PAGE.read_text("utf-8")
    headlines = page.partition("\n## What was done")[0]
    assert section_of(book).strip() in page and bullet_list(say(book, "rates")) in headlines


def test_shuffled_runs_make_the_same_page() -> None:
    runs = predicted_runs()
    random.Random(SEED).shuffle(runs)
    assert section_of(book_of(*runs)) == section_of(book_of(*predicted_runs())), SEED


def test_best_rates_are_chosen_by_training_clips() -> None:
    """An arm that is better on held-out clips at another rate keeps the rate that its training clips chose."""
    runs = predicted_runs()
    for run in runs:
        if run["name"] == "softmax":
            run["recorded"] = 0.99
    book = book_of(*runs)
    assert learning_rates.best_rate(book, "softmax") == 0.005
    gap = learning_rates.rate_gap(book, "softmax", "relu_floor")
    assert gap.values == pytest.approx((0.43,) * 3) and gap.over == "seeds"
    assert learning_rates.rate_gap(book, "softmax", "relu_floor", best=False).mean == pytest.approx(0.99 - 0.18)


def test_headlines_follow_the_best_rates() -> None:
    before, after = (say(book_of(*predicted_runs(**changes)), "rates") for changes in ({}, {"relu_floor": 0.95}))
    assert "softmax is more accurate than the baseline (+43.0 [" in before
    assert "give this difference (+68.0 points)" in before
    assert "softmax is less accurate than the baseline (-7.0 [" in after and "the gate harms the baseline" in after
    assert "softmax minus relu + floor" in say(book_of(*predicted_runs(relu_floor=0.95)), "rate_check")


def test_one_seed_has_no_interval_and_no_verdict() -> None:
    book = book_of(*predicted_runs()[:18])
    assert "With 1 of 3 seeds" in say(book, "rates") and "[" not in say(book, "rates")
    assert "too few seeds" in say(book, "rate_check")


def test_a_best_rate_at_an_edge_is_told() -> None:
    others = dict.fromkeys(MAIN, 0.1)
    assert "better still" not in say(book_of(*predicted_runs(**others)), "rate_check")
    assert "better still: relu." in say(book_of(*predicted_runs(**others | {"relu": 0.9})), "rate_check")
    low = predicted_runs(**others)
    for run in low:
        run["training_accuracy"] = 0.99 if run["name"] == rate_arm("softmax", LOW) else run["training_accuracy"]
    assert "better still: softmax." in say(book_of(*low), "rate_check")


@pytest.mark.parametrize("n, changes", [
    (0, {"relu": 0.1}), (2, {"relu_floor": 0.8}), (2, {"softmax": 0.99, "relu_floor": 0.2}), (3, {"relu": 0.95}),
    (4, {"relu_floor": 0.3, "relu_floor~wide": 0.3, "relu_floor+gate": 0.7}), (5, {"relu_floor+gate": 0.9}),
    (6, {"relu_floor~wide": 0.6})])
def test_each_prediction_can_fail(n: int, changes: dict[str, float]) -> None:
    assert [a.true for a in learning_rates.rate_answers(book_of(*predicted_runs()))] == [True] * 7
    assert not learning_rates.rate_answers(book_of(*predicted_runs(**changes)))[n].true


def test_an_arm_that_is_better_at_the_lowest_rate_fails_the_second_prediction() -> None:
    runs = predicted_runs()
    for run in runs:
        if run["name"] == rate_arm("relu_floor", LOW):
            run["recorded"] = 0.2
    assert not learning_rates.rate_answers(book_of(*runs))[1].true


# ---------------------------------------------------------------- the runs


def test_results_of_the_same_run_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the common rate nothing is trained again: the runs are those of the sets that have them."""
    monkeypatch.setattr(training_sets, "RESULTS", tmp_path)
    monkeypatch.setattr(training_sets, "train", lambda *_, **__: pytest.fail("this run exists"))
    (tmp_path / "control").mkdir()
    wide = EVIDENCE.parent / "control" / "relu_floor__wide.0.json"
    (tmp_path / "control" / wide.name).write_bytes(wide.read_bytes())
    jobs = [job for job in training_jobs("rates") if job.seed == 0]
    for job in jobs:
        if job.recipe.rate == Recipe.rate:
            training_sets.train_job(job)
            assert is_done(job) and json.loads(result_path(job).read_text())["name"] == job.name
        else:
            assert same_result(job) is None
