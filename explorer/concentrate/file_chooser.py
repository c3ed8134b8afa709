"""Where a person brings a file of their own to the page Concentrate, and what is said about it."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from linviz.clips import Unreadable, limits
from linviz.clips.file_formats import READS
from linviz.clips.tensor_layout import AUTO
from linviz.views import SourceFile, View
from linviz.views.export.bundle import is_bundle, unpack_bundle
from linviz.views.load import file_note
from linviz.views.state_kinds import Source

from ..shared.capture_uploads import find_capture, forget_capture
from ..shared.uploads_in_memory import STAYS
from ..shared.widgets import escape_markdown
from . import own_file
from .concentrate_state import SAMPLE, STATE
from .own_file import OWN
from .tensor_format import show_format
from .what_fits import best_fields

KEY, SAID = "concentrate_upload", "concentrate_upload_said"  # the uploader's widget; a sentence on the newest file
TITLE = "Your own file"
ASKED = ("This link shows the file **{name}** (sha256 {sha256}…), which stays with its owner. Choose that file, and "
         "everything is set as it was.")
OTHER = ("This is not the file of the link, {asked} (sha256 {wanted}…), but {name} (sha256 {got}…). Pictures and "
         "numbers are not those that the link was made for.")


def show_chooser() -> None:
    """The uploader and its sentences, where a person's own file is chosen."""
    if STATE.value("source") != OWN:
        return
    left, right = st.columns([2, 3], gap="medium")
    file = left.file_uploader("Your own picture, clip, tensors or capture, or a saved view", key=KEY,
                              on_change=_file_changed)
    if st.session_state.pop(f"{KEY}_changed", False):
        with right, st.spinner("Reading the file …"):
            _take_file(file)
        st.rerun()  # without the empty place that a spinner leaves behind
    if own_file.find_upload(own_file.current_source()) is not None:
        left.button("Forget this file", on_click=_forget_file, type="tertiary", icon=":material/delete:")
    with right:
        _say_what_is_shown()


def _file_changed() -> None:
    st.session_state[f"{KEY}_changed"] = True


def _take_file(file: Any) -> None:
    """A file has come. No file is no wish: browsers take the last one back before they send the next."""
    state = st.session_state
    if file is None:
        return
    state[SAID] = ""
    try:
        if is_bundle(data := file.getvalue()):
            _open_saved_view(data, file.name)
            return
        wanted = own_file.current_source()
        awaited = wanted is not None and own_file.find_upload(wanted) is None
        upload = own_file.read_upload(data, file.name, STATE.state.frames, STATE.value("layout") if awaited else AUTO,
                                      STATE.state.layer if awaited else None)
    except (Unreadable, ValueError) as error:
        state[SAID] = f"{error}."
        return
    own_file.keep_upload(upload)
    if awaited and wanted is not None and wanted.sha256 != upload.source.sha256:
        state[SAID] = OTHER.format(asked=wanted.name, wanted=wanted.sha256[:8], name=upload.source.name,
                                   got=upload.source.sha256[:8])
    own_file.choose_source(upload.source)
    set_best_fields(View(upload.source), upload.size, own_file.linked_fields() if awaited else {})
    STATE.put(layout=upload.layout)
    follow_layer(upload, keep=awaited)


def set_best_fields(new: View, size: tuple[int, ...] | None, link: Mapping[str, str] | None = None) -> None:
    """Fields that were as the old picture shows best become as the new one does; what a visitor or a link set stays.

    What is best for a picture is remembered: a file may be gone by the time another one comes.
    """
    last, state = STATE.state, st.session_state
    before, after = state[own_file.BEST], best_fields(new, size)
    for name, value in after.items():
        if state.get(STATE.key(name), getattr(last, name)) == before[name] and name not in (link or {}):
            STATE.put(**{name: value})
    state[own_file.BEST] = after


def _open_saved_view(data: bytes, name: str) -> None:
    """A saved view has come: the page becomes what it was, and a file in it is brought."""
    view, media = unpack_bundle(data, name)
    if isinstance(view.source, SourceFile) and media is not None:
        own_file.keep_upload(own_file.read_upload(media, view.source.name, view.frames, view.layout, view.layer))
    source = {"source": Source().write(view.source)}
    STATE.go(view.to_parameters(STATE.base(source)) | source)
    STATE.problems[:] = [said.replace("in the address", f"in {name}") for said in STATE.problems]
    ask_live_view()


def ask_live_view() -> None:
    """The live view is asked for the query and the look of the page's state."""
    view = STATE.state
    st.session_state.visit.live.ask(view.query, view.look)


def change_layout() -> None:
    """Read the tensors in the layout that was chosen, or say why they cannot be: a callback."""
    upload = own_file.find_upload(own_file.current_source())
    if upload is None or upload.tensors is None:
        return
    st.session_state[SAID] = ""
    try:
        new = own_file.read_tensors(upload.data, upload.source.name, STATE.value("layout"))
    except Unreadable as error:
        st.session_state[SAID] = f"{error}."
        new = upload
    own_file.keep_upload(new)
    STATE.put(layout=new.layout)


def change_layer() -> None:
    """Read the layer of the capture that was chosen, or say why it cannot be shown: a callback."""
    source = own_file.current_source()
    upload, file = own_file.find_upload(source), find_capture(source)
    if upload is None or file is None:
        return
    st.session_state[SAID] = ""
    try:
        upload = own_file.read_layer(file, STATE.value("layer"))
    except Unreadable as error:
        st.session_state[SAID] = f"{error}."
    own_file.keep_upload(upload)
    follow_layer(upload)


def follow_layer(upload: own_file.Upload, keep: bool = False) -> None:
    """The widgets as the layer of a capture has them: its number, and mechanisms that see what the layer sees.

    keep  the mechanisms are a link's and stay
    """
    file = find_capture(upload.source)
    if file is None:
        return
    STATE.put(layer=upload.layer)
    if not keep:
        one = file.capture[upload.layer]
        STATE.put(specs=scoped_texts(STATE.value("specs"), one.scope), causal=one.causal)


def scoped_texts(texts: Sequence[str], scope: str) -> list[str]:
    """The mechanisms' texts within the scope of a layer; those that name a window or rows of their own stay.

    >>> scoped_texts(["softmax", "linear@time", "performer directions=8", "swin@window:7"], "space")
    ['softmax@space', 'linear@space', 'performer@space directions=8', 'swin@window:7']
    >>> scoped_texts(["softmax@space", "linear@space"], "joint")
    ['softmax', 'linear']
    """
    made = []
    for text in texts:
        spec, gap, options = text.partition(" ")
        name, _, own = spec.partition("@")
        within = spec if own not in ("", "time", "space") else name if scope == "joint" else f"{name}@{scope}"
        made.append(within + gap + options)
    return list(dict.fromkeys(made))


def _forget_file() -> None:
    source = own_file.current_source()
    if source is not None:
        forget_capture(source)
        st.session_state.get(own_file.UPLOADS, {}).pop(source.sha256, None)
    own_file.choose_source(None)
    st.session_state[SAID] = ""
    set_best_fields(View(st.session_state.get(SAMPLE, View().source)), None)


def _say_what_is_shown() -> None:
    """What is shown, what could not be, what is awaited; and what is done with a file."""
    state, source = st.session_state, own_file.current_source()
    upload = own_file.find_upload(source)
    if upload is not None:
        if upload.asked:
            st.info(f"{escape_markdown(upload.asked)}. Heads first is shown: choose with Layout, in the sidebar.")
        grid = upload.grid(STATE.picture())
        note = file_note(upload.media(grid.T), grid)
        st.markdown(f"**{escape_markdown(upload.source.name)}**: {escape_markdown(note)}.")
    elif source is not None:
        st.info(ASKED.format(name=escape_markdown(source.name), sha256=source.sha256[:8]))
    if state.get(SAID):
        st.warning(escape_markdown(state[SAID]))
    with st.expander("What can be read, and where a file stays") if upload is not None else st.container():
        st.caption(f"{READS}; tensors q and k as .npz or .safetensors; a capture of a model or a saved "
                   f"view as .linviz. "
                   f"{limits.limits_sentence()} {STAYS}")
    show_format()
