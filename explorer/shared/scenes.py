"""A picture cut into tokens, as the pages draw attention over it. Samples are cached for all visitors."""
from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields

import streamlit as st

from linviz import Grid
from linviz.mechanisms import Attention
from linviz.views import View
from linviz.views.load import CutClip, Media, cut_clip, describe_tokens, read_media
from linviz.views.view_panels import Tokens, ViewPanel

from .background_jobs import ResultCache

Key = tuple[Hashable, ...]


@dataclass(frozen=True, eq=False)
class Scene(Tokens):
    """Tokens with the key of all that they depend on.

    results  where everything is kept that is computed of a person's own file: in the visit that brought it;  data  the
    file's bytes. Both are None for a sample.
    """

    key: Key = ()
    results: ResultCache | None = None
    data: bytes | None = None


@dataclass(frozen=True, eq=False)
class KeyedPanel(ViewPanel):
    """A panel with the key of all that it depends on.

    A panel with `waiting` is a placeholder for one whose gate is not fitted yet: its numbers are not to be read.
    """

    result_key: Key = ()
    waiting: bool = False

    @property
    def mechanism(self) -> Attention:
        """What the panel shows."""
        return self.reading.mechanism


def scene_of(tokens: Tokens, key: Key, results: ResultCache | None = None, data: bytes | None = None) -> Scene:
    """Tokens as a scene."""
    values = {field.name: getattr(tokens, field.name) for field in fields(Tokens)}
    return Scene(**values, key=key, results=results, data=data)


@st.cache_resource(max_entries=16, show_spinner="Making the clip: a few seconds, once.")
def sample_media(name: str, frames: int) -> Media:
    """A photograph or a clip as it comes."""
    return read_media(View(name, frames=frames))


@st.cache_resource(max_entries=12, show_spinner=False)
def cut_sample(name: str, grid: Grid) -> CutClip:
    """A sample cut to a grid, which decides how many frames there are."""
    return cut_clip(sample_media(name, max(grid.T, 2)), grid)


@st.cache_resource(max_entries=12, show_spinner=False)
def sample_scene(name: str, grid: Grid, temperature: float, causal: bool = False, keys: str = "own") -> Scene:
    """The tokens of a sample."""
    tokens = describe_tokens(cut_sample(name, grid), temperature, causal=causal, keys=keys)
    return scene_of(tokens, (name, grid, temperature, causal, keys))
