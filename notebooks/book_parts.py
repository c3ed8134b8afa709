"""What all pages of the book share: the frame of a page, its script, plotly's library, and the index of the search."""
from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from plotly.offline import get_plotlyjs

from linviz.figures.theme import FONT, INK, LINE, PAPER, SOFT
from linviz.palette import MATH_FONTS
from linviz.patch_view import module_source

from .output_html import packed

FILES = Path(__file__).resolve().parent / "book_files"
SCRIPTS = ("appearance.js", "unpacked.js", "charts.js", "predictions.js", "quizzes.js", "search.js", "living.js")
SHARED = ("book.css", "book.js", "plotly.js", "sections.js")
POLICY = ("default-src 'self' file: data: blob:; script-src 'self' file: 'unsafe-inline'; "
          "style-src 'self' file: 'unsafe-inline'; connect-src 'none'; form-action 'none'; base-uri 'none'")
COLOURS = {mode: {"paper": PAPER[mode], "ink": INK[mode], "soft": SOFT[mode], "line": LINE[mode]} for mode in PAPER}
FRAME = Template("""<!doctype html>
<html lang="en" data-theme="" data-chapter="$name" data-colours="$colours">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="$policy">
$metas<title>$title</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="book.css">
<script src="book.js" defer></script>
</head>
<body>
<a class="skip" href="#text">Skip to the text</a>
<header class="top">
<a href="index.html">linviz: the course</a>
<div class="search" role="search">
<label class="sr" for="search">Search all chapters</label>
<input id="search" type="search" placeholder="Search all chapters" autocomplete="off">
<div class="results" hidden><p id="found" role="status"></p><ol id="results"></ol></div>
</div>
<button id="appearance" type="button">Dark</button>
</header>
<div class="page">
<nav class="contents" aria-label="Contents"><details><summary>Contents</summary>
$contents
</details></nav>
<main id="text" tabindex="-1">
$text
</main>
</div>
</body>
</html>
""")


def page_frame(name: str, title: str, contents: str, text: str, **metas: str) -> str:
    """A page of the book: contents and text are HTML; metas are stored in its head."""
    written = "".join(f'<meta name="{key.replace("_", "-")}" content="{escape(value)}">\n'
                      for key, value in metas.items())
    return FRAME.substitute(name=name, title=escape(title), colours=escape(json.dumps(COLOURS)), metas=written,
                            policy=escape(POLICY), contents=contents, text=text)


def contents_html(chapters: Sequence[tuple[str, str]], here: str = "",
                  sections: Sequence[tuple[str, str]] = ()) -> str:
    """The list of all chapters, (file, title), with the sections of this one, (address, heading as HTML)."""
    inside = "".join(f'<li><a href="#{address}">{heading}</a></li>' for address, heading in sections)
    return "<ol>" + "".join(
        f'<li><a href="{file}"{" aria-current=page" if file == here else ""}>{escape(title)}</a>'
        f'{f"<ol>{inside}</ol>" if file == here and inside else ""}</li>' for file, title in chapters) + "</ol>"


def shared_files() -> dict[str, str]:
    """The files that every page uses, apart from the index of the search: style, script, library of figures."""
    module = module_source(*(FILES / name for name in SCRIPTS))
    variables = "".join(f"--{name}: light-dark({COLOURS['light'][name]}, {COLOURS['dark'][name]}); "
                        for name in COLOURS["light"])
    rules = (FILES / "book.css").read_text(encoding="utf-8")
    return {"book.css": f":root {{ {variables}--font: {FONT}; --math: {MATH_FONTS}; }}\n{rules}",
            "book.js": f"(() => {{\n\"use strict\";\n{module}\n}})();\n",
            "plotly.js": f'bookLibrary("{packed(get_plotlyjs().encode())}");\n'}


def sections_file(sections: Sequence[tuple[str, str, str, str, str]]) -> str:
    """The index of the search: (page, address, chapter, heading, words) of every section."""
    return f"bookSections({json.dumps(sections, separators=(',', ':'), ensure_ascii=False)});\n"
