"""Chapter 18 runs with what a learner puts into its first cell: a map, a clip, features that are flat."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linviz.course.chapter_source import read_chapter
from linviz.mechanisms import REGISTRY
from notebooks import build

SOURCE = Path(build.HERE) / "src" / "18_capstone.py"
KERNEL = "class Mine(Kernel):\n"
MAP = '''from linviz.maps import Dense
from linviz.mechanisms.base import Mechanism


class Mine(Mechanism):
    """A softmax of minus the distance."""

    name, title, family = "mine", "my mechanism", "softmax"
    paper, cost, rank, after = "No paper", "N S D", "N", "softmax"

    def map(self, q, k, v):
        return Dense((-torch.cdist(q, k)).softmax(-1))
'''


def run_capstone(first_cell: Any) -> dict[str, Any]:
    """The variables of the solved chapter after its last cell; first_cell changes the source of the cell of Mine."""
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        for cell in build.solution(read_chapter(SOURCE)).cells:
            if cell.cell_type == "code":
                exec(compile(first_cell(cell.source) if KERNEL in cell.source else cell.source, cell.id, "exec"), names)
    finally:
        REGISTRY.pop("mine", None)
    return names


def put_map(source: str) -> str:
    """The cell with a mechanism that is no kernel, as the page shows it."""
    before, after = source.index(KERNEL), source.index("\n\nview = ")
    return source[:before] + MAP + source[after:]


@pytest.mark.nightly
def test_the_page_shows_the_mechanism_that_is_run_here() -> None:
    page = "\n".join(line[2:] for line in SOURCE.read_text("utf-8").splitlines() if line.startswith("#"))
    assert MAP.strip() in page


@pytest.mark.nightly
def test_a_map_of_ones_own_reaches_every_table() -> None:
    names = run_capstone(put_map)
    assert names["bound"] == 196 == round(names["readings"]["mine"]["numerical_rank"])
    assert names["laws"]["mine"] == [] and names["fall"] > 1 and not names["broken"]


@pytest.mark.nightly
def test_a_clip_of_ones_own_is_measured_and_compared() -> None:
    names = run_capstone(lambda source: source.replace('SOURCE = "chelsea"', 'SOURCE = "crossing"'))
    assert names["grid"].T == 8 and len(names["pictures"]["your picture"][0]) == 8 * 196
    assert names["compared"]["your picture"]["bits"][0] == pytest.approx(names["readings"]["mine"]["entropy"], abs=1e-3)


@pytest.mark.nightly
def test_a_claim_that_does_not_hold_is_named() -> None:
    flat = "torch.nn.functional.elu(q) + 1, torch.nn.functional.elu(k) + 1"
    names = run_capstone(lambda source: source.replace("q.relu().square(), k.relu().square()", flat))
    assert names["broken"] == ["rows are more concentrated than relu's"]
