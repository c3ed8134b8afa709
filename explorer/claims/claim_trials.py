"""Trials of the statements: on the chosen picture, and on every sample photograph for comparison."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from linviz import clips
from linviz.clips import Clip
from linviz.published_claims import CLAIMS, Trial, try_claims
from linviz.views import View
from linviz.views.load import CutClip, Media, cut_clip, describe_tokens, read_media, view_grid

from .claims_state import PICTURES, ClaimsView


@dataclass(frozen=True, eq=False)
class TriedPicture:
    """A picture with the trial of every statement on it."""

    cut: CutClip
    trials: dict[str, Trial]

    @property
    def clip(self) -> Clip:
        """The picture."""
        return self.cut.clip


def tried_picture(chosen: ClaimsView) -> TriedPicture | None:
    """The trials on what is chosen; None while a person's own file is awaited."""
    if isinstance(chosen.source, str):
        return sample_trials(chosen.source, chosen.patches, chosen.temperature)
    own = PICTURES.find(chosen.source)
    if own is None:
        return None
    view = View(chosen.source, patches=chosen.patches)
    return own.results.keep((chosen.patches, chosen.temperature),
                            lambda: _try_media(Media(own.clip), view, chosen.temperature))


@st.cache_resource(max_entries=64, show_spinner=False)
def sample_trials(name: str, patches: int, temperature: float) -> TriedPicture:
    """The trials on a sample photograph."""
    view = View(name, patches=patches)
    return _try_media(read_media(view), view, temperature)


def _try_media(media: Media, view: View, temperature: float) -> TriedPicture:
    cut = cut_clip(media, view_grid(view, (1, *media.size[1:])))
    tokens = describe_tokens(cut, temperature)
    return TriedPicture(cut, try_claims(tokens.q, tokens.k, tokens.v, cut.grid))


def sample_verdicts(patches: int, temperature: float) -> dict[str, Counter[str]]:
    """How often each verdict is given over the sample photographs: by statement."""
    found = [sample_trials(name, patches, temperature).trials for name in clips.PHOTOGRAPHS]
    return {name: Counter(trials[name].verdict for trials in found) for name in CLAIMS}
