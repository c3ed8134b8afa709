"""The book's pages, made without running anything: text, formulas, links, exercises, and what they ask for."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from linviz.course import formulas
from notebooks import book
from notebooks.chapter_html import chapter_html
from notebooks.living_run import run_for_book
from tests.cases import every_case

from .books import BOOKS, NAMES, PLOTLY, code, load, outputs

pytestmark = pytest.mark.browser  # all beside those that drive one, in one process: the book is printed once


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book, printed once, with nothing run."""
    place = tmp_path_factory.mktemp("book")
    book.write(place, edition=book.Edition(still=True))
    return place


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, BeautifulSoup]:
    """Every chapter's page, read once, without data and pictures."""
    texts = {name: re.sub("<script type=.*?</script>|data:image[^\"]*", "", (folder / f"{name}.html").read_text(),
                          flags=re.S) for name in NAMES}
    return {name: BeautifulSoup(text, "html.parser") for name, text in texts.items()}


def test_every_chapter_has_a_page(folder: Path) -> None:
    index = (folder / "index.html").read_text()
    assert sorted(p.stem for p in folder.glob("[0-9]*.html")) == sorted(NAMES)
    assert all(f'href="{name}.html"' in index for name in NAMES)
    assert not list(folder.glob("*.part"))


@every_case("name", NAMES)
def test_no_formula_is_left_as_typed(pages: dict[str, BeautifulSoup], name: str) -> None:
    soup = pages[name]
    assert soup.find("math") is not None
    dollars = soup.find_all(string=re.compile(r"\$"))
    assert not [t for t in dollars if not t.find_parents(("code", "pre", "script", "style", "annotation"))]


@every_case("name", NAMES)
def test_a_page_asks_for_nothing_and_every_figure_has_words(pages: dict[str, BeautifulSoup], name: str) -> None:
    """What the browser is asked about some pages, read off all."""
    soup = pages[name]
    asked = [tag for tag in soup.find_all(["script", "link", "img", "iframe", "source"])
             if re.match("(https?:)?//", str(tag.get("src") or tag.get("href") or ""))]
    drawn = soup.find_all(class_="plot")
    assert not asked and len(drawn) == sum(PLOTLY in o.get("data", {}) for _, o in outputs(load(name, "solution")))
    assert all(figure.get("aria-label") for figure in drawn)
    assert all(picture.get("alt") for picture in soup.find_all("img"))
    assert len({tag["id"] for tag in soup.find_all(id=True)}) == len(soup.find_all(id=True))


@every_case("name", NAMES)
def test_a_link_to_a_chapter_leads_to_its_page(pages: dict[str, BeautifulSoup], folder: Path, name: str) -> None:
    soup = pages[name]
    links = [str(link["href"]) for link in soup.find_all("a", href=True)]
    beside = [link for link in links if not link.startswith(("http:", "https:", "#"))]
    assert beside and all((folder / file.partition("#")[0]).exists() for file in beside)
    assert all(soup.find(id=link[1:]) for link in links if link.startswith("#"))


def words_of(soup: BeautifulSoup) -> str:
    return " ".join(soup.get_text().split())


@every_case("name", NAMES)
def test_exercises_have_text_and_hints_and_no_solution(pages: dict[str, BeautifulSoup], name: str) -> None:
    soup, words = pages[name], words_of(pages[name])
    learner, solution = (code(load(name, kind)) for kind in ("learner", "solution"))
    answers = [n for n, cell in enumerate(learner) if cell.metadata.get("tags", [""])[0].startswith("answer:")]
    assert len(soup.select(".exercise .work")) == len(answers) > 0
    assert len(soup.find_all("summary", string=re.compile("^Hint"))) == 3 * len(answers)
    for n in answers:
        assert " ".join(learner[n].source.split()) in words
        assert " ".join(solution[n].source.split()) not in words


def test_teachers_have_solutions_folded() -> None:
    name = NAMES[0]
    text = chapter_html(name, load(name, "learner"), load(name, "solution"), set(NAMES), solutions=True)
    words = words_of(BeautifulSoup(text, "html.parser"))
    solved = [cell for cell in code(load(name, "solution")) if cell.metadata.get("tags", [""])[0].startswith("answer:")]
    assert text.count("<summary>Solution of exercise") == len(solved) > 0
    assert all(" ".join(cell.source.split()) in words for cell in solved) and "✓" in words


def test_a_page_that_is_up_to_date_is_not_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book.Page, "html", lambda *given: "made again")
    page = book.Page(BOOKS / f"{NAMES[0]}.ipynb")
    others = [book.Page(BOOKS / f"{name}.ipynb") for name in NAMES]
    still, living = book.Edition(still=True), book.Edition()
    assert "made again" not in book.page_text(folder / page.name, page, others, still)
    assert book.page_text(folder / page.name, page, others, living) == "made again"
    page.learner.cells[0].source += " "
    assert book.page_text(folder / page.name, page, others, still) == "made again"


def test_what_cannot_be_made_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    assert book.main([str(tmp_path), "--chapters", "99"]) == 1
    assert capsys.readouterr().err.startswith("linviz: there is no chapter 99; there are 0, 1, 2")

    def failing(solution: Any) -> Any:
        raise RuntimeError("cell c00-001 failed: ValueError: no")

    monkeypatch.setattr(book, "run_for_book", failing)
    assert book.main([str(tmp_path), "--chapters", "0"]) == 1
    said = capsys.readouterr().err
    assert said == "linviz: 00_start_here.ipynb: cell c00-001 failed: ValueError: no\n"
    assert not list(tmp_path.iterdir())


def test_a_cell_that_fails_stops_the_run() -> None:
    cells = [new_code_cell("from linviz.course import quizzes\nquizzes.start"), new_code_cell("1 / 0")]
    with pytest.raises(RuntimeError, match="failed: ZeroDivisionError: division by zero"):
        run_for_book(new_notebook(cells=cells))


PROMPT = "> **Predict.** How many?\n\nand\n\n> **Predict before you run.** Which?"


def test_numbers_of_predictions_come_from_their_cells_which_are_left_out() -> None:
    """The cells stand in both notebooks, or in the learner's alone; without them a key is made of the words."""
    box = [new_code_cell(f'predict("1.{n}")', metadata={"tags": [f"predict:1.{n}"]}) for n in (1, 2)]
    again = new_code_cell('show_prediction("1.1")', metadata={"tags": ["show_prediction:1.1"]})
    shown = new_code_cell("2", outputs=[nbformat.v4.new_output("stream", text="two")])
    plain = [new_markdown_cell(PROMPT), new_code_cell("1"), shown, new_markdown_cell("end")]
    told = [plain[0], *box, *plain[1:3], again, plain[3]]
    for learner, ran in ((told, told), (told, plain)):
        soup = BeautifulSoup(chapter_html("01_a", new_notebook(cells=learner), new_notebook(cells=ran), set()),
                             "html.parser")
        assert [one["data-key"] for one in soup.select(".prediction")] == ["1.1", "1.2"]
        assert [one["data-key"] for one in soup.select(".code:has(.output) ~ .predicted")] == ["1.1", "1.2"]
        assert "predict(" not in soup.get_text()
    text = chapter_html("01_a", new_notebook(cells=plain), new_notebook(cells=plain), set())
    soup = BeautifulSoup(text, "html.parser")
    assert len({one["data-key"] for one in soup.select(".prediction")}) == 2


def test_prices_and_code_are_no_formulas() -> None:
    soup = BeautifulSoup("<p>from $x_i$ to $$y$$</p><code>$z$</code><p>a price of \\$5</p>", "html.parser")
    formulas.replace_formulas(soup)
    assert len(soup.find_all("math")) == 2 and soup.code.string == "$z$" and "\\$5" in soup.get_text()
