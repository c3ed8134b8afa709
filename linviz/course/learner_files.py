"""What a learner's saved notebooks say of the exercises, and how an answer begins anew.

The cell of an answer has the tag `answer:NUMBER`; its metadata keep the untouched cell as `stub`. What its check has
printed is its output, so nothing is run here.
"""
from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_write import write_atomically

CHAPTER_FILE = re.compile(r"\d\d_\w+\.ipynb")
TAG = "answer:"


@dataclass(frozen=True)
class Progress:
    """One notebook's exercises: number -> "solved", "tried" or "open". `trouble`: why the file cannot be read."""

    path: Path
    states: dict[str, str]
    trouble: str = ""

    @property
    def solved(self) -> int:
        """The number of solved exercises."""
        return list(self.states.values()).count("solved")

    def bar(self) -> str:
        """The solved exercises as a bar, with the count.

        >>> Progress(Path("01_a.ipynb"), {"1.1": "solved", "1.2": "tried", "1.3": "open"}).bar()
        '▰▱▱ 1 of 3'
        """
        return "▰" * self.solved + "▱" * (len(self.states) - self.solved) + f" {self.solved} of {len(self.states)}"


def chapter_files(folder: Path) -> list[Path]:
    """Every chapter of a folder, in order. Raises ValueError where the folder holds none."""
    files = sorted(path for path in folder.glob("*.ipynb") if CHAPTER_FILE.fullmatch(path.name))
    if not files:
        raise ValueError(f"the folder {str(folder)!r} has no chapter (NN_topic.ipynb)")
    return files


def read_progress(path: Path) -> Progress:
    """The states of a notebook's exercises, as it was last saved."""
    try:
        return Progress(path, {number: _answer_state(number, cell) for number, cell in _tagged_cells(_read(path), TAG)})
    except ValueError as error:
        return Progress(path, {}, str(error))


def progress_report(folder: Path) -> str:
    """One line per chapter with exercises, and their sum. Raises ValueError where the folder holds no chapter."""
    found = [read_progress(path) for path in chapter_files(folder)]
    found = [p for p in found if p.states or p.trouble]
    wide = max((len(p.path.stem) for p in found), default=0)
    solved, every = sum(p.solved for p in found), sum(len(p.states) for p in found)
    return "\n".join([*(f"{p.path.stem:{wide}}  {p.trouble or _one_chapter(p)}" for p in found),
                      f"{solved} of {every} exercises solved, as the notebooks were last saved"])


def folder_prompts(folder: Path) -> dict[str, str]:
    """Number -> text of every prediction that the chapters of a folder ask for; broken notebooks have none."""
    found: dict[str, str] = {}
    for path in folder.glob("*.ipynb"):
        try:
            cells = _tagged_cells(_read(path), "predict:")
        except ValueError:
            continue
        found |= {number: str(cell["metadata"].get("linviz", {}).get("prompt", "")) for number, cell in cells}
    return found


def reset_answer(folder: Path, number: str) -> str:
    """Make the cell of an answer as it was; the notebook before it is kept as .bak. Returns what was done.

    Raises ValueError, in one sentence, where there is no such exercise.
    """
    known: list[str] = []
    for path in chapter_files(folder):
        try:
            notebook = _read(path)
        except ValueError:      # a broken neighbour keeps nobody from another chapter
            continue
        cells = dict(_tagged_cells(notebook, TAG))
        known += cells
        if number in cells:
            return _reset_cell(path, notebook, cells[number], number)
    raise ValueError(f"there is no exercise {number} in {folder}; " +
                     (f"it has {', '.join(known)}" if known else "none of its notebooks has exercises"))


def backup_path(path: Path) -> Path:
    """The next name for a copy that nothing has yet.

    >>> backup_path(Path("no_such_file.json")).name
    'no_such_file.json.bak'
    """
    names = (path.with_name(f"{path.name}.bak{n or ''}") for n in range(10_000))
    return next(name for name in names if not name.exists())


def _reset_cell(path: Path, notebook: dict[str, Any], cell: dict[str, Any], number: str) -> str:
    stub = cell["metadata"].get("linviz", {}).get("stub")
    if not isinstance(stub, str):
        raise ValueError(f"{path.name} does not keep the untouched cell of exercise {number}; copy the cell from a new "
                         "notebook")
    if "".join(cell.get("source", "")) == stub and not cell.get("outputs"):
        return f"Exercise {number} is as it was; nothing was changed."
    before = path.read_bytes()
    cell |= {"source": stub.splitlines(keepends=True), "outputs": [], "execution_count": None}
    kept = backup_path(path)
    write_atomically(kept, before)
    write_atomically(path, json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    return (f"Exercise {number} is as it was; your notebook before that is {kept.name}. Where {path.name} is open in "
            "JupyterLab: File, Reload Notebook from Disk.")


def _read(path: Path) -> dict[str, Any]:
    """A notebook as JSON; ValueError, in one sentence, where it is none."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"it cannot be read as a notebook; take a saved copy of {path.name}") from error
    if not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise ValueError(f"it cannot be read as a notebook; take a saved copy of {path.name}")
    found: dict[str, Any] = notebook
    return found


def _is_cell(cell: Any) -> bool:
    """Whether a cell has the parts that are read here, in their form; missing ones count as empty."""
    if not isinstance(cell, dict):
        return False
    metadata, outputs = cell.get("metadata", {}), cell.get("outputs", [])
    return (isinstance(metadata, dict) and isinstance(metadata.get("tags", []), list)
            and isinstance(metadata.get("linviz", {}), dict) and isinstance(outputs, list)
            and all(isinstance(o, dict) and isinstance(o.get("text", ""), (str, list)) for o in outputs)
            and all(isinstance(line, str) for o in outputs for line in o.get("text", "")))


def _tagged_cells(notebook: dict[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    """The cells with a tag like "answer:4.2", each with its number."""
    tagged = [(str(tag), cell) for cell in notebook["cells"] for tag in cell.get("metadata", {}).get("tags", [])]
    return [(tag.removeprefix(kind), cell) for tag, cell in tagged if tag.startswith(kind)]


def _answer_state(number: str, cell: dict[str, Any]) -> str:
    said = "".join("".join(output.get("text", "")) for output in cell.get("outputs", []))
    marks = re.findall(rf"([✓✗]) Exercise {re.escape(number)}:", said)
    return {"✓": "solved", "✗": "tried"}[marks[-1]] if marks else "open"


def _one_chapter(p: Progress) -> str:
    left = [n + (" (tried)" if state == "tried" else "") for n, state in p.states.items() if state != "solved"]
    return p.bar() + (f"   open: {', '.join(left)}" if left else "")
