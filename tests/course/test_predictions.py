"""Predictions: what is typed is kept, shown again, handed to the teacher without points, and never lost."""
from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from linviz.cli import main
from linviz.course import predict, prediction_box, show_prediction
from linviz.course.chapter_source import cell_tags, read_chapter, tag_number
from linviz.course.prediction_cells import add_prediction_cells, is_prediction_cell, numbered_prompts
from linviz.course.prediction_file import OTHER_FILE, read_predictions, store_prediction
from linviz.grade.prediction_sheet import prediction_rows

BOOKS = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted((BOOKS / "src").glob("[0-9]*.py"))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a notebook in a folder of its own."""
    monkeypatch.delenv(OTHER_FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prediction_box, "SHOWN", {})
    return tmp_path / "predictions.json"


# ---------------------------------------------------------------- the box


def test_every_letter_is_kept_and_comes_back(file: Path) -> None:
    box = predict("4.2")
    assert box.text.value == "" and not file.exists() and "nobody marks it" in box.note.value
    for words in ("a", "ab", "about 50 % <of> \"all\" ünï\nand more"):
        box.text.value = words
        assert read_predictions(file)["4.2"].words == words
    predict("4.10", "none")
    assert predict("4.2").text.value == words and list(read_predictions(file)) == ["4.2", "4.10"]
    data = predict("4.2")._repr_mimebundle_()
    assert "&lt;of&gt;" in data["text/html"] and words in data["text/plain"] and any("widget" in key for key in data)


def test_running_a_cell_again_loses_nothing(file: Path) -> None:
    predict("4.2", "all of them")
    predict("4.2").text.value = "fifty"
    for _ in range(3):      # the cell still says what it said
        assert predict("4.2", "all of them").text.value == "all of them"
    found = read_predictions(file)["4.2"]
    assert found.words == "all of them" and found.earlier == ("fifty",)
    assert predict("4.2", "").text.value == predict("4.2").text.value == "all of them"
    predict("4.2", "three")
    assert read_predictions(file)["4.2"].earlier == ("fifty", "all of them")


def test_words_are_shown_again_and_follow_the_box(file: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(prediction_box.DisplayHandle, "update", lambda self, words: shown.append(words))
    box = predict("4.2", "fifty")
    show_prediction("4.2")
    show_prediction("4.3")
    said = capsys.readouterr().out.splitlines()
    assert said == ["You predicted (4.2): fifty", "You have not written prediction 4.3."]
    box.text.value = "sixty < 70\nor so"
    assert list(map(repr, shown)) == ["You predicted (4.2): sixty < 70\nor so"]
    assert "sixty &lt; 70<br>or so" in shown[0]._repr_html_()


@pytest.mark.parametrize("number", ["4", 4.2, "4.2.1", "", "cat", "../x", None], ids=str)
def test_a_wrong_number_and_words_without_quotes_get_one_sentence(file: Path, number: Any) -> None:
    for ask in (predict, show_prediction):
        with pytest.raises(ValueError, match="a prediction has a number in quotes"):
            ask(number)
    with pytest.raises(ValueError, match=r"write a prediction in quotes.*got 50"):
        predict("4.2", 50)
    assert not file.exists()


# ---------------------------------------------------------------- a broken file


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"4.2": {"words": 3}}'],
                         ids=lambda text: repr(text[:8]))
def test_a_damaged_file_is_one_sentence_and_is_kept(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    box = predict("4.2")                                # to look at it changes nothing
    assert file.read_bytes() == text and box.text.value == ""
    box.text.value = "fifty"
    assert "it is kept as predictions.json.bak, and a new file was begun." in box.note.value
    assert box.note.value.count("predictions.json is damaged") == 1
    assert file.with_name("predictions.json.bak").read_bytes() == text
    box.text.value = "fifty-one"
    assert read_predictions(file)["4.2"].words == "fifty-one" and "nobody marks" in box.note.value
    assert len(list(file.parent.iterdir())) == 2


def test_an_entry_of_another_form_is_passed_over_and_stays(file: Path) -> None:
    strange = {"4.9": 7, "x": {"words": "y", "earlier": []}, "4.8": {"words": "kept", "earlier": []}}
    file.write_text(json.dumps(strange))
    predict("4.2", "fifty")
    assert [*read_predictions(file)] == ["4.2", "4.8"]
    assert json.loads(file.read_text()) == strange | {"4.2": {"words": "fifty", "earlier": []}}


def test_a_file_that_cannot_be_written_is_said_and_the_words_stay_in_the_box(file: Path) -> None:
    file.mkdir()
    box = predict("4.2")
    box.text.value = "fifty"
    assert "These words are not stored: predictions.json cannot be read" in box.note.value and box.text.value == "fifty"
    file.rmdir()
    box.path = file.parent / "no folder" / "predictions.json"
    box.text.value = "fifty-one"
    assert "These words are not stored: cannot write" in box.note.value and box.text.value == "fifty-one"


# ---------------------------------------------------------------- learner and teacher read them


def test_progress_prints_predictions_below_their_prompts(file: Path, capsys) -> None:
    (file.parent / "14_neighbours.ipynb").write_bytes((BOOKS / "14_neighbours.ipynb").read_bytes())
    assert main(["progress", "--predictions", str(file.parent)]) == 0
    assert "has no predictions yet" in capsys.readouterr().out
    store_prediction(file, "14.1", "nothing\nat all")
    assert main(["progress", "--predictions", str(file.parent)]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("14.1  What happens to the picture") and rest == ["      nothing", "      at all"]
    assert main(["progress", str(file.parent)]) == 0 and " 0 of " in capsys.readouterr().out
    file.write_text("{")
    assert main(["progress", "--predictions", str(file.parent)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_class_becomes_a_sheet_without_points(tmp_path: Path, capsys) -> None:
    handed, out, sheet = tmp_path / "handed", tmp_path / "grades.csv", tmp_path / "predictions.csv"
    (handed / "ada").mkdir(parents=True)
    (handed / "bob").mkdir()
    for name in ("ada/14_neighbours.ipynb", "bob/14_neighbours.ipynb", "cy_14_neighbours.ipynb"):
        (handed / name).write_bytes((BOOKS / "14_neighbours.ipynb").read_bytes())
    store_prediction(handed / "ada" / "predictions.json", "14.1", "=1+1")
    store_prediction(handed / "ada" / "predictions.json", "14.1", "nothing", keep=True)
    (handed / "bob" / "predictions.json").write_text("{")
    store_prediction(handed / "cy_predictions.json", "14.10", "two\nlines")
    assert main(["grade", str(handed), "-o", str(out), "--predictions", str(sheet)]) == 0
    rows = list(csv.DictReader(sheet.open(encoding="utf-8-sig")))
    assert [(r["person"], r["number"], r["prediction"], r["earlier"]) for r in rows] == [
        ("ada", "14.1", "nothing", "'=1+1"), ("bob", "", "", ""), ("cy", "14.10", "two lines", "")]
    assert rows[0]["prompt"].startswith("What happens to the picture") and "is damaged" in rows[1]["note"]
    graded = list(csv.DictReader(out.open(encoding="utf-8-sig")))
    assert [r["person"] for r in graded] == ["ada", "bob", "cy"] and not any(r["note"] for r in graded)
    for other in (out, handed / "x.csv"):       # never over the grades, nor among what was handed in
        assert main(["grade", str(handed), "-o", str(out), "--force", "--predictions", str(other)]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("linviz: cannot write")
    (handed / "link_predictions.json").symlink_to(handed / "cy_predictions.json")
    assert len(list(prediction_rows(handed, {}))) == 3


# ---------------------------------------------------------------- the cells of the notebooks


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_prompt_has_its_box_and_its_words_again(source: Path) -> None:
    chapter = read_chapter(source)
    prompts = {number: text for _, number, text in numbered_prompts(chapter.number, chapter.cells)}
    assert len(prompts) == source.read_text("utf-8").count("# > **Predict")
    for cells in (nbformat.read(folder / f"{source.stem}.ipynb", 4).cells for folder in (BOOKS, BOOKS / "solutions")):
        boxes, again = ({tag_number(c, kind): n for n, c in enumerate(cells) if tag_number(c, kind)}
                        for kind in ("predict", "show_prediction"))
        assert list(boxes) == list(prompts) and set(again) == set(prompts)
        for number, n in boxes.items():
            asked = next(c for c in reversed(cells[:n]) if c.cell_type == "markdown")
            assert "> **Predict" in asked.source and prompts[number][:20] in " ".join(asked.source.replace("\n> ", " ")
                                                                                      .split())
            assert cells[n].metadata.linviz.prompt == prompts[number] and cells[n].source.endswith(f'("{number}")')
            came = [c for c in cells[n + 1:again[number]] if c.cell_type == "code" and not is_prediction_cell(c)]
            assert came and tag_number(came[-1], "answer") is None


def test_cells_are_placed_around_what_shows_something() -> None:
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [text("> **Predict.** How many?\n\n> **Predict before you run.** Which?"), code("x = 3"),
             code("f()", metadata={"tags": ["answer:7.1"]}), text("Then"), code("say('3')\nassert x"), code("x")]
    tags = [cell_tags(c) or [c.source] for c in add_prediction_cells(7, cells)]
    assert [t for [t] in tags] == [cells[0].source, "predict:7.1", "predict:7.2", "x = 3", "answer:7.1", "Then",
                                   "say('3')\nassert x", "show_prediction:7.1", "show_prediction:7.2", "x"]
    with pytest.raises(ValueError, match="chapter 7 asks for prediction 7.1, and no cell after it shows something"):
        add_prediction_cells(7, cells[:3])
