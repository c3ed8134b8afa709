"""The book without Python: every view, slider, quiz, prediction and the search work, from a disk and from a server."""
from __future__ import annotations

import contextlib
import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notebooks import book
from notebooks.book_parts import shared_files

from ..explorer.test_accessibility import FOUND
from .books import NAMES, PLOTLY, ROOT, load, outputs
from .living_pages import ALIVE, VIEW, check_hover, enliven_all, open_page
from .shown_views import shown_views, view_outputs, write_living_page

pytestmark = pytest.mark.browser
DOCS = ROOT / "docs" / "book"
START, GATE = DOCS_NAMES = ("00_start_here", "13_feature_fixation")
DARK_PAPER = "rgb(14, 17, 23)"
LARGEST = 4_000_000  # bytes of a chapter's page, and of docs/book


def by_day(names: list[str]) -> list[Any]:
    """Names as parameters: the chapters of docs/book by day, all others at night."""
    return [name if name in DOCS_NAMES else pytest.param(name, marks=pytest.mark.nightly) for name in names]


@pytest.fixture(scope="module")
def whole_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book of all chapters, each run once."""
    folder = tmp_path_factory.mktemp("living")
    book.write(folder)
    return folder


@pytest.fixture(scope="module")
def gate_page(chromium: Any) -> Iterator[Any]:
    """Chapter 13 of docs/book, opened from a disk without a network."""
    with open_page(chromium, f"{DOCS.as_uri()}/{GATE}.html", DOCS.as_uri(), offline=True) as page:
        yield page


@pytest.fixture(scope="module")
def start_page(chromium: Any) -> Iterator[Any]:
    """Chapter 0 of docs/book, opened from a disk without a network."""
    with open_page(chromium, f"{DOCS.as_uri()}/{START}.html", DOCS.as_uri(), offline=True) as page:
        yield page


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that prints nothing."""

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextlib.contextmanager
def serving_folder(folder: Path) -> Iterator[str]:
    """The address of a server of this folder, on this machine."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


# ---------------------------------------------------------------- what is alive


@pytest.mark.parametrize("name", by_day(NAMES))
def test_a_hover_draws_the_rows_of_the_map(chromium: Any, tmp_path: Path, name: str) -> None:
    views = shown_views(name)
    assert len(views) == len(view_outputs(load(name, "solution")))
    page_file = write_living_page(tmp_path, name, views)
    with open_page(chromium, page_file.as_uri(), tmp_path.as_uri(), offline=True) as page:
        for number, view in enumerate(views):
            grid = view._still[2]
            check_hover(page, number, view, grid.number(0, grid.Y // 3, grid.X // 4))


def count_living(name: str) -> tuple[int, int]:
    """How many views a chapter has, and how many figures with or without a slider."""
    solution = load(name, "solution")
    return len(view_outputs(solution)), sum(PLOTLY in o.get("data", {}) for _, o in outputs(solution))


def check_living(page: Any, name: str) -> None:
    """Everything on a chapter's page is alive, as many as the notebook has; a slider of each kind moves."""
    views, figures = count_living(name)
    assert enliven_all(page) == views + figures
    assert page.locator(f".view{ALIVE}").count() == views
    assert page.locator(".js-plotly-plot .main-svg:first-child").count() == figures
    sliders = load(name, "solution")
    assert page.locator(".slider").count() == sum("Live(" in cell.source for cell in sliders.cells)
    for slider in page.locator(".slider").all():
        check_slider(slider)


def check_slider(slider: Any) -> None:
    """At each end of a slider there is another figure, with its own words."""
    words = set()
    for key in ("Home", "End"):
        slider.locator("input").press(key)
        shown = slider.locator("output").inner_text()
        assert slider.locator("input").get_attribute("aria-valuetext") == shown
        words.add((shown, slider.locator(".plot").get_attribute("aria-label")))
    assert len(words) == 2


def test_a_chapter_is_alive_from_a_disk(gate_page: Any) -> None:
    check_living(gate_page, GATE)


def test_a_chapter_is_alive_from_a_server(chromium: Any) -> None:
    with serving_folder(DOCS) as url, open_page(chromium, f"{url}/index.html", url) as page:
        page.locator("main").get_by_role("link", name="Start here").click()
        check_living(page, START)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_every_chapter_is_alive_and_small(chromium: Any, whole_book: Path, name: str) -> None:
    with open_page(chromium, f"{whole_book.as_uri()}/{name}.html", whole_book.as_uri(), offline=True) as page:
        check_living(page, name)
    assert (whole_book / f"{name}.html").stat().st_size < LARGEST


def test_a_view_takes_keys_clicks_and_its_slider(gate_page: Any) -> None:
    view = gate_page.locator(".living.view").first
    view.scroll_into_view_if_needed()
    before = gate_page.evaluate(f"{VIEW.format(0)}.state.query")
    view.locator(".view[role=application]").press("ArrowDown")
    assert gate_page.evaluate(f"{VIEW.format(0)}.state.query") == before + 28
    view.locator(".stage").first.click(position={"x": 5, "y": 5})
    assert gate_page.evaluate(f"{VIEW.format(0)}.state.query") == 0
    bits = gate_page.evaluate(f"{VIEW.format(0)}.measures[2].bits")
    view.get_by_label("gate strength").press("Home")
    gate_page.evaluate(f"{VIEW.format(0)}.draw()")
    assert gate_page.evaluate(f"{VIEW.format(0)}.state.strength") == 0
    assert gate_page.evaluate(f"{VIEW.format(0)}.measures[2].bits") > bits + 1


def test_a_sliders_figure_is_the_one_of_its_setting(gate_page: Any) -> None:
    slider = gate_page.locator(".slider")
    drawn = "document.querySelector('.slider .plot')"
    for _ in range(2):
        slider.locator("input").press("Home")
        slider.locator("input").press("ArrowRight")
        name = f"strength {slider.locator('output').inner_text()}"
        slider.get_by_text(name).first.wait_for()
        assert gate_page.evaluate(f"{drawn}.data.at(-1).name").endswith(name)
        assert name.split()[-1] in slider.locator(".plot").get_attribute("aria-label")


# ---------------------------------------------------------------- what a reader does


def test_a_quiz_answers(gate_page: Any) -> None:
    for question in gate_page.locator(".quiz fieldset").all():
        for right in ("true", "false"):
            choice = question.locator(f"input[data-right={right}]").first
            choice.check()
            why = question.get_by_role("status").inner_text()
            assert why.startswith("✓ Right." if right == "true" else "✗ Not this one.")
            assert " ".join(choice.get_attribute("data-why").split()) in why


def test_a_prediction_is_kept_and_shown_again(start_page: Any) -> None:
    prompts = [text for text in start_page.locator("blockquote").all_inner_texts() if text.startswith("Predict")]
    assert start_page.locator(".prediction").count() == len(prompts) == start_page.locator(".predicted").count()
    words = "the other eye <b>& its corner</b>"
    start_page.locator(".prediction textarea").first.fill(words)
    start_page.reload()
    assert start_page.locator(".prediction textarea").first.input_value() == words
    again = start_page.locator(".predicted").first
    assert again.inner_text() == f"You predicted: {words}" and start_page.locator(".predicted").nth(1).is_hidden()
    order = "([a, b]) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING"
    view = start_page.locator(".living.view").first.element_handle()
    assert start_page.evaluate(order, [view, again.element_handle()]), "it stands below what came"
    start_page.locator(".prediction textarea").first.fill("")
    assert again.is_hidden()


def test_the_search_finds_sections_of_all_chapters(gate_page: Any) -> None:
    gate_page.locator("h1").click()
    gate_page.keyboard.press("/")
    field = gate_page.get_by_role("searchbox", name="Search all chapters")
    field.press_sequentially("repainted colours")
    gate_page.locator("#results a").first.wait_for()
    links = gate_page.locator("#results a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert "00_start_here.html#3-what-attention-does" in links and gate_page.locator("#results mark").count()
    field.fill("zebra")
    gate_page.get_by_text("nothing found").wait_for()
    field.press("Escape")
    assert gate_page.locator(".results").is_hidden()
    field.fill("fixation ratios")
    gate_page.locator("#results a", has_text="Fixation ratios").first.click()
    gate_page.wait_for_url("**#exercise-13-2-fixation-ratios")
    field.fill("")


def test_dark_is_chosen_and_kept(start_page: Any) -> None:
    def paper() -> Any:
        return start_page.evaluate("getComputedStyle(document.body).backgroundColor")

    chart = start_page.locator(".chart").last
    chart.scroll_into_view_if_needed()
    chart.locator(".main-svg").first.wait_for()
    light = paper()
    start_page.get_by_role("button", name="Dark").click()
    assert paper() != light
    chart.locator(f"[style*='{DARK_PAPER}']").first.wait_for()
    start_page.reload()
    assert start_page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true" and paper() != light
    start_page.get_by_role("button", name="Dark").click()
    assert paper() == light


def test_paper_shows_still_pictures(start_page: Any) -> None:
    start_page.emulate_media(media="print", color_scheme="dark")
    assert all(still.is_visible() for still in start_page.locator(".living .still").all())
    assert not any(start_page.locator(hidden).first.is_visible() for hidden in (".top", ".contents", ".living .live"))
    assert start_page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    start_page.emulate_media(media="null", color_scheme="null")


@pytest.mark.parametrize("name", by_day([START]) + [pytest.param(GATE, marks=pytest.mark.nightly)])
def test_a_telephone_scrolls_in_one_direction(chromium: Any, name: str) -> None:
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 800}}
    with open_page(chromium, f"{DOCS.as_uri()}/{name}.html", DOCS.as_uri(), offline=True, **options) as page:
        enliven_all(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator(".contents details").first.get_attribute("open") is None


def test_without_scripts_everything_is_a_still_picture(chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(f"{DOCS.as_uri()}/{START}.html")
    assert page.locator(".living .still").count() == page.locator(".living").count() == sum(count_living(START))
    assert all(still.is_visible() for still in page.locator(".living .still").all())
    context.close()


# ---------------------------------------------------------------- docs/book


def test_docs_are_todays_chapters_small_and_complete() -> None:
    again = "run .venv/bin/python -m notebooks.book docs/book --chapters 0 13"
    files = {path.name: path for path in DOCS.iterdir()}
    assert set(files) == {*book.SHARED, "index.html", *(f"{name}.html" for name in DOCS_NAMES)}
    assert sum(path.stat().st_size for path in files.values()) < LARGEST
    for name, text in shared_files().items():
        assert name == "plotly.js" or files[name].read_text(encoding="utf-8") == text, f"{name} is older: {again}"
    for name in DOCS_NAMES:
        stamp = book.Page(ROOT / "notebooks" / f"{name}.ipynb").text_stamp()
        assert f'content="{stamp}"' in files[f"{name}.html"].read_text(encoding="utf-8"), f"{name} is older: {again}"


@pytest.mark.nightly  # axe-core is fetched for it
@pytest.mark.parametrize("width, scheme", [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", ["index", *DOCS_NAMES])
def test_axe_finds_nothing_serious_in_the_book(chromium: Any, name: str, width: int, scheme: str) -> None:
    axe = os.environ.get("LINVIZ_AXE")
    assert axe, "LINVIZ_AXE names no axe.min.js: tools/nightly.sh fetches axe-core and runs this test"
    with open_page(chromium, f"{DOCS.as_uri()}/{name}.html", DOCS.as_uri(), offline=True, color_scheme=scheme) as page:
        page.set_viewport_size({"width": width, "height": 900})
        enliven_all(page)
        page.evaluate(Path(axe).read_text("utf-8"))
        assert page.evaluate(FOUND) == []
