"""The page Evidence: a figure for everything that was measured, and a sentence in place of what was not."""
from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.evidence.evidence_texts import ABSENT, NOT_MEASURED, TITLES, evidence_figure, figure_note
from linviz import evidence

PAGE = Path(__file__).parents[2] / "explorer" / "evidence" / "page.py"


def opened(**address: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    for name, text in address.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app


def test_every_figure_stands_under_its_title() -> None:
    app = opened()
    heads = [head.value for head in app.header]
    assert heads.pop(2) == "In plain words" and heads == list(TITLES.values())
    assert list(TITLES) == list(evidence.FIGURE_NAMES)
    there = [name for name in TITLES if evidence_figure(name, "short", dark=False)]
    assert {"accuracy", "curves", "maps"} <= set(there) and len(app.get("plotly_chart")) == len(there)
    captions = [caption.value for caption in app.caption]
    assert captions.count(NOT_MEASURED) == len(TITLES) - len(there)
    assert all(figure_note(name) in captions for name in there) and not app.warning


def test_every_claim_of_the_study_stands_on_the_page() -> None:
    """The headlines and what is not claimed stand openly, the other claims and the method one click away."""
    app = opened()
    first, rest = app.markdown[1].value, app.expander[0].markdown[0].value
    assert first.count("\n- ") == len(evidence.headline_claims()) - 1 and evidence.claim_limits() in first
    assert "Papers say that linear attention loses accuracy because its map has low rank." in first
    assert "**Not claimed.**" in first and "**Intervals.**" in rest and evidence.study_method() in rest
    assert all(claim in first for claim in evidence.headline_claims())
    assert evidence.further_claims() and all(claim in rest for claim in evidence.further_claims())


def test_plain_words_are_one_sentence_a_bullet_with_each_number_once_in_brackets() -> None:
    claims = evidence.headline_claims()
    bare = [re.sub(r"\(.*?\)(?!\])|After [\d,]+ steps|after [\d,]+ steps", "", claim) for claim in claims]
    assert not [text for text in bare if re.search(r"\d", text) or re.search(r"[.:!?] [A-Z]", text)]
    intervals = re.findall(r"[-+][\d.]+ \[.*?\]", " ".join(claims))
    assert len(intervals) > 7 and len(set(intervals)) == len(intervals)


def test_the_last_figure_says_what_to_see() -> None:
    assert list(TITLES)[-1] == "gates" and "nearer its map is to softmax" in figure_note("gates")


def test_the_budget_is_in_the_address() -> None:
    app = opened(budget="long")
    assert app.segmented_control(key="evidence_budget").value == "long"
    app.segmented_control(key="evidence_budget").set_value("short").run()
    assert not app.exception and app.query_params == {}
    assert "budget" in opened(budget="endless").warning[0].value


def test_a_figure_draws_the_stored_numbers() -> None:
    alt = evidence_figure("accuracy", "long", dark=True).layout.meta["alt"]
    data = evidence.figure_data("accuracy", "long")
    assert data and len(data["rows"]) == 18
    for row in data["rows"]:
        assert f"{row['title']}: {row['mean']:.1%}" in alt


def test_a_figure_without_numbers_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = evidence.figure_data
    monkeypatch.setattr(evidence, "figure_data", lambda name, budget: None if name == "dose" else kept(name, budget))
    evidence_figure.clear()
    app = opened()
    evidence_figure.clear()
    assert [caption.value for caption in app.caption].count(NOT_MEASURED) == 1
    assert len(app.get("plotly_chart")) == len(TITLES) - 1


def test_without_the_numbers_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "has_evidence", lambda: False)
    app = opened()
    assert app.info[0].value == ABSENT and not app.get("plotly_chart") and not app.header


def test_the_page_does_not_need_the_studies() -> None:
    for path in (*PAGE.parent.glob("*.py"), Path(evidence.__file__)):
        assert "import studies" not in path.read_text("utf-8") and "from studies" not in path.read_text("utf-8")
