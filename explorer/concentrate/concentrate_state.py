"""The state of the page Concentrate: a `View`, whose source may also be a file that is still to come.

The widget of the source holds a sample's name or OWN; the widget of the mechanisms holds texts like
"performer directions=64". What a gate reads and a shift are words of the specs, and their widgets are computed from
the specs.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from linviz import clips
from linviz.clips.tensor_layout import AUTO
from linviz.views import Look, SourceFile, View
from linviz.views.panel_options import panel_text, read_panel
from linviz.views.state_kinds import Source

from ..shared.page_state import PageState
from . import own_file
from .own_file import OWN
from .what_fits import best_fields, most_patches, moving, refusal, without_time_shift

LIVE = ("query", "options", "compare", *Look.settings())
COMPARE = "compare"  # the widget that unfolds the map of where two panels differ: open where the state compares two
SAMPLE = "concentrate_sample"  # in the session: the sample that was chosen last, shown again where no file is
TRAINED = "trained models have a page of their own, Trained, at the top of this page."


class ConcentrateState(PageState[View]):
    """The page's state. ValueError from `read_widgets` where the mechanisms cannot be drawn."""

    def base(self, parameters: Mapping[str, str]) -> View:
        """The view in which the sample of the URL shows best; of a person's own file, with its own best settings."""
        source = parameters.get("source", "")
        if source in clips.OPENINGS:
            return View.best(source)
        if source == OWN or "@" in source:
            return own_file.best_view(parameters)
        return self.opening

    def go(self, parameters: Mapping[str, str]) -> None:
        parameters = dict(parameters)
        if waits := parameters.get("source") == OWN:
            del parameters["source"]
        trained = parameters.get("source") in ("trained", "descriptors") and parameters.pop("source") == "trained"
        super().go(parameters)
        own_file.choose_source(self.state.source if isinstance(self.state.source, SourceFile) else None)
        try:
            own_file.follow_layout(self.state)
        except clips.Unreadable as error:
            self.problems.append(f"{error}.")
        st.session_state[own_file.LINK] = parameters if own_file.is_awaited(self.state) else {}
        if trained:
            self.problems.insert(0, f"source='trained' in the address has no effect: {TRAINED}")
        if waits:
            self.put(source=OWN)

    def show(self, state: View) -> None:
        super().show(state)
        st.session_state[COMPARE] = state.compare is not None
        st.session_state[own_file.BEST] = best_fields(state, own_file.size_of(state))

    def panel_keys(self, state: View) -> list[str]:
        """What tells the panels of a view apart."""
        return [panel_text(*one) for one in state.panels]

    def settle(self, state: View) -> tuple[View, list[str]]:
        """As many patches as a browser can follow, in two frames at least of a clip; no shift that cannot be."""
        problems: list[str] = []
        size = own_file.size_of(state)
        if isinstance(state.source, SourceFile) and size is None:
            return state, problems
        if state.causal and (why := own_file.why_not_causal(state)):
            problems.append(why)
            state = replace(state, causal=False)
        most = most_patches(state, size)
        good = [one for one in state.panels if not refusal(*one)]
        if len(good) < len(state.panels):
            problems += [f"{why}." for one in state.panels if (why := refusal(*one))]
            state = self._with_panels(state, good or self.opening.panels)
        if state.patches > most:
            problems.append(f"At most {most} patches per side can be shown here, not {state.patches}.")
            state = replace(state, patches=most, query=None)
        if (panels := without_time_shift(state, moving(state, size))) != list(state.panels):
            why = ("a shift in time brings in the next frame, which no patch may see" if state.causal else
                   "a photograph has no neighbours in time")
            problems.append(f"The shift in time is left out: {why}.")
            state = self._with_panels(state, list(dict.fromkeys(panels)))
        return state, problems

    def to_widgets(self, state: View) -> dict[str, Any]:
        values = super().to_widgets(state)
        own = isinstance(state.source, SourceFile)
        return values | {"source": OWN if own else state.source, "specs": [panel_text(*one) for one in state.panels]}

    def from_widgets(self, values: dict[str, Any], last: View) -> View:
        """Without a file, the sample that was shown last stays."""
        values = dict(values)
        source: Any = values.pop("source", None)
        if source == OWN:
            source = own_file.current_source() or st.session_state.get(SAMPLE, self.opening.source)
        elif source is not None:
            st.session_state[SAMPLE] = source
        panels = [read_panel(text) for text in values.pop("specs", [])]
        if panels:
            values |= {"specs": tuple(spec for spec, _ in panels), "options": tuple(opts for _, opts in panels),
                       "compare": self._kept_pair(last, [panel_text(*one) for one in panels])}
        if upload := own_file.find_upload(source):
            values["head"] = min(max(values.get("head", last.head), upload.lowest_head), upload.heads)
            values |= {"layout": upload.layout, "layer": upload.layer}
        elif isinstance(source, str):
            values |= {"head": 1, "layout": AUTO, "layer": 1}
        if source is not None and source != last.source:
            values |= {"source": source, "query": None, "frame": None}
        return last.with_values(**values)

    def _kept_pair(self, last: View, keys: list[str]) -> tuple[int, int] | None:
        """Where the two panels that are compared stand now; None where one of them is gone."""
        there = self.panel_keys(last)
        found = [keys.index(there[n]) for n in last.compare or () if there[n] in keys]
        return (found[0], found[1]) if len(found) == 2 else None

    def _with_panels(self, state: View, panels: Sequence[tuple[str, Mapping[str, Any]]]) -> View:
        """The view with other panels; it compares the same two, where both are there."""
        specs, options = zip(*panels)
        return replace(state, specs=specs, options=options, compare=self._kept_pair(state, [
            panel_text(*one) for one in panels]))

    def picture(self) -> View:
        """The view as the widgets of the picture have it now, before the others are drawn."""
        names = ("source", "patches", "frames")
        values = {name: self.value(name) for name in names if self.key(name) in st.session_state}
        return self.from_widgets(values, self.state)

    def beside(self) -> dict[str, str]:
        """The source, which decides what the other fields are compared with; OWN while a file is still to come."""
        source = self.state.source
        if self.value("source") == OWN and not isinstance(source, SourceFile):
            return {"source": OWN}
        link = own_file.linked_fields() if own_file.is_awaited(self.state) else {}
        return {name: link[name] for name in best_fields(self.state, None) if name in link} | (
            {} if source == self.opening.source else {"source": Source().write(source)})


STATE = ConcentrateState("concentrate", View(), LIVE)
