"""One look: hues by family, markers by mechanism, text that can be read, colour maps that keep their order in grey."""
from __future__ import annotations

import itertools
import re

import plotly.io as pio
import pytest

from linviz.figures import theme
from linviz.mechanisms import FAMILIES, REGISTRY

MODES = ("light", "dark")


def luminance(colour: str) -> float:
    """Relative luminance of a hex colour, 0..1, as WCAG 2 defines it."""
    channels = [int(colour[n:n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two hex colours, 1..21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast_is_right():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ink", ["INK", "SOFT"])
def test_text_can_be_read(mode, ink):
    assert contrast(getattr(theme, ink)[mode], theme.PAPER[mode]) >= 4.5


@pytest.mark.parametrize("mode", MODES)
def test_the_template_writes_in_ink_on_paper(mode):
    layout = pio.templates[theme.TEMPLATES[mode]].layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == theme.PAPER[mode]
    assert layout.font.color == theme.INK[mode]
    soft = [layout.xaxis.tickfont.color, layout.yaxis.title.font.color, layout.annotationdefaults.font.color]
    assert soft == [theme.SOFT[mode]] * 3


def test_every_family_has_a_hue_of_its_own():
    assert set(theme.HUES) == set(FAMILIES)
    assert len({hue.lower() for hue in theme.HUES.values()}) == len(FAMILIES)


@pytest.mark.parametrize("one, other", list(itertools.combinations(theme.HUES, 2)))
def test_hues_can_be_told_apart_without_red_or_green(one, other):
    """In the eye of somebody who sees no red, and of one who sees no green (Vienot, Brettel and Mollon 1999)."""
    blind = {"no red": ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1)),
             "no green": ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1))}

    def linear(colour):
        c = [int(colour[n:n + 2], 16) / 255 for n in (1, 3, 5)]
        return [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in c]

    for matrix in blind.values():
        seen = [[sum(m * x for m, x in zip(row, linear(theme.HUES[name]))) for row in matrix] for name in (one, other)]
        roots = [[max(x, 0) ** (1 / 2.2) for x in colour] for colour in seen]
        assert max(abs(a - b) for a, b in zip(*roots)) > 0.06, f"{one} and {other} look alike"


def test_mechanisms_of_one_family_have_different_markers():
    for family in FAMILIES:
        names = [name for name, page in REGISTRY.items() if page.family == family and name in theme.MARKERS]
        markers = [theme.style(name, family).marker for name in names]
        assert len(set(markers)) == len(names), f"{family}: {dict(zip(names, markers))}"


def test_gates_have_different_dashes_and_keep_hue_and_marker():
    specs = ["relu_floor", *(f"relu_floor+gate:{sees}{shared}" for sees in ("self", "qk", "qkv")
                             for shared in ("", ":shared"))]
    styles = [theme.style(spec, "kernel") for spec in specs]
    assert len({s.dash for s in styles}) == len(specs)
    assert {(s.hue, s.marker) for s in styles} == {(theme.HUES["kernel"], "circle")}
    assert theme.style("relu_floor+gate", "kernel") == theme.style("relu_floor+gate:qkv", "kernel")


def test_a_shift_and_a_scope_change_the_marker():
    markers = [theme.style("relu_floor" + more, "kernel").marker for more in ("", "+shift", "@space", "+shift@space")]
    assert markers == ["circle", "circle-open", "circle-dot", "circle-open-dot"]


def test_a_mechanism_of_ones_own_is_drawn_always_alike():
    assert theme.style("mine", "kernel") == theme.style("mine", "kernel")
    assert theme.style("mine", "kernel").marker in theme.SPARE_MARKERS


@pytest.mark.parametrize("name", theme.SEQUENTIAL)
def test_sequential_maps_grow_lighter_all_the_way(name):
    stops = [luminance(stop) for stop in theme.SEQUENTIAL[name]]
    assert all(a < b for a, b in zip(stops, stops[1:]))


def test_the_diverging_map_is_lightest_in_the_middle():
    left, middle, right = theme.DIVERGING[:2], theme.DIVERGING[2], theme.DIVERGING[3:]
    assert luminance(left[0]) < luminance(left[1]) < luminance(middle) > luminance(right[0]) > luminance(right[1])
    assert theme.colourscale("diverging")[2] == [0.5, middle]


def test_no_colour_is_one_that_streamlit_repaints():
    """Streamlit takes #000001 to #000010 for placeholders of its own theme and paints over them."""
    colours = [stop for name in (*theme.SEQUENTIAL, "diverging") for _, stop in theme.colourscale(name)]
    assert not [c for c in colours if re.fullmatch(r"#0000(0[1-9a-f]|10)", c)]


@pytest.mark.parametrize("name", ["inferno", "magma", "jet", "plasma", ""])
def test_other_colour_maps_are_refused_in_one_sentence(name):
    with pytest.raises(ValueError, match=r"viridis, cividis, gray, diverging"):
        theme.colourscale(name)


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(ValueError, match="alt text"):
        theme.empty_figure("  ")
