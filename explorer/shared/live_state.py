"""What a visitor has done in the live view: which patch is pinned, and how the view is drawn."""
from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from linviz import Grid
from linviz.views import Look
from linviz.views.view_checks import find_token


def query_place(query: int, grid: Grid) -> tuple[int, int, int]:
    """Frame, row and column of a token; of a token before the picture, the picture's first.

    >>> query_place(5, Grid(1, 2, 2, prefix=2)), query_place(0, Grid(1, 2, 2, prefix=2))
    ((0, 1, 1), (0, 0, 0))
    """
    return grid.place(max(query, grid.prefix))


def query_words(query: int, grid: Grid) -> str:
    """A pinned token in words.

    >>> query_words(5, Grid(1, 2, 2, prefix=2)), query_words(0, Grid(1, 2, 2, prefix=2))
    ('patch (row 2, column 2)', 'token 1 of the 2 before the picture')
    """
    if query < grid.prefix:
        return f"token {query + 1} of the {grid.prefix} before the picture"
    t, y, x = grid.place(query)
    return f"patch (row {y + 1}, column {x + 1}" + f", frame {t + 1}" * (grid.T > 1) + ")"


class LiveState:
    """The live view of one visitor: what it was asked for, and what it has reported since.

    plain        how the view opens where nothing else is asked for
    query, look  as the view has them now
    words        with which the view is opened. They change only when something else is asked for: a blob that changes
                 is sent again
    problems     a sentence on everything that could not be done
    """

    def __init__(self, plain: Look) -> None:
        self.query, self.look, self.words, self.problems = 0, plain, dict[str, Any](), list[str]()
        self._plain = plain
        self._asked: tuple[tuple[int, ...] | None, Look] | None = (None, plain)
        self._picture: Any = None
        self._heard: Any = None
        self._tick = 0

    def ask(self, place: tuple[int, ...] | None, look: Look) -> None:
        """A URL asks for a patch and a look: when a visitor comes, goes back or goes forward."""
        self._asked, self.problems = (place, look), []

    def clear(self) -> None:
        """As on opening; the view is made anew."""
        self._asked, self._picture, self.problems = (None, self._plain), None, []

    @property
    def waiting(self) -> bool:
        """Whether something was asked for that no view has been shown for yet."""
        return self._asked is not None

    def follow(self, message: Mapping[str, Any] | None, grid: Grid, own: int, of: Hashable = None) -> int:
        """The pinned query, after all that the view has reported. `own`: the picture's, where no other is pinned.

        of  tells pictures apart that have one grid and one such query. A message from before a change of picture is
        ignored; the look stays, whatever the picture.
        """
        picture = (grid, own, of)
        moved, self._picture = self._picture is not None and self._picture != picture, picture
        if self._asked is not None:
            self._begin(*self._asked, message, grid, own)
        elif moved:
            self._begin(None, replace(self.look, frame=None, pins=()), message, grid, own)
        elif message is None and self._heard is not None:  # a view that was made anew, as after another page
            self._open(self.query, self.look, None, grid)
        elif message is not None and message != self._heard:
            self._hear(message, grid, own)
        return self.query

    def _begin(self, place: tuple[int, ...] | None, look: Look, message: Mapping[str, Any] | None, grid: Grid,
               own: int) -> None:
        found = None if place is None else find_token(place, grid)
        if place is not None and found is None:
            asked = ",".join(map(str, place))
            self.problems.append(f"query={asked} in the address has no effect: there are {grid.T} x {grid.Y} x "
                                 f"{grid.X} patches, counted from 0.")
        self._asked = None
        self._open(own if found is None else found, look, message, grid)

    def _open(self, query: int, look: Look, message: Mapping[str, Any] | None, grid: Grid) -> None:
        self.query, self.look, self._heard, self._tick = query, look, message, self._tick + 1
        self.words = look.as_words(grid.T) | {"query": query, "tick": self._tick}

    def _hear(self, message: Mapping[str, Any], grid: Grid, own: int) -> None:
        self._heard = message
        try:
            self.look = type(self._plain)(**{name: one.kind.from_json(message[name])
                                             for name, one in self._plain.settings().items() if name in message})
        except ValueError:  # no browser of ours sends this
            return
        self.query = message["query"] if 0 <= message["query"] < len(grid) else own

    def values(self, grid: Grid, own: int) -> dict[str, Any]:
        """The query and the look as fields of a view: None where they are the picture's own."""
        place = grid.place(self.query) if self.query >= grid.prefix else (self.query,)
        natural = place[0] if len(place) == 3 else 0
        frame = None if grid.T == 1 or self.look.frame == natural else self.look.frame
        look = {name: getattr(self.look, name) for name in self.look.settings()}
        return look | {"frame": frame, "query": None if self.query == own else place}
