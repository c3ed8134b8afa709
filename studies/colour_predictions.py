"""The predictions of COLOUR_PREDICTIONS.md: how each is counted was written with them, before the runs.

A prediction is answered from the seeds that exist, and not at all while an arm that it names has none.
"""
from __future__ import annotations

import statistics as plain
from collections.abc import Callable, Mapping
from dataclasses import replace

from linviz.models.arms import COLOUR_SETS

from .colour_runs import ColourRuns, gap_score_text, has_measure, layers_mean
from .dose_predictions import Answer
from .interval_statistics import rank_correlation
from .ledger import FEWEST
from .more_seeds import FLOOR, GATE, RELU, SOFT, WIDE
from .number_formats import arm_label

SET, LONG, HEADS, PLAIN, EXCHANGED = "colour", "colour_long", "colour_heads", "colour_plain", "colour_exchanged"
HYBRID = "relu_floor/softmax/relu_floor"
KERNELS = ("focused", RELU, FLOOR, GATE, "cosformer", "efficient", "mala")
NEEDED: tuple[dict[str, tuple[str, ...]], ...] = (      # the arms that each prediction names, by set
    {SET: (SOFT, FLOOR)}, {SET: (RELU, FLOOR, SOFT)}, {SET: (GATE, FLOOR)}, {SET: (WIDE, FLOOR)},
    {SET: (SOFT, "gated_delta~scan=both", *KERNELS)}, {SET: ("uniform", SOFT, *KERNELS)}, {SET: KERNELS},
    {SET: (SOFT, "uniform", *KERNELS)}, {SET: (SOFT, RELU, FLOOR, GATE)}, {SET: (SOFT, *KERNELS)}, {SET: (SOFT, FLOOR)},
    {SET: (SOFT, FLOOR), HEADS: (f"{SOFT}~heads=1", f"{FLOOR}~heads=1")}, {EXCHANGED: (SOFT, FLOOR)},
    {PLAIN: (f"{SOFT}~init=plain", f"{FLOOR}~init=plain")}, {SET: (SOFT, FLOOR), LONG: (SOFT, FLOOR)},
    {SET: (SOFT, FLOOR, HYBRID)}, {LONG: (SOFT, FLOOR)}, {LONG: (SOFT, FLOOR)})


def colour_answers(runs: ColourRuns) -> list[Answer]:
    """An answer to every prediction, in the order of the page; open where runs are missing, final with all seeds."""
    questions: tuple[Callable[[ColourRuns], Answer], ...] = (
        softmax_leads, relu_like_floor, gate_like_floor, control_like_floor, softmax_is_first, uniform_is_last,
        focused_is_best, rank_goes_with_score, content_is_used, nothing_memorised, kernel_by_hand, one_head_narrows,
        exchanged_sets, plain_beginning, later_lead, one_softmax_layer, sealed_lead, sealed_scores_stay)
    found: list[Answer] = []
    for needed, question in zip(NEEDED, questions, strict=True):
        there = all(runs.has(which, *names) for which, names in needed.items())
        given = runs.sealed if question in SEALED_ONCE else runs.baselines if question is kernel_by_hand else True
        asked = there and given
        final = question in SEALED_ONCE or has_all_seeds(runs, needed)
        found.append(replace(question(runs), final=final) if asked else Answer(None, "-"))
    return found


def has_all_seeds(runs: ColourRuns, needed: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether these arms have as many seeds as their sets are meant to have."""
    return all(len(runs.arms[which].get(name, ())) >= COLOUR_SETS[which][1]
               for which, names in needed.items() for name in names)


def score_mean(runs: ColourRuns, name: str) -> float:
    """The mean R2 of an arm at 800 steps."""
    return runs.value(SET, name).mean


def softmax_leads(runs: ColourRuns) -> Answer:
    """1: by 0.15 to 0.32, with an interval above 0."""
    gap = runs.gap(SET, SOFT, FLOOR)
    if len(gap.values) < FEWEST and 0.15 <= gap.mean <= 0.32:
        return Answer(None, f"{gap_score_text(gap)}; an interval needs {FEWEST} seeds")
    return Answer(0.15 <= gap.mean <= 0.32 and gap.sign == 1, gap_score_text(gap))


def relu_like_floor(runs: ColourRuns) -> Answer:
    """2: less than 0.08 apart, and relu more than 0.1 behind softmax."""
    near, far = runs.gap(SET, RELU, FLOOR), runs.gap(SET, SOFT, RELU)
    return Answer(abs(near.mean) < 0.08 and far.mean > 0.1, f"{gap_score_text(near)} and {gap_score_text(far)}")


def gate_like_floor(runs: ColourRuns) -> Answer:
    """3: less than 0.06 apart, and the gate's rows have less entropy."""
    gap = runs.gap(SET, GATE, FLOOR)
    gate, floor = (runs.value(SET, name, layers_mean("entropy")).mean for name in (GATE, FLOOR))
    return Answer(abs(gap.mean) < 0.06 and gate < floor, f"{gap_score_text(gap)}; entropy {gate:.2f} and {floor:.2f}")


def control_like_floor(runs: ColourRuns) -> Answer:
    """4: less than 0.05 apart."""
    gap = runs.gap(SET, WIDE, FLOOR)
    return Answer(abs(gap.mean) < 0.05, gap_score_text(gap))


def softmax_is_first(runs: ColourRuns) -> Answer:
    """5: first of all arms but the hybrid."""
    first, second = [name for name in runs.ranked(SET) if name != HYBRID][:2]
    return Answer(first == SOFT, f"{arm_label(first)} {score_mean(runs, first):.3f}, then {arm_label(second)} "
                                 f"{score_mean(runs, second):.3f}")


def uniform_is_last(runs: ColourRuns) -> Answer:
    """6: last of all arms, and above 0.1."""
    last, uniform = runs.ranked(SET)[-1], score_mean(runs, "uniform")
    return Answer(last == "uniform" and uniform > 0.1, f"uniform {uniform:.3f}; last is {arm_label(last)}")


def focused_is_best(runs: ColourRuns) -> Answer:
    """7: the best of KERNELS."""
    best = max(KERNELS, key=lambda name: score_mean(runs, name))
    return Answer(best == "focused", f"{arm_label(best)} {score_mean(runs, best):.3f}")


def rank_goes_with_score(runs: ColourRuns) -> Answer:
    """8: over the arms with both measures, the correlation with rank is above 0.6 and stronger than with entropy."""
    names = [name for name, own in runs.arms[SET].items()
             if has_measure(own, "effective_rank") and has_measure(own, "entropy")]
    scores = [score_mean(runs, name) for name in names]
    rank, entropy = (rank_correlation([runs.value(SET, name, layers_mean(of)).mean for name in names], scores)
                     for of in ("effective_rank", "entropy"))
    return Answer(rank > 0.6 and abs(entropy) < rank,
                  f"rank {rank:+.2f}, entropy {entropy:+.2f} over {len(names)} arms")


def content_is_used(runs: ColourRuns) -> Answer:
    """9: how far the score in true colours falls with the grey picture blanked."""
    def mean(name: str, key: str) -> float:
        return plain.fmean(record[key] for record in runs.arms[SET][name])

    fall = mean(SOFT, "natural_all") - mean(SOFT, "blank")
    blank = {name: mean(name, "blank") for name in (RELU, FLOOR, GATE)}
    words = ", ".join(f"{arm_label(name)} {x:.2f}" for name, x in blank.items())
    return Answer(fall > 0.2 and max(blank.values()) < 0.15, f"softmax falls by {fall:.2f}; blanked: {words}")


def nothing_memorised(runs: ColourRuns) -> Answer:
    """10: for every arm, at most 0.05 better on the photographs it learned from."""
    ahead = {name: runs.value(SET, name, lambda record: record["train"] - record["test_r2"]).mean
             for name in runs.arms[SET]}
    most = max(ahead, key=lambda name: ahead[name])
    return Answer(ahead[most] <= 0.05, f"at most {ahead[most]:+.3f} ({arm_label(most)})")


def kernel_by_hand(runs: ColourRuns) -> Answer:
    """11: between relu_floor and softmax."""
    hand = runs.baselines["bilateral"]["test_r2"]
    floor, soft = score_mean(runs, FLOOR), score_mean(runs, SOFT)
    return Answer(floor < hand < soft, f"{floor:.3f}, {hand:.3f} and {soft:.3f}")


def one_head_narrows(runs: ColourRuns) -> Answer:
    """12: the difference of softmax and relu_floor is smaller with one head."""
    one, three = runs.gap(HEADS, f"{SOFT}~heads=1", f"{FLOOR}~heads=1"), runs.gap(SET, SOFT, FLOOR)
    return Answer(one.mean < three.mean, f"{one.mean:+.3f} with one head, {three.mean:+.3f} with three")


def exchanged_sets(runs: ColourRuns) -> Answer:
    """13: softmax leads by more than 0.1."""
    gap = runs.gap(EXCHANGED, SOFT, FLOOR)
    return Answer(gap.mean > 0.1, gap_score_text(gap))


def plain_beginning(runs: ColourRuns) -> Answer:
    """14: neither above 0.1."""
    found = {name: runs.value(PLAIN, f"{name}~init=plain").mean for name in (SOFT, FLOOR)}
    return Answer(max(found.values()) <= 0.1, ", ".join(f"{arm_label(name)} {x:.3f}" for name, x in found.items()))


def later_lead(runs: ColourRuns) -> Answer:
    """15: at least 0.08, and less than after 800 steps."""
    late, early = runs.gap(LONG, SOFT, FLOOR), runs.gap(SET, SOFT, FLOOR)
    return Answer(0.08 <= late.mean < early.mean, f"{late.mean:+.3f} and {early.mean:+.3f}")


def one_softmax_layer(runs: ColourRuns) -> Answer:
    """16: within 0.05 of softmax, and more than 0.1 above relu_floor."""
    near, far = runs.gap(SET, HYBRID, SOFT), runs.gap(SET, HYBRID, FLOOR)
    return Answer(abs(near.mean) < 0.05 and far.mean > 0.1, f"{gap_score_text(near)} and {gap_score_text(far)}")


def sealed_lead(runs: ColourRuns) -> Answer:
    """17: of the painters softmax is first on the sealed photographs, and leads the floor by more than 0.05."""
    found = runs.sealed["painters"]
    return Answer(max(found, key=found.get) == SOFT and found[SOFT] - found[FLOOR] > 0.05,
                  ", ".join(f"{arm_label(name)} {x:.3f}" for name, x in found.items()))


def sealed_scores_stay(runs: ColourRuns) -> Answer:
    """18: no painter's score differs from its held-out score by more than 0.15."""
    held_out = {record["name"]: record["test_r2"] for record in runs.records[LONG] if record["seed"] == 0}
    gaps = {name: x - held_out[name] for name, x in runs.sealed["painters"].items() if name in held_out}
    most = max(gaps, key=lambda name: abs(gaps[name]))
    return Answer(abs(gaps[most]) <= 0.15, f"at most {gaps[most]:+.3f} ({arm_label(most)})")


SEALED_ONCE = (sealed_lead, sealed_scores_stay)     # answered from the shipped painters, which are one seed
