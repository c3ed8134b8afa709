"""Formulas of the mechanisms' pages as MathML: nothing of them is lost, and fractions hold what belongs to them."""
from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree

import pytest

from explorer.atlas.formula_marks import GREEK
from explorer.atlas.formula_math import formula_html
from explorer.atlas.mechanism_cards import mechanism_card
from linviz import names

from ..cases import every_case

SWAPS = [(r"\b1e-(\d)", r"10\1"), (r"\b(sqrt|floor)\(", "("), (r"\b(sum|prod)(?=_)", ""), (r"\^T", ""),
         (r"(?<=[\dA-Z]) x (?=[\dA-Z])", " "),
         *((rf"(?<![A-Za-z]){name}(?![a-z])", sign) for name, sign in GREEK.items())]


def read(formula: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{formula_html(formula).replace('&nbsp;', ' ')}</div>")


def letters(text: str) -> Counter[str]:
    return Counter(c for c in text if c.isalnum())


def fractions(formula: str) -> list[tuple[str, str]]:
    return [("".join(one[0].itertext()), "".join(one[1].itertext())) for one in read(formula).iter("mfrac")]


@every_case("name", names())
def test_every_letter_of_a_page_stands_in_its_mathml(name: str) -> None:
    plain = mechanism_card(name).formula
    tree, wanted = read(plain), plain
    for old, new in SWAPS:
        wanted = re.sub(old, new, wanted)
    text = "".join(tree.itertext())
    assert letters(text) == letters(wanted)
    assert any(tree.iter("math")) and not re.search(r"\^|(?<!\d)/|(?<![a-z])_|_(?![a-z])|<=|sqrt", text), text


UNREADABLE = re.compile(r"_\w+[-+]\d|<-|\^_|\)\^\w+_|\w \. \w|_\w+,\w")


@pytest.mark.parametrize("name", names())
def test_a_page_writes_indices_so_that_they_are_read_as_such(name: str) -> None:
    """S_i-1 is read as S_i minus 1, and x^w_i as x^w times an index: brackets say what belongs together."""
    found = UNREADABLE.findall(mechanism_card(name).formula)
    assert not found, f"{name}: write S_(i-1), G_(i,j,d), x^(w_i), a.b, and = instead of {found}"


def test_what_would_be_misread_is_seen() -> None:
    for wrong in ("S_i-1", "S <- 2", "q^_i", "relu(x)^w_i", "R_i q . k", "G_ij,d"):
        assert UNREADABLE.search(wrong), wrong
    assert not UNREADABLE.search("S_(i-1) + a_(j+1,d) x^(w_i) q_i.k_j - 1 <= D^-1/2 softmax_j(k)_jd")


@pytest.mark.parametrize("formula, wanted", [
    ("A_ij = exp(S_ij) / sum_l exp(S_il)", [("exp(Sij)", "∑lexp(Sil)")]),
    ("a + b c / d - e", [("bc", "d")]),
    ("1/sqrt(D) x", [("1", "D")]),
    ("o = [ p q ]  /  (r + s)", [("[pq]", "r+s")]),
    ("f = y^p |y| / |y^p|   with y", [("yp|y|", "|yp|")]),
    ("1 / length of l where j", [("1", "length of l")]),
    ("|x - y|^2/2", [("|x−y|2", "2")]),
    ("x D^-1/2", [])])
def test_a_fraction_holds_what_belongs_to_it(formula: str, wanted: list[tuple[str, str]]) -> None:
    assert fractions(formula) == wanted


def test_what_is_no_formula_still_is_well_formed() -> None:
    for formula in ("a / ", "(b", "c)", "x_", "y^", "|z", "sum_", "/", "_", "^2", "a__b", "{", "<b>&", ""):
        read(formula)
