"""Make the files that the README shows: docs/view.html, the one-file view, and docs/opening.webp, a recording of it.

    .venv/bin/python tools/record.py

The recording shows the file itself in a browser: the gate's strength goes from 0 to 1 and back, then the query
moves over the picture. Nothing is drawn here.
"""
from __future__ import annotations

import io
import math
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOME))
import start  # noqa: E402  (it knows where the browser is)
from linviz import Grid  # noqa: E402
from linviz.atomic_write import write_atomically  # noqa: E402
from linviz.views import View, open_view  # noqa: E402
from linviz.views.export.web_page import view_page  # noqa: E402

SIZE: ViewportSize = {"width": 1160, "height": 849}
WIDE, MOST = 900, 2_000_000
GRID = Grid(Y=28, X=28)
STILL: list[dict[str, Any]] = [{"strength": 0.0}] * 8
GATHER: list[dict[str, Any]] = [{"strength": (1 - math.cos(math.pi * n / 22)) / 2} for n in range(23)]
REST: list[dict[str, Any]] = [{"strength": 1.0}] * 8
PATH = [(12, 13), (12, 12), (11, 11), (11, 10), (11, 9), (11, 8), (12, 8), (13, 9), (14, 10), (16, 11), (18, 12),
        (20, 13), (21, 14), (21, 15), (20, 16), (18, 17), (16, 18), (14, 19), (13, 19), (12, 18), (11, 16), (12, 13)]
WALK: list[dict[str, Any]] = [{"query": GRID.number(0, y, x)} for y, x in PATH for _ in range(2)]


def shot(page: Page, state: dict[str, Any]) -> Image.Image:
    """The page in one state of the view."""
    page.evaluate("async state => { document.querySelector('#view').patchView.set(state);"
                  " await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); }", state)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return picture.resize((WIDE, round(WIDE * picture.height / picture.width)), Image.Resampling.LANCZOS)


def main() -> None:
    """Write both files; fails if the recording is too large for a front page."""
    (HOME / "docs").mkdir(exist_ok=True)
    view = write_atomically(HOME / "docs" / "view.html", view_page(open_view(View())))
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=start.find_browser(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce", color_scheme="light")
        page.goto(view.resolve().as_uri())
        page.wait_for_function("document.querySelector('#view').patchView")
        frames = [shot(page, state) for state in (*STILL, *GATHER, *REST, *WALK, *REST)]
        browser.close()
    path = HOME / "docs" / "opening.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=90, loop=0, quality=80, method=6)
    size = path.stat().st_size
    print(f"{view.relative_to(HOME)}: {view.stat().st_size / 1e3:.0f} KB")
    print(f"{path.relative_to(HOME)}: {len(frames)} pictures, {size / 1e3:.0f} KB")
    if size > MOST:
        raise SystemExit(f"{path.name} has {size} bytes, more than {MOST}: record fewer or smaller pictures")


if __name__ == "__main__":
    main()
