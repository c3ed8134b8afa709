"""Colours copied from hints: `python3 start.py study colour` writes COLOUR.md from the runs that exist.

    python3 start.py study sets colour ...    train the runs; a finished one is not trained again
    studies/results/colour*/                  the result of every run
    studies/results/colour_baselines.json     R2 of what is made by hand; computed if it is missing
    studies/COLOUR.md                         the page; it says how many seeds there are
"""
from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from linviz.atomic_write import write_atomically
from linviz.clips import ColourTask
from linviz.clips.colour_baselines import (
    bilateral_answers,
    blank_luma,
    fit_bilateral,
    foreign_luma,
    nearest_answers,
    paint_score,
)
from linviz.clips.colour_task import SHARES, TEST_SHARE
from linviz.models.arms import arm_recipe
from linviz.models.colour_looking import FEW, HINT_SHARES
from linviz.models.examples import ColourExamples, make_data

from . import colour_tables
from .colour_headlines import colour_headlines
from .colour_runs import BASELINES, ColourRuns
from .colour_sealed import open_sealed
from .evidence_store import round_numbers
from .page_templates import render_page

PAGE = Path(__file__).with_name("COLOUR.md")
FITTED = 100  # training windows to which the kernel made by hand is fitted


def main(arguments: list[str] | None = None) -> None:
    """Compute the baselines if they are missing, and write the page."""
    parser = argparse.ArgumentParser(prog="start.py study colour", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open-sealed", action="store_true", help="measure on the sealed photographs: possible once")
    options = parser.parse_args(arguments)
    if not BASELINES.exists():
        write_atomically(BASELINES, json.dumps(round_numbers(baseline_scores()), indent=1) + "\n")
    if options.open_sealed:
        open_sealed(json.loads(BASELINES.read_text()))
    write_atomically(PAGE, colour_page(ColourRuns.read()))
    print(f"{PAGE.name} is written")


def colour_page(runs: ColourRuns) -> str:
    """The page from the runs that exist; any number of them makes a page."""
    return render_page("colour", runs=runs, tables=colour_tables, headlines=colour_headlines,
                       shares=(*SHARES, TEST_SHARE))


def baseline_scores() -> dict[str, Any]:
    """The scores of both baselines, with the same names as those of a trained model."""
    data = make_data(arm_recipe("softmax", task="colour"))
    assert isinstance(data.train, ColourExamples) and isinstance(data.test, ColourExamples)
    fitted = replace(data.train, share=data.test.share).task(torch.arange(FITTED))
    pair = fit_bilateral(fitted)
    return {"nearest": scores_by_hand(data.train, data.test, lambda task: nearest_answers(task)),
            "bilateral": scores_by_hand(data.train, data.test, lambda task: bilateral_answers(task, *pair))
            | {"distance": pair[0], "lightness": pair[1]}}


def scores_by_hand(train: ColourExamples, test: ColourExamples, paint: Any) -> dict[str, Any]:
    """Every score of a rule that paints tasks."""
    own = replace(test, natural=True)
    coloured = (~own.grey[own.labels]).nonzero()[:, 0]
    natural = own.task(coloured)

    def score(task: ColourTask, frames: Tensor | None = None) -> float:
        seen = task if frames is None else replace(task, luma=frames[:, 0, :1])
        return paint_score(paint(seen), task)

    seen = replace(train, share=test.share, drawn=test.drawn)
    return {"test_r2": score(test.task(torch.arange(len(test)))), "train": score(seen.task(torch.arange(FEW))),
            "natural": {name: score(own.task((own.labels == n).nonzero()[:, 0]))
                        for n, name in enumerate(own.classes) if not own.grey[n]},
            "natural_all": score(natural), "blank": score(natural, blank_luma(natural)),
            "foreign": score(natural, foreign_luma(natural)),
            "hints": {f"{share:g}": score(replace(own, share=share).task(coloured)) for share in HINT_SHARES}}


if __name__ == "__main__":
    main()
