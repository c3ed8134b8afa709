"""axe-core on the pages of the explorer: nothing serious, and headings in order. tools/nightly.sh fetches it."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

PAGES = {  # and what is there once a page is complete
    "/?specs=softmax,linear&patches=14": "text=numerical rank",
    "/?source=digit&frames=2&specs=softmax": "text=numerical rank",
    "/?source=own&specs=softmax&patches=14": "text=tensors q and k as", "/trained": "text=How concentrated layer",
    "/colours": ".pins .stage", "/claims": "text=A gate on the features",
    "/atlas?patches=8": ".card", "/atlas?patches=8&view=side&picked=softmax,linear": ".atlas-compared math",
    "/who_sees_whom": "text=Every scheme", "/evidence": "text=In plain words",
    "/many_samples?table=model": "text=Your own clips", "/heads": "text=All maps of all heads",
    "/who_sees_whom?patches=7&frames=2&rollout=left": "text=Total mass", "/atlas?tour=rank&step=3": "text=step 3 of 4"}
STILL = """() => !document.querySelector("[data-stale=true], [data-testid=stStatusWidget], [data-testid=stSkeleton]")"""
FOUND = """() => axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations
  .filter(one => ["serious", "critical"].includes(one.impact) || one.id === "heading-order")
  .map(one => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(" | ")}`))"""


@pytest.mark.nightly  # axe-core is fetched for it
@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(page: Any, explorer_url: str, path: str, width: int, scheme: str) -> None:
    axe = os.environ.get("LINVIZ_AXE")
    assert axe, "LINVIZ_AXE names no axe.min.js: tools/nightly.sh fetches axe-core and runs this test"
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(explorer_url + path)
    page.locator(PAGES[path]).first.wait_for(timeout=90_000)
    page.wait_for_function(STILL, timeout=90_000)
    page.evaluate(Path(axe).read_text("utf-8"))
    assert page.evaluate(FOUND) == []
