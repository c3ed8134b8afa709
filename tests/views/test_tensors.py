"""A researcher's own q, k and v: one head, measured as given; pictures are drawn on paper."""
from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

import linviz
from linviz import Grid, cli, make
from linviz.views import View, open_view, row_stats
from linviz.views.export import bundle, panel_pictures, table
from linviz.views.export.code import view_code
from linviz.views.load import view_of_file
from tests.views.test_code import held


@pytest.fixture(scope="module")
def given():
    """Three heads on two frames of 3 x 4 patches after one token of no place; v is wider than q and k."""
    draw, file = np.random.default_rng(0), io.BytesIO()
    q, k, v = (draw.normal(size=(3, 25, width)).astype("f4") for width in (6, 6, 9))
    np.savez(file, q=q, k=k, v=v, grid=[2, 3, 4])
    return file.getvalue(), (q, k, v)


def test_the_head_that_is_asked_for_is_measured_as_it_is_given(given):
    data, (q, k, _) = given
    chosen = {"head": 2, "specs": ("softmax", "relu_floor+gate"), "steps": 3, "query": (1, 2, 0)}
    opened = open_view(view_of_file("mine.npz", data, **chosen), data)
    assert opened.grid == Grid(2, 3, 4, prefix=1) and opened.view.temperature == 1
    want = torch.softmax(torch.from_numpy(q[1] @ k[1].T / 6**0.5), -1)[1 + 12 + 8]
    found = row_stats.query_row(opened.panels[0].reading.map, opened.query)
    torch.testing.assert_close(found, want, rtol=1e-4, atol=1e-6)


def test_a_temperature_divides_every_logit(given):
    data, (q, k, _) = given
    opened = open_view(view_of_file("mine.npz", data, temperature=4.0, specs=("softmax",), query=(0, 0, 0)), data)
    want = torch.softmax(torch.from_numpy(q[0] @ k[0].T / 6**0.5 / 4), -1)[1]
    found = row_stats.query_row(opened.panels[0].reading.map, opened.query)
    torch.testing.assert_close(found, want, rtol=1e-4, atol=1e-6)


def test_its_code_prints_its_numbers(given, tmp_path, monkeypatch):
    data, _ = given
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.npz").write_bytes(data)
    view = view_of_file("mine.npz", data, head=3, temperature=0.5, specs=("softmax", "linear+gate"), steps=2)
    assert held(open_view(view, data)) == []


def test_it_is_drawn_on_paper_and_saved(given, tmp_path):
    data, _ = given
    view = view_of_file("mine.npz", data, specs=("softmax", "linear"), query=(1, 2, 3))
    opened = open_view(view, data)
    Image.open(io.BytesIO(panel_pictures.png_bytes(opened))).load()
    drawn = panel_pictures.svg_document(opened)
    assert "raw patch" not in drawn and "v of head 1" in drawn
    assert bundle.load_view(bundle.save_view(tmp_path / "a.linviz", view, data)) == (view, data)


def test_a_token_before_the_picture_has_a_number_and_no_place(given):
    data, _ = given
    opened = open_view(view_of_file("mine.npz", data, specs=("softmax",), query=(0,)), data)
    assert opened.query == 0 and row_stats.query_row(opened.panels[0].map, opened.query).shape == (25,)
    for write in (table.numbers_csv, table.weights_npz, view_code):
        with pytest.raises(ValueError, match="the query 0 is a token before the picture"):
            write(opened)
    with pytest.raises(ValueError, match="the query 1 is a frame, row and column"):
        open_view(view_of_file("mine.npz", data, specs=("softmax",), query=(1,)), data)


def test_the_command_reads_tensors(given, tmp_path, capsys):
    data, _ = given
    (tmp_path / "mine.npz").write_bytes(data)
    out = tmp_path / "rows.npz"
    assert cli.main(["read", str(tmp_path / "mine.npz"), "--head", "2", "--query", "1,2,3", "--out", str(out)]) == 0
    found = np.load(out)
    assert found["prefix"] == 1 and found["softmax"][1:].reshape(found["grid"]).shape == (2, 3, 4)
    assert json.loads(str(found["state"]))["view"]["head"] == 2
    for wrong, said in ((["--head", "4"], "mine.npz has 3 heads, counted from 1; there is no head 4"),
                        (["--query", "2,0,0"], "mine.npz is cut to 2 x 3 x 4")):
        assert cli.main(["read", str(tmp_path / "mine.npz"), *wrong]) == 1
        assert said in capsys.readouterr().err


def test_a_mechanism_that_cannot_take_them_says_so(given):
    data, _ = given
    with pytest.raises(ValueError, match="value_width is the width"):
        open_view(view_of_file("mine.npz", data, specs=("aft_full",)), data)
    assert make("softmax", 1, 6, Grid(2, 3, 4, 1), value_width=9).mechanism.value_width == 9


def tensor_file(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_all_heads_show_the_mean_of_their_maps_and_the_code_prints_its_numbers(given, tmp_path, monkeypatch):
    data, (q, k, _) = given
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.npz").write_bytes(data)
    view = view_of_file("mine.npz", data, head=0, specs=("softmax", "linear+gate", "local"), steps=3, query=(1, 2, 0))
    opened = open_view(view, data)
    want = torch.softmax(torch.from_numpy(q @ k.transpose(0, 2, 1) / 6**0.5), -1).mean(0)
    torch.testing.assert_close(opened.panels[0].map.dense()[0, 0], want, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(opened.panels[0].map.column_sums()[0, 0], want.sum(0), rtol=1e-4, atol=1e-6)
    assert "A gate is" in opened.provenance and "all 3 heads" in opened.provenance and held(opened) == []


def test_keys_of_another_grid_reach_every_kind_of_file(tmp_path, monkeypatch):
    draw = np.random.default_rng(3)
    q, k, v = (draw.normal(size=(2, n, 6)).astype("f4") for n in (51, 12, 12))
    data = tensor_file(q=q, k=k, v=v, grid=[2, 5, 5], key_grid=[2, 2, 3], frames=draw.random((2, 30, 20, 3)))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.npz").write_bytes(data)
    shown = linviz.view("mine.npz", "softmax", "linear+gate:self", head=2, steps=3, query=(1, 4, 3))
    assert shown.opened.keys == Grid(2, 2, 3) and "distance" not in set(shown.table().measure)
    for ending in (".png", ".svg", ".html", ".mp4", ".csv", ".json", ".npz", ".linviz"):
        assert shown.save(f"out{ending}").stat().st_size > 500
    found = np.load("out.npz")
    want = torch.softmax(torch.from_numpy(q[1] @ k[1].T / 6**0.5), -1)[1 + 25 + 23]
    np.testing.assert_allclose(found["softmax"].reshape(found["key_grid"]), want.reshape(2, 2, 3), rtol=1e-4)
    assert json.loads((tmp_path / "out.json").read_text())["key_grid"] == [2, 2, 3] and held(shown.opened) == []
    assert linviz.view("out.linviz").state == shown.state
    for spec, said in (("swin", "one grid"), ("linear+gate", "pairs query i with key i"), ("relu@space", "whole grid"),
                       ("linear+shift:space", "needs the 51 tokens")):
        with pytest.raises(ValueError, match=said) as left:
            linviz.view("mine.npz", spec)
        assert "\n" not in str(left.value)
    with pytest.raises(ValueError, match="51 queries and 12 keys"):
        linviz.view("mine.npz", "softmax", causal=True)


def test_pictures_in_the_file_lie_under_the_attention_without_a_cut():
    frames = np.zeros((10, 40, 3), np.uint8)
    frames[:, 20:] = 255  # twice as wide as high, on a square grid
    x = np.random.default_rng(0).normal(size=(17, 4)).astype("f4")
    data = tensor_file(q=x, k=x, frames=frames)
    opened = open_view(view_of_file("a.npz", data), data)
    _, rows, columns = opened.clip.size
    assert rows == columns and opened.picture.frames.mean() == pytest.approx(0.5, abs=0.02)


def test_a_view_that_was_saved_before_there_was_a_layout_opens():
    fields = View("coffee").to_json()
    del fields["view"]["layout"]
    assert View.from_json(fields) == View("coffee")
