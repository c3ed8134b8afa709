"""Whether a view fits its file and its grid; one sentence where it does not."""
from __future__ import annotations

from ..grid import Grid
from .state import CAPS, View
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
