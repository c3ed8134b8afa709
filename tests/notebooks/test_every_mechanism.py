"""Every mechanism is derived in a chapter: by a cell's own few lines, asserted equal to what linviz makes.

Such a cell is tagged `derives:NAME` for each mechanism that it derives. It names the mechanism and compares two sides:
one computed by linviz, the other without it. Numbers that linviz has drawn (weights of a layer) may be read on both
sides; maps, features and outputs may not.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

import linviz
from linviz.course.chapter_source import Cell, cell_tags, read_chapter
from notebooks.build import solved

from .books import BOOKS, NAMES

NOT_YET = {     # names without a cell so far; each goes when its chapter comes
    "aft_conv", "aft_full", "aft_local", "aft_simple", "agent", "dape", "delta", "fastmax", "gated_delta", "gaussian",
    "gla", "graph", "inline", "kda", "keypoint", "kronecker_kv", "kronecker_qkv", "lambda", "linformer", "local",
    "local_global", "mamba2", "mhla", "mlla", "performer", "pola", "rala", "reformer", "retention", "sana", "sla",
    "swin", "vicinity"}
COMPARES = {"allclose", "equal", "is_close", "isclose", "assert_close"}
ANSWERS = {"map", "rows", "dense", "apply", "features", "normaliser", "finish", "values", "forward", "step",
           "templates", "context", "channel", "column_sums", "singular_values"}   # what only linviz's side may ask for


class Sides:
    """What the names of a chapter hold, cell by cell: a mechanism that linviz made, or what it answered."""

    def __init__(self, mechanisms: set[str] = frozenset(), answers: set[str] = frozenset()) -> None:
        self.mechanisms, self.answers = set(mechanisms), set(answers)

    def read(self, statements: Iterable[ast.stmt]) -> None:
        """Remember what these statements bind, in their order; a name that is bound anew is what it is then."""
        for node in statements:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("linviz.mech", "linviz.maps")):
                self.answers |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.FunctionDef):
                self.bind({node.name}, *self.inside(node))
            elif isinstance(node, (ast.Assign, ast.AugAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self.bind(bound_names(targets), self.is_answer(node.value), self.is_made(node.value))
            elif isinstance(node, ast.For):
                self.bind(bound_names([node.target]), self.is_answer(node.iter), self.is_made(node.iter))
                self.read(node.body)

    def inside(self, function: ast.FunctionDef) -> tuple[bool, bool]:
        """Whether a function asks a mechanism, and whether it makes one; its own names stay inside."""
        own = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        local = Sides(self.mechanisms - own, self.answers - own)
        local.read(function.body)
        return any(map(local.is_answer, function.body)), any(map(local.is_made, function.body))

    def bind(self, names: set[str], answer: bool, made: bool) -> None:
        self.answers, self.mechanisms = self.answers - names, self.mechanisms - names
        self.answers |= names if answer else set()
        self.mechanisms |= names if made and not answer else set()

    def within(self, node: ast.AST) -> Sides:
        """The same names, and those of the loops in brackets here."""
        local = Sides(self.mechanisms, self.answers)
        for loop in (n for n in ast.walk(node) if isinstance(n, ast.comprehension)):
            local.bind(bound_names([loop.target]), local.asks(loop.iter), local.makes(loop.iter))
        return local

    def is_made(self, node: ast.AST) -> bool:
        """Whether a mechanism is read or made here."""
        return self.within(node).makes(node)

    def is_answer(self, node: ast.AST) -> bool:
        """Whether this was computed by a mechanism: it is called, or asked for its map, or such a name is read."""
        return self.within(node).asks(node)

    def makes(self, node: ast.AST) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.mechanisms or isinstance(n, ast.Call) and _makes(n)
                   for n in ast.walk(node))

    def asks(self, node: ast.AST) -> bool:
        return any(isinstance(n, ast.Name) and n.id in self.answers
                   or isinstance(n, ast.Call) and self._asks(n.func) for n in ast.walk(node))

    def _asks(self, called: ast.AST) -> bool:
        if isinstance(called, ast.Attribute):
            return called.attr == "read" or called.attr in ANSWERS and self.makes(called.value)
        return isinstance(called, (ast.Name, ast.Call, ast.Subscript)) and self.makes(called)


def bound_names(targets: Iterable[ast.AST]) -> set[str]:
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def _makes(call: ast.Call) -> bool:
    return getattr(call.func, "attr", getattr(call.func, "id", "")) == "make"


def pairs_compared(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """The two sides of every comparison: `allclose(a, b)`, or `a - b` inside an assert or bound to a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in COMPARES and len(node.args) >= 2:
            yield node.args[0], node.args[1]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            yield node.left, node.right


def faults(cell: Cell, names: list[str], before: Sides) -> list[str]:
    """What keeps a tagged cell from deriving these mechanisms; `before` are the names of the cells above it."""
    source = solved(cell.source)
    tree = ast.parse(source)
    before.read(tree.body)
    wrong = [f"it does not name {name}" for name in names if not re.search(rf"(?<![a-z_]){name}(?![a-z_])", source)]
    if not any(isinstance(n, ast.Assert) for n in ast.walk(tree)) and "assert_close" not in source:
        wrong.append("it asserts nothing")
    sides = [(before.is_answer(a), before.is_answer(b)) for a, b in pairs_compared(tree)]
    if not any(a != b for a, b in sides):
        wrong.append("it compares nothing of its own with an answer of linviz")
    return wrong


def derivations(cells: list[Cell]) -> Iterator[tuple[Cell, list[str], list[str]]]:
    """Every tagged cell of a chapter, the mechanisms that it derives, and its faults."""
    sides = Sides()
    for cell in cells:
        if cell.cell_type != "code":
            continue
        names = [tag.removeprefix("derives:") for tag in cell_tags(cell) if tag.startswith("derives:")]
        if names:
            yield cell, names, faults(cell, names, sides)
        else:
            sides.read(ast.parse(solved(cell.source)).body)


CELLS = {name: list(derivations(read_chapter(BOOKS / "src" / f"{name}.py").cells)) for name in NAMES}


@pytest.mark.parametrize("chapter", NAMES)
def test_a_tagged_cell_derives_what_its_tag_says(chapter: str) -> None:
    assert [(wrong, cell.source[:60]) for cell, _, wrong in CELLS[chapter] if wrong] == []
    assert {name for _, names, _ in CELLS[chapter] for name in names} <= set(linviz.names())


def test_every_mechanism_has_its_cell() -> None:
    found = {name for cells in CELLS.values() for _, names, _ in cells for name in names}
    assert set(linviz.names()) - found == NOT_YET, "write the missing cells, or take what is there from NOT_YET"


MADE = 'm = linviz.make("linear", 1, D, grid)\n'
OWN = 'a = phi(q) @ phi(k).mT\na = a / a.sum(-1, keepdim=True)\n'


@pytest.mark.parametrize("before, source, wrong", [
    ("", MADE + OWN + "assert torch.allclose(a, m.map(q, k, v).dense())", []),
    (MADE + "theirs = m.map(q, k, v)", OWN + "# linear\nassert torch.allclose(a, theirs.dense()[0, 0])", []),
    (MADE, OWN + "off = (a @ v - m(q, k, v)).abs().max()\nassert off < 1e-6 and 'linear'", []),
    ("", MADE + "w = m.w[0]\na = (q @ w).softmax(-1)\ntorch.testing.assert_close(a, m.map(q, k, v).dense())", []),
    ("", MADE + "assert torch.allclose(m(q, k, v), linviz.make('linear', 1, D, grid).map(q, k, v).dense() @ v)",
     ["it compares nothing of its own with an answer of linviz"]),
    ("", MADE + "f, g = m.features(q, k)\na = f @ g.mT\nassert torch.allclose(a, m.map(q, k, v).dense())",
     ["it compares nothing of its own with an answer of linviz"]),
    ("", MADE + "def own(x):\n    return m.map(x, k, v).dense()\nassert torch.allclose(own(q), m.map(q, k, v).dense())",
     ["it compares nothing of its own with an answer of linviz"]),
    ("", OWN + "assert torch.allclose(a.sum(-1), torch.ones(3)) and 'linear'",
     ["it compares nothing of its own with an answer of linviz"]),
    ("", MADE + OWN + "torch.allclose(a, m.map(q, k, v).dense())", ["it asserts nothing"]),
    (MADE, OWN + "assert torch.allclose(a, m.map(q, k, v).dense())", ["it does not name linear"])])
def test_cells_that_derive_nothing_are_seen(before: str, source: str, wrong: list[str]) -> None:
    sides = Sides()
    sides.read(ast.parse(before).body)
    assert faults(type("Cell", (), {"source": source}), ["linear"], sides) == wrong
