"""The newest mechanisms: each can be trained, the page follows their runs, and the code answers what was predicted."""
from __future__ import annotations

import copy
import random

import pytest
import torch

from linviz.clips import motion_task
from linviz.mechanisms import REGISTRY
from linviz.models import Shape, VideoTransformer
from linviz.models.arms import BREADTH, NEWEST, arm_recipe, training_jobs
from studies import breadth_tables, interval_statistics, map_peaks, newest_predictions, product_data, training_sets
from studies.breadth_tables import FIXED, UNTRAINED, complete_mechanisms, story_measures
from studies.evidence_page import template_values
from studies.evidence_store import EVIDENCE, read_results
from studies.ledger import Ledger, Record
from studies.newest_predictions import ERASE, FADE, SHARP, newest_answers
from studies.page_templates import render_page, render_sentence

TOLD = read_results(EVIDENCE)
OLD = [told for told in TOLD["breadth"] if told["name"] in BREADTH]
SMALL = Shape(blocks=1)
UNMOVED = {"gaussian": ("to_q", "to_k"), "mlla": ("to_v",), "reformer": ("to_k",)}  # layers that no output depends on


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bootstraps of few draws: no test here asks for the digits of an interval."""
    monkeypatch.setattr(interval_statistics, "DRAWS", 60)


def run_record(name: str, seed: int, accuracy: float, peak: float, rank: float = 5.0, entropy: float | None = None,
               response: float = 0.0) -> Record:
    """A result as `evidence_store.result_row` returns it."""
    layer = {"effective_rank": rank, "peak": peak, "heaviest": peak, "negative": 0.25,
             "stretched": [1.0, 1.0, 1.0, 2.0**response]} | ({} if entropy is None else {"entropy": entropy})
    return {"name": name, "seed": seed, "recorded": accuracy, "recorded_layers": [{} if name == "pola" else layer] * 3,
            "tests": 1024, "parameters": 1, "options": {}, "rate": 0.002, "training_accuracy": accuracy}


def predicted_accuracy(name: str) -> float:
    """An accuracy as NEWEST.md predicts it."""
    given = {"fastmax": 0.2} | dict.fromkeys(SHARP, 0.8) | dict.fromkeys(FADE, 0.6) | dict.fromkeys(ERASE, 0.5)
    return given.get(name, 0.7)


def predicted_runs(seeds: int = 3, **changes: float) -> list[Record]:
    """Runs as they were predicted: peaks rise with accuracy, most of the time; rank and response do not."""
    out = []
    for seed in range(seeds):
        for n, name in enumerate(NEWEST):
            x = predicted_accuracy(name)
            peak = 144.0 if name == "gaussian" else 100 * x + n
            entropy = None if n % 3 else 1 - x / 2
            out.append(run_record(name, seed, changes.get(name, x), peak, 5.0 + n, entropy, n * 7 % 11 / 3))
    return out


def book_of(*newest: Record) -> Ledger:
    """The ledger of today, with the runs of the older mechanisms and these."""
    return Ledger(copy.deepcopy(TOLD) | {"breadth": [*OLD, *newest]})


def section_of(book: Ledger, name: str = "newest") -> str:
    return render_page(name, **template_values(book))


# ---------------------------------------------------------------- every one can be trained


def test_every_newest_mechanism_can_be_trained_or_has_a_reason() -> None:
    """One step of the recipe's model: a finite gradient for every parameter but those that no output depends on."""
    task = motion_task(2, seed=0)
    for name in NEWEST:
        model = VideoTransformer(name, shape=SMALL)
        torch.nn.functional.cross_entropy(model(task.frames), task.labels).backward()
        still = {path for path, p in model.named_parameters() if p.grad is None or not p.grad.any()}
        expected = tuple(f".{part}." for part in UNMOVED.get(name, ()))
        wrong = [path for path in still if not any(part in path for part in expected)]
        assert not wrong, (name, wrong)
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None), name
    assert set(FIXED) <= set(NEWEST) and len({*NEWEST, *BREADTH, *UNTRAINED} & set(REGISTRY)) == 46


def test_keypoint_within_one_clip_is_elu_plus_one() -> None:
    frames = motion_task(2, seed=1).frames
    one, other = (VideoTransformer(name, shape=SMALL) for name in ("keypoint", "linear"))
    assert torch.equal(one(frames), other(frames))


def test_ralas_modulation_starts_as_the_constant_1_in_a_model() -> None:
    """A model draws every linear layer again; this one must stay as RALA defines it."""
    layer = VideoTransformer("rala", shape=SMALL).blocks[0].attention.layers[0].attention.mechanism.modulate
    assert not layer.weight.any() and (layer.bias == 1).all()


def test_the_study_trains_seed_after_seed() -> None:
    jobs = [job for job in training_jobs("breadth") if job.name in NEWEST]
    assert [job.seed for job in jobs] == sorted(job.seed for job in jobs) and len(jobs) == 3 * len(NEWEST)
    assert all(job.recipe == arm_recipe(job.name) and job.recipe.steps == 800 for job in jobs)


# ---------------------------------------------------------------- measures


def test_peaks_and_responses_of_known_maps() -> None:
    """Uniform attention has a peak of 1 and no response; softmax answers to length, a homogeneous kernel does not."""
    task, found = motion_task(2, seed=0), {}
    for name in ("uniform", "softmax", "relu", "retention", "pola"):
        found[name] = map_peaks.peak_layers(VideoTransformer(name, shape=SMALL), task, clips=2)
    layer = found["uniform"][0]
    assert layer["peak"] == pytest.approx(1) == layer["heaviest"] and layer["negative"] == 0
    assert map_peaks.length_response(found["softmax"]) > 1 > abs(map_peaks.length_response(found["relu"])) * 1e3
    assert abs(map_peaks.length_response(found["retention"])) < 1e-3 < found["retention"][0]["negative"]
    assert found["pola"] == [{}] and map_peaks.length_response(found["pola"]) is None
    assert found["softmax"][0]["stretched"][1] == found["softmax"][0]["peak"]


# ---------------------------------------------------------------- the page grows with the runs


@pytest.mark.parametrize("count", [0, 1, 22, 62, 63])
def test_the_page_grows_with_the_newest_runs(count: int) -> None:
    """Any number of runs makes a page that says who has how many seeds; only complete mechanisms are correlated."""
    book = book_of(*predicted_runs()[:count])
    section, breadth = section_of(book), section_of(book, "breadth")
    there, whole = min(count, 21), max(0, count - 42)
    assert f"{24 + there} mechanisms of linviz, 800 steps" in breadth and f"{24 + whole} of them have all" in breadth
    assert ("Fewer seeds so far" in breadth) == (0 < count < 63) and ("Not run yet" in breadth) == (count < 63)
    assert ("These have none" in section) == (count < 21) and "nan" not in (section + breadth).split()
    assert ("Spearman with accuracy" in section) == (count >= 21)
    assert len(complete_mechanisms(book)) == 24 + whole
    assert set(story_measures(book)) - set(NEWEST) == set(story_measures(book_of()))
    seeds = [row.split(" | ")[1] for row in section.splitlines() if row.startswith("| nala |") and row.count("|") > 5]
    assert seeds == ([str(-(-(count - 1) // 21))] if count > 1 else [])


def test_headlines_follow_the_signs_of_intervals() -> None:
    """What three new seeds change is changed in the headline, and in the sentence on which measure goes along."""
    def say(book: Ledger, sentence: str) -> str:
        return render_sentence(sentence, **template_values(book))

    before = say(book_of(), "breadth")
    assert "concentration goes with accuracy" in before and "rank does not clearly go with accuracy" in before
    against = [run_record(name, seed, 0.9 - 0.04 * n, 1.0, rank=3.0 + n % 2, entropy=0.9 - 0.04 * n)
               for seed in range(3) for n, name in enumerate(NEWEST)]
    after = say(book_of(*against), "breadth")
    assert "concentration goes with accuracy" not in after and "36 of the 44" not in after
    assert say(book_of(*against[:42]), "breadth") == before, "two seeds change no headline"
    assert "goes with accuracy: the peak" in say(book_of(*predicted_runs()), "newest")
    for run in (runs := predicted_runs()):
        for layer in run["recorded_layers"]:
            if layer:
                layer["peak"] = 200 - layer["peak"]
    assert "goes against it: the peak" in say(book_of(*runs), "newest")


def test_shuffled_runs_make_the_same_pages() -> None:
    runs = predicted_runs(2)
    other = list(runs)
    random.Random(0).shuffle(other)
    for name in ("newest", "breadth"):
        ordered, mixed = (section_of(book_of(*x), name) for x in (runs, other))
        assert sorted(ordered.splitlines()) == sorted(mixed.splitlines())


def test_the_figure_is_of_complete_mechanisms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_data, "place_labels", lambda points, measures: points)
    partial, whole = (product_data.breadth_data(book_of(*predicted_runs(n))) for n in (2, 3))
    assert partial is not None and whole is not None
    assert len(whole["rows"]) > len(partial["rows"]) == len(story_measures(book_of()))


# ---------------------------------------------------------------- the predictions


def test_predictions_are_open_until_their_mechanisms_have_runs() -> None:
    assert [a.true for a in newest_answers(book_of())] == [None] * 9
    sharp = [run for run in predicted_runs(1) if run["name"] in SHARP]
    answers = newest_answers(book_of(*sharp))
    assert [a.true for a in answers] == [None] * 6 + [True, None, None] and answers[6].verdict == "yes, so far"
    assert all(a.true and a.verdict == "yes" for a in newest_answers(book_of(*predicted_runs())))
    assert "9 of 9 predictions came true; 0 are open" in section_of(book_of(*predicted_runs()))


@pytest.mark.parametrize("n, changes", [
    (5, {"fastmax": 0.4}), (5, {"dape": 0.1}), (6, {"sana": 0.6}), (7, {"kda": 0.9}), (7, {"gla": 0.2}),
    (8, {"delta": 0.84, "kda": 0.84})])
def test_each_prediction_on_accuracy_can_fail(n: int, changes: dict[str, float]) -> None:
    assert not newest_answers(book_of(*predicted_runs(**changes)))[n].true


def test_each_prediction_on_measures_can_fail() -> None:
    def altered(measure: str, of: str) -> list[bool | None]:
        runs = predicted_runs()
        for run in runs:
            for layer in run["recorded_layers"]:
                x = predicted_accuracy(run["name"]) + NEWEST.index(run["name"]) / 1e3
                if measure == "stretched" and layer:
                    layer["stretched"] = [1.0, 1.0, 1.0, 2.0 ** x]
                elif measure in layer:
                    layer[measure] = x if of == "rises" else 1 - x
        return [a.true for a in newest_answers(book_of(*runs))]

    assert not altered("peak", "falls")[0] and not altered("entropy", "rises")[1]
    assert not altered("effective_rank", "rises")[2] and not altered("effective_rank", "rises")[4]
    assert not altered("stretched", "rises")[3]


# ---------------------------------------------------------------- the runs


def test_results_of_breadth_have_the_newest_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_sets, "task_maker", lambda task: lambda n, seed, split, setting: motion_task(2, 0))
    job = next(job for job in training_jobs("breadth") if job.name == "mala")
    run = type("Run", (), {"model": VideoTransformer("mala", shape=SMALL)})
    layer, = training_sets.map_measures(job, run)["layers"]
    assert {"effective_rank", "peak", "heaviest", "negative", "stretched"} <= set(layer) and "entropy" not in layer


def test_breadth_tables_name_what_is_not_learned() -> None:
    table = breadth_tables.fixed_parts_table()
    assert "not trained" in table and all(f"| {name} |" in table for name in (*FIXED, *UNTRAINED, *FADE, *ERASE))
    assert newest_predictions.newest_seeds(book_of(*predicted_runs(2))) == (2, 2)
