"""Where two maps differ: the definition pair by pair, empty and signed rows by name, blocks, words, and every host."""
from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
import torch

import linviz
from linviz import Grid, cli
from linviz.maps import Dense
from linviz.maps.base import Map
from linviz.views import map_divergence as home
from linviz.views.map_divergence import (
    MapDivergence,
    default_pair,
    divergence_heading,
    map_divergence,
    view_divergence,
)

GRID, NAMES = Grid(T=2, Y=2, X=3, prefix=1), ("one", "other")


def table(seed: int, n: int = len(GRID), sign: float = 0.0) -> torch.Tensor:
    x = torch.rand(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) ** 3 - sign
    return x / x.sum(-1, keepdim=True) if not sign else x


def dense(x: torch.Tensor, stochastic: bool = True) -> Dense:
    """A map of this table; of its rows some may be empty, as relu's are."""
    found = Dense(x[None, None], stochastic=False)
    found.stochastic = stochastic
    return found


def by_hand(a: list[float], b: list[float]) -> float:
    """Half of KL(a || middle) and half of KL(b || middle), in bits."""
    middle = [(x + y) / 2 for x, y in zip(a, b)]
    return sum(0.5 * x * math.log2(x / m) for row in (a, b) for x, m in zip(row, middle) if x > 0)


def test_every_row_has_the_divergence_of_its_definition_and_the_order_does_not_matter() -> None:
    a, b = table(0), table(1)
    found = map_divergence(dense(a), dense(b), GRID, NAMES)
    wanted = [by_hand(x, y) for x, y in zip(a.tolist(), b.tolist())]
    assert found.values.tolist() == pytest.approx(wanted, abs=1e-12) and found.measure.unit == "bits" and not found.why
    assert map_divergence(dense(b), dense(a), GRID, NAMES).values.tolist() == pytest.approx(wanted, abs=1e-12)
    assert not map_divergence(dense(a.float()), dense(a.float()), GRID, NAMES).values.any(), "equal maps: exactly 0"
    assert found.largest == GRID.prefix + int(np.argmax(wanted[GRID.prefix:])), "a token before the picture is no patch"
    assert found.mean == pytest.approx(np.mean(wanted[GRID.prefix:]))


def test_an_empty_row_has_none_in_numbers_words_and_colours() -> None:
    a = table(0)
    a[[3, 5]] = 0
    found = map_divergence(dense(a), dense(table(1)), GRID, NAMES)
    assert found.values.isnan().nonzero().ravel().tolist() == [3, 5] and found.empty == 2 and found.at(3) == "none"
    assert found.largest not in (3, 5) and math.isfinite(found.mean) and 0 < found.top <= 1
    empty = map_divergence(dense(torch.zeros_like(a)), dense(a), GRID, NAMES)
    assert (empty.largest, empty.mean, empty.top) == (None, None, 1.0)
    assert divergence_heading(empty).startswith("No patch can be compared")


def test_a_signed_map_is_measured_by_another_name() -> None:
    a, b = table(0, sign=0.3), table(1)
    a[4] = 0
    found = map_divergence(dense(a, stochastic=False), dense(b), GRID, NAMES)
    scaled = [x / x.abs().sum() for x in a]
    wanted = [0.5 * sum(abs(x - y) for x, y in zip(row.tolist(), other.tolist())) for row, other in zip(scaled, b)]
    assert [n for n, x in enumerate(found.values.tolist()) if x != x] == [4]
    assert np.delete(found.values.numpy(), 4) == pytest.approx(np.delete(wanted, 4), abs=1e-12)
    assert found.measure.label == "total variation TV (of 1)" and "total variation" in found.why
    opposite = map_divergence(dense(-b, stochastic=False), dense(b), GRID, NAMES)
    assert opposite.values.tolist() == pytest.approx([1.0] * len(GRID))


def test_maps_are_compared_row_by_row_and_no_table_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    view = linviz.view("coffee", "softmax", "linear", "swin", patches=8)
    wanted = view_divergence(view.opened, (0, 1)).values
    most: list[int] = []
    take = {cls: cls.take_rows for cls in {type(panel.map) for panel in view.opened.panels}}
    for cls, rows in take.items():
        monkeypatch.setattr(cls, "take_rows", lambda self, i, rows=rows: (most.append(len(i)), rows(self, i))[1])
        monkeypatch.setattr(cls, "dense", None)
    monkeypatch.setattr(Map, "dense", None)
    monkeypatch.setattr(home, "BLOCK_WEIGHTS", 5 * 64)
    assert torch.allclose(view_divergence(view.opened, (0, 1)).values, wanted, atol=1e-9) and max(most) == 5
    with pytest.raises(ValueError, match="the same queries and keys"):
        map_divergence(dense(table(0)), dense(table(0, 4)), GRID, NAMES)


def test_the_two_that_a_learner_compares_first() -> None:
    assert default_pair(["relu_floor+gate", "relu_floor", "softmax"]) == (2, 1), "softmax, and the floor without a gate"
    assert default_pair(["softmax", "relu+gate"]) == (0, 1) and default_pair(["softmax"]) is None
    assert default_pair(["linear", "relu", "uniform"]) == (0, 2), "without softmax: the first and the last"


@pytest.mark.parametrize(("values", "said"), [
    ([0.0, 0.5, 0.25], "one and other differ by 0.25 bits on average, and most, by 0.50, at row 1, column 2"),
    ([0.0, 0.004, 0.0], "one and other agree: no patch differs by 0.01 bits"),
    ([0.5, 0.55, 0.6], "one and other differ about equally everywhere: by 0.50 to 0.60 bits"),
    ([math.nan, 0.2, 0.4], "one and other differ by 0.30 bits on average, and most, by 0.40, at row 1, column 3")])
def test_the_heading_says_what_its_numbers_say(values: list[float], said: str) -> None:
    found = MapDivergence(torch.tensor(values, dtype=torch.float64), Grid(X=3), NAMES, home.MEASURES[home.SHARES])
    assert divergence_heading(found) == said


# ------------------------------------------------------------------------------------------------ hosts


@pytest.fixture(scope="module")
def shown() -> linviz.views.notebook_view.NotebookView:
    return linviz.view("coffee", "softmax", "uniform", "lambda", patches=7, compare=(0, 1))


def test_figure_file_link_and_command_line_have_the_same_numbers(shown, tmp_path, capsys) -> None:
    found = view_divergence(shown.opened)
    wanted = found.values.reshape(7, 7).numpy()
    figure = shown.figure("divergence")
    assert figure.data[0].z == pytest.approx(wanted, abs=1e-6) and figure.layout.coloraxis.cmax == found.top
    assert figure.layout.coloraxis.colorbar.title.text == "Jensen-Shannon divergence JS (bits)"
    assert figure.layout.title.text == divergence_heading(found)
    assert divergence_heading(found)[1:] in figure.layout.meta["alt"]
    told = json.loads(shown.save(tmp_path / "a.json").read_text("utf-8"))["divergence"]
    assert told["patches"] == found.values.tolist() and told["largest"] == list(found.grid.place(found.largest))
    assert told["of"] == ["softmax", "uniform"] and told["measure"] == "jensen_shannon" and told["unit"] == "bits"
    assert np.load(io.BytesIO(shown.save(tmp_path / "a.npz").read_bytes()))["divergence"].tolist() == told["patches"]
    assert "compare=0%2C1" in shown.url and "--compare 0,1" in shown.command
    assert linviz.view(shown.save(tmp_path / "a.linviz")).state.compare == (0, 1)
    assert cli.main(shown.command.split()[1:]) == 0
    assert divergence_heading(found) in (said := capsys.readouterr().out) and "--query 0,5,3" in said


def test_what_compares_nothing_says_nothing(shown, tmp_path) -> None:
    plain = linviz.view("coffee", "uniform", patches=4)
    assert "divergence" not in json.loads(plain.save(tmp_path / "b.json").read_text("utf-8"))
    with pytest.raises(ValueError, match="this view has uniform only"):
        plain.figure("divergence")
    with pytest.raises(ValueError, match="compare takes two panels from 0 to 2; got 0,3"):
        linviz.view("coffee", "softmax", "uniform", "lambda", patches=4, compare=(0, 3))
    assert shown.state.with_values(specs=("relu", "linear")).compare is None, "other panels, another pair"
    signed = linviz.view("coffee", "softmax", "lambda", patches=4).figure("divergence")
    assert "total variation" in signed.layout.coloraxis.colorbar.title.text
