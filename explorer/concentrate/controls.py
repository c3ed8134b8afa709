"""The controls of the page Concentrate: what a visitor can choose, and what is said where it cannot be drawn.

Every widget belongs to a field of `View`, by its name; `STATE` keeps widgets, view and URL in step.
"""
from __future__ import annotations

from typing import Any

import streamlit as st

from linviz import clips
from linviz.clips.tensors import tensors_title
from linviz.mechanisms import REGISTRY, parse
from linviz.models import LABEL
from linviz.views import SourceFile, View
from linviz.views.panel_options import declared_options, panel_text, read_panel

from ..shared.capture_uploads import find_capture
from ..shared.widgets import draw_field, draw_widget, escape_markdown, is_dark
from . import own_file
from .concentrate_state import STATE
from .file_chooser import change_layer, change_layout, set_best_fields
from .mechanism_menu import READS, SHIFTS, gate_words, means_panel, menu, spec_title, with_gate_words
from .own_file import OWN
from .scan_note import scan_with_words
from .visit import Visit
from .what_fits import CAP, most_patches, moving, page_grid, refusal

key = STATE.key
SPECS_HELP = ("Floor: a constant that is added to every feature of relu. Gate: a ratio between 0 and 1 for every "
              "feature of every patch. Choose from the list, or type a spec: relu_floor+gate:qk+shift:space, "
              "softmax@window:7, performer directions=64.")
NARROW = " The picture is so narrow that this number of patches fits it better than the number chosen."


def choose_view(visit: Visit) -> View:
    """Show the controls in the sidebar; the view that is chosen, or the last one that could be drawn."""
    with st.sidebar:
        _show_picture()
        most = View.limits("specs")["high"]
        choices = list(dict.fromkeys([*menu(), *STATE.value("specs")]))  # some were typed, or came by a link
        st.multiselect(f"Mechanisms side by side, one to {most}", choices, key=key("specs"), format_func=spec_title,
                       max_selections=most, select_all=False, accept_new_options=True, help=SPECS_HELP)
        view, problem = _readable_view()
        if problem:
            st.error(escape_markdown(problem))
        draw_field(STATE, "causal")
        if gate_words(STATE.value("specs")):
            with st.expander("The gate"):
                _show_gate(visit, view)
        if any(declared_options(spec) for spec in view.specs):
            with st.expander("Options of the mechanisms"):
                _show_options(view)
        st.button("Reset", on_click=_reset, args=(visit,), width="stretch")
    return view


def _readable_view() -> tuple[View, str]:
    """The view of the widgets; of wrong mechanisms the others are drawn, and a sentence says what is wrong."""
    good, problems = [], []
    for text in STATE.value("specs"):
        try:
            panel = read_panel(text)
            if why := refusal(*panel):
                raise ValueError(why)
            good.append(panel_text(*panel))
        except ValueError as error:
            problems.append(f"{error}.")
    if not good and not problems:
        problems.append("Choose a mechanism: the last ones that were chosen are shown.")
    last = STATE.state
    shown = list(dict.fromkeys(good)) or [panel_text(*one) for one in last.panels]
    values: dict[str, Any] = {**{name: STATE.value(name) for name in STATE.to_widgets(last)
                                 if key(name) in st.session_state}, "specs": shown}
    try:
        view, more = STATE.settle(STATE.from_widgets(values, last))
    except ValueError as error:
        return last, f"{error}."
    st.session_state[STATE.page] = view
    return view, " ".join(problems + more)


# ------------------------------------------------------------------------------------------------ the picture


def _show_picture() -> None:
    st.selectbox("Photograph or clip", [OWN, *clips.names()], key=key("source"), on_change=_source_changed,
                 format_func=_source_title)
    view = STATE.picture()
    size = own_file.size_of(view)
    if size is not None and len(size) == 4:
        _show_tensors(view)
        return
    longer = "Patches along the longer side" if STATE.value("source") == OWN else "Patches per side"
    draw_field(STATE, "patches", longer, high=most_patches(view, size))
    clip = moving(view, size)
    if clip:
        draw_field(STATE, "frames")
    view = STATE.picture()
    grid = page_grid(view, size)
    if size is not None or not isinstance(view.source, SourceFile):
        frames = f"{grid.T} frames of " * clip
        st.caption(f"{frames}{grid.Y} x {grid.X} are {len(grid):,} patches{_why_fewer(view, grid.T, size)}."
                   + NARROW * (size is not None and max(grid.Y, grid.X) != view.patches))
    draw_field(STATE, "temperature")
    draw_field(STATE, "keys")


def _show_tensors(view: View) -> None:
    """Of tensors: which head, and by what their logits are divided."""
    upload = own_file.find_upload(view.source)
    if upload is not None and upload.tensors is not None:
        st.caption(f"{escape_markdown(tensors_title(upload.tensors))}: {len(upload.grid(view)):,} tokens.")
        if upload.layers > 1:
            draw_field(STATE, "layer", high=upload.layers, on_change=change_layer)
        if find_capture(upload.source) is None:
            draw_field(STATE, "layout", on_change=change_layout)
        if upload.heads > 1:
            label = "Head" if upload.lowest_head else "Head, or 0 for the mean of all"
            draw_field(STATE, "head", label, low=upload.lowest_head, high=upload.heads)
    draw_field(STATE, "temperature")


def _source_title(name: str) -> str:
    """What the menu calls a picture."""
    if name == OWN:
        return "Your own: bring a file"
    return f"{name.capitalize()} ({'photograph' if name in clips.PHOTOGRAPHS else 'clip'})"


def _why_fewer(view: View, frames: int, size: tuple[int, ...] | None) -> str:
    """Why there are not as many frames as were asked for."""
    if not moving(view, size) or frames == view.frames:
        return ""
    return "; there are no more frames" if size and frames == size[0] else f"; no more frames fit into {CAP:,}"


def _source_changed() -> None:
    """Another picture was chosen: a callback."""
    source = STATE.value("source")
    if source != OWN:
        set_best_fields(View(source), None)
    elif upload := own_file.find_upload(own_file.current_source()):
        set_best_fields(View(upload.source), upload.size)


def show_invitation() -> None:
    """A way to a person's own files that needs no sidebar, which telephones fold away."""
    if STATE.value("source") != OWN:
        st.button("Bring your own picture, clip, tensors or capture, or a saved view", on_click=STATE.put,
                  kwargs={"source": OWN}, type="tertiary", icon=":material/upload:")


# ------------------------------------------------------------------------------------------------ gates and options


def _show_gate(visit: Visit, view: View) -> None:
    """What gates read and their shift: widgets that are computed from the specs, and write them."""
    words = gate_words(STATE.value("specs"))
    timeless = view.causal or not moving(view, own_file.size_of(view))
    shifts = [shift for shift in SHIFTS if shift != "time" or not timeless]
    for name, value in words.items():
        if st.session_state.get(key(f"gate_{name}")) != value:
            st.session_state[key(f"gate_{name}")] = value if value in (*READS, *shifts, True, False) else "none"
    st.radio("It reads", READS, key=key("gate_reads"), format_func=READS.get, on_change=_gate_changed)
    st.checkbox("One layer for q and k", key=key("gate_shared"), on_change=_gate_changed)
    st.radio("Neighbours shifted into k and v", shifts, key=key("gate_shift"), horizontal=True, on_change=_gate_changed)
    draw_field(STATE, "steps")
    draw_field(STATE, "seed")
    st.button("Fit again", on_click=visit.refit, help=f"The gate is {LABEL}.", width="stretch")


def _gate_changed() -> None:
    """Every gated spec gets the words of the gate's widgets: a callback."""
    words = [STATE.value(f"gate_{name}") for name in ("reads", "shared", "shift")]
    STATE.put(specs=list(dict.fromkeys(with_gate_words(text, *words) for text in STATE.value("specs"))))


def _show_options(view: View) -> None:
    """What the mechanisms declare of their own: a widget for each option of each panel."""
    for n, (spec, options) in enumerate(view.panels):
        for name, declared in declared_options(spec).items():
            widget = key(f"option_{n}_{name}")
            value = options.get(name, default_option(spec, name))
            if st.session_state.get(widget) != value:
                st.session_state[widget] = value
            draw_widget(declared, widget, f"{spec_title(spec)}: {declared.label.lower()}", on_change=_option_changed,
                        args=(n, name), help=None)
            if name == "scan":
                st.html(scan_with_words(spec, value, is_dark()))


def default_option(spec: str, name: str) -> Any:
    """The value of an option that nobody has set.

    >>> default_option("cosformer", "axes")
    '1d'
    """
    return REGISTRY[parse(spec).name].option_default(name)


def _option_changed(n: int, name: str) -> None:
    """An option of panel n was changed: a callback."""
    spec, options = STATE.state.panels[n]
    value = STATE.value(f"option_{n}_{name}")
    changed = {**options, name: value}
    if value == default_option(spec, name):
        del changed[name]
    before, after = panel_text(spec, options), panel_text(spec, changed)
    STATE.put(specs=[after if means_panel(text, before) else text for text in STATE.value("specs")])


def _reset(visit: Visit) -> None:
    visit.reset()
    st.session_state[own_file.UPLOADS] = {}
    own_file.choose_source(None)
    STATE.reset()


# ------------------------------------------------------------------------------------------------ work on its way


@st.fragment(run_every=0.3)
def _show_progress(visit: Visit) -> None:
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


def show_work(visit: Visit) -> None:
    """The end of the sidebar: work on its way. Nothing may follow it, and nothing empty may stand before it.

    A browser drops what is empty, and would then look for this in the wrong place.
    """
    if visit.busy:
        with st.sidebar:
            _show_progress(visit)
