"""What the trained models show: `python3 start.py study evidence` measures them, in minutes, and writes the page.

    studies/results/evidence.json   every number; a model that was measured is not measured again
    studies/EVIDENCE.md             what they say; tools/plots.py draws its plots
    linviz/evidence_data/*.json     what the explorer and the chapters show of it

    --page           write pages and data again, from the stored numbers
    --open-sealed    open the sealed split, once, for the final table (studies/results/sealed.json)

Sentences follow from the numbers; where five seeds disagree with what was hoped, the page says what five seeds say.
"""
from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from linviz.evidence import FIGURES, SENTENCES
from linviz.whole import write_whole

from .evidence_page import evidence_page, product_sentences
from .evidence_store import EVIDENCE, SEALED, gather_results, measure_sealed, read_results, write_results
from .ledger import Ledger
from .product_data import product_figures, write_data

PAGE = Path(__file__).with_name("EVIDENCE.md")


def main(arguments: list[str] | None = None) -> None:
    """Measure what is new, and write the page and the product's data."""
    given = argparse.ArgumentParser(prog="start.py study evidence", description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--page", action="store_true", help="only write the page from the kept numbers")
    given.add_argument("--open-sealed", action="store_true", help="open the sealed split for the final table")
    asked = given.parse_args(arguments)
    told = read_results(EVIDENCE) if asked.page else gather_results(EVIDENCE)
    if asked.open_sealed:
        open_sealed()
    book = Ledger(told, read_results(SEALED))
    write_whole(PAGE, evidence_page(book))
    write_data(product_figures(book), FIGURES)
    write_data(product_sentences(book), SENTENCES)
    print(f"{PAGE.name} is written; `.venv/bin/python tools/plots.py` draws its plots again, in a browser")


def open_sealed() -> None:
    """The sealed split, opened for the models of today; a second time only for other models."""
    try:
        write_results(measure_sealed(datetime.date.today().isoformat(), read_results(SEALED)), SEALED)
    except ValueError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
