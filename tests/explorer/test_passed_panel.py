"""Concentrate with memories: the spectrum of what is passed, the drawing of the scan, numbers of signed rows."""
from __future__ import annotations

from linviz.views import open_view
from linviz.views.passed_memory import passed_memories

from .harness import quiet, tables, view, visit, well

CLIP = {"source": "pan", "patches": "7", "frames": "4", "specs": "delta,softmax", "query": "2,3,3"}


def test_the_border_moves_the_spectrum_of_what_a_memory_passes_on():
    app = quiet(visit(**CLIP))
    assert app.select_slider(key="passed_border").value == 98, "before the pinned frame"
    (said,) = [text.value for text in app.caption if "passes" in text.value]
    assert said.startswith("DeltaNet passes ") and "softmax" not in said
    app = well(app.select_slider(key="passed_border").set_value(49).run())
    (other,) = [text.value for text in app.caption if "passes" in text.value]
    opened = open_view(app.session_state["concentrate"])
    (found,) = passed_memories(opened.panels, opened.titles, 49)
    assert other != said and other.startswith(found.sentence)
    assert not [text for text in visit(source="pan", patches="7", specs="softmax").caption if "passes" in text.value]


def test_signed_rows_have_numbers_in_place_of_entropy_and_strengths_reach_them():
    app = quiet(visit(**CLIP))
    found = tables(app)[0]
    assert found["entropy (bits)"][:2] == ["–", "–"] and found["negative weights (%)"][2:] == ["–", "–"]
    assert float(found["negative weights (%)"][0]) > 10 and float(found["sum of the negative weights"][0]) < 0
    weak = quiet(visit(**CLIP, erasing="0"))
    assert view(weak)["set"]["erasing"] == 0
    assert tables(weak)[0]["largest weight times N (times)"] != found["largest weight times N (times)"]


def test_the_option_scan_stands_beside_its_drawing():
    app = quiet(visit(**CLIP))
    drawn = [html.proto.body for html in app.get("html") if '"linviz-scan"' in html.proto.body]
    assert len(drawn) == 1 and "from left to right</span>" in drawn[0] and 'alt="The order raster' in drawn[0]
    columns = quiet(visit(**CLIP, options="0:scan=columns"))
    (other,) = [html.proto.body for html in columns.get("html") if '"linviz-scan"' in html.proto.body]
    assert "from top to bottom</span>" in other and other != drawn[0]
