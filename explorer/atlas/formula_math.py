"""The formulas of a mechanism's page as MathML. The page says them in plain text, with i and j; none is typed here."""
from __future__ import annotations

import re

from .formula_marks import Part, join_parts
from .formula_reader import Reader

APART = re.compile(r"(?<=[^\s/]) {2,}(?=[^\s/])")  # between formulas that share a line of the page


def formula_html(formula: str) -> str:
    """A page's formulas as HTML: a line each, in it formulas as MathML and the words between them as text.

    >>> formula_html("K: a sum")
    '<p><span><math displaystyle="true"><mi>K</mi><mo>:</mo></math> a sum</span></p>'
    """
    lines = ("".join(f"<span>{formula_line(part)}</span>" for part in APART.split(line.strip()))
             for line in formula.splitlines() if line.strip())
    return "".join(f"<p>{line}</p>" for line in lines)


def formula_line(text: str) -> str:
    """One formula with the words around it; it may be broken at words and before an equals sign."""
    out, run = [""], list[Part]()
    for part in [*Reader(text).row(), Part("end")]:
        if part.kind in ("word", "relation", "end") and run:
            out.append(f'<math displaystyle="true">{join_parts(run)}</math>')
            run = []
        if part.kind == "word":
            out.append(part.markup)
        elif part.kind == "stop" and not run:
            out[-1] += part.markup[4:-5]
        else:
            run.append(part)
    return " ".join(out).strip()
