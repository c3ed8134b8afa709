"""A page's state in a visitor's session: the URL, the widgets and one `State`, kept in step.

A field has one name everywhere: the URL's parameter, the attribute of the state, and, after the page's name, the key
of the widget: `reach_patches`. The URL is read when a visitor comes to the page, goes back or goes forward; afterwards
the widgets rule, and the URL follows.

Streamlit's own `bind="query-params"` does not serve here. It drops a wrong value in silence, where a visitor gets one
sentence. Its defaults are fixed, while a photograph's best patches depend on another parameter. And the query and the
look come from the live view, which is no widget.
"""
from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Generic, TypeVar

import streamlit as st

from linviz.settings import State

from .guided_tours import is_elsewhere, read_step, step_parameters, take_wanted
from .url_history import History, stays

S = TypeVar("S", bound=State)


class PageState(Generic[S]):
    """The state of one page. `opening`: what a bare URL stands for; `live`: fields that the live view sets.

    A page with more to say overrides `base`, `settle`, `to_widgets` and `from_widgets`.
    """

    def __init__(self, page: str, opening: S, live: Collection[str] = ()) -> None:
        self.page, self.opening, self.live = page, opening, live

    def base(self, parameters: Mapping[str, str]) -> S:
        """What a URL stands for that says nothing but what decides this: the opening."""
        return self.opening

    def settle(self, state: S) -> tuple[S, list[str]]:
        """The nearest state that can be shown, and a sentence on every change."""
        return state, []

    def to_widgets(self, state: S) -> dict[str, Any]:
        """The values of the widgets, by field."""
        values = {name: state.flat_value(name) for name in state.flat_settings() if name not in self.live}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def from_widgets(self, values: dict[str, Any], last: S) -> S:
        """The state of widgets; what no widget holds stays as it was `last`."""
        return last.with_values(**{name: tuple(value) if isinstance(value, list) else value
                                   for name, value in values.items()})

    # ---------------------------------------------------------------------------------------- the session

    def key(self, name: str) -> str:
        """The key of a field's widget."""
        return f"{self.page}_{name}"

    @property
    def state(self) -> S:
        """The state that was shown last."""
        found: S = st.session_state[self.page]
        return found

    @property
    def problems(self) -> list[str]:
        """A sentence on everything of the URL that could not be used."""
        found: list[str] = st.session_state.setdefault(self.key("problems"), [])
        return found

    @property
    def drawn(self) -> dict[str, bool]:
        """Fields that have had a widget, and whether they have one in this run."""
        found: dict[str, bool] = st.session_state.setdefault(self.key("drawn"), {})
        return found

    @property
    def history(self) -> History:
        """The page's URL in this visit."""
        found: History = st.session_state.setdefault(self.key("history"), History())
        return found

    def come(self) -> bool:
        """Before any widget: the URL goes into the state once, and when somebody goes back or forward; whether it did.

        Coming back from another page, whose widgets have replaced these, everything stands as it was left.
        """
        stayed, read = stays(self.page), False
        self.drawn.update(dict.fromkeys(self.drawn, False))
        if (wanted := take_wanted(self.page)) is not None:  # a guided tour goes on: the address follows
            self.go(wanted)
            read = True
        elif (self.page not in st.session_state or self.history.moved(stayed, self._widgets())
              or (not stayed and is_elsewhere(st.query_params.to_dict()))):
            self.go(read_step(self.page, st.query_params.to_dict()))
            self.history.came(self._widgets())
            read = True
        elif self.problems and self._widgets() != (st.session_state.get(self.key("said_of")) or self._widgets()):
            self.problems.clear()  # something else is chosen, and the URL says so: nothing of it is wrong any more
        for name, value in self.to_widgets(self.state).items():
            st.session_state.setdefault(self.key(name), value)
        return read

    def go(self, parameters: Mapping[str, str]) -> None:
        """Everything as parameters say: only in a callback, or before the widgets are made."""
        found, problems = type(self.opening).from_parameters(parameters, self.base(parameters))
        found, more = self.settle(found)
        st.session_state[self.key("problems")], st.session_state[self.key("said_of")] = problems + more, None
        self.show(found)

    def show(self, state: S) -> None:
        """Set the state and all widgets: only in a callback, or before the widgets are made."""
        st.session_state[self.page] = state
        self.put(**self.to_widgets(state))

    def put(self, **fields: Any) -> None:
        """Set some widgets: only in a callback, or before they are made."""
        for name, value in fields.items():
            if st.session_state.get(self.key(name)) != value:  # a widget that is set on every run loses key presses
                st.session_state[self.key(name)] = value

    def value(self, name: str) -> Any:
        """What a widget holds."""
        return st.session_state[self.key(name)]

    def reset(self) -> None:
        """Everything as on opening: a callback."""
        st.session_state[self.key("problems")] = []
        self.show(self.opening)

    def read_widgets(self) -> S:
        """The state as the widgets have it now, settled; ValueError where a widget holds what cannot be shown."""
        state, _ = self.settle(self.from_widgets(self._widgets(), self.state))
        st.session_state[self.page] = state
        return state

    def write_url(self, **live: Any) -> None:
        """Bring the URL up to the state and to what the live view has done."""
        state = self.state.with_values(**live)
        st.session_state[self.page] = state
        for name in [name for name, there in self.drawn.items() if not there]:
            st.session_state.pop(self.key(name), None)  # Streamlit would bring an old value of it back
        parameters = state.to_parameters(self.base(state.to_parameters(self.opening)))
        self.history.write(step_parameters(self.page) | self.beside() | parameters, self._widgets())
        if st.session_state.get(self.key("said_of")) is None:  # what the widgets hold once the page is drawn
            st.session_state[self.key("said_of")] = self._widgets()

    def beside(self) -> dict[str, str]:
        """Parameters that the page writes beside those of its state."""
        return {}

    def _widgets(self) -> dict[str, Any]:
        """What the widgets hold that are there."""
        if self.page not in st.session_state:
            return {}
        names = self.to_widgets(self.state)
        return {name: st.session_state[self.key(name)] for name in names if self.key(name) in st.session_state}
