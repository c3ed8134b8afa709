"""The controls of the page Heads: model or capture, the number under a head, the order, another mechanism."""
from __future__ import annotations

import streamlit as st

from linviz.capture.head_numbers import number_title
from linviz.clips import Unreadable
from linviz.mechanisms import REGISTRY
from linviz.views import SourceFile

from ..shared.capture_uploads import find_capture, read_capture
from ..shared.uploads_in_memory import STAYS
from ..shared.widgets import draw_field, escape_markdown
from .head_work import head_jobs
from .heads_state import AS_IT_IS, OWN, SHIPPED, STATE, UNDER, HeadsView

key = STATE.key
VIEW, UPLOAD, SAID = "heads_view", "heads_upload", "heads_upload_said"  # keys of the session
ASKED = ("This link shows the capture **{name}** (sha256 {sha256}…), which stays with its owner. Choose that file, and "
         "everything is set as it was.")
READS = ("`linviz capture MODEL CLIP --out heads.linviz` writes a capture of your own model, and so does "
         "`linviz.capture.save_capture`. It holds numbers and text only.")


def choose_view() -> HeadsView:
    """Show the controls; what is chosen."""
    with st.sidebar:
        st.selectbox("Model", [*SHIPPED, OWN], key=key("source"), format_func=source_title)
        st.selectbox("Number under a head", HeadsView.limits("statistic")["words"], key=key("statistic"),
                     format_func=lambda name: number_title(name).capitalize())
        draw_field(STATE, "of")
        draw_field(STATE, "sort")
        st.selectbox("The same q, k and v under", UNDER, key=key("under"), format_func=under_title,
                     help=HeadsView.settings()["under"].help)
        st.button("Reset", on_click=STATE.reset, width="stretch")
    if STATE.value("source") == OWN:
        show_chooser()
    return STATE.read_widgets()


def source_title(name: str) -> str:
    """What the menu calls a model."""
    return "Your own: bring a capture" if name == OWN else SHIPPED[name][0]


def under_title(name: str) -> str:
    """What the menu calls a mechanism."""
    return "no other mechanism" if name == AS_IT_IS else REGISTRY[name].title


def show_chooser() -> None:
    """The uploader and its sentences."""
    left, right = st.columns([2, 3], gap="medium")
    file = left.file_uploader("A capture of your own model", key=UPLOAD, on_change=_file_changed)
    if st.session_state.pop(f"{UPLOAD}_changed", False) and file is not None:
        with right, st.spinner("Reading the file …"):
            _take_file(file.getvalue(), file.name)
    with right:
        source = STATE.state.source
        if isinstance(source, SourceFile) and find_capture(source) is None:
            st.info(ASKED.format(name=escape_markdown(source.name), sha256=source.sha256[:8]))
        if said := st.session_state.get(SAID):
            st.warning(escape_markdown(said))
        st.caption(f"{READS} {STAYS}")


def _file_changed() -> None:
    st.session_state[f"{UPLOAD}_changed"] = True


def _take_file(data: bytes, name: str) -> None:
    """Read a capture that has come, or say in one sentence why it cannot be read."""
    st.session_state[SAID] = ""
    try:
        source = read_capture(data, name).source
    except Unreadable as error:
        st.session_state[SAID] = f"{error}."
        return
    if source != STATE.state.source:
        set_fields(source=source, query=None)


def take_query() -> None:
    """Another patch was asked for in the view: a callback."""
    asked = st.session_state[VIEW].query
    if asked and len(asked["place"]) == 3:
        set_fields(query=tuple(int(n) for n in asked["place"]))


def set_fields(**values: object) -> None:
    """Set fields without a widget: the address follows, and nobody has gone back."""
    STATE.history.forget()
    try:
        st.session_state[STATE.page] = STATE.state.with_values(**values)
    except ValueError:  # no browser of ours sends this
        return


@st.fragment(run_every=0.4)
def _show_progress() -> None:
    jobs = list(head_jobs().jobs.values())
    if any(job.over for job in jobs):
        st.rerun()
    for job in jobs:
        st.progress(job.step / job.steps, f"Reading every row: layer {min(job.step + 1, job.steps)} of {job.steps}")


def show_work() -> None:
    """The end of the sidebar: work on its way."""
    if head_jobs().jobs:
        with st.sidebar:
            _show_progress()
