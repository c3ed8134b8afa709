"""What can be run: `python3 start.py study` lists it, `python3 start.py study evidence --page` runs one of them."""
from __future__ import annotations

import importlib
import sys
from pathlib import Path

RUNS = {
    "evidence": ("accuracy, maps, interventions of the shipped models", "minutes", "EVIDENCE.md"),
    "gates": ("what a gate can do: fitted to a trained softmax model's maps", "an hour", "GATES.md"),
    "sets": ("train the sets that both stand on: short long fine dose control late breadth front", "hours",
             "results/, shipped models")}


def main(arguments: list[str]) -> int:
    """The list, or one of its entries with the arguments that follow."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("\n".join(listed()))
        return 0
    name, *rest = arguments
    if name not in RUNS:
        print(f"no study called {name!r}; there are: {', '.join(RUNS)}", file=sys.stderr)
        return 2
    importlib.import_module(f"studies.{name}").main(rest)
    return 0


def listed() -> list[str]:
    """A line for each: its name, what it does, how long it takes on one core and what it writes."""
    here = Path(__file__).parent
    head = ["python3 start.py study NAME [OPTIONS]; --help after a name tells its options", ""]
    return head + [f"  {name:10}{what:72}{how_long:10}{writes}" for name, (what, how_long, writes) in RUNS.items()
                   if (here / f"{name}.py").exists()]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
