"""A reader of formulas in plain text: it goes from the left to the right, and writes MathML.

It reads names with indices (`k'_n`, `w_(j-i)`), powers (`v_j^T`, `D^-1/2`), fractions, sums, roots, brackets, Greek
letters by their names, and words between formulas. `a/b` is a fraction of what touches the stroke, and `a b / c` one
of everything around it up to the next sign.
"""
from __future__ import annotations

from html import escape

from .formula_marks import (
    BIG,
    CLOSERS,
    FENCE,
    GREEK,
    NAMED,
    RELATIONS,
    STOPS,
    Part,
    Token,
    join_parts,
    name_markup,
    number_markup,
    one_row,
    read_tokens,
    sign_markup,
    unbracketed,
)


class Reader:
    """Reads one text from the left to the right."""

    def __init__(self, text: str) -> None:
        self.tokens, self.at, self.bars = [*read_tokens(text), Token("end", "", True)], 0, 0

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def after(self, n: int = 1) -> Token:
        """The token n places further on."""
        return self.tokens[min(self.at + n, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The next token; it is read now."""
        token = self.next
        self.at += token.kind != "end"
        return token

    def touches(self, text: str) -> bool:
        """Whether this sign comes next, without a space before it."""
        return self.next.text == text and not self.next.gap

    # ------------------------------------------------------------------------------------------- rows

    def row(self, end: str = "") -> list[Part]:
        """Everything up to a closing bracket, or to the end."""
        parts: list[Part] = []
        while self.next.kind != "end" and not (end and self.next.text == end):
            if self.next.text == "/" and parts and parts[-1].kind == "operand":
                self.divide(parts)
            else:
                parts.append(self.part())
        return parts

    def divide(self, parts: list[Part]) -> None:
        """A fraction in place of what stands before the stroke: of what touches it, or of the product around it."""
        loose, first = self.take().gap, len(parts) - 1
        while loose and first and parts[first - 1].kind in ("operand", "dot"):
            first -= 1
        above, gap = parts[first:], parts[first].gap
        below = self.product() if loose else [Part("operand", self.operand())]
        parts[first:] = [Part("operand", f"<mfrac>{unbracketed(above)}{unbracketed(below)}</mfrac>", gap)]

    def product(self) -> list[Part]:
        """Factors up to the next sign; words only before the first, as in "length of l"."""
        parts: list[Part] = []
        while self.next.kind != "end" and self.next.text not in (*")]}", "|" * bool(self.bars)):
            at, part = self.at, self.part()
            known = any(one.kind == "operand" for one in parts)
            if part.kind in ("sign", "stop", "relation") or (part.kind == "word" and known):
                self.at = at
                break
            parts.append(part)
        return parts

    def part(self) -> Part:
        """The next piece of a row."""
        token = self.next
        if self.is_word():
            return Part("word", self.words(), True)
        if token.text in RELATIONS:
            return Part("relation", sign_markup(self.take().text), token.gap)
        if token.text == "x" and token.gap and self.is_times():
            self.take()
            return Part("sign", "<mo>×</mo>")
        if token.kind in ("number", "name") or token.text in CLOSERS:
            return Part("operand", self.operand(), token.gap)
        self.take()
        if token.text == "." and not token.gap and not self.next.gap:
            return Part("dot", "<mo>⋅</mo>")
        if token.text in STOPS:
            return Part("stop", f"<mo>{token.text}</mo>")
        return Part("sign", sign_markup(token.text), token.gap)

    def is_word(self) -> bool:
        """Whether the next name is a word of a sentence, not a part of a formula."""
        token, after = self.next, self.after()
        if token.kind != "name" or token.text in NAMED:
            return False
        if token.text in BIG:
            return after.text != "_"
        if not after.gap and after.text == "_" and len(token.text) > 2 < len(self.after(2).text):
            return True
        if not after.gap and after.text in ("(", "_", "^", "."):
            return False
        if token.text == "a":  # the article, before a word
            return after.kind == "name" and after.gap and len(after.text) > 1 and after.text not in NAMED
        return len(token.text.strip("'")) > 1

    def is_times(self) -> bool:
        """Whether the x that comes next stands between two sizes, as in P x P."""
        around = self.tokens[self.at - 1].text, self.after().text
        return self.at > 0 and all(text.isdigit() or (len(text) == 1 and text.isupper()) for text in around)

    def words(self) -> str:
        """Words up to the next formula."""
        out = ""
        while self.is_word():
            out += f" {self.take().text}"
            while self.touches("_"):  # the name of an option
                out += self.take().text + self.take().text
        return escape(out.strip())

    # ------------------------------------------------------------------------------------------- operands

    def operand(self) -> str:
        """A number, a name or a bracket, with what stands at its foot and head, and what it is applied to."""
        token = self.take()
        if token.kind == "number":
            return self.scripts(number_markup(token.text))
        if token.text in CLOSERS:
            return self.scripts(self.bracket(token.text))
        if token.kind != "name":
            return self.scripts(f"<mo>{escape(token.text)}</mo>")
        return self.applied(token.text)

    def applied(self, name: str) -> str:
        """A name with its indices, and its arguments in brackets where they touch it."""
        if name in ("sqrt", "floor") and self.touches("("):
            self.take()
            inside = join_parts(self.row(")"))
            self.take()
            return self.scripts(f"<msqrt>{inside}</msqrt>" if name == "sqrt" else
                                f"<mrow><mo>⌊</mo>{inside}<mo>⌋</mo></mrow>")
        if name in BIG:
            return self.big(BIG[name])
        base = self.scripts(name_markup(name.rstrip("'")), "′" * name.count("'"))
        if self.touches("(") or self.touches("["):
            base = self.scripts(f"<mrow>{base}{self.bracket(self.take().text)}</mrow>")
        return base

    def big(self, sign: str) -> str:
        """A sum or a product with what it runs over below, and its end above."""
        below = self.foot() if self.touches("_") else "<mrow></mrow>"
        above = self.head() if self.touches("^") else ""
        kind = "munderover" if above else "munder"
        return f"<{kind}><mo>{sign}</mo>{below}{above}</{kind}>"

    def bracket(self, opener: str) -> str:
        """What stands in brackets, with them; one that is not closed ends with the text."""
        closer = CLOSERS[opener]
        self.bars += opener == "|"
        inside = join_parts(self.row(closer))
        self.bars -= opener == "|"
        closed = FENCE.format(form="postfix", sign=closer) if self.next.text == closer and self.take() else ""
        return f"<mrow>{FENCE.format(form='prefix', sign=opener)}{inside}{closed}</mrow>"

    def scripts(self, base: str, prime: str = "") -> str:
        """What was read, with an index, a power or a prime."""
        foot = self.foot() if self.touches("_") else ""
        head = f"<mo>{prime}</mo>" if prime else self.head() if self.touches("^") else ""
        if foot and head:
            return f"<msubsup>{base}{foot}{head}</msubsup>"
        return f"<msub>{base}{foot}</msub>" if foot else f"<msup>{base}{head}</msup>" if head else base

    def foot(self) -> str:
        """An index: letters each for itself, a word, words joined by strokes, or what stands in brackets."""
        self.take()
        if self.next.text in ("(", "{"):
            return self.grouped()
        token = self.take()
        if token.kind != "name" or len(token.text) < 3 or token.text in GREEK:
            letters = [token.text] if token.text in GREEK else token.text
            return f"<mrow>{''.join(map(name_markup, letters))}</mrow>" if len(letters) > 1 else "".join(
                number_markup(one) if one.isdigit() else name_markup(one) for one in letters)
        words = [token.text]
        while self.touches("_"):
            self.take()
            words.append(self.take().text)
        inner = f"<mtext>{escape(' '.join(words))}</mtext>"
        if len(words) == 1 and self.touches("("):  # o_row(i): the row of i
            return f"<mrow>{inner}{self.bracket(self.take().text)}</mrow>"
        return inner

    def head(self) -> str:
        """A power: T for the transpose, a number with its sign and, where it is negative, its fraction; a bracket."""
        self.take()
        if self.next.text in ("(", "{"):
            return self.grouped()
        if self.next.text == "T":
            self.take()
            return "<mo>⊤</mo>"
        if self.next.text != "-":
            token = self.take()
            return number_markup(token.text) if token.kind == "number" else name_markup(token.text)
        self.take()
        number = self.take().text
        if self.touches("/"):
            self.take()
            number += f"/{self.take().text}"
        return f"<mn>−{escape(number)}</mn>"

    def grouped(self) -> str:
        """What stands in brackets, without them: an index or a power of several signs."""
        closer = CLOSERS[self.take().text]
        parts = self.row(closer)
        self.take()
        return one_row(parts)
