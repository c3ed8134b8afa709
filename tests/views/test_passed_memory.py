"""What memories carry over a border: the spectrum of A[t:, :t] of the map that is shown, or why there is none."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, view
from linviz.maps import forward_memory
from linviz.views import View, open_view
from linviz.views.passed_memory import border_at, memory_borders, passed_memories

SPECS = ("delta", "retention scan=columns", "gla scan=both", "gated_delta scan=frames", "mamba2")


@pytest.fixture(scope="module")
def clip():
    return view("pan", *SPECS, "softmax", patches=5, frames=4, query=(2, 1, 1))


def test_it_is_the_spectrum_of_the_later_rows_of_earlier_columns(clip):
    opened = clip.opened
    found = list(passed_memories(opened.panels, opened.titles, 50))
    assert [one.panel.key for one in found] == list(SPECS), "softmax has no memory"
    for one in found:
        s = torch.linalg.svdvals(one.panel.map.dense()[0, 0, 50:, :50].double())
        assert torch.allclose(one.values, s[:len(one.values)], atol=1e-5 * s[0].item()), one.title
        assert one.bound == 18 and s[18:].max() < 1e-5 * s[0], "at most D"
        assert one.sentence.startswith(f"{one.title} passes ") and "of at most 18 directions" in one.sentence


def test_the_figure_is_of_the_border_before_the_pinned_frame(clip):
    fig = clip.figure("passed")
    assert fig.layout.yaxis.title.text == "singular value s_k of A[t:, :t] (no unit)"
    assert fig.layout.title.text == "What the first 50 patches pass on to the other 50, before frame 3"
    assert [line.name for line in fig.data] == clip.opened.titles[:5] and len(fig.data[0].y) == 18
    assert "rank bound 18" in fig.layout.meta["alt"]


def test_what_has_no_border_or_no_single_memory_says_so():
    assert memory_borders(Grid()) == [] and border_at((0, 0, 0), Grid(X=7)) is None
    assert border_at((0, 0, 0), Grid(T=5, Y=2, X=2)) == 12 and border_at((0, 3, 0), Grid(Y=7, X=7)) == 21
    opened = view("coffee", "delta@rows", "gla scan=frames", "mamba2 scan=unordered", patches=4).opened
    said = [one.sentence for one in passed_memories(opened.panels, opened.titles, 8)]
    assert "in every box of its scope" in said[0] and "in one step" in said[1] and "no order" in said[2]
    with pytest.raises(ValueError, match="no memory of this view passes anything on: a memory is a mechanism"):
        view("coffee", "softmax", patches=4).figure("passed")
    assert forward_memory(opened.panels[0].map) is None


def test_a_view_that_was_saved_before_memories_had_strengths_opens():
    old = View(specs=("delta",)).to_json()
    for name in ("fading", "erasing"):
        del old["view"]["look"][name]
    assert View.from_json(old) == View(specs=("delta",))


def test_strengths_change_map_numbers_and_words():
    opened = open_view(View("coffee", 5, specs=("gated_delta", "softmax")).with_values(fading=0.0, erasing=0.0))
    weak, fitted = opened.panels[0].map, opened.fitted_panels[0].map
    memory, plain = forward_memory(weak), forward_memory(fitted)
    assert memory.erase == 0 and not memory.log_decay.any() and plain.erase == 1 and plain.log_decay.all()
    assert "Memories fade at strength 0 and erase at strength 0." in opened.provenance
    assert opened.live_panels[0].map is fitted, "the browser turns it"
    assert open_view(View("coffee", 5, specs=("softmax",)).with_values(fading=0.5)).provenance.count("Memories") == 0
