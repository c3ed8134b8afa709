"""A capture of a person's own model on the page Concentrate: its layers, its heads, its address."""
from __future__ import annotations

from typing import Any

import numpy as np
import torch

from explorer.concentrate.own_file import OWN
from linviz import Grid
from linviz.capture import Capture, CapturedLayer
from linviz.capture.capture_file import pack_capture
from linviz.views import SourceFile
from linviz.views.state_kinds import Source

from .harness import said, view, visit, well
from .test_own_file import address, bring, words


def tiny_capture() -> Capture:
    """A layer with a bias, two joint ones of different scale, and one within frames."""
    q, k, v = torch.randn(3, 1, 3, 18, 4, generator=torch.Generator().manual_seed(0))
    grid, bias = Grid(2, 3, 3), torch.randn(18, 18, generator=torch.Generator().manual_seed(1))
    return Capture("Tiny", (CapturedLayer("windowed", "softmax", q, k, v, grid, 0.5, bias),
                            CapturedLayer("first", "softmax", q, k, v, grid, 0.5),
                            CapturedLayer("second", "softmax", 2 * q, k, v, grid, 0.9),
                            CapturedLayer("framed", "softmax", q, k, v, grid, 0.5, scope="space")),
                   torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(2)))


def drawn_rows(app: Any) -> np.ndarray:
    """The logits of query 4 in the panel of softmax, from what the canvas was sent."""
    wire = view(app)["panels"][0]["wire"]
    return wire["q"][4] @ wire["k"].T * wire["scale"]


def test_a_capture_is_a_source_with_layers_and_heads() -> None:
    found = tiny_capture()
    data = pack_capture(found)
    app = bring(visit(source=OWN, specs="softmax"), data, "tiny.linviz")
    assert "first: 3 heads of 18 tokens, 4 wide, on 2 frames of 3 x 3 patches; with their pictures" in words(app)
    assert app.slider(key="concentrate_layer").value == 2      # the first that q and k show
    q, k, _ = found["second"].spread
    well(app.slider(key="concentrate_layer").set_value(3).run())
    well(app.slider(key="concentrate_head").set_value(2).run())
    np.testing.assert_allclose(drawn_rows(app), (q[0, 1, 4] @ k[0, 1].T) * 0.9, rtol=1e-4)
    link = address(app)
    assert (link["layer"], link["head"]) == ("3", "2") and link["source"].startswith("tiny.linviz@")
    well(app.slider(key="concentrate_layer").set_value(1).run())
    assert "windowed has a bias" in said(app) and address(app) == link
    well(app.slider(key="concentrate_layer").set_value(4).run())
    assert address(app)["specs"] == "softmax@space" and not said(app)
    again = visit(**link)
    assert "stays with its owner" in words(again)
    bring(again, data, "tiny.linviz")
    assert address(again) == link
    np.testing.assert_allclose(drawn_rows(again), (q[0, 1, 4] @ k[0, 1].T) * 0.9, rtol=1e-4)
    bring(again, data[:-40], "cut.linviz")
    assert "cut.linviz cannot be read" in said(again) and address(again) == link
    assert link["source"] == Source().write(SourceFile.of("tiny.linviz", data))
