"""Make the notebooks: the learner's notebook and the executed solution of each source, and the schedule.

    python notebooks/build.py [13 ...]     make these chapters (default: all): runs solutions, draws still pictures
    python notebooks/build.py --prose      make them without running anything; keeps the stored outputs
    python notebooks/build.py --solutions DIR   write learners' notebooks with folded solutions there, nothing else
    python notebooks/build.py --check      exit 1 if a generated file differs from what its source makes

A source is src/NN_topic.py in percent format, solutions first. The cell tagged "front" and the cells tagged
"exercise" are TOML. The cell of an answer is tagged "answer:NUMBER"; the lines between `# solution` and `# end` are
removed for the learner. A cell that cannot run before an exercise is solved is tagged "needs:NUMBER". Every prompt
"> **Predict" gets a box to type into (linviz/course/prediction_cells.py). Do not edit generated files by hand.
"""
from __future__ import annotations

import argparse
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import nbformat

from linviz.atomic_write import write_atomically
from linviz.course import checks, quizzes
from linviz.course.chapter import Chapter, exercise_cell, key_points_cell, opening_cell, schedule_page
from linviz.course.chapter_source import Cell, cell_tags, read_chapter, tag_number
from linviz.course.prediction_cells import add_prediction_cells, is_prediction_cell
from linviz.course.prediction_file import OTHER_FILE

HERE = Path(__file__).resolve().parent
SOLUTION = re.compile(r"^( *)# solution\n(.*?)^ *# end\n?", re.MULTILINE | re.DOTALL)
OPEN = "raises-exception"  # Jupyter's own tag: "run all cells" continues after an unsolved exercise
WIDGET = "application/vnd.jupyter.widget-view+json"


def check_parts(chapter: Chapter) -> None:
    """Raise ValueError, in one sentence, if a chapter has no quiz or an exercise without a check."""
    missing = {e["number"] for e in chapter.exercises} - {check.number for check in checks.ALL.values()}
    if missing:
        first = min(missing)
        module = f"e{chapter.number:02d}_{first.split('.')[1]}_NAME.py"
        raise ValueError(f"exercise {first} has no check: write linviz/course/checks/{module} first")
    if chapter.number not in quizzes.ALL:
        raise ValueError(f"chapter {chapter.number} has no quiz: write linviz/course/quizzes/"
                         f"c{chapter.number:02d}_NAME.toml first")


# ------------------------------------------------------------------------------------------------ two notebooks


def learner(chapter: Chapter, solutions: bool = False) -> Any:
    """The learner's notebook: stubs, folded hints, if wanted folded solutions, no outputs."""
    cells: list[Cell] = []
    for cell in add_prediction_cells(chapter.number, chapter.cells):
        number = tag_number(cell, "answer")
        if number is None:
            cells.append(_shared(chapter, cell, (OPEN,) if tag_number(cell, "needs") else ()))
        else:
            cells.append(_stub_cell(stub(cell.source, number), cell))
            cells += [_markdown(_folded_solution(cell.source))] * solutions
    return _notebook(chapter, [*cells, _markdown(key_points_cell(chapter))])


def solution(chapter: Chapter) -> Any:
    """The notebook with every exercise solved, not yet executed."""
    cells = [_shared(chapter, c) if tag_number(c, "answer") is None else _code(solved(c.source), c)
             for c in add_prediction_cells(chapter.number, chapter.cells)]
    return _notebook(chapter, [*cells, _markdown(key_points_cell(chapter))])


def stub(source: str, number: str) -> str:
    """An answer's cell without its solution."""
    name = re.search(r"def (\w+)", source)
    text = f'raise NotImplementedError("Exercise {number}: {name and name[1]} is still to be written.")\n'
    return SOLUTION.sub(lambda found: found[1] + text, source)


def solved(source: str) -> str:
    """An answer's cell without the marks around its solution."""
    return SOLUTION.sub(lambda found: found[2], source)


def _folded_solution(source: str) -> str:
    text = solved(source).split("\nchecks.")[0].rstrip()
    return f"<details><summary>Solution</summary>\n\n```python\n{text}\n```\n\n</details>"


def _shared(chapter: Chapter, cell: Cell, more: tuple[str, ...] = ()) -> Cell:
    """A cell that is the same in both notebooks."""
    if "front" in cell_tags(cell):
        return _markdown(opening_cell(chapter))
    if "exercise" in cell_tags(cell):
        return _markdown(exercise_cell(tomllib.loads(cell.source)))
    if is_prediction_cell(cell):
        return cell
    return _code(cell.source, cell, more) if cell.cell_type == "code" else _markdown(cell.source)


def _code(source: str, cell: Cell, more: tuple[str, ...] = ()) -> Cell:
    both = [*cell_tags(cell), *more]
    return nbformat.v4.new_code_cell(source, metadata={"tags": both} if both else {})


def _stub_cell(source: str, cell: Cell) -> Cell:
    """The cell of an answer; it keeps itself untouched in its metadata, for `linviz reset`."""
    made = _code(source, cell, (OPEN,))
    made.metadata["linviz"] = {"stub": source}
    return made


def _markdown(source: str) -> Cell:
    return nbformat.v4.new_markdown_cell(source)


def _notebook(chapter: Chapter, cells: list[Cell]) -> Any:
    for n, cell in enumerate(cells):
        cell["id"] = f"c{chapter.number:02d}-{n:03d}"
    return nbformat.v4.new_notebook(cells=cells, metadata={
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}, "linviz": {"made_from": f"src/{chapter.name}.py", "by": "build.py"}})


# ------------------------------------------------------------------------------------------------ files


def execute(notebook: Any) -> Any:
    """Run a notebook in its folder; remove what differs from run to run and what needs a kernel."""
    from nbclient import NotebookClient
    NotebookClient(notebook, timeout=300, kernel_name="python3", coalesce_streams=True,  # one print, one output
                   resources={"metadata": {"path": str(HERE)}}
                   ).execute(env=os.environ | {OTHER_FILE: str(HERE / "solutions" / "nobody.json")})
    _stills().keep_interactive_outputs(notebook)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    notebook.metadata = {**notebook.metadata, "language_info": {"name": "python"}}
    notebook.metadata.pop("widgets", None)
    return notebook


def _stills() -> Any:
    """The module that needs a browser; it lies beside this file, wherever that is run from."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from notebooks import figure_stills
    return figure_stills


def same(made: Any, path: Path) -> bool:
    """Whether a file has the cells and metadata of a notebook; outputs are not compared."""
    if not path.exists():
        return False
    there = nbformat.read(path, as_version=4)
    return made.metadata == there.metadata and _gist(made) == _gist(there)


def _gist(notebook: Any) -> list[Any]:
    return [(c.cell_type, c.id, c.source, c.metadata, c.get("attachments")) for c in notebook.cells]


def stale(chapters: list[Chapter]) -> list[str]:
    """Every generated file that differs from what its source makes, and every learner's notebook with outputs."""
    out = [] if _text(HERE / "SCHEDULE.md") == schedule_page(chapters) else ["SCHEDULE.md"]
    for c in chapters:
        mine, other = HERE / f"{c.name}.ipynb", HERE / "solutions" / f"{c.name}.ipynb"
        if not same(learner(c), mine) or any(x.get("outputs") for x in nbformat.read(mine, as_version=4).cells):
            out.append(mine.name)
        if not same(solution(c), other):
            out.append(f"solutions/{other.name}")
    return out


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def with_outputs_of(notebook: Any, path: Path) -> Any:
    """A notebook with the outputs stored in a file, cell by cell; ValueError if the cell types differ."""
    if not path.exists():
        raise ValueError(f"{path.name} was never run: run notebooks/build.py without --prose first")
    there = nbformat.read(path, as_version=4)
    if [cell.cell_type for cell in there.cells] != [cell.cell_type for cell in notebook.cells]:
        raise ValueError(f"{path.name} has other cells than its source; run notebooks/build.py without --prose")
    for cell, before in zip(notebook.cells, there.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return notebook


def make(chapters: list[Chapter], only: list[int], prose: bool = False) -> None:
    """Write the notebooks of the given chapters (default: all) and the schedule.

    prose: keep the outputs that are stored instead of running the solutions.
    """
    for c in chapters:
        if not only or c.number in only:
            write_atomically(HERE / f"{c.name}.ipynb", nbformat.writes(learner(c)) + "\n")
            path = HERE / "solutions" / f"{c.name}.ipynb"
            solved = with_outputs_of(solution(c), path) if prose else execute(solution(c))
            _stills().store_stills(solved)      # a browser draws them
            write_atomically(path, nbformat.writes(solved) + "\n", folder=True)
    write_atomically(HERE / "SCHEDULE.md", schedule_page(chapters))


def write_with_solutions(chapters: list[Chapter], only: list[int], folder: Path) -> None:
    """Write learners' notebooks in which each exercise has its solution, folded. ValueError for our own folders."""
    if folder.resolve() in (HERE, HERE / "solutions"):
        raise ValueError(f"{folder} holds the notebooks themselves; name another folder for those with solutions")
    for c in chapters:
        if not only or c.number in only:
            text = nbformat.writes(learner(c, solutions=True)) + "\n"
            write_atomically(folder / f"{c.name}.ipynb", text, folder=True)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns 0 on success."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("chapters", nargs="*", type=int, help="numbers of the chapters to make (all)")
    parser.add_argument("--prose", action="store_true", help="run nothing; keep the stored outputs")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a generated file is stale")
    parser.add_argument("--solutions", type=Path, metavar="DIR", help="learners' notebooks with folded solutions")
    options = parser.parse_args(arguments)
    try:
        chapters = [read_chapter(path) for path in sorted((HERE / "src").glob("[0-9]*.py"))]
        for chapter in chapters:
            check_parts(chapter)
        if options.solutions:
            write_with_solutions(chapters, options.chapters, options.solutions)
            return 0
        if not options.check:
            make(chapters, options.chapters, options.prose)
            return 0
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    old = stale(chapters)
    for name in old:
        print(f"notebooks/{name} is not what its source makes; run `python notebooks/build.py`", file=sys.stderr)
    return int(bool(old))


if __name__ == "__main__":
    sys.exit(main())
