"""The tables of COLOUR.md."""
from __future__ import annotations

import re
import statistics as plain
from collections.abc import Callable
from pathlib import Path

from linviz.models.arms import COLOUR_SETS

from .colour_predictions import HYBRID, colour_answers
from .colour_runs import ColourRuns, gap_score_text, has_measure, score_text
from .ledger import Record
from .more_seeds import FLOOR, GATE, RELU, SOFT, WIDE
from .number_formats import arm_label, markdown_table, number_text

PREDICTIONS = Path(__file__).with_name("COLOUR_PREDICTIONS.md")
SHIFT = "relu_floor+gate+shift:space"
PAIRS = ((SOFT, FLOOR), (SOFT, RELU), (RELU, FLOOR), (GATE, FLOOR), (GATE, WIDE), (WIDE, FLOOR), (SHIFT, GATE),
         (HYBRID, SOFT), (HYBRID, FLOOR), (SOFT, "focused"), ("focused", FLOOR))
MEASURES = {"entropy": "entropy / log2 N", "object": "weight on hints", "near": "on near hints",
            "effective_rank": "effective rank", "diversity": "row diversity"}
MADE_BY_HAND = {"nearest": "by hand: nearest hint", "bilateral": "by hand: bilateral kernel"}


def score_table(runs: ColourRuns, which: str) -> str:
    """One row per arm: R2, each seed, on training photographs, in true colours, and with the grey picture changed."""
    rows = [[arm_label(name), score_text(runs.value(which, name)), seed_texts(own, "test_r2"), mean_text(own, "train"),
             *(mean_text(own, key) for key in ("natural_all", "blank", "foreign")), f"{own[0]['parameters']:,}"]
            for name, own in ((name, runs.arms[which][name]) for name in runs.ranked(which))]
    for name, label in MADE_BY_HAND.items():
        if which != "colour_exchanged" and (found := runs.baselines.get(name)):
            rows.append([label, f"{found['test_r2']:.3f}", "-", f"{found['train']:.3f}",
                         *(number_text(found.get(key), 3) for key in ("natural_all", "blank", "foreign")),
                         str(len(found.keys() & {"distance", "lightness"}))])
    return markdown_table(("attention", "R2 held out", "each seed", "R2 trained on", "true colours", "grey blanked",
                           "another's grey", "parameters"), rows)


def seed_texts(own: list[Record], key: str) -> str:
    """A number of every seed."""
    return ", ".join(f"{record[key]:.3f}" for record in own)


def mean_text(own: list[Record], key: str) -> str:
    """The mean of a number over seeds, with three digits; a dash if no run has it."""
    found = [record[key] for record in own if key in record]
    return f"{plain.fmean(found):.3f}" if found else "-"


def gap_table(runs: ColourRuns) -> str:
    """One row per difference of two arms, over the seeds that both have."""
    rows = [[f"{arm_label(one)} minus {arm_label(other)}", gap_score_text(gap),
             ", ".join(f"{x:+.3f}" for x in gap.values)]
            for one, other in PAIRS if runs.has("colour", one, other)
            for gap in [runs.gap("colour", one, other)] if gap.values]
    return markdown_table(("difference", "R2", "each seed"), rows)


def map_table(runs: ColourRuns) -> str:
    """One row per arm: measures of its maps, layers 1 · 2 · 3; a dash where a measure is not defined."""
    rows = [[arm_label(name), score_text(runs.value("colour", name)).partition(" ")[0],
             *(layer_texts(runs.arms["colour"][name], of) for of in MEASURES)] for name in runs.ranked("colour")]
    return markdown_table(("attention", "R2", *MEASURES.values()), rows)


def layer_texts(own: list[Record], measure: str) -> str:
    """A measure of every layer, mean over seeds."""
    if not has_measure(own, measure):
        return "-"
    layers = zip(*(record["layers"] for record in own))
    return " · ".join(f"{plain.fmean(layer[measure] for layer in seeds):.2f}" for seeds in layers)


def photograph_table(runs: ColourRuns) -> str:
    """R2 in true colours, photograph by photograph, and by the share of hints."""
    everything = [record for own in runs.arms["colour"].values() for record in own]
    names, shares = list(everything[0]["natural"]), list(everything[0]["hints"])

    def cells(of: Callable[[str, str], str]) -> list[str]:
        return [*(of("natural", name) for name in names), *(of("hints", share) for share in shares)]

    rows = [[arm_label(name), *cells(lambda key, column, own=runs.arms["colour"][name]:     # type: ignore[misc]
                                     f"{plain.fmean(record[key][column] for record in own):.2f}")]
            for name in runs.ranked("colour")]
    rows += [[label, *cells(lambda key, column, found=runs.baselines[name]:                 # type: ignore[misc]
                            number_text(found.get(key, {}).get(column)))]
             for name, label in MADE_BY_HAND.items() if name in runs.baselines]
    return markdown_table(("attention", *names, *(f"{100 * float(share):.0f} % hints" for share in shares)), rows)


def intervention_table(runs: ColourRuns) -> str:
    """R2 after each intervention, one column per intervention, for the main arms."""
    names = [name for name in runs.ranked("colour") if name in (SOFT, RELU, FLOOR, GATE, SHIFT)]
    columns = list(dict.fromkeys(key for name in names for record in runs.arms["colour"][name]
                                 for key in record["altered"]))
    rows = [[arm_label(name), *(altered_text(runs.arms["colour"][name], key) for key in columns)] for name in names]
    return markdown_table(("attention", *("as trained" if key == "none" else key for key in columns)), rows)


def altered_text(own: list[Record], key: str) -> str:
    """The mean score after an intervention; a dash where the arm has none of this kind."""
    found = [record["altered"][key] for record in own if key in record["altered"]]
    return f"{plain.fmean(found):.3f}" if found else "-"


def sealed_table(runs: ColourRuns) -> str:
    """One row per painter and per rule made by hand: R2 on sealed and on held-out photographs."""
    held_out = {record["name"]: record["test_r2"] for record in runs.records["colour_long"] if record["seed"] == 0}
    rows = [[arm_label(name), f"{x:.3f}", number_text(held_out.get(name), 3)]
            for name, x in sorted(runs.sealed["painters"].items(), key=lambda pair: -pair[1])]
    rows += [[MADE_BY_HAND[name], f"{x:.3f}", number_text(runs.baselines.get(name, {}).get("test_r2"), 3)]
             for name, x in runs.sealed["by_hand"].items()]
    return markdown_table(("attention", "R2 sealed", "R2 held out"), rows)


def prediction_table(runs: ColourRuns) -> str:
    """Every prediction, whether it came true, and the numbers."""
    words = re.findall(r"^\d+\. (.+?)(?=\n\d+\.|\n\n|\Z)", PREDICTIONS.read_text("utf-8"), re.S | re.M)
    rows = []
    for n, (text, answer) in enumerate(zip(words, colour_answers(runs), strict=True), 1):
        rows.append([f"{n}. {' '.join(text.split())}", answer.verdict, answer.numbers])
    return markdown_table(("predicted before the runs", "came true", "numbers"), rows)


def progress_list(runs: ColourRuns) -> str:
    """How many runs of every set exist."""
    lines = []
    for which in COLOUR_SETS:
        there, wanted = runs.counts(which)
        fewest, most = runs.seed_count(which)
        seeds = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        lines.append(f"- {which}: {there} of {wanted} runs; seeds per variant: {seeds}")
    return "\n".join(lines)
