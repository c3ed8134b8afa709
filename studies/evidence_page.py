"""studies/EVIDENCE.md and the sentences that the product shows: numbers in, text out."""
from __future__ import annotations

from typing import Any

from linviz.figures.evidence_gallery import draw_evidence

from . import (
    accuracy_tables,
    breadth_tables,
    dose_predictions,
    earlier_study,
    intervention_tables,
    learning_rates,
    map_tables,
    more_seeds,
    newest_predictions,
    other_sets,
)
from .colour_headlines import colour_headlines
from .colour_runs import ColourRuns
from .evidence_store import RESULTS, read_results
from .gate_numbers import all_numbers
from .gate_rows import Rows
from .ledger import Ledger
from .page_templates import render_page
from .product_data import product_figures

PLOTS = ("accuracy", "curves", "maps", "dose", "breadth", "front", "colour")  # the figures of the page


def template_values(book: Ledger) -> dict[str, Any]:
    """What the templates of the evidence may ask: the numbers, and the tables of every module."""
    modules = (accuracy_tables, breadth_tables, dose_predictions, earlier_study, intervention_tables, learning_rates,
               map_tables, more_seeds, newest_predictions, other_sets)
    return {module.__name__.rpartition(".")[2]: module for module in modules} | {
        "book": book, "steps": intervention_tables.STEPS, "seconds_of": lambda model: model["seconds"]}


def evidence_page(book: Ledger) -> str:
    """The whole page."""
    return render_page("evidence", drawn=plot_descriptions(book), colour_sentences=colour_headlines(ColourRuns.read()),
                       **template_values(book))


def plot_descriptions(book: Ledger) -> dict[str, str]:
    """The alt text of every plot of the page; empty where its numbers are missing."""
    found = {name: data.get("short", data) for name, data in product_figures(book).items() if data}
    return {name: draw_evidence(found[name]).layout.meta["alt"] if found.get(name) else "" for name in PLOTS}


def product_sentences(book: Ledger) -> dict[str, Any]:
    """What the Evidence page of the explorer says: claims, limits, method, and what single figures come to."""
    def words(name: str) -> str:
        return render_page(name, **template_values(book)).strip()

    sizes = [model["parameters"] for own in book.records["motion"].values() for model in own.values()]
    claims = {key: [line[2:] for line in words(name).splitlines() if line.startswith("- ")]
              for key, name in (("headlines", "headlines"), ("further", "further_claims"))}
    findings = {name: words(f"finding_{name}") for name in ("dose", "breadth")}
    gate_rows = Rows(read_results(RESULTS / "gates.json")["rows"])
    findings["colour"] = " ".join(colour_headlines(ColourRuns.read())[:5])
    findings["gates"] = render_page("finding_gates", **all_numbers(gate_rows)).strip()
    return claims | {"limits": words("limits"), "method": words("method"), "findings": findings,
                     "parameters": [min(sizes), max(sizes)]}
