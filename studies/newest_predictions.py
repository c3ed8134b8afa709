"""The newest mechanisms: studies/NEWEST.md makes nine predictions, and this module says which came true.

How each prediction is counted was written before the runs, like the predictions themselves. Accuracies and measures are
means over the seeds that a mechanism has. An answer is open while a mechanism that it is about has no run.
"""
from __future__ import annotations

import statistics as plain
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from linviz.models.arms import NEWEST

from .breadth_tables import mean_or_none, seeds_accuracy
from .dose_predictions import Answer
from .interval_statistics import bootstrap_interval, rank_correlation
from .ledger import FEWEST, Ledger, Record, Value
from .map_peaks import length_response
from .number_formats import (
    HUGE,
    arm_label,
    correlation_text,
    markdown_table,
    number_text,
    percent_text,
    whole_percent,
    word_list,
)
from .other_sets import group_by_name, rank_arms

SHARP = ("nala", "pola", "sana", "mhla", "inline", "mala")
FADE, ERASE = ("retention", "gla", "mamba2"), ("delta", "gated_delta", "kda")
SOFTMAX, WIDER = 0.854, 0.95  # known before: accuracy of softmax, and concentration's correlation over 16 mechanisms
MEASURES = {"peak": "the peak", "concentration": "1 - entropy / log2 N", "rank": "effective rank",
            "response": "response to length"}


@dataclass(frozen=True)
class Trained:
    """A mechanism's seeds, accuracy and measures, means over seeds; None where its maps have no such measure."""

    name: str
    seeds: int
    accuracy: float
    peak: float | None
    concentration: float | None
    rank: float | None
    response: float | None


def newest_runs(book: Ledger) -> dict[str, list[Record]]:
    """The results of the newest mechanisms that have a run."""
    found = group_by_name(book.records["breadth"])
    return {name: found[name] for name in NEWEST if name in found}


def newest_mechanisms(book: Ledger) -> dict[str, Trained]:
    """The newest mechanisms that have a run, by name."""
    return {name: trained_mechanism(name, of) for name, of in newest_runs(book).items()}


def trained_mechanism(name: str, of: Sequence[Record]) -> Trained:
    """A mechanism from its results."""
    entropy = mean_or_none(list(of), "entropy")
    responses = [length_response(record["recorded_layers"]) for record in of]
    return Trained(name, len(of), plain.fmean(record["recorded"] for record in of), mean_or_none(list(of), "peak"),
                   None if entropy is None else 1 - entropy, mean_or_none(list(of), "effective_rank"),
                   None if None in responses else plain.fmean(x for x in responses if x is not None))


def measure_correlation(found: Iterable[Trained], measure: str) -> Value:
    """Spearman's correlation of a measure with accuracy, over the mechanisms that have the measure."""
    pairs = [(getattr(one, measure), one.accuracy) for one in found if getattr(one, measure) is not None]
    columns = [list(column) for column in zip(*pairs, strict=True)]
    return Value(float(rank_correlation(*columns)), bootstrap_interval(columns, rank_correlation), (), "rows")


def newest_answers(book: Ledger) -> list[Answer]:
    """The answers to all nine predictions, in the order of NEWEST.md."""
    found = newest_mechanisms(book)
    questions: list[tuple[Sequence[str], Callable[[dict[str, Trained]], Answer]]] = [
        (NEWEST, peak_goes_along), (NEWEST, entropy_goes_along), (NEWEST, rank_goes_less), (NEWEST, length_goes_not),
        (NEWEST, peak_goes_most), (NEWEST, fastmax_is_last), (SHARP, sharp_kernels_learn),
        (FADE + ERASE, memories_stay_below), (FADE + ERASE, faders_lead)]
    return [answer_so_far(found, about, ask) for about, ask in questions]


def answer_so_far(found: dict[str, Trained], about: Sequence[str],
                  ask: Callable[[dict[str, Trained]], Answer]) -> Answer:
    """An answer; open while a mechanism it is about has no run, and final when each has three seeds."""
    missing = [name for name in about if name not in found]
    if missing:
        return Answer(None, f"{len(about) - len(missing)} of {len(about)} mechanisms have a run")
    answer = ask({name: found[name] for name in about})
    return Answer(answer.true, answer.numbers, final=min(found[name].seeds for name in about) >= FEWEST)


def correlations_of(found: dict[str, Trained]) -> dict[str, float]:
    """Spearman's correlation of every measure with accuracy."""
    return {measure: measure_correlation(found.values(), measure).mean for measure in MEASURES}


def peak_goes_along(found: dict[str, Trained]) -> Answer:
    """1: the peak goes with accuracy, less than concentration did among the mechanisms before."""
    r = correlations_of(found)["peak"]
    return Answer(0.3 < r < WIDER, f"{r:+.2f}")


def entropy_goes_along(found: dict[str, Trained]) -> Answer:
    """2: where entropy is defined, concentration goes with accuracy."""
    r, count = correlations_of(found)["concentration"], sum(x.concentration is not None for x in found.values())
    return Answer(r > 0.3, f"{r:+.2f} over {count} mechanisms")


def rank_goes_less(found: dict[str, Trained]) -> Answer:
    """3: rank goes with accuracy less than the peak does, and hardly."""
    r = correlations_of(found)
    return Answer(r["rank"] < min(0.3, r["peak"]), f"{r['rank']:+.2f}; the peak {r['peak']:+.2f}")


def length_goes_not(found: dict[str, Trained]) -> Answer:
    """4: the response to length does not go with accuracy."""
    r = correlations_of(found)["response"]
    return Answer(abs(r) < 0.4, f"{r:+.2f}")


def peak_goes_most(found: dict[str, Trained]) -> Answer:
    """5: of peak, rank and response, the peak goes with accuracy most."""
    r = correlations_of(found)
    return Answer(r["peak"] > max(r["rank"], r["response"]),
                  f"{r['peak']:+.2f}; rank {r['rank']:+.2f}, response {r['response']:+.2f}")


def fastmax_is_last(found: dict[str, Trained]) -> Answer:
    """6: fastmax is the least accurate, below 30 %."""
    last = min(found.values(), key=lambda one: one.accuracy)
    own = found["fastmax"].accuracy
    return Answer(last.name == "fastmax" and own < 0.3, f"fastmax {percent_text(own)}; last {arm_label(last.name)}")


def sharp_kernels_learn(found: dict[str, Trained]) -> Answer:
    """7: six kernels with zeros, powers or contrast are above 65 %."""
    return Answer(all(one.accuracy > 0.65 for one in found.values()), accuracies_text(found))


def memories_stay_below(found: dict[str, Trained]) -> Answer:
    """8: the six memories lie between 30 % and softmax."""
    return Answer(all(0.3 < one.accuracy < SOFTMAX for one in found.values()), accuracies_text(found))


def faders_lead(found: dict[str, Trained]) -> Answer:
    """9: memories that only fade are more accurate than memories that also erase."""
    fade, erase = (plain.fmean(found[name].accuracy for name in names) for names in (FADE, ERASE))
    return Answer(fade > erase, f"{percent_text(fade)} and {percent_text(erase)}")


def accuracies_text(found: dict[str, Trained]) -> str:
    """Mechanisms with their accuracies."""
    return word_list(f"{arm_label(one.name)} {percent_text(one.accuracy)}" for one in found.values())


def open_answers(book: Ledger) -> list[int]:
    """The numbers of the predictions that wait for runs."""
    return [n for n, answer in enumerate(newest_answers(book), 1) if answer.true is None]


def newest_table(book: Ledger) -> str:
    """Seeds, accuracy and measures of the newest mechanisms that have a run, most accurate first."""
    found, rows = newest_mechanisms(book), []
    for name, of in rank_arms([record for own in newest_runs(book).values() for record in own]):
        one, negative = found[name], mean_or_none(of, "negative")
        rows.append([arm_label(name), str(one.seeds), seeds_accuracy(of), number_text(mean_or_none(of, "heaviest"), 1),
                     number_text(one.peak, 1), "-" if negative is None else whole_percent(negative),
                     number_text(None if one.concentration is None else 1 - one.concentration),
                     number_text(one.rank, 1), number_text(one.response, 1)])
    return markdown_table(("mechanism", "seeds", "accuracy, 95 % interval over seeds", "largest weight x N", "peak",
                           "negative weights", "entropy / log2 N", "effective rank", "response to length"), rows)


def nearly_divided_by_zero(book: Ledger) -> list[str]:
    """The labels of the newest mechanisms with weights that only a divisor near zero can make."""
    runs = [record for own in newest_runs(book).values() for record in own]
    return sorted({arm_label(record["name"]) for record in runs
                   if any(layer.get("heaviest", 0) > HUGE for layer in record["recorded_layers"])})


def measure_table(book: Ledger) -> str:
    """How every measure goes with accuracy, over the newest mechanisms that have a run."""
    rows = []
    for measure, title in MEASURES.items():
        have = [one for one in newest_mechanisms(book).values() if getattr(one, measure) is not None]
        rows.append([title, str(len(have)), correlation_text(measure_correlation(have, measure))])
    return markdown_table(("measure", "mechanisms", "Spearman with accuracy"), rows)


def measures_by_sign(book: Ledger) -> dict[int, list[str]]:
    """The measures that go with accuracy (1), against it (-1), and neither clearly (0), by their intervals."""
    out: dict[int, list[str]] = {1: [], -1: [], 0: []}
    for measure, title in MEASURES.items():
        out[measure_correlation(newest_mechanisms(book).values(), measure).sign].append(title)
    return out


def all_have_a_run(book: Ledger) -> bool:
    """Whether every newest mechanism has a run, so that correlations over them are printed."""
    return len(newest_runs(book)) == len(NEWEST)


def newest_seeds(book: Ledger) -> tuple[int, int]:
    """The fewest and the most seeds of a newest mechanism."""
    runs = newest_runs(book)
    counts = [len(runs.get(name, [])) for name in NEWEST]
    return min(counts), max(counts)
