"""The page Heads in a browser: a click asks another patch, and the name of a head opens it large."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from linviz import Grid, concentration
from linviz.capture import Capture, CapturedLayer, save_capture

from .browser import FIND

HEADS = """() => { const seek = root => { for (const e of root.querySelectorAll("*")) {
    if (e.heads) return e.heads; const found = e.shadowRoot && seek(e.shadowRoot); if (found) return found; } };
  return seek(document); }"""


def test_a_click_asks_another_patch_and_a_name_opens_the_head(page: Any, explorer_url: str, tmp_path: Path) -> None:
    q, k, v = torch.randn(3, 1, 2, 16, 4, generator=torch.Generator().manual_seed(0))
    layers = tuple(CapturedLayer(f"block {n}", "softmax", q * n, k, v, Grid(Y=4, X=4), 0.5) for n in (1, 2, 3))
    path = save_capture(tmp_path / "tiny.linviz", Capture("Tiny", layers, torch.rand(1, 3, 32, 32)))
    page.goto(f"{explorer_url}/heads?source=own&sort=smallest")
    page.locator("input[type=file]").set_input_files(path, timeout=90_000)
    page.get_by_text("Tiny in tiny.linviz").wait_for(timeout=60_000)
    page.wait_for_function(f"() => ({HEADS})()?.order().length === 6", timeout=30_000)
    assert page.evaluate(f"({HEADS})().shown.query") == 10 and page.locator(".heads figure").count() == 6
    spread = [float(concentration.entropy(one.map()[10][0, h])) for one in layers for h in (0, 1)]
    assert page.evaluate(f"({HEADS})().order()") == sorted(range(6), key=spread.__getitem__)
    box = page.locator(".heads canvas").first.bounding_box()
    page.locator(".heads canvas").first.click(position={"x": box["width"] * .9, "y": box["height"] * .1})
    page.wait_for_function("() => location.search.includes('query=0%2C0%2C3')", timeout=20_000)
    page.locator(".heads").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => location.search.includes('query=0%2C1%2C3')", timeout=20_000)
    page.get_by_text("layer 3 · head 2").click()
    page.wait_for_function(FIND, timeout=60_000)
    page.wait_for_function("() => location.search.includes('layer=3') && location.search.includes('head=2')",
                           timeout=20_000)
    assert page.evaluate("view().state.query") == 7 and page.evaluate("view().model.grid") == [1, 4, 4]
    rows = page.evaluate("Array.from(view().model.panels[0].wire.q.data.slice(28, 32))")
    assert torch.allclose(torch.tensor(rows), 3 * q[0, 1, 7], rtol=1e-3)
    assert [said for said in page.problems if "404" not in said] == []
