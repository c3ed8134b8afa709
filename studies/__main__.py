"""The studies: `python3 start.py study` lists them, `python3 start.py study evidence --page` runs one of them."""
from __future__ import annotations

import importlib
import sys

STUDIES = {  # by name: the module, what it does, how long it takes on one core, and what it writes
    "evidence": ("evidence_study", "accuracy, maps and interventions of the shipped models", "minutes", "EVIDENCE.md"),
    "gates": ("gate_study", "what a gate can do: fitted to a trained softmax model's maps", "an hour", "GATES.md"),
    "lengths": ("length_study", "what the length of a query does in every mechanism, for the Atlas", "a minute",
                "linviz/evidence_data"),
    "colour": ("colour_study", "colours copied from hints: the page from the runs that exist", "a minute", "COLOUR.md"),
    "layers": ("layer_study", "which layer needs softmax: the page from the runs that exist", "seconds", "LAYERS.md"),
    "sets": ("training_sets", "train the sets of models (short, long, fine, ..., rates, colour)", "hours",
             "results/, shipped models")}


def main(arguments: list[str]) -> int:
    """Print the list, or run one of its entries with the arguments that follow."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("\n".join(study_list()))
        return 0
    name, *rest = arguments
    if name not in STUDIES:
        print(f"no study called {name!r}; there are: {', '.join(STUDIES)}", file=sys.stderr)
        return 2
    importlib.import_module(f"studies.{STUDIES[name][0]}").main(rest)
    return 0


def study_list() -> list[str]:
    """One line per study."""
    head = ["python3 start.py study NAME [OPTIONS]; --help after a name lists its options", ""]
    return head + [f"  {name:10}{what:75}{how_long:10}{writes}"
                   for name, (_, what, how_long, writes) in STUDIES.items()]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
