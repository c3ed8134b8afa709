"""What a mechanism says of itself, as a card: read from its class and its page, nothing is typed here."""
from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from linviz import cost, names
from linviz.mechanisms import FAMILIES, REGISTRY

YES = {True: "yes", False: "no"}


@dataclass(frozen=True)
class Card:
    """One mechanism. power: with which power of the number of tokens its cost grows; fixed: its tables fix that number.

    after: the name of the mechanism that this one changes, "" where there is none.

    signed: weights may be negative or rows need not sum to one, so that rows are not probability distributions.

    idea and formula are the first paragraph and the first indented block of its page; year is None where no paper is.
    """

    name: str
    title: str
    family: str
    year: int | None
    paper: str
    cost: str
    power: int
    rank: str
    signed: bool
    fixed: bool
    causal: bool
    idea: str
    formula: str
    after: str

    @property
    def order(self) -> str:
        """The cost as mathematics writes it.

        >>> mechanism_card("aft_conv").order
        'O(N P² D)'
        """
        return f"O({self.cost.replace('^2', '²')})"

    @property
    def grows(self) -> str:
        """The power in words, and the grid's sides where they stand beside the number of tokens.

        >>> mechanism_card("softmax").grows, mechanism_card("linear").grows, mechanism_card("kronecker_kv").grows
        ('N²', 'N', 'N · side')
        """
        word = {1: "N", 2: "N²"}.get(self.power, f"N^{self.power}")
        return f"{word} · side" if re.search(r"\b[TYX]\b", self.cost) else word


@cache
def mechanism_card(name: str) -> Card:
    """The card of a registered mechanism.

    >>> mechanism_card("linear").idea
    'Linear attention: replace exp(q.k) by a product of features.'
    >>> mechanism_card("uniform").formula
    'A_ij = 1 / S        o_i = mean_j v_j'
    """
    c = REGISTRY[name]
    page = inspect.getdoc(sys.modules[c.__module__]) or inspect.getdoc(c) or ""
    return Card(name, c.title, c.family, paper_year(c), c.paper, c.cost, cost.cost_exponent(c.cost), c.rank,
                c.signed is True, c.fixed, c.takes_causal, " ".join(page.split("\n\n")[0].split()), page_formula(page),
                c.after)


def mechanism_cards() -> list[Card]:
    """Of every registered mechanism, family by family, the oldest first."""
    return sorted(map(mechanism_card, names()), key=lambda c: (FAMILIES.index(c.family), c.year or 9999, c.title))


def example_text(name: str) -> str:
    """Spec and options with which a mechanism is drawn: its class says where the name alone would hide it.

    >>> example_text("softmax"), example_text("swin")
    ('softmax', 'swin@window:7')
    """
    return REGISTRY[name].example or name


def paper_year(c: Any) -> int | None:
    """The year a class states, or that of its paper."""
    found = re.search(r"\b(19|20)\d\d\b", c.paper) if "no paper" not in c.paper else None
    return c.year or (int(found[0]) if found else None)


def page_formula(page: str) -> str:
    """The first indented block of a page, without its indentation.

    >>> page_formula("The idea.\\n\\n    a = b\\n      + c\\n\\n    d = e\\n\\nMore words.")
    'a = b\\n  + c\\n\\nd = e'
    """
    lines = page.splitlines()
    inside = [line.startswith("    ") or not line.strip() for line in lines]
    first = next((n for n, line in enumerate(lines) if line.startswith("    ")), len(lines))
    last = next((n for n in range(first, len(lines)) if not inside[n]), len(lines))
    return inspect.cleandoc("\n".join(["", *lines[first:last]])).strip()


def card_tags(c: Card) -> list[str]:
    """What has to be known before the mechanism is used, one or two words each.

    >>> card_tags(mechanism_card("softmax"))
    ['causal form']
    """
    said = {"no distribution": c.signed, "fixed N": c.fixed, "causal form": c.causal}
    return [word for word, holds in said.items() if holds]


# ------------------------------------------------------------------------------------------------ which, in what order


def select_cards(every: Iterable[Card], families: tuple[str, ...] = (), signed: str = "any", fixed: str = "any",
           causal: str = "any", text: str = "") -> list[Card]:
    """The cards that fit: no family named means all of them; signed, fixed and causal are "any", "yes" or "no".

    >>> [c.name for c in select_cards(mechanism_cards(), families=("kernel",), text="cosformer")]
    ['cosformer']
    """
    words = text.lower().split()

    def told(c: Card) -> str:
        return " ".join((c.name, c.title, c.family, c.paper, c.idea, c.formula)).lower()

    return [c for c in every if (not families or c.family in families) and signed in ("any", YES[c.signed])
            and fixed in ("any", YES[c.fixed]) and causal in ("any", YES[c.causal])
            and all(word in told(c) for word in words)]


Number = Callable[[str], float | None]
SORTS: dict[str, str] = {"family": "family, then year", "year": "year", "title": "name", "cost": "cost",
                         "entropy": "entropy on this picture"}


def card_sections(cards: Sequence[Card], every: Iterable[Card], by: str) -> list[dict[str, Any]]:
    """The headings that cards stand under: a family each, or one, where cards of all families are in one order.

    cards: in their order, as `order_cards` gives them; every: all that a filter could have left. `size` counts cards.

    >>> [s["title"] for s in card_sections(mechanism_cards(), mechanism_cards(), "family")][:2]
    ['Softmax', 'Kernel']
    >>> card_sections(mechanism_cards()[:1], mechanism_cards()[:3], "year")
    [{'family': '', 'title': 'By year', 'count': '1 of 3 mechanisms', 'size': 1}]
    """
    whose = [c.family if by == "family" else "" for c in every]
    return [{"family": family, "title": family.capitalize() or f"By {SORTS[by]}",
             "count": counted_cards(size, whose.count(family)), "size": size}
            for family, group in groupby(cards, lambda c: c.family if by == "family" else "")
            if (size := len(list(group)))]


def counted_cards(size: int, most: int) -> str:
    """How many cards are shown of how many there are.

    >>> counted_cards(1, 1), counted_cards(8, 8), counted_cards(2, 8)
    ('1 mechanism', '8 mechanisms', '2 of 8 mechanisms')
    """
    return f"{size} of {most} mechanisms" if size < most else f"{size} mechanism{'s' * (size > 1)}"


def order_cards(every: Iterable[Card], by: str, number: Number) -> list[Card]:
    """In the order of `by`; `number` gives operations or bits by name, or None: those without a number come last."""
    def place(c: Card) -> tuple[Any, ...]:
        n = number(c.name) if by in ("cost", "entropy") else None
        return {"family": (FAMILIES.index(c.family), c.year or 9999), "year": (c.year or 9999,), "title": (),
                "cost": (c.power, n is None, n or 0), "entropy": (n is None, n or 0)}[by] + (c.title.lower(),)
    return sorted(every, key=place)
