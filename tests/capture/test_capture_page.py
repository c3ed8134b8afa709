"""A capture as a page, a view and a command: offline, the model's own rows, and one sentence for a mistake."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import linviz
from linviz import Grid, cli
from linviz.capture import Capture, CapturedLayer, save_capture
from linviz.views.export.capture_page import capture_page

PAGE = "document.getElementById('view').heads"
MODEL = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.cut = nn.Conv2d(3, 16, 16, 16)
        self.blocks = nn.Sequential(*(nn.TransformerEncoderLayer(16, 2, 16, batch_first=True) for _ in "ab"))

    def forward(self, x):
        return self.blocks(8 * self.cut(x).flatten(2).mT)

def build():
    return Model()

number = 3
"""


def two_layers() -> Capture:
    g = torch.Generator().manual_seed(1)
    q, k = (torch.randn(1, 2, 25, 6, generator=g) * 2 for _ in "qk")
    bias = torch.zeros(25, 25).masked_fill(torch.ones(25, 25).triu(12).bool(), -torch.inf)
    table = torch.rand(1, 1, 24, 24, generator=g) - 0.4
    grid = Grid(2, 3, 4)
    return Capture("Tiny <b>", (
        CapturedLayer("a", "softmax", q, k, k, Grid(2, 3, 4, 1), 0.7, bias),
        CapturedLayer("b", "softmax", q[..., 1:, :], k[..., 1:, :], None, grid, 0.7, scope="time"),
        CapturedLayer("c", "exact", q[:, :1, 1:, :1], k[:, :1, 1:, :1], k[:, :1, 1:], grid, 1.0, table=table),
        CapturedLayer("pool", "softmax", q[..., :1, :], k, k, Grid(), 1.0, key_grid=Grid(X=25))),
        torch.rand(2, 3, 24, 32, generator=g))


def test_every_head_is_drawn_from_q_and_k_without_a_network(chromium: Any, tmp_path: Path) -> None:
    found, asked, problems = two_layers(), [], []
    path = tmp_path / "heads.html"
    path.write_text(capture_page(found), "utf-8")
    context = chromium.new_context(offline=True)
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("console", lambda said: problems.append(said.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())
    assert page.title() == "The heads of Tiny <b>" and "Not shown: pool" in page.inner_text("main")
    assert page.locator("figure").count() == 5
    page.locator("canvas").nth(2).hover(position={"x": 1, "y": 1})
    assert page.evaluate(f"{PAGE}.shown.query") == 0
    page.locator(".heads").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{PAGE}.shown.query") == 5 and "row 2, column 2, frame 1" in page.inner_text("output")
    maps = [(found.map(n), h) for n, h in ((1, 0), (1, 1), (2, 0), (2, 1), (3, 0))]
    for n, (a, h) in enumerate(maps):
        own = a[5 + found[n // 2 + 1].grid.prefix][0, h].numpy()
        assert np.abs(np.array(page.evaluate(f"{PAGE}.row({n})")) - own).max() < 3e-3
    page.locator("select").select_option("entropy")
    entropies = [float(a.rows(range(a.shape[0]))[0, h].clamp_min(1e-30).log2().mul(a.dense()[0, h]).sum(-1).mean())
                 for a, h in maps[:4]]
    assert page.evaluate(f"{PAGE}.order()") == [*np.argsort(entropies).tolist(), 4]    # most negative: most entropy
    page.locator("input[type=range]").fill("1")
    assert page.evaluate(f"{PAGE}.shown.query") == 17
    assert [url for url in asked if not url.startswith("blob:")] == [path.as_uri()] and problems == []
    context.close()


def test_a_layer_is_the_source_of_a_view(tmp_path: Path) -> None:
    q, k, v = (torch.randn(1, 3, 17, 4) for _ in "qkv")
    layer = CapturedLayer("blocks.0", "softmax", q, k, v, Grid(1, 4, 4, 1), 0.8)
    found = Capture("Tiny", (layer, replace(layer, name="blocks.1")), torch.rand(1, 3, 32, 32))
    path = save_capture(tmp_path / "a.linviz", found)
    for source in (found, path):
        view = linviz.view(source, "softmax", "relu_floor", layer=1, head=2)
        row = view.readings["softmax"].map[6][0, 0]
        assert torch.allclose(row, layer.map()[6][0, 1], atol=1e-5) and view.grid == Grid(1, 4, 4, 1)
        assert "layer 1 of" in repr(view) and "blocks.0" in view.opened.tokens.file_note
        assert view.clip.frames.std() > 0.1
    rest = [x[..., 1:, :] for x in (q, k, v)]
    divided = CapturedLayer("t", "softmax", *rest, Grid(4, 2, 2), 0.8, scope="time")
    view = linviz.view(Capture("Tiny", (divided,)), "softmax", "relu_floor@space", head=1)
    assert set(view.readings) == {"softmax@time", "relu_floor@space"}
    assert torch.allclose(view.readings["softmax@time"].map[6][0, 0], divided.map()[6][0, 0], atol=1e-5)
    with pytest.raises(ValueError, match="2 layers: say which one"):
        linviz.view(found)
    with pytest.raises(ValueError, match="2 layers, counted from 1; there is no layer 5"):
        linviz.view(path, layer=5)
    with pytest.raises(ValueError, match="a has a bias, which a view of q, k and v cannot show"):
        linviz.view(two_layers(), layer="a")
    with pytest.raises(ValueError, match="this source is none"):
        linviz.view("coffee", layer=1)


def test_the_command_captures_a_model_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    model, out, page = f"{tmp_path / 'model.py'}:build", tmp_path / "a.linviz", tmp_path / "a.html"
    assert cli.main(["capture", model, "coffee", "--out", str(out), "--under", "uniform"]) == 0
    said = capsys.readouterr().out
    assert "2 layers" in said and "14 x 14 patches" in said and "7.61" in said and "a.linviz: " in said
    assert cli.main(["capture", model, "coffee", "--out", str(page), "--layers", "2", "--heads", "1"]) == 0
    assert "The heads of Model" in page.read_text() and "1 head of 1 layer." in page.read_text()
    assert cli.main(["read", str(out), "--layer", "1", "--mechanism", "uniform"]) == 0
    assert "2 heads of 196 tokens" in capsys.readouterr().out
    for words, why in (
            ([model, "coffee", "--out", str(out)], "replace it with --force"),
            ([model, "coffee", "--out", "a.png"], "a capture is .linviz or .html, not .png"),
            ([model, "no.png"], "neither a file nor a sample"), ([model[:-5] + "number", "coffee"], "no function"),
            ([str(tmp_path), "coffee"], "has no config.json"), (["my/model", "coffee"], "allow it with --download"),
            (["no.py:build", "coffee"], "there is no file")):
        assert cli.main(["capture", *words]) == 1
        said = capsys.readouterr().err
        assert why in said and said.count("\n") == 1


def test_a_folder_with_a_pickle_is_refused(tmp_path: Path) -> None:
    from linviz.capture.stored_models import load_model
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="has no weights: save the model with"):
        load_model(str(tmp_path))
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02")
    with pytest.raises(ValueError, match="only pytorch_model.bin, a pickle"):
        load_model(str(tmp_path))


def test_the_code_of_a_captured_view_prints_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    """The exported code, a saved view and the table say the layer; each finds the same numbers again."""
    q, k, v = torch.randn(3, 1, 3, 17, 4)
    layers = tuple(CapturedLayer(name, "softmax", q * times, k, v, Grid(1, 4, 4, 1), 0.8)
                   for name, times in (("a", 1), ("b", 2)))
    path = save_capture(tmp_path / "tiny.linviz", Capture("Tiny", layers))
    monkeypatch.chdir(tmp_path)
    view = linviz.view(path, "softmax", layer=2, head=3)
    numbers = view.table().set_index("measure")
    view.save("view.py"), view.save("again.linviz"), view.save("numbers.csv")
    exec(compile(Path("view.py").read_text("utf-8"), "view.py", "exec"), {"__name__": "code"})
    printed = {line.split()[1]: float(line.split()[2]) for line in capsys.readouterr().out.splitlines()}
    assert printed["entropy"] == pytest.approx(numbers.loc["entropy", "patch"], rel=1e-5)
    again = linviz.view("again.linviz")
    assert (again.state.layer, again.state.head) == (2, 3) and again.table().equals(view.table())
    assert "layer,head" in Path("numbers.csv").read_text("utf-8") and "layer=2" in view.url
    words = view.command.split()
    assert words[:2] == ["linviz", "read"] and words[words.index("--layer") + 1] == "2"
