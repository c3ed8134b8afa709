"""The pieces of a formula in plain text, and what stands for each of them in MathML."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

GREEK = dict(zip("alpha beta gamma delta eps theta lambda mu pi sigma tau phi psi omega Delta Phi Lambda".split(),
                 "αβγδεθλμπστφψωΔΦΛ", strict=True))
FUNCTIONS = frozenset("exp log cos sin tan cosh sinh tanh max min sum prod mean sqrt relu elu softplus sigmoid softmax "
                      "argmax diag sim floor".split())
BIG = {"sum": "∑", "prod": "∏"}
STOPS = ",;:."
NAMED = GREEK.keys() | FUNCTIONS - BIG.keys()  # never words of a sentence
SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "-": "−", "~": "∼", "*": "·", "..": "…", "...": "…"}
RELATIONS = frozenset(("=", "<=", ">=", "!=", "<", ">", "->", "~"))
CLOSERS = {"(": ")", "[": "]", "{": "}", "|": "|"}
TOKEN = re.compile(r"(?P<gap>\s*)(?:(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)|(?P<name>[A-Za-z]+'*)|"
                   r"(?P<sign>\.{2,3}|<=|>=|!=|->|\S))")
FENCE = '<mo fence="true" form="{form}">{sign}</mo>'
BRACKETED = re.compile(r'<mrow><mo fence="true" form="prefix">\(</mo>(.*)'
                       r'<mo fence="true" form="postfix">\)</mo></mrow>')
SPACE, THIN = "&nbsp;", '<mspace width="0.2em"/>'


@dataclass(frozen=True)
class Part:
    """A piece of a formula; gap: a space before it. kind: operand, dot, word, sign, stop, relation or end.

    A stop is a comma, semicolon, colon or full stop, which belongs to the word before it.
    """

    kind: str
    markup: str = ""
    gap: bool = False


@dataclass(frozen=True)
class Token:
    """A number, a name or a sign, and whether a space stands before it."""

    kind: str
    text: str
    gap: bool


def read_tokens(text: str) -> list[Token]:
    """The tokens of a text.

    >>> [token.text for token in read_tokens("k'_n <= 2M")]
    ["k'", '_', 'n', '<=', '2', 'M']
    """
    return [Token(str(m.lastgroup), m[m.lastgroup or 0], bool(m["gap"])) for m in TOKEN.finditer(text)]


def join_parts(parts: Sequence[Part]) -> str:
    """Parts as a row of MathML."""
    out = ""
    for n, part in enumerate(parts):
        before, after = SPACE * (n > 0), SPACE * (n + 1 < len(parts) and parts[n + 1].kind != "stop")
        beside = n > 0 and part.kind == parts[n - 1].kind == "operand" and part.gap
        out += THIN * beside + (f"<mtext>{before}{part.markup}{after}</mtext>" if part.kind == "word" else part.markup)
    return out


def one_row(parts: Sequence[Part]) -> str:
    """Parts as one element."""
    return f"<mrow>{join_parts(parts)}</mrow>"


def name_markup(name: str) -> str:
    """A name: one letter in italics, Greek by its letter, more letters upright.

    >>> name_markup("k"), name_markup("phi"), name_markup("exp")
    ('<mi>k</mi>', '<mi>φ</mi>', '<mi mathvariant="normal">exp</mi>')
    """
    text = GREEK.get(name, name)
    return f"<mi>{text}</mi>" if len(text) == 1 else f'<mi mathvariant="normal">{escape(text)}</mi>'


def sign_markup(text: str) -> str:
    """A sign between two operands.

    >>> sign_markup("<=")
    '<mo form="infix">≤</mo>'
    """
    form = ' form="infix"' if text in RELATIONS else ""
    return f"<mo{form}>{escape(SIGNS.get(text, text))}</mo>"


def number_markup(text: str) -> str:
    """A number; 1e-4 as a power of ten.

    >>> number_markup("1e-4")
    '<msup><mn>10</mn><mn>−4</mn></msup>'
    """
    head, _, power = text.partition("e")
    if not power:
        return f"<mn>{text}</mn>"
    ten = f"<msup><mn>10</mn><mn>{power.replace('-', '−')}</mn></msup>"
    return ten if head == "1" else f"<mrow><mn>{head}</mn><mo>⋅</mo>{ten}</mrow>"


def unbracketed(parts: Sequence[Part]) -> str:
    """The upper or lower half of a fraction; a bracket around all of it is not needed there."""
    found = BRACKETED.fullmatch(parts[0].markup) if len(parts) == 1 else None
    return f"<mrow>{found[1]}</mrow>" if found else one_row(parts)
