"""Every plan of the teacher's pack can be run in its order: a section that is left out is missed by no later cell."""
from __future__ import annotations

import builtins
import hashlib
import symtable
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from linviz import models
from linviz.course.chapter_source import Cell
from linviz.mechanisms import REGISTRY
from linviz.models.fit import fit_gate
from notebooks.build import solved
from teaching import formats
from teaching.outline import lessons
from teaching.plan_cells import placed_cells, plan_cells

from .books import BOOKS

BY_NUMBER = {lesson.number: lesson for lesson in lessons()}
PLANS = {plan["name"]: plan_cells(plan, BY_NUMBER) for plan in formats.formats()}
RUN = [pytest.param(name, chapter, marks=[pytest.mark.nightly] if name == "Four weeks" else [])
       for name, cells in PLANS.items() for chapter in cells]
KNOWN = {*dir(builtins), "get_ipython"}
FITS: dict[str, tuple[Any, dict[str, Any]]] = {}


def used_and_bound(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell reads from the notebook, also inside functions, and the names that it binds."""
    table = symtable.symtable(source, "cell", "exec")

    def used(inner: symtable.SymbolTable) -> Iterator[str]:
        for symbol in inner.get_symbols():
            if symbol.is_referenced() and (inner.get_type() == "module" or symbol.is_global()):
                yield symbol.get_name()
        for child in inner.get_children():
            yield from used(child)

    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    return set(used(table)), bound


def missing_names(cells: list[Cell]) -> list[tuple[str, str]]:
    """Names that a cell needs and no cell before it has bound, with the beginning of the cell."""
    known, out = set(KNOWN), []
    for cell in cells:
        needed, bound = used_and_bound(solved(cell.source))
        out += [(name, cell.source[:40]) for name in sorted(needed - known - bound)]
        known |= needed | bound
    return out


@pytest.mark.parametrize("name", PLANS)
def test_no_cell_of_a_plan_needs_a_section_that_is_left_out(name: str) -> None:
    assert {chapter: found for chapter, cells in PLANS[name].items() if (found := missing_names(cells))} == {}


def test_a_section_that_is_missed_is_seen() -> None:
    """Chapter 11 without its first cell lacks nearly everything; chapter 13 without section 6, the ratios."""
    cells = [cell for cell, section, _ in placed_cells(BY_NUMBER[11]) if section == 7]
    assert {name for name, _ in missing_names(cells)} >= {"linviz", "q", "focus", "gated"}
    cells = [cell for cell, section, _ in placed_cells(BY_NUMBER[13]) if section in (1, 7)]
    assert {name for name, _ in missing_names(cells)} == {"phi_q", "phi_k", "r_q", "r_k", "Float", "Tensor"}


def test_cells_that_need_exercises_wait_for_the_last_of_them() -> None:
    plan = {"session": [{"block": [{"chapter": 1, "sections": [], "exercises": ["1.1"]}], "homework": ["1.2"]}]}
    tags = [[tag for tag in cell.metadata.get("tags", []) if not tag.startswith("derives:")]
            for cell in plan_cells(plan, BY_NUMBER)[1]]
    assert tags == [[], ["answer:1.1"], ["needs:1.1"], ["answer:1.2"], ["needs:1.1", "needs:1.2"]]
    del plan["session"][0]["block"][0]
    assert [cell.metadata.get("tags", []) for cell in plan_cells(plan, BY_NUMBER)[1]] == [[], ["answer:1.2"]]


def quick_fit(mechanism: Any, target: Any, q: torch.Tensor, *rest: Any, **options: Any) -> Any:
    """`fit_gate`, which two plans need for the same gates on the same maps: the second time it is remembered."""
    numbers = [q, *mechanism.gate.parameters(), target.rows(torch.tensor([0]))]
    digest = hashlib.sha256(b"".join(x.detach().contiguous().numpy().tobytes() for x in numbers))
    key = f"{mechanism.spec} {sorted(options.items())} {digest.hexdigest()}"
    if key not in FITS:
        FITS[key] = (fit_gate(mechanism, target, q, *rest, **options),
                     {name: x.clone() for name, x in mechanism.state_dict().items()})
    fit, state = FITS[key]
    mechanism.load_state_dict(state)
    return fit


def run_cells(cells: list[Cell]) -> None:
    """Run cells one after another, as a notebook does, and show nothing."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        try:
            exec(compile(solved(cell.source), "cell", "exec"), names)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}\nin the cell\n{cell.source[:400]}") from error


@pytest.fixture
def registry() -> Iterator[None]:
    """The registered mechanisms as they were: chapter 18 registers one of its own."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize("name, chapter", RUN)
def test_cells_of_a_plan_run_in_its_order(name: str, chapter: int, registry: None,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BOOKS)
    monkeypatch.setattr(models, "fit_gate", quick_fit)
    run_cells(PLANS[name][chapter])
