"""The files of a folder of submissions: the person, the chapter, and the code cells of each.

    submissions/ada/01_soft_lookup.ipynb     a folder per person, or
    submissions/ada_01_soft_lookup.ipynb     a file per person and chapter; ada.ipynb is enough for a single one
"""
from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..course.exercise import Exercise

LARGEST = 100_000_000                                   # bytes: a chapter with all its figures has less than 1 MB
LARGEST_HELPER = 1_000_000
CHAPTER = re.compile(r"[-_ ]*\b(?:ch(?:apter)?[-_ ]*)?\d\d?_[a-z]\w*", re.IGNORECASE)
PREDICTIONS = re.compile(r"(^|[-_ ])predictions\.json(\.bak\d*)?$")
COPY = re.compile(r"[-_ ]*(Copy\d*|\(\d+\))", re.IGNORECASE)


@dataclass(frozen=True)
class Submission:
    """A submitted file. `trouble` says in one sentence why it cannot be graded; then it has no cells.

    `helpers` are the Python files beside a notebook, which its cells can import.
    """

    path: Path
    person: str
    chapter: int | None = None
    cells: tuple[str, ...] = ()
    trouble: str = ""
    helpers: tuple[Path, ...] = ()


def find_submissions(folder: Path, checks: dict[str, Exercise]) -> list[Submission]:
    """Every file of a folder as a submission, sorted by name; a person's empty folder is a submission, too.

    Raises ValueError if the folder does not exist or is empty.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {str(folder)!r}: name the folder with the submissions")
    paths = sorted(p for p in folder.rglob("*") if not _is_system_file(p.relative_to(folder)))
    bare = [p for p in paths if p.is_dir() and p.parent == folder and not any(q.is_relative_to(p) for q in paths
                                                                              if not q.is_dir())]
    found = [_read_submission(p, person_name(p.relative_to(folder)), checks) for p in paths
             if not p.is_dir() and not _is_helper(p)]
    found += [Submission(p, p.name, trouble="an empty folder: nothing was submitted") for p in bare]
    if not found:
        raise ValueError(f"the folder {str(folder)!r} is empty: put the learners' notebooks into it")
    return sorted(found, key=lambda s: (s.person.lower(), s.chapter if s.chapter is not None else 99, str(s.path)))


def _is_system_file(path: Path) -> bool:
    return any(part.startswith(".") or part in ("__MACOSX", "__pycache__") for part in path.parts)


def _is_helper(path: Path) -> bool:
    """Whether a file is Python beside a notebook, or predictions, which nobody grades."""
    return bool(PREDICTIONS.search(path.name)) or path.suffix == ".py" and any(path.parent.glob("*.ipynb"))


def person_name(path: Path) -> str:
    """The person of a file: the name of the first folder, or the file's name without the chapter.

    >>> person_name(Path("ada/01_soft_lookup.ipynb")), person_name(Path("grace_hopper_01_soft_lookup (2).ipynb"))
    ('ada', 'grace_hopper')
    >>> person_name(Path("lin-13_feature_fixation.ipynb")), person_name(Path("13_feature_fixation_mary.ipynb"))
    ('lin', '13_feature_fixation_mary')
    """
    if len(path.parts) > 1:
        return path.parts[0]
    left = re.sub(r"[-_ ]+\d\d?_[a-z]\w*$", "", COPY.sub("", path.stem))
    return left.strip("-_ ") or path.stem


def _read_submission(path: Path, whose: str, checks: dict[str, Exercise]) -> Submission:
    try:
        notebook = _load_notebook(path)
        cells = tuple(_code_cells(notebook))
    except ValueError as error:
        return Submission(path, whose, trouble=str(error))
    except OSError as error:
        return Submission(path, whose, trouble=f"it cannot be read: {error.strerror or error}")
    chapter = chapter_of_cells(cells, checks)
    trouble = "" if chapter is not None else "it has no exercise of this course"
    helpers = tuple(p for p in sorted(path.parent.glob("*.py")) if p.is_file() and p.stat().st_size <= LARGEST_HELPER)
    return Submission(path, whose, chapter, cells if chapter is not None else (), trouble, helpers)


def _load_notebook(path: Path) -> Any:
    if path.suffix.lower() != ".ipynb" or not path.is_file():
        raise ValueError(f"not a notebook ({path.suffix or 'no ending'}): ask for the file that ends in .ipynb")
    if path.stat().st_size == 0:
        raise ValueError("an empty file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST // 10**6} MB: ask for it without its outputs")
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise ValueError("not a notebook in spite of its name: it is damaged or cut off") from None


def _code_cells(notebook: Any) -> Iterator[str]:
    """The code cells of a notebook of format 4."""
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("not a notebook of format 4: open it in JupyterLab and save it")
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            yield "".join(map(str, source)) if isinstance(source, list) else str(source)


def chapter_of_cells(cells: tuple[str, ...], checks: dict[str, Exercise]) -> int | None:
    """The chapter with the most exercises that a notebook defines or checks; None if there are none."""
    text = "\n".join(cells)
    named = set(re.findall(r"\bdef (\w+)|\bchecks\.(\w+)", text))
    said = {name for pair in named for name in pair if name in checks}
    chapters = Counter(int(checks[name].number.split(".")[0]) for name in said)
    return min(chapters, key=lambda n: (-chapters[n], n)) if chapters else None
