"""A picture cut into tokens: what the page Concentrate draws attention over. Samples are cached for all visitors."""
from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import streamlit as st
from torch import Tensor

from linviz import Grid, clips
from linviz.views.row_stats import Places, places

from ..shared.jobs import Shelf

if TYPE_CHECKING:
    from .own import Upload

Key = tuple[Hashable, ...]


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture cut into tokens: the clip as it is described and as it is shown, q, k, v and the object's mask.

    causal: tokens are read in their order, frame by frame and row by row, and none sees what comes after it.
    upload: somebody's own file; shelf: where all that is computed of it is kept, in the visit that brought it.
    note: what q, k and v are.
    """

    key: Key
    clip: clips.Clip
    picture: clips.Clip
    grid: Grid
    q: Tensor
    k: Tensor
    v: Tensor
    mask: Tensor | None
    causal: bool = False
    shelf: Shelf | None = None
    note: str = clips.DESCRIPTORS_NOTE
    upload: Upload | None = None

    @property
    def query(self) -> int:
        """The token to look from first."""
        return clips.token_at(self.clip, self.grid)

    @property
    def places(self) -> Places:
        """The row measures that need to know where tokens lie, with what they need."""
        return places(self.grid, self.mask)

    @cached_property
    def tracks(self) -> Tensor | None:
        """Where each token's patch is on the other frames, if that is known of the clip."""
        return None if self.clip.motion is None else clips.tracks(self.clip, self.grid)


@st.cache_resource(max_entries=16, show_spinner="Making the clip: a few seconds, once.")
def load(name: str, frames: int) -> clips.Clip:
    """A photograph or a clip as it comes."""
    return clips.load(name, frames=frames)


@st.cache_resource(max_entries=12, show_spinner=False)
def cut(name: str, grid: Grid) -> tuple[clips.Clip, clips.Clip, Tensor | None]:
    """A picture as it is described, as it is shown, and its mask; `grid` decides how many frames there are."""
    source = load(name, max(grid.T, 2))
    clip = clips.fit(source, grid)
    mask = None if clip.mask is None else clips.token_mask(clip, grid)
    return clip, clips.sharp(source, grid), mask


@st.cache_resource(max_entries=12, show_spinner=False)
def scene(name: str, grid: Grid, temperature: float, causal: bool = False) -> Scene:
    """The tokens of a picture."""
    clip, picture, mask = cut(name, grid)
    qkv = clips.descriptors(clip, grid, temperature)
    return Scene((name, grid, temperature, causal), clip, picture, grid, *qkv, mask, causal)
