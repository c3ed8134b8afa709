"""A cell of a notebook as Python, its magics read as IPython reads them.

`%%time`, `%%capture` and `%%prun` run the cell in the notebook, so its functions exist afterwards; `%time x = 1` binds
the name x. `%%timeit` and cells in other languages bind nothing. `%%writefile helper.py` makes a file, and
`%run helper.py` runs it.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

RUNS = ("time", "capture", "prun")          # magics that run their code in the notebook's own namespace
SPACED = re.compile(r"^(?:\s*(?:--?\w[\w-]*(?:[ =]\d+)?)\s+)*")     # options before a statement: -n 1 --no-raise-error
WRITES = re.compile(r"^\s*%%(?:writefile|file)\s+(-a\s+|--append\s+)?[\"']?([\w.-]+\.py)[\"']?[ \t]*\n", re.MULTILINE)


@cache
def _ipython_reader() -> Any:
    """IPython's own reader of cells. Raises ValueError where IPython is not installed."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        raise ValueError("it has magics, and IPython is not installed: pip install 'linviz[lab]'") from None
    return TransformerManager()


def python_of_cell(text: str, files: Mapping[str, str]) -> str:
    """The Python that a cell runs in the notebook. SyntaxError if IPython cannot read it, either.

    >>> python_of_cell("%%time\\nx = 1\\n%matplotlib inline", {})
    'x = 1\\npass'
    >>> python_of_cell("%%timeit\\nx = 1", {}), python_of_cell("y = 5 %3", {})
    ('pass', 'y = 5 %3')
    """
    try:
        ast.parse(text)
        return text
    except SyntaxError:
        tree = ast.parse(_ipython_reader().transform_cell(text))
    return ast.unparse(ast.fix_missing_locations(MagicReader(files).visit(tree)))


def written_files(cells: Sequence[str]) -> dict[str, str]:
    """The Python files that cells with `%%writefile` write, by name.

    >>> written_files(["%%writefile helper.py\\nx = 1\\n", "%%writefile -a helper.py\\ny = 2\\n"])
    {'helper.py': 'x = 1\\ny = 2\\n'}
    """
    found: dict[str, str] = {}
    for text in cells:
        if (head := WRITES.match(text)) is not None:
            added, name = head.groups()
            found[name] = (found.get(name, "") if added else "") + text[head.end():]
    return found


class MagicReader(ast.NodeTransformer):
    """Replaces calls of magics by what they run, or by nothing."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def visit_Expr(self, node: ast.Expr) -> Any:
        """A magic on a line of its own."""
        if (call := _magic_call(node.value)) is None:
            return self.generic_visit(node)
        return self.statements(*call) or ast.Pass()

    def visit_Call(self, node: ast.Call) -> Any:
        """A magic whose result is used, as in `files = !ls`."""
        return ast.Constant(None) if _magic_call(node) is not None else self.generic_visit(node)

    def statements(self, kind: str, words: list[str]) -> list[ast.stmt]:
        """What a magic runs in the notebook."""
        name, text = (words[0] if words else ""), words[-1] if words else ""
        if kind == "run_line_magic" and name == "run":
            return ast.parse(python_of_cell(self.files.get(text.strip().strip("'\""), ""), {})).body
        if name not in RUNS or (kind == "run_line_magic" and name == "capture"):
            return []
        code = text if kind == "run_cell_magic" else SPACED.sub("", text)
        return ast.parse(python_of_cell(code, self.files)).body


def _magic_call(node: ast.expr) -> tuple[str, list[str]] | None:
    """The kind of a call of get_ipython() and its words; None for anything else."""
    shell = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    if shell is None or ast.unparse(shell) != "get_ipython()":
        return None
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    words = [x.value for x in node.args if isinstance(x, ast.Constant) and isinstance(x.value, str)]
    return node.func.attr, words
