"""`linviz.view`: whatever it is of, one state and the same numbers in Python, a file, a URL and on the command line."""
from __future__ import annotations

import base64
import builtins
import importlib.util
import io
import json
import shlex
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

import linviz
from linviz import clips
from linviz.cli import main
from linviz.clips import Clip
from linviz.views import SourceFile, View, open_view
from linviz.views.export.table import numbers_csv
from linviz.views.load import view_of_file
from linviz.views.notebook_view import NotebookView
from tests.clips import files

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
Q, K, V = torch.randn(3, 2, 9, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def gated() -> NotebookView:
    """A photograph under softmax and a gate that was fitted for a moment."""
    return linviz.view("chelsea", "softmax", "relu_floor+gate", patches=6, steps=4, query=(2, 3))


def numbers(shown: NotebookView) -> list[tuple]:
    """What the table holds, as plain values."""
    return [tuple(row) for row in shown.table().fillna(-1).itertuples(index=False)]


# ---------------------------------------------------------------- the name


def test_no_module_replaces_the_function() -> None:
    import linviz.views.notebook_view  # noqa: F401
    assert importlib.util.find_spec("linviz.view") is None
    assert callable(linviz.view) and linviz.view is linviz.views.notebook_view.view


# ---------------------------------------------------------------- one state


def test_it_is_what_open_view_opens(gated: NotebookView) -> None:
    state = View.best("chelsea", patches=6, steps=4, query=(0, 2, 3), specs=("softmax", "relu_floor+gate"))
    assert gated.state == state
    pairs = zip(open_view(state).panels, gated.readings.values(), strict=True)
    assert all(torch.equal(one.map.dense(), other.map.dense()) for one, other in pairs)


@pytest.mark.parametrize("source, chosen", [
    ("chelsea", {"patches": 6, "steps": 4, "query": (2, 3)}), ("pan", {"patches": 4, "frames": 2, "causal": True}),
    ("own.png", {"patches": 5, "temperature": 0.5}), ("own.npz", {"head": 2, "temperature": 2.0}),
    ("own.mp4", {"frames": 2, "patches": 28})])
def test_the_command_prints_the_same_numbers(source: str, chosen: dict, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.png").write_bytes(files.still("PNG", PIXELS))
    Path("own.mp4").write_bytes(files.video())
    np.savez("own.npz", q=Q.numpy(), k=K.numpy(), v=V.numpy())
    shown = linviz.view(source, "softmax", "performer directions=8", **chosen)
    assert main([*shlex.split(shown.command)[1:], "--out", "numbers.csv"]) == 0
    shown.save("mine.csv")
    assert Path("mine.csv").read_text() == Path("numbers.csv").read_text()


@pytest.mark.parametrize("source, chosen", [
    ("chelsea", {"patches": 6, "query": (2, 3), "mode": "heat"}), ("pan", {"frames": 4, "causal": True}),
    (PIXELS, {"patches": 5, "temperature": 0.5}), (np.stack([PIXELS, PIXELS]), {"patches": 28}),
    ((Q, K, V), {"head": 2})])
def test_the_url_is_the_same_state(source, chosen: dict) -> None:
    shown = linviz.view(source, "softmax", "performer directions=8", **({"patches": 4} | chosen))
    found = dict(parse_qsl(shown.url.partition("?")[2]))
    name = found["source"]
    base = View.best(name) if name in clips.names() else View(shown.state.source, patches=16, temperature=3.0)
    state, problems = View.from_parameters(found, base)
    assert not problems and state.with_values(query=shown.opened.place) == shown.state.with_values(
        query=shown.opened.place)


def test_what_is_pinned_in_the_live_view_holds_everywhere(gated: NotebookView) -> None:
    shown = NotebookView(gated.opened)
    before = numbers(shown)
    shown.widget.query, shown.widget.strength, shown.widget.mode = 7, 0.0, "heat"
    assert shown.state.query == (0, 1, 1) and shown.state.look.mode == "heat" and shown.state.look.frame is None
    flat = linviz.view("chelsea", "softmax", "relu_floor", patches=6, query=(1, 1))
    assert numbers(shown) != before
    assert torch.allclose(shown.readings["relu_floor+gate"].entropy, flat.readings["relu_floor"].entropy, atol=1e-4)
    assert "--query 0,1,1" in shown.command and "--strength 0" in shown.command


# ---------------------------------------------------------------- sources


def test_a_picture_has_the_same_numbers_however_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "own.png"
    path.write_bytes(files.still("PNG", PIXELS))
    file = view_of_file("own.png", path.read_bytes(), patches=6, specs=("softmax",))
    wanted = open_view(file, path.read_bytes()).panels[0].map.dense()
    colours_first = torch.from_numpy(PIXELS).permute(2, 0, 1)
    for source in (path, str(path), PIXELS, colours_first, colours_first.float() / 255, PIXELS / 255,
                   PIXELS[:, ::-1].copy()[:, ::-1], np.float32(PIXELS[::-1] / 255)[::-1],
                   Image.fromarray(PIXELS), [Image.fromarray(PIXELS)], Clip.plain(clips.to_frames(PIXELS), "own")):
        assert torch.equal(linviz.view(source, "softmax", patches=6).readings["softmax"].map.dense(), wanted)


def test_a_turned_photograph_stands_upright(tmp_path: Path) -> None:
    image, exif = Image.fromarray(PIXELS), Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as opened:
        shown = linviz.view(opened, "uniform", patches=6)
    assert shown.grid == linviz.view(tmp_path / "turned.png", "uniform", patches=6).grid == linviz.Grid(Y=6, X=4)


@pytest.mark.parametrize("frames", [np.stack([PIXELS, PIXELS[::-1], PIXELS]), list(np.stack([PIXELS] * 3)),
                                    torch.rand(3, 3, 40, 60), [Image.fromarray(PIXELS)] * 3],
                         ids=["array", "arrays", "tensor", "pictures"])
def test_frames_are_a_clip(frames) -> None:
    shown = linviz.view(frames, "uniform", patches=6, frames=2)
    assert (shown.grid.T, shown.grid.Y, shown.grid.X) == (2, 4, 6)


def test_tensors_are_taken_as_they_are() -> None:
    readings = [linviz.view(source, "softmax", head=2, grid=grid).readings["softmax"] for source, grid in (
        ((Q, K, V), None), ((Q[None], K[None], V[None]), (3, 3)), ((Q.numpy(), K.numpy(), V.numpy()), (1, 3, 3)),
        ({"q": Q, "k": K, "v": V, "grid": linviz.Grid(Y=3, X=3)}, None))]
    m = linviz.make("softmax", 1, 8, (3, 3))
    wanted = linviz.read(m, Q[None, 1:], K[None, 1:], V[None, 1:])
    for found in readings:
        assert torch.equal(found.map.dense(), wanted.map.dense()) and torch.equal(found.v, wanted.v)
    first = linviz.view((torch.cat([Q[:, :1], Q], 1), torch.cat([K[:, :1], K], 1)), "uniform", grid=(3, 3))
    assert first.grid == linviz.Grid(Y=3, X=3, prefix=1)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("source", ["coffee", PIXELS, torch.rand(3, 40, 60), (Q, K, V), Path("clip")],
                         ids=["sample", "bytes", "floats", "tensors", "clip"])
def test_a_saved_view_opens_again(source, tmp_path: Path) -> None:
    shown = linviz.view(clips.load("crossing", frames=3) if isinstance(source, Path) else source, "softmax", patches=5)
    again = linviz.view(shown.save(tmp_path / "a.linviz"))
    assert numbers(again) == numbers(shown) and again.media == shown.media
    assert again.state == shown.state.with_values(query=shown.opened.place)


def test_a_clip_keeps_its_truth(tmp_path: Path) -> None:
    shown = linviz.view(clips.load("crossing", frames=3), "softmax", patches=5)
    assert {"mass", "lift", "frame_distance"} <= set(shown.table().measure) and shown.opened.tracks is not None
    assert shown.save(tmp_path / "a.mp4").stat().st_size > 1000


def test_every_file_is_written(gated: NotebookView, tmp_path: Path) -> None:
    starts = {".png": b"\x89PNG", ".svg": b"<svg", ".html": b"<!doctype html>", ".npz": b"PK", ".linviz": b"PK",
              ".csv": b"spec,title", ".json": b"{", ".py": b"# linviz"}
    for ending, start in starts.items():
        assert gated.save(tmp_path / f"a{ending}").read_bytes().startswith(start)
    assert (tmp_path / "a.csv").read_text() == numbers_csv(gated.opened)
    assert json.loads((tmp_path / "a.json").read_text())["query"] == [0, 2, 3]
    assert np.load(gated.save(tmp_path / "whole.npz", whole=True))["softmax"].shape == (36, 36)


def test_the_code_of_a_clip_in_memory_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    shown = linviz.view(clips.load("crossing", frames=2), "softmax", patches=4)
    assert isinstance(shown.state.source, SourceFile)
    Path(shown.state.source.name).write_bytes(shown.media or b"")
    exec(shown.save("a.py").read_text(), {})
    table = shown.table().set_index("measure")
    printed = {line.split()[1]: float(line.split()[2]) for line in capsys.readouterr().out.splitlines()}
    assert printed == {name: pytest.approx(table.loc[name, "patch"], rel=1e-4) for name in printed}
    assert "mass" in printed


# ---------------------------------------------------------------- in a notebook


def test_a_notebook_shows_the_live_view(gated: NotebookView) -> None:
    data, _ = InteractiveShell().display_formatter.format(gated)
    assert "application/vnd.jupyter.widget-view+json" in data and data["text/html"].startswith("<img alt=")
    assert [panel.spec for panel in gated.opened.panels] == ["softmax", "relu_floor+gate"]
    assert Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"]))).width > 300


@pytest.mark.parametrize("name", ["spectrum", "cumulative", "energy", "concentration", "row", "patches"])
def test_figures_show_every_mechanism(gated: NotebookView, name: str) -> None:
    figure = gated.figure(name)
    assert len(figure.data) == 2 and "softmax" in figure.layout.meta["alt"].lower()


def test_figures_have_the_numbers_of_the_readings(gated: NotebookView) -> None:
    s = gated.readings["softmax"].singular_values[0, 0].tolist()
    assert list(gated.figure("spectrum").data[0].y) == s
    assert list(linviz.figures.spectrum(gated.readings["softmax"]).data[0].y) == s
    (point,) = linviz.view("coffee", "uniform", patches=4).figure("concentration").data
    assert (point.x[0], point.y[0]) == (pytest.approx(4.0), 1)


@pytest.mark.parametrize("library, ask, said", [
    ("pandas", lambda shown: shown.table(), r"pip install 'linviz\[explorer\]'"),
    ("anywidget", lambda shown: shown.widget, r"pip install 'linviz\[lab\]'")])
def test_a_missing_library_is_named(library: str, ask, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, real = linviz.view("coffee", "uniform", patches=4), builtins.__import__

    def without(name: str, *rest):
        if name.partition(".")[0] == library:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in [name for name in sys.modules if name == library or name == "linviz.patch_view.widget"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=said):
        ask(shown)


@pytest.mark.parametrize("name", ["mine.png", "qkv.npz"])
def test_the_file_that_is_shown_is_never_replaced(tmp_path, name):
    """By its own name, and by a link; another file is."""
    shown, other, link = tmp_path / name, tmp_path / f"other{name[-4:]}", tmp_path / f"link{name[-4:]}"
    x = np.random.default_rng(0).random((9, 4))
    Image.new("RGB", (64, 48), "teal").save(shown) if name.endswith("png") else np.savez(shown, q=x, k=x, v=x)
    before = shown.read_bytes()
    link.symlink_to(shown)
    found = linviz.view(shown, "softmax", **({"patches": 4} if name.endswith("png") else {}))
    for path in (shown, link):
        with pytest.raises(ValueError, match="it is the file that this view shows"):
            found.save(path)
    other.write_bytes(b"old")
    assert found.save(other) == other and other.read_bytes() != b"old" and shown.read_bytes() == before
