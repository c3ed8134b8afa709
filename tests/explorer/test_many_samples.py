"""The page Many samples: it opens with a table of linviz's own, reads a visitor's, and its numbers are the table's."""
from __future__ import annotations

from typing import Any

import pytest

from explorer.shared.number_tables import three_digits
from explorer.survey.survey_state import STATE
from linviz import clips
from linviz.survey.clip_rows import clip_rows
from linviz.survey.shipped_tables import TABLES, shipped_path
from linviz.survey.survey_options import SurveyOptions
from linviz.survey.survey_spread import survey_spreads
from linviz.survey.survey_table import parquet_bytes, read_survey, table_options

from .harness import said, tables, visit, well


def shown_means(app: Any) -> dict[str, str]:
    """The column of means, by row title."""
    [table] = tables(app)
    return {name: cells[1] for name, cells in table.items() if name}


def test_the_page_opens_with_a_chart_and_its_numbers() -> None:
    app = visit("survey")
    assert not said(app) and app.title[0].value.startswith(f"Many samples: {len(clips.names())} clips")
    spreads = survey_spreads(read_survey(shipped_path("descriptors")), "entropy_share")
    assert len(spreads) == 6 == len(shown_means(app))
    assert shown_means(app)["patch descriptors: softmax"] == three_digits(spreads[0].mean)
    assert len(app.get("plotly_chart")) == 1


def test_table_and_measure_change_page_and_address_and_an_address_brings_both_back() -> None:
    app = visit("survey")
    well(app.button_group(key="survey_table").set_value("model").run())
    well(app.selectbox(key="survey_measure").set_value("gini").run())
    assert app.query_params == {"table": "model", "measure": "gini"} and len(shown_means(app)) == 18
    again = visit("survey", table="model", measure="gini")
    assert shown_means(again) == shown_means(app) and "layer 3, head 2: the model's own" in shown_means(again)
    well(app.button[0].click().run())
    assert app.session_state["survey"] == STATE.opening
    assert "has no effect" in said(visit("survey", measure="dog"))


def test_a_visitor_s_own_table_is_read_and_another_file_gets_a_sentence() -> None:
    app = visit("survey")
    whole = read_survey(shipped_path("model"))
    app.file_uploader[0].set_value(("mine.parquet", parquet_bytes(whole.slice(0, 18)), "")).run()
    assert well(app).title[0].value.startswith("Many samples: 1 clip,") and not said(app)
    app.file_uploader[0].set_value(("mine.parquet", b"PAR1 no table", "")).run()
    assert "no Parquet file" in said(well(app)) and "clips" in app.title[0].value


@pytest.mark.parametrize("name", TABLES)
def test_shipped_tables_are_what_a_survey_measures_now(name: str) -> None:
    table = read_survey(shipped_path(name))
    assert shipped_path(name).stat().st_size < 150_000
    asked = {key: tuple(x) if isinstance(x, list) else x for key, x in table_options(table).items()}
    plain = tuple(spec for spec in asked["mechanisms"] if "gate" not in spec)
    found = clip_rows("coffee", None, SurveyOptions(**asked | {"mechanisms": plain}))
    there = [row for row in table.to_pylist() if row["clip"] == "coffee" and row["mechanism"] in {*plain, "own"}]
    assert set(table.column("clip").to_pylist()) == set(clips.names()) and len(found) == len(there) > 4
    for now, then in zip(found, there, strict=True):
        numbers = {key: x for key, x in now.items() if isinstance(x, float)}
        assert {key: then[key] for key in numbers} == pytest.approx(numbers, rel=1e-3, abs=1e-4)
