"""`linviz read` and `linviz export`: what is asked is what is written, and what cannot be is one sentence."""
from __future__ import annotations

import csv
import io
import json
import os

import numpy as np
import pytest
import torch
from PIL import Image

from linviz import cli
from linviz.views import SourceFile, View, open_view, view_commands
from linviz.views.export import bundle
from linviz.views.load import view_of_file
from tests.clips.files import still, video

QUICK = ("--patches", "6", "--steps", "4")


@pytest.fixture
def film(tmp_path):
    """A person's film on a disk."""
    path = tmp_path / "holiday.mp4"
    path.write_bytes(video())
    return path


# ------------------------------------------------------------------------------------------------ read


def test_read_prints_a_table(capsys):
    assert cli.main(["read", "coffee", *QUICK, "--mechanism", "softmax", "--mechanism", "relu_floor+gate",
                     "--query", "0,2,3"]) == 0
    said = capsys.readouterr().out
    opened = open_view(View.best("coffee", patches=6, steps=4, specs=("softmax", "relu_floor+gate"), query=(0, 2, 3)))
    [row] = [line.split() for line in said.splitlines() if line.startswith("entropy (bits)")]
    rows = [shown.reading.entropy[0, 0] for shown in opened.panels]
    assert [float(x) for x in row[-4:]] == pytest.approx([y.item() for r in rows for y in (r[15], r.mean())], rel=1e-3)
    assert "--query 0,2,3 (row 3, column 4)" in said and all(len(line) < 100 for line in said.splitlines())


def test_many_mechanisms_fit_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    cli.main(["read", "coffee", "--patches", "4", "--mechanism", "softmax", "linear", "uniform", "factorized", "relu"])
    said = capsys.readouterr().out
    assert said.count("entropy (bits)") == 3 and "factorized: signed" in said
    assert all(len(line) <= 80 for line in said.splitlines())


@pytest.mark.parametrize("ending", ["csv", "json", "npz", "py"])
def test_read_writes_numbers_of_ones_own_film(ending, film, tmp_path, capsys, monkeypatch):
    out = tmp_path / f"out.{ending}"
    asked = ["--mechanism", "softmax", "linear", "--query", "2,1,4", "--patches", "6", "--frames", "3"]
    assert cli.main(["read", str(film), *asked, "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    view = View(SourceFile.of("holiday.mp4", video()), 6, 3, specs=("softmax", "linear"), query=(2, 1, 4))
    row = open_view(view, video()).panels[0].reading.map.rows(torch.tensor([2 * 24 + 10]))[0, 0, 0]
    bits = -(row * row.log2()).nansum().item()
    if ending == "npz":
        np.testing.assert_allclose(np.load(out)["softmax"], row, rtol=1e-5)
    elif ending == "csv":
        assert float(next(csv.DictReader(io.StringIO(out.read_text())))["patch"]) == pytest.approx(bits, rel=1e-4)
    elif ending == "json":
        assert json.loads(out.read_text())["mechanisms"][0]["patch"]["entropy"] == pytest.approx(bits, rel=1e-4)
    else:
        monkeypatch.chdir(tmp_path)
        exec(out.read_text(), {})
        assert float(capsys.readouterr().out.split()[2]) == pytest.approx(bits, rel=1e-4)


def test_a_saved_view_is_read_as_it_was_saved(film, tmp_path, capsys):
    saved, first, second = (str(tmp_path / name) for name in ("a.linviz", "1.json", "2.json"))
    asked = [*QUICK, "--frames", "3", "--mechanism", "softmax", "linear+gate:qk", "--query", "1,2,3", "--seed", "5"]
    assert cli.main(["export", str(film), *asked, "--out", saved]) == 0
    film.unlink()
    assert cli.main(["read", saved, "--out", first]) == 0
    assert cli.main(["read", saved, "--temperature", "2", "--out", second]) == 0
    told, other = (json.loads((tmp_path / name).read_text()) for name in ("1.json", "2.json"))
    assert told["view"] | {"temperature": 2.0} == other["view"] != told["view"]
    assert View.from_json({name: told[name] for name in View().to_json()}) == bundle.load_view(saved)[0]
    assert told["view"]["seed"] == 5 and told["mechanisms"][1]["patch"] != other["mechanisms"][1]["patch"]


# ------------------------------------------------------------------------------------------------ export


@pytest.mark.parametrize("ending, starts", [("html", b"<!doctype html>"), ("png", b"\x89PNG"), ("svg", b"<svg"),
                                            ("mp4", b"\0\0\0"), ("linviz", b"PK")])
def test_export_writes_what_the_ending_says(ending, starts, film, tmp_path):
    out = tmp_path / f"out.{ending.upper()}"
    words = ["--mechanism", "softmax", "--patches", "6", "--frames", "2", "--out", str(out)]
    assert cli.main(["export", str(film), *words]) == 0
    assert out.read_bytes().startswith(starts) and sorted(tmp_path.iterdir()) == sorted([film, out])


def test_heat_is_not_light(tmp_path):
    said, small = [], tmp_path / "small.png"
    small.write_bytes(still("PNG"))
    for name, how in (("light.png", []), ("heat.png", ["--mode", "heat"])):
        words = ["--patches", "4", "--mechanism", "uniform", *how, "--out", str(tmp_path / name)]
        cli.main(["export", str(small), *words])
        said.append(np.asarray(Image.open(tmp_path / name)).astype(int))
    assert np.abs(said[0] - said[1]).max() > 30


# ------------------------------------------------------------------------------------------------ sentences


@pytest.mark.parametrize("wrong, said", [
    (["read", "dog"], "'dog' is neither a file nor a sample; the samples are astronaut"),
    (["read", "coffee", "--query", "a,b"], "--query takes frame,row,column, counted from 0; got 'a,b'"),
    (["read", "coffee", "--query", "0,99,0"], "the query's row takes a whole number from 0 to 27; got 99"),
    (["read", "coffee", "--out", "x.txt"], "x.txt: by its ending a file is .csv, .json, .npz, .py, not .txt"),
    (["read", "coffee", "--out", "x.png"], "linviz export writes .png"),
    (["read", "coffee", "--out", "none/x.csv"], "there is no folder none"),
    (["export", "coffee", "--out", "x"], "not nothing"),
    (["export", "--out", "x.csv"], "linviz read --out writes .csv"),
    (["export", "coffee", "--out", "x.mp4", "--patches", "4", "--mechanism", "uniform"], "a photograph has one frame"),
    (["read", "coffee", "--mechanism", "softmax", "softmax"], "each mechanism once"),
    (["read", "coffee", "--causal", "--mechanism", "swin", "--patches", "7"], "swin has no causal form"),
    (["read", "pan", "--frames", "40"], "frames takes a whole number from 1 to 32"),
    (["read", "notes.mp4"], "notes.mp4 cannot be read: it is text"), (["read", "."], "is a folder"),
    (["read", "fake.linviz"], "fake.linviz is not a saved view"),
])
def test_what_cannot_be_done_is_one_sentence(wrong, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.mp4").write_text("To be, or not to be")
    (tmp_path / "fake.linviz").write_bytes(bundle.pack_bundle(View("coffee"))[:-1])
    assert cli.main(wrong) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("linviz: ") and said in line
    assert {path.name for path in tmp_path.iterdir()} == {"notes.mp4", "fake.linviz"}


def test_ctrl_c_leaves_nothing_half_written(tmp_path, monkeypatch):
    out = tmp_path / "view.png"
    out.write_bytes(b"before")
    stop = iter([None])

    def interrupted(handle):
        next(stop)
        raise KeyboardInterrupt
    monkeypatch.setattr(os, "fsync", interrupted)
    words = ["coffee", "--out", str(out), "--force", "--patches", "4", "--mechanism", "uniform"]
    assert cli.main(["export", *words]) == 130
    assert out.read_bytes() == b"before" and list(tmp_path.iterdir()) == [out] and next(stop, "asked") == "asked"


def test_a_picture_and_a_film_have_their_own_patches():
    assert view_of_file("a.png", still("PNG")).patches == 28 and view_of_file("a.mp4", video()).patches == 16


def test_what_takes_long_shows_how_far_it_is(monkeypatch):
    seen = []

    class Bar:
        n = 0

        def __init__(self, **how):
            seen.append((how["desc"], how["total"], how["delay"]))

        def update(self, by):
            self.n += by

        def close(self):
            seen.append(self.n)
    monkeypatch.setattr(view_commands, "tqdm", Bar)
    with view_commands.progress_bar() as progress:
        for n in (1, 2):
            progress(n, 2, "fitting a")
        progress(1, 3, "measuring b")
    assert seen == [("fitting a", 2, 1), 2, ("measuring b", 3, 1), 2, 1]
