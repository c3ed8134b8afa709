"""Still pictures of plotly figures, drawn in a browser and stored beside them: for places where no script runs.

A page that shows notebooks without running scripts, and a printer, show the still picture in place of the figure.
"""
from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from plotly.offline import get_plotlyjs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import start  # noqa: E402  (it knows where the browser is)

VIEW, STATE = "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"
PLOTLY, STILL = "application/vnd.plotly.v1+json", "image/png"
WIDE, TALL, COLOURS = 800, 450, 256  # pixels, unless a figure has a size of its own; colours of a still picture
DRAW = """async ([{data, layout}, format, width, height]) =>
    Plotly.toImage({data, layout}, {format, width: layout.width || width, height: layout.height || height})"""


@contextmanager
def plotly_page() -> Iterator[Page]:
    """A page of a browser in which plotly can draw."""
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=start.find_browser(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.add_script_tag(content=get_plotlyjs())
        yield page
        browser.close()


def paint_figure(page: Page, figure: dict[str, Any], form: str, width: int = WIDE) -> str:
    """A figure's picture ("svg" or "png") as a data address."""
    return str(page.evaluate(DRAW, [{key: figure.get(key, {}) for key in ("data", "layout")}, form, width, TALL]))


def store_stills(notebook: Any) -> None:
    """Add a still picture to every plotly figure of an executed notebook that has none."""
    bundles = [o.data for cell in notebook.cells for o in cell.get("outputs", []) if PLOTLY in o.get("data", {})]
    missing = [data for data in bundles if STILL not in data]
    if missing:
        with plotly_page() as page:
            for data in missing:
                data[STILL] = small_png(paint_figure(page, data[PLOTLY], "png"))


def keep_interactive_outputs(notebook: Any) -> None:
    """Store what `ipywidgets.interact` has shown first: without a kernel its controls are gone, and its words stay."""
    states = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [kept for o in cell.outputs for kept in _shown_first(o, states)]


def _shown_first(output: Any, states: dict[str, Any]) -> list[Any]:
    """The outputs inside a display of `interact`; any other output as it is."""
    box = states.get(output.get("data", {}).get(VIEW, {}).get("model_id"), {}).get("state", {})
    if output.get("output_type") != "display_data" or "widget-interact" not in box.get("_dom_classes", []):
        return [output]
    children = (states.get(name.removeprefix("IPY_MODEL_"), {}).get("state", {}) for name in box.get("children", []))
    return [NotebookNode(o) for child in children for o in child.get("outputs", [])]


def small_png(address: str) -> str:
    """The picture of a data address as a PNG of few colours, in base64."""
    picture = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")
    out = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode() + "\n"  # as Jupyter writes it
