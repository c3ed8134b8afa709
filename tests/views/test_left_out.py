"""One mechanism that cannot be measured takes no other down, whatever is asked of the view."""
from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

import linviz
from linviz.cli import main
from linviz.views.export.files import make_file


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory):
    """q, k, v one channel wide, for which no shift can be made; CLS comes first."""
    path, r = tmp_path_factory.mktemp("left_out") / "narrow.npz", np.random.default_rng(0)
    np.savez(path, **{name: r.normal(size=(2, 10, 1)).astype("f4") for name in "qkv"})
    return path


def test_the_others_are_measured_and_the_reason_stands_beside_them(file, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(file), "--mechanism", "softmax", "linear+shift", "uniform"]) == 0
    said = capsys.readouterr().out
    assert "linear+shift: 1 channels (heads x width) cannot be cut into 4 folds" in said
    alone = linviz.view(file, "softmax", "uniform").table()
    both = linviz.view(file, "softmax", "linear+shift", "uniform").table()
    assert both[both.spec != "linear+shift"].reset_index(drop=True).equals(alone)
    lost = both[both.spec == "linear+shift"]
    assert lost.patch.isna().all() and lost["mean"].isna().all() and lost.note.str.contains("cut into 4 folds").all()


@pytest.mark.parametrize("order", [0, 1, 2])
def test_causal_forms_that_there_are_not(file, order: int, capsys: pytest.CaptureFixture[str]) -> None:
    specs = ["softmax", "nonlocal", "linear"]
    assert main(["read", str(file), "--causal", "--mechanism", *specs[order:], *specs[:order]]) == 0
    assert "nonlocal: nonlocal has no causal form" in capsys.readouterr().out


@pytest.mark.parametrize("ending", [".csv", ".json", ".npz", ".html", ".png", ".svg", ".py", ".linviz"])
def test_every_file_is_written(file, ending: str) -> None:
    found = linviz.view(file, "linear+shift", "softmax", query=(0, 1, 1))
    data = make_file(ending, found.opened, found.media, None)
    assert data
    if ending == ".json":
        told = json.loads(data)
        assert [m["spec"] for m in told["mechanisms"]] == ["softmax"] and "linear+shift" in told["left_out"]
    if ending == ".csv":
        assert {row["spec"] for row in csv.DictReader(io.StringIO(data.decode()))} == {"softmax", "linear+shift"}
    if ending == ".html":
        assert "shift is not shown" in data.decode()


def test_where_none_can_be_measured_there_is_one_sentence(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    r = np.random.default_rng(1)
    q, k, v = (r.normal(size=(2, 9, 8)).astype("f4") for _ in range(3))
    np.savez(path := tmp_path / "large.npz", q=q * 1e20, k=k * 1e20, v=v)
    assert main(["read", str(path), "--mechanism", "softmax", "relu+gate", "efficient"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("linviz: q and k reach ") and said.count("too large for float32") == 1
    assert main(["read", str(path), "--mechanism", "softmax", "uniform"]) == 0
    assert "softmax: q and k reach" in capsys.readouterr().out
    np.savez(path, q=q.astype("f8") * 1e300, k=k, v=v)
    assert main(["read", str(path)]) == 1
    assert "q reaches" in (said := capsys.readouterr().err) and "not finite in float32" in said


def test_a_notebook_says_why(file) -> None:
    found = linviz.view(file, "linear+shift", "softmax")
    assert list(found.readings) == ["softmax"]
    with pytest.raises(KeyError, match="is not shown: 1 channels"):
        found.readings["linear+shift"]
