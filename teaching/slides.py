"""The course as slides: a folder that opens in any browser, without a server and without a network.

    python -m teaching.slides [FOLDER] [--force]    writes FOLDER/NN_topic.html, index.html and plotly.min.js

The default folder is `slides`. Copy the whole folder: its pages share one plotly.js.
The right and left arrow keys move (the answer to a prediction comes with the second press), N shows the speaker's
notes, Home and End go to the first and the last slide. The browser prints one slide per page. The figures are those of
the executed solutions; formulas are MathML. The content security policy of a page forbids requests to other machines.
"""
from __future__ import annotations

import argparse
import html
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbconvert.filters import markdown2html
from plotly.offline import get_plotlyjs

from linviz.atomic_write import write_atomically
from linviz.course.chapter import rating_dots
from linviz.course.formulas import replace_formulas
from linviz.safe_output import check_folder, one_line

from .outline import HERE, PLOTLY, Event, Lesson, figure, lessons

MARK = "<title>linviz: slides</title>"     # of an index.html that was made here
POLICY = ("default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' file:; style-src 'unsafe-inline'; "
          "img-src data: blob:; font-src data:; connect-src 'none'")
LIBRARY = "plotly.min.js"                  # one file for all chapters

TALL = 450   # pixels: a higher figure is placed beside its text; other figures are enlarged and placed below it
CODE = 88    # characters in a line of code on a slide


@dataclass(frozen=True)
class Slide:
    """One slide: its inner HTML, the speaker's notes, and its CSS class."""

    body: str
    notes: str = ""
    kind: str = ""

    def html(self) -> str:
        """The slide as a section."""
        notes = f'<aside class="notes">{self.notes}</aside>' if self.notes else ""
        return f'<section class="slide {self.kind}">{self.body}{notes}</section>'


def text(markdown: str) -> str:
    """Markdown with formulas as HTML with MathML."""
    soup = BeautifulSoup(markdown2html(markdown), "html.parser")
    replace_formulas(soup)
    for link in soup.find_all("a"):
        link.unwrap()                                   # links would lead away from the slides
    return str(soup)


def line(markdown: str) -> str:
    """One line of Markdown as HTML, without a paragraph around it."""
    return text(markdown).strip().removeprefix("<p>").removesuffix("</p>")


def items(points: list[str]) -> str:
    """A list; empty if there are no points."""
    return f"<ul>{''.join(f'<li>{line(p)}</li>' for p in points)}</ul>" if points else ""


def larger(gallery: str) -> str:
    """A gallery enlarged to the width of a slide; a little smaller if its pictures need two rows."""
    grid = re.search(r"repeat\((\d+),minmax\(0,(\d+)px\)\)", gallery)
    if grid is None:
        return gallery
    columns, width = map(int, grid.groups())
    share = 13 if gallery.count("<img") <= columns or columns > 4 else 24
    return gallery.replace(grid[0], f"repeat({columns},minmax(0,{width / share:.1f}rem))")


def wrapped(stub: str, width: int = CODE) -> str:
    """A stub whose signature continues below its first argument if a line would be longer than `width`.

    >>> print(wrapped('def f(x: Float[Tensor, "N D"], y: int) -> int:\\n    ...', 36))
    def f(x: Float[Tensor, "N D"],
          y: int) -> int:
        ...
    """
    signature, rest = stub.split(":\n", 1)
    first, *others = re.split(r", (?=\w+:)", " ".join(signature.split()).replace(" )", ")"))
    rows, indent = [first], " " * (first.index("(") + 1)
    for argument in others:
        if len(rows[-1]) + len(argument) + 3 > width:
            rows[-1] += ","
            rows.append(indent + argument)
        else:
            rows[-1] += f", {argument}"
    if len(rows[-1]) >= width:
        rows[-1] = rows[-1].replace(") -> ", f"\n{indent}) -> ")
    said = (textwrap.fill(row, width, subsequent_indent=" " * 7, break_on_hyphens=False) for row in rest.splitlines())
    return "\n".join([*rows[:-1], f"{rows[-1]}:", *said])


class Deck:
    """The slides of one lesson, and the data of their figures."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson, self.drawn = lesson, dict[str, str]()
        self.slides = [*self._opening(), *self._middle(), *self._ending()]

    def _opening(self) -> Iterator[Slide]:
        front, m = self.lesson.front, self.lesson.front["minutes"]
        yield Slide(f'<h1>{html.escape(self.lesson.title)}</h1>{text(front["lead"])}'
                    f'<div class="questions">{items(front["questions"])}</div>',
                    f"<p><b>Goal.</b> {line(self.lesson.notes['goal'])}</p><p>{m['reading']} minutes to teach, "
                    f"{m['exercises']} to work, {m['quiz']} for the quiz.</p>", "title")
        yield Slide(f"<h2>Afterwards you can</h2>{items(list(front['objectives'].values()))}",
                    f"<p>Before this: {line(' '.join(front['prerequisites']))}</p>")

    def _middle(self) -> Iterator[Slide]:
        prompts, section = 0, 0
        for event in self.lesson.events:
            if event.kind == "section":
                section = int(event.number)
                yield from self._written(section)
            elif event.kind == "prompt":
                prompts += 1
                yield self._prompt(event, prompts, section)
                yield from self._written(section, prompts)
            else:
                yield self._exercise(event.number)

    def _written(self, section: int, after: int = 0) -> Iterator[Slide]:
        """The slides that the notes have for a section, or for the part after one of its prompts."""
        for note in self.lesson.notes["slide"]:
            if note["section"] == section and note.get("after", 0) == after:
                formula = convert(note["formula"], display="block") if "formula" in note else ""
                body = self._head(section, note["title"]) + items(note.get("points", [])) + formula
                drawn = self._figure(figure(self.lesson, note), note.get("beside", False))
                yield Slide(body + drawn, text(note.get("notes", "")), "beside" if "data-height" in drawn else "")

    def _head(self, section: int, title: str) -> str:
        return f'<p class="part">{section} · {line(self.lesson.sections[section])}</p><h2>{line(title)}</h2>'

    def _figure(self, data: dict[str, Any] | None, beside: bool = False) -> str:
        if data is None:
            return ""
        words = html.escape("".join(data.get("text/plain", "")))
        if PLOTLY not in data:
            return f'<div class="figure still">{larger("".join(data["text/html"]))}</div>'
        name = f"figure-{len(self.drawn) + 1}"
        drawn = {key: data[PLOTLY].get(key, {}) for key in ("data", "layout")}
        self.drawn[name] = json.dumps(drawn, separators=(",", ":")).replace("</", "<\\/")
        height = drawn["layout"].get("height", TALL)
        tall = f' data-height="{height}"' if beside or height > TALL else ""
        return f'<div class="figure plot"><div data-figure="{name}"{tall} role="img" aria-label="{words}"></div></div>'

    def _prompt(self, event: Event, number: int, section: int) -> Slide:
        """A prediction: first the question, then with the next key its answer."""
        note = self.lesson.notes["predict"][number - 1]
        said = "".join(map(text, self.lesson.said(event)))
        return Slide(f'{self._head(section, "Predict")}<div class="ask">{text(event.text)}</div>'
                     f'<div class="reveal">{text(note["answer"])}</div>',
                     f"<p>Read it aloud, wait ten seconds, take a show of hands. {note.get('tell', '')}</p>{said}")

    def _exercise(self, number: str) -> Slide:
        worth = self.lesson.worths[number]
        task = next(e["task"] for e in self.lesson.chapter.exercises if e["number"] == number)
        stub = self.lesson.stub(number)
        met = [f"*{n['when']}* {n['say']}" for n in self.lesson.notes["stuck"] if n.get("exercise") == number]
        marks = f"<p>Difficulty {rating_dots(worth.difficulty)} · importance {rating_dots(worth.importance)}</p>"
        return Slide(f'<p class="part">Your turn: {worth.minutes} minutes</p><h2>Exercise {number} · {worth.title}</h2>'
                     f'<div class="task">{text(task)}</div><pre>{html.escape(wrapped(stub))}</pre>{marks}',
                     f"<p>Common mistakes:</p>{items(met)}")

    def _ending(self) -> Iterator[Slide]:
        yield Slide(f"<h2>Key points</h2>{items(self.lesson.front['key_points'])}")
        for n, q in enumerate(self.lesson.quiz.questions, 1):
            right = next(c for c in q.choices if c.right)
            others = [f"*{q.say(c.text)}* {q.say(c.why)}" for c in q.choices if not c.right]
            choices = "".join(f"<li>{line(q.say(c.text))}</li>" for c in q.choices)
            yield Slide(f'<p class="part">Quiz</p><h2>Question {n}</h2>{text(q.say(q.ask))}<ol type="a">{choices}</ol>'
                        f'<div class="reveal"><p class="right">{line(q.say(right.text))}</p>{text(q.say(right.why))}'
                        "</div>", items(others))

    def page(self) -> str:
        """The HTML of the whole file."""
        data = "".join(f'<script type="application/json" id="{name}">{figure}</script>'
                       for name, figure in self.drawn.items())
        title = html.escape(self.lesson.title)
        head = (f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">'
                f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
                f'<style>{(HERE / "slides.css").read_text("utf-8")}</style>')
        return (f'<!doctype html><html lang="en"><head>{head}</head><body data-title="{title}">'
                f'{"".join(slide.html() for slide in self.slides)}<footer><button class="back">←</button>'
                f'<button class="forth">→</button><button class="speak">notes (N)</button><span>{title}</span>'
                f'<span class="where" role="status"></span></footer>{data}<script src="{LIBRARY}"></script>'
                f'<script>{(HERE / "slides.js").read_text("utf-8")}</script></body></html>')


def contents(every: list[Lesson]) -> str:
    """The first page: a list of all chapters."""
    rows = "".join(f'<li><a href="{e.name}.html">{html.escape(e.title)}</a></li>' for e in every)
    return ('<!doctype html><html lang="en"><meta charset="utf-8">' + MARK +
            "<style>body{font:18px/1.7 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}</style>"
            f"<h1>linviz: slides</h1><p>Arrow keys move; N shows the notes.</p><ul>{rows}</ul></html>")


def write(folder: Path, every: list[Lesson], force: bool = False) -> list[Path]:
    """Write the slides of these chapters, their index and plotly.js; each file is written completely or not at all.

    ValueError, in one sentence, where that would replace files that are no slides, unless `force` is given.
    """
    check_folder(folder, [LIBRARY, "index.html", *(f"{lesson.name}.html" for lesson in every)], MARK, force)
    texts = {LIBRARY: get_plotlyjs(), "index.html": contents(every)}
    texts |= {f"{lesson.name}.html": Deck(lesson).page() for lesson in every}
    return [write_atomically(folder / name, page, folder=True) for name, page in texts.items()]


def main(arguments: list[str] | None = None) -> int:
    """Write the slides, and print where they are."""
    parser = argparse.ArgumentParser(description="The course as slides that open without a network.")
    parser.add_argument("folder", nargs="?", type=Path, default=HERE.parent / "slides")
    parser.add_argument("--force", action="store_true", help="replace files that are not of former slides")
    given = parser.parse_args(arguments)
    folder = given.folder
    try:
        files = write(folder, lessons(), given.force)
    except (ValueError, OSError) as error:
        print(f"linviz: {one_line(str(error))}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files) - 2} chapters in {folder}, {size:.0f} MB; open {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
