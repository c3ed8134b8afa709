"""Draw the plots of studies/EVIDENCE.md: studies/plots/*.svg, from the kept numbers, in a browser.

    .venv/bin/python tools/plots.py

plotly draws in a browser only; its SVG is taken as it is, but for the names of its parts, which are random and would
change every file every time.
"""
from __future__ import annotations

import base64
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import plotly.graph_objects as go
from playwright.sync_api import Page, sync_playwright
from plotly.offline import get_plotlyjs

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOME))
import start  # noqa: E402  (it knows where the browser is)
from linviz.whole import write_whole  # noqa: E402
from studies.kept import EVIDENCE, SEALED, read  # noqa: E402
from studies.ledger import Ledger  # noqa: E402
from studies.plots import PLOTS  # noqa: E402

FOLDER, WIDE = HOME / "studies" / "plots", 900
DRAW = f"""async figure => Plotly.toImage({{data: figure.data, layout: figure.layout}},
                                          {{format: 'svg', width: {WIDE}, height: figure.layout.height}})"""


def main() -> None:
    """Every plot whose numbers are there; those of numbers that went are removed."""
    book = Ledger(read(EVIDENCE), read(SEALED))
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=start.find_browser(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.add_script_tag(content=get_plotlyjs())
        for name, make in PLOTS.items():
            write(FOLDER / f"{name}.svg", make(book), page)
        browser.close()


def write(path: Path, figure: go.Figure | None, page: Page) -> None:
    """One plot, or nothing where its numbers are not there."""
    if figure is None:
        path.unlink(missing_ok=True)
        return
    address = page.evaluate(DRAW, figure.to_plotly_json() | {"layout": figure.layout.to_plotly_json()})
    write_whole(path, settled(decoded(address)))
    print(f"{path.relative_to(HOME)}: {path.stat().st_size / 1e3:.0f} KB")


def decoded(address: str) -> str:
    """The SVG inside a data address."""
    kind, _, data = address.partition(",")
    return base64.b64decode(data).decode() if kind.endswith("base64") else unquote(data)


def settled(svg: str) -> str:
    """The same picture with the same names every time: plotly's own end in six random hexadecimal digits."""
    names: dict[str, str] = {}
    named = re.sub(r"(defs-|clip|trace)([0-9a-f]{6})", lambda m: m[1] + names.setdefault(m[2], f"n{len(names)}"), svg)
    return named + "\n"


if __name__ == "__main__":
    main()
