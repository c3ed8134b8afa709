"""The page Evidence: a figure for all that is kept, and a sentence in the place of what is not."""
from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.evidence_work import ABSENT, LATER, NOTES, TITLES, book, figure

PAGE = Path(__file__).parents[2] / "explorer" / "pages" / "evidence.py"


def opened(**address: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    for name, text in address.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app


def test_every_figure_or_a_sentence_in_its_place() -> None:
    app, kept = opened(), book()
    assert [head.value for head in app.subheader] == list(TITLES.values())
    there = [name for name in TITLES if figure(name, kept, "short", dark=False)]
    assert {"accuracy", "curves", "maps"} <= set(there) and len(app.get("plotly_chart")) == len(there)
    said = [caption.value for caption in app.caption]
    assert said.count(LATER) == len(TITLES) - len(there) and all(NOTES[name] in said for name in there)
    assert "Not claimed" in app.expander[0].markdown[0].value and not app.warning


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
    monkeypatch.setattr("benchmarks.kept.EVIDENCE", tmp_path / "none.json")
    app = opened()
    assert app.info[0].value == ABSENT and not app.get("plotly_chart") and not app.subheader
