"""Where the content of a patch lies in the other frames of a clip with known motion."""
from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ..grid import Grid
from ..shapes import Int
from .clip import Clip
from .fitting import fit_patches

LOST = -1
LEAST = 0.25  # the fraction of the pixels around a place whose motion must be known
Step = Callable[[int, Tensor], tuple[Tensor, Tensor]]  # frame, places (M, 2) -> next places, known


def token_tracks(clip: Clip, grid: Grid) -> Int[Tensor, "N T"]:
    """For every token, the token that holds the centre of its patch in each frame: (N, T); -1 where it is unknown.

    A centre moves with the pixels around it, forwards and backwards, until it leaves the picture or is covered; from
    then on it is unknown. Prefix tokens have no position. Raises ValueError for a clip without motion.

    >>> from linviz import clips
    >>> grid = Grid(4, 14, 14)
    >>> path = token_tracks(clips.load("pan", frames=4), grid)[grid.number(1, 7, 7)]
    >>> [grid.place(i)[1:] if i >= 0 else None for i in path.tolist()]
    [(5, 6), (7, 7), (9, 8), (11, 10)]
    """
    fitted = fit_patches(clip, grid)
    if fitted.motion is None or fitted.known is None:
        raise ValueError(f"clip {clip.name!r} has no motion, so it is unknown where its pixels go")
    patch = fitted.size[1] // grid.Y
    forth, back = (step(fitted.motion, fitted.known, patch // 4) for step in (step_forwards, step_backwards))
    middles = (torch.cartesian_prod(torch.arange(grid.Y), torch.arange(grid.X)) + 0.5) * patch - 0.5
    found = torch.full((len(grid), grid.T), LOST)
    for t in range(grid.T):
        own = slice(grid.prefix + t * len(middles), grid.prefix + (t + 1) * len(middles))
        found[own, t] = torch.arange(own.start, own.stop)
        for step, frames in ((forth, range(t, grid.T - 1)), (back, range(t, 0, -1))):
            for to, where, seen in walk_frames(step, frames, middles, 1 if step is forth else -1):
                y, x = ((where + 0.5) // patch).long().unbind(-1)
                found[own, to] = torch.where(seen, grid.prefix + (to * grid.Y + y) * grid.X + x, LOST)
    return found


def walk_frames(step: Step, frames: Iterable[int], where: Tensor, way: int) -> Iterable[tuple[int, Tensor, Tensor]]:
    """For each frame: its number, the positions of the places in it, and which of them are still known."""
    seen = torch.ones(len(where), dtype=torch.bool)
    for t in frames:
        new, good = step(t, where)
        seen = seen & good
        where = torch.where(seen[:, None], new, where)
        yield t + way, where, seen


def step_forwards(motion: Tensor, known: Tensor, reach: int) -> Step:
    """From frame t to t + 1: a place moves like most of the known pixels within reach of it."""
    def step(t: int, where: Tensor) -> tuple[Tensor, Tensor]:
        y, x, good = lattice_around(where, known, reach)
        return move_places(where, motion[t, :, y, x], good & known[t, y, x], known)
    return step


def step_backwards(motion: Tensor, known: Tensor, reach: int) -> Step:
    """From frame t to t - 1: the same, by the pixels that arrive within reach of the place."""
    came = [arrival_pixels(m, k) for m, k in zip(motion, known)]

    def step(t: int, where: Tensor) -> tuple[Tensor, Tensor]:
        y, x, good = lattice_around(where, known, reach)
        source = came[t - 1][y, x]
        from_y, from_x = source.clamp(min=0) // known.shape[2], source.clamp(min=0) % known.shape[2]
        return move_places(where, -motion[t - 1, :, from_y, from_x], good & (source >= 0), known)
    return step


def lattice_around(where: Tensor, known: Tensor, reach: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rows and columns of a lattice of pixels around each place, (M, 25) each, and which lie in the frame."""
    far = torch.linspace(-reach, reach, 5).round().long()
    near = where.round().long()[:, None] + torch.cartesian_prod(far, far)
    good = within_frame(near, known)
    y, x = near.unbind(-1)
    return y.clamp(0, known.shape[1] - 1), x.clamp(0, known.shape[2] - 1), good


def move_places(where: Tensor, by: Tensor, good: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Places moved by the median of the good part of `by` (2, M, 25); known if a quarter is good, and in the frame."""
    middle = by.masked_fill(~good, torch.nan).nanmedian(-1).values.T
    seen = good.float().mean(-1) >= LEAST
    to = torch.where(seen[:, None], where + middle, where)
    return to, seen & within_frame(to, known)


def arrival_pixels(motion: Tensor, known: Tensor) -> Tensor:
    """For every pixel of the next frame, the number of the pixel that moved there: (Ypx, Xpx), -1 where none did.

    >>> arrival_pixels(torch.tensor([[[0., 0., 0.]], [[1., 1., 1.]]]), torch.tensor([[True, True, False]])).tolist()
    [[-1, 0, 1]]
    """
    y, x = known.nonzero(as_tuple=True)
    to = (torch.stack([y, x], -1) + motion[:, y, x].T).round().long()
    good = within_frame(to, known[None])
    out = torch.full(known.shape, LOST)
    out[to[good, 0], to[good, 1]] = y[good] * known.shape[1] + x[good]
    return out


def within_frame(where: Tensor, known: Tensor) -> Tensor:
    """Which places (..., 2) round to a pixel of the frame."""
    size = torch.tensor(known.shape[-2:])
    near = where.round()
    return ((near >= 0) & (near < size)).all(-1)
