"""Point 6 of the explorer: numbers with definitions, each equal to the core library's."""
from __future__ import annotations

import re
from html import unescape

import pytest

from linviz.measure import MEASURES
from linviz.views import open_view
from linviz.views.export.table import view_numbers
from tests.explorer.harness import quiet, visit

WANTED = ("entropy", "effective_tokens", "top_share", "support", "gini", "distance", "mass", "lift", "frame_distance")
LINE = re.compile(r'<tr><th scope="row"><abbr title="(.*?)">(.*?)</abbr>(.*?)</tr>')


def test_every_number_has_its_definition_and_its_source_and_is_that_of_the_library():
    app = quiet(visit(source="crossing", patches="7", frames="3", specs="softmax,linear", query="1,2,3"))
    lines = [line for html in app.get("html") for line in LINE.findall(html.proto.body)]
    numbers = view_numbers(open_view(app.session_state["concentrate"]))
    seen = 0
    for name in WANTED:
        (said, cells), = [(unescape(said), cells) for said, _, cells in lines if MEASURES[name].source in unescape(said)
                          and (MEASURES[name].function.__doc__ or "").partition("\n")[0] in unescape(said)]
        assert len(said) > 30
        shown = [float(x) for x in re.findall(r'<data value="(.*?)">', cells)]
        percent = 100 if MEASURES[name].unit == "of 1" else 1
        want = [percent * x for n in numbers if n.measure == name for x in (n.patch, n.mean)]
        assert shown == pytest.approx(want, rel=1e-6, abs=1e-6), name
        seen += len(shown)
    assert seen == 4 * len(WANTED)
