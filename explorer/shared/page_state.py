"""What an address tells of a page, and what a page writes into it; one `Address` a page.

A field is one name everywhere: the address's parameter, the attribute of the page's choice (a frozen dataclass),
and, after the page's name, the widget's key: `reach_clip`. An address is read when a visitor comes to the page, goes
back or goes forward.
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from typing import Any, Generic, TypeVar

import streamlit as st

from ..concentrate.choice import shown
from .history import History, stays

Reader = Callable[[str], Any]
C = TypeVar("C")


def within(low: float, high: float, kind: type = int) -> Reader:
    """Reads a number from low to high.

    >>> within(2, 8)("3")
    3
    """
    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise ValueError(f"it takes a {'whole ' * (kind is int)}number from {low} to {high}")
        return value
    return read


def one_of(*there: str) -> Reader:
    """Reads one of these words.

    >>> one_of("year", "name")("year")
    'year'
    """
    def read(text: str) -> str:
        if text not in there:
            raise ValueError(f"it takes one of {', '.join(there)}")
        return text
    return read


def some_of(*there: str, most: int | None = None) -> Reader:
    """Reads words with commas between, none twice, at most so many.

    >>> some_of("softmax", "linear")("linear,softmax")
    ('linear', 'softmax')
    """
    def read(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(text.split(",")))
        if set(words) - set(there) or len(words) > (most or len(there)):
            some = f"at most {most}" if most else "some"
            raise ValueError(f"it takes {some} of {', '.join(there)}, with commas between")
        return words
    return read


class Address(Generic[C]):
    """The address of one page. `opening`: the choice a bare address stands for; `readers`: one a field.

    settle  gives the nearest choice that can be shown, and a sentence on everything it changed.
    beside  names parameters that others read;  first: fields whose widget is made before `come`.
    """

    def __init__(self, page: str, opening: C, readers: Mapping[str, Reader],
                 settle: Callable[[C], tuple[C, list[str]]] = lambda choice: (choice, []),
                 beside: Collection[str] = (), first: Collection[str] = ()) -> None:
        self.page, self.opening, self.readers, self.settle = page, opening, readers, settle
        self.beside, self.first = beside, first

    def read(self, parameters: Mapping[str, str]) -> tuple[C, list[str]]:
        """The choice an address tells of, and a sentence on every parameter that could not be used."""
        found, problems = asdict(self.opening), []  # type: ignore[call-overload]
        for name, text in parameters.items():
            try:
                found |= {} if name in self.beside else {name: self._reader(name)(text)}
            except ValueError as error:
                problems.append(f"{name[:40]}={text[:60]!r} in the address has no effect: {error}.")
        choice, more = self.settle(type(self.opening)(**found))
        return choice, problems + more

    def _reader(self, name: str) -> Reader:
        if name not in self.readers:
            raise ValueError(f"this page knows {', '.join([*self.readers, *self.beside])}")
        return self.readers[name]

    def write(self, choice: C) -> dict[str, str]:
        """What an address has to say of a choice: all that is not as on opening."""
        opening = asdict(self.opening)  # type: ignore[call-overload]
        return {name: shown(value) for name, value in asdict(choice).items()  # type: ignore[call-overload]
                if value != opening[name]}

    # ---------------------------------------------------------------------------------------- the session

    def key(self, name: str) -> str:
        """The key of a field's widget."""
        return f"{self.page}_{name}"

    def come(self) -> list[str]:
        """Before any widget: the address goes into the widgets once, with what could not be read of it as sentences.

        Coming back from another page, whose widgets have replaced these, everything stands as it was left.
        """
        stayed = stays(self.page)
        if self.page not in st.session_state or self.history.moved(stayed, self._held()):
            st.session_state[self.key("asked")] = there = st.query_params.to_dict()
            choice, st.session_state[self.key("said")] = self.read(there)
            st.session_state[self.page] = choice
            self.put(**{name: value for name, value in asdict(choice).items()  # type: ignore[call-overload]
                        if name not in self.first})
            self.history.came(self._held())
        for name, value in asdict(st.session_state[self.page]).items():
            st.session_state.setdefault(self.key(name), list(value) if isinstance(value, tuple) else value)
        said: list[str] = st.session_state[self.key("said")]
        return said

    def asked(self) -> dict[str, str] | None:
        """The parameters that were read last, once: for whoever reads some of them besides."""
        found: dict[str, str] | None = st.session_state.pop(self.key("asked"), None)
        return found

    @property
    def history(self) -> History:
        """The page's address in this visit."""
        found: History = st.session_state.setdefault(self.key("history"), History())
        return found

    def _held(self) -> dict[str, Any]:
        """How the widgets stand that are there."""
        names = set(asdict(self.opening)) - set(self.first)  # type: ignore[call-overload]
        return {name: st.session_state[self.key(name)] for name in names if self.key(name) in st.session_state}

    def put(self, **fields: Any) -> None:
        """Set widgets: only in a callback, or before they are made."""
        for name, value in fields.items():
            st.session_state[self.key(name)] = list(value) if isinstance(value, tuple) else value

    def reset(self) -> None:
        """Everything as on opening: a callback."""
        st.session_state[self.key("said")] = []
        self.put(**asdict(self.opening))  # type: ignore[call-overload]

    def chosen(self, beside: Mapping[str, str] | None = None) -> C:
        """What the widgets say now, settled; the address is brought up to it, and to what others write `beside`."""
        last = st.session_state[self.page]
        fields = {name: st.session_state.get(self.key(name), value) for name, value in asdict(last).items()}
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        choice, _ = self.settle(type(self.opening)(**fields))
        st.session_state[self.page] = choice
        self.tell(choice, beside or {})
        return choice

    def tell(self, choice: C, beside: Mapping[str, str]) -> None:
        """Bring the address up to a choice, and to what others write beside it."""
        self.history.write(self.write(choice) | dict(beside), self._held())
