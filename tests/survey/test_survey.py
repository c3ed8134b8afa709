"""A survey: the numbers of every clip, what cannot be read, the table's units, the command and its errors."""
from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import pytest
import torch

import linviz
from linviz.cli import main
from linviz.measure import MEASURES
from linviz.models import Shape
from linviz.query_length import length_sensitivity
from linviz.survey import clip_rows, part_files, task_runner
from linviz.survey.clip_list import ClipName, find_clips
from linviz.survey.clip_rows import Row
from linviz.survey.clip_survey import measure_survey
from linviz.survey.part_files import ClipTask, run_clip
from linviz.survey.survey_columns import number_columns, survey_columns
from linviz.survey.survey_options import SurveyOptions
from linviz.survey.survey_spread import missing_reasons, survey_spreads
from linviz.survey.survey_table import read_survey, rows_table, table_options, table_schema
from linviz.views import View, open_view

from .storms import write_clips

SMALL = SurveyOptions(("softmax", "linear"), patches=5, frames=2)


def test_the_numbers_are_those_of_linviz_read() -> None:
    names = ("softmax", "relu_floor+gate", "delta", "aft_full")
    opened = open_view(View("digit", patches=6, frames=2, specs=names, temperature=1.0, steps=3))
    rows = clip_rows.clip_rows("digit", None, SurveyOptions(names, patches=6, frames=2, steps=3))
    assert [(row["layer"], row["head"], row["mechanism"]) for row in rows] == [(0, 0, name) for name in names]
    for row, panel in zip(rows, opened.panels, strict=True):
        told = panel.reading.summary(**opened.tokens.measure_options)
        shared = told.keys() & row.keys()
        assert {name: row[name] for name in shared} == pytest.approx({name: told[name] for name in shared}, abs=1e-9)
        assert len(shared) >= 11
        assert row["length_answer"] == length_sensitivity(panel.reading).answer


def test_a_model_has_a_row_for_every_layer_head_and_mechanism() -> None:
    rows = clip_rows.clip_rows("crossing", None, SurveyOptions(("linear",), model="softmax"))
    places = [(row["layer"], row["head"], row["mechanism"]) for row in rows]
    assert places == [(layer, head, name) for layer in (1, 2, 3) for name in ("own", "linear") for head in (1, 2, 3)]
    model = linviz.models.pretrained("softmax")
    clip = clip_rows.fitted_clip(clip_rows.clip_of("crossing", None, Shape().frames), model)
    second = model.trace(clip.frames[None])[1]
    own = linviz.read(second.attention, second.q, second.k, second.v)
    found = next(row for row in rows if (row["layer"], row["head"], row["mechanism"]) == (2, 3, "own"))
    assert found["entropy"] == pytest.approx(own.entropy[0, 2].mean().item(), rel=1e-6)
    assert found["effective_rank"] == own.effective_rank[0, 2].item() and found["numerical_rank"] <= found["rank_bound"]
    assert len({row["entropy"] for row in rows}) == len(rows), "no head has another's number"


BROKEN = {"empty.mp4": b"", "text.mp4": b"not a film", "cut.gif": b"GIF89a\x30\0\x30\0", "tensors.npz": None}


def test_what_cannot_be_read_is_a_row_with_its_reason(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "clips", 1)
    for name, data in BROKEN.items():
        (folder / name).write_bytes(b"PK\3\4 no arrays" if data is None else data)
    (folder / "gone.png").symlink_to(folder / "nowhere")
    (folder / "notes.txt").write_text("passed over")
    table, record = measure_survey(find_clips([folder]), SMALL, tmp_path / "parts")
    rows = table.to_pylist()
    reasons = {row["clip"]: row["why"] for row in rows if row["why"]}
    assert set(reasons) == {*BROKEN, "gone.png"} and len(rows) == 2 + len(reasons)
    assert all("clip" not in why.split(":")[0] and len(why) > 15 for why in reasons.values()), reasons
    assert "it is empty" in reasons["empty.mp4"] and "cannot be opened" in reasons["gone.png"]
    assert [one[0] for one in record["clips"]] == [clip.name for clip in find_clips([folder])]
    assert sum(missing_reasons(table).values()) == len(reasons)


def test_a_mechanism_that_cannot_be_measured_is_a_row_and_the_others_are_there() -> None:
    rows = clip_rows.clip_rows("coffee", None, SurveyOptions(("softmax", "softmax+gate", "linear"), patches=7))
    assert [("why" in row and bool(row["why"])) for row in rows] == [False, True, False]


def test_a_changed_clip_option_or_code_is_measured_anew_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    clips, parts, counted = write_clips(tmp_path / "clips", 3), tmp_path / "parts", []
    (clips / "copy.gif").write_bytes((clips / "000.gif").read_bytes())
    real = part_files.clip_rows

    def counting(*given: object) -> list[Row]:
        counted.append(given)
        return real(*given)
    monkeypatch.setattr(part_files, "clip_rows", counting)

    def measured(options: SurveyOptions = SMALL) -> int:
        counted.clear()
        table, _ = measure_survey(find_clips([clips]), options, parts)
        assert table.num_rows == 4 * len(options.mechanisms)
        return len(counted)
    assert (measured(), measured()) == (3, 0), "the same content is measured once"
    (clips / "001.gif").rename(clips / "renamed.gif")
    assert measured() == 0
    (clips / "002.gif").write_bytes((clips / "002.gif").read_bytes() + b"\0")
    assert measured() == 1
    assert measured(SurveyOptions(("softmax",), patches=5, frames=2)) == 4 - 1
    for path in parts.glob("*.json"):
        path.write_text("{")
    assert measured() == 3, "a damaged part is no part"


def test_a_worker_with_other_code_refuses() -> None:
    with pytest.raises(ValueError, match="has another linviz"):
        run_clip(ClipTask(ClipName("coffee"), SMALL, ".", "0123"))


def test_names_travel_and_no_code(tmp_path: Path) -> None:
    task = ClipTask(ClipName("a.gif", str(tmp_path / "a.gif")), SMALL, str(tmp_path), "0123")
    sent = pickle.dumps((run_clip, task))
    assert len(sent) < 700 and b"run_clip" in sent and b"def " not in sent


def test_the_table_carries_units_and_options(tmp_path: Path) -> None:
    assert main(["survey", "coffee", "--patches", "5", "--out", str(tmp_path / "a.parquet")]) == 0
    table = read_survey(tmp_path / "a.parquet")
    for name in set(number_columns()) & set(MEASURES):
        told = {key.decode(): text.decode() for key, text in table.schema.field(name).metadata.items()}
        assert (told["title"], told.get("unit", "")) == (MEASURES[name].title, MEASURES[name].unit)
    assert table.column_names == [column.name for column in survey_columns()]
    assert table_options(table)["patches"] == 5
    record = json.loads((tmp_path / "a.run.json").read_text())
    assert record["clips"][0][0] == "coffee" and record["versions"]["torch"] == torch.__version__.partition("+")[0]


def test_python_s_table_is_the_command_s(tmp_path: Path) -> None:
    assert main(["survey", "coffee", "pan", "--mechanism", "linear", "--patches", "5", "--frames", "2", "--out",
                 str(tmp_path / "a.parquet")]) == 0
    frame = linviz.survey(["coffee", "pan"], "linear", patches=5, frames=2)
    assert frame.equals(read_survey(tmp_path / "a.parquet").to_pandas())


def test_spreads_have_n_and_leave_out_what_is_missing() -> None:
    numbers = {"softmax": [(4.0, 0.5), (5.0, None), (9.0, None)], "delta": [(1.0, None), (2.0, None), (6.0, None)]}
    rows = [{"clip": str(n), "layer": 2, "head": 1, "mechanism": name, "effective_rank": rank, "mass": mass}
            for name, found in numbers.items() for n, (rank, mass) in enumerate(found)]
    table = rows_table([*rows, {"clip": "cut", "why": "it is cut"}], table_schema(SMALL, "0"))
    [soft] = survey_spreads(table, "mass")
    assert (soft.mechanism, soft.n, soft.missing, soft.place) == ("softmax", 1, 2, "layer 2, head 1")
    assert math.isnan(soft.low) and soft.quartiles == (0.5,) * 5
    first, second = survey_spreads(table, "effective_rank")
    assert [(one.mechanism, one.n, one.mean) for one in (first, second)] == [("softmax", 3, 6.0), ("delta", 3, 3.0)]
    reach = 4.302653 * 2.645751 / 3 ** 0.5     # t of two degrees of freedom, the deviation of 1, 2, 6
    assert (second.low, second.high) == pytest.approx((3 - reach, 3 + reach), abs=1e-5)
    assert second.quartiles == (1.0, 1.5, 2.0, 4.0, 6.0) and missing_reasons(table) == {"it is cut": 1}


def test_a_plugin_is_the_only_code_and_its_mechanism_is_measured(tmp_path: Path) -> None:
    from linviz.mechanisms import REGISTRY
    (tmp_path / "own.py").write_text(
        "from linviz.mechanisms import REGISTRY\nREGISTRY['survey_twin'] = REGISTRY['uniform']\n", "utf-8")
    try:
        found = linviz.survey("coffee", "survey_twin", "uniform", patches=7, plugin=tmp_path / "own.py")
        assert found.entropy[0] == found.entropy[1]
    finally:
        REGISTRY.pop("survey_twin", None)
        clip_rows.run_plugin.cache_clear()
    (tmp_path / "bad.py").write_text("1 / 0", "utf-8")
    with pytest.raises(ValueError, match="the plug-in fails: ZeroDivisionError"):
        linviz.survey("coffee", plugin=tmp_path / "bad.py")


def test_ctrl_c_leaves_what_is_done_and_says_how_to_go_on(tmp_path: Path, monkeypatch, capsys) -> None:
    clips, real = write_clips(tmp_path / "clips", 3), part_files.clip_rows

    def stopped(*given: object) -> list[Row]:
        if list((tmp_path / "a.parts").glob("*.json")):
            raise KeyboardInterrupt
        return real(*given)
    monkeypatch.setattr(part_files, "clip_rows", stopped)
    words = ["survey", str(clips), "--patches", "5", "--out", str(tmp_path / "a.parquet")]
    assert main(words) == 130
    assert "1 of 3 clips" in (said := capsys.readouterr().out) and "the same command goes on" in said
    monkeypatch.setattr(part_files, "clip_rows", real)
    assert main(words) == 0 and read_survey(tmp_path / "a.parquet").num_rows == 6


def test_list_and_limit_and_show(tmp_path: Path, capsys) -> None:
    write_clips(tmp_path / "clips", 3)
    words = ["survey", str(tmp_path / "clips"), "--limit", "2"]
    assert main([*words, "--list"]) == 0 and capsys.readouterr().out == "000.gif\n001.gif\n"
    out = str(tmp_path / "a.parquet")
    assert main([*words, "--patches", "5", "--out", out]) == 0
    assert main(["survey", "--show", out, "--measure", "gini"]) == 0
    said = capsys.readouterr().out
    assert "Gini coefficient, over 2 clips" in said and "patch descriptors softmax" in said and "relu_floor" in said


@pytest.mark.parametrize("words, sentence", [
    (["nothing.mp4"], "no folder, no file and no sample"), (["coffee", "--mechanism", "dog"], "no mechanism called"),
    (["coffee", "coffee"], "two clips are called coffee"), (["coffee", "--limit", "0"], "--limit takes"),
    (["coffee", "--model", "gone.safetensors"], "gone"), (["coffee", "--out", "a.csv"], "ends in .parquet"),
    (["coffee", "--patches", "0"], "patches takes a whole number"), (["--show", "pyproject.toml"], "no Parquet file"),
    (["--show", "none.parquet"], "there is no such file"),
    (["--show", "none.parquet", "--measure", "dog"], "no measure"),
    (["coffee", "--dask", "nowhere"], "no scheduler of Dask answers"), (["linviz/maps"], "no picture and no video")])
def test_errors_say_what_to_do(words: list[str], sentence: str, capsys, monkeypatch) -> None:
    monkeypatch.setattr(task_runner, "PATIENCE", 1)
    assert main(["survey", *words]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("linviz: ") and sentence in said and "Traceback" not in said
