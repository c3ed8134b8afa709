"""Whether a view fits its file and its grid; one sentence where it does not."""
from __future__ import annotations

from ..grid import Grid
from .state import CAPS, Look, View
from .state_kinds import SourceFile


def check_query(query: tuple[int, ...] | None, grid: Grid, name: str) -> None:
    """ValueError, in one sentence, where the query is not on the grid."""
    if query is not None and find_token(query, grid) is None:
        raise ValueError(f"the query {','.join(map(str, query))} is a frame, row and column counted from 0, and "
                         f"{name} is cut to {grid.T} x {grid.Y} x {grid.X}")


def check_size(grid: Grid | None, name: str) -> None:
    """ValueError, in one sentence, where a grid has more tokens than a file may have."""
    if grid is not None and len(grid) > CAPS["file"]:
        raise ValueError(f"{name}: {grid.T} frames of {grid.Y} x {grid.X} patches are {len(grid):,} tokens and "
                         f"{CAPS['file']:,} can be read: take fewer patches or frames")


def find_token(place: tuple[int, ...], grid: Grid) -> int | None:
    """The number of the token at a place (see `state_kinds.Place`); None where there is no such token.

    >>> find_token((0, 1, 1), Grid(1, 2, 2)), find_token((0, 9, 1), Grid(1, 2, 2)), find_token((0,), Grid())
    (3, None, None)
    """
    if len(place) == 3:
        there = all(at < size for at, size in zip(place, (grid.T, grid.Y, grid.X)))
        return grid.number(*place) if there else None
    return place[0] if place and place[0] < grid.prefix else None


def pinned_tokens(look: Look, query: int, grid: Grid) -> list[int]:
    """The tokens that are pinned, the query among them: none where the query is alone (as in pins.js).

    >>> pinned_tokens(Look(pins=((0, 0, 0), (0, 9, 9))), 3, Grid(1, 2, 2)), pinned_tokens(Look(), 3, Grid(1, 2, 2))
    ([0, 3], [])
    """
    there = [find_token(place, grid) for place in look.pins]
    tokens = list(dict.fromkeys([*(token for token in there if token is not None), query]))
    return tokens[-look.limits("pins")["most"]:] if len(tokens) > 1 else []


def check_file(view: View, data: bytes | None) -> bytes | None:
    """The bytes of the view's file, if they are its own; None for a sample."""
    source = view.source
    if not isinstance(source, SourceFile):
        if data is not None:
            raise ValueError(f"a view of the sample {source!r} takes no file")
        return None
    if data is None:
        raise ValueError(f"this view is of the file {source.name} (sha256 {source.sha256[:12]}...): give it")
    if (other := SourceFile.of(source.name, data).sha256) != source.sha256:
        raise ValueError(f"this view is of another file {source.name}: its sha256 begins with {source.sha256[:12]}, "
                         f"that of the one given with {other[:12]}")
    return data
