"""The chapters, read and run: shared by the tests of notebooks."""
from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbclient import NotebookClient

from linviz.course.prediction_file import OTHER_FILE

from . import sides

ROOT = Path(__file__).parents[2]
BOOKS = ROOT / "notebooks"
OFFLINE = Path(__file__).parent / "offline"
NAMES = sorted(path.stem for path in (BOOKS / "src").glob("[0-9]*.py"))
PLOTLY = "application/vnd.plotly.v1+json"


def path_of(name: str, kind: str) -> Path:
    """Where a chapter's "learner" or "solution" notebook lies."""
    return (BOOKS if kind == "learner" else BOOKS / "solutions") / f"{name}.ipynb"


def load(name: str, kind: str) -> Any:
    return nbformat.read(path_of(name, kind), as_version=4)


def run(notebook: Any) -> Any:
    """Run a notebook to its end, whatever it raises, on one thread and without a network."""
    paths = os.pathsep.join([str(OFFLINE), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    # A reply that has come is sometimes found only when the time is over: so a wait is short, and no cell needs it.
    client = NotebookClient(notebook, timeout=90, kernel_name="python3", allow_errors=True, coalesce_streams=True,
                            resources={"metadata": {"path": str(BOOKS)}})

    def spent(cell: Any, cell_index: int, **_: Any) -> None:
        process = psutil.Process(client.km.provisioner.pid)
        times = process.cpu_times()
        cell.metadata.setdefault("spent", []).append(times.user + times.system)
        notebook.metadata["peak"] = max(peak(process), notebook.metadata.get("peak", 0))

    client.on_cell_execute = client.on_cell_executed = spent
    client.execute(env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1",
                                    OTHER_FILE: str(BOOKS / "solutions" / "nobody.json")})
    return notebook


def peak(process: psutil.Process) -> int:
    """The most memory a process has held so far, in bytes; where the system does not keep it, what it holds now."""
    status = Path(f"/proc/{process.pid}/status")
    held = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * int(held[1]) if held else int(process.memory_info().rss)


def run_both(learner: Any, solution: Any) -> dict[str, Any]:
    """Both notebooks of a chapter, in one run: each cell has what came out of it, and the processor's time."""
    cells, told = sides.together(code(learner), code(solution))
    book = run(nbformat.v4.new_notebook(cells=cells))
    for cell, there in told:
        cell.outputs, cell.metadata["spent"] = there.outputs, there.metadata["spent"]
    for cell in cells:
        assert cell.source not in sides.SWITCHES.values() or not cell.outputs, cell
    for notebook in (learner, solution):
        notebook.metadata["peak"] = book.metadata["peak"]
    return {"learner": learner, "solution": solution}


@functools.cache
def both(name: str) -> dict[str, Any]:
    """Both notebooks of a chapter, run once for all tests."""
    return run_both(load(name, "learner"), load(name, "solution"))


def ran(name: str, kind: str) -> Any:
    """A chapter's "learner" or "solution" notebook as it ran."""
    return both(name)[kind]


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: Any) -> Iterator[tuple[Any, Any]]:
    """Every output with its cell."""
    for cell in code(notebook):
        for output in cell.outputs:
            yield cell, output


def seconds(cell: Any) -> float:
    """How long a cell kept its processor: on a quiet machine that is how long it ran, on a busy one it still is."""
    return float(cell.metadata["spent"][-1] - cell.metadata["spent"][0])
