"""What a hand has done in the view: which patch is pinned and how it is looked at; and what an address tells of it."""
from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from linviz import Grid
from linviz.views import Look
from linviz.views.look import RANGES, WORDS

from .address import Reader, one_of, within

PLAIN = Look()


def query(text: str) -> tuple[int, ...]:
    """Reads a patch: frame, row and column from 0, or the number of a token that lies before the picture.

    >>> query("0,12,13"), query("0")
    ((0, 12, 13), (0,))
    """
    parts = text.split(",")
    if len(parts) not in (1, 3) or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise ValueError("it takes frame,row,column, counted from 0")
    return tuple(map(int, parts))


def _switch(text: str) -> bool:
    return one_of("0", "1")(text) == "1"


READERS: dict[str, Reader] = {
    "query": query, **{name: one_of(*there) for name, there in WORDS.items()},
    **{name: within(*ends, float) for name, ends in RANGES.items()},
    "own": _switch, "follow": _switch, "frame": within(0, 999)}


@dataclass(frozen=True)
class Asked:
    """What an address asks of a view. query: as `query` reads it; none: the picture's own."""

    query: tuple[int, ...] = ()
    look: Look = PLAIN


def asked(parameters: Mapping[str, str], said: Callable[[str], Any], plain: Look = PLAIN) -> Asked:
    """What an address asks of the view; `said` hears a sentence on every parameter that could not be used.

    plain  is how the view opens where nothing else is asked.

    >>> found = asked({"query": "1,2,3", "mode": "heat", "clip": "pan"}, print)
    >>> found.query, found.look == Look(mode="heat")
    ((1, 2, 3), True)
    """
    found: dict[str, Any] = {}
    for name, text in parameters.items():
        try:
            found |= {name: READERS[name](text)} if name in READERS else {}
        except ValueError as error:
            said(f"{name}={text[:80]!r} in the address has no effect: {error}.")
    return Asked(found.pop("query", ()), replace(plain, **found))


def number(asked: tuple[int, ...], grid: Grid) -> int | None:
    """The token that a query names on a grid; none where there is no such.

    >>> number((0, 1, 1), Grid(1, 2, 2)), number((0, 9, 1), Grid(1, 2, 2)), number((), Grid())
    (3, None, None)
    """
    if len(asked) == 3:
        there = all(at < size for at, size in zip(asked, (grid.T, grid.Y, grid.X)))
        return grid.number(asked[0], asked[1], asked[2]) if there else None
    return asked[0] if asked and asked[0] < grid.prefix else None


def place(query: int, grid: Grid) -> tuple[int, int, int]:
    """Frame, row and column of a token; of one that lies before the picture, the picture's first.

    >>> place(5, Grid(1, 2, 2, prefix=2)), place(0, Grid(1, 2, 2, prefix=2))
    ((0, 1, 1), (0, 0, 0))
    """
    return grid.place(max(query, grid.prefix))


def words(query: int, grid: Grid) -> str:
    """A pinned token in words.

    >>> words(5, Grid(1, 2, 2, prefix=2)), words(0, Grid(1, 2, 2, prefix=2))
    ('patch (row 2, column 2)', 'token 1 of the 2 before the picture')
    """
    if query < grid.prefix:
        return f"token {query + 1} of the {grid.prefix} before the picture"
    t, y, x = grid.place(query)
    return f"patch (row {y + 1}, column {x + 1}" + f", frame {t + 1}" * (grid.T > 1) + ")"


class Hand:
    """The hand of one visitor on one view: what was asked of the view, and what it has told since.

    plain: how the view opens; deaf: words of an address that are another's.
    query, look  as the view has them now;  wish: the words with which the view is opened, which change only when
    something else is asked: a blob that changes is sent again.  kept: the words of an address, as they were asked or
    told last.  said: a sentence on everything that could not be done.
    """

    def __init__(self, plain: Look = PLAIN, deaf: Collection[str] = ()) -> None:
        self.query, self.look, self.wish, self.said = 0, plain, dict[str, Any](), list[str]()
        self.kept: dict[str, str] = {}
        self._plain, self._deaf = plain, deaf
        self._asked: Asked | None = Asked((), plain)
        self._place: Any = None
        self._heard: Any = None
        self._tick = 0

    def ask(self, parameters: Mapping[str, str]) -> None:
        """An address asks for a patch and a look: when somebody comes, goes back or goes forward."""
        self.said = []
        self.kept = {name: text for name, text in parameters.items() if name in READERS and name not in self._deaf}
        self._asked = asked(self.kept, self.said.append, self._plain)

    def clear(self) -> None:
        """As on opening; the view is made anew."""
        self._asked, self._place, self.said, self.kept = Asked((), self._plain), None, [], {}

    def follow(self, message: Mapping[str, Any] | None, grid: Grid, own: int, of: Hashable = None) -> int:
        """The pinned query, after all that the view has told. `own`: the picture's, where nobody has pinned another.

        of  tells pictures apart that have one grid and one such query.

        A message from before a change of picture is no longer heard; the look stays, whatever the picture.
        """
        place = (grid, own, of)
        moved, self._place = self._place is not None and self._place != place, place
        if self._asked is not None:
            self._begin(self._asked, message, grid, own)
        elif moved:
            self._begin(Asked((), replace(self.look, frame=None)), message, grid, own)
        elif message is None and self._heard is not None:  # a view that was made anew, as after another page
            self._set(self.query, self.look, None, grid)
        elif message is not None and message != self._heard:
            self._hear(message, grid, own)
        return self.query

    def _begin(self, asked: Asked, message: Mapping[str, Any] | None, grid: Grid, own: int) -> None:
        found = number(asked.query, grid)
        if asked.query and found is None:
            self.said.append(f"query={','.join(map(str, asked.query))} in the address has no effect: there are "
                             f"{grid.T} x {grid.Y} x {grid.X} patches, counted from 0.")
        self._asked = None
        self._set(own if found is None else found, asked.look, message, grid)

    def _set(self, query: int, look: Look, message: Mapping[str, Any] | None, grid: Grid) -> None:
        self.query, self.look, self._heard, self._tick = query, look, message, self._tick + 1
        self.wish = look.asked(grid.T) | {"query": query, "tick": self._tick}

    def _hear(self, message: Mapping[str, Any], grid: Grid, own: int) -> None:
        self._heard = message
        try:
            self.look = Look(**{field.name: message[field.name] for field in fields(Look) if field.name in message})
        except ValueError:  # no browser of ours says this
            return
        self.query = message["query"] if 0 <= message["query"] < len(grid) else own

    def told(self, grid: Grid, own: int) -> dict[str, str]:
        """What an address has to say of the hand: all that is not as on opening."""
        place = grid.place(self.query) if self.query >= grid.prefix else (self.query,)
        out = {"query": ",".join(map(str, place))} if self.query != own else {}
        for name, value in asdict(self.look).items():
            if name != "frame" and value != getattr(self._plain, name) and name not in self._deaf:
                out[name] = str(int(value)) if isinstance(value, bool) else f"{value:g}" if name in RANGES else value
        if self.look.frame not in (None, place[0] if len(place) == 3 else 0) and grid.T > 1:
            out["frame"] = str(self.look.frame)
        self.kept = out
        return out
