"""A title says what is to be seen on this picture: its numbers are those of the picture, and its verb follows them."""
from __future__ import annotations

import re

import pytest

from linviz import clips
from linviz.views import View, open_view
from linviz.views.row_stats import row_statistics
from linviz.views.view_heading import GENERAL, Spread, view_heading

GATE = re.compile(r"The gate (gathers this patch's attention|spreads this patch's attention|changes little): "
                  r"from ([\d.,]+) to ([\d.,]+) of ([\d,]+) patches \(softmax: ([\d.,]+)\)")


def number(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("name", clips.names())
def test_the_title_of_every_sample_is_held_to_its_numbers(name):
    opened = open_view(View(name, patches=7, frames=3, specs=("softmax", "relu_floor", "relu_floor+gate"), steps=4))
    soft, floor, gated = (row_statistics(panel.map, opened.query, opened.grid)[0]["effective_tokens"]
                          for panel in opened.panels)
    verb, *numbers = GATE.fullmatch(opened.heading).groups()
    for text, value in zip(numbers, [floor, gated, len(opened.grid), soft], strict=True):
        assert abs(number(text) - value) <= (0.051 if value < 9.95 else 0.55 if value < 1000 else 5.1)
    whose = "this patch's attention"
    assert verb == (f"gathers {whose}" if gated * 1.05 < floor else f"spreads {whose}" if gated > floor * 1.05
                    else "changes little")


@pytest.mark.parametrize("name", clips.names()[:4])
def test_without_a_gate_the_sharpest_and_the_flattest_are_named(name):
    opened = open_view(View(name, patches=7, frames=2, specs=("relu_floor", "uniform", "softmax")))
    found = {title: row_statistics(panel.map, opened.query, opened.grid)[0]["effective_tokens"]
             for panel, title in zip(opened.panels, opened.titles)}
    low, high = min(found, key=found.get), max(found, key=found.get)
    assert re.fullmatch(rf"This patch looks at [\d.,]+ of [\d,]+ patches under {re.escape(low)}, at [\d.,]+ under "
                        rf"{re.escape(high)}", opened.heading)


def spread(spec: str, patches: float | None) -> Spread:
    return Spread(spec, spec, patches)


@pytest.mark.parametrize("maps, said", [
    ([spread("softmax", None)], GENERAL), ([], GENERAL),
    ([spread("softmax", 9.0)], "A patch looks at 9.0 of 49 patches under softmax"),
    ([spread("softmax", 9.0), spread("linear", 9.1)], "A patch looks at 9.0 of 49 patches under each of the 2 maps"),
    ([spread("relu", 9.0), spread("relu+gate:qk:shared", 20.0)],
     "The gate spreads attention: from 9.0 to 20 of 49 patches"),
    ([spread("relu", 9.0), spread("relu+gate", 9.1)],
     "The gate changes little: from 9.0 to 9.1 of 49 patches"),
    ([spread("relu@space", 9.0), spread("relu+gate", 4.0)],  # not the same map without its gate
     "A patch looks at 4.0 of 49 patches under relu+gate, at 9.0 under relu@space"),
    ([spread("factorized", None), spread("softmax", 8.0)], "A patch looks at 8.0 of 49 patches under softmax")])
def test_a_title_claims_no_more_than_its_numbers(maps, said):
    assert view_heading(maps, 49) == said
    assert view_heading(maps, 49, causal=True) == "No patch sees a later one" + f". {said}" * (said != GENERAL)
