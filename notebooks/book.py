"""The course as a book: every executed solution as an HTML page without server or network.

    python notebooks/book.py [FOLDER] [--force]     writes index.html, one page per chapter and plotly.min.js

The default folder is `book`. All pages share one plotly.js for their figures. Formulas are MathML, which browsers draw
without scripts. References to other servers are removed, and each page's security policy forbids such requests.
"""
from __future__ import annotations

import argparse
import html
import json
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from plotly.offline import get_plotlyjs

from linviz.atomic_write import write_atomically
from linviz.course.formulas import replace_formulas
from linviz.palette import MATH_FONTS
from linviz.safe_output import check_folder, one_line

HERE = Path(__file__).resolve().parent
SOLUTIONS = HERE / "solutions"
PLOTLY = "application/vnd.plotly.v1+json"
REMOTE = ("require_js_url", "mathjax_url", "mermaid_js_url", "jquery_url")  # what nbconvert would fetch
CHAPTER = re.compile(r"^(\d\d_\w+)\.ipynb")
MARK = "<title>linviz: the course</title>"     # of an index.html that was made here
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: file:; connect-src 'none'"
LOOK = """
body { max-width: 62rem; margin: 0 auto !important; padding: 1.5rem !important; }
.jp-InputPrompt, .jp-OutputPrompt { display: none; }
.jp-Cell { padding: 2px 0 !important; }
math[display=block] { margin: 1em 0; font-size: 1.1em; }
nav { font-family: system-ui, sans-serif; margin: 0 0 1.5rem; }
""" + f"math {{ font-family: {MATH_FONTS}; }}"


class Page:
    """One chapter: its executed solution and the page made from it."""

    def __init__(self, path: Path) -> None:
        self.path, self.notebook = path, nbformat.read(path, as_version=4)
        first = next(cell.source for cell in self.notebook.cells if cell.cell_type == "markdown")
        self.title = first.splitlines()[0].lstrip("# ")

    @property
    def name(self) -> str:
        """The name of the page's file."""
        return f"{self.path.stem}.html"

    def html(self, before: Page | None, after: Page | None) -> str:
        """The page, with links to the chapters before and after it."""
        exporter = HTMLExporter(template_name="lab", **dict.fromkeys(REMOTE, ""))
        exporter.exclude_anchor_links = True
        body, _ = exporter.from_notebook_node(drawable(self.notebook))
        soup = BeautifulSoup(body, "html.parser")
        for script in soup.find_all("script"):
            if script.get("src") or "plotly" not in (script.string or "").lower():
                script.decompose()
        replace_formulas(soup)
        lead_on(soup)
        head = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}"><style>{LOOK}</style>'
        assert soup.head is not None and soup.body is not None
        soup.head.append(BeautifulSoup(head + '<script src="plotly.min.js"></script>', "html.parser"))
        if soup.title is not None:
            soup.title.string = self.title
        soup.body.insert(0, BeautifulSoup(links(before, after), "html.parser"))
        return str(soup)


def links(before: Page | None, after: Page | None) -> str:
    """The navigation line at the top of a page."""
    sides = [f'<a href="{page.name}">{html.escape(page.title)}</a>' if page else "" for page in (before, after)]
    parts = [sides[0] and f"← {sides[0]}", '<a href="index.html">all chapters</a>', sides[1] and f"{sides[1]} →"]
    return f"<nav>{' · '.join(filter(None, parts))}</nav>"


def drawable(notebook: Any) -> Any:
    """The notebook with every figure as an empty element and the script that draws into it."""
    count = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if PLOTLY in data:
                count += 1
                data["text/html"] = placed(data.pop(PLOTLY), f"figure-{count}", data.get("text/plain", ""))
    return notebook


def placed(figure: Any, place: str, words: str) -> str:
    """One figure as HTML: its element, with a description for screen readers, and its data."""
    data, layout, config = (json.dumps(figure.get(key, {})).replace("</", "<\\/")
                            for key in ("data", "layout", "config"))
    height = figure.get("layout", {}).get("height", 420)
    return (f'<div id="{place}" class="plotly-graph-div" role="img" aria-label="{html.escape(str(words))}" '
            f'style="height:{height}px"></div><script>Plotly.newPlot("{place}", {data}, {layout}, {config});</script>')


def lead_on(soup: BeautifulSoup) -> None:
    """Change links to a chapter's notebook into links to that chapter's page."""
    for link in soup.find_all("a", href=CHAPTER):
        link["href"] = CHAPTER.sub(r"\1.html", str(link["href"]))


def contents(pages: list[Page]) -> str:
    """The first page: a list of all chapters."""
    items = "".join(f'<li><a href="{page.name}">{html.escape(page.title)}</a></li>' for page in pages)
    return ('<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"{MARK}<style>" ":root{color-scheme:light dark}"
            "body{font:18px/1.7 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}"
            "ul{padding-left:1.2em}</style><h1>linviz: the course</h1>"
            "<p>Every chapter with its exercises solved. To solve them yourself, start the notebooks: "
            f"<code>python3 start.py lab</code>.</p><ul>{items}</ul></html>")


def write(folder: Path, force: bool = False) -> list[Path]:
    """Write the book, over a former one or into a folder that has no files of these names, unless `force` is given.

    ValueError, in one sentence, if there are such files or no executed solutions.
    """
    pages = [Page(path) for path in sorted(SOLUTIONS.glob("*.ipynb"))]
    if not pages:
        raise ValueError(f"{SOLUTIONS} has no executed solutions; make them with notebooks/build.py")
    check_folder(folder, ["plotly.min.js", "index.html", *(page.name for page in pages)], MARK, force)
    texts = {"plotly.min.js": get_plotlyjs(), "index.html": contents(pages)}
    for n, page in enumerate(pages):
        texts[page.name] = page.html(pages[n - 1] if n else None, pages[n + 1] if n + 1 < len(pages) else None)
    return [write_atomically(folder / name, text, folder=True) for name, text in texts.items()]


def main(arguments: list[str] | None = None) -> int:
    """Write the book and print its folder."""
    parser = argparse.ArgumentParser(description="Write the course as HTML that opens without a server.")
    parser.add_argument("folder", nargs="?", type=Path, default=HERE.parent / "book")
    parser.add_argument("--force", action="store_true", help="replace files that are not of a former book")
    given = parser.parse_args(arguments)
    folder = given.folder
    try:
        files = write(folder, given.force)
    except (ValueError, OSError) as error:
        print(f"linviz: {one_line(str(error))}", file=sys.stderr)
        return 1
    print(f"{len(files) - 2} chapters in {folder}; open {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
