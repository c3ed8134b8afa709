"""The course as a book: pages that need no server, no network and no Python, with living views, sliders and quizzes.

    python -m notebooks.book [FOLDER] [--chapters 0 13] [--solutions] [--still] [--force]

Every chapter is run once, since notebooks store only still pictures of views. A chapter whose page is up to date is
not run again. The default folder is `book`. All pages share one script and one library for figures.
"""
from __future__ import annotations

import argparse
import hashlib
import html
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from linviz.atomic_write import write_atomically
from linviz.safe_output import check_folder, one_line

from .book_parts import SHARED, contents_html, page_frame, sections_file, shared_files
from .book_sections import page_headings, page_sections
from .chapter_html import chapter_html, page_lead, page_title
from .living_run import coarsen_views, run_for_book

HERE = Path(__file__).resolve().parent
MARK = "<title>linviz: the course</title>"     # of an index.html that was made here
LARGEST = 4_000_000                             # bytes of a chapter's page
FEWER_BITS = (7, 5)                             # of the weights of a page that would be larger
MADE_WITH = re.compile(r'<meta name="made-with" content="(\w+)">')


@dataclass(frozen=True)
class Edition:
    """What kind of book is made: solutions folded in or left out; living, or run by nobody and still."""

    solutions: bool = False
    still: bool = False


@dataclass
class Page:
    """One chapter of the book: the learner's notebook gives its text, the solution its outputs."""

    path: Path
    learner: Any = field(init=False)

    def __post_init__(self) -> None:
        self.learner = nbformat.read(self.path, as_version=4)
        self.title = page_title(self.learner)

    @property
    def name(self) -> str:
        """The name of the page's file."""
        return f"{self.path.stem}.html"

    @property
    def solution(self) -> Path:
        """The executed solution."""
        return self.path.parent / "solutions" / self.path.name

    def html(self, pages: Sequence[Page], edition: Edition) -> str:
        """The page, with links to the others. RuntimeError, in one sentence, if a cell fails."""
        ran = nbformat.read(self.solution, as_version=4)
        try:
            ran = ran if edition.still else run_for_book(ran)
        except RuntimeError as error:
            raise RuntimeError(f"{self.solution.name}: {error}") from None
        made = self.html_of(ran, pages, edition)
        for bits in FEWER_BITS:
            if len(made.encode()) <= LARGEST:
                break
            made = self.html_of(coarsen_views(ran, bits), pages, edition)
        return made

    def html_of(self, ran: Any, pages: Sequence[Page], edition: Edition) -> str:
        """The page with the outputs of an executed solution."""
        text = chapter_html(self.path.stem, self.learner, ran, {page.path.stem for page in pages}, edition.solutions)
        listed = contents_html([(page.name, page.title) for page in pages], self.name, page_headings(text)[1:])
        return page_frame(self.path.stem, self.title, listed, f"{text}{self.links(pages)}",
                          made_from=self.text_stamp(), made_with=self.stamp(pages, edition))

    def links(self, pages: Sequence[Page]) -> str:
        """The links to the chapters before and after this one."""
        at = list(pages).index(self)
        before, after = (pages[n] if 0 <= n < len(pages) else None for n in (at - 1, at + 1))
        back = f'<a href="{before.name}" rel="prev">← {html.escape(before.title)}</a>' if before else ""
        on = f'<a href="{after.name}" rel="next">{html.escape(after.title)} →</a>' if after else ""
        return f'<nav class="around" aria-label="Chapters before and after">{back}{on}</nav>'

    def text_stamp(self) -> str:
        """Changes with the cells of the chapter, in the learner's notebook or the solution."""
        solved = nbformat.read(self.solution, as_version=4)
        cells = [(cell.cell_type, cell.source) for book in (self.learner, solved) for cell in book.cells]
        return hashlib.blake2b(repr(cells).encode(), digest_size=8).hexdigest()

    def stamp(self, pages: Sequence[Page], edition: Edition) -> str:
        """Changes with everything that the page is made of: notebooks, linviz, the other chapters' titles, edition."""
        stamp = hashlib.blake2b(repr((self.text_stamp(), [page.title for page in pages], edition)).encode(),
                                digest_size=8)
        for path in source_files():
            stamp.update(path.read_bytes())
        return stamp.hexdigest()


def source_files() -> list[Path]:
    """The files of linviz and of the book, in order."""
    folders = (HERE.parent / "linviz", HERE / "book_files", HERE)
    return [path for folder in folders for pattern in ("*.py", "*.js", "*.toml", "*.css")
            for path in sorted(folder.rglob(pattern) if folder != HERE else folder.glob(pattern))]


def index_html(pages: Sequence[Page], edition: Edition, course: int) -> str:
    """The first page: what the book can do, and all its chapters."""
    items = "".join(f'<li><a href="{page.name}">{html.escape(page.title)}</a>{page_lead(page.learner)}</li>'
                    for page in pages)
    fewer = (f"<p>This folder holds {len(pages)} of the {course} chapters; <code>python3 start.py book</code> writes "
             "all of them.</p>" if len(pages) < course else "")
    living = "Pictures and sliders are still in this edition." if edition.still else (
        "The pictures are alive: move the mouse over them, click, or use the arrow keys. Sliders move figures that "
        "were computed beforehand.")
    solved = ("Solutions are folded under the exercises." if edition.solutions else
              "Their checks and solutions need the notebooks: <code>python3 start.py lab</code>.")
    text = (f"<h1>linviz: the course</h1><p>An interactive textbook on linear attention for images and video.</p>"
            f"{fewer}<p>{living} Type your predictions: the browser keeps them, and nothing is sent anywhere.</p>"
            f"<p>Exercises have their hints. {solved} Links marked ↗ open the explorer, which needs Python too.</p>"
            f'<ol class="chapters">{items}</ol>')
    return page_frame("", "linviz: the course", contents_html([(page.name, page.title) for page in pages]), text)


def write(folder: Path, force: bool = False, chapters: Iterable[int] = (), edition: Edition = Edition()) -> list[Path]:
    """Write the book, over a former one or into a folder that has no files of these names, unless `force` is given.

    chapters  numbers of the chapters; none: all.

    ValueError, in one sentence, if there are such files or no such chapters; RuntimeError if a chapter fails.
    """
    course = [Page(path) for path in sorted(HERE.glob("[0-9]*.ipynb"))]
    pages = chosen_pages(course, set(chapters))
    check_folder(folder, [*SHARED, "index.html", *(page.name for page in pages)], MARK, force)
    texts = {}
    for page in pages:
        texts[page.name] = page_text(folder / page.name, page, pages, edition)
        write_atomically(folder / page.name, texts[page.name], folder=True)
    texts |= shared_files() | {"sections.js": sections_file(found_sections(pages, texts)),
                               "index.html": index_html(pages, edition, len(course))}
    return [write_atomically(folder / name, text, folder=True) for name, text in texts.items()]


def chosen_pages(course: list[Page], numbers: set[int]) -> list[Page]:
    """The chapters of these numbers, or all. ValueError, in one sentence, if one does not exist or is not executed."""
    known = {int(page.path.stem.split("_")[0]): page for page in course}
    if unknown := numbers - known.keys():
        raise ValueError(f"there is no chapter {min(unknown)}; there are {', '.join(map(str, known))}")
    pages = [page for number, page in known.items() if not numbers or number in numbers]
    missing = [page.solution.name for page in pages if not page.solution.exists()]
    if missing or not pages:
        raise ValueError(f"{', '.join(missing) or HERE} has no executed solution; make it with notebooks/build.py")
    return pages


def page_text(path: Path, page: Page, pages: Sequence[Page], edition: Edition) -> str:
    """The page as it lies in the folder, if it is up to date, or made anew."""
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    stamp = MADE_WITH.search(old)
    if stamp and stamp[1] == page.stamp(pages, edition):
        return old
    print(f"chapter {page.title}", flush=True)
    made = page.html(pages, edition)
    if len(made.encode()) > LARGEST:
        print(f"linviz: {page.name} has {len(made.encode()) / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}; its views "
              "need smaller grids or fewer panels", file=sys.stderr)
    return made


def found_sections(pages: Sequence[Page], texts: dict[str, str]) -> list[tuple[str, str, str, str, str]]:
    """What the search looks through: every section of every page."""
    return [(page.name, address, page.title, heading, words) for page in pages
            for address, heading, words in page_sections(texts[page.name])]


def main(arguments: list[str] | None = None) -> int:
    """Write the book; print its folder and its size."""
    parser = argparse.ArgumentParser(description="Write the course as pages that open without a server.")
    parser.add_argument("folder", nargs="?", type=Path, default=HERE.parent / "book")
    parser.add_argument("--chapters", nargs="+", type=int, default=(), metavar="N", help="only these chapters")
    parser.add_argument("--solutions", action="store_true", help="fold the solutions in: an edition for teachers")
    parser.add_argument("--still", action="store_true", help="run nothing: views and sliders as still pictures")
    parser.add_argument("--force", action="store_true", help="replace files that are not of a former book")
    given = parser.parse_args(arguments)
    try:
        files = write(given.folder, given.force, given.chapters, Edition(given.solutions, given.still))
    except (ValueError, OSError, RuntimeError) as error:
        print(f"linviz: {one_line(str(error))}", file=sys.stderr)
        return 1
    sizes = {path.name: path.stat().st_size / 1e6 for path in files}
    print(f"{len(files) - len(SHARED) - 1} chapters, {sum(sizes.values()):.1f} MB with {sizes['plotly.js']:.1f} MB of "
          f"plotly, in {given.folder}; open {given.folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
