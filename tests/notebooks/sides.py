"""One run for both notebooks of a chapter: cells that are the same in both run once, as for a learner.

What solving an exercise changes is run twice: first as it stands for a learner, whose names it then leaves as they
were; then solved. A cell counts as changed where the two notebooks differ, where it needs an answer, and where it
uses a name that such a cell has bound.
"""
from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from typing import Any

from nbformat.v4 import new_code_cell

SWITCHES = {"start": "import two_sides", "solved": "two_sides.solved()", "unsolved": "two_sides.unsolved()"}


def switch(which: str) -> Any:
    """A cell that changes sides; its output is nobody's."""
    return new_code_cell(SWITCHES[which])


def together(learner: list[Any], solution: list[Any]) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """The code cells of one run, and per cell of both notebooks the cell of the run that tells of it."""
    run, told = [switch("start")], []
    solving = Names()
    for mine, theirs in zip(learner, solution, strict=True):
        once = new_code_cell(mine.source)
        twice = new_code_cell(theirs.source) if solving.change(mine, theirs) else once
        run += [once] if twice is once else [once, switch("solved"), twice, switch("unsolved")]
        told += [(mine, once), (theirs, twice)]
    return run, told


class Names:
    """The names that have another value, or one at all, once exercises are solved; cell by cell."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.uses: dict[str, set[str]] = {}     # functions of earlier cells, and what they use

    def change(self, mine: Any, theirs: Any) -> bool:
        """Whether solving changes this cell; remembers what it binds."""
        tree = ast.parse(theirs.source)
        needs = any(tag.startswith(("answer:", "needs:")) for tag in theirs.metadata.get("tags", []))
        changes = needs or mine.source != theirs.source or bool(self.reached(used(tree)) & self.open)
        self.open = self.open | bound(tree) if changes else self.open - bound(tree)
        self.uses |= {node.name: used(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        return changes

    def reached(self, names: set[str]) -> set[str]:
        """These names and all that functions among them use."""
        found: set[str] = set()
        while names:
            found |= names
            names = set().union(*(self.uses.get(name, set()) for name in names)) - found
        return found


def used(tree: ast.AST) -> set[str]:
    """The names of the notebook that are read anywhere in a piece of code; variables of a loop in brackets are not."""
    def within(table: symtable.SymbolTable) -> Iterator[str]:
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
                yield symbol.get_name()
        for inner in table.get_children():
            yield from within(inner)
    return set(within(symtable.symtable(ast.unparse(tree), "cell", "exec")))


def bound(tree: ast.AST) -> set[str]:
    """The names that a cell binds for later ones; imports do not count, they are the same for everybody."""
    symbols = symtable.symtable(ast.unparse(tree), "cell", "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() and not symbol.is_imported()}
