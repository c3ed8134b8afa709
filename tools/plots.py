"""Draw the plots of studies/EVIDENCE.md and benchmarks/RESULTS.md: plots/*.svg beside them, in a browser.

    .venv/bin/python tools/plots.py

plotly needs a browser to draw. Its SVG is changed in one point only: the names of its parts are random and would make
every file new every time, so they are numbered.
"""
from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import plotly.graph_objects as go
from playwright.sync_api import Page

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOME))
from benchmarks.growth_curves import growth_figures  # noqa: E402
from benchmarks.results_page import PLOTS as SPEED  # noqa: E402
from benchmarks.results_page import stored_results  # noqa: E402
from linviz.atomic_write import write_atomically  # noqa: E402
from linviz.evidence import figure_data  # noqa: E402
from linviz.figures.evidence_gallery import draw_evidence  # noqa: E402
from notebooks.figure_stills import paint_figure, plotly_page  # noqa: E402

PLOTS = ("accuracy", "curves", "maps", "dose", "breadth", "front", "colour")
FOLDER, WIDE = HOME / "studies" / "plots", 900


def main() -> None:
    """Draw every plot whose numbers exist; remove the file of a plot whose numbers are gone."""
    FOLDER.mkdir(exist_ok=True)
    SPEED.mkdir(exist_ok=True)
    with plotly_page() as page:
        for name in PLOTS:
            data = figure_data(name)
            write_plot(FOLDER / f"{name}.svg", draw_evidence(data) if data else None, page)
        for name, figure in growth_plots():
            write_plot(SPEED / f"{name}.svg", figure, page)


def growth_plots() -> Iterator[tuple[str, go.Figure]]:
    """The cost over the number of tokens, a plot for every family of mechanisms."""
    for result in stored_results(["growth"]):
        yield from growth_figures(result.curves).items()


def write_plot(path: Path, figure: go.Figure | None, page: Page) -> None:
    """Write one plot, or remove its file where there is no figure."""
    if figure is None:
        path.unlink(missing_ok=True)
        return
    drawing = figure.to_plotly_json() | {"layout": figure.layout.to_plotly_json()}
    write_atomically(path, number_parts(decode_svg(paint_figure(page, drawing, "svg", WIDE))))
    print(f"{path.relative_to(HOME)}: {path.stat().st_size / 1e3:.0f} KB")


def decode_svg(address: str) -> str:
    """The SVG inside a data address."""
    kind, _, data = address.partition(",")
    return base64.b64decode(data).decode() if kind.endswith("base64") else unquote(data)


def number_parts(svg: str) -> str:
    """The same picture with the same names every time: plotly's names end in six random hexadecimal digits."""
    names: dict[str, str] = {}
    return re.sub(r"(defs-|clip|trace|legend)([0-9a-f]{6})",
                  lambda m: m[1] + names.setdefault(m[2], f"n{len(names)}"), svg) + "\n"


if __name__ == "__main__":
    main()
