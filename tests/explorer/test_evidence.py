"""The page Evidence: a figure for all that is kept, and a sentence in the place of what is not."""
from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.evidence.evidence_work import ABSENT, FIRST, LATER, TITLES, book, figure, note
from studies.page import PARTS
from studies.places import WIDTHS, Panel, box, covered, settled

PAGE = Path(__file__).parents[2] / "explorer" / "evidence" / "page.py"


def opened(**address: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    for name, text in address.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app


def test_every_figure_or_a_sentence_in_its_place() -> None:
    app, kept = opened(), book()
    heads = [head.value for head in app.subheader]
    assert heads.pop(2) == "In plain words" and heads == list(TITLES.values())
    there = [name for name in TITLES if figure(name, kept, "short", dark=False)]
    assert {"accuracy", "curves", "maps"} <= set(there) and len(app.get("plotly_chart")) == len(there)
    said = [caption.value for caption in app.caption]
    assert said.count(LATER) == len(TITLES) - len(there) and all(note(name, kept) in said for name in there)
    assert not app.warning


def test_what_the_numbers_say_is_said_whole() -> None:
    """Every sentence of the claim stands on the page, the first ones and what is not claimed openly."""
    app, kept = opened(), book()
    first, rest = app.markdown[1].value, app.expander[0].markdown[0].value
    assert first.count("\n- ") == FIRST - 1 and "Not claimed" in first and "**Intervals.**" in rest
    for line in PARTS[0][1](kept).split("\n"):
        assert line in first + "\n" + rest


def test_the_budget_is_in_the_address() -> None:
    app = opened(budget="long")
    assert app.segmented_control(key="evidence_budget").value == "long"
    app.segmented_control(key="evidence_budget").set_value("short").run()
    assert not app.exception and app.query_params == {}
    assert "budget" in opened(budget="endless").warning[0].value


def test_what_is_drawn_is_what_is_kept() -> None:
    kept = book()
    alt = figure("accuracy", kept, "long", dark=True).layout.meta["alt"]
    for name in kept.names("long"):
        assert f"{kept.accuracy('long', name).mean:.1%}" in alt


def test_without_the_numbers_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("studies.kept.EVIDENCE", tmp_path / "none.json")
    app = opened()
    assert app.info[0].value == ABSENT and not app.get("plotly_chart") and not app.subheader


def test_names_of_crowded_points_cover_neither_each_other_nor_the_points() -> None:
    """Nine models at nearly the same accuracy: no name lies on another, in a narrow panel or in a wide one."""
    panels = [Panel(wide, [(wide * (0.05 + 0.1 * n), 360.0 + n % 3) for n in range(9)]) for wide in WIDTHS]
    names = {n: 60.0 + 10 * (n % 4) for n in range(9)}
    found = settled(panels, names)
    for panel in panels:
        boxes = [box(panel.points[n], to, names[n]) for n, to in found.items()]
        pairs = [(a, b) for n, a in enumerate(boxes) for b in boxes[:n]]
        assert sum(covered(a, b) for a, b in pairs) < 36, "half a letter"
        assert sum(covered(a, dot) for n, a in enumerate(boxes) for dot in panel.dots(but=n)) < 36
        assert all(0 <= left and right <= panel.wide for left, _, right, _ in boxes)
