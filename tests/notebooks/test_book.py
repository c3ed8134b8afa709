"""The course as pages: whole without a server, a script from elsewhere or a network; every figure and formula drawn."""
from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from notebooks import book
from tests.cases import every_case

from .books import NAMES, PLOTLY, load, outputs

pytestmark = pytest.mark.browser  # all beside those that drive one, in one process: the book is printed once


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book, printed once."""
    place = tmp_path_factory.mktemp("book")
    book.write(place)
    return place


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, BeautifulSoup]:
    """Every chapter's page, read once."""
    return {name: BeautifulSoup((folder / f"{name}.html").read_text(), "html.parser") for name in NAMES}


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


@pytest.fixture(scope="module")
def offline(chromium: Any) -> Iterator[Any]:
    """A browser without a network, for all pages: what the first has compiled, the others need not."""
    context = chromium.new_context(offline=True)
    yield context
    context.close()


OPENED = ("00_start_here", "05_causal_recurrent", "13_feature_fixation")     # the night opens the others, too


@pytest.mark.parametrize("name", [
    name if name in OPENED else pytest.param(name, marks=pytest.mark.nightly) for name in NAMES])
def test_a_page_opens_without_a_network(folder: Path, offline: Any, name: str) -> None:
    page, seen = offline.new_page(), []
    page.on("console", lambda said: said.type == "error" and seen.append(said.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda request: request.url.startswith("http") and seen.append(request.url))
    page.goto((folder / f"{name}.html").as_uri())
    figures = sum(PLOTLY in o.get("data", {}) for _, o in outputs(load(name, "solution")))
    page.wait_for_function("n => document.querySelectorAll('.js-plotly-plot .main-svg').length >= n", arg=figures)
    unnamed = page.locator(".plotly-graph-div:not([aria-label]), .plotly-graph-div[aria-label='']").count()
    page.close()
    assert (seen, unnamed) == ([], 0)


@every_case("name", NAMES)
def test_a_page_asks_for_nothing_and_every_figure_has_words(pages: dict[str, BeautifulSoup], name: str) -> None:
    """What the browser is asked about some pages, read off all."""
    soup = pages[name]
    asked = [tag for tag in soup.find_all(["script", "link", "img", "iframe", "source"])
             if re.match("(https?:)?//", str(tag.get("src") or tag.get("href") or ""))]
    drawn = soup.find_all(class_="plotly-graph-div")
    assert not asked and len(drawn) == sum(PLOTLY in o.get("data", {}) for _, o in outputs(load(name, "solution")))
    assert all(figure.get("aria-label") for figure in drawn)


@every_case("name", NAMES)
def test_a_link_to_a_chapter_leads_to_its_page(folder: Path, name: str) -> None:
    links = re.findall(r'<a [^>]*href="([^"#]+)', (folder / f"{name}.html").read_text())
    beside = [link for link in links if not link.startswith(("http:", "https:"))]
    assert beside and all((folder / file).exists() for file in beside)


def test_prices_and_code_are_no_formulas() -> None:
    soup = BeautifulSoup("<p>from $x_i$ to $$y$$</p><code>$z$</code><p>a price of \\$5</p>", "html.parser")
    book.replace_formulas(soup)
    assert len(soup.find_all("math")) == 2 and soup.code.string == "$z$" and "\\$5" in soup.get_text()
