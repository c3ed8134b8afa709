"""What the length of a query does in every mechanism: `python3 start.py study lengths`, a minute on one core.

    linviz/evidence_data/lengths.json   by mechanism, on the picture with which the explorer opens: entropy and
                                        largest weight times N at q x 1/4, 1, 4, 16. The Atlas shows it.
"""
from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

import torch

from linviz import Grid, clips, names
from linviz.evidence import LENGTHS
from linviz.mechanisms import REGISTRY
from linviz.query_length import FACTORS, LengthSensitivity, length_sensitivity
from linviz.views import View
from linviz.views.load import cut_clip, describe_tokens, read_media
from linviz.views.panel_options import read_panel
from linviz.views.panel_steps import make_mechanism, measure_panel
from linviz.views.view_panels import Tokens

from .product_data import write_data

SIDE = 16  # patches per side with which the Atlas opens


def opening_tokens() -> Tokens:
    """The picture with which the explorer opens, on the grid of the Atlas."""
    opening, grid = clips.OPENING, Grid(Y=SIDE, X=SIDE)
    return describe_tokens(cut_clip(read_media(View(opening.name)), grid), opening.temperature)


def measured_length(name: str, tokens: Tokens) -> LengthSensitivity:
    """One mechanism as the Atlas draws it."""
    spec, options = read_panel(REGISTRY[name].example or name)
    with torch.no_grad():
        return length_sensitivity(measure_panel(make_mechanism(spec, tokens, options=options), tokens).reading)


def length_data() -> dict[str, Any]:
    """What the file holds."""
    tokens = opening_tokens()
    rows = {name: asdict(measured_length(name, tokens)) for name in names()}
    return {"source": clips.OPENING.name, "grid": [tokens.grid.T, tokens.grid.Y, tokens.grid.X],
            "temperature": clips.OPENING.temperature, "factors": list(FACTORS),
            "rows": {name: {key: row[key] for key in ("entropy", "largest")} for name, row in rows.items()}}


def main(arguments: list[str] | None = None) -> None:
    """Measure every mechanism and write the file."""
    argparse.ArgumentParser(prog="start.py study lengths", description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(arguments)
    write_data(length_data(), LENGTHS)
    print(f"linviz/evidence_data/{LENGTHS} is written")


if __name__ == "__main__":
    main()
