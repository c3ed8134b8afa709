"""What the view's tests share: hand-made maps, white pictures, and a page that holds nothing but a view."""
from __future__ import annotations

import base64
from types import SimpleNamespace

import numpy as np
import torch

from linviz import Grid
from linviz.patch_view import Panel, module_source, pack

PAGE = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark; }} body {{ margin: 16px; }}</style>
<div id="view"></div><script type="module">
{source}
Object.assign(window, {{mount, unpack, roadOf, measures, fewest, loaded: true}});
window.fromText = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
window.show = (text, id = "view") => {{
  window.said ??= [];
  const onChange = (state, pinned) => said.push([state, pinned]);
  return mount(document.getElementById(id), fromText(text), {{onChange}});
}};
</script>"""
FRAMES = "new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"  # two: whatever was asked is drawn


class Sent:
    """A map that is its wire: what a panel needs and no more."""

    def __init__(self, wire: dict, stochastic: bool = True) -> None:
        self.sent, self.stochastic = wire, stochastic

    def wire(self, at=(0, 0)) -> dict:
        return self.sent


def panel(wire: dict, title: str = "panel", family: str = "kernel", stochastic: bool = True, **more) -> Panel:
    return Panel(title, family, Sent(wire, stochastic), **more)


def white(T: int, Y: int, X: int, patch: int = 16) -> SimpleNamespace:
    return SimpleNamespace(frames=torch.ones(T, 3, Y * patch, X * patch), title="white", alt="a white sheet.")


def blob(panels: list[Panel], grid: Grid, query: int = 0, **options) -> bytes:
    return pack(panels, white(grid.T, grid.Y, grid.X), grid, query=query, **options)


def text(blob: bytes) -> str:
    return base64.b64encode(blob).decode()


def empty(page) -> None:
    """A page with the module and no view yet; a page that has the module already is only cleared."""
    if page.evaluate("Boolean(window.loaded)"):
        page.evaluate("window.view?.destroy()")
        return
    page.set_content(PAGE.format(source=module_source()))
    page.wait_for_function("window.loaded")


def show(page, blob: bytes):
    """A page with one view, drawn."""
    empty(page)
    page.evaluate("text => { window.view = show(text); return view.decoded.then(() => true); }", text(blob))
    page.evaluate(FRAMES)
    return page


def js_row(page, query: int, panel: int = 0) -> np.ndarray:
    return np.array(page.evaluate("([p, i]) => [...view.row(p, i)]", [panel, query]))


def state(page) -> dict:
    return page.evaluate("view.state")


def move(page, **change) -> None:
    """What Python asks of the view, drawn."""
    page.evaluate("change => view.set(change)", change)
    page.evaluate(FRAMES)


def centre(page, grid: Grid, y: int, x: int, panel: int = 0) -> tuple[float, float]:
    """Where on the page the middle of a patch lies."""
    box = page.locator(".main").nth(panel).bounding_box()
    return box["x"] + (x + 0.5) / grid.X * box["width"], box["y"] + (y + 0.5) / grid.Y * box["height"]


def uniform(n: int, S: int | None = None) -> dict:
    """A wire whose every row is 1 / S."""
    S = S or n
    return {"kind": "factored", "left": torch.full((n, 1), 1 / S), "right": torch.ones(S, 1)}


def gated(N: int, M: int, seed: int = 0, shots: int = 0, sees: str = "qkv") -> dict:
    """A kernel wire with a gate, and with snapshots of it if asked."""
    g = torch.Generator().manual_seed(seed)
    phi_q, phi_k, v = torch.rand(N, M, generator=g), torch.rand(N, M, generator=g), torch.randn(N, 3, generator=g)
    wire = {"kind": "kernel", "phi_q": phi_q, "phi_k": phi_k, "normaliser": {"kind": "add", "eps": 1e-6}}
    width = {"self": M, "qk": 2 * M, "qkv": 2 * M + 3}[sees]
    layers = {f"{side}_{what}": torch.randn(*shape, generator=g) for side in "qk"
              for what, shape in (("weight", (max(shots, 1), M, width)), ("bias", (max(shots, 1), M)))}
    gate = {"sees": sees, "v": v, "steps": [10 * n for n in range(shots)], "kl": [1 / (1 + n) for n in range(shots)]}
    gate |= layers
    wire["z_q"], wire["z_k"] = logits(wire, gate, -1)
    return wire | ({"gate": gate} if shots else {})


def logits(wire: dict, gate: dict, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """z of queries and keys at snapshot n, written out."""
    both = torch.cat([wire["phi_q"], wire["phi_k"]] + [gate["v"]] * (gate["sees"] == "qkv"), 1)
    seen = (wire["phi_q"], wire["phi_k"]) if gate["sees"] == "self" else (both, both)
    return tuple(x @ gate[f"{s}_weight"][n].T + gate[f"{s}_bias"][n] for s, x in zip("qk", seen))
