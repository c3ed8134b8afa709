"""Breadth: many mechanisms with one recipe; does concentration go with accuracy, or rank?

A mechanism with fewer than three seeds stands in the table with the seeds that it has. The correlations and the figure
are of the mechanisms with all three, so that every point is a mean over three models.
"""
from __future__ import annotations

import statistics as plain

from linviz.mechanisms import REGISTRY
from linviz.models.arms import NEWEST

from .interval_statistics import partial_correlation, rank_correlation
from .ledger import FEWEST, Ledger, Record, Value
from .map_tables import FEWEST_ARMS, bootstrap_value, enough_arms, long_correlations
from .number_formats import accuracy_text, arm_label, correlation_text, markdown_table, number_text, percent_text
from .other_sets import group_by_name, rank_arms, recorded_mean, seed_value

Stories = dict[str, tuple[float, float, float]]  # concentration, effective rank and accuracy, by mechanism
UNTRAINED = {"keypoint": "it asks from one set of points to another; within one clip it is elu + 1, number for number"}
FIXED = {  # what training leaves as it is, in the newest mechanisms; their queries, keys and values are learned
    "gaussian": "the whole map: only what it mixes is learned",
    "reformer": "the hash: which tokens meet is no number with a gradient; queries and keys are one projection",
    "sla": "the choice of blocks, which has no gradient; the softmax part is one half",
    "graph": "the edges: the eight neighbours, and the same patch one frame before and after",
    "retention": "the rates at which the heads fade"}
SCANNED = "the order of the tokens: frame by frame, row by row"


def seeds_by_name(book: Ledger) -> dict[str, int]:
    """How many seeds every mechanism of the study has."""
    return {name: len(of) for name, of in sorted(group_by_name(book.records["breadth"]).items())}


def complete_mechanisms(book: Ledger) -> dict[str, list[Record]]:
    """The results of the mechanisms that have all three seeds."""
    return {name: of for name, of in sorted(group_by_name(book.records["breadth"]).items()) if len(of) >= FEWEST}


def incomplete_mechanisms(book: Ledger) -> list[str]:
    """The labels of the mechanisms that have runs, but fewer than three seeds."""
    return [arm_label(name) for name, seeds in seeds_by_name(book).items() if seeds < FEWEST]


def waiting_mechanisms(book: Ledger) -> list[str]:
    """The labels of the newest mechanisms without a run so far."""
    return [arm_label(name) for name in NEWEST if name not in seeds_by_name(book)]


def breadth_table(book: Ledger) -> str:
    """Seeds, accuracy, concentration and rank of every mechanism of the study."""
    rows = [[arm_label(name), REGISTRY[name].family, str(len(of)), seeds_accuracy(of),
             *(number_text(mean_or_none(of, key), digits) for key, digits in (("entropy", 2), ("effective_rank", 1)))]
            for name, of in rank_arms(book.records["breadth"])]
    return markdown_table(("mechanism", "family", "seeds", "accuracy, 95 % interval over seeds", "entropy / log2 N",
                           "effective rank"), rows)


def seeds_accuracy(of: list[Record]) -> str:
    """The mean accuracy over seeds; with an interval from three seeds on."""
    value = seed_value([record["recorded"] for record in of])
    return accuracy_text(value) if len(of) >= FEWEST else percent_text(value.mean)


def story_measures(book: Ledger) -> Stories:
    """Concentration (1 - entropy share), effective rank and accuracy, for every mechanism that has all of it."""
    out = {}
    for name, of in complete_mechanisms(book).items():
        entropy, rank = mean_or_none(of, "entropy"), mean_or_none(of, "effective_rank")
        if entropy is not None and rank is not None:
            out[name] = (1 - entropy, rank, plain.fmean(t["recorded"] for t in of))
    return out


def enough_mechanisms(book: Ledger) -> bool:
    """Whether there are enough mechanisms for a correlation."""
    return len(story_measures(book)) >= FEWEST_ARMS


def mean_or_none(of: list[Record], measure: str) -> float | None:
    """A recorded measure, mean over seeds; None if a seed lacks it."""
    values = [recorded_mean(record, measure) for record in of]
    return None if None in values else plain.fmean(x for x in values if x is not None)


def breadth_correlations(found: Stories, left_out: str = "") -> dict[str, Value]:
    """How concentration and rank go with accuracy: each alone, and each with the other held constant."""
    conc, rank, right = ([x[n] for name, x in found.items() if name != left_out] for n in range(3))
    return {"concentration_alone": bootstrap_value([conc, right], rank_correlation),
            "rank_alone": bootstrap_value([rank, right], rank_correlation),
            "concentration": bootstrap_value([conc, right, rank], partial_correlation),
            "rank": bootstrap_value([rank, right, conc], partial_correlation)}


def story_table(found: Stories) -> str:
    """The correlations of concentration and rank with accuracy, with and without uniform attention."""
    rows = []
    for left_out, more in (("", ""), ("uniform", ", without uniform")):
        values = breadth_correlations(found, left_out).values()
        rows.append([f"{len(found.keys() - {left_out})} mechanisms{more}", *map(correlation_text, values)])
    return markdown_table(("over", "concentration", "rank", "concentration, rank held constant",
                           "rank, concentration held constant"), rows)


def same_without_uniform(found: Stories) -> bool:
    """Whether the two partial correlations have the same signs without uniform attention."""
    every, without = (breadth_correlations(found, left_out) for left_out in ("", "uniform"))
    return all(every[key].sign == without[key].sign for key in ("concentration", "rank"))


def findings_disagree(book: Ledger) -> bool:
    """Whether concentration goes with accuracy beyond rank over mechanisms only, and rank beyond entropy over arms."""
    if not (enough_mechanisms(book) and enough_arms(book, "long")):
        return False
    wide, long = breadth_correlations(story_measures(book)), long_correlations(book, "long")
    return (wide["concentration"].sign, wide["rank"].sign, long["rank"].sign, long["entropy"].sign) == (1, 0, 1, 0)


def fixed_parts_table() -> str:
    """What training leaves as it is in the newest mechanisms, and which of them is not trained."""
    rows = [[arm_label(name), f"not trained: {why}"] for name, why in UNTRAINED.items()]
    for name in NEWEST:
        parts = [FIXED[name]] if name in FIXED else []
        parts += [SCANNED] if REGISTRY[name].family == "recurrent" else []
        rows += [[arm_label(name), "; ".join(parts)]] if parts else []
    return markdown_table(("mechanism", "what is not learned"), rows)
