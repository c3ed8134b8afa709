"""The part of a notebook that an answer needs: the learner's function and everything that it names.

A chapter takes a minute to run and an answer a millisecond, so figures and fits are left out. Of all top-level
statements, only those are kept that bind a name the function uses, or change the object of such a name, and so on
recursively. They run in the order of the notebook. Nothing is guessed: a helper in another cell, a constant, an import
and an answer that calls another answer are found by their names, as in Python.
"""
from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .cell_magics import python_of_cell


@dataclass(frozen=True)
class Statement:
    """One statement of a cell: its text, the names it binds, uses and changes; `stub`: it is an unsolved exercise."""

    cell: int
    text: str
    binds: frozenset[str]
    uses: frozenset[str]
    changes: frozenset[str]
    stub: bool = False


@dataclass(frozen=True)
class Broken:
    """A cell that is not valid Python: its number from 1, its text, and one sentence on the error."""

    cell: int
    text: str
    why: str


def parse_statements(cells: Sequence[str], files: Mapping[str, str] | None = None
                     ) -> tuple[list[Statement], list[Broken]]:
    """All top-level statements of all cells, and the cells that do not parse. `files`: what `%run` can run, by name.

    >>> found, broken = parse_statements(["%matplotlib inline\\nx = 1", "def f(: pass"])
    >>> found[1].binds, broken[0].why
    (frozenset({'x'}), 'cell 2 is not valid Python: line 1, def f(: pass')
    """
    found: list[Statement] = []
    broken: list[Broken] = []
    for number, text in enumerate(cells, 1):
        try:
            found += _parse_cell(number, text, files or {})
        except SyntaxError as error:
            line = (text.splitlines() or [""])[min((error.lineno or 1) - 1, len(text.splitlines()) - 1)]
            where = f"line {error.lineno}, {line.strip()[:80]}"
            broken.append(Broken(number, text, f"cell {number} is not valid Python: {where}"))
        except (ValueError, RecursionError, MemoryError) as error:
            why = str(error) if "IPython" in str(error) else ""
            broken.append(Broken(number, text, f"cell {number} is not valid Python{why and ': '}{why}"))
    return found, broken


def _parse_cell(number: int, text: str, files: Mapping[str, str]) -> list[Statement]:
    tree = ast.parse(text := python_of_cell(text, files))
    nodes = [single for node in tree.body for single in _split_imports(node)]
    return [_make_statement(number, node, text) for node in nodes]


def _split_imports(node: ast.stmt) -> Iterator[ast.stmt]:
    """Split an import of several names into one statement per name, since a function may need only one."""
    if isinstance(node, ast.Import):
        yield from (ast.copy_location(ast.Import([alias]), node) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (ast.copy_location(ast.ImportFrom(node.module, [a], node.level), node) for a in node.names)
    else:
        yield node


def _make_statement(number: int, node: ast.stmt, text: str) -> Statement:
    lines = text.splitlines()
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    written = "\n".join(lines[first - 1:node.end_lineno])
    if isinstance(node, ast.Import | ast.ImportFrom) or not _is_whole(written):
        written = ast.unparse(node)
    binds, uses = _bound_names(ast.unparse(node))
    return Statement(number, written, binds, uses, frozenset(_changed_names(node)), is_stub(node))


def _is_whole(text: str) -> bool:
    """Whether these lines hold exactly one complete statement."""
    try:
        return len(ast.parse(text).body) == 1
    except SyntaxError:
        return False


def _bound_names(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a statement binds in the notebook and the names it uses, by Python's own scoping rules."""
    if re.match(r"from \S+ import \*", text):
        return frozenset("*"), frozenset()
    top = symtable.symtable(text, "<cell>", "exec")
    binds = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    uses = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    for inner in _inner_tables(top):
        uses |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
        binds |= {s.get_name() for s in inner.get_symbols() if s.is_declared_global() and s.is_assigned()}
    return frozenset(binds), frozenset(uses)


def _inner_tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _inner_tables(child)


def _changed_names(node: ast.stmt) -> Iterator[str]:
    """Names whose object a statement changes in place: x[0] = 1, x.y = 1, x.append(1)."""
    for part in ast.walk(node) if not isinstance(node, ast.FunctionDef | ast.ClassDef) else ():
        if isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store | ast.Del):
            yield from root_name(part)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        yield from root_name(node.value.func)


def root_name(node: ast.expr) -> Iterator[str]:
    """The name at the beginning of a chain like x.y[0].z, if there is one.

    >>> list(root_name(ast.parse("x.y[0].z", mode="eval").body))
    ['x']
    """
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def is_stub(node: ast.stmt) -> bool:
    """Whether this is an unsolved exercise: only a docstring and the line with `raise`.

    >>> is_stub(ast.parse("def f(x):\\n    raise NotImplementedError('Exercise 1.1')").body[0])
    True
    """
    if not isinstance(node, ast.FunctionDef):
        return False
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0])


def answer_statement(found: Sequence[Statement], name: str) -> Statement | None:
    """The statement that defines a learner's function: the last that is not a stub, else the stub."""
    makers = [s for s in found if name in s.binds]
    return next((s for s in reversed(makers) if not s.stub), makers[-1] if makers else None)


def needed_statements(found: Sequence[Statement], own: Statement) -> list[Statement]:
    """`own` and everything it needs, in the order of the notebook.

    A name has its meaning at the end of the answer's cell; a name that is bound only later is taken from there.

    >>> cells = ["import torch, json\\nc = 2", "y = torch.rand(9)", "def f(x): return c * torch.exp(x)"]
    >>> found, _ = parse_statements(cells)
    >>> [s.text for s in needed_statements(found, found[-1])]
    ['import torch', 'c = 2', 'def f(x): return c * torch.exp(x)']
    """
    chosen, todo = {id(own)}, sorted(own.uses - own.binds)
    seen = {*own.binds}
    while todo:
        if (name := todo.pop()) in seen:
            continue
        seen.add(name)
        for s in _making_statements(found, name, own.cell):
            chosen.add(id(s))
            todo += sorted((s.uses | s.binds) - seen)
    return [s for s in found if id(s) in chosen]


def _making_statements(found: Iterable[Statement], name: str, cell: int) -> list[Statement]:
    """Statements that bind a name or change its object; a star import may bind any name that nothing else binds."""
    every = [s for s in found if name in s.binds or name in s.changes]
    if not any(name in s.binds for s in every):
        return [] if hasattr(builtins, name) else [s for s in found if "*" in s.binds and s.cell <= cell]
    before = [s for s in every if s.cell <= cell]
    if any(name in s.binds and not s.stub for s in before):
        return [s for s in before if not s.stub]
    return [next((s for s in every if name in s.binds and not s.stub), every[0])]


def changed_library(found: Sequence[Statement]) -> list[str]:
    """The parts of linviz that top-level statements of a notebook change, without effect on the teacher's copy."""
    ours = {name for s in found if re.match(r"(import|from) linviz\b", s.text) for name in s.binds}
    assigned = (s for s in found if s.changes & ours and re.match(r"[^\n(]*[^=!<>]=[^=]", s.text))
    return [f"cell {s.cell} changes {', '.join(sorted(s.changes & ours))}" for s in assigned]
