"""What chapters say of trained models stands in the kept numbers of the evidence, and turns with them."""
from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from studies import more_seeds
from studies.evidence_store import EVIDENCE, read_results
from studies.intervention_tables import kept_share
from studies.ledger import Ledger
from studies.other_sets import seeds_that_learned

from .books import BOOKS, ROOT

CHAPTERS = ("11_concentration", "13_feature_fixation", "14_neighbours")
EVIDENCE_PAGE = "http://localhost:8501/evidence"
FLOOR, GATE, BOTH = "relu_floor", "relu_floor+gate", "relu_floor+gate+shift"


def learned_nothing(book: Ledger, name: str) -> tuple[int, int]:
    """How many trainings of an arm on the second task end at a guess, and how many there are."""
    of = more_seeds.set_runs(book, "front")[name]
    return len(of) - seeds_that_learned(of), len(of)


def far_then_nearer(book: Ledger) -> bool:
    """The intervals over seeds are apart, and softmax is ahead in both."""
    early, late = book.gap("short", "softmax", FLOOR), more_seeds.softmax_lead(book)
    return late.over == "seeds" and early.sign == late.sign == 1 and early.interval[0] > 0.25 > late.interval[1]


def one_of_five_without_none(book: Ledger) -> bool:
    return learned_nothing(book, FLOOR) == (1, 5) and learned_nothing(book, "relu") == (0, 5)


def one_of_five_with_the_gate_none(book: Ledger) -> bool:
    return learned_nothing(book, FLOOR) == (1, 5) and learned_nothing(book, GATE) == (0, 5)


def keys_carry_most(book: Ledger) -> bool:
    return all(kept_share(book, budget, name, "q held") > 1 / 2 > 2 * kept_share(book, budget, name, "k held")
               for budget in ("short", "long") for name in (GATE, BOTH))


def one_number_a_token_later(book: Ledger) -> bool:
    early, late = ([kept_share(book, budget, name, "over channels") / kept_share(book, budget, name, "q held")
                    for name in (GATE, BOTH)] for budget in ("short", "long"))
    return min(late) > 2 / 3 and all(a < b for a, b in zip(early, late, strict=True))


def gate_wins_a_part(book: Ledger) -> bool:
    costs, wins = book.gap("short", "softmax", FLOOR), book.gap("short", GATE, FLOOR)
    more = book.gap("short", "relu", GATE)
    return costs.sign == wins.sign == more.sign == 1 and wins.mean < costs.mean


def mostly_speed(book: Ledger) -> bool:
    return 0 < more_seeds.softmax_lead(book).mean < book.gap("short", "softmax",
                                                             FLOOR).mean / 2 and far_then_nearer(book)


def more_while_it_is_short(book: Ledger) -> bool:
    late = more_seeds.seed_difference(book, "late", "relu", GATE)
    return book.gap("short", "relu", GATE).sign == 1 and late.mean > 0 == late.sign and late.over == "seeds"


def the_shift_was_measured(book: Ledger) -> bool:
    """And its mean at 800 steps says more than its interval."""
    early = book.gap("short", BOTH, GATE)
    return early.mean > 0.1 and early.sign == 0 and book.has("long", *(
        f"{name}{more}" for name in ("softmax", FLOOR, GATE) for more in ("", "+shift")))


def relu_like_softmax(book: Ledger) -> bool:
    """The interval of the difference holds 0, after a short training and after a long one."""
    return all(book.gap(budget, "relu", "softmax").sign == 0 for budget in ("short", "long"))


def asked(book: Ledger) -> bool:
    return book.has("long", "softmax", FLOOR, "relu", "cosformer", "focused", GATE)


SAID: list[tuple[str, str, Callable[[Ledger], bool]]] = [
    (CHAPTERS[0], "What they bring to a trained network is another question ([trained models were asked](", asked),
    (CHAPTERS[0], "no difference is seen between relu without a floor and softmax", relu_like_softmax),
    (CHAPTERS[0], "relu with this floor was far behind softmax after a short training and much nearer after a long one",
     far_then_nearer),
    (CHAPTERS[0], "On a second task one of five long trainings with the floor learned nothing, and none of those "
                  "without it.", one_of_five_without_none),
    (CHAPTERS[1], "no difference is seen between relu without a floor and softmax", relu_like_softmax),
    (CHAPTERS[1], "the key side carries most of what the gate does", keys_carry_most),
    (CHAPTERS[1], "after a longer training most of *that* is a list of patches, one number per patch",
     one_number_a_token_later),
    (CHAPTERS[1], "After a short training the gate wins back a part of what the floor costs, and leaving the floor out "
                  "wins back more", gate_wins_a_part),
    (CHAPTERS[1], "trained for longer, the model with the floor makes up most of it, so most of the gap was speed of "
                  "learning", mostly_speed),
    (CHAPTERS[1], "On a second task one of five such trainings learned nothing in that time, and none of those with "
                  "the gate.", one_of_five_with_the_gate_none),
    (CHAPTERS[1], "In models that were trained on a task it brought more than the gate, but this is certain only "
                  "after the short training", more_while_it_is_short),
    (CHAPTERS[2], "What the shift in time does for [models trained on a small task](http://localhost:8501/evidence) "
                  "has been measured; look at the intervals, not at the means", the_shift_was_measured)]


@pytest.fixture
def told() -> dict[str, Any]:
    return copy.deepcopy(read_results(EVIDENCE))


def paragraphs(chapter: str) -> list[str]:
    """The paragraphs and list items of a source, each on one line."""
    lines = [line[2:] for line in (BOOKS / "src" / f"{chapter}.py").read_text("utf-8").splitlines()
             if line.startswith("# ") or line == "#"]
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=- |#)", "\n".join(lines))]


@pytest.mark.parametrize("chapter, words, holds", SAID, ids=lambda x: x.__name__ if callable(x) else "")
def test_what_is_said_is_what_was_measured(told: dict[str, Any], chapter: str, words: str,
                                           holds: Callable[[Ledger], bool]) -> None:
    assert sum(words in text for text in paragraphs(chapter)) == 1
    assert holds(Ledger(told))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_nothing_more_is_said_of_trained_models(chapter: str) -> None:
    """Every paragraph that sends to the evidence, or speaks of models that were trained, is held to it above."""
    speaks = [text for text in paragraphs(chapter) if re.search(rf"{EVIDENCE_PAGE}|models[^.]*\btrained|trained models",
                                                                text)]
    said = [words for there, words, _ in SAID if there == chapter]
    assert speaks and all(any(words in text for words in said) for text in speaks)


def test_the_teacher_says_the_same(told: dict[str, Any]) -> None:
    notes = (ROOT / "teaching" / "src" / f"{CHAPTERS[1]}.toml").read_text("utf-8")
    assert "the key side does most, and after the longer training most of that is one number per token" in notes
    assert keys_carry_most(Ledger(told)) and one_number_a_token_later(Ledger(told))


def swap(told: dict[str, Any], budget: str, one: str, other: str) -> None:
    motion = told["motion"]
    motion[f"{budget}/{one}"], motion[f"{budget}/{other}"] = motion[f"{budget}/{other}"], motion[f"{budget}/{one}"]


def alter(told: dict[str, Any], budget: str, name: str, one: str, other: str) -> None:
    """Two alterations of a gate change places in every model of an arm."""
    for model in told["motion"][f"{budget}/{name}"].values():
        model["altered"][one], model["altered"][other] = model["altered"][other], model["altered"][one]


def recorded(told: dict[str, Any], which: str, name: str, *shares: float) -> None:
    """The first seeds of an arm of another set get these accuracies."""
    for row in told[which]:
        if row["name"] == name and row["seed"] < len(shares):
            row["recorded"] = shares[row["seed"]]


@pytest.mark.parametrize("holds, change", [
    (far_then_nearer, lambda told: swap(told, "short", "relu_floor", "relu")),
    (far_then_nearer, lambda told: recorded(told, "late", FLOOR, *[0.3] * 5)),
    (one_of_five_without_none, lambda told: recorded(told, "front", FLOOR, 0.9)),
    (one_of_five_without_none, lambda told: recorded(told, "front", FLOOR, 0.5, 0.5)),
    (one_of_five_without_none, lambda told: recorded(told, "front", "relu", 0.5)),
    (one_of_five_with_the_gate_none, lambda told: recorded(told, "front", GATE, 0.5)),
    (keys_carry_most, lambda told: alter(told, "long", GATE, "q held", "k held")),
    (keys_carry_most, lambda told: alter(told, "short", BOTH, "q held", "k held")),
    (one_number_a_token_later, lambda told: alter(told, "long", BOTH, "over tokens", "over channels")),
    (gate_wins_a_part, lambda told: swap(told, "short", GATE, "relu_floor")),
    (gate_wins_a_part, lambda told: swap(told, "short", GATE, "relu")),
    (mostly_speed, lambda told: recorded(told, "late", FLOOR, *[0.6] * 5)),
    (more_while_it_is_short, lambda told: swap(told, "short", GATE, "relu")),
    (more_while_it_is_short, lambda told: recorded(told, "late", GATE, *[0.5] * 5)),
    (the_shift_was_measured, lambda told: swap(told, "short", BOTH, "softmax")),
    (relu_like_softmax, lambda told: swap(told, "short", "relu_floor", "relu")),
    (relu_like_softmax, lambda told: swap(told, "long", "relu_floor", "softmax")),
    (asked, lambda told: told["motion"].pop("long/cosformer"))])
def test_other_numbers_would_be_seen(told: dict[str, Any], holds: Callable[[Ledger], bool],
                                     change: Callable[[dict[str, Any]], Any]) -> None:
    change(told)
    assert not holds(Ledger(told))
