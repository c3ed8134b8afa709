"""The views that a chapter shows, as Python objects: its cells are run here, up to the last view."""
from __future__ import annotations

import ast
import contextlib
import copy
import io
from pathlib import Path
from typing import Any

from linviz.course.book_outputs import VIEW, stored_view
from linviz.patch_view import PatchView
from notebooks.book import Edition, Page
from notebooks.book_parts import shared_files
from notebooks.chapter_html import without_predictions

from .books import BOOKS, code, load, path_of


def view_outputs(solution: Any) -> list[Any]:
    """The stored outputs of a solution that are still pictures of views, in order."""
    return [output for cell in code(solution) for output in cell.outputs
            if {"image/jpeg", "text/html"} <= output.get("data", {}).keys()]


def shown_views(name: str) -> list[PatchView]:
    """Every view of a chapter, made by its solution's cells."""
    solution = without_predictions(load(name, "solution"))
    names: dict[str, Any] = {"__name__": "__main__"}
    found: list[PatchView] = []
    with contextlib.chdir(BOOKS), contextlib.redirect_stdout(io.StringIO()):
        for cell in code(solution):
            if len(found) == len(view_outputs(solution)):
                break
            shown = last_value(cell.source, names)
            found += [shown] if isinstance(shown, PatchView) else []
    return found


def last_value(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, where that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def write_living_page(folder: Path, name: str, views: list[PatchView]) -> Path:
    """The chapter's page as the book makes it, with these views alive."""
    solution = copy.deepcopy(load(name, "solution"))
    for output, view in zip(view_outputs(solution), views, strict=True):
        output.data[VIEW] = stored_view(view)
    page = Page(path_of(name, "learner"))
    texts = shared_files() | {page.name: page.html_of(solution, [page], Edition()), "sections.js": "bookSections([]);"}
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder / page.name
