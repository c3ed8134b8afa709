"""The evidence: its page is what its numbers say, its numbers are of the shipped models, and each can be had."""
from __future__ import annotations

import copy
import doctest
import importlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linviz.evidence as product
from linviz.figures.evidence_gallery import draw_evidence
from linviz.models import pretrained, stored_models
from linviz.models.arms import BREADTH
from linviz.models.checkpoints import find_checkpoint, read_card
from linviz.models.examples import draw_examples
from studies import __main__ as listing
from studies import evidence_store, interval_statistics, model_measures, more_seeds
from studies.accuracy_tables import PAIRS
from studies.dose_predictions import Run, dose_answers
from studies.evidence_page import PLOTS, evidence_page, product_sentences, template_values
from studies.evidence_store import EVIDENCE, SEALED, SETS, measure_sealed, read_results, round_numbers
from studies.evidence_study import PAGE, main
from studies.intervention_tables import gate_mode
from studies.label_places import WIDTHS, Panel, label_box, overlap_area, settle_labels
from studies.ledger import Ledger, crossing_step, layer_mean
from studies.model_measures import SEED, measure_model, pack_bits, right_answers, unpack_bits
from studies.other_sets import missing_runs
from studies.page_templates import FOLDER, render_sentence
from studies.product_data import product_figures

OWN = sorted(path.stem for path in PAGE.parent.glob("*.py") if not path.stem.startswith("__"))


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return read_results(EVIDENCE)


@pytest.fixture
def book(told: dict[str, Any]) -> Ledger:
    return Ledger(copy.deepcopy(told), read_results(SEALED))


@pytest.mark.parametrize("name", OWN)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"studies.{name}"), optionflags=doctest.ELLIPSIS).failed == 0


# ---------------------------------------------------------------- the page and its numbers


def test_the_page_is_what_the_numbers_say(book: Ledger) -> None:
    assert evidence_page(book) == PAGE.read_text("utf-8"), "run `python3 start.py study evidence --page`"


def test_the_product_shows_what_the_numbers_say(book: Ledger) -> None:
    stored = {name: product.read_data(name) for name in (product.FIGURES, product.SENTENCES)}
    again = "run `python3 start.py study evidence --page`"
    assert stored[product.FIGURES] == json.loads(json.dumps(product_figures(book))), again
    assert stored[product.SENTENCES] == product_sentences(book), again
    assert all(claim in PAGE.read_text("utf-8") for claim in product.headline_claims() + product.further_claims())


def test_the_numbers_are_of_the_models_that_are_shipped(told: dict[str, Any]) -> None:
    now = {(b, n, s): read_card(find_checkpoint(n, s, b))["sha256"]
           for b, n, s in stored_models() if b in evidence_store.BUDGETS}
    then = {(*key.split("/", 1), m["seed"]): m["sha256"] for key, own in told["motion"].items() for m in own.values()}
    assert then == now, "run `python3 start.py study evidence`"
    assert {which: round_numbers(evidence_store.set_results(which)) for which in SETS} == {which: told[which]
                                                                                           for which in SETS}


def test_plots_are_there_and_small(book: Ledger) -> None:
    linked = set(re.findall(r"\(plots/(\w+)\.svg\)", PAGE.read_text("utf-8")))
    assert linked == {name for name in PLOTS if product_figures(book)[name]}
    for name in linked:
        svg = (PAGE.parent / "plots" / f"{name}.svg").read_text("utf-8")
        assert len(svg) < 150_000 and svg.lstrip().startswith("<svg")


def test_every_figure_can_be_dark() -> None:
    for name in product.FIGURE_NAMES:
        for budget in product.BUDGETS:
            data = product.figure_data(name, budget)
            assert data is not None
            light, dark = draw_evidence(data), draw_evidence(data, dark=True)
            assert light.layout.meta["alt"] == dark.layout.meta["alt"] and light.layout != dark.layout


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="no figure 'pie' of budget 'short'; figures: accuracy"):
        product.figure_data("pie")
    with pytest.raises(ValueError, match="no figure of kind 'pie'"):
        draw_evidence({"kind": "pie", "rows": []})


def test_numbers_that_are_missing_are_no_figure(tmp_path: Path) -> None:
    assert product.read_data(product.FIGURES, tmp_path) == {}


def test_one_models_accuracy_is_had_again(told: dict[str, Any]) -> None:
    """Clip by clip, on the first clips; the last digit of a sum may turn a close call on another machine."""
    bits = unpack_bits(told["motion"]["short/relu"]["0"]["right"])
    again = right_answers(pretrained("relu"), draw_examples("motion", "main", 64, SEED, "test"))
    assert sum(a != b for a, b in zip(again, bits)) <= 1 and len(bits) == told["settings"]["clips"]
    assert told["motion"]["short/relu"]["0"]["accuracy"] == pytest.approx(np.mean(bits), abs=1e-5)


def test_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CLIPS", 32), ("ALTERED", 16), ("LOOKED", 2), ("LINKED", 8), ("TEMPERATURES", (1.0, 1e9))):
        monkeypatch.setattr(model_measures, name, value)
    for cached in (model_measures.altered_clips, model_measures.reordered_clips):
        cached.cache_clear()
    found = measure_model(pretrained("softmax"))
    backwards, forwards = model_measures.reordered_clips("backwards").labels, model_measures.altered_clips().labels
    for cached in (model_measures.altered_clips, model_measures.reordered_clips):
        cached.cache_clear()
    assert ((backwards + 4) % 8 == forwards).all()
    first = np.mean(unpack_bits(found["right"])[:16])
    assert found["altered"]["temperature 1"] == pytest.approx(first)
    assert found["altered"]["temperature 1e+09"] < first and found["opposite"] > 0.5 > found["unmoved"]
    assert len(found["layers"]) == len(found["pointing"]) == 3 and -1 <= found["link"] <= 1
    assert 0.5 < found["accuracy"] == sum(unpack_bits(found["right"])) / 32


def test_a_seed_that_no_choice_has_seen() -> None:
    seeds = {read_card(find_checkpoint(n, s, b))["recipe"]["test_seed"] for b, n, s in stored_models()}
    assert SEED not in seeds and model_measures.SEALED_SEED not in seeds | {SEED}


# ---------------------------------------------------------------- sentences follow the numbers


def say(book: Ledger, sentence: str, *arguments: str) -> str:
    return render_sentence(sentence, *arguments, **template_values(book))


def test_sentences_turn_with_the_numbers(book: Ledger) -> None:
    before = say(book, "short"), say(book, "floor", "short")
    motion = book.records["motion"]
    motion["short/softmax"], motion["short/relu_floor"] = motion["short/relu_floor"], motion["short/softmax"]
    after = say(book, "short"), say(book, "floor", "short")
    assert "softmax is more accurate than the linear" in before[0] and "softmax is less accurate than" in after[0]
    assert "relu without a floor cannot be told apart from softmax" in before[1]
    assert "relu without a floor is more accurate than softmax" in after[1]


def test_an_interval_that_contains_0_shows_no_clear_change(book: Ledger) -> None:
    for n, model in enumerate(book.models("short", "relu_floor+gate")):
        model["accuracy"] = book.models("short", "relu_floor")[n]["accuracy"] + 0.3 * (-1) ** n
    assert "The gate does not clearly change that baseline" in say(book, "short")


def test_both_findings_on_rank_and_concentration_are_told(book: Ledger) -> None:
    book.records["breadth"] = [told for told in book.records["breadth"] if told["name"] in BREADTH]
    text = say(book, "rank_or_concentration")
    assert "The two findings disagree" in text and "16 of the 24 mechanisms" in text and "18 variants" in text
    for name in book.names("long"):
        for model in book.models("long", name):
            for layer in model["layers"]:
                layer["effective_rank"], layer["entropy"] = layer["entropy"], -layer["effective_rank"]
    assert "The two findings disagree" not in say(book, "rank_or_concentration")


def test_how_a_gate_acts() -> None:
    modes = [gate_mode(*x) for x in ((0.9, 0.2), (0.2, 0.9), (0.5, 0.1), (0.1, 0.5), (0.1, 0.2))]
    assert modes == ["tokens", "channels", "more tokens", "more channels", "both"]


def test_every_objection_is_answered_by_a_section(book: Ledger) -> None:
    text = evidence_page(book)
    rows = text.partition("| objection |")[2].partition("\n\n")[0].splitlines()[2:]
    titles = re.findall(r"^## (.+)$", text, re.M)
    assert len(rows) > 20 and all("||" not in row.replace(" ", "") for row in rows)
    for row in rows:
        where = row.rstrip(" |").rpartition("| ")[2]
        assert where == "-" or all(any(t.startswith(w) for t in titles) for w in where.split(", ")), where


def test_what_is_missing_is_said(book: Ledger) -> None:
    for which in SETS:
        book.records[which] = book.records[which][:-1]
        assert "Not run yet" in missing_runs(book, which)
    text = evidence_page(book)
    assert text.count("Not run yet") >= len(SETS) and "nan" not in text.split()


def test_pairs_are_of_arms_that_are_trained() -> None:
    from linviz.models.arms import LONG
    assert {name for one, other, _ in PAIRS for name in (one, other)} <= set(LONG)


# ---------------------------------------------------------------- more seeds


def give(book: Ledger, which: str, name: str, values: list[float]) -> None:
    """These accuracies, seed by seed, to an arm of a set."""
    others = [told for told in book.records[which] if told["name"] != name]
    made = {"name": name, "recorded_layers": [], "parameters": 1, "tests": 1024, "options": {}}
    book.records[which] = others + [made | {"seed": n, "recorded": x} for n, x in enumerate(values)]


def fill(book: Ledger) -> None:
    """Five seeds of every late arm, and of the second task's, as SEEDS.md predicted them."""
    for name, x in ((more_seeds.SOFT, 0.96), (more_seeds.RELU, 0.97), (more_seeds.FLOOR, 0.91),
                    (more_seeds.GATE, 0.95), (more_seeds.BOTH, 0.96),
                    (more_seeds.WIDE, 0.9)):
        give(book, "late", name, [x, x + 0.01, x - 0.01, x, x])
    for name in (more_seeds.SOFT, more_seeds.RELU, more_seeds.GATE):
        give(book, "front", name, [0.95] * 5)
    give(book, "front", more_seeds.FLOOR, [0.5, 0.5, 0.5, 0.9, 0.9])


def test_differences_are_taken_seed_by_seed(book: Ledger) -> None:
    give(book, "late", more_seeds.GATE, [0.9, 0.8, 0.7])
    give(book, "late", more_seeds.WIDE, [0.8, 0.6, 0.4, 0.0])         # the fourth has no partner
    gap = more_seeds.seed_difference(book, "late", more_seeds.GATE, more_seeds.WIDE)
    assert gap.values == pytest.approx((0.1, 0.2, 0.3)) and gap.over == "seeds" and gap.mean == pytest.approx(0.2)
    control = more_seeds.seed_difference(book, "control", more_seeds.GATE, more_seeds.FLOOR)
    one, other = (book.models("short", name) for name in (more_seeds.GATE, more_seeds.FLOOR))
    assert control.values == pytest.approx([a["recorded"] - b["recorded"] for a, b in zip(one, other)])


@pytest.mark.parametrize("n, name, values", [
    (0, "softmax", [0.5] * 5), (1, "relu_floor~wide", [0.8] * 5), (1, "relu_floor+gate", [0.5] * 5),
    (2, "relu", [0.93] * 5)])
def test_predictions_of_more_seeds_turn_with_the_numbers(book: Ledger, n: int, name: str, values: list[float]) -> None:
    fill(book)
    assert [a.true for a in more_seeds.seed_answers(book)] == [True] * 4
    give(book, "late", name, values)
    assert not more_seeds.seed_answers(book)[n].true


@pytest.mark.parametrize("name, values", [
    ("relu_floor", [0.5] * 5), ("relu_floor", [0.5, 0.5, 0.9, 0.9, 0.9]), ("softmax", [0.5, 0.9, 0.9, 0.9, 0.9])])
def test_the_second_task_answers_for_itself(book: Ledger, name: str, values: list[float]) -> None:
    fill(book)
    give(book, "front", name, values)
    assert not more_seeds.front_answer(book).true


def test_the_control_is_told_at_either_budget(book: Ledger) -> None:
    fill(book)
    assert "After 2,400 steps, the gate brings more accuracy than as many parameters" in say(book, "control")
    give(book, "late", more_seeds.WIDE, [0.99] * 5)
    assert "After 2,400 steps, the gate brings less accuracy than as many parameters" in say(book, "control")
    book.records["late"] = []
    assert "2,400" not in say(book, "control") and "After 800 steps" in say(book, "control")


# ---------------------------------------------------------------- the sealed split


def test_the_sealed_split_is_opened_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[tuple[Any, ...]] = []

    def drawing(n: int, seed: int, split: str, opened_on_purpose: bool) -> tuple[int, int, str]:
        opened.append((n, seed, split, opened_on_purpose))
        return n, seed, split

    monkeypatch.setattr(evidence_store, "motion_task", lambda n, seed, split, opened: drawing(n, seed, split, opened))
    monkeypatch.setattr(evidence_store, "pack_examples", lambda task: task)
    monkeypatch.setattr(evidence_store, "right_answers", lambda model, task: [1, 0] * (task[0] // 2))
    monkeypatch.setattr(evidence_store, "model_digests", lambda: [("short/relu/0", ("relu", 0, "short"), "abc")])
    first = measure_sealed("2031-05-06", {})
    assert first["accuracy"] == {"short/relu/0": 0.5} and opened == [(1024, 3, "sealed", True)]
    with pytest.raises(ValueError, match="was opened on 2031-05-06 for exactly these models"):
        measure_sealed("2031-05-07", first)
    other = measure_sealed("2031-05-07", first | {"digests": {"short/relu/0": "abd"}})
    assert other["earlier"] == ["2031-05-06"] and len(opened) == 2


def test_a_second_look_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise ValueError("was opened on")

    monkeypatch.setattr("studies.evidence_study.measure_sealed", refuse)
    with pytest.raises(SystemExit, match="was opened on"):
        main(["--page", "--open-sealed"])


def test_the_page_says_whether_it_was_opened(book: Ledger) -> None:
    names = {f"short/{n}/{s}": 0.5 for n in book.names("short") for s in range(book.seeds("short", n))}
    shut, open_ = Ledger(book.records, {}), Ledger(book.records, {"date": "2031-05-06", "clips": 1024, "earlier": [],
                                                            "accuracy": names})
    before, after, today = map(evidence_page, (shut, open_, book))
    assert "have not been opened" in before and "was opened on 2031-05-06, 1,024 clips." in after
    assert "was interrupted" in today and "was interrupted" not in before + after


def test_what_is_quoted_stands_where_the_earlier_study_is_named() -> None:
    """The page says so: a percentage typed into a template is the earlier study's, or chance, or the confidence."""
    for path in FOLDER.glob("*.jinja"):
        if path.name == "gates.md.jinja":
            continue
        for text in path.read_text("utf-8").split("\n\n"):
            typed = set(re.findall(r"[\d.]+ %(?!})", text)) - {"12.5 %", "95 %", "100 %"}
            assert not typed or "earlier study" in text, (path.name, typed)


# ---------------------------------------------------------------- names in scatters


def test_names_of_crowded_points_cover_neither_each_other_nor_the_points() -> None:
    """Nine models at nearly the same accuracy: no name lies on another, in a narrow panel or in a wide one."""
    panels = [Panel(wide, [(wide * (0.05 + 0.1 * n), 360.0 + n % 3) for n in range(9)]) for wide in WIDTHS]
    names = {n: 60.0 + 10 * (n % 4) for n in range(9)}
    found = settle_labels(panels, names)
    for panel in panels:
        boxes = [label_box(panel.points[n], to, names[n]) for n, to in found.items()]
        pairs = [(a, b) for n, a in enumerate(boxes) for b in boxes[:n]]
        assert sum(overlap_area(a, b) for a, b in pairs) < 36, "half a letter"
        assert sum(overlap_area(a, dot) for n, a in enumerate(boxes) for dot in panel.dots(but=n)) < 36
        assert all(0 <= left and right <= panel.wide for left, _, right, _ in boxes)


# ---------------------------------------------------------------- statistics, and the dose's answers


def test_intervals_are_those_of_the_books() -> None:
    assert interval_statistics.share_interval(0.1, 50) == pytest.approx((0.0435, 0.2136),
                                                                        abs=1e-4)      # Wilson, by hand
    assert interval_statistics.mean_interval([1, 2, 3, 4, 5]) == pytest.approx((1.0368, 4.9632),
                                                                               abs=1e-4)  # 3 +- 2.7764 * 0.7071
    assert interval_statistics.paired_interval([1] * 60 + [0] * 40, [1] * 60 + [0] * 40) == (0, 0)


def test_a_partial_correlation_is_that_of_residuals() -> None:
    x, y, z = np.random.default_rng(0).random((3, 30))
    a, b, c = (interval_statistics.rank_values(v) for v in (x, y + z, z))
    left = [v - np.polyval(np.polyfit(c, v, 1), c) for v in (a, b)]
    assert interval_statistics.partial_correlation(x, y + z, z) == pytest.approx(np.corrcoef(*left)[0, 1])
    assert np.isnan(interval_statistics.partial_correlation(x, y,
                                                            y)) and np.isnan(interval_statistics.rank_correlation(x,
                                                                                                                  np.ones(30)))


def test_curves_layers_and_bits(book: Ledger) -> None:
    assert crossing_step([[50, 0.1], [100, 0.2], [150, 0.6], [200, 0.3]], 0.4) == 125
    assert layer_mean({"layers": [{"entropy": 0.5}, {"entropy": 1.0}]}, "entropy") == 0.75
    assert layer_mean({"layers": [{}, {"entropy": 1.0}]}, "entropy") is None
    bits = np.random.default_rng(0).integers(0, 2, 64).tolist()
    assert unpack_bits(pack_bits(bits)) == bits


def of_dose(means: list[float], entropies: list[float], tilt: float = -0.1) -> list[bool]:
    """Answers for five doses of three seeds about these means; tilt: accuracy a unit of entropy within a dose."""
    floors = (0.0, 0.0625, 0.125, 0.1875, 0.25)
    return [a.true for a in dose_answers([Run(f, s, m + tilt * (s - 1) * 0.01, e + (s - 1) * 0.01) for f, m, e in
                                     zip(floors, means, entropies) for s in range(3)])]


def test_each_prediction_of_the_dose_can_fail_by_itself() -> None:
    flat = [0.5, 0.6, 0.7, 0.8, 0.9]
    assert of_dose([0.8, 0.7, 0.5, 0.3, 0.2], flat) == [True] * 5
    assert of_dose([0.8, 0.7, 0.5, 0.2, 0.3], flat)[0] is False
    assert of_dose([0.8, 0.2, 0.3, 0.7, 0.6], flat)[1] is False
    assert of_dose([0.8, 0.7, 0.5, 0.3, 0.2], [0.5, 0.6, 0.7, 0.9, 0.8])[2] is False
    assert of_dose([0.8, 0.79, 0.78, 0.77, 0.2], flat)[3] is False
    assert of_dose([0.8, 0.7, 0.5, 0.3, 0.2], flat, tilt=0.1)[4] is False


# ---------------------------------------------------------------- the list


def test_what_can_be_run_is_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert listing.main([]) == 0
    said = capsys.readouterr().out
    assert all(name in said and hasattr(importlib.import_module(f"studies.{module}"), "main")
               for name, (module, *_) in listing.STUDIES.items())
    seen: list[list[str]] = []
    monkeypatch.setattr("studies.evidence_study.main", seen.append)
    assert listing.main(["evidence", "--page"]) == 0 and seen == [["--page"]]
    assert listing.main(["nothing"]) == 2
