"""Where somebody brings a file of their own to the page Concentrate, and what is said of it."""
from __future__ import annotations

from typing import Any

import streamlit as st

from linviz.clips import Unreadable, limits
from linviz.clips.decode import READS
from linviz.views import File
from linviz.views.export.bundle import is_saved, unpacked

from . import location, own, saved
from .choice import OWN
from .controls import plain

KEY, SAID = "upload", "upload_said"  # the uploader's widget; a sentence on the file that came last
TITLE = "A file of somebody's own"
STAYS = ("A file stays in the memory of this visit, is written nowhere, and is gone when the visit ends: three minutes "
         "after the page was closed.")
ASKED = ("This link shows the file **{name}** (sha256 {sha256}…), which stays with whoever has it. Choose that file, "
         "and everything is set as it was.")
OTHER = ("This is not the file of the link, {asked} (sha256 {wanted}…), but {name} (sha256 {got}…): pictures and "
         "numbers are not those that the link was made for.")


def show() -> None:
    """The uploader and its sentences, where one's own file is chosen."""
    if st.session_state.clip != OWN:
        return
    left, right = st.columns([2, 3], gap="medium")
    file = left.file_uploader("Your own picture, clip or tensors, or a saved view", key=KEY, on_change=_changed)
    if st.session_state.pop(f"{KEY}_changed", False):
        with right, st.spinner("Reading the file …"):
            _take(file)
        st.rerun()  # without the empty place that a spinner leaves behind
    if own.current() is not None:
        left.button("Forget this file", on_click=_forget, type="tertiary", icon=":material/delete:")
    with right:
        _say()


def _changed() -> None:
    st.session_state[f"{KEY}_changed"] = True


def _take(file: Any) -> None:
    """A file has come. That none is there is no wish: browsers take the last one back before they send the next."""
    state = st.session_state
    if file is None:
        return
    state[SAID] = ""
    try:
        if is_saved(data := file.getvalue()):
            _open(data, file.name)
            return
        upload = own.bring(data, file.name, state.frames)
    except (Unreadable, ValueError) as error:
        state[SAID] = f"{error}."
        return
    if state.sha256 and own.current() is None:
        if state.sha256 != upload.sha256:
            state[SAID] = OTHER.format(asked=state.file or "which has no name", wanted=state.sha256[:8],
                                       name=upload.name, got=upload.sha256[:8])
    else:
        own.at_best(upload)
    own.keep(upload)


def _open(data: bytes, name: str) -> None:
    """A saved view has come: the page becomes what it was, and a file in it is brought."""
    view, media = unpacked(data, name)
    if isinstance(view.source, File) and media is not None:
        own.keep(own.bring(media, view.source.name, view.frames))
    parameters, left = saved.address(view)
    location.go(parameters)
    st.session_state.said = [said.replace("in the address", f"in {name}") for said in st.session_state.said] + left


def _forget() -> None:
    own.forget(st.session_state.sha256)
    st.session_state[SAID] = ""


def _say() -> None:
    """What is shown, what could not be, what is asked for; and what is done with a file."""
    state, upload = st.session_state, own.current()
    if upload is not None:
        said = upload.said(state.frames, state.patches)
        st.markdown(f"**{plain(upload.name)}**: {plain(said)}.")
    elif state.sha256:
        st.info(ASKED.format(name=plain(state.file or "without a name"), sha256=state.sha256[:8]))
    if state.get(SAID):
        st.warning(plain(state[SAID]))
    st.caption(f"{READS}; tensors q and k as .npz or .safetensors; a saved view as .linviz. {limits.said()} {STAYS}")
