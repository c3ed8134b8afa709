"""The code for a view is run, and prints the numbers of its table."""
from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

import pytest

from linviz.views import View, open_view
from linviz.views.export import table
from linviz.views.export.code import view_code

LINE = re.compile(r"(.+?) +([a-z_]+) +([\d.e+-]+) +([\d.e+-]+)")  # key, measure, of the patch, mean


def printed(opened):
    """{(spec, measure): (patch, mean)} as the code prints them, and its other lines."""
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(view_code(opened), "view_code", "exec"), {"__name__": "view_code"})
    lines = {line: LINE.fullmatch(line) for line in out.getvalue().splitlines()}
    told = {(found[1], found[2]): (float(found[3]), float(found[4])) for found in lines.values() if found}
    assert len(told) == sum(found is not None for found in lines.values()), "no name is printed twice"
    return told, [line for line, found in lines.items() if not found]


def held(opened):
    """Holds what is printed to the table; the lines that are left."""
    told, others = printed(opened)
    numbers = {(n.spec, n.measure): (n.patch, n.mean) for n in table.view_numbers(opened) if n.mean is not None}
    assert told.keys() == numbers.keys() and len(told) >= 8
    for key, pair in numbers.items():
        assert told[key] == pytest.approx(pair, rel=1e-5), key
    return others


def test_a_photograph(photo):
    assert held(photo) == []


def test_a_clip_with_a_signed_map(moving):
    assert held(moving) == []


def test_memories_at_the_strengths_of_the_look():
    view = View("coffee", 5, specs=("gated_delta", "uniform")).with_values(fading=0.5, erasing=0.25)
    assert "set_strengths(fading=0.5, erasing=0.25)" in view_code(open_view(view))
    assert held(open_view(view)) == []


def test_a_film_of_ones_own_channels_and_an_order(own, tmp_path, monkeypatch):
    view, data = own
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.mp4").write_bytes(data)
    assert held(open_view(view, data)) == []
    other = View("coffee", 5, temperature=0.3, specs=("aft_full", "relu_floor+gate:qk"), steps=3, seed=4)
    assert held(open_view(other)) == []
    assert held(open_view(View("coffee", 5, specs=("softmax", "linear+gate"), causal=True, steps=3))) == []
