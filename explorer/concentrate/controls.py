"""The controls of the page Concentrate: what a visitor can choose, and what is said where it cannot be drawn.

Every widget's key is a field of `Choice`; `location` keeps them and the browser's address in step.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from linviz import clips
from linviz.mechanisms import REGISTRY, parse
from linviz.models import LABEL

from . import choice as limits
from . import own
from .choice import OPENING, OWN, Choice
from .location import put
from .scenes import Scene
from .visit import Visit

READS = {"self": "its own token", "qk": "q and k", "qkv": "q, k and v"}


def plain(text: str) -> str:
    """Text that may hold what somebody typed, with everything that markdown would read escaped.

    >>> plain("[a](b)")
    '\\\\[a\\\\](b)'
    """
    return re.sub(r"([\\`*_\[\]{}<>#|~$:!])", r"\\\1", text)


def warn(sentences: Sequence[str]) -> None:
    """Say what could not be done, a sentence each, in a container that is there without any as well.

    A browser makes anew all that stands below a place where one thing more, or less, has come.
    """
    with st.container():
        for sentence in sentences:
            st.warning(plain(sentence))


def title(spec: str) -> str:
    """What the menu calls a pick.

    >>> title("relu_floor+gate")
    'relu + floor + gate'
    """
    return REGISTRY[parse(spec).name].title + " + gate" * bool(parse(spec).gate)


def credit(here: Scene) -> str:
    """Whose picture it is, and what its tokens are."""
    whose = "your own" if here.shelf else f"{here.clip.author}, {here.clip.licence}"
    return f"{plain(here.clip.title)}: {whose}. What is compared: {here.note}."


def _reset() -> None:
    st.session_state.visit.reset()
    st.session_state.said = []
    st.session_state.uploads = {}
    put(OPENING)


def _other_picture() -> None:
    """Fields that were as the old picture shows best become as the new one does; what a visitor set stays."""
    last, there = st.session_state.good, own.current()
    old = limits.good(last.clip, last.there)
    new = limits.good(st.session_state.clip, there.size if there else ())
    for name, value in new.items():
        if st.session_state.get(name, getattr(last, name)) == old[name]:  # a photograph has no slider for frames
            st.session_state[name] = value


def choose() -> Choice:
    """Show the controls in the sidebar; what is chosen, or the last choice that could be drawn."""
    with st.sidebar:
        _picture()
        st.multiselect("Mechanisms side by side, two to four", limits.menu(), key="maps", format_func=title,
                       max_selections=limits.MAPS[1], select_all=False)
        st.text_input("One more, by its spec", key="spec", placeholder="relu_floor+gate:qk+shift:space", max_chars=80)
        maps, spec, problem = _mechanisms()
        if problem:
            st.error(plain(problem))
        st.toggle("Causal: nobody sees the future", key="causal",
                  help="Patches are counted frame by frame, row by row; each sees itself and those before it.")
        with st.expander("The gate"):
            _gate()
        st.button("Reset", on_click=_reset, width="stretch")
    rest = {name: st.session_state[name] for name in asdict(OPENING) if name in st.session_state}
    wanted = Choice(**rest | own.known() | {"maps": maps, "spec": spec})
    st.session_state.good = wanted
    return wanted


def invite() -> None:
    """A way to one's own files that needs no sidebar, which telephones fold away."""
    if st.session_state.clip != OWN:
        st.button("Bring your own picture, clip or tensors, or a saved view", on_click=_own, type="tertiary",
                  icon=":material/upload:")


def _own() -> None:
    st.session_state.clip = OWN
    _other_picture()


def _mechanisms() -> tuple[tuple[str, ...], str, str]:
    """Picks and spec that can be drawn, and a sentence about what cannot."""
    maps, spec, problem = tuple(st.session_state.maps), st.session_state.spec.strip(), ""
    try:
        spec = limits.check_spec(spec, maps) if spec else ""
    except ValueError as error:
        spec, problem = "", str(error)
    if len({*maps, spec} - {""}) < limits.MAPS[0]:
        kept = st.session_state.good
        return kept.maps, kept.spec, problem or "Choose two mechanisms or more; shown are the last two that were."
    return maps, spec, problem


def _picture() -> None:
    st.selectbox("Photograph or clip", [OWN, *clips.names()], key="clip", on_change=_other_picture, format_func=_called)
    now = _now()
    if len(now.there) == 4:
        _given()
        return
    most = limits.CLIP_PATCHES if now.moving and (now.there or now.clip != OWN) else limits.PATCHES[1]
    st.session_state.patches = min(st.session_state.patches, most)
    longer = "Patches along the longer side" if now.clip == OWN else "Patches per side"
    st.slider(longer, limits.PATCHES[0], most, key="patches")
    if now.moving:
        st.slider("Frames", *limits.FRAMES, key="frames")
    grid = _now().grid
    frames, tokens = f"{grid.T} frames of " * now.moving, len(grid)
    if now.there or now.clip != OWN:
        st.caption(f"{frames}{grid.Y} x {grid.X} are {tokens:,} patches{_full(grid.T)}.")
    _temperature()


def _given() -> None:
    """Of tensors: which head, and by what their logits are divided."""
    upload = own.current()
    if upload is not None and upload.heads > 1:
        st.session_state.head = min(st.session_state.head, upload.heads)
        st.number_input("Head", 1, upload.heads, key="head")
    st.caption(f"{len(_now().grid):,} tokens.")
    _temperature()


def _temperature() -> None:
    st.slider("Temperature", *limits.TEMPERATURES, step=0.01, key="temperature",
              help="q and k are divided by its root, so every logit by it: below 1 attention is sharper.")


def _called(name: str) -> str:
    """What the menu calls a picture."""
    if name == OWN:
        return "Your own: bring a file"
    return f"{name.capitalize()} ({'photograph' if name in clips.PHOTOGRAPHS else 'clip'})"


def _now() -> Choice:
    """The picture as its widgets have it."""
    state = st.session_state
    return Choice(clip=state.clip, patches=state.patches, frames=state.frames, there=own.known()["there"])


def _full(frames: int) -> str:
    """Why there are not as many frames as were asked for."""
    now = _now()
    if not now.moving or frames == now.frames:
        return ""
    return "; there are no more" if frames in now.there[:1] else f"; no more frames fit into {limits.MOST:,}"


def _gate() -> None:
    st.radio("It reads", limits.SEES, key="sees", format_func=READS.get)
    st.checkbox("One layer for q and k", key="shared")
    timeless = st.session_state.causal or not _now().moving
    shifts = [s for s in limits.SHIFTS if s != "time" or not timeless]
    st.session_state.shift = st.session_state.shift if st.session_state.shift in shifts else "none"
    st.radio("Neighbours shifted into k and v", shifts, key="shift", horizontal=True)
    st.number_input("Steps of a fit", *limits.STEPS, key="steps", step=50)
    st.number_input("Seed", *limits.SEEDS, key="seed", step=1)
    st.button("Fit again", on_click=st.session_state.visit.refit, help=f"The gate is {LABEL}.", width="stretch")


@st.fragment(run_every=0.3)
def progress(visit: Visit) -> None:
    """How far the work is, and a way to stop a fit. Runs by itself while anything is on its way."""
    if visit.due:
        st.rerun()
    visit.begin()
    way = visit.progress()
    if way is None:
        st.caption("Reading every row, for means and spectra …")
    else:
        done, steps, kl = way
        st.progress(done / steps, f"Fitting the gate: step {done} of {steps}, KL {kl:.2f} bits")
        st.button("Cancel", on_click=visit.stop, width="stretch")


def foot(visit: Visit) -> None:
    """The end of the sidebar: work on its way. Nothing may follow it and nothing empty may stand before it, or
    the browser, which drops what is empty, would look for it in the wrong place.
    """
    if visit.busy:
        with st.sidebar:
            progress(visit)
