"""What the trained models show: `python3 start.py study evidence` measures them in minutes and writes the page.

    studies/results/evidence.json   every number; a model that was measured is not measured again
    studies/EVIDENCE.md             the page; tools/plots.py draws its plots
    linviz/evidence_data/*.json     what the explorer shows of it

    --page           write the page and the data again, from the stored numbers
    --open-sealed    open the sealed split, once, for the final table (studies/results/sealed.json)

The sentences of the page follow from the numbers, also where the numbers are not what was hoped for.
"""
from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from linviz.atomic_write import write_atomically
from linviz.evidence import FIGURES, SENTENCES

from .evidence_page import evidence_page, product_sentences
from .evidence_store import EVIDENCE, SEALED, gather_results, measure_sealed, read_results, write_results
from .ledger import Ledger
from .product_data import product_figures, write_data

PAGE = Path(__file__).with_name("EVIDENCE.md")


def main(arguments: list[str] | None = None) -> None:
    """Measure what is new, and write the page and the product's data."""
    parser = argparse.ArgumentParser(prog="start.py study evidence", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true", help="only write the page, from the stored numbers")
    parser.add_argument("--open-sealed", action="store_true", help="open the sealed split for the final table")
    options = parser.parse_args(arguments)
    record = read_results(EVIDENCE) if options.page else gather_results(EVIDENCE)
    if options.open_sealed:
        open_sealed()
    book = Ledger(record, read_results(SEALED))
    write_atomically(PAGE, evidence_page(book))
    write_data(product_figures(book), FIGURES)
    write_data(product_sentences(book), SENTENCES)
    print(f"{PAGE.name} is written; `.venv/bin/python tools/plots.py` draws its plots again, in a browser")


def open_sealed() -> None:
    """Open the sealed split for the models of today; a second time is refused unless the models have changed."""
    try:
        write_results(measure_sealed(datetime.date.today().isoformat(), read_results(SEALED)), SEALED)
    except ValueError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
